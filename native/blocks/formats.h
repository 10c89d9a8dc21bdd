#pragma once

#include <cstdint>

// ggml's block formats: what a GGUF file holds for each block of a row. Names of fields are ggml's. Nothing here that a linker would
// merge (see cpu/isa/matrix.h).

namespace cygnet::blocks {

// Numbers as in GGUF files.
enum class BlockFormat : int {
  f32 = 0, f16 = 1, q4_0 = 2, q4_1 = 3, q5_0 = 6, q5_1 = 7, q8_0 = 8,
  q2_k = 10, q3_k = 11, q4_k = 12, q5_k = 13, q6_k = 14, iq4_nl = 20, bf16 = 30,
};

constexpr int kSmall = 32;   // elements of a block of q4_0 to q8_0 and iq4_nl
constexpr int kSuper = 256;  // elements of a super-block of q2_k to q6_k

#pragma pack(push, 1)

// w = d · (q − 8), the first sixteen elements in the low halves of bytes.
struct Q4_0 {
  uint16_t d;
  uint8_t qs[16];
};
// w = d · q + m
struct Q4_1 {
  uint16_t d, m;
  uint8_t qs[16];
};
// w = d · (q − 16); qh has the fifth bits.
struct Q5_0 {
  uint16_t d;
  uint32_t qh;
  uint8_t qs[16];
};
// w = d · q + m
struct Q5_1 {
  uint16_t d, m;
  uint32_t qh;
  uint8_t qs[16];
};
// w = d · q
struct Q8_0 {
  uint16_t d;
  int8_t qs[32];
};
// w = d · kNonLinear[q]
struct IQ4_NL {
  uint16_t d;
  uint8_t qs[16];
};

// Parts of 16 elements: w = d · scale · q − dmin · min, scale and min four bits each in a byte of `scales`.
struct Q2_K {
  uint8_t scales[16], qs[64];
  uint16_t d, dmin;
};
// Parts of 16: w = d · (scale − 32) · (q − 4), scales of six bits; hmask has the third bits of q.
struct Q3_K {
  uint8_t hmask[32], qs[64], scales[12];
  uint16_t d;
};
// Parts of 32: w = d · scale · q − dmin · min, scales and mins of six bits.
struct Q4_K {
  uint16_t d, dmin;
  uint8_t scales[12], qs[128];
};
// The same; qh has the fifth bits of q.
struct Q5_K {
  uint16_t d, dmin;
  uint8_t scales[12], qh[32], qs[128];
};
// Parts of 16: w = d · scale · (q − 32); qh has the upper two bits of q.
struct Q6_K {
  uint8_t ql[128], qh[64];
  int8_t scales[16];
  uint16_t d;
};

#pragma pack(pop)

// The levels of IQ4_NL.
constexpr int8_t kNonLinear[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

struct Size {
  int elements, bytes;
};

// Internal, as each instruction set compiles its own.
[[maybe_unused]] static constexpr Size size_of(BlockFormat format) {
  switch (format) {
    case BlockFormat::f32: return {1, 4};
    case BlockFormat::f16:
    case BlockFormat::bf16: return {1, 2};
    case BlockFormat::q4_0: return {kSmall, sizeof(Q4_0)};
    case BlockFormat::q4_1: return {kSmall, sizeof(Q4_1)};
    case BlockFormat::q5_0: return {kSmall, sizeof(Q5_0)};
    case BlockFormat::q5_1: return {kSmall, sizeof(Q5_1)};
    case BlockFormat::q8_0: return {kSmall, sizeof(Q8_0)};
    case BlockFormat::iq4_nl: return {kSmall, sizeof(IQ4_NL)};
    case BlockFormat::q2_k: return {kSuper, sizeof(Q2_K)};
    case BlockFormat::q3_k: return {kSuper, sizeof(Q3_K)};
    case BlockFormat::q4_k: return {kSuper, sizeof(Q4_K)};
    case BlockFormat::q5_k: return {kSuper, sizeof(Q5_K)};
    case BlockFormat::q6_k: return {kSuper, sizeof(Q6_K)};
  }
  return {0, 0};
}

// The loops, compiled once for each instruction set. All give the same bits: no product and sum are fused (-ffp-contract=off),
// and sums run in the order of elements.
struct Loops {
  const char* name;
  // n elements of a dtype → float32.
  void (*widen)(BlockFormat from, const void* x, int64_t n, float* out);
  // The first of n elements that is infinite or NaN, or n.
  int64_t (*first_not_finite)(const float* x, int64_t n);
  // Whole rows of whole blocks. importance: one for each column, or null.
  void (*quantize)(BlockFormat to, const float* x, int64_t rows, int64_t cols, const float* importance, uint8_t* out);
  // The first of `count` blocks with a scale that float16 cannot hold, or `count`.
  int64_t (*first_overflow)(BlockFormat format, const uint8_t* blocks, int64_t count);
  void (*dequantize)(BlockFormat from, const uint8_t* blocks, int64_t count, float* out);
};

}  // namespace cygnet::blocks
