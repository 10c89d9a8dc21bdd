#include "convert.h"

namespace cygnet {
namespace {

// [{name: handle}, {key: text}]. Tensors are read from the file when they are first evaluated.
napi_value load_safetensors(Context& c, std::string path) {
  auto [tensors, metadata] = mx::load_safetensors(path);
  napi_value loaded, texts, out;
  napi_create_object(c.env, &loaded);
  for (auto& [name, tensor] : tensors) {
    napi_set_named_property(c.env, loaded, name.c_str(), To<mx::array>::js(c, tensor));
  }
  napi_create_object(c.env, &texts);
  for (const auto& [key, text] : metadata) {
    napi_set_named_property(c.env, texts, key.c_str(), To<std::string>::js(c, text));
  }
  napi_create_array_with_length(c.env, 2, &out);
  napi_set_element(c.env, out, 0, loaded);
  napi_set_element(c.env, out, 1, texts);
  return out;
}

void save_safetensors(
    Context&, std::string path, std::vector<std::string> names, std::vector<mx::array> tensors,
    std::map<std::string, std::string> metadata) {
  std::unordered_map<std::string, mx::array> named;
  for (size_t i = 0; i < names.size(); i++) named.insert({names[i], tensors.at(i)});
  mx::save_safetensors(path, named, {metadata.begin(), metadata.end()});
}

}  // namespace

void register_io(Exports& exports) {
  exports.op("loadSafetensors", load_safetensors);
  exports.op("saveSafetensors", save_safetensors);
}

}  // namespace cygnet
