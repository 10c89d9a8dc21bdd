#pragma once

#include "attention.h"
#include "linear.h"

namespace cygnet::cpu {

// The layers of a block, in the order in which their operands come.
enum Layer : int { kQ, kK, kV, kO, kGate, kUp, kDown, kLayers };

struct BlockSettings {
  float attention_eps, mlp_eps;  // of the norms before attention and before the MLP
  Gate gate;
  AttentionSettings attention;   // with heads and a cache
  std::vector<Projection> layers;
};

// A transformer block over a cache, for inference: h = x + o(attention(norm(x))), h + down(activation(gate(n)) · up(n)) with
// n = norm(h). inputs: x [B, L, D], the two norms' weights [D], then what `attention` names after its third input, then the
// operands of the layers. Returns the block's output and the cache's keys and values, in their own memory where nobody else
// has it. No gradient.
Arrays decoder_block(Arrays inputs, BlockSettings settings);

}  // namespace cygnet::cpu
