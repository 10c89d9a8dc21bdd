#pragma once

#include "scales.h"
#include "search.h"

// Super-blocks of 256 elements: a scale (and a minimum) for each part of 16 or 32, quantized again against the super-block's own.

namespace cygnet::cpu {
namespace CYGNET_ISA {

// q = within(nearest((x + min) / scale)) − low for a part of n.
template <int n>
INLINE void round_part(const float* x, float scale, float min, int low, int high, uint8_t* q) {
  constexpr int rounding = 0x4b400000;
  for (int i = 0; i < n; i += W) store_bytes(q + i, (VI)raised((load(x + i) + min) / scale, low, high) - (rounding + low));
}

// What the search of lane k found for a part: kept where the quantized scale is zero.
template <int n, typename Found>
INLINE void keep_part(const Found& found, const V* x, int most, int k, uint8_t* q) {
  for (int i = 0; i < n; i++) q[i] = static_cast<uint8_t>(levels(found, x[i], most)[k]);
}

// Quantized scales or minimums of W super-blocks and what they are multiplied by.
template <int parts>
struct Quantized {
  VI q[parts];
  V d;
};

// Against the largest. ggml keeps a number in a byte before it compares.
template <int parts>
INLINE Quantized<parts> quantize_plainly(const V* x, int most) {
  Quantized<parts> out;
  V largest{};
  for (int j = 0; j < parts; j++) largest = pick(x[j] > largest, x[j], largest);
  const V inverse = pick(largest > 0, static_cast<float>(most) / largest, V{});
  for (int j = 0; j < parts; j++) {
    const VI q = nearest(inverse * x[j]) & 255;
    out.q[j] = most == 63 ? within(q, 0, 63) : q;
  }
  out.d = largest / static_cast<float>(most);
  return out;
}

// q2_k, q4_k and q5_k: a line for each part.
template <typename Block>
struct Affine;

template <>
struct Affine<Q2_K> {
  static constexpr int part = 16, most = 3, most_scale = 15;
  static constexpr bool absolute = true;
  static constexpr float first = -0.5f, variance = 1;
  static constexpr int steps = 15;
};
template <>
struct Affine<Q4_K> {
  static constexpr int part = 32, most = 15, most_scale = 63;
  static constexpr bool absolute = false;
  static constexpr float first = -1, variance = 2;
  static constexpr int steps = 20;
};
template <>
struct Affine<Q5_K> {
  static constexpr int part = 32, most = 31, most_scale = 63;
  static constexpr bool absolute = false;
  static constexpr float first = -0.5f, variance = 2;
  static constexpr int steps = 15;
};

// Without an importance: weights |x| for q2_k, √(mean x²) + |x| otherwise.
template <int n, bool absolute>
INLINE void weigh_plainly(const V* x, V* w) {
  const V mean = absolute ? V{} : square_root(sum_of_squares<n>(x) / static_cast<float>(n));
  for (int i = 0; i < n; i++) w[i] = absolute ? magnitude(x[i]) : mean + magnitude(x[i]);
}

template <typename Block>
static void pack_affine(const Batch<kSuper>& batch, bool weighted, Block* out) {
  using A = Affine<Block>;
  constexpr int n = A::part, parts = kSuper / n;
  constexpr int together = 2;
  Line lines[parts];
  V scales[parts], mins[parts], sums[parts], w[together * n];
  const V variance = weighted ? A::variance * sum_of_squares<kSuper>(batch.x) / static_cast<float>(kSuper) : V{};
  for (int j = 0; j < parts; j += together) {
    const V* x = batch.x + j * n;
    for (int g = 0; g < together; g++) {
      if (weighted) weigh<n>(x + g * n, batch.importance + (j + g) * n, variance, w + g * n);
      else weigh_plainly<n, A::absolute>(x + g * n, w + g * n);
      sums[j + g] = sum_of<n>(w + g * n);
    }
    if (weighted) find_lines<n, false, together>(x, w, A::most, -0.9f, 0.05f, 36, lines + j);
    else find_lines<n, A::absolute, together>(x, w, A::most, A::first, 0.1f, A::steps, lines + j);
  }
  for (int j = 0; j < parts; j++) {
    scales[j] = lines[j].scale;
    mins[j] = lines[j].min;
  }
  Quantized<parts> s, m;
  if (weighted) {
    s.d = find_positive_slope<parts>(scales, sums, A::most_scale, s.q);
    m.d = find_positive_slope<parts>(mins, sums, A::most_scale, m.q);
  } else {
    s = quantize_plainly<parts>(scales, A::most_scale);
    m = quantize_plainly<parts>(mins, A::most_scale);
  }
  for (int k = 0; k < batch.count; k++) {
    Block& block = out[k];
    block.d = to_half(s.d[k]);
    block.dmin = to_half(m.d[k]);
    for (int j = 0; j < parts; j++) set_scale(block, j, static_cast<uint8_t>(s.q[j][k]), static_cast<uint8_t>(m.q[j][k]));
    const float d = from_half(block.d), dmin = from_half(block.dmin);
    uint8_t q[kSuper];
    for (int j = 0; j < parts; j++) {
      const ScaleAndMin of = scale_of(block, j);
      const float scale = d * of.scale, min = dmin * of.min;
      if (scale == 0) keep_part<n>(lines[j], batch.x + j * n, A::most, k, q + j * n);
      else round_part<n>(batch.blocks + k * kSuper + j * n, scale, min, 0, A::most, q + j * n);
    }
    set_levels(block, q);
  }
}

// The scale of the greatest magnitude, the first of equals.
INLINE V peak_of_scales(const V* scales, V* size) {
  V peak{};
  *size = V{};
  for (int j = 0; j < 16; j++) {
    const VI larger = magnitude(scales[j]) > *size;
    peak = pick(larger, scales[j], peak);
    *size = pick(larger, magnitude(scales[j]), *size);
  }
  return peak;
}

static void pack_q3_k(const Batch<kSuper>& batch, bool weighted, Q3_K* out) {
  constexpr int n = 16, parts = 16;
  Slope slopes[parts];
  V scales[parts], sums[parts], w[n], kept[kSuper];
  Quantized<parts> s;
  if (weighted) {
    const V variance = 2.0f * sum_of_squares<kSuper>(batch.x) / static_cast<float>(kSuper);
    for (int j = 0; j < parts; j++) {
      weigh<n>(batch.x + j * n, batch.importance + j * n, variance, w);
      sums[j] = sum_of<n>(w);
      slopes[j] = find_slope<n>(batch.x + j * n, w, 4);
      scales[j] = slopes[j].scale;
    }
    const Slope slope = find_slope<parts>(scales, sums, 32);
    for (int j = 0; j < parts; j++) s.q[j] = __builtin_convertvector(levels(slope, scales[j], 32), VI);
    s.d = slope.scale;
  } else {
    for (int j = 0; j < parts; j += 4) refine_slopes<n, 4>(batch.x + j * n, 4, kept + j * n, scales + j);
    V size;
    const V peak = peak_of_scales(scales, &size), inverse = -32.0f / peak;
    const VI some = peak != 0;
    // In a byte before it is compared, as ggml has it.
    for (int j = 0; j < parts; j++) s.q[j] = (within(nearest(inverse * scales[j]) << 24 >> 24, -32, 31) + 32) & some;
    s.d = pick(some, 1.0f / inverse, V{});
  }
  for (int k = 0; k < batch.count; k++) {
    Q3_K& block = out[k];
    block.d = to_half(s.d[k]);
    memset(block.scales, 0, sizeof block.scales);
    for (int j = 0; j < parts; j++) set_scale(block, j, static_cast<uint8_t>(s.q[j][k]));
    const float d = from_half(block.d);
    uint8_t q[kSuper];
    for (int j = 0; j < parts; j++) {
      const float scale = d * scale_of(block, j);
      if (scale != 0) round_part<n>(batch.blocks + k * kSuper + j * n, scale, 0, -4, 3, q + j * n);
      else if (weighted) keep_part<n>(slopes[j], batch.x + j * n, 4, k, q + j * n);
      else for (int i = 0; i < n; i++) q[j * n + i] = static_cast<uint8_t>(kept[j * n + i][k]);
    }
    set_levels(block, q);
  }
}

static void pack_q6_k(const Batch<kSuper>& batch, bool weighted, Q6_K* out) {
  constexpr int n = 16, parts = 16;
  Slope slopes[parts];
  V scales[parts], w[n];
  for (int j = 0; j < parts; j++) {
    const V* x = batch.x + j * n;
    for (int i = 0; i < n && !weighted; i++) w[i] = x[i] * x[i];
    slopes[j] = find_slope<n>(x, weighted ? batch.importance + j * n : w, 32);
    scales[j] = slopes[j].scale;
  }
  V size;
  const V peak = peak_of_scales(scales, &size), inverse = -128.0f / peak, ds = 1.0f / inverse;
  VI s[parts];
  for (int j = 0; j < parts; j++) s[j] = within(nearest(inverse * scales[j]), -0x800000, 127);
  for (int k = 0; k < batch.count; k++) {
    Q6_K& block = out[k];
    if (size[k] < kNothing) {
      memset(&block, 0, sizeof block);
      continue;
    }
    block.d = to_half(ds[k]);
    const float d = from_half(block.d);
    uint8_t q[kSuper];
    for (int j = 0; j < parts; j++) {
      block.scales[j] = static_cast<int8_t>(s[j][k]);
      const float scale = d * block.scales[j];
      if (scale == 0) keep_part<n>(slopes[j], batch.x + j * n, 32, k, q + j * n);
      else round_part<n>(batch.blocks + k * kSuper + j * n, scale, 0, -32, 31, q + j * n);
    }
    set_levels(block, q);
  }
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
