// How calls, conditionals and loops are written.
#include "tf2jax/stablehlo/internal/emitter.h"

#include "tf2jax/control/cond.h"
#include "tf2jax/control/reduce_program.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/checkpoint.h"
#include "tf2jax/transforms/jit_primitive.h"

#include <limits>

namespace tf2jax::stablehlo {
namespace {

ValueIds part(const ValueIds& values, std::size_t from, std::size_t count) {
  return {values.begin() + static_cast<std::ptrdiff_t>(from),
          values.begin() + static_cast<std::ptrdiff_t>(from + count)};
}
ValueIds joined(ValueIds a, const ValueIds& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
ValueId number(Emitter& out, std::int32_t v) {
  return out.constant(detail::exact_array(Aval{DType::i32, {}, false}, std::as_bytes(std::span(&v, 1))));
}
const Aval kCounter = size_type();

// Primitives that are nothing but a call of a program.
ValueIds call_w(const Emission& e) {
  const Jaxpr* program = e.primitive.rules().called(e.params);
  return e.out.call(e.primitive.name(), *program, e.operands);
}

// Whether the index was clamped from 0 on, or is a bool.
bool is_never_negative(const Emitter& out, ValueId index) {
  const Op* op = out.maker(index);
  if (!op || op->operands.empty()) return false;
  if (op->name == "convert") return out.type_of(op->operands[0])->element == "i1";
  const Op* least = op->name == "clamp" ? out.maker(op->operands[0]) : nullptr;
  const Attr* value = least && least->name == "constant" ? least->find("value") : nullptr;
  return value && value->text.find_first_not_of('\0') == std::string::npos;
}

// Indices are clamped here, where StableHLO takes the last branch.
ValueIds cond_w(const Emission& e) {
  const auto& p = e.params.get<CondParams>();
  const auto last = static_cast<std::int32_t>(p.branches.size() - 1);
  const ValueIds captured = part(e.operands, 1, e.operands.size() - 1);
  ValueId index = e.operands[0];
  if (!is_never_negative(e.out, index))
    index = e.out.op1("clamp", {number(e.out, 0), index, number(e.out, last)}, e.inputs[0]);
  std::vector<Region> regions;
  for (const Jaxpr& branch : p.branches)
    regions.push_back(e.out.region({}, [&](const ValueIds&) { return e.out.inlined(branch, captured); }));
  return e.out.op("case", {index}, types_of(e.outputs), {}, std::move(regions));
}

// A predicate for each example: whether any goes on, and carries that only those that do replace.
ValueIds any_of(Emitter& out, const Aval& running, const ValueIds& values) {
  return out.expanded([](const Arrays& xs) { return Arrays{reduce_or(xs[0], iota_axes(xs[0].rank()))}; }, {running},
                      values);
}
ValueIds where_running(const Emission& e, const Aval& running, ValueId flag, const ValueIds& next,
                       const ValueIds& carry) {
  ValueIds out;
  for (std::size_t i = 0; i < next.size(); ++i) {
    const FlatFn chosen = [](const Arrays& xs) {
      const Array flags = broadcast_in_dim(xs[0], xs[1].shape(), iota_axes(xs[0].rank()));
      return Arrays{select(flags, xs[1], xs[2])};
    };
    out.push_back(e.out.expanded(chosen, {running, e.outputs[i], e.outputs[i]}, {flag, next[i], carry[i]})[0]);
  }
  return out;
}

ValueIds while_w(const Emission& e) {
  const auto& p = e.params.get<WhileParams>();
  const auto c = as_index(p.cond_nconsts), b = as_index(p.body_nconsts);
  const ValueIds cond_consts = part(e.operands, 0, c), body_consts = part(e.operands, c, b),
                 carry = part(e.operands, c + b, e.operands.size() - c - b);
  const Aval running = p.cond_jaxpr.output_avals().at(0).strong();
  const bool batched = running.rank() > 0;
  Region test = e.out.region(e.outputs, [&](const ValueIds& xs) {
    const ValueIds flags = e.out.inlined(p.cond_jaxpr, joined(cond_consts, xs));
    return batched ? any_of(e.out, running, flags) : flags;
  });
  Region step = e.out.region(e.outputs, [&](const ValueIds& xs) {
    const ValueIds next = e.out.inlined(p.body_jaxpr, joined(body_consts, xs));
    if (!batched) return next;
    return where_running(e, running, e.out.inlined(p.cond_jaxpr, joined(cond_consts, xs))[0], next, xs);
  });
  std::vector<Region> regions;
  regions.push_back(std::move(test));
  regions.push_back(std::move(step));
  return e.out.op("while", carry, types_of(e.outputs), {}, std::move(regions));
}

Aval sliced(const Aval& a) { return {a.dtype, Shape(a.shape.begin() + 1, a.shape.end()), false}; }
Aval with_one(const Aval& a) {
  Shape shape = a.shape;
  shape[0] = Dim(1);
  return {a.dtype, shape, false};
}

// A scan on its way: the position is the first carried value, the stacked results are the last ones.
class ScanWriter {
 public:
  ScanWriter(const Emission& e, const ScanParams& p)
      : e_(e),
        p_(p),
        consts_(as_index(p.num_consts)),
        carry_(as_index(p.num_carry)),
        xs_(e.operands.size() - consts_ - carry_),
        ys_(e.outputs.size() - carry_) {}

  ValueIds write() const {
    Emitter& out = e_.out;
    ValueIds start{number(out, 0)};
    Avals types{kCounter};
    for (std::size_t i = 0; i < carry_; ++i) {
      start.push_back(e_.operands[consts_ + i]);
      types.push_back(e_.outputs[i].strong());
    }
    for (std::size_t i = 0; i < ys_; ++i) {
      const Aval y = e_.outputs[carry_ + i].strong();
      start.push_back(out.expanded([&](const Arrays&) { return Arrays{zeros_of(y)}; }, {}, {})[0]);
      types.push_back(y);
    }
    if (p_.length == 0) return part(start, 1, start.size() - 1);  // there is no element that a step could read
    check<NotImplementedError>(p_.length <= std::numeric_limits<std::int32_t>::max(),
                               "stablehlo: a scan of this length cannot be written. Got {}; expected at most {}.",
                               p_.length, std::numeric_limits<std::int32_t>::max());
    Region test = out.region(types, [&](const ValueIds& v) { return ValueIds{test_of(v[0])}; });
    Region step = out.region(types, [&](const ValueIds& v) { return step_of(v); });
    std::vector<Region> regions;
    regions.push_back(std::move(test));
    regions.push_back(std::move(step));
    const ValueIds all = out.op("while", start, types_of(types), {}, std::move(regions));
    return part(all, 1, all.size() - 1);
  }

 private:
  ValueId test_of(ValueId i) const {
    return e_.out.op1("compare", {i, number(e_.out, static_cast<std::int32_t>(p_.length))}, {DType::bool_, {}, false},
                      {{"compare_type", string_attribute("SIGNED")}, {"comparison_direction", string_attribute("LT")}});
  }
  ValueIds starts(ValueId at, std::size_t rank) const {
    ValueIds out{at};
    for (std::size_t i = 1; i < rank; ++i) out.push_back(number(e_.out, 0));
    return out;
  }
  ValueIds step_of(const ValueIds& v) const {
    Emitter& out = e_.out;
    ValueId at = v[0];
    if (p_.reverse) at = out.op1("subtract", {number(out, static_cast<std::int32_t>(p_.length - 1)), v[0]}, kCounter);
    ValueIds arguments = joined(part(e_.operands, 0, consts_), part(v, 1, carry_));
    for (std::size_t i = 0; i < xs_; ++i) {
      const Aval& x = e_.inputs[consts_ + carry_ + i];
      const ValueId slice =
          out.dynamic_slice(e_.operands[consts_ + carry_ + i], x.shape, starts(at, x.shape.size()), with_one(x));
      arguments.push_back(out.reshape(slice, sliced(x)));
    }
    const ValueIds results = out.inlined(p_.jaxpr, arguments);
    ValueIds next{out.op1("add", {v[0], number(out, 1)}, kCounter)};
    for (std::size_t i = 0; i < carry_; ++i) next.push_back(results[i]);
    for (std::size_t i = 0; i < ys_; ++i) {
      const Aval& y = e_.outputs[carry_ + i];
      const ValueId row = out.reshape(results[carry_ + i], with_one(y));
      next.push_back(
          out.op1("dynamic_update_slice", joined({v[1 + carry_ + i], row}, starts(at, y.shape.size())), y.strong()));
    }
    return next;
  }

  const Emission& e_;
  const ScanParams& p_;
  const std::size_t consts_, carry_, xs_, ys_;
};

}  // namespace

void add_control_writers(Writers& t) {
  for (const char* primitive : {"custom_jvp_call", "custom_vjp_call", "mhlo_apply"}) t[primitive] = call_w;
  t["jit"] = [](const Emission& e) {
    const auto& p = e.params.get<JitParams>();
    return e.out.call(p.name, p.jaxpr, e.operands);
  };
  t["remat2"] = [](const Emission& e) {
    return e.out.call("checkpoint", e.params.get<CheckpointParams>().jaxpr, e.operands);
  };
  t["cond"] = cond_w;
  t["while"] = while_w;
  t["scan"] = [](const Emission& e) { return ScanWriter(e, e.params.get<ScanParams>()).write(); };
}

}  // namespace tf2jax::stablehlo
