#ifdef CYGNET_OPENBLAS

#include "linear_cross_entropy.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "mlx/allocator.h"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/ops.h"
#include "mlx/primitives.h"
#include "parallel.h"

extern "C" {
void scipy_cblas_sgemm(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);
int scipy_openblas_get_num_threads();
}

// The compiler makes one version of a marked function for each instruction set and the loader picks.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define VECTORIZED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3", "fast-math")))
#else
#define VECTORIZED
#endif

namespace cygnet::cpu {

namespace mx = mlx::core;

int threads() { return scipy_openblas_get_num_threads(); }

namespace {

constexpr int kRowMajor = 101, kNoTranspose = 111, kTranspose = 112;
constexpr size_t kScratchBytes = size_t{128} << 20;

// e^x by 2^n · polynomial, relative error below 2e-7 on [-87, 0]; smaller x give 0.
inline float exp_of(float x) {
  x = x < -87.0f ? -87.0f : x;
  const float n = __builtin_rintf(x * 1.44269504f);
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  union {
    int32_t i;
    float f;
  } power = {(static_cast<int32_t>(n) + 127) << 23};
  return p * power.f;
}

VECTORIZED float greatest(const float* x, int n) {
  float out = -std::numeric_limits<float>::max();
  for (int i = 0; i < n; i++) out = x[i] > out ? x[i] : out;
  return out;
}

// x ← e^(x − shift); returns the sum. Blocks keep the float32 sum exact to rounding over 150,000 terms.
VECTORIZED float exponentials(float* x, int n, float shift) {
  double total = 0;
  for (int start = 0; start < n; start += 4096) {
    const int end = start + 4096 < n ? start + 4096 : n;
    float sum = 0;
    for (int i = start; i < end; i++) {
      x[i] = exp_of(x[i] - shift);
      sum += x[i];
    }
    total += sum;
  }
  return static_cast<float>(total);
}

VECTORIZED void scale(float* x, int n, float factor) {
  for (int i = 0; i < n; i++) x[i] *= factor;
}

// Turns a row of logits into its loss and, in place, into the loss's gradient: softmax − one-hot.
float row_loss(float* logits, int vocabulary, int target, bool with_gradient) {
  const float shift = greatest(logits, vocabulary);
  const float logit = logits[target];
  const float sum = exponentials(logits, vocabulary, shift);
  if (with_gradient) {
    scale(logits, vocabulary, 1.0f / sum);
    logits[target] -= 1.0f;
  }
  return std::log(sum) + shift - logit;
}

class LinearCrossEntropy : public mx::Primitive {
 public:
  LinearCrossEntropy(mx::Stream stream, bool with_gradient) : mx::Primitive(stream), with_gradient_(with_gradient) {}

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override {
    for (mx::array& output : outputs) output.set_data(mx::allocator::malloc(output.nbytes()));
    mx::cpu::get_command_encoder(stream()).dispatch(
        [hidden = inputs[0], weight = inputs[1], targets = inputs[2], loss = outputs[0], gradient = outputs[1],
         with_gradient = with_gradient_]() mutable {
          run(hidden, weight, targets, loss.data<float>(), with_gradient ? gradient.data<float>() : nullptr);
        });
  }

  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) override {
    throw std::runtime_error("LinearCrossEntropy runs on the CPU only");
  }

  std::vector<mx::array> vjp(
      const std::vector<mx::array>&, const std::vector<mx::array>& cotangents, const std::vector<int>& argnums,
      const std::vector<mx::array>& outputs) override {
    if (argnums != std::vector<int>{0}) throw std::invalid_argument("LinearCrossEntropy differentiates hidden states only");
    if (!with_gradient_) throw std::logic_error("LinearCrossEntropy was made without its gradient");
    return {mx::multiply(outputs[1], mx::expand_dims(cotangents[0], 1, stream()), stream())};
  }

  DEFINE_NAME(LinearCrossEntropy)

 private:
  static void run(const mx::array& hidden, const mx::array& weight, const mx::array& targets, float* loss, float* gradient) {
    const int rows = hidden.shape(0), dims = hidden.shape(1), vocabulary = weight.shape(0);
    const int most = static_cast<int>(kScratchBytes / (sizeof(float) * vocabulary));
    const int chunk = std::min(rows, std::max(most, 16));
    mx::allocator::Data scratch = mx::allocator::malloc(sizeof(float) * vocabulary * std::max(chunk, 1));
    float* logits = static_cast<float*>(scratch.buffer().raw_ptr());
    for (int start = 0; start < rows; start += chunk) {
      const int count = std::min(chunk, rows - start);
      const float* x = hidden.data<float>() + size_t(start) * dims;
      scipy_cblas_sgemm(
          kRowMajor, kNoTranspose, kTranspose, count, vocabulary, dims, 1, x, dims, weight.data<float>(), dims, 0, logits, vocabulary);
      parallel_for(count, [&](int begin, int end) {
        for (int i = begin; i < end; i++) {
          const int target = targets.data<int32_t>()[start + i];
          loss[start + i] = row_loss(logits + size_t(i) * vocabulary, vocabulary, target, gradient != nullptr);
        }
      });
      if (!gradient) continue;
      scipy_cblas_sgemm(
          kRowMajor, kNoTranspose, kNoTranspose, count, dims, vocabulary, 1, logits, vocabulary, weight.data<float>(), dims, 0,
          gradient + size_t(start) * dims, dims);
    }
  }

  bool with_gradient_;
};

}  // namespace

std::pair<mx::array, mx::array> linear_cross_entropy(
    const mx::array& hidden, const mx::array& weight, const mx::array& targets, bool with_gradient) {
  if (hidden.ndim() != 2 || weight.ndim() != 2 || targets.ndim() != 1 || hidden.shape(1) != weight.shape(1) ||
      hidden.shape(0) != targets.shape(0)) {
    throw std::invalid_argument("linear_cross_entropy needs hidden [N, D], weight [V, D] and targets [N]");
  }
  if (hidden.dtype() != mx::float32 || weight.dtype() != mx::float32) {
    throw std::invalid_argument("linear_cross_entropy computes in float32");
  }
  const mx::Stream stream = mx::default_stream(mx::Device::cpu);
  const mx::Shape gradient_shape = with_gradient ? hidden.shape() : mx::Shape{0, hidden.shape(1)};
  std::vector<mx::array> outputs = mx::array::make_arrays(
      {targets.shape(), gradient_shape}, {mx::float32, mx::float32},
      std::make_shared<LinearCrossEntropy>(stream, with_gradient),
      {mx::contiguous(hidden, false, stream), mx::contiguous(weight, false, stream), mx::astype(targets, mx::int32, stream)});
  return {outputs[0], outputs[1]};
}

}  // namespace cygnet::cpu

#endif
