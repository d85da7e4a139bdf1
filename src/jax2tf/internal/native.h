// Native serialization: a program as one XlaCallModule node.
#pragma once
#include "tf2jax/jax2tf/internal/function_writer.h"
#include "tf2jax/jax2tf/jax2tf.h"

namespace tf2jax::jax2tf {

/// Writes the program as a node that holds its StableHLO module, with one output for each result.
/// Throws: ValueError for platforms and checks that TensorFlow does not know; NotImplementedError for a primitive
/// that StableHLO cannot say, and kernels of the CPU's library in a module for other platforms.
Tensors write_native(FunctionWriter& writer, const Jaxpr& program, const Tensors& inputs,
                     const ConvertOptions& options);

}  // namespace tf2jax::jax2tf
