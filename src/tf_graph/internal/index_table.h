// The sorted string table in which a checkpoint keeps its index.
#pragma once
#include <filesystem>
#include <map>
#include <string>

namespace tf2jax::detail {

/// All entries of a table file. Throws: IoError, DataLossError naming the file for any damage.
std::map<std::string, std::string> read_index_table(const std::filesystem::path& path);

/// The bytes of a table file (uncompressed). Throws: IoError.
std::string index_table(const std::map<std::string, std::string>& entries);

}  // namespace tf2jax::detail
