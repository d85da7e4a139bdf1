// The untyped parts of the public derivatives.
#include "tf2jax/transforms/grad.h"

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/transforms/backward.h"
#include "tf2jax/transforms/batch.h"

namespace tf2jax::detail {

void check_scalar_output(std::string_view where, const Arrays& out) {
  if (out.size() != 1)
    raise<TypeError>(
        "{}: Gradient only defined for scalar-output functions. Output was {}. Return one scalar, or std::pair of it "
        "and auxiliary values.",
        where, out.empty() ? std::string("()") : fmt::format("{} arrays", out.size()));
  const Aval& a = out[0].aval();
  if (!a.shape.empty())
    raise<TypeError>(
        "{}: Gradient only defined for scalar-output functions. Output had shape: {}. Reduce it (sum, mean), or use "
        "vjp with a cotangent.",
        where, to_string(a.shape));
  if (!is_floating(a.dtype))
    raise<TypeError>("{}: the output must be real. Got {}; expected a floating dtype.", where, a.dtype);
}

void check_differentiable(std::string_view where, const Arrays& leaves) {
  for (const Array& x : leaves)
    if (!is_inexact(x.dtype()))
      raise<TypeError>(
          "{} requires real- or complex-valued inputs (input dtype that is a sub-dtype of np.inexact), but got {}. If "
          "you want to use Boolean- or integer-valued inputs, use vjp; otherwise convert the argument with astype.",
          where, numpy_name(x.dtype()));
}

Tangents checked_tangents(const Arrays& primals, const Arrays& tangents) {
  check<TreeError>(primals.size() == tangents.size(),
                   "jvp: there must be one tangent per primal. Got {} primals and {} tangents.", primals.size(),
                   tangents.size());
  Tangents out;
  for (std::size_t i = 0; i < primals.size(); ++i) {
    const Aval want = primals[i].aval().strong().tangent();
    if (want.dtype == DType::float0) {
      out.push_back(Tangent::zero(primals[i].aval()));
      continue;
    }
    const Aval& got = tangents[i].aval();
    const bool weak = got.weak_type && identical(got.shape, want.shape);
    if (got.dtype != want.dtype && !weak)
      raise<TypeError>("jvp: a tangent must have the dtype of its primal. Got tangent {} for primal {}.", got,
                       primals[i].aval());
    if (!identical(got.shape, want.shape))
      raise<ShapeError>("jvp: a tangent must have the shape of its primal. Got tangent {} for primal {}.", got,
                        primals[i].aval());
    out.push_back(Tangent(got.dtype == want.dtype ? tangents[i] : rules::as_dtype(tangents[i], want.dtype)));
  }
  return out;
}

Arrays tangents_or_zeros(const JvpResult& r) {
  Arrays out;
  for (const Tangent& t : r.tangents) out.push_back(rules::instantiate(t));
  return out;
}

Arrays gradient_of_first(const Linearized& l) {
  Tangents cts;
  for (std::size_t i = 0; i < l.outs.size(); ++i)
    if (l.linear_out[i])
      cts.push_back(i == 0 ? Tangent(rules::scalar_of(l.outs[0].dtype(), 1)) : Tangent::zero(l.outs[i].aval()));
  std::vector<LinearArg> args;
  for (const Aval& a : l.tangent_program.input_avals()) args.push_back({std::nullopt, a});
  const Tangents live = backward_pass(l.tangent_program, args, cts);
  Arrays out;
  for (const Tangent& t : live) out.push_back(rules::instantiate(t));
  return out;
}

Array standard_basis(const Aval& like) {
  const Dim n = num_elements(like.shape);
  Shape shape{n};
  shape.insert(shape.end(), like.shape.begin(), like.shape.end());
  return reshape(rules::as_dtype(eye(n.value(), {}, DType::bool_), like.dtype), shape);
}

Arrays jacobian_forward(const FlatFn& f, const Array& x) {
  const Aval aval = x.aval().strong();
  const Array basis[] = {standard_basis(aval)};
  const std::vector<Axis> axes{0};
  const Dim n = num_elements(aval.shape);
  const BatchResult columns = vmap_flat(
      [&](const Arrays& t) {
        const Tangent tangent(t[0]);
        return tangents_or_zeros(jvp_flat(f, std::span(&x, 1), std::span(&tangent, 1)));
      },
      basis, axes, n);
  Arrays out;
  for (std::size_t i = 0; i < columns.values.size(); ++i) {
    const Array column = rules::to_front(columns.values[i], columns.axes[i], n);  // [n, out…]
    const Array last = moveaxis(column, 0, column.rank() - 1);
    Shape shape(last.shape().begin(), last.shape().end() - 1);
    shape.insert(shape.end(), aval.shape.begin(), aval.shape.end());
    out.push_back(reshape(last, shape));
  }
  return out;
}

Arrays jacobian_reverse(const FlatFn& f, const Arrays& xs) {
  const Linearized l = linearize_flat(f, xs);
  check<TypeError>(l.outs.size() == 1, "jacrev: the function must return one array. Got {}.", l.outs.size());
  const Aval out_aval = l.outs[0].aval().strong();
  if (!is_inexact(out_aval.dtype)) raise<TypeError>("jacrev: the output must be inexact. Got {}.", out_aval);
  const Array basis[] = {standard_basis(out_aval)};
  const std::vector<Axis> axes{0};
  const Dim n = num_elements(out_aval.shape);
  const BatchResult rows = vmap_flat([&](const Arrays& ct) { return apply_pullback(l, ct); }, basis, axes, n);
  Arrays out;
  for (std::size_t i = 0; i < rows.values.size(); ++i) {
    const Array row = rules::to_front(rows.values[i], rows.axes[i], n);  // [n, leaf…]
    Shape shape = out_aval.shape;
    shape.insert(shape.end(), row.shape().begin() + 1, row.shape().end());
    out.push_back(reshape(row, shape));
  }
  return out;
}

}  // namespace tf2jax::detail
