// A small evaluator of the Python programs that cases carry as text: calls, lambdas, tuples, arithmetic.
#pragma once
#include <string_view>

#include "python_value.h"

namespace conformance {

/// The function of a module by its dotted name ("random.normal"), or nothing.
using Module = std::function<std::optional<Value>(const std::string& name)>;
using Scope = std::vector<std::pair<std::string, Value>>;

/// Throws: Unsupported where the text uses something unknown.
Value evaluate(std::string_view text, const Module& module, const Scope& scope = {});
/// Runs lines "name = expression" and gives the last value.
Value run_program(const std::string& text, const Module& module);

/// jax.random, and the little of jax.numpy that samplers are written with.
std::optional<Value> sampler_module(const std::string& name);
/// Control flow and derivatives: what composed programs are written with.
std::optional<Value> program_module(const std::string& name);

}  // namespace conformance
