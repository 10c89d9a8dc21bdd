#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mlx/array.h"

// Views of heads: arrays [B, H, L, E] as rows of E floats, read where they lie.

namespace cygnet::cpu {

// One operand: rows of E floats, by batch and head. Views that BLAS cannot read are copied first.
struct Rows {
  const float* data;
  int64_t batch, head;
  int row;

  const float* at(int b, int h, int r) const { return data + b * batch + h * head + int64_t(r) * row; }
};

inline bool is_readable(const mlx::core::array& a) {
  const int e = a.ndim() - 1;
  return (a.strides()[e] == 1 || a.shape(e) == 1) && (a.strides()[e - 1] >= a.shape(e) || a.shape(e - 1) == 1);
}

inline Rows rows_of(const mlx::core::array& a) {
  const int row = a.shape(2) == 1 ? a.shape(3) : static_cast<int>(a.strides()[2]);
  return {a.data<float>(), a.strides()[0], a.strides()[1], row};
}

// Copies an operand that is not rows of floats; the copy lives until the work is done.
class Readable {
 public:
  explicit Readable(const mlx::core::array& a) : rows_{} {
    if (is_readable(a)) {
      rows_ = rows_of(a);
      return;
    }
    const int B = a.shape(0), H = a.shape(1), L = a.shape(2), E = a.shape(3);
    copy_ = std::make_shared<std::vector<float>>(a.size());
    source_ = a.data<float>();
    strides_ = {a.strides().begin(), a.strides().end()};
    shape_ = {B, H, L, E};
    rows_ = {copy_->data(), int64_t(H) * L * E, int64_t(L) * E, E};
  }

  // Call when the inputs are computed.
  Rows rows() const {
    if (!copy_) return rows_;
    float* to = copy_->data();
    for (int b = 0; b < shape_[0]; b++)
      for (int h = 0; h < shape_[1]; h++)
        for (int l = 0; l < shape_[2]; l++)
          for (int e = 0; e < shape_[3]; e++)
            *to++ = source_[b * strides_[0] + h * strides_[1] + l * strides_[2] + e * strides_[3]];
    return rows_;
  }

 private:
  Rows rows_;
  std::shared_ptr<std::vector<float>> copy_;
  const float* source_ = nullptr;
  std::vector<int64_t> strides_;
  std::vector<int> shape_;
};

}  // namespace cygnet::cpu
