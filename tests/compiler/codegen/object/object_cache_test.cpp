// The object cache: what it keeps, and what it does not believe.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "../codegen_kernels.h"

namespace tf2jax::loops::testing {

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class CodegenCache : public ::testing::Test {
 protected:
  void SetUp() override { fs::remove_all(root_); }
  void TearDown() override { fs::remove_all(root_); }

  // Computes 3 op 5 through the cache; returns the warning.
  std::string use(const fs::path& folder, Op op = Op::add, float expected = 8) const {
    std::string message;
    const auto compiled = code_generator().compile({elementwise(op, DType::f32, {DType::f32, DType::f32}, 40)},
                                                   {.cache_directory = folder}, message);
    EXPECT_TRUE(compiled) << message;
    if (!compiled) return message;
    std::vector<float> x(40, 3), y(40, 5), out(40);
    void* buffers[] = {x.data(), y.data(), out.data()};
    std::vector<char> scratch(static_cast<std::size_t>(compiled->entries[0].scratch_bytes) + 64);
    compiled->entries[0].function(buffers, 0, 40,
                                  scratch.data() + (64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64) % 64);
    EXPECT_EQ(out.back(), expected);
    return message;
  }
  std::string use(Op op = Op::add, float expected = 8) const { return use(folder_, op, expected); }
  // The objects; the key that they are signed with lies beside them.
  std::vector<fs::path> objects() const {
    std::vector<fs::path> out;
    if (!fs::exists(folder_)) return out;
    for (const auto& f : fs::directory_iterator(folder_))
      if (f.path().extension() == ".tf2jax") out.push_back(f.path());
    return out;
  }
  void expect_warning(const std::string& why) const {
    const std::string message = use();
    EXPECT_NE(message.find(why), std::string::npos) << message;
  }

  const fs::path root_ = fs::temp_directory_path() / ("tf2jax_cache_test_" + std::to_string(::getpid()));
  const fs::path folder_ = root_ / "cache";
};

}  // namespace

TEST_F(CodegenCache, KeepsOneFileForEqualPrograms) {
  EXPECT_EQ(use(), "");
  ASSERT_EQ(objects().size(), 1u);
  const auto written = fs::last_write_time(objects()[0]);
  EXPECT_EQ(use(), "");
  EXPECT_EQ(objects().size(), 1u);
  EXPECT_EQ(fs::last_write_time(objects()[0]), written);
}

TEST_F(CodegenCache, BelongsToTheUserAlone) {
  use();
  EXPECT_EQ(fs::status(folder_).permissions(), fs::perms::owner_all);
  for (const auto& f : fs::directory_iterator(folder_))
    EXPECT_EQ(f.status().permissions(), fs::perms::owner_read | fs::perms::owner_write) << f.path();
}

TEST_F(CodegenCache, AnyChangedByteIsFoundAndTheFileMadeAnew) {
  use();
  const fs::path file = objects().at(0);
  const std::string good = read(file);
  for (std::size_t at = 0; at < good.size(); at += 1 + good.size() / 60) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x40);
    write(file, bad);
    expect_warning("it is damaged");
    EXPECT_EQ(read(file), good) << at;
  }
  EXPECT_EQ(use(), "");
}

TEST_F(CodegenCache, TruncatedAndLengthenedFilesAreNotExecuted) {
  use();
  const fs::path file = objects().at(0);
  const std::string good = read(file);
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{40}, good.size() / 2, good.size() - 1}) {
    write(file, good.substr(0, size));
    expect_warning("it is damaged");
  }
  write(file, good + "more");
  expect_warning("it is damaged");
}

TEST_F(CodegenCache, AFileForgedWithoutTheKeyIsNotExecuted) {
  use(Op::mul, 15);
  const fs::path product = objects().at(0);
  const std::string forged = read(product);
  fs::remove_all(folder_);
  use();  // under another key, the file that a product's is put in place of
  const fs::path sum = objects().at(0);
  write(sum, forged);
  expect_warning("it is damaged");
}

TEST_F(CodegenCache, AFileOfAnotherProgramIsNotExecuted) {
  use(Op::mul, 15);
  const std::string product = read(objects().at(0));
  fs::remove(objects().at(0));
  use();
  write(objects().at(0), product);  // the same key signed it
  EXPECT_EQ(use(), "");
}

TEST_F(CodegenCache, FoldersThatOthersMayWriteAreNotUsed) {
  use();
  for (const fs::perms open : {fs::perms::group_write, fs::perms::others_write}) {
    fs::permissions(folder_, fs::perms::owner_all | open);
    expect_warning("others may write it");
  }
}

TEST_F(CodegenCache, FilesThatOthersMayWriteAreNotUsed) {
  use();
  fs::permissions(objects().at(0), fs::perms::group_write, fs::perm_options::add);
  expect_warning("others may write it");
  EXPECT_EQ(use(), "");  // replaced
  fs::permissions(folder_ / "key", fs::perms::group_read, fs::perm_options::add);
  expect_warning("others may read it");
}

TEST_F(CodegenCache, LinksAreNotFollowed) {
  use();
  fs::rename(folder_, root_ / "elsewhere");
  fs::create_directory_symlink(root_ / "elsewhere", folder_);
  expect_warning("it is a link");
  EXPECT_NE(use(folder_ / "").find("it is a link"), std::string::npos);
  fs::remove(folder_);
  fs::rename(root_ / "elsewhere", folder_);
  const fs::path file = objects().at(0);
  fs::rename(file, root_ / "object");
  fs::create_symlink(root_ / "object", file);
  expect_warning("it is a link");
  EXPECT_FALSE(fs::is_symlink(file));  // made anew in the link's place
}

TEST_F(CodegenCache, AnotherUsersFolderIsNotUsed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  use();
  ASSERT_EQ(::chown(objects().at(0).c_str(), 12345, 12345), 0);
  expect_warning("it belongs to another user");
  ASSERT_EQ(::chown(folder_.c_str(), 12345, 12345), 0);
  expect_warning("it belongs to another user");
}

TEST_F(CodegenCache, ADamagedKeyIsNoError) {
  use();
  write(folder_ / "key", "short");
  expect_warning("key' is not used: it is damaged");  // made anew, and so is the object that the former one signed
  EXPECT_EQ(fs::file_size(folder_ / "key"), 32u);
  EXPECT_EQ(use(), "");
}

TEST_F(CodegenCache, AnUnwritableFolderIsNoError) { EXPECT_NE(use(fs::path("/proc/nowhere")), ""); }

}  // namespace tf2jax::loops::testing
