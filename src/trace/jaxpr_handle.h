// The handle of a Jaxpr; its contents are in jaxpr.h. Apart, so that params can hold programs.
#pragma once
#include <cstdint>
#include <memory>

#include "tf2jax/trace/aval.h"

namespace tf2jax {

using VarId = std::int32_t;  // index into JaxprData::vars
struct Atom;
struct JaxprData;

/// A closed program: equations plus the constants they refer to. An immutable handle, cheap to copy, shareable
/// across threads unless a constant is a tracer.
class Jaxpr {
 public:
  Jaxpr();  ///< No inputs, no equations, no outputs.
  explicit Jaxpr(JaxprData data);

  const JaxprData* operator->() const { return data_.get(); }
  const JaxprData& operator*() const { return *data_; }
  const void* id() const { return data_.get(); }

  std::size_t num_inputs() const;
  std::size_t num_outputs() const;
  const Aval& input(std::size_t i) const;
  Avals input_avals() const;
  Avals output_avals() const;
  const Aval& aval(const Atom& atom) const;

  /// Structural equality: same equations, params and constants, variables up to renaming.
  friend bool operator==(const Jaxpr& a, const Jaxpr& b);

 private:
  std::shared_ptr<const JaxprData> data_;
};

std::size_t hash_value(const Jaxpr& jaxpr);

}  // namespace tf2jax
