// Masks and lists taken apart by them.
#include "tf2jax/transforms/masks.h"

#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

namespace tf2jax {
namespace {

std::vector<float> items(const Arrays& xs) {
  std::vector<float> out;
  for (const Array& x : xs) out.push_back(x.item<float>());
  return out;
}

TEST(Masks, PickAndDropPartAListThatMergeJoins) {
  const Arrays values{1.f, 2.f, 3.f};
  const Mask mask{true, false, true};
  EXPECT_EQ(items(masks::pick(values, mask)), (std::vector{1.f, 3.f}));
  EXPECT_EQ(items(masks::drop(values, mask)), (std::vector{2.f}));
  EXPECT_EQ(items(masks::merge(mask, masks::pick(values, mask), masks::drop(values, mask))), items(values));
}

TEST(Masks, GrowSaysWhetherAnythingChanged) {
  Mask mask{true, false};
  EXPECT_FALSE(masks::grow(mask, {true, false, true}));
  EXPECT_TRUE(masks::grow(mask, {false, true, true}));
  EXPECT_EQ(mask, Mask({true, true}));
  EXPECT_FALSE(masks::grow(mask, {false, false}));
}

TEST(Masks, OfTangentsMarksThoseThatAreNotZero) {
  const Tangents t{Tangent(Array(1.f)), Tangent::zero(Array(2.f).aval())};
  EXPECT_EQ(masks::nonzero(t), Mask({true, false}));
  EXPECT_EQ(items(masks::nonzero_values(t)), (std::vector{1.f}));
}

TEST(Masks, OfAxesMarksThoseThatAreMapped) {
  const std::vector<Axis> axes{2, std::nullopt};
  EXPECT_EQ(masks::mapped(axes), Mask({true, false}));
  EXPECT_EQ(masks::front_axes({true, false}), (std::vector<Axis>{0, std::nullopt}));
  EXPECT_EQ(masks::count(masks::join({true}, {false}, {true, true})), 3);
}

}  // namespace
}  // namespace tf2jax
