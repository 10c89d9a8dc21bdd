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

template <typename T>
INLINE const T* row_at(const void* rows, int64_t ld, int row) {
  return reinterpret_cast<const T*>(static_cast<const char*>(rows) + row * ld);
}

template <typename T>
INLINE void scores_of(const void* keys, int64_t ld, int count, int size, const float* q, float* scores) {
  int j = 0;
  for (; j + W <= count; j += W) {
    V sums[W] = {};
    int e = 0;
    for (; e + W <= size; e += W) {
      const V each = load(q + e);
#pragma GCC unroll 16
      for (int r = 0; r < W; r++) sums[r] += load(row_at<T>(keys, ld, j + r) + e) * each;
    }
    if (e < size) {
      const V each = load_part(q + e, size - e);
      for (int r = 0; r < W; r++) sums[r] += load_part(row_at<T>(keys, ld, j + r) + e, size - e) * each;
    }
    store(scores + j, sums_of(sums));
  }
  for (; j < count; j++) {
    V total = {};
    for (int e = 0; e < size; e += W) total += load_some(row_at<T>(keys, ld, j) + e, size - e) * load_some(q + e, size - e);
    scores[j] = sum(total);
  }
}

#if defined(__AVX512BF16__)
INLINE void scores_of_pairs(const void* keys, int64_t ld, int count, int size, const bf16* q, float* scores) {
  const __mmask32 rest = size % 32 ? (1u << size % 32) - 1 : 0;
  const int whole = size / 32 * 32;
  int j = 0;
  for (; j + 16 <= count; j += 16) {
    V sums[16] = {};
    for (int e = 0; e < whole; e += 32) {
      const __m512bh each = (__m512bh)_mm512_loadu_si512(q + e);
#pragma GCC unroll 16
      for (int r = 0; r < 16; r++) {
        sums[r] = (V)_mm512_dpbf16_ps((__m512)sums[r], (__m512bh)_mm512_loadu_si512(row_at<bf16>(keys, ld, j + r) + e), each);
      }
    }
    if (rest) {
      const __m512bh each = (__m512bh)_mm512_maskz_loadu_epi16(rest, q + whole);
      for (int r = 0; r < 16; r++) {
        const __m512bh key = (__m512bh)_mm512_maskz_loadu_epi16(rest, row_at<bf16>(keys, ld, j + r) + whole);
        sums[r] = (V)_mm512_dpbf16_ps((__m512)sums[r], key, each);
      }
    }
    store(scores + j, sums_of(sums));
  }
  for (; j < count; j++) {
    const bf16* row = row_at<bf16>(keys, ld, j);
    dot_bf16<1>(&row, 0, q, size, scores + j);
  }
}
#endif

static void few_scores(Type type, const void* keys, int64_t ld, int count, int size, const float* q, float* scores) {
  if (type == Type::f32) return scores_of<float>(keys, ld, count, size, q, scores);
  if (type == Type::f16) return scores_of<f16>(keys, ld, count, size, q, scores);
#if defined(__AVX512BF16__)
  alignas(64) bf16 halves[kMaxHeadSize];
  convert_row(q, size, halves);
  scores_of_pairs(keys, ld, count, size, halves, scores);
#else
  scores_of<bf16>(keys, ld, count, size, q, scores);
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
