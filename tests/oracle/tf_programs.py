"""Draws whole TensorFlow functions: chains of operations on a pool of tensors, with conditions, loops, scans, nested
functions and sizes that are computed, and writes what TensorFlow computes and its gradients. Options and format are those
of tf_ops.py; --count says how many programs.

    python tests/oracle/tf_programs.py --out DIR [--seed N] [--count N]
    build/release/bin/conformance --dir DIR
"""
import random

import numpy as np
import tensorflow as tf

import tf_ops

tf_ops.ROWS.clear()
tf_ops.THROUGH_GRAPH = True  # shapes that only running tells would lead to other choices
LARGEST = 160  # elements of one tensor

UNARY = [tf.tanh, tf.sin, tf.sigmoid, tf.nn.softplus, tf.nn.elu, tf.nn.relu, tf.math.erf, tf.nn.gelu,
         lambda x: 0.3 * tf.square(x), lambda x: tf.exp(tf.tanh(x)), lambda x: tf.math.log1p(tf.square(x)),
         lambda x: tf.sqrt(1 + tf.square(x)), lambda x: tf.nn.leaky_relu(x, 0.3), tf.nn.softsign, tf.math.atan,
         lambda x: tf.math.rsqrt(1 + tf.square(x)), lambda x: tf.clip_by_value(x, -0.9, 0.8), tf.math.expm1,
         lambda x: tf.stop_gradient(x) * x, lambda x: tf.cast(tf.cast(4 * x, tf.int32), tf.float32) * 0.1 + x,
         lambda x: tf.math.softsign(x) + tf.floor(x), lambda x: tf.math.lgamma(2 + tf.abs(x)), tf.math.sinh, tf.negative]
BINARY = [tf.add, tf.subtract, tf.multiply, lambda x, y: x / (1 + tf.square(y)), tf.maximum, tf.minimum, tf.atan2,
          tf.math.squared_difference, lambda x, y: tf.where(x > y, x, 0.5 * y), tf.math.divide_no_nan,
          lambda x, y: tf.pow(1 + tf.square(x), tf.tanh(y)), lambda x, y: tf.math.floormod(x, 1 + tf.square(y)),
          lambda x, y: tf.math.xlogy(tf.square(x), 1 + tf.square(y))]


class Program:
    """One program, the same at each call: choices depend on the seed and on static shapes."""

    def __init__(self, seed):
        self.seed = seed

    @tf.autograph.experimental.do_not_convert
    def __call__(self, *inputs):
        self.r = random.Random(self.seed)
        pool = self.steps(list(inputs), self.r.randint(4, 12), 2)
        outputs = [pool[-1]] + [self.r.choice(pool) for _ in range(self.r.randint(0, 2))]
        return [0.5 * x for x in outputs]

    def steps(self, pool, count, depth):
        moves = [self.special, self.special, self.unary, self.unary, self.binary, self.binary, self.shape, self.shape, self.index, self.index,
                 self.reduce, self.reduce, self.contract, self.sizes, self.order, self.split]
        if depth > 0:
            moves += [self.condition, self.loop, self.open_loop, self.array, self.scan, self.nested, self.cases]
        moves += self.further_moves(depth)
        for _ in range(count):
            x = self.r.choice(pool[-4:] if self.r.random() < 0.7 else pool)
            self.pool, self.depth = pool, depth
            y = self.r.choice(moves)(x)
            if not isinstance(y, tf.Tensor) or y.dtype != tf.float32 or y.shape.rank is None or None in y.shape.as_list():
                continue
            if y.shape.num_elements() > LARGEST or y.shape.num_elements() == 0:
                continue
            pool = pool + [y if self.r.random() < 0.5 else tf.tanh(y)]
        return pool

    def further_moves(self, depth):
        return []

    # ---- single operations

    def unary(self, x):
        return self.r.choice(UNARY)(x)

    def partner(self, x):
        """Another tensor that broadcasts with x."""
        fits = []
        for y in self.pool:
            try:
                tf.broadcast_static_shape(x.shape, y.shape)
                fits.append(y)
            except ValueError:
                pass
        return self.r.choice(fits)

    def binary(self, x):
        pair = [x, self.partner(x)]
        self.r.shuffle(pair)
        return self.r.choice(BINARY)(*pair)

    def axis(self, x):
        rank = x.shape.rank
        return self.r.randrange(-rank, rank)

    def shape(self, x):
        r, rank, n = self.r, x.shape.rank, x.shape.num_elements()
        kind = r.choice(["reshape", "transpose", "expand", "squeeze", "tile", "pad", "reverse", "roll", "broadcast", "stack",
                         "concat", "band", "diag", "flatten"])
        if kind == "reshape":
            divisors = [d for d in range(1, n + 1) if n % d == 0]
            first = r.choice(divisors)
            second = r.choice([d for d in divisors if (n // first) % d == 0])
            return tf.reshape(x, r.choice([[first, -1], [-1, first], [second, first, -1], [-1]]))
        if kind == "transpose":
            return tf.transpose(x, r.sample(range(rank), rank))
        if kind == "expand":
            return tf.expand_dims(x, r.randint(-rank - 1, rank)) if rank < 5 else x
        if kind == "squeeze":
            return tf.squeeze(x)
        if kind == "tile":
            return tf.tile(x, [r.choice([1, 1, 2]) for _ in range(rank)])
        if kind == "pad":
            mode = r.choice(["CONSTANT", "CONSTANT", "REFLECT", "SYMMETRIC"])
            room = [0 if mode != "CONSTANT" and s < 2 else 1 for s in x.shape]
            return tf.pad(x, [[r.randint(0, k), r.randint(0, k)] for k in room], mode)
        if kind == "reverse" and rank:
            return tf.reverse(x, r.sample(range(rank), r.randint(1, rank)))
        if kind == "roll" and rank:
            return tf.roll(x, r.randint(-3, 3), self.axis(x))
        if kind == "broadcast":
            return tf.broadcast_to(x, [r.randint(1, 2)] + x.shape.as_list())
        if kind == "stack":
            same = [y for y in self.pool if y.shape == x.shape]
            return tf.stack([r.choice(same) for _ in range(r.randint(1, 3))] + [x], r.randint(-rank - 1, rank))
        if kind == "concat" and rank:
            axis = r.randrange(rank)
            fits = [y for y in self.pool if y.shape.rank == rank and
                    all(a == b for i, (a, b) in enumerate(zip(x.shape, y.shape)) if i != axis)]
            return tf.concat([r.choice(fits) for _ in range(r.randint(1, 2))] + [x], r.choice([axis, axis - rank]))
        if kind == "band" and rank >= 2:
            return tf.linalg.band_part(x, r.randint(-1, 2), r.randint(-1, 2))
        if kind == "diag" and rank in (1, 2):
            return tf.linalg.diag(x) if rank == 1 else tf.linalg.diag_part(x)
        return tf.reshape(x, [-1])

    def index(self, x):
        r, rank = self.r, x.shape.rank
        if not rank:
            return tf.fill([r.randint(1, 3)], x)
        axis = r.randrange(rank)
        n = x.shape[axis]
        some = lambda k, top=n: np.array([r.randrange(top) for _ in range(k)], np.int32)
        kind = r.choice(["slice", "slice", "window", "positions", "gather", "gather_axis", "gather_nd", "scatter_nd", "update", "segment", "take",
                         "one_hot", "dynamic", "batch"])
        if kind == "slice":
            keys = []
            for s in x.shape:
                a, b = sorted([r.randint(0, s), r.randint(0, s)])
                keys.append(r.choice([slice(None), slice(a, b + 1), slice(None, None, -1), slice(a, None, 2), r.randrange(s),
                                      slice(-s, None, 1), tf.newaxis if len(keys) < 3 and rank < 4 else slice(None)]))
            real = sum(k is not tf.newaxis for k in keys)
            if real < rank and r.random() < 0.5:
                keys.append(Ellipsis)
            return x[tuple(keys)]
        if kind == "gather":
            return tf.gather(x, some(r.randint(1, 4), x.shape[0]))
        if kind == "gather_axis":
            return tf.gather(x, some(4).reshape(2, 2), axis=r.choice([axis, axis - rank]))
        if kind == "gather_nd":
            depth = r.randint(1, rank)
            return tf.gather_nd(x, [[r.randrange(s) for s in x.shape[:depth]] for _ in range(3)])
        if kind == "scatter_nd":
            size = x.shape[0] + 2
            return tf.scatter_nd([[r.randrange(size)] for _ in range(x.shape[0])], x, [size] + x.shape[1:].as_list())
        if kind == "update":
            rows = r.sample(range(x.shape[0]), r.randint(1, x.shape[0]))
            f = r.choice([tf.tensor_scatter_nd_add, tf.tensor_scatter_nd_update, tf.tensor_scatter_nd_sub])
            return f(x, [[i] for i in rows], 0.7 * tf.gather(x, rows))
        if kind == "segment":
            f = r.choice([tf.math.unsorted_segment_sum, tf.math.unsorted_segment_mean])
            return f(x, some(x.shape[0], 3), 3)
        if kind == "take":
            return tf.experimental.numpy.take(x, some(3), axis=axis)
        if kind == "one_hot":
            return tf.one_hot(tf.argmax(x, axis), n, axis=axis, on_value=1.5, off_value=-0.5) * x
        if kind == "window":
            k = r.randint(1, n)
            at = tf.reduce_sum(tf.cast(x > 0, tf.int32)) % (n - k + 1)
            if r.random() < 0.7:
                return x[(slice(None),) * axis + (slice(at, at + k),)]
            return tf.slice(x, [at if i == axis else 0 for i in range(rank)], [k if i == axis else -1 for i in range(rank)])
        if kind == "positions":
            return x[tuple(self.key(x, s) for s in x.shape)]
        if kind == "dynamic":
            at = tf.cast(tf.reduce_sum(tf.cast(x > 0, tf.int32)) % n, tf.int32)
            return tf.gather(x, at, axis=axis)
        return tf.gather(x, some(x.shape[0] * 2, x.shape[1]).reshape(-1, 2), axis=1, batch_dims=1) if rank > 1 else x

    def key(self, x, size):
        """A subscript of an axis: positions that the graph computes beside constants. They lie on the axis."""
        r = self.r
        count = tf.reduce_sum(tf.cast(x > 0, tf.int32))
        k = r.randint(1, size)
        choices = [slice(None), slice(r.randrange(size), None), slice(-k, size + 2), slice(None, None, r.choice([-1, 2, -2])),
                   slice(size, 0, -1), count % size, count % size - size,
                   slice(count % (size - k + 1), count % (size - k + 1) + k)]
        if k < size:
            at = count % (size - k) - size
            choices.append(slice(at, at + k))
        return r.choice(choices)

    def reduce(self, x):
        r, rank = self.r, x.shape.rank
        axes = r.sample(range(rank), r.randint(0, rank)) or None
        keep = r.random() < 0.5
        deviation = lambda v, a, k: tf.sqrt(0.1 + tf.math.reduce_variance(v, a, k))  # reduce_std has no derivative at 0
        f = r.choice([tf.reduce_sum, tf.reduce_mean, tf.reduce_max, tf.reduce_min, tf.reduce_logsumexp, deviation,
                      tf.math.reduce_variance, tf.reduce_prod, tf.norm, None])
        if f is None and rank:
            g = r.choice([tf.cumsum, tf.math.cumprod])
            return g(x, self.axis(x), exclusive=r.random() < 0.5, reverse=r.random() < 0.5)
        if f in (tf.norm, None):
            return tf.norm(x + 2) if rank else x
        return f(tf.tanh(x) if f is tf.reduce_prod else x, axes, keep)

    def contract(self, x):
        r, rank = self.r, x.shape.rank
        if rank < 2:
            return tf.tensordot(x, x, 0) if rank == 1 else x
        kind = r.choice(["matmul", "gram", "softmax", "log_softmax", "normalize", "solve", "conv", "pool", "einsum"])
        if kind == "matmul":
            fits = [y for y in self.pool if y.shape.rank == 2 and x.shape[-1] in y.shape]
            if fits:
                y = r.choice(fits)
                return tf.matmul(x, y, transpose_b=y.shape[0] != x.shape[-1])
        if kind == "gram":
            return tf.matmul(x, x, transpose_a=True) if r.random() < 0.5 else tf.matmul(x, x, transpose_b=True)
        if kind == "softmax":
            return tf.nn.softmax(x, self.axis(x))
        if kind == "log_softmax":
            return tf.nn.log_softmax(x, self.axis(x))
        if kind == "normalize":
            return tf.math.l2_normalize(x + 1.5, self.axis(x))
        if kind == "solve":
            a = tf.matmul(x, x, transpose_b=True) + 2 * tf.eye(x.shape[-2])
            return r.choice([tf.linalg.inv, lambda m: tf.linalg.solve(m, x), tf.linalg.cholesky, tf.linalg.det,
                             tf.linalg.logdet])(a)
        if kind == "conv":
            y = tf.reshape(x, [1, -1, x.shape[-1]])
            w = 0.3 * tf.cast(tf.reshape(tf.range(2 * x.shape[-1] * 2), [2, x.shape[-1], 2]), tf.float32) / 7
            return tf.nn.conv1d(y, w, r.randint(1, 2), r.choice(["SAME", "VALID"])) if y.shape[1] > 1 else y
        if kind == "pool":
            y = tf.reshape(x, [1, x.shape[0], -1, 1])
            f = r.choice([tf.nn.max_pool2d, tf.nn.avg_pool2d])
            return f(y, r.choice([1, 2]), r.choice([1, 2]), "SAME")
        return tf.einsum("...ij,...kj->...ik", x, x)

    def sizes(self, x):
        """Sizes that the graph computes."""
        r, rank = self.r, x.shape.rank
        if not rank:
            return x
        s = tf.shape(x)
        kind = r.choice(["mean", "reshape", "fill", "range", "slice", "zeros", "eye"])
        if kind == "mean":
            return tf.reduce_sum(x, 0) / tf.cast(s[0], tf.float32)
        if kind == "reshape":
            return tf.reshape(x, tf.stack([s[0], -1]))
        if kind == "fill":
            return x * tf.fill(s, 0.7)
        if kind == "range":
            return x * tf.cast(tf.range(s[-1]), tf.float32)
        if kind == "slice":
            return tf.slice(x, [0] * rank, s)
        if kind == "zeros":
            return tf.concat([x, tf.zeros(s) + 0.25], 0)
        return x + tf.eye(s[-1])[0]

    def order(self, x):
        r, rank = self.r, x.shape.rank
        if not rank:
            return x
        y = x + 0.01 * tf.cast(tf.reshape(tf.range(x.shape.num_elements()), x.shape), tf.float32)
        kind = r.choice(["sort", "top_k", "argsort", "reverse_sequence", "searchsorted"])
        if kind == "sort":
            return tf.sort(y, self.axis(x), r.choice(["ASCENDING", "DESCENDING"]))
        if kind == "top_k":
            return tf.math.top_k(y, r.randint(1, x.shape[-1])).values
        if kind == "argsort":
            return tf.gather(y, tf.argsort(y, stable=True), batch_dims=rank - 1)
        if kind == "reverse_sequence" and rank > 1:
            return tf.reverse_sequence(x, [r.randint(0, x.shape[1]) for _ in range(x.shape[0])], seq_axis=1, batch_axis=0)
        edges = tf.constant([-1.0, -0.3, 0.2, 0.9])
        return x * tf.cast(tf.searchsorted(edges, tf.reshape(x, [-1]))[0], tf.float32)

    def split(self, x):
        r, rank = self.r, x.shape.rank
        if not rank:
            return x
        axis = r.randrange(rank)
        n = x.shape[axis]
        if r.random() < 0.5:
            return r.choice(tf.unstack(x, axis=axis))
        a = r.randint(0, n)
        return r.choice(tf.split(x, [a, n - a] if r.random() < 0.5 else [a, -1], axis))

    def special(self, x):
        """Operations that want a certain rank or type."""
        r = self.r
        flat = tf.reshape(x, [-1])
        n = flat.shape[0]
        square = lambda k: tf.reshape(tf.tile(flat, [k * k])[:k * k], [k, k])
        image = lambda c: tf.reshape(tf.tile(flat, [16 * c])[:16 * c], [1, 4, 4, c])
        whole = tf.cast(tf.floor(3 * tf.abs(flat)), tf.int32)
        kernel = lambda *s: 0.2 * tf.sin(tf.cast(tf.reshape(tf.range(int(np.prod(s))), s), tf.float32))
        definite = lambda k: tf.matmul(square(k), square(k), transpose_b=True) + 1.5 * tf.eye(k)
        calls = [
            lambda: tf.nn.conv2d(image(2), kernel(3, 3, 2, 2), r.randint(1, 2), r.choice(["SAME", "VALID"])),
            lambda: tf.nn.conv2d(image(2), kernel(2, 2, 2, 1), 1, "SAME", dilations=2),
            lambda: tf.nn.conv2d_transpose(image(2), kernel(2, 2, 1, 2), [1, 8, 8, 1], 2, "SAME"),
            lambda: tf.nn.depthwise_conv2d(image(2), kernel(2, 2, 2, 2), [1, 1, 1, 1], "SAME"),
            lambda: tf.nn.separable_conv2d(image(2), kernel(2, 2, 2, 1), kernel(1, 1, 2, 3), [1, 1, 1, 1], "VALID"),
            lambda: tf.nn.max_pool2d(image(1), 3, 2, r.choice(["SAME", "VALID"])),
            lambda: tf.nn.avg_pool2d(image(2), 2, 1, r.choice(["SAME", "VALID"])),
            lambda: tf.nn.local_response_normalization(image(3), 1),
            lambda: tf.compat.v1.nn.fused_batch_norm(image(2), [1.0, 2.0], [0.1, 0.2], is_training=True)[0],
            lambda: tf.compat.v1.nn.fused_batch_norm(image(2), [1.0, 2.0], [0.1, 0.2], [0.1, 0.3], [1.0, 0.5],
                                                     is_training=False)[0],
            lambda: tf.nn.batch_normalization(image(2), *tf.nn.moments(image(2), [0, 1, 2]), 0.3, 1.2, 1e-3),
            lambda: tf.image.resize(image(1), [r.randint(1, 6), 5], r.choice(["bilinear", "nearest", "bicubic", "area"])),
            lambda: tf.image.central_crop(image(1), 0.5),
            lambda: tf.image.rot90(image(1), r.randint(0, 3)),
            lambda: tf.image.adjust_contrast(image(3), 0.7),
            lambda: tf.image.rgb_to_grayscale(image(3)),
            lambda: tf.image.extract_patches(image(1), [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "VALID"),
            lambda: tf.nn.space_to_depth(image(1), 2),
            lambda: tf.nn.depth_to_space(image(4), 2),
            lambda: tf.signal.frame(flat, 2, 1) if n > 1 else flat,
            lambda: tf.abs(tf.signal.stft(tf.tile(flat, [16])[:16], 8, 4) + (2.0 + 1.0j)),
            lambda: tf.math.real(tf.signal.fft(tf.complex(flat, 0.5 * flat))),
            lambda: tf.signal.irfft(tf.signal.rfft(tf.tile(flat, [8])[:8]) * tf.complex(0.5, 0.2)),
            lambda: tf.math.imag(tf.exp(tf.complex(0.3 * flat, flat))),
            lambda: tf.math.abs(tf.complex(flat, flat + 1)),
            lambda: tf.math.angle(tf.complex(flat + 3, flat)),
            lambda: tf.cast(tf.cast(flat, tf.float64) * 1.5, tf.float32),
            lambda: tf.cast(tf.cast(whole * 3 - 2, tf.int64) // 2 % 5, tf.float32) * flat,
            lambda: tf.cast(tf.bitwise.left_shift(tf.bitwise.bitwise_xor(whole, 5), 1), tf.float32) * 0.1 * flat,
            lambda: tf.one_hot(whole, 4) * flat[:, None],
            lambda: tf.cast(tf.math.bincount(whole, minlength=4, maxlength=4), tf.float32) * flat[0],
            lambda: tf.cast(tf.histogram_fixed_width(flat, [-1.0, 1.0], 4), tf.float32) + flat[0],
            lambda: tf.where(tf.sequence_mask(whole, 4), flat[:, None], -0.3),
            lambda: tf.nn.embedding_lookup(square(3), tf.minimum(whole, 2)),
            lambda: tf.math.segment_sum(flat, tf.range(n) // 2),
            lambda: tf.dynamic_stitch([[0, 2], [1, 3]], [flat[:1] + [0.1, 0.2], flat[:1] * [1.0, 2.0]]),
            lambda: tf.reduce_sum(tf.meshgrid(flat, flat * 2)[r.randint(0, 1)], 0),
            lambda: tf.linspace(flat[0], flat[0] + 1, 4),
            lambda: tf.quantization.fake_quant_with_min_max_args(flat, -1, 1),
            lambda: tf.math.cumulative_logsumexp(flat),
            lambda: tf.linalg.expm(0.3 * square(3)),
            lambda: tf.linalg.eigvalsh(definite(3) + tf.linalg.diag([0.0, 1.0, 3.0])),
            lambda: tf.linalg.svd(square(2) + [[3.0, 0.0], [0.5, 1.0]], compute_uv=False),
            lambda: tf.linalg.triangular_solve(tf.linalg.band_part(square(3), -1, 0) + 2 * tf.eye(3), square(3), lower=True),
            lambda: tf.linalg.lstsq(definite(3), square(3)),
            lambda: tf.linalg.trace(square(3)) * flat,
            lambda: tf.linalg.set_diag(square(3), flat[:1] * [1.0, 2.0, 3.0]),
            lambda: tf.linalg.tensor_diag(flat[:4]),
            lambda: tf.linalg.matvec(square(3), flat[:1] * [1.0, 2.0, 3.0]),
            lambda: tf.linalg.cross(flat[:1] * [1.0, 2.0, 3.0], [0.3, -0.2, 1.0]),
            lambda: tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(kernel(3, 3)), square(3)),
            lambda: tf.nn.sparse_softmax_cross_entropy_with_logits([0, 2, 1], square(3)),
            lambda: tf.nn.sigmoid_cross_entropy_with_logits(tf.sigmoid(kernel(3, 3)), square(3)),
            lambda: tf.nn.l2_loss(flat), lambda: tf.nn.relu6(4 * flat), lambda: tf.nn.selu(flat), lambda: tf.nn.crelu(flat),
            lambda: tf.math.digamma(2 + tf.abs(flat)), lambda: tf.math.igamma(1 + tf.abs(flat), 0.5 + tf.abs(flat)),
            lambda: tf.math.betainc(1.3, 1.5, tf.sigmoid(flat)), lambda: tf.math.ndtri(tf.sigmoid(flat)),
            lambda: tf.math.bessel_i0e(flat), lambda: tf.math.zeta(2 + tf.abs(flat), 1 + tf.abs(flat)),
            lambda: tf.math.polygamma(1.0, 1 + tf.abs(flat)), lambda: tf.math.erfinv(0.9 * tf.tanh(flat)),
            lambda: tf.math.asinh(flat) + tf.math.acosh(2 + tf.abs(flat)) + tf.math.atanh(0.5 * tf.tanh(flat)),
            lambda: tf.math.multiply_no_nan(flat, tf.round(flat)),
            lambda: tf.reduce_sum(tf.unstack(tf.space_to_batch(image(1), [2, 2], [[0, 0], [0, 0]])), 0),
            lambda: tf.math.reduce_euclidean_norm(1 + square(2), 0), lambda: tf.clip_by_norm(flat, 0.7),
            lambda: tf.clip_by_global_norm([flat, 2 * flat], 1.0)[0][1], lambda: tf.transpose(square(2), conjugate=True),
            lambda: tf.nn.erosion2d(image(1), kernel(2, 2, 1), [1, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1]),
            lambda: tf.einsum("ij,jk,kl->il", square(2), square(2), square(2)), lambda: tf.einsum("ii->i", square(3)),
            lambda: tf.tensordot(square(3), square(3), [[0], [1]]),
            lambda: tf.repeat(flat, 2), lambda: tf.repeat(square(2), [1, 2], axis=0), lambda: tf.eye(2) * flat[0],
            lambda: tf.scatter_nd([[1], [0]], flat[:1] * [1.0, 2.0], [3]), lambda: tf.reverse_sequence(square(3), [1, 2, 3], 1),
            lambda: tf.strided_slice(square(3), [0, 1], [3, 3], [2, 1]), lambda: tf.gather_nd(square(3), [[[0, 1], [2, 2]]]),
            lambda: tf.ensure_shape(flat, [n]), lambda: tf.add_n([flat, flat, 2 * flat]),
        ]
        return r.choice(calls)()

    # ---- control flow: bodies are programs of their own

    def body(self, like, count=3):
        """A function of tensors that keeps the type of the first: decisions are drawn once."""
        seed, depth, pool = self.r.random(), self.depth - 1, self.pool[-2:]

        def f(x, *others):
            kept = self.r, self.pool, self.depth
            self.r = random.Random(seed)
            out = self.steps(pool + [x, *others], count, depth)
            self.r, self.pool, self.depth = kept
            same = [y for y in out if y.shape == like.shape]
            return 0.6 * tf.tanh(same[-1]) + 0.1 * x
        return f

    def condition(self, x):
        f, g = self.body(x), self.body(x)
        return tf.cond(tf.reduce_sum(x) > self.r.uniform(-1, 1), lambda: f(x), lambda: g(x))

    def cases(self, x):
        bodies = [self.body(x, 2) for _ in range(self.r.randint(1, 3))]
        which = tf.cast(tf.reduce_sum(tf.cast(x > 0, tf.int32)), tf.int32) - self.r.randint(0, 2)
        return tf.switch_case(which, [lambda f=f: f(x) for f in bodies])

    def loop(self, x):
        f, steps = self.body(x), self.r.randint(0, 4)
        some = {"maximum_iterations": self.r.randint(1, 5)} if self.r.random() < 0.4 else {}
        return tf.while_loop(lambda i, y: i < steps, lambda i, y: (i + 1, f(y) + 0.1 * tf.cast(i, tf.float32)),
                             (0, x), **some)[1]

    def open_loop(self, x):
        """The number of steps depends on values."""
        f = self.body(x, 2)
        return tf.while_loop(lambda i, y: tf.logical_and(tf.reduce_max(tf.abs(y)) > 0.45, i < 7),
                             lambda i, y: (i + 1, 0.7 * f(y)), (0, x))[1]

    def array(self, x):
        """A loop that fills a TensorArray."""
        f, n = self.body(x, 2), self.r.randint(1, 4)
        out = tf.TensorArray(tf.float32, n, element_shape=x.shape)
        _, y, out = tf.while_loop(lambda i, y, a: i < n, lambda i, y, a: (i + 1, f(y), a.write(i, 0.5 * y)), (0, x, out))
        return self.r.choice([out.stack(), out.concat() if x.shape.rank else out.stack(), out.read(n - 1) + y])

    def scan(self, x):
        if not x.shape.rank:
            return x
        f = self.body(x[0], 2)
        kind = self.r.choice(["scan", "map", "foldl", "vectorized"])
        if kind == "scan":
            return tf.scan(lambda a, y: f(a) + 0.3 * y, x, tf.zeros(x.shape[1:]), reverse=self.r.random() < 0.5)
        if kind == "map":
            return tf.map_fn(f, x)
        if kind == "foldl":
            return tf.foldl(lambda a, y: f(a) * y, x, tf.ones(x.shape[1:]))
        return tf.vectorized_map(lambda y: tf.tanh(y) * tf.reduce_sum(y), x)

    def nested(self, x):
        f = tf.function(self.body(x))
        return f(x) + (f(0.5 * x) if self.r.random() < 0.5 else 0.0)


class SavedProgram(Program):
    """A program of a SavedModel: variables, gradients of its own, functions that are computed again."""

    def __init__(self, seed):
        super().__init__(seed)
        r = random.Random(seed)
        sizes = [[], [r.randint(1, 4)], [r.randint(1, 3), r.randint(1, 3)]]
        self.weights = [tf.Variable(0.5 * tf.sin(tf.cast(tf.reshape(tf.range(int(np.prod(s))), s), tf.float32) + i))
                        for i, s in enumerate(sizes)]

    def further_moves(self, depth):
        return [self.custom, self.recompute, self.weight, self.weight] if depth > 1 else [self.weight]

    def weight(self, x):
        w = self.r.choice(self.weights)
        try:
            tf.broadcast_static_shape(x.shape, w.shape)
        except ValueError:
            return w + tf.reduce_mean(x)
        return self.r.choice([tf.add, tf.multiply])(x, w)

    def custom(self, x):
        factor = self.r.uniform(0.3, 2)

        @tf.custom_gradient
        def f(v):
            return tf.sin(v), lambda dy: factor * dy * tf.cos(0.9 * v)
        return f(x)

    def recompute(self, x):
        a = self.r.uniform(0.3, 1)
        return tf.recompute_grad(lambda v: tf.tanh(a * v) * v)(x)


@tf_ops.row
def Program_(d):
    r = random.Random(int(d.r.integers(2 ** 62)))
    shapes = [[r.randint(1, 4) for _ in range(r.randint(0, 3))] for _ in range(r.randint(1, 3))]
    inputs = [np.round(d.floats(*s), 3) for s in shapes]
    return inputs, Program(r.random())


if __name__ == "__main__":
    tf_ops.main("tf_programs")
