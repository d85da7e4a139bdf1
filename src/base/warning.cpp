// One handler for the process.
#include "tf2jax/base/warning.h"

#include <cstdio>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace tf2jax {

namespace {

struct Warnings {
  std::mutex mutex;
  WarningHandler handler = [](std::string_view message) {
    std::fprintf(stderr, "tf2jax: %.*s\n", static_cast<int>(message.size()), message.data());
  };
  std::set<std::string, std::less<>> topics;  // of warn_once
};
Warnings& warnings() {
  static Warnings& w = *new Warnings;  // never destroyed: warnings of the process's end have a place to go
  return w;
}

}  // namespace

void warn(std::string_view message) {
  const auto handler = [] {
    const std::lock_guard lock(warnings().mutex);
    return warnings().handler;
  }();
  if (handler) handler(message);
}

void warn_once(std::string_view topic, std::string_view message) {
  {
    const std::lock_guard lock(warnings().mutex);
    if (!warnings().topics.emplace(topic).second) return;
  }
  warn(message);
}

WarningHandler set_warning_handler(WarningHandler handler) {
  const std::lock_guard lock(warnings().mutex);
  warnings().topics.clear();
  return std::exchange(warnings().handler, std::move(handler));
}

}  // namespace tf2jax
