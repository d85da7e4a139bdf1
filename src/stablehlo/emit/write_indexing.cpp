// How gathers, scatters and sorts are written.
#include "tf2jax/stablehlo/internal/emitter.h"

#include "tf2jax/ops/dim_as_value.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"

#include <limits>

namespace tf2jax::stablehlo {
namespace {

Aval scalar_of(DType d) { return {d, {}, false}; }

// The largest start of a window, for each component of an index vector.
Array last_starts(const Aval& operand, const Axes& map, const Shape& window, DType dtype) {
  Shape out;
  for (const auto axis : map) {
    const auto a = as_index(axis);
    out.push_back(operand.shape.at(a) - window.at(a));
  }
  if (is_concrete(out)) {
    const Dims known = concrete(out);
    const Array wide =
        detail::exact_array(Aval{DType::i64, {Dim(known.size())}, false}, std::as_bytes(std::span(known)));
    return rules::as_dtype(wide, dtype);
  }
  Arrays parts;
  for (const Dim d : out) parts.push_back(reshape(rules::as_dtype(dim_as_value(d), dtype), {1}));
  return concatenate(parts, 0);
}

// True where a window lies inside; one for each window.
Array inside(const Array& indices, const Array& last) {
  const Array low = greater_equal(indices, zeros_like(indices)),
              high = less_equal(indices, broadcast_to(last, indices.shape()));
  return reduce_and(bitwise_and(low, high), {indices.rank() - 1});
}

ValueIds plain_gather(const Emission& e) {
  const auto& p = e.params.get<GatherParams>();
  const GatherDims& d = p.dimension_numbers;
  return e.plain("gather", {{"collapsed_slice_dims", integers_attribute(d.collapsed_slice_dims)},
                            {"index_vector_dim", integer_attribute(e.inputs[1].rank() - 1)},
                            {"indices_are_sorted", boolean_attribute(p.indices_are_sorted)},
                            {"offset_dims", integers_attribute(d.offset_dims)},
                            {"operand_batching_dims", integers_attribute(d.operand_batching_dims)},
                            {"slice_sizes", integers_attribute(p.slice_sizes)},
                            {"start_index_map", integers_attribute(d.start_index_map)},
                            {"start_indices_batching_dims", integers_attribute(d.start_indices_batching_dims)}});
}

Array fill_of(const GatherParams& p, DType dtype) {
  if (const auto value = p.fill_value.value()) {
    const Array v = detail::exact_array(scalar_of(DType::c128), std::as_bytes(std::span(&*value, 1)));
    return rules::as_dtype(is_complex(dtype) ? v : real(v), dtype);
  }
  if (is_inexact(dtype)) return rules::scalar_of(dtype, std::numeric_limits<float>::quiet_NaN());
  if (is_bool(dtype)) return rules::scalar_of(dtype, true);
  return rules::extreme(dtype, is_signed_integer(dtype));
}

// Reads outside give a fill value: those are inside first, and replaced afterwards.
ValueIds gather_w(const Emission& e) {
  const auto& p = e.params.get<GatherParams>();
  check<NotImplementedError>(p.mode != GatherScatterMode::one_hot,
                             "stablehlo: a gather by one-hot products cannot be written.");
  if (p.mode != GatherScatterMode::fill_or_drop) return plain_gather(e);
  return e.out.expanded(
      [&](const Arrays& xs) {
        GatherParams clipped = p;
        clipped.mode = GatherScatterMode::clip;
        const Array y = gather_p().bind1({xs[0], xs[1]}, clipped);
        const Array last =
            last_starts(e.inputs[0], p.dimension_numbers.start_index_map, symbolic(p.slice_sizes), xs[1].dtype());
        const Axes batch = other_axes(p.dimension_numbers.offset_dims, y.rank());
        const Array mask = broadcast_in_dim(inside(xs[1], last), y.shape(), batch);
        return Arrays{select(mask, y, full_like(y, fill_of(p, y.dtype())))};
      },
      e.inputs, e.operands);
}

// Window sizes of a scatter, by axis of the operand.
Shape window_of(const Emission& e, const ScatterDims& d) {
  Shape out;
  std::size_t next = 0;
  for (std::int64_t axis = 0; axis < e.inputs[0].rank(); ++axis) {
    if (contains(d.inserted_window_dims, axis) || contains(d.operand_batching_dims, axis)) out.push_back(Dim(1));
    else out.push_back(e.inputs[2].shape.at(as_index(d.update_window_dims.at(next++))));
  }
  return out;
}

ValueIds scatter_w(const Emission& e, std::string_view op) {
  const auto& p = e.params.get<ScatterParams>();
  const ScatterDims& d = p.dimension_numbers;
  if (p.mode == GatherScatterMode::clip) {
    return e.out.expanded(
        [&](const Arrays& xs) {
          ScatterParams dropped = p;
          dropped.mode = GatherScatterMode::fill_or_drop;
          const Array last = last_starts(e.inputs[0], d.scatter_dims_to_operand_dims, window_of(e, d), xs[1].dtype());
          const Array at = clamp(zeros_like(xs[1]), xs[1], broadcast_to(last, xs[1].shape()));
          return Arrays{e.primitive.bind1({xs[0], at, xs[2]}, dropped)};
        },
        e.inputs, e.operands);
  }
  const DType dtype = e.inputs[0].dtype;
  const Aval s = scalar_of(dtype);
  const std::string_view typed = !is_bool(dtype)                       ? op
                                 : op == "add" || op == "maximum"      ? "or"
                                 : op == "multiply" || op == "minimum" ? "and"
                                                                       : op;
  std::vector<Region> regions;
  regions.push_back(e.out.region({s, s}, [&](const ValueIds& xs) -> ValueIds {
    if (op.empty() && p.update_jaxpr)
      return e.out.inlined(*p.update_jaxpr,
                           {xs.begin(), xs.begin() + static_cast<std::ptrdiff_t>(p.update_jaxpr->num_inputs())});
    if (op.empty()) return {xs[1]};
    return e.out.op(typed, xs, {type_of(s)});
  }));
  return e.out.op("scatter", e.operands, types_of(e.outputs),
                  {{"index_vector_dim", integer_attribute(e.inputs[1].rank() - 1)},
                   {"indices_are_sorted", boolean_attribute(p.indices_are_sorted)},
                   {"input_batching_dims", integers_attribute(d.operand_batching_dims)},
                   {"inserted_window_dims", integers_attribute(d.inserted_window_dims)},
                   {"scatter_dims_to_operand_dims", integers_attribute(d.scatter_dims_to_operand_dims)},
                   {"scatter_indices_batching_dims", integers_attribute(d.scatter_indices_batching_dims)},
                   {"unique_indices", boolean_attribute(p.unique_indices)},
                   {"update_window_dims", integers_attribute(d.update_window_dims)}},
                  std::move(regions));
}

// Zeros are equal and NaN comes last: floats are brought to one zero and one NaN, and compared by bits.
Array canonical(const Array& x) {
  if (!is_floating(x.dtype())) return x;
  const Array zero = zeros_like(x), y = select(equal(x, zero), zero, x);
  return select(not_equal(y, y), rules::scalar_of(x.dtype(), std::numeric_limits<float>::quiet_NaN()), y);
}
Array sorts_before(const Array& x, const Array& y) {
  return is_floating(x.dtype()) ? lt_to_p().bind1({canonical(x), canonical(y)}) : less(x, y);
}
Array sorts_equal(const Array& x, const Array& y) {
  return is_floating(x.dtype()) ? eq_to_p().bind1({canonical(x), canonical(y)}) : equal(x, y);
}

// Parts of a complex key one after the other.
std::vector<std::pair<Array, Array>> keys_of(const Arrays& sides, std::size_t count) {
  std::vector<std::pair<Array, Array>> out;
  for (std::size_t i = 0; i < count; ++i) {
    const Array &x = sides[2 * i], &y = sides[2 * i + 1];
    if (!is_complex(x.dtype())) {
      out.emplace_back(x, y);
    } else {
      out.emplace_back(real(x), real(y));
      out.emplace_back(imag(x), imag(y));
    }
  }
  return out;
}

ValueIds sort_w(const Emission& e) {
  const auto& p = e.params.get<SortParams>();
  Avals sides;
  for (const Aval& x : e.inputs) sides.insert(sides.end(), 2, scalar_of(x.dtype));
  const FlatFn comparator = [&](const Arrays& xs) {
    const auto keys = keys_of(xs, as_index(p.num_keys));
    Array before = sorts_before(keys.back().first, keys.back().second);
    for (std::size_t i = keys.size() - 1; i-- > 0;)
      before = bitwise_or(sorts_before(keys[i].first, keys[i].second),
                          bitwise_and(sorts_equal(keys[i].first, keys[i].second), before));
    return Arrays{before};
  };
  std::vector<Region> regions;
  regions.push_back(e.out.region(sides, [&](const ValueIds& xs) { return e.out.expanded(comparator, sides, xs); }));
  return e.out.op("sort", e.operands, types_of(e.outputs),
                  {{"dimension", integer_attribute(p.dimension)}, {"is_stable", boolean_attribute(p.is_stable)}},
                  std::move(regions));
}

// A stable sort that descends, cut after k; floats by their bits, so that NaN comes first.
ValueIds top_k_w(const Emission& e) {
  const auto& p = e.params.get<TopK>();
  const Aval &x = e.inputs[0], &index = e.outputs[1];
  Emitter& out = e.out;
  const ValueId places = out.iota(p.axis, {index.dtype, x.shape, false});
  const Aval key = scalar_of(x.dtype), place = scalar_of(index.dtype);
  const char* type = is_floating(x.dtype) ? "TOTALORDER" : is_signed_integer(x.dtype) ? "SIGNED" : "UNSIGNED";
  std::vector<Region> regions;
  regions.push_back(out.region({key, key, place, place}, [&](const ValueIds& v) {
    return out.op("compare", {v[0], v[1]}, {type_of(scalar_of(DType::bool_))},
                  {{"compare_type", string_attribute(type)}, {"comparison_direction", string_attribute("GT")}});
  }));
  const ValueIds sorted =
      out.op("sort", {e.operands[0], places}, {type_of(x.strong()), type_of(Aval{index.dtype, x.shape, false})},
             {{"dimension", integer_attribute(p.axis)}, {"is_stable", boolean_attribute(true)}}, std::move(regions));
  ValueIds results;
  for (std::size_t i = 0; i < 2; ++i)
    results.push_back(out.slice(sorted[i], Shape(x.shape.size(), Dim(0)), e.outputs[i].shape, Axes(x.shape.size(), 1),
                                e.outputs[i].strong()));
  return results;
}

}  // namespace

void add_indexing_writers(Writers& t) {
  t["gather"] = gather_w;
  const std::pair<const char*, const char*> scatters[] = {{"scatter", ""},
                                                          {"scatter-add", "add"},
                                                          {"scatter-sub", "subtract"},
                                                          {"scatter-mul", "multiply"},
                                                          {"scatter-min", "minimum"},
                                                          {"scatter-max", "maximum"}};
  for (const auto& [primitive, op] : scatters)
    t[primitive] = [op = std::string(op)](const Emission& e) { return scatter_w(e, op); };
  t["sort"] = sort_w;
  t["top_k"] = top_k_w;
}

}  // namespace tf2jax::stablehlo
