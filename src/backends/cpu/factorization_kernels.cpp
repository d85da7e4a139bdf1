// Kernels of factorisations by LAPACK, one matrix of a stack at a time. LAPACK keeps matrices by columns.
#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/backends/cpu/lapack.h"
#include "tf2jax/ops/linalg.h"

namespace tf2jax::cpu {

namespace {

// Overloads by element type.
lapack_int getrf(lapack_int m, lapack_int n, float* a, lapack_int* p) {
  return LAPACK(sgetrf)(kColumns, m, n, a, m, p);
}
lapack_int getrf(lapack_int m, lapack_int n, double* a, lapack_int* p) {
  return LAPACK(dgetrf)(kColumns, m, n, a, m, p);
}
lapack_int getrf(lapack_int m, lapack_int n, complex64* a, lapack_int* p) {
  return LAPACK(cgetrf)(kColumns, m, n, a, m, p);
}
lapack_int getrf(lapack_int m, lapack_int n, complex128* a, lapack_int* p) {
  return LAPACK(zgetrf)(kColumns, m, n, a, m, p);
}

lapack_int geqrf(lapack_int m, lapack_int n, float* a, float* t) { return LAPACK(sgeqrf)(kColumns, m, n, a, m, t); }
lapack_int geqrf(lapack_int m, lapack_int n, double* a, double* t) { return LAPACK(dgeqrf)(kColumns, m, n, a, m, t); }
lapack_int geqrf(lapack_int m, lapack_int n, complex64* a, complex64* t) {
  return LAPACK(cgeqrf)(kColumns, m, n, a, m, t);
}
lapack_int geqrf(lapack_int m, lapack_int n, complex128* a, complex128* t) {
  return LAPACK(zgeqrf)(kColumns, m, n, a, m, t);
}

lapack_int geqp3(lapack_int m, lapack_int n, float* a, lapack_int* p, float* t) {
  return LAPACK(sgeqp3)(kColumns, m, n, a, m, p, t);
}
lapack_int geqp3(lapack_int m, lapack_int n, double* a, lapack_int* p, double* t) {
  return LAPACK(dgeqp3)(kColumns, m, n, a, m, p, t);
}
lapack_int geqp3(lapack_int m, lapack_int n, complex64* a, lapack_int* p, complex64* t) {
  return LAPACK(cgeqp3)(kColumns, m, n, a, m, p, t);
}
lapack_int geqp3(lapack_int m, lapack_int n, complex128* a, lapack_int* p, complex128* t) {
  return LAPACK(zgeqp3)(kColumns, m, n, a, m, p, t);
}

lapack_int orgqr(lapack_int m, lapack_int n, lapack_int k, float* a, const float* t) {
  return LAPACK(sorgqr)(kColumns, m, n, k, a, m, t);
}
lapack_int orgqr(lapack_int m, lapack_int n, lapack_int k, double* a, const double* t) {
  return LAPACK(dorgqr)(kColumns, m, n, k, a, m, t);
}
lapack_int orgqr(lapack_int m, lapack_int n, lapack_int k, complex64* a, const complex64* t) {
  return LAPACK(cungqr)(kColumns, m, n, k, a, m, t);
}
lapack_int orgqr(lapack_int m, lapack_int n, lapack_int k, complex128* a, const complex128* t) {
  return LAPACK(zungqr)(kColumns, m, n, k, a, m, t);
}

lapack_int gesdd(char job, lapack_int m, lapack_int n, float* a, float* s, float* u, float* v, lapack_int k) {
  return LAPACK(sgesdd)(kColumns, job, m, n, a, m, s, u, m, v, k);
}
lapack_int gesdd(char job, lapack_int m, lapack_int n, double* a, double* s, double* u, double* v, lapack_int k) {
  return LAPACK(dgesdd)(kColumns, job, m, n, a, m, s, u, m, v, k);
}
lapack_int gesdd(char job, lapack_int m, lapack_int n, complex64* a, float* s, complex64* u, complex64* v,
                 lapack_int k) {
  return LAPACK(cgesdd)(kColumns, job, m, n, a, m, s, u, m, v, k);
}
lapack_int gesdd(char job, lapack_int m, lapack_int n, complex128* a, double* s, complex128* u, complex128* v,
                 lapack_int k) {
  return LAPACK(zgesdd)(kColumns, job, m, n, a, m, s, u, m, v, k);
}

// Eigenvalues of real matrices come as two vectors, vectors of conjugate pairs as their parts.
template <class R>
void unpack(lapack_int n, const std::vector<R>& imaginary, const std::vector<R>& packed, std::complex<R>* v) {
  for (lapack_int j = 0; j < n; ++j) {
    const bool pair = imaginary[j] != 0 && j + 1 < n;
    for (lapack_int i = 0; i < n; ++i) {
      if (!pair) {
        v[j * n + i] = packed[j * n + i];
        continue;
      }
      v[j * n + i] = {packed[j * n + i], packed[(j + 1) * n + i]};
      v[(j + 1) * n + i] = std::conj(v[j * n + i]);
    }
    j += pair;
  }
}
template <class R, class F>
lapack_int real_eigen(lapack_int n, R* a, std::complex<R>* w, std::complex<R>* vl, std::complex<R>* vr, F geev) {
  std::vector<R> real(n), imaginary(n), left(vl ? n * n : 1), right(vr ? n * n : 1);
  const lapack_int info = geev(kColumns, vl ? 'V' : 'N', vr ? 'V' : 'N', n, a, n, real.data(), imaginary.data(),
                               left.data(), n, right.data(), n);
  for (lapack_int i = 0; i < n; ++i) w[i] = {real[i], imaginary[i]};
  if (vl) unpack(n, imaginary, left, vl);
  if (vr) unpack(n, imaginary, right, vr);
  return info;
}
lapack_int geev(lapack_int n, float* a, complex64* w, complex64* vl, complex64* vr) {
  return real_eigen(n, a, w, vl, vr, LAPACK(sgeev));
}
lapack_int geev(lapack_int n, double* a, complex128* w, complex128* vl, complex128* vr) {
  return real_eigen(n, a, w, vl, vr, LAPACK(dgeev));
}
lapack_int geev(lapack_int n, complex64* a, complex64* w, complex64* vl, complex64* vr) {
  return LAPACK(cgeev)(kColumns, vl ? 'V' : 'N', vr ? 'V' : 'N', n, a, n, w, vl, n, vr, n);
}
lapack_int geev(lapack_int n, complex128* a, complex128* w, complex128* vl, complex128* vr) {
  return LAPACK(zgeev)(kColumns, vl ? 'V' : 'N', vr ? 'V' : 'N', n, a, n, w, vl, n, vr, n);
}

Arrays lu_kernel(const KernelCall& c) {
  const Sizes s(c.args[0].dims());
  Results out(c.outputs);
  return by_matrix_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Arrays {
    std::vector<T> a(s.area());
    std::vector<lapack_int> swaps(s.k);
    for (std::int64_t i = 0; i < s.count; ++i) {
      const T* in = elements<T>(c.args[0]) + i * s.area();
      T* lu = out.at<T>(0) + i * s.area();
      auto *pivots = out.at<std::int32_t>(1) + i * s.k, *permutation = out.at<std::int32_t>(2) + i * s.m;
      std::iota(permutation, permutation + s.m, 0);
      std::iota(pivots, pivots + s.k, 0);
      if (s.k == 0) continue;
      if (!all_finite(in, s.area())) {
        fill_nan(lu, s.area());
        continue;
      }
      transposed(in, a.data(), s.m, s.n);
      getrf(static_cast<lapack_int>(s.m), static_cast<lapack_int>(s.n), a.data(), swaps.data());
      transposed(a.data(), lu, s.n, s.m);
      for (std::int64_t r = 0; r < s.k; ++r) {
        pivots[r] = static_cast<std::int32_t>(swaps[r] - 1);
        std::swap(permutation[r], permutation[pivots[r]]);
      }
    }
    return out.take();
  });
}

Arrays qr_kernel(const KernelCall& c) {
  const auto& p = c.params.get<QrParams>();
  const Sizes s(c.args[0].dims());
  const std::int64_t wide = p.full_matrices ? s.m : s.k;  // columns of Q
  Results out(c.outputs);
  return by_matrix_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Arrays {
    std::vector<T> a(s.m * std::max(s.n, wide)), tau(std::max<std::int64_t>(s.k, 1));
    std::vector<lapack_int> order(s.n);
    for (std::int64_t i = 0; i < s.count; ++i) {
      const T* in = elements<T>(c.args[0]) + i * s.area();
      T *q = out.at<T>(0) + i * s.m * wide, *r = out.at<T>(1) + i * wide * s.n;
      if (s.k == 0) {
        for (std::int64_t e = 0; e < s.m * wide; ++e) q[e] = T(e / wide == e % wide ? 1 : 0);
        std::fill_n(r, wide * s.n, T(0));
        continue;
      }
      if (!all_finite(in, s.area())) {
        fill_nan(q, s.m * wide);
        fill_nan(r, wide * s.n);
        continue;
      }
      transposed(in, a.data(), s.m, s.n);
      const auto m = static_cast<lapack_int>(s.m), n = static_cast<lapack_int>(s.n), k = static_cast<lapack_int>(s.k);
      if (p.pivoting) {
        std::ranges::fill(order, 0);
        geqp3(m, n, a.data(), order.data(), tau.data());
        auto* to = out.at<std::int32_t>(2) + i * s.n;
        for (std::int64_t j = 0; j < s.n; ++j) to[j] = static_cast<std::int32_t>(order[j] - 1);
      } else {
        geqrf(m, n, a.data(), tau.data());
      }
      for (std::int64_t row = 0; row < wide; ++row)
        for (std::int64_t j = 0; j < s.n; ++j) r[row * s.n + j] = row <= j ? a[j * s.m + row] : T(0);
      orgqr(m, static_cast<lapack_int>(wide), k, a.data(), tau.data());
      transposed(a.data(), q, wide, s.m);
    }
    return out.take();
  });
}

Arrays svd_kernel(const KernelCall& c) {
  const auto& p = c.params.get<SvdParams>();
  const Sizes s(c.args[0].dims());
  const std::int64_t nu = p.full_matrices ? s.m : s.k, nv = p.full_matrices ? s.n : s.k;
  const char job = !p.compute_uv ? 'N' : p.full_matrices ? 'A' : 'S';
  Results out(c.outputs);
  return by_matrix_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Arrays {
    std::vector<T> a(s.area()), u(p.compute_uv ? s.m * nu : 1), v(p.compute_uv ? nv * s.n : 1);
    for (std::int64_t i = 0; i < s.count; ++i) {
      const T* in = elements<T>(c.args[0]) + i * s.area();
      auto* values = out.at<Real<T>>(0) + i * s.k;
      T* const us = p.compute_uv ? out.at<T>(1) + i * s.m * nu : nullptr;
      T* const vs = p.compute_uv ? out.at<T>(2) + i * nv * s.n : nullptr;
      bool ok = s.k > 0 && all_finite(in, s.area());
      if (ok) {
        transposed(in, a.data(), s.m, s.n);
        ok = gesdd(job, static_cast<lapack_int>(s.m), static_cast<lapack_int>(s.n), a.data(), values, u.data(),
                   v.data(), static_cast<lapack_int>(p.compute_uv ? nv : 1)) == 0;
      }
      if (ok && p.compute_uv) {
        transposed(u.data(), us, nu, s.m);
        transposed(v.data(), vs, s.n, nv);
      }
      if (ok) continue;
      fill_nan(values, s.k);
      if (!p.compute_uv) continue;
      for (std::int64_t e = 0; e < s.m * nu; ++e) us[e] = T(e / nu == e % nu ? 1 : 0);
      for (std::int64_t e = 0; e < nv * s.n; ++e) vs[e] = T(e / s.n == e % s.n ? 1 : 0);
      if (s.k > 0) fill_nan(us, s.m * nu), fill_nan(vs, nv * s.n);
    }
    return out.take();
  });
}

Arrays eig_kernel(const KernelCall& c) {
  const auto& p = c.params.get<EigParams>();
  const Sizes s(c.args[0].dims());
  Results out(c.outputs);
  return by_matrix_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Arrays {
    using Z = std::complex<Real<T>>;
    std::vector<T> a(s.area());
    std::vector<Z> left(s.area()), right(s.area());
    for (std::int64_t i = 0; i < s.count; ++i) {
      const T* in = elements<T>(c.args[0]) + i * s.area();
      Z* w = out.at<Z>(0) + i * s.n;
      bool ok = s.n > 0 && all_finite(in, s.area());
      if (ok) {
        transposed(in, a.data(), s.n, s.n);
        ok = geev(static_cast<lapack_int>(s.n), a.data(), w, p.compute_left_eigenvectors ? left.data() : nullptr,
                  p.compute_right_eigenvectors ? right.data() : nullptr) == 0;
      }
      if (!ok) fill_nan(w, s.n);
      std::size_t k = 1;
      for (const auto& [wanted, vectors] : {std::pair(p.compute_left_eigenvectors, left.data()),
                                            std::pair(p.compute_right_eigenvectors, right.data())}) {
        if (!wanted) continue;
        Z* const to = out.at<Z>(k++) + i * s.area();
        if (ok) transposed(vectors, to, s.n, s.n);
        else fill_nan(to, s.area());
      }
    }
    return out.take();
  });
}

}  // namespace

void register_factorization_kernels(KernelTable& table) {
  table.add(lu_p(), lu_kernel);
  table.add(qr_p(), qr_kernel);
  table.add(svd_p(), svd_kernel);
  table.add(eig_p(), eig_kernel);
}

}  // namespace tf2jax::cpu
