// Writes equations as operations of a module.
#pragma once
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tf2jax/base/internal/dim_expr.h"
#include "tf2jax/stablehlo/internal/attributes.h"
#include "tf2jax/stablehlo/module.h"
#include "tf2jax/trace/staging.h"

namespace tf2jax::stablehlo {

using Attributes = std::vector<std::pair<std::string, AttrPtr>>;
using ValueIds = std::vector<ValueId>;

class Emitter;
/// One equation on its way: what it is applied to, and what comes out.
struct Emission {
  Emitter& out;
  const Primitive& primitive;
  const EquationParams& params;
  ValueIds operands;
  Avals inputs, outputs;

  /// One operation with the equation's operands and results.
  ValueIds plain(std::string_view op, Attributes attributes = {}) const;
  /// The same of an operation on each element, with operands repeated to the shape of the result: primitives take
  /// scalars and axes of size 1 as they are.
  ValueIds elementwise(std::string_view op, Attributes attributes = {}) const;
};
using WriteOp = std::function<ValueIds(const Emission&)>;

class Emitter {
 public:
  explicit Emitter(std::string name);

  /// Writes a function; its name, which is made unique.
  std::string function(const std::string& name, const Jaxpr& program, bool is_public);
  Module finish();

  /// Appends operations where code is being written.
  ValueIds op(std::string_view name, ValueIds operands, std::vector<TypePtr> results, Attributes attributes = {},
              std::vector<Region> regions = {});
  ValueId op1(std::string_view name, ValueIds operands, const Aval& result, Attributes attributes = {});
  ValueId constant(const Array& value);
  /// The equations of a program on values that are there.
  ValueIds inlined(const Jaxpr& program, const ValueIds& arguments);
  /// What `f` does to operands of these types, written in primitives.
  ValueIds expanded(const FlatFn& f, const Avals& inputs, const ValueIds& operands);
  /// An operation of that name that is `f`: a function of the module says so.
  ValueIds composite(const std::string& name, const FlatFn& f, const Avals& inputs, const ValueIds& operands,
                     const Avals& outputs);
  /// A size as an i32 scalar, and sizes as a vector of them: read from the arguments where they are not known.
  ValueId size(Dim d);
  ValueId sizes(const Shape& shape);
  /// Operations whose sizes are attributes where they are known, and operands where not.
  ValueId broadcast_in_dim(ValueId x, const Axes& axes, const Aval& result);
  ValueId reshape(ValueId x, const Aval& result);
  ValueId iota(std::int64_t axis, const Aval& result);
  ValueId slice(ValueId x, const Shape& start, const Shape& limit, const Axes& strides, const Aval& result);
  ValueId dynamic_slice(ValueId x, const Shape& of, const ValueIds& start, const Aval& result);
  /// A region of these arguments; `body` returns its results.
  Region region(const Avals& arguments, const std::function<ValueIds(const ValueIds&)>& body);
  /// Writes a function that takes its inputs alone; its name.
  std::string private_function(const std::string& name, const Jaxpr& program);
  /// Calls a program as a function of its own.
  ValueIds call(const std::string& name, const Jaxpr& program, const ValueIds& operands);
  /// The operation that made a value in the block that is being written; null for others.
  const Op* maker(ValueId v) const;
  /// The type that a value was given.
  const TypePtr& type_of(ValueId v) const { return function_->types[as_index(v)]; }

 private:
  void equation(const Equation& e, const JaxprData& program, ValueIds& values);
  ValueId size_of_atom(const DimAtom& atom);
  /// A vector of scalars.
  ValueId stacked(const ValueIds& scalars);
  /// The dimension variables of a program, from its arguments, and what must hold of their sizes.
  void read_variables(const std::vector<Shape>& shapes, const ValueIds& arguments);
  void assert_size(std::string_view direction, Dim a, Dim b, const std::string& message);

  Module module_;
  PoolPtr pool_ = make_pool();
  Function* function_ = nullptr;
  std::vector<Op>* ops_ = nullptr;
  std::vector<std::pair<Jaxpr, std::string>> written_;
  struct Composite {
    std::string name;
    Avals inputs;
    std::string function;
  };
  std::vector<Composite> composites_;
  std::map<std::string, int> names_;
  std::vector<std::string> variables_;        // dimension variables, which functions take before their inputs
  std::map<std::string, ValueId> values_of_;  // of the variables, in the function that is being written
  std::map<std::string, ValueId> sizes_;      // that the block that is being written has computed, by their texts
};

/// The type of sizes and counters.
inline Aval size_type() { return {DType::i32, {}, false}; }

/// null when a primitive cannot be written.
const WriteOp* find_writer(std::string_view primitive);

using Writers = std::map<std::string, WriteOp, std::less<>>;
void add_movement_writers(Writers& table);
void add_contraction_writers(Writers& table);
void add_reduction_writers(Writers& table);
void add_indexing_writers(Writers& table);
void add_control_writers(Writers& table);
void add_expansion_writers(Writers& table);
void add_linalg_writers(Writers& table);
void add_key_writers(Writers& table);

/// Keys as their words: u32 with one axis of 2 more. Other types as they are.
Aval written(const Aval& aval);
/// Writes an equation that takes or gives typed keys. Throws: NotImplementedError where it has no form on words.
ValueIds write_on_keys(Emission& emission);

std::vector<TypePtr> types_of(const Avals& avals);

}  // namespace tf2jax::stablehlo
