// Biases that products and convolutions add themselves.
#include <limits>

#include "check_program.h"

namespace tf2jax {
namespace {

std::string plan_of(const Jaxpr& jaxpr) { return default_backend().compile(jaxpr, {})->explain(); }
template <class F>
bool has_bias(const F& f, const Array& x) {
  const std::string plan = plan_of(make_jaxpr(f)(x));
  return plan.find(" + bias") != std::string::npos && plan.find("kernel") == std::string::npos;
}

ConvParams channels_last(std::int64_t groups = 1) {
  ConvParams p;
  p.dimension_numbers = conv_dims("NHWC", "HWIO", "NHWC");
  p.feature_group_count = groups;
  return p;
}

TEST(Epilogue, ConvolutionsAddTheirBias) {
  const Array b = values({8}, 2);
  for (const std::int64_t groups : {1, 4})
    for (const std::int64_t size : {1, 3}) {
      const Array x = values({2, 7, 6, 4}), k = values({size, size, 4 / groups, 8}, 1);
      const auto f = [&](const Array& in) { return conv_general_dilated(in, k, channels_last(groups), "SAME") + b; };
      EXPECT_TRUE(has_bias(f, x)) << plan_of(make_jaxpr(f)(x));
      const Array plain = conv_general_dilated(x, k, channels_last(groups), "SAME"), got = jit(f)(x);
      const auto y = plain.to_vector<double>(), z = got.to_vector<double>();
      for (std::size_t i = 0; i < y.size(); ++i)
        EXPECT_NEAR(z[i], y[i] + b.item<float>(static_cast<std::int64_t>(i % 8)), 2e-5);
    }
}

TEST(Epilogue, BatchNormalisationLeavesNoLoop) {
  const Array x = values({1, 9, 9, 3}), k = values({3, 3, 3, 5}, 1), mean = values({5}, 2), gain = values({5}, 3),
              offset = values({5}, 4);
  const auto f = [&](const Array& in) {
    return (conv_general_dilated(in, k, channels_last(), "VALID") - mean) * gain + offset;
  };
  EXPECT_TRUE(has_bias(f, x)) << plan_of(make_jaxpr(f)(x));
  check_function(f, x);
}

TEST(Epilogue, ProductsWithConstantWeightsAddTheirBias) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const auto& [m, k, n] : {std::tuple{1, 15, 3}, {5, 14, 4}, {64, 96, 80}, {7, 5, 33}, {128, 50, 1}})
    for (const DType dtype : {f32, f64}) {
      const Array x = astype(values({m, k}), dtype), w = astype(values({k, n}, 1), dtype),
                  b = astype(values({n}, 2), dtype);
      const auto f = [&](const Array& in) { return b + matmul(in, w); };
      EXPECT_TRUE(has_bias(f, x)) << plan_of(make_jaxpr(f)(x));
      const auto got = jit(f)(x).to_vector<double>(), xs = x.to_vector<double>(), ws = w.to_vector<double>(),
                 bs = b.to_vector<double>();
      for (std::size_t i = 0; i < got.size(); ++i) {
        const std::size_t row = i / bs.size(), column = i % bs.size();
        double sum = bs[column];
        for (std::size_t q = 0; q < ws.size() / bs.size(); ++q)
          sum += xs[row * (ws.size() / bs.size()) + q] * ws[q * bs.size() + column];
        ASSERT_NEAR(got[i], sum, dtype == f64 ? 1e-13 : 2e-5);
      }
    }
  const Array x = values({2, 3, 15}), w = values({15, 4}, 1),
              b = values({4}, 2);  // a batch of rows, read by another product
  const auto two = [&](const Array& in) { return matmul(matmul(in, w) + b, transpose(w, {1, 0})); };
  EXPECT_TRUE(has_bias(two, x));
  check_function(two, x);
}

TEST(Epilogue, TheBiasMayBeAnArgument) {
  const Array x = values({6, 5}), w = values({5, 4}, 1), b = values({4}, 2);
  check_function([&](const Array& in, const Array& bias) { return matmul(in, w) + bias; }, x, b);
  check_function([&](const Array& in, const Array& bias) { return matmul(in, w) + reshape(bias, {1, 4}); }, x, b);
  check_function([&](const Array& in, const Array& bias) { return matmul(in, w) + bias * 2.f; }, x, b);
  check_function(
      [&](const Array& in, const Array& bias) {
        return scan(
                   [&](const Array& c, const Array&) {
                     return std::pair(tanh(matmul(c, matmul(w, transpose(w, {1, 0})))), matmul(c, w) + bias);
                   },
                   in, arange(3))
            .second;
      },
      x, b);
}

TEST(Epilogue, OtherSumsStayLoops) {
  const Array x = values({4, 5}), w = values({5, 4}, 1), rows = values({4, 1}, 2), all = values({4, 4}, 3),
              b = values({4}, 4);
  for (const Array& other : {rows, all}) {
    const auto f = [&](const Array& in) { return matmul(in, w) + other; };
    EXPECT_FALSE(has_bias(f, x));
    check_function(f, x);
  }
  check_function([&](const Array& in) { return relu(matmul(in, w) + b); }, x);
  check_function(
      [&](const Array& in) {
        const Array y = matmul(in, w);
        return std::pair(y + b, y);
      },
      x);
  check_function(
      [&](const Array& in) {
        const Array y = matmul(in, w);
        return y + y;
      },
      x);
  const auto nchw = [&](const Array& in) {
    return conv_general_dilated(in, values({4, 2, 3, 3}, 5), {}, "VALID") + b;
  };  // along the width
  check_function(nchw, values({1, 2, 6, 6}));
}

TEST(Epilogue, InfinitiesAndNansPass) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const Array w = values({5, 4}, 1), b = array<float>({inf, -inf, nan, 1}), k = values({3, 3, 2, 4}, 1);
  Array x = ones({3, 5}), image = ones({1, 5, 5, 2});
  for (const float bad : {inf, -inf, nan, 1.f}) {
    check_function([&](const Array& in) { return matmul(in, w) + b; }, x * array<float>({{1}, {bad}, {2}}));
    check_function([&](const Array& in) { return conv_general_dilated(in, k, channels_last(), "VALID") + b; },
                   image * bad);
  }
}

}  // namespace
}  // namespace tf2jax
