// rng_bit_generator beside the known answers of Random123 (kat_vectors of Salmon et al.), and against itself: streams
// go on where they ended. What JAX draws is in the golden cases.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"

namespace tf2jax {
namespace {

using Words = std::vector<std::uint32_t>;
constexpr std::uint64_t kOnes = ~std::uint64_t{0};

Array state_of(const std::vector<std::uint64_t>& words) {
  return detail::exact_array({u64, {Dim(static_cast<std::int64_t>(words.size()))}, false},
                             std::as_bytes(std::span(words)));
}

TEST(RngBitGenerator, PhiloxGivesTheKnownAnswers) {
  const auto draw = [](std::uint64_t word) {
    return rng_bit_generator(state_of({word, word, word}), {4}, u32, RngAlgorithm::philox);
  };
  EXPECT_EQ(draw(0).second.to_vector<std::uint32_t>(), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(draw(kOnes).second.to_vector<std::uint32_t>(), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(draw(kOnes).first.to_vector<std::uint64_t>(), (std::vector<std::uint64_t>{kOnes, 0, 0}));
}

TEST(RngBitGenerator, ThreeFryGivesTheKnownAnswers) {
  const auto draw = [](std::uint64_t word) {
    return rng_bit_generator(state_of({word, word}), {2}, u32, RngAlgorithm::three_fry).second;
  };
  EXPECT_EQ(draw(0).to_vector<std::uint32_t>(), (Words{0x6b200159, 0x99ba4efe}));
  EXPECT_EQ(draw(kOnes).to_vector<std::uint32_t>(), (Words{0x1cb996fc, 0xbb002be7}));
}

TEST(RngBitGenerator, StreamsGoOnWhereTheyEnded) {
  for (const RngAlgorithm algorithm : {RngAlgorithm::automatic, RngAlgorithm::three_fry, RngAlgorithm::philox})
    for (const DType type : {u32, u64}) {
      const Array start = state_of({0x123456789abcdef0, 0xfffffffe});
      const auto [end, all] = rng_bit_generator(start, {12, 2}, type, algorithm);
      const auto [middle, head] = rng_bit_generator(start, {4, 2}, type, algorithm);
      const auto [last, tail] = rng_bit_generator(middle, {8, 2}, type, algorithm);
      EXPECT_EQ(last.to_vector<std::uint64_t>(), end.to_vector<std::uint64_t>());
      const Array joined = concatenate({head, tail}, 0);
      if (algorithm == RngAlgorithm::three_fry && type == u32) continue;  // words are paired along axes
      EXPECT_EQ(joined.to_vector<std::uint64_t>(), all.to_vector<std::uint64_t>()) << param_text(algorithm);
    }
}

TEST(RngBitGenerator, FourWordsAreAStateToo) {
  const Array wide = state_of({0x0000000200000001, 0x0000000400000003});
  const Array words = array<std::uint32_t>({1, 2, 3, 4});
  const auto [next, bits] = rng_bit_generator(words, {3, 5});
  const auto [next_wide, bits_wide] = rng_bit_generator(wide, {3, 5});
  EXPECT_EQ(bits.to_vector<std::uint32_t>(), bits_wide.to_vector<std::uint32_t>());
  EXPECT_EQ(next.dtype(), u32);
  EXPECT_EQ(next.to_vector<std::uint32_t>(), (Words{1, 2, 7, 4}));  // four blocks for fifteen words
  EXPECT_EQ(next_wide.to_vector<std::uint64_t>(), (std::vector<std::uint64_t>{0x0000000200000001, 0x0000000400000007}));
}

TEST(RngBitGenerator, SmallTypesAreTheLowBits) {
  const Array state = array<std::uint32_t>({1, 2, 3, 4});
  const Words words = rng_bit_generator(state, {6}).second.to_vector<std::uint32_t>();
  const auto bytes = rng_bit_generator(state, {6}, u8).second.to_vector<std::uint32_t>();
  const auto halves = rng_bit_generator(state, {6}, u16).second.to_vector<std::uint32_t>();
  for (std::size_t i = 0; i < words.size(); ++i) {
    EXPECT_EQ(bytes[i], words[i] & 0xff);
    EXPECT_EQ(halves[i], words[i] & 0xffff);
  }
}

TEST(RngBitGenerator, MappedExamplesShareTheFirstOnesStream) {
  const Array states = reshape(array<std::uint32_t>({1, 2, 3, 4, 5, 6, 7, 8}), {2, 4});
  const auto f = [](const Array& s) {
    const auto [next, bits] = rng_bit_generator(s, {3});
    return std::vector{next, bits};
  };
  const std::vector<Array> mapped = vmap(f)(states);
  const auto [next, bits] = rng_bit_generator(states[0], {2, 3});
  EXPECT_EQ(mapped[1].to_vector<std::uint32_t>(), bits.to_vector<std::uint32_t>());
  EXPECT_EQ(mapped[0][0].to_vector<std::uint32_t>(), next.to_vector<std::uint32_t>());
  EXPECT_EQ(mapped[0][1].to_vector<std::uint32_t>(), (Words{5, 6, 7, 8}));
  EXPECT_EQ(vmap(f)(zeros({0, 4}, u32))[1].shape(), (Shape{0, 3}));
}

TEST(RngBitGenerator, CompiledDrawsTheSame) {
  const Array state = array<std::uint32_t>({9, 8, 7, 6});
  const auto f = [](const Array& s) { return rng_bit_generator(s, {5, 3}, u32, RngAlgorithm::three_fry).second; };
  EXPECT_EQ(jit(f)(state).to_vector<std::uint32_t>(), f(state).to_vector<std::uint32_t>());
}

TEST(RngBitGenerator, SizesOfNothingAndOfOne) {
  const Array state = array<std::uint32_t>({9, 8, 7, 6});
  for (const RngAlgorithm algorithm : {RngAlgorithm::three_fry, RngAlgorithm::philox}) {
    EXPECT_EQ(rng_bit_generator(state, {0, 3}, u32, algorithm).second.shape(), (Shape{0, 3}));
    EXPECT_EQ(rng_bit_generator(state, {0, 3}, u32, algorithm).first.to_vector<std::uint32_t>(), (Words{9, 8, 7, 6}));
    EXPECT_EQ(rng_bit_generator(state, {}, u32, algorithm).first.to_vector<std::uint32_t>(), (Words{9, 8, 8, 6}));
    EXPECT_EQ(rng_bit_generator(state, {1, 1}, u32, algorithm).second.to_vector<std::uint32_t>(),
              rng_bit_generator(state, {}, u32, algorithm).second.to_vector<std::uint32_t>());
  }
}

TEST(RngBitGenerator, Refusals) {
  expect_error<ShapeError>([] { rng_bit_generator(array<std::uint32_t>({1, 2}), {3}); }, "u32[4]");
  expect_error<ShapeError>([] { rng_bit_generator(state_of({1, 2, 3}), {3}, u32, RngAlgorithm::three_fry); }, "u64[3]");
  expect_error<DtypeError>([] { rng_bit_generator(ones({4}), {3}); }, "state");
  expect_error<DtypeError>([] { rng_bit_generator(array<std::uint32_t>({1, 2, 3, 4}), {3}, f32); }, "f32");
  expect_error<ShapeError>([] { rng_bit_generator(array<std::uint32_t>({1, 2, 3, 4}), {-3}); }, "-3");
}

}  // namespace
}  // namespace tf2jax
