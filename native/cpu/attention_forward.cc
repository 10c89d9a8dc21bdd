#include <algorithm>
#include <cmath>

#include "attention.h"
#include "parallel.h"
#include "product.h"

// Blockwise attention (Dao et al. 2022, arXiv:2205.14135): a tile of queries meets a block of keys at a time, and what it has
// summed so far is scaled when its greatest score grows. Scores lie [keys, queries], so that maxima and sums of a query run
// down a lane. Keys and values are packed once for all queries.

namespace cygnet::cpu {
namespace {

constexpr int kBlockKeys = 256;
// Tiles of queries that an item takes over each block of keys, while it lies in its core's cache.
constexpr int kTilesPerItem = 4;
constexpr int kItemsPerThread = 4;

int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

class Forward {
 public:
  Forward(const AttentionJob& job, uint8_t* panels) : job_(job), blocks_(job, kBlockKeys), panels_(panels) {}

  void run() {
    parallel_items(job_.B * job_.K * blocks_.count, [&](int item) {
      const int head = item / blocks_.count;
      pack(head / job_.K, head % job_.K, item % blocks_.count);
    });
    const int tile = blocks_.loops.micro.cols, tiles = (job_.columns() + tile - 1) / tile, heads = job_.B * job_.K;
    int each = kTilesPerItem;
    while (each > 1 && heads * ((tiles + each - 1) / each) < kItemsPerThread * job_.threads) each--;
    const int items = (tiles + each - 1) / each, width = each * tile;
    parallel_items(heads * items, [&](int item) {
      const int head = item / items, begin = (items - 1 - item % items) * width;  // a head's long rows first
      attend(head / job_.K, head % job_.K, begin, std::min(width, job_.columns() - begin));
    });
  }

 private:
  uint8_t* key_panel(int b, int kv, int block) const {
    return panels_ + ((int64_t(b) * job_.K + kv) * blocks_.count + block) * (blocks_.key_bytes() + blocks_.value_bytes());
  }

  void pack(int b, int kv, int block) const {
    Scratch& scratch = Scratch::mine();
    Scratch::Frame frame(scratch);
    const int first = block * blocks_.size, count = std::min(blocks_.size, job_.S - first);
    uint8_t* to = key_panel(b, kv, block);
    Matrix keys, values;
    if (job_.settings.has_cache) {
      place_new(job_, b, kv, std::max(first, job_.past()), first + count);
      keys = cached_rows(job_, job_.keys, b, kv, first, count, scratch);
      values = cached_rows(job_, job_.values, b, kv, first, count, scratch);
    } else {
      keys = made_keys(job_, b, kv, first, count, blocks_.panel_type(), scratch);
      values = rows_of(job_, job_.v, b, kv, first, count);
    }
    blocks_.loops.pack_a(keys, 0, count, 0, job_.E, blocks_.depth, to);
    blocks_.loops.pack_a_transposed(values, 0, job_.E, 0, count, blocks_.padded(count), to + blocks_.key_bytes());
  }

  // What an item knows of its columns: arrays of tiles.
  struct State {
    uint8_t* queries;  // panels B
    float *maxima, *sums, *outputs;
    bool* started;
  };

  void attend(int b, int kv, int begin, int count) const {
    Scratch& scratch = Scratch::mine();
    Scratch::Frame frame(scratch);
    const int tile = blocks_.loops.micro.cols;
    const Columns columns(job_, kv, begin, count, tile, scratch);
    const int tiles = columns.tiles, padded = tiles * tile;
    State state{pack_queries(b, columns, scratch), scratch.get<float>(padded), scratch.get<float>(padded),
                scratch.get<float>(int64_t(padded) * blocks_.width), scratch.get<bool>(tiles)};
    std::fill(state.maxima, state.maxima + padded, -INFINITY);
    std::fill(state.sums, state.sums + padded, 0.0f);
    std::fill(state.started, state.started + tiles, false);
    float* scores = scratch.get<float>(int64_t(blocks_.size) * tile);
    float* mask = job_.settings.has_mask ? scratch.get<float>(int64_t(blocks_.size) * tile) : nullptr;
    uint8_t* weights = scratch.get<uint8_t>(int64_t(blocks_.size) * tile * blocks_.loops.element);

    int low = job_.S, high = 0;
    for (int t = 0; t < tiles; t++) low = std::min(low, columns.low(t)), high = std::max(high, columns.high(t));
    for (int block = low / blocks_.size; block * blocks_.size < high; block++) {
      for (int t = 0; t < tiles; t++) meet(b, kv, block, columns, t, state, scores, mask, weights);
    }
    for (int t = 0; t < tiles; t++) finish(b, columns, t, state);
  }

  uint8_t* pack_queries(int b, const Columns& columns, Scratch& scratch) const {
    uint8_t* panel = scratch.get<uint8_t>(int64_t(columns.tiles) * columns.tile * blocks_.depth * blocks_.loops.element);
    Scratch::Frame frame(scratch);
    const Matrix rows = made_queries(job_, b, columns, 0, columns.count, blocks_.panel_type(), scratch);
    blocks_.loops.pack_b_transposed(rows, 0, columns.count, 0, job_.E, blocks_.depth, panel);
    return panel;
  }

  // Tile t of the queries meets a block of keys.
  void meet(int b, int kv, int block, const Columns& columns, int t, State& state, float* scores, float* mask, uint8_t* weights) const {
    const auto& [loops, score_loops, chunk, unit, size, blocks, depth, width] = blocks_;
    const int rows = loops.micro.rows, tile = columns.tile, start = block * size;
    const int begin = std::max(columns.low(t) - start, 0) / unit * unit, end = std::min(columns.high(t) - start, size);
    if (begin >= end) return;
    const int count = end - begin, used = columns.used(t);
    const uint8_t* keys = key_panel(b, kv, block);
    const uint8_t* queries = state.queries + int64_t(t) * tile * depth * loops.element;
    for (int k = 0; k < count; k += rows) {
      loops.micro.multiply(depth, keys + int64_t(begin + k) * depth * loops.element, queries, scores + k * tile, false, used, nullptr);
    }
    ScoreBlock s{scores, start + begin, count, job_.cap(), nullptr, nullptr, nullptr, 0, 0};
    columns.fill(s, t);
    if (mask) s.mask = mask_block(job_, b, columns, t, s.key, count, mask);
    const int padded = static_cast<int>(round_up(count, chunk));
    alignas(64) float correction[64];
    float* out = state.outputs + int64_t(t) * tile * width;
    const bool changed = score_loops.softmax(s, padded, state.maxima + t * tile, state.sums + t * tile, correction, weights);
    if (changed && state.started[t]) isa().attention.scale_columns(out, width, correction);
    const uint8_t* values = keys + blocks_.key_bytes() + int64_t(begin) * rows * loops.element;
    const int64_t value_tile = int64_t(blocks_.padded(std::min(size, job_.S - start))) * rows * loops.element;
    for (int e = 0; e < width; e += rows, values += value_tile) {
      loops.micro.multiply(padded, values, weights, out + e * tile, state.started[t], used, nullptr);
    }
    state.started[t] = true;
  }

  void finish(int b, const Columns& columns, int t, const State& state) const {
    Scratch& scratch = Scratch::mine();
    Scratch::Frame frame(scratch);
    const int tile = columns.tile, width = blocks_.width;
    float* out = state.outputs + int64_t(t) * tile * width;
    float* rows = scratch.get<float>(int64_t(tile) * width);
    float* sums = state.sums + t * tile;
    if (!state.started[t]) std::fill(out, out + int64_t(tile) * width, 0.0f);
    isa().attention.turn(out, width, rows, width);
    for (int i = 0; i < columns.used(t); i++) {
      const auto [h, l] = columns.query(t, i);
      const float factor = sums[i] == 0 ? 0 : 1 / sums[i];  // a query that sees no key gives zeros
      isa().attention.convert(rows + int64_t(i) * width, job_.E, factor, job_.type, job_.out.at(b, h, l));
      if (job_.lse) job_.lse[(int64_t(b) * job_.H + h) * job_.L + l] = state.maxima[t * tile + i] + std::log2(sums[i]);
    }
  }

  const AttentionJob& job_;
  const KeyBlocks blocks_;
  uint8_t* panels_;
};

}  // namespace

size_t attend_blockwise_bytes(const AttentionJob& job) {
  const KeyBlocks blocks(job, kBlockKeys);
  return size_t(job.B) * job.K * blocks.count * (blocks.key_bytes() + blocks.value_bytes());
}

void attend_blockwise(const AttentionJob& job, uint8_t* panels) { Forward(job, panels).run(); }

}  // namespace cygnet::cpu
