#pragma once

#include "transpose.h"
#include "unpack.h"

// Panels of products: see Micro in isa.h for their layout.

namespace cygnet::cpu {
namespace CYGNET_ISA {

constexpr int kPiece = 512;  // columns unpacked at a time

// out[j, i] = in[i, j] for elements of 32 bits; in: [rows, cols].
INLINE void transpose(const uint32_t* in, int64_t ld, int rows, int cols, uint32_t* out, int64_t ld_out) {
  int i = 0;
  for (; i + W <= rows; i += W) {
    int j = 0;
    for (; j + W <= cols; j += W) transpose_square(in + i * ld + j, ld, out + j * ld_out + i, ld_out);
    for (; j < cols; j++)
      for (int r = i; r < i + W; r++) out[j * ld_out + r] = in[r * ld + j];
  }
  for (; i < rows; i++)
    for (int j = 0; j < cols; j++) out[j * ld_out + i] = in[i * ld + j];
}

// a0 b0 a1 b1 ...
INLINE void interleave(const bf16* a, const bf16* b, int count, uint32_t* out) {
  int i = 0;
#if defined(__AVX512BW__)
  const __m512i order = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
  const __m512i later = _mm512_add_epi16(order, _mm512_set1_epi16(16));
  for (; i + 32 <= count; i += 32) {
    const __m512i x = _mm512_loadu_si512(a + i), y = _mm512_loadu_si512(b + i);
    _mm512_storeu_si512(out + i, _mm512_permutex2var_epi16(x, order, y));
    _mm512_storeu_si512(out + i + 16, _mm512_permutex2var_epi16(x, later, y));
  }
#endif
  for (; i + W <= count; i += W) {
    const VU low = __builtin_convertvector(*reinterpret_cast<const LooseH*>(a + i), VU);
    const VU high = __builtin_convertvector(*reinterpret_cast<const LooseH*>(b + i), VU);
    const VU both = low | high << 16;
    memcpy(out + i, &both, sizeof both);
  }
  for (; i < count; i++) out[i] = a[i].bits | uint32_t(b[i].bits) << 16;
}

// Rows ahead that are fetched: a strip of columns jumps from page to page, which the processor does not foresee.
constexpr int kAhead = 12;

INLINE void fetch(const Matrix& m, int row, int col, int count) {
  const int bits = m.format == Format::f32 ? 32 : m.bits ? m.bits : 16;
  const uint8_t* from = m.row(row) + int64_t(col) * bits / 8;
  for (int64_t i = 0; i < int64_t(count) * bits / 8; i += 64) __builtin_prefetch(from + i);
}

template <typename P, int Rows>
static void pack_a(const Matrix& m, int first, int count, int from, int depth, int padded, void* to) {
  constexpr int chunk = 64 / sizeof(P);
  alignas(64) P scratch[kPiece];
  P* block = static_cast<P*>(to);
  for (int r = 0; r < count; r += Rows, block += int64_t(padded) * Rows) {
    for (int i = 0; i < Rows; i++) {
      P* out = block + i * chunk;
      const int there = r + i < count ? depth : 0;
      if (r + i + kAhead < count) fetch(m, first + r + i + kAhead, from, depth);
      int k = 0;
      if (const P* in = there ? in_place<P>(m, first + r + i, from) : nullptr) {
        for (; k + chunk <= there; k += chunk) memcpy(out + int64_t(k) * Rows, in + k, 64);
      }
#if defined(__AVX512BF16__)
      if (chunk == 32 && has_chunks(m)) {
        k = there / chunk * chunk;
        const auto unpack = m.bits == 4 ? unpack_chunks<4> : unpack_chunks<8>;
        unpack(m, first + r + i, from, k, reinterpret_cast<bf16*>(out), chunk * Rows);
      }
#endif
      for (; k < padded; k += kPiece) {
        const int n = there - k < kPiece ? (there > k ? there - k : 0) : kPiece, end = padded - k < kPiece ? padded - k : kPiece;
        if (n > 0) unpack_to(m, first + r + i, from + k, n, scratch);
        if (n < end) memset(scratch + n, 0, sizeof(P) * (end - n));
        for (int j = 0; j < end; j += chunk) memcpy(out + int64_t(k + j) * Rows, scratch + j, 64);
      }
    }
  }
}

template <typename P>
INLINE const P* row_of(const Matrix& from, int row, int col, int count, P* scratch) {
  if (const P* there = in_place<P>(from, row, col)) return there;
  unpack_to(from, row, col, count, scratch);
  return scratch;
}

// One or two rows of the depth as 32-bit elements: floats, or pairs of bf16.
template <typename P>
INLINE const uint32_t* depth_step(const Matrix& from, int row, int last, int col, int count, P* scratch, uint32_t* pairs) {
  const P* first = row_of(from, row, col, count, scratch);
  if constexpr (sizeof(P) == 4) {
    return reinterpret_cast<const uint32_t*>(first);
  } else {
    P* second = scratch + kPiece;
    if (row + 1 < last) interleave(first, row_of(from, row + 1, col, count, second), count, pairs);
    else for (int i = 0; i < count; i++) pairs[i] = first[i].bits;
    return pairs;
  }
}

template <typename P, int Rows>
static void pack_a_transposed(const Matrix& m, int first, int count, int from, int depth, int padded, void* to) {
  constexpr int pair = 4 / sizeof(P);
  alignas(64) P scratch[2 * kPiece];
  alignas(64) uint32_t steps[16 * Rows], pairs[Rows];
  uint32_t* block = static_cast<uint32_t*>(to);
  for (int c = 0; c < count; c += Rows) {
    const int n = count - c < Rows ? count - c : Rows;
    for (int d = 0; d < padded; d += 16 * pair, block += 16 * Rows) {
      const P* in = Rows % W == 0 && n == Rows && d + 16 * pair <= depth ? in_place<P>(m, from + d, first + c) : nullptr;
      if (in) {
        const int64_t step = m.row_bytes / sizeof(P);
        for (int i = 0; i < 16; i++, in += pair * step) {
          if constexpr (pair == 2) interleave(in, in + step, Rows, steps + i * Rows);
          else memcpy(steps + i * Rows, in, 4 * Rows);
        }
        transpose(steps, Rows, 16, Rows, block, 16);
        continue;
      }
      for (int i = 0; i < 16; i++) {
        const int row = d + i * pair;
        if (n < Rows || row >= depth) memset(steps + i * Rows, 0, 4 * Rows);
        if (row < depth) memcpy(steps + i * Rows, depth_step(m, from + row, from + depth, first + c, n, scratch, pairs), 4 * n);
      }
      transpose(steps, Rows, 16, Rows, block, 16);
    }
  }
}

template <typename P, int Cols>
static void pack_b(const Matrix& m, int first, int count, int from, int depth, int padded, void* to) {
  constexpr int pair = 4 / sizeof(P);
  alignas(64) P scratch[2 * kPiece];
  alignas(64) uint32_t pairs[kPiece];
  const int64_t block = int64_t(padded) / pair * Cols;  // 32-bit elements
  uint32_t* b = static_cast<uint32_t*>(to);
  for (int c = 0; c < count; c += kPiece) {
    const int n = count - c < kPiece ? count - c : kPiece;
    for (int d = 0; d < depth; d += pair) {
      for (int i = d + kAhead; i < d + kAhead + pair && i < depth; i++) fetch(m, from + i, first + c, n);
      uint32_t* out = b + c / Cols * block + int64_t(d) / pair * Cols;
      int i = 0;
      if (d + pair <= depth && in_place<P>(m, 0, 0)) {
        const P* row = in_place<P>(m, from + d, first + c);
        for (; i + Cols <= n; i += Cols, out += block) {
          if constexpr (pair == 2) interleave(row + i, in_place<P>(m, from + d + 1, first + c) + i, Cols, out);
          else memcpy(out, row + i, 4 * Cols);
        }
        if (i == n) continue;
      }
#if defined(__AVX512BF16__)
      if (pair == 2 && d + pair <= depth && has_pairs(m) && n % Cols == 0 && first % 16 == 0) {
        unpack_pairs<Cols>(m, from + d, first + c, n, block, out);
        continue;
      }
#endif
      const uint32_t* step = depth_step(m, from + d, from + depth, first + c, n, scratch, pairs);
      for (; i + Cols <= n; i += Cols, out += block) memcpy(out, step + i, 4 * Cols);
      if (i == n) continue;
      for (int j = 0; j < Cols; j++) out[j] = i + j < n ? step[i + j] : 0;
    }
  }
  const int64_t filled = (depth + pair - 1) / pair * int64_t(Cols);
  for (int c = 0; c < count && filled < block; c += Cols) memset(b + c / Cols * block + filled, 0, 4 * (block - filled));
}

template <typename P, int Cols>
static void pack_b_transposed(const Matrix& m, int first, int count, int from, int depth, int padded, void* to) {
  constexpr int pair = 4 / sizeof(P);
  alignas(64) P scratch[Cols * 64];
  const int64_t block = int64_t(padded) / pair * Cols;
  uint32_t* b = static_cast<uint32_t*>(to);
  for (int c = 0; c < count; c += Cols, b += block) {
    const int filled = count - c < Cols ? count - c : Cols;
    if (filled < Cols) memset(scratch, 0, sizeof scratch);
    for (int d = 0; d < padded; d += 64) {
      const int width = padded - d < 64 ? padded - d : 64, there = depth - d < width ? (depth > d ? depth - d : 0) : width;
      for (int i = 0; i < filled; i++) {
        if (there > 0) unpack_to(m, first + c + i, from + d, there, scratch + i * 64);
        if (there < width) memset(scratch + i * 64 + there, 0, sizeof(P) * (width - there));
      }
      transpose(reinterpret_cast<const uint32_t*>(scratch), 64 / pair, Cols, width / pair, b + int64_t(d) / pair * Cols, Cols);
    }
  }
}

template <typename T>
INLINE void store_block(const float* c, int64_t ldc, int rows, int cols, bool add, T* out, int64_t ld, const float* bias) {
  for (int r = 0; r < rows; r++, c += ldc, out += ld)
    for (int j = 0; j < cols; j += W) {
      V v = load_some(c + j, cols - j);
      if (bias) v += load_some(bias + j, cols - j);
      if (add) v += load_some(out + j, cols - j);
      store_some(out + j, v, cols - j);
    }
}

template <typename T>
INLINE void store_as(
    const float* c, int64_t ldc, int rows, int cols, bool transposed, bool add, T* out, int64_t ld, const float* bias) {
  if (!transposed) return store_block(c, ldc, rows, cols, add, out, ld, bias);
  alignas(64) float turned[64 * 64];
  transpose(reinterpret_cast<const uint32_t*>(c), ldc, rows, cols, reinterpret_cast<uint32_t*>(turned), 64);
  store_block(turned, 64, cols, rows, add, out, ld, bias);
}

// rows, cols: at most 64 when transposed.
static void store_result(
    const float* c, int64_t ldc, int rows, int cols, bool transposed, bool add, Type type, void* out, int64_t ld, const float* bias) {
  if (type == Type::f32) return store_as(c, ldc, rows, cols, transposed, add, static_cast<float*>(out), ld, bias);
  if (type == Type::bf16) return store_as(c, ldc, rows, cols, transposed, add, static_cast<bf16*>(out), ld, bias);
  return store_as(c, ldc, rows, cols, transposed, add, static_cast<f16*>(out), ld, bias);
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
