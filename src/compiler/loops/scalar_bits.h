// The bytes of scalar constants.
#pragma once
#include "tf2jax/compiler/loops/program.h"
#include "tf2jax/ops/gather.h"

namespace tf2jax::compiler {

/// Those of the first element.
std::uint64_t scalar_bits(const Array& a);
std::uint64_t number_bits(DType dtype, double value);
/// The neutral element of a reduction.
std::uint64_t neutral(loops::Op op, DType dtype);
/// What a gather reads outside of its operand.
std::uint64_t fill_bits(const GatherParams& p, DType dtype);

}  // namespace tf2jax::compiler
