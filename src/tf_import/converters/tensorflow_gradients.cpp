// Derivatives as TensorFlow registers them, where they differ from those of what is computed: at ties and kinks, and
// for inputs and outputs that get none. In force under Config::gradient_convention = tf. Source: the gradients that
// TensorFlow registers in Python, as the documentation of GradientTape names them.
#include "tf2jax/tf_import/converters/internal/tensorflow_gradients.h"

#include "tf2jax/tf_import/converters/internal/nn_functions.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/custom_rules.h"

namespace tf2jax::tf_import {
namespace {

/// The tangent of an output `y` of inputs `x` with tangents `t`.
using Tangent = std::function<Array(const Arrays& x, const Array& y, const Arrays& t)>;

/// The gradient of one operation: the tangent of its first output as a function of the first `inputs` of its inputs.
struct GradientRow {
  const char* op;
  std::size_t inputs;
  Tangent (*tangent)(const Node&);
};

using nn::kept;

Tangent abs_tangent(const Node&) {
  return [](const Arrays& x, const Array&, const Arrays& t) { return mul(t[0], sign(x[0])); };
}

// All of it to one of the two at ties.
template <Array (*is_first)(const Array&, const Array&)>
Tangent chosen(const Node&) {
  return [](const Arrays& x, const Array&, const Arrays& t) { return where(is_first(x[0], x[1]), t[0], t[1]); };
}

Tangent relu6_tangent(const Node&) {
  return [](const Arrays& x, const Array&, const Arrays& t) {
    return kept(logical_and(greater(x[0], 0), less(x[0], 6)), t[0]);
  };
}

Tangent leaky_relu_tangent(const Node& n) {
  return [alpha = n.attr<float>("alpha")](const Arrays& x, const Array&, const Arrays& t) {
    return where(greater(x[0], 0), t[0], mul(t[0], alpha));
  };
}

// Scale and the product of scale and alpha: Klambauer et al., Self-Normalizing Neural Networks, 2017.
Tangent selu_tangent(const Node&) {
  return [](const Arrays&, const Array& y, const Arrays& t) {
    constexpr double kScale = 1.0507009873554804934193349852946, kScaleAlpha = 1.7580993408473768599402175208123;
    return mul(t[0], where(less(y, 0), add(y, kScaleAlpha), full_like(y, kScale)));
  };
}

Tangent clip_tangent(const Node&) {
  return [](const Arrays& x, const Array&, const Arrays& t) {
    const Array below = less(x[0], x[1]), above = greater(x[0], x[2]);
    const Array inside = where(logical_or(below, above), zeros_like(t[0]), t[0]);
    return add(inside, add(kept(below, t[1]), kept(above, t[2])));
  };
}

// Nothing for the exponent of what is not positive, or, of complex numbers, 0.
Tangent power_tangent(const Node&) {
  return [](const Arrays& x, const Array& y, const Arrays& t) {
    const Array has_log = is_complex(x[0].dtype()) ? not_equal(x[0], 0) : greater(x[0], 0);
    const Array safe_log = kept(has_log, log(where(has_log, x[0], ones_like(x[0]))));
    const Array by_base = mul(x[1], pow(x[0], sub(x[1], ones_like(x[1]))));
    return add(mul(t[0], by_base), mul(t[1], mul(y, safe_log)));
  };
}

// One at 0, where the derivative is a half. Source: _BesselI1Grad in math_grad.py.
Tangent bessel_i1_tangent(const Node&) {
  return [](const Arrays& x, const Array&, const Arrays& t) {
    return mul(t[0], where(equal(x[0], 0), ones_like(x[0]), bessel_i1_slope(x[0])));
  };
}

// Nothing for zeros.
Tangent cumprod_tangent(const Node& n) {
  const std::int64_t axis = n.axis(1, n.array(0).rank());
  const bool exclusive = n.attr<bool>("exclusive"), reverse = n.attr<bool>("reverse");
  return [=](const Arrays& x, const Array& y, const Arrays& t) {
    const Array zero = equal(x[0], 0);
    const Array relative = kept(logical_not(zero), divide(t[0], where(zero, ones_like(x[0]), x[0])));
    const Array inclusive = cumsum(relative, axis, reverse);
    return mul(y, exclusive ? sub(inclusive, relative) : inclusive);
  };
}

// In equal parts from all elements that are the one.
Tangent nth_element_tangent(const Node&) {
  return [](const Arrays& x, const Array& y, const Arrays& t) {
    const Axes last{x[0].rank() - 1};
    const Array is_it = equal(x[0], expand_dims(y, last));
    return divide(reduce_sum(kept(is_it, t[0]), last), reduce_sum(astype(is_it, t[0].dtype()), last));
  };
}

// The first argument, whatever the second.
Tangent next_after_tangent(const Node&) {
  return [](const Arrays&, const Array& y, const Arrays& t) { return broadcast_to(t[0], y.shape()); };
}

struct Channels {
  std::array<Array, 3> values;
  const Array& operator[](std::size_t i) const { return values[i % 3]; }
};
Channels channels_of(const Array& x) {
  Channels out;
  for (std::int64_t i = 0; i < 3; ++i) out.values[i] = squeeze(slice_in_dim(x, i, i + 1, 1, -1), {x.rank() - 1});
  return out;
}

// Which channel is the largest and which the smallest, one each: at ties red comes before green before blue when the
// largest is looked for, and blue before green before red when the smallest is.
Channels largest(const Channels& c) {
  return {{logical_and(greater_equal(c[0], c[2]), greater_equal(c[0], c[1])),
           logical_and(greater(c[1], c[0]), greater_equal(c[1], c[2])),
           logical_and(greater(c[2], c[0]), greater(c[2], c[1]))}};
}
Channels smallest(const Channels& c) {
  return {{logical_and(less(c[0], c[2]), less(c[0], c[1])), logical_and(less_equal(c[1], c[0]), less(c[1], c[2])),
           logical_and(less_equal(c[2], c[0]), less_equal(c[2], c[1]))}};
}

Array inverse_or_zero(const Array& x) {
  const Array zero = equal(x, 0);
  return where(zero, zeros_like(x), divide(ones_like(x), where(zero, ones_like(x), x)));
}

// Hue, saturation and value are smooth functions of which channel is largest and smallest; j follows i and k follows j
// in the circle of red, green and blue. Nothing to a channel's saturation, or to hues, where the channel is not
// positive.
Tangent rgb_to_hsv_tangent(const Node&) {
  return [](const Arrays& x, const Array& y, const Arrays& t) {
    const Channels c = channels_of(x[0]), tangents = channels_of(t[0]), hsv = channels_of(y);
    const Channels is_max = largest(c), is_min = smallest(c);
    const Array spread = mul(hsv[1], hsv[2]);
    Array hue = zeros_like(c[0]), saturation = hue, value = hue;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t j = i + 1, k = i + 2;
      const auto when = [&](std::size_t max, std::size_t min, const Array& v) {
        return kept(logical_and(greater(c[max], 0), logical_and(is_max[max], is_min[min])), v);
      };
      const Array at_top = neg(mul(sub(c[j], c[k]), square(inverse_or_zero(spread))));
      const Array by_hue = add(kept(logical_and(greater(c[i], 0), is_max[i]), at_top),
                               add(add(when(j, i, mul(sub(c[k], c[j]), square(inverse_or_zero(sub(c[i], c[j]))))),
                                       when(j, k, neg(inverse_or_zero(sub(c[j], c[k]))))),
                                   add(when(k, i, mul(sub(c[k], c[j]), square(inverse_or_zero(sub(c[k], c[i]))))),
                                       when(k, j, inverse_or_zero(sub(c[k], c[j]))))));
      const Array least = add(kept(is_min[j], c[j]), kept(is_min[k], c[k])),
                  most = add(kept(is_max[j], c[j]), kept(is_max[k], c[k]));
      const Array by_saturation = kept(greater(c[i], 0), sub(kept(is_max[i], mul(least, square(inverse_or_zero(c[i])))),
                                                             kept(is_min[i], inverse_or_zero(most))));
      hue = add(hue, mul(tangents[i], mul(by_hue, 1.0 / 6)));
      saturation = add(saturation, mul(tangents[i], by_saturation));
      value = add(value, kept(is_max[i], tangents[i]));
    }
    return stack({hue, saturation, value}, -1);
  };
}

constexpr GradientRow kRows[] = {
    {"Abs", 1, abs_tangent},
    {"RGBToHSV", 1, rgb_to_hsv_tangent},
    {"Maximum", 2, chosen<greater_equal>},
    {"Minimum", 2, chosen<less_equal>},
    {"Relu6", 1, relu6_tangent},
    {"LeakyRelu", 1, leaky_relu_tangent},
    {"Selu", 1, selu_tangent},
    {"ClipByValue", 3, clip_tangent},
    {"Pow", 2, power_tangent},
    {"BesselI1", 1, bessel_i1_tangent},
    {"Cumprod", 1, cumprod_tangent},
    {"NextAfter", 2, next_after_tangent},
    {"NthElement", 1, nth_element_tangent},
};

/// `y`, with this tangent in place of the one it has. Of any order: the rule's own value has it too.
Array with_tangent(const std::string& name, const Tangent& tangent, const Arrays& x, const Array& y) {
  const auto rule = std::make_shared<const JvpRule>([=](const Arrays& p, const Arrays& t) -> Arrays {
    const Arrays inputs(p.begin(), p.end() - 1);
    const Array again = with_tangent(name, tangent, inputs, p.back());
    return {again, tangent(inputs, again, t)};
  });
  Arrays operands = x;
  operands.push_back(stop_gradient(y));
  return custom_jvp_flat(name, [](const Arrays& v) { return Arrays{v.back()}; }, rule, operands)[0];
}

bool in_force(const Node& n) { return config().gradient_convention == GradientConvention::tf && !n.on_host(); }

Converter with_row(const GradientRow& row, Converter convert) {
  return [row, convert = std::move(convert)](Node& n) {
    Values outputs = convert(n);
    if (!in_force(n)) return outputs;
    const auto* y = outputs.at(0).get_if<Array>();
    if (!y || !is_inexact(y->dtype())) return outputs;
    outputs[0] = Value(with_tangent(row.op, row.tangent(n), n.arrays(0, row.inputs), *y));
    return outputs;
  };
}

/// Inputs and outputs through which nothing goes back.
struct StoppedRow {
  const char* op;
  std::vector<std::size_t> inputs;
  bool later_outputs = false;
};

const std::vector<StoppedRow>& stopped_rows() {
  static const std::vector<StoppedRow> rows{
      {"Betainc", {0, 1}},
      {"FusedBatchNorm", {3, 4}, true},
      {"FusedBatchNormV2", {3, 4}, true},
      {"FusedBatchNormV3", {3, 4}, true},
      {"HSVToRGB", {0}},
      {"LinSpace", {0, 1}},
      {"OneHot", {2, 3}},
      {"PadV2", {2}},
      {"Range", {0, 1, 2}},
      {"ResizeBilinearGrad", {0}},
      {"SparseConcat", {}, true},
  };
  return rows;
}

Value stopped(const Value& v) {
  const auto* x = v.get_if<Array>();
  return x && !v.is_host() && is_inexact(x->dtype()) ? Value(stop_gradient(*x)) : v;
}

/// The node with `change` of each input, converted.
template <class F>
Values convert_changed(const ConverterTable::Entry& entry, const Node& n, const F& change) {
  Values inputs;
  for (std::size_t i = 0; i < n.num_inputs(); ++i) inputs.push_back(change(i, n.input(i)));
  Node changed(n.interpreter(), n.proto(), n.step(), std::move(inputs));
  Values outputs = entry.convert(changed);
  changed.check_attributes(entry.traits.ignored);
  for (const auto& attribute : n.proto().attr()) n.ignore({attribute.first});
  return outputs;
}

Converter with_stops(const StoppedRow& row, ConverterTable::Entry entry) {
  return [row, entry = std::move(entry)](Node& n) {
    if (!in_force(n)) return entry.convert(n);
    Values outputs = convert_changed(
        entry, n, [&](std::size_t i, const Value& v) { return std::ranges::count(row.inputs, i) ? stopped(v) : v; });
    if (row.later_outputs) std::transform(outputs.begin() + 1, outputs.end(), outputs.begin() + 1, stopped);
    return outputs;
  };
}

}  // namespace

void add_tensorflow_gradients(ConverterTable& table) {
  const auto replace = [&](const char* op, const auto& made) {
    if (const auto* found = table.find(op)) {
      const ConverterTable::Entry entry = *found;
      table.add(op, made(entry), entry.traits);
    }
  };
  for (const GradientRow& row : kRows) replace(row.op, [&](const auto& e) { return with_row(row, e.convert); });
  for (const StoppedRow& row : stopped_rows()) replace(row.op, [&](const auto& e) { return with_stops(row, e); });
}

Array at_gradient_boundary(const Array& x) {
  if (config().gradient_convention != GradientConvention::tf || !is_complex(x.dtype())) return x;
  static const auto forward = std::make_shared<const FwdRule>([](const Arrays& v) { return v; });
  static const auto backward = std::make_shared<const BwdRule>(
      [](const Arrays&, const Arrays& cotangents) { return Arrays{conj(cotangents[0])}; });
  return custom_vjp_flat("conjugate_gradient", [](const Arrays& v) { return v; }, forward, backward, {&x, 1})[0];
}

}  // namespace tf2jax::tf_import
