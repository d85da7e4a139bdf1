// Values that plans once got wrong, beside those of the definition.
#include "check_program.h"

namespace tf2jax {
namespace {

void expect_values(const Array& got, const std::vector<double>& want, double tolerance = 1e-5) {
  const auto x = got.to_vector<double>();
  ASSERT_EQ(x.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(x[i], want[i], tolerance * (1 + std::abs(want[i]))) << "element " << i;
}

// The plan's loops run statement by statement, beside the interpreter: no code is made.
template <class F, class... A>
void check_plan_of(const F& f, const A&... args) {
  const Jaxpr jaxpr = make_jaxpr(f)(args...);
  const Arrays got = default_backend().compile(jaxpr, {.simulate = true})->run(Arrays{args...}),
               want = default_backend().compile(jaxpr, {.interpret = true})->run(Arrays{args...});
  for (std::size_t i = 0; i < want.size(); ++i) expect_close(got[i], want[i], to_string(jaxpr), 2e-5);
}

TEST(PlannerValues, ParallelHalfOfASplitVariableStaysParallel) {
  const auto f = [](const Array& v) { return reshape(broadcast_to(sum(reshape(v, {2, 4}), 0), {2, 4}), {8}) / v; };
  expect_values(jit(f)(astype(arange(1, 9), f32)), {6, 4, 10.0 / 3, 3, 1.2, 4.0 / 3, 10.0 / 7, 1.5});
  const auto g = [](const Array& v) { return ravel(softmax(reshape(v, {2, 4}), 0)); };
  const double low = 1 / (1 + std::exp(4.0)), high = 1 - low;
  expect_values(jit(g)(astype(arange(8), f32)), {low, low, low, low, high, high, high, high});
}

TEST(PlannerValues, IndicesBehindAPadAreNoBijection) {
  const Array x = reshape(0.5f + 0.1f * astype(arange(7), f32), {7, 1});
  const auto f = [](const Array& v) { return sum(cumprod(v, 0)); };
  double last = 1;  // of the last factor: the product of the others
  for (int i = 0; i < 6; ++i) last *= 0.5 + 0.1 * i;
  EXPECT_NEAR(jit(grad(f))(x).to_vector<double>()[6], last, 1e-6);
}

TEST(PlannerValues, DerivativesOfRunningValuesAlongEveryAxis) {
  using Running = Array (*)(const Array&, std::int64_t, bool);
  for (const Running f : {Running(cumsum), Running(cumprod), Running(cummax), Running(cummin), Running(cumlogsumexp)})
    for (const Shape& shape :
         {Shape{7, 1}, Shape{1, 7}, Shape{2, 3}, Shape{4, 2, 2, 2}, Shape{5, 1, 3}, Shape{16, 2}, Shape{3, 8, 1}})
      for (std::int64_t axis = 0; axis < static_cast<std::int64_t>(shape.size()); ++axis)
        for (const bool reverse : {false, true}) {
          const Array x = values(shape, 3), weights = values(shape, 4);
          const auto loss = [&](const Array& v) { return sum(f(v, axis, reverse) * weights); };
          check_plan_of(grad(loss), x);
          check_plan_of(
              [&](const Array& v, const Array& t) {
                return jvp([&](const Array& u) { return f(u, axis, reverse); }, std::tuple{v}, std::tuple{t});
              },
              x, weights);
        }
}

TEST(PlannerValues, ScansOfNoSteps) {
  const auto f = [](const Array& xs) {
    return scan([](const Array& c, const Array& x) { return std::pair{c * x, x}; }, Array(3.f), xs).first;
  };
  EXPECT_EQ(jit(grad(f))(zeros({0})).dims(), Dims{0});
  EXPECT_EQ(jit(f)(zeros({0})).item<float>(), 3);
  const auto [carry, rows] = jit([](const Array& xs) {
    return scan([](const Array& c, const Array& x) { return std::pair{c + sum(x), x * c}; }, Array(1.f), xs);
  })(zeros({0, 4}));
  EXPECT_EQ(carry.item<float>(), 1);
  EXPECT_EQ(rows.dims(), (Dims{0, 4}));
}

TEST(PlannerValues, GroupsThatReadThroughViewsDependOnThem) {
  const auto f = [](const Array& v) { return sum(cumlogsumexp(v, 0)); };
  // d/dx_i sum_k log(sum_{j <= k} exp x_j) = sum_{k >= i} exp(x_i) / sum_{j <= k} exp(x_j).
  std::vector<double> want(64, 0);
  double total = 0;
  for (int k = 0; k < 64; ++k) {
    total += std::exp(0.01 * k);
    for (int i = 0; i <= k; ++i) want[i] += std::exp(0.01 * i) / total;
  }
  expect_values(jit(grad(f))(astype(arange(64), f32) * 0.01f), want, 1e-4);
}

TEST(PlannerValues, OneValueCarriedAndWalkedOver) {
  const auto f = [](const Array& q) {
    const Array w = q * 2.f;
    return scan(
               [](const Array& c, const Array& x) {
                 const Array p = c * 2.f;
                 return std::pair{p, x * sum(p, 0)};
               },
               w, w)
        .second;
  };
  const Array q = ones({2, 30});
  EXPECT_EQ(jit(f)(q)(1, 0).item<float>(), 32);
  // sum_k w_k 2^(k+1) (w_0 + w_1) down a column, with w = 2q: d/dw_0 = 2 * 4 + (2 * 2 + 4 * 2), d/dw_1 = 4 * 4 + 12.
  const Array slope = jit(grad([&](const Array& v) { return sum(f(v)); }))(q);
  EXPECT_EQ(slope(0, 0).item<float>(), 40);
  EXPECT_EQ(slope(1, 0).item<float>(), 56);
  check_function(f, values({2, 30}));
  check_function(grad([&](const Array& v) { return sum(sin(f(v))); }), values({2, 30}));
}

TEST(PlannerValues, LongSumsKeepTheirDigits) {
  for (const auto& [rows, columns] :
       {std::pair{1 << 21, 1}, std::pair{1 << 20, 3}, std::pair{1 << 18, 16}, std::pair{3 * 70001, 20}}) {
    const Array x = full({rows, columns}, 0.1f);
    for (const Array& total : {jit([](const Array& v) { return sum(v, 0); })(x), sum(x, 0)})
      for (const double t : total.to_vector<double>())
        EXPECT_NEAR(t / (rows * 0.1), 1, 2e-5) << rows << " x " << columns;
    EXPECT_NEAR(jit([](const Array& v) { return mean(v); })(astype(x, bf16)).to_vector<double>()[0], 0.1, 1e-3);
  }
}

TEST(PlannerValues, CarriesThatAreOneValue) {
  const Array q = values({2, 30});
  check_function(
      [](const Array& v) {
        const Array w = v * 2.f;
        return fori_loop(0, 3, [&](const Array&, const Array& c) { return rev(w, {1}) - c * 0.5f; }, w);
      },
      q);
  check_function(
      [](const Array& v) {
        const Array w = v * 2.f;
        return fori_loop(
            0, 3,
            [](const Array&, const std::pair<Array, Array>& c) {
              const Array p = c.first * 0.5f;
              return std::pair{p, c.second + sum(p, 0)};
            },
            std::pair{w, w});
      },
      q);
  check_function(
      [](const Array& v) {
        const Array w = v * 2.f;
        return fori_loop(
            0, 3,
            [](const Array&, const std::pair<Array, Array>& c) {
              return std::pair<Array, Array>{c.second * 0.5f, c.first + 1.f};
            },
            std::pair{w, w});
      },
      q);
  check_function(
      [](const Array& v) {
        const Array w = v * 2.f;
        return scan(
                   [](const Array& c, const Array& x) {
                     const Array p = c * 2.f + x;
                     return std::pair{p, x * max(p)};
                   },
                   w(0), w)
            .second;
      },
      q);
}

}  // namespace
}  // namespace tf2jax
