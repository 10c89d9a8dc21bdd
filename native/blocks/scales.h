#pragma once

#include "lanes.h"

// Where the bits of scales and levels lie in the super-blocks.

namespace cygnet::cpu {
namespace CYGNET_ISA {

struct ScaleAndMin {
  uint8_t scale, min;
};

INLINE void set_scale(Q2_K& block, int j, uint8_t scale, uint8_t min) { block.scales[j] = static_cast<uint8_t>(scale | min << 4); }
INLINE ScaleAndMin scale_of(const Q2_K& block, int j) {
  return {static_cast<uint8_t>(block.scales[j] & 15), static_cast<uint8_t>(block.scales[j] >> 4)};
}

// q4_k and q5_k, eight pairs of six bits in twelve bytes: the first four scales and minimums are the low bits of bytes 0-3 and 4-7;
// of the others, bytes 8-11 hold four bits each and the top bits of the first eight bytes the rest. For j in order.
template <typename Block>
INLINE void set_scale(Block& block, int j, uint8_t scale, uint8_t min) {
  uint8_t* bytes = block.scales;
  if (j < 4) {
    bytes[j] = scale;
    bytes[j + 4] = min;
  } else {
    bytes[j + 4] = static_cast<uint8_t>((scale & 15) | min << 4);
    bytes[j - 4] |= static_cast<uint8_t>(scale >> 4 << 6);
    bytes[j] |= static_cast<uint8_t>(min >> 4 << 6);
  }
}
template <typename Block>
INLINE ScaleAndMin scale_of(const Block& block, int j) {
  const uint8_t* bytes = block.scales;
  if (j < 4) return {static_cast<uint8_t>(bytes[j] & 63), static_cast<uint8_t>(bytes[j + 4] & 63)};
  return {static_cast<uint8_t>((bytes[j + 4] & 15) | bytes[j - 4] >> 6 << 4),
          static_cast<uint8_t>(bytes[j + 4] >> 4 | bytes[j] >> 6 << 4)};
}

// q3_k, sixteen scales of six bits, to bytes that are zero: four bits in a half of bytes 0-7, the others in bytes 8-11.
INLINE void set_scale(Q3_K& block, int j, uint8_t scale) {
  block.scales[j & 7] |= static_cast<uint8_t>(j < 8 ? scale & 15 : (scale & 15) << 4);
  block.scales[8 + (j & 3)] |= static_cast<uint8_t>(scale >> 4 << 2 * (j >> 2));
}
INLINE int scale_of(const Q3_K& block, int j) {
  const int low = j < 8 ? block.scales[j] & 15 : block.scales[j - 8] >> 4;
  return (low | (block.scales[8 + (j & 3)] >> 2 * (j >> 2) & 3) << 4) - 32;
}

// Levels of two bits: the bytes of a half of the elements hold those that are 32 apart.
INLINE void set_pairs(const uint8_t* q, int mask, uint8_t* qs) {
  for (int half = 0; half < 2; half++) {
    for (int i = 0; i < 32; i++) {
      const uint8_t* of = q + half * 128 + i;
      qs[half * 32 + i] = static_cast<uint8_t>((of[0] & mask) | (of[32] & mask) << 2 | (of[64] & mask) << 4 | (of[96] & mask) << 6);
    }
  }
}

INLINE void set_levels(Q2_K& block, const uint8_t* q) { set_pairs(q, 255, block.qs); }

INLINE void set_levels(Q3_K& block, const uint8_t* q) {
  set_pairs(q, 3, block.qs);
  for (int i = 0; i < 32; i++) {
    int bits = 0;
    for (int j = 0; j < 8; j++) bits |= (q[32 * j + i] >> 2 & 1) << j;
    block.hmask[i] = static_cast<uint8_t>(bits);
  }
}

// Levels of four bits: 32 elements in the low halves of bytes, the next 32 in the high ones.
INLINE void set_halves(const uint8_t* q, uint8_t* qs) {
  for (int j = 0; j < 4; j++)
    for (int i = 0; i < 32; i++) qs[j * 32 + i] = static_cast<uint8_t>((q[64 * j + i] & 15) | q[64 * j + 32 + i] << 4);
}

INLINE void set_levels(Q4_K& block, const uint8_t* q) { set_halves(q, block.qs); }

INLINE void set_levels(Q5_K& block, const uint8_t* q) {
  set_halves(q, block.qs);
  for (int i = 0; i < 32; i++) {
    int bits = 0;
    for (int j = 0; j < 8; j++) bits |= (q[32 * j + i] >> 4) << j;
    block.qh[i] = static_cast<uint8_t>(bits);
  }
}

INLINE void set_levels(Q6_K& block, const uint8_t* q) {
  for (int half = 0; half < 2; half++) {
    for (int i = 0; i < 32; i++) {
      const uint8_t* of = q + half * 128 + i;
      block.ql[half * 64 + i] = static_cast<uint8_t>((of[0] & 15) | of[64] << 4);
      block.ql[half * 64 + 32 + i] = static_cast<uint8_t>((of[32] & 15) | of[96] << 4);
      block.qh[half * 32 + i] = static_cast<uint8_t>(of[0] >> 4 | of[32] >> 4 << 2 | of[64] >> 4 << 4 | of[96] >> 4 << 6);
    }
  }
}

// q4_0 to q5_1 and iq4_nl: sixteen elements in the low halves of bytes, the others in the high ones; qh has fifth bits in order.
INLINE void set_nibbles(const uint8_t* q, uint8_t* qs) {
  for (int i = 0; i < 16; i++) qs[i] = static_cast<uint8_t>((q[i] & 15) | q[i + 16] << 4);
}
INLINE uint32_t fifth_bits(const uint8_t* q) {
  uint32_t bits = 0;
  for (int i = 0; i < 32; i++) bits |= static_cast<uint32_t>(q[i] >> 4 & 1) << i;
  return bits;
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
