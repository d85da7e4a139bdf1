// Operations of CHLO: as composites, which carry what they are made of, and by themselves in texts.
#pragma once
#include <optional>

#include "tf2jax/stablehlo/internal/translator.h"

namespace tf2jax::stablehlo {

/// The composite by the primitive that computes it; nullopt when there is none, and its decomposition serves.
std::optional<Arrays> known_composite(Call& c);

}  // namespace tf2jax::stablehlo
