// Errors of a rounding or two after each operation.
#include "noise.h"

#include <algorithm>
#include <set>

#include "evaluate.h"

namespace tf2jax::fuzz {

namespace {

// Primitives whose results are among their operands, or exact: ties and zeros stay what they are.
bool is_exact(const Primitive& p) {
  static const std::set<std::string> names{"reshape",
                                           "transpose",
                                           "broadcast_in_dim",
                                           "squeeze",
                                           "expand_dims",
                                           "slice",
                                           "pad",
                                           "rev",
                                           "concatenate",
                                           "dynamic_slice",
                                           "dynamic_update_slice",
                                           "gather",
                                           "scatter",
                                           "select_n",
                                           "max",
                                           "min",
                                           "neg",
                                           "abs",
                                           "sign",
                                           "reduce_max",
                                           "reduce_min",
                                           "cummax",
                                           "cummin",
                                           "sort",
                                           "convert_element_type",
                                           "copy",
                                           "copy_p",
                                           "floor",
                                           "ceil",
                                           "round",
                                           "clamp",
                                           "real",
                                           "imag",
                                           "conj",
                                           "complex",
                                           "stop_gradient",
                                           "iota",
                                           "split",
                                           "unstack",
                                           "stack",
                                           "scatter_max",
                                           "scatter_min",
                                           "reduce_window_max",
                                           "reduce_window_min",
                                           "bitcast_convert_type",
                                           "tile",
                                           "top_k",
                                           "random_bits",
                                           "optimization_barrier",
                                           "reduce_precision",
                                           "select_and_gather_add"};
  return names.contains(p.name());
}

}  // namespace

bool is_sum(const Primitive& p) {
  static const std::set<std::string> names{"dot_general",  "conv_general_dilated", "reduce_sum",       "cumsum",
                                           "cumlogsumexp", "reduce_window_sum",    "scatter-add",      "scatter_add",
                                           "add_any",      "reduce_max",           "reduce_min",       "cummax",
                                           "cummin",       "reduce_window_max",    "reduce_window_min"};
  return names.contains(p.name());
}

namespace {

// Products, also moved ones: what adds them up may add them unrounded (fused multiply and add).
class Products {
 public:
  void see(const Primitive& p, const Arrays& operands, const Arrays& results) {
    const bool moves = is_exact(p) && std::ranges::any_of(operands, [&](const Array& x) { return contains(x); });
    if (!moves && p.name() != "mul" && p.name() != "integer_pow" && p.name() != "square") return;
    for (const Array& x : results) {
      kept_.push_back(x);
      ids_.insert(x.get());
    }
  }
  bool contains(const Array& x) const { return ids_.contains(x.get()); }

 private:
  Arrays kept_;  // so that no other array gets the place of one
  std::set<const void*> ids_;
};

Array random_units(const Array& like, Draw& draw) {
  const DType type = real_dtype(like.dtype()) == DType::f64 ? DType::f64 : DType::f32;
  std::vector<float> errors;
  for (std::int64_t i = 0; i < like.size(); ++i) errors.push_back(static_cast<float>(draw.real(-1, 1)));
  return convert_element_type(Array::from_bytes(DType::f32, like.dims(), std::as_bytes(std::span(errors))), type);
}

// x + error, where the error is real and as wide as the units are.
Array with_error(const Array& x, const Array& error) {
  if (is_complex(x.dtype())) return x + complex(error, error);
  return convert_element_type(convert_element_type(x, error.dtype()) + error, x.dtype());
}

}  // namespace

Arrays noisy(const Jaxpr& program, const Arrays& inputs, Draw& draw) {
  Products products;
  return evaluate(program, inputs, [&](const Primitive& p, const Arrays& operands, Arrays& results) {
    if (is_exact(p) && !is_sum(p)) return products.see(p, operands, results);
    // Added one by one, equal terms are rounded alike: a unit in the last place for every few of them.
    double terms = 1;
    if (is_sum(p))
      for (const Array& x : operands)
        terms = std::max(terms,
                         static_cast<double>(x.size()) / std::max<double>(1, static_cast<double>(results[0].size())));
    for (Array& x : results) {
      if (!is_inexact(x.dtype()) || x.size() == 0) continue;
      const Array unit = random_units(x, draw);
      if (is_sum(p)) x = where(logical_and(equal(x, zeros_like(x)), greater(unit, zeros_like(unit))), neg(x), x);
      // Which sign an invalid operation gives its NaN is open; top_k orders by it.
      if (!is_complex(x.dtype())) x = where(logical_and(isnan(x), greater(unit, zeros_like(unit))), neg(x), x);
      if (is_exact(p)) continue;
      const auto scaled = [&](double n) {
        return unit * convert_element_type(Array(static_cast<float>(n * epsilon(x.dtype()))), unit.dtype());
      };
      const Array error = scaled(2 + terms / 8);
      if (is_complex(x.dtype())) x = x * complex(1.f + error, zeros_like(error));
      else x = convert_element_type(convert_element_type(x, unit.dtype()) * (1.f + error), x.dtype());
      const bool adds = p.name() == "add" || p.name() == "sub" || p.name() == "add_any";
      for (const Array& term : operands)
        if (adds && products.contains(term))
          x = with_error(x, where(is_finite(is_complex(x.dtype()) ? abs(x) : x),
                                  scaled(1) * convert_element_type(abs(term), unit.dtype()), zeros_like(unit)));
    }
    products.see(p, operands, results);
  });
}

}  // namespace tf2jax::fuzz
