#ifdef CYGNET_OPENBLAS

#include "kernel.h"
#include "kernels.h"
#include "parallel.h"
#include "vector.h"

namespace cygnet::cpu {
namespace {

constexpr size_t kSmallestPart = 16384;

VECTORIZED void forward(const float* gate, const float* up, float* out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = gate[i] / (1.0f + exp_of(-gate[i])) * up[i];
}

// σ' = σ (1 − σ), so d(g σ(g)) = σ (1 + g (1 − σ)).
VECTORIZED void backward(const float* gate, const float* up, const float* d, float* d_gate, float* d_up, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const float sigmoid = 1.0f / (1.0f + exp_of(-gate[i]));
    const float cotangent = d[i];
    d_up[i] = cotangent * gate[i] * sigmoid;
    d_gate[i] = cotangent * up[i] * sigmoid * (1.0f + gate[i] * (1.0f - sigmoid));
  }
}

class SwiGLUGradient : public Kernel {
 public:
  using Kernel::Kernel;
  DEFINE_NAME(SwiGLUGradient)

  void eval_cpu(const Arrays& inputs, Arrays& outputs) override {
    allocate(outputs);
    dispatch([n = inputs[0].size(), gate = inputs[0].data<float>(), up = inputs[1].data<float>(), d = inputs[2].data<float>(),
              d_gate = outputs[0].data<float>(), d_up = outputs[1].data<float>()] {
      parallel_ranges(n, kSmallestPart, [=](size_t begin, size_t end) {
        backward(gate + begin, up + begin, d + begin, d_gate + begin, d_up + begin, end - begin);
      });
    });
  }
};

class SwiGLU : public Kernel {
 public:
  using Kernel::Kernel;
  DEFINE_NAME(SwiGLU)

  void eval_cpu(const Arrays& inputs, Arrays& outputs) override {
    allocate(outputs);
    dispatch([n = inputs[0].size(), gate = inputs[0].data<float>(), up = inputs[1].data<float>(),
              out = outputs[0].data<float>()] {
      parallel_ranges(n, kSmallestPart, [=](size_t begin, size_t end) {
        forward(gate + begin, up + begin, out + begin, end - begin);
      });
    });
  }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays&) override {
    const Arrays gradients = run_kernel<SwiGLUGradient>(
        {primals[0].shape(), primals[1].shape()}, {primals[0], primals[1], packed(cotangents[0])});
    Arrays out;
    for (int argnum : argnums) out.push_back(gradients[argnum]);
    return out;
  }
};

}  // namespace

mx::array swiglu(const mx::array& gate, const mx::array& up) {
  if (gate.shape() != up.shape()) throw std::invalid_argument("swiglu needs gate and up of one shape");
  return run_kernel<SwiGLU>({gate.shape()}, {packed(gate), packed(up)})[0];
}

}  // namespace cygnet::cpu

#endif
