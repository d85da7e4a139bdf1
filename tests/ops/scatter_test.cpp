// Updates of windows at traced positions.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "bad_input.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

const Array line = array<float>({1, 2, 3});
const ScatterDims kElements{{}, {0}, {0}, {}, {}};
constexpr auto clip = GatherScatterMode::clip, drop = GatherScatterMode::fill_or_drop;

TEST(Scatter, EveryKindAtKnownPlaces) {
  const Array at = array<int>({{2}, {0}}), v = array<float>({10, 20});
  EXPECT_EQ(scatter(line, at, v, kElements).to_vector<float>(), (Floats{20, 2, 10}));
  EXPECT_EQ(scatter_add(line, at, v, kElements).to_vector<float>(), (Floats{21, 2, 13}));
  EXPECT_EQ(scatter_sub(line, at, v, kElements).to_vector<float>(), (Floats{-19, 2, -7}));
  EXPECT_EQ(scatter_mul(line, at, v, kElements).to_vector<float>(), (Floats{20, 2, 30}));
  EXPECT_EQ(scatter_min(line, at, array<float>({0, 5}), kElements).to_vector<float>(), (Floats{1, 2, 0}));
  EXPECT_EQ(scatter_max(line, at, array<float>({0, 5}), kElements).to_vector<float>(), (Floats{5, 2, 3}));
}

TEST(Scatter, OverlapsAccumulateInEveryDtype) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64, c64, c128}) {
    const Array y =
        scatter_add(zeros({2}, d), array<int>({{1}, {1}, {0}}), astype(array<float>({1, 2, 4}), d), kElements);
    EXPECT_EQ(y.dtype(), d);
    EXPECT_EQ(y.to_vector<float>(), (Floats{4, 3})) << short_name(d);
  }
}

TEST(Scatter, WindowsThatStickOutAreDroppedOrMovedInside) {
  const Array at = array<int>({{3}, {-1}, {1}}), v = array<float>({10, 20, 30});
  EXPECT_EQ(scatter_add(line, at, v, kElements, {.mode = drop}).to_vector<float>(), (Floats{1, 32, 3}));
  EXPECT_EQ(scatter_add(line, at, v, kElements, {.mode = clip}).to_vector<float>(), (Floats{21, 32, 13}));
}

TEST(Scatter, WindowsOfSeveralElements) {
  const Array y =
      scatter_add(zeros({2, 3}), array<int>({{1, 1}}), array<float>({{{5, 6}}}), {{1, 2}, {}, {0, 1}, {}, {}});
  EXPECT_EQ(y.to_vector<float>(), (Floats{0, 0, 0, 0, 5, 6}));
  const Array rows = scatter(zeros({2, 2}), array<int>({{1}}), array<float>({{7, 8}}), {{1}, {0}, {0}, {}, {}});
  EXPECT_EQ(rows.to_vector<float>(), (Floats{0, 0, 7, 8}));
}

TEST(Scatter, BatchingDimsAreWalkedTogether) {
  const Array y = scatter_add(zeros({2, 2}), array<int>({{1}, {0}}), array<float>({3, 4}), {{}, {1}, {1}, {0}, {0}});
  EXPECT_EQ(y.to_vector<float>(), (Floats{0, 3, 4, 0}));
}

TEST(Scatter, OfNothing) {
  EXPECT_EQ(scatter_add(line, zeros({0, 1}, i32), zeros({0}), kElements).to_vector<float>(), line.to_vector<float>());
  EXPECT_EQ(scatter_add(zeros({0}), array<int>({{0}}), ones({1}), kElements).size(), 0);
}

TEST(Scatter, CotangentsOfOperandAndUpdates) {
  const Array weight = array<float>({1, 10, 100}), at = array<int>({{2}, {0}});
  const auto slopes = [&](const auto& update, const GatherOptions& options) {
    return grad<0, 1>([&](const Array& x, const Array& v) {
      return sum(weight * update(x, at, v, kElements, options));
    })(line, array<float>({4, 5}));
  };
  const auto [ax, av] = slopes(scatter_add, {});
  EXPECT_EQ(ax.template to_vector<float>(), (Floats{1, 10, 100}));
  EXPECT_EQ(av.template to_vector<float>(), (Floats{100, 1}));
  const auto [sx, sv] = slopes(scatter_sub, {});
  EXPECT_EQ(sv.template to_vector<float>(), (Floats{-100, -1}));
  const auto [mx, mv] = slopes(scatter_mul, {.unique_indices = true});
  EXPECT_EQ(mx.template to_vector<float>(), (Floats{5, 10, 400}));
  EXPECT_EQ(mv.template to_vector<float>(), (Floats{300, 1}));
  const auto [wx, wv] = slopes(tf2jax::scatter, {.unique_indices = true});
  EXPECT_EQ(wx.template to_vector<float>(), (Floats{0, 10, 0}));
  EXPECT_EQ(wv.template to_vector<float>(), (Floats{100, 1}));
}

TEST(Scatter, EachExampleHasItsOwnPlace) {
  const auto f = [](const Array& i, const Array& v) {
    return scatter_add(zeros({3}), expand_dims(i, {0}), v, kElements);
  };
  const Array y = vmap(f)(array<int>({{0}, {2}}), array<float>({{5}, {6}}));
  EXPECT_EQ(y.to_vector<float>(), (Floats{5, 0, 0, 0, 0, 6}));
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(scatter_add(v3, i3, v3, {{}, {0}, {0}, {}, {}}), "scatter"),
      ROW(scatter(v3, expand_dims(i3, {1}), v3, {{5}, {0}, {0}, {}, {}}), "scatter"),
      ROW(scatter(v3, expand_dims(i3, {1}), v3, {{}, {-1}, {0}, {}, {}}), "scatter"),
      ROW(scatter(v3, expand_dims(i3, {1}), i3, {{}, {0}, {0}, {}, {}}), "scatter"),
  };
}
INSTANTIATE_TEST_SUITE_P(Scatter, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
