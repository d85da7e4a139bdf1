// Bytes that are read in order, from memory and from files.
#include <gtest/gtest.h>
#include <tf2jax/io/internal/byte_source.h>
#include <tf2jax/tf2jax.h>

#include <fstream>

#include "../support.h"

namespace tf2jax {
namespace {

using detail::FileSource;
using detail::MemorySource;
using detail::read_all;

class ByteSources : public TestWithFolder {};

TEST_F(ByteSources, AreReadInOrder) {
  std::filesystem::create_directories(directory_);
  const std::string path = directory_ / "file", contents("ab\0cdef", 7);
  std::ofstream(path, std::ios::binary) << contents;
  MemorySource memory(contents);
  FileSource file(path);
  for (detail::ByteSource* source :
       {static_cast<detail::ByteSource*>(&memory), static_cast<detail::ByteSource*>(&file)}) {
    EXPECT_EQ(source->left(), 7u);
    std::string first(3, 'x');
    source->read(std::as_writable_bytes(std::span(first)));
    EXPECT_EQ(first, std::string("ab\0", 3));
    EXPECT_EQ(source->left(), 4u);
    source->read({});
    EXPECT_EQ(read_all(*source), "cdef");
    EXPECT_EQ(source->left(), 0u);
    EXPECT_EQ(read_all(*source), "");
  }
}

TEST_F(ByteSources, OfNoFileAreRefused) {
  std::filesystem::create_directories(directory_);
  expect_error<IoError>([&] { FileSource(directory_ / "nothing"); }, "there is no such file");
  expect_error<IoError>([&] { FileSource{directory_.string()}; }, "it is not a regular file");
}

TEST_F(ByteSources, AFileThatBecameShorterIsAnError) {
  std::filesystem::create_directories(directory_);
  const std::string path = directory_ / "file";
  std::ofstream(path) << "abcdef";
  FileSource source(path);
  std::filesystem::resize_file(path, 2);
  EXPECT_THROW(read_all(source), IoError);
}

}  // namespace
}  // namespace tf2jax
