// What saving may replace, and what is left when the process ends in the middle of it.
#include "tf2jax/base/internal/replacement.h"
#include "tf2jax/tf_graph/graph_builder.h"
#include "tf2jax/tf_graph/internal/files.h"
#include "tf2jax/tf_graph/saved_model.h"
#include "tf2jax/tf_graph/tensor_bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <random>

#include "../support.h"

namespace tf2jax {
namespace {

namespace fs = std::filesystem;

class SavingTest : public TestWithFolder {
 protected:
  void SetUp() override { fs::create_directories(directory_); }
  void save(const fs::path& directory, float value) const {
    GraphBuilder g;
    const auto w = g.variable("w", full({1024}, value));
    g.save(directory, {{"serving_default", {.inputs = {}, .outputs = {{"y", w}}}}});
  }
  float saved(const fs::path& directory) const {
    const auto model = SavedModel::load(directory);
    return std::get<Array>(model.read(model.variables().at(0))).item<float>(1023);
  }
  static Array full(const Dims& dims, float value) {
    const std::vector<float> values(num_elements(dims), value);
    return Array::from_bytes(f32, dims, std::as_bytes(std::span(values)));
  }
  void write(const fs::path& path, const std::string& text) const {
    fs::create_directories(path.parent_path());
    detail::write_new_file(path, text);
  }
  void expect_refused(const fs::path& directory, const std::string& why) const {
    try {
      save(directory, 1);
      ADD_FAILURE() << "saved over " << directory;
    } catch (const ValueError& e) {
      EXPECT_THAT(e.what(), ::testing::HasSubstr(why));
    }
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(directory_)) out.push_back(entry.path().filename());
    std::ranges::sort(out);
    return out;
  }
  // Runs `work` in a child over and over until it is killed.
  template <class F>
  static void kill_during(F&& work, std::chrono::microseconds after) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (;;) work();
    }
    ::usleep(static_cast<useconds_t>(after.count()));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
};

TEST_F(SavingTest, FilesAreLeftAlone) {
  write(directory_ / "notes", "mine");
  expect_refused(directory_ / "notes", "it is a file");
  EXPECT_EQ(detail::read_file(directory_ / "notes"), "mine");
}

TEST_F(SavingTest, UnrelatedFoldersAreLeftAlone) {
  write(directory_ / "home" / "thesis.tex", "years of work");
  expect_refused(directory_ / "home", "'thesis.tex'");
  write(directory_ / "bare" / "variables" / "variables.index", "");
  expect_refused(directory_ / "bare", "no saved_model.pb");
  EXPECT_EQ(detail::read_file(directory_ / "home" / "thesis.tex"), "years of work");
}

TEST_F(SavingTest, AnUnrelatedFileInAModelIsNamed) {
  const fs::path model = directory_ / "model";
  save(model, 1);
  for (const fs::path& extra : {fs::path("notes.txt"), fs::path("variables") / "notes.txt"}) {
    write(model / extra, "mine");
    expect_refused(model, extra.string());
    EXPECT_EQ(saved(model), 1);
    fs::remove(model / extra);
  }
  fs::create_directory(model / "keras_metadata.pb");  // a part by name, but a folder
  expect_refused(model, "'keras_metadata.pb'");
  fs::remove(model / "keras_metadata.pb");
  write(model / "keras_metadata.pb", "");
  write(model / "assets" / "words" / "en.txt", "");
  save(model, 2);
  EXPECT_EQ(saved(model), 2);
}

TEST_F(SavingTest, FingerprintTellsModelsApart) {
  const fs::path model = directory_ / "model";
  save(model, 1);
  const std::string first = detail::read_file(model / "fingerprint.pb");
  save(model, 1);
  EXPECT_EQ(detail::read_file(model / "fingerprint.pb"), first);
  save(model, 2);
  EXPECT_NE(detail::read_file(model / "fingerprint.pb"), first);
}

TEST_F(SavingTest, EmptyFoldersAreReplaced) {
  fs::create_directory(directory_ / "model");
  save(directory_ / "model" / "", 3);
  EXPECT_EQ(saved(directory_ / "model"), 3);
  EXPECT_THAT(names(), ::testing::ElementsAre("model"));
}

TEST_F(SavingTest, ALinkStaysAndWhatItNamesIsJudged) {
  save(directory_ / "real" / "v1", 1);
  fs::create_directory_symlink(fs::path("real") / "v1", directory_ / "latest");
  save(directory_ / "latest", 2);
  EXPECT_TRUE(fs::is_symlink(directory_ / "latest"));
  EXPECT_EQ(saved(directory_ / "real" / "v1"), 2);

  write(directory_ / "home" / "notes", "mine");
  fs::create_directory_symlink("home", directory_ / "model");
  expect_refused(directory_ / "model", "'notes'");
  fs::create_directory_symlink("nowhere", directory_ / "broken");
  expect_refused(directory_ / "broken", "a link whose target is not there. Got 'nowhere'");
  EXPECT_THAT(names(), ::testing::ElementsAre("broken", "home", "latest", "model", "real"));
}

TEST_F(SavingTest, DotsFollowTheFileSystemNotTheText) {
  fs::create_directories(directory_ / "deep" / "down");
  fs::create_directory_symlink(fs::path("deep") / "down", directory_ / "link");
  save(directory_ / "link" / ".." / "model", 4);
  EXPECT_EQ(saved(directory_ / "deep" / "model"), 4);
}

TEST_F(SavingTest, OnlyWhatLostItsWriterIsRemoved) {
  const fs::path target = directory_ / "model";
  const detail::Replacement running(target, detail::Replacement::Kind::folder);
  fs::create_directories(directory_ / "model.writing-1-7" / "variables");
  fs::create_directories(directory_ / "model.writing-1-7.old" / "variables");
  write(directory_ / "model.writing-1-8" / "notes.txt", "no writer makes this");
  fs::create_directory(directory_ / "model.writing-down");
  fs::create_directory_symlink(directory_ / "model.writing-1-8", directory_ / "model.writing-1-9");
  save(target, 1);
  EXPECT_THAT(names(), ::testing::UnorderedElementsAre("model", "model.writing-1-8", "model.writing-1-9",
                                                       "model.writing-down", running.path().filename().string()));
}

TEST_F(SavingTest, AKilledSaveLeavesTheOldOrTheNewModel) {
  const fs::path model = directory_ / "model";
  write(directory_ / "neighbour" / "notes", "mine");
  save(model, 0);
  std::mt19937 random(5);
  for (int i = 1; i <= 200; ++i) {
    const float before = saved(model);
    kill_during([&] { save(model, static_cast<float>(i)); }, std::chrono::microseconds(random() % 6000));
    const float now = saved(model);
    ASSERT_TRUE(now == before || now == static_cast<float>(i)) << now << " after " << before;
    ASSERT_EQ(detail::read_file(directory_ / "neighbour" / "notes"), "mine");
  }
  save(model, -1);
  EXPECT_EQ(saved(model), -1);
  EXPECT_THAT(names(), ::testing::ElementsAre("model", "neighbour"));
}

TEST_F(SavingTest, AKilledCheckpointIsTheOldOrTheNewOne) {
  const fs::path prefix = directory_ / "state";
  const auto write_state = [&](float value) { write_tensor_bundle(prefix, {{"w", full({1024}, value)}}); };
  const auto state = [&] {
    const Array w = TensorBundle::open(prefix).array("w");
    EXPECT_EQ(w.item<float>(0), w.item<float>(1023));
    return w.item<float>(0);
  };
  write_state(0);
  std::mt19937 random(6);
  for (int i = 1; i <= 200; ++i) {
    const float before = state();
    kill_during([&] { write_state(static_cast<float>(i)); }, std::chrono::microseconds(random() % 6000));
    const float now = state();
    ASSERT_TRUE(now == before || now == static_cast<float>(i)) << now << " after " << before;
  }
  write_state(-1);
  EXPECT_EQ(state(), -1);
  EXPECT_THAT(names(), ::testing::ElementsAre("state.data-00000-of-00001", "state.index"));
}

TEST_F(SavingTest, AReplacedCheckpointKeepsItsMode) {
  const fs::path prefix = directory_ / "state", shard = directory_ / "state.data-00000-of-00001";
  write_tensor_bundle(prefix, {{"w", full({4}, 1.f)}});
  fs::permissions(shard, fs::perms::owner_read | fs::perms::owner_write);
  write_tensor_bundle(prefix, {{"w", full({4}, 2.f)}});
  EXPECT_EQ(fs::status(shard).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(TensorBundle::open(prefix).array("w").item<float>(3), 2);
}

}  // namespace
}  // namespace tf2jax
