#ifdef CYGNET_OPENBLAS

#include <cmath>

#include "blas.h"
#include "kernel.h"
#include "kernels.h"
#include "parallel.h"
#include "vector.h"

// N rows · D hidden · V vocabulary

namespace cygnet::cpu {
namespace {

// Logits held at a time.
constexpr size_t kScratchBytes = size_t{128} << 20;

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

struct Operands {
  int N, D, V;
  const float* hidden;
  const float* weight;
  const int32_t* targets;
  float* loss;
  float* gradient;  // null when not asked for
};

void run(const Operands& o) {
  const int chunk = std::clamp(static_cast<int>(kScratchBytes / (sizeof(float) * o.V)), 16, std::max(o.N, 16));
  const mx::allocator::Data scratch = mx::allocator::malloc(sizeof(float) * o.V * std::min(chunk, o.N));
  float* logits = static_cast<float*>(scratch.buffer().raw_ptr());
  for (int start = 0; start < o.N; start += chunk) {
    const int count = std::min(chunk, o.N - start);
    gemm(kPlain, kTransposed, count, o.V, o.D, 1, o.hidden + size_t(start) * o.D, o.D, o.weight, o.D, 0, logits, o.V);
    parallel_items(count, [&](int i) {
      const int row = start + i;
      o.loss[row] = row_loss(logits + size_t(i) * o.V, o.V, o.targets[row], o.gradient != nullptr);
    });
    if (!o.gradient) continue;
    gemm(kPlain, kPlain, count, o.D, o.V, 1, logits, o.V, o.weight, o.D, 0, o.gradient + size_t(start) * o.D, o.D);
  }
}

class LinearCrossEntropy : public Kernel {
 public:
  LinearCrossEntropy(mx::Stream stream, bool with_gradient) : Kernel(stream), with_gradient_(with_gradient) {}
  DEFINE_NAME(LinearCrossEntropy)

  void eval_cpu(const Arrays& inputs, Arrays& outputs) override {
    allocate(outputs);
    dispatch([o = Operands{
                  inputs[0].shape(0), inputs[0].shape(1), inputs[1].shape(0), inputs[0].data<float>(), inputs[1].data<float>(),
                  inputs[2].data<int32_t>(), outputs[0].data<float>(), with_gradient_ ? outputs[1].data<float>() : nullptr}] {
      run(o);
    });
  }

  Arrays vjp(
      const Arrays&, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays& outputs) override {
    if (argnums != std::vector<int>{0}) throw std::invalid_argument("linear_cross_entropy differentiates hidden states only");
    if (!with_gradient_) throw std::logic_error("linear_cross_entropy was made without its gradient");
    return {mx::multiply(outputs[1], mx::expand_dims(cotangents[0], 1, stream()), stream())};
  }

 private:
  bool with_gradient_;
};

}  // namespace

mx::array linear_cross_entropy(const mx::array& hidden, const mx::array& weight, const mx::array& targets, bool with_gradient) {
  if (hidden.ndim() != 2 || weight.ndim() != 2 || targets.ndim() != 1 || hidden.shape(1) != weight.shape(1) ||
      hidden.shape(0) != targets.shape(0)) {
    throw std::invalid_argument("linear_cross_entropy needs hidden [N, D], weight [V, D] and targets [N]");
  }
  if (hidden.dtype() != mx::float32 || weight.dtype() != mx::float32) {
    throw std::invalid_argument("linear_cross_entropy computes in float32");
  }
  const mx::Shape gradient = with_gradient ? hidden.shape() : mx::Shape{0, hidden.shape(1)};
  const mx::array ids = mx::astype(targets, mx::int32, mx::default_stream(mx::Device::cpu));
  return run_kernel<LinearCrossEntropy>(
      {targets.shape(), gradient}, {packed(hidden), packed(weight), packed(ids)}, with_gradient)[0];
}

}  // namespace cygnet::cpu

#endif
