// One handler for the process.
#include "tf2jax/base/warning.h"

#include <cstdio>
#include <mutex>
#include <utility>

namespace tf2jax {

namespace {

struct Warnings {
  std::mutex mutex;
  WarningHandler handler = [](std::string_view message) { std::fprintf(stderr, "tf2jax: %.*s\n", static_cast<int>(message.size()), message.data()); };
};
Warnings& warnings() {
  static Warnings& w = *new Warnings;   // never destroyed: warnings of the process's end have a place to go
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

WarningHandler set_warning_handler(WarningHandler handler) {
  const std::lock_guard lock(warnings().mutex);
  return std::exchange(warnings().handler, std::move(handler));
}

}  // namespace tf2jax
