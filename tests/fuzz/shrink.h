// Smaller programs that fail in the same way.
#pragma once
#include <tf2jax/tf2jax.h>

#include <functional>

namespace tf2jax::fuzz {

struct Example {
  Jaxpr program;
  Arrays inputs;
};

/// The smallest part of the program (some equations, results of the others as inputs) for which `fails` holds that this
/// search finds. `fails` holds for the whole.
Example shrink(const Example& whole, const std::function<bool(const Example&)>& fails);

/// The program with the calls inside replaced by what they call, loops and branches left.
Jaxpr inlined(const Jaxpr& program);

}  // namespace tf2jax::fuzz
