"""One formula, two engines: the text of a formula as a kernel that updates flat arrays in place.

`fuse` takes an element-wise formula such as `course_lib.optimizers.adam_step`. With Numba, the formula becomes one
compiled loop: each number is read once, goes through the whole formula in registers, and is written once. Without
Numba, NumPy runs the same formula on blocks that fit into the processor's cache. `compiled` does the same for a
function that is a loop already.

Both engines round every operation alike and give the same bits, so which of them runs is a matter of speed only.
The environment variable ``COURSE_LIB_ENGINE`` chooses: ``numba``, ``numpy``, or nothing for the faster one.
"""

import ast
import inspect
import os
import textwrap
import threading
import zlib
from collections.abc import Callable
from functools import cache, cached_property
from types import ModuleType

__all__ = ["Kernel", "compiled", "engine_name", "fuse"]

BLOCK = (
    8192  # elements of a block of the NumPy engine: the arrays and temporaries of Adam fill a 1 MB cache at most
)
SHARE_FROM = 262_144  # elements from which a second core pays, and the course's own networks never reach


@cache
def _numba() -> ModuleType | None:
    """Return Numba, imported when it is first needed (half a second), or None where NumPy is to do the work."""
    wanted = os.environ.get("COURSE_LIB_ENGINE", "").strip().lower()
    if wanted not in ("", "numba", "numpy"):
        raise ValueError(f"COURSE_LIB_ENGINE must be 'numba', 'numpy' or empty, got {wanted!r}")
    if wanted == "numpy":
        return None
    try:
        import numba
    except ImportError:
        if wanted == "numba":
            raise
        return None
    return numba


def engine_name() -> str:
    """Return the name of the engine in use, ``"numba"`` or ``"numpy"``.

    Raises
    ------
    ValueError, ImportError
        If ``COURSE_LIB_ENGINE`` names neither, or Numba where there is none.
    """
    return "numba" if _numba() else "numpy"


def _njit(function: Callable, *, parallel: bool = False) -> Callable:
    """Compile `function` for the types of its first call; without fast-math, so that results are NumPy's bits."""
    options = {"nogil": True, "error_model": "numpy", "parallel": parallel}
    try:
        return _numba().njit(cache=True, **options)(function)
    except RuntimeError:  # no folder to keep the machine code in: every process compiles for itself
        return _numba().njit(**options)(function)


def compiled(function: Callable) -> Callable | None:
    """Return `function`, a loop over arrays, compiled by Numba, or None where NumPy is to do the work.

    The code is compiled at the first call and kept on disk, beside the source or in the user's cache.
    """
    return _njit(function) if _numba() else None


# ---------------------------------------------------------------------------------------------------------
# Formulas


class Kernel:
    """A formula that updates arrays in place, made by `fuse`."""

    def __init__(self, formula: Callable):
        self.formula = formula

    @cached_property
    def apply(self) -> Callable:
        """The formula's function, which changes its arrays instead of returning new ones.

        It takes the formula's arguments. The arrays must be one-dimensional, of one length and one dtype, float32
        or float64; the second, the gradient, is only read. The first call compiles. It raises ``ValueError`` where
        an array differs from the first in shape or dtype.
        """
        return _in_blocks(self.formula) if _numba() is None else _Formula(self.formula).compiled()


def _check_alike(names: list[str], arrays: list) -> None:
    first, *others = arrays
    for name, other in zip(names[1:], others, strict=True):
        if other.shape != first.shape or other.dtype != first.dtype:
            raise ValueError(
                f"{name} must have shape {first.shape} and dtype {first.dtype}, as {names[0]} has, "
                f"got {other.shape} and {other.dtype}"
            )


def _array_names(formula: Callable) -> list[str]:
    parameters = inspect.signature(formula).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "t"]


def _in_blocks(formula: Callable) -> Callable:
    """Return the formula as NumPy computes it, on as many elements at a time as the cache holds."""
    names = _array_names(formula)

    def apply(*arguments, **constants):
        arrays, step = arguments[: len(names)], arguments[len(names) :]
        _check_alike(names, arrays)
        for start in range(0, len(arrays[0]), BLOCK):
            block = [array[start : start + BLOCK] for array in arrays]
            new = formula(*block, *step, **constants)
            for old, values in zip([block[0], *block[2:]], new if type(new) is tuple else (new,), strict=True):
                old[...] = values

    return apply


# Numba's threads serve one caller at a time, and do not survive a fork: whoever comes second, and every forked
# child, computes alone. (A lock that is never released again is how a child is told.)
_sharing = threading.Lock()


def _compute_alone():
    _sharing.acquire(blocking=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_compute_alone)


def fuse(formula: Callable) -> Kernel:
    """Make a kernel that applies an element-wise formula in place.

    Parameters
    ----------
    formula : callable
        ``formula(w, dw, *state, t, *, lr, …)``: arrays first (the values to update, their gradient, the state),
        then, if it needs it, the step ``t``; numbers are keyword-only. It consists of assignments and one
        ``return``, of the new values and the new state in their order.

    Returns
    -------
    Kernel
        Its `apply` takes the same arguments, changes the arrays in place and allocates nothing of their size.

    Raises
    ------
    TypeError
        At the first call, if the formula does anything but assign and return.

    Notes
    -----
    What depends on numbers alone, such as ``1 - beta1**t``, is computed once, in Python's double precision, and
    then rounded to the arrays' dtype. NumPy does the same (NEP 50), so the results are equal to the last bit, and
    float32 stays float32.
    """
    return Kernel(formula)


class _Formula:
    """A formula taken apart: `numbers`, computed once a call, and lines to compute for each element."""

    def __init__(self, formula: Callable):
        self.formula = formula
        self.arrays = _array_names(formula)
        *body, last = ast.parse(textwrap.dedent(inspect.getsource(formula))).body[0].body
        body = [line for line in body if not _is_docstring(line)]
        if not all(isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name) for line in body):
            raise TypeError(f"fuse: {formula.__name__} must consist of assignments to names and one return")
        if not isinstance(last, ast.Return) or last.value is None:
            raise TypeError(f"fuse: {formula.__name__} must end by returning its results")
        hoist = _Hoist({*inspect.signature(formula).parameters} - {*self.arrays})
        self.number_lines, self.element_lines = [], []
        for line in body:
            name = line.targets[0].id
            if name in hoist.known:
                raise TypeError(f"fuse: {formula.__name__} may not assign to the number {name!r} again")
            if hoist.is_number(line.value):  # such as c = 1 - beta1**t: from here on c is a number too
                hoist.known.add(name)
                self.number_lines.append(ast.unparse(line))
            else:
                self.element_lines.append(f"{name} = {ast.unparse(hoist.visit(line.value))}")
        results = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
        self.results = [ast.unparse(hoist.visit(result)) for result in results]
        self.numbers = hoist.numbers

    def compiled(self) -> Callable:
        """Return the function that computes the numbers in Python and hands them to the compiled loop."""
        first, *others = self.arrays
        arrays, numbers = ", ".join(self.arrays), ", ".join(self.numbers.values())
        different = [f"len({name}) != len({first}) or {name}.dtype is not {first}.dtype" for name in others]
        lines = [
            f"if {' or '.join(different)}:",
            f"    check_alike({self.arrays}, [{arrays}])",
            *self.number_lines,
            f"if len({first}) < {SHARE_FROM} or not sharing.acquire(blocking=False):",
            f"    loop({arrays}, {numbers})",
            "else:",
            "    try:",
            f"        shared_loop({arrays}, {numbers})",
            "    finally:",
            "        sharing.release()",
        ]
        known = {
            "check_alike": _check_alike,
            "sharing": _sharing,
            "loop": _njit(self.loop("range", range)),
            "shared_loop": _njit(self.loop("prange", _numba().prange), parallel=True),
        }
        return self._make("apply", str(inspect.signature(self.formula)), lines, known)

    def loop(self, range_name: str, range_function: Callable) -> Callable:
        """Return the loop over all elements, to be compiled: a function of the arrays and the numbers."""
        changed = [self.arrays[0], *self.arrays[2:]]
        lines = [f"{name} = {self.arrays[0]}_.dtype.type({name})" for name in self.numbers]
        lines.append(f"for i in {range_name}({self.arrays[0]}_.size):")
        element = [f"{name} = {name}_[i]" for name in self.arrays] + self.element_lines
        element += [f"new_{name} = {result}" for name, result in zip(changed, self.results, strict=True)]
        element += [f"{name}_[i] = new_{name}" for name in changed]
        lines += [f"    {line}" for line in element]
        names = [*(f"{name}_" for name in self.arrays), *self.numbers]
        return self._make(self.formula.__name__, f"({', '.join(names)})", lines, {range_name: range_function})

    def _make(self, name: str, signature: str, lines: list[str], known: dict) -> Callable:
        """Define a function as if it stood in the formula's file, beside which Numba then keeps its machine code.

        Its name carries a hash of its text, because Numba itself does not look at names and constants.
        """
        name = f"{name}_{zlib.crc32(repr(lines).encode()):08x}"
        namespace = self.formula.__globals__ | known
        text = f"def {name}{signature}:\n    " + "\n    ".join(lines)
        exec(compile(text, self.formula.__code__.co_filename, "exec"), namespace)
        return namespace[name]


def _is_docstring(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


class _Hoist(ast.NodeTransformer):
    """Replace each largest expression of numbers alone by a name, and keep the expressions in `numbers`."""

    def __init__(self, known: set[str]):
        self.known = known
        self.numbers: dict[str, str] = {}

    def is_number(self, node: ast.expr) -> bool:
        """Whether an expression needs no array."""
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - {"np"}
        return names <= self.known

    def visit(self, node):
        """Replace `node`, or what is inside it."""
        if not isinstance(node, ast.expr) or isinstance(node, ast.Attribute):
            return node  # np.sqrt
        if self.is_number(node):
            text = ast.unparse(node)
            same = [name for name, number in self.numbers.items() if number == text]
            name = same[0] if same else f"number_{len(self.numbers)}"
            self.numbers[name] = text
            return ast.Name(name, ast.Load())
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant):
            node.left = self.visit(node.left)  # dw**2: a whole exponent stays, it becomes a product
            return node
        return super().generic_visit(node)
