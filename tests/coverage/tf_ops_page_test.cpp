// docs/tf_ops.md lists the operations of TensorFlow that models may have. With TF2JAX_UPDATE_DOCS=1 its table is
// written anew.
#include <tf2jax/tf2jax.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "pages.h"

namespace tf2jax {
namespace {

// The operations of the graphs that TensorFlow itself computed.
std::set<std::string> judged_operations() {
  std::set<std::string> ops;
  const auto recorded = nlohmann::json::parse(text_of("tests/golden/tf/tf_ops.json"));
  for (const auto& c : recorded.at("cases"))
    for (const auto& op : c.at("ops")) ops.insert(op.get<std::string>());
  return ops;
}

std::string kind_of(const OpTraits& t) {
  if (t.is_random) return "random: takes a key";
  if (t.has_effect) return "changes variables or tables";
  if (t.is_variable) return "a variable";
  if (t.is_loop) return "a loop";
  if (t.grows_list) return "a list of another length";
  return "";
}

TEST(TfOpsPage, ListsEveryOperation) {
  const auto judged = judged_operations();
  const auto table = current_converters();
  std::string rows;
  for (const std::string& name : table->names())
    rows += fmt::format("| `{}` | {} | {} |\n", name, kind_of(table->traits(name)), judged.contains(name) ? "✓" : "");
  const std::string page = text_of("docs/tf_ops.md"), rule = "|---|---|---|\n";
  const std::size_t start = page.find(rule);
  ASSERT_NE(start, std::string::npos);
  const std::string before = page.substr(0, start + rule.size());
  if (std::getenv("TF2JAX_UPDATE_DOCS")) std::ofstream(source_folder() / "docs/tf_ops.md") << before << rows;
  else
    EXPECT_EQ(page, before + rows)
        << "docs/tf_ops.md is stale: run TF2JAX_UPDATE_DOCS=1 coverage_test --gtest_filter=TfOpsPage.*";
}

}  // namespace
}  // namespace tf2jax
