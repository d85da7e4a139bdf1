// New arrays, and the functions that take negative axes: values written out.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "bad_input.h"
#include "tf2jax/trace/staging.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(Creation, ConstantsInEveryDtype) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {bool_, i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64, c64, c128}) {
    EXPECT_EQ(zeros({2}, d).to_vector<float>(), (Floats{0, 0})) << short_name(d);
    EXPECT_EQ(ones({2}, d).to_vector<float>(), (Floats{1, 1})) << short_name(d);
    EXPECT_EQ(ones({2}, d).dtype(), d);
    EXPECT_EQ(full({1}, 1, d).dtype(), d);
    EXPECT_EQ(eye(2, {}, d).to_vector<float>(), (Floats{1, 0, 0, 1})) << short_name(d);
  }
}

TEST(Creation, ScalarsAndEmptyArrays) {
  EXPECT_EQ(full({}, 7.f).item<float>(), 7);
  EXPECT_EQ(zeros({0, 3}).size(), 0);
  EXPECT_EQ(full({2, 0}, 1.f).dims(), (Dims{2, 0}));
  EXPECT_EQ(eye(0).dims(), (Dims{0, 0}));
  EXPECT_EQ(arange(0).dims(), Dims{0});
  EXPECT_EQ(linspace(1, 2, 0).dims(), Dims{0});
}

TEST(Creation, LikeAnotherArray) {
  const Array x = array<int>({1, 2});
  EXPECT_EQ(zeros_like(x).aval(), x.aval());
  EXPECT_EQ(ones_like(x).to_vector<int>(), (std::vector<int>{1, 1}));
  EXPECT_EQ(full_like(x, 2.75).to_vector<int>(), (std::vector<int>{2, 2}));
  EXPECT_EQ(zeros_of({bf16, {3}, false}).dtype(), bf16);
}

TEST(Creation, SymbolicShapesAreStaged) {
  const Dim b = Dim::variable("b");
  const Avals out = eval_shape([](const Array& x) { return zeros(x.shape()); }, spec(f32, {b, 2}));
  EXPECT_TRUE(identical(out[0].shape, Shape{b, 2}));
}

TEST(Creation, NumbersInARow) {
  EXPECT_EQ(arange(3).dtype(), i32);
  EXPECT_EQ(arange(2, 9, 3).to_vector<int>(), (std::vector<int>{2, 5, 8}));
  EXPECT_EQ(arange(5, 0, -2).to_vector<int>(), (std::vector<int>{5, 3, 1}));
  EXPECT_EQ(arange(3, 3).size(), 0);
  EXPECT_EQ(arange(4, 1).size(), 0);
  EXPECT_EQ(linspace(0, 1, 5).to_vector<float>(), (Floats{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(linspace(3, 9, 1).to_vector<float>(), Floats{3});
  EXPECT_EQ(iota(f32, {2, 3}, 1).to_vector<float>(), (Floats{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(iota(u8, {2, 3}, 0).to_vector<int>(), (std::vector<int>{0, 0, 0, 1, 1, 1}));
}

TEST(Creation, TrianglesAndDiagonals) {
  const Array x = array<float>({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}});
  EXPECT_EQ(tril(x).to_vector<float>(), (Floats{1, 0, 0, 4, 5, 0, 7, 8, 9}));
  EXPECT_EQ(tril(x, -1).to_vector<float>(), (Floats{0, 0, 0, 4, 0, 0, 7, 8, 0}));
  EXPECT_EQ(triu(x).to_vector<float>(), (Floats{1, 2, 3, 0, 5, 6, 0, 0, 9}));
  EXPECT_EQ(triu(x, 1).to_vector<float>(), (Floats{0, 2, 3, 0, 0, 6, 0, 0, 0}));
  EXPECT_EQ(diagonal(x).to_vector<float>(), (Floats{1, 5, 9}));
  EXPECT_EQ(eye(2, 3).to_vector<float>(), (Floats{1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(grad([](const Array& v) { return sum(tril(v) * 2.f); })(x).to_vector<float>(),
            (Floats{2, 0, 0, 2, 2, 0, 2, 2, 2}));
}

TEST(Movement, NegativeAxesCountFromTheEnd) {
  const Array x = array<float>({{1, 2, 3}, {4, 5, 6}});
  EXPECT_EQ(flip(x, {-1}).to_vector<float>(), (Floats{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(expand_dims(x, {-1}).dims(), (Dims{2, 3, 1}));
  EXPECT_EQ(expand_dims(x, {0, 2}).dims(), (Dims{1, 2, 1, 3}));
  EXPECT_EQ(moveaxis(ones({2, 3, 4}), -1, 0).dims(), (Dims{4, 2, 3}));
  EXPECT_EQ(swapaxes(ones({2, 3, 4}), 0, -1).dims(), (Dims{4, 3, 2}));
  EXPECT_EQ(squeeze(ones({1, 2, 1}), {-1}).dims(), (Dims{1, 2}));
  EXPECT_EQ(squeeze(ones({1, 2, 1})).dims(), Dims{2});
  EXPECT_EQ(transpose(x).to_vector<float>(), (Floats{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(ravel(x).dims(), Dims{6});
}

TEST(Movement, RollWrapsAround) {
  const Array x = array<float>({1, 2, 3, 4});
  EXPECT_EQ(roll(x, 1, 0).to_vector<float>(), (Floats{4, 1, 2, 3}));
  EXPECT_EQ(roll(x, -1, 0).to_vector<float>(), (Floats{2, 3, 4, 1}));
  EXPECT_EQ(roll(x, 6, 0).to_vector<float>(), (Floats{3, 4, 1, 2}));
  EXPECT_EQ(roll(zeros({0}), 3, 0).size(), 0);
}

TEST(Movement, RepeatsAndTiles) {
  const Array x = array<float>({{1, 2}, {3, 4}});
  EXPECT_EQ(repeat(x, 2, 1).to_vector<float>(), (Floats{1, 1, 2, 2, 3, 3, 4, 4}));
  EXPECT_EQ(repeat(x, 0, 0).dims(), (Dims{0, 2}));
  EXPECT_EQ(tile(x, {1, 2}).to_vector<float>(), (Floats{1, 2, 1, 2, 3, 4, 3, 4}));
  EXPECT_EQ(broadcast_to(array<float>({1, 2}), {2, 2}).to_vector<float>(), (Floats{1, 2, 1, 2}));
  EXPECT_EQ(grad([](const Array& v) { return sum(repeat(v, 3, 0)); })(x).to_vector<float>(), (Floats{3, 3, 3, 3}));
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(zeros({-3}), "zeros: a size is negative. Got f32[-3]"),
      ROW(zeros({2, kLeast}), "a size is negative"),
      ROW(zeros({kHuge}), "raise Config::max_array_elements"),
      ROW(zeros({kLarge, kLarge}), "multiply to more than 2^63"),
      ROW(zeros({0, kHuge, 4}), "multiply to more than 2^63"),
      ROW(ones({-1}), "ones: a size is negative. Got f32[-1]"),
      ROW(ones({kHuge, kHuge}), "ones:"),
      ROW(full({-2}, 1.f), "full:"),
      ROW(full({kHuge}, 1.f), "full:"),
      ROW(arange(kHuge), "raise Config::max_array_elements"),
      ROW(arange(0, 3, 0), "arange: the step must not be 0"),
      ROW(arange(kLeast, kMost, 1), "does not fit"),
      ROW(arange(0, kMost, 1), "max_array_elements"),
      ROW(linspace(0, 1, -1), "linspace: the number of samples must be non-negative"),
      ROW(linspace(0, 1, kHuge), "linspace:"),
      ROW(eye(-2), "eye:"),
      ROW(eye(2, -1), "eye:"),
      ROW(eye(std::int64_t{1} << 31), "eye:"),
      ROW(tril(v3), "tril"),
      ROW(triu(scalar), "triu"),
      ROW(diagonal(v3), "diagonal"),
      ROW(diagonal(cube), "diagonal"),
      ROW(broadcast_to(v3, {-3}), "broadcast_to:"),
      ROW(broadcast_to(m, {3}), "broadcast_to"),
      ROW(broadcast_to(scalar, {kHuge}), "broadcast_to:"),
      ROW(flip(m, {2}), "flip"),
      ROW(zeros({kLarge, 0}), "zeros:"),
      ROW(repeat(v3, -1, 0), "repeat: the count must not be negative"),
      ROW(repeat(v3, kHuge, 0), ""),
      ROW(repeat(v3, 2, 1), "axis 1"),
      ROW(expand_dims(v3, {3}), "axis 3"),
      ROW(expand_dims(v3, {0, 0}), "duplicate"),
      ROW(moveaxis(m, 2, 0), "moveaxis"),
      ROW(swapaxes(m, 0, -3), "swapaxes"),
      ROW(roll(m, 1, 2), "roll"),
  };
}
INSTANTIATE_TEST_SUITE_P(Creation, BadInput, ::testing::ValuesIn(bad_calls()));

TEST(SplitEvenly, GivesPiecesOfOneSize) {
  const Arrays pieces = split_evenly(reshape(arange(12), {2, 6}), 3, -1);
  ASSERT_EQ(pieces.size(), 3u);
  EXPECT_EQ(pieces[1].to_vector<int>(), (std::vector<int>{2, 3, 8, 9}));
  expect_error<ValueError>([] { split_evenly(arange(5), 2); },
                           "array split does not result in an equal division: rest is 1");
  expect_error<ValueError>([] { split_evenly(arange(5), 0); }, "must be positive. Got 0");
  EXPECT_EQ(stage([](const Arrays& x) { return split_evenly(x[0], 2); }, {Aval{f32, {Dim::parse("2*b")}, false}})
                .output_avals()[1]
                .shape[0],
            Dim::parse("b"));
}

}  // namespace
}  // namespace tf2jax
