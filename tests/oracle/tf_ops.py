"""Draws calls of single TensorFlow operations and writes what TensorFlow computes, as golden files that `conformance`
reads: a frozen graph, inputs, outputs, and gradients by GradientTape of the outputs for random cotangents.

    python tests/oracle/tf_ops.py --out DIR [--seed N] [--count N] [--only REGEX]
    build/release/bin/conformance --dir DIR
"""
import argparse
import json
import os
import re

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

raw = tf.raw_ops


class Draw:
    def __init__(self, seed, coarse=False):
        self.r = np.random.default_rng(seed)
        self.coarse = coarse  # halves only, so that ties, zeros and kinks are met

    def floats(self, *shape, low=-2.0, high=2.0, dtype=np.float32):
        x = self.r.uniform(low, high, shape)
        return (np.clip(np.round(2 * x) / 2, low, high) + 0.0 if self.coarse else x).astype(dtype)

    def complex(self, *shape):  # none of them is 0, 1 or i, where functions have no derivative
        return (self.floats(*shape) + 1j * (self.floats(*shape) + 0.21)).astype(np.complex64)

    def ints(self, low, high, *shape, dtype=np.int32):
        return self.r.integers(low, high, shape).astype(dtype)

    def size(self, low=1, high=6):
        return int(self.r.integers(low, high + 1))

    def one(self, *choices):
        return choices[int(self.r.integers(len(choices)))]

    def flag(self):
        return bool(self.r.integers(2))


# Their registered gradients are not the derivatives of what they compute.
APART = {"ImageProjectiveTransformV3", "BlockLSTMV2"}

# Each row: operation -> (traced inputs, function of them). Constants of a call are closed over.
ROWS = {}


def row(f):
    ROWS[f.__name__] = f
    return f


def image(d, channels=None, small=1):
    return d.floats(d.size(1, 2), d.size(small, 7), d.size(small, 7), channels or d.size(1, 3))


def grid(d, both=True):
    g = d.one((False, True), (False, False), (True, False))
    return {"align_corners": g[0], "half_pixel_centers": g[1]}


@row
def ResizeBilinear(d):
    x, size, g = image(d), [d.size(1, 9), d.size(1, 9)], grid(d)
    return [x], lambda x: raw.ResizeBilinear(images=x, size=size, **g)


@row
def ResizeBicubic(d):
    x, size, g = image(d), [d.size(1, 9), d.size(1, 9)], grid(d)
    return [x], lambda x: raw.ResizeBicubic(images=x, size=size, **g)


@row
def ResizeNearestNeighbor(d):
    x, size, g = image(d), [d.size(1, 9), d.size(1, 9)], grid(d)
    return [x], lambda x: raw.ResizeNearestNeighbor(images=x, size=size, **g)


@row
def ResizeArea(d):
    x, size, corners = image(d), [d.size(1, 9), d.size(1, 9)], d.flag()
    return [x], lambda x: raw.ResizeArea(images=x, size=size, align_corners=corners)


@row
def ScaleAndTranslate(d):
    x, size = image(d), [d.size(1, 9), d.size(1, 9)]
    scale = [size[0] / x.shape[1], size[1] / x.shape[2]] if d.flag() else d.floats(2, low=0.3, high=2).tolist()
    move = [0.0, 0.0] if d.flag() else d.floats(2).tolist()
    kernel = d.one("lanczos1", "lanczos3", "lanczos5", "gaussian", "box", "triangle", "keyscubic", "mitchellcubic")
    antialias = d.flag()
    return [x], lambda x: raw.ScaleAndTranslate(images=x, size=size, scale=scale, translation=move,
                                                kernel_type=kernel, antialias=antialias)


@row
def ResizeBilinearGrad(d):
    x, g = image(d), grid(d)
    ct = d.floats(x.shape[0], d.size(1, 9), d.size(1, 9), x.shape[3])
    return [ct], lambda ct: raw.ResizeBilinearGrad(grads=ct, original_image=x, **g)


@row
def CropAndResize(d):
    x = image(d, small=2)
    n = d.size(1, 4)
    boxes, which = d.floats(n, 4, low=-0.2, high=1.2), d.ints(0, x.shape[0], n)
    size, method = [d.size(1, 5), d.size(1, 5)], d.one("bilinear", "nearest")
    call = lambda x, boxes: raw.CropAndResize(image=x, boxes=boxes, box_ind=which, crop_size=size, method=method,
                                              extrapolation_value=0.5)
    # TensorFlow moves the boxes of "nearest" as if they were interpolated; they are constants then.
    return ([x, boxes], call) if method == "bilinear" else ([x], lambda x: call(x, boxes))


@row
def ImageProjectiveTransformV3(d):
    x = image(d, small=2)
    t = np.tile(np.array([1, 0, 0, 0, 1, 0, 0, 0], np.float32), (d.one(1, x.shape[0]), 1))
    t = t + d.floats(*t.shape, low=-0.3, high=0.3) * np.array([1, 1, 5, 1, 1, 5, 0.05, 0.05], np.float32)
    size, mode = [d.size(1, 7), d.size(1, 7)], d.one("CONSTANT", "REFLECT", "WRAP", "NEAREST")
    how = d.one("NEAREST", "BILINEAR")
    return [x], lambda x: raw.ImageProjectiveTransformV3(images=x, transforms=t, output_shape=size, fill_value=0.25,
                                                         interpolation=how, fill_mode=mode)


@row
def ExtractImagePatches(d):
    x = image(d, small=4)
    k, s, r = [[1, d.size(1, 2), d.size(1, 2), 1] for _ in range(3)]
    padding = d.one("SAME", "VALID")
    return [x], lambda x: raw.ExtractImagePatches(images=x, ksizes=k, strides=s, rates=r, padding=padding)


@row
def RGBToHSV(d):
    # The registered gradient is that of colours within [0, 1].
    return [d.floats(2, d.size(), 3, low=0, high=1)], lambda x: raw.RGBToHSV(images=x)


@row
def HSVToRGB(d):
    return [d.floats(2, d.size(), 3, low=0, high=1)], lambda x: raw.HSVToRGB(images=x)


@row
def AdjustHue(d):
    x, delta = d.floats(d.size(), 3, 3, low=-1, high=1), float(d.floats(low=-1, high=1))
    return [x], lambda x: raw.AdjustHue(images=x, delta=delta)


@row
def AdjustSaturation(d):
    x, scale = d.floats(d.size(), 3, 3, low=-1, high=1), float(d.floats(low=0, high=2))
    return [x], lambda x: raw.AdjustSaturation(images=x, scale=scale)


@row
def AdjustContrastv2(d):
    x, factor = d.floats(d.size(), 4, 3), float(d.floats(low=0, high=2))
    return [x], lambda x: raw.AdjustContrastv2(images=x, contrast_factor=factor)


def conv_shapes(d):
    x = d.floats(d.size(1, 2), d.size(3, 7), d.size(3, 7), d.size(1, 3))
    k = [d.size(1, 3), d.size(1, 3), x.shape[3], d.size(1, 3)]
    return x, k, d.size(1, 2), d.one("SAME", "VALID")


@row
def Conv2DBackpropFilter(d):
    x, k, s, padding = conv_shapes(d)
    y = raw.Conv2D(input=x, filter=d.floats(*k), strides=[1, s, s, 1], padding=padding)
    ct = d.floats(*y.shape)
    return [x, ct], lambda x, ct: raw.Conv2DBackpropFilter(input=x, filter_sizes=k, out_backprop=ct,
                                                           strides=[1, s, s, 1], padding=padding)


@row
def DepthwiseConv2dNativeBackpropInput(d):
    x, k, s, padding = conv_shapes(d)
    kernel = d.floats(*k)
    y = raw.DepthwiseConv2dNative(input=x, filter=kernel, strides=[1, s, s, 1], padding=padding)
    ct, shape = d.floats(*y.shape), list(x.shape)
    return [kernel, ct], lambda kernel, ct: raw.DepthwiseConv2dNativeBackpropInput(
        input_sizes=shape, filter=kernel, out_backprop=ct, strides=[1, s, s, 1], padding=padding)


@row
def DepthwiseConv2dNativeBackpropFilter(d):
    x, k, s, padding = conv_shapes(d)
    y = raw.DepthwiseConv2dNative(input=x, filter=d.floats(*k), strides=[1, s, s, 1], padding=padding)
    ct = d.floats(*y.shape)
    return [x, ct], lambda x, ct: raw.DepthwiseConv2dNativeBackpropFilter(
        input=x, filter_sizes=k, out_backprop=ct, strides=[1, s, s, 1], padding=padding)


@row
def MaxPoolGrad(d):
    x, (k, s) = image(d, small=3), (d.size(1, 3), d.size(1, 2))
    kw = dict(ksize=[1, k, k, 1], strides=[1, s, s, 1], padding=d.one("SAME", "VALID"))
    y = raw.MaxPool(input=x, **kw).numpy()
    return [d.floats(*y.shape)], lambda ct: raw.MaxPoolGrad(orig_input=x, orig_output=y, grad=ct, **kw)


@row
def AvgPoolGrad(d):
    x, (k, s) = image(d, small=3), (d.size(1, 3), d.size(1, 2))
    kw = dict(ksize=[1, k, k, 1], strides=[1, s, s, 1], padding=d.one("SAME", "VALID"))
    y, shape = raw.AvgPool(value=x, **kw), list(x.shape)
    return [d.floats(*y.shape)], lambda ct: raw.AvgPoolGrad(orig_input_shape=shape, grad=ct, **kw)


@row
def StridedSliceGrad(d):
    shape = [d.size(2, 6), d.size(2, 6), 3]
    kw = dict(begin=[d.size(0, 1), -1], end=[shape[0], -shape[1]], strides=[d.size(1, 2), -1],
              begin_mask=d.one(0, 1, 2), end_mask=d.one(0, 2), shrink_axis_mask=0)
    y = raw.StridedSlice(input=np.zeros(shape, np.float32), **kw)
    return [d.floats(*y.shape)], lambda ct: raw.StridedSliceGrad(shape=shape, dy=ct, **kw)


def sorted_ids(d, n):
    return np.sort(d.ints(0, 5, n))


def segment(name):
    def make(d):
        n = d.size(1, 8)
        x, ids = d.floats(n, d.size(1, 3)), sorted_ids(d, n)
        return [x], lambda x: getattr(raw, name)(data=x, segment_ids=ids)
    make.__name__ = name
    row(make)


for name in ["SegmentSum", "SegmentMean", "SegmentMax", "SegmentMin", "SegmentProd"]:
    segment(name)


def sparse(name):
    def make(d):
        n = d.size(1, 8)
        x, ids, at = d.floats(6, 2), sorted_ids(d, n), d.ints(0, 6, n)
        return [x], lambda x: getattr(raw, name)(data=x, indices=at, segment_ids=ids)
    make.__name__ = name
    row(make)


for name in ["SparseSegmentSum", "SparseSegmentMean", "SparseSegmentSqrtN"]:
    sparse(name)


@row
def DenseBincount(d):
    shape = d.one([d.size(1, 9)], [d.size(1, 3), d.size(1, 6)])
    x, bins, binary = d.ints(0, 7, *shape), d.size(1, 8), d.flag()
    w = d.floats(*shape) if d.flag() else np.zeros([0], np.float32)
    return [x], lambda x: raw.DenseBincount(input=x, size=bins, weights=w, binary_output=binary)


@row
def Bucketize(d):
    edges = np.sort(d.floats(d.size(1, 5))).tolist()
    return [d.floats(2, d.size())], lambda x: raw.Bucketize(input=x, boundaries=edges)


@row
def HistogramFixedWidth(d):
    x, bins = d.floats(d.size(1, 20)), d.size(1, 6)
    return [x], lambda x: raw.HistogramFixedWidth(values=x, value_range=[-1.5, 1.0], nbins=bins)


def special(name, *ranges):
    def make(d):
        shape = [2, d.size()]
        xs = [d.floats(*shape, low=a, high=b) for a, b in ranges]
        op = getattr(raw, name)
        names = [a.name for a in op_def(name).input_arg]
        return xs, lambda *xs: op(**dict(zip(names, xs)))
    make.__name__ = name
    row(make)


def op_def(name):
    from tensorflow.python.framework import op_def_registry
    return op_def_registry.get(name)


for name, *ranges in [("Igamma", (0.3, 5), (0.1, 6)), ("Igammac", (0.3, 5), (0.1, 6)), ("Zeta", (1.5, 6), (0.5, 4)),
                      ("Betainc", (0.5, 4), (0.5, 4), (0.05, 0.95)), ("BesselI0e", (-4, 4)), ("BesselI1e", (-4, 4)),
                      ("BesselI0", (-4, 4)), ("BesselI1", (-4, 4)), ("Ndtri", (0.02, 0.98))]:
    special(name, *ranges)


def fft(name, axes, real):
    def make(d):
        shape = [2] + [d.size(1, 6) for _ in range(axes)]
        if name.startswith("RFFT"):
            length = [d.size(1, 7) for _ in range(axes)]
            return [d.floats(*shape)], lambda x: getattr(raw, name)(input=x, fft_length=length)
        x = (d.floats(*shape) + 1j * d.floats(*shape)).astype(np.complex64)
        if name.startswith("IRFFT"):
            length = [d.size(2, 7) for _ in range(axes)]
            return [x], lambda x: getattr(raw, name)(input=x, fft_length=length)
        return [x], lambda x: getattr(raw, name)(input=x)
    make.__name__ = name
    row(make)


for axes, end in [(1, ""), (2, "2D"), (3, "3D")]:
    for kind in ["FFT", "IFFT", "RFFT", "IRFFT"]:
        fft(kind + end, axes, kind[-4:] == "RFFT")


@row
def Cholesky(d):
    n = d.size(1, 4)
    x = d.floats(2, n, n)
    x = x @ x.transpose(0, 2, 1) + 2 * np.eye(n, dtype=np.float32)
    # Symmetric tangents only: the factor reads one triangle, JAX's convention takes the mean of both.
    return [x], lambda x: raw.Cholesky(input=(x + tf.transpose(x, [0, 2, 1])) / 2)


@row
def MatrixTriangularSolve(d):
    n, lower, adjoint = d.size(1, 4), d.flag(), d.flag()
    x = d.floats(2, n, n) + 4 * np.eye(n, dtype=np.float32)
    return [x, d.floats(2, n, d.size(1, 3))], lambda x, y: raw.MatrixTriangularSolve(matrix=x, rhs=y, lower=lower,
                                                                                    adjoint=adjoint)


def well_conditioned(d, *shape):
    x = d.floats(*shape)
    return x + 3 * np.eye(*shape[-2:], dtype=np.float32)


@row
def MatrixInverse(d):
    n, adjoint = d.size(1, 4), d.flag()
    return [well_conditioned(d, 2, n, n)], lambda x: raw.MatrixInverse(input=x, adjoint=adjoint)


@row
def MatrixSolve(d):
    n, adjoint = d.size(1, 4), d.flag()
    return [well_conditioned(d, 2, n, n), d.floats(2, n, d.size(1, 3))], lambda x, y: raw.MatrixSolve(
        matrix=x, rhs=y, adjoint=adjoint)


@row
def MatrixSolveLs(d):
    m, n = d.size(1, 4), d.size(1, 4)
    return [well_conditioned(d, 2, m, n), d.floats(2, m, d.size(1, 3))], lambda x, y: raw.MatrixSolveLs(
        matrix=x, rhs=y, l2_regularizer=tf.constant(0.25, tf.float64), fast=True)


@row
def MatrixDeterminant(d):
    n = d.size(1, 4)
    return [well_conditioned(d, 2, n, n)], lambda x: raw.MatrixDeterminant(input=x)


@row
def LogMatrixDeterminant(d):
    n = d.size(1, 4)
    return [well_conditioned(d, 2, n, n)], lambda x: list(raw.LogMatrixDeterminant(input=x))


@row
def Lu(d):
    n = d.size(1, 4)
    return [well_conditioned(d, 2, n, n)], lambda x: list(raw.Lu(input=x))


@row
def Qr(d):
    n = d.size(1, 4)
    m = n + d.size(0, 2)
    # R without the signs of its rows, which are not determined.
    return [well_conditioned(d, 2, m, n)], lambda x: tf.abs(raw.Qr(input=x, full_matrices=False)[1])


@row
def Svd(d):
    m, n = d.size(1, 4), d.size(1, 4)
    def product(x):
        s, u, v = raw.Svd(input=x, compute_uv=True, full_matrices=False)
        return [s, tf.matmul(u * (s + 1)[..., None, :], v, adjoint_b=True)]
    return [d.floats(2, m, n)], product


@row
def Eig(d):
    n = d.size(1, 4)
    def symmetric_sums(x):  # the order of eigenvalues is not determined
        e = raw.Eig(input=x, compute_v=False, Tout=tf.complex64)[0]
        return [tf.math.real(tf.reduce_sum(e, -1)), tf.math.real(tf.reduce_sum(e * e, -1))]
    return [d.floats(2, n, n)], symmetric_sums


@row
def FakeQuantWithMinMaxArgs(d):
    low, bits, narrow_range = float(d.floats(low=-3, high=-0.1)), d.size(2, 9), d.flag()
    high = float(d.floats(low=0.1, high=3))
    return [d.floats(3, 4, low=-4, high=4)], lambda x: raw.FakeQuantWithMinMaxArgs(
        inputs=x, min=low, max=high, num_bits=bits, narrow_range=narrow_range)


@row
def FakeQuantWithMinMaxVars(d):
    bits, narrow_range = d.size(2, 9), d.flag()
    return [d.floats(3, 4, low=-4, high=4), d.floats(low=-3, high=-0.1), d.floats(low=0.1, high=3)], (
        lambda x, a, b: raw.FakeQuantWithMinMaxVars(inputs=x, min=a, max=b, num_bits=bits, narrow_range=narrow_range))


@row
def FakeQuantWithMinMaxVarsPerChannel(d):
    bits, narrow_range, c = d.size(2, 9), d.flag(), d.size(1, 4)
    return [d.floats(5, c, low=-4, high=4), d.floats(c, low=-3, high=-0.1), d.floats(c, low=0.1, high=3)], (
        lambda x, a, b: raw.FakeQuantWithMinMaxVarsPerChannel(inputs=x, min=a, max=b, num_bits=bits,
                                                              narrow_range=narrow_range))


@row
def QuantizeAndDequantizeV2(d):
    signed, bits, given, narrow_range = d.flag(), d.size(3, 9), d.flag(), d.flag()
    mode = d.one("HALF_TO_EVEN", "HALF_UP")
    low, high = (-1.5, 1.25) if signed else (0.0, 1.5)
    x = d.floats(3, 5, low=-2 if signed else 0, high=2)
    return [x], lambda x: raw.QuantizeAndDequantizeV2(
        input=x, input_min=low, input_max=high, signed_input=signed, num_bits=bits, range_given=given, round_mode=mode,
        narrow_range=narrow_range)


@row
def DynamicPartition(d):
    n = d.size(1, 8)
    parts, count = d.ints(0, 3, n), 3
    return [d.floats(n, 2)], lambda x: raw.DynamicPartition(data=x, partitions=parts, num_partitions=count)


@row
def DynamicStitch(d):
    order = d.r.permutation(6).astype(np.int32)
    return [d.floats(4, 2), d.floats(2, 2)], lambda x, y: raw.DynamicStitch(
        indices=[tf.constant(order[:4]), tf.constant(order[4:])], data=[x, y])


@row
def UniqueWithCounts(d):
    x = d.ints(0, 5, d.size(1, 9))
    return [d.floats(2)], lambda y: [y] + list(raw.UniqueWithCounts(x=tf.constant(x)))


@row
def ListDiff(d):
    x, y = d.ints(0, 9, 8), d.ints(0, 9, 4)
    return [d.floats(2)], lambda z: [z] + list(raw.ListDiff(x=tf.constant(x), y=tf.constant(y)))


@row
def NonMaxSuppressionV4(d):
    n = d.size(1, 9)
    corner, size = d.floats(n, 2, low=0, high=1), d.floats(n, 2, low=0.1, high=0.8)
    boxes = np.concatenate([corner, corner + size], 1)
    most, overlap, limit = d.size(0, 6), float(d.floats(low=0, high=0.9)), float(d.floats(low=0, high=0.5))
    return [boxes, d.floats(n, low=0, high=1)], lambda b, s: raw.NonMaxSuppressionV4(
        boxes=b, scores=s, max_output_size=most, iou_threshold=overlap, score_threshold=limit,
        pad_to_max_output_size=True)


@row
def NonMaxSuppressionV5(d):
    n = d.size(1, 9)
    corner, size = d.floats(n, 2, low=0, high=1), d.floats(n, 2, low=0.1, high=0.8)
    boxes = np.concatenate([corner, corner + size], 1)
    most, overlap, sigma = d.size(1, 6), float(d.floats(low=0.3, high=0.9)), d.one(0.0, 0.3)
    return [boxes, d.floats(n, low=0, high=1)], lambda b, s: raw.NonMaxSuppressionV5(
        boxes=b, scores=s, max_output_size=most, iou_threshold=overlap, score_threshold=0.05, soft_nms_sigma=sigma,
        pad_to_max_output_size=True)


@row
def SparseToDense(d):
    rows = np.sort(d.r.choice(12, 4, replace=False))
    places = np.stack([rows // 4, rows % 4], 1).astype(np.int32)
    return [d.floats(4)], lambda v: raw.SparseToDense(sparse_indices=places, output_shape=[3, 4], sparse_values=v,
                                                      default_value=0.5)


@row
def SparseTensorDenseMatMul(d):
    rows = np.sort(d.r.choice(12, 5, replace=False))
    places = np.stack([rows // 4, rows % 4], 1).astype(np.int64)
    a, b, n = d.flag(), d.flag(), d.size(1, 3)
    inner = 3 if a else 4
    y = d.floats(*((n, inner) if b else (inner, n)))
    return [d.floats(5), y], lambda v, y: raw.SparseTensorDenseMatMul(
        a_indices=places, a_values=v, a_shape=tf.constant([3, 4], tf.int64), b=y, adjoint_a=a, adjoint_b=b)


@row
def ReverseSequence(d):
    lengths = d.ints(0, 6, 3)
    if d.flag():
        return [d.floats(3, 5, 2)], lambda x: raw.ReverseSequence(input=x, seq_lengths=lengths, seq_dim=1, batch_dim=0)
    return [d.floats(5, 3, 2)], lambda x: raw.ReverseSequence(input=x, seq_lengths=lengths, seq_dim=0, batch_dim=1)


@row
def CumulativeLogsumexp(d):
    axis, exclusive, reverse = d.size(0, 1), d.flag(), d.flag()
    return [d.floats(d.size(1, 4), d.size(1, 5))], lambda x: raw.CumulativeLogsumexp(
        x=x, axis=axis, exclusive=exclusive, reverse=reverse)


@row
def InTopKV2(d):
    n, classes = d.size(1, 5), d.size(1, 6)
    targets, k = d.ints(-1, classes + 1, n), d.size(1, 4)
    return [np.round(d.floats(n, classes), 1)], lambda x: raw.InTopKV2(predictions=x, targets=targets, k=k)


@row
def NthElement(d):
    n = d.size(1, 6)
    at, reverse = d.size(0, n - 1), d.flag()
    return [d.floats(2, n)], lambda x: raw.NthElement(input=x, n=at, reverse=reverse)


@row
def Dilation2D(d):
    x, c = None, d.size(1, 3)
    x, f = d.floats(d.size(1, 2), d.size(4, 7), d.size(4, 7), c), d.floats(d.size(1, 3), d.size(1, 3), c)
    strides, rates = [1, d.size(1, 2), d.size(1, 2), 1], [1, 1, 1, 1]
    padding = d.one("SAME", "VALID")
    return [x, f], lambda x, f: raw.Dilation2D(input=x, filter=f, strides=strides, rates=rates, padding=padding)


@row
def MaxPoolWithArgmax(d):
    x = d.floats(d.size(1, 2), d.size(3, 7), d.size(3, 7), d.size(1, 3))
    size, strides, padding = [1, d.size(1, 3), d.size(1, 3), 1], [1, d.size(1, 3), d.size(1, 3), 1], d.one("SAME", "VALID")
    batch = d.flag()
    return [x], lambda x: list(raw.MaxPoolWithArgmax(input=x, ksize=size, strides=strides, padding=padding,
                                                     include_batch_in_index=batch))


def diagonals(d, lowest, highest, rows, columns):
    count = highest - lowest + 1
    length = min(rows + min(highest, 0), columns - max(lowest, 0))
    return [count, length] if count > 1 else [length]


@row
def MatrixDiagPartV3(d):
    m, n = d.size(1, 5), d.size(1, 5)
    lowest = int(d.ints(1 - m, n))
    highest = int(d.ints(lowest, n))
    align, pad = d.one("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"), float(d.floats())
    return [d.floats(2, m, n)], lambda x: raw.MatrixDiagPartV3(input=x, k=[lowest, highest], padding_value=pad,
                                                               align=align)


@row
def MatrixDiagV3(d):
    lowest = d.size(-2, 2)
    highest = lowest + d.size(0, 2)
    rows, columns = 3 + d.size(0, 2) + 2, 3 + d.size(0, 2) + 2
    align, pad = d.one("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"), float(d.floats())
    x = d.floats(2, *diagonals(d, lowest, highest, rows, columns))
    return [x], lambda x: raw.MatrixDiagV3(diagonal=x, k=[lowest, highest], num_rows=rows, num_cols=columns,
                                           padding_value=pad, align=align)


@row
def MatrixSetDiagV3(d):
    m, n = d.size(1, 5), d.size(1, 5)
    lowest = int(d.ints(1 - m, n))
    highest = int(d.ints(lowest, n))
    align = d.one("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT")
    return [d.floats(2, m, n), d.floats(2, *diagonals(d, lowest, highest, m, n))], lambda x, y: raw.MatrixSetDiagV3(
        input=x, diagonal=y, k=[lowest, highest], align=align)


@row
def TridiagonalSolve(d):
    n, pivoting = d.size(1, 6), d.flag()
    x = d.floats(2, 3, n)
    x[:, 1] += np.sign(x[:, 1]) * (0.3 if pivoting else 4)
    return [x, d.floats(2, n, d.size(1, 3))], lambda x, y: raw.TridiagonalSolve(diagonals=x, rhs=y,
                                                                                partial_pivoting=pivoting)


@row
def TridiagonalMatMul(d):
    n = d.size(1, 6)
    return [d.floats(2, 1, n), d.floats(2, 1, n), d.floats(2, 1, n), d.floats(2, n, d.size(1, 3))], (
        lambda a, b, c, x: raw.TridiagonalMatMul(superdiag=a, maindiag=b, subdiag=c, rhs=x))


@row
def BandedTriangularSolve(d):
    n, k, lower, adjoint = d.size(3, 6), d.size(2, 3), d.flag(), d.flag()
    x = d.floats(2, k, n)
    x[:, 0 if lower else k - 1] += 4
    return [x, d.floats(2, n, d.size(1, 3))], lambda x, y: raw.BandedTriangularSolve(matrix=x, rhs=y, lower=lower,
                                                                                    adjoint=adjoint)


@row
def MatrixSquareRoot(d):
    n = d.size(1, 4)
    x = d.floats(2, n, n)
    return [x @ x.transpose(0, 2, 1) + np.eye(n, dtype=np.float32)], lambda x: raw.MatrixSquareRoot(input=x)


for name, *ranges in [("Dawsn", (-6, 6)), ("Spence", (0.05, 6)), ("Expint", (0.1, 9)), ("FresnelSin", (-4, 4)),
                      ("FresnelCos", (-4, 4))]:
    special(name, *ranges)


def recurrent(d):
    batch, inputs, units = d.size(1, 3), d.size(1, 4), d.size(1, 4)
    return batch, inputs, units


@row
def LSTMBlockCell(d):
    b, i, u = recurrent(d)
    peephole, clip, bias = d.flag(), d.one(-1.0, 0.5, 3.0), d.one(0.0, 1.0)
    xs = [d.floats(b, i), d.floats(b, u), d.floats(b, u), d.floats(i + u, 4 * u), d.floats(u), d.floats(u), d.floats(u),
          d.floats(4 * u)]
    return xs, lambda x, cs, h, w, a, f, o, c: list(raw.LSTMBlockCell(
        x=x, cs_prev=cs, h_prev=h, w=w, wci=a, wcf=f, wco=o, b=c, forget_bias=bias, cell_clip=clip,
        use_peephole=peephole))


@row
def BlockLSTM(d):
    b, i, u = recurrent(d)
    t, peephole, clip = d.size(1, 4), d.flag(), -1.0  # the registered gradient knows no clipping
    length = d.size(1, t)
    xs = [d.floats(t, b, i), d.floats(b, u), d.floats(b, u), d.floats(i + u, 4 * u), d.floats(u), d.floats(u),
          d.floats(u), d.floats(4 * u)]
    def states(x, cs, h, w, a, f, o, c):  # the registered gradient is that of cs and h
        y = raw.BlockLSTM(seq_len_max=tf.constant(length, tf.int64), x=x, cs_prev=cs, h_prev=h, w=w, wci=a, wcf=f, wco=o,
                          b=c, cell_clip=clip, use_peephole=peephole)
        return [y.cs[:length], y.h[:length], tf.stop_gradient(y.o[:length])]
    return xs, states


@row
def BlockLSTMV2(d):
    b, i, u = recurrent(d)
    t, peephole = d.size(1, 4), d.flag()
    xs = [d.floats(t, b, i), d.floats(b, u), d.floats(b, u), d.floats(i + u, 4 * u), d.floats(u), d.floats(u),
          d.floats(u), d.floats(4 * u)]
    def states(x, cs, h, w, a, f, o, c):
        y = raw.BlockLSTMV2(seq_len_max=tf.constant(t, tf.int64), x=x, cs_prev=cs, h_prev=h, w=w, wci=a, wcf=f, wco=o,
                            b=c, cell_clip=0.0, use_peephole=peephole)
        return [y.cs, y.h, tf.stop_gradient(y.i)]
    return xs, states


@row
def GRUBlockCell(d):
    b, i, u = recurrent(d)
    xs = [d.floats(b, i), d.floats(b, u), d.floats(i + u, 2 * u), d.floats(i + u, u), d.floats(2 * u), d.floats(u)]
    return xs, lambda x, h, w, c, p, q: list(raw.GRUBlockCell(x=x, h_prev=h, w_ru=w, w_c=c, b_ru=p, b_c=q))


def entries(d, n, shape=(3, 4)):
    rows = np.sort(d.r.choice(shape[0] * shape[1], n, replace=False))
    return np.stack([rows // shape[1], rows % shape[1]], 1).astype(np.int64)


SHAPE = np.array([3, 4], np.int64)


@row
def SparseTensorDenseAdd(d):
    at = entries(d, 5)
    return [d.floats(5), d.floats(3, 4)], lambda v, x: raw.SparseTensorDenseAdd(a_indices=at, a_values=v, a_shape=SHAPE,
                                                                              b=x)


def beside_dense(name):
    def make(d):
        at = entries(d, 5)
        x = d.floats(*d.one((3, 4), (1, 4), (4,)), low=0.5, high=2)
        return [d.floats(5), x], lambda v, x: getattr(raw, name)(sp_indices=at, sp_values=v, sp_shape=SHAPE, dense=x)
    make.__name__ = name
    row(make)


for name in ["SparseDenseCwiseAdd", "SparseDenseCwiseMul", "SparseDenseCwiseDiv"]:
    beside_dense(name)


@row
def SparseReorder(d):
    at = entries(d, 6)[d.r.permutation(6)]
    return [d.floats(6)], lambda v: list(raw.SparseReorder(input_indices=at, input_values=v, input_shape=SHAPE))


@row
def SparseReshape(d):
    at, to = entries(d, 6), d.one([4, 3], [2, -1], [2, 3, 2], [12])
    return [d.floats(2)], lambda x: [x] + list(raw.SparseReshape(input_indices=at, input_shape=SHAPE,
                                                                new_shape=np.array(to, np.int64)))


@row
def SparseReduceSum(d):
    at, over, keep = entries(d, 6), d.one([0], [1], [-1], [0, 1]), d.flag()
    return [d.floats(6)], lambda v: raw.SparseReduceSum(input_indices=at, input_values=v, input_shape=SHAPE,
                                                        reduction_axes=over, keep_dims=keep)


@row
def SparseReduceMax(d):
    at, over, keep = entries(d, 6), d.one([0], [1], [0, 1]), d.flag()
    x = d.floats(6)
    return [d.floats(2)], lambda y: [y, raw.SparseReduceMax(input_indices=at, input_values=x, input_shape=SHAPE,
                                                            reduction_axes=over, keep_dims=keep)]


@row
def SparseSoftmax(d):
    at = entries(d, 6)
    return [d.floats(6)], lambda v: raw.SparseSoftmax(sp_indices=at, sp_values=v, sp_shape=SHAPE)


@row
def SparseAdd(d):
    a, b = entries(d, 5), entries(d, 4)
    return [d.floats(5), d.floats(4)], lambda x, y: list(raw.SparseAdd(
        a_indices=a, a_values=x, a_shape=SHAPE, b_indices=b, b_values=y, b_shape=SHAPE, thresh=0.0))


@row
def SparseSlice(d):
    at = entries(d, 7)
    start, size = d.ints(0, 3, 2, dtype=np.int64), d.ints(0, 4, 2, dtype=np.int64)
    return [d.floats(7)], lambda v: list(raw.SparseSlice(indices=at, values=v, shape=SHAPE, start=start, size=size))


@row
def SparseConcat(d):
    a, b, axis = entries(d, 5), entries(d, 4), d.one(0, 1, -1)
    return [d.floats(5), d.floats(4)], lambda x, y: list(raw.SparseConcat(
        indices=[a, b], values=[x, y], shapes=[SHAPE, SHAPE], concat_dim=axis))


@row
def SparseFillEmptyRows(d):
    at = entries(d, 3)
    return [d.floats(3)], lambda v: list(raw.SparseFillEmptyRows(indices=at, values=v, dense_shape=SHAPE,
                                                                default_value=0.5))


@row
def DenseToDenseSetOperation(d):
    a, b, what = d.ints(0, 6, 2, 4), d.ints(0, 6, 2, 3), d.one("a-b", "b-a", "intersection", "union")
    return [d.floats(2)], lambda x: [x] + list(raw.DenseToDenseSetOperation(set1=tf.constant(a), set2=tf.constant(b),
                                                                           set_operation=what))


@row
def RaggedTensorToTensor(d):
    splits = np.cumsum([0] + [d.size(0, 3) for _ in range(3)])
    inner = np.cumsum([0] + [d.size(0, 3) for _ in range(int(splits[-1]))])
    shape = d.one([-1, -1, -1], [3, 4, 4])
    return [d.floats(int(inner[-1]))], lambda v: raw.RaggedTensorToTensor(
        shape=np.array(shape, np.int64), values=v, default_value=0.5, row_partition_tensors=[splits, inner],
        row_partition_types=["ROW_SPLITS", "ROW_SPLITS"])


@row
def RaggedRange(d):
    a, b, s = d.ints(0, 5, 3), d.ints(0, 9, 3), d.ints(1, 3, 3)
    return [d.floats(2)], lambda x: [x] + list(raw.RaggedRange(starts=a, limits=b, deltas=s))


@row
def RaggedGather(d):
    splits = np.cumsum([0] + [d.size(0, 3) for _ in range(4)])
    at = d.ints(0, 4, *d.one((3,), (2, 2)))
    def rows(v):
        splits_of, values = raw.RaggedGather(params_nested_splits=[splits], params_dense_values=v, indices=at,
                                             OUTPUT_RAGGED_RANK=at.ndim)
        return list(splits_of) + [values]
    return [d.floats(int(splits[-1]), 2)], rows


@row
def QuantizeV2(d):
    kind, mode = d.one((tf.quint8, "MIN_COMBINED"), (tf.qint8, "MIN_COMBINED"), (tf.qint8, "SCALED"),
                       (tf.quint8, "MIN_FIRST"))
    rounding = "HALF_AWAY_FROM_ZERO"
    if mode == "SCALED":
        rounding = d.one("HALF_TO_EVEN", "HALF_AWAY_FROM_ZERO")
    low, high = float(d.floats(low=-2, high=0)), float(d.floats(low=0.5, high=2))
    x = d.floats(3, 4, low=-3, high=3)
    def there(y):
        q, a, b = raw.QuantizeV2(input=x, min_range=low, max_range=high, T=kind, mode=mode, round_mode=rounding)
        return [y, tf.cast(q, tf.int32), a, b]
    return [d.floats(2)], there


@row
def Dequantize(d):
    kind, mode = d.one((tf.quint8, "MIN_COMBINED"), (tf.qint8, "MIN_COMBINED"), (tf.qint8, "SCALED"),
                       (tf.quint8, "MIN_FIRST"))
    low, high = float(d.floats(low=-2, high=0)), float(d.floats(low=0.5, high=2))
    signed = kind == tf.qint8
    x = d.ints(-128 if signed else 0, 128 if signed else 256, 3, 4)
    return [d.floats(2)], lambda y: [y, raw.Dequantize(
        input=tf.cast(tf.constant(x), kind), min_range=low, max_range=high, mode=mode)]


@row
def OneHot(d):
    x, depth, axis = d.ints(-1, 5, 2, 3), d.size(1, 5), d.one(-1, 0, 1, 2)
    return [d.floats(), d.floats()], lambda a, b: raw.OneHot(indices=tf.constant(x), depth=depth, on_value=a, off_value=b,
                                                             axis=axis)


@row
def TensorListScatterV2(d):
    n = d.size(2, 5)
    at = d.r.permutation(n).astype(np.int32)
    def through(x):
        l = raw.TensorListScatterV2(tensor=x, indices=at, element_shape=tf.constant([2]), num_elements=-1)
        return [raw.TensorListGather(input_handle=l, indices=[0, n - 1], element_shape=tf.constant([2]),
                                     element_dtype=tf.float32),
                raw.TensorListConcatV2(input_handle=l, element_shape=tf.constant([2]), leading_dims=tf.zeros([0], tf.int64),
                                       element_dtype=tf.float32)[0]]
    return [d.floats(n, 2)], through


@row
def TensorListResize(d):
    n, to = d.size(1, 4), d.size(1, 6)
    def through(x):
        l = raw.TensorListFromTensor(tensor=x, element_shape=tf.constant([2]))
        l = raw.TensorListResize(input_handle=l, size=to)
        l = raw.TensorListPushBack(input_handle=l, tensor=x[0])
        return raw.TensorListGetItem(input_handle=l, index=min(n, to) - 1, element_shape=tf.constant([2]),
                                     element_dtype=tf.float32)
    return [d.floats(n, 2)], through


@row
def ScatterNdNonAliasingAdd(d):
    at = d.ints(0, 4, 3, 1)
    return [d.floats(4, 2), d.floats(3, 2)], lambda x, u: raw.ScatterNdNonAliasingAdd(input=x, indices=at, updates=u)


@row
def Diag(d):
    x = d.floats(*d.one((3,), (2, 3)))
    return [x], lambda x: raw.DiagPart(input=raw.Diag(diagonal=x) * 2.0)


@row
def While(d):
    limit, rate = float(d.floats(low=2, high=9)), float(d.floats(low=1.1, high=1.9))
    # How often it turns depends on the operand; TensorFlow records each turn.
    def grow(x):
        return tf.while_loop(lambda i, y: tf.reduce_sum(tf.abs(y)) < limit,
                             lambda i, y: (i + 1, rate * y + tf.sin(y)), [0, x])[1]
    return [d.floats(3, low=0.2, high=1)], grow


@row
def TensorListSetItem(d):
    n = d.size(1, 6)
    def fill(x):
        a = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
        for i in tf.range(n):
            a = a.write(i, x * tf.cast(i, tf.float32))
        return a.stack()
    return [d.floats(2)], fill


def bound(name):
    def make(d):
        rows = np.sort(np.round(d.floats(2, d.size(1, 9)), 1), axis=1)
        return [rows, np.round(d.floats(2, d.size(1, 9)), 1)], lambda x, y: getattr(raw, name)(sorted_inputs=x, values=y)
    make.__name__ = name
    row(make)


bound("LowerBound")
bound("UpperBound")


@row
def ResizeNearestNeighborGrad(d):
    size, centres = [d.size(1, 6), d.size(1, 6)], d.flag()
    return [image(d)], lambda ct: raw.ResizeNearestNeighborGrad(grads=ct, size=size, half_pixel_centers=centres)


@row
def Conv3DBackpropFilterV2(d):
    x, k, padding = d.floats(1, 3, d.size(3, 5), 4, 2), [d.size(1, 2), d.size(1, 3), 2, 2, d.size(1, 2)], d.one("SAME", "VALID")
    y = raw.Conv3D(input=x, filter=d.floats(*k), strides=[1] * 5, padding=padding)
    return [x, d.floats(*y.shape)], lambda x, ct: raw.Conv3DBackpropFilterV2(
        input=x, filter_sizes=k, out_backprop=ct, strides=[1] * 5, padding=padding)


@row
def Bincount(d):
    x, bins = d.ints(0, 7, d.size(1, 9)), d.size(1, 8)
    return [x], lambda x: raw.Bincount(arr=x, size=bins, weights=np.zeros([0], np.float32))


@row
def MirrorPad(d):
    x, mode = d.floats(3, d.size(3, 5), 2), d.one("REFLECT", "SYMMETRIC")
    widths = d.ints(0, 3, 3, 2) * np.array([[1], [1], [0]], np.int32)
    return [x], lambda x: raw.MirrorPad(input=x, paddings=widths, mode=mode)


@row
def PadV2(d):
    widths = d.ints(0, 3, 2, 2)
    return [d.floats(2, d.size())], lambda x: raw.PadV2(input=x, paddings=widths, constant_values=0.5)


@row
def SpaceToBatchND(d):
    x, block = d.floats(2, 4, 6, 2), [d.one(1, 2), d.one(2, 3)]
    return [x], lambda x: raw.SpaceToBatchND(input=x, block_shape=block, paddings=[[0, 0], [0, 0]])


@row
def BatchToSpaceND(d):
    crops = d.ints(0, 2, 2, 2)
    return [d.floats(8, 2, 3, 1)], lambda x: raw.BatchToSpaceND(input=x, block_shape=[2, 2], crops=crops)


@row
def DepthToSpace(d):
    return [d.floats(1, 2, d.size(), 8)], lambda x: raw.DepthToSpace(input=x, block_size=2)


@row
def SpaceToDepth(d):
    return [d.floats(1, 4, 6, d.size(1, 3))], lambda x: raw.SpaceToDepth(input=x, block_size=2)


@row
def ConcatV2(d):
    axis = d.one(0, 1, -1)
    xs = [d.floats(2, 3) for _ in range(d.size(2, 3))]
    return xs, lambda *xs: raw.ConcatV2(values=xs, axis=axis)


@row
def Pack(d):
    axis = d.one(0, 1, 2, -1)
    return [d.floats(2, 3), d.floats(2, 3)], lambda x, y: raw.Pack(values=[x, y], axis=axis)


@row
def Unpack(d):
    axis = d.one(0, 1, -1)
    return [d.floats(2, 3)], lambda x: raw.Unpack(value=x, num=3 if axis else 2, axis=axis)


@row
def SplitV(d):
    first = d.size(0, 5)
    return [d.floats(2, 5)], lambda x: raw.SplitV(value=x, size_splits=[first, -1], axis=1, num_split=2)


@row
def LinSpace(d):
    first, last, n = float(d.floats()), float(d.floats()), d.size(2, 6)
    return [d.floats(1)], lambda x: x + raw.LinSpace(start=first, stop=last, num=n)


@row
def Range(d):
    step = d.one(-2, -1, 1, 3)
    start = -step * d.size()
    return [d.ints(0, 5, 1)], lambda x: x + raw.Range(start=start, limit=step * 4, delta=step)


class Blob:
    def __init__(self):
        self.data = bytearray()

    def add(self, x):
        x = np.array(x, order="C")
        while len(self.data) % 16:
            self.data.append(0)
        at = len(self.data)
        self.data += x.tobytes()
        return {"dtype": str(x.dtype), "shape": list(x.shape), "offset": at, "nbytes": x.nbytes}


def is_inexact(x):
    return x.dtype in (tf.float32, tf.complex64)


def cotangent(d, x):
    return d.complex(*x.shape) if x.dtype == tf.complex64 else d.floats(*x.shape)


THROUGH_GRAPH = False  # results are those of the traced function, not of its Python code


def record(name, op, d, blob, convention):
    """One call of `op`: its graph, results, and the gradients of TensorFlow. Under the convention "jax" cases of complex
    numbers have none recorded, nor those where TensorFlow gives some input none."""
    inputs, call = ROWS[op](d)
    inputs = [np.asarray(x) for x in inputs]
    names = list("xyzstuvw")[: len(inputs)]
    f = tf.function(lambda *xs: [tf.identity(o) for o in tf.nest.flatten(call(*xs)) if o is not None])
    concrete = f.get_concrete_function(*[tf.TensorSpec(x.shape, x.dtype, name=n) for x, n in zip(inputs, names)])
    # Control flow of version 1 or, by its functions, of version 2.
    frozen = convert_variables_to_constants_v2(concrete, lower_control_flow=int(d.r.integers(2)) == 0)
    graph = frozen.graph.as_graph_def()
    outputs = [o.op.name for o in frozen.outputs]
    config = {} if convention == "jax" else {"gradient_convention": convention}
    case = {"name": f"{op}/{name}", "x64": False, "config": config, "ops": sorted({n.op for n in graph.node}),
            "graph": blob.add(np.frombuffer(graph.SerializeToString(), np.uint8)),
            "inputs": [{"name": i.op.name, "dtype": str(x.dtype), "shape": list(x.shape), "static": False,
                        "value": blob.add(x)} for i, x in zip(frozen.inputs, inputs)],
            "captures": [], "gradients": {}, "output_names": outputs, "rng": None}
    tensors = [tf.constant(x) for x in inputs]
    counted = is_inexact if convention == "tf" else lambda x: x.dtype == tf.float32
    try:
        with tf.GradientTape() as tape:
            wrt = [t for t in tensors if counted(t)]
            tape.watch(wrt)
            results = f(*tensors) if THROUGH_GRAPH else [tf.identity(o) for o in tf.nest.flatten(call(*tensors)) if o is not None]
        case["result"] = {"outputs": [blob.add(narrow(r.numpy())) for r in results]}
        given = [cotangent(d, r) if counted(r) else None for r in results]
        if op not in APART and wrt and any(g is not None for g in given):
            kept = [(r, tf.constant(g)) for r, g in zip(results, given) if g is not None]
            missing = tf.UnconnectedGradients.ZERO if convention == "tf" else tf.UnconnectedGradients.NONE
            grads = tape.gradient([r for r, _ in kept], wrt, output_gradients=[g for _, g in kept],
                                  unconnected_gradients=missing)
            if all(g is not None for g in grads):
                case["vjp"] = {"wrt": [case["inputs"][i]["name"] for i, t in enumerate(tensors) if counted(t)],
                               "cotangents": [None if g is None else blob.add(g) for g in given],
                               "grads": [blob.add(tf.convert_to_tensor(g).numpy()) for g in grads]}
    except (LookupError, NotImplementedError):  # the operation has no gradient
        case["result"] = {"outputs": [blob.add(narrow(tf.convert_to_tensor(r).numpy())) for r in f(*tensors)]}
    return case


def narrow(x):
    return x.astype({"int64": np.int32, "float64": np.float32}.get(str(x.dtype), x.dtype))


def main(family="tf_ops", convention="jax", coarse=False):
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=5, help="calls of each operation")
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    blob, cases = Blob(), []
    for op in ROWS:
        if not re.search(options.only, op):
            continue
        for i in range(options.count):
            d = Draw([options.seed, i, sum(map(ord, op))], coarse)
            try:
                cases.append(record(str(i), op, d, blob, convention))
            except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError, ValueError, TypeError) as e:
                print(f"{op}/{i}: {str(e)[:150]}")
    with open(os.path.join(options.out, family + ".bin"), "wb") as f:
        f.write(blob.data)
    with open(os.path.join(options.out, family + ".json"), "w") as f:
        json.dump({"format": 1, "family": family, "blob": family + ".bin", "jax_version": "",
                   "numpy_version": np.__version__, "backend": "cpu", "cases": cases}, f)
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
