// Reductions over sliding windows, beside a loop and by hand.
#include <gtest/gtest.h>
#include <tf2jax/ops/window.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "../support.h"
#include "bad_input.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Window window(Dims dimensions, Dims strides = {}) { return {std::move(dimensions), std::move(strides), {}, {}, {}}; }

const Array line = array<float>({3, 1, 4, 1, 5, 9});

TEST(ReduceWindow, ByHandInEveryDtype) {
  for (const DType d : {i8, i32, u16, f16, bf16, f32}) {
    const Array x = astype(line, d);
    EXPECT_EQ(reduce_window_sum(x, window({3})).to_vector<float>(), (Floats{8, 6, 10, 15})) << short_name(d);
    EXPECT_EQ(reduce_window_max(x, window({3}, {2})).to_vector<float>(), (Floats{4, 5})) << short_name(d);
    EXPECT_EQ(reduce_window_min(x, window({2}, {2})).to_vector<float>(), (Floats{1, 1, 5})) << short_name(d);
  }
}

TEST(ReduceWindow, PaddingIsTheIdentity) {
  const Window padded{{2}, {1}, {{1, 1}}, {}, {}};
  EXPECT_EQ(reduce_window_sum(line, padded).to_vector<float>(), (Floats{3, 4, 5, 5, 6, 14, 9}));
  EXPECT_EQ(reduce_window_max(-line, padded).to_vector<float>(), (Floats{-3, -1, -1, -1, -1, -5, -9}));
}

TEST(ReduceWindow, Dilations) {
  // The base gets a hole between neighbours; the window skips every other element.
  EXPECT_EQ(reduce_window_sum(line, Window{{2}, {1}, {{0, 0}}, {2}, {1}}).to_vector<float>(),
            (Floats{3, 1, 1, 4, 4, 1, 1, 5, 5, 9}));
  EXPECT_EQ(reduce_window_sum(line, Window{{2}, {1}, {{0, 0}}, {1}, {2}}).to_vector<float>(), (Floats{7, 2, 9, 10}));
}

TEST(ReduceWindow, AWindowLargerThanTheLineHasNoPlace) {
  EXPECT_EQ(reduce_window_sum(line, window({7})).size(), 0);
  EXPECT_EQ(reduce_window_sum(zeros({0}), window({1})).size(), 0);
  EXPECT_EQ(reduce_window_sum(Array(2.f), window({})).item<float>(), 2);
}

TEST(ReduceWindow, CotangentsGoToTheirElements) {
  const Array w = array<float>({1, 10, 100});
  const auto slope = [&](const std::function<Array(const Array&)>& f) {
    return grad([&](const Array& x) { return sum(w * f(x)); })(array<float>({2, 2, 1, 3})).to_vector<float>();
  };
  EXPECT_EQ(slope([](const Array& x) { return reduce_window_sum(x, window({2})); }), (Floats{1, 11, 110, 100}));
  EXPECT_EQ(slope([](const Array& x) { return reduce_window_max(x, window({2})); }), (Floats{1, 10, 0, 100}));
  EXPECT_EQ(slope([](const Array& x) { return reduce_window_min(x, window({2})); }), (Floats{1, 0, 110, 0}));
}

// JAX refuses the reverse mode of these. What is checked against: forward mode, one unit tangent after the other.
TEST(ReduceWindow, CotangentsOfWindowsWithHoles) {
  const float nan = std::nanf("");
  const Array x = reshape(array<float>({2, 5, 5, 1, 0, 3, -1, 5, 2, 2, nan, 4, 7, 7, 0, -3, 6, 1, 1, 9}), {4, 5});
  const Window windows[] = {{{2, 2}, {1, 1}, {{0, 0}, {0, 0}}, {1, 1}, {2, 3}},
                            {{2, 3}, {2, 1}, {{1, 0}, {2, 2}}, {1, 1}, {2, 1}},
                            {{2, 2}, {1, 2}, {{-1, 1}, {0, -1}}, {1, 2}, {1, 2}},
                            {{1, 2}, {1, 1}, {{0, 0}, {0, 0}}, {1, 1}, {1, 9}}};
  for (const Window& w : windows) {
    for (const auto reducer : {reduce_window_max, reduce_window_min}) {
      const auto f = [&](const Array& v) { return reducer(v, w); };
      const auto [y, pullback] = vjp(f, x);
      const Array ct = reshape(astype(arange(1, y.size() + 1), f32), y.shape());
      const std::vector<float> slopes = std::get<0>(pullback(ct)).to_vector<float>();
      for (std::int64_t i = 0; i < x.size(); ++i) {
        const Array unit = reshape(astype(equal(arange(x.size()), i), f32), x.shape());
        EXPECT_EQ(slopes[static_cast<std::size_t>(i)], sum(jvp(f, {x}, {unit}).second * ct).item<float>()) << i;
      }
    }
  }
}

TEST(ReduceWindow, MappedAxesHaveWindowsOfOne) {
  const Array x = reshape(line, {2, 3});
  const Array y = vmap([](const Array& v) { return reduce_window_sum(v, window({2})); })(x);
  EXPECT_EQ(y.to_vector<float>(), (Floats{4, 5, 6, 14}));
}

TEST(WindowPadding, NamesAndRules) {
  EXPECT_EQ(window_padding({5}, {2}, {2}, "same"), (Padding{{0, 1}}));
  EXPECT_EQ(window_padding({5}, {3}, {1}, "SAME"), (Padding{{1, 1}}));
  EXPECT_EQ(window_padding({5}, {3}, {1}, "VALID"), (Padding{{0, 0}}));
  expect_error<ValueError>([] { window_padding({5}, {3}, {1}, "FULL"); }, "FULL");
}

TEST(WindowShape, CountsPlaces) {
  const Window w = rules::complete_window("test", window({3}, {2}), 1);
  EXPECT_EQ(w.padding, (Padding{{0, 0}}));
  EXPECT_EQ(w.window_dilation, Dims{1});
  EXPECT_EQ(rules::window_shape("test", {7}, w), Shape{3});
  EXPECT_EQ(rules::dilated(std::int64_t{4}, 3), 10);
  EXPECT_EQ(rules::dilated(std::int64_t{0}, 3), 0);
  const Dim b = Dim::variable("b");
  EXPECT_TRUE(identical(rules::dilated(b, 2), b * 2 - 1));
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(reduce_window_sum(v3, window({})), "one entry per axis"),
      ROW(reduce_window_sum(v3, window({0})), "must be positive"),
      ROW(reduce_window_sum(v3, window({-1})), "must be positive"),
      ROW(reduce_window_sum(v3, window({1}, {0})), "must be positive"),
      ROW(reduce_window_max(v3, window({1, 1})), "one entry per axis"),
      ROW(reduce_window_max(v3, window({1}, {kHuge})), "at most 2^40"),
      ROW(reduce_window_min(v3, (Window{{1}, {1}, {{kMost, kMost}}, {}, {}})), "at most 2^40"),
      ROW(reduce_window_min(v3, (Window{{1}, {1}, {{0, 0}}, {0}, {}})), "must be positive"),
      ROW(reduce_window_sum(v3, (Window{{1}, {1}, {{0, 0}}, {}, {kHuge}})), "at most 2^40"),
      ROW(reduce_window_sum(v3, (Window{{1}, {1}, {{0, 0}}, {kHuge}, {}})), "at most 2^40"),
  };
}
INSTANTIATE_TEST_SUITE_P(Windows, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
