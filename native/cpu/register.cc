#include "../convert.h"
#include "attention.h"
#include "decoder_block.h"
#include "isa/choice.h"
#include "kernels.h"
#include "linear.h"
#include "parallel.h"

namespace cygnet {

#ifdef CYGNET_OPENBLAS
namespace {

constexpr size_t kSettings = 9;

cpu::Projection projection_of(const double* s) {
  return {static_cast<cpu::Format>(s[0]), static_cast<int>(s[1]), static_cast<int>(s[2]), s[3] != 0, s[4] != 0, s[5] != 0,
          s[6] != 0, s[7] != 0, static_cast<float>(s[8])};
}

// settings: for each projection format, bits, group, whether there are scales, biases of groups, a bias, an update, its mask; its
// scale.
std::vector<cpu::Projection> projections_of(const std::vector<double>& settings) {
  std::vector<cpu::Projection> out;
  for (size_t i = 0; i + kSettings <= settings.size(); i += kSettings) out.push_back(projection_of(settings.data() + i));
  return out;
}

// texts: tokens of a page, then for each text its new tokens, those it has, how many pages, and these.
std::shared_ptr<const cpu::Texts> texts_of(std::vector<int> numbers) {
  if (numbers.empty()) return nullptr;
  auto out = std::make_shared<cpu::Texts>();
  out->numbers.assign(numbers.begin(), numbers.end());
  const std::span<const int32_t> all(out->numbers);
  out->page = all[0];
  for (size_t at = 1; at < all.size();) {
    if (at + 3 > all.size() || all[at + 2] < 0 || at + 3 + all[at + 2] > all.size()) throw std::invalid_argument("a text misses its pages");
    out->all.push_back({all[at], all[at + 1], all.subspan(at + 3, all[at + 2])});
    at += 3 + all[at + 2];
  }
  if (out->page <= 0) throw std::invalid_argument("a page has tokens");
  return out;
}

// s: heads, key/value heads, scale, causal, window, cap, eps of norms, traditional pairs, offset; whether there are norms,
// frequencies, a mask, a cache.
cpu::AttentionSettings attention_of(const std::vector<double>& s, std::vector<int> texts) {
  if (s.size() != 13) throw std::invalid_argument("attention takes 13 settings");
  const auto whole = [&](int i) { return static_cast<int>(s[i]); };
  const auto real = [&](int i) { return static_cast<float>(s[i]); };
  return {whole(0), whole(1), real(2), s[3] != 0, whole(4), real(5), real(6), s[7] != 0, whole(8), s[9] != 0,
          s[10] != 0, s[11] != 0, s[12] != 0, texts_of(std::move(texts))};
}

std::vector<mx::array> cpu_decoder_block(
    Context&, std::vector<mx::array> inputs, float attention_eps, float mlp_eps, int gate, std::vector<double> attention,
    std::vector<int> texts, std::vector<double> layers) {
  cpu::BlockSettings settings{
      attention_eps, mlp_eps, static_cast<cpu::Gate>(gate), attention_of(attention, std::move(texts)), projections_of(layers)};
  if (settings.layers.size() != cpu::kLayers) throw std::invalid_argument("a decoder block has seven layers");
  return cpu::decoder_block(std::move(inputs), std::move(settings));
}

}  // namespace
#endif

void register_cpu(Exports& exports) {
#ifdef CYGNET_OPENBLAS
  exports.op("hasCpuKernels", [](Context&) { return true; });
  exports.op("cpuThreads", [](Context&) { return cpu::threads(); });
  exports.op("setCpuThreads", [](Context&, int count) { cpu::set_threads(count); });
  exports.op("linearCrossEntropy", [](Context&, const mx::array& hidden, std::vector<mx::array> weight, std::vector<double> settings, const mx::array& targets, int gradients) {
    if (settings.size() != kSettings) throw std::invalid_argument("linear_cross_entropy takes one weight");
    return cpu::linear_cross_entropy(hidden, std::move(weight), projection_of(settings.data()), targets, static_cast<cpu::Gradients>(gradients));
  });
  // operands: q, k, v and what follows them
  exports.op("cpuAttention", [](Context&, std::vector<mx::array> operands, std::vector<double> settings, std::vector<int> texts) {
    return cpu::attention(std::move(operands), attention_of(settings, std::move(texts)));
  });
  exports.op("cpuEmbedding", [](Context&, const mx::array& ids, std::vector<mx::array> table, std::vector<double> settings, mx::Dtype dtype) {
    if (settings.size() != kSettings) throw std::invalid_argument("embedding takes one table");
    return cpu::embedding(ids, std::move(table), projection_of(settings.data()), dtype);
  });
  exports.op("cpuDecoderBlock", cpu_decoder_block);
  exports.op("cpuRmsNorm", [](Context&, const mx::array& x, const mx::array& weight, float eps) {
    return cpu::rms_norm(x, weight, eps);
  });
  exports.op("cpuRope", [](Context&, const mx::array& x, const mx::array& frequencies, int offset, bool traditional) {
    return cpu::rope(x, frequencies, offset, traditional);
  });
  exports.op("cpuIsa", [](Context&) { return std::string(cpu::isa().name); });
  exports.op("cpuIsas", [](Context&) {
    std::vector<std::string> names;
    for (const cpu::Isa* isa : cpu::isas()) names.emplace_back(isa->name);
    return names;
  });
  exports.op("setCpuIsa", [](Context&, std::string name) { cpu::use_isa(name); });
  exports.op("hasCpuBf16", [](Context&) { return cpu::isa().b16.micro.rows > 0; });
  exports.op("cpuLinear", [](Context&, const mx::array& x, std::vector<mx::array> operands, std::vector<double> settings) {
    return cpu::linear(x, std::move(operands), projections_of(settings));
  });
  exports.op("cpuExperts", [](Context&, const mx::array& x, std::vector<mx::array> weight, std::vector<double> settings, const mx::array& indices) {
    if (settings.size() != kSettings) throw std::invalid_argument("experts take one weight");
    return cpu::experts(x, std::move(weight), projection_of(settings.data()), indices);
  });
  exports.op("cpuQuantize", [](Context&, const mx::array& w, int group, int bits) { return cpu::quantize(w, group, bits); });
  exports.op("cpuResidualRmsNorm", [](Context&, const mx::array& x, std::optional<mx::array> delta, const mx::array& weight, float eps) {
    return cpu::residual_rms_norm(x, delta, weight, eps);
  });
  exports.op("cpuGated", [](Context&, const mx::array& gate, const mx::array& up, int kind) {
    return cpu::gated(gate, up, static_cast<cpu::Gate>(kind));
  });
  exports.op("cpuAdd", [](Context&, const mx::array& a, const mx::array& b) { return cpu::add(a, b); });
  // step: AdamStep's fields in their order
  exports.op("cpuAdam", [](Context&, std::vector<mx::array> parameters, std::vector<mx::array> gradients, std::vector<mx::array> m,
                           std::vector<mx::array> v, std::vector<float> step) {
    if (step.size() != 8) throw std::invalid_argument("adam takes eight coefficients");
    return cpu::adam(parameters, gradients, m, v, {step[0], step[1], step[2], step[3], step[4], step[5], step[6], step[7]});
  });
  exports.op("cpuSample", [](Context&, const mx::array& logits, std::optional<mx::array> bias, std::optional<mx::array> bits,
                             float temperature, float top_p, float min_p, int top_k) {
    return cpu::sample(logits, bias, bits, {temperature, top_p, min_p, top_k});
  });
#else
  // Elsewhere MLX computes on the GPU, with kernels of its own.
  exports.op("hasCpuKernels", [](Context&) { return false; });
  exports.op("cpuThreads", [](Context&) { return 0; });
#endif
}

}  // namespace cygnet
