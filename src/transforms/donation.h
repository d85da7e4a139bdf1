// Donated arguments: results of a jitted function may take their memory, and their arrays are deleted.
#pragma once
#include "tf2jax/trace/backend.h"
#include "tf2jax/transforms/function.h"

namespace tf2jax::detail {

/// The leaves of the arguments `argnums`; negative ones count from the end.
/// Throws: ValueError for numbers out of range or named twice.
std::vector<std::int32_t> donated_leaves(std::span<const int> argnums,
                                         std::span<const std::size_t> leaves_per_argument);

/// Warns of donated inputs that no output has the shape and dtype for.
void warn_of_unusable(const Jaxpr& jaxpr, std::span<const std::int32_t> donated, std::string_view name);

/// The caller's handles of an argument list by leaf, null where they are constant.
template <class... A>
std::vector<Array*> handles_of(A&... args) {
  std::vector<Array*> out;
  const auto add = [&]<class T>(T& argument) {
    if constexpr (Scalar<std::remove_const_t<T>>) out.push_back(nullptr);
    else
      tree::for_each_leaf(argument, [&]<class L>(L& leaf) {
        if constexpr (std::is_const_v<L>) out.push_back(nullptr);
        else out.push_back(&leaf);
      });
  };
  (add(args), ...);
  return out;
}

/// Runs on concrete leaves and deletes the donated ones: for every handle when the caller's is the only one, else for
/// the handle that was passed, unless it is constant. What throws before the program runs deletes nothing. Throws:
/// ValueError when a donated array is passed twice, DeletedArrayError.
Arrays run_donated(const Executable& executable, std::span<const std::int32_t> donated, Arrays leaves,
                   std::span<Array* const> handles);

}  // namespace tf2jax::detail
