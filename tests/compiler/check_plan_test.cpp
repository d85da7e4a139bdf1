// What the checks of a plan refuse, on plans and kernels made wrong by hand.
#include "tf2jax/compiler/check_plan.h"

#include <tf2jax/tf2jax.h>

#include "codegen/codegen_kernels.h"
#include "tf2jax/compiler/loops/simulate.h"
#include "tf2jax/compiler/rewrite/build_graph.h"

namespace tf2jax::compiler {
namespace {

using loops::testing::Builder;
using loops::testing::eval;
using loops::testing::loop;
using loops::testing::store;

// y[scale * i + offset] = x[i] for i in [0, n), serially or in parallel.
loops::Kernel copy(std::int64_t n, std::int64_t size, std::int64_t scale, std::int64_t offset, bool parallel) {
  Builder b;
  b.k.variables = 1;
  const loops::BufferId x = b.buffer(DType::f32, n), y = b.buffer(DType::f32, size, true);
  const loops::NodeId v = b.load(x, {0, {{0, 1}}});
  loops::Block body{eval(v), store(y, {offset, {{0, scale}}}, v)};
  if (parallel) {
    b.k.parallel = {n};
    b.k.body = std::move(body);
  } else {
    b.k.body = {loop(0, n, false, std::move(body))};
  }
  return b.k;
}

void check(
    const loops::Kernel& kernel, const std::vector<ValueId>& bases,
    const std::function<ValueId(ValueId)>& home = [](ValueId v) { return v; }) {
  check_kernels({{kernel, bases}}, home, Writes::once);
}

TEST(CheckKernels, EveryElementIsWrittenOnce) {
  check(copy(8, 8, 1, 0, true), {0, 1});
  EXPECT_THROW(check(copy(8, 8, 0, 3, false), {0, 1}), InternalError);  // one element eight times
  EXPECT_THROW(check(copy(4, 8, 1, 0, false), {0, 1}), InternalError);  // half of them
}

TEST(CheckKernels, SeveralWriteOneResultTogether) {
  const auto half = [](std::int64_t offset) { return copy(4, 8, 2, offset, false); };  // elements offset, offset + 2, …
  const loops::Kernel even = half(0), odd = half(1);
  const std::vector<ValueId> first{0, 2}, second{1, 2};
  const auto own = [](ValueId v) { return v; };
  check_kernels({{even, first}, {odd, second}}, own, Writes::once);
  EXPECT_THROW(check_kernels({{even, first}, {even, second}}, own, Writes::once), InternalError);
  EXPECT_THROW(check_kernels({{even, first}}, own, Writes::once), InternalError);
  check_kernels({{even, first}, {even, second}}, own, Writes::any);
}

TEST(CheckKernels, AccessesStayInside) {
  EXPECT_THROW(check(copy(8, 8, 1, 1, true), {0, 1}), InternalError);
  EXPECT_THROW(check(copy(8, 8, -1, 6, true), {0, 1}), InternalError);
}

TEST(CheckKernels, NothingIsReadAfterItWasWrittenOver) {
  const auto one = [](ValueId) { return 0; };
  check(copy(8, 8, 1, 0, false), {0, 1}, one);                                // each element before it goes
  EXPECT_THROW(check(copy(8, 8, -1, 7, false), {0, 1}, one), InternalError);  // backwards: the second half is gone
  EXPECT_THROW(check(copy(8, 8, -1, 7, true), {0, 1}, one), InternalError);
}

TEST(Simulate, IterationsBesideEachOtherTouchDifferentElements) {
  std::vector<float> x(8, 1), y(8);
  std::vector<void*> buffers{x.data(), y.data()};
  EXPECT_THROW(loops::simulate(copy(8, 8, 0, 0, true), buffers.data(), 8), InternalError);
  loops::simulate(copy(8, 8, 1, 0, true), buffers.data(), 8);
  EXPECT_EQ(y, x);
}

TEST(CheckArena, LivesThatOverlapDoNotShareBytes) {
  const auto slot = [](std::int64_t where, std::int64_t bytes, std::int32_t first, std::int32_t last) {
    Program::Slot s;
    s.where = where;
    s.bytes = bytes;
    s.first = first;
    s.last = last;
    return s;
  };
  check_arena({slot(0, 64, 0, 1), slot(0, 64, 2, 3), slot(64, 64, 1, 2)});
  EXPECT_THROW(check_arena({slot(0, 64, 0, 2), slot(0, 64, 2, 3)}), InternalError);
  EXPECT_THROW(check_arena({slot(0, 128, 0, 2), slot(64, 64, 1, 3)}), InternalError);
}

// A sum and what reads it, planned and then spoilt.
struct Planned {
  Graph graph = build_graph(make_jaxpr([](const Array& x) {
    return sin(matmul(x, transpose(x))) - broadcast_to(sum(matmul(x, transpose(x)), 0), {40, 40});
  })(zeros({40, 3})));
  FusionPlan plan = plan_fusion(graph);
};

TEST(CheckPlan, HoldsForWhatThePlannerMakes) {
  const Planned p;
  check_order(p.graph, p.plan);
  check_maps(p.graph, p.plan);
}

TEST(CheckPlan, UnitsComeAfterWhatTheyRead) {
  Planned p;
  ASSERT_GE(p.plan.order.size(), 2u);  // the product, and the loops that read it
  std::ranges::reverse(p.plan.order);
  EXPECT_THROW(check_order(p.graph, p.plan), InternalError);
}

TEST(CheckPlan, NoValueIsWrittenTwice) {
  Planned p;
  p.plan.order.push_back(p.plan.order.back());
  EXPECT_THROW(check_order(p.graph, p.plan), InternalError);
}

TEST(CheckPlan, MapsFollowTheirDefinition) {
  Planned p;
  for (Group& g : p.plan.groups)
    for (auto& [place, maps] : g.operands)
      if (p.graph.producer(place.value)->kind == OpKind::broadcast ||
          p.graph.producer(place.value)->kind == OpKind::reduce)
        for (MapId& m : maps) {
          IndexMap wrong = g.space.map(m);
          for (Affine& a : wrong) a = constant_index(0);
          m = g.space.intern(wrong);
        }
  EXPECT_THROW(check_maps(p.graph, p.plan), InternalError);
}

TEST(CheckSharing, MemoryIsReadBeforeItIsWrittenOver) {
  // Inputs 0 and 1; unit 0 makes 2 of 0, unit 1 makes 3 of 2 and 0.
  Graph g;
  for (int i = 0; i < 4; ++i) {
    g.values.emplace_back();
    g.values.back().aval = {DType::f32, {Dim(4)}, false};
    g.values.back().dims = {4};
  }
  g.inputs = {0, 1};
  g.outputs = {3};
  FusionPlan plan;
  for (ValueId v = 0; v < 4; ++v) plan.views[v] = {v, 0, {1}};
  const std::vector<UnitAccess> units{{{0}, {2}, {}}, {{2, 0}, {3}, {{2, 3}}}};
  BufferAssignment s{{0, 1, 2, 2}, std::vector<bool>(4, false), {-1}};
  check_assignment(g, plan, units, s);
  s.home = {0, 1, 0, 3};  // 2 over 0, which unit 1 still reads
  EXPECT_THROW(check_assignment(g, plan, units, s), InternalError);
  s.home = {0, 1, 2, 0};  // 3 over 0 while unit 1 reads it, which it does not allow
  EXPECT_THROW(check_assignment(g, plan, units, s), InternalError);
}

}  // namespace
}  // namespace tf2jax::compiler
