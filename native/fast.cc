#include "convert.h"

namespace cygnet {

void register_fast(Exports& exports) {
  exports.op("rmsNorm", [](Context&, const mx::array& x, std::optional<mx::array> weight, float eps) {
    return mx::fast::rms_norm(x, weight, eps);
  });
  exports.op("layerNorm", [](Context&, const mx::array& x, std::optional<mx::array> weight, std::optional<mx::array> bias, float eps) {
    return mx::fast::layer_norm(x, weight, bias, eps);
  });
  exports.op("rope", [](Context&, const mx::array& x, int dims, bool traditional, std::optional<float> base, float scale, int offset, std::optional<mx::array> freqs) {
    return mx::fast::rope(x, dims, traditional, base, scale, offset, freqs);
  });
  exports.op("scaledDotProductAttention", [](Context&, const mx::array& q, const mx::array& k, const mx::array& v, float scale, std::string mask_mode, std::optional<mx::array> mask) {
    return mx::fast::scaled_dot_product_attention(q, k, v, scale, mask_mode, mask);
  });
  exports.op("crossEntropy", [](Context&, const mx::array& logits, const mx::array& targets) {
    return mx::fast::cross_entropy(logits, targets);
  });
}

}  // namespace cygnet
