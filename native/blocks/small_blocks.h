#pragma once

#include "scales.h"
#include "search.h"

// Blocks of 32 elements.

namespace cygnet::cpu {
namespace CYGNET_ISA {

// Of a block. A zero that is an extreme has the sign of the first, as when elements are looked at one by one.
struct Extremes {
  float low, high;
};

INLINE Extremes extremes_of(const float* x) {
  V low = load(x), high = low;
  for (int i = W; i < kSmall; i += W) {
    const V v = load(x + i);
    low = less_of(v, low);
    high = greater_of(v, high);
  }
  float lows[W], highs[W];
  store(lows, low);
  store(highs, high);
  for (int half = W / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) {
      lows[i] = lows[i + half] < lows[i] ? lows[i + half] : lows[i];
      highs[i] = highs[i + half] > highs[i] ? highs[i + half] : highs[i];
    }
  }
  if (lows[0] == 0) {
    int i = 0;
    while (x[i] != 0) i++;
    lows[0] = x[i];
  }
  return {lows[0], highs[0]};
}

// The element of the greatest magnitude, the first of equals.
INLINE float peak_of(const float* x) {
  const Extremes e = extremes_of(x);
  if (e.high == 0 && e.low == 0) return 0;
  if (e.high > -e.low) return e.high;
  if (e.high < -e.low) return e.low;
  int i = 0;
  while (magnitude(x[i]) != e.high) i++;
  return x[i];
}

INLINE float inverse_of(float d) { return d != 0 ? 1.0f / d : 0; }

// (x − from) · inverse + half, cut to an integer of at most `most`.
INLINE void cut(const float* x, float from, float inverse, float half, int most, uint8_t* q) {
  for (int i = 0; i < kSmall; i += W) {
    const VI cut = truncated((load(x + i) - from) * inverse + half) & 255;
    store_bytes(q + i, cut < most ? cut : VI{} + most);
  }
}

INLINE void set_levels(Q4_0& block, const uint8_t* q) { set_nibbles(q, block.qs); }
INLINE void set_levels(Q4_1& block, const uint8_t* q) { set_nibbles(q, block.qs); }
INLINE void set_levels(IQ4_NL& block, const uint8_t* q) { set_nibbles(q, block.qs); }
INLINE void set_levels(Q5_0& block, const uint8_t* q) {
  set_nibbles(q, block.qs);
  block.qh = fifth_bits(q);
}
INLINE void set_levels(Q5_1& block, const uint8_t* q) {
  set_nibbles(q, block.qs);
  block.qh = fifth_bits(q);
}

// q4_0, q5_0 without an importance: the peak becomes −half, exactly.
template <typename Block, int half>
static void pack_around_zero(const float* x, int64_t blocks, uint8_t* out) {
  for (int64_t b = 0; b < blocks; b++, x += kSmall) {
    Block& block = reinterpret_cast<Block*>(out)[b];
    const float d = peak_of(x) / -half;
    uint8_t q[kSmall];
    cut(x, 0, inverse_of(d), half + 0.5f, 2 * half - 1, q);
    block.d = to_half(d);
    set_levels(block, q);
  }
}

// q4_1, q5_1 without an importance.
template <typename Block, int most>
static void pack_range(const float* x, int64_t blocks, uint8_t* out) {
  for (int64_t b = 0; b < blocks; b++, x += kSmall) {
    Block& block = reinterpret_cast<Block*>(out)[b];
    const Extremes e = extremes_of(x);
    const float d = (e.high - e.low) / most;
    uint8_t q[kSmall];
    cut(x, e.low, inverse_of(d), 0.5f, most, q);
    block.d = to_half(d);
    block.m = to_half(e.low);
    set_levels(block, q);
  }
}

// Halves away from zero; 0 for what no int32 holds.
INLINE VI rounded_away(V v) {
  v = pick(magnitude(v) < 2147483648.0f, v, V{});
  const VI cut = __builtin_convertvector(v, VI);
  const V rest = v - to_floats(cut);
  return cut - (rest >= 0.5f) + (rest <= -0.5f);
}

static void pack_q8_0(const float* x, int64_t blocks, uint8_t* out) {
  for (int64_t b = 0; b < blocks; b++, x += kSmall) {
    Q8_0& block = reinterpret_cast<Q8_0*>(out)[b];
    const float d = magnitude(peak_of(x)) / 127, inverse = inverse_of(d);
    for (int i = 0; i < kSmall; i += W) store_bytes(reinterpret_cast<uint8_t*>(block.qs) + i, rounded_away(load(x + i) * inverse));
    block.d = to_half(d);
  }
}

// Levels in lanes → those of each block.
template <typename Block>
INLINE void set_lanes(const VI* q, int count, Block* out) {
  uint8_t bytes[kSmall * W], of[kSmall];
  for (int i = 0; i < kSmall; i++) store_bytes(bytes + i * W, q[i]);
  for (int k = 0; k < count; k++) {
    for (int i = 0; i < kSmall; i++) of[i] = bytes[i * W + k];
    set_levels(out[k], of);
  }
}

// q4_0, q5_0 with an importance.
template <typename Block, int half>
static void pack_slope(const Batch<kSmall>& batch, Block* out) {
  V w[kSmall];
  VI q[kSmall];
  weigh<kSmall>(batch.x, batch.importance, batch.energy, w);
  const Slope slope = find_slope<kSmall>(batch.x, w, half);
  for (int i = 0; i < kSmall; i++) q[i] = __builtin_convertvector(levels(slope, batch.x[i], half), VI);
  for (int k = 0; k < batch.count; k++) out[k].d = to_half(slope.scale[k]);
  set_lanes(q, batch.count, out);
}

// q4_1, q5_1 with an importance.
template <typename Block, int most>
static void pack_line(const Batch<kSmall>& batch, Block* out) {
  V w[kSmall];
  VI q[kSmall];
  weigh<kSmall>(batch.x, batch.importance, batch.energy, w);
  Line line;
  find_lines<kSmall, false, 1>(batch.x, w, most, -0.9f, 0.05f, 36, &line);
  for (int i = 0; i < kSmall; i++) q[i] = __builtin_convertvector(levels(line, batch.x[i], most), VI);
  for (int k = 0; k < batch.count; k++) {
    out[k].d = to_half(line.scale[k]);
    out[k].m = to_half(-line.min[k]);
  }
  set_lanes(q, batch.count, out);
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
