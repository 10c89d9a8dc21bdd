#ifdef CYGNET_OPENBLAS

#include "isa/isa.h"
#include "kernel.h"
#include "kernels.h"
#include "mlx/backend/common/utils.h"
#include "parallel.h"

// Adam over the many small tensors of an adapter: a few kernels instead of eight operations for each tensor, and new values in
// the buffers of the old ones.

namespace cygnet::cpu {
namespace {

// A kernel takes tensors until it has one of these: its outputs all know all its inputs, which costs their product.
constexpr int kTensors = 12;
constexpr size_t kElements = size_t{1} << 20;
// Elements that a thread takes at a time.
constexpr size_t kBlock = 1 << 14;

struct Operands {
  Type type;
  size_t count, item;
  const uint8_t *p, *g, *m, *v;
  uint8_t *p_out, *m_out, *v_out;
};

void run(const std::vector<Operands>& tensors, const AdamStep& step) {
  std::vector<std::pair<const Operands*, size_t>> blocks;
  for (const Operands& tensor : tensors) {
    for (size_t begin = 0; begin < tensor.count; begin += kBlock) blocks.emplace_back(&tensor, begin);
  }
  const auto block = [&](int i) {
    const auto& [o, begin] = blocks[i];
    const size_t at = begin * o->item, count = std::min(kBlock, o->count - begin);
    isa().adam(
        o->type, step, count, o->p + at, o->g + at, o->m + at, o->v + at, o->p_out + at, o->m_out + at, o->v_out + at);
  };
  if (blocks.size() == 1) return block(0);
  parallel_items(static_cast<int>(blocks.size()), block);
}

class Adam : public Kernel {
 public:
  Adam(mx::Stream stream, AdamStep step) : Kernel(stream), step_(step) {}
  DEFINE_NAME(Adam)

  // inputs: all p, all g, all m, all v   outputs: all p, all m, all v
  void eval_cpu(const Arrays& inputs, Arrays& outputs) override {
    const size_t count = inputs.size() / 4;
    release_siblings(inputs, outputs);
    for (size_t i = 0; i < outputs.size(); i++) {
      const mx::array& before = inputs[i < count ? i : i + count];
      if (before.flags().row_contiguous && mx::is_donatable(before, outputs[i])) {
        outputs[i].copy_shared_buffer(before);
      } else {
        outputs[i].set_data(mx::allocator::malloc(outputs[i].nbytes()));
      }
    }
    const Arrays in = row_contiguous(inputs);
    std::vector<Operands> tensors;
    for (size_t i = 0; i < count; i++) {
      const auto from = [&](size_t list) { return in[list * count + i].data<uint8_t>(); };
      const auto to = [&](size_t list) { return outputs[list * count + i].data<uint8_t>(); };
      tensors.push_back({type_of(in[i]), in[i].size(), in[i].itemsize(), from(0), from(1), from(2), from(3), to(0), to(1), to(2)});
    }
    dispatch([tensors = std::move(tensors), step = step_] { run(tensors, step); });
  }

 private:
  // Every output holds all inputs until all are computed; then no input could give its buffer away. MLX lets go of them right
  // after this call anyway.
  static void release_siblings(const Arrays& inputs, Arrays& outputs) {
    if (outputs[0].is_tracer()) return;
    for (mx::array& output : outputs) {
      if (&output.inputs() != &inputs) output.inputs().clear();
    }
  }

  AdamStep step_;
};

void check(const mx::array& parameter, const mx::array& other) {
  if (parameter.shape() != other.shape() || parameter.dtype() != other.dtype() || !is_floating(parameter.dtype())) {
    throw std::invalid_argument("adam needs parameter, gradient and moments of one shape and one floating dtype");
  }
}

}  // namespace

Arrays adam(const Arrays& parameters, const Arrays& gradients, const Arrays& m, const Arrays& v, const AdamStep& step) {
  const size_t count = parameters.size();
  if (gradients.size() != count || m.size() != count || v.size() != count) {
    throw std::invalid_argument("adam needs as many gradients and moments as parameters");
  }
  Arrays results[3];
  for (size_t first = 0, last; first < count; first = last) {
    Arrays inputs[4];
    size_t elements = 0;
    for (last = first; last < count && last - first < kTensors && elements < kElements; last++) {
      const Arrays* lists[] = {&parameters, &gradients, &m, &v};
      for (int list = 0; list < 4; list++) {
        check(parameters[last], (*lists[list])[last]);
        inputs[list].push_back((*lists[list])[last]);
      }
      elements += parameters[last].size();
    }
    std::vector<mx::Shape> shapes;
    std::vector<mx::Dtype> dtypes;
    Arrays flat;
    for (const Arrays& list : inputs) flat.insert(flat.end(), list.begin(), list.end());
    for (int list = 0; list < 3; list++) {
      for (const mx::array& each : inputs[0]) {
        shapes.push_back(each.shape());
        dtypes.push_back(each.dtype());
      }
    }
    const Arrays outputs = run_kernel<Adam>(std::move(shapes), std::move(dtypes), std::move(flat), step);
    for (size_t i = 0; i < outputs.size(); i++) results[i / (last - first)].push_back(outputs[i]);
  }
  Arrays all = std::move(results[0]);
  for (int list = 1; list < 3; list++) all.insert(all.end(), results[list].begin(), results[list].end());
  return all;
}

}  // namespace cygnet::cpu

#endif
