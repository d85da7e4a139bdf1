// Movements inside loops, beside the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

TEST(Compile, Movements) {
  const Array x = values({4, 6, 10}), y = values({6, 4}, 1);
  check_function([](const Array& a) { return transpose(a, {2, 0, 1}) + 1.f; }, x);
  check_function([](const Array& a) { return reshape(exp(transpose(a, {1, 0, 2})), {12, 20}) * 2.f; }, x);
  check_function([](const Array& a) { return a(slice(1, {}), slice({}, {}, 2), slice(2, 9, 3)) * 2.f; }, x);
  check_function([](const Array& a) { return rev(a, {1, 2}) + a; }, x);
  check_function([](const Array& a, const Array& b) { return a + broadcast_in_dim(transpose(b), {4, 6, 10}, {0, 1}); },
                 x, y);
  check_function([](const Array& a) { return concatenate({a * 2.f, sin(a), a(all, slice(0, 1))}, 1); }, x);
  check_function([](const Array& a) { return pad(exp(a), Array(-1.f), {{1, 2, 0}, {0, -1, 0}, {-2, 3, 0}}) * 3.f; }, x);
  check_function([](const Array& a) { return stack({a(0), a(1) * 2.f}, 2); }, x);
}

TEST(Compile, EmptyArrays) {
  check_function([](const Array& x) { return sum(sin(x), 0); }, zeros({0, 3}));
  check_function([](const Array& x) { return concatenate({x, ones({2, 3})}, 0) + 1.f; }, zeros({0, 3}));
}

}  // namespace
}  // namespace tf2jax
