// Files of jax.export: a module with its calling convention, and its derivatives.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tf2jax/trace/jaxpr.h"

namespace tf2jax::stablehlo {

/// The type of an argument or a result; sizes are numbers or expressions of dimension variables, as JAX prints them.
struct ExportedAval {
  bool is_token = false;
  std::string dtype = "f32";  ///< JAX's short name: "f32", "bool", "f0" for tangents of integers, "key_fry"
  std::vector<std::string> shape;
  bool operator==(const ExportedAval&) const = default;
  /// "(b, 3)"
  std::string shape_text() const;
};

/// A pytree: its kind, its children, their names where it is a dictionary or a named tuple.
struct ExportedTree {
  enum class Kind : std::uint8_t { leaf, none, tuple, list, dict, custom };
  Kind kind = Kind::leaf;
  std::vector<ExportedTree> children;
  std::vector<std::string> names;
  std::string custom_name, custom_data;
  bool operator==(const ExportedTree&) const = default;
  std::size_t num_leaves() const;
};

/// What jax.export's Exported.serialize() writes. `vjp` is the exported derivative, with one of its own up to the order
/// that was asked for.
struct Exported {
  std::string function_name;
  ExportedTree in_tree, out_tree;
  std::vector<ExportedAval> in_avals, out_avals;
  std::uint32_t num_devices = 1;
  std::vector<std::string> platforms, ordered_effects, unordered_effects;
  std::vector<std::pair<std::uint8_t, std::string>> disabled_checks;  ///< 0 platform, 1 custom call, 2 shapes
  std::string module;                                                 ///< a portable artifact
  std::uint16_t calling_convention_version = 9;
  std::vector<std::uint16_t> kept_arguments;  ///< those that the module takes
  bool uses_global_constants = false;
  std::shared_ptr<const Exported> vjp;
  bool operator==(const Exported&) const = default;
};

/// Throws: DataLossError with the offset for damaged files.
Exported read_exported(std::string_view bytes);
/// The same bytes for the same value; JAX of 2024 and later reads them.
std::string write_exported(const Exported& exported);

/// A program as a file of jax.export for CPUs, with derivatives up to `vjp_order`: arguments and results are flat
/// tuples. Throws: what from_jaxpr and write_module throw.
Exported export_program(const Jaxpr& program, const std::string& name, int vjp_order = 0,
                        const std::string& target = "1.5.0");

/// The program for arguments of these types, all of them inputs, as in Exported.call.
/// Throws: ValueError with JAX's text for a rank, dtype or size that contradicts the export, a platform that is not
/// among those exported for, or a shape assertion of the module; NotImplementedError for another calling convention.
Jaxpr program_of(const Exported& exported, const Avals& arguments);

}  // namespace tf2jax::stablehlo
