// Budgets of loops and of what programs become when their calls are inlined: each is met, and each can be raised.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/trace/parse.h>

#include "../support.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;

Array count_to(const Array& n) {
  return while_loop([&](const Array& i) { return less(i, n); }, [](const Array& i) { return i + 1; }, Array(0));
}
Array add_up(const Array& xs) {
  return scan([](const Array& c, const Array& x) { return std::pair(c + x, c); }, Array(0.f), xs).first;
}

class Loops : public ::testing::TestWithParam<bool> {
 protected:
  ConfigScope compiled_or_not_ = override_config(&Config::interpret, !GetParam());
};

TEST_P(Loops, StopAtTheirNumberOfSteps) {
  const auto f = jit(count_to);
  EXPECT_EQ(f(200).item<int>(), 200);  // compiled without a limit; the limit is another program
  const auto limited = override_config(&Config::max_loop_steps, std::int64_t{100});
  EXPECT_EQ(f(100).item<int>(), 100);
  EXPECT_THAT(message_of<ResourceExhaustedError>([&] { f(101); }),
              HasSubstr("while: the loop takes more than 100 steps. Raise Config::max_loop_steps"));
  EXPECT_THAT(message_of<ResourceExhaustedError>([&] { count_to(101); }), HasSubstr("while"));
  EXPECT_EQ(jit(add_up)(ones({100})).item<float>(), 100);
  EXPECT_THAT(message_of<ResourceExhaustedError>([&] { jit(add_up)(ones({101})); }), HasSubstr("scan"));
  const auto raised = override_config(&Config::max_loop_steps, std::int64_t{101});
  EXPECT_EQ(f(101).item<int>(), 101);
  EXPECT_EQ(jit(add_up)(ones({101})).item<float>(), 101);
}

TEST_P(Loops, CountEachRunOfAnInnerLoop) {
  const auto nested = jit([](const Array& n) {
    return while_loop([&](const Array& i) { return less(i, n); }, [](const Array& i) { return i + count_to(60) - 59; },
                      Array(0));
  });
  const auto limited = override_config(&Config::max_loop_steps, std::int64_t{70});
  EXPECT_EQ(nested(65).item<int>(), 65);
  EXPECT_THROW(nested(75), ResourceExhaustedError);
}

TEST_P(Loops, ThatNeverEndStopInTime) {
  const auto limited = override_config(&Config::max_seconds, 0.05);
  const auto forever = jit([](const Array& x) {
    return while_loop([](const Array& v) { return less(v, 1e9f); }, [](const Array& v) { return v * 1.f; }, x);
  });
  EXPECT_THAT(message_of<ResourceExhaustedError>([&] { forever(1.f); }), HasSubstr("more than 0.05 seconds"));
  EXPECT_EQ(forever(2e9f).item<float>(), 2e9f);
  // The outermost loop's time is what counts: inner ones that end in time do not begin anew.
  const auto nested = jit([](const Array& x) {
    return while_loop([](const Array& v) { return less(v, 1e9f); },
                      [](const Array& v) { return v * astype(count_to(1), f32); }, x);
  });
  EXPECT_THROW(nested(1.f), ResourceExhaustedError);
}

TEST_P(Loops, UnderTransformsAreCountedToo) {
  const auto limited = override_config(&Config::max_loop_steps, std::int64_t{10});
  const auto twice = [](const Array& x) {
    return fori_loop(0, 20, [](const Array&, const Array& v) { return v * 2.f; }, x);
  };
  EXPECT_THROW(jit(grad(twice))(1.f), ResourceExhaustedError);
  EXPECT_THROW(jit(vmap(twice))(ones({3})), ResourceExhaustedError);
  EXPECT_THROW(jvp(twice, std::tuple(Array(1.f)), std::tuple(Array(1.f))), ResourceExhaustedError);
  const auto raised = override_config(&Config::max_loop_steps, std::int64_t{20});
  EXPECT_EQ(jit(grad(twice))(1.f).item<float>(), 1048576);
}

INSTANTIATE_TEST_SUITE_P(CompiledOrNot, Loops, ::testing::Bool());

// p0 adds a value to itself, p[k] calls p[k-1] twice: 2^depth equations when all is inlined.
std::string doubling(int depth) {
  std::string text = "let p0 = { lambda ; a:f32[]. let b:f32[] = add a 1.0:f32[] in (b,) } in\n";
  for (int k = 1; k < depth; ++k)
    text += fmt::format(
        "let p{0} = {{ lambda ; a:f32[]. let b:f32[] = jit[name=p jaxpr=p{1}] a; c:f32[] = jit[name=p jaxpr=p{1}] b in "
        "(c,) }} in\n",
        k, k - 1);
  return text + fmt::format("{{ lambda ; a:f32[]. let b:f32[] = jit[name=p jaxpr=p{}] a in (b,) }}", depth - 1);
}

TEST(SharedPrograms, AreCheckedComparedAndSearchedOnce) {
  const Jaxpr p = parse_jaxpr(doubling(40)), q = parse_jaxpr(doubling(40));
  check_jaxpr(p);
  EXPECT_FALSE(has_effects(p));
  EXPECT_TRUE(p == q);
  EXPECT_FALSE(p == parse_jaxpr(doubling(39)));
  EXPECT_TRUE(parse_jaxpr(to_string(p)) == p);
}

TEST(SharedPrograms, AreNotInlinedWithoutEnd) {
  const Jaxpr p = parse_jaxpr(doubling(40));
  if (is_compiled()) {
    EXPECT_THAT(message_of<ResourceExhaustedError>([&] { default_backend().compile(p, {}); }),
                HasSubstr("raise Config::max_expanded_nodes"));
  }
  const auto in_time = override_config(&Config::max_seconds, 0.05);
  EXPECT_THROW(default_backend().compile(p, {.interpret = true})->run(Arrays{Array(0.f)}), ResourceExhaustedError);
  const Jaxpr few = parse_jaxpr(doubling(8));
  EXPECT_EQ(default_backend().compile(few, {})->run(Arrays{Array(0.f)})[0].item<float>(), 128);
  if (!is_compiled()) return;
  const auto limited = override_config(&Config::max_expanded_nodes, std::int64_t{100});
  EXPECT_THROW(default_backend().compile(parse_jaxpr(doubling(8)), {}), ResourceExhaustedError);
}

}  // namespace
}  // namespace tf2jax
