// The list of the primitives of this folder.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/transforms/primitives.h>

#include <set>

namespace tf2jax {
namespace {

TEST(TransformPrimitives, AreListedAndFoundByName) {
  std::vector<Primitive> listed;
  append_transform_primitives(listed);
  std::set<std::string> names;
  for (const Primitive& p : listed) {
    names.insert(p.name());
    ASSERT_TRUE(find_primitive(p.name())) << p.name();
    EXPECT_TRUE(*find_primitive(p.name()) == p) << p.name();
  }
  for (const char* name : {"jit", "remat2", "custom_jvp_call", "custom_vjp_call", "custom_lin"})
    EXPECT_TRUE(names.contains(name)) << name;
  EXPECT_EQ(names.size(), listed.size());
}

}  // namespace
}  // namespace tf2jax
