// reduce and reduce_window with a program: the program is applied to whole arrays, so it costs one pass per level of a
// balanced tree, or one per window element.
#include "tf2jax/control/reduce_program.h"

#include <algorithm>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/param_checks.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/staging.h"
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/jvp.h"

namespace tf2jax {
namespace {

// A scalar program applied elementwise to arrays of one shape.
Arrays apply_elementwise(const Jaxpr& program, const Arrays& args) {
  const JaxprData& j = *program;
  Arrays values(j.vars.size());
  const auto at = [&](VarId v) -> Array& { return values[v]; };
  for (std::size_t i = 0; i < args.size(); ++i) at(j.invars[i]) = args[i];
  for (std::size_t i = 0; i < j.constvars.size(); ++i) at(j.constvars[i]) = j.consts[i];
  const auto read = [&](const Atom& a) { return a.is_literal() ? a.literal : at(a.var); };
  for (const Equation& e : j.eqns) {
    Arrays in;
    for (const Atom& a : e.inputs) in.push_back(read(a));
    const std::vector<Jaxpr> nested = nested_jaxprs(e.params);
    Arrays out;
    if (e.primitive.name() == "broadcast_in_dim") out = {in[0]};  // of a scalar to a scalar
    else if (e.primitive.name() == "jit" && nested.size() == 1) out = apply_elementwise(nested[0], in);
    else out = e.primitive.bind(in, e.params);
    for (std::size_t i = 0; i < out.size(); ++i) at(e.outputs[i]) = out[i];
  }
  Arrays out;
  for (const Atom& a : j.outs) out.push_back(read(a));
  return out;
}

// Results that do not depend on the operands come out as scalars.
Arrays combine(const Jaxpr& program, const Arrays& x, const Arrays& y) {
  Arrays args = x;
  args.insert(args.end(), y.begin(), y.end());
  Arrays out = apply_elementwise(program, args);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = rules::broadcast_like(out[i], x[i].shape());
  return out;
}

Arrays sliced(const Arrays& xs, std::int64_t lo, std::int64_t hi) {
  Arrays out;
  for (const Array& x : xs) out.push_back(slice_in_dim(x, lo, hi, 1, 0));
  return out;
}

Arrays reduce_tree(std::span<const Array> x, const ReduceProgram& p) {
  const std::size_t n = x.size() / 2;
  const Axes kept = other_axes(p.dimensions, x[0].rank());
  Axes order = p.dimensions;
  order.insert(order.end(), kept.begin(), kept.end());
  Shape shape{Dim(1)}, rest;
  for (std::int64_t a : p.dimensions) shape[0] *= x[0].shape()[a];
  for (std::int64_t a : kept) rest.push_back(x[0].shape()[a]);
  shape.insert(shape.end(), rest.begin(), rest.end());
  Arrays level, start;
  for (std::size_t i = 0; i < n; ++i) {
    level.push_back(reshape(transpose(x[i], order), shape));
    start.push_back(broadcast_in_dim(x[n + i], rest, {}));
  }
  std::int64_t size = shape[0].value();
  if (size == 0) return start;
  while (size > 1) {
    const std::int64_t half = size / 2;
    Arrays joined = combine(p.jaxpr, sliced(level, 0, half), sliced(level, half, 2 * half));
    if (size % 2) {
      const Arrays last = sliced(level, size - 1, size);
      for (std::size_t i = 0; i < n; ++i) joined[i] = concatenate({joined[i], last[i]}, 0);
    }
    level = std::move(joined);
    size = half + size % 2;
  }
  for (Array& v : level) v = reshape(v, rest);
  return combine(p.jaxpr, start, level);
}

Arrays reduce_windows(std::span<const Array> x, const WindowProgram& p) {
  const std::size_t n = x.size() / 2;
  const Window& w = p.window;
  const Shape out_shape = rules::window_shape("reduce_window", x[0].shape(), w);
  const std::size_t rank = out_shape.size();
  Arrays padded, acc;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<PadAxis> config;
    for (std::size_t a = 0; a < rank; ++a)
      config.push_back({w.padding[a].first, w.padding[a].second, w.base_dilation[a] - 1});
    padded.push_back(pad(x[i], x[n + i], config));
    acc.push_back(broadcast_in_dim(x[n + i], out_shape, {}));
  }
  if (std::ranges::any_of(out_shape, [](Dim d) { return identical(d, Dim(0)); })) return acc;
  Dims k(rank, 0);
  const std::int64_t count = num_elements(w.window_dimensions);
  for (std::int64_t e = 0; e < count; ++e) {
    Shape lo, hi;
    for (std::size_t a = 0; a < rank; ++a) {
      lo.push_back(k[a] * w.window_dilation[a]);
      hi.push_back(lo[a] + (out_shape[a] - Dim(1)) * Dim(w.window_strides[a]) + Dim(1));
    }
    Arrays piece;
    for (const Array& v : padded) piece.push_back(slice(v, lo, hi, w.window_strides));
    acc = combine(p.jaxpr, acc, piece);
    for (std::size_t a = rank; a-- > 0;) {
      if (++k[a] < w.window_dimensions[a]) break;
      k[a] = 0;
    }
  }
  return acc;
}

void check_operands(std::string_view name, std::span<const Aval> x, const Jaxpr& program) {
  const std::size_t n = x.size() / 2;
  check(n > 0 && x.size() % 2 == 0 && program.num_inputs() == x.size() && program.num_outputs() == n,
        "{}: {} operands and as many initial values need a program of {} inputs and {} outputs. Got {} and {}.", name,
        n, 2 * n, n, program.num_inputs(), program.num_outputs());
  for (std::size_t i = 0; i < n; ++i) {
    check<ShapeError>(identical(x[i].shape, x[0].shape), "{}: operands must have equal shapes. Got {} and {}.", name,
                      x[0], x[i]);
    check<ShapeError>(x[n + i].shape.empty(), "{}: initial values must be scalars. Got {}.", name, x[n + i]);
    check<DtypeError>(x[n + i].dtype == x[i].dtype && program.output_avals()[i].dtype == x[i].dtype,
                      "{}: the dtypes differ. Got operand {}, initial value {} and result {}; expected one dtype.",
                      name, x[i], x[n + i], program.output_avals()[i]);
  }
}

// Both differentiate and batch as the operations they consist of.
template <class P>
using Body = Arrays (*)(std::span<const Array>, const P&);
template <class P>
auto jvp_of(Body<P> body) {
  return [=](std::span<const Array> x, std::span<const Tangent> t, const P& p) {
    return jvp_flat([&](const Arrays& v) { return body(v, p); }, x, t);
  };
}
template <class P>
auto batch_of(Body<P> body) {
  return [=](std::span<const Array> x, std::span<const Axis> axes, Dim size, const P& p) {
    return vmap_flat([&](const Arrays& v) { return body(v, p); }, x, axes, size);
  };
}

// What is computed at once is checked as what is traced.
template <class P>
auto impl_of(PrimitiveFn self, Body<P> body) {
  return [=](std::span<const Array> x, const P& p) {
    Avals avals;
    for (const Array& v : x) avals.push_back(v.aval());
    self().output_avals(avals, p);
    return body(x, p);
  };
}

Jaxpr staged(std::string_view where, std::span<const Array> operands, const Reducer& reducer) {
  Avals scalars;
  for (int side = 0; side < 2; ++side)
    for (const Array& x : operands) scalars.push_back(Aval{x.dtype(), {}, false});
  const Jaxpr j = stage(reducer, scalars);
  for (const Array& c : j->consts)
    check<NotImplementedError>(c.is_concrete(), "{}: the reducer captures a traced value. Pass it as an operand.",
                               where);
  return j;
}

}  // namespace

const Primitive& reduce_p() {
  static const Primitive p = make_primitive<ReduceProgram>({
      .name = "reduce",
      .operands = OperandCount::at_least(2),
      .aval = [](std::span<const Aval> x, const ReduceProgram& r) -> Avals {
        check_operands("reduce", x, r.jaxpr);
        rules::check_axes("reduce", "dimensions", r.dimensions, x[0]);
        Avals out;
        for (std::size_t i = 0; i < x.size() / 2; ++i) {
          Aval a{x[i].dtype, {}, false};
          for (std::int64_t axis : other_axes(r.dimensions, x[i].rank())) a.shape.push_back(x[i].shape[axis]);
          out.push_back(std::move(a));
        }
        return out;
      },
      .jvp = jvp_of<ReduceProgram>(reduce_tree),
      .batch = batch_of<ReduceProgram>(reduce_tree),
      .impl = impl_of<ReduceProgram>(reduce_p, reduce_tree),
  });
  return p;
}

const Primitive& reduce_window_p() {
  static const Primitive p = make_primitive<WindowProgram>({
      .name = "reduce_window",
      .operands = OperandCount::at_least(2),
      .aval = [](std::span<const Aval> x, const WindowProgram& w) -> Avals {
        check_operands("reduce_window", x, w.jaxpr);
        Avals out;
        for (std::size_t i = 0; i < x.size() / 2; ++i)
          out.push_back(Aval{x[i].dtype, rules::window_shape("reduce_window", x[i].shape, w.window), false});
        return out;
      },
      .jvp = jvp_of<WindowProgram>(reduce_windows),
      .batch = batch_of<WindowProgram>(reduce_windows),
      .impl = impl_of<WindowProgram>(reduce_window_p, reduce_windows),
  });
  return p;
}

Arrays reduce(std::span<const Array> operands, std::span<const Array> inits, const Reducer& reducer, const Axes& axes) {
  check(!operands.empty(), "reduce: at least one operand is expected.");
  return reduce_p().bind(joined(operands, inits),
                         ReduceProgram{"<function>", normalize_axes(axes, operands[0].rank(), "reduce"),
                                       staged("reduce", operands, reducer)});
}
Arrays reduce_window(std::span<const Array> operands, std::span<const Array> inits, const Reducer& reducer,
                     const Window& window) {
  check(!operands.empty(), "reduce_window: at least one operand is expected.");
  return reduce_window_p().bind(joined(operands, inits),
                                WindowProgram{rules::complete_window("reduce_window", window, operands[0].rank()),
                                              staged("reduce_window", operands, reducer)});
}

}  // namespace tf2jax
