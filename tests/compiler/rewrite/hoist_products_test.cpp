// Products that leave loops, beside the interpreter.
#include "check_program.h"

namespace tf2jax {
namespace {

struct Lstm {
  Array wi, wh, b;
};
Array lstm_loss(const Lstm& p, const Array& xs) {
  const std::int64_t n = p.wh.shape()[0].value(), batch = xs.shape()[1].value();
  const auto cell = [&](const std::pair<Array, Array>& state, const Array& x) {
    const auto& [c, h] = state;
    const Array gates = matmul(x, p.wi) + matmul(h, p.wh) + p.b;
    const auto gate = [&](std::int64_t k) { return gates(all, slice(k * n, (k + 1) * n)); };
    const Array next = logistic(gate(1)) * c + logistic(gate(0)) * tanh(gate(2));
    const Array out = logistic(gate(3)) * tanh(next);
    return std::pair{std::pair{next, out}, out};
  };
  const auto [last, hs] = scan(cell, std::pair{zeros({batch, n}), zeros({batch, n})}, xs);
  return sum(square(hs)) + sum(last.first);
}

TEST(Compile, ProductsLeaveScans) {
  const Lstm p{values({6, 20}) * 0.3f, values({5, 20}, 1) * 0.3f, values({20}, 2)};
  const auto f = [](const Array& wi, const Array& wh, const Array& b, const Array& xs) {
    return lstm_loss({wi, wh, b}, xs);
  };
  const Array xs = values({7, 3, 6}, 3);
  check_function(f, p.wi, p.wh, p.b, xs);
  check_function(grad<0, 1, 2, 3>(f), p.wi, p.wh, p.b, xs);
  // Inputs and gradients of weights are multiplied outside the loops, the 3 rows of all 7 steps at once.
  const std::string plan = default_backend().compile(make_jaxpr(grad<0, 1, 2>(f))(p.wi, p.wh, p.b, xs), {})->explain();
  for (const char* product : {"21x20x6", "20x6x21", "20x5x21"})
    EXPECT_NE(plan.find(product), std::string::npos) << plan;
}

}  // namespace
}  // namespace tf2jax
