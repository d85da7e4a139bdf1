// Texts of programs that are read, printed and read back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <cmath>

#include "tf2jax/trace/array.h"
#include "tf2jax/trace/parse.h"

#include "../support.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;

// A primitive of any name whose parameters are kept as text, so that printing and reading are tested by themselves.
struct AnyParams {
  std::vector<ParamText> fields;
  bool operator==(const AnyParams&) const { return true; }
  static void visit_fields(auto& self, auto& v) {
    if constexpr (requires { v.fields; }) v.fields = self.fields;
  }
  void after_read(ParamReader& r) {
    for (auto& [name, value] : r.take_all()) {
      ParamText t;
      t.name = name;
      t.text = value.text;
      if (value.kind == ParsedValue::Kind::jaxprs) {
        t.is_jaxpr_tuple = true;
        t.jaxprs = value.jaxprs;
      } else if (!value.jaxprs.empty() && name != "name") {
        t.is_jaxpr = true;
        t.jaxprs = value.jaxprs;
      }
      fields.push_back(t);
    }
  }
};

void know(const std::string& name) {
  if (find_primitive(name)) return;
  register_primitive(make_primitive<AnyParams>({.name = name}));
}

void expect_same(const std::string& text) {
  for (;;) {
    try {
      EXPECT_EQ(to_string(parse_jaxpr(text)), text);
      return;
    } catch (const NotImplementedError& e) {
      const std::string what = e.what();
      const std::size_t a = what.find('\''), b = what.find('\'', a + 1);
      know(what.substr(a + 1, b - a - 1));
    }
  }
}

TEST(JaxprText, ShortProgramsStandOnOneLine) {
  expect_same("{ lambda ; a:f32[]. let b:f32[] = cos a; c:f32[] = sin b in (c,) }");
}

TEST(JaxprText, UnusedResultsAreDropped) {
  expect_same(R"({ lambda ; a:f32[]. let
    b:f32[] = cos a
    c:f32[] = sin a
    _:f32[] = sin b
    d:f32[] = cos b
    e:f32[] = mul 1.0:f32[] d
    f:f32[] = neg e
    g:f32[] = mul f c
  in (g,) })");
}

TEST(JaxprText, BranchesAreLaidOutAsATuple) {
  expect_same(R"({ lambda ; a:f32[]. let
    b:bool[] = ge a 0.0:f32[]
    c:f32[] = add a 1.0:f32[]
    d:f32[] = add a 2.0:f32[]
    e:i32[] = convert_element_type[new_dtype=int32 weak_type=False] b
    f:f32[] = cond[
      branches=(
        { lambda ; g:f32[] h:f32[] i:f32[]. let j:f32[] = sub i g in (j,) }
        { lambda ; k:f32[] l:f32[] m:f32[]. let n:f32[] = add l k in (n,) }
      )
    ] e a c d
  in (f,) })");
}

TEST(JaxprText, ProgramsUsedTwiceComeFirst) {
  expect_same(R"(let lambda = { lambda ; a:f32[1]. let b:f32[1] = integer_pow[y=2] a in (b,) } in
{ lambda ; c:f32[1]. let
    d:f32[1] = jit[
      name=<lambda>
      jaxpr={ lambda ; c:f32[1]. let
          e:f32[1] = jit[name=<lambda> jaxpr=lambda] c
          f:f32[1] = jit[name=<lambda> jaxpr=lambda] c
          d:f32[1] = add e f
        in (d,) }
    ] c
  in (d,) })");
}

TEST(JaxprText, LiteralResultsAndEmptyPrograms) {
  expect_same(R"({ lambda ; a:f32[1]. let
    b:i32[] c:f32[1] = jit[
      name=<lambda>
      jaxpr={ lambda ; a:f32[1]. let  in (2:i32[], a) }
    ] a
  in (b, c) })");
}

TEST(JaxprText, UnnamedInnerResultsKeepTheirName) {
  expect_same(R"({ lambda ; a:f32[4]. let
    _:f32[4] = jit[
      name=cumsum
      jaxpr={ lambda ; a:f32[4]. let
          _:f32[4] = cumsum[axis=0 reverse=False] a
        in (_,) }
    ] a
  in (a,) })");
}

TEST(JaxprText, EveryKindOfLiteral) {
  expect_same(R"({ lambda ; a:f32[]. let
    b:c64[] = f True:bool[] -2.5052107943679403e-08:f32[] nan:f64[] -inf:f32[] (1.4142135381698608+0j):c64[]
      1j:c64[] 18446744073709551615:u64[] 1e-06:f64[]
  in (b,) })");
}

TEST(JaxprText, ErrorsSayWhere) {
  const auto message = [](const char* text) { return message_of<Error>([&] { parse_jaxpr(text); }); };
  EXPECT_THAT(message("{ lambda ; a:f32[3]. let\n  b:f33[3] = sin a in (b,) }"), HasSubstr("2:5: unknown dtype 'f33'"));
  know("sin");
  EXPECT_THAT(message("{ lambda ; a:f32[3]. let b:f32[3] = sin a in (c,) }"), HasSubstr("variable 'c' is not defined"));
  EXPECT_THAT(message("{ lambda ; a:f32[3]. let b:f32[3] = no_such_thing a in (b,) }"), HasSubstr("'no_such_thing'"));
  EXPECT_THAT(message("{ lambda ; a:f32[3]. let"), HasSubstr("parse_jaxpr: 1:"));
  std::string deep = "{ lambda ; a:f32[3]. let b:f32[3] = sin[x=";
  EXPECT_THAT(message((deep + std::string(100000, '(')).c_str()), HasSubstr("too deeply"));
}

// JAX also calls a result `_` in the inner program where only the outer one drops it.
TEST(UnnamedResults, AreReadWhereTheyHaveOneMeaning) {
  const Jaxpr one = parse_jaxpr(R"({ lambda ; a:f32[]. let
    _:f32[] b:f32[] = jit[name=f jaxpr={ lambda ; a:f32[]. let
          _:f32[] = sin a
          b:f32[] = mul _ a
        in (_, b) }] a
  in (b,) })");
  EXPECT_FLOAT_EQ(eval_jaxpr(one, Arrays{Array(2.f)})[0].item<float>(), std::sin(2.f) * 2);
  // Two of them, told apart by their types.
  const Jaxpr two = parse_jaxpr(R"({ lambda ; a:f32[]. let
    _:f32[] _:i32[] b:f32[] = jit[name=f jaxpr={ lambda ; a:f32[]. let
          _:f32[] = sin a
          _:i32[] = convert_element_type[new_dtype=int32 weak_type=False] a
          b:f32[] = mul _ a
        in (_, _, b) }] a
  in (b,) })");
  EXPECT_FLOAT_EQ(eval_jaxpr(two, Arrays{Array(2.f)})[0].item<float>(), std::sin(2.f) * 2);
}

TEST(UnnamedResults, AreRefusedWhereTheyHaveSeveral) {
  const char* text = R"({ lambda ; a:f32[]. let
    _:f32[] _:f32[] b:f32[] = jit[name=f jaxpr={ lambda ; a:f32[]. let
          _:f32[] = sin a
          _:f32[] = cos a
          b:f32[] = mul _ a
        in (_, _, b) }] a
  in (b,) })";
  try {
    parse_jaxpr(text);
    FAIL() << "it was read";
  } catch (const ParseError& e) {
    EXPECT_THAT(e.what(), HasSubstr("several results before this equation are called '_'"));
  }
}

TEST(UnnamedResults, OurTextsCanBeReadBack) {
  // The outer program drops two results that the inner one reads.
  const auto inner = jit([](const Array& x) {
    const Array s = sin(x), c = cos(x);
    return std::tuple(s, c, s * c);
  });
  const Jaxpr j = make_jaxpr([&](const Array& x) { return std::get<2>(inner(x)); })(spec(f32));
  const Jaxpr back = parse_jaxpr(to_string(j));
  EXPECT_FLOAT_EQ(eval_jaxpr(back, Arrays{Array(2.f)})[0].item<float>(), std::sin(2.f) * std::cos(2.f));
}

TEST(ParseJaxpr, FillValuesMayBeComplex) {
  const Jaxpr j = parse_jaxpr(R"({ lambda ; a:c64[1] b:i32[1]. let
    c:c64[] = gather[
      dimension_numbers=GatherDimensionNumbers(offset_dims=(), collapsed_slice_dims=(0,), start_index_map=(0,), operand_batching_dims=(), start_indices_batching_dims=())
      fill_value=(0.5-1.5j)
      indices_are_sorted=False
      mode=GatherScatterMode.FILL_OR_DROP
      slice_sizes=(1,)
      unique_indices=False
    ] a b
  in (c,) })");
  const Arrays args{array<complex64>({complex64(1, 2)}), array<int>({3})};
  EXPECT_EQ(eval_jaxpr(j, args)[0].item<complex64>(), complex64(0.5f, -1.5f));
  EXPECT_EQ(jit([&](const Array& x, const Array& i) { return eval_jaxpr(j, Arrays{x, i})[0]; })(args[0], args[1])
                .item<complex64>(),
            complex64(0.5f, -1.5f));
}

TEST(ParseJaxpr, LinearPartsOfCustomRulesAreRead) {
  const Jaxpr j = parse_jaxpr(
      "{ lambda ; a:f32[] b:f32[]. let c:f32[] = custom_lin[bwd=f in_zeros=[False, True] num_res=1 "
      "symbolic_zeros=False] a b in (c,) }");
  EXPECT_EQ(j.output_avals()[0].to_string(), "f32[]");
}

}  // namespace
}  // namespace tf2jax
