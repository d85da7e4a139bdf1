// The C++ functions that calls of JAX's Python functions stand for.
#include "call_functions.h"

#include <limits>
#include <map>
#include <set>

#include "golden.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/ieee.h"
#include "tf2jax/ops/linalg.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"
#include "tf2jax/ops/special.h"
#include "tf2jax/ops/statistics.h"
#include "tf2jax/trace/trace.h"

namespace conformance {

using namespace tf2jax;

namespace {

// The arguments of one call; what nobody read is an error.
class Call {
 public:
  explicit Call(const Arguments& given) : given_(given) {}

  /// Null where it is not given.
  const Value* find(std::size_t i, const std::string& name) {
    if (i < given_.positional.size()) {
      positions_.insert(i);
      return &given_.positional[i];
    }
    names_.insert(name);
    return given_.find(i, name);
  }
  const Value& get(std::size_t i, const std::string& name) {
    const Value* v = find(i, name);
    if (!v) throw Unsupported("missing argument " + name);
    return *v;
  }
  Array array(std::size_t i, const std::string& name) { return array_of(get(i, name)); }
  Arrays arrays(std::size_t i, const std::string& name) { return leaves_of(get(i, name)); }
  std::int64_t number(std::size_t i, const std::string& name, std::optional<std::int64_t> otherwise = {}) {
    const Value* v = find(i, name);
    if (!v && otherwise) return *otherwise;
    return integer(v ? *v : get(i, name));
  }
  bool flag(std::size_t i, const std::string& name) {
    const Value* v = find(i, name);
    return v && std::get<bool>(v->is);
  }
  Axes axes(std::size_t i, const std::string& name) {
    Axes out;
    for (const Dim d : shape_of(get(i, name))) out.push_back(d.value());
    return out;
  }
  bool given(std::size_t i, const std::string& name) {
    const Value* v = find(i, name);
    return v && !is_none(*v);
  }
  std::optional<DType> dtype(std::size_t i, const std::string& name) {
    return given(i, name) ? std::optional(dtype_of(get(i, name))) : std::nullopt;
  }

  void check_all_read() const {
    if (positions_.size() < given_.positional.size()) throw Unsupported("further arguments");
    for (const auto& [name, value] : given_.named)
      if (!names_.contains(name)) throw Unsupported("the argument " + name);
  }

 private:
  const Arguments& given_;
  std::set<std::size_t> positions_;
  std::set<std::string> names_;
};

using Row = std::function<Value(Call&)>;
using Unary = Array (*)(const Array&);
using Binary = Array (*)(const Array&, const Array&);

Row row(Unary f) {
  return [f](Call& c) { return Value{f(c.array(0, "x"))}; };
}
Row row(Binary f) {
  return [f](Call& c) {
    const Array x = c.array(0, "x1");
    return Value{f(x, c.array(1, "x2"))};
  };
}
Value tuple_of(const Arrays& arrays) {
  Tuple out;
  for (const Array& x : arrays) out.push_back({x});
  return make_tuple(std::move(out));
}

// Reductions over all axes, one, or several: f(x, axis, keepdims).
using Reduction = Array (*)(const Array&, const AxisList&, KeepDims);
Row row(Reduction f) {
  return [f](Call& c) {
    const AxisList axes = c.given(1, "axis") ? AxisList(c.axes(1, "axis")) : AxisList();
    return Value{f(c.array(0, "a"), axes, c.flag(99, "keepdims") ? keepdims : KeepDims::no)};
  };
}
using Deviation = Array (*)(const Array&, const AxisList&, KeepDims, std::int64_t);
Row row(Deviation f) {
  return [f](Call& c) {
    const AxisList axes = c.given(1, "axis") ? AxisList(c.axes(1, "axis")) : AxisList();
    return Value{f(c.array(0, "a"), axes, c.flag(99, "keepdims") ? keepdims : KeepDims::no, c.number(99, "ddof", 0))};
  };
}
// Running totals: along an axis, of all elements where there is none.
using Running = Array (*)(const Array&, std::int64_t, bool);
Row row(Running f) {
  return [f](Call& c) {
    const Array x = c.array(0, "a");
    const auto type = c.dtype(2, "dtype");
    const Array typed = type ? astype(x, *type) : x;
    return Value{c.given(1, "axis") ? f(typed, c.number(1, "axis"), false) : f(ravel(typed), 0, false)};
  };
}
// jax.lax's: along an axis, from the end where `reverse`.
Row lax_running(Running f) {
  return [f](Call& c) { return Value{f(c.array(0, "operand"), c.number(1, "axis", 0), c.flag(2, "reverse"))}; };
}
Row along(Array (*f)(const Array&, std::int64_t)) {
  return [f](Call& c) {
    const Array x = c.array(0, "x");
    return Value{f(x, c.number(1, "axis", -1))};
  };
}
// The position of an extreme element, among all where no axis is given.
Row position(Array (*f)(const Array&, std::int64_t)) {
  return [f](Call& c) {
    const Array x = c.array(0, "a");
    const bool kept = c.flag(99, "keepdims");
    if (!c.given(1, "axis")) {
      const Array at = f(ravel(x), 0);
      return Value{kept ? reshape(at, Shape(static_cast<std::size_t>(x.rank()), Dim(1))) : at};
    }
    const Array at = f(x, c.number(1, "axis"));
    return Value{kept ? expand_dims(at, normalize_axes({c.number(1, "axis")}, x.rank(), "argmax")) : at};
  };
}
Row typed_position(Array (*f)(const Array&, std::int64_t, DType)) {
  return
      [f](Call& c) { return Value{f(c.array(0, "operand"), c.number(1, "axis"), dtype_of(c.get(2, "index_dtype")))}; };
}

Value call_pad(Call& c) {
  const Array x = c.array(0, "array");
  const Value* mode = c.find(2, "mode");
  if (mode && std::get<std::string>(mode->is) != "constant") throw Unsupported("a mode of pad");
  std::vector<std::pair<std::int64_t, std::int64_t>> widths;
  for (const Value& pair : *std::get<std::shared_ptr<const Tuple>>(c.get(1, "pad_width").is)) {
    const Shape two = shape_of(pair);
    if (two.size() != 2) throw Unsupported("a width of pad");
    widths.emplace_back(two[0].value(), two[1].value());
  }
  const Value* value = c.find(99, "constant_values");
  return {pad(x, widths, value ? array_of(*value) : Array(0))};
}
Value call_roll(Call& c) {
  Array x = c.array(0, "a");
  const Axes shifts = c.axes(1, "shift");
  if (!c.given(2, "axis")) return {reshape(roll(ravel(x), shifts.at(0), 0), x.shape())};
  const Axes axes = c.axes(2, "axis");
  if (axes.size() != shifts.size()) throw Unsupported("shifts that broadcast");
  for (std::size_t i = 0; i < axes.size(); ++i) x = roll(x, shifts[i], axes[i]);
  return {x};
}
Value call_split(Call& c) {
  const Array x = c.array(0, "ary");
  const std::int64_t axis = c.number(2, "axis", 0);
  const Value& where = c.get(1, "indices_or_sections");
  if (std::holds_alternative<std::int64_t>(where.is)) return tuple_of(split_evenly(x, integer(where), axis));
  const std::int64_t size = x.shape().at(normalize_axis(axis, x.rank(), "split")).value();
  Axes sizes;
  std::int64_t last = 0;
  for (const Dim cut : shape_of(where)) sizes.push_back(cut.value() - last), last = cut.value();
  sizes.push_back(size - last);
  return tuple_of(split(x, sizes, axis));
}
Value call_moveaxis(Call& c) {
  const Array x = c.array(0, "a");
  const Axes from = c.axes(1, "source"), to = c.axes(2, "destination");
  if (from.size() != 1) throw Unsupported("several axes to move");
  return {moveaxis(x, from[0], to.at(0))};
}
Value call_repeat(Call& c) {
  const Array x = c.array(0, "a");
  const std::int64_t count = c.number(1, "repeats");
  return {c.given(2, "axis") ? repeat(x, count, c.number(2, "axis")) : repeat(ravel(x), count, 0)};
}
Value call_take(Call& c) {
  const Array x = c.array(0, "a"), indices = c.array(1, "indices");
  return {c.given(2, "axis") ? take(x, indices, c.number(2, "axis")) : take(ravel(x), indices, 0)};
}
Value call_flip(Call& c) {
  const Array x = c.array(0, "m");
  return {flip(x, c.given(1, "axis") ? c.axes(1, "axis") : iota_axes(x.rank()))};
}
Value call_sort(Call& c) {
  const Array x = c.array(0, "a");
  const Value* axis = c.find(1, "axis");
  return {axis && is_none(*axis) ? sort(ravel(x), 0) : sort(x, axis ? integer(*axis) : -1)};
}
Value call_argsort(Call& c) {
  const Array x = c.array(0, "a");
  const Value* axis = c.find(1, "axis");
  return {axis && is_none(*axis) ? argsort(ravel(x), 0) : argsort(x, axis ? integer(*axis) : -1)};
}
Value call_tensordot(Call& c) {
  const Array x = c.array(0, "a"), y = c.array(1, "b");
  const Value& axes = c.get(2, "axes");
  Axes left, right;
  if (std::holds_alternative<std::int64_t>(axes.is)) {
    for (std::int64_t i = 0; i < integer(axes); ++i) left.push_back(x.rank() - integer(axes) + i), right.push_back(i);
  } else {
    const Tuple& pair = *std::get<std::shared_ptr<const Tuple>>(axes.is);
    for (const Dim d : shape_of(pair.at(0))) left.push_back(d.value());
    for (const Dim d : shape_of(pair.at(1))) right.push_back(d.value());
  }
  return {tensordot(x, y, left, right)};
}
Value call_einsum(Call& c) {
  const std::string text = std::get<std::string>(c.get(0, "subscripts").is);
  Arrays operands;
  for (std::size_t i = 1; c.find(i, ""); ++i) operands.push_back(c.array(i, ""));
  return {einsum(text, operands)};
}
Value call_one_hot(Call& c) {
  const Array x = c.array(0, "x");
  if (c.number(99, "axis", -1) != -1) throw Unsupported("the axis of one_hot");
  return {one_hot(x, c.number(1, "num_classes"), c.dtype(99, "dtype"))};
}
Value call_dynamic_slice(Call& c) {
  return {dynamic_slice(c.array(0, "operand"), c.arrays(1, "start_indices"), shape_of(c.get(2, "slice_sizes")))};
}
Value call_dynamic_slice_in_dim(Call& c) {
  const Array x = c.array(0, "operand"), start = c.array(1, "start_index");
  const auto axis = static_cast<std::size_t>(normalize_axis(c.number(3, "axis", 0), x.rank(), "dynamic_slice_in_dim"));
  Arrays starts(x.shape().size(), Array(0));
  Shape sizes = x.shape();
  starts[axis] = start;
  sizes[axis] = Dim(c.number(2, "slice_size"));
  return {dynamic_slice(x, starts, sizes)};
}
Value call_dynamic_update_slice(Call& c) {
  return {dynamic_update_slice(c.array(0, "operand"), c.array(1, "update"), c.arrays(2, "start_indices"))};
}
Value call_round(Call& c) {
  if (c.number(1, "decimals", 0) != 0) throw Unsupported("decimals");
  return {rint(c.array(0, "a"))};
}
Value call_clip(Call& c) {
  const Array x = c.array(0, "arr");
  return {minimum(maximum(x, c.array(1, "min")), c.array(2, "max"))};
}
Value call_squeeze(Call& c) {
  const Array x = c.array(0, "a");
  return {c.given(1, "axis") ? squeeze(x, c.axes(1, "axis")) : squeeze(x)};
}
Value call_transpose(Call& c) {
  const Array x = c.array(0, "a");
  return {c.given(1, "axes") ? transpose(x, c.axes(1, "axes")) : transpose(x)};
}
Value call_reshape(Call& c) {
  const Array x = c.array(0, "a");
  const Value* order = c.find(99, "order");
  if (order && std::get<std::string>(order->is) != "C") throw Unsupported("an order of reshape");
  return {reshape(x, shape_of(c.get(1, "shape")))};
}
Value call_ravel(Call& c) {
  const Value* order = c.find(1, "order");
  if (order && std::get<std::string>(order->is) != "C") throw Unsupported("an order of ravel");
  return {ravel(c.array(0, "a"))};
}
Value call_logsumexp(Call& c) {
  const AxisList axes = c.given(1, "axis") ? AxisList(c.axes(1, "axis")) : AxisList();
  return {logsumexp(c.array(0, "a"), axes, c.flag(99, "keepdims") ? keepdims : KeepDims::no)};
}
Value call_norm(Call& c) {
  if (c.given(1, "ord") || c.given(2, "axis")) throw Unsupported("a norm but the Euclidean one");
  return {norm(c.array(0, "x"))};
}
Value call_slogdet(Call& c) {
  const auto [sign, log] = slogdet(c.array(0, "a"));
  return tuple_of({sign, log});
}
Value call_full(Call& c, const Array& value) { return {full(shape_of(c.get(0, "shape")), value, c.dtype(1, "dtype"))}; }
std::optional<std::int64_t> maybe_number(Call& c, std::size_t i, const std::string& name) {
  return c.given(i, name) ? std::optional(c.number(i, name)) : std::nullopt;
}
// A list of integers or of bools.
Value call_array(Call& c) {
  const Value& items = c.get(0, "object");
  if (!std::holds_alternative<std::shared_ptr<const Tuple>>(items.is)) return {array_of(items)};
  const TraceScope known(eval_trace());
  const Arrays elements = leaves_of(items);
  if (elements.empty()) throw Unsupported("an array without elements");
  const auto strong = [](const Array& x) { return astype(x, x.dtype()); };
  const auto* first =
      std::get_if<std::shared_ptr<const Tuple>>(&std::get<std::shared_ptr<const Tuple>>(items.is)->front().is);
  if (!first) return {strong(stack(elements, 0))};
  return {reshape(strong(stack(elements, 0)), {-1, static_cast<std::int64_t>((*first)->size())})};
}
Value call_arange(Call& c) {
  const std::int64_t first = c.number(0, "start");
  return {c.given(1, "stop") ? arange(first, c.number(1, "stop"), c.number(2, "step", 1)) : arange(first)};
}
// One-argument functions with a parameter that has a default.
Row with_axis(Array (*f)(const Array&, std::int64_t), const char* name, std::int64_t otherwise) {
  return [=](Call& c) {
    const Array x = c.array(0, "x");
    return Value{f(x, c.number(1, name, otherwise))};
  };
}

// Long because it is a list.
const std::map<std::string, Row>& rows() {
  static const std::map<std::string, Row> table = {
      {"jnp.abs", row(abs)},
      {"jnp.absolute", row(abs)},
      {"jnp.fabs", row([](const Array& x) { return abs(to_inexact(x)); })},
      {"jnp.negative", row(neg)},
      {"jnp.sign", row(sign)},
      {"jnp.square", row(square)},
      {"jnp.exp", row(exp)},
      {"jnp.exp2", row(exp2)},
      {"jnp.expm1", row(expm1)},
      {"jnp.log", row(log)},
      {"jnp.log1p", row(log1p)},
      {"jnp.log2", row(log2)},
      {"jnp.sqrt", row(sqrt)},
      {"jnp.cbrt", row(cbrt)},
      {"jnp.reciprocal", row(reciprocal)},
      {"jnp.sin", row(sin)},
      {"jnp.cos", row(cos)},
      {"jnp.tan", row(tan)},
      {"jnp.sinh", row(sinh)},
      {"jnp.cosh", row(cosh)},
      {"jnp.tanh", row(tanh)},
      {"jnp.arcsin", row(asin)},
      {"jnp.arccos", row(acos)},
      {"jnp.arctan", row(atan)},
      {"jnp.arcsinh", row(asinh)},
      {"jnp.arccosh", row(acosh)},
      {"jnp.arctanh", row(atanh)},
      {"jnp.floor", row(floor)},
      {"jnp.ceil", row(ceil)},
      {"jnp.rint", row(rint)},
      {"jnp.round", call_round},
      {"jnp.around", call_round},
      {"jnp.isnan", row(isnan)},
      {"jnp.isinf", row(isinf)},
      {"jnp.isfinite", row(is_finite)},
      {"jnp.signbit", row(signbit)},
      {"jnp.nan_to_num", row([](const Array& x) { return nan_to_num(x); })},
      {"jnp.real", row(real)},
      {"jnp.imag", row(imag)},
      {"jnp.conj", row(conj)},
      {"jnp.angle", row(angle)},
      {"jnp.invert", row(bitwise_not)},
      {"jnp.logical_not", row(logical_not)},
      {"jnp.add", row(add)},
      {"jnp.subtract", row(sub)},
      {"jnp.multiply", row(mul)},
      {"jnp.divide", row(divide)},
      {"jnp.true_divide", row(divide)},
      {"jnp.floor_divide", row(floor_divide)},
      {"jnp.remainder", row(mod)},
      {"jnp.mod", row(mod)},
      {"jnp.fmod", row(rem)},
      {"jnp.power", row(pow)},
      {"jnp.maximum", row(maximum)},
      {"jnp.minimum", row(minimum)},
      {"jnp.arctan2", row(atan2)},
      {"jnp.hypot", row(hypot)},
      {"jnp.logaddexp", row(logaddexp)},
      {"jnp.logaddexp2", row(logaddexp2)},
      {"jnp.fmax", row(fmax)},
      {"jnp.fmin", row(fmin)},
      {"jnp.copysign", row(copysign)},
      {"jnp.nextafter", row(nextafter)},
      {"jnp.heaviside", row(heaviside)},
      {"jnp.equal", row(equal)},
      {"jnp.not_equal", row(not_equal)},
      {"jnp.less", row(less)},
      {"jnp.less_equal", row(less_equal)},
      {"jnp.greater", row(greater)},
      {"jnp.greater_equal", row(greater_equal)},
      {"jnp.logical_and", row(logical_and)},
      {"jnp.logical_or", row(logical_or)},
      {"jnp.logical_xor", row(logical_xor)},
      {"jnp.bitwise_and", row(bitwise_and)},
      {"jnp.bitwise_or", row(bitwise_or)},
      {"jnp.bitwise_xor", row(bitwise_xor)},
      {"jnp.left_shift", row(shift_left)},
      {"jnp.right_shift", row(shift_right_arithmetic)},
      {"jnp.matmul", row(matmul)},
      {"jnp.dot", row(dot)},
      {"jnp.outer", row(outer)},
      {"jnp.linalg.solve", row(solve)},
      {"jnp.linalg.inv", row(inv)},
      {"jnp.linalg.det", row(det)},
      {"jnp.linalg.cholesky", row(cholesky)},
      {"jnp.linalg.eigvals", row(eigvals)},
      {"jnp.linalg.pinv", row([](const Array& x) { return pinv(x); })},
      {"jnp.linalg.norm", call_norm},
      {"jnp.linalg.slogdet", call_slogdet},
      {"jnp.sum", row(sum)},
      {"jnp.prod", row(prod)},
      {"jnp.mean", row(mean)},
      {"jnp.max", row(static_cast<Reduction>(tf2jax::max))},
      {"jnp.min", row(static_cast<Reduction>(tf2jax::min))},
      {"jnp.amax", row(static_cast<Reduction>(tf2jax::max))},
      {"jnp.amin", row(static_cast<Reduction>(tf2jax::min))},
      {"jnp.all", row(all_true)},
      {"jnp.any", row(any_true)},
      {"jnp.nansum", row(nansum)},
      {"jnp.nanprod", row(nanprod)},
      {"jnp.nanmax", row(nanmax)},
      {"jnp.nanmin", row(nanmin)},
      {"jnp.nanmean", row(nanmean)},
      {"jnp.median", row(median)},
      {"jnp.count_nonzero", row(count_nonzero)},
      {"jnp.var", row(var)},
      {"jnp.std", row(std_dev)},
      {"jax.nn.logsumexp", call_logsumexp},
      {"jsp.logsumexp", call_logsumexp},
      {"jnp.argmax", position(argmax)},
      {"jnp.argmin", position(argmin)},
      {"lax.argmax", typed_position(argmax)},
      {"lax.argmin", typed_position(argmin)},
      {"jnp.cumsum", row(cumsum)},
      {"jnp.cumprod", row(cumprod)},
      {"lax.cumsum", lax_running(cumsum)},
      {"lax.cumprod", lax_running(cumprod)},
      {"lax.cummax", lax_running(cummax)},
      {"lax.cummin", lax_running(cummin)},
      {"lax.cumlogsumexp", lax_running(cumlogsumexp)},
      {"jnp.sort", call_sort},
      {"jnp.argsort", call_argsort},
      {"lax.top_k",
       [](Call& c) {
         const Array x = c.array(0, "operand");
         const auto [values, at] = top_k(x, c.number(1, "k"), c.number(99, "axis", -1));
         return tuple_of({values, at});
       }},
      {"jnp.where",
       [](Call& c) {
         const Array which = c.array(0, "condition"), x = c.array(1, "x");
         return Value{where(which, x, c.array(2, "y"))};
       }},
      {"lax.select",
       [](Call& c) {
         const Array which = c.array(0, "pred"), x = c.array(1, "on_true");
         return Value{select_n(which, Arrays{c.array(2, "on_false"), x})};
       }},
      {"lax.clamp",
       [](Call& c) {
         const Array lo = c.array(0, "min"), x = c.array(1, "x");
         return Value{clamp(lo, x, c.array(2, "max"))};
       }},
      {"jnp.clip", call_clip},
      {"jnp.reshape", call_reshape},
      {"jnp.ravel", call_ravel},
      {"jnp.transpose", call_transpose},
      {"jnp.squeeze", call_squeeze},
      {"jnp.swapaxes",
       [](Call& c) {
         const Array x = c.array(0, "a");
         return Value{swapaxes(x, c.number(1, "axis1"), c.number(2, "axis2"))};
       }},
      {"jnp.moveaxis", call_moveaxis},
      {"jnp.expand_dims", [](Call& c) { return Value{expand_dims(c.array(0, "a"), c.axes(1, "axis"))}; }},
      {"jnp.flip", call_flip},
      {"lax.rev", [](Call& c) { return Value{rev(c.array(0, "operand"), c.axes(1, "dimensions"))}; }},
      {"jnp.roll", call_roll},
      {"jnp.tile", [](Call& c) { return Value{tile(c.array(0, "A"), c.axes(1, "reps"))}; }},
      {"jnp.repeat", call_repeat},
      {"jnp.pad", call_pad},
      {"jnp.split", call_split},
      {"jnp.concatenate",
       [](Call& c) {
         const Arrays xs = promote("concatenate", c.arrays(0, "arrays"));
         return Value{concatenate(xs, c.number(1, "axis", 0))};
       }},
      {"jnp.stack",
       [](Call& c) {
         const Arrays xs = c.arrays(0, "arrays");
         return Value{stack(xs, c.number(1, "axis", 0))};
       }},
      {"jnp.unstack",
       [](Call& c) {
         const Array x = c.array(0, "x");
         return tuple_of(unstack(x, c.number(99, "axis", 0)));
       }},
      {"jnp.broadcast_to",
       [](Call& c) { return Value{broadcast_to(c.array(0, "array"), shape_of(c.get(1, "shape")))}; }},
      {"jnp.tril", with_axis(tril, "k", 0)},
      {"jnp.triu", with_axis(triu, "k", 0)},
      {"jnp.take", call_take},
      {"jnp.take_along_axis",
       [](Call& c) {
         const Array x = c.array(0, "arr"), indices = c.array(1, "indices");
         return Value{take_along_axis(x, indices, c.number(2, "axis"))};
       }},
      {"jnp.tensordot", call_tensordot},
      {"jnp.einsum", call_einsum},
      {"jnp.full_like",
       [](Call& c) {
         const Array x = c.array(0, "a");
         return Value{full_like(x, c.array(1, "fill_value"))};
       }},
      {"jnp.array", call_array},
      {"np.array", call_array},
      {"jnp.arange", call_arange},
      {"jnp.linspace",
       [](Call& c) {
         const Array start = c.array(0, "start"), stop = c.array(1, "stop");
         if (!start.is_concrete() || start.rank() > 0 || stop.rank() > 0) throw Unsupported("bounds that are arrays");
         return Value{linspace(start.item<double>(), stop.item<double>(), c.number(2, "num", 50))};
       }},
      {"jnp.eye", [](Call& c) { return Value{eye(c.number(0, "N"), maybe_number(c, 1, "M"), c.dtype(3, "dtype"))}; }},
      {"jnp.diagonal",
       [](Call& c) {
         const Array x = c.array(0, "a");
         if (x.rank() != 2) throw Unsupported("diagonals of stacks");
         return Value{diagonal(x)};
       }},
      {"jnp.linalg.svd",
       [](Call& c) {
         const Value* vectors = c.find(2, "compute_uv");
         if (!vectors || std::get<bool>(vectors->is)) throw Unsupported("singular vectors: their phase is open");
         return Value{svdvals(c.array(0, "a"))};
       }},
      {"jnp.ones", [](Call& c) { return call_full(c, 1); }},
      {"jnp.zeros", [](Call& c) { return call_full(c, 0); }},
      {"lax.dynamic_slice", call_dynamic_slice},
      {"lax.dynamic_slice_in_dim", call_dynamic_slice_in_dim},
      {"lax.dynamic_update_slice", call_dynamic_update_slice},
      {"lax.dynamic_index_in_dim",
       [](Call& c) {
         const Array x = c.array(0, "operand"), index = c.array(1, "index");
         const Value* keep = c.find(3, "keepdims");
         return Value{dynamic_index_in_dim(x, index, c.number(2, "axis", 0), !keep || std::get<bool>(keep->is))};
       }},
      {"lax.slice_in_dim",
       [](Call& c) {
         const Array x = c.array(0, "operand");
         return Value{slice_in_dim(x, c.number(1, "start_index"), c.number(2, "limit_index"), c.number(3, "stride", 1),
                                   c.number(4, "axis", 0))};
       }},
      {"lax.integer_pow",
       [](Call& c) {
         const Array x = c.array(0, "x");
         return Value{integer_pow(x, c.number(1, "y"))};
       }},
      {"lax.rsqrt", row(rsqrt)},
      {"lax.erf_inv", row(erf_inv)},
      {"lax.population_count", row(population_count)},
      {"lax.clz", row(clz)},
      {"lax.nextafter", row(nextafter)},
      {"lax.add", row(add)},
      {"lax.mul", row(mul)},
      {"jsp.digamma", row(digamma)},
      {"jsp.gammaln", row(lgamma)},
      {"jsp.erf", row(erf)},
      {"jsp.erfc", row(erfc)},
      {"jsp.erfinv", row(erf_inv)},
      {"jsp.expit", row(logistic)},
      {"jsp.i0e", row(bessel_i0e)},
      {"jsp.i1e", row(bessel_i1e)},
      {"jsp.gammainc", row(igamma)},
      {"jsp.gammaincc", row(igammac)},
      {"jsp.polygamma", row(polygamma)},
      {"jsp.zeta", row(zeta)},
      {"jsp.betainc",
       [](Call& c) {
         const Array a = c.array(0, "a"), b = c.array(1, "b");
         return Value{betainc(a, b, c.array(2, "x"))};
       }},
      {"jax.nn.relu", row(relu)},
      {"jax.nn.relu6", row(relu6)},
      {"jax.nn.selu", row(selu)},
      {"jax.nn.sigmoid", row(sigmoid)},
      {"jax.nn.silu", row(silu)},
      {"jax.nn.swish", row(silu)},
      {"jax.nn.tanh", row(tanh)},
      {"jax.nn.softplus", row(softplus)},
      {"jax.nn.log_sigmoid", row(log_sigmoid)},
      {"jax.nn.gelu",
       [](Call& c) {
         const Value* approximate = c.find(1, "approximate");
         return Value{gelu(c.array(0, "x"), !approximate || std::get<bool>(approximate->is))};
       }},
      {"jax.nn.elu",
       [](Call& c) {
         if (c.given(1, "alpha")) throw Unsupported("the parameter of elu");
         return Value{elu(c.array(0, "x"))};
       }},
      {"jax.nn.leaky_relu",
       [](Call& c) {
         if (c.given(1, "negative_slope")) throw Unsupported("the parameter of leaky_relu");
         return Value{leaky_relu(c.array(0, "x"))};
       }},
      {"jax.nn.softmax", along(softmax)},
      {"jax.nn.log_softmax", along(log_softmax)},
      {"jax.nn.one_hot", call_one_hot},
  };
  return table;
}

}  // namespace

std::optional<Value> public_function(const std::string& name) {
  if (name == "jnp.inf") return Value{std::numeric_limits<double>::infinity()};
  if (name == "jnp.nan") return Value{std::numeric_limits<double>::quiet_NaN()};
  if (name == "jnp.pi") return Value{3.141592653589793};
  const std::size_t dot = name.find('.');
  if (const std::string last = dot == std::string::npos ? name : name.substr(dot + 1); parse_dtype(last))
    return Value{last};
  const auto found = rows().find(name);
  if (found == rows().end()) return std::nullopt;
  return make_function([f = found->second](const Arguments& a) {
    Call call(a);
    const Value result = f(call);
    call.check_all_read();
    return result;
  });
}

Array call_public(const std::string& name, const Arguments& arguments) {
  const auto found = public_function(name);
  if (!found) throw Unsupported("function " + name);
  return array_of(function_of(*found)(arguments));
}

}  // namespace conformance
