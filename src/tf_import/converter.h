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

/// The converters by operation. Building one is single-threaded; afterwards reading is safe from any thread.
class ConverterTable {
 public:
  struct Entry {
    Converter convert;
    std::vector<std::string> ignored;   ///< attributes that need not be read
  };

  /// Later entries replace earlier ones of that name.
  void add(const std::string& op, Converter convert, std::vector<std::string> ignored = {});
  const Entry* find(std::string_view op) const;
  std::vector<std::string> names() const;

 private:
  std::map<std::string, Entry, std::less<>> entries_;
};

/// Registers a converter for this process; models converted from now on use it. Thread-safe.
void register_operation(const std::string& op, Converter convert);

/// The built-in converters and the registered ones.
std::shared_ptr<const ConverterTable> current_converters();

}  // namespace tf2jax
