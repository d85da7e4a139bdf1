// Schur, Hessenberg and tridiagonal forms by what defines them: unitary factors, zeros where they belong, and traces,
// which no similarity changes.
#include "tf2jax/ops/internal/condensed_forms.h"

#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"

namespace tf2jax {
namespace {

class CondensedForms : public ::testing::TestWithParam<DType> {
 protected:
  // Two matrices of 5 x 5.
  static Array matrices() {
    const Array x = reshape(sin(arange(50) * 1.7f), {2, 5, 5}), y = reshape(cos(arange(50) * 0.9f), {2, 5, 5});
    return is_complex(GetParam()) ? complex(x, y) : x;
  }
  static Array adjoint(const Array& x) { return conj(swapaxes(x, -1, -2)); }
  static void expect_near(const Array& a, const Array& b) {
    expect_close(abs(a - b), std::vector<double>(static_cast<std::size_t>(a.size()), 0.0), 2e-5);
  }
  static Array identities() { return broadcast_to(eye(5, {}, GetParam()), {2, 5, 5}); }
};

TEST_P(CondensedForms, SchurFactorsGiveTheMatrix) {
  const Array a = matrices();
  const Arrays out = schur_p().bind({a}, SchurParams{});
  const Array &t = out[0], &z = out[1];
  expect_near(matmul(z, adjoint(z)), identities());
  expect_near(matmul(matmul(z, t), adjoint(z)), a);
  expect_near(tril(t, is_complex(GetParam()) ? -1 : -2), zeros_like(t));
  EXPECT_EQ(schur_p().bind({a}, SchurParams{false}).size(), 1u);
}

// The first column of the reflected matrix has the norm that the reflector leaves: |h_21| is that of a_(2:n)1.
TEST_P(CondensedForms, HessenbergFormsKeepTracesAndNorms) {
  const Array a = matrices(), h = hessenberg_p().bind({a})[0];
  const Array kept = triu(h, -1);
  const auto trace = [](const Array& x) { return sum(sum(x * eye(5, {}, GetParam()), -1), -1); };
  expect_near(trace(kept), trace(a));
  expect_near(trace(matmul(kept, kept)), trace(matmul(a, a)));
  expect_near(sum(square(abs(kept)), {1, 2}), sum(square(abs(a)), {1, 2}));
}

TEST_P(CondensedForms, TridiagonalFormsHaveTheEigenvalues) {
  const Array a = matrices(), hermitian = a + adjoint(a);
  for (const bool lower : {true, false}) {
    const Arrays out = tridiagonal_p().bind({hermitian}, TridiagonalParams{lower});
    Array t = zeros({2, 5, 5});
    const auto put = [&](const Array& values, std::int64_t row, std::int64_t column, std::int64_t n) {
      for (std::int64_t i = 0; i < n; ++i)
        t = t.at(all, i + row, i + column).set(squeeze(slice_in_dim(values, i, i + 1, 1, 1), {1}));
    };
    put(out[1], 0, 0, 5);
    put(out[2], 1, 0, 4);
    put(out[2], 0, 1, 4);
    expect_near(eigh(t).second, eigh(hermitian).second);
  }
}

TEST_P(CondensedForms, WhatIsNoNumberGivesNone) {
  const Array a = full(Shape{3, 3}, Array(NAN), GetParam());
  for (const Array& y : tridiagonal_p().bind({a}, TridiagonalParams{}))
    EXPECT_TRUE(all_true(not_equal(y, y)).item<bool>());
  for (const Array& y : schur_p().bind({zeros({0, 0}, GetParam())}, SchurParams{})) EXPECT_EQ(y.size(), 0);
  expect_error<ShapeError>([] { hessenberg_p().bind({zeros({2, 3}, GetParam())}); }, "hessenberg");
}

INSTANTIATE_TEST_SUITE_P(Types, CondensedForms, ::testing::Values(DType::f32, DType::c64));

}  // namespace
}  // namespace tf2jax
