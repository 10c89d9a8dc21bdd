// The Linux wheel of libmlx carries the reference BLAS. Its three products are defined here as OpenBLAS's: the addon comes
// before libmlx's own BLAS in the symbol search, so every float32 product of libmlx runs through these.

#ifdef CYGNET_OPENBLAS

#define EXPORTED extern "C" __attribute__((visibility("default")))

extern "C" {
void scipy_cblas_sgemm(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);
void scipy_cblas_dgemm(int, int, int, int, int, int, double, const double*, int, const double*, int, double, double*, int);
void scipy_cblas_cgemm(int, int, int, int, int, int, const void*, const void*, int, const void*, int, const void*, void*, int);
int scipy_openblas_get_num_threads();
void scipy_openblas_set_num_threads(int);
}

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

#endif

#include "../convert.h"
#include "linear_cross_entropy.h"

namespace cygnet {

void register_cpu(Exports& exports) {
#ifdef CYGNET_OPENBLAS
  exports.op("blasThreads", [](Context&) { return scipy_openblas_get_num_threads(); });
  exports.op("setBlasThreads", [](Context&, int threads) { scipy_openblas_set_num_threads(threads); });
  exports.op("hasCpuKernels", [](Context&) { return true; });
  exports.op("linearCrossEntropy", [](Context&, const mx::array& hidden, const mx::array& weight, const mx::array& targets, bool gradient) {
    return cpu::linear_cross_entropy(hidden, weight, targets, gradient).first;
  });
#else
  exports.op("hasCpuKernels", [](Context&) { return false; });
  exports.op("linearCrossEntropy", [](Context&, const mx::array&, const mx::array&, const mx::array&, bool) -> mx::array {
    throw std::logic_error("this build has no kernels of its own for the CPU");
  });
  exports.op("blasThreads", [](Context&) { return 0; });
  exports.op("setBlasThreads", [](Context&, int) {});
#endif
}

}  // namespace cygnet
