#pragma once

#include <utility>

#include "mlx/array.h"

namespace cygnet::cpu {

// The cross-entropy of hidden · weightᵀ against targets, without ever holding all logits.
//   hidden: [N, D] float32   weight: [V, D] float32   targets: [N] int32
// Returns the loss of each row [N] and its gradient for the row [N, D], empty unless asked for. Only `hidden` is
// differentiated: the head is frozen.
std::pair<mlx::core::array, mlx::core::array> linear_cross_entropy(
    const mlx::core::array& hidden, const mlx::core::array& weight, const mlx::core::array& targets, bool with_gradient);

}  // namespace cygnet::cpu
