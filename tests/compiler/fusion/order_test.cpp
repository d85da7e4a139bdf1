// The order of groups and of what they write, beside the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

// A slice that turns out to be the whole reads its operand from memory, before a loop over the operand's elements ends.
TEST(Compile, OperandsOfIndexedReadsAreWrittenBefore) {
  const Array x = values({7}), at = array<int>({4, 2, 9, 0, 1, 6, 3});
  check_function(
      [](const Array& a, const Array& i) {
        const Array y = a * 2.f + 1.f;
        return std::pair{dynamic_slice(y, Arrays{i(0)}, {7}), rev(y, {0})};
      },
      x, at);
  check_function(
      [](const Array& a, const Array& i) {
        const Array y = maximum(a, 0.1f);
        return std::tuple{take(y, i, 0) + y, y, rev(y, {0})};
      },
      x, at);
  check_function(
      [](const Array& a, const Array& i) {
        const Array y = reshape(tanh(a), {7, 1});
        return std::tuple{dynamic_slice(y, Arrays{i(1), i(1)}, {7, 1}) - y, y};
      },
      x, at);
}

}  // namespace
}  // namespace tf2jax
