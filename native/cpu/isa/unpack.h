#pragma once

#include "vec.h"

// Rows of any format → float32 or bf16.

namespace cygnet::cpu {
namespace CYGNET_ISA {

template <typename T, typename P>
INLINE void convert_row(const T* from, int count, P* to) {
  int i = 0;
  for (; i + W <= count; i += W) store(to + i, load(from + i));
  if (i < count) store_part(to + i, load_part(from + i, count - i), count - i);
}

INLINE float scale_at(Type type, const void* scales, int64_t i) {
  if (type == Type::f32) return static_cast<const float*>(scales)[i];
  if (type == Type::bf16) return to_float(static_cast<const bf16*>(scales)[i]);
  return to_float(static_cast<const f16*>(scales)[i]);
}

// The first n scales or biases from `at` on, zeros after them.
INLINE V factors(const Matrix& w, const void* from, int64_t at, int n) {
  if (w.scale_type == Type::f32) return load_some(static_cast<const float*>(from) + at, n);
  if (w.scale_type == Type::bf16) return load_some(static_cast<const bf16*>(from) + at, n);
  return load_some(static_cast<const f16*>(from) + at, n);
}

// 4 exponent and 3 mantissa bits, no infinities, one NaN.
INLINE float from_e4m3(uint8_t x) {
  const uint32_t sign = uint32_t(x & 0x80) << 24, magnitude = x & 0x7f;
  if (magnitude == 0x7f) return __builtin_nanf("");
  const float value = __builtin_bit_cast(float, magnitude << 20) * __builtin_bit_cast(float, uint32_t{0x7b800000});
  return __builtin_bit_cast(float, sign | __builtin_bit_cast(uint32_t, value));
}

// A power of two.
INLINE float from_e8m0(uint8_t x) {
  if (x == 0xff) return __builtin_nanf("");
  return __builtin_bit_cast(float, x == 0 ? uint32_t{0x00400000} : uint32_t(x) << 23);
}

static constexpr float kFp4[16] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};
static constexpr float kCounting[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// Sixteen values of 4 bits, for one group: scale · values + bias.
struct Levels {
  const float* values;
  float scale, bias;
};

INLINE Levels levels_of(const Matrix& w, int64_t group) {
  if (w.format == Format::affine) return {kCounting, scale_at(w.scale_type, w.scales, group), scale_at(w.scale_type, w.biases, group)};
  const uint8_t byte = static_cast<const uint8_t*>(w.scales)[group];
  return {kFp4, w.format == Format::mxfp4 ? from_e8m0(byte) : from_e4m3(byte), 0};
}

#if defined(__AVX512BF16__)
INLINE __m256i table_of(const Levels& levels) {
  const __m512 values = _mm512_loadu_ps(levels.values);
  return (__m256i)_mm512_cvtneps_pbh(_mm512_fmadd_ps(values, _mm512_set1_ps(levels.scale), _mm512_set1_ps(levels.bias)));
}
#endif

INLINE void look_up(const Levels& levels, const uint8_t* bytes, int count, float* to) {
#if defined(__AVX512F__)
  const __m512 t = _mm512_fmadd_ps(_mm512_loadu_ps(levels.values), _mm512_set1_ps(levels.scale), _mm512_set1_ps(levels.bias));
  for (int i = 0; i < count; i += 16) {
    const __m512i q = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes + i / 2)));
    _mm512_storeu_ps(to + i, _mm512_permutexvar_ps(_mm512_or_si512(q, _mm512_slli_epi64(q, 28)), t));
  }
#else
  float table[16];
  for (int i = 0; i < 16; i += W) store(table + i, load(levels.values + i) * levels.scale + levels.bias);
  for (int i = 0; i < count; i += 2) {
    to[i] = table[bytes[i / 2] & 15];
    to[i + 1] = table[bytes[i / 2] >> 4];
  }
#endif
}

INLINE void look_up(const Levels& levels, const uint8_t* bytes, int count, bf16* to) {
#if defined(__AVX512BF16__)
  const __m512i t = _mm512_broadcast_i64x4(table_of(levels));
  for (int i = 0; i < count; i += 32) {
    if (count - i < 32) {
      const __m256i q = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes + i / 2)));
      const __m256i both = _mm256_or_si256(q, _mm256_slli_epi32(q, 12));
      const __m256i values = _mm512_castsi512_si256(_mm512_permutexvar_epi16(_mm512_castsi256_si512(both), t));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), values);
      return;
    }
    // Two nibbles of a byte to two lanes of 16 bits; a lookup reads 5 bits, and the table repeats.
    const __m512i q = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i / 2)));
    _mm512_storeu_si512(to + i, _mm512_permutexvar_epi16(_mm512_and_si512(_mm512_or_si512(q, _mm512_slli_epi32(q, 12)), _mm512_set1_epi16(31)), t));
  }
#else
  float values[128];
  for (int i = 0; i < count; i += 128) {
    const int n = count - i < 128 ? count - i : 128;
    look_up(levels, bytes + i / 2, n, values);
    convert_row(values, n, to + i);
  }
#endif
}

// A stream of Bits-bit numbers, lowest bits first → bytes. count: at most 64, a multiple of 8.
template <int Bits>
INLINE void unpack_bits(const uint8_t* from, int count, uint8_t* to) {
  constexpr uint64_t low = (1 << Bits) - 1;
#if defined(__AVX512VBMI__)
  if (count == 64) {
    alignas(64) static constexpr auto spread = [] {
      struct { uint8_t at[64]; } s{};
      for (int i = 0; i < 64; i++) s.at[i] = static_cast<uint8_t>(i / 8 * Bits + i % 8 < 64 ? i / 8 * Bits + i % 8 : 63);
      return s;
    }();
    const uint64_t shifts = [] {
      uint64_t s = 0;
      for (int i = 0; i < 8; i++) s |= uint64_t(i * Bits) << (8 * i);
      return s;
    }();
    const __mmask64 there = Bits == 8 ? ~0ull : (1ull << (8 * Bits % 64)) - 1;
    const __m512i bytes = _mm512_permutexvar_epi8(_mm512_load_si512(&spread), _mm512_maskz_loadu_epi8(there, from));
    const __m512i q = _mm512_multishift_epi64_epi8(_mm512_set1_epi64(shifts), bytes);
    _mm512_storeu_si512(to, _mm512_and_si512(q, _mm512_set1_epi8(static_cast<char>(low))));
    return;
  }
#endif
  for (int i = 0; i < count; i += 8) {
    uint64_t stream = 0;
    memcpy(&stream, from + i / 8 * Bits, Bits);
    for (int j = 0; j < 8; j++) to[i + j] = static_cast<uint8_t>(stream >> (Bits * j) & low);
  }
}

// `count` numbers from column `col` on of a row of q.
INLINE void unpack_bytes(const uint8_t* row, int bits, int col, int count, uint8_t* to) {
  const uint8_t* from = row + int64_t(col) * bits / 8;
  switch (bits) {
    case 2: return unpack_bits<2>(from, count, to);
    case 3: return unpack_bits<3>(from, count, to);
    case 4: return unpack_bits<4>(from, count, to);
    case 5: return unpack_bits<5>(from, count, to);
    case 6: return unpack_bits<6>(from, count, to);
    default: return unpack_bits<8>(from, count, to);
  }
}

template <typename P>
INLINE void unpack_packed(const Matrix& w, int row, int col, int count, P* to) {
  const uint8_t* data = w.row(row);
  const int64_t first = int64_t(row) * w.groups();
  for (int at = col; at < col + count;) {
    const int group = at / w.group, end = (group + 1) * w.group < col + count ? (group + 1) * w.group : col + count;
    P* out = to + (at - col);
    if (w.bits == 4) {
      look_up(levels_of(w, first + group), data + at / 2, end - at, out);
    } else {
      const float scale = w.format == Format::mxfp8 ? from_e8m0(static_cast<const uint8_t*>(w.scales)[first + group])
                                                    : scale_at(w.scale_type, w.scales, first + group);
      const float bias = w.format == Format::mxfp8 ? 0 : scale_at(w.scale_type, w.biases, first + group);
      for (int i = at; i < end; i += 64) {
        const int n = end - i < 64 ? end - i : 64;
        uint8_t q[64];
        float values[64];
        const uint8_t* bytes = data + i;
        if (w.bits != 8) {
          unpack_bytes(data, w.bits, i, n, q);
          bytes = q;
        }
        if (w.format == Format::mxfp8) {
          for (int j = 0; j < n; j++) values[j] = from_e4m3(bytes[j]) * scale;
          convert_row(values, n, out + (i - at));
        } else {
          for (int j = 0; j < n; j += W) store_some(out + (i - at) + j, load_some(bytes + j, n - j) * scale + bias, n - j);
        }
      }
    }
    at = end;
  }
}

#if defined(__AVX512BF16__)
// What 4 bits of each group from `first` on mean, scale · values + bias, for as many groups as a piece of a row has.
struct GroupLevels {
  static constexpr int kMost = 48;

  GroupLevels(const Matrix& w, int64_t first, int count) : values(_mm512_loadu_ps(w.format == Format::affine ? kCounting : kFp4)) {
    for (int g = 0; g < count; g += 16) {
      if (w.format == Format::affine) {
        store(scales + g, factors(w, w.scales, first + g, count - g));
        store(biases + g, factors(w, w.biases, first + g, count - g));
        continue;
      }
      store(biases + g, V{});
      for (int i = g; i < g + 16 && i < count; i++) scales[i] = levels_of(w, first + i).scale;
    }
  }

  __m512 of(int g) const { return _mm512_fmadd_ps(values, _mm512_set1_ps(scales[g]), _mm512_set1_ps(biases[g])); }

  __m512 values;
  alignas(64) float scales[kMost], biases[kMost];
};

// 32 values of 4 bits, by the table of what they mean.
INLINE __m512i looked_up(const uint8_t* data, __m512i table) {
  // A byte's two nibbles in two lanes of 16 bits.
  const __m512i q = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data)));
  return _mm512_permutexvar_epi16(_mm512_and_si512(_mm512_or_si512(q, _mm512_slli_epi32(q, 12)), _mm512_set1_epi16(15)), table);
}

// 32 bytes, times scale, plus bias.
INLINE __m512i scaled(const uint8_t* data, __m512 scale, __m512 bias) {
  const auto half = [&](int at) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at));
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes)), scale, bias);
  };
  return (__m512i)_mm512_cvtne2ps_pbh(half(16), half(0));
}

// Whether a row can be unpacked in chunks.
INLINE bool has_chunks(const Matrix& w) {
  return w.group % 32 == 0 && (w.bits == 4 || (w.bits == 8 && w.format == Format::affine));
}

// A row of 4 or 8 bits as chunks of 32 bf16, `step` elements apart. col and count are multiples of 32, groups too.
template <int Bits>
INLINE void unpack_chunks(const Matrix& w, int row, int col, int count, bf16* to, int64_t step) {
  const int size = w.group, group = col / size;
  const uint8_t* data = w.row(row) + col * Bits / 8;
  const GroupLevels levels(w, int64_t(row) * w.groups() + group, (col + count - 1) / size - group + 1);
  int ahead = size - (col - group * size);  // of this group
  for (int g = 0; count > 0; g++, ahead = size) {
    const int chunks = (ahead < count ? ahead : count) / 32;
    count -= chunks * 32;
    if constexpr (Bits == 4) {
      const __m512i table = _mm512_castsi256_si512((__m256i)_mm512_cvtneps_pbh(levels.of(g)));
      for (int i = 0; i < chunks; i++, data += 16, to += step) _mm512_storeu_si512(to, looked_up(data, table));
    } else {
      const __m512 scale = _mm512_set1_ps(levels.scales[g]), bias = _mm512_set1_ps(levels.biases[g]);
      for (int i = 0; i < chunks; i++, data += 32, to += step) _mm512_storeu_si512(to, scaled(data, scale, bias));
    }
  }
}

// Two rows of 4 bits, column by column, in strips of Width columns `step` pairs apart: a table of both rows' values takes five
// bits, of which the highest names the row. col is a multiple of 16, count at most 512.
template <int Width>
INLINE void unpack_pairs(const Matrix& w, int row, int col, int count, int64_t step, uint32_t* to) {
  const __m512i four_bits = _mm512_set1_epi16(15), second = _mm512_set1_epi32(16 << 16);
  const uint8_t *a = w.row(row), *b = w.row(row + 1);
  const int group = col / w.group, last = col + count, groups = (last + w.group - 1) / w.group - group;
  const int64_t first = int64_t(row) * w.groups() + group;
  const GroupLevels low(w, first, groups), high(w, first + w.groups(), groups);
  for (int g = 0, at = col; at < last; g++) {
    const __m512i table = (__m512i)_mm512_cvtne2ps_pbh(high.of(g), low.of(g));
    for (const int end = (group + g + 1) * w.group < last ? (group + g + 1) * w.group : last; at < end; at += 16) {
      const int there = end - at < 16 ? end - at : 16;
      const __mmask8 bytes = static_cast<__mmask8>((1 << there / 2) - 1);
      const __m512i x = _mm512_cvtepu8_epi64(_mm_maskz_loadu_epi8(bytes, a + at / 2));
      const __m512i y = _mm512_cvtepu8_epi64(_mm_maskz_loadu_epi8(bytes, b + at / 2));
      // Lanes of 16 bits: a's first nibble, b's first, a's second, b's second.
      const __m512i lanes = _mm512_or_si512(
          _mm512_or_si512(x, _mm512_slli_epi64(x, 28)), _mm512_or_si512(_mm512_slli_epi64(y, 16), _mm512_slli_epi64(y, 44)));
      const __m512i pairs = _mm512_permutexvar_epi16(_mm512_or_si512(_mm512_and_si512(lanes, four_bits), second), table);
      const unsigned place = at - col;
      uint32_t* out = to + place / Width * step + place % Width;
      _mm512_mask_storeu_epi32(out, static_cast<__mmask16>((1 << there) - 1), pairs);
    }
  }
}
#endif

// In vectors: the compiler's memcpy of a size that it does not know is slow for short rows.
template <typename T>
INLINE void copy(const T* from, int count, T* to) {
  int i = 0;
  for (; i + 64 / int(sizeof(T)) <= count; i += 64 / sizeof(T)) memcpy(to + i, from + i, 64);
  for (; i < count; i++) to[i] = from[i];
}

// The row itself where it is stored as P, else null.
template <typename P>
INLINE const P* in_place(const Matrix& w, int row, int col) {
  return w.format == (sizeof(P) == 2 ? Format::bf16 : Format::f32) ? reinterpret_cast<const P*>(w.row(row)) + col : nullptr;
}

template <typename P>
INLINE void unpack_to(const Matrix& w, int row, int col, int count, P* to) {
  switch (w.format) {
    case Format::f32: return convert_row(reinterpret_cast<const float*>(w.row(row)) + col, count, to);
    case Format::bf16:
      if constexpr (sizeof(P) == 2) {
        copy(reinterpret_cast<const bf16*>(w.row(row)) + col, count, to);
        return;
      } else {
        return convert_row(reinterpret_cast<const bf16*>(w.row(row)) + col, count, to);
      }
    case Format::f16: return convert_row(reinterpret_cast<const f16*>(w.row(row)) + col, count, to);
    default: return unpack_packed(w, row, col, count, to);
  }
}

template <typename P>
static void unpack(const Matrix& w, int row, int col, int count, void* to) {
  unpack_to(w, row, col, count, static_cast<P*>(to));
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
