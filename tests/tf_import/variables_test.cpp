// Variables by name.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_import/variables.h>

#include "../support.h"

namespace tf2jax {
namespace {

Variables two() {
  Variables v;
  v.set(Variable("b", Array(2.f), false));
  v.set(Variable("a", Array(1.f)));
  return v;
}

TEST(Variables, AreATreeInOrderOfNames) {
  EXPECT_EQ(tree::num_leaves(two()), 2u);
  EXPECT_EQ(tree::leaves(two())[0].item<float>(), 1);
  const Variables doubled = tree::map([](const Array& x) { return x * 2.f; }, two());
  EXPECT_EQ(doubled.at("b").value().item<float>(), 4);
  EXPECT_FALSE(doubled.at("b").trainable());
}

TEST(Variables, AreFoundByName) {
  EXPECT_TRUE(two().contains("a"));
  expect_error<LookupError>([] { two().at("c"); }, "there is no variable 'c'. There are: 'a', 'b'.");
  expect_error<LookupError>([] { Variables()["x"]; }, "none");
}

TEST(Variables, ArePartedAndJoined) {
  const Variables v = two();
  EXPECT_EQ(v.trainable().size(), 1u);
  EXPECT_TRUE(v.frozen().contains("b"));
  Variables more;
  more.set(Variable("b", Array(9.f)));
  more.set(Variable("c", Array(3.f)));
  const Variables all_of_them = v.merged(more);
  EXPECT_EQ(all_of_them.size(), 3u);
  EXPECT_EQ(all_of_them.at("b").value().item<float>(), 9);
  EXPECT_EQ(v.at("b").value().item<float>(), 2);
}

TEST(Variables, MarksArePartOfTheStructure) {
  Variables other = two();
  other.set(Variable("b", Array(2.f), true));
  EXPECT_NE(tree::structure(two()), tree::structure(other));
  EXPECT_EQ(tree::structure(two()), tree::structure(two()));
}

}  // namespace
}  // namespace tf2jax
