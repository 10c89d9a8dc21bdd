// Compiled once for each instruction set, without fused products and sums; CYGNET_ISA names it.

#include "unpack.h"

namespace cygnet::cpu {
namespace CYGNET_ISA {
namespace {

template <typename T>
void widen_from(const void* x, int64_t n, float* out) {
  const T* from = static_cast<const T*>(x);
  for (int64_t i = 0; i < n; i += W) {
    const int some = static_cast<int>(n - i < W ? n - i : W);
    store_some(out + i, load_some(from + i, some), some);
  }
}

void widen(BlockFormat from, const void* x, int64_t n, float* out) {
  if (from == BlockFormat::bf16) widen_from<bf16>(x, n, out);
  else if (from == BlockFormat::f16) widen_from<f16>(x, n, out);
  else widen_from<float>(x, n, out);
}

template <typename T>
void narrow(const float* x, int64_t n, uint8_t* out) {
  T* to = reinterpret_cast<T*>(out);
  for (int64_t i = 0; i < n; i += W) {
    const int some = static_cast<int>(n - i < W ? n - i : W);
    store_some(to + i, load_some(x + i, some), some);
  }
}

constexpr uint32_t kInfinity = 0x7f800000;

int64_t first_not_finite(const float* x, int64_t n) {
  const auto bad = [&](int64_t i) { return (__builtin_bit_cast(uint32_t, x[i]) & kInfinity) == kInfinity; };
  for (int64_t i = 0; i < n; i += 1024) {
    const int64_t end = i + 1024 < n ? i + 1024 : n;
    bool any = false;
    for (int64_t j = i; j < end; j++) any |= bad(j);
    for (int64_t j = i; any && j < end; j++)
      if (bad(j)) return j;
  }
  return n;
}

void quantize_small(BlockFormat to, const float* x, int64_t rows, int64_t cols, const float* importance, uint8_t* out) {
  const int64_t blocks = rows * cols / kSmall;
  const auto weighted = [&]<typename Block>(void (*pack)(const Batch<kSmall>&, Block*)) {
    in_batches<kSmall, Block>(x, rows, cols, importance, true, out, pack);
  };
  switch (to) {
    case BlockFormat::q8_0: return pack_q8_0(x, blocks, out);
    case BlockFormat::q4_0: return importance ? weighted(pack_slope<Q4_0, 8>) : pack_around_zero<Q4_0, 8>(x, blocks, out);
    case BlockFormat::q5_0: return importance ? weighted(pack_slope<Q5_0, 16>) : pack_around_zero<Q5_0, 16>(x, blocks, out);
    case BlockFormat::q4_1: return importance ? weighted(pack_line<Q4_1, 15>) : pack_range<Q4_1, 15>(x, blocks, out);
    case BlockFormat::q5_1: return importance ? weighted(pack_line<Q5_1, 31>) : pack_range<Q5_1, 31>(x, blocks, out);
    default:
      return in_batches<kSmall, IQ4_NL>(x, rows, cols, importance, false, out, [&](const Batch<kSmall>& batch, IQ4_NL* to) {
        pack_iq4_nl(batch, importance != nullptr, to);
      });
  }
}

void quantize_super(BlockFormat to, const float* x, int64_t rows, int64_t cols, const float* importance, uint8_t* out) {
  const bool weighted = importance != nullptr;
  const auto batches = [&]<typename Block>(void (*pack)(const Batch<kSuper>&, bool, Block*)) {
    in_batches<kSuper, Block>(x, rows, cols, importance, false, out, [&](const Batch<kSuper>& batch, Block* at) { pack(batch, weighted, at); });
  };
  switch (to) {
    case BlockFormat::q2_k: return batches(pack_affine<Q2_K>);
    case BlockFormat::q3_k: return batches(pack_q3_k);
    case BlockFormat::q4_k: return batches(pack_affine<Q4_K>);
    case BlockFormat::q5_k: return batches(pack_affine<Q5_K>);
    default: return batches(pack_q6_k);
  }
}

void quantize(BlockFormat to, const float* x, int64_t rows, int64_t cols, const float* importance, uint8_t* out) {
  switch (to) {
    case BlockFormat::f32: memcpy(out, x, rows * cols * sizeof(float)); return;
    case BlockFormat::f16: return narrow<f16>(x, rows * cols, out);
    case BlockFormat::bf16: return narrow<bf16>(x, rows * cols, out);
    default: break;
  }
  if (size_of(to).elements == kSmall) quantize_small(to, x, rows, cols, importance, out);
  else quantize_super(to, x, rows, cols, importance, out);
}

bool overflows(uint16_t half) { return (half & 0x7c00) == 0x7c00; }

template <typename Block>
int64_t first_overflow_in(const uint8_t* bytes, int64_t count) {
  const Block* blocks = reinterpret_cast<const Block*>(bytes);
  for (int64_t b = 0; b < count; b++) {
    bool any = overflows(blocks[b].d);
    if constexpr (requires { blocks[b].m; }) any |= overflows(blocks[b].m);
    if constexpr (requires { blocks[b].dmin; }) any |= overflows(blocks[b].dmin);
    if (any) return b;
  }
  return count;
}

struct Half {
  uint16_t d;
};

// What `visit` gives for the type of a format's blocks.
template <typename Visit>
auto of_format(BlockFormat format, Visit visit) {
  switch (format) {
    case BlockFormat::q4_0: return visit(Q4_0{});
    case BlockFormat::q4_1: return visit(Q4_1{});
    case BlockFormat::q5_0: return visit(Q5_0{});
    case BlockFormat::q5_1: return visit(Q5_1{});
    case BlockFormat::q8_0: return visit(Q8_0{});
    case BlockFormat::q2_k: return visit(Q2_K{});
    case BlockFormat::q3_k: return visit(Q3_K{});
    case BlockFormat::q4_k: return visit(Q4_K{});
    case BlockFormat::q5_k: return visit(Q5_K{});
    case BlockFormat::q6_k: return visit(Q6_K{});
    default: return visit(IQ4_NL{});
  }
}

int64_t first_overflow(BlockFormat format, const uint8_t* blocks, int64_t count) {
  if (format == BlockFormat::f16) return first_overflow_in<Half>(blocks, count);
  if (format == BlockFormat::f32 || format == BlockFormat::bf16) return count;
  return of_format(format, [&](auto block) { return first_overflow_in<decltype(block)>(blocks, count); });
}

void dequantize(BlockFormat from, const uint8_t* blocks, int64_t count, float* out) {
  if (size_of(from).elements == 1) return widen(from, blocks, count, out);
  of_format(from, [&](auto block) { unpack_all<decltype(block)>(blocks, count, out); });
}

#define TEXT_OF(name) #name
#define NAME_OF(name) TEXT_OF(name)

}  // namespace

extern const Loops block_loops;
const Loops block_loops = {NAME_OF(CYGNET_ISA), widen, first_not_finite, quantize, first_overflow, dequantize};

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
