#ifdef CYGNET_OPENBLAS

#include "kernel.h"
#include "kernels.h"
#include "parallel.h"
#include "product.h"

namespace cygnet::cpu {
namespace {

// Elements that a thread takes at least.
constexpr size_t kSmallestPart = 16384;

class GatedGradient : public Kernel {
 public:
  GatedGradient(mx::Stream stream, Gate kind) : Kernel(stream), kind_(kind) {}
  DEFINE_NAME(GatedGradient)

  void eval_cpu(const Arrays& given, Arrays& outputs) override {
    allocate(outputs);
    const Arrays inputs = row_contiguous(given);
    dispatch([kind = kind_, type = type_of(inputs[0]), n = inputs[0].size(), gate = inputs[0].data<uint8_t>(), up = inputs[1].data<uint8_t>(),
              d = inputs[2].data<uint8_t>(), d_gate = outputs[0].data<uint8_t>(), d_up = outputs[1].data<uint8_t>()] {
      parallel_ranges(n, kSmallestPart, [=](size_t begin, size_t end) {
        const size_t at = begin * size_of(type);
        isa().gated_gradient(type, kind, gate + at, up + at, d + at, end - begin, d_gate + at, d_up + at);
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
    dispatch([kind = kind_, type = type_of(inputs[0]), n = inputs[0].size(), gate = inputs[0].data<uint8_t>(),
              up = inputs[1].data<uint8_t>(), out = outputs[0].data<uint8_t>()] {
      parallel_ranges(n, kSmallestPart, [=](size_t begin, size_t end) {
        const size_t at = begin * size_of(type);
        isa().gated(type, kind, gate + at, up + at, end - begin, out + at);
      });
    });
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
    dispatch([type = type_of(inputs[0]), n = inputs[0].size(), a = inputs[0].data<uint8_t>(), b = inputs[1].data<uint8_t>(),
              out = outputs[0].data<uint8_t>()] {
      parallel_ranges(n, kSmallestPart, [=](size_t begin, size_t end) {
        const size_t at = begin * size_of(type);
        isa().add(type, a + at, b + at, end - begin, out + at);
      });
    });
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
