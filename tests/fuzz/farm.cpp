// Worker processes and what they tell their parent.
#include "farm.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <iostream>
#include <map>
#include <new>
#include <set>

#include "draw.h"

namespace tf2jax::fuzz {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kGreedy = 17;  // the exit status of a worker that took too much memory

struct Shared {
  Tally tally;
  struct Worker {
    std::atomic<std::int64_t> index{-1};  // of the item at hand
    std::atomic<std::int64_t> since{0};   // ms, of the clock
    std::atomic<std::int64_t> next{0};
  };
  Worker workers[64];
};

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()).count();
}

std::int64_t peak_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

using Judge = std::function<void(std::uint64_t, Tally&)>;

[[noreturn]] void work(Shared& shared, int worker, const FarmOptions& o, Clock::time_point end, const Judge& judge) {
  Shared::Worker& me = shared.workers[worker];
  for (std::int64_t index = me.next; (o.count == 0 || index < o.count) && (o.count > 0 || Clock::now() < end);
       index += o.jobs) {
    me.since = now_ms();
    me.index = index;
    me.next = index + o.jobs;
    judge(seed_of(o, index), shared.tally);
    if (peak_megabytes() > o.megabytes) {  // the peak never falls
      std::cout.flush();
      _exit(kGreedy);
    }
  }
  me.index = -1;
  std::cout.flush();
  _exit(0);
}

}  // namespace

void add_options(CLI::App& app, FarmOptions& o) {
  app.add_option("--seconds", o.seconds, "how long to go on");
  app.add_option("--seed", o.seed, "what to draw");
  app.add_option("--count", o.count, "how many, whatever the time");
  app.add_option("--jobs", o.jobs, "processes")->check(CLI::Range(1, 64));
  app.add_option("--limit", o.limit, "seconds for one");
  app.add_option("--megabytes", o.megabytes, "memory of one process");
}

std::uint64_t seed_of(const FarmOptions& o, std::int64_t index) {
  return Draw(Draw(o.seed).bits() + static_cast<std::uint64_t>(index)).bits() >> 16;
}

bool dies(const std::function<void()>& f) {
  std::cout.flush();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(20);
    try {
      f();
    } catch (const std::exception&) {
    }
    _exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFSIGNALED(status);
}

bool run_farm(const FarmOptions& o, const Judge& judge,
              const std::function<void(std::uint64_t, const std::string&)>& died,
              const std::function<void(const Tally&, double)>& done) {
  auto* shared =
      new (::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Shared;
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(o.seconds));
  std::map<pid_t, int> workers;
  std::set<pid_t> late;
  const auto launch = [&](int worker) {
    std::cout.flush();
    const pid_t pid = ::fork();
    if (pid == 0) work(*shared, worker, o, end, judge);
    workers[pid] = worker;
  };
  for (int w = 0; w < o.jobs; ++w) {
    shared->workers[w].next = w;
    launch(w);
  }
  while (!workers.empty()) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) {
      for (const auto& [p, w] : workers)
        if (shared->workers[w].index >= 0 &&
            now_ms() - shared->workers[w].since > static_cast<std::int64_t>(o.limit * 1000) && late.insert(p).second)
          ::kill(p, SIGKILL);
      ::usleep(20000);
      continue;
    }
    const int worker = workers.at(pid);
    workers.erase(pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    ++shared->tally.findings;
    const bool greedy = WIFEXITED(status) && WEXITSTATUS(status) == kGreedy;
    died(seed_of(o, shared->workers[worker].index), late.erase(pid) ? fmt::format("took longer than {} s", o.limit)
                                                    : greedy        ? fmt::format("took more than {} MB", o.megabytes)
                                                    : WIFSIGNALED(status)
                                                        ? fmt::format("died of signal {}", WTERMSIG(status))
                                                        : std::string("ended its process"));
    launch(worker);
  }
  done(shared->tally, std::chrono::duration<double>(Clock::now() - start).count());
  const bool found = shared->tally.findings > 0;
  ::munmap(shared, sizeof(Shared));
  return found;
}

}  // namespace tf2jax::fuzz
