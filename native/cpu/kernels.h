#pragma once

#include <optional>
#include <string>
#include <vector>

#include "isa/isa.h"
#include "linear.h"
#include "mlx/array.h"

// Our kernels for the CPU, with gradients, in float32, bfloat16 or float16; sums are in float32. Each computes what a few of
// MLX's operations compute.

namespace cygnet::cpu {

namespace mx = mlx::core;

// What a pass of linear_cross_entropy computes beside the loss.
enum class Gradients { none, hidden, hidden_and_weight };

// The sum over rows of −log softmax(hidden · weightᵀ)[target], without ever holding all logits. hidden: [N, D],
// weight: [V, D] in any format, targets: [N] → float32 scalar. Gradients that will be asked for are computed in the same pass.
mx::array linear_cross_entropy(
    const mx::array& hidden, std::vector<mx::array> operands, Projection weight, const mx::array& targets, Gradients gradients);

// x / rms(x) · weight over the last axis. weight: [D]
mx::array rms_norm(const mx::array& x, const mx::array& weight, float eps);

// Rows of a table [V, D] in any format: ids [...] integers → [..., D] in `dtype`; zeros for ids outside the table.
mx::array embedding(const mx::array& ids, std::vector<mx::array> operands, Projection table, mx::Dtype dtype);

// w [..., K] packed along its last axis in groups, affine, to the bit as MLX packs it: weight [..., K · bits / 32] uint32, scales and
// biases [..., K / group] in w's dtype.
std::vector<mx::array> quantize(const mx::array& w, int group, int bits);

// x [T, K] through the experts [E, N, K], in any format, that indices [T, n] choose for each row → [T, n, N].
mx::array experts(const mx::array& x, std::vector<mx::array> operands, Projection weight, const mx::array& indices);

// h = x + delta, or x → [h / rms(h) · weight, h]: a norm within a residual stream, whose gradient is one pass.
std::vector<mx::array> residual_rms_norm(
    const mx::array& x, const std::optional<mx::array>& delta, const mx::array& weight, float eps);

// Rotary position embedding of pairs: of the two halves of rows, or of neighbours (traditional). x: [..., L, E], its first row at
// position `offset`; frequencies: radians a position for each pair.
mx::array rope(const mx::array& x, const mx::array& frequencies, int offset, bool traditional);

// activation(gate) · up: SwiGLU or GeGLU
mx::array gated(const mx::array& gate, const mx::array& up, Gate kind);

mx::array add(const mx::array& a, const mx::array& b);

// One Adam update of many tensors of any floating dtype; each tensor's four arrays share shape and dtype. Returns all new
// parameters, then all first moments, then all second ones. No gradient.
std::vector<mx::array> adam(
    const std::vector<mx::array>& parameters, const std::vector<mx::array>& gradients, const std::vector<mx::array>& m,
    const std::vector<mx::array>& v, const AdamStep& step);

// How a token is drawn; the filters look at the distribution at temperature 1. temperature 0: the likeliest. A filter is off at
// top_p 1, min_p 0, top_k 0.
struct Sampling {
  float temperature, top_p, min_p;
  int top_k;
};

// Tokens chosen from logits [B, V] + bias [V]: ids [B], uint32, and the logarithms of their probabilities at temperature 1 without
// filters: [B], float32. bits: [B, 2] random uint32, for a temperature above 0. Of equal logits the first is the likeliest.
std::vector<mx::array> sample(
    const mx::array& logits, const std::optional<mx::array>& bias, const std::optional<mx::array>& bits, const Sampling& sampling);

}  // namespace cygnet::cpu
