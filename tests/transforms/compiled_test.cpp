// Executables: kept with their programs, interpreted on demand, made in the background.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/transforms/compiled.h>

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Jaxpr doubled() {
  return make_jaxpr([](const Array& x) { return x * 2.f; })(spec(f32, {2}));
}
const Arrays kArgs{array<float>({1, 2})};

TEST(Compiled, IsMadeOnceForAProgram) {
  const Jaxpr j = doubled();
  const auto first = compiled(j);
  EXPECT_EQ(first, compiled(j));
  EXPECT_EQ(first, compiled(doubled()));  // an equal program
  EXPECT_EQ(first->run(kArgs)[0].to_vector<float>(), (Floats{2, 4}));
}

TEST(Compiled, OptionsAndConfigurationMakeOthers) {
  const Jaxpr j = doubled();
  const auto plain = compiled(j);
  EXPECT_NE(plain, compiled(j, {.interpret = true}));
  EXPECT_NE(plain, compiled(j, {.flush_subnormals = true}));
  const auto interpreting = override_config(&Config::interpret, true);
  const auto other = compiled(j);
  EXPECT_NE(plain, other);
  EXPECT_EQ(other, compiled(j, {.interpret = true}));
  EXPECT_EQ(other->run(kArgs)[0].to_vector<float>(), (Floats{2, 4}));
}

TEST(CompileInBackground, GivesValuesAtOnceAndLater) {
  const auto e = compile_in_background(doubled(), {});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(e->run(kArgs)[0].to_vector<float>(), (Floats{2, 4}));
  Arrays donated = kArgs;
  EXPECT_EQ(e->run_donated(donated)[0].to_vector<float>(), (Floats{2, 4}));
  EXPECT_FALSE(e->explain().empty());
}

}  // namespace
}  // namespace tf2jax
