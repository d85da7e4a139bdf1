// Parts of a program: some of its results as functions of some of its values.
#pragma once
#include <set>

#include "tf2jax/trace/jaxpr.h"

namespace conformance {

/// Evaluates a program stepping into calls, so that staging it gives one flat program.
tf2jax::Arrays inlined(const tf2jax::Jaxpr& program, const tf2jax::Arrays& args);

/// A program with the values of all its variables at some arguments.
class ProgramParts {
 public:
  ProgramParts(const tf2jax::Jaxpr& program, const tf2jax::Arrays& args);

  struct Part {
    tf2jax::Jaxpr program;
    tf2jax::Arrays args;
  };
  /// The equations that `outs` need, down to `inputs`, whose values are arguments of the part.
  Part part(const std::vector<tf2jax::VarId>& outs, const std::set<tf2jax::VarId>& inputs) const;
  const tf2jax::Jaxpr& program() const { return program_; }

 private:
  tf2jax::Jaxpr program_;
  tf2jax::Arrays values_;
};

}  // namespace conformance
