// The shared parts of rules: shape and dtype checks, broadcasting and its transpose, batching.
#include "tf2jax/ops/rule_makers.h"

#include <algorithm>

#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/param_checks.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::rules {

void check_dtype(std::string_view name, DType dtype, kind::Test allowed) {
  check<DtypeError>(allowed(dtype), "{}: the dtype is not accepted. Got {}. Convert the operand with astype.", name,
                    dtype);
}

Shape elementwise_shape(std::string_view name, std::span<const Aval> operands) {
  const Shape* first = nullptr;
  bool same = true;
  for (const Aval& a : operands) {
    if (a.shape.empty()) continue;
    if (!first) first = &a.shape;
    else same = same && identical(*first, a.shape);
  }
  if (!first) return {};
  if (same) return *first;
  const auto fail = [&] {
    std::string shapes;
    for (const Aval& a : operands)
      if (!a.shape.empty()) shapes += (shapes.empty() ? "" : ", ") + to_string(a.shape);
    raise<ShapeError>("{} got incompatible shapes for broadcasting: {}. Expected sizes that are equal or 1.", name,
                      shapes);
  };
  Shape out = *first;
  for (const Aval& a : operands) {
    if (a.shape.empty()) continue;
    if (a.shape.size() != out.size()) {
      std::string ranks;
      for (const Aval& b : operands)
        if (!b.shape.empty()) ranks += (ranks.empty() ? "" : ", ") + std::to_string(b.rank());
      raise<ShapeError>("{}: the operands must have one rank. Got {}.", name, ranks);
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (identical(out[i], a.shape[i]) || identical(a.shape[i], Dim(1))) continue;
      if (identical(out[i], Dim(1))) out[i] = a.shape[i];
      else if (!definitely_equal(out[i], a.shape[i]).value_or(false)) fail();
    }
  }
  return out;
}

DType same_dtype(std::string_view name, std::span<const Aval> operands) {
  for (const Aval& a : operands)
    if (a.dtype != operands[0].dtype)
      raise<DtypeError>("{} requires arguments to have equal dtypes, got {}. Convert one with astype.", name,
                        to_string(operands));
  return operands[0].dtype;
}

bool all_weak(std::span<const Aval> operands) {
  return std::ranges::all_of(operands, [](const Aval& a) { return a.weak_type; });
}

bool are_axes(const Axes& axes, std::int64_t rank) {
  Axes sorted = axes;
  std::ranges::sort(sorted);
  return std::ranges::adjacent_find(sorted) == sorted.end() &&
         (sorted.empty() || (sorted.front() >= 0 && sorted.back() < rank));
}

bool overlap(const Axes& a, const Axes& b) {
  return std::ranges::any_of(a, [&](std::int64_t axis) { return contains(b, axis); });
}

void check_axes(std::string_view name, std::string_view parameter, const Axes& axes, const Aval& x) {
  check<AxisError>(
      are_axes(axes, x.rank()),
      "{}: {} must be distinct axes of the operand. Got {} for {}; expected axes in [0, {}), none repeated.", name,
      parameter, tuple_string(axes), x, x.rank());
}

void check_sizes(std::string_view name, std::string_view parameter, const Shape& sizes) {
  const bool negative = std::ranges::any_of(sizes, [](const Dim& n) { return n.is_constant() && n.value() < 0; });
  check<ShapeError>(!negative, "{}: {} must not be negative. Got {}.", name, parameter, shown(sizes));
}

Array unbroadcast(const Array& ct, const Aval& target) {
  if (identical(ct.shape(), target.shape)) return ct;
  if (target.shape.empty()) return reduce_sum(ct, iota_axes(ct.rank()));
  Axes summed;
  for (std::int64_t i = 0; i < ct.rank(); ++i)
    if (!identical(ct.shape()[i], target.shape[i])) summed.push_back(i);
  return reshape(reduce_sum(ct, summed), target.shape);
}

Tangent unbroadcast(const Tangent& ct, const Aval& target) {
  return ct.is_zero() ? Tangent::zero(target) : Tangent(unbroadcast(ct.value(), target));
}

Array broadcast_like(const Array& x, const Shape& shape) {
  if (identical(x.shape(), shape)) return x;
  return broadcast_in_dim(x, shape, x.rank() == 0 ? Axes{} : iota_axes(x.rank()));
}

Array instantiate(const Tangent& t) { return t.is_zero() ? zeros_of(t.aval()) : t.value(); }

Tangent add_tangents(const Tangent& a, const Tangent& b) {
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  return Tangent(add_any_p().bind1({a.value(), b.value()}));
}

Array move_axis(const Array& x, std::int64_t from, std::int64_t to) { return moveaxis(x, from, to); }

Array mapped_to_front(const Array& x, Axis axis) { return axis && *axis != 0 ? moveaxis(x, *axis, 0) : x; }

Array to_front(const Array& x, Axis axis, Dim size) {
  if (axis) return mapped_to_front(x, axis);
  Shape shape = x.shape();
  shape.insert(shape.begin(), size);
  return broadcast_in_dim(x, shape, iota_axes(x.rank(), 1));
}

BatchResult batch_elementwise(const Primitive& self, std::span<const Array> x, std::span<const Axis> axes,
                              const EquationParams& params) {
  // Where all mapped operands share axis and rank and the others are scalars, nothing has to move.
  std::int64_t rank = 0;
  for (std::size_t i = 0; i < x.size(); ++i) rank = std::max(rank, x[i].rank() - (axes[i] ? 1 : 0));
  Axis shared;
  bool aligned = true;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!axes[i]) {
      aligned = aligned && x[i].rank() == 0;
    } else {
      aligned = aligned && x[i].rank() == rank + 1 && (!shared || *shared == *axes[i]);
      shared = axes[i];
    }
  }
  if (aligned) return {self.bind(x, params), {shared}};

  Arrays in;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!axes[i]) {
      in.push_back(x[i].rank() == 0 ? x[i] : expand_dims(x[i], {0}));
      continue;
    }
    Array front = mapped_to_front(x[i], axes[i]);
    if (front.rank() != rank + 1)
      front = broadcast_in_dim(front,
                               [&] {
                                 Shape s(rank + 1, Dim(1));
                                 s[0] = front.shape()[0];
                                 return s;
                               }(),
                               {0});
    in.push_back(std::move(front));
  }
  return {self.bind(in, params), {0}};
}

}  // namespace tf2jax::rules
