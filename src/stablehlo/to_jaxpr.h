// From a StableHLO module to a program that every transform sees through.
#pragma once
#include <functional>
#include <string>

#include "tf2jax/stablehlo/module.h"
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax::stablehlo {

/// Runs a custom call that a module leaves to whoever embeds it: its target, its `backend_config` (may be null), its
/// operands, the types of its results.
using CustomCall = std::function<Arrays(const std::string& target, const Attr* backend_config, const Arrays& operands,
                                        const Avals& results)>;

struct TranslateOptions {
  /// Takes custom calls that are not known otherwise; those of other targets are errors. Empty: none.
  std::map<std::string, CustomCall, std::less<>> custom_calls = {};
  /// Leading operands with values that are known, such as the number of the platform in modules for several. They are
  /// no inputs of the program.
  Arrays known_operands = {};
  /// Whether a `shape_assertion` that does not hold is an error.
  bool check_shapes = true;
};

/// The program of the module's entry for inputs of these types: closed, in our own primitives. Functions become calls;
/// counted loops become scans, which have derivatives in both modes; open sizes are those of the inputs, and what is
/// computed from them is computed now.
/// Throws: NotImplementedError that lists every operation and custom call that is not known; ShapeError or DtypeError
/// when the inputs do not fit; ValueError with the module's own text for a shape assertion that does not hold, and for
/// operations that contradict their types; ResourceExhaustedError by Config::max_expanded_nodes.
Jaxpr to_jaxpr(const Module& module, const Avals& inputs, const TranslateOptions& options = {});

/// Operations and custom calls (as "custom_call @name") that the entry reaches and that are not known.
std::map<std::string, int> unknown_operations(const Module& module, const TranslateOptions& options = {});

/// The types of the entry's inputs, after the known operands. Throws: DtypeError where arrays lack the element type,
/// ValueError where a size is open.
Avals input_avals(const Module& module, const TranslateOptions& options = {});

}  // namespace tf2jax::stablehlo
