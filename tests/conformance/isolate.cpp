// Cases in processes of their own: a child runs them one after another and writes lines to a pipe.
#include "isolate.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

namespace conformance {

namespace {

constexpr const char* kDone = ".";  // a case is over; other lines begin with ':'

void write_all(int file, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(file, text.data() + done, text.size() - done);
    if (n <= 0) _exit(3);
    done += static_cast<std::size_t>(n);
  }
}

class Child {
 public:
  Child(std::size_t begin, std::size_t end, const Isolation& isolation,
        const std::function<void(std::size_t, const Emit&)>& body)
      : limit_(isolation.limit) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("conformance: no pipe for a child process");
    std::fflush(nullptr);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("conformance: no child process");
    if (pid_ == 0) {
      ::close(ends[0]);
      confine(isolation);
      for (std::size_t i = begin; i < end; ++i) {
        body(i, [&](std::string line) {
          std::ranges::replace(line, '\n', ' ');
          write_all(ends[1], ":" + line + "\n");
        });
        write_all(ends[1], std::string(kDone) + "\n");
      }
      std::fflush(nullptr);
      _exit(0);
    }
    ::close(ends[1]);
    file_ = ends[0];
  }
  ~Child() {
    ::close(file_);
    if (!waited_) {
      ::kill(pid_, SIGKILL);
      wait();
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// One case. `last`: the process is to end after it.
  Isolated next(bool last) {
    Isolated out;
    deadline_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<long long>(1000 * limit_));
    for (;;) {
      const std::optional<std::string> line = read_line();
      if (!line) {
        wait();
        out.lost = how_it_ended();
        break;
      }
      if (*line == kDone) {
        if (last) wait();
        break;
      }
      out.lines.push_back(line->substr(1));
    }
    out.megabytes = usage_.ru_maxrss / 1024;
    return out;
  }

 private:
  static void confine(const Isolation& isolation) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    if (isolation.gigabytes <= 0) return;
    const rlim_t bytes = static_cast<rlim_t>(isolation.gigabytes) << 30;
    const rlimit memory{bytes, bytes};
    ::setrlimit(RLIMIT_AS, &memory);
  }
  // Nothing when the process ended or the time is over.
  std::optional<std::string> read_line() {
    for (;;) {
      if (const std::size_t at = buffer_.find('\n'); at != std::string::npos) {
        std::string line = buffer_.substr(0, at);
        buffer_.erase(0, at + 1);
        return line;
      }
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now()).count();
      if (left <= 0) {
        late_ = true;
        ::kill(pid_, SIGKILL);
        return std::nullopt;
      }
      pollfd waiting{file_, POLLIN, 0};
      if (::poll(&waiting, 1, static_cast<int>(std::min<long long>(left, 1000))) <= 0) continue;
      char chunk[65536];
      const ssize_t n = ::read(file_, chunk, sizeof chunk);
      if (n <= 0) return std::nullopt;
      buffer_.append(chunk, n);
    }
  }
  void wait() {
    if (!std::exchange(waited_, true)) ::wait4(pid_, &status_, 0, &usage_);
  }
  std::string how_it_ended() const {
    if (late_) return fmt::format("takes longer than {} s", limit_);
    if (WIFSIGNALED(status_))
      return fmt::format("the process dies of signal {} ({})", WTERMSIG(status_), ::strsignal(WTERMSIG(status_)));
    return fmt::format("the process ends with status {}", WEXITSTATUS(status_));
  }

  const double limit_;
  pid_t pid_ = -1;
  int file_ = -1, status_ = 0;
  bool late_ = false, waited_ = false;
  rusage usage_{};
  std::chrono::steady_clock::time_point deadline_;
  std::string buffer_;
};

}  // namespace

void for_each_isolated(std::size_t count, const Isolation& isolation,
                       const std::function<void(std::size_t, const Emit&)>& body,
                       const std::function<void(std::size_t, const Isolated&)>& done) {
  for (std::size_t i = 0; i < count;) {
    const std::size_t end = std::min(count, i + isolation.per_process);
    Child child(i, end, isolation, body);
    for (bool lost = false; i < end && !lost; ++i) {
      const Isolated left = child.next(i + 1 == end);
      lost = !left.lost.empty();
      done(i, left);
    }
  }
}

namespace {

// The result of a case from what its process wrote: names of parts as they began, then all of it as JSON.
CaseResult result_of(const Isolated& left) {
  if (left.lost.empty()) return CaseResult::from_json(json::parse(left.lines.back()));
  CaseResult out;
  out.fail(left.lines.empty() ? "case" : left.lines.back(), left.lost);
  return out;
}

}  // namespace

void for_each_case(std::size_t count, const Isolation& isolation,
                   const std::function<void(std::size_t, CaseResult&)>& body,
                   const std::function<void(std::size_t, const CaseResult&)>& done) {
  if (!isolation.enabled) {
    for (std::size_t i = 0; i < count; ++i) {
      CaseResult result;
      body(i, result);
      done(i, result);
    }
    return;
  }
  for_each_isolated(
      count, isolation,
      [&](std::size_t i, const Emit& emit) {
        CaseResult result(emit);
        body(i, result);
        emit(result.to_json().dump(-1, ' ', false, json::error_handler_t::replace));
      },
      [&](std::size_t i, const Isolated& left) { done(i, result_of(left)); });
}

}  // namespace conformance
