// Executables of equal programs.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <tf2jax/transforms/program_cache.h>

#include <thread>

namespace tf2jax {
namespace {

using Floats = std::vector<float>;

Jaxpr times(float c) {
  return make_jaxpr([c](const Array& x) { return x * c; })(spec(f32, {2}));
}

TEST(ProgramCache, EqualProgramsHaveOneExecutable) {
  ProgramCache cache(8);
  const auto a = cache.compile(times(2), {});
  EXPECT_EQ(a, cache.compile(times(2), {}));
  EXPECT_NE(a, cache.compile(times(3), {}));
  EXPECT_NE(a, cache.compile(times(2), {.interpret = true}));
  EXPECT_EQ(cache.compile(times(3), {})->run(Arrays{ones({2})})[0].to_vector<float>(), (Floats{3, 3}));
}

TEST(ProgramCache, ConfigurationsAreKeptApart) {
  ProgramCache cache(8);
  const auto a = cache.compile(times(2), {});
  const auto limited = override_config(&Config::max_expanded_nodes, std::int64_t{1} << 20);
  EXPECT_NE(a, cache.compile(times(2), {}));
}

TEST(ProgramCache, TheOldestGoFirst) {
  ProgramCache cache(2);
  const auto a = cache.compile(times(1), {}), b = cache.compile(times(2), {});
  EXPECT_EQ(a, cache.compile(times(1), {}));  // now the second is the oldest
  cache.compile(times(3), {});
  EXPECT_EQ(a, cache.compile(times(1), {}));
  EXPECT_NE(b, cache.compile(times(2), {}));
}

TEST(ProgramCache, LargeConstantsAreNotKept) {
  ProgramCache cache(8);
  const Array large = ones({1 << 15});  // 128 KiB
  const Jaxpr j = make_jaxpr([&](const Array& x) { return x + large; })(spec(f32, {1 << 15}));
  EXPECT_NE(cache.compile(j, {}), cache.compile(j, {}));
}

TEST(ProgramCache, ThreadsThatMeetCompileOnce) {
  ProgramCache cache(8);
  std::vector<std::shared_ptr<const Executable>> got(4);
  std::vector<std::thread> threads;
  for (auto& e : got) threads.emplace_back([&] { e = cache.compile(times(5), {}); });
  for (std::thread& t : threads) t.join();
  for (const auto& e : got) EXPECT_EQ(e, got[0]);
}

TEST(ProgramCache, WhatFailsIsTriedAgain) {
  ProgramCache cache(8);
  const Primitive p =
      make_primitive({.name = "program_cache_test_missing",
                      .operands = 1,
                      .aval = [](std::span<const Aval> x, const NoParams&) -> Avals { return {x[0]}; }});
  const Jaxpr j = make_jaxpr([&](const Array& x) { return p.bind1({x}); })(spec(f32));
  for (int i = 0; i < 2; ++i) EXPECT_THROW(cache.compile(j, {})->run(Arrays{Array(1.f)}), Error);
}

}  // namespace
}  // namespace tf2jax
