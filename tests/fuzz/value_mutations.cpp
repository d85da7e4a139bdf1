// Changes of one value of a graph to one that is hostile, or only unusual.
#include "value_graphs.h"

#include <limits>

namespace tf2jax::fuzz {
namespace {

namespace tf = tensorflow;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max(),
                       kLeast = std::numeric_limits<std::int64_t>::min();
const std::vector<std::int64_t> kIntegers{0,
                                          1,
                                          2,
                                          3,
                                          4,
                                          5,
                                          7,
                                          8,
                                          16,
                                          31,
                                          32,
                                          63,
                                          64,
                                          77,
                                          127,
                                          128,
                                          255,
                                          256,
                                          1000,
                                          65535,
                                          65536,
                                          1 << 20,
                                          (1 << 20) + 1,
                                          (std::int64_t{1} << 31) - 1,
                                          std::int64_t{1} << 31,
                                          std::int64_t{1} << 32,
                                          (std::int64_t{1} << 32) + 1,
                                          std::int64_t{1} << 62,
                                          kMost,
                                          kMost - 1,
                                          -1,
                                          -2,
                                          -3,
                                          -4,
                                          -5,
                                          -77,
                                          -128,
                                          -32768,
                                          -(std::int64_t{1} << 31),
                                          -(std::int64_t{1} << 31) - 1,
                                          -(std::int64_t{1} << 62),
                                          kLeast,
                                          kLeast + 1};
const std::vector<float> kFloats{0, -0.f, 1, -1, 0.5f, 2, 1e-30f, 1e30f, -1e30f, NAN, INFINITY, -INFINITY};
const std::vector<tf::DataType> kTypes{
    tf::DT_FLOAT, tf::DT_DOUBLE,    tf::DT_INT32,      tf::DT_INT64,  tf::DT_UINT8,    tf::DT_INT8,
    tf::DT_INT16, tf::DT_UINT16,    tf::DT_UINT32,     tf::DT_UINT64, tf::DT_HALF,     tf::DT_BFLOAT16,
    tf::DT_BOOL,  tf::DT_COMPLEX64, tf::DT_COMPLEX128, tf::DT_STRING, tf::DT_RESOURCE, tf::DT_VARIANT,
    tf::DT_QINT8, tf::DT_INVALID,   tf::DT_FLOAT_REF};
const std::vector<std::string> kTexts{"",
                                      "SAME",
                                      "VALID",
                                      "EXPLICIT",
                                      "NHWC",
                                      "NCHW",
                                      "NDHWC",
                                      "NCDHW",
                                      "REFLECT",
                                      "SYMMETRIC",
                                      "RIGHT_LEFT",
                                      "LEFT_RIGHT",
                                      "ij,jk->ik",
                                      "...ij,...jk->...ik",
                                      "ii->i",
                                      "ij->ji,",
                                      "->",
                                      "ij,ij,ij->",
                                      std::string("\0\xff", 2),
                                      "add",
                                      "abcdefghijklmnopqrstuvwxyz"};

std::int64_t small(Draw& draw) { return draw.between(0, 6); }
std::int64_t integer(Draw& draw) { return draw.chance(0.3) ? small(draw) : draw.of(kIntegers); }

template <class List>
void change_list(List& list, Draw& draw, auto value) {
  const auto what = list.empty() ? 1 : draw.below(5);
  if (what == 0) list.RemoveLast();
  else if (what == 1) list.Add(value());
  else if (what == 2) list.Clear();
  else list.Set(static_cast<int>(draw.below(list.size())), value());
}

void change_shape(tf::TensorShapeProto& shape, Draw& draw, bool real) {
  const auto size = [&] { return real ? small(draw) : integer(draw); };
  const auto what = shape.dim_size() == 0 ? 1 : draw.below(5);
  if (what == 0) shape.mutable_dim()->RemoveLast();
  else if (what == 1) shape.add_dim()->set_size(size());
  else if (what == 2) shape.clear_dim();
  else shape.mutable_dim(static_cast<int>(draw.below(shape.dim_size())))->set_size(size());
  if (draw.chance(0.02)) {
    for (int i = 0; i < 12; ++i) shape.add_dim()->set_size(1);
  }
}

// The constant with one number replaced, in another shape, or of another type.
void change_constant(tf::TensorProto& tensor, Draw& draw) {
  const auto what = draw.below(10);
  if (what == 0) {
    change_shape(*tensor.mutable_tensor_shape(), draw, false);  // the contents stay: they fit no more, or repeat
    return;
  }
  const auto data = [&]() -> std::optional<Array> {
    try {
      const auto value = detail::tensor_from_proto(tensor, "a constant");
      if (const auto* x = std::get_if<Array>(&value)) return *x;
    } catch (const Error&) {
    }
    return std::nullopt;
  }();
  if (!data || is_complex(data->dtype())) return;
  if (is_floating(data->dtype()) && what > 2) {
    auto values = data->to_vector<float>();
    if (!values.empty()) values[draw.below(data->size())] = draw.of(kFloats);
    tensor =
        detail::tensor_to_proto(detail::exact_array({f32, data->shape(), false}, std::as_bytes(std::span(values))));
    return;
  }
  auto values = data->to_vector<std::int64_t>();
  Dims dims = data->dims();
  if (what < 3) {
    if (values.empty() || draw.chance(0.5)) values.push_back(integer(draw));
    else values.pop_back();
    dims = dims.empty() && values.size() == 1 ? Dims{} : Dims{static_cast<std::int64_t>(values.size())};
    if (values.size() % 2 == 0 && draw.chance(0.3)) dims = {static_cast<std::int64_t>(values.size()) / 2, 2};
  } else if (!values.empty()) {
    values[draw.below(static_cast<std::int64_t>(values.size()))] = integer(draw);
  }
  const DType type = draw.chance(0.9) ? (draw.chance(0.5) ? i64 : i32)
                                      : draw.of(std::vector<DType>{i8, u8, i16, u32, u64, f32, bool_, f64});
  const Array wide = detail::exact_array({i64, symbolic(dims), false}, std::as_bytes(std::span(values)));
  if (type == i64) {
    tensor = detail::tensor_to_proto(wide);
    return;
  }
  tensor = detail::tensor_to_proto(detail::exact_array({type, symbolic(dims), false}, [&](std::byte* out) {
    visit_dtype(type, [&]<class T>(std::type_identity<T>) {
      if constexpr (std::is_arithmetic_v<T>) {
        for (std::size_t i = 0; i < values.size(); ++i) reinterpret_cast<T*>(out)[i] = static_cast<T>(values[i]);
      }
    });
  }));
}

void change_attribute(const std::string& key, tf::AttrValue& a, Draw& draw, const std::vector<std::string>& functions,
                      bool real_shape) {
  using Case = tf::AttrValue::ValueCase;
  switch (a.value_case()) {
    case Case::kB: a.set_b(!a.b()); break;
    case Case::kI: a.set_i(integer(draw)); break;
    case Case::kF: a.set_f(draw.of(kFloats)); break;
    case Case::kType: a.set_type(draw.of(kTypes)); break;
    case Case::kShape: change_shape(*a.mutable_shape(), draw, real_shape); break;
    case Case::kTensor: change_constant(*a.mutable_tensor(), draw); break;
    case Case::kFunc: a.mutable_func()->set_name(draw.of(functions)); break;
    case Case::kS:
      if (key == "dimension_numbers" && !a.s().empty()) {
        (*a.mutable_s())[draw.below(static_cast<std::int64_t>(a.s().size()))] =
            static_cast<char>(draw.chance(0.7) ? small(draw) : draw.below(256));
      } else {
        a.set_s(draw.of(kTexts));
      }
      break;
    case Case::kList:
      if (a.list().func_size() > 0) {
        if (draw.chance(0.5)) a.mutable_list()->mutable_func()->RemoveLast();
        else a.mutable_list()->add_func()->set_name(draw.of(functions));
      } else if (a.list().type_size() > 0) {
        a.mutable_list()->set_type(0, draw.of(kTypes));
      } else {
        change_list(*a.mutable_list()->mutable_i(), draw, [&] { return integer(draw); });
      }
      break;
    default: a.set_i(integer(draw));
  }
}

void change_edges(tf::NodeDef& node, Draw& draw, const std::vector<std::string>& tensors) {
  auto& inputs = *node.mutable_input();
  const auto what = inputs.empty() ? 1 : draw.below(4);
  if (what == 0) inputs.RemoveLast();
  else if (what == 1) *inputs.Add() = draw.of(tensors);
  else if (what == 2)
    inputs.SwapElements(static_cast<int>(draw.below(inputs.size())), static_cast<int>(draw.below(inputs.size())));
  else *inputs.Mutable(static_cast<int>(draw.below(inputs.size()))) = draw.of(tensors) + (draw.chance(0.1) ? ":1" : "");
}

}  // namespace

void mutate(tf::GraphDef& graph, Draw& draw) {
  std::vector<std::string> functions{"nothing"};
  for (const auto& f : graph.library().function()) functions.push_back(f.signature().name());
  const bool inside = graph.library().function_size() > 0 && draw.chance(0.05);
  auto& nodes = inside ? *graph.mutable_library()
                              ->mutable_function(static_cast<int>(draw.below(graph.library().function_size())))
                              ->mutable_node_def()
                       : *graph.mutable_node();
  std::vector<std::string> tensors;
  for (int i = 0; i + 1 < nodes.size(); ++i) tensors.push_back(nodes.Get(i).name());
  if (tensors.empty()) tensors.push_back("nothing");
  auto& node = *nodes.Mutable(static_cast<int>(draw.below(nodes.size())));
  std::vector<std::string> keys;
  for (const auto& [key, value] : node.attr()) keys.push_back(key);
  std::ranges::sort(keys);
  if (keys.empty() || draw.chance(0.1)) return change_edges(node, draw, tensors);
  const auto& key = draw.of(keys);
  if (draw.chance(0.05)) {
    node.mutable_attr()->erase(key);
    return;
  }
  change_attribute(key, (*node.mutable_attr())[key], draw, functions, node.op() == "Placeholder");
}

}  // namespace tf2jax::fuzz
