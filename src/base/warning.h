// Warnings: what the user should know of and is no error.
#pragma once
#include <functional>
#include <string_view>

namespace tf2jax {

using WarningHandler = std::function<void(std::string_view message)>;

/// Gives a message to the process's handler. Thread-safe.
void warn(std::string_view message);
/// Likewise, for each `topic` only the first message that a handler gets.
void warn_once(std::string_view topic, std::string_view message);
/// Replaces the handler, which writes a line to standard error at first; an empty one drops warnings. Returns the
/// former. The new one hears of every topic again.
WarningHandler set_warning_handler(WarningHandler handler);

}  // namespace tf2jax
