// Whole-file and ranged reads.
#include <gtest/gtest.h>
#include <tf2jax/base/error.h>
#include <tf2jax/tf_graph/internal/files.h>

#include <fstream>

#include "../support.h"

namespace tf2jax {
namespace {

TEST(Files, PathsStayBelowTheRoot) {
  EXPECT_EQ(detail::join_below("/m", "a/b.txt", "test").string(), "/m/a/b.txt");
  for (const char* bad : {"../x", "/etc/passwd", "a/../../b", ""})
    EXPECT_THROW(detail::join_below("/m", bad, "test"), ValueError) << bad;
}

class ReadFile : public TestWithFolder {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(directory_);
    std::ofstream(path_, std::ios::binary) << "abcdef";
  }
  const std::filesystem::path path_ = directory_ / "file";
};

TEST_F(ReadFile, WholeAndInRanges) {
  EXPECT_EQ(detail::read_file(path_), "abcdef");
  const detail::InputFile file(path_);
  EXPECT_EQ(file.size(), 6);
  std::string part(3, ' ');
  file.read(2, std::as_writable_bytes(std::span(part)));
  EXPECT_EQ(part, "cde");
  file.read(6, {});
}

TEST_F(ReadFile, EmptyOnes) {
  std::ofstream(directory_ / "empty");
  EXPECT_EQ(detail::read_file(directory_ / "empty"), "");
}

TEST_F(ReadFile, RangesPastTheEndAreLostData) {
  const detail::InputFile file(path_);
  std::string part(3, ' ');
  for (const std::int64_t at :
       {std::int64_t{4}, std::int64_t{7}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::max()})
    expect_error<DataLossError>([&] { file.read(at, std::as_writable_bytes(std::span(part))); }, "is truncated");
}

TEST_F(ReadFile, WhatIsNoFileIsRefused) {
  expect_error<IoError>([&] { detail::read_file(directory_ / "nothing"); }, "cannot open");
  expect_error<IoError>([&] { detail::read_file(directory_); }, "it is not a regular file");
  expect_error<IoError>([&] { detail::read_file(path_, 5); }, "Got 6 bytes");
  EXPECT_EQ(detail::read_file(path_, 6), "abcdef");
}

}  // namespace
}  // namespace tf2jax
