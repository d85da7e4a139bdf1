// vmap: vectorise a function over an axis of its arguments.
#pragma once
#include "tf2jax/transforms/batch.h"
#include "tf2jax/transforms/function.h"

namespace tf2jax {

/// Which axis of one argument is mapped: an axis for every leaf (negative counts from the end), `none`, or one entry
/// per leaf of the argument.
struct AxisSpec {
  AxisSpec(int axis) : axis(axis) {}  // NOLINT
  AxisSpec(std::nullopt_t) {}         // NOLINT
  AxisSpec(std::initializer_list<AxisSpec> per_leaf) : leaves(per_leaf), is_list(true) {}
  Axis axis;
  std::vector<AxisSpec> leaves;
  bool is_list = false;
};

struct VmapOptions {
  std::vector<AxisSpec> in_axes = {};          ///< One per argument; empty: 0 for all.
  std::vector<AxisSpec> out_axes = {};         ///< One for all output leaves, or one per leaf; empty: 0.
  std::optional<std::int64_t> axis_size = {};  ///< Needed only when no argument is mapped.
};

namespace detail {
std::vector<Axis> leaf_axes(const VmapOptions& options, const std::vector<std::size_t>& leaves_per_argument,
                            const Arrays& leaves);
Dim mapped_size(const std::vector<Axis>& axes, const Arrays& leaves, const VmapOptions& options);
Arrays place_outputs(const BatchResult& out, const VmapOptions& options, Dim size);
}  // namespace detail

/// The function that applies f to every example along the mapped axes and stacks the results.
/// Throws: ValueError when mapped sizes differ or nothing is mapped; MissingRule naming a primitive that has no
/// batching rule.
template <class F>
auto vmap(F f, VmapOptions options = {}) {
  return [f = std::move(f), options = std::move(options)]<class... A>(const A&... args)
    requires detail::Callable<F, A...>
  {
    const auto flat = detail::flatten(f, args...);
    const Arrays leaves = tree::leaves_of(detail::Arg<A>(args)...);
    const std::vector<Axis> axes = detail::leaf_axes(options, {tree::num_leaves(detail::Arg<A>(args))...}, leaves);
    const Dim size = detail::mapped_size(axes, leaves, options);
    const BatchResult out = vmap_flat(flat, leaves, axes, size);
    return flat.rebuild(detail::place_outputs(out, options, size));
  };
}

}  // namespace tf2jax
