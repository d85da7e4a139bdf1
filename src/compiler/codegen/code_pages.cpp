// Segments that are mapped without the right to write are as they are in the file.
#include "tf2jax/compiler/codegen/code_pages.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace tf2jax {

void forget_code_pages(const void* symbol) noexcept {
  Dl_info library{};
  if (!dladdr(symbol, &library)) return;
  const auto forget = [](dl_phdr_info* loaded, std::size_t, void* wanted) {
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const ElfW(Phdr)* const segments = loaded->dlpi_phdr;
    const auto start_of = [&](const ElfW(Phdr) & s) { return loaded->dlpi_addr + s.p_vaddr; };
    bool found = false;
    for (int i = 0; i < loaded->dlpi_phnum; ++i)
      found = found || (segments[i].p_type == PT_LOAD && segments[i].p_offset == 0 &&
                        start_of(segments[i]) == reinterpret_cast<std::uintptr_t>(wanted));
    if (!found) return 0;
    for (int i = 0; i < loaded->dlpi_phnum; ++i) {
      const ElfW(Phdr)& s = segments[i];
      if (s.p_type != PT_LOAD || (s.p_flags & PF_W)) continue;
      const std::uintptr_t first = start_of(s) / page * page, end = (start_of(s) + s.p_memsz + page - 1) / page * page;
      madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
    }
    return 1;
  };
  dl_iterate_phdr(forget, library.dli_fbase);
}

}  // namespace tf2jax
