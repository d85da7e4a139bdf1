// Reductions as loops, beside the interpreter.
#include <cmath>

#include "check_program.h"

namespace tf2jax {
namespace {

TEST(Compile, Reductions) {
  for (const Shape& shape : {Shape{5, 7}, Shape{64, 100}, Shape{3, 5, 33}, Shape{1, 1000}, Shape{100000},
                             Shape{2, 70001}, Shape{17, 1, 4}}) {
    const Array x = values(shape);
    const auto rank = static_cast<std::int64_t>(shape.size());
    check_function([](const Array& a) { return sum(square(a)); }, x);
    check_function([](const Array& a) { return max(a, -1) + min(a, -1); }, x);
    check_function([](const Array& a) { return mean(exp(a), 0); }, x);
    check_function([](const Array& a) { return prod(a * 0.1f + 1.f, {0}); }, x);
    check_function([](const Array& a) { return std::pair{argmax(a, -1), argmin(a, 0)}; }, x);
    check_function([](const Array& a) { return any_true(greater(a, 2.f), 0); }, x);
    if (rank == 3) check_function([](const Array& a) { return sum(a, {0, 2}) * 2.f; }, x);
    if (rank == 3) check_function([](const Array& a) { return sum(transpose(a, {2, 1, 0}), 1); }, x);
  }
}

}  // namespace
}  // namespace tf2jax
