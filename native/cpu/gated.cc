#ifdef CYGNET_OPENBLAS

#include "kernel.h"
#include "kernels.h"
#include "parallel.h"
#include "product.h"
#include "rows.h"

namespace cygnet::cpu {
namespace {

// Elements that a thread takes at least.
constexpr size_t kSmallestPart = 16384;

}  // namespace

void gate_elements(Type type, Gate kind, const void* gate, const void* up, size_t n, void* out) {
  parallel_ranges(n, kSmallestPart, [=](size_t begin, size_t end) {
    isa().gated(type, kind, at(gate, begin, type), at(up, begin, type), end - begin, at(out, begin, type));
  });
}

void add_elements(Type type, const void* a, const void* b, size_t n, void* out) {
  parallel_ranges(n, kSmallestPart, [=](size_t begin, size_t end) {
    isa().add(type, at(a, begin, type), at(b, begin, type), end - begin, at(out, begin, type));
  });
}

namespace {

class GatedGradient : public Kernel {
 public:
  GatedGradient(mx::Stream stream, Gate kind) : Kernel(stream), kind_(kind) {}
  DEFINE_NAME(GatedGradient)

  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const Arrays inputs = row_contiguous(given);
    dispatch([kind = kind_, type = type_of(inputs[0]), n = inputs[0].size(), gate = inputs[0].data<void>(), up = inputs[1].data<void>(),
              d = inputs[2].data<void>(), d_gate = outputs[0].data<void>(), d_up = outputs[1].data<void>()] {
      parallel_ranges(n, kSmallestPart, [=](size_t begin, size_t end) {
        isa().gated_gradient(type, kind, at(gate, begin, type), at(up, begin, type), at(d, begin, type), end - begin,
                             at(d_gate, begin, type), at(d_up, begin, type));
      });
    });
  }

 private:
  Gate kind_;
};

class Gated : public Kernel {
 public:
  Gated(mx::Stream stream, Gate kind) : Kernel(stream), kind_(kind) {}
  DEFINE_NAME(Gated)

  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const Arrays inputs = row_contiguous(given);
    dispatch([kind = kind_, type = type_of(inputs[0]), n = inputs[0].size(), gate = inputs[0].data<void>(),
              up = inputs[1].data<void>(), out = outputs[0].data<void>()] { gate_elements(type, kind, gate, up, n, out); });
  }

  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays&) override {
    const Arrays gradients = run_kernel<GatedGradient>(
        {primals[0].shape(), primals[1].shape()}, {primals[0].dtype(), primals[1].dtype()}, {primals[0], primals[1], cotangents[0]}, kind_);
    Arrays out;
    for (int argnum : argnums) out.push_back(gradients[argnum]);
    return out;
  }

 private:
  Gate kind_;
};

class Add : public Kernel {
 public:
  using Kernel::Kernel;
  DEFINE_NAME(Add)

  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const Arrays inputs = row_contiguous(given);
    dispatch([type = type_of(inputs[0]), n = inputs[0].size(), a = inputs[0].data<void>(), b = inputs[1].data<void>(),
              out = outputs[0].data<void>()] { add_elements(type, a, b, n, out); });
  }

  Arrays vjp(const Arrays&, const Arrays& cotangents, const std::vector<int>& argnums, const Arrays&) override {
    return Arrays(argnums.size(), cotangents[0]);
  }
};

void check(const mx::array& a, const mx::array& b, const char* what) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype() || !is_floating(a.dtype())) throw std::invalid_argument(what);
}

}  // namespace

mx::array gated(const mx::array& gate, const mx::array& up, Gate kind) {
  check(gate, up, "a gated unit needs gate and up of one shape and floating dtype");
  return run_kernel<Gated>({gate.shape()}, {gate.dtype()}, {gate, up}, kind)[0];
}

mx::array add(const mx::array& a, const mx::array& b) {
  check(a, b, "add needs two arrays of one shape and floating dtype");
  return run_kernel<Add>({a.shape()}, {a.dtype()}, {a, b})[0];
}

}  // namespace cygnet::cpu

#endif
