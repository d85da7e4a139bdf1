// Complex arithmetic as arithmetic on real and imaginary parts, which lie side by side in memory: loops only see reals.
// Keys of random numbers move likewise as pairs of words. What is not here stays a call of its eager kernel: functions
// whose special values take more than a few operations.
#include <algorithm>
#include <utility>

#include "tf2jax/compiler/rewrite/table.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/reduce.h"

namespace tf2jax::compiler {

using loops::Op;

namespace {

/// What rewriters of complex arithmetic have at hand: operations on parts.
class PartsOf {
 public:
  PartsOf(GraphBuilder& b, const GraphEquation& e) : b(b), e(e), part(e.out().with_dtype(part_dtype(e.out().dtype))) {}

  bool is_complex(std::size_t k) const { return is_pair(b.dtype(e.in[k])); }
  ComplexParts operand(std::size_t k) const { return b.parts(e.in[k]); }
  ValueId op(Op o, const Values& in) const { return b.scalar_op(o, in, part); }
  ComplexParts product(const ComplexParts& x, const ComplexParts& y) const {
    return {op(Op::sub, {op(Op::mul, {x.real, y.real}), op(Op::mul, {x.imag, y.imag})}),
            op(Op::add, {op(Op::mul, {x.real, y.imag}), op(Op::mul, {x.imag, y.real})})};
  }
  ValueId join(const ComplexParts& z) const { return b.join(z, e.out().dtype); }

  GraphBuilder& b;
  const GraphEquation& e;
  const Aval part;  // of the result's parts
};

// Moves each part on its own; what is no pair, as indices, goes with both.
Rewritten each_part(GraphBuilder& b, const GraphEquation& e) {
  Avals avals = e.avals;
  for (Aval& a : avals) a = a.with_dtype(part_dtype(a.dtype));
  GraphEquation real{e.primitive, e.params, {}, avals}, imag = real;
  for (const ValueId v : e.in) {
    const ComplexParts z = is_pair(b.dtype(v)) ? b.parts(v) : ComplexParts{v, v};
    real.in.push_back(z.real);
    imag.in.push_back(z.imag);
  }
  const Values re = add_parts(b, real), im = add_parts(b, imag);
  Values out;
  for (std::size_t i = 0; i < e.avals.size(); ++i) out.push_back(b.join({re[i], im[i]}, e.avals[i].dtype));
  return out;
}

Rewritten gathered(GraphBuilder& b, const GraphEquation& e) {
  const GatherScatterMode mode = e.params.get<GatherParams>().mode;
  if (mode == GatherScatterMode::fill_or_drop || mode == GatherScatterMode::one_hot) return std::nullopt;
  return each_part(b, e);
}

Rewritten selected(GraphBuilder& b, const GraphEquation& e) {
  if (b.dtype(e.in[0]) != DType::bool_ || e.in.size() != 3) return std::nullopt;
  const PartsOf z(b, e);
  const ComplexParts no = z.operand(1), yes = z.operand(2);
  return z.join({z.op(Op::select, {e.in[0], yes.real, no.real}), z.op(Op::select, {e.in[0], yes.imag, no.imag})});
}

Rewritten made_of_parts(GraphBuilder& b, const GraphEquation& e) {
  const PartsOf z(b, e);
  const auto whole = [&](std::size_t k) {  // an axis of 1 repeats
    return b.dims(e.in[k]) == e.out().dims() ? e.in[k] : z.op(Op::mul, {e.in[k], b.number(z.part.dtype, 1)});
  };
  return z.join({whole(0), whole(1)});
}

Rewritten real_part(GraphBuilder& b, const GraphEquation& e) { return b.parts(e.in[0]).real; }
Rewritten imaginary_part(GraphBuilder& b, const GraphEquation& e) { return b.parts(e.in[0]).imag; }

Rewritten conjugate(GraphBuilder& b, const GraphEquation& e) {
  const PartsOf z(b, e);
  if (!z.is_complex(0)) return std::nullopt;
  const ComplexParts x = z.operand(0);
  return z.join({x.real, z.op(Op::neg, {x.imag})});
}

Rewritten negative(GraphBuilder& b, const GraphEquation& e) {
  const PartsOf z(b, e);
  const ComplexParts x = z.operand(0);
  return z.join({z.op(Op::neg, {x.real}), z.op(Op::neg, {x.imag})});
}

Rewriter by_parts(Op op) {
  return [op](GraphBuilder& b, const GraphEquation& e) -> Rewritten {
    const PartsOf z(b, e);
    const ComplexParts x = z.operand(0), y = z.operand(1);
    return z.join({z.op(op, {x.real, y.real}), z.op(op, {x.imag, y.imag})});
  };
}

Rewritten product(GraphBuilder& b, const GraphEquation& e) {
  const PartsOf z(b, e);
  const ComplexParts x = z.operand(0), y = z.operand(1);
  return z.join(z.product(x, y));
}

Rewritten square(GraphBuilder& b, const GraphEquation& e) {
  const PartsOf z(b, e);
  return z.join(z.product(z.operand(0), z.operand(0)));
}

// Binary powers.
Rewritten integer_power(GraphBuilder& b, const GraphEquation& e) {
  std::int64_t y = e.params.get<IntegerPow>().y;
  if (y < 1) return std::nullopt;
  const PartsOf z(b, e);
  ComplexParts base = z.operand(0), result = base;
  for (bool first = true; y; y >>= 1) {
    if (y & 1) result = std::exchange(first, false) ? base : z.product(result, base);
    if (y > 1) base = z.product(base, base);
  }
  return z.join(result);
}

// Both parts compared, and the results combined.
Rewriter compared(Op each, Op combine) {
  return [each, combine](GraphBuilder& b, const GraphEquation& e) -> Rewritten {
    const ComplexParts x = b.parts(e.in[0]), y = b.parts(e.in[1]);
    const ValueId real = b.scalar_op(each, {x.real, y.real}, e.out());
    return b.scalar_op(combine, {real, b.scalar_op(each, {x.imag, y.imag}, e.out())}, e.out());
  };
}

Rewritten converted(GraphBuilder& b, const GraphEquation& e) {
  const PartsOf z(b, e);
  const auto as_part = [&](ValueId v) { return b.dtype(v) == z.part.dtype ? v : z.op(Op::convert, {v}); };
  if (!z.is_complex(0)) return z.join({as_part(e.in[0]), b.broadcast(b.number(z.part.dtype, 0), e.out().dims(), {})});
  if (e.out().dtype == DType::bool_) return std::nullopt;
  const ComplexParts x = z.operand(0);
  if (!is_complex(e.out().dtype)) return as_part(x.real);
  return z.join({as_part(x.real), as_part(x.imag)});
}

// e^x (cos y + i sin y); the imaginary part is 0 for real z even where e^x is infinite.
Rewritten exponential(GraphBuilder& b, const GraphEquation& e) {
  const PartsOf z(b, e);
  const ComplexParts x = z.operand(0);
  const ValueId length = z.op(Op::exp, {x.real}), sine = z.op(Op::mul, {length, z.op(Op::sin, {x.imag})});
  const ValueId is_real = b.scalar_op(Op::eq, {x.imag, b.number(z.part.dtype, 0)}, e.out().with_dtype(DType::bool_));
  return z.join({z.op(Op::mul, {length, z.op(Op::cos, {x.imag})}), z.op(Op::select, {is_real, x.imag, sine})});
}

Rewritten dot(GraphBuilder& b, const GraphEquation& e) {
  const PartsOf z(b, e);
  if (!z.is_complex(0) || !z.is_complex(1) || b.dtype(e.in[0]) != b.dtype(e.in[1])) return std::nullopt;
  // Each part on its own in memory, where a product reads it fastest.
  const auto dense = [&](ValueId v) {
    const Aval aval = b.value(v).aval;
    return b.scalar_op(Op::mul, {v, b.broadcast(b.number(z.part.dtype, 1), aval.dims(), {})}, aval);
  };
  const auto split = [&](std::size_t k) {
    const ComplexParts x = z.operand(k);
    return ComplexParts{dense(x.real), dense(x.imag)};
  };
  const ComplexParts x = split(0), y = split(1);
  const auto real = [&](ValueId l, ValueId r) { return add_parts(b, {e.primitive, e.params, {l, r}, {z.part}})[0]; };
  return z.join({z.op(Op::sub, {real(x.real, y.real), real(x.imag, y.imag)}),
                 z.op(Op::add, {real(x.real, y.imag), real(x.imag, y.real)})});
}

// Keys are moved and selected, not computed with.
Rewriter on_numbers(Rewriter rewriter) {
  return [rewriter = std::move(rewriter)](GraphBuilder& b, const GraphEquation& e) -> Rewritten {
    const auto is_key = [&](ValueId v) { return b.dtype(v) == DType::key; };
    if (std::ranges::any_of(e.in, is_key) || e.out().dtype == DType::key) return std::nullopt;
    return rewriter(b, e);
  };
}

}  // namespace

void append_complex_rewrites(RewriteTable& t) {
  const Primitive moved[] = {broadcast_in_dim_p(),
                             reshape_p(),
                             squeeze_p(),
                             transpose_p(),
                             slice_p(),
                             tile_p(),
                             stack_p(),
                             rev_p(),
                             concatenate_p(),
                             dynamic_slice_p(),
                             pad_p(),
                             split_p(),
                             unstack_p(),
                             copy_p(),
                             stop_gradient_p(),
                             reduce_sum_p()};
  for (const Primitive& p : moved) t.set(Turn::pairs, p, each_part);
  t.set(Turn::pairs, gather_p(), gathered);
  t.set(Turn::pairs, select_n_p(), selected);
  const std::pair<Primitive, Rewriter> arithmetic[] = {
      {complex_p(), made_of_parts},
      {real_p(), real_part},
      {imag_p(), imaginary_part},
      {conj_p(), conjugate},
      {neg_p(), negative},
      {add_p(), by_parts(Op::add)},
      {add_any_p(), by_parts(Op::add)},
      {sub_p(), by_parts(Op::sub)},
      {mul_p(), product},
      {square_p(), square},
      {integer_pow_p(), integer_power},
      {eq_p(), compared(Op::eq, Op::bit_and)},
      {ne_p(), compared(Op::ne, Op::bit_or)},
      {convert_element_type_p(), converted},
      {exp_p(), exponential},
      {dot_general_p(), dot},
  };
  for (const auto& [p, rewriter] : arithmetic) t.set(Turn::pairs, p, on_numbers(rewriter));
}

}  // namespace tf2jax::compiler
