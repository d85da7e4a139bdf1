// Where the code generator's module may be, and what is asked of it.
#include "tf2jax/compiler/codegen/load.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tf2jax/base/buffer_pool.h"
#include "tf2jax/base/error.h"
#include "tf2jax/compiler/codegen/code_pages.h"
#include "tf2jax/compiler/codegen/interface.h"
#include "tf2jax/trace/backend.h"

namespace tf2jax::loops {

namespace {

namespace fs = std::filesystem;

// Where the module may be: named by the user, beside this code, where the loader looks (a program linked to the
// installed library has its folder in the run path), in the build tree, or installed.
std::vector<fs::path> candidates() {
  if (const char* named = std::getenv("TF2JAX_CODEGEN_LIBRARY")) return {named};
  std::vector<fs::path> out;
  const auto add = [&](const fs::path& file) {
    if (std::ranges::find(out, file) == out.end()) out.push_back(file);
  };
  const auto beside = [&](const fs::path& file) {
    const fs::path folder = file.parent_path();
    add(folder / TF2JAX_CODEGEN_FILE);
    add(folder.parent_path() / TF2JAX_CODEGEN_LIBDIR / "tf2jax" / TF2JAX_CODEGEN_FILE);
    add(folder.parent_path() / "lib" / "tf2jax" / TF2JAX_CODEGEN_FILE);
    add(folder / "tf2jax" / TF2JAX_CODEGEN_FILE);
  };
  std::error_code ignored;
  Dl_info here{};
  if (dladdr(reinterpret_cast<void*>(&code_generator), &here) && here.dli_fname)
    beside(fs::absolute(here.dli_fname, ignored));
  beside(fs::read_symlink("/proc/self/exe", ignored));
  add(TF2JAX_CODEGEN_FILE);
  add(fs::path(TF2JAX_CODEGEN_BUILD_DIR) / TF2JAX_CODEGEN_FILE);
  add(fs::path(TF2JAX_CODEGEN_INSTALL_DIR) / TF2JAX_CODEGEN_FILE);
  return out;
}

CodeGenerator& load() {
  std::string tried;
  for (const fs::path& path : candidates()) {
    std::error_code ignored;
    if (path.has_parent_path() && !fs::exists(path, ignored)) {
      tried += "\n  " + path.string() + ": no such file";
      continue;
    }
    // Local: another copy of LLVM in the process must not answer for this one.
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      const char* why = dlerror();
      tried += "\n  " + path.string() + ": " + (why ? why : "cannot be loaded");
      continue;
    }
    const auto factory = reinterpret_cast<CodegenFactory>(dlsym(handle, kCodegenFactory));
    const char* error = "it is not a code generator of tf2jax";
    CodeGenerator* generator = factory ? factory(kCodegenInterface, &error) : nullptr;
    if (generator) {
      // Between compilations its code, some 20 MiB of it touched, is of no use.
      static const void* const code = reinterpret_cast<const void*>(factory);
      when_memory_grows([] { forget_code_pages(code); });
      return *generator;
    }
    tried += "\n  " + path.string() + ": " + error;
    dlclose(handle);
  }
  raise<MissingCompiler>(
      "code_generator: the compiler module was not found. Tried:{}\n"
      "  Build the target tf2jax_codegen (it needs LLVM 19: llvm-19-dev), or set TF2JAX_CODEGEN_LIBRARY to its file.",
      tried);
}

}  // namespace

CodeGenerator& code_generator() {
  static CodeGenerator& generator = load();
  return generator;
}

}  // namespace tf2jax::loops
