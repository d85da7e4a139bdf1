// What is known about a value without its data: dtype, shape, weak type.
#pragma once
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/base/dtype.h"
#include "tf2jax/base/shape.h"

namespace tf2jax {

/// Abstract value. `weak_type` marks a value whose dtype came from a C++ scalar and yields in promotion.
struct Aval {
  DType dtype = DType::f32;
  Shape shape;
  bool weak_type = false;

  std::int64_t rank() const { return static_cast<std::int64_t>(shape.size()); }
  /// Sizes as integers. Throws: InconclusiveDimensionOperation when one is symbolic.
  Dims dims() const { return concrete(shape); }
  /// "f32[2,3]".
  std::string to_string() const;
  /// Same dtype and identical shape; ignores weak_type.
  bool matches(const Aval& other) const { return dtype == other.dtype && identical(shape, other.shape); }
  bool operator==(const Aval&) const = default;

  Aval with_shape(Shape s) const { return {dtype, std::move(s), weak_type}; }
  Aval with_dtype(DType d) const { return {d, shape, false}; }
  Aval strong() const { return {dtype, shape, false}; }
  /// Same shape, tangent dtype (float0 for integers and bools).
  Aval tangent() const { return {tangent_dtype(dtype), shape, weak_type}; }
};
using Avals = std::vector<Aval>;

/// The argument description of make_jaxpr, eval_shape and lower: `spec(f32, {2, 3})`.
inline Aval spec(DType dtype, Shape shape = {}) { return {canonical_dtype(dtype), std::move(shape), false}; }

/// Throws: ShapeError naming `where` when a size is negative, ResourceExhaustedError when there are more elements than
/// Config::max_array_elements. Symbolic sizes pass.
void check_size(const Aval& aval, std::string_view where);
/// Bytes of an array of it. Throws: as check_size; InconclusiveDimensionOperation when a size is symbolic.
std::size_t byte_size(const Aval& aval, std::string_view where = "array");

std::size_t hash_value(const Aval& aval);
std::ostream& operator<<(std::ostream& os, const Aval& aval);
/// "f32[2,3], i32[]": for messages.
std::string to_string(std::span<const Aval> avals);

}  // namespace tf2jax

template <>
struct fmt::formatter<tf2jax::Aval> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const tf2jax::Aval& a, Context& ctx) const {
    return fmt::formatter<std::string_view>::format(a.to_string(), ctx);
  }
};
