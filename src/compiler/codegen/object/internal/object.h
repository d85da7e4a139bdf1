// Object files: made from kernels, loaded into the process.
#pragma once
#include <llvm/ADT/SmallVector.h>

#include <memory>
#include <string>
#include <vector>

#include "tf2jax/compiler/codegen/emit/internal/emitter.h"
#include "tf2jax/compiler/loops/program.h"

namespace tf2jax::codegen {

/// The machine this process runs on.
struct Host {
  std::string cpu, features, triple;
  int lanes = 4;
  bool avx512 = false;
};
/// Starts LLVM on the first call. Throws: std::runtime_error.
const Host& host();

using Bytes = llvm::SmallVector<char, 0>;

/// An object file with one function for each kernel, `symbols[i]`. Throws: std::runtime_error.
Bytes make_object(const std::vector<const loops::Kernel*>& kernels, const std::vector<std::string>& symbols,
                  const EmitOptions& options);
/// Functions in memory. Destroying it frees them.
class LoadedCode {
 public:
  virtual ~LoadedCode() = default;
  virtual void* find(const std::string& symbol) = 0;
};
/// Throws: std::runtime_error.
std::unique_ptr<LoadedCode> load_objects(const std::vector<Bytes>& objects);

/// A canonical text of a kernel: equal for kernels with the same code.
std::string serialise(const loops::Kernel& kernel);

}  // namespace tf2jax::codegen
