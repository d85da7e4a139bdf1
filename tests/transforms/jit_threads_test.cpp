// jit called by many threads while new signatures arrive.
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <thread>

using namespace tf2jax;

namespace {

using Clock = std::chrono::steady_clock;
double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// The sum of n(n+1)/2 over x = 1, 2, ..., n, in a program that takes some time to compile.
Array work(const Array& x) { return sum(tanh(x) * 0.f + x); }
Array counted(std::int64_t n) { return astype(arange(1, n + 1), f32); }

}  // namespace

TEST(JitThreads, NewSignaturesArriveWhileSixteenThreadsCall) {
  const auto f = jit(work);
  constexpr std::int64_t kKnown = 48;  // signatures to search before a call finds its own
  for (std::int64_t n = 1; n <= kKnown; ++n) f(counted(n));
  std::atomic<bool> stop{false};
  std::atomic<std::int64_t> calls{0}, wrong{0};
  std::vector<std::thread> callers;
  for (std::int64_t t = 0; t < 16; ++t)
    callers.emplace_back([&, t] {
      const std::int64_t n = 1 + t % 4;
      const Array x = counted(n);
      while (!stop) {
        if (f(x).item<float>() != static_cast<float>(n * (n + 1) / 2)) ++wrong;
        ++calls;
      }
    });
  std::vector<double> waits, own;
  for (std::int64_t n = kKnown + 1; n <= kKnown + 12; ++n) {
    const Array x = counted(n), y = counted(n + 1000);
    auto start = Clock::now();
    if (f(x).item<float>() != static_cast<float>(n * (n + 1) / 2)) ++wrong;
    waits.push_back(milliseconds_since(start));
    start = Clock::now();  // as much work for nobody else's list, on the same busy machine
    jit(work)(y);
    own.push_back(milliseconds_since(start));
  }
  stop = true;
  for (auto& t : callers) t.join();
  EXPECT_EQ(wrong, 0);
  std::ranges::sort(waits), std::ranges::sort(own);
  std::printf(
      "%lld calls; a new signature waits %.1f ms (worst %.1f), its own compilation takes %.1f ms (worst %.1f)\n",
      static_cast<long long>(calls.load()), waits[waits.size() / 2], waits.back(), own[own.size() / 2], own.back());
  EXPECT_LT(waits[waits.size() / 2], 10 * own[own.size() / 2] + 100);
}

TEST(JitThreads, ASignatureThatAllMeetAtOnceIsCompiledOnce) {
  Config config = tf2jax::config(), logging = config;
  logging.log_compiles = true;
  update_config(logging);
  constexpr int kThreads = 8;
  const Array weights = linspace(0, 1, 1 << 16);  // too large for a program that is kept
  for (const bool large : {false, true}) {
    const auto f = jit([=](const Array& x) { return large ? sum(x * weights) : sum(sin(x) * cos(x) + 0.125f); });
    std::barrier together(kThreads);
    std::atomic<int> wrong{0};
    ::testing::internal::CaptureStderr();
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        const Array x = zeros({1 << 16});
        together.arrive_and_wait();
        if (f(x).item<float>() != (large ? 0 : 0.125f * (1 << 16))) ++wrong;
      });
    for (auto& t : threads) t.join();
    const std::string log = ::testing::internal::GetCapturedStderr();
    int compiled = 0;
    for (std::size_t at = 0; (at = log.find("compile:", at)) != std::string::npos; ++at) ++compiled;
    EXPECT_LE(compiled, large ? 3 : 1) << log;  // who comes after the first has finished finds small programs only
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(f.cache_size(), 1u);
  }
  update_config(config);
}

TEST(JitThreads, ClearingAndEvictingWhileOthersCall) {
  const auto f = jit(work, {.max_entries = 2});
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::int64_t t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      for (std::int64_t i = 0; i < 60; ++i) {
        const std::int64_t n = 1 + (t + i) % 5;
        if (f(counted(n)).item<float>() != static_cast<float>(n * (n + 1) / 2)) ++wrong;
        if (i % 20 == 19) f.clear_cache();
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}
