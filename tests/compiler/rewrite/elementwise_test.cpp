// Elementwise chains as loops, beside the interpreter.
#include <cmath>

#include "check_program.h"

namespace tf2jax {
namespace {

TEST(Compile, ElementwiseChainsBecomeOneLoop) {
  const auto f = [](const Array& x) { return sin(cos(x)) * 2.f + exp(-square(x)); };
  check_function(f, values({1000003}));
  EXPECT_EQ(steps(make_jaxpr(f)(spec(f32, {1000}))), 1);
}

TEST(Compile, OddSizesAndScalars) {
  for (const std::int64_t n : {1, 2, 7, 15, 16, 17, 31, 33, 64, 65, 100})
    check_function([](const Array& x, const Array& s) { return tanh(x * s) - s; }, values({n}), Array(0.75f));
  check_function([](const Array& s) { return s * s + 1.f; }, Array(3.f));
}

TEST(Compile, OtherDtypes) {
  for (const DType d : {i8, i16, i32, u8, u16, u32, f16, bf16, f32, bool_}) {
    const Array x = astype(values({3, 37}) * 20.f, d), y = astype(values({3, 37}, 1) * 9.f, d);
    if (d == bool_) {
      check_function([](const Array& a, const Array& b) { return logical_xor(a, !b); }, x, y);
      continue;
    }
    check_program(make_jaxpr([](const Array& a, const Array& b) { return maximum(a * b, a - b); })(x, y), {x, y}, 1e-6);
    check_program(make_jaxpr([](const Array& a, const Array& b) { return sum(where(less(a, b), a, b), 0); })(x, y),
                  {x, y}, d == f16 || d == bf16 ? 0.02 : 1e-6);
    check_program(make_jaxpr([](const Array& a, const Array& b) { return astype(a, f32) + astype(b, i32); })(x, y),
                  {x, y}, 1e-6);
  }
}

}  // namespace
}  // namespace tf2jax
