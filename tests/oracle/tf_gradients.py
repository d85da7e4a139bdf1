"""Draws calls of TensorFlow operations at ties, zeros and kinks and of complex numbers, and writes what TensorFlow
computes and its gradients, for `Config::gradient_convention = tf`. Options and format are those of tf_ops.py.

    python tests/oracle/tf_gradients.py --out DIR [--seed N] [--count N] [--only REGEX]
    build/release/bin/conformance --dir DIR
"""
import numpy as np
import tensorflow as tf

import tf_ops
from tf_ops import raw, row

tf_ops.ROWS.pop("ImageProjectiveTransformV3")  # its registered gradient is no derivative of it
tf_ops.ROWS.pop("SegmentProd")  # ours has none without unique indices, as JAX
# Coarse matrices are singular or have equal singular values.
for name in ["Svd", "Qr", "Lu", "Eig", "MatrixInverse", "MatrixSolve", "MatrixSolveLs", "MatrixDeterminant",
             "LogMatrixDeterminant", "MatrixSquareRoot", "TridiagonalSolve"]:
    tf_ops.ROWS.pop(name)


def named(name, make):
    make.__name__ = name
    row(make)


def unary(name, kind="floats", **attributes):
    def make(d):
        x = getattr(d, kind)(2, d.size())
        return [x], lambda x: getattr(raw, name)(**{tf_ops.op_def(name).input_arg[0].name: x}, **attributes)
    named(name if kind == "floats" else name + "_complex", make)


for name in ["Abs", "Neg", "Sign", "Square", "Exp", "Expm1", "Sin", "Cos", "Tanh", "Sinh", "Cosh", "Asinh", "Atan", "Erf",
             "Relu", "Relu6", "Elu", "Selu", "Softplus", "Softsign", "Sigmoid", "Softmax", "LogSoftmax", "Floor", "Ceil",
             "Rint", "L2Loss", "BesselI0e", "BesselI1e", "HSVToRGB"]:
    unary(name)
unary("LeakyRelu", alpha=0.25)
for name in ["Neg", "Sign", "Square", "Exp", "Sin", "Cos", "Tanh", "Sinh", "Cosh", "Sigmoid", "Conj", "Real", "Imag",
             "ComplexAbs", "Reciprocal", "Sqrt", "Rsqrt", "Log", "Log1p", "Expm1", "Tan", "Asinh", "Acosh", "Atan", "FFT",
             "IFFT"]:
    unary(name, "complex")


def binary(name, kind="floats"):
    def make(d):
        m, n = d.size(), d.size()
        shapes = d.one(((m, n), (m, n)), ((m, n), (n,)), ((m, 1), (1, n)), ((), (m, n)))
        names = [a.name for a in tf_ops.op_def(name).input_arg]
        return [getattr(d, kind)(*s) for s in shapes], lambda *xs: getattr(raw, name)(**dict(zip(names, xs)))
    named(name if kind == "floats" else name + "_complex", make)


for name in ["Maximum", "Minimum", "Pow", "AddV2", "Sub", "Mul", "RealDiv", "DivNoNan", "FloorMod", "FloorDiv",
             "SquaredDifference", "Xlogy", "Xdivy", "Atan2", "NextAfter"]:
    binary(name)
for name in ["AddV2", "Sub", "Mul", "RealDiv", "DivNoNan", "Pow"]:  # SquaredDifference is that of the Python library
    binary(name, "complex")


@row
def Complex(d):
    n = d.size()
    return [d.floats(n), d.floats(n)], lambda x, y: raw.Complex(real=x, imag=y) * (1 + 2j)


@row
def MatMul_complex(d):
    m, k, n = d.size(), d.size(), d.size()
    return [d.complex(m, k), d.complex(k, n)], lambda x, y: raw.MatMul(a=x, b=y)


@row
def BatchMatMulV2_adjoint(d):
    m, k, n = d.size(), d.size(), d.size()
    return [d.complex(2, k, m), d.complex(2, n, k)], lambda x, y: raw.BatchMatMulV2(x=x, y=y, adj_x=True, adj_y=True)


@row
def RFFT(d):
    n = d.size(2, 8)
    return [d.floats(2, n)], lambda x: raw.RFFT(input=x, fft_length=[n])


@row
def IRFFT(d):
    n = d.size(2, 8)
    return [d.complex(2, n // 2 + 1)], lambda x: raw.IRFFT(input=x, fft_length=[n])


@row
def ClipByValue(d):
    n = d.size()
    low, high = d.one(((), ()), ((n,), (n,)))
    return [d.floats(n), d.floats(*low, low=-2, high=0), d.floats(*high, low=0, high=2)], (
        lambda x, a, b: raw.ClipByValue(t=x, clip_value_min=a, clip_value_max=b))


@row
def SelectV2(d):
    n = d.size()
    c = d.ints(0, 2, n) > 0
    return [d.floats(n), d.floats()], lambda x, y: raw.SelectV2(condition=c, t=x, e=y)


def reduction(name, kind="floats"):
    def make(d):
        axes, keep = d.one([0], [1], [-1], [0, 1]), d.flag()
        return [getattr(d, kind)(d.size(), d.size())], lambda x: getattr(raw, name)(input=x, axis=axes, keep_dims=keep)
    named(name if kind == "floats" else name + "_complex", make)


for name in ["Max", "Min", "Prod", "Sum", "Mean", "EuclideanNorm"]:
    reduction(name)
for name in ["Prod", "Sum", "Mean"]:
    reduction(name, "complex")


def running(name):
    def make(d):
        axis, exclusive, reverse = d.size(0, 1), d.flag(), d.flag()
        return [d.floats(d.size(), d.size())], lambda x: getattr(raw, name)(x=x, axis=axis, exclusive=exclusive,
                                                                           reverse=reverse)
    named(name, make)


for name in ["Cumsum", "Cumprod"]:
    running(name)


def unsorted_segments(name):
    def make(d):
        n = d.size()
        at = np.concatenate([[0, 1, 2], d.ints(0, 3, n)])  # what empty ones have is the Python library's
        return [d.floats(n + 3, 2)], lambda x: getattr(raw, name)(data=x, segment_ids=at, num_segments=3)
    named(name, make)


for name in ["UnsortedSegmentSum", "UnsortedSegmentMax", "UnsortedSegmentMin"]:
    unsorted_segments(name)


def pool(name, **more):
    def make(d):
        size, strides, padding = d.size(1, 3), d.size(1, 3), d.one("SAME", "VALID")
        x = d.floats(1, d.size(3, 6), d.size(3, 6), d.size(1, 2))
        call = {"value" if name == "AvgPool" else "input": None}
        def f(x):
            call[next(iter(call))] = x
            return getattr(raw, name)(**call, ksize=[1, size, size, 1], strides=[1, strides, strides, 1], padding=padding)
        return [x], f
    named(name, make)


pool("MaxPool")
pool("AvgPool")


@row
def TopKV2(d):
    n = d.size(2, 6)
    k = d.size(1, n)
    return [d.floats(2, n)], lambda x: raw.TopKV2(input=x, k=k).values


@row
def FusedBatchNormV3(d):
    training, c = d.flag(), d.size(1, 3)
    xs = [d.floats(2, 3, 3, c), d.floats(c), d.floats(c), d.floats(c), d.floats(c, low=0.5, high=2)]
    def norm(x, scale, offset, mean, variance):
        if training:
            mean, variance = 0 * mean[:0], 0 * variance[:0]
        y = raw.FusedBatchNormV3(x=x, scale=scale, offset=offset, mean=mean, variance=variance, epsilon=0.01,
                                 is_training=training)
        return [y.y, y.batch_mean, tf.sin(y.batch_variance)]
    return xs, norm


@row
def SelfAdjointEigV2(d):
    n = d.size(2, 4)
    x = d.floats(n, n) + np.diag(np.arange(n, dtype=np.float32) * 7)
    def squares(x):
        e, v = raw.SelfAdjointEigV2(input=x)
        return [e, v * v]
    return [x], squares


@row
def Betainc(d):
    n = d.size()
    return [d.floats(n, low=0.5, high=3), d.floats(n, low=0.5, high=3), d.floats(n, low=0.25, high=0.75)], (
        lambda a, b, x: raw.Betainc(a=a, b=b, x=x))


@row
def SoftmaxCrossEntropyWithLogits(d):
    m, n = d.size(), d.size()
    return [d.floats(m, n), d.floats(m, n)], lambda x, y: raw.SoftmaxCrossEntropyWithLogits(features=x, labels=y).loss


@row
def TensorScatterMax(d):
    at = d.ints(0, 4, 3, 1)
    return [d.floats(4), d.floats(3)], lambda x, u: raw.TensorScatterMax(tensor=x, indices=at, updates=u)


@row
def ScatterNd(d):
    at = d.ints(0, 4, 3, 1)
    return [d.floats(3)], lambda u: raw.ScatterNd(indices=at, updates=u, shape=[4])


@row
def Gather_while(d):
    n = d.size(2, 5)
    return [d.floats(n)], lambda x: tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, tf.maximum(y, x[i])),
                                                  [0, tf.zeros([])])[1]


if __name__ == "__main__":
    tf_ops.main("tf_gradients", "tf", coarse=True)
