// GraphBuilder: appends operations to a graph, sharing equal ones; movements and reductions in a few canonical forms.
#pragma once
#include <map>
#include <utility>

#include "tf2jax/compiler/graph/graph.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::compiler {

/// The real and imaginary part of a complex value, or the words of a key.
struct ComplexParts {
  ValueId real, imag;
};

/// How a value was made of another one: with zeros between its elements.
struct Dilation {
  ValueId source;
  std::vector<PadAxis> config;
};

/// What one rewrite knows that another one can use.
struct RewriteNotes {
  std::unordered_map<ValueId, ValueId> logistic_of;  // of tanh(u): logistic(2u), where 1 + tanh(u) was rewritten
  std::unordered_map<ValueId, Dilation> dilated;
};

class GraphBuilder {
 public:
  const GraphValue& value(ValueId v) const { return graph_.value(v); }
  /// The op that computes v, or null. Appending moves the operations.
  const GraphOp* producer(ValueId v) const { return graph_.producer(v); }
  Dims dims(ValueId v) const { return value(v).dims; }  // a copy: the next operation moves the values
  DType dtype(ValueId v) const { return value(v).aval.dtype; }
  bool is_number(ValueId v, double x) const;

  ValueId input(const Aval& aval);
  /// Throws: UnexpectedTracerError for a traced value.
  ValueId constant(const Array& value);
  ValueId number(DType dtype, double value);
  /// The only value of a type without elements.
  ValueId empty(const Aval& aval);

  /// Adds an operation, or gives the results of an equal one.
  std::vector<ValueId> append(GraphOp op, const Avals& outputs, bool may_share = true);
  /// One with a single result.
  ValueId append(const Primitive& p, EquationParams params, OpKind kind, std::vector<ValueId> in, const Aval& out);
  ValueId scalar_op(loops::Op op, const std::vector<ValueId>& in, const Aval& out);
  ValueId reshape(ValueId v, const Dims& dims);
  ValueId transpose(ValueId v, const Axes& permutation);
  ValueId slice(ValueId v, const Dims& start, const Dims& limit, const Dims& strides);
  ValueId broadcast(ValueId v, const Dims& dims, const Axes& axes);
  ValueId reduce(loops::Op op, ValueId v, const Axes& axes);
  /// The index along an axis.
  ValueId iota(DType dtype, const Dims& dims, std::int64_t axis);
  /// v in memory; one that may not be shared is read once only.
  ValueId in_memory(ValueId v, bool may_share);

  /// A complex value or a key as its parts, with a last axis of 2: the same memory.
  ValueId pairs(ValueId v);
  ComplexParts parts(ValueId v);
  ValueId join(const ComplexParts& z, DType complex);

  /// While it lives, operations are shared among themselves only.
  class Apart {
   public:
    explicit Apart(GraphBuilder& b) : b_(b), outer_(std::exchange(b.scope_, ++b.scopes_)) {}
    ~Apart() { b_.scope_ = outer_; }
    Apart(const Apart&) = delete;
    Apart& operator=(const Apart&) = delete;

   private:
    GraphBuilder& b_;
    std::int32_t outer_;
  };

  /// Counts equations, those of called programs as often as they are called.
  /// Throws: ResourceExhaustedError past Config::max_expanded_nodes.
  void count_equations(std::size_t n);

  Graph finish(std::vector<ValueId> outputs);

  RewriteNotes notes;

 private:
  ValueId add_value(Aval aval);
  ComplexParts parts_of_constant(const Array& both, DType real);
  ValueId reduce_in_stages(loops::Op op, ValueId v, const Axes& axes);

  Graph graph_;
  std::unordered_multimap<std::size_t, ValueId> constants_;
  std::unordered_multimap<std::size_t, std::pair<OpId, std::int32_t>> seen_;
  std::unordered_map<ValueId, ComplexParts> parts_;
  std::map<std::pair<ValueId, ValueId>, ValueId> joined_;
  std::int32_t scope_ = 0, scopes_ = 0;
  std::int64_t equations_ = 0;
};

}  // namespace tf2jax::compiler
