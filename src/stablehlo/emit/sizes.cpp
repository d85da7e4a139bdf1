// Sizes that are not known when a module is written: read from its arguments, as JAX's polymorphic exports do.
#include "tf2jax/stablehlo/internal/emitter.h"

#include "tf2jax/base/dim_solve.h"
#include "tf2jax/ops/dim_as_value.h"
#include "tf2jax/ops/elementwise.h"

#include <fmt/format.h>

#include <limits>
#include <set>

namespace tf2jax::stablehlo {
namespace {

constexpr std::string_view kMismatch = "Input shapes do not match the polymorphic shapes specification.";

Array size_constant(std::int64_t size) {
  check<NotImplementedError>(
      std::numeric_limits<std::int32_t>::min() <= size && size <= std::numeric_limits<std::int32_t>::max(),
      "stablehlo: a number among symbolic sizes cannot be written. Got {}; expected one that i32 holds.", size);
  const auto narrow = static_cast<std::int32_t>(size);
  return detail::exact_array(size_type(), std::as_bytes(std::span(&narrow, 1)));
}

}  // namespace

ValueId Emitter::size_of_atom(const DimAtom& atom) {
  using Kind = DimAtom::Kind;
  if (atom.kind == Kind::variable) {
    const auto it = values_of_.find(atom.name);
    check(it != values_of_.end(),
          "Encountered dimension variable '{}' that is not appearing in the shapes of the function arguments.",
          atom.name);
    return it->second;
  }
  const ValueId a = size(atom.a), b = size(atom.b);
  if (atom.kind == Kind::max || atom.kind == Kind::min)
    return op1(atom.kind == Kind::max ? "maximum" : "minimum", {a, b}, size_type());
  const FlatFn division = [&](const Arrays& xs) {
    const Array quotient = floor_divide(xs[0], xs[1]);
    return Arrays{atom.kind == Kind::floordiv ? quotient : xs[0] - quotient * xs[1]};
  };
  return expanded(division, {size_type(), size_type()}, {a, b})[0];
}

ValueId Emitter::size(Dim d) {
  const std::string text = d.to_string();
  if (const auto known = sizes_.find(text); known != sizes_.end()) return known->second;
  std::optional<ValueId> sum;
  for (const auto& [monomial, coefficient] : tf2jax::detail::terms_of(d)) {
    std::optional<ValueId> product;
    if (coefficient != 1 || monomial.factors.empty()) product = constant(size_constant(coefficient));
    for (const auto& [atom, exponent] : monomial.factors)
      for (int i = 0; i < exponent; ++i) {
        const ValueId factor = size_of_atom(*atom);
        product = product ? op1("multiply", {*product, factor}, size_type()) : factor;
      }
    sum = sum ? op1("add", {*sum, *product}, size_type()) : *product;
  }
  return sizes_[text] = sum ? *sum : constant(size_constant(0));
}

ValueId Emitter::sizes(const Shape& shape) {
  std::string text = "sizes";
  for (const Dim d : shape) text += " " + d.to_string();
  if (const auto known = sizes_.find(text); known != sizes_.end()) return known->second;
  ValueIds scalars;
  for (const Dim d : shape) scalars.push_back(size(d));
  return sizes_[text] = stacked(scalars);
}

ValueId Emitter::stacked(const ValueIds& scalars) {
  const auto vector_of = [](std::size_t n) { return size_type().with_shape({Dim(n)}); };
  ValueIds parts;
  for (const ValueId v : scalars) parts.push_back(op1("reshape", {v}, vector_of(1)));
  if (parts.size() == 1) return parts[0];
  return op1("concatenate", parts, vector_of(parts.size()), {{"dimension", integer_attribute(0)}});
}

ValueId Emitter::broadcast_in_dim(ValueId x, const Axes& axes, const Aval& result) {
  const Attributes attributes{{"broadcast_dimensions", integers_attribute(axes)}};
  if (is_concrete(result.shape)) return op1("broadcast_in_dim", {x}, result, attributes);
  return op1("dynamic_broadcast_in_dim", {x, sizes(result.shape)}, result, attributes);
}

ValueId Emitter::reshape(ValueId x, const Aval& result) {
  if (is_concrete(result.shape)) return op1("reshape", {x}, result);
  return op1("dynamic_reshape", {x, sizes(result.shape)}, result);
}

ValueId Emitter::iota(std::int64_t axis, const Aval& result) {
  const Attributes attributes{{"iota_dimension", integer_attribute(axis)}};
  if (is_concrete(result.shape)) return op1("iota", {}, result, attributes);
  return op1("dynamic_iota", {sizes(result.shape)}, result, attributes);
}

ValueId Emitter::slice(ValueId x, const Shape& start, const Shape& limit, const Axes& strides, const Aval& result) {
  if (is_concrete(start) && is_concrete(limit))
    return op1("slice", {x}, result,
               {{"limit_indices", integers_attribute(concrete(limit))},
                {"start_indices", integers_attribute(concrete(start))},
                {"strides", integers_attribute(strides)}});
  return op1("real_dynamic_slice", {x, sizes(start), sizes(limit), sizes(symbolic(strides))}, result);
}

// Starts are clamped, so that the slice lies inside.
ValueId Emitter::dynamic_slice(ValueId x, const Shape& of, const ValueIds& start, const Aval& result) {
  if (is_concrete(result.shape)) {
    ValueIds operands{x};
    operands.insert(operands.end(), start.begin(), start.end());
    return op1("dynamic_slice", operands, result, {{"slice_sizes", integers_attribute(concrete(result.shape))}});
  }
  ValueIds starts;
  for (std::size_t i = 0; i < of.size(); ++i) {
    const ValueId at = op1("convert", {start[i]}, size_type());
    starts.push_back(op1("clamp", {size(0), at, size(of[i] - result.shape[i])}, size_type()));
  }
  const ValueId from = stacked(starts),
                to = op1("add", {from, sizes(result.shape)}, size_type().with_shape({Dim(of.size())}));
  return op1("real_dynamic_slice", {x, from, to, sizes(Shape(of.size(), Dim(1)))}, result);
}

void Emitter::assert_size(std::string_view direction, Dim a, Dim b, const std::string& message) {
  const ValueId x = size(a), y = size(b);
  const ValueId holds = op1("compare", {x, y}, {DType::bool_, {}, false},
                            {{"compare_type", string_attribute("SIGNED")},
                             {"comparison_direction", string_attribute(std::string(direction))}});
  (void)op("custom_call", {holds, x, y}, {},
           {{"api_version", string_attribute("API_VERSION_STATUS_RETURNING")},
            {"call_target_name", string_attribute("shape_assertion")},
            {"error_message", string_attribute(message)},
            {"has_side_effect", boolean_attribute(true)}});
}

// Sizes that were read have names of their own until the variables are known: a size of argument 0, axis 1 is "@0.1".
void Emitter::read_variables(const std::vector<Shape>& shapes, const ValueIds& arguments) {
  variables_ = variables_of(shapes);
  if (variables_.empty()) return;
  const auto read = [&](std::size_t argument, std::int64_t axis) {
    const std::string name = fmt::format("tf2jax_size_{}_{}", argument, axis);
    if (!values_of_.contains(name))
      values_of_[name] =
          op1("get_dimension_size", {arguments[argument]}, size_type(), {{"dimension", integer_attribute(axis)}});
    return Dim::variable(name, SymbolicScope::of(shapes[argument]));
  };
  std::set<std::pair<std::size_t, std::int64_t>> plain;  // axes that are a variable
  for (const DimSource& s : solve_dims(shapes)) {
    if (s.factor == 1 && identical(s.rest, Dim(0))) plain.insert({s.argument, s.axis});
    const Dim left = read(s.argument, s.axis) - s.rest;
    if (s.factor != 1)
      assert_size(
          "EQ", mod(left, s.factor), 0,
          fmt::format("{} Division had remainder {{0}} when computing the value of '{}'.", kMismatch, s.variable));
    values_of_[s.variable] = size(floordiv(left, s.factor));
    assert_size("GE", Dim::variable(s.variable, SymbolicScope::of(shapes[s.argument])), 1,
                fmt::format("{} Expected value >= 1 for dimension variable '{}'.", kMismatch, s.variable));
  }
  for (std::size_t a = 0; a < shapes.size(); ++a)
    for (std::size_t i = 0; i < shapes[a].size(); ++i) {
      const auto axis = static_cast<std::int64_t>(i);
      if (shapes[a][i].is_constant() || plain.contains({a, axis})) continue;
      const Dim got = read(a, axis);
      assert_size("EQ", got, shapes[a][i],
                  fmt::format("{} Found inconsistency between dimension size args[{}].shape[{}] (= {{0}}) and the "
                              "specification '{}' (= {{1}}).",
                              kMismatch, a, i, shapes[a][i]));
    }
  for (const SymbolicConstraint& c : constraints_on(shapes))
    assert_size(c.equal ? "EQ" : "GE", c.difference, 0, violation_text(c) + ", but found {0}.");
}

}  // namespace tf2jax::stablehlo
