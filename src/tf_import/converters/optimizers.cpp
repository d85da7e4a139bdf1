// One step of an optimizer as one operation: Apply…, ResourceApply… and, for rows at indices, SparseApply….
// Source of the formulas: training_ops.cc.
#include <functional>

#include "tf2jax/control/scan.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

namespace tf2jax::tf_import {
namespace {

// The variable and its slots, all of one shape; the gradient; and the other inputs by their names.
struct Step {
  Arrays slots;  // the variable first
  Array gradient;
  std::map<std::string, Array> given;
  bool flag = false;  // use_nesterov, or whether slots are updated

  const Array& operator[](const char* name) const { return given.at(name); }
};
using Update = Arrays (*)(const Step&);

// `inputs`: after the slots, in order; the sparse form has indices behind the gradient.
struct Optimizer {
  const char* name;
  std::size_t slots;
  std::vector<const char*> inputs;
  bool is_sparse_too;
  Update update;
  const char* flag = "";
  bool flag_default = false;
};

Arrays descend(const Step& s) { return {sub(s.slots[0], mul(s["lr"], s.gradient))}; }

Arrays momentum(const Step& s) {
  const Array accum = add(mul(s.slots[1], s["momentum"]), s.gradient);
  const Array by_accum = mul(accum, s["lr"]);
  const Array ahead = add(mul(s.gradient, s["lr"]), mul(by_accum, s["momentum"]));
  return {sub(s.slots[0], s.flag ? ahead : by_accum), accum};
}
Arrays keras_momentum(const Step& s) {
  const Array change = mul(s.gradient, s["lr"]), accum = sub(mul(s.slots[1], s["momentum"]), change);
  return {add(s.slots[0], s.flag ? sub(mul(accum, s["momentum"]), change) : accum), accum};
}

Arrays adagrad(const Step& s) {
  const Array accum = s.flag ? add(s.slots[1], square(s.gradient)) : s.slots[1];
  return {sub(s.slots[0], mul(mul(s.gradient, s["lr"]), rsqrt(accum))), accum};
}
Arrays adagrad_v2(const Step& s) {
  const Array accum = s.flag ? add(s.slots[1], square(s.gradient)) : s.slots[1];
  return {sub(s.slots[0], divide(mul(s.gradient, s["lr"]), add(sqrt(accum), s["epsilon"]))), accum};
}

Array towards(const Array& mean, const Array& x, const Array& decay) {
  return add(mean, mul(sub(x, mean), sub(1, decay)));
}
Array adam_rate(const Step& s) {
  return divide(mul(s["lr"], sqrt(sub(1, s["beta2_power"]))), sub(1, s["beta1_power"]));
}
Arrays adam(const Step& s) {
  const Array m = towards(s.slots[1], s.gradient, s["beta1"]), v = towards(s.slots[2], square(s.gradient), s["beta2"]);
  const Array mean = s.flag ? add(mul(s.gradient, sub(1, s["beta1"])), mul(s["beta1"], m)) : m;
  return {sub(s.slots[0], divide(mul(mean, adam_rate(s)), add(sqrt(v), s["epsilon"]))), m, v};
}
Arrays amsgrad(const Step& s) {
  const Array m = towards(s.slots[1], s.gradient, s["beta1"]), v = towards(s.slots[2], square(s.gradient), s["beta2"]);
  const Array highest = maximum(s.slots[3], v);
  return {sub(s.slots[0], divide(mul(m, adam_rate(s)), add(sqrt(highest), s["epsilon"]))), m, v, highest};
}
Arrays adamax(const Step& s) {
  const Array m = towards(s.slots[1], s.gradient, s["beta1"]);
  const Array v = maximum(mul(s["beta2"], s.slots[2]), abs(s.gradient));
  const Array rate = divide(s["lr"], sub(1, s["beta1_power"]));
  return {sub(s.slots[0], mul(rate, divide(m, add(v, s["epsilon"])))), m, v};
}

Arrays rms_prop(const Step& s) {
  const Array ms = towards(s.slots[1], square(s.gradient), s["rho"]);
  const Array step = divide(mul(s.gradient, s["lr"]), sqrt(add(ms, s["epsilon"])));
  const Array mom = add(mul(s.slots[2], s["momentum"]), step);
  return {sub(s.slots[0], mom), ms, mom};
}
Arrays centered_rms_prop(const Step& s) {
  const Array mg = towards(s.slots[1], s.gradient, s["rho"]), ms = towards(s.slots[2], square(s.gradient), s["rho"]);
  const Array step = divide(mul(s.gradient, s["lr"]), sqrt(add(sub(ms, square(mg)), s["epsilon"])));
  const Array mom = add(mul(s.slots[3], s["momentum"]), step);
  return {sub(s.slots[0], mom), mg, ms, mom};
}
Arrays adadelta(const Step& s) {
  const Array accum = towards(s.slots[1], square(s.gradient), s["rho"]);
  const Array step = mul(mul(sqrt(add(s.slots[2], s["epsilon"])), rsqrt(add(accum, s["epsilon"]))), s.gradient);
  return {sub(s.slots[0], mul(step, s["lr"])), accum, towards(s.slots[2], square(step), s["rho"])};
}

// McMahan et al., "Ad click prediction: a view from the trenches", 2013.
Arrays ftrl_with(const Step& s, const Array& gradient) {
  const Array power = neg(s["lr_power"]), accum = add(s.slots[1], square(s.gradient));
  const Array change = divide(sub(pow(accum, power), pow(s.slots[1], power)), s["lr"]);
  const Array linear = sub(add(s.slots[2], gradient), mul(change, s.slots[0]));
  const Array rest = sub(mul(s["l1"], sign(linear)), linear);
  const Array scale = add(divide(pow(accum, power), s["lr"]), mul(2, s["l2"]));
  return {where(greater(abs(linear), s["l1"]), divide(rest, scale), zeros_like(rest)), accum, linear};
}
void check_plain(const Step& s) {
  check<NotImplementedError>(!s.flag, "multiply_linear_by_lr is not implemented. Got true.");
}
Arrays ftrl(const Step& s) {
  check_plain(s);
  return ftrl_with(s, s.gradient);
}
Arrays ftrl_v2(const Step& s) {
  check_plain(s);
  return ftrl_with(s, add(s.gradient, mul(mul(2, s["l2_shrinkage"]), s.slots[0])));
}

Arrays add_sign(const Step& s) {
  const Array m = towards(s.slots[1], s.gradient, s["beta"]);
  const Array agreement = mul(s["sign_decay"], mul(sign(s.gradient), sign(m)));
  return {sub(s.slots[0], mul(mul(s["lr"], add(s["alpha"], agreement)), s.gradient)), m};
}
Arrays power_sign(const Step& s) {
  const Array m = towards(s.slots[1], s.gradient, s["beta"]);
  const Array agreement = mul(s["sign_decay"], mul(sign(s.gradient), sign(m)));
  return {sub(s.slots[0], mul(mul(s["lr"], exp(mul(s["logbase"], agreement))), s.gradient)), m};
}

// Soft thresholding of a step at rate `rate`.
Array proximal(const Step& s, const Array& rate) {
  const Array moved = sub(s.slots[0], mul(rate, s.gradient));
  const Array shrunk = mul(sign(moved), maximum(sub(abs(moved), mul(rate, s["l1"])), 0));
  return divide(where(greater(s["l1"], 0), shrunk, moved), add(1, mul(s["l2"], rate)));
}
Arrays proximal_descent(const Step& s) { return {proximal(s, s["lr"])}; }
Arrays proximal_adagrad(const Step& s) {
  const Array accum = add(s.slots[1], square(s.gradient));
  return {proximal(s, mul(s["lr"], rsqrt(accum))), accum};
}

const std::vector<Optimizer>& optimizers() {
  static const std::vector<Optimizer> all = {
      {"GradientDescent", 1, {"lr", "grad"}, false, descend},
      {"Momentum", 2, {"lr", "grad", "momentum"}, true, momentum, "use_nesterov"},
      {"KerasMomentum", 2, {"lr", "grad", "momentum"}, true, keras_momentum, "use_nesterov"},
      {"Adagrad", 2, {"lr", "grad"}, true, adagrad, "update_slots", true},
      {"AdagradV2", 2, {"lr", "epsilon", "grad"}, true, adagrad_v2, "update_slots", true},
      {"Adam",
       3,
       {"beta1_power", "beta2_power", "lr", "beta1", "beta2", "epsilon", "grad"},
       false,
       adam,
       "use_nesterov"},
      {"AdamWithAmsgrad", 4, {"beta1_power", "beta2_power", "lr", "beta1", "beta2", "epsilon", "grad"}, false, amsgrad},
      {"AdaMax", 3, {"beta1_power", "lr", "beta1", "beta2", "epsilon", "grad"}, false, adamax},
      {"RMSProp", 3, {"lr", "rho", "momentum", "epsilon", "grad"}, true, rms_prop},
      {"CenteredRMSProp", 4, {"lr", "rho", "momentum", "epsilon", "grad"}, true, centered_rms_prop},
      {"Adadelta", 3, {"lr", "rho", "epsilon", "grad"}, true, adadelta},
      {"Ftrl", 3, {"grad", "lr", "l1", "l2", "lr_power"}, true, ftrl, "multiply_linear_by_lr"},
      {"FtrlV2", 3, {"grad", "lr", "l1", "l2", "l2_shrinkage", "lr_power"}, true, ftrl_v2, "multiply_linear_by_lr"},
      {"AddSign", 2, {"lr", "alpha", "sign_decay", "beta", "grad"}, false, add_sign},
      {"PowerSign", 2, {"lr", "logbase", "sign_decay", "beta", "grad"}, false, power_sign},
      {"ProximalGradientDescent", 1, {"lr", "l1", "l2", "grad"}, true, proximal_descent},
      {"ProximalAdagrad", 2, {"lr", "l1", "l2", "grad"}, true, proximal_adagrad},
  };
  return all;
}

// Besides its rows, of which a sparse gradient has others.
void check_gradient(const Array& gradient, const Array& of, bool is_sparse) {
  const auto sizes = [&](const Array& x) { return Shape(x.shape().begin() + (is_sparse ? 1 : 0), x.shape().end()); };
  check<ShapeError>(!is_sparse || (gradient.rank() > 0 && of.rank() > 0),
                    "what has rows must have an axis. Got a gradient {} for {}.", gradient.aval(), of.aval());
  check<ShapeError>(identical(sizes(gradient), sizes(of)),
                    "the gradient must have the shape of what it changes. Got {} for {}.", gradient.aval(), of.aval());
}

// One row of the gradient after the other, as an index may occur several times; rows out of range change nothing.
Arrays row_by_row(const Optimizer& o, const Step& s, const Array& indices) {
  const Array rows = astype(indices, itemsize(indices.dtype()) < 4 ? i32 : indices.dtype());
  const std::int64_t count = s.slots[0].shape()[0].value();
  const Arrays out = scan_flat(
      [&](const Arrays& v) {
        Step one = s;
        one.slots.clear();
        const Array row = v[o.slots];
        for (std::size_t i = 0; i < o.slots; ++i) one.slots.push_back(dynamic_index_in_dim(v[i], row, 0, false, false));
        one.gradient = v[o.slots + 1];
        const Arrays next = o.update(one);
        const Array inside = logical_and(greater_equal(row, 0), less(row, astype(Array(count), row.dtype())));
        Arrays carry;
        for (std::size_t i = 0; i < o.slots; ++i) {
          const Array changed = where(inside, astype(next[i], v[i].dtype()), one.slots[i]);
          Arrays at(v[i].rank(), astype(Array(0), row.dtype()));
          at[0] = row;
          carry.push_back(dynamic_update_slice(v[i], expand_dims(changed, {0}), at, false));
        }
        return carry;
      },
      s.slots, {rows, s.gradient});
  return out;
}

Values apply(Node& n, const Optimizer& o, bool is_sparse, bool is_reference) {
  n.ignore({"use_locking", "Tindices"});
  Step s;
  s.flag = *o.flag ? n.attr_or<bool>(o.flag, o.flag_default) : false;
  for (std::size_t i = 0; i < o.slots; ++i) s.slots.push_back(n.interpreter().read(n.variable(i)));
  std::optional<Array> indices;
  std::size_t at = o.slots;
  for (const char* name : o.inputs) {
    s.given[name] = n.array(at++);
    if (is_sparse && std::string_view(name) == "grad") indices = n.array(at++, 1, 1);
  }
  s.gradient = s.given.at("grad");
  check_gradient(s.gradient, s.slots[0], is_sparse);
  if (indices)
    check<ShapeError>(identical(indices->shape()[0], s.gradient.shape()[0]),
                      "there must be an index for each row of the gradient. Got {} and {}.", indices->aval(),
                      s.gradient.aval());
  for (const Array& slot : s.slots)
    check<ShapeError>(identical(slot.shape(), s.slots[0].shape()),
                      "the slots must have the variable's shape. Got {} for {}.", slot.aval(), s.slots[0].aval());
  const bool is_empty = s.slots[0].size() == 0;
  const Arrays next = is_empty ? s.slots : indices ? row_by_row(o, s, *indices) : o.update(s);
  for (std::size_t i = 0; i < o.slots; ++i) n.interpreter().assign(n.variable(i), astype(next[i], s.slots[i].dtype()));
  return {is_reference ? Value(n.variable(0)) : Value(next[0])};
}

}  // namespace

void add_optimizer_operations(ConverterTable& table) {
  const OpTraits effect{.has_effect = true}, silent{.has_effect = true, .has_no_value = true};
  for (const Optimizer& o : optimizers())
    for (const bool is_sparse : {false, true})
      for (const bool is_reference : {false, true}) {
        if (is_sparse && !o.is_sparse_too) continue;
        const std::string op =
            fmt::format("{}{}Apply{}", is_reference ? "" : "Resource", is_sparse ? "Sparse" : "", o.name);
        table.add(
            op, [&o, is_sparse, is_reference](Node& n) { return apply(n, o, is_sparse, is_reference); },
            is_reference ? effect : silent);
      }
}

}  // namespace tf2jax::tf_import
