#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "attention.h"
#include "parallel.h"
#include "product.h"

namespace cygnet::cpu {
namespace {

int round_up(int n, int unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

float AttentionJob::q_factor() const { return settings.cap != 0 ? settings.scale / settings.cap : settings.scale * kLog2E; }
float AttentionJob::cap() const { return settings.cap * kLog2E; }

void AttentionJob::prepare_norms(Scratch& scratch) {
  auto floats = [&](const Weights& from) -> const float* {
    if (!from.data) return nullptr;
    float* to = scratch.get<float>(E);
    isa().f32.unpack(dense(from.type, from.data, 1, E), 0, 0, E, to);
    return to;
  };
  q_steps.norm = floats(q_norm);
  k_steps.norm = floats(k_norm);
}

void AttentionJob::prepare(Scratch& scratch) {
  if (q_steps.pairs == 0) return;
  const int size = 2 * q_steps.pairs;
  float* to = scratch.get<float>(int64_t(L) * size);
  parallel_ranges(L, 64, [&](size_t begin, size_t end) {
    for (int i = static_cast<int>(begin); i < static_cast<int>(end); i++) {
      isa().attention.rotation(static_cast<float>(settings.offset + i), frequencies, q_steps.pairs, to + int64_t(i) * size);
    }
  });
  rotations = to;
}

KeyBlocks::KeyBlocks(const AttentionJob& job, int most)
    : loops(panel_for(job.type) == Panel::bf16 ? isa().b16 : isa().f32),
      scores(panel_for(job.type) == Panel::bf16 ? isa().attention.b16 : isa().attention.f32), chunk(64 / loops.element),
      unit(std::lcm(loops.micro.rows, chunk)) {
  size = round_up(std::clamp(job.S, 1, most), unit);
  count = (job.S + size - 1) / size;
  depth = round_up(job.E, chunk);
  width = round_up(job.E, loops.micro.rows);
}

Columns::Columns(const AttentionJob& job, int kv, int begin, int count, int tile, Scratch& scratch)
    : begin(begin), count(count), tile(tile), tiles((count + tile - 1) / tile), first_head_(kv * job.group()), length_(job.L),
      first_(scratch.get<int32_t>(tiles * tile)), last_(scratch.get<int32_t>(tiles * tile)), limits_(scratch.get<Limits>(tiles)) {
  for (int i = 0; i < tiles * tile; i++) {
    const int l = (begin + i) % job.L;
    first_[i] = i < count ? job.first(l) : 0;
    last_[i] = i < count ? job.last(l) : 0;
  }
  for (int t = 0; t < tiles; t++) {
    const int32_t *first = first_ + t * tile, *last = last_ + t * tile;
    const int n = used(t);
    limits_[t] = {*std::min_element(first, first + n), *std::max_element(last, last + n), *std::max_element(first, first + n),
                  *std::min_element(last, last + n)};
  }
}

void Columns::fill(ScoreBlock& block, int t) const {
  block.first = first_ + t * tile;
  block.last = last_ + t * tile;
  block.all_first = limits_[t].all_first;
  block.all_last = limits_[t].all_last;
}

Matrix rows_of(const AttentionJob& job, const HeadView& view, int b, int h, int first, int count) {
  Matrix m = dense(job.type, view.at(b, h, first), count, job.E);
  m.row_bytes = view.token;
  return m;
}

Matrix cached_rows(const AttentionJob& job, const HeadView& view, int b, int h, int first, int count, Scratch& scratch) {
  Matrix m = dense(job.type, job.cached(view, b, h, first), count, job.E);
  m.row_bytes = view.token;
  if (!job.pages || first / job.page == (first + count - 1) / job.page) return m;
  const int64_t bytes = job.E * job.bytes();
  uint8_t* to = scratch.get<uint8_t>(count * bytes);
  for (int t = 0; t < count; t++) std::memcpy(to + t * bytes, job.cached(view, b, h, first + t), bytes);
  return dense(job.type, to, count, job.E);
}

void fetch(const AttentionJob& job, const HeadView& view, int b, int h, int token) {
  const uint8_t* row = view.at(b, h, token);
  for (int64_t at = 0; at < job.E * job.bytes(); at += 64) __builtin_prefetch(row + at);
}

Matrix made_keys(const AttentionJob& job, int b, int kv, int first, int count, Type type, Scratch& scratch) {
  if (job.plain_keys()) return rows_of(job, job.k, b, kv, first, count);
  const Matrix m = dense(type, scratch.get<uint8_t>(size_t(count) * job.E * size_of(type)), count, job.E);
  uint8_t* to = const_cast<uint8_t*>(m.data);
  for (int j = first; j < first + count; j++, to += m.row_bytes) {
    if (j + kRowsAhead < first + count) fetch(job, job.k, b, kv, j + kRowsAhead);
    isa().attention.head(job.k_steps, job.rotation(j), job.type, job.k.at(b, kv, j), 1, type, to);
  }
  return m;
}

Matrix made_queries(const AttentionJob& job, int b, const Columns& columns, int begin, int count, Type type, Scratch& scratch) {
  const Matrix m = dense(type, scratch.get<uint8_t>(size_t(count) * job.E * size_of(type)), count, job.E);
  uint8_t* to = const_cast<uint8_t*>(m.data);
  const float factor = job.q_factor();
  for (int i = begin; i < begin + count; i++, to += m.row_bytes) {
    const auto [h, l] = columns.query(0, i);
    if (i + kRowsAhead < begin + count) {
      const auto [next_h, next_l] = columns.query(0, i + kRowsAhead);
      fetch(job, job.q, b, next_h, next_l);
    }
    isa().attention.head(job.q_steps, job.rotation(l), job.type, job.q.at(b, h, l), factor, type, to);
  }
  return m;
}

void place_new(const AttentionJob& job, int b, int kv, int first, int last) {
  for (int j = first; j < last; j++) {
    const int token = j - job.past();
    isa().attention.head(
        job.k_steps, job.rotation(token), job.type, job.k.at(b, kv, token), 1, job.type, job.cached(job.keys, b, kv, j));
    std::memcpy(job.cached(job.values, b, kv, j), job.v.at(b, kv, token), job.E * job.bytes());
  }
}

void MaskView::read(int b, int h, int l, int first, int count, float* to, int64_t step) const {
  const int size = is_boolean ? 1 : type == Type::f32 ? 4 : 2;
  const uint8_t* from = data + (b * batch + h * head + l * query + first * key) * size;
  for (int i = 0; i < count; i++, from += key * size, to += step) {
    if (is_boolean) {
      *to = *from ? 0 : kHidden;
      continue;
    }
    float value;
    isa().f32.unpack(dense(type, from, 1, 1), 0, 0, 1, &value);
    value *= kLog2E;
    *to = std::isinf(value) ? std::copysign(std::isinf(value / kLog2E) ? INFINITY : -kHidden, value) : value;
  }
}

float* mask_block(const AttentionJob& job, int b, const Columns& columns, int t, int key, int count, float* to) {
  if (!job.settings.has_mask) return nullptr;
  for (int i = 0; i < columns.tile; i++) {
    if (i < columns.used(t)) {
      const auto [h, l] = columns.query(t, i);
      job.mask.read(b, h, l, key, count, to + i, columns.tile);
    } else {
      for (int j = 0; j < count; j++) to[j * columns.tile + i] = 0;
    }
  }
  return to;
}

}  // namespace cygnet::cpu
