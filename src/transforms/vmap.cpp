// Axis bookkeeping of vmap.
#include "tf2jax/transforms/vmap.h"

#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::detail {

std::vector<Axis> leaf_axes(const VmapOptions& options, const std::vector<std::size_t>& leaves_per_argument,
                            const Arrays& leaves) {
  check(options.in_axes.empty() || options.in_axes.size() == leaves_per_argument.size(),
        "vmap: in_axes must have one entry per argument. Got {} entries for {} arguments.", options.in_axes.size(),
        leaves_per_argument.size());
  std::vector<Axis> out;
  const auto place = [&](const AxisSpec& spec) {
    const Array& x = leaves[out.size()];
    if (!spec.axis) {
      out.push_back(std::nullopt);
      return;
    }
    check(x.rank() > 0 && *spec.axis < x.rank() && *spec.axis >= -x.rank(),
          "vmap: an argument has no such axis to map. Got axis {} for shape {}.", *spec.axis, to_string(x.shape()));
    out.push_back(normalize_axis(*spec.axis, x.rank(), "vmap"));
  };
  for (std::size_t i = 0; i < leaves_per_argument.size(); ++i) {
    const AxisSpec spec = options.in_axes.empty() ? AxisSpec(0) : options.in_axes[i];
    if (spec.is_list) {
      check(spec.leaves.size() == leaves_per_argument[i],
            "vmap: in_axes must have one axis per leaf of an argument. Got argument {} with {} leaves and {} axes.", i,
            leaves_per_argument[i], spec.leaves.size());
      for (const AxisSpec& s : spec.leaves) place(s);
    } else {
      for (std::size_t k = 0; k < leaves_per_argument[i]; ++k) place(spec);
    }
  }
  return out;
}

Dim mapped_size(const std::vector<Axis>& axes, const Arrays& leaves, const VmapOptions& options) {
  std::optional<Dim> size;
  if (options.axis_size) size = Dim(*options.axis_size);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (!axes[i]) continue;
    const Dim n = leaves[i].shape()[*axes[i]];
    if (!size) size = n;
    if (!identical(*size, n)) {
      std::string sizes;
      for (std::size_t k = 0; k < axes.size(); ++k)
        if (axes[k])
          sizes += fmt::format("{}leaf {} of shape {} has axis {} of size {}", sizes.empty() ? "" : "; ", k,
                               to_string(leaves[k].shape()), *axes[k], leaves[k].shape()[*axes[k]]);
      raise<ValueError>("vmap got inconsistent sizes for array axes to be mapped: {}. Expected one size.", sizes);
    }
  }
  check(size.has_value(), "vmap must have at least one non-None value in in_axes or axis_size must be specified.");
  return *size;
}

Arrays place_outputs(const BatchResult& out, const VmapOptions& options, Dim size) {
  const auto& specs = options.out_axes;
  check(specs.size() <= 1 || specs.size() == out.values.size(),
        "vmap: out_axes must have one entry per output. Got {} entries for {} outputs.", specs.size(),
        out.values.size());
  Arrays placed;
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const AxisSpec spec = specs.empty() ? AxisSpec(0) : specs.size() == 1 ? specs[0] : specs[i];
    if (!spec.axis) {
      check(!out.axes[i], "vmap: an output is mapped, and its out_axes has no axis. Got output {}. Give it one.", i);
      placed.push_back(out.values[i]);
      continue;
    }
    const Array front = rules::to_front(out.values[i], out.axes[i], size);
    placed.push_back(moveaxis(front, 0, normalize_axis(*spec.axis, front.rank(), "vmap out_axes")));
  }
  return placed;
}

}  // namespace tf2jax::detail
