// JitOptions::flush_subnormals: zero on every thread of a run, and nothing left behind.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <limits>

#include "tf2jax/base/subnormals.h"

namespace tf2jax {
namespace {

constexpr float kTiny = std::numeric_limits<float>::min();

bool can_flush() {
  const SubnormalScope scope(true);
  return flushes_subnormals();
}
std::int64_t zeros_in(const Array& x) {
  std::int64_t n = 0;
  for (const float v : x.data<float>()) n += v == 0;
  return n;
}
Array halves(const Array& x) { return x * 0.5f; }

TEST(Subnormals, AreKeptUnlessAsked) { EXPECT_EQ(zeros_in(jit(halves)(full({1000}, kTiny))), 0); }

TEST(Subnormals, ResultsAndOperandsAreFlushed) {
  if (!can_flush()) GTEST_SKIP();
  EXPECT_EQ(zeros_in(jit(halves, {.flush_subnormals = true})(full({1000}, kTiny))), 1000);
  EXPECT_EQ(zeros_in(jit([](const Array& x) { return x * 4.f; }, {.flush_subnormals = true})(full({1000}, kTiny / 2))),
            1000);
  EXPECT_EQ(zeros_in(jit(halves)(full({1000}, kTiny))), 0);
}

TEST(Subnormals, OnEveryThreadAndInKernelsProductsAndLoops) {
  if (!can_flush()) GTEST_SKIP();
  const int before = num_threads();
  set_num_threads(4);
  const auto f = [](const Array& x, const Array& w) {
    const Array y = while_loop([](const std::pair<Array, Array>& s) { return less(s.first, 2); },
                               [](const std::pair<Array, Array>& s) { return std::pair{s.first + 1, s.second * 0.5f}; },
                               std::pair{Array(0), x})
                        .second;
    return std::tuple{y, matmul(w, eye(300) * 0.5f), sort(x * 0.5f, 0)};
  };
  const Array x = full({1 << 20}, kTiny), w = full({300, 300}, kTiny);
  for (int i = 0; i < 3; ++i) {
    const auto [a, b, c] = jit(f, {.flush_subnormals = true})(x, w);
    EXPECT_EQ(zeros_in(a), 1 << 20);
    EXPECT_EQ(zeros_in(b), 300 * 300);
    EXPECT_EQ(zeros_in(c), 1 << 20);
    const auto [p, q, r] = jit(f)(x, w);  // on the same threads
    EXPECT_EQ(zeros_in(p), 0);
    EXPECT_EQ(zeros_in(q), 0);
    EXPECT_EQ(zeros_in(r), 0);
  }
  set_num_threads(before);
  EXPECT_FALSE(flushes_subnormals());
}

TEST(Subnormals, AreRestoredWhenARunThrows) {
  const auto f =
      jit([](const Array& x) { return x * 0.5f; }, {.flush_subnormals = true}).lower(spec(f32, {10})).compile();
  EXPECT_THROW(f(ones({11})), TypeError);
  EXPECT_FALSE(flushes_subnormals());
}

TEST(Subnormals, AheadOfTimeAndInTheInterpreter) {
  if (!can_flush()) GTEST_SKIP();
  const Array x = full({100}, kTiny);
  EXPECT_EQ(zeros_in(jit(halves, {.flush_subnormals = true}).lower(x).compile()(x)), 100);
  EXPECT_EQ(zeros_in(jit(halves).lower(x).compile({.flush_subnormals = true})(x)), 100);
  EXPECT_EQ(zeros_in(jit(halves).lower(x).compile({.interpret = true, .flush_subnormals = true})(x)), 100);
  EXPECT_EQ(zeros_in(jit(halves).lower(x).compile()(x)), 0);
}

}  // namespace
}  // namespace tf2jax
