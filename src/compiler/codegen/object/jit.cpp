// Loads object files into the process with ORC.
#include <llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h>
#include <llvm/ExecutionEngine/Orc/Core.h>
#include <llvm/ExecutionEngine/Orc/ExecutionUtils.h>
#include <llvm/ExecutionEngine/Orc/ExecutorProcessControl.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/Support/MemoryBuffer.h>

#include <atomic>
#include <stdexcept>

#include "tf2jax/compiler/codegen/math/internal/math.h"
#include "tf2jax/compiler/codegen/object/internal/object.h"

namespace tf2jax::codegen {

namespace {

void check(llvm::Error error) {
  if (error) throw std::runtime_error(llvm::toString(std::move(error)));
}
template <class T>
T check(llvm::Expected<T> value) {
  if (!value) throw std::runtime_error(llvm::toString(value.takeError()));
  return std::move(*value);
}

// One session for the process; each set of kernels is a library of its own in it, linked to the runtime functions.
class Session {
 public:
  Session()
      : session_(check(llvm::orc::SelfExecutorProcessControl::Create())),
        memory_(check(llvm::jitlink::InProcessMemoryManager::Create())),
        layer_(session_, *memory_) {
    session_.setErrorReporter([](llvm::Error e) { llvm::consumeError(std::move(e)); });  // lookups return them
    runtime_ = &session_.createBareJITDylib("runtime");
    llvm::orc::SymbolMap symbols;
    for (const RuntimeSymbol& s : runtime_symbols())
      symbols[session_.intern(s.name)] = {llvm::orc::ExecutorAddr::fromPtr(s.address),
                                          llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
    check(runtime_->define(llvm::orc::absoluteSymbols(std::move(symbols))));
    runtime_->addGenerator(check(llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess('\0')));
  }

  llvm::orc::JITDylib& load(const std::vector<Bytes>& objects) {
    llvm::orc::JITDylib& library = session_.createBareJITDylib("kernels" + std::to_string(next_++));
    library.addToLinkOrder(*runtime_);
    for (const Bytes& o : objects)
      check(layer_.add(library,
                       llvm::MemoryBuffer::getMemBufferCopy(llvm::StringRef(o.data(), o.size()), library.getName())));
    return library;
  }
  void unload(llvm::orc::JITDylib& library) { llvm::consumeError(session_.removeJITDylib(library)); }
  void* find(llvm::orc::JITDylib& library, const std::string& symbol) {
    return check(session_.lookup({&library}, symbol)).getAddress().toPtr<void*>();
  }

 private:
  llvm::orc::ExecutionSession session_;
  std::unique_ptr<llvm::jitlink::JITLinkMemoryManager> memory_;
  llvm::orc::ObjectLinkingLayer layer_;
  llvm::orc::JITDylib* runtime_ = nullptr;
  std::atomic<std::int64_t> next_ = 0;
};

Session& session() {
  static auto* s = new Session;  // compiled functions may be called until the process ends
  return *s;
}

class Library final : public LoadedCode {
 public:
  explicit Library(const std::vector<Bytes>& objects) : library_(session().load(objects)) {}
  ~Library() override { session().unload(library_); }
  void* find(const std::string& symbol) override { return session().find(library_, symbol); }

 private:
  llvm::orc::JITDylib& library_;
};

}  // namespace

std::unique_ptr<LoadedCode> load_objects(const std::vector<Bytes>& objects) {
  return std::make_unique<Library>(objects);
}

}  // namespace tf2jax::codegen
