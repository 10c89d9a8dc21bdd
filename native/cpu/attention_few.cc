#include <algorithm>
#include <cmath>

#include "attention.h"
#include "parallel.h"

// A few queries over many keys, as in decoding: keys and values are read once, where they lie, at the speed of memory. Items
// take ranges of keys; what they sum comes together in the end.

namespace cygnet::cpu {
namespace {

constexpr int kSmallestRange = 256, kLargestRange = 4096;
constexpr int kItemsPerThread = 2;

class Few {
 public:
  // beside: other jobs that run at the same time.
  Few(const AttentionJob& job, int beside, Scratch& scratch) : job_(job), columns_(job.columns()) {
    const int wanted = (kItemsPerThread * job.threads + heads() * (1 + beside) - 1) / (heads() * (1 + beside));
    const int even = (job.S + wanted - 1) / wanted;
    range_ = job.pages ? job.page : std::clamp(even, kSmallestRange, kLargestRange);
    ranges_ = (job.S + range_ - 1) / range_;
    const int64_t partials = int64_t(items()) * columns_;
    maxima_ = scratch.get<float>(partials);
    sums_ = scratch.get<float>(partials);
    outputs_ = scratch.get<float>(partials * job_.E);
  }

  int items() const { return heads() * ranges_; }

  void run(int item) const {
    const int head = item / ranges_;
    sum_range(head / job_.K, head % job_.K, item % ranges_);
  }

  void finish() const {
    for (int head = 0; head < heads(); head++) {
      for (int c = 0; c < columns_; c++) combine(head / job_.K, head % job_.K, c);
    }
  }

 private:
  int heads() const { return job_.B * job_.K; }
  int64_t place(int b, int kv, int range) const { return ((int64_t(b) * job_.K + kv) * ranges_ + range) * columns_; }

  void sum_range(int b, int kv, int range) const {
    const AttentionLoops& loops = isa().attention;
    Scratch& scratch = Scratch::mine();
    Scratch::Frame frame(scratch);
    const int begin = range * range_, end = std::min(job_.S, begin + range_), E = job_.E;
    if (job_.settings.has_cache) place_new(job_, b, kv, std::max(begin, job_.past()), end);
    const HeadView& keys = job_.settings.has_cache ? job_.keys : job_.k;  // a range lies in one page
    const HeadView& values = job_.settings.has_cache ? job_.values : job_.v;
    float* q = scratch.get<float>(int64_t(columns_) * E);
    float* mask = job_.settings.has_mask ? scratch.get<float>(range_) : nullptr;
    float* scores = scratch.get<float>(int64_t(columns_) * range_);
    float* out = outputs_ + place(b, kv, range) * E;
    std::fill(out, out + int64_t(columns_) * E, 0.0f);
    int low = end, high = begin;
    for (int c = 0; c < columns_; c++) {
      const auto [h, l] = query(kv, c);
      loops.head(job_.q_steps, job_.rotation(l), job_.type, job_.q.at(b, h, l), job_.q_factor(), Type::f32, q + int64_t(c) * E);
      low = std::clamp(job_.first(l), begin, low), high = std::clamp(job_.last(l), high, end);
    }
    high = std::max(low, high);
    loops.few_scores(job_.type, job_.cached(keys, b, kv, low), keys.token, high - low, E, q, columns_, scores, range_);
    for (int c = 0; c < columns_; c++) {
      const auto [h, l] = query(kv, c);
      const int first = std::clamp(job_.first(l), low, high), last = std::clamp(job_.last(l), first, high);
      float* row = scores + int64_t(c) * range_;
      if (mask) job_.mask.read(b, h, l, first, last - first, mask, 1);
      const int64_t at = place(b, kv, range) + c;
      maxima_[at] = loops.few_softmax(row + (first - low), last - first, job_.cap(), mask, &sums_[at]);
      std::fill(row, row + (first - low), 0.0f);
      std::fill(row + (last - low), row + (high - low), 0.0f);
    }
    loops.few_values(job_.type, job_.cached(values, b, kv, low), values.token, high - low, E, scores, range_, columns_, out);
  }

  Columns::Query query(int kv, int c) const { return {kv * job_.group() + c / job_.L, c % job_.L}; }

  void combine(int b, int kv, int c) const {
    const auto [h, l] = query(kv, c);
    const int E = job_.E;
    const int64_t start = place(b, kv, 0) + c;
    float most = -INFINITY;
    for (int r = 0; r < ranges_; r++) {
      const float m = maxima_[start + int64_t(r) * columns_];
      most = m > most || std::isnan(m) ? m : most;
    }
    float sum = 0;
    float* total = outputs_ + start * E;
    for (int r = 0; r < ranges_; r++) {
      const int64_t at = start + int64_t(r) * columns_;
      const float factor = maxima_[at] == -INFINITY ? 0 : std::exp2(maxima_[at] - most);
      sum += factor * sums_[at];
      if (r == 0 && factor == 1) continue;
      const float* part = outputs_ + at * E;
      for (int e = 0; e < E; e++) total[e] = (r == 0 ? 0 : total[e]) + factor * part[e];
    }
    isa().attention.convert(total, E, sum == 0 ? 0 : 1 / sum, job_.type, job_.out.at(b, h, l));
    if (job_.lse) job_.lse[(int64_t(b) * job_.H + h) * job_.L + l] = most + std::log2(sum);
  }

  const AttentionJob& job_;
  int columns_, range_, ranges_;
  float *maxima_ = nullptr, *sums_ = nullptr, *outputs_ = nullptr;
};

}  // namespace

bool is_for_few(const AttentionJob& job) {
  return job.columns() <= kMostFew && (job.settings.has_cache || job.plain_keys());
}

void attend_few(std::span<const AttentionJob> jobs) {
  Scratch& scratch = Scratch::mine();
  Scratch::Frame frame(scratch);
  std::vector<Few> all;
  std::vector<int> ends;  // of each one's items among those of all
  for (const AttentionJob& job : jobs) {
    if (job.B == 0 || job.columns() == 0) continue;
    all.emplace_back(job, static_cast<int>(jobs.size()) - 1, scratch);
    ends.push_back((ends.empty() ? 0 : ends.back()) + all.back().items());
  }
  if (all.empty()) return;
  parallel_items(ends.back(), [&](int item) {
    const auto at = std::upper_bound(ends.begin(), ends.end(), item) - ends.begin();
    all[at].run(item - (at > 0 ? ends[at - 1] : 0));
  });
  parallel_ranges(all.size(), 4, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i++) all[i].finish();
  });
}

}  // namespace cygnet::cpu
