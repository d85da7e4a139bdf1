// Convolutions stored with features last: lhs [batch, spatial…, features], kernel [spatial…, in, out], no padding.
#pragma once
#include "tf2jax/kernels/convolution.h"

namespace tf2jax {

inline kernels::ConvSpec conv_spec(const Dims& lhs, const Dims& rhs, const Dims& strides) {
  kernels::ConvSpec s;
  const auto rank = static_cast<std::int64_t>(strides.size());
  s.lhs = lhs, s.rhs = rhs, s.strides = strides;
  s.out = {lhs.front()};
  s.lhs_spec = {0, rank + 1}, s.rhs_spec = {rank + 1, rank};
  for (std::int64_t i = 0; i < rank; ++i) {
    s.lhs_spec.push_back(i + 1);
    s.rhs_spec.push_back(i);
    s.out.push_back((lhs[i + 1] - rhs[i]) / strides[i] + 1);
  }
  s.out.push_back(rhs.back());
  s.out_spec = s.lhs_spec;
  s.padding.assign(strides.size(), {0, 0});
  s.lhs_dilation = s.rhs_dilation = Dims(strides.size(), 1);
  return s;
}

}  // namespace tf2jax
