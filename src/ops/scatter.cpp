// The scatters: primitives with their rules, and the functions that apply them.
#include <array>
#include <map>
#include <mutex>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/gather_rules.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/jaxpr.h"
#include "tf2jax/trace/staging.h"

namespace tf2jax {
namespace {

// Window sizes of the gather that reads what a scatter with these updates writes.
Dims window_sizes(const Aval& operand, const Aval& updates, const ScatterDims& d) {
  Dims sizes;
  std::size_t at = 0;
  for (std::int64_t i = 0; i < operand.rank(); ++i) {
    const bool gone = contains(d.inserted_window_dims, i) || contains(d.operand_batching_dims, i);
    sizes.push_back(gone ? 1 : updates.shape[d.update_window_dims[at++]].value());
  }
  return sizes;
}

GatherOptions options_of(const ScatterParams& s) {
  return {.indices_are_sorted = s.indices_are_sorted,
          .unique_indices = s.unique_indices,
          .mode = s.mode,
          .fill_value = fill_value(0)};
}
Array read_back(const Array& x, const Array& indices, const Aval& updates, const ScatterParams& s) {
  return gather(x, indices, rules::inverse(s.dimension_numbers), window_sizes(x.aval(), updates, s.dimension_numbers),
                options_of(s));
}

auto scatter_aval(std::string_view name) {
  return [=](std::span<const Aval> x, const ScatterParams& s) -> Avals {
    const Aval &operand = x[0], &indices = x[1], &updates = x[2];
    rules::same_dtype(name, std::array{operand, updates});
    const ScatterDims& d = s.dimension_numbers;
    rules::check_windows(name, operand, indices, updates.rank(), d);
    const auto batch_rank = indices.rank() - 1;
    check<ShapeError>(updates.rank() == batch_rank + static_cast<std::int64_t>(d.update_window_dims.size()),
                      "{}: updates must have the batch axes of indices and the window axes, {}. Got {}.", name,
                      batch_rank + static_cast<std::int64_t>(d.update_window_dims.size()), updates);
    std::size_t batch = 0, window = 0;
    Axes window_axes;
    for (std::int64_t i = 0; i < operand.rank(); ++i)
      if (!contains(d.inserted_window_dims, i) && !contains(d.operand_batching_dims, i)) window_axes.push_back(i);
    for (std::int64_t i = 0; i < updates.rank(); ++i) {
      const Dim n = updates.shape[i];
      if (contains(d.update_window_dims, i)) {
        const Dim bound = operand.shape[window_axes[window++]];
        check<ShapeError>(
            definitely_ge(bound, n).value_or(true),
            "{0}: a window of updates exceeds the operand. Got size {1} on axis {2}; expected at most {3}.", name, n, i,
            bound);
      } else {
        const Dim want = indices.shape[batch++];
        check<ShapeError>(identical(n, want),
                          "{}: the scatter axes of updates must be the batch axes of indices. Got axis {} of {} = {}, "
                          "where indices {} have {}.",
                          name, i, updates, n, indices, want);
      }
    }
    return {operand};
  };
}

auto scatter_batch(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Axis> axes, Dim size, const ScatterParams& s) -> BatchResult {
    using rules::plus_one;
    const Array operand = rules::to_front(x[0], axes[0], size), updates = rules::to_front(x[2], axes[2], size);
    ScatterParams b = s;
    ScatterDims& d = b.dimension_numbers;
    d.inserted_window_dims = plus_one(d.inserted_window_dims);
    d.update_window_dims = plus_one(d.update_window_dims);
    d.operand_batching_dims = plus_one(d.operand_batching_dims);
    d.scatter_dims_to_operand_dims = plus_one(d.scatter_dims_to_operand_dims);
    if (!axes[1]) {
      d.update_window_dims.insert(d.update_window_dims.begin(), 0);
      return {self().bind({operand, x[1], updates}, b), {0}};
    }
    d.scatter_indices_batching_dims = plus_one(d.scatter_indices_batching_dims);
    d.operand_batching_dims.insert(d.operand_batching_dims.begin(), 0);
    d.scatter_indices_batching_dims.insert(d.scatter_indices_batching_dims.begin(), 0);
    return {self().bind({operand, rules::mapped_to_front(x[1], axes[1]), updates}, b), {0}};
  };
}

bool all_zero(std::span<const Tangent> t) { return t[0].is_zero() && t[2].is_zero(); }

// Where updates overlap it is open which one stays: numbers scattered the same way tell which did.
JvpResult scatter_jvp(std::span<const Array> x, std::span<const Tangent> t, const ScatterParams& s) {
  check<NotImplementedError>(!s.update_jaxpr, "scatter_apply: it has no derivative.");
  Array y = scatter_p().bind1({x[0], x[1], x[2]}, s);
  if (all_zero(t)) return {{y}, {Tangent::zero(y.aval())}};
  const Array operand_t = rules::instantiate(t[0]), updates_t = rules::instantiate(t[2]);
  if (s.unique_indices) return {{std::move(y)}, {Tangent(scatter_p().bind1({operand_t, x[1], updates_t}, s))}};
  Shape ids_shape = x[2].shape();
  for (std::int64_t a : s.dimension_numbers.update_window_dims) ids_shape[a] = 1;
  const Shape flat{num_elements(ids_shape)};
  const Array numbers = reshape(iota(DType::u32, flat, 0), ids_shape), ones_ids = full(x[2].shape(), 1, DType::u32);
  const Array ids = add(numbers, ones_ids);
  const Array scattered = scatter_p().bind1({full(x[0].shape(), 0, DType::u32), x[1], ids}, s);
  const Array gathered = read_back(scattered, x[1], x[2].aval(), s);
  const Array kept = select(equal(scattered, zeros_like(scattered)), operand_t, zeros_like(operand_t));
  const Array won = select(equal(ids, gathered), updates_t, zeros_like(updates_t));
  Array dy = scatter_add(kept, x[1], won, s.dimension_numbers, options_of(s));
  return {{std::move(y)}, {Tangent(std::move(dy))}};
}

auto linear_jvp(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Tangent> t, const ScatterParams& s) -> JvpResult {
    Array y = self().bind1({x[0], x[1], x[2]}, s);
    if (all_zero(t)) return {{y}, {Tangent::zero(y.aval())}};
    const Array operand_t = rules::instantiate(t[0]), updates_t = rules::instantiate(t[2]);
    return {{std::move(y)}, {Tangent(self().bind1({operand_t, x[1], updates_t}, s))}};
  };
}

// Of scatter (operand kept outside the windows), scatter-add and scatter-sub.
enum class Linear { replace, add, subtract };
auto linear_transpose(Linear form) {
  return [=](std::span<const Tangent> ct, std::span<const LinearArg> x, const ScatterParams& s) -> Tangents {
    Tangents out{Tangent::zero(x[0].aval), Tangent::zero(x[1].aval), Tangent::zero(x[2].aval)};
    if (ct[0].is_zero()) return out;
    check<NotImplementedError>(form != Linear::replace || s.unique_indices,
                               "scatter: its transpose needs unique indices. Set unique_indices if they are.");
    const Array &g = ct[0].value(), &indices = *x[1].known;
    if (x[0].is_linear())
      out[0] = form == Linear::replace ? Tangent(scatter_p().bind1({g, indices, zeros_of(x[2].aval)}, s)) : ct[0];
    if (x[2].is_linear()) {
      Array u = read_back(g, indices, x[2].aval, s);
      out[2] = Tangent(form == Linear::subtract ? neg(u) : u);
    }
    return out;
  };
}

JvpResult extremal_jvp(const Primitive& self, std::span<const Array> x, std::span<const Tangent> t,
                       const ScatterParams& s) {
  Array y = self.bind1({x[0], x[1], x[2]}, s);
  if (all_zero(t)) return {{y}, {Tangent::zero(y.aval())}};
  const Array operand_t = rules::instantiate(t[0]), updates_t = rules::instantiate(t[2]);
  // Equal candidates share the tangent.
  const Array from_operand = rules::as_dtype(equal(x[0], y), y.dtype());
  const Array from_updates = rules::as_dtype(equal(x[2], read_back(y, x[1], x[2].aval(), s)), y.dtype());
  const Array count = scatter_add(from_operand, x[1], from_updates, s.dimension_numbers, options_of(s));
  const Array operand_part = mul(operand_t, from_operand), updates_part = mul(updates_t, from_updates);
  const Array sum = scatter_add(operand_part, x[1], updates_part, s.dimension_numbers, options_of(s));
  return {{std::move(y)}, {Tangent(div(sum, count))}};
}
auto extremal_rule(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Tangent> t, const ScatterParams& s) {
    return extremal_jvp(self(), x, t, s);
  };
}

// The scalar program JAX prints. One per operation and dtype, so that printing finds them shared.
Jaxpr update_program(const Primitive& operation, DType dtype) {
  static std::mutex mutex;
  static std::map<std::pair<const void*, DType>, Jaxpr> programs;
  const std::lock_guard lock(mutex);
  const auto it = programs.find({operation.id(), dtype});
  if (it != programs.end()) return it->second;
  JaxprBuilder b;
  const Aval scalar{dtype, {}, false};
  const VarId x = b.add_input(scalar), y = b.add_input(scalar), z = b.add_var(scalar);
  b.add(Equation{operation, no_params(), {Atom::of(x), Atom::of(y)}, {z}, nullptr});
  return programs.emplace(std::pair(operation.id(), dtype), b.finish({Atom::of(z)})).first->second;
}

Array apply(const Primitive& p, const Primitive* operation, const Array& operand, const Array& indices,
            const Array& updates, const ScatterDims& dims, const GatherOptions& o) {
  ScatterParams s{dims, o.indices_are_sorted, o.unique_indices, o.mode, std::nullopt};
  if (operation) s.update_jaxpr = update_program(*operation, operand.dtype());
  return p.bind1({operand, indices, updates}, s);
}

}  // namespace

const Primitive& scatter_p() {
  static const Primitive p = make_primitive<ScatterParams>({.name = "scatter",
                                                            .operands = 3,
                                                            .aval = scatter_aval("scatter"),
                                                            .jvp = scatter_jvp,
                                                            .transpose = linear_transpose(Linear::replace),
                                                            .batch = scatter_batch(scatter_p)});
  return p;
}
const Primitive& scatter_add_p() {
  static const Primitive p = make_primitive<ScatterParams>({.name = "scatter-add",
                                                            .operands = 3,
                                                            .aval = scatter_aval("scatter_add"),
                                                            .jvp = linear_jvp(scatter_add_p),
                                                            .transpose = linear_transpose(Linear::add),
                                                            .batch = scatter_batch(scatter_add_p)});
  return p;
}
const Primitive& scatter_sub_p() {
  static const Primitive p = make_primitive<ScatterParams>({.name = "scatter-sub",
                                                            .operands = 3,
                                                            .aval = scatter_aval("scatter_sub"),
                                                            .jvp = linear_jvp(scatter_sub_p),
                                                            .transpose = linear_transpose(Linear::subtract),
                                                            .batch = scatter_batch(scatter_sub_p)});
  return p;
}
const Primitive& scatter_mul_p() {
  static const Primitive p = make_primitive<ScatterParams>(
      {.name = "scatter-mul",
       .operands = 3,
       .aval = scatter_aval("scatter_mul"),
       .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const ScatterParams& s) -> JvpResult {
         Array y = scatter_mul_p().bind1({x[0], x[1], x[2]}, s);
         Tangent dy = Tangent::zero(y.aval());
         if (!t[0].is_zero()) dy = Tangent(scatter_mul_p().bind1({t[0].value(), x[1], x[2]}, s));
         if (!t[2].is_zero()) {
           check<NotImplementedError>(
               s.unique_indices, "scatter_mul: its gradients need unique indices. Set unique_indices if they are.");
           const Array spread = scatter_add(zeros_like(x[0]), x[1], t[2].value(), s.dimension_numbers, options_of(s));
           dy = rules::add_tangents(dy, Tangent(mul(x[0], spread)));
         }
         return {{std::move(y)}, {std::move(dy)}};
       },
       .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x, const ScatterParams& s) -> Tangents {
         Tangents out{Tangent::zero(x[0].aval), Tangent::zero(x[1].aval), Tangent::zero(x[2].aval)};
         if (ct[0].is_zero()) return out;
         const Array& indices = *x[1].known;
         if (x[0].is_linear()) {
           out[0] = Tangent(scatter_mul_p().bind1({ct[0].value(), indices, *x[2].known}, s));
         } else {
           check<NotImplementedError>(
               s.unique_indices, "scatter_mul: its gradients need unique indices. Set unique_indices if they are.");
           out[2] = Tangent(read_back(mul(ct[0].value(), *x[0].known), indices, x[2].aval, s));
         }
         return out;
       },
       .batch = scatter_batch(scatter_mul_p)});
  return p;
}
const Primitive& scatter_min_p() {
  static const Primitive p = make_primitive<ScatterParams>({.name = "scatter-min",
                                                            .operands = 3,
                                                            .aval = scatter_aval("scatter_min"),
                                                            .jvp = extremal_rule(scatter_min_p),
                                                            .batch = scatter_batch(scatter_min_p)});
  return p;
}
const Primitive& scatter_max_p() {
  static const Primitive p = make_primitive<ScatterParams>({.name = "scatter-max",
                                                            .operands = 3,
                                                            .aval = scatter_aval("scatter_max"),
                                                            .jvp = extremal_rule(scatter_max_p),
                                                            .batch = scatter_batch(scatter_max_p)});
  return p;
}

void append_gather_primitives(std::vector<Primitive>& out) {
  for (PrimitiveFn p : {gather_p, scatter_p, scatter_add_p, scatter_sub_p, scatter_mul_p, scatter_min_p, scatter_max_p})
    out.push_back(p());
}

Array scatter(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims,
              const GatherOptions& o) {
  return apply(scatter_p(), nullptr, operand, indices, updates, dims, o);
}
Array scatter_add(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims,
                  const GatherOptions& o) {
  return apply(scatter_add_p(), &add_p(), operand, indices, updates, dims, o);
}
Array scatter_sub(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims,
                  const GatherOptions& o) {
  return apply(scatter_sub_p(), &sub_p(), operand, indices, updates, dims, o);
}
Array scatter_mul(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims,
                  const GatherOptions& o) {
  return apply(scatter_mul_p(), &mul_p(), operand, indices, updates, dims, o);
}
Array scatter_min(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims,
                  const GatherOptions& o) {
  return apply(scatter_min_p(), &min_p(), operand, indices, updates, dims, o);
}
Array scatter_max(const Array& operand, const Array& indices, const Array& updates, const ScatterDims& dims,
                  const GatherOptions& o) {
  return apply(scatter_max_p(), &max_p(), operand, indices, updates, dims, o);
}

}  // namespace tf2jax
