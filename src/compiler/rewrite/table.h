// The rewrite table: how the equations of each primitive become operations that the planner knows.
#pragma once
#include <functional>
#include <optional>

#include "tf2jax/compiler/graph/builder.h"

namespace tf2jax::compiler {

using Values = std::vector<ValueId>;

/// An equation whose operands are values of the graph.
struct GraphEquation {
  Primitive primitive;
  EquationParams params;
  Values in;
  Avals avals;  // of the results
  const Aval& out() const { return avals[0]; }
};

/// What an equation has become: its results, or nothing where a rewriter leaves it alone.
class Rewritten {
 public:
  Rewritten(std::nullopt_t) {}
  Rewritten(ValueId v) : values_(Values{v}) {}
  Rewritten(std::optional<ValueId> v) : values_(v ? std::optional(Values{*v}) : std::nullopt) {}
  Rewritten(Values values) : values_(std::move(values)) {}
  explicit operator bool() const { return values_.has_value(); }
  const Values& operator*() const { return *values_; }

 private:
  std::optional<Values> values_;
};
using Rewriter = std::function<Rewritten(GraphBuilder&, const GraphEquation&)>;

/// When a rewriter is asked. Each primitive has one at most for each turn; an equation that none takes is a call of its
/// eager kernel.
enum class Turn : std::uint8_t {
  first,  // before constants are folded: programs to inline, values that pass through
  pairs,  // some operand or result is complex or a key, and all of them have elements
  loops,  // all operands and results have types that loops compute with, and elements
  last,   // whatever the types: control flow
};
constexpr std::size_t kTurns = 4;

class RewriteTable {
 public:
  void set(Turn turn, const Primitive& p, Rewriter rewriter) {
    rows_[p.id()][static_cast<std::size_t>(turn)] = std::move(rewriter);
  }
  bool has(Turn turn, const Primitive& p) const {
    const auto row = rows_.find(p.id());
    return row != rows_.end() && row->second[static_cast<std::size_t>(turn)] != nullptr;
  }
  /// Nothing where the table has no rewriter for the turn.
  Rewritten apply(Turn turn, GraphBuilder& b, const GraphEquation& e) const {
    const auto row = rows_.find(e.primitive.id());
    if (row == rows_.end() || !row->second[static_cast<std::size_t>(turn)]) return std::nullopt;
    return row->second[static_cast<std::size_t>(turn)](b, e);
  }

 private:
  std::unordered_map<const void*, std::array<Rewriter, kTurns>> rows_;
};

// The rows, by family; each in the file of its name.
void append_elementwise_rewrites(RewriteTable& table);
void append_movement_rewrites(RewriteTable& table);
void append_reduction_rewrites(RewriteTable& table);
void append_window_rewrites(RewriteTable& table);
void append_scatter_rewrites(RewriteTable& table);
void append_dot_rewrites(RewriteTable& table);
void append_complex_rewrites(RewriteTable& table);
void append_random_rewrites(RewriteTable& table);
void append_control_rewrites(RewriteTable& table);

/// Adds the equations of a program; gives its results.
Values inline_program(GraphBuilder& b, const Jaxpr& jaxpr, const Values& inputs);
/// Adds an equation whose operands and results are no pairs and that is not folded: what rewriters of pairs make of the
/// parts.
Values add_parts(GraphBuilder& b, const GraphEquation& e);

}  // namespace tf2jax::compiler
