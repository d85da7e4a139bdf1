"""Lets TensorFlow judge what jax2tf::save wrote: loads the SavedModels that export_cases made, runs every function in
eager mode and compiled, differentiates it, and compares with JAX's recorded results and with this library's gradients.
The modes tf2jax and tf2jax_gradient let Python tf2jax read the functions and JAX run and differentiate them; what tf2jax
has no converter for counts as unsupported.

    build/release/bin/export_cases --dir tests/golden/jax --out DIR [--plain | --native]
    python tests/oracle/export_check.py DIR [--modes eager,compiled,gradient,tf2jax,tf2jax_gradient] [--every N]

and the documents' examples:

    build/release/bin/export_cases --out MODEL
    python tests/oracle/export_check.py MODEL --documents

Prints what differs, and counts. Any TensorFlow from 2.16 on will do."""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')

TOLERANCE = {'float16': 4e-3, 'float32': 1e-4, 'float64': 1e-9, 'complex64': 1e-4, 'complex128': 1e-9}


def close(got, want, factor=1.0):
  """None, or how two arrays differ."""
  import numpy as np
  got, want = np.asarray(got), np.asarray(want)
  if got.shape != want.shape or got.dtype != want.dtype:
    return f'got {got.dtype}{list(got.shape)}, expected {want.dtype}{list(want.shape)}'
  if got.size == 0:
    return None
  tolerance = TOLERANCE.get(str(want.dtype))
  if tolerance is None:
    return None if np.array_equal(got, want) else f'{np.sum(got != want)} of {got.size} numbers differ'
  tolerance *= factor
  with np.errstate(all='ignore'):
    finite = np.abs(want[np.isfinite(want)])
    scale = np.max(finite) if finite.size else 0
    # What cancels is as far off as what it is made of, which is about 1 here.
    ok = np.isclose(got, want, rtol=tolerance, atol=tolerance * max(min(float(scale), 1e30), 0.01), equal_nan=True)
    # Numbers that only rounding keeps from being infinite, and smallest ones that are flushed to zero.
    if not np.iscomplexobj(want):
      ok |= (np.abs(got) < 1e-37) & (np.abs(want) < 1e-37)
  return None if ok.all() else f'{int((~ok).sum())} of {got.size}: got {got[~ok].ravel()[0]}, expected {want[~ok].ravel()[0]}'


def short(error):
  text = str(error).strip().replace('\n', ' ')
  for mark in ('Detected unsupported operations', 'Detected at node', 'Could not find'):
    at = text.find(mark)
    if at > 0:
      text = text[at:]
      break
  return f'{type(error).__name__}: {text[:230]}'


def arrays_of(data, name, what):
  out, i = {}, 0
  for key in data.files:
    if key.startswith(f'{name}/{what}'):
      out[int(key[len(name) + 1 + len(what):])] = data[key]
  return out


def inputs_of(data, name):
  return [x for _, x in sorted(arrays_of(data, name, 'in').items())]


def comparison(data, name, report):
  """A function that compares results with expected ones and reports what it finds."""
  # XLA multiplies in the type of the operands, whatever the type of the result.
  coarsest = max([TOLERANCE.get(str(x.dtype), 0) for x in inputs_of(data, name)] or [0])

  def compare(mode, results, expected, factor=1.0):
    for i, want in expected.items():
      got = results[i]
      own = TOLERANCE.get(str(want.dtype), 0)
      problem = 'got None' if got is None else close(got, want, max(factor, coarsest / own) if own else factor)
      if problem:
        report(mode, 'differs', f'result {i}: {problem}')
        return
    report(mode, 'ok', '')
  return compare


def check_function(f, name, data, modes, report):
  import numpy as np
  import tensorflow as tf
  inputs = [tf.constant(x) for x in inputs_of(data, name)]
  wanted = arrays_of(data, name, 'out')
  compare = comparison(data, name, report)
  if 'eager' in modes:
    try:
      compare('eager', f(inputs), wanted)
    except Exception as e:  # any failure of TensorFlow is a finding
      report('eager', kind_of_tensorflow(e), short(e))
  if 'compiled' in modes:
    try:
      compare('compiled', tf.function(f, jit_compile=True, autograph=False)(inputs), wanted)
    except Exception as e:
      report('compiled', kind_of_tensorflow(e), short(e))
  gradients = arrays_of(data, name, 'grad')
  if not any(np.issubdtype(y.dtype, np.inexact) for y in wanted.values()):
    gradients = {}
  if 'gradient' in modes and gradients:
    try:
      with tf.GradientTape() as tape:
        tape.watch(inputs)
        results = [y for y in f(inputs) if y.dtype.is_floating or y.dtype.is_complex]
        ones = [tf.ones_like(y) for y in results]
      got = tape.gradient(results, inputs, output_gradients=ones)
      compare('gradient', got, gradients, 20.0)
    except Exception as e:
      report('gradient', kind_of_tensorflow(e), short(e))


def kind_of_tensorflow(error):
  """What a failure in TensorFlow is: it has no LAPACK for modules, and XLA not every operation."""
  limits = ('No FFI handler registered', 'Detected unsupported operations')
  return 'unsupported' if any(part in str(error) for part in limits) else 'error'


def kind_of_tf2jax(error):
  """What a failure in tf2jax is: operations and attributes that it does not implement. Custom gradients of several results
  trip assertions of it, TensorFlow's own too."""
  text = str(error)
  limits = ('Unsupported operations in graph', 'does not support', 'not supported', 'no support', 'is not implemented')
  counts = isinstance(error, AssertionError) and re.fullmatch(r'(\(\d+, \d+\))?', text)
  known = isinstance(error, NotImplementedError) or counts or any(part in text for part in limits)
  return 'unsupported' if known else 'error'


def check_in_tf2jax(f, name, data, modes, report):
  import jax
  import numpy as np
  import tensorflow as tf
  import tf2jax
  jax.config.update('jax_enable_x64', True)
  inputs, wanted, gradients = inputs_of(data, name), arrays_of(data, name, 'out'), arrays_of(data, name, 'grad')
  compare = comparison(data, name, report)

  def part(mode, run):
    try:
      run(mode)
    except Exception as e:  # any other failure is a finding
      report(mode, kind_of_tf2jax(e), short(e))

  def values(mode):
    compare(mode, read(inputs), wanted)

  def derivatives(mode):
    active = [i for i, x in enumerate(inputs) if np.issubdtype(x.dtype, np.inexact)]

    def of_active(*xs):
      full = list(inputs)
      for i, x in zip(active, xs):
        full[i] = x
      return [y for y in read(full) if np.issubdtype(y.dtype, np.inexact)]
    results, pull = jax.vjp(of_active, *[inputs[i] for i in active])
    got = dict(zip(active, pull([jax.numpy.ones_like(y) for y in results])))
    compare(mode, got, {i: g for i, g in gradients.items() if i in got}, 20.0)

  try:
    read = tf2jax.convert_functional(tf.function(f, autograph=False), inputs)
  except Exception as e:
    report('tf2jax', kind_of_tf2jax(e), short(e))
    return
  if 'tf2jax' in modes:
    part('tf2jax', values)
  if 'tf2jax_gradient' in modes and gradients and any(np.issubdtype(y.dtype, np.inexact) for y in wanted.values()):
    part('tf2jax_gradient', derivatives)


def check_model(directory, modes, first, every):
  """Results of one model, as lines of JSON."""
  import numpy as np
  import tensorflow as tf
  directory = pathlib.Path(directory)
  data = np.load(directory / 'data.npz')
  names = dict(line.split(' ', 1) for line in (directory / 'names.txt').read_text().splitlines())
  try:
    model = tf.saved_model.load(str(directory / 'model'))
  except Exception as e:
    print(json.dumps([str(directory), 'load', 'error', short(e)]), flush=True)
    return
  for position, (name, title) in enumerate(names.items()):
    if position < first or position % every:
      continue
    print(f'at {position} {title}', flush=True)

    def report(mode, kind, message, title=title):
      print(json.dumps([title, mode, kind, message]), flush=True)
    check_function(getattr(model, name), name, data, modes, report)
    if 'tf2jax' in ','.join(modes):
      check_in_tf2jax(getattr(model, name), name, data, modes, report)


def check_documents(directory):
  """The documents' examples of exporting, each with the result or the error that it says."""
  import numpy as np
  import tensorflow as tf
  m = tf.saved_model.load(directory)
  failed = []

  def expect(name, ok):
    print(('ok   ' if ok else 'WRONG'), name)
    if not ok:
      failed.append(name)

  def near(a, b):
    return np.allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6)

  def error_of(f, kind):
    try:
      f()
    except kind as e:
      return str(e)
    return ''

  def gradient(f, *xs, **options):
    with tf.GradientTape() as tape:
      tape.watch(xs)
      y = f(*xs)
    return tape.gradient(y, xs, **options)

  x = tf.constant(1.0)
  expect('sin(cos(x))', near(m.sin_cos(x), np.sin(np.cos(1))))
  expect('its gradient', near(gradient(m.sin_cos, x)[0], -np.cos(np.cos(1)) * np.sin(1)))
  expect('compiled inside a larger function',
         near(tf.function(lambda v: tf.function(m.sin_cos, jit_compile=True)(v) + 1)(x), np.sin(np.cos(1)) + 1))
  expect('gradients that are off',
         'The jax2tf-converted function does not support gradients. Use `with_gradient` parameter to enable gradients'
         in error_of(lambda: gradient(m.no_gradient, x), LookupError))
  expect('two shapes', near(m.warmed(tf.ones([1, 28, 28])), 784) and near(m.warmed(tf.ones([16, 28, 28])), 12544))
  expect('another shape', 'Could not find matching concrete function' in
         error_of(lambda: m.warmed(tf.ones([2, 28, 28])), ValueError))
  xs = [tf.Variable(v) for v in [10., 11., 12.]] + [tf.Variable(13)]

  def unused_gradient(**options):
    with tf.GradientTape() as tape:
      y = m.unused(*xs)
    return tape.gradient(y, xs, **options)
  g = unused_gradient()
  expect('unused and integer arguments', near(g[:3], [0, 0, 2]) and g[3] is None)
  zero = unused_gradient(unconnected_gradients=tf.UnconnectedGradients.ZERO)
  expect('the same with zeros', all(near(a, b) for a, b in zip(zero, [0, 0, 2, 0])))
  for batch in (1, 5):
    v = np.arange(3 * batch, dtype=np.float32).reshape(batch, 3) * 0.1
    want = np.sum(np.sin(v * [1, 2, 3]) + 10, axis=1)
    expect(f'variables, batch {batch}', near(m.model(tf.constant(v)), want) and
           near(m.signatures['serving_default'](args_0=tf.constant(v))['output_0'], want))
    expect(f'compiled, batch {batch}', near(tf.function(m.model, jit_compile=True)(tf.constant(v)), want))
  v = tf.constant([[.1, .2, .3]])
  with tf.GradientTape() as tape:
    y = m.model(v)
  g = tape.gradient(y, list(m.variables))
  by_name = {w.name: d for w, d in zip(m.variables, g)}
  expect('gradients of variables', near(by_name['params/0:0'], [.1 * np.cos(.1), .2 * np.cos(.4), .3 * np.cos(.9)]) and
         near(by_name['params/1:0'], [3]))
  m.variables[0].assign([0., 0., 0.])
  expect('variables that are assigned', near(m.model(v), [30]))
  expect('zero sizes', "Expected value >= 1 for dimension variable \\'b\\'" in
         error_of(lambda: m.batched(tf.ones([0, 3])), tf.errors.InvalidArgumentError))
  expect('sizes that are equal', near(m.square_images(tf.ones([2, 3, 3]), tf.fill([3, 3], 2.)), np.full([2, 3, 3], 2)))
  # TensorFlow's own shape inference may be first.
  expect('sizes that are not', error_of(lambda: m.square_images(tf.ones([2, 3, 4]), tf.ones([3, 3])),
                                        (ValueError, tf.errors.InvalidArgumentError)) != '')
  r = np.arange(120, dtype=np.float32).reshape(4, 5, 6)
  expect('polynomials', near(m.reshaped(tf.constant(r)), r.reshape(30, 4)))
  expect('a size as a number', near(m.mean(tf.fill([7, 4], 3.)), [3] * 4))
  for f in (m.batched, m.batched_plain):
    b = np.arange(12, dtype=np.float32).reshape(4, 3) * .1
    expect('vmapped', near(f(tf.constant(b)), np.sum(np.sin(b) * b + b * b, axis=1)))
    expect('vmapped, gradient', near(gradient(f, tf.constant(b))[0], np.sin(b) + np.cos(b) * b + 2 * b))
  c = np.array([.1, .2], np.float32)
  for _ in range(3):
    c = np.sin(c) + np.sum(c) * .1
  expect('loop', near(m.loop(tf.constant([.1, .2])), c))
  expect('loop, gradient', gradient(m.loop, tf.constant([.1, .2]))[0] is not None)
  with tf.GradientTape() as outer:
    outer.watch(x)
    d = gradient(m.cube_2, x)[0]
  expect('second derivative', near(d, 3) and near(outer.gradient(d, x), 6))

  with tf.GradientTape(persistent=True) as tape:  # it asks for one order more
    tape.watch(x)
    y = m.cube_2(x)
  expect('persistent tape', near(tape.gradient(y, x), 3))

  def beyond():
    with tf.GradientTape() as outer:
      outer.watch(x)
      d = gradient(m.cube_1, x)[0]
    outer.gradient(d, x)
  expect('second derivative that was not saved', 'gradient_order' in error_of(beyond, LookupError))
  expect('custom derivative', near(m.custom(x), 1) and near(gradient(m.custom, x)[0], 100))
  expect('while loop', near(m.doubled(tf.constant(3.)), 192))
  expect('dictionaries', near(m.named({'a': tf.ones([2]), 'b': tf.ones([2])})['sum'], [2, 2]))
  print(f'{len(failed)} wrong')
  return 1 if failed else 0


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('directory')
  parser.add_argument('--modes', default='eager,compiled,gradient')
  parser.add_argument('--worker', action='store_true', help='one model, for this program itself')
  parser.add_argument('--first', type=int, default=0, help='of the functions of a worker')
  parser.add_argument('--every', type=int, default=1, help='one function of so many')
  parser.add_argument('--documents', action='store_true', help="the documents' examples")
  parser.add_argument('--list', action='store_true', help='every finding, not one of a kind')
  options = parser.parse_args()
  if options.documents:
    return check_documents(options.directory)
  if options.worker:
    return check_model(options.directory, options.modes.split(','), options.first, options.every)
  counts, findings = collections.Counter(), collections.OrderedDict()
  for model in sorted(pathlib.Path(options.directory).iterdir()):
    first = 0
    while first is not None:  # again behind a function at which TensorFlow itself ends
      command = [sys.executable, __file__, '--worker', '--modes', options.modes, '--first', str(first), '--every', str(options.every), str(model)]
      done = subprocess.run(command, capture_output=True, text=True)
      last = None
      for line in done.stdout.splitlines():
        if line.startswith('at '):
          last = line.split(' ', 2)
        if not line.startswith('['):
          continue
        title, mode, kind, message = json.loads(line)
        counts[mode, kind] += 1
        if kind != 'ok':
          findings.setdefault((mode, kind, re.sub(r'__inference\S*', '', message)[:150]), []).append((title, message))
      first = None
      if done.returncode and last:
        counts['process', 'died'] += 1
        findings.setdefault(('process', 'died', str(done.returncode)), []).append((last[2], f'signal {-done.returncode}'))
        first = int(last[1]) + 1
      elif done.returncode:
        print(f'{model}: {done.stderr.strip()[-300:]}')
  for (mode, kind, _), cases in findings.items():
    for title, message in cases if options.list else cases[:1]:
      print(f'{len(cases):4} {mode} {kind}: {title}\n       {message}')
  print(', '.join(f'{mode} {kind} {n}' for (mode, kind), n in sorted(counts.items())))
  return 1 if any(kind not in ('ok', 'unsupported') for _, kind in counts) else 0


if __name__ == '__main__':
  sys.exit(main())
