// Programs: where outputs come from, runs beside one another, and what depends on steady inputs alone.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "tf2jax/compiler/compile.h"

namespace tf2jax {
namespace {

using compiler::ArenaBlock;
using compiler::compile_program;
using compiler::OutputSource;

template <class F, class... A>
std::shared_ptr<const compiler::Program> compiled_program(const F& f, const A&... args) {
  return compile_program(make_jaxpr(f)(args...), {});
}

TEST(Program, RunsOnRawMemory) {
  const auto p =
      compiled_program([](const Array& x, const Array& y) { return std::pair{x + y, sum(x)}; }, ones({3}), ones({3}));
  float x[] = {1, 2, 3}, y[] = {10, 20, 30}, added[3], total[1];
  void* const in[] = {x, y};
  void* const out[] = {added, total};
  const ArenaBlock arena(p->arena_bytes);
  p->run(in, out, arena.data());
  EXPECT_EQ(std::vector<float>(added, added + 3), (std::vector<float>{11, 22, 33}));
  EXPECT_EQ(total[0], 6);
}

TEST(Program, OutputsThatAreNotComputed) {
  const auto p = compiled_program(
      [](const Array& x) {
        const Array y = sin(x);
        return std::tuple{x, Array(2.f), y, y};
      },
      ones({3}));
  ASSERT_EQ(p->sources.size(), 4u);
  EXPECT_EQ(p->sources[0].kind, OutputSource::Kind::input);
  EXPECT_EQ(p->sources[0].index, 0u);
  EXPECT_EQ(p->sources[1].kind, OutputSource::Kind::constant);
  EXPECT_EQ(p->sources[1].constant.item<float>(), 2);
  EXPECT_EQ(p->sources[2].kind, OutputSource::Kind::written);
  EXPECT_EQ(p->sources[3].kind, OutputSource::Kind::output);
  EXPECT_EQ(p->sources[3].index, 2u);
}

TEST(Program, CostsAndMemoryAreThoseOfItsSteps) {
  const auto p = compiled_program([](const Array& x) { return sort(matmul(x, x)); }, ones({64, 64}));
  EXPECT_EQ(p->cost().steps, static_cast<std::int64_t>(p->steps.size()));
  EXPECT_GE(p->cost().flops, 2.0 * 64 * 64 * 64);
  EXPECT_GE(p->arena_bytes, 64 * 64 * 4);  // the product
  EXPECT_FALSE(p->explanation().empty());
}

TEST(Program, CheckedProgramsComputeTheSame) {
  const Jaxpr j = make_jaxpr([](const Array& x) { return sort(x * 2.f) + 1.f; })(ones({4}));
  const auto p = compile_program(j, {.check_bounds = true});
  float x[] = {4, -1, 3, 0}, y[4];
  void* const in[] = {x};
  void* const out[] = {y};
  const ArenaBlock arena(p->arena_bytes);
  p->run(in, out, arena.data());
  EXPECT_EQ(std::vector<float>(y, y + 4), (std::vector<float>{-1, 1, 7, 9}));
}

TEST(Program, SteadyInputsArePreparedOnce) {
  const Jaxpr j =
      make_jaxpr([](const Array& w, const Array& x) { return matmul(x, sin(w)); })(ones({2, 2}), ones({1, 2}));
  const auto p = compile_program(j, {.steady_inputs = 1});
  float w[] = {0, 0, 0, 0}, x[] = {1, 1}, y[2];
  void* const in[] = {w, x};
  void* const out[] = {y};
  const ArenaBlock arena(p->arena_bytes);
  p->prepare(in, arena.data());
  for (const float scale : {1.f, 5.f}) {
    x[0] = scale;
    p->run(in, out, arena.data());
    EXPECT_EQ(y[0], 0);
  }
  w[0] = w[1] = w[2] = w[3] = static_cast<float>(M_PI / 2);
  p->prepare(in, arena.data());
  p->run(in, out, arena.data());
  EXPECT_FLOAT_EQ(y[0], 6);
  EXPECT_FLOAT_EQ(y[1], 6);
}

TEST(ArenaBlock, OfNoBytes) {
  const ArenaBlock none(0), some(100);
  EXPECT_NE(some.data(), nullptr);
}

}  // namespace
}  // namespace tf2jax
