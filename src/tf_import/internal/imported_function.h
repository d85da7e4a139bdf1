// ImportedFunction: a planned graph with its calling convention and its cache of staged programs.
#pragma once
#include "tf2jax/base/snapshot_list.h"
#include "tf2jax/tf_import/converted_function.h"
#include "tf2jax/tf_import/internal/interpreter.h"
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax::tf_import {

/// One tensor argument: where it stands in the structure, and what is expected there.
struct FlatInput {
  std::string path;  // "(0, 0)", as tf.nest prints it
  std::string name;
  TensorSpec spec;
};

/// Strings among the inputs or outputs, by position.
using Texts = std::map<std::size_t, StringTensor>;

class ImportedFunction {
 public:
  std::shared_ptr<const Model> model;
  std::shared_ptr<const Body> body;
  Signature signature;
  std::vector<FlatInput> inputs;      // in the order of the structure's tensors
  std::vector<int> input_arguments;   // argument of `body` that takes input i
  std::vector<Value> bound;           // arguments of `body`; those without value come from the call
  std::vector<std::size_t> captured;  // variables that are params, by index in the model
  std::vector<int> output_positions;  // output of `body` for each tensor of signature.outputs
  Variables params;
  bool jit = true;
  bool functional = false;

  std::pair<Tree, Variables> call(const Variables& params, const CallArguments& arguments) const;

 private:
  // What a call is given: arrays in order, strings beside them.
  struct Given {
    Arrays arrays;
    Texts texts;
  };
  // What an evaluation yields beside arrays.
  struct Others {
    std::vector<std::size_t> changed;  // positions in `captured`
    Texts texts;
  };
  struct Staged {
    Avals avals;
    Config config;
    bool has_key;
    std::optional<Jaxpr> jaxpr;  // none: it needs the values of its arguments
    Others others;
    bool assumes = false;  // the last output says whether what the program takes for granted is so
  };

  std::vector<Tree> bind(const CallArguments& arguments) const;
  std::pair<Tree, Variables> run(const Variables& params, const CallArguments& arguments) const;
  Config options_in_force() const;
  Arrays params_of(const Variables& given) const;
  Given check_inputs(const std::vector<Tree>& leaves) const;
  Array check_array(const Tree& leaf, const FlatInput& input) const;
  StringTensor check_strings(const Tree& leaf, const FlatInput& input) const;
  std::shared_ptr<const Staged> staged(const Avals& avals, bool has_key) const;
  /// variables, inputs [, key] -> outputs, then the changed variables. Inputs and outputs that are strings stand in
  /// `texts` and `others` instead. `assumed`, where it is given, takes Interpreter::assumptions.
  Arrays evaluate(const Arrays& arguments, const Texts& texts, bool has_key, Others& others,
                  std::optional<Array>* assumed = nullptr) const;
  /// The same through the staged program where there can be one.
  Arrays compute(Arrays arguments, const Texts& texts, bool has_key, Others& others) const;

  mutable detail::SnapshotList<Staged> cache_;
};

/// Assembles outputs in their structure; `next` yields the tensors in order.
Tree build_tree(const StructuredValue& structure, const std::vector<Tree>& tensors, std::size_t& next);

/// Matches arguments to the structure of a signature. Appends one leaf per tensor, none where it is missing.
/// Throws: ValueError for other literals, TypeError for arguments the function does not have.
std::vector<Tree> match_arguments(const Signature& signature, const CallArguments& arguments);
/// The tensors of the input structure with their paths.
std::vector<FlatInput> flat_inputs(const StructuredValue& inputs);
/// JSON of the structure of missing inputs, as the Python library prints it.
std::string missing_inputs_text(const Signature& signature, const std::vector<Tree>& leaves);

}  // namespace tf2jax::tf_import
