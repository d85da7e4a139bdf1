// Public shape functions and array creation.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "tf2jax/base/config.h"
#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

namespace {

// Refuses sizes in the name of the function that was called, before its parts are.
const Shape& checked(const Shape& shape, DType dtype, std::string_view where) {
  check_size({dtype, shape, false}, where);
  return shape;
}

}  // namespace

DType dtype_or_float(std::string_view where, std::optional<DType> dtype) {
  return dtype ? requested_dtype(where, *dtype) : canonical_dtype(DType::f64);
}

Array broadcast_in_dim(const Array& x, const Shape& shape, const Axes& dims) {
  if (identical(x.shape(), shape) && dims == iota_axes(x.rank())) return x;
  return broadcast_in_dim_p().bind1({x}, BroadcastInDim{dims, shape});
}

Array broadcast_to(const Array& x, const Shape& shape) {
  if (identical(x.shape(), shape)) return x;
  checked(shape, x.dtype(), "broadcast_to");
  check<ShapeError>(x.shape().size() <= shape.size(),
                    "broadcast_to: the operand has more axes than the shape. Got {} and {}.", x.aval(), shown(shape));
  return broadcast_in_dim(x, shape, iota_axes(x.rank(), static_cast<std::int64_t>(shape.size()) - x.rank()));
}

Array reshape(const Array& x, const Shape& new_sizes) {
  Shape sizes = new_sizes;
  std::optional<std::size_t> inferred;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (!identical(sizes[i], Dim(-1))) continue;
    check<ShapeError>(!inferred, "reshape: only one size may be -1. Got {}.", shown(new_sizes));
    inferred = i;
  }
  if (inferred) {
    sizes[*inferred] = 1;
    const Dim total = num_elements(x.shape()), rest = num_elements(sizes);
    const auto quotient = identical(rest, Dim(0)) ? std::optional(Dim(0)) : exact_div(total, rest);
    if (!quotient && !total.is_constant())
      raise<InconclusiveDimensionOperation>(
          "reshape: Cannot divide evenly the sizes of shapes {} and {}. The remainder {} should be 0.",
          shown(x.shape()), shown(new_sizes), mod(total, -rest));
    check<ShapeError>(quotient.has_value(), "reshape: Cannot divide evenly the sizes of shapes {} and {}.",
                      shown(x.shape()), shown(new_sizes));
    sizes[*inferred] = *quotient;
  }
  if (identical(x.shape(), sizes)) return x;
  return reshape_p().bind1({x}, ReshapeParams{sizes});
}

Array squeeze(const Array& x, const Axes& axes) {
  if (axes.empty()) return x;
  return squeeze_p().bind1({x}, SqueezeParams{normalize_axes(axes, x.rank(), "squeeze")});
}
Array squeeze(const Array& x) {
  Axes axes;
  for (std::int64_t i = 0; i < x.rank(); ++i)
    if (identical(x.shape()[i], Dim(1))) axes.push_back(i);
  return squeeze(x, axes);
}

Array transpose(const Array& x, const Axes& permutation) {
  Axes p;
  for (const auto a : permutation) p.push_back(normalize_axis(a, x.rank(), "transpose"));
  if (p == iota_axes(x.rank())) return x;
  return transpose_p().bind1({x}, TransposeParams{p});
}
Array transpose(const Array& x) {
  Axes p = iota_axes(x.rank());
  std::ranges::reverse(p);
  return transpose(x, p);
}
Array rev(const Array& x, const Axes& axes) { return axes.empty() ? x : rev_p().bind1({x}, RevParams{axes}); }
Array flip(const Array& x, const Axes& axes) { return rev(x, normalize_axes(axes, x.rank(), "flip")); }

Array concatenate(std::span<const Array> xs, std::int64_t axis) {
  check(!xs.empty(), "concatenate: there are no arrays. Expected at least one.");
  const PromotedType type = result_type(xs);
  Arrays in;
  for (const Array& x : xs) in.push_back(x.dtype() == type.dtype ? x : rules::converted(x, type.dtype));
  const std::int64_t dimension = normalize_axis(axis, xs[0].rank(), "concatenate");
  return concatenate_p().bind(in, ConcatenateParams{dimension})[0];
}

Array pad(const Array& x, const Array& value, const std::vector<PadAxis>& config) {
  const bool none = std::ranges::all_of(config, [](const PadAxis& a) {
    return identical(a.low, Dim(0)) && identical(a.high, Dim(0)) && identical(a.interior, Dim(0));
  });
  if (none && config.size() == x.shape().size() && value.rank() == 0) return x;
  return pad_p().bind1({x, rules::as_dtype(value, x.dtype())}, PadParams{config});
}
Array pad(const Array& x, const std::vector<std::pair<std::int64_t, std::int64_t>>& widths, const Array& value) {
  std::vector<PadAxis> config;
  for (const auto& [low, high] : widths) config.push_back({low, high, 0});
  return pad(x, value, config);
}

Arrays split(const Array& x, const Axes& sizes, std::int64_t axis) {
  return split_p().bind({x}, SplitParams{sizes, normalize_axis(axis, x.rank(), "split")});
}

Arrays split_evenly(const Array& x, std::int64_t sections, std::int64_t axis) {
  constexpr std::int64_t kMost = std::int64_t{1} << 24;  // an axis of size 0 has any number of pieces
  check(sections >= 1 && sections <= kMost, "split_evenly: the number of pieces must be positive. Got {}; at most {}.",
        sections, kMost);
  const std::int64_t a = normalize_axis(axis, x.rank(), "split_evenly");
  const Dim rest = mod(x.shape()[a], Dim(sections)), size = floordiv(x.shape()[a], Dim(sections));
  check(definitely_equal(rest, Dim(0)).value_or(false), "array split does not result in an equal division: rest is {}",
        rest);
  Arrays out;
  Shape start(x.shape().size(), Dim(0)), limit = x.shape();
  for (std::int64_t i = 0; i < sections; ++i) {
    limit[a] = start[a] + size;
    out.push_back(slice(x, start, limit));
    start[a] = limit[a];
  }
  return out;
}

Array stack(std::span<const Array> xs, std::int64_t axis) {
  check(!xs.empty(), "stack: there are no arrays. Expected at least one.");
  const std::int64_t a = normalize_axis(axis, xs[0].rank() + 1, "stack");
  const PromotedType type = result_type(xs);
  Arrays in;
  for (const Array& x : xs) {
    check<ShapeError>(identical(x.shape(), xs[0].shape()), "stack: the arrays must have one shape. Got {} and {}.",
                      xs[0].aval(), x.aval());
    in.push_back(expand_dims(x.dtype() == type.dtype ? x : rules::converted(x, type.dtype), {a}));
  }
  return in.size() == 1 ? in[0] : concatenate(in, a);
}

Arrays unstack(const Array& x, std::int64_t axis) {
  const std::int64_t a = normalize_axis(axis, x.rank(), "unstack");
  Arrays out;
  const std::int64_t n = x.shape()[a].value();
  check<ResourceExhaustedError>(n <= config().max_expanded_nodes,
                                "unstack: there would be too many arrays. Got {}, which makes {}; expected at most {}, "
                                "Config::max_expanded_nodes.",
                                x.aval(), n, config().max_expanded_nodes);
  for (std::int64_t i = 0; i < n; ++i) out.push_back(squeeze(slice_in_dim(x, i, i + 1, 1, a), {a}));
  return out;
}

Array expand_dims(const Array& x, const Axes& axes) {
  const std::int64_t rank = x.rank() + static_cast<std::int64_t>(axes.size());
  const Axes added = normalize_axes(axes, rank, "expand_dims");
  Shape shape;
  Axes kept;
  for (std::int64_t i = 0, k = 0; i < rank; ++i) {
    if (contains(added, i)) {
      shape.push_back(1);
    } else {
      shape.push_back(x.shape()[k++]);
      kept.push_back(i);
    }
  }
  return added.empty() ? x : broadcast_in_dim_p().bind1({x}, BroadcastInDim{kept, shape});
}

Array moveaxis(const Array& x, std::int64_t from, std::int64_t to) {
  const std::int64_t source = normalize_axis(from, x.rank(), "moveaxis"),
                     target = normalize_axis(to, x.rank(), "moveaxis");
  if (source == target) return x;
  Axes p = iota_axes(x.rank());
  p.erase(p.begin() + source);
  p.insert(p.begin() + target, source);
  return transpose(x, p);
}
Array swapaxes(const Array& x, std::int64_t a, std::int64_t b) {
  Axes p = iota_axes(x.rank());
  std::swap(p[normalize_axis(a, x.rank(), "swapaxes")], p[normalize_axis(b, x.rank(), "swapaxes")]);
  return transpose(x, p);
}
Array ravel(const Array& x) { return reshape(x, {num_elements(x.shape())}); }

Array tile(const Array& x, const Axes& reps) {
  Array y = x;
  check<ValueError>(std::ranges::all_of(reps, [](auto n) { return n >= 0; }),
                    "tile: the repetitions must not be negative. Got {}.", tuple_string(reps));
  Axes counts = reps;
  while (static_cast<std::int64_t>(counts.size()) < x.rank()) counts.insert(counts.begin(), 1);
  while (y.rank() < static_cast<std::int64_t>(counts.size())) y = expand_dims(y, {0});
  if (std::ranges::all_of(counts, [](auto n) { return n == 1; })) return y;
  // [n] -> [reps, n] -> [reps * n], all axes at once.
  Shape wide, out;
  Axes kept;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    wide.push_back(counts[i]);
    kept.push_back(static_cast<std::int64_t>(wide.size()));
    wide.push_back(y.shape()[i]);
    out.push_back(y.shape()[i] * Dim(counts[i]));
  }
  return reshape(broadcast_in_dim(y, wide, kept), out);
}
Array repeat(const Array& x, std::int64_t count, std::int64_t axis) {
  const std::int64_t a = normalize_axis(axis, x.rank(), "repeat");
  check<ValueError>(count >= 0, "repeat: the count must not be negative. Got {}.", count);
  Shape wide = x.shape(), out = x.shape();
  wide.insert(wide.begin() + a + 1, Dim(count));
  out[a] *= Dim(count);
  Axes kept = iota_axes(a + 1);
  for (std::int64_t i = a + 1; i < x.rank(); ++i) kept.push_back(i + 1);
  return reshape(broadcast_in_dim(x, wide, kept), out);
}
Array roll(const Array& x, std::int64_t shift, std::int64_t axis) {
  const std::int64_t a = normalize_axis(axis, x.rank(), "roll"), n = x.shape()[a].value();
  if (n == 0) return x;
  const std::int64_t k = ((shift % n) + n) % n;
  if (k == 0) return x;
  const Array tail = slice_in_dim(x, n - k, n, 1, a), head = slice_in_dim(x, 0, n - k, 1, a);
  return concatenate({tail, head}, a);
}

// ---- creation

Array full(const Shape& shape, const Array& value, std::optional<DType> dtype) {
  const DType type = dtype ? requested_dtype("full", *dtype) : value.dtype();
  return broadcast_in_dim(rules::scalar_of(type, value), checked(shape, type, "full"), {});
}
Array rules::scalar_of(DType dtype, const Array& value) { return as_dtype(value, dtype); }
Array rules::extreme(DType dtype, bool lowest) {
  if (is_floating(dtype))
    return scalar_of(dtype, lowest ? -std::numeric_limits<float>::infinity() : std::numeric_limits<float>::infinity());
  return visit_dtype(dtype, [&]<class T>(std::type_identity<T>) -> Array {
    if constexpr (std::integral<T>) {
      const T v = lowest ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
      return detail::exact_array({dtype, {}, false}, std::as_bytes(std::span(&v, 1)));
    } else {
      raise<DtypeError>("extreme: the values have no order. Got {}; expected an integer or a floating dtype.", dtype);
    }
  });
}
Array rules::filled(const Shape& shape, DType dtype, const Array& value) {
  return broadcast_in_dim(scalar_of(dtype, value), shape, {});
}
Array zeros(const Shape& shape, std::optional<DType> dtype) {
  return rules::filled(checked(shape, DType::f32, "zeros"), dtype_or_float("zeros", dtype), 0);
}
Array ones(const Shape& shape, std::optional<DType> dtype) {
  return rules::filled(checked(shape, DType::f32, "ones"), dtype_or_float("ones", dtype), 1);
}
Array zeros_of(const Aval& aval) {
  if (aval.dtype == DType::float0 || aval.dtype == DType::key)
    return detail::exact_array(aval.strong(), [&](std::byte* out) {
      std::memset(out, 0, num_elements(aval.shape).value() * itemsize(aval.dtype));
    });
  return rules::filled(aval.shape, aval.dtype, 0);
}
Array zeros_like(const Array& x) { return rules::filled(x.shape(), x.dtype(), 0); }
Array ones_like(const Array& x) { return rules::filled(x.shape(), x.dtype(), 1); }
Array full_like(const Array& x, const Array& value) { return rules::filled(x.shape(), x.dtype(), value); }

Array iota(DType dtype, const Shape& shape, std::int64_t dimension) {
  return iota_p().bind({}, IotaParams{requested_dtype("iota", dtype), shape, dimension})[0];
}
Array arange(std::int64_t stop) { return iota(canonical_dtype(DType::i64), {std::max<std::int64_t>(stop, 0)}, 0); }
Array arange(std::int64_t start, std::int64_t stop, std::int64_t step) {
  check(step != 0, "arange: the step must not be 0.");
  const Dim distance = Dim(stop) - Dim(start), n = step > 0 ? floordiv(distance - Dim(1), Dim(step)) + Dim(1)
                                                            : floordiv(distance + Dim(1), Dim(step)) + Dim(1);
  const Array steps = arange(n.value());
  return step == 1 ? (start == 0 ? steps : steps + start) : steps * step + start;
}
Array linspace(double start, double stop, std::int64_t count) {
  check(count >= 0, "linspace: the number of samples must be non-negative. Got {}.", count);
  checked({count}, DType::f64, "linspace");
  std::vector<double> out(count);
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = count == 1 ? start : start + (stop - start) * static_cast<double>(i) / static_cast<double>(count - 1);
  if (count > 1) out.back() = stop;
  return from_span<double>(out, {count});
}
Array eye(std::int64_t n, std::optional<std::int64_t> m, std::optional<DType> dtype_given) {
  const DType dtype = dtype_or_float("eye", dtype_given);
  const Shape shape{n, m.value_or(n)};
  checked(shape, dtype, "eye");
  const Array rows = iota(DType::i32, shape, 0), columns = iota(DType::i32, shape, 1);
  return rules::as_dtype(equal(rows, columns), dtype);
}

namespace {
Array triangle_mask(const Array& x, std::int64_t k) {
  check<ShapeError>(x.rank() >= 2, "tril, triu: the operand must have at least two axes. Got {}.", x.aval());
  const Shape matrix(x.shape().end() - 2, x.shape().end());
  const Array rows = iota(DType::i32, matrix, 0) + k, columns = iota(DType::i32, matrix, 1);
  return broadcast_to(greater_equal(rows, columns), x.shape());
}
}  // namespace

Array tril(const Array& x, std::int64_t k) { return select(triangle_mask(x, k), x, zeros_like(x)); }
Array triu(const Array& x, std::int64_t k) { return select(triangle_mask(x, k - 1), zeros_like(x), x); }
Array diagonal(const Array& x) {
  check<ShapeError>(x.rank() == 2, "diagonal: the operand must be a matrix. Got {}.", x.aval());
  const std::int64_t n = std::min(x.shape()[0].value(), x.shape()[1].value());
  const Array square = slice(x, {0, 0}, {n, n});
  return reduce_sum(select(equal(iota(DType::i32, {n, n}, 0), iota(DType::i32, {n, n}, 1)), square, zeros_like(square)),
                    {1});
}

}  // namespace tf2jax
