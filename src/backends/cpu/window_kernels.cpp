// Kernels of window reductions.
#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/base/thread_pool.h"
#include "tf2jax/ops/window.h"

namespace tf2jax::cpu {
namespace {

template <class T>
using Accumulator = std::conditional_t<std::same_as<T, float16> || std::same_as<T, bfloat16>, float, T>;

template <class T>
bool precedes(T a, T b) {
  if constexpr (requires { a.real(); }) return a.real() < b.real() || (a.real() == b.real() && a.imag() < b.imag());
  else return a < b;
}
template <class T>
T bound(bool low) {
  if constexpr (requires(T t) { t.real(); }) return T(bound<typename T::value_type>(low));
  else if constexpr (std::floating_point<T>)
    return low ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
  else return low ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
}
struct Sum {
  template <class T>
  static T identity() {
    return T(0);
  }
  template <class T>
  static T apply(T a, T b) {
    if constexpr (std::integral<T>)
      return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    else return a + b;
  }
};
struct Max {
  template <class T>
  static T identity() {
    return bound<T>(true);
  }
  template <class T>
  static T apply(T a, T b) {
    return static_cast<int>(precedes(a, b)) | static_cast<int>(b != b) ? b : a;
  }  // a NaN stays
};
struct Min {
  template <class T>
  static T identity() {
    return bound<T>(false);
  }
  template <class T>
  static T apply(T a, T b) {
    return static_cast<int>(precedes(b, a)) | static_cast<int>(b != b) ? b : a;
  }
};

struct AxisWindow {
  std::int64_t size, stride, low, base, dilation;
  /// The input position under window element k of output j, or -1 in padding and holes.
  std::int64_t position(std::int64_t j, std::int64_t k, std::int64_t n) const {
    const std::int64_t p = j * stride - low + k * dilation;
    if (p < 0 || p % base != 0 || p / base >= n) return -1;
    return p / base;
  }
};
AxisWindow axis_window(const Window& w, std::size_t i) {
  return {w.window_dimensions[i], w.window_strides[i], w.padding[i].first, w.base_dilation[i], w.window_dilation[i]};
}

// These reductions separate: one pass per axis, each over [outer, n, inner] -> [outer, m, inner].
template <class Op, class A>
void pass(const A* in, A* out, std::int64_t outer, std::int64_t n, std::int64_t m, std::int64_t inner,
          const AxisWindow& w) {
  parallel_for(outer * m, std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, inner * w.size)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t o = i / m, j = i % m;
                   A* to = out + i * inner;
                   bool started = false;
                   for (std::int64_t k = 0; k < w.size; ++k) {
                     const std::int64_t p = w.position(j, k, n);
                     if (p < 0) continue;
                     const A* from = in + (o * n + p) * inner;
                     if (!std::exchange(started, true)) {
                       std::copy_n(from, inner, to);
                       continue;
                     }
                     for (std::int64_t c = 0; c < inner; ++c) to[c] = Op::template apply<A>(to[c], from[c]);
                   }
                   if (!started) std::fill_n(to, inner, Op::template identity<A>());
                 }
               });
}

bool trivial(const Window& w, std::size_t i) {
  return w.window_dimensions[i] == 1 && w.window_strides[i] == 1 && w.base_dilation[i] == 1 &&
         w.padding[i] == std::pair<std::int64_t, std::int64_t>(0, 0);
}

template <class Op>
Arrays window_kernel(const KernelCall& call) {
  const Array& x = call.args[0];
  const auto& w = call.params.get<Window>();
  const Dims in_dims = x.dims(), out_dims = call.outputs[0].dims();
  return {detail::exact_array(call.outputs[0], [&](std::byte* bytes) {
    visit_dtype(x.dtype(), [&]<class T>(std::type_identity<T>) {
      using A = Accumulator<T>;
      const T* in = reinterpret_cast<const T*>(x.bytes().data());
      T* out = reinterpret_cast<T*>(bytes);
      Dims dims = in_dims;
      std::vector<std::size_t> axes;  // with a window
      for (std::size_t i = 0; i < dims.size(); ++i)
        if (!trivial(w, i)) axes.push_back(i);
      // The passes go from the operand through two buffers to the result; halves are widened first and rounded last.
      std::unique_ptr<A[]> held;
      const A* now;
      if constexpr (std::same_as<A, T>) {
        now = in;
        if (axes.empty()) std::copy_n(in, num_elements(dims), out);
      } else {
        held = std::make_unique_for_overwrite<A[]>(num_elements(dims));
        std::copy_n(in, num_elements(dims), held.get());
        now = held.get();
      }
      for (const std::size_t i : axes) {
        std::int64_t outer = 1, inner = 1;
        for (std::size_t k = 0; k < dims.size(); ++k) (k < i ? outer : inner) *= k == i ? 1 : dims[k];
        const std::int64_t n = dims[i];
        dims[i] = out_dims[i];
        if constexpr (std::same_as<A, T>) {
          if (i == axes.back()) {
            pass<Op, A>(now, out, outer, n, dims[i], inner, axis_window(w, i));
            break;
          }
        }
        auto next = std::make_unique_for_overwrite<A[]>(num_elements(dims));
        pass<Op, A>(now, next.get(), outer, n, dims[i], inner, axis_window(w, i));
        held = std::move(next);
        now = held.get();
      }
      if constexpr (!std::same_as<A, T>)
        std::transform(now, now + num_elements(dims), out, [](A v) { return static_cast<T>(v); });
    });
  })};
}

// Walks all windows: `window(output index)` is called first, then `element(input index)` in row-major order.
template <class Begin, class Element>
void walk(const Dims& in, const Dims& out, const Window& w, Begin begin, Element element) {
  const std::size_t rank = in.size();
  const Dims strides = row_major_strides(in);
  Dims at(rank, 0), k(rank, 0);
  std::vector<AxisWindow> axes;
  for (std::size_t i = 0; i < rank; ++i) axes.push_back(axis_window(w, i));
  const std::int64_t windows = num_elements(out), size = num_elements(w.window_dimensions);
  const auto advance = [](Dims& index, const Dims& bound) {
    for (std::size_t a = index.size(); a-- > 0;) {
      if (++index[a] < bound[a]) return;
      index[a] = 0;
    }
  };
  for (std::int64_t i = 0; i < windows; ++i, advance(at, out)) {
    begin(i);
    std::ranges::fill(k, 0);
    for (std::int64_t e = 0; e < size; ++e, advance(k, w.window_dimensions)) {
      std::int64_t offset = 0;
      for (std::size_t a = 0; a < rank && offset >= 0; ++a) {
        const std::int64_t p = axes[a].position(at[a], k[a], in[a]);
        offset = p < 0 ? -1 : offset + p * strides[a];
      }
      if (offset >= 0) element(offset);
    }
  }
}

// The axes between the first and the last that have a window: the ones before repeat, the ones after go side by side.
struct Split {
  Dims in, out;
  Window window;
  std::int64_t outer = 1, inner = 1;

  Split(const Dims& in_dims, const Dims& out_dims, const Window& w) {
    std::size_t first = 0, last = in_dims.size();
    while (first < last && trivial(w, first)) outer *= in_dims[first++];
    while (last > first && trivial(w, last - 1)) inner *= in_dims[--last];
    for (std::size_t i = first; i < last; ++i) {
      in.push_back(in_dims[i]);
      out.push_back(out_dims[i]);
      window.window_dimensions.push_back(w.window_dimensions[i]);
      window.window_strides.push_back(w.window_strides[i]);
      window.padding.push_back(w.padding[i]);
      window.base_dilation.push_back(w.base_dilation[i]);
      window.window_dilation.push_back(w.window_dilation[i]);
    }
  }
};

template <class F>
void visit_pair(DType values, DType operand, F f) {
  visit_dtype(values, [&]<class T>(std::type_identity<T>) {
    if (values == operand) {
      f(std::type_identity<T>{}, std::type_identity<T>{});
    } else {
      raise<DtypeError>(
          "select_and_gather_add, select_and_scatter_add: dtypes differ. Got {} and {}; expected one dtype. Convert "
          "with astype.",
          values, operand);
    }
  });
}

Arrays select_and_gather_kernel(const KernelCall& call) {
  const Array &tangents = call.args[0], &operand = call.args[1];
  const auto& s = call.params.get<SelectAndGather>();
  const Window w{s.window_dimensions, s.window_strides, s.padding, s.base_dilation, s.window_dilation};
  const bool largest = s.select_prim == "ge";
  return {detail::exact_array(call.outputs[0], [&](std::byte* bytes) {
    visit_pair(tangents.dtype(), operand.dtype(), [&]<class T, class S>(std::type_identity<T>, std::type_identity<S>) {
      const T* t = reinterpret_cast<const T*>(tangents.bytes().data());
      const S* x = reinterpret_cast<const S*>(operand.bytes().data());
      T* out = reinterpret_cast<T*>(bytes);
      using A = Accumulator<S>;
      const Split split(operand.dims(), call.outputs[0].dims(), w);
      const std::int64_t in_size = num_elements(split.in) * split.inner,
                         out_size = num_elements(split.out) * split.inner;
      parallel_for(split.outer, 1, [&](std::int64_t first, std::int64_t last) {
        const auto best = std::make_unique<A[]>(split.inner);
        for (std::int64_t o = first; o < last; ++o) {
          T* to = nullptr;
          walk(
              split.in, split.out, split.window,
              [&](std::int64_t i) {
                to = out + o * out_size + i * split.inner;
                std::fill_n(best.get(), split.inner, bound<A>(largest));
                std::fill_n(to, split.inner, T(0));
              },
              [&](std::int64_t p) {
                const std::int64_t at = o * in_size + p * split.inner;
                for (std::int64_t c = 0; c < split.inner; ++c) {
                  A& b = best[c];
                  const A v = static_cast<A>(x[at + c]);
                  const bool take = precedes(largest ? b : v, largest ? v : b) || v != v;
                  b = take ? v : b;
                  to[c] = take ? t[at + c] : to[c];
                }
              });
        }
      });
    });
  })};
}

Arrays select_and_scatter_kernel(const KernelCall& call) {
  const Array &source = call.args[0], &operand = call.args[1];
  const auto& s = call.params.get<SelectAndScatter>();
  const Dims ones(s.window_dimensions.size(), 1);
  const Window w{s.window_dimensions, s.window_strides, s.padding, ones, ones};
  const bool largest = s.select_prim == "ge";
  return {detail::exact_array(call.outputs[0], [&](std::byte* bytes) {
    std::memset(bytes, 0, operand.bytes().size());
    visit_pair(source.dtype(), operand.dtype(), [&]<class T, class S>(std::type_identity<T>, std::type_identity<S>) {
      using A = Accumulator<S>;
      const T* from = reinterpret_cast<const T*>(source.bytes().data());
      const S* x = reinterpret_cast<const S*>(operand.bytes().data());
      T* out = reinterpret_cast<T*>(bytes);
      const Split split(operand.dims(), source.dims(), w);
      const std::int64_t in_size = num_elements(split.in) * split.inner,
                         out_size = num_elements(split.out) * split.inner;
      parallel_for(split.outer, 1, [&](std::int64_t first, std::int64_t last) {
        const auto best = std::make_unique<A[]>(split.inner);
        std::vector<std::int64_t> chosen(split.inner, -1);
        for (std::int64_t o = first; o < last; ++o) {
          std::int64_t window = -1;
          const auto flush = [&] {
            for (std::int64_t c = 0; c < split.inner; ++c) {
              std::int64_t& at = chosen[c];
              if (at >= 0) out[at] = Sum::apply<T>(out[at], from[o * out_size + window * split.inner + c]);
              at = -1;
            }
          };
          walk(
              split.in, split.out, split.window,
              [&](std::int64_t i) {
                if (window >= 0) flush();
                window = i;
              },
              [&](std::int64_t p) {
                const std::int64_t at = o * in_size + p * split.inner;
                for (std::int64_t c = 0; c < split.inner; ++c) {
                  A& b = best[c];
                  std::int64_t& mine = chosen[c];
                  const A v = static_cast<A>(x[at + c]);
                  const bool keep = mine >= 0 && (largest ? !precedes(b, v) : !precedes(v, b)) && b == b && v == v;
                  b = keep ? b : v;
                  mine = keep ? mine : at + c;
                }
              });
          if (window >= 0) flush();
        }
      });
    });
  })};
}

}  // namespace

void register_window_kernels(KernelTable& table) {
  table.add(reduce_window_sum_p(), window_kernel<Sum>);
  table.add(reduce_window_max_p(), window_kernel<Max>);
  table.add(reduce_window_min_p(), window_kernel<Min>);
  table.add(select_and_gather_add_p(), select_and_gather_kernel);
  table.add(select_and_scatter_add_p(), select_and_scatter_kernel);
}

}  // namespace tf2jax::cpu
