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

// digits * 10^power
struct Decimal {
  std::string digits;
  int power = 0;
  int leading() const { return power + static_cast<int>(digits.size()) - 1; }
};

// The number of binary digits of the integer that a number is, times a power of ten.
int bits_of(double v) {
  int e = 0;
  double m = std::frexp(v, &e);
  while (m != std::floor(m)) {
    m *= 2;
    --e;
  }
  const int own = std::ilogb(m) + 1;
  if (e >= 0) return own + e;
  return static_cast<int>(std::floor(std::log2(static_cast<long double>(m)) - e * std::log2(5.0L))) + 1;
}

void drop_zeros(Decimal& d) {
  while (d.digits.size() > 1 && d.digits.back() == '0') {
    d.digits.pop_back();
    ++d.power;
  }
}

// At most `precision` digits of a positive number, cut and rounded as LLVM's APFloat does: digits that it can tell
// from the number of bits to be too many are cut, what is left is rounded.
Decimal decimal(double v, int precision) {
  const std::string text = fmt::format("{:.{}e}", v, 770);  // exact
  const auto e = text.find('e');
  Decimal d{text[0] + text.substr(2, e - 2), 0};
  d.power = std::stoi(text.substr(e + 1)) - 770;
  while (d.power < 0 && d.digits.size() > 1 &&
         d.digits.back() == '0') {  // down to the integer that it is, or is cut to
    d.digits.pop_back();
    ++d.power;
  }
  const int surplus = bits_of(v) - (precision * 196 + 58) / 59;
  const int removable = surplus > 0 ? surplus * 59 / 196 : 0;
  if (removable > 0 && as_index(removable) < d.digits.size()) {
    d.digits.resize(d.digits.size() - as_index(removable));
    d.power += removable;
    drop_zeros(d);
  }
  const int extra = static_cast<int>(d.digits.size()) - precision;
  if (extra <= 0) return d;
  const bool up = d.digits[as_index(precision)] >= '5';
  d.digits.resize(as_index(precision));
  d.power += extra;
  if (up) {
    std::size_t at = d.digits.size();
    while (at > 0 && d.digits[at - 1] == '9') d.digits[--at] = '0';
    if (at > 0) ++d.digits[at - 1];
    else d.digits.insert(0, "1");
  }
  drop_zeros(d);
  return d;
}

// In decimals where it is neither large nor small.
std::string plain_decimals(const Decimal& d, int precision) {
  constexpr int kPadding = 3;
  const std::string& number = d.digits;
  const int n = static_cast<int>(number.size()), leading = d.leading();
  const bool scientific = d.power >= 0 ? d.power > kPadding || n + d.power > precision : -leading > kPadding;
  if (scientific) {
    const std::string rest = n > 1 ? number.substr(1) : "0";
    return fmt::format("{}.{}E{}{}", number[0], rest, leading < 0 ? "-" : "+", std::abs(leading));
  }
  if (d.power >= 0) return number + std::string(as_index(d.power), '0') + ".0";
  if (leading < 0) return "0." + std::string(as_index(-leading - 1), '0') + number;
  return number.substr(0, as_index(leading + 1)) + "." + number.substr(as_index(leading + 1));
}

// Six digits, and six behind the point.
std::string short_scientific(const Decimal& d) {
  std::string rest = d.digits.substr(1);
  rest.resize(6, '0');
  return fmt::format("{}.{}e{}{:02}", d.digits[0], rest, d.leading() < 0 ? "-" : "+", std::abs(d.leading()));
}

// As MLIR prints floats: with few digits where they say all, else with as many as the type may need.
template <class T>
std::string float_text(T v, std::uint64_t bits) {
  const auto wide = static_cast<double>(v);
  if (!std::isfinite(wide)) return bits_text(bits, sizeof(T));
  const std::string sign = std::signbit(wide) ? "-" : "";
  if (wide == 0) return sign + "0.000000e+00";
  std::string text = sign + short_scientific(decimal(std::fabs(wide), 6));
  if (reads_as(text, v)) return text;
  text = sign + plain_decimals(decimal(std::fabs(wide), digits<T>()), digits<T>());
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
