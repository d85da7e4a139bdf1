// A recorded case as a function, with its derivatives and its batching as functions of arrays too.
#include "differentiable.h"

#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/jvp.h"
#include "tf2jax/transforms/linearize.h"

namespace conformance {

using namespace tf2jax;

Arrays pick(const Arrays& xs, const Positions& at) {
  Arrays out;
  for (const std::size_t i : at) out.push_back(xs.at(i));
  return out;
}

Arrays join(const Arrays& a, const Arrays& b) {
  Arrays out = a;
  out.insert(out.end(), b.begin(), b.end());
  return out;
}

Arrays part_of(const Arrays& xs, std::size_t from, std::size_t to) {
  return Arrays(xs.begin() + static_cast<std::ptrdiff_t>(from), xs.begin() + static_cast<std::ptrdiff_t>(to));
}

Arrays values_of(const Tangents& tangents) {
  Arrays out;
  for (const Tangent& t : tangents) out.push_back(t.is_zero() ? zeros_of(t.aval()) : t.value());
  return out;
}

namespace {
Array front(const Array& x, Axis axis, std::int64_t size) {
  if (axis) return moveaxis(x, *axis, 0);
  Shape shape = x.shape();
  shape.insert(shape.begin(), Dim(size));
  return broadcast_in_dim(x, shape, iota_axes(x.rank(), 1));
}
}  // namespace

Arrays vmapped(const FlatFn& f, const Arrays& xs, const std::vector<Axis>& axes, std::int64_t size) {
  const BatchResult r = vmap_flat(f, xs, axes, Dim(size));
  Arrays out;
  for (std::size_t i = 0; i < r.values.size(); ++i) out.push_back(front(r.values[i], r.axes[i], size));
  return out;
}

Arrays vmapped(const FlatFn& f, const Arrays& xs) { return vmapped(f, xs, std::vector<Axis>(xs.size(), 0), 2); }

Arrays stacked(const Arrays& first, const Arrays& second) {
  Arrays out;
  for (std::size_t i = 0; i < first.size(); ++i) out.push_back(stack({first[i], second.at(i)}));
  return out;
}

Arrays example(const Arrays& both, std::int64_t i) {
  Arrays out;
  for (const Array& x : both) out.push_back(squeeze(slice_in_dim(x, i, i + 1, 1, 0), {0}));
  return out;
}

FlatFn Differentiable::restricted(const Arrays& inputs) const {
  return [this, inputs](const Arrays& xs) {
    Arrays all = inputs;
    for (std::size_t i = 0; i < in.size(); ++i) all[in[i]] = xs[i];
    return pick(f(all), out);
  };
}

Arrays Differentiable::jvp(const Arrays& xs) const {
  const Arrays inputs = part_of(xs, 0, count);
  Tangents tangents;
  for (std::size_t i = count; i < xs.size(); ++i) tangents.emplace_back(xs[i]);
  return values_of(jvp_flat(restricted(inputs), pick(inputs, in), tangents).tangents);
}

Arrays Differentiable::vjp(const Arrays& xs) const {
  const Arrays inputs = part_of(xs, 0, count);
  return apply_pullback(linearize_flat(restricted(inputs), pick(inputs, in)), part_of(xs, count, xs.size()));
}

Arrays Differentiable::second(const Arrays& xs) const {
  const std::size_t m = in.size();
  const Arrays inputs = part_of(xs, 0, count), cotangents = part_of(xs, count + m, xs.size());
  Tangents tangents;
  for (std::size_t i = count; i < count + m; ++i) tangents.emplace_back(xs[i]);
  const FlatFn pulled = [&](const Arrays& ys) {
    Arrays all = inputs;
    for (std::size_t i = 0; i < m; ++i) all[in[i]] = ys[i];
    return vjp(join(all, cotangents));
  };
  return values_of(jvp_flat(pulled, pick(inputs, in), tangents).tangents);
}

}  // namespace conformance
