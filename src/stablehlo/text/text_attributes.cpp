// Attributes in MLIR texts: numbers, arrays, dense<…>, #stablehlo<…>.
#include "tf2jax/stablehlo/internal/bytecode_entries.h"
#include "tf2jax/stablehlo/internal/text_parser.h"

#include "tf2jax/base/error.h"
#include "tf2jax/trace/array.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

namespace tf2jax::stablehlo {
namespace {

using Kind = Attr::Kind;

AttrPtr made(Attr a) { return std::make_shared<const Attr>(std::move(a)); }

// A number as the bytes of a scalar type. Hexadecimal numbers are the bits of floats.
void append_number(std::string_view text, DType dtype, std::string& out, const TextScanner& in) {
  const bool hex = text.find("0x") != std::string_view::npos;
  visit_dtype(dtype, [&]<class T>(std::type_identity<T>) {
    T v{};
    if constexpr (std::integral<T>) {
      if (text == "true") v = static_cast<T>(1);
      else if (text == "false") v = static_cast<T>(0);
      else if constexpr (std::same_as<T, bool>) v = in.integer(text) != 0;
      else v = static_cast<T>(in.integer(text));
    } else if constexpr (!requires { v.real(); }) {
      if (hex) {
        const std::int64_t bits = in.integer(text);
        std::memcpy(static_cast<void*>(&v), &bits, sizeof v);
      } else if constexpr (std::same_as<T, double>) {
        v = std::strtod(std::string(text).c_str(), nullptr);
      } else {
        v = static_cast<T>(std::strtof(std::string(text).c_str(), nullptr));
      }
    }
    out.append(reinterpret_cast<const char*>(&v), sizeof v);
  });
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string bytes_of_hex(std::string_view text, const TextScanner& in) {
  if (!text.starts_with("0x") || text.size() % 2 != 0) in.fail("the elements of a constant are no hexadecimal bytes.");
  std::string out;
  for (std::size_t i = 2; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) in.fail("the elements of a constant are no hexadecimal bytes.");
    out += static_cast<char>(16 * high + low);
  }
  return out;
}

}  // namespace

AttrPtr TextParser::integers() {
  Dims out;
  in.expect("[");
  if (!in.accept("]")) {
    do out.push_back(in.integer(in.number()));
    while (in.accept(","));
    in.expect("]");
  }
  return integers_attribute(out);
}

AttrPtr TextParser::array_attribute() {
  Attr a;
  a.kind = Kind::array;
  in.expect("[");
  if (in.accept("]")) return made(std::move(a));
  do a.items.push_back(attribute());
  while (in.accept(","));
  in.expect("]");
  return made(std::move(a));
}

AttrPtr TextParser::dictionary(char close) {
  Attr a;
  a.kind = Kind::dictionary;
  in.expect(close == '}' ? "{" : "<");
  const std::string end(1, close);
  if (in.accept(end)) return made(std::move(a));
  do {
    std::string name = in.peek() == '"' ? in.quoted() : std::string(in.need_word("the name of an attribute"));
    AttrPtr value;
    if (in.accept("=")) {
      value = attribute();
    } else {
      Attr present;
      present.kind = Kind::boolean;
      present.integer = 1;
      value = made(std::move(present));
    }
    a.entries.emplace_back(std::move(name), std::move(value));
  } while (in.accept(","));
  in.expect(end);
  return made(std::move(a));
}

AttrPtr TextParser::number_attribute() {
  const std::string text(in.number());
  Attr a;
  const bool real = text.find('x') == std::string::npos && text.find_first_of(".eE") != std::string::npos;
  if (in.accept(":")) a.type = type();
  const bool real_type = a.type && a.type->dtype() && is_floating(*a.type->dtype());
  a.kind = real || real_type ? Kind::real : Kind::integer;
  if (a.kind == Kind::integer) a.integer = in.integer(text);
  else if (text.find('x') == std::string::npos) a.real = std::strtod(text.c_str(), nullptr);
  else {
    std::string bytes;
    append_number(text, *a.type->dtype(), bytes, in);
    visit_dtype(*a.type->dtype(), [&]<class T>(std::type_identity<T>) {
      T v{};
      std::memcpy(&v, bytes.data(), sizeof v);
      a.real = tf2jax::detail::convert_scalar<double>(v);
    });
  }
  return made(std::move(a));
}

// Elements are kept as written until the type is known, which comes last.
void TextParser::dense_elements(std::vector<std::string>& written) {
  deeper();
  if (in.accept("[")) {
    if (!in.accept("]")) {
      do dense_elements(written);
      while (in.accept(","));
      in.expect("]");
    }
  } else if (in.accept("(")) {
    written.emplace_back(in.number());
    in.expect(",");
    written.emplace_back(in.number());
    in.expect(")");
  } else if (const char c = in.peek(); c == 't' || c == 'f') {
    written.emplace_back(in.word());
  } else {
    written.emplace_back(in.number());
  }
  --depth_;
}

AttrPtr TextParser::dense() {
  in.expect("<");
  Attr a;
  a.kind = Kind::tensor;
  std::vector<std::string> written;
  std::string bytes;
  const bool packed = in.peek() == '"';
  if (packed) bytes = bytes_of_hex(in.quoted(), in);
  else if (in.peek() != '>') dense_elements(written);
  in.expect(">");
  in.expect(":");
  a.type = type();
  const auto dtype = a.type->dtype();
  if (a.type->kind != Type::Kind::tensor || !dtype)
    in.fail(fmt::format("a constant has a type that arrays do not have. Got {}.", a.type->to_string()));
  if (a.type->is_dynamic()) in.fail(fmt::format("a constant has no size. Got {}.", a.type->to_string()));
  if (!packed) {
    const DType part = is_complex(*dtype) ? real_dtype(*dtype) : *dtype;
    for (const std::string& w : written) append_number(w, part, bytes, in);
  }
  const ByteCursor nowhere(bytes, 0, bytes.size(), "text");
  try {
    a.text = packed || *dtype != DType::bool_ ? tensor_bytes(*a.type, bytes, packed, nowhere) : bytes;
  } catch (const DataLossError& e) {
    in.fail(e.what());
  }
  const std::int64_t n = num_elements(a.type->dims);
  const auto held = static_cast<std::int64_t>(a.text.size()) / itemsize(*dtype);
  if (held != 1 && held != n) in.fail(fmt::format("a constant has {} elements; expected {}.", held, n));
  if (held == 0 && n != 0) in.fail("a constant has no elements.");
  return made(std::move(a));
}

AttrPtr TextParser::dense_array() {
  in.expect("<");
  Attr a;
  a.kind = Kind::tensor;
  const std::string name = element();
  std::vector<std::string> written;
  if (in.accept(":")) {
    do written.emplace_back(in.peek() == 't' || in.peek() == 'f' ? in.word() : in.number());
    while (in.accept(","));
  }
  in.expect(">");
  a.type = tensor_type(name, {static_cast<std::int64_t>(written.size())});
  const auto dtype = a.type->dtype();
  if (!dtype || is_complex(*dtype)) in.fail("an array has a type that arrays do not have.");
  for (const std::string& w : written) append_number(w, *dtype, a.text, in);
  return made(std::move(a));
}

// #stablehlo<word VALUE>, #stablehlo.gather<name = …>, and others, which stay texts.
AttrPtr TextParser::dialect_attribute() {
  in.expect("#");
  const std::string name = in.name();
  if (const auto it = aliases_.find(name); it != aliases_.end()) return it->second;
  if (name == "stablehlo" || name == "mhlo") {
    in.expect("<");
    (void)in.need_word("a kind of enumeration");
    std::string value(in.need_word("an enumerator"));
    in.expect(">");
    return string_attribute(std::move(value));
  }
  const bool numbers = name == "stablehlo.gather" || name == "stablehlo.scatter" || name == "stablehlo.dot";
  if (numbers) return dictionary('>');
  Attr a;
  a.kind = Kind::text;
  a.text = "#" + name;
  if (in.accept("<")) a.text += fmt::format("<{}>", in.balanced('<', '>'));
  return made(std::move(a));
}

AttrPtr TextParser::attribute() {
  deeper();
  AttrPtr out;
  const char c = in.peek();
  Attr a;
  if (c == '[') out = array_attribute();
  else if (c == '{') out = dictionary('}');
  else if (c == '"') out = string_attribute(in.quoted());
  else if (c == '#') out = dialect_attribute();
  else if (c == '@') {
    in.expect("@");
    a.kind = Kind::symbol;
    a.text = in.name();
  } else if ((c >= '0' && c <= '9') || c == '-') out = number_attribute();
  else if (in.accept_word("true")) a.kind = Kind::boolean, a.integer = 1;
  else if (in.accept_word("false")) a.kind = Kind::boolean;
  else if (in.accept_word("dense")) out = dense();
  else if (in.accept_word("array")) out = dense_array();
  else if (in.accept_word("unit")) a.kind = Kind::boolean, a.integer = 1;
  else a.kind = Kind::type, a.type = type();
  --depth_;
  return out ? out : made(std::move(a));
}

}  // namespace tf2jax::stablehlo
