// Rules for graphs of one operation that the Python library computes otherwise, or refuses.
#include "graph_rules.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "graph_reader.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/gather.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/ops/window.h"
#include "tf_graph.pb.h"

namespace conformance {

using namespace tf2jax;

namespace {

// "node:1" and "^node" are about the node.
std::string node_of(const std::string& tensor) {
  const std::size_t start = tensor.starts_with("^") ? 1 : 0;
  return tensor.substr(start, tensor.find(':') - start);
}

// The only operation of a graph, with what its operands are.
class SingleOperation {
 public:
  static std::optional<SingleOperation> of(const Golden& golden, const json& c) {
    SingleOperation s;
    s.graph_ = graph_of(golden, c).shared_proto();
    for (const json& input : c.at("inputs")) s.inputs_.push_back(input.at("name").get<std::string>());
    if (s.graph_->library().function_size() > 0) return std::nullopt;
    for (const auto& node : s.graph_->node()) {
      s.nodes_[node.name()] = &node;
      if (node.op() == "Placeholder" || node.op() == "Const" || node.op() == "Identity" || node.op() == "Shape")
        continue;
      if (s.node_) return std::nullopt;
      s.node_ = &node;
    }
    return s.node_ ? std::optional(s) : std::nullopt;
  }

  const std::string& op() const { return node_->op(); }
  bool flag(const std::string& name) const { return node_->attr().contains(name) && node_->attr().at(name).b(); }
  /// An operand that is a constant integer.
  std::optional<std::int64_t> integer(int operand) const {
    const auto* node = source(operand);
    if (!node || node->op() != "Const") return std::nullopt;
    const auto& t = node->attr().at("value").tensor();
    if (t.int_val_size() == 1) return t.int_val(0);
    if (t.int64_val_size() == 1) return t.int64_val(0);
    return std::nullopt;
  }
  /// An operand that is a constant list of two integers of 32 bits.
  std::optional<std::array<std::int64_t, 2>> pair(int operand) const {
    const auto* node = source(operand);
    if (!node || node->op() != "Const") return std::nullopt;
    const auto& t = node->attr().at("value").tensor();
    if (t.int_val_size() == 2) return std::array<std::int64_t, 2>{t.int_val(0), t.int_val(1)};
    if (t.tensor_content().size() != 8) return std::nullopt;
    std::array<std::int32_t, 2> v;
    std::memcpy(v.data(), t.tensor_content().data(), 8);
    return std::array<std::int64_t, 2>{v[0], v[1]};
  }
  /// Which input an operand is.
  std::optional<std::size_t> input(int operand) const {
    const auto it = std::ranges::find(inputs_, node_->input(operand));
    return it == inputs_.end() ? std::nullopt : std::optional(it - inputs_.begin());
  }
  /// The rank in the file of an operand that is an input.
  int rank(int operand) const {
    const auto* node = source(operand);
    return node ? node->attr().at("shape").shape().dim_size() : -1;
  }
  std::int64_t size(int operand, int axis) const {
    const auto& shape = source(operand)->attr().at("shape").shape();
    return shape.dim(axis < 0 ? shape.dim_size() + axis : axis).size();
  }

 private:
  const tensorflow::NodeDef* source(int operand) const {
    const auto it = nodes_.find(node_->input(operand));
    return it == nodes_.end() ? nullptr : it->second;
  }
  std::shared_ptr<const tensorflow::GraphDef> graph_;
  std::map<std::string, const tensorflow::NodeDef*> nodes_;
  const tensorflow::NodeDef* node_ = nullptr;
  std::vector<std::string> inputs_;
};

using Rule = std::optional<GraphRule> (*)(const SingleOperation&);

// out[..., i, i + k] = diagonal; elsewhere x.
std::optional<GraphRule> set_diagonal_of_oblong_matrix(const SingleOperation& s) {
  if (s.op() != "MatrixSetDiagV3" || !s.input(0) || !s.input(1) || !s.integer(2)) return std::nullopt;
  if (s.rank(1) != s.rank(0) - 1 || s.size(0, -1) == s.size(0, -2)) return std::nullopt;
  const std::int64_t k = *s.integer(2), rows = s.size(0, -2), columns = s.size(0, -1),
                     length = std::min(rows + std::min<std::int64_t>(k, 0), columns - std::max<std::int64_t>(k, 0));
  if (s.size(1, -1) != length) return std::nullopt;
  return GraphRule{
      "the Python library sets diagonals of square matrices only",
      [=, x = *s.input(0), y = *s.input(1)](const Arrays& in) {
        const Array i = iota(DType::i32, {Dim(rows), Dim(columns)}, 0),
                    j = iota(DType::i32, {Dim(rows), Dim(columns)}, 1);
        const Array position =
            clamp(Array(std::int32_t{0}), i - static_cast<std::int32_t>(std::max<std::int64_t>(-k, 0)),
                  Array(static_cast<std::int32_t>(length - 1)));
        return Arrays{where(equal(j - i, Array(static_cast<std::int32_t>(k))), take(in[y], position, -1), in[x])};
      }};
}

// NumPy's broadcasting aligns last axes: Select, not SelectV2, chooses whole rows.
std::optional<GraphRule> select_by_broadcasting(const SingleOperation& s) {
  if (s.op() != "SelectV2" || !s.input(0) || !s.input(1) || !s.input(2)) return std::nullopt;
  if (s.rank(0) != 1 || s.rank(1) < 2) return std::nullopt;
  return GraphRule{"SelectV2 broadcasts its condition along the last axis; choosing whole rows is Select's rule",
                   [a = *s.input(0), b = *s.input(1), c = *s.input(2)](const Arrays& in) {
                     const Array condition = broadcast_in_dim(in[a], in[b].shape(), {in[b].rank() - 1});
                     return Arrays{where(condition, in[b], in[c])};
                   }};
}

// Sums of the elements before each one (after it, in reverse), along an axis counted from the end.
std::optional<GraphRule> exclusive_sum_along_negative_axis(const SingleOperation& s) {
  if (s.op() != "Cumsum" || !s.flag("exclusive") || !s.input(0) || !s.integer(1) || *s.integer(1) >= 0)
    return std::nullopt;
  return GraphRule{
      "axis -1 is the last one; the Python library pads and cuts the wrong axes",
      [axis = *s.integer(1), reverse = s.flag("reverse"), x = *s.input(0)](const Arrays& in) {
        const std::int64_t n = in[x].shape()[in[x].rank() + axis].value();
        Arrays sums;
        Array total = zeros_like(squeeze(slice_in_dim(in[x], 0, 1, 1, in[x].rank() + axis), {in[x].rank() + axis}));
        for (std::int64_t i = 0; i < n; ++i) {
          const std::int64_t at = reverse ? n - 1 - i : i;
          sums.push_back(total);
          total = total + squeeze(slice_in_dim(in[x], at, at + 1, 1, in[x].rank() + axis), {in[x].rank() + axis});
        }
        if (reverse) std::ranges::reverse(sums);
        return Arrays{stack(sums, axis)};
      }};
}

// A tent around the place of each pixel of the result, which is that of the last pixel at most.
Array tents(std::int64_t from, std::int64_t to) {
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  const Array place = minimum(mul(iota(DType::f32, {to, 1}, 0), scale), static_cast<float>(from - 1));
  return maximum(sub(1.f, abs(sub(place, iota(DType::f32, {1, from}, 1)))), 0.f);
}
std::optional<GraphRule> enlarged_by_corners(const SingleOperation& s) {
  if (s.op() != "ResizeBilinear" || s.flag("align_corners") || s.flag("half_pixel_centers")) return std::nullopt;
  if (!s.input(0) || !s.pair(1) || s.rank(0) != 4) return std::nullopt;
  const auto size = *s.pair(1);
  if (size[0] <= s.size(0, 1) && size[1] <= s.size(0, 2)) return std::nullopt;
  return GraphRule{"pixels beyond the last one's centre repeat it in TensorFlow; the Python library makes them 0",
                   [size, x = *s.input(0)](const Arrays& in) {
                     const Dims d = in[x].dims();
                     const Arrays operands{tents(d[1], size[0]), tents(d[2], size[1]), in[x]};
                     return Arrays{einsum("ah,bw,nhwc->nabc", operands)};
                   }};
}

const std::vector<Rule>& rules() {
  static const std::vector<Rule> table = {set_diagonal_of_oblong_matrix, select_by_broadcasting,
                                          exclusive_sum_along_negative_axis, enlarged_by_corners};
  return table;
}

}  // namespace

namespace {

// Nodes that outputs need, by name; those of functions are not looked at.
std::set<std::string> needed_nodes(const tensorflow::GraphDef& graph, const json& outputs) {
  std::map<std::string, const tensorflow::NodeDef*> nodes;
  for (const auto& node : graph.node()) nodes[node.name()] = &node;
  std::set<std::string> needed;
  std::vector<std::string> left = outputs.get<std::vector<std::string>>();
  while (!left.empty()) {
    const std::string name = node_of(left.back());
    left.pop_back();
    if (!nodes.contains(name) || !needed.insert(name).second) continue;
    for (const std::string& input : nodes.at(name)->input()) left.push_back(input);
  }
  return needed;
}

// The same case with a graph that was edited.
GraphRule rule_of_edited(std::string reason, const Golden& golden, const json& c,
                         const std::function<void(tensorflow::GraphDef&)>& edit) {
  auto graph = std::make_shared<tensorflow::GraphDef>(*graph_of(golden, c).shared_proto());
  edit(*graph);
  ConvertOptions options;
  for (const json& input : c.at("inputs")) options.inputs.push_back(input.at("name").get<std::string>());
  options.outputs = c.at("output_names").get<std::vector<std::string>>();
  const ConvertedFunction f = convert(Graph(graph, "edited"), options);
  return {std::move(reason), [f, names = options.outputs](const Arrays& xs) {
            CallArguments a;
            for (const Array& x : xs) a.positional.push_back(Tree(x));
            const auto scope = override_config(&Config::interpret, true);
            return outputs_of(f.call(a), names);
          }};
}

std::string recorded_error(const json& c, const char* type) {
  const json& result = c.at("result");
  return result.contains("error") && result.at("error").at("type") == type
             ? result.at("error").at("message").get<std::string>()
             : "";
}

// Nodes that no output needs are never looked at, so that real models load whatever else is in them.
std::optional<GraphRule> unneeded_nodes(const Golden& golden, const json& c) {
  if (!recorded_error(c, "ValueError").starts_with("Unsupported operations in graph")) return std::nullopt;
  const Graph graph = graph_of(golden, c);
  const std::set<std::string> needed = needed_nodes(graph.proto(), c.at("output_names"));
  const OpCounts unsupported = unsupported_ops(graph);
  for (const auto& node : graph.proto().node())
    if (needed.contains(node.name()) && unsupported.contains(node.op())) return std::nullopt;
  if (graph.proto().library().function_size() > 0) return std::nullopt;
  return rule_of_edited("nodes that no output needs are never looked at", golden, c, [&](tensorflow::GraphDef& g) {
    for (int i = g.node_size(); i-- > 0;)
      if (!needed.contains(g.node(i).name())) g.mutable_node()->DeleteSubrange(i, 1);
  });
}

// Values do not depend on registered gradients, of which the Python library cannot nest several.
std::optional<GraphRule> gradients_in_sequence(const Golden& golden, const json& c) {
  if (recorded_error(c, "AttributeError") != "property of '_Subgraph' object has no setter") return std::nullopt;
  return rule_of_edited("the Python library cannot convert one registered gradient behind another", golden, c,
                        [](tensorflow::GraphDef& g) {
                          for (auto& node : *g.mutable_node()) node.mutable_attr()->erase("_gradient_op_type");
                        });
}

// The graph itself, with the last index in place of a negative one.
std::optional<GraphRule> negative_branch_index(const Golden& golden, const json& c) {
  const Graph graph = graph_of(golden, c);
  const auto& nodes = graph.proto().node();
  const auto node = std::ranges::find_if(
      nodes, [](const auto& n) { return (n.op() == "Case" || n.op() == "StatelessCase") && n.input_size() > 0; });
  if (node == nodes.end()) return std::nullopt;
  const json& inputs = c.at("inputs");
  const auto index = std::ranges::find_if(
      inputs, [&](const json& input) { return input.at("name").get<std::string>() == node_of(node->input(0)); });
  if (index == inputs.end() || std::ranges::any_of(inputs, [](const json& i) { return i.value("static", false); }))
    return std::nullopt;
  const Array given = golden.array(index->at("value"), true);
  if (given.rank() > 0 || given.item<int>() >= 0) return std::nullopt;
  const Array last(node->attr().at("branches").list().func_size() - 1);
  return GraphRule{
      "TensorFlow takes the last branch for any index that is none; JAX's switch the first for negative ones",
      [same = std::make_shared<const GraphCase>(golden, c), at = index - inputs.begin(), last](const Arrays& in) {
        Arrays x = in;
        x[at] = where(less(x[at], zeros_like(x[at])), full_like(x[at], astype(last, x[at].dtype())), x[at]);
        return same->outputs()(x);
      }};
}

}  // namespace

std::optional<GraphRule> graph_rule(const Golden& golden, const json& c) {
  if (auto found = negative_branch_index(golden, c)) return found;
  if (auto found = unneeded_nodes(golden, c)) return found;
  if (auto found = gradients_in_sequence(golden, c)) return found;
  const auto operation = SingleOperation::of(golden, c);
  if (!operation) return std::nullopt;
  for (const Rule rule : rules())
    if (auto found = rule(*operation)) return found;
  return std::nullopt;
}

json with_declared_dtypes(const Golden& golden, const json& c) {
  json out = c;
  if (!c.at("result").contains("outputs")) return out;
  const Graph graph = graph_of(golden, c);
  std::map<std::string, const tensorflow::NodeDef*> nodes;
  for (const auto& node : graph.proto().node()) nodes[node.name()] = &node;
  for (std::size_t i = 0; i < c.at("output_names").size(); ++i) {
    const auto it = nodes.find(node_of(c.at("output_names")[i].get<std::string>()));
    json& recorded = out.at("result").at("outputs")[i];
    if (it == nodes.end() || recorded.at("nbytes") != 0 || !it->second->attr().contains("T")) continue;
    if (it->second->attr().at("T").type() != tensorflow::DT_INT32 || recorded.at("dtype") != "float32") continue;
    recorded["dtype"] = "int32";
    if (out.contains("vmap") && out.at("vmap").contains("outputs")) out.at("vmap").at("outputs")[i]["dtype"] = "int32";
    if (out.contains("jvp") && out.at("jvp").contains("tangents_out")) out.at("jvp").at("tangents_out")[i] = nullptr;
    if (out.contains("vjp") && out.at("vjp").contains("cotangents")) out.at("vjp").at("cotangents")[i] = nullptr;
  }
  return out;
}

}  // namespace conformance
