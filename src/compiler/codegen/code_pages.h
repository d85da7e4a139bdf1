// The memory that a loaded library's code takes.
#pragma once

namespace tf2jax {

/// Lets go of the resident pages of the library that `symbol` belongs to, as far as they equal its file: code and
/// constants. What runs next is read again from the file's cache, about half a millisecond for the whole of a compiler.
void forget_code_pages(const void* symbol) noexcept;

}  // namespace tf2jax
