"""Draws calls of TensorFlow's operations on strings and writes what TensorFlow computes.

  tf_text.py --out FILE [--seed N] [--count M]

Each case of the JSON file is a node as text, which is named "y" and takes "x0", "x1", …, with the values of these and of
its outputs. Bytes of strings are characters up to 255.
"""
import argparse
import json
import os
import random

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from google.protobuf import text_format

raw = tf.raw_ops
ROWS = []


def row(f):
    ROWS.append(f)
    return f


WORDS = ["a", "the", "cat", "sat", "ab12c", "Über", "straße", "日本", "😀", "x_y", "1.5", "-7", "", "  ", "É"]
BROKEN = [b"\xff", b"a\xc3", b"\xe6\x97", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xc0\xaf", b"\xf5b", b"ok\x80\x80", b"\xe0\x80\x80"]


def text(d, longest=5):
    return d.choice([" ", "  ", "", "-", "\t", ", "]).join(d.choice(WORDS) for _ in range(d.randint(0, longest)))


def texts(d, *shape, make=text):
    return np.array([make(d).encode() for _ in range(int(np.prod(shape)))], object).reshape(shape)


def broken(d, n):
    return np.array([d.choice(BROKEN) + text(d, 2).encode() + d.choice(BROKEN + [b""]) for _ in range(n)], object)


def ascii_text(d):
    return "".join(chr(d.randint(32, 126)) for _ in range(d.randint(0, 12)))


def splits(d, rows, longest=4):
    return np.cumsum([0] + [d.randint(0, longest) for _ in range(rows)]).astype(np.int64)


@row
def lower_upper(d):
    x = texts(d, 2, 3)
    op = d.choice([raw.StringLower, raw.StringUpper])
    return [x], lambda x: op(input=x)


@row
def lower_utf8(d):
    return [texts(d, 3, make=ascii_text)], lambda x: raw.StringLower(input=x, encoding="utf-8")


@row
def strip(d):
    return [texts(d, 4)], lambda x: raw.StringStrip(input=x)


@row
def length(d):
    unit = d.choice(["BYTE", "UTF8_CHAR"])
    return [texts(d, 4)], lambda x: raw.StringLength(input=x, unit=unit)


@row
def join(d):
    parts = [texts(d, 3) if d.random() < 0.6 else texts(d) for _ in range(d.randint(1, 3))]
    separator = d.choice(["", "-", ", "])
    return parts, lambda *xs: raw.StringJoin(inputs=list(xs), separator=separator)


@row
def as_string(d):
    kind = d.choice(["i", "f", "b"])
    x = {"i": np.array([d.randint(-999, 999) for _ in range(4)], np.int32), "b": np.array([True, False]),
         "f": np.array([d.uniform(-1e3, 1e3) for _ in range(4)] + [0, 1e-9], np.float32)}[kind]
    options = {"width": d.choice([-1, 3, 9])}
    if options["width"] > 0 and kind != "b":
        options["fill"] = d.choice(["", "0", " ", "-"])
    if kind == "f":
        options["precision"] = d.choice([-1, 0, 3])
        options[d.choice(["scientific", "shortest"])] = d.random() < 0.5
    return [x], lambda x: raw.AsString(input=x, **options)


@row
def to_number(d):
    x = np.array([f"{d.uniform(-50, 50):.3f}".encode(), b" 1e3 ", b"7", b"-0.5"], object)
    whole = np.array([b"12", b"-3", b" 8 "], object)
    if d.random() < 0.5:
        return [whole], lambda x: raw.StringToNumber(string_tensor=x, out_type=tf.int32)
    return [x], lambda x: raw.StringToNumber(string_tensor=x, out_type=tf.float32)


@row
def substr(d):
    x = texts(d, 3, make=lambda d: "日本 straße and more")
    at = np.array([d.randint(-9, 9) for _ in range(3)], np.int32)
    size = np.array([d.randint(0, 9) for _ in range(3)], np.int32)
    if d.random() < 0.4:
        at, size = at[0], size[0]
    unit = d.choice(["BYTE", "UTF8_CHAR"])
    return [x, at, size], lambda x, at, size: raw.Substr(input=x, pos=at, len=size, unit=unit)


@row
def split_v2(d):
    most = d.choice([-1, -1, 1, 2])
    separator = np.array(d.choice([b"", b" ", b"-", b", "]), object)
    return [texts(d, 4), separator], lambda x, s: raw.StringSplitV2(input=x, sep=s, maxsplit=most)


@row
def split_v1(d):
    delimiter = np.array(d.choice([b" ", b"-,", b""]), object)
    skip = d.random() < 0.5
    return [texts(d, 4), delimiter], lambda x, s: raw.StringSplit(input=x, delimiter=s, skip_empty=skip)


@row
def ngrams(d):
    s = splits(d, 4)
    x = np.array([d.choice(WORDS[:6]).encode() for _ in range(s[-1])], object)
    widths = d.sample([1, 2, 3, 5], d.randint(1, 3))
    options = dict(separator=d.choice([" ", "", "_"]), ngram_widths=widths, left_pad="<", right_pad=d.choice([">", "]]"]),
                   pad_width=d.choice([-1, 0, 1, 2]), preserve_short_sequences=d.random() < 0.5)
    return [x, s], lambda x, s: raw.StringNGrams(data=x, data_splits=s, **options)


@row
def reduce_join(d):
    axes = d.sample([0, 1, 2], d.randint(0, 3))
    axes = np.array([a - 3 if d.random() < 0.5 else a for a in axes], np.int32)
    options = dict(keep_dims=d.random() < 0.5, separator=d.choice(["", "-"]))
    return [texts(d, 2, 3, 2), axes], lambda x, a: raw.ReduceJoin(inputs=x, reduction_indices=a, **options)


@row
def segment_join(d):
    ids = np.array([d.randint(0, 3) for _ in range(5)], np.int32)
    separator = d.choice(["", "+"])
    x = texts(d, 5, 2) if d.random() < 0.5 else texts(d, 5)
    return [x, ids], lambda x, i: raw.UnsortedSegmentJoin(inputs=x, segment_ids=i, num_segments=5, separator=separator)


PATTERNS = [(r"[^a-z ]+", ""), (r"(\w)(\w)", r"\2\1"), (r"x*", "-"), (r"", "."), (r"\s+", "_"), (r"(a|at|the)", r"<\0>"),
            (r"[[:punct:]]", r""), (r"(?i)THE", r"\\"), (r".", r"\0\0"), (r"ß|日", "ss"), (r"\b", "|"), (r"^a", "b"), (r"$", "!")]


@row
def regex_replace(d):
    pattern, rewrite = d.choice(PATTERNS)
    everywhere = d.random() < 0.7
    x = texts(d, 4)
    if d.random() < 0.5:
        return [x], lambda x: raw.StaticRegexReplace(input=x, pattern=pattern, rewrite=rewrite, replace_global=everywhere)
    return ([x, np.array(pattern.encode(), object), np.array(rewrite.encode(), object)],
            lambda x, p, r: raw.RegexReplace(input=x, pattern=p, rewrite=r, replace_global=everywhere))


@row
def regex_match(d):
    pattern = d.choice([r"[a-z]*", r".*", r"\d+|a", r"[^ ]*", r"(the|cat)( .*)?"])
    x = texts(d, 5)
    if d.random() < 0.5:
        return [x], lambda x: raw.StaticRegexFullMatch(input=x, pattern=pattern)
    return [x, np.array(pattern.encode(), object)], lambda x, p: raw.RegexFullMatch(input=x, pattern=p)


@row
def hashes(d):
    # Every path of the hash functions: they differ up to 64 bytes, and by blocks of 64 beyond.
    x = np.array([bytes(d.randrange(256) for _ in range(n)) for n in d.sample(range(300), 12)], object)
    buckets = d.choice([1, 7, 1000003, 2 ** 31 - 1])
    keys = [d.randrange(2 ** 62), d.randrange(1000)]
    return [x], d.choice([lambda x: raw.StringToHashBucketFast(input=x, num_buckets=buckets),
                          lambda x: raw.StringToHashBucketStrong(input=x, num_buckets=buckets, key=keys),
                          lambda x: raw.StringToHashBucket(string_tensor=x, num_buckets=buckets)])


@row
def base64(d):
    x = np.array([bytes(d.randrange(256) for _ in range(n)) for n in range(6)], object)
    pad = d.random() < 0.5
    if d.random() < 0.5:
        return [x], lambda x: raw.EncodeBase64(input=x, pad=pad)
    return [tf.io.encode_base64(x, pad).numpy()], lambda x: raw.DecodeBase64(input=x)


@row
def unicode(d):
    x = d.choice([broken(d, 4), texts(d, 3)])
    options = dict(errors=d.choice(["replace", "ignore"]), replacement_char=d.choice([65533, 63]),
                   replace_control_characters=d.random() < 0.3)
    return [x], d.choice([lambda x: raw.UnicodeDecode(input=x, input_encoding="UTF-8", **options),
                          lambda x: raw.UnicodeDecodeWithOffsets(input=x, input_encoding="UTF-8", **options),
                          lambda x: raw.UnicodeTranscode(input=x, input_encoding="UTF-8", output_encoding="UTF-8", **options)])


@row
def unicode_encode(d):
    s = splits(d, 3)
    x = np.array([d.choice([65, 223, 26085, 128512, 55296, -1, 1114112]) for _ in range(s[-1])], np.int32)
    errors = d.choice(["replace", "ignore"])
    return [x, s], lambda x, s: raw.UnicodeEncode(input_values=x, input_splits=s, errors=errors, output_encoding="UTF-8")


@row
def ragged_bincount(d):
    s = splits(d, 3)
    x = np.array([d.randint(0, 6) for _ in range(s[-1])], np.int32)
    w = np.array([d.uniform(-1, 1) for _ in range(s[-1])], np.float32) if d.random() < 0.5 else np.zeros(0, np.float32)
    binary = d.random() < 0.3
    return [s, x, w], lambda s, x, w: raw.RaggedBincount(splits=s, values=x, size=5, weights=w, binary_output=binary)


@row
def moves(d):
    x, y = texts(d, 2, 3), texts(d, 2, 3)
    x[0, 0] = y[0, 0]
    return [x, y], d.choice([
        lambda x, y: raw.ConcatV2(values=[x, y], axis=1), lambda x, y: raw.Pack(values=[x, y], axis=1),
        lambda x, y: raw.Equal(x=x, y=y), lambda x, y: raw.NotEqual(x=x, y=y),
        lambda x, y: raw.SelectV2(condition=[True, False, True], t=x, e=y)])


@row
def movement(d):
    x = texts(d, 2, 3)
    return [x], d.choice([
        lambda x: raw.Transpose(x=x, perm=[1, 0]), lambda x: raw.Tile(input=x, multiples=[2, 1]),
        lambda x: raw.Reshape(tensor=x, shape=[3, -1]), lambda x: raw.ReverseV2(tensor=x, axis=[1]),
        lambda x: raw.StridedSlice(input=x, begin=[0, 2], end=[2, 0], strides=[1, -1]), lambda x: raw.Shape(input=x),
        lambda x: raw.GatherV2(params=x, indices=[1, 0, 1], axis=0), lambda x: raw.ExpandDims(input=x, axis=-1),
        lambda x: raw.Size(input=x), lambda x: raw.Unpack(value=x, num=3, axis=1),
        lambda x: raw.BroadcastTo(input=x, shape=[2, 2, 3]), lambda x: raw.GatherNd(params=x, indices=[[1, 2], [0, 0]]),
        lambda x: raw.Slice(input=x, begin=[0, 1], size=[-1, 2]), lambda x: raw.SplitV(value=x, size_splits=[1, 2], axis=1, num_split=2)])


@row
def unique(d):
    return [np.array([d.choice(WORDS[:4]).encode() for _ in range(8)], object)], lambda x: raw.Unique(x=x)


@row
def to_tensor(d):
    s = splits(d, 3)
    x = np.array([d.choice(WORDS).encode() for _ in range(s[-1])], object)
    shape = d.choice([[-1, -1], [3, 2], [4, -1]])
    return [x, np.array(b"?", object), s], lambda x, fill, s: raw.RaggedTensorToTensor(
        shape=np.array(shape, np.int64), values=x, default_value=fill, row_partition_tensors=[s], row_partition_types=["ROW_SPLITS"])


def encoded(x):
    x = np.asarray(x)
    values = [v.decode("latin-1") if isinstance(v, bytes) else
              float(v) if x.dtype.kind in "fV" else v.item() for v in x.reshape(-1)]
    return {"dtype": "string" if x.dtype == object else str(x.dtype), "shape": list(x.shape), "values": values}


def record(make, d):
    inputs, call = make(d)
    with tf.Graph().as_default() as graph:
        places = [tf.compat.v1.placeholder(tf.string if v.dtype == object else v.dtype, v.shape, name=f"x{i}")
                  for i, v in enumerate(map(np.asarray, inputs))]
        out = call(*places)
        outputs = list(out) if isinstance(out, (list, tuple)) else [out]
        outputs = [t for o in outputs for t in (o if isinstance(o, list) else [o])]
        node = outputs[0].op.node_def
        others = [text_format.MessageToString(n.node_def, as_one_line=True) for n in graph.get_operations()
                  if n.type == "Const"]
        with tf.compat.v1.Session(graph=graph) as session:
            values = session.run(outputs, dict(zip(places, inputs)))
    named = type(node)()
    named.CopyFrom(node)
    named.name = "y"
    nodes = [text_format.MessageToString(named, as_one_line=True)] + others
    return {"op": node.op, "nodes": nodes, "inputs": [encoded(v) for v in inputs], "outputs": [encoded(v) for v in values]}


def main(description=__doc__, rows=ROWS):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=8)
    args = parser.parse_args()
    cases, refused = [], 0
    for make in rows:
        for i in range(args.count):
            d = random.Random(f"{args.seed} {make.__name__} {i}")
            try:
                cases.append(record(make, d))
            except tf.errors.InvalidArgumentError:
                refused += 1
            except Exception as e:
                raise RuntimeError(f"{make.__name__} {i}") from e
    with open(args.out, "w") as f:
        f.write('{"cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")
    print(f"{len(cases)} cases, {refused} refused by TensorFlow")


if __name__ == "__main__":
    main()
