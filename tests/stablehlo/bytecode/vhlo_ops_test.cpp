// Which form of an operation a version knows.
#include "tf2jax/stablehlo/internal/vhlo_ops.h"

#include <gtest/gtest.h>

using namespace tf2jax::stablehlo;

TEST(VhloOps, TheFormFollowsTheVersion) {
  EXPECT_EQ(vhlo_op_for("gather", {1, 0, 0})->name, "gather_v1");
  EXPECT_EQ(vhlo_op_for("gather", {1, 1, 0})->name, "gather_v2");
  EXPECT_EQ(vhlo_op_for("exponential", {1, 8, 5})->name, "exponential_v1");
  EXPECT_EQ(vhlo_op_for("exponential", {1, 9, 0})->name, "exponential_v2");
  EXPECT_EQ(vhlo_op_for("dot_general", {1, 6, 0})->attributes.size(), 12u);
}

TEST(VhloOps, OperationsAreNotThereBeforeTheyWere) {
  EXPECT_EQ(vhlo_op_for("tan", {1, 3, 0}), nullptr);
  EXPECT_NE(vhlo_op_for("tan", {1, 4, 0}), nullptr);
  EXPECT_EQ(vhlo_op_for("no_such", {1, 4, 0}), nullptr);
}

TEST(VhloOps, AttributesAreInAlphabeticalOrder) {
  for (const char* name :
       {"convolution_v1", "dot_general_v2", "gather_v2", "scatter_v2", "custom_call_v2", "func_v1"}) {
    const auto& names = find_vhlo_op(name)->attributes;
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end())) << name;
  }
}

TEST(VhloOps, NamesWithoutVersion) {
  EXPECT_EQ(without_version("add_v1"), "add");
  EXPECT_EQ(without_version("cross-replica-sum_v12"), "cross-replica-sum");
  EXPECT_EQ(without_version("no_version"), "no_version");
}
