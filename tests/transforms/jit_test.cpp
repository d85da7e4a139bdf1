// jit: caching, keys, captured values, and threads.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <atomic>
#include <thread>

using namespace tf2jax;

TEST(Jit, TracesOncePerSignature) {
  std::atomic<int> traces{0};
  auto f = jit([&](const Array& x) {
    ++traces;
    return x + 1.f;
  });
  f(ones({2}));
  f(zeros({2}));
  EXPECT_EQ(traces, 1);
  f(ones({3}));
  EXPECT_EQ(traces, 2);
  f(ones({3}, i32));
  EXPECT_EQ(traces, 3);
  f(Array(1.f));          // weakly typed
  f(full(Shape{}, 1.f));  // strongly typed
  EXPECT_EQ(traces, 5);
  EXPECT_EQ(f.cache_size(), 5u);
}

struct Scaled {
  Array x;
  int power;
};

TEST(Jit, StaticFieldsAreKeys) {
  int traces = 0;
  auto f = jit([&](const Scaled& s) {
    ++traces;
    Array y = s.x;
    for (int i = 1; i < s.power; ++i) y = y * s.x;
    return y;
  });
  EXPECT_EQ(f(Scaled{full(Shape{}, 2.f), 3}).item<float>(), 8);
  EXPECT_EQ(f(Scaled{full(Shape{}, 2.f), 2}).item<float>(), 4);
  EXPECT_EQ(f(Scaled{full(Shape{}, 3.f), 2}).item<float>(), 9);
  EXPECT_EQ(traces, 2);
}

TEST(Jit, EqualProgramsShareAnExecutable) {
  const auto program = [](float c) {
    return make_jaxpr([=](const Array& x) {
      return scan([=](const Array& s, const Array& v) { return std::pair{s * c + v, s}; }, zeros({2}), x);
    })(spec(f32, {3, 2}));
  };
  const auto first = compiled(program(0.5f));
  EXPECT_EQ(first, compiled(program(0.5f)));
  EXPECT_NE(first, compiled(program(0.25f)));
  const Array x = ones({3, 2});
  EXPECT_FLOAT_EQ(compiled(program(0.5f))->run(Arrays{x})[0].item<float>(0), 1.75f);
  EXPECT_FLOAT_EQ(compiled(program(0.25f))->run(Arrays{x})[0].item<float>(0), 1.3125f);
}

TEST(Jit, InterpretsFirstOnRequest) {
  const auto f = jit([](const Array& x) { return sum(sin(x) * cos(x)); }, {.interpret_first = true});
  const Array x = linspace(0.f, 3.f, 1000);
  const float want = f(x).item<float>();  // before the compiler is done
  for (int i = 0; i < 200; ++i) EXPECT_NEAR(f(x).item<float>(), want, 1e-3f);
  EXPECT_EQ(f.cache_size(), 1u);
}

TEST(Jit, ConfigurationIsAKey) {
  auto f = jit([](const Array& x) { return x * arange(2); });
  EXPECT_EQ(f(Array(1)).dtype(), i32);
  const auto x64 = override_config(&Config::enable_x64, true);
  EXPECT_EQ(f(Array(1)).dtype(), i64);
}

TEST(Jit, OldSignaturesAreEvicted) {
  auto f = jit([](const Array& x) { return x; }, {.max_entries = 4});
  for (int n = 1; n <= 10; ++n) f(ones({n}));
  EXPECT_EQ(f.cache_size(), 4u);
}

TEST(Jit, CapturedArraysAreConstantsAndCapturedTracersAreOperands) {
  const Array w = array<float>({1, 2, 3});
  auto f = [&](const Array& x) {
    return sum(jit([&](const Array& y) { return y * x * w; })(2.f * x));
  };  // sum of 2 w x^2
  const Array g = grad(f)(array<float>({1, 1, 2}));
  EXPECT_EQ(g.to_vector<float>(), (std::vector<float>{4, 8, 24}));
}

TEST(Jit, ControlFlowOnATracedValueExplainsItself) {
  auto f = jit([](const Array& x) { return x > 0.f ? x : -x; });
  try {
    f(1.f);
    FAIL();
  } catch (const ConcretizationError& e) {
    EXPECT_NE(std::string(e.what()).find("Use where(cond, a, b) or cond(pred, f, g, x)"), std::string::npos);
  }
  EXPECT_EQ((Array(1.f) + 1.f).item<float>(), 2.f);  // the trace context is restored
}

TEST(Jit, LeakedTracersAreReported) {
  Array leaked;
  jit([&](const Array& x) {
    leaked = x;
    return x;
  })(1.f);
  EXPECT_THROW(leaked + 1.f, UnexpectedTracerError);
  EXPECT_THROW(jit([&](const Array& x) { return x + leaked; })(1.f), UnexpectedTracerError);
}

TEST(Jit, DisableJitRunsTheFunctionItself) {
  const auto scope = override_config(&Config::disable_jit, true);
  auto f = jit([](const Array& x) { return x > 0.f ? x : -x; });
  EXPECT_EQ(f(-2.f).item<float>(), 2.f);
}

TEST(Threads, EightTraceDifferentiateAndCompileAtOnce) {
  auto shared = jit(grad([](const Array& x) { return sum(sin(x) * x); }));
  const Array x = array<float>({0.5f, 1.5f});
  const auto expected = grad([](const Array& v) { return sum(sin(v) * v); })(x).to_vector<float>();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        if (shared(x).to_vector<float>() != expected) ++wrong;
        const Array batched = vmap(grad([&](const Array& v) { return sum(sin(v) * v); }))(stack({x, x}));
        if (batched[1].to_vector<float>() != expected) ++wrong;
        auto own = jit([&](const Array& v) {
          return scan([](const Array& c, const Array& s) { return std::pair{c + s, c}; }, zeros({}), v).first;
        });
        const auto n = static_cast<std::int64_t>(2 + (t + i) % 3);
        if (own(ones({n})).item<float>() != static_cast<float>(n)) ++wrong;
        shared(ones({2 + i % 4}));
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, ATracerUsedOnAnotherThreadIsReported) {
  std::atomic<bool> reported{false};
  grad([&](const Array& x) {
    std::thread([&] {
      try {
        sin(x);
      } catch (const UnexpectedTracerError&) {
        reported = true;
      }
    }).join();
    return x * x;
  })(1.f);
  EXPECT_TRUE(reported);
}
