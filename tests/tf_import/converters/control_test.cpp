// Branches and loops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "../text_graph.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
TEST(Convert, BranchesBecomeCond) {
  const auto branch = [](const std::string& name, const std::string& op) {
    return "function { signature { name: \"" + name +
           "\" input_arg { name: \"a\" type: DT_FLOAT } output_arg { name: \"r\" type: DT_FLOAT } } node_def { name: "
           "\"o\" op: \"" +
           op + "\" input: \"a\" } ret { key: \"r\" value: \"o:y:0\" } }";
  };
  const auto f = import(kScalarX + constant("zero", "dtype: DT_FLOAT tensor_shape { } float_val: 0") +
                        node("p", "Greater", {"x", "zero"}) +
                        node("y", "StatelessIf", {"p", "x"},
                             "attr { key: \"then_branch\" value { func { name: \"t\" } } } attr { key: \"else_branch\" "
                             "value { func { name: \"e\" } } }") +
                        "library { " + branch("t", "Exp") + branch("e", "Neg") + " }");
  EXPECT_NEAR(Array(f(1.0f)).item<float>(), std::exp(1.0f), 1e-6);
  EXPECT_EQ(Array(f(-2.0f)).item<float>(), 2.0f);
  EXPECT_EQ(Array(grad(f)(Array(-2.0f))).item<float>(), -1.0f);
}

TEST(Convert, CountedLoopsAreScansAndDifferentiateInReverse) {
  const std::string args = "input_arg { name: \"i\" type: DT_INT32 } input_arg { name: \"c\" type: DT_FLOAT } ";
  const auto f =
      import(kScalarX + constant("zero", "dtype: DT_INT32 tensor_shape { } int_val: 0") +
             node("w", "StatelessWhile", {"zero", "x"},
                  "attr { key: \"cond\" value { func { name: \"more\" } } } attr { key: \"body\" value { func { name: "
                  "\"step\" } } } attr { key: \"T\" value { list { type: DT_INT32 type: DT_FLOAT } } }") +
             node("y", "Identity", {"w:1"}) + "library { function { signature { name: \"more\" " + args +
             "output_arg { name: \"r\" type: DT_BOOL } } node_def { name: \"n\" op: \"Const\" attr { key: \"value\" "
             "value { tensor { dtype: DT_INT32 tensor_shape { } int_val: 3 } } } } "
             "node_def { name: \"l\" op: \"Less\" input: \"i\" input: \"n:output:0\" } ret { key: \"r\" value: "
             "\"l:z:0\" } } function { signature { name: \"step\" " +
             args +
             "output_arg { name: \"j\" type: DT_INT32 } output_arg { name: \"d\" type: DT_FLOAT } } "
             "node_def { name: \"o\" op: \"Const\" attr { key: \"value\" value { tensor { dtype: DT_INT32 tensor_shape "
             "{ } int_val: 1 } } } } "
             "node_def { name: \"a\" op: \"AddV2\" input: \"i\" input: \"o:output:0\" } node_def { name: \"s\" op: "
             "\"Square\" input: \"c\" } "
             "ret { key: \"j\" value: \"a:z:0\" } ret { key: \"d\" value: \"s:y:0\" } } }");
  EXPECT_FLOAT_EQ(Array(f(1.1f)).item<float>(), std::pow(1.1f, 8.0f));
  EXPECT_NEAR(Array(grad(f)(Array(1.1f))).item<float>(), 8 * std::pow(1.1f, 7.0f), 1e-4);
}

std::string branch_function(const std::string& name, const std::string& op) {
  return "function { signature { name: \"" + name +
         "\" input_arg { name: \"a\" type: DT_FLOAT } output_arg { name: \"r\" type: DT_FLOAT } } node_def { name: "
         "\"o\" op: \"" +
         op + "\" input: \"a\" } ret { key: \"r\" value: \"o:y:0\" } }";
}

// v becomes v + x where x is positive; the other branch only reads it. The first asks once more, `depth` times.
ConvertedFunction updates_where_positive(int depth = 0) {
  const auto branch = [](const std::string& name, const std::string& nodes, const std::string& result) {
    return "function { signature { name: \"" + name +
           "\" input_arg { name: \"r\" type: DT_RESOURCE } input_arg { name: \"a\" type: DT_FLOAT } output_arg { name: "
           "\"o\" type: DT_FLOAT } control_output: \"done\" } " +
           nodes + " ret { key: \"o\" value: \"" + result + "\" } control_ret { key: \"done\" value: \"u\" } } ";
  };
  const std::string float_type = " attr { key: \"dtype\" value { type: DT_FLOAT } } ";
  const auto branches = [](int k) {
    return fmt::format(
        "attr {{ key: \"then_branch\" value {{ func {{ name: \"t{}\" }} }} }} attr {{ key: \"else_branch\" value {{ "
        "func {{ name: \"e\" }} }} }}",
        k);
  };
  std::string nested;
  for (int k = 1; k <= depth; ++k)
    nested += branch(fmt::format("t{}", k),
                     "node_def { name: \"zero\" op: \"Const\" attr { key: \"value\" value { tensor { dtype: DT_FLOAT "
                     "tensor_shape { } float_val: 0 } } } " +
                         float_type +
                         "} node_def { name: \"p\" op: \"Greater\" input: \"a\" input: \"zero:output:0\" } node_def { "
                         "name: \"u\" op: \"If\" input: \"p:z:0\" input: \"r\" input: \"a\" " +
                         branches(k - 1) + " }",
                     "u:output:0");
  const std::string text =
      kScalarX + node("v", "VarHandleOp", {}, float_type + "attr { key: \"shape\" value { shape { } } }") +
      constant("zero", "dtype: DT_FLOAT tensor_shape { } float_val: 0") + node("p", "Greater", {"x", "zero"}) +
      node("c", "If", {"p", "v", "x"}, branches(depth)) + node("last", "ReadVariableOp", {"v", "^c"}, float_type) +
      node("y", "Mul", {"c", "last"}) + "library { " + nested +
      branch("t0",
             "node_def { name: \"u\" op: \"AssignAddVariableOp\" input: \"r\" input: \"a\"" + float_type +
                 "} node_def { name: \"n\" op: \"Identity\" input: \"a\" }",
             "n:output:0") +
      branch("e", "node_def { name: \"u\" op: \"ReadVariableOp\" input: \"r\"" + float_type + "}", "u:value:0") + "}";
  return convert(Graph::parse_text(text), {.outputs = {"y"}, .captures = {{"v", "v", array<float>(3.f), true}}});
}

// Each level is traced twice, once for what it changes: all of them together may not double each time.
TEST(ControlOps, ConditionsThatChangeVariablesNest) {
  const auto f = updates_where_positive(30);
  const auto both = [&](const Array& x) { return f.apply()(f.params(), x).second.at("v").value(); };
  EXPECT_EQ(jit(both)(Array(2.f)).item<float>(), 5);
  EXPECT_EQ(jit(both)(Array(-2.f)).item<float>(), 3);
}

TEST(ControlOps, BranchesMayChangeVariables) {
  const auto f = updates_where_positive();
  const auto both = [&](const Array& x) {
    const auto [y, after] = f.apply()(f.params(), x);
    return std::pair(y.array(), after.at("v").value());
  };
  for (const float x : {2.f, -2.f}) {
    const float last = x > 0 ? 3 + x : 3, y = x > 0 ? x * last : 9;
    const auto [eager, kept] = both(Array(x));
    const auto [compiled, new_value] = jit(both)(Array(x));
    EXPECT_EQ(eager.item<float>(), y);
    EXPECT_EQ(kept.item<float>(), last);
    EXPECT_EQ(compiled.item<float>(), y);
    EXPECT_EQ(new_value.item<float>(), last);
    EXPECT_EQ(grad([&](const Array& v) { return both(v).second; })(Array(x)).item<float>(), x > 0 ? 1 : 0);
  }
  const auto [y, after] = vmap(both)(array({2.f, -2.f}));
  EXPECT_EQ(after.to_vector<float>(), (std::vector<float>{5, 3}));
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{10, 9}));
}

TEST(ControlOps, AnIndexThatIsNoneTakesTheLastBranch) {
  const auto f =
      import(kScalarX + placeholder("i", "", "DT_INT32") +
                 node("y", "StatelessCase", {"i", "x"},
                      "attr { key: \"branches\" value { list { func { name: \"t\" } func { name: \"e\" } } } }") +
                 "library { " + branch_function("t", "Square") + branch_function("e", "Neg") + " }",
             {"y"}, {"i", "x"});
  EXPECT_EQ(Array(f(array<int>(0), 3.0f)).item<float>(), 9);
  EXPECT_EQ(Array(f(array<int>(1), 3.0f)).item<float>(), -3);
  EXPECT_EQ(Array(f(array<int>(7), 3.0f)).item<float>(), -3);
  EXPECT_EQ(Array(f(array<int>(-7), 3.0f)).item<float>(), -3);
}

TEST(ControlOps, PredicatesThatAreNoScalarsSayWhetherThereIsSomething) {
  const auto f = [](const std::string& dims) {
    return import(placeholder("p", dims) + kScalarX +
                      node("y", "If", {"p", "x"},
                           "attr { key: \"then_branch\" value { func { name: \"t\" } } } attr { key: \"else_branch\" "
                           "value { func { name: \"e\" } } }") +
                      "library { " + branch_function("t", "Square") + branch_function("e", "Neg") + " }",
                  {"y"}, {"p", "x"});
  };
  EXPECT_EQ(Array(f("dim { size: 2 }")(zeros({2}), 3.0f)).item<float>(), 9);
  EXPECT_EQ(Array(f("dim { size: 0 }")(zeros({0}), 3.0f)).item<float>(), -3);
  EXPECT_EQ(Array(f("")(0.0f, 3.0f)).item<float>(), -3);
  EXPECT_EQ(Array(f("")(0.5f, 3.0f)).item<float>(), 9);
}

TEST(ControlOps, BranchesThatAreNotThereAreNamed) {
  EXPECT_THAT(message_of<ValueError>([] {
                import(kScalarX + node("y", "If", {"x", "x"},
                                       "attr { key: \"then_branch\" value { func { name: \"nope\" } } } attr { key: "
                                       "\"else_branch\" value { func { name: \"nope\" } } }"))(1.0f);
              }),
              HasSubstr("nope"));
}

}  // namespace
}  // namespace tf2jax
