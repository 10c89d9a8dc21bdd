#pragma once

#include <functional>
#include <stdexcept>
#include <vector>

#include "mlx/allocator.h"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/ops.h"
#include "mlx/primitives.h"

namespace cygnet::cpu {

namespace mx = mlx::core;
using Arrays = std::vector<mx::array>;

// An MLX primitive that runs on the CPU: `eval_cpu` allocates its outputs and dispatches the work.
class Kernel : public mx::Primitive {
 public:
  using mx::Primitive::Primitive;

  void eval_gpu(const Arrays&, Arrays&) override { throw std::runtime_error(std::string(name()) + " runs on the CPU only"); }

 protected:
  static void allocate(Arrays& outputs) {
    for (mx::array& output : outputs) output.set_data(mx::allocator::malloc(output.nbytes()));
  }

  // The work gets raw pointers: MLX keeps the buffers of inputs and outputs until it is done.
  template <typename Work>
  void dispatch(Work&& work) {
    mx::cpu::get_command_encoder(stream()).dispatch(std::forward<Work>(work));
  }
};

template <typename K, typename... Settings>
Arrays run_kernel(std::vector<mx::Shape> shapes, Arrays inputs, Settings... settings) {
  const mx::Stream stream = mx::default_stream(mx::Device::cpu);
  std::vector<mx::Dtype> dtypes(shapes.size(), mx::float32);
  return mx::array::make_arrays(std::move(shapes), dtypes, std::make_shared<K>(stream, settings...), std::move(inputs));
}

// Row-contiguous, copied if need be.
inline mx::array packed(const mx::array& a) { return mx::contiguous(a, false, mx::default_stream(mx::Device::cpu)); }

}  // namespace cygnet::cpu
