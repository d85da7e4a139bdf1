// Evaluation node by node: errors name the node, host values stay off the program, scopes go into it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/trace/jaxpr.h>

#include "../support.h"
#include "text_graph.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
TEST(GraphInterpreter, ErrorsKeepTheirKindAndNameTheNode) {
  const auto failing = [](auto error) { return [error](Node&) -> Values { raise<decltype(error)>("the reason."); }; };
  register_operation("InterpreterTestValue", failing(ShapeError("")));
  register_operation("InterpreterTestType", failing(DtypeError("")));
  register_operation("InterpreterTestLookup", failing(LookupError("")));
  register_operation("InterpreterTestForeign", [](Node&) -> Values { throw std::out_of_range("foreign"); });
  const auto run = [](const std::string& op) { import(kScalarX + node("y", op, {"x"}))(1.0f); };
  expect_error<ImportError>([&] { run("InterpreterTestValue"); }, "import 'y' (InterpreterTestValue): the reason.");
  expect_error<DtypeError>([&] { run("InterpreterTestType"); }, "import 'y' (InterpreterTestType): the reason.");
  expect_error<LookupError>([&] { run("InterpreterTestLookup"); }, "import 'y' (InterpreterTestLookup): the reason.");
  expect_error<InternalError>([&] { run("InterpreterTestForeign"); }, "foreign");
}

TEST(GraphInterpreter, EquationsCarryTheNamesOfNodes) {
  const auto f = import(kScalarX + node("layer/sin", "Sin", {"x"}) + node("y", "Neg", {"layer/sin"}));
  const Jaxpr j = make_jaxpr([&](const Array& x) { return Array(f(x)); })(spec(f32));
  ASSERT_EQ(j->eqns.size(), 2u);
  EXPECT_EQ(*j->eqns[0].name_scope, "layer/sin");
  EXPECT_EQ(*j->eqns[1].name_scope, "y");
}

TEST(GraphInterpreter, ConstantsAreFoldedInFullWidth) {
  // 2^40 / 2^38 in 64-bit integers, which are off.
  const auto big = [](const std::string& name, const std::string& value) {
    return constant(name, "dtype: DT_INT64 tensor_shape { } int64_val: " + value);
  };
  const auto f = import(
      kScalarX + big("a", "1099511627776") + big("b", "274877906944") + node("q", "FloorDiv", {"a", "b"}) +
      node("c", "Cast", {"q"}, "attr { key: \"DstT\" value { type: DT_FLOAT } }") + node("y", "Mul", {"x", "c"}));
  EXPECT_EQ(Array(f(3.0f)).item<float>(), 12);
}

TEST(GraphInterpreter, FunctionsOfTheLibraryAreOperationsToo) {
  const auto f = import(
      kScalarX + node("y", "Twice", {"x"}) +
      "library { function { signature { name: \"Twice\" input_arg { name: \"a\" type: DT_FLOAT } output_arg { name: "
      "\"r\" type: DT_FLOAT } } "
      "node_def { name: \"s\" op: \"AddV2\" input: \"a\" input: \"a\" } ret { key: \"r\" value: \"s:z:0\" } } }");
  EXPECT_EQ(Array(f(3.0f)).item<float>(), 6);
}

TEST(GraphInterpreter, OutputsThatAreNotThereAreNamed) {
  EXPECT_THAT(message_of<Error>([] { import(kScalarX + node("n", "Neg", {"x"}) + node("y", "Neg", {"n:1"}))(1.0f); }),
              HasSubstr("there is no output 1"));
}

}  // namespace
}  // namespace tf2jax
