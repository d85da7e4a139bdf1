// What depends on constants alone is a constant.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/passes/fold_constants.h"

namespace tf2jax {
namespace {

std::vector<std::string> names(const Jaxpr& j) {
  std::vector<std::string> out;
  for (const Equation& e : j->eqns) out.push_back(e.primitive.name());
  return out;
}

TEST(FoldConstants, WhatDependsOnConstantsIsOne) {
  const Array w = array<float>({1, 2, 3});
  const Jaxpr j = make_jaxpr([&](const Array& x) { return x * sum(square(w)); })(1.f);
  const Jaxpr k = fold_constants(j);
  check_jaxpr(k);
  EXPECT_EQ(names(k), std::vector<std::string>{"mul"});
  const Array args[] = {Array(2.f)};
  EXPECT_EQ(eval_jaxpr(k, args)[0].item<float>(), 28);
}

TEST(FoldConstants, NumbersThatAreEverywhereTheSameStay) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return x + full({100000}, 2.f); })(zeros({100000}));
  EXPECT_EQ(fold_constants(j)->eqns.size(), j->eqns.size());
}

TEST(FoldConstants, SmallResultsOnly) {
  const Array w = array<float>({1, 2});
  const auto left = [](auto&& f) { return fold_constants(make_jaxpr(f)(Array(1.f)))->eqns.size(); };
  const auto spread = [&](std::int64_t n) {
    return left([&, n](const Array& x) { return x * sum(broadcast_to(expand_dims(w, {0}), {n, 2})); });
  };
  EXPECT_EQ(spread(2048), 1u);  // 4096 elements
  EXPECT_EQ(spread(2049), 3u);
}

TEST(FoldConstants, NothingIsKnownOfInputs) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return sin(cos(x)); })(1.f);
  EXPECT_EQ(fold_constants(j)->eqns.size(), 2u);
  EXPECT_TRUE(fold_constants(make_jaxpr([](const Array& x) { return x; })(1.f))->eqns.empty());
}

}  // namespace
}  // namespace tf2jax
