#pragma once

#include "attention.h"
#include "matrix.h"

// The loops that are compiled once for each instruction set, and the choice among them at run time.

namespace cygnet::cpu {

// Rows of memory that are wanted soon: `share` lines of 64 bytes are fetched for each chunk that is multiplied.
struct Ahead {
  const uint8_t* row = nullptr;
  int64_t step = 0, bytes = 0, at = 0;  // from row to row; of each row; fetched of this row
  int rows = 0, share = 0;
};

// A block of a product, C [rows, cols] (+)= A B, from panels that lie in cache, read from end to end. A: [depth / chunk, rows,
// chunk], a chunk being the 16 floats or 32 bf16 of 64 bytes. B: [depth / pair, cols, pair], pair = 2 for bf16 and 1 for float32.
// The depth is a multiple of the chunk; C is contiguous.
struct Micro {
  int rows, cols;
  // used: how many of the columns are wanted, for shortcuts. ahead: may be null.
  void (*multiply)(int depth, const void* a, const void* b, float* c, bool accumulate, int used, Ahead* ahead);
  // The same with rows of A where a matrix has them, each of whole chunks at a multiple of 64 bytes; null where that does not pay.
  void (*multiply_rows)(
      int depth, const void* a, int64_t row_bytes, const void* b, float* c, bool accumulate, int used, Ahead* ahead) = nullptr;
};

// Functions that exist for panels of float32 and of bf16.
struct Panels {
  Micro micro;
  int element;  // bytes
  // Columns [col, col + count) of a row, in floating point.
  void (*unpack)(const Matrix& from, int row, int col, int count, void* to);
  // Blocks of panels, one after the other, from rows or columns [first, first + count) of a matrix, in each the elements
  // [from, from + depth); zeros fill what is missing to whole blocks and to the depth `padded`. A from rows:
  void (*pack_a)(const Matrix& m, int first, int count, int from, int depth, int padded, void* a);
  // A from columns.
  void (*pack_a_transposed)(const Matrix& m, int first, int count, int from, int depth, int padded, void* a);
  // B from columns.
  void (*pack_b)(const Matrix& m, int first, int count, int from, int depth, int padded, void* b);
  // B from rows.
  void (*pack_b_transposed)(const Matrix& m, int first, int count, int from, int depth, int padded, void* b);
};

enum class Gate : int { silu, gelu };

// Coefficients of one Adam update: see adam.h.
struct AdamStep {
  float beta1, fresh1, beta2, fresh2, rate, root_scale, eps, decay;
};

// What a stretch of logits comes to: the greatest, NaN if one is, and relative to it Σ eˣ and Σ eˣ at a temperature.
struct Peak {
  float max, sum, tempered;
};

struct Isa {
  const char* name;
  Panels f32;
  Panels b16;  // rows = 0 where the processor has no bf16 products
  // y_j[i] = Σ_k w[first + i, k] x_j[k] for `vectors` rows x_j of `prepare_dot`. y: float32, ldy apart.
  size_t (*dot_bytes)(const Matrix& w, Type x);
  void (*prepare_dot)(const Matrix& w, Type type, const void* x, void* prepared);
  void (*dot)(const Matrix& w, Type type, const void* prepared, int vectors, int first, int count, float* y, int64_t ldy);
  // C block [rows, cols] of floats, ldc apart → out (transposed: out[c, r]), ld elements apart, + bias of its columns; added to
  // what is there if asked for.
  void (*store)(
      const float* c, int64_t ldc, int rows, int cols, bool transposed, bool add, Type type, void* out, int64_t ld, const float* bias);

  // Rows of n elements: see rows.h.
  void (*rms_norm)(Type type, const void* x, const void* delta, const float* w, float eps, int64_t rows, int n, void* h, void* y);
  void (*rms_norm_gradient)(
      Type type, const void* h, const float* w, const void* dy, const void* passed, float eps, int64_t rows, int n, void* dh, float* dw);
  void (*gated)(Type type, Gate kind, const void* gate, const void* up, size_t n, void* out);
  void (*gated_gradient)(Type type, Gate kind, const void* gate, const void* up, const void* d, size_t n, void* d_gate, void* d_up);
  void (*add)(Type type, const void* a, const void* b, size_t n, void* out);
  float (*cross_entropy_row)(float* logits, int n, int target, bool with_gradient);
  AttentionLoops attention;
  // Parameters, gradients and moments of n elements → parameters and moments.
  void (*adam)(
      Type type, const AdamStep& step, size_t n, const void* p, const void* g, const void* m, const void* v, void* p_out,
      void* m_out, void* v_out);
  // For the choice of tokens: see sample.h.
  Peak (*logits_peak)(Type type, const void* x, const float* bias, int n, float* floats, float inverse_temperature);
  int (*at_least)(const float* x, int n, float cutoff, int32_t* places, float* values);
};

// The one in use. CYGNET_CPU_ISA = portable | avx2 | avx512 | avx512bf16 | amx on x86-64, portable | neon | neonbf16 on arm64,
// chooses; by default it is the best that the processor has.
const Isa& isa();

}  // namespace cygnet::cpu
