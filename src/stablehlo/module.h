// A StableHLO program in memory: functions of operations as a file has them, before a program is made of it.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tf2jax/base/dtype.h"
#include "tf2jax/base/shape.h"
#include "tf2jax/stablehlo/op_list.h"

namespace tf2jax::stablehlo {

/// A size that the file leaves open, printed `?`.
inline constexpr std::int64_t kDynamic = std::numeric_limits<std::int64_t>::min();

/// A number of the file as an index.
constexpr std::size_t as_index(std::integral auto i) { return i; }

/// A type of a value or of an attribute. `element` is MLIR's spelling ("f32", "i1", "ui8", "complex<f32>", "index");
/// scalars are types of attributes.
struct Type {
  enum class Kind : std::uint8_t { none, token, scalar, tensor, tuple, function, other };
  Kind kind = Kind::none;
  std::string element;
  Dims dims;
  std::vector<TypePtr> inputs, outputs;  ///< of functions; the parts of a tuple are its inputs

  /// The element type as ours; nullopt for those that arrays do not have.
  std::optional<DType> dtype() const;
  bool is_dynamic() const;
  /// MLIR's text: "tensor<2x?xf32>".
  std::string to_string() const;
};
TypePtr tensor_type(std::string element, Dims dims);
/// MLIR's spelling of an element type: "i1" for bool.
std::string element_name(DType dtype);

struct Attr;
using AttrPtr = std::shared_ptr<const Attr>;

/// An attribute. Enumerators are strings; lists of integers are tensors or arrays, which `integers` reads alike.
struct Attr {
  enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    real,
    string,
    symbol,
    type,
    array,
    dictionary,
    tensor,
    text
  };
  Kind kind = Kind::none;
  std::int64_t integer = 0;  ///< also of booleans
  double real = 0;
  std::string text;  ///< strings, symbols, opaque texts; of tensors the elements, or the one that fills it
  std::vector<AttrPtr> items;
  std::vector<std::pair<std::string, AttrPtr>> entries;
  TypePtr type;  ///< of integers, reals and tensors

  /// The attribute of that name in a dictionary; null when there is none.
  const Attr* find(std::string_view name) const;
};

/// A value of a function: an index into Function::types.
using ValueId = std::int32_t;
struct Region;

/// `name` has neither dialect nor version where the dialect is StableHLO's: "add", "call", "chlo.erf".
struct Op {
  std::string name;
  std::vector<ValueId> operands, results;
  std::vector<std::pair<std::string, AttrPtr>> attributes;
  std::vector<Region> regions;
  std::uint64_t offset = 0;  ///< of the byte (bytecode) or the line (text) it starts at

  /// The attribute of that name, which the operation holds; null when there is none.
  const Attr* find(std::string_view attribute) const&;
  void find(std::string_view attribute) && = delete;
};
/// One block: everything that JAX writes has one block a region.
struct Region {
  std::vector<ValueId> arguments;
  OpList ops;
};

struct Function {
  std::string name;
  bool is_public = false;
  TypeList types;  ///< of every value, those of nested regions included
  std::vector<TypePtr> inputs, outputs;
  std::vector<AttrPtr> input_attributes, output_attributes;  ///< dictionaries or null; empty when none has any
  Region body;
};

/// A module; immutable once read.
struct Module {
  std::string producer;  ///< "StableHLO_v1.16.2"; empty for texts
  std::string name;
  std::vector<std::pair<std::string, AttrPtr>> attributes;
  std::vector<Function> functions;
  std::map<std::string, std::size_t, std::less<>> by_name;

  /// Throws: LookupError when there is no function of that name.
  const Function& function(std::string_view function_name) const;
  /// The function that a program starts with: `main`, or the only public one. Throws: LookupError.
  const Function& entry() const;
  /// Puts the functions into `by_name`. Throws: ValueError for a name that is there twice.
  void index_functions();
};

}  // namespace tf2jax::stablehlo
