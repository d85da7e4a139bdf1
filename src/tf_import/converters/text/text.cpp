// Strings: values that are known while the graph is staged, and what numbers are made of them.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/tf_import/converters/text/internal/text_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/text_budget.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax::tf_import {
namespace {

// Text byte by byte; bytes above 127 stay, as TensorFlow's default encoding has it.
template <class F>
Converter bytewise(F f) {
  return [f](Node& n) -> Values {
    const auto encoding = n.attr_or<std::string>("encoding", "");
    check(encoding.empty() || encoding == "utf-8", "the encoding is not known. Got '{}'; expected '' or 'utf-8'.",
          encoding);
    StringTensor out = n.strings(0);
    for (std::string& s : out.values) {
      const bool ascii = std::ranges::all_of(s, [](char c) { return static_cast<unsigned char>(c) < 128; });
      check<NotImplementedError>(encoding.empty() || ascii,
                                 "upper and lower case of letters beyond ASCII is not implemented. Got '{}'.", s);
      std::ranges::transform(s, s.begin(), f);
    }
    return {out};
  };
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

Values strip(Node& n) {
  StringTensor out = n.strings(0);
  for (std::string& s : out.values) {
    const auto first = std::ranges::find_if_not(s, is_space);
    const auto last = std::find_if_not(s.rbegin(), std::make_reverse_iterator(first), is_space).base();
    s = std::string(first, last);
  }
  return {out};
}

Values length(Node& n) {
  const auto unit = n.attr_or<std::string>("unit", "BYTE");
  check(unit == "BYTE" || unit == "UTF8_CHAR", "the unit is not known. Got '{}'; expected BYTE or UTF8_CHAR.", unit);
  const StringTensor& x = n.strings(0);
  std::vector<std::int64_t> lengths;
  for (const auto& s : x.values)
    lengths.push_back(unit == "BYTE" ? std::ssize(s)
                                     : std::ranges::count_if(s, [](char c) { return !continues_character(c); }));
  return {Value(known_integers(lengths, x.dims, DType::i32), true)};
}

// Texts of one shape, or single ones, one behind the other.
Values join(Node& n) {
  n.ignore({"N"});
  const auto separator = n.attr_or<std::string>("separator", "");
  StringTensor out;
  TextBudget budget;
  std::size_t shaped = 0;
  for (std::size_t i = 0; i < n.num_inputs(); ++i)
    if (!n.strings(i).dims.empty()) shaped = i;
  out.dims = n.strings(shaped).dims;
  out.values.resize(n.strings(shaped).values.size());
  for (std::size_t i = 0; i < n.num_inputs(); ++i) {
    const StringTensor& part = n.strings(i);
    check<ShapeError>(part.dims.empty() || part.dims == out.dims, "the texts' shapes differ. Got {} and {}.",
                      tuple_string(part.dims), tuple_string(out.dims));
    for (std::size_t k = 0; k < out.values.size(); ++k) {
      const std::string& text = part.values.at(part.dims.empty() ? 0 : k);
      budget.spend(text);
      budget.spend(separator);
      out.values[k] += (i ? separator : "") + text;
    }
  }
  return {out};
}

// Numbers as printf writes them.
Values as_string(Node& n) {
  n.ignore({"T"});
  const auto precision = static_cast<int>(n.attr_or<std::int64_t>("precision", -1)),
             width = static_cast<int>(n.attr_or<std::int64_t>("width", -1));
  const bool scientific = n.attr_or<bool>("scientific", false), shortest = n.attr_or<bool>("shortest", false);
  const auto fill = n.attr_or<std::string>("fill", "");
  check(fill.size() <= 1 && precision < 1000 && width < 1000, "the format is out of range. Got precision {}, width {}.",
        precision, width);
  const Array x = n.array(0);
  check<ConcretizationError>(x.is_concrete(), "strings are made of known numbers. Got {}.", x.aval());
  check<NotImplementedError>(!is_complex(x.dtype()), "complex numbers as strings are not implemented.");
  StringTensor out{x.dims(), {}};
  const auto add = [&](std::string text) {
    if (width > std::ssize(text)) {
      const bool left = fill == "-";
      const char c = left || fill.empty() ? ' ' : fill[0];
      text.insert(left ? text.size() : 0, width - text.size(), c);
    }
    out.values.push_back(std::move(text));
  };
  if (is_bool(x.dtype())) {
    for (const auto v : x.to_vector<std::uint8_t>()) out.values.emplace_back(v ? "true" : "false");  // of no width
  } else if (is_integer(x.dtype())) {
    const TraceScope eval(eval_trace());
    const auto x64 = override_config(&Config::enable_x64, true);
    for (const auto v : astype(x, DType::i64).to_vector<std::int64_t>()) add(fmt::format("{}", v));
  } else {
    const int digits = precision < 0 ? 6 : precision;
    for (const double v : x.to_vector<double>())
      add(scientific ? fmt::format("{:.{}e}", v, digits)
          : shortest ? fmt::format("{:.{}g}", v, digits)
                     : fmt::format("{:.{}f}", v, digits));
  }
  return {out};
}

Values to_number(Node& n) {
  const DType type = n.attr_or<DType>("out_type", f32);
  const StringTensor& x = n.strings(0);
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
  for (const auto& given : x.values) {
    std::string_view text = given;
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    if (text.starts_with('+')) text.remove_prefix(1);
    double real = 0;
    std::int64_t whole = 0;
    const auto [end, error] = is_integer(type) ? std::from_chars(text.data(), text.data() + text.size(), whole)
                                               : std::from_chars(text.data(), text.data() + text.size(), real);
    if (error != std::errc() || end != text.data() + text.size() || text.empty())
      n.fail(fmt::format("'{}' is no number.", given));
    integers.push_back(whole);
    reals.push_back(real);
  }
  if (is_integer(type)) return {Value(known_integers(integers, x.dims, type), true)};
  const TraceScope eval(eval_trace());
  const auto x64 = override_config(&Config::enable_x64, true);
  return {Value(
      astype(detail::exact_array({DType::f64, symbolic(x.dims), false}, std::as_bytes(std::span(reals))), type), true)};
}

// Where each character begins, and the end.
std::vector<std::int64_t> character_starts(std::string_view text, bool utf8) {
  std::vector<std::int64_t> starts;
  for (std::int64_t i = 0; i < std::ssize(text); ++i)
    if (!utf8 || i == 0 || !continues_character(text[i])) starts.push_back(i);
  starts.push_back(std::ssize(text));
  return starts;
}

// Inputs: texts, positions, lengths; one of each for each text, or one for all. One text may have several positions.
// Negative positions count from the end.
Values substring(Node& n) {
  n.ignore({"T"});
  const auto unit = n.attr_or<std::string>("unit", "BYTE");
  check(unit == "BYTE" || unit == "UTF8_CHAR", "the unit is not known. Got '{}'; expected BYTE or UTF8_CHAR.", unit);
  const StringTensor& x = n.strings(0);
  const auto places = n.integers(1), lengths = n.integers(2);
  const Shape& shape = n.shape_of(1);
  check<ShapeError>(places.size() == lengths.size(), "positions and lengths must have one shape. Got {} and {}.",
                    to_string(n.shape_of(1)), to_string(n.shape_of(2)));
  const bool one_text = x.dims.empty(), one_place = shape.empty();
  check<ShapeError>(one_text || one_place || concrete(shape) == x.dims,
                    "there must be one position and one length, or one of each for each text. Got positions {} for {}.",
                    to_string(shape), x.to_string());
  StringTensor out{one_text ? concrete(shape) : x.dims, {}};
  TextBudget budget;
  std::vector<std::int64_t> starts;
  for (std::int64_t i = 0; i < num_elements(out.dims); ++i) {
    const std::string& s = x.values.at(one_text ? 0 : i);
    if (i == 0 || !one_text) starts = character_starts(s, unit != "BYTE");
    const std::int64_t size = std::ssize(starts) - 1, at = places[one_place ? 0 : i],
                       count = lengths[one_place ? 0 : i];
    const auto begin = at < 0 ? at + size : at;
    check(begin >= 0 && begin <= size, "the position is out of range. Got {} for '{}'.", at, s);
    const auto end = count < 0 || count > size - begin ? size : begin + count;
    out.values.push_back(s.substr(starts[begin], starts[end] - starts[begin]));
    budget.spend(out.values.back());
  }
  return {out};
}

}  // namespace

void add_text_operations(ConverterTable& table) {
  table.add("StringLower", bytewise(lower));
  table.add("StringUpper", bytewise(upper));
  table.add("StringStrip", strip);
  table.add("StringLength", length);
  table.add("StringJoin", join);
  table.add("AsString", as_string);
  table.add("StringToNumber", to_number);
  table.add("Substr", substring);
  add_split_operations(table);
  add_regex_operations(table);
  add_hash_operations(table);
  add_unicode_operations(table);
}

}  // namespace tf2jax::tf_import
