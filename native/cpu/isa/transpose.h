#pragma once

#include "vec.h"

namespace cygnet::cpu {
namespace CYGNET_ISA {

// A square of W × W elements of 32 bits; rows are ld and ld_out elements apart.
INLINE void transpose_square(const uint32_t* in, int64_t ld, uint32_t* out, int64_t ld_out) {
#if defined(__AVX512F__)
  // Quarters of rows i, i + 4, i + 8, i + 12 side by side, then squares of 4 × 4 within the quarters.
#pragma GCC unroll 4
  for (int quarter = 0; quarter < 4; quarter++) {
    __m512i v[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      const uint32_t* from = in + i * ld + quarter * 4;
      const auto row = [&](int at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at * ld)); };
      v[i] = _mm512_inserti32x4(_mm512_castsi128_si512(row(0)), row(4), 1);
      v[i] = _mm512_inserti32x4(_mm512_inserti32x4(v[i], row(8), 2), row(12), 3);
    }
    const __m512i a = _mm512_unpacklo_epi32(v[0], v[1]), b = _mm512_unpackhi_epi32(v[0], v[1]);
    const __m512i c = _mm512_unpacklo_epi32(v[2], v[3]), d = _mm512_unpackhi_epi32(v[2], v[3]);
    uint32_t* to = out + quarter * 4 * ld_out;
    _mm512_storeu_si512(to, _mm512_unpacklo_epi64(a, c));
    _mm512_storeu_si512(to + ld_out, _mm512_unpackhi_epi64(a, c));
    _mm512_storeu_si512(to + 2 * ld_out, _mm512_unpacklo_epi64(b, d));
    _mm512_storeu_si512(to + 3 * ld_out, _mm512_unpackhi_epi64(b, d));
  }
#elif defined(__clang__)
  for (int r = 0; r < W; r++)
    for (int c = 0; c < W; c++) out[c * ld_out + r] = in[r * ld + c];
#else
  VU v[W];
  for (int r = 0; r < W; r++) memcpy(&v[r], in + r * ld, sizeof(VU));
  // Swaps blocks of 1, 2, 4, ... elements between pairs of rows.
#pragma GCC unroll 4
  for (int size = 1; size < W; size *= 2) {
    VU low, high;
    for (int lane = 0; lane < W; lane++) {
      low[lane] = lane & size ? W + lane - size : lane;
      high[lane] = lane & size ? W + lane : lane + size;
    }
#pragma GCC unroll 16
    for (int r = 0; r < W; r++) {
      if (r & size) continue;
      const VU a = v[r], b = v[r + size];
      v[r] = __builtin_shuffle(a, b, low);
      v[r + size] = __builtin_shuffle(a, b, high);
    }
  }
  for (int r = 0; r < W; r++) memcpy(out + r * ld_out, &v[r], sizeof(VU));
#endif
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
