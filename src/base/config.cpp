// Options: one process default, and a stack of overrides per thread.
#include "tf2jax/base/config.h"

#include "tf2jax/base/error.h"

#include <array>
#include <atomic>
#include <mutex>
#include <utility>

namespace tf2jax {
namespace {

struct Process {
  std::mutex mutex;
  Config value;
  std::atomic<unsigned> version{1};
};
Process& process() {
  static Process p;
  return p;
}

thread_local const Config* override_value = nullptr;
// A copy of the process default, so that a reader never sees a half-written value.
thread_local Config snapshot;
thread_local unsigned snapshot_version = 0;

using Option = std::pair<std::string_view, bool Config::*>;
constexpr std::array<Option, 22> kOptions{{
    {"strict_shape_check", &Config::strict_shape_check},
    {"strict_dtype_check", &Config::strict_dtype_check},
    {"force_const_float32_to_bfloat16", &Config::force_const_float32_to_bfloat16},
    {"force_const_float64_to_bfloat16", &Config::force_const_float64_to_bfloat16},
    {"convert_custom_gradient", &Config::convert_custom_gradient},
    {"infer_relu_from_jax2tf", &Config::infer_relu_from_jax2tf},
    {"infer_cumulative_reduction_from_jax2tf", &Config::infer_cumulative_reduction_from_jax2tf},
    {"custom_gradient_fallback", &Config::custom_gradient_fallback},
    {"raise_on_prevent_gradient", &Config::raise_on_prevent_gradient},
    {"enable_checkify_for_asserts", &Config::enable_checkify_for_asserts},
    {"disable_assert_in_tensor_list_get_item", &Config::disable_assert_in_tensor_list_get_item},
    {"skip_variables_evaluation_inside_tf_tracing", &Config::skip_variables_evaluation_inside_tf_tracing},
    {"xlacallmodule_strict_checks", &Config::xlacallmodule_strict_checks},
    {"xlacallmodule_transparent", &Config::xlacallmodule_transparent},
    {"tf_exact_random", &Config::tf_exact_random},
    {"enable_x64", &Config::enable_x64},
    {"threefry_partitionable", &Config::threefry_partitionable},
    {"disable_jit", &Config::disable_jit},
    {"log_compiles", &Config::log_compiles},
    {"require_compiler", &Config::require_compiler},
    {"interpret", &Config::interpret},
    {"deterministic", &Config::deterministic},
}};

bool Config::* find_option(std::string_view name) {
  for (const auto& [known, member] : kOptions) {
    if (known == name) return member;
  }
  std::string names;
  for (const auto& [known, member] : kOptions) names += (names.empty() ? "" : ", ") + std::string(known);
  if (name == "gradient_convention")
    raise<TypeError>("config: 'gradient_convention' has another type. Got a bool; expected a GradientConvention.");
  if (name == "resize_bilinear_precision")
    raise<TypeError>("config: 'resize_bilinear_precision' has another type. Got a bool; expected a string.");
  raise<ValueError>("config: Parameter named {} not found in config={{{}}}.", name, names);
}

}  // namespace

const Config& config() {
  if (override_value) return *override_value;
  Process& p = process();
  if (snapshot_version != p.version.load(std::memory_order_acquire)) {
    const std::lock_guard lock(p.mutex);
    snapshot = p.value;
    snapshot_version = p.version.load(std::memory_order_relaxed);
  }
  return snapshot;
}

void update_config(const Config& value) {
  Process& p = process();
  const std::lock_guard lock(p.mutex);
  p.value = value;
  p.version.fetch_add(1, std::memory_order_release);
}

void update_config(std::string_view name, bool value) { update_config(find_option(name), value); }

bool get_config(std::string_view name) { return config().*find_option(name); }

ConfigScope::ConfigScope(const Config& value) : previous_(override_value), value_(value) { override_value = &value_; }
ConfigScope::~ConfigScope() { override_value = previous_; }

ConfigScope override_config(std::string_view name, bool value) { return override_config(find_option(name), value); }

}  // namespace tf2jax
