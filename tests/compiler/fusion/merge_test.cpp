// Groups that are joined, beside the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

// The readers' condition on the row's position is none on the elements that are summed.
TEST(Compile, PartsOfNormalizedRowsAreJoined) {
  check_function(
      [](const Array& x, const Array& y) {
        const Array z = x - mean(x, 0, keepdims);
        return concatenate({z(slice(3, {})), y(slice(0, 3))}, 0);
      },
      values({17, 17}), values({17, 17}, 1));
  check_function([](const Array& x) { return pad(x / sum(exp(x), 1, keepdims), Array(0.f), {{1, 0, 0}, {2, -3, 0}}); },
                 values({9, 30}));
}

}  // namespace
}  // namespace tf2jax
