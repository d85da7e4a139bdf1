// The part of the ZIP format that .npz files use.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tf2jax/io/internal/byte_source.h"

namespace tf2jax::detail {

struct ZipMember {
  std::string name, contents;
};

/// A member as the directory of an archive describes it.
struct ZipEntry {
  std::string name;
  std::string_view packed;
  std::uint64_t size = 0;  // of the contents
  std::uint32_t crc = 0;
  bool deflated = false;
};

/// The members of an archive, which lie apart from one another and have sizes that can be. `bytes` outlives them.
/// Throws: DataLossError, NotImplementedError naming `where`.
std::vector<ZipEntry> list_zip(std::string_view bytes, std::string_view where);
/// The contents of a member; the checksum is verified when the last byte is read. Throws: DataLossError naming `where`.
std::unique_ptr<ByteSource> open_member(const ZipEntry& entry, std::string where);

/// An archive of the members, deflated when `compress`; zip64 where sizes need it.
std::string write_zip(const std::vector<ZipMember>& members, bool compress);

}  // namespace tf2jax::detail
