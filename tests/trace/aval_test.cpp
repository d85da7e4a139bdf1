// Avals: texts, comparison, and the sizes that arrays may have.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <sstream>

#include "../support.h"

namespace tf2jax {
namespace {

TEST(Aval, Texts) {
  EXPECT_EQ((Aval{f32, {2, 3}, false}).to_string(), "f32[2,3]");
  EXPECT_EQ((Aval{bool_, {}, true}).to_string(), "bool[]");
  EXPECT_EQ((Aval{bf16, {Dim::variable("b"), 0}, false}).to_string(), "bf16[b,0]");
  const Avals both{{i32, {}, false}, {c64, {1}, false}};
  EXPECT_EQ(to_string(both), "i32[], c64[1]");
  std::ostringstream out;
  out << both[1];
  EXPECT_EQ(out.str(), "c64[1]");
}

TEST(Aval, MatchingLeavesWeakTypesOut) {
  const Aval weak{f32, {2}, true}, strong{f32, {2}, false};
  EXPECT_TRUE(weak.matches(strong));
  EXPECT_FALSE(weak == strong);
  EXPECT_EQ(weak.strong(), strong);
  EXPECT_FALSE(strong.matches(strong.with_dtype(f16)));
  EXPECT_FALSE(strong.matches(strong.with_shape({3})));
  const Dim b = Dim::variable("b");
  EXPECT_FALSE((Aval{f32, {b}, false}).matches(strong));  // b may be 2; it is not known to be
}

TEST(Aval, TangentsOfWholeNumbersAreFloat0) {
  EXPECT_EQ((Aval{i32, {2}, false}).tangent().dtype, float0);
  EXPECT_EQ((Aval{bool_, {}, false}).tangent().dtype, float0);
  EXPECT_EQ((Aval{c64, {}, false}).tangent().dtype, c64);
}

TEST(Aval, EqualOnesHashAlike) {
  const Dim a = Dim::variable("a"), b = Dim::variable("b");
  EXPECT_EQ(hash_value(Aval{f32, {a + b}, false}), hash_value(Aval{f32, {b + a}, false}));
  EXPECT_NE(hash_value(Aval{f32, {2}, false}), hash_value(Aval{f32, {3}, false}));
}

TEST(ByteSize, CountsElementsTimesTheirSize) {
  EXPECT_EQ(byte_size({f32, {}, false}), 4u);
  EXPECT_EQ(byte_size({c128, {5000}, false}), 80000u);
  EXPECT_EQ(byte_size({bool_, {3, 0}, false}), 0u);
  EXPECT_EQ(byte_size({float0, {3}, false}), 0u);
  expect_error<InconclusiveDimensionOperation>([] { byte_size({f32, {Dim::variable("b")}, false}); }, "b");
}

TEST(CheckSize, SaysWhatIsWrong) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  check_size({f32, {Dim::variable("b"), 3}, false}, "f");
  expect_error<ShapeError>([] { check_size({f32, {2, -1}, false}, "f"); }, "f: a size is negative. Got f32[2,-1]");
  expect_error<ResourceExhaustedError>([] { check_size({f32, {kHuge}, false}, "f"); }, "max_array_elements");
  expect_error<ResourceExhaustedError>([] { check_size({f32, {kHuge, 0, kHuge}, false}, "f"); }, "2^63");
  const auto raised = override_config(&Config::max_array_elements, kHuge);
  check_size({f32, {kHuge}, false}, "f");
  expect_error<ResourceExhaustedError>([] { byte_size({f32, {kHuge}, false}, "f"); }, "do not fit 63 bits");
}

}  // namespace
}  // namespace tf2jax
