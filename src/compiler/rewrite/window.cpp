// Windows: reductions over them, what selects an element of each, and what spreads a value to the elements under each.
#include "tf2jax/ops/window.h"

#include <algorithm>
#include <limits>

#include "tf2jax/compiler/loops/scalar_bits.h"
#include "tf2jax/compiler/rewrite/table.h"
#include "tf2jax/ops/reduce.h"

namespace tf2jax::compiler {

using loops::Op;

namespace {

// Elements of a window that is written out, and windows over an element: bounds the time of compilation.
constexpr std::int64_t kMostElements = 25;

bool all_are(const Dims& dims, std::int64_t n) {
  return std::ranges::all_of(dims, [&](std::int64_t d) { return d == n; });
}
std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

template <class T>
Array array_of(DType dtype, const Dims& dims, const std::vector<T>& elements) {
  return Array::from_bytes(dtype, dims, std::as_bytes(std::span(elements)));
}

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

// x at `stride` * place + offset, or `outside`.
ValueId strided(GraphBuilder& b, ValueId x, const Dims& places, const Dims& strides, const Dims& offsets,
                ValueId outside) {
  const std::size_t rank = places.size();
  if (b.dims(x) == places && all_are(strides, 1) && all_are(offsets, 0)) return x;
  Window w{Dims(rank, 1), strides, {}, Dims(rank, 1), Dims(rank, 1)};
  Dims wide = places;
  for (std::size_t i = 0; i < rank; ++i) {
    w.padding.emplace_back(-offsets[i], 0);
    wide.push_back(1);
  }
  const Aval out{b.dtype(x), symbolic(wide), false};
  return b.reshape(b.append(reduce_window_sum_p(), w, OpKind::windows, {x, outside}, out), places);
}

// What an extreme starts with: infinite, or the last of the integers.
ValueId start_of(GraphBuilder& b, Op extreme, DType type) {
  if (is_floating(type)) return b.number(type, std::numeric_limits<double>::infinity() * (extreme == Op::max ? -1 : 1));
  const std::uint64_t bits = neutral(extreme, type);
  return b.constant(Array::from_bytes(type, {}, std::as_bytes(std::span(&bits, 1)).first(itemsize(type))));
}

/// The sum of what windows at stride * place - low give to each element under them: the source at their place, or only
/// to the `chosen` element of each. An index is stride * q + r, so that the windows over it are those at q plus
/// constants, which see it as their element r plus constants.
class Spread {
 public:
  Spread(GraphBuilder& b, const Aval& out, const Dims& window, const Dims& strides, const Dims& low)
      : b_(b), out_(out), window_(window), strides_(strides), low_(low), first_(rank()), count_(rank()) {
    const Dims to = out.dims();
    for (std::size_t i = 0; i < rank(); ++i) {
      const std::int64_t s = strides[i], within = low[i] - floor_divide(low[i], s) * s;
      first_[i] = -((s - 1 + within) / s);
      count_[i] = floor_divide(window[i] - 1 - within, s) - first_[i] + 1;
      terms_ *= count_[i];
      places_.push_back((to[i] + s - 1) / s);
      joined_.push_back(places_[i] * s);
      place_axes_.push_back(static_cast<std::int64_t>(spread_.size()));
      spread_.push_back(places_[i]);
      if (s == 1) continue;
      rest_axes_.push_back(static_cast<std::int64_t>(spread_.size()));
      spread_.push_back(s);
      rests_.push_back(s);
    }
  }

  std::optional<ValueId> sum(ValueId source, std::optional<ValueId> chosen) {
    if (terms_ < 1 || terms_ > kMostElements) return std::nullopt;
    const DType type = chosen || itemsize(out_.dtype) > 2 || !is_floating(out_.dtype) ? out_.dtype : DType::f32;
    term_ = {type, symbolic(spread_), false};
    std::optional<ValueId> total;
    for (std::int64_t t = terms_; t-- > 0;) {  // the windows in order
      const Dims steps = steps_of(t);
      const std::vector<std::int32_t> element = elements_under(steps);
      if (std::ranges::all_of(element, [](std::int32_t k) { return k < 0; })) continue;
      Dims offsets(rank());
      for (std::size_t i = 0; i < rank(); ++i) offsets[i] = floor_divide(low_[i], strides_[i]) - steps[i];
      const ValueId value = masked(given(source, offsets), element, chosen, offsets);
      total = total ? b_.scalar_op(Op::add, {*total, value}, term_) : value;
    }
    if (!total) return b_.broadcast(b_.number(out_.dtype, 0), out_.dims(), {});
    if (type != out_.dtype) total = b_.scalar_op(Op::convert, {*total}, term_.with_dtype(out_.dtype));
    return b_.slice(b_.reshape(*total, joined_), Dims(rank(), 0), out_.dims(), Dims(rank(), 1));
  }

 private:
  std::size_t rank() const { return window_.size(); }

  // How far the windows of a term lie from q.
  Dims steps_of(std::int64_t term) const {
    Dims steps(rank());
    for (std::size_t i = rank(); i-- > 0; term /= count_[i]) steps[i] = first_[i] + term % count_[i];
    return steps;
  }

  // By r: the number of the element in the window, or -2 where the window does not reach.
  std::vector<std::int32_t> elements_under(const Dims& steps) const {
    std::vector<std::int32_t> out;
    for (std::int64_t r = 0; r < num_elements(rests_); ++r) {
      std::int64_t at = 0, scale = 1, rest = r;
      for (std::size_t i = rank(); i-- > 0; scale *= window_[i]) {
        const std::int64_t s = strides_[i], k = rest % s + low_[i] - floor_divide(low_[i], s) * s + s * steps[i];
        at = at < 0 || k < 0 || k >= window_[i] ? -2 : at + k * scale;
        rest /= s;
      }
      out.push_back(static_cast<std::int32_t>(at));
    }
    return out;
  }

  // What the windows of a term give.
  ValueId given(ValueId source, const Dims& offsets) const {
    ValueId value = strided(b_, source, places_, Dims(rank(), 1), offsets, b_.number(out_.dtype, 0));
    if (term_.dtype != out_.dtype) value = b_.scalar_op(Op::convert, {value}, {term_.dtype, symbolic(places_), false});
    return b_.broadcast(value, spread_, place_axes_);
  }

  // Zero where they do not reach, or have chosen another element.
  ValueId masked(ValueId value, const std::vector<std::int32_t>& element, std::optional<ValueId> chosen,
                 const Dims& offsets) const {
    const auto by_rest = [&](const Array& a) {
      return rests_.empty() ? b_.constant(a) : b_.broadcast(b_.constant(a), spread_, rest_axes_);
    };
    const ValueId zero = b_.number(term_.dtype, 0);
    if (chosen) {
      const ValueId places = strided(b_, *chosen, places_, Dims(rank(), 1), offsets, b_.number(DType::i32, -1));
      const ValueId selected = b_.broadcast(places, spread_, place_axes_);
      const ValueId mine = by_rest(array_of(DType::i32, rests_, element));
      const ValueId hit = b_.scalar_op(Op::eq, {selected, mine}, term_.with_dtype(DType::bool_));
      return b_.scalar_op(Op::select, {hit, value, zero}, term_);
    }
    std::vector<std::uint8_t> reached;
    for (const std::int32_t k : element) reached.push_back(k >= 0);
    if (std::ranges::all_of(reached, [](std::uint8_t r) { return r != 0; })) return value;
    return b_.scalar_op(Op::select, {by_rest(array_of(DType::bool_, rests_, reached)), value, zero}, term_);
  }

  GraphBuilder& b_;
  const Aval out_;
  const Dims window_, strides_, low_;
  Dims first_, count_;                     // by axis: windows over an element, from which on and how many
  Dims places_, rests_, spread_, joined_;  // sizes of q, of r (strides of 1 aside), of both in turns, of stride * q + r
  Axes place_axes_, rest_axes_;            // of q and r in `spread_`
  std::int64_t terms_ = 1;
  Aval term_;
};

// Sums of windows over elements that lie apart (by a dilation of the base, or by a pad inside: gradients of strided
// sums): each sum has only the elements that windows of that stride would give to its place.
std::optional<ValueId> sum_of_distant(GraphBuilder& b, const Window& w, ValueId x, const Aval& out) {
  if (!all_are(w.window_strides, 1) || !all_are(w.window_dilation, 1)) return std::nullopt;
  ValueId source = x;
  Dims strides = w.base_dilation, low;
  for (std::size_t i = 0; i < strides.size(); ++i) low.push_back(w.window_dimensions[i] - 1 - w.padding[i].first);
  if (const auto it = b.notes.dilated.find(x); it != b.notes.dilated.end() && all_are(strides, 1)) {
    source = it->second.source;
    for (std::size_t i = 0; i < strides.size(); ++i) {
      const PadAxis& pad = it->second.config[i];
      const std::int64_t before = pad.low.value(), after = pad.high.value();
      if ((before < 0 && w.padding[i].first > 0) || (after < 0 && w.padding[i].second > 0))
        return std::nullopt;  // what was cut off would be back
      strides[i] = pad.interior.value() + 1;
      low[i] -= before;
    }
  }
  if (all_are(strides, 1)) return std::nullopt;
  return Spread(b, out, w.window_dimensions, strides, low).sum(source, std::nullopt);
}

// Windows as a movement, then a reduction over the axes inside them.
Rewriter reduction(Op op) {
  return [op](GraphBuilder& b, const GraphEquation& e) -> Rewritten {
    const Aval& out = e.out();
    const ValueId x = e.in[0];
    if (out.dtype == DType::bool_) return std::nullopt;
    const auto rank = static_cast<std::int64_t>(b.dims(x).size());
    const Window w = rules::complete_window(e.primitive.name(), e.params.get<Window>(), rank);
    if (op == Op::add)
      if (const auto v = sum_of_distant(b, w, x, out)) return v;
    if (!all_are(w.base_dilation, 1)) return std::nullopt;
    const ValueId outside = op == Op::add ? b.number(out.dtype, 0) : start_of(b, op, out.dtype);
    Dims spread = out.dims();
    spread.insert(spread.end(), w.window_dimensions.begin(), w.window_dimensions.end());
    const Aval wide{out.dtype, symbolic(spread), false};
    const ValueId windows = b.append(e.primitive, e.params, OpKind::windows, {x, outside}, wide);
    return b.reduce(op, windows, iota_axes(rank, rank));
  };
}

// Which element of each window is selected: its number, or -1 for windows in the padding alone. As the kernel, an
// element stays as long as it compares with those after it, so that a NaN never does.
ValueId selected_elements(GraphBuilder& b, ValueId x, Op stays_if, const Window& w, const Dims& places) {
  const Aval values{b.dtype(x), symbolic(places), false}, flags = values.with_dtype(DType::bool_),
                                                          numbers = values.with_dtype(DType::i32);
  const bool padded = std::ranges::any_of(w.padding, [](const auto& p) { return p.first > 0 || p.second > 0; });
  const ValueId zero = b.number(b.dtype(x), 0), inside = b.broadcast(b.number(DType::bool_, 0), b.dims(x), {}),
                outside = b.number(DType::bool_, 1);
  ValueId best = -1, chosen = -1;
  for_elements(w.window_dimensions, [&](std::int64_t k, Dims offsets) {
    for (std::size_t i = 0; i < offsets.size(); ++i) offsets[i] -= w.padding[i].first;
    const ValueId v = strided(b, x, places, w.window_strides, offsets, zero),
                  mine = b.number(DType::i32, static_cast<double>(k));
    const ValueId missing = padded ? strided(b, inside, places, w.window_strides, offsets, outside) : -1;
    if (k == 0) {
      best = v;
      chosen = padded ? b.scalar_op(Op::select, {missing, b.number(DType::i32, -1), mine}, numbers)
                      : b.broadcast(mine, places, {});
      return;
    }
    ValueId stays = b.scalar_op(stays_if, {best, v}, flags);
    if (padded) {
      stays = b.scalar_op(Op::bit_and, {stays, b.scalar_op(Op::ge, {chosen, b.number(DType::i32, 0)}, flags)}, flags);
      stays = b.scalar_op(Op::bit_or, {stays, missing}, flags);
    }
    best = b.scalar_op(Op::select, {stays, best, v}, values);
    chosen = b.scalar_op(Op::select, {stays, chosen, mine}, numbers);
  });
  return b.in_memory(chosen, true);
}

// Both selections as plain elementwise operations on the elements of a window; null for large ones and dilated bases.
Rewritten select_and_scatter(GraphBuilder& b, const GraphEquation& e) {
  if (e.out().dtype == DType::bool_ || b.dtype(e.in[0]) != b.dtype(e.in[1])) return std::nullopt;
  const SelectAndScatter& s = e.params.get<SelectAndScatter>();
  const auto rank = static_cast<std::int64_t>(b.dims(e.in[1]).size());
  const Window w =
      rules::complete_window(e.primitive.name(), {s.window_dimensions, s.window_strides, s.padding, {}, {}}, rank);
  if (num_elements(w.window_dimensions) > kMostElements) return std::nullopt;
  Dims low;
  for (const auto& p : w.padding) low.push_back(p.first);
  const Op stays_if = s.select_prim == "ge" ? Op::ge : Op::le;
  const ValueId chosen = selected_elements(b, e.in[1], stays_if, w, b.dims(e.in[0]));
  return Spread(b, e.out(), w.window_dimensions, w.window_strides, low).sum(e.in[0], chosen);
}

Rewritten select_and_gather(GraphBuilder& b, const GraphEquation& e) {
  const Aval& out = e.out();
  if (out.dtype == DType::bool_ || b.dtype(e.in[0]) != b.dtype(e.in[1])) return std::nullopt;
  const SelectAndGather& s = e.params.get<SelectAndGather>();
  const auto rank = static_cast<std::int64_t>(b.dims(e.in[1]).size());
  const Window w = rules::complete_window(
      e.primitive.name(), {s.window_dimensions, s.window_strides, s.padding, s.base_dilation, s.window_dilation}, rank);
  if (num_elements(w.window_dimensions) > kMostElements || !all_are(w.base_dilation, 1)) return std::nullopt;
  const bool largest = s.select_prim == "ge";
  const Aval flags = out.with_dtype(DType::bool_);
  const ValueId start = start_of(b, largest ? Op::max : Op::min, out.dtype), zero = b.number(out.dtype, 0);
  ValueId best = b.broadcast(start, out.dims(), {}), tangent = b.broadcast(zero, out.dims(), {});
  for_elements(w.window_dimensions, [&](std::int64_t, Dims offsets) {
    for (std::size_t i = 0; i < offsets.size(); ++i)
      offsets[i] = offsets[i] * w.window_dilation[i] - w.padding[i].first;
    const ValueId v = strided(b, e.in[1], out.dims(), w.window_strides, offsets, start);
    ValueId take = b.scalar_op(largest ? Op::gt : Op::lt, {v, best}, flags);
    if (is_floating(out.dtype)) take = b.scalar_op(Op::bit_or, {take, b.scalar_op(Op::ne, {v, v}, flags)}, flags);
    best = b.scalar_op(Op::select, {take, v, best}, out);
    const ValueId here = strided(b, e.in[0], out.dims(), w.window_strides, offsets, zero);
    tangent = b.scalar_op(Op::select, {take, here, tangent}, out);
  });
  return tangent;
}

}  // namespace

void append_window_rewrites(RewriteTable& t) {
  const std::pair<Primitive, Rewriter> rows[] = {{reduce_window_sum_p(), reduction(Op::add)},
                                                 {reduce_window_max_p(), reduction(Op::max)},
                                                 {reduce_window_min_p(), reduction(Op::min)},
                                                 {select_and_scatter_add_p(), select_and_scatter},
                                                 {select_and_gather_add_p(), select_and_gather}};
  for (const auto& [p, rewriter] : rows) t.set(Turn::loops, p, rewriter);
}

}  // namespace tf2jax::compiler
