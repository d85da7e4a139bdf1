// Moving matrix products out of scans.
#pragma once
#include <optional>

#include "tf2jax/control/scan.h"

namespace tf2jax::compiler {

/// A program over the scan's operands that gives the same results with less work per step:
/// - what depends on constants alone is computed once before the loop;
/// - products of slices of xs with constants become one product before the loop;
/// - products that only feed stacked results become one product after it;
/// - sums of products over the steps become one product that contracts the steps too.
/// Empty when nothing can be moved.
std::optional<Jaxpr> hoist_products(const ScanParams& params, const Avals& operands);

}  // namespace tf2jax::compiler
