// tf2jax run, grad, jaxpr and check-grads.
#include "commands.h"

#include <tf2jax/ops/numpy.h>
#include <tf2jax/testing/check_grads.h>
#include <tf2jax/transforms/grad.h>
#include <tf2jax/transforms/make_jaxpr.h>

#include <algorithm>
#include <iostream>

namespace tf2jax::tool {
namespace {

bool wanted(const Request& request, const std::string& name) {
  return request.outputs.empty() || std::ranges::find(request.outputs, name) != request.outputs.end() ||
         std::ranges::find(request.outputs, name + ":0") != request.outputs.end();
}

Named chosen_outputs(const Request& request, const Tree& outputs) {
  auto all = named_leaves(outputs, "");
  if (all.size() == 1) return all;
  std::string names;
  for (const auto& [name, x] : all) names += (names.empty() ? "'" : ", '") + name + "'";
  std::erase_if(all, [&](const auto& leaf) { return !wanted(request, leaf.first); });
  check(!all.empty(), "--output: the function has no such output. It has: {}", names);
  return all;
}

bool is_floating_array(const Tree& x) { return x.is_leaf() && is_floating(x.array().dtype()); }

// The mean of every floating output; a scalar is its own mean.
Array loss_of(const Request& request, const Tree& outputs) {
  Array total;
  for (const auto& [name, leaf] : chosen_outputs(request, outputs)) {
    if (!is_floating_array(leaf)) continue;
    const Array& x = leaf;
    const Array m = x.rank() == 0 ? x : mean(x);
    total = total.has_value() ? total + m : m;
  }
  check<TypeError>(total.has_value(), "no output is floating; there is nothing to differentiate");
  return total;
}

std::vector<std::size_t> floating_inputs(const Call& call) {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    if (is_floating_array(call.inputs[i])) positions.push_back(i);
  }
  return positions;
}

std::vector<Tree> with(std::vector<Tree> inputs, const std::vector<std::size_t>& positions,
                       std::span<const Array> values) {
  for (std::size_t i = 0; i < positions.size(); ++i) inputs[positions[i]] = values[i];
  return inputs;
}

void print(const Named& values, const std::string& prefix) {
  for (const auto& [name, x] : values) std::cout << prefix << name << "  " << summary(x) << "\n";
}

}  // namespace

int run(const Request& request) {
  const Call call = prepare(request);
  const auto [tree, updated] = call.run(call.function.params(), call.inputs);
  const auto outputs = chosen_outputs(request, tree);
  print(outputs, "");
  save_all(request.output_dir, outputs);
  return 0;
}

int gradient(const Request& request) {
  const Call call = prepare(request);
  const auto positions = floating_inputs(call);
  Arrays inputs;
  for (const auto i : positions) inputs.push_back(call.inputs[i]);
  Variables trainable;
  for (const auto& [name, v] : call.function.params()) {
    if (v.trainable() && is_floating(v.value().dtype())) trainable.set(v);
  }
  const auto loss = [&](const Arrays& xs, const Variables& variables) {
    return loss_of(request, call.run(call.function.params().merged(variables), with(call.inputs, positions, xs)).first);
  };
  const auto [value, gradients] = value_and_grad<0, 1>(loss)(inputs, trainable);
  Named named;
  for (std::size_t i = 0; i < positions.size(); ++i)
    named.emplace_back(call.names[positions[i]], std::get<0>(gradients)[i]);
  for (const auto& [name, v] : std::get<1>(gradients)) named.emplace_back(name, v.value());
  std::cout << "loss  " << summary(value) << "\n";
  print(named, "d ");
  named.emplace_back("loss", value);
  save_all(request.output_dir, named);
  return 0;
}

Jaxpr program_of(const Request& request, bool symbolic_batch) {
  const Call call = prepare(request, false);
  Avals avals;
  std::vector<std::size_t> traced;  // strings are not
  const auto specs = inputs_of(call.function.signature());
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (call.inputs[i].kind() == Tree::Kind::strings) continue;
    traced.push_back(i);
    if (call.inputs[i].is_leaf()) {
      avals.push_back(call.inputs[i].array().aval());
      continue;
    }
    const auto& [name, spec] = specs[i];
    Aval aval = input_aval(request, name, spec);
    if (symbolic_batch && spec.shape) {
      for (std::size_t k = 0; k < spec.shape->size(); ++k) {
        if ((*spec.shape)[k] < 0) aval.shape[k] = Dim::variable(k == 0 ? "b" : fmt::format("d{}", k));
      }
    }
    avals.push_back(std::move(aval));
  }
  return stage([&](const Arrays& xs) { return tree::leaves(call.run(with(call.inputs, traced, xs))); }, avals);
}

int print_jaxpr(const Request& request, bool symbolic_batch) {
  std::cout << to_string(program_of(request, symbolic_batch)) << "\n";
  return 0;
}

int check_gradients(const Request& request, const CheckOptions& options) {
  const Call call = prepare(request);
  const auto positions = floating_inputs(call);
  check<TypeError>(!positions.empty(), "no input is floating; there is nothing to check");
  Arrays inputs;
  for (const auto i : positions) inputs.push_back(call.inputs[i]);
  const FlatFn f = [&](const Arrays& xs) {
    Arrays out;
    for (const auto& [name, x] : chosen_outputs(request, call.run(with(call.inputs, positions, xs)))) {
      if (is_floating_array(x)) out.push_back(x);
    }
    return out;
  };
  testing::check_grads_flat(f, inputs,
                            {.order = options.order, .eps = options.eps, .rtol = options.rtol, .atol = options.atol});
  std::cout << "derivatives agree with finite differences to order " << options.order << "\n";
  return 0;
}

}  // namespace tf2jax::tool
