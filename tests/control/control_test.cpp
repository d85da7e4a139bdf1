// Control flow: values, derivatives, batching and messages.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

using namespace tf2jax;

namespace {
const auto newton = [](const Array& a) {
  return while_loop([](const std::tuple<Array, Array>& s) { return abs(std::get<0>(s) * std::get<0>(s) - std::get<1>(s)) > 1e-6f; },
                    [](const std::tuple<Array, Array>& s) {
                      const auto& [x, a] = s;
                      return std::tuple{0.5f * (x + a / x), a};
                    },
                    std::tuple{ones_like(a), a});
};
TEST(Cond, AConcretePredicateChecksTheOtherBranchToo) {
  const Array x = array<float>({1, 2});
  const auto same = [](const Array& v) { return v * 2; };
  EXPECT_THROW(cond(Array(true), same, [](const Array& v) { return sum(v); }, x), TypeError);
  EXPECT_THROW(cond(Array(true), same, [](const Array& v) { return matmul(v, ones({3})); }, x), ShapeError);
  EXPECT_EQ(cond(Array(true), same, [](const Array& v) { return -v; }, x).to_vector<float>(), (std::vector<float>{2, 4}));
}

}  // namespace

TEST(While, ValueAndForwardDerivative) {
  auto root = [](const Array& a) { return std::get<0>(newton(a)); };
  EXPECT_NEAR(root(full({}, 9.f)).item<float>(), 3, 1e-5);
  const auto [y, dy] = jvp(root, {full({}, 9.f)}, {full({}, 1.f)});
  EXPECT_NEAR(dy.item<float>(), 1.0 / 6, 1e-4);
}

TEST(While, ReverseModeNamesTheAlternatives) {
  try {
    grad([](const Array& a) { return std::get<0>(newton(a)); })(full({}, 9.f));
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("Reverse-mode differentiation does not work for lax.while_loop"), std::string::npos);
  }
}

TEST(While, ReverseModeWorksAroundALoopThatIsNotDifferentiated) {
  auto f = [](const Array& x) { return x * stop_gradient(std::get<0>(newton(x))); };
  EXPECT_NEAR(grad(f)(full({}, 9.f)).item<float>(), 3, 1e-4);
}

TEST(While, BatchedExamplesStopOnTheirOwn) {
  const Array out = vmap([](const Array& a) { return std::get<0>(newton(a)); })(array<float>({1, 4, 9, 1e4f}));
  const auto v = out.to_vector<float>();
  EXPECT_NEAR(v[0], 1, 1e-5);
  EXPECT_NEAR(v[1], 2, 1e-5);
  EXPECT_NEAR(v[2], 3, 1e-5);
}

TEST(While, CarryTypeChangeNamesTheLeaf) {
  try {
    jit([](const Array& x) { return while_loop([](const Array& c) { return sum(c) < 3.f; }, [](const Array& c) { return stack({sum(c), sum(c)}); }, x); })(ones({3}));
    FAIL();
  } catch (const TypeError& e) {
    EXPECT_NE(std::string(e.what()).find("carry leaf 0 has type f32[3] but the corresponding output has type f32[2]"), std::string::npos) << e.what();
  }
}

TEST(Fori, StaticBoundsAreReverseDifferentiable) {
  auto f = [](const Array& x) { return fori_loop(0, 4, [&](const Array& i, const Array& c) { return c * x + astype(i, f32); }, Array(1.f)); };
  // c4 = x^4 + 0 x^3 + 1 x^2 + 2 x + 3
  EXPECT_NEAR(f(2.f).item<float>(), 16 + 4 + 4 + 3, 1e-5);
  EXPECT_NEAR(grad(f)(2.f).item<float>(), 32 + 4 + 2, 1e-4);
}

TEST(Fori, TracedBoundsLoop) {
  auto f = jit([](const Array& n) { return fori_loop(Array(0), n, [](const Array& i, const Array& c) { return c + i; }, Array(0)); });
  EXPECT_EQ(f(Array(5)).item<int>(), 10);
}

TEST(Scan, RunsBackwardsAndStacks) {
  const auto [carry, ys] = scan([](const Array& c, const Array& x) { return std::pair{c + x, c}; }, Array(0), arange(4), {.reverse = true});
  EXPECT_EQ(carry.item<int>(), 6);
  EXPECT_EQ(ys.to_vector<int>(), (std::vector<int>{6, 5, 3, 0}));
}

TEST(Scan, ZeroLengthKeepsTheCarry) {
  const auto [carry, ys] = scan([](const Array& c, const Array& x) { return std::pair{c + x, x}; }, Array(3.f), zeros({0}));
  EXPECT_EQ(carry.item<float>(), 3.f);
  EXPECT_EQ(ys.dims(), (Dims{0}));
}

TEST(Scan, GradientOfARecurrenceWithSharedWeights) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const Array xs = array<double>({{0.1, 0.2}, {0.3, -0.4}, {0.5, 0.6}});
  auto f = [&](const Array& w, const Array& h0) {
    const auto [h, ys] = scan([&](const Array& h, const Array& x) { Array n = tanh(matmul(w, h) + x); return std::pair{n, sum(n)}; }, h0, xs);
    return sum(h) + sum(ys);
  };
  tf2jax::testing::check_grads(f, {array<double>({{0.3, -0.2}, {0.5, 0.1}}), array<double>({0.2, 0.7})}, {.order = 2});
  tf2jax::testing::check_vmap(f, {array<double>({{0.3, -0.2}, {0.5, 0.1}}), array<double>({0.2, 0.7})});
  auto jitted = jit([&](const Array& w, const Array& h) { return f(w, h); });
  tf2jax::testing::check_grads(jitted, {array<double>({{0.3, -0.2}, {0.5, 0.1}}), array<double>({0.2, 0.7})}, {.order = 2});
}

TEST(Scan, LoopInvariantWeightsAreNotStackedAsResiduals) {
  auto f = [](const Array& w, const Array& xs) { return scan([&](const Array& h, const Array& x) { return std::pair{tanh(matmul(w, h) + x), 0.f}; }, zeros({3}), xs).first; };
  const std::string text = to_string(make_jaxpr(grad([&](const Array& w, const Array& xs) { return sum(f(w, xs)); }))(ones({3, 3}), ones({7, 3})));
  EXPECT_EQ(text.find("f32[7,3,3]"), std::string::npos) << text;
}

TEST(Cond, BothBranchesDifferentiateAndBatch) {
  auto f = [](const Array& x) { return cond(x > 0.f, [](const Array& v) { return v * v; }, [](const Array& v) { return -v; }, x); };
  EXPECT_EQ(grad(f)(3.f).item<float>(), 6);
  EXPECT_EQ(grad(f)(-3.f).item<float>(), -1);
  EXPECT_EQ(grad(jit(f))(-3.f).item<float>(), -1);
  EXPECT_EQ(vmap(grad(f))(array<float>({3, -3})).to_vector<float>(), (std::vector<float>{6, -1}));
}

TEST(Cond, BranchesMustAgree) {
  auto f = jit([](const Array& x) { return cond(x > 0.f, [](const Array& v) { return v; }, [](const Array& v) { return stack({v, v}); }, x); });
  try {
    f(1.f);
    FAIL();
  } catch (const TypeError& e) {
    EXPECT_NE(std::string(e.what()).find("branches must have equal output types but they differ"), std::string::npos);
  }
  EXPECT_THROW(cond(ones({2}) > 0.f, [](const Array& v) { return v; }, [](const Array& v) { return v; }, Array(1.f)), TypeError);
}

TEST(Switch, IndexIsClamped) {
  const std::vector<std::function<Array(const Array&)>> branches{[](const Array& x) { return x; }, [](const Array& x) { return 2.f * x; }, [](const Array& x) { return 3.f * x; }};
  auto f = jit([&](const Array& i, const Array& x) { return switch_case(i, branches, x); });
  EXPECT_EQ(f(Array(-5), 1.f).item<float>(), 1);
  EXPECT_EQ(f(Array(1), 1.f).item<float>(), 2);
  EXPECT_EQ(f(Array(9), 1.f).item<float>(), 3);
  EXPECT_EQ(vmap(f, {.in_axes = {0, none}})(arange(3), Array(1.f)).to_vector<float>(), (std::vector<float>{1, 2, 3}));
}
