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


if __name__ == "__main__":
    tf_text.main(__doc__, ROWS)
