// cond and switch: values, derivatives, batching and messages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "refusal.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
TEST(Cond, AConcretePredicateChecksTheOtherBranchToo) {
  const Array x = array<float>({1, 2});
  const auto same = [](const Array& v) { return v * 2; };
  EXPECT_THROW(cond(Array(true), same, [](const Array& v) { return sum(v); }, x), TypeError);
  EXPECT_THROW(cond(Array(true), same, [](const Array& v) { return matmul(v, ones({3})); }, x), ShapeError);
  EXPECT_EQ(
      cond(Array(true), same, [](const Array& v) { return -v; }, x).to_vector<float>(), (std::vector<float>{2, 4}));
}

TEST(Cond, BothBranchesDifferentiateAndBatch) {
  auto f = [](const Array& x) {
    return cond(x > 0.f, [](const Array& v) { return v * v; }, [](const Array& v) { return -v; }, x);
  };
  EXPECT_EQ(grad(f)(3.f).item<float>(), 6);
  EXPECT_EQ(grad(f)(-3.f).item<float>(), -1);
  EXPECT_EQ(grad(jit(f))(-3.f).item<float>(), -1);
  EXPECT_EQ(vmap(grad(f))(array<float>({3, -3})).to_vector<float>(), (std::vector<float>{6, -1}));
}

TEST(Cond, BranchesMustAgree) {
  auto f = jit([](const Array& x) {
    return cond(x > 0.f, [](const Array& v) { return v; }, [](const Array& v) { return stack({v, v}); }, x);
  });
  try {
    f(1.f);
    FAIL();
  } catch (const TypeError& e) {
    EXPECT_NE(std::string(e.what()).find("the branches return different types"), std::string::npos);
  }
  EXPECT_THROW(
      cond(ones({2}) > 0.f, [](const Array& v) { return v; }, [](const Array& v) { return v; }, Array(1.f)), TypeError);
}

TEST(Switch, IndexIsClamped) {
  const std::vector<std::function<Array(const Array&)>> branches{
      [](const Array& x) { return x; }, [](const Array& x) { return 2.f * x; }, [](const Array& x) { return 3.f * x; }};
  auto f = jit([&](const Array& i, const Array& x) { return switch_case(i, branches, x); });
  EXPECT_EQ(f(Array(-5), 1.f).item<float>(), 1);
  EXPECT_EQ(f(Array(1), 1.f).item<float>(), 2);
  EXPECT_EQ(f(Array(9), 1.f).item<float>(), 3);
  EXPECT_EQ(vmap(f, {.in_axes = {0, none}})(arange(3), Array(1.f)).to_vector<float>(), (std::vector<float>{1, 2, 3}));
}

std::string cond_of(const std::string& branches, const std::string& operands = "i x",
                    const std::string& inputs = "i:i32[] x:f32[2]") {
  return "{ lambda ; " + inputs + ". let y:f32[2] = cond[ branches=(" + branches + ") ] " + operands + " in (y,) }";
}
const std::string kSin = "{ lambda ; a:f32[2]. let b:f32[2] = sin a in (b,) }",
                  kCos = "{ lambda ; a:f32[2]. let b:f32[2] = cos a in (b,) }";

TEST(CondOperands, ThatFitAreTaken) { EXPECT_EQ(refusal(cond_of(kSin + " " + kCos)), "no error"); }

TEST(CondOperands, ThatDoNotFitAreRefused) {
  EXPECT_THAT(refusal(cond_of(kSin + " " + kCos, "i")), HasSubstr("cond: 0 operands for a branch of 1 inputs"));
  EXPECT_THAT(refusal(cond_of(kSin + " " + kCos, "i x x")), HasSubstr("cond: 2 operands for a branch of 1 inputs"));
  EXPECT_THAT(refusal<ParseError>(cond_of(kSin + " " + kCos, "")),
              HasSubstr("cond: the number of operands is wrong. Got 0; expected at least 1"));
  EXPECT_THAT(refusal(cond_of(kSin + " " + kCos, "i x", "i:i32[] x:f32[3]")),
              HasSubstr("cond: the operands do not fit the branch. Got (f32[3]); expected (f32[2])"));
}

TEST(CondOperands, BranchesOfDifferentResultsAreRefused) {
  EXPECT_THAT(refusal(cond_of(kSin + " { lambda ; a:f32[2]. let  in (a, a) }")),
              HasSubstr("cond: the branch has other results than it must. Got (f32[2], f32[2]); expected (f32[2])"));
}

TEST(CondOperands, NoBranchesAreRefused) {
  EXPECT_THAT(refusal<ValueError>(cond_of("")),
              HasSubstr("cond: Empty branch sequence. Got 0 branches; expected at least one"));
  EXPECT_THROW(switch_case(Array(0), std::vector<Array (*)(const Array&)>{}, ones({2})), ValueError);
}

TEST(Cond, AMappedPredicateRunsBothAndSelects) {
  const auto f = [](const Array& p, const Array& x) {
    return cond(p, [](const Array& v) { return v * 2.f; }, [](const Array& v) { return v - 1.f; }, x);
  };
  EXPECT_EQ(vmap(f)(array<bool>({true, false}), array<float>({5, 5})).to_vector<float>(), (std::vector<float>{10, 4}));
  EXPECT_EQ(vmap(f, {.in_axes = {none, 0}})(Array(true), array<float>({1, 2})).to_vector<float>(),
            (std::vector<float>{2, 4}));
}

TEST(Cond, BranchesMayUseDifferentOperands) {
  const auto f = [](const Array& x, const Array& y) {
    return cond(
        x > 0.f, [](const Array& a, const Array&) { return a * a; },
        [](const Array&, const Array& b) { return b * 3.f; }, x, y);
  };
  const auto [dx, dy] = grad<0, 1>(f)(Array(2.f), Array(5.f));
  EXPECT_EQ(dx.item<float>(), 4);
  EXPECT_EQ(dy.item<float>(), 0);
  const auto [ex, ey] = jit(grad<0, 1>(f))(Array(-2.f), Array(5.f));
  EXPECT_EQ(ex.item<float>(), 0);
  EXPECT_EQ(ey.item<float>(), 3);
}

TEST(Cond, ThePredicateIsAScalar) {
  const auto same = [](const Array& v) { return v; };
  expect_error<TypeError>([&] { cond(array<bool>({true}), same, same, Array(1.f)); }, "");
}

}  // namespace
}  // namespace tf2jax
