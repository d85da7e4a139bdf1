// Operations whose sizes are operands: those must be known when the program is made, as they are once the sizes of its
// inputs are.
#include "tf2jax/stablehlo/internal/movement.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/shape_ops.h"

#include <fmt/format.h>

#include <algorithm>

namespace tf2jax::stablehlo {
namespace {

Shape known_sizes(const Call& c, std::size_t i) {
  const auto sizes = c.known(i);
  check_sizes(sizes, c.op.name);
  return symbolic(sizes);
}

Arrays get_dimension_size(Call& c) {
  c.expect_operands(1, 1);
  const std::int64_t axis = c.integer("dimension");
  if (axis < 0 || axis >= c[0].rank()) c.fail("attribute 'dimension' is out of range.");
  const auto size = static_cast<std::int32_t>(c[0].shape()[as_index(axis)].value());
  return {detail::exact_array(Aval{DType::i32, {}, false}, std::as_bytes(std::span(&size, 1)))};
}

// A size that is already there; others would be data of unknown extent.
Arrays set_dimension_size(Call& c) {
  c.expect_operands(2, 2);
  const std::int64_t axis = c.integer("dimension");
  if (axis < 0 || axis >= c[0].rank()) c.fail("attribute 'dimension' is out of range.");
  const auto size = c.known(1);
  check<NotImplementedError>(
      size.size() == 1 && identical({Dim(size[0])}, {c[0].shape()[as_index(axis)]}),
      "stablehlo: operation 'set_dimension_size' is supported for the size that is there only. Got {} for {}.",
      size.empty() ? 0 : size[0], c[0].aval());
  return {c[0]};
}

Arrays dynamic_broadcast_in_dim(Call& c) {
  c.expect_operands(2, 2);
  return {broadcast_in_dim_p().bind1({c[0]}, BroadcastInDim{c.integers("broadcast_dimensions"), known_sizes(c, 1)})};
}

Arrays dynamic_iota(Call& c) {
  c.expect_operands(1, 1);
  return iota_p().bind({}, IotaParams{c.result_dtype(), known_sizes(c, 0), c.integer("iota_dimension")});
}

Arrays dynamic_reshape(Call& c) {
  c.expect_operands(2, 2);
  return {reshape_p().bind1({c[0]}, ReshapeParams{known_sizes(c, 1)})};
}

Arrays dynamic_pad(Call& c) {
  c.expect_operands(5, 5);
  return {padded(c, c.known(2), c.known(3), c.known(4))};
}

// limit = start + sizes: the sizes, where the start is traced.
std::optional<std::vector<std::int64_t>> added_sizes(const Call& c) {
  const auto sum = c.producer(2);
  if (!sum || sum->name != "add" || sum->operands.size() != 2) return std::nullopt;
  for (std::size_t i = 0; i < 2; ++i) {
    const Array& other = c.frame.values[as_index(sum->operands[1 - i])];
    if (sum->operands[i] == c.op.operands[1] && other.is_concrete() && is_integer(other.dtype()))
      return integer_values(other);
  }
  return std::nullopt;
}

Arrays real_dynamic_slice(Call& c) {
  c.expect_operands(4, 4);
  const auto strides = c.known(3);
  if (c[1].is_concrete() && c[2].is_concrete()) return {sliced(c, c.known(1), c.known(2), strides)};
  const auto sizes = added_sizes(c);
  check<NotImplementedError>(sizes && is_plain(strides),
                             "stablehlo: operation 'real_dynamic_slice' at {} is supported where its start and limit "
                             "are known, or the limit is the start plus known sizes.",
                             c.op.offset);
  check_sizes(*sizes, c.op.name);
  if (c[1].rank() != 1) c.fail("its start must be a vector.");
  Arrays operands{c[0]};
  for (const Array& start : unstack(c[1])) operands.push_back(start);
  return dynamic_slice_p().bind(operands, SliceSizes{symbolic(*sizes)});
}

constexpr OpRow kRows[] = {
    {"get_dimension_size", nullptr, get_dimension_size},
    {"set_dimension_size", nullptr, set_dimension_size},
    {"dynamic_broadcast_in_dim", nullptr, dynamic_broadcast_in_dim},
    {"dynamic_iota", nullptr, dynamic_iota},
    {"dynamic_reshape", nullptr, dynamic_reshape},
    {"dynamic_pad", nullptr, dynamic_pad},
    {"real_dynamic_slice", nullptr, real_dynamic_slice},
};

}  // namespace

std::span<const OpRow> dynamic_rows() { return kRows; }

}  // namespace tf2jax::stablehlo
