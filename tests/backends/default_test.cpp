// The backend of the process, and the list of the library's primitives.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <set>

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

TEST(DefaultBackend, HasAKernelOrARuleForEveryPrimitive) {
  for (const Primitive& p : registered_primitives()) {
    const auto& rules = p.rules();
    EXPECT_TRUE(rules.aval) << p.name();
    EXPECT_TRUE(rules.impl || default_backend().kernel(p)) << p.name();
  }
}

TEST(DefaultBackend, EveryFamilyIsListed) {
  for (const char* name : {"add",
                           "sin",
                           "convert_element_type",
                           "reshape",
                           "dot_general",
                           "cholesky",
                           "reduce_sum",
                           "reduce_window_sum",
                           "gather",
                           "scatter-add",
                           "conv_general_dilated",
                           "sort",
                           "random_bits",
                           "fft",
                           "igamma",
                           "optimization_barrier",
                           "jit",
                           "cond",
                           "while",
                           "scan"})
    EXPECT_TRUE(find_primitive(name)) << name;
}

TEST(DefaultBackend, InterpretsWhenAsked) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return x * 2.f; })(spec(f32, {2}));
  const auto interpreted = default_backend().compile(j, {.interpret = true});
  EXPECT_NE(interpreted->explain().find("interpreted"), std::string::npos);
  EXPECT_EQ(interpreted->run(Arrays{array<float>({1, 2})})[0].to_vector<float>(), (Floats{2, 4}));
  EXPECT_EQ(default_backend().compile(j, {})->run(Arrays{array<float>({1, 2})})[0].to_vector<float>(), (Floats{2, 4}));
}

TEST(DefaultBackend, SubnormalsAreFlushedDuringARunOnly) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return x * 0.5f; })(spec(f32, {1}));
  const Array tiny = full({1}, std::numeric_limits<float>::min());
  EXPECT_GT(default_backend().compile(j, {.interpret = true})->run(Arrays{tiny})[0].item<float>(0), 0);
  const auto flushing = default_backend().compile(j, {.interpret = true, .flush_subnormals = true});
  const float flushed = flushing->run(Arrays{tiny})[0].item<float>(0);
  EXPECT_TRUE(flushed == 0 || flushed == std::numeric_limits<float>::min() / 2);  // not every processor can
  volatile float least = std::numeric_limits<float>::min();
  EXPECT_GT(least * 0.5f, 0);
}

}  // namespace
}  // namespace tf2jax
