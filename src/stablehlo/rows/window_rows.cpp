// Reductions of sliding windows, running reductions among them, and what differentiates maxima of windows.
#include "tf2jax/stablehlo/internal/region_kind.h"
#include "tf2jax/stablehlo/internal/table.h"
#include "tf2jax/stablehlo/internal/windows.h"

#include "tf2jax/base/config.h"
#include "tf2jax/control/reduce_program.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/window.h"

#include <fmt/format.h>

#include <optional>

namespace tf2jax::stablehlo {
namespace {

// log(exp(x) + exp(y)) without overflow, as JAX writes it.
constexpr std::string_view kLogSumExp =
    "maximum(a0,a1);subtract(a0,a1);compare.NE(r1,r1);add(a0,a1);abs(r1);negate(r4);exponential(r5);log_plus_one(r6);"
    "add(r0,r7);select(r2,r3,r8);return(r9)";
// The larger (GE) or smaller (LE) key of two, and what goes with it.
constexpr std::string_view kSelect = "compare.{0}(a0,a2);select(r0,a0,a2);select(r0,a1,a3);return(r1,r2)";

// A window over all of one axis, padded on one side only, is a running reduction.
struct Running {
  std::int64_t axis;
  bool reverse;
};
std::optional<Running> running_axis(const Array& x, const Window& w) {
  std::optional<Running> found;
  for (std::size_t i = 0; i < w.window_dimensions.size(); ++i) {
    if (w.window_strides[i] != 1 || w.base_dilation[i] != 1 || w.window_dilation[i] != 1) return std::nullopt;
    const auto size = w.window_dimensions[i];
    const auto [low, high] = w.padding[i];
    if (size == 1 && low == 0 && high == 0) continue;
    if (found || !identical({x.shape()[i]}, {Dim(size)})) return std::nullopt;
    if (low == size - 1 && high == 0) found = {static_cast<std::int64_t>(i), false};
    else if (low == 0 && high == size - 1) found = {static_cast<std::int64_t>(i), true};
    else return std::nullopt;
  }
  return found;
}

std::optional<Array> run_along(Combiner how, const Array& x, const Running& r) {
  const Cumulative p{r.axis, r.reverse};
  switch (how) {
    case Combiner::add: return cumsum_p().bind1({x}, p);
    case Combiner::multiply: return cumprod_p().bind1({x}, p);
    case Combiner::maximum: return cummax_p().bind1({x}, p);
    case Combiner::minimum: return cummin_p().bind1({x}, p);
    default: return std::nullopt;
  }
}

std::optional<Array> reduce_by(Combiner how, const Array& x, const Window& w) {
  switch (how) {
    case Combiner::add: return reduce_window_sum_p().bind1({x}, w);
    case Combiner::maximum: return reduce_window_max_p().bind1({x}, w);
    case Combiner::minimum: return reduce_window_min_p().bind1({x}, w);
    default: return std::nullopt;
  }
}

// Each result costs an element of its window.
void check_work(const Array& x, const Window& w) {
  double work = 1;
  const Shape out = rules::window_shape("reduce_window", x.shape(), w);
  for (std::size_t i = 0; i < out.size(); ++i)
    work *= static_cast<double>(out[i].value()) * static_cast<double>(w.window_dimensions[i]);
  check<ResourceExhaustedError>(work <= static_cast<double>(config().max_array_elements),
                                "stablehlo: windows are more work than Config::max_array_elements allows. Got {} "
                                "elements in all; expected at most {}.",
                                work, config().max_array_elements);
}

}  // namespace

Arrays reduce_windows(const Module& module, const Region& region, const FlatFn& body, const Arrays& args,
                      const Window& given) {
  const std::size_t n = args.size() / 2;
  const Array& x = args[0];
  const Window w = rules::complete_window("reduce_window", given, x.rank());
  const std::string text = signature(module, region);
  if (n == 1) {
    const auto running = running_axis(x, w);
    const Combiner how = combiner_of(module, region, x.dtype());
    if (running && is_identity(how, args[1]))
      if (const auto y = run_along(how, x, *running)) return {*y};
    if (running && text == kLogSumExp && is_identity(Combiner::maximum, args[1]))
      return {cumlogsumexp_p().bind1({x}, Cumulative{running->axis, running->reverse})};
    check_work(x, w);
    if (const auto y = reduce_by(how, x, w)) return {is_identity(how, args[1]) ? *y : combine(how, *y, args[1])};
  }
  check_work(x, w);
  const std::span<const Array> all(args);
  Arrays out = reduce_window(all.first(n), all.subspan(n), body, w);
  const bool largest = text == fmt::format(kSelect, "GE"), smallest = text == fmt::format(kSelect, "LE");
  if (n == 2 && (largest || smallest) && is_identity(largest ? Combiner::maximum : Combiner::minimum, args[2]) &&
      is_identity(Combiner::add, args[3]))
    out[1] = select_and_gather_add_p().bind1(
        {args[1], x}, SelectAndGather{largest ? "ge" : "le", w.window_dimensions, w.window_strides, w.padding,
                                      w.base_dilation, w.window_dilation});
  return out;
}

namespace {

Arrays reduce_window_row(Call& c) {
  if (c.args.size() < 2 || c.args.size() % 2 != 0) c.fail("its operands must be values and as many initial values.");
  const Window w{c.integers("window_dimensions"), c.integers_or("window_strides", {}),
                 c.has("padding") ? Padding(c.pairs("padding")) : Padding{}, c.integers_or("base_dilations", {}),
                 c.integers_or("window_dilations", {})};
  return reduce_windows(c.translator.module(), c.region(0), c.body(0), c.args, w);
}

// The gradient of a maximum (minimum) of windows.
Arrays select_and_scatter_row(Call& c) {
  c.expect_operands(3, 3);
  const Module& module = c.translator.module();
  const std::string select = signature(module, c.region(0));
  const Combiner scatter = combiner_of(module, c.region(1), c[0].dtype());
  const bool largest = select == "compare.GE(a0,a1);return(r0)", smallest = select == "compare.LE(a0,a1);return(r0)";
  const bool adds = scatter == Combiner::add || (is_bool(c[0].dtype()) && scatter == Combiner::or_);
  check<NotImplementedError>((largest || smallest) && adds && is_identity(scatter, c[2]),
                             "stablehlo: operation 'select_and_scatter' at {} is supported where GE or LE select and "
                             "zero is added to. Got '{}'.",
                             c.op.offset, select);
  SelectAndScatter p;
  p.select_prim = largest ? "ge" : "le";
  const Window w = rules::complete_window("select_and_scatter",
                                          {c.integers("window_dimensions"),
                                           c.integers_or("window_strides", {}),
                                           c.has("padding") ? Padding(c.pairs("padding")) : Padding{},
                                           {},
                                           {}},
                                          c[0].rank());
  p.window_dimensions = w.window_dimensions;
  p.window_strides = w.window_strides;
  p.padding = w.padding;
  return {select_and_scatter_add_p().bind1({c[1], c[0]}, p)};
}

constexpr OpRow kRows[] = {
    {"reduce_window", reduce_window_p, reduce_window_row},
    {"select_and_scatter", select_and_scatter_add_p, select_and_scatter_row},
};

}  // namespace

std::span<const OpRow> window_rows() { return kRows; }

}  // namespace tf2jax::stablehlo
