"""How wrong results are related to the right ones: a factor, a sign, a shift, another order, another quantity.

A relation counts only where it holds for every result that is wrong.
"""

import ast
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_lib.comparing import compare
from course_lib.exercises import Case, Exercise
from course_lib.running import Outcome, run_case

__all__ = ["Pair", "pairs_of", "relation", "right_and_wrong"]

SIMPLE = {2: "2", 3: "3", 4: "4", 10: "10", 100: "100", np.log(10): "ln 10", np.log(2): "ln 2", np.pi: "π"}
SIMPLE |= {np.sqrt(2): "√2", 1.4826: "1.4826", 1000: "1,000", np.e: "e", np.sqrt(np.pi): "√π", 2 * np.pi: "2π"}


@dataclass(frozen=True)
class Pair:
    """One quantity of one case that is wrong: what it should be and what it is."""

    name: str
    case: Case
    expected: Any
    actual: Any


def _split(exercise: Exercise, values: dict[str, Any]) -> dict[str, Any]:
    """Return the quantities of an outcome, the items of a returned tuple one by one."""
    result = values.get("the result")
    if exercise.returns and isinstance(result, tuple | list) and len(result) == len(exercise.returns):
        return values | dict(zip(exercise.returns, result, strict=True))
    return values


def pairs_of(
    exercise: Exercise, cases: list[Case], expected: list[Outcome], outcomes: list[Outcome]
) -> list[Pair]:
    """Return the quantities that are wrong, of all cases that ran through."""
    found = []
    for case, right, outcome in zip(cases, expected, outcomes, strict=True):
        if right.error is None and outcome.error is None:
            ours, theirs = _split(exercise, right.values), _split(exercise, outcome.values)
            whole = exercise.returns and set(exercise.returns) <= set(theirs)
            found += [
                Pair(name, case, value, theirs.get(name))
                for name, value in ours.items()
                if name in theirs
                and not (whole and name == "the result")
                and _differ(exercise, value, theirs[name])
            ]
    return found


def right_and_wrong(
    exercise: Exercise, expected: list[Outcome], outcomes: list[Outcome]
) -> tuple[list[str], list[str]]:
    """Return the quantities that are right wherever they occur, and those that are wrong somewhere."""
    seen: dict[str, bool] = {}
    for right, outcome in zip(expected, outcomes, strict=True):
        if right.error is None and outcome.error is None:
            ours, theirs = _split(exercise, right.values), _split(exercise, outcome.values)
            for name, value in ours.items():
                if not (exercise.returns and name == "the result"):
                    seen[name] = seen.get(name, True) and not _differ(exercise, value, theirs.get(name))
    return [name for name, fine in seen.items() if fine], [name for name, fine in seen.items() if not fine]


def _differ(exercise, expected, actual) -> bool:
    return compare(expected, actual, "x", rtol=exercise.rtol, atol=exercise.atol) is not None


def _same(expected, actual) -> bool:
    """Whether two results agree, up to rounding; a number in an array of shape () is one."""
    try:
        if isinstance(expected, np.ndarray) and expected.ndim == 0:
            expected = expected[()]
        if isinstance(expected, np.ndarray) and isinstance(actual, np.ndarray) and expected.size == 0:
            return expected.shape == actual.shape
        return compare(expected, actual, "x", rtol=1e-7) is None
    except (TypeError, ValueError, OverflowError):
        return False


# ---------------------------------------------------------------------------------------------------------
# Relations of the form of the result, and simple functions of its values


def _array(change: Callable) -> Callable:
    """Apply `change` to arrays only."""
    return lambda e: change(e) if isinstance(e, np.ndarray) else None


def _several(change: Callable) -> Callable:
    """Apply `change` to arrays of more than one entry only."""
    return lambda e: change(e) if isinstance(e, np.ndarray) and e.size > 1 else None


def _items(change: Callable) -> Callable:
    """Apply `change` to lists and tuples only."""
    return lambda a: change(a) if isinstance(a, tuple | list) else None


def _number(change: Callable) -> Callable:
    """Apply `change` to numbers and arrays of them."""

    def changed(e):
        if isinstance(e, bool | np.bool_ | str) or not isinstance(e, int | float | np.generic | np.ndarray):
            return None
        with np.errstate(all="ignore"):
            return change(np.asarray(e, dtype=float))

    return changed


def _rounded(digits: int) -> Callable:
    return _number(lambda e: np.round(e, digits))


# What is made of the right result, and the words for it. The first that fits is said.
FORMS: list[tuple[str, Callable]] = [
    ("is a list; asked is an array: `np.array(...)`", lambda e: e.tolist() if isinstance(e, np.ndarray) else None),
    ("is a list of arrays; asked is one array: `np.array(...)`", _array(list)),
    ("is a tuple; asked is an array", _array(tuple)),
    (
        "is the right number in an array of one entry; asked is the number",
        lambda e: np.atleast_1d(e) if np.ndim(e) == 0 else None,
    ),
    ("is a list with the right number in it; asked is the number itself", lambda e: [e]),
    ("is transposed: rows and columns have changed places", _array(np.transpose)),
    ("is flat: right entries, but the shape is lost", _array(np.ravel)),
    ("has lost its axes of length 1", _array(np.squeeze)),
    ("has an axis too many: right numbers in a column", _array(lambda e: e[..., None])),
    ("has an axis too many: right numbers in a row", _array(lambda e: e[None])),
    ("comes in reverse order", _array(lambda e: e[::-1])),
    ("has its columns in reverse order", _array(lambda e: e[:, ::-1])),
    ("is sorted, but should keep its order", _array(np.sort)),
    ("lacks its first entry", _array(lambda e: e[1:])),
    ("lacks its last entry", _array(lambda e: e[:-1])),
    ("is its last entry only", _several(lambda e: e[-1])),
    ("is its first entry only", _several(lambda e: e[0])),
    ("is the sum of what should be given one by one", _several(np.sum)),
    ("is the mean of what should be given one by one", _several(np.mean)),
    ("is summed over the rows", _several(lambda e: e.sum(axis=0))),
    ("is summed over the columns", _several(lambda e: e.sum(axis=-1))),
    ("is shifted by one place: each entry is the one before", _array(lambda e: np.roll(e, 1, axis=0))),
    ("is shifted by one place: each entry is the one after", _array(lambda e: np.roll(e, -1, axis=0))),
    ("is a string; asked is the value itself", str),
]
# What is made of the answer's result and then is the right one.
BACK: list[tuple[str, Callable]] = [
    ("has one entry too many, in front", _array(lambda a: a[1:])),
    ("has one entry too many, at the end", _array(lambda a: a[:-1])),
    ("is an array; asked is a number, its mean", _several(np.mean)),
    ("is an array; asked is a number, its sum", _several(np.sum)),
    ("is an array; asked is a number, its last entry", _several(lambda a: a.reshape(-1)[-1])),
    ("is an array; asked is a number, its first entry", _several(lambda a: a.reshape(-1)[0])),
    ("is an array; asked is a number, its largest entry", _several(np.max)),
    ("holds a row for each example; asked is the sum over them", _several(lambda a: a.sum(axis=0))),
    ("holds a row for each example; asked is the mean over them", _several(lambda a: a.mean(axis=0))),
    ("is not summed over its last axis", _several(lambda a: a.sum(axis=-1))),
    ("holds more than is asked for: the last row is what is asked for", _several(lambda a: a[-1])),
    ("comes together with more; its first item is what is asked for", _items(lambda a: a[0])),
    ("comes together with more; its last item is what is asked for", _items(lambda a: a[-1])),
    ("is the truth value; asked is a number", lambda a: int(a) if isinstance(a, bool | np.bool_) else None),
    ("is in another shape: its entries are right", _array(lambda a: a.reshape(-1))),
]  # fmt: skip
VALUES: list[tuple[str, Callable]] = [
    ("has the wrong sign", _number(np.negative)),
    ("is the absolute value: the sign is lost", _number(np.abs)),
    ("is cut to whole numbers", _number(np.trunc)),
    ("is rounded to whole numbers", _number(np.rint)),
    ("is rounded down to whole numbers", _number(np.floor)),
    ("is rounded up to whole numbers", _number(np.ceil)),
    *(
        (f"is rounded to {k} digits after the point", _number(functools.partial(np.round, decimals=k)))
        for k in range(1, 9)
    ),
    ("is rounded to float32", _number(lambda e: e.astype(np.float32).astype(float))),
    ("is squared", _number(np.square)),
    ("is the root of what it should be", _number(np.sqrt)),
    ("is 1 over what it should be", _number(lambda e: 1 / e)),
    ("is 1 minus what it should be", _number(lambda e: 1 - e)),
    ("is too large by 1", _number(lambda e: e + 1)),
    ("is too small by 1", _number(lambda e: e - 1)),
    ("is the logarithm of what it should be", _number(np.log)),
    ("is exp(…) of what it should be", _number(np.exp)),
    ("is the logarithm (base 10) of what it should be", _number(np.log10)),
    ("is summed up along the way (each entry is the sum of all so far)", _number(lambda e: np.cumsum(e, axis=0))),
    ("holds differences of neighbours in place of the values", _number(lambda e: np.diff(e, axis=0, prepend=0))),
    ("is scaled so that it sums to 1", _number(lambda e: e / e.sum())),
    ("has no number below 0: those are 0", _number(lambda e: np.maximum(e, 0))),
    ("has 0 where NaN belongs", _number(lambda e: np.nan_to_num(e, nan=0.0, posinf=np.inf, neginf=-np.inf))),
    ("has NaN where infinity belongs", _number(lambda e: np.where(np.isinf(e), np.nan, e))),
    ("has infinity where NaN belongs", _number(lambda e: np.where(np.isnan(e), np.inf, e))),
    ("is 0", _number(lambda e: np.zeros_like(e))),
    ("is 1", _number(lambda e: np.ones_like(e))),
    ("is -1", _number(lambda e: -np.ones_like(e))),
    ("is NaN", _number(lambda e: np.full_like(e, np.nan))),
    ("is infinite", _number(lambda e: np.full_like(e, np.inf))),
]


def _loosely(expected, actual) -> bool:
    """Whether two values are the same numbers in the same form."""
    if expected is None:
        return False
    if isinstance(expected, list | tuple) and not isinstance(actual, type(expected)):
        return False
    if isinstance(expected, np.ndarray) and expected.ndim == 0:
        return (
            isinstance(actual, int | float | np.generic)
            and not isinstance(actual, bool)
            and _same(expected, actual)
        )
    return _same(expected, actual)


def relation(exercise: Exercise, pairs: list[Pair], *, forms: bool = False) -> str | None:
    """Return a sentence on how the wrong results are related to the right ones, if one relation explains all.

    Parameters
    ----------
    exercise : Exercise
        What was asked.
    pairs : list of Pair
        All that is wrong.
    forms : bool
        Whether only another form of the same numbers is looked for.
    """
    by_name: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_name.setdefault(pair.name, []).append(pair)
    sentences = []
    for name, own in by_name.items():
        if not (name == "the result" or name in exercise.returns or name.isidentifier()):
            continue  # a description: words about it would not read well
        said = _of_one(exercise, name, own, forms)
        if said is None:
            continue
        sentences.append(said)
        if len(sentences) == 2:
            break
    if not sentences:
        return None
    return " ".join(dict.fromkeys(sentences))


def _quoted(name: str) -> str:
    return (
        "Your result"
        if name == "the result"
        else f"`{name}`"
        if name.isidentifier()
        else name[0].upper() + name[1:]
    )


def _of_one(exercise, name, pairs, forms) -> str | None:
    subject = _quoted(name)
    if all(pair.actual is None for pair in pairs):
        return f"{subject} is `None`."
    for words, change in FORMS:
        if all(_fits(change, pair) for pair in pairs) and _telling(pairs):
            return f"{subject} {words}."
    for words, change in BACK:
        if all(_fits_back(change, pair) for pair in pairs):
            return f"{subject} {words}."
    if forms or not _telling(pairs):
        return None
    for words, change in VALUES:
        if all(_fits(change, pair) for pair in pairs):
            return f"{subject} {words}."
    return _by_terms(exercise, name, pairs)


def _fits(change, pair) -> bool:
    try:
        made = change(pair.expected)
    except (ValueError, TypeError, IndexError, AttributeError, OverflowError, ZeroDivisionError):
        return False
    if _numeric(made) and _numeric(pair.actual) and np.shape(made) == np.shape(pair.expected):
        right, made, actual = (np.asarray(v, dtype=float) for v in (pair.expected, made, pair.actual))
        return made.shape == actual.shape and _close(actual, made, right)
    return _loosely(made, pair.actual) and not (type(made) is type(pair.expected) and _same(pair.expected, made))


def _fits_back(change, pair) -> bool:
    try:
        made = change(pair.actual)
        np.ndim(made)
    except (ValueError, TypeError, IndexError, AttributeError, OverflowError, ZeroDivisionError):
        return False
    if made is None or made is pair.actual:
        return False
    return _loosely(made, pair.expected) if np.ndim(made) else _same(pair.expected, made)


def _telling(pairs) -> bool:
    """Whether the wrong results are numerous enough that a relation is no accident."""
    numbers = []
    for pair in pairs:
        try:
            numbers += np.ravel(np.asarray(pair.actual, dtype=float)).tolist()[:20]
        except (TypeError, ValueError, OverflowError):
            return True
    whole = all(float(x).is_integer() if np.isfinite(x) else True for x in numbers)
    if whole:  # small numbers are related in many ways
        return len(pairs) >= 4 and len({(str(p.expected), str(p.actual)) for p in pairs}) >= 4
    return len(numbers) >= 2


# ---------------------------------------------------------------------------------------------------------
# Factors and terms: matched with what a right answer computes on the way


def _by_terms(exercise: Exercise, name: str, pairs: list[Pair]) -> str | None:
    if not all(_numeric(p.expected) and _numeric(p.actual) for p in pairs):
        return None
    if sum(np.size(p.expected) for p in pairs) < 4 or any(
        np.shape(p.expected) != np.shape(p.actual) for p in pairs
    ):
        return None
    subject = _quoted(name)
    right = [np.asarray(p.expected, dtype=float) for p in pairs]
    wrong = [np.asarray(p.actual, dtype=float) for p in pairs]
    everywhere = " in every call that is wrong" if len(pairs) > 1 else ""
    for value, words in SIMPLE.items():
        for factor, said in ((value, f"{words} times"), (1 / value, f"1/{words} of")):
            for sign, minus in ((1, ""), (-1, " with the sign turned round")):
                if all(_close(w, sign * factor * r, r) for r, w in zip(right, wrong, strict=True)):
                    return f"{subject} is {said} what it should be{minus}{everywhere}."
    seen = [terms_of(exercise, pair.case) for pair in pairs]
    common = [text for text in seen[0] if all(text in terms for terms in seen[1:])]
    for text in sorted(common, key=len):
        values = [terms[text] for terms in seen]
        if all(_close(np.asarray(v), np.asarray(w)) for v, w in zip(values, wrong, strict=True)) and _varied(
            wrong
        ):
            return f"What you give back{'' if name == 'the result' else f' as `{name}`'} is `{text}`."
    for text in sorted(common, key=len):
        values = [np.asarray(terms[text], dtype=float) for terms in seen]
        if not _varied(values) and all(np.size(v) == 1 for v in values):
            constant = True
        else:
            constant = False
        for made, words in (
            (lambda r, v: r * v, f"{subject} is too large by the factor `{text}`, or not divided by it"),
            (lambda r, v: r / v, f"{subject} lacks the factor `{text}`, or is divided by it once too often"),
            (
                lambda r, v: r + v,
                f"{subject} is too large by `{text}`: that is added once too often, or not taken off",
            ),
            (
                lambda r, v: r - v,
                f"{subject} is too small by `{text}`: that is missing, or taken off once too often",
            ),
            (lambda r, v: r + 2 * v, f"{subject} is too large by 2 · `{text}`: it enters with the wrong sign"),
            (lambda r, v: r - 2 * v, f"{subject} is too small by 2 · `{text}`: it enters with the wrong sign"),
            (lambda r, v: r * np.sqrt(v), f"{subject} is too large by the root of `{text}`"),
            (lambda r, v: r / np.sqrt(v), f"{subject} is too small by the root of `{text}`"),
            (lambda r, v: r * (1 - v), f"{subject} is what it should be, times 1 - `{text}`"),
            (lambda r, v: r / (1 - v), f"{subject} is what it should be, divided by 1 - `{text}`"),
        ):
            if constant and len(pairs) < 3:
                continue
            with np.errstate(all="ignore"):
                fits = all(
                    _broadcasts(v, r) and _close(w, made(r, v))
                    for r, v, w in zip(right, values, wrong, strict=True)
                )
            if fits:
                return f"{words}{everywhere}."
    return None


def _numeric(value) -> bool:
    if isinstance(value, bool | np.bool_) or (isinstance(value, int) and abs(value) > 1 << 62):
        return False
    return isinstance(value, int | float | np.number) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
    )


def _close(actual, made, right=None) -> bool:
    """Whether results are what a relation makes of the right ones, far closer than they are to those."""
    if actual.shape != made.shape:
        return False
    finite = np.isfinite(made) & np.isfinite(actual)
    if not np.array_equal(np.where(finite, 0, actual), np.where(finite, 0, made), equal_nan=True):
        return False
    left = np.abs(np.where(finite, actual, 0) - np.where(finite, made, 0))
    scale = np.abs(np.where(finite, made, 0))
    if not np.all(left <= 1e-7 * scale + 1e-10 * scale.max(initial=0)):
        return False
    if right is None:
        return bool(finite.any())
    with np.errstate(all="ignore"):
        apart = np.where((actual == right) | (np.isnan(actual) & np.isnan(right)), 0, np.abs(actual - right))
    apart = np.nan_to_num(apart, nan=np.inf, posinf=np.inf)
    return bool(apart.max(initial=0) > 0 and left.max(initial=0) <= 1e-3 * apart.max(initial=0))


def _broadcasts(value, shape) -> bool:
    try:
        return np.broadcast_shapes(np.shape(value), np.shape(shape)) == np.shape(shape)
    except ValueError:
        return False


def _varied(values) -> bool:
    flat = np.concatenate([np.ravel(v) for v in values]) if values else np.empty(0)
    return len(np.unique(np.round(flat, 12))) > 1


@functools.lru_cache(maxsize=64)
def _watched(exercise_name: str, reference: Callable) -> tuple[Any, list[str]]:
    """Return the reference's code with each of its expressions watched, and their texts."""
    tree = ast.parse(inspect.getsource(reference))
    texts: list[str] = []

    class Watch(ast.NodeTransformer):
        def generic_visit(self, node):
            text = ast.unparse(node) if isinstance(node, KINDS) and not _is_part_of_call(node) else ""
            node = super().generic_visit(node)
            if text and len(text) <= 60 and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
                texts.append(text)
                see = ast.Call(ast.Name("__see__", ast.Load()), [ast.Constant(len(texts) - 1), node], [])
                return ast.copy_location(see, node)
            return node

        def visit_Call(self, node):
            text = ast.unparse(node)
            node.args = [self.visit(argument) for argument in node.args]
            if len(text) > 60:
                return node
            texts.append(text)
            return ast.copy_location(
                ast.Call(ast.Name("__see__", ast.Load()), [ast.Constant(len(texts) - 1), node], []), node
            )

    KINDS = ast.BinOp | ast.UnaryOp | ast.Subscript | ast.Name

    def _is_part_of_call(node):
        return isinstance(node, ast.Name) and node.id in ("np", "math")

    tree.body[0].decorator_list = []
    tree = ast.fix_missing_locations(Watch().visit(tree))
    return compile(tree, f"<{exercise_name} watched>", "exec"), texts


def terms_of(exercise: Exercise, case: Case) -> dict[str, Any]:
    """Return the numbers and arrays that a right answer computes on a case, by their text, each computed once."""
    seen: dict[str, Any] = {}
    repeated: set[str] = set()
    try:
        code, texts = _watched(exercise.name, exercise.reference)
    except (SyntaxError, OSError, TypeError):
        return {}

    def see(number, value):
        text = texts[number]
        if _numeric(value) and np.size(value) <= 10_000:
            if text in seen and not np.array_equal(seen[text], value, equal_nan=True):
                repeated.add(text)
            seen[text] = np.array(value) if isinstance(value, np.ndarray) else value
        return value

    names = dict(vars(sys.modules[exercise.reference.__module__])) | {"__see__": see}
    exec(code, names)
    run_case(names[exercise.name], exercise, case)
    for name, value in _bound(exercise, case).items():
        if isinstance(value, np.ndarray) and value.ndim:
            seen[f"len({name})"] = len(value)
            if value.ndim > 1:
                seen[f"{name}.shape[1]"] = value.shape[1]
    return {text: value for text, value in seen.items() if text not in repeated}


def _bound(exercise: Exercise, case: Case) -> Iterator:
    try:
        return inspect.signature(exercise.reference).bind(*case.args, **case.kwargs).arguments
    except TypeError:
        return {}
