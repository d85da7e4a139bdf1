"""Lets TensorFlow convert to TFLite, and serve, what export_models wrote, and compares with what this library computed.

    build/release/bin/export_models DIR OUT [--only RE]
    python tests/oracle/tflite_check.py OUT

A model that needs operations of TensorFlow which TFLite lacks is converted with SELECT_TF_OPS and says so. saved_model_cli
runs the signature `serving_default` of each. Prints a row a model; exits 1 when any differs."""
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')


def worst(got, want):
  """The largest difference beside the largest magnitude; infinite where shapes differ or NaNs do."""
  import numpy as np
  got, want = np.asarray(got), np.asarray(want)
  if got.shape != want.shape or not np.array_equal(np.isnan(got.astype(float)), np.isnan(want.astype(float))):
    return float('inf')
  if not want.size:
    return 0.0
  got, want = np.nan_to_num(got.astype(float)), np.nan_to_num(want.astype(float))
  return float(np.abs(got - want).max() / max(1e-6, np.abs(want).max()))


def tflite(folder, inputs):
  """Results of the converted model in order, and whether it needs TensorFlow's own kernels."""
  import tensorflow as tf
  for select in (False, True):
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
    if select:
      converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    try:
      model = converter.convert()
      break
    except Exception:
      if select:
        raise
  runner = tf.lite.Interpreter(model_content=model).get_signature_runner('serving_default')
  results = runner(**{name: inputs[position(name)] for name in runner.get_input_details()})
  return [results[name] for name in sorted(results, key=position)], select


def position(name):
  """The number at the end of a name, 0 without one."""
  digits = name[len(name.rstrip('0123456789')):]
  return int(digits) if digits else 0


def serve(folder, inputs):
  """What saved_model_cli's run computes."""
  import numpy as np
  import tensorflow as tf
  keys = tf.saved_model.load(str(folder)).signatures['serving_default'].structured_input_signature[1]
  with tempfile.TemporaryDirectory() as work:
    np.savez(f'{work}/in.npz', **{f'in{i}': x for i, x in enumerate(inputs)})
    given = ';'.join(f'{key}={work}/in.npz[in{position(key)}]' for key in keys)
    cli = 'import sys; from tensorflow.python.tools import saved_model_cli as c; sys.argv[0] = "saved_model_cli"; c.main()'
    subprocess.run([sys.executable, '-c', cli, 'run', '--dir', str(folder), '--tag_set', 'serve', '--signature_def',
                    'serving_default', '--inputs', given, '--outdir', work], check=True, capture_output=True)
    found = sorted(pathlib.Path(work).glob('output_*.npy'), key=lambda p: position(p.stem))
    return [np.load(f) for f in found]


def main():
  import numpy as np
  out = pathlib.Path(sys.argv[1])
  failed = 0
  for archive in sorted(out.glob('*.npz')):
    folder, data = archive.with_suffix(''), np.load(archive)
    inputs = [data[f'in{i}'] for i in range(sum(k.startswith('in') for k in data))]
    wanted = [data[f'out{i}'] for i in range(sum(k.startswith('out') for k in data))]
    cells = [archive.stem]
    for what, run in (('tflite', tflite), ('served', serve)):
      try:
        got = run(folder, inputs)
        note = ''
        if what == 'tflite':
          got, select = got
          note = ' with TensorFlow kernels' if select else ''
        error = max((worst(g, w) for g, w in zip(got, wanted)), default=0.0)
        ok = len(got) == len(wanted) and error < 1e-4
        cells.append(f'{what} {"ok" if ok else "WRONG"} {error:.1e}{note}')
      except Exception as e:  # pylint: disable=broad-except
        ok = False
        text = str(getattr(e, 'stderr', None) or e).strip().replace('\\n', ' ').replace('\n', ' ')
        cells.append(f'{what} fail {type(e).__name__}: {text[-160:]}')
      failed += not ok
    print('\t'.join(cells), flush=True)
  return 1 if failed else 0


if __name__ == '__main__':
  sys.exit(main())
