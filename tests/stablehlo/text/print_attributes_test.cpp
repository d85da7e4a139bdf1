// Numbers and names in texts: as MLIR writes them, and read back to the last bit.
#include "../programs.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "../../support.h"
#include "tf2jax/stablehlo/internal/attributes.h"
#include "tf2jax/stablehlo/internal/text_printer.h"

using namespace tf2jax;
using stablehlo::attribute_text;

namespace {

std::string text_of(const Array& x) { return attribute_text(*stablehlo::tensor_attribute(x)); }

}  // namespace

TEST(PrintAttributes, FloatsAreThoseOfMlir) {
  EXPECT_EQ(text_of(array<float>(2.f)), "dense<2.000000e+00> : tensor<f32>");
  EXPECT_EQ(text_of(array<float>(1.14472985f)), "dense<1.14472985> : tensor<f32>");
  EXPECT_EQ(text_of(array<float>(9.98436917e-6f)), "dense<9.98436917E-6> : tensor<f32>");
  EXPECT_EQ(text_of(array<float>(-0.00737332925f)), "dense<-0.00737332925> : tensor<f32>");
  EXPECT_EQ(text_of(array<float>(-2.13374049e-4f)), "dense<-2.13374049E-4> : tensor<f32>");
  EXPECT_EQ(text_of(array<float>(0.7f)), "dense<0.699999988> : tensor<f32>");
  EXPECT_EQ(text_of(array<float>(0.875736833f)), "dense<0.875736832> : tensor<f32>");
  EXPECT_EQ(text_of(array<float>(8648640.f)), "dense<8.648640e+06> : tensor<f32>");
  EXPECT_EQ(text_of(array<float>(std::numeric_limits<float>::max())), "dense<3.40282347E+38> : tensor<f32>");
  EXPECT_EQ(text_of(array<float>(0.f)), "dense<0.000000e+00> : tensor<f32>");
  EXPECT_EQ(text_of(array<float>(676.520386f)), "dense<676.520386> : tensor<f32>");
  EXPECT_EQ(text_of(array<float>(std::numeric_limits<float>::infinity())), "dense<0x7F800000> : tensor<f32>");
}

TEST(PrintAttributes, ListsSplatsAndLargeTensors) {
  EXPECT_EQ(text_of(array<std::int32_t>({{1, 2}, {3, 4}})), "dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>");
  EXPECT_EQ(text_of(ones({2, 2}, i32)), "dense<1> : tensor<2x2xi32>");
  EXPECT_EQ(text_of(array<bool>({true, false})), "dense<[true, false]> : tensor<2xi1>");
  EXPECT_EQ(text_of(zeros({0, 3})), "dense<> : tensor<0x3xf32>");
  EXPECT_EQ(text_of(iota(u8, {Dim(101)}, 0)).substr(0, 20), "dense<\"0x00010203040");
}

TEST(PrintAttributes, EveryFloatIsReadBack) {
  std::vector<float> all;
  std::uint32_t bits = 1;
  for (int i = 0; i < 3000; ++i) all.push_back(std::bit_cast<float>(bits = bits * 1664525u + 1013904223u));
  for (std::size_t i = 0; i < all.size(); i += 60) {
    const Array x = detail::exact_array(Aval{f32, {60}, false}, std::as_bytes(std::span(all).subspan(i, 60)));
    const std::string text =
        "module @m {\n  func.func public @main() -> tensor<60xf32> {\n    %cst = "
        "stablehlo.constant " +
        text_of(x) + "\n    return %cst : tensor<60xf32>\n  }\n}\n";
    const auto module = stablehlo::parse_module(text);
    const auto op = module.entry().body.ops[0];
    const auto* value = op.find("value");
    ASSERT_TRUE(value);
    EXPECT_EQ(value->text, stablehlo::tensor_attribute(x)->text);
  }
}

TEST(PrintAttributes, NamesInQuotesWhereTheyNeedThem) {
  EXPECT_EQ(stablehlo::symbol_text("main_1"), "@main_1");
  EXPECT_EQ(stablehlo::symbol_text("chlo.erf.impl"), "@chlo.erf.impl");
  EXPECT_EQ(stablehlo::symbol_text("<lambda>"), "@\"<lambda>\"");
  EXPECT_EQ(attribute_text(*stablehlo::string_attribute("a\"b\n")), "\"a\\22b\\0A\"");
}
