// Random counts: moments, ends of their ranges, and that they come from the key alone.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "tf2jax/control/random_counts.h"

namespace tf2jax {
namespace {

constexpr int kDraws = 20000;

struct Moments {
  double mean, variance;
};
Moments moments(const Array& x) {
  const auto v = astype(x, f32).to_vector<float>();
  double sum = 0, squares = 0;
  for (const float a : v) sum += a, squares += static_cast<double>(a) * a;
  const double mean = sum / static_cast<double>(v.size());
  return {mean, squares / static_cast<double>(v.size()) - mean * mean};
}

TEST(Poisson, HasMeanAndVarianceOfItsRate) {
  for (const float rate : {0.3f, 4.f, 9.9f, 10.f, 300.f}) {
    const Array x = random::poisson(random::key(3), Array(rate), Shape{kDraws});
    EXPECT_EQ(x.dtype(), i32);
    const Moments m = moments(x);
    const double deviation = std::sqrt(rate / kDraws);
    EXPECT_NEAR(m.mean, rate, 5 * deviation);
    EXPECT_NEAR(m.variance, rate, 0.08 * rate);
  }
}

TEST(Poisson, IsJaxs) {
  // jax.random.poisson(jax.random.key(0), jnp.array([0.5, 3, 20, 1000])), and key 7 with rates 5, 15, 50.
  const Array rates = array<float>({0.5f, 3, 20, 1000});
  const auto draw = [](const Array& r) { return random::poisson(random::key(0), r); };
  const std::vector<std::int32_t> expected{0, 0, 14, 1031};
  EXPECT_EQ(draw(rates).to_vector<std::int32_t>(), expected);
  EXPECT_EQ(jit(draw)(rates).to_vector<std::int32_t>(), expected);
  EXPECT_EQ(random::poisson(random::key(7), array<float>({5, 15, 50})).to_vector<std::int32_t>(),
            (std::vector<std::int32_t>{7, 19, 48}));
  EXPECT_EQ(random::poisson(random::key(0), Array(0.f)).item<std::int32_t>(), 0);
  EXPECT_EQ(random::poisson(random::key(0), Array(std::nanf(""))).item<std::int32_t>(), -1);
  EXPECT_THROW(random::poisson(random::key(0), rates, {}, f32), DtypeError);
}

TEST(Binomial, HasMeanAndVarianceOfItsTrials) {
  for (const auto& [count, p] : {std::pair(5.f, 0.2f), {40.f, 0.9f}, {1000.f, 0.4f}, {7.f, 0.5f}}) {
    const Array x = random::binomial(random::key(5), Array(count), Array(p), Shape{kDraws});
    const Moments m = moments(x);
    const double variance = count * p * (1 - p);
    EXPECT_NEAR(m.mean, count * p, 5 * std::sqrt(variance / kDraws));
    EXPECT_NEAR(m.variance, variance, 0.08 * variance);
    EXPECT_GE(min(x).item<float>(), 0);
    EXPECT_LE(max(x).item<float>(), count);
  }
}

TEST(Binomial, EndsOfItsRange) {
  const auto one = [](float count, float p) {
    return random::binomial(random::key(1), Array(count), Array(p)).item<float>();
  };
  EXPECT_EQ(one(9, 0), 0);
  EXPECT_EQ(one(9, 1), 9);
  EXPECT_EQ(one(0, 0.5f), 0);
  EXPECT_TRUE(std::isnan(one(9, 1.5f)));
  EXPECT_TRUE(std::isnan(one(-1, 0.5f)));
}

}  // namespace
}  // namespace tf2jax
