// Masks: which inputs or outputs of a program a transform concerns, and lists taken apart by them.
#pragma once
#include <span>
#include <vector>

#include "tf2jax/trace/primitive.h"

namespace tf2jax {

/// One entry per input or output.
using Mask = std::vector<bool>;

namespace masks {

/// Those with a tangent or cotangent.
Mask nonzero(std::span<const Tangent> tangents);
/// Those that are linear.
Mask linear(std::span<const LinearArg> args);
/// Those that vary along a mapped axis.
Mask mapped(std::span<const Axis> axes);

std::int64_t count(const Mask& mask);
Mask join(const Mask& a, const Mask& b, const Mask& c = {});
/// Sets what is set in `more`, which may be longer; true when that changed something.
bool grow(Mask& mask, const Mask& more);
/// Axis 0 where the mask is set, none elsewhere.
std::vector<Axis> front_axes(const Mask& mapped);

/// The values where the mask is set, in order.
Arrays pick(std::span<const Array> values, const Mask& mask);
/// Those where it is not.
Arrays drop(std::span<const Array> values, const Mask& mask);
/// Values in the mask's order: the next of `set` where it is set, else the next of `clear`.
Arrays merge(const Mask& mask, std::span<const Array> set, std::span<const Array> clear);

/// The values of the tangents that are not zero.
Arrays nonzero_values(std::span<const Tangent> tangents);
/// The arrays that are not linear.
Arrays known_values(std::span<const LinearArg> args);

}  // namespace masks

/// `a` followed by `b`.
Arrays joined(std::span<const Array> a, std::span<const Array> b);

}  // namespace tf2jax
