#ifdef CYGNET_OPENBLAS

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernel.h"
#include "kernels.h"
#include "parallel.h"
#include "product.h"
#include "scratch.h"

namespace cygnet::cpu {
namespace {

constexpr size_t kSmallestPart = 16384;
// Elements that are unpacked at a time.
constexpr int kBlock = 4096;
// What is added and taken away again is rounded to an integer, halves to even, below 2²² in magnitude.
constexpr float kRounding = 12582912.0f;

// Of vectors in which the least and the greatest are sought.
constexpr int kLanes = 8;

struct Line {
  float scale, bias;
};

// w ≈ scale · q + bias for the elements of a group, by MLX's formula: the end of the range that is farther from zero is met exactly.
Line line_of(const float* w, int group, float most) {
  float least[kLanes], greatest[kLanes];
  std::copy(w, w + kLanes, least);
  std::copy(w, w + kLanes, greatest);
  for (int i = kLanes; i < group; i += kLanes) {
    for (int k = 0; k < kLanes; k++) {
      least[k] = std::min(least[k], w[i + k]);
      greatest[k] = std::max(greatest[k], w[i + k]);
    }
  }
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int k = 0; k < half; k++) {
      least[k] = std::min(least[k], least[k + half]);
      greatest[k] = std::max(greatest[k], greatest[k + half]);
    }
  }
  const float low = least[0], high = greatest[0];
  const bool from_low = std::abs(low) > std::abs(high);
  const float step = std::max((high - low) / most, 1e-7f);
  const float scale = from_low ? step : -step;
  const float edge = from_low ? low : high;
  const float count = std::rint(edge / scale);
  return count == 0 ? Line{scale, 0} : Line{edge / count, edge};
}

// A little-endian stream of `bits` for each element; `q` is room for the group.
template <int bits>
void pack_group(const float* w, int group, Line line, int32_t* q, uint8_t* out) {
  constexpr float most = (1 << bits) - 1;
  for (int i = 0; i < group; i++) {
    const float rounded = (w[i] - line.bias) / line.scale + kRounding - kRounding;
    q[i] = static_cast<int32_t>(std::min(std::max(0.0f, rounded), most));
  }
  for (int i = 0; i < group; i += 8, out += bits) {
    uint64_t eight = 0;
    for (int k = 0; k < 8; k++) eight |= static_cast<uint64_t>(q[i + k]) << (k * bits);
    std::memcpy(out, &eight, bits);
  }
}

using PackGroup = void (*)(const float*, int, Line, int32_t*, uint8_t*);
constexpr PackGroup kPackGroup[] = {pack_group<2>, pack_group<3>, pack_group<4>, pack_group<5>, pack_group<6>, pack_group<7>, pack_group<8>};

struct Packed {
  uint8_t *weight, *scales, *biases;
};

// Groups [begin, end) of w [groups, group].
void pack_groups(const uint8_t* w, Type type, int group, int bits, size_t begin, size_t end, Packed out) {
  Scratch& scratch = Scratch::mine();
  Scratch::Frame frame(scratch);
  const size_t item = size_of(type), block = kBlock / group;
  float *elements = scratch.get<float>(kBlock), *scales = scratch.get<float>(block), *biases = scratch.get<float>(block);
  int32_t* q = scratch.get<int32_t>(group);
  for (size_t first = begin; first < end; first += block) {
    const int count = static_cast<int>(std::min(block, end - first));
    isa().f32.unpack(dense(type, w + first * group * item, 1, count * group), 0, 0, count * group, elements);
    for (int i = 0; i < count; i++) {
      const Line line = line_of(elements + i * group, group, (1 << bits) - 1);
      kPackGroup[bits - 2](elements + i * group, group, line, q, out.weight + (first + i) * group * bits / 8);
      scales[i] = line.scale;
      biases[i] = line.bias;
    }
    isa().store(scales, count, 1, count, false, false, type, out.scales + first * item, count, nullptr);
    isa().store(biases, count, 1, count, false, false, type, out.biases + first * item, count, nullptr);
  }
}

class Quantize : public Kernel {
 public:
  Quantize(mx::Stream stream, int group, int bits) : Kernel(stream), group_(group), bits_(bits) {}
  DEFINE_NAME(Quantize)

  // inputs: w   outputs: weight, scales, biases
  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const Arrays inputs = row_contiguous(given);
    const Packed out{outputs[0].data<uint8_t>(), outputs[1].data<uint8_t>(), outputs[2].data<uint8_t>()};
    dispatch([w = inputs[0].data<uint8_t>(), type = type_of(inputs[0]), groups = inputs[0].size() / group_, group = group_,
              bits = bits_, out] {
      parallel_ranges(groups, kSmallestPart / group, [=](size_t begin, size_t end) {
        pack_groups(w, type, group, bits, begin, end, out);
      });
    });
  }

 private:
  int group_, bits_;
};

}  // namespace

std::vector<mx::array> quantize(const mx::array& w, int group, int bits) {
  if (w.ndim() == 0 || !is_floating(w.dtype()) || group < 32 || group > kBlock || group % 32 != 0 || w.shape(-1) % group != 0 || bits < 2 || bits > 8) {
    throw std::invalid_argument("quantize needs w [..., K] of whole groups of 32 to 4096, and 2 to 8 bits");
  }
  mx::Shape packed = w.shape(), each = w.shape();
  packed.back() = packed.back() / 32 * bits;
  each.back() /= group;
  return run_kernel<Quantize>({packed, each, each}, {mx::uint32, w.dtype(), w.dtype()}, {w}, group, bits);
}

}  // namespace cygnet::cpu

#endif
