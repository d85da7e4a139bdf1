// docs/compiling.md shows what becomes of softmax, stage by stage, in the library's own words.
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "pages.h"
#include "tf2jax/compiler/fusion/plan.h"
#include "tf2jax/compiler/rewrite/build_graph.h"

namespace tf2jax {
namespace {

const Aval rows = spec(f32, {128, 784});
Array scaled_softmax(const Array& x) { return softmax(2.f * x); }

void expect_shown(const std::string& text) {
  const std::string block = "```\n" + text.substr(0, text.find_last_not_of('\n') + 1) + "\n```\n";
  EXPECT_NE(text_of("docs/compiling.md").find(block), std::string::npos) << "docs/compiling.md lacks\n" << block;
}

TEST(CompilingPage, ShowsTheJaxpr) { expect_shown(to_string(make_jaxpr(scaled_softmax)(rows))); }

TEST(CompilingPage, ShowsTheGraphAndItsGroups) {
  const auto graph = compiler::build_graph(make_jaxpr(scaled_softmax)(rows));
  expect_shown(to_string(graph));
  expect_shown(to_string(graph, compiler::plan_fusion(graph)));
}

TEST(CompilingPage, ShowsTheLoopProgram) {
  if (!is_compiled()) GTEST_SKIP() << "programs run op by op here";
  expect_shown(jit(scaled_softmax).lower(rows).compile().explain());
}

}  // namespace
}  // namespace tf2jax
