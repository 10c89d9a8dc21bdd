#pragma once

// OpenBLAS of the wheel scipy-openblas32, row-major.

extern "C" {
void scipy_cblas_sgemm(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);
void scipy_cblas_dgemm(int, int, int, int, int, int, double, const double*, int, const double*, int, double, double*, int);
void scipy_cblas_cgemm(int, int, int, int, int, int, const void*, const void*, int, const void*, int, const void*, void*, int);
int scipy_openblas_get_num_threads();
void scipy_openblas_set_num_threads(int);
}

namespace cygnet::cpu {

enum Transposed { kPlain = 111, kTransposed = 112 };

// C [m, n] ← alpha · A B + beta · C. A is [m, k], or [k, m] when transposed; B is [k, n], or [n, k].
inline void gemm(
    Transposed ta, Transposed tb, int m, int n, int k, float alpha, const float* a, int lda, const float* b, int ldb, float beta,
    float* c, int ldc) {
  scipy_cblas_sgemm(101, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

// While it lives, products run on the thread that asks for them: for kernels that are parallel around their products.
class SerialProducts {
 public:
  SerialProducts() : before_(scipy_openblas_get_num_threads()) { scipy_openblas_set_num_threads(1); }
  ~SerialProducts() { scipy_openblas_set_num_threads(before_); }
  SerialProducts(const SerialProducts&) = delete;

 private:
  int before_;
};

}  // namespace cygnet::cpu
