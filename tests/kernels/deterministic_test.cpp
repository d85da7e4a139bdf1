// Config::deterministic: one, two and three threads give the same bits.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <functional>

#include "tf2jax/base/thread_pool.h"

using namespace tf2jax;

namespace {

using Function = std::function<Arrays(const Arrays&)>;

Array noise(std::int64_t seed, const Shape& shape) { return random::normal(random::key(seed), shape); }

// The bytes of all results, op by op and compiled.
std::vector<std::vector<std::byte>> results(const Function& f, const Arrays& arguments, int threads) {
  set_num_threads(threads);
  std::vector<std::vector<std::byte>> out;
  const auto add = [&](const Arrays& arrays) {
    for (const Array& a : arrays) out.emplace_back(a.bytes().begin(), a.bytes().end());
  };
  add(f(arguments));
  add(jit(f)(arguments));
  return out;
}

void expect_same_bits(const Function& f, const Arrays& arguments) {
  const int before = num_threads();
  const auto scope = override_config(&Config::deterministic, true);
  const auto one = results(f, arguments, 1);
  for (const int threads : {2, 3, 5}) EXPECT_EQ(results(f, arguments, threads), one) << threads << " threads";
  set_num_threads(before);
}

struct Case {
  Shape x, w;
  std::int64_t stride = 1, groups = 1;
};

}  // namespace

TEST(Deterministic, ConvolutionsAndTheirGradients) {
  const Case cases[] = {{{8, 28, 28, 1}, {5, 5, 1, 6}},          {{4, 32, 32, 16}, {3, 3, 16, 32}},
                        {{2, 17, 19, 32}, {3, 3, 32, 64}, 2},    {{8, 14, 14, 64}, {1, 1, 64, 32}},
                        {{4, 16, 16, 32}, {3, 3, 1, 32}, 1, 32}, {{2, 56, 56, 3}, {7, 7, 3, 4}, 2}};
  for (const Case& c : cases) {
    const auto loss = [c](const Array& x, const Array& w) {
      const Array y = conv_general_dilated(x, w,
                                           {.window_strides = {c.stride, c.stride},
                                            .padding = {},
                                            .dimension_numbers = conv_dims("NHWC", "HWIO", "NHWC"),
                                            .feature_group_count = c.groups},
                                           "SAME");
      return sum(y * sin(y));
    };
    const Arrays arguments{noise(1, c.x), noise(2, c.w)};
    expect_same_bits(
        [=](const Arrays& a) { return Arrays{loss(a[0], a[1]), grad(loss)(a[0], a[1]), grad<1>(loss)(a[0], a[1])}; },
        arguments);
  }
}

TEST(Deterministic, Reductions) {
  for (const Shape& shape : {Shape{1 << 20}, Shape{1 << 18, 3}, Shape{7, 1 << 17}, Shape{512, 512, 5}}) {
    const auto f = [](const Arrays& a) {
      Arrays out{sum(a[0]), mean(a[0] * a[0]), prod(a[0] * 0.01f + 1.f),
                 grad([](const Array& v) { return sum(sin(v)) * sum(v * v); })(a[0])};
      for (std::int64_t axis = 0; axis < a[0].rank(); ++axis) out.push_back(sum(tanh(a[0]), axis));
      return out;
    };
    expect_same_bits(f, {noise(3, shape)});
  }
}

TEST(Deterministic, Products) {
  const std::pair<Shape, Shape> cases[] = {
      {{64, 4096}, {4096, 32}}, {{7, 20000}, {20000, 5}},     {{300, 200}, {200, 500}},      {{1, 5000}, {5000, 64}},
      {{130, 1}, {1, 70}},      {{5, 64, 300}, {5, 300, 48}}, {{3, 200, 200}, {3, 200, 200}}};
  for (const auto& [a, b] : cases) {
    const auto loss = [](const Array& x, const Array& y) { return sum(tanh(matmul(x, y))); };
    const auto f = [=](const Arrays& v) {
      return Arrays{matmul(v[0], v[1]), grad(loss)(v[0], v[1]), grad<1>(loss)(v[0], v[1])};
    };
    expect_same_bits(f, {noise(4, a), noise(5, b)});
  }
}

TEST(Deterministic, Scatters) {
  const Array index = random::randint(random::key(6), Shape{20000}, 0, 50);
  const auto f = [=](const Arrays& a) {
    return Arrays{grad([&](const Array& table) { return sum(take(table, index, 0) * a[1]); })(a[0])};
  };
  expect_same_bits(f, {noise(7, {50, 16}), noise(8, {20000, 16})});
}

TEST(Deterministic, ProgramsAreCompiledApart) {
  const Jaxpr program = make_jaxpr([](const Array& x) { return dot(x, x); })(spec(f32, {200, 200}));
  const auto plain = compiled(program);
  const auto scope = override_config(&Config::deterministic, true);
  EXPECT_NE(compiled(program), plain);
}
