#include <algorithm>
#include <atomic>
#include <cstring>

#include "../convert.h"
#include "../cpu/parallel.h"
#include "formats.h"
#ifndef __APPLE__
#include "../cpu/isa/isa.h"
#endif

// Tensors ↔ the bytes of ggml's block formats, on the CPU's threads wherever MLX computes.

namespace cygnet {

namespace cpu {
namespace portable { extern const blocks::Loops block_loops; }
#if defined(__x86_64__) && !defined(__APPLE__)
namespace avx2 { extern const blocks::Loops block_loops; }
namespace avx512 { extern const blocks::Loops block_loops; }
#endif
}  // namespace cpu

namespace blocks {
namespace {

// Elements that a thread takes at a time: what is read stays in its cache until it is packed.
constexpr int64_t kPiece = 65536;
constexpr int64_t kSmallestPart = 8192;

// Those of the instruction set that our kernels use.
const Loops& loops() {
#if defined(__x86_64__) && !defined(__APPLE__)
  const std::string name = cpu::isa().name;
  if (name.starts_with("avx512") || name == "amx") return cpu::avx512::block_loops;
  if (name == "avx2") return cpu::avx2::block_loops;
#endif
  return cpu::portable::block_loops;
}

BlockFormat format_of(int number) {
  const BlockFormat format = static_cast<BlockFormat>(number);
  if (size_of(format).elements == 0) throw std::invalid_argument("there is no block format " + std::to_string(number));
  return format;
}

BlockFormat source_of(const mx::array& a) {
  if (a.dtype() == mx::float32) return BlockFormat::f32;
  if (a.dtype() == mx::bfloat16) return BlockFormat::bf16;
  if (a.dtype() == mx::float16) return BlockFormat::f16;
  throw std::invalid_argument("blocks are made of float32, bfloat16 or float16");
}

// Why and where blocks could not be made.
enum Reason : int { kNotFinite, kOverflow };
struct Failure {
  Reason reason;
  int64_t element;
};

// What a call works on, as rows of elements that lie one after another.
struct Work {
  BlockFormat from, to;
  const uint8_t* x;
  int64_t cols;
  const float* importance;
  uint8_t* out;

  // Rows [begin, end); the first failure, if there is one.
  std::optional<Failure> run(int64_t begin, int64_t end) const {
    const Loops& with = loops();
    const Size size = size_of(to);
    const int64_t piece = std::max<int64_t>(kPiece / cols, 1);
    std::vector<float> wide(from == BlockFormat::f32 ? 0 : std::min(piece, end - begin) * cols);
    for (int64_t row = begin; row < end; row += piece) {
      const int64_t rows = std::min(piece, end - row), first = row * cols, n = rows * cols;
      const uint8_t* bytes = x + first * size_of(from).bytes;
      const float* elements = reinterpret_cast<const float*>(bytes);
      if (!wide.empty()) {
        with.widen(from, bytes, n, wide.data());
        elements = wide.data();
      }
      const int64_t bad = with.first_not_finite(elements, n);
      if (bad < n) return Failure{kNotFinite, first + bad};
      uint8_t* to_bytes = out + first / size.elements * size.bytes;
      with.quantize(to, elements, rows, cols, importance, to_bytes);
      const int64_t blocks = n / size.elements, over = with.first_overflow(to, to_bytes, blocks);
      if (over < blocks) return Failure{kOverflow, first + over * size.elements};
    }
    return std::nullopt;
  }
};

std::optional<Failure> run_on_threads(const Work& work, int64_t rows) {
  std::mutex mutex;
  std::optional<Failure> first;
  cpu::parallel_ranges(rows, std::max<int64_t>(kSmallestPart / work.cols, 1), [&](size_t begin, size_t end) {
    const std::optional<Failure> failure = work.run(begin, end);
    if (!failure) return;
    std::lock_guard lock(mutex);
    if (!first || failure->element < first->element) first = failure;
  });
  return first;
}

struct Floats {
  const float* data;
  size_t length;
};

std::optional<Floats> floats_of(Context& c, napi_value value) {
  if (is_nullish(c.env, value)) return std::nullopt;
  napi_typedarray_type type;
  size_t length;
  void* data;
  check(napi_get_typedarray_info(c.env, value, &type, &length, &data, nullptr, nullptr), "a Float32Array");
  if (type != napi_float32_array) throw std::invalid_argument("expected a Float32Array");
  return Floats{static_cast<const float*>(data), length};
}

// w [..., K] in blocks along its last axis → their bytes, or [reason, element] where that is impossible. importance: K numbers.
napi_value quantize_blocks(Context& c, const mx::array& w, int number, napi_value importance) {
  const BlockFormat to = format_of(number);
  const Size size = size_of(to);
  const std::optional<Floats> weights = floats_of(c, importance);
  if (w.ndim() == 0 || w.shape(-1) % size.elements != 0 || (weights && weights->length != static_cast<size_t>(w.shape(-1)))) {
    throw std::invalid_argument("rows must be of whole blocks, with an importance for each column");
  }
  const BlockFormat from = source_of(w);
  mx::array a = mx::contiguous(w);
  a.eval();
  const int64_t blocks = a.size() / size.elements;
  void* data;
  napi_value buffer, out;
  check(napi_create_arraybuffer(c.env, blocks * size.bytes, &data, &buffer), "memory for blocks");
  // Without an importance each block stands alone.
  const int64_t cols = weights ? a.shape(-1) : size.elements;
  const Work work{from, to, a.size() ? a.data<uint8_t>() : nullptr, cols, weights ? weights->data : nullptr, static_cast<uint8_t*>(data)};
  const std::optional<Failure> failure = a.size() ? run_on_threads(work, a.size() / cols) : std::nullopt;
  if (failure) return To<std::vector<double>>::js(c, {static_cast<double>(failure->reason), static_cast<double>(failure->element)});
  check(napi_create_typedarray(c.env, napi_uint8_array, blocks * size.bytes, buffer, 0, &out), "a typed array");
  return out;
}

mx::array dequantize_blocks(Context& c, napi_value bytes, int number, mx::Shape shape) {
  const BlockFormat from = format_of(number);
  const Size size = size_of(from);
  napi_typedarray_type type;
  size_t length;
  void* data;
  check(napi_get_typedarray_info(c.env, bytes, &type, &length, &data, nullptr, nullptr), "bytes");
  int64_t elements = 1;
  for (int dimension : shape) elements *= dimension;
  const int64_t count = elements / size.elements;
  if (type != napi_uint8_array || elements % size.elements != 0 || length != static_cast<size_t>(count * size.bytes)) {
    throw std::invalid_argument("the bytes are not those of this shape's blocks");
  }
  mx::allocator::Data to = mx::allocator::malloc(elements * sizeof(float));
  float* out = static_cast<float*>(to.buffer().raw_ptr());
  cpu::parallel_ranges(count, kPiece / size.elements, [&](size_t begin, size_t end) {
    loops().dequantize(from, static_cast<const uint8_t*>(data) + begin * size.bytes, end - begin, out + begin * size.elements);
  });
  return mx::array(std::move(to), std::move(shape), mx::float32);
}

}  // namespace
}  // namespace blocks

void register_blocks(Exports& exports) {
  exports.op("quantizeBlocks", blocks::quantize_blocks);
  exports.op("dequantizeBlocks", blocks::dequantize_blocks);
}

}  // namespace cygnet
