// rng_bit_generator: primitive and rules.
#include <algorithm>
#include <array>

#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/param_checks.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {
namespace {

constexpr std::array kAlgorithms{"RNG_DEFAULT", "RNG_THREE_FRY", "RNG_PHILOX"};

void check_state(const Aval& x, RngAlgorithm algorithm) {
  check<DtypeError>(x.dtype == DType::u32 || x.dtype == DType::u64,
                    "rng_bit_generator: the state must be u32[4] or u64[2]. Got {}.", x);
  const auto is = [&](DType dtype, std::int64_t size) {
    return x.dtype == dtype && identical(x.shape, Shape{Dim(size)});
  };
  const bool wide = is(DType::u64, 3) && algorithm != RngAlgorithm::three_fry;
  check<ShapeError>(is(DType::u32, 4) || is(DType::u64, 2) || wide,
                    "rng_bit_generator: the state must be u32[4], u64[2] or, for Philox, u64[3]. Got {}.", x);
}

}  // namespace

std::string param_text(RngAlgorithm v) { return kAlgorithms.begin()[static_cast<int>(v)]; }
void read_param(const ParsedValue& v, RngAlgorithm& out) {
  std::string name;
  read_param(v, name);
  const auto at = std::ranges::find(kAlgorithms, name);
  check<ParseError>(at != kAlgorithms.end(),
                    "parse_jaxpr: algorithm must be RNG_DEFAULT, RNG_THREE_FRY or RNG_PHILOX. Got {}.", name);
  out = static_cast<RngAlgorithm>(at - kAlgorithms.begin());
}

const Primitive& rng_bit_generator_p() {
  static const Primitive p = make_primitive<RngBitGenerator>(
      {.name = "rng_bit_generator",
       .operands = 1,
       .aval = [](std::span<const Aval> x, const RngBitGenerator& g) -> Avals {
         check_state(x[0], g.algorithm);
         check<DtypeError>(is_unsigned_integer(g.dtype),
                           "rng_bit_generator: the dtype must be u8, u16, u32 or u64. Got {}.", g.dtype);
         rules::check_sizes("rng_bit_generator", "shape", g.shape);
         return {Aval{x[0].dtype, x[0].shape, false}, Aval{g.dtype, g.shape, false}};
       },
       .jvp = rules::jvp_zero(rng_bit_generator_p),
       .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim size,
                   const RngBitGenerator& g) -> BatchResult {
         // One stream for all examples, from the first one's state, which alone goes on: JAX's rule.
         const Array states = rules::mapped_to_front(x[0], axes[0]);
         RngBitGenerator all = g;
         all.shape.insert(all.shape.begin(), size);
         if (identical(size, Dim(0))) return {{states, zeros(all.shape, g.dtype)}, {0, 0}};
         const Array first = slice_in_dim(states, 0, 1, 1, 0);
         const Arrays out = rng_bit_generator_p().bind({squeeze(first, {0})}, all);
         const Array rest = slice(states, {Dim(1), Dim(0)}, states.shape());
         return {{concatenate({expand_dims(out[0], {0}), rest}, 0), out[1]}, {0, 0}};
       }});
  return p;
}

std::pair<Array, Array> rng_bit_generator(const Array& state, const Shape& shape, DType dtype, RngAlgorithm algorithm) {
  const Arrays out = rng_bit_generator_p().bind({state}, RngBitGenerator{algorithm, dtype, shape});
  return {out[0], out[1]};
}

}  // namespace tf2jax
