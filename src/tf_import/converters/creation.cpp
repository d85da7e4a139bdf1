// Arrays out of sizes and ranges.
#include "tf2jax/tf_import/internal/builtin_ops.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"

#include <algorithm>
#include <cmath>

namespace tf2jax::tf_import {
namespace {

Values fill(Node& n) { return {broadcast_to(n.scalar(1), n.sizes(0))}; }

Values empty(Node& n) {
  n.ignore({"init"});
  const DType dtype = n.attr<DType>("dtype");
  return {zeros(n.sizes(0), n.on_host() ? dtype : canonical_dtype(dtype))};
}

// How many numbers start, start + delta, ... lie before limit.
std::int64_t range_count(const Array& start, const Array& limit, const Array& delta) {
  if (is_integer(start.dtype())) {
    const auto a = start.item<std::int64_t>(), b = limit.item<std::int64_t>(), d = delta.item<std::int64_t>();
    check(d != 0, "the step must not be 0.");
    // The distance as an unsigned number, since the difference of two integers may not fit.
    const bool up = d > 0;
    if (up ? a >= b : a <= b) return 0;
    const auto distance = up ? static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a)
                             : static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b);
    const auto step = up ? static_cast<std::uint64_t>(d) : std::uint64_t{0} - static_cast<std::uint64_t>(d);
    const auto count = (distance - 1) / step + 1;
    return static_cast<std::int64_t>(std::min<std::uint64_t>(count, std::numeric_limits<std::int64_t>::max()));
  }
  const double a = start.item<double>(), b = limit.item<double>(), d = delta.item<double>();
  check(d != 0, "the step must not be 0.");
  const double steps = std::ceil((b - a) / d);
  check(!std::isnan(steps), "the number of elements is not defined. Got start {}, limit {} and step {}.", a, b, d);
  return static_cast<std::int64_t>(std::clamp(steps, 0.0, 0x1p62));
}

Values range(Node& n) {
  for (std::size_t i = 0; i < 3; ++i) n.real(i);  // known now
  const Array start = n.scalar(0), limit = n.scalar(1), delta = n.scalar(2);
  const DType dtype = start.dtype();
  check<DtypeError>(is_integer(dtype) || is_floating(dtype),
                    "a range of this dtype is not supported. Got {}; expected an integer or a floating dtype.", dtype);
  check<DtypeError>(limit.dtype() == dtype && delta.dtype() == dtype,
                    "the dtypes differ. Got {}, {} and {}; expected one dtype.", dtype, limit.dtype(), delta.dtype());
  const auto count = range_count(start, limit, delta);
  check_sizes(Dims{count}, "Range");
  return {Array::build({dtype, {Dim(count)}, false}, [&](std::byte* out) {
    visit_dtype(dtype, [&]<class T>(std::type_identity<T>) {
      auto* p = reinterpret_cast<T*>(out);
      if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
        const auto a = start.item<std::uint64_t>(), d = delta.item<std::uint64_t>();
        for (std::int64_t i = 0; i < count; ++i) p[i] = static_cast<T>(a + static_cast<std::uint64_t>(i) * d);
      } else if constexpr (!std::is_same_v<T, complex64> && !std::is_same_v<T, complex128>) {
        const auto a = start.item<double>(), d = delta.item<double>();
        for (std::int64_t i = 0; i < count; ++i)
          p[i] = static_cast<T>(static_cast<float>(a + static_cast<double>(i) * d));
      }
    });
  })};
}

Values lin_space(Node& n) {
  const auto count = n.integer(2, 1);
  check_sizes(Dims{count}, "LinSpace");
  const Array start = n.scalar(0), stop = n.scalar(1);
  if (count == 1) return {reshape(start, {1})};
  const Array step = divide(sub(stop, start), static_cast<double>(count - 1));
  return {add(start, mul(step, astype(iota(i32, {Dim(count)}, 0), start.dtype())))};
}

Values one_hot(Node& n) {
  const Array indices = n.indices(0), on = n.scalar(2), off = n.scalar(3);
  const auto depth = n.integer(1, 0), given = n.attr<std::int64_t>("axis");
  const std::int64_t axis = given == -1 ? indices.rank() : given;
  check<AxisError>(axis >= 0 && axis <= indices.rank(), "the axis is out of range. Got {} for {}; expected -1 to {}.",
                   given, indices.aval(), indices.rank());
  Shape shape = indices.shape();
  shape.insert(shape.begin() + axis, Dim(depth));
  check_sizes(shape, "OneHot");
  const Array hit = equal(expand_dims(indices, {axis}), iota(indices.dtype(), shape, axis));
  return {where(hit, on, off)};
}

}  // namespace

void add_creation_operations(ConverterTable& table) {
  table.add("OneHot", one_hot);
  table.add("Fill", fill);
  table.add("Empty", empty);
  table.add("Range", range);
  table.add("LinSpace", lin_space);
}

}  // namespace tf2jax::tf_import
