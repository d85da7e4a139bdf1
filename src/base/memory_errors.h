// What the standard library throws when memory is short, as an error of this library.
#pragma once
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "tf2jax/base/error.h"

namespace tf2jax {

/// The result of `f`. Throws: ResourceExhaustedError naming `where` for std::bad_alloc and std::length_error; else what f throws.
template <class F>
auto with_memory_errors(std::string_view where, F&& f) -> decltype(std::forward<F>(f)()) {
  try {
    return std::forward<F>(f)();
  } catch (const std::bad_alloc&) {
    raise<ResourceExhaustedError>("{}: the system has no memory left. Use smaller arrays, or free some.", where);
  } catch (const std::length_error&) {
    raise<ResourceExhaustedError>("{}: a list would be longer than memory. Use smaller sizes.", where);
  }
}

}  // namespace tf2jax
