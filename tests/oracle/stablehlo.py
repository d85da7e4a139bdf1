"""StableHLO between this library and JAX, both ways.

    python tests/oracle/stablehlo.py export --out DIR [--count N]   JAX exports functions; `conformance --dir DIR` runs them
                                                     [--plain]      as bytecode of the dialect stablehlo, no portable artifacts
    python tests/oracle/stablehlo.py plain --dir GOLDEN --out DIR   the modules of recorded cases as such bytecode
    python tests/oracle/stablehlo.py read --dir DIR                 JAX runs what `conformance --mode rewrite --write DIR` wrote
    python tests/oracle/stablehlo.py special --out DIR              complex functions at special points, factorisations: cases for
                                                                    `conformance --dir DIR --mode rewrite --write`, then `read`
    python tests/oracle/stablehlo.py symbolic --dir DIR             JAX runs and differentiates what `export_symbolic DIR` wrote
"""
import argparse
import glob
import io
import json
import os
import sys

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax
import jax.export
import ml_dtypes
import numpy as np

TOLERANCES = {"float16": 5e-3, "bfloat16": 4e-2, "float32": 2e-4, "float64": 1e-9, "complex64": 2e-4, "complex128": 1e-9}


def dtype_of(name):
    return np.dtype(ml_dtypes.bfloat16) if name == "bfloat16" else np.dtype(name)


def arrays(record, blob):
    out = []
    for a in record:
        data = blob[a["offset"]:a["offset"] + a["nbytes"]]
        out.append(np.frombuffer(data, dtype=dtype_of(a["dtype"])).reshape(a["shape"]))
    return out


def exported(module, inputs, outputs):
    """The artifact as something that jax.export calls."""
    shape = lambda x: jax.core.ShapedArray(x.shape, x.dtype)
    ins, outs = tuple(map(shape, inputs)), tuple(map(shape, outputs))
    flat = lambda n: jax.tree_util.tree_structure(tuple(range(n)))
    fields = dict(
        fun_name="main", in_tree=jax.tree_util.tree_structure((tuple(range(len(ins))), {})), in_avals=ins,
        out_tree=flat(len(outs)), out_avals=outs, in_shardings_hlo=(None,) * len(ins),
        out_shardings_hlo=(None,) * len(outs), nr_devices=1, platforms=("cpu",), ordered_effects=(),
        unordered_effects=(), disabled_safety_checks=(), mlir_module_serialized=module, calling_convention_version=9,
        module_kept_var_idx=tuple(range(len(ins))), uses_global_constants=False, _get_vjp=None)
    known = {f for f in jax.export.Exported.__dataclass_fields__}
    for name in known - set(fields):
        fields[name] = (None,) * len(outs) if name.startswith("_out") else (None,) * len(ins) if name.startswith("_in") else None
    return jax.export.Exported(**{k: v for k, v in fields.items() if k in known})


def without_phase(columns):
    """Eigenvectors with their largest component on the positive axis: any other factor of size 1 is as good."""
    at = np.argmax(np.round(np.abs(columns), 4), axis=-2, keepdims=True)
    largest = np.take_along_axis(columns, at, axis=-2)
    return (columns * np.conj(largest) / np.abs(largest)).astype(columns.dtype)


def differs(got, want, vectors=False):
    got = np.asarray(got)
    if vectors and got.shape == want.shape and got.size and got.ndim >= 2 and got.shape[-1] == got.shape[-2]:
        got, want = without_phase(got), without_phase(want)
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"type {got.dtype}{got.shape}, expected {want.dtype}{want.shape}"
    tolerance = TOLERANCES.get(str(want.dtype))
    wide = np.complex128 if np.issubdtype(want.dtype, np.complexfloating) else np.float64
    if tolerance is None:
        return None if np.array_equal(got, want) else "other values"
    a, b = got.astype(wide), want.astype(wide)
    scale = np.maximum(1.0, np.max(np.abs(b[np.isfinite(b)]), initial=0.0))
    same = np.isclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    return None if np.all(same) else f"{np.sum(~same)} of {same.size} values, first {a[~same][0]} for {b[~same][0]}"


derivatives = 0


def reads_export(data, inputs, want, vectors):
    """What is wrong with a file of jax.export: its results, and that its derivative runs."""
    global derivatives
    try:
        e = jax.export.deserialize(bytearray(data))
        wrong = [d for y, w in zip(e.call(*inputs), want) if (d := differs(y, w, vectors))]
        if not wrong and e.has_vjp():
            gradients = jax.vjp(e.call, *inputs)[1](tuple(np.ones_like(y) for y in want))
            wrong = ["a gradient of another shape" for g, x in zip(gradients, inputs) if g.shape != x.shape]
            derivatives += 1
        return wrong
    except Exception as error:
        return [f"export: {type(error).__name__}: {str(error)[:300]}"]


def read(folder):
    failures = passed = 0
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        if (failures + passed) % 100 == 99:
            jax.clear_caches()  # thousands of compiled programs do not fit
        record = json.load(open(path))
        blob = open(path[:-5] + ".bin", "rb").read()
        module = open(path[:-5] + ".mlirbc", "rb").read()
        inputs, want = arrays(record["inputs"], blob), arrays(record["outputs"], blob)
        jax.config.update("jax_enable_x64", True)
        try:
            got = jax.jit(exported(module, inputs, want).call)(*inputs)
            vectors = "linalg.eig" in record["name"] or "/eig" in record["name"]
            wrong = [d for y, w in zip(got, want) if (d := differs(y, w, vectors))]
        except Exception as e:  # the report names it
            wrong = [f"{type(e).__name__}: {str(e)[:300]}"]
        file = path[:-5] + ".export"
        if not wrong and os.path.exists(file):
            wrong = reads_export(open(file, "rb").read(), inputs, want, vectors)
        if wrong:
            failures += 1
            print(record["name"][:120], wrong[0], flush=True)
        else:
            passed += 1
    print(f"passed {passed}, failed {failures}, derivatives {derivatives}")
    return failures == 0


def symbolic(folder):
    """Files of bin/export_symbolic: values and derivatives at the sizes that it recorded."""
    failures = passed = 0
    jax.config.update("jax_enable_x64", False)
    for path in sorted(glob.glob(os.path.join(folder, "*.export"))):
        e = jax.export.deserialize(bytearray(open(path, "rb").read()))
        for record in sorted(glob.glob(path[:-7] + ".*.npz")):
            content = dict(np.load(record))
            get = lambda name: [content[f"{name}{i}"] for i in range(len(content)) if f"{name}{i}" in content]
            inputs, want = get("in"), get("out")
            try:
                if not e.has_vjp():
                    outputs, pull = e.call(*inputs), lambda _: get("gradient")
                else:
                    outputs, pull = jax.vjp(lambda *x: e.call(*x), *inputs)
                ones = tuple(np.ones_like(y) if np.issubdtype(y.dtype, np.inexact) else np.zeros(y.shape, jax.dtypes.float0)
                             for y in want)
                wrong = [d for d in map(differs, outputs, want) if d]
                wrong += [f"gradient: {d}" for d in map(differs, pull(ones), get("gradient")) if d]
            except Exception as error:  # the report names it
                wrong = [f"{type(error).__name__}: {str(error)[:300]}"]
            failures, passed = failures + bool(wrong), passed + (not wrong)
            if wrong:
                print(os.path.basename(record), wrong[0])
    print(f"passed {passed}, failed {failures}")
    return failures == 0


# ---- functions that JAX exports

def draws(seed):
    r = np.random.default_rng(seed)
    return lambda *shape, dtype="float32", low=-2.0, high=2.0: r.uniform(low, high, shape).astype(dtype)


def elementwise(f):
    from jax import lax, nn, numpy as jnp
    from jax.scipy import special
    unary = dict(abs=jnp.abs, neg=jnp.negative, sign=jnp.sign, floor=jnp.floor, ceil=jnp.ceil, round=jnp.round,
                 exp=jnp.exp, expm1=jnp.expm1, sin=jnp.sin, cos=jnp.cos, tan=jnp.tan, tanh=jnp.tanh, sinh=jnp.sinh,
                 cosh=jnp.cosh, asinh=jnp.arcsinh, atan=jnp.arctan, logistic=nn.sigmoid, square=jnp.square,
                 cbrt=jnp.cbrt, erf=special.erf, erfc=special.erfc, isfinite=jnp.isfinite, relu=nn.relu, gelu=nn.gelu,
                 silu=nn.silu, softplus=nn.softplus, elu=nn.elu, cube=lambda x: x ** 3, inverse=lambda x: x ** -2,
                 exp2=jnp.exp2, sinc=jnp.sinc, nan_to_num=jnp.nan_to_num, i0e=special.i0e, softmax=nn.softmax,
                 log_softmax=nn.log_softmax, cumsum=lambda x: jnp.cumsum(x, -1), cumprod=lambda x: jnp.cumprod(x, -1),
                 cummax=lambda x: lax.cummax(x, x.ndim - 1), logcumsumexp=lambda x: lax.cumlogsumexp(x, x.ndim - 1),
                 sort=lambda x: jnp.sort(x, -1), argsort=lambda x: jnp.argsort(x, -1), flip=lambda x: jnp.flip(x, -1),
                 sum=lambda x: jnp.sum(x, -1), prod=lambda x: jnp.prod(x, -1), max=lambda x: jnp.max(x, -1),
                 min=lambda x: jnp.min(x, -1), mean=lambda x: jnp.mean(x, -1), var=lambda x: jnp.var(x, -1),
                 argmax=lambda x: jnp.argmax(x, -1), argmin=lambda x: jnp.argmin(x, -1), any=lambda x: jnp.any(x > 0, -1),
                 all=lambda x: jnp.all(x > -1, -1), roll=lambda x: jnp.roll(x, 1, -1), diff=lambda x: jnp.diff(x, axis=-1),
                 median=lambda x: jnp.median(x, -1), top=lambda x: lax.top_k(x, 2), lse=lambda x: special.logsumexp(x, -1),
                 tile=lambda x: jnp.tile(x, 2), pad=lambda x: jnp.pad(x, 1), wrap=lambda x: jnp.pad(x, 1, mode="wrap"),
                 bits=lambda x: lax.bitcast_convert_type(x, "int16" if x.dtype.itemsize == 2 else "int32"),
                 half=lambda x: lax.reduce_precision(x, 5, 7), to_int=lambda x: x.astype("int32"), to_bool=lambda x: x != 0)
    for name, fn in unary.items():
        for shape in ((3,), (2, 4), (2, 3, 5)):
            for dtype in ("float32", "float16", "bfloat16") if shape == (2, 4) else ("float32",):
                yield f"unary/{name}_{dtype}_{len(shape)}", fn, [f(*shape, dtype=dtype_of(dtype))]
    binary = dict(add=jnp.add, sub=jnp.subtract, mul=jnp.multiply, div=jnp.divide, max=jnp.maximum, min=jnp.minimum,
                  atan2=jnp.arctan2, rem=lax.rem, mod=jnp.mod, hypot=jnp.hypot, gt=jnp.greater, eq=jnp.equal,
                  where=lambda x, y: jnp.where(x > y, x, y), pow=lambda x, y: jnp.abs(x) ** y, logaddexp=jnp.logaddexp,
                  copysign=jnp.copysign, floor_divide=jnp.floor_divide, concatenate=lambda x, y: jnp.concatenate([x, y]),
                  stack=lambda x, y: jnp.stack([x, y], 1), outer=jnp.outer)
    for name, fn in binary.items():
        for shape in ((4,), (2, 3)):
            yield f"binary/{name}_{len(shape)}", fn, [f(*shape), f(*shape)]


def special(f):
    """Functions that StableHLO has no operation for, numbers that are no floats, factorisations."""
    from jax import lax, numpy as jnp
    from jax.scipy import special as sp
    positive = lambda *shape: f(*shape, low=0.3, high=4.0)
    unit = lambda *shape: f(*shape, low=-0.9, high=0.9)
    for name, fn in dict(lgamma=sp.gammaln, digamma=sp.digamma, gamma=sp.gamma, i0=sp.i0, i0e=sp.i0e, i1=sp.i1,
                         i1e=sp.i1e, entr=sp.entr, log_ndtr=sp.log_ndtr, ndtr=sp.ndtr, factorial=sp.factorial,
                         spence=sp.spence, exp1=sp.exp1, expi=sp.expi, zeta2=lambda x: sp.zeta(x + 1.5, 1.0),
                         trigamma=lambda x: sp.polygamma(1, x)).items():
        for shape in ((3,), (2, 3)):
            yield f"special/{name}_{len(shape)}", fn, [positive(*shape)]
    for name, fn in dict(erf_inv=sp.erfinv, arctanh=jnp.arctanh, arcsin=jnp.arcsin, arccos=jnp.arccos,
                         ndtri=lambda x: sp.ndtri(0.5 + x / 2), logit=lambda x: sp.logit(0.5 + x / 2)).items():
        yield f"special/{name}", fn, [unit(2, 3)]
    for name, fn in dict(gammainc=sp.gammainc, gammaincc=sp.gammaincc, betaln=sp.betaln, xlogy=sp.xlogy,
                         xlog1py=sp.xlog1py, zeta=lambda a, b: sp.zeta(a + 1, b), rel_entr=sp.rel_entr,
                         nextafter=jnp.nextafter, kl_div=sp.kl_div).items():
        yield f"special/{name}", fn, [positive(2, 3), positive(2, 3)]
    yield "special/betainc", lambda a, b, x: sp.betainc(a, b, jnp.abs(x)), [positive(4), positive(4), unit(4)]
    yield "special/gammainc_grad", jax.grad(lambda a, x: sp.gammainc(a, x).sum(), argnums=(0, 1)), [positive(3), positive(3)]
    whole = lambda dtype, *shape: np.abs(f(*shape, low=1, high=90)).astype(dtype)
    binary = dict(bit_and=jnp.bitwise_and, bit_or=jnp.bitwise_or, bit_xor=jnp.bitwise_xor, rem=lax.rem, div=lax.div,
                  floor_divide=jnp.floor_divide, gcd=jnp.gcd, left=lambda x, y: jnp.left_shift(x, y % 4),
                  right=lambda x, y: jnp.right_shift(x, y % 4), power=lambda x, y: x ** (y % 3))
    for name, fn in binary.items():
        for dtype in ("int32", "uint8"):
            yield f"integer/{name}_{dtype}", fn, [whole(dtype, 5), whole(dtype, 5)]
    for name, fn in dict(invert=jnp.invert, clz=lax.clz, popcount=lax.population_count, sort=jnp.sort, sum=jnp.sum,
                         cumsum=jnp.cumsum, unique=lambda x: jnp.unique(x, size=4), bits=jnp.unpackbits).items():
        for dtype in ("uint8",) if name == "bits" else ("int32", "uint8", "int16"):
            yield f"integer/{name}_{dtype}", fn, [whole(dtype, 6)]
    complex_of = lambda *shape: (f(*shape) + 1j * f(*shape)).astype("complex64")
    for name, fn in dict(exp=jnp.exp, log=jnp.log, sin=jnp.sin, cos=jnp.cos, tanh=jnp.tanh, sqrt=jnp.sqrt, abs=jnp.abs,
                         angle=jnp.angle, conj=jnp.conj, square=jnp.square, sum=jnp.sum, fft=jnp.fft.fft,
                         power=lambda x: x ** 3, matmul=lambda x: x @ x.T, reciprocal=jnp.reciprocal).items():
        yield f"complex/{name}", fn, [complex_of(2, 3)]
    square = lambda *shape: f(*shape) + 3 * np.eye(shape[-1], dtype="float32")
    definite = lambda n: (lambda a: a @ a.T + np.eye(n, dtype="float32"))(f(n, n))
    for shape in ((4, 4), (2, 3, 3)):
        yield f"linalg/lu_{len(shape)}", lax.linalg.lu, [square(*shape)]
        yield f"linalg/slogdet_{len(shape)}", lambda a: tuple(jnp.linalg.slogdet(a)), [square(*shape)]
        yield f"linalg/pinv_{len(shape)}", jnp.linalg.pinv, [square(*shape)]
        yield f"linalg/eigvals_{len(shape)}", lambda a: jnp.sort(jnp.abs(jnp.linalg.eigvals(a))), [square(*shape)]
        yield f"linalg/svdvals_{len(shape)}", lambda a: jnp.linalg.svd(a, compute_uv=False), [square(*shape)]
    yield "linalg/lstsq", lambda a, b: jnp.linalg.lstsq(a, b)[0], [f(5, 3), f(5)]
    yield "linalg/matrix_power", lambda a: jnp.linalg.matrix_power(a, 3), [f(3, 3)]
    yield "linalg/expm", jax.scipy.linalg.expm, [f(3, 3)]
    yield "linalg/cho_solve", lambda a, b: jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(a), b), [definite(4), f(4)]
    yield "linalg/qr_wide", lambda a: tuple(jnp.linalg.qr(a)), [f(3, 5)]
    yield "linalg/solve_grad", jax.grad(lambda a, b: jnp.linalg.solve(a, b).sum()), [square(4, 4), f(4, 2)]


def structured(f):
    from jax import lax, nn, numpy as jnp, random
    square = lambda n: f(n, n) + 3 * np.eye(n, dtype="float32")
    definite = lambda n: (lambda a: a @ a.T + np.eye(n, dtype="float32"))(f(n, n))
    index = np.array([[2, 0], [1, 1]], "int32")
    yield "dot/matmul", jnp.matmul, [f(3, 4), f(4, 2)]
    yield "dot/batched", jnp.matmul, [f(2, 3, 4), f(2, 4, 2)]
    yield "dot/einsum", lambda x, y: jnp.einsum("bij,bkj->bik", x, y), [f(2, 3, 4), f(2, 5, 4)]
    yield "dot/outer", lambda x, y: jnp.tensordot(x, y, 0), [f(3), f(4)]
    for padding in ("SAME", "VALID"):
        for stride in (1, 2):
            yield (f"conv/{padding}_{stride}", lambda x, k, p=padding, s=stride: lax.conv_general_dilated(
                x, k, (s, s), p, dimension_numbers=("NHWC", "HWIO", "NHWC")), [f(2, 6, 5, 3), f(3, 2, 3, 4)])
    yield "conv/grouped", lambda x, k: lax.conv_general_dilated(x, k, (1,), "SAME", feature_group_count=2), [f(1, 4, 7), f(6, 2, 3)]
    yield "conv/dilated", lambda x, k: lax.conv_general_dilated(x, k, (1,), [(1, 1)], lhs_dilation=(2,), rhs_dilation=(2,)), [f(1, 2, 7), f(3, 2, 3)]
    for name, pool in (("max", lax.max), ("min", lax.min), ("add", lax.add)):
        init = dict(max=-np.inf, min=np.inf, add=0.0)[name]
        yield f"window/{name}", lambda x, p=pool, i=init: lax.reduce_window(x, i, p, (1, 2, 3), (1, 2, 1), "SAME"), [f(2, 5, 6)]
        if name == "max":
            yield "window/max_grad", jax.grad(lambda x, p=pool, i=init: lax.reduce_window(x, i, p, (1, 2, 3), (1, 2, 1), "SAME").sum()), [f(2, 5, 6)]
    for mode in ("clip", "fill", "wrap"):
        yield f"gather/take_{mode}", lambda x, i, m=mode: jnp.take(x, i, axis=0, mode=m), [f(4, 3), index]
    yield "gather/nd", lambda x, i: x[i[:, 0], i[:, 1]], [f(4, 3), index]
    for op in ("set", "add", "multiply", "min", "max"):
        yield f"scatter/{op}", lambda x, i, u, o=op: getattr(x.at[i[:, 0], i[:, 1]], o)(u), [f(4, 3), index, f(2)]
    yield "slice/dynamic", lambda x, i: lax.dynamic_slice(x, (i, i), (2, 2)), [f(4, 5), np.int32(1)]
    yield "slice/update", lambda x, u, i: lax.dynamic_update_slice(x, u, (i, i)), [f(4, 5), f(2, 2), np.int32(3)]
    yield "slice/strided", lambda x: x[::2, 1::3], [f(5, 7)]
    for name, fn in dict(cholesky=jnp.linalg.cholesky, inv=jnp.linalg.inv, det=jnp.linalg.det).items():
        yield f"linalg/{name}", fn, [definite(4)]
    yield "linalg/solve", jnp.linalg.solve, [square(4), f(4, 2)]
    yield "linalg/qr", lambda a: tuple(jnp.linalg.qr(a)), [f(5, 3)]
    yield "linalg/svdvals", lambda a: jnp.linalg.svd(a, compute_uv=False), [f(4, 3)]
    yield "linalg/eigvalsh", jnp.linalg.eigvalsh, [definite(4)]
    yield "linalg/triangular", lambda a, b: jax.scipy.linalg.solve_triangular(a, b, lower=True), [square(4), f(4, 2)]
    yield "fft/fft", lambda x: jnp.abs(jnp.fft.fft(x)), [f(3, 8)]
    yield "fft/rfft", lambda x: jnp.fft.irfft(jnp.fft.rfft(x)), [f(3, 8)]
    for name in ("normal", "uniform", "bernoulli", "permutation", "categorical", "gumbel"):
        fn = dict(normal=lambda k: random.normal(k, (3, 2)), uniform=lambda k: random.uniform(k, (5,)),
                  bernoulli=lambda k: random.bernoulli(k, 0.3, (7,)), permutation=lambda k: random.permutation(k, 6),
                  categorical=lambda k: random.categorical(k, jnp.arange(4.0)), gumbel=lambda k: random.gumbel(k, (4,)))[name]
        yield f"random/{name}", fn, [np.array([1, 7], "uint32")]
    yield "control/cond", lambda p, x: lax.cond(p > 0, jnp.sin, jnp.cos, x), [np.float32(0.5), f(3)]
    yield "control/switch", lambda i, x: lax.switch(i, [jnp.sin, jnp.cos, jnp.tanh], x), [np.int32(2), f(3)]
    yield "control/while", lambda x: lax.while_loop(lambda c: jnp.sum(c) < 50, lambda c: c * 2 + 1, x), [np.abs(f(3))]
    yield "control/fori", lambda x: lax.fori_loop(0, 5, lambda i, c: jnp.sin(c) + i, x), [f(3)]
    yield "control/scan", lambda c, xs: lax.scan(lambda c, x: (jnp.tanh(c + x), c * x), c, xs), [f(3), f(4, 3)]
    yield "control/scan_grad", jax.grad(lambda c, xs: lax.scan(lambda c, x: (jnp.tanh(c + x), c * x), c, xs)[1].sum()), [f(3), f(4, 3)]
    yield "control/map", lambda xs: lax.map(lambda x: x @ x, xs), [f(3, 2, 2)]
    yield "control/associative", lambda x: lax.associative_scan(jnp.add, x), [f(7)]
    yield "calls/nested_jit", lambda x: jax.jit(lambda y: jax.jit(jnp.sin)(y) + 1)(x) * 2, [f(3)]
    yield "calls/remat", jax.grad(lambda x: jax.checkpoint(lambda y: jnp.sin(jnp.sin(y)))(x).sum()), [f(3)]

    def mlp(w1, b1, w2, b2, x):
        return nn.log_softmax(nn.relu(x @ w1 + b1) @ w2 + b2)
    params = [f(6, 8), f(8), f(8, 3), f(3)]
    yield "models/mlp", mlp, params + [f(4, 6)]
    yield "models/mlp_grad", jax.grad(lambda *a: -mlp(*a)[:, 0].mean(), argnums=(0, 1, 2, 3)), params + [f(4, 6)]

    def attention(q, k, v):
        return nn.softmax(q @ k.swapaxes(-1, -2) / 2.0) @ v
    yield "models/attention", attention, [f(2, 4, 8), f(2, 5, 8), f(2, 5, 8)]
    yield "models/attention_grad", jax.grad(lambda *a: attention(*a).sum(), argnums=(0, 1, 2)), [f(2, 4, 8), f(2, 5, 8), f(2, 5, 8)]

    def norm(x, g, b):
        m = x.mean(-1, keepdims=True)
        return (x - m) * lax.rsqrt(((x - m) ** 2).mean(-1, keepdims=True) + 1e-5) * g + b
    yield "models/layer_norm", norm, [f(4, 6), f(6), f(6)]
    yield "models/layer_norm_hessian", jax.hessian(lambda x: norm(x, 1.0, 0.0).sum() ** 2), [f(3)]


def polymorphic(f):
    from jax import nn, numpy as jnp
    yield "poly/mean", lambda x: x.mean(0), ["b, 3"], [f(5, 3)]
    yield "poly/softmax", lambda x: nn.softmax(x, 0), ["b, 3"], [f(5, 3)]
    yield "poly/flatten", lambda x: x.reshape(x.shape[0], -1), ["b, 2, 3"], [f(4, 2, 3)]
    yield "poly/gram", lambda x: x @ x.T, ["b, k"], [f(3, 4)]
    yield "poly/concatenate", lambda x, y: jnp.concatenate([x, y]), ["a, 2", "b, 2"], [f(2, 2), f(3, 2)]
    yield "poly/iota", lambda x: x + jnp.arange(x.shape[0]), ["b"], [f(6)]
    yield "poly/sort", lambda x: jnp.sort(x), ["b"], [f(6)]
    yield "poly/cumsum", lambda x: jnp.cumsum(x), ["b"], [f(6)]
    yield "poly/slice", lambda x: x[1:], ["b, 2"], [f(5, 2)]
    yield "poly/grad", jax.grad(lambda x: (nn.relu(x) ** 2).mean()), ["b, 3"], [f(5, 3)]


def retargeted(serialized, target):
    from jax._src.interpreters import mlir
    from jax._src.lib.mlir import ir
    from jax._src.lib.mlir.dialects import hlo as stablehlo
    with mlir.make_ir_context() as context, ir.Location.unknown(context):
        module = stablehlo.deserialize_portable_artifact(context, serialized)
        return stablehlo.serialize_portable_artifact(module, target)


def plain(module):
    """MLIR's bytecode of a module in the dialect stablehlo."""
    out = io.BytesIO()
    module.operation.write_bytecode(out)
    return out.getvalue()


def plain_of_portable(serialized):
    from jax._src.interpreters import mlir
    from jax._src.lib.mlir import ir
    from jax._src.lib.mlir.dialects import hlo as stablehlo
    with mlir.make_ir_context() as context, ir.Location.unknown(context):
        return plain(stablehlo.deserialize_portable_artifact(context, serialized))


def plain_of_text(text):
    from jax._src.interpreters import mlir
    from jax._src.lib.mlir import ir
    with mlir.make_ir_context() as context, ir.Location.unknown(context):
        return plain(ir.Module.parse(text))


def record_plain(golden, folder):
    """Copies recorded cases with their modules as plain bytecode."""
    os.makedirs(folder, exist_ok=True)
    total = missing = 0
    for path in sorted(glob.glob(os.path.join(golden, "*.json"))):
        family = json.load(open(path))
        if "cases" not in family or not os.path.exists(path[:-5] + ".bin"):
            continue
        blob = bytearray(open(path[:-5] + ".bin", "rb").read())
        for case in family["cases"]:
            for name in ("export", "export_vjp"):
                record = case.get(name, {})
                if "module" not in record:
                    continue
                at = record["module"]
                try:
                    module = plain_of_portable(bytes(blob[at["offset"]:at["offset"] + at["nbytes"]]))
                except ValueError:  # recorded by a later JAX
                    if "text" not in record:
                        missing += 1
                        continue
                    module = plain_of_text(record["text"])
                record["module"] = {"dtype": "bytes", "shape": [len(module)], "offset": len(blob), "nbytes": len(module)}
                blob.extend(module)
                total += 1
        json.dump(family, open(os.path.join(folder, os.path.basename(path)), "w"))
        open(os.path.join(folder, family["blob"]), "wb").write(blob)
    print(f"{total} modules of JAX {jax.__version__}, {missing} left as they are")


def special_cases(folder):
    """Programs that are written in operations of StableHLO, at zeros of either sign, infinities and NaN too."""
    jax.config.update("jax_enable_x64", True)
    from jax import lax
    cases, blob, r = [], bytearray(), np.random.default_rng(3)

    def array(x):
        x = np.asarray(x)
        at = {"dtype": str(x.dtype), "shape": list(x.shape), "offset": len(blob), "nbytes": x.nbytes}
        blob.extend(x.tobytes() + b"\0" * (-x.nbytes % 8))
        return at

    def add(name, fn, x):
        outputs = jax.tree_util.tree_leaves(jax.jit(fn)(x))
        cases.append({"name": name, "x64": True, "inputs": [array(x)], "outputs": [array(y) for y in outputs],
                      "jaxpr": str(jax.make_jaxpr(fn)(x))})

    parts = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, np.inf, -np.inf, np.nan, 1e-3, -25.0, 1e18]
    wide = lambda n: r.standard_normal(n) * 10.0 ** r.integers(-8, 8, n)
    points = dict(special=np.array([complex(x, y) for x in parts for y in parts]), ordinary=wide(400) + 1j * wide(400))
    for function in ("asin", "acos", "atan", "asinh", "acosh", "atanh", "sinh", "cosh"):
        for dtype in ("complex64", "complex128"):
            for kind, z in points.items():
                add(f"{function}_{dtype}_{kind}", getattr(lax, function), z.astype(dtype))
    for dtype in ("float32", "float64", "complex64", "complex128"):
        for shape in ((4, 3), (3, 4), (5, 5), (2, 4, 3), (2, 3, 6), (1, 1)):
            for full in (False, True):
                a = r.standard_normal(shape) + (1j * r.standard_normal(shape) if "complex" in dtype else 0)
                add(f"qr_{dtype}_{shape}_{full}", lambda x, f=full: lax.linalg.qr(x, pivoting=True, full_matrices=f), a.astype(dtype))
    os.makedirs(folder, exist_ok=True)
    open(os.path.join(folder, "primitives_special.bin"), "wb").write(blob)
    json.dump({"family": "primitives_special", "blob": "primitives_special.bin", "count": len(cases), "cases": cases},
              open(os.path.join(folder, "primitives_special.json"), "w"))
    print(f"{len(cases)} cases of JAX {jax.__version__}")


def export(folder, count, is_plain):
    cases, blob = [], bytearray()

    def place(data, dtype, shape):
        at = {"dtype": dtype, "shape": list(shape), "offset": len(blob), "nbytes": len(data)}
        blob.extend(data)
        blob.extend(b"\0" * (-len(blob) % 8))
        return at

    def array(x):
        x = np.asarray(x)
        return place(x.tobytes(), str(x.dtype), x.shape)

    def add(name, fn, specs, inputs, target=None):
        e = jax.export.export(jax.jit(fn))(*specs)
        module = e.mlir_module_serialized if target is None else retargeted(e.mlir_module_serialized, target)
        if is_plain:  # what is exported has composites, what is lowered the functions themselves
            symbolic = any(not isinstance(d, int) for s in specs for d in s.shape)
            same_arguments = len(e.module_kept_var_idx) == len(specs)
            lowered = not symbolic and same_arguments
            module = plain(jax.jit(fn).lower(*specs).compiler_ir("stablehlo")) if lowered else plain_of_portable(module)
        outputs = jax.tree_util.tree_leaves(jax.jit(fn)(*inputs))
        cases.append({
            "name": name, "x64": False, "inputs": [array(x) for x in inputs], "outputs": [array(y) for y in outputs],
            "export": {"module": place(bytes(module), "bytes", [len(module)]), "platforms": list(e.platforms),
                       "module_kept_var_idx": list(e.module_kept_var_idx)},
            **({} if target or is_plain else
               {"serialized": (lambda s: place(bytes(s), "bytes", [len(s)]))(e.serialize())})})

    f = draws(11)
    of = lambda xs: [jax.ShapeDtypeStruct(np.shape(x), np.asarray(x).dtype) for x in xs]
    for i, (name, fn, inputs) in enumerate([*structured(f), *elementwise(f), *special(f)]):
        add(name, fn, of(inputs), inputs)
        if i % 3 == 0 and not is_plain:
            for target in ("1.0.0", "1.5.0") if i % 2 else ("1.8.0",):
                try:
                    add(f"{name}@{target}", fn, of(inputs), inputs, target)
                except Exception:  # the operation is younger than the version
                    pass
    for name, fn, shapes, inputs in polymorphic(f):
        scope = jax.export.SymbolicScope()
        specs = [jax.ShapeDtypeStruct(jax.export.symbolic_shape(s, scope=scope), x.dtype) for s, x in zip(shapes, inputs)]
        add(name, fn, specs, inputs)
    os.makedirs(folder, exist_ok=True)
    cases = cases[:count] if count else cases
    open(os.path.join(folder, "exports.bin"), "wb").write(blob)
    json.dump({"family": "exports", "blob": "exports.bin", "count": len(cases), "cases": cases},
              open(os.path.join(folder, "exports.json"), "w"))
    print(f"{len(cases)} functions of JAX {jax.__version__}")


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("export")
    p.add_argument("--out", required=True)
    p.add_argument("--count", type=int, default=0, help="0: all")
    p.add_argument("--plain", action="store_true", help="bytecode of the dialect stablehlo")
    p = commands.add_parser("special")
    p.add_argument("--out", required=True)
    p = commands.add_parser("plain")
    p.add_argument("--dir", required=True)
    p.add_argument("--out", required=True)
    p = commands.add_parser("read")
    p.add_argument("--dir", required=True)
    p = commands.add_parser("symbolic")
    p.add_argument("--dir", required=True)
    arguments = parser.parse_args()
    if arguments.command == "export":
        export(arguments.out, arguments.count, arguments.plain)
    if arguments.command == "special":
        special_cases(arguments.out)
    if arguments.command == "plain":
        record_plain(arguments.dir, arguments.out)
    if arguments.command == "symbolic":
        sys.exit(0 if symbolic(arguments.dir) else 1)
    if arguments.command == "read":
        sys.exit(0 if read(arguments.dir) else 1)


if __name__ == "__main__":
    main()
