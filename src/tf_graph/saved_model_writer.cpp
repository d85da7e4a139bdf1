// Writing SavedModel directories in one step.
#include "tf2jax/base/internal/replacement.h"
#include "tf2jax/tf_graph/internal/files.h"
#include "tf2jax/tf_graph/internal/protos.h"
#include "tf2jax/tf_graph/saved_model.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>

namespace tf2jax {

namespace fs = std::filesystem;
using namespace detail;

namespace {

// The names that a SavedModel has at its top.
constexpr std::string_view kParts[] = {
    "saved_model.pb",  "saved_model.pbtxt", "saved_model.cpb", "fingerprint.pb", "keras_metadata.pb",
    "tfhub_module.pb", "variables",         "assets",          "assets.extra",   "debug"};

bool is_checkpoint_file(std::string_view name) {
  return name == "checkpoint" || name.starts_with("variables.") || name.starts_with("variables_temp");
}

// The first entry of a folder that no SavedModel has; empty when there is none.
fs::path foreign_entry(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool is_file = name.find(".pb") != std::string::npos || name.ends_with(".cpb");
    const fs::file_status status = entry.symlink_status();
    if (std::ranges::find(kParts, name) == std::end(kParts) ||
        !(is_file ? fs::is_regular_file(status) : fs::is_directory(status)))
      return entry.path();
    if (name != "variables") continue;
    for (const auto& part : fs::directory_iterator(entry.path()))
      if (!is_checkpoint_file(part.path().filename().string())) return part.path();
  }
  return {};
}

// Nothing but an empty folder or a SavedModel may be replaced.
void check_replaceable(const fs::path& target) {
  const fs::file_status status = fs::symlink_status(target);
  if (!fs::exists(status)) return;
  const std::string refused = fmt::format("write_saved_model: '{}' is not replaced", target.string());
  constexpr std::string_view fix = "Choose another place, or remove it first.";
  check(fs::is_directory(status), "{}: it is a file. Expected nothing, an empty folder or a SavedModel. {}", refused,
        fix);
  if (fs::is_empty(target)) return;
  const fs::path foreign = foreign_entry(target);
  check(foreign.empty(), "{}: it holds '{}', which is no part of a SavedModel. {}", refused,
        foreign.lexically_relative(target).string(), fix);
  const bool model = fs::exists(target / "saved_model.pb") || fs::exists(target / "saved_model.pbtxt") ||
                     fs::exists(target / "saved_model.cpb");
  check(model, "{}: it holds files, but no saved_model.pb. Expected nothing, an empty folder or a SavedModel. {}",
        refused, fix);
}

// The lock that tells a folder which stepped aside from one left behind.
class HeldFolder {
 public:
  explicit HeldFolder(const fs::path& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    ::flock(descriptor_, LOCK_EX);
  }
  ~HeldFolder() { ::close(descriptor_); }
  HeldFolder(const HeldFolder&) = delete;
  HeldFolder& operator=(const HeldFolder&) = delete;

 private:
  int descriptor_;
};

// After this either the old contents or the new ones stand at `target`; the others are left at `from`.
void put_in_place(const fs::path& from, const fs::path& target) {
  std::error_code error;
  if (fs::exists(target, error)) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) return;
    check<IoError>(errno == EINVAL || errno == ENOSYS, "cannot replace '{}': {}.", target.string(),
                   std::strerror(errno));
    // A file system without exchange: the old directory steps aside first. It stays when the process ends in between.
    const HeldFolder held(target);
    const fs::path aside = from.string() + ".old";
    fs::rename(target, aside, error);
    check<IoError>(!error, "cannot move '{}' aside: {}.", target.string(), error.message());
    fs::rename(from, target, error);
    if (error) {
      std::error_code ignored;
      fs::rename(aside, target, ignored);
      raise<IoError>("cannot create '{}': {}.", target.string(), error.message());
    }
    fs::remove_all(aside, error);
    return;
  }
  fs::rename(from, target, error);
  check<IoError>(!error, "cannot create '{}': {}.", target.string(), error.message());
}

// FNV-1a with a final mix.
std::uint64_t hash_of(std::string_view bytes, std::uint64_t hash = 0xcbf29ce484222325ULL) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return (hash ^ (hash >> 32)) * 0x9e3779b97f4a7c15ULL;
}
std::uint64_t hash_of(const std::map<std::string, TensorData>& variables) {
  std::uint64_t hash = 0;
  for (const auto& [name, value] : variables) {
    hash = hash_of(name, hash);
    if (const auto* x = std::get_if<Array>(&value)) {
      const auto bytes = x->bytes();
      hash = hash_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, hash);
    } else {
      for (const std::string& text : std::get<StringTensor>(value).values) hash = hash_of(text, hash);
    }
  }
  return hash;
}

// TensorFlow's FingerprintDef: what a model is known by. Fields 1 to 5 are hashes of the file, its graph, signatures,
// objects and checkpoint; the format leaves the function open.
std::string fingerprint(const tensorflow::SavedModel& model, const std::map<std::string, TensorData>& variables) {
  const tensorflow::MetaGraphDef none;
  const tensorflow::MetaGraphDef& meta = model.meta_graphs_size() ? model.meta_graphs(0) : none;
  tensorflow::MetaGraphDef signatures;
  *signatures.mutable_signature_def() = meta.signature_def();
  const std::uint64_t hashes[] = {hash_of(serialize(model)), hash_of(serialize(meta.graph_def())),
                                  hash_of(serialize(signatures)), hash_of(serialize(meta.object_graph_def())),
                                  hash_of(variables)};
  std::string out;
  char tag = 0;
  for (std::uint64_t hash : hashes) {
    out += static_cast<char>(tag += 8);
    for (; hash >= 0x80; hash >>= 7) out += static_cast<char>(hash | 0x80);
    out += static_cast<char>(hash);
  }
  return out;
}

void write_parts(const fs::path& root, const tensorflow::SavedModel& model,
                 const std::map<std::string, TensorData>& variables, const std::map<std::string, std::string>& assets) {
  fs::create_directories(root / "variables");
  write_tensor_bundle(root / "variables" / "variables", variables);
  std::set<fs::path> folders{root};
  for (const auto& [name, contents] : assets) {
    const fs::path file = join_below(root / "assets", name, "write_saved_model");
    fs::create_directories(file.parent_path());
    for (fs::path folder = file.parent_path(); folders.insert(folder).second;) folder = folder.parent_path();
    write_new_file(file, contents);
  }
  write_new_file(root / "fingerprint.pb", fingerprint(model, variables));
  write_new_file(root / "saved_model.pb", serialize(model));
  for (const fs::path& folder : folders) sync_directory(folder);
}

}  // namespace

void write_saved_model(const fs::path& directory, const tensorflow::SavedModel& model,
                       const std::map<std::string, TensorData>& variables,
                       const std::map<std::string, std::string>& assets) {
  try {
    check(!directory.empty(), "write_saved_model: the directory has no name.");
    const fs::path parent = fs::absolute(directory / "").parent_path().parent_path();
    if (!parent.empty()) fs::create_directories(parent);
    const fs::path target = replaced_path(directory);
    check_replaceable(target);
    {
      const Replacement written(target, Replacement::Kind::folder);
      write_parts(written.path(), model, variables, assets);
      check_replaceable(target);  // what came meanwhile
      put_in_place(written.path(), target);
    }
    sync_directory(target.parent_path());
    remove_stale_replacements(target, Replacement::Kind::folder,
                              [](const fs::path& left) { return foreign_entry(left).empty(); });
  } catch (const fs::filesystem_error& e) {
    raise<IoError>("cannot write the SavedModel '{}': {}", directory.string(), e.what());
  }
}

}  // namespace tf2jax
