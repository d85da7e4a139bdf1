// The TensorBundle checkpoint format.
#include "tf2jax/tf_graph/tensor_bundle.h"

#include "tf2jax/base/internal/replacement.h"
#include "tf2jax/base/limits.h"
#include "tf2jax/tf_graph/internal/crc32c.h"
#include "tf2jax/tf_graph/internal/files.h"
#include "tf2jax/tf_graph/internal/index_table.h"
#include "tf2jax/tf_graph/internal/protos.h"

#include <algorithm>
#include <cstring>
#include <mutex>

namespace tf2jax {

namespace tf = tensorflow;
using namespace detail;

namespace {

constexpr int kMaxShards = 100000;

std::filesystem::path shard_path(const std::filesystem::path& prefix, int shard, int shards) {
  return prefix.string() + fmt::format(".data-{:05}-of-{:05}", shard, shards);
}
std::filesystem::path index_path(const std::filesystem::path& prefix) { return prefix.string() + ".index"; }

void append_varint(std::string& out, std::uint64_t v) {
  for (; v >= 128; v >>= 7) out += static_cast<char>(v | 128);
  out += static_cast<char>(v);
}

template <class T>
std::string little_endian(T v) {
  std::string bytes(sizeof v, '\0');
  std::memcpy(bytes.data(), &v, sizeof v);
  return bytes;
}

std::uint32_t extend(std::uint32_t crc, std::string_view bytes) {
  return crc32c_extend(crc, std::as_bytes(std::span(bytes)));
}

// Each length enters the checksum as a fixed integer, 4 bytes wide where that is enough.
std::uint32_t extend_length(std::uint32_t crc, std::uint64_t length) {
  if (length <= 0xffffffffu) return extend(crc, little_endian(static_cast<std::uint32_t>(length)));
  return extend(crc, little_endian(length));
}

// Of how many shards the checkpoint is; 0 where its index cannot be read.
int shards_of(const std::filesystem::path& index) {
  try {
    tf::BundleHeaderProto header;
    const auto entries = read_index_table(index);
    const auto it = entries.find("");
    return it != entries.end() && header.ParseFromString(it->second) ? header.num_shards() : 0;
  } catch (const Error&) {
    return 0;
  }
}

// Shards that no writer of TensorFlow's counts to: where data lies while a checkpoint is replaced.
constexpr int kSpareShards[] = {99998, 99999};

// An index and its data are two files. One that is there is replaced by way of data under a spare name: each index that
// ever stands at `prefix` finds its own data.
void put_in_place(const std::filesystem::path& prefix, std::string_view data,
                  std::map<std::string, std::string> entries) {
  const auto shard = shard_path(prefix, 0, 1), index = index_path(prefix);
  const auto put_index = [&](int shards) {
    tf::BundleHeaderProto header;
    header.set_num_shards(shards);
    header.mutable_version()->set_producer(1);
    entries[""] = serialize(header);
    replace_file(index, index_table(entries));
  };
  const auto spare_of = [&](int i) { return shard_path(prefix, 0, kSpareShards[i]); };
  if (std::filesystem::is_regular_file(index)) {
    const int i = shards_of(index) == kSpareShards[0] ? 1 : 0;
    replace_file(spare_of(i), data, shard);
    put_index(kSpareShards[i]);
    replace_by_link(shard, spare_of(i), data);
  } else {
    replace_file(shard, data);
  }
  put_index(1);
  std::error_code ignored;
  for (int i : {0, 1}) {
    std::filesystem::remove(spare_of(i), ignored);
    remove_stale_replacements(replaced_path(spare_of(i)), Replacement::Kind::file);
  }
}

}  // namespace

struct TensorBundle::Impl {
  std::filesystem::path prefix;
  int shards = 1;
  std::map<std::string, tf::BundleEntryProto> entries;
  mutable std::mutex mutex;
  mutable std::map<int, std::shared_ptr<const InputFile>> files;

  const tf::BundleEntryProto& entry(const std::string& key) const {
    const auto it = entries.find(key);
    if (it == entries.end())
      raise<LookupError>("checkpoint '{}': there is no tensor '{}'. It has {} tensors.", prefix.string(), key,
                         entries.size());
    return it->second;
  }
  std::string where(const std::string& key) const {
    return fmt::format("checkpoint '{}', tensor '{}'", prefix.string(), key);
  }

  std::shared_ptr<const InputFile> shard(int id) const {
    const std::lock_guard lock(mutex);
    auto& file = files[id];
    if (!file) file = std::make_shared<const InputFile>(shard_path(prefix, id, shards));
    return file;
  }

  // Bytes that two tensors share would be read for both: a small file could name any amount of data.
  void check_disjoint() const {
    std::vector<std::pair<std::pair<int, std::int64_t>, const std::pair<const std::string, tf::BundleEntryProto>*>>
        places;
    for (const auto& named : entries) {
      const auto& e = named.second;
      if (e.slices_size() == 0 && e.size() > 0 && e.offset() >= 0)
        places.push_back({{e.shard_id(), e.offset()}, &named});
    }
    std::ranges::sort(places);
    for (std::size_t i = 1; i < places.size(); ++i) {
      const auto& [before, last] = *places[i - 1].second;
      const auto& [key, e] = *places[i].second;
      const bool disjoint = e.shard_id() != last.shard_id() || e.offset() - last.offset() >= last.size();
      check<DataLossError>(disjoint, "{}: its bytes are those of tensor '{}' too.", where(key), before);
    }
  }

  // The file that holds the entry's bytes, after checking that they all lie inside it.
  std::shared_ptr<const InputFile> locate(const std::string& key, const tf::BundleEntryProto& e) const {
    check<DataLossError>(e.shard_id() >= 0 && e.shard_id() < shards, "{}: shard {} of {} does not exist.", where(key),
                         e.shard_id(), shards);
    const auto file = shard(e.shard_id());
    const bool ok =
        e.offset() >= 0 && e.size() >= 0 && e.offset() <= file->size() && e.size() <= file->size() - e.offset();
    check<DataLossError>(ok, "{}: '{}' is truncated. It has {} bytes; the tensor needs bytes {} to {}.", where(key),
                         shard_path(prefix, e.shard_id(), shards).string(), file->size(), e.offset(),
                         static_cast<std::uint64_t>(e.offset()) + static_cast<std::uint64_t>(e.size()));
    return file;
  }

  void verify(const std::string& key, const tf::BundleEntryProto& e, std::uint32_t crc) const {
    check<DataLossError>(
        mask_crc(crc) == e.crc32c(),
        "{}: checksum mismatch in '{}' (bytes {} to {}). Stored {:#010x}, computed {:#010x}. The file is damaged.",
        where(key), shard_path(prefix, e.shard_id(), shards).string(), e.offset(), e.offset() + e.size(), e.crc32c(),
        mask_crc(crc));
  }

  Array read_array(const std::string& key, const tf::BundleEntryProto& e, DType dtype, const Dims& dims) const {
    const auto file = locate(key, e);
    const std::int64_t elements = num_elements(dims), bytes = e.size();
    const bool fits = elements <= bytes / itemsize(dtype) && elements * itemsize(dtype) == bytes;
    check<DataLossError>(fits, "{}: {} bytes are stored; {}{} does not have that size.", where(key), e.size(),
                         short_name(dtype), tuple_string(dims));
    return detail::exact_array({dtype, symbolic(dims), false}, [&](std::byte* out) {
      const std::span<std::byte> destination(out, bytes);
      file->read(e.offset(), destination);
      verify(key, e, crc32c_extend(0, destination));
      if (dtype == bool_) {
        for (const std::byte b : destination)
          check<DataLossError>(b <= std::byte{1}, "{}: a bool holds {}.", where(key), static_cast<int>(b));
      }
    });
  }

  // Layout: n varint lengths, the masked checksum of the lengths, the bytes of all strings.
  StringTensor read_strings(const std::string& key, const tf::BundleEntryProto& e, const Dims& dims) const {
    const auto file = locate(key, e);
    const std::int64_t n = num_elements(dims);
    check<DataLossError>(n <= e.size(), "{}: {} bytes cannot hold {} strings.", where(key), e.size(), n);
    std::string bytes(e.size(), '\0');
    file->read(e.offset(), std::as_writable_bytes(std::span(bytes)));
    const auto damaged = [&] { raise<DataLossError>("{}: the string lengths are damaged.", where(key)); };
    std::string_view rest = bytes;
    std::vector<std::uint64_t> lengths;
    std::uint32_t crc = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      std::uint64_t length = 0;
      for (int shift = 0;; shift += 7) {
        if (rest.empty() || shift > 63) damaged();
        const auto b = static_cast<std::uint8_t>(rest.front());
        rest.remove_prefix(1);
        length |= std::uint64_t{b & 0x7fu} << shift;
        if (b < 128) break;
      }
      lengths.push_back(length);
      crc = extend_length(crc, length);
    }
    if (rest.size() < 4 || rest.substr(0, 4) != little_endian(mask_crc(crc))) damaged();
    verify(key, e, extend(crc, rest));
    rest.remove_prefix(4);
    StringTensor result{dims, {}};
    for (const auto length : lengths) {
      if (length > rest.size()) damaged();
      result.values.emplace_back(rest.substr(0, length));
      rest.remove_prefix(length);
    }
    if (!rest.empty()) damaged();
    return result;
  }
};

TensorBundle TensorBundle::open(const std::filesystem::path& prefix) {
  return with_errors(prefix.string(), [&] { return open_index(prefix); });
}

TensorBundle TensorBundle::open_index(const std::filesystem::path& prefix) {
  auto impl = std::make_shared<Impl>();
  impl->prefix = prefix;
  const auto index = index_path(prefix);
  bool has_header = false;
  for (const auto& [key, value] : read_index_table(index)) {
    const auto parse = [&](google::protobuf::Message& message) {
      try {
        parse_binary(value, message, fmt::format("checkpoint index '{}', entry '{}'", index.string(), key));
      } catch (const ParseError& e) {
        throw DataLossError(e.what());
      }
    };
    if (key.empty()) {
      tf::BundleHeaderProto header;
      parse(header);
      check<NotImplementedError>(header.endianness() == tf::BundleHeaderProto::LITTLE,
                                 "checkpoint '{}': it is big-endian. Only little-endian ones are read.",
                                 prefix.string());
      check<DataLossError>(header.num_shards() >= 1 && header.num_shards() <= kMaxShards,
                           "checkpoint index '{}': it names {} shards, which is out of range.", index.string(),
                           header.num_shards());
      impl->shards = header.num_shards();
      has_header = true;
      continue;
    }
    parse(impl->entries[key]);
  }
  check<DataLossError>(has_header, "checkpoint index '{}': it has no header.", index.string());
  impl->check_disjoint();
  TensorBundle bundle;
  bundle.impl_ = std::move(impl);
  return bundle;
}

std::vector<std::string> TensorBundle::keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, entry] : impl_->entries) keys.push_back(key);
  return keys;
}

bool TensorBundle::contains(const std::string& key) const { return impl_->entries.contains(key); }

TensorSpec TensorBundle::spec(const std::string& key) const {
  const auto& e = impl_->entry(key);
  return make_spec(key, e.dtype(), e.shape(), impl_->where(key));
}

TensorData TensorBundle::read(const std::string& key) const {
  const auto where = impl_->where(key);
  return with_errors(where, [&] { return read_entry(key, where); });
}

TensorData TensorBundle::read_entry(const std::string& key, std::string_view where) const {
  const auto& e = impl_->entry(key);
  check<NotImplementedError>(e.slices_size() == 0,
                             "{}: the tensor is stored in {} slices; partitioned variables are not supported.", where,
                             e.slices_size());
  const Dims dims = concrete_shape(e.shape(), where);
  if (base_type(e.dtype()) == tf::DT_STRING) return impl_->read_strings(key, e, dims);
  const auto dtype = dtype_from_proto(e.dtype());
  check<NotImplementedError>(dtype.has_value(), "{}: tensors of type {} are not supported.", where,
                             type_name(e.dtype()));
  return impl_->read_array(key, e, *dtype, dims);
}

Array TensorBundle::array(const std::string& key) const {
  TensorData data = read(key);
  if (auto* x = std::get_if<Array>(&data)) return *x;
  raise<TypeError>("{}: the tensor holds strings. Expected numbers.", impl_->where(key));
}

StringTensor TensorBundle::strings(const std::string& key) const {
  TensorData data = read(key);
  if (auto* s = std::get_if<StringTensor>(&data)) return *s;
  raise<TypeError>("{}: the tensor holds numbers. Expected strings.", impl_->where(key));
}

void write_tensor_bundle(const std::filesystem::path& prefix, const std::map<std::string, TensorData>& tensors) {
  std::map<std::string, std::string> index;
  std::string data;
  for (const auto& [key, value] : tensors) {
    check(!key.empty(), "write_tensor_bundle: a tensor has no name.");
    tf::BundleEntryProto entry;
    entry.set_offset(static_cast<std::int64_t>(data.size()));
    if (const auto* strings = std::get_if<StringTensor>(&value)) {
      check<ShapeError>(
          num_elements(strings->dims) == static_cast<std::int64_t>(strings->values.size()),
          "write_tensor_bundle: the number of strings is wrong. Got tensor '{}' with {}; shape {} needs {}.", key,
          strings->values.size(), tuple_string(strings->dims), num_elements(strings->dims));
      entry.set_dtype(tf::DT_STRING);
      *entry.mutable_shape() = shape_to_proto(strings->dims);
      std::uint32_t crc = 0;
      for (const auto& s : strings->values) {
        append_varint(data, s.size());
        crc = extend_length(crc, s.size());
      }
      const std::string mark = little_endian(mask_crc(crc));
      data += mark;
      crc = extend(crc, mark);
      for (const auto& s : strings->values) {
        data += s;
        crc = extend(crc, s);
      }
      entry.set_crc32c(mask_crc(crc));
    } else {
      const auto& x = std::get<Array>(value);
      entry.set_dtype(dtype_to_proto(x.dtype()));
      *entry.mutable_shape() = shape_to_proto(x.dims());
      const auto bytes = x.bytes();
      data.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      entry.set_crc32c(mask_crc(crc32c_extend(0, bytes)));
    }
    entry.set_size(static_cast<std::int64_t>(data.size()) - entry.offset());
    index[key] = serialize(entry);
  }
  put_in_place(prefix, data, std::move(index));
}

}  // namespace tf2jax
