#pragma once

#include <cstring>

#include "matrix.h"
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(CYGNET_NEON)
#include <arm_neon.h>
#endif

// Vectors of W floats by the compiler's vector extensions, at the width of the instruction set that this is compiled for.
// Everything is in a namespace of that set.

namespace cygnet::cpu {
namespace CYGNET_ISA {

#if defined(__AVX512F__)
constexpr int W = 16;
#elif defined(__AVX2__)
constexpr int W = 8;
#else
constexpr int W = 4;
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float V __attribute__((vector_size(4 * W)));
typedef int32_t VI __attribute__((vector_size(4 * W)));
typedef uint32_t VU __attribute__((vector_size(4 * W)));
typedef uint16_t VH __attribute__((vector_size(2 * W)));
typedef uint8_t VB __attribute__((vector_size(W)));

// At any address.
typedef float LooseV __attribute__((vector_size(4 * W), aligned(1), may_alias));
typedef uint16_t LooseH __attribute__((vector_size(2 * W), aligned(1), may_alias));
typedef uint8_t LooseB __attribute__((vector_size(W), aligned(1), may_alias));

INLINE V splat(float x) {
#if defined(__AVX512F__)
  return (V)_mm512_set1_ps(x);
#elif defined(__AVX2__)
  return (V)_mm256_set1_ps(x);
#else
  return V{x, x, x, x};
#endif
}

INLINE V load(const float* p) { return *reinterpret_cast<const LooseV*>(p); }

INLINE V load(const bf16* p) {
#if defined(__AVX512F__)
  return (V)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))), 16);
#elif defined(__AVX2__)
  return (V)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16);
#else
  const VH h = *reinterpret_cast<const LooseH*>(p);
  return (V)(__builtin_convertvector(h, VU) << 16);
#endif
}

INLINE V load(const uint8_t* p) {
#if defined(__AVX512F__)
  return (V)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#elif defined(__AVX2__)
  return (V)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
#else
  const VB b = *reinterpret_cast<const LooseB*>(p);
  return __builtin_convertvector(__builtin_convertvector(b, VI), V);
#endif
}

INLINE float to_float(bf16 x) { return __builtin_bit_cast(float, uint32_t(x.bits) << 16); }

INLINE float to_float(f16 x) {
  const uint32_t sign = uint32_t(x.bits & 0x8000) << 16, magnitude = x.bits & 0x7fff;
  if (magnitude >= 0x7c00) return __builtin_bit_cast(float, sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
  // Scaling by 2^112 puts the exponent right, for subnormals too.
  const float scaled = __builtin_bit_cast(float, magnitude << 13) * __builtin_bit_cast(float, uint32_t{0x77800000});
  return __builtin_bit_cast(float, sign | __builtin_bit_cast(uint32_t, scaled));
}

INLINE float to_float(float x) { return x; }

INLINE V load(const f16* p) {
#if defined(__AVX512F__)
  return (V)_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
#elif defined(__F16C__)
  return (V)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#elif defined(CYGNET_NEON)
  return (V)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(&p->bits)));
#else
  V v;
  for (int i = 0; i < W; i++) v[i] = to_float(p[i]);
  return v;
#endif
}

INLINE void store(float* p, V v) { *reinterpret_cast<LooseV*>(p) = v; }

// Rounds to nearest even; NaN stays NaN.
INLINE VH rounded(V v) {
#if defined(__AVX512BF16__)
  return (VH)_mm512_cvtneps_pbh((__m512)v);
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
  return (VH)vget_low_u16(vreinterpretq_u16_bf16(vcvtq_low_bf16_f32((float32x4_t)v)));
#else
  const VU u = (VU)v;
  const VU even = (u + 0x7fff + ((u >> 16) & 1)) >> 16;
  const VU isnan = (VU)(v != v);
  return __builtin_convertvector((even & ~isnan) | (((u >> 16) | 0x40) & isnan), VH);
#endif
}

INLINE void store(bf16* p, V v) { *reinterpret_cast<LooseH*>(p) = rounded(v); }

INLINE f16 to_f16(float x) {
  const uint32_t u = __builtin_bit_cast(uint32_t, x), sign = u >> 16 & 0x8000, magnitude = u & 0x7fffffff;
  uint32_t half;
  if (magnitude > 0x7f800000) half = 0x7e00;
  else if (magnitude >= 0x47800000) half = 0x7c00;
  else if (magnitude < 0x38800000) {  // subnormal: the sum's rounding puts the bits in place
    const float sum = __builtin_bit_cast(float, magnitude) + 0.5f;
    half = __builtin_bit_cast(uint32_t, sum) - 0x3f000000;
  } else half = (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
  return {static_cast<uint16_t>(sign | half)};
}

INLINE void store(f16* p, V v) {
#if defined(__AVX512F__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT));
#elif defined(__F16C__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT));
#elif defined(CYGNET_NEON)
  vst1_u16(&p->bits, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)v)));
#else
  for (int i = 0; i < W; i++) p[i] = to_f16(v[i]);
#endif
}

// The first n < W elements → to, zeros after them: a copy of a size that the compiler does not know would be slow.
template <typename T>
INLINE void copy_part(const T* p, int n, T* to) {
#if defined(__AVX512BW__) && defined(__AVX512VL__)
  const __mmask16 there = static_cast<__mmask16>((1u << n) - 1);
  if constexpr (sizeof(T) == 4) _mm512_storeu_si512(to, _mm512_maskz_loadu_epi32(there, p));
  else if constexpr (sizeof(T) == 2) _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_maskz_loadu_epi16(there, p));
  else _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_maskz_loadu_epi8(there, p));
#else
  for (int i = 0; i < W; i++) to[i] = T{};
  for (int i = 0; i < n; i++) to[i] = p[i];
#endif
}

template <typename T>
INLINE V load_part(const T* p, int n) {
  T part[W];
  copy_part(p, n, part);
  return load(part);
}

template <typename T>
INLINE void store_part(T* p, V v, int n) {
  T part[W];
  store(part, v);
#if defined(__AVX512BW__) && defined(__AVX512VL__)
  const __mmask16 there = static_cast<__mmask16>((1u << n) - 1);
  if constexpr (sizeof(T) == 4) _mm512_mask_storeu_epi32(p, there, _mm512_loadu_si512(part));
  else _mm256_mask_storeu_epi16(p, there, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(part)));
#else
  for (int i = 0; i < n; i++) p[i] = part[i];
#endif
}

template <typename T>
INLINE V load_some(const T* p, int n) { return n >= W ? load(p) : load_part(p, n); }

template <typename T>
INLINE void store_some(T* p, V v, int n) {
  if (n >= W) store(p, v);
  else store_part(p, v, n);
}

INLINE V blend(VI choose, V a, V b) { return (V)((choose & (VI)a) | (~choose & (VI)b)); }

// NaN when either is.
INLINE V larger(V a, V b) { return blend((a > b) | (a != a), a, b); }

INLINE V square_root(V v) {
#if defined(__AVX512F__)
  return (V)_mm512_sqrt_ps((__m512)v);
#elif defined(__AVX2__)
  return (V)_mm256_sqrt_ps((__m256)v);
#elif defined(CYGNET_NEON)
  return (V)vsqrtq_f32((float32x4_t)v);
#else
  for (int i = 0; i < W; i++) v[i] = __builtin_sqrtf(v[i]);
  return v;
#endif
}

INLINE float sum(V v) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps((__m512)v);
#elif defined(CYGNET_NEON)
  return vaddvq_f32((float32x4_t)v);
#else
  float parts[W];
  store(parts, v);
  for (int half = W / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) parts[i] += parts[i + half];
  return parts[0];
#endif
}

INLINE float largest(V v) {
  float out = v[0];
  for (int i = 1; i < W; i++) out = v[i] > out || v[i] != v[i] ? v[i] : out;
  return out;
}

// e^x as 2^n · polynomial, relative error below 3e-7; 0 below -87.3, infinity above 88.7, NaN stays. Coefficients of Cephes' expf.
INLINE V exp(V x) {
  const V clamped = blend(x > 88.72f, splat(88.72f), blend(x < -87.3f, splat(-87.3f), x));
  const V n = __builtin_convertvector(__builtin_convertvector(clamped * 1.44269504f + blend(clamped < 0, splat(-0.5f), splat(0.5f)), VI), V);
  const V r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  V p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  // In two factors, as 2^128 is no float.
  const VI power = __builtin_convertvector(n, VI), half = power >> 1;
  V y = p * (V)((half + 127) << 23) * (V)((power - half + 127) << 23);
  y = blend(x < -87.3f, V{}, y);
  y = blend(x > 88.72f, splat(__builtin_inff()), y);
  return blend(x != x, x, y);
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
