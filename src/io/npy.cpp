// NumPy's .npy and .npz formats. Source: numpy.lib.format, versions 1.0 to 3.0.
#include "tf2jax/io/npy.h"

#include "tf2jax/base/internal/replacement.h"
#include "tf2jax/io/internal/zip.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tf2jax {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);

struct Header {
  DType dtype = f32;
  bool fortran = false, big_endian = false;
  Dims dims;
};

// The header is a Python dict literal with three known keys; everything else is damage.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  Header parse() {
    Header h;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const auto key = string();
      expect(':');
      if (key == "descr") {
        read_descr(string(), h);
        descr = true;
      } else if (key == "fortran_order") {
        h.fortran = boolean();
        order = true;
      } else if (key == "shape") {
        h.dims = tuple();
        shape = true;
      } else {
        fail();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!descr || !order || !shape) fail();
    return h;
  }

 private:
  std::string_view text_, where_;
  std::size_t at_ = 0;

  [[noreturn]] void fail() const { raise<DataLossError>("{}: the array header is damaged: {}", where_, text_.substr(0, 200)); }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail();
  }
  std::string_view string() {
    skip();
    if (at_ < text_.size() && text_[at_] == '[') raise<NotImplementedError>("{}: structured arrays are not supported: {}", where_, text_.substr(0, 200));
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) fail();
    const char quote = text_[at_++];
    const auto end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail();
    const auto value = text_.substr(at_, end - at_);
    at_ = end + 1;
    return value;
  }
  bool boolean() {
    skip();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {std::string_view("False"), false}}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return value;
    }
    fail();
  }
  Dims tuple() {
    Dims dims;
    expect('(');
    while (!accept(')')) {
      skip();
      std::int64_t n = -1;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), n);
      if (error != std::errc{} || n < 0 || dims.size() > 64) fail();
      at_ = static_cast<std::size_t>(end - text_.data());
      accept('L');   // long integers of Python 2
      dims.push_back(n);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return dims;
  }
  void read_descr(std::string_view descr, Header& h) const {
    if (descr == "bfloat16") {
      h.dtype = bf16;
      return;
    }
    const char order = descr.empty() ? ' ' : descr[0];
    const auto code = order == '<' || order == '>' || order == '|' || order == '=' ? descr.substr(1) : descr;
    h.big_endian = order == '>';
    static constexpr std::pair<std::string_view, DType> kCodes[] = {
        {"b1", bool_}, {"?", bool_}, {"i1", i8}, {"i2", i16}, {"i4", i32}, {"i8", i64}, {"u1", u8}, {"u2", u16}, {"u4", u32}, {"u8", u64},
        {"f2", f16}, {"f4", f32}, {"f8", f64}, {"c8", c64}, {"c16", c128}, {"V2", bf16}};
    const auto it = std::ranges::find(kCodes, code, &std::pair<std::string_view, DType>::first);
    if (it == std::end(kCodes)) raise<NotImplementedError>("{}: arrays of type '{}' are not supported", where_, descr);
    h.dtype = it->second;
  }
};

std::string_view descr_of(DType dtype) {
  switch (dtype) {
    case bool_: return "|b1";
    case i8: return "|i1";
    case u8: return "|u1";
    case i16: return "<i2";
    case i32: return "<i4";
    case i64: return "<i8";
    case u16: return "<u2";
    case u32: return "<u4";
    case u64: return "<u8";
    case f16: return "<f2";
    case f32: return "<f4";
    case f64: return "<f8";
    case c64: return "<c8";
    case c128: return "<c16";
    case bf16: return "<V2";
    default: break;
  }
  raise<DtypeError>("save_npy: {} has no NumPy type", short_name(dtype));
}

void to_row_major(const std::byte* from, std::byte* to, const Dims& dims, std::size_t item) {
  const auto n = num_elements(dims);
  Dims index(dims.size(), 0), strides(dims.size(), 1);
  for (std::size_t i = 1; i < dims.size(); ++i) strides[i] = strides[i - 1] * dims[i - 1];
  for (std::int64_t flat = 0; flat < n; ++flat) {
    std::int64_t source = 0;
    for (std::size_t i = 0; i < dims.size(); ++i) source += index[i] * strides[i];
    std::memcpy(to + static_cast<std::size_t>(flat) * item, from + static_cast<std::size_t>(source) * item, item);
    for (std::size_t i = dims.size(); i-- > 0;) {
      if (++index[i] < dims[i]) break;
      index[i] = 0;
    }
  }
}

void swap_bytes(std::byte* data, std::size_t bytes, std::size_t word) {
  for (std::size_t i = 0; i + word <= bytes; i += word) std::reverse(data + i, data + i + word);
}

}  // namespace

Array parse_npy(std::string_view bytes, std::string_view where) {
  check<DataLossError>(bytes.size() >= 10 && bytes.starts_with(kMagic), "{}: not a .npy file", where);
  const int major = static_cast<unsigned char>(bytes[6]);
  check<NotImplementedError>(major >= 1 && major <= 3, "{}: .npy version {} is not supported", where, major);
  std::size_t start = 10;
  std::uint32_t length = 0;
  if (major == 1) {
    std::uint16_t n = 0;
    std::memcpy(&n, bytes.data() + 8, 2);
    length = n;
  } else {
    start = 12;
    check<DataLossError>(bytes.size() >= start, "{}: the file is truncated", where);
    std::memcpy(&length, bytes.data() + 8, 4);
  }
  check<DataLossError>(length <= bytes.size() - start, "{}: the file is truncated in its header", where);
  const Header h = HeaderParser(bytes.substr(start, length), where).parse();
  const auto data = bytes.substr(start + length);
  const auto item = static_cast<std::size_t>(itemsize(h.dtype));
  std::int64_t expected = 0;
  try {
    expected = num_elements(h.dims);
  } catch (const ShapeError& e) {
    raise<DataLossError>("{}: {}", where, e.what());
  }
  const bool fits = expected <= static_cast<std::int64_t>(data.size() / item) && data.size() == static_cast<std::size_t>(expected) * item;
  check<DataLossError>(fits, "{}: {}{} needs {} elements of {} bytes; the file holds {} bytes", where, short_name(h.dtype), tuple_string(h.dims),
                       expected, item, data.size());
  if (h.dtype == bool_) check<DataLossError>(std::ranges::all_of(data, [](char c) { return c == 0 || c == 1; }), "{}: a bool is neither 0 nor 1", where);
  return Array::build({h.dtype, symbolic(h.dims), false}, [&](std::byte* out) {
    if (data.empty()) return;
    const auto* from = reinterpret_cast<const std::byte*>(data.data());
    if (h.fortran && h.dims.size() > 1) to_row_major(from, out, h.dims, item);
    else std::memcpy(out, from, data.size());
    if (h.big_endian) swap_bytes(out, data.size(), is_complex(h.dtype) ? item / 2 : item);
  });
}

Array load_npy(const std::filesystem::path& path) { return parse_npy(detail::read_whole_file(path.string()), path.string()); }

std::string to_npy(const Array& x) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", descr_of(x.dtype()), tuple_string(x.dims()));
  const bool wide = header.size() > 65000;
  const std::size_t prefix = wide ? 12 : 10;
  // The data starts on a multiple of 64 bytes so that it can be mapped.
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  std::string out(kMagic);
  out += static_cast<char>(wide ? 2 : 1);
  out += '\0';
  const auto n = static_cast<std::uint32_t>(header.size());
  out.append(reinterpret_cast<const char*>(&n), wide ? 4 : 2);
  out += header;
  const auto bytes = x.bytes();
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return out;
}

void save_npy(const std::filesystem::path& path, const Array& x) { detail::replace_file(path, to_npy(x)); }

std::map<std::string, Array> parse_npz(std::string_view bytes, std::string_view where) {
  std::map<std::string, Array> arrays;
  for (const auto& [name, contents] : detail::read_zip(bytes, where)) {
    const auto key = name.ends_with(".npy") ? name.substr(0, name.size() - 4) : name;
    const bool fresh = arrays.emplace(key, parse_npy(contents, fmt::format("{}, member '{}'", where, name))).second;
    check<DataLossError>(fresh, "{}: there are two arrays named '{}'", where, key);
  }
  return arrays;
}

std::map<std::string, Array> load_npz(const std::filesystem::path& path) { return parse_npz(detail::read_whole_file(path.string()), path.string()); }

std::string to_npz(const std::map<std::string, Array>& arrays, const NpzOptions& options) {
  std::vector<detail::ZipMember> members;
  for (const auto& [name, x] : arrays) {
    check(!name.empty() && name.size() < 60000, "save_npz: an array needs a name of 1 to 60000 bytes");
    members.push_back({name + ".npy", to_npy(x)});
  }
  return detail::write_zip(members, options.compress);
}

void save_npz(const std::filesystem::path& path, const std::map<std::string, Array>& arrays, const NpzOptions& options) {
  detail::replace_file(path, to_npz(arrays, options));
}

}  // namespace tf2jax
