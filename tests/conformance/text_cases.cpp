// The programs of a case as texts: what is read and printed again is the same.
#include <fmt/format.h>

#include "report.h"
#include "runners.h"
#include "tf2jax/trace/jaxpr.h"
#include "tf2jax/trace/parse.h"

namespace conformance {

using namespace tf2jax;

namespace {

std::string first_difference(const std::string& a, const std::string& b) {
  std::size_t i = 0;
  while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
  return fmt::format("at {}: got '{}', expected '{}'", i, a.substr(i > 20 ? i - 20 : 0, 60),
                     b.substr(i > 20 ? i - 20 : 0, 60));
}
// JAX prints NumPy integers in some tuples as np.int64(3).
std::string without_numpy_names(std::string s) {
  for (std::size_t at = s.find("np.int64("); at != std::string::npos; at = s.find("np.int64(", at)) {
    const std::size_t close = s.find(')', at);
    s = s.substr(0, at) + s.substr(at + 9, close - at - 9) + s.substr(close + 1);
  }
  return s;
}
std::string joined_lines(const std::string& s) {
  std::string out;
  for (char ch : s)
    if (ch != ' ' && ch != '\n') out += ch;
  return out;
}

// scan's operands are grouped by `ft_in`, `ft_out` in newer texts, by `linear`, `num_carry`, `num_consts` in ours; what
// is left of its parameters must agree. Expects text without spaces.
std::string without_scan_groups(std::string s) {
  const auto cut = [&](const char* from, const char* to) {
    for (std::size_t at = s.find(from); at != std::string::npos; at = s.find(from, at)) {
      const std::size_t end = s.find(to, at);
      if (end == std::string::npos) return;
      s.erase(at, end - at);
    }
  };
  cut("ft_in=", "jaxpr=");
  cut("linear=(", "reverse=");
  return s;
}

void check_text(const std::string& key, const std::string& text, CaseResult& result) {
  if (!text.starts_with("{") && !text.starts_with("let ")) return;
  result.part("jaxpr", [&] {
    const bool numpy = text.find("np.") != std::string::npos || text.find("ft_in") != std::string::npos;
    std::string got = to_string(parse_jaxpr(text)), want = text;
    if (text.find("<class ") != std::string::npos) return;  // a Python class among the parameters
    if (numpy) {  // the numbers and equations are the same, the widths and thus the line breaks are not
      got = without_scan_groups(joined_lines(got));
      want = without_scan_groups(joined_lines(without_numpy_names(text)));
    }
    if (got != want) result.fail("jaxpr", key + ": " + first_difference(got, want));
  });
}

void visit_texts(const json& node, const std::string& key, CaseResult& result) {
  if (node.is_string()) {
    if (key.find("jaxpr") != std::string::npos) check_text(key, node.get<std::string>(), result);
  } else if (node.is_structured() && key != "omitted") {
    for (const auto& [k, v] : node.items()) visit_texts(v, node.is_object() ? k : key, result);
  }
}

}  // namespace

void run_text_case(const Golden&, const json& c, CaseResult& result) { visit_texts(c, "", result); }

}  // namespace conformance
