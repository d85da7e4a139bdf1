// Loops over rows in several stages, beside the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

TEST(Compile, RowsOfSoftmaxAndLayerNormAreOneLoopNest) {
  const auto normalised = [](const Array& x) {
    const Array c = x - mean(x, -1, keepdims);
    return c * rsqrt(mean(square(c), -1, keepdims) + 1e-5f);
  };
  for (const Shape& shape : {Shape{3, 10}, Shape{64, 128}, Shape{4, 6, 50}}) {
    check_function([](const Array& x) { return softmax(x); }, values(shape));
    check_function([](const Array& x) { return log_softmax(x, 0); }, values(shape));
    check_function(normalised, values(shape));
    check_function(grad([&](const Array& x) { return sum(sin(normalised(x))); }), values(shape));
    check_function(grad([&](const Array& x) { return sum(square(softmax(x, 0))); }), values(shape));
  }
  EXPECT_EQ(steps(make_jaxpr([](const Array& x) { return softmax(x); })(spec(f32, {64, 128}))), 1);
  EXPECT_EQ(steps(make_jaxpr(normalised)(spec(f32, {64, 128}))), 1);
}

}  // namespace
}  // namespace tf2jax
