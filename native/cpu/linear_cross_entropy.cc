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
  float* d_hidden;  // null when not asked for
  float* d_weight;  // likewise
};

void run(const Operands& o) {
  const int chunk = std::clamp(static_cast<int>(kScratchBytes / (sizeof(float) * o.V)), 16, std::max(o.N, 16));
  const mx::allocator::Data scratch = mx::allocator::malloc(sizeof(float) * o.V * std::min(chunk, o.N));
  float* logits = static_cast<float*>(scratch.buffer().raw_ptr());
  std::vector<float> losses(o.N);
  for (int start = 0; start < o.N; start += chunk) {
    const int count = std::min(chunk, o.N - start);
    const float* hidden = o.hidden + size_t(start) * o.D;
    gemm(kPlain, kTransposed, count, o.V, o.D, 1, hidden, o.D, o.weight, o.D, 0, logits, o.V);
    parallel_items(count, [&](int i) {
      losses[start + i] = row_loss(logits + size_t(i) * o.V, o.V, o.targets[start + i], o.d_hidden != nullptr);
    });
    if (o.d_hidden) gemm(kPlain, kPlain, count, o.D, o.V, 1, logits, o.V, o.weight, o.D, 0, o.d_hidden + size_t(start) * o.D, o.D);
    if (o.d_weight) gemm(kTransposed, kPlain, o.V, o.D, count, 1, logits, o.V, hidden, o.D, start > 0, o.d_weight, o.D);
  }
  double sum = 0;
  for (float loss : losses) sum += loss;
  *o.loss = static_cast<float>(sum);
}

class LinearCrossEntropy : public Kernel {
 public:
  LinearCrossEntropy(mx::Stream stream, Gradients gradients) : Kernel(stream), gradients_(gradients) {}
  DEFINE_NAME(LinearCrossEntropy)

  void eval_cpu(const Arrays& inputs, Arrays& outputs) override {
    allocate(outputs);
    auto data = [](mx::array& a) { return a.size() > 0 ? a.data<float>() : nullptr; };
    dispatch([o = Operands{
                  inputs[0].shape(0), inputs[0].shape(1), inputs[1].shape(0), inputs[0].data<float>(), inputs[1].data<float>(),
                  inputs[2].data<int32_t>(), outputs[0].data<float>(), data(outputs[1]), data(outputs[2])}] { run(o); });
  }

  Arrays vjp(
      const Arrays&, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays& outputs) override {
    Arrays out;
    for (int argnum : argnums) {
      if (argnum > 1 || argnum >= static_cast<int>(gradients_)) {
        throw std::logic_error("linear_cross_entropy was made without this gradient");
      }
      out.push_back(mx::multiply(outputs[argnum + 1], cotangents[0], stream()));
    }
    return out;
  }

 private:
  Gradients gradients_;
};

}  // namespace

mx::array linear_cross_entropy(
    const mx::array& hidden, const mx::array& weight, const mx::array& targets, Gradients gradients) {
  if (hidden.ndim() != 2 || weight.ndim() != 2 || targets.ndim() != 1 || hidden.shape(1) != weight.shape(1) ||
      hidden.shape(0) != targets.shape(0)) {
    throw std::invalid_argument("linear_cross_entropy needs hidden [N, D], weight [V, D] and targets [N]");
  }
  if (hidden.dtype() != mx::float32 || weight.dtype() != mx::float32) {
    throw std::invalid_argument("linear_cross_entropy computes in float32");
  }
  const mx::Shape d_hidden = gradients == Gradients::none ? mx::Shape{0} : hidden.shape();
  const mx::Shape d_weight = gradients == Gradients::hidden_and_weight ? weight.shape() : mx::Shape{0};
  const mx::array ids = mx::astype(targets, mx::int32, mx::default_stream(mx::Device::cpu));
  return run_kernel<LinearCrossEntropy>({{}, d_hidden, d_weight}, {packed(hidden), packed(weight), packed(ids)}, gradients)[0];
}

}  // namespace cygnet::cpu

#endif
