// Graphs of programs: calls are inlined, equal operations shared, constants folded.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "tf2jax/compiler/rewrite/build_graph.h"

namespace tf2jax::compiler {
namespace {

std::size_t count(const Graph& g, OpKind kind) {
  return static_cast<std::size_t>(std::ranges::count_if(g.ops, [&](const GraphOp& op) { return op.kind == kind; }));
}
template <class F, class... A>
Graph graph_of(const F& f, const A&... args) {
  return build_graph(make_jaxpr(f)(args...));
}

TEST(BuildGraph, InlinesCalls) {
  const auto inner = jit([](const Array& x) { return sin(x); });
  const Graph g = graph_of([&](const Array& x) { return inner(inner(x)); }, ones({3}));
  EXPECT_EQ(count(g, OpKind::call), 0u);
  ASSERT_EQ(g.ops.size(), 2u);
  for (const GraphOp& op : g.ops) EXPECT_EQ(op.scalar, loops::Op::sin);
}

TEST(BuildGraph, SharesEqualOperations) {
  const Graph g = graph_of([](const Array& x) { return sin(x) * sin(x); }, ones({3}));
  EXPECT_EQ(g.ops.size(), 2u);
}

TEST(BuildGraph, DropsWhatIsNotNeeded) {
  const Graph g = graph_of(
      [](const Array& x) {
        exp(x);
        return x;
      },
      ones({3}));
  EXPECT_TRUE(g.ops.empty());
  EXPECT_EQ(g.inputs, g.outputs);
}

TEST(BuildGraph, FoldsWhatDependsOnConstants) {
  const Graph g = graph_of([](const Array& x) { return x + sum(array<float>({1, 2, 3})); }, ones({3}));
  ASSERT_EQ(g.ops.size(), 1u);
  EXPECT_EQ(g.ops[0].scalar, loops::Op::add);
}

TEST(BuildGraph, OperandsOfAnOperationComeBefore) {
  const Graph g =
      graph_of([](const Array& x) { return std::pair{softmax(matmul(x, transpose(x))), sort(x)}; }, ones({8, 4}));
  for (std::size_t o = 0; o < g.ops.size(); ++o)
    for (const ValueId v : g.ops[o].in) EXPECT_LT(g.value(v).op, static_cast<OpId>(o));
  EXPECT_EQ(g.outputs.size(), 2u);
}

TEST(BuildGraph, TracedConstantsAreRefused) {
  make_jaxpr([](const Array& outer) {
    const Jaxpr captured = make_jaxpr([&](const Array& x) { return x + outer; })(1.f);
    expect_error<UnexpectedTracerError>([&] { build_graph(captured); }, "traced");
    return outer;
  })(1.f);
}

TEST(BuildGraph, SizesOfSymbolsAreRefused) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return sin(x); })(spec(f32, {Dim::variable("n")}));
  EXPECT_ANY_THROW(build_graph(j));
}

}  // namespace
}  // namespace tf2jax::compiler
