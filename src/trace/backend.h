// Backend: what runs programs. The floors below the backends know only this interface.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {

/// A compiled program. Calls from many threads at once are safe.
class Executable {
 public:
  virtual ~Executable() = default;
  /// Runs on concrete arguments whose avals are those of the program's inputs.
  virtual Arrays run(std::span<const Array> args) const = 0;
};

struct CompileOptions {
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
