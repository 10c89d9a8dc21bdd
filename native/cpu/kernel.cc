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

}  // namespace cygnet::cpu
