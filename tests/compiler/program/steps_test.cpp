// The kinds of steps, as `explain` tells them and as they run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "check_program.h"
#include "tf2jax/compiler/compile.h"
#include "tf2jax/compiler/program/steps.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
std::vector<std::string> described(const Jaxpr& j) {
  std::vector<std::string> out;
  const auto program = compiler::compile_program(j, {});
  for (const auto& step : program->steps) out.push_back(step->describe());
  return out;
}
template <class F, class... A>
std::string only_step(const F& f, const A&... args) {
  const auto all = described(make_jaxpr(f)(args...));
  EXPECT_EQ(all.size(), 1u);
  return all.empty() ? "" : all[0];
}

TEST(Steps, SizesAreAlignedToLines) {
  EXPECT_EQ(compiler::aligned_size(0), 0);
  EXPECT_EQ(compiler::aligned_size(1), 64);
  EXPECT_EQ(compiler::aligned_size(64), 64);
  EXPECT_EQ(compiler::aligned_size(65), 128);
}

TEST(Steps, ArraysAreSlotsFromAnOffset) {
  std::byte memory[16];
  void* slots[] = {nullptr, memory};
  const compiler::Frame frame{slots, nullptr, {}};
  EXPECT_EQ((compiler::Operand{1, 8}.in(frame)), memory + 8);
}

TEST(Steps, EachOperationHasItsKind) {
  EXPECT_THAT(only_step([](const Array& x) { return sin(x); }, ones({3})), HasSubstr("kernel"));
  EXPECT_THAT(only_step([](const Array& x) { return matmul(x, x); }, ones({64, 64})), HasSubstr("64x64x64"));
  EXPECT_EQ(only_step([](const Array& x) { return sort(x); }, ones({30})), "call sort");
  EXPECT_EQ(only_step([](const Array& x, const Array& u,
                         const Array& i) { return dynamic_update_slice(x, u, Arrays{i}, false); },
                      ones({30}), ones({2}), Array(3)),
            "dynamic_update_slice");
}

TEST(Steps, UpdatesOutsideAreClamped) {
  const auto f =
      jit([](const Array& x, const Array& u, const Array& i) { return dynamic_update_slice(x, u, Arrays{i}, false); });
  const Array x = array<float>({1, 2, 3, 4}), u = array<float>({8, 9});
  EXPECT_EQ(f(x, u, Array(1)).to_vector<float>(), (std::vector<float>{1, 8, 9, 4}));
  EXPECT_EQ(f(x, u, Array(100)).to_vector<float>(), (std::vector<float>{1, 2, 8, 9}));
  EXPECT_EQ(f(x, u, Array(-100)).to_vector<float>(), (std::vector<float>{8, 9, 3, 4}));
}

TEST(Steps, ProductsCountTheirOperations) {
  const auto p = compiler::compile_program(
      make_jaxpr([](const Array& x, const Array& y) { return matmul(x, y); })(ones({64, 32}), ones({32, 48})), {});
  EXPECT_EQ(p->cost().flops, 2.0 * 64 * 32 * 48);
}

TEST(Steps, BranchesRunOneProgram) {
  const auto f = jit([](const Array& i, const Array& x) {
    return switch_case(i,
                       std::vector<std::function<Array(const Array&)>>{[](const Array& y) { return sort(y); },
                                                                       [](const Array& y) { return matmul(y, y); }},
                       x);
  });
  const Array x = array<float>({{2, 1}, {0, 3}});
  EXPECT_EQ(f(Array(0), x).to_vector<float>(), (std::vector<float>{1, 2, 0, 3}));
  EXPECT_EQ(f(Array(1), x).to_vector<float>(), (std::vector<float>{4, 5, 0, 9}));
  EXPECT_EQ(f(Array(7), x).to_vector<float>(), (std::vector<float>{4, 5, 0, 9}));  // clamped
}

}  // namespace
}  // namespace tf2jax
