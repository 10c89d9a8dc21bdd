#pragma once

#include "attention.h"
#include "micro.h"
#include "panels.h"

// Scores of attention between its two products: see ScoreBlock in attention.h.

namespace cygnet::cpu {
namespace CYGNET_ISA {

constexpr int kTile = 2 * W;  // Micro::cols

INLINE V infinity() { return splat(__builtin_inff()); }
INLINE VI load(const int32_t* p) {
  VI v;
  memcpy(&v, p, sizeof v);
  return v;
}

// 2^x for x up to 127; 0 below −126, NaN stays. Relative error 1e-7, or 3e-6, which is exact for bf16. Minimax coefficients.
template <bool Rough = false>
INLINE V power_of_two(V x) {
  // Adding 1.5 · 2^23 rounds to an integer, which then lies in the lowest bits.
  const V moved = x + 12582912.0f;
  const V r = x - (moved - 12582912.0f);
  V p;
  if constexpr (Rough) {
    p = r * 9.570102207362652e-3f + 5.591785907745361e-2f;
    p = p * r + 0.240247443318367f;
    p = p * r + 0.6931217908859253f;
    p = p * r + 0.9999992847442627f;
  } else {
    p = r * 1.3276472454890609e-3f + 9.675540961325169e-3f;
    p = p * r + 5.550713092088699e-2f;
    p = p * r + 0.24022120237350464f;
    p = p * r + 0.6931469440460205f;
    p = p * r + 1.0000001192092896f;
  }
  const V power = (V)(((VI)moved + 127) << 23);
#if defined(__AVX512F__)
  return (V)_mm512_maskz_mul_ps(_mm512_cmp_ps_mask((__m512)x, _mm512_set1_ps(-126), _CMP_NLT_UQ), (__m512)p, (__m512)power);
#else
  return blend(x < -126.0f, V{}, p * power);
#endif
}

// One of two, b where either is NaN.
INLINE V greater(V a, V b) {
#if defined(__AVX512F__)
  return (V)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (V)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return blend(a > b, a, b);
#endif
}

INLINE bool all_ones(V v) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)v, _mm512_set1_ps(1), _CMP_EQ_OQ) == 0xffff;
#else
  bool all = true;
  for (int lane = 0; lane < W; lane++) all &= v[lane] == 1;
  return all;
#endif
}

// Relative error below 3e-7. Coefficients of Cephes' tanhf.
INLINE V tanh_of(V x) {
  const V size = blend(x < 0, -x, x), z = x * x;
  V p = splat(-5.70498872745e-3f);
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const V small = p * z * x + x;
  const V large = 1.0f - 2.0f / (power_of_two(blend(size > 20.0f, splat(20.0f), size) * 2.88539008f) + 1.0f);
  return blend(size < 0.625f, small, blend(x < 0, -large, large));
}

// What a query does not see becomes −∞.
INLINE void hide(const ScoreBlock& block) {
  for (int i = 0; i < block.count; i++) {
    const int key = block.key + i;
    if (key >= block.all_first && key < block.all_last) continue;
    for (int j = 0; j < kTile; j += W) {
      const VI seen = (load(block.first + j) <= key) & (load(block.last + j) > key);
      float* s = block.scores + i * kTile + j;
      store(s, blend(seen, load(s), -infinity()));
    }
  }
}

INLINE void cap_scores(const ScoreBlock& block) {
  for (int i = 0; i < block.count * kTile; i += W) store(block.scores + i, tanh_of(load(block.scores + i)) * block.cap);
}

// Two rows of a panel B.
INLINE void store_columns(float* panel, V low0, V low1, V high0, V high1) {
  store(panel, low0);
  store(panel + W, low1);
  store(panel + 2 * W, high0);
  store(panel + 3 * W, high1);
}
#if defined(__AVX512BF16__)
INLINE __m512i pairs_of(V low, V high) {
  alignas(64) static constexpr uint16_t kOrder[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                      8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_permutexvar_epi16(_mm512_load_si512(kOrder), (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low));
}
INLINE void store_columns(bf16* panel, V low0, V low1, V high0, V high1) {
  _mm512_storeu_si512(panel, pairs_of(low0, high0));
  _mm512_storeu_si512(panel + 32, pairs_of(low1, high1));
}
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
INLINE void store_columns(bf16* panel, V low0, V low1, V high0, V high1) {
  const uint16x4x2_t a = {{(uint16x4_t)rounded(low0), (uint16x4_t)rounded(high0)}};
  const uint16x4x2_t b = {{(uint16x4_t)rounded(low1), (uint16x4_t)rounded(high1)}};
  vst2_u16(&panel->bits, a);
  vst2_u16(&panel[8].bits, b);
}
#endif

template <typename P>
static bool softmax(const ScoreBlock& block, int padded, float* maxima, float* sums, float* correction, void* to) {
  float* s = block.scores;
  const int n = block.count;
  if (block.cap != 0) cap_scores(block);
  if (block.mask)
    for (int i = 0; i < n * kTile; i += W) store(s + i, load(s + i) + load(block.mask + i));
  hide(block);

  // A NaN may get lost here: its own power keeps it.
  V most[2][2] = {{load(maxima), load(maxima + W)}, {load(maxima), load(maxima + W)}};
  int i = 0;
  for (; i + 2 <= n; i += 2)
#pragma GCC unroll 4
    for (int at = 0; at < 4; at++) most[at / 2][at % 2] = greater(most[at / 2][at % 2], load(s + i * kTile + at * W));
  for (int j = 0; i < n && j < 2; j++) most[0][j] = greater(most[0][j], load(s + i * kTile + j * W));
  V shift[2], total[2];
  bool changed = false;
  for (int j = 0; j < 2; j++) {
    const V m = greater(most[0][j], most[1][j]), before = load(maxima + j * W);
    shift[j] = blend(m == -infinity(), V{}, m);
    const V factor = power_of_two(before - shift[j]);
    store(maxima + j * W, m);
    store(correction + j * W, factor);
    total[j] = load(sums + j * W) * factor;
    changed |= !all_ones(factor);
  }

  constexpr bool rough = sizeof(P) == 2;
  P* panel = static_cast<P*>(to);
  for (i = 0; i + 2 <= n; i += 2, s += 2 * kTile, panel += 2 * kTile) {
    const V low0 = power_of_two<rough>(load(s) - shift[0]), low1 = power_of_two<rough>(load(s + W) - shift[1]);
    const V high0 = power_of_two<rough>(load(s + kTile) - shift[0]), high1 = power_of_two<rough>(load(s + kTile + W) - shift[1]);
    total[0] += low0 + high0;
    total[1] += low1 + high1;
    store_columns(panel, low0, low1, high0, high1);
  }
  if (i < n) {
    const V low0 = power_of_two<rough>(load(s) - shift[0]), low1 = power_of_two<rough>(load(s + W) - shift[1]);
    total[0] += low0;
    total[1] += low1;
    store_columns(panel, low0, low1, V{}, V{});
    panel += 2 * kTile;
    i += 2;
  }
  if (i < padded) memset(panel, 0, sizeof(P) * kTile * (padded - i));
  store(sums, total[0]);
  store(sums + W, total[1]);
  return changed;
}

// A row of a panel A of Rows rows, at column `j` of its block.
template <int Rows>
INLINE void store_across(float* panel, int row, V a, V b) {
  store(panel + row * 16, a);
  store(panel + (W / 16) * Rows * 16 + row * 16 + W % 16, b);
}
#if defined(__AVX512BF16__)
template <int Rows>
INLINE void store_across(bf16* panel, int row, V a, V b) {
  _mm512_storeu_si512(panel + row * 32, (__m512i)_mm512_cvtne2ps_pbh((__m512)b, (__m512)a));
}
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
template <int Rows>
INLINE void store_across(bf16* panel, int row, V a, V b) {
  store(panel + row * 32, a);
  store(panel + row * 32 + W, b);
}
#endif

template <typename P, int Rows>
static void score_gradient(
    const ScoreBlock& block, const TileSums& sums, const float* d, int column, void* p_to, void* g_to, void* turned) {
  static_assert(Rows % 2 == 0);
  constexpr int chunk = 64 / sizeof(P);
  const int place = column / chunk * chunk * Rows + column % chunk;
  P* p_panel = static_cast<P*>(p_to) + place;
  P* g_panel = static_cast<P*>(g_to) + place;
  P* columns = static_cast<P*>(turned);
  float* s = block.scores;
  if (block.key < block.all_first || block.key + Rows > block.all_last) hide(block);
  const V lse[2] = {load(sums.lse), load(sums.lse + W)}, means[2] = {load(sums.means), load(sums.means + W)};
  const V hidden[2] = {load(sums.hidden), load(sums.hidden + W)};
  for (int i = 0; i < Rows; i += 2, columns += 2 * kTile) {
    V p[2][2], g[2][2];
#pragma GCC unroll 4
    for (int at = 0; at < 4; at++) {
      const int r = at / 2, j = at % 2, offset = (i + r) * kTile + j * W;
      V score = load(s + offset), slope = splat(1);
      if (block.cap != 0) {
        // −∞, hidden, stays.
        const V t = tanh_of(score);
        slope = 1.0f - t * t;
        score = blend(score == -infinity(), score, t * block.cap);
      }
      if (block.mask) {
        const V mask = load(block.mask + offset);
        const VI is_hidden = mask <= kHidden;
        score = blend(is_hidden & (score != -infinity()), hidden[j], score + mask);
        slope = blend(is_hidden, V{}, slope);
      }
      p[r][j] = power_of_two<sizeof(P) == 2>(score - lse[j]);
      g[r][j] = p[r][j] * (load(d + offset) - means[j]);
      if (block.cap != 0 || block.mask) g[r][j] *= slope;
    }
    store_across<Rows>(p_panel, i, p[0][0], p[0][1]);
    store_across<Rows>(p_panel, i + 1, p[1][0], p[1][1]);
    store_across<Rows>(g_panel, i, g[0][0], g[0][1]);
    store_across<Rows>(g_panel, i + 1, g[1][0], g[1][1]);
    store_columns(columns, g[0][0], g[0][1], g[1][0], g[1][1]);
  }
}

static void scale_columns(float* x, int rows, const float* factors) {
  const V a = load(factors), b = load(factors + W);
  for (int i = 0; i < rows; i++, x += kTile) {
    store(x, load(x) * a);
    store(x + W, load(x + W) * b);
  }
}

static void turn(const float* x, int rows, float* out, int64_t ld) {
  transpose(reinterpret_cast<const uint32_t*>(x), kTile, rows, kTile, reinterpret_cast<uint32_t*>(out), ld);
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
