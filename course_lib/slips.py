"""What one slip makes of a function: variants of its text that differ in one place.

Of a reference they are *mutants*: the mistakes that one slip makes. Cases must tell them apart, and an answer
that behaves like one is told that slip. Of a learner's text they are *repairs*: a variant that is right shows
where it went wrong.
"""

import ast
import builtins
import itertools
import re
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Endless", "Slip", "Text", "ingredients", "mutants", "repairs", "twins", "with_names_put_in"]

MOST_TURNS = 20_000  # of all loops of a variant in one run: more has no end
TICK = "__turn__"

SWAPS = {  # what stands for what, by a slip
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult, ast.FloorDiv],
    ast.FloorDiv: [ast.Div],
    ast.Pow: [ast.Mult],
    ast.Mod: [ast.FloorDiv],
    ast.MatMult: [ast.Mult],
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
}
FUNCTIONS = {  # functions and methods that are taken for each other
    "sum": ["mean", "max"],
    "mean": ["sum", "median"],
    "median": ["mean"],
    "max": ["min", "sum"],
    "min": ["max"],
    "maximum": ["minimum"],
    "minimum": ["maximum"],
    "argmax": ["argmin"],
    "argmin": ["argmax"],
    "nanargmin": ["argmin", "nanargmax"],
    "ceil": ["floor", "round"],
    "floor": ["ceil", "round"],
    "round": ["floor", "ceil"],
    "log": ["log10", "log2"],
    "log10": ["log"],
    "log1p": ["log"],
    "expm1": ["exp"],
    "sqrt": ["square"],
    "sin": ["cos"],
    "cos": ["sin"],
    "std": ["var"],
    "var": ["std"],
    "zeros": ["ones"],
    "ones": ["zeros"],
    "zeros_like": ["ones_like"],
    "ones_like": ["zeros_like"],
    "any": ["all"],
    "all": ["any"],
    "append": ["insert"],
    "cumsum": ["cumprod"],
    "cumprod": ["cumsum"],
    "eigvalsh": ["eigvals"],
    "permutation": ["choice"],
    "standard_normal": ["random"],
    "inf": ["nan"],
}
UNWRAPPED = {"sqrt", "abs", "exp", "log", "log1p", "ceil", "floor", "round", "square", "int", "float", "sorted"}
UNWRAPPED |= {"reversed", "mean", "sum", "max", "cumsum"}
WRAPPERS = (
    "np.asarray({}, dtype=float)",
    "np.sqrt({})",
    "({})**2",
    "-({})",
    "1 - ({})",
    "np.abs({})",
    "1 / ({})",
    "({}).copy()",
    "({}) + 1",
)
WRAPPERS += ("({}) - 1", "int({})", "({}).T", "np.array({})", "({}) * 2")
WRAPPERS += ("({}) / 2", "np.sum({})", "np.mean({})", "np.exp({})", "np.log({})", "list({})", "len({})")
PLACES = ast.BinOp | ast.Call | ast.Name | ast.Constant | ast.Subscript | ast.UnaryOp | ast.Attribute


class Endless(RuntimeError):
    """Raised in a variant whose loops do not end."""


@dataclass
class Slip:
    """One slip, and how to make it and take it back.

    Attributes
    ----------
    kind : str
        What sort of slip it is; the words for it are `course_lib.diagnosing`'s.
    line : int
        The line of the text, from 1.
    before, after : str
        The piece of the text, and what stands there instead.
    changes : list of (parent, field, index, new)
        What changes in the tree.
    within : str
        The first line of the statement that the piece stands in.
    lost : str
        In words, what a slip leaves out: "the factor `1 - beta`".
    """

    kind: str
    line: int
    before: str
    after: str
    changes: list[tuple[ast.AST, str, int | None, Any]] = field(repr=False)
    within: str = ""
    lost: str = ""

    @property
    def pattern(self) -> tuple[str, str]:
        """What slips at other places of the text have in common with this one, if they are the same slip again."""
        before, after = (re.findall(r"\w+|\S", text) for text in (self.before, self.after))
        start = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
        start = min(len(before), len(after)) if start is None else start
        end = 0
        while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
            end += 1
        pieces = before[start : len(before) - end], after[start : len(after) - end]
        if self.kind == "old value":
            return self.kind, ""
        if self.kind == "name":  # v for v_hat and s for s_hat are one slip
            old, new = self.before, self.after
            kept = new.removeprefix(old) if new.startswith(old) else old.removeprefix(new)
            return self.kind, kept if kept not in (old, new) else f"{old} {new}"
        return self.kind, re.sub(r"(?<=[a-z])\d", "", " → ".join(map(" ".join, pieces)))

    @property
    def key(self) -> str:
        """A name for lists of slips."""
        return f"{self.kind}: {self.before} → {self.after or 'nothing'}"

    def __enter__(self):
        self.kept = [self._put(*change) for change in self.changes]

    def __exit__(self, *exception):
        for (parent, name, index, _), old in zip(reversed(self.changes), reversed(self.kept), strict=True):
            self._put(parent, name, index, old)

    @staticmethod
    def _put(parent, name, index, new):
        if index is None:
            old = getattr(parent, name)
            setattr(parent, name, new)
        else:
            items = getattr(parent, name)
            old, items[index] = items[index], new
        return old


class Text:
    """The text of one function or class, taken apart, with counters in its loops.

    Parameters
    ----------
    source : str
        The text, as ``inspect.getsource`` gives it.
    names : dict
        The global names that the variants see.

    Raises
    ------
    SyntaxError
        If it is not the text of one function or class.
    """

    def __init__(self, source: str, names: dict[str, Any]):
        self.tree = ast.parse(_at_the_margin(source))
        node = self.tree.body[0] if len(self.tree.body) == 1 else None
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            raise SyntaxError("not the text of one function or class")
        node.decorator_list = []
        self.node = node
        functions = (n for n in ast.walk(node) if isinstance(n, ast.FunctionDef))
        self.parameters = [a.arg for f in functions for a in _arguments(f) if a.arg != "self"]
        self.locals = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.parent = {
            child: (parent, name, index)
            for parent in ast.walk(self.tree)
            for name, value in ast.iter_fields(parent)
            for index, child in (enumerate(value) if isinstance(value, list) else [(None, value)])
            if isinstance(child, ast.AST)
        }
        self.documents = {id(n.body[0].value) for n in ast.walk(node) if hasattr(n, "body") and _is_document(n)}
        self.names = dict(names)
        self.turns = 0
        self.whole = True  # false for good where a time limit struck while a slip was in the tree
        self._lines: dict[ast.stmt, str] = {}
        self.names[TICK] = self._turn

    def statement(self, node: ast.AST) -> str:
        """Return the first line of the statement that a node stands in."""
        while not isinstance(node, ast.stmt):
            node = self.parent[node][0]
        if node not in self._lines:
            self._lines[node] = ast.unparse(node).splitlines()[0]
        return self._lines[node]

    def _turn(self):
        self.turns += 1
        if self.turns > MOST_TURNS:
            raise Endless(f"more than {MOST_TURNS:,} turns")

    def compiled(self, slip: Slip | None = None, *more: Slip) -> Callable:
        """Return the function with a slip (or several) made in it.

        Raises
        ------
        SyntaxError, ValueError, TypeError
            If a slip makes no Python of it.
        """
        self.whole = False
        slips = [s for s in (slip, *more) if s is not None]
        for s in slips:
            s.__enter__()
        try:
            loops = [n for n in ast.walk(self.node) if isinstance(n, ast.For | ast.While)]
            for loop in loops:
                loop.body.insert(0, _TICK_CALL)
            try:
                code = compile(self.tree, "<variant>", "exec")
            finally:
                for loop in loops:
                    del loop.body[0]
        finally:
            for s in reversed(slips):
                s.__exit__()
            self.whole = True
        names = dict(self.names)
        exec(code, names)
        function = names[self.node.name]

        def run(*args, **kwargs):
            self.turns = 0
            result = function(*args, **kwargs)
            return _consumed(result) if isinstance(result, types.GeneratorType) else result

        return run


def _at_the_margin(source: str) -> str:
    lines = source.splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    return "\n".join(line[indent:] for line in lines)


def with_names_put_in(source: str) -> str | None:
    """Return a function's text in which names that are used once are replaced by what they stand for.

    So a slip can happen across two lines: in ``np.sqrt(s / c)`` where the text has ``s_hat = s / c`` first.
    Returns None where there is no such name.
    """
    tree = ast.parse(_at_the_margin(source))
    function = tree.body[0]
    if not isinstance(function, ast.FunctionDef):
        return None
    changed = False
    while (found := _used_once(function)) is not None:
        assignment, use = found
        function.body.remove(assignment)

        class PutIn(ast.NodeTransformer):
            def visit_Name(self, node, use=use, value=assignment.value):
                return value if node is use else node

        PutIn().visit(function)
        changed = True
    return ast.unparse(ast.fix_missing_locations(tree)) if changed else None


def _used_once(function: ast.FunctionDef) -> tuple[ast.Assign, ast.Name] | None:
    """Return an assignment to a name and the one place that reads it, if what it stands for is still the same."""
    names = [n for n in ast.walk(function) if isinstance(n, ast.Name)]
    for i, statement in enumerate(function.body):
        match statement:
            case ast.Assign([ast.Name(name)], value):
                own = [n for n in names if n.id == name]
                uses = [n for n in own if isinstance(n.ctx, ast.Load)]
                parts = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
                if len(uses) != 1 or len(own) != 2 or name in parts:
                    continue
                for later in function.body[i + 1 :]:
                    inside = [n for n in ast.walk(later) if isinstance(n, ast.Name)]
                    if any(n is uses[0] for n in inside):
                        if not isinstance(later, ast.For | ast.While | ast.FunctionDef):
                            return statement, uses[0]
                        break
                    if any(isinstance(n.ctx, ast.Store) and n.id in parts for n in inside):
                        break
    return None


def _consumed(generator) -> Iterator:
    """Hand on what a generator gives: its loops are counted while it runs."""
    yield from generator


_TICK_CALL = ast.fix_missing_locations(
    ast.Expr(ast.Call(ast.Name(TICK, ast.Load()), [], [])),
)
for _node in ast.walk(_TICK_CALL):
    _node.lineno, _node.end_lineno, _node.col_offset, _node.end_col_offset = 1, 1, 0, 0


def _arguments(function: ast.FunctionDef) -> list[ast.arg]:
    given = function.args
    return [*given.posonlyargs, *given.args, *given.kwonlyargs]


def _is_document(node) -> bool:
    body = node.body
    return (
        isinstance(body, list)
        and bool(body)
        and isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
        and isinstance(body[0].value.value, str)
    )


# ---------------------------------------------------------------------------------------------------------
# Slips that need only the text


def mutants(text: Text) -> Iterator[Slip]:
    """Yield each slip that can happen in a function's text."""
    seen = set()
    for node in [*ast.walk(text.node)]:
        if id(node) in text.documents:
            continue
        for slip in _slips_at(text, node):
            key = (slip.kind, slip.after, *((id(parent), name, i) for parent, name, i, _ in slip.changes))
            if slip.before != slip.after and key not in seen:
                seen.add(key)
                yield slip


def _slips_at(text: Text, node: ast.AST) -> Iterator[Slip]:
    if isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        if not _is_annotation(text, node):
            yield from _of_expression(text, node)
    elif isinstance(node, ast.stmt):
        yield from _of_statement(text, node)
    if isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.While):
        yield from _of_block(text, node)


def _is_annotation(text, node) -> bool:
    parent, name, _ = text.parent[node]
    return name in ("annotation", "returns") or isinstance(parent, ast.JoinedStr | ast.FormattedValue)


def _replaced(text: Text, node: ast.AST, new: ast.AST, kind: str, lost: str = "") -> Slip:
    """Return the slip that puts `new` in the place of `node`."""
    ast.copy_location(new, node)
    ast.fix_missing_locations(new)
    changes = [(*text.parent[node], new)]
    return Slip(kind, node.lineno, _text_of(node), _text_of(new), changes, text.statement(node), lost)


def _text_of(node) -> str:
    return ast.unparse(node)


def _name(node) -> str:
    """Return the last name of a function that is called: sqrt of ``np.sqrt``."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _of_expression(text: Text, node: ast.expr) -> Iterator[Slip]:
    match node:
        case ast.BinOp(left, op, right):
            yield from _of_operation(text, node, left, op, right)
        case ast.UnaryOp(ast.USub(), operand):
            yield _replaced(text, node, operand, "sign")
        case ast.UnaryOp(ast.Not(), operand):
            yield _replaced(text, node, operand, "condition turned round")
        case ast.UnaryOp(ast.Invert(), operand):
            yield _replaced(text, node, operand, "condition turned round")
        case ast.Compare(left, [op], [right]):
            for other in SWAPS.get(type(op), []):
                boundary = {type(op).__name__.rstrip("E"), other.__name__.rstrip("E")}
                kind = "boundary" if len(boundary) == 1 else "comparison"
                yield _replaced(text, node, ast.Compare(left, [other()], [right]), kind)
        case ast.BoolOp(op, values):
            yield _replaced(text, node, ast.BoolOp(SWAPS[type(op)][0](), values), "condition")
            for i in range(len(values)):
                rest = values[:i] + values[i + 1 :]
                new = rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
                yield _replaced(text, node, new, "condition dropped")
        case ast.IfExp(_, body, orelse):
            yield _replaced(text, node, body, "choice")
            yield _replaced(text, node, orelse, "choice")
        case ast.Call():
            yield from _of_call(text, node)
        case ast.Subscript(value, index):
            yield from _of_index(text, node, value, index)
        case ast.Attribute(value, "T"):
            yield _replaced(text, node, value, "transposed")
        case ast.Attribute(ast.Attribute() | ast.Name() as value, name) if name in FUNCTIONS:
            if not isinstance(text.parent[node][0], ast.Call):
                for other in FUNCTIONS[name]:
                    yield _replaced(text, node, ast.Attribute(value, other, ast.Load()), "function")
        case ast.Constant(bool() as value):
            yield _replaced(text, node, ast.Constant(not value), "constant")
        case ast.Constant(int() | float() as value):
            others = [value + 1, value - 1] if isinstance(value, int) else [0.0, 1.0, value / 2, value * 2]
            for other in others:
                if other != value:
                    yield _replaced(text, node, ast.Constant(other), "constant")
        case ast.Name(name) if name in text.locals or name in text.parameters:
            parent, _, _ = text.parent[node]
            if not (isinstance(parent, ast.Call) and parent.func is node):
                for other in dict.fromkeys([*text.parameters, *sorted(text.locals)]):
                    if other != name:
                        yield _replaced(text, node, ast.Name(other, ast.Load()), "name")
        case ast.Tuple(items) | ast.List(items) if 2 <= len(items) <= 6:
            for i, j in itertools.combinations(range(len(items)), 2):
                new = list(items)
                new[i], new[j] = new[j], new[i]
                yield _replaced(text, node, type(node)(new, ast.Load()), "order")


def _of_operation(text, node, left, op, right) -> Iterator[Slip]:
    for other in SWAPS.get(type(op), []):
        usual = isinstance(op, ast.Add | ast.Sub | ast.Div) and other is not ast.FloorDiv
        kind = "operator" if usual else "other operator"
        yield _replaced(text, node, ast.BinOp(left, other(), right), kind)
    yield from _with_weights_swapped(text, node)
    yield from _with_a_side_dropped(text, node, left, op, right)
    if isinstance(op, ast.Sub | ast.Div | ast.Pow | ast.FloorDiv | ast.MatMult):
        yield _replaced(text, node, ast.BinOp(right, op, left), "operands swapped")
    if not isinstance(text.parent[node][0], ast.BinOp):
        yield from _without_brackets(text, node)
    yield from _with_other_brackets(text, node, left, op, right)
    within = _name(getattr(text.parent[node][0], "func", None))
    if isinstance(op, ast.Pow) and isinstance(right, ast.Constant) and within not in ("sum", "mean"):
        for function in ("sum", "mean"):
            new = ast.parse(f"np.{function}({_text_of(node)})", mode="eval").body
            yield _replaced(text, node, new, "aggregated")


def _with_weights_swapped(text, node) -> Iterator[Slip]:
    """Yield ``(1 - b) * x + b * y`` for ``b * x + (1 - b) * y``."""
    match node:
        case ast.BinOp(ast.BinOp(weight, ast.Mult(), x), ast.Add(), ast.BinOp(rest, ast.Mult(), y)) if _text_of(
            rest
        ).replace(" ", "") == f"1-{_text_of(weight)}".replace(" ", ""):
            new = ast.BinOp(ast.BinOp(rest, ast.Mult(), x), ast.Add(), ast.BinOp(weight, ast.Mult(), y))
            yield _replaced(text, node, new, "weights swapped")


def _with_a_side_dropped(text, node, left, op, right) -> Iterator[Slip]:
    a, b = _text_of(left), _text_of(right)
    match op:
        case ast.Add():
            yield _replaced(text, node, left, "term dropped", f"the term `{b}`")
            yield _replaced(text, node, right, "term dropped", f"the term `{a}`")
        case ast.Sub():
            yield _replaced(text, node, left, "term dropped", f"the term `- {b}`")
            yield _replaced(text, node, ast.UnaryOp(ast.USub(), right), "term dropped", f"the term `{a}`")
            yield _replaced(text, node, right, "term dropped", f"`{a} -`")
        case ast.Pow():
            yield _replaced(text, node, left, "power dropped", f"the power `** {b}`")
        case ast.Div() | ast.FloorDiv():
            yield _replaced(text, node, left, "factor dropped", f"the division by `{b}`")
            yield _replaced(
                text, node, ast.BinOp(ast.Constant(1), op, right), "factor dropped", f"the factor `{a}`"
            )
        case _:
            yield _replaced(text, node, left, "factor dropped", f"the factor `{b}`")
            yield _replaced(text, node, right, "factor dropped", f"the factor `{a}`")


def _without_brackets(text, root) -> Iterator[Slip]:
    """Yield the slips that forget a pair of brackets, as they would be read then."""
    for node in ast.walk(root):
        parent, name, index = text.parent[node]
        if node is root or not isinstance(node, ast.BinOp) or not isinstance(parent, ast.BinOp | ast.UnaryOp):
            continue
        with Slip("", 0, "", "", [(parent, name, index, ast.Name("__brackets__", ast.Load()))]):
            whole = _text_of(root)
        new = ast.parse(whole.replace("__brackets__", _text_of(node)), mode="eval").body
        outer, inner = getattr(parent, "op", None), node.op
        same = isinstance(outer, ast.Mult) and isinstance(inner, ast.Mult | ast.Div)  # a * (b / c) is a * b / c
        same |= isinstance(outer, ast.Add) and isinstance(inner, ast.Add | ast.Sub)
        if not same and ast.dump(new) != ast.dump(root):
            yield _replaced(text, root, new, "brackets")


def _with_other_brackets(text, node, left, op, right) -> Iterator[Slip]:
    strong, weak = ast.Mult | ast.Div | ast.Pow | ast.FloorDiv | ast.MatMult, ast.Add | ast.Sub
    if isinstance(op, weak) and isinstance(right, ast.BinOp) and isinstance(right.op, strong):
        new = ast.BinOp(ast.BinOp(left, op, right.left), right.op, right.right)
        yield _replaced(text, node, new, "brackets")
    if isinstance(op, weak) and isinstance(left, ast.BinOp) and isinstance(left.op, strong):
        new = ast.BinOp(left.left, left.op, ast.BinOp(left.right, op, right))
        yield _replaced(text, node, new, "brackets")
    if isinstance(op, strong) and isinstance(left, ast.BinOp) and isinstance(left.op, ast.Div):
        new = ast.BinOp(left.left, left.op, ast.BinOp(left.right, op, right))
        yield _replaced(text, node, new, "brackets")
    for inner, outer, other_first in ((left, right, False), (right, left, True)):
        if isinstance(inner, ast.Call) and len(inner.args) == 1 and not inner.keywords:  # f(a) + b for f(a + b)
            operands = (outer, inner.args[0]) if other_first else (inner.args[0], outer)
            new = ast.Call(inner.func, [ast.BinOp(operands[0], op, operands[1])], [])
            yield _replaced(text, node, new, "order of operations")


def _of_call(text, node) -> Iterator[Slip]:
    name, module = _name(node.func), getattr(node.func, "value", None)

    def called(function=None, args=None, keywords=None):
        new_args = node.args if args is None else args
        return ast.Call(function or node.func, new_args, node.keywords if keywords is None else keywords)

    for other in FUNCTIONS.get(name, []):
        if isinstance(node.func, ast.Attribute):
            yield _replaced(text, node, called(ast.Attribute(module, other, ast.Load())), "function")
        elif hasattr(builtins, other):
            yield _replaced(text, node, called(ast.Name(other, ast.Load())), "function")
    if len(node.args) == 1 and isinstance(node.args[0], ast.BinOp):  # f(a + b) for f(a) + b
        inner = node.args[0]
        new = ast.BinOp(called(args=[inner.left]), inner.op, inner.right)
        yield _replaced(text, node, new, "order of operations")
    if name == "round" and isinstance(node.func, ast.Name):
        for function in ("ceil", "floor"):
            new = ast.parse(f"int(np.{function}({_text_of(node.args[0])}))", mode="eval").body
            yield _replaced(text, node, new, "function")
    if name in ("round", "around") and len(node.args) == 2:
        yield _replaced(text, node, node.args[0], "function dropped")
    if name in UNWRAPPED and len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
        yield _replaced(text, node, node.args[0], "function dropped")
    is_method = isinstance(module, ast.BinOp) or (isinstance(module, ast.Name) and module.id not in ("np", "math"))
    if is_method and name in ("copy", "mean", "sum", "max", "astype", "round"):
        yield _replaced(text, node, module, "function dropped")
    if name in ("maximum", "minimum", "max", "min") and len(node.args) == 2:
        yield _replaced(text, node, node.args[0], "limit dropped")
        yield _replaced(text, node, node.args[1], "limit dropped")
    if name == "where" and len(node.args) == 3:
        yield _replaced(text, node, node.args[1], "choice")
        yield _replaced(text, node, node.args[2], "choice")
        yield _replaced(text, node, called(args=[node.args[0], node.args[2], node.args[1]]), "operands swapped")
    elif len(node.args) >= 2 and name not in ("range", "maximum", "minimum", "max", "min", "hypot", "isinstance"):
        swapped = [node.args[1], node.args[0], *node.args[2:]]
        yield _replaced(text, node, called(args=swapped), "operands swapped")
    for i, keyword in enumerate(node.keywords):
        if keyword.arg is None:
            continue
        rest = node.keywords[:i] + node.keywords[i + 1 :]
        yield _replaced(text, node, called(keywords=rest), "keyword dropped")
        if keyword.arg == "axis" and isinstance(keyword.value, ast.Constant | ast.UnaryOp):
            for axis in (0, 1):
                if ast.unparse(keyword.value) != str(axis):
                    other = ast.keyword("axis", ast.Constant(axis))
                    new = called(keywords=[*node.keywords[:i], other, *node.keywords[i + 1 :]])
                    yield _replaced(text, node, new, "axis")
    if name in ("std", "var") and not any(k.arg == "ddof" for k in node.keywords):
        new = called(keywords=[*node.keywords, ast.keyword("ddof", ast.Constant(1))])
        yield _replaced(text, node, new, "ddof")
    if isinstance(node.func, ast.Name) and name == "range":
        yield from _of_range(text, node, called)
    if name == "len" and len(node.args) == 1:
        width = ast.Subscript(ast.Attribute(node.args[0], "shape", ast.Load()), ast.Constant(-1), ast.Load())
        yield _replaced(text, node, width, "size")
        yield _replaced(text, node, ast.Attribute(node.args[0], "size", ast.Load()), "size")
    if isinstance(module, ast.Name) and module.id == "rng":
        fixed = ast.parse("np.random.default_rng(0)", mode="eval").body
        yield _replaced(text, node, called(ast.Attribute(fixed, name, ast.Load())), "own generator")


def _of_range(text, node, called) -> Iterator[Slip]:
    first, last = (node.args[0], node.args[1]) if len(node.args) > 1 else (ast.Constant(0), node.args[0])
    for low, high in ((0, -1), (0, 1), (1, 0), (-1, 0), (1, 1), (-1, -1)):
        new = called(args=[_shifted(first, low), _shifted(last, high), *node.args[2:]])
        if len(node.args) == 1 and low == 0:
            new = called(args=[_shifted(last, high)])
        yield _replaced(text, node, new, "range")


def _shifted(node, by: int) -> ast.expr:
    if by == 0:
        return node
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return ast.Constant(node.value + by)
    back = ast.Add if by < 0 else ast.Sub
    if isinstance(node, ast.BinOp) and isinstance(node.op, back) and getattr(node.right, "value", None) == 1:
        return node.left
    return ast.BinOp(node, ast.Add() if by > 0 else ast.Sub(), ast.Constant(abs(by)))


def _of_index(text, node, value, index) -> Iterator[Slip]:
    match index:
        case ast.Slice(lower, upper, step):
            last = ast.UnaryOp(ast.USub(), ast.Constant(1))
            bounds = [
                (_shifted(lower or ast.Constant(0), 1), upper),
                (lower, _shifted(upper, -1) if upper else last),
            ]
            bounds += [(_shifted(lower, -1), upper)] if getattr(lower, "value", lower) else []
            bounds += [(lower, _shifted(upper, 1))] if upper else []
            for low, high in bounds:
                yield _replaced(text, node, ast.Subscript(value, ast.Slice(low, high, step), ast.Load()), "slice")
            if step is None and lower is None and upper is not None:
                yield _replaced(text, node, ast.Subscript(value, ast.Slice(upper, None), ast.Load()), "slice")
            yield _replaced(text, node, value, "index dropped")
        case ast.UnaryOp(ast.USub(), ast.Constant(1)):
            yield _replaced(text, node, ast.Subscript(value, ast.Constant(0), ast.Load()), "index")
            yield _replaced(text, node, ast.Subscript(value, ast.Constant(-2), ast.Load()), "index")
        case ast.Constant(0):
            yield _replaced(text, node, ast.Subscript(value, ast.Constant(-1), ast.Load()), "index")
        case ast.Tuple():
            yield _replaced(text, node, value, "index dropped")
        case ast.Name() | ast.BinOp():
            for by in (1, -1):
                at = _shifted(index, by)
                yield _replaced(text, node, ast.Subscript(value, at, ast.Load()), "index")


def _of_statement(text: Text, node: ast.stmt) -> Iterator[Slip]:
    match node:
        case ast.If(test, body, orelse):
            negated = ast.UnaryOp(ast.Not(), test)
            yield Slip(
                "condition turned round", node.lineno, f"if {_text_of(test)}", f"if not ({_text_of(test)})",
                [(*text.parent[test], ast.fix_missing_locations(ast.copy_location(negated, test)))],
            )  # fmt: skip
            yield from _without(text, node, orelse, "branch dropped", f"if {_text_of(test)}: …")
            if not any(isinstance(n, ast.Return | ast.Break | ast.Continue) for n in body):
                yield from _without(text, node, body, "branch always", f"if {_text_of(test)}: …")
        case ast.AugAssign(target, op, value):
            for other in SWAPS.get(type(op), []):
                yield _whole(text, node, ast.AugAssign(target, other(), value), "operator")
            yield _whole(text, node, ast.Assign([target], value), "sum overwritten")
            yield from _without(text, node, [], "line dropped")
        case ast.Assign(_, value):
            yield from _without(text, node, [], "line dropped")
            yield from _old_values(text, node)
        case ast.Expr(ast.Call()):
            yield from _without(text, node, [], "line dropped")
        case ast.Break():
            yield _whole(text, node, ast.Continue(), "break")
        case ast.Return(ast.Tuple(items) as value) if 3 <= len(items) <= 4:
            for order in itertools.permutations(range(len(items))):
                if sum(i != j for i, j in enumerate(order)) > 2:  # exchanged pairs are found with the tuple itself
                    new = ast.Tuple([items[i] for i in order], ast.Load())
                    yield _replaced(text, value, new, "order")
        case ast.For(_, iterable):
            for piece in ("[1:]", "[:-1]"):
                new = ast.parse(f"list(_){piece}", mode="eval").body
                new.value.args[0] = iterable
                yield _replaced(text, iterable, new, "turns")


def _whole(text, node, new, kind) -> Slip:
    ast.copy_location(new, node)
    ast.fix_missing_locations(new)
    return Slip(kind, node.lineno, _text_of(node), _text_of(new), [(*text.parent[node], new)])


def _without(text, node, instead: list[ast.stmt], kind, shown=None) -> Iterator[Slip]:
    """Yield the slip that leaves a statement out, or puts some of its own in its place."""
    parent, name, index = text.parent[node]
    block = getattr(parent, name)
    new = [*block[:index], *instead, *block[index + 1 :]] or [ast.copy_location(ast.Pass(), node)]
    after = "" if not instead else "\n".join(map(_text_of, instead))
    yield Slip(kind, node.lineno, shown or _text_of(node), after, [(parent, name, None, new)])


def _old_values(text: Text, node: ast.Assign) -> Iterator[Slip]:
    """Yield the slips in which later lines use what a name held before this line."""
    own = {t.id for t in node.targets if isinstance(t, ast.Name)}
    parent, name, index = text.parent[node]
    block = getattr(parent, name)
    read = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
    for variable in own & read:
        old = f"old_{variable}"
        targets = ast.Tuple([ast.Name(old, ast.Store()), *node.targets], ast.Store())
        both = ast.Assign([targets], ast.Tuple([ast.Name(variable, ast.Load()), node.value], ast.Load()))
        kept = ast.fix_missing_locations(ast.copy_location(both, node))
        later = [n for s in block[index + 1 :] for n in ast.walk(s)]
        uses = [n for n in later if isinstance(n, ast.Name) and n.id == variable and isinstance(n.ctx, ast.Load)]
        for use in uses:
            new = ast.fix_missing_locations(ast.copy_location(ast.Name(old, ast.Load()), use))
            statement = use
            while not isinstance(statement, ast.stmt):
                statement = text.parent[statement][0]
            if isinstance(statement, ast.Return) and use in getattr(statement.value, "elts", [statement.value]):
                continue  # handed back as it came in: the name exchanged says so
            changes = [(*text.parent[use], new), (parent, name, index, kept)]
            yield Slip("old value", use.lineno, _text_of(statement).splitlines()[0], variable, changes)


def _of_block(text: Text, node) -> Iterator[Slip]:
    """Yield the slips that move statements: neighbours swapped, into a loop or out of it."""
    body = node.body
    for i in range(len(body) - 1):
        first, second = body[i], body[i + 1]
        if isinstance(second, ast.Return) or not isinstance(first, ast.Assign | ast.AugAssign | ast.Expr | ast.If):
            continue
        if id(getattr(first, "value", None)) in text.documents:
            continue
        if not _hang_together(first, second):
            continue
        new = [*body[:i], second, first, *body[i + 2 :]]
        shown = _text_of(first).splitlines()[0], _text_of(second).splitlines()[0]
        yield Slip("lines swapped", first.lineno, shown[0], shown[1], [(node, "body", None, new)])
    for i, loop in enumerate(body):
        if not isinstance(loop, ast.For | ast.While):
            continue
        if i + 1 < len(body):
            after = body[i + 1]
            changes = [
                (node, "body", None, [*body[: i + 1], *body[i + 2 :]]),
                (loop, "body", None, [*loop.body, after]),
            ]
            kind = "return in the loop" if isinstance(after, ast.Return) else "line moved into the loop"
            yield Slip(kind, after.lineno, _text_of(after).splitlines()[0], "", changes)
        if i and isinstance(body[i - 1], ast.Assign):
            before = body[i - 1]
            changes = [
                (node, "body", None, [*body[: i - 1], *body[i:]]),
                (loop, "body", None, [before, *loop.body]),
            ]
            yield Slip("set anew in the loop", before.lineno, _text_of(before).splitlines()[0], "", changes)
        if len(loop.body) > 1:
            last = loop.body[-1]
            changes = [
                (loop, "body", None, loop.body[:-1]),
                (node, "body", None, [*body[: i + 1], last, *body[i + 1 :]]),
            ]
            yield Slip("line moved out of the loop", last.lineno, _text_of(last).splitlines()[0], "", changes)


def twins(slips: Sequence[Slip]) -> Iterator[list[Slip]]:
    """Yield slips that belong together: the same one made at several places, as in both lines of a correction."""
    groups: dict[tuple[str, str], list[Slip]] = {}
    for slip in slips:
        groups.setdefault(slip.pattern, []).append(slip)
    for group in groups.values():
        places = {(id(change[0]), change[1], change[2]) for slip in group for change in slip.changes}
        if 2 <= len(group) <= 6 and len(places) == sum(len(slip.changes) for slip in group):
            yield group
            if len(group) > 2:
                yield from (list(pair) for pair in itertools.combinations(group, 2))
        elif 2 <= len(group) <= 6 and group[0].kind == "old value":
            yield from (list(pair) for pair in itertools.combinations(group, 2))


PURE = {"mean", "sum", "std", "var", "max", "min", "copy", "astype", "reshape", "ravel", "items", "startswith"}


def _hang_together(first: ast.stmt, second: ast.stmt) -> bool:
    """Whether the order of two statements can matter, since one changes what the other reads or changes."""
    (reads, writes), (also_reads, also_writes) = map(_reads_and_writes, (first, second))
    ends = (ast.Return, ast.Break, ast.Continue, ast.Raise)
    if any(isinstance(node, ends) for statement in (first, second) for node in ast.walk(statement)):
        return True
    return bool(writes & (also_reads | also_writes) or also_writes & reads)


def _reads_and_writes(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """Return the names that a statement reads, and those that it may change; a call may change its object."""
    reads, writes = set(), set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            (writes if isinstance(node.ctx, ast.Store) else reads).add(node.id)
        changes = isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store)
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr not in PURE
        target = node.func.value if called else node
        while (changes or called) and isinstance(target, ast.Subscript | ast.Attribute):
            target = target.value
        if (changes or called) and isinstance(target, ast.Name) and target.id not in ("np", "math"):
            writes.add(target.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            reads.add(node.func.id)
    return reads, writes


# ---------------------------------------------------------------------------------------------------------
# Repairs: slips backwards, with what a right answer is made of


def ingredients(text: Text, most: int = 40) -> list[str]:
    """Return the pieces of a right answer that are made of its arguments, the shorter ones first.

    They stand in terms of `text.parameters` as ``«0»``, ``«1»``, … since a learner may call arguments otherwise.
    """
    place = {name: f"«{i}»" for i, name in enumerate(text.parameters)}
    known = {*place, "np", "math", "len", "range", "sum", "max", "min", "abs", "int", "float", *dir(builtins)}
    found = {}
    for node in ast.walk(text.node):
        if not isinstance(node, ast.BinOp | ast.Call | ast.Name | ast.Attribute | ast.Subscript | ast.UnaryOp):
            continue
        names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
        if not names or any(isinstance(n.ctx, ast.Store) or n.id not in known for n in names):
            continue
        if len([*ast.walk(node)]) > 24 or not any(n.id in place for n in names):
            continue
        piece = _text_of(node)
        found[re.sub(r"\b[A-Za-z_]\w*\b", lambda m: place.get(m[0], m[0]), piece)] = len(piece)
    return sorted(found, key=found.get)[:most]


def repairs(text: Text, pieces: Sequence[str] = ()) -> Iterator[Slip]:
    """Yield changes of a learner's text that may make it right, the likelier ones first."""
    yield from sorted(mutants(text), key=lambda slip: LIKELY.get(slip.kind, 5))
    spelled = [re.sub(r"«(\d+)»", lambda m: _parameter(text, int(m[1])), piece) for piece in pieces]
    places = [
        node
        for node in ast.walk(text.node)
        if isinstance(
            node, ast.BinOp | ast.Call | ast.Name | ast.Constant | ast.Subscript | ast.UnaryOp | ast.Attribute
        )
        and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        and id(node) not in text.documents
        and not _is_callee(text, node)
        and not _is_annotation(text, node)
    ]
    for node in places:
        yield from _made_of(text, node, WRAPPERS, [])
    for node in places:  # the value that is written where an argument belongs
        if isinstance(node, ast.Constant | ast.Name):
            yield from _made_of(text, node, ["{1}"], spelled)
    for node in places:
        if isinstance(node, ast.BinOp | ast.Call | ast.Name | ast.Subscript):
            yield from _made_of(text, node, ["{0} * ({1})", "{0} / ({1})", "{0} + {1}", "{0} - ({1})"], spelled)
    for node in places:
        if isinstance(node, ast.BinOp | ast.Call | ast.Subscript):
            yield from _made_of(text, node, ["{1}"], spelled)


LIKELY = {
    "brackets": 0, "sign": 0, "constant": 0, "axis": 0, "boundary": 0, "operator": 1, "function": 1, "name": 2,
    "function dropped": 1, "factor dropped": 1, "term dropped": 1, "power dropped": 1, "range": 1, "slice": 1,
    "index": 1, "order": 1, "keyword dropped": 1, "operands swapped": 1, "sum overwritten": 1, "lines swapped": 2,
    "line dropped": 2,
}  # fmt: skip


def _parameter(text, number: int) -> str:
    return text.parameters[number] if number < len(text.parameters) else "missing"


def _is_callee(text, node) -> bool:
    parent, name, _ = text.parent[node]
    if isinstance(parent, ast.Call) and name == "func":
        return True
    return isinstance(node, ast.Name) and isinstance(parent, ast.Attribute) and node.id in ("np", "math")


def _made_of(text, node, patterns, pieces) -> Iterator[Slip]:
    own = f"({_text_of(node)})"
    for pattern in patterns:
        for piece in pieces or [""]:
            code = pattern.format(own, piece)
            try:
                new = ast.parse(code, mode="eval").body
            except SyntaxError:
                continue
            yield _replaced(text, node, new, "piece")
