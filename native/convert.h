#pragma once

#include <node_api.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "handles.h"
#include "mlx/mlx.h"

// JavaScript values <-> C++ arguments, chosen by C++ type.

namespace cygnet {

// What one environment (main thread or worker) owns.
struct Context {
  napi_env env;
  Handles handles;
  // References dropped on a thread of MLX wait here: only their own thread may delete them.
  std::mutex dropped_mutex;
  std::vector<napi_ref> dropped;

  void delete_dropped_references() {
    std::vector<napi_ref> references;
    {
      std::lock_guard lock(dropped_mutex);
      references.swap(dropped);
    }
    for (napi_ref reference : references) napi_delete_reference(env, reference);
  }
};

inline std::shared_ptr<Context> context_of(napi_env env) {
  void* data;
  napi_get_instance_data(env, &data);
  return *static_cast<std::shared_ptr<Context>*>(data);
}

inline Context& context_ref(napi_env env) {
  void* data;
  napi_get_instance_data(env, &data);
  return **static_cast<std::shared_ptr<Context>*>(data);
}

// A JavaScript exception is pending: unwind to the entry point and let it through.
struct JsException {};

inline void check(napi_status status, const char* what) {
  if (status == napi_pending_exception) throw JsException{};
  if (status != napi_ok) throw std::invalid_argument(std::string("expected ") + what);
}

inline bool is_nullish(napi_env env, napi_value value) {
  napi_valuetype type;
  napi_typeof(env, value, &type);
  return type == napi_undefined || type == napi_null;
}

// The order of the names in core/dtype.ts.
inline const std::vector<mx::Dtype>& dtypes() {
  static const std::vector<mx::Dtype> all = {
      mx::bool_, mx::uint8, mx::uint16, mx::uint32, mx::uint64, mx::int8, mx::int16,
      mx::int32, mx::int64, mx::float16, mx::float32, mx::float64, mx::bfloat16, mx::complex64};
  return all;
}

template <typename T>
struct From;

template <>
struct From<uint32_t> {
  static uint32_t get(Context& c, napi_value v) {
    uint32_t out;
    check(napi_get_value_uint32(c.env, v, &out), "an unsigned integer");
    return out;
  }
};
template <>
struct From<int> {
  static int get(Context& c, napi_value v) {
    double value;
    check(napi_get_value_double(c.env, v, &value), "an integer");
    const int out = value >= -2147483648.0 && value <= 2147483647.0 ? static_cast<int>(value) : 0;
    if (out != value) throw std::invalid_argument("expected an integer of 32 bits, got " + std::to_string(value));
    return out;
  }
};
template <>
struct From<double> {
  static double get(Context& c, napi_value v) {
    double out;
    check(napi_get_value_double(c.env, v, &out), "a number");
    return out;
  }
};
template <>
struct From<float> {
  static float get(Context& c, napi_value v) { return static_cast<float>(From<double>::get(c, v)); }
};
template <>
struct From<bool> {
  static bool get(Context& c, napi_value v) {
    bool out;
    check(napi_get_value_bool(c.env, v, &out), "a boolean");
    return out;
  }
};
template <>
struct From<std::string> {
  static std::string get(Context& c, napi_value v) {
    size_t length;
    check(napi_get_value_string_utf8(c.env, v, nullptr, 0, &length), "a string");
    std::string out(length, '\0');
    napi_get_value_string_utf8(c.env, v, out.data(), length + 1, &length);
    return out;
  }
};
template <>
struct From<napi_value> {
  static napi_value get(Context&, napi_value v) { return v; }
};
template <>
struct From<mx::Dtype> {
  static mx::Dtype get(Context& c, napi_value v) { return dtypes().at(From<uint32_t>::get(c, v)); }
};
template <>
struct From<mx::array> {
  static const mx::array& get(Context& c, napi_value v) {
    uint32_t handle;
    if (napi_get_value_uint32(c.env, v, &handle) != napi_ok) throw std::invalid_argument("expected a tensor");
    return c.handles.at(handle);
  }
};
template <typename T>
struct From<std::vector<T>> {
  static std::vector<T> get(Context& c, napi_value v) {
    uint32_t length;
    check(napi_get_array_length(c.env, v, &length), "an array");
    std::vector<T> out;
    out.reserve(length);
    for (uint32_t i = 0; i < length; i++) {
      napi_value element;
      napi_get_element(c.env, v, i, &element);
      out.push_back(From<T>::get(c, element));
    }
    return out;
  }
};
template <>
struct From<mx::Shape> {
  static mx::Shape get(Context& c, napi_value v) {
    std::vector<int> sizes = From<std::vector<int>>::get(c, v);
    return mx::Shape(sizes.begin(), sizes.end());
  }
};
template <typename T>
struct From<std::optional<T>> {
  static std::optional<T> get(Context& c, napi_value v) {
    if (is_nullish(c.env, v)) return std::nullopt;
    return From<T>::get(c, v);
  }
};
template <>
struct From<std::map<std::string, std::string>> {
  static std::map<std::string, std::string> get(Context& c, napi_value v) {
    napi_value names;
    check(napi_get_property_names(c.env, v, &names), "an object");
    std::map<std::string, std::string> out;
    for (const std::string& name : From<std::vector<std::string>>::get(c, names)) {
      napi_value value;
      napi_get_named_property(c.env, v, name.c_str(), &value);
      out[name] = From<std::string>::get(c, value);
    }
    return out;
  }
};

template <typename T>
struct To;

template <>
struct To<mx::array> {
  static napi_value js(Context& c, mx::array a) {
    napi_value out;
    napi_create_uint32(c.env, c.handles.add(std::move(a)), &out);
    return out;
  }
};
template <>
struct To<napi_value> {
  static napi_value js(Context&, napi_value v) { return v; }
};
template <>
struct To<double> {
  static napi_value js(Context& c, double v) {
    napi_value out;
    napi_create_double(c.env, v, &out);
    return out;
  }
};
template <>
struct To<int> {
  static napi_value js(Context& c, int v) {
    napi_value out;
    napi_create_int32(c.env, v, &out);
    return out;
  }
};
template <>
struct To<bool> {
  static napi_value js(Context& c, bool v) {
    napi_value out;
    napi_get_boolean(c.env, v, &out);
    return out;
  }
};
template <>
struct To<std::string> {
  static napi_value js(Context& c, const std::string& v) {
    napi_value out;
    napi_create_string_utf8(c.env, v.data(), v.size(), &out);
    return out;
  }
};
template <typename T>
struct To<std::vector<T>> {
  static napi_value js(Context& c, std::vector<T> values) {
    napi_value out;
    napi_create_array_with_length(c.env, values.size(), &out);
    for (size_t i = 0; i < values.size(); i++) napi_set_element(c.env, out, i, To<T>::js(c, std::move(values[i])));
    return out;
  }
};
template <typename A, typename B>
struct To<std::pair<A, B>> {
  static napi_value js(Context& c, std::pair<A, B> v) {
    napi_value out;
    napi_create_array_with_length(c.env, 2, &out);
    napi_set_element(c.env, out, 0, To<A>::js(c, std::move(v.first)));
    napi_set_element(c.env, out, 1, To<B>::js(c, std::move(v.second)));
    return out;
  }
};

// Runs `body`; what MLX throws becomes a JavaScript error with the same message.
template <typename Body>
napi_value guarded(napi_env env, Body&& body) {
  try {
    return body();
  } catch (const JsException&) {
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

template <typename R, typename... A>
napi_value call(napi_env env, napi_callback_info info) {
  constexpr size_t count = sizeof...(A);
  napi_value arguments[count + 1];
  size_t given = count;
  void* data;
  napi_get_cb_info(env, info, &given, arguments, nullptr, &data);
  auto function = reinterpret_cast<R (*)(Context&, A...)>(data);
  return guarded(env, [&]() -> napi_value {
    Context& c = context_ref(env);
    return [&]<size_t... I>(std::index_sequence<I...>) -> napi_value {
      if constexpr (std::is_void_v<R>) {
        function(c, From<std::decay_t<A>>::get(c, arguments[I])...);
        return nullptr;
      } else {
        return To<R>::js(c, function(c, From<std::decay_t<A>>::get(c, arguments[I])...));
      }
    }(std::index_sequence_for<A...>{});
  });
}

// The table that a theme's file fills: a name and a function of C++ types.
class Exports {
 public:
  Exports(napi_env env, napi_value target) : env_(env), target_(target) {}

  template <typename F>
  void op(const char* name, F function) {
    add(name, +function);
  }

 private:
  template <typename R, typename... A>
  void add(const char* name, R (*function)(Context&, A...)) {
    napi_value value;
    napi_create_function(env_, name, NAPI_AUTO_LENGTH, call<R, A...>, reinterpret_cast<void*>(function), &value);
    napi_set_named_property(env_, target_, name, value);
  }

  napi_env env_;
  napi_value target_;
};

void register_arrays(Exports&);
void register_elementwise(Exports&);
void register_reductions(Exports&);
void register_shapes(Exports&);
void register_products(Exports&);
void register_fast(Exports&);
void register_random(Exports&);
void register_io(Exports&);
void register_memory(Exports&);
void register_device(Exports&);
void register_transforms(Exports&);
void register_blocks(Exports&);
void register_cpu(Exports&);

}  // namespace cygnet
