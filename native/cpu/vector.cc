#include "vector.h"

#include <limits>

namespace cygnet::cpu {

VECTORIZED float greatest(const float* x, int n) {
  float out = -std::numeric_limits<float>::max();
  int32_t bits = 0;
  for (int i = 0; i < n; i++) {
    out = x[i] > out ? x[i] : out;
    const int32_t magnitude = __builtin_bit_cast(int32_t, x[i]) & 0x7fffffff;
    bits = magnitude > bits ? magnitude : bits;
  }
  // Fast arithmetic takes it for granted that nothing is NaN; the bits tell.
  return bits > 0x7f800000 ? __builtin_bit_cast(float, 0x7fc00000) : out;
}

VECTORIZED float exponentials(float* x, int n, float shift) {
  double total = 0;
  for (int start = 0; start < n; start += 4096) {
    const int end = start + 4096 < n ? start + 4096 : n;
    float sum = 0;
    for (int i = start; i < end; i++) {
      x[i] = exp_of(x[i] - shift);
      sum += x[i];
    }
    total += sum;
  }
  return static_cast<float>(total);
}

VECTORIZED void scale(float* x, int n, float factor) {
  for (int i = 0; i < n; i++) x[i] *= factor;
}

VECTORIZED float dot(const float* x, const float* y, int n) {
  float sum = 0;
  for (int i = 0; i < n; i++) sum += x[i] * y[i];
  return sum;
}

}  // namespace cygnet::cpu
