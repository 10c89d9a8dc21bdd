#ifdef CYGNET_OPENBLAS

#include "isa/isa.h"
#include "kernel.h"
#include "kernels.h"
#include "parallel.h"
#include "scratch.h"

// Pairs of a vector at position p turn by the angle p · frequency; the gradient turns back.

namespace cygnet::cpu {
namespace {

constexpr size_t kSmallestPart = 1 << 14;  // elements

class RoPE : public Kernel {
 public:
  RoPE(mx::Stream stream, int offset, bool traditional, float sign)
      : Kernel(stream), offset_(offset), traditional_(traditional), sign_(sign) {}
  DEFINE_NAME(RoPE)

  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const Arrays inputs = row_contiguous(given);
    const mx::array& x = inputs[0];
    const int E = x.shape(-1), L = x.shape(-2);
    HeadSteps steps{E};
    steps.pairs = inputs[1].shape(0);
    steps.traditional = traditional_;
    dispatch([steps, E, L, rows = x.size() / std::max(E, 1), type = type_of(x), size = x.itemsize(), x = x.data<uint8_t>(),
              frequencies = inputs[1].data<float>(), y = outputs[0].data<uint8_t>(), offset = offset_, sign = sign_] {
      Scratch::Frame frame(Scratch::mine());
      const int64_t each = 2 * steps.pairs;
      float* rotations = Scratch::mine().get<float>(L * each);
      for (int l = 0; l < L; l++) {
        float* rotation = rotations + l * each;
        isa().attention.rotation(static_cast<float>(offset + l), frequencies, steps.pairs, rotation);
        for (int i = steps.pairs; i < each; i++) rotation[i] *= sign;
      }
      parallel_ranges(rows, kSmallestPart / E + 1, [&](size_t begin, size_t end) {
        for (size_t row = begin; row < end; row++) {
          isa().attention.head(steps, rotations + row % L * each, type, x + row * E * size, 1, type, y + row * E * size);
        }
      });
    });
  }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays&) override {
    if (argnums != std::vector<int>{0}) throw std::invalid_argument("rope differentiates x only");
    const mx::array& x = primals[0];
    return run_kernel<RoPE>({x.shape()}, {x.dtype()}, {cotangents[0], primals[1]}, offset_, traditional_, -sign_);
  }

 private:
  int offset_;
  bool traditional_;
  float sign_;
};

}  // namespace

mx::array rope(const mx::array& x, const mx::array& frequencies, int offset, bool traditional) {
  const bool fits = x.ndim() >= 2 && x.shape(-1) > 0 && is_floating(x.dtype()) && x.shape(-1) <= kMaxHeadSize && frequencies.ndim() == 1 &&
      frequencies.dtype() == mx::float32 && 2 * frequencies.shape(0) <= x.shape(-1);
  if (!fits) throw std::invalid_argument("rope needs x [..., L, E] and at most E / 2 frequencies");
  return run_kernel<RoPE>({x.shape()}, {x.dtype()}, {x, frequencies}, offset, traditional, 1.0f)[0];
}

}  // namespace cygnet::cpu

#endif
