#include "tf2jax/io/npy.h"

#include <gtest/gtest.h>

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
