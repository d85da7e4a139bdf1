// The documents' examples of exporting.
#pragma once
#include <filesystem>

void save_documents(const std::filesystem::path& directory);
