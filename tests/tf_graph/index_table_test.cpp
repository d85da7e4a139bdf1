// Sorted tables of strings, in LevelDB's format.
#include <gtest/gtest.h>
#include <tf2jax/base/error.h>
#include <tf2jax/tf_graph/internal/index_table.h>

#include <fstream>

#include "../support.h"

namespace tf2jax {
namespace {

class IndexTable : public TestWithFolder {
 protected:
  void SetUp() override { std::filesystem::create_directories(directory_); }
  std::filesystem::path write(const std::string& bytes) const {
    const auto path = directory_ / "table";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
};

TEST_F(IndexTable, ComesBackAsItWas) {
  std::map<std::string, std::string> entries{{"", "the header"}, {"a", ""}, {"a/b", std::string(100000, 'x')}};
  for (int i = 0; i < 1000; ++i) entries["key" + std::to_string(i)] = std::to_string(i * i);
  EXPECT_EQ(detail::read_index_table(write(detail::index_table(entries))), entries);
  EXPECT_TRUE(detail::read_index_table(write(detail::index_table({}))).empty());
}

TEST_F(IndexTable, EveryCutIsFound) {
  const std::string bytes = detail::index_table({{"a", "1"}, {"b", "2"}});
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_THROW(detail::read_index_table(write(bytes.substr(0, n))), DataLossError) << n;
}

TEST_F(IndexTable, FlippedBitsAreFoundOrMeanNothing) {
  const std::map<std::string, std::string> entries{{"a", "1"}, {"b", "2"}};
  const std::string bytes = detail::index_table(entries);
  int found = 0;
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::string bad = bytes;
    bad[n] = static_cast<char>(bad[n] ^ 1);
    try {
      EXPECT_EQ(detail::read_index_table(write(bad)), entries) << n;
    } catch (const DataLossError&) {
      ++found;
    }
  }
  EXPECT_GT(found, 0);
}

TEST_F(IndexTable, AFileThatIsNotThereIsNamed) {
  expect_error<IoError>([&] { detail::read_index_table(directory_ / "nothing"); }, "nothing");
}

}  // namespace
}  // namespace tf2jax
