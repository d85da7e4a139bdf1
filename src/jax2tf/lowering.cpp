// Lowering: programs and sizes, and the operations that rules share.
#include "tf2jax/jax2tf/internal/lowering.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include "tf2jax/base/internal/dim_expr.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/passes/dce.h"

namespace tf2jax::jax2tf {

const Rules& all_rules() {
  static const Rules rules = [] {
    Rules r;
    for (const auto add : {add_elementwise_rules, add_binary_rules, add_shape_rules, add_index_rules, add_scatter_rules,
                           add_reduce_rules, add_window_rules, add_sort_rules, add_product_rules, add_linalg_rules,
                           add_random_rules, add_control_rules, add_dim_rules})
      add(r);
    return r;
  }();
  return rules;
}

const char* refusal(std::string_view primitive) {
  if (primitive == "custom_lin")
    return "it is what differentiation leaves of a custom_vjp function, and is known by its transpose only";
  if (primitive == "random_gamma") return "its rejection loop has no form in TensorFlow operations yet";
  if (primitive == "schur" || primitive == "hessenberg" || primitive == "tridiagonal")
    return "TensorFlow has no operation for it";
  return nullptr;
}

void refuse(std::string_view primitive, const std::string& why) {
  raise<NotImplementedError>("jax2tf: primitive '{}' cannot be written: {}.", primitive, why);
}

void need_xla(const Lowering& c, std::string_view primitive) {
  if (!c.enable_xla())
    refuse(primitive, "TensorFlow has no plain operation for it. Convert with enable_xla, or avoid it");
}

Aval stored(const Aval& aval) {
  if (aval.dtype != DType::key) return aval;
  Aval out{DType::u32, aval.shape, false};
  out.shape.emplace_back(2);
  return out;
}

Shape joined_shape(const Tensor& x, const Tensor& y) {
  const Shape &a = x.shape, &b = y.shape;
  Shape out = a.size() >= b.size() ? a : b;
  const Shape& other = a.size() >= b.size() ? b : a;
  for (std::size_t i = 0; i < other.size(); ++i) {
    Dim& d = out[out.size() - other.size() + i];
    if (identical(d, Dim(1))) d = other[i];
  }
  return out;
}

DType unsigned_of(DType dtype) {
  constexpr DType kTypes[] = {u8, u16, u32, u64};
  const int bytes = itemsize(dtype);
  return kTypes[bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3];
}
DType signed_of(DType dtype) {
  constexpr DType kTypes[] = {i8, i16, i32, i64};
  const int bytes = itemsize(dtype);
  return kTypes[bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3];
}

// ---- programs

namespace {
// The letters that names of nodes have: others become '_', and a name begins with a letter or a digit.
std::string node_name(std::string name) {
  const auto plain = [](unsigned char c) { return c < 128 && std::isalnum(c); };
  for (char& c : name)
    if (!plain(static_cast<unsigned char>(c)) && std::string_view("_.-/").find(c) == std::string_view::npos) c = '_';
  return name.empty() || plain(static_cast<unsigned char>(name[0])) ? name : "scope" + name;
}
}  // namespace

Tensors Lowering::apply(const Equation& e, const Tensors& inputs, const Avals& outputs) {
  if (const auto& called = e.primitive.rules().called)
    if (const Jaxpr* program = called(e.params)) return run(*program, inputs);
  const std::string scope = options_.op_metadata && e.name_scope ? node_name(*e.name_scope) : "";
  const std::string previous = writer_.set_scope(scope.empty() ? writer_.scope() : scope);
  const Rule* rule = all_rules().find(e.primitive);
  if (!rule) {
    const char* why = refusal(e.primitive.name());
    refuse(e.primitive.name(), why ? why : "it has no rule; it was registered by a program");
  }
  Tensors out = (*rule)(*this, inputs, e.params, outputs);
  writer_.set_scope(previous);
  return out;
}

Tensors Lowering::run(const Jaxpr& program, const Tensors& inputs) {
  const Jaxpr jaxpr = dce(program);
  std::vector<Tensor> values(jaxpr->vars.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) values[jaxpr->invars[i]] = inputs[i];
  for (std::size_t i = 0; i < jaxpr->constvars.size(); ++i) values[jaxpr->constvars[i]] = constant(jaxpr->consts[i]);
  const auto read = [&](const Atom& a) { return a.is_literal() ? constant(a.literal) : values[a.var]; };
  for (const Equation& e : jaxpr->eqns) {
    Tensors operands;
    for (const Atom& a : e.inputs) operands.push_back(read(a));
    Avals types;
    for (const VarId v : e.outputs) types.push_back(stored(jaxpr->vars[v]));
    const Tensors results = apply(e, operands, types);
    for (std::size_t i = 0; i < results.size(); ++i) {
      values[e.outputs[i]] = results[i];
      values[e.outputs[i]].shape = types[i].shape;  // the program's word for it
    }
  }
  Tensors out;
  for (const Atom& a : jaxpr->outs) out.push_back(read(a));
  return out;
}

Tensors Lowering::call(const FlatFn& f, const Tensors& inputs) {
  Avals avals;
  for (const Tensor& x : inputs) avals.push_back(aval_of(x));
  return run(stage(f, avals), inputs);
}

Tensors Lowering::dim_operands() const {
  Tensors out;
  for (const auto& [name, value] : dims_) out.push_back(value);
  return out;
}

Lowering Lowering::inside(FunctionWriter& writer) const {
  Lowering inner(library_, writer, options_);
  for (const auto& [name, value] : dims_) inner.dims_[name] = writer.argument("dim_" + name, {i32, {}});
  return inner;
}

FunctionName Lowering::function(const Jaxpr& jaxpr, const std::string& name) {
  FunctionWriter writer(library_.unique_name(name));
  Tensors arguments;
  for (std::size_t i = 0; i < jaxpr.num_inputs(); ++i)
    arguments.push_back(writer.argument(fmt::format("arg_{}", i), stored(jaxpr.input(i))));
  Lowering inner = inside(writer);
  const Tensors results = inner.run(jaxpr, arguments);
  library_.add(writer.finish(results));
  return {writer.name()};
}

FunctionName Lowering::scalar_function(const std::string& name, const std::vector<DType>& arguments,
                                       const std::function<Tensor(Lowering&, const Tensors&)>& body) {
  FunctionWriter writer(library_.unique_name(name));
  Tensors args;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    args.push_back(writer.argument(fmt::format("arg_{}", i), {arguments[i], {}}));
  Lowering inner(library_, writer, options_);
  const Tensor result = body(inner, args);
  library_.add(writer.finish({result}));
  return {writer.name()};
}

// ---- nodes

Tensor Lowering::binary(std::string_view op, const Tensor& x, const Tensor& y) {
  return node(op, {x, y}, {x.dtype, joined_shape(x, y)});
}
Tensor Lowering::compare(std::string_view op, const Tensor& x, const Tensor& y) {
  return node(op, {x, y}, {bool_, joined_shape(x, y)});
}
Tensor Lowering::select(const Tensor& condition, const Tensor& yes, const Tensor& no) {
  const Tensor both{"", yes.dtype, joined_shape(yes, no), {}};
  return node("SelectV2", {condition, yes, no}, {yes.dtype, joined_shape(condition, both)});
}

Tensor Lowering::scalar(DType dtype, double value) {
  return constant(detail::exact_array({dtype, {}}, [&](std::byte* out) {
    visit_dtype(dtype,
                [&]<class T>(std::type_identity<T>) { *reinterpret_cast<T*>(out) = detail::convert_scalar<T>(value); });
  }));
}
Tensor Lowering::scalar(DType dtype, std::int64_t value) {
  return constant(detail::exact_array({dtype, {}}, [&](std::byte* out) {
    visit_dtype(dtype,
                [&]<class T>(std::type_identity<T>) { *reinterpret_cast<T*>(out) = detail::convert_scalar<T>(value); });
  }));
}

Tensor Lowering::ints(const Axes& values) {
  const bool wide = std::ranges::any_of(values, [](std::int64_t v) {
    return v > std::numeric_limits<std::int32_t>::max() || v < std::numeric_limits<std::int32_t>::min();
  });
  const Shape shape{Dim(values.size())};
  return constant(detail::exact_array({wide ? i64 : i32, shape}, [&](std::byte* out) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (wide) reinterpret_cast<std::int64_t*>(out)[i] = values[i];
      else reinterpret_cast<std::int32_t*>(out)[i] = static_cast<std::int32_t>(values[i]);
    }
  }));
}

Tensor Lowering::size(Dim d) {
  if (d.is_constant()) return index(d.value());
  if (const auto it = computed_.find(d.to_string()); it != computed_.end()) return it->second;
  const auto atom = [&](const DimAtom& a) -> Tensor {
    if (a.kind == DimAtom::Kind::variable) {
      const auto it = dims_.find(a.name);
      check(it != dims_.end(),
            "Encountered dimension variable '{}' that is not appearing in the shapes of the function arguments.",
            a.name);
      return it->second;
    }
    constexpr const char* kOps[] = {"", "FloorDiv", "Maximum", "Minimum", "FloorMod"};
    return binary(kOps[static_cast<int>(a.kind)], size(a.a), size(a.b));
  };
  std::optional<Tensor> sum;
  for (const auto& [monomial, coefficient] : detail::terms_of(d)) {
    std::optional<Tensor> product;
    if (coefficient != 1 || monomial.factors.empty()) product = index(coefficient);
    for (const auto& [factor, exponent] : monomial.factors)
      for (int k = 0; k < exponent; ++k) product = product ? binary("Mul", *product, atom(*factor)) : atom(*factor);
    sum = sum ? binary("AddV2", *sum, *product) : *product;
  }
  return computed_[d.to_string()] = *sum;
}

Tensor Lowering::sizes(const Shape& shape) {
  if (is_concrete(shape)) return ints(concrete(shape));
  Tensors parts;
  for (const Dim d : shape) parts.push_back(size(d));
  return node("Pack", parts, {i32, {Dim(shape.size())}}, {{"axis", std::int64_t{0}}});
}

// ---- moves

Tensor Lowering::reshape(const Tensor& x, const Shape& shape) {
  if (identical(x.shape, shape)) return x;
  // One unknown size is left to TensorFlow, which keeps the others static.
  const auto symbolic_sizes = std::ranges::count_if(shape, [](Dim d) { return !d.is_constant(); });
  const bool empty = std::ranges::any_of(shape, [](Dim d) { return d.is_constant() && d.value() == 0; });
  if (symbolic_sizes == 1 && !empty) {
    Axes sizes;
    for (const Dim d : shape) sizes.push_back(d.is_constant() ? d.value() : -1);
    return node("Reshape", {x, ints(sizes)}, {x.dtype, shape});
  }
  return node("Reshape", {x, sizes(shape)}, {x.dtype, shape});
}
Tensor Lowering::broadcast(const Tensor& x, const Shape& shape) {
  if (identical(x.shape, shape)) return x;
  return node("BroadcastTo", {x, sizes(shape)}, {x.dtype, shape});
}
Tensor Lowering::transpose(const Tensor& x, const Axes& permutation) {
  if (permutation == iota_axes(static_cast<std::int64_t>(permutation.size()))) return x;
  Shape shape;
  for (const auto axis : permutation) shape.push_back(x.shape[axis]);
  return node("Transpose", {x, ints(permutation)}, {x.dtype, shape});
}
Tensor Lowering::concat(const Tensors& xs, std::int64_t axis) {
  if (xs.size() == 1) return xs[0];
  Shape shape = xs[0].shape;
  for (std::size_t i = 1; i < xs.size(); ++i) shape[axis] += xs[i].shape[axis];
  Tensors inputs = xs;
  inputs.push_back(index(axis));
  return node("ConcatV2", inputs, {xs[0].dtype, shape});
}

Tensor Lowering::slice(const Tensor& x, const Shape& start, const Shape& limit, const Axes& strides) {
  Shape shape;
  Axes steps = strides;
  if (steps.empty()) steps.assign(x.shape.size(), 1);
  bool whole = true;
  for (std::size_t i = 0; i < x.shape.size(); ++i) {
    const Dim extent = limit[i] - start[i];
    shape.push_back(steps[i] == 1 ? extent : floordiv(extent + (steps[i] - 1), steps[i]));
    whole = whole && identical(extent, x.shape[i]) && steps[i] == 1;
  }
  if (whole) return x;
  return node("StridedSlice", {x, sizes(start), sizes(limit), ints(steps)}, {x.dtype, shape});
}

Tensor Lowering::pad(const Tensor& x, const Shape& low, const Shape& high, const Tensor& value) {
  Shape shape = x.shape, widths;
  bool nothing = true;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    shape[i] += low[i] + high[i];
    widths.push_back(low[i]);
    widths.push_back(high[i]);
    nothing = nothing && identical(low[i], Dim(0)) && identical(high[i], Dim(0));
  }
  if (nothing) return x;
  const Tensor pairs = reshape(sizes(widths), {Dim(x.shape.size()), 2});
  return node("PadV2", {x, pairs, value}, {x.dtype, shape});
}

Tensor Lowering::iota(DType dtype, const Shape& shape, std::int64_t axis) {
  const Tensor range = node("Range", {index(0), size(shape[axis]), index(1)}, {i32, {shape[axis]}});
  Shape line(shape.size(), 1);
  line[axis] = shape[axis];
  return broadcast(reshape(cast(range, dtype), line), shape);
}

// ---- values

Tensor Lowering::zeros(const Aval& aval) { return broadcast(scalar(aval.dtype, 0), aval.shape); }

// TensorFlow's Neg takes no unsigned integers, and its optimizer makes a Neg of 0 - x.
Tensor Lowering::negated(const Tensor& x) {
  if (!is_unsigned_integer(x.dtype)) return unary("Neg", x);
  return bitcast(unary("Neg", bitcast(x, signed_of(x.dtype))), x.dtype);
}

Tensor Lowering::bitcast(const Tensor& x, DType dtype) {
  if (x.dtype == dtype) return x;
  return node("Bitcast", {x}, {dtype, x.shape});
}

namespace {

// A float as an integer: truncated; saturated where it is out of range; 0 for NaN, as Cast leaves these open.
Tensor saturated_cast(Lowering& c, const Tensor& x, DType dtype) {
  const int digits = 8 * itemsize(dtype) - (is_signed_integer(dtype) ? 1 : 0);
  const DType wide = x.dtype == DType::f64 ? DType::f64 : DType::f32;
  const Tensor v = x.dtype == wide ? x : c.node("Cast", {x}, {wide, x.shape});
  const double top = std::ldexp(1.0, digits), bottom = is_signed_integer(dtype) ? -top : 0.0;
  const Tensor low = c.compare("Greater", v, c.scalar(wide, is_signed_integer(dtype) ? bottom : -1.0));
  const Tensor high = c.compare("Less", v, c.scalar(wide, top));
  const Tensor inside = c.binary("LogicalAnd", low, high);
  const Tensor safe = c.select(inside, v, c.scalar(wide, 0));
  const Tensor number = c.node("Cast", {safe}, {dtype, x.shape});
  Tensor out = number;
  visit_dtype(dtype, [&]<class T>(std::type_identity<T>) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      const auto limit = [&](T value) {
        return c.constant(detail::exact_array({dtype, {}}, std::as_bytes(std::span(&value, 1))));
      };
      const Tensor over = c.compare("GreaterEqual", v, c.scalar(wide, top));
      out = c.select(over, limit(std::numeric_limits<T>::max()), out);
      if (is_signed_integer(dtype))
        out = c.select(c.compare("LessEqual", v, c.scalar(wide, bottom)), limit(std::numeric_limits<T>::min()), out);
    }
  });
  return out;
}

}  // namespace

Tensor Lowering::cast(const Tensor& x, DType dtype) {
  if (x.dtype == dtype) return x;
  if (is_bool(dtype)) return compare("NotEqual", x, scalar(x.dtype, 0));
  if (is_complex(x.dtype) && !is_complex(dtype)) return cast(node("Real", {x}, {real_dtype(x.dtype), x.shape}), dtype);
  if (is_floating(x.dtype) && is_integer(dtype)) return saturated_cast(*this, x, dtype);
  return node("Cast", {x}, {dtype, x.shape});
}

}  // namespace tf2jax::jax2tf
