"""What the text of a function shows without running it: facts that bear out a suspicion and give the line."""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from course_lib.slips import Text

__all__ = ["Fact", "defaults_of", "facts", "numbers_in", "own_text"]

MOST_TEXT = 20_000  # characters of an answer that are taken apart

LOST = {"sort", "reverse", "append", "extend", "insert", "remove", "shuffle", "update", "fill"}  # give None back
PURE = {
    "sqrt",
    "abs",
    "exp",
    "log",
    "sum",
    "mean",
    "maximum",
    "minimum",
    "clip",
    "astype",
    "copy",
    "reshape",
    "ravel",
}
PURE |= {"concatenate", "transpose", "round", "append", "where", "sorted", "reversed", "zeros", "array", "flatten"}


@dataclass(frozen=True)
class Fact:
    """One thing that a text shows.

    Attributes
    ----------
    kind : str
        What sort of thing it is.
    line : int
        The line of the text, from 1.
    text : str
        The sentence to say; it follows "In line 3: ".
    sure : bool
        Whether it is a mistake wherever it stands (not only where results are wrong in the way it would explain).
    """

    kind: str
    line: int
    text: str
    sure: bool


def own_text(function: Any) -> tuple[Text | None, int]:
    """Return the text of a function or class, if there is one to be taken apart, and its first line."""
    names = getattr(function, "__globals__", None)
    if isinstance(function, type):
        methods = [member for member in vars(function).values() if inspect.isfunction(member)]
        names = methods[0].__globals__ if methods else None
    if names is None or getattr(function, "__closure__", None):
        return None, 1
    try:
        lines, first = inspect.getsourcelines(function)
        source = "".join(lines)
        return (Text(source, names) if len(source) <= MOST_TEXT else None), max(first, 1)
    except (OSError, TypeError, SyntaxError, ValueError, RecursionError, MemoryError, IndexError):
        return None, 1  # typed in another way, or not Python's


def defaults_of(function: Any) -> dict[str, Any]:
    """Return the defaults of a function's parameters."""
    if not inspect.isfunction(function):
        return {}
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def numbers_in(tree: ast.AST) -> list[float]:
    """Return the numbers that stand in a text, its documentation included."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += [float(n) for n in re.findall(r"(?<![\w.])\d+\.?\d*(?:e-?\d+)?(?![\w.])", node.value)[:40]]
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            found.append(node.value)
    return list(dict.fromkeys(found))


def facts(tree: ast.Module, needed: tuple[str, ...] = ()) -> list[Fact]:
    """Return the facts of a function's or class's text.

    Parameters
    ----------
    tree : ast.Module
        The text, parsed.
    needed : tuple of str
        The parameters that a right answer reads.
    """
    found = []
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            found += [*_names(function, needed), *_statements(function)]
        elif isinstance(function, ast.ClassDef):
            found += _shared_by_objects(function)
    found += _expressions(tree)
    return sorted(found, key=lambda fact: not fact.sure)


def _shared_by_objects(cls: ast.ClassDef) -> Iterator[Fact]:
    for node in ast.walk(cls):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            owner = ast.unparse(node.value)
            if owner in (cls.name, "cls", "type(self)", "self.__class__"):
                text = (
                    f"`{owner}.{node.attr}` belongs to the class, and all objects share it; `self` is one's own."
                )
                yield Fact("state in the class", node.lineno, text, True)


def _arguments(function) -> list[ast.arg]:
    given = function.args
    return [*given.posonlyargs, *given.args, *given.kwonlyargs]


def _names(function: ast.FunctionDef, needed) -> Iterator[Fact]:
    names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
    read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    for place, argument in enumerate(_arguments(function)):
        name = argument.arg
        wanted = name in needed or (place < len(needed) and name != "self")
        if wanted and name not in read:
            yield Fact("never read", function.lineno, f"`{name}` is never used in your code.", True)
        first = next((n for n in names if n.id == name), None)
        if first is not None and isinstance(first.ctx, ast.Store):
            statement = _statement_of(function, first)
            if isinstance(statement, ast.Assign) and not any(
                isinstance(n, ast.Name) and n.id == name for n in ast.walk(statement.value)
            ):
                text = f"`{ast.unparse(statement)}` puts something else in the place of the argument `{name}`."
                yield Fact("argument lost", statement.lineno, text, True)
    for default in filter(None, [*function.args.defaults, *function.args.kw_defaults]):
        if isinstance(default, ast.List | ast.Dict | ast.Set | ast.ListComp):
            text = "a list or dictionary as a default is made once and shared by all calls."
            yield Fact("shared default", default.lineno, text, True)
    stores = {}
    for node in names:
        if isinstance(node.ctx, ast.Store):
            stores.setdefault(node.id, node)
    for name, node in stores.items():
        if name not in read and not name.startswith("_"):
            statement = _statement_of(function, node)
            targets = getattr(statement, "targets", [])
            if isinstance(statement, ast.Assign) and isinstance(targets[0], ast.Name):
                text = f"`{name}` is computed and not used afterwards."
                yield Fact("not used", statement.lineno, text, True)


def _statement_of(function, node) -> ast.stmt | None:
    found = None
    for statement in ast.walk(function):
        if (
            isinstance(statement, ast.stmt)
            and statement is not function
            and any(n is node for n in ast.walk(statement))
        ):
            found = statement  # ast.walk goes from the outside in
    return found


def _statements(function: ast.FunctionDef) -> Iterator[Fact]:
    for node in ast.walk(function):
        match node:
            case ast.For(body=body) | ast.While(body=body) if any(isinstance(s, ast.Return) for s in body):
                line = next(s.lineno for s in body if isinstance(s, ast.Return))
                text = "`return` stands inside the loop, so the function ends in its first turn."
                yield Fact("return in the loop", line, text, True)
            case ast.Expr(ast.Compare()):
                text = f"`{ast.unparse(node)}` compares and does nothing with the answer; `=` assigns."
                yield Fact("compares", node.lineno, text, True)
            case ast.Expr(ast.BinOp() | ast.Name() | ast.Subscript()):
                text = f"`{ast.unparse(node)}` is computed and then lost: nothing takes the result."
                yield Fact("result lost", node.lineno, text, True)
            case ast.Expr(ast.Call(ast.Attribute(attr=name) | ast.Name(id=name))) if name in PURE:
                appends_to_list = name in ("append", "copy") and not _is_numpy(node.value.func)
                if not appends_to_list and not any(k.arg == "out" for k in node.value.keywords):
                    text = f"the result of `{ast.unparse(node)}` is lost: nothing takes it."
                    yield Fact("result lost", node.lineno, text, True)
            case ast.Assign(value=ast.Call(ast.Attribute(attr=name))) if name in LOST:
                if not _is_numpy(node.value.func):
                    text = f"`.{name}()` changes its object and gives back `None`, and that is what is kept."
                    yield Fact("keeps None", node.lineno, text, True)
            case ast.Return(ast.Call(ast.Attribute(attr=name))) if name in LOST and not _is_numpy(node.value.func):
                text = f"`.{name}()` changes its object and gives back `None`."
                yield Fact("keeps None", node.lineno, text, True)
            case ast.While(test, body):
                tested = {n.id for n in ast.walk(test) if isinstance(n, ast.Name)}
                inside = [n for s in body for n in ast.walk(s)]
                changed = {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
                changed |= {
                    n.value.id for n in inside if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
                }
                leaves = any(isinstance(n, ast.Break | ast.Return | ast.Raise) for n in inside)
                if tested and not leaves and not tested & changed:
                    text = f"nothing inside `while {ast.unparse(test)}` changes what it asks for."
                    yield Fact("endless", node.lineno, text, True)
            case ast.Global(names) | ast.Nonlocal(names):
                text = f"`{', '.join(names)}` lives outside the function and keeps its value from call to call."
                yield Fact("global", node.lineno, text, False)


def _is_numpy(function) -> bool:
    return (
        isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "np"
    )


def _expressions(tree: ast.Module) -> Iterator[Fact]:
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(op=ast.BitXor()):
                text = f"`{ast.unparse(node)}`: `^` is not a power in Python; `**` is."
                yield Fact("xor", node.lineno, text, True)
            case ast.Attribute(ast.Name("np"), "random") if _draws(tree, node):
                text = "`np.random` draws from a source that all programs share, not from `rng`."
                yield Fact("global source", node.lineno, text, False)
            case ast.Call(ast.Attribute(attr="default_rng")):
                text = f"`{ast.unparse(node)}` makes a generator of your own; the caller's is `rng`."
                yield Fact("own generator", node.lineno, text, False)
            case ast.Call(
                ast.Attribute(attr="zeros_like" | "empty_like" | "full_like" | "ones_like"), [model, *_]
            ):
                if not any(k.arg == "dtype" for k in node.keywords):
                    text = f"`{ast.unparse(node)}` has the dtype of `{ast.unparse(model)}`: int if that is."
                    yield Fact("dtype of its model", node.lineno, text, False)
            case ast.Attribute(value, "dtype"):
                text = f"`{ast.unparse(node)}` is int if `{ast.unparse(value)}` holds whole numbers."
                yield Fact("dtype of its model", node.lineno, text, False)
            case ast.Call(ast.Name("int")) | ast.Call(ast.Attribute(attr="astype"), [ast.Name("int")]):
                yield Fact("cut", node.lineno, f"`{ast.unparse(node)}` cuts to whole numbers.", False)
            case ast.Call(ast.Name("round") | ast.Attribute(attr="round" | "around" | "rint")):
                yield Fact("rounded", node.lineno, f"`{ast.unparse(node)}` rounds.", False)
            case ast.Call(ast.Name("set") | ast.Attribute(attr="unique")):
                text = f"`{ast.unparse(node)}` keeps each value once, in another order."
                yield Fact("made unique", node.lineno, text, False)
            case ast.Call(ast.Attribute(attr="log10" | "log2")):
                yield Fact("logarithm", node.lineno, f"`{ast.unparse(node)}` is not the natural logarithm.", False)


def _draws(tree, node) -> bool:
    """Whether ``np.random`` is used to draw, and not to make a generator."""
    for parent in ast.walk(tree):
        if isinstance(parent, ast.Attribute) and parent.value is node:
            return parent.attr not in ("default_rng", "Generator", "PCG64", "SeedSequence")
    return False
