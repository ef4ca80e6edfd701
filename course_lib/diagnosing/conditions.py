"""What the calls that fail have in common, and no other call has."""

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from course_lib.exercises import Case, Exercise, Seed

__all__ = ["condition", "given_of"]

# What may be so by chance; it is said only where there are enough calls on both sides.
DULL = (
    "is not",
    "axis",
    "axes",
    "larger than",
    "smaller than",
    "divide",
    "equals",
    "rows than",
    "square",
    "order",
)
DULL += ("largest entry", "smallest entry", "keys of")
ENOUGH = 4


def given_of(exercise: Exercise, case: Case) -> dict[str, Any]:
    """Return the arguments of a case by name, with the defaults of those that are left out."""
    try:
        bound = inspect.signature(exercise.reference).bind(*case.args, **case.kwargs)
    except TypeError:  # the cases of a class are no calls
        return {}
    bound.apply_defaults()
    return dict(bound.arguments)


def _facts(name: str, value: Any) -> Iterator[str]:
    """Yield what is so about an argument, in words that follow "only where"."""
    quoted = f"`{name}`"
    if isinstance(value, bool | str) or value is None:
        yield f"{quoted} is {value!r}"
    elif isinstance(value, int | float | np.number):
        number = float(value)
        for special in (0, 1, 2, -1):
            if number == special:
                yield f"{quoted} is {special}"
        if np.isnan(number):
            yield f"{quoted} is NaN"
        elif np.isinf(number):
            yield f"{quoted} is infinite"
        else:
            if number < 0:
                yield f"{quoted} is negative"
            if 0 < abs(number) < 1e-6:
                yield f"{quoted} is tiny"
            if number != 0:
                yield f"{quoted} is not 0"
            if number != 1:
                yield f"{quoted} is not 1"
            if not number.is_integer():
                yield f"{quoted} is not a whole number"
        if not isinstance(value, int | float):
            yield f"{quoted} is a NumPy number"
    elif isinstance(value, np.ndarray | list | tuple):
        yield from _array_facts(quoted, value)
    elif isinstance(value, dict):
        yield f"`{name}` has {'one key' if len(value) == 1 else 'several keys' if value else 'no key'}"
        yield f"the keys of `{name}` are {', '.join(map(repr, value))}"
        for item in list(value.values())[:1]:
            yield from (fact.replace(quoted, f"the first entry of {quoted}") for fact in _facts(name, item))


def _array_facts(quoted: str, value) -> Iterator[str]:
    try:
        array = np.asarray(value)
    except ValueError:  # of unequal lengths
        return
    shape = array.shape
    if array.ndim == 0:
        yield f"{quoted} has the shape ()"
    else:
        yield f"{quoted} has {array.ndim} {'axis' if array.ndim == 1 else 'axes'}"
        if array.ndim > 1:
            yield f"{quoted} has more than one axis"
            yield f"{quoted} is {'' if shape[0] == shape[1] else 'not '}square"
            if shape[0] == 1:
                yield f"{quoted} has one row"
            if shape[1] == 1:
                yield f"{quoted} has one column"
            yield f"{quoted} has {'more' if shape[0] > shape[1] else 'fewer'} rows than columns"
        if array.size == 0:
            yield f"{quoted} is empty"
        elif array.size == 1:
            yield f"{quoted} has one entry"
        elif len(array) == 2:
            yield f"{quoted} has two {'rows' if array.ndim > 1 else 'entries'}"
        if array.size > 1:
            yield f"{quoted} has more than one entry"
    if array.dtype.kind not in "iufb" or not array.size:
        return
    if array.dtype.kind == "i":
        yield f"{quoted} holds integers"
    if array.dtype == np.float32:
        yield f"{quoted} is float32"
    numbers = array.astype(float)
    finite = numbers[np.isfinite(numbers)]
    for is_so, words in (
        (np.isnan(numbers).any(), "holds NaN"),
        (np.isinf(numbers).any(), "holds infinity"),
        (not np.isfinite(numbers).all(), "holds NaN or infinity"),
        (np.isfinite(numbers).all(), "holds finite numbers only"),
        ((numbers == 0).any(), "holds a 0"),
        (np.ravel(numbers)[0] == 0, "begins with a 0"),
        (bool((numbers == 0).all()), "is 0 throughout"),
        ((numbers != 0).any(), "is not 0 throughout"),
        ((finite < 0).any(), "holds negative numbers"),
        (bool((finite >= 0).all()), "holds no negative number"),
        (bool((finite <= 0).all()), "holds no positive number"),
        ((np.abs(finite) > 500).any(), "holds numbers in the hundreds or thousands"),
        (bool((np.abs(finite) < 1e-5).all()), "holds tiny numbers only"),
        (array.size > 1 and len(np.unique(finite)) < finite.size, "holds equal numbers"),
        (array.size > 1 and len(np.unique(finite)) == 1, "holds one value throughout"),
        (array.ndim == 1 and array.size > 1 and bool((np.diff(numbers) >= 0).all()), "is in ascending order"),
        (array.ndim == 1 and array.size > 1 and not (np.diff(numbers) >= 0).all(), "is not in ascending order"),
        (array.ndim == 1 and array.size > 1 and bool((np.diff(numbers) <= 0).all()), "is in descending order"),
        (array.ndim == 1 and array.size > 1 and numbers.argmax() == array.size - 1, "has its largest entry last"),
        (array.ndim == 1 and array.size > 1 and numbers.argmin() == array.size - 1, "has its smallest entry last"),
        (array.ndim == 1 and array.size > 1 and numbers.argmin() == 0, "has its smallest entry first"),
    ):
        if is_so:
            yield f"{quoted} {words}"
    if array.ndim > 1 and array.size > 1 and (np.ptp(numbers, axis=0) == 0).any():
        yield f"{quoted} has a constant column"


def _sizes(given: dict[str, Any]) -> dict[str, float]:
    """Return the numbers and lengths among the arguments."""
    found = {}
    for name, value in given.items():
        if isinstance(value, bool):
            continue
        if isinstance(value, int | float | np.number) and np.isfinite(float(value)):
            found[f"`{name}`"] = float(value)
        elif isinstance(value, np.ndarray) and value.ndim:
            found[f"the number of {'rows' if value.ndim > 1 else 'entries'} of `{name}`"] = float(len(value))
            if value.dtype.kind == "i" and value.size:
                found[f"the largest entry of `{name}` plus 1"] = float(value.max()) + 1
            if value.ndim > 1:
                found[f"the number of columns of `{name}`"] = float(value.shape[1])
        elif isinstance(value, list | tuple | dict):
            found[f"the number of entries of `{name}`"] = float(len(value))
    return found


def _relations(sizes: dict[str, float]) -> Iterator[str]:
    names = list(sizes)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            x, y = sizes[a], sizes[b]
            if x == y:
                yield f"{a} equals {b}"
            elif x < y:
                yield f"{a} is smaller than {b}"
            else:
                yield f"{a} is larger than {b}"
            for big, small, p, q in ((x, y, a, b), (y, x, b, a)):
                if small >= 1 and big >= 1 and big.is_integer() and small.is_integer():
                    if big % small:
                        yield f"{q} does not divide {p}"
                    else:
                        yield f"{q} divides {p}"


def _of_result(expected: Any) -> Iterator[str]:
    values = expected if isinstance(expected, tuple | list) else [expected]
    for value in values:
        if isinstance(value, int | float | np.number) and not isinstance(value, bool):
            if np.isinf(float(value)):
                yield "the right result is infinite"
            elif value == 0:
                yield "the right result is 0"


def _thresholds(failing: list[dict[str, float]], passing: list[dict[str, float]]) -> Iterator[str]:
    for name in failing[0]:
        bad, good = [f.get(name) for f in failing], [g.get(name) for g in passing]
        if None in bad or None in good or not good:
            continue
        if min(bad) > max(good):
            yield f"{name} is {min(bad):g} or more (up to {max(good):g} it is right)"
        elif max(bad) < min(good):
            yield f"{name} is {max(bad):g} or less (from {min(good):g} on it is right)"


def condition(
    exercise: Exercise,
    tried: list[tuple[Case, Any, bool]],
) -> str | None:
    """Return what is so of all calls that failed and of no other, in words that follow "only where".

    Parameters
    ----------
    exercise : Exercise
        What was asked.
    tried : list of (Case, dict, bool)
        The cases, the values that belong there, and whether the answer agreed. Cases that were drawn only to test
        the condition count like all others.
    """
    failing = [(c, right) for c, right, fine in tried if not fine]
    passing = [(c, right) for c, right, fine in tried if fine]
    if not failing or not passing:
        return None
    varied = {c.varied for c, _ in failing}
    if len(varied) == 1 and "" not in varied and not any(c.varied in varied for c, _ in passing):
        return varied.pop()
    given = [[given_of(exercise, c) for c, _ in group] for group in (failing, passing)]
    sizes = [[_sizes(g) for g in group] for group in given]
    words = [
        [
            dict.fromkeys(
                [
                    *(
                        fact
                        for name, value in g.items()
                        if not isinstance(value, Seed)
                        for fact in _facts(name, value)
                    ),
                    *_relations(s),
                    *(fact for value in right.values() for fact in _of_result(value)),
                ]
            )
            for g, s, (_, right) in zip(group, group_sizes, cases, strict=True)
        ]
        for group, group_sizes, cases in zip(given, sizes, (failing, passing), strict=True)
    ]
    common = [fact for fact in words[0][0] if all(fact in facts for facts in words[0])]
    telling = [fact for fact in common if not any(fact in facts for facts in words[1])]
    many = min(len(failing), len(passing)) >= ENOUGH
    telling = [fact for fact in telling if many or not any(word in fact for word in DULL)]
    if telling:
        return min(telling, key=lambda fact: (sum(word in fact for word in DULL), len(fact)))
    thresholds = list(_thresholds(*sizes)) if many else []
    return thresholds[0] if thresholds else None
