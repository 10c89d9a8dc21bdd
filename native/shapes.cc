#include "convert.h"

namespace cygnet {

void register_shapes(Exports& exports) {
  exports.op("astype", [](Context&, const mx::array& a, mx::Dtype dtype) { return mx::astype(a, dtype); });
  exports.op("view", [](Context&, const mx::array& a, mx::Dtype dtype) { return mx::view(a, dtype); });
  exports.op("contiguous", [](Context&, const mx::array& a) { return mx::contiguous(a); });
  exports.op("reshape", [](Context&, const mx::array& a, mx::Shape shape) { return mx::reshape(a, std::move(shape)); });
  exports.op("flatten", [](Context&, const mx::array& a, int start, int end) { return mx::flatten(a, start, end); });
  exports.op("squeeze", [](Context&, const mx::array& a, std::optional<std::vector<int>> axes) {
    return axes ? mx::squeeze(a, *axes) : mx::squeeze(a);
  });
  exports.op("expandDims", [](Context&, const mx::array& a, std::vector<int> axes) { return mx::expand_dims(a, axes); });
  exports.op("transpose", [](Context&, const mx::array& a, std::optional<std::vector<int>> axes) {
    return axes ? mx::transpose(a, *axes) : mx::transpose(a);
  });
  exports.op("swapaxes", [](Context&, const mx::array& a, int x, int y) { return mx::swapaxes(a, x, y); });
  exports.op("moveaxis", [](Context&, const mx::array& a, int from, int to) { return mx::moveaxis(a, from, to); });
  exports.op("broadcastTo", [](Context&, const mx::array& a, mx::Shape shape) { return mx::broadcast_to(a, shape); });
  exports.op("concatenate", [](Context&, std::vector<mx::array> arrays, int axis) {
    return mx::concatenate(std::move(arrays), axis);
  });
  exports.op("stack", [](Context&, std::vector<mx::array> arrays, int axis) { return mx::stack(arrays, axis); });
  exports.op("split", [](Context&, const mx::array& a, int parts, int axis) { return mx::split(a, parts, axis); });
  exports.op("splitAt", [](Context&, const mx::array& a, mx::Shape indices, int axis) { return mx::split(a, indices, axis); });
  exports.op("repeat", [](Context&, const mx::array& a, int repeats, int axis) { return mx::repeat(a, repeats, axis); });
  exports.op("tile", [](Context&, const mx::array& a, std::vector<int> reps) { return mx::tile(a, std::move(reps)); });
  exports.op("flip", [](Context&, const mx::array& a, std::vector<int> axes) { return mx::flip(a, axes); });
  exports.op("tril", [](Context&, const mx::array& a, int k) { return mx::tril(a, k); });
  exports.op("triu", [](Context&, const mx::array& a, int k) { return mx::triu(a, k); });
  exports.op("pad", [](Context&, const mx::array& a, std::vector<int> axes, mx::Shape low, mx::Shape high, double value) {
    return mx::pad(a, axes, low, high, mx::array(value, a.dtype()));
  });
  exports.op("slice", [](Context&, const mx::array& a, mx::Shape start, mx::Shape stop, mx::Shape strides) {
    return mx::slice(a, std::move(start), std::move(stop), std::move(strides));
  });
  exports.op("sliceUpdate", [](Context&, const mx::array& a, const mx::array& update, mx::Shape start, mx::Shape stop) {
    return mx::slice_update(a, update, std::move(start), std::move(stop));
  });
  exports.op("take", [](Context&, const mx::array& a, const mx::array& indices, int axis) {
    return mx::take(a, indices, axis);
  });
  exports.op("takeAlongAxis", [](Context&, const mx::array& a, const mx::array& indices, int axis) {
    return mx::take_along_axis(a, indices, axis);
  });
  exports.op("putAlongAxis", [](Context&, const mx::array& a, const mx::array& indices, const mx::array& values, int axis) {
    return mx::put_along_axis(a, indices, values, axis);
  });
  exports.op("scatterAddAxis", [](Context&, const mx::array& a, const mx::array& indices, const mx::array& values, int axis) {
    return mx::scatter_add_axis(a, indices, values, axis);
  });
  exports.op("gather", [](Context&, const mx::array& a, std::vector<mx::array> indices, std::vector<int> axes, mx::Shape sizes) {
    return mx::gather(a, indices, axes, sizes);
  });
  exports.op("scatter", [](Context&, const mx::array& a, std::vector<mx::array> indices, const mx::array& updates, std::vector<int> axes) {
    return mx::scatter(a, indices, updates, axes);
  });
  exports.op("scatterAdd", [](Context&, const mx::array& a, std::vector<mx::array> indices, const mx::array& updates, std::vector<int> axes) {
    return mx::scatter_add(a, indices, updates, axes);
  });
}

}  // namespace cygnet
