// Special functions in halves, singles and doubles.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <numbers>

#include "kernel.h"

namespace tf2jax {
namespace {

Array run(const Primitive& p, const Arrays& x) { return run_kernel(cpu::register_special_kernels, p, x)[0]; }

TEST(SpecialKernels, IncompleteGammas) {
  const Array a = doubles_of({1, 0.5, 3, 100}), x = doubles_of({2, 4, 1, 100});
  const Array p = run(igamma_p(), {a, x}), q = run(igammac_p(), {a, x});
  EXPECT_NEAR(p.item<double>(0), 1 - std::exp(-2.0), 1e-14);
  EXPECT_NEAR(p.item<double>(1), std::erf(2.0), 1e-14);
  EXPECT_NEAR(q.item<double>(2), std::exp(-1.0) * 2.5, 1e-14);  // e^-x (1 + x + x^2 / 2)
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(p.item<double>(i) + q.item<double>(i), 1, 1e-14);
}

TEST(SpecialKernels, ZetaAndPolygamma) {
  const double pi2 = std::numbers::pi * std::numbers::pi;
  EXPECT_NEAR(run(zeta_p(), {doubles_of({2}), doubles_of({1})}).item<double>(0), pi2 / 6, 1e-13);
  EXPECT_NEAR(run(polygamma_p(), {doubles_of({1}), doubles_of({0.5})}).item<double>(0), pi2 / 2, 1e-12);
}

TEST(SpecialKernels, IncompleteBetaHasItsSymmetry) {
  const Array a = doubles_of({2, 0.5, 10}), b = doubles_of({3, 0.5, 4}), x = doubles_of({0.3, 0.1, 0.8});
  const Array left = run(regularized_incomplete_beta_p(), {a, b, x}),
              right = run(regularized_incomplete_beta_p(), {b, a, doubles_of({0.7, 0.9, 0.2})});
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(left.item<double>(i), 1 - right.item<double>(i), 1e-12);
  EXPECT_NEAR(left.item<double>(0), 1 - (std::pow(0.7, 4) + 4 * 0.3 * std::pow(0.7, 3)),
              1e-12);  // of four, two or more
}

TEST(SpecialKernels, BesselFunctions) {
  double i0 = 0, term = 1;
  for (int k = 0; k < 30; ++k) {
    i0 += term;
    term *= 2.25 / ((k + 1.0) * (k + 1));
  }
  EXPECT_NEAR(run(bessel_i0e_p(), {doubles_of({3})}).item<double>(0), i0 * std::exp(-3.0), 1e-14);
  EXPECT_EQ(run(bessel_i1e_p(), {doubles_of({0})}).item<double>(0), 0);
}

TEST(SpecialKernels, HalvesAreRoundedFromSingles) {
  for (const DType d : {f16, bf16}) {
    const Array x = rules::as_dtype(array<float>({0.5f, 2}), d);
    EXPECT_EQ(run(bessel_i0e_p(), {x}).to_vector<float>(),
              rules::as_dtype(run(bessel_i0e_p(), {rules::as_dtype(x, f32)}), d).to_vector<float>());
  }
}

}  // namespace
}  // namespace tf2jax
