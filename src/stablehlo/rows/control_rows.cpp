// Calls, composites, conditionals and loops.
#include "tf2jax/stablehlo/internal/composites.h"
#include "tf2jax/stablehlo/internal/loops.h"
#include "tf2jax/stablehlo/internal/table.h"

#include "tf2jax/control/cond.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"

#include <fmt/format.h>

namespace tf2jax::stablehlo {
namespace {

Arrays call_row(Call& c) {
  const Module& module = c.translator.module();
  return c.translator.call(module.function(c.text("callee")), c.args);
}

Arrays composite_row(Call& c) {
  if (auto known = known_composite(c)) return *std::move(known);
  return c.translator.call(c.translator.module().function(c.text("decomposition")), c.args);
}

// Whether the index was made by a clamp to what is not negative, or from a bool. Ours is clamped to the last branch.
bool is_never_negative(const Call& c) {
  const auto op = c.producer(0);
  if (!op || op->operands.empty()) return false;
  const ValueId first = op->operands[0];
  if (op->name == "convert") return c.frame.function.types[as_index(first)]->element == "i1";
  const Array& least = c.frame.values[as_index(first)];
  return op->name == "clamp" && least.is_concrete() && least.rank() == 0 && integer_values(least)[0] >= 0;
}

// The last branch is taken for every index that is out of range, also for negative ones.
Array in_range(const Call& c, std::size_t branches) {
  const auto last = static_cast<std::int32_t>(branches - 1);
  const auto number = [](std::int32_t v) {
    return detail::exact_array(Aval{DType::i32, {}, false}, std::as_bytes(std::span(&v, 1)));
  };
  if (is_never_negative(c)) return c[0];
  return select(lt_p().bind1({c[0], number(0)}), number(last), c[0]);
}

Arrays case_row(Call& c) {
  c.expect_operands(1, 1);
  const std::size_t branches = c.op.regions.size();
  if (branches == 0) c.fail("it has no branches.");
  if (c[0].dtype() != DType::i32 || c[0].rank() != 0) c.fail("its index must be an i32 scalar.");
  if (c[0].is_concrete()) {
    const auto i = as_index(c[0].item<std::int32_t>());
    return c.body(i < branches ? i : branches - 1)({});
  }
  if (branches == 1) return c.body(0)({});
  std::vector<FlatFn> functions;
  for (std::size_t i = 0; i < branches; ++i) functions.push_back(c.body(i));
  return switch_flat(in_range(c, branches), functions, {});
}

Arrays if_row(Call& c) {
  c.expect_operands(1, 1);
  if (c[0].dtype() != DType::bool_ || c[0].rank() != 0) c.fail("its predicate must be a bool scalar.");
  if (c[0].is_concrete()) return c.body(c[0].item<bool>() ? 0 : 1)({});
  return cond_flat(c[0], c.body(0), c.body(1), {});
}

// Loops of a known number of steps are scans.
Arrays while_row(Call& c) {
  if (c.op.regions.size() != 2) c.fail("it must have two regions.");
  if (const auto trips = trip_count(c)) return scan_flat(c.body(1), c.args, {}, *trips);
  return while_flat(c.body(0), c.body(1), c.args);
}

Arrays token(Call&) { return {zeros({0}, DType::bool_)}; }

constexpr OpRow kRows[] = {
    {"call", nullptr, call_row},   {"composite", nullptr, composite_row}, {"case", cond_p, case_row},
    {"if", nullptr, if_row},       {"while", while_p, while_row},         {"sort", sort_p, sort_row},
    {"after_all", nullptr, token}, {"create_token", nullptr, token},
};

}  // namespace

std::span<const OpRow> control_rows() { return kRows; }

}  // namespace tf2jax::stablehlo
