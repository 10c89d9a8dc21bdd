#pragma once

#include "attention.h"
#include "unpack.h"

// Vectors of heads: RMSNorm, rotation of pairs (Su et al. 2021, arXiv:2104.09864), and back.

namespace cygnet::cpu {
namespace CYGNET_ISA {

INLINE void load_row(Type type, const void* x, int n, float* to) {
  if (type == Type::f32) return convert_row(static_cast<const float*>(x), n, to);
  if (type == Type::bf16) return convert_row(static_cast<const bf16*>(x), n, to);
  convert_row(static_cast<const f16*>(x), n, to);
}

template <typename T>
INLINE void store_scaled(const float* x, int n, float factor, T* to) {
  int i = 0;
  for (; i + W <= n; i += W) store(to + i, load(x + i) * factor);
  if (i < n) store_part(to + i, load_part(x + i, n - i) * factor, n - i);
}

static void convert_scaled(const float* x, int n, float factor, Type to, void* y) {
  if (to == Type::f32) return store_scaled(x, n, factor, static_cast<float*>(y));
  if (to == Type::bf16) return store_scaled(x, n, factor, static_cast<bf16*>(y));
  store_scaled(x, n, factor, static_cast<f16*>(y));
}

typedef double D __attribute__((vector_size(4 * W)));
typedef int64_t DI __attribute__((vector_size(4 * W)));
typedef float HalfV __attribute__((vector_size(2 * W)));
INLINE D choose(DI condition, D a, D b) { return (D)((condition & (DI)a) | (~condition & (DI)b)); }

// In float64: an angle of a hundred thousand radians keeps its place on the circle. Sine and cosine by Taylor's series on ±π/4.
INLINE void turn_by(D angle, D& cosine, D& sine) {
  // Adding 1.5 · 2^52 rounds to an integer, which then lies in the lowest bits.
  const D moved = angle * 0.63661977236758134 + 6755399441055744.0, turns = moved - 6755399441055744.0;
  const DI quarter = (DI)moved;
  const D r = (angle - turns * 1.5707963267948966) - turns * 6.123233995736766e-17, z = r * r;
  const D s = r * (1 + z * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880)))));
  const D c = 1 + z * (-1.0 / 2 + z * (1.0 / 24 + z * (-1.0 / 720 + z * (1.0 / 40320 - z * (1.0 / 3628800)))));
  const DI odd = (quarter & 1) != 0;
  cosine = choose(odd, s, c);
  sine = choose(odd, c, s);
  cosine = choose(((quarter + 1) & 2) != 0, -cosine, cosine);
  sine = choose((quarter & 2) != 0, -sine, sine);
}

static void rotation(float position, const float* frequencies, int pairs, float* out) {
  constexpr int n = W / 2;
  for (int i = 0; i < pairs; i += n) {
    const int there = pairs - i < n ? pairs - i : n;
    HalfV angles = {}, c, s;
    if (there == n) memcpy(&angles, frequencies + i, sizeof angles);
    else memcpy(&angles, frequencies + i, there * sizeof(float));
    D cosine, sine;
    turn_by(__builtin_convertvector(angles * position, D), cosine, sine);
    c = __builtin_convertvector(cosine, HalfV);
    s = __builtin_convertvector(sine, HalfV);
    if (there == n) {
      memcpy(out + i, &c, sizeof c);
      memcpy(out + pairs + i, &s, sizeof s);
    } else {
      memcpy(out + i, &c, there * sizeof(float));
      memcpy(out + pairs + i, &s, there * sizeof(float));
    }
  }
}

// sign −1 turns back.
INLINE void rotate(const HeadSteps& steps, const float* rotation, float sign, float* x) {
  const int n = steps.pairs;
  const float *cosines = rotation, *sines = rotation + n;
  if (steps.traditional) {
    for (int i = 0; i < n; i++) {
      const float a = x[2 * i], b = x[2 * i + 1], s = sign * sines[i];
      x[2 * i] = a * cosines[i] - b * s;
      x[2 * i + 1] = a * s + b * cosines[i];
    }
    return;
  }
  for (int i = 0; i < n; i += W) {
    const int there = n - i;
    const V a = load_some(x + i, there), b = load_some(x + n + i, there);
    const V c = load_some(cosines + i, there), s = load_some(sines + i, there) * sign;
    store_some(x + i, a * c - b * s, there);
    store_some(x + n + i, a * s + b * c, there);
  }
}

INLINE float dot_floats(const float* a, const float* b, int n) {
  V total[2] = {};
  int i = 0;
  for (; i + 2 * W <= n; i += 2 * W) {
    total[0] += load(a + i) * load(b + i);
    total[1] += load(a + i + W) * load(b + i + W);
  }
  for (; i < n; i += W) total[0] += load_some(a + i, n - i) * load_some(b + i, n - i);
  return sum(total[0] + total[1]);
}

// 1 / √(mean + ε) from a sum of n squares.
INLINE float inverse_root(float squares, int n, float eps) { return 1.0f / __builtin_sqrtf(squares / static_cast<float>(n) + eps); }

static void head(const HeadSteps& steps, const float* rotation, Type from, const void* x, float factor, Type to, void* y) {
  alignas(64) float row[kMaxHeadSize];
  const int n = steps.size;
  load_row(from, x, n, row);
  if (steps.norm) {
    const float r = inverse_root(dot_floats(row, row, n), n, steps.eps);
    for (int i = 0; i < n; i += W) store_some(row + i, load_some(row + i, n - i) * r * load_some(steps.norm + i, n - i), n - i);
  }
  if (steps.pairs) rotate(steps, rotation, 1, row);
  convert_scaled(row, n, factor, to, y);
}

// y = x r w, r = 1 / √(mean(x²) + ε)   dx = r (g − x r² mean(g x)), g = dy w   dw = dy x r
static void head_gradient(
    const HeadSteps& steps, const float* rotation, Type type, const void* x, float factor, float* dy, void* dx, float* dw) {
  const int n = steps.size;
  if (steps.pairs) rotate(steps, rotation, -1, dy);
  if (steps.norm) {
    alignas(64) float row[kMaxHeadSize];
    load_row(type, x, n, row);
    const float r = inverse_root(dot_floats(row, row, n), n, steps.eps);
    if (dw) {
      for (int i = 0; i < n; i += W) {
        const int there = n - i;
        store_some(dw + i, load_some(dw + i, there) + load_some(dy + i, there) * load_some(row + i, there) * (r * factor), there);
      }
    }
    for (int i = 0; i < n; i += W) store_some(dy + i, load_some(dy + i, n - i) * load_some(steps.norm + i, n - i), n - i);
    const float shared = r * r * dot_floats(dy, row, n) / n;
    for (int i = 0; i < n; i += W) store_some(dy + i, (load_some(dy + i, n - i) - load_some(row + i, n - i) * shared) * r, n - i);
  }
  convert_scaled(dy, n, factor, type, dx);
}

static float dot_rows(Type type, const void* a, const void* b, int n) {
  alignas(64) float x[kMaxHeadSize], y[kMaxHeadSize];
  load_row(type, a, n, x);
  load_row(type, b, n, y);
  return dot_floats(x, y, n);
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
