// Writing SavedModel directories in one step.
#include "tf2jax/tf_graph/internal/files.h"
#include "tf2jax/tf_graph/internal/protos.h"
#include "tf2jax/tf_graph/saved_model.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tf2jax {

namespace fs = std::filesystem;
using namespace detail;

namespace {

// Removes the half-written directory unless it was moved into place.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(fs::path path) : path_(std::move(path)) { fs::create_directories(path_); }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// After this either the old contents or the new ones stand at `target`; the others are left at `from`.
void put_in_place(const fs::path& from, const fs::path& target) {
  std::error_code error;
  if (fs::exists(target, error)) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) return;
    check<IoError>(errno == EINVAL || errno == ENOSYS, "cannot replace '{}': {}", target.string(), std::strerror(errno));
    // A file system without exchange: the old directory steps aside first.
    const fs::path aside = from.string() + ".old";
    fs::rename(target, aside, error);
    check<IoError>(!error, "cannot move '{}' aside: {}", target.string(), error.message());
    fs::rename(from, target, error);
    if (error) {
      std::error_code ignored;
      fs::rename(aside, target, ignored);
      raise<IoError>("cannot create '{}': {}", target.string(), error.message());
    }
    fs::remove_all(aside, error);
    return;
  }
  fs::rename(from, target, error);
  check<IoError>(!error, "cannot create '{}': {}", target.string(), error.message());
}

}  // namespace

void write_saved_model(const fs::path& directory, const tensorflow::SavedModel& model, const std::map<std::string, TensorData>& variables,
                       const std::map<std::string, std::string>& assets) {
  static std::atomic<unsigned> counter{0};
  const fs::path target = fs::absolute(directory).lexically_normal();
  const fs::path base = target.has_filename() ? target : target.parent_path();
  try {
    if (base.has_parent_path()) fs::create_directories(base.parent_path());
    const TemporaryDirectory temporary(fmt::format("{}.writing-{}-{}", base.string(), ::getpid(), counter++));
    const fs::path& root = temporary.path();
    fs::create_directories(root / "variables");
    write_tensor_bundle(root / "variables" / "variables", variables);
    for (const auto& [name, contents] : assets) {
      const fs::path file = join_below(root / "assets", name, "write_saved_model");
      fs::create_directories(file.parent_path());
      write_file(file, contents);
    }
    write_file(root / "saved_model.pb", serialize(model));
    sync_directory(root / "variables");
    sync_directory(root);
    put_in_place(root, base);
    sync_directory(base.parent_path());
  } catch (const fs::filesystem_error& e) {
    raise<IoError>("cannot write the SavedModel '{}': {}", directory.string(), e.what());
  }
}

}  // namespace tf2jax
