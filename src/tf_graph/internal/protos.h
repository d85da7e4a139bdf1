// TensorFlow's messages, and their conversions to and from plain values. Never included by an installed header.
#pragma once
#include "tf2jax/tf_graph/tensor.h"

#include "tf_checkpoint.pb.h"
#include "tf_graph.pb.h"
#include "tf_saved_model.pb.h"

#include <google/protobuf/message.h>

#include <filesystem>
#include <memory>
#include <string_view>

namespace tf2jax::detail {

/// The Array element type; nullopt for strings, resources and variants. Quantised types are their integers, reference
/// types count as plain.
std::optional<DType> dtype_from_proto(tensorflow::DataType type);
tensorflow::DataType dtype_to_proto(DType dtype);
/// Without reference: DT_FLOAT_REF -> DT_FLOAT.
tensorflow::DataType base_type(tensorflow::DataType type);
/// "FLOAT", "STRING"; a number for values this library does not know.
std::string type_name(tensorflow::DataType type);

/// Sizes with -1 for unknown; nullopt for unknown rank. Throws: ValueError naming `where` for sizes below -1.
std::optional<Dims> shape_from_proto(const tensorflow::TensorShapeProto& shape, std::string_view where);
tensorflow::TensorShapeProto shape_to_proto(const std::optional<Dims>& shape);
/// A fully known shape. Throws: ValueError; ResourceExhaustedError for more elements than Config::max_array_elements.
Dims concrete_shape(const tensorflow::TensorShapeProto& shape, std::string_view where);

/// The value of a stored tensor: packed contents, listed values, or the last listed value repeated.
/// Large packed contents are not copied when `owner` keeps the message alive.
/// Throws: ValueError naming `where` for contents that do not fit the shape; NotImplementedError for other types.
TensorData tensor_from_proto(const tensorflow::TensorProto& proto, std::string_view where,
                             std::shared_ptr<const void> owner = nullptr);
tensorflow::TensorProto tensor_to_proto(const TensorData& value);

TensorSpec make_spec(std::string name, tensorflow::DataType type, const tensorflow::TensorShapeProto& shape,
                     std::string_view where);

/// Reads a binary message. Throws: ParseError naming `where`.
void parse_binary(std::string_view bytes, google::protobuf::Message& message, std::string_view where);
/// Reads protobuf text; fields that are not declared are skipped. Throws: ParseError with the line.
void parse_text(std::string_view text, google::protobuf::Message& message, std::string_view where);
/// Reads a file in either form, binary ones piece by piece; ".pbtxt", ".txt" and ".prototxt" are text.
void parse_file(const std::filesystem::path& path, google::protobuf::Message& message);
/// Deterministic binary form.
std::string serialize(const google::protobuf::Message& message);

}  // namespace tf2jax::detail
