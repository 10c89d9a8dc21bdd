#pragma once

#include <optional>
#include <string>

#include "mlx/array.h"

// Our kernels for the CPU, all in float32 and with gradients. Each computes what a few of MLX's operations compute.

namespace cygnet::cpu {

namespace mx = mlx::core;

// What a pass of linear_cross_entropy computes beside the loss.
enum class Gradients { none, hidden, hidden_and_weight };

// The sum over rows of −log softmax(hidden · weightᵀ)[target], without ever holding all logits. hidden: [N, D],
// weight: [V, D], targets: [N] → scalar. Gradients that will be asked for are computed in the same pass.
mx::array linear_cross_entropy(
    const mx::array& hidden, const mx::array& weight, const mx::array& targets, Gradients gradients);

// x / rms(x) · weight over the last axis. weight: [D]
mx::array rms_norm(const mx::array& x, const mx::array& weight, float eps);

// Rotary position embedding of pairs: of the two halves of rows, or of neighbours (traditional). x: [..., L, E], its first row at
// position `offset`; frequencies: radians a position for each pair.
mx::array rope(const mx::array& x, const mx::array& frequencies, int offset, bool traditional);

// gate · sigmoid(gate) · up
mx::array swiglu(const mx::array& gate, const mx::array& up);

}  // namespace cygnet::cpu
