// Rules of reductions over axes and of running reductions.
#include "tf2jax/ops/reduce.h"
#include "tf2jax/control/reduce_program.h"
#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/misc.h"
#include "tf2jax/ops/rule_makers.h"

namespace tf2jax::jax2tf {
namespace {

Tensor reduced(Lowering& c, const char* op, const Tensor& x, const Axes& axes) {
  Shape shape;
  for (const auto axis : other_axes(axes, static_cast<std::int64_t>(x.shape.size()))) shape.push_back(x.shape[axis]);
  return c.node(op, {x, c.ints(axes)}, {x.dtype, shape}, {{"keep_dims", false}});
}
template <class P>
Axes axes_of(const EquationParams& p) {
  return p.get<P>().axes;
}
Axes any_axes(const EquationParams& p) {
  if (p.is<ReduceAxes>()) return axes_of<ReduceAxes>(p);
  if (p.is<PlainReduceAxes>()) return axes_of<PlainReduceAxes>(p);
  return axes_of<PositionalAxes>(p);
}

Rule reduction(const char* op, const char* of_bools) {
  return [=](Lowering& c, const Tensors& x, const EquationParams& p, const Avals&) -> Tensors {
    const Axes axes = any_axes(p);
    if (axes.empty()) return {x[0]};
    if (is_bool(x[0].dtype)) return {reduced(c, of_bools, x[0], axes)};
    const std::string_view name = op;
    if (is_complex(x[0].dtype) && (name == "Max" || name == "Min"))
      refuse("reduce_max", "TensorFlow does not order complex numbers");
    if (name == "Max" || name == "Min") return {reduced(c, op, x[0], axes)};
    return {c.in_f32(x, [&](const Tensors& v) { return reduced(c, op, v[0], axes); })};
  };
}

// Integers bit by bit, by XLA.
Rule bitwise(const char* name, const char* op, std::int64_t start) {
  return [=](Lowering& c, const Tensors& x, const EquationParams& p, const Avals& out) -> Tensors {
    const Axes axes = any_axes(p);
    if (axes.empty()) return {x[0]};
    const DType type = x[0].dtype;
    if (is_bool(type)) {
      if (std::string_view(op) != "BitwiseXor")
        return {reduced(c, std::string_view(op) == "BitwiseAnd" ? "All" : "Any", x[0], axes)};
      const Tensor count = reduced(c, "Sum", c.cast(x[0], i32), axes);
      return {c.cast(c.binary("BitwiseAnd", count, c.index(1)), bool_)};
    }
    need_xla(c, name);
    const FunctionName f = c.scalar_function(
        name, {type, type}, [&](Lowering& inner, const Tensors& v) { return inner.binary(op, v[0], v[1]); });
    const Tensor init = start ? c.unary("Invert", c.scalar(type, 0)) : c.scalar(type, 0);
    return c.writer().nodes("XlaVariadicReduceV2", {x[0], init}, out, {{"dimensions_to_reduce", axes}, {"reducer", f}});
  };
}

// The first of equal ones; NaN wins, of which TensorFlow's operation knows nothing.
Rule arg_extreme(const char* op) {
  return [=](Lowering& c, const Tensors& x, const EquationParams& p, const Avals& out) -> Tensors {
    const Tensor axis = c.index(p.get<ArgReduce>().axes[0]);
    const DType type = x[0].dtype;
    const Aval index{i64, out[0].shape};
    const bool half = type == DType::f16 || type == DType::bf16;
    const Tensor v = half ? c.cast(x[0], DType::f32) : is_bool(type) ? c.cast(x[0], u8) : x[0];
    Tensor at = c.node(op, {v, axis}, index);
    if (is_floating(type)) {
      const Tensor nan = c.node("IsNan", {v}, {bool_, v.shape});
      const Tensor some =
          c.node("Any", {nan, c.ints(p.get<ArgReduce>().axes)}, {bool_, out[0].shape}, {{"keep_dims", false}});
      at = c.select(some, c.node("ArgMax", {c.cast(nan, u8), axis}, index), at);
    }
    return {c.cast(at, out[0].dtype)};
  };
}

Rule running(const char* op) {
  return [=](Lowering& c, const Tensors& x, const EquationParams& p, const Avals&) -> Tensors {
    const auto& r = p.get<Cumulative>();
    const Tensor axis = c.index(r.axis);
    const Attrs attrs{{"exclusive", false}, {"reverse", r.reverse}};
    return {c.in_f32(x, [&](const Tensors& v) { return c.node(op, {v[0], axis}, aval_of(v[0]), attrs); })};
  };
}

// Each element with those up to 2^k before it, in turn: log2(n) steps of plain operations.
Tensor doubled(Lowering& c, const char* name, const char* op, const Tensor& x, const Cumulative& r) {
  check<NotImplementedError>(x.shape[r.axis].is_constant(),
                             "jax2tf: primitive '{}' cannot be written along an axis of size '{}' without Xla "
                             "operations. Convert with enable_xla.",
                             name, x.shape[r.axis]);
  const std::int64_t n = x.shape[r.axis].value();
  Tensor y = x;
  for (std::int64_t step = 1; step < n; step *= 2) {
    Shape zero(x.shape.size(), 0), at = zero, low = x.shape, end = x.shape;
    at[r.axis] = step;
    low[r.axis] = n - step;
    const Tensor head = c.slice(y, zero, low), tail = c.slice(y, at, end);
    const Tensor both = c.binary(op, head, tail);
    Shape first_end = x.shape, rest_start = zero;
    first_end[r.axis] = step;
    rest_start[r.axis] = n - step;
    y = r.reverse ? c.concat({both, c.slice(y, rest_start, end)}, r.axis)
                  : c.concat({c.slice(y, zero, first_end), both}, r.axis);
  }
  return y;
}
Rule running_extreme(const char* name, const char* op, bool lowest) {
  return [=](Lowering& c, const Tensors& x, const EquationParams& p, const Avals& out) -> Tensors {
    const auto& r = p.get<Cumulative>();
    const DType type = x[0].dtype;
    if (is_complex(type)) refuse(name, "TensorFlow does not order complex numbers");
    const std::size_t rank = x[0].shape.size();
    if (is_bool(type)) return {c.cast(doubled(c, name, op, c.cast(x[0], u8), r), bool_)};
    const Dim n = x[0].shape[r.axis];
    if (!c.enable_xla() || !n.is_constant() || n.value() < 2) return {doubled(c, name, op, x[0], r)};
    const FunctionName f = c.scalar_function(
        name, {type, type}, [&](Lowering& inner, const Tensors& v) { return inner.binary(op, v[0], v[1]); });
    Axes window(rank, 1), ones(rank, 1), padding(2 * rank, 0);
    window[r.axis] = n.value();
    padding[2 * r.axis + (r.reverse ? 1 : 0)] = n.value() - 1;
    const Tensor init = c.constant(rules::extreme(type, lowest));
    const Tensor widths = c.reshape(c.ints(padding), {Dim(rank), 2});
    return {c.node("XlaReduceWindow", {x[0], init, c.ints(window), c.ints(ones), c.ints(ones), c.ints(ones), widths},
                   out[0], {{"computation", f}})};
  };
}

// The operation of a program that is one of its two inputs; null when it is anything else.
const Primitive* single_operation(const Jaxpr& program) {
  if (program.num_inputs() != 2 || program->eqns.size() != 1 || program->outs.size() != 1) return nullptr;
  const Equation& e = program->eqns[0];
  const bool of_both = e.inputs.size() == 2 && e.inputs[0].var == program->invars[0] &&
                       e.inputs[1].var == program->invars[1] && program->outs[0].var == e.outputs[0];
  return of_both ? &e.primitive : nullptr;
}
// A reduction by one operation is the plain one, and the initial value at the end.
std::optional<Tensor> plain_reduce(Lowering& c, const Tensors& x, const ReduceProgram& p, const Avals& out) {
  const Primitive* operation = single_operation(p.jaxpr);
  if (!operation || x.size() != 2) return std::nullopt;
  constexpr std::pair<PrimitiveFn, PrimitiveFn> kPairs[] = {
      {add_p, reduce_sum_p}, {mul_p, reduce_prod_p}, {max_p, reduce_max_p}, {min_p, reduce_min_p}};
  for (const auto& [combine, reduce] : kPairs) {
    if (!(*operation == combine())) continue;
    const bool ordered = *operation == max_p() || *operation == min_p();
    const EquationParams axes = ordered || *operation == add_p() ? EquationParams(ReduceAxes{p.dimensions})
                                                                 : EquationParams(PlainReduceAxes{p.dimensions});
    const Tensors reduced = (*all_rules().find(reduce()))(c, {x[0]}, axes, out);
    return (*all_rules().find(combine()))(c, {reduced[0], x[1]}, no_params(), out)[0];
  }
  return std::nullopt;
}

// The user's program as a function of two sets of scalars.
Tensors reduce_rule(Lowering& c, const Tensors& x, const EquationParams& params, const Avals& out) {
  const auto& p = params.get<ReduceProgram>();
  if (!c.enable_xla())
    if (const auto y = plain_reduce(c, x, p, out)) return {*y};
  need_xla(c, "reduce");
  if (!c.dims().empty()) refuse("reduce", "its program would need the sizes of dimension variables");
  const FunctionName f = c.function(p.jaxpr, "reducer");
  return c.writer().nodes("XlaVariadicReduceV2", x, out, {{"dimensions_to_reduce", p.dimensions}, {"reducer", f}});
}

}  // namespace

void add_reduce_rules(Rules& rules) {
  for (const auto primitive : {reduce_sum_p, psum_p}) rules.set(primitive(), reduction("Sum", "Any"));
  for (const auto primitive : {reduce_max_p, pmax_p}) rules.set(primitive(), reduction("Max", "Any"));
  for (const auto primitive : {reduce_min_p, pmin_p}) rules.set(primitive(), reduction("Min", "All"));
  rules.set(reduce_prod_p(), reduction("Prod", "All"));
  rules.set(reduce_and_p(), bitwise("reduce_and", "BitwiseAnd", 1));
  rules.set(reduce_or_p(), bitwise("reduce_or", "BitwiseOr", 0));
  rules.set(reduce_xor_p(), bitwise("reduce_xor", "BitwiseXor", 0));
  rules.set(argmax_p(), arg_extreme("ArgMax")).set(argmin_p(), arg_extreme("ArgMin"));
  rules.set(cumsum_p(), running("Cumsum")).set(cumprod_p(), running("Cumprod"));
  rules.set(cumlogsumexp_p(), running("CumulativeLogsumexp"));
  rules.set(cummax_p(), running_extreme("cummax", "Maximum", true));
  rules.set(cummin_p(), running_extreme("cummin", "Minimum", false));
  rules.set(reduce_p(), reduce_rule);
}

}  // namespace tf2jax::jax2tf
