// What the rules of gather and of the scatters share.
#pragma once
#include "tf2jax/ops/gather.h"

namespace tf2jax::rules {

/// The scatter that writes where a gather reads, and the reverse.
GatherDims inverse(const ScatterDims& d);
ScatterDims inverse(const GatherDims& d);
Axes plus_one(const Axes& axes);
/// `front`, then the axes moved up by one.
Axes shift_axes_by_one(const Axes& axes, const Axes& front);
/// Throws: ShapeError or DtypeError where dimension numbers do not fit. `window_rank`: of the gather's result or the
/// updates.
void check_windows(std::string_view name, const Aval& operand, const Aval& indices, std::int64_t window_rank,
                   const ScatterDims& d);

}  // namespace tf2jax::rules
