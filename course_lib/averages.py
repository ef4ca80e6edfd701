"""Exponentially weighted averages: the trend of a jumping series, with one number of memory."""

import math
from collections.abc import Callable
from functools import cache
from numbers import Real

import numpy as np
from scipy.signal import lfilter

from course_lib.engine import compiled
from course_lib.validation import as_float_array, as_number, as_positive_int

__all__ = [
    "StreamingEMA",
    "best_beta",
    "correction_steps",
    "debiased_weights",
    "effective_window",
    "ema",
    "ema_weights",
]

ROUNDING = 2.0**-54  # where beta**t is no more than this, 1 - beta**t is 1


def ema(
    theta: np.ndarray, *, beta: float | np.ndarray, initial: float = 0.0, bias_correction: bool = False
) -> np.ndarray:
    """Average exponentially along the first axis: v_t = beta · v_{t−1} + (1 − beta) · theta_t.

    Parameters
    ----------
    theta : ndarray of shape (T, ...)
        One series, or many side by side, each running along the first axis. Not changed.
    beta : float or ndarray, 0 <= beta < 1
        How much of the old average is kept. An array asks for one average per entry.
    initial : float, default 0
        v_0, the average before the first value.
    bias_correction : bool, default False
        Divide v_t by 1 − beta**t, the sum of its weights. Only for an average that starts at 0.

    Returns
    -------
    ndarray of shape ``np.shape(beta) + theta.shape``
        v_1 … v_T for each beta. float32 in, float32 out (the recurrence itself runs in float64).

    Raises
    ------
    TypeError, ValueError
        If `theta` is empty or no array, holds NaN or infinity (see `StreamingEMA` for missing values), a beta lies
        outside [0, 1), or a correction is asked for an average that does not start at 0.

    Notes
    -----
    pandas calls it ``ewm(alpha=1 - beta, adjust=bias_correction).mean()``, but starts the uncorrected one at
    ``initial = theta[0]``.

    Examples
    --------
    >>> ema(np.array([8.0, 8.0, 8.0]), beta=0.5)
    array([4., 6., 7.])
    >>> ema(np.array([8.0, 8.0, 8.0]), beta=0.5, bias_correction=True)
    array([8., 8., 8.])
    """
    theta = _as_series("theta", theta, finite=False)
    initial = as_number("initial", initial)
    if bias_correction and initial != 0:
        raise ValueError(f"initial must be 0 with bias_correction, which undoes a start at 0, got {initial}")
    if isinstance(beta, Real):
        beta = as_number("beta", beta, least=0, below=1)
        return _average(theta, beta, initial, bias_correction, np.empty(theta.shape, theta.dtype))
    betas = _as_betas("beta", beta)
    v = np.empty(betas.shape + theta.shape, theta.dtype)
    for index in np.ndindex(betas.shape):
        _average(theta, float(betas[index]), initial, bias_correction, v[index])
    return v


def _average(theta: np.ndarray, beta: float, initial: float, bias_correction: bool, v: np.ndarray) -> np.ndarray:
    """Fill `v` with the averages of `theta` along its first axis."""
    loops = _loops()
    if loops is None:
        start = np.full((1, *theta.shape[1:]), beta * initial)
        v[...], _ = lfilter([1 - beta], [1.0, -beta], theta.astype(np.float64, copy=False), axis=0, zi=start)
    elif theta.ndim == 1:
        loops[0](theta, beta, initial, v)
    else:
        T, n = len(theta), math.prod(theta.shape[1:])
        loops[1](theta.reshape(T, n), beta, np.full(n, initial), v.reshape(T, n))
    if not math.isfinite(v[-1] if v.ndim == 1 else v[-1].sum()):  # NaN and infinity never leave an average again
        as_float_array("theta", theta)
    if bias_correction:
        steps = np.arange(1, min(len(theta), correction_steps(beta, tolerance=ROUNDING)) + 1)
        v[: len(steps)] /= (1 - beta**steps).reshape(-1, *[1] * (theta.ndim - 1))
    return v


@cache
def _loops() -> tuple[Callable, Callable] | None:
    series, rows = compiled(_average_series), compiled(_average_rows)
    return (series, rows) if series else None


def _average_series(theta, beta, initial, v):
    # Each value waits for the last one. Four at a time wait only once: what the last one adds to the fourth is
    # beta**4 times it, and the rest of the fourth can be computed meanwhile.
    last, b1, b2, b3, b4 = initial, beta, beta**2, beta**3, beta**4
    whole = theta.size - theta.size % 4
    for t in range(0, whole, 4):
        own1 = (1 - beta) * theta[t]
        own2 = beta * own1 + (1 - beta) * theta[t + 1]
        own3 = beta * own2 + (1 - beta) * theta[t + 2]
        own4 = beta * own3 + (1 - beta) * theta[t + 3]
        v[t] = b1 * last + own1
        v[t + 1] = b2 * last + own2
        v[t + 2] = b3 * last + own3
        last = b4 * last + own4
        v[t + 3] = last
    for t in range(whole, theta.size):
        last = beta * last + (1 - beta) * theta[t]
        v[t] = last


def _average_rows(theta, beta, last, v):
    for t in range(theta.shape[0]):
        for j in range(theta.shape[1]):
            last[j] = beta * last[j] + (1 - beta) * theta[t, j]
            v[t, j] = last[j]


def ema_weights(t: int, *, beta: float) -> np.ndarray:
    """Return the weights that theta_1 … theta_t have in v_t: (1 − beta) · beta**(t − i), the oldest first.

    Parameters
    ----------
    t : int
        Number of values, at least 1.
    beta : float, 0 <= beta < 1

    Returns
    -------
    ndarray of shape (t,)
        They sum to 1 − beta**t; the rest is the weight of the start v_0.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range.
    """
    t, beta = as_positive_int("t", t), as_number("beta", beta, least=0, below=1)
    return (1 - beta) * beta ** np.arange(t - 1, -1, -1)


def debiased_weights(t: int, *, beta: float) -> np.ndarray:
    """Return the weights that theta_1 … theta_t have in the corrected average, the oldest first.

    They are `ema_weights` divided by their sum 1 − beta**t. Arguments as there.
    """
    return ema_weights(t, beta=beta) / (1 - beta**t)


def effective_window(beta: float | np.ndarray, kind: str) -> float | np.ndarray:
    """Say over how many values an average with `beta` "goes", in one of four senses.

    Parameters
    ----------
    beta : float or ndarray, 0 <= beta < 1
    kind : {"rule", "mean age", "equal noise", "half-life"}
        "rule" is the rule of thumb 1 / (1 − beta): after so many steps a weight has fallen to about 1/e.
        "mean age" is beta / (1 − beta), the weighted mean of how many steps ago the values came: the lag.
        "equal noise" is (1 + beta) / (1 − beta): a plain mean of so many independent values is as noisy.
        "half-life" is ln(1/2) / ln(beta): after so many steps a weight has halved.

    Returns
    -------
    float, or ndarray of the shape of `beta`

    Raises
    ------
    TypeError, ValueError
        If beta is out of range or `kind` is none of the four.

    Notes
    -----
    pandas calls the mean age ``com``, equal noise ``span`` and the half-life ``halflife``.
    """
    b = _as_betas("beta", beta)
    if kind == "rule":
        window = 1 / (1 - b)
    elif kind == "mean age":
        window = b / (1 - b)
    elif kind == "equal noise":
        window = (1 + b) / (1 - b)
    elif kind == "half-life":
        with np.errstate(divide="ignore"):  # beta = 0 forgets at once: ln(1/2) / −inf is 0, as it should be
            window = math.log(0.5) / np.log(b)
    else:
        raise ValueError(f"kind must be 'rule', 'mean age', 'equal noise' or 'half-life', got {kind!r}")
    return window if b.ndim else float(window)


def correction_steps(beta: float, *, tolerance: float) -> int:
    """Return the first step t after which an uncorrected average is low by at most `tolerance`.

    Parameters
    ----------
    beta : float, 0 <= beta < 1
    tolerance : float, 0 < tolerance < 1
        As a fraction of the true mean: 0.01 is one per cent.

    Returns
    -------
    int
        The smallest t >= 1 with beta**t <= tolerance.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range.

    Examples
    --------
    >>> correction_steps(0.9, tolerance=0.01), correction_steps(0.999, tolerance=0.01)
    (44, 4603)
    """
    beta = as_number("beta", beta, least=0, below=1)
    tolerance = as_number("tolerance", tolerance, above=0, below=1)
    if beta <= tolerance:
        return 1
    t = math.ceil(math.log(tolerance) / math.log(beta))
    # The quotient of two rounded logarithms may fall on the wrong side of a whole number.
    if beta ** (t - 1) <= tolerance:
        return t - 1
    return t if beta**t <= tolerance else t + 1


def best_beta(theta: np.ndarray, betas: np.ndarray, *, skip: int = 0) -> tuple[float, np.ndarray]:
    """Choose the beta whose average forecasts the next value best.

    Parameters
    ----------
    theta : ndarray of shape (T,)
        The series.
    betas : ndarray of shape (k,), 0 <= beta < 1
        Candidates.
    skip : int, default 0
        Forecasts to leave out at the beginning, where an average that starts at 0 is still far too low.

    Returns
    -------
    beta : float
        The candidate with the smallest error; the first of them on a tie.
    errors : ndarray of shape (k,)
        For each candidate the mean of (theta_{t+1} − v_t)² over t = skip + 1, …, T − 1.

    Raises
    ------
    TypeError, ValueError
        If the shapes do not fit, a beta is out of range, or `skip` leaves no forecast.
    """
    theta = as_float_array("theta", theta, ndim=1)
    betas = _as_betas("betas", betas)
    if betas.ndim != 1 or len(betas) == 0:
        raise ValueError(f"betas must have shape (k,) with k >= 1, got {betas.shape}")
    if isinstance(skip, bool) or not isinstance(skip, int | np.integer):
        raise TypeError(f"skip must be a whole number, got {skip!r}")
    if not 0 <= skip <= len(theta) - 2:
        raise ValueError(f"skip must be between 0 and T - 2 = {len(theta) - 2}, got {skip}")
    forecasts = ema(theta.astype(np.float64, copy=False), beta=betas)[:, :-1]
    errors = np.mean((theta[1:] - forecasts)[:, skip:] ** 2, axis=1)
    return float(betas[np.argmin(errors)]), errors


class StreamingEMA:
    """A bias-corrected average of values that come one at a time, some of them missing.

    Parameters
    ----------
    beta : float, 0 <= beta < 1

    Attributes
    ----------
    value : float
        The average of what was seen: a weighted mean whose weights sum to 1. NaN before the first value.
    weight : float
        Sum of the weights before they were divided by it: 1 − beta**t when no day was missing.
    t : int
        Days so far, missing ones included.

    Raises
    ------
    TypeError, ValueError
        If beta is out of range.

    Notes
    -----
    Time passes on a missing day too: it ages every weight by beta and adds none. That is
    ``ewm(alpha=1 - beta, adjust=True, ignore_na=False)`` in pandas; ``ignore_na=True`` would stop the clock.

    Examples
    --------
    >>> stream = StreamingEMA(beta=0.5)
    >>> [round(stream.update(reading), 6) for reading in (8.0, None, 2.0)]
    [8.0, 8.0, 3.2]
    """

    def __init__(self, *, beta: float):
        self.beta = as_number("beta", beta, least=0, below=1)
        self.value = math.nan
        self.weight = 0.0
        self.t = 0

    def update(self, theta: float | None) -> float:
        """Take in one day's value, None or NaN for a missing one, and return the average.

        Raises
        ------
        TypeError, ValueError
            If `theta` is no number, or infinite.
        """
        missing = theta is None or (isinstance(theta, float | np.floating) and math.isnan(theta))
        if not missing:
            theta = as_number("theta", theta)
        self.t += 1
        self.weight *= self.beta
        if not missing:
            self.weight += 1 - self.beta
            # Moving the mean, instead of dividing a sum by the weight, survives gaps in which both underflow.
            share = (1 - self.beta) / self.weight
            self.value = theta if share == 1 else self.value + share * (theta - self.value)
        return self.value


def _as_series(name: str, value, *, finite: bool = True) -> np.ndarray:
    array = as_float_array(name, value, finite=finite)
    if array.ndim == 0 or len(array) == 0:
        raise ValueError(f"{name} must have at least one value along its first axis, got shape {array.shape}")
    return array


def _as_betas(name: str, value) -> np.ndarray:
    """Return `value` as a float64 array of factors in [0, 1)."""
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be a number, got {value!r}")
    betas = as_float_array(name, value).astype(np.float64)
    if np.any((betas < 0) | (betas >= 1)):
        raise ValueError(f"{name} must be finite and at least 0 and less than 1, got {value}")
    return betas
