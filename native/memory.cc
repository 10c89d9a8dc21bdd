#include "convert.h"

namespace cygnet {

// Sizes in bytes.
void register_memory(Exports& exports) {
  exports.op("pushScope", [](Context& c) { c.handles.push_scope(); });
  exports.op("popScope", [](Context& c, std::vector<uint32_t> returned) { c.handles.pop_scope(returned); });
  exports.op("keep", [](Context& c, uint32_t handle) { c.handles.keep(handle); });
  exports.op("free", [](Context& c, uint32_t handle) { c.handles.free(handle); });
  exports.op("liveTensors", [](Context& c) { return static_cast<double>(c.handles.live()); });
  exports.op("activeMemory", [](Context&) { return static_cast<double>(mx::get_active_memory()); });
  exports.op("peakMemory", [](Context&) { return static_cast<double>(mx::get_peak_memory()); });
  exports.op("cacheMemory", [](Context&) { return static_cast<double>(mx::get_cache_memory()); });
#ifdef CYGNET_CPU_ALLOCATOR
  exports.op("cacheIsBounded", [](Context&) { return true; });
#else
  exports.op("cacheIsBounded", [](Context&) { return false; });
#endif
  exports.op("resetPeakMemory", [](Context&) { mx::reset_peak_memory(); });
  exports.op("clearCache", [](Context&) { mx::clear_cache(); });
  exports.op("memoryLimit", [](Context&) { return static_cast<double>(mx::get_memory_limit()); });
  exports.op("setMemoryLimit", [](Context&, double bytes) {
    return static_cast<double>(mx::set_memory_limit(static_cast<size_t>(bytes)));
  });
  exports.op("setCacheLimit", [](Context&, double bytes) {
    return static_cast<double>(mx::set_cache_limit(static_cast<size_t>(bytes)));
  });
  exports.op("setWiredLimit", [](Context&, double bytes) {
    return static_cast<double>(mx::set_wired_limit(static_cast<size_t>(bytes)));
  });
}

}  // namespace cygnet
