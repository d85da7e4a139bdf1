// Specifications of shapes, and dimension variables as values.
#include "tf2jax/jax2tf/internal/polymorphic.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "tf2jax/base/internal/dim_expr.h"

namespace tf2jax::jax2tf {
namespace {

std::string trimmed(std::string_view s) {
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front()))) s.remove_prefix(1);
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back()))) s.remove_suffix(1);
  return std::string(s);
}

Dim parse_dim(const std::string& spec, const std::string& part, std::size_t i) {
  try {
    return Dim::parse(part);
  } catch (const ParseError& e) {
    std::string what = e.what();
    const std::size_t detail = what.find(": ");
    raise<ValueError>("syntax error in symbolic shape '{}' in dimension {}: {}", spec, i,
                      detail == std::string::npos ? what : what.substr(detail + 2));
  }
}

std::string specs_text(const std::vector<Shape>& shapes, std::size_t i) {
  std::string out;
  for (const Dim d : shapes[i]) out += (out.empty() ? "" : ", ") + d.to_string();
  return "'" + out + "'";
}
std::string all_specs(const std::vector<Shape>& shapes) {
  std::string out = "(";
  for (std::size_t i = 0; i < shapes.size(); ++i) out += (i ? ", " : "") + specs_text(shapes, i);
  return out + (shapes.size() == 1 ? ",)" : ")");
}
std::string all_sizes(const std::vector<Dims>& sizes) {
  std::string out = "(";
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    out += i ? ", TensorShape([" : "TensorShape([";
    for (std::size_t k = 0; k < sizes[i].size(); ++k) out += fmt::format("{}{}", k ? ", " : "", sizes[i][k]);
    out += "])";
  }
  return out + (sizes.size() == 1 ? ",)" : ")");
}

}  // namespace

// The parts between commas outside parentheses; one comma may end the list.
std::vector<std::string> shape_parts(const std::string& spec) {
  std::string text = trimmed(spec);
  if (text.size() >= 2 && text.front() == '(' && text.back() == ')') {
    int depth = 0;
    bool around = true;
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
      depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
      around = around && depth > 0;
    }
    if (around) text = trimmed(text.substr(1, text.size() - 2));
  }
  std::vector<std::string> parts;
  std::string part;
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == ',' && depth == 0) {
      parts.push_back(trimmed(part));
      part.clear();
    } else {
      part += c;
    }
  }
  if (!trimmed(part).empty()) parts.push_back(trimmed(part));
  return parts;
}

Shape polymorphic_shape(const std::optional<std::string>& spec, const Shape& actual) {
  if (!spec) {
    check(is_concrete(actual), "jax2tf: an argument without polymorphic shape must have a known shape. Got {}.",
          to_string(actual));
    return actual;
  }
  std::vector<std::string> parts = shape_parts(*spec);
  if (!parts.empty() && parts.back() == "...") {
    parts.pop_back();
    check(parts.size() <= actual.size(),
          "cannot resolve placeholder '...' because we parsed {} already and 'like' shape has only {} dimensions: "
          "symbolic shape '{}', argument shape {}.",
          parts.size(), actual.size(), *spec, to_string(actual));
    parts.resize(actual.size(), "_");
  }
  Shape out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    check(parts[i] != "...", "syntax error in symbolic shape '{}' in dimension {}: '...' must be at the end.", *spec,
          i);
    check(i < actual.size(),
          "jax2tf: polymorphic shape '{}' must match the rank of the argument. Got {} dimensions for shape {}.", *spec,
          parts.size(), to_string(actual));
    if (parts[i] == "_") {
      check(actual[i].is_constant(), "unexpected placeholder for unknown dimension; like={}", to_string(actual));
      out.push_back(actual[i]);
      continue;
    }
    const Dim d = parse_dim(*spec, parts[i], i);
    check(!d.is_constant() || !actual[i].is_constant() || d.value() == actual[i].value(),
          "syntax error in symbolic shape '{}' in dimension {}: different size {} for known dimension; like={}", *spec,
          i, d, to_string(actual));
    out.push_back(d);
  }
  check(out.size() == actual.size(),
        "jax2tf: polymorphic shape '{}' must match the rank of the argument. Got {} dimensions for shape {}.", *spec,
        out.size(), to_string(actual));
  return out;
}

std::vector<DimSource> solve_dims(const std::vector<Shape>& shapes) {
  std::vector<DimSource> sources;
  std::set<std::string> known, all;
  for (const Shape& s : shapes)
    for (const Dim d : s)
      for (const auto& v : d.variables()) all.insert(v);
  const auto solve = [&](std::size_t a, std::int64_t axis) {
    std::string wanted;
    for (const auto& v : shapes[a][axis].variables())
      if (!known.contains(v)) {
        if (!wanted.empty()) return false;
        wanted = v;
      }
    if (wanted.empty()) return false;
    DimSource s{wanted, a, axis, 0, 0};
    for (const auto& [monomial, coefficient] : tf2jax::detail::terms_of(shapes[a][axis])) {
      const Dim term = tf2jax::detail::from_monomial(monomial, coefficient);
      const auto names = term.variables();
      if (std::ranges::find(names, wanted) == names.end()) {
        s.rest += term;
        continue;
      }
      const bool linear = monomial.factors.size() == 1 && monomial.factors[0].second == 1 &&
                          monomial.factors[0].first->kind == DimAtom::Kind::variable;
      if (!linear) return false;
      s.factor = coefficient;
    }
    known.insert(wanted);
    sources.push_back(s);
    return true;
  };
  // What is a variable alone comes first, so that sizes mean what they seem to.
  for (std::size_t a = 0; a < shapes.size(); ++a)
    for (std::size_t i = 0; i < shapes[a].size(); ++i) {
      const auto names = shapes[a][i].variables();
      if (names.size() == 1 && identical(shapes[a][i], Dim::variable(names[0]))) solve(a, static_cast<std::int64_t>(i));
    }
  for (bool again = true; again;) {
    again = false;
    for (std::size_t a = 0; a < shapes.size(); ++a)
      for (std::size_t i = 0; i < shapes[a].size(); ++i) again = solve(a, static_cast<std::int64_t>(i)) || again;
  }
  std::string missing;
  for (const auto& v : all)
    if (!known.contains(v)) missing += (missing.empty() ? "'" : ", '") + v + "'";
  check(missing.empty(),
        "Cannot solve for values of dimension variables {{{}}}. We can only solve linear uni-variate constraints.",
        missing);
  return sources;
}

std::map<std::string, std::int64_t> check_sizes(const std::vector<Shape>& shapes, const std::vector<Dims>& sizes) {
  std::map<std::string, std::int64_t> values;
  for (const DimSource& s : solve_dims(shapes)) {
    const std::int64_t left = sizes[s.argument][s.axis] - s.rest.evaluate(values);
    check(left % s.factor == 0,
          "Input shapes do not match the polymorphic shapes specification. Division had remainder "
          "{} when computing the value of '{}'.",
          tf2jax::detail::floor_remainder(left, s.factor), s.variable);
    values[s.variable] = left / s.factor;
    check(values[s.variable] >= 1,
          "PolyShape {} has dimension variable '{}' corresponding to {}, for argument shapes {}", all_specs(shapes),
          s.variable, values[s.variable], all_sizes(sizes));
  }
  for (std::size_t a = 0; a < shapes.size(); ++a)
    for (std::size_t i = 0; i < shapes[a].size(); ++i) {
      const Dim d = shapes[a][i];
      const std::int64_t expected = d.evaluate(values), got = sizes[a][i];
      if (expected == got) continue;
      const auto names = d.variables();
      if (names.size() == 1 && identical(d, Dim::variable(names[0])))
        raise<ValueError>(
            "PolyShape {} has dimension variable '{}' corresponding to multiple values {{{}, {}}}, for argument shapes "
            "{}",
            all_specs(shapes), names[0], std::min(expected, got), std::max(expected, got), all_sizes(sizes));
      raise<ValueError>(
          "Input shapes do not match the polymorphic shapes specification. Found inconsistency between dimension size "
          "args[{}].shape[{}] (= {}) and the specification '{}' (= {}).",
          a, i, got, d, expected);
    }
  return values;
}

std::map<std::string, Tensor> read_dims(Lowering& c, const std::vector<Shape>& shapes, const Tensors& arguments,
                                        bool checks) {
  constexpr std::string_view kWhere = "Input shapes do not match the polymorphic shapes specification.";
  std::vector<std::optional<Tensor>> read(arguments.size());
  const auto size_of = [&](std::size_t a, std::int64_t axis) {
    const auto rank = static_cast<std::int64_t>(shapes[a].size());
    if (!read[a]) read[a] = c.node("Shape", {arguments[a]}, {i32, {Dim(rank)}});
    return c.node("StridedSlice", {*read[a], c.ints({axis}), c.ints({axis + 1}), c.ints({1})}, {i32, {}},
                  {{"shrink_axis_mask", std::int64_t{1}}});
  };
  std::map<std::string, Tensor> values;
  const auto within = [&] {  // sizes made of what is known so far
    Lowering inner(c.library(), c.writer(), {c.enable_xla(), false}, values);
    return inner;
  };
  std::set<std::pair<std::size_t, std::int64_t>> used;
  for (const DimSource& s : solve_dims(shapes)) {
    Tensor value = size_of(s.argument, s.axis);
    if (!identical(s.rest, Dim(0))) value = c.binary("Sub", value, within().size(s.rest));
    if (s.factor != 1) {
      if (checks) {
        const Tensor rest = c.binary("FloorMod", value, c.index(s.factor));
        c.writer().check_holds(
            c.compare("Equal", rest, c.index(0)),
            fmt::format("{} Division had remainder when computing the value of '{}'.", kWhere, s.variable));
      }
      value = c.binary("FloorDiv", value, c.index(s.factor));
    }
    if (checks)
      c.writer().check_holds(c.compare("GreaterEqual", value, c.index(1)),
                             fmt::format("{} Expected value >= 1 for dimension variable '{}'.", kWhere, s.variable));
    values[s.variable] = value;
    used.insert({s.argument, s.axis});
  }
  if (!checks) return values;
  for (std::size_t a = 0; a < shapes.size(); ++a)
    for (std::size_t i = 0; i < shapes[a].size(); ++i) {
      const auto axis = static_cast<std::int64_t>(i);
      if (shapes[a][i].is_constant() || used.contains({a, axis})) continue;
      const Tensor expected = within().size(shapes[a][i]);
      c.writer().check_holds(
          c.compare("Equal", size_of(a, axis), expected),
          fmt::format("{} Found inconsistency between dimension size args[{}].shape[{}] and the specification '{}'.",
                      kWhere, a, i, shapes[a][i]));
    }
  return values;
}

}  // namespace tf2jax::jax2tf
