#include "convert.h"

// Context-aware: every environment that loads the addon gets its own table of tensors.
NAPI_MODULE_INIT() {
  using namespace cygnet;
  auto* holder = new std::shared_ptr<Context>(std::make_shared<Context>());
  (*holder)->env = env;
  napi_set_instance_data(
      env, holder, [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<Context>*>(data); }, nullptr);

  Exports table(env, exports);
  register_arrays(table);
  register_elementwise(table);
  register_reductions(table);
  register_shapes(table);
  register_products(table);
  register_fast(table);
  register_random(table);
  register_io(table);
  register_memory(table);
  register_device(table);
  register_transforms(table);
  register_blocks(table);
  register_cpu(table);
  return exports;
}
