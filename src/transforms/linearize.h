// linearize and vjp of flat functions: jvp over partial evaluation, then transposition.
#pragma once
#include "tf2jax/trace/staging.h"

namespace tf2jax {

/// f at a point: its values, and the program that maps input tangents to output tangents.
struct Linearized {
  Arrays outs;
  Jaxpr tangent_program;  // tangents of the marked inputs -> tangents of `linear_out` outputs
  std::vector<bool> linear_in, linear_out;
  Avals in_avals;
};
/// Linearizes f at `primals`. Only inexact inputs are differentiated.
Linearized linearize_flat(const FlatFn& f, const Arrays& primals);

/// Output tangents for tangents of all inputs (float0 ones are ignored).
Arrays apply_linearized(const Linearized& l, const Arrays& tangents);
/// Cotangents of all inputs for cotangents of all outputs; float0 zeros for integer and bool inputs.
/// Throws: ShapeError or DtypeError when a cotangent does not match its output.
Arrays apply_pullback(const Linearized& l, const Arrays& cotangents);

}  // namespace tf2jax
