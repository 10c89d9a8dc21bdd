#include "low_rank.h"

#include <cmath>
#include <cstring>

namespace cygnet::cpu {
namespace {

bf16 rounded(float x) {
  uint32_t u;
  std::memcpy(&u, &x, 4);
  if ((u & 0x7fffffff) > 0x7f800000) return {static_cast<uint16_t>(u >> 16 | 0x40)};
  return {static_cast<uint16_t>((u + 0x7fff + (u >> 16 & 1)) >> 16)};
}

float widened(bf16 x) {
  const uint32_t u = uint32_t(x.bits) << 16;
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}

// Infinity minus infinity would make a NaN of the low part.
bf16 rest(float x, bf16 high) { return std::isfinite(x) ? rounded(x - widened(high)) : bf16{0}; }

}  // namespace

int split_outputs(Panel panel) { return panel == Panel::bf16 ? 2 : 1; }
int split_depth(Panel panel) { return panel == Panel::bf16 ? 3 : 1; }

Matrix split(Scratch& scratch, Panel panel, const float* m, int rows, int cols, Order order, Parts parts, float factor) {
  const size_t size = size_t(rows) * cols;
  if (panel == Panel::f32) {
    if (factor == 1) return dense(Type::f32, m, rows, cols);
    float* out = scratch.get<float>(size);
    for (size_t i = 0; i < size; i++) out[i] = factor * m[i];
    return dense(Type::f32, out, rows, cols);
  }
  const int count = order == Order::high_low ? 2 : 3;
  bf16* out = scratch.get<bf16>(size * count);
  const int64_t ld = parts == Parts::beside ? int64_t(cols) * count : cols, step = parts == Parts::beside ? cols : int64_t(size);
  const int second = order == Order::high_high_low ? 2 : 1;  // where the low part goes
  for (int r = 0; r < rows; r++) {
    bf16* row = out + r * ld;
    for (int c = 0; c < cols; c++) {
      const float x = factor * m[int64_t(r) * cols + c];
      const bf16 high = rounded(x);
      row[c] = high;
      row[second * step + c] = rest(x, high);
      if (count == 3) row[(3 - second) * step + c] = high;
    }
  }
  return parts == Parts::beside ? dense(Type::bf16, out, rows, cols * count) : dense(Type::bf16, out, rows * count, cols);
}

Matrix split_all(Scratch& scratch, Panel panel, std::span<const Small> matrices, int rows) {
  int cols = 0;
  for (const Small& small : matrices) cols += small.cols * split_outputs(panel);
  const int size = panel == Panel::bf16 ? 2 : 4;
  uint8_t* out = scratch.get<uint8_t>(size_t(rows) * cols * size);
  int64_t at = 0;
  for (const Small& small : matrices) {
    const size_t length = size_t(small.cols) * split_outputs(panel) * size;
    Scratch::Frame frame(scratch);
    const Matrix part = split(scratch, panel, small.data, rows, small.cols, Order::high_low, Parts::beside);
    for (int r = 0; r < rows; r++) std::memcpy(out + int64_t(r) * cols * size + at, part.row(r), length);
    at += length;
  }
  return dense(panel == Panel::bf16 ? Type::bf16 : Type::f32, out, rows, cols);
}

void fold(Panel panel, const float* in, int64_t ld, int rows, int cols, Parts parts, float factor, float* out) {
  const int64_t second = parts == Parts::beside ? cols : rows * ld;
  for (int r = 0; r < rows; r++) {
    const float* row = in + r * ld;
    for (int c = 0; c < cols; c++) {
      out[int64_t(r) * cols + c] = factor * (panel == Panel::bf16 ? row[c] + row[second + c] : row[c]);
    }
  }
}

}  // namespace cygnet::cpu
