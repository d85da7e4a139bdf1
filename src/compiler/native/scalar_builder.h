// ScalarBuilder: small graphs written out element by element, for the bodies of native loops.
#pragma once
#include <map>
#include <tuple>
#include <utility>

#include "tf2jax/compiler/fusion/index_map.h"
#include "tf2jax/compiler/native/native_loop.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"

namespace tf2jax::compiler {

/// Elements of values are nodes; movements cost nothing. Values too large for that stay in memory, where they are read
/// and updated in place. A body that is not suited is given up: what is emitted from then on is of no use.
class ScalarBuilder {
 protected:
  using NodeId = loops::NodeId;
  static constexpr std::int64_t kFew = 64;         // elements of a computed value
  static constexpr std::int64_t kIndexed = 8;      // more elements are kept in memory where they are indexed
  static constexpr std::size_t kMostNodes = 1500;  // bounds the time of code generation
  static constexpr std::int64_t kMostScratch = 1 << 16;
  static constexpr std::int64_t kLanes = 16;

  struct Storage {
    loops::BufferId buffer = -1;
    Affine offset;
    Dims strides;
  };
  struct ScalarValue {
    DType dtype = DType::f32;
    Dims dims;
    std::vector<NodeId> elements;  // of few; -1: not loaded yet
    std::optional<Storage> memory;
    bool owned = false;  // the memory may be changed by the last user
    std::int64_t size() const { return num_elements(dims); }
  };
  /// The values of a graph, available in one block and those inside it.
  struct GraphNodes {
    const Graph& graph;
    std::vector<ScalarValue> values;
  };
  struct Branch {
    loops::Block block;
    std::vector<ScalarValue> results;
  };
  /// What a loop carries: cells, or memory that is updated in place.
  struct Carry {
    ScalarValue value;
    std::vector<std::int32_t> cells;
  };

  void statement(loops::Statement s) { block_->push_back(std::move(s)); }
  /// What f emits, as a block of its own.
  template <class F>
  loops::Block inside(F&& f) {
    loops::Block fresh;
    loops::Block* outer = std::exchange(block_, &fresh);
    const auto known = known_;
    f();
    known_ = known;
    block_ = outer;
    return fresh;
  }
  NodeId emit(loops::Node n);
  NodeId node(loops::Op op, DType dtype, NodeId a, NodeId b = -1, NodeId c = -1);
  NodeId constant(DType dtype, std::uint64_t bits);

  loops::BufferId buffer(DType dtype, std::int64_t elements, std::variant<ValueId, Array> what);
  static ScalarValue dense(DType dtype, const Dims& dims, loops::BufferId buffer);
  ScalarValue held(const Aval& aval) const;
  ScalarValue array(const Array& constant);
  ScalarValue scratch(DType dtype, const Dims& dims);
  NodeId element(ScalarValue& v, std::int64_t i);
  const Storage& in_memory(ScalarValue& v);
  void store(ScalarValue v, const Storage& to);
  void store_from_memory(const ScalarValue& v, const Storage& to);

  // In scalar_builder.cpp: operations.
  /// Empty where the graph is not suited.
  std::optional<std::vector<ScalarValue>> run(const Graph& graph, std::vector<ScalarValue> inputs);
  ScalarValue& value(GraphNodes& s, ValueId v);
  /// An operand for a nested graph.
  ScalarValue take(GraphNodes& s, OpId op, std::size_t k);
  bool is_last_use(const GraphNodes& s, OpId op, std::size_t k) const;
  ScalarValue compute(GraphNodes& s, OpId op);
  ScalarValue pad(GraphNodes& s, const GraphOp& op, ScalarValue out);
  ScalarValue concatenate(GraphNodes& s, const GraphOp& op, ScalarValue out);
  ScalarValue elementwise(GraphNodes& s, const GraphOp& op, ScalarValue out);
  ScalarValue move(GraphNodes& s, const GraphOp& op, ScalarValue out);
  ScalarValue dynamic_slice(GraphNodes& s, const GraphOp& op, ScalarValue out);
  ScalarValue update_slice(GraphNodes& s, OpId op, ScalarValue out);
  ScalarValue gather(GraphNodes& s, const GraphOp& op, ScalarValue out);
  ScalarValue reduce(GraphNodes& s, const GraphOp& op, ScalarValue out);
  ScalarValue running_total(GraphNodes& s, const GraphOp& op, ScalarValue out);
  ScalarValue dot(GraphNodes& s, const GraphOp& op, ScalarValue out);
  NodeId sum(loops::Op op, DType dtype, std::vector<NodeId> terms);
  NodeId clamped(ScalarValue& start, std::int64_t highest);
  NodeId load(ScalarValue& v, const Dims& index, const std::vector<std::pair<NodeId, std::int64_t>>& starts);

  // In scalar_loop.cpp: control flow. `results`: where to leave what is stacked or carried in memory; empty: anywhere.
  std::vector<ScalarValue> scan(const ScanParams& p, std::vector<ScalarValue> in,
                                const std::vector<ScalarValue>& results);
  std::vector<ScalarValue> while_loop(const WhileParams& p, std::vector<ScalarValue> in,
                                      const std::vector<ScalarValue>& results);
  std::vector<ScalarValue> branch(GraphNodes& s, OpId op);
  std::vector<Branch> branches(GraphNodes& s, OpId op);
  ScalarValue common_result(const std::vector<Branch>& branches, std::size_t k, const Aval& aval);
  NodeId is_before(NodeId which, std::size_t branch);
  void select_results(NodeId which, std::vector<Branch> branches, std::vector<ScalarValue>& out);
  void run_chosen(NodeId which, std::vector<Branch> branches, std::vector<ScalarValue>& out);
  std::vector<Carry> begin(const Graph& body, std::size_t first, std::vector<ScalarValue> init,
                           const std::vector<ScalarValue>& results);
  std::vector<ScalarValue> current(std::vector<Carry>& carries);
  void advance(std::vector<Carry>& carries, std::vector<ScalarValue> next);

  void give_up() { is_suited_ = false; }
  ScalarValue unsuited(ScalarValue v) {
    give_up();
    return v;
  }

  bool is_suited_ = true;
  loops::Kernel kernel_;
  std::vector<std::variant<ValueId, Array>> buffers_;
  std::int64_t scratch_bytes_ = 0;
  bool index_memory_ = true;  // carries that are indexed are kept in memory
  // Rough nanoseconds of the whole loop: element by element, and as vectors with the carries in memory.
  double scalar_time_ = 0, vector_time_ = 0, times_ = 1;

  /// What f emits, for a body that runs `times` times.
  template <class F>
  loops::Block repeated(std::int64_t times, F&& f) {
    const double outer = std::exchange(times_, times_ * static_cast<double>(times));
    vector_time_ += 15 * times_;
    loops::Block body = inside(f);
    times_ = outer;
    return body;
  }

 private:
  loops::Block* block_ = &kernel_.body;
  std::map<std::tuple<loops::Op, DType, NodeId, NodeId, NodeId>, NodeId> known_;
  std::map<std::pair<DType, std::uint64_t>, NodeId> constants_;
};

}  // namespace tf2jax::compiler
