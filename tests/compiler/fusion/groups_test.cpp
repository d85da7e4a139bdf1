// What is computed together, and what is summed there, beside the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

// Half of what is summed over became parallel, though the reshape that split it stayed outside.
TEST(Compile, ReshapesThatStayOutsideMaySplitWhatIsSummed) {
  check_function(
      [](const Array& b, const Array& c) {
        const Array d = eye(8) * pad(reshape(c(slice(55, 56)), {2}), Array(0.f), {{3, 3, 0}});
        return tanh(dot_general(b, transpose(d), {{0}, {0}, {}, {}}));
      },
      values({8}), values({100, 2}, 1));
}

}  // namespace
}  // namespace tf2jax
