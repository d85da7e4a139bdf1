// Values as messages show them, turned into text when a message is made and not before.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "tf2jax/base/error.h"
#include "tf2jax/base/shape.h"

namespace tf2jax {

template <class T>
struct Shown {
  const T& value;
  std::string text() const {
    if constexpr (std::is_convertible_v<const T&, std::span<const std::int64_t>>) return tuple_string(value);
    else if constexpr (requires { to_string(value); }) return to_string(value);
    else return param_text(value);  // of params, by ADL
  }
};

/// What a message shows for a shape, axes, avals or params: `check(ok, "… Got {}.", shown(x.shape()))` costs nothing
/// while it is ok. Requires: the value outlives the message.
template <class T>
Shown<T> shown(const T& value) {
  return {value};
}

}  // namespace tf2jax

template <class T>
struct fmt::formatter<tf2jax::Shown<T>> : tf2jax::detail::TextFormatter {
  template <class Context>
  auto format(const tf2jax::Shown<T>& s, Context& ctx) const {
    return write(s.text(), ctx);
  }
};
