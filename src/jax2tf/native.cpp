// Native serialization: a program as one XlaCallModule node.
#include "tf2jax/jax2tf/internal/native.h"

#include <algorithm>
#include <cctype>

#include "tf2jax/jax2tf/internal/export.h"
#include "tf2jax/jax2tf/internal/lowering.h"
#include "tf2jax/passes/dce.h"
#include "tf2jax/stablehlo/from_jaxpr.h"
#include "tf2jax/stablehlo/write.h"

namespace tf2jax::jax2tf {
namespace {

using Strings = std::vector<std::string>;

// The first version with today's calling convention: TensorFlow of autumn 2023 and later reads it.
constexpr std::int64_t kVersion = 9;

std::string python_list(const Strings& words) {
  std::string out = "[";
  for (const std::string& w : words) out += fmt::format("{}'{}'", out.size() > 1 ? ", " : "", w);
  return out + "]";
}

// As XlaCallModule names them: "CPU", "CUDA".
Strings platforms_of(const ConvertOptions& options) {
  constexpr std::string_view kKnown[] = {"cpu", "cuda", "rocm", "tpu"};
  const Strings& given = options.native_serialization_platforms;
  if (given.empty()) return {"CPU"};
  Strings out;
  for (const std::string& name : given) {
    const bool known = std::ranges::find(kKnown, std::string_view(name)) != std::end(kKnown);
    check(known && std::ranges::count(given, name) == 1,
          "native_serialization_platforms must be a sequence containing a subset of {{'cpu', 'cuda', 'rocm', 'tpu'}}. "
          "Got: {}.",
          python_list(given));
    std::string upper = name;
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
    out.push_back(std::move(upper));
  }
  return out;
}

const Strings& checks_of(const ConvertOptions& options) {
  const Strings& checks = options.native_serialization_disabled_checks;
  for (const std::string& name : checks)
    check(name == "platform" || name == "shape_assertions" || (name.starts_with("custom_call:") && name.size() > 12),
          "jax2tf: a check that is to be disabled is not known. Got '{}'; expected 'platform', 'shape_assertions' or "
          "'custom_call:NAME'.",
          name);
  return checks;
}

bool calls_cpu_library(const stablehlo::OpList& ops) {
  return std::ranges::any_of(ops, [](const stablehlo::Op& op) {
    const stablehlo::Attr* target = op.name == "custom_call" ? op.find("call_target_name") : nullptr;
    return (target && target->text.starts_with("lapack_")) ||
           std::ranges::any_of(op.regions, [](const stablehlo::Region& r) { return calls_cpu_library(r.ops); });
  });
}

}  // namespace

Tensors write_native(FunctionWriter& writer, const Jaxpr& program, const Tensors& inputs,
                     const ConvertOptions& options) {
  const Strings platforms = platforms_of(options), &checks = checks_of(options);
  stablehlo::Module module = stablehlo::from_jaxpr(dce(program), "jit_" + writer.name());
  const bool on_cpu_only =
      std::ranges::any_of(module.functions, [](const stablehlo::Function& f) { return calls_cpu_library(f.body.ops); });
  check<NotImplementedError>(!on_cpu_only || platforms == Strings{"CPU"},
                             "jax2tf: factorisations are serialized for 'cpu' only. Got native_serialization_platforms "
                             "{}.",
                             python_list(options.native_serialization_platforms));
  if (platforms.size() > 1) stablehlo::add_platform_index(module);
  Avals outputs;
  std::vector<Shape> shapes;
  for (const Aval& a : program.output_avals()) {
    outputs.push_back(stored(a.strong()));
    shapes.push_back(outputs.back().shape);
  }
  Attrs attrs{{"version", kVersion},
              {"module", stablehlo::write_module(module)},
              {"Sout", shapes},
              {"platforms", platforms},
              {"has_token_input_output", false}};
  if (!checks.empty()) attrs.emplace_back("disabled_checks", checks);
  return writer.nodes("XlaCallModule", inputs, outputs, attrs);
}

}  // namespace tf2jax::jax2tf
