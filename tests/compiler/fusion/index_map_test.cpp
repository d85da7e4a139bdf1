// Index maps against enumeration.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <functional>

#include "tf2jax/compiler/fusion/index_map.h"

namespace tf2jax::compiler {
namespace {

// The value of an affine function where the variables stand.
std::int64_t value_at(const Affine& a, const std::vector<std::int64_t>& variables) {
  std::int64_t out = a.offset;
  for (const auto& [v, c] : a.terms) out += c * variables[v];
  return out;
}

// Every reshape of `to` into `from` that is affine reads the element with the same row-major number.
void expect_same_elements(const Dims& from, const Dims& to, bool affine) {
  IndexSpace space;
  const MapId own = space.identity(to);
  const auto map = space.reshaped(own, to, from);
  ASSERT_EQ(map.has_value(), affine) << tuple_string(from) << " to " << tuple_string(to);
  if (!map) return;
  const MapId other = space.intern(*map);
  const Affine a = space.address(own, 0, row_major_strides(to)), b = space.address(other, 0, row_major_strides(from));
  std::vector<std::int64_t> at(space.size(), 0);
  const std::function<void(std::size_t)> visit = [&](std::size_t v) {
    if (v == at.size()) {
      ASSERT_EQ(value_at(a, at), value_at(b, at));
      for (std::size_t d = 0; d < from.size(); ++d) {
        ASSERT_GE(value_at((*map)[d], at), 0);
        ASSERT_LT(value_at((*map)[d], at), from[d]);
      }
      return;
    }
    for (at[v] = 0; at[v] < space.extent(static_cast<LoopVar>(v)); ++at[v]) visit(v + 1);
    at[v] = 0;
  };
  visit(0);
  EXPECT_TRUE(space.is_bijective(other, from));
}

TEST(IndexMap, ReshapesAreAffineWhereSizesDivide) {
  expect_same_elements({2, 3, 4}, {24}, true);
  expect_same_elements({24}, {2, 3, 4}, true);
  expect_same_elements({2, 12}, {6, 4}, true);
  expect_same_elements({4, 6}, {8, 3}, true);
  expect_same_elements({6, 4}, {3, 1, 8}, true);
  expect_same_elements({1, 6, 1}, {2, 3}, true);
  expect_same_elements({4, 6}, {3, 8}, false);  // 8 does not divide into rows of 6
  expect_same_elements({6, 10}, {4, 15}, false);
  expect_same_elements({}, {1, 1}, true);
}

TEST(IndexMap, BijectionsCoverEveryElementOnce) {
  IndexSpace space;
  const MapId id = space.identity({3, 5});
  EXPECT_TRUE(space.is_bijective(id, {3, 5}));
  const IndexMap map = space.map(id);
  EXPECT_TRUE(space.is_bijective(space.intern({map[1], map[0]}), {5, 3}));
  EXPECT_FALSE(space.is_bijective(space.intern({map[0], constant_index(0)}), {3, 5}));
  EXPECT_FALSE(space.is_bijective(space.intern({map[0], map[1] + 1}), {3, 5}));
  EXPECT_FALSE(space.is_bijective(space.intern({map[0], map[1] * 2}), {3, 10}));
}

}  // namespace
}  // namespace tf2jax::compiler
