// Modules of JAX as bytecode of StableHLO's own dialect, beside the text and the portable artifact of the same ones.
#include "../programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <regex>

using namespace tf2jax;
using namespace tf2jax::testing;

namespace {

const std::filesystem::path kFolder = std::filesystem::path(TF2JAX_SOURCE_DIR) / "tests/golden/stablehlo";

std::string contents(const std::string& file) {
  std::ifstream in(kFolder / file, std::ios::binary);
  EXPECT_TRUE(in) << file;
  return {std::istreambuf_iterator<char>(in), {}};
}

// Small numbers of either sign; whole ones are 0 and 1.
Array some_values(const Aval& a) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < num_elements(a.dims()); ++i)
    values.push_back(is_inexact(a.dtype) ? std::sin(1.7 * static_cast<double>(i + 1)) : static_cast<double>(i % 2));
  return astype(detail::exact_array(Aval{f64, a.shape, false}, std::as_bytes(std::span(values))), a.dtype);
}

Arrays run(const std::string& bytes) {
  const auto module = stablehlo::read_module(bytes);
  const Avals avals = stablehlo::input_avals(module);
  Arrays inputs;
  for (const Aval& a : avals) inputs.push_back(some_values(a));
  return eval_jaxpr(stablehlo::to_jaxpr(module, avals), inputs);
}

class PlainBytecode : public ::testing::TestWithParam<const char*> {};

}  // namespace

TEST_P(PlainBytecode, IsPrintedAsJaxPrintsTheModule) {
  const std::string name = GetParam();
  // Shardings are of a dialect of their own, which is passed over, as is a backend_config that says nothing.
  std::string text =
      std::regex_replace(contents(name + ".mlir"), std::regex(", sdy.sharding_rule = [^\n]*custom>"), "");
  text = std::regex_replace(text, std::regex("backend_config = \"\", "), "");
  EXPECT_EQ(stablehlo::print_module(stablehlo::read_module(contents(name + ".mlirbc"))), text);
}

// Where one has a function by its name that the other writes out, they differ by rounding.
TEST_P(PlainBytecode, HasTheValuesOfThePortableArtifact) {
  const std::string name = GetParam();
  const auto x64 = override_config(&Config::enable_x64, true);
  const Arrays got = run(contents(name + ".mlirbc")), want = run(contents(name + ".portable.mlirbc"));
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].aval(), want[i].aval());
    const auto a = got[i].to_vector<complex128>(), b = want[i].to_vector<complex128>();
    for (std::size_t k = 0; k < a.size(); ++k) EXPECT_LE(std::abs(a[k] - b[k]), 2e-6 * (1 + std::abs(b[k]))) << i;
  }
}

TEST_P(PlainBytecode, EveryPrefixIsAnError) {
  const std::string bytes = contents(std::string(GetParam()) + ".mlirbc");
  for (std::size_t n = 4; n < bytes.size(); ++n)
    EXPECT_THROW(stablehlo::read_module(std::string_view(bytes).substr(0, n)), Error) << n;
}

// Everything but an Error ends the test program.
TEST_P(PlainBytecode, ChangedBytesAreErrorsOrOtherPrograms) {
  const std::string bytes = contents(std::string(GetParam()) + ".mlirbc");
  std::mt19937 random(7);
  int errors = 0;
  for (int i = 0; i < 400; ++i) {
    std::string changed = bytes;
    for (int k = 0; k < 1 + i % 3; ++k) changed[random() % changed.size()] = static_cast<char>(random());
    try {
      const auto module = stablehlo::read_module(changed);
      (void)stablehlo::to_jaxpr(module, stablehlo::input_avals(module));
    } catch (const InternalError&) {
      throw;
    } catch (const Error&) {
      ++errors;
    }
  }
  EXPECT_GT(errors, 100);
}

// Written by JAX 0.4.30: gathers without batching dimensions, calls and functions with fewer properties.
TEST(PlainBytecodeOps, OlderFormsAreTheSameProgram) {
  const Arrays got = run(contents("indexing.old.mlirbc")), want = run(contents("indexing.mlirbc"));
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].aval(), want[i].aval());
    EXPECT_EQ(got[i].to_vector<double>(), want[i].to_vector<double>()) << i;
  }
}

TEST(PlainBytecodeOps, PropertiesThatAreNotKnownMakeAnOperationUnknown) {
  std::string bytes = contents("elementwise.mlirbc");
  for (const char* name : {"reduce_precision", "xor"}) {
    const auto at = bytes.find(std::string(1, '\0') + name + '\0');
    ASSERT_NE(at, std::string::npos) << name;
    bytes[at + 1] = 'X';
  }
  const auto unknown = stablehlo::unknown_operations(stablehlo::read_module(bytes));
  EXPECT_EQ(unknown, (std::map<std::string, int>{{"Xeduce_precision (2 properties)", 1}, {"Xor", 1}}));
}

INSTANTIATE_TEST_SUITE_P(Modules, PlainBytecode,
                         ::testing::Values("control", "elementwise", "factors", "indexing", "numbers", "products",
                                           "reductions"),
                         [](const auto& info) { return std::string(info.param); });
