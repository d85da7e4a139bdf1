"""Tabulates what JAX gives at singular points, ties and edges of domains.

    python make.py [--out FOLDER]        needs jax; writes x32.tsv and x64.tsv

Every elementwise function of ops/ that JAX has too, by its name in ops/: its value and its derivatives (of one
argument to order 3, of two all mixed partials to order 2), each taken by forward mode inside forward mode, op by op.
tests/ops/edge_values_test.cpp reads the tables; README.md there says what the lines mean.
"""
import argparse
import pathlib
import warnings

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

inf, nan = np.inf, np.nan


def unary_points(dtype):
  """Points where elementary functions have zeros, poles, ties, branch points and limits of their range."""
  info = jnp.finfo(dtype)
  eps, tiny, big = float(info.eps), float(info.tiny), float(info.max)
  limit = float(np.log(big))          # of exp
  points = [0, -0.0, 1, -1, inf, -inf, nan, 0.5, -0.5, 1.5, -1.5, 2, -2, 2.5, -2.5, 3, -3, 6, -6, 20, -20, 1 + eps, 1 - eps / 2, -1 - eps, -1 + eps / 2,
            eps, -eps, tiny, -tiny, limit * 0.99, limit * 1.01, -limit * 0.99, -limit * 1.2, 1e6, -1e6, big, -big]
  return np.array(points, dtype)


def pairs(points):
  """All pairs of the points."""
  x, y = np.meshgrid(points, points, indexing="ij")
  return x.ravel(), y.ravel()


def binary_points(dtype):
  # Not the extremes of the range: reciprocals are subnormal there, and XLA flushes them.
  tiny, big = (1e-30, 1e30) if jnp.finfo(dtype).bits >= 32 else (1e-3, 1e3)
  return np.array([0, -0.0, 1, -1, 2, -2, 3, 0.5, -0.5, inf, -inf, nan, tiny, big], dtype)


def integer_points(dtype):
  info = jnp.iinfo(dtype)
  points = [0, 1, 2, 3, 7, 8, 31, 32, 33, info.max, info.max - 1, info.min]
  if info.min < 0:
    points += [-1, -2, -3, -7, info.min + 1]
  return np.array(sorted({p for p in points if info.min <= p <= info.max}), dtype)


def complex_points(dtype):
  """Finite points on and off the axes, with every sign of zero."""
  parts = [0.0, -0.0, 1, -1, 0.5, -2, 3]
  return np.array([complex(a, b) for a in parts for b in parts], dtype)


one_argument = {
    "neg": jnp.negative, "sign": jnp.sign, "floor": jnp.floor, "ceil": jnp.ceil, "round": lax.round, "rint": jnp.rint, "abs": jnp.abs, "exp": jnp.exp,
    "exp2": jnp.exp2, "expm1": jnp.expm1, "log": jnp.log, "log1p": jnp.log1p, "log2": jnp.log2, "tanh": jnp.tanh, "logistic": lax.logistic, "sin": jnp.sin,
    "cos": jnp.cos, "tan": jnp.tan, "asin": jnp.arcsin, "acos": jnp.arccos, "atan": jnp.arctan, "sinh": jnp.sinh, "cosh": jnp.cosh, "asinh": jnp.arcsinh,
    "acosh": jnp.arccosh, "atanh": jnp.arctanh, "sqrt": jnp.sqrt, "rsqrt": lax.rsqrt, "cbrt": jnp.cbrt, "square": jnp.square, "reciprocal": jnp.reciprocal,
    "erf": lax.erf, "erfc": lax.erfc, "erf_inv": lax.erf_inv, "lgamma": lax.lgamma, "digamma": lax.digamma, "bessel_i0e": lax.bessel_i0e,
    "bessel_i1e": lax.bessel_i1e, "integer_pow(-2)": lambda x: lax.integer_pow(x, -2), "integer_pow(-1)": lambda x: lax.integer_pow(x, -1),
    "integer_pow(0)": lambda x: lax.integer_pow(x, 0), "integer_pow(1)": lambda x: lax.integer_pow(x, 1), "integer_pow(2)": lambda x: lax.integer_pow(x, 2),
    "integer_pow(3)": lambda x: lax.integer_pow(x, 3), "integer_pow(4)": lambda x: lax.integer_pow(x, 4), "relu": jax.nn.relu, "relu6": jax.nn.relu6,
    "leaky_relu": jax.nn.leaky_relu, "elu": jax.nn.elu, "selu": jax.nn.selu, "gelu": jax.nn.gelu, "gelu(false)": lambda x: jax.nn.gelu(x, approximate=False),
    "silu": jax.nn.silu, "sigmoid": jax.nn.sigmoid, "softplus": jax.nn.softplus,
}
# Vectors along the last axis.
row_functions = {
    "softmax": jax.nn.softmax, "log_softmax": jax.nn.log_softmax, "logsumexp": lambda x: jax.nn.logsumexp(x, axis=-1), "max": lambda x: jnp.max(x, -1),
    "min": lambda x: jnp.min(x, -1), "sum": lambda x: jnp.sum(x, -1), "prod": lambda x: jnp.prod(x, -1), "mean": lambda x: jnp.mean(x, -1),
    "var": lambda x: jnp.var(x, -1), "cumsum": lambda x: lax.cumsum(x, 1), "cumprod": lambda x: lax.cumprod(x, 1), "cummax": lambda x: lax.cummax(x, 1),
    "cummin": lambda x: lax.cummin(x, 1), "cumlogsumexp": lambda x: lax.cumlogsumexp(x, 1),
}
two_arguments = {
    "add": jnp.add, "sub": jnp.subtract, "mul": jnp.multiply, "divide": jnp.divide, "rem": lax.rem, "mod": jnp.mod, "floor_divide": jnp.floor_divide,
    "maximum": jnp.maximum, "minimum": jnp.minimum, "pow": jnp.power, "atan2": jnp.arctan2, "nextafter": jnp.nextafter,
    "squared_difference": lambda x, y: jnp.square(x - y), "igamma": lax.igamma, "igammac": lax.igammac, "polygamma": lax.polygamma, "zeta": lax.zeta,
    "clamp(-1,x,y)": lambda x, y: lax.clamp(jnp.full_like(x, -1), x, y), "clamp(x,y,1)": lambda x, y: lax.clamp(x, y, jnp.full_like(y, 1)),
    "select(x>0,x,y)": lambda x, y: jnp.where(x > 0, x, y),
}
values_only = {"nextafter", "zeta"}                                       # JAX has no derivative
first_argument_constant = {"polygamma"}                                   # of a kind in its first argument
no_second_derivative = {"igamma", "igammac"}                              # of the derivative in a
comparisons = {
    "equal": jnp.equal, "not_equal": jnp.not_equal, "less": jnp.less, "less_equal": jnp.less_equal, "greater": jnp.greater, "greater_equal": jnp.greater_equal,
    "logical_and": jnp.logical_and, "logical_or": jnp.logical_or, "logical_xor": jnp.logical_xor,
}
predicates = {"is_finite": jnp.isfinite, "isnan": jnp.isnan, "isinf": jnp.isinf, "logical_not": jnp.logical_not}
integer_one = {
    "neg": jnp.negative, "sign": jnp.sign, "abs": jnp.abs, "square": jnp.square, "bitwise_not": jnp.bitwise_not, "population_count": lax.population_count,
    "clz": lax.clz, "integer_pow(2)": lambda x: lax.integer_pow(x, 2), "integer_pow(3)": lambda x: lax.integer_pow(x, 3), "exp": jnp.exp, "sqrt": jnp.sqrt,
    "relu": jax.nn.relu,
}
integer_two = {
    "add": jnp.add, "sub": jnp.subtract, "mul": jnp.multiply, "divide": jnp.divide, "div": lax.div, "rem": lax.rem, "mod": jnp.mod,
    "floor_divide": jnp.floor_divide, "maximum": jnp.maximum, "minimum": jnp.minimum, "pow": jnp.power, "shift_left": lax.shift_left,
    "shift_right_logical": lax.shift_right_logical, "shift_right_arithmetic": lax.shift_right_arithmetic, "bitwise_and": jnp.bitwise_and,
    "bitwise_or": jnp.bitwise_or, "bitwise_xor": jnp.bitwise_xor, "less": jnp.less, "greater_equal": jnp.greater_equal,
}
complex_one = {
    name: one_argument[name]
    for name in ("neg", "sign", "abs", "exp", "exp2", "expm1", "log", "log1p", "log2", "tanh", "logistic", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
                 "cosh", "asinh", "acosh", "atanh", "sqrt", "rsqrt", "square", "reciprocal", "integer_pow(-1)", "integer_pow(2)", "integer_pow(3)")
} | {"real": jnp.real, "imag": jnp.imag, "conj": jnp.conj}
complex_two = {"add": jnp.add, "mul": jnp.multiply, "divide": jnp.divide, "pow": jnp.power, "equal": jnp.equal, "maximum": jnp.maximum, "minimum": jnp.minimum}


def along(f, i):
  """The partial derivative in argument i, where one element of the result depends on one of the argument."""
  def derivative(*x):
    ones = [jnp.ones_like(v) if k == i else jnp.zeros_like(v) for k, v in enumerate(x)]
    moving = lambda v: f(*x[:i], v, *x[i + 1:])
    return jax.jvp(moving, (x[i],), (ones[i],))[1]
  return derivative


def token(v, exact=False):
  if np.iscomplexobj(v):
    return f"{token(v.real, exact)},{token(v.imag, exact)}"
  if v.dtype == bool or v.dtype.kind in "iu":
    return str(int(v))
  if np.isnan(v):
    return "nan"
  if np.isinf(v):
    return "inf" if v > 0 else "-inf"
  if v == 0:
    return "-0" if np.signbit(v) else "0"
  digits = (8 if v.dtype.itemsize < 8 else 15) + 2 * exact          # of results, the test allows more than their rounding
  return f"{float(v):.{digits}g}"


def words(values, exact=False):
  """Tokens in order; n equal ones in a row as token*n."""
  out = []
  for t in [token(v, exact) for v in np.asarray(values).ravel()]:
    if out and out[-1][0] == t:
      out[-1][1] += 1
    else:
      out.append([t, 1])
  return " ".join(t if n == 1 else f"{t}*{n}" for t, n in out)


class Table:
  def __init__(self):
    self.lines, self.known = [], {}

  def points(self, *arguments):
    """A line for the points, unless there is one already; its number."""
    key = tuple((a.dtype.name, words(a)) for a in arguments) + tuple(a.shape for a in arguments)
    if key not in self.known:
      self.known[key] = len(self.known)
      for a in arguments:
        self.lines.append("\t".join(["points", str(self.known[key]), a.dtype.name, "x".join(map(str, a.shape)), words(a, True)]))
    return self.known[key]

  def row(self, name, points, partial, result):
    result = np.asarray(result)
    self.lines.append("\t".join(["row", name, str(points), partial, result.dtype.name, words(result)]))

  def add(self, functions, arguments, orders):
    """`orders`: names of partials, x for the first argument and y for the second; '' is the value."""
    n = self.points(*arguments)
    x = [jnp.asarray(a) for a in arguments]
    for name, f in functions.items():
      for partial in orders(name):
        g = f
        for letter in partial:
          g = along(g, "xy".index(letter))
        self.row(name, n, partial or "-", g(*x))


def tabulate(x64):
  t = Table()
  real, comp, ints = (np.float64, np.complex128, [np.int64, np.uint64]) if x64 else (np.float32, np.complex64, [np.int32, np.int8, np.uint8, np.uint32])
  t.add(one_argument, [unary_points(real)], lambda name: ["", "x", "xx", "xxx"])
  t.add(predicates, [unary_points(real)], lambda name: [""])
  def partials(name):
    if name in values_only:
      return [""]
    if name in first_argument_constant:
      return ["", "y", "yy"]
    return ["", "x", "y"] if name in no_second_derivative else ["", "x", "y", "xx", "xy", "yx", "yy"]
  grid = pairs(binary_points(real))
  series = {name: f for name, f in two_arguments.items() if name in ("igamma", "igammac", "polygamma", "zeta")}
  if x64:     # where a and x are huge and equal the series of igamma does not end in doubles
    points = binary_points(real)
    t.add({name: f for name, f in two_arguments.items() if name not in series}, grid, partials)
    t.add(series, pairs(points[np.isnan(points) | ~(points > 1e20) | np.isinf(points)]), partials)
  else:
    t.add(two_arguments, grid, partials)
  t.add(comparisons, grid, lambda name: [""])
  rows = np.array([[0, -0.0, 0], [1, 1, 0], [2, 3, 3], [-1, -1, -2], [0, 5, 0], [inf, 1, 2], [-inf, 1, 2], [-inf, -inf, -inf], [inf, inf, 0], [nan, 1, 2], [1, nan, 1], [inf, -inf, 0],
                   [1e3, 1e3, -1e3], [100, -100, 0], [0, 0, 0]], real)
  # The derivative along the ones, and along (1, 2, -1), which tells who gets a tie's share.
  for direction, letters in (([1, 1, 1], "x"), ([1, 2, -1], "u")):
    d = jnp.broadcast_to(jnp.asarray(direction, real), rows.shape)
    n = t.points(rows)
    for name, f in row_functions.items():
      first = lambda x: jax.jvp(f, (x,), (d,))[1]
      second = lambda x: jax.jvp(first, (x,), (d,))[1]
      if letters == "x":
        t.row(name, n, "-", f(jnp.asarray(rows)))
      t.row(name, n, letters, first(jnp.asarray(rows)))
      t.row(name, n, letters * 2, second(jnp.asarray(rows)))
  for dtype in ints:
    p = integer_points(dtype)
    t.add({k: f for k, f in integer_one.items() if not (k == "abs" and p.dtype.kind == "u")}, [p], lambda name: [""])
    t.add(integer_two, pairs(p), lambda name: [""])
  z = complex_points(comp)
  t.add(complex_one, [z], lambda name: [""] if name in ("sign", "abs", "real", "imag", "conj") else ["", "x", "xx"])
  few = np.array([complex(a, b) for a in (0.0, -0.0, 1, -2) for b in (0.0, -0.0, 1)], comp)
  t.add(complex_two, pairs(few), lambda name: ["", "x", "y"] if name in ("mul", "divide", "pow") else [""])
  if not x64:
    for half in (np.float16, jnp.bfloat16):
      p = unary_points(half)
      t.add({k: one_argument[k] for k in one_argument if k not in ("bessel_i0e", "bessel_i1e")}, [p], lambda name: ["", "x"])
      t.add({k: two_arguments[k] for k in ("add", "mul", "divide", "rem", "mod", "floor_divide", "maximum", "minimum", "pow", "atan2")},
            pairs(binary_points(half)), lambda name: [""])
  return t.lines


def main():
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
  parser.add_argument("--only", choices=("x32", "x64"))
  options = parser.parse_args()
  out = options.out
  warnings.simplefilter("ignore")
  for x64 in [x for x in (False, True) if options.only in (None, "x64" if x else "x32")]:
    jax.config.update("jax_enable_x64", x64)
    head = f"# JAX {jax.__version__}, CPU, 64-bit types {'on' if x64 else 'off'}; made by make.py"
    (out / f"x{'64' if x64 else '32'}.tsv").write_text("\n".join([head, *tabulate(x64)]) + "\n")


if __name__ == "__main__":
  main()
