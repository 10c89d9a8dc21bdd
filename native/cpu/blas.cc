// The Linux wheel of libmlx carries the reference BLAS. Its three products are defined here through OpenBLAS: the addon comes
// before libmlx's own BLAS in the symbol search, so every float32 product of libmlx runs through these.

#ifdef CYGNET_OPENBLAS

#include "blas.h"

#include <algorithm>
#include <cstdint>

#include "parallel.h"
#include "product.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

namespace cygnet::cpu {

namespace {

constexpr int kRowMajor = 101;
// A part below this many multiplications costs more to hand out than it saves.
constexpr int64_t kSmallestPart = 1 << 20;
// Parts for each thread: enough to even out, few enough that packing does not repeat much.
constexpr int kPartsPerThread = 2;
// Parts begin at multiples of this, the height and width of the BLAS's inner blocks.
constexpr int kGrain = 16;

// y ← alpha · x Bᵀ + beta · y for one row: B [n, k] is read once, as fast as memory gives it. The BLAS would pack it first.
void one_row(int n, int k, float alpha, const float* x, const float* b, int ldb, float beta, float* y) {
  Scratch::Frame frame(Scratch::mine());
  float* sums = Scratch::mine().get<float>(n);
  Matrix w = dense(Type::f32, b, n, k);
  w.row_bytes = int64_t(ldb) * sizeof(float);
  multiply_rows(Type::f32, x, 1, {&w, 1}, {&sums, 1});
  for (int j = 0; j < n; j++) y[j] = alpha * sums[j] + (beta == 0 ? 0 : beta * y[j]);
}

// The BLAS stays on its caller's thread: its own threads spin while they wait for one that the system holds up.
[[maybe_unused]] const bool alone = (scipy_openblas_set_num_threads(1), true);

int part_bound(int size, int parts, int part) {
  return part == parts ? size : static_cast<int>(int64_t(size) * part / parts) / kGrain * kGrain;
}

}  // namespace

void gemm(
    Transposed ta, Transposed tb, int m, int n, int k, float alpha, const float* a, int lda, const float* b, int ldb, float beta,
    float* c, int ldc) {
  if (m == 1 && ta == kPlain && tb == kTransposed) return one_row(n, k, alpha, a, b, ldb, beta, c);
  const int64_t work = int64_t(m) * n * k;
  const bool by_rows = m >= n;
  const int longest = by_rows ? m : n;
  const int most = std::min<int64_t>({int64_t(kPartsPerThread) * threads(), work / kSmallestPart, longest / kGrain});
  if (most < 2 || threads() == 1) {
    scipy_cblas_sgemm(kRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    return;
  }
  parallel_items(most, [&](int part) {
    const int first = part_bound(longest, most, part), count = part_bound(longest, most, part + 1) - first;
    if (by_rows) {
      const float* rows = a + (ta == kPlain ? int64_t(first) * lda : first);
      scipy_cblas_sgemm(kRowMajor, ta, tb, count, n, k, alpha, rows, lda, b, ldb, beta, c + int64_t(first) * ldc, ldc);
    } else {
      const float* columns = b + (tb == kPlain ? first : int64_t(first) * ldb);
      scipy_cblas_sgemm(kRowMajor, ta, tb, m, count, k, alpha, a, lda, columns, ldb, beta, c + first, ldc);
    }
  });
}

}  // namespace cygnet::cpu

EXPORTED void cblas_sgemm(
    int order, int ta, int tb, int m, int n, int k, float alpha, const float* a, int lda, const float* b, int ldb, float beta,
    float* c, int ldc) {
  using namespace cygnet::cpu;
  gemm(static_cast<Transposed>(ta), static_cast<Transposed>(tb), m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

EXPORTED void cblas_dgemm(
    int order, int ta, int tb, int m, int n, int k, double alpha, const double* a, int lda, const double* b, int ldb,
    double beta, double* c, int ldc) {
  scipy_cblas_dgemm(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

EXPORTED void cblas_cgemm(
    int order, int ta, int tb, int m, int n, int k, const void* alpha, const void* a, int lda, const void* b, int ldb,
    const void* beta, void* c, int ldc) {
  scipy_cblas_cgemm(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

#endif
