// Checksums of the standard's test vectors.
#include <gtest/gtest.h>
#include <tf2jax/tf_graph/internal/crc32c.h>

#include <string>
#include <vector>

namespace tf2jax {
namespace {

std::uint32_t crc(std::string_view text, std::uint32_t before = 0) {
  return detail::crc32c_extend(before, std::as_bytes(std::span(text.data(), text.size())));
}

TEST(Crc32c, GivesThePublishedChecksums) {
  EXPECT_EQ(crc("123456789"), 0xe3069283u);  // the check value of CRC-32C
  // RFC 3720, B.4.
  EXPECT_EQ(crc(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc(std::string(32, '\xff')), 0x62a8ab43u);
  std::string ascending, descending;
  for (int i = 0; i < 32; ++i) {
    ascending += static_cast<char>(i);
    descending += static_cast<char>(31 - i);
  }
  EXPECT_EQ(crc(ascending), 0x46dd794eu);
  EXPECT_EQ(crc(descending), 0x113fdb5cu);
}

TEST(Crc32c, OfNothingIsZeroAndPartsAddUp) {
  EXPECT_EQ(crc(""), 0u);
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>(i * 7);
  for (const std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{500}, std::size_t{1000}})
    EXPECT_EQ(crc(text.substr(at), crc(text.substr(0, at))), crc(text)) << at;
}

TEST(Crc32c, MasksAreThoseOfLevelDb) {
  EXPECT_EQ(detail::mask_crc(0), 0xa282ead8u);
  EXPECT_NE(detail::mask_crc(crc("a")), crc("a"));
  EXPECT_EQ(detail::mask_crc(0x12345678u), ((0x12345678u >> 15) | (0x12345678u << 17)) + 0xa282ead8u);
}

}  // namespace
}  // namespace tf2jax
