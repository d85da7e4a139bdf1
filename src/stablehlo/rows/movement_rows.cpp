// Operations that move, repeat, cut or create data.
#include "tf2jax/stablehlo/internal/movement.h"

#include "tf2jax/ops/shape_ops.h"

#include <algorithm>

namespace tf2jax::stablehlo {

bool is_plain(const Axes& strides) {
  return std::ranges::all_of(strides, [](std::int64_t s) { return s == 1; });
}

Array sliced(const Call& c, const Axes& start, const Axes& limit, const Axes& strides) {
  return slice_p().bind1(
      {c[0]}, SliceParams{symbolic(start), symbolic(limit), is_plain(strides) ? std::nullopt : std::optional(strides)});
}

Array padded(const Call& c, const Axes& low, const Axes& high, const Axes& interior) {
  const auto rank = as_index(c[0].rank());
  if (low.size() != rank || high.size() != rank || interior.size() != rank)
    c.fail("the padding must have one entry per axis.");
  PadParams p;
  for (std::size_t i = 0; i < rank; ++i) p.padding_config.push_back({low[i], high[i], interior[i]});
  return pad_p().bind1({c[0], c[1]}, p);
}

namespace {

Arrays broadcast_in_dim_row(Call& c) {
  c.expect_operands(1, 1);
  const Axes dims = c.integers("broadcast_dimensions");
  return {broadcast_in_dim_p().bind1({c[0]}, BroadcastInDim{dims, c.result_shape()})};
}

// New axes in front.
Arrays broadcast_row(Call& c) {
  c.expect_operands(1, 1);
  const auto added = static_cast<std::int64_t>(c.integers("broadcast_sizes").size());
  return {broadcast_in_dim_p().bind1({c[0]}, BroadcastInDim{iota_axes(c[0].rank(), added), c.result_shape()})};
}

Arrays reshape_row(Call& c) {
  c.expect_operands(1, 1);
  return {reshape_p().bind1({c[0]}, ReshapeParams{c.result_shape()})};
}

Arrays transpose_row(Call& c) {
  c.expect_operands(1, 1);
  return {transpose_p().bind1({c[0]}, TransposeParams{c.integers("permutation")})};
}

Arrays reverse_row(Call& c) {
  c.expect_operands(1, 1);
  return {rev_p().bind1({c[0]}, RevParams{c.integers("dimensions")})};
}

Arrays concatenate_row(Call& c) {
  c.expect_operands(1, c.args.size());
  return concatenate_p().bind(c.args, ConcatenateParams{c.integer("dimension")});
}

Arrays slice_row(Call& c) {
  c.expect_operands(1, 1);
  return {sliced(c, c.integers("start_indices"), c.integers("limit_indices"), c.integers("strides"))};
}

Arrays dynamic_slice_row(Call& c) {
  const auto rank = as_index(c[0].rank());
  c.expect_operands(rank + 1, rank + 1);
  return dynamic_slice_p().bind(c.args, SliceSizes{symbolic(c.integers("slice_sizes"))});
}

Arrays dynamic_update_slice_row(Call& c) {
  const auto rank = as_index(c[0].rank());
  c.expect_operands(rank + 2, rank + 2);
  return dynamic_update_slice_p().bind(c.args);
}

Arrays pad_row(Call& c) {
  c.expect_operands(2, 2);
  return {padded(c, c.integers("edge_padding_low"), c.integers("edge_padding_high"), c.integers("interior_padding"))};
}

Arrays iota_row(Call& c) {
  c.expect_operands(0, 0);
  return iota_p().bind({}, IotaParams{c.result_dtype(), c.result_shape(), c.integer("iota_dimension")});
}

constexpr OpRow kRows[] = {
    {"broadcast_in_dim", broadcast_in_dim_p, broadcast_in_dim_row},
    {"broadcast", nullptr, broadcast_row},
    {"reshape", reshape_p, reshape_row},
    {"transpose", transpose_p, transpose_row},
    {"reverse", rev_p, reverse_row},
    {"concatenate", concatenate_p, concatenate_row},
    {"slice", slice_p, slice_row},
    {"dynamic_slice", dynamic_slice_p, dynamic_slice_row},
    {"dynamic_update_slice", dynamic_update_slice_p, dynamic_update_slice_row},
    {"pad", pad_p, pad_row},
    {"iota", iota_p, iota_row},
};

}  // namespace

std::span<const OpRow> movement_rows() { return kRows; }

}  // namespace tf2jax::stablehlo
