// Traced functions, and how one becomes functions of a graph: the function itself and its gradients.
#pragma once
#include "tf2jax/jax2tf/internal/function_writer.h"
#include "tf2jax/jax2tf/jax2tf.h"
#include "tf2jax/tf_import/convert.h"

namespace tf2jax::jax2tf {

/// A function traced for arguments of certain types.
struct Traced {
  Jaxpr jaxpr;
  std::vector<Shape> shapes;                // of the leaves; the polymorphic ones where given
  std::vector<std::string> names;           // of the leaves
  std::vector<StructuredValue> arguments;   // of each positional argument; a tensor's number is that of its leaf
  std::vector<std::string> argument_names;  // of each positional argument
  StructuredValue result;                   // a tensor's number is that of its output
  std::string key;                          // of the arguments' structure
  bool is_polymorphic() const;
};

struct ExportState {
  ConvertOptions options;
  std::vector<std::shared_ptr<const Traced>> traces;
  std::map<std::size_t, ConvertedFunction> runners;  // of the traces that have been called
  std::function<void(const ExportedFunction&)> trace_default;
  const Traced& trace(std::size_t i) const;
};

/// A gradient function that a written function, or another gradient, refers to.
struct WrittenGradient {
  std::string name, op_type;
  std::string captured_from;          // the function whose tensors are its last arguments
  std::vector<std::string> captures;  // those tensors, "jax2tf_arg_0:0"
  Avals gradients;                    // what it takes first
  std::size_t none_outputs = 0;       // leading results without gradient
  Avals results;                      // the others
};
struct WrittenFunction {
  tensorflow::FunctionDef function;
  std::vector<std::string> variables;  // its last arguments
  std::vector<WrittenGradient> gradients;
  Avals outputs;
};

/// The program with variables among its inputs, in order of `used` behind the leaves, and behind them the large arrays
/// that it holds, so that its gradients take them from it instead of holding them once more.
struct BoundProgram {
  Jaxpr jaxpr;
  std::vector<std::string> used;
  Arrays constants;
};
/// Throws: ValueError for a variable inside a function with derivatives of its own or inside control flow.
BoundProgram bind_variables(const Jaxpr& jaxpr, const Variables& variables);

/// (inputs…, constants…) -> outputs becomes (inputs…, cotangents of inexact outputs…, constants…) -> cotangents of
/// inexact inputs. `constants`: how many there are.
Jaxpr pullback_program(const Jaxpr& jaxpr, std::size_t constants);

/// Writes a traced function and its gradients; their functions go to `library`, it itself does not.
/// `gradients`: whether options.with_gradient applies.
WrittenFunction write_function(Library& library, const Traced& traced, const std::string& name,
                               const ConvertOptions& options, const Variables& variables = {}, bool gradients = true);

/// A function as nodes of a main graph, its arguments as placeholders.
tensorflow::GraphDef main_graph(const tensorflow::FunctionDef& function, const Library& library);

/// The type of a result in TensorFlow: zeros of int32 for float0.
Aval tensorflow_aval(const Aval& aval);

}  // namespace tf2jax::jax2tf
