// Where operations read their operands, as maps of the result's indices: by hand.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/compiler/fusion/operand_maps.h"
#include "tf2jax/compiler/graph/builder.h"

namespace tf2jax::compiler {
namespace {

// The maps through the operation that computes `v`, read at fresh variables i0, i1, ….
struct Maps {
  IndexSpace space;
  std::vector<IndexMap> of;

  Maps(GraphBuilder& b, ValueId v) {
    const Graph g = b.finish({v});
    const GraphOp& op = *g.producer(v);
    const MapId id = space.identity(g.value(v).dims);
    if (const auto maps = operand_maps(g, op, space, id))
      for (const MapId m : *maps) of.push_back(space.map(m));
  }
};
Aval of_dims(const Dims& dims) { return {f32, symbolic(dims), false}; }

TEST(OperandMaps, ElementwiseOperandsAreReadWhereTheResultIs) {
  GraphBuilder b;
  const Maps m(b, b.scalar_op(loops::Op::add, {b.input(of_dims({2, 3})), b.number(f32, 1)}, of_dims({2, 3})));
  ASSERT_EQ(m.of.size(), 2u);
  EXPECT_EQ(m.of[0], (IndexMap{variable_index(0), variable_index(1)}));
  EXPECT_TRUE(m.of[1].empty());
}

TEST(OperandMaps, TransposesExchangeIndices) {
  GraphBuilder b;
  const Maps m(b, b.transpose(b.input(of_dims({2, 3, 4})), {2, 0, 1}));  // result [4, 2, 3]
  ASSERT_EQ(m.of.size(), 1u);
  EXPECT_EQ(m.of[0], (IndexMap{variable_index(1), variable_index(2), variable_index(0)}));
}

TEST(OperandMaps, BroadcastsRepeat) {
  GraphBuilder b;
  const Maps m(b, b.broadcast(b.input(of_dims({1, 3})), {5, 2, 3}, {1, 2}));
  ASSERT_EQ(m.of.size(), 1u);
  EXPECT_EQ(m.of[0], (IndexMap{constant_index(0), variable_index(2)}));
}

TEST(OperandMaps, SlicesStepFromTheirStart) {
  GraphBuilder b;
  const Maps m(b, b.slice(b.input(of_dims({10, 8})), {1, 2}, {9, 8}, {3, 1}));
  ASSERT_EQ(m.of.size(), 1u);
  EXPECT_EQ(m.of[0], (IndexMap{variable_index(0, 3) + 1, variable_index(1) + 2}));
}

TEST(OperandMaps, ReversedAxesRunBackwards) {
  GraphBuilder b;
  const ValueId x = b.input(of_dims({4, 5}));
  const Maps m(b, b.append(rev_p(), RevParams{{1}}, OpKind::reverse, {x}, of_dims({4, 5})));
  ASSERT_EQ(m.of.size(), 1u);
  EXPECT_EQ(m.of[0], (IndexMap{variable_index(0), variable_index(1, -1) + 4}));
}

TEST(OperandMaps, ReshapesThatAreNotAffineHaveNone) {
  GraphBuilder b;
  EXPECT_TRUE(Maps(b, b.reshape(b.input(of_dims({3, 8})), {4, 6})).of.empty());
  GraphBuilder c;
  const Maps merged(c, c.reshape(c.input(of_dims({6})), {2, 3}));
  ASSERT_EQ(merged.of.size(), 1u);
  EXPECT_EQ(merged.of[0], (IndexMap{variable_index(0, 3) + variable_index(1)}));
}

}  // namespace
}  // namespace tf2jax::compiler
