// Arithmetic that is simplified while it is lowered, bit for bit.
#include <bit>
#include <cmath>

#include "check_program.h"

namespace tf2jax {
namespace {

TEST(Compile, MovingSignsAndPowersOfTwoChangesNoBit) {
  const float inf = INFINITY, tiny = 1e-45f, huge = 3e38f;
  const Array x = array({1.5f, -0.f, 0.f, inf, -inf, tiny, -tiny, huge, 0.3f, -7.7f, 1e-39f}),
              y = array({0.1f, 3.f, -0.f, -2.f, 1e-3f, 0.7f, huge, -huge, tiny, 1.1f, -0.6f});
  const auto f = [](const Array& a, const Array& b) {
    return std::tuple{-((-2.f * a) * (-b)), 100.f * (2.f * -a), 3.f * (0.5f * a), (-a) * b,
                      -(3.f * -b),          0.1f * (4.f * a),   (-a) * (-3.f),    -(-a),
                      1.f * (a * -1.f)};
  };
  const Jaxpr program = make_jaxpr(f)(x, y);
  const Arrays got = default_backend().compile(program, {})->run({{x, y}}),
               want = default_backend().compile(program, {.interpret = true})->run({{x, y}});
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto a = got[i].data<float>(), b = want[i].data<float>();
    for (std::size_t k = 0; k < a.size(); ++k)
      EXPECT_EQ(std::bit_cast<std::uint32_t>(a[k]), std::bit_cast<std::uint32_t>(b[k]))
          << i << ' ' << k << ": " << a[k] << ", " << b[k];
  }
}

TEST(Compile, SeedsOfJacobiansAreNotMultiplied) {
  const Array w1 = values({14, 14}), w2 = values({14, 14}, 1), x = values({14}, 2);
  const auto f = [=](const Array& v) { return tanh(matmul(tanh(matmul(v, w1)), w2)); };
  check_function(jacrev(f), x);
  check_function(jacfwd(f), x);
  check_function(
      [](const Array& a) {
        return matmul(eye(14) * 3.f, a) + matmul(a, eye(14) * a(0)) +
               matmul(a, transpose(eye(14) * expand_dims(a(1), {1})));
      },
      w1);
  const std::string plan = default_backend().compile(make_jaxpr(jacrev(f))(x), {})->explain();
  std::size_t products = 0;
  for (std::size_t at = plan.find("14x14x14"); at != std::string::npos; at = plan.find("14x14x14", at + 1)) ++products;
  EXPECT_EQ(products, 1u) << plan;
}

}  // namespace
}  // namespace tf2jax
