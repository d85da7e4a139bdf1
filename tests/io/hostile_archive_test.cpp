// Archives and headers that claim more than there is.
#include "tf2jax/base/config.h"
#include "tf2jax/io/internal/zip.h"
#include "tf2jax/io/npy.h"
#include "tf2jax/ops/shape_ops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "../support.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;

// The archive with `count` further entries in its directory, each for the bytes of its only member.
std::string with_shared_members(const std::string& archive, int count) {
  const std::size_t end = archive.size() - 22;
  std::uint32_t directory = 0;
  std::memcpy(&directory, archive.data() + end + 16, 4);
  const std::string entry = archive.substr(directory, end - directory);
  std::string out = archive.substr(0, end), tail = archive.substr(end);
  for (int i = 0; i < count; ++i) {
    std::string copy = entry;
    copy[46] = static_cast<char>('b' + i);  // its name
    out += copy;
  }
  const auto members = static_cast<std::uint16_t>(1 + count);
  const auto size = static_cast<std::uint32_t>(entry.size() * members);
  std::memcpy(tail.data() + 8, &members, 2);
  std::memcpy(tail.data() + 10, &members, 2);
  std::memcpy(tail.data() + 12, &size, 4);
  return out + tail;
}

TEST(HostileNpz, MembersThatShareBytesAreRefused) {
  for (const bool compress : {false, true}) {
    const std::string good = to_npz({{"a", zeros({1000})}}, {.compress = compress});
    EXPECT_EQ(parse_npz(with_shared_members(good, 0)).size(), 1u);
    EXPECT_THAT(message_of<DataLossError>([&] { parse_npz(with_shared_members(good, 3), "bomb.npz"); }),
                HasSubstr("bomb.npz: two members share the bytes"));
  }
}

TEST(HostileNpz, SizesThatDoNotMatchAreRefused) {
  const std::string good = to_npz({{"a", zeros({1000})}}, {.compress = true});
  for (const std::uint32_t size : {0u, 4000u, 4129u, 1u << 31}) {
    std::string bad = good;
    std::uint32_t directory = 0;
    std::memcpy(&directory, bad.data() + bad.size() - 22 + 16, 4);
    std::memcpy(bad.data() + directory + 24, &size, 4);
    EXPECT_THROW(parse_npz(bad), DataLossError) << size;
  }
}

TEST(HostileNpz, MembersBeyondTheLimitAreRefusedBeforeTheyAreRead) {
  const std::string archive = to_npz({{"a", zeros({1000})}}, {.compress = true});
  {
    const auto few = override_config(&Config::max_array_elements, 999);
    EXPECT_THAT(message_of<ResourceExhaustedError>([&] { parse_npz(archive, "x.npz"); }),
                HasSubstr("x.npz, member 'a.npy'"));
  }
  EXPECT_EQ(parse_npz(archive).at("a").size(), 1000);
}

std::string npy(const std::string& shape) {
  std::string header = "{'descr': '<f4', 'fortran_order': True, 'shape': " + shape + ", }";
  header.append(117 - header.size(), ' ');
  std::string file("\x93NUMPY\x01\x00\x76\x00", 10);
  return file.append(header).append(1, '\n');
}

TEST(HostileNpy, ShapesThatCannotBe) {
  EXPECT_THROW(parse_npy(npy("(-1,)")), DataLossError);
  EXPECT_THROW(parse_npy(npy("(4611686018427387904, 4611686018427387904)")), DataLossError);
  EXPECT_THROW(parse_npy(npy("(99999999999999999999,)")), DataLossError);
  EXPECT_THROW(parse_npy(npy("(0, 4611686018427387904)")), ResourceExhaustedError);
  EXPECT_EQ(parse_npy(npy("(0, 3)")).dims(), (Dims{0, 3}));
  std::string wide = npy("(0,)");
  wide[6] = 2;
  wide.replace(8, 4, "\xff\xff\xff\xff", 4);
  EXPECT_THROW(parse_npy(wide), DataLossError);
}

}  // namespace
}  // namespace tf2jax
