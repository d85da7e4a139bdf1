// Differentiation of composed functions against closed forms, and what the public functions reject.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "../support.h"

using namespace tf2jax;

namespace {
void expect_close(const Array& got, const std::vector<double>& want, double tolerance = 1e-5) {
  const auto v = got.to_vector<double>();
  ASSERT_EQ(v.size(), want.size());
  for (std::size_t i = 0; i < v.size(); ++i) EXPECT_NEAR(v[i], want[i], tolerance * (1 + std::abs(want[i])));
}
}  // namespace

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
  EXPECT_NE(m.find("Gradient only defined for scalar-output functions. Output had shape: (3,)."), std::string::npos) << m;
}

TEST(Grad, IntegerArgumentIsRejected) {
  const auto m = message_of<TypeError>([] { grad([](const Array& x) { return sum(x * 1.f); })(arange(3)); });
  EXPECT_NE(m.find("grad requires real- or complex-valued inputs"), std::string::npos) << m;
}

TEST(Grad, UnusedAndIntegerLeavesHaveZeroCotangents) {
  const auto [y, pullback] = vjp([](const Array& x, const Array& n, const Array& unused) { (void)unused; return x * astype(n, f32); }, Array(3.f), Array(2), ones({2}));
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
  auto f = [](const Array& x) { return sum(100.f * square(x(slice(1, {})) - square(x(slice({}, -1)))) + square(1.f - x(slice({}, -1)))); };
  // d2/dx2 = 1200 x^2 - 400 y + 2, d2/dxdy = -400 x, d2/dy2 = 200
  expect_close(hessian(f)(array<float>({1.5f, 0.5f})), {1200 * 2.25 - 200 + 2, -600, -600, 200});
}

TEST(Linearize, IsTheDifferential) {
  const auto [y, tangent] = linearize([](const Array& x) { return sin(x) * x; }, Array(0.7f));
  expect_close(y, {0.7 * std::sin(0.7)});
  expect_close(tangent(2.f), {2 * (std::cos(0.7) * 0.7 + std::sin(0.7))});
}

TEST(Jvp, RejectsMismatchedTangents) {
  auto f = [](const Array& x) { return x; };
  EXPECT_THROW(jvp(f, {ones({3})}, {ones({2})}), ShapeError);
  EXPECT_THROW(jvp(f, {ones({3})}, {ones({3}, i32)}), TypeError);
}

TEST(Grad, ComplexFollowsJaxConvention) {
  // For f(z) = |z|^2, JAX's grad is 2 conj(z).
  const Array g = grad([](const Array& z) { return square(abs(z)); })(Array(complex64(3, 4)));
  EXPECT_NEAR(g.item<complex64>().real(), 6, 1e-4);
  EXPECT_NEAR(g.item<complex64>().imag(), -8, 1e-4);
}

TEST(CustomVjp, ForwardModeNamesTheReason) {
  auto f = custom_vjp([](const Array& x) { return x * x; }, [](const Array& x) { return std::pair{x * x, x}; }, [](const Array& x, const Array& ct) { return std::tuple{5.f * ct * x}; });
  expect_close(grad(f)(2.f), {10});
  expect_close(grad(jit(f))(2.f), {10});
  expect_close(vmap(grad(f))(array<float>({1, 2})), {5, 10});
  expect_close(grad([&](const Array& x) { return sum(vmap(f)(x)); })(array<float>({1, 2})), {5, 10});
  const auto m = message_of<TypeError>([&] { jvp(f, {Array(1.f)}, {Array(1.f)}); });
  EXPECT_NE(m.find("can't apply forward-mode autodiff (jvp) to a custom_vjp function."), std::string::npos) << m;
}

TEST(CustomVjp, SharedArgumentUnderVmapSumsItsCotangent) {
  auto f = custom_vjp([](const Array& w, const Array& x) { return w * x; }, [](const Array& w, const Array& x) { return std::pair{w * x, std::tuple{w, x}}; },
                      [](const auto& r, const Array& ct) { return std::tuple{ct * std::get<1>(r), ct * std::get<0>(r)}; });
  const Array x = array<float>({1, 2, 3});
  expect_close(grad([&](const Array& w) { return sum(vmap(f, {.in_axes = {none, 0}})(w, x)); })(2.f), {6});
}

// Integers have cotangents of dtype float0, which hold nothing: whatever the rule gives for them is left aside.
TEST(CustomVjp, IntegerArgumentsHaveNoCotangent) {
  auto f = custom_vjp([](const Array& x, const Array& n) { return x * n; }, [](const Array& x, const Array& n) { return std::pair{x * n, n}; },
                      [](const Array& n, const Array& ct) { return std::tuple{ct * n, Array()}; });
  const Array n = array<int>(3);
  expect_close(grad([&](const Array& x) { return f(x, n); })(2.f), {3});
  expect_close(grad(jit([&](const Array& x) { return f(x, n); }))(2.f), {3});
  expect_close(jit(grad([&](const Array& x, const Array& k) { return f(x, k); }))(Array(2.f), n), {3});
  expect_close(vmap(grad([&](const Array& x, const Array& k) { return f(x, k); }))(array<float>({1, 2}), array<int>({3, 4})), {3, 4});
  expect_close(grad([&](const Array& x) { return sum(vmap(f)(x, array<int>({3, 4}))); })(array<float>({1, 2})), {3, 4});
  auto g = custom_vjp([](const Array& x, const Array& k) { return x * k; }, [](const Array& x, const Array& k) { return std::pair{x * k, k}; },
                      [](const Array& k, const Array& ct) { return std::tuple{ct * k, zeros_like(k)}; });
  expect_close(vmap(grad([&](const Array& x, const Array& k) { return g(x, k); }))(array<float>({1, 2}), array<int>({3, 4})), {3, 4});
}

TEST(CustomVjp, WrongCotangentShapeIsAnError) {
  auto f = custom_vjp([](const Array& x) { return sum(x); }, [](const Array& x) { return std::pair{sum(x), x}; }, [](const Array&, const Array& ct) { return std::tuple{ct}; });
  EXPECT_THROW(grad(f)(ones({3})), ShapeError);
}

TEST(CustomJvp, InsideScanAndJit) {
  auto triple = custom_jvp([](const Array& x) { return x; }).defjvp([](auto p, auto t) { return std::pair{std::get<0>(p), 3.f * std::get<0>(t)}; });
  auto f = jit([&](const Array& x) { return scan([&](const Array& c, const Array&) { return std::pair{triple(c), c}; }, x, zeros({3})).first; });
  expect_close(grad(f)(1.f), {27});
}

TEST(Checkpoint, RecomputesInsteadOfStoring) {
  auto f = [](const Array& x) { return sin(sin(sin(x))); };
  const double x = 0.6, a = std::sin(x), b = std::sin(a);
  expect_close(grad(checkpoint(f))(0.6f), {std::cos(x) * std::cos(a) * std::cos(b)});
  const auto sines = [](const std::string& text) {
    int n = 0;
    for (std::size_t at = text.find("= sin "); at != std::string::npos; at = text.find("= sin ", at + 1)) ++n;
    return n;
  };
  const int stored = sines(to_string(make_jaxpr(grad(f))(0.6f))), recomputed = sines(to_string(make_jaxpr(grad(checkpoint(f)))(0.6f)));
  EXPECT_GT(recomputed, stored);
  EXPECT_NEAR(grad(grad(checkpoint(f)))(0.6f).item<double>(), grad(grad(f))(0.6f).item<double>(), 1e-5);
}

TEST(Nesting, PerturbationsDoNotMix) {
  // d/dx [x * d/dy (x + y)] = 1
  auto f = [](const Array& x) { return x * grad([&](const Array& y) { return x + y; })(1.f); };
  expect_close(grad(f)(1.f), {1});
  expect_close(jvp(f, {Array(1.f)}, {Array(1.f)}).second, {1});
}
