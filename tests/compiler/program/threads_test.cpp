// Compiled programs on many threads at once, against the same programs run on one.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <atomic>
#include <barrier>
#include <cmath>
#include <thread>

#include "tf2jax/base/thread_pool.h"

namespace tf2jax {
namespace {

constexpr int kThreads = 4;

Array values(const Shape& shape, int seed = 0) {
  return random::normal(random::key(static_cast<std::uint32_t>(seed)), shape);
}

// Runs body(thread) on all threads, started together; rethrows nothing: an error fails the test.
template <class F>
void on_threads(const F& body) {
  std::barrier start(kThreads);
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      try {
        body(t);
      } catch (const std::exception& e) {
        ADD_FAILURE() << "thread " << t << ": " << e.what();
      }
    });
}

// Sums may be taken in another order when fewer threads are free.
bool equal(const Arrays& got, const Arrays& want) {
  if (got.size() != want.size()) return false;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!(got[i].aval() == want[i].aval())) return false;
    const auto x = got[i].to_vector<double>(), y = want[i].to_vector<double>();
    for (std::size_t k = 0; k < x.size(); ++k)
      if (!(std::abs(x[k] - y[k]) <= 1e-5 * (1 + std::abs(y[k])))) return false;
  }
  return true;
}

struct Case {
  std::string name;
  Jaxpr jaxpr;
  std::vector<Arrays> inputs;   // one set per thread
  std::vector<Arrays> results;  // of the interpreter
};

std::shared_ptr<const Executable> fresh_executable(const Jaxpr& jaxpr) { return default_backend().compile(jaxpr, {}); }

template <class F>
Case make_case(std::string name, const F& f, const Shape& shape) {
  Case c{std::move(name), make_jaxpr(f)(spec(f32, shape)), {}, {}};
  const auto oracle = default_backend().compile(c.jaxpr, {.interpret = true});
  for (int t = 0; t < kThreads; ++t) {
    c.inputs.push_back({values(shape, t + 10)});
    c.results.push_back(oracle->run(c.inputs.back()));
  }
  return c;
}

Array recurrent(const Array& xs) {
  const Array wi = values({8, 64}, 1) * 0.3f, wh = values({16, 64}, 2) * 0.3f;
  const auto cell = [&](const std::pair<Array, Array>& state, const Array& x) {
    const auto& [c, h] = state;
    const Array gates = matmul(x, wi) + matmul(h, wh);
    const auto gate = [&](std::int64_t k) { return gates(all, slice(k * 16, (k + 1) * 16)); };
    const Array next = logistic(gate(1)) * c + logistic(gate(0)) * tanh(gate(2));
    const Array out = logistic(gate(3)) * tanh(next);
    return std::pair{std::pair{next, out}, out};
  };
  return scan(cell, std::pair{zeros({3, 16}), zeros({3, 16})}, xs).second;
}

Array convolved(const Array& x) {
  const auto layer = [](const Array& a, const Array& kernel) {
    return relu(conv_general_dilated(
        a, kernel, {.window_strides = {1, 1}, .dimension_numbers = conv_dims("NHWC", "HWIO", "NHWC")}, "SAME"));
  };
  return layer(layer(x, values({3, 3, 16, 32}, 1) * 0.1f), values({1, 1, 32, 16}, 2) * 0.1f);
}

std::vector<Case> make_cases() {
  std::vector<Case> out;
  out.push_back(make_case("elementwise",
                          [](const Array& x) { return std::pair{sin(x) * 2.f + exp(-square(x)), sum(square(x))}; },
                          {150001}));
  out.push_back(make_case("products with weights",
                          [](const Array& x) {
                            const Array w = values({96, 96}, 1) * 0.1f;
                            return matmul(tanh(matmul(x, w)), transpose(w));
                          },
                          {64, 96}));
  out.push_back(make_case("product with itself", [](const Array& x) { return matmul(x, transpose(x)); }, {64, 48}));
  out.push_back(
      make_case("vector by weights", [](const Array& x) { return matmul(x, values({200, 300}, 1) * 0.1f); }, {1, 200}));
  out.push_back(make_case("convolution", convolved, {2, 10, 10, 16}));
  out.push_back(make_case("scan", recurrent, {9, 3, 8}));
  out.push_back(
      make_case("gradient of scan", grad([](const Array& xs) { return sum(square(recurrent(xs))); }), {9, 3, 8}));
  out.push_back(make_case("while",
                          [](const Array& x) {
                            return while_loop([](const Array& v) { return less(sum(v), 100.f); },
                                              [](const Array& v) { return square(v) * 0.5f + 1.f; }, x);
                          },
                          {50}));
  out.push_back(make_case("cond",
                          [](const Array& x) {
                            return cond(
                                greater(x(0), 0.f), [](const Array& v) { return sin(v); },
                                [](const Array& v) { return v * 3.f; }, x);
                          },
                          {50}));
  out.push_back(make_case("eager kernels", [](const Array& x) { return sort(sin(x), 0) + cumsum(x, 1); }, {40, 30}));
  out.push_back(make_case("rows", [](const Array& x) { return softmax(x) + sum(x, 0); }, {300, 200}));
  out.push_back(make_case("scalar", [](const Array& x) { return x * x + 1.f; }, {}));
  return out;
}
const std::vector<Case>& cases() {
  static const std::vector<Case> all_cases = make_cases();
  return all_cases;
}

TEST(CompiledThreads, RunOneExecutableAtOnce) {
  for (const Case& c : cases()) {
    const auto executable = fresh_executable(c.jaxpr);  // its packed weights and teams are made by whoever comes first
    on_threads([&](int t) {
      const std::size_t k = t;
      for (int repeat = 0; repeat < 2; ++repeat)
        EXPECT_TRUE(equal(executable->run(c.inputs[k]), c.results[k])) << c.name;
    });
  }
}

TEST(CompiledThreads, CompileDifferentProgramsAtOnce) {
  cases();
  on_threads([](int t) {
    const std::size_t k = t;
    for (std::size_t i = 0; i < cases().size(); ++i) {
      const Case& c = cases()[(i + k * 3) % cases().size()];
      EXPECT_TRUE(equal(fresh_executable(c.jaxpr)->run(c.inputs[k]), c.results[k])) << c.name;
    }
  });
}

TEST(CompiledThreads, CompileOneProgramAtOnce) {
  for (const Case& c : cases()) {
    if (c.name != "scan" && c.name != "rows") continue;
    on_threads([&](int t) {
      const std::size_t k = t;
      EXPECT_TRUE(equal(fresh_executable(c.jaxpr)->run(c.inputs[k]), c.results[k])) << c.name;
    });
  }
}

TEST(CompiledThreads, CallOneJittedFunctionAtOnce) {
  const auto f = jit([](const Array& x) { return recurrent(sin(x)); });
  const Case c = make_case("jit", [](const Array& x) { return recurrent(sin(x)); }, {5, 3, 8});
  on_threads([&](int t) {
    const std::size_t k = t;
    for (int repeat = 0; repeat < 3; ++repeat) EXPECT_TRUE(equal({f(c.inputs[k][0])}, c.results[k]));
  });
}

TEST(CompiledThreads, ShareExecutablesOfEqualPrograms) {
  const auto program = [](const Array& x) { return cos(recurrent(x)) * 0.25f; };
  const Case c = make_case("jit", program, {5, 3, 8});
  on_threads([&](int t) {
    const std::size_t k = t;
    for (int repeat = 0; repeat < 3; ++repeat) EXPECT_TRUE(equal({jit(program)(c.inputs[k][0])}, c.results[k]));
  });
}

TEST(CompiledThreads, RunInterpretedUntilCompiled) {
  const auto program = [](const Array& x) { return tanh(recurrent(x)) - 0.25f; };
  const Case c = make_case("jit", program, {5, 3, 8});
  const auto f = jit(program, {.interpret_first = true});
  on_threads([&](int t) {
    const std::size_t k = t;
    for (int repeat = 0; repeat < 5; ++repeat) EXPECT_TRUE(equal({f(c.inputs[k][0])}, c.results[k]));
    const auto own = jit([](const Array& x) { return log(square(x) + 1.f); },
                         {.interpret_first = true});  // destroyed while it compiles
    EXPECT_EQ(own(ones({4})).dims(), (Dims{4}));
  });
}

TEST(CompiledThreads, DestroyExecutablesWhileOthersRun) {
  std::vector<std::shared_ptr<const Executable>> lasting;
  for (const Case& c : cases()) lasting.push_back(fresh_executable(c.jaxpr));
  std::atomic<int> compiling = kThreads / 2;
  on_threads([&](int t) {
    const std::size_t k = t;
    if (t % 2 == 0) {
      for (std::size_t i = 0; i < cases().size(); ++i)
        EXPECT_TRUE(equal(fresh_executable(cases()[i].jaxpr)->run(cases()[i].inputs[k]), cases()[i].results[k]))
            << cases()[i].name;
      --compiling;
      return;
    }
    do {
      for (std::size_t i = 0; i < lasting.size(); ++i)
        EXPECT_TRUE(equal(lasting[i]->run(cases()[i].inputs[k]), cases()[i].results[k])) << cases()[i].name;
    } while (compiling > 0);
  });
}

TEST(CompiledThreads, ChangeTheNumberOfThreadsBetweenRuns) {
  struct Restore {
    int before = num_threads();
    ~Restore() { set_num_threads(before); }
  } restore;
  std::vector<std::shared_ptr<const Executable>> executables;
  for (const Case& c : cases()) executables.push_back(fresh_executable(c.jaxpr));
  on_threads([&](int t) {
    const std::size_t k = t;
    for (std::size_t i = 0; i < executables.size(); ++i) {
      set_num_threads(1 + (t + static_cast<int>(i)) % 3);
      EXPECT_TRUE(equal(executables[i]->run(cases()[i].inputs[k]), cases()[i].results[k])) << cases()[i].name;
    }
  });
}

TEST(CompiledThreads, ResultsOutliveTheExecutableAndItsThread) {
  Arrays results;
  std::jthread([&] {
    const auto f = [](const Array& x) {
      return std::tuple{x * 2.f, x, values({300}, 1), reshape(x * 2.f, {30, 10}), reshape(x, {10, 30})};
    };
    results = fresh_executable(make_jaxpr(f)(spec(f32, {300})))->run(Arrays{ones({300})});
  }).join();
  ASSERT_EQ(results.size(), 5u);
  for (const std::size_t i : {0u, 3u}) EXPECT_EQ(results[i].to_vector<float>(), std::vector<float>(300, 2.f));
  for (const std::size_t i : {1u, 4u}) EXPECT_EQ(results[i].to_vector<float>(), std::vector<float>(300, 1.f));
  EXPECT_EQ(results[2].to_vector<float>(), values({300}, 1).to_vector<float>());
}

}  // namespace
}  // namespace tf2jax
