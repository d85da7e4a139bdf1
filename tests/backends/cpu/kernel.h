// The CPU's kernels, called by themselves.
#pragma once
#include <tf2jax/backends/cpu/kernels.h>
#include <tf2jax/tf2jax.h>

namespace tf2jax {

using KernelFamily = void (*)(cpu::KernelTable&);

/// What a family's kernel computes for one application of the primitive.
inline Arrays run_kernel(KernelFamily family, const Primitive& primitive, const Arrays& args,
                         const EquationParams& params = no_params()) {
  cpu::KernelTable table;
  family(table);
  Avals avals;
  for (const Array& x : args) avals.push_back(x.aval());
  const Avals outputs = primitive.output_avals(avals, params);
  return table.find(primitive)->operator()({args, params, outputs});
}

/// Elements enough for several threads.
constexpr std::int64_t kMany = 100003;

/// 0, 1, …, period - 1 and again, as far as `count` goes.
inline Array counted(std::int64_t count, int period, DType dtype = f32) {
  return Array::build({dtype, {count}, false}, [&](std::byte* out) {
    visit_dtype(dtype, [&]<class T>(std::type_identity<T>) {
      for (std::int64_t i = 0; i < count; ++i)
        reinterpret_cast<T*>(out)[i] = static_cast<T>(static_cast<float>(i % period));
    });
  });
}

/// An array of f64, whatever the configuration.
inline Array doubles_of(const std::vector<double>& v) {
  return detail::exact_array({f64, {static_cast<std::int64_t>(v.size())}, false}, std::as_bytes(std::span(v)));
}

}  // namespace tf2jax
