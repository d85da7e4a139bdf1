// Elementary functions of doubles.
#include "tf2jax/backends/llvm/codegen/internal/math.h"

namespace tf2jax::codegen {

Vec elementary_f64(loops::Op op, const Vec& x) {
  switch (op) {
    case loops::Op::rsqrt: return 1.0 / sqrt(x);
    default: return {};
  }
}

}  // namespace tf2jax::codegen
