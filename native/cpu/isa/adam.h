#pragma once

#include "isa.h"
#include "vec.h"

namespace cygnet::cpu {
namespace CYGNET_ISA {

// v as the dtype T holds it, and never the inner part of a fused multiply-add.
template <typename T>
INLINE V held(V v) {
  if (sizeof(T) == sizeof(float)) {
#if defined(__aarch64__)
    asm("" : "+w"(v));
#elif defined(__x86_64__)
    asm("" : "+v"(v));
#endif
    return v;
  }
  T parts[W];
  store(parts, v);
  return load(parts);
}

// m' = β₁ m + (1 − β₁) g   v' = β₂ v + (1 − β₂) g²   p' = decay p − rate m' / (root_scale √v' + ε). Every step is rounded to
// the tensors' dtype, as MLX's operations do one by one. Outputs may lie where inputs lie.
template <typename T>
static void adam_loop(const AdamStep& step, size_t n, const T* p, const T* g, const T* m, const T* v, T* p_out, T* m_out, T* v_out) {
  const auto constant = [](float x) { return held<T>(splat(x)); };
  const V beta1 = constant(step.beta1), fresh1 = constant(step.fresh1), beta2 = constant(step.beta2), fresh2 = constant(step.fresh2);
  const V rate = constant(step.rate), root_scale = constant(step.root_scale), eps = constant(step.eps), decay = constant(step.decay);
  for (size_t i = 0; i < n; i += W) {
    const int some = static_cast<int>(n - i < W ? n - i : W);
    const V gradient = load_some(g + i, some);
    const V first = held<T>(held<T>(load_some(m + i, some) * beta1) + held<T>(gradient * fresh1));
    const V second = held<T>(held<T>(load_some(v + i, some) * beta2) + held<T>(held<T>(gradient * gradient) * fresh2));
    const V root = held<T>(held<T>(square_root(second)) * root_scale);
    const V change = held<T>(held<T>(first * rate) / held<T>(root + eps));
    store_some(p_out + i, held<T>(load_some(p + i, some) * decay) - change, some);
    store_some(m_out + i, first, some);
    store_some(v_out + i, second, some);
  }
}

static void adam(
    Type type, const AdamStep& step, size_t n, const void* p, const void* g, const void* m, const void* v, void* p_out,
    void* m_out, void* v_out) {
  const auto run = [&]<typename T>(T) {
    adam_loop<T>(
        step, n, static_cast<const T*>(p), static_cast<const T*>(g), static_cast<const T*>(m), static_cast<const T*>(v),
        static_cast<T*>(p_out), static_cast<T*>(m_out), static_cast<T*>(v_out));
  };
  if (type == Type::f32) run(float{});
  else if (type == Type::bf16) run(bf16{});
  else run(f16{});
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
