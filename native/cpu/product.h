#pragma once

#include <span>

#include "isa/isa.h"
#include "scratch.h"

// Products of activations with weights of any format, over the threads; sums in float32.
//
//   y [M, N] = Σ over terms of a wᵀ      a: [M, D]   w: [N, D]
//
// Either operand may be stored `turned`, its depth D along the rows: a as [D, M], w as [D, N].

namespace cygnet::cpu {

enum class Panel { f32, bf16 };

// bf16 where the processor multiplies it; elsewhere bf16 goes through float32 panels.
Panel panel_for(Type activations);

// Which operand's rows are the rows of the inner blocks: that of weights as a model stores them, or of turned ones. Both work
// for both; packing is cheaper this way.
enum class Side { weights, activations };

// Activations as the inner blocks read them, for several products.
class Packed {
 public:
  Packed(Scratch& scratch, Side side, Panel panel, const Matrix& a, bool turned = false);

  Side side;
  Panel panel;
  int M, depth, padded;
  int tile;  // rows of a block
  const uint8_t* block(int i) const { return data_ + int64_t(i) * tile * padded * element_; }

 private:
  int element_;
  uint8_t* data_;
};

struct Term {
  const Packed& a;
  Matrix w;
  bool turned = false;
};

// Rows `ld` elements apart. bias: [N] or null. add: to what is there.
struct Output {
  Type type;
  void* data;
  int64_t ld;
  const float* bias = nullptr;
  bool add = false;
};

// The terms' activations are packed alike.
void multiply(std::span<const Term> terms, int N, const Output& y);

// Up to this many rows the weights are read once where they lie; beyond, packing them pays.
constexpr int kFewRows = 2;

// The same for one to a few rows, each weight read once where it lies. x: [M, D] of `type`, y: float32 [M, N].
void multiply_rows(Type type, const void* x, int M, std::span<const Matrix> weights, std::span<float* const> y);

int size_of(Type type);
Matrix dense(Type type, const void* data, int rows, int cols);

}  // namespace cygnet::cpu
