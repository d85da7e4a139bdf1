// The code generator: kernels to functions, and the factory the library calls.
#include <map>
#include <stdexcept>

#include "tf2jax/backends/llvm/codegen/interface.h"
#include "tf2jax/backends/llvm/codegen/internal/object.h"
#include "tf2jax/backends/llvm/op_names.h"

namespace tf2jax::codegen {

std::string name_of(loops::Op op) { return std::string(loops::op_name(op)); }

namespace {

class Compiled final : public loops::CompiledKernels {
 public:
  explicit Compiled(std::unique_ptr<LoadedCode> code) : code_(std::move(code)) {}
  LoadedCode& code() { return *code_; }

 private:
  std::unique_ptr<LoadedCode> code_;
};

class Generator final : public loops::CodeGenerator {
 public:
  std::shared_ptr<const loops::CompiledKernels> compile(const std::vector<loops::Kernel>& kernels, const loops::CodegenOptions& options, std::string& error) override {
    try {
      return compile_kernels(kernels, options);
    } catch (const std::exception& e) {
      error = e.what();
      return nullptr;
    }
  }
  int lanes() const override { return host().lanes; }

 private:
  static std::shared_ptr<const loops::CompiledKernels> compile_kernels(const std::vector<loops::Kernel>& kernels, const loops::CodegenOptions& options) {
    std::map<std::string, std::string> symbols;   // text of a kernel -> its function
    std::vector<const loops::Kernel*> distinct;
    std::vector<std::string> names, of_kernel;
    for (const loops::Kernel& k : kernels) {
      const auto [found, fresh] = symbols.try_emplace(serialise(k), "k" + std::to_string(names.size()));
      if (fresh) {
        distinct.push_back(&k);
        names.push_back(found->second);
      }
      of_kernel.push_back(found->second);
    }
    std::vector<Bytes> objects;
    if (!distinct.empty()) objects.push_back(make_object(distinct, names, {.lanes = host().lanes, .avx512 = host().avx512, .check_bounds = options.check_bounds}));
    auto out = std::make_shared<Compiled>(load_objects(objects));
    for (std::size_t i = 0; i < kernels.size(); ++i)
      out->entries.push_back({reinterpret_cast<loops::KernelFunction>(out->code().find(of_kernel[i])), scratch_bytes(kernels[i])});
    return out;
  }
};

}  // namespace

}  // namespace tf2jax::codegen

extern "C" __attribute__((visibility("default"))) tf2jax::loops::CodeGenerator* tf2jax_code_generator(std::int64_t interface_version, const char** error) {
  if (interface_version != tf2jax::loops::kCodegenInterface) {
    *error = "it belongs to another version of tf2jax; build the target tf2jax_codegen again";
    return nullptr;
  }
  try {
    tf2jax::codegen::host();
    static auto* generator = new tf2jax::codegen::Generator;
    return generator;
  } catch (const std::exception&) {
    *error = "LLVM does not know this machine";
    return nullptr;
  }
}
