// Pages of the documentation, for tests that hold them to what the library says.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace tf2jax {

inline std::filesystem::path source_folder() { return TF2JAX_SOURCE_DIR; }

/// The text of a file of the tree; a failure of the test where there is none.
inline std::string text_of(const std::string& path) {
  std::ifstream file(source_folder() / path);
  EXPECT_TRUE(file.good()) << path << " is not there";
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace tf2jax
