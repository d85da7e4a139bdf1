// What a program leaves open, found in its equations: the phases of eigenvectors, the order of equal keys in a sort
// that is not stable. Results are brought to the recorded choice before they are compared; what is wrong stays wrong.
#pragma once
#include <map>
#include <set>

#include "differentiable.h"
#include "tf2jax/trace/jaxpr.h"

namespace conformance {

/// Eigenvectors, the columns of the last two axes, with the phases of others.
tf2jax::Array in_phase_of(const tf2jax::Array& vectors, const tf2jax::Array& like);

class OpenResults {
 public:
  explicit OpenResults(const tf2jax::Jaxpr& program);

  /// Takes the choice from our results and the recorded ones of the same program, at the same inputs.
  void choose(const tf2jax::Arrays& got, const tf2jax::Arrays& want);
  /// Results in the recorded phases. `at` says which outputs of the program they are.
  tf2jax::Arrays in_phase(tf2jax::Arrays results, const Positions& at) const;
  /// Both in one order of equal keys; with tangents, values and tangents move together. `axis_shift`: axes in front.
  void order(tf2jax::Arrays& got, tf2jax::Arrays& want, std::int64_t axis_shift = 0) const;
  /// Recorded cotangents are those of the recorded eigenvectors; these are ours.
  tf2jax::Arrays cotangents(tf2jax::Arrays recorded, const Positions& at) const {
    return in_phase(std::move(recorded), at);
  }

 private:
  std::set<std::size_t> eigenvectors_;           // outputs
  std::map<std::size_t, tf2jax::Array> phases_;  // recorded column = our column * phase
  std::optional<std::int64_t> sorted_along_;     // all outputs come from one unstable sort along this axis
};

}  // namespace conformance
