// Joining, padding and splitting: values and derivatives written out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "bad_input.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
using Floats = std::vector<float>;

TEST(Concatenate, GradientIsSplitAgain) {
  const Array x = array<float>({1, 2}), y = array<float>({3});
  const auto f = [](const Array& a, const Array& b) {
    return sum(concatenate({a, b}, 0) * array<float>({10, 20, 30}));
  };
  const auto [dx, dy] = grad<0, 1>(f)(x, y);
  EXPECT_EQ(dx.to_vector<float>(), (Floats{10, 20}));
  EXPECT_EQ(dy.to_vector<float>(), (Floats{30}));
}

TEST(Concatenate, MappedAndUnmappedOperandsJoin) {
  const Array rows = array<float>({{1, 2}, {3, 4}}), last = array<float>({9});
  const auto join = [&](const Array& r) { return concatenate({r, last}, 0); };
  EXPECT_EQ(vmap(join)(rows).to_vector<float>(), (Floats{1, 2, 9, 3, 4, 9}));
}

TEST(Concatenate, RanksMustAgree) {
  EXPECT_THAT(message_of<ShapeError>([] { concatenate({ones({2}), ones({2, 1})}, 0); }),
              HasSubstr("must have one rank"));
}

TEST(Pad, InteriorAndNegativeWidths) {
  const Array x = array<float>({1, 2, 3});
  EXPECT_EQ(pad(x, Array(0.f), {{1, 0, 1}}).to_vector<float>(), (Floats{0, 1, 0, 2, 0, 3}));
  EXPECT_EQ(pad(x, Array(0.f), {{-1, 2, 0}}).to_vector<float>(), (Floats{2, 3, 0, 0}));
}

TEST(Pad, GradientGoesToTheOperandAndTheValue) {
  const auto f = [](const Array& x, const Array& v) {
    return sum(pad(x, v, {{1, 1, 1}}) * array<float>({1, 2, 4, 8, 16}));
  };
  const auto [dx, dv] = grad<0, 1>(f)(array<float>({5, 6}), Array(7.f));
  EXPECT_EQ(dx.to_vector<float>(), (Floats{2, 8}));
  EXPECT_EQ(dv.item<float>(), 1 + 4 + 16);
}

TEST(Split, SizesMustAddUp) {
  const Arrays parts = split(array<float>({1, 2, 3}), {1, 2}, 0);
  EXPECT_EQ(parts[1].to_vector<float>(), (Floats{2, 3}));
  EXPECT_THAT(message_of<ShapeError>([] { split(ones({3}), {1, 1}, 0); }), HasSubstr("must add up"));
  constexpr std::int64_t k62 = std::int64_t{1} << 62;
  EXPECT_THROW(split(ones({3}), {k62, k62, k62, k62, 3}, 0), Error);  // 3, were it modulo 2^64
}

TEST(Unstack, UndoesStack) {
  const Array x = array<float>({{1, 2}, {3, 4}});
  const Arrays columns = unstack(x, 1);
  EXPECT_EQ(columns[0].to_vector<float>(), (Floats{1, 3}));
  EXPECT_EQ(stack(columns, 1).to_vector<float>(), x.to_vector<float>());
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(concatenate({}, 0), "concatenate"),
      ROW(concatenate({m, v3}, 0), "concatenate: the operands must have one rank"),
      ROW(concatenate({m, m}, 2), "axis 2"),
      ROW(concatenate({scalar, scalar}, 0), "axis 0"),
      ROW(stack({}), "stack: there are no arrays"),
      ROW(stack({m, v3}), "must have one shape"),
      ROW(stack({m}, 3), "axis 3"),
      ROW(unstack(scalar), "axis 0"),
      ROW(unstack(m, -3), "axis -3"),
      ROW(unstack(zeros({std::int64_t{1} << 23, 0})), "unstack:"),
      ROW(split(v3, {-1, 4}, 0), "split"),
      ROW(split(v3, {1, 1}, 0), "split"),
      ROW(split(v3, {kHuge, kHuge}, 0), "split"),
      ROW(split(v3, {3}, 1), "axis 1"),
      ROW(pad(v3, {{-2, -2}}), "pad: a size becomes negative"),
      ROW(pad(v3, {{kHuge, kHuge}}), ""),
      ROW(pad(v3, {}), "padding_config"),
      ROW(pad(v3, v3, {{0, 0, 0}}), "must be a scalar"),
      ROW(pad(v3, 0.f, std::vector<PadAxis>{{0, 0, -1}}), "interior padding must not be negative"),
      ROW(pad(v3, 0.f, std::vector<PadAxis>{{0, 0, kHuge}}), ""),
  };
}
INSTANTIATE_TEST_SUITE_P(Joining, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
