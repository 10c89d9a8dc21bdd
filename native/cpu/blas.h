#pragma once

// OpenBLAS of the wheel scipy-openblas32, and products over our threads. All row-major, float32.

extern "C" {
void scipy_cblas_sgemm(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);
void scipy_cblas_dgemm(int, int, int, int, int, int, double, const double*, int, const double*, int, double, double*, int);
void scipy_cblas_cgemm(int, int, int, int, int, int, const void*, const void*, int, const void*, int, const void*, void*, int);
void scipy_openblas_set_num_threads(int);
}

namespace cygnet::cpu {

enum Transposed { kPlain = 111, kTransposed = 112 };

// C [m, n] ← alpha · A B + beta · C. A is [m, k], or [k, m] when transposed; B is [k, n], or [n, k]. Large products are cut
// into parts for the threads; within a parallel loop a product stays on its thread.
void gemm(
    Transposed ta, Transposed tb, int m, int n, int k, float alpha, const float* a, int lda, const float* b, int ldb, float beta,
    float* c, int ldc);

}  // namespace cygnet::cpu
