// Drawing a program: inputs, steps, and the transforms around them.
#include "random_program.h"

#include <algorithm>
#include <cmath>
#include <memory>

namespace tf2jax::fuzz {

namespace {

const std::vector<Step>& all_steps() {
  static const std::vector<Step> steps = [] {
    std::vector<Step> out;
    for (const auto append : {append_elementwise_steps, append_movement_steps, append_contraction_steps,
                              append_indexing_steps, append_control_steps})
      append(out);
    return out;
  }();
  return steps;
}

void take_step(Pool& pool) {
  static const double total = [] {
    double sum = 0;
    for (const Step& s : all_steps()) sum += s.weight;
    return sum;
  }();
  double at = pool.draw.real(0, total);
  for (const Step& s : all_steps())
    if ((at -= s.weight) <= 0) return s.run(pool);
}

double random_real(Draw& draw) {
  const std::int64_t kind = draw.below(20);
  if (kind == 0) return 0;
  if (kind < 4) return static_cast<double>(draw.between(-2, 2));
  return draw.real(-2, 2);
}

// Outputs: a few of the values, the last ones likelier.
Arrays chosen(Pool& pool, const Avals& wanted) {
  Arrays out;
  if (wanted.empty()) {
    const std::int64_t count = pool.draw.between(1, 3);
    out.push_back(pool.values().back());
    for (std::int64_t i = 1; i < count; ++i) out.push_back(*pool.any());
    return out;
  }
  for (const Aval& a : wanted) out.push_back(pool.fitted(a));
  return out;
}

}  // namespace

Array random_array(Draw& draw, DType dtype, const Dims& dims) {
  const std::int64_t n = num_elements(dims);
  if (is_complex(dtype))
    return complex(random_array(draw, real_dtype(dtype), dims), random_array(draw, real_dtype(dtype), dims));
  std::vector<float> values;
  for (std::int64_t i = 0; i < n; ++i)
    values.push_back(static_cast<float>(dtype == DType::bool_ ? draw.below(2)
                                        : is_integer(dtype)
                                            ? draw.between(dtype >= DType::u8 && dtype <= DType::u64 ? 0 : -4, 6)
                                            : random_real(draw)));
  const Array x = Array::from_bytes(DType::f32, dims, std::as_bytes(std::span(values)));
  return dtype == DType::bool_ ? not_equal(x, zeros_like(x)) : convert_element_type(x, dtype);
}

Dims random_dims(Draw& draw, std::int64_t rank) {
  Dims dims;
  for (std::int64_t i = 0; i < rank; ++i) {
    const std::int64_t kind = draw.below(40);
    dims.push_back(kind == 0   ? 0
                   : kind < 8  ? 1
                   : kind < 34 ? draw.between(2, 5)
                   : kind < 39 ? draw.between(6, 9)
                               : draw.between(16, 40));
  }
  while (num_elements(dims) > 2000) dims[draw.below(rank)] = 2;
  return dims;
}

Array Pool::fitted(const Aval& aval) {
  const Dims dims = aval.dims();
  if (const auto same = find([&](const Array& x) { return x.dtype() == aval.dtype && x.dims() == dims; })) return *same;
  const auto x = find([&](const Array& y) {
    return (is_inexact(y.dtype()) && is_inexact(aval.dtype) && is_complex(y.dtype()) <= is_complex(aval.dtype)) ||
           y.dtype() == aval.dtype;
  });
  if (!x) return random_array(draw, aval.dtype, dims);
  Array y = x->dtype() == aval.dtype ? *x : convert_element_type(*x, aval.dtype);
  if (y.size() == num_elements(dims)) return reshape(y, symbolic(dims));
  if (y.dtype() == DType::bool_) y = reduce_or(y, iota_axes(y.rank()));
  else
    y = is_inexact(y.dtype()) ? sin(reduce_sum(y, iota_axes(y.rank())))
                              : reduce_max(concatenate({ravel(y), zeros({1}, y.dtype())}, 0), {0});
  return broadcast_in_dim(y, symbolic(dims), {});
}

FlatFn random_function(Draw& draw, int steps, int depth, bool* is_smooth, Avals outs) {
  return [seed = draw.bits(), steps, depth, is_smooth, outs = std::move(outs)](const Arrays& args) {
    Draw inner(seed);
    Pool pool(inner, args, depth);
    if (args.empty()) pool.add(random_array(inner, DType::f32, random_dims(inner, 2)));
    for (int i = 0; i < steps; ++i) take_step(pool);
    if (is_smooth) *is_smooth = *is_smooth && pool.is_smooth;
    return chosen(pool, outs);
  };
}

// ---- whole programs

namespace {

DType random_float(Draw& draw, bool x64) {
  const std::int64_t kind = draw.below(20);
  if (kind == 0) return DType::bf16;
  if (kind == 1) return DType::f16;
  if (kind == 2) return x64 ? DType::c128 : DType::c64;
  return x64 && kind < 17 ? DType::f64 : DType::f32;
}
DType random_other(Draw& draw, bool x64) {
  static const std::vector<DType> narrow{DType::bool_, DType::i32, DType::i8, DType::u8,
                                         DType::u32,   DType::i16, DType::u16};
  return x64 && draw.chance(0.2) ? (draw.chance(0.5) ? DType::i64 : DType::u64) : draw.of(narrow);
}

Arrays tangents_of(Draw& draw, const Avals& avals) {
  Arrays out;
  for (const Aval& a : avals)
    if (is_inexact(a.dtype)) out.push_back(random_array(draw, a.dtype, a.dims()));
  return out;
}

struct Staged {
  FlatFn f;
  Arrays inputs;
};

std::size_t count_inexact(const Arrays& xs) {
  return static_cast<std::size_t>(std::ranges::count_if(xs, [](const Array& x) { return is_inexact(x.dtype()); }));
}

// (inputs…, tangents of the inexact ones…) -> outputs and their tangents
Staged forward(Draw& draw, const Staged& p) {
  Avals avals;
  for (const Array& x : p.inputs) avals.push_back(x.aval());
  Arrays inputs = p.inputs;
  const Arrays tangents = tangents_of(draw, avals);
  inputs.insert(inputs.end(), tangents.begin(), tangents.end());
  return {[f = p.f, n = p.inputs.size()](const Arrays& xs) {
            const Arrays primals(xs.begin(), xs.begin() + static_cast<std::ptrdiff_t>(n));
            Tangents t;
            std::size_t next = n;
            for (const Array& x : primals)
              t.push_back(is_inexact(x.dtype()) ? Tangent(xs[next++]) : Tangent::zero(x.aval()));
            const JvpResult r = jvp_flat(f, primals, t);
            Arrays out = r.primals;
            for (const Tangent& y : r.tangents)
              if (!y.is_zero()) out.push_back(y.value());
            return out;
          },
          inputs};
}

// (inputs…, cotangents of the inexact outputs…) -> cotangents of the inexact inputs
Staged backward(Draw& draw, const Staged& p, const Avals& outputs) {
  Arrays inputs = p.inputs;
  const Arrays cts = tangents_of(draw, outputs);
  inputs.insert(inputs.end(), cts.begin(), cts.end());
  return {[f = p.f, n = p.inputs.size(), outputs](const Arrays& xs) {
            const Arrays primals(xs.begin(), xs.begin() + static_cast<std::ptrdiff_t>(n));
            const Linearized l = linearize_flat(f, primals);
            Arrays all;
            std::size_t next = n;
            for (const Aval& a : outputs)
              all.push_back(is_inexact(a.dtype) ? xs[next++] : zeros_of(Aval(DType::float0, a.shape)));
            const Arrays cts = apply_pullback(l, all);
            Arrays out;
            for (const Array& c : cts)
              if (c.dtype() != DType::float0) out.push_back(c);
            return out;
          },
          inputs};
}

Staged mapped(Draw& draw, const Staged& p) {
  const std::int64_t size = draw.chance(0.1) ? 1 : draw.between(2, 3);
  std::vector<Axis> axes;
  Arrays inputs;
  bool any = false;
  for (std::size_t i = 0; i < p.inputs.size(); ++i) {
    const Array& x = p.inputs[i];
    const bool is_mapped = draw.chance(0.75) || (!any && i + 1 == p.inputs.size());
    if (!is_mapped) {
      axes.push_back(std::nullopt);
      inputs.push_back(x);
      continue;
    }
    any = true;
    axes.push_back(draw.between(0, x.rank()));
    Arrays examples{x};
    for (std::int64_t k = 1; k < size; ++k) examples.push_back(random_array(draw, x.dtype(), x.dims()));
    inputs.push_back(stack(examples, *axes.back()));
  }
  return {[f = p.f, axes, size](const Arrays& xs) {
            const BatchResult r = vmap_flat(f, xs, axes, Dim(size));
            Arrays out;
            for (std::size_t i = 0; i < r.values.size(); ++i)
              out.push_back(r.axes[i] ? moveaxis(r.values[i], *r.axes[i], 0) : r.values[i]);
            return out;
          },
          inputs};
}

Jaxpr staged(const Staged& p) {
  Avals avals;
  for (const Array& x : p.inputs) avals.push_back(x.aval());
  return stage(p.f, avals);
}

}  // namespace

bool wants_x64(std::uint64_t seed) { return Draw(seed ^ 0x64).chance(0.7); }

RandomProgram random_program(std::uint64_t seed) {
  Draw draw(seed);
  const bool x64 = wants_x64(seed);
  RandomProgram out;
  const DType main = random_float(draw, x64);
  const std::int64_t inputs = draw.between(1, 3);
  Arrays args;
  Dims dims = random_dims(draw, draw.between(0, 3));
  for (std::int64_t i = 0; i < inputs; ++i) {
    if (draw.chance(0.5)) dims = random_dims(draw, draw.between(0, 3));
    args.push_back(random_array(draw, main, dims));
  }
  if (draw.chance(0.2))
    args.push_back(
        random_array(draw, random_other(draw, x64), draw.chance(0.5) ? dims : random_dims(draw, draw.between(0, 2))));
  Staged p{random_function(draw, static_cast<int>(draw.between(1, 12)), 0, &out.is_smooth), args};
  const auto outputs = [&] { return staged(p).output_avals(); };
  const std::int64_t kind = draw.below(20);
  const bool differentiable = count_inexact(args) > 0;
  out.what = "plain";
  if (kind >= 6 && kind < 9 && differentiable) p = forward(draw, p), out.what = "jvp";
  if (kind >= 9 && kind < 13 && differentiable) p = backward(draw, p, outputs()), out.what = "vjp";
  if (kind >= 13 && kind < 15) p = mapped(draw, p), out.what = "vmap";
  if (kind >= 15 && kind < 17 && differentiable)
    p = forward(draw, backward(draw, p, outputs())), out.what = "jvp of vjp";
  if (kind == 17 && differentiable) p = mapped(draw, backward(draw, p, outputs())), out.what = "vmap of vjp";
  if (kind == 18 && differentiable) p = forward(draw, forward(draw, p)), out.what = "jvp of jvp";
  if (kind == 19 && differentiable)
    p = mapped(draw, forward(draw, backward(draw, p, outputs()))), out.what = "vmap of jvp of vjp";
  out.program = staged(p);
  out.inputs = p.inputs;
  return out;
}

}  // namespace tf2jax::fuzz
