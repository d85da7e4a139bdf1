// Files of jax.export.
#include "tf2jax/stablehlo/exported.h"

#include "programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

using namespace tf2jax;
using namespace tf2jax::testing;

TEST(Exported, WrittenFilesAreReadAgain) {
  const auto written = stablehlo::export_program(some_program(), "f", 1);
  const std::string bytes = stablehlo::write_exported(written);
  const auto read = stablehlo::read_exported(bytes);
  EXPECT_EQ(read.function_name, "f");
  EXPECT_EQ(read.in_avals, written.in_avals);
  EXPECT_EQ(read.out_avals, written.out_avals);
  EXPECT_EQ(read.in_tree, written.in_tree);
  EXPECT_EQ(read.platforms, (std::vector<std::string>{"cpu"}));
  EXPECT_EQ(read.module, written.module);
  ASSERT_TRUE(read.vjp);
  EXPECT_EQ(read.vjp->in_avals.size(), 4u);
  EXPECT_FALSE(read.vjp->vjp);
  EXPECT_EQ(stablehlo::write_exported(read), bytes);
}

TEST(Exported, TheDerivativeIsThatOfTheProgram) {
  const Jaxpr f = stage([](const Arrays& xs) { return Arrays{mul(sin(xs[0]), xs[0])}; }, {spec(f32, {3})});
  const auto e = stablehlo::read_exported(stablehlo::write_exported(stablehlo::export_program(f, "f", 2)));
  const Jaxpr back = stablehlo::program_of(*e.vjp, {spec(f32, {3}), spec(f32, {3})});
  const auto got = eval_jaxpr(back, std::vector<Array>{three(), ones({3})})[0].to_vector<float>();
  for (std::size_t i = 0; i < 3; ++i) {
    const float x = static_cast<float>(i + 1);
    EXPECT_NEAR(got[i], std::cos(x) * x + std::sin(x), 1e-5f);
  }
  EXPECT_TRUE(e.vjp->vjp);
}

TEST(Exported, CallsCheckRankAndSizes) {
  stablehlo::Exported e = stablehlo::export_program(some_program(), "f");
  e.in_avals[0].shape = {"b", "3"};
  const auto message = [&](const Avals& avals) -> std::string {
    try {
      (void)stablehlo::program_of(e, avals);
    } catch (const ValueError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_EQ(message({spec(f32, {2, 4}), spec(f32, {3, 3})}),
            "Shape mismatch for args[0].shape[1] (expected same constant): expected (b, 3) and called with (2, 4)");
  EXPECT_EQ(message({spec(f32, {2}), spec(f32, {3, 3})}),
            "Rank mismatch for args[0]: expected (b, 3) and called with (2,)");
  e.platforms = {"tpu"};
  EXPECT_THAT(message({spec(f32, {2, 3}), spec(f32, {3, 3})}),
              ::testing::HasSubstr("was exported for platforms 'tpu'"));
}

TEST(Exported, DamagedFilesAreErrors) {
  const std::string bytes = stablehlo::write_exported(stablehlo::export_program(some_program(), "f", 1));
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string changed = bytes.substr(0, i % 5 ? bytes.size() : random() % bytes.size());
    for (int k = 0; k < 3 && !changed.empty(); ++k) changed[random() % changed.size()] = static_cast<char>(random());
    try {
      (void)stablehlo::read_exported(changed);
    } catch (const InternalError&) {
      throw;
    } catch (const Error&) {
    }
  }
}

TEST(Exported, CallsCheckDtypes) {
  const stablehlo::Exported e = stablehlo::export_program(some_program(), "f");
  try {
    (void)stablehlo::program_of(e, {spec(i32, {2, 3}), spec(f32, {3, 3})});
    FAIL() << "no error";
  } catch (const ValueError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("Dtype mismatch for args[0]: expected f32 and called with i32"));
  }
}
