// docs/primitives.md says which rules each primitive has. With TF2JAX_UPDATE_DOCS=1 its table is written anew.
#include <tf2jax/tf2jax.h>

#include <cstdlib>

#include "pages.h"
#include "tf2jax/compiler/rewrite/table.h"

namespace tf2jax {
namespace {

compiler::RewriteTable rewrites() {
  compiler::RewriteTable table;
  for (const auto& append :
       {compiler::append_elementwise_rewrites, compiler::append_movement_rewrites, compiler::append_reduction_rewrites,
        compiler::append_window_rewrites, compiler::append_scatter_rewrites, compiler::append_dot_rewrites,
        compiler::append_complex_rewrites, compiler::append_random_rewrites, compiler::append_control_rewrites})
    append(table);
  return table;
}

std::string rewrite_text(const compiler::RewriteTable& table, const Primitive& p) {
  using enum compiler::Turn;
  std::string out = p.rules().called ? "inlined" : "";
  for (const auto& [turn, name] : {std::pair(first, "first"), {pairs, "pairs"}, {loops, "loops"}, {last, "last"}})
    if (table.has(turn, p)) out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

std::string operands_text(const OperandCount& n) {
  if (n.least == n.most) return std::to_string(n.least);
  return n.most == OperandCount::kAny ? std::to_string(n.least) + "…" : fmt::format("{}–{}", n.least, n.most);
}

std::string row_of(const Primitive& p, const compiler::RewriteTable& table) {
  const auto& rules = p.rules();
  const auto mark = [](bool has) { return has ? "✓" : ""; };
  const char* kernel = default_backend().kernel(p) ? "✓" : rules.impl ? "own" : "";
  return fmt::format("| `{}` | {} | {} | {} | {} | {} | {} |\n", p.name(), operands_text(rules.operands),
                     mark(static_cast<bool>(rules.jvp)), mark(static_cast<bool>(rules.transpose)),
                     mark(static_cast<bool>(rules.batch)), kernel, rewrite_text(table, p));
}

TEST(PrimitivesPage, HasTheRulesOfEveryPrimitive) {
  const auto table = rewrites();
  std::string rows;
  for (const Primitive& p : registered_primitives()) rows += row_of(p, table);
  const std::string page = text_of("docs/primitives.md");
  const std::string rule = "|---|---|---|---|---|---|---|\n";
  const std::size_t start = page.find(rule);
  ASSERT_NE(start, std::string::npos);
  const std::string before = page.substr(0, start + rule.size());
  if (std::getenv("TF2JAX_UPDATE_DOCS")) std::ofstream(source_folder() / "docs/primitives.md") << before << rows;
  else
    EXPECT_EQ(page, before + rows)
        << "docs/primitives.md is stale: run TF2JAX_UPDATE_DOCS=1 coverage_test --gtest_filter=PrimitivesPage.*";
}

}  // namespace
}  // namespace tf2jax
