// Checkpoint index tables through LevelDB's public table reader and builder.
#include "tf2jax/tf_graph/internal/index_table.h"

#include "tf2jax/base/error.h"
#include "tf2jax/tf_graph/internal/files.h"

#include <leveldb/env.h>
#include <leveldb/iterator.h>
#include <leveldb/options.h>
#include <leveldb/table.h>
#include <leveldb/table_builder.h>

#include <cstring>
#include <memory>
#include <new>
#include <optional>

namespace tf2jax::detail {
namespace {

constexpr std::size_t kFooter = 48;
constexpr std::uint64_t kMagic = 0xdb4775248b80fb57u;
constexpr std::uintmax_t kMaxFile = std::uintmax_t{1} << 30;
// Prefix compression lets a few bytes stand for a long key; this bounds what a hostile index can expand to.
constexpr std::size_t kMaxContents = std::size_t{1} << 30;

class MemoryFile final : public leveldb::RandomAccessFile {
 public:
  explicit MemoryFile(const std::string& contents) : contents_(contents) {}
  leveldb::Status Read(std::uint64_t offset, std::size_t n, leveldb::Slice* result, char*) const override {
    if (offset > contents_.size() || n > contents_.size() - offset)
      return leveldb::Status::Corruption("read past the end");
    *result = leveldb::Slice(contents_.data() + offset, n);
    return leveldb::Status::OK();
  }

 private:
  const std::string& contents_;
};

class OutputBuffer final : public leveldb::WritableFile {
 public:
  leveldb::Status Append(const leveldb::Slice& data) override {
    contents.append(data.data(), data.size());
    return leveldb::Status::OK();
  }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }

  std::string contents;
};

std::optional<std::uint64_t> read_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto b = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{b & 0x7fu} << shift;
    if (b < 128) return value;
  }
  return std::nullopt;
}

// LevelDB allocates a block before it reads it, so a damaged footer must not reach it.
void check_footer(const std::string& contents, const std::filesystem::path& path) {
  check<DataLossError>(contents.size() >= kFooter,
                       "'{0}': it is truncated. Got {2} bytes; expected at least {1}, as a checkpoint index has.",
                       path.string(), kFooter, contents.size());
  std::uint64_t magic = 0;
  std::memcpy(&magic, contents.data() + contents.size() - 8, 8);
  check<DataLossError>(magic == kMagic,
                       "'{}': this is not a checkpoint index, or its end is missing. Got the magic number {:#x}.",
                       path.string(), magic);
  std::string_view handles(contents.data() + contents.size() - kFooter, kFooter - 8);
  for (const char* block : {"meta index", "index"}) {
    const auto offset = read_varint(handles), size = read_varint(handles);
    const std::uint64_t limit = contents.size() - kFooter;
    const bool ok = offset && size && *offset <= limit && *size <= limit - *offset && limit - *offset - *size >= 5;
    check<DataLossError>(ok, "'{}': it is damaged, its {} block lies outside the file.", path.string(), block);
  }
}

leveldb::Options table_options() {
  leveldb::Options options;
  options.paranoid_checks = true;
  options.compression = leveldb::kNoCompression;
  options.block_cache = nullptr;
  return options;
}

}  // namespace

std::map<std::string, std::string> read_index_table(const std::filesystem::path& path) {
  const std::string contents = read_file(path, kMaxFile);
  check_footer(contents, path);
  MemoryFile file(contents);
  const auto damaged = [&](const std::string& what) {
    raise<DataLossError>("checkpoint index '{}': it is damaged, {}.", path.string(), what);
  };
  std::map<std::string, std::string> entries;
  try {
    leveldb::Table* opened = nullptr;
    const auto status = leveldb::Table::Open(table_options(), &file, contents.size(), &opened);
    const std::unique_ptr<leveldb::Table> table(opened);
    if (!status.ok()) damaged(status.ToString());
    leveldb::ReadOptions read;
    read.verify_checksums = true;
    read.fill_cache = false;
    const std::unique_ptr<leveldb::Iterator> it(table->NewIterator(read));
    std::size_t total = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      total += it->key().size() + it->value().size();
      if (total > kMaxContents) damaged("its entries take more than a gigabyte");
      const auto [position, fresh] = entries.emplace(it->key().ToString(), it->value().ToString());
      if (!fresh || std::next(position) != entries.end())
        damaged(fmt::format("key '{}' is out of order", position->first));
    }
    if (!it->status().ok()) damaged(it->status().ToString());
  } catch (const std::bad_alloc&) {
    damaged("a block claims more memory than there is");
  }
  return entries;
}

std::string index_table(const std::map<std::string, std::string>& entries) {
  OutputBuffer buffer;
  leveldb::TableBuilder builder(table_options(), &buffer);
  for (const auto& [key, value] : entries) builder.Add(key, value);
  const auto status = builder.Finish();
  check<IoError>(status.ok(), "checkpoint index: it cannot be built, {}.", status.ToString());
  return std::move(buffer.contents);
}

}  // namespace tf2jax::detail
