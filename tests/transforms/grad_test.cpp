// Differentiation of composed functions against closed forms, and what the public functions reject.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "../support.h"

using namespace tf2jax;

TEST(Grad, HigherOrdersOfAScalarFunction) {
  auto f = [](const Array& x) { return exp(2.f * x); };
  const double e = std::exp(1.0);
  expect_close(grad(f)(0.5f), {2 * e});
  expect_close(grad(grad(f))(0.5f), {4 * e});
  expect_close(grad(grad(grad(f)))(0.5f), {8 * e});
}

TEST(Grad, SeveralArgumentsGiveATuple) {
  auto f = [](const Array& a, const Array& b, const Array& c) { return sum(a * b + sin(c)); };
  const Array a = array<float>({1, 2}), b = array<float>({3, 4}), c = array<float>({0, 1});
  const auto [value, g] = value_and_grad<0, 2>(f)(a, b, c);
  expect_close(value, {11 + std::sin(1.0)});
  expect_close(std::get<0>(g), {3, 4});
  expect_close(std::get<1>(g), {1, std::cos(1.0)});
  expect_close(grad<1>(f)(a, b, c), {1, 2});
}

TEST(Grad, AuxiliaryOutputsComeBackUndifferentiated) {
  auto f = [](const Array& x) { return std::pair{sum(x * x), x + 1.f}; };
  const auto [value, g] = value_and_grad(f)(array<float>({1, 2}));
  expect_close(value.first, {5});
  expect_close(value.second, {2, 3});
  expect_close(g, {2, 4});
  const auto [gradient, aux] = grad(f)(array<float>({1, 2}));
  expect_close(gradient, {2, 4});
  expect_close(aux, {2, 3});
}

TEST(Grad, NonScalarOutputNamesItsShape) {
  const auto m = message_of<TypeError>([] { grad([](const Array& x) { return x; })(ones({3})); });
  EXPECT_NE(m.find("Gradient only defined for scalar-output functions. Output had shape: (3,)."), std::string::npos)
      << m;
}

TEST(Grad, IntegerArgumentIsRejected) {
  const auto m = message_of<TypeError>([] { grad([](const Array& x) { return sum(x * 1.f); })(arange(3)); });
  EXPECT_NE(m.find("grad requires real- or complex-valued inputs"), std::string::npos) << m;
}

TEST(Grad, UnusedAndIntegerLeavesHaveZeroCotangents) {
  const auto [y, pullback] = vjp(
      [](const Array& x, const Array& n, const Array& unused) {
        (void)unused;
        return x * astype(n, f32);
      },
      Array(3.f), Array(2), ones({2}));
  const auto [dx, dn, du] = pullback(1.f);
  expect_close(dx, {2});
  EXPECT_EQ(dn.dtype(), float0);
  expect_close(du, {0, 0});
}

TEST(Grad, PullbackChecksItsCotangent) {
  const auto [y, pullback] = vjp([](const Array& x) { return x * 2.f; }, ones({3}));
  EXPECT_THROW(pullback(ones({2})), ShapeError);
  EXPECT_THROW(pullback(ones({3}, i32)), DtypeError);
}

TEST(Grad, StopGradientBlocks) {
  expect_close(grad([](const Array& x) { return x * stop_gradient(x); })(3.f), {3});
}

TEST(Grad, TiesOfMaximumShareAndReluAtZeroIsFlat) {
  expect_close(grad([](const Array& x) { return maximum(x, 2.f); })(2.f), {0.5});
  expect_close(grad([](const Array& x) { return relu(x); })(0.f), {0});
  expect_close(grad([](const Array& x) { return abs(x); })(0.f), {1});
}

TEST(Grad, PowerAtZeroExponentIsFlat) {
  expect_close(grad([](const Array& x) { return pow(x, 0.f * x); })(2.f), {0});
  const auto with_integer = [](const Array& x) { return sum(pow(x, array<int>({0, 0}))); };
  expect_close(grad(with_integer)(array<float>({0, 2})), {0, 0});
}

// d2/dx dy x^y = x^(y-1) (1 + y log x).
TEST(Grad, MixedDerivativesOfAPowerAtExponentZero) {
  const auto slope = [](const Array& x, const Array& y) { return grad([&](const Array& v) { return pow(v, y); })(x); };
  EXPECT_FLOAT_EQ(grad<1>(slope)(Array(2.f), Array(0.f)).item<float>(), 0.5f);
}

TEST(Jacobian, ForwardAndReverseAgreeOnARectangularMap) {
  const Array w = array<float>({{1, 2, 3}, {4, 5, 6}});
  auto f = [&](const Array& x) { return matmul(w, square(x)); };
  const Array x = array<float>({1, 2, 3});
  expect_close(jacfwd(f)(x), {2, 8, 18, 8, 20, 36});
  expect_close(jacrev(f)(x), {2, 8, 18, 8, 20, 36});
}

TEST(Hessian, OfRosenbrock) {
  auto f = [](const Array& x) {
    return sum(100.f * square(x(slice(1, {})) - square(x(slice({}, -1)))) + square(1.f - x(slice({}, -1))));
  };
  // d2/dx2 = 1200 x^2 - 400 y + 2, d2/dxdy = -400 x, d2/dy2 = 200
  expect_close(hessian(f)(array<float>({1.5f, 0.5f})), {1200 * 2.25 - 200 + 2, -600, -600, 200});
}

TEST(Grad, ComplexFollowsJaxConvention) {
  // For f(z) = |z|^2, JAX's grad is 2 conj(z).
  const Array g = grad([](const Array& z) { return square(abs(z)); })(Array(complex64(3, 4)));
  EXPECT_NEAR(g.item<complex64>().real(), 6, 1e-4);
  EXPECT_NEAR(g.item<complex64>().imag(), -8, 1e-4);
}
