// Reading and writing ZIP archives. Source: PKWARE APPNOTE 6.3.9, sections 4.3 to 4.5.
#include "tf2jax/io/internal/zip.h"

#include "tf2jax/base/error.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <span>
#include <utility>

namespace tf2jax::detail {
namespace {

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64 = 0x06064b50,
                        kLocator64 = 0x07064b50;
constexpr std::uint32_t kMax32 = 0xffffffffu;
// Deflate cannot shrink data more than about 1032-fold; a member that claims more is damaged.
constexpr std::uint64_t kMaxRatio = 1040;

class Reader {
 public:
  Reader(std::string_view bytes, std::string_view where) : bytes_(bytes), where_(where) {}
  std::string_view take(std::uint64_t offset, std::uint64_t n) const {
    check<DataLossError>(offset <= bytes_.size() && n <= bytes_.size() - offset,
                         "{}: the archive is truncated or damaged (bytes {} to {} of {}).", where_, offset, offset + n,
                         bytes_.size());
    return bytes_.substr(offset, n);
  }
  template <class T>
  T get(std::uint64_t offset) const {
    T v{};
    std::memcpy(&v, take(offset, sizeof v).data(), sizeof v);
    return v;
  }
  std::uint64_t size() const { return bytes_.size(); }

 private:
  std::string_view bytes_, where_;
};

struct Directory {
  std::uint64_t offset = 0, size = 0, count = 0;
};

Directory find_directory(const Reader& r, std::string_view where) {
  const std::uint64_t n = r.size();
  const std::uint64_t lowest = n > 22 + 65535 ? n - 22 - 65535 : 0;
  for (std::uint64_t at = n < 22 ? 0 : n - 22 + 1; at-- > lowest;) {
    if (r.get<std::uint32_t>(at) != kEnd) continue;
    Directory d{r.get<std::uint32_t>(at + 16), r.get<std::uint32_t>(at + 12), r.get<std::uint16_t>(at + 10)};
    if (at >= 20 && r.get<std::uint32_t>(at - 20) == kLocator64) {
      const auto end64 = r.get<std::uint64_t>(at - 20 + 8);
      check<DataLossError>(end64 <= n && n - end64 >= 56 && r.get<std::uint32_t>(end64) == kEnd64,
                           "{}: the zip64 directory is damaged.", where);
      d = {r.get<std::uint64_t>(end64 + 48), r.get<std::uint64_t>(end64 + 40), r.get<std::uint64_t>(end64 + 32)};
    }
    return d;
  }
  raise<DataLossError>("{}: this is not a zip archive, or its end is missing.", where);
}

// The ranges of bytes [begin, end) that the directory and the members take. Members that share bytes are a trick: a
// small archive could hold any amount of data.
void check_disjoint(std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges, std::string_view where) {
  std::ranges::sort(ranges);
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    check<DataLossError>(ranges[i - 1].second <= ranges[i].first,
                         "{}: two members share the bytes from {} on; the archive is damaged.", where, ranges[i].first);
  }
}

std::uint32_t extend_crc(std::uint32_t crc, std::span<const std::byte> bytes) {
  if (bytes.empty()) return crc;  // zlib starts anew for no memory
  return static_cast<std::uint32_t>(crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

class StoredMember final : public ByteSource {
 public:
  StoredMember(const ZipEntry& entry, std::string where)
      : ByteSource(entry.size), bytes_(entry.packed), check_(entry.crc), where_(std::move(where)) {}

 private:
  void fill(std::span<std::byte> out) override {
    bytes_.read(out);
    crc_ = extend_crc(crc_, out);
    check<DataLossError>(bytes_.left() > 0 || crc_ == check_, "{}: checksum mismatch; the file is damaged.", where_);
  }
  MemorySource bytes_;
  std::uint32_t check_, crc_ = 0;
  std::string where_;
};

class DeflatedMember final : public ByteSource {
 public:
  DeflatedMember(const ZipEntry& entry, std::string where)
      : ByteSource(entry.size), packed_(entry.packed), check_(entry.crc), where_(std::move(where)) {
    check<IoError>(inflateInit2(&stream_, -MAX_WBITS) == Z_OK, "{}: zlib is not available.", where_);
  }
  ~DeflatedMember() override { inflateEnd(&stream_); }

 private:
  // One inflate of at most `out`; returns what was made.
  std::size_t step(std::span<std::byte> out) {
    constexpr std::size_t kStep = std::numeric_limits<uInt>::max() / 2;
    const auto give = std::min(kStep, packed_.size()), room = std::min(kStep, out.size());
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed_.data()));
    stream_.avail_in = static_cast<uInt>(give);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(room);
    code_ = inflate(&stream_, Z_NO_FLUSH);
    const auto used = give - stream_.avail_in, made = room - stream_.avail_out;
    packed_.remove_prefix(used);
    check<DataLossError>((code_ == Z_OK && used + made > 0) || code_ == Z_STREAM_END,
                         "{}: the compressed data is damaged.", where_);
    return made;
  }

  void fill(std::span<std::byte> out) override {
    for (auto rest = out; !rest.empty();) {
      check<DataLossError>(code_ == Z_OK, "{}: the compressed data is damaged.", where_);
      rest = rest.subspan(step(rest));
    }
    crc_ = extend_crc(crc_, out);
    if (out.size() < left()) return;
    // One byte of room shows that a member is longer than it says.
    std::byte more{};
    while (code_ == Z_OK) check<DataLossError>(step({&more, 1}) == 0, "{}: the compressed data is damaged.", where_);
    check<DataLossError>(crc_ == check_, "{}: checksum mismatch; the file is damaged.", where_);
  }

  std::string_view packed_;
  std::uint32_t check_, crc_ = 0;
  std::string where_;
  z_stream stream_{};
  int code_ = Z_OK;
};

std::uint32_t crc_of(std::string_view bytes) { return extend_crc(0, std::as_bytes(std::span(bytes))); }

template <class T>
void put(std::string& out, std::type_identity_t<T> v) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &v, sizeof v);
  out.append(bytes, sizeof v);
}

std::string deflate_member(std::string_view data) {
  z_stream stream{};
  check<IoError>(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK,
                 "save_npz: zlib is not available.");
  std::string out;
  std::string buffer(std::size_t{1} << 16, '\0');
  std::size_t done = 0;
  int code = Z_OK;
  while (code != Z_STREAM_END) {
    const auto give = std::min<std::size_t>(std::size_t{1} << 30, data.size() - done);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data() + done));
    stream.avail_in = static_cast<uInt>(give);
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    code = deflate(&stream, done + give == data.size() ? Z_FINISH : Z_NO_FLUSH);
    done += give - stream.avail_in;
    out.append(buffer.data(), buffer.size() - stream.avail_out);
  }
  deflateEnd(&stream);
  return out;
}

}  // namespace

std::vector<ZipEntry> list_zip(std::string_view bytes, std::string_view where) {
  const Reader r(bytes, where);
  const Directory directory = find_directory(r, where);
  check<DataLossError>(directory.count <= bytes.size() / 46, "{}: the directory claims {} members.", where,
                       directory.count);
  std::vector<ZipEntry> members;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  std::uint64_t at = directory.offset;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    check<DataLossError>(r.get<std::uint32_t>(at) == kCentral, "{}: directory entry {} is damaged.", where, i);
    const auto flags = r.get<std::uint16_t>(at + 8), method = r.get<std::uint16_t>(at + 10);
    const auto crc = r.get<std::uint32_t>(at + 16);
    std::uint64_t packed = r.get<std::uint32_t>(at + 20), size = r.get<std::uint32_t>(at + 24),
                  local = r.get<std::uint32_t>(at + 42);
    const auto name_length = r.get<std::uint16_t>(at + 28), extra_length = r.get<std::uint16_t>(at + 30),
               comment_length = r.get<std::uint16_t>(at + 32);
    const std::string name(r.take(at + 46, name_length));
    const auto member_where = fmt::format("{}, member '{}'", where, name);
    // 4.5.3: the zip64 field holds, in this order, whichever values did not fit.
    for (std::uint64_t e = at + 46 + name_length, end = e + extra_length; e + 4 <= end;) {
      const auto tag = r.get<std::uint16_t>(e), length = r.get<std::uint16_t>(e + 2);
      std::uint64_t field = e + 4;
      const std::uint64_t field_end = field + length;
      if (tag == 1) {
        for (std::uint64_t* value : {&size, &packed, &local}) {
          if (*value != kMax32) continue;
          check<DataLossError>(field + 8 <= field_end, "{}: its zip64 sizes are missing.", member_where);
          *value = r.get<std::uint64_t>(field);
          field += 8;
        }
      }
      e = field_end;
    }
    check<NotImplementedError>((flags & 1) == 0, "{}: encrypted archives are not supported.", member_where);
    check<NotImplementedError>(method == 0 || method == 8,
                               "{}: this compression method is not supported. Got {}; expected 0 or 8.", member_where,
                               method);
    check<DataLossError>(local <= bytes.size() && bytes.size() - local >= 30 && r.get<std::uint32_t>(local) == kLocal,
                         "{}: its header is damaged.", member_where);
    const std::uint64_t start = local + 30 + r.get<std::uint16_t>(local + 26) + r.get<std::uint16_t>(local + 28);
    const auto data = r.take(start, packed);
    check<DataLossError>(method == 8 || packed == size, "{}: its sizes differ.", member_where);
    check<DataLossError>(method == 0 || size / kMaxRatio <= packed + 1, "{}: {} bytes cannot expand to {}.",
                         member_where, packed, size);
    members.push_back({name, data, size, crc, method == 8});
    ranges.emplace_back(local, start + packed);
    at += 46 + std::uint64_t{name_length} + extra_length + comment_length;
  }
  ranges.emplace_back(directory.offset, at);
  check_disjoint(std::move(ranges), where);
  return members;
}

std::unique_ptr<ByteSource> open_member(const ZipEntry& entry, std::string where) {
  if (entry.deflated) return std::make_unique<DeflatedMember>(entry, std::move(where));
  return std::make_unique<StoredMember>(entry, std::move(where));
}

namespace {
// The end of an archive whose directory, of `count` members, lies at `start`.
void put_end(std::string& out, std::uint64_t count, std::uint64_t start, std::uint64_t directory) {
  const bool end64 = start >= kMax32 || count >= 0xffff || directory >= kMax32;
  if (end64) {
    const std::uint64_t at = out.size();
    put<std::uint32_t>(out, kEnd64);
    put<std::uint64_t>(out, 44);
    put<std::uint16_t>(out, 45), put<std::uint16_t>(out, 45);
    put<std::uint32_t>(out, 0), put<std::uint32_t>(out, 0);
    put<std::uint64_t>(out, count), put<std::uint64_t>(out, count);
    put<std::uint64_t>(out, directory), put<std::uint64_t>(out, start);
    put<std::uint32_t>(out, kLocator64);
    put<std::uint32_t>(out, 0);
    put<std::uint64_t>(out, at);
    put<std::uint32_t>(out, 1);
  }
  put<std::uint32_t>(out, kEnd);
  put<std::uint32_t>(out, 0);
  const auto count16 = static_cast<std::uint16_t>(end64 ? 0xffff : count);
  put<std::uint16_t>(out, count16), put<std::uint16_t>(out, count16);
  put<std::uint32_t>(out, end64 ? kMax32 : static_cast<std::uint32_t>(directory));
  put<std::uint32_t>(out, end64 ? kMax32 : static_cast<std::uint32_t>(start));
  put<std::uint16_t>(out, 0);
}
}  // namespace

std::string write_zip(const std::vector<ZipMember>& members, bool compress) {
  std::string out, directory;
  for (const auto& [name, contents] : members) {
    const std::string packed = compress ? deflate_member(contents) : contents;
    const std::uint64_t offset = out.size();
    const bool large = contents.size() >= kMax32 || packed.size() >= kMax32;
    const bool far = offset >= kMax32;
    const auto common = [&](std::string& to) {
      put<std::uint16_t>(to, large || far ? 45 : 20);
      put<std::uint16_t>(to, 0);
      put<std::uint16_t>(to, compress ? 8 : 0);
      put<std::uint32_t>(to, 0x00210000);  // 1980-01-01, so that equal contents give equal files
      put<std::uint32_t>(to, crc_of(contents));
      put<std::uint32_t>(to, large ? kMax32 : static_cast<std::uint32_t>(packed.size()));
      put<std::uint32_t>(to, large ? kMax32 : static_cast<std::uint32_t>(contents.size()));
      put<std::uint16_t>(to, static_cast<std::uint16_t>(name.size()));
    };
    const auto zip64 = [&](std::string& to, bool with_offset) {
      if (!large && !with_offset) return;
      put<std::uint16_t>(to, 1);
      put<std::uint16_t>(to, static_cast<std::uint16_t>((large ? 16 : 0) + (with_offset ? 8 : 0)));
      if (large) put<std::uint64_t>(to, contents.size()), put<std::uint64_t>(to, packed.size());
      if (with_offset) put<std::uint64_t>(to, offset);
    };
    put<std::uint32_t>(out, kLocal);
    common(out);
    put<std::uint16_t>(out, large ? 20 : 0);
    out += name;
    zip64(out, false);
    out += packed;
    put<std::uint32_t>(directory, kCentral);
    put<std::uint16_t>(directory, 45);
    common(directory);
    put<std::uint16_t>(directory, static_cast<std::uint16_t>(large || far ? 4 + (large ? 16 : 0) + (far ? 8 : 0) : 0));
    directory.append(6, '\0');  // comment length, disk number, internal attributes
    put<std::uint32_t>(directory, 0);
    put<std::uint32_t>(directory, far ? kMax32 : static_cast<std::uint32_t>(offset));
    directory += name;
    zip64(directory, far);
  }
  const std::uint64_t start = out.size();
  out += directory;
  put_end(out, members.size(), start, directory.size());
  return out;
}

}  // namespace tf2jax::detail
