// Samplers: ranges, moments, shapes and the laws that tie them together.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>
#include <set>

#include "../bad_input.h"

namespace tf2jax {
namespace {

const Array key = random::key(2024);
constexpr std::int64_t kMany = 20000;

double mean_of(const Array& x) { return mean(astype(x, f32)).item<double>(); }
double deviation_of(const Array& x) { return std_dev(astype(x, f32)).item<double>(); }

// The mean of kMany samples of deviation s lies within 5 s / sqrt(kMany) of the expectation, but for a chance of 1e-6;
// keys are fixed.
void expect_moments(const Array& x, double expectation, double deviation) {
  EXPECT_NEAR(mean_of(x), expectation, 5 * deviation / std::sqrt(kMany));
  EXPECT_NEAR(deviation_of(x), deviation, 0.1 * deviation);
}

TEST(Samplers, HaveTheMomentsOfTheirDistributions) {
  const Shape n{kMany};
  expect_moments(random::uniform(key, n), 0.5, std::sqrt(1.0 / 12));
  expect_moments(random::uniform(key, n, {}, -2.f, 4.f), 1, std::sqrt(3.0));
  expect_moments(random::normal(key, n), 0, 1);
  expect_moments(random::exponential(key, n), 1, 1);
  expect_moments(random::gumbel(key, n), 0.5772156649, std::sqrt(1.6449340668));
  expect_moments(random::laplace(key, n), 0, std::sqrt(2.0));
  expect_moments(random::logistic(key, n), 0, std::sqrt(3.2898681337));
  expect_moments(random::rademacher(key, n), 0, 1);
  expect_moments(random::bernoulli(key, 0.3f, n), 0.3, std::sqrt(0.21));
  expect_moments(random::randint(key, n, 2, 12), 6.5, std::sqrt(99.0 / 12));
  expect_moments(random::gamma(key, 4.f, n), 4, 2);
  expect_moments(random::beta(key, 2.f, 3.f, n), 0.4, 0.2);
}

TEST(Samplers, StayInTheirRange) {
  const Shape n{kMany};
  const Array u = random::uniform(key, n), t = random::truncated_normal(key, -0.5f, 1.f, n),
              i = random::randint(key, n, -3, 4);
  EXPECT_GE(min(u).item<float>(), 0);
  EXPECT_LT(max(u).item<float>(), 1);
  EXPECT_GT(min(t).item<float>(), -0.5f);
  EXPECT_LT(max(t).item<float>(), 1.f);
  EXPECT_EQ(min(i).item<int>(), -3);
  EXPECT_EQ(max(i).item<int>(), 3);
}

TEST(Samplers, DtypesAndShapes) {
  for (const DType d : {f16, bf16, f32}) {
    EXPECT_EQ(random::normal(key, {2, 3}, d).dtype(), d);
    EXPECT_EQ(random::uniform(key, {2, 3}, d).dims(), (Dims{2, 3}));
  }
  EXPECT_EQ(random::normal(key, {3}, c64).dtype(), c64);
  EXPECT_EQ(random::normal(key).rank(), 0);
  EXPECT_EQ(random::normal(key, {0, 2}).size(), 0);
  for (const DType d : {u8, u16, u32}) EXPECT_EQ(random::bits(key, {2}, d).dtype(), d);
}

TEST(Samplers, RawAndTypedKeysGiveTheSameNumbers) {
  EXPECT_EQ(random::normal(random::raw_key(5), {4}).to_vector<float>(),
            random::normal(random::key(5), {4}).to_vector<float>());
  EXPECT_EQ(random::split(random::raw_key(5), 3).dims(), (Dims{3, 2}));
  EXPECT_EQ(random::fold_in(random::raw_key(5), Array(1)).dtype(), u32);
}

TEST(Samplers, MappedKeysGiveTheNumbersOfEachKey) {
  const Array keys = random::split(key, 3);
  const Array rows = vmap([](const Array& k) { return random::normal(k, {4}); })(keys);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rows[i].to_vector<float>(), random::normal(keys[i], {4}).to_vector<float>());
}

TEST(Samplers, LocationAndScaleAreDifferentiable) {
  const Array g = grad([](const Array& hi) { return sum(random::uniform(key, {8}, {}, 0.f, hi)); })(Array(2.f));
  EXPECT_NEAR(g.item<float>(), sum(random::uniform(key, {8})).item<float>(), 1e-5);
}

TEST(Permutation, MovesEveryElementOnce) {
  const auto order = random::permutation(key, 50).to_vector<int>();
  EXPECT_EQ(std::set<int>(order.begin(), order.end()).size(), 50u);
  EXPECT_NE(order, arange(50).to_vector<int>());
  const Array x = reshape(arange(12), {4, 3}), y = random::permutation(key, x, 0);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(y.item<int>(i, 1), y.item<int>(i, 0) + 1);  // rows stay whole
  EXPECT_EQ(random::permutation(key, 0).size(), 0);
  EXPECT_EQ(random::permutation(key, 1).to_vector<int>(), std::vector<int>{0});
}

TEST(Choice, FollowsProbabilitiesAndDoesNotRepeatWithoutReplacement) {
  const Array never = array<float>({0, 1, 0});
  EXPECT_EQ(random::choice(key, 3, {5}, true, never).to_vector<int>(), std::vector<int>(5, 1));
  const auto drawn = random::choice(key, 6, {6}, false).to_vector<int>();
  EXPECT_EQ(std::set<int>(drawn.begin(), drawn.end()).size(), 6u);
  const auto values = random::choice(key, array<float>({10, 20}), {20}).to_vector<float>();
  for (const float v : values) EXPECT_TRUE(v == 10 || v == 20);
}

TEST(Categorical, CertainLogitsAreDrawn) {
  const Array logits = array<float>({{-1e9f, 0, -1e9f}, {0, -1e9f, -1e9f}});
  EXPECT_EQ(random::categorical(key, logits).to_vector<int>(), (std::vector<int>{1, 0}));
  EXPECT_EQ(random::categorical(key, logits, -1, Shape{4, 2}).dims(), (Dims{4, 2}));
}

TEST(Dirichlet, SumsToOne) {
  const Array x = random::dirichlet(key, array<float>({1, 2, 3}), Shape{7});
  EXPECT_EQ(x.dims(), (Dims{7, 3}));
  for (const float s : sum(x, -1).to_vector<float>()) EXPECT_NEAR(s, 1, 1e-5);
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(random::split(key, -1), ""),
      ROW(random::split(key, kHuge), "max_array_elements"),
      ROW(random::split(v3), ""),
      ROW(random::bits(key, {-1}), ""),
      ROW(random::bits(key, {3}, f32), ""),
      ROW(random::uniform(key, {-3}), ""),
      ROW(random::uniform(key, {kHuge}), "max_array_elements"),
      ROW(random::uniform(key, {3}, i32), "floating"),
      ROW(random::uniform(v3, {3}), ""),
      ROW(random::normal(key, {kLarge, kLarge}), ""),
      ROW(random::randint(key, {-3}, 0, 5), ""),
      ROW(random::bernoulli(key, 0.5f, Shape{-2}), ""),
      ROW(random::categorical(key, scalar), "axis -1"),
      ROW(random::categorical(key, v3, 0, Shape{-1}), ""),
      ROW(random::gamma(key, v3, Shape{2}), ""),
      ROW(random::dirichlet(key, scalar), ""),
      ROW(random::permutation(key, -1), ""),
      ROW(random::permutation(key, v3, 1), "axis 1"),
      ROW(random::choice(key, -1), ""),
      ROW(random::choice(key, 3, {5}, false), ""),
      ROW(random::choice(key, 0, {2}), ""),
      ROW(random::choice(key, m), "must be a vector"),
      ROW(random::choice(key, 3, {-1}), ""),
      ROW(random::wrap_key_data(v3), ""),
      ROW(random::fold_in(key, v3), ""),
      ROW(random::truncated_normal(key, 0.f, 1.f, {-1}), ""),
  };
}
INSTANTIATE_TEST_SUITE_P(Randomness, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
