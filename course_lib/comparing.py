"""Compare what came out with what was expected, strictly, and put the first difference into a sentence."""

import reprlib
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Difference", "compare", "describe"]


@dataclass(frozen=True)
class Difference:
    """The first thing in which a result differs from what was expected: its kind and a sentence."""

    kind: str  # "type", "shape", "dtype" or "value"
    text: str


def describe(value: Any) -> str:
    """Say in a few words what a value is."""
    if isinstance(value, np.ndarray):
        return f"a NumPy array of shape {value.shape}"
    if value is None:
        return "`None` (is there a `return`?)"
    if isinstance(value, str | bool | np.bool_):
        return f"`{reprlib.repr(value)}`"
    if isinstance(value, int) and abs(value) > 10**30:
        return "a huge int"
    if isinstance(value, np.generic | int | float):
        return f"the {type(value).__name__} {value!s}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)} item{'s' * (len(value) != 1)}"
    if callable(value):
        return "a function that was not called"
    return f"a value of type `{type(value).__name__}`"


def _quoted(name: str) -> str:
    """Names of variables as code, descriptions as the beginning of a sentence."""
    return f"`{name}`" if name.split("[")[0].isidentifier() else name[0].upper() + name[1:]


def _different_digits(a: float, b: float) -> tuple[str, str]:
    """Write two numbers with as few digits as show that they differ."""
    for digits in range(4, 18):
        texts = f"{a:.{digits}g}", f"{b:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts


def _tolerance(dtype: np.dtype) -> float:
    """Relative tolerance: thousands of roundings of the dtype, far below any change of the formula."""
    return 1e-4 if dtype in (np.float16, np.float32) else 1e-9


def compare(
    expected: Any, actual: Any, name: str, *, rtol: float | None = None, atol: float = 0.0, dtype: bool = False
) -> Difference | None:
    """Return the first difference between two results, or None where they agree.

    Strict about type and shape: nothing is broadcast. Numbers count, not their dtype, unless `dtype` is true. They
    agree within `rtol` of their own size (or `atol`), entries of arrays within `rtol` of each entry plus
    `rtol`/1000 of the largest.
    """
    if isinstance(expected, np.ndarray):
        return _compare_arrays(expected, actual, name, rtol, atol, dtype)
    if isinstance(expected, tuple | list):
        if not isinstance(actual, tuple | list):
            return Difference(
                "type", f"{_quoted(name)} should be {len(expected)} values, but is {describe(actual)}."
            )
        if len(actual) != len(expected):
            return Difference(
                "shape", f"{_quoted(name)} should have {len(expected)} items, but has {len(actual)}."
            )
        found = (
            compare(e, a, f"{name}[{i}]", rtol=rtol, atol=atol, dtype=dtype)
            for i, (e, a) in enumerate(zip(expected, actual, strict=True))
        )
        return next((difference for difference in found if difference), None)
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or actual.keys() != expected.keys():
            keys = ", ".join(map(repr, expected))
            return Difference("type", f"{_quoted(name)} should be a dictionary with the keys {keys}.")
        found = (
            compare(e, actual[key], f"{name}[{key!r}]", rtol=rtol, atol=atol, dtype=dtype)
            for key, e in expected.items()
        )
        return next((difference for difference in found if difference), None)
    if isinstance(expected, bool | np.bool_ | str):
        if isinstance(actual, type(expected) | np.bool_) and actual == expected:
            return None
        return Difference("value", f"{_quoted(name)}: expected {_plain(expected)}, but yours: {_plain(actual)}.")
    if not isinstance(expected, int | float | np.integer | np.floating):
        same = type(expected) is type(actual) and bool(expected == actual)
        return None if same else Difference("type", f"{_quoted(name)} should not be {describe(actual)}.")
    return _compare_numbers(expected, actual, name, rtol, atol)


def _plain(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return textwrap.shorten(value, 200) or "none" if isinstance(value, str) else describe(value)


def _compare_numbers(expected, actual, name, rtol, atol) -> Difference | None:
    whole = isinstance(expected, int | np.integer)
    if isinstance(actual, np.ndarray) and actual.ndim == 0:
        actual = actual[()]
    if isinstance(actual, np.ndarray):
        return Difference("shape", f"{_quoted(name)} should be one number, but is {describe(actual)}.")
    if isinstance(actual, bool | np.bool_) or not isinstance(actual, int | float | np.integer | np.floating):
        return Difference("type", f"{_quoted(name)} should be a number, but is {describe(actual)}.")
    if whole and not isinstance(actual, int | np.integer):
        return Difference(
            "type", f"{_quoted(name)} should be a whole number (an `int`), but is {describe(actual)}."
        )
    if whole:
        if actual == expected:
            return None
        shown = describe(actual) if abs(actual) > 10**30 else actual
        return Difference("value", f"{_quoted(name)} should be {expected}, but yours is {shown}.")
    if isinstance(actual, int) and abs(actual) > 10**300:
        return Difference("value", f"{_quoted(name)} should be {expected:.4g}, but yours is a huge int.")
    with np.errstate(all="ignore"):
        tolerance = rtol or _tolerance(np.asarray(expected).dtype)
        if np.isclose(float(actual), float(expected), rtol=tolerance, atol=max(atol, 1e-14), equal_nan=True):
            return None
    right, wrong = _different_digits(float(expected), float(actual))
    return Difference(
        "value", f"{_quoted(name)} should be {right}, but yours is {wrong}.{_ratio(expected, actual)}"
    )


def _compare_arrays(expected, actual, name, rtol, atol, dtype) -> Difference | None:
    if type(actual) is not np.ndarray:
        return Difference("type", f"{_quoted(name)} should be a NumPy array, but is {describe(actual)}.")
    if actual.shape != expected.shape:
        return Difference(
            "shape",
            f"{_quoted(name)} should have shape {expected.shape}, but yours has shape {actual.shape}.",
        )
    if (dtype and actual.dtype != expected.dtype) or not _comparable(expected.dtype.kind, actual.dtype.kind):
        return Difference(
            "dtype",
            f"{_quoted(name)} should have dtype {expected.dtype}, but yours has dtype {actual.dtype}.",
        )
    if actual.dtype == expected.dtype and actual.tobytes() == expected.tobytes():
        return None  # to the last bit, as most right answers are; much faster than looking closely
    if "f" not in (expected.dtype.kind, actual.dtype.kind):
        wrong = actual != expected
    else:
        tolerance = rtol or _tolerance(expected.dtype)
        scale = float(np.abs(expected[np.isfinite(expected)]).max(initial=0))
        least = max(atol, tolerance / 1000 * scale or 1e-14)
        with np.errstate(all="ignore"):
            close = np.isclose(actual, expected, rtol=tolerance, atol=least, equal_nan=True)
        wrong = ~close
    if not wrong.any():
        return None
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = ", ".join(map(str, first))
    e, a = _different_digits(float(expected[first]), float(actual[first]))
    many = f" ({int(wrong.sum())} of {wrong.size} entries differ.)" if wrong.size > 1 else ""
    entry = f"`{name}[{where}]`" if name.isidentifier() else f"{_quoted(name)} at [{where}]"
    return Difference("value", f"{entry} should be {e}, but yours is {a}.{many}{_ratio(expected, actual)}")


def _comparable(expected: str, actual: str) -> bool:
    """Whether arrays of these kinds can hold the same numbers."""
    return expected == actual or (expected in "iuf" and actual in "iuf")


def _ratio(expected, actual) -> str:
    """Say so where all numbers are one multiple of what they should be: often the whole mistake."""
    expected, actual = np.asarray(expected, dtype=float), np.asarray(actual, dtype=float)
    used = (expected != 0) & np.isfinite(actual) & np.isfinite(expected)
    if not used.any() or np.any(actual[~used] != expected[~used]):
        return ""
    with np.errstate(all="ignore"):
        ratios = actual[used] / expected[used]
    ratio = float(ratios.flat[0])
    if ratio == 0 or not np.isfinite(ratio) or not np.allclose(ratios, ratio, rtol=1e-6):
        return ""
    telling = abs(ratio) if abs(ratio) >= 1 else 1 / abs(ratio)
    if telling > 1000 or not np.isclose(telling, round(telling), rtol=1e-6) or abs(ratio - 1) < 1e-3:
        return ""  # 0.9561 times is an accident of the case; 3 times, or a third, may be a forgotten factor
    if np.isclose(ratio, -1):
        return " The sign is the wrong way round."
    return f" Yours is {ratio:.4g} times what it should be{' everywhere' if expected.size > 1 else ''}."
