// Gathers and scatters. Windows of a gather that stick out are moved inside, those of a scatter are dropped.
#include "tf2jax/stablehlo/internal/region_kind.h"
#include "tf2jax/stablehlo/internal/table.h"

#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::stablehlo {
namespace {

// Indices with the index vector in the last axis.
Array index_last(const Call& c, const Array& indices) {
  const std::int64_t axis = c.integer("index_vector_dim");
  if (axis < 0 || axis > indices.rank()) c.fail("attribute 'index_vector_dim' is out of range.");
  if (axis == indices.rank()) {
    Shape shape = indices.shape();
    shape.emplace_back(1);
    return reshape_p().bind1({indices}, ReshapeParams{shape});
  }
  return axis == indices.rank() - 1 ? indices : moveaxis(indices, axis, indices.rank() - 1);
}

Array gather_windows(const Call& c, const Axes& slice_sizes) {
  GatherParams p;
  p.dimension_numbers = {c.integers("offset_dims"), c.integers("collapsed_slice_dims"), c.integers("start_index_map"),
                         c.integers_or("operand_batching_dims", {}), c.integers_or("start_indices_batching_dims", {})};
  p.slice_sizes = slice_sizes;
  p.indices_are_sorted = c.flag("indices_are_sorted");
  p.mode = GatherScatterMode::clip;
  return gather_p().bind1({c[0], index_last(c, c[1])}, p);
}

Arrays gather_row(Call& c) {
  c.expect_operands(2, 2);
  return {gather_windows(c, c.integers("slice_sizes"))};
}
Arrays dynamic_gather_row(Call& c) {
  c.expect_operands(3, 3);
  return {gather_windows(c, c.known(2))};
}

// Of bools `or` is the maximum and `and` the minimum.
const Primitive* scatter_of(Combiner how, DType dtype) {
  switch (how) {
    case Combiner::or_: return is_bool(dtype) ? &scatter_max_p() : nullptr;
    case Combiner::and_: return is_bool(dtype) ? &scatter_min_p() : nullptr;
    case Combiner::add: return &scatter_add_p();
    case Combiner::subtract: return &scatter_sub_p();
    case Combiner::multiply: return &scatter_mul_p();
    case Combiner::minimum: return &scatter_min_p();
    case Combiner::maximum: return &scatter_max_p();
    case Combiner::second: return &scatter_p();
    default: return nullptr;
  }
}

Arrays scatter_row(Call& c) {
  check<NotImplementedError>(c.args.size() == 3,
                             "stablehlo: operation 'scatter' at {} is supported for one operand. Got {} operands.",
                             c.op.offset, c.args.size());
  ScatterParams p;
  p.dimension_numbers = {c.integers("update_window_dims"), c.integers("inserted_window_dims"),
                         c.integers("scatter_dims_to_operand_dims"), c.integers_or("input_batching_dims", {}),
                         c.integers_or("scatter_indices_batching_dims", {})};
  p.indices_are_sorted = c.flag("indices_are_sorted");
  p.unique_indices = c.flag("unique_indices");
  const Array indices = index_last(c, c[1]);
  const DType dtype = c[0].dtype();
  const Primitive* primitive = scatter_of(combiner_of(c.translator.module(), c.region(0), dtype), dtype);
  if (!primitive) {
    const Aval scalar{dtype, {}, false};
    p.update_jaxpr = stage(c.body(0), {scalar, scalar});
    if (p.update_jaxpr->num_outputs() != 1 || !p.update_jaxpr->output_avals()[0].matches(scalar))
      c.fail("its region must return one scalar of the operand's type.");
    check<NotImplementedError>((*p.update_jaxpr)->constvars.empty(),
                               "stablehlo: operation 'scatter' at {} has a region that uses values from outside.",
                               c.op.offset);
    primitive = &scatter_p();
  }
  return {primitive->bind1({c[0], indices, c[2]}, p)};
}

constexpr OpRow kRows[] = {
    {"gather", gather_p, gather_row},
    {"dynamic_gather", nullptr, dynamic_gather_row},
    {"scatter", nullptr, scatter_row},
};

}  // namespace

std::span<const OpRow> indexing_rows() { return kRows; }

}  // namespace tf2jax::stablehlo
