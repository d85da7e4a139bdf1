// What the environment names, seen from jit: a code generator that is not there, caches that are of no use.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace tf2jax {
namespace {

namespace fs = std::filesystem;

fs::path own_folder(const std::string& name) {
  return fs::temp_directory_path() / ("tf2jax_" + name + "_" + std::to_string(::getpid()));
}

void write(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

float compiled_value() {
  const Jaxpr program = make_jaxpr([](const Array& x) { return sum(sin(x) * 2.f + 3.f); })(spec(f32, {50}));
  return default_backend()
      .compile(program, {})
      ->run(Arrays{zeros({50})})[0]
      .item<float>();  // not one that jit has kept
}

// In a fresh process: a loaded code generator stays.
class GeneratorDeath : public ::testing::Test {
 protected:
  void SetUp() override { ::testing::GTEST_FLAG(death_test_style) = "threadsafe"; }
};

// Three programs where the module is `file`, then one where it is there again. The warnings go to standard error.
[[noreturn]] void run_without_generator(const std::string& file) {
  setenv("TF2JAX_CODEGEN_LIBRARY", file.c_str(), 1);
  int warnings = 0;
  set_warning_handler([&](std::string_view message) {
    ++warnings;
    std::fputs(std::string(message).c_str(), stderr);
  });
  const auto scaled = [](float by) {
    return jit([by](const Array& x) { return x * by; })(ones({3})).to_vector<float>();
  };
  for (const float by : {2.f, 3.f, 4.f})
    if (scaled(by) != std::vector<float>(3, by)) std::exit(1);
  if (warnings != 1) std::exit(2);
  unsetenv("TF2JAX_CODEGEN_LIBRARY");
  const Jaxpr jaxpr = make_jaxpr([](const Array& x) { return sin(x) * 2.f; })(spec(f32, {3}));
  std::exit(default_backend().compile(jaxpr, {})->explain().find("kernel") != std::string::npos ? 3 : 4);
}

TEST_F(GeneratorDeath, WithoutItProgramsRunThroughTheInterpreterWithOneWarning) {
  EXPECT_EXIT(run_without_generator("/nowhere/module.so"), ::testing::ExitedWithCode(3),
              "the compiler module was not found. Tried:\n  /nowhere/module.so: no such file");
}

TEST_F(GeneratorDeath, AFileOfAnotherKindIsNamed) {
  const fs::path file = own_folder("not_a_module");
  write(file, "text");
  EXPECT_EXIT(run_without_generator(file.string()), ::testing::ExitedWithCode(3), "tf2jax_not_a_module.*: ");
  fs::remove(file);
}

TEST_F(GeneratorDeath, AnotherLibraryIsNoGenerator) {
  Dl_info library{};
  ASSERT_TRUE(dladdr(reinterpret_cast<const void*>(&std::fputs), &library));
  if (!library.dli_fname || !fs::path(library.dli_fname).is_absolute()) GTEST_SKIP() << "the C library has no path";
  EXPECT_EXIT(run_without_generator(library.dli_fname), ::testing::ExitedWithCode(3),
              "it is not a code generator of tf2jax");
}

[[noreturn]] void require_generator() {
  setenv("TF2JAX_CODEGEN_LIBRARY", "/nowhere/module.so", 1);
  update_config("require_compiler", true);
  try {
    jit([](const Array& x) { return x * 2.f; })(ones({3}));
  } catch (const MissingCompiler& e) {
    std::fputs(e.what(), stderr);
    const Array eager = ones({3}) * 2.f;  // neither eager calls nor tracing need it
    make_jaxpr([](const Array& x) { return x * 2.f; })(spec(f32, {3}));
    std::exit(eager.item<float>(0) == 2.f ? 3 : 1);
  }
  std::exit(2);
}

TEST_F(GeneratorDeath, IsAnErrorToMissWhereItIsRequired) {
  EXPECT_EXIT(require_generator(), ::testing::ExitedWithCode(3),
              "code_generator: the compiler module was not found. Tried:\n  /nowhere/module.so: no such file");
}

// Whatever would be compiled fails; under `interpret` and `disable_jit` nothing is, in calls and loops either.
[[noreturn]] void interpret_everything() {
  setenv("TF2JAX_CODEGEN_LIBRARY", "/nowhere/module.so", 1);
  update_config("require_compiler", true);
  const auto inner = jit([](const Array& x) { return x * 2.f; });
  const auto f = jit([&](const Array& x) {
    return scan([&](const Array& c, const Array& v) { return std::pair{c + inner(v), c}; }, zeros({}), x).first;
  });
  for (bool Config::* option : {&Config::interpret, &Config::disable_jit}) {
    const auto scope = override_config(option, true);
    if (f(ones({3})).item<float>() != 6.f || grad(f)(ones({3})).to_vector<float>() != std::vector<float>(3, 2.f))
      std::exit(1);
  }
  try {
    f(ones({3}));
  } catch (const MissingCompiler&) {
    std::exit(3);
  }
  std::exit(2);
}

TEST_F(GeneratorDeath, NothingIsCompiledUnderInterpret) {
  EXPECT_EXIT(interpret_everything(), ::testing::ExitedWithCode(3), "");
}

class CacheFolder : public ::testing::Test {
 protected:
  void SetUp() override { fs::remove_all(folder_); }
  void TearDown() override {
    unsetenv("TF2JAX_CACHE_DIR");
    fs::remove_all(folder_);
  }
  void use(const fs::path& folder) const {
    setenv("TF2JAX_CACHE_DIR", folder.c_str(), 1);
    EXPECT_EQ(compiled_value(), 150.f);
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> out;
    for (const auto& f : fs::directory_iterator(folder_)) out.push_back(f.path());
    return out;
  }
  const fs::path folder_ = own_folder("jit_cache");
};

TEST_F(CacheFolder, IsMadeAndFilled) {
  use(folder_ / "a" / "b");
  EXPECT_FALSE(fs::is_empty(folder_ / "a" / "b"));
}

TEST_F(CacheFolder, ThatCannotBeMadeIsIgnored) { use("/proc/nowhere"); }

TEST_F(CacheFolder, ThatIsAFileIsIgnored) {
  write(folder_, "text");
  use(folder_);
  EXPECT_EQ(fs::file_size(folder_), 4u);
}

TEST_F(CacheFolder, WithDamagedFilesIsRepaired) {
  use(folder_);
  const auto good = files();
  ASSERT_FALSE(good.empty());
  std::vector<std::uintmax_t> sizes;
  for (const fs::path& f : good) sizes.push_back(fs::file_size(f));
  const auto damage = [&](auto&& how) {
    for (const fs::path& f : good) how(f);
    use(folder_);
    for (std::size_t i = 0; i < good.size(); ++i) EXPECT_EQ(fs::file_size(good[i]), sizes[i]);
  };
  damage([](const fs::path& f) { write(f, ""); });
  damage([](const fs::path& f) { write(f, std::string(5000, '\xff')); });
  damage([](const fs::path& f) { write(f, "tf2jax objects 1\n"); });
  damage([](const fs::path& f) { fs::resize_file(f, fs::file_size(f) - 1); });
  damage([](const fs::path& f) { fs::resize_file(f, fs::file_size(f) + 1); });
}

TEST_F(CacheFolder, WithFoldersInPlaceOfFilesIsIgnored) {
  use(folder_);
  for (const fs::path& f : files()) {
    fs::remove(f);
    fs::create_directories(f / "something");
  }
  use(folder_);
  for (const fs::path& f : files()) EXPECT_TRUE(fs::is_directory(f));  // and no file is left beside it
}

TEST_F(CacheFolder, ServesManyThreadsAtOnce) {
  setenv("TF2JAX_CACHE_DIR", folder_.c_str(), 1);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([] {
        for (int repeat = 0; repeat < 5; ++repeat) EXPECT_EQ(compiled_value(), 150.f);
      });
  }
  for (const fs::path& f : files()) EXPECT_TRUE(f.extension() == ".tf2jax" || f.filename() == "key");
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
std::size_t resident_file_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssFile:")) return std::stoul(line.substr(8));
  return 0;
}

TEST(CompilerMemory, ItsCodeIsForgottenWhenArraysNeedMemory) {
  const Array x = array<float>({1, 2, 3});
  jit([](const Array& v) { return sin(v) * 4.f; })(x);
  const std::size_t before = resident_file_kib();
  const Array large = zeros({24 << 20}) + 1.f;
  EXPECT_LT(resident_file_kib() + 4096, before);
  EXPECT_EQ(jit([](const Array& v) { return sum(v * 5.f) + 1.f; })(x).item<float>(), 31.f);  // and read again
}
#endif

}  // namespace
}  // namespace tf2jax
