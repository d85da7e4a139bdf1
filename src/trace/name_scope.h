// NameScope: names the source of the operations bound while it lives, for jaxprs and error messages.
#pragma once
#include <memory>
#include <string>

namespace tf2jax {

/// RAII; scopes nest as "outer/inner". Per thread.
class [[nodiscard]] NameScope {
 public:
  explicit NameScope(const std::string& name);
  ~NameScope();
  NameScope(const NameScope&) = delete;
  NameScope& operator=(const NameScope&) = delete;

 private:
  std::shared_ptr<const std::string> previous_;
};

/// The current scope, or null.
const std::shared_ptr<const std::string>& current_name_scope();

}  // namespace tf2jax
