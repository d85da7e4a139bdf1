// Static and dynamic windows: values, clamping, derivatives.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "bad_input.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Array x23 = array<float>({{1, 2, 3}, {4, 5, 6}});

TEST(Slice, StartLimitStride) {
  EXPECT_EQ(slice(x23, {0, 1}, {2, 3}).to_vector<float>(), (Floats{2, 3, 5, 6}));
  EXPECT_EQ(slice(x23, {0, 0}, {2, 3}, {1, 2}).to_vector<float>(), (Floats{1, 3, 4, 6}));
  EXPECT_EQ(slice(x23, {1, 2}, {1, 3}).dims(), (Dims{0, 1}));
  EXPECT_EQ(slice(Array(2.f), {}, {}).item<float>(), 2);
  EXPECT_EQ(slice_in_dim(x23, 1, 3, 1, 1).to_vector<float>(), (Floats{2, 3, 5, 6}));
  EXPECT_EQ(slice_in_dim(x23, -2, -1, 1, -1).to_vector<float>(), (Floats{2, 5}));
}

TEST(Slice, CopiesEveryDtype) {
  for (const DType d : {bool_, i8, u16, i32, f16, bf16, f32, c64}) {
    const Array y = slice(astype(array<float>({0, 1, 1}), d), {0}, {2});
    EXPECT_EQ(y.dtype(), d);
    EXPECT_EQ(y.to_vector<float>(), (Floats{0, 1})) << short_name(d);
  }
}

TEST(Slice, ItsCotangentIsPaddedWithZeros) {
  const Array g =
      grad([](const Array& v) { return sum(slice(v, {0, 0}, {1, 3}, {1, 2}) * array<float>({{7, 8}})); })(x23);
  EXPECT_EQ(g.to_vector<float>(), (Floats{7, 0, 8, 0, 0, 0}));
}

TEST(DynamicSlice, WindowsAreMovedInside) {
  const auto at = [](int i, int j) {
    return dynamic_slice(x23, Arrays{Array(i), Array(j)}, {1, 2}).to_vector<float>();
  };
  EXPECT_EQ(at(0, 1), (Floats{2, 3}));
  EXPECT_EQ(at(9, 9), (Floats{5, 6}));
  EXPECT_EQ(at(0, -9), (Floats{1, 2}));
  EXPECT_EQ(dynamic_slice(x23, Arrays{Array(0), Array(0)}, {0, 3}).dims(), (Dims{0, 3}));
}

TEST(DynamicSlice, SmallIndexTypesAreNotWrapped) {
  const Array x = iota(f32, {300}, 0);
  EXPECT_EQ(dynamic_slice(x, Arrays{array<std::uint8_t>(255)}, {1}).item<float>(0), 255);
  EXPECT_EQ(dynamic_slice(x, Arrays{array<std::uint32_t>(4294967295u)}, {1}).item<float>(0), 299);
}

// The values are jax.lax's.
TEST(DynamicSlice, NegativeIndicesCountFromTheEnd) {
  const Array x = iota(f32, {8}, 0);
  const auto window = [](const Array& v, const Array& i) { return dynamic_slice(v, Arrays{i}, {2}); };
  const auto update = [](const Array& v, const Array& i) { return dynamic_update_slice(v, -ones({2}), Arrays{i}); };
  for (const auto& [i, first] : {std::pair{-2, 6}, {-8, 0}, {-1, 6}, {-10, 0}, {3, 3}}) {
    SCOPED_TRACE(i);
    const Floats expected = slice_in_dim(x, first, first + 2, 1, 0).to_vector<float>();
    EXPECT_EQ(window(x, Array(i)).to_vector<float>(), expected);
    EXPECT_EQ(jit(window)(x, Array(i)).to_vector<float>(), expected);
    EXPECT_EQ(jit(window)(x, array<std::int8_t>(static_cast<std::int8_t>(i))).to_vector<float>(), expected);
    EXPECT_EQ(vmap(window, {.in_axes = {std::nullopt, 0}})(x, array<int>({i, 0}))[0].to_vector<float>(), expected);
    Floats updated = x.to_vector<float>();
    updated[first] = updated[first + 1] = -1;
    EXPECT_EQ(update(x, Array(i)).to_vector<float>(), updated);
    EXPECT_EQ(jit(update)(x, Array(i)).to_vector<float>(), updated);
  }
  EXPECT_EQ(dynamic_index_in_dim(x, Array(-1), 0).item<float>(), 7);
  EXPECT_EQ(jit([&](const Array& i) { return dynamic_index_in_dim(x, i, 0); })(Array(-3)).item<float>(), 5);
  EXPECT_EQ(dynamic_slice(iota(f32, {300}, 0), Arrays{array<std::int8_t>(-1)}, {1}).item<float>(0), 299);
  EXPECT_EQ(dynamic_slice(x, Arrays{Array(-2)}, {2}, false).to_vector<float>(), (Floats{0, 1}));
  EXPECT_EQ(dynamic_update_slice(x, -ones({1}), Arrays{Array(-2)}, false)[0].item<float>(), -1);
}

TEST(DynamicSlice, EachExampleHasItsOwnStart) {
  const auto f = [](const Array& v, const Array& i) { return dynamic_slice(v, Arrays{i}, {2}); };
  EXPECT_EQ(vmap(f)(x23, array<int>({1, 0})).to_vector<float>(), (Floats{2, 3, 4, 5}));
  EXPECT_EQ(vmap(f, {.in_axes = {std::nullopt, 0}})(x23[0], array<int>({1, 7})).to_vector<float>(),
            (Floats{2, 3, 2, 3}));
}

TEST(DynamicUpdateSlice, ReplacesAWindow) {
  const Array u = array<float>({{9, 8}});
  EXPECT_EQ(dynamic_update_slice(x23, u, Arrays{Array(1), Array(0)}).to_vector<float>(), (Floats{1, 2, 3, 9, 8, 6}));
  EXPECT_EQ(dynamic_update_slice(x23, u, Arrays{Array(5), Array(5)}).to_vector<float>(), (Floats{1, 2, 3, 4, 9, 8}));
  const auto f = [&](const Array& x, const Array& v) {
    return sum(dynamic_update_slice(x, v, Arrays{Array(0), Array(1)}) * x23);
  };
  const auto [dx, dv] = grad<0, 1>(f)(zeros({2, 3}), zeros({1, 2}));
  EXPECT_EQ(dx.to_vector<float>(), (Floats{1, 0, 0, 4, 5, 6}));
  EXPECT_EQ(dv.to_vector<float>(), (Floats{2, 3}));
}

TEST(DynamicIndex, DropsTheAxisUnlessItIsKept) {
  EXPECT_EQ(dynamic_index_in_dim(x23, Array(1), 0).to_vector<float>(), (Floats{4, 5, 6}));
  EXPECT_EQ(dynamic_index_in_dim(x23, Array(2), 1, true).dims(), (Dims{2, 1}));
}

TEST(Slice, SymbolicSizesAreSlicedWhole) {
  const Dim b = Dim::variable("b");
  const Avals out = eval_shape([&](const Array& x) { return slice(x, {0, 1}, {b, 3}); }, spec(f32, {b, 3}));
  EXPECT_TRUE(identical(out[0].shape, Shape{b, 2}));
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(slice(v3, {-1}, {2}), "slice"),
      ROW(slice(v3, {2}, {1}), "slice"),
      ROW(slice(v3, {0}, {4}), "slice"),
      ROW(slice(v3, {0}, {3}, {0}), "strides must be positive"),
      ROW(slice(v3, {0, 0}, {1, 1}), "one entry per axis"),
      ROW(slice(v3, {0}, {1, 1}), "one entry per axis"),
      ROW(slice(v3, {0, 0}, {1}), "one entry per axis"),
      ROW(slice_in_dim(v3, 0, 4, 1, 0), "slice"),
      ROW(slice_in_dim(v3, kLeast, 1, 1, 0), ""),
      ROW(slice_in_dim(v3, 0, 1, -1, 0), "strides must be positive"),
      ROW(dynamic_slice(v3, Arrays{}, {1}), "dynamic_slice"),
      ROW(dynamic_slice(v3, Arrays{Array(0)}, {4}), "slice_sizes"),
      ROW(dynamic_slice(v3, Arrays{Array(0)}, {-1}), "slice_sizes"),
      ROW(dynamic_slice(v3, Arrays{Array(0.f)}, {1}), "integer scalars"),
      ROW(dynamic_update_slice(v3, ones({4}), Arrays{Array(0)}), "update"),
      ROW(dynamic_update_slice(v3, m, Arrays{Array(0)}), "must have the rank of the operand"),
      ROW(dynamic_index_in_dim(v3, Array(0), 1), "axis 1"),
  };
}
INSTANTIATE_TEST_SUITE_P(Slice, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
