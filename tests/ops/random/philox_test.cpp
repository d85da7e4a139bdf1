// Philox beside the known answers of Random123 (kat_vectors of Salmon et al.): all zeros, all ones, and digits of pi.
#include <gtest/gtest.h>
#include <tf2jax/ops/internal/philox.h>

namespace tf2jax {
namespace {

TEST(Philox, GivesThePublishedBits) {
  constexpr std::uint64_t kOnes = ~std::uint64_t{0};
  EXPECT_EQ((Philox{0, {0, 0}}.block(0)), (Philox::Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ((Philox{kOnes, {kOnes, kOnes}}.block(0)), (Philox::Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ((Philox{0x299f31d0a4093822, {0x85a308d3243f6a88, 0x0370734413198a2e}}.block(0)),
            (Philox::Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, CountersCarry) {
  constexpr std::uint64_t kOnes = ~std::uint64_t{0};
  EXPECT_EQ((Philox{7, {kOnes, 3}}.block(1)), (Philox{7, {0, 4}}.block(0)));
}

}  // namespace
}  // namespace tf2jax
