// call_tf: TensorFlow's functions inside programs of this library.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "tf2jax/jax2tf/jax2tf.h"
#include "tf2jax/tf_import/convert.h"

namespace tf2jax {

struct CallTfOptions {
  /// Every transform sees the operations of the function. Otherwise it is what jax2tf's is: called op by op outside
  /// programs, differentiated in reverse mode only, and not batched.
  bool transparent = false;
  /// Types of the results, in leaf order, where the caller knows them; checked.
  std::optional<Avals> output_shape_dtype = {};
  std::string name = "tf_function";
};

/// A TensorFlow function as a function of this library. Cheap to copy; copies share the variables. Calls from many
/// threads at once are safe unless the function writes to its variables.
class CallTf {
 public:
  struct State;
  explicit CallTf(std::shared_ptr<State> state) : state_(std::move(state)) {}

  /// The results in the structure of the TensorFlow function. Outside transforms it runs node by node, so that shapes
  /// may depend on values and writes to variables stay. Inside, shapes must be static and variables are only read.
  /// Gradient: in reverse mode, by the function's own gradients.
  /// Throws: ValueError in a transform for a function without static shapes, for one that writes to variables, and for
  /// symbolic shapes; ValueError where results are not of the types declared; TypeError under jvp; MissingRule under
  /// vmap.
  template <class... A>
  Tree operator()(const A&... args) const {
    return call(CallArguments(args...));
  }
  Tree call(const CallArguments& args) const;
  /// The variables as they are now.
  const Variables& variables() const;

 private:
  std::shared_ptr<State> state_;
};

/// A function of a SavedModel or a graph file, of a graph, or one that `jax2tf::convert` made and traced.
/// Throws: what `convert` throws.
CallTf call_tf(const std::filesystem::path& path, const CallTfOptions& options = {}, const ConvertOptions& source = {});
CallTf call_tf(const Graph& graph, const CallTfOptions& options = {}, const ConvertOptions& source = {});
CallTf call_tf(const ConvertedFunction& f, const CallTfOptions& options = {});
CallTf call_tf(const jax2tf::ExportedFunction& f, const CallTfOptions& options = {});

}  // namespace tf2jax
