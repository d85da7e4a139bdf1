// Copies between strided views: the engine of every data-movement kernel.
#pragma once
#include <cstddef>
#include <cstdint>

#include "tf2jax/base/shape.h"

namespace tf2jax::cpu {

/// A strided window into memory: strides in elements, 0 repeats, negative runs backwards.
struct View {
  std::byte* data;
  Dims strides;
};

/// Copies `dims` elements of `width` bytes from `source` to `target`. Memory must not overlap.
void copy_strided(const Dims& dims, View target, View source, int width);

}  // namespace tf2jax::cpu
