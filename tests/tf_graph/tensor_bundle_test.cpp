#include "tf2jax/tf_graph/tensor_bundle.h"

#include "tf2jax/base/internal/replacement.h"
#include "tf2jax/tf_graph/internal/crc32c.h"
#include "tf2jax/tf_graph/internal/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "../support.h"

namespace tf2jax {
namespace {

namespace fs = std::filesystem;

class TensorBundleTest : public TestWithFolder {
 protected:
  void SetUp() override {
    fs::create_directories(directory_);
    prefix_ = directory_ / "ckpt";
  }

  void write_sample() {
    write_tensor_bundle(prefix_, {{"a/kernel", array<float>({{1, 2, 3}, {4, 5, 6}})},
                                  {"b", array<std::int64_t>({7})},
                                  {"empty", Array::from_bytes(f32, {0, 4}, {})},
                                  {"half", array<bfloat16>({bfloat16(1.5f)})},
                                  {"text", StringTensor{{2}, {"hello", std::string(300, 'x')}}}});
  }
  fs::path data() const { return prefix_.string() + ".data-00000-of-00001"; }
  fs::path index() const { return prefix_.string() + ".index"; }

  fs::path prefix_;
};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

// RFC 3720, B.4.
TEST(Crc32c, MatchesPublishedVectors) {
  EXPECT_EQ(detail::crc32c_extend(0, bytes_of(std::string(32, '\0'))), 0x8a9136aau);
  EXPECT_EQ(detail::crc32c_extend(0, bytes_of(std::string(32, '\xff'))), 0x62a8ab43u);
  EXPECT_EQ(detail::crc32c_extend(0, bytes_of("123456789")), 0xe3069283u);
  EXPECT_EQ(detail::crc32c_extend(detail::crc32c_extend(0, bytes_of("1234")), bytes_of("56789")), 0xe3069283u);
}

TEST_F(TensorBundleTest, ReadsWhatItWrote) {
  write_sample();
  const auto bundle = TensorBundle::open(prefix_);
  EXPECT_EQ(bundle.keys(), (std::vector<std::string>{"a/kernel", "b", "empty", "half", "text"}));
  EXPECT_EQ(bundle.spec("a/kernel").to_string(), "float32[2,3]");
  EXPECT_EQ(bundle.array("a/kernel").to_vector<float>(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(bundle.array("b").item<std::int64_t>(0), 7);
  EXPECT_EQ(bundle.array("empty").dims(), (Dims{0, 4}));
  EXPECT_EQ(bundle.array("half").item<float>(0), 1.5f);
  EXPECT_EQ(bundle.strings("text").values[0], "hello");
  EXPECT_EQ(bundle.strings("text").values[1].size(), 300u);
}

TEST_F(TensorBundleTest, NamesTheMissingTensorAndFile) {
  write_sample();
  EXPECT_THROW(TensorBundle::open(prefix_).read("nope"), LookupError);
  EXPECT_THROW(TensorBundle::open(directory_ / "other"), IoError);
  EXPECT_THROW(TensorBundle::open(prefix_).strings("b"), TypeError);
  fs::remove(data());
  EXPECT_THROW(TensorBundle::open(prefix_).read("b"), IoError);
}

TEST_F(TensorBundleTest, EveryFlippedDataByteIsDetected) {
  write_sample();
  const std::string good = detail::read_file(data());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    detail::replace_file(data(), bad);
    const auto bundle = TensorBundle::open(prefix_);
    int failures = 0;
    for (const auto& key : bundle.keys()) {
      try {
        (void)bundle.read(key);
      } catch (const DataLossError& e) {
        ++failures;
        EXPECT_NE(std::string(e.what()).find(key), std::string::npos);
      }
    }
    EXPECT_EQ(failures, 1) << "byte " << i;
  }
}

TEST_F(TensorBundleTest, TruncatedDataIsDataLoss) {
  write_sample();
  const std::string good = detail::read_file(data());
  detail::replace_file(data(), good.substr(0, good.size() - 1));
  EXPECT_THROW(TensorBundle::open(prefix_).read("text"), DataLossError);
  EXPECT_NO_THROW(TensorBundle::open(prefix_).read("a/kernel"));
}

TEST_F(TensorBundleTest, DamagedIndexNeverGoesUnnoticed) {
  write_sample();
  const std::string good = detail::read_file(index());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x41);
    detail::replace_file(index(), bad);
    // Unused footer padding and the unread meta index may change without consequence; everything else must not.
    try {
      const auto bundle = TensorBundle::open(prefix_);
      EXPECT_EQ(bundle.keys().size(), 5u) << "byte " << i;
      EXPECT_EQ(bundle.array("a/kernel").item<float>(1, 2), 6.f);
    } catch (const DataLossError& e) {
      EXPECT_NE(std::string(e.what()).find("ckpt.index"), std::string::npos);
    }
  }
  for (std::size_t n = 0; n < good.size(); ++n) {
    detail::replace_file(index(), good.substr(0, n));
    EXPECT_THROW(TensorBundle::open(prefix_), DataLossError) << n;
  }
}

}  // namespace
}  // namespace tf2jax
