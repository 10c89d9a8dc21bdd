#pragma once

#include "heads.h"
#include "scores.h"

// Attention of a few queries: keys and values are read once, where they lie.

namespace cygnet::cpu {
namespace CYGNET_ISA {

constexpr int kFewKeys = 64;  // taken at a time, so that they stay in the first-level cache for all queries

// The sums of W vectors.
INLINE V sums_of(V* v) {
#pragma GCC unroll 4
  for (int size = 1; size < W; size *= 2) {
    VI low, high;
    for (int lane = 0; lane < W; lane++) {
      low[lane] = lane & size ? W + lane - size : lane;
      high[lane] = lane & size ? W + lane : lane + size;
    }
#pragma GCC unroll 16
    for (int i = 0; i < W; i += 2 * size) v[i] = __builtin_shuffle(v[i], v[i + size], low) + __builtin_shuffle(v[i], v[i + size], high);
  }
  return v[0];
}

// Bytes ahead that are fetched: the processor does not foresee rows that are read side by side.
constexpr int64_t kFewAhead = 12288;

// `bytes` of what comes so far after `from`; what lies beyond the end does no harm.
INLINE void fetch_ahead(const void* from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(static_cast<const char*>(from) + kFewAhead + i);
}

template <typename T>
INLINE const T* row_at(const void* rows, int64_t ld, int row) {
  return reinterpret_cast<const T*>(static_cast<const char*>(rows) + row * ld);
}

// W keys at a time meet all queries, while they are near.
template <typename T>
INLINE void scores_of(const void* keys, int64_t ld, int count, int size, const float* q, int queries, float* scores, int64_t lds) {
  int j = 0;
  for (; j + W <= count; j += W) {
    fetch_ahead(row_at<T>(keys, ld, j), W * ld);
    for (int i = 0; i < queries; i++) {
      const float* query = q + i * size;
      V sums[W] = {};
      int e = 0;
      for (; e + W <= size; e += W) {
        const V each = load(query + e);
#pragma GCC unroll 16
        for (int r = 0; r < W; r++) sums[r] += load(row_at<T>(keys, ld, j + r) + e) * each;
      }
      if (e < size) {
        const V each = load_part(query + e, size - e);
        for (int r = 0; r < W; r++) sums[r] += load_part(row_at<T>(keys, ld, j + r) + e, size - e) * each;
      }
      store(scores + i * lds + j, sums_of(sums));
    }
  }
  for (; j < count; j++) {
    for (int i = 0; i < queries; i++) {
      V total = {};
      for (int e = 0; e < size; e += W) total += load_some(row_at<T>(keys, ld, j) + e, size - e) * load_some(q + i * size + e, size - e);
      scores[i * lds + j] = sum(total);
    }
  }
}

#if defined(__AVX512BF16__)
// Sums of Keys keys with Queries queries of pairs, side by side: Keys · Queries = 16.
template <int Keys, int Queries>
INLINE void pair_scores(const void* keys, int64_t ld, int size, const bf16* q, float* scores, int64_t lds) {
  V sums[16] = {};
  for (int e = 0; e < size; e += 32) {
    const __mmask32 there = size - e >= 32 ? ~0u : (1u << (size - e)) - 1;
    __m512bh query[Queries];
#pragma GCC unroll 4
    for (int i = 0; i < Queries; i++) query[i] = (__m512bh)_mm512_maskz_loadu_epi16(there, q + i * size + e);
#pragma GCC unroll 16
    for (int r = 0; r < Keys; r++) {
      const __m512bh key = (__m512bh)_mm512_maskz_loadu_epi16(there, row_at<bf16>(keys, ld, r) + e);
#pragma GCC unroll 4
      for (int i = 0; i < Queries; i++) {
        V& total = sums[i * Keys + r];
        total = (V)_mm512_dpbf16_ps((__m512)total, key, query[i]);
      }
    }
  }
  float all[16];
  store(all, sums_of(sums));
  for (int i = 0; i < Queries; i++) memcpy(scores + i * lds, all + i * Keys, Keys * sizeof(float));
}

INLINE void scores_of_pairs(const void* keys, int64_t ld, int count, int size, const bf16* q, int queries, float* scores, int64_t lds) {
  int j = 0;
  for (; j + 16 <= count; j += 16) {
    const bf16* first = row_at<bf16>(keys, ld, j);
    fetch_ahead(first, 16 * ld);
    int i = 0;
    for (; i + 2 <= queries; i += 2) {
      pair_scores<8, 2>(first, ld, size, q + i * size, scores + i * lds + j, lds);
      pair_scores<8, 2>(row_at<bf16>(first, ld, 8), ld, size, q + i * size, scores + i * lds + j + 8, lds);
    }
    if (i < queries) pair_scores<16, 1>(first, ld, size, q + i * size, scores + i * lds + j, lds);
  }
  for (; j < count; j++)
    for (int i = 0; i < queries; i++) pair_scores<1, 1>(row_at<bf16>(keys, ld, j), ld, size, q + i * size, scores + i * lds + j, lds);
}
#endif

static void few_scores(
    Type type, const void* keys, int64_t ld, int count, int size, const float* q, int queries, float* scores, int64_t lds) {
  if (type == Type::f32) return scores_of<float>(keys, ld, count, size, q, queries, scores, lds);
  if (type == Type::f16) return scores_of<f16>(keys, ld, count, size, q, queries, scores, lds);
#if defined(__AVX512BF16__)
  alignas(64) bf16 halves[kMostFew * kMaxHeadSize];
  convert_row(q, queries * size, halves);
  scores_of_pairs(keys, ld, count, size, halves, queries, scores, lds);
#else
  scores_of<bf16>(keys, ld, count, size, q, queries, scores, lds);
#endif
}

static float few_softmax(float* scores, int count, float cap, const float* mask, float* total) {
  V most = -infinity(), sums = {};
  for (int j = 0; j < count; j += W) {
    V s = load_some(scores + j, count - j);
    if (cap != 0) s = tanh_of(s) * cap;
    if (mask) s += load_some(mask + j, count - j);
    store_some(scores + j, s, count - j);
    if (count - j < W) {
      for (int i = j; i < count; i++) most[0] = scores[i] > most[0] ? scores[i] : most[0];
    } else {
      most = blend(most > s, most, s);
    }
  }
  float greatest = most[0];
  for (int i = 1; i < W; i++) greatest = most[i] > greatest ? most[i] : greatest;
  const V shift = splat(greatest == -__builtin_inff() ? 0 : greatest);
  int j = 0;
  for (; j + W <= count; j += W) {
    const V p = power_of_two(load(scores + j) - shift);
    store(scores + j, p);
    sums += p;
  }
  float rest = 0;
  if (j < count) {
    store_part(scores + j, power_of_two(load_part(scores + j, count - j) - shift), count - j);
    for (; j < count; j++) rest += scores[j];
  }
  *total = sum(sums) + rest;
  return greatest;
}

// Queries × Vectors of the output stay in registers over the keys.
template <typename T, int Queries, int Vectors>
INLINE void add_values(const void* values, int64_t ld, int count, const float* p, int64_t ldp, float* out, int64_t ldo) {
  V sums[Queries][Vectors];
  for (int i = 0; i < Queries; i++)
    for (int v = 0; v < Vectors; v++) sums[i][v] = load(out + i * ldo + v * W);
  for (int j = 0; j < count; j++) {
    const T* row = row_at<T>(values, ld, j);
    fetch_ahead(row, Vectors * W * sizeof(T));
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; v++) {
      const V each = load(row + v * W);
#pragma GCC unroll 4
      for (int i = 0; i < Queries; i++) sums[i][v] += each * p[i * ldp + j];
    }
  }
  for (int i = 0; i < Queries; i++)
    for (int v = 0; v < Vectors; v++) store(out + i * ldo + v * W, sums[i][v]);
}

template <typename T, int Queries, int Vectors>
INLINE void add_rows(const T* values, int64_t ld, int count, int size, const float* p, int64_t ldp, float* out) {
  int e = 0;
  for (; e + Vectors * W <= size; e += Vectors * W) add_values<T, Queries, Vectors>(values + e, ld, count, p, ldp, out + e, size);
  for (; e + W <= size; e += W) add_values<T, Queries, 1>(values + e, ld, count, p, ldp, out + e, size);
  if (e == size) return;
  for (int i = 0; i < Queries; i++)
    for (int j = 0; j < count; j++)
      for (int at = e; at < size; at++) out[i * size + at] += p[i * ldp + j] * to_float(row_at<T>(values, ld, j)[at]);
}

template <typename T>
INLINE void values_of(const void* values, int64_t ld, int count, int size, const float* p, int64_t ldp, int queries, float* out) {
  for (int j = 0; j < count; j += kFewKeys) {
    const int n = count - j < kFewKeys ? count - j : kFewKeys;
    const T* rows = row_at<T>(values, ld, j);
    int i = 0;
    for (; i + 4 <= queries; i += 4) add_rows<T, 4, W == 4 ? 2 : 4>(rows, ld, n, size, p + i * ldp + j, ldp, out + i * size);
    for (; i + 2 <= queries; i += 2) add_rows<T, 2, W == 16 ? 8 : 4>(rows, ld, n, size, p + i * ldp + j, ldp, out + i * size);
    if (i < queries) add_rows<T, 1, 8>(rows, ld, n, size, p + i * ldp + j, ldp, out + i * size);
  }
}

static void few_values(
    Type type, const void* values, int64_t ld, int count, int size, const float* p, int64_t ldp, int queries, float* out) {
  if (type == Type::f32) return values_of<float>(values, ld, count, size, p, ldp, queries, out);
  if (type == Type::bf16) return values_of<bf16>(values, ld, count, size, p, ldp, queries, out);
  values_of<f16>(values, ld, count, size, p, ldp, queries, out);
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
