#ifdef CYGNET_OPENBLAS

#include <cmath>
#include <limits>
#include <span>

#include "isa/isa.h"
#include "kernel.h"
#include "kernels.h"
#include "parallel.h"
#include "scratch.h"

// The choice of the next token in one kernel. All filters keep a number of the likeliest tokens, so only those are looked at: the
// vocabulary is read once for its greatest logit and its sum, and a second time for what lies near the greatest.

// B rows · V vocabulary

namespace cygnet::cpu {
namespace {

// Logits in one sum of float32, and in what a thread takes at a time.
constexpr int kStretch = 4096;
constexpr int kPart = 4 * kStretch;
constexpr int64_t kSmallestWork = 1 << 16;
constexpr float kSmallestTemperature = 1e-30f;  // its reciprocal is finite

struct Operands {
  int B, V;
  Type type;
  const uint8_t* logits;
  size_t item;
  const float* bias;     // or null
  const uint32_t* bits;  // or null
  float* floats;         // [B, V]: the logits themselves when they are float32 and there is no bias
  uint32_t* ids;
  float* logprobs;
};

int stretches(int vocabulary) { return (vocabulary + kStretch - 1) / kStretch; }

// A row of logits as floats and what is known of it.
struct Row {
  std::span<const float> logits;
  std::span<const Peak> peaks;
  float max;
  double sum;  // relative to max
};

Row row_of(const Operands& o, int row, std::span<const Peak> peaks) {
  Row out{{o.floats + size_t(row) * o.V, size_t(o.V)}, peaks, peaks[0].max, 0};
  for (const Peak& peak : peaks) {
    if (peak.max > out.max || std::isnan(peak.max)) out.max = peak.max;
    if (std::isnan(out.max)) break;
  }
  for (const Peak& peak : peaks) out.sum += peak.sum * std::exp(double(peak.max) - out.max);
  return out;
}

int likeliest(const Row& row) {
  if (std::isnan(row.max)) return 0;
  size_t stretch = 0;
  while (row.peaks[stretch].max != row.max) stretch++;
  size_t at = stretch * kStretch;
  while (row.logits[at] != row.max) at++;
  return static_cast<int>(at);
}

// In [0, 1), of 53 random bits.
double uniform(const uint32_t* bits) { return ((bits[0] >> 5) * 0x1p26 + (bits[1] >> 6)) * 0x1p-53; }

// Finds the token at which the sum of weights passes a point; where rounding lets the sum fall short, the last one that has any.
struct Walk {
  double left;
  int last = -1;

  bool passes(int id, float weight) {
    if (weight > 0) last = id;
    left -= weight;
    return left < 0;
  }
};

struct Candidate {
  float logit;
  float weight;  // e^(logit − max)
  int32_t id;

  bool operator<(const Candidate& other) const { return logit > other.logit || (logit == other.logit && id < other.id); }
};

// How many of the candidates, likeliest first, come before the sum of their weights reaches `mass` and are at most `most`. Puts
// those to the front, in no order. As quickselect: halves that are all in or all out are not sorted.
int keep(std::span<Candidate> candidates, int most, double mass) {
  int first = 0, last = std::min<int>(candidates.size(), std::numeric_limits<int>::max());
  double before = 0;
  while (last - first > 32) {
    const auto begin = candidates.begin();
    const int middle = first + (last - first) / 2;
    std::nth_element(begin + first, begin + middle, begin + last);
    double sum = before;
    for (int i = first; i < middle; i++) sum += candidates[i].weight;
    if (middle >= most || sum >= mass) {
      last = middle;
    } else {
      first = middle;
      before = sum;
    }
  }
  std::sort(candidates.begin() + first, candidates.begin() + last);
  for (; first < last && first < most && before < mass; first++) before += candidates[first].weight;
  return first;
}

// The candidates within `distance` of the greatest logit; `sum` of their weights.
std::span<Candidate> near(const Row& row, float distance, Scratch& scratch, double& sum) {
  const int size = static_cast<int>(row.logits.size());
  int32_t* places = scratch.get<int32_t>(size);
  float* values = scratch.get<float>(size);
  const int found = isa().at_least(row.logits.data(), size, row.max - distance, places, values);
  Candidate* candidates = scratch.get<Candidate>(found);
  sum = 0;
  for (int i = 0; i < found; i++) {
    candidates[i] = {values[i], std::exp(values[i] - row.max), places[i]};
    sum += candidates[i].weight;
  }
  return {candidates, size_t(found)};
}

// The tokens that pass all filters: a first guess of how far below the greatest they lie is doubled until it reaches.
std::span<Candidate> filtered(const Row& row, const Sampling& sampling, Scratch& scratch) {
  const int most = sampling.top_k > 0 ? sampling.top_k : std::numeric_limits<int>::max();
  const double mass = sampling.top_p < 1 ? sampling.top_p * row.sum : std::numeric_limits<double>::infinity();
  const float furthest = sampling.min_p > 0 ? std::max(-std::log(sampling.min_p), 0.0f) : std::numeric_limits<float>::infinity();
  for (float distance = 4;; distance *= 2) {
    double sum;
    const std::span<Candidate> candidates = near(row, std::min(distance, furthest), scratch, sum);
    const int found = static_cast<int>(candidates.size());
    const bool enough = distance >= furthest || found >= most || sum >= mass || found == static_cast<int>(row.logits.size());
    // Beyond, nothing has a weight that float32 can hold.
    if (enough || distance > 128) return candidates.first(keep(candidates, most, mass));
  }
}

int draw_filtered(const Row& row, const Sampling& sampling, double u) {
  Scratch& scratch = Scratch::mine();
  const Scratch::Frame frame(scratch);
  const std::span<Candidate> kept = filtered(row, sampling, scratch);
  double total = 0;
  for (Candidate& each : kept) total += each.weight = std::exp((each.logit - row.max) / sampling.temperature);
  Walk walk{u * total};
  for (const Candidate& each : kept) {
    if (walk.passes(each.id, each.weight)) break;
  }
  return walk.last;
}

int draw(const Row& row, float temperature, double u) {
  const auto share = [&](const Peak& peak) { return peak.tempered * std::exp((double(peak.max) - row.max) / temperature); };
  double total = 0;
  for (const Peak& peak : row.peaks) total += share(peak);
  double left = u * total, within = 0;
  size_t stretch = 0;
  for (size_t i = 0; i < row.peaks.size(); i++) {
    const double part = share(row.peaks[i]);
    if (part == 0) continue;
    stretch = i;
    within = left / part;
    if (left < part) break;
    left -= part;
  }
  const Peak& peak = row.peaks[stretch];
  Walk walk{within * peak.tempered};
  const size_t begin = stretch * kStretch, end = std::min(begin + kStretch, row.logits.size());
  for (size_t i = begin; i < end; i++) {
    if (walk.passes(static_cast<int>(i), std::exp((row.logits[i] - peak.max) / temperature))) break;
  }
  return walk.last;
}

void choose(const Operands& o, const Sampling& sampling, int index, std::span<const Peak> peaks) {
  const Row row = row_of(o, index, peaks);
  const bool regular = std::isfinite(row.sum) && std::isfinite(row.max);
  int id;
  if (sampling.temperature == 0 || !regular) {
    id = likeliest(row);
  } else {
    const double u = uniform(o.bits + 2 * index);
    const bool is_filtered = sampling.top_p < 1 || sampling.min_p > 0 || sampling.top_k > 0;
    id = is_filtered ? draw_filtered(row, sampling, u) : draw(row, sampling.temperature, u);
  }
  o.ids[index] = static_cast<uint32_t>(id);
  o.logprobs[index] = static_cast<float>(double(row.logits[id]) - row.max - std::log(row.sum));
}

template <typename Body>
void for_items(int count, bool threaded, Body&& body) {
  if (threaded) return parallel_items(count, body);
  for (int i = 0; i < count; i++) body(i);
}

void run(const Operands& o, const Sampling& sampling) {
  const bool is_filtered = sampling.top_p < 1 || sampling.min_p > 0 || sampling.top_k > 0;
  const float inverse = sampling.temperature > 0 && !is_filtered ? 1 / sampling.temperature : 0;
  const int parts = (o.V + kPart - 1) / kPart, each = stretches(o.V);
  const bool threaded = int64_t(o.B) * o.V >= kSmallestWork;
  std::vector<Peak> peaks(size_t(o.B) * each);
  for_items(o.B * parts, threaded, [&](int item) {
    const int row = item / parts, begin = item % parts * kPart, end = std::min(begin + kPart, o.V);
    for (int at = begin; at < end; at += kStretch) {
      const size_t place = size_t(row) * o.V + at;
      peaks[size_t(row) * each + at / kStretch] = isa().logits_peak(
          o.type, o.logits + place * o.item, o.bias ? o.bias + at : nullptr, std::min(kStretch, end - at), o.floats + place, inverse);
    }
  });
  for_items(o.B, threaded && o.B > 1, [&](int row) {
    choose(o, sampling, row, std::span(peaks).subspan(size_t(row) * each, each));
  });
}

class Sample : public Kernel {
 public:
  Sample(mx::Stream stream, Sampling sampling, bool has_bias) : Kernel(stream), sampling_(sampling), has_bias_(has_bias) {}
  DEFINE_NAME(Sample)

  // inputs: logits, bias if there is one, bits if the temperature is above 0   outputs: ids, logprobs
  void eval_cpu(const Arrays& inputs, Arrays& outputs) override {
    allocate(outputs);
    const Arrays in = row_contiguous(inputs);
    const bool as_they_are = in[0].dtype() == mx::float32 && !has_bias_;
    mx::array floats = as_they_are ? in[0] : mx::array(in[0].shape(), mx::float32, nullptr, {});
    if (!as_they_are) {
      floats.set_data(mx::allocator::malloc(floats.nbytes()));
      mx::cpu::get_command_encoder(stream()).add_temporary(floats);
    }
    dispatch([o = Operands{
                  in[0].shape(0), in[0].shape(1), type_of(in[0]), in[0].data<uint8_t>(), in[0].itemsize(),
                  has_bias_ ? in[1].data<float>() : nullptr, sampling_.temperature > 0 ? in.back().data<uint32_t>() : nullptr,
                  floats.data<float>(), outputs[0].data<uint32_t>(), outputs[1].data<float>()},
              sampling = sampling_] { run(o, sampling); });
  }

 private:
  Sampling sampling_;
  bool has_bias_;
};

}  // namespace

Arrays sample(
    const mx::array& logits, const std::optional<mx::array>& bias, const std::optional<mx::array>& bits, const Sampling& sampling) {
  if (logits.ndim() != 2 || logits.shape(1) == 0 || !is_floating(logits.dtype())) {
    throw std::invalid_argument("sample needs logits [B, V] in floating point");
  }
  const int rows = logits.shape(0);
  if (bias && (bias->shape() != mx::Shape{logits.shape(1)} || bias->dtype() != mx::float32)) {
    throw std::invalid_argument("sample needs a bias [V] in float32");
  }
  if (sampling.temperature > 0 && (!bits || bits->shape() != mx::Shape{rows, 2} || bits->dtype() != mx::uint32)) {
    throw std::invalid_argument("sample needs bits [B, 2] in uint32");
  }
  Sampling finite = sampling;
  if (sampling.temperature > 0) finite.temperature = std::max(sampling.temperature, kSmallestTemperature);
  Arrays inputs = {logits};
  if (bias) inputs.push_back(*bias);
  if (sampling.temperature > 0) inputs.push_back(*bits);
  return run_kernel<Sample>({{rows}, {rows}}, {mx::uint32, mx::float32}, std::move(inputs), finite, bias.has_value());
}

}  // namespace cygnet::cpu

#endif
