// Cholesky factors and eigenvalues of Hermitian matrices small enough to work out.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "../../support.h"
#include "../bad_input.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Array spd = array<float>({{4, 2}, {2, 10}});  // L = [[2, 0], [1, 3]]

TEST(Cholesky, OfAMatrixDoneByHand) {
  EXPECT_EQ(cholesky(spd).to_vector<float>(), (Floats{2, 0, 1, 3}));
  EXPECT_EQ(cholesky(full({1, 1}, 9.f)).to_vector<float>(), Floats{3});
  EXPECT_EQ(cholesky(zeros({0, 0})).dims(), (Dims{0, 0}));
  EXPECT_EQ(cholesky(zeros({0, 3, 3})).dims(), (Dims{0, 3, 3}));
}

TEST(Cholesky, TakesTheMeanOfBothTriangles) {
  EXPECT_EQ(cholesky(array<float>({{4, 0}, {4, 10}})).to_vector<float>(), (Floats{2, 0, 1, 3}));
}

TEST(Cholesky, OfAHermitianMatrix) {
  const Array a = complex(array<float>({{4, 0}, {0, 5}}), array<float>({{0, -2}, {2, 0}}));  // L = [[2, 0], [i, 2]]
  const auto l = cholesky(a).to_vector<complex64>();
  EXPECT_EQ(l, (std::vector<complex64>{{2, 0}, {0, 0}, {0, 1}, {2, 0}}));
}

TEST(Cholesky, OfWhatIsNotPositiveDefiniteIsNan) {
  const Array both = stack({spd, -spd});
  const Array l = cholesky(both);
  EXPECT_EQ(l[0].to_vector<float>(), (Floats{2, 0, 1, 3}));
  EXPECT_TRUE(std::isnan(l.item<float>(1, 1, 0)));
}

TEST(Cholesky, ItsDerivativeCountsBothTriangles) {
  // d chol(A)_00 = (t_00) / (2 sqrt(a_00)); the lower left entry takes the mean of both tangents.
  const Array a = array<float>({{4, 1}, {1, 3}}), t = array<float>({{0, 2}, {0, 0}});
  const auto [y, dy] = jvp([](const Array& v) { return cholesky(v); }, {a}, {t});
  EXPECT_FLOAT_EQ(dy.item<float>(1, 0), 0.5f);  // L_10 = a_10 / sqrt(a_00), and da_10 = 1
  const Array g = grad([](const Array& v) { return cholesky(v)(1, 0); })(a);
  EXPECT_FLOAT_EQ(g.item<float>(0, 1), 0.25f);
  EXPECT_FLOAT_EQ(g.item<float>(1, 0), 0.25f);
}

TEST(Eigh, OfAMatrixDoneByHand) {
  const auto [v, w] = eigh(array<float>({{2, 1}, {1, 2}}));
  EXPECT_NEAR(w.item<float>(0), 1, 1e-6);
  EXPECT_NEAR(w.item<float>(1), 3, 1e-6);
  EXPECT_NEAR(std::abs(v.item<float>(0, 1)), std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(v.item<float>(0, 1), v.item<float>(1, 1), 1e-6);
  EXPECT_NEAR(v.item<float>(0, 0), -v.item<float>(1, 0), 1e-6);
}

TEST(Eigh, OfDiagonalMatricesIsSorted) {
  const auto [v, w] = eigh(array<float>({{3, 0}, {0, -1}}));
  EXPECT_EQ(w.to_vector<float>(), (Floats{-1, 3}));
  EXPECT_EQ(eigh(zeros({2, 0, 0})).second.dims(), (Dims{2, 0}));
}

TEST(Eigh, SlopesOfEigenvaluesAreSquaresOfVectors) {
  const Array g = grad([](const Array& a) { return eigh(a).second[1]; })(array<float>({{2, 1}, {1, 2}}));
  for (const float slope : g.to_vector<float>()) EXPECT_NEAR(slope, 0.5, 1e-5);  // v v^T with v = (1, 1) / sqrt(2)
}

TEST(Hermitian, IntegersBecomeFloatsAndHalvesAreRefused) {
  EXPECT_EQ(cholesky(astype(spd, i32)).to_vector<float>(), (Floats{2, 0, 1, 3}));
  expect_error<DtypeError>([] { cholesky(astype(spd, f16)); }, "cholesky");
  expect_error<DtypeError>([] { eigh(astype(spd, bf16)); }, "eigh");
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(cholesky(v3), "cholesky"), ROW(cholesky(m), "cholesky"), ROW(cholesky(i3), "cholesky"),
      ROW(eigh(v3), "eigh"),         ROW(eigh(m), "eigh"),         ROW(eigh(scalar), "eigh"),
  };
}
INSTANTIATE_TEST_SUITE_P(Hermitian, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
