// The house rules that a compiler does not check: who may include whom, and what installed headers may include.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace fs = std::filesystem;

namespace {

const std::map<std::string, int> kFloor{{"base", 0}, {"trace", 1}, {"ops", 2}, {"tree", 2}, {"passes", 2}, {"transforms", 3}, {"control", 4}, {"stablehlo", 4},
                                        {"testing", 4}, {"tf_graph", 4}, {"io", 4}, {"backends", 5}, {"tf_import", 5}, {"tf_export", 5}};

struct Source {
  std::string path, folder, text;
};

std::vector<Source> sources() {
  const fs::path root = fs::path(TF2JAX_SOURCE_DIR) / "src";
  std::vector<Source> out;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp") continue;
    const fs::path relative = fs::relative(entry.path(), root);
    if (!relative.has_parent_path()) continue;   // tf2jax.h, the umbrella
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    out.push_back({relative.string(), relative.begin()->string(), text.str()});
  }
  return out;
}

std::vector<std::string> includes(const std::string& text) {
  static const std::regex pattern(R"(#include\s+[<"]([^>"]+)[>"])");
  std::vector<std::string> out;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) out.push_back((*it)[1]);
  return out;
}

}  // namespace

TEST(Floors, IncludesNeverRunUpwards) {
  const auto all = sources();
  ASSERT_GT(all.size(), 100u);
  for (const Source& s : all) {
    ASSERT_TRUE(kFloor.count(s.folder)) << s.path << ": unknown folder";
    for (const std::string& i : includes(s.text)) {
      if (!i.starts_with("tf2jax/")) continue;
      const std::string folder = i.substr(7, i.find('/', 7) - 7);
      ASSERT_TRUE(kFloor.count(folder)) << s.path << " includes " << i;
      const int mine = kFloor.at(s.folder), theirs = kFloor.at(folder);
      EXPECT_TRUE(theirs < mine || folder == s.folder || (theirs == mine && mine < 5)) << s.path << " includes " << i << ", from floor " << theirs << " into floor " << mine;
    }
  }
}

TEST(Floors, SiblingFoldersOfFloorsBelowTransformsAreOrdered) {
  // ops, tree and passes share a floor; ops stands alone.
  for (const Source& s : sources()) {
    if (s.folder != "ops") continue;
    for (const std::string& i : includes(s.text)) EXPECT_FALSE(i.starts_with("tf2jax/tree/") || i.starts_with("tf2jax/passes/")) << s.path << " includes " << i;
  }
}

TEST(Floors, InstalledHeadersNeedTheStandardLibraryOnly) {
  const std::regex heavy(R"(^(Eigen|range|google|absl|dnnl|oneapi|llvm|leveldb|nlohmann|CLI|spdlog)\b.*|.*\.pb\.h$)");
  for (const Source& s : sources()) {
    if (!s.path.ends_with(".h") || s.path.find("/internal/") != std::string::npos) continue;
    for (const std::string& i : includes(s.text)) {
      EXPECT_FALSE(std::regex_match(i, heavy)) << s.path << " includes " << i;
      EXPECT_TRUE(i.find("/internal/") == std::string::npos) << s.path << " includes the private header " << i;
      EXPECT_TRUE(!i.starts_with("fmt/") || s.path == "base/error.h") << s.path << " includes " << i;
    }
  }
}

TEST(Floors, FilesSayWhatTheyAreFor) {
  for (const Source& s : sources()) EXPECT_TRUE(s.text.starts_with("// ")) << s.path << ": the first line states the purpose";
}

TEST(Floors, NothingRegistersItselfOrIsLeftUnfinished) {
  for (const Source& s : sources()) {
    EXPECT_EQ(s.text.find("TODO"), std::string::npos) << s.path;
    EXPECT_EQ(s.text.find("FIXME"), std::string::npos) << s.path;
  }
}
