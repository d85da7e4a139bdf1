// What kernels by LAPACK share: the library itself, matrices by columns, results.
#pragma once
#include <dlfcn.h>

#include <complex>
#define lapack_complex_float std::complex<float>  // the header has C's
#define lapack_complex_double std::complex<double>
#include <lapacke.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/backends/cpu/matrix_stacks.h"

namespace tf2jax::cpu {

inline constexpr int kColumns = LAPACK_COL_MAJOR;

// Opened when it is first needed: programs that factorise nothing start without it, and no link line has to name it.
inline void* lapack_library() {
  static void* const library = [] {
    void* const found = dlopen("liblapacke.so.3", RTLD_NOW | RTLD_LOCAL);
    return found ? found : dlopen("liblapacke.so", RTLD_NOW | RTLD_LOCAL);
  }();
  check<BackendError>(library,
                      "Factorising a matrix: LAPACK's C interface, liblapacke.so.3, cannot be loaded ({}). "
                      "Install it; Debian's package is liblapacke.",
                      library ? "" : dlerror());
  return library;
}
template <class F>
F* lapack_function(const char* name) {
  auto* f = reinterpret_cast<F*>(dlsym(lapack_library(), name));
  check<BackendError>(f, "Factorising a matrix: liblapacke.so.3 has no {}. Install LAPACK 3.2 or later.", name);
  return f;
}
#define LAPACK(name) lapack_function<decltype(LAPACKE_##name)>("LAPACKE_" #name)

// Results that are filled together.
class Results {
 public:
  explicit Results(std::span<const Aval> avals) {
    for (const Aval& a : avals) values_.emplace_back(new detail::ConcreteValue(a));
  }
  template <class T>
  T* at(std::size_t i) {
    return reinterpret_cast<T*>(values_[i]->data);
  }
  Arrays take() {
    Arrays out;
    for (auto& v : values_) out.emplace_back(detail::Ref<const detail::Value>(v.get()));
    return out;
  }

 private:
  std::vector<detail::Ref<detail::ConcreteValue>> values_;
};

// `rows` x `columns` from one order of storage to the other.
template <class T>
void transposed(const T* from, T* to, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) to[j * rows + i] = from[i * columns + j];
}
template <class T>
void fill_nan(T* to, std::int64_t n) {
  std::fill_n(to, n, T(std::numeric_limits<Real<T>>::quiet_NaN()));
}
template <class T>
bool all_finite(const T* x, std::int64_t n) {
  return std::all_of(x, x + n, [](T v) { return std::isfinite(std::abs(v)); });
}

// Of matrices that LAPACK can number.
struct Sizes : MatrixStack {
  explicit Sizes(const Dims& d) : MatrixStack(d), m(rows), n(columns), k(std::min(rows, columns)) {
    check<ResourceExhaustedError>(std::max(m, n) <= std::numeric_limits<lapack_int>::max(),
                                  "factorisation: a matrix of {} by {} is too large for LAPACK. Use smaller matrices.",
                                  m, n);
  }
  const std::int64_t m, n, k;
};

}  // namespace tf2jax::cpu
