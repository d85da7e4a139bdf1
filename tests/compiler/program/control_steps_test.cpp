// Loops and branches as steps of a program.
#include "check_program.h"

namespace tf2jax {
namespace {

TEST(Compile, LoopsPrepareTheirWeightsOnce) {
  const auto f = [](const Array& w, const Array& h) {
    return scan([&](const Array& c, const Array&) { return std::pair{tanh(matmul(c, w)), matmul(c, transpose(w))}; }, h,
                zeros({6}));
  };
  const auto run = [&](const Array& w, const Array& h) { return f(w, h).first; };
  const auto until = [](const Array& w, const Array& h) {
    return while_loop(
               [](const std::pair<Array, Array>& s) { return s.first < 5; },
               [&](const std::pair<Array, Array>& s) { return std::pair{s.first + 1, tanh(matmul(s.second, w))}; },
               std::pair{full(Shape{}, 0), h})
        .second;
  };
  const Array h = values({24, 96});
  const auto stays = default_backend().compile(make_jaxpr(run)(values({96, 96}), h), {});
  for (const int seed : {1, 2}) {  // prepared again for each run
    const Array w = 0.1f * values({96, 96}, seed);
    check_function(f, w, h);
    check_function(until, w, h);
    check_function(grad<0, 1>([&](const Array& a, const Array& b) { return sum(square(run(a, b))); }), w, h);
    expect_close(stays->run({{w, h}})[0], run(w, h), "with other weights", 2e-5);
  }
}

}  // namespace
}  // namespace tf2jax
