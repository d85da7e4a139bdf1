// Complex arithmetic as arithmetic on real and imaginary parts, which lie side by side in memory: loops only see reals.
// Keys of random numbers move likewise as pairs of words.
#include <algorithm>
#include <cstring>
#include <utility>

#include "tf2jax/backends/llvm/graph_builder.h"
#include "tf2jax/ops/conv.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

using loops::Op;

namespace {

bool is_movement(const Equation& e) {
  const Primitive& p = e.primitive;
  if (p == gather_p()) return e.params.get<GatherParams>().mode != GatherScatterMode::fill_or_drop && e.params.get<GatherParams>().mode != GatherScatterMode::one_hot;
  return p == broadcast_in_dim_p() || p == reshape_p() || p == squeeze_p() || p == transpose_p() || p == slice_p() || p == tile_p() || p == stack_p() || p == rev_p() ||
         p == concatenate_p() || p == dynamic_slice_p() || p == pad_p() || p == split_p() || p == unstack_p() || p == copy_p() || p == stop_gradient_p();
}

}  // namespace

// A complex value or a key as its parts, with a last axis of 2: the same memory.
ValueId GraphBuilder::pairs(ValueId v) {
  if (const GraphOp* made = graph_.producer(v); made && made->kind == OpKind::reinterpret) return made->in[0];
  Dims wide = dims(v);
  wide.push_back(2);
  return append({copy_p(), no_params(), OpKind::reinterpret, Op::constant, {v}, {}}, {{part_dtype(dtype(v)), symbolic(wide), false}})[0];
}

// The real and imaginary parts of a value.
GraphBuilder::Parts GraphBuilder::parts(ValueId v) {
  if (const auto it = parts_.find(v); it != parts_.end()) return it->second;
  const DType real = part_dtype(dtype(v));
  const Dims own = dims(v);
  if (const GraphValue& c = graph_.value(v); c.is_constant()) {
    const auto size = static_cast<std::size_t>(itemsize(real));
    const Array both = c.constant;
    const auto part = [&](std::size_t k) {
      return constant(Array::build({real, symbolic(own), false}, [&](std::byte* to) {
        for (std::size_t at = k * size; at < both.bytes().size(); at += 2 * size, to += size) std::memcpy(to, both.bytes().data() + at, size);
      }));
    };
    const Parts z{part(0), part(1)};
    joined_.emplace(std::pair(z.real, z.imag), v);
    return parts_[v] = z;
  }
  Dims wide = own;
  wide.push_back(2);
  const ValueId both = pairs(v);
  const auto part = [&](std::int64_t k) {
    Dims start(wide.size(), 0), limit = wide;
    start.back() = k, limit.back() = k + 1;
    return reshape(slice(both, start, limit, Dims(wide.size(), 1)), own);
  };
  const Parts z{part(0), part(1)};
  joined_.emplace(std::pair(z.real, z.imag), v);
  return parts_[v] = z;
}

ValueId GraphBuilder::join(const Parts& z, DType complex) {
  if (const auto it = joined_.find({z.real, z.imag}); it != joined_.end()) return it->second;
  const Dims to = dims(z.real);
  Dims wide = to;
  wide.push_back(2);
  const Aval part{dtype(z.real), symbolic(to), false};
  const ValueId one = number(part.dtype, 1);
  // A value for this place alone; loops drop the factor.
  const auto placed = [&](ValueId x) { return append({copy_p(), no_params(), OpKind::elementwise, Op::mul, {x, one}, {}}, {part}, false)[0]; };
  const ValueId re = placed(z.real), im = placed(z.imag);
  const ValueId both = append({copy_p(), no_params(), OpKind::interleave, Op::constant, {re, im}, {}}, {{part.dtype, symbolic(wide), false}})[0];
  const ValueId v = append({copy_p(), no_params(), OpKind::reinterpret, Op::constant, {both}, {}}, {{complex, symbolic(to), false}})[0];
  parts_[v] = z;
  joined_.emplace(std::pair(z.real, z.imag), v);
  return v;
}

// Null for what stays a call of its eager kernel: functions whose special values take more than a few operations.
std::optional<std::vector<ValueId>> GraphBuilder::rewrite_complex(const Equation& e, const std::vector<ValueId>& in, const Avals& avals) {
  const Primitive& p = e.primitive;
  const auto complex_value = [&](ValueId v) { return is_pair(dtype(v)); };   // or a key, which is only moved
  if (std::ranges::none_of(in, complex_value) && std::ranges::none_of(avals, [](const Aval& a) { return is_pair(a.dtype); })) return std::nullopt;
  const auto fits = [](DType d) { return d != DType::float0; };
  if (p.effectful() || in.empty() || !std::ranges::all_of(in, [&](ValueId v) { return fits(dtype(v)) && graph_.value(v).elements() > 0; }) ||
      !std::ranges::all_of(avals, [&](const Aval& a) { return fits(a.dtype) && num_elements(a.dims()) > 0; }))
    return std::nullopt;
  const Aval out = avals[0], part = out.with_dtype(part_dtype(out.dtype));
  const auto done = [&](const Parts& z) { return std::vector{join(z, out.dtype)}; };
  const auto op = [&](Op o, const std::vector<ValueId>& x) { return scalar_op(o, x, part); };
  const auto multiplied = [&](const Parts& a, const Parts& b) {
    return Parts{op(Op::sub, {op(Op::mul, {a.real, b.real}), op(Op::mul, {a.imag, b.imag})}), op(Op::add, {op(Op::mul, {a.real, b.imag}), op(Op::mul, {a.imag, b.real})})};
  };

  if (is_movement(e) || p == reduce_sum_p()) {
    Avals real = avals;
    for (Aval& a : real) a = a.with_dtype(part_dtype(a.dtype));
    std::vector<ValueId> re, im;
    for (const ValueId v : in) {
      const bool moved = complex_value(v);   // indices are not
      re.push_back(moved ? parts(v).real : v);
      im.push_back(moved ? parts(v).imag : v);
    }
    re = rewrite(e, re, real);
    im = rewrite(e, im, real);
    std::vector<ValueId> results;
    for (std::size_t i = 0; i < avals.size(); ++i) results.push_back(join({re[i], im[i]}, avals[i].dtype));
    return results;
  }
  if (auto v = rewrite_scatter(e, in, out)) return std::vector{*v};
  if (p == select_n_p() && dtype(in[0]) == DType::bool_ && in.size() == 3) {
    const Parts no = parts(in[1]), yes = parts(in[2]);
    return done({op(Op::select, {in[0], yes.real, no.real}), op(Op::select, {in[0], yes.imag, no.imag})});
  }
  if (std::ranges::any_of(in, [&](ValueId v) { return dtype(v) == DType::key; }) || out.dtype == DType::key) return std::nullopt;
  if (p == complex_p()) {
    const auto whole = [&](ValueId v) { return dims(v) == out.dims() ? v : op(Op::mul, {v, number(part.dtype, 1)}); };   // an axis of 1 repeats
    return done({whole(in[0]), whole(in[1])});
  }
  if (p == real_p()) return std::vector{parts(in[0]).real};
  if (p == imag_p()) return std::vector{parts(in[0]).imag};
  if (p == conj_p()) {
    if (!complex_value(in[0])) return std::nullopt;
    return done({parts(in[0]).real, op(Op::neg, {parts(in[0]).imag})});
  }
  if (p == neg_p()) return done({op(Op::neg, {parts(in[0]).real}), op(Op::neg, {parts(in[0]).imag})});
  for (const auto& [primitive, o] : {std::pair(add_p(), Op::add), std::pair(add_any_p(), Op::add), std::pair(sub_p(), Op::sub)})
    if (p == primitive) {
      const Parts a = parts(in[0]), b = parts(in[1]);
      return done({op(o, {a.real, b.real}), op(o, {a.imag, b.imag})});
    }
  if (p == mul_p()) return done(multiplied(parts(in[0]), parts(in[1])));
  if (p == square_p()) return done(multiplied(parts(in[0]), parts(in[0])));
  if (p == integer_pow_p()) {
    std::int64_t y = e.params.get<IntegerPow>().y;
    if (y < 1) return std::nullopt;
    Parts base = parts(in[0]), result = base;
    bool first = true;
    for (; y; y >>= 1) {   // binary powers
      if (y & 1) result = std::exchange(first, false) ? base : multiplied(result, base);
      if (y > 1) base = multiplied(base, base);
    }
    return done(result);
  }
  if (p == eq_p() || p == ne_p()) {
    const Parts a = parts(in[0]), b = parts(in[1]);
    const Op each = p == eq_p() ? Op::eq : Op::ne;
    return std::vector{scalar_op(p == eq_p() ? Op::bit_and : Op::bit_or, {scalar_op(each, {a.real, b.real}, out), scalar_op(each, {a.imag, b.imag}, out)}, out)};
  }
  if (p == convert_element_type_p()) {
    const auto converted = [&](ValueId v) { return dtype(v) == part.dtype ? v : op(Op::convert, {v}); };
    if (complex_value(in[0])) {
      if (out.dtype == DType::bool_) return std::nullopt;
      const Parts z = parts(in[0]);
      return is_complex(out.dtype) ? done({converted(z.real), converted(z.imag)}) : std::vector{converted(z.real)};
    }
    return done({converted(in[0]), broadcast(number(part.dtype, 0), out.dims(), {})});
  }
  if (p == exp_p()) {   // e^x (cos y + i sin y); the imaginary part is 0 for real z even where e^x is infinite
    const Parts z = parts(in[0]);
    const ValueId length = op(Op::exp, {z.real}), sine = op(Op::mul, {length, op(Op::sin, {z.imag})});
    const ValueId is_real = scalar_op(Op::eq, {z.imag, number(part.dtype, 0)}, out.with_dtype(DType::bool_));
    return done({op(Op::mul, {length, op(Op::cos, {z.imag})}), op(Op::select, {is_real, z.imag, sine})});
  }
  if (p == dot_general_p() && complex_value(in[0]) && complex_value(in[1]) && dtype(in[0]) == dtype(in[1])) {
    // Each part on its own in memory, where a product reads it fastest.
    const auto dense = [&](ValueId v) {
      const Aval aval = graph_.value(v).aval;
      return scalar_op(Op::mul, {v, broadcast(number(part.dtype, 1), aval.dims(), {})}, aval);
    };
    const auto split = [&](ValueId v) {
      const Parts z = parts(v);
      return Parts{dense(z.real), dense(z.imag)};
    };
    const Parts a = split(in[0]), b = split(in[1]);
    const auto dot = [&](ValueId x, ValueId y) { return rewrite(e, {x, y}, {part})[0]; };
    return done({op(Op::sub, {dot(a.real, b.real), dot(a.imag, b.imag)}), op(Op::add, {dot(a.real, b.imag), dot(a.imag, b.real)})});
  }
  return std::nullopt;
}

}  // namespace tf2jax::compiler
