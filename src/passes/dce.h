// Dead code elimination.
#pragma once
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {

/// The program without equations whose results nobody uses; effectful ones stay. Unused constants go too, inputs stay.
Jaxpr dce(const Jaxpr& jaxpr);
/// The program that computes only the marked outputs.
Jaxpr keep_outputs(const Jaxpr& jaxpr, const std::vector<bool>& keep);
/// Which inputs some output or effect depends on.
std::vector<bool> used_inputs(const Jaxpr& jaxpr);

}  // namespace tf2jax
