// Reductions of windows by a region, shared by the static operation and the one whose window is an operand.
#pragma once
#include "tf2jax/ops/window.h"
#include "tf2jax/stablehlo/internal/translator.h"

namespace tf2jax::stablehlo {

/// `args` are values and as many initial values.
Arrays reduce_windows(const Module& module, const Region& region, const FlatFn& body, const Arrays& args,
                      const Window& window);

}  // namespace tf2jax::stablehlo
