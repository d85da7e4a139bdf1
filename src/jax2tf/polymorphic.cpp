// Specifications of shapes, and dimension variables as values.
#include "tf2jax/jax2tf/internal/polymorphic.h"

#include <algorithm>
#include <set>

namespace tf2jax::jax2tf {
namespace {

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

Shape polymorphic_shape(const std::optional<std::string>& spec, const Shape& actual, const SymbolicScope& scope) {
  if (!spec) {
    check(is_concrete(actual), "jax2tf: an argument without polymorphic shape must have a known shape. Got {}.",
          to_string(actual));
    return actual;
  }
  SymbolicShapeOptions options{.scope = scope, .like = {{}}};
  for (const Dim d : actual) options.like->push_back(d.is_constant() ? std::optional(d.value()) : std::nullopt);
  const Shape out = symbolic_shape(*spec, options);
  check(out.size() == actual.size(),
        "jax2tf: polymorphic shape '{}' must match the rank of the argument. Got {} dimensions for shape {}.", *spec,
        out.size(), to_string(actual));
  return out;
}

std::map<std::string, std::int64_t> check_sizes(const std::vector<Shape>& shapes, const std::vector<Dims>& sizes) {
  std::map<std::string, std::int64_t> values;
  for (const DimSource& s : solve_dims(shapes)) {
    const std::int64_t left = sizes[s.argument][s.axis] - s.rest.evaluate(values);
    check(left % s.factor == 0,
          "Input shapes do not match the polymorphic shapes specification. Division had remainder "
          "{} when computing the value of '{}'.",
          mod(Dim(left), Dim(s.factor)), s.variable);
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
      if (is_variable(d))
        raise<ValueError>(
            "PolyShape {} has dimension variable '{}' corresponding to multiple values {{{}, {}}}, for argument shapes "
            "{}",
            all_specs(shapes), d, std::min(expected, got), std::max(expected, got), all_sizes(sizes));
      raise<ValueError>(
          "Input shapes do not match the polymorphic shapes specification. Found inconsistency between dimension size "
          "args[{}].shape[{}] (= {}) and the specification '{}' (= {}).",
          a, i, got, d, expected);
    }
  for (const SymbolicConstraint& c : constraints_on(shapes)) {
    const std::int64_t found = c.difference.evaluate(values);
    if (c.equal ? found != 0 : found < 0) raise<ValueError>("{}, but found {}.", violation_text(c), found);
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
  for (const SymbolicConstraint& constraint : constraints_on(shapes))
    c.writer().check_holds(
        c.compare(constraint.equal ? "Equal" : "GreaterEqual", within().size(constraint.difference), c.index(0)),
        violation_text(constraint) + ".");
  return values;
}

}  // namespace tf2jax::jax2tf
