#pragma once

#include "kernel.h"
#include "product.h"
#include "scratch.h"

// Steps between products, over the threads. Rows lie one behind the other; elements are of one type.

namespace cygnet::cpu {

// Where an element lies; null stays null.
template <typename T>
T* at(T* base, size_t element, Type type) {
  using Byte = std::conditional_t<std::is_const_v<T>, const uint8_t, uint8_t>;
  return base ? static_cast<Byte*>(base) + element * size_of(type) : nullptr;
}

// A vector in float32: itself, or a copy in `scratch`.
const float* floats(const mx::array& w, Scratch& scratch);

// y = h / rms(h) · w with h = x + delta, or x where delta is null; then h may be null. Rows of n elements.
void norm_rows(Type type, const void* x, const void* delta, const float* w, float eps, size_t rows, int n, void* h, void* y);

// activation(gate) · up
void gate_elements(Type type, Gate kind, const void* gate, const void* up, size_t n, void* out);

// a + b
void add_elements(Type type, const void* a, const void* b, size_t n, void* out);

}  // namespace cygnet::cpu
