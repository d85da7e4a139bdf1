// Sizes as values of programs.
#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/jax2tf/jax2tf.h"
#include "tf2jax/ops/dim_as_value.h"

namespace tf2jax::jax2tf {

Array dim_as_value(Dim dim) { return tf2jax::dim_as_value(dim); }

void add_dim_rules(Rules& rules) {
  rules.set(dim_as_value_p(), [](Lowering& c, const Tensors&, const EquationParams& p, const Avals&) -> Tensors {
    return {c.size(p.get<DimValue>().dim)};
  });
}

}  // namespace tf2jax::jax2tf
