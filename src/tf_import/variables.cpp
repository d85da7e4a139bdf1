// The variables of an imported model by name: its params.
#include "tf2jax/tf_import/variables.h"

namespace tf2jax {

const Variable& Variables::at(const std::string& name) const {
  const auto it = variables_.find(name);
  if (it != variables_.end()) return it->second;
  std::string names;
  for (const auto& [known, v] : variables_) names += (names.empty() ? "'" : ", '") + known + "'";
  raise<LookupError>("params: there is no variable '{}'. There are: {}.", name, names.empty() ? "none" : names);
}

namespace {
Variables with_mark(const Variables& p, bool trainable) {
  Variables result;
  for (const auto& [name, v] : p) {
    if (v.trainable() == trainable) result.set(v);
  }
  return result;
}
}  // namespace

Variables Variables::trainable() const { return with_mark(*this, true); }
Variables Variables::frozen() const { return with_mark(*this, false); }

Variables Variables::merged(const Variables& other) const {
  Variables result = *this;
  for (const auto& [name, v] : other) result.set(v);
  return result;
}

void tree_key(const Variables& p, std::string& key) {
  for (const auto& [name, v] : p) {
    tree::detail::append_key(key, name);
    key += v.trainable() ? '+' : '-';
  }
}

}  // namespace tf2jax
