// Archives: what is written is read again, and damage is found.
#include <gtest/gtest.h>
#include <tf2jax/io/internal/zip.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

using detail::list_zip;
using detail::open_member;
using detail::write_zip;
using detail::ZipMember;

std::string contents_of(const detail::ZipEntry& e) { return read_all(*open_member(e, e.name)); }

TEST(Zip, MembersComeBackInOrder) {
  std::string large;
  for (int i = 0; i < 100000; ++i) large += static_cast<char>(i % 251);
  const std::vector<ZipMember> members{{"a.npy", "hello"}, {"empty", ""}, {"large", large}};
  for (const bool compress : {false, true}) {
    const std::string bytes = write_zip(members, compress);
    const auto entries = list_zip(bytes, "test");
    ASSERT_EQ(entries.size(), 3u);
    for (std::size_t i = 0; i < members.size(); ++i) {
      EXPECT_EQ(entries[i].name, members[i].name);
      EXPECT_EQ(entries[i].size, members[i].contents.size());
      EXPECT_EQ(contents_of(entries[i]), members[i].contents);
    }
  }
  EXPECT_LT(write_zip(members, true).size(), write_zip(members, false).size() / 2);
}

TEST(Zip, AnArchiveMayBeEmpty) { EXPECT_TRUE(list_zip(write_zip({}, false), "test").empty()); }

TEST(Zip, TheChecksumIsThatOfTheStandard) {
  // CRC-32 of "123456789", as the standard gives it.
  const std::string bytes = write_zip({{"digits", "123456789"}}, false);
  EXPECT_EQ(list_zip(bytes, "test")[0].crc, 0xcbf43926u);
}

TEST(Zip, DamageIsFound) {
  const std::string bytes = write_zip({{"a", "hello, hello, hello"}}, false);
  std::string flipped = bytes;
  flipped[bytes.find("hello")] ^= 1;
  const auto entries = list_zip(flipped, "test");
  expect_error<DataLossError>([&] { contents_of(entries[0]); }, "a");
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_THROW(list_zip(std::string_view(bytes).substr(0, n), "test"), DataLossError) << n;
  expect_error<DataLossError>([] { list_zip("not an archive", "test"); }, "test");
}

}  // namespace
}  // namespace tf2jax
