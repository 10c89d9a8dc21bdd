#include "convert.h"

namespace cygnet {
namespace {

// Without axes the whole array is reduced.
std::vector<int> axes_of(const mx::array& a, const std::optional<std::vector<int>>& axes) {
  if (axes) return *axes;
  std::vector<int> all(a.ndim());
  for (size_t i = 0; i < all.size(); i++) all[i] = static_cast<int>(i);
  return all;
}

template <mx::array (*F)(const mx::array&, const std::vector<int>&, bool, mx::StreamOrDevice)>
void reduction(Exports& exports, const char* name) {
  exports.op(name, [](Context&, const mx::array& a, std::optional<std::vector<int>> axes, bool keepdims) {
    return F(a, axes_of(a, axes), keepdims, {});
  });
}

}  // namespace

void register_reductions(Exports& exports) {
  reduction<mx::sum>(exports, "sum");
  reduction<mx::mean>(exports, "mean");
  reduction<mx::prod>(exports, "prod");
  reduction<mx::max>(exports, "max");
  reduction<mx::min>(exports, "min");
  reduction<mx::all>(exports, "all");
  reduction<mx::any>(exports, "any");
  reduction<mx::logsumexp>(exports, "logsumexp");
  exports.op("variance", [](Context&, const mx::array& a, std::optional<std::vector<int>> axes, bool keepdims, int ddof) {
    return mx::var(a, axes_of(a, axes), keepdims, ddof);
  });
  exports.op("argmax", [](Context&, const mx::array& a, int axis, bool keepdims) { return mx::argmax(a, axis, keepdims); });
  exports.op("argmin", [](Context&, const mx::array& a, int axis, bool keepdims) { return mx::argmin(a, axis, keepdims); });
  exports.op("softmax", [](Context&, const mx::array& a, std::vector<int> axes, bool precise) {
    return mx::softmax(a, axes, precise);
  });
  exports.op("cumsum", [](Context&, const mx::array& a, int axis, bool reverse, bool inclusive) {
    return mx::cumsum(a, axis, reverse, inclusive);
  });
  exports.op("cumprod", [](Context&, const mx::array& a, int axis, bool reverse, bool inclusive) {
    return mx::cumprod(a, axis, reverse, inclusive);
  });
  exports.op("sort", [](Context&, const mx::array& a, int axis) { return mx::sort(a, axis); });
  exports.op("argsort", [](Context&, const mx::array& a, int axis) { return mx::argsort(a, axis); });
  exports.op("partition", [](Context&, const mx::array& a, int kth, int axis) { return mx::partition(a, kth, axis); });
  exports.op("argpartition", [](Context&, const mx::array& a, int kth, int axis) { return mx::argpartition(a, kth, axis); });
  exports.op("topk", [](Context&, const mx::array& a, int k, int axis) { return mx::topk(a, k, axis); });
}

}  // namespace cygnet
