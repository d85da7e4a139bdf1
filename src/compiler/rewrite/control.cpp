// Control flow: programs to inline, loops and branches, and what passes through or becomes a step of its own.
#include <algorithm>

#include "tf2jax/compiler/rewrite/hoist_products.h"
#include "tf2jax/compiler/rewrite/table.h"
#include "tf2jax/control/cond.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"
#include "tf2jax/ops/conv.h"
#include "tf2jax/ops/misc.h"
#include "tf2jax/transforms/checkpoint.h"

namespace tf2jax::compiler {

namespace {

// One that is no plain call: what it computes again is not shared with the first time.
Rewritten checkpointed(GraphBuilder& b, const GraphEquation& e) {
  const GraphBuilder::Apart apart(b);
  return inline_program(b, e.params.get<CheckpointParams>().jaxpr, e.in);
}

// A scan of no steps gives its initial carry, and stacked results without elements.
Rewritten scan_of_no_steps(GraphBuilder& b, const GraphEquation& e) {
  const ScanParams& p = e.params.get<ScanParams>();
  if (p.length != 0 || e.avals.empty() || has_effects(p.jaxpr)) return std::nullopt;
  Values out(e.in.begin() + p.num_consts, e.in.begin() + p.num_consts + p.num_carry);
  for (std::size_t i = out.size(); i < e.avals.size(); ++i) out.push_back(b.empty(e.avals[i]));
  return out;
}

Rewritten scan_steps(GraphBuilder& b, const GraphEquation& e) {
  Avals operands;
  for (const ValueId v : e.in) operands.push_back(b.value(v).aval);
  if (const auto better = hoist_products(e.params.get<ScanParams>(), operands)) return inline_program(b, *better, e.in);
  return b.append({e.primitive, e.params, OpKind::scan, loops::Op::constant, e.in, {}}, e.avals);
}

Rewriter as_step(OpKind kind) {
  return [kind](GraphBuilder& b, const GraphEquation& e) -> Rewritten {
    return b.append({e.primitive, e.params, kind, loops::Op::constant, e.in, {}}, e.avals);
  };
}

}  // namespace

void append_control_rewrites(RewriteTable& t) {
  t.set(Turn::first, checkpoint_p(), checkpointed);
  t.set(Turn::first, scan_p(), scan_of_no_steps);
  const Rewriter passes = [](GraphBuilder&, const GraphEquation& e) -> Rewritten { return e.in; };
  t.set(Turn::first, optimization_barrier_p(), passes);
  t.set(Turn::first, device_put_p(), passes);
  t.set(Turn::last, scan_p(), scan_steps);
  t.set(Turn::last, while_p(), as_step(OpKind::while_loop));
  t.set(Turn::last, cond_p(), as_step(OpKind::branch));
  t.set(Turn::loops, conv_general_dilated_p(), as_step(OpKind::convolution));
  t.set(Turn::loops, dynamic_update_slice_p(), as_step(OpKind::update_slice));
}

}  // namespace tf2jax::compiler
