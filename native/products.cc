#include "convert.h"

namespace cygnet {

void register_products(Exports& exports) {
  exports.op("matmul", [](Context&, const mx::array& a, const mx::array& b) { return mx::matmul(a, b); });
  exports.op("addmm", [](Context&, const mx::array& c, const mx::array& a, const mx::array& b, float alpha, float beta) {
    return mx::addmm(c, a, b, alpha, beta);
  });
  exports.op("gatherMm", [](Context&, const mx::array& a, const mx::array& b, std::optional<mx::array> lhs, std::optional<mx::array> rhs, bool sorted) {
    return mx::gather_mm(a, b, lhs, rhs, sorted);
  });
  exports.op("quantize", [](Context&, const mx::array& w, int group_size, int bits, std::string mode) {
    return mx::quantize(w, group_size, bits, mode);
  });
  exports.op("dequantize", [](Context&, const mx::array& w, const mx::array& scales, std::optional<mx::array> biases, int group_size, int bits, std::string mode, std::optional<mx::Dtype> dtype) {
    return mx::dequantize(w, scales, biases, group_size, bits, mode, std::nullopt, dtype);
  });
  exports.op("quantizedMatmul", [](Context&, const mx::array& x, const mx::array& w, const mx::array& scales, std::optional<mx::array> biases, bool transpose, int group_size, int bits, std::string mode) {
    return mx::quantized_matmul(x, w, scales, biases, transpose, group_size, bits, mode);
  });
  exports.op("gatherQmm", [](Context&, const mx::array& x, const mx::array& w, const mx::array& scales, std::optional<mx::array> biases, std::optional<mx::array> lhs, std::optional<mx::array> rhs, bool transpose, int group_size, int bits, std::string mode, bool sorted) {
    return mx::gather_qmm(x, w, scales, biases, lhs, rhs, transpose, group_size, bits, mode, std::nullopt, sorted);
  });
}

}  // namespace cygnet
