// The hash behind random numbers.
// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011: threefry2x32 with 20 rounds.
#include "tf2jax/compiler/codegen/math/internal/math.h"

namespace tf2jax::codegen {

using loops::Op;

Vec hash(Op op, const Vec& k0, const Vec& k1, const Vec& counter) {
  constexpr int kRotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  Ir& ir = counter.ir();
  const auto rotated = [&](const Vec& x, std::int64_t n) {
    return map(x, x.of(n).like(x),
               [&](auto* v, auto* by) { return ir.call(llvm::Intrinsic::fshl, {v->getType()}, {v, v, by}); });
  };
  const Vec keys[] = {k0, k1, k0 ^ k1 ^ std::int64_t{0x1BD11BDA}};
  Vec x = k0, y = counter + k1;
  for (std::int64_t i = 0; i < 5; ++i) {
    for (const int n : kRotations[i % 2]) {
      x = x + y;
      y = rotated(y, n) ^ x;
    }
    x = x + keys[(i + 1) % 3];
    y = y + (keys[(i + 2) % 3] + (i + 1));
  }
  return op == Op::hash_first ? x : op == Op::hash_second ? y : x ^ y;
}

}  // namespace tf2jax::codegen
