"""Draws calls of TensorFlow's random operations, stateless or with seeds, and writes the numbers that TensorFlow draws, with Philox.

  tf_random.py --out FILE [--seed N] [--count M]

Cases are as in tf_text.py.
"""
import numpy as np
import tensorflow as tf

import tf_text

raw = tf.raw_ops
ROWS = []


def row(f):
    ROWS.append(f)
    return f


def words(d, n):
    return np.array([d.randrange(2 ** 64) for _ in range(n)], np.uint64)


def small_seed(d):
    return np.array([d.randint(-2 ** 31, 2 ** 31 - 1), d.randint(-9, 9)], d.choice([np.int64, np.int32]))


def sizes(d):
    return [d.randint(0, 5), d.randint(1, 9)]


def real(d):
    return d.choice([tf.float32, tf.float32, tf.float64, tf.float16, tf.bfloat16])


def generator(d):
    key, counter = words(d, 1), words(d, 2)
    if d.random() < 0.3:
        counter[0] = 2 ** 64 - 1  # the carry
    return key, counter


@row
def key_counter(d):
    s = small_seed(d)
    return [], lambda: raw.StatelessRandomGetKeyCounter(seed=s)


def floats(op):
    def make(d):
        n, t = sizes(d), real(d)
        key, counter = generator(d)
        return [key, counter], lambda k, c: op(shape=n, key=k, counter=c, alg=1, dtype=t)
    make.__name__ = op.__name__
    return make


for op in [raw.StatelessRandomUniformV2, raw.StatelessRandomNormalV2, raw.StatelessTruncatedNormalV2]:
    row(floats(op))


@row
def full_int(d):
    n, t = sizes(d), d.choice([tf.int32, tf.int64, tf.uint32, tf.uint64])
    key, counter = generator(d)
    return [key, counter], lambda k, c: raw.StatelessRandomUniformFullIntV2(shape=n, key=k, counter=c, alg=1, dtype=t)


@row
def between(d):
    n, t = sizes(d), d.choice([np.int32, np.int64])
    low = d.randint(-10 ** 9, 10 ** 9)
    high = low + d.choice([1, 7, 10 ** 9])
    key, counter = generator(d)
    return [key, counter], lambda k, c: raw.StatelessRandomUniformIntV2(shape=n, key=k, counter=c, alg=1, minval=t(low),
                                                                        maxval=t(high))


@row
def first_version(d):
    n, t, s = sizes(d), real(d), small_seed(d)
    op = d.choice([raw.StatelessRandomUniform, raw.StatelessRandomNormal, raw.StatelessTruncatedNormal])
    return [], lambda: op(shape=n, seed=s, dtype=t)


@row
def first_version_between(d):
    n, s = sizes(d), small_seed(d)
    return [], lambda: raw.StatelessRandomUniformInt(shape=n, seed=s, minval=np.int32(-3), maxval=np.int32(40))


def seeds(d):
    return {"seed": d.choice([0, 87654321, d.randint(-2 ** 40, 2 ** 40)]), "seed2": d.randint(1, 2 ** 62)}


@row
def seeded(d):
    n, t, s = sizes(d), real(d), seeds(d)
    op = d.choice([raw.RandomUniform, raw.RandomStandardNormal, raw.TruncatedNormal])
    return [], lambda: op(shape=n, dtype=t, **s)


@row
def seeded_between(d):
    n, t, s = sizes(d), d.choice([np.int32, np.int64]), seeds(d)
    low = d.randint(-10 ** 9, 10 ** 9)
    return [], lambda: raw.RandomUniformInt(shape=n, minval=t(low), maxval=t(low + d.choice([1, 7, 10 ** 9])), **s)


# ---- distributions with parameters: these are constants, since they must be known

def few(d):
    return d.choice([np.float32, np.float32, np.float64, np.float16])


def output(d):
    return d.choice([tf.float32, tf.float64, tf.float16, tf.int32, tf.int64])


def several(d, choices, *shape):
    return np.array([d.choice(choices) for _ in range(int(np.prod(shape)))]).reshape(shape)


def samples(d):
    return d.choice([[], [1], [4], [3, 2], [0]])


@row
def gamma(d):
    alpha = several(d, [0.01, 0.3, 0.99, 1, 1.5, 7, 40, 1e3], d.randint(1, 4)).astype(few(d))
    n, s = samples(d), small_seed(d)
    key, counter = generator(d)
    if d.random() < 0.4:
        return [key, counter], lambda k, c: raw.StatelessRandomGammaV3(shape=n + [len(alpha)], key=k, counter=c, alg=1, alpha=alpha)
    if d.random() < 0.5:
        return [], lambda: raw.StatelessRandomGammaV2(shape=n + [len(alpha)], seed=s, alpha=alpha)
    return [], lambda: raw.RandomGamma(shape=np.array(n, np.int32), alpha=alpha, **seeds(d))


@row
def poisson(d):
    kind = d.choice([np.float32, np.float32, np.float64, np.float16, np.int32, np.int64])
    rate = several(d, [0, 0.3, 2, 9.99, 10, 15.5, 100, 3e4], d.randint(1, 4)).astype(kind)
    n, s, t = samples(d), small_seed(d), output(d)
    if d.random() < 0.5:
        return [], lambda: raw.StatelessRandomPoisson(shape=n + [len(rate)], seed=s, lam=rate, dtype=t)
    return [], lambda: raw.RandomPoissonV2(shape=np.array(n, np.int32), rate=rate, dtype=t, **seeds(d))


@row
def binomial(d):
    kind = few(d)
    counts = several(d, [0, 1, 5.5, 20, 41, 1000], 2, 1).astype(kind)
    probabilities = several(d, [0, 0.01, 0.3, 0.5, 0.51, 0.7, 0.99, 1], *d.choice([[], [3], [2, 3]])).astype(kind)
    n, s, t = samples(d), small_seed(d), output(d)
    shape = n + list(np.broadcast_shapes(counts.shape, probabilities.shape))
    return [], lambda: raw.StatelessRandomBinomial(shape=shape, seed=s, counts=counts, probs=probabilities, dtype=t)


@row
def multinomial(d):
    logits = several(d, [-3, -0.5, 0, 1, 2.5, -np.inf], d.randint(1, 4), d.randint(1, 7)).astype(few(d))
    n, s, t = d.randint(0, 9), small_seed(d), d.choice([tf.int32, tf.int64])
    if d.random() < 0.5:
        return [], lambda: raw.StatelessMultinomial(logits=logits, num_samples=n, seed=s, output_dtype=t)
    return [], lambda: raw.Multinomial(logits=logits, num_samples=n, output_dtype=t, **seeds(d))


RANGES = [(-2, 2), (-0.5, 0.5), (1, 3), (4, 4.25), (3, np.inf), (-np.inf, -1), (-np.inf, 2), (-5, -3), (0.125, 0.25), (-1.25, np.inf)]


def normal_parameters(d, kind, *shape):
    ranges = several(d, range(len(RANGES)), *shape)
    return [x.astype(kind) for x in (several(d, [-1.5, 0, 0.25, 2], *shape), several(d, [0.5, 1, 3], *shape),
                                     np.vectorize(lambda i: float(RANGES[i][0]))(ranges), np.vectorize(lambda i: float(RANGES[i][1]))(ranges))]


@row
def truncated_between(d):
    kind, s, n = few(d), small_seed(d), samples(d)
    means, deviations, low, high = normal_parameters(d, kind, *d.choice([[], [3], [2, 1]]))
    means = np.broadcast_to(means, means.shape[:-1] + (3,)) if means.shape[-1:] == (1,) else means
    if n + list(means.shape) == []:
        n = [2]
    return [], lambda: raw.StatelessParameterizedTruncatedNormal(shape=n + list(means.shape), seed=s, means=means, stddevs=deviations, minvals=low, maxvals=high)


@row
def seeded_truncated_between(d):
    kind, rows = few(d), d.randint(1, 4)
    means, deviations, low, high = normal_parameters(d, kind, rows if d.random() < 0.6 else 1)
    if len(low) == 1:
        low, high = low[0], high[0]
    shape = [rows] + d.choice([[], [5], [2, 40]])
    return [], lambda: raw.ParameterizedTruncatedNormal(shape=shape, means=means, stdevs=deviations, minvals=low, maxvals=high, **seeds(d))


@row
def shuffle(d):
    x = several(d, range(-99, 99), d.randint(0, 12), *d.choice([[], [2]])).astype(d.choice([np.float32, np.int32]))
    key, counter = generator(d)
    if d.random() < 0.5:
        return [x, key, counter], lambda x, k, c: raw.StatelessShuffle(value=x, key=k, counter=c, alg=1)
    return [x], lambda x: raw.RandomShuffle(value=x, **seeds(d))


if __name__ == "__main__":
    tf_text.main(__doc__, ROWS)
