#include "../convert.h"
#include "attention.h"
#include "isa/isa.h"
#include "kernels.h"
#include "linear.h"
#include "parallel.h"

namespace cygnet {

#ifdef CYGNET_OPENBLAS
namespace {

// settings: for each projection format, bits, group, whether there are scales, biases of groups, a bias, an update; its scale.
std::vector<mx::array> cpu_linear(Context&, const mx::array& x, std::vector<mx::array> operands, std::vector<double> settings) {
  constexpr size_t kEach = 8;
  std::vector<cpu::Projection> projections;
  for (size_t i = 0; i + kEach <= settings.size(); i += kEach) {
    const double* s = settings.data() + i;
    projections.push_back({static_cast<cpu::Format>(s[0]), static_cast<int>(s[1]), static_cast<int>(s[2]), s[3] != 0, s[4] != 0, s[5] != 0,
                           s[6] != 0, static_cast<float>(s[7])});
  }
  return cpu::linear(x, std::move(operands), std::move(projections));
}

// operands: q, k, v and what follows them. settings: heads, key/value heads, scale, causal, window, cap, eps of norms, traditional
// pairs, offset; whether there are norms, frequencies, a mask, a cache.
std::vector<mx::array> cpu_attention(Context&, std::vector<mx::array> operands, std::vector<double> s) {
  if (s.size() != 13) throw std::invalid_argument("attention takes 13 settings");
  const auto whole = [&](int i) { return static_cast<int>(s[i]); };
  const auto real = [&](int i) { return static_cast<float>(s[i]); };
  return cpu::attention(
      std::move(operands), {whole(0), whole(1), real(2), s[3] != 0, whole(4), real(5), real(6), s[7] != 0, whole(8), s[9] != 0,
                            s[10] != 0, s[11] != 0, s[12] != 0});
}

}  // namespace
#endif

void register_cpu(Exports& exports) {
#ifdef CYGNET_OPENBLAS
  exports.op("hasCpuKernels", [](Context&) { return true; });
  exports.op("cpuThreads", [](Context&) { return cpu::threads(); });
  exports.op("setCpuThreads", [](Context&, int count) { cpu::set_threads(count); });
  exports.op("linearCrossEntropy", [](Context&, const mx::array& hidden, const mx::array& weight, const mx::array& targets, int gradients) {
    return cpu::linear_cross_entropy(hidden, weight, targets, static_cast<cpu::Gradients>(gradients));
  });
  exports.op("cpuAttention", cpu_attention);
  exports.op("cpuRmsNorm", [](Context&, const mx::array& x, const mx::array& weight, float eps) {
    return cpu::rms_norm(x, weight, eps);
  });
  exports.op("cpuRope", [](Context&, const mx::array& x, const mx::array& frequencies, int offset, bool traditional) {
    return cpu::rope(x, frequencies, offset, traditional);
  });
  exports.op("cpuIsa", [](Context&) { return std::string(cpu::isa().name); });
  exports.op("hasCpuBf16", [](Context&) { return cpu::isa().b16.micro.rows > 0; });
  exports.op("cpuLinear", cpu_linear);
  exports.op("cpuSwiglu", [](Context&, const mx::array& gate, const mx::array& up) { return cpu::swiglu(gate, up); });
#else
  // Elsewhere MLX computes on the GPU, with kernels of its own.
  exports.op("hasCpuKernels", [](Context&) { return false; });
  exports.op("cpuThreads", [](Context&) { return 0; });
#endif
}

}  // namespace cygnet
