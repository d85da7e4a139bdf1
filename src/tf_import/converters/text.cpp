// Strings: values that are known while the graph is staged, and what numbers are made of them.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax::tf_import {
namespace {

// Text byte by byte; bytes above 127 stay, as TensorFlow's default encoding has it.
template <class F>
Converter bytewise(F f) {
  return [f](Node& n) -> Values {
    if (n.attr_or<std::string>("encoding", "") != "")
      n.fail(fmt::format("only texts of bytes are implemented. Got encoding '{}'.", n.attr<std::string>("encoding")));
    StringTensor out = n.strings(0);
    for (std::string& s : out.values) std::ranges::transform(s, s.begin(), f);
    return {out};
  };
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

Values strip(Node& n) {
  StringTensor out = n.strings(0);
  for (std::string& s : out.values) {
    const auto first = std::ranges::find_if_not(s, is_space);
    const auto last = std::find_if_not(s.rbegin(), std::make_reverse_iterator(first), is_space).base();
    s = std::string(first, last);
  }
  return {out};
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }  // a character of UTF-8

Values length(Node& n) {
  const auto unit = n.attr_or<std::string>("unit", "BYTE");
  check(unit == "BYTE" || unit == "UTF8_CHAR", "the unit is not known. Got '{}'; expected BYTE or UTF8_CHAR.", unit);
  const StringTensor& x = n.strings(0);
  std::vector<std::int64_t> lengths;
  for (const auto& s : x.values)
    lengths.push_back(unit == "BYTE" ? std::ssize(s) : std::ranges::count_if(s, [](char c) { return !continues(c); }));
  return {Value(known_integers(lengths, x.dims, DType::i32), true)};
}

// Texts of one shape, or single ones, one behind the other.
Values join(Node& n) {
  n.ignore({"N"});
  const auto separator = n.attr_or<std::string>("separator", "");
  StringTensor out;
  std::size_t shaped = 0;
  for (std::size_t i = 0; i < n.num_inputs(); ++i)
    if (!n.strings(i).dims.empty()) shaped = i;
  out.dims = n.strings(shaped).dims;
  out.values.resize(n.strings(shaped).values.size());
  for (std::size_t i = 0; i < n.num_inputs(); ++i) {
    const StringTensor& part = n.strings(i);
    check<ShapeError>(part.dims.empty() || part.dims == out.dims, "the texts' shapes differ. Got {} and {}.",
                      tuple_string(part.dims), tuple_string(out.dims));
    for (std::size_t k = 0; k < out.values.size(); ++k)
      out.values[k] += (i ? separator : "") + part.values.at(part.dims.empty() ? 0 : k);
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
    for (const auto v : x.to_vector<std::uint8_t>()) add(v ? "true" : "false");
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

// Inputs: texts, positions, lengths; the latter two of the texts' shape or scalars. Negative positions count from the
// end.
Values substring(Node& n) {
  n.ignore({"T"});
  if (n.attr_or<std::string>("unit", "BYTE") != "BYTE") n.fail("only bytes are implemented as units.");
  StringTensor out = n.strings(0);
  const auto places = n.integers(1), lengths = n.integers(2);
  const bool fit = places.size() == lengths.size() && (places.size() == 1 || places.size() == out.values.size());
  check<ShapeError>(fit, "there must be one position and one length, or one of each for each text.");
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    std::string& s = out.values[i];
    const auto at = places[places.size() == 1 ? 0 : i], count = lengths[lengths.size() == 1 ? 0 : i];
    const auto begin = at < 0 ? at + std::ssize(s) : at;
    check(begin >= 0 && begin <= std::ssize(s) && count >= 0, "the position is out of range. Got {} for '{}'.", at, s);
    s = s.substr(begin, count);
  }
  return {out};
}

// The words of each text as a sparse matrix; without a separator they are what is not space.
Values split(Node& n) {
  const auto most = n.attr_or<std::int64_t>("maxsplit", -1);
  const StringTensor &texts = n.strings(0), &separators = n.strings(1);
  if (separators.values.size() != 1) n.fail("one separator is expected.");
  const std::string& separator = separators.values[0];
  std::vector<std::int64_t> indices;
  StringTensor words;
  std::int64_t widest = 0;
  for (std::size_t row = 0; row < texts.values.size(); ++row) {
    std::string_view rest = texts.values[row];
    std::int64_t column = 0;
    const auto add = [&](std::string_view word) {
      indices.insert(indices.end(), {static_cast<std::int64_t>(row), column++});
      words.values.emplace_back(word);
    };
    const auto skip_spaces = [&] {
      while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
    };
    if (separator.empty()) {
      for (skip_spaces(); !rest.empty(); skip_spaces()) {
        if (most >= 0 && column == most) {
          add(rest);
          break;
        }
        const std::size_t end = std::ranges::find_if(rest, is_space) - rest.begin();
        add(rest.substr(0, end));
        rest.remove_prefix(end);
      }
    } else {
      for (bool more = true; more;) {
        const auto end = most >= 0 && column == most ? std::string_view::npos : rest.find(separator);
        more = end != std::string_view::npos;
        add(rest.substr(0, end));
        if (more) rest.remove_prefix(end + separator.size());
      }
    }
    widest = std::max(widest, column);
  }
  const auto count = static_cast<std::int64_t>(words.values.size());
  words.dims = {count};
  const std::int64_t shape[] = {static_cast<std::int64_t>(texts.values.size()), widest};
  return {Value(known_integers(indices, {count, 2}, DType::i64), true), words,
          Value(known_integers(shape, {2}, DType::i64), true)};
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
  table.add("StringSplitV2", split);
}

}  // namespace tf2jax::tf_import
