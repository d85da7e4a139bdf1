#include "tf2jax/io/npy.h"

#include <gtest/gtest.h>

#include "tf2jax/io/internal/zip.h"

namespace tf2jax {
namespace {

std::string npy(std::string header, const std::string& data) {
  header.append(117 - header.size(), ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + std::string("\x76\x00", 2) + header + data;
}

TEST(Npy, ReadsNumpysLayout) {
  // numpy.save of np.array([[1, 2, 3], [4, 5, 6]], '<i2').
  const Array x = parse_npy(
      npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }", std::string("\1\0\2\0\3\0\4\0\5\0\6\0", 12)));
  EXPECT_EQ(x.dtype(), i16);
  EXPECT_EQ(x.dims(), (Dims{2, 3}));
  EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{1, 2, 3, 4, 5, 6}));
}

TEST(Npy, FortranOrderAndBigEndianBecomeRowMajor) {
  const Array x = parse_npy(
      npy("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }", std::string("\0\1\0\4\0\2\0\5\0\3\0\6", 12)));
  EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{1, 2, 3, 4, 5, 6}));
}

TEST(Npy, EveryDtypeReadsBack) {
  const Array all[] = {array<bool>({true, false}),
                       array<std::int8_t>({-1}),
                       array<std::uint64_t>({1, 2}),
                       array<float16>({float16(2.5f)}),
                       array<bfloat16>({bfloat16(-3.f)}),
                       array<float>({{1, 2}, {3, 4}}),
                       array<double>(2.0),
                       array<complex64>({complex64(1, 2)}),
                       array<complex128>({complex128(3, 4)}),
                       Array::from_bytes(f32, {0, 3}, {})};
  for (const auto& x : all) {
    const Array y = parse_npy(to_npy(x));
    EXPECT_EQ(y.dtype(), x.dtype());
    EXPECT_EQ(y.dims(), x.dims());
    EXPECT_TRUE(std::ranges::equal(y.bytes(), x.bytes()));
    EXPECT_EQ((to_npy(x).size() - x.bytes().size()) % 64, 0u);
  }
}

// An archive of one array 'x' of texts.
std::string npz_of(const std::string& descr, const std::string& shape, const std::string& data, bool fortran = false) {
  const std::string header =
      "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
  return detail::write_zip({{"x.npy", npy(header, data)}}, false);
}
std::string wide(const std::vector<std::uint32_t>& points) {
  return {reinterpret_cast<const char*>(points.data()), 4 * points.size()};
}

TEST(Npz, TextsOfNumpy) {
  // numpy.array(['aé', '', '😀z'], '<U2') and numpy.array([[b'ab', b'c'], [b'', b'de']], 'S2', order='F').
  const std::string unicode = wide({'a', 0xE9, 0, 0, 0x1F600, 'z'});
  EXPECT_EQ(parse_npz_tree(npz_of("<U2", "(3,)", unicode))["x"].strings(),
            (StringTensor{{3}, {"a\xC3\xA9", "", "\xF0\x9F\x98\x80z"}}));
  EXPECT_EQ(parse_npz_tree(npz_of("|S2", "(2, 2)", std::string("ab\0\0c\0de", 8), true))["x"].strings(),
            (StringTensor{{2, 2}, {"ab", "c", "", "de"}}));
  EXPECT_EQ(parse_npz_tree(npz_of(">U1", "()", std::string("\0\0\0q", 4)))["x"].strings(), (StringTensor{{}, {"q"}}));
  const Tree arrays = parse_npz_tree(to_npz({{"y", array<float>({1, 2})}}));
  EXPECT_EQ(arrays["y"].array().to_vector<float>(), (std::vector<float>{1, 2}));
}

TEST(Npz, TextsThatAreNone) {
  EXPECT_THROW(parse_npz(npz_of("<U1", "(1,)", wide({'a'}))), NotImplementedError);
  EXPECT_THROW(parse_npz_tree(npz_of("<U1", "(1,)", wide({0xD800}))), DataLossError);
  EXPECT_THROW(parse_npz_tree(npz_of("<U1", "(1,)", wide({0x110000}))), DataLossError);
  EXPECT_THROW(parse_npz_tree(npz_of("<U1", "(2,)", wide({'a'}))), DataLossError);
  EXPECT_THROW(parse_npz_tree(npz_of("<U4611686018427387904", "(1,)", "")), NotImplementedError);
  for (const char* descr : {"<U0", "<U", "<Ux", "<U-1", "|S0"})
    EXPECT_THROW(parse_npz_tree(npz_of(descr, "(9223372036854775807,)", "")), NotImplementedError) << descr;
}

TEST(Npy, DamageIsDataLoss) {
  const std::string good = to_npy(array<float>({1, 2, 3}));
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_THROW(parse_npy(good.substr(0, n)), DataLossError) << n;
  EXPECT_THROW(parse_npy(good + "x"), DataLossError);
  EXPECT_THROW(parse_npy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", "")),
               DataLossError);
  EXPECT_THROW(parse_npy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }", "")),
               DataLossError);
  EXPECT_THROW(parse_npy(npy("{'descr': '|O', 'fortran_order': False, 'shape': (), }", "")), NotImplementedError);
}

TEST(Npz, ReadsBackStoredAndDeflated) {
  const std::map<std::string, Array> arrays{{"a/b", array<float>({1, 2, 3})},
                                            {"zeros", Array::from_bytes(i32, {5000}, std::vector<std::byte>(20000))}};
  for (const bool compress : {false, true}) {
    const std::string bytes = to_npz(arrays, {.compress = compress});
    EXPECT_EQ(bytes.size() < 5000, compress);
    const auto back = parse_npz(bytes);
    ASSERT_EQ(back.size(), 2u);
    EXPECT_EQ(back.at("a/b").to_vector<float>(), (std::vector<float>{1, 2, 3}));
    EXPECT_EQ(back.at("zeros").dims(), (Dims{5000}));
  }
}

TEST(Npz, FlippedOrMissingBytesNeverCrash) {
  const std::string good = to_npz({{"x", array<float>({1, 2, 3})}}, {.compress = true});
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x55);
    try {
      (void)parse_npz(bad);
    } catch (const Error&) {
    }
    EXPECT_THROW(parse_npz(good.substr(0, i)), DataLossError);
  }
}

TEST(NpzFile, MissingFileIsNamed) {
  try {
    load_npz("/nonexistent/x.npz");
    FAIL();
  } catch (const IoError& e) {
    EXPECT_NE(std::string(e.what()).find("/nonexistent/x.npz"), std::string::npos);
  }
}

}  // namespace
}  // namespace tf2jax
