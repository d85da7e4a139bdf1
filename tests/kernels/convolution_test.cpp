// Convolution against the definition, over layouts, strides, paddings, dilations, groups, and the forms of the two
// gradients.
#include "tf2jax/kernels/convolution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "tf2jax/base/thread_pool.h"

using namespace tf2jax;
using kernels::Convolution;
using kernels::ConvSpec;

namespace {

using Pads = std::vector<std::pair<std::int64_t, std::int64_t>>;
const Axes kNhwc{0, 3, 1, 2}, kHwio{3, 2, 0, 1}, kNchw{0, 1, 2, 3}, kOihw{0, 1, 2, 3};

Dims stored(const Dims& logical, const Axes& spec) {
  Dims out(logical.size());
  for (std::size_t i = 0; i < spec.size(); ++i) out[spec[i]] = logical[i];
  return out;
}

// Sizes by role: lhs (n, c, spatial…), rhs (o, i, spatial…); fills in the shape of the output.
ConvSpec make(const Dims& lhs, const Dims& rhs, Dims strides, Pads padding, Dims lhs_dilation, Dims rhs_dilation,
              const Axes& lhs_spec, const Axes& rhs_spec, const Axes& out_spec, std::int64_t groups = 1,
              std::int64_t batch_groups = 1) {
  ConvSpec s;
  s.lhs = stored(lhs, lhs_spec), s.rhs = stored(rhs, rhs_spec);
  Dims out{lhs[0] / batch_groups, rhs[0]};
  for (std::size_t i = 0; i < strides.size(); ++i) {
    const std::int64_t in = (lhs[i + 2] - 1) * lhs_dilation[i] + 1 + padding[i].first + padding[i].second;
    out.push_back((in - (rhs[i + 2] - 1) * rhs_dilation[i] - 1) / strides[i] + 1);
  }
  s.out = stored(out, out_spec);
  s.lhs_spec = lhs_spec, s.rhs_spec = rhs_spec, s.out_spec = out_spec;
  s.strides = std::move(strides), s.padding = std::move(padding), s.lhs_dilation = std::move(lhs_dilation),
  s.rhs_dilation = std::move(rhs_dilation);
  s.feature_group_count = groups, s.batch_group_count = batch_groups;
  return s;
}

template <class T>
std::vector<T> random_values(const Dims& dims, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<T> uniform(-1, 1);
  std::vector<T> v(num_elements(dims));
  for (auto& e : v) e = uniform(random);
  return v;
}

// The definition: sum over in features and kernel points.
template <class T>
std::vector<double> defined(const ConvSpec& s, const std::vector<T>& lhs, const std::vector<T>& rhs) {
  const std::size_t rank = s.strides.size();
  const auto size = [](const Dims& d, const Axes& spec, std::size_t i) { return d[spec[i]]; };
  const Dims ls = row_major_strides(s.lhs), rs = row_major_strides(s.rhs), os = row_major_strides(s.out);
  const std::int64_t features = size(s.rhs, s.rhs_spec, 0), group_in = size(s.rhs, s.rhs_spec, 1),
                     batch = size(s.out, s.out_spec, 0);
  const std::int64_t groups = std::max(s.feature_group_count, s.batch_group_count);
  std::vector<double> out(num_elements(s.out), 0.0);
  Dims points, taps;
  for (std::size_t i = 0; i < rank; ++i) {
    points.push_back(size(s.out, s.out_spec, i + 2));
    taps.push_back(size(s.rhs, s.rhs_spec, i + 2));
  }
  const std::int64_t all_points = num_elements(points), all_taps = num_elements(taps);
  for (std::int64_t n = 0; n < batch; ++n)
    for (std::int64_t o = 0; o < features; ++o)
      for (std::int64_t p = 0; p < all_points; ++p)
        for (std::int64_t t = 0; t < all_taps; ++t) {
          const std::int64_t group = o / (features / groups);
          const std::int64_t n_in = s.batch_group_count > 1 ? group * batch + n : n,
                             c_in = s.feature_group_count > 1 ? group * group_in : 0;
          std::int64_t l = n_in * size(ls, s.lhs_spec, 0) + c_in * size(ls, s.lhs_spec, 1),
                       r = o * size(rs, s.rhs_spec, 0);
          std::int64_t to = n * size(os, s.out_spec, 0) + o * size(os, s.out_spec, 1), point = p, tap = t;
          bool inside = true;
          for (std::size_t i = rank; i-- > 0; point /= points[i], tap /= taps[i]) {
            const std::int64_t x =
                point % points[i] * s.strides[i] + tap % taps[i] * s.rhs_dilation[i] - s.padding[i].first;
            to += point % points[i] * size(os, s.out_spec, i + 2);
            r += tap % taps[i] * size(rs, s.rhs_spec, i + 2);
            if (x < 0 || x % s.lhs_dilation[i] || x / s.lhs_dilation[i] >= size(s.lhs, s.lhs_spec, i + 2))
              inside = false;
            else l += x / s.lhs_dilation[i] * size(ls, s.lhs_spec, i + 2);
          }
          if (!inside) continue;
          double sum = 0;
          for (std::int64_t c = 0; c < group_in; ++c)
            sum += static_cast<double>(lhs[l + c * size(ls, s.lhs_spec, 1)]) *
                   static_cast<double>(rhs[r + c * size(rs, s.rhs_spec, 1)]);
          out[to] += sum;
        }
  return out;
}

template <class T>
void check(ConvSpec s, double tolerance) {
  s.dtype = dtype_of<T>;
  const auto convolution = Convolution::create(s);
#ifdef TF2JAX_WITHOUT_ONEDNN
  if (!convolution) return;  // the eager kernel's
#endif
  ASSERT_NE(convolution, nullptr);
  SCOPED_TRACE(convolution->description());
  const auto lhs = random_values<T>(s.lhs, 1), rhs = random_values<T>(s.rhs, 2), residual = random_values<T>(s.out, 3);
  const std::int64_t features = s.out[s.out_spec[1]];
  const auto bias = random_values<T>({features}, 4);
  auto expected = defined(s, lhs, rhs);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (s.bias) expected[i] += static_cast<double>(bias[i % static_cast<std::size_t>(features)]);
    if (s.residual) expected[i] += static_cast<double>(residual[i]);
    if (s.relu) expected[i] = std::max(0.0, expected[i]);
  }
  for (int run = 0; run < 2; ++run) {
    std::vector<T> out(expected.size(), std::nan(""));
    convolution->run(lhs.data(), rhs.data(), out.data(), s.bias ? bias.data() : nullptr,
                     s.residual ? residual.data() : nullptr);
    for (std::size_t i = 0; i < out.size(); ++i)
      ASSERT_NEAR(static_cast<double>(out[i]), expected[i], tolerance) << "at " << i;
  }
}
void check_both(const ConvSpec& s) {
  check<float>(s, 1e-4);
  check<double>(s, 1e-12);
}

struct Case {
  std::int64_t n, h, w, c, kh, kw, o;
};
const std::vector<Case> kCases{{2, 9, 11, 1, 5, 5, 6},   {3, 8, 8, 6, 5, 5, 16},   {1, 14, 13, 3, 7, 7, 64},
                               {2, 10, 9, 32, 3, 3, 48}, {1, 12, 40, 8, 3, 13, 8}, {2, 6, 7, 20, 1, 1, 40}};

// Threads change how work is divided, not what is computed: three cases on several of them.
std::vector<Case> cases() {
  return num_threads() == 1 ? kCases : std::vector<Case>(kCases.begin() + 2, kCases.begin() + 5);
}

class Convolutions : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override { set_num_threads(GetParam()); }
  void TearDown() override { set_num_threads(before_); }
  int before_ = num_threads();
};

}  // namespace

TEST_P(Convolutions, ForwardWithStridesPaddingAndDilation) {
  for (const Case& c : cases())
    for (const std::int64_t stride : {1, 2})
      for (const Pads& pads : {Pads{{0, 0}, {0, 0}}, Pads{{2, 1}, {3, 3}}, Pads{{-1, 2}, {1, -1}}})
        for (const std::int64_t dilation : {1, 2}) {
          if (dilation * (c.kh - 1) + 1 > c.h + pads[0].first + pads[0].second ||
              dilation * (c.kw - 1) + 1 > c.w + pads[1].first + pads[1].second)
            continue;
          check_both(make({c.n, c.c, c.h, c.w}, {c.o, c.c, c.kh, c.kw}, {stride, stride}, pads, {1, 1},
                          {dilation, dilation}, kNhwc, kHwio, kNhwc));
        }
}

TEST_P(Convolutions, OtherLayouts) {
  for (const Case& c : cases()) {
    check_both(make({c.n, c.c, c.h, c.w}, {c.o, c.c, c.kh, c.kw}, {1, 1}, {{1, 1}, {1, 1}}, {1, 1}, {1, 1}, kNchw,
                    kOihw, kNchw));
    check_both(make({c.n, c.c, c.h, c.w}, {c.o, c.c, c.kh, c.kw}, {2, 1}, {{1, 1}, {0, 1}}, {1, 1}, {1, 1}, kNhwc,
                    kOihw, kNchw));
    check_both(make({c.n, c.c, c.h, c.w}, {c.o, c.c, c.kh, c.kw}, {1, 2}, {{0, 1}, {0, 1}}, {1, 1}, {1, 1},
                    {1, 0, 3, 2}, kHwio, {3, 2, 1, 0}));
  }
}

TEST_P(Convolutions, KernelGradientForm) {
  // lhs: batch and features swapped; rhs: a cotangent as the kernel.
  const Axes lhs_spec{3, 0, 1, 2}, rhs_spec{3, 0, 1, 2}, out_spec{2, 3, 0, 1};
  for (const Case& c : cases())
    for (const std::int64_t stride : {1, 2})
      for (const std::int64_t dilation : {1, 2})
        for (const std::int64_t pad : {0, 2}) {
          const std::int64_t reach_h = (c.kh - 1) * dilation + 1, reach_w = (c.kw - 1) * dilation + 1;
          if (reach_h > c.h + 2 * pad || reach_w > c.w + 2 * pad) continue;
          const std::int64_t oh = (c.h + 2 * pad - reach_h) / stride + 1, ow = (c.w + 2 * pad - reach_w) / stride + 1;
          const auto high = [&](std::int64_t in, std::int64_t out, std::int64_t reach) {
            return (out - 1) * stride + reach - in - pad;
          };
          check_both(make({c.c, c.n, c.h, c.w}, {c.o, c.n, oh, ow}, {dilation, dilation},
                          {{pad, high(c.h, oh, reach_h)}, {pad, high(c.w, ow, reach_w)}}, {1, 1}, {stride, stride},
                          lhs_spec, rhs_spec, out_spec));
        }
}

TEST_P(Convolutions, DataGradientForm) {
  const Axes swapped_kernel{2, 3, 0, 1};
  for (const Case& c : cases())
    for (const std::int64_t stride : {1, 2, 3})
      for (const std::int64_t pad : {0, 1})
        for (const std::int64_t extra : {0, 1}) {
          if (extra >= stride || c.kh - 1 < pad || c.kw - 1 < pad) continue;
          check_both(make({c.n, c.o, c.h, c.w}, {c.c, c.o, c.kh, c.kw}, {1, 1},
                          {{c.kh - 1 - pad, c.kh - 1 - pad + extra}, {c.kw - 1 - pad, c.kw - 1 - pad + extra}},
                          {stride, stride}, {1, 1}, kNhwc, swapped_kernel, kNhwc));
        }
}

TEST_P(Convolutions, Groups) {
  check<float>(make({2, 16, 9, 9}, {16, 1, 3, 3}, {1, 1}, {{1, 1}, {1, 1}}, {1, 1}, {1, 1}, kNhwc, kHwio, kNhwc, 16),
               1e-4);  // depthwise
  check<float>(make({2, 16, 9, 9}, {32, 1, 3, 3}, {2, 2}, {{1, 1}, {1, 1}}, {1, 1}, {1, 1}, kNhwc, kHwio, kNhwc, 16),
               1e-4);
  check<float>(make({2, 64, 9, 9}, {32, 32, 3, 3}, {1, 1}, {{1, 1}, {1, 1}}, {1, 1}, {1, 1}, kNhwc, kHwio, kNhwc, 2),
               1e-4);
  check<double>(make({2, 6, 9, 9}, {4, 3, 3, 3}, {1, 1}, {{1, 1}, {1, 1}}, {1, 1}, {2, 2}, kNhwc, kHwio, kNhwc, 2),
                1e-12);
  check<float>(make({16, 2, 9, 9}, {16, 2, 9, 9}, {1, 1}, {{1, 1}, {1, 1}}, {1, 1}, {1, 1}, {3, 0, 1, 2}, {3, 0, 1, 2},
                    {2, 3, 0, 1}, 1, 16),
               1e-4);  // its kernel gradient
}

TEST_P(Convolutions, OneAndThreeSpatialAxes) {
  check_both(make({2, 5, 30}, {7, 5, 4}, {2}, {{1, 2}}, {1}, {1}, {0, 2, 1}, {2, 1, 0}, {0, 2, 1}));
  check<float>(make({2, 40, 30}, {70, 40, 4}, {1}, {{1, 2}}, {1}, {2}, {0, 2, 1}, {2, 1, 0}, {0, 2, 1}), 1e-4);
  check<float>(make({1, 16, 5, 6, 7}, {32, 16, 3, 3, 3}, {1, 1, 1}, {{1, 1}, {1, 1}, {1, 1}}, {1, 1, 1}, {1, 1, 1},
                    {0, 4, 1, 2, 3}, {4, 3, 0, 1, 2}, {0, 4, 1, 2, 3}),
               1e-4);
}

TEST_P(Convolutions, AddsBiasResidualAndRelu) {
  for (const Case& c : cases())
    for (int which = 1; which < 8; ++which) {
      ConvSpec s = make({c.n, c.c, c.h, c.w}, {c.o, c.c, c.kh, c.kw}, {1, 1}, {{1, 1}, {1, 1}}, {1, 1}, {1, 1}, kNhwc,
                        kHwio, kNhwc);
      s.bias = which & 1, s.residual = which & 2, s.relu = which & 4;
      s.constant_rhs = which & 1;
      check_both(s);
    }
}

INSTANTIATE_TEST_SUITE_P(Threads, Convolutions, ::testing::Values(1, 2),
                         [](const auto& info) { return std::to_string(info.param) + "Threads"; });

TEST(Convolution, RefusesOtherDtypesAndEmptyOperands) {
  ConvSpec s = make({2, 5, 30}, {7, 5, 4}, {2}, {{1, 2}}, {1}, {1}, {0, 2, 1}, {2, 1, 0}, {0, 2, 1});
  s.dtype = i32;
  EXPECT_EQ(Convolution::create(s), nullptr);
  EXPECT_EQ(Convolution::create(make({0, 5, 30}, {7, 5, 4}, {2}, {{1, 2}}, {1}, {1}, {0, 2, 1}, {2, 1, 0}, {0, 2, 1})),
            nullptr);
}

TEST(Convolution, LongSumsKeepTheirPrecision) {
  // 256 * 400 products of about 1: a running sum in f32 would lose three digits.
  ConvSpec s = make({1, 4, 256, 400}, {2, 4, 256, 400}, {1, 1}, {{1, 1}, {1, 1}}, {1, 1}, {1, 1}, {3, 0, 1, 2},
                    {3, 0, 1, 2}, {2, 3, 0, 1});
  const auto convolution = Convolution::create(s);
  ASSERT_NE(convolution, nullptr);
  const std::vector<float> lhs(4 * 256 * 400, 1.1f), rhs(2 * 4 * 256 * 400, 0.9f);
  std::vector<float> out(num_elements(s.out));
  convolution->run(lhs.data(), rhs.data(), out.data());
  const double exact = 4.0 * 256 * 400 * static_cast<double>(1.1f) * static_cast<double>(0.9f);
  EXPECT_NEAR(static_cast<double>(out[4 * 2]) / exact, 1, 2e-6);
}

TEST(Convolution, ManyThreadsRunOneObject) {
  const ConvSpec s = make({2, 32, 9, 9}, {32, 32, 3, 3}, {1, 1}, {{1, 1}, {1, 1}}, {1, 1}, {1, 1}, kNhwc, kHwio, kNhwc);
  const auto convolution = Convolution::create(s);
  const auto lhs = random_values<float>(s.lhs, 1), rhs = random_values<float>(s.rhs, 2);
  std::vector<float> once(num_elements(s.out));
  convolution->run(lhs.data(), rhs.data(), once.data());
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        std::vector<float> out(once.size());
        convolution->run(lhs.data(), rhs.data(), out.data());
        for (std::size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], once[i], 1e-5f);
      }
    });
}
