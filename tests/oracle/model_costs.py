"""What opening and running models costs beside TensorFlow and Python tf2jax: each side in a process of its own.

    PYTHON tests/oracle/model_costs.py --out DIR [--only NAME]

PYTHON is the judges' (../shared/oracle/setup). Models of random weights are written to DIR with TensorFlow. Columns: seconds
from opening the model to its first result, milliseconds of a call after that (the median of seven), and the peak memory of
the process. Ours is bin/tf2jax run, whose first figure is the whole process; its calls are timed by scripts/bench.
"""
import argparse
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.path.join(HERE, "../../build/release/bin/tf2jax")


def encoder(keras):
    """As large as BERT-base, without its embeddings."""
    layers = keras.layers
    x = inputs = keras.Input((128, 768))
    for _ in range(12):
        a = layers.MultiHeadAttention(12, 64)(x, x)
        x = layers.LayerNormalization()(x + a)
        h = layers.Dense(768)(layers.Dense(3072, activation="gelu")(x))
        x = layers.LayerNormalization()(x + h)
    return keras.Model(inputs, x)


def recurrent(keras):
    layers = keras.layers
    return keras.Sequential([keras.Input((100, 64)), layers.LSTM(256, return_sequences=True), layers.LSTM(256),
                             layers.Dense(10)])


MODELS = {
    "MobileNetV2": lambda keras: keras.applications.MobileNetV2(weights=None),
    "ResNet50": lambda keras: keras.applications.ResNet50(weights=None),
    "encoder_12x768": encoder,
    "lstm_2x256": recurrent,
}


def make(name, path):
    import tensorflow as tf
    model = MODELS[name](tf.keras)
    shape = [1, *model.inputs[0].shape[1:]]
    f = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec(shape, tf.float32, name="x")])
    module = tf.Module()
    module.model, module.f = model, f
    tf.saved_model.save(module, path, signatures={"serving_default": f})


def numbers(start, call, x):
    first = time.perf_counter() - start
    times = []
    for _ in range(7):
        begin = time.perf_counter()
        call(x)
        times.append(time.perf_counter() - begin)
    print(json.dumps({"first": first, "call": sorted(times)[3]}))


def opened(path):
    import numpy as np
    import tensorflow as tf
    start = time.perf_counter()
    loaded = tf.saved_model.load(path)
    shape = loaded.signatures["serving_default"].structured_input_signature[1]["x"].shape
    f = loaded.f
    f.keep = loaded
    return start, f, np.random.default_rng(0).standard_normal(shape).astype("float32")


def in_tensorflow(path):
    start, f, x = opened(path)
    f(x)
    numbers(start, lambda v: f(v).numpy(), x)


def in_tf2jax(path):
    import jax
    import tf2jax
    start, f, x = opened(path)
    g, params = tf2jax.convert(f, x)
    g = jax.jit(g)
    jax.block_until_ready(g(params, x))
    numbers(start, lambda v: jax.block_until_ready(g(params, v)), x)


def measured(command):
    """A process's output, its seconds and its peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed")
    return out, time.perf_counter() - start, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out")
    parser.add_argument("--only", default="")
    parser.add_argument("--side", nargs=2)
    options = parser.parse_args()
    if options.side:
        return {"make": lambda p: make(os.path.basename(p), p), "tensorflow": in_tensorflow, "tf2jax": in_tf2jax}[
            options.side[0]](options.side[1])
    print("| model | side | opened and run once | one call | peak memory |\n|---|---|---|---|---|")
    for name in MODELS:
        if options.only not in name:
            continue
        path = os.path.join(options.out, name)
        me = [sys.executable, os.path.abspath(__file__), "--side"]
        if not os.path.exists(path):
            measured([*me, "make", path])
        _, seconds, memory = measured([TOOL, "run", path, "--random", "1"])
        print(f"| {name} | ours, a whole process | {seconds:.2f} s | - | {memory:.0f} MB |", flush=True)
        for side in ("tensorflow", "tf2jax"):
            out, _, memory = measured([*me, side, path])
            got = json.loads(out.strip().splitlines()[-1])
            print(f"| {name} | {side} | {got['first']:.2f} s | {1e3 * got['call']:.1f} ms | {memory:.0f} MB |",
                  flush=True)


if __name__ == "__main__":
    main()
