// Dispatch of primitives and the table of those known by name.
#include "tf2jax/trace/primitive.h"

#include <map>
#include <mutex>

#include "tf2jax/base/limits.h"
#include "tf2jax/trace/trace.h"

namespace tf2jax {

Arrays Primitive::bind(std::span<const Array> args, const EquationParams& params) const {
  check_operands(args.size());
  return with_memory_errors(name(), [&] { return current_trace()->process(*this, args, params); });
}

Avals Primitive::output_avals(std::span<const Aval> inputs, const EquationParams& params) const {
  check_operands(inputs.size());
  Avals outputs = require(record_->aval, "Abstract evaluation")(inputs, params);
  for (const Aval& out : outputs) check_size(out, name());
  return outputs;
}

void Primitive::wrong_operands(std::size_t count) const {
  const auto [least, most, declared] = record_->operands;
  raise<TypeError>("{}: the number of operands is wrong. Got {}; expected {}{}.", name(), count,
                   least == most ? "" : "at least ", least);
}

void Primitive::missing(std::string_view what) const {
  raise<MissingRule>("{} for '{}' not implemented. Add the rule to its PrimitiveSpec.", what, name());
}

Primitive make_primitive(PrimitiveSpec<NoParams> spec) { return make_primitive<NoParams>(std::move(spec)); }

void set_kernel(const Primitive& primitive, Kernel kernel) {
  // Kernels live for the process: a call on another thread may be running the previous one.
  static std::mutex mutex;
  static std::vector<std::unique_ptr<const Kernel>> kept;
  const std::lock_guard lock(mutex);
  kept.push_back(std::make_unique<const Kernel>(std::move(kernel)));
  primitive.rules().kernel.store(kept.back().get(), std::memory_order_release);
}

namespace {
struct Registry {
  std::mutex mutex;
  std::map<std::string, Primitive, std::less<>> by_name;
};
Registry& registry() {
  static Registry r;
  return r;
}
void ensure_builtins() {
  static std::once_flag once;
  std::call_once(once, detail::register_builtin_primitives);
}
}  // namespace

void register_primitive(const Primitive& primitive) {
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  const auto [it, inserted] = r.by_name.emplace(primitive.name(), primitive);
  check(inserted || it->second == primitive, "register_primitive: the name is taken. Got '{}'. Choose another name.",
        primitive.name());
}

std::optional<Primitive> find_primitive(std::string_view name) {
  ensure_builtins();
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  const auto it = r.by_name.find(name);
  return it == r.by_name.end() ? std::nullopt : std::optional(it->second);
}

std::vector<Primitive> registered_primitives() {
  ensure_builtins();
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  std::vector<Primitive> out;
  for (const auto& [name, p] : r.by_name) out.push_back(p);
  return out;
}

}  // namespace tf2jax
