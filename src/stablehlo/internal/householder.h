// LAPACK's packed form of QR: reflectors below the diagonal, and their factors.
#pragma once
#include <utility>

#include "tf2jax/trace/array.h"

namespace tf2jax::stablehlo {

/// geqrf: R on and above the diagonal, the vectors of the reflectors below it; and tau. Shapes: [..., m, n] ->
/// [..., m, n], [..., min(m, n)]. Gradient: of the algorithm, step by step. Source: LAPACK's geqr2 and larfg.
std::pair<Array, Array> qr_packed(const Array& a);
/// orgqr: the product of the reflectors H_1 … H_k, its first n columns. Shapes: [..., m, n], [..., k] -> [..., m, n].
Array reflector_product(const Array& packed, const Array& taus);
/// gehrd: the Hessenberg form of square matrices, reflectors below its subdiagonal; and tau. Shapes: [..., n, n] ->
/// [..., n, n], [..., n - 1].
std::pair<Array, Array> hessenberg_packed(const Array& a);

}  // namespace tf2jax::stablehlo
