// Texts in UTF-8 as code points, and back.
#include <algorithm>
#include <functional>

#include "tf2jax/base/internal/utf8.h"
#include "tf2jax/tf_import/converters/text/internal/text_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/text_budget.h"

namespace tf2jax::tf_import {
namespace {

using Integers = std::vector<std::int64_t>;

bool is_code_point(std::int64_t c) { return c >= 0 && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF); }

void check_encoding(const Node& n, const char* attribute) {
  const auto encoding = n.attr<std::string>(attribute);
  check<NotImplementedError>(encoding == "UTF-8" || encoding == "utf-8" || encoding == "UTF8",
                             "only UTF-8 is implemented. Got {} '{}'.", attribute, encoding);
}

// What becomes of what is no code point.
class Repair {
 public:
  explicit Repair(const Node& n)
      : n_(n),
        errors_(n.attr_or<std::string>("errors", "replace")),
        replacement_(n.attr_integer("replacement_char", 0, 0x10FFFF)) {
    check(errors_ == "replace" || errors_ == "strict" || errors_ == "ignore",
          "what to do with errors is not known. Got '{}'; expected strict, replace or ignore.", errors_);
    check(is_code_point(replacement_), "the replacement is no character. Got {}.", replacement_);
  }

  // Calls `f` with `c` or its replacement, or not at all.
  template <class F>
  void operator()(std::int64_t c, F f) const {
    if (is_code_point(c)) return f(static_cast<std::int32_t>(c));
    if (errors_ == "strict") n_.fail("a text is not well formed.");
    if (errors_ == "replace") f(static_cast<std::int32_t>(replacement_));
  }
  std::int64_t replacement() const { return replacement_; }

 private:
  const Node& n_;
  std::string errors_;
  std::int64_t replacement_;
};

// Outputs: splits, code points and, if asked for, the byte where each begins.
Values decode(Node& n, bool offsets) {
  check_encoding(n, "input_encoding");
  const Repair repair(n);
  const bool controls = n.attr_or<bool>("replace_control_characters", false);
  Integers splits{0}, points, starts;
  for (const auto& text : n.strings(0).values) {
    for_each_code_point(text, [&](std::int32_t c, std::int64_t start) {
      if (controls && c >= 0 && c < 32) c = static_cast<std::int32_t>(repair.replacement());
      repair(c, [&](std::int32_t point) {
        points.push_back(point);
        starts.push_back(start);
      });
    });
    splits.push_back(std::ssize(points));
  }
  const DType type = n.attr_or<DType>("Tsplits", i64);
  Values out{Value(known_vector(splits, type), true), Value(known_vector(points, i32), true)};
  if (offsets) out.emplace_back(known_vector(starts, i64), true);
  return out;
}

// Inputs: code points, the splits of the texts.
Values encode(Node& n) {
  n.ignore({"Tsplits"});
  check_encoding(n, "output_encoding");
  const Repair repair(n);
  const Integers points = n.integers(0), splits = n.integers(1);
  const bool ok =
      !splits.empty() && splits[0] == 0 && std::ranges::is_sorted(splits) && splits.back() == std::ssize(points);
  check(ok, "the splits must lead from 0 to the number of code points and not fall. Got {} for {}.",
        tuple_string(splits), points.size());
  StringTensor out{{std::ssize(splits) - 1}, {}};
  for (std::size_t row = 0; row + 1 < splits.size(); ++row) {
    std::string& text = out.values.emplace_back();
    for (std::int64_t i = splits[row]; i < splits[row + 1]; ++i)
      repair(points[i], [&](std::int32_t c) { detail::append_utf8(text, c); });
  }
  return {out};
}

// From UTF-8 to UTF-8: what is not well formed is repaired.
Values transcode(Node& n) {
  check_encoding(n, "input_encoding");
  check_encoding(n, "output_encoding");
  const Repair repair(n);
  const bool controls = n.attr_or<bool>("replace_control_characters", false);
  StringTensor out = n.strings(0);
  for (auto& text : out.values) {
    std::string repaired;
    for_each_code_point(text, [&](std::int32_t c, std::int64_t) {
      if (controls && c >= 0 && c < 32) c = static_cast<std::int32_t>(repair.replacement());
      repair(c, [&](std::int32_t point) { detail::append_utf8(repaired, point); });
    });
    text = std::move(repaired);
  }
  return {out};
}

// How many bytes follow a first one, and the range of the next; the standard's table 3-7.
struct Lead {
  int more;
  unsigned char low = 0x80, high = 0xBF;
};

Lead lead_of(unsigned char c) {
  if (c < 0x80) return {0};
  if (c >= 0xC2 && c <= 0xDF) return {1};
  if (c == 0xE0) return {2, 0xA0, 0xBF};
  if (c == 0xED) return {2, 0x80, 0x9F};
  if (c >= 0xE1 && c <= 0xEF) return {2};
  if (c == 0xF0) return {3, 0x90, 0xBF};
  if (c >= 0xF1 && c <= 0xF3) return {3};
  if (c == 0xF4) return {3, 0x80, 0x8F};
  return {-1};
}

}  // namespace

void for_each_code_point(std::string_view text, const std::function<void(std::int32_t, std::int64_t)>& f) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const unsigned char first = text[at++];
    auto [more, low, high] = lead_of(first);
    std::int32_t point = more <= 0 ? first : first & (0x3F >> more);
    bool whole = more >= 0;
    for (; more > 0 && whole; --more) {
      const unsigned char next = at < text.size() ? text[at] : 0;
      whole = next >= low && next <= high;
      if (!whole) break;
      point = point << 6 | (next & 0x3F);
      low = 0x80;
      high = 0xBF;
      ++at;
    }
    f(whole ? point : kMalformed, static_cast<std::int64_t>(start));
  }
}

void add_unicode_operations(ConverterTable& table) {
  table.add("UnicodeDecode", [](Node& n) { return decode(n, false); });
  table.add("UnicodeDecodeWithOffsets", [](Node& n) { return decode(n, true); });
  table.add("UnicodeEncode", encode);
  table.add("UnicodeTranscode", transcode);
}

}  // namespace tf2jax::tf_import
