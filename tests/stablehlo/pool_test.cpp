// What operations share is kept once, and read as it was.
#include <gtest/gtest.h>

#include <set>

#include "tf2jax/stablehlo/internal/attributes.h"
#include "tf2jax/stablehlo/internal/pool.h"

namespace tf2jax {
namespace {

using stablehlo::Attr;
using stablehlo::Pool;

TEST(Pool, NamesAndTypesAreThereOnce) {
  Pool pool;
  const auto add = pool.name("add"), mul = pool.name("multiply");
  EXPECT_NE(add, mul);
  EXPECT_EQ(pool.name("add"), add);
  EXPECT_EQ(pool.name(mul), "multiply");
  const auto f32_2 = pool.type(stablehlo::tensor_type("f32", {2}));
  EXPECT_EQ(pool.type(stablehlo::tensor_type("f32", {2})), f32_2);
  EXPECT_NE(pool.type(stablehlo::tensor_type("f64", {2})), f32_2);
  stablehlo::Type scalar = *stablehlo::tensor_type("f32", {2});
  scalar.kind = stablehlo::Type::Kind::other;
  scalar.element = pool.type(f32_2)->to_string();
  EXPECT_NE(pool.type(std::make_shared<const stablehlo::Type>(scalar)), f32_2) << "another kind of the same text";
}

TEST(Pool, ShortAttributesAreKeptByWhatTheySay) {
  Pool pool;
  std::vector<std::uint32_t> numbers;
  for (int i = 0; i < 1000; ++i) numbers.push_back(pool.attribute(stablehlo::integer_attribute(i - 500)));
  for (int i = 0; i < 1000; ++i) {
    const auto k = static_cast<std::size_t>(i);
    EXPECT_EQ(pool.attribute(stablehlo::integer_attribute(i - 500)), numbers[k]);
    EXPECT_EQ(pool.attribute(numbers[k])->integer, i - 500);
  }
  EXPECT_EQ(std::set(numbers.begin(), numbers.end()).size(), 1000u);
  EXPECT_EQ(pool.attribute(pool.attribute(nullptr)), nullptr);
}

TEST(Pool, LargeAttributesAndListsAreTheObjectsThemselves) {
  Pool pool;
  Attr list;
  list.kind = Attr::Kind::array;
  list.items = {stablehlo::string_attribute("a")};
  const auto large = stablehlo::string_attribute(std::string(513, 'x')), array = std::make_shared<const Attr>(list);
  EXPECT_FALSE(stablehlo::is_leaf(*large));
  EXPECT_FALSE(stablehlo::is_leaf(*array));
  EXPECT_TRUE(stablehlo::is_leaf(*stablehlo::string_attribute(std::string(512, 'x'))));
  for (const auto& a : {large, array}) {
    const auto number = pool.attribute(a);
    EXPECT_EQ(pool.attribute(number), a);
    EXPECT_EQ(pool.attribute(a), number);
  }
}

}  // namespace
}  // namespace tf2jax
