// Long programs: releasing and walking them must not recurse.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/passes/dce.h"

using namespace tf2jax;

TEST(Lifetime, AMillionEagerOperations) {
  Array x(0.f);
  for (int i = 0; i < 1'000'000; ++i) x = x + 1.f;
  EXPECT_EQ(x.item<float>(), 1e6f);
}

TEST(Lifetime, AMillionOperationsRecordedForReverseMode) {
  const auto [y, pullback] = vjp(
      [](const Array& x) {
        Array z = x;
        for (int i = 0; i < 1'000'000; ++i) z = -z;
        return z;
      },
      Array(2.f));
  EXPECT_EQ(y.item<float>(), 2.f);
  EXPECT_EQ(std::get<0>(pullback(3.f)).item<float>(), 3.f);
}

TEST(Lifetime, AHundredThousandEquations) {
  const auto chain = [](const Array& x) {
    Array z = x;
    for (int i = 0; i < 100'000; ++i) z = z + 1.f;
    return z;
  };
  const Jaxpr program = make_jaxpr(chain)(spec(f32));
  EXPECT_EQ(program->eqns.size(), 100'000u);
  check_jaxpr(program);
  const Array args[] = {Array(1.f)};
  EXPECT_EQ(eval_jaxpr(program, args)[0].item<float>(), 100'001.f);
  EXPECT_EQ(dce(program)->eqns.size(), 100'000u);
  EXPECT_EQ(jit(chain)(1.f).item<float>(), 100'001.f);
  EXPECT_EQ(grad(jit(chain))(1.f).item<float>(), 1.f);
  const std::string text = to_string(program);
  EXPECT_TRUE(parse_jaxpr(text) == program);
}
