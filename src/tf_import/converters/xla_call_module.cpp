// XlaCallModule: a StableHLO program inside one operation, which is what JAX exports.
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"

#include "tf2jax/base/warning.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/stablehlo/opaque_call.h"
#include "tf2jax/stablehlo/read.h"
#include "tf2jax/stablehlo/to_jaxpr.h"

#include <fmt/format.h>

#include <algorithm>

namespace tf2jax::tf_import {
namespace {

constexpr std::string_view kPlatform = "cpu";

using Strings = std::vector<std::string>;

// Names of today: "CUDA" and "ROCM" are both "gpu".
std::string platform_name(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name == "cuda" || name == "rocm" ? "gpu" : name;
}

// As Python prints tuples of strings.
std::string python_tuple(const Strings& names, std::string_view prefix = "") {
  std::string out = "(";
  for (std::size_t i = 0; i < names.size(); ++i) out += fmt::format("{}{}'{}'", i ? ", " : "", prefix, names[i]);
  return out + (names.size() == 1 ? ",)" : ")");
}

// Which of the platforms this one is. A program for others only is refused, or run all the same where the checks are
// off.
std::size_t platform_index(const Strings& platforms, const Strings& disabled_checks) {
  const auto it = std::ranges::find(platforms, kPlatform);
  if (platforms.empty()) return 0;
  if (it != platforms.end()) return stablehlo::as_index(it - platforms.begin());
  if (std::ranges::find(disabled_checks, "platform") != disabled_checks.end()) return 0;
  const std::string message = fmt::format("Unsupported backend: `{}` not in `{}`.", kPlatform, python_tuple(platforms));
  if (config().xlacallmodule_strict_checks) {
    raise<ValueError>(
        "{}\nThis error can be disabled using either tf2jax.update_config('xlacallmodule_strict_checks', False) or "
        "the context manager tf2jax.override_config('xlacallmodule_strict_checks', False). You may observe poorer "
        "performance or outright failure as a result.",
        message);
  }
  warn(message);
  return 0;
}

Array number(std::size_t v) {
  const auto word = static_cast<std::int32_t>(v);
  return detail::exact_array(Aval{DType::i32, {}, false}, std::as_bytes(std::span(&word, 1)));
}

// A function of the model that the module calls by its position in `function_list`.
Arrays call_function(const Node& n, const std::vector<FunctionRef>& functions, const stablehlo::Attr* settings,
                     const Arrays& operands) {
  const stablehlo::Attr* index = settings ? settings->find("called_index") : nullptr;
  const auto i = index ? stablehlo::as_index(index->integer) : functions.size();
  check(i < functions.size(), "a call of a TensorFlow function names none. Got {} of {}.", i, functions.size());
  Arrays out;
  for (const Value& v : n.call(functions[i], {operands.begin(), operands.end()})) {
    const Array* x = v.get_if<Array>();
    check<NotImplementedError>(x, "a TensorFlow function called by a module returns something that is no array.");
    out.push_back(*x);
  }
  return out;
}

struct Settings {
  Strings platforms, disabled_checks;
  std::vector<FunctionRef> functions;
};

Settings read_settings(const Node& n) {
  n.ignore({"Sout", "Tin", "Tout", "has_token_input_output", "use_shardy_partitioner"});
  const auto version = n.attr<std::int64_t>("version");
  check(version >= 2, "Only version 2 (StableHLO) or above is supported, found {}.", version);
  const Strings sizes = n.attr_or<Strings>("dim_args_spec", {});
  check(sizes.empty(), "Dynamic shapes is not yet supported, found dim_args_spec={}.", python_tuple(sizes, "b"));
  Settings out;
  for (const std::string& name : n.attr_or<Strings>("platforms", {})) out.platforms.push_back(platform_name(name));
  out.disabled_checks = n.attr_or<Strings>("disabled_checks", {});
  out.functions = n.attr_or<std::vector<FunctionRef>>("function_list", {});
  return out;
}

// Cotangents of integers come as what they are: nothing. Programs that JAX made for gradients take zeros there.
Array operand_for(const Node& n, std::size_t i, const stablehlo::Type& type) {
  const Array x = n.array(i);
  const bool gradient = n.name().find("jax2tf_vjp") != std::string::npos;
  if (!gradient || type.dtype() != DType::bool_ || x.dtype() == DType::bool_) return x;
  return zeros_of({DType::bool_, x.shape(), false});
}

Values xla_call_module(Node& n) {
  const Settings settings = read_settings(n);
  const stablehlo::Module module = stablehlo::read_module(n.attr<std::string>("module"));
  stablehlo::TranslateOptions options;
  const std::size_t platform = platform_index(settings.platforms, settings.disabled_checks);
  if (settings.platforms.size() > 1) options.known_operands.push_back(number(platform));
  options.check_shapes =
      std::ranges::find(settings.disabled_checks, "shape_assertions") == settings.disabled_checks.end();
  if (!settings.functions.empty()) {
    options.custom_calls["tf.call_tf_function"] = [&](const std::string&, const stablehlo::Attr* chosen,
                                                      const Arrays& operands, const Avals&) {
      return call_function(n, settings.functions, chosen, operands);
    };
  }
  const auto& entry = module.entry();
  const std::size_t first = options.known_operands.size();
  check<TypeError>(entry.inputs.size() == first + n.num_inputs(),
                   "the module has the wrong number of inputs. Got {}; expected {}.", entry.inputs.size(),
                   first + n.num_inputs());
  Arrays operands;
  Avals inputs;
  for (std::size_t i = 0; i < n.num_inputs(); ++i) {
    operands.push_back(operand_for(n, i, *entry.inputs[first + i]));
    inputs.push_back(operands.back().aval());
  }
  const Jaxpr program = stablehlo::to_jaxpr(module, inputs, options);
  Arrays results;
  if (config().xlacallmodule_transparent || !settings.functions.empty()) {
    results = eval_jaxpr(program, operands);
  } else {
    results = stablehlo::mhlo_apply_p().bind(operands, stablehlo::MhloApply{module.name, program});
  }
  Values out;
  for (const Array& x : results) out.emplace_back(in_canonical_type(x));
  return out;
}

}  // namespace

void add_module_operations(ConverterTable& table) { table.add("XlaCallModule", xla_call_module); }

}  // namespace tf2jax::tf_import
