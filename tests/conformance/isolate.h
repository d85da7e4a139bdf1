// Cases in processes of their own, so that one that crashes or never ends is a failed case and no more.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "report.h"

namespace conformance {

/// Gives one line of text to the parent process.
using Emit = std::function<void(const std::string& line)>;

/// What a case left behind.
struct Isolated {
  std::vector<std::string> lines;  // in the order in which they were emitted
  std::string lost;                // what became of a process that ended before its time; empty: it did not
  long megabytes = 0;              // of the process at its largest, when this was its last case
};

/// Runs `body(i, emit)` for each i in [0, count) in child processes and gives what it left to `done`, in order. This
/// process must not have started threads that the body needs.
void for_each_isolated(std::size_t count, const Isolation& isolation,
                       const std::function<void(std::size_t, const Emit&)>& body,
                       const std::function<void(std::size_t, const Isolated&)>& done);

/// Likewise for results of cases. A process that is lost fails the part in which it was.
void for_each_case(std::size_t count, const Isolation& isolation,
                   const std::function<void(std::size_t, CaseResult&)>& body,
                   const std::function<void(std::size_t, const CaseResult&)>& done);

}  // namespace conformance
