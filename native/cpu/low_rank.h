#pragma once

#include "product.h"

// Small float32 matrices (the factors of an adapter) in products that run in bf16: x ≈ high + low, each a bf16, keeps 16 bits of
// the mantissa, and products of such sums come out as products of longer bf16 rows. With float32 panels nothing is split.

namespace cygnet::cpu {

// How many columns one becomes.
int split_outputs(Panel panel);  // [high | low], of a product's outputs
int split_depth(Panel panel);    // [high | low | high] · [high | high | low], of a product's depth

// Where the parts of a split matrix lie: beside each other, or below each other.
enum class Parts { beside, below };
enum class Order { high_low, high_low_high, high_high_low };

// factor · m [rows, cols] in parts. Beside: rows are `ld` elements apart (0: as long as they are), the first at `at`.
Matrix split(Scratch& scratch, Panel panel, const float* m, int rows, int cols, Order order, Parts parts, float factor = 1);

// Matrices of `rows` rows, each split high_low, all beside each other.
struct Small {
  const float* data;
  int cols;
};
Matrix split_all(Scratch& scratch, Panel panel, std::span<const Small> matrices, int rows);

// Adds the parts of outputs up again: in [rows, ld] at `first` → out [rows, cols], times factor. Beside, or below (rows apart).
void fold(Panel panel, const float* in, int64_t ld, int rows, int cols, Parts parts, float factor, float* out);

}  // namespace cygnet::cpu
