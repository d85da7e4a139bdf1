// Attributes as MLIR text: numbers, lists, elements of tensors.
#include "tf2jax/stablehlo/internal/text_printer.h"
#include "tf2jax/stablehlo/internal/translator.h"

#include "tf2jax/base/dtype.h"
#include "tf2jax/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace tf2jax::stablehlo {
namespace {

using Kind = Attr::Kind;

constexpr std::int64_t kMostWritten = 100;  // elements; more are written as hexadecimal bytes

// Digits that tell all numbers of a type apart, as LLVM counts them.
template <class T>
constexpr int digits() {
  return std::same_as<T, double> ? 17 : std::same_as<T, float> ? 9 : std::same_as<T, float16> ? 5 : 4;
}

std::string bits_text(std::uint64_t bits, std::size_t bytes) { return fmt::format("0x{:0{}X}", bits, 2 * bytes); }

template <class T>
bool reads_as(const std::string& text, T v) {
  if constexpr (std::same_as<T, double>) return std::strtod(text.c_str(), nullptr) == v;
  else return static_cast<T>(std::strtof(text.c_str(), nullptr)) == v;
}

// A number with a few digits, in decimals where it is neither large nor small: LLVM's APFloat::toString.
std::string plain_decimals(double v, int count) {
  const std::string text = fmt::format("{:.{}e}", v, count - 1);
  const auto e = text.find('e');
  int power = std::stoi(text.substr(e + 1));
  const std::string sign = text[0] == '-' ? "-" : "";
  std::string number = text.substr(sign.size(), e - sign.size());
  std::erase(number, '.');
  while (number.size() > 1 && number.back() == '0') number.pop_back();
  const int n = static_cast<int>(number.size()), lowest = power - (n - 1);
  constexpr int kPadding = 3;
  const bool scientific = lowest >= 0 ? lowest > kPadding || n + lowest > count : power < 0 && -power > kPadding;
  if (scientific) {
    const std::string rest = n > 1 ? number.substr(1) : "0";
    return fmt::format("{}{}.{}E{}{}", sign, number[0], rest, power < 0 ? "-" : "+", std::abs(power));
  }
  if (lowest >= 0) return sign + number + std::string(as_index(lowest), '0') + ".0";
  if (power >= 0) {
    const auto point = as_index(power) + 1;
    return sign + number.substr(0, point) + "." + number.substr(point);
  }
  return sign + "0." + std::string(as_index(-power) - 1, '0') + number;
}

template <class T>
std::string float_text(T v, std::uint64_t bits) {
  const auto wide = static_cast<double>(v);
  if (!std::isfinite(wide)) return bits_text(bits, sizeof(T));
  std::string text = fmt::format("{:.5e}", wide);
  text.insert(text.find('e'), "0");  // six digits that say something, and six behind the point
  if (reads_as(text, v)) return text;
  text = plain_decimals(wide, digits<T>());
  return reads_as(text, v) ? text : bits_text(bits, sizeof(T));
}

template <class T>
std::string number_text(const char* at) {
  T v{};
  std::memcpy(static_cast<void*>(&v), at, sizeof v);
  if constexpr (std::same_as<T, bool>) {
    return v ? "true" : "false";
  } else if constexpr (std::integral<T>) {
    return fmt::format("{}", v);
  } else if constexpr (requires { v.real(); }) {
    using Part = typename T::value_type;
    return fmt::format("({},{})", number_text<Part>(at), number_text<Part>(at + sizeof(Part)));
  } else {
    std::uint64_t bits = 0;
    std::memcpy(&bits, at, sizeof v);
    return float_text(v, bits);
  }
}

std::string hexadecimal(std::string_view bytes) {
  std::string out = "\"0x";
  for (const char c : bytes) out += fmt::format("{:02X}", static_cast<unsigned char>(c));
  return out + '"';
}

// Elements nested by axes.
void elements(const Dims& dims, std::size_t axis, const std::vector<std::string>& all, std::size_t& next,
              std::string& out) {
  if (axis == dims.size()) {
    out += all[next++];
    return;
  }
  out += '[';
  for (std::int64_t i = 0; i < dims[axis]; ++i) {
    if (i > 0) out += ", ";
    elements(dims, axis + 1, all, next, out);
  }
  out += ']';
}

std::string dense_text(const Attr& a) {
  const auto dtype = a.type->dtype();
  check<NotImplementedError>(
      dtype.has_value(), "stablehlo text: a constant has a type that arrays do not have. Got {}.", a.type->to_string());
  const std::string end = " : " + a.type->to_string();
  const auto size = as_index(itemsize(*dtype));
  std::int64_t count = 1;
  for (const auto d : a.type->dims) count *= d;
  const auto held = static_cast<std::int64_t>(a.text.size() / size);
  if (held == 0) return "dense<>" + end;
  const std::string_view first = std::string_view(a.text).substr(0, size);
  bool same = true;
  for (std::int64_t i = 1; i < held && same; ++i)
    same = std::string_view(a.text).substr(as_index(i) * size, size) == first;
  std::vector<std::string> written;
  visit_dtype(*dtype, [&]<class T>(std::type_identity<T>) {
    const bool short_list = held <= kMostWritten || std::same_as<T, bool>;
    for (std::int64_t i = 0; i < (same ? 1 : short_list ? held : 0); ++i)
      written.push_back(number_text<T>(a.text.data() + as_index(i) * size));
  });
  if (same) return "dense<" + written[0] + ">" + end;
  if (written.empty()) return "dense<" + hexadecimal(a.text) + ">" + end;
  std::string out = "dense<";
  std::size_t next = 0;
  elements(a.type->dims, 0, written, next, out);
  return out + ">" + end;
}

std::string escaped(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += fmt::format("\\{:02X}", byte);
    else if (byte < 0x20 || byte >= 0x7F) out += fmt::format("\\{:02X}", byte);
    else out += c;
  }
  return out + '"';
}

std::string real_text(const Attr& a) {
  const std::string element = a.type ? a.type->element : "f32";
  std::string number;
  if (element == "f64") number = number_text<double>(reinterpret_cast<const char*>(&a.real));
  else {
    const auto narrow = static_cast<float>(a.real);
    number = number_text<float>(reinterpret_cast<const char*>(&narrow));
  }
  return fmt::format("{} : {}", number, element);
}

}  // namespace

std::string symbol_text(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           c == '.';
  };
  const bool begins = !name.empty() && plain(name[0]) && !(name[0] >= '0' && name[0] <= '9') && name[0] != '.';
  return "@" + (begins && std::ranges::all_of(name, plain) ? name : escaped(name));
}

std::string list_text(const Attr& a) {
  const auto values = integers_of(a);
  check<NotImplementedError>(values.has_value(), "stablehlo text: a list of integers has no text. Got {}.",
                             attribute_text(a));
  return fmt::format("[{}]", fmt::join(*values, ", "));
}

std::string dictionary_text(const std::vector<std::pair<std::string, AttrPtr>>& entries) {
  std::string out = "{";
  for (const auto& [name, value] : entries)
    out += fmt::format("{}{} = {}", out.size() > 1 ? ", " : "", name, attribute_text(*value));
  return out + "}";
}

std::string attribute_text(const Attr& a) {
  switch (a.kind) {
    case Kind::boolean: return a.integer ? "true" : "false";
    case Kind::integer: return fmt::format("{} : {}", a.integer, a.type ? a.type->element : "i64");
    case Kind::real: return real_text(a);
    case Kind::string: return escaped(a.text);
    case Kind::symbol: return symbol_text(a.text);
    case Kind::type: return a.type->to_string();
    case Kind::tensor: return dense_text(a);
    case Kind::dictionary: return dictionary_text(a.entries);
    case Kind::text: return a.text;
    case Kind::none: return "none";
    case Kind::array: break;
  }
  std::string out = "[";
  for (const AttrPtr& item : a.items) out += (out.size() > 1 ? ", " : "") + attribute_text(*item);
  return out + "]";
}

}  // namespace tf2jax::stablehlo
