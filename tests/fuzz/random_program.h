// Programs drawn at random: every primitive and form of control flow, nested transforms, awkward shapes.
#pragma once
#include <tf2jax/tf2jax.h>

#include "draw.h"

namespace tf2jax::fuzz {

struct RandomProgram {
  Jaxpr program;
  Arrays inputs;
  bool is_smooth = true;  // its derivatives are those of its values: finite differences may judge
  std::string what;       // which transform was applied last
};

/// The program of a seed. Programs of x64 seeds need Config::enable_x64.
/// Throws: what the library throws where it refuses a draw.
RandomProgram random_program(std::uint64_t seed);
/// Whether random_program(seed) is to run with 64-bit types.
bool wants_x64(std::uint64_t seed);

// ---- for the files of this folder

/// What a program has computed so far, and the choices that go on from there. Arrays are tracers.
class Pool {
 public:
  Pool(Draw& draw, Arrays first, int depth) : draw(draw), depth(depth), values_(std::move(first)) {}
  Draw& draw;
  const int depth;  // transforms and loops around
  bool is_smooth = true;
  std::int64_t largest = 4096;  // elements of one array

  const Arrays& values() const { return values_; }
  void add(const Array& x) {
    if (x.size() <= largest) values_.push_back(x);
  }
  /// A value that `accepts` takes, later ones likelier; nullopt where there is none.
  template <class P>
  std::optional<Array> find(P&& accepts) {
    Arrays fit;
    for (const Array& x : values_)
      if (accepts(x)) fit.push_back(x);
    if (fit.empty()) return std::nullopt;
    const auto n = static_cast<std::int64_t>(fit.size());
    return fit[std::max(draw.below(n), draw.below(n))];
  }
  std::optional<Array> any() {
    return find([](const Array&) { return true; });
  }
  std::optional<Array> real_float() {
    return find([](const Array& x) { return is_floating(x.dtype()); });
  }
  std::optional<Array> inexact() {
    return find([](const Array& x) { return is_inexact(x.dtype()); });
  }
  std::optional<Array> integer() {
    return find([](const Array& x) { return is_integer(x.dtype()); });
  }
  std::optional<Array> like(const Array& x) {
    return find([&](const Array& y) { return y.dtype() == x.dtype() && y.dims() == x.dims(); });
  }
  /// An array of that type, made of what is here where it can be.
  Array fitted(const Aval& aval);

 private:
  Arrays values_;
};

/// A constant array with values fit for its type: reals in [-2, 2], small integers.
Array random_array(Draw& draw, DType dtype, const Dims& dims);
Dims random_dims(Draw& draw, std::int64_t rank);

/// A way to go on: adds to the pool, or does nothing where nothing fits.
struct Step {
  double weight;
  void (*run)(Pool&);
};
void append_elementwise_steps(std::vector<Step>& steps);
void append_movement_steps(std::vector<Step>& steps);
void append_contraction_steps(std::vector<Step>& steps);
void append_indexing_steps(std::vector<Step>& steps);
void append_control_steps(std::vector<Step>& steps);

/// A function of its arguments that takes `steps` random steps, the same ones each time it is traced, and returns
/// values of the types `outs`; of any type where that is empty.
FlatFn random_function(Draw& draw, int steps, int depth, bool* is_smooth, Avals outs = {});

}  // namespace tf2jax::fuzz
