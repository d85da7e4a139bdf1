// libFuzzer: a GraphDef, in binary or as text, converted and called.
#include "target.h"

using namespace tf2jax;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::judge([&] {
    const auto bytes = fuzz::text(data, size);
    const Graph graph = bytes.starts_with("node") ? Graph::parse_text(bytes) : Graph::parse(bytes);
    (void)graph.op_counts();
    fuzz::call_with_ones(convert(graph, {.jit = false}));
    fuzz::call_with_ones(convert(graph));
  });
}
