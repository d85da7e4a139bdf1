// Reductions over windows as loops, against the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

bool calls(const Jaxpr& jaxpr) {
  return default_backend().compile(jaxpr, {})->explain().find("call reduce_window") != std::string::npos;
}

void check_window(const Array& x, const Window& w) {
  const auto f = [=](const Array& a) {
    return std::tuple{reduce_window_sum(a, w), reduce_window_max(a, w), reduce_window_min(a, w)};
  };
  check_function(f, x);
  EXPECT_FALSE(calls(make_jaxpr(f)(x)));
}

TEST(Windows, StridesPaddingAndDilation) {
  const Array image = values({2, 9, 12, 5}), planes = values({2, 3, 20, 40}, 1);
  check_window(image, {{1, 2, 2, 1}, {1, 2, 2, 1}});
  check_window(image, {{1, 3, 3, 1}, {1, 1, 1, 1}, {{0, 0}, {1, 1}, {1, 1}, {0, 0}}});
  check_window(image, {{1, 3, 2, 1}, {1, 2, 1, 1}, {{0, 0}, {2, 0}, {0, 3}, {0, 0}}});
  check_window(image, {{2, 2, 1, 2}, {1, 1, 1, 1}, {}, {}, {1, 3, 1, 2}});
  check_window(image, {{1, 9, 12, 1}});
  check_window(planes, {{1, 1, 2, 2}, {1, 1, 2, 2}});
  check_window(planes, {{1, 1, 3, 3}, {1, 1, 2, 2}, {{0, 0}, {0, 0}, {1, 1}, {1, 1}}});
  check_window(planes, {{1, 1, 7, 7}, {1, 1, 1, 1}, {{0, 0}, {0, 0}, {3, 3}, {3, 3}}, {}, {1, 1, 2, 2}});
  check_window(values({300}), {{5}, {1}, {{4, 0}}});
  check_window(values({3}), {{2}, {1}, {{5, 4}}});  // some windows lie in the padding
  check_window(values({6, 8}), {{2, 3}, {1, 1}, {{-1, 0}, {0, -2}}});
}

TEST(Windows, FuseWithTheirNeighbours) {
  const Array x = values({2, 16, 16, 8}), b = values({8}, 1);
  const Window two{{1, 2, 2, 1}, {1, 2, 2, 1}}, three{{1, 3, 3, 1}, {1, 1, 1, 1}, {{0, 0}, {1, 1}, {1, 1}, {0, 0}}};
  const auto pool = [=](const Array& a, const Array& c) {
    return tanh(reduce_window_max(maximum(a + c, 0.f), two)) * 2.f;
  };
  check_function(pool, x, b);
  EXPECT_EQ(steps(make_jaxpr(pool)(x, b)), 1);
  check_function([=](const Array& a, const Array& c) { return reduce_window_sum(exp(a) * c, three) / 9.f - a; }, x, b);
  check_function([=](const Array& a) { return sum(reduce_window_max(sin(a), three), {1, 2}); }, x);
  check_function(
      [=](const Array& a) { return reduce_window_sum(transpose(a, {0, 3, 1, 2}), {{1, 1, 2, 2}, {1, 1, 1, 1}}); }, x);
  check_function(grad([=](const Array& a) { return sum(square(reduce_window_sum(tanh(a), three))); }), x);
  check_function(grad([=](const Array& a) { return sum(square(reduce_window_max(tanh(a), two))); }), x);
}

TEST(Windows, Types) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {f16, bf16, f32, f64, i8, i32, i64, u8, u32, u64})
    check_window(astype(reshape(arange(7 * 40), {7, 40}) % Array(6), d), {{2, 3}, {1, 2}, {{1, 0}, {1, 1}}});
}

TEST(Windows, NotANumberStays) {
  check_window(array<float>({1, 5, NAN, 2, INFINITY, -INFINITY, 3}), {{3}, {1}, {{1, 1}}});
}

// ---- gradients of pooling

bool is_called(const Jaxpr& jaxpr) {
  return default_backend().compile(jaxpr, {})->explain().find("call ") != std::string::npos;
}

// Reverse and forward mode of both kinds of pooling.
void check_derivatives(const Array& x, const Window& w, bool loops = true) {
  const Array y = reduce_window_max(x, w), ct = cos(astype(reshape(arange(y.size()), y.shape()), f32)),
              t = values(x.shape(), 9);
  const auto back = [=](const Array& a, const Array& c) {
    return std::tuple{std::get<0>(vjp([=](const Array& b) { return reduce_window_max(b, w); }, a).second(c)),
                      std::get<0>(vjp([=](const Array& b) { return reduce_window_min(b, w); }, a).second(c))};
  };
  const auto sums = [=](const Array& c) {
    return std::get<0>(vjp([=](const Array& b) { return reduce_window_sum(b, w); }, x).second(c));
  };
  const auto forward = [=](const Array& a, const Array& b) {
    return jvp([=](const Array& v) { return std::tuple{reduce_window_max(v, w), reduce_window_min(v, w)}; },
               std::tuple{a}, std::tuple{b})
        .second;
  };
  check_function(back, x, ct);
  check_function(sums, ct);
  check_function(forward, x, t);
  EXPECT_EQ(is_called(make_jaxpr(back)(x, ct)), !loops);
  EXPECT_FALSE(is_called(make_jaxpr(sums)(ct)));
  EXPECT_EQ(is_called(make_jaxpr(forward)(x, t)), !loops);
}

TEST(WindowGradients, StridesAndPadding) {
  const Array image = values({2, 9, 12, 5}), planes = values({2, 3, 20, 40}, 1);
  check_derivatives(image, {{1, 2, 2, 1}, {1, 2, 2, 1}});
  check_derivatives(values({2, 8, 12, 16}), {{1, 2, 2, 1}, {1, 2, 2, 1}});
  check_derivatives(image, {{1, 3, 3, 1}, {1, 1, 1, 1}, {{0, 0}, {1, 1}, {1, 1}, {0, 0}}});
  check_derivatives(image, {{1, 3, 3, 1}, {1, 2, 2, 1}, {{0, 0}, {1, 1}, {0, 1}, {0, 0}}});
  check_derivatives(image, {{1, 2, 3, 1}, {1, 3, 2, 1}, {{0, 0}, {2, 0}, {0, 3}, {0, 0}}});  // gaps between windows
  check_derivatives(planes, {{1, 1, 2, 2}, {1, 1, 2, 2}});
  check_derivatives(planes, {{1, 1, 3, 3}, {1, 1, 2, 2}, {{0, 0}, {0, 0}, {1, 1}, {1, 1}}});
  check_derivatives(planes, {{1, 1, 7, 7}, {1, 1, 3, 3}, {{0, 0}, {0, 0}, {3, 3}, {3, 3}}}, false);  // large windows
}

TEST(WindowGradients, OtherShapes) {
  check_derivatives(values({300}), {{5}, {2}, {{4, 0}}});
  check_derivatives(values({3}), {{2}, {1}, {{5, 4}}});  // some windows lie in the padding
  check_derivatives(values({6, 8}), {{2, 3}, {1, 2}, {{-1, 0}, {0, -2}}});
  check_derivatives(values({4, 10, 6}), {{2, 1, 3}, {2, 1, 3}});
  check_derivatives(floor(values({2, 9, 12, 5})), {{1, 3, 3, 1}, {1, 2, 2, 1}});  // equal elements: the first
}

// By the definition: each window gives its cotangent to its first largest element.
TEST(WindowGradients, MaxPoolingAgainstPlainLoops) {
  constexpr std::int64_t n = 11, size = 3, stride = 2, low = 1, places = 6;
  const Array x = floor(values({n, n}) * 2.f), ct = values({places, places}, 1);
  const auto in = x.to_vector<double>(), c = ct.to_vector<double>();
  std::vector<double> want(n * n, 0);
  for (std::int64_t i = 0; i < places; ++i)
    for (std::int64_t j = 0; j < places; ++j) {
      std::int64_t best = -1;
      for (std::int64_t a = i * stride - low; a < i * stride - low + size; ++a)
        for (std::int64_t b = j * stride - low; b < j * stride - low + size; ++b)
          if (a >= 0 && b >= 0 && a < n && b < n && (best < 0 || in[a * n + b] > in[best])) best = a * n + b;
      want[best] += c[i * places + j];
    }
  const Window w{{size, size}, {stride, stride}, {{1, 1}, {1, 1}}};
  const auto got = jit([=](const Array& a, const Array& b) {
                     return std::get<0>(vjp([=](const Array& v) { return reduce_window_max(v, w); }, a).second(b));
                   })(x, ct)
                       .to_vector<double>();
  for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-5) << i;
}

TEST(WindowGradients, SpecialValues) {
  const Array x = array<float>({1, 5, NAN, 2, INFINITY, -INFINITY, 3, -INFINITY, -INFINITY, -INFINITY, NAN, NAN, 4});
  check_derivatives(x, {{3}, {1}, {{1, 1}}});
  check_derivatives(x, {{3}, {2}});
  check_derivatives(x, {{2}, {2}, {{3, 3}}});
}

// What a rewrite notes of a value's shape outlasts the values that it adds.
TEST(WindowGradients, BehindAnyNumberOfValues) {
  const Window w{{1, 2}, {2, 1}, {{1, 0}, {0, 1}}};
  for (int before = 0; before < 10; ++before)
    check_function(grad([=](const Array& a) {
                     Array x = a;
                     for (int i = 0; i < before; ++i) x = i % 2 ? rev(x, {0}) : sin(x);
                     return sum(reduce_window_max(x, w));
                   }),
                   values({4, 3}));
}

TEST(WindowGradients, Types) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const Window w{{2, 3}, {1, 2}, {{1, 0}, {1, 1}}};
  for (const DType d : {f16, bf16, f64})
    check_function(
        [=](const Array& a) {
          return grad([=](const Array& v) { return sum(reduce_window_max(v, w) + reduce_window_sum(v, w)); })(a);
        },
        astype(reshape(arange(7 * 40), {7, 40}) % Array(6), d));
}

TEST(Windows, DilatedBases) {
  const Array x = values({2, 5, 6, 3});
  for (const Padding& pads : {Padding{{0, 0}, {0, 0}, {0, 0}, {0, 0}}, Padding{{0, 0}, {2, 1}, {1, 3}, {0, 0}},
                              Padding{{0, 0}, {-1, 2}, {0, -2}, {0, 0}}}) {
    const Window w{{1, 3, 2, 1}, {}, pads, {1, 2, 3, 1}};
    const auto f = [=](const Array& a) { return reduce_window_sum(a, w); };
    check_function(f, x);
    EXPECT_FALSE(calls(make_jaxpr(f)(x)));
  }
}

TEST(Windows, PadsInside) {
  const Array x = values({5, 6, 16});
  for (const std::vector<PadAxis>& config : std::vector<std::vector<PadAxis>>{{{0, 0, 1}, {0, 0, 2}, {0, 0, 0}},
                                                                              {{1, 2, 1}, {-1, 1, 3}, {0, 0, 0}},
                                                                              {{-2, -3, 2}, {0, -1, 1}, {1, 0, 1}},
                                                                              {{1, 0, 1}, {0, 1, 1}, {2, -2, 0}},
                                                                              {{0, 0, 0}, {3, 0, 1}, {-1, -1, 0}}}) {
    const auto f = [=](const Array& a) { return pad(sin(a), Array(0.5f), config) * 2.f; };
    check_function(f, x);
    EXPECT_FALSE(is_called(make_jaxpr(f)(x)));
    check_function(
        [=](const Array& a) {
          return reduce_window_sum(pad(a, Array(0.f), config), {{2, 3, 1}, {1, 1, 1}, {{1, 1}, {2, 0}, {0, 0}}});
        },
        x);
  }
  check_function(grad([](const Array& a) { return sum(sin(a(slice(1, {}, 2), all, slice({}, {}, 3)))); }), x);
}

}  // namespace
}  // namespace tf2jax
