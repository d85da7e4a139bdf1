// The untyped half of jit.
#include "tf2jax/transforms/jit.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "tf2jax/trace/trace.h"
#include "tf2jax/transforms/donation.h"

namespace tf2jax::detail {

bool matches(const JitEntry& entry, std::span<const Array> leaves, std::string_view structure) {
  if (entry.avals.size() != leaves.size() || entry.structure != structure) return false;
  for (std::size_t i = 0; i < leaves.size(); ++i)
    if (!(entry.avals[i] == leaves[i].aval())) return false;
  return entry.config == config();
}

JitEntry trace_entry(const FlatFn& f, const JitOptions& options, std::span<const Array> leaves,
                     std::span<const std::size_t> leaves_per_argument, std::string structure, bool& cacheable) {
  const CompileOptions how = compile_options(options, leaves_per_argument);
  JitEntry entry;
  for (const Array& x : leaves) entry.avals.push_back(x.aval());
  entry.structure = std::move(structure);
  entry.config = config();
  entry.jaxpr = stage(f, entry.avals);
  cacheable = std::ranges::none_of(entry.jaxpr->consts, [](const Array& c) { return c.tracer() != nullptr; });
  if (config().log_compiles)
    std::fprintf(stderr, "jit: traced '%s' for (%s): %zu equations\n", options.name.c_str(),
                 to_string(entry.avals).c_str(), entry.jaxpr->eqns.size());
  if (!cacheable) return entry;
  entry.executable = options.interpret_first ? compile_in_background(entry.jaxpr, how) : compiled(entry.jaxpr, how);
  entry.donated = how.donated;
  warn_of_unusable(entry.jaxpr, entry.donated, options.name);
  return entry;
}

CompileOptions compile_options(const JitOptions& options, std::span<const std::size_t> leaves_per_argument) {
  return {.flush_subnormals = options.flush_subnormals,
          .donated = donated_leaves(options.donate_argnums, leaves_per_argument)};
}

bool all_concrete(std::span<const Array> leaves) {
  return std::ranges::all_of(leaves, [](const Array& x) { return x.is_concrete(); });
}

Arrays run_entry(const JitEntry& entry, const std::string& name, std::span<const Array> leaves) {
  if (entry.executable && current_trace()->is_eval() && all_concrete(leaves)) return entry.executable->run(leaves);
  return call_jaxpr(entry.jaxpr, name, leaves);
}

Arrays run_donating(const JitEntry& entry, const std::string& name, Arrays leaves, std::span<Array* const> handles) {
  if (!current_trace()->is_eval() || !all_concrete(leaves)) return call_jaxpr(entry.jaxpr, name, leaves);
  return run_donated(*entry.executable, entry.donated, std::move(leaves), handles);
}

Arrays run_compiled(const Jaxpr& jaxpr, const Executable& executable, const std::string& name,
                    std::span<const std::int32_t> donated, Arrays leaves, std::span<Array* const> handles) {
  check<TypeError>(leaves.size() == jaxpr.num_inputs(),
                   "compiled '{}': the number of arrays is wrong. Got {}; expected {}.", name, leaves.size(),
                   jaxpr.num_inputs());
  if (!current_trace()->is_eval() || !all_concrete(leaves)) return call_jaxpr(jaxpr, name, leaves);
  return donated.empty() ? executable.run(leaves) : run_donated(executable, donated, std::move(leaves), handles);
}

}  // namespace tf2jax::detail
