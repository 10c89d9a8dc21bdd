#pragma once

#include <functional>
#include <stdexcept>
#include <vector>

#include "mlx/allocator.h"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/ops.h"
#include "isa/matrix.h"
#include "mlx/primitives.h"

namespace cygnet::cpu {

namespace mx = mlx::core;
using Arrays = std::vector<mx::array>;

// Copies a view of any strides, element by element, into rows.
void copy_rows(const mx::Shape& shape, const mx::Strides& strides, size_t item, const uint8_t* in, uint8_t* out);

// An MLX primitive that runs on the CPU: `eval_cpu` allocates its outputs and dispatches the work.
class Kernel : public mx::Primitive {
 public:
  using mx::Primitive::Primitive;

  void eval_gpu(const Arrays&, Arrays&) override { throw std::runtime_error(std::string(name()) + " runs on the CPU only"); }

 protected:
  static void allocate(Arrays& outputs) {
    for (mx::array& output : outputs) output.set_data(mx::allocator::malloc(output.nbytes()));
  }

  // Inputs row by row, copied if need be: call before `dispatch`, from eval_cpu.
  Arrays row_contiguous(const Arrays& inputs) {
    Arrays out;
    out.reserve(inputs.size());
    for (const mx::array& input : inputs) out.push_back(input.flags().row_contiguous ? input : copied(input));
    return out;
  }

  // Row by row.
  mx::array copied(const mx::array& from) {
    mx::array to(from.shape(), from.dtype(), nullptr, {});
    to.set_data(mx::allocator::malloc(to.nbytes()));
    mx::cpu::get_command_encoder(stream()).add_temporary(to);
    dispatch([shape = from.shape(), strides = from.strides(), size = from.itemsize(), in = from.data<uint8_t>(),
              out = to.data<uint8_t>()] { copy_rows(shape, strides, size, in, out); });
    return to;
  }

  // Memory until the work is done.
  uint8_t* temporary(size_t bytes) {
    mx::array memory({static_cast<mx::ShapeElem>((bytes + 3) / 4)}, mx::float32, nullptr, {});
    memory.set_data(mx::allocator::malloc(memory.nbytes()));
    mx::cpu::get_command_encoder(stream()).add_temporary(memory);
    return memory.data<uint8_t>();
  }

  // Gives an input's buffer to an output where this is its last use, else a copy: for what is written in place. Before any other
  // reference to the inputs is made.
  void take_over(const Arrays& inputs, int input, Arrays& outputs, int output);

  // The work gets raw pointers: MLX keeps the buffers of inputs and outputs until it is done.
  template <typename Work>
  void dispatch(Work&& work) {
    mx::cpu::get_command_encoder(stream()).dispatch(std::forward<Work>(work));
  }
};

template <typename K, typename... Settings>
Arrays run_kernel(std::vector<mx::Shape> shapes, std::vector<mx::Dtype> dtypes, Arrays inputs, Settings... settings) {
  const mx::Stream stream = mx::default_stream(mx::Device::cpu);
  return mx::array::make_arrays(
      std::move(shapes), dtypes, std::make_shared<K>(stream, std::move(settings)...), std::move(inputs));
}

inline bool is_floating(mx::Dtype dtype) { return dtype == mx::float32 || dtype == mx::bfloat16 || dtype == mx::float16; }

inline Type type_of(const mx::array& a) {
  if (a.dtype() == mx::float32) return Type::f32;
  if (a.dtype() == mx::bfloat16) return Type::bf16;
  if (a.dtype() == mx::float16) return Type::f16;
  throw std::invalid_argument("expected float32, bfloat16 or float16");
}

}  // namespace cygnet::cpu
