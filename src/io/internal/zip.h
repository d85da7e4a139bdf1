// The part of the ZIP format that .npz files use.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tf2jax::detail {

struct ZipMember {
  std::string name, contents;
};

/// Members of an archive, checksums verified. Throws: DataLossError, NotImplementedError naming `where`.
std::vector<ZipMember> read_zip(std::string_view bytes, std::string_view where);

/// An archive of the members, deflated when `compress`; zip64 where sizes need it.
std::string write_zip(const std::vector<ZipMember>& members, bool compress);

/// The contents of a regular file. Throws: IoError.
std::string read_whole_file(const std::string& path);

}  // namespace tf2jax::detail
