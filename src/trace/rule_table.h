// RuleTable: the rules of a transform, by primitive.
#pragma once
#include <string_view>
#include <unordered_map>
#include <utility>

#include "tf2jax/trace/primitive.h"

namespace tf2jax {

/// What a transform does with each primitive. Filled by one thread, read by any.
template <class Rule>
class RuleTable {
 public:
  /// Adds a rule, or replaces the one there is.
  RuleTable& set(const Primitive& primitive, Rule rule) {
    rules_.insert_or_assign(primitive.id(), Row{primitive, std::move(rule)});
    return *this;
  }
  /// The rule of a primitive; null when there is none.
  const Rule* find(const Primitive& primitive) const {
    const auto row = rules_.find(primitive.id());
    return row == rules_.end() ? nullptr : &row->second.rule;
  }
  /// The rule of a primitive. Throws: MissingRule naming the primitive and `what`, "Interval rule".
  const Rule& require(const Primitive& primitive, std::string_view what) const {
    if (const Rule* rule = find(primitive)) return *rule;
    raise<MissingRule>("{} for '{}' not implemented. Add it to the table with RuleTable::set.", what, primitive.name());
  }

 private:
  struct Row {
    Primitive primitive;  // kept, so that no other takes its place in memory
    Rule rule;
  };
  std::unordered_map<const void*, Row> rules_;
};

}  // namespace tf2jax
