// while_loop: values, derivatives, batching and messages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "refusal.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;
const auto newton = [](const Array& a) {
  return while_loop(
      [](const std::tuple<Array, Array>& s) { return abs(std::get<0>(s) * std::get<0>(s) - std::get<1>(s)) > 1e-6f; },
      [](const std::tuple<Array, Array>& s) {
        const auto& [x, a] = s;
        return std::tuple{0.5f * (x + a / x), a};
      },
      std::tuple{ones_like(a), a});
};

TEST(While, ValueAndForwardDerivative) {
  auto root = [](const Array& a) { return std::get<0>(newton(a)); };
  EXPECT_NEAR(root(full({}, 9.f)).item<float>(), 3, 1e-5);
  const auto [y, dy] = jvp(root, {full({}, 9.f)}, {full({}, 1.f)});
  EXPECT_NEAR(dy.item<float>(), 1.0 / 6, 1e-4);
}

TEST(While, ReverseModeGoesThroughIt) {
  const auto root = [](const Array& a) { return std::get<0>(newton(a)); };
  EXPECT_NEAR(grad(root)(full({}, 9.f)).item<float>(), 1.0 / 6, 1e-4);
}

TEST(While, ReverseModeWorksAroundALoopThatIsNotDifferentiated) {
  auto f = [](const Array& x) { return x * stop_gradient(std::get<0>(newton(x))); };
  EXPECT_NEAR(grad(f)(full({}, 9.f)).item<float>(), 3, 1e-4);
}

TEST(While, BatchedExamplesStopOnTheirOwn) {
  const Array out = vmap([](const Array& a) { return std::get<0>(newton(a)); })(array<float>({1, 4, 9, 1e4f}));
  const auto v = out.to_vector<float>();
  EXPECT_NEAR(v[0], 1, 1e-5);
  EXPECT_NEAR(v[1], 2, 1e-5);
  EXPECT_NEAR(v[2], 3, 1e-5);
}

TEST(While, CarryTypeChangeNamesTheLeaf) {
  try {
    jit([](const Array& x) {
      return while_loop([](const Array& c) { return sum(c) < 3.f; },
                        [](const Array& c) { return stack({sum(c), sum(c)}); }, x);
    })(ones({3}));
    FAIL();
  } catch (const TypeError& e) {
    EXPECT_NE(std::string(e.what()).find("carry leaf 0 has type f32[3] but the corresponding output has type f32[2]"),
              std::string::npos)
        << e.what();
  }
}

TEST(Fori, TracedBoundsLoop) {
  auto f = jit([](const Array& n) {
    return fori_loop(Array(0), n, [](const Array& i, const Array& c) { return c + i; }, Array(0));
  });
  EXPECT_EQ(f(Array(5)).item<int>(), 10);
}

std::string while_of(const std::string& operands, const std::string& condition, const std::string& body,
                     const std::string& counts = "cond_nconsts=0", const std::string& inputs = "a:f32[]") {
  return "{ lambda ; " + inputs + ". let b:f32[] = while[ body_jaxpr={ lambda ; " + body +
         " } body_nconsts=0 cond_jaxpr={ lambda ; " + condition + " } " + counts + " ] " + operands + " in (b,) }";
}
const std::string kTest = "c:f32[]. let d:bool[] = lt c 0.0:f32[] in (d,)",
                  kStep = "c:f32[]. let d:f32[] = add c 1.0:f32[] in (d,)";

TEST(WhileOperands, ThatFitAreTaken) { EXPECT_EQ(refusal(while_of("a", kTest, kStep)), "no error"); }

TEST(WhileOperands, ThatDoNotFitAreRefused) {
  EXPECT_THAT(refusal(while_of("a a", kTest, kStep)), HasSubstr("while: 2 operands for a condition of 1 inputs"));
  EXPECT_THAT(refusal(while_of("a", kTest, "c:f32[] e:f32[]. let d:f32[] = add c e in (d,)")),
              HasSubstr("while: 1 operands for a body of 2 inputs"));
  EXPECT_THAT(refusal(while_of("a", kTest, kStep, "cond_nconsts=2")),
              HasSubstr("while: cond_nconsts and body_nconsts do not fit. Got 2 and 0 with 1 operands"));
  EXPECT_THAT(refusal(while_of("a", kTest, kStep, "cond_nconsts=0", "a:i32[]")),
              HasSubstr("while: the operands do not fit the condition. Got (i32[]); expected (f32[])"));
}

TEST(WhileOperands, ResultsThatDoNotFitAreRefused) {
  EXPECT_THAT(refusal(while_of("a", "c:f32[]. let  in (c,)", kStep)),
              HasSubstr("while: the condition must return one boolean. Got (f32[])"));
  EXPECT_THAT(refusal(while_of("a", kTest, "c:f32[]. let d:bool[] = lt c 0.0:f32[] in (d,)")),
              HasSubstr("while: the body has other results than it must. Got (bool[]); expected (f32[])"));
  EXPECT_THAT(refusal(while_of("a", "c:f32[]. let d:bool[2] = broadcast_in_dim True:bool[] in (d,)", kStep)),
              HasSubstr("while: a predicate per example needs carries with its axes in front. Got predicate bool[2] "
                        "and carry f32[]"));
}

// ---- loops with a predicate per example, as JAX prints vmap of a loop

const char* const kBatchedWhile =
    "{ lambda ; a:f32[3]. let b:f32[3] = while[ body_jaxpr={ lambda ; c:f32[3]. let d:f32[3] = mul c 2.0:f32[] in (d,) "
    "} body_nconsts=0 "
    "cond_jaxpr={ lambda ; e:f32[3]. let f:bool[3] = lt e 5.0:f32[] in (f,) } cond_nconsts=0 ] a in (b,) }";
float doubled(float x) {
  while (x < 5) x *= 2;
  return x;
}

TEST(BatchedWhile, IsBatchedAgain) {
  const Jaxpr program = parse_jaxpr(kBatchedWhile);
  const auto f = [&](const Array& x) { return eval_jaxpr(program, Arrays{x})[0]; };
  const std::vector<float> x{1, 2, 7, 4, 4.5f, 0.3f};
  const Array in = from_span<float>(x, {2, 3});
  std::vector<float> want;
  for (const float v : x) want.push_back(doubled(v));
  EXPECT_EQ(f(in[0]).to_vector<float>(), (std::vector<float>{8, 8, 7}));
  EXPECT_EQ(vmap(f)(in).to_vector<float>(), want);
  EXPECT_EQ(jit(vmap(f))(in).to_vector<float>(), want);
  const Array columns = vmap(f, {.in_axes = {1}, .out_axes = {1}})(transpose(in));
  EXPECT_EQ(transpose(columns).to_vector<float>(), want);
}

TEST(BatchedWhile, KeepsItsPredicateWhereOnlyOtherCarriesVary) {
  // The predicate is about the first carry only; the second varies along another axis.
  const Jaxpr program = parse_jaxpr(
      "{ lambda ; a:f32[3] s:f32[3,2]. let b:f32[3] t:f32[3,2] = while[ body_jaxpr={ lambda ; c:f32[3] u:f32[3,2]. let "
      "d:f32[3] = mul c 2.0:f32[] v:f32[3,2] = add u 1.0:f32[] in (d, v) } "
      "body_nconsts=0 cond_jaxpr={ lambda ; e:f32[3] w:f32[3,2]. let f:bool[3] = lt e 5.0:f32[] in (f,) } "
      "cond_nconsts=0 ] a s in (b, t) }");
  const Array a = array<float>({1, 2, 7});
  const auto f = [&](const Array& s) { return eval_jaxpr(program, Arrays{a, s})[1]; };
  // Steps of each example: 3, 2, 0.
  const Array got = vmap(f)(zeros({4, 3, 2}));
  for (std::int64_t i = 0; i < 4; ++i)
    EXPECT_EQ(got[static_cast<int>(i)].to_vector<float>(), (std::vector<float>{3, 3, 2, 2, 0, 0}));
  EXPECT_EQ(jit(vmap(f))(zeros({4, 3, 2})).to_vector<float>(), got.to_vector<float>());
}

TEST(BatchedWhile, IsDifferentiatedAndBatched) {
  const Jaxpr program = parse_jaxpr(kBatchedWhile);
  const auto derivative = [&](const Array& x) {
    return jvp([&](const Array& v) { return eval_jaxpr(program, Arrays{v})[0]; }, {x}, {ones_like(x)}).second;
  };
  const Array in = array<float>({{1, 2, 7}, {4, 4.5f, 0.4f}});
  const std::vector<float> want{8, 4, 1, 2, 2, 16};  // two to the number of steps
  EXPECT_EQ(vmap(derivative)(in).to_vector<float>(), want);
  EXPECT_EQ(jit(vmap(derivative))(in).to_vector<float>(), want);
}

TEST(While, NoTurnsKeepTheCarry) {
  const Array x =
      while_loop([](const Array& v) { return v < 0.f; }, [](const Array& v) { return v + 1.f; }, Array(3.f));
  EXPECT_EQ(x.item<float>(), 3);
}

TEST(While, CarriesOfEveryDtypeAndEmptyOnes) {
  for (const DType d : {i8, u16, f16, bf16, f32}) {
    const Array y =
        while_loop([](const Array& v) { return sum(v) < 8; }, [](const Array& v) { return v + v; }, ones({2}, d));
    EXPECT_EQ(y.dtype(), d);
    EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{4, 4})) << short_name(d);
  }
  const auto [n, e] =
      while_loop([](const std::pair<Array, Array>& s) { return s.first < 3; },
                 [](const std::pair<Array, Array>& s) { return std::pair(s.first + 1, s.second * 2.f); },
                 std::pair(Array(0), zeros({0, 2})));
  EXPECT_EQ(n.item<int>(), 3);
  EXPECT_EQ(e.dims(), (Dims{0, 2}));
}

}  // namespace
}  // namespace tf2jax
