"""Learning rates that change: a schedule is a plain function ``t -> lr`` of the step, which counts from 1.

Each factory below returns one. A schedule has no state: it takes a single step or an array of steps, in any order
and as often as you like, so plotting it uses nothing up. Every optimizer of the course takes one as its ``lr``.

With ``steps_per_epoch`` the rate changes from epoch to epoch and stays the same within one. Its default, 1, makes
every step an epoch of its own: the rate changes from iteration to iteration.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from course_lib.validation import as_float_array, as_number, as_positive_int

__all__ = [
    "Schedule",
    "by_hand",
    "constant",
    "cosine",
    "every",
    "exponential",
    "inverse_sqrt",
    "inverse_time",
    "range_test",
    "sgd_steady_state_variance",
    "staircase",
]

Schedule = Callable[[int | np.ndarray], float | np.ndarray]


def _schedule(rate: Callable[[np.ndarray], np.ndarray]) -> Schedule:
    """Make a schedule of a formula on arrays of steps: check t, and return a float where t is one number."""

    def schedule(t):
        steps = np.asarray(t)
        if steps.dtype.kind not in "iu":
            raise TypeError(f"t must be a whole number or an array of whole numbers, got {t!r}")
        if steps.size and steps.min() < 1:
            raise ValueError(f"t counts steps from 1, got {steps.min()}")
        lr = rate(steps)
        return float(lr) if steps.ndim == 0 else lr

    return schedule


def _finished_epochs(t: np.ndarray, steps_per_epoch: int) -> np.ndarray:
    """Return how many epochs are complete before step t: 0 for the steps of the first epoch."""
    return (t - 1) // steps_per_epoch


def constant(lr: float) -> Schedule:
    """Return the schedule that is `lr` at every step.

    Parameters
    ----------
    lr : float
        Learning rate, positive.

    Raises
    ------
    TypeError, ValueError
        If `lr` is not a positive number.
    """
    lr = as_number("lr", lr, above=0)
    return _schedule(lambda t: np.full(t.shape, lr))


def inverse_time(lr0: float, *, decay_rate: float, steps_per_epoch: int = 1) -> Schedule:
    """Return lr0 / (1 + decay_rate · epoch), with epochs counted from 0.

    Parameters
    ----------
    lr0 : float
        Rate of the first epoch, positive.
    decay_rate : float
        At least 0. After 1 / decay_rate epochs the rate has halved.
    steps_per_epoch : int, default 1
        Updates per epoch; 1 means decay at every update.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.

    Notes
    -----
    ``InverseTimeDecay`` in Keras, with ``staircase=True`` where `steps_per_epoch` is above 1.

    Examples
    --------
    >>> lr = inverse_time(0.2, decay_rate=1.0, steps_per_epoch=10)
    >>> lr(1), lr(10), lr(11)
    (0.2, 0.2, 0.1)
    """
    lr0 = as_number("lr0", lr0, above=0)
    decay_rate = as_number("decay_rate", decay_rate, least=0)
    steps_per_epoch = as_positive_int("steps_per_epoch", steps_per_epoch)
    return _schedule(lambda t: lr0 / (1 + decay_rate * _finished_epochs(t, steps_per_epoch)))


def exponential(lr0: float, *, factor: float, steps_per_epoch: int = 1, smooth: bool = False) -> Schedule:
    """Return lr0 · factor**epoch, with epochs counted from 0.

    Parameters
    ----------
    lr0 : float
        Rate at the first step, positive.
    factor : float
        What the rate is multiplied by from one epoch to the next, 0 < factor <= 1.
    steps_per_epoch : int, default 1
        Updates per epoch.
    smooth : bool, default False
        Spread the decay over the steps of an epoch (its number may then be a fraction), instead of leaving the
        rate as it is until the next epoch begins.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.

    Notes
    -----
    ``torch.optim.lr_scheduler.ExponentialLR`` with its ``step()`` called once an epoch; ``ExponentialDecay`` in
    Keras, where `smooth` is ``staircase=False``.
    """
    lr0 = as_number("lr0", lr0, above=0)
    factor = _as_factor(factor)
    steps_per_epoch = as_positive_int("steps_per_epoch", steps_per_epoch)
    if smooth:
        return _schedule(lambda t: lr0 * factor ** ((t - 1) / steps_per_epoch))
    return _schedule(lambda t: lr0 * factor ** _finished_epochs(t, steps_per_epoch))


def inverse_sqrt(k: float, *, steps_per_epoch: int = 1) -> Schedule:
    """Return k / √epoch, with epochs counted from 1; with the default ``steps_per_epoch=1`` this is k / √t.

    Parameters
    ----------
    k : float
        Rate of the first epoch, positive. (The lectures write k · α₀; only the product matters.)
    steps_per_epoch : int, default 1
        Updates per epoch.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.
    """
    k = as_number("k", k, above=0)
    steps_per_epoch = as_positive_int("steps_per_epoch", steps_per_epoch)
    return _schedule(lambda t: k / np.sqrt(_finished_epochs(t, steps_per_epoch) + 1))


def staircase(lr0: float, *, factor: float, milestones: Sequence[int], steps_per_epoch: int = 1) -> Schedule:
    """Return a rate that is multiplied by `factor` at each milestone.

    Parameters
    ----------
    lr0 : float
        Rate before the first milestone, positive.
    factor : float
        0 < factor <= 1.
    milestones : sequence of int
        Epochs, counted from 0, that are the first at the lower rate. Strictly ascending, each at least 1.
    steps_per_epoch : int, default 1
        Updates per epoch.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.

    Notes
    -----
    ``torch.optim.lr_scheduler.MultiStepLR`` with its ``step()`` called once an epoch.
    """
    lr0 = as_number("lr0", lr0, above=0)
    factor = _as_factor(factor)
    steps_per_epoch = as_positive_int("steps_per_epoch", steps_per_epoch)
    edges = _as_ascending("milestones", milestones)
    return _schedule(
        lambda t: lr0 * factor ** np.searchsorted(edges, _finished_epochs(t, steps_per_epoch), side="right")
    )


def every(lr0: float, *, factor: float, epochs: int, steps_per_epoch: int = 1) -> Schedule:
    """Return a rate that is multiplied by `factor` every so many epochs.

    Parameters
    ----------
    lr0 : float
        Rate of the first `epochs` epochs, positive.
    factor : float
        0 < factor <= 1.
    epochs : int
        Width of a step of the stairs.
    steps_per_epoch : int, default 1
        Updates per epoch.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.

    Notes
    -----
    ``torch.optim.lr_scheduler.StepLR`` with its ``step()`` called once an epoch.
    """
    steps_per_epoch = as_positive_int("steps_per_epoch", steps_per_epoch)
    return exponential(lr0, factor=factor, steps_per_epoch=as_positive_int("epochs", epochs) * steps_per_epoch)


def cosine(lr_max: float, *, steps: int, warmup: int = 0, lr_min: float = 0.0) -> Schedule:
    """Return a linear rise to `lr_max`, then half a cosine down to `lr_min`, which is kept after `steps` steps.

    Parameters
    ----------
    lr_max : float
        Highest rate, positive.
    steps : int
        Length of the whole run: step `steps` has the rate `lr_min`.
    warmup : int, default 0
        Length of the rise, less than `steps`: step t <= warmup has the rate lr_max · t / warmup, so that the
        first step already moves.
    lr_min : float, default 0.0
        Rate at the end, from 0 to `lr_max`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.

    Notes
    -----
    After Loshchilov and Hutter (2017), without their restarts. In PyTorch's ``CosineAnnealingLR`` step 1 comes at
    the very top of the cosine and the minimum one step after the last; here the last step has the minimum.
    """
    lr_max = as_number("lr_max", lr_max, above=0)
    lr_min = as_number("lr_min", lr_min, least=0)
    if lr_min > lr_max:
        raise ValueError(f"lr_min must be at most lr_max = {lr_max:g}, got {lr_min:g}")
    steps = as_positive_int("steps", steps)
    if isinstance(warmup, bool) or not isinstance(warmup, int | np.integer):
        raise TypeError(f"warmup must be a whole number, got {warmup!r}")
    if not 0 <= warmup < steps:
        raise ValueError(f"warmup must be between 0 and steps - 1 = {steps - 1}, got {warmup}")

    def rate(t):
        progress = np.clip((t - warmup) / (steps - warmup), 0, 1)
        falling = lr_min + (lr_max - lr_min) * (1 + np.cos(np.pi * progress)) / 2
        return np.minimum(t / max(warmup, 1), 1) * falling

    return _schedule(rate)


def by_hand(rates: Mapping[int, float]) -> Schedule:
    """Return a schedule that was chosen while watching: `rates` maps the first step of each stretch to its rate.

    Parameters
    ----------
    rates : mapping of int to float
        Rates by the step from which they hold. Step 1 must be among the keys. Any positive rates, in any order.

    Raises
    ------
    TypeError, ValueError
        If step 1 is missing, a key is no whole number of at least 1, or a rate is not positive.

    Examples
    --------
    >>> lr = by_hand({1: 0.5, 101: 0.05})
    >>> lr(100), lr(101)
    (0.5, 0.05)
    """
    first_steps = _as_ascending("the steps of rates", sorted(rates))
    if 1 not in rates:
        raise ValueError(f"rates must say which rate holds from step 1, got steps {sorted(rates)}")
    values = np.array([as_number("rates", rates[step], above=0) for step in sorted(rates)])
    return _schedule(lambda t: values[np.searchsorted(first_steps, t, side="right") - 1])


def range_test(lr_min: float, lr_max: float, *, steps: int) -> Schedule:
    """Return a rate that rises by a constant factor per step, from `lr_min` at step 1 to `lr_max` at step `steps`.

    Train with it once, and plot each mini-batch's loss against the rate: Smith's (2017) learning-rate range test.

    Parameters
    ----------
    lr_min, lr_max : float
        Both positive, lr_min < lr_max.
    steps : int
        At least 2.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.
    """
    lr_min = as_number("lr_min", lr_min, above=0)
    lr_max = as_number("lr_max", lr_max, above=lr_min)
    steps = as_positive_int("steps", steps)
    if steps < 2:
        raise ValueError(f"steps must be at least 2, got {steps}")
    return _schedule(lambda t: lr_min * (lr_max / lr_min) ** ((t - 1) / (steps - 1)))


def sgd_steady_state_variance(
    lr: float | np.ndarray, *, curvature: float | np.ndarray, noise_variance: float | np.ndarray
) -> float | np.ndarray:
    """Return how far a constant learning rate hovers around a minimum: lr σ² / (λ (2 − lr λ)).

    The variance that the parameter of the valley ½ λ w² settles at under gradient descent with gradients
    λ w + noise: the fixed point of V ← (1 − lr λ)² V + lr² σ².

    Parameters
    ----------
    lr : float or ndarray
        Learning rate, positive.
    curvature : float or ndarray
        λ, positive.
    noise_variance : float or ndarray
        σ², the variance of the gradient's noise, positive. Arrays are broadcast against each other.

    Returns
    -------
    float or ndarray
        Infinite where lr λ >= 2: there it never settles.

    Raises
    ------
    TypeError, ValueError
        If an argument is no number, not finite or out of range.

    Notes
    -----
    For lr λ ≪ 2 this is about lr σ² / (2 λ), and the loss hovers by about lr σ² / 4, whatever the curvature.
    """
    lr = as_float_array("lr", lr)
    curvature = as_float_array("curvature", curvature)
    noise_variance = as_float_array("noise_variance", noise_variance)
    for name, value in [("lr", lr), ("curvature", curvature), ("noise_variance", noise_variance)]:
        if np.any(value <= 0):
            raise ValueError(f"{name} must be greater than 0, got {value}")
    with np.errstate(divide="ignore"):
        variance = lr * noise_variance / (curvature * np.maximum(2 - lr * curvature, 0))
    return variance if np.ndim(variance) else float(variance)


def _as_factor(value: float) -> float:
    factor = as_number("factor", value, above=0)
    if factor > 1:
        raise ValueError(f"factor must be at most 1, or the rate would grow, got {value}")
    return factor


def _as_ascending(name: str, values: Sequence[int]) -> np.ndarray:
    whole = [as_positive_int(name, value) for value in values]
    if any(a >= b for a, b in itertools.pairwise(whole)):
        raise ValueError(f"{name} must be strictly ascending, got {whole}")
    return np.array(whole, dtype=np.int64)
