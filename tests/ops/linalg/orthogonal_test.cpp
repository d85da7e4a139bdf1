// QR, singular values and eigenvalues: the factors give their operand back and have the form that they should.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "random_matrix.h"
#include "tf2jax/ops/linalg.h"

namespace tf2jax {
namespace {

TEST_F(Factorizations, QrIsOrthonormalTimesTriangular) {
  for (const bool full : {false, true})
    for (const DType d : kTypes)
      for (const Shape& shape : kShapes) {
        const Array a = random_matrix(2, shape, d);
        const auto [q, r] = qr(a, full);
        EXPECT_LT(distance(matmul(q, r), a), tolerance(d)) << a.aval() << full;
        EXPECT_LT(distance(matmul(adjoint(q), q), identity_like(a, q.shape().back().value())), tolerance(d))
            << a.aval();
        EXPECT_LT(distance(triu(r), r), 1e-30) << a.aval();
      }
}

TEST_F(Factorizations, PivotedQrOrdersTheColumns) {
  const Array a = random_matrix(3, {4, 3});
  const Arrays out = qr_p().bind({a}, QrParams{.pivoting = true});
  EXPECT_LT(distance(matmul(out[0], out[1]), take(a, out[2], 1)), 1e-12);
  const std::vector<double> d = abs(einsum("ii->i", {slice_in_dim(out[1], 0, 3, 1, 0)})).to_vector<double>();
  EXPECT_GE(d[0], d[1]);
  EXPECT_GE(d[1], d[2]);
}

TEST_F(Factorizations, SvdGivesItsOperandBack) {
  for (const bool full : {false, true})
    for (const DType d : kTypes)
      for (const Shape& shape : kShapes) {
        const Array a = random_matrix(4, shape, d);
        const auto [u, s, vh] = svd(a, full);
        const std::int64_t k = s.shape().back().value(), last = a.rank() - 1;
        const Array scaled = slice_in_dim(u, 0, k, 1, last) * astype(expand_dims(s, {-2}), d);
        EXPECT_LT(distance(matmul(scaled, slice_in_dim(vh, 0, k, 1, last - 1)), a), tolerance(d)) << a.aval() << full;
        EXPECT_LT(distance(matmul(adjoint(u), u), identity_like(a, u.shape().back().value())), tolerance(d))
            << a.aval();
        EXPECT_LT(distance(svdvals(a), s), tolerance(d));
      }
  EXPECT_EQ(svdvals(array<double>({{3, 0}, {0, -4}})).to_vector<double>(), (std::vector<double>{4, 3}));
}

TEST_F(Factorizations, EigenvectorsAreScaledOnly) {
  for (const DType d : kTypes)
    for (const Shape& shape : {Shape{1, 1}, Shape{4, 4}, Shape{2, 3, 3}, Shape{0, 0}}) {
      const Array a = random_matrix(5, shape, d);
      const auto [w, v] = eig(a);
      EXPECT_TRUE(is_complex(w.dtype()));
      EXPECT_LT(distance(matmul(astype(a, v.dtype()), v), v * expand_dims(w, {-2})), 5 * tolerance(d)) << a.aval();
      const Arrays left = eig_p().bind({a}, EigParams{.compute_left_eigenvectors = true});
      EXPECT_LT(distance(matmul(adjoint(left[1]), astype(a, v.dtype())), adjoint(left[1]) * expand_dims(w, {-1})),
                5 * tolerance(d));
    }
  // A rotation by a right angle has eigenvalues i and -i.
  const Array w = eigvals(array<double>({{0, -1}, {1, 0}}));
  EXPECT_LT(std::abs(prod(w).item<complex128>() - complex128(1)), 1e-14);
  EXPECT_LT(std::abs(sum(w).item<complex128>()), 1e-14);
}

TEST_F(Factorizations, DerivativesOfOrthogonalFactorsAreThoseOfDifferences) {
  const auto all = [](const auto& f, const Shape& shape) {
    testing::check_grads([&](const Array& a) { return f(a); }, {random_matrix(10, shape)}, {.order = 2});
  };
  all([](const Array& a) { return qr(a).first * 2.0; }, {3, 3});
  all([](const Array& a) { return qr(a).second; }, {4, 2});
  all([](const Array& a) { return svdvals(a); }, {4, 3});
  all(
      [](const Array& a) {
        const auto [u, s, vh] = svd(a);
        return matmul(u * sin(expand_dims(s, {-2})), vh);
      },
      {3, 3});
  all(
      [](const Array& a) {
        const auto [u, s, vh] = svd(a);
        return matmul(u * sin(expand_dims(s, {-2})), vh);
      },
      {2, 4});
  all(
      [](const Array& a) {
        const auto [u, s, vh] = svd(a);
        return matmul(u * sin(expand_dims(s, {-2})), vh);
      },
      {4, 2});
  all([](const Array& a) { return real(sum(square(eigvals(a)))); }, {3, 3});
  all(
      [](const Array& a) {
        const auto [w, v] = eig(a);
        return std::tuple{real(v), imag(v), real(w), imag(w)};
      },
      {4, 4});
  all([](const Array& a) { return pinv(a); }, {4, 2});
}

TEST_F(Factorizations, BadOperandsOfOrthogonalFactorsAreNamed) {
  EXPECT_THROW(qr(zeros({})), ShapeError);
  EXPECT_THROW(svd(zeros({2})), ShapeError);
  EXPECT_THROW(eig(zeros({2, 3})), ShapeError);
  const auto left = [](const Array& a) {
    return sum(real(eig_p().bind({a}, EigParams{.compute_left_eigenvectors = true})[1]));
  };
  EXPECT_THROW(grad(left)(eye(2)), NotImplementedError);
  EXPECT_THROW(grad([](const Array& a) { return sum(qr(a).first); })(zeros({2, 3})), NotImplementedError);
  EXPECT_THROW(grad([](const Array& a) { return sum(svd(a, true).u); })(zeros({2, 3})), NotImplementedError);
}

}  // namespace
}  // namespace tf2jax
