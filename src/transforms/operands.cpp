// Whether operands fit the programs that an equation calls.
#include "tf2jax/transforms/internal/operands.h"

#include <algorithm>

#include "tf2jax/base/error.h"

namespace tf2jax {

namespace {
std::string text(std::span<const Aval> avals) { return to_string(Avals(avals.begin(), avals.end())); }
bool match(std::span<const Aval> a, std::span<const Aval> b) {
  return std::ranges::equal(a, b, [](const Aval& x, const Aval& y) { return x.matches(y); });
}
}  // namespace

void check_operands(std::string_view where, std::string_view role, const Jaxpr& program,
                    std::span<const Aval> operands) {
  const Avals inputs = program.input_avals();
  check<TypeError>(operands.size() == inputs.size(),
                   "{}: {} operands for a {} of {} inputs. Got ({}); expected ({}). Pass one operand for each input.",
                   where, operands.size(), role, inputs.size(), text(operands), text(inputs));
  check<TypeError>(match(operands, inputs),
                   "{}: the operands do not fit the {}. Got ({}); expected ({}). Convert them first.", where, role,
                   text(operands), text(inputs));
}

void check_results(std::string_view where, std::string_view role, const Jaxpr& program,
                   std::span<const Aval> expected) {
  const Avals results = program.output_avals();
  check<TypeError>(match(results, expected), "{}: the {} has other results than it must. Got ({}); expected ({}).",
                   where, role, text(results), text(expected));
}

}  // namespace tf2jax
