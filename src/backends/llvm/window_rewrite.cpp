// Windows: reductions over them, what selects an element of each, and what spreads a value to the elements under each.
#include <algorithm>
#include <limits>

#include "tf2jax/backends/llvm/graph_builder.h"
#include "tf2jax/backends/llvm/scalar_bits.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/window.h"

namespace tf2jax::compiler {

using loops::Op;

namespace {

constexpr std::int64_t kMostElements = 25;   // of a window that is written out, and windows over an element: bounds the time of compilation

bool all_are(const Dims& dims, std::int64_t n) {
  return std::ranges::all_of(dims, [&](std::int64_t d) { return d == n; });
}
std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

template <class T>
Array array_of(DType dtype, const Dims& dims, const std::vector<T>& elements) { return Array::from_bytes(dtype, dims, std::as_bytes(std::span(elements))); }

}  // namespace

// x at `stride` * place + offset, or `outside`.
ValueId GraphBuilder::strided(ValueId x, const Dims& places, const Dims& strides, const Dims& offsets, ValueId outside) {
  const std::size_t rank = places.size();
  if (dims(x) == places && all_are(strides, 1) && all_are(offsets, 0)) return x;
  Window w{Dims(rank, 1), strides, {}, Dims(rank, 1), Dims(rank, 1)};
  Dims wide = places;
  for (std::size_t i = 0; i < rank; ++i) {
    w.padding.emplace_back(-offsets[i], 0);
    wide.push_back(1);
  }
  const ValueId windows = append({reduce_window_sum_p(), w, OpKind::windows, Op::constant, {x, outside}, {}}, {{dtype(x), symbolic(wide), false}})[0];
  return reshape(windows, places);
}

// What an extreme starts with: infinite, or the last of the integers.
ValueId GraphBuilder::start_of(Op extreme, DType type) {
  if (is_floating(type)) return number(type, std::numeric_limits<double>::infinity() * (extreme == Op::max ? -1 : 1));
  const std::uint64_t bits = neutral(extreme, type);
  return constant(Array::from_bytes(type, {}, std::as_bytes(std::span(&bits, 1)).first(static_cast<std::size_t>(itemsize(type)))));
}

// Windows as a movement, then a reduction over the axes inside them.
std::optional<ValueId> GraphBuilder::reduce_windows(Op op, const Equation& e, ValueId x, const Aval& out) {
  if (out.dtype == DType::bool_) return std::nullopt;
  const Dims from = dims(x);
  const Window w = rules::complete_window(e.primitive.name(), e.params.get<Window>(), static_cast<std::int64_t>(from.size()));
  if (op == Op::add)
    if (auto v = sum_of_distant(w, x, out)) return v;
  if (!all_are(w.base_dilation, 1)) return std::nullopt;
  const ValueId outside = op == Op::add ? number(out.dtype, 0) : start_of(op, out.dtype);
  Dims spread = out.dims();
  const auto rank = static_cast<std::int64_t>(spread.size());
  spread.insert(spread.end(), w.window_dimensions.begin(), w.window_dimensions.end());
  const ValueId windows = append({e.primitive, e.params, OpKind::windows, Op::constant, {x, outside}, {}}, {{out.dtype, symbolic(spread), false}})[0];
  return reduce(op, windows, iota_axes(rank, rank));
}

// Sums of windows over elements that lie apart (by a dilation of the base, or by a pad inside: gradients of strided
// sums): each sum has only the elements that windows of that stride would give to its place.
std::optional<ValueId> GraphBuilder::sum_of_distant(const Window& w, ValueId x, const Aval& out) {
  if (!all_are(w.window_strides, 1) || !all_are(w.window_dilation, 1)) return std::nullopt;
  ValueId source = x;
  Dims strides = w.base_dilation, low;
  for (std::size_t i = 0; i < strides.size(); ++i) low.push_back(w.window_dimensions[i] - 1 - w.padding[i].first);
  if (const auto it = dilated_.find(x); it != dilated_.end() && all_are(strides, 1)) {
    const auto& [inner, config] = it->second;
    source = inner;
    for (std::size_t i = 0; i < strides.size(); ++i) {
      const std::int64_t before = config[i].low.value(), after = config[i].high.value();
      if ((before < 0 && w.padding[i].first > 0) || (after < 0 && w.padding[i].second > 0)) return std::nullopt;   // what was cut off would be back
      strides[i] = config[i].interior.value() + 1;
      low[i] -= before;
    }
  }
  if (all_are(strides, 1)) return std::nullopt;
  return spread_windows(source, std::nullopt, out, w.window_dimensions, strides, low);
}

// Elements apart are elements followed by others, side by side.
ValueId GraphBuilder::pad_inside(ValueId x, ValueId outside, const std::vector<PadAxis>& config, const Aval& out) {
  const Dims from = dims(x);
  Dims single, joined;
  std::vector<PadAxis> inside, around;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::int64_t gap = config[i].interior.value();
    single.push_back(from[i]);
    inside.push_back({0, 0, 0});
    if (gap > 0) {
      single.push_back(1);
      inside.push_back({0, gap, 0});
    }
    joined.push_back(from[i] * (gap + 1));
    around.push_back({config[i].low, config[i].high.value() - gap, 0});
  }
  Dims wide = single;
  for (std::size_t i = 0; i < wide.size(); ++i) wide[i] += inside[i].high.value();
  const auto padded = [&](ValueId v, const std::vector<PadAxis>& by, const Dims& to) {
    if (std::ranges::all_of(by, [](const PadAxis& a) { return a.low.value() == 0 && a.high.value() == 0; })) return v;
    return append({pad_p(), PadParams{by}, OpKind::pad, Op::constant, {v, outside}, {}}, {{out.dtype, symbolic(to), false}})[0];
  };
  const ValueId v = padded(reshape(padded(reshape(x, single), inside, wide), joined), around, out.dims());
  const GraphValue& zero = graph_.value(outside);
  if (zero.is_constant() && scalar_bits(zero.constant) == 0) dilated_.emplace(v, std::pair(x, config));
  return v;
}

// The sum of what windows at stride * place - low give to each element under them: the source at their place, or only
// to the `chosen` element of each. An index is stride * q + r, so that the windows over it are those at q plus constants,
// which see it as their element r plus constants.
std::optional<ValueId> GraphBuilder::spread_windows(ValueId source, std::optional<ValueId> chosen, const Aval& out, const Dims& window, const Dims& strides, const Dims& low) {
  const Dims to = out.dims();
  const std::size_t rank = to.size();
  Dims places, spread, rests, joined, first(rank), count(rank);
  Axes place_axes, rest_axes;
  std::int64_t terms = 1;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t s = strides[i], b = low[i] - floor_divide(low[i], s) * s;
    first[i] = -((s - 1 + b) / s);
    count[i] = floor_divide(window[i] - 1 - b, s) - first[i] + 1;
    terms *= count[i];
    places.push_back((to[i] + s - 1) / s);
    joined.push_back(places[i] * s);
    place_axes.push_back(static_cast<std::int64_t>(spread.size()));
    spread.push_back(places[i]);
    if (s == 1) continue;
    rest_axes.push_back(static_cast<std::int64_t>(spread.size()));
    spread.push_back(s);
    rests.push_back(s);
  }
  if (terms < 1 || terms > kMostElements) return std::nullopt;
  const DType running = chosen || itemsize(out.dtype) > 2 || !is_floating(out.dtype) ? out.dtype : DType::f32;
  const Aval term{running, symbolic(spread), false}, flags{DType::bool_, symbolic(spread), false};
  const ValueId zero = number(running, 0), none = number(DType::i32, -1);
  std::optional<ValueId> sum;
  for (std::int64_t t = terms; t-- > 0;) {   // the windows in order
    Dims offsets(rank), steps(rank);
    std::int64_t left = t;
    for (std::size_t i = rank; i-- > 0; left /= count[i]) {
      steps[i] = first[i] + left % count[i];
      offsets[i] = floor_divide(low[i], strides[i]) - steps[i];
    }
    // By r: the number of the element in the window, or -2 where the window does not reach.
    std::vector<std::int32_t> element;
    for (std::int64_t r = 0; r < num_elements(rests); ++r) {
      std::int64_t at = 0, scale = 1, rest = r;
      for (std::size_t i = rank; i-- > 0; scale *= window[i]) {
        const std::int64_t s = strides[i], k = rest % s + low[i] - floor_divide(low[i], s) * s + s * steps[i];
        at = at < 0 || k < 0 || k >= window[i] ? -2 : at + k * scale;
        rest /= s;
      }
      element.push_back(static_cast<std::int32_t>(at));
    }
    if (std::ranges::all_of(element, [](std::int32_t k) { return k < 0; })) continue;
    ValueId value = strided(source, places, Dims(rank, 1), offsets, number(out.dtype, 0));
    if (running != out.dtype) value = scalar_op(Op::convert, {value}, {running, symbolic(places), false});
    value = broadcast(value, spread, place_axes);
    const auto by_rest = [&](const Array& a) { return rests.empty() ? constant(a) : broadcast(constant(a), spread, rest_axes); };
    if (chosen) {
      const ValueId selected = broadcast(strided(*chosen, places, Dims(rank, 1), offsets, none), spread, place_axes);
      value = scalar_op(Op::select, {scalar_op(Op::eq, {selected, by_rest(array_of(DType::i32, rests, element))}, flags), value, zero}, term);
    } else if (std::ranges::any_of(element, [](std::int32_t k) { return k < 0; })) {
      std::vector<std::uint8_t> reached;
      for (const std::int32_t k : element) reached.push_back(k >= 0);
      value = scalar_op(Op::select, {by_rest(array_of(DType::bool_, rests, reached)), value, zero}, term);
    }
    sum = sum ? scalar_op(Op::add, {*sum, value}, term) : value;
  }
  if (!sum) return broadcast(number(out.dtype, 0), to, {});
  if (running != out.dtype) sum = scalar_op(Op::convert, {*sum}, {out.dtype, symbolic(spread), false});
  return slice(reshape(*sum, joined), Dims(rank, 0), to, Dims(rank, 1));
}

namespace {

// f(number, position) of each element of a window.
template <class F>
void for_elements(const Dims& window, F&& f) {
  for (std::int64_t k = 0; k < num_elements(window); ++k) {
    Dims at(window.size());
    std::int64_t rest = k;
    for (std::size_t i = window.size(); i-- > 0; rest /= window[i]) at[i] = rest % window[i];
    f(k, at);
  }
}

}  // namespace

// Which element of each window is selected: its number, or -1 for windows in the padding alone. As the kernel, an element
// stays as long as it compares with those after it, so that a NaN never does.
ValueId GraphBuilder::selected_elements(ValueId x, const SelectAndScatter& s, const Dims& places, const Padding& padding) {
  const Aval values{dtype(x), symbolic(places), false}, flags{DType::bool_, symbolic(places), false}, numbers{DType::i32, symbolic(places), false};
  const bool padded = std::ranges::any_of(padding, [](const auto& p) { return p.first > 0 || p.second > 0; });
  const ValueId zero = number(dtype(x), 0), inside = broadcast(number(DType::bool_, 0), dims(x), {}), outside = number(DType::bool_, 1);
  ValueId best = -1, chosen = -1;
  for_elements(s.window_dimensions, [&](std::int64_t k, Dims offsets) {
    for (std::size_t i = 0; i < offsets.size(); ++i) offsets[i] -= padding[i].first;
    const ValueId v = strided(x, places, s.window_strides, offsets, zero), mine = number(DType::i32, static_cast<double>(k));
    const ValueId missing = padded ? strided(inside, places, s.window_strides, offsets, outside) : -1;
    if (k == 0) {
      best = v;
      chosen = padded ? scalar_op(Op::select, {missing, number(DType::i32, -1), mine}, numbers) : broadcast(mine, places, {});
      return;
    }
    ValueId stays = scalar_op(s.select_prim == "ge" ? Op::ge : Op::le, {best, v}, flags);
    if (padded) {
      stays = scalar_op(Op::bit_and, {stays, scalar_op(Op::ge, {chosen, number(DType::i32, 0)}, flags)}, flags);
      stays = scalar_op(Op::bit_or, {stays, missing}, flags);
    }
    best = scalar_op(Op::select, {stays, best, v}, values);
    chosen = scalar_op(Op::select, {stays, chosen, mine}, numbers);
  });
  return in_memory(chosen, true);
}

// Both as plain elementwise operations on the elements of a window; null for large ones and dilated bases.
std::optional<ValueId> GraphBuilder::rewrite_selection(const Equation& e, const std::vector<ValueId>& in, const Aval& out) {
  const bool scatters = e.primitive == select_and_scatter_add_p();
  if (!scatters && e.primitive != select_and_gather_add_p()) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(dims(in[1]).size());
  if (out.dtype == DType::bool_ || dtype(in[0]) != dtype(in[1])) return std::nullopt;
  if (scatters) {
    const SelectAndScatter& s = e.params.get<SelectAndScatter>();
    const Window w = rules::complete_window(e.primitive.name(), {s.window_dimensions, s.window_strides, s.padding, {}, {}}, rank);
    if (num_elements(w.window_dimensions) > kMostElements) return std::nullopt;
    Dims low;
    for (const auto& p : w.padding) low.push_back(p.first);
    const Dims places = dims(in[0]);
    const ValueId chosen = selected_elements(in[1], {s.select_prim, w.window_dimensions, w.window_strides, {}}, places, w.padding);
    return spread_windows(in[0], chosen, out, w.window_dimensions, w.window_strides, low);
  }
  const SelectAndGather& s = e.params.get<SelectAndGather>();
  const Window w = rules::complete_window(e.primitive.name(), {s.window_dimensions, s.window_strides, s.padding, s.base_dilation, s.window_dilation}, rank);
  if (num_elements(w.window_dimensions) > kMostElements || !all_are(w.base_dilation, 1)) return std::nullopt;
  const bool largest = s.select_prim == "ge";
  const Aval flags = out.with_dtype(DType::bool_);
  const ValueId start = start_of(largest ? Op::max : Op::min, out.dtype);
  ValueId best = broadcast(start, out.dims(), {}), tangent = broadcast(number(out.dtype, 0), out.dims(), {});
  for_elements(w.window_dimensions, [&](std::int64_t, Dims offsets) {
    for (std::size_t i = 0; i < offsets.size(); ++i) offsets[i] = offsets[i] * w.window_dilation[i] - w.padding[i].first;
    const ValueId v = strided(in[1], out.dims(), w.window_strides, offsets, start);
    ValueId take = scalar_op(largest ? Op::gt : Op::lt, {v, best}, flags);
    if (is_floating(out.dtype)) take = scalar_op(Op::bit_or, {take, scalar_op(Op::ne, {v, v}, flags)}, flags);
    best = scalar_op(Op::select, {take, v, best}, out);
    tangent = scalar_op(Op::select, {take, strided(in[0], out.dims(), w.window_strides, offsets, number(out.dtype, 0)), tangent}, out);
  });
  return tangent;
}

}  // namespace tf2jax::compiler
