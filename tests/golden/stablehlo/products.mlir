module @jit_products attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<2x4x5x3xf32>, %arg1: tensor<3x2xf32>, %arg2: tensor<2x2x3x2xf32>) -> (tensor<2x2x4x3xf32> {jax.result_info = "result[0]"}, tensor<2x2x4x5xf32> {jax.result_info = "result[1]"}, tensor<2x2xf32> {jax.result_info = "result[2]"}) {
    %0 = stablehlo.convolution(%arg0, %arg2) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, f, 0, 1], window = {stride = [1, 2], pad = [[1, 0], [1, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 2], reverse = [false, false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64, precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>]} : (tensor<2x4x5x3xf32>, tensor<2x2x3x2xf32>) -> tensor<2x2x4x3xf32>
    %1 = stablehlo.dot_general %arg1, %arg0, contracting_dims = [0] x [3], precision = [DEFAULT, DEFAULT] : (tensor<3x2xf32>, tensor<2x4x5x3xf32>) -> tensor<2x2x4x5xf32>
    %2 = stablehlo.transpose %1, dims = [1, 0, 2, 3] : (tensor<2x2x4x5xf32>) -> tensor<2x2x4x5xf32>
    %3 = stablehlo.dot_general %arg1, %arg1, contracting_dims = [0] x [0], precision = [HIGHEST, HIGHEST] : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<2x2xf32>
    return %0, %2, %3 : tensor<2x2x4x3xf32>, tensor<2x2x4x5xf32>, tensor<2x2xf32>
  }
}
