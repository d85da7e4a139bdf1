// What loops share: growing masks to a fixpoint, and bodies whose carry keeps its types.
#pragma once
#include "tf2jax/control/jaxpr_edit.h"
#include "tf2jax/trace/staging.h"
#include "tf2jax/transforms/jvp.h"

namespace tf2jax {

/// mask |= more; true when it changed. `more` may be longer.
bool grow(Mask& mask, const Mask& more);
std::size_t count(const Mask& mask);
void append_range(Order& order, std::size_t first, std::size_t n);
Order all_of(std::size_t n);

/// Stages `body` over (carry…, extra…) so that its first outputs have the carry's types; weakly typed initial values
/// are promoted where the body needs it.
/// Throws: TypeError naming the leaf whose type changes.
std::pair<Arrays, Jaxpr> stage_carry(std::string_view where, const FlatFn& body, const Arrays& init, const Avals& extra, std::size_t num_carry);

}  // namespace tf2jax
