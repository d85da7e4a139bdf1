// Documents: groups that fit stand on a line, others are broken.
#include <gtest/gtest.h>
#include <tf2jax/trace/internal/doc.h>

namespace tf2jax {
namespace {

using detail::Doc;

Doc list(const std::vector<std::string>& words) {
  std::vector<Doc> parts;
  for (const std::string& w : words) parts.push_back(Doc::text(w));
  return Doc::join(Doc::text(",") + Doc::brk(), parts);
}

TEST(Doc, EmptyOnesHaveNoText) {
  EXPECT_EQ(Doc().format(10), "");
  EXPECT_EQ(Doc::concat({}).format(10), "");
  EXPECT_EQ((Doc() + Doc::text("a") + Doc()).format(10), "a");
}

TEST(Doc, AGroupThatFitsIsFlat) {
  const Doc d = Doc::group(Doc::text("[") + list({"one", "two"}) + Doc::text("]"));
  EXPECT_EQ(d.format(10), "[one, two]");
  EXPECT_EQ(d.format(9), "[one,\ntwo]");
}

TEST(Doc, BreaksOutsideOfGroupsAreLines) {
  EXPECT_EQ((Doc::text("a") + Doc::brk() + Doc::text("b")).format(80), "a\nb");
}

TEST(Doc, NestedLinesAreIndented) {
  const Doc body = Doc::nest(2, Doc::brk() + list({"one", "two"}));
  EXPECT_EQ((Doc::text("(") + body + Doc::brk() + Doc::text(")")).format(3), "(\n  one,\n  two\n)");
  EXPECT_EQ(Doc::nest(2, Doc::nest(3, Doc::brk() + Doc::text("x"))).format(80), "\n     x");
}

TEST(Doc, EachGroupIsDecidedByItself) {
  const Doc inner = Doc::group(Doc::text("<") + list({"a", "b"}) + Doc::text(">"));
  const Doc outer = Doc::group(list({"long word", "another"}) + Doc::brk() + inner);
  EXPECT_EQ(outer.format(12), "long word,\nanother\n<a, b>");
}

TEST(Doc, FlatTextOfABreakMayBeAnything) {
  const Doc d = Doc::group(Doc::text("a") + Doc::brk("; ") + Doc::text("b"));
  EXPECT_EQ(d.format(4), "a; b");
  EXPECT_EQ(d.format(3), "a\nb");
}

}  // namespace
}  // namespace tf2jax
