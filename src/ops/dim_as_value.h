// Sizes as values of programs.
#pragma once
#include "tf2jax/trace/primitive.h"

namespace tf2jax {

/// Params of dim_as_value.
struct DimValue {
  Dim dim;
  bool operator==(const DimValue& o) const { return identical(dim, o.dim); }
  static void visit_fields(auto& self, auto& v) { v.field("dim", self.dim); }
};

/// No operands; an i32 scalar, weakly typed. Evaluated where the size is known.
const Primitive& dim_as_value_p();

/// A size as a number, of a mean for example. Shape: scalar, i32, weakly typed; a constant where the size is known.
/// Gradient: none. Throws: NotImplementedError for sizes that i32 does not hold; outside programs
/// InconclusiveDimensionOperation when the size is symbolic.
Array dim_as_value(Dim dim);

}  // namespace tf2jax
