// Lowering of a group: the choice of its vector axis, loops over reduced variables one after another, and rows.
#pragma once
#include "tf2jax/compiler/lower/nodes.h"

namespace tf2jax::compiler {

class Lowering : NodeBuilder {
 public:
  Lowering(const Graph& graph, const FusionPlan& plan, const Group& group, int lanes, Piece piece = {})
      : NodeBuilder(graph, plan, group, std::move(piece)), lanes_(lanes) {}

  /// Where conditions on a parallel variable change: the ends of its pieces.
  std::map<LoopVar, std::set<std::int64_t>> cuts();
  LoweredGroup run();

 private:
  // In group.cpp.
  double score(LoopVar x) const;
  void choose_lanes();
  void finish(loops::Block rows);

  // In stages.cpp: loops over the reduced variables, one after another.
  int build_stages();
  bool in_rows(NodeId n) const;
  bool is_row_store(ValueId v) const;
  NodeId need(NodeId n, int stage);
  NodeId copied(NodeId n, int stage);
  NodeId keep_row(NodeId n, int stage);
  loops::Block nest(loops::Block statements);

  // In column_sums.cpp: sums down the columns of a matrix.
  std::int64_t tile_width(int last) const;
  void sum_rows_in_tiles(std::int64_t width);
  void place_in_tile(loops::Block& before, loops::Block& inner, loops::Statement s);
  void add_to_tile(const loops::Accumulate& a, loops::Block& inner);
  loops::Block results_of_tile(loops::Block stores);
  void wrap_tiles(std::int64_t width, loops::Block start, loops::Block rows, loops::Block after);

  const int lanes_;
  LoopVar lane_ = -1;
  std::vector<loops::Block> row_blocks_, stage_blocks_;
  std::vector<std::map<NodeId, NodeId>> stage_done_;
  std::set<NodeId> rows_done_, used_in_stage_;
  std::map<NodeId, loops::BufferId> kept_rows_;
  std::vector<loops::BufferId> tile_sums_;  // by accumulator
  std::set<NodeId> tile_totals_;            // running sums, which are computed where they are added to
};

/// Moves the statements of one block behind those of another.
inline void append(loops::Block& to, loops::Block from) { std::ranges::move(from, std::back_inserter(to)); }

}  // namespace tf2jax::compiler
