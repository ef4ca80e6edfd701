"""Surfaces to descend: small enough to draw or to solve by hand, each with its exact gradient and Hessian.

A point is an array of shape (n,), a grid of points has shape (..., n): one function serves a step and a plot.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from course_lib.validation import as_float_array, as_generator, as_number, as_positive_int

__all__ = [
    "Landscape",
    "descend",
    "double_well",
    "momentum_spectral_radius",
    "optimal_momentum",
    "plateau",
    "quadratic",
    "ravine",
    "rosenbrock",
    "rotation",
    "saddle",
]


@dataclass(frozen=True)
class Landscape:
    """A smooth function of n variables.

    Attributes
    ----------
    name : str
        For titles.
    value : callable
        ``value(w)``: (..., n) → (...).
    gradient : callable
        ``gradient(w)``: (..., n) → (..., n).
    hessian : callable
        ``hessian(w)``: (n,) → (n, n).
    start : ndarray of shape (n,)
        Where descents begin in the course.
    minimum : ndarray of shape (n,) or None
        A lowest point, if there is one.
    """

    name: str
    value: Callable[[np.ndarray], np.ndarray]
    gradient: Callable[[np.ndarray], np.ndarray]
    hessian: Callable[[np.ndarray], np.ndarray]
    start: np.ndarray
    minimum: np.ndarray | None = None


def quadratic(matrix: np.ndarray, *, name: str = "quadratic", start: np.ndarray | None = None) -> Landscape:
    """Return the surface ½ wᵀ A w.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        A, symmetric: the Hessian.
    name : str
        For titles.
    start : ndarray of shape (n,), optional
        Where descents begin. Default: all ones.

    Raises
    ------
    ValueError
        If `matrix` is not square and symmetric.
    """
    A = as_float_array("matrix", matrix, ndim=2)
    if A.shape[0] != A.shape[1] or not np.allclose(A, A.T):
        raise ValueError(f"matrix must be square and symmetric, got\n{A}")
    lowest = np.zeros(len(A)) if np.linalg.eigvalsh(A)[0] >= 0 else None
    return Landscape(
        name=name,
        value=lambda w: 0.5 * np.sum((w @ A) * w, axis=-1),
        gradient=lambda w: w @ A,
        hessian=lambda w: A.copy(),
        start=np.ones(len(A)) if start is None else as_float_array("start", start, ndim=1),
        minimum=lowest,
    )


def rotation(angle: float) -> np.ndarray:
    """Return the 2 × 2 matrix that turns by `angle` (radians), counter-clockwise."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


def ravine(*, flat: float = 1.0, steep: float = 20.0, angle: float = 0.0) -> Landscape:
    """Return a long valley in the plane: curvature `flat` along it, `steep` across, turned by `angle` (radians).

    The start lies at (−2, 1) in the valley's own axes, so a turned ravine is the same problem seen from elsewhere.

    Raises
    ------
    TypeError, ValueError
        If a curvature is not positive.
    """
    flat = as_number("flat", flat, above=0)
    steep = as_number("steep", steep, above=0)
    turn = rotation(as_number("angle", angle))
    A = turn @ np.diag([flat, steep]) @ turn.T
    name = "ravine" if angle == 0 else f"ravine, turned by {np.degrees(angle):.0f}°"
    return quadratic((A + A.T) / 2, name=name, start=turn @ np.array([-2.0, 1.0]))


def saddle() -> Landscape:
    """Return ½ x² − ½ y² + ¼ y⁴: a saddle at the origin between two minima at (0, ±1)."""

    def value(w):
        x, y = w[..., 0], w[..., 1]
        return 0.5 * x**2 - 0.5 * y**2 + 0.25 * y**4

    def gradient(w):
        x, y = w[..., 0], w[..., 1]
        return np.stack([x, y**3 - y], axis=-1)

    return Landscape(
        name="saddle",
        value=value,
        gradient=gradient,
        hessian=lambda w: np.diag([1.0, 3 * w[1] ** 2 - 1]),
        start=np.array([-1.5, 1e-3]),
        minimum=np.array([0.0, 1.0]),
    )


def plateau() -> Landscape:
    """Return 1 − exp(−½ (x² + y²)), a hole in a plain: far away the gradient all but vanishes."""

    def value(w):
        return 1 - np.exp(-0.5 * np.sum(w**2, axis=-1))

    def gradient(w):
        return w * np.exp(-0.5 * np.sum(w**2, axis=-1, keepdims=True))

    def hessian(w):
        return np.exp(-0.5 * w @ w) * (np.eye(2) - np.outer(w, w))

    return Landscape("plateau", value, gradient, hessian, start=np.array([-3.0, 2.0]), minimum=np.zeros(2))


def double_well(*, tilt: float = 0.2) -> Landscape:
    """Return ¼ (x² − 1)² + tilt · x + ½ y²: a local minimum near x = 1 and, for tilt > 0, the global one near −1.

    Raises
    ------
    TypeError, ValueError
        If ``tilt`` is not between 0 and 2/√27 ≈ 0.385, beyond which one valley disappears.
    """
    tilt = as_number("tilt", tilt, least=0, below=2 / 27**0.5)

    def value(w):
        x, y = w[..., 0], w[..., 1]
        return 0.25 * (x**2 - 1) ** 2 + tilt * x + 0.5 * y**2

    def gradient(w):
        x, y = w[..., 0], w[..., 1]
        return np.stack([x**3 - x + tilt, y], axis=-1)

    # The lowest of the three real roots of x³ − x + tilt = 0 is the global minimum.
    lowest = np.array([np.roots([1.0, 0.0, -1.0, tilt]).real.min(), 0.0])
    return Landscape(
        name="two valleys",
        value=value,
        gradient=gradient,
        hessian=lambda w: np.diag([3 * w[0] ** 2 - 1, 1.0]),
        start=np.array([1.5, 1.0]),
        minimum=lowest,
    )


def rosenbrock() -> Landscape:
    """Return Rosenbrock's (1960) curved valley, (1 − x)² + 100 (y − x²)²."""

    def value(w):
        x, y = w[..., 0], w[..., 1]
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    def gradient(w):
        x, y = w[..., 0], w[..., 1]
        return np.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)], axis=-1)

    def hessian(w):
        x, y = w
        return np.array([[2 - 400 * (y - 3 * x**2), -400 * x], [-400 * x, 200.0]])

    return Landscape("Rosenbrock", value, gradient, hessian, start=np.array([-1.2, 1.0]), minimum=np.ones(2))


def descend(
    landscape: Landscape,
    make_optimizer: Callable[[np.ndarray], object],
    *,
    steps: int,
    start: np.ndarray | None = None,
    noise: float = 0.0,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Run an optimizer on a landscape and return its path.

    Parameters
    ----------
    landscape : Landscape
        What to descend.
    make_optimizer : callable
        ``make_optimizer(params)`` returns an optimizer on a flat array, e.g. ``lambda w: SGD(w, lr=0.1)``.
    steps : int
        How many.
    start : ndarray of shape (n,), optional
        Default: the landscape's own.
    noise : float, default 0
        Standard deviation of Gaussian noise added to each component of the gradient.
    rng : numpy.random.Generator, optional
        Source of the noise; needed where `noise` is not 0.

    Returns
    -------
    ndarray of shape (steps + 1, n)
        The start and the parameters after each step. A path that leaves the numbers (overflow) is recorded.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.
    """
    steps = as_positive_int("steps", steps)
    noise = as_number("noise", noise, least=0)
    if noise:
        as_generator("rng", rng)
    w = as_float_array("start", landscape.start if start is None else start, ndim=1).astype(float)
    optimizer = make_optimizer(w)
    path = np.empty((steps + 1, len(w)))
    path[0] = w
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(1, steps + 1):
            gradient = landscape.gradient(w)
            if noise:
                gradient = gradient + noise * rng.normal(size=len(w))
            optimizer.step(gradient)
            path[t] = w
    return path


# ---------------------------------------------------------------------------------------------------------
# Descent on a quadratic, exactly


def momentum_spectral_radius(
    curvature: float | np.ndarray, *, lr: float | np.ndarray, beta: float | np.ndarray
) -> float | np.ndarray:
    """Return the factor by which momentum, in the long run, shrinks the error along a direction per step.

    Momentum with the factor 1 − beta on ½ λ w² is linear in (w, v). The eigenvalues of its matrix solve
    z² − (1 + beta − lr (1 − beta) λ) z + beta = 0; the larger modulus is returned.

    Parameters
    ----------
    curvature : float or ndarray
        λ, an eigenvalue of the Hessian. May be 0 (the result is 1) or negative (above 1).
    lr : float or ndarray
        Learning rate, at least 0. `curvature`, `lr` and `beta` broadcast.
    beta : float or ndarray
        Weight of the past, 0 <= beta < 1; 0 is gradient descent.

    Returns
    -------
    float or ndarray
        Below 1 the descent converges, above 1 it diverges.

    Raises
    ------
    TypeError, ValueError
        If an argument is no finite number or out of range.

    Notes
    -----
    For the form without the factor 1 − beta pass ``lr / (1 - beta)``. See Polyak (1964), and Goh, *Why momentum
    really works*, Distill (2017).

    Examples
    --------
    >>> float(momentum_spectral_radius(1.0, lr=1.0, beta=0.25))
    0.5
    """
    curvature = as_float_array("curvature", curvature)
    lr, beta = as_float_array("lr", lr), as_float_array("beta", beta)
    if np.any(lr < 0):
        raise ValueError(f"lr must be at least 0, got {lr.min()}")
    if np.any((beta < 0) | (beta >= 1)):
        raise ValueError(f"beta must be at least 0 and less than 1, got {beta[(beta < 0) | (beta >= 1)].flat[0]}")
    trace = 1 + beta - lr * (1 - beta) * curvature
    root = np.sqrt(trace**2 - 4 * beta + 0j)
    return np.maximum(np.abs(trace + root), np.abs(trace - root)) / 2


def optimal_momentum(smallest: float, largest: float) -> tuple[float, float, float]:
    """Return the learning rate and beta of momentum that converge fastest on a quadratic, and how fast.

    Parameters
    ----------
    smallest, largest : float
        Extreme eigenvalues of the Hessian, 0 < smallest <= largest.

    Returns
    -------
    lr : float
        1 / √(smallest · largest), for momentum with the factor 1 − beta. Without it: ``lr * (1 - beta)``.
    beta : float
        The square of `rate`.
    rate : float
        (√κ − 1) / (√κ + 1) with κ = largest / smallest: the spectral radius in every direction in between.

    Raises
    ------
    TypeError, ValueError
        If an argument is no positive number or ``largest < smallest``.

    Notes
    -----
    Polyak (1964). Gradient descent reaches (κ − 1) / (κ + 1), at lr = 2 / (smallest + largest).
    """
    smallest = as_number("smallest", smallest, above=0)
    largest = as_number("largest", largest, least=smallest)
    root = (largest / smallest) ** 0.5
    rate = (root - 1) / (root + 1)
    return (smallest * largest) ** -0.5, rate**2, rate
