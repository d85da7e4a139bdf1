// Options of the library, process-wide with thread-local overrides.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tf2jax {

/// Whose derivatives imported operations have where JAX and TensorFlow differ: at ties, kinks, and of complex numbers.
enum class GradientConvention { jax, tf };

/// Option values. Names and defaults are those of Python tf2jax and JAX.
struct Config {
  // tf2jax: how graphs are converted and called
  bool strict_shape_check = true;
  bool strict_dtype_check = false;
  bool force_const_float32_to_bfloat16 = false;
  bool force_const_float64_to_bfloat16 = false;
  bool convert_custom_gradient = true;
  bool infer_relu_from_jax2tf = true;
  bool infer_cumulative_reduction_from_jax2tf = true;
  bool raise_on_prevent_gradient = true;
  std::string resize_bilinear_precision = "highest";
  bool enable_checkify_for_asserts = false;
  bool disable_assert_in_tensor_list_get_item = false;
  bool skip_variables_evaluation_inside_tf_tracing = false;
  bool xlacallmodule_strict_checks = true;
  bool xlacallmodule_transparent = false;
  // ours: of imported models
  GradientConvention gradient_convention = GradientConvention::jax;
  bool custom_gradient_fallback = false;  // a custom gradient that the file lacks: the derivative of the graph
  bool tf_exact_random = false;           // random numbers of stateless operations are TensorFlow's own
  // JAX
  bool enable_x64 = false;
  bool threefry_partitionable = true;
  bool disable_jit = false;
  bool log_compiles = false;
  // ours: without its module the compiler is an error, not a warning and the interpreter; for programs compiled from
  // then on
  bool require_compiler = false;
  // ours: programs run op by op, those that programs call too
  bool interpret = false;
  // ours: the same bits with any number of threads
  bool deterministic = false;
  // Budgets (docs/limits.md): what exceeds one is a ResourceExhaustedError that says where.
  std::int64_t max_array_elements = std::int64_t{1} << 34;  // of one array
  std::int64_t max_total_bytes = 0;       // of all arrays that live; 0: what memory the process may have
  std::int64_t max_function_depth = 100;  // functions of a model within functions
  std::int64_t max_expanded_nodes = std::int64_t{1}
                                    << 22;  // nodes of a model, or equations of a program, with their functions inlined
  std::int64_t max_loop_steps = 0;          // turns of one while loop; 0: no limit
  // of checkpoints at each level of the reverse mode of a while loop; 0: that throws, as in JAX
  std::int64_t while_checkpoint_bytes = std::int64_t{1} << 26;
  double max_seconds = 0;  // of one call of a model or a compiled program, in loops; 0: no limit

  bool operator==(const Config&) const = default;
};

/// The configuration in force on this thread.
const Config& config();
/// Changes the process default. Threads with an override in force keep it.
void update_config(const Config& value);
template <class T, class V>
void update_config(T Config::* option, V&& value);
/// By name, as the Python library does. Throws: ValueError for an unknown name, TypeError for a wrong kind of value.
void update_config(std::string_view name, bool value);
/// The value of a boolean option by name. Throws: ValueError.
bool get_config(std::string_view name);

/// Restores the previous configuration of this thread when it goes out of scope.
class [[nodiscard]] ConfigScope {
 public:
  explicit ConfigScope(const Config& value);
  ~ConfigScope();
  ConfigScope(const ConfigScope&) = delete;
  ConfigScope& operator=(const ConfigScope&) = delete;

 private:
  const Config* previous_;
  Config value_;
};

/// Overrides one option on this thread while the returned scope lives.
template <class T, class V>
ConfigScope override_config(T Config::* option, V&& value) {
  Config c = config();
  c.*option = static_cast<V&&>(value);
  return ConfigScope(c);
}
ConfigScope override_config(std::string_view name, bool value);

template <class T, class V>
void update_config(T Config::* option, V&& value) {
  Config c = config();
  c.*option = static_cast<V&&>(value);
  update_config(c);
}

}  // namespace tf2jax
