// ScalarBuilder: small graphs written out element by element, for the bodies of native loops.
#pragma once
#include <map>
#include <tuple>
#include <utility>

#include "tf2jax/backends/llvm/index_map.h"
#include "tf2jax/backends/llvm/native_loop.h"
#include "tf2jax/control/scan.h"
#include "tf2jax/control/while_loop.h"

namespace tf2jax::compiler {

/// Thrown where a body is not suited.
struct NotNative {};

/// Elements of values are nodes; movements cost nothing. Values too large for that stay in memory, where they are read and
/// updated in place.
class ScalarBuilder {
 protected:
  using NodeId = loops::NodeId;
  static constexpr std::int64_t kFew = 64;          // elements of a computed value
  static constexpr std::int64_t kIndexed = 8;       // more elements are kept in memory where they are indexed
  static constexpr std::size_t kMostNodes = 1500;   // bounds the time of code generation
  static constexpr std::int64_t kMostScratch = 1 << 16;
  static constexpr std::int64_t kLanes = 16;

  struct Memory {
    loops::BufferId buffer = -1;
    Affine offset;
    Dims strides;
  };
  struct Held {
    DType dtype = DType::f32;
    Dims dims;
    std::vector<NodeId> elements;   // of few; -1: not loaded yet
    std::optional<Memory> memory;
    bool owned = false;             // the memory may be changed by the last user
    std::int64_t size() const { return num_elements(dims); }
  };
  /// The values of a graph, available in one block and those inside it.
  struct Scope {
    const Graph& graph;
    std::vector<Held> values;
  };
  /// What a loop carries: cells, or memory that is updated in place.
  struct Carry {
    Held value;
    std::vector<std::int32_t> cells;
  };

  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
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
  static Held dense(DType dtype, const Dims& dims, loops::BufferId buffer);
  Held held(const Aval& aval) const;
  Held array(const Array& constant);
  Held scratch(DType dtype, const Dims& dims);
  NodeId element(Held& v, std::int64_t i);
  const Memory& in_memory(Held& v);
  void store(Held v, const Memory& to);
  void store_from_memory(const Held& v, const Memory& to);

  // In scalar_builder.cpp: operations.
  std::vector<Held> run(const Graph& graph, std::vector<Held> inputs);
  Held& value(Scope& s, ValueId v);
  /// An operand for a nested graph.
  Held take(Scope& s, OpId op, std::size_t k);
  bool is_last_use(const Scope& s, OpId op, std::size_t k) const;
  Held compute(Scope& s, OpId op);
  Held elementwise(Scope& s, const GraphOp& op, Held out);
  Held move(Scope& s, const GraphOp& op, Held out);
  Held dynamic_slice(Scope& s, const GraphOp& op, Held out);
  Held update_slice(Scope& s, OpId op, Held out);
  Held gather(Scope& s, const GraphOp& op, Held out);
  Held reduce(Scope& s, const GraphOp& op, Held out);
  Held running_total(Scope& s, const GraphOp& op, Held out);
  Held dot(Scope& s, const GraphOp& op, Held out);
  NodeId sum(loops::Op op, DType dtype, std::vector<NodeId> terms);
  NodeId clamped(Held& start, std::int64_t highest);
  NodeId load(Held& v, const Dims& index, const std::vector<std::pair<NodeId, std::int64_t>>& starts);

  // In native_loop.cpp: control flow. `results`: where to leave what is stacked or carried in memory; empty: anywhere.
  std::vector<Held> scan(const ScanParams& p, std::vector<Held> in, const std::vector<Held>& results);
  std::vector<Held> while_loop(const WhileParams& p, std::vector<Held> in, const std::vector<Held>& results);
  std::vector<Held> branch(Scope& s, OpId op);
  std::vector<Carry> begin(const Graph& body, std::size_t first, std::vector<Held> init, const std::vector<Held>& results);
  std::vector<Held> current(std::vector<Carry>& carries);
  void advance(std::vector<Carry>& carries, std::vector<Held> next);

  loops::Kernel kernel_;
  std::vector<std::variant<ValueId, Array>> buffers_;
  std::int64_t scratch_bytes_ = 0;
  bool index_memory_ = true;   // carries that are indexed are kept in memory
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
