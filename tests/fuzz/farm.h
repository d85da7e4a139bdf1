// A farm of worker processes that judge seeds: a crash, a hang or a flood of memory is a finding like any other.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace tf2jax::fuzz {

struct FarmOptions {
  std::uint64_t seed = 1;
  std::int64_t count = 0;  // 0: until the time is up
  double seconds = 60;
  int jobs = 2;
  double limit = 60;              // seconds for one item
  std::int64_t megabytes = 6000;  // of memory of one process
};
void add_options(CLI::App& app, FarmOptions& options);

/// What workers count, in memory that all of them share.
struct Tally {
  std::atomic<std::int64_t> items{0}, ran{0}, refused{0}, sensitive{0}, findings{0}, equations{0};
};

/// The seed of an item.
std::uint64_t seed_of(const FarmOptions& options, std::int64_t index);

/// Judges items by their seeds in processes of their own until the time is up or all are done. `judge` counts what it
/// finds and prints it; `died` hears how a worker ended that crashed, took too long, or took too much memory. `done`
/// gets the result, which is whether there are findings.
bool run_farm(const FarmOptions& options, const std::function<void(std::uint64_t seed, Tally&)>& judge,
              const std::function<void(std::uint64_t seed, const std::string& how)>& died,
              const std::function<void(const Tally&, double seconds)>& done);

/// Runs in a process of its own: whether that dies.
bool dies(const std::function<void()>& f);

}  // namespace tf2jax::fuzz
