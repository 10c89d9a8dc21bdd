#pragma once

#include "../cpu/isa/transpose.h"
#include "formats.h"

// Each lane of a vector has a block of its own, so that W searches run at once and every sum keeps the order of its elements.

namespace cygnet::cpu {
namespace CYGNET_ISA {

using namespace blocks;

// What is added and taken away again is rounded to an integer, halves to even, below 2²² in magnitude.
constexpr float kRounding = 12582912.0f;
// Below this, the largest magnitude of a group counts as zero.
constexpr float kNothing = 1e-15f;

INLINE V pick(VI choose, V a, V b) { return choose ? a : b; }
INLINE V magnitude(V v) { return (V)((VI)v & 0x7fffffff); }
INLINE float magnitude(float v) { return __builtin_fabsf(v); }

INLINE V whole(V v) { return (v + kRounding) - kRounding; }

// a > b ? a : b and a < b ? a : b, with b where one is NaN, as x86 has it in one instruction.
INLINE V greater_of(V a, V b) {
#if defined(__AVX512F__)
  return (V)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (V)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__)
  return (V)_mm_max_ps((__m128)a, (__m128)b);
#else
  return pick(a > b, a, b);
#endif
}
INLINE V less_of(V a, V b) {
#if defined(__AVX512F__)
  return (V)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
  return (V)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__)
  return (V)_mm_min_ps((__m128)a, (__m128)b);
#else
  return pick(a < b, a, b);
#endif
}

// NaN → low.
INLINE V within(V v, float low, float high) { return less_of(greater_of(v, splat(low)), splat(high)); }

// The rounded integer as ggml reads it off the sum's bits: beyond 2²² what comes out is no integer near v, but the same one.
INLINE VI nearest(V v) { return ((VI)(v + kRounding) & 0x7fffff) - 0x400000; }
INLINE int nearest(float v) { return (__builtin_bit_cast(int, v + kRounding) & 0x7fffff) - 0x400000; }

INLINE VI within(VI v, int low, int high) {
  v = v > low ? v : VI{} + low;
  return v < high ? v : VI{} + high;
}

// within(nearest(v), low, high) + kRounding, as the bits of a float and with its exponent.
INLINE V raised(V v, int low, int high) {
  const V sum = (V)(((VI)(v + kRounding) & 0x7fffff) | 0x4b000000);
  return within(sum, kRounding + low, kRounding + high);
}
INLINE V nearest_within(V v, int low, int high) { return raised(v, low, high) - kRounding; }

// Towards zero; what no int32 holds becomes −2³¹, as x86 has it, on every processor.
INLINE VI truncated(V v) { return __builtin_convertvector(pick(magnitude(v) < 2147483648.0f, v, splat(-2147483648.0f)), VI); }

INLINE V to_floats(VI v) { return __builtin_convertvector(v, V); }

// The low bytes.
INLINE void store_bytes(uint8_t* p, VI v) {
#if defined(__AVX512F__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8((__m512i)v));
#elif defined(__AVX2__)
  const __m256i words = _mm256_and_si256((__m256i)v, _mm256_set1_epi32(255));
  const __m128i halves = _mm_packs_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(halves, halves));
#elif defined(__x86_64__)
  const __m128i halves = _mm_packs_epi32(_mm_and_si128((__m128i)v, _mm_set1_epi32(255)), _mm_setzero_si128());
  const int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(halves, halves));
  memcpy(p, &bytes, sizeof bytes);
#else
  *reinterpret_cast<LooseB*>(p) = __builtin_convertvector((VU)v, VB);
#endif
}

// Without subnormal floats on the way, which take processors a hundred cycles: scales are often subnormal in float16.
INLINE float from_half(uint16_t bits) {
  const uint32_t sign = uint32_t(bits & 0x8000) << 16, magnitude = bits & 0x7fff;
  const uint32_t wide = magnitude >= 0x7c00 ? 0x7f800000 | (magnitude & 0x3ff) << 13
      : magnitude >= 0x400 ? (magnitude << 13) + (112 << 23)
                           : __builtin_bit_cast(uint32_t, static_cast<float>(magnitude) * 0x1p-24f);
  return __builtin_bit_cast(float, sign | wide);
}
INLINE uint16_t to_half(float x) { return to_f16(x).bits; }

// lanes[i] = element i of W blocks of n elements that follow each other.
template <int n>
INLINE void to_lanes(const float* blocks, V* lanes) {
  for (int i = 0; i < n; i += W)
    transpose_square(reinterpret_cast<const uint32_t*>(blocks) + i, n, reinterpret_cast<uint32_t*>(lanes + i), W);
}

// Up to W blocks of n elements, with the importance of their columns and the mean square of their rows.
template <int n>
struct Batch {
  const float* blocks;  // as they lie in memory
  int count;
  V x[n], importance[n], energy;
};

INLINE float sum_of_squares(const float* x, int64_t n) {
  float sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
  return sum;
}

// Calls pack(batch, out) for W blocks at a time. with_energy: the mean square of rows is wanted, beside an importance.
template <int n, typename Block, typename Pack>
INLINE void in_batches(const float* x, int64_t rows, int64_t cols, const float* importance, bool with_energy, uint8_t* out, Pack pack) {
  alignas(64) float part[W * n];
  Batch<n> batch;
  const int64_t blocks = rows * cols / n, per_row = cols / n;
  int64_t row = -1;
  float energy = 0, energies[W] = {};
  for (int64_t first = 0; first < blocks; first += W) {
    batch.blocks = x + first * n;
    batch.count = static_cast<int>(blocks - first < W ? blocks - first : W);
    for (int k = 0; importance && k < batch.count; k++) {
      const int64_t of = (first + k) / per_row;
      if (with_energy && of != row) energy = sum_of_squares(x + of * cols, cols) / cols;
      row = of;
      energies[k] = energy;
      memcpy(part + k * n, importance + (first + k - of * per_row) * n, n * sizeof(float));
    }
    if (importance) {
      to_lanes<n>(part, batch.importance);
      batch.energy = load(energies);
    }
    if (batch.count < W) {
      memcpy(part, batch.blocks, batch.count * n * sizeof(float));
      memset(part + batch.count * n, 0, (W - batch.count) * n * sizeof(float));
    }
    to_lanes<n>(batch.count < W ? part : batch.blocks, batch.x);
    pack(batch, reinterpret_cast<Block*>(out) + first);
  }
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
