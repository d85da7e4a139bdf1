// Texts as lower(f).as_text() prints them.
#include "../programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace tf2jax;
using namespace tf2jax::testing;

namespace {

std::vector<float> run_lines(const std::string& lines) {
  return run_text(unary_text(lines), {three()})[0].to_vector<float>();
}

}  // namespace

TEST(TextParser, ConstantsAndArithmetic) {
  EXPECT_EQ(run_lines("%c = stablehlo.constant dense<[1.0, -2.5, 0x40400000]> : tensor<3xf32>\n"
                      "%y = stablehlo.multiply %x, %c : tensor<3xf32>"),
            (std::vector<float>{1.f, -5.f, 9.f}));
}

TEST(TextParser, ComparisonAndSelection) {
  EXPECT_EQ(run_lines("%c = stablehlo.constant dense<2.0> : tensor<3xf32>\n"
                      "%0 = stablehlo.compare GT, %x, %c, FLOAT : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>\n"
                      "%y = stablehlo.select %0, %x, %c : tensor<3xi1>, tensor<3xf32>"),
            (std::vector<float>{2.f, 2.f, 3.f}));
}

TEST(TextParser, ReductionsInBothForms) {
  EXPECT_EQ(run_lines("%c = stablehlo.constant dense<0.0> : tensor<f32>\n"
                      "%0 = stablehlo.reduce(%x init: %c) applies stablehlo.add across dimensions = [0] : "
                      "(tensor<3xf32>, tensor<f32>) -> tensor<f32>\n"
                      "%y = stablehlo.broadcast_in_dim %0, dims = [] : (tensor<f32>) -> tensor<3xf32>"),
            (std::vector<float>{6.f, 6.f, 6.f}));
  EXPECT_EQ(run_lines("%c = stablehlo.constant dense<1.0> : tensor<f32>\n"
                      "%0 = stablehlo.reduce(%x init: %c) across dimensions = [0] : "
                      "(tensor<3xf32>, tensor<f32>) -> tensor<f32>\n"
                      " reducer(%a: tensor<f32>, %b: tensor<f32>) {\n"
                      "  %1 = stablehlo.multiply %a, %b : tensor<f32>\n  stablehlo.return %1 : tensor<f32>\n }\n"
                      "%y = stablehlo.broadcast_in_dim %0, dims = [] : (tensor<f32>) -> tensor<3xf32>"),
            (std::vector<float>{6.f, 6.f, 6.f}));
}

TEST(TextParser, SlicesAndPads) {
  EXPECT_EQ(run_lines("%c = stablehlo.constant dense<9.0> : tensor<f32>\n"
                      "%0 = stablehlo.slice %x [0:3:2] : (tensor<3xf32>) -> tensor<2xf32>\n"
                      "%y = stablehlo.pad %0, %c, low = [0], high = [0], interior = [1] : "
                      "(tensor<2xf32>, tensor<f32>) -> tensor<3xf32>"),
            (std::vector<float>{1.f, 9.f, 3.f}));
}

TEST(TextParser, BranchesAndTheGeneralForm) {
  EXPECT_EQ(run_lines("%i = stablehlo.constant dense<7> : tensor<i32>\n"
                      "%y = \"stablehlo.case\"(%i) ({\n stablehlo.return %x : tensor<3xf32>\n}, {\n"
                      " %0 = \"stablehlo.negate\"(%x) : (tensor<3xf32>) -> tensor<3xf32>\n"
                      " stablehlo.return %0 : tensor<3xf32>\n}) : (tensor<i32>) -> tensor<3xf32>"),
            (std::vector<float>{-1.f, -2.f, -3.f}));  // out of range: the last one
}

TEST(TextParser, ErrorsNameLineAndColumn) {
  try {
    (void)stablehlo::parse_module("module @m {\n  func.func @main() {\n    %0 = stablehlo.add %a, %b : tensor<f32>\n");
    FAIL() << "no error";
  } catch (const ParseError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("3:"));
    EXPECT_THAT(e.what(), ::testing::HasSubstr("'%a'"));
  }
}

TEST(TextParser, EveryPrefixIsAnError) {
  const std::string text = unary_text(
      "%c = stablehlo.constant dense<\"0x0000803F0000004000004040\"> : tensor<3xf32>\n"
      "%y = stablehlo.add %x, %c {foo = [1 : i32, \"a\"]} : tensor<3xf32>");
  for (std::size_t n = 0; n + 4 < text.size(); ++n)
    EXPECT_ANY_THROW(stablehlo::input_avals(stablehlo::parse_module(text.substr(0, n)))) << n;
}

TEST(TextParser, NumbersOutOfRangeAreErrors) {
  const auto parse = [](const std::string& line) {
    (void)stablehlo::parse_module(unary_text(line + "\n%y = stablehlo.negate %x : tensor<3xf32>"));
  };
  for (const char* line :
       {"%a:99999999999 = stablehlo.negate %x : tensor<3xf32>", "%a:65537 = stablehlo.negate %x : tensor<3xf32>",
        "%a = stablehlo.slice %x [99999999999999999999:3] : (tensor<3xf32>) -> tensor<3xf32>",
        "%a = stablehlo.negate %x : tensor<99999999999999999999xf32>",
        "%a = stablehlo.constant dense<1> : tensor<?xi32>",
        "%a = stablehlo.negate %x {a = 99999999999999999999 : i64} : tensor<3xf32>"})
    EXPECT_THROW(parse(line), ParseError) << line;
}

TEST(TextParser, DeepNestingIsAnError) {
  const auto repeated = [](const std::string& s, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += s;
    return out;
  };
  for (const std::string& line : {"%a = stablehlo.negate %x {a = " + repeated("[", 100000),
                                  "%a = stablehlo.constant dense<" + repeated("[", 100000),
                                  "%a = stablehlo.negate %x : " + repeated("complex<", 100000),
                                  "%a = stablehlo.negate %x : " + repeated("tuple<", 100000)})
    EXPECT_THROW(stablehlo::parse_module(unary_text(line)), Error);
}

TEST(TextParser, MeshesWithAttributesAreSkipped) {
  const std::string mesh =
      "  sdy.mesh @mesh = <[\"x\"=2]> {stablehlo.mesh = {axes = [{name = \"x\", size = 2 : i64}]}}\n";
  std::string text = unary_text("%y = stablehlo.add %x, %x : tensor<3xf32>");
  text.insert(text.find("  func.func"), mesh);
  EXPECT_EQ(run_text(text, {three()})[0].to_vector<float>(), (std::vector<float>{2.f, 4.f, 6.f}));
}

TEST(TextParser, ShardingConstraintsAreTheirOperands) {
  const std::string text = unary_text(
      "%0 = stablehlo.negate %x : tensor<3xf32>\n%y = sdy.sharding_constraint %0 <@empty_mesh, [{?}]> : tensor<3xf32>");
  EXPECT_EQ(run_text(text, {three()})[0].to_vector<float>(), (std::vector<float>{-1.f, -2.f, -3.f}));
}
