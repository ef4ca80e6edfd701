"""Mini-batches: how many, which examples, and how noisy their gradients are."""

from collections.abc import Iterator

import numpy as np

from course_lib.validation import as_float_array, as_generator, as_number, as_positive_int

__all__ = ["expected_gradient_noise", "gradient_noise", "iterate_minibatches", "steps_per_epoch"]


def steps_per_epoch(m: int, batch_size: int) -> int:
    """Return the number of updates in one pass over `m` examples: m / batch_size, rounded up.

    Parameters
    ----------
    m : int
        Number of training examples.
    batch_size : int
        Examples per batch; the last batch is shorter where `batch_size` does not divide `m`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a whole number of at least 1.

    Notes
    -----
    The same as ``len(DataLoader(data, batch_size))`` in PyTorch, whose ``drop_last=True`` would round down.

    Examples
    --------
    >>> steps_per_epoch(5_000_000, 1000)
    5000
    >>> steps_per_epoch(10, 4)
    3
    """
    return -(-as_positive_int("m", m) // as_positive_int("batch_size", batch_size))


def iterate_minibatches(
    X: np.ndarray, y: np.ndarray, *, batch_size: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the mini-batches of one epoch: every example once, in an order drawn anew from `rng`.

    Parameters
    ----------
    X : ndarray of shape (m, ...)
        Examples, one per row. Not changed.
    y : ndarray of shape (m, ...)
        Their targets.
    batch_size : int
        Rows per batch; the last batch is shorter where `batch_size` does not divide m.
    rng : numpy.random.Generator
        Source of the order. It moves on by one permutation of m per epoch.

    Yields
    ------
    X_batch, y_batch : ndarray
        Copies of the rows.

    Raises
    ------
    TypeError, ValueError
        If X and y differ in length or are empty, `batch_size` is no whole number of at least 1, or `rng` is
        no generator. Raised at the call, not at the first batch.

    Notes
    -----
    Like PyTorch's ``DataLoader(shuffle=True)`` and Keras's ``fit``, which keep the short last batch too.
    """
    X, y = np.asarray(X), np.asarray(y)
    if X.ndim == 0 or len(X) == 0:
        raise ValueError(f"X must have at least one row, got shape {X.shape}")
    if y.ndim == 0 or len(X) != len(y):
        raise ValueError(f"X and y must have equally many rows, got shapes {X.shape} and {y.shape}")
    batch_size = as_positive_int("batch_size", batch_size)
    order = as_generator("rng", rng).permutation(len(X))
    slices = (order[start : start + batch_size] for start in range(0, len(X), batch_size))
    return ((X.take(rows, axis=0), y.take(rows, axis=0)) for rows in slices)  # X[rows], at half the time


def gradient_noise(gradients: np.ndarray, batch_sizes: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the mean of an epoch's mini-batch gradients and how far they scatter around it.

    Parameters
    ----------
    gradients : ndarray of shape (T, p)
        One mini-batch gradient per row, all taken at the same parameters.
    batch_sizes : ndarray of int, shape (T,)
        Examples in each batch; batches count by their size.

    Returns
    -------
    mean : ndarray of shape (p,)
        The full-batch gradient, when the batches are one epoch's.
    variance : float
        Mean squared distance from it: the trace of the covariance, over all p parameters.

    Raises
    ------
    TypeError, ValueError
        If the shapes do not fit, a value is not finite, or a batch size is below 1.
    """
    gradients = as_float_array("gradients", gradients, ndim=2)
    batch_sizes = np.asarray(batch_sizes)
    if batch_sizes.shape != gradients.shape[:1] or len(batch_sizes) == 0:
        raise ValueError(f"batch_sizes must have shape {gradients.shape[:1]}, got {batch_sizes.shape}")
    if batch_sizes.dtype.kind not in "iu" or batch_sizes.min() < 1:
        raise ValueError(f"batch_sizes must be whole numbers of at least 1, got {batch_sizes}")
    weights = batch_sizes / batch_sizes.sum()
    mean = weights @ gradients
    return mean, float(weights @ np.sum((gradients - mean) ** 2, axis=1))


def expected_gradient_noise(example_variance: float, m: int, batch_size: int) -> float:
    """Return the variance that theory gives a mini-batch gradient: σ²/B · (m − B)/(m − 1).

    The second factor is the finite-population correction of drawing without replacement: at B = m nothing is
    left to chance. See Cochran, *Sampling Techniques* (1977), theorem 2.2.

    Parameters
    ----------
    example_variance : float
        σ², the `gradient_noise` of single examples over the m examples.
    m, batch_size : int
        Size of the data set and of the batch, ``batch_size <= m``.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range.
    """
    example_variance = as_number("example_variance", example_variance, least=0)
    m = as_positive_int("m", m)
    batch_size = as_positive_int("batch_size", batch_size, most=m)
    if m == 1:
        return 0.0
    return example_variance / batch_size * (m - batch_size) / (m - 1)
