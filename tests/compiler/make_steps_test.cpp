// The slots and steps of programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "check_program.h"
#include "tf2jax/compiler/compile.h"

namespace tf2jax {
namespace {

using compiler::compile_program;
using ::testing::ElementsAre;
using Kind = compiler::Program::Slot::Kind;

template <class F, class... A>
std::shared_ptr<const compiler::Program> program(const F& f, const A&... args) {
  return compile_program(make_jaxpr(f)(args...), {});
}
std::size_t count(const compiler::Program& p, Kind kind) {
  return static_cast<std::size_t>(std::ranges::count_if(p.slots, [&](const auto& s) { return s.kind == kind; }));
}

TEST(MakeSteps, InputsAndOutputsAreSlots) {
  const auto p = program([](const Array& x, const Array& y) { return x * y; }, ones({3}), ones({3}));
  EXPECT_EQ(count(*p, Kind::input), 2u);
  EXPECT_EQ(count(*p, Kind::output), 1u);
  EXPECT_EQ(count(*p, Kind::arena), 0u);
  EXPECT_EQ(p->steps.size(), 1u);
}

TEST(MakeSteps, ConstantsOfManyElementsAreSlots) {
  const Array w = values({50});
  const auto p = program([&](const Array& x) { return x * w; }, ones({50}));
  EXPECT_EQ(count(*p, Kind::constant), 1u);
  for (const auto& s : p->slots)
    if (s.kind == Kind::constant) {
      EXPECT_EQ(s.bytes, 200);
    }
}

TEST(MakeSteps, ProgramsThatComputeNothingHaveNoSteps) {
  EXPECT_TRUE(program([](const Array& x) { return x; }, ones({3}))->steps.empty());
  EXPECT_TRUE(program([](const Array&) { return Array(1.f); }, ones({3}))->steps.empty());
}

TEST(MakeSteps, ValuesThatDoNotLiveTogetherShareTheArena) {
  // Each product needs the one before it only.
  const auto chain = [](int n) {
    return [n](const Array& x) {
      Array y = x;
      for (int i = 0; i < n; ++i) y = matmul(y, x);
      return y;
    };
  };
  const Array x = ones({64, 64});
  EXPECT_EQ(program(chain(1), x)->arena_bytes, 0);
  const std::int64_t few = program(chain(4), x)->arena_bytes, many = program(chain(12), x)->arena_bytes;
  EXPECT_GE(few, 64 * 64 * 4);
  EXPECT_EQ(few, many);
}

TEST(MakeSteps, EverySlotIsWrittenBeforeItIsRead) {
  const auto p = program([](const Array& x) { return std::pair{sort(matmul(x, sin(x))), cumsum(matmul(x, x), 0)}; },
                         ones({32, 32}));
  for (const auto& s : p->slots) EXPECT_LE(s.first, s.last);
}

TEST(MakeSteps, LoopsOfProgramsCountTheirBody) {
  const auto f = [](const Array& x) {
    return scan([](const Array& c, const Array& row) { return std::pair{sort(c + row), sum(c)}; }, zeros({4}), x);
  };
  check_function([&](const Array& x) { return f(x); }, values({5, 4}));
}

}  // namespace
}  // namespace tf2jax
