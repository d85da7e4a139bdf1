"""Makes real Keras and TensorFlow models that take texts, with TensorFlow's results, for run_text_models.

  tf_text_models.py DIR [NAME]

Each model becomes DIR/NAME with model/ (a SavedModel) and case.json (inputs and outputs of its signature). The layers are
made with Keras 3 (NAME_k3) and with tf_keras (NAME_k2). NAME chooses those that contain it.
"""
import json
import os
import pathlib
import shutil
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import tensorflow as tf
import tf_keras

TEXTS = np.array([["The cat sat on the mat."], ["A mat!"], [""], ["  the  DOG, the the cat; Über straße "]])
WORDS = np.array([["a", "d"], ["c", "b"], ["", "a"], ["e", "f"]])
IDS = np.array([[12, 1138], [36, 7], [42, 42], [-5, 0]], np.int64)
VOCABULARY = ["the", "cat", "sat", "mat", "the cat", "cat sat"]
CASES = {}


def both(name, make, data):
    """A model of one layer."""
    for lib, mark in [(keras, "k3"), (tf_keras, "k2")]:
        def build(lib=lib):
            dtype = "string" if data.dtype.kind == "U" else str(data.dtype)
            return lib.Sequential([lib.Input(data.shape[1:], dtype=dtype), make(lib.layers)]), data
        CASES[f"{name}_{mark}"] = build


def vectorization(name, **options):
    both(f"vectorization_{name}", lambda l: l.TextVectorization(vocabulary=VOCABULARY, **options), TEXTS)


for mode in ["int", "multi_hot", "count"]:
    vectorization(mode, output_mode=mode)
vectorization("tf_idf", idf_weights=[.5, .25, 1., 2., 3., .1], output_mode="tf_idf")
vectorization("bigrams", ngrams=2)
vectorization("grams", ngrams=(1, 3), output_mode="multi_hot")
vectorization("characters", split="character", output_sequence_length=9)
vectorization("whole", split=None, standardize="lower")
vectorization("punctuation", standardize="strip_punctuation", output_sequence_length=4)
vectorization("padded", output_sequence_length=12)

for count in [0, 1, 2]:
    both(f"string_lookup_oov{count}", lambda l, count=count: l.StringLookup(vocabulary=["a", "b", "c"], num_oov_indices=count),
         WORDS if count else np.array([["a", "c"], ["b", "a"]]))
both("string_lookup_mask", lambda l: l.StringLookup(vocabulary=["a", "b", "c"], mask_token=""), WORDS)
both("string_lookup_invert", lambda l: l.StringLookup(vocabulary=["a", "b", "c"], invert=True), np.array([[1, 2], [3, 0]]))
for mode in ["one_hot", "multi_hot", "count"]:
    few = slice(1) if mode == "one_hot" else slice(None)
    both(f"string_lookup_{mode}", lambda l, mode=mode: l.StringLookup(vocabulary=["a", "b", "c"], output_mode=mode), WORDS[:, few])
    both(f"category_encoding_{mode}", lambda l, mode=mode: l.CategoryEncoding(num_tokens=6, output_mode=mode),
         np.array([[0, 3, 2], [5, 5, 1]])[:, few])
    both(f"discretization_{mode}", lambda l, mode=mode: l.Discretization(bin_boundaries=[-1., 0., 1.5], output_mode=mode),
         np.array([[-2., .5, 9.], [0., 1.5, -.1]], np.float32)[:, few])
both("string_lookup_tf_idf", lambda l: l.StringLookup(vocabulary=["a", "b", "c"], output_mode="tf_idf", idf_weights=[.5, 1.5, 2.5]), WORDS)
both("discretization_int", lambda l: l.Discretization(bin_boundaries=[-1., 0., 1.5]), np.array([[-2., .5, 9.]], np.float32))
for count in [1, 2]:
    both(f"integer_lookup_oov{count}", lambda l, count=count: l.IntegerLookup(vocabulary=[12, 36, 1138, 42], num_oov_indices=count), IDS)
both("integer_lookup_multi_hot", lambda l: l.IntegerLookup(vocabulary=[12, 36, 1138, 42], output_mode="multi_hot"), IDS)
both("hashing", lambda l: l.Hashing(num_bins=7), WORDS)
both("hashing_salt", lambda l: l.Hashing(num_bins=7, salt=133), WORDS)
both("hashing_salts", lambda l: l.Hashing(num_bins=7, salt=[133, 137]), WORDS)
both("hashing_mask", lambda l: l.Hashing(num_bins=7, mask_value=""), WORDS)
both("hashing_integers", lambda l: l.Hashing(num_bins=5, salt=3), IDS)
both("hashing_one_hot", lambda l: l.Hashing(num_bins=5, output_mode="one_hot"), WORDS[:, :1])

for lib, mark in [(keras, "k3"), (tf_keras, "k2")]:
    def classifier(lib=lib):
        lib.utils.set_random_seed(3)
        x = lib.Input((1,), dtype="string")
        h = lib.layers.TextVectorization(vocabulary=VOCABULARY, output_sequence_length=6)(x)
        h = lib.layers.GlobalAveragePooling1D()(lib.layers.Embedding(8, 4)(h))
        return lib.Model(x, lib.layers.Dense(2, activation="softmax")(h)), TEXTS

    def texts_and_numbers(lib=lib):
        lib.utils.set_random_seed(4)
        text, numbers = lib.Input((), dtype="string", name="text"), lib.Input((3,), name="numbers")
        h = lib.layers.TextVectorization(vocabulary=VOCABULARY, output_mode="multi_hot")(text)
        h = lib.layers.Concatenate()([lib.layers.Dense(4, activation="tanh")(numbers), h])
        data = {"text": TEXTS[:, 0], "numbers": np.arange(12, dtype=np.float32).reshape(4, 3) / 7}
        return lib.Model({"text": text, "numbers": numbers}, lib.layers.Dense(2)(h)), data

    CASES[f"classifier_{mark}"] = classifier
    CASES[f"texts_and_numbers_{mark}"] = texts_and_numbers


class Hub(tf.Module):
    """What sentence encoders of TensorFlow Hub have in front, and labels behind."""

    def __init__(self):
        words = tf.lookup.KeyValueTensorInitializer(["hello", "world", "good"], tf.constant([1, 2, 3], tf.int64))
        self.table = tf.lookup.StaticHashTable(words, 0)
        self.embedding = tf.Variable(np.random.RandomState(0).randn(54, 4).astype(np.float32))
        self.names = tf.constant(["negative", "positive", "neutral", "odd"])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, sentences):
        words = tf.strings.split(tf.strings.regex_replace(tf.strings.lower(sentences), r"[^a-z0-9 ]", ""))
        known = self.table.lookup(words.values)
        ids = tf.where(known > 0, known, 4 + tf.strings.to_hash_bucket_fast(words.values, 50))
        vectors = tf.nn.embedding_lookup(self.embedding, ids)
        vectors = tf.math.unsorted_segment_mean(vectors, words.value_rowids(), words.nrows())
        return {"vectors": vectors, "label": tf.gather(self.names, tf.argmax(vectors, 1)), "first": words[:, :1].to_tensor("none"),
                "count": words.row_lengths(), "joined": tf.strings.reduce_join(words, axis=1, separator="_"),
                "bigrams": tf.strings.ngrams(words, 2).to_tensor("-")}


CASES["hub"] = lambda: (Hub(), np.array(["Hello, world!", "good  bye 12 ", "", "it is Good"]))


def encoded(x):
    values = [v.decode() if isinstance(v, bytes) else v.item() for v in x.numpy().reshape(-1)]
    return {"dtype": x.dtype.name, "shape": x.shape.as_list(), "values": values}


def record(build, folder):
    shutil.rmtree(folder, ignore_errors=True)
    model, data = build()
    path = str(folder / "model")
    if isinstance(model, keras.Model):
        model(data if isinstance(data, dict) else tf.constant(data))
        model.export(path, verbose=False)
    elif isinstance(model, Hub):
        tf.saved_model.save(model, path, signatures=model.__call__)
    else:
        tf.saved_model.save(model, path)
    loaded = tf.saved_model.load(path)
    f = loaded.signatures["serving_default"]
    inputs = {k: tf.constant(data[k] if isinstance(data, dict) else data) for k in f.structured_input_signature[1]}
    case = {"inputs": {k: encoded(v) for k, v in inputs.items()}, "outputs": {k: encoded(v) for k, v in f(**inputs).items()}}
    (folder / "case.json").write_text(json.dumps(case))


def main():
    chosen = [name for name in CASES if len(sys.argv) < 3 or sys.argv[2] in name]
    for name in chosen:
        record(CASES[name], pathlib.Path(sys.argv[1]) / name)
        print(name, flush=True)


if __name__ == "__main__":
    main()
