// Keys and bits: Threefry's published test vectors, the laws of keys, and shapes.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../../support.h"

namespace tf2jax {
namespace {

TEST(Threefry, GivesThePublishedNumbers) {
  // Salmon et al., Random123: kat_vectors of threefry2x32 with 20 rounds.
  const auto rounds = [](std::uint32_t k0, std::uint32_t k1, std::uint32_t c0, std::uint32_t c1) {
    const Arrays out = threefry2x32_p().bind(
        {array<std::uint32_t>(k0), array<std::uint32_t>(k1), array<std::uint32_t>({c0}), array<std::uint32_t>({c1})});
    return std::pair(out[0].item<std::uint32_t>(0), out[1].item<std::uint32_t>(0));
  };
  EXPECT_EQ(rounds(0, 0, 0, 0), std::pair(0x6b200159u, 0x99ba4efeu));
  EXPECT_EQ(rounds(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu), std::pair(0x1cb996fcu, 0xbb002be7u));
  EXPECT_EQ(rounds(0x13198a2eu, 0x03707344u, 0x243f6a88u, 0x85a308d3u), std::pair(0xc4923a9cu, 0x483df7a0u));
}

TEST(RandomKeys, SeedsAreTheWordsOfTheKey) {
  EXPECT_EQ(random::key_data(random::key(42)).to_vector<std::uint32_t>(), (std::vector<std::uint32_t>{0, 42}));
  EXPECT_EQ(random::key(0).dtype(), DType::key);
  EXPECT_EQ(random::key(0).rank(), 0);
  const Array data = array<std::uint32_t>({{1, 2}, {3, 4}});
  const Array keys = random::wrap_key_data(data);
  EXPECT_EQ(keys.dims(), Dims{2});
  EXPECT_EQ(random::key_data(keys).to_vector<std::uint32_t>(), data.to_vector<std::uint32_t>());
}

TEST(RandomBits, WidthsAndShapes) {
  const Array key = random::key(7);
  for (const auto& [d, width] : {std::pair(u8, 8), std::pair(u16, 16), std::pair(u32, 32)}) {
    const Array x = random_bits_p().bind1({key}, RandomBits{width, {3, 5}});
    EXPECT_EQ(x.dtype(), d);
    EXPECT_EQ(x.dims(), (Dims{3, 5}));
  }
  EXPECT_EQ(random_bits_p().bind1({key}, RandomBits{32, {0}}).size(), 0);
}

TEST(RandomBits, NumbersDependOnTheirPlaceOnly) {
  const Array key = random::key(7);
  const auto few = random_bits_p().bind1({key}, RandomBits{32, {3}}).to_vector<std::uint32_t>();
  const auto more = random_bits_p().bind1({key}, RandomBits{32, {9}}).to_vector<std::uint32_t>();
  EXPECT_TRUE(std::equal(few.begin(), few.end(), more.begin()));
}

TEST(RandomKeys, SplitAndFoldAreBatched) {
  const Array keys = random::split(random::key(3), 4);
  EXPECT_EQ(keys.dims(), Dims{4});
  const auto one = [](const Array& k) { return random::key_data(random::fold_in(k, Array(5))); };
  const Array all_of_them = vmap(one)(keys);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(all_of_them[i].to_vector<std::uint32_t>(), one(keys[i]).to_vector<std::uint32_t>());
}

TEST(RandomKeys, ParamsThatDoNotFit) {
  expect_error<DtypeError>([] { random_bits_p().bind1({ones({2})}, RandomBits{32, {1}}); }, "random_bits");
  expect_error<DtypeError>([] { random_split_p().bind1({array<int>({1, 2})}, RandomSplit{{2}}); }, "random_split");
}

}  // namespace
}  // namespace tf2jax
