// The runner itself: what is wrong must fail, what is missing must not pass, what crashes must not take the rest down.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "derivative_checks.h"
#include "execution.h"
#include "expected_error.h"
#include "expression.h"
#include "isolate.h"
#include "negative_padding.h"
#include "open_results.h"
#include "special_values.h"
#include "tf2jax/tf2jax.h"

namespace conformance {
namespace {

using namespace tf2jax;
using ::testing::HasSubstr;

const json kRecorded = {{"type", "ValueError"}, {"message", "axis 3 is out of bounds\nfor this array"}};

template <class F>
CaseResult expecting(const json& recorded, F&& body) {
  CaseResult result;
  expect_error(recorded, "error", result, body);
  return result;
}

TEST(ExpectedError, PassesWithItsTypeAndMessage) {
  const CaseResult r = expecting(kRecorded, [] { raise<AxisError>("sum: axis 3 is out of bounds. Got rank 2."); });
  EXPECT_TRUE(r.failures().empty());
  EXPECT_EQ(r.parts(), 1);
}

TEST(ExpectedError, FailsWithAnotherTypeOrMessageOrNone) {
  EXPECT_THAT(expecting(kRecorded, [] { raise<TypeError>("axis 3 is out of bounds"); }).failures().at(0).message,
              HasSubstr("another type of error"));
  EXPECT_THAT(expecting(kRecorded, [] { raise<ValueError>("something else"); }).failures().at(0).message,
              HasSubstr("got 'something else'"));
  EXPECT_THAT(expecting(kRecorded, [] {}).failures().at(0).message, HasSubstr("no error; expected ValueError"));
}

TEST(ExpectedError, NeverPassesForWhatIsMissing) {
  const CaseResult r = expecting(kRecorded, [] { raise<NotImplementedError>("axis 3 is out of bounds"); });
  EXPECT_EQ(r.parts(), 0);
  EXPECT_EQ(r.unsupported_parts().size(), 1u);
}

TEST(ExpectedError, TakesTheTableOfTexts) {
  const json recorded = {{"type", "KeyError"}, {"message", "'nowhere'"}};
  EXPECT_TRUE(expecting(recorded, [] { raise<ValueError>("there is no function 'nowhere'"); }).failures().empty());
  EXPECT_FALSE(expecting(recorded, [] { raise<ValueError>("there is no function 'elsewhere'"); }).failures().empty());
}

std::vector<CaseResult> isolated(std::size_t count, const Isolation& isolation,
                                 const std::function<void(std::size_t, CaseResult&)>& body) {
  std::vector<CaseResult> out;
  for_each_case(count, isolation, body, [&](std::size_t, const CaseResult& r) { out.push_back(r); });
  return out;
}

TEST(Isolation, ACrashFailsThePartThatCrashed) {
  const auto results = isolated(3, {}, [](std::size_t i, CaseResult& r) {
    r.part("first", [] {});
    r.part("second", [&] {
      if (i == 1) std::raise(SIGKILL);
    });
  });
  ASSERT_EQ(results.size(), 3u);
  EXPECT_TRUE(results[0].failures().empty());
  EXPECT_EQ(results[1].failures().at(0).what, "second");
  EXPECT_THAT(results[1].failures()[0].message, HasSubstr("dies of signal 9"));
  EXPECT_EQ(results[2].names(), (std::vector<std::string>{"first", "second"}));
}

TEST(Isolation, WhatTakesTooLongFails) {
  const auto results = isolated(2, {.limit = 0.3}, [](std::size_t i, CaseResult& r) {
    r.part("part", [&] {
      if (i == 0) std::this_thread::sleep_for(std::chrono::seconds(20));
    });
  });
  EXPECT_THAT(results.at(0).failures().at(0).message, HasSubstr("takes longer than 0.3 s"));
  EXPECT_TRUE(results.at(1).failures().empty());
}

TEST(Isolation, ResultsAreThoseOfTheChild) {
  const auto body = [](std::size_t, CaseResult& r) {
    r.part("wrong", [&] { r.check("wrong", array<float>({1, 2}), array<float>({1, 3})); });
    r.part("missing", [] { throw Unsupported("no such thing"); });
  };
  const CaseResult inside = isolated(1, {.enabled = false}, body).at(0), outside = isolated(1, {}, body).at(0);
  EXPECT_EQ(outside.to_json().dump(), inside.to_json().dump());
  EXPECT_THAT(outside.failures().at(0).message, HasSubstr("element 1 of f32[2]: got 2, expected 3"));
}

TEST(Executions, CompileNothingOrEverything) {
  const auto is_interpreted = [] { return config().interpret; };
  EXPECT_TRUE(under(Execution::uncompiled, is_interpreted));
  EXPECT_FALSE(under(Execution::compiled, is_interpreted));
  EXPECT_TRUE(under(Execution::compiled, [] { return config().require_compiler; }));  // or a missing module would pass
  CaseResult r;
  parts({.backend = "both"}, "jvp", r, [](Execution, const std::string&) {});
  EXPECT_EQ(r.names(), (std::vector<std::string>{"jvp", "jit(jvp)"}));
}

TEST(OpenResults, EigenvectorsAgreeUpToPhaseAndNoFurther) {
  const OpenResults fresh(
      parse_jaxpr("{ lambda ; a:f32[2,2]. let v:f32[2,2] w:f32[2] = eigh[ algorithm=None lower=True "
                  "sort_eigenvalues=True subset_by_index=None ] a in (v, w) }"));
  const Array v = array<float>({{0.6f, 0.8f}, {0.8f, -0.6f}}), w = array<float>({1, 2});
  const auto aligned = [&](const Array& got, const Array& values) {
    OpenResults open = fresh;
    open.choose({got, values}, {v, w});
    return open.in_phase({got, values}, {0, 1});
  };
  const Arrays flipped = aligned(v * array<float>({-1, 1}), w);
  EXPECT_FALSE(compare(flipped[0], v).message);
  EXPECT_TRUE(compare(aligned(v * array<float>({0.5f, 1}), w)[0], v).message);     // another length
  EXPECT_TRUE(compare(aligned(array<float>({{1, 0}, {0, 1}}), w)[0], v).message);  // other vectors
  EXPECT_TRUE(compare(aligned(v, -w)[1], w).message);                              // eigenvalues have no phase
}

TEST(OpenResults, EqualKeysComeInAnyOrderAndOthersDoNot) {
  const OpenResults open(
      parse_jaxpr("{ lambda ; a:i32[4] b:i32[4]. let c:i32[4] d:i32[4] = sort[ dimension=0 is_stable=False num_keys=1 "
                  "] a b in (c, d) }"));
  const auto same = [&](const Array& payload) {
    Arrays got{array<int>({1, 1, 2, 3}), payload}, want{array<int>({1, 1, 2, 3}), array<int>({7, 8, 9, 6})};
    open.order(got, want);
    return !compare(got[0], want[0]).message && !compare(got[1], want[1]).message;
  };
  EXPECT_TRUE(same(array<int>({8, 7, 9, 6})));
  EXPECT_FALSE(same(array<int>({8, 9, 7, 6})));
}

TEST(NegativePadding, CutsTheOperand) {
  const char* const text =
      "{ lambda ; a:f32[1,1,4] b:f32[1,1,2]. let c:f32[1,1,3] = conv_general_dilated[ batch_group_count=1 "
      "dimension_numbers=ConvDimensionNumbers(lhs_spec=(0, 1, 2), rhs_spec=(0, 1, 2), out_spec=(0, 1, 2)) "
      "feature_group_count=1 lhs_dilation=(1,) padding=((-1, 1),) precision=None preferred_element_type=None "
      "rhs_dilation=(1,) window_strides=(1,) ] a b in (c,) }";
  const auto cut = without_negative_padding(parse_jaxpr(text));
  ASSERT_TRUE(cut);
  const Array a = reshape(array<float>({1, 2, 3, 4}), {1, 1, 4}), b = reshape(array<float>({1, 10}), {1, 1, 2});
  EXPECT_EQ((*cut)({a, b})[0].to_vector<float>(), (std::vector<float>{32, 43, 4}));
}

TEST(SpecialRules, ReplaceTheElementsTheyAreAbout) {
  const Array x = array<float>({-0.5f, 0.5f}), recorded = array<float>({-1, 7});
  const std::vector<float> got = by_rule({recorded}, "digamma", "jvp", {x})[0].to_vector<float>();
  EXPECT_NEAR(got[0], 8.934802, 1e-5);  // pi^2 - trigamma(3/2)
  EXPECT_EQ(got[1], 7);
  EXPECT_EQ(by_rule({recorded}, "sin", "jvp", {x})[0].to_vector<float>(), recorded.to_vector<float>());
}

TEST(Derivatives, AreJudgedByDifferencesAndByEachOther) {
  CaseResult right, wrong;
  check_differences([](const Arrays& x) { return Arrays{sin(x[0])}; }, {array<float>({0.3f, 1})}, true, "sin", right);
  EXPECT_TRUE(right.failures().empty());
  check_differences([](const Arrays& x) { return Arrays{sin(x[0]) + stop_gradient(x[0])}; }, {array<float>({0.3f, 1})},
                    true, "sin", wrong);
  EXPECT_EQ(wrong.failures().size(), 1u);
  CaseResult products;
  check_products({ones({2})}, {array<float>({1, 2})}, {array<float>({3})}, {array<float>({2})}, 1e-3, "products",
                 products);
  EXPECT_THAT(products.failures().at(0).message, HasSubstr("<ct, J t> = 3, <J^T ct, t> = 6"));
}

TEST(PythonPrograms, AreRunAsTheyStand) {
  const Value program = run_program(
      "fun = lambda x: jnp.sum(lax.while_loop(lambda c: jnp.sum(c) < 10.0, lambda c: c * 2, x))\nprog = fun\n",
      program_module);
  EXPECT_EQ(array_of(function_of(program)({.positional = {Value{array<float>({1, 2})}}, .named = {}})).item<float>(),
            12);
  EXPECT_THROW(run_program("prog = lax.unknown\n", program_module), Unsupported);
}

}  // namespace
}  // namespace conformance
