#pragma once

#include "vec.h"

// The innermost blocks of products: see Micro in isa.h.

namespace cygnet::cpu {
namespace CYGNET_ISA {

// For one chunk: a few at a time, so that the lines wanted now do not wait behind them.
INLINE void fetch(Ahead* ahead) {
  if (!ahead) return;
  for (int i = 0; i < ahead->share && ahead->rows > 0; i++) {
    __builtin_prefetch(ahead->row + ahead->at, 0, 2);
    if ((ahead->at += 64) >= ahead->bytes) ahead->row += ahead->step, ahead->at = 0, ahead->rows--;
  }
}

// Rows × 2 vectors of float32 in registers.
template <int Rows>
static void multiply_f32(int depth, const void* a_panel, const void* b_panel, float* c, bool accumulate, int used, Ahead* ahead) {
  const float* a = static_cast<const float*>(a_panel);
  const float* b = static_cast<const float*>(b_panel);
  V sums[Rows][2] = {};
  for (int chunk = 0; chunk < depth; chunk += 16, a += Rows * 16) {
    fetch(ahead);
    for (int k = 0; k < 16; k++, b += 2 * W) {
      const V b0 = load(b), b1 = load(b + W);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; r++) {
        const V factor = splat(a[r * 16 + k]);
        sums[r][0] += factor * b0;
        sums[r][1] += factor * b1;
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; r++, c += 2 * W) {
    store(c, accumulate ? load(c) + sums[r][0] : sums[r][0]);
    store(c + W, accumulate ? load(c + W) + sums[r][1] : sums[r][1]);
  }
}

#if defined(__AVX512BF16__)
// Rows × 2 vectors of float32, each step a pair of bf16 products.
template <int Rows>
static void multiply_bf16(int depth, const void* a_panel, const void* b_panel, float* c, bool accumulate, int used, Ahead* ahead) {
  const int32_t* a = static_cast<const int32_t*>(a_panel);
  const char* b = static_cast<const char*>(b_panel);
  __m512 sums[Rows][2] = {};
  for (int chunk = 0; chunk < depth; chunk += 32, a += Rows * 16) {
    fetch(ahead);
    for (int k = 0; k < 16; k++, b += 128) {
      const __m512bh b0 = (__m512bh)_mm512_loadu_si512(b), b1 = (__m512bh)_mm512_loadu_si512(b + 64);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; r++) {
        const __m512bh factor = (__m512bh)_mm512_set1_epi32(a[r * 16 + k]);
        sums[r][0] = _mm512_dpbf16_ps(sums[r][0], factor, b0);
        sums[r][1] = _mm512_dpbf16_ps(sums[r][1], factor, b1);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; r++, c += 32) {
    store(c, accumulate ? load(c) + (V)sums[r][0] : (V)sums[r][0]);
    store(c + 16, accumulate ? load(c + 16) + (V)sums[r][1] : (V)sums[r][1]);
  }
}
#endif

#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
// Rows × 8 in squares of 2 × 2: an instruction takes 4 of the depth of two rows and of two columns.
template <int Rows>
static void multiply_bfmmla(int depth, const void* a_panel, const void* b_panel, float* c, bool accumulate, int used, Ahead* ahead) {
  static_assert(Rows % 2 == 0 && W == 4);
  const auto halves = [](auto x) { return vreinterpretq_bf16_u32(x); };
  const uint32_t* a = static_cast<const uint32_t*>(a_panel);
  const uint32_t* b = static_cast<const uint32_t*>(b_panel);
  float32x4_t sums[Rows / 2][4];
#pragma GCC unroll 8
  for (int r = 0; r < Rows / 2; r++) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      const float* from = c + r * 16 + j * 2;
      sums[r][j] = accumulate ? vcombine_f32(vld1_f32(from), vld1_f32(from + 8)) : vdupq_n_f32(0);
    }
  }
  for (int chunk = 0; chunk < depth; chunk += 32, a += Rows * 16) {
    fetch(ahead);
    for (int k = 0; k < 16; k += 2, b += 16) {
      const uint32x4_t low0 = vld1q_u32(b), low1 = vld1q_u32(b + 4), high0 = vld1q_u32(b + 8), high1 = vld1q_u32(b + 12);
      const bfloat16x8_t columns[4] = {halves(vzip1q_u32(low0, high0)), halves(vzip2q_u32(low0, high0)),
                                       halves(vzip1q_u32(low1, high1)), halves(vzip2q_u32(low1, high1))};
#pragma GCC unroll 8
      for (int r = 0; r < Rows / 2; r++) {
        const bfloat16x8_t rows = halves(vcombine_u32(vld1_u32(a + r * 32 + k), vld1_u32(a + r * 32 + 16 + k)));
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) sums[r][j] = vbfmmlaq_f32(sums[r][j], rows, columns[j]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows / 2; r++) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      vst1_f32(c + r * 16 + j * 2, vget_low_f32(sums[r][j]));
      vst1_f32(c + r * 16 + 8 + j * 2, vget_high_f32(sums[r][j]));
    }
  }
}
#endif

#if defined(__AMX_BF16__)
// Registers of 16 rows × 64 bytes; a thread keeps the setting.
INLINE void configure_tiles() {
  static thread_local bool done = false;
  if (done) return;
  struct {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t bytes[16] = {};
    uint8_t rows[16] = {};
  } config;
  for (int i = 0; i < 8; i++) config.bytes[i] = 64, config.rows[i] = 16;
  _tile_loadconfig(&config);
  done = true;
}

// 32 × 32 in four tiles, or the two of the first 16 columns. A: rows and chunks so many bytes apart.
INLINE void multiply_tiles(
    int depth, const char* a, int64_t row, int64_t chunk, const char* b, float* c, bool accumulate, int used, Ahead* ahead) {
  configure_tiles();
  const bool wide = used > 16;
  const int64_t half = 16 * row;
  if (accumulate) {
    _tile_loadd(0, c, 128);
    _tile_loadd(2, c + 512, 128);
    if (wide) _tile_loadd(1, c + 16, 128);
    if (wide) _tile_loadd(3, c + 528, 128);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int k = 0; k < depth; k += 32, a += chunk, b += 2048) {
    fetch(ahead);
    _tile_loadd(4, a, row);
    _tile_loadd(6, b, 128);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(5, a + half, row);
    _tile_dpbf16ps(2, 5, 6);
    if (!wide) continue;
    _tile_loadd(7, b + 64, 128);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, c, 128);
  _tile_stored(2, c + 512, 128);
  if (wide) _tile_stored(1, c + 16, 128);
  if (wide) _tile_stored(3, c + 528, 128);
}

static void multiply_amx(int depth, const void* a, const void* b, float* c, bool accumulate, int used, Ahead* ahead) {
  multiply_tiles(depth, static_cast<const char*>(a), 64, 2048, static_cast<const char*>(b), c, accumulate, used, ahead);
}

static void multiply_amx_rows(
    int depth, const void* a, int64_t row_bytes, const void* b, float* c, bool accumulate, int used, Ahead* ahead) {
  multiply_tiles(depth, static_cast<const char*>(a), row_bytes, 64, static_cast<const char*>(b), c, accumulate, used, ahead);
}
#endif

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
