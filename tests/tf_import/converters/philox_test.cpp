// TensorFlow's own random numbers, bit for bit as tests/oracle/tf_random.py recorded them.
#include <tf2jax/tf2jax.h>
#include <tf2jax/tf_import/converters/internal/philox.h>

#include "../../support.h"
#include "../recorded_nodes.h"

namespace tf2jax {
namespace {

// The known answers of Salmon et al.'s Random123: counter and key all zeros, all ones, and digits of pi.
TEST(Philox, GivesThePublishedBits) {
  using tf_import::Philox;
  constexpr std::uint64_t kOnes = ~std::uint64_t{0};
  EXPECT_EQ((Philox{0, {0, 0}}.block(0)), (Philox::Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ((Philox{kOnes, {kOnes, kOnes}}.block(0)), (Philox::Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ((Philox{0x299f31d0a4093822, {0x85a308d3243f6a88, 0x0370734413198a2e}}.block(0)),
            (Philox::Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, CountersCarry) {
  using tf_import::Philox;
  constexpr std::uint64_t kOnes = ~std::uint64_t{0};
  EXPECT_EQ((Philox{7, {kOnes, 3}}.block(1)), (Philox{7, {0, 4}}.block(0)));
}

TEST(ExactRandom, IsWhatTensorFlowDraws) {
  const auto exact = override_config(&Config::tf_exact_random, true);
  check_recorded("random/stateless.json", 50);
}

std::string uniform_of(const std::string& seed) {
  return seed + constant("n", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 3") +
         node("y", "StatelessRandomUniform", {"n", "s"}, "attr { key: \"dtype\" value { type: DT_FLOAT } }");
}

TEST(ExactRandom, IsForWhoAsks) {
  const std::string graph =
      uniform_of(constant("s", "dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: 1 int_val: 2"));
  const auto drawn = [&] { return import(graph + kScalarX, {"y"}, {"x"})(1.f).array().to_vector<float>(); };
  const auto jax = drawn();
  const auto exact = override_config(&Config::tf_exact_random, true);
  EXPECT_NE(drawn(), jax);
}

TEST(ExactRandom, NeedsAKnownSeed) {
  const auto exact = override_config(&Config::tf_exact_random, true);
  const auto f = import(uniform_of(placeholder("s", "dim { size: 2 }", "DT_INT32")), {"y"}, {"s"});
  const Array seed = array<std::int32_t>({1, 2});
  EXPECT_EQ(f(seed).array().size(), 3);
  expect_error<ConcretizationError>([&] { jit([&](const Array& s) { return f(s).array(); })(seed); },
                                    "need a seed that is known");
}

TEST(ExactRandom, NamesWhatItLacks) {
  const auto exact = override_config(&Config::tf_exact_random, true);
  const std::string graph =
      constant("s", "dtype: DT_INT32 tensor_shape { dim { size: 2 } } int_val: 1 int_val: 2") +
      constant("n", "dtype: DT_INT32 tensor_shape { dim { size: 1 } } int_val: 3") +
      placeholder("x", "dim { size: 3 }") +
      node("y", "StatelessRandomPoisson", {"n", "s", "x"}, "attr { key: \"dtype\" value { type: DT_FLOAT } }");
  expect_error<NotImplementedError>([&] { import(graph, {"y"}, {"x"})(ones({3})); },
                                    "not implemented for StatelessRandomPoisson");
}

}  // namespace
}  // namespace tf2jax
