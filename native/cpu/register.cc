#include "../convert.h"
#include "kernels.h"
#include "parallel.h"

namespace cygnet {

void register_cpu(Exports& exports) {
#ifdef CYGNET_OPENBLAS
  exports.op("hasCpuKernels", [](Context&) { return true; });
  exports.op("cpuThreads", [](Context&) { return cpu::threads(); });
  exports.op("setCpuThreads", [](Context&, int count) { cpu::set_threads(count); });
  exports.op("linearCrossEntropy", [](Context&, const mx::array& hidden, const mx::array& weight, const mx::array& targets, int gradients) {
    return cpu::linear_cross_entropy(hidden, weight, targets, static_cast<cpu::Gradients>(gradients));
  });
  exports.op("cpuAttention", [](Context&, const mx::array& q, const mx::array& k, const mx::array& v, float scale, bool causal) {
    return cpu::attention(q, k, v, scale, causal);
  });
  exports.op("cpuRmsNorm", [](Context&, const mx::array& x, const mx::array& weight, float eps) {
    return cpu::rms_norm(x, weight, eps);
  });
  exports.op("cpuRope", [](Context&, const mx::array& x, const mx::array& frequencies, int offset) {
    return cpu::rope(x, frequencies, offset);
  });
  exports.op("cpuSwiglu", [](Context&, const mx::array& gate, const mx::array& up) { return cpu::swiglu(gate, up); });
#else
  // Elsewhere MLX computes on the GPU, with kernels of its own.
  exports.op("hasCpuKernels", [](Context&) { return false; });
  exports.op("cpuThreads", [](Context&) { return 0; });
#endif
}

}  // namespace cygnet
