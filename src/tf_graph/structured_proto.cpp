// StructuredValue to and from its message.
#include "tf2jax/tf_graph/internal/structured_proto.h"

#include <algorithm>

namespace tf2jax::detail {

namespace tf = tensorflow;
using Kind = StructuredValue::Kind;

namespace {
constexpr int kMaxDepth = 64;

TensorSpec spec_from_proto(const tf::TensorSpecProto& proto, std::string_view where) {
  return make_spec(proto.name(), proto.dtype(), proto.shape(), where);
}
}  // namespace

StructuredValue structured_from_proto(const tf::StructuredValue& proto, std::string_view where, int depth) {
  check(depth < kMaxDepth, "{}: a structured value is nested more than {} deep.", where, kMaxDepth);
  StructuredValue v;
  const auto inner = [&](const tf::StructuredValue& child) { return structured_from_proto(child, where, depth + 1); };
  switch (proto.kind_case()) {
    case tf::StructuredValue::kNoneValue:
    case tf::StructuredValue::KIND_NOT_SET: v.kind = Kind::none; break;
    case tf::StructuredValue::kFloat64Value: v.kind = Kind::real, v.real = proto.float64_value(); break;
    case tf::StructuredValue::kInt64Value: v.kind = Kind::integer, v.integer = proto.int64_value(); break;
    case tf::StructuredValue::kStringValue: v.kind = Kind::string, v.string = proto.string_value(); break;
    case tf::StructuredValue::kBoolValue: v.kind = Kind::boolean, v.boolean = proto.bool_value(); break;
    case tf::StructuredValue::kTensorShapeValue: v.kind = Kind::other, v.string = "TensorShape"; break;
    case tf::StructuredValue::kTensorDtypeValue:
      v.kind = Kind::other, v.string = type_name(proto.tensor_dtype_value());
      break;
    case tf::StructuredValue::kTensorSpecValue:
      v.kind = Kind::tensor, v.tensor = spec_from_proto(proto.tensor_spec_value(), where);
      break;
    case tf::StructuredValue::kBoundedTensorSpecValue:
      v.kind = Kind::tensor, v.tensor = spec_from_proto(proto.bounded_tensor_spec_value(), where);
      break;
    case tf::StructuredValue::kTypeSpecValue:
      v.kind = Kind::other, v.string = proto.type_spec_value().type_spec_class_name();
      break;
    case tf::StructuredValue::kListValue:
      v.kind = Kind::list;
      for (const auto& child : proto.list_value().values()) v.items.emplace_back("", inner(child));
      break;
    case tf::StructuredValue::kTupleValue:
      v.kind = Kind::tuple;
      for (const auto& child : proto.tuple_value().values()) v.items.emplace_back("", inner(child));
      break;
    case tf::StructuredValue::kDictValue:
      v.kind = Kind::dict;
      for (const auto& [key, child] : proto.dict_value().fields()) v.items.emplace_back(key, inner(child));
      std::ranges::sort(v.items, {}, &StructuredItem::first);
      break;
    case tf::StructuredValue::kNamedTupleValue:
      v.kind = Kind::named_tuple, v.string = proto.named_tuple_value().name();
      for (const auto& child : proto.named_tuple_value().values())
        v.items.emplace_back(child.key(), inner(child.value()));
      break;
  }
  return v;
}

tf::StructuredValue structured_to_proto(const StructuredValue& v) {
  tf::StructuredValue proto;
  switch (v.kind) {
    case Kind::none: proto.mutable_none_value(); break;
    case Kind::boolean: proto.set_bool_value(v.boolean); break;
    case Kind::integer: proto.set_int64_value(v.integer); break;
    case Kind::real: proto.set_float64_value(v.real); break;
    case Kind::string: proto.set_string_value(v.string); break;
    case Kind::tensor: {
      auto* spec = proto.mutable_tensor_spec_value();
      spec->set_name(v.tensor.name);
      *spec->mutable_shape() = shape_to_proto(v.tensor.shape);
      tf::DataType type = tf::DT_INVALID;
      tf::DataType_Parse("DT_" + v.tensor.type, &type);
      spec->set_dtype(v.tensor.dtype ? dtype_to_proto(*v.tensor.dtype) : type);
      break;
    }
    case Kind::list:
      proto.mutable_list_value();
      for (const auto& [key, child] : v.items) *proto.mutable_list_value()->add_values() = structured_to_proto(child);
      break;
    case Kind::tuple:
      proto.mutable_tuple_value();
      for (const auto& [key, child] : v.items) *proto.mutable_tuple_value()->add_values() = structured_to_proto(child);
      break;
    case Kind::dict:
      proto.mutable_dict_value();
      for (const auto& [key, child] : v.items)
        (*proto.mutable_dict_value()->mutable_fields())[key] = structured_to_proto(child);
      break;
    case Kind::named_tuple:
      proto.mutable_named_tuple_value()->set_name(v.string);
      for (const auto& [key, child] : v.items) {
        auto* pair = proto.mutable_named_tuple_value()->add_values();
        pair->set_key(key);
        *pair->mutable_value() = structured_to_proto(child);
      }
      break;
    case Kind::other: raise<NotImplementedError>("structured value: this type cannot be written. Got '{}'.", v.string);
  }
  return proto;
}

}  // namespace tf2jax::detail
