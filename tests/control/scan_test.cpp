// scan and loops of a known number of turns: values, derivatives in both modes, batching and messages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"
#include "refusal.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
TEST(Fori, StaticBoundsAreReverseDifferentiable) {
  auto f = [](const Array& x) {
    return fori_loop(0, 4, [&](const Array& i, const Array& c) { return c * x + astype(i, f32); }, Array(1.f));
  };
  // c4 = x^4 + 0 x^3 + 1 x^2 + 2 x + 3
  EXPECT_NEAR(f(2.f).item<float>(), 16 + 4 + 4 + 3, 1e-5);
  EXPECT_NEAR(grad(f)(2.f).item<float>(), 32 + 4 + 2, 1e-4);
}

TEST(Scan, RunsBackwardsAndStacks) {
  const auto [carry, ys] =
      scan([](const Array& c, const Array& x) { return std::pair{c + x, c}; }, Array(0), arange(4), {.reverse = true});
  EXPECT_EQ(carry.item<int>(), 6);
  EXPECT_EQ(ys.to_vector<int>(), (std::vector<int>{6, 5, 3, 0}));
}

TEST(Scan, ZeroLengthKeepsTheCarry) {
  const auto [carry, ys] =
      scan([](const Array& c, const Array& x) { return std::pair{c + x, x}; }, Array(3.f), zeros({0}));
  EXPECT_EQ(carry.item<float>(), 3.f);
  EXPECT_EQ(ys.dims(), (Dims{0}));
}

TEST(Scan, GradientOfARecurrenceWithSharedWeights) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const Array xs = array<double>({{0.1, 0.2}, {0.3, -0.4}, {0.5, 0.6}});
  auto f = [&](const Array& w, const Array& h0) {
    const auto [h, ys] = scan(
        [&](const Array& h, const Array& x) {
          Array n = tanh(matmul(w, h) + x);
          return std::pair{n, sum(n)};
        },
        h0, xs);
    return sum(h) + sum(ys);
  };
  tf2jax::testing::check_grads(f, {array<double>({{0.3, -0.2}, {0.5, 0.1}}), array<double>({0.2, 0.7})}, {.order = 2});
  tf2jax::testing::check_vmap(f, {array<double>({{0.3, -0.2}, {0.5, 0.1}}), array<double>({0.2, 0.7})});
  auto jitted = jit([&](const Array& w, const Array& h) { return f(w, h); });
  tf2jax::testing::check_grads(jitted, {array<double>({{0.3, -0.2}, {0.5, 0.1}}), array<double>({0.2, 0.7})},
                               {.order = 2});
}

TEST(Scan, LoopInvariantWeightsAreNotStackedAsResiduals) {
  auto f = [](const Array& w, const Array& xs) {
    return scan([&](const Array& h, const Array& x) { return std::pair{tanh(matmul(w, h) + x), 0.f}; }, zeros({3}), xs)
        .first;
  };
  const std::string text = to_string(
      make_jaxpr(grad([&](const Array& w, const Array& xs) { return sum(f(w, xs)); }))(ones({3, 3}), ones({7, 3})));
  EXPECT_EQ(text.find("f32[7,3,3]"), std::string::npos) << text;
}

std::string scan_of(const std::string& operands, const std::string& counts, const std::string& body,
                    const std::string& inputs = "a:f32[] b:f32[3]", int length = 3) {
  return "{ lambda ; " + inputs + ". let c:f32[] d:f32[3] = scan[ jaxpr={ lambda ; " + body +
         " } length=" + std::to_string(length) + " linear=(False, False) " + counts + " reverse=False unroll=1 ] " +
         operands + " in (c, d) }";
}
const std::string kBody = "e:f32[] f:f32[]. let g:f32[] = add e f in (g, f)", kCounts = "num_carry=1 num_consts=0";

TEST(ScanOperands, ThatFitAreTaken) { EXPECT_EQ(refusal(scan_of("a b", kCounts, kBody)), "no error"); }

TEST(ScanOperands, OfAnotherNumberAreRefused) {
  EXPECT_THAT(refusal(scan_of("a", kCounts, kBody)), HasSubstr("scan: 1 operands for a body of 2 inputs"));
  EXPECT_THAT(refusal(scan_of("a b b", kCounts, kBody)), HasSubstr("scan: 3 operands for a body of 2 inputs"));
}

TEST(ScanOperands, OfAnotherTypeAreRefused) {
  EXPECT_THAT(refusal(scan_of("a b", kCounts, kBody, "a:i32[] b:f32[3]")),
              HasSubstr("scan: the operands do not fit the body. Got (i32[], f32[]); expected (f32[], f32[])"));
  EXPECT_THAT(refusal(scan_of("a b", kCounts, kBody, "a:f32[] b:f32[3,2]")),
              HasSubstr("do not fit the body. Got (f32[], f32[2])"));
}

TEST(ScanOperands, OfAnotherLengthAreRefused) {
  EXPECT_THAT(refusal(scan_of("a b", kCounts, kBody, "a:f32[] b:f32[4]")),
              HasSubstr("scan: each of xs needs a leading axis of the scan's length. Got f32[4]; expected f32[3,...]"));
  EXPECT_THAT(refusal(scan_of("a b", kCounts, kBody, "a:f32[] b:f32[]")),
              HasSubstr("scan: each of xs needs a leading axis"));
  EXPECT_THAT(refusal<ValueError>(scan_of("a b", kCounts, kBody, "a:f32[] b:f32[3]", -1)),
              HasSubstr("scan: the length must not be negative. Got -1"));
}

TEST(ScanOperands, CountsThatDoNotFitAreRefused) {
  EXPECT_THAT(refusal(scan_of("a b", "num_carry=3 num_consts=0", kBody)),
              HasSubstr("scan: num_consts and num_carry do not fit. Got 0 and 3 with 2 operands and 2 results"));
  EXPECT_THAT(refusal(scan_of("a b", "num_carry=-1 num_consts=2", kBody)),
              HasSubstr("scan: num_consts and num_carry do not fit"));
}

TEST(ScanOperands, ABodyThatChangesItsCarryIsRefused) {
  EXPECT_THAT(refusal(scan_of(
                  "a b", kCounts,
                  "e:f32[] f:f32[]. let g:i32[] = convert_element_type[new_dtype=int32 weak_type=False] f in (g, f)")),
              HasSubstr("scan: the body changes the type of carry 0. Got i32[]; expected f32[]"));
}

TEST(ScanGroups, AreCountedInEveryFormOfTheText) {
  const auto values = [](const std::string& ft_in) {
    const Jaxpr program =
        parse_jaxpr("{ lambda ; k:f32[] a:f32[] b:f32[] x:f32[2]. let c:f32[] d:f32[] e:f32[2] = scan[ ft_in=" + ft_in +
                    " ft_out=((None, None), (None,)) jaxpr={ lambda ; l:f32[] m:f32[] n:f32[] o:f32[]. let p:f32[] = "
                    "add m o q:f32[] = mul n l in (p, q, m) } "
                    "length=2 reverse=False unroll=1 ] k a b x in (c, d, e) }");
    const Arrays out = eval_jaxpr(program, Arrays{Array(3.f), Array(1.f), Array(5.f), array<float>({10, 20})});
    return std::vector<float>{out[0].item<float>(), out[1].item<float>(), out[2].item<float>(1)};
  };
  const std::vector<float> want{31, 45, 11};  // 1 + 10 + 20; 5 * 3 * 3; the carry before the second step
  for (const char* form :
       {"((None,), (None, None), (None,))",
        "Pytree(vals=[None, None, None, None], tree=PyTreeDef((([*], []), ([*], [*]), ([], [], [*]))))",
        "(Pytree(vals=[None], tree=PyTreeDef([*])), Pytree(vals=[None, None], tree=PyTreeDef([*, *])), (None,))",
        "((None,), (RightsOnly(Right(None)), None), (None,))"})
    EXPECT_EQ(values(form), want) << form;
}

TEST(Scan, OfNothingButTurns) {
  const auto [carry, ys] = scan([](const Array& c, const std::tuple<>&) { return std::pair(c * 2.f, c); }, Array(1.f),
                                std::tuple<>(), {.length = 4});
  EXPECT_EQ(carry.item<float>(), 16);
  EXPECT_EQ(ys.to_vector<float>(), (std::vector<float>{1, 2, 4, 8}));
}

TEST(Scan, OfOneTurn) {
  const auto [carry, ys] =
      scan([](const Array& c, const Array& x) { return std::pair(c + x, x * x); }, Array(1.f), array<float>({3}));
  EXPECT_EQ(carry.item<float>(), 4);
  EXPECT_EQ(ys.to_vector<float>(), std::vector<float>{9});
}

TEST(Scan, MappedOverExamples) {
  const auto total = [](const Array& xs) {
    return scan([](const Array& c, const Array& x) { return std::pair(c + x, c); }, Array(0.f), xs).second;
  };
  EXPECT_EQ(vmap(total)(array<float>({{1, 2, 3}, {10, 20, 30}})).to_vector<float>(),
            (std::vector<float>{0, 1, 3, 0, 10, 30}));
}

TEST(Scan, LengthsMustAgree) {
  const auto body = [](const Array& c, const std::pair<Array, Array>& x) { return std::pair(c + x.first, x.second); };
  expect_error<ValueError>([&] { scan(body, Array(0.f), std::pair(ones({2}), ones({3}))); }, "scan");
}

}  // namespace
}  // namespace tf2jax
