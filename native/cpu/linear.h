#pragma once

#include <span>
#include <vector>

#include "mlx/array.h"
#include "product.h"

namespace cygnet::cpu {

namespace mx = mlx::core;

// One of the layers that share an input: y = x Wᵀ + bias + scale · (x A) B. Its arrays follow x in the inputs, in this order:
// W [N, K] or packed, scales, biases of groups, bias [N], A [K, R], B [R, N], a mask [M, R] that x A is multiplied with.
struct Projection {
  Format format;
  int bits = 0, group = 0;
  bool has_scales = false, has_biases = false, has_bias = false, has_update = false, has_mask = false;
  float scale = 1;
  int first = 0;  // index of W

  int scales() const { return first + 1; }
  int bias() const { return first + 1 + has_scales + has_biases; }
  int a() const { return bias() + has_bias; }
  int b() const { return a() + 1; }
  int mask() const { return a() + 2; }
  int end() const { return a() + 2 * has_update + has_mask; }
};

// W as it lies in memory, when the inputs are computed.
Matrix weight_of(const std::vector<mx::array>& inputs, const Projection& projection);
int columns_of(const std::vector<mx::array>& inputs, const Projection& projection);

// Its update's factors. A: [K, R]   B: [R, N]   mask: [M, R] or null
struct Update {
  const float *a = nullptr, *b = nullptr, *mask = nullptr;
  int rank = 0;
  float scale = 1;
};

// What a pass over one projection reads and writes.
struct LinearJob {
  Matrix w;
  Update update;
  const float* bias = nullptr;
  void* y = nullptr;    // [M, N]
  float* xa = nullptr;  // [M, R]
};

// Without its bias, output and x A.
LinearJob linear_job(const std::vector<mx::array>& inputs, const Projection& projection);
// x: [M, K] through layers that share it.
void linear_forward(Type type, const void* x, int M, int K, std::span<LinearJob> jobs);
// Throws where the operands do not fit M rows of x: [..., K] and each other.
void check_projection(const Projection& projection, int M, int K, const std::vector<mx::array>& inputs);

// x: [..., K] float32, bfloat16 or float16 → y_i: [..., N_i] in x's dtype, then x A of each update: float32 [rows, R].
// Adapters are float32. bf16 products where the processor has them, all else in float32.
std::vector<mx::array> linear(const mx::array& x, std::vector<mx::array> operands, std::vector<Projection> projections);

}  // namespace cygnet::cpu
