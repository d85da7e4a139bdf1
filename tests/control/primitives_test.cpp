// The list of the primitives of this folder.
#include <gtest/gtest.h>
#include <tf2jax/control/primitives.h>
#include <tf2jax/tf2jax.h>

#include <set>

namespace tf2jax {
namespace {

TEST(ControlPrimitives, AreListedAndFoundByName) {
  std::vector<Primitive> listed;
  append_control_primitives(listed);
  std::set<std::string> names;
  for (const Primitive& p : listed) {
    names.insert(p.name());
    ASSERT_TRUE(find_primitive(p.name())) << p.name();
    EXPECT_TRUE(*find_primitive(p.name()) == p) << p.name();
  }
  EXPECT_EQ(names, (std::set<std::string>{"cond", "reduce", "reduce_window", "scan", "while"}));
}

}  // namespace
}  // namespace tf2jax
