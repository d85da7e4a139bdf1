// The code generator: kernels to functions, and the factory the library calls.
#include <dlfcn.h>
#include <llvm/Config/llvm-config.h>
#include <sys/stat.h>

#include <algorithm>
#include <future>
#include <map>
#include <stdexcept>
#include <thread>

#include "tf2jax/compiler/codegen/interface.h"
#include "tf2jax/compiler/codegen/object/internal/object.h"
#include "tf2jax/compiler/codegen/object/internal/object_cache.h"
#include "tf2jax/compiler/loops/op_names.h"

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

// What the code depends on besides the kernels. This file's size and time stand for the version of the emitter.
const std::string& fingerprint() {
  static const std::string text = [] {
    std::string out = "LLVM " LLVM_VERSION_STRING " " + host().cpu + " " + host().features;
    Dl_info here{};
    struct stat file{};
    if (dladdr(reinterpret_cast<const void*>(&fingerprint), &here) && here.dli_fname &&
        stat(here.dli_fname, &file) == 0)
      out += " " + std::to_string(file.st_size) + " " + std::to_string(file.st_mtim.tv_sec) + "." +
             std::to_string(file.st_mtim.tv_nsec);
    return out;
  }();
  return text;
}

// In two halves at once: a kernel takes milliseconds.
std::vector<Bytes> make_objects(const std::vector<const loops::Kernel*>& kernels,
                                const std::vector<std::string>& symbols, const EmitOptions& options) {
  const std::size_t n = kernels.size(), half = n / 2;
  std::vector<Bytes> out;
  if (n < 2 || std::thread::hardware_concurrency() < 2) {
    if (n > 0) out.push_back(make_object(kernels, symbols, options));
    return out;
  }
  const auto part = [&](std::size_t begin, std::size_t end) {
    const auto at = [](std::size_t i) { return static_cast<std::ptrdiff_t>(i); };
    return make_object({kernels.begin() + at(begin), kernels.begin() + at(end)},
                       {symbols.begin() + at(begin), symbols.begin() + at(end)}, options);
  };
  auto other = std::async(std::launch::async, part, half, n);
  out.push_back(part(0, half));
  out.push_back(other.get());
  return out;
}

class Generator final : public loops::CodeGenerator {
 public:
  std::shared_ptr<const loops::CompiledKernels> compile(const std::vector<loops::Kernel>& kernels,
                                                        const loops::CodegenOptions& options,
                                                        std::string& message) override {
    try {
      return compile_kernels(kernels, options, message);
    } catch (const std::exception& e) {
      message = e.what();
      return nullptr;
    }
  }
  int lanes() const override { return host().lanes; }

 private:
  static std::shared_ptr<const loops::CompiledKernels> compile_kernels(const std::vector<loops::Kernel>& kernels,
                                                                       const loops::CodegenOptions& options,
                                                                       std::string& warning) {
    std::map<std::string, std::string> symbols;  // text of a kernel -> its function
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
    const EmitOptions emit{.lanes = host().lanes, .avx512 = host().avx512, .check_bounds = options.check_bounds};
    std::vector<Bytes> objects;
    if (options.cache_directory.empty() || distinct.empty()) {
      objects = make_objects(distinct, names, emit);
    } else {
      std::string key = fingerprint() + (options.check_bounds ? " checked" : "");
      for (const loops::Kernel* k : distinct)
        key += "\n" + (options.check_bounds ? k->name : std::string()) + "\n" + serialise(*k);
      ObjectCache cache(options.cache_directory);
      if (auto found = cache.read(key)) {
        objects = std::move(*found);
      } else {
        objects = make_objects(distinct, names, emit);
        cache.write(key, objects);
      }
      warning = cache.problem();
    }
    auto out = std::make_shared<Compiled>(load_objects(objects));
    for (std::size_t i = 0; i < kernels.size(); ++i)
      out->entries.push_back(
          {reinterpret_cast<loops::KernelFunction>(out->code().find(of_kernel[i])), scratch_bytes(kernels[i])});
    return out;
  }
};

}  // namespace

}  // namespace tf2jax::codegen

extern "C" __attribute__((visibility("default"))) tf2jax::loops::CodeGenerator* tf2jax_code_generator(
    std::int64_t interface_version, const char** error) {
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
