// The primitives of random numbers.
#include "tf2jax/ops/random.h"

#include <algorithm>
#include <limits>

#include "tf2jax/base/config.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/internal/param_checks.h"
#include "tf2jax/ops/internal/random_gamma_grad.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {
namespace {

void check_keys(std::string_view name, const Aval& x) {
  check<DtypeError>(x.dtype == DType::key,
                    "{}: the operand must be keys. Got {}. Make them with random::key or random::wrap_key_data.", name,
                    x);
}
Shape joined(Shape a, const Shape& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
// Keys come first in the shapes of operands and results, so a mapped axis of them is one more leading axis.
auto leading_batch(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Axis> axes, Dim, const auto& p) -> BatchResult {
    return {self().bind({rules::mapped_to_front(x[0], axes[0])}, p), {0}};
  };
}
auto paired_batch(PrimitiveFn self) {
  return [=](std::span<const Array> x, std::span<const Axis> axes, Dim size, const auto& p) -> BatchResult {
    const Array a = rules::to_front(x[0], axes[0], size), b = rules::to_front(x[1], axes[1], size);
    return {self().bind({a, b}, p), {0}};
  };
}

double least_normal(DType dtype) {
  return dtype == DType::f64 ? std::numeric_limits<double>::min() : dtype == DType::f16 ? 0x1p-14 : 0x1p-126;
}
// With the logarithm of a draw d(log x) = dx / x; a draw that vanished is the least number.
JvpResult gamma_jvp(std::span<const Array> x, std::span<const Tangent> t, const RandomGamma& p) {
  Array y = random_gamma_p().bind1({x[0], x[1]}, p);
  if (t[1].is_zero()) return {{y}, {Tangent::zero(y.aval())}};
  const Array draw = p.log_space ? maximum(exp(y), full_like(y, least_normal(y.dtype()))) : y;
  const Array slope = random_gamma_grad(x[1], draw);
  return {{y}, {Tangent(mul(t[1].value(), p.log_space ? div(slope, draw) : slope))}};
}

}  // namespace

void RandomBits::after_read(ParamReader&) { partitionable = config().threefry_partitionable; }
void RandomSplit::after_read(ParamReader&) { partitionable = config().threefry_partitionable; }
void RandomGamma::after_read(ParamReader&) { partitionable = config().threefry_partitionable; }

const Primitive& threefry2x32_p() {
  static const Primitive p = make_primitive({
      .name = "threefry2x32",
      .operands = 4,
      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals {
        check(x.size() == 4, "threefry2x32: the number of operands is wrong. Got {}; expected 4.", x.size());
        for (const Aval& a : x)
          check<DtypeError>(a.dtype == DType::u32, "threefry2x32: the operands must be u32. Got {}.", a);
        const Aval out{DType::u32, rules::elementwise_shape("threefry2x32", x), false};
        return {out, out};
      },
      .jvp = rules::jvp_zero(threefry2x32_p),
      .batch = [](std::span<const Array> x, std::span<const Axis> axes, Dim size, const NoParams&) -> BatchResult {
        Arrays in;
        for (std::size_t i = 0; i < x.size(); ++i) in.push_back(rules::to_front(x[i], axes[i], size));
        std::int64_t rank = 0;
        for (const Array& a : in) rank = std::max(rank, a.rank());
        for (Array& a : in)
          while (a.rank() < rank) a = expand_dims(a, {a.rank()});
        return {threefry2x32_p().bind(in), {0, 0}};
      },
  });
  return p;
}

const Primitive& random_seed_p() {
  static const Primitive p = make_primitive<KeyImpl>(
      {.name = "random_seed",
       .operands = 1,
       .aval = [](std::span<const Aval> x, const KeyImpl&) -> Avals {
         check<DtypeError>(is_integer(x[0].dtype), "random_seed: the seed must be an integer. Got {}.", x[0]);
         return {Aval{DType::key, x[0].shape, false}};
       },
       .jvp = rules::jvp_zero(random_seed_p),
       .batch = rules::batch_unary(random_seed_p)});
  return p;
}
const Primitive& random_wrap_p() {
  static const Primitive p = make_primitive<KeyImpl>(
      {.name = "random_wrap",
       .operands = 1,
       .aval = [](std::span<const Aval> x, const KeyImpl&) -> Avals {
         check<DtypeError>(x[0].dtype == DType::u32 && x[0].rank() >= 1 && identical(x[0].shape.back(), Dim(2)),
                           "random_wrap: key data must be u32[…,2]. Got {}.", x[0]);
         return {Aval{DType::key, Shape(x[0].shape.begin(), x[0].shape.end() - 1), false}};
       },
       .jvp = rules::jvp_zero(random_wrap_p),
       .batch = leading_batch(random_wrap_p)});
  return p;
}
const Primitive& random_unwrap_p() {
  static const Primitive p = make_primitive({.name = "random_unwrap",
                                             .operands = 1,
                                             .aval = [](std::span<const Aval> x, const NoParams&) -> Avals {
                                               check_keys("random_unwrap", x[0]);
                                               return {Aval{DType::u32, joined(x[0].shape, {2}), false}};
                                             },
                                             .jvp = rules::jvp_zero(random_unwrap_p),
                                             .batch = leading_batch(random_unwrap_p)});
  return p;
}
const Primitive& random_bits_p() {
  static const Primitive p =
      make_primitive<RandomBits>({.name = "random_bits",
                                  .operands = 1,
                                  .aval = [](std::span<const Aval> x, const RandomBits& b) -> Avals {
                                    check_keys("random_bits", x[0]);
                                    const DType dtype = b.bit_width == 8    ? DType::u8
                                                        : b.bit_width == 16 ? DType::u16
                                                        : b.bit_width == 64 ? DType::u64
                                                                            : DType::u32;
                                    rules::check_sizes("random_bits", "shape", b.shape);
                                    check(itemsize(dtype) * 8 == b.bit_width,
                                          "random_bits: bit_width must be 8, 16, 32 or 64. Got {}.", b.bit_width);
                                    return {Aval{dtype, joined(x[0].shape, b.shape), false}};
                                  },
                                  .jvp = rules::jvp_zero(random_bits_p),
                                  .batch = leading_batch(random_bits_p)});
  return p;
}
const Primitive& random_split_p() {
  static const Primitive p =
      make_primitive<RandomSplit>({.name = "random_split",
                                   .operands = 1,
                                   .aval = [](std::span<const Aval> x, const RandomSplit& s) -> Avals {
                                     check_keys("random_split", x[0]);
                                     rules::check_sizes("random_split", "shape", s.shape);
                                     return {Aval{DType::key, joined(x[0].shape, s.shape), false}};
                                   },
                                   .jvp = rules::jvp_zero(random_split_p),
                                   .batch = leading_batch(random_split_p)});
  return p;
}
const Primitive& random_fold_in_p() {
  static const Primitive p =
      make_primitive({.name = "random_fold_in",
                      .operands = 2,
                      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals {
                        check_keys("random_fold_in", x[0]);
                        check<DtypeError>(x[1].dtype == DType::u32, "random_fold_in: data must be u32. Got {}.", x[1]);
                        return {Aval{DType::key, rules::elementwise_shape("random_fold_in", x), false}};
                      },
                      .jvp = rules::jvp_zero(random_fold_in_p),
                      .batch = paired_batch(random_fold_in_p)});
  return p;
}
const Primitive& random_gamma_p() {
  static const Primitive p = make_primitive<RandomGamma>(
      {.name = "random_gamma",
       .operands = 2,
       .aval = [](std::span<const Aval> x, const RandomGamma&) -> Avals {
         check_keys("random_gamma", x[0]);
         check<DtypeError>(is_floating(x[1].dtype), "random_gamma: the parameter must be floating. Got {}.", x[1]);
         return {Aval{x[1].dtype, x[1].shape, false}};
       },
       .jvp = gamma_jvp,
       .batch = paired_batch(random_gamma_p)});
  return p;
}

void append_random_primitives(std::vector<Primitive>& out) {
  for (PrimitiveFn p : {threefry2x32_p, random_seed_p, random_wrap_p, random_unwrap_p, random_bits_p, random_split_p,
                        random_fold_in_p, random_gamma_p, rng_bit_generator_p})
    out.push_back(p());
}

}  // namespace tf2jax
