// Factorisations of matrices whose factors are known.
#include <gtest/gtest.h>
#include <tf2jax/ops/linalg.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "kernel.h"

namespace tf2jax {
namespace {

using Doubles = std::vector<double>;

Arrays factors(const Primitive& p, const Array& a, EquationParams params = no_params()) {
  return run_kernel(cpu::register_factorization_kernels, p, {a}, std::move(params));
}
Array stack_of_two(DType d) { return convert_element_type(array<float>({{{0, 2}, {4, 6}}, {{1, 0}, {0, 1}}}), d); }
Array real_of(const Array& a) { return is_complex(a.dtype()) ? real(a) : a; }
const DType kTypes[] = {f32, c64};

TEST(FactorizationKernels, LuOfAStack) {
  // [[0, 2], [4, 6]] has its rows exchanged; the identity is its own factor.
  for (const DType d : kTypes) {
    const Arrays out = factors(lu_p(), stack_of_two(d));
    EXPECT_EQ(real_of(out[0]).to_vector<double>(), (Doubles{4, 6, 0, 2, 1, 0, 0, 1}));
    EXPECT_EQ(out[1].to_vector<int>(), (std::vector<int>{1, 1, 0, 1}));
    EXPECT_EQ(out[2].to_vector<int>(), (std::vector<int>{1, 0, 0, 1}));
  }
}

TEST(FactorizationKernels, QrOfATriangularMatrixIsItUpToSigns) {
  for (const DType d : kTypes) {
    const Array a = convert_element_type(array<float>({{3, 5}, {0, 2}}), d);
    const Arrays out = factors(qr_p(), a, QrParams{});
    const Doubles q = real_of(out[0]).to_vector<double>(), r = real_of(out[1]).to_vector<double>();
    EXPECT_NEAR(std::abs(q[0]), 1, 1e-6);
    EXPECT_NEAR(q[1], 0, 1e-6);
    EXPECT_NEAR(q[0] * r[0], 3, 1e-5);
    EXPECT_NEAR(q[0] * r[1], 5, 1e-5);
    EXPECT_EQ(r[2], 0);
    EXPECT_NEAR(q[3] * r[3], 2, 1e-5);
  }
}

TEST(FactorizationKernels, SingularValuesDescend) {
  for (const DType d : kTypes) {
    const Array a = convert_element_type(array<float>({{0, -3, 0}, {2, 0, 0}}), d);
    const Arrays out = factors(svd_p(), a, SvdParams{});
    const auto s = out[0].to_vector<double>();
    ASSERT_EQ(s.size(), 2u);
    EXPECT_NEAR(s[0], 3, 1e-5);
    EXPECT_NEAR(s[1], 2, 1e-5);
    EXPECT_EQ(out[0].dtype(), f32);
    EXPECT_EQ(out[1].dims(), (Dims{2, 2}));
    EXPECT_EQ(out[2].dims(), (Dims{2, 3}));
    EXPECT_EQ(factors(svd_p(), a, SvdParams{.full_matrices = true})[2].dims(), (Dims{3, 3}));
    EXPECT_EQ(factors(svd_p(), a, SvdParams{.compute_uv = false}).size(), 1u);
  }
}

TEST(FactorizationKernels, EigenvaluesOfATriangularMatrixAreItsDiagonal) {
  for (const DType d : kTypes) {
    const Array a = convert_element_type(array<float>({{1, 7}, {0, 4}}), d);
    const Arrays out = factors(eig_p(), a, EigParams{});
    EXPECT_EQ(out[0].dtype(), c64);
    const auto w = out[0].to_vector<complex64>();
    EXPECT_NEAR(std::abs(w[0] + w[1] - complex64(5)), 0, 1e-5);
    EXPECT_NEAR(std::abs(w[0] * w[1] - complex64(4)), 0, 1e-5);
  }
}

TEST(FactorizationKernels, OfNothing) {
  EXPECT_EQ(factors(lu_p(), zeros({0, 2, 2}))[0].size(), 0);
  EXPECT_EQ(factors(svd_p(), zeros({2, 0}), SvdParams{})[0].size(), 0);
  EXPECT_EQ(factors(eig_p(), zeros({0, 0}), EigParams{})[0].size(), 0);
  // A matrix without columns has any orthonormal Q of no columns.
  EXPECT_EQ(factors(qr_p(), zeros({2, 0}), QrParams{})[0].dims(), (Dims{2, 0}));
}

}  // namespace
}  // namespace tf2jax
