#pragma once

#include "isa.h"
#include "vec.h"

namespace cygnet::cpu {
namespace CYGNET_ISA {

template <typename T>
static Peak logits_loop(const T* x, const float* bias, int n, float* floats, float inverse_temperature) {
  const bool stays = static_cast<const void*>(x) == floats;
  V greatest = splat(-__builtin_inff());
  for (int i = 0; i < n; i += W) {
    const int some = n - i < W ? n - i : W;
    V v = load_some(x + i, some);
    if (bias) v += load_some(bias + i, some);
    if (!stays) store_some(floats + i, v, some);
    if (some == W) {
      greatest = larger(greatest, v);
      continue;
    }
    for (int k = some; k < W; k++) v[k] = v[0];
    greatest = larger(greatest, v);
  }
  const float shift = largest(greatest);
  if (shift == -__builtin_inff()) return {shift, 0, 0};
  V total{}, tempered{};
  const auto add = [&](V v) {
    total += exp(v - shift);
    if (inverse_temperature > 0) tempered += exp((v - shift) * inverse_temperature);
  };
  int i = 0;
  for (; i + W <= n; i += W) add(load(floats + i));
  if (i < n) {
    V rest = splat(-__builtin_inff());
    for (int k = 0; k < n - i; k++) rest[k] = floats[i + k];
    add(rest);
  }
  return {shift, sum(total), sum(tempered)};
}

// n logits + bias, if there is one, as floats, and what they come to. `floats` may be x itself.
static Peak logits_peak(Type type, const void* x, const float* bias, int n, float* floats, float inverse_temperature) {
  if (type == Type::f32) return logits_loop(static_cast<const float*>(x), bias, n, floats, inverse_temperature);
  if (type == Type::bf16) return logits_loop(static_cast<const bf16*>(x), bias, n, floats, inverse_temperature);
  return logits_loop(static_cast<const f16*>(x), bias, n, floats, inverse_temperature);
}

// The places and values of the elements that are at least `cutoff`; returns how many. There is room for n of each.
static int at_least(const float* x, int n, float cutoff, int32_t* places, float* values) {
  int found = 0;
  int i = 0;
#if defined(__AVX512F__)
  const __m512i step = _mm512_set1_epi32(W);
  __m512i place = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (; i + W <= n; i += W, place = _mm512_add_epi32(place, step)) {
    const __m512 v = _mm512_loadu_ps(x + i);
    const __mmask16 chosen = _mm512_cmp_ps_mask(v, _mm512_set1_ps(cutoff), _CMP_GE_OQ);
    if (!chosen) continue;
    _mm512_mask_compressstoreu_epi32(places + found, chosen, place);
    _mm512_mask_compressstoreu_ps(values + found, chosen, v);
    found += __builtin_popcount(chosen);
  }
#endif
  for (; i < n; i++) {
    places[found] = i;
    values[found] = x[i];
    found += x[i] >= cutoff;
  }
  return found;
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
