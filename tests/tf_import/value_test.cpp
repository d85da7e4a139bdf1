// What flows along the edges of a graph.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_import/value.h>

namespace tf2jax {
namespace {

TEST(GraphValue, KnowsItsKind) {
  EXPECT_EQ(Value().kind(), "nothing");
  EXPECT_EQ(Value(Array(1)).kind(), "a tensor");
  EXPECT_EQ(Value(StringTensor{{}, {"a"}}).kind(), "strings");
  EXPECT_EQ(Value(VariableRef{0, "v"}).kind(), "a variable");
  EXPECT_EQ(Value(SymbolicInts{{Dim::variable("b")}, true}).kind(), "symbolic sizes");
  EXPECT_EQ(Value(TensorSequence{}).kind(), "a tensor list");
}

TEST(GraphValue, HostValuesAreThoseThatAreKnown) {
  EXPECT_FALSE(Value(Array(1)).is_host());
  EXPECT_TRUE(Value(Array(1), true).is_host());
  EXPECT_TRUE(Value(StringTensor{}).is_host());
  EXPECT_TRUE(Value(SymbolicInts{}).is_host());
  EXPECT_FALSE(Value(VariableRef{}).is_host());
  EXPECT_FALSE(Value().has_value());
}

TEST(GraphValue, GivesWhatItHolds) {
  const Value v(Array(3));
  ASSERT_NE(v.get_if<Array>(), nullptr);
  EXPECT_EQ(v.get_if<Array>()->item<int>(), 3);
  EXPECT_EQ(v.get_if<StringTensor>(), nullptr);
}

TEST(InCanonicalType, NarrowsWideValues) {
  const Array wide = [] {
    const auto x64 = override_config(&Config::enable_x64, true);
    return array<std::int64_t>({5});
  }();
  EXPECT_EQ(in_canonical_type(wide).dtype(), i32);
  EXPECT_EQ(in_canonical_type(wide).item<int>(0), 5);
  const Array narrow = ones({2});
  EXPECT_TRUE(in_canonical_type(narrow).same_as(narrow));
  const auto x64 = override_config(&Config::enable_x64, true);
  EXPECT_EQ(in_canonical_type(wide).dtype(), i64);
}

}  // namespace
}  // namespace tf2jax
