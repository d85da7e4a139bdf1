// Kernels of factorisations and triangular solves, by Eigen, one matrix of a stack at a time.
#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>

#include <algorithm>
#include <limits>

#include "tf2jax/backends/cpu/kernels.h"
#include "tf2jax/backends/cpu/matrix_stacks.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/linalg.h"

namespace tf2jax::cpu {

namespace {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Arrays cholesky_kernel(const KernelCall& c) {
  const MatrixStack s(c.args[0].dims());
  return by_matrix_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Arrays {
    return {make_array<T>(c.outputs[0], [&](T* out) {
      const T* in = elements<T>(c.args[0]);
      for (std::int64_t i = 0; i < s.count; ++i) {
        const Eigen::Map<const Matrix<T>> a(in + i * s.rows * s.rows, s.rows, s.rows);
        Eigen::Map<Matrix<T>> l(out + i * s.rows * s.rows, s.rows, s.rows);
        l = a;
        const Eigen::LLT<Matrix<T>, Eigen::Lower> llt(a);
        if (llt.info() == Eigen::Success && a.allFinite())
          l.template triangularView<Eigen::Lower>() = Matrix<T>(llt.matrixL());
        else l.setConstant(T(std::numeric_limits<Real<T>>::quiet_NaN()));
      }
    })};
  });
}

template <unsigned Mode, class T>
Matrix<T> solve(const Matrix<T>& a, const Matrix<T>& b, bool left) {
  if (left) return a.template triangularView<Mode>().solve(b);
  return a.template triangularView<Mode>().template solve<Eigen::OnTheRight>(b);
}

Arrays triangular_kernel(const KernelCall& c) {
  if (itemsize(c.outputs[0].dtype) == 2) {  // halves compute in float
    const DType half = c.outputs[0].dtype;
    const Array wide[] = {astype(c.args[0], DType::f32), astype(c.args[1], DType::f32)};
    const Aval out{DType::f32, c.outputs[0].shape, false};
    return {astype(triangular_kernel({wide, c.params, std::span(&out, 1)})[0], half)};
  }
  const auto& p = c.params.get<TriangularSolve>();
  const MatrixStack sa(c.args[0].dims()), sb(c.args[1].dims());
  return by_matrix_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Arrays {
    return {make_array<T>(c.outputs[0], [&](T* out) {
      const T *pa = elements<T>(c.args[0]), *pb = elements<T>(c.args[1]);
      for (std::int64_t i = 0; i < sb.count; ++i) {
        Matrix<T> a = Eigen::Map<const Matrix<T>>(pa + i * sa.rows * sa.rows, sa.rows, sa.rows);
        const Matrix<T> b = Eigen::Map<const Matrix<T>>(pb + i * sb.rows * sb.columns, sb.rows, sb.columns);
        if (p.conjugate_a) a = a.conjugate().eval();
        if (p.transpose_a) a.transposeInPlace();
        const bool lower = p.lower != p.transpose_a;
        Eigen::Map<Matrix<T>> x(out + i * sb.rows * sb.columns, sb.rows, sb.columns);
        if (b.size() == 0) continue;
        if (lower)
          x = p.unit_diagonal ? solve<Eigen::UnitLower>(a, b, p.left_side) : solve<Eigen::Lower>(a, b, p.left_side);
        else x = p.unit_diagonal ? solve<Eigen::UnitUpper>(a, b, p.left_side) : solve<Eigen::Upper>(a, b, p.left_side);
      }
    })};
  });
}

Arrays eigh_kernel(const KernelCall& c) {
  const MatrixStack s(c.args[0].dims());
  const bool lower = c.params.get<SymmetricEigen>().lower;
  return by_matrix_dtype(c.args[0].dtype(), [&]<class T>(std::type_identity<T>) -> Arrays {
    using R = Real<T>;
    detail::Ref<detail::ConcreteValue> values(new detail::ConcreteValue(c.outputs[1]));
    const Array vectors = make_array<T>(c.outputs[0], [&](T* out) {
      const T* in = elements<T>(c.args[0]);
      R* w = reinterpret_cast<R*>(values->data);
      for (std::int64_t i = 0; i < s.count; ++i) {
        Matrix<T> a = Eigen::Map<const Matrix<T>>(in + i * s.rows * s.rows, s.rows, s.rows);
        if (!lower) a = a.adjoint().eval();  // the solver reads the lower triangle
        Eigen::Map<Matrix<T>> v(out + i * s.rows * s.rows, s.rows, s.rows);
        if (s.rows == 0) continue;
        if (!a.allFinite()) {
          v.setConstant(T(std::numeric_limits<R>::quiet_NaN()));
          std::fill(w + i * s.rows, w + (i + 1) * s.rows, std::numeric_limits<R>::quiet_NaN());
          continue;
        }
        const Eigen::SelfAdjointEigenSolver<Matrix<T>> solver(a);
        v = solver.eigenvectors();
        for (std::int64_t k = 0; k < s.rows; ++k) w[i * s.rows + k] = solver.eigenvalues()[k];
      }
    });
    return {vectors, Array(detail::Ref<const detail::Value>(values.get()))};
  });
}

}  // namespace

void register_linalg_kernels(KernelTable& table) {
  table.add(cholesky_p(), cholesky_kernel);
  table.add(triangular_solve_p(), triangular_kernel);
  table.add(eigh_p(), eigh_kernel);
}

}  // namespace tf2jax::cpu
