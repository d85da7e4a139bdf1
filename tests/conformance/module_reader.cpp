// Exported functions.
#include "module_reader.h"

#include <fmt/format.h>

#include <array>
#include <fstream>

#include "execution.h"
#include "tf2jax/base/config.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/stablehlo/exported.h"
#include "tf2jax/stablehlo/from_jaxpr.h"
#include "tf2jax/stablehlo/read.h"
#include "tf2jax/stablehlo/write.h"

namespace conformance {

using namespace tf2jax;

bool has_lost_rules(const json& c) {
  const std::string text = c.value("jaxpr", "");
  return std::ranges::any_of(
      std::array{"= erf_inv", "= igamma", "= igammac", "= random_gamma", "= betainc", "= regularized_incomplete_beta",
                 "= digamma", "= lgamma", "= polygamma", "= stop_gradient", "= integer_pow[y=-", "name=ldexp"},
      [&](const char* p) { return text.find(p) != std::string::npos; });
}

bool promises_bounds(const json& c) {
  const std::string text = c.value("jaxpr", "");
  return text.find("PROMISE_IN_BOUNDS") != std::string::npos && text.find("gather[") != std::string::npos;
}

stablehlo::Module module_of(const Golden& golden, const json& exported, bool from_text) {
  if (from_text && !exported.contains("text")) throw Unsupported("the text of the module is not recorded");
  if (from_text) return stablehlo::parse_module(exported.at("text").get<std::string>());
  const auto bytes = golden.bytes(exported.at("module"));
  return stablehlo::read_module({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

namespace {

// Programs for several platforms take the number of the one that they run on first.
Arrays platform_number(const json& exported) {
  const auto platforms = exported.value("platforms", std::vector<std::string>{"cpu"});
  if (platforms.size() < 2) return {};
  const auto it = std::ranges::find(platforms, "cpu");
  if (it == platforms.end()) throw Unsupported("the program is not for this platform");
  return {array<std::int32_t>(static_cast<std::int32_t>(it - platforms.begin()))};
}

}  // namespace

Jaxpr program_of_module(const Golden& golden, const json& exported, const Avals& inputs, bool from_text) {
  const stablehlo::Module module = module_of(golden, exported, from_text);
  const auto kept = exported.at("module_kept_var_idx").get<std::vector<std::size_t>>();
  stablehlo::TranslateOptions options;
  options.known_operands = platform_number(exported);
  Avals taken;
  for (const std::size_t i : kept) {
    Aval a = inputs.at(i).strong();
    if (a.dtype == DType::key) {
      a.dtype = DType::u32;
      a.shape.emplace_back(2);
    }
    taken.push_back(std::move(a));
  }
  const Jaxpr program = stablehlo::to_jaxpr(module, taken, options);
  const json out_avals = exported.value("out_avals", json::array());
  return stage(
      [&](const Arrays& xs) {
        Arrays used;
        for (const std::size_t i : kept)
          used.push_back(xs[i].dtype() == DType::key ? random_unwrap_p().bind1({xs[i]}) : xs[i]);
        Arrays out = eval_jaxpr(program, used);
        for (std::size_t i = 0; i < out.size() && i < out_avals.size(); ++i)
          if (out_avals[i].get<std::string>().starts_with("key<")) out[i] = random::wrap_key_data(out[i]);
        return out;
      },
      inputs);
}

namespace {

// Typed keys as modules have them: u32 with one axis of 2 more.
Aval as_words(Aval a) {
  if (a.dtype != DType::key) return a.strong();
  a.dtype = DType::u32;
  a.shape.emplace_back(2);
  return a.strong();
}
Arrays as_words(const Arrays& xs) {
  Arrays out;
  for (const Array& x : xs) out.push_back(x.dtype() == DType::key ? random_unwrap_p().bind1({x}) : x);
  return out;
}

}  // namespace

Jaxpr rewritten(const Jaxpr& program) {
  Avals inputs, words;
  for (const Aval& a : program.input_avals()) {
    inputs.push_back(a.strong());
    words.push_back(as_words(a));
  }
  const std::string bytes = stablehlo::write_module(stablehlo::from_jaxpr(program));
  const stablehlo::Module module = stablehlo::read_module(bytes);
  check<ValueError>(stablehlo::write_module(module) == bytes, "rewriting a module gives other bytes.");
  const std::string text = stablehlo::print_module(module);
  check<ValueError>(stablehlo::print_module(stablehlo::parse_module(text)) == text,
                    "printing a module gives another text.");
  const Jaxpr read = stablehlo::to_jaxpr(module, words);
  const Avals outputs = program.output_avals();
  const auto is_key = [](const Aval& a) { return a.dtype == DType::key; };
  if (std::ranges::none_of(inputs, is_key) && std::ranges::none_of(outputs, is_key)) return read;
  return stage(
      [&](const Arrays& xs) {
        Arrays out = eval_jaxpr(read, as_words(xs));
        for (std::size_t i = 0; i < out.size(); ++i)
          if (is_key(outputs[i])) out[i] = random::wrap_key_data(out[i]);
        return out;
      },
      inputs);
}

void write_artifact(const Jaxpr& program, const Arrays& inputs, const std::string& name, const std::string& folder) {
  const std::string at = fmt::format("{}/{:016x}", folder, std::hash<std::string>()(name));
  const Arrays taken = as_words(inputs),
               outputs = as_words(under(Execution::uncompiled, [&] { return eval_jaxpr(program, inputs); }));
  json record{{"name", name}, {"x64", config().enable_x64}, {"inputs", json::array()}, {"outputs", json::array()}};
  std::string blob;
  for (const auto& [key, arrays] : {std::pair("inputs", &taken), std::pair("outputs", &outputs)})
    for (const Array& x : *arrays) {
      const auto bytes = x.bytes();
      record[key].push_back(
          {{"dtype", numpy_name(x.dtype())}, {"shape", x.dims()}, {"offset", blob.size()}, {"nbytes", bytes.size()}});
      blob.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
  std::ofstream(at + ".mlirbc", std::ios::binary) << stablehlo::write_module(stablehlo::from_jaxpr(program));
  const bool differentiable =
      std::ranges::all_of(program.input_avals(), [](const Aval& a) { return is_inexact(a.dtype); }) &&
      std::ranges::all_of(program.output_avals(), [](const Aval& a) { return is_inexact(a.dtype); });
  try {
    const auto exported = stablehlo::export_program(program, "main", differentiable ? 1 : 0);
    std::ofstream(at + ".export", std::ios::binary) << stablehlo::write_exported(exported);
  } catch (const Error&) {  // its derivative is another program, which may have no form or no rule
  }
  std::ofstream(at + ".bin", std::ios::binary) << blob;
  std::ofstream(at + ".json") << record.dump() << "\n";
}

}  // namespace conformance
