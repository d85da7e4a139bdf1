// What the library and the code generator module, which it loads at run time, must agree on.
#pragma once
#include "tf2jax/compiler/loops/program.h"

namespace tf2jax::loops {

/// Changes with the layout of what crosses the boundary, so that a module of another build is refused.
inline constexpr std::int64_t kCodegenInterface =
    1'000'000'000'000 * 2 + 1'000'000'000 * static_cast<std::int64_t>(kLastOp) +
    1'000'000 * static_cast<std::int64_t>(sizeof(Kernel)) + 1'000 * static_cast<std::int64_t>(sizeof(Node)) +
    static_cast<std::int64_t>(sizeof(Statement) + sizeof(Accumulator) + sizeof(CompiledKernels));

inline constexpr const char* kCodegenFactory = "tf2jax_code_generator";
/// The type of the factory. Returns null, and sets `error` to a static text, when the interfaces differ or LLVM cannot
/// start.
using CodegenFactory = CodeGenerator* (*)(std::int64_t interface_version, const char** error);

}  // namespace tf2jax::loops
