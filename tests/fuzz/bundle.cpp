// libFuzzer: the index of a checkpoint; the data lies beside it.
#include <unistd.h>

#include <fstream>

#include "target.h"
#include "tf2jax/tf_graph/tensor_bundle.h"

using namespace tf2jax;

namespace {

const std::filesystem::path& prefix() {
  static const auto path = [] {
    const auto directory = std::filesystem::temp_directory_path() / fmt::format("fuzz-bundle-{}", ::getpid());
    std::filesystem::create_directories(directory);
    write_tensor_bundle(directory / "ckpt", {{"a/kernel", array<float>({{1, 2, 3}, {4, 5, 6}})},
                                             {"b", Array(true)},
                                             {"text", StringTensor{{2}, {"ab", ""}}}});
    return directory / "ckpt";
  }();
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::ofstream(prefix().string() + ".index", std::ios::binary) << fuzz::text(data, size);
  return fuzz::judge([] {
    const auto bundle = TensorBundle::open(prefix());
    for (const auto& key : bundle.keys()) {
      try {
        (void)bundle.spec(key);
        (void)bundle.read(key);
      } catch (const InternalError&) {
        throw;
      } catch (const Error&) {
      }
    }
  });
}
