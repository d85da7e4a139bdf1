// libFuzzer: arrays in NumPy's files, alone or in an archive.
#include "target.h"
#include "tf2jax/io/npy.h"

using namespace tf2jax;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::judge([&] {
    const auto bytes = fuzz::text(data, size);
    if (bytes.starts_with("\x93NUMPY")) (void)parse_npy(bytes);
    else (void)parse_npz_tree(bytes);
  });
}
