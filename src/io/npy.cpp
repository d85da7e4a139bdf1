// NumPy's .npy and .npz formats. Source: numpy.lib.format, versions 1.0 to 3.0.
#include "tf2jax/io/npy.h"

#include "tf2jax/base/internal/replacement.h"
#include "tf2jax/base/internal/utf8.h"
#include "tf2jax/base/limits.h"
#include "tf2jax/io/internal/zip.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <set>

namespace tf2jax {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);

struct Header {
  std::string descr;
  DType dtype = f32;
  char text = 0;            // 'U': code points of four bytes, 'S': bytes; no dtype then
  std::int64_t length = 0;  // of each text, in those
  bool fortran = false, big_endian = false;
  Dims dims;

  std::int64_t item() const { return text == 'U' ? 4 * length : text == 'S' ? length : itemsize(dtype); }
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
        h.descr = string();
        read_descr(h.descr, h);
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

  [[noreturn]] void fail() const {
    raise<DataLossError>("{}: the array header is damaged. Got '{}'.", where_, text_.substr(0, 200));
  }
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
    if (at_ < text_.size() && text_[at_] == '[')
      raise<NotImplementedError>("{}: structured arrays are not supported. Got '{}'.", where_, text_.substr(0, 200));
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
      accept('L');  // long integers of Python 2
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
        {"b1", bool_}, {"?", bool_}, {"i1", i8},  {"i2", i16}, {"i4", i32}, {"i8", i64}, {"u1", u8},    {"u2", u16},
        {"u4", u32},   {"u8", u64},  {"f2", f16}, {"f4", f32}, {"f8", f64}, {"c8", c64}, {"c16", c128}, {"V2", bf16}};
    const auto it = std::ranges::find(kCodes, code, &std::pair<std::string_view, DType>::first);
    if (it == std::end(kCodes) && read_text(code, h)) return;
    if (it == std::end(kCodes))
      raise<NotImplementedError>("{}: this type of array is not supported. Got '{}'.", where_, descr);
    h.dtype = it->second;
  }
  // "U5", "S12".
  static bool read_text(std::string_view code, Header& h) {
    constexpr std::int64_t kLongest = 1 << 28;
    if (code.size() < 2 || (code[0] != 'U' && code[0] != 'S')) return false;
    const auto [end, error] = std::from_chars(code.data() + 1, code.data() + code.size(), h.length);
    if (error != std::errc{} || end != code.data() + code.size() || h.length < 1 || h.length > kLongest) return false;
    h.text = code[0];
    return true;
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
  raise<DtypeError>("save_npy: the dtype has no NumPy type. Got {}.", short_name(dtype));
}

void to_row_major(const std::byte* from, std::byte* to, const Dims& dims, std::size_t item) {
  const auto n = num_elements(dims);
  Dims index(dims.size(), 0), strides(dims.size(), 1);
  for (std::size_t i = 1; i < dims.size(); ++i) strides[i] = strides[i - 1] * dims[i - 1];
  for (std::int64_t flat = 0; flat < n; ++flat) {
    std::int64_t source = 0;
    for (std::size_t i = 0; i < dims.size(); ++i) source += index[i] * strides[i];
    std::memcpy(to + flat * item, from + source * item, item);
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

namespace {

Header read_header(detail::ByteSource& in, std::string_view where) {
  std::array<std::byte, 8> start;
  std::array<std::byte, 4> length{};
  const auto take = [&](std::span<std::byte> out) {
    check<DataLossError>(in.left() >= out.size(), "{}: the file is truncated in its header.", where);
    in.read(out);
  };
  check<DataLossError>(in.left() >= 10, "{}: this is not a .npy file.", where);
  take(start);
  check<DataLossError>(std::memcmp(start.data(), kMagic.data(), kMagic.size()) == 0, "{}: this is not a .npy file.",
                       where);
  const int major = static_cast<int>(start[6]);
  check<NotImplementedError>(major >= 1 && major <= 3,
                             "{}: this version of .npy is not supported. Got {}; expected 1 to 3.", where, major);
  take(std::span(length).first(major == 1 ? 2 : 4));
  std::uint32_t bytes = 0;
  std::memcpy(&bytes, length.data(), sizeof bytes);
  constexpr std::uint32_t kMaxHeader = 1u << 20;
  check<DataLossError>(bytes <= in.left() && bytes <= kMaxHeader,
                       "{}: the file is truncated in its header, which claims {} bytes.", where, bytes);
  std::string text(bytes, '\0');
  take(std::as_writable_bytes(std::span(text)));
  return HeaderParser(text, where).parse();
}

// Throws unless the rest of the source is the elements that the header describes.
void check_contents(const Header& h, std::uint64_t bytes, std::string_view where) {
  const auto item = static_cast<std::uint64_t>(h.item());
  std::int64_t expected = 0;
  try {
    expected = num_elements(h.dims);
  } catch (const ShapeError& e) {
    raise<DataLossError>("{}: {}", where, e.what());
  }
  const auto elements = static_cast<std::uint64_t>(expected);
  check<DataLossError>(elements <= bytes / item && elements * item == bytes,
                       "{}: {}{} needs {} elements of {} bytes; the file holds {} bytes.", where,
                       h.text ? h.descr : short_name(h.dtype), tuple_string(h.dims), expected, item, bytes);
  check_sizes(h.dims, where);
}

Array read_numbers(detail::ByteSource& in, const Header& h, std::string_view where) {
  if (h.text) raise<NotImplementedError>("{}: texts are no array; load_npz_tree reads them. Got '{}'.", where, h.descr);
  const auto bytes = in.left();
  check_contents(h, bytes, where);
  const std::size_t item = itemsize(h.dtype);
  const Aval aval{h.dtype, symbolic(h.dims), false};
  const auto elements = [&](std::byte* out) {
    const std::span all(out, bytes);
    in.read(all);
    if (h.dtype == bool_)
      check<DataLossError>(std::ranges::all_of(all, [](auto b) { return b <= std::byte{1}; }),
                           "{}: a bool is neither 0 nor 1.", where);
    if (h.big_endian) swap_bytes(out, bytes, is_complex(h.dtype) ? item / 2 : item);
  };
  if (!h.fortran || h.dims.size() < 2 || bytes == 0) return Array::build(aval, elements);
  const Array columns = detail::exact_array(aval, elements);
  return Array::build(aval, [&](std::byte* out) { to_row_major(columns.bytes().data(), out, h.dims, item); });
}

std::string text_of(std::span<const std::byte> item, const Header& h, std::string_view where) {
  std::string text;
  if (h.text == 'S') {
    text.assign(reinterpret_cast<const char*>(item.data()), item.size());
    text.resize(text.find_last_not_of('\0') + 1);
    return text;
  }
  std::vector<std::uint32_t> points(item.size() / 4);
  std::memcpy(points.data(), item.data(), item.size());
  while (!points.empty() && points.back() == 0) points.pop_back();
  for (const std::uint32_t c : points) {
    check<DataLossError>(c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF), "{}: {:#x} is no character of Unicode.", where,
                         c);
    detail::append_utf8(text, static_cast<std::int32_t>(c));
  }
  return text;
}

StringTensor read_texts(detail::ByteSource& in, const Header& h, std::string_view where) {
  check_contents(h, in.left(), where);
  const std::size_t item = h.item(), count = num_elements(h.dims);
  std::vector<std::byte> data(in.left());
  in.read(data);
  if (h.big_endian && h.text == 'U') swap_bytes(data.data(), data.size(), 4);
  if (h.fortran && h.dims.size() > 1) {
    std::vector<std::byte> rows(data.size());
    to_row_major(data.data(), rows.data(), h.dims, item);
    data.swap(rows);
  }
  StringTensor out{h.dims, {}};
  out.values.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    out.values.push_back(text_of(std::span(data).subspan(i * item, item), h, where));
  return out;
}

Array read_npy(detail::ByteSource& in, std::string_view where) {
  return read_numbers(in, read_header(in, where), where);
}

// Calls `f(name, source, where)` for each member of the archive; throws when two have one name.
template <class F>
void for_each_member(std::string_view bytes, std::string_view where, F f) {
  std::set<std::string> names;
  for (const auto& entry : detail::list_zip(bytes, where)) {
    const auto& name = entry.name;
    const auto key = name.ends_with(".npy") ? name.substr(0, name.size() - 4) : name;
    const auto member = fmt::format("{}, member '{}'", where, name);
    check<DataLossError>(names.insert(key).second, "{}: there are two arrays named '{}'.", where, key);
    const auto in = detail::open_member(entry, member);
    f(key, *in, member);
  }
}

}  // namespace

Array parse_npy(std::string_view bytes, std::string_view where) {
  return with_errors(where, [&] {
    detail::MemorySource in(bytes);
    return read_npy(in, where);
  });
}

Array load_npy(const std::filesystem::path& path) {
  const auto where = path.string();
  return with_errors(where, [&] {
    detail::FileSource in(where);
    return read_npy(in, where);
  });
}

std::string to_npy(const Array& x) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", descr_of(x.dtype()),
                                   tuple_string(x.dims()));
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
  return with_errors(where, [&] {
    std::map<std::string, Array> arrays;
    for_each_member(bytes, where, [&](const std::string& name, detail::ByteSource& in, std::string_view member) {
      arrays.emplace(name, read_npy(in, member));
    });
    return arrays;
  });
}

Tree parse_npz_tree(std::string_view bytes, std::string_view where) {
  return with_errors(where, [&] {
    Tree::Dict entries;
    for_each_member(bytes, where, [&](const std::string& name, detail::ByteSource& in, std::string_view member) {
      const Header h = read_header(in, member);
      entries.emplace(name, h.text ? Tree(read_texts(in, h, member)) : Tree(read_numbers(in, h, member)));
    });
    return Tree(std::move(entries));
  });
}

std::map<std::string, Array> load_npz(const std::filesystem::path& path) {
  const auto where = path.string();
  return with_errors(where, [&] {
    detail::FileSource in(where);
    return parse_npz(detail::read_all(in), where);
  });
}

Tree load_npz_tree(const std::filesystem::path& path) {
  const auto where = path.string();
  return with_errors(where, [&] {
    detail::FileSource in(where);
    return parse_npz_tree(detail::read_all(in), where);
  });
}

std::string to_npz(const std::map<std::string, Array>& arrays, const NpzOptions& options) {
  std::vector<detail::ZipMember> members;
  for (const auto& [name, x] : arrays) {
    check(!name.empty() && name.size() < 60000,
          "save_npz: the name of an array has a wrong length. Expected 1 to 60000 bytes.");
    members.push_back({name + ".npy", to_npy(x)});
  }
  return detail::write_zip(members, options.compress);
}

void save_npz(const std::filesystem::path& path, const std::map<std::string, Array>& arrays,
              const NpzOptions& options) {
  detail::replace_file(path, to_npz(arrays, options));
}

}  // namespace tf2jax
