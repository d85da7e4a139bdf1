// Hashes of texts. TensorFlow's values for texts of every path are in tests/golden/text; here are published ones.
#include <gtest/gtest.h>
#include <tf2jax/tf_import/converters/text/internal/text_ops.h>

#include "../../../support.h"
#include "../../text_graph.h"

namespace tf2jax {
namespace {

// Aumasson and Bernstein, appendix A: the key 00 01 … 0f, the text 00 01 … 0e.
TEST(Siphash, IsThePublishedValue) {
  std::string text;
  for (int i = 0; i < 15; ++i) text += static_cast<char>(i);
  EXPECT_EQ(tf_import::siphash(text, 0x0706050403020100, 0x0f0e0d0c0b0a0908), 0xa129ca6149be45e5);
}

TEST(Fingerprint64, OfNothingIsItsPrime) { EXPECT_EQ(tf_import::fingerprint64(""), 0x9ae16a3b2f90404f); }

TEST(Fingerprint64, SeesEveryByteOfTextsOfEveryLength) {
  for (int n = 1; n < 200; n += 3) {
    const std::string text(n, 'x');
    for (int i = 0; i < n; ++i) {
      std::string other = text;
      other[i] = 'y';
      EXPECT_NE(tf_import::fingerprint64(text), tf_import::fingerprint64(other)) << n << " " << i;
    }
  }
}

TEST(HashBuckets, NeedAPositiveNumberAndAKeyOfTwoWords) {
  const auto x = placeholder("x", "", "DT_STRING");
  expect_error<ImportError>(
      [&] {
        import(x + node("y", "StringToHashBucketFast", {"x"}, "attr { key: \"num_buckets\" value { i: 0 } }"), {"y"},
               {"x"})("a");
      },
      "num_buckets");
  expect_error<ImportError>(
      [&] {
        import(x + node("y", "StringToHashBucketStrong", {"x"},
                        "attr { key: \"num_buckets\" value { i: 9 } } attr { key: \"key\" value { list { i: 1 } } }"),
               {"y"}, {"x"})("a");
      },
      "two words");
}

TEST(Base64, RefusesOtherLetters) {
  expect_error<ImportError>(
      [] { import(placeholder("x", "", "DT_STRING") + node("y", "DecodeBase64", {"x"}), {"y"}, {"x"})("a+b/"); },
      "base 64");
}

}  // namespace
}  // namespace tf2jax
