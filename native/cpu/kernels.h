#pragma once

#include <optional>
#include <string>

#include "mlx/array.h"

// Our kernels for the CPU, all in float32 and with gradients. Each computes what a few of MLX's operations compute.

namespace cygnet::cpu {

namespace mx = mlx::core;

// −log softmax(hidden · weightᵀ)[target] of each row, without ever holding all logits. hidden: [N, D], weight: [V, D] frozen,
// targets: [N] → [N]. The gradient for hidden is computed in the same pass, if it will be asked for.
mx::array linear_cross_entropy(const mx::array& hidden, const mx::array& weight, const mx::array& targets, bool with_gradient);

// softmax(q kᵀ · scale) v. q: [B, H, L, E]   k, v: [B, K, S, E]   → [B, H, L, E]. Causal: query i sees keys up to S − L + i.
mx::array attention(const mx::array& q, const mx::array& k, const mx::array& v, float scale, bool causal);

// gate · sigmoid(gate) · up
mx::array swiglu(const mx::array& gate, const mx::array& up);

}  // namespace cygnet::cpu
