#pragma once

#include "heads.h"
#include "scores.h"

// Loops over rows of activations: norms, gated units, softmax. Arithmetic in float32 whatever the type.

namespace cygnet::cpu {
namespace CYGNET_ISA {

// Calls body with a pointer type for each `type`.
#define WITH_TYPE(type, T, ...)                      \
  switch (type) {                                    \
    case Type::f32: { using T = float; __VA_ARGS__; break; } \
    case Type::bf16: { using T = bf16; __VA_ARGS__; break; } \
    case Type::f16: { using T = f16; __VA_ARGS__; break; }   \
  }

template <typename T>
INLINE float squares(const T* x, int n) {
  V sums[2] = {};
  for (int i = 0; i < n; i += 2 * W) {
    const V a = load_some(x + i, n - i);
    sums[0] += a * a;
    if (i + W < n) {
      const V b = load_some(x + i + W, n - i - W);
      sums[1] += b * b;
    }
  }
  return sum(sums[0] + sums[1]);
}

// h = x + delta (delta may be null: h = x, not written)   y = h / rms(h) · w
template <typename T>
INLINE void norm_rows(const T* x, const T* delta, const float* w, float eps, int64_t rows, int n, T* h, T* y) {
  for (int64_t r = 0; r < rows; r++, x += n, y += n) {
    const T* from = x;
    if (delta) {
      for (int i = 0; i < n; i += W) store_some(h + i, load_some(x + i, n - i) + load_some(delta + i, n - i), n - i);
      from = h;
      delta += n;
      h += n;
    }
    const V scale = splat(inverse_root(squares(from, n), n, eps));
    for (int i = 0; i < n; i += W) store_some(y + i, load_some(from + i, n - i) * scale * load_some(w + i, n - i), n - i);
  }
}

static void rms_norm(Type type, const void* x, const void* delta, const float* w, float eps, int64_t rows, int n, void* h, void* y) {
  WITH_TYPE(type, T, norm_rows(static_cast<const T*>(x), static_cast<const T*>(delta), w, eps, rows, n, static_cast<T*>(h), static_cast<T*>(y)))
}

// With r = 1 / rms(h) and g = dy · w: dh = r (g − h r² mean(g h)) + passed, dw += dy h r.
template <typename T>
INLINE void norm_gradient_rows(
    const T* h, const float* w, const T* dy, const T* passed, float eps, int64_t rows, int n, T* dh, float* dw) {
  for (int64_t row = 0; row < rows; row++, h += n, dy += n) {
    const float r = inverse_root(squares(h, n), n, eps);
    V shared{};
    for (int i = 0; i < n; i += W) shared += load_some(dy + i, n - i) * load_some(w + i, n - i) * load_some(h + i, n - i);
    const V scale = splat(r), mean = splat(r * r * sum(shared) / static_cast<float>(n));
    for (int i = 0; i < n; i += W) {
      const V d = load_some(dy + i, n - i), value = load_some(h + i, n - i);
      if (dh) {
        V out = scale * (d * load_some(w + i, n - i) - value * mean);
        if (passed) out += load_some(passed + i, n - i);
        store_some(dh + i, out, n - i);
      }
      if (dw) store_some(dw + i, load_some(dw + i, n - i) + d * value * scale, n - i);
    }
    if (dh) dh += n;
    if (passed) passed += n;
  }
}

static void rms_norm_gradient(
    Type type, const void* h, const float* w, const void* dy, const void* passed, float eps, int64_t rows, int n, void* dh, float* dw) {
  WITH_TYPE(type, T, norm_gradient_rows(static_cast<const T*>(h), w, static_cast<const T*>(dy), static_cast<const T*>(passed), eps,
                                        rows, n, static_cast<T*>(dh), dw))
}

INLINE V sigmoid(V x) { return 1.0f / (1.0f + exp(-x)); }

// The value and slope of a gate's activation.
INLINE void activate(Gate gate, V x, V& value, V& slope) {
  if (gate == Gate::silu) {
    const V s = sigmoid(x);
    value = x * s;
    slope = s * (1.0f + x * (1.0f - s));
    return;
  }
  // gelu, by tanh: 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))
  const V t = tanh_of(0.7978845608f * (x + 0.044715f * x * x * x));
  value = 0.5f * x * (1.0f + t);
  slope = 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * (0.7978845608f * (1.0f + 0.134145f * x * x));
}

template <typename T>
INLINE void gated_of(Gate kind, const T* gate, const T* up, size_t n, T* out) {
  for (size_t i = 0; i < n; i += W) {
    const int some = n - i < W ? static_cast<int>(n - i) : W;
    V value, slope;
    activate(kind, load_some(gate + i, some), value, slope);
    store_some(out + i, value * load_some(up + i, some), some);
  }
}

static void gated(Type type, Gate kind, const void* gate, const void* up, size_t n, void* out) {
  WITH_TYPE(type, T, gated_of(kind, static_cast<const T*>(gate), static_cast<const T*>(up), n, static_cast<T*>(out)))
}

template <typename T>
INLINE void gated_gradient_of(Gate kind, const T* gate, const T* up, const T* d, size_t n, T* d_gate, T* d_up) {
  for (size_t i = 0; i < n; i += W) {
    const int some = n - i < W ? static_cast<int>(n - i) : W;
    V value, slope;
    activate(kind, load_some(gate + i, some), value, slope);
    const V cotangent = load_some(d + i, some);
    store_some(d_up + i, cotangent * value, some);
    store_some(d_gate + i, cotangent * load_some(up + i, some) * slope, some);
  }
}

static void gated_gradient(Type type, Gate kind, const void* gate, const void* up, const void* d, size_t n, void* d_gate, void* d_up) {
  WITH_TYPE(type, T, gated_gradient_of(kind, static_cast<const T*>(gate), static_cast<const T*>(up), static_cast<const T*>(d), n,
                                       static_cast<T*>(d_gate), static_cast<T*>(d_up)))
}

template <typename T>
INLINE void add_of(const T* a, const T* b, size_t n, T* out) {
  for (size_t i = 0; i < n; i += W) {
    const int some = n - i < W ? static_cast<int>(n - i) : W;
    store_some(out + i, load_some(a + i, some) + load_some(b + i, some), some);
  }
}

static void add(Type type, const void* a, const void* b, size_t n, void* out) {
  WITH_TYPE(type, T, add_of(static_cast<const T*>(a), static_cast<const T*>(b), n, static_cast<T*>(out)))
}

// The greatest of a row, NaN when one of them is.
INLINE float greatest(const float* x, int n) {
  V most = splat(-__builtin_inff());
  for (int i = 0; i + W <= n; i += W) most = larger(load(x + i), most);
  float out = largest(most);
  for (int i = n / W * W; i < n; i++) out = x[i] > out || x[i] != x[i] ? x[i] : out;
  return out;
}

// A row of logits → its loss, and in place, when asked for, the loss's gradient: softmax − one-hot.
static float cross_entropy_row(float* logits, int n, int target, bool with_gradient) {
  const float most = greatest(logits, n), logit = logits[target];
  const V shift = splat(most);
  double total = 0;
  // Blocks keep the float32 sum exact to rounding over 150,000 terms.
  for (int start = 0; start < n; start += 4096) {
    const int end = n - start < 4096 ? n : start + 4096;
    V part{};
    for (int i = start; i < end; i += W) {
      V e = exp(load_some(logits + i, end - i) - shift);
      store_some(logits + i, e, end - i);
      if (end - i < W) e = load_part(logits + i, end - i);
      part += e;
    }
    total += sum(part);
  }
  if (with_gradient) {
    const V factor = splat(static_cast<float>(1 / total));
    for (int i = 0; i < n; i += W) store_some(logits + i, load_some(logits + i, n - i) * factor, n - i);
    logits[target] -= 1.0f;
  }
  return static_cast<float>(__builtin_log(total)) + most - logit;
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
