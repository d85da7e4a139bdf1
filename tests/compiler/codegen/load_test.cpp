// Loading the code generator.
#include <cstdio>
#include <cstdlib>

#include "codegen_kernels.h"

namespace tf2jax::loops::testing {

namespace {

// Each death happens in a fresh process.
class LoadDeath : public ::testing::Test {
 protected:
  void SetUp() override { ::testing::GTEST_FLAG(death_test_style) = "threadsafe"; }
};

void load_a_missing_module() {
  setenv("TF2JAX_CODEGEN_LIBRARY", "/nowhere/module.so", 1);
  try {
    code_generator();
  } catch (const NotImplementedError& e) {
    std::fputs(e.what(), stderr);
    std::exit(3);
  }
}

}  // namespace

TEST_F(LoadDeath, AMissingModuleSaysWhereItWasSought) {
  EXPECT_EXIT(load_a_missing_module(), ::testing::ExitedWithCode(3), "/nowhere/module.so: no such file");
}

TEST(Load, OneGeneratorServesTheProcess) {
  EXPECT_EQ(&code_generator(), &code_generator());
  const int lanes = code_generator().lanes();
  EXPECT_TRUE(lanes == 4 || lanes == 8 || lanes == 16) << lanes;
}

}  // namespace tf2jax::loops::testing
