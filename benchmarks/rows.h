// Rows of the benchmarks: a name and a function that makes the workload when the row first runs.
#pragma once
#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <string>

namespace rows {

/// `make()` returns a callable whose call is timed. Nothing is made for rows that are filtered out.
template <class Make>
void row(const std::string& name, Make make) {
  using Run = decltype(make());
  const auto made = std::make_shared<std::unique_ptr<Run>>();
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) {
                                 if (!*made) {
                                   *made = std::make_unique<Run>(make());
                                   for (int i = 0; i < 3; ++i) (**made)();
                                 }
                                 for (auto _ : state) (**made)();
                               })
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

inline int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace rows
