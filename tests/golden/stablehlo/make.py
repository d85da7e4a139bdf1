"""Writes modules of JAX in three forms: NAME.mlir (text), NAME.mlirbc (MLIR's bytecode of the dialect stablehlo), and
NAME.portable.mlirbc (a portable artifact).

    python tests/golden/stablehlo/make.py
    python tests/golden/stablehlo/make.py --old       with JAX 0.4.30: indexing.old.mlirbc, whose properties are fewer
"""
import io
import os
import sys

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax
import jax.export
import numpy as np
from jax import lax, numpy as jnp
from jax.scipy import special


def f(*shape, dtype="float32"):
    return jax.ShapeDtypeStruct(shape, dtype)


def elementwise(x, y, n):
    z = jnp.where(x > y, lax.erf_inv(jnp.tanh(x)), special.gammaln(jnp.abs(y) + 1))
    return z + lax.cbrt(x), (n << 2) ^ (n // 3), lax.reduce_precision(x, 5, 10), jnp.array([True, False, True])


def products(x, w, k):
    h = lax.conv_general_dilated(x, k, (1, 2), [(1, 0), (1, 1)], rhs_dilation=(1, 2), dimension_numbers=("NHWC", "HWIO", "NCHW"))
    return h, jnp.einsum("bijc,cd->bdij", x, w), lax.dot_general(w, w, (((0,), (0,)), ((), ())), precision=lax.Precision.HIGHEST)


def indexing(x, i, u):
    return jnp.take_along_axis(x, i, 1), x.at[i[0]].add(u), lax.dynamic_slice(x, (i[0, 0], 1), (2, 2)), x[::2, 1:]


def control(x, n):
    y = lax.fori_loop(0, 4, lambda k, c: jnp.sin(c) + k, x)
    z = lax.switch(n, [jnp.sin, lambda v: jnp.flip(v) * 2, lambda v: jnp.pad(v, 1)[1:-1]], y)
    return lax.while_loop(lambda c: jnp.sum(c) < 50, lambda c: c * 2 + 1, jnp.abs(z)), z


def reductions(x):
    windows = lax.reduce_window(x, -jnp.inf, lax.max, (2, 2), (1, 2), "SAME")
    pool = jax.grad(lambda v: lax.reduce_window(v, -jnp.inf, lax.max, (2, 2), (2, 2), "VALID").sum())(x)
    return jnp.sort(x, 0), jnp.argmax(x, 1), windows, pool, lax.top_k(x, 2)


def factors(a, b):
    return lax.linalg.cholesky(a + 4 * jnp.eye(3)), lax.linalg.householder_product(a, b[:, 0]), lax.linalg.triangular_solve(a, b, lower=True, left_side=True)


def numbers(key, z):
    bits = lax.rng_bit_generator(key, (4,), dtype="uint32", algorithm=lax.RandomAlgorithm.RNG_THREE_FRY)
    return bits, jnp.fft.fft(z), jnp.conj(z) * (2 - 1j), np.arange(-2, 3, dtype="int8"), np.float16(1.5), np.array([1.5, -2], jnp.bfloat16)


FUNCTIONS = dict(
    elementwise=(elementwise, f(5), f(5), f(4, dtype="int32")),
    products=(products, f(2, 4, 5, 3), f(3, 2), f(2, 2, 3, 2)),
    indexing=(indexing, f(4, 3), f(4, 2, dtype="int32"), f(2, 3)),
    control=(control, f(4), f(dtype="int32")),
    reductions=(reductions, f(4, 6)),
    factors=(factors, f(3, 3), f(3, 2)),
    numbers=(numbers, f(4, dtype="uint32"), f(2, 4, dtype="complex64")))


def old(name):
    from jax._src.interpreters import mlir
    from jax._src.lib.mlir import ir
    function, *arguments = FUNCTIONS[name]
    with mlir.make_ir_context():
        module, out = ir.Module.parse(jax.jit(function).lower(*arguments).as_text()), io.BytesIO()
        module.operation.write_bytecode(out)
    open(os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.old.mlirbc"), "wb").write(out.getvalue())


def main():
    jax.config.update("jax_hlo_source_file_canonicalization_regex", ".*")  # no names of files in the modules
    folder = os.path.dirname(os.path.abspath(__file__))
    for name, (function, *arguments) in FUNCTIONS.items():
        write = lambda end, data: open(os.path.join(folder, name + end), "wb").write(data)
        lowered, out = jax.jit(function).lower(*arguments), io.BytesIO()
        lowered.compiler_ir("stablehlo").operation.write_bytecode(out)
        write(".mlir", lowered.as_text().encode())
        write(".mlirbc", out.getvalue())
        write(".portable.mlirbc", jax.export.export(jax.jit(function))(*arguments).mlir_module_serialized)


old("indexing") if "--old" in sys.argv else main()
