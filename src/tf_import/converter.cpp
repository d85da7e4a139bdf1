// The table of converters: built-in ones, then those that programs registered.
#include "tf2jax/tf_import/converter.h"

#include "tf2jax/tf_import/internal/builtin_ops.h"

#include <mutex>
#include <set>

namespace tf2jax {
namespace {

struct Registry {
  std::mutex mutex;
  std::shared_ptr<const ConverterTable> table;
  std::set<std::string, std::less<>> registered;  // by programs
};
Registry& registry() {
  static Registry r;
  return r;
}

// Requires: the lock is held.
const std::shared_ptr<const ConverterTable>& table(Registry& r) {
  if (!r.table) {
    auto made = std::make_shared<ConverterTable>();
    tf_import::add_builtin_operations(*made);
    r.table = std::move(made);
  }
  return r.table;
}

// Requires: the lock is held.
void put(Registry& r, const std::string& op, Converter convert) {
  auto copy = std::make_shared<ConverterTable>(*table(r));
  copy->add(op, std::move(convert));
  r.table = std::move(copy);
  r.registered.insert(op);
}

}  // namespace

void ConverterTable::add(const std::string& op, Converter convert, OpTraits traits) {
  entries_[op] = {std::move(convert), std::move(traits)};
}

void ConverterTable::declare(const std::string& op, OpTraits traits) { entries_[op] = {{}, std::move(traits)}; }

const ConverterTable::Entry* ConverterTable::find(std::string_view op) const {
  const auto it = entries_.find(op);
  return it == entries_.end() || !it->second.convert ? nullptr : &it->second;
}

const OpTraits& ConverterTable::traits(std::string_view op) const {
  static const OpTraits kPlain, kWriter{.has_effect = true};
  if (const auto it = entries_.find(op); it != entries_.end()) return it->second.traits;
  // An operation that nobody knows must not be left out because only control edges lead to it.
  const bool on_resource = op.starts_with("Resource") && op.find("Gather") == op.npos;
  const auto starts = [&](auto... names) { return (op.starts_with(names) || ...); };
  return on_resource || starts("Assign", "Apply", "SparseApply", "Scatter") ? kWriter : kPlain;
}

std::vector<std::string> ConverterTable::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) {
    if (entry.convert) names.push_back(name);
  }
  return names;
}

void register_operation(const std::string& op, Converter convert) {
  check(static_cast<bool>(convert), "register_operation: the converter of '{}' is empty.", op);
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  check(!table(r)->find(op), "{} is already registered as {}; replace_operation takes its place.", op,
        r.registered.contains(op) ? "a converter of this program" : "a converter of the library");
  put(r, op, std::move(convert));
}

void replace_operation(const std::string& op, Converter convert) {
  check(static_cast<bool>(convert), "replace_operation: the converter of '{}' is empty.", op);
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  put(r, op, std::move(convert));
}

std::shared_ptr<const ConverterTable> current_converters() {
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  return table(r);
}

}  // namespace tf2jax
