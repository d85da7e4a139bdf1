// Sizes as values of programs.
#include "tf2jax/ops/dim_as_value.h"

#include "tf2jax/ops/rule_makers.h"

#include <limits>

namespace tf2jax {
namespace {

Array size_value(std::int64_t size) {
  check<NotImplementedError>(size <= std::numeric_limits<std::int32_t>::max(),
                             "dim_as_value: the size is too large. Got {}; expected one that i32 holds.", size);
  const auto narrow = static_cast<std::int32_t>(size);
  return detail::exact_array({DType::i32, {}, true}, std::as_bytes(std::span(&narrow, 1)));
}

}  // namespace

const Primitive& dim_as_value_p() {
  static const Primitive p = make_primitive<DimValue>({
      .name = "dim_as_value",
      .operands = 0,
      .aval = [](std::span<const Aval>, const DimValue&) -> Avals { return {Aval{DType::i32, {}, true}}; },
      .jvp = rules::jvp_zero(dim_as_value_p),
      .impl = [](std::span<const Array>, const DimValue& d) -> Arrays { return {size_value(d.dim.value())}; },
  });
  return p;
}

Array dim_as_value(Dim dim) {
  if (dim.is_constant()) return size_value(dim.value());
  return dim_as_value_p().bind({}, DimValue{dim})[0];
}

}  // namespace tf2jax
