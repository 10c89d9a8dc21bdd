#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "isa/isa.h"
#include "kernel.h"
#include "scratch.h"

// Attention from what the projections give to what the output projection takes: RMSNorm and rotation of heads, appending to a
// cache, softmax(q kᵀ · scale) v.
// B batch · H query heads · K key/value heads · G = H / K · L queries · S keys · E head size

namespace cygnet::cpu {

namespace mx = mlx::core;
constexpr float kLog2E = 1.44269504088896340736f;

// A text among several: so many new tokens, those that it has, and the pages of the cache where its tokens lie in order.
struct Text {
  int count = 0, past = 0;
  std::span<const int32_t> pages;
};

// Texts whose new tokens lie one after the other in one array [1, L, …]. Their cache is pages of `page` tokens, [pages, K, page, E],
// instead of rows.
struct Texts {
  int page = 0;
  std::vector<Text> all;
  std::vector<int32_t> numbers;  // what `all` points into
};

struct AttentionSettings {
  int heads = 0, kv_heads = 0;  // 0: q, k, v have an axis of heads, [B, H, L, E]
  float scale = 1;
  bool causal = false;
  int window = 0;        // keys that a query sees, with its own place the last; 0: all
  float cap = 0;         // scores become cap · tanh(score / cap); 0: as they are
  float eps = 0;         // of the norms
  bool traditional = false;
  int offset = 0;        // position of the first query, and tokens in the cache
  // Which inputs follow q, k, v: weights of q's and k's norms [E], frequencies [pairs], a mask, a cache's keys and values
  // [B, K, capacity, E].
  bool has_norms = false, has_frequencies = false, has_mask = false, has_cache = false;
  std::shared_ptr<const Texts> texts = nullptr;  // or null: B rows of one length

  int norms() const { return 3; }
  int frequencies() const { return norms() + 2 * has_norms; }
  int mask() const { return frequencies() + has_frequencies; }
  int cache() const { return mask() + has_mask; }
  int end() const { return cache() + 2 * has_cache; }
};

// Vectors of E elements by batch, head and token. Steps in bytes.
struct HeadView {
  uint8_t* data = nullptr;
  int64_t batch = 0, head = 0, token = 0;

  uint8_t* at(int b, int h, int t) const { return data + b * batch + h * head + t * token; }
};

// Boolean, or added to scores; any strides, in elements.
struct MaskView {
  const uint8_t* data = nullptr;
  bool is_boolean = false;
  Type type = Type::f32;
  int64_t batch = 0, head = 0, query = 0, key = 0;

  // Of `count` keys from `first` on → to, `step` apart, in logarithms to base 2.
  void read(int b, int h, int l, int first, int count, float* to, int64_t step) const;
};

// An attention with all its arrays in memory.
struct AttentionJob {
  int B = 0, H = 0, K = 0, L = 0, S = 0, E = 0;
  Type type = Type::f32;
  AttentionSettings settings;
  int threads = 1;               // to plan for: the pool's when the job was made
  HeadView q, k, v, out;         // k, v: the last tokens of S
  HeadView keys, values;         // the cache's, if there is one
  HeadSteps q_steps, k_steps;    // their norms by `prepare`
  struct Weights {
    const void* data = nullptr;
    Type type = Type::f32;
  } q_norm, k_norm;
  const float* frequencies = nullptr;
  const int32_t* pages = nullptr;    // of the cache, if it has pages, of so many tokens each
  int page = 0;
  const float* rotations = nullptr;  // [L, 2 · pairs], by `prepare`
  MaskView mask;
  float* lse = nullptr;          // [B, H, L], to base 2

  // Brings norms to float32; then computes rotations. They live in `scratch`.
  void prepare_norms(Scratch& scratch);
  void prepare(Scratch& scratch);

  int group() const { return H / K; }
  int columns() const { return group() * L; }  // queries of a key/value head
  int past() const { return settings.has_cache ? settings.offset : 0; }
  int64_t bytes() const { return type == Type::f32 ? 4 : 2; }
  // What queries are multiplied with so that scores come out as `ScoreBlock` takes them, and the cap there.
  float q_factor() const;
  float cap() const;
  // Keys that query l sees.
  int first(int l) const { return settings.window > 0 ? std::max(0, S - L + l + 1 - settings.window) : 0; }
  int last(int l) const { return settings.causal || settings.window > 0 ? S - L + l + 1 : S; }
  const float* rotation(int token) const { return rotations ? rotations + int64_t(token) * 2 * q_steps.pairs : nullptr; }
  // A token of the cache's keys or values.
  uint8_t* cached(const HeadView& view, int b, int h, int t) const {
    return pages ? view.at(pages[t / page], h, t % page) : view.at(b, h, t);
  }
  float k_factor() const { return settings.cap != 0 ? settings.cap : 1 / kLog2E; }  // and sums of queries for dK
  // Keys go into products as they come.
  bool plain_keys() const { return !k_norm.data && !k_steps.pairs; }
};

// A job but for where q, k, v, the cache and the output lie. inputs: as `settings` tells, from its norms on.
AttentionJob attention_job(const AttentionSettings& settings, const Arrays& inputs, Type type, int B, int L, int new_keys, int E);
// [B, K, capacity, E]
HeadView cache_view(const mx::array& a);
// Throws where a cache does not fit new tokens like [B, K, L, E].
void check_cache(const Arrays& inputs, const AttentionSettings& settings, const mx::Shape& like, mx::Dtype dtype);

// Queries of a key/value head in tiles of Micro::cols columns: query c is token c % L of head c / L of its group.
class Columns {
 public:
  Columns(const AttentionJob& job, int kv, int begin, int count, int tile, Scratch& scratch);

  const int begin, count, tile, tiles;
  // Of tile t: keys that some of it sees.
  int low(int t) const { return limits_[t].low; }
  int high(int t) const { return limits_[t].high; }
  int used(int t) const { return std::min(tile, count - t * tile); }
  void fill(ScoreBlock& block, int t) const;

  struct Query {
    int head, token;
  };
  Query query(int t, int i) const {
    const int c = begin + t * tile + i;
    return {first_head_ + c / length_, c % length_};
  }

 private:
  struct Limits {
    int low, high, all_first, all_last;
  };
  int first_head_, length_;
  int32_t *first_, *last_;  // of each column; none seen beyond `count`
  Limits* limits_;
};

// The mask for a block of keys by a tile of columns, or null.
float* mask_block(const AttentionJob& job, int b, const Columns& columns, int t, int key, int count, float* to);

// Blocks of keys that go through the products together.
struct KeyBlocks {
  KeyBlocks(const AttentionJob& job, int size);

  const Panels& loops;
  const ScoreLoops& scores;
  int chunk, unit;         // Depths are multiples of chunk; of unit, which Micro::rows divides too, blocks of keys.
  int size, count;         // keys of a block, blocks
  int depth, width;        // E as a depth, and as rows
  Type panel_type() const { return loops.element == 2 ? Type::bf16 : Type::f32; }
  int padded(int keys) const { return (keys + unit - 1) / unit * unit; }
  int64_t key_bytes() const { return int64_t(size) * depth * loops.element; }
  int64_t value_bytes() const { return int64_t(size) * width * loops.element; }
};

// Tokens of a head lie a page or so apart: asks for one that comes soon.
constexpr int kRowsAhead = 8;
void fetch(const AttentionJob& job, const HeadView& view, int b, int h, int token);

// Rows of a head as they lie.
Matrix rows_of(const AttentionJob& job, const HeadView& view, int b, int h, int first, int count);
// Rows of the cache, put together where they lie in several pages.
Matrix cached_rows(const AttentionJob& job, const HeadView& view, int b, int h, int first, int count, Scratch& scratch);
// Keys [first, first + count) of a job without a cache, after their steps.
Matrix made_keys(const AttentionJob& job, int b, int kv, int first, int count, Type type, Scratch& scratch);
// Queries of columns [begin, begin + count), times q_factor, and other rows as they lie.
Matrix made_queries(const AttentionJob& job, int b, const Columns& columns, int begin, int count, Type type, Scratch& scratch);

// Puts new tokens [first, last) of a key/value head into the cache.
void place_new(const AttentionJob& job, int b, int kv, int first, int last);

// Attention forward, of each text if there are several. panels: attend_bytes(job) bytes.
size_t attend_bytes(const AttentionJob& job);
void attend(AttentionJob job, uint8_t* panels);

// Prepared jobs without texts. Many queries:
size_t attend_blockwise_bytes(const AttentionJob& job);
void attend_blockwise(const AttentionJob& job, uint8_t* panels);
// Few queries over keys that lie in memory:
bool is_for_few(const AttentionJob& job);
void attend_few(std::span<const AttentionJob> jobs);

struct AttentionGradients {
  HeadView d_out, dq, dk, dv;
  float *dq_norm = nullptr, *dk_norm = nullptr;
};
// partial: attend_gradient_bytes(job) bytes.
size_t attend_gradient_bytes(const AttentionJob& job);
void attend_gradient(const AttentionJob& job, const AttentionGradients& gradients, uint8_t* partial);

// q [B, L, H · E], k, v [B, L, K · E], or with an axis of heads, and what settings.has_… name → out, like q; and with a cache
// its keys and values with those of the new tokens, in the same memory where nobody else has it.
Arrays attention(Arrays inputs, const AttentionSettings& settings);

}  // namespace cygnet::cpu
