// Params: equality, hashes and the programs in them follow from the fields.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/control/cond.h"
#include "tf2jax/ops/misc.h"
#include "tf2jax/passes/cse.h"
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {
namespace {

Jaxpr add_program() {
  return make_jaxpr([](const Array& x, const Array& y) { return x + y; })(1.f, 2.f);
}
Jaxpr mul_program() {
  return make_jaxpr([](const Array& x, const Array& y) { return x * y; })(1.f, 2.f);
}

TEST(ParamEquality, OfScattersComparesTheirPrograms) {
  ScatterParams a;
  a.update_jaxpr = add_program();
  ScatterParams b = a;
  EXPECT_EQ(EquationParams(a), EquationParams(b));
  EXPECT_EQ(EquationParams(a).hash(), EquationParams(b).hash());
  b.update_jaxpr = mul_program();
  EXPECT_NE(EquationParams(a), EquationParams(b));
}

TEST(ParamEquality, KeepsScattersWithOtherProgramsApartInCse) {
  const Jaxpr text = parse_jaxpr(R"({ lambda ; a:f32[3] b:i32[1] c:f32[]. let
    d:f32[3] = scatter[
      dimension_numbers=ScatterDimensionNumbers(update_window_dims=(), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,), operand_batching_dims=(), scatter_indices_batching_dims=())
      indices_are_sorted=False
      mode=GatherScatterMode.FILL_OR_DROP
      unique_indices=False
      update_consts=()
      update_jaxpr={ lambda ; e:f32[] f:f32[]. let g:f32[] = add e f in (g,) }
    ] a b c
    h:f32[3] = scatter[
      dimension_numbers=ScatterDimensionNumbers(update_window_dims=(), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,), operand_batching_dims=(), scatter_indices_batching_dims=())
      indices_are_sorted=False
      mode=GatherScatterMode.FILL_OR_DROP
      unique_indices=False
      update_consts=()
      update_jaxpr=None
    ] a b c
  in (d, h) })");
  EXPECT_EQ(cse(text)->eqns.size(), 2u);
}

TEST(ParamEquality, OfReductionsComparesWhatItHashes) {
  const ReduceProgram a{"f", {0}, add_program()}, b{"g", {0}, add_program()}, c{"f", {0}, add_program()};
  EXPECT_NE(EquationParams(a), EquationParams(b));
  EXPECT_EQ(EquationParams(a), EquationParams(c));
  EXPECT_EQ(EquationParams(a).hash(), EquationParams(c).hash());
}

TEST(ParamEquality, OfSymbolicShapesIsThatOfExpressions) {
  const Dim a = Dim::variable("a"), b = Dim::variable("b");
  EXPECT_EQ(EquationParams(ReshapeParams{{a + b, 2}}), EquationParams(ReshapeParams{{b + a, 2}}));
  EXPECT_NE(EquationParams(ReshapeParams{{a, 2}}), EquationParams(ReshapeParams{{b, 2}}));
}

TEST(ParamHash, LooksAtFieldsThatDoNotPrint) {
  EXPECT_NE(EquationParams(BroadcastInDim{{}, {2}}).hash(), EquationParams(BroadcastInDim{{}, {3}}).hash());
}

TEST(ParamHash, LooksIntoNestedDimensions) {
  EXPECT_NE(EquationParams(DotParams{{{1}, {0}, {}, {}}}).hash(), EquationParams(DotParams{{{0}, {1}, {}, {}}}).hash());
  EXPECT_NE(EquationParams(PadParams{{{0, 1, 0}}}).hash(), EquationParams(PadParams{{{1, 0, 0}}}).hash());
}

TEST(ParamPrograms, AreThoseOfEveryField) {
  EXPECT_EQ(nested_jaxprs(CondParams{{add_program(), mul_program()}}), (std::vector{add_program(), mul_program()}));
  ScatterParams s;
  EXPECT_TRUE(nested_jaxprs(s).empty());
  s.update_jaxpr = mul_program();
  EXPECT_EQ(nested_jaxprs(s), std::vector{mul_program()});
  EXPECT_TRUE(nested_jaxprs(DotParams{}).empty());
}

TEST(FillValue, ReadsNumbersAsPythonSpellsThem) {
  EXPECT_FALSE(FillValue{}.value());
  EXPECT_EQ(FillValue{"np.float32(1.5)"}.value(), complex128(1.5));
  EXPECT_EQ(FillValue{"(1-2j)"}.value(), complex128(1, -2));
  EXPECT_EQ(FillValue{"True"}.value(), complex128(1));
  EXPECT_EQ(FillValue{"nan"}, FillValue{"nan"});
}

}  // namespace
}  // namespace tf2jax
