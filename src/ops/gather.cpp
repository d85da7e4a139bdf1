// gather: its parameters' texts, primitive, rules, and the checks it shares with the scatters.
#include "tf2jax/ops/gather.h"

#include <algorithm>
#include <cstdlib>

#include "tf2jax/base/shown.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/gather_rules.h"
#include "tf2jax/ops/internal/param_checks.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/internal/number_text.h"

namespace tf2jax {
namespace {

struct ModeName {
  GatherScatterMode mode;
  std::string_view name;
};
constexpr ModeName kModes[] = {{GatherScatterMode::clip, "CLIP"},
                               {GatherScatterMode::fill_or_drop, "FILL_OR_DROP"},
                               {GatherScatterMode::promise_in_bounds, "PROMISE_IN_BOUNDS"},
                               {GatherScatterMode::one_hot, "ONE_HOT"}};
constexpr std::string_view kModePrefix = "GatherScatterMode.";

bool sorted_unique(const Axes& axes) {
  for (std::size_t i = 1; i < axes.size(); ++i)
    if (axes[i - 1] >= axes[i]) return false;
  return true;
}
bool within(const Axes& axes, std::int64_t rank) {
  return std::ranges::all_of(axes, [&](std::int64_t a) { return a >= 0 && a < rank; });
}

// A number as Python spells it: 1, -inf, 2j, (0.5-1e-3j).
std::optional<complex128> complex_of(std::string text) {
  if (text.starts_with('(') && text.ends_with(')')) text = text.substr(1, text.size() - 2);
  const char* at = text.c_str();
  const auto next = [&]() -> std::optional<double> {
    char* end = nullptr;
    const double part = std::strtod(at, &end);
    if (end == at) return std::nullopt;
    at = end;
    return part;
  };
  const std::optional<double> first = next();
  if (!first) return std::nullopt;
  if (*at == '\0') return complex128(*first, 0);
  if (std::string_view(at) == "j") return complex128(0, *first);
  const std::optional<double> second = next();
  if (!second || std::string_view(at) != "j") return std::nullopt;
  return complex128(*first, *second);
}

}  // namespace

std::string param_text(GatherScatterMode v) {
  return std::string(kModePrefix) + std::string(std::ranges::find(kModes, v, &ModeName::mode)->name);
}
void read_param(const ParsedValue& v, GatherScatterMode& out) {
  const std::string_view text = v.text;
  const auto it = std::ranges::find(kModes, text.starts_with(kModePrefix) ? text.substr(kModePrefix.size()) : text,
                                    &ModeName::name);
  check<ParseError>(it != std::end(kModes),
                    "parse_jaxpr: the mode is not known. Got '{}'; expected a GatherScatterMode.", text.substr(0, 40));
  out = it->mode;
}

std::string param_text(const FillValue& v) { return v.text; }
void read_param(const ParsedValue& v, FillValue& out) {
  out.text = v.text;
  check<ParseError>(v.kind == ParsedValue::Kind::none || out.value(),
                    "parse_jaxpr: fill_value must be a number. Got '{}'.", v.text.substr(0, 40));
}
std::optional<complex128> FillValue::value() const {
  if (text == "None") return std::nullopt;
  if (text == "True" || text == "False") return text == "True" ? 1. : 0.;
  const std::size_t call = text.starts_with('(') || !text.ends_with(')') ? std::string::npos : text.find('(');
  if (call == std::string::npos) return complex_of(text);
  return complex_of(text.substr(call + 1, text.size() - call - 2));  // np.float32(1.0)
}
void FillValue::write(DType dtype, std::byte* out) const {
  if (dtype == DType::key) {
    std::memset(out, 0, sizeof(PrngKeyData));
    return;
  }
  const std::optional<complex128> number = value();
  visit_dtype(dtype, [&]<class T>(std::type_identity<T>) {
    T v{};
    if constexpr (std::same_as<T, bool>) v = number ? number->real() != 0 : true;
    else if constexpr (std::unsigned_integral<T>)
      v = number ? static_cast<T>(std::strtoull(text.c_str(), nullptr, 10)) : std::numeric_limits<T>::max();
    else if constexpr (std::integral<T>)
      v = number ? static_cast<T>(std::strtoll(text.c_str(), nullptr, 10)) : std::numeric_limits<T>::min();
    else v = detail::convert_scalar<T>(number.value_or(std::numeric_limits<double>::quiet_NaN()));
    std::memcpy(out, &v, sizeof v);
  });
}
FillValue fill_value(double v) {
  const auto whole = static_cast<std::int64_t>(v);
  return {static_cast<double>(whole) == v ? std::to_string(whole) : detail::float_text(v)};
}

namespace rules {

GatherDims inverse(const ScatterDims& d) {
  return {d.update_window_dims, d.inserted_window_dims, d.scatter_dims_to_operand_dims, d.operand_batching_dims,
          d.scatter_indices_batching_dims};
}
ScatterDims inverse(const GatherDims& d) {
  return {d.offset_dims, d.collapsed_slice_dims, d.start_index_map, d.operand_batching_dims,
          d.start_indices_batching_dims};
}
Axes plus_one(const Axes& axes) { return shift_axes_by_one(axes, {}); }
Axes shift_axes_by_one(const Axes& axes, const Axes& front) {
  Axes out = front;
  for (std::int64_t a : axes) out.push_back(a + 1);
  return out;
}

void check_windows(std::string_view name, const Aval& operand, const Aval& indices, std::int64_t window_rank,
                   const ScatterDims& d) {
  check<DtypeError>(is_integer(indices.dtype), "{}: indices must be integers. Got {}.", name, indices);
  check<ShapeError>(indices.rank() >= 1, "{}: indices need a last axis that holds index vectors. Got {}.", name,
                    indices);
  check<ShapeError>(sorted_unique(d.update_window_dims), "{}: window dims must be sorted and unique. Got {}.", name,
                    shown(d.update_window_dims));
  check<ShapeError>(within(d.update_window_dims, window_rank), "{}: window dims must be in [0, {}). Got {}.", name,
                    window_rank, shown(d.update_window_dims));
  check<ShapeError>(sorted_unique(d.inserted_window_dims) && within(d.inserted_window_dims, operand.rank()),
                    "{}: collapsed or inserted dims must be sorted, unique and in [0, {}). Got {}.", name,
                    operand.rank(), shown(d.inserted_window_dims));
  check<ShapeError>(
      sorted_unique(d.operand_batching_dims) && within(d.operand_batching_dims, operand.rank()) &&
          are_axes(d.scatter_indices_batching_dims, indices.rank() - 1) &&
          d.operand_batching_dims.size() == d.scatter_indices_batching_dims.size(),
      "{}: batching dims must pair axes of operand {} with axes of indices {}, sorted and unique. Got {} and {}.", name,
      operand, indices, shown(d.operand_batching_dims), shown(d.scatter_indices_batching_dims));
  const Dim vector = indices.shape.back();
  check<ShapeError>(identical(vector, Dim(static_cast<std::int64_t>(d.scatter_dims_to_operand_dims.size()))),
                    "{}: the map to operand dims must have one entry per element of an index vector. Got indices {} "
                    "with vectors of {}, and {} entries, {}.",
                    name, indices, vector, d.scatter_dims_to_operand_dims.size(),
                    shown(d.scatter_dims_to_operand_dims));
  check<ShapeError>(are_axes(d.scatter_dims_to_operand_dims, operand.rank()),
                    "{}: the map to operand dims must hold distinct axes in [0, {}). Got {}.", name, operand.rank(),
                    shown(d.scatter_dims_to_operand_dims));
  check<ShapeError>(!(overlap(d.operand_batching_dims, d.inserted_window_dims) ||
                      overlap(d.operand_batching_dims, d.scatter_dims_to_operand_dims)),
                    "{}: an operand batching dim may be neither collapsed (or inserted) nor in the map to operand "
                    "dims. Got batching dims {}, {} and {}.",
                    name, shown(d.operand_batching_dims), shown(d.inserted_window_dims),
                    shown(d.scatter_dims_to_operand_dims));
  const auto windows = static_cast<std::int64_t>(d.update_window_dims.size() + d.inserted_window_dims.size() +
                                                 d.operand_batching_dims.size());
  check<ShapeError>(windows == operand.rank(),
                    "{}: window, collapsed and batching dims must cover the operand's {} axes. Got {}.", name,
                    operand.rank(), windows);
  for (std::size_t i = 0; i < d.operand_batching_dims.size(); ++i) {
    const Dim a = operand.shape[d.operand_batching_dims[i]], b = indices.shape[d.scatter_indices_batching_dims[i]];
    check<ShapeError>(identical(a, b),
                      "{}: batching dims differ in size. Got operand {} axis {} = {}, indices {} axis {} = {}.", name,
                      operand, d.operand_batching_dims[i], a, indices, d.scatter_indices_batching_dims[i], b);
  }
}

}  // namespace rules

namespace {

Avals gather_aval(std::span<const Aval> x, const GatherParams& g) {
  const GatherDims& d = g.dimension_numbers;
  const auto rank = x[1].rank() - 1 + static_cast<std::int64_t>(d.offset_dims.size());
  rules::check_windows("gather", x[0], x[1], rank, rules::inverse(d));
  check<ShapeError>(g.slice_sizes.size() == x[0].shape.size(),
                    "gather: slice_sizes must have one entry per operand axis. Got {} for {}.", shown(g.slice_sizes),
                    x[0]);
  Dims window;
  for (std::size_t i = 0; i < g.slice_sizes.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(i);
    const bool gone = contains(d.collapsed_slice_dims, axis) || contains(d.operand_batching_dims, axis);
    check<ShapeError>(g.slice_sizes[i] >= 0 && definitely_ge(x[0].shape[i], Dim(g.slice_sizes[i])).value_or(true),
                      "gather: a slice size is out of range. Got {} for axis {} of {}.", g.slice_sizes[i], i, x[0]);
    check<ShapeError>(!gone || g.slice_sizes[i] <= 1,
                      "gather: collapsed or batching axis {} must have slice size at most 1. Got {}.", i,
                      g.slice_sizes[i]);
    if (!gone) window.push_back(g.slice_sizes[i]);
  }
  Aval out{x[0].dtype, {}, x[0].weak_type};
  std::size_t batch = 0, offset = 0;
  for (std::int64_t i = 0; i < rank; ++i)
    out.shape.push_back(contains(d.offset_dims, i) ? Dim(window[offset++]) : x[1].shape[batch++]);
  return {out};
}

BatchResult gather_batch(std::span<const Array> x, std::span<const Axis> axes, Dim, const GatherParams& g) {
  using rules::plus_one;
  const Array operand = rules::mapped_to_front(x[0], axes[0]), indices = rules::mapped_to_front(x[1], axes[1]);
  GatherParams b = g;
  GatherDims& d = b.dimension_numbers;
  d.offset_dims = plus_one(d.offset_dims);
  if (axes[0]) {
    d.collapsed_slice_dims = plus_one(d.collapsed_slice_dims);
    d.operand_batching_dims = plus_one(d.operand_batching_dims);
    d.start_index_map = plus_one(d.start_index_map);
  }
  if (axes[1]) d.start_indices_batching_dims = plus_one(d.start_indices_batching_dims);
  if (axes[0] && !axes[1]) {
    d.offset_dims.insert(d.offset_dims.begin(), 0);
    b.slice_sizes.insert(b.slice_sizes.begin(), operand.shape()[0].value());
  } else if (!axes[0]) {
    b.unique_indices = b.indices_are_sorted = false;  // the same window may now be read by two examples
  } else {
    d.operand_batching_dims.insert(d.operand_batching_dims.begin(), 0);
    d.start_indices_batching_dims.insert(d.start_indices_batching_dims.begin(), 0);
    b.slice_sizes.insert(b.slice_sizes.begin(), 1);
  }
  return {gather_p().bind({operand, indices}, b), {0}};
}

}  // namespace

const Primitive& gather_p() {
  static const Primitive p = make_primitive<GatherParams>({
      .name = "gather",
      .operands = 2,
      .aval = gather_aval,
      .jvp = [](std::span<const Array> x, std::span<const Tangent> t, const GatherParams& g) -> JvpResult {
        Array y = gather_p().bind1({x[0], x[1]}, g);
        if (t[0].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
        GatherParams zero_filled = g;
        zero_filled.fill_value = fill_value(0);
        return {{std::move(y)}, {Tangent(gather_p().bind1({t[0].value(), x[1]}, zero_filled))}};
      },
      .transpose = [](std::span<const Tangent> ct, std::span<const LinearArg> x, const GatherParams& g) -> Tangents {
        Tangents out{Tangent::zero(x[0].aval), Tangent::zero(x[1].aval)};
        if (!ct[0].is_zero())
          out[0] = Tangent(scatter_add(
              zeros_of(x[0].aval), *x[1].known, ct[0].value(), rules::inverse(g.dimension_numbers),
              {.indices_are_sorted = g.indices_are_sorted, .unique_indices = g.unique_indices, .mode = g.mode}));
        return out;
      },
      .batch = gather_batch,
  });
  return p;
}

Array gather(const Array& operand, const Array& start_indices, const GatherDims& dims, const Dims& slice_sizes,
             const GatherOptions& o) {
  return gather_p().bind1({operand, start_indices}, GatherParams{dims, slice_sizes, o.unique_indices,
                                                                 o.indices_are_sorted, o.mode, o.fill_value});
}

// Windows span all other axes. What a symbolic size spans cannot be a window: along such axes the indices are repeated.
Array gather_along(const Array& x, const Array& indices, std::int64_t axis, std::int64_t batch) {
  const std::int64_t inner = indices.rank() - batch;
  GatherDims d{.collapsed_slice_dims = {axis}, .start_index_map = {axis}};
  Dims sizes;
  Shape before(indices.shape().begin(), indices.shape().begin() + batch), after;
  Axes added;  // of the repeated indices
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    const Dim size = x.shape()[i];
    const bool walked = i < batch || (i != axis && !size.is_constant());
    sizes.push_back(walked || i == axis ? 1 : size.value());
    if (i != axis && !walked) d.offset_dims.push_back(i < axis ? i : i - 1 + inner);
    if (!walked) continue;
    d.operand_batching_dims.push_back(i);
    const std::int64_t at = std::ssize(before) + (i < axis ? 0 : inner + std::ssize(after));
    d.start_indices_batching_dims.push_back(i < batch ? i : at);
    if (i < batch) continue;
    added.push_back(at);
    (i < axis ? before : after).push_back(size);
  }
  Shape repeated = before;
  repeated.insert(repeated.end(), indices.shape().begin() + batch, indices.shape().end());
  repeated.insert(repeated.end(), after.begin(), after.end());
  const Array at = added.empty() ? indices : broadcast_to(expand_dims(indices, added), repeated);
  return gather(x, expand_dims(at, {at.rank()}), d, sizes);
}

}  // namespace tf2jax
