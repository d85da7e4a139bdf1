// Reductions over axes: by the primitives that have names, or by the region.
#include "tf2jax/stablehlo/internal/region_kind.h"
#include "tf2jax/stablehlo/internal/table.h"

#include "tf2jax/control/reduce_program.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

#include <fmt/format.h>

#include <optional>

namespace tf2jax::stablehlo {
namespace {

std::optional<Array> reduce_by(Combiner c, const Array& x, const Axes& axes) {
  switch (c) {
    case Combiner::add: return reduce_sum_p().bind1({x}, ReduceAxes{axes});
    case Combiner::maximum: return reduce_max_p().bind1({x}, ReduceAxes{axes});
    case Combiner::minimum: return reduce_min_p().bind1({x}, ReduceAxes{axes});
    case Combiner::multiply: return reduce_prod(x, axes);
    case Combiner::and_: return reduce_and(x, axes);
    case Combiner::or_: return reduce_or(x, axes);
    case Combiner::xor_: return reduce_xor(x, axes);
    default: return std::nullopt;
  }
}

// JAX's search for the place of the largest (GT) or smallest (LT) element: NaN wins, then the first of equal ones.
constexpr std::string_view kFirstPlace =
    "compare.{0}(a0,a2);compare.NE(a0,a0);or(r0,r1);compare.EQ(a0,a2);compare.LT(a1,a3);and(r3,r4);or(r2,r5);"
    "select(r2,a0,a2);select(r6,a1,a3);return(r7,r8)";

// The search over positions along the one axis that is reduced.
std::optional<Arrays> first_place(const Call& c, const std::string& body, const Axes& axes) {
  if (c.args.size() != 4 || axes.size() != 1 || c[0].shape()[as_index(axes[0])].value() == 0) return std::nullopt;
  const bool largest = body == fmt::format(kFirstPlace, "GT");
  if (!largest && body != fmt::format(kFirstPlace, "LT")) return std::nullopt;
  const auto positions = c.producer(1);
  const Attr* along = positions && positions->name == "iota" ? positions->find("iota_dimension") : nullptr;
  if (!along || integers_of(*along) != axes) return std::nullopt;
  if (!is_identity(largest ? Combiner::maximum : Combiner::minimum, c[2]) || !is_identity(Combiner::add, c[3]))
    return std::nullopt;
  const Primitive& place = largest ? argmax_p() : argmin_p();
  const Primitive& value = largest ? reduce_max_p() : reduce_min_p();
  return Arrays{value.bind1({c[0]}, ReduceAxes{axes}), place.bind1({c[0]}, ArgReduce{axes, c[1].dtype()})};
}

Arrays reduce_row(Call& c) {
  if (c.args.size() < 2 || c.args.size() % 2 != 0) c.fail("its operands must be values and as many initial values.");
  const std::size_t n = c.args.size() / 2;
  const Axes axes = normalize_axes(c.integers("dimensions"), c[0].rank(), "reduce");
  const Module& module = c.translator.module();
  if (n == 1) {
    const Combiner how = combiner_of(module, c.region(0), c[0].dtype());
    if (const auto reduced = reduce_by(how, c[0], axes))
      return {is_identity(how, c[1]) ? *reduced : combine(how, *reduced, c[1])};
  }
  if (auto found = first_place(c, signature(module, c.region(0)), axes)) return *std::move(found);
  const std::span<const Array> all(c.args);
  return reduce(all.first(n), all.subspan(n), c.body(0), axes);
}

constexpr OpRow kRows[] = {
    {"reduce", reduce_p, reduce_row},
};

}  // namespace

std::span<const OpRow> reduction_rows() { return kRows; }

}  // namespace tf2jax::stablehlo
