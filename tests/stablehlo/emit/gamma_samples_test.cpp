// Gamma samples written out: the numbers that jax.random draws.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"
#include "tf2jax/stablehlo/internal/special_functions.h"

using namespace tf2jax;

TEST(GammaSamples, AreThoseOfJax) {
  const Array key = random::raw_key(3), alpha = array<float>({0.5f, 1.5f, 9.f});
  expect_close(stablehlo::written_out::gamma_samples(key, alpha, {}), {0.13466075, 0.4801843, 16.043617}, 1e-5);
  expect_close(stablehlo::written_out::gamma_samples(key, alpha, {.log_space = true}),
               {-2.0049968, -0.7335853, 2.7753112}, 1e-5);
}

TEST(GammaSamples, AreThoseOfThePrimitiveForManyKeys) {
  const Array keys = random::split(random::raw_key(7), 2), alpha = array<float>({{0.3f, 2.f, 5.f}, {1.f, 40.f, 0.7f}});
  for (const bool partitionable : {true, false}) {
    const RandomGamma p{.partitionable = partitionable};
    const Array want = random_gamma_p().bind1({random::wrap_key_data(keys), alpha}, p);
    expect_close(stablehlo::written_out::gamma_samples(keys, alpha, p), want.to_vector<double>(), 1e-5);
  }
}
