// Loop nests of groups, beside the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

TEST(Compile, LongPiecesOfConcatenationsAreLoopsOfTheirOwn) {
  const Array x = values({5, 40}), y = values({5, 64}, 1);
  const auto joined = [](const Array& a, const Array& b) { return tanh(concatenate({a, sin(b)}, 1)) * 2.f; };
  check_function(joined, x, y);
  EXPECT_EQ(steps(make_jaxpr(joined)(x, y)), 2);
  const auto gates = [](const Array& a) { return sum(sin(a(all, slice(0, 32)) * a(all, slice(32, 64))), 0); };
  check_function(gates, y);
  check_function(grad([&](const Array& a) { return sum(gates(a)); }), y);
  check_function(
      [&](const Array& a) {
        const Array g = grad([&](const Array& v) { return sum(gates(v)); })(a);
        return std::pair{g, sum(g, 0)};
      },
      y);
}

}  // namespace
}  // namespace tf2jax
