// Random numbers written out in 32-bit operations, for what knows neither keys nor their primitives. Keys are u32[…,
// 2]. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once
#include <utility>

#include "tf2jax/ops/random.h"

namespace tf2jax::threefry {

using Words = std::pair<Array, Array>;

/// The hash of counters under keys, twenty rounds; operands broadcast.
Words hash(const Words& key, Array x0, Array x1);
/// What random_bits, random_split, random_fold_in and random_seed compute, keys as words in and out.
/// Throws: NotImplementedError where an older way of counting meets a symbolic size.
Array bits(const Array& keys, const RandomBits& p);
Array split(const Array& keys, const RandomSplit& p);
Array fold_in(const Array& keys, const Array& data);
Array seed(const Array& number);

}  // namespace tf2jax::threefry
