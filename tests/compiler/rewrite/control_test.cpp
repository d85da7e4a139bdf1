// Control flow in graphs, beside the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

TEST(Compile, ControlFlow) {
  check_function(
      [](const Array& x) {
        return scan([](const Array& c, const Array& v) { return std::pair{c * 0.5f + v, sin(c)}; }, zeros({4}), x);
      },
      values({9, 4}));
  check_function(
      grad([](const Array& x) {
        return sum(scan([](const Array& c, const Array& v) { return std::pair{tanh(c + v), c}; }, zeros({4}), x).first);
      }),
      values({9, 4}));
  check_function(
      [](const Array& x) {
        return while_loop([](const Array& v) { return less(sum(v), 100.f); },
                          [](const Array& v) { return v * 1.5f + 1.f; }, x);
      },
      values({5}));
  for (const float s : {-1.f, 1.f})
    check_function(
        [](const Array& x, const Array& p) {
          return cond(greater(p, 0.f), [](const Array& v) { return sin(v); }, [](const Array& v) { return v; }, x);
        },
        values({5}), Array(s));
  check_function(
      [](const Array& x) {
        return fori_loop(0, 7, [](const Array& i, const Array& v) { return v * 0.9f + astype(i, f32); }, x);
      },
      values({3}));
}

}  // namespace
}  // namespace tf2jax
