// Conversions between TensorFlow's messages and plain values.
#include "tf2jax/tf_graph/internal/protos.h"

#include "tf2jax/base/limits.h"
#include "tf2jax/tf_graph/internal/files.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include <cstring>

namespace tf2jax::detail {
namespace tf = tensorflow;
namespace pb = google::protobuf;

namespace {

struct TypeRow {
  tf::DataType type;
  DType dtype;
};
constexpr TypeRow kTypes[] = {
    {tf::DT_FLOAT, f32},
    {tf::DT_DOUBLE, f64},
    {tf::DT_INT32, i32},
    {tf::DT_UINT8, u8},
    {tf::DT_INT16, i16},
    {tf::DT_INT8, i8},
    {tf::DT_COMPLEX64, c64},
    {tf::DT_INT64, i64},
    {tf::DT_BOOL, bool_},
    {tf::DT_BFLOAT16, bf16},
    {tf::DT_UINT16, u16},
    {tf::DT_COMPLEX128, c128},
    {tf::DT_HALF, f16},
    {tf::DT_UINT32, u32},
    {tf::DT_UINT64, u64},
    // Quantised types are their integers; a dtype has the first type of its kind.
    {tf::DT_QINT8, i8},
    {tf::DT_QUINT8, u8},
    {tf::DT_QINT16, i16},
    {tf::DT_QUINT16, u16},
    {tf::DT_QINT32, i32},
};

// One constant may not ask for more memory than a whole GraphDef may hold.
constexpr std::int64_t kMaxTensorBytes = std::int64_t{1} << 31;
constexpr int kTextRecursionLimit = 100;
// Contents from here on are borrowed from their message where that is possible; smaller ones are worth aligned memory.
constexpr std::size_t kBorrowed = std::size_t{1} << 24;

class ErrorCollector final : public pb::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (text_.empty()) text_ = fmt::format("line {}, column {}: {}", line + 1, column + 1, message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// libprotobuf writes parse errors to stderr unless told otherwise; ours travel in the exception.
void silence_protobuf() {
  static pb::LogHandler* const previous = pb::SetLogHandler(nullptr);
  (void)previous;
}

template <class To, class From>
Array from_list(DType dtype, const Dims& dims, const From& list, int components, std::string_view where) {
  const std::int64_t n = num_elements(dims);
  const std::int64_t given = list.size() / components;
  check(list.size() % components == 0 && given <= n, "{}: {} values are given for shape {}; expected at most {}.",
        where, given, tuple_string(dims), n);
  return detail::exact_array({dtype, symbolic(dims), false}, [&](std::byte* out) {
    auto* p = reinterpret_cast<To*>(out);
    for (std::int64_t i = 0; i < n; ++i) {
      // The last value stands for the rest; no value at all means zero.
      const std::int64_t from = std::min(i, given - 1);
      for (int c = 0; c < components; ++c)
        *p++ = from < 0 ? To{} : static_cast<To>(list.Get(static_cast<int>(from * components + c)));
    }
  });
}

Array array_from_content(const std::string& content, DType dtype, const Dims& dims, std::string_view where,
                         std::shared_ptr<const void> owner) {
  const auto bytes = num_elements(dims) * itemsize(dtype);
  check(static_cast<std::int64_t>(content.size()) == bytes, "{}: tensor_content has {} bytes; expected {} for {}{}.",
        where, content.size(), bytes, short_name(dtype), tuple_string(dims));
  if (dtype == bool_) {
    for (const char c : content)
      check(c == 0 || c == 1, "{}: a bool holds the byte {}; expected 0 or 1.", where, static_cast<int>(c));
  }
  if (!owner || content.size() < kBorrowed)
    return detail::exact_array({dtype, symbolic(dims), false}, std::as_bytes(std::span(content)));
  return detail::exact_view(dtype, dims, content.data(), [owner = std::move(owner)] {});
}

Array array_from_proto(const tf::TensorProto& proto, DType dtype, const Dims& dims, std::string_view where,
                       std::shared_ptr<const void> owner) {
  const std::int64_t n = num_elements(dims);
  check(n <= kMaxTensorBytes / itemsize(dtype), "{}: a constant of shape {} has more than {} bytes.", where,
        tuple_string(dims), kMaxTensorBytes);
  if (!proto.tensor_content().empty() || n == 0)
    return array_from_content(proto.tensor_content(), dtype, dims, where, std::move(owner));
  switch (dtype) {
    case f32: return from_list<float>(dtype, dims, proto.float_val(), 1, where);
    case f64: return from_list<double>(dtype, dims, proto.double_val(), 1, where);
    case c64: return from_list<float>(dtype, dims, proto.scomplex_val(), 2, where);
    case c128: return from_list<double>(dtype, dims, proto.dcomplex_val(), 2, where);
    case i64: return from_list<std::int64_t>(dtype, dims, proto.int64_val(), 1, where);
    case u64: return from_list<std::uint64_t>(dtype, dims, proto.uint64_val(), 1, where);
    case u32: return from_list<std::uint32_t>(dtype, dims, proto.uint32_val(), 1, where);
    case bool_: return from_list<bool>(dtype, dims, proto.bool_val(), 1, where);
    case i32: return from_list<std::int32_t>(dtype, dims, proto.int_val(), 1, where);
    case i16: return from_list<std::int16_t>(dtype, dims, proto.int_val(), 1, where);
    case i8: return from_list<std::int8_t>(dtype, dims, proto.int_val(), 1, where);
    case u16: return from_list<std::uint16_t>(dtype, dims, proto.int_val(), 1, where);
    case u8: return from_list<std::uint8_t>(dtype, dims, proto.int_val(), 1, where);
    case f16:
    case bf16: return from_list<std::uint16_t>(dtype, dims, proto.half_val(), 1, where);
    default: raise<NotImplementedError>("{}: constants of type {} are not supported.", where, short_name(dtype));
  }
}

StringTensor strings_from_proto(const tf::TensorProto& proto, const Dims& dims, std::string_view where) {
  const std::int64_t n = num_elements(dims), given = proto.string_val_size();
  check(given <= n, "{}: {} strings are given for shape {}; expected at most {}.", where, given, tuple_string(dims), n);
  check(n <= (std::int64_t{1} << 24) || n == given, "{}: a string constant of shape {} is too large.", where,
        tuple_string(dims));
  StringTensor result{dims, {}};
  result.values.reserve(n);
  for (std::int64_t i = 0; i < n; ++i)
    result.values.push_back(given == 0 ? std::string() : proto.string_val(static_cast<int>(std::min(i, given - 1))));
  return result;
}

}  // namespace

tf::DataType base_type(tf::DataType type) { return type > 100 ? static_cast<tf::DataType>(type - 100) : type; }

std::optional<DType> dtype_from_proto(tf::DataType type) {
  for (const auto& row : kTypes) {
    if (row.type == base_type(type)) return row.dtype;
  }
  return std::nullopt;
}

tf::DataType dtype_to_proto(DType dtype) {
  for (const auto& row : kTypes) {
    if (row.dtype == dtype) return row.type;
  }
  raise<DtypeError>("dtype: it has no TensorFlow type. Got {}.", short_name(dtype));
}

std::string type_name(tf::DataType type) {
  const auto& name = tf::DataType_Name(type);
  return name.starts_with("DT_") ? name.substr(3) : fmt::format("type {}", static_cast<int>(type));
}

std::optional<Dims> shape_from_proto(const tf::TensorShapeProto& shape, std::string_view where) {
  if (shape.unknown_rank()) return std::nullopt;
  check(shape.dim_size() <= 254, "{}: a shape has {} dimensions; expected at most 254.", where, shape.dim_size());
  Dims dims;
  for (const auto& d : shape.dim()) {
    check(d.size() >= -1, "{}: a dimension has size {}; expected -1 or more.", where, d.size());
    dims.push_back(d.size());
  }
  return dims;
}

tf::TensorShapeProto shape_to_proto(const std::optional<Dims>& shape) {
  tf::TensorShapeProto proto;
  if (!shape) {
    proto.set_unknown_rank(true);
    return proto;
  }
  for (const auto d : *shape) proto.add_dim()->set_size(d);
  return proto;
}

Dims concrete_shape(const tf::TensorShapeProto& shape, std::string_view where) {
  const auto dims = shape_from_proto(shape, where);
  check(dims.has_value(), "{}: the shape of a stored tensor is unknown.", where);
  for (const auto d : *dims)
    check(d >= 0, "{}: the shape {} of a stored tensor is not fully known.", where, tuple_string(*dims));
  check_sizes(*dims, where);
  return *dims;
}

TensorData tensor_from_proto(const tf::TensorProto& proto, std::string_view where, std::shared_ptr<const void> owner) {
  const Dims dims = concrete_shape(proto.tensor_shape(), where);
  const auto type = base_type(proto.dtype());
  if (type == tf::DT_STRING) return strings_from_proto(proto, dims, where);
  const auto dtype = dtype_from_proto(type);
  check<NotImplementedError>(dtype.has_value(), "{}: tensors of type {} are not supported.", where, type_name(type));
  return array_from_proto(proto, *dtype, dims, where, std::move(owner));
}

tf::TensorProto tensor_to_proto(const TensorData& value) {
  tf::TensorProto proto;
  if (const auto* strings = std::get_if<StringTensor>(&value)) {
    proto.set_dtype(tf::DT_STRING);
    *proto.mutable_tensor_shape() = shape_to_proto(strings->dims);
    for (const auto& s : strings->values) proto.add_string_val(s);
    return proto;
  }
  const auto& x = std::get<Array>(value);
  proto.set_dtype(dtype_to_proto(x.dtype()));
  *proto.mutable_tensor_shape() = shape_to_proto(x.dims());
  const auto bytes = x.bytes();
  proto.set_tensor_content(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  return proto;
}

TensorSpec make_spec(std::string name, tf::DataType type, const tf::TensorShapeProto& shape, std::string_view where) {
  return {.name = std::move(name),
          .type = type_name(base_type(type)),
          .dtype = dtype_from_proto(type),
          .shape = shape_from_proto(shape, where)};
}

namespace {

constexpr std::size_t kMaxMessage = 0x7fffffff;  // of protobuf

void parse_stream(pb::io::ZeroCopyInputStream& raw, std::size_t size, pb::Message& message, std::string_view where) {
  silence_protobuf();
  check<ParseError>(size <= kMaxMessage, "{}: {} bytes are more than a protobuf message may have.", where, size);
  pb::io::CodedInputStream stream(&raw);
  const bool ok = message.ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage();
  check<ParseError>(
      ok, "{}: not a valid {} protobuf (it fails near byte {} of {}). Is the file complete, and of this kind?", where,
      std::string(message.GetDescriptor()->name()), stream.CurrentPosition(), size);
}

class FileStream final : public pb::io::CopyingInputStream {
 public:
  explicit FileStream(const InputFile& file) : file_(file) {}
  int Read(void* buffer, int size) override {
    const auto n = std::min<std::int64_t>(size, file_.size() - at_);
    file_.read(at_, {static_cast<std::byte*>(buffer), static_cast<std::size_t>(n)});
    at_ += n;
    return static_cast<int>(n);
  }

 private:
  const InputFile& file_;
  std::int64_t at_ = 0;
};

}  // namespace

void parse_binary(std::string_view bytes, pb::Message& message, std::string_view where) {
  pb::io::ArrayInputStream raw(bytes.data(), static_cast<int>(std::min(bytes.size(), kMaxMessage)));
  parse_stream(raw, bytes.size(), message, where);
}

namespace {

// The parser limits the depth of the fields it knows, but not of those that it skips.
void check_depth(std::string_view text, std::string_view where) {
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote) {
      if (c == '\\') ++i;
      else if (c == quote || c == '\n') quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (c == '{' || c == '<' || c == '[') {
      check<ParseError>(++depth <= 2 * kTextRecursionLimit, "{}: the text is nested more than {} deep.", where,
                        2 * kTextRecursionLimit);
    } else if (c == '}' || c == '>' || c == ']') {
      --depth;
    }
  }
}

}  // namespace

void parse_text(std::string_view text, pb::Message& message, std::string_view where) {
  silence_protobuf();
  check<ParseError>(text.size() <= std::size_t{0x7fffffff}, "{}: the text is too long.", where);
  ErrorCollector errors;
  pb::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.AllowUnknownField(true);
  parser.AllowUnknownExtension(true);
  parser.SetRecursionLimit(kTextRecursionLimit);
  check_depth(text, where);
  pb::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  const bool ok = parser.Parse(&stream, &message);
  check<ParseError>(ok, "{}: not a valid {} in protobuf text: {}", where, std::string(message.GetDescriptor()->name()),
                    errors.text().empty() ? std::string("it is malformed") : errors.text());
}

void parse_file(const std::filesystem::path& path, pb::Message& message) {
  const auto extension = path.extension();
  if (extension == ".pbtxt" || extension == ".txt" || extension == ".prototxt")
    return parse_text(read_file(path), message, path.string());
  const InputFile file(path);
  FileStream bytes(file);
  pb::io::CopyingInputStreamAdaptor stream(&bytes, 1 << 20);
  parse_stream(stream, file.size(), message, path.string());
}

std::string serialize(const pb::Message& message) {
  std::string bytes;
  {
    pb::io::StringOutputStream raw(&bytes);
    pb::io::CodedOutputStream stream(&raw);
    stream.SetSerializationDeterministic(true);
    check<InternalError>(message.SerializeToCodedStream(&stream), "protobuf: a {} cannot be serialized.",
                         std::string(message.GetDescriptor()->name()));
  }
  return bytes;
}

}  // namespace tf2jax::detail

namespace tf2jax {

std::string TensorSpec::to_string() const {
  std::string text = dtype ? std::string(numpy_name(*dtype)) : type;
  if (!dtype) {
    for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  if (!shape) return text + "[...]";
  text += '[';
  for (std::size_t i = 0; i < shape->size(); ++i) {
    if (i > 0) text += ',';
    text += (*shape)[i] < 0 ? "?" : fmt::format("{}", (*shape)[i]);
  }
  return text + ']';
}

}  // namespace tf2jax
