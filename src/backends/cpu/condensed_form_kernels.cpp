// Kernels of Schur, Hessenberg and tridiagonal forms by LAPACK, one matrix of a stack at a time.
#include "tf2jax/backends/cpu/lapack.h"
#include "tf2jax/ops/internal/condensed_forms.h"

namespace tf2jax::cpu {

namespace {

// Overloads by element type. Those of real matrices have the parts of eigenvalues apart.
template <class R, class F>
lapack_int real_schur(char job, lapack_int n, R* a, R* z, F gees) {
  std::vector<R> re(n), im(n);
  lapack_int selected = 0;
  return gees(kColumns, job, 'N', nullptr, n, a, n, &selected, re.data(), im.data(), z, n);
}
template <class Z, class F>
lapack_int complex_schur(char job, lapack_int n, Z* a, Z* z, F gees) {
  std::vector<Z> w(n);
  lapack_int selected = 0;
  return gees(kColumns, job, 'N', nullptr, n, a, n, &selected, w.data(), z, n);
}
lapack_int gees(char job, lapack_int n, float* a, float* z) { return real_schur(job, n, a, z, LAPACK(sgees)); }
lapack_int gees(char job, lapack_int n, double* a, double* z) { return real_schur(job, n, a, z, LAPACK(dgees)); }
lapack_int gees(char job, lapack_int n, complex64* a, complex64* z) {
  return complex_schur(job, n, a, z, LAPACK(cgees));
}
lapack_int gees(char job, lapack_int n, complex128* a, complex128* z) {
  return complex_schur(job, n, a, z, LAPACK(zgees));
}

lapack_int gehrd(lapack_int n, float* a, float* t) { return LAPACK(sgehrd)(kColumns, n, 1, n, a, n, t); }
lapack_int gehrd(lapack_int n, double* a, double* t) { return LAPACK(dgehrd)(kColumns, n, 1, n, a, n, t); }
lapack_int gehrd(lapack_int n, complex64* a, complex64* t) { return LAPACK(cgehrd)(kColumns, n, 1, n, a, n, t); }
lapack_int gehrd(lapack_int n, complex128* a, complex128* t) { return LAPACK(zgehrd)(kColumns, n, 1, n, a, n, t); }

lapack_int sytrd(char uplo, lapack_int n, float* a, float* d, float* e, float* t) {
  return LAPACK(ssytrd)(kColumns, uplo, n, a, n, d, e, t);
}
lapack_int sytrd(char uplo, lapack_int n, double* a, double* d, double* e, double* t) {
  return LAPACK(dsytrd)(kColumns, uplo, n, a, n, d, e, t);
}
lapack_int sytrd(char uplo, lapack_int n, complex64* a, float* d, float* e, complex64* t) {
  return LAPACK(chetrd)(kColumns, uplo, n, a, n, d, e, t);
}
lapack_int sytrd(char uplo, lapack_int n, complex128* a, double* d, double* e, complex128* t) {
  return LAPACK(zhetrd)(kColumns, uplo, n, a, n, d, e, t);
}

Arrays schur_kernel(const KernelCall& c) {
  const bool vectors = c.params.get<SchurParams>().compute_schur_vectors;
  const Sizes s(c.args[0].dims());
  Results out(c.outputs);
  return by_matrix_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Arrays {
    std::vector<T> a(s.area()), z(s.area());
    for (std::int64_t i = 0; i < s.count; ++i) {
      const T* in = elements<T>(c.args[0]) + i * s.area();
      bool ok = s.n > 0 && all_finite(in, s.area());
      if (ok) {
        transposed(in, a.data(), s.n, s.n);
        ok = gees(vectors ? 'V' : 'N', static_cast<lapack_int>(s.n), a.data(), z.data()) == 0;
      }
      for (std::size_t k = 0; k < c.outputs.size(); ++k) {
        T* const to = out.at<T>(k) + i * s.area();
        if (ok) transposed(k ? z.data() : a.data(), to, s.n, s.n);
        else fill_nan(to, s.area());
      }
    }
    return out.take();
  });
}

Arrays hessenberg_kernel(const KernelCall& c) {
  const Sizes s(c.args[0].dims());
  const std::int64_t taus = std::max<std::int64_t>(0, s.n - 1);
  Results out(c.outputs);
  return by_matrix_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Arrays {
    std::vector<T> a(s.area()), t(s.n + 1);
    for (std::int64_t i = 0; i < s.count; ++i) {
      const T* in = elements<T>(c.args[0]) + i * s.area();
      T *to = out.at<T>(0) + i * s.area(), *tau = out.at<T>(1) + i * taus;
      if (s.n > 0 && all_finite(in, s.area())) {
        transposed(in, a.data(), s.n, s.n);
        gehrd(static_cast<lapack_int>(s.n), a.data(), t.data());
        transposed(a.data(), to, s.n, s.n);
        std::copy_n(t.data(), taus, tau);
      } else {
        fill_nan(to, s.area());
        fill_nan(tau, taus);
      }
    }
    return out.take();
  });
}

Arrays tridiagonal_kernel(const KernelCall& c) {
  const char uplo = c.params.get<TridiagonalParams>().lower ? 'L' : 'U';
  const Sizes s(c.args[0].dims());
  const std::int64_t less = std::max<std::int64_t>(0, s.n - 1);
  Results out(c.outputs);
  return by_matrix_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Arrays {
    std::vector<T> a(s.area()), t(s.n + 1);
    std::vector<Real<T>> e(s.n + 1);
    for (std::int64_t i = 0; i < s.count; ++i) {
      const T* in = elements<T>(c.args[0]) + i * s.area();
      T *to = out.at<T>(0) + i * s.area(), *tau = out.at<T>(3) + i * less;
      auto *diagonal = out.at<Real<T>>(1) + i * s.n, *beside = out.at<Real<T>>(2) + i * less;
      if (s.n > 0 && all_finite(in, s.area())) {
        transposed(in, a.data(), s.n, s.n);
        sytrd(uplo, static_cast<lapack_int>(s.n), a.data(), diagonal, e.data(), t.data());
        transposed(a.data(), to, s.n, s.n);
        std::copy_n(e.data(), less, beside);
        std::copy_n(t.data(), less, tau);
      } else {
        fill_nan(to, s.area());
        fill_nan(diagonal, s.n);
        fill_nan(beside, less);
        fill_nan(tau, less);
      }
    }
    return out.take();
  });
}

}  // namespace

void register_condensed_form_kernels(KernelTable& table) {
  table.add(schur_p(), schur_kernel);
  table.add(hessenberg_p(), hessenberg_kernel);
  table.add(tridiagonal_p(), tridiagonal_kernel);
}

}  // namespace tf2jax::cpu
