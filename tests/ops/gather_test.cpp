// Reads of windows at traced positions.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "bad_input.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Array grid = array<float>({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}});
constexpr auto clip = GatherScatterMode::clip, drop = GatherScatterMode::fill_or_drop;

// Rows at the given indices.
Array rows(const Array& at, GatherScatterMode mode, const FillValue& fill = {}) {
  return gather(grid, expand_dims(at, {1}), {{1}, {0}, {0}, {}, {}}, {1, 3}, {.mode = mode, .fill_value = fill});
}

TEST(Gather, RowsInEveryDtype) {
  for (const DType d : {bool_, i8, i32, u16, f16, bf16, f32, c64}) {
    const Array x = astype(array<float>({0, 1, 1}), d);
    const Array y = gather(x, array<int>({{2}, {0}}), {{}, {0}, {0}, {}, {}}, {1});
    EXPECT_EQ(y.dtype(), d);
    EXPECT_EQ(y.to_vector<float>(), (Floats{1, 0})) << short_name(d);
  }
}

TEST(Gather, WindowsLieAlongOffsetDims) {
  // Windows of two by two at (0, 0) and (1, 1), which come first.
  const Array y = gather(grid, array<int>({{0, 0}, {1, 1}}), {{1, 2}, {}, {0, 1}, {}, {}}, {2, 2});
  EXPECT_EQ(y.dims(), (Dims{2, 2, 2}));
  EXPECT_EQ(y.to_vector<float>(), (Floats{1, 2, 4, 5, 5, 6, 8, 9}));
  const Array last = gather(grid, array<int>({{0, 0}, {1, 1}}), {{0, 1}, {}, {0, 1}, {}, {}}, {2, 2});
  EXPECT_EQ(last.to_vector<float>(), (Floats{1, 5, 2, 6, 4, 8, 5, 9}));
}

TEST(Gather, TheIndexMapNamesAxes) {
  const Array y = gather(grid, array<int>({{2, 0}}), {{}, {0, 1}, {1, 0}, {}, {}}, {1, 1});  // (column, row)
  EXPECT_EQ(y.to_vector<float>(), Floats{3});
}

TEST(Gather, BatchingDimsAreWalkedTogether) {
  const Array y = gather(grid, array<int>({{2}, {0}, {1}}), {{}, {1}, {1}, {0}, {0}}, {1, 1});
  EXPECT_EQ(y.to_vector<float>(), (Floats{3, 4, 8}));
}

TEST(Gather, WhatSticksOut) {
  EXPECT_EQ(rows(array<int>({5, -2}), clip).to_vector<float>(), (Floats{7, 8, 9, 1, 2, 3}));
  EXPECT_EQ(rows(array<int>({5}), drop, fill_value(-1)).to_vector<float>(), (Floats{-1, -1, -1}));
  for (const float v : rows(array<int>({3}), drop).to_vector<float>()) EXPECT_TRUE(std::isnan(v));
  const Array numbers = gather(array<int>({1}), array<int>({{1}}), {{}, {0}, {0}, {}, {}}, {1});
  EXPECT_EQ(numbers.item<int>(0), std::numeric_limits<int>::min());
  const Array bytes = gather(array<std::uint8_t>({1}), array<int>({{1}}), {{}, {0}, {0}, {}, {}}, {1});
  EXPECT_EQ(bytes.item<int>(0), 255);
}

TEST(Gather, OfNothing) {
  EXPECT_EQ(rows(zeros({0}, i32), clip).dims(), (Dims{0, 3}));
  EXPECT_EQ(gather(Array(5.f), zeros({2, 0}, i32), {{}, {}, {}, {}, {}}, {}).to_vector<float>(), (Floats{5, 5}));
}

TEST(Gather, TheCotangentIsAddedWhereItWasRead) {
  const Array g = grad([](const Array& x) {
    return sum(gather(x, array<int>({{1}, {1}, {7}}), {{}, {0}, {0}, {}, {}}, {1},
                      {.mode = drop, .fill_value = fill_value(0)}));
  })(array<float>({1, 2, 3}));
  EXPECT_EQ(g.to_vector<float>(), (Floats{0, 2, 0}));
}

TEST(Gather, SymbolicBatchesAreKept) {
  const Dim b = Dim::variable("b");
  const Avals out =
      eval_shape([](const Array& x, const Array& i) { return gather(x, i, {{1}, {0}, {0}, {}, {}}, {1, 3}); },
                 spec(f32, {b, 3}), spec(i32, {b, 1}));
  EXPECT_TRUE(identical(out[0].shape, Shape{b, 3}));
}

TEST(FillValue, TextsAndNumbers) {
  EXPECT_FALSE(FillValue{}.value());
  EXPECT_EQ(*fill_value(2.5).value(), complex128(2.5));
  EXPECT_TRUE(std::isnan(FillValue{"nan"}.value()->real()));
  EXPECT_EQ(param_text(GatherScatterMode::clip), "GatherScatterMode.CLIP");
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(gather(v3, i3, {{0}, {0}, {0}, {}, {}}, {5}), "gather"),
      ROW(gather(v3, scalar, {{}, {0}, {0}, {}, {}}, {1}), "gather"),
      ROW(gather(v3, expand_dims(i3, {1}), {{}, {1}, {0}, {}, {}}, {1}), "gather"),
      ROW(gather(v3, expand_dims(i3, {1}), {{}, {0}, {-1}, {}, {}}, {1}), "gather"),
      ROW(gather(v3, expand_dims(i3, {1}), {{7}, {}, {0}, {}, {}}, {1}), "gather"),
      ROW(gather(v3, expand_dims(i3, {1}), {{}, {0}, {0}, {}, {}}, {-1}), "gather"),
  };
}
INSTANTIATE_TEST_SUITE_P(Gather, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
