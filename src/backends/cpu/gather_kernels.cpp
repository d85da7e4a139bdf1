// Kernels of gather and the scatters.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>

#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/base/thread_pool.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax::cpu {
namespace {

// A contiguous piece of a window, in elements.
struct Run {
  std::int64_t operand, update, size;
};

// Where windows lie in the operand and in the updates (of a gather: the result).
class Windows {
 public:
  Windows(const Dims& operand, const Array& indices, const Dims& updates, const ScatterDims& d, const Dims& window)
      : operand_(operand), window_(window), dims_(d) {
    operand_strides_ = row_major_strides(operand);
    const Dims update_strides = row_major_strides(updates);
    batch_ = indices.dims();
    batch_.pop_back();
    check<NotImplementedError>(batch_.size() <= 32,
                               "gather: the indices have too many axes. Got {}; expected at most 32.", indices.aval());
    vector_ = static_cast<std::int64_t>(d.scatter_dims_to_operand_dims.size());
    for (std::size_t i = 0; i < updates.size(); ++i)
      if (!contains(d.update_window_dims, static_cast<std::int64_t>(i))) batch_strides_.push_back(update_strides[i]);
    read_indices(indices);

    // Offsets of the window's elements, joined where both sides are contiguous.
    Dims sizes, operand_steps, update_steps;
    std::size_t w = 0;
    for (std::size_t i = 0; i < operand.size(); ++i) {
      const auto axis = static_cast<std::int64_t>(i);
      if (contains(d.inserted_window_dims, axis) || contains(d.operand_batching_dims, axis)) continue;
      sizes.push_back(window[i]);
      operand_steps.push_back(operand_strides_[i]);
      update_steps.push_back(update_strides[d.update_window_dims[w++]]);
    }
    if (num_elements(window) > 0) expand(sizes, operand_steps, update_steps);
  }

  std::int64_t count() const { return num_elements(batch_); }
  const std::vector<Run>& runs() const { return runs_; }

  struct Place {
    std::int64_t operand, update;  // offsets of the window's first element
    bool inside;                   // false: the window sticks out
  };
  /// Window number i; moved inside the operand unless `drop`.
  Place place(std::int64_t i, bool drop) const {
    Place p{0, 0, true};
    std::int64_t rest = i;
    std::int64_t position[32];
    for (std::size_t a = batch_.size(); a-- > 0;) {
      position[a] = rest % batch_[a];
      rest /= batch_[a];
      p.update += position[a] * batch_strides_[a];
    }
    for (std::size_t k = 0; k < dims_.operand_batching_dims.size(); ++k)
      p.operand += position[dims_.scatter_indices_batching_dims[k]] * operand_strides_[dims_.operand_batching_dims[k]];
    for (std::int64_t k = 0; k < vector_; ++k) {
      const std::size_t axis = dims_.scatter_dims_to_operand_dims[k];
      const std::int64_t start = indices_[i * vector_ + k], last = operand_[axis] - window_[axis];
      if (start < 0 || start > last) p.inside = false;
      p.operand +=
          (drop ? start : std::clamp<std::int64_t>(start, 0, std::max<std::int64_t>(last, 0))) * operand_strides_[axis];
    }
    if (!drop) p.inside = true;
    return p;
  }

 private:
  void read_indices(const Array& indices) {
    indices_.resize(indices.size());
    visit_dtype(indices.dtype(), [&]<class I>(std::type_identity<I>) {
      if constexpr (std::integral<I>) {
        const I* p = reinterpret_cast<const I*>(indices.bytes().data());
        constexpr auto kLimit = std::numeric_limits<std::int64_t>::max() / 4;
        for (std::size_t i = 0; i < indices_.size(); ++i)
          indices_[i] = static_cast<std::int64_t>(
              std::cmp_greater(static_cast<std::conditional_t<std::same_as<I, bool>, int, I>>(p[i]), kLimit)
                  ? static_cast<I>(kLimit)
                  : p[i]);
      }
    });
  }
  void expand(const Dims& sizes, const Dims& operand_steps, const Dims& update_steps) {
    const std::int64_t total = num_elements(sizes);
    Dims index(sizes.size(), 0);
    std::int64_t o = 0, u = 0;
    for (std::int64_t n = 0; n < total; ++n) {
      if (!runs_.empty() && runs_.back().operand + runs_.back().size == o &&
          runs_.back().update + runs_.back().size == u)
        ++runs_.back().size;
      else runs_.push_back({o, u, 1});
      for (std::size_t a = sizes.size(); a-- > 0;) {
        o += operand_steps[a];
        u += update_steps[a];
        if (++index[a] < sizes[a]) break;
        o -= operand_steps[a] * sizes[a];
        u -= update_steps[a] * sizes[a];
        index[a] = 0;
      }
    }
  }

  Dims operand_, window_, operand_strides_, batch_, batch_strides_;
  ScatterDims dims_;
  std::int64_t vector_ = 0;
  std::vector<std::int64_t> indices_;
  std::vector<Run> runs_;
};

bool drops(GatherScatterMode mode) { return mode == GatherScatterMode::fill_or_drop; }

Arrays gather_kernel(const KernelCall& call) {
  const auto& g = call.params.get<GatherParams>();
  const GatherDims& d = g.dimension_numbers;
  const Array &operand = call.args[0], &indices = call.args[1];
  const ScatterDims where{d.offset_dims, d.collapsed_slice_dims, d.start_index_map, d.operand_batching_dims,
                          d.start_indices_batching_dims};
  const Dims out_dims = call.outputs[0].dims();
  return {detail::exact_array(call.outputs[0], [&](std::byte* out) {
    if (num_elements(out_dims) == 0) return;
    const std::size_t size = itemsize(operand.dtype());
    const Windows windows(operand.dims(), indices, out_dims, where, g.slice_sizes);
    const std::byte* in = operand.bytes().data();
    const bool drop = drops(g.mode) || operand.size() == 0;
    std::byte fill[16];
    g.fill_value.write(operand.dtype(), fill);
    const auto& runs = windows.runs();
    const std::int64_t cost = std::max<std::int64_t>(1, num_elements(g.slice_sizes));
    parallel_for(windows.count(), std::max<std::int64_t>(1, 16384 / cost), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const auto place = windows.place(i, drop);
        for (const Run& r : runs) {
          std::byte* to = out + (place.update + r.update) * size;
          if (place.inside) {
            const std::byte* from = in + (place.operand + r.operand) * size;
            if (r.size == 1 && size == 4) std::memcpy(to, from, 4);
            else std::memcpy(to, from, r.size * size);
          } else {
            for (std::int64_t k = 0; k < r.size; ++k) std::memcpy(to + k * size, fill, size);
          }
        }
      }
    });
  })};
}

Dims window_of(const Dims& operand, const Dims& updates, const ScatterDims& d) {
  Dims window;
  std::size_t at = 0;
  for (std::size_t i = 0; i < operand.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(i);
    const bool gone = contains(d.inserted_window_dims, axis) || contains(d.operand_batching_dims, axis);
    window.push_back(gone ? 1 : updates[d.update_window_dims[at++]]);
  }
  return window;
}

// Applies `combine(operand run, update run, size)` for every window in order.
template <class Combine>
Arrays scatter_with(const KernelCall& call, Combine combine) {
  const auto& s = call.params.get<ScatterParams>();
  const Array &operand = call.args[0], &indices = call.args[1], &updates = call.args[2];
  return {detail::exact_array(call.outputs[0], [&](std::byte* out) {
    if (operand.bytes().empty()) return;
    std::memcpy(out, operand.bytes().data(), operand.bytes().size());
    if (updates.size() == 0) return;
    const Windows windows(operand.dims(), indices, updates.dims(), s.dimension_numbers,
                          window_of(operand.dims(), updates.dims(), s.dimension_numbers));
    // Updates that stick out are dropped in every mode but clip: a promise that does not hold must not write outside.
    const bool drop = s.mode != GatherScatterMode::clip;
    for (std::int64_t i = 0; i < windows.count(); ++i) {
      const auto place = windows.place(i, drop);
      if (!place.inside) continue;
      for (const Run& r : windows.runs())
        combine(out, place.operand + r.operand, updates.bytes().data(), place.update + r.update, r.size);
    }
  })};
}

// scatter_apply: the update program, applied to one element at a time. Its constants are not given, so it takes (old,
// new).
Arrays scatter_program(const KernelCall& call, const Jaxpr& program) {
  const Array &operand = call.args[0], &updates = call.args[2];
  const std::size_t size = itemsize(operand.dtype());
  const Aval scalar{operand.dtype(), {}, false};
  const auto element = [&](const std::byte* p) {
    return detail::exact_array(scalar, [&](std::byte* to) { std::memcpy(to, p, size); });
  };
  (void)updates;
  return scatter_with(call, [&](std::byte* out, std::int64_t o, const std::byte* in, std::int64_t u, std::int64_t n) {
    for (std::int64_t k = 0; k < n; ++k) {
      std::byte* at = out + (o + k) * size;
      const Array both[] = {element(at), element(in + (u + k) * size)};
      std::memcpy(at, eval_jaxpr(program, std::span(both).first(program.num_inputs()))[0].bytes().data(), size);
    }
  });
}

Arrays scatter_kernel(const KernelCall& call) {
  if (const auto& program = call.params.get<ScatterParams>().update_jaxpr) return scatter_program(call, *program);
  const std::size_t size = itemsize(call.args[0].dtype());
  return scatter_with(call, [&](std::byte* out, std::int64_t o, const std::byte* in, std::int64_t u, std::int64_t n) {
    std::memcpy(out + o * size, in + u * size, n * size);
  });
}

template <class T>
bool precedes(T a, T b) {
  if constexpr (requires { a.real(); }) return a.real() < b.real() || (a.real() == b.real() && a.imag() < b.imag());
  else return a < b;
}
template <class T>
T wrap(auto v) {
  return static_cast<T>(v);
}

struct Add {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::same_as<T, bool>) return a || b;
    else if constexpr (std::integral<T>) return wrap<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    else return static_cast<T>(a + b);
  }
};
struct Subtract {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::same_as<T, bool>) return a != b;
    else if constexpr (std::integral<T>) return wrap<T>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
    else return static_cast<T>(a - b);
  }
};
struct Multiply {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::same_as<T, bool>) return a && b;
    else if constexpr (std::integral<T>) return wrap<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
    else return static_cast<T>(a * b);
  }
};
struct Minimum {
  template <class T>
  static T apply(T a, T b) {
    return a != a ? a : b != b || precedes(b, a) ? b : a;
  }
};
struct Maximum {
  template <class T>
  static T apply(T a, T b) {
    return a != a ? a : b != b || precedes(a, b) ? b : a;
  }
};

template <class Op>
Arrays combining_kernel(const KernelCall& call) {
  return visit_dtype(call.args[0].dtype(), [&]<class T>(std::type_identity<T>) {
    return scatter_with(call, [](std::byte* out, std::int64_t o, const std::byte* in, std::int64_t u, std::int64_t n) {
      T* a = reinterpret_cast<T*>(out) + o;
      const T* b = reinterpret_cast<const T*>(in) + u;
      for (std::int64_t k = 0; k < n; ++k) a[k] = Op::template apply<T>(a[k], b[k]);
    });
  });
}

}  // namespace

void register_gather_kernels(KernelTable& table) {
  table.add(gather_p(), gather_kernel);
  table.add(scatter_p(), scatter_kernel);
  table.add(scatter_add_p(), combining_kernel<Add>);
  table.add(scatter_sub_p(), combining_kernel<Subtract>);
  table.add(scatter_mul_p(), combining_kernel<Multiply>);
  table.add(scatter_min_p(), combining_kernel<Minimum>);
  table.add(scatter_max_p(), combining_kernel<Maximum>);
}

}  // namespace tf2jax::cpu
