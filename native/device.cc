#include "convert.h"
#include "mlx/version.h"

namespace cygnet {
namespace {

mx::Device device_named(const std::string& name) {
  if (name == "cpu") return mx::Device(mx::Device::cpu);
  if (name == "gpu") return mx::Device(mx::Device::gpu);
  throw std::invalid_argument("unknown device \"" + name + "\": use cpu or gpu");
}

napi_value device_facts(Context& c, std::string name) {
  napi_value facts;
  napi_create_object(c.env, &facts);
  for (const auto& [key, value] : mx::device_info(device_named(name))) {
    napi_value fact = std::holds_alternative<std::string>(value)
        ? To<std::string>::js(c, std::get<std::string>(value))
        : To<double>::js(c, static_cast<double>(std::get<size_t>(value)));
    napi_set_named_property(c.env, facts, key.c_str(), fact);
  }
  return facts;
}

}  // namespace

void register_device(Exports& exports) {
  exports.op("mlxVersion", [](Context&) { return std::string(mx::version()); });
  exports.op("deviceAvailable", [](Context&, std::string name) { return mx::is_available(device_named(name)); });
  exports.op("defaultDevice", [](Context&) {
    return std::string(mx::default_device() == mx::Device::gpu ? "gpu" : "cpu");
  });
  exports.op("setDefaultDevice", [](Context&, std::string name) { mx::set_default_device(device_named(name)); });
  exports.op("deviceInfo", device_facts);
  exports.op("newStream", [](Context&, std::string device) { return mx::new_stream(device_named(device)).index; });
  exports.op("setDefaultStream", [](Context&, int index, std::string device) {
    mx::set_default_stream(mx::Stream(index, device_named(device)));
  });
  exports.op("synchronize", [](Context&) { mx::synchronize(); });
}

}  // namespace cygnet
