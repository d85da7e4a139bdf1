"""Further models of real Keras and TensorFlow, beside those of the shared oracle, whose registry this uses:

    PYTHONPATH=ORACLE python tests/oracle/tf_models_more.py --only more_ --out DIR [--seed N]
    build/release/bin/run_models DIR
"""
import os

import numpy as np

import tf_models
from tf_models import case, integers, keras3, module, normal, tf, uniform
from tf_models_layers import functional, layer

PROGRAMS = os.environ.get('PROGRAMS', '1')   # which programs are drawn


def only3(name, shape, *make, **options):
    layer(f'more_{name}', shape, *make, apis=('keras3',), **options)


def both(name, shape, *make, **options):
    layer(f'more_{name}', shape, *make, **options)


# Convolutions
both('conv1d_transpose', (6, 3), lambda l: l.Conv1DTranspose(4, 3, strides=2, padding='same'), lambda l: l.Conv1DTranspose(2, 4))
both('conv3d_transpose', (3, 4, 3, 2), lambda l: l.Conv3DTranspose(3, 2, strides=2))
both('depthwise1d', (9, 3), lambda l: l.DepthwiseConv1D(3, depth_multiplier=2, padding='same'))
both('separable1d', (9, 3), lambda l: l.SeparableConv1D(4, 3, depth_multiplier=2, strides=2))
both('depthwise_dilated', (9, 8, 2), lambda l: l.DepthwiseConv2D(3, dilation_rate=2))
both('conv_channels', (7, 6, 4), lambda l: l.Conv2D(4, 3, padding='same', groups=4), lambda l: l.Conv2D(2, 1, use_bias=False))
both('conv_same_even', (7, 8, 2), lambda l: l.Conv2D(3, 4, strides=3, padding='same', activation='gelu'))
both('locally_padded', (8, 8, 2), lambda l: l.ZeroPadding2D((2, 1)), lambda l: l.Conv2D(3, 5, strides=2))

# Pooling
both('pool1d', (11, 3), lambda l: l.MaxPooling1D(3, strides=2, padding='same'), lambda l: l.AveragePooling1D(2), variables=0)
for n in (1, 2, 3):
    both(f'global_pool{n}d', (5, 4, 3)[:n] + (2,), lambda l, n=n: getattr(l, f'GlobalMaxPooling{n}D')(keepdims=True),
         lambda l, n=n: getattr(l, f'GlobalAveragePooling{n}D')(), variables=0)
only3('adaptive1d', (11, 3), lambda l: l.AdaptiveAveragePooling1D(4), lambda l: l.AdaptiveMaxPooling1D(3), variables=0)
only3('adaptive3d', (5, 6, 4, 2), lambda l: l.AdaptiveAveragePooling3D((2, 3, 2)), lambda l: l.AdaptiveMaxPooling3D(2), variables=0)

# Shapes
both('repeat_vector', (4,), lambda l: l.RepeatVector(3), lambda l: l.Reshape((2, -1)), variables=0)
both('pad_crop_1d_3d', (6, 4), lambda l: l.ZeroPadding1D((1, 2)), lambda l: l.Cropping1D((2, 1)), lambda l: l.UpSampling1D(2), variables=0)
both('pad_crop_3d', (4, 3, 4, 2), lambda l: l.ZeroPadding3D(1), lambda l: l.Cropping3D(((1, 0), (0, 1), (1, 1))), lambda l: l.UpSampling3D(2), variables=0)
only3('center_crop', (7, 6, 3), lambda l: l.CenterCrop(4, 5), lambda l: l.Rescaling(0.5, -0.2), variables=0)
both('flatten_dense', (3, 4, 2), lambda l: l.Flatten(), lambda l: l.Dense(5, activation='swish'), lambda l: l.Dense(2, activation='softplus'))
functional('more_merge', lambda k, a, b: [k.layers.Subtract()([a, b]), k.layers.Minimum()([a, b]), k.layers.Dot(axes=(2, 1))([a, k.layers.Permute((2, 1))(b)]), k.layers.Concatenate(axis=-1)([a, b])],
           normal(2, 3, 4, seed=1), normal(2, 3, 4, seed=2), apis=('keras3', 'keras2'), variables=0)

# Recurrence
both('simple_rnn', (6, 4), lambda l: l.SimpleRNN(5, return_sequences=True, activation='relu'), lambda l: l.SimpleRNN(3))
both('rnn_backwards', (6, 4), lambda l: l.LSTM(5, return_sequences=True, go_backwards=True), lambda l: l.GRU(4, unroll=True))
both('lstm_hard', (5, 3), lambda l: l.LSTM(4, recurrent_activation='hard_sigmoid', activation='relu', use_bias=False))
only3('convlstm1d', (4, 7, 2), lambda l: l.ConvLSTM1D(3, 3, return_sequences=True), lambda l: l.ConvLSTM1D(2, 2))
only3('convlstm3d', (2, 4, 3, 4, 1), lambda l: l.ConvLSTM3D(2, 2))
both('rnn_cells', (5, 3), lambda l: l.RNN([l.SimpleRNNCell(4), l.LSTMCell(3)], return_sequences=True))
both('bidirectional_rnn', (5, 3), lambda l: l.Bidirectional(l.SimpleRNN(3), merge_mode='mul'))
functional('more_lstm_states', lambda k, x: k.layers.LSTM(4, return_state=True)(x), normal(2, 5, 3), apis=('keras3', 'keras2'))
functional('more_gru_initial', lambda k, x, s: k.layers.GRU(4, return_sequences=True)(x, initial_state=s), normal(2, 5, 3), normal(2, 4, seed=2), apis=('keras3', 'keras2'))
functional('more_mask_embedding', lambda k, x: k.layers.GRU(3)(k.layers.Embedding(9, 4, mask_zero=True)(x)), np.array([[1, 2, 0, 0], [3, 4, 5, 0]], np.int32), apis=('keras3', 'keras2'), vmap=False)
functional('more_distributed_lstm', lambda k, x: k.layers.TimeDistributed(k.layers.LSTM(3))(x), normal(2, 3, 4, 2))

# Attention
functional('more_additive_attention', lambda k, q, v: k.layers.AdditiveAttention()([q, v]), normal(2, 5, 4, seed=1), normal(2, 6, 4, seed=2), apis=('keras3', 'keras2'))
functional('more_group_query_attention', lambda k, q, v: k.layers.GroupQueryAttention(4, 4, 2)(q, v), normal(2, 5, 8, seed=1), normal(2, 6, 8, seed=2))
functional('more_causal_attention', lambda k, x: k.layers.MultiHeadAttention(2, 3, dropout=0.1)(x, x, use_causal_mask=True), normal(2, 5, 6), apis=('keras3', 'keras2'))
functional('more_attention_scores', lambda k, q, v: k.layers.MultiHeadAttention(2, 3, attention_axes=(1,))(q, v, return_attention_scores=True), normal(2, 4, 6), normal(2, 3, 6, seed=2))

# Normalisation, dense forms, regularisation
both('einsum_dense', (4, 6), lambda l: l.EinsumDense('abc,cd->abd', output_shape=(None, 5), bias_axes='d'))
only3('spectral', (6,), lambda l: l.SpectralNormalization(l.Dense(4)))
both('regularized', (5,), lambda l: l.Dense(4, kernel_regularizer='l2'), lambda l: l.ActivityRegularization(0.1), lambda l: l.GaussianDropout(0.3), lambda l: l.AlphaDropout(0.2))
both('batchnorm_axis', (4, 6), lambda l: l.BatchNormalization(axis=1, center=False), lambda l: l.BatchNormalization(scale=False, epsilon=0.1))
both('layernorm_axes', (4, 6), lambda l: l.LayerNormalization(axis=[1, 2], epsilon=0.1))
only3('group_instance', (5, 4, 6), lambda l: l.GroupNormalization(-1), lambda l: l.GroupNormalization(3, axis=-1))
functional('more_lambda', lambda k, x: k.layers.Lambda(lambda t: tf.nn.top_k(tf.abs(t), 2).values)(x), normal(3, 6), apis=('keras2',), variables=0)
only3('reversible_embedding', (5,), lambda l: l.Embedding(7, 4), lambda l: l.Dense(3), data=integers(2, 5, high=7), vmap=False)

# Signals and images at inference
only3('stft', (64, 1), lambda l: l.STFTSpectrogram(frame_length=16, frame_step=8, fft_length=16), variables=0)
only3('mel', (256,), lambda l: l.MelSpectrogram(fft_length=64, sequence_stride=32, num_mel_bins=8, sampling_rate=1000, max_freq=500), variables=0, gradient_rtol=1e-2)
only3('random_gray', (6, 6, 3), lambda l: l.RandomGrayscale(1.0), data=uniform(2, 6, 6, 3), variables=0)
# Random at inference too: only shapes can agree.
for name, make in {'brightness': lambda l: l.RandomBrightness(0.2), 'crop': lambda l: l.RandomCrop(6, 6), 'hue': lambda l: l.RandomHue(0.1),
                   'saturation': lambda l: l.RandomSaturation(0.2), 'sharpness': lambda l: l.RandomSharpness(0.2), 'shear': lambda l: l.RandomShear(0.1, 0.1),
                   'perspective': lambda l: l.RandomPerspective(), 'erasing': lambda l: l.RandomErasing(), 'posterize': lambda l: l.RandomPosterization(4),
                   'jitter': lambda l: l.RandomColorJitter(), 'blur': lambda l: l.RandomGaussianBlur(), 'invert': lambda l: l.RandomInvert(),
                   'contrast': lambda l: l.AutoContrast(), 'degenerate': lambda l: l.RandomColorDegeneration(0.3), 'solarize': lambda l: l.Solarization()}.items():
  only3(f'random_{name}', (8, 8, 3), make, data=uniform(2, 8, 8, 3, high=255), variables=0, gradient=False, vmap=False, compare='shape')

# Preprocessing of numbers
only3('hashed', (1,), lambda l: l.Hashing(5), data=integers(4, 1, high=100), variables=0, gradient=False, vmap=False)
functional('more_normalization', lambda k, x: k.layers.Normalization(mean=[1.0, 2.0, 0.5], variance=[2.0, 1.0, 4.0], invert=True)(x), normal(4, 3), apis=('keras3', 'keras2'), variables=0)


# Losses, training steps, programs of tf.function
def program(name, **options):
    return case(f'more_{name}', **options)


@program('loop_newton', gradient=True)
def newton():
    @tf.function
    def f(x):
        y = tf.ones_like(x)
        for _ in tf.range(6):
            y = y - (y * y * y - x) / (3 * y * y)
        return y
    return module(f, {'x': uniform(5, low=0.5, high=3.0)})


@program('adam_step', variables=2)
def adam():
    def build(k):
        inputs = k.Input((4,))
        return k.Model(inputs, k.layers.Dense(1)(k.layers.Dense(8, activation='tanh')(inputs)))
    return keras3(build, normal(6, 4))


# Judged by value with run_models --exact-random.
@program('random_generator', gradient=False, compare='shape', x64=True)
def random_generator():
    g = tf.random.Generator.from_seed(1234567)

    @tf.function
    def f(x):
        return {'normal': x + g.normal([3, 2]), 'uniform': g.uniform([5], -1, 2, tf.float64), 'whole': g.uniform([4], 3, 77, tf.int64),
                'bits': g.uniform_full_int([3], tf.int32), 'cut': g.truncated_normal([4]), 'counted': g.binomial([3], [5.0, 40.0, 9.0], [0.3, 0.6, 0.5]),
                'again': g.normal([2])}
    return module(f, {'x': normal(3, 2)}, track=[g])


@program('beam_search', gradient=False)
def beam():
    w = tf.Variable(normal(5, 5, seed=9))

    @tf.function
    def f(x):
        scores, paths = tf.zeros([1]), tf.zeros([1, 0], tf.int32)
        state = x[None]
        for _ in range(3):
            logits = tf.nn.log_softmax(tf.matmul(state, w)) + scores[:, None]
            best, at = tf.math.top_k(tf.reshape(logits, [-1]), 2)
            paths = tf.concat([tf.gather(paths, at // 5), (at % 5)[:, None]], 1)
            scores, state = best, tf.gather(tf.eye(5), at % 5)
        return {'scores': scores, 'paths': paths}
    return module(f, {'x': normal(5)}, [w])


@program('ragged_mean', gradient=True)
def ragged():
    @tf.function
    def f(x):
        r = tf.RaggedTensor.from_row_lengths(x, [2, 0, 3, 1])
        return tf.reduce_sum(r, axis=1), r.to_tensor(0.5)
    return module(f, {'x': normal(6)})


@program('sparse_product', gradient=True)
def sparse():
    s = tf.sparse.SparseTensor([[0, 1], [2, 0], [2, 3]], tf.constant([1.0, 2.0, -1.0]), [3, 4])

    @tf.function
    def f(x):
        return tf.sparse.sparse_dense_matmul(s, x), tf.sparse.to_dense(s * 2.0) @ x
    return module(f, {'x': normal(4, 2)})


@program('ode', gradient=True)
def ode():
    @tf.function
    def f(x):
        def step(i, y, h):
            k1 = -y * tf.sin(y)
            k2 = -(y + h * k1) * tf.sin(y + h * k1)
            error = tf.reduce_max(tf.abs(k2 - k1)) * h
            return i + 1, tf.where(error < 0.1, y + h * (k1 + k2) / 2, y), tf.where(error < 0.1, h * 1.2, h * 0.5)
        return tf.while_loop(lambda i, y, h: i < 25, step, (0, x, tf.constant(0.1)))[1]
    return module(f, {'x': normal(3)})


@program('tensor_array_grow', gradient=True)
def grow():
    @tf.function
    def f(x):
        a = tf.TensorArray(tf.float32, size=0, dynamic_size=True, element_shape=[3])
        for i in tf.range(4):
            a = a.write(i, x * tf.cast(i + 1, tf.float32))
        return a.stack()
    return module(f, {'x': normal(3)})


@program('unique_counts', gradient=False)
def unique():
    @tf.function
    def f(x):
        y, index, count = tf.unique_with_counts(x)
        return {'y': y, 'index': index, 'count': count, 'set': tf.sparse.to_dense(tf.sets.intersection(x[None], x[None] + 1))}
    return module(f, {'x': integers(7, high=4)})


# Whole programs by the seed of their number
for number in range(60):
    @program(f'program_{number}', variables=3)
    def drawn(number=number):
        import tf_programs
        p = tf_programs.SavedProgram(f'{PROGRAMS} {number}')
        shapes = [[2, 3], [3], [2, 1, 2]][: 1 + number % 3]
        inputs = {name: normal(*shape, seed=number) for name, shape in zip('xyz', shapes)}
        return module(lambda *given: {f'out_{i}': y for i, y in enumerate(p(*given))}, inputs, p.weights, autograph=False)


if __name__ == '__main__':
    tf_models.main()
