#ifdef CYGNET_OPENBLAS

#include <cmath>

#include "kernel.h"
#include "kernels.h"
#include "parallel.h"
#include "rows.h"
#include "vector.h"

// Pairs (x_i, x_{i + D/2}) of a row at position p turn by the angle p · frequency_i; the gradient turns back.

namespace cygnet::cpu {
namespace {

constexpr int64_t kSmallestWork = 1 << 15;

VECTORIZED void turn(const float* x, const float* cosines, const float* sines, float sign, float* y, int half) {
  for (int i = 0; i < half; i++) {
    const float a = x[i], b = x[i + half], s = sign * sines[i];
    y[i] = a * cosines[i] - b * s;
    y[i + half] = a * s + b * cosines[i];
  }
}

class RoPE : public Kernel {
 public:
  RoPE(mx::Stream stream, int offset, float sign) : Kernel(stream), offset_(offset), sign_(sign) {}
  DEFINE_NAME(RoPE)

  void eval_cpu(const Arrays& inputs, Arrays& outputs) override {
    allocate(outputs);
    const mx::array& x = inputs[0];
    dispatch([B = x.shape(0), H = x.shape(1), L = x.shape(2), E = x.shape(3), half = inputs[1].shape(0), x = Readable(x),
              frequencies = inputs[1].data<float>(), y = outputs[0].data<float>(), offset = offset_, sign = sign_] {
      const Rows rows = x.rows();
      auto position = [&](int l) {
        std::vector<float> angles(2 * half);
        for (int i = 0; i < half; i++) {
          const float angle = static_cast<float>(offset + l) * frequencies[i];
          angles[i] = std::cos(angle);
          angles[half + i] = std::sin(angle);
        }
        for (int b = 0; b < B; b++) {
          for (int h = 0; h < H; h++) {
            const float* from = rows.at(b, h, l);
            float* to = y + ((int64_t(b) * H + h) * L + l) * E;
            turn(from, angles.data(), angles.data() + half, sign, to, half);
            std::copy(from + 2 * half, from + E, to + 2 * half);
          }
        }
      };
      if (int64_t(B) * H * L * E < kSmallestWork) {
        for (int l = 0; l < L; l++) position(l);
      } else {
        parallel_items(L, position);
      }
    });
  }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays&) override {
    if (argnums != std::vector<int>{0}) throw std::invalid_argument("rope differentiates x only");
    return run_kernel<RoPE>({primals[0].shape()}, {cotangents[0], primals[1]}, offset_, -sign_);
  }

 private:
  int offset_;
  float sign_;
};

}  // namespace

mx::array rope(const mx::array& x, const mx::array& frequencies, int offset) {
  if (x.ndim() != 4 || frequencies.ndim() != 1 || 2 * frequencies.shape(0) > x.shape(3)) {
    throw std::invalid_argument("rope needs x [B, H, L, E] and at most E / 2 frequencies");
  }
  return run_kernel<RoPE>({x.shape()}, {x, packed(frequencies)}, offset, 1.0f)[0];
}

}  // namespace cygnet::cpu

#endif
