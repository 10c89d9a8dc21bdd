#ifdef CYGNET_OPENBLAS

#include <algorithm>
#include <cstring>

#include "kernel.h"
#include "kernels.h"
#include "linear.h"

// T tokens · E experts · K inputs · N outputs · rows: one for each choice of an expert by a token

namespace cygnet::cpu {
namespace {

// The weights of one expert out of those of all, which lie one behind the other.
Matrix expert_of(const Matrix& all, int expert, int N) {
  Matrix m = all;
  m.rows = N;
  m.data = all.row(int64_t(expert) * N);
  if (all.scales) {
    const int64_t first = int64_t(expert) * N * all.groups();
    const int size = all.format == Format::affine ? size_of(all.scale_type) : 1;
    m.scales = static_cast<const uint8_t*>(all.scales) + first * size;
    if (all.biases) m.biases = static_cast<const uint8_t*>(all.biases) + first * size;
  }
  return m;
}

// The rows of each expert, in order.
std::vector<std::vector<int>> rows_by_expert(const int32_t* indices, int rows, int experts) {
  std::vector<std::vector<int>> out(experts);
  for (int row = 0; row < rows; row++) {
    if (indices[row] < 0 || indices[row] >= experts) throw std::out_of_range("an expert's index is outside the experts");
    out[indices[row]].push_back(row);
  }
  return out;
}

struct Job {
  Type type;
  const uint8_t* x;  // [T, K]
  const int32_t* indices;
  Matrix weights;    // [E · N, K]
  int experts, rows, each, K, N;

  // Rows `chosen` of a matrix of `cols` columns, where `each` rows share one of it, one behind the other.
  const uint8_t* gathered(const uint8_t* from, const std::vector<int>& chosen, int cols, int share) const {
    const size_t bytes = size_t(cols) * size_of(type);
    uint8_t* out = Scratch::mine().get<uint8_t>(bytes * chosen.size());
    for (size_t i = 0; i < chosen.size(); i++) std::memcpy(out + i * bytes, from + chosen[i] / share * bytes, bytes);
    return out;
  }
};

// y [rows, N] = x · W of each row's expert.
void forward(const Job& job, uint8_t* y) {
  Scratch& scratch = Scratch::mine();
  const auto rows = rows_by_expert(job.indices, job.rows, job.experts);
  const size_t bytes = size_t(job.N) * size_of(job.type);
  for (int expert = 0; expert < job.experts; expert++) {
    const std::vector<int>& chosen = rows[expert];
    if (chosen.empty()) continue;
    Scratch::Frame frame(scratch);
    const int M = static_cast<int>(chosen.size());
    const Matrix w = expert_of(job.weights, expert, job.N);
    const uint8_t* x = job.gathered(job.x, chosen, job.K, job.each);
    uint8_t* out = scratch.get<uint8_t>(bytes * M);
    if (M <= kFewRows) {
      float* sums = scratch.get<float>(size_t(M) * job.N);
      multiply_rows(job.type, x, M, {&w, 1}, {&sums, 1});
      isa().store(sums, job.N, M, job.N, false, false, job.type, out, job.N, nullptr);
    } else {
      const Packed packed(scratch, Side::weights, panel_for(job.type), dense(job.type, x, M, job.K));
      const Term term{packed, w};
      multiply({&term, 1}, job.N, {job.type, out, job.N});
    }
    for (int i = 0; i < M; i++) std::memcpy(y + chosen[i] * bytes, out + i * bytes, bytes);
  }
}

// dx [T, K] and dw [E · N, K], where asked for, from dy [rows, N].
void backward(const Job& job, const uint8_t* dy, uint8_t* dx, uint8_t* dw) {
  Scratch& scratch = Scratch::mine();
  Scratch::Frame outer(scratch);
  const Panel panel = panel_for(job.type);
  const auto rows = rows_by_expert(job.indices, job.rows, job.experts);
  const int tokens = job.rows / job.each;
  float* sums = dx ? scratch.get<float>(size_t(tokens) * job.K) : nullptr;
  if (dx) std::fill(sums, sums + size_t(tokens) * job.K, 0.0f);
  const size_t expert_bytes = size_t(job.N) * job.K * size_of(job.type);
  for (int expert = 0; expert < job.experts; expert++) {
    const std::vector<int>& chosen = rows[expert];
    if (chosen.empty()) {
      if (dw) std::memset(dw + expert * expert_bytes, 0, expert_bytes);
      continue;
    }
    Scratch::Frame frame(scratch);
    const int M = static_cast<int>(chosen.size());
    const Matrix d = dense(job.type, job.gathered(dy, chosen, job.N, 1), M, job.N);
    if (dx) {
      float* out = scratch.get<float>(size_t(M) * job.K);
      const Packed packed(scratch, Side::activations, panel, d);
      const Term term{packed, expert_of(job.weights, expert, job.N), true};
      multiply({&term, 1}, job.K, {Type::f32, out, job.K});
      for (int i = 0; i < M; i++) {
        float* sum = sums + int64_t(chosen[i] / job.each) * job.K;
        for (int k = 0; k < job.K; k++) sum[k] += out[int64_t(i) * job.K + k];
      }
    }
    if (dw) {
      const Packed packed(scratch, Side::activations, panel, d, true);
      const Term term{packed, dense(job.type, job.gathered(job.x, chosen, job.K, job.each), M, job.K), true};
      multiply({&term, 1}, job.K, {job.type, dw + expert * expert_bytes, job.K});
    }
  }
  if (dx) isa().store(sums, job.K, tokens, job.K, false, false, job.type, dx, job.K, nullptr);
}

// Weights [E, N, ...] and their scales seen as those of one matrix [E · N, ...].
Job job_of(const Arrays& inputs, const Projection& p, int each) {
  const mx::array &x = inputs[0], &w = inputs[p.first];
  const int experts = w.shape(0), N = w.shape(1), K = x.shape(1);
  Matrix weights;
  if (p.has_scales) {
    weights = {p.format, experts * N, K, int64_t(w.shape(2)) * 4, w.data<uint8_t>()};
    weights.bits = p.bits;
    weights.group = p.group;
    weights.scales = inputs[p.scales()].data<void>();
    if (p.has_biases) {
      weights.scale_type = type_of(inputs[p.scales()]);
      weights.biases = inputs[p.scales() + 1].data<void>();
    }
  } else {
    weights = dense(type_of(w), w.data<void>(), experts * N, K);
  }
  const mx::array& indices = inputs[p.end()];
  return {type_of(x), x.data<uint8_t>(), indices.data<int32_t>(), weights, experts, static_cast<int>(indices.size()), each, K, N};
}

class ExpertsGradient : public Kernel {
 public:
  ExpertsGradient(mx::Stream stream, Projection weight, int each, std::vector<int> argnums)
      : Kernel(stream), weight_(weight), each_(each), argnums_(std::move(argnums)) {}
  DEFINE_NAME(ExpertsGradient)

  // inputs: those of Experts, dy
  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const Arrays inputs = row_contiguous(given);
    uint8_t *dx = nullptr, *dw = nullptr;
    for (size_t i = 0; i < argnums_.size(); i++) (argnums_[i] == 0 ? dx : dw) = outputs[i].data<uint8_t>();
    dispatch([job = job_of(inputs, weight_, each_), dy = inputs.back().data<uint8_t>(), dx, dw] { backward(job, dy, dx, dw); });
  }

 private:
  Projection weight_;
  int each_;
  std::vector<int> argnums_;
};

class Experts : public Kernel {
 public:
  Experts(mx::Stream stream, Projection weight, int each) : Kernel(stream), weight_(weight), each_(each) {}
  DEFINE_NAME(Experts)

  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    dispatch([job = job_of(row_contiguous(given), weight_, each_), y = outputs[0].data<uint8_t>()] { forward(job, y); });
  }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays&) override {
    std::vector<mx::Shape> shapes;
    std::vector<mx::Dtype> dtypes;
    for (int argnum : argnums) {
      if (argnum > 1 || (argnum == 1 && weight_.has_scales)) throw std::invalid_argument("experts differentiate x and plain weights");
      shapes.push_back(primals[argnum].shape());
      dtypes.push_back(primals[argnum].dtype());
    }
    Arrays inputs = primals;
    inputs.push_back(cotangents[0]);
    return run_kernel<ExpertsGradient>(std::move(shapes), std::move(dtypes), std::move(inputs), weight_, each_, argnums);
  }

 private:
  Projection weight_;
  int each_;
};

}  // namespace

mx::array experts(const mx::array& x, std::vector<mx::array> operands, Projection weight, const mx::array& indices) {
  weight.first = 1;
  const bool known = !operands.empty() && operands[0].ndim() == 3 && x.ndim() == 2 && indices.ndim() == 2 && indices.shape(0) == x.shape(0);
  const int columns = !known ? 0 : weight.has_scales ? static_cast<int>(int64_t(operands[0].shape(2)) * 32 / weight.bits) : operands[0].shape(2);
  if (!known || columns != x.shape(1)) throw std::invalid_argument("experts need x [T, K], weights [E, N, K] and indices [T, n]");
  const int each = indices.shape(1), N = operands[0].shape(1);
  Arrays inputs{x};
  inputs.insert(inputs.end(), std::make_move_iterator(operands.begin()), std::make_move_iterator(operands.end()));
  inputs.push_back(mx::astype(indices, mx::int32, mx::default_stream(mx::Device::cpu)));
  return run_kernel<Experts>({{x.shape(0), each, N}}, {x.dtype()}, std::move(inputs), weight, each)[0];
}

}  // namespace cygnet::cpu

#endif
