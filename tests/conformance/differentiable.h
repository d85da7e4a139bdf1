// A recorded case as a function, with its derivatives and its batching as functions of arrays too.
#pragma once
#include "tf2jax/trace/staging.h"

namespace conformance {

using Positions = std::vector<std::size_t>;

tf2jax::Arrays pick(const tf2jax::Arrays& xs, const Positions& at);
tf2jax::Arrays join(const tf2jax::Arrays& a, const tf2jax::Arrays& b);
tf2jax::Arrays part_of(const tf2jax::Arrays& xs, std::size_t from, std::size_t to);
/// The values of tangents, zeros where they are symbolic.
tf2jax::Arrays values_of(const tf2jax::Tangents& tangents);
/// f over examples along `axes`; results vary along axis 0.
tf2jax::Arrays vmapped(const tf2jax::FlatFn& f, const tf2jax::Arrays& xs, const std::vector<tf2jax::Axis>& axes,
                       std::int64_t size);
/// Every argument holds two examples along axis 0.
tf2jax::Arrays vmapped(const tf2jax::FlatFn& f, const tf2jax::Arrays& xs);
/// Two examples of each array, along axis 0; and one of them again.
tf2jax::Arrays stacked(const tf2jax::Arrays& first, const tf2jax::Arrays& second);
tf2jax::Arrays example(const tf2jax::Arrays& both, std::int64_t i);

/// A function of all its `count` inputs, and which inputs and outputs its derivatives are about.
struct Differentiable {
  tf2jax::FlatFn f;
  std::size_t count = 0;
  Positions in, out;

  /// (inputs…, tangents…) -> output tangents
  tf2jax::Arrays jvp(const tf2jax::Arrays& xs) const;
  /// (inputs…, cotangents…) -> input cotangents
  tf2jax::Arrays vjp(const tf2jax::Arrays& xs) const;
  /// (inputs…, tangents…, cotangents…) -> how the input cotangents change along the tangents
  tf2jax::Arrays second(const tf2jax::Arrays& xs) const;

 private:
  tf2jax::FlatFn restricted(const tf2jax::Arrays& inputs) const;
};

}  // namespace conformance
