#include <cmath>

#include "convert.h"

namespace cygnet {
namespace {

// A JavaScript number beside an array takes the array's dtype, as a Python number does in MLX, unless that would lose
// something: a fraction beside integers makes both float32, a whole number beside booleans int32.
mx::array scalar_like(const mx::array& a, double value) {
  if (mx::issubdtype(a.dtype(), mx::inexact)) return mx::array(value, a.dtype());
  const bool whole = std::trunc(value) == value && std::abs(value) < 9.2e18;
  if (!whole) return mx::array(value, mx::float32);
  // By way of an integer: a negative double has no defined unsigned value.
  return mx::array(static_cast<int64_t>(value), a.dtype() == mx::bool_ ? mx::int32 : a.dtype());
}

template <mx::array (*F)(const mx::array&, mx::StreamOrDevice)>
void unary(Exports& exports, const char* name) {
  exports.op(name, [](Context&, const mx::array& a) { return F(a, {}); });
}

// Registers `name` for two tensors, `name`Scalar for a number on the right, scalar`Name` is written as its inverse in TypeScript.
template <mx::array (*F)(const mx::array&, const mx::array&, mx::StreamOrDevice)>
void binary(Exports& exports, const char* name, const char* scalar_name) {
  exports.op(name, [](Context&, const mx::array& a, const mx::array& b) { return F(a, b, {}); });
  exports.op(scalar_name, [](Context&, const mx::array& a, double b) { return F(a, scalar_like(a, b), {}); });
}

}  // namespace

void register_elementwise(Exports& exports) {
  unary<mx::abs>(exports, "abs");
  unary<mx::negative>(exports, "negative");
  unary<mx::sign>(exports, "sign");
  unary<mx::exp>(exports, "exp");
  unary<mx::expm1>(exports, "expm1");
  unary<mx::log>(exports, "log");
  unary<mx::log1p>(exports, "log1p");
  unary<mx::log2>(exports, "log2");
  unary<mx::sqrt>(exports, "sqrt");
  unary<mx::rsqrt>(exports, "rsqrt");
  unary<mx::square>(exports, "square");
  unary<mx::reciprocal>(exports, "reciprocal");
  unary<mx::sigmoid>(exports, "sigmoid");
  unary<mx::tanh>(exports, "tanh");
  unary<mx::sin>(exports, "sin");
  unary<mx::cos>(exports, "cos");
  unary<mx::erf>(exports, "erf");
  unary<mx::floor>(exports, "floor");
  unary<mx::ceil>(exports, "ceil");
  unary<mx::logical_not>(exports, "logicalNot");
  unary<mx::isnan>(exports, "isnan");
  unary<mx::isinf>(exports, "isinf");
  unary<mx::isfinite>(exports, "isfinite");
  unary<mx::stop_gradient>(exports, "stopGradient");
  unary<mx::zeros_like>(exports, "zerosLike");
  unary<mx::ones_like>(exports, "onesLike");
  exports.op("round", [](Context&, const mx::array& a, int decimals) { return mx::round(a, decimals); });

  binary<mx::add>(exports, "add", "addScalar");
  binary<mx::subtract>(exports, "subtract", "subtractScalar");
  binary<mx::multiply>(exports, "multiply", "multiplyScalar");
  binary<mx::divide>(exports, "divide", "divideScalar");
  binary<mx::floor_divide>(exports, "floorDivide", "floorDivideScalar");
  binary<mx::remainder>(exports, "remainder", "remainderScalar");
  binary<mx::power>(exports, "power", "powerScalar");
  binary<mx::maximum>(exports, "maximum", "maximumScalar");
  binary<mx::minimum>(exports, "minimum", "minimumScalar");
  binary<mx::logaddexp>(exports, "logaddexp", "logaddexpScalar");
  binary<mx::equal>(exports, "equal", "equalScalar");
  binary<mx::not_equal>(exports, "notEqual", "notEqualScalar");
  binary<mx::less>(exports, "less", "lessScalar");
  binary<mx::less_equal>(exports, "lessEqual", "lessEqualScalar");
  binary<mx::greater>(exports, "greater", "greaterScalar");
  binary<mx::greater_equal>(exports, "greaterEqual", "greaterEqualScalar");
  binary<mx::logical_and>(exports, "logicalAnd", "logicalAndScalar");
  binary<mx::logical_or>(exports, "logicalOr", "logicalOrScalar");

  exports.op("where", [](Context&, const mx::array& condition, const mx::array& x, const mx::array& y) {
    return mx::where(condition, x, y);
  });
  exports.op("clip", [](Context&, const mx::array& a, std::optional<double> low, std::optional<double> high) {
    auto bound = [&](std::optional<double> value) {
      return value ? std::make_optional(mx::array(*value, a.dtype())) : std::nullopt;
    };
    return mx::clip(a, bound(low), bound(high));
  });
}

}  // namespace cygnet
