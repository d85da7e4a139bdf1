// Running sums, products and extremes as loops, against the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

bool calls(const Jaxpr& jaxpr) {
  return default_backend().compile(jaxpr, {})->explain().find("call cum") != std::string::npos;
}

TEST(Cumulative, EveryAxisAndDirection) {
  for (const Shape& shape : {Shape{1}, Shape{7}, Shape{16}, Shape{1000}, Shape{3, 5}, Shape{40, 300}, Shape{300, 40},
                             Shape{64, 64}, Shape{2, 33, 5}, Shape{4, 1, 70}})
    for (std::int64_t axis = 0; axis < static_cast<std::int64_t>(shape.size()); ++axis)
      for (const bool reverse : {false, true}) {
        const Array x = values(shape);
        check_function(
            [=](const Array& a) {
              return std::tuple{cumsum(a, axis, reverse), cumprod(a * 0.1f + 1.f, axis, reverse),
                                cummax(a, axis, reverse), cummin(sin(a), axis, reverse),
                                cumlogsumexp(a, axis, reverse)};
            },
            x);
        EXPECT_FALSE(calls(make_jaxpr([=](const Array& a) {
          return std::pair{cumsum(a * 2.f, axis, reverse), cumlogsumexp(a * 2.f, axis, reverse)};
        })(x)));
      }
}

TEST(Cumulative, FusesWithWhatComesBefore) {
  const Array x = values({20, 50}), m = values({70, 128}, 1);
  for (const std::int64_t axis : {0, 1}) {
    check_function([=](const Array& a) { return cumsum(softmax(a, axis), axis); }, x);
    check_function([=](const Array& a) { return cumsum(exp(a) * 2.f, axis, true) + cumsum(cummax(a, axis), axis); }, m);
    check_function(grad([=](const Array& a) { return sum(sin(cumsum(tanh(a), axis))); }), x);
    check_function(grad([=](const Array& a) { return sum(square(cumprod(a * 0.1f + 1.f, axis))); }), x);
    check_function(
        [=](const Array& a) {
          const Array y = exp(sin(a));
          return std::pair{y, cumsum(y, axis)};
        },
        m);
    check_function([=](const Array& a) { return cumsum(transpose(a), axis); }, m);
    check_function(
        [=](const Array& a) { return cumsum(pad(a(slice(1, 15)), Array(1.f), {{2, 3, 0}, {1, 1, 0}}), axis); }, x);
    check_function([=](const Array& a) { return cumsum(reshape(a, {25, 40}), axis, true) * 2.f; }, x);
  }
  EXPECT_EQ(steps(make_jaxpr([](const Array& a) { return cumsum(exp(a) * 2.f, 1); })(x)), 1);
  check_function([](const Array& a) { return cumsum(reshape(a, {1000}), 0, true); }, x);
}

TEST(Cumulative, Types) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {f16, bf16, f32, f64, i8, i32, i64, u8, u64})
    for (const std::int64_t axis : {0, 1})
      check_function(
          [=](const Array& a) {
            return std::tuple{cumsum(a, axis), cumprod(a, axis, true), cummax(a, axis), cummin(a, axis, true)};
          },
          astype(reshape(arange(36 * 50), {36, 50}) % Array(5), d));
}

TEST(Cumulative, NotANumberStays) {
  const Array x = array<float>({1, 5, NAN, 2, INFINITY, -INFINITY, 3});
  check_function(
      [](const Array& a) { return std::tuple{cumsum(a, 0), cummax(a, 0), cummin(a, 0, true), cumprod(a, 0)}; }, x);
}

// Against the sums of exponentials in long doubles, far beyond the range of a float's.
TEST(Cumulative, LogSumExps) {
  for (const float spread : {1.f, 40.f, 3000.f})
    for (const std::int64_t axis : {0, 1})
      for (const bool reverse : {false, true}) {
        const Array x = values({70, 90}) * spread;
        const auto in = x.to_vector<double>(),
                   got = jit([=](const Array& a) { return cumlogsumexp(a, axis, reverse); })(x).to_vector<double>();
        const std::int64_t n = axis ? 90 : 70, lines = axis ? 70 : 90, step = axis ? 1 : 90, apart = axis ? 90 : 1;
        for (std::int64_t line = 0; line < lines; ++line) {
          long double total = 0, largest = -INFINITY;
          for (std::int64_t k = 0; k < n; ++k) {
            const std::size_t at = line * apart + (reverse ? n - 1 - k : k) * step;
            const long double v = in[at], top = std::max(largest, v);
            total = total * std::exp(largest - top) + std::exp(v - top);
            largest = top;
            const auto want = static_cast<double>(largest + std::log(total));
            ASSERT_LE(std::abs(got[at] - want), 2e-5 * (1 + std::abs(want))) << "axis " << axis << " element " << at;
          }
        }
      }
}

TEST(Cumulative, LogSumExpsOfSpecialValues) {
  for (const Array& x : {array<float>({-INFINITY, -INFINITY, 1, INFINITY, 2, -INFINITY, INFINITY, -3}),
                         array<float>({1, NAN, 2, INFINITY}), array<float>({INFINITY, -INFINITY, NAN})}) {
    check_function([](const Array& a) { return std::pair{cumlogsumexp(a, 0), cumlogsumexp(a, 0, true)}; }, x);
    check_function(
        [](const Array& a) { return cumlogsumexp(broadcast_to(expand_dims(a, {1}), {a.size(), 80}) * 1.f, 0); }, x);
  }
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {f16, bf16, f64})
    check_function([](const Array& a) { return std::pair{cumlogsumexp(a, 0), cumlogsumexp(a, 1, true)}; },
                   astype(values({36, 50}) * 3.f, d));
  check_function(grad([](const Array& a) { return sum(sin(cumlogsumexp(a, 1))); }), values({20, 50}));
}

TEST(Cumulative, LongSumsAreAccurate) {
  const Array x = values({100003});
  const auto got = jit([](const Array& a) { return cumsum(a * 1.f, 0); })(x).to_vector<float>();
  const auto in = x.to_vector<float>();
  double total = 0, worst = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    total += in[i];
    worst = std::max(worst, std::abs(got[i] - total));
  }
  EXPECT_LT(worst, 2e-3);
}

TEST(Cumulative, InsideLoops) {
  check_function(
      [](const Array& a) {
        return fori_loop(0, 4, [](const Array&, const Array& c) { return cumsum(c, 0) * 0.5f; }, a);
      },
      values({5}));
  check_function(
      [](const Array& a) {
        return fori_loop(0, 4, [](const Array&, const Array& c) { return cumsum(sin(c), 0, true) * 0.5f; }, a);
      },
      values({60}));
}

}  // namespace
}  // namespace tf2jax
