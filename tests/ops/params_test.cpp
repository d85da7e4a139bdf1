// Parameters that do not fit are refused by the aval rules, which kernels and compiled programs rely on: by the
// functions and in texts alike.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include "../support.h"

namespace tf2jax {
namespace {

using ::testing::HasSubstr;

// Each text has one parameter that does not fit.
class BadParams : public ::testing::TestWithParam<const char*> {};
TEST_P(BadParams, AreRefused) { EXPECT_THROW(parse_jaxpr(GetParam()), Error) << GetParam(); }
INSTANTIATE_TEST_SUITE_P(
    Texts, BadParams,
    ::testing::Values(
        "{ lambda ; a:f32[3,3] b:f32[3,3]. let c:f32[] = dot_general[dimension_numbers=(([1, 1], [0, 1]), ([], [])) "
        "preferred_element_type=float32] a b in (c,) }",
        "{ lambda ; a:f32[3,3]. let c:f32[3] = reduce_sum[axes=(1, 1)] a in (c,) }",
        "{ lambda ; a:f32[3]. let c:f32[] d:f32[] e:f32[] = unstack[axis=-1] a in (c, d, e) }",
        "{ lambda ; a:f32[3]. let c:f32[3] = sin a a in (c,) }", "{ lambda ; a:f32[3]. let c:f32[3] = add a in (c,) }",
        "{ lambda ; a:f32[3]. let c:f32[3] = add a a a in (c,) }",
        "{ lambda ; a:f32[3]. let c:f32[3] = reduce_max[axes=(0,) out_sharding=None] a a in (c,) }",
        "{ lambda ; a:f32[2,3]. let c:f32[6] = reshape[dimensions=(0, 0) new_sizes=(6,) sharding=None] a in (c,) }",
        "{ lambda ; a:f32[2,3]. let c:f32[6] = reshape[dimensions=(0,) new_sizes=(6,) sharding=None] a in (c,) }",
        "{ lambda ; a:f32[2,3]. let c:f32[6] = reshape[dimensions=(1, 2) new_sizes=(6,) sharding=None] a in (c,) }",
        "{ lambda ; a:f32[3]. let c:float0[3] = bitcast_convert_type[new_dtype=float0] a in (c,) }",
        "{ lambda ; a:u8[3]. let c:bool[3] = bitcast_convert_type[new_dtype=bool] a in (c,) }",
        "{ lambda ; a:f32[9]. let c:f32[7] = reduce_window_sum[base_dilation=(1, 1) padding=((0, 0),) "
        "window_dilation=(1,) window_dimensions=(3,) window_strides=(1,)] a in (c,) }",
        "{ lambda ; a:f32[9]. let c:f32[0] = reduce_window_sum[base_dilation=(1,) padding=((0, 0),) "
        "window_dilation=(4611686018427387904,) window_dimensions=(3,) window_strides=(1,)] a in (c,) }",
        "{ lambda ; . let c:f32[4611686018427387904] = iota[dimension=0 dtype=float32 shape=(4611686018427387904,) "
        "sharding=None] in (c,) }",
        "{ lambda ; a:f32[3,3]. let c:f32[3,3] = reduce_sum[axes=(-1,)] a in (c,) }",
        "{ lambda ; a:f32[3,1]. let c:f32[3] = squeeze[dimensions=(1, 1)] a in (c,) }",
        "{ lambda ; a:f32[3,1]. let c:f32[3,1] = squeeze[dimensions=(5,)] a in (c,) }",
        "{ lambda ; a:f32[3,3]. let c:f32[3,3] = rev[dimensions=(0, 0)] a in (c,) }",
        "{ lambda ; a:f32[3,3]. let c:f32[3,3] = rev[dimensions=(-1,)] a in (c,) }",
        "{ lambda ; a:f32[3,3]. let c:f32[3,3] = transpose[permutation=(0, 0)] a in (c,) }",
        "{ lambda ; a:f32[3]. let c:f32[3] d:f32[1] = split[axis=-1 sizes=(2, 1)] a in (c, d) }",
        "{ lambda ; a:f32[3]. let c:f32[4] d:f32[1] = split[axis=0 sizes=(4, -1)] a in (c, d) }",
        "{ lambda ; a:f32[3]. let c:f32[3] = cumsum[axis=-1 reverse=False] a in (c,) }",
        "{ lambda ; . let c:bool[3] = iota[dimension=0 dtype=bool shape=(3,) sharding=None] in (c,) }",
        "{ lambda ; a:f32[3]. let c:f32[3] = reduce_precision[exponent_bits=0 mantissa_bits=3] a in (c,) }",
        "{ lambda ; a:f32[3]. let c:f32[3] = reduce_precision[exponent_bits=3 mantissa_bits=-1] a in (c,) }",
        "{ lambda ; a:i32[3]. let c:i32[3] = integer_pow[y=-1] a in (c,) }",
        "{ lambda ; a:f32[3,3] b:i32[1,2]. let c:f32[1] = "
        "gather[dimension_numbers=GatherDimensionNumbers(offset_dims=(), collapsed_slice_dims=(0, 1), "
        "start_index_map=(0, 0), "
        "operand_batching_dims=(), start_indices_batching_dims=()) fill_value=None indices_are_sorted=False "
        "mode=GatherScatterMode.CLIP slice_sizes=(1, 1) unique_indices=False] a b in (c,) }",
        "{ lambda ; a:f32[3,3] b:i32[3,1]. let c:f32[3] = "
        "gather[dimension_numbers=GatherDimensionNumbers(offset_dims=(), collapsed_slice_dims=(0,), "
        "start_index_map=(1,), "
        "operand_batching_dims=(0,), start_indices_batching_dims=(0,)) fill_value=None indices_are_sorted=False "
        "mode=GatherScatterMode.CLIP slice_sizes=(1, 1) unique_indices=False] a b in (c,) }"));

TEST(Comparison, NamesItselfInMessages) {
  EXPECT_THAT(message_of<Error>([] { lt_p().bind1({array<float>({1, 2}), array<float>({1, 2, 3})}); }),
              HasSubstr("lt got incompatible shapes"));
  EXPECT_THAT(message_of<Error>([] { and_p().bind1({array<float>({1}), array<float>({1})}); }),
              HasSubstr("and: the dtype is not accepted. Got f32"));
}

}  // namespace
}  // namespace tf2jax
