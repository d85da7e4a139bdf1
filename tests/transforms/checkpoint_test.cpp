// checkpoint: derivatives as without it, from recomputed values.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

TEST(Checkpoint, RecomputesInsteadOfStoring) {
  auto f = [](const Array& x) { return sin(sin(sin(x))); };
  const double x = 0.6, a = std::sin(x), b = std::sin(a);
  expect_close(grad(checkpoint(f))(0.6f), {std::cos(x) * std::cos(a) * std::cos(b)});
  const auto sines = [](const std::string& text) {
    int n = 0;
    for (std::size_t at = text.find("= sin "); at != std::string::npos; at = text.find("= sin ", at + 1)) ++n;
    return n;
  };
  const int stored = sines(to_string(make_jaxpr(grad(f))(0.6f))),
            recomputed = sines(to_string(make_jaxpr(grad(checkpoint(f)))(0.6f)));
  EXPECT_GT(recomputed, stored);
  EXPECT_NEAR(grad(grad(checkpoint(f)))(0.6f).item<double>(), grad(grad(f))(0.6f).item<double>(), 1e-5);
}

TEST(Checkpoint, GivesTheSameValuesAndDerivatives) {
  const auto f = [](const Array& x, const Array& y) { return sum(sin(x) * y + exp(y)); };
  const auto g = [&](const Array& x, const Array& y) { return checkpoint(f)(x, y); };
  const Array x = array<float>({0.1f, 0.2f}), y = array<float>({0.5f, -1});
  EXPECT_EQ(g(x, y).item<float>(), f(x, y).item<float>());
  const auto [dx, dy] = grad<0, 1>(g)(x, y);
  expect_close(dx, {std::cos(0.1) * 0.5, -std::cos(0.2)});
  expect_close(dy, {std::sin(0.1) + std::exp(0.5), std::sin(0.2) + std::exp(-1)});
  expect_close(jit(grad(g))(x, y), {std::cos(0.1) * 0.5, -std::cos(0.2)});
  expect_close(jvp([&](const Array& v) { return g(v, y); }, {x}, {ones({2})}).second,
               {std::cos(0.1) * 0.5 - std::cos(0.2)});
}

TEST(Checkpoint, IsMapped) {
  const auto f = checkpoint([](const Array& x) { return x * x; });
  expect_close(vmap(f)(array<float>({1, 2, 3})), {1, 4, 9});
  expect_close(vmap(grad(f))(array<float>({1, 2, 3})), {2, 4, 6});
}

TEST(Checkpoint, IsOneEquationNamedRemat) {
  const Jaxpr j = make_jaxpr(checkpoint([](const Array& x) { return sin(x); }))(1.f);
  ASSERT_EQ(j->eqns.size(), 1u);
  EXPECT_TRUE(j->eqns[0].primitive == checkpoint_p());
}

}  // namespace
}  // namespace tf2jax
