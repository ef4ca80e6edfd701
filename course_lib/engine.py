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
import itertools
import os
import textwrap
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from types import ModuleType

import numpy as np

__all__ = ["Kernel", "compiled", "engine_name", "fuse"]

BLOCK = 2**19  # bytes: a block of the NumPy engine fits into the cache, and is large beside the cost of a call
SHARE_FROM = 262_144  # elements from which a second core pays; the course's own networks never reach it
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
        formula = _Formula(self.formula)
        return formula.in_blocks() if _numba() is None else formula.compiled()


def _check_alike(names: list[str], arrays: list) -> None:
    first, *others = arrays
    for name, other in zip(names[1:], others, strict=True):
        if other.shape != first.shape or other.dtype != first.dtype:
            raise ValueError(
                f"{name} must have shape {first.shape} and dtype {first.dtype}, as {names[0]} has, "
                f"got {other.shape} and {other.dtype}"
            )


# Threads serve one caller at a time, and do not survive a fork: whoever comes second, and every forked child,
# computes alone. (A lock that is never released again is how a child is told.)
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
        parameters = inspect.signature(formula).parameters.values()
        self.arrays = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "t"]
        self.changed = [self.arrays[0], *self.arrays[2:]]
        *body, last = ast.parse(textwrap.dedent(inspect.getsource(formula))).body[0].body
        body = [line for line in body if not _is_docstring(line)]
        if not all(isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name) for line in body):
            raise TypeError(f"fuse: {formula.__name__} must consist of assignments to names and one return")
        if not isinstance(last, ast.Return) or last.value is None:
            raise TypeError(f"fuse: {formula.__name__} must end by returning its results")
        hoist = _Hoist({p.name for p in parameters} - {*self.arrays})
        self.number_lines, self.element_lines = [], []
        for line in body:
            name = line.targets[0].id
            if name in hoist.known:
                raise TypeError(f"fuse: {formula.__name__} may not assign to the number {name!r} again")
            if hoist.is_number(line.value):  # such as c = 1 - beta1**t: from here on c is a number too
                hoist.known.add(name)
                self.number_lines.append(ast.unparse(line))
            else:
                self.element_lines.append((name, hoist.visit(line.value)))
        results = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
        self.results = [hoist.visit(result) for result in results]
        self.numbers = hoist.numbers

    def compiled(self) -> Callable:
        """Return the function that computes the numbers in Python and hands them to a compiled loop."""
        return self._apply(_njit(self.loop("range")), _njit(self.loop("prange"), parallel=True))

    def in_blocks(self) -> Callable:
        """Return the function that computes the numbers in Python and the rest in NumPy, block by block."""
        block, n_scratch = self.block()
        return self._apply(*_block_loops(block, len(self.arrays), n_scratch))

    def _apply(self, loop: Callable, shared_loop: Callable) -> Callable:
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
        known = {"check_alike": _check_alike, "sharing": _sharing, "loop": loop, "shared_loop": shared_loop}
        return self._make("apply", str(inspect.signature(self.formula)), lines, known)

    def loop(self, range_name: str) -> Callable:
        """Return the loop over all elements, to be compiled: a function of the arrays and the numbers."""
        first = self.arrays[0]
        element = [f"{name} = {name}_[i]" for name in self.arrays]
        element += [f"{name} = {ast.unparse(value)}" for name, value in self.element_lines]
        element += [
            f"new_{n} = {ast.unparse(result)}" for n, result in zip(self.changed, self.results, strict=True)
        ]
        element += [f"{name}_[i] = new_{name}" for name in self.changed]
        lines = [f"{name} = {first}_.dtype.type({name})" for name in self.numbers]
        lines += [f"for i in {range_name}({first}_.size):", *(f"    {line}" for line in element)]
        names = [*(f"{name}_" for name in self.arrays), *self.numbers]
        file = self.formula.__code__.co_filename  # beside it Numba keeps its machine code
        return self._make(
            self.formula.__name__, f"({', '.join(names)})", lines, {"prange": _numba().prange}, filename=file
        )

    def block(self) -> tuple[Callable, int]:
        """Return the formula as calls of NumPy's functions that write into given arrays, and how many it needs.

        It is a function of the arrays, the numbers and so many arrays to work in.
        """
        program = _Program()
        final = dict(zip(self.changed, self.results, strict=True))
        for name, value in self.element_lines:
            # The old state is out of reach from here on, so the new one may take its place at once.
            in_place = name in final and ast.unparse(final[name]) == name
            program.assign(name, value, out=f"{name}_" if in_place else None)
        waiting = []
        while final:
            name, result = final.popitem()
            if ast.unparse(result) == name:
                continue  # it is in its place
            if any(name in _names(other) for other in final.values()):
                waiting.append(f"{name}_[...] = {program.compute(result)}")
            else:
                program.assign(name, result, out=f"{name}_")
        lines = [*(f"{name} = {name}_" for name in self.arrays), *program.lines, *waiting]
        names = [*(f"{name}_" for name in self.arrays), *self.numbers, *program.scratch]
        return self._make(self.formula.__name__, f"({', '.join(names)})", lines, {}), len(program.scratch)

    def _make(self, name: str, signature: str, lines: list[str], known: dict, filename: str = "") -> Callable:
        """Define a function; its name carries a hash of its text.

        The hash is for Numba's cache, which looks at neither names nor constants.
        """
        name = f"{name}_{zlib.crc32(repr(lines).encode()):08x}"
        namespace = self.formula.__globals__ | known
        text = f"def {name}{signature}:\n    " + "\n    ".join(lines)
        exec(compile(text, filename or f"<{name}>", "exec"), namespace)
        return namespace[name]


UFUNCS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power"}


class _Program:
    """Lines such as ``np.add(a, b, out=c)`` in place of nested expressions."""

    def __init__(self):
        self.lines: list[str] = []
        self.scratch: list[str] = []  # arrays to work in
        self.free: list[str] = []  # those of them that hold nothing needed

    def assign(self, name: str, value: ast.expr, *, out: str | None = None) -> None:
        """Compute `value` and call it `name`; in the array `out`, or in one that it keeps."""
        if isinstance(value, ast.Name):
            out = out or self._take()
            self.lines.append(f"np.copyto({out}, {value.id})")
        self.lines.append(f"{name} = {out if isinstance(value, ast.Name) else self.compute(value, out)}")

    def compute(self, node: ast.expr, out: str | None = None) -> str:
        """Append the calls for an expression, the last one into `out`; return the name of what holds it."""
        if isinstance(node, ast.BinOp):
            square = isinstance(node.op, ast.Pow) and ast.unparse(node.right) == "2"
            function = "np.square" if square else f"np.{UFUNCS[type(node.op)]}"
            operands = [node.left] if square else [node.left, node.right]
        elif isinstance(node, ast.UnaryOp):
            function, operands = "np.negative", [node.operand]
        elif isinstance(node, ast.Call):
            function, operands = ast.unparse(node.func), node.args
        else:
            return ast.unparse(node)  # a name, or the exponent of a power
        names = [self.compute(operand) for operand in operands]
        for operand, name in zip(operands, names, strict=True):
            if not isinstance(operand, ast.Name | ast.Constant) and name not in self.free:
                self.free.append(name)
        out = out or self._take()
        self.lines.append(f"{function}({', '.join(names)}, out={out})")
        return out

    def _take(self) -> str:
        if not self.free:
            self.scratch.append(f"scratch_{len(self.scratch)}")
            self.free.append(self.scratch[-1])
        return self.free.pop()


def _names(node: ast.expr) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _block_loops(block: Callable, n_arrays: int, n_scratch: int) -> tuple[Callable, Callable]:
    """Return `block` applied to whole arrays, by one thread and by several."""
    kept = threading.local()

    def scratch(dtype):
        arrays = vars(kept).get(dtype.char)
        if arrays is None:
            arrays = vars(kept)[dtype.char] = [np.empty(BLOCK // dtype.itemsize, dtype) for _ in range(n_scratch)]
        return arrays

    def loop(*arguments):
        arrays, numbers = arguments[:n_arrays], arguments[n_arrays:]
        spare, size = scratch(arrays[0].dtype), len(arrays[0])
        step = BLOCK // arrays[0].dtype.itemsize
        for start in range(0, size, step):
            stop = min(start + step, size)
            block(*[a[start:stop] for a in arrays], *numbers, *[a[: stop - start] for a in spare])

    def shared_loop(*arguments):
        arrays, numbers = arguments[:n_arrays], arguments[n_arrays:]
        cuts = [len(arrays[0]) * i // CORES for i in range(CORES + 1)]
        parts = [[a[start:stop] for a in arrays] for start, stop in itertools.pairwise(cuts)]
        for _ in _threads().map(lambda part: loop(*part, *numbers), parts):
            pass  # what a thread raises is raised here

    return loop, shared_loop


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CORES)


def _is_docstring(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


class _Hoist(ast.NodeTransformer):
    """Replace each largest expression of numbers alone by a name, and keep the expressions in `numbers`."""

    def __init__(self, known: set[str]):
        self.known = known
        self.numbers: dict[str, str] = {}

    def is_number(self, node: ast.expr) -> bool:
        """Whether an expression needs no array."""
        return _names(node) - {"np"} <= self.known

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
