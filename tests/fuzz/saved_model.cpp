// libFuzzer: the saved_model.pb of a directory whose checkpoint is whole.
#include <unistd.h>

#include <fstream>

#include "target.h"
#include "tf2jax/tf_graph/graph_builder.h"

using namespace tf2jax;

namespace {

// A directory with the variables of the seeds, one for each process.
const std::filesystem::path& model_directory() {
  static const auto path = [] {
    const auto directory = std::filesystem::temp_directory_path() / fmt::format("fuzz-saved-model-{}", ::getpid());
    GraphBuilder g;
    const auto x = g.placeholder("x", f32, {2, 3});
    const auto y = g.node("AddV2", "y", {x, g.variable("bias", array<float>({1, 2, 3}))}, f32);
    g.save(directory, {{"serving_default", {.inputs = {{"x", x}}, .outputs = {{"y", y}}}}});
    return directory;
  }();
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::ofstream(model_directory() / "saved_model.pb", std::ios::binary) << fuzz::text(data, size);
  return fuzz::judge([] { fuzz::call_with_ones(convert(model_directory())); });
}
