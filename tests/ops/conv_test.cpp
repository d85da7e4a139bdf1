// Convolutions beside the loops that define them.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "bad_input.h"

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Array counted(const Dims& dims, int period = 7) {
  Floats v(static_cast<std::size_t>(num_elements(dims)));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i % period) - 3;
  return from_span<float>(v, dims);
}

// One spatial axis, layouts (N, C, W), (O, I, W), (N, C, W).
struct Line {
  std::int64_t stride = 1, low = 0, high = 0, lhs_dilation = 1, rhs_dilation = 1, groups = 1;
};
ConvParams params_of(const Line& p) {
  ConvParams out;
  out.window_strides = {p.stride};
  out.padding = {{p.low, p.high}};
  out.lhs_dilation = {p.lhs_dilation};
  out.rhs_dilation = {p.rhs_dilation};
  out.feature_group_count = p.groups;
  out.dimension_numbers = {{0, 1, 2}, {0, 1, 2}, {0, 1, 2}};
  return out;
}

Floats by_loops(const Array& x, const Array& k, const Line& p) {
  const Dims d = x.dims(), w = k.dims();
  const std::int64_t width = (d[2] - 1) * p.lhs_dilation + 1 + p.low + p.high, reach = (w[2] - 1) * p.rhs_dilation + 1,
                     places = (width - reach) / p.stride + 1, per_group = w[0] / p.groups;
  Floats out;
  for (std::int64_t n = 0; n < d[0]; ++n)
    for (std::int64_t o = 0; o < w[0]; ++o)
      for (std::int64_t i = 0; i < places; ++i) {
        float total = 0;
        for (std::int64_t c = 0; c < w[1]; ++c)
          for (std::int64_t t = 0; t < w[2]; ++t) {
            const std::int64_t at = i * p.stride + t * p.rhs_dilation - p.low;
            if (at < 0 || at % p.lhs_dilation != 0 || at / p.lhs_dilation >= d[2]) continue;
            total += x.item<float>(n, o / per_group * w[1] + c, at / p.lhs_dilation) * k.item<float>(o, c, t);
          }
        out.push_back(total);
      }
  return out;
}

TEST(Conv, IsTheLoopThatDefinesIt) {
  const Array x = counted({2, 4, 9}), whole = counted({6, 4, 3}, 5), half = counted({6, 2, 3}, 5);
  for (const Line& p :
       {Line{}, Line{.stride = 2}, Line{.low = 2, .high = 1}, Line{.low = -1, .high = -2}, Line{.lhs_dilation = 2},
        Line{.rhs_dilation = 3}, Line{.stride = 2, .low = 3, .high = 3, .lhs_dilation = 3, .rhs_dilation = 2}})
    EXPECT_EQ(conv_general_dilated(x, whole, params_of(p)).to_vector<float>(), by_loops(x, whole, p));
  const Line groups{.stride = 2, .low = 1, .high = 1, .groups = 2};
  EXPECT_EQ(conv_general_dilated(x, half, params_of(groups)).to_vector<float>(), by_loops(x, half, groups));
}

TEST(Conv, EveryDtype) {
  const auto x64 = override_config(&Config::enable_x64, true);
  for (const DType d : {i8, i32, u8, f16, bf16, f32, f64, c64}) {
    const Array x = astype(reshape(array<float>({1, 2, 3}), {1, 1, 3}), d),
                k = astype(reshape(array<float>({1, 2}), {1, 1, 2}), d);
    const Array y = conv_general_dilated(x, k, params_of({}));
    EXPECT_EQ(y.dtype(), d);
    EXPECT_EQ(y.to_vector<float>(), (Floats{5, 8})) << short_name(d);
  }
}

TEST(Conv, LayoutsNameTheAxes) {
  const ConvDims nhwc = conv_dims("NHWC", "HWIO", "NHWC");
  EXPECT_EQ(nhwc.lhs_spec, (Axes{0, 3, 1, 2}));
  EXPECT_EQ(nhwc.rhs_spec, (Axes{3, 2, 0, 1}));
  const Array x = counted({2, 4, 9}), k = counted({6, 4, 3}, 5);
  ConvParams p = params_of({});
  p.dimension_numbers = conv_dims("NWC", "WIO", "CNW");
  const Array y = conv_general_dilated(transpose(x, {0, 2, 1}), transpose(k, {2, 1, 0}), p);
  EXPECT_EQ(transpose(y, {1, 0, 2}).to_vector<float>(), by_loops(x, k, {}));
  expect_error<ValueError>([] { conv_dims("NHC", "HWIO", "NHWC"); }, "");
}

TEST(Conv, NamedPadding) {
  const Array x = counted({1, 1, 5}), k = counted({1, 1, 3}, 5);
  EXPECT_EQ(conv_general_dilated(x, k, params_of({.stride = 2}), "SAME").to_vector<float>(),
            by_loops(x, k, {.stride = 2, .low = 1, .high = 1}));
  EXPECT_EQ(conv_general_dilated(x, k, params_of({}), "VALID").dims(), (Dims{1, 1, 3}));
}

TEST(Conv, EmptyBatchesChannelsAndPlaces) {
  EXPECT_EQ(conv_general_dilated(zeros({0, 2, 5}), ones({3, 2, 2}), params_of({})).dims(), (Dims{0, 3, 4}));
  EXPECT_EQ(conv_general_dilated(zeros({1, 0, 5}), ones({3, 0, 2}), params_of({})).to_vector<float>(), Floats(12, 0.f));
  EXPECT_EQ(conv_general_dilated(ones({1, 2, 1}), ones({3, 2, 2}), params_of({})).dims(), (Dims{1, 3, 0}));
}

TEST(Conv, CotangentsAreThoseOfItsBilinearForm) {
  // Of a bilinear f: f(x, k) = <x, df/dx> = <k, df/dk>, and slopes at unit vectors are values of f.
  const Array x = counted({2, 4, 9}), k = counted({6, 2, 3}, 5);
  const Line p{.stride = 2, .low = 2, .high = -1, .lhs_dilation = 2, .rhs_dilation = 2, .groups = 2};
  const Array like = conv_general_dilated(x, k, params_of(p)), w = counted(like.dims(), 3);
  const auto f = [&](const Array& a, const Array& b) { return sum(w * conv_general_dilated(a, b, params_of(p))); };
  const auto [dx, dk] = grad<0, 1>(f)(x, k);
  for (const auto& [n, c, i] : {std::tuple(0, 0, 0), std::tuple(1, 3, 8), std::tuple(0, 2, 5)})
    EXPECT_EQ(dx.item<float>(n, c, i), f(zeros({2, 4, 9}).at(n, c, i).set(1.f), k).item<float>());
  for (const auto& [o, c, i] : {std::tuple(0, 0, 0), std::tuple(5, 1, 2), std::tuple(3, 0, 1)})
    EXPECT_EQ(dk.item<float>(o, c, i), f(x, zeros({6, 2, 3}).at(o, c, i).set(1.f)).item<float>());
}

TEST(Conv, MappedOperands) {
  const Array x = counted({3, 2, 4, 9}), k = counted({3, 6, 4, 3}, 5);
  const auto f = [](const Array& a, const Array& b) { return conv_general_dilated(a, b, params_of({.stride = 2})); };
  const auto each = [&](const Array& y, bool of_x, bool of_k) {
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(y[i].to_vector<float>(), f(x[of_x ? i : 0], k[of_k ? i : 0]).to_vector<float>());
  };
  each(vmap(f)(x, k), true, true);
  each(vmap(f, {.in_axes = {0, std::nullopt}})(x, k[0]), true, false);
  each(vmap(f, {.in_axes = {std::nullopt, 0}})(x[0], k), false, true);
}

TEST(Conv, SymbolicBatch) {
  const Dim b = Dim::variable("b");
  const Avals out = eval_shape([](const Array& x, const Array& k) { return conv_general_dilated(x, k, params_of({})); },
                               spec(f32, {b, 4, 9}), spec(f32, {6, 4, 3}));
  EXPECT_TRUE(identical(out[0].shape, Shape{b, 6, 7}));
}

const Array signal = ones({1, 2, 8}), taps = ones({3, 2, 3});
ConvParams conv(Dims strides, Padding padding = {{0, 0}}, Dims lhs_dilation = {1}, Dims rhs_dilation = {1},
                std::int64_t groups = 1) {
  ConvParams p = params_of({.groups = groups});
  p.window_strides = std::move(strides);
  p.padding = std::move(padding);
  p.lhs_dilation = std::move(lhs_dilation);
  p.rhs_dilation = std::move(rhs_dilation);
  return p;
}

std::vector<BadCall> bad_calls() {
  using namespace bad_input;
  return {
      ROW(conv_general_dilated(signal, taps, conv({0})), "must be positive"),
      ROW(conv_general_dilated(signal, taps, conv({-1})), "must be positive"),
      ROW(conv_general_dilated(signal, taps, conv({1, 1})), "one entry per spatial axis"),
      ROW(conv_general_dilated(signal, taps, conv({1}, {{kHuge, kHuge}})), "at most 2^40"),
      ROW(conv_general_dilated(signal, taps, conv({1}, {{0, 0}}, {0})), "must be positive"),
      ROW(conv_general_dilated(signal, taps, conv({1}, {{0, 0}}, {1}, {kHuge})), "at most 2^40"),
      ROW(conv_general_dilated(signal, taps, conv({1}, {{0, 0}}, {1}, {1}, 0)), "must be positive"),
      ROW(conv_general_dilated(signal, taps, conv({1}, {{0, 0}}, {1}, {1}, 3)), "conv_general_dilated"),
      ROW(conv_general_dilated(scalar, taps, conv({1})), "conv_general_dilated"),
      ROW(conv_general_dilated(signal, m, conv({1})), "conv_general_dilated"),
      ROW(conv_general_dilated(signal, taps, conv({1}), "SOME"), "SOME"),
  };
}
INSTANTIATE_TEST_SUITE_P(Conv, BadInput, ::testing::ValuesIn(bad_calls()));

}  // namespace
}  // namespace tf2jax
