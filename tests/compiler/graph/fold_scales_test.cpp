// Scales and offsets of features that become part of constant weights, against loops written here.
#include <limits>

#include "check_program.h"

namespace tf2jax {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

std::string plan_of(const Jaxpr& jaxpr) { return default_backend().compile(jaxpr, {})->explain(); }
template <class F>
bool multiplies(const F& f, const Array& x) {
  const std::string plan = plan_of(make_jaxpr(f)(x));
  return plan.find("mul") != std::string::npos || plan.find("sub") != std::string::npos ||
         plan.find("div") != std::string::npos;
}

// x [n, h, w, c] * k [a, b, c / groups, f], no padding.
std::vector<double> convolved(const std::vector<double>& x, const Dims& xs, const std::vector<double>& k,
                              const Dims& ks, std::int64_t groups) {
  std::vector<double> out;
  const std::int64_t out_group = ks[3] / groups;
  for (std::int64_t n = 0; n < xs[0]; ++n)
    for (std::int64_t i = 0; i + ks[0] <= xs[1]; ++i)
      for (std::int64_t j = 0; j + ks[1] <= xs[2]; ++j)
        for (std::int64_t f = 0; f < ks[3]; ++f) {
          double sum = 0;
          for (std::int64_t a = 0; a < ks[0]; ++a)
            for (std::int64_t b = 0; b < ks[1]; ++b)
              for (std::int64_t c = 0; c < ks[2]; ++c)
                sum += x[((n * xs[1] + i + a) * xs[2] + j + b) * xs[3] + f / out_group * ks[2] + c] *
                       k[((a * ks[1] + b) * ks[2] + c) * ks[3] + f];
          out.push_back(sum);
        }
  return out;
}

// More rows or columns, of zeros: tiny products are loops, which multiply.
Array wide(const Array& x) { return concatenate({x, zeros({x.shape()[0], 13})}, 1); }
Array tall(const Array& w) { return concatenate({w, zeros({13, w.shape()[1]})}, 0); }

ConvParams channels_last(std::int64_t groups = 1) {
  ConvParams p;
  p.dimension_numbers = conv_dims("NHWC", "HWIO", "NHWC");
  p.feature_group_count = groups;
  return p;
}

struct Norm {
  Array mean, variance, gain, offset;
  explicit Norm(std::int64_t n)
      : mean(values({n}, 1)), variance(square(values({n}, 2)) + 0.1f), gain(values({n}, 3)), offset(values({n}, 4)) {}
  Array operator()(const Array& y) const { return (y - mean) * (rsqrt(variance + 1e-3f) * gain) + offset; }
  double at(double y, std::size_t f) const {
    const auto number = [&](const Array& a) { return a.to_vector<double>()[f]; };
    return (y - number(mean)) / std::sqrt(number(variance) + 1e-3) * number(gain) + number(offset);
  }
};

TEST(AffineFold, BatchNormalisationBecomesPartOfTheConvolution) {
  for (const std::int64_t groups : {1, 2, 4}) {
    const Dims xs{2, 6, 7, 4}, ks{3, 3, 4 / groups, 8};
    const Array x = values({2, 6, 7, 4}), k = 0.1f * values({3, 3, 4 / groups, 8}, 5);
    const Norm norm(8);
    const auto f = [&](const Array& in) { return norm(conv_general_dilated(in, k, channels_last(groups), "VALID")); };
    EXPECT_FALSE(multiplies(f, x)) << plan_of(make_jaxpr(f)(x));
    const auto got = jit(f)(x).to_vector<double>(),
               plain = convolved(x.to_vector<double>(), xs, k.to_vector<double>(), ks, groups);
    ASSERT_EQ(got.size(), plain.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], norm.at(plain[i], i % 8), 2e-4);
    check_function([&](const Array& in) { return relu(f(in)); }, x);
    check_function(grad([&](const Array& in) { return sum(sin(f(in))); }), x);
  }
}

TEST(AffineFold, FeaturesMayBeAnyAxisOfTheResult) {
  const Array x = values({2, 4, 6, 7}), k = values({8, 4, 3, 3}, 5), s = values({8, 1, 1}, 6), b = values({8, 1, 1}, 7);
  const auto f = [&](const Array& in) { return conv_general_dilated(in, k, {}, "VALID") * s + b; };
  EXPECT_FALSE(multiplies(f, x));
  check_function(f, x);
  const auto moved = [&](const Array& in) {
    return reshape(transpose(conv_general_dilated(in, k, {}, "VALID"), {0, 2, 3, 1}), {2, 20, 8}) * reshape(s, {8}) -
           reshape(b, {8});
  };
  const Array y = jit(moved)(x), want = conv_general_dilated(x, k, {}, "VALID");
  for (std::int64_t i = 0; i < 20; ++i)
    for (std::int64_t c = 0; c < 8; ++c)
      EXPECT_NEAR(y.item<float>(1, i, c),
                  want.item<float>(1, c, i / 5, i % 5) * s.item<float>(c, 0, 0) - b.item<float>(c, 0, 0), 2e-4);
}

TEST(AffineFold, ProductsWithConstantsOnEitherSide) {
  const Array x = values({3, 15}), w = values({15, 6}, 1), c = values({6}, 2), d = values({6}, 3) + 3.f;
  const auto right = [&](const Array& in) { return c - (-matmul(in, w) * 0.5f + c) / d; };
  EXPECT_FALSE(multiplies(right, x)) << plan_of(make_jaxpr(right)(x));
  const auto left = [&](const Array& in) {
    return matmul(transpose(w, {1, 0}), transpose(in, {1, 0})) * reshape(c, {6, 1}) + 1.f;
  };
  EXPECT_FALSE(multiplies(left, x));
  const Array y = jit(right)(x), z = jit(left)(x);
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 6; ++j) {
      double sum = 0;
      for (std::int64_t k = 0; k < 15; ++k) sum += double(x.item<float>(i, k)) * w.item<float>(k, j);
      EXPECT_NEAR(y.item<float>(i, j), c.item<float>(j) - (-sum * 0.5 + c.item<float>(j)) / d.item<float>(j), 1e-5);
      EXPECT_NEAR(z.item<float>(j, i), sum * c.item<float>(j) + 1, 1e-5);
    }
  const auto x64 = override_config(&Config::enable_x64, true);
  const Array w64 = astype(w, f64), c64 = astype(c, f64);
  const auto exact = [&](const Array& in) { return matmul(in, w64) * c64 - c64; };
  EXPECT_EQ(plan_of(make_jaxpr(exact)(astype(x, f64))).find("mul "), std::string::npos);
  check_program(make_jaxpr(exact)(astype(x, f64)), {astype(x, f64)}, 1e-13);
}

TEST(AffineFold, FactorsOfOtherAxesStay) {
  const Array x = values({3, 15}), w = values({15, 3}, 1), rows = values({3, 1}, 2), all = values({3, 3}, 3);
  const auto by_row = [&](const Array& in) { return matmul(in, w) * rows; };
  const auto by_element = [&](const Array& in) { return matmul(in, w) * all; };
  EXPECT_TRUE(multiplies(by_row, x));
  EXPECT_TRUE(multiplies(by_element, x));
  check_function(by_row, x);
  check_function(by_element, x);
}

TEST(AffineFold, ProductsThatOthersReadStay) {
  const Array x = values({3, 15}), w = values({15, 4}, 1), c = values({4}, 2);
  const auto f = [&](const Array& in) {
    const Array y = matmul(in, w);
    return std::pair(y * c, y);
  };
  const auto [scaled, y] = jit(f)(x);
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 4; ++j)
      EXPECT_NEAR(scaled.item<float>(i, j), y.item<float>(i, j) * c.item<float>(j), 1e-6);
}

TEST(AffineFold, NumbersThatAreNotFiniteStay) {
  const Array x = wide(array<float>({{1, 2}, {0, 1}})), w = tall(array<float>({{1, 0}, {0, 1}}));
  for (const float s : {kInf, kNan, 0.f}) {
    const Array scale = array<float>({s, 1}), one = array<float>({2, 2});
    check_function([&](const Array& in) { return matmul(in, w) * one * scale; }, x);
    check_function([&](const Array& in) { return matmul(in, w) / one / scale; }, x);
    check_function([&](const Array& in) { return matmul(in, w) * one + scale; }, x);
    EXPECT_EQ(multiplies([&](const Array& in) { return matmul(in, w) * one * scale; }, x), s != 0);
  }
  const Array large = tall(array<float>({{3e38f, 0}, {0, 1}})),
              two = array<float>({2, 2});  // weights that would overflow
  const auto overflow = [&](const Array& in) { return matmul(in, large) * two; };
  EXPECT_TRUE(multiplies(overflow, x));
  EXPECT_EQ(jit([&](const Array& in) { return overflow(in * 1e-3f); })(x).item<float>(0, 0), 3e38f * 1e-3f * 2);
}

TEST(AffineFold, InfinitiesAndNansPass) {
  const Array w = tall(array<float>({{1e-30f, 1}, {1, -1}}));
  const auto tiny = [&](const Array& in) { return matmul(in, w) * array<float>({1e-20f, 3}); };  // 1e-50 would be 0
  const auto plain = [&](const Array& in) { return matmul(in, w) * array<float>({-2, 0}) + 1.f; };
  EXPECT_FALSE(multiplies(plain, zeros({1, 15})));
  for (const float bad : {kInf, -kInf, kNan}) {
    const Array x = wide(array<float>({{bad, 1}, {1, bad}}));
    check_function(tiny, x);
    check_function(plain, x);
  }
  EXPECT_EQ(jit(tiny)(wide(array<float>({{kInf, 0}}))).item<float>(0, 0), kInf);
}

TEST(AffineFold, WeightsThatAreArgumentsStay) {
  const Array x = values({3, 5}), w = values({5, 4}, 1), c = values({4}, 2);
  check_function(value_and_grad([&](const Array& v) { return sum(sin(matmul(x, v) * c + c)); }), w);
  check_function([&](const Array& in) { return matmul(in, w) * c; }, zeros({0, 5}));
}

}  // namespace
}  // namespace tf2jax
