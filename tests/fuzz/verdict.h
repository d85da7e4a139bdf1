// Judging a program: compiled against evaluated, batched against looped, derivatives against each other and
// differences.
#pragma once
#include "evaluate.h"
#include "random_program.h"

namespace tf2jax::fuzz {

struct Verdict {
  std::string failure;        // empty: no objection
  bool is_sensitive = false;  // it differed, as results do that rounding errors decide
  bool ok() const { return failure.empty(); }
};

/// The compiled program's results against those of `evaluate`.
Verdict compare_compiled(const Jaxpr& program, const Arrays& inputs, const CompileOptions& how = {});
/// The program vectorised over two examples against the program run on each.
Verdict compare_batched(const Jaxpr& program, const Arrays& inputs, Draw& draw);
/// Pushforward against pullback, and against differences where `is_smooth`.
Verdict compare_derivatives(const Jaxpr& program, const Arrays& inputs, bool is_smooth, Draw& draw);

}  // namespace tf2jax::fuzz
