// Sizes as values of programs.
#include <limits>

#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/jax2tf/jax2tf.h"
#include "tf2jax/ops/rule_makers.h"

namespace tf2jax::jax2tf {
namespace {

struct DimValue {
  Dim dim;
  bool operator==(const DimValue& o) const { return identical(dim, o.dim); }
  static void visit_fields(auto& self, auto& v) { v.field("dim", self.dim); }
};

Array size_value(std::int64_t size) {
  check<NotImplementedError>(size <= std::numeric_limits<std::int32_t>::max(),
                             "jax2tf: a size is too large for dim_as_value. Got {}; expected one that i32 holds.",
                             size);
  const auto narrow = static_cast<std::int32_t>(size);
  return tf2jax::detail::exact_array({i32, {}, true}, std::as_bytes(std::span(&narrow, 1)));
}

const Primitive& dim_as_value_p() {
  static const Primitive p = make_primitive<DimValue>({
      .name = "dim_as_value",
      .operands = 0,
      .aval = [](std::span<const Aval>, const DimValue&) -> Avals { return {Aval{i32, {}, true}}; },
      .jvp = rules::jvp_zero(dim_as_value_p),
      .impl = [](std::span<const Array>, const DimValue& d) -> Arrays { return {size_value(d.dim.value())}; },
  });
  return p;
}

}  // namespace

Array dim_as_value(Dim dim) {
  if (dim.is_constant()) return size_value(dim.value());
  return dim_as_value_p().bind({}, DimValue{dim})[0];
}

void add_dim_rules(Rules& rules) {
  rules.set(dim_as_value_p(), [](Lowering& c, const Tensors&, const EquationParams& p, const Avals&) -> Tensors {
    return {c.size(p.get<DimValue>().dim)};
  });
}

}  // namespace tf2jax::jax2tf
