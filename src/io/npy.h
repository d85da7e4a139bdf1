// NumPy's array files: one array (.npy) or several named ones (.npz).
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "tf2jax/trace/array.h"
#include "tf2jax/tree/tree.h"

namespace tf2jax {

/// Reads an array. Fortran order and big-endian data become row-major little-endian; bfloat16 is read from NumPy's
/// "<V2" and ml_dtypes' "bfloat16".
/// Throws: IoError, DataLossError for damaged or truncated files, NotImplementedError for other element types.
Array load_npy(const std::filesystem::path& path);
/// The same from memory; `where` names it in messages.
Array parse_npy(std::string_view bytes, std::string_view where = "npy");

/// Writes a concrete array; bfloat16 as "<V2". Throws: IoError, ConcretizationError.
void save_npy(const std::filesystem::path& path, const Array& x);
/// The bytes of the file `save_npy` writes.
std::string to_npy(const Array& x);

/// Reads the arrays of an archive by name (without ".npy"). Stored and deflated members, zip64 included.
/// Throws: IoError, DataLossError naming the member, NotImplementedError for encrypted archives.
std::map<std::string, Array> load_npz(const std::filesystem::path& path);
/// The same from memory.
std::map<std::string, Array> parse_npz(std::string_view bytes, std::string_view where = "npz");

/// The archive as a dictionary that has texts too: NumPy's "<U" (as UTF-8) and "|S", without the zeros at their ends.
/// Throws: as load_npz; DataLossError for code points that Unicode does not have.
Tree load_npz_tree(const std::filesystem::path& path);
/// The same from memory.
Tree parse_npz_tree(std::string_view bytes, std::string_view where = "npz");

struct NpzOptions {
  bool compress = false;  ///< deflate the members
};
/// Writes an archive. Throws: IoError, ValueError for empty names, ConcretizationError.
void save_npz(const std::filesystem::path& path, const std::map<std::string, Array>& arrays,
              const NpzOptions& options = {});
std::string to_npz(const std::map<std::string, Array>& arrays, const NpzOptions& options = {});

}  // namespace tf2jax
