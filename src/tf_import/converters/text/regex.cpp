// Regular expressions, by RE2: matching takes time proportional to the text, and memory is bounded.
#include <re2/re2.h>

#include <algorithm>

#include "tf2jax/base/loop_budget.h"
#include "tf2jax/tf_import/converters/text/internal/text_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/text_budget.h"

namespace tf2jax::tf_import {
namespace {

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

class Regex {
 public:
  Regex(const Node& n, std::string_view pattern) : re_(piece(pattern), quiet()) {
    if (!re_.ok()) n.fail(fmt::format("Invalid pattern: {}, error: {}.", pattern, re_.error()));
  }

  bool matches(const std::string& text) const { return RE2::FullMatch(text, re_); }

  // `rewrite` may name groups as \0 to \9.
  void check_rewrite(const Node& n, std::string_view rewrite) const {
    std::string error;
    if (!re_.CheckRewriteString(piece(rewrite), &error)) n.fail(fmt::format("Invalid rewrite: {}.", error));
  }

  // Matches from left to right, each beginning where the last one ended; an empty one there is passed over.
  std::string replaced(const std::string& text, const std::string& rewrite, bool all, TextBudget& budget,
                       LoopBudget& loop) const {
    const int groups = 1 + RE2::MaxSubmatch(piece(rewrite));
    const std::int64_t references = std::ranges::count(rewrite, '\\');  // or fewer
    std::vector<re2::StringPiece> found(groups);
    std::string out;
    std::size_t at = 0, last = std::string::npos;
    while (re_.Match(piece(text), at, text.size(), RE2::UNANCHORED, found.data(), groups)) {
      loop.step();
      const std::size_t begin = found[0].data() - text.data(), end = begin + found[0].size();
      out.append(text, at, begin - at);
      at = begin;
      if (begin == end && begin == last) {
        if (at == text.size()) break;
        const std::size_t next = next_character(text, at);
        out.append(text, at, next - at);
        at = next;
        continue;
      }
      budget.spend(rewrite);
      budget.spend(references * static_cast<std::int64_t>(found[0].size()));
      re_.Rewrite(&out, piece(rewrite), found.data(), groups);
      at = last = end;
      if (!all) break;
    }
    budget.spend(text);
    return out.append(text, at);
  }

 private:
  static RE2::Options quiet() {
    RE2::Options options;
    options.set_log_errors(false);
    return options;
  }

  static std::size_t next_character(const std::string& text, std::size_t at) {
    for (++at; at < text.size() && continues_character(text[at]);) ++at;
    return at;
  }

  RE2 re_;
};

Values replace(Node& n, const std::string& pattern, const std::string& rewrite) {
  const Regex regex(n, pattern);
  regex.check_rewrite(n, rewrite);
  const bool all = n.attr_or<bool>("replace_global", true);
  StringTensor out = n.strings(0);
  TextBudget budget;
  LoopBudget loop(n.name());
  for (auto& s : out.values) s = regex.replaced(s, rewrite, all, budget, loop);
  return {out};
}

Values full_match(Node& n, const std::string& pattern) {
  const Regex regex(n, pattern);
  const StringTensor& x = n.strings(0);
  std::vector<std::int64_t> hits;
  for (const auto& s : x.values) hits.push_back(regex.matches(s) ? 1 : 0);
  return {Value(known_integers(hits, x.dims, DType::bool_), true)};
}

const std::string& one_string(const Node& n, std::size_t i) {
  const auto& values = n.strings(i).values;
  if (values.size() != 1) n.fail(fmt::format("input {} has {} strings; expected one.", i, values.size()));
  return values[0];
}

}  // namespace

void add_regex_operations(ConverterTable& table) {
  table.add("RegexReplace", [](Node& n) { return replace(n, one_string(n, 1), one_string(n, 2)); });
  table.add("StaticRegexReplace",
            [](Node& n) { return replace(n, n.attr<std::string>("pattern"), n.attr<std::string>("rewrite")); });
  table.add("RegexFullMatch", [](Node& n) { return full_match(n, one_string(n, 1)); });
  table.add("StaticRegexFullMatch", [](Node& n) { return full_match(n, n.attr<std::string>("pattern")); });
}

}  // namespace tf2jax::tf_import
