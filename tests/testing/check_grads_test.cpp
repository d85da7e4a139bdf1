// The checks find wrong derivatives and wrong batching, and pass right ones.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

using testing::check_grads;
using testing::check_vmap;

// x^2 whose derivative rule gives `slope` times x.
auto square_with(float slope) {
  return custom_jvp([](const Array& x) { return x * x; }).defjvp([slope](auto p, auto t) {
    const Array x = std::get<0>(p);
    return std::pair{x * x, slope * x * std::get<0>(t)};
  });
}

TEST(CheckGrads, PassesWhatIsRight) {
  const auto x64 = override_config(&Config::enable_x64, true);
  check_grads([](const Array& x, const Array& y) { return sin(x) * y; },
              {array<double>({0.5, 1}), array<double>({2, 3})}, {.order = 3});
  check_grads([](const Array& x) { return exp(x); }, {array<float>({0.5f})});
  check_grads(square_with(2), {array<float>({1, 2})});
}

TEST(CheckGrads, FindsWhatIsWrong) {
  expect_error<Error>([] { check_grads(square_with(2.5f), {array<float>({1, 2})}); },
                      "forward mode disagrees with finite differences");
  const auto backwards =
      custom_vjp([](const Array& x) { return x * x; }, [](const Array& x) { return std::pair{x * x, x}; },
                 [](const Array& x, const Array& ct) { return std::tuple{3.f * x * ct}; });
  EXPECT_THROW(check_grads(backwards, {array<float>({1, 2})}, {.forward = false}), Error);
}

TEST(CheckGrads, FindsWhatIsWrongInTheSecondOrderOnly) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const auto f = custom_jvp([](const Array& x) { return x * x * x; }).defjvp([](auto p, auto t) {
    const Array x = std::get<0>(p);
    return std::pair{x * x * x, stop_gradient(3.0 * x * x) * std::get<0>(t)};
  });
  check_grads(f, {array<double>({1, 2})});
  EXPECT_THROW(check_grads(f, {array<double>({1, 2})}, {.order = 2}), Error);
}

TEST(CheckGrads, WholeNumbersAreNotMoved) {
  check_grads([](const Array& x, const Array& n) { return x * astype(n, f32); },
              {array<float>({1, 2}), array<int>({3, 4})});
}

TEST(CheckVmap, FindsRulesThatAreWrong) {
  check_vmap([](const Array& x, const Array& y) { return sum(x * y); }, {array<float>({1, 2}), array<float>({3, 4})});
  const Primitive p =
      make_primitive({.name = "check_vmap_test_wrong",
                      .operands = 1,
                      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals { return {x[0]}; },
                      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim,
                                  const NoParams&) -> BatchResult { return {{x[0] * 3.f}, {axes[0]}}; },
                      .impl = [](std::span<const Array> x, const NoParams&) -> Arrays { return {x[0] * 2.f}; }});
  expect_error<Error>([&] { check_vmap([&](const Array& x) { return p.bind1({x}); }, {array<float>({1, 2})}); },
                      "check_vmap");
}

}  // namespace
}  // namespace tf2jax
