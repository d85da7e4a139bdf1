// Custom calls that tell compilers something, check shapes, or stand for operations of their own.
#include "tf2jax/stablehlo/internal/region_kind.h"
#include "tf2jax/stablehlo/internal/table.h"
#include "tf2jax/stablehlo/internal/windows.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"

#include <fmt/format.h>

namespace tf2jax::stablehlo {
namespace {

Arrays custom_call_row(Call& c) {
  const std::string& target = c.text("call_target_name");
  if (const ReadOp known = find_custom_call(target)) return known(c);
  const auto& given = c.translator.options().custom_calls;
  const auto it = given.find(target);
  check<NotImplementedError>(it != given.end(), "stablehlo: custom call '{}' is not supported.", target);
  const Attr* config = c.op.find("backend_config");
  if (!config || (config->kind == Attr::Kind::string && config->text.empty())) {
    for (const char* name : {"mhlo.backend_config", "tf.backend_config"})
      if (const Attr* other = c.op.find(name)) config = other;
  }
  Avals results;
  for (std::size_t i = 0; i < c.op.results.size(); ++i) {
    Shape shape;
    for (const auto d : c.result_type(i).dims) shape.emplace_back(d == kDynamic ? -1 : d);
    results.push_back({c.result_dtype(i), std::move(shape), false});
  }
  return it->second(target, config, c.args, results);
}

// There is one device.
Arrays same(Call& c) { return c.args; }
Arrays nothing(Call&) { return {}; }

// "… {0} …" with the operands after the condition.
std::string with_numbers(std::string text, const Call& c) {
  for (std::size_t i = 1; i < c.args.size(); ++i) {
    const std::string place = fmt::format("{{{}}}", i - 1), number = fmt::format("{}", c.known_number(i));
    for (auto at = text.find(place); at != std::string::npos; at = text.find(place, at + number.size()))
      text.replace(at, place.size(), number);
  }
  return text;
}

Arrays shape_assertion(Call& c) {
  if (c.args.empty()) c.fail("it has no condition.");
  if (!c.translator.options().check_shapes || c.known_number(0) != 0) return {};
  const Attr* message = c.op.find("error_message");
  throw ValueError(with_numbers(
      message ? message->text : "stablehlo: a shape assertion of the module does not hold. Expected other sizes.", c));
}

const Attr* setting(const Call& c, std::string_view name) {
  for (const char* dictionary : {"mhlo.backend_config", "backend_config"})
    if (const Attr* all = c.op.find(dictionary))
      if (const Attr* a = all->find(name)) return a;
  return nullptr;
}

// Whether the larger of two comes first, by the function that a custom call names.
bool takes_largest(const Call& c) {
  const Attr* called = c.op.find("called_computations");
  if (!called || called->items.size() != 1) c.fail("it has no comparator.");
  const Module& module = c.translator.module();
  const std::string text = signature(module, module.function(called->items[0]->text).body);
  if (text.starts_with("compare.GT(a0,a1);return(r0)") || text.starts_with("compare.GT.total(a0,a1);return(r0)"))
    return true;
  if (!text.starts_with("compare.LT(a0,a1);return(r0)") && !text.starts_with("compare.LT.total(a0,a1);return(r0)"))
    c.fail("its comparator is not known.");
  return false;
}

Arrays approximate_top_k(Call& c) {
  c.expect_operands(4, 4);
  const Attr *k = setting(c, "top_k"), *axis = setting(c, "reduction_dim"), *all = setting(c, "aggregate_to_topk"),
             *recall = setting(c, "recall_target"), *size = setting(c, "reduction_input_size_override");
  if (!k || !axis || !recall) c.fail("its backend_config has no 'top_k', 'reduction_dim' or 'recall_target'.");
  ApproxTopK p;
  p.k = k->integer;
  p.reduction_dimension = axis->integer;
  p.recall_target = recall->real;
  p.aggregate_to_topk = !all || all->integer != 0;
  p.is_max_k = takes_largest(c);
  if (size) p.reduction_input_size_override = size->integer;
  const auto positions = c.producer(1);
  const bool counted = positions && (positions->name == "iota" || positions->name == "dynamic_iota");
  check<NotImplementedError>(counted, "stablehlo: custom call 'ApproxTopK' at {} is supported for positions only.",
                             c.op.offset);
  return approx_top_k_p().bind({c[0]}, p);
}

Arrays threefry(Call& c) {
  c.expect_operands(4, 5);
  return threefry2x32_p().bind(std::span(c.args).first(4));
}

constexpr CustomCallRow kRows[] = {
    {"Sharding", same},
    {"SPMDFullToShardShape", same},
    {"SPMDShardToFullShape", same},
    {"annotate_device_placement", same},
    {"LayoutConstraint", same},
    {"xla.sdy.FuncResultSharding", same},
    {"shape_assertion", shape_assertion},
    {"ApproxTopK", approximate_top_k},
    {"cu_threefry2x32_ffi", threefry},
    {"hip_threefry2x32_ffi", threefry},
};

constexpr OpRow kOps[] = {
    {"custom_call", nullptr, custom_call_row},
    {"sdy.sharding_constraint", nullptr, same},
    {"sdy.mesh", nullptr, nothing},
    {"builtin.unrealized_conversion_cast", nullptr, same},
};

}  // namespace

std::span<const CustomCallRow> compiler_calls() { return kRows; }
std::span<const OpRow> custom_call_rows() { return kOps; }

}  // namespace tf2jax::stablehlo
