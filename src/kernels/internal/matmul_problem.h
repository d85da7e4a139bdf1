// A MatmulSpec with its batch axes merged, and the pieces Matmul is put together from.
#pragma once
#include <memory>
#include <string>

#include "tf2jax/kernels/matmul.h"

namespace tf2jax::kernels {

/// Strides of the batch axes come apart from those of the matrices.
struct MatmulProblem {
  DType dtype, out_dtype;
  std::int64_t m, n, k, am, ak, bk, bn, cm, cn;
  Dims batch, a_batch, b_batch, c_batch;
  bool accumulate, bias, constant_b, prepared_b;
  MatmulSpec::Activation activation;
  bool deterministic;

  std::int64_t batch_size() const { return num_elements(batch); }
  std::int64_t multiplications() const { return batch_size() * m * n * k; }
  bool plain() const { return !bias && activation == MatmulSpec::Activation::none; }
  /// c^T = b^T a^T. Requires: no bias.
  MatmulProblem transposed() const;
};
MatmulProblem simplified(const MatmulSpec& spec);
std::string sizes_text(const MatmulProblem& p);

/// Element offsets of one entry of the batch.
struct BatchOffsets {
  std::int64_t a = 0, b = 0, c = 0;
};
BatchOffsets batch_offsets(const MatmulProblem& p, std::int64_t index);

/// Adds the bias and applies the activation to c (f32 or f64) in place.
void apply_epilogue(const MatmulProblem& p, void* c, const void* bias);

/// Matmul by the own kernels: any strides, f32 and f64.
std::unique_ptr<const Matmul> make_own_matmul(const MatmulProblem& p);
/// Matmul by oneDNN's sgemm: no bias, no activation. Null when the strides do not allow it.
std::unique_ptr<const Matmul> make_sgemm_matmul(const MatmulProblem& p);
/// Matmul by a oneDNN primitive. Null when oneDNN has no fast one, or is not there.
std::unique_ptr<const Matmul> make_primitive_matmul(const MatmulProblem& p);

}  // namespace tf2jax::kernels
