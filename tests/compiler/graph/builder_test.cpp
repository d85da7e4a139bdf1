// Equal operations are one, and movements that cancel are none.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "tf2jax/compiler/graph/builder.h"
#include "tf2jax/ops/rule_makers.h"

namespace tf2jax::compiler {
namespace {

Aval vector_of(const Dims& dims, DType d = f32) { return {d, symbolic(dims), false}; }

TEST(GraphBuilder, SharesEqualOperations) {
  GraphBuilder b;
  const ValueId x = b.input(vector_of({3})), y = b.input(vector_of({3}));
  const auto add = [&](ValueId l, ValueId r) { return b.scalar_op(loops::Op::add, {l, r}, vector_of({3})); };
  EXPECT_EQ(add(x, y), add(x, y));
  EXPECT_NE(add(x, y), add(y, x));
  EXPECT_NE(add(x, y), b.scalar_op(loops::Op::sub, {x, y}, vector_of({3})));
}

TEST(GraphBuilder, ApartOperationsAreTheirOwn) {
  GraphBuilder b;
  const ValueId x = b.input(vector_of({3})), outside = b.scalar_op(loops::Op::neg, {x}, vector_of({3}));
  {
    const GraphBuilder::Apart apart(b);
    const ValueId inside = b.scalar_op(loops::Op::neg, {x}, vector_of({3}));
    EXPECT_NE(inside, outside);
    EXPECT_EQ(inside, b.scalar_op(loops::Op::neg, {x}, vector_of({3})));
  }
  EXPECT_EQ(outside, b.scalar_op(loops::Op::neg, {x}, vector_of({3})));
}

TEST(GraphBuilder, SharesSmallConstantsByTheirBytes) {
  const auto x64 = override_config(&Config::enable_x64, true);
  GraphBuilder b;
  EXPECT_EQ(b.number(f32, 2), b.constant(rules::scalar_of(f32, 2)));
  EXPECT_NE(b.number(f32, 2), b.number(f64, 2));
  EXPECT_NE(b.number(f32, 0), b.number(f32, -0.0));
  EXPECT_EQ(b.constant(array<float>({1, 2})), b.constant(array<float>({1, 2})));
  const Array large = zeros({100});
  EXPECT_EQ(b.constant(large), b.constant(large));
}

TEST(GraphBuilder, KnowsNumbers) {
  GraphBuilder b;
  EXPECT_TRUE(b.is_number(b.number(f16, 1.5), 1.5));
  EXPECT_FALSE(b.is_number(b.number(i32, 2), 1));
  EXPECT_FALSE(b.is_number(b.constant(ones({1})), 1));
  EXPECT_FALSE(b.is_number(b.input(vector_of({})), 0));
}

TEST(GraphBuilder, MovementsThatCancelAreNone) {
  GraphBuilder b;
  const ValueId x = b.input(vector_of({2, 3, 4}));
  EXPECT_EQ(b.reshape(x, {2, 3, 4}), x);
  EXPECT_EQ(b.reshape(b.reshape(x, {6, 4}), {2, 3, 4}), x);
  EXPECT_EQ(b.transpose(x, {0, 1, 2}), x);
  EXPECT_EQ(b.transpose(b.transpose(x, {2, 0, 1}), {1, 2, 0}), x);
  EXPECT_EQ(b.slice(x, {0, 0, 0}, {2, 3, 4}, {1, 1, 1}), x);
  EXPECT_EQ(b.broadcast(x, {2, 3, 4}, {0, 1, 2}), x);
}

TEST(GraphBuilder, MovementsOfAxesOfSizeOneAreReshapes) {
  GraphBuilder b;
  const ValueId x = b.input(vector_of({2, 1, 3}));
  EXPECT_EQ(b.producer(b.transpose(x, {1, 0, 2}))->kind, OpKind::reshape);
  EXPECT_EQ(b.producer(b.transpose(x, {2, 1, 0}))->kind, OpKind::transpose);
  EXPECT_EQ(b.producer(b.broadcast(x, {1, 2, 1, 3}, {1, 2, 3}))->kind, OpKind::reshape);
  EXPECT_EQ(b.producer(b.broadcast(x, {2, 5, 3}, {0, 1, 2}))->kind, OpKind::broadcast);
  EXPECT_EQ(b.dims(b.slice(x, {0, 0, 2}, {2, 1, 1}, {1, 1, 1})), (Dims{2, 1, 0}));
  EXPECT_EQ(b.dims(b.slice(x, {0, 0, 0}, {2, 1, 3}, {1, 1, 2})), (Dims{2, 1, 2}));
}

TEST(GraphBuilder, TransposesConstants) {
  GraphBuilder b;
  const ValueId t = b.transpose(b.constant(array<float>({{1, 2, 3}, {4, 5, 6}})), {1, 0});
  ASSERT_TRUE(b.value(t).is_constant());
  EXPECT_EQ(b.value(t).constant.to_vector<float>(), (std::vector<float>{1, 4, 2, 5, 3, 6}));
}

TEST(GraphBuilder, ReductionsOfOneElementAreReshapes) {
  GraphBuilder b;
  const ValueId x = b.input(vector_of({4, 1}));
  EXPECT_EQ(b.producer(b.reduce(loops::Op::add, x, {1}))->kind, OpKind::reshape);
  EXPECT_EQ(b.producer(b.reduce(loops::Op::add, x, {0}))->kind, OpKind::reduce);
  EXPECT_EQ(b.producer(b.reduce(loops::Op::max, b.input(vector_of({0, 1})), {0, 1}))->kind, OpKind::reduce);
}

TEST(GraphBuilder, LongReductionsGoInStages) {
  GraphBuilder b;
  const ValueId sum = b.reduce(loops::Op::add, b.input(vector_of({1 << 20})), {0});
  EXPECT_EQ(b.dims(sum), Dims{});
  EXPECT_EQ(b.dims(b.producer(sum)->in[0]), Dims{1024});
  const ValueId prime = b.reduce(loops::Op::add, b.input(vector_of({1000003})), {0});
  EXPECT_EQ(b.dims(b.producer(prime)->in[0]), Dims{1000003});
}

TEST(GraphBuilder, PartsOfComplexNumbersJoinAgain) {
  GraphBuilder b;
  const ValueId z = b.input(vector_of({3}, c64));
  const ComplexParts parts = b.parts(z);
  EXPECT_EQ(b.dtype(parts.real), f32);
  EXPECT_EQ(b.join(parts, c64), z);
  const ValueId other = b.join({parts.imag, parts.real}, c64);
  EXPECT_NE(other, z);
  EXPECT_EQ(b.parts(other).real, parts.imag);
  const ComplexParts known = b.parts(b.constant(complex(array<float>({1, 2}), array<float>({3, 4}))));
  EXPECT_EQ(b.value(known.real).constant.to_vector<float>(), (std::vector<float>{1, 2}));
  EXPECT_EQ(b.value(known.imag).constant.to_vector<float>(), (std::vector<float>{3, 4}));
}

TEST(GraphBuilder, CountsEquations) {
  const auto few = override_config(&Config::max_expanded_nodes, std::int64_t{10});
  GraphBuilder b;
  b.count_equations(10);
  expect_error<ResourceExhaustedError>([&] { b.count_equations(1); }, "more than 10 equations");
}

TEST(GraphBuilder, TracedConstantsAreRefused) {
  make_jaxpr([](const Array& x) {
    GraphBuilder b;
    expect_error<UnexpectedTracerError>([&] { b.constant(x); }, "traced");
    return x;
  })(1.f);
}

}  // namespace
}  // namespace tf2jax::compiler
