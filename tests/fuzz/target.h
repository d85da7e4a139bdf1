// What the targets of libFuzzer share.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tf2jax/base/config.h"
#include "tf2jax/base/error.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/convert.h"

namespace tf2jax::fuzz {

/// Runs `f` within small budgets. Ends the process for everything that it throws but errors of input.
template <class F>
int judge(F f) {
  static const bool ready = [] {
    Config c = config();
    c.max_array_elements = 1 << 18;  // a transform of 2^20 elements takes seconds under sanitizers
    c.max_total_bytes = std::int64_t{1} << 29;
    c.max_expanded_nodes = 10000;
    c.max_loop_steps = 100;
    c.max_seconds = 1;
    update_config(c);
    return true;
  }();
  (void)ready;
  const auto stop = [](const char* what) {
    std::fprintf(stderr, "not an error of input: %s\n", what);
    std::abort();
  };
  try {
    f();
  } catch (const InternalError& e) {
    stop(e.what());
  } catch (const Error&) {
  } catch (const std::exception& e) {
    stop(e.what());
  }
  return 0;
}

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Calls `f` with ones, op by op and staged.
inline void call_with_ones(const ConvertedFunction& f) {
  CallArguments arguments;
  for (const auto& spec : f.structured_inputs().tensors()) {
    Dims dims = spec.shape.value_or(Dims{});
    for (auto& d : dims) d = d < 0 ? 2 : d;
    arguments.positional.push_back(Tree(ones(symbolic(dims), canonical_dtype(spec.dtype.value_or(f32)))));
  }
  (void)f.call(arguments);
}

}  // namespace tf2jax::fuzz
