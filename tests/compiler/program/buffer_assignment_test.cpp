// Which values lie in one memory: plans made by hand.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/compiler/graph/builder.h"
#include "tf2jax/compiler/program/buffer_assignment.h"

namespace tf2jax::compiler {
namespace {

// x -> a -> y, one unit each.
struct Chain {
  Graph graph;
  FusionPlan plan;
  ValueId x, a, y;
  std::vector<UnitAccess> units;

  explicit Chain(bool may_overwrite, bool x_is_read_late = false) {
    GraphBuilder b;
    const Aval aval{f32, {Dim(8)}, false};
    x = b.input(aval);
    a = b.scalar_op(loops::Op::sin, {x}, aval);
    y = b.scalar_op(loops::Op::add, {a, x_is_read_late ? x : a}, aval);
    graph = b.finish({y});
    for (const ValueId v : {x, a, y}) plan.views[v] = {v, 0, {1}};
    plan.order = {{-1, 0}, {-1, 1}};
    units = {{{x}, {a}, {}}, {{a}, {y}, {}}};
    if (x_is_read_late) units[1].reads.push_back(x);
    if (may_overwrite) units[0].in_place = {{x, a}}, units[1].in_place = {{a, y}};
  }
  BufferAssignment assign(std::vector<SharedMemory> allowed = {}) const {
    return assign_buffers(graph, plan, units, allowed);
  }
};

TEST(BufferAssignment, ValuesHaveTheirOwnMemory) {
  const Chain c(false);
  const BufferAssignment got = c.assign();
  for (const ValueId v : {c.x, c.a, c.y}) {
    EXPECT_EQ(got.home[v], v);
    EXPECT_TRUE(got.alone[v]);
  }
  EXPECT_EQ(got.outputs, std::vector<std::int32_t>{-1});
}

TEST(BufferAssignment, ResultsTakeTheMemoryOfDeadOperands) {
  const Chain c(true);
  const BufferAssignment got = c.assign();
  EXPECT_EQ(got.home[c.y], got.home[c.a]);
  EXPECT_NE(got.home[c.a], got.home[c.x]);  // an input is the caller's
}

TEST(BufferAssignment, OutputsLieInInputsOnlyWhereAllowed) {
  const Chain c(true);
  EXPECT_EQ(c.assign({{0, 0}}).outputs, std::vector<std::int32_t>{0});
  EXPECT_EQ(c.assign().outputs, std::vector<std::int32_t>{-1});
}

TEST(BufferAssignment, InputsThatAreReadLaterAreKept) {
  const Chain c(false, true);
  EXPECT_EQ(c.assign({{0, 0}}).outputs, std::vector<std::int32_t>{-1});
}

}  // namespace
}  // namespace tf2jax::compiler
