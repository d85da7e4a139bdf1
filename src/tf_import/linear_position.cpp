// Positions as linear functions of one tensor.
#include "tf2jax/tf_import/internal/linear_position.h"

#include "tf2jax/tf_graph/tensor.h"

#include <limits>

namespace tf2jax::tf_import {
namespace {

namespace tf = tensorflow;

// factor * base + offset, where `base` is a scalar, or element `element` of a vector. Without factor: the offset alone.
struct LinearPosition {
  TensorRef base;
  int element = -1;
  std::int64_t factor = 0, offset = 0;
};

constexpr int kDepth = 64;
// Within it nothing wraps, whichever integers a graph computes with.
constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();

class Reader {
 public:
  Reader(const Scope& scope, const Plan& plan) : scope_(scope), plan_(plan) {}

  LinearPosition read(TensorRef ref, int element, int depth = 0) const {
    const LinearPosition itself{ref, element, 1, 0};
    if (ref.node < 0 || plan_.fed.contains(ref) || depth == kDepth) return itself;
    const tf::NodeDef& node = scope_.node(ref.node);
    const auto operand = [&](int i, int of) { return read(input(node, i), of, depth + 1); };
    const auto& op = node.op();
    if (op == "Const") return constant(node, element).value_or(itself);
    if (!has_inputs(node, 1)) return itself;
    if (op == "Identity") return operand(0, element);
    if (op == "Pack" && element >= 0 && element < data_inputs(node) && axis_of(node) == 0) return operand(element, -1);
    if (!has_inputs(node, 2) || (op != "AddV2" && op != "Add" && op != "Sub" && op != "Mul")) return itself;
    const LinearPosition a = operand(0, element), b = operand(1, element);
    if (op == "Mul")
      return (a.factor == 0   ? product(b, a.offset)
              : b.factor == 0 ? product(a, b.offset)
                              : std::nullopt)
          .value_or(itself);
    const int sign = op == "Sub" ? -1 : 1;
    if (b.factor == 0) return shifted(a, sign * b.offset).value_or(itself);
    return (a.factor == 0 && sign > 0 ? shifted(b, a.offset) : std::nullopt).value_or(itself);
  }

 private:
  const Scope& scope_;
  const Plan& plan_;

  static int data_inputs(const tf::NodeDef& node) {
    int n = 0;
    while (n < node.input_size() && !node.input(n).starts_with('^')) ++n;
    return n;
  }
  static bool has_inputs(const tf::NodeDef& node, int n) { return data_inputs(node) >= n; }
  TensorRef input(const tf::NodeDef& node, int i) const { return scope_.resolve(node.input(i), "node", node.name()); }
  static std::int64_t axis_of(const tf::NodeDef& node) {
    const auto it = node.attr().find("axis");
    return it == node.attr().end() ? 0 : it->second.i();
  }

  std::optional<LinearPosition> constant(const tf::NodeDef& node, int element) const {
    const auto it = node.attr().find("value");
    if (it == node.attr().end() || !it->second.has_tensor()) return std::nullopt;
    const TensorData data = detail::tensor_from_proto(it->second.tensor(), node.name(), nullptr);
    const auto* x = std::get_if<Array>(&data);
    if (!x || !is_integer(x->dtype()) || x->rank() > 1 || x->size() > 64) return std::nullopt;
    const auto values = x->to_vector<std::int64_t>();
    const std::size_t i = x->rank() == 0 ? 0 : static_cast<std::uint64_t>(element);  // scalars are added to all
    if (i >= values.size()) return std::nullopt;
    return within({{}, -1, 0, values[i]});
  }

  static std::optional<LinearPosition> within(const LinearPosition& p) {
    const auto fits = [](std::int64_t v) { return -kLargest <= v && v <= kLargest; };
    return fits(p.factor) && fits(p.offset) ? std::optional(p) : std::nullopt;
  }
  static std::optional<LinearPosition> shifted(LinearPosition p, std::int64_t by) {
    p.offset += by;
    return within(p);
  }
  static std::optional<LinearPosition> product(LinearPosition p, std::int64_t by) {
    if (__builtin_mul_overflow(p.factor, by, &p.factor) || __builtin_mul_overflow(p.offset, by, &p.offset))
      return std::nullopt;
    return within(p);
  }
};

}  // namespace

std::optional<std::int64_t> constant_element(const Scope& scope, const Plan& plan, TensorRef x, int element) {
  const LinearPosition at = Reader(scope, plan).read(x, element);
  return at.factor == 0 ? std::optional(at.offset) : std::nullopt;
}

std::optional<std::int64_t> constant_distance(const Scope& scope, const Plan& plan, TensorRef a, TensorRef b,
                                              int element) {
  const Reader reader(scope, plan);
  const LinearPosition from = reader.read(a, element), to = reader.read(b, element);
  const bool same =
      from.factor == to.factor && (from.factor == 0 || (from.base == to.base && from.element == to.element));
  return same ? std::optional(to.offset - from.offset) : std::nullopt;
}

}  // namespace tf2jax::tf_import
