#ifdef CYGNET_OPENBLAS

#include <algorithm>

#include "kernel.h"
#include "kernels.h"
#include "linear.h"
#include "parallel.h"

// N rows · D hidden · V vocabulary

namespace cygnet::cpu {
namespace {

// Logits held at a time.
constexpr size_t kChunkBytes = size_t{128} << 20;

struct Operands {
  int N, D, V;
  Type type;
  const uint8_t* hidden;
  Matrix weight;
  const int32_t* targets;
  float* loss;
  uint8_t* d_hidden;  // null when not asked for
  float* d_weight;    // likewise
};

void run(const Operands& o) {
  Scratch& scratch = Scratch::mine();
  const Panel panel = panel_for(o.type);
  const int chunk = std::clamp(static_cast<int>(kChunkBytes / (sizeof(float) * o.V)), 16, std::max(o.N, 16));
  const mx::allocator::Data memory = mx::allocator::malloc(sizeof(float) * o.V * std::min(chunk, o.N));
  float* logits = static_cast<float*>(memory.buffer().raw_ptr());
  std::vector<float> losses(o.N);
  for (int start = 0; start < o.N; start += chunk) {
    Scratch::Frame frame(scratch);
    const int count = std::min(chunk, o.N - start);
    const int64_t place = int64_t(start) * o.D * size_of(o.type);
    const Matrix hidden = dense(o.type, o.hidden + place, count, o.D), d_logits = dense(Type::f32, logits, count, o.V);
    {
      Scratch::Frame inner(scratch);
      const Packed rows(scratch, Side::weights, panel, hidden);
      const Term term{rows, o.weight};
      multiply({&term, 1}, o.V, {Type::f32, logits, o.V});
    }
    parallel_items(count, [&](int i) {
      losses[start + i] = isa().cross_entropy_row(logits + size_t(i) * o.V, o.V, o.targets[start + i], o.d_hidden != nullptr);
    });
    if (o.d_hidden) {
      Scratch::Frame inner(scratch);
      const Packed rows(scratch, Side::activations, panel, d_logits);
      const Term term{rows, o.weight, true};
      multiply({&term, 1}, o.D, {o.type, o.d_hidden + place, o.D});
    }
    if (o.d_weight) {
      Scratch::Frame inner(scratch);
      const Packed rows(scratch, Side::activations, panel, d_logits, true);
      const Term term{rows, hidden, true};
      multiply({&term, 1}, o.D, {Type::f32, o.d_weight, o.D, nullptr, start > 0});
    }
  }
  if (o.N == 0 && o.d_weight) std::fill(o.d_weight, o.d_weight + int64_t(o.V) * o.D, 0.0f);
  double sum = 0;
  for (float loss : losses) sum += loss;
  *o.loss = static_cast<float>(sum);
}

class LinearCrossEntropy : public Kernel {
 public:
  LinearCrossEntropy(mx::Stream stream, Gradients gradients, Projection weight)
      : Kernel(stream), gradients_(gradients), weight_(weight) {}
  DEFINE_NAME(LinearCrossEntropy)

  // inputs: hidden, the weight's arrays, targets
  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const Arrays inputs = row_contiguous(given);
    const Matrix weight = weight_of(inputs, weight_);
    const mx::array& hidden = inputs[0];
    dispatch([o = Operands{
                  hidden.shape(0), hidden.shape(1), weight.rows, type_of(hidden), hidden.data<uint8_t>(), weight,
                  inputs.back().data<int32_t>(), outputs[0].data<float>(),
                  outputs[1].size() > 0 ? outputs[1].data<uint8_t>() : nullptr,
                  outputs[2].size() > 0 ? outputs[2].data<float>() : nullptr}] { run(o); });
  }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays& outputs) override {
    Arrays out;
    for (int argnum : argnums) {
      if (argnum > 1 || argnum >= static_cast<int>(gradients_)) {
        throw std::logic_error("linear_cross_entropy was made without this gradient");
      }
      const mx::array gradient = mx::multiply(outputs[argnum + 1], cotangents[0], stream());
      out.push_back(mx::astype(gradient, primals[argnum].dtype(), stream()));
    }
    return out;
  }

 private:
  Gradients gradients_;
  Projection weight_;
};

}  // namespace

mx::array linear_cross_entropy(
    const mx::array& hidden, std::vector<mx::array> operands, Projection weight, const mx::array& targets, Gradients gradients) {
  Arrays inputs{hidden};
  inputs.insert(inputs.end(), std::make_move_iterator(operands.begin()), std::make_move_iterator(operands.end()));
  weight.first = 1;
  if (hidden.ndim() != 2 || inputs.size() < 2 || inputs[1].ndim() != 2 || targets.ndim() != 1 || hidden.shape(0) != targets.shape(0) ||
      columns_of(inputs, weight) != hidden.shape(1)) {
    throw std::invalid_argument("linear_cross_entropy needs hidden [N, D], weight [V, D] and targets [N]");
  }
  const mx::Shape d_hidden = gradients == Gradients::none ? mx::Shape{0} : hidden.shape();
  const mx::Shape d_weight = gradients == Gradients::hidden_and_weight ? inputs[1].shape() : mx::Shape{0};
  inputs.push_back(mx::astype(targets, mx::int32, mx::default_stream(mx::Device::cpu)));
  return run_kernel<LinearCrossEntropy>(
      {{}, d_hidden, d_weight}, {mx::float32, hidden.dtype(), mx::float32}, std::move(inputs), gradients, weight)[0];
}

}  // namespace cygnet::cpu

#endif
