// Dead code and common subexpression elimination.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/passes/cse.h"
#include "tf2jax/passes/dce.h"

using namespace tf2jax;

TEST(Dce, RemovesUnusedEquationsAndConstants) {
  const Array unused_constant = ones({3});
  const Jaxpr j = make_jaxpr([&](const Array& x) {
    const Array unused = sin(x) + unused_constant;
    return cos(x);
  })(ones({3}));
  EXPECT_EQ(j->eqns.size(), 3u);
  const Jaxpr d = dce(j);
  EXPECT_EQ(d->eqns.size(), 1u);
  EXPECT_EQ(d->consts.size(), 0u);
  EXPECT_EQ(d.num_inputs(), 1u);
  check_jaxpr(d);
}

TEST(Dce, KeepOutputsComputesOnlyThose) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return std::tuple{sin(x), cos(x)}; })(1.f);
  const Jaxpr k = keep_outputs(j, {false, true});
  EXPECT_EQ(k->eqns.size(), 1u);
  const Array args[] = {Array(0.f)};
  EXPECT_EQ(eval_jaxpr(k, args)[0].item<float>(), 1.f);
}

TEST(Cse, MergesEqualApplicationsOnly) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return sin(x) * sin(x) + sum(x * 2.f) + sum(x * 2.f) + sum(x * 3.f); })(ones({3}));
  const Jaxpr c = cse(j);
  check_jaxpr(c);
  EXPECT_EQ(j->eqns.size() - c->eqns.size(), 3u);   // one sin, one mul, one sum
  const Array args[] = {array<float>({1, 2, 3})};
  EXPECT_EQ(eval_jaxpr(c, args)[0].to_vector<float>(), eval_jaxpr(j, args)[0].to_vector<float>());
}

TEST(Cse, DistinguishesParamsAndWeakTypes) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return std::tuple{sum(x, 0), sum(x, 1), sum(x, 0)}; })(ones({2, 2}));
  EXPECT_EQ(cse(j)->eqns.size(), 2u);
}
