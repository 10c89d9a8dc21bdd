#pragma once

#include "unpack.h"

// Products of a few rows of x with rows of w, read once as they lie in memory.

namespace cygnet::cpu {
namespace CYGNET_ISA {

// float32 or bf16 pairs on bf16 weights: 64 bytes at a time.
#if defined(__AVX512BF16__)
INLINE float dot_bf16(const bf16* w, const bf16* x, int n) {
  __m512 sums[4] = {};
  int i = 0;
  for (; i + 128 <= n; i += 128) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      sums[j] = _mm512_dpbf16_ps(
          sums[j], (__m512bh)_mm512_loadu_si512(w + i + j * 32), (__m512bh)_mm512_loadu_si512(x + i + j * 32));
    }
  }
  for (; i < n; i += 32) {
    const __mmask32 there = n - i >= 32 ? ~0u : (1u << (n - i)) - 1;
    sums[0] = _mm512_dpbf16_ps(
        sums[0], (__m512bh)_mm512_maskz_loadu_epi16(there, w + i), (__m512bh)_mm512_maskz_loadu_epi16(there, x + i));
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
}
#endif

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

// Σ (s q + b) x = Σ over groups (s Σ q x + b Σ x), all in float32. Prepared x: the sums of its groups, then its elements.
INLINE float bias_part(const Matrix& w, int row, const float* sums) {
  const int n = w.groups();
  const int64_t at = int64_t(row) * n;
  if (w.scale_type == Type::f32) return dot_plain(static_cast<const float*>(w.biases) + at, sums, n);
  if (w.scale_type == Type::bf16) return dot_plain(static_cast<const bf16*>(w.biases) + at, sums, n);
  return dot_plain(static_cast<const f16*>(w.biases) + at, sums, n);
}

INLINE float dot_affine8(const Matrix& w, int row, const float* sums, const float* x) {
  const uint8_t* q = w.row(row);
  const int groups = w.groups();
  const int64_t first = int64_t(row) * groups;
  V total[2] = {};
  for (int g = 0; g < groups; g++) {
    V part[2] = {};
#pragma GCC unroll 2
    for (int i = 0; i < w.group; i += 2 * W) {
      part[0] += load(q + i) * load(x + i);
      part[1] += load(q + i + W) * load(x + i + W);
    }
    const V scale = splat(scale_at(w.scale_type, w.scales, first + g));
    total[0] += part[0] * scale;
    total[1] += part[1] * scale;
    q += w.group;
    x += w.group;
  }
  return sum(total[0] + total[1]) + bias_part(w, row, sums);
}

#if defined(__AVX512F__)
INLINE __m512 scales_of(const Matrix& w, int64_t at, int n) {
  float part[16] = {};
  if (n >= 16) {
    if (w.scale_type == Type::f32) return (__m512)load(static_cast<const float*>(w.scales) + at);
    if (w.scale_type == Type::bf16) return (__m512)load(static_cast<const bf16*>(w.scales) + at);
    return (__m512)load(static_cast<const f16*>(w.scales) + at);
  }
  for (int i = 0; i < n; i++) part[i] = scale_at(w.scale_type, w.scales, at + i);
  return _mm512_loadu_ps(part);
}

// Which scale each lane of a load of 128 nibbles takes.
INLINE __m512i scale_lanes(int group) {
  alignas(64) int lanes[16];
  for (int i = 0; i < 16; i++) lanes[i] = i * 8 / group;
  return _mm512_load_si512(lanes);
}

#if defined(__AVX512BF16__)
// x of 128 columns in the order in which shifts bring the nibbles of 16-bit lanes: column 4 · lane + j at j · 32 + lane.
INLINE float dot_affine4(const Matrix& w, int row, const float* sums, const bf16* x) {
  alignas(64) static constexpr uint16_t kTable[32] = {
      0, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0, 0x40e0, 0x4100, 0x4110, 0x4120, 0x4130, 0x4140, 0x4150, 0x4160, 0x4170,
      0, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0, 0x40e0, 0x4100, 0x4110, 0x4120, 0x4130, 0x4140, 0x4150, 0x4160, 0x4170};
  const __m512i table = _mm512_load_si512(kTable);
  const uint8_t* q = w.row(row);
  const int groups = w.groups(), each = 128 / w.group;
  const int64_t first = int64_t(row) * groups;
  __m512 total = _mm512_setzero_ps();
  const __m512i lanes = scale_lanes(w.group);
  for (int g = 0; g < groups; g += 16) {
    const __m512 scales = scales_of(w, first + g, groups - g);
    __m512i lane = lanes;
    const int end = groups - g < 16 ? groups - g : 16;
    for (int i = 0; i < end; i += each, q += 64, x += 128) {
      const __m512i v = _mm512_loadu_si512(q);
      __m512 part = _mm512_setzero_ps(), other = _mm512_setzero_ps();
      part = _mm512_dpbf16_ps(part, (__m512bh)_mm512_permutexvar_epi16(v, table), (__m512bh)_mm512_loadu_si512(x));
      other = _mm512_dpbf16_ps(
          other, (__m512bh)_mm512_permutexvar_epi16(_mm512_srli_epi16(v, 4), table), (__m512bh)_mm512_loadu_si512(x + 32));
      part = _mm512_dpbf16_ps(
          part, (__m512bh)_mm512_permutexvar_epi16(_mm512_srli_epi16(v, 8), table), (__m512bh)_mm512_loadu_si512(x + 64));
      other = _mm512_dpbf16_ps(
          other, (__m512bh)_mm512_permutexvar_epi16(_mm512_srli_epi16(v, 12), table), (__m512bh)_mm512_loadu_si512(x + 96));
      total = _mm512_fmadd_ps(_mm512_add_ps(part, other), _mm512_permutexvar_ps(lane, scales), total);
      lane = _mm512_add_epi32(lane, _mm512_set1_epi32(each));
    }
  }
  return _mm512_reduce_add_ps(total) + bias_part(w, row, sums);
}
#endif

// The same in float32: column 8 · lane + j at j · 16 + lane.
INLINE float dot_affine4(const Matrix& w, int row, const float* sums, const float* x) {
  const __m512 table = _mm512_loadu_ps(kCounting);
  const uint8_t* q = w.row(row);
  const int groups = w.groups(), each = 128 / w.group;
  const int64_t first = int64_t(row) * groups;
  __m512 total = _mm512_setzero_ps();
  const __m512i lanes = scale_lanes(w.group);
  for (int g = 0; g < groups; g += 16) {
    const __m512 scales = scales_of(w, first + g, groups - g);
    __m512i lane = lanes;
    const int end = groups - g < 16 ? groups - g : 16;
    for (int i = 0; i < end; i += each, q += 64, x += 128) {
      const __m512i v = _mm512_loadu_si512(q);
      __m512 parts[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
#pragma GCC unroll 8
      for (int j = 0; j < 8; j++) {
        parts[j & 1] = _mm512_fmadd_ps(_mm512_permutexvar_ps(_mm512_srli_epi32(v, 4 * j), table), _mm512_loadu_ps(x + j * 16), parts[j & 1]);
      }
      total = _mm512_fmadd_ps(_mm512_add_ps(parts[0], parts[1]), _mm512_permutexvar_ps(lane, scales), total);
      lane = _mm512_add_epi32(lane, _mm512_set1_epi32(each));
    }
  }
  return _mm512_reduce_add_ps(total) + bias_part(w, row, sums);
}
#endif

INLINE bool is_affine8(const Matrix& w) { return w.format == Format::affine && w.bits == 8 && w.group % (2 * W) == 0; }

// Whether x is taken in the order of nibbles.
INLINE bool is_affine4(const Matrix& w) {
#if defined(__AVX512F__)
  return w.format == Format::affine && w.bits == 4 && w.cols % 128 == 0 && w.group <= 128;
#else
  return false;
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
    alignas(64) float block[128];
    for (int k = 0; k < w.cols; k += 128) {
      memcpy(block, elements + k, sizeof block);
      for (int i = 0; i < 128; i++) elements[k + i % 8 * 16 + i / 8] = block[i];
    }
  }
}

INLINE float dot_row(const Matrix& w, Type type, int row, const float* sums) {
  const float* x = sums + padded_groups(w);
#if defined(__AVX512BF16__)
  if (takes_bf16(w, type)) {
    const bf16* halves = reinterpret_cast<const bf16*>(x);
    if (w.format == Format::bf16) return dot_bf16(reinterpret_cast<const bf16*>(w.row(row)), halves, w.cols);
    return dot_affine4(w, row, sums, halves);
  }
#endif
#if defined(__AVX512F__)
  if (is_affine4(w)) return dot_affine4(w, row, sums, x);
#endif
  if (is_affine8(w)) return dot_affine8(w, row, sums, x);
  switch (w.format) {
    case Format::f32: return dot_plain(reinterpret_cast<const float*>(w.row(row)), x, w.cols);
    case Format::bf16: return dot_plain(reinterpret_cast<const bf16*>(w.row(row)), x, w.cols);
    case Format::f16: return dot_plain(reinterpret_cast<const f16*>(w.row(row)), x, w.cols);
    default: return dot_unpacked(w, row, x);
  }
}

static void dot(const Matrix& w, Type type, const void* prepared, int vectors, int first, int count, float* y, int64_t ldy) {
  const size_t stride = dot_bytes(w, type) / sizeof(float);
  for (int row = first; row < first + count; row++)
    for (int j = 0; j < vectors; j++) y[j * ldy + row] = dot_row(w, type, row, static_cast<const float*>(prepared) + j * stride);
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
