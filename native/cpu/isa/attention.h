#pragma once

#include "matrix.h"

// What attention asks of each instruction set: heads' vectors before and after products, and scores between products.

namespace cygnet::cpu {

// What a head's vector goes through between its projection and the scores: RMSNorm, then rotation.
struct HeadSteps {
  int size;
  const float* norm = nullptr;  // weights [size], or null
  float eps = 0;
  int pairs = 0;             // rotated pairs; 0: none
  bool traditional = false;  // pairs of neighbours rather than of halves
};
constexpr int kMaxHeadSize = 1024;
constexpr int kMostFew = 8;

// Scores of some keys (rows) with a tile of queries (columns), [count, Micro::cols], as logarithms to base 2 once they are
// capped: scores ← cap · tanh(scores), if cap ≠ 0, then + mask. Each query sees keys [first, last); all see [all_first, all_last).
struct ScoreBlock {
  float* scores;
  int key, count;  // the first key's index
  float cap;
  const float* mask;  // like scores, or null
  const int32_t *first, *last;
  int all_first, all_last;
};

// What the gradient knows of each query.
struct TileSums {
  const float *lse, *means;
  const float* hidden;  // scores of keys that the mask hides: −∞, or 0 where it hides them all
};

struct ScoreLoops {
  // Turns scores into 2^(score − maximum) as panel B of `padded` keys. Updates each query's maximum and sum so far; correction:
  // what earlier sums are multiplied with. False when all of those are 1.
  bool (*softmax)(const ScoreBlock& block, int padded, float* maxima, float* sums, float* correction, void* panel);
  // p = 2^(score − lse) and the scores' gradients p (d − mean): as panels A of keys by queries, of which the tile's are `column`
  // and on, and gradients also as panel B of queries by keys. count: Micro::rows.
  void (*gradient)(
      const ScoreBlock& block, const TileSums& sums, const float* d, int column, void* p, void* g, void* g_turned);
};
// What stands for "no" in a boolean mask: MLX's choice too, so that a query that sees nothing takes the mean of all values.
constexpr float kHidden = -3.4028234663852886e38f;

struct AttentionLoops {
  ScoreLoops f32;
  ScoreLoops b16;  // null where the processor has no bf16 products
  // Cosines, then sines, of position · frequency.
  void (*rotation)(float position, const float* frequencies, int pairs, float* out);
  // x → y = factor · what the steps make of it. rotation: cosines, then sines.
  void (*head)(const HeadSteps& steps, const float* rotation, Type from, const void* x, float factor, Type to, void* y);
  // dy (overwritten) → dx, for factor · dy; adds to dw [size] if given.
  void (*head_gradient)(
      const HeadSteps& steps, const float* rotation, Type type, const void* x, float factor, float* dy, void* dx, float* dw);
  void (*convert)(const float* x, int n, float factor, Type to, void* y);
  float (*dot)(Type type, const void* a, const void* b, int n);
  // Rows of Micro::cols floats, times a factor for each column.
  void (*scale_columns)(float* x, int rows, const float* factors);
  // [rows, Micro::cols] → [Micro::cols, rows], ld apart.
  void (*turn)(const float* x, int rows, float* out, int64_t ld);
  // At most kMostFew queries; keys and values where they lie, `ld` bytes apart: scores[i, j] = Σ q[i, e] keys[j, e], its rows
  // `lds` apart.
  void (*few_scores)(
      Type type, const void* keys, int64_t ld, int count, int size, const float* q, int queries, float* scores, int64_t lds);
  // scores → 2^(score − maximum), which is returned; cap and mask as in ScoreBlock.
  float (*few_softmax)(float* scores, int count, float cap, const float* mask, float* sum);
  // out[i, e] += Σ p[i, j] values[j, e], rows of p `ldp` apart.
  void (*few_values)(Type type, const void* values, int64_t ld, int count, int size, const float* p, int64_t ldp, int queries, float* out);
};

}  // namespace cygnet::cpu
