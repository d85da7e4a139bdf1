// Results that are kept with a program.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {
namespace {

struct Doubled {
  using Result = int;
  int of;
  bool operator==(const Doubled&) const = default;
};
struct Named {
  using Result = std::string;
  int of;
  bool operator==(const Named&) const = default;
};

TEST(JaxprMemo, ComputesAResultOncePerKey) {
  JaxprMemo memo;
  int calls = 0;
  const auto twice = [&](int i) { return *memo.get(Doubled{i}, [&] { return ++calls, 2 * i; }); };
  EXPECT_EQ(twice(3), 6);
  EXPECT_EQ(twice(3), 6);
  EXPECT_EQ(twice(4), 8);
  EXPECT_EQ(calls, 2);
}

TEST(JaxprMemo, TellsKeysOfDifferentTypesApart) {
  JaxprMemo memo;
  EXPECT_EQ(*memo.get(Doubled{3}, [] { return 6; }), 6);
  EXPECT_EQ(*memo.get(Named{3}, [] { return std::string("three"); }), "three");
}

TEST(JaxprMemo, KeepsNothingWhenMakingThrows) {
  JaxprMemo memo;
  EXPECT_THROW(memo.get(Doubled{3}, []() -> int { raise<ValueError>("no"); }), ValueError);
  EXPECT_EQ(*memo.get(Doubled{3}, [] { return 6; }), 6);
}

}  // namespace
}  // namespace tf2jax
