#include "product.h"

#include <algorithm>

#include "parallel.h"

// The activations are packed once, for all threads. Then each item takes some of the weights, and of these a stretch of the depth
// at a time: packs it (which brings any format to floating point) and multiplies it with all activations while it lies in its core's
// cache. Weights that are what the inner blocks read anyway are not packed.

namespace cygnet::cpu {
namespace {

// Depth of a stretch, in chunks of 64 bytes: a block of each operand fits the first-level cache.
constexpr int kStretch = 8, kLongStretch = 32;
// Bytes of sums that an item holds, and of a stretch of its weights: both fit the second-level cache.
constexpr int64_t kSumBytes = 512 << 10, kPanelBytes = 128 << 10;
// Activations beside which weights are read where they lie, and tiles of weights that then share a stretch of them.
constexpr int64_t kActivationBytes = 1 << 20;
constexpr int kTilesInPlace = 2;
// Items for each thread, so that they end together.
constexpr int kItemsPerThread = 4;
// Bytes of weights that one item of `multiply_rows` reads.
constexpr int64_t kRowItemBytes = 128 << 10;

int blocks_of(int64_t size, int64_t block) { return static_cast<int>((size + block - 1) / block); }

const Panels& loops_of(Panel panel) { return panel == Panel::bf16 ? isa().b16 : isa().f32; }

class Product {
 public:
  Product(std::span<const Term> terms, int N, const Output& y)
      : side_(terms[0].a.side), M_(terms[0].a.M), N_(N), y_(y), loops_(loops_of(terms[0].a.panel)), a_tile_(terms[0].a.tile),
        w_tile_(side_ == Side::weights ? loops_.micro.rows : loops_.micro.cols), chunk_(64 / loops_.element) {
    // Beside one block of activations little is to be gained from the first-level cache, and more from long rows of memory.
    stretch_ = M_ <= a_tile_ ? kLongStretch : kStretch;
    for (const Term& term : terms) {
      for (int from = 0; from < term.a.depth; from += stretch_ * chunk_) {
        stretches_.push_back({&term, from, std::min(stretch_ * chunk_, term.a.depth - from), is_readable(term)});
      }
    }
  }

  void run() {
    const int a_blocks = blocks_of(M_, a_tile_), width = panel_width(), panels = blocks_of(N_, width);
    const int64_t most = std::max<int64_t>(kSumBytes / (int64_t(sizeof(float)) * width * a_tile_), 1);
    const int splits = std::max<int>(std::clamp(2 * threads() / panels, 1, a_blocks), blocks_of(a_blocks, most));
    parallel_items(panels * splits, [&](int item) {
      const int first = item / splits * width, split = item % splits;
      multiply_panel(first, std::min(width, N_ - first), a_blocks * split / splits, a_blocks * (split + 1) / splits);
    });
  }

 private:
  struct Stretch {
    const Term* term;
    int from, depth;
    bool in_place;
  };

  // Weights that an item packs at once.
  int panel_width() const {
    const int64_t fits = kPanelBytes / (64 * kStretch), even = blocks_of(N_, kItemsPerThread * threads());
    return blocks_of(std::max<int64_t>(std::min(fits, even), 1), w_tile_) * w_tile_;
  }

  // Weights [first, first + count) × activation blocks [begin, end).
  void multiply_panel(int first, int count, int begin, int end) {
    const int fits = static_cast<int>(kPanelBytes / (64 * stretch_)) / w_tile_ * w_tile_;
    const int group = !stretches_.empty() && stretches_[0].in_place ? kTilesInPlace * w_tile_ : std::max(fits, w_tile_);
    for (int at = 0; at < count; at += group) {
      multiply_group(first + at, std::min(group, count - at), std::min(group, count - at - group), begin, end);
    }
  }

  // after: how many weights come next.
  void multiply_group(int first, int count, int after, int begin, int end) {
    Scratch::Frame frame(Scratch::mine());
    const int tiles = blocks_of(count, w_tile_), size = loops_.micro.rows * loops_.micro.cols;
    uint8_t* panel = Scratch::mine().get<uint8_t>(size_t(tiles) * w_tile_ * 64 * stretch_);
    float* sums = Scratch::mine().get<float>(size_t(end - begin) * tiles * size);
    if (stretches_.empty()) std::fill(sums, sums + int64_t(end - begin) * tiles * size, 0.0f);
    for (size_t s = 0; s < stretches_.size(); s++) {
      const auto& [term, from, depth, readable] = stretches_[s];
      const bool in_place = readable && count % w_tile_ == 0;
      const int padded = blocks_of(depth, chunk_) * chunk_;
      if (!in_place) pack(*term, first, count, from, depth, padded, panel);
      Ahead ahead;
      const int chunks = (end - begin) * tiles * (padded / chunk_);
      if (s + 1 < stretches_.size()) ahead = ahead_of(stretches_[s + 1], first, count, chunks);
      else if (after > 0) ahead = ahead_of(stretches_[0], first + count, after, chunks);
      if (in_place) ahead.share = blocks_of(ahead.share, 2);  // the processor's own fetching does the rest
      for (int block = begin; block < end; block++) {
        const int a_count = std::min(a_tile_, M_ - block * a_tile_);
        const uint8_t* a = term->a.block(block) + int64_t(from) * a_tile_ * loops_.element;
        for (int tile = 0; tile < tiles; tile++) {
          const uint8_t* w = panel + int64_t(tile) * w_tile_ * padded * loops_.element;
          float* c = sums + (int64_t(block - begin) * tiles + tile) * size;
          if (in_place) {
            const uint8_t* rows = term->w.row(first + tile * w_tile_) + int64_t(from) * loops_.element;
            loops_.micro.multiply_rows(depth, rows, term->w.row_bytes, a, c, s > 0, a_count, &ahead);
          } else if (side_ == Side::weights) {
            loops_.micro.multiply(padded, w, a, c, s > 0, a_count, &ahead);
          } else {
            loops_.micro.multiply(padded, a, w, c, s > 0, std::min(w_tile_, count - tile * w_tile_), &ahead);
          }
        }
      }
    }
    for (int block = begin; block < end; block++) {
      for (int tile = 0; tile < tiles; tile++, sums += size) {
        store(sums, block, std::min(a_tile_, M_ - block * a_tile_), first + tile * w_tile_, std::min(w_tile_, count - tile * w_tile_));
      }
    }
  }

  // Whether tiles can read these weights where they lie: not worth it when the activations do not stay in the second-level cache.
  bool is_readable(const Term& term) const {
    const Matrix& w = term.w;
    const bool whole = w.format == Format::bf16 && !term.turned && w.cols % chunk_ == 0;
    const bool aligned = w.row_bytes % 64 == 0 && reinterpret_cast<uintptr_t>(w.data) % 64 == 0;
    return loops_.micro.multiply_rows && side_ == Side::weights && whole && aligned &&
        int64_t(M_) * w.cols * loops_.element <= kActivationBytes;
  }

  // What the next stretch reads from memory, shared out over all chunks of this one.
  Ahead ahead_of(const Stretch& next, int first, int count, int chunks) const {
    const Matrix& w = next.term->w;
    const int row = next.term->turned ? next.from : first, col = next.term->turned ? first : next.from;
    const int rows = next.term->turned ? next.depth : count, cols = next.term->turned ? count : next.depth;
    const int64_t bits = w.bits ? w.bits : w.format == Format::f32 ? 32 : 16, bytes = cols * bits / 8;
    const int64_t lines = rows * ((bytes + 63) / 64);
    return {w.row(row) + col * bits / 8, w.row_bytes, bytes, 0, rows, blocks_of(lines, chunks)};
  }

  void pack(const Term& term, int first, int count, int from, int depth, int padded, uint8_t* to) const {
    const auto pack = side_ == Side::weights ? (term.turned ? loops_.pack_a_transposed : loops_.pack_a)
                                             : (term.turned ? loops_.pack_b : loops_.pack_b_transposed);
    pack(term.w, first, count, from, depth, padded, to);
  }

  void store(const float* c, int block, int a_count, int n, int w_count) const {
    uint8_t* out = static_cast<uint8_t*>(y_.data) + (int64_t(block) * a_tile_ * y_.ld + n) * size_of(y_.type);
    const float* bias = y_.bias ? y_.bias + n : nullptr;
    const bool turned = side_ == Side::weights;
    const int rows = turned ? w_count : a_count, cols = turned ? a_count : w_count;
    isa().store(c, loops_.micro.cols, rows, cols, turned, y_.add, y_.type, out, y_.ld, bias);
  }

  Side side_;
  int M_, N_;
  Output y_;
  const Panels& loops_;
  int a_tile_, w_tile_, chunk_, stretch_;
  std::vector<Stretch> stretches_;
};

}  // namespace

int size_of(Type type) { return type == Type::f32 ? 4 : 2; }

Matrix dense(Type type, const void* data, int rows, int cols) {
  const Format format = type == Type::f32 ? Format::f32 : type == Type::bf16 ? Format::bf16 : Format::f16;
  return {format, rows, cols, int64_t(cols) * size_of(type), static_cast<const uint8_t*>(data)};
}

Panel panel_for(Type activations) {
  return activations == Type::bf16 && isa().b16.micro.rows > 0 ? Panel::bf16 : Panel::f32;
}

Packed::Packed(Scratch& scratch, Side side, Panel panel, const Matrix& a, bool turned)
    : side(side), panel(panel), M(turned ? a.cols : a.rows), depth(turned ? a.rows : a.cols) {
  const Panels& loops = loops_of(panel);
  element_ = loops.element;
  const int chunk = 64 / element_;
  padded = blocks_of(depth, chunk) * chunk;
  tile = side == Side::weights ? loops.micro.cols : loops.micro.rows;
  const int blocks = blocks_of(M, tile);
  data_ = scratch.get<uint8_t>(size_t(blocks) * tile * padded * element_);
  const auto pack = side == Side::weights ? (turned ? loops.pack_b : loops.pack_b_transposed)
                                          : (turned ? loops.pack_a_transposed : loops.pack_a);
  parallel_items(blocks, [&](int i) {
    pack(a, i * tile, std::min(tile, M - i * tile), 0, depth, padded, const_cast<uint8_t*>(block(i)));
  });
}

void multiply(std::span<const Term> terms, int N, const Output& y) {
  if (terms[0].a.M > 0 && N > 0) Product(terms, N, y).run();
}

void multiply_rows(Type type, const void* x, int M, std::span<const Matrix> weights, std::span<float* const> y) {
  const Isa& loops = isa();
  Scratch::Frame frame(Scratch::mine());
  struct Job {
    const Matrix& w;
    const uint8_t* x;
    float* y;
    int rows, items, before;
  };
  std::vector<Job> jobs;
  int items = 0;
  for (size_t i = 0; i < weights.size(); i++) {
    const Matrix& w = weights[i];
    const size_t bytes = loops.dot_bytes(w, type);
    uint8_t* prepared = Scratch::mine().get<uint8_t>(bytes * M);
    for (int m = 0; m < M; m++) {
      loops.prepare_dot(w, type, static_cast<const uint8_t*>(x) + int64_t(m) * w.cols * size_of(type), prepared + m * bytes);
    }
    const int rows = static_cast<int>(std::clamp<int64_t>(kRowItemBytes / std::max<int64_t>(w.row_bytes, 1), 1, w.rows));
    jobs.push_back({w, prepared, y[i], rows, blocks_of(w.rows, rows), items});
    items += jobs.back().items;
  }
  parallel_items(items, [&](int item) {
    const Job& job = *std::find_if(jobs.rbegin(), jobs.rend(), [&](const Job& j) { return j.before <= item; });
    const int first = (item - job.before) * job.rows;
    loops.dot(job.w, type, job.x, M, first, std::min(job.rows, job.w.rows - first), job.y, job.w.rows);
  });
}

}  // namespace cygnet::cpu
