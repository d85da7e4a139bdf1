"""Makes Keras models with a training step as a tf.function, runs three steps, and saves what they were before.

  tf_training.py --out DIR [--only RE] [--seed N]

DIR/NAME has: model/ (a SavedModel with the signatures "train_step", (x, y) -> loss with the optimizer's updates, and
"loss", which updates nothing), before.npz (the variables), step0.npz to step2.npz ("x", "y", "loss", and "variable:I"
after the step, in the order of before.npz) and case.json. bin/run_training judges ours by them.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import zlib

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('KERAS_BACKEND', 'tensorflow')

import keras
import numpy as np
import tensorflow as tf
import tf_keras

STEPS = 3
CASES = {}


def normal(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


# ---- models: each (Keras, random numbers) -> model, a function that draws a batch, loss

def classes(rng, n, k):
    return rng.integers(0, k, n).astype(np.int32)


def mlp(k, rng):
    l = k.layers
    model = k.Sequential([k.Input((6,)), l.Dense(8, activation='tanh'), l.Dense(5, activation='gelu'), l.Dense(3)])
    return model, lambda: (normal(rng, 12, 6), classes(rng, 12, 3)), k.losses.SparseCategoricalCrossentropy(from_logits=True)


def convolutions(k, rng):
    l = k.layers
    model = k.Sequential([k.Input((8, 8, 2)), l.Conv2D(4, 3, use_bias=False), l.BatchNormalization(), l.Activation('swish'), l.MaxPooling2D(),
                          l.DepthwiseConv2D(2, activation='tanh'), l.GlobalAveragePooling2D(), l.Dense(3, activation='softmax')])
    return model, lambda: (normal(rng, 10, 8, 8, 2), classes(rng, 10, 3)), k.losses.SparseCategoricalCrossentropy()


def recurrent(k, rng):
    l = k.layers
    model = k.Sequential([k.Input((5, 4)), l.LSTM(6, return_sequences=True), l.GRU(5), l.Dense(2)])
    return model, lambda: (normal(rng, 7, 5, 4), normal(rng, 7, 2)), k.losses.MeanSquaredError()


def embedded(k, rng):
    l = k.layers
    model = k.Sequential([k.Input((4,), dtype='int32'), l.Embedding(11, 5), l.Flatten(), l.Dense(1, activation='sigmoid', kernel_regularizer='l2')])
    return model, lambda: (rng.integers(0, 11, (9, 4)).astype(np.int32), rng.integers(0, 2, (9, 1)).astype(np.float32)), k.losses.BinaryCrossentropy()


def attention(k, rng):   # a bias of keys would have no gradient but rounding
    l = k.layers
    x = k.Input((5, 8))
    y = l.LayerNormalization()(l.Add()([x, l.MultiHeadAttention(2, 4, use_bias=False)(x, x)]))
    y = l.Add()([y, l.Dense(8)(l.Dense(12, activation='gelu')(y))])
    model = k.Model(x, l.Dense(2)(l.GlobalAveragePooling1D()(y)))
    return model, lambda: (normal(rng, 6, 5, 8), normal(rng, 6, 2)), k.losses.Huber()


def dropped(k, rng):
    l = k.layers
    model = k.Sequential([k.Input((6,)), l.Dense(16, activation='tanh'), l.Dropout(0.4, seed=5), l.Dense(3)])
    return model, lambda: (normal(rng, 12, 6), classes(rng, 12, 3)), k.losses.SparseCategoricalCrossentropy(from_logits=True)


# ---- optimizers

def schedule(k):
    return k.optimizers.schedules.CosineDecay(0.05, 10, warmup_steps=2, warmup_target=0.1)


# Optimizers that divide by a gradient's own size: where it is rounding alone, their step would be anything.
EPSILON = 1e-5

OPTIMIZERS = {
    'sgd': lambda k: k.optimizers.SGD(0.1),
    'momentum': lambda k: k.optimizers.SGD(0.05, momentum=0.9),
    'nesterov': lambda k: k.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    'adam': lambda k: k.optimizers.Adam(0.01, epsilon=EPSILON),
    'amsgrad': lambda k: k.optimizers.Adam(0.01, epsilon=EPSILON, amsgrad=True),
    'adamw': lambda k: k.optimizers.AdamW(0.01, epsilon=EPSILON, weight_decay=0.02),
    'rmsprop': lambda k: k.optimizers.RMSprop(0.01, epsilon=EPSILON),
    'rmsprop_centered': lambda k: k.optimizers.RMSprop(0.01, epsilon=EPSILON, momentum=0.8, centered=True),
    'adagrad': lambda k: k.optimizers.Adagrad(0.05),
    'adadelta': lambda k: k.optimizers.Adadelta(0.5),
    'adamax': lambda k: k.optimizers.Adamax(0.01, epsilon=EPSILON),
    'nadam': lambda k: k.optimizers.Nadam(0.01, epsilon=EPSILON),
    'ftrl': lambda k: k.optimizers.Ftrl(0.05, l1_regularization_strength=0.001, l2_regularization_strength=0.01),
    'clipped': lambda k: k.optimizers.Adam(0.01, epsilon=EPSILON, global_clipnorm=0.5),
    'clipped_each': lambda k: k.optimizers.SGD(0.1, momentum=0.5, clipnorm=0.3),
    'scheduled': lambda k: k.optimizers.SGD(schedule(k), momentum=0.5),
}
NEWER = {  # of both Kerases, not of the legacy ones
    'lion': lambda k: k.optimizers.Lion(0.01),
    'averaged': lambda k: k.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8),
    'decayed': lambda k: k.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.01),
    'adafactor': lambda k: k.optimizers.Adafactor(0.05),
}
NEWEST = {
    'lamb': lambda k: k.optimizers.Lamb(0.01, epsilon=EPSILON),
    'accumulated': lambda k: k.optimizers.Adam(0.01, epsilon=EPSILON, gradient_accumulation_steps=2),
    'loss_scaled': lambda k: k.optimizers.LossScaleOptimizer(k.optimizers.SGD(0.1), initial_scale=8.0, dynamic_growth_steps=2),
    'muon': lambda k: k.optimizers.Muon(0.02),
}


class Legacy:
    """tf_keras with the optimizers of before 2.11, which are operations like ResourceApplyAdam."""

    def __getattr__(self, name):
        return getattr(tf_keras, name)

    class optimizers:
        schedules = tf_keras.optimizers.schedules

    for _name in ('SGD', 'Adam', 'RMSprop', 'Adagrad', 'Adadelta', 'Adamax', 'Nadam', 'Ftrl'):
        setattr(optimizers, _name, getattr(tf_keras.optimizers.legacy, _name))


KERASES = {'keras3': keras, 'keras2': tf_keras, 'legacy': Legacy()}


def variables_of(optimizer, step):
    """TensorFlow's variables: what the step reads, and those of the optimizer."""
    own = optimizer.variables() if callable(optimizer.variables) else optimizer.variables
    known = [*step.graph.variables, *[v.value for v in own if isinstance(v, keras.Variable)],
             *[v for v in own if isinstance(v, tf.Variable)], *getattr(optimizer, '_hyper', {}).values()]
    return list({id(v): v for v in known if isinstance(v, tf.Variable)}.values())


def build(api, make_model, make_optimizer, rng):
    """A module with its two functions, the draw of a batch, the variables of the step."""
    k = KERASES[api]
    model, draw, loss_of = make_model(k, rng)
    for v in model.trainable_variables:   # no zeros that hide a mix-up
        v.assign(v + 0.05 * normal(rng, *v.shape))
    optimizer = make_optimizer(k)
    if api == 'legacy':
        optimizer._create_all_weights(model.trainable_variables)
    else:
        optimizer.build(model.trainable_variables)
    x, y = draw()
    specs = [tf.TensorSpec(x.shape, x.dtype, 'x'), tf.TensorSpec(y.shape, y.dtype, 'y')]

    def loss(x, y):
        value = loss_of(y, model(x, training=True))
        return tf.add_n([value, *model.losses]) if model.losses else value

    def train_step(x, y):
        with tf.GradientTape() as tape:
            value = loss(x, y)
            scaled = optimizer.scale_loss(value) if hasattr(optimizer, 'scale_loss') else value
        gradients = tape.gradient(scaled, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return {'loss': value}

    module = tf.Module()
    module.train_step = tf.function(train_step, input_signature=specs)
    module.kept = variables_of(optimizer, module.train_step.get_concrete_function())
    captured = {id(handle) for handle, _ in module.train_step.get_concrete_function().graph.captures}
    recorded = [v for v in module.kept if id(v.handle) in captured]
    module.loss = tf.function(lambda x, y: {'loss': loss(x, y)}, input_signature=specs)
    trainable = {id(v.value if api == 'keras3' else v) for v in model.trainable_variables}
    return module, draw, recorded, [id(v) in trainable for v in recorded], (model, optimizer)


def write(name, folder, seed):
    api, make_model, make_optimizer, options = CASES[name]
    number = zlib.crc32(f'{seed} {name}'.encode())
    keras.utils.set_random_seed(number)
    module, draw, recorded, trainable, keep = build(api, make_model, make_optimizer, np.random.default_rng(number))
    folder.mkdir(parents=True)
    signatures = {'train_step': module.train_step.get_concrete_function(), 'loss': module.loss.get_concrete_function()}
    tf.saved_model.save(module, str(folder / 'model'), signatures=signatures)

    def snapshot():
        return {f'variable:{i}': v.numpy() for i, v in enumerate(recorded)}
    np.savez(folder / 'before.npz', **snapshot())
    for i in range(STEPS):
        x, y = draw()
        value = module.train_step(tf.constant(x), tf.constant(y))['loss'].numpy()
        np.savez(folder / f'step{i}.npz', x=x, y=y, loss=value, **snapshot())
    (folder / 'case.json').write_text(json.dumps({'steps': STEPS, 'trainable': trainable, **options}))
    del keep


MODELS = {f.__name__: f for f in (mlp, convolutions, recurrent, embedded, attention)}
for _api in KERASES:
    for _name, _optimizer in {**{n: o for n, o in OPTIMIZERS.items() if n != 'adamw' or _api != 'legacy'}, **({} if _api == 'legacy' else NEWER), **(NEWEST if _api == 'keras3' else {})}.items():
        CASES[f'{_api}_{_name}_mlp'] = (_api, mlp, _optimizer, {'sgd': 0.1} if _name == 'sgd' else {})
    for _model in MODELS:
        for _name in ('sgd', 'momentum', 'adam', 'rmsprop', 'adagrad'):
            CASES[f'{_api}_{_name}_{_model}'] = (_api, MODELS[_model], OPTIMIZERS[_name], {'sgd': 0.1} if _name == 'sgd' else {})
# Not tf_keras: the numbers of its Dropout follow on those of the call before, here they are those of the first call.
CASES['keras3_adam_dropped'] = ('keras3', dropped, OPTIMIZERS['adam'], {'exact_random': True})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', required=True)
    parser.add_argument('--only', default='')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    made = 0
    for name in sorted(CASES):
        if not re.search(args.only, name):
            continue
        folder = pathlib.Path(args.out) / name
        shutil.rmtree(folder, ignore_errors=True)
        try:
            write(name, folder, args.seed)
            made += 1
        except Exception as e:  # noqa: one case less
            print(f'{name}: {type(e).__name__}: {str(e)[:300]}', flush=True)
            shutil.rmtree(folder, ignore_errors=True)
        keras.backend.clear_session()
        tf_keras.backend.clear_session()
    print(f'{made} models')


if __name__ == '__main__':
    main()
