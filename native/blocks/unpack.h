#pragma once

#include "non_linear.h"
#include "super_blocks.h"

// Blocks → float32, with ggml's order of products.

namespace cygnet::cpu {
namespace CYGNET_ISA {

INLINE void unpack(const Q8_0& block, float* out) {
  const float d = from_half(block.d);
  for (int i = 0; i < kSmall; i++) out[i] = d * block.qs[i];
}

// Nibbles and fifth bits: 16 of the levels are in the low halves of bytes.
INLINE void small_levels(const uint8_t* qs, uint32_t qh, int* q) {
  for (int i = 0; i < 16; i++) {
    q[i] = (qs[i] & 15) | (qh >> i & 1) << 4;
    q[i + 16] = qs[i] >> 4 | (qh >> (i + 16) & 1) << 4;
  }
}

INLINE void unpack(const Q4_0& block, float* out) {
  const float d = from_half(block.d);
  int q[kSmall];
  small_levels(block.qs, 0, q);
  for (int i = 0; i < kSmall; i++) out[i] = static_cast<float>(q[i] - 8) * d;
}

INLINE void unpack(const Q5_0& block, float* out) {
  const float d = from_half(block.d);
  int q[kSmall];
  small_levels(block.qs, block.qh, q);
  for (int i = 0; i < kSmall; i++) out[i] = static_cast<float>(q[i] - 16) * d;
}

INLINE void unpack(const Q4_1& block, float* out) {
  const float d = from_half(block.d), m = from_half(block.m);
  int q[kSmall];
  small_levels(block.qs, 0, q);
  for (int i = 0; i < kSmall; i++) out[i] = static_cast<float>(q[i]) * d + m;
}

INLINE void unpack(const Q5_1& block, float* out) {
  const float d = from_half(block.d), m = from_half(block.m);
  int q[kSmall];
  small_levels(block.qs, block.qh, q);
  for (int i = 0; i < kSmall; i++) out[i] = static_cast<float>(q[i]) * d + m;
}

INLINE void unpack(const IQ4_NL& block, float* out) {
  const float d = from_half(block.d);
  for (int i = 0; i < 16; i++) {
    out[i] = d * kThresholds.level[block.qs[i] & 15];
    out[i + 16] = d * kThresholds.level[block.qs[i] >> 4];
  }
}

INLINE void unpack(const Q2_K& block, float* out) {
  const float d = from_half(block.d), dmin = from_half(block.dmin);
#pragma GCC unroll 16
  for (int j = 0; j < 16; j++, out += 16) {
    const ScaleAndMin of = scale_of(block, j);
    const float scale = d * of.scale, min = dmin * of.min;
    const uint8_t* qs = block.qs + j / 8 * 32 + j % 2 * 16;
    for (int i = 0; i < 16; i++) out[i] = scale * (qs[i] >> j % 8 / 2 * 2 & 3) - min;
  }
}

INLINE void unpack(const Q3_K& block, float* out) {
  const float d = from_half(block.d);
#pragma GCC unroll 16
  for (int j = 0; j < 16; j++, out += 16) {
    const float scale = d * scale_of(block, j);
    const uint8_t *qs = block.qs + j / 8 * 32 + j % 2 * 16, *high = block.hmask + j % 2 * 16;
    for (int i = 0; i < 16; i++) out[i] = scale * ((qs[i] >> j % 8 / 2 * 2 & 3) + (high[i] >> j / 2 & 1) * 4 - 4);
  }
}

INLINE void unpack(const Q4_K& block, float* out) {
  const float d = from_half(block.d), dmin = from_half(block.dmin);
#pragma GCC unroll 16
  for (int j = 0; j < 8; j++, out += 32) {
    const ScaleAndMin of = scale_of(block, j);
    const float scale = d * of.scale, min = dmin * of.min;
    const uint8_t* qs = block.qs + j / 2 * 32;
    for (int i = 0; i < 32; i++) out[i] = scale * (qs[i] >> j % 2 * 4 & 15) - min;
  }
}

INLINE void unpack(const Q5_K& block, float* out) {
  const float d = from_half(block.d), dmin = from_half(block.dmin);
#pragma GCC unroll 16
  for (int j = 0; j < 8; j++, out += 32) {
    const ScaleAndMin of = scale_of(block, j);
    const float scale = d * of.scale, min = dmin * of.min;
    const uint8_t* qs = block.qs + j / 2 * 32;
    for (int i = 0; i < 32; i++) out[i] = scale * ((qs[i] >> j % 2 * 4 & 15) + (block.qh[i] >> j & 1) * 16) - min;
  }
}

INLINE void unpack(const Q6_K& block, float* out) {
  const float d = from_half(block.d);
#pragma GCC unroll 16
  for (int j = 0; j < 16; j++, out += 16) {
    const float scale = d * block.scales[j];
    const uint8_t *low = block.ql + j / 8 * 64 + j % 4 * 16, *high = block.qh + j / 8 * 32 + j % 2 * 16;
    for (int i = 0; i < 16; i++) {
      out[i] = scale * ((low[i] >> j % 8 / 4 * 4 & 15) + (high[i] >> j % 8 / 2 * 2 & 3) * 16 - 32);
    }
  }
}

template <typename Block>
static void unpack_all(const uint8_t* blocks, int64_t count, float* out) {
  constexpr int n = sizeof(Block) < 40 ? kSmall : kSuper;
  for (int64_t b = 0; b < count; b++) unpack(reinterpret_cast<const Block*>(blocks)[b], out + b * n);
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
