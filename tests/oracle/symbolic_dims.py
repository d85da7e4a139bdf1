"""Draws texts, arithmetic, comparisons and constraints of symbolic dimensions, and writes what real JAX answers: cases as
in tests/golden/jax/symbolic_dims.json.

  symbolic_dims.py --out FILE [--seed N] [--count M]
"""
import argparse
import json
import random
import re

import jax
from jax import core, export
from jax._src.export import shape_poly

NAMES = "abc"
PLEASE = re.compile(r"scope \d+ created at [^\n]*?(?= with|\n|$)")


def number(d):
    return str(d.choice([0, 1, 2, 3, 4, 5, 7, 8, 12, 100]))


def monomial(d):
    return "*".join(d.choice([d.choice(NAMES), d.choice(NAMES), number(d), f"{d.choice(NAMES)}^{d.randint(0, 3)}", call(d, 0)])
                    if d.random() < 0.35 else d.choice(NAMES) for _ in range(d.choice([1, 1, 1, 2, 2, 3])))


def call(d, depth):
    op = d.choice(["floordiv", "mod", "max", "min"])
    inner = (lambda: text(d, depth - 1)) if depth > 0 else (lambda: d.choice([d.choice(NAMES), str(d.randint(1, 9))]))
    second = str(d.randint(1, 9)) if op in ("floordiv", "mod") and d.random() < 0.8 else inner()
    return f"{op}({inner()}, {second})"


def text(d, depth=1):
    parts = []
    for i in range(d.choice([1, 1, 2, 2, 3])):
        term = d.choice([monomial(d), f"{d.randint(1, 9)}*{monomial(d)}", number(d), d.choice(NAMES)])
        if depth > 0 and d.random() < 0.15:
            term = call(d, depth)
        parts.append((d.choice(["", "", "-"]) if i == 0 else d.choice([" + ", " - "])) + term)
    return "".join(parts)


def outcome(f):
    """{"result": …} or {"error": …} of a call."""
    try:
        return {"result": answer(f())}
    except Exception as e:  # whatever JAX raises is the record
        return {"error": {"type": type(e).__name__, "message": PLEASE.sub("scope <scope>", str(e))}}


def answer(x):
    if isinstance(x, tuple):
        return [answer(y) for y in x]
    if isinstance(x, bool):
        return {"kind": "bool", "value": x}
    if isinstance(x, int):
        return {"kind": "int", "value": x}
    return {"kind": "dim", "value": str(x)}


def dims(constraints=()):
    return dict(zip(NAMES, export.symbolic_shape(", ".join(NAMES), constraints=constraints)))


OPERATORS = {"+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "//": lambda x, y: x // y,
             "%": lambda x, y: x % y, "==": lambda x, y: x == y, "!=": lambda x, y: x != y, "<": lambda x, y: x < y,
             "<=": lambda x, y: x <= y, ">": lambda x, y: x > y, ">=": lambda x, y: x >= y,
             "max": core.max_dim, "min": core.min_dim}


def damaged(d, s):
    i = d.randint(0, len(s))
    return s[:i] + d.choice(["", "", ",", "+", "-", "*", "^", "(", ")", "%", "//", ".", "'", " ", "x", "1", "_", "..."]) + s[i + d.randint(0, 1):]


def parse(d):
    spec = ", ".join(text(d) for _ in range(d.choice([1, 1, 2, 3])))
    if d.random() < 0.3:
        spec = f"({spec})"
    if d.random() < 0.4:
        spec = damaged(d, spec)
    return {"kind": "parse", "spec": spec} | outcome(lambda: export.symbolic_shape(spec))


def parse_like(d):
    parts = [d.choice(["_", "_", d.choice(NAMES), number(d), text(d, 0)]) for _ in range(d.randint(0, 3))]
    if d.random() < 0.4:
        parts.append("...")
    spec, like = ", ".join(parts), [d.choice([None, 1, 2, 3, 4, 8]) for _ in range(d.randint(0, 4))]
    if d.random() < 0.5:
        spec = f"({spec})"
    return {"kind": "parse_like", "spec": spec, "like": like} | outcome(lambda: export.symbolic_shape(spec, like=tuple(like)))


def binary(d):
    left, right, op = text(d), text(d), d.choice(list(OPERATORS))

    def run():
        scope = export.SymbolicScope()
        (x,), (y,) = (export.symbolic_shape(t, scope=scope) for t in (left, right))
        return OPERATORS[op](x, y)
    return {"kind": "binary", "left": left, "op": op, "right": right} | outcome(run)


def constraint(d):
    if d.random() < 0.25:
        name = d.choice(NAMES)
        left = d.choice([name, f"mod({name}, {d.randint(2, 5)})", f"{d.randint(2, 4)}*{name}", f"floordiv({name}, 2)"])
        right = "0" if left.startswith("mod") else d.choice([number(d), f"{d.randint(1, 4)}*{d.choice(NAMES.replace(name, ''))}"])
        return f"{left} == {right}"
    side = lambda: d.choice([d.choice(NAMES), d.choice(NAMES), number(d), text(d, 0), f"{d.randint(2, 5)}*{d.choice(NAMES)}"])
    return f"{side()} {d.choice(['>=', '<='])} {side()}"


def constrained(d):
    constraints = [constraint(d) for _ in range(d.choice([1, 1, 2, 3]))]
    side = lambda: d.choice([d.choice(NAMES), number(d), text(d, 0)])
    expr = d.choice([lambda: f"{side()} {d.choice(['>=', '<=', '==', '<', '>'])} {side()}", side,
                     lambda: f"max({side()}, {side()})", lambda: f"min({side()}, {side()})",
                     lambda: f"mod({side()}, {d.randint(2, 5)})", lambda: f"floordiv({side()}, {d.randint(2, 5)})"])()

    def run():
        known = dims(constraints) | {"max": core.max_dim, "min": core.min_dim, "mod": lambda x, y: x % y,
                                     "floordiv": lambda x, y: x // y}
        return eval(expr.replace("^", "**"), {}, known)
    return {"kind": "constrained", "constraints": constraints, "expr": expr} | outcome(run)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=200, help="of each kind")
    args = parser.parse_args()
    cases = []
    for make in (parse, parse_like, binary, constrained):
        for i in range(args.count):
            c = make(random.Random(f"{args.seed} {make.__name__} {i}"))
            shown = [str(c[k]) for k in ("spec", "like", "constraints", "left", "op", "right", "expr") if k in c]
            cases.append({"name": f"{i}:{c['kind']}:" + ":".join(shown)} | c)
    with open(args.out, "w") as f:
        json.dump({"family": "symbolic_dims", "count": len(cases), "cases": cases}, f, indent=1)
    print(f"{len(cases)} cases, {sum('error' in c for c in cases)} of them errors")


if __name__ == "__main__":
    main()
