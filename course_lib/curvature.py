"""Curvature: Hessians from gradients, critical points, the extreme curvatures of a network, its loss on a plane.

A gradient function takes parameters of shape (n,) and returns an array of the same shape. It may reuse one array
for all its results, as networks do. All computation is in float64.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from course_lib.validation import as_float_array, as_generator, as_labels, as_number, as_positive_int

__all__ = [
    "classify_critical_point",
    "extreme_curvature",
    "filter_normalised_direction",
    "hessian",
    "hessian_vector_product",
    "line_losses",
    "network_gradient",
    "plane_losses",
    "random_symmetric_matrices",
]

Gradient = Callable[[np.ndarray], np.ndarray]


# ---------------------------------------------------------------------------------------------------------
# Finite differences


def hessian(gradient: Gradient, w: np.ndarray, *, h: float | None = None) -> np.ndarray:
    """Return the Hessian by central differences of the gradient, made exactly symmetric.

    Parameters
    ----------
    gradient : callable
        ``gradient(w)``: (n,) → (n,).
    w : ndarray of shape (n,)
        Where. Not changed.
    h : float, optional
        Step in each coordinate. Default: ``eps**(1/3) * max(1, |w|)``, where the error of the formula (like h²)
        and that of rounding (like eps/h) balance.

    Returns
    -------
    ndarray of shape (n, n)

    Raises
    ------
    TypeError, ValueError
        If `w` is no flat array of finite numbers or `h` is not positive.

    Notes
    -----
    Costs 2n gradients and n² numbers; see `hessian_vector_product` where n is large.
    """
    w = _as_point("w", w)
    h = _step(w, h)
    columns = [_central_difference(gradient, w, h * unit) / (2 * h) for unit in np.eye(len(w))]
    H = np.stack(columns, axis=1)
    return (H + H.T) / 2


def hessian_vector_product(
    gradient: Gradient, w: np.ndarray, v: np.ndarray, *, h: float | None = None
) -> np.ndarray:
    """Return H v from two gradients, without the Hessian H.

    Parameters
    ----------
    gradient : callable
        ``gradient(w)``: (n,) → (n,).
    w : ndarray of shape (n,)
        Where. Not changed.
    v : ndarray of shape (n,)
        Direction, of any length.
    h : float, optional
        Distance between w and the two points, whatever the length of `v`. Default: as in `hessian`.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    TypeError, ValueError
        If `w` and `v` are no flat arrays of equal shape and finite numbers, or `h` is not positive.

    Notes
    -----
    Pearlmutter (1994), *Fast exact multiplication by the Hessian*, which is exact, is what automatic
    differentiation does (``torch.autograd.functional.hvp``). A difference across a jump of the gradient, as at the
    kink of a ReLU, measures the jump divided by 2h and not a curvature. For ReLU networks choose h = 1e-9: it
    costs digits (about six remain), but then a jump hardly ever lies between the two points.
    """
    w, v = _as_point("w", w), _as_point("v", v)
    if v.shape != w.shape:
        raise ValueError(f"v must have the shape of w, {w.shape}, got {v.shape}")
    h = _step(w, h)
    length = np.linalg.norm(v)
    if length == 0:
        return np.zeros_like(w)
    return _central_difference(gradient, w, h / length * v) / (2 * h) * length


def extreme_curvature(
    gradient: Gradient,
    w: np.ndarray,
    *,
    which: str = "lowest",
    rng: np.random.Generator,
    h: float | None = None,
    tol: float = 1e-6,
) -> tuple[float, np.ndarray]:
    """Return the lowest or largest eigenvalue of the Hessian, with its eigenvector, by the Lanczos method.

    Parameters
    ----------
    gradient : callable
        ``gradient(w)``: (n,) → (n,).
    w : ndarray of shape (n,), n >= 2
        Where. Not changed.
    which : {"lowest", "largest"}
        By sign, not by size: "lowest" is the most negative one, if any is negative.
    rng : numpy.random.Generator
        Draws the start of the iteration.
    h : float, optional
        As in `hessian_vector_product`.
    tol : float, default 1e-6
        Relative accuracy of the eigenvalue.

    Returns
    -------
    eigenvalue : float
    eigenvector : ndarray of shape (n,)
        Of length 1; its sign means nothing.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.
    scipy.sparse.linalg.ArpackNoConvergence
        If the iteration does not settle.

    Notes
    -----
    `scipy.sparse.linalg.eigsh` on `hessian_vector_product`. Power iteration would find the eigenvalue that is
    largest in *size*, which for a network is the largest.
    """
    w = _as_point("w", w)
    if len(w) < 2:
        raise ValueError(f"w must have at least 2 entries, got {len(w)}")
    if which not in ("lowest", "largest"):
        raise ValueError(f'which must be "lowest" or "largest", got {which!r}')
    tol = as_number("tol", tol, above=0)

    def multiply(v):
        return hessian_vector_product(gradient, w, v.ravel(), h=h)

    product = LinearOperator((len(w), len(w)), matvec=multiply, dtype=np.float64)
    start = as_generator("rng", rng).normal(size=len(w))
    values, vectors = eigsh(product, k=1, which={"lowest": "SA", "largest": "LA"}[which], v0=start, tol=tol)
    return float(values[0]), vectors[:, 0]


def _as_point(name: str, value: np.ndarray) -> np.ndarray:
    return as_float_array(name, value, ndim=1).astype(np.float64)


def _step(w: np.ndarray, h: float | None) -> float:
    if h is None:
        return float(np.finfo(np.float64).eps ** (1 / 3) * max(1.0, np.linalg.norm(w)))
    return as_number("h", h, above=0)


def _central_difference(gradient: Gradient, w: np.ndarray, nudge: np.ndarray) -> np.ndarray:
    up = np.array(gradient(w + nudge), dtype=np.float64)  # a copy: the next call may reuse the array
    return up - gradient(w - nudge)


# ---------------------------------------------------------------------------------------------------------
# Critical points


def classify_critical_point(gradient: np.ndarray, hessian: np.ndarray, *, tol: float = 1e-6) -> str:
    """Say what kind of point it is, from the gradient and the eigenvalues of the Hessian there.

    Parameters
    ----------
    gradient : ndarray of shape (n,)
        Gradient at the point.
    hessian : ndarray of shape (n, n)
        Hessian at the point, symmetric.
    tol : float, default 1e-6
        A gradient no longer than this, and an eigenvalue no larger in size than this, count as 0.

    Returns
    -------
    str
        "not critical" where the gradient is not 0; otherwise "minimum" or "maximum" where all eigenvalues have
        that sign, "saddle" where both signs occur, and "undecided" where the second derivatives cannot tell.

    Raises
    ------
    TypeError, ValueError
        If the shapes do not fit, a value is not finite, `hessian` is not symmetric, or `tol` is negative.
    """
    gradient = _as_point("gradient", gradient)
    hessian = as_float_array("hessian", hessian, ndim=2)
    if hessian.shape != (len(gradient), len(gradient)) or not np.allclose(hessian, hessian.T):
        raise ValueError(f"hessian must be symmetric with shape {(len(gradient), len(gradient))}, got\n{hessian}")
    tol = as_number("tol", tol, least=0)
    if np.linalg.norm(gradient) > tol:
        return "not critical"
    lowest, largest = np.linalg.eigvalsh(hessian)[[0, -1]]
    if lowest > tol:
        return "minimum"
    if largest < -tol:
        return "maximum"
    return "saddle" if lowest < -tol and largest > tol else "undecided"


def random_symmetric_matrices(count: int, n: int, *, rng: np.random.Generator) -> np.ndarray:
    """Draw matrices from the Gaussian orthogonal ensemble, which prefers no direction.

    Parameters
    ----------
    count : int
        How many.
    n : int
        Rows and columns.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (count, n, n)
        Symmetric, entries independent otherwise: variance 1 off the diagonal, 2 on it.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is below 1.

    Notes
    -----
    The probability that all eigenvalues are positive is 1/2, (2 − √2)/4, (π − 2√2)/(4π) for n = 1, 2, 3 and falls
    like exp(−n² ln(3)/4): Dean and Majumdar (2006), *Large deviations of extreme eigenvalues of random matrices*.
    """
    shape = as_positive_int("count", count), as_positive_int("n", n), n
    G = as_generator("rng", rng).normal(size=shape)
    return (G + G.transpose(0, 2, 1)) / np.sqrt(2)


# ---------------------------------------------------------------------------------------------------------
# Networks


def network_gradient(network, X: np.ndarray, y: np.ndarray) -> Gradient:
    """Return the gradient of a network's loss as a function of its parameters.

    Parameters
    ----------
    network
        With float64 ``params`` and ``loss_and_gradient(X, y)``, as in `course_lib.networks`.
    X : ndarray of shape (m, n)
        Examples.
    y : ndarray of int, shape (m,)
        Their classes.

    Returns
    -------
    callable
        ``gradient(w)``: (p,) → (p,), a new array. The network's parameters are as before after each call.

    Raises
    ------
    TypeError
        If the parameters are not float64: finite differences need its precision.
    """
    if network.params.dtype != np.float64:
        raise TypeError(f"network must have float64 parameters, got {network.params.dtype}")
    as_labels("y", y, length=len(X), n_classes=network.n_classes)

    def gradient(w):
        with _parameters_kept(network):
            network.params[:] = w
            return network.loss_and_gradient(X, y)[1].copy()

    return gradient


def line_losses(
    network, X: np.ndarray, y: np.ndarray, start: np.ndarray, end: np.ndarray, fractions: np.ndarray
) -> np.ndarray:
    """Return a network's loss along the straight line from one parameter vector to another.

    Parameters
    ----------
    network, X, y
        As in `network_gradient`; the parameters are as before afterwards.
    start, end : ndarray of shape (p,)
        Parameters at fraction 0 and 1.
    fractions : ndarray of shape (k,)
        Where on the line; below 0 and above 1 is beyond its ends.

    Returns
    -------
    ndarray of shape (k,)

    Notes
    -----
    Goodfellow, Vinyals and Saxe (2015), *Qualitatively characterizing neural network optimization problems*.
    """
    fractions = as_float_array("fractions", fractions, ndim=1)
    return _losses(network, X, y, start + fractions[:, None] * (end - start))


def plane_losses(
    network,
    X: np.ndarray,
    y: np.ndarray,
    centre: np.ndarray,
    directions: tuple[np.ndarray, np.ndarray],
    steps: np.ndarray,
) -> np.ndarray:
    """Return a network's loss on a grid in the plane that two directions span.

    Parameters
    ----------
    network, X, y
        As in `network_gradient`; the parameters are as before afterwards.
    centre : ndarray of shape (p,)
        Parameters in the middle.
    directions : pair of ndarray of shape (p,)
        For instance two of `filter_normalised_direction`.
    steps : ndarray of shape (k,)
        Multiples of each direction.

    Returns
    -------
    ndarray of shape (k, k)
        Entry [i, j] at ``centre + steps[j] * directions[0] + steps[i] * directions[1]``, as contour plots have it.
    """
    steps = as_float_array("steps", steps, ndim=1)
    first, second = directions
    points = centre + steps[None, :, None] * first + steps[:, None, None] * second
    return _losses(network, X, y, points)


def filter_normalised_direction(network, *, rng: np.random.Generator) -> np.ndarray:
    """Draw a random direction in which each unit's weights change in proportion to their own size.

    Parameters
    ----------
    network : MLP
        With ``params`` and ``weights``, one (fan-in, fan-out) matrix per layer.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (p,)
        Gaussian, each unit's incoming weights (a column, a "filter") scaled to the length that they have in the
        network; 0 for the biases.

    Notes
    -----
    Li et al. (2018), *Visualizing the loss landscape of neural nets*. A ReLU network computes the same after one
    layer is multiplied by 10 and the next divided by 10, but a fixed step would then look ten times as small.
    Without the scaling one could make any minimum look as flat or sharp as one likes.
    """
    as_generator("rng", rng)
    with _parameters_kept(network):
        lengths = [np.linalg.norm(w, axis=0) for w in network.weights]
        network.params[:] = 0
        for w, length in zip(network.weights, lengths, strict=True):
            drawn = rng.normal(size=w.shape)
            w[...] = drawn / np.linalg.norm(drawn, axis=0) * length
        return network.params.copy()


def _losses(network, X: np.ndarray, y: np.ndarray, points: np.ndarray) -> np.ndarray:
    losses = np.empty(points.shape[:-1])
    with _parameters_kept(network):
        for index in np.ndindex(losses.shape):
            network.params[:] = points[index]
            losses[index] = network.loss(X, y)
    return losses


@contextmanager
def _parameters_kept(network) -> Iterator[None]:
    kept = network.params.copy()
    try:
        yield
    finally:
        network.params[:] = kept
