// Operations that nothing needs.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/compiler/graph/builder.h"

namespace tf2jax::compiler {
namespace {

const Aval kVector{f32, {Dim(3)}, false};

TEST(Prune, DropsWhatNoOutputNeeds) {
  GraphBuilder b;
  const ValueId x = b.input(kVector), used = b.scalar_op(loops::Op::neg, {x}, kVector),
                unused = b.scalar_op(loops::Op::exp, {x}, kVector);
  b.scalar_op(loops::Op::sin, {unused}, kVector);
  const Graph g = b.finish({used});
  ASSERT_EQ(g.ops.size(), 1u);
  EXPECT_EQ(g.ops[0].scalar, loops::Op::neg);
  EXPECT_EQ(g.value(used).op, 0);
  EXPECT_EQ(g.producer(x), nullptr);
}

TEST(Prune, ListsUsersOnce) {
  GraphBuilder b;
  const ValueId x = b.input(kVector), square = b.scalar_op(loops::Op::mul, {x, x}, kVector),
                y = b.scalar_op(loops::Op::add, {square, x}, kVector);
  const Graph g = b.finish({y, y, square});
  EXPECT_EQ(g.value(x).users, (std::vector<OpId>{0, 1}));
  EXPECT_EQ(g.value(square).users, std::vector<OpId>{1});
  EXPECT_EQ(g.value(y).times_output, 2);
  EXPECT_EQ(g.value(square).times_output, 1);
  EXPECT_EQ(g.value(x).times_output, 0);
}

TEST(Prune, KeepsEffects) {
  GraphBuilder b;
  const ValueId x = b.input(kVector);
  const Primitive note = make_primitive({.name = "note",
                                         .operands = 1,
                                         .aval = [](std::span<const Aval>, const NoParams&) { return Avals{}; },
                                         .effectful = true});
  b.append({note, no_params(), OpKind::call, loops::Op::constant, {x}, {}}, {});
  EXPECT_EQ(b.finish({x}).ops.size(), 1u);
}

TEST(Prune, OutputsMayBeInputs) {
  GraphBuilder b;
  const ValueId x = b.input(kVector);
  const Graph g = b.finish({x});
  EXPECT_TRUE(g.ops.empty());
  EXPECT_EQ(g.inputs, g.outputs);
}

}  // namespace
}  // namespace tf2jax::compiler
