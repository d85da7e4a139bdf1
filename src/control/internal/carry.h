// What loops share: lists of positions, and bodies whose carry keeps its types.
#pragma once
#include "tf2jax/control/jaxpr_edit.h"
#include "tf2jax/trace/staging.h"

namespace tf2jax {

void append_range(Order& order, std::size_t first, std::size_t n);
Order all_of(std::size_t n);

/// Stages `body` over (carry…, extra…) so that its first outputs have the carry's types; weakly typed initial values
/// are promoted where the body needs it.
/// Throws: TypeError naming the leaf whose type changes.
std::pair<Arrays, Jaxpr> stage_carry(std::string_view where, const FlatFn& body, const Arrays& init, const Avals& extra,
                                     std::size_t num_carry);

}  // namespace tf2jax
