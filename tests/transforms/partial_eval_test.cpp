// Partial evaluation: what is known is computed, the rest is a program.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "tf2jax/transforms/partial_eval.h"

namespace tf2jax {
namespace {

TEST(PartialEvalFlat, ComputesWhatIsKnown) {
  const PartialEvalFlat r =
      partial_eval_flat([](const Arrays& x) { return Arrays{sin(x[0]) * x[1], x[0] + 1.f, x[1]}; },
                        {Array(2.f), Array()}, {spec(f32), spec(f32)});
  EXPECT_EQ(r.unknown_out, (Mask{true, false, true}));
  EXPECT_FALSE(r.known_outs[0].has_value());
  expect_close(r.known_outs[1], {3});
  EXPECT_EQ(r.unknown->eqns.size(), 1u);  // the sine is not in it
  const Arrays out = eval_jaxpr(r.unknown, Arrays{Array(10.f)});
  expect_close(out[0], {10 * std::sin(2.0)});
  expect_close(out[1], {10});
}

TEST(PartialEvalFlat, OutputsMayBeAskedForEvenWhenKnown) {
  const PartialEvalFlat r =
      partial_eval_flat([](const Arrays& x) { return Arrays{x[0] * 2.f}; }, {Array(2.f)}, {spec(f32)}, {true});
  EXPECT_EQ(r.unknown_out, Mask{true});
  expect_close(eval_jaxpr(r.unknown, Arrays{})[0], {4});
}

TEST(PartialEvalJaxpr, HandsResidualsFromOneProgramToTheOther) {
  const Jaxpr j = make_jaxpr([](const Array& x, const Array& y) { return std::tuple(sin(x) * y, cos(x)); })(1.f, 1.f);
  const PartialEvalJaxpr p = partial_eval_jaxpr(j, {false, true}, {false, false});
  check_jaxpr(p.known);
  check_jaxpr(p.unknown);
  EXPECT_EQ(p.unknown_out, (Mask{true, false}));
  ASSERT_EQ(p.num_residuals, 1u);
  const Arrays known = eval_jaxpr(p.known, Arrays{Array(2.f)});
  expect_close(known[0], {std::cos(2.0)});
  expect_close(eval_jaxpr(p.unknown, Arrays{known[1], Array(10.f)})[0], {10 * std::sin(2.0)});
}

TEST(PartialEvalJaxpr, OfCallsSplitsTheirPrograms) {
  const auto inner = jit([](const Array& x, const Array& y) { return std::tuple(sin(x), sin(x) * y); });
  const PartialEvalFlat r = partial_eval_flat(
      [&](const Arrays& x) {
        const auto [a, b] = inner(x[0], x[1]);
        return Arrays{a, b};
      },
      {Array(2.f), Array()}, {spec(f32), spec(f32)});
  EXPECT_EQ(r.unknown_out, (Mask{false, true}));
  expect_close(r.known_outs[0], {std::sin(2.0)});
  expect_close(eval_jaxpr(r.unknown, Arrays{Array(10.f)})[0], {10 * std::sin(2.0)});
  EXPECT_EQ(to_string(r.unknown).find("sin"), std::string::npos) << to_string(r.unknown);
}

}  // namespace
}  // namespace tf2jax
