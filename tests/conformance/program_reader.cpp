// The program of a case: its text, the constants that the text does not carry, its inputs.
#include "program_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/trace/parse.h"

namespace conformance {

using namespace tf2jax;

namespace {

// A constant of an exported module: jaxpr texts do not carry their values.
struct TextConstant {
  Dims dims;
  std::string dtype;
  std::vector<std::string> values;  // one: a splat
  bool used = false;
};

std::vector<TextConstant> constants_in(const std::string& text) {
  std::vector<TextConstant> out;
  const std::string start = "stablehlo.constant dense<";
  for (std::size_t at = text.find(start); at != std::string::npos; at = text.find(start, at + 1)) {
    const std::size_t from = at + start.size(), to = text.find("> : tensor<", from);
    if (to == std::string::npos) continue;
    const std::size_t end = text.find('>', to + 11);
    TextConstant c;
    std::string type = text.substr(to + 11, end - to - 11);
    while (!type.empty() && std::isdigit(static_cast<unsigned char>(type[0]))) {
      const std::size_t x = type.find('x');
      c.dims.push_back(std::atoll(type.c_str()));
      type = type.substr(x + 1);
    }
    c.dtype = type;
    std::string word;
    const std::string body = text.substr(from, to - from);
    if (body.starts_with("\"0x")) continue;
    for (char ch : body + ",") {
      if (ch == '[' || ch == ']' || ch == ' ' || ch == ',') {
        if (!word.empty()) c.values.push_back(word);
        word.clear();
      } else {
        word += ch;
      }
    }
    out.push_back(c);
  }
  return out;
}

std::string mlir_name(DType d) {
  if (is_bool(d)) return "i1";
  if (is_unsigned_integer(d)) return fmt::format("ui{}", itemsize(d) * 8);
  if (is_integer(d)) return fmt::format("i{}", itemsize(d) * 8);
  return std::string(short_name(d));
}

Array constant_of(const TextConstant& c, const Aval& aval) {
  return Array::build(aval, [&](std::byte* bytes) {
    visit_dtype(aval.dtype, [&]<class T>(std::type_identity<T>) {
      T* out = reinterpret_cast<T*>(bytes);
      const std::int64_t n = num_elements(aval.dims());
      for (std::int64_t i = 0; i < n; ++i) {
        const std::string& s = c.values.size() == 1 ? c.values[0] : c.values.at(i);
        if constexpr (std::same_as<T, bool>) out[i] = s == "true";
        else if constexpr (std::integral<T>) out[i] = static_cast<T>(std::strtoll(s.c_str(), nullptr, 0));
        else if constexpr (requires(T v) { v.real(); }) throw Unsupported("complex constants of a program");
        else out[i] = T(static_cast<float>(std::strtod(s.c_str(), nullptr)));
        if constexpr (std::same_as<T, double>) out[i] = std::strtod(s.c_str(), nullptr);
      }
    });
  });
}

}  // namespace

Jaxpr program_of(const json& c, const std::string& text) {
  const Jaxpr bare = parse_jaxpr(text);
  if (bare->constvars.empty()) return bare;
  if (!c.contains("export") || !c.at("export").contains("text"))
    throw Unsupported("the program's constants are not recorded");
  std::vector<TextConstant> found = constants_in(c.at("export").at("text").get<std::string>());
  Arrays consts;
  for (VarId v : bare->constvars) {
    const Aval& want = bare->vars[v];
    const auto it = std::ranges::find_if(found, [&](const TextConstant& t) {
      return !t.used && t.dims == want.dims() && t.dtype == mlir_name(want.dtype);
    });
    if (it == found.end()) throw Unsupported("the program's constants are not recorded");
    it->used = true;
    consts.push_back(constant_of(*it, want));
  }
  return parse_jaxpr(text, consts);
}

Arrays inputs_for(const Jaxpr& program, const Arrays& given) {
  if (given.size() != program.num_inputs())
    throw Unsupported(fmt::format("the program takes {} inputs, the case has {}", program.num_inputs(), given.size()));
  Arrays out;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Aval& want = program.input(i);
    out.push_back(given[i].dtype() == want.dtype ? given[i] : convert_element_type(given[i], want.dtype));
  }
  return out;
}

}  // namespace conformance
