// Values that are read in the memory of others.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/compiler/fusion/plan.h"
#include "tf2jax/compiler/rewrite/build_graph.h"

namespace tf2jax::compiler {
namespace {

struct Planned {
  Graph graph;
  FusionPlan plan;
  explicit Planned(const Jaxpr& j) : graph(build_graph(j)), plan(plan_fusion(graph)) {}
  const View& output(std::size_t i = 0) const { return plan.views.at(graph.outputs[i]); }
  const DotLayout& dot() const { return plan.dots.begin()->second; }
};

TEST(Views, ReshapesLieWhereTheirOperandDoes) {
  const Planned p(make_jaxpr([](const Array& x) { return reshape(x, {6}); })(zeros({2, 3})));
  EXPECT_EQ(p.output().base, p.graph.inputs[0]);
  EXPECT_EQ(p.output().offset, 0);
  EXPECT_EQ(p.output().strides, Dims{1});
}

TEST(Views, EveryOutputHasAPlace) {
  const Planned p(make_jaxpr([](const Array& x) { return std::tuple{sin(x), sum(x), x}; })(zeros({2, 3})));
  for (const ValueId v : p.graph.outputs) EXPECT_TRUE(p.plan.views.contains(v));
  EXPECT_EQ(p.output(0).strides, (Dims{3, 1}));
  EXPECT_EQ(p.output(1).strides, Dims{});
}

TEST(Views, ProductsReadTransposesInPlace) {
  // a^T b of a [64, 32], b [64, 48]: rows of a^T are columns of a.
  const Planned p(make_jaxpr([](const Array& a, const Array& b) { return matmul(transpose(a), b); })(zeros({64, 32}),
                                                                                                     zeros({64, 48})));
  ASSERT_EQ(p.plan.dots.size(), 1u);
  const DotLayout& d = p.dot();
  const bool turned = d.m == 48;
  const View &a = turned ? d.rhs : d.lhs, &b = turned ? d.lhs : d.rhs;
  EXPECT_EQ(a.base, p.graph.inputs[0]);
  EXPECT_EQ(b.base, p.graph.inputs[1]);
  EXPECT_EQ(a.strides, turned ? (Dims{32, 1}) : (Dims{1, 32}));
  EXPECT_EQ(b.strides, turned ? (Dims{1, 48}) : (Dims{48, 1}));
  EXPECT_EQ(d.k, 64);
}

TEST(Views, ProductsReadSlicesInPlace) {
  const Planned p(make_jaxpr([](const Array& a, const Array& b) { return matmul(a(slice(8, 40)), b); })(
      zeros({64, 32}), zeros({32, 48})));
  ASSERT_EQ(p.plan.dots.size(), 1u);
  const View& a = p.dot().lhs.base == p.graph.inputs[0] ? p.dot().lhs : p.dot().rhs;
  EXPECT_EQ(a.base, p.graph.inputs[0]);
  EXPECT_EQ(a.offset, 8 * 32);
}

TEST(Views, ComplexNumbersAreTheirPartsInTurns) {
  const Planned p(make_jaxpr([](const Array& x, const Array& y) { return complex(x, y); })(zeros({5}), zeros({5})));
  const auto x = array<float>({1, 2}), y = array<float>({3, 4});
  const Array z = jit([](const Array& a, const Array& b) { return complex(a, b); })(x, y);
  EXPECT_EQ(z.to_vector<complex64>(), (std::vector<complex64>{{1, 3}, {2, 4}}));
  EXPECT_EQ(p.plan.interleaved.size(), 1u);
}

}  // namespace
}  // namespace tf2jax::compiler
