// Loops that count: their number of steps, where the module says it.
#pragma once
#include <optional>

#include "tf2jax/stablehlo/internal/translator.h"

namespace tf2jax::stablehlo {

/// How often a `while` runs, when its condition compares a counter with a known number and its body adds a known step
/// to the counter, which starts at a known number. Such loops are scans: they have derivatives in reverse mode.
std::optional<std::int64_t> trip_count(const Call& loop);

Arrays sort_row(Call& c);

}  // namespace tf2jax::stablehlo
