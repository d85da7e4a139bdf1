// Functions with derivatives of their own: custom_jvp and custom_vjp under every transform.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

TEST(CustomVjp, ForwardModeNamesTheReason) {
  auto f = custom_vjp([](const Array& x) { return x * x; }, [](const Array& x) { return std::pair{x * x, x}; },
                      [](const Array& x, const Array& ct) { return std::tuple{5.f * ct * x}; });
  expect_close(grad(f)(2.f), {10});
  expect_close(grad(jit(f))(2.f), {10});
  expect_close(vmap(grad(f))(array<float>({1, 2})), {5, 10});
  expect_close(grad([&](const Array& x) { return sum(vmap(f)(x)); })(array<float>({1, 2})), {5, 10});
  const auto m = message_of<TypeError>([&] { jvp(f, {Array(1.f)}, {Array(1.f)}); });
  EXPECT_NE(m.find("can't apply forward-mode autodiff (jvp) to a custom_vjp function."), std::string::npos) << m;
}

TEST(CustomVjp, SharedArgumentUnderVmapSumsItsCotangent) {
  auto f =
      custom_vjp([](const Array& w, const Array& x) { return w * x; },
                 [](const Array& w, const Array& x) { return std::pair{w * x, std::tuple{w, x}}; },
                 [](const auto& r, const Array& ct) { return std::tuple{ct * std::get<1>(r), ct * std::get<0>(r)}; });
  const Array x = array<float>({1, 2, 3});
  expect_close(grad([&](const Array& w) { return sum(vmap(f, {.in_axes = {none, 0}})(w, x)); })(2.f), {6});
}

// Integers have cotangents of dtype float0, which hold nothing: whatever the rule gives for them is left aside.
TEST(CustomVjp, IntegerArgumentsHaveNoCotangent) {
  auto f = custom_vjp([](const Array& x, const Array& n) { return x * n; },
                      [](const Array& x, const Array& n) { return std::pair{x * n, n}; },
                      [](const Array& n, const Array& ct) { return std::tuple{ct * n, Array()}; });
  const Array n = array<int>(3);
  expect_close(grad([&](const Array& x) { return f(x, n); })(2.f), {3});
  expect_close(grad(jit([&](const Array& x) { return f(x, n); }))(2.f), {3});
  expect_close(jit(grad([&](const Array& x, const Array& k) { return f(x, k); }))(Array(2.f), n), {3});
  expect_close(
      vmap(grad([&](const Array& x, const Array& k) { return f(x, k); }))(array<float>({1, 2}), array<int>({3, 4})),
      {3, 4});
  expect_close(grad([&](const Array& x) { return sum(vmap(f)(x, array<int>({3, 4}))); })(array<float>({1, 2})), {3, 4});
  auto g = custom_vjp([](const Array& x, const Array& k) { return x * k; },
                      [](const Array& x, const Array& k) { return std::pair{x * k, k}; },
                      [](const Array& k, const Array& ct) { return std::tuple{ct * k, zeros_like(k)}; });
  expect_close(
      vmap(grad([&](const Array& x, const Array& k) { return g(x, k); }))(array<float>({1, 2}), array<int>({3, 4})),
      {3, 4});
}

TEST(CustomVjp, WrongCotangentShapeIsAnError) {
  auto f = custom_vjp([](const Array& x) { return sum(x); }, [](const Array& x) { return std::pair{sum(x), x}; },
                      [](const Array&, const Array& ct) { return std::tuple{ct}; });
  EXPECT_THROW(grad(f)(ones({3})), ShapeError);
}

TEST(CustomJvp, InsideScanAndJit) {
  auto triple = custom_jvp([](const Array& x) { return x; }).defjvp([](auto p, auto t) {
    return std::pair{std::get<0>(p), 3.f * std::get<0>(t)};
  });
  auto f = jit([&](const Array& x) {
    return scan([&](const Array& c, const Array&) { return std::pair{triple(c), c}; }, x, zeros({3})).first;
  });
  expect_close(grad(f)(1.f), {27});
}

const auto quintuple = custom_jvp([](const Array& x) { return x * x; }, "quintuple").defjvp([](auto p, auto t) {
  return std::pair{std::get<0>(p) * std::get<0>(p), 5.f * std::get<0>(t)};
});

TEST(CustomJvp, ReplacesTheDerivativeUnderEveryTransform) {
  EXPECT_EQ(quintuple(Array(3.f)).item<float>(), 9);
  EXPECT_EQ(grad(quintuple)(Array(3.f)).item<float>(), 5);
  EXPECT_EQ(jvp(quintuple, {Array(3.f)}, {Array(2.f)}).second.item<float>(), 10);
  EXPECT_EQ(grad(jit(quintuple))(Array(3.f)).item<float>(), 5);
  EXPECT_EQ(vmap(grad(quintuple))(array<float>({1, 2})).to_vector<float>(), (std::vector<float>{5, 5}));
  EXPECT_EQ(grad([](const Array& x) { return sum(vmap(quintuple)(x)); })(array<float>({1, 2})).to_vector<float>(),
            (std::vector<float>{5, 5}));
}

TEST(CustomJvp, AppearsInProgramsByName) {
  const std::string text = to_string(make_jaxpr(quintuple)(1.f));
  EXPECT_NE(text.find("custom_jvp_call[\n      name=quintuple"), std::string::npos) << text;
}

TEST(CustomJvp, RulesMustGiveTangentsOfTheOutputsShape) {
  const auto wrong = custom_jvp([](const Array& x) { return x; }).defjvp([](auto p, auto) {
    return std::pair{std::get<0>(p), ones({2})};
  });
  expect_error<ShapeError>([&] { jvp(wrong, {ones({3})}, {ones({3})}); }, "a tangent must have the type of its output");
}

TEST(CustomJvp, ClosedOverValuesAreNotDifferentiated) {
  expect_error<UnexpectedTracerError>(
      [] {
        grad([](const Array& y) {
          const auto f = custom_jvp([&](const Array& x) { return x * y; }).defjvp([](auto p, auto t) {
            return std::pair{std::get<0>(p), std::get<0>(t)};
          });
          return f(Array(2.f));
        })(Array(3.f));
      },
      "a captured value");
}

const char* const kFromText =
    "{ lambda ; a:f32[]. let b:f32[] = custom_jvp_call[name=rules_test call_jaxpr={ lambda ; c:f32[]. let d:f32[] = "
    "mul c c "
    "in (d,) } jvp=rule symbolic_zeros=False] a in (b,) }";

TEST(CustomJvp, ProgramsOfTextsTakeRulesByName) {
  const Jaxpr j = parse_jaxpr(kFromText);
  const auto f = [&](const Array& x) { return eval_jaxpr(j, Arrays{x})[0]; };
  EXPECT_EQ(f(Array(3.f)).item<float>(), 9);
  expect_error<NotImplementedError>([&] { grad(f)(Array(3.f)); }, "register_custom_jvp_rule");
  register_custom_jvp_rule("rules_test",
                           [](const Arrays& x, const Arrays& t) { return Arrays{x[0] * x[0], t[0] * 7.f}; });
  EXPECT_EQ(grad(f)(Array(3.f)).item<float>(), 7);
}

// Rules of JAX's library; values from its documentation: log(e^x + e^y), x log y, log(x / (1 - x)), min(max(x, 0), 6).
TEST(CustomJvp, ProgramsOfTextsKnowTheRulesOfJax) {
  const auto slope = [](std::string_view function, std::string_view rule, std::string_view body, float x) {
    const Jaxpr j = parse_jaxpr(fmt::format(
        "{{ lambda ; a:f32[]. let b:f32[] = custom_jvp_call[name={} call_jaxpr={{ lambda ; c:f32[]. let {} in (d,) }} "
        "jvp={} symbolic_zeros=False] a in (b,) }}",
        function, body, rule));
    const auto f = [&](const Array& v) { return eval_jaxpr(j, Arrays{v})[0]; };
    const Array direct = grad(f)(Array(x)), compiled = jit(grad(f))(Array(x));
    EXPECT_FLOAT_EQ(direct.item<float>(), compiled.item<float>()) << function;
    return std::pair{direct.item<float>(), grad(grad(f))(Array(x)).item<float>()};
  };
  const char* const relu6 = "e:f32[] = max c 0.0:f32[] d:f32[] = min e 6.0:f32[]";
  EXPECT_EQ(slope("relu6", "jvp", relu6, 6), (std::pair{0.f, 0.f}));  // where max and min alone would give halves
  EXPECT_EQ(slope("relu6", "jvp", relu6, 5), (std::pair{1.f, 0.f}));
  const char* const relu = "d:f32[] = max c 0.0:f32[]";
  EXPECT_EQ(slope("relu", "jvp", relu, 0), (std::pair{0.f, 0.f}));
  const auto [first, second] =
      slope("logit", "jvp", "e:f32[] = sub 1.0:f32[] c f:f32[] = div c e d:f32[] = log f", 0.25f);
  EXPECT_FLOAT_EQ(first, 1 / (0.25f * 0.75f));
  EXPECT_FLOAT_EQ(second, -(1 - 0.5f) / (0.1875f * 0.1875f));
  expect_error<NotImplementedError>([&] { slope("relu6", "other", relu6, 1); }, "does not carry the rule 'other'");
}

TEST(CustomVjp, ResidualsMayHaveAnyStructure) {
  const auto f =
      custom_vjp([](const Array& x, const Array& y) { return x * y; },
                 [](const Array& x, const Array& y) {
                   return std::pair{x * y, std::map<std::string, std::vector<Array>>{{"all", {x, y}}}};
                 },
                 [](const auto& r, const Array& ct) { return std::tuple{ct * r.at("all")[1], ct * r.at("all")[0]}; });
  const auto [dx, dy] = grad<0, 1>(f)(Array(2.f), Array(3.f));
  EXPECT_EQ(dx.item<float>(), 3);
  EXPECT_EQ(dy.item<float>(), 2);
}

}  // namespace
}  // namespace tf2jax
