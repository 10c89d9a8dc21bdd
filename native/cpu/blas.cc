// The Linux wheel of libmlx carries the reference BLAS. Its three products are defined here as OpenBLAS's: the addon comes
// before libmlx's own BLAS in the symbol search, so every float32 product of libmlx runs through these.

#ifdef CYGNET_OPENBLAS

#include "blas.h"

#include <atomic>

#include "parallel.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED void cblas_sgemm(
    int order, int ta, int tb, int m, int n, int k, float alpha, const float* a, int lda, const float* b, int ldb, float beta,
    float* c, int ldc) {
  scipy_cblas_sgemm(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
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

namespace cygnet::cpu {

namespace {
std::atomic<int> thread_count{scipy_openblas_get_num_threads()};
}

int threads() { return thread_count; }

void set_threads(int count) {
  scipy_openblas_set_num_threads(count);
  thread_count = count;
}

}  // namespace cygnet::cpu

#endif
