// From kernels to object files.
#include "tf2jax/compiler/codegen/object/internal/object.h"

#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/SubtargetFeature.h>

#include <cstdlib>
#include <mutex>
#include <stdexcept>

namespace tf2jax::codegen {

namespace {

// LLVM offers no other way to reach its switches. Loop strength reduction would take a third of the time of a small
// kernel and gains nothing, as our addresses are simple.
void set_switch(const char* name) {
  const auto& all = llvm::cl::getRegisteredOptions();
  const auto found = all.find(name);
  if (found != all.end()) found->second->addOccurrence(0, name, "true");
}

Host detect() {
  set_switch("disable-lsr");
  if (llvm::InitializeNativeTarget() || llvm::InitializeNativeTargetAsmPrinter())
    throw std::runtime_error("LLVM has no native target");
  Host h;
  h.triple = llvm::sys::getProcessTriple();
  h.cpu = llvm::sys::getHostCPUName().str();
  llvm::SubtargetFeatures features;
  auto all = llvm::sys::getHostCPUFeatures();
  // Code for a lesser processor, to test it on this one: its name, such as x86-64-v3.
  if (const char* lesser = std::getenv("TF2JAX_CODEGEN_CPU")) {
    h.cpu = lesser;
    const bool v3 = h.cpu == "x86-64-v3";
    all.clear();
    for (const char* name : {"avx2", "fma"}) all[name] = v3;
  } else {
    for (const auto& f : all) features.AddFeature(f.getKey(), f.getValue());
  }
  h.features = features.getString();
  const auto has = [&](const char* name) { return all.lookup(name); };
  h.avx512 = has("avx512f") && has("avx512dq") && has("avx512bw") && has("avx512vl");
  h.lanes = h.avx512 ? 16 : has("avx2") && has("fma") ? 8 : 4;
  return h;
}

// Target machines are not shared between threads, and take longer to make than a small kernel.
class Machines {
 public:
  std::unique_ptr<llvm::TargetMachine> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        auto out = std::move(free_.back());
        free_.pop_back();
        return out;
      }
    }
    const Host& h = host();
    std::string error;
    const llvm::Target* target = llvm::TargetRegistry::lookupTarget(h.triple, error);
    if (!target) throw std::runtime_error(error);
    llvm::TargetOptions options;
    auto* machine = target->createTargetMachine(h.triple, h.cpu, h.features, options, llvm::Reloc::PIC_,
                                                llvm::CodeModel::Small, llvm::CodeGenOptLevel::Less, true);
    if (!machine) throw std::runtime_error("LLVM cannot make code for " + h.cpu);
    return std::unique_ptr<llvm::TargetMachine>(machine);
  }
  void give_back(std::unique_ptr<llvm::TargetMachine> machine) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(machine));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<llvm::TargetMachine>> free_;
};

Machines& machines() {
  static auto* all = new Machines;  // lives as long as LLVM's own tables
  return *all;
}

void emit(const std::vector<const loops::Kernel*>& kernels, const std::vector<std::string>& symbols,
          const EmitOptions& options, llvm::TargetMachine& machine, llvm::Module& module) {
  module.setDataLayout(machine.createDataLayout());
  module.setTargetTriple(machine.getTargetTriple().str());
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    try {
      emit_kernel(module, *kernels[i], symbols[i], options);
    } catch (const std::exception& e) {
      throw std::runtime_error("kernel '" + kernels[i]->name + "': " + e.what());
    }
  }
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  if (llvm::verifyModule(module, &stream)) throw std::runtime_error("the emitted code is not well formed: " + problem);
}

}  // namespace

const Host& host() {
  static const Host h = detect();
  return h;
}

Bytes make_object(const std::vector<const loops::Kernel*>& kernels, const std::vector<std::string>& symbols,
                  const EmitOptions& options) {
  auto machine = machines().take();
  llvm::LLVMContext context;
  llvm::Module module("loops", context);
  emit(kernels, symbols, options, *machine, module);
  Bytes bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    throw std::runtime_error("LLVM cannot write object files for this machine");
  passes.run(module);
  machines().give_back(std::move(machine));
  return bytes;
}

}  // namespace tf2jax::codegen
