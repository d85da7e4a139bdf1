// Reverse mode through while loops, beside closed forms, scans and differences.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

namespace tf2jax {
namespace {

using Pair = std::tuple<Array, Array>;

Array newton_root(const Array& a) {
  return while_loop([&](const Array& x) { return greater(abs(x * x - a), 1e-5f); },
                    [&](const Array& x) { return 0.5f * (x + a / x); }, a);
}

// sin(x) * 1.01, `n` times.
Array repeated(const Array& x, const Array& n) {
  return std::get<1>(while_loop([&](const Pair& c) { return less(std::get<0>(c), n); },
                                [](const Pair& c) { return Pair(std::get<0>(c) + 1, sin(std::get<1>(c)) * 1.01f); },
                                Pair(Array(0), x)));
}
Array repeated_by_scan(const Array& x, int n) {
  return std::get<0>(scan([](const Array& c, const Array&) { return std::pair(sin(c) * 1.01f, c); }, x, zeros({n})));
}

TEST(WhileAdjoint, NewtonsRootHasTheDerivativeOfTheRoot) {
  const auto slope = grad(newton_root);
  for (const float a : {2.f, 9.f, 0.3f}) {
    EXPECT_NEAR(slope(Array(a)).item<float>(), 0.5f / std::sqrt(a), 1e-4f);
    EXPECT_NEAR(jit(slope)(Array(a)).item<float>(), 0.5f / std::sqrt(a), 1e-4f);
  }
  EXPECT_NEAR(grad(slope)(Array(2.f)).item<float>(), -0.25f * std::pow(2.f, -1.5f), 1e-3f);
}

TEST(WhileAdjoint, MappedBeforeAndAfter) {
  const Array a = array<float>({2, 9, 16});
  const auto expected = std::vector<float>{0.353553f, 0.166667f, 0.125f};
  const auto after = vmap(grad(newton_root))(a).to_vector<float>();
  const auto before = grad([](const Array& v) { return sum(vmap(newton_root)(v)); })(a).to_vector<float>();
  const auto compiled = jit(vmap(grad(newton_root)))(a).to_vector<float>();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(after[i], expected[i], 1e-4f);
    EXPECT_NEAR(before[i], expected[i], 1e-4f);
    EXPECT_NEAR(compiled[i], expected[i], 1e-4f);
  }
}

class WhileAdjointLengths : public ::testing::TestWithParam<int> {};

// Slots for few carries make several levels of checkpoints; the shortest loops turn not at all.
TEST_P(WhileAdjointLengths, AgreeWithScans) {
  const int n = GetParam();
  const Array x = array<float>({0.3f, 1.2f});
  const auto expected = grad([n](const Array& v) { return sum(repeated_by_scan(v, n)); })(x).to_vector<float>();
  for (const std::int64_t bytes : {std::int64_t{1}, std::int64_t{1} << 26}) {
    const auto budget = override_config(&Config::while_checkpoint_bytes, bytes);
    const auto f = [&](const Array& v) { return sum(repeated(v, Array(n))); };
    const auto by_hand = jit(grad(f))(x).to_vector<float>();
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(by_hand[i], expected[i], 1e-4f * (1 + std::abs(expected[i]))) << n << " " << bytes;
  }
}
INSTANTIATE_TEST_SUITE_P(Steps, WhileAdjointLengths, ::testing::Values(0, 1, 2, 15, 16, 17, 255, 257, 700));

TEST(WhileAdjoint, ConstantsOfTheBodyAreSummedOverSteps) {
  // y = x * w^n, n the least with y > 100.
  const auto f = [](const Array& x, const Array& w) {
    return while_loop([](const Array& y) { return less(y, 100.f); }, [&](const Array& y) { return y * w; }, x);
  };
  const auto [dx, dw] = grad<0, 1>(f)(Array(1.f), Array(2.f));  // 2^7
  EXPECT_FLOAT_EQ(dx.item<float>(), 128);
  EXPECT_FLOAT_EQ(dw.item<float>(), 7 * 64);
}

TEST(WhileAdjoint, InsideScansAndConditions) {
  const auto grown = [](const Array& x) {
    return while_loop([](const Array& y) { return less(y, 10.f); }, [](const Array& y) { return y * y + 0.5f; }, x);
  };
  const auto f = [&](const Array& xs) {
    return sum(std::get<1>(scan(
        [&](const Array& c, const Array& x) {
          const Array y = cond(greater(x, 1.f), grown, [](const Array& v) { return 3.f * v; }, x);
          return std::pair(c + y, c * y);
        },
        Array(0.f), xs)));
  };
  const Array xs = array<float>({1.1f, 0.5f, 1.4f});
  tf2jax::testing::check_grads([&](const Array& v) { return f(v); }, {xs}, {.order = 1, .rtol = 2e-2});
  const auto eager = grad(f)(xs).to_vector<float>(), compiled = jit(grad(f))(xs).to_vector<float>();
  for (std::size_t i = 0; i < eager.size(); ++i) EXPECT_NEAR(eager[i], compiled[i], 1e-4f * (1 + std::abs(eager[i])));
}

TEST(WhileAdjoint, AnAdaptiveStepOfAnEquation) {
  // y' = -y from 1 to t = 1 by Euler's steps that halve while they are too large; dy/dy0 = y / y0.
  using State = std::tuple<Array, Array, Array>;
  const auto solve = [](const Array& y0) {
    const auto last = while_loop([](const State& s) { return less(std::get<0>(s), 1.f); },
                                 [](const State& s) {
                                   const auto& [t, y, h] = s;
                                   const Array rough = abs(y * h * h),
                                               step = minimum(where(greater(rough, 1e-3f), 0.5f * h, h), 1.f - t);
                                   return State(t + step, y - step * y, 1.1f * step);
                                 },
                                 State(Array(0.f), y0, Array(0.1f)));
    return std::get<1>(last);
  };
  const Array y = solve(Array(2.f));
  EXPECT_NEAR(y.item<float>(), 2 * std::exp(-1.f), 0.05f);
  const float h = 1e-2f;
  const float difference = (solve(Array(2.f + h)).item<float>() - solve(Array(2.f - h)).item<float>()) / (2 * h);
  EXPECT_NEAR(grad(solve)(Array(2.f)).item<float>(), difference, 2e-2f);
}

TEST(WhileAdjoint, IntegersTravelAlong) {
  const auto f = [](const Array& x) {
    const auto last = while_loop([](const std::tuple<Array, Array>& c) { return less(std::get<0>(c), 40); },
                                 [](const std::tuple<Array, Array>& c) {
                                   const auto& [i, y] = c;
                                   return std::tuple(i * 2 + 1, y * astype(i, f32));
                                 },
                                 std::tuple(Array(3), x));
    return std::get<1>(last);
  };
  EXPECT_FLOAT_EQ(grad(f)(Array(2.f)).item<float>(), 3.f * 7 * 15 * 31);
}

TEST(WhileAdjoint, JaxsRefusalIsAnOption) {
  const auto refusal = override_config(&Config::while_checkpoint_bytes, std::int64_t{0});
  try {
    grad(newton_root)(Array(2.f));
    ADD_FAILURE();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("Reverse-mode differentiation does not work for lax.while_loop"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace tf2jax
