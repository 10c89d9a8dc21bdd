#ifdef CYGNET_OPENBLAS

#include "kernel.h"
#include "kernels.h"
#include "parallel.h"
#include "product.h"
#include "rows.h"
#include "scratch.h"

namespace cygnet::cpu {
namespace {

// Elements that a thread takes at least.
constexpr size_t kSmallestPart = 16384;

}  // namespace

const float* floats(const mx::array& w, Scratch& scratch) {
  if (w.dtype() == mx::float32) return w.data<float>();
  const int n = static_cast<int>(w.size());
  float* out = scratch.get<float>(n);
  isa().f32.unpack(dense(type_of(w), w.data<void>(), 1, n), 0, 0, n, out);
  return out;
}

void norm_rows(Type type, const void* x, const void* delta, const float* w, float eps, size_t rows, int n, void* h, void* y) {
  parallel_ranges(rows, std::max<size_t>(kSmallestPart / std::max(n, 1), 1), [=](size_t begin, size_t end) {
    const size_t place = begin * n;
    isa().rms_norm(type, at(x, place, type), at(delta, place, type), w, eps, static_cast<int64_t>(end - begin), n, at(h, place, type),
                   at(y, place, type));
  });
}

namespace {

class RMSNormGradient : public Kernel {
 public:
  RMSNormGradient(mx::Stream stream, float eps, bool has_passed) : Kernel(stream), eps_(eps), has_passed_(has_passed) {}
  DEFINE_NAME(RMSNormGradient)

  // inputs: h, w, dy, and the cotangent of h itself   outputs: dh, dw of each part of the rows
  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const Arrays inputs = row_contiguous(given);
    const mx::array& h = inputs[0];
    const int n = h.shape(-1), parts = outputs[1].shape(0);
    dispatch([rows = h.size() / std::max(n, 1), n, parts, eps = eps_, type = type_of(h), h = h.data<void>(), weight = inputs[1], dy = inputs[2].data<void>(),
              passed = has_passed_ ? inputs[3].data<void>() : nullptr, dh = outputs[0].data<void>(), dw = outputs[1].data<float>()] {
      Scratch::Frame frame(Scratch::mine());
      const float* w = floats(weight, Scratch::mine());
      parallel_items(parts, [&](int part) {
        float* dw_part = dw + size_t(part) * n;
        std::fill(dw_part, dw_part + n, 0.0f);
        const size_t begin = rows * part / parts, end = rows * (part + 1) / parts, place = begin * n;
        isa().rms_norm_gradient(type, at(h, place, type), w, at(dy, place, type), at(passed, place, type), eps,
                                static_cast<int64_t>(end - begin), n, at(dh, place, type), dw_part);
      });
    });
  }

 private:
  float eps_;
  bool has_passed_;
};

// inputs: x, w, delta if there is one   outputs: y, and h = x + delta if it goes on
class RMSNorm : public Kernel {
 public:
  RMSNorm(mx::Stream stream, float eps, bool has_delta, bool goes_on)
      : Kernel(stream), eps_(eps), has_delta_(has_delta), goes_on_(goes_on) {}
  DEFINE_NAME(RMSNorm)

  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    const Arrays inputs = row_contiguous(given);
    const mx::array& x = inputs[0];
    outputs[0].set_data(mx::allocator::malloc(outputs[0].nbytes()));
    if (goes_on_ && has_delta_) outputs[1].set_data(mx::allocator::malloc(outputs[1].nbytes()));
    else if (goes_on_) outputs[1].copy_shared_buffer(x);
    const int n = x.shape(-1);
    dispatch([rows = x.size() / std::max(n, 1), n, eps = eps_, type = type_of(x), x = x.data<void>(), weight = inputs[1],
              delta = has_delta_ ? inputs[2].data<void>() : nullptr, y = outputs[0].data<void>(),
              h = has_delta_ ? outputs[1].data<void>() : nullptr] {
      Scratch::Frame frame(Scratch::mine());
      norm_rows(type, x, delta, floats(weight, Scratch::mine()), eps, rows, n, h, y);
    });
  }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays& outputs) override {
    const mx::array& h = has_delta_ ? outputs[1] : primals[0];
    const int parts = std::clamp<int>(h.size() / kSmallestPart, 1, 2 * threads());
    Arrays inputs{h, primals[1], cotangents[0]};
    if (goes_on_) inputs.push_back(cotangents[1]);
    const Arrays gradients = run_kernel<RMSNormGradient>(
        {h.shape(), {parts, h.shape(-1)}}, {h.dtype(), mx::float32}, std::move(inputs), eps_, goes_on_);
    Arrays out;
    for (int argnum : argnums) {
      if (argnum != 1) out.push_back(gradients[0]);
      else out.push_back(mx::astype(mx::sum(gradients[1], 0, false, stream()), primals[1].dtype(), stream()));
    }
    return out;
  }

 private:
  float eps_;
  bool has_delta_, goes_on_;
};

void check(const mx::array& x, const mx::array& weight) {
  if (x.ndim() == 0 || weight.ndim() != 1 || x.shape(-1) != weight.shape(0)) {
    throw std::invalid_argument("rms_norm needs x [..., D] and weight [D]");
  }
}

}  // namespace

mx::array rms_norm(const mx::array& x, const mx::array& weight, float eps) {
  check(x, weight);
  return run_kernel<RMSNorm>({x.shape()}, {x.dtype()}, {x, weight}, eps, false, false)[0];
}

std::vector<mx::array> residual_rms_norm(
    const mx::array& x, const std::optional<mx::array>& delta, const mx::array& weight, float eps) {
  check(x, weight);
  Arrays inputs{x, weight};
  if (delta) {
    if (delta->shape() != x.shape() || delta->dtype() != x.dtype()) throw std::invalid_argument("rms_norm needs delta like x");
    inputs.push_back(*delta);
  }
  return run_kernel<RMSNorm>({x.shape(), x.shape()}, {x.dtype(), x.dtype()}, std::move(inputs), eps, delta.has_value(), true);
}

}  // namespace cygnet::cpu

#endif
