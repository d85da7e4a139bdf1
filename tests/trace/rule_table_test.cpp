// Tables of rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

TEST(RuleTable, GivesTheRuleThatWasSetLast) {
  RuleTable<int> table;
  table.set(add_p(), 1).set(mul_p(), 2).set(add_p(), 3);
  EXPECT_EQ(table.require(add_p(), "Test rule"), 3);
  EXPECT_EQ(*table.find(mul_p()), 2);
  EXPECT_EQ(table.find(sin_p()), nullptr);
}

TEST(RuleTable, NamesThePrimitiveAndTheRuleThatAreMissing) {
  const RuleTable<int> table;
  EXPECT_THAT(message_of<MissingRule>([&] { table.require(sin_p(), "Test rule"); }),
              ::testing::HasSubstr("Test rule for 'sin' not implemented"));
}

}  // namespace
}  // namespace tf2jax
