// Golden files: cases in JSON with their arrays in a blob beside it.
#pragma once
#include <nlohmann/json.hpp>

#include <stdexcept>
#include <string>
#include <vector>

#include "tf2jax/trace/array.h"

namespace conformance {

using nlohmann::json;

/// What a case needs and the library, or this runner, does not have yet.
class Unsupported : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One family: its cases and the bytes they refer to.
struct Golden {
  std::string path, family;
  json document;
  std::vector<std::byte> blob;

  const json& cases() const { return document.at("cases"); }
  std::span<const std::byte> bytes(const json& slice) const;
  /// The array of a slice, `narrow`: 64-bit types as 32-bit. Throws: Unsupported for a dtype that is not known.
  tf2jax::Array array(const json& slice, bool narrow = false) const;
  tf2jax::Arrays arrays(const json& slices, bool narrow = false) const;
};

Golden load_golden(const std::string& json_path);
std::string read_file(const std::string& path);

}  // namespace conformance
