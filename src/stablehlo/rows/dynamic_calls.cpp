// Custom calls of StableHLO's own operations, for windows and sizes that are operands.
#include "tf2jax/stablehlo/internal/table.h"
#include "tf2jax/stablehlo/internal/windows.h"

#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/sort.h"

namespace tf2jax::stablehlo {
namespace {

// Operands: values, initial values, window, strides, base and window dilations, padding.
Arrays dynamic_reduce_window(Call& c) {
  if (c.args.size() < 7 || c.args.size() % 2 == 0) c.fail("it has the wrong number of operands.");
  const std::size_t n = c.args.size() - 5;
  const auto flat = c.known(n + 4);
  if (flat.size() % 2 != 0) c.fail("its padding must be pairs.");
  Window w{c.known(n), c.known(n + 1), {}, c.known(n + 2), c.known(n + 3)};
  for (std::size_t i = 0; i < flat.size(); i += 2) w.padding.emplace_back(flat[i], flat[i + 1]);
  const Attr* called = c.op.find("called_computations");
  if (!called || called->items.size() != 1) c.fail("it has no function.");
  Translator& translator = c.translator;
  const Function& f = translator.module().function(called->items[0]->text);
  const FlatFn body = [&](const Arrays& xs) { return translator.run(f, xs); };
  return reduce_windows(translator.module(), f.body, body,
                        {c.args.begin(), c.args.begin() + static_cast<std::ptrdiff_t>(n)}, w);
}

Arrays dynamic_top_k(Call& c) {
  c.expect_operands(2, 2);
  if (c[0].rank() == 0) c.fail("its operand must have axes.");
  return top_k_p().bind({c[0]}, TopK{c.known_number(1), c[0].rank() - 1, true});
}

constexpr CustomCallRow kRows[] = {
    {"stablehlo.dynamic_reduce_window", dynamic_reduce_window},
    {"stablehlo.dynamic_top_k", dynamic_top_k},
};

}  // namespace

std::span<const CustomCallRow> dynamic_calls() { return kRows; }

}  // namespace tf2jax::stablehlo
