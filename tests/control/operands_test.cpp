// Programs whose operands do not fit what they call are refused where they are read, whatever the control flow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

namespace tf2jax {
namespace {

using ::testing::HasSubstr;

// Reads and evaluates a program; gives the message of its TypeError.
template <class E = TypeError>
std::string refusal(const std::string& text) {
  try {
    const Jaxpr program = parse_jaxpr(text);
    check_jaxpr(program);
    Arrays args;
    for (const Aval& a : program.input_avals()) args.push_back(zeros_of(a));
    default_backend().compile(program, {})->run(args);
  } catch (const E& e) {
    return e.what();
  } catch (const Error& e) {
    return std::string("another error: ") + e.what();
  }
  return "no error";
}

std::string scan_of(const std::string& operands, const std::string& counts, const std::string& body, const std::string& inputs = "a:f32[] b:f32[3]", int length = 3) {
  return "{ lambda ; " + inputs + ". let c:f32[] d:f32[3] = scan[ jaxpr={ lambda ; " + body + " } length=" + std::to_string(length) + " linear=(False, False) " + counts +
         " reverse=False unroll=1 ] " + operands + " in (c, d) }";
}
const std::string kBody = "e:f32[] f:f32[]. let g:f32[] = add e f in (g, f)", kCounts = "num_carry=1 num_consts=0";

TEST(ScanOperands, ThatFitAreTaken) { EXPECT_EQ(refusal(scan_of("a b", kCounts, kBody)), "no error"); }

TEST(ScanOperands, OfAnotherNumberAreRefused) {
  EXPECT_THAT(refusal(scan_of("a", kCounts, kBody)), HasSubstr("scan: 1 operands for a body of 2 inputs"));
  EXPECT_THAT(refusal(scan_of("a b b", kCounts, kBody)), HasSubstr("scan: 3 operands for a body of 2 inputs"));
}

TEST(ScanOperands, OfAnotherTypeAreRefused) {
  EXPECT_THAT(refusal(scan_of("a b", kCounts, kBody, "a:i32[] b:f32[3]")), HasSubstr("scan: the operands do not fit the body. Got (i32[], f32[]); expected (f32[], f32[])"));
  EXPECT_THAT(refusal(scan_of("a b", kCounts, kBody, "a:f32[] b:f32[3,2]")), HasSubstr("do not fit the body. Got (f32[], f32[2])"));
}

TEST(ScanOperands, OfAnotherLengthAreRefused) {
  EXPECT_THAT(refusal(scan_of("a b", kCounts, kBody, "a:f32[] b:f32[4]")), HasSubstr("scan: each of xs needs a leading axis of the scan's length. Got f32[4]; expected f32[3,...]"));
  EXPECT_THAT(refusal(scan_of("a b", kCounts, kBody, "a:f32[] b:f32[]")), HasSubstr("scan: each of xs needs a leading axis"));
  EXPECT_THAT(refusal<ValueError>(scan_of("a b", kCounts, kBody, "a:f32[] b:f32[3]", -1)), HasSubstr("scan: the length must not be negative. Got -1"));
}

TEST(ScanOperands, CountsThatDoNotFitAreRefused) {
  EXPECT_THAT(refusal(scan_of("a b", "num_carry=3 num_consts=0", kBody)), HasSubstr("scan: num_consts and num_carry do not fit. Got 0 and 3 with 2 operands and 2 results"));
  EXPECT_THAT(refusal(scan_of("a b", "num_carry=-1 num_consts=2", kBody)), HasSubstr("scan: num_consts and num_carry do not fit"));
}

TEST(ScanOperands, ABodyThatChangesItsCarryIsRefused) {
  EXPECT_THAT(refusal(scan_of("a b", kCounts, "e:f32[] f:f32[]. let g:i32[] = convert_element_type[new_dtype=int32 weak_type=False] f in (g, f)")),
              HasSubstr("scan: the body changes the type of carry 0. Got i32[]; expected f32[]"));
}

TEST(ScanGroups, AreCountedInEveryFormOfTheText) {
  const auto values = [](const std::string& ft_in) {
    const Jaxpr program = parse_jaxpr("{ lambda ; k:f32[] a:f32[] b:f32[] x:f32[2]. let c:f32[] d:f32[] e:f32[2] = scan[ ft_in=" + ft_in +
                                      " ft_out=((None, None), (None,)) jaxpr={ lambda ; l:f32[] m:f32[] n:f32[] o:f32[]. let p:f32[] = add m o q:f32[] = mul n l in (p, q, m) } "
                                      "length=2 reverse=False unroll=1 ] k a b x in (c, d, e) }");
    const Arrays out = eval_jaxpr(program, Arrays{Array(3.f), Array(1.f), Array(5.f), array<float>({10, 20})});
    return std::vector<float>{out[0].item<float>(), out[1].item<float>(), out[2].item<float>(1)};
  };
  const std::vector<float> want{31, 45, 11};   // 1 + 10 + 20; 5 * 3 * 3; the carry before the second step
  for (const char* form : {"((None,), (None, None), (None,))", "Pytree(vals=[None, None, None, None], tree=PyTreeDef((([*], []), ([*], [*]), ([], [], [*]))))",
                           "(Pytree(vals=[None], tree=PyTreeDef([*])), Pytree(vals=[None, None], tree=PyTreeDef([*, *])), (None,))", "((None,), (RightsOnly(Right(None)), None), (None,))"})
    EXPECT_EQ(values(form), want) << form;
}

std::string while_of(const std::string& operands, const std::string& condition, const std::string& body, const std::string& counts = "cond_nconsts=0", const std::string& inputs = "a:f32[]") {
  return "{ lambda ; " + inputs + ". let b:f32[] = while[ body_jaxpr={ lambda ; " + body + " } body_nconsts=0 cond_jaxpr={ lambda ; " + condition + " } " + counts + " ] " + operands + " in (b,) }";
}
const std::string kTest = "c:f32[]. let d:bool[] = lt c 0.0:f32[] in (d,)", kStep = "c:f32[]. let d:f32[] = add c 1.0:f32[] in (d,)";

TEST(WhileOperands, ThatFitAreTaken) { EXPECT_EQ(refusal(while_of("a", kTest, kStep)), "no error"); }

TEST(WhileOperands, ThatDoNotFitAreRefused) {
  EXPECT_THAT(refusal(while_of("a a", kTest, kStep)), HasSubstr("while: 2 operands for a condition of 1 inputs"));
  EXPECT_THAT(refusal(while_of("a", kTest, "c:f32[] e:f32[]. let d:f32[] = add c e in (d,)")), HasSubstr("while: 1 operands for a body of 2 inputs"));
  EXPECT_THAT(refusal(while_of("a", kTest, kStep, "cond_nconsts=2")), HasSubstr("while: cond_nconsts and body_nconsts do not fit. Got 2 and 0 with 1 operands"));
  EXPECT_THAT(refusal(while_of("a", kTest, kStep, "cond_nconsts=0", "a:i32[]")), HasSubstr("while: the operands do not fit the condition. Got (i32[]); expected (f32[])"));
}

TEST(WhileOperands, ResultsThatDoNotFitAreRefused) {
  EXPECT_THAT(refusal(while_of("a", "c:f32[]. let  in (c,)", kStep)), HasSubstr("while: the condition must return one boolean. Got (f32[])"));
  EXPECT_THAT(refusal(while_of("a", kTest, "c:f32[]. let d:bool[] = lt c 0.0:f32[] in (d,)")), HasSubstr("while: the body has other results than it must. Got (bool[]); expected (f32[])"));
  EXPECT_THAT(refusal(while_of("a", "c:f32[]. let d:bool[2] = broadcast_in_dim True:bool[] in (d,)", kStep)),
              HasSubstr("while: a predicate per example needs carries with its axes in front. Got predicate bool[2] and carry f32[]"));
}

std::string cond_of(const std::string& branches, const std::string& operands = "i x", const std::string& inputs = "i:i32[] x:f32[2]") {
  return "{ lambda ; " + inputs + ". let y:f32[2] = cond[ branches=(" + branches + ") ] " + operands + " in (y,) }";
}
const std::string kSin = "{ lambda ; a:f32[2]. let b:f32[2] = sin a in (b,) }", kCos = "{ lambda ; a:f32[2]. let b:f32[2] = cos a in (b,) }";

TEST(CondOperands, ThatFitAreTaken) { EXPECT_EQ(refusal(cond_of(kSin + " " + kCos)), "no error"); }

TEST(CondOperands, ThatDoNotFitAreRefused) {
  EXPECT_THAT(refusal(cond_of(kSin + " " + kCos, "i")), HasSubstr("cond: 0 operands for a branch of 1 inputs"));
  EXPECT_THAT(refusal(cond_of(kSin + " " + kCos, "i x x")), HasSubstr("cond: 2 operands for a branch of 1 inputs"));
  EXPECT_THAT(refusal<ParseError>(cond_of(kSin + " " + kCos, "")), HasSubstr("cond: got 0 operands. Expected at least 1"));
  EXPECT_THAT(refusal(cond_of(kSin + " " + kCos, "i x", "i:i32[] x:f32[3]")), HasSubstr("cond: the operands do not fit the branch. Got (f32[3]); expected (f32[2])"));
}

TEST(CondOperands, BranchesOfDifferentResultsAreRefused) {
  EXPECT_THAT(refusal(cond_of(kSin + " { lambda ; a:f32[2]. let  in (a, a) }")), HasSubstr("cond: the branch has other results than it must. Got (f32[2], f32[2]); expected (f32[2])"));
}

TEST(CondOperands, NoBranchesAreRefused) {
  EXPECT_THAT(refusal<ValueError>(cond_of("")), HasSubstr("cond: Empty branch sequence. Got 0 branches; expected at least one"));
  EXPECT_THROW(switch_case(Array(0), std::vector<Array (*)(const Array&)>{}, ones({2})), ValueError);
}

TEST(CallOperands, ThatDoNotFitAreRefused) {
  const auto call = [](const std::string& params) { return "{ lambda ; x:f32[2] n:i32[2]. let y:f32[2] = " + params + " in (y,) }"; };
  const std::string body = "{ lambda ; a:f32[2]. let b:f32[2] = sin a in (b,) }";
  EXPECT_THAT(refusal(call("jit[ name=f jaxpr=" + body + " ] x x")), HasSubstr("jit: 2 operands for a program of 1 inputs"));
  EXPECT_THAT(refusal(call("jit[ name=f jaxpr=" + body + " ] n")), HasSubstr("jit: the operands do not fit the program. Got (i32[2]); expected (f32[2])"));
  EXPECT_THAT(refusal(call("custom_jvp_call[ name=f call_jaxpr=" + body + " jvp=f symbolic_zeros=False ] x x")), HasSubstr("custom_jvp_call: 2 operands for a program of 1 inputs"));
  EXPECT_THAT(refusal(call("remat2[ differentiated=False jaxpr=" + body + " policy=None prevent_cse=True ] n")), HasSubstr("remat2: the operands do not fit the program"));
}

// ---- loops with a predicate per example, as JAX prints vmap of a loop

const char* const kBatchedWhile =
    "{ lambda ; a:f32[3]. let b:f32[3] = while[ body_jaxpr={ lambda ; c:f32[3]. let d:f32[3] = mul c 2.0:f32[] in (d,) } body_nconsts=0 "
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
      "{ lambda ; a:f32[3] s:f32[3,2]. let b:f32[3] t:f32[3,2] = while[ body_jaxpr={ lambda ; c:f32[3] u:f32[3,2]. let d:f32[3] = mul c 2.0:f32[] v:f32[3,2] = add u 1.0:f32[] in (d, v) } "
      "body_nconsts=0 cond_jaxpr={ lambda ; e:f32[3] w:f32[3,2]. let f:bool[3] = lt e 5.0:f32[] in (f,) } cond_nconsts=0 ] a s in (b, t) }");
  const Array a = array<float>({1, 2, 7});
  const auto f = [&](const Array& s) { return eval_jaxpr(program, Arrays{a, s})[1]; };
  // Steps of each example: 3, 2, 0.
  const Array got = vmap(f)(zeros({4, 3, 2}));
  for (std::int64_t i = 0; i < 4; ++i) EXPECT_EQ(got[static_cast<int>(i)].to_vector<float>(), (std::vector<float>{3, 3, 2, 2, 0, 0}));
  EXPECT_EQ(jit(vmap(f))(zeros({4, 3, 2})).to_vector<float>(), got.to_vector<float>());
}

TEST(BatchedWhile, IsDifferentiatedAndBatched) {
  const Jaxpr program = parse_jaxpr(kBatchedWhile);
  const auto derivative = [&](const Array& x) { return jvp([&](const Array& v) { return eval_jaxpr(program, Arrays{v})[0]; }, {x}, {ones_like(x)}).second; };
  const Array in = array<float>({{1, 2, 7}, {4, 4.5f, 0.4f}});
  const std::vector<float> want{8, 4, 1, 2, 2, 16};   // two to the number of steps
  EXPECT_EQ(vmap(derivative)(in).to_vector<float>(), want);
  EXPECT_EQ(jit(vmap(derivative))(in).to_vector<float>(), want);
}

// ---- select_n

TEST(SelectN, TakesIntegersOfEveryWidth) {
  const auto x64 = override_config(&Config::enable_x64, true);
  const Array which = array<float>({0, 2, 1, 2});
  const Arrays cases{array<float>({1, 2, 3, 4}), array<float>({10, 20, 30, 40}), array<float>({100, 200, 300, 400})};
  const std::vector<float> want{1, 200, 30, 400};
  for (const DType d : {i8, u8, i16, u16, i32, u32, i64, u64}) {
    const auto f = [&](const Array& w) { return select_n(astype(w, d), cases); };
    EXPECT_EQ(f(which).to_vector<float>(), want) << short_name(d);
    EXPECT_EQ(jit(f)(which).to_vector<float>(), want) << short_name(d);
    EXPECT_EQ(vmap(f)(stack({which, which}))[1].to_vector<float>(), want) << short_name(d);
    EXPECT_EQ(select_n(astype(Array(1), d), cases).to_vector<float>(), cases[1].to_vector<float>()) << short_name(d);
  }
}

TEST(SelectN, RefusesNumbersThatAreNoIntegers) { EXPECT_THROW(select_n(array<float>({0, 1}), Arrays{ones({2}), ones({2})}), DtypeError); }

}  // namespace
}  // namespace tf2jax
