// Converters: functions from a node and its input values to its output values.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tf2jax/tf_import/node.h"

namespace tf2jax {

using Converter = std::function<Values(Node&)>;

/// What importing must know of an operation before any node of it runs.
struct OpTraits {
  std::vector<std::string> ignored = {};  ///< attributes that need not be read
  /// Changes variables: done in the order of control edges, also when nothing takes its outputs.
  bool has_effect = false;
  bool is_random = false;    ///< each node takes a key of its own from the function's random key
  bool is_loop = false;      ///< calls its functions any number of times
  bool is_variable = false;  ///< its output is a variable, which becomes one of the model's params
  /// Computed in the traced program even from values that are known, as what follows the configuration of the call.
  bool is_never_on_host = false;
  bool grows_list = false;    ///< a list has another length afterwards
  bool writes_array = false;  ///< so has a TensorArray of dynamic size, perhaps
  bool has_no_value = false;  ///< a graph is not run for its sake when nobody says what to run it for
};

/// The converters by operation. Building one is single-threaded; afterwards reading is safe from any thread.
class ConverterTable {
 public:
  struct Entry {
    Converter convert;
    OpTraits traits;
  };

  /// Later entries replace earlier ones of that name.
  void add(const std::string& op, Converter convert, OpTraits traits = {});
  /// The traits of an operation that has no converter.
  void declare(const std::string& op, OpTraits traits);
  /// null when the operation has no converter.
  const Entry* find(std::string_view op) const;
  /// Of an operation without entry: an effect when its name says that it writes to a variable, otherwise none.
  const OpTraits& traits(std::string_view op) const;
  /// The operations that have converters.
  std::vector<std::string> names() const;

 private:
  std::map<std::string, Entry, std::less<>> entries_;
};

/// Registers a converter for this process; models converted from now on use it. Thread-safe.
/// Throws: ValueError when the operation has one, of the library or registered before.
void register_operation(const std::string& op, Converter convert);
/// The same, in place of the converter that the operation may have.
void replace_operation(const std::string& op, Converter convert);

/// The built-in converters and the registered ones.
std::shared_ptr<const ConverterTable> current_converters();

}  // namespace tf2jax
