// What keeps foreign sizes and foreign exceptions out: checks of sizes before anything is made of them, and errors of
// the standard library as errors of this one.
#pragma once
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "tf2jax/base/shape.h"

namespace tf2jax {

/// Sizes that an array may have; symbolic ones pass. Axes of size 0 are left out of the count, since loops run over the
/// others. Throws: ShapeError naming `where` for negative sizes and ranks over 254, ResourceExhaustedError for more
/// than Config::max_array_elements elements.
void check_sizes(const Shape& sizes, std::string_view where);
void check_sizes(const Dims& sizes, std::string_view where);
/// `count` of something, as a size. Throws: ValueError for negative ones, ResourceExhaustedError for more than `limit`.
std::size_t checked_count(std::int64_t count, std::int64_t limit, std::string_view where);

/// Throws the exception that is being handled: an Error as it is, others as an Error that names `where`.
[[noreturn]] void rethrow_as_error(std::string_view where);
/// Runs `body`; everything that leaves it is an Error. What names no place of its own names `where`.
template <class F>
auto with_errors(std::string_view where, F body) -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    rethrow_as_error(where);
  }
}

/// The result of `f`, which may be the user's: only what the standard library throws for want of memory becomes an
/// Error that names `where`.
template <class F>
auto with_memory_errors(std::string_view where, F&& f) -> decltype(std::forward<F>(f)()) {
  try {
    return std::forward<F>(f)();
  } catch (const std::bad_alloc&) {
    rethrow_as_error(where);
  } catch (const std::length_error&) {
    rethrow_as_error(where);
  }
}

}  // namespace tf2jax
