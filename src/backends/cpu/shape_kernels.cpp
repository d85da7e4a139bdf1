// Kernels of the data-movement primitives: each is a strided copy.
#include <algorithm>
#include <cstring>
#include <limits>

#include "tf2jax/backends/cpu/elementwise.h"
#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/backends/cpu/strided.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax::cpu {

namespace {

std::byte* bytes_of(const Array& x) { return const_cast<std::byte*>(x.bytes().data()); }

// A result whose elements come from `source` seen with the given strides and offset (in elements).
Array from_view(const Aval& out, const Array& source, Dims strides, std::int64_t offset = 0) {
  const int width = itemsize(out.dtype);
  return make_array<std::byte>(out, [&](std::byte* data) {
    const Dims dims = out.dims();
    if (width)
      copy_strided(dims, {data, row_major_strides(dims)}, {bytes_of(source) + offset * width, std::move(strides)},
                   width);
  });
}

// The same bytes under another aval.
Array relabel(const Array& x, const Aval& aval) {
  if (x.aval() == aval) return x;
  if (x.bytes().size() <= detail::ConcreteValue::kInline)
    return detail::exact_array(aval, [&](std::byte* out) {
      if (!x.bytes().empty()) std::memcpy(out, x.bytes().data(), x.bytes().size());
    });
  return Array(detail::Ref<const detail::Value>(new detail::ConcreteValue(aval, x.bytes().data(), [keep = x] {})));
}

Array broadcast(const Array& x, const Aval& out, const Axes& dims) {
  const Dims in = x.dims(), strides = row_major_strides(in);
  Dims wide(out.rank(), 0);
  for (std::size_t i = 0; i < in.size(); ++i)
    if (in[i] != 1) wide[dims[i]] = strides[i];
  return from_view(out, x, std::move(wide));
}

Array transpose_kernel(const KernelCall& c) {
  const Dims strides = row_major_strides(c.args[0].dims());
  Dims permuted;
  for (const auto a : c.params.get<TransposeParams>().permutation) permuted.push_back(strides[a]);
  return from_view(c.outputs[0], c.args[0], permuted);
}

Array rev_kernel(const KernelCall& c) {
  const Dims dims = c.args[0].dims();
  Dims strides = row_major_strides(dims);
  std::int64_t offset = 0;
  for (const auto a : c.params.get<RevParams>().dimensions) {
    const std::size_t i = a;
    offset += (dims[i] - 1) * strides[i];
    strides[i] = -strides[i];
  }
  return c.args[0].size() == 0 ? c.args[0] : from_view(c.outputs[0], c.args[0], strides, offset);
}

Array slice_kernel(const KernelCall& c) {
  const auto& p = c.params.get<SliceParams>();
  Dims strides = row_major_strides(c.args[0].dims());
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < strides.size(); ++i) {
    offset += p.start_indices[i].value() * strides[i];
    if (p.strides) strides[i] *= (*p.strides)[i];
  }
  return from_view(c.outputs[0], c.args[0], strides, offset);
}

// The largest of the type where it is larger.
std::int64_t as_position(const Array& x) {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  return x.dtype() == DType::u64 ? std::min(x.item<std::uint64_t>(), kLargest) : x.item<std::int64_t>();
}

std::int64_t start_offset(std::span<const Array> start, const Dims& outer, const Dims& inner, const Dims& strides) {
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < start.size(); ++i)
    offset += std::clamp<std::int64_t>(as_position(start[i]), 0, outer[i] - inner[i]) * strides[i];
  return offset;
}

Array dynamic_slice_kernel(const KernelCall& c) {
  const Dims dims = c.args[0].dims(), strides = row_major_strides(dims);
  return from_view(c.outputs[0], c.args[0], strides,
                   start_offset(c.args.subspan(1), dims, c.outputs[0].dims(), strides));
}

Array dynamic_update_slice_kernel(const KernelCall& c) {
  const Array &operand = c.args[0], &update = c.args[1];
  const int width = itemsize(operand.dtype());
  return make_array<std::byte>(c.outputs[0], [&](std::byte* data) {
    if (!operand.bytes().empty()) std::memcpy(data, operand.bytes().data(), operand.bytes().size());
    const Dims dims = operand.dims(), inner = update.dims(), strides = row_major_strides(dims);
    const std::int64_t offset = start_offset(c.args.subspan(2), dims, inner, strides);
    copy_strided(inner, {data + offset * width, strides}, {bytes_of(update), row_major_strides(inner)}, width);
  });
}

Array join(const Aval& out, std::span<const Array> parts, std::size_t axis) {
  const int width = itemsize(out.dtype);
  return make_array<std::byte>(out, [&](std::byte* data) {
    const Dims strides = row_major_strides(out.dims());
    std::int64_t start = 0;
    for (const Array& x : parts) {
      const Dims dims = x.dims();
      copy_strided(dims, {data + start * strides[axis] * width, strides}, {bytes_of(x), row_major_strides(dims)},
                   width);
      start += dims[axis];
    }
  });
}

Array pad_kernel(const KernelCall& c) {
  const Array &x = c.args[0], &value = c.args[1];
  const auto& config = c.params.get<PadParams>().padding_config;
  const int width = itemsize(x.dtype());
  return make_array<std::byte>(c.outputs[0], [&](std::byte* data) {
    const Dims out = c.outputs[0].dims(), in = x.dims();
    copy_strided(out, {data, row_major_strides(out)}, {bytes_of(value), Dims(out.size(), 0)}, width);
    // The part of x that lands inside: negative padding cuts.
    Dims count, to = row_major_strides(out), from = row_major_strides(in);
    std::int64_t target = 0, source = 0;
    for (std::size_t i = 0; i < in.size(); ++i) {
      const std::int64_t low = config[i].low.value(), step = config[i].interior.value() + 1;
      const std::int64_t first = low >= 0 ? 0 : (-low + step - 1) / step;  // first element at a position >= 0
      const std::int64_t last = std::min(in[i] - 1, out[i] - 1 - low >= 0 ? (out[i] - 1 - low) / step : -1);
      count.push_back(std::max<std::int64_t>(last - first + 1, 0));
      target += (low + first * step) * to[i];
      source += first * from[i];
      to[i] *= step;
    }
    if (num_elements(count) > 0)
      copy_strided(count, {data + target * width, to}, {bytes_of(x) + source * width, from}, width);
  });
}

Array iota_kernel(const KernelCall& c) {
  const std::size_t axis = c.params.get<IotaParams>().dimension;
  const Dims dims = c.outputs[0].dims();
  std::int64_t inner = 1;
  for (std::size_t i = axis + 1; i < dims.size(); ++i) inner *= dims[i];
  return visit_dtype(c.outputs[0].dtype, [&]<class T>(std::type_identity<T>) -> Array {
    return make_array<T>(c.outputs[0], [&](T* out) {
      for (std::int64_t i = 0, n = num_elements(dims); i < n; ++i) {
        const std::int64_t k = (i / inner) % dims[axis];
        if constexpr (requires(T t) { t.real(); }) out[i] = T(static_cast<typename T::value_type>(k));
        else out[i] = static_cast<T>(k);
      }
    });
  });
}

Arrays pieces(const Array& x, std::span<const Aval> outputs, std::size_t axis, bool drop_axis) {
  const Dims strides = row_major_strides(x.dims());
  Dims kept = strides;
  if (drop_axis) kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(axis));
  Arrays out;
  std::int64_t start = 0;
  for (const Aval& a : outputs) {
    out.push_back(from_view(a, x, kept, start * strides[axis]));
    start += drop_axis ? 1 : a.dims()[axis];
  }
  return out;
}

}  // namespace

Array materialize(const Array& x, const Dims& dims) {
  if (x.dims() == dims) return x;
  const auto rank = static_cast<std::int64_t>(dims.size());
  return broadcast(x, {x.dtype(), symbolic(dims), x.weak_type()}, iota_axes(x.rank(), rank - x.rank()));
}

namespace detail_kernel {
void unsupported_dtype(DType dtype) {
  raise<DtypeError>("kernel: there is none for this dtype. Got {}. Convert the operand with astype.", dtype);
}
}  // namespace detail_kernel

void register_shape_kernels(KernelTable& table) {
  table.add(broadcast_in_dim_p(), [](const KernelCall& c) -> Arrays {
    return {broadcast(c.args[0], c.outputs[0], c.params.get<BroadcastInDim>().broadcast_dimensions)};
  });
  const Kernel same_bytes = [](const KernelCall& c) -> Arrays { return {relabel(c.args[0], c.outputs[0])}; };
  table.add(reshape_p(), [](const KernelCall& c) -> Arrays {
    const auto& order = c.params.get<ReshapeParams>().dimensions;
    if (!order) return {relabel(c.args[0], c.outputs[0])};
    const Dims dims = c.args[0].dims(), strides = row_major_strides(dims);
    Aval permuted{c.args[0].dtype(), {}, false};
    Dims steps;
    for (const auto a : *order) {
      permuted.shape.push_back(dims[a]);
      steps.push_back(strides[a]);
    }
    return {relabel(from_view(permuted, c.args[0], steps), c.outputs[0])};
  });
  table.add(squeeze_p(), same_bytes);
  table.add(transpose_p(), [](const KernelCall& c) -> Arrays { return {transpose_kernel(c)}; });
  table.add(rev_p(), [](const KernelCall& c) -> Arrays { return {rev_kernel(c)}; });
  table.add(slice_p(), [](const KernelCall& c) -> Arrays { return {slice_kernel(c)}; });
  table.add(dynamic_slice_p(), [](const KernelCall& c) -> Arrays { return {dynamic_slice_kernel(c)}; });
  table.add(dynamic_update_slice_p(), [](const KernelCall& c) -> Arrays { return {dynamic_update_slice_kernel(c)}; });
  table.add(concatenate_p(), [](const KernelCall& c) -> Arrays {
    return {join(c.outputs[0], c.args, c.params.get<ConcatenateParams>().dimension)};
  });
  table.add(pad_p(), [](const KernelCall& c) -> Arrays { return {pad_kernel(c)}; });
  table.add(iota_p(), [](const KernelCall& c) -> Arrays { return {iota_kernel(c)}; });
  table.add(split_p(),
            [](const KernelCall& c) { return pieces(c.args[0], c.outputs, c.params.get<SplitParams>().axis, false); });
  table.add(unstack_p(),
            [](const KernelCall& c) { return pieces(c.args[0], c.outputs, c.params.get<AxisParam>().axis, true); });
  table.add(stack_p(), [](const KernelCall& c) -> Arrays {
    const auto axis = c.params.get<AxisParam>().axis;
    Arrays parts;
    for (const Array& x : c.args) {
      Aval a = x.aval();
      a.shape.insert(a.shape.begin() + axis, Dim(1));
      parts.push_back(relabel(x, a));
    }
    return {join(c.outputs[0], parts, axis)};
  });
  table.add(tile_p(), [](const KernelCall& c) -> Arrays {
    // Each axis [n] is read as [reps, n] with stride 0 on the repetitions.
    const auto& reps = c.params.get<TileParams>().reps;
    const Dims dims = c.args[0].dims(), strides = row_major_strides(dims);
    Dims wide, steps;
    for (std::size_t i = 0; i < dims.size(); ++i) {
      wide.insert(wide.end(), {reps[i], dims[i]});
      steps.insert(steps.end(), {0, strides[i]});
    }
    const int width = itemsize(c.outputs[0].dtype);
    return {make_array<std::byte>(c.outputs[0], [&](std::byte* data) {
      copy_strided(wide, {data, row_major_strides(wide)}, {bytes_of(c.args[0]), steps}, width);
    })};
  });
}

}  // namespace tf2jax::cpu
