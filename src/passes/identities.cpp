// Equations that give an operand as it is.
#include "tf2jax/passes/identities.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

namespace {

// Asked where operand 0 has the type of the result; `number(i, x)` whether operand i is the scalar x.
using Rule = bool (*)(const TypedEquation& e, const IsNumber& number);

constexpr auto kAlways = [](const TypedEquation&, const IsNumber&) { return true; };
template <int kNumber>
constexpr auto kSecondIs = [](const TypedEquation&, const IsNumber& number) { return number(1, kNumber); };

// Of floats -0 + 0 is 0.
constexpr auto kAddsZero = [](const TypedEquation& e, const IsNumber& number) {
  return is_integer(e.results[0].dtype) && number(1, 0);
};

bool whole_slice(const TypedEquation& e, const IsNumber&) {
  const auto& strides = e.params.get<SliceParams>().strides;
  return !strides || std::ranges::all_of(*strides, [](std::int64_t s) { return s == 1; });
}
bool no_padding(const TypedEquation& e, const IsNumber&) {
  return std::ranges::all_of(e.params.get<PadParams>().padding_config, [](const PadAxis& a) {
    return identical(a.low, Dim(0)) && identical(a.high, Dim(0)) && identical(a.interior, Dim(0));
  });
}
bool in_order(const Axes& permutation) { return std::ranges::is_sorted(permutation); }

const std::unordered_map<const void*, Rule>& table() {
  static const std::unordered_map<const void*, Rule> rows{
      {mul_p().id(), kSecondIs<1>},
      {div_p().id(), kSecondIs<1>},
      {add_p().id(), kAddsZero},
      {sub_p().id(), kAddsZero},
      {or_p().id(), kSecondIs<0>},
      {xor_p().id(), kSecondIs<0>},
      {shift_left_p().id(), kSecondIs<0>},
      {shift_right_logical_p().id(), kSecondIs<0>},
      {shift_right_arithmetic_p().id(), kSecondIs<0>},
      {integer_pow_p().id(), [](const TypedEquation& e, const IsNumber&) { return e.params.get<IntegerPow>().y == 1; }},
      {convert_element_type_p().id(), kAlways},
      {broadcast_in_dim_p().id(), kAlways},
      {squeeze_p().id(), kAlways},
      {concatenate_p().id(), [](const TypedEquation& e, const IsNumber&) { return e.operands.size() == 1; }},
      {reshape_p().id(),
       [](const TypedEquation& e, const IsNumber&) {
         const auto& order = e.params.get<ReshapeParams>().dimensions;
         return !order || in_order(*order);
       }},
      {transpose_p().id(),
       [](const TypedEquation& e, const IsNumber&) { return in_order(e.params.get<TransposeParams>().permutation); }},
      {slice_p().id(), whole_slice},
      {pad_p().id(), no_padding},
  };
  return rows;
}

bool commutes(const Primitive& p) { return p == mul_p() || p == add_p() || p == or_p() || p == xor_p(); }

}  // namespace

bool is_scalar_number(const Array& a, double x) {
  if (!a.is_concrete() || a.rank() != 0 || !(is_bool(a.dtype()) || is_integer(a.dtype()) || is_floating(a.dtype())))
    return false;
  const double value = a.item<double>();
  return value == x && std::signbit(value) == std::signbit(x);
}

bool has_identity(const Primitive& primitive) { return table().contains(primitive.id()); }

std::optional<std::size_t> equal_operand(const TypedEquation& e, const IsNumber& is_number) {
  const auto row = table().find(e.primitive.id());
  if (row == table().end() || e.results.size() != 1) return std::nullopt;
  const auto has_type = [&](std::size_t k) { return e.operands[k] == e.results[0]; };
  if (has_type(0) && row->second(e, is_number)) return 0;
  if (!commutes(e.primitive) || !has_type(1)) return std::nullopt;
  const IsNumber swapped = [&](std::size_t i, double x) { return is_number(1 - i, x); };
  return row->second(e, swapped) ? std::optional<std::size_t>(1) : std::nullopt;
}

Jaxpr drop_identities(const Jaxpr& jaxpr) {
  const JaxprData& j = *jaxpr;
  JaxprData out = j;
  out.memo = std::make_shared<JaxprMemo>();
  out.eqns.clear();
  std::vector<Atom> now(j.vars.size());
  for (std::size_t v = 0; v < now.size(); ++v) now[v] = Atom::of(static_cast<VarId>(v));
  Arrays known(j.vars.size());
  for (std::size_t i = 0; i < j.constvars.size(); ++i) known[j.constvars[i]] = j.consts[i];
  const auto rename = [&](Atom& a) {
    if (!a.is_literal()) a = now[a.var];
  };
  for (Equation e : j.eqns) {
    std::ranges::for_each(e.inputs, rename);
    Avals operands, results;
    for (const Atom& a : e.inputs) operands.push_back(jaxpr.aval(a));
    for (const VarId v : e.outputs) results.push_back(j.vars[v]);
    const auto is_number = [&](std::size_t i, double x) {
      const Array value = e.inputs[i].is_literal() ? e.inputs[i].literal : known[e.inputs[i].var];
      return value.has_value() && is_scalar_number(value, x);
    };
    if (const auto k = equal_operand({e.primitive, e.params, operands, results}, is_number))
      now[e.outputs[0]] = e.inputs[*k];
    else out.eqns.push_back(std::move(e));
  }
  std::ranges::for_each(out.outs, rename);
  return Jaxpr(std::move(out));
}

}  // namespace tf2jax
