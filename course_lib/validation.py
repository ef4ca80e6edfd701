"""Checks of arguments, so that bad input is named where it enters.

Each function returns the value in the form that the caller goes on with. NaN never passes.
"""

import math
from numbers import Integral, Real

import numpy as np

__all__ = ["as_float_array", "as_float_dtype", "as_generator", "as_labels", "as_number", "as_positive_int"]


def as_positive_int(name: str, value: int, *, most: int | None = None) -> int:
    """Return `value` as an ``int`` of at least 1 (and at most `most`)."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < 1 or (most is not None and value > most):
        expected = "at least 1" if most is None else f"between 1 and {most}"
        raise ValueError(f"{name} must be {expected}, got {value}")
    return int(value)


def as_number(
    name: str,
    value: float,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
) -> float:
    """Return `value` as a finite ``float`` with above < value, least <= value, value < below."""
    if type(value) is not float and (isinstance(value, bool | np.bool_) or not isinstance(value, Real)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if (
        not math.isfinite(value)
        or (above is not None and value <= above)
        or (least is not None and value < least)
        or (below is not None and value >= below)
    ):
        bounds = [("greater than", above), ("at least", least), ("less than", below)]
        expected = " and ".join(["finite", *(f"{text} {bound:g}" for text, bound in bounds if bound is not None)])
        raise ValueError(f"{name} must be {expected}, got {value}")
    return float(value)


def as_float_array(name: str, value, *, ndim: int | None = None, finite: bool = True) -> np.ndarray:
    """Return `value` as a float array of `ndim` dimensions: float32 and float64 stay, integers become float64.

    With ``finite=False`` the caller looks for NaN and infinity.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name} must be an array of numbers, got dtype {array.dtype}")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimensions, got shape {array.shape}")
    if finite and not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity in it")
    return array


def as_float_dtype(name: str, value) -> np.dtype:
    """Return `value` as a dtype if it is float32 or float64."""
    try:
        dtype = np.dtype(value)
    except TypeError as error:
        raise TypeError(f"{name} must be float32 or float64, got {value!r}") from error
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"{name} must be float32 or float64, got {value!r}")
    return dtype


def as_labels(name: str, value, *, length: int, n_classes: int) -> np.ndarray:
    """Return `value` as class labels: integers of shape (length,) from 0 to n_classes − 1."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integer class labels, got dtype {array.dtype}")
    if array.shape != (length,):
        raise ValueError(f"{name} must have shape ({length},), one label per row of X, got {array.shape}")
    if length and not 0 <= array.min() <= array.max() < n_classes:
        raise ValueError(f"{name} must lie between 0 and {n_classes - 1}, got {array.min()} to {array.max()}")
    return array


def as_generator(name: str, value: np.random.Generator) -> np.random.Generator:
    """Return `value` if it is a ``numpy.random.Generator``."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(f"{name} must be a numpy.random.Generator such as np.random.default_rng(0), got {value!r}")
    return value
