#pragma once

#include "small_blocks.h"

// iq4_nl: blocks of 32 whose levels are a table.

namespace cygnet::cpu {
namespace CYGNET_ISA {

// From thresholds[k] on, a number is nearer to level k + 1 than to level k by ggml's comparison of two rounded differences.
struct Thresholds {
  alignas(64) float at[16], level[16];
};

constexpr float threshold(float low, float high) {
  // Halving the interval until its ends are neighbours; `below` is always nearer to `low`.
  float below = low, above = high;
  for (;;) {
    const float middle = below + (above - below) / 2;
    if (middle == below || middle == above) return above;
    (middle - low < high - middle ? below : above) = middle;
  }
}

constexpr Thresholds thresholds() {
  Thresholds out{};
  for (int k = 0; k < 15; k++) out.at[k] = threshold(kNonLinear[k], kNonLinear[k + 1]);
  for (int k = 0; k < 16; k++) out.level[k] = kNonLinear[k];
  return out;
}
constexpr Thresholds kThresholds = thresholds();

#if defined(__AVX512F__)
// Four steps of halving; a table is moved so that the place itself is its index.
INLINE VI place_of(V x) {
  const __m512 table = _mm512_load_ps(kThresholds.at), v = (__m512)x;
  const auto halve = [&](__m512i place, int step) __attribute__((always_inline)) {
    const __m512 at = _mm512_permutexvar_ps(_mm512_add_epi32(place, _mm512_set1_epi32(step - 1)), table);
    return _mm512_mask_add_epi32(place, _mm512_cmp_ps_mask(v, at, _CMP_NLT_UQ), place, _mm512_set1_epi32(step));
  };
  return (VI)halve(halve(halve(halve(_mm512_setzero_si512(), 8), 4), 2), 1);
}
INLINE V level_of(V x) { return (V)_mm512_permutexvar_ps((__m512i)place_of(x), _mm512_load_ps(kThresholds.level)); }
#else
INLINE VI place_of(V x) {
  VI place{};
  for (int k = 0; k < 15; k++) place += 1 + (x < kThresholds.at[k]);
  return place;
}
INLINE V level_of(V x) {
  V level = splat(kThresholds.level[0]);
  for (int k = 0; k < 15; k++) level = pick(x < kThresholds.at[k], level, splat(kThresholds.level[k + 1]));
  return level;
}
#endif

static void pack_iq4_nl(const Batch<kSmall>& batch, bool weighted, IQ4_NL* out) {
  const V* x = batch.x;
  V w[kSmall], sum_qx, sum_qq;
  VI nothing, q[kSmall];
  if (weighted) {
    weigh<kSmall>(x, batch.importance, sum_of_squares<kSmall>(x) * (2.0f / kSmall), w);
  } else {
    for (int i = 0; i < kSmall; i++) w[i] = x[i] * x[i];
  }
  const V peak = peak_of<kSmall>(x, &nothing);
  const auto measure = [&](V inverse) __attribute__((always_inline)) {
    sum_qx = sum_qq = V{};
    for (int i = 0; i < kSmall; i++) {
      const V level = level_of(inverse * x[i]), wq = w[i] * level;
      sum_qx += wq * x[i];
      sum_qq += wq * level;
    }
  };
  measure(1.0f / (-peak / kThresholds.level[0]));
  V d = pick(sum_qq > 0, sum_qx / sum_qq, V{}), best = d * sum_qx;
  for (int s = -7; s <= 7; s++) {
    measure((s + kThresholds.level[0]) / peak);
    const VI better = (sum_qq > 0) & (sum_qx * sum_qx > best * sum_qq);
    d = pick(better, sum_qx / sum_qq, d);
    best = pick(better, d * sum_qx, best);
  }
  d = pick(nothing, V{}, d);
  const V inverse = pick(d != 0, 1.0f / d, V{});
  for (int i = 0; i < kSmall; i++) q[i] = place_of(inverse * x[i]);
  for (int k = 0; k < batch.count; k++) out[k].d = to_half(d[k]);
  set_lanes(q, batch.count, out);
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
