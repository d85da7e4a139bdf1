// Strings moved, chosen and compared as numbers are: each becomes a number of its own, the operation's converter does
// what it does with numbers, and those that it yields become strings again.
#include <unordered_map>

#include "tf2jax/tf_graph/internal/protos.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/text_budget.h"

namespace tf2jax::tf_import {
namespace {

namespace tf = tensorflow;

// Which outputs are strings when inputs are: an index, or one of these.
constexpr int kAll = -1, kNone = -2, kLast = -3;
struct Row {
  const char* op;
  int strings;
};

constexpr Row kRows[] = {{"Reshape", kAll},
                         {"ExpandDims", kAll},
                         {"Squeeze", kAll},
                         {"ConcatV2", kAll},
                         {"Concat", kAll},
                         {"Pack", kAll},
                         {"Unpack", kAll},
                         {"Split", kAll},
                         {"SplitV", kAll},
                         {"Slice", kAll},
                         {"StridedSlice", kAll},
                         {"Gather", kAll},
                         {"GatherV2", kAll},
                         {"GatherNd", kAll},
                         {"Tile", kAll},
                         {"BroadcastTo", kAll},
                         {"Transpose", kAll},
                         {"ReverseV2", kAll},
                         {"Roll", kAll},
                         {"Fill", kAll},
                         {"Select", kAll},
                         {"SelectV2", kAll},
                         {"PadV2", kAll},
                         {"EnsureShape", kAll},
                         {"TensorScatterUpdate", kAll},
                         {"DynamicPartition", kAll},
                         {"DynamicStitch", kAll},
                         {"RaggedTensorToTensor", kAll},
                         {"SparseToDense", kAll},
                         {"RaggedGather", kLast},
                         {"RaggedTensorToSparse", 1},
                         {"Unique", 0},
                         {"UniqueV2", 0},
                         {"UniqueWithCounts", 0},
                         {"ListDiff", 0},
                         {"Shape", kNone},
                         {"ShapeN", kNone},
                         {"Size", kNone},
                         {"Rank", kNone},
                         {"Equal", kNone},
                         {"NotEqual", kNone}};

// Equal strings have one number. The strings must outlive this.
class Numbering {
 public:
  // Others are no strings: those of a graph that mixes both.
  static constexpr std::int64_t kFirst = std::int64_t{1} << 30;

  Array numbers(const StringTensor& x) {
    std::vector<std::int64_t> out;
    for (const std::string& s : x.values) {
      const auto [it, fresh] = numbers_.try_emplace(s, std::ssize(strings_));
      if (fresh) strings_.push_back(s);
      out.push_back(kFirst + it->second);
    }
    return known_integers(out, x.dims, DType::i32);
  }

  StringTensor strings(const Array& numbers) {
    check<ConcretizationError>(numbers.is_concrete(),
                               "which strings are taken depends on traced values. Got {}. Call without jit.",
                               numbers.aval());
    StringTensor out{numbers.dims(), {}};
    for (const auto i : numbers.to_vector<std::int64_t>()) {
      check<TypeError>(i >= kFirst && i - kFirst < std::ssize(strings_), "strings and numbers are mixed. Got {}.", i);
      budget_.spend(strings_[i - kFirst]);
      out.values.emplace_back(strings_[i - kFirst]);
    }
    return out;
  }

 private:
  std::unordered_map<std::string_view, std::int64_t> numbers_;
  std::vector<std::string_view> strings_;
  TextBudget budget_;
};

bool has_strings(const Node& n) {
  for (std::size_t i = 0; i < n.num_inputs(); ++i)
    if (n.input(i).get_if<StringTensor>()) return true;
  return false;
}

// The node as one of numbers.
tf::NodeDef of_numbers(const tf::NodeDef& node) {
  tf::NodeDef out = node;
  for (auto& [key, value] : *out.mutable_attr())
    if (value.value_case() == tf::AttrValue::kType && value.type() == tf::DT_STRING) value.set_type(tf::DT_INT32);
  return out;
}

Values moved(Node& n, const ConverterTable::Entry& entry, int strings) {
  Numbering numbering;
  Values inputs;
  for (std::size_t i = 0; i < n.num_inputs(); ++i) {
    const auto* s = n.input(i).get_if<StringTensor>();
    inputs.push_back(s ? Value(numbering.numbers(*s), true) : n.input(i));
  }
  const tf::NodeDef proto = of_numbers(n.proto());
  Node inner(n.interpreter(), proto, n.step(), std::move(inputs));
  Values out = entry.convert(inner);
  inner.check_attributes(entry.traits.ignored);
  for (const auto& [key, value] : n.proto().attr()) n.ignore({key});
  for (int i = 0; i < std::ssize(out); ++i) {
    if (strings != kAll && i != (strings == kLast ? std::ssize(out) - 1 : strings)) continue;
    const auto* x = out[i].get_if<Array>();
    check<InternalError>(x != nullptr, "strings: {} yields no tensor.", n.op());
    out[i] = numbering.strings(*x);
  }
  return out;
}

}  // namespace

void add_string_movement(ConverterTable& table) {
  for (const auto& row : kRows) {
    const auto* found = table.find(row.op);
    check<InternalError>(found != nullptr, "strings: there is no converter for '{}' to extend.", row.op);
    const auto convert = [entry = *found, strings = row.strings](Node& n) {
      return has_strings(n) ? moved(n, entry, strings) : entry.convert(n);
    };
    table.add(row.op, convert, found->traits);
  }
}

}  // namespace tf2jax::tf_import
