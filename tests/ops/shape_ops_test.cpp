// Movements as primitives: values, transposes, mapped axes, sizes known and symbolic.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "bad_input.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Array x23 = array<float>({{1, 2, 3}, {4, 5, 6}});

TEST(BroadcastInDim, PlacesAxes) {
  EXPECT_EQ(broadcast_in_dim(array<float>({1, 2}), {2, 3}, {0}).to_vector<float>(), (Floats{1, 1, 1, 2, 2, 2}));
  EXPECT_EQ(broadcast_in_dim(array<float>({1, 2}), {3, 2}, {1}).to_vector<float>(), (Floats{1, 2, 1, 2, 1, 2}));
  EXPECT_EQ(broadcast_in_dim(Array(4.f), {2}, {}).to_vector<float>(), (Floats{4, 4}));
  EXPECT_EQ(broadcast_in_dim(ones({1}), {0}, {0}).size(), 0);
  const Array g =
      grad([](const Array& v) { return sum(broadcast_in_dim(v, {2, 3}, {0}) * x23); })(array<float>({0, 0}));
  EXPECT_EQ(g.to_vector<float>(), (Floats{6, 15}));
}

TEST(Reshape, KeepsTheOrderAndFillsInOneSize) {
  EXPECT_EQ(reshape(x23, {3, 2}).to_vector<float>(), x23.to_vector<float>());
  EXPECT_EQ(reshape(x23, {-1}).dims(), Dims{6});
  EXPECT_EQ(reshape(x23, {3, -1}).dims(), (Dims{3, 2}));
  EXPECT_EQ(reshape(Array(1.f), {1, 1}).dims(), (Dims{1, 1}));
  EXPECT_EQ(reshape(zeros({0, 4}), {2, 0}).dims(), (Dims{2, 0}));
}

TEST(Reshape, PermutesFirstWhenAsked) {
  const Array y = reshape_p().bind1({x23}, ReshapeParams{{6}, Axes{1, 0}});
  EXPECT_EQ(y.to_vector<float>(), (Floats{1, 4, 2, 5, 3, 6}));
}

TEST(Reshape, SymbolicSizes) {
  const Dim b = Dim::variable("b");
  const Avals out = eval_shape([&](const Array& x) { return reshape(x, {-1, 2}); }, spec(f32, {b, 4}));
  EXPECT_TRUE(identical(out[0].shape, Shape{b * 2, 2}));
}

TEST(Transpose, MovesAxesOfEveryDtype) {
  for (const DType d : {bool_, i8, u16, i32, f16, bf16, f32, c64}) {
    const Array x = astype(array<float>({{0, 1}, {1, 1}, {0, 0}}), d);
    EXPECT_EQ(transpose(x, {1, 0}).to_vector<float>(), (Floats{0, 1, 0, 1, 1, 0})) << short_name(d);
  }
  EXPECT_EQ(transpose(ones({2, 3, 4}), {2, 0, 1}).dims(), (Dims{4, 2, 3}));
  EXPECT_EQ(transpose(Array(1.f), {}).rank(), 0);
}

TEST(Transpose, ItsCotangentGoesBack) {
  const Array g =
      grad([](const Array& v) { return sum(transpose(v, {1, 0}) * array<float>({{1, 2}, {3, 4}, {5, 6}})); })(x23);
  EXPECT_EQ(g.to_vector<float>(), (Floats{1, 3, 5, 2, 4, 6}));
}

TEST(Rev, ReversesAxes) {
  EXPECT_EQ(rev(x23, {1}).to_vector<float>(), (Floats{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(rev(x23, {0, 1}).to_vector<float>(), (Floats{6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(rev(x23, {}).to_vector<float>(), x23.to_vector<float>());
}

TEST(Squeeze, DropsNamedAxes) {
  EXPECT_EQ(squeeze(ones({1, 2, 1}), {0}).dims(), (Dims{2, 1}));
  EXPECT_EQ(squeeze(ones({1, 1}), {0, 1}).rank(), 0);
}

TEST(Tile, RepeatsWholeAxes) {
  EXPECT_EQ(tile(x23, {2, 1}).to_vector<float>(), (Floats{1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(tile(x23, {0, 1}).dims(), (Dims{0, 3}));
  const Array g =
      grad([](const Array& v) { return sum(tile(v, {2}) * array<float>({1, 2, 10, 20})); })(array<float>({0, 0}));
  EXPECT_EQ(g.to_vector<float>(), (Floats{11, 22}));
}

TEST(ShapeOps, MappedAxesAreLeftAlone) {
  const Array cube = reshape(arange(12), {2, 3, 2});
  const auto each = [&](const auto& f) {
    const Array y = vmap(f, {.in_axes = {1}, .out_axes = {0}})(cube);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(y[i].template to_vector<int>(), f(cube(all, i)).template to_vector<int>());
  };
  each([](const Array& v) { return transpose(v, {1, 0}); });
  each([](const Array& v) { return rev(v, {0}); });
  each([](const Array& v) { return reshape(v, {4}); });
  each([](const Array& v) { return tile(v, {1, 2}); });
  each([](const Array& v) { return broadcast_in_dim(v, {2, 3, 2}, {0, 2}); });
  each([](const Array& v) { return squeeze(expand_dims(v, {1}), {1}); });
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(iota(f32, {-3}, 0), "iota"),
      ROW(iota(f32, {3}, 1), "iota"),
      ROW(iota(f32, {3}, -1), "iota"),
      ROW(iota(f32, {}, 0), "iota"),
      ROW(iota(bool_, {3}, 0), "iota"),
      ROW(reshape(v3, {-1, -1}), "reshape: only one size may be -1"),
      ROW(reshape(v3, {-3}), "reshape"),
      ROW(reshape(v3, {2, -1}), "Cannot divide evenly"),
      ROW(reshape(v3, {4}), "reshape: the number of elements must not change"),
      ROW(reshape(nothing, {kHuge}), "reshape"),
      ROW(broadcast_in_dim(v3, {3, 3}, {2}), "broadcast_in_dim"),
      ROW(broadcast_in_dim(v3, {3, 3}, {-1}), "broadcast_in_dim"),
      ROW(broadcast_in_dim(v3, {3, 3}, {}), "broadcast_in_dim"),
      ROW(squeeze(m, {0}), "squeeze"),
      ROW(squeeze(m, {2}), "axis 2 is out of bounds"),
      ROW(squeeze(m, {-3}), "axis -3 is out of bounds"),
      ROW(transpose(m, {0}), "transpose: the permutation must name each axis once"),
      ROW(transpose(m, {0, 0}), "transpose: the permutation must name each axis once"),
      ROW(transpose(m, {0, 2}), "axis 2 is out of bounds"),
      ROW(rev(m, {-1}), "rev"),
      ROW(rev(m, {0, 0}), "rev"),
      ROW(tile(v3, {-1}), "tile: the repetitions must not be negative"),
      ROW(tile(v3, {-2, -2}), "tile"),
      ROW(tile(v3, {kHuge}), ""),
  };
}
INSTANTIATE_TEST_SUITE_P(Movement, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
