#pragma once

#include "unpack.h"

// Products of a few rows of x with rows of w, read once as they lie in memory.

namespace cygnet::cpu {
namespace CYGNET_ISA {

template <typename T>
INLINE float dot_plain(const T* w, const float* x, int n) {
  V sums[4] = {};
  int i = 0;
  for (; i + 4 * W <= n; i += 4 * W)
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) sums[j] += load(w + i + j * W) * load(x + i + j * W);
  for (; i < n; i += W) sums[0] += load_some(w + i, n - i) * load_some(x + i, n - i);
  return sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// Any packed format: a piece of the row unpacked to float32, then the product.
INLINE float dot_unpacked(const Matrix& w, int row, const float* x) {
  alignas(64) float piece[512];
  float total = 0;
  for (int i = 0; i < w.cols; i += 512) {
    const int n = w.cols - i < 512 ? w.cols - i : 512;
    unpack_packed(w, row, i, n, piece);
    total += dot_plain(piece, x + i, n);
  }
  return total;
}

// Rows that are read side by side: the vectors of x are loaded once for all.
constexpr int kRows = 4;

// Asks for what the next rows will read: beside the arithmetic, the processor's own foresight does not keep memory busy.
INLINE void fetch_next(const void* row, int64_t row_bytes) {
  __builtin_prefetch(static_cast<const uint8_t*>(row) + kRows * row_bytes);
}

template <int R, typename T>
INLINE void dot_plain_rows(const Matrix& w, int row, const float* x, float* y) {
  const T* from[R];
  for (int r = 0; r < R; r++) from[r] = reinterpret_cast<const T*>(w.row(row + r));
  V sums[R][2] = {};
  int i = 0;
  for (; i + 4 * W <= w.cols; i += 4 * W) {
    const V x0 = load(x + i), x1 = load(x + i + W), x2 = load(x + i + 2 * W), x3 = load(x + i + 3 * W);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      for (int at = 0; at < 4 * W; at += 64 / sizeof(T)) fetch_next(from[r] + i + at, w.row_bytes);
      sums[r][0] += load(from[r] + i) * x0;
      sums[r][1] += load(from[r] + i + W) * x1;
      sums[r][0] += load(from[r] + i + 2 * W) * x2;
      sums[r][1] += load(from[r] + i + 3 * W) * x3;
    }
  }
  for (; i < w.cols; i += W) {
    const V rest = load_some(x + i, w.cols - i);
    for (int r = 0; r < R; r++) sums[r][0] += load_some(from[r] + i, w.cols - i) * rest;
  }
  for (int r = 0; r < R; r++) y[r] = sum(sums[r][0] + sums[r][1]);
}

#if defined(__AVX512BF16__)
template <int R>
INLINE void dot_bf16(const bf16* const* w, int64_t row_bytes, const bf16* x, int n, float* y) {
  __m512 sums[R][2] = {};
  int i = 0;
  for (; i + 64 <= n; i += 64) {
    const __m512bh x0 = (__m512bh)_mm512_loadu_si512(x + i), x1 = (__m512bh)_mm512_loadu_si512(x + i + 32);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      fetch_next(w[r] + i, row_bytes);
      fetch_next(w[r] + i + 32, row_bytes);
      sums[r][0] = _mm512_dpbf16_ps(sums[r][0], (__m512bh)_mm512_loadu_si512(w[r] + i), x0);
      sums[r][1] = _mm512_dpbf16_ps(sums[r][1], (__m512bh)_mm512_loadu_si512(w[r] + i + 32), x1);
    }
  }
  for (; i < n; i += 32) {
    const __mmask32 there = n - i >= 32 ? ~0u : (1u << (n - i)) - 1;
    const __m512bh tail = (__m512bh)_mm512_maskz_loadu_epi16(there, x + i);
    for (int r = 0; r < R; r++) sums[r][0] = _mm512_dpbf16_ps(sums[r][0], (__m512bh)_mm512_maskz_loadu_epi16(there, w[r] + i), tail);
  }
  for (int r = 0; r < R; r++) y[r] = _mm512_reduce_add_ps(_mm512_add_ps(sums[r][0], sums[r][1]));
}
#endif

// Σ (s q + b) x = Σ over groups (s Σ q x + b Σ x), all in float32. Prepared x: the sums of its groups, then its elements.

INLINE V bias_part(const Matrix& w, int row, const float* sums) {
  const int64_t first = int64_t(row) * w.groups();
  V total{};
  for (int g = 0; g < w.groups(); g += W) total += factors(w, w.biases, first + g, w.groups() - g) * load(sums + g);
  return total;
}

template <int R>
INLINE void dot_affine8(const Matrix& w, int row, const float* sums, const float* x, float* y) {
  const int groups = w.groups();
  const uint8_t* q[R];
  V total[R];
  for (int r = 0; r < R; r++) q[r] = w.row(row + r), total[r] = bias_part(w, row + r, sums);
  for (int g = 0; g < groups; g++, x += w.group) {
    V part[R][2] = {};
    for (int i = 0; i < w.group; i += 2 * W) {
      const V x0 = load(x + i), x1 = load(x + i + W);
#pragma GCC unroll 4
      for (int r = 0; r < R; r++) {
        if (i % 64 == 0) fetch_next(q[r] + i, w.row_bytes);
        part[r][0] += load(q[r] + i) * x0;
        part[r][1] += load(q[r] + i + W) * x1;
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      total[r] += (part[r][0] + part[r][1]) * splat(scale_at(w.scale_type, w.scales, int64_t(row + r) * groups + g));
      q[r] += w.group;
    }
  }
  for (int r = 0; r < R; r++) y[r] = sum(total[r]);
}

#if !defined(__AVX512F__)
// Of 32 columns the even ones, then the odd ones, as masks and shifts bring them.
template <int R>
INLINE void dot_affine4(const Matrix& w, int row, const float* sums, const float* x, float* y) {
  typedef uint8_t Bytes __attribute__((vector_size(16)));
  const int groups = w.groups();
  V total[R];
  for (int r = 0; r < R; r++) total[r] = bias_part(w, row + r, sums);
  for (int g = 0; g < groups; g++) {
    V part[R] = {};
    for (int i = g * w.group; i < (g + 1) * w.group; i += 32) {
#pragma GCC unroll 4
      for (int r = 0; r < R; r++) {
        const uint8_t* from = w.row(row + r) + i / 2;
        if (i % 128 == 0) fetch_next(from, w.row_bytes);
        Bytes both, halves[2];
        memcpy(&both, from, 16);
        halves[0] = both & 15;
        halves[1] = both >> 4;
        const uint8_t* q = reinterpret_cast<const uint8_t*>(halves);
        for (int j = 0; j < 32; j += W) part[r] += load(q + j) * load(x + i + j);
      }
    }
    for (int r = 0; r < R; r++) total[r] += part[r] * splat(scale_at(w.scale_type, w.scales, int64_t(row + r) * groups + g));
  }
  for (int r = 0; r < R; r++) y[r] = sum(total[r]);
}
#endif

#if defined(__AVX512F__)
// Which scale each lane of a load of 128 nibbles takes.
INLINE __m512i scale_lanes(int group) {
  const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  return group == 32 ? _mm512_srli_epi32(lane, 2) : group == 64 ? _mm512_srli_epi32(lane, 3) : _mm512_setzero_si512();
}

// The products of 64 bytes of nibbles with x, in the order in which shifts bring them.
#if defined(__AVX512BF16__)
// Column 4 · lane + j at j · 32 + lane.
INLINE __m512 nibbles(__m512i v, const bf16* x) {
  // The numbers 0 to 15 in bf16, twice: a lookup reads 5 bits, of which the highest belongs to the next nibble.
  const __m512i table = _mm512_broadcast_i64x4(_mm256_set_epi16(
      0x4170, 0x4160, 0x4150, 0x4140, 0x4130, 0x4120, 0x4110, 0x4100, 0x40e0, 0x40c0, 0x40a0, 0x4080, 0x4040, 0x4000, 0x3f80, 0));
  __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps();
  even = _mm512_dpbf16_ps(even, (__m512bh)_mm512_permutexvar_epi16(v, table), (__m512bh)_mm512_loadu_si512(x));
  odd = _mm512_dpbf16_ps(odd, (__m512bh)_mm512_permutexvar_epi16(_mm512_srli_epi16(v, 4), table), (__m512bh)_mm512_loadu_si512(x + 32));
  even = _mm512_dpbf16_ps(even, (__m512bh)_mm512_permutexvar_epi16(_mm512_srli_epi16(v, 8), table), (__m512bh)_mm512_loadu_si512(x + 64));
  odd = _mm512_dpbf16_ps(odd, (__m512bh)_mm512_permutexvar_epi16(_mm512_srli_epi16(v, 12), table), (__m512bh)_mm512_loadu_si512(x + 96));
  return _mm512_add_ps(even, odd);
}
#endif

// Column 8 · lane + j at j · 16 + lane.
INLINE __m512 nibbles(__m512i v, const float* x) {
  const __m512 table = _mm512_loadu_ps(kCounting);
  __m512 parts[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
#pragma GCC unroll 8
  for (int j = 0; j < 8; j++) {
    parts[j & 1] = _mm512_fmadd_ps(_mm512_permutexvar_ps(_mm512_srli_epi32(v, 4 * j), table), _mm512_loadu_ps(x + j * 16), parts[j & 1]);
  }
  return _mm512_add_ps(parts[0], parts[1]);
}

template <int R, typename T>
INLINE void dot_affine4(const Matrix& w, int row, const float* sums, const T* x, float* y) {
  const int groups = w.groups(), each = 128 / w.group;
  const uint8_t* q[R];
  __m512 total[R];
  for (int r = 0; r < R; r++) q[r] = w.row(row + r), total[r] = (__m512)bias_part(w, row + r, sums);
  const __m512i lanes = scale_lanes(w.group), step = _mm512_set1_epi32(each);
  for (int g = 0; g < groups; g += 16) {
    __m512 scales[R];
    for (int r = 0; r < R; r++) scales[r] = (__m512)factors(w, w.scales, int64_t(row + r) * groups + g, groups - g);
    __m512i lane = lanes;
    const int end = groups - g < 16 ? groups - g : 16;
    for (int i = 0; i < end; i += each, x += 128) {
#pragma GCC unroll 4
      for (int r = 0; r < R; r++) {
        fetch_next(q[r], w.row_bytes);
        total[r] = _mm512_fmadd_ps(nibbles(_mm512_loadu_si512(q[r]), x), _mm512_permutexvar_ps(lane, scales[r]), total[r]);
        q[r] += 64;
      }
      lane = _mm512_add_epi32(lane, step);
    }
  }
  for (int r = 0; r < R; r++) y[r] = _mm512_reduce_add_ps(total[r]);
}
#endif

INLINE bool is_affine8(const Matrix& w) { return w.format == Format::affine && w.bits == 8 && w.group % (2 * W) == 0; }

// Whether x is taken in the order of nibbles.
INLINE bool is_affine4(const Matrix& w) {
#if defined(__AVX512F__)
  return w.format == Format::affine && w.bits == 4 && w.cols % 128 == 0 && w.group <= 128;
#else
  return w.format == Format::affine && w.bits == 4 && w.group % 32 == 0;
#endif
}

// x stays in bf16.
INLINE bool takes_bf16(const Matrix& w, Type type) {
#if defined(__AVX512BF16__)
  return type == Type::bf16 && (w.format == Format::bf16 || is_affine4(w));
#else
  return false;
#endif
}

INLINE int64_t padded_groups(const Matrix& w) { return w.format == Format::affine ? (w.groups() + 15) / 16 * 16 : 0; }

// Floats for the sums, then room for the elements as float32.
static size_t dot_bytes(const Matrix& w, Type) { return size_t(padded_groups(w) + w.cols + 64) * sizeof(float); }

static void prepare_dot(const Matrix& w, Type type, const void* from, void* prepared) {
  float* sums = static_cast<float*>(prepared);
  float* elements = sums + padded_groups(w);
  Matrix x{type == Type::f32 ? Format::f32 : type == Type::bf16 ? Format::bf16 : Format::f16, 1, w.cols, 0, static_cast<const uint8_t*>(from)};
  if (w.format == Format::affine) {
    alignas(64) float group[256];
    for (int g = 0; g < w.groups(); g++) {
      float total = 0;
      for (int i = 0; i < w.group; i += 256) {
        const int n = w.group - i < 256 ? w.group - i : 256;
        unpack_to(x, 0, g * w.group + i, n, group);
        for (int j = 0; j < n; j += W) total += sum(load_some(group + j, n - j));
      }
      sums[g] = total;
    }
    for (int64_t g = w.groups(); g < padded_groups(w); g++) sums[g] = 0;
  }
  if (takes_bf16(w, type)) {
    const bf16* in = static_cast<const bf16*>(from);
    bf16* out = reinterpret_cast<bf16*>(elements);
    if (!is_affine4(w)) {
      memcpy(out, in, size_t(w.cols) * 2);
      return;
    }
    for (int k = 0; k < w.cols; k++) out[k / 128 * 128 + k % 4 * 32 + k % 128 / 4] = in[k];
    return;
  }
  unpack_to(x, 0, 0, w.cols, elements);
  if (is_affine4(w)) {
#if defined(__AVX512F__)
    constexpr int block = 128, parts = 8;
#else
    constexpr int block = 32, parts = 2;
#endif
    float in_order[block];
    for (int k = 0; k < w.cols; k += block) {
      memcpy(in_order, elements + k, sizeof in_order);
      for (int i = 0; i < block; i++) elements[k + i % parts * (block / parts) + i / parts] = in_order[i];
    }
  }
}

// Rows [row, row + R) with one x.
template <int R>
INLINE void dot_rows(const Matrix& w, Type type, int row, const float* sums, float* y) {
  const float* x = sums + padded_groups(w);
#if defined(__AVX512BF16__)
  if (takes_bf16(w, type)) {
    const bf16* halves = reinterpret_cast<const bf16*>(x);
    if (w.format != Format::bf16) return dot_affine4<R>(w, row, sums, halves, y);
    const bf16* rows[R];
    for (int r = 0; r < R; r++) rows[r] = reinterpret_cast<const bf16*>(w.row(row + r));
    return dot_bf16<R>(rows, w.row_bytes, halves, w.cols, y);
  }
#endif
  if (is_affine4(w)) return dot_affine4<R>(w, row, sums, x, y);
  if (is_affine8(w)) return dot_affine8<R>(w, row, sums, x, y);
  switch (w.format) {
    case Format::f32: return dot_plain_rows<R, float>(w, row, x, y);
    case Format::bf16: return dot_plain_rows<R, bf16>(w, row, x, y);
    case Format::f16: return dot_plain_rows<R, f16>(w, row, x, y);
    default:
      for (int r = 0; r < R; r++) y[r] = dot_unpacked(w, row + r, x);
  }
}

static void dot(const Matrix& w, Type type, const void* prepared, int vectors, int first, int count, float* y, int64_t ldy) {
  const size_t stride = dot_bytes(w, type) / sizeof(float);
  int row = first;
  for (; row + kRows <= first + count; row += kRows) {
    for (int j = 0; j < vectors; j++) dot_rows<kRows>(w, type, row, static_cast<const float*>(prepared) + j * stride, y + j * ldy + row);
  }
  for (; row < first + count; row++) {
    for (int j = 0; j < vectors; j++) dot_rows<1>(w, type, row, static_cast<const float*>(prepared) + j * stride, y + j * ldy + row);
  }
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
