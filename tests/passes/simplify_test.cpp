// Simplifications of programs that need no backend.
#include "tf2jax/passes/simplify.h"

#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/passes/inline_calls.h"

namespace tf2jax {
namespace {

TEST(Simplify, GivesTheSameResults) {
  const auto f = [](const Array& x) {
    const Array w = array<float>({1, 2, 3});
    const auto g = jit([&](const Array& v) { return sum(v * w * 1.f) + sum(v * w); });
    return std::tuple{g(x) * 1.f, grad(g)(x), x};
  };
  const Jaxpr j = make_jaxpr(f)(ones({3})), k = simplify(j);
  check_jaxpr(k);
  EXPECT_LT(k->eqns.size(), inline_calls(j)->eqns.size());
  const Array args[] = {array<float>({0.25, -2, 7})};
  const Arrays want = eval_jaxpr(j, args), got = eval_jaxpr(k, args);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].to_vector<float>(), want[i].to_vector<float>());
}

}  // namespace
}  // namespace tf2jax
