// Factorisations of larger matrices, by what they are factors of.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "kernel.h"

namespace tf2jax {
namespace {

// n by n, symmetric and diagonally dominant.
Array dominant(std::int64_t n, DType d) {
  return Array::build({d, {n, n}, false}, [&](std::byte* out) {
    visit_dtype(d, [&]<class T>(std::type_identity<T>) {
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < n; ++j)
          reinterpret_cast<T*>(out)[i * n + j] =
              static_cast<T>(i == j ? static_cast<float>(n) : static_cast<float>((i + j) % 3) / 4);
    });
  });
}
// The largest difference of two products of matrices given as functions of their indices.
template <class A, class B>
double difference(std::int64_t n, A a, B b) {
  double most = 0;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) most = std::max(most, std::abs(a(i, j) - b(i, j)));
  return most;
}

TEST(LinalgKernels, CholeskyFactorsMultiplyToTheMatrix) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const auto& [d, tolerance] : {std::pair(f32, 2e-5), std::pair(f64, 1e-12)})
    for (const std::int64_t n : {1, 2, 17, 50}) {
      const Array a = dominant(n, d), l = run_kernel(cpu::register_linalg_kernels, cholesky_p(), {a})[0];
      const auto product = [&](int i, int j) {
        double s = 0;
        for (int k = 0; k <= std::min(i, j); ++k) s += l.item<double>(i, k) * l.item<double>(j, k);
        return s;
      };
      EXPECT_LT(difference(n, product, [&](int i, int j) { return a.item<double>(i, j); }),
                tolerance * static_cast<double>(n))
          << n;
    }
}

TEST(LinalgKernels, SolutionsSolve) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const std::int64_t n = 20;
  const Array a = dominant(n, f64), b = dominant(n, f64);
  for (const bool lower : {true, false}) {
    const Array x =
        run_kernel(cpu::register_linalg_kernels, triangular_solve_p(), {a, b}, TriangularSolve{.lower = lower})[0];
    const auto product = [&](int i, int j) {
      double s = 0;
      for (int k = lower ? 0 : i; k <= (lower ? i : static_cast<int>(n) - 1); ++k)
        s += a.item<double>(i, k) * x.item<double>(k, j);
      return s;
    };
    EXPECT_LT(difference(n, product, [&](int i, int j) { return b.item<double>(i, j); }), 1e-11);
  }
}

TEST(LinalgKernels, EigenvectorsAreScaledByTheirEigenvalues) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const std::int64_t n = 15;
  const Array a = dominant(n, f64);
  const Arrays out = run_kernel(cpu::register_linalg_kernels, eigh_p(), {a}, SymmetricEigen{});
  const Array &v = out[0].rank() == 2 ? out[0] : out[1], &w = out[0].rank() == 2 ? out[1] : out[0];
  const auto product = [&](int i, int j) {
    double s = 0;
    for (int k = 0; k < n; ++k) s += a.item<double>(i, k) * v.item<double>(k, j);
    return s;
  };
  EXPECT_LT(difference(n, product, [&](int i, int j) { return v.item<double>(i, j) * w.item<double>(j); }), 1e-10);
  for (int i = 1; i < n; ++i) EXPECT_LE(w.item<double>(i - 1), w.item<double>(i));
}

}  // namespace
}  // namespace tf2jax
