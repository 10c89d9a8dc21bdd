#pragma once

#include <cstddef>
#include <cstdint>

// Plain types that cross from the kernels to the loops of each instruction set. No code: these headers are compiled with other
// compiler flags than the rest, and what the linker would merge must not differ.

namespace cygnet::cpu {

struct bf16 {
  uint16_t bits;
};
struct f16 {
  uint16_t bits;
};

enum class Type : int { f32, bf16, f16 };

// How the elements of a matrix are stored. `affine`: w = scale · q + bias for groups of columns, q of 2 to 8 bits in a little-endian
// stream. The others are floats of 4 or 8 bits with a scale for each group: OCP MX (e8m0 scales) and NVFP4 (e4m3 scales).
enum class Format : int { f32, bf16, f16, affine, mxfp4, nvfp4, mxfp8 };

// A matrix as it lies in memory, row by row.
struct Matrix {
  Format format;
  int rows, cols;
  int64_t row_bytes;
  const uint8_t* data;
  // Packed formats only.
  int bits = 0, group = 0;
  Type scale_type = Type::f32;  // of affine scales and biases
  const void* scales = nullptr;
  const void* biases = nullptr;

  const uint8_t* row(int64_t r) const { return data + r * row_bytes; }
  int groups() const { return cols / group; }
};

}  // namespace cygnet::cpu
