"""Networks on one flat vector of parameters: softmax regression and the multi-layer perceptron.

Examples are rows: ``X`` is (m, n). (The lectures put examples in columns; their ``W`` is our ``w.T``.)
"""

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from course_lib.validation import (
    as_float_array,
    as_float_dtype,
    as_generator,
    as_labels,
    as_number,
    as_positive_int,
)

__all__ = ["MLP", "SoftmaxRegression", "log_softmax", "softmax_regression_loss_and_gradient"]


def log_softmax(z: np.ndarray) -> np.ndarray:
    """Return the logarithm of the softmax of each row of scores.

    Subtracting the row's maximum first changes nothing in exact arithmetic and keeps ``exp`` from overflowing.

    Parameters
    ----------
    z : ndarray of shape (m, k)
        Scores, one row per example.

    Returns
    -------
    ndarray of shape (m, k)
        ``z - log(sum(exp(z)))`` row by row; every row of its ``exp`` sums to 1.

    Notes
    -----
    `scipy.special.log_softmax` with ``axis=1``.
    """
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def softmax_regression_loss_and_gradient(
    w: np.ndarray, b: np.ndarray, X: np.ndarray, y: np.ndarray, *, l2: float = 0.0
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return loss and gradient of softmax regression on a batch.

    The loss is the mean cross-entropy over the batch plus ``l2 / 2 * sum(w**2)``.

    Parameters
    ----------
    w : ndarray of shape (n, k)
        Weights.
    b : ndarray of shape (k,)
        Biases, not penalised.
    X : ndarray of shape (B, n)
        Examples.
    y : ndarray of int, shape (B,)
        Classes from 0 to k − 1.
    l2 : float, default 0.0
        Strength of the penalty. PyTorch's ``weight_decay`` adds the same ``l2 * w`` to the gradient (and to that
        of the biases as well). The lectures' λ is ``l2`` times the batch size.

    Returns
    -------
    loss : float
    dw : ndarray of shape (n, k)
    db : ndarray of shape (k,)
    """
    rows = np.arange(len(X))
    log_p = log_softmax(X @ w + b)
    loss = -log_p[rows, y].mean() + l2 / 2 * np.sum(w**2)
    dz = np.exp(log_p)
    dz[rows, y] -= 1
    dz /= len(X)
    return float(loss), X.T @ dz + l2 * w, dz.sum(axis=0)


class _Workspace(NamedTuple):
    """The arrays that a batch of m examples is computed in: made for the first batch of its size, then reused."""

    starts: np.ndarray  # where each row of scores starts in memory: 0, k, 2k, …
    ones: np.ndarray  # (m,)
    outputs: list[np.ndarray]  # of every layer, (m, units)
    active: list[np.ndarray]  # which outputs are above 0, (m, units)
    delta: np.ndarray  # the loss's derivative by the scores, (m, k)


class _Network:
    """What all networks share: layers on one flat vector of parameters, forward and backward.

    `loss_and_gradient` computes in arrays that are kept (``out=`` and ``+=``): at 64 × 64, making new ones and
    passing over them once more takes as long as the arithmetic.
    """

    def __init__(self, sizes: list[int], *, l2: float, dtype):
        self.n_features, self.n_classes = sizes[0], sizes[-1]
        self.l2 = as_number("l2", l2, least=0)
        self._shapes = list(itertools.pairwise(sizes))
        size = sum(fan_in * out + out for fan_in, out in self._shapes)
        self.params = np.zeros(size, as_float_dtype("dtype", dtype))
        self.grad = np.zeros_like(self.params)
        self._make_views()

    def _make_views(self) -> None:
        self.weights, self.biases = _views(self.params, self._shapes)
        self._dweights, self._dbiases = _views(self.grad, self._shapes)
        self._one_hot = np.eye(self.n_classes, dtype=self.params.dtype)
        self._class_ones = np.ones(self.n_classes, self.params.dtype)
        self._workspaces: dict[int, _Workspace] = {}

    def __getstate__(self) -> dict:
        return vars(self) | {"_workspaces": {}}

    def __setstate__(self, state: dict) -> None:
        # Copying or unpickling makes arrays of their own of what were views.
        vars(self).update(state)
        self._make_views()

    def loss_and_gradient(self, X: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss on a batch and the gradient as one flat vector (which is `grad`, and reused)."""
        X = np.asarray(X, self.params.dtype)
        if X.shape[1:] != (self.n_features,):
            raise ValueError(f"X must have shape (m, {self.n_features}) for the matmul with w, got {X.shape}")
        m = len(X)
        starts, ones, outputs, active, delta = self._workspace(m)
        inputs = [X, *outputs]
        targets = self._one_hot.take(y, axis=0)

        z = self._forward(X, outputs)
        z -= z.take(starts + z.argmax(axis=1))[:, None]  # the row's maximum; `max` along rows is slow
        np.exp(z, out=delta)
        total = delta.dot(self._class_ones)
        loss = (np.log(total).sum() - np.vdot(targets, z)) / m + self.penalty()
        delta /= total[:, None]  # the softmax
        delta -= targets
        delta /= m

        for layer in reversed(range(len(self.weights))):
            a, w = inputs[layer], self.weights[layer]
            a.T.dot(delta, out=self._dweights[layer])
            ones.dot(delta, out=self._dbiases[layer])  # the sum over the batch
            if self.l2:
                self._dweights[layer] += self.l2 * w
            if layer:
                # Of `a` only the signs are still needed, so its array takes the derivative by it.
                np.greater(a, 0, out=active[layer - 1])
                delta = delta.dot(w.T, out=a)
                delta *= active[layer - 1]
        return float(loss), self.grad

    def scores(self, X: np.ndarray) -> np.ndarray:
        """Return the scores, (m, k), of (m, n) examples."""
        return self._forward(np.asarray(X, self.params.dtype), itertools.repeat(None))

    def penalty(self) -> float:
        """Return the penalty that the loss includes."""
        return self.l2 / 2 * sum(float(np.vdot(w, w)) for w in self.weights) if self.l2 else 0.0

    def loss(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return the loss, penalty included, on (m, n) examples."""
        X = self._checked(X)
        y = as_labels("y", y, length=len(X), n_classes=self.n_classes)
        z, rows = self.scores(X), np.arange(len(X))
        z -= z[rows, z.argmax(axis=1)][:, None]
        right = z[rows, y]
        total = np.exp(z, out=z).dot(self._class_ones)
        return float((np.log(total) - right).mean() + self.penalty())

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable class of each row."""
        return np.argmax(self.scores(self._checked(X)), axis=1)

    def accuracy(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return the fraction of rows whose most probable class is the right one."""
        y = as_labels("y", y, length=len(X), n_classes=self.n_classes)
        return float(np.mean(self.predict(X) == y))

    def _forward(self, X: np.ndarray, outputs: Iterable[np.ndarray | None]) -> np.ndarray:
        """Return the scores, computing every layer in its array of `outputs` (None: in a new one)."""
        a, last = X, len(self.weights) - 1
        for layer, (w, b, out) in enumerate(zip(self.weights, self.biases, outputs, strict=False)):
            a = a.dot(w, out=out)
            a += b
            if layer < last:
                np.maximum(a, 0, out=a)
        return a

    def _workspace(self, m: int) -> _Workspace:
        if m not in self._workspaces:
            if len(self._workspaces) == 4:  # an epoch needs two: its batches and the short last one
                self._workspaces.clear()
            dtype, units = self.params.dtype, [out for _, out in self._shapes]
            self._workspaces[m] = _Workspace(
                starts=np.arange(m) * self.n_classes,
                ones=np.ones(m, dtype),
                outputs=[np.empty((m, n), dtype) for n in units],
                active=[np.empty((m, n), bool) for n in units[:-1]],
                delta=np.empty((m, self.n_classes), dtype),
            )
        return self._workspaces[m]

    def _checked(self, X: np.ndarray) -> np.ndarray:
        X = as_float_array("X", X, ndim=2)
        if X.shape[1] != self.n_features:
            raise ValueError(f"X must have {self.n_features} columns, got shape {X.shape}")
        return X


def _views(flat: np.ndarray, shapes: list[tuple[int, int]]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the weight matrices and biases that lie one after the other in a flat vector."""
    weights, biases, at = [], [], 0
    for fan_in, out in shapes:
        weights.append(flat[at : at + fan_in * out].reshape(fan_in, out))
        at += fan_in * out
        biases.append(flat[at : at + out])
        at += out
    return weights, biases


class SoftmaxRegression(_Network):
    """Softmax regression (multinomial logistic regression) on one flat vector of parameters.

    `softmax_regression_loss_and_gradient` is its mathematics in plain sight.

    Parameters
    ----------
    n_features, n_classes : int
        Sizes n and k.
    l2 : float, default 0.0
        Strength of the penalty ``l2 / 2 * sum(w**2)``; the bias is not penalised.
    dtype : {float32, float64}, default float64
        Of the parameters and of all computation; data of another dtype are converted.

    Attributes
    ----------
    params, grad : ndarray of shape (n * k + k,)
        All parameters and, after `loss_and_gradient`, their gradient.
    w, b : ndarray of shape (n, k) and (k,)
        Views of `params`, which start at 0: the loss is convex, so any start will do.
    dw, db : ndarray
        The same views of `grad`.

    Raises
    ------
    TypeError, ValueError
        If a size is no whole number of at least 1 or `l2` is negative.
    """

    def __init__(self, n_features: int, n_classes: int, *, l2: float = 0.0, dtype=np.float64):
        sizes = [as_positive_int("n_features", n_features), as_positive_int("n_classes", n_classes)]
        super().__init__(sizes, l2=l2, dtype=dtype)

    def _make_views(self) -> None:
        super()._make_views()
        (self.w,), (self.b,) = self.weights, self.biases
        (self.dw,), (self.db,) = self._dweights, self._dbiases

    def largest_curvature(self, X: np.ndarray) -> float:
        """Return an upper bound L of the loss's curvature in every direction, at all parameters.

        Gradient descent with ``lr < 2 / L`` lowers the loss at every step. The bound is
        ``λmax([X 1]ᵀ[X 1]) / (2 m) + l2``: the softmax's own curvature is at most 1/2 (Böhning, 1992).
        """
        X = self._checked(X)
        with_ones = np.hstack([X, np.ones((len(X), 1), X.dtype)])
        return float(np.linalg.norm(with_ones, 2) ** 2 / (2 * len(X)) + self.l2)


class MLP(_Network):
    """A fully connected network: linear layers with ReLU between them, softmax and cross-entropy at the end.

    Parameters
    ----------
    sizes : sequence of int
        Units per layer, from the inputs to the classes: ``(64, 32, 10)`` has one hidden layer of 32.
    rng : numpy.random.Generator
        Draws the initial weights, normal with variance 2 / fan-in (He et al., 2015); biases start at 0.
    l2 : float, default 0.0
        Strength of the penalty ``l2 / 2 * sum(w**2)`` over all weight matrices; biases are not penalised.
    dtype : {float32, float64}, default float64
        Of the parameters and of all computation; data of another dtype are converted.

    Attributes
    ----------
    params, grad : ndarray of shape (p,)
        All parameters and, after `loss_and_gradient`, their gradient: first all of layer 1, then of layer 2, …
    weights, biases : list of ndarray
        Views of `params`, shapes (fan-in, fan-out) and (fan-out,), one per layer.

    Raises
    ------
    TypeError, ValueError
        If a size is no whole number of at least 1, there are fewer than two, or `l2` is negative.
    """

    def __init__(self, sizes, *, rng: np.random.Generator, l2: float = 0.0, dtype=np.float64):
        sizes = [as_positive_int("sizes", size) for size in sizes]
        if len(sizes) < 2:
            raise ValueError(f"sizes must name at least inputs and classes, got {sizes}")
        as_generator("rng", rng)
        super().__init__(sizes, l2=l2, dtype=dtype)
        for w in self.weights:
            w[...] = rng.normal(scale=np.sqrt(2 / len(w)), size=w.shape)
