#include "kernel.h"

#include <cstring>

namespace cygnet::cpu {

void copy_rows(const mx::Shape& shape, const mx::Strides& strides, size_t item, const uint8_t* in, uint8_t* out) {
  const int ndim = static_cast<int>(shape.size());
  size_t count = 1;
  for (const auto size : shape) count *= size;
  std::vector<int64_t> index(ndim, 0);
  int64_t at = 0;
  for (size_t i = 0; i < count; i++, out += item) {
    std::memcpy(out, in + at * static_cast<int64_t>(item), item);
    for (int axis = ndim - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= int64_t(shape[axis]) * strides[axis];
      index[axis] = 0;
    }
  }
}

void Kernel::take_over(const Arrays& inputs, int input, Arrays& outputs, int output) {
  // Each output holds all inputs.
  for (mx::array& each : outputs) {
    if (!each.is_tracer() && &each.inputs() != &inputs) each.inputs().clear();
  }
  const mx::array& from = inputs[input];
  mx::array& to = outputs[output];
  if (from.is_donatable() && from.flags().row_contiguous) {
    to.copy_shared_buffer(from);
    return;
  }
  to.set_data(mx::allocator::malloc(to.nbytes()));
  dispatch([shape = from.shape(), strides = from.strides(), size = from.itemsize(), in = from.data<uint8_t>(), out = to.data<uint8_t>(),
            bytes = from.nbytes(), whole = from.flags().row_contiguous] {
    if (whole) std::memcpy(out, in, bytes);
    else copy_rows(shape, strides, size, in, out);
  });
}

}  // namespace cygnet::cpu
