module @jit_numbers attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<4xui32>, %arg1: tensor<2x4xcomplex<f32>>) -> (tensor<4xui32> {jax.result_info = "result[0][0]"}, tensor<4xui32> {jax.result_info = "result[0][1]"}, tensor<2x4xcomplex<f32>> {jax.result_info = "result[1]"}, tensor<2x4xcomplex<f32>> {jax.result_info = "result[2]"}, tensor<5xi8> {jax.result_info = "result[3]"}, tensor<f16> {jax.result_info = "result[4]"}, tensor<2xbf16> {jax.result_info = "result[5]"}) {
    %c = stablehlo.constant dense<[-2, -1, 0, 1, 2]> : tensor<5xi8>
    %cst = stablehlo.constant dense<[1.500000e+00, -2.000000e+00]> : tensor<2xbf16>
    %0 = stablehlo.reshape %arg0 : (tensor<4xui32>) -> tensor<2x2xui32>
    %1 = stablehlo.bitcast_convert %0 : (tensor<2x2xui32>) -> tensor<2xui64>
    %output_state, %output = stablehlo.rng_bit_generator %1, algorithm = THREE_FRY : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4xui32>)
    %2 = stablehlo.bitcast_convert %output_state : (tensor<2xui64>) -> tensor<2x2xui32>
    %3 = stablehlo.reshape %2 : (tensor<2x2xui32>) -> tensor<4xui32>
    %4 = call @fft(%arg1) : (tensor<2x4xcomplex<f32>>) -> tensor<2x4xcomplex<f32>>
    %5 = stablehlo.real %arg1 : (tensor<2x4xcomplex<f32>>) -> tensor<2x4xf32>
    %6 = stablehlo.imag %arg1 : (tensor<2x4xcomplex<f32>>) -> tensor<2x4xf32>
    %7 = stablehlo.negate %6 : tensor<2x4xf32>
    %8 = stablehlo.complex %5, %7 : tensor<2x4xcomplex<f32>>
    %cst_0 = stablehlo.constant dense<(2.000000e+00,-1.000000e+00)> : tensor<complex<f32>>
    %9 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<complex<f32>>) -> tensor<2x4xcomplex<f32>>
    %10 = stablehlo.multiply %8, %9 : tensor<2x4xcomplex<f32>>
    %cst_1 = stablehlo.constant dense<1.500000e+00> : tensor<f16>
    return %3, %output, %4, %10, %c, %cst_1, %cst : tensor<4xui32>, tensor<4xui32>, tensor<2x4xcomplex<f32>>, tensor<2x4xcomplex<f32>>, tensor<5xi8>, tensor<f16>, tensor<2xbf16>
  }
  func.func private @fft(%arg0: tensor<2x4xcomplex<f32>>) -> tensor<2x4xcomplex<f32>> {
    %0 = stablehlo.fft %arg0, type = FFT, length = [4] : (tensor<2x4xcomplex<f32>>) -> tensor<2x4xcomplex<f32>>
    return %0 : tensor<2x4xcomplex<f32>>
  }
}
