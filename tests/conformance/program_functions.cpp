// Control flow and derivatives by their Python names, for programs that cases carry as text.
#include "expression.h"
#include "golden.h"
#include "tf2jax/control/control.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/grad.h"

namespace conformance {

using namespace tf2jax;

namespace {

// A Python function of values like these as one of arrays.
FlatFn flat(const Value& function, const Tuple& like) {
  return [function, like](const Arrays& xs) {
    Arguments a;
    std::size_t next = 0;
    for (const Value& v : like) a.positional.push_back(with_leaves(v, xs, next));
    return leaves_of(function_of(function)(a));
  };
}
Arrays leaves(const Tuple& values) {
  Arrays out;
  for (const Value& v : values)
    for (const Array& a : leaves_of(v)) out.push_back(a);
  return out;
}
Value one_or_tuple(const Arrays& arrays) {
  if (arrays.size() == 1) return {arrays[0]};
  Tuple items;
  for (const Array& a : arrays) items.push_back({a});
  return make_tuple(std::move(items));
}

Value call_cond(const Arguments& a) {
  const Tuple operands(a.positional.begin() + 3, a.positional.end());
  return one_or_tuple(cond_flat(array_of(a.get(0, "pred")), flat(a.get(1, "true_fun"), operands),
                                flat(a.get(2, "false_fun"), operands), leaves(operands)));
}
Value call_scan(const Arguments& a) {
  const Tuple operands{a.get(1, "init"), a.get(2, "xs")};
  return one_or_tuple(scan_flat(flat(a.get(0, "f"), operands), leaves_of(operands[0]), leaves_of(operands[1])));
}
Value call_while(const Arguments& a) {
  const Tuple init{a.get(2, "init_val")};
  return one_or_tuple(while_flat(flat(a.get(0, "cond_fun"), init), flat(a.get(1, "body_fun"), init), leaves(init)));
}
Value call_grad(const Arguments& a) {
  return make_function([fun = a.get(0, "fun")](const Arguments& at) {
    const auto f = [&](const Array& x) { return flat(fun, at.positional)({x}).at(0); };
    if (at.positional.size() != 1) throw Unsupported("gradients of functions of several arguments");
    return Value{grad(f)(array_of(at.positional[0]))};
  });
}

}  // namespace

std::optional<Value> program_module(const std::string& name) {
  if (name == "lax.cond") return make_function(call_cond);
  if (name == "lax.scan") return make_function(call_scan);
  if (name == "lax.while_loop") return make_function(call_while);
  if (name == "jax.grad") return make_function(call_grad);
  if (name == "jnp.sum") return make_function([](const Arguments& a) { return Value{sum(array_of(a.get(0, "a")))}; });
  if (name == "jnp.concatenate")
    return make_function([](const Arguments& a) {
      return Value{concatenate(leaves_of(a.get(0, "arrays")), integer(a.get(1, "axis")))};
    });
  if (name == "jnp.split")
    return make_function([](const Arguments& a) {
      Tuple pieces;
      for (const Array& x : split_evenly(array_of(a.get(0, "ary")), integer(a.get(1, "indices_or_sections"))))
        pieces.push_back(Value{x});
      return make_tuple(std::move(pieces));
    });
  if (name == "jnp.arange")
    return make_function([](const Arguments& a) { return Value{arange(integer(a.get(0, "stop")))}; });
  return std::nullopt;
}

}  // namespace conformance
