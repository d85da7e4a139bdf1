// Texts of analyses.
#include "tf2jax/trace/backend.h"

#include <fmt/format.h>

#include <ostream>

namespace tf2jax {

std::ostream& operator<<(std::ostream& os, const CostAnalysis& c) {
  return os << fmt::format("flops: {:.4g}\nbytes accessed: {:.4g}\nsteps: {}\n", c.flops, c.bytes_accessed, c.steps);
}

std::ostream& operator<<(std::ostream& os, const MemoryAnalysis& m) {
  return os << fmt::format(
             "arguments: {} bytes\noutputs: {} bytes\nconstants: {} bytes\ntemporaries: {} bytes\naliased: {} bytes\n",
             m.arguments, m.outputs, m.constants, m.temporaries, m.aliased);
}

}  // namespace tf2jax
