// Reductions by a program of the user: reduce over axes, and reduce_window over sliding windows.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tf2jax/ops/window.h"
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {

/// `computation` is the name JAX prints; it carries no information.
struct ReduceProgram {
  std::string computation = "<function>";
  Axes dimensions;
  Jaxpr jaxpr;
  bool operator==(const ReduceProgram&) const = default;
  static void visit_fields(auto& self, auto& v) {
    v.field("computation", self.computation);
    v.field("dimensions", self.dimensions);
    v.field("jaxpr", self.jaxpr);
  }
};
struct WindowProgram {
  Window window;
  Jaxpr jaxpr;
  bool operator==(const WindowProgram&) const = default;
  static void visit_fields(auto& self, auto& v) {
    Window::visit_fields(self.window, v);
    v.fixed("consts", "()");
    v.field("jaxpr", self.jaxpr);
  }
};

const Primitive& reduce_p();
const Primitive& reduce_window_p();

/// Combines two tuples of scalars: (x1, …, xn, y1, …, yn) -> (z1, …, zn). Must be associative, with `inits` as
/// identity; elementwise operations only.
using Reducer = std::function<Arrays(const Arrays&)>;

/// Reduces `operands` together over `axes`, starting from the scalars `inits`.
/// Gradient: that of the reducer along a balanced tree. Throws: ShapeError, TypeError, what `reducer` throws.
Arrays reduce(std::span<const Array> operands, std::span<const Array> inits, const Reducer& reducer, const Axes& axes);
/// Reduces each window; padding holds `inits`.
Arrays reduce_window(std::span<const Array> operands, std::span<const Array> inits, const Reducer& reducer,
                     const Window& window);

}  // namespace tf2jax
