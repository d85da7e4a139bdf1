// Reading golden files.
#include "golden.h"

#include <cstring>
#include <fstream>
#include <iterator>

#include "tf2jax/ops/elementwise.h"

namespace conformance {

using namespace tf2jax;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Golden load_golden(const std::string& json_path) {
  Golden g;
  g.path = json_path;
  g.document = json::parse(read_file(json_path));
  g.family = g.document.value("family", "");
  if (g.document.contains("blob")) {
    const std::string folder = json_path.substr(0, json_path.rfind('/') + 1);
    const std::string blob = read_file(folder + g.document.at("blob").get<std::string>());
    const auto bytes = std::as_bytes(std::span(blob));
    g.blob.assign(bytes.begin(), bytes.end());
  }
  return g;
}

std::span<const std::byte> Golden::bytes(const json& slice) const {
  const auto offset = slice.at("offset").get<std::size_t>(), count = slice.at("nbytes").get<std::size_t>();
  if (offset > blob.size() || count > blob.size() - offset)
    throw std::runtime_error("slice outside the blob of " + path);
  return std::span(blob).subspan(offset, count);
}

namespace {
// Values by a formula, as the README of the models family defines it.
Array from_recipe(const json& recipe) {
  const Dims dims = recipe.at("shape").get<Dims>();
  const auto seed = recipe.at("seed").get<std::uint32_t>();
  const auto scale = recipe.at("scale").get<float>();
  std::vector<float> values(num_elements(dims));
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t h = static_cast<std::uint32_t>(i) + seed * 0x9E3779B9u;
    h ^= h >> 16;
    h *= 0x85EBCA6Bu;
    h ^= h >> 13;
    h *= 0xC2B2AE35u;
    h ^= h >> 16;
    values[i] = (static_cast<float>(h >> 8) * 0x1p-24f - 0.5f) * scale;
  }
  return from_span<float>(values, dims);
}
}  // namespace

Array Golden::array(const json& slice, bool narrow) const {
  if (slice.contains("recipe")) return from_recipe(slice.at("recipe"));
  const std::string name = slice.at("dtype").get<std::string>();
  const Dims dims = slice.at("shape").get<Dims>();
  const std::optional<DType> dtype = parse_dtype(name);
  if (!dtype) throw Unsupported("dtype " + name);
  const auto data = bytes(slice);
  if (slice.contains("prng_impl")) {  // key data: uint32[..., 2]
    Dims keys = dims;
    if (*dtype == DType::u32 && !keys.empty() && static_cast<std::int64_t>(data.size()) == num_elements(dims) * 4)
      keys.pop_back();
    return Array::build(Aval{DType::key, symbolic(keys), false},
                        [&](std::byte* p) { std::memcpy(p, data.data(), data.size()); });
  }
  const Array wide = Array::build(Aval{*dtype, symbolic(dims), slice.value("weak_type", false)}, [&](std::byte* p) {
    if (!data.empty()) std::memcpy(p, data.data(), data.size());
  });
  if (!narrow) return wide;
  switch (*dtype) {
    case DType::i64: return convert_element_type(wide, DType::i32);
    case DType::u64: return convert_element_type(wide, DType::u32);
    case DType::f64: return convert_element_type(wide, DType::f32);
    case DType::c128: return convert_element_type(wide, DType::c64);
    default: return wide;
  }
}

Arrays Golden::arrays(const json& slices, bool narrow) const {
  Arrays out;
  for (const json& s : slices) out.push_back(array(s, narrow));
  return out;
}

}  // namespace conformance
