#include <cstring>

#include "convert.h"

namespace cygnet {
namespace {

struct Bytes {
  const void* data;
  size_t length;  // elements
  napi_typedarray_type type;
};

Bytes bytes_of(Context& c, napi_value value) {
  Bytes out{};
  void* data;
  check(napi_get_typedarray_info(c.env, value, &out.type, &out.length, &data, nullptr, nullptr), "a typed array");
  out.data = data;
  return out;
}

mx::Dtype dtype_of(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array: return mx::int8;
    case napi_uint8_array:
    case napi_uint8_clamped_array: return mx::uint8;
    case napi_int16_array: return mx::int16;
    case napi_uint16_array: return mx::uint16;
    case napi_int32_array: return mx::int32;
    case napi_uint32_array: return mx::uint32;
    case napi_float32_array: return mx::float32;
    case napi_float64_array: return mx::float64;
    case napi_bigint64_array: return mx::int64;
    case napi_biguint64_array: return mx::uint64;
    default: throw std::invalid_argument("this kind of typed array cannot become a tensor");
  }
}

// Copies host data into a tensor of the typed array's own dtype.
mx::array from_typed_array(Context& c, napi_value value, mx::Shape shape) {
  const Bytes bytes = bytes_of(c, value);
  const mx::Dtype dtype = dtype_of(bytes.type);
  size_t size = 1;
  for (int dimension : shape) {
    if (dimension < 0) throw std::invalid_argument("a shape has no negative sizes");
    size *= dimension;
  }
  if (size != bytes.length) {
    throw std::invalid_argument("shape needs " + std::to_string(size) + " elements, the data has " + std::to_string(bytes.length));
  }
  mx::allocator::Data data = mx::allocator::malloc(size * mx::size_of(dtype));
  if (size > 0) std::memcpy(data.buffer().raw_ptr(), bytes.data, size * mx::size_of(dtype));
  return mx::array(std::move(data), std::move(shape), dtype);
}

napi_typedarray_type typed_array_for(mx::Dtype dtype) {
  if (dtype == mx::int8) return napi_int8_array;
  if (dtype == mx::uint8 || dtype == mx::bool_) return napi_uint8_array;
  if (dtype == mx::int16) return napi_int16_array;
  if (dtype == mx::uint16) return napi_uint16_array;
  if (dtype == mx::int32) return napi_int32_array;
  if (dtype == mx::uint32) return napi_uint32_array;
  if (dtype == mx::int64) return napi_bigint64_array;
  if (dtype == mx::uint64) return napi_biguint64_array;
  if (dtype == mx::float64) return napi_float64_array;
  if (dtype == mx::complex64) throw std::invalid_argument("complex numbers have no typed array");
  return napi_float32_array;
}

// Evaluates and copies to a typed array; float16 and bfloat16 come out as float32.
napi_value to_typed_array(Context& c, const mx::array& tensor) {
  mx::array a = tensor;
  if (a.dtype() == mx::float16 || a.dtype() == mx::bfloat16) a = mx::astype(a, mx::float32);
  a = mx::contiguous(a);
  a.eval();
  void* data;
  napi_value buffer, out;
  check(napi_create_arraybuffer(c.env, a.nbytes(), &data, &buffer), "memory for a typed array");
  if (a.nbytes() > 0) std::memcpy(data, a.data<char>(), a.nbytes());
  check(napi_create_typedarray(c.env, typed_array_for(a.dtype()), a.size(), buffer, 0, &out), "a typed array");
  return out;
}

// The bytes as they lie in memory, row-contiguous, for bit comparison and files.
napi_value to_bytes(Context& c, const mx::array& tensor) {
  mx::array a = mx::contiguous(tensor);
  a.eval();
  void* data;
  napi_value buffer, out;
  check(napi_create_arraybuffer(c.env, a.nbytes(), &data, &buffer), "memory for bytes");
  if (a.nbytes() > 0) std::memcpy(data, a.data<char>(), a.nbytes());
  check(napi_create_typedarray(c.env, napi_uint8_array, a.nbytes(), buffer, 0, &out), "a typed array");
  return out;
}

double item(Context&, const mx::array& tensor) {
  if (tensor.size() != 1) throw std::invalid_argument("item() needs a tensor of one element, this one has " + std::to_string(tensor.size()));
  mx::array a = mx::astype(tensor, mx::float64, mx::Device::cpu);
  return a.item<double>();
}

int dtype_index(Context&, const mx::array& a) {
  const auto& all = dtypes();
  for (size_t i = 0; i < all.size(); i++) {
    if (all[i] == a.dtype()) return static_cast<int>(i);
  }
  throw std::logic_error("unknown dtype");
}

}  // namespace

void register_arrays(Exports& exports) {
  exports.op("fromTypedArray", from_typed_array);
  exports.op("toTypedArray", to_typed_array);
  exports.op("toBytes", to_bytes);
  exports.op("item", item);
  exports.op("dtype", dtype_index);
  exports.op("shape", [](Context&, const mx::array& a) { return std::vector<int>(a.shape().begin(), a.shape().end()); });
  exports.op("size", [](Context&, const mx::array& a) { return static_cast<double>(a.size()); });
  exports.op("nbytes", [](Context&, const mx::array& a) { return static_cast<double>(a.nbytes()); });
  exports.op("isAvailable", [](Context&, const mx::array& a) { return a.is_available(); });
  exports.op("scalar", [](Context&, double value, mx::Dtype dtype) { return mx::array(value, dtype); });
  exports.op("zeros", [](Context&, mx::Shape shape, mx::Dtype dtype) { return mx::zeros(shape, dtype); });
  exports.op("ones", [](Context&, mx::Shape shape, mx::Dtype dtype) { return mx::ones(shape, dtype); });
  exports.op("full", [](Context&, mx::Shape shape, double value, mx::Dtype dtype) {
    return mx::full(std::move(shape), mx::array(value, dtype));
  });
  exports.op("arange", [](Context&, double start, double stop, double step, mx::Dtype dtype) {
    return mx::arange(start, stop, step, dtype);
  });
  exports.op("eye", [](Context&, int n, int m, int k, mx::Dtype dtype) { return mx::eye(n, m, k, dtype); });
  exports.op("tri", [](Context&, int n, int m, int k, mx::Dtype dtype) { return mx::tri(n, m, k, dtype); });
}

}  // namespace cygnet
