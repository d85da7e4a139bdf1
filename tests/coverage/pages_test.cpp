// The pages of the documentation: every one is found from the index, and every link leads somewhere.
#include "pages.h"

#include <algorithm>
#include <regex>
#include <vector>

namespace tf2jax {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> pages() {
  const fs::path root = source_folder();
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(root))
    if (entry.path().extension() == ".md") out.push_back(entry.path());
  for (const char* folder : {"docs", "src", "examples", "tests"})
    for (const auto& entry : fs::recursive_directory_iterator(root / folder))
      if (entry.path().extension() == ".md") out.push_back(entry.path());
  return out;
}

// The files that a page links to, relative to its folder; other sites, headings of the page itself and lambdas are
// left out.
std::vector<std::string> links(const std::string& text) {
  static const std::regex link(R"(\]\(([^)#:\s&]+)(#[^)]*)?\))");
  std::vector<std::string> out;
  for (std::sregex_iterator it(text.begin(), text.end(), link), end; it != end; ++it) out.push_back((*it)[1]);
  return out;
}

TEST(Pages, LinksLeadToFiles) {
  EXPECT_GE(pages().size(), 10u);
  for (const fs::path& page : pages())
    for (const std::string& link : links(text_of(fs::relative(page, source_folder()))))
      EXPECT_TRUE(fs::exists(page.parent_path() / link)) << page << " links to " << link;
}

TEST(Pages, QuotedSourcesAreThere) {
  static const std::regex quoted(R"(`((?:[\w-]+/)*\w+\.(?:cpp|h))`)");
  std::vector<std::string> sources;
  for (const char* folder : {"src", "tests", "examples", "tools", "benchmarks"})
    for (const auto& entry : fs::recursive_directory_iterator(source_folder() / folder))
      if (entry.is_regular_file()) sources.push_back("/" + fs::relative(entry.path(), source_folder()).string());
  for (const fs::path& page : pages()) {
    const std::string text = text_of(fs::relative(page, source_folder()));
    for (std::sregex_iterator it(text.begin(), text.end(), quoted), end; it != end; ++it) {
      const std::string name = "/" + (*it)[1].str();
      EXPECT_TRUE(std::ranges::any_of(sources, [&](const std::string& s) { return s.ends_with(name); }))
          << page << " names " << name.substr(1) << ", which is not there";
    }
  }
}

TEST(Pages, AreInTheIndex) {
  const auto index = links(text_of("docs/README.md"));
  for (const auto& entry : fs::directory_iterator(source_folder() / "docs")) {
    const std::string name = entry.path().filename();
    if (entry.path().extension() != ".md" || name == "README.md") continue;
    EXPECT_TRUE(std::ranges::find(index, name) != index.end()) << "docs/README.md does not link " << name;
  }
}

TEST(Pages, EveryFolderOfSourcesHasAParagraph) {
  const std::string text = text_of("src/README.md");
  for (const auto& entry : fs::directory_iterator(source_folder() / "src")) {
    if (!entry.is_directory()) continue;
    const std::string name = entry.path().filename();
    EXPECT_NE(text.find("**" + name), std::string::npos) << "src/README.md lacks " << name;
  }
}

}  // namespace
}  // namespace tf2jax
