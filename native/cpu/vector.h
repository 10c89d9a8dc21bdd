#pragma once

#include <cstdint>

// The compiler makes one version of a marked function for each instruction set, and the loader picks.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define VECTORIZED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3", "fast-math")))
#else
#define VECTORIZED
#endif

namespace cygnet::cpu {

// e^x as 2^n · polynomial, relative error below 3e-7 for x in [-87, 88]; beyond, x is clamped. Coefficients of Cephes' expf.
inline __attribute__((always_inline)) float exp_of(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  const float n = __builtin_rintf(x * 1.44269504f);
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  union {
    int32_t i;
    float f;
  } power = {(static_cast<int32_t>(n) + 127) << 23};
  return p * power.f;
}

// NaN when one of them is.
float greatest(const float* x, int n);

// x ← e^(x − shift); returns the sum. Blocks keep the float32 sum exact to rounding over 150,000 terms.
float exponentials(float* x, int n, float shift);

void scale(float* x, int n, float factor);

float dot(const float* x, const float* y, int n);

}  // namespace cygnet::cpu
