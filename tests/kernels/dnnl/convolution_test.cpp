// Convolutions by the library, where it is there: against the own kernels, in whole numbers.
#include <gtest/gtest.h>

#include <cmath>

#include "../conv_specs.h"
#include "tf2jax/kernels/internal/conv_problem.h"

namespace tf2jax {
namespace {

using kernels::make_primitive_convolution;

TEST(LibraryConvolution, EqualsTheOwnOne) {
  auto s = conv_spec({2, 9, 8, 16}, {3, 3, 16, 16}, {1, 1});
  s.padding = {{1, 1}, {1, 1}}, s.out = {2, 9, 8, 16};
  for (const bool finished : {false, true}) {
    s.bias = s.relu = finished;
    const auto p = kernels::forward_problem(s);
    const auto made = make_primitive_convolution(*p), own = kernels::make_direct_convolution(*p);
    if (!made) GTEST_SKIP() << "no fast implementation";
    std::vector<float> x(static_cast<std::size_t>(num_elements(s.lhs))),
        k(static_cast<std::size_t>(num_elements(s.rhs)));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7 % 11) - 5;
    for (std::size_t i = 0; i < k.size(); ++i) k[i] = static_cast<float>(i * 5 % 7) - 3;
    const std::vector<float> bias(16, 4);
    std::vector<float> got(static_cast<std::size_t>(num_elements(s.out)), NAN), want = got;
    made->run({x.data(), k.data(), got.data(), bias.data(), nullptr});
    own->run({x.data(), k.data(), want.data(), bias.data(), nullptr});
    EXPECT_EQ(got, want);
  }
}

TEST(LibraryConvolution, RefusesOtherForms) {
  auto s = conv_spec({1, 9, 16}, {3, 16, 16}, {1});
  s.dtype = DType::f64;
  EXPECT_EQ(make_primitive_convolution(*kernels::forward_problem(s)), nullptr);
  s = conv_spec({1, 9, 16}, {3, 16, 16}, {1});
  s.lhs_dilation = {2}, s.out = {1, 15, 16};
  EXPECT_EQ(make_primitive_convolution(*kernels::forward_problem(s)), nullptr);
  EXPECT_EQ(make_primitive_convolution(
                *kernels::forward_problem(conv_spec({1, 3, 3, 3, 3, 1}, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 1}))),
            nullptr);
}

}  // namespace
}  // namespace tf2jax
