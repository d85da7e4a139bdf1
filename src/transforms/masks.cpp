// Masks and lists taken apart by them.
#include "tf2jax/transforms/masks.h"

#include <algorithm>

namespace tf2jax {

namespace masks {

namespace {
template <class T, class Test>
Mask mask_of(std::span<const T> items, const Test& test) {
  Mask out;
  for (const T& item : items) out.push_back(test(item));
  return out;
}
Arrays values_where(std::span<const Array> values, const Mask& mask, bool wanted) {
  Arrays out;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (mask[i] == wanted) out.push_back(values[i]);
  return out;
}
}  // namespace

Mask nonzero(std::span<const Tangent> tangents) {
  return mask_of(tangents, [](const Tangent& t) { return !t.is_zero(); });
}
Mask linear(std::span<const LinearArg> args) {
  return mask_of(args, [](const LinearArg& a) { return a.is_linear(); });
}
Mask mapped(std::span<const Axis> axes) {
  return mask_of(axes, [](const Axis& a) { return a.has_value(); });
}

std::int64_t count(const Mask& mask) { return std::ranges::count(mask, true); }
Mask join(const Mask& a, const Mask& b, const Mask& c) {
  Mask out = a;
  out.insert(out.end(), b.begin(), b.end());
  out.insert(out.end(), c.begin(), c.end());
  return out;
}
bool grow(Mask& mask, const Mask& more) {
  const Mask before = mask;
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = mask[i] || more[i];
  return mask != before;
}
std::vector<Axis> front_axes(const Mask& mapped) {
  std::vector<Axis> out;
  for (const bool m : mapped) out.push_back(m ? Axis(0) : std::nullopt);
  return out;
}

Arrays pick(std::span<const Array> values, const Mask& mask) { return values_where(values, mask, true); }
Arrays drop(std::span<const Array> values, const Mask& mask) { return values_where(values, mask, false); }
Arrays merge(const Mask& mask, std::span<const Array> set, std::span<const Array> clear) {
  Arrays out;
  std::size_t s = 0, c = 0;
  for (const bool m : mask) out.push_back(m ? set[s++] : clear[c++]);
  return out;
}

Arrays nonzero_values(std::span<const Tangent> tangents) {
  Arrays out;
  for (const Tangent& t : tangents)
    if (!t.is_zero()) out.push_back(t.value());
  return out;
}
Arrays known_values(std::span<const LinearArg> args) {
  Arrays out;
  for (const LinearArg& a : args)
    if (a.known) out.push_back(*a.known);
  return out;
}

}  // namespace masks

Arrays joined(std::span<const Array> a, std::span<const Array> b) {
  Arrays out(a.begin(), a.end());
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

}  // namespace tf2jax
