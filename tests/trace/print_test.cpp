// Printing of programs: names, types, literals, nested programs.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/trace/jaxpr.h>

namespace tf2jax {
namespace {

TEST(PrintJaxpr, AFunctionOnOneLine) {
  EXPECT_EQ(to_string(make_jaxpr([](const Array& x) { return sin(x) * 2.f; })(spec(f32, {3}))),
            "{ lambda ; a:f32[3]. let b:f32[3] = sin a; c:f32[3] = mul b 2.0:f32[] in (c,) }");
  EXPECT_EQ(to_string(make_jaxpr([](const Array& x) { return x; })(spec(i32))), "{ lambda ; a:i32[]. let  in (a,) }");
}

TEST(PrintJaxpr, ConstantsStandBeforeTheInputs) {
  const Array c = ones({2});
  const std::string text = to_string(make_jaxpr([&](const Array& x) { return x + c; })(spec(f32, {2})));
  EXPECT_TRUE(text.starts_with("{ lambda a:f32[2]; b:f32[2]. let")) << text;
}

TEST(PrintJaxpr, NamesGoOnAfterZ) {
  const std::string text = to_string(make_jaxpr([](Array x) {
    for (int i = 0; i < 27; ++i) x = sin(x);
    return x;
  })(spec(f32)));
  EXPECT_NE(text.find("z:f32[] = sin y"), std::string::npos) << text;
  EXPECT_NE(text.find("ba:f32[] = sin z"), std::string::npos) << text;
  EXPECT_NE(text.find("in (bb,)"), std::string::npos) << text;
}

TEST(PrintJaxpr, SymbolicShapesAndParams) {
  const Dim b = Dim::variable("b");
  const std::string text = to_string(make_jaxpr([](const Array& x) { return reduce_sum(x, {1}); })(spec(f32, {b, 2})));
  EXPECT_NE(text.find("a:f32[b,2]"), std::string::npos) << text;
  EXPECT_NE(text.find("reduce_sum[axes=(1,) out_sharding=None] a"), std::string::npos) << text;
}

TEST(PrintJaxpr, ResultsThatNobodyUsesHaveNoName) {
  const std::string text = to_string(make_jaxpr([](const Array& x) {
    sin(x);
    return cos(x);
  })(spec(f32)));
  EXPECT_NE(text.find("_:f32[] = sin a"), std::string::npos) << text;
}

TEST(PrintJaxpr, LongNestedProgramsComeFirst) {
  const auto chain = jit(
      [](Array x) {
        for (int i = 0; i < 12; ++i) x = sin(x);
        return x;
      },
      {.name = "chain"});
  const Jaxpr j = make_jaxpr([&](const Array& x) { return chain(x); })(spec(f32));
  const std::string text = to_string(j);
  EXPECT_TRUE(text.starts_with("let chain = { lambda")) << text;
  EXPECT_TRUE(parse_jaxpr(text) == j) << text;
}

}  // namespace
}  // namespace tf2jax
