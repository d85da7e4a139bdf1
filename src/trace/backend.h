// Backend: what runs programs. The floors below the backends know only this interface.
#pragma once
#include <iosfwd>
#include <memory>
#include <span>
#include <string>

#include "tf2jax/base/error.h"
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {

/// The compiler's module was not found, or this build has none. Programs run through the interpreter then, unless
/// `Config::require_compiler` is set.
class MissingCompiler : public NotImplementedError {
 public:
  using NotImplementedError::NotImplementedError;
};

/// What one run of a program costs, by counting its operations.
struct CostAnalysis {
  double flops = 0;           // multiplications, additions and other scalar operations
  double bytes_accessed = 0;  // read and written by its steps, from and to memory or caches
  std::int64_t steps = 0;     // fused loops, library calls and kernel calls
};
std::ostream& operator<<(std::ostream& os, const CostAnalysis& cost);

/// Memory of one run, in bytes.
struct MemoryAnalysis {
  std::int64_t arguments = 0, outputs = 0, constants = 0;
  std::int64_t temporaries = 0;  // one block, planned ahead
  std::int64_t aliased = 0;      // of the outputs: in the memory of donated arguments
};
std::ostream& operator<<(std::ostream& os, const MemoryAnalysis& memory);

/// A compiled program. Calls from many threads at once are safe.
class Executable {
 public:
  virtual ~Executable() = default;
  /// Runs on concrete arguments whose avals are those of the program's inputs.
  virtual Arrays run(std::span<const Array> args) const = 0;
  /// Likewise, and donated arguments that nobody else holds may become outputs: they have no value then. What throws
  /// before the program runs leaves all of them.
  virtual Arrays run_donated(Arrays& args) const { return run(args); }
  /// The plan: what was fused, which library calls remain, in order.
  virtual std::string explain() const = 0;
  virtual CostAnalysis cost() const = 0;
  virtual MemoryAnalysis memory() const = 0;
};

struct CompileOptions {
  bool interpret = false;     ///< Run op by op through the eager kernels: the oracle of the compiled path.
  bool check_bounds = false;  ///< Check every index of compiled loops; a violation aborts with a message.
  bool simulate =
      false;  ///< Plan as for compiling and run the loops statement by statement, each access checked. Slow.
  bool bounded_loops = false;  ///< Loops count their steps (Config::max_loop_steps, max_seconds); jit fills it in.
  bool deterministic =
      false;  ///< The same bits with any number of threads; jit fills it in from Config::deterministic.
  bool flush_subnormals = false;  ///< Subnormal numbers are zero, as operands and results, on every thread of a run.
  std::vector<std::int32_t> donated =
      {};  ///< Inputs whose memory outputs may take; jit fills it in from donate_argnums.
  bool operator==(const CompileOptions&) const = default;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  /// Compiles a program whose constants are concrete.
  virtual std::shared_ptr<const Executable> compile(const Jaxpr& jaxpr, const CompileOptions& options) const = 0;
  /// The eager kernel of a primitive, or null.
  virtual const Kernel* kernel(const Primitive& primitive) const = 0;
};

/// The backend of this process; defined where everything is linked together.
const Backend& default_backend();

}  // namespace tf2jax
