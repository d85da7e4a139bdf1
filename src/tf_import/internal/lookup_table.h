// Lookup tables of models.
#pragma once
#include <unordered_map>

#include "tf2jax/tf_import/value.h"

namespace tf2jax {

class LookupTable {
 public:
  /// Adds pairs; a key that is there keeps its value.
  /// Throws: ValueError when the numbers of keys and values differ, TypeError when types differ from what is there,
  /// NotImplementedError once the table is sealed.
  void insert(const TensorData& keys, const TensorData& values);
  /// From now on it is only read, from any thread.
  void seal() { sealed_ = true; }
  std::int64_t size() const { return static_cast<std::int64_t>(slots_.size()); }

  /// The values of `keys`, `fallback` where there is none. Keys that are numbers may be traced; then the values must be
  /// numbers.
  /// Throws: TypeError when kinds of keys or values do not fit.
  Value find(const Value& keys, const Value& fallback) const;

 private:
  bool has_text_keys() const { return !text_keys_.empty(); }
  bool has_text_values() const { return !text_values_.empty(); }
  Value found(const std::vector<std::int64_t>& slots, const Dims& dims, const Value& fallback) const;
  Value find_traced(const Array& keys, const Value& fallback) const;

  // Each key by its text: numbers as decimals.
  std::unordered_map<std::string, std::int64_t> slots_;
  std::vector<std::int64_t> number_keys_;
  std::vector<std::string> text_keys_, text_values_;
  Array number_values_;  // in the order of the keys
  bool sealed_ = false;
};

}  // namespace tf2jax
