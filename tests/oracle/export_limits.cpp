// Exports of single primitives in every form.
#include "export_limits.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tf2jax/jax2tf/jax2tf.h"
#include "tf2jax/tf2jax.h"

namespace conformance {

using namespace tf2jax;

namespace {

const std::pair<const char*, jax2tf::ConvertOptions> kForms[] = {
    {"plain", {.with_gradient = false, .enable_xla = false}},
    {"Xla", {.with_gradient = false}},
    {"native", {.with_gradient = false, .native_serialization = true}},
};

// "jax2tf: primitive 'x' cannot be written: because." -> "because"
std::string reason_of(std::string text) {
  for (const char* before : {"cannot be written: ", "cannot be written "})
    if (const std::size_t at = text.find(before); at != text.npos) text = text.substr(at + std::string(before).size());
  std::ranges::replace(text, '|', '/');
  return text.substr(0, text.find('\n')).substr(0, 160);
}

}  // namespace

void ExportLimits::add(const Jaxpr& program) {
  if (program->eqns.size() != 1) return;
  const std::string primitive = program->eqns[0].primitive.name();
  const Avals inputs = program.input_avals();
  const std::string dtype(short_name(inputs.empty() ? program.output_avals().at(0).dtype : inputs[0].dtype));
  for (const auto& [form, options] : kForms) {
    Outcome& outcome = outcomes_[primitive][form];
    try {
      const auto f = jax2tf::convert([program](const Arrays& xs) { return eval_jaxpr(program, xs); }, options);
      Arrays examples;
      for (const Aval& a : inputs) examples.push_back(zeros_of(a.strong()));
      f.trace(examples);
      (void)f.graph();
      outcome.written.insert(dtype);
    } catch (const Error& e) {
      outcome.refused.insert(dtype);
      reasons_[primitive][form].insert(reason_of(e.what()));
    }
  }
}

std::string ExportLimits::table() const {
  std::string out;
  for (const auto& [primitive, forms] : outcomes_)
    for (const auto& [form, _] : kForms) {
      const Outcome& o = forms.at(form);
      if (o.refused.empty()) continue;
      std::set<std::string> never;
      std::ranges::set_difference(o.refused, o.written, std::inserter(never, never.end()));
      const std::string which = o.written.empty() ? "all"
                                : never.empty()   ? "some calls"
                                                  : fmt::format("{}", fmt::join(never, ", "));
      out += fmt::format("| `{}` | {} | {} | {} |\n", primitive, form, which,
                         fmt::join(reasons_.at(primitive).at(form), "; "));
    }
  return out;
}

}  // namespace conformance
