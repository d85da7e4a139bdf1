// Whether this build checks memory or threads.
#pragma once

namespace tf2jax::detail {

/// Memory kept for reuse would hide its misuse there: each request gets a block of its own, of the size asked for.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace tf2jax::detail
