#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "attention.h"
#include "parallel.h"
#include "product.h"

// The gradient of blockwise attention, from each query's log-sum-exp. An item takes some blocks of keys of a head through all
// of its queries: dK and dV of a block come together in its core's cache, dQ in a partial sum of the item's own. Scores lie
// [keys, queries], which makes panels for dV = Pᵀ dO, dK = dSᵀ Q and dQᵀ = Kᵀ dSᵀ without a transposition.

namespace cygnet::cpu {
namespace {

constexpr int kBlockKeys = 192, kFewestKeys = 64;
constexpr int kTilesPerBlock = 8;  // of queries: a depth that is long enough for the products
constexpr int kItemsPerThread = 2;
constexpr int kTilesPerEnd = 8;    // that an item turns from a sum to a gradient

// How keys are shared out.
struct Plan {
  explicit Plan(const AttentionJob& job) : blocks(job, block_size(job)), tile(blocks.loops.micro.cols) {
    splits = std::clamp(wanted(job), 1, std::max(blocks.count, 1));
    tiles = (job.columns() + tile - 1) / tile;
    sum = int64_t(blocks.width) * tile;
  }

  KeyBlocks blocks;
  int splits, tile, tiles;
  int64_t sum;  // floats of a tile's dQ

 private:
  static int wanted(const AttentionJob& job) {
    const int heads = std::max(job.B * job.K, 1);
    return (kItemsPerThread * job.threads + heads - 1) / heads;
  }
  static int block_size(const AttentionJob& job) { return std::clamp((job.S + wanted(job) - 1) / wanted(job), kFewestKeys, kBlockKeys); }
};

// Queries and gradients of outputs of a head's group, packed for all products. Panels by blocks of kTilesPerBlock tiles.
struct PackedQueries {
  uint8_t *queries, *d_out;              // B: depth E, columns queries
  uint8_t *queries_across, *d_across;    // B: depth queries, columns E
  float *lse, *means, *hidden;           // TileSums of each column
};

class Backward {
 public:
  Backward(const AttentionJob& job, const AttentionGradients& gradients, uint8_t* partial)
      : job_(job), gradients_(gradients), plan_(job), loops_(plan_.blocks.loops), rows_(loops_.micro.rows), tile_(plan_.tile),
        across_((job.E + tile_ - 1) / tile_), partial_(reinterpret_cast<float*>(partial)) {}

  void run() {
    const int heads = job_.B * job_.K, items = heads * plan_.splits, ends = (plan_.tiles + kTilesPerEnd - 1) / kTilesPerEnd;
    std::vector<float> dk_norms(gradients_.dk_norm ? size_t(items) * job_.E : 0);
    std::vector<float> dq_norms(gradients_.dq_norm ? size_t(heads) * ends * job_.E : 0);
    parallel_items(items, [&](int item) {
      const int head = item / plan_.splits;
      run_item(head / job_.K, head % job_.K, item % plan_.splits, dk_norms.empty() ? nullptr : &dk_norms[size_t(item) * job_.E]);
    });
    parallel_items(heads * ends, [&](int item) {
      const int head = item / ends;
      end_queries(head / job_.K, head % job_.K, item % ends * kTilesPerEnd, dq_norms.empty() ? nullptr : &dq_norms[size_t(item) * job_.E]);
    });
    add_up(dk_norms, gradients_.dk_norm);
    add_up(dq_norms, gradients_.dq_norm);
  }

 private:
  int64_t across_bytes() const { return int64_t(kTilesPerBlock) * tile_ * across_ * tile_ * loops_.element; }
  float* partial(int b, int kv, int split, int t) const {
    return partial_ + (((int64_t(b) * job_.K + kv) * plan_.splits + split) * plan_.tiles + t) * plan_.sum;
  }

  // An item's working memory.
  struct Work {
    PackedQueries packed;
    uint8_t *keys, *values, *keys_across;  // panels A of a block of keys
    float *dk, *dv;                        // [keys / rows, across, rows, tile]
    uint8_t *p, *g;                        // panels A: keys by a block of queries
    uint8_t* g_turned;                     // panels B of tiles of queries by keys
    float* mask;
    bool *started, *keys_started;          // of dQ's tiles, of tiles of keys
  };

  void run_item(int b, int kv, int split, float* dk_norm) const {
    Scratch& scratch = Scratch::mine();
    Scratch::Frame frame(scratch);
    const KeyBlocks& blocks = plan_.blocks;
    const Columns columns(job_, kv, 0, job_.columns(), tile_, scratch);
    const int64_t element = loops_.element, keys = blocks.size, queries = kTilesPerBlock * tile_;
    Work work{pack_queries(b, columns, scratch),
              scratch.get<uint8_t>(blocks.key_bytes()), scratch.get<uint8_t>(blocks.key_bytes()), scratch.get<uint8_t>(blocks.value_bytes()),
              scratch.get<float>(keys * across_ * tile_), scratch.get<float>(keys * across_ * tile_),
              scratch.get<uint8_t>(keys * queries * element), scratch.get<uint8_t>(keys * queries * element),
              scratch.get<uint8_t>(keys * queries * element), scratch.get<float>(rows_ * tile_),
              scratch.get<bool>(columns.tiles), scratch.get<bool>(keys / rows_)};
    std::fill(work.started, work.started + columns.tiles, false);
    for (int block = split; block < blocks.count; block += plan_.splits) {
      const int first = block * blocks.size, count = std::min(blocks.size, job_.S - first);
      pack_keys(b, kv, first, count, work, scratch);
      std::fill(work.keys_started, work.keys_started + keys / rows_, false);
      for (int t = 0; t < columns.tiles; t += kTilesPerBlock) meet(b, kv, split, first, count, columns, t, work);
      end_keys(b, kv, first, count, work, dk_norm);
    }
    for (int t = 0; t < columns.tiles; t++) {
      if (!work.started[t]) std::fill_n(partial(b, kv, split, t), plan_.sum, 0.0f);
    }
  }

  PackedQueries pack_queries(int b, const Columns& columns, Scratch& scratch) const {
    const KeyBlocks& blocks = plan_.blocks;
    const int width = kTilesPerBlock * tile_, wide = (columns.tiles + kTilesPerBlock - 1) / kTilesPerBlock;
    const int64_t size = int64_t(width) * blocks.depth * loops_.element, padded = int64_t(wide) * width;
    PackedQueries to{scratch.get<uint8_t>(wide * size), scratch.get<uint8_t>(wide * size), scratch.get<uint8_t>(wide * across_bytes()),
                     scratch.get<uint8_t>(wide * across_bytes()), scratch.get<float>(padded), scratch.get<float>(padded), scratch.get<float>(padded)};
    // Columns beyond the queries have probabilities of 0.
    std::fill(to.lse, to.lse + padded, INFINITY);
    std::fill(to.means, to.means + padded, 0.0f);
    std::fill(to.hidden, to.hidden + padded, -INFINITY);
    const Type type = blocks.panel_type();
    for (int i = 0; i < wide; i++) {
      Scratch::Frame frame(scratch);
      const int begin = i * width, count = std::min(width, columns.count - begin);
      const Matrix q = made_queries(job_, b, columns, begin, count, type, scratch);
      const Matrix d = dense(type, scratch.get<uint8_t>(size_t(count) * q.row_bytes), count, job_.E);
      for (int c = 0; c < count; c++) {
        const auto [h, l] = columns.query(0, begin + c);
        if (c + kRowsAhead < count) {
          const auto [next_h, next_l] = columns.query(0, begin + c + kRowsAhead);
          fetch(job_, gradients_.d_out, b, next_h, next_l);
          fetch(job_, job_.out, b, next_h, next_l);
        }
        const uint8_t* d_out = gradients_.d_out.at(b, h, l);
        loops_.unpack(dense(job_.type, d_out, 1, job_.E), 0, 0, job_.E, const_cast<uint8_t*>(d.row(c)));
        to.lse[begin + c] = job_.lse[(int64_t(b) * job_.H + h) * job_.L + l];
        if (to.lse[begin + c] <= kHidden) {
          to.hidden[begin + c] = 0;
          to.lse[begin + c] = std::log2(static_cast<float>(job_.last(l) - job_.first(l)));
        }
        to.means[begin + c] = isa().attention.dot(job_.type, d_out, job_.out.at(b, h, l), job_.E);
      }
      loops_.pack_b_transposed(q, 0, count, 0, job_.E, blocks.depth, to.queries + i * size);
      loops_.pack_b_transposed(d, 0, count, 0, job_.E, blocks.depth, to.d_out + i * size);
      loops_.pack_b(q, 0, job_.E, 0, count, width, to.queries_across + i * across_bytes());
      loops_.pack_b(d, 0, job_.E, 0, count, width, to.d_across + i * across_bytes());
    }
    return to;
  }

  void pack_keys(int b, int kv, int first, int count, const Work& work, Scratch& scratch) const {
    Scratch::Frame frame(scratch);
    const KeyBlocks& blocks = plan_.blocks;
    const Matrix keys = made_keys(job_, b, kv, first, count, blocks.panel_type(), scratch);
    const Matrix values = rows_of(job_, job_.v, b, kv, first, count);
    loops_.pack_a(keys, 0, count, 0, job_.E, blocks.depth, work.keys);
    loops_.pack_a(values, 0, count, 0, job_.E, blocks.depth, work.values);
    loops_.pack_a_transposed(keys, 0, job_.E, 0, count, blocks.padded(count), work.keys_across);
  }

  struct Range {
    int begin, end;
    bool is_empty() const { return begin >= end; }
  };

  // Tiles of keys, of `count` from `first` on, that tile t of queries sees.
  Range keys_of(const Columns& columns, int t, int first, int count) const {
    const int low = std::max(columns.low(t) - first, 0), high = std::min(columns.high(t) - first, count);
    return low < high ? Range{low / rows_, (high + rows_ - 1) / rows_} : Range{0, 0};
  }

  // A block of keys meets the tiles of queries from `start` on.
  void meet(int b, int kv, int split, int first, int count, const Columns& columns, int start, Work& work) const {
    const int tiles = std::min(kTilesPerBlock, columns.tiles - start), per_chunk = std::max(plan_.blocks.chunk / tile_, 1);
    const int per_unit = plan_.blocks.unit / rows_, key_tiles = plan_.blocks.padded(count) / rows_;
    Range seen[kTilesPerBlock] = {}, filled[kTilesPerBlock] = {};  // tiles of keys: seen, and up to whole units
    for (int t = 0; t < tiles; t++) {
      seen[t] = keys_of(columns, start + t, first, count);
      if (seen[t].is_empty()) continue;
      filled[t] = {seen[t].begin / per_unit * per_unit, std::min((seen[t].end + per_unit - 1) / per_unit * per_unit, key_tiles)};
    }
    for (int k = 0; k < key_tiles; k++) {
      Range queries{kTilesPerBlock, 0};  // tiles of queries that see some of these keys, up to whole chunks
      for (int t = 0; t < tiles; t++) {
        if (k < seen[t].begin || k >= seen[t].end) continue;
        queries = {std::min(queries.begin, t / per_chunk * per_chunk), std::max(queries.end, (t / per_chunk + 1) * per_chunk)};
      }
      for (int t = 0; t < kTilesPerBlock; t++) {
        const bool is_seen = k >= seen[t].begin && k < seen[t].end;
        if (is_seen) meet_tile(b, first, k, std::min(rows_, count - k * rows_), columns, start, t, work);
        else clear(k, t, t >= queries.begin && t < queries.end, k >= filled[t].begin && k < filled[t].end, work);
      }
      if (!queries.is_empty()) add_keys(k, start, queries, work);
    }
    for (int t = 0; t < tiles; t++) {
      if (!seen[t].is_empty()) add_queries(b, kv, split, start + t, t, filled[t], plan_.blocks.padded(count), work);
    }
  }

  uint8_t* turned(const Work& work, int t) const { return work.g_turned + int64_t(t) * tile_ * plan_.blocks.size * loops_.element; }
  int64_t panel_bytes() const { return int64_t(kTilesPerBlock) * tile_ * rows_ * loops_.element; }

  void meet_tile(int b, int first, int k, int count, const Columns& columns, int start, int t, const Work& work) const {
    const KeyBlocks& blocks = plan_.blocks;
    alignas(64) float scores[32 * 64], d[32 * 64];
    const int64_t keys = int64_t(k) * rows_ * blocks.depth * loops_.element, column = int64_t(start + t) * tile_;
    const int64_t queries = column * blocks.depth * loops_.element;
    loops_.micro.multiply(blocks.depth, work.keys + keys, work.packed.queries + queries, scores, false, tile_, nullptr);
    loops_.micro.multiply(blocks.depth, work.values + keys, work.packed.d_out + queries, d, false, tile_, nullptr);
    ScoreBlock block{scores, first + k * rows_, rows_, job_.cap(), nullptr, nullptr, nullptr, 0, 0};
    columns.fill(block, start + t);
    if (job_.settings.has_mask) {
      std::fill_n(work.mask, rows_ * tile_, 0.0f);
      block.mask = mask_block(job_, b, columns, start + t, block.key, count, work.mask);
    }
    uint8_t* g_turned = turned(work, t) + int64_t(k) * rows_ * tile_ * loops_.element;
    const TileSums sums{work.packed.lse + column, work.packed.means + column, work.packed.hidden + column};
    blocks.scores.gradient(block, sums, d, t * tile_, work.p + k * panel_bytes(), work.g + k * panel_bytes(), g_turned);
  }

  // Zeros where a tile of queries does not see tile k of keys.
  void clear(int k, int t, bool panels, bool turned_too, const Work& work) const {
    const int64_t element = loops_.element, width = std::min(tile_, plan_.blocks.chunk) * element;
    if (turned_too) std::memset(turned(work, t) + k * rows_ * tile_ * element, 0, rows_ * tile_ * element);
    if (!panels) return;
    for (int column = t * tile_; column < (t + 1) * tile_; column += plan_.blocks.chunk) {
      const int chunk = plan_.blocks.chunk;
      for (int r = 0; r < rows_; r++) {
        const int64_t at = k * panel_bytes() + ((int64_t(column / chunk) * rows_ + r) * chunk + column % chunk) * element;
        std::memset(work.p + at, 0, width);
        std::memset(work.g + at, 0, width);
      }
    }
  }

  // dV and dK of tile k of keys, from tiles of queries.
  void add_keys(int k, int start, Range queries, const Work& work) const {
    const int depth = (queries.end - queries.begin) * tile_, block = start / kTilesPerBlock;
    const int64_t skip_a = k * panel_bytes() + int64_t(queries.begin) * tile_ * rows_ * loops_.element;
    for (int e = 0; e < across_; e++) {
      const int64_t b = block * across_bytes() + (int64_t(e) * kTilesPerBlock + queries.begin) * tile_ * tile_ * loops_.element;
      const int64_t to = (int64_t(k) * across_ + e) * rows_ * tile_;
      loops_.micro.multiply(depth, work.p + skip_a, work.packed.d_across + b, work.dv + to, work.keys_started[k], tile_, nullptr);
      loops_.micro.multiply(depth, work.g + skip_a, work.packed.queries_across + b, work.dk + to, work.keys_started[k], tile_, nullptr);
    }
    work.keys_started[k] = true;
  }

  // dQᵀ of a tile of queries, from tiles of keys.
  void add_queries(int b, int kv, int split, int place, int t, Range keys, int padded, const Work& work) const {
    const int depth = (keys.end - keys.begin) * rows_;
    const int64_t skip = int64_t(keys.begin) * rows_ * loops_.element;
    float* to = partial(b, kv, split, place);
    for (int e = 0; e < plan_.blocks.width; e += rows_) {
      const uint8_t* a = work.keys_across + int64_t(e) * padded * loops_.element + skip * rows_;
      loops_.micro.multiply(depth, a, turned(work, t) + skip * tile_, to + e * tile_, work.started[place], tile_, nullptr);
    }
    work.started[place] = true;
  }

  void end_keys(int b, int kv, int first, int count, const Work& work, float* dk_norm) const {
    alignas(64) float row[kMaxHeadSize + 64];
    auto gather = [&](const float* from, int j) {
      for (int e = 0; e < across_; e++) {
        std::memcpy(row + e * tile_, from + ((int64_t(j / rows_) * across_ + e) * rows_ + j % rows_) * tile_, tile_ * sizeof(float));
      }
      if (!work.keys_started[j / rows_]) std::fill_n(row, job_.E, 0.0f);
    };
    for (int j = 0; j < count; j++) {
      const int token = first + j;
      if (j + kRowsAhead < count) {
        for (const HeadView* view : {&job_.k, &gradients_.dk, &gradients_.dv}) fetch(job_, *view, b, kv, token + kRowsAhead);
      }
      gather(work.dk, j);
      isa().attention.head_gradient(job_.k_steps, job_.rotation(token), job_.type, job_.k.at(b, kv, token), job_.k_factor(), row,
                                    gradients_.dk.at(b, kv, token), dk_norm);
      gather(work.dv, j);
      isa().attention.convert(row, job_.E, 1, job_.type, gradients_.dv.at(b, kv, token));
    }
  }

  // Tiles of dQ from `start` on, from what items summed.
  void end_queries(int b, int kv, int start, float* dq_norm) const {
    Scratch& scratch = Scratch::mine();
    Scratch::Frame frame(scratch);
    const Columns columns(job_, kv, start * tile_, std::min(kTilesPerEnd * tile_, job_.columns() - start * tile_), tile_, scratch);
    const int width = plan_.blocks.width;
    float* rows = scratch.get<float>(int64_t(tile_) * width);
    for (int t = 0; t < columns.tiles; t++) {
      float* sum = partial(b, kv, 0, start + t);
      for (int split = 1; split < plan_.splits; split++) {
        const float* part = partial(b, kv, split, start + t);
        for (int64_t i = 0; i < plan_.sum; i++) sum[i] += part[i];
      }
      isa().attention.turn(sum, width, rows, width);
      for (int i = 0; i < columns.used(t); i++) {
        const auto [h, l] = columns.query(t, i);
        if (t * tile_ + i + kRowsAhead < columns.count) {
          const auto [next_h, next_l] = columns.query(t, i + kRowsAhead);
          fetch(job_, job_.q, b, next_h, next_l);
          fetch(job_, gradients_.dq, b, next_h, next_l);
        }
        isa().attention.head_gradient(job_.q_steps, job_.rotation(l), job_.type, job_.q.at(b, h, l), job_.settings.scale,
                                      rows + int64_t(i) * width, gradients_.dq.at(b, h, l), dq_norm);
      }
    }
  }

  void add_up(const std::vector<float>& parts, float* to) const {
    if (!to) return;
    std::fill_n(to, job_.E, 0.0f);
    for (size_t i = 0; i < parts.size(); i++) to[i % job_.E] += parts[i];
  }

  const AttentionJob& job_;
  const AttentionGradients& gradients_;
  const Plan plan_;
  const Panels& loops_;
  const int rows_, tile_, across_;
  float* partial_;
};

}  // namespace

size_t attend_gradient_bytes(const AttentionJob& job) {
  const Plan plan(job);
  return size_t(job.B) * job.K * plan.splits * plan.tiles * plan.sum * sizeof(float);
}

void attend_gradient(const AttentionJob& job, const AttentionGradients& gradients, uint8_t* partial) {
  if (job.B > 0 && job.columns() > 0) Backward(job, gradients, partial).run();
}

}  // namespace cygnet::cpu
