// TensorFlow's own random numbers: the generators of nodes, and the operations whose distributions have parameters.
#pragma once
#include <span>
#include <vector>

#include "tf2jax/ops/internal/philox.h"
#include "tf2jax/tf_import/node.h"

namespace tf2jax::tf_import {

/// An operation's converter where Config::tf_exact_random is set.
struct ExactRandom {
  const char* op;
  Values (*convert)(const Node&);
  bool stateful = false;  // TensorFlow's numbers are known when there is a seed
};

/// Input `i`, whose value is known, with the type that the graph gives it.
/// Throws: ConcretizationError when it is traced.
Array known_input(const Node& n, std::size_t i);
/// The generator of input `i`, a seed of two numbers.
Philox seeded(const Node& n, std::size_t i);
/// That of inputs 1 to 3: key, counter, algorithm. Throws: NotImplementedError for algorithms but Philox.
Philox given(const Node& n);
/// That of the seeds in the attributes, as the first call of a session has it. Throws: NotImplementedError in a loop.
Philox of_attributes(const Node& n);

/// That of the state of a tf.random.Generator, 3 words of 64 bits. Throws: ConcretizationError when it is traced.
Philox known_state(const Array& state);
/// Key and counter of a tf.random.Generator as a key of JAX's.
Array key_of_generator(const Array& key, const Array& counter);
/// The numbers of an operation that has its state in a variable. Inputs: state, algorithm, shape, parameters.
Values exact_of_state(const Node& n, const Philox& generator);
/// Binomial numbers that TensorFlow draws from `generator`; inputs `first` and the next: counts, probabilities.
Values exact_binomials(const Node& n, const Philox& generator, std::size_t shape, std::size_t first);
/// By how many numbers StatefulRandomBinomial moves its state on.
std::int64_t blocks_of_binomial(const Node& n, const Dims& dims);

/// Gamma, Poisson, binomial, multinomial, truncated normal numbers between bounds, and shuffles.
std::span<const ExactRandom> exact_random_with_parameters();

}  // namespace tf2jax::tf_import
