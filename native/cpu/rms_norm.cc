#ifdef CYGNET_OPENBLAS

#include <cmath>

#include "kernel.h"
#include "kernels.h"
#include "parallel.h"
#include "vector.h"

// r = 1 / √(mean(x²) + ε)   y = x r w   dx = r (g − x r² mean(g x)), g = dy w   dw = Σ dy x r

namespace cygnet::cpu {
namespace {

constexpr size_t kSmallestPart = 8192;

float inverse_root(const float* x, int dims, float eps) { return 1.0f / std::sqrt(dot(x, x, dims) / dims + eps); }

VECTORIZED void scaled(const float* x, const float* w, float r, float* y, int n) {
  for (int i = 0; i < n; i++) y[i] = x[i] * r * w[i];
}

VECTORIZED float weighted_dot(const float* d, const float* w, const float* x, int n) {
  float sum = 0;
  for (int i = 0; i < n; i++) sum += d[i] * w[i] * x[i];
  return sum;
}

VECTORIZED void input_gradient(const float* d, const float* w, const float* x, float r, float shared, float* dx, int n) {
  for (int i = 0; i < n; i++) dx[i] = r * (d[i] * w[i] - x[i] * shared);
}

VECTORIZED void add_weight_gradient(const float* d, const float* x, float r, float* dw, int n) {
  for (int i = 0; i < n; i++) dw[i] += d[i] * x[i] * r;
}

class RMSNormGradient : public Kernel {
 public:
  RMSNormGradient(mx::Stream stream, float eps) : Kernel(stream), eps_(eps) {}
  DEFINE_NAME(RMSNormGradient)

  // inputs: x, w, dy   outputs: dx, dw of each part of the rows
  void eval_cpu(const Arrays& inputs, Arrays& outputs) override {
    allocate(outputs);
    const int dims = inputs[0].shape(-1), parts = outputs[1].shape(0);
    dispatch([rows = inputs[0].size() / dims, dims, parts, eps = eps_, x = inputs[0].data<float>(), w = inputs[1].data<float>(),
              d = inputs[2].data<float>(), dx = outputs[0].data<float>(), dw = outputs[1].data<float>()] {
      parallel_items(parts, [&](int part) {
        float* dw_part = dw + size_t(part) * dims;
        std::fill(dw_part, dw_part + dims, 0.0f);
        for (size_t row = rows * part / parts; row < rows * (part + 1) / parts; row++) {
          const float* x_row = x + row * dims;
          const float* d_row = d + row * dims;
          const float r = inverse_root(x_row, dims, eps);
          const float shared = r * r * weighted_dot(d_row, w, x_row, dims) / dims;
          input_gradient(d_row, w, x_row, r, shared, dx + row * dims, dims);
          add_weight_gradient(d_row, x_row, r, dw_part, dims);
        }
      });
    });
  }

 private:
  float eps_;
};

class RMSNorm : public Kernel {
 public:
  RMSNorm(mx::Stream stream, float eps) : Kernel(stream), eps_(eps) {}
  DEFINE_NAME(RMSNorm)

  void eval_cpu(const Arrays& inputs, Arrays& outputs) override {
    allocate(outputs);
    const int dims = inputs[0].shape(-1);
    dispatch([rows = inputs[0].size() / dims, dims, eps = eps_, x = inputs[0].data<float>(), w = inputs[1].data<float>(),
              y = outputs[0].data<float>()] {
      parallel_ranges(rows, std::max<size_t>(kSmallestPart / dims, 1), [=](size_t begin, size_t end) {
        for (size_t row = begin; row < end; row++) {
          const float* x_row = x + row * dims;
          scaled(x_row, w, inverse_root(x_row, dims, eps), y + row * dims, dims);
        }
      });
    });
  }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays&) override {
    const mx::Shape& shape = primals[0].shape();
    const size_t elements = primals[0].size();
    const int parts = std::clamp<int>(elements / kSmallestPart, 1, 2 * threads());
    const Arrays gradients =
        run_kernel<RMSNormGradient>({shape, {parts, shape.back()}}, {primals[0], primals[1], packed(cotangents[0])}, eps_);
    Arrays out;
    for (int argnum : argnums) out.push_back(argnum == 0 ? gradients[0] : mx::sum(gradients[1], 0, false, stream()));
    return out;
  }

 private:
  float eps_;
};

}  // namespace

mx::array rms_norm(const mx::array& x, const mx::array& weight, float eps) {
  if (x.ndim() == 0 || weight.ndim() != 1 || x.shape(-1) != weight.shape(0)) {
    throw std::invalid_argument("rms_norm needs x [..., D] and weight [D]");
  }
  return run_kernel<RMSNorm>({x.shape()}, {packed(x), packed(weight)}, eps)[0];
}

}  // namespace cygnet::cpu

#endif
