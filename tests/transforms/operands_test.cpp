// Whether operands and results fit the programs that an equation calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/transforms/internal/operands.h>

#include "../control/refusal.h"
#include "../support.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
Jaxpr program() {
  return make_jaxpr([](const Array& x, const Array& n) { return std::tuple(x * 2.f, n); })(spec(f32, {2}), spec(i32));
}

TEST(CheckOperands, WeakTypesDoNotMatter) {
  check_operands("f", "program", program(), Avals{{f32, {2}, true}, {i32, {}, true}});
  check_operands("f", "program", Jaxpr(), Avals{});
}

TEST(CheckOperands, SaysWhatDoesNotFit) {
  expect_error<TypeError>([] { check_operands("f", "body", program(), Avals{spec(f32, {2})}); },
                          "f: 1 operands for a body of 2 inputs");
  expect_error<TypeError>([] { check_operands("f", "body", program(), Avals{spec(f32, {3}), spec(i32)}); },
                          "f: the operands do not fit the body. Got (f32[3], i32[]); expected (f32[2], i32[])");
  expect_error<TypeError>([] { check_operands("f", "body", program(), Avals{spec(f32, {2}), spec(u32)}); },
                          "Got (f32[2], u32[])");
}

TEST(CheckResults, AreComparedLikewise) {
  check_results("f", "branch", program(), Avals{spec(f32, {2}), spec(i32)});
  expect_error<TypeError>([] { check_results("f", "branch", program(), Avals{spec(f32, {2})}); },
                          "f: the branch has other results");
  expect_error<TypeError>([] { check_results("f", "branch", program(), Avals{spec(f16, {2}), spec(i32)}); },
                          "expected (f16[2], i32[])");
}

TEST(CallOperands, ThatDoNotFitAreRefused) {
  const auto call = [](const std::string& params) {
    return "{ lambda ; x:f32[2] n:i32[2]. let y:f32[2] = " + params + " in (y,) }";
  };
  const std::string body = "{ lambda ; a:f32[2]. let b:f32[2] = sin a in (b,) }";
  EXPECT_THAT(refusal(call("jit[ name=f jaxpr=" + body + " ] x x")),
              HasSubstr("jit: 2 operands for a program of 1 inputs"));
  EXPECT_THAT(refusal(call("jit[ name=f jaxpr=" + body + " ] n")),
              HasSubstr("jit: the operands do not fit the program. Got (i32[2]); expected (f32[2])"));
  EXPECT_THAT(refusal(call("custom_jvp_call[ name=f call_jaxpr=" + body + " jvp=f symbolic_zeros=False ] x x")),
              HasSubstr("custom_jvp_call: 2 operands for a program of 1 inputs"));
  EXPECT_THAT(refusal(call("remat2[ differentiated=False jaxpr=" + body + " policy=None prevent_cse=True ] n")),
              HasSubstr("remat2: the operands do not fit the program"));
}

}  // namespace
}  // namespace tf2jax
