#include "linear.h"

#include <algorithm>
#include <cstring>

#include "kernel.h"
#include "low_rank.h"
#include "parallel.h"
#include "rows.h"

// M rows of x · K its columns · N outputs · R rank of an update

namespace cygnet::cpu {

int columns_of(const Arrays& inputs, const Projection& p) {
  const mx::array& w = inputs[p.first];
  return p.has_scales ? static_cast<int>(int64_t(w.shape(1)) * 32 / p.bits) : w.shape(1);
}

Matrix weight_of(const Arrays& inputs, const Projection& p) {
  const mx::array& w = inputs[p.first];
  if (!p.has_scales) return dense(type_of(w), w.data<void>(), w.shape(0), w.shape(1));
  const mx::array& scales = inputs[p.scales()];
  Matrix m{p.format, w.shape(0), columns_of(inputs, p), int64_t(w.shape(1)) * 4, w.data<uint8_t>()};
  m.bits = p.bits;
  m.group = p.group;
  m.scales = scales.data<void>();
  if (p.has_biases) {
    m.scale_type = type_of(scales);
    m.biases = inputs[p.scales() + 1].data<void>();
  }
  return m;
}

namespace {

Update update_of(const Arrays& inputs, const Projection& p) {
  if (!p.has_update) return {};
  return {inputs[p.a()].data<float>(), inputs[p.b()].data<float>(), p.has_mask ? inputs[p.mask()].data<float>() : nullptr,
          inputs[p.a()].shape(1), p.scale};
}

void forward_few(Type type, const void* x, int M, int K, std::span<LinearJob> jobs) {
  Scratch& scratch = Scratch::mine();
  std::vector<Matrix> weights;
  std::vector<float*> sums;
  for (const LinearJob& job : jobs) {
    weights.push_back(job.w);
    sums.push_back(scratch.get<float>(size_t(M) * job.w.rows));
  }
  multiply_rows(type, x, M, weights, sums);
  float* row = nullptr;
  for (size_t i = 0; i < jobs.size(); i++) {
    const LinearJob& job = jobs[i];
    const auto& [a, b, mask, rank, scale] = job.update;
    const int N = job.w.rows;
    for (int m = 0; rank > 0 && m < M; m++) {
      if (!row) row = scratch.get<float>(K);
      isa().f32.unpack(dense(type, x, M, K), m, 0, K, row);
      float* xa = job.xa + m * rank;
      std::fill(xa, xa + rank, 0.0f);
      for (int k = 0; k < K; k++)
        for (int r = 0; r < rank; r++) xa[r] += row[k] * a[k * rank + r];
      for (int r = 0; mask && r < rank; r++) xa[r] *= mask[m * rank + r];
      for (int r = 0; r < rank; r++)
        for (int n = 0; n < N; n++) sums[i][int64_t(m) * N + n] += scale * xa[r] * b[int64_t(r) * N + n];
    }
    isa().store(sums[i], N, M, N, false, false, type, job.y, N, job.bias);
  }
}

}  // namespace

LinearJob linear_job(const Arrays& inputs, const Projection& p) { return {weight_of(inputs, p), update_of(inputs, p)}; }

void linear_forward(Type type, const void* x, int M, int K, std::span<LinearJob> jobs) {
  Scratch& scratch = Scratch::mine();
  Scratch::Frame frame(scratch);
  if (M == 0) return;
  if (M <= kFewRows) return forward_few(type, x, M, K, jobs);
  const Panel panel = panel_for(type);
  const Packed px(scratch, Side::weights, panel, dense(type, x, M, K));
  std::vector<Small> factors;
  for (const LinearJob& job : jobs)
    if (job.update.rank > 0) factors.push_back({job.update.a, job.update.rank});
  const float* reduced = nullptr;
  int ld = 0;
  if (!factors.empty()) {
    const Matrix a = split_all(scratch, panel, factors, K);
    ld = a.cols;
    float* out = scratch.get<float>(size_t(M) * ld);
    const Term term{px, a, true};
    multiply({&term, 1}, ld, {Type::f32, out, ld});
    reduced = out;
  }
  for (const LinearJob& job : jobs) {
    const int N = job.w.rows;
    const Output y{type, job.y, N, job.bias};
    const auto& [a, b, mask, rank, scale] = job.update;
    if (rank == 0) {
      const Term term{px, job.w};
      multiply({&term, 1}, N, y);
      continue;
    }
    Scratch::Frame inner(scratch);
    fold(panel, reduced, ld, M, rank, Parts::beside, 1, job.xa);
    for (int i = 0; mask && i < M * rank; i++) job.xa[i] *= mask[i];
    reduced += rank * split_outputs(panel);
    const Packed pxa(scratch, Side::weights, panel, split(scratch, panel, job.xa, M, rank, Order::high_low_high, Parts::beside));
    const Matrix wb = split(scratch, panel, b, rank, N, Order::high_high_low, Parts::below, scale);
    const Term terms[] = {{px, job.w}, {pxa, wb, true}};
    multiply(terms, N, y);
  }
}

namespace {

// Where the gradients of one projection go; null where none is asked for.
struct GradientJob {
  Matrix w;
  Update update;
  const void* dy;         // [M, N]
  const float* xa;        // [M, R]
  float* da = nullptr;    // [K, R]
  float* db = nullptr;    // [R, N]
  void* dw = nullptr;     // [N, K], in W's type
  Type w_type = Type::f32;
  void* dbias = nullptr;  // [N]
  Type bias_type = Type::f32;
};

void bias_gradient(Type type, const GradientJob& job, int M) {
  Scratch& scratch = Scratch::mine();
  Scratch::Frame frame(scratch);
  const int N = job.w.rows;
  float* sum = scratch.get<float>(N);
  float* row = scratch.get<float>(N);
  std::fill(sum, sum + N, 0.0f);
  for (int m = 0; m < M; m++) {
    isa().f32.unpack(dense(type, job.dy, M, N), m, 0, N, row);
    for (int n = 0; n < N; n++) sum[n] += row[n];
  }
  isa().store(sum, N, 1, N, false, false, job.bias_type, job.dbias, N, nullptr);
}

// dA [K, R] of one update, from dxa [M, R].
void a_gradient(Type type, const void* x, int M, int K, const float* dxa, const Update& update, float* da) {
  Scratch& scratch = Scratch::mine();
  Scratch::Frame frame(scratch);
  const Panel panel = panel_for(type);
  const Matrix parts = split(scratch, panel, dxa, M, update.rank, Order::high_low, Parts::beside);
  const Packed act(scratch, Side::activations, panel, parts, true);
  float* out = scratch.get<float>(size_t(parts.cols) * K);
  float* folded = scratch.get<float>(size_t(update.rank) * K);
  const Term term{act, dense(type, x, M, K), true};
  multiply({&term, 1}, K, {Type::f32, out, K});
  fold(panel, out, K, update.rank, K, Parts::below, 1, folded);
  for (int k = 0; k < K; k++)
    for (int r = 0; r < update.rank; r++) da[k * update.rank + r] = folded[int64_t(r) * K + k];
}

void b_gradient(Type type, const GradientJob& job, int M) {
  Scratch& scratch = Scratch::mine();
  Scratch::Frame frame(scratch);
  const Panel panel = panel_for(type);
  const int N = job.w.rows;
  const Matrix parts = split(scratch, panel, job.xa, M, job.update.rank, Order::high_low, Parts::beside);
  const Packed act(scratch, Side::activations, panel, parts, true);
  float* out = scratch.get<float>(size_t(parts.cols) * N);
  const Term term{act, dense(type, job.dy, M, N), true};
  multiply({&term, 1}, N, {Type::f32, out, N});
  fold(panel, out, N, job.update.rank, N, Parts::below, job.update.scale, job.db);
}

void backward(Type type, const void* x, int M, int K, void* dx, std::span<const GradientJob> jobs) {
  Scratch& scratch = Scratch::mine();
  Scratch::Frame frame(scratch);
  const Panel panel = panel_for(type);
  std::vector<std::unique_ptr<Packed>> packed;
  std::vector<Term> terms;
  auto pack = [&](const Matrix& m) -> const Packed& {
    return *packed.emplace_back(std::make_unique<Packed>(scratch, Side::activations, panel, m));
  };
  for (const GradientJob& job : jobs) {
    const int N = job.w.rows;
    const Packed& dy = pack(dense(type, job.dy, M, N));
    if (dx) terms.push_back({dy, job.w, true});
    if (job.dbias) bias_gradient(type, job, M);
    if (job.dw) {
      Scratch::Frame inner(scratch);
      const Packed turned(scratch, Side::activations, panel, dense(type, job.dy, M, N), true);
      const Term term{turned, dense(type, x, M, K), true};
      multiply({&term, 1}, K, {job.w_type, job.dw, K});
    }
    const auto& [a, b, mask, rank, scale] = job.update;
    if (rank == 0) continue;
    float* dxa = scratch.get<float>(size_t(M) * rank);
    {
      Scratch::Frame inner(scratch);
      const Matrix wb = split(scratch, panel, b, rank, N, Order::high_low, Parts::below);
      float* out = scratch.get<float>(size_t(M) * wb.rows);
      const Term term{dy, wb};
      multiply({&term, 1}, wb.rows, {Type::f32, out, wb.rows});
      fold(panel, out, wb.rows, M, rank, Parts::beside, scale, dxa);
    }
    if (job.da) a_gradient(type, x, M, K, dxa, job.update, job.da);
    if (job.db) b_gradient(type, job, M);
    if (dx) {
      const Packed& act = pack(split(scratch, panel, dxa, M, rank, Order::high_low_high, Parts::beside));
      terms.push_back({act, split(scratch, panel, a, K, rank, Order::high_high_low, Parts::beside)});
    }
  }
  if (dx) multiply(terms, K, {type, dx, K});
}

class LinearGradient : public Kernel {
 public:
  LinearGradient(mx::Stream stream, std::vector<Projection> projections, std::vector<int> argnums)
      : Kernel(stream), projections_(std::move(projections)), argnums_(std::move(argnums)) {}
  DEFINE_NAME(LinearGradient)

  // inputs: those of Linear, its x A, its cotangents   outputs: by argnums
  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const Arrays inputs = row_contiguous(given);
    auto gradient = [&](int argnum) -> mx::array* {
      const auto found = std::find(argnums_.begin(), argnums_.end(), argnum);
      return found == argnums_.end() ? nullptr : &outputs[found - argnums_.begin()];
    };
    auto floats = [&](int argnum) { return gradient(argnum) ? gradient(argnum)->data<float>() : nullptr; };
    const mx::array& x = inputs[0];
    const int K = x.shape(-1), M = static_cast<int>(x.size() / K), n = static_cast<int>(projections_.size());
    int xa = projections_.back().end();
    const int dy = static_cast<int>(inputs.size()) - n;
    std::vector<GradientJob> jobs;
    for (int i = 0; i < n; i++) {
      const Projection& p = projections_[i];
      GradientJob job{weight_of(inputs, p), update_of(inputs, p), inputs[dy + i].data<void>(), nullptr};
      if (mx::array* dw = gradient(p.first)) job.dw = dw->data<void>(), job.w_type = type_of(*dw);
      if (p.has_bias) {
        if (mx::array* d = gradient(p.bias())) job.dbias = d->data<void>(), job.bias_type = type_of(*d);
      }
      if (p.has_update) {
        job.xa = inputs[xa++].data<float>();
        job.da = floats(p.a());
        job.db = floats(p.b());
      }
      jobs.push_back(job);
    }
    mx::array* dx = gradient(0);
    dispatch([type = type_of(x), data = x.data<void>(), M, K, out = dx ? dx->data<void>() : nullptr, jobs = std::move(jobs)] {
      backward(type, data, M, K, out, jobs);
    });
  }

 private:
  std::vector<Projection> projections_;
  std::vector<int> argnums_;
};

class Linear : public Kernel {
 public:
  Linear(mx::Stream stream, std::vector<Projection> projections) : Kernel(stream), projections_(std::move(projections)) {}
  DEFINE_NAME(Linear)

  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const Arrays inputs = row_contiguous(given);
    const mx::array& x = inputs[0];
    const int K = x.shape(-1), M = static_cast<int>(x.size() / K);
    size_t xa = projections_.size();
    std::vector<LinearJob> jobs;
    for (size_t i = 0; i < projections_.size(); i++) {
      const Projection& p = projections_[i];
      LinearJob job = linear_job(inputs, p);
      job.y = outputs[i].data<void>();
      if (p.has_update) job.xa = outputs[xa++].data<float>();
      jobs.push_back(job);
    }
    dispatch([projections = projections_, inputs, type = type_of(x), data = x.data<void>(), M, K, jobs = std::move(jobs)]() mutable {
      Scratch::Frame frame(Scratch::mine());
      for (size_t i = 0; i < jobs.size(); i++)
        if (projections[i].has_bias) jobs[i].bias = floats(inputs[projections[i].bias()], Scratch::mine());
      linear_forward(type, data, M, K, jobs);
    });
  }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays& outputs) override {
    Arrays inputs = primals;
    const size_t n = projections_.size();
    inputs.insert(inputs.end(), outputs.begin() + n, outputs.end());
    inputs.insert(inputs.end(), cotangents.begin(), cotangents.begin() + n);
    std::vector<mx::Shape> shapes;
    std::vector<mx::Dtype> dtypes;
    for (const Projection& p : projections_) {
      if (p.has_mask) throw std::invalid_argument("a masked update has no gradient");
    }
    for (int argnum : argnums) {
      if (primals[argnum].dtype() == mx::uint32) throw std::invalid_argument("a packed weight has no gradient");
      shapes.push_back(primals[argnum].shape());
      dtypes.push_back(primals[argnum].dtype());
    }
    return run_kernel<LinearGradient>(std::move(shapes), std::move(dtypes), std::move(inputs), projections_, argnums);
  }

 private:
  std::vector<Projection> projections_;
};

}  // namespace

void check_projection(const Projection& p, int M, int K, const Arrays& inputs) {
  const mx::array& w = inputs[p.first];
  const bool packed = w.dtype() == mx::uint32;
  if (w.ndim() != 2 || packed != p.has_scales || columns_of(inputs, p) != K) {
    throw std::invalid_argument("linear needs x [..., K] and weights [N, K]");
  }
  if (!p.has_update) return;
  const mx::array &a = inputs[p.a()], &b = inputs[p.b()];
  const bool fits = a.ndim() == 2 && b.ndim() == 2 && a.shape(0) == K && a.shape(1) == b.shape(0) && b.shape(1) == w.shape(0);
  if (!fits || a.dtype() != mx::float32 || b.dtype() != mx::float32) {
    throw std::invalid_argument("linear needs an update's A [K, R] and B [R, N] in float32");
  }
  if (!p.has_mask) return;
  const mx::array& mask = inputs[p.mask()];
  if (mask.dtype() != mx::float32 || mask.shape() != mx::Shape{M, a.shape(1)}) {
    throw std::invalid_argument("linear needs the mask of an update [M, R] in float32");
  }
}

std::vector<mx::array> linear(const mx::array& x, Arrays operands, std::vector<Projection> projections) {
  if (x.ndim() == 0 || projections.empty()) throw std::invalid_argument("linear needs x [..., K] and a weight");
  Arrays inputs{x};
  inputs.insert(inputs.end(), std::make_move_iterator(operands.begin()), std::make_move_iterator(operands.end()));
  std::vector<mx::Shape> shapes;
  std::vector<mx::Dtype> dtypes;
  const int rows = static_cast<int>(x.shape(-1) > 0 ? x.size() / x.shape(-1) : 0);
  int first = 1;
  for (Projection& p : projections) {
    p.first = first;
    first = p.end();
    if (first > static_cast<int>(inputs.size())) throw std::invalid_argument("linear misses operands");
    check_projection(p, rows, x.shape(-1), inputs);
    mx::Shape shape = x.shape();
    shape.back() = inputs[p.first].shape(0);
    shapes.push_back(std::move(shape));
    dtypes.push_back(x.dtype());
  }
  for (const Projection& p : projections) {
    if (!p.has_update) continue;
    shapes.push_back({rows, inputs[p.a()].shape(1)});
    dtypes.push_back(mx::float32);
  }
  return run_kernel<Linear>(std::move(shapes), std::move(dtypes), std::move(inputs), std::move(projections));
}

}  // namespace cygnet::cpu
