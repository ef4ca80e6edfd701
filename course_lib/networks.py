"""Networks on one flat vector of parameters: softmax regression and the multi-layer perceptron.

Examples are rows: ``X`` is (m, n). (The lectures put examples in columns; their ``W`` is our ``w.T``.)
"""

import itertools

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


class _Classifier:
    """What all classifiers share; a subclass has flat `params` and `grad`, `scores` and `penalty`."""

    n_features: int
    n_classes: int

    def scores(self, X: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def penalty(self) -> float:
        raise NotImplementedError

    def loss(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return the loss, penalty included, on (m, n) examples."""
        X = self._checked(X)
        y = as_labels("y", y, length=len(X), n_classes=self.n_classes)
        return float(-log_softmax(self.scores(X))[np.arange(len(X)), y].mean() + self.penalty())

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable class of each row."""
        return np.argmax(self.scores(self._checked(X)), axis=1)

    def accuracy(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return the fraction of rows whose most probable class is the right one."""
        y = as_labels("y", y, length=len(X), n_classes=self.n_classes)
        return float(np.mean(self.predict(X) == y))

    def _checked(self, X: np.ndarray) -> np.ndarray:
        X = as_float_array("X", X, ndim=2)
        if X.shape[1] != self.n_features:
            raise ValueError(f"X must have {self.n_features} columns, got shape {X.shape}")
        return X


class SoftmaxRegression(_Classifier):
    """Softmax regression (multinomial logistic regression) on one flat vector of parameters.

    Parameters
    ----------
    n_features, n_classes : int
        Sizes n and k.
    l2 : float, default 0.0
        Strength of the penalty ``l2 / 2 * sum(w**2)``; the bias is not penalised.
    dtype : {float32, float64}, default float64
        Of the parameters, and so of all that is computed with data of the same dtype.

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
        n = self.n_features = as_positive_int("n_features", n_features)
        k = self.n_classes = as_positive_int("n_classes", n_classes)
        self.l2 = as_number("l2", l2, least=0)
        self.params = np.zeros(n * k + k, as_float_dtype("dtype", dtype))
        self.grad = np.zeros_like(self.params)
        self.w, self.b = self.params[: n * k].reshape(n, k), self.params[n * k :]
        self.dw, self.db = self.grad[: n * k].reshape(n, k), self.grad[n * k :]

    def loss_and_gradient(self, X: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss on a batch and the gradient as one flat vector (which is `grad`, and reused)."""
        loss, self.dw[...], self.db[...] = softmax_regression_loss_and_gradient(self.w, self.b, X, y, l2=self.l2)
        return loss, self.grad

    def scores(self, X: np.ndarray) -> np.ndarray:
        """Return the scores, (m, k), of (m, n) examples."""
        return X @ self.w + self.b

    def penalty(self) -> float:
        """Return the penalty that the loss includes."""
        return self.l2 / 2 * float(np.sum(self.w**2))

    def largest_curvature(self, X: np.ndarray) -> float:
        """Return an upper bound L of the loss's curvature in every direction, at all parameters.

        Gradient descent with ``lr < 2 / L`` lowers the loss at every step. The bound is
        ``λmax([X 1]ᵀ[X 1]) / (2 m) + l2``: the softmax's own curvature is at most 1/2 (Böhning, 1992).
        """
        X = self._checked(X)
        with_ones = np.hstack([X, np.ones((len(X), 1), X.dtype)])
        return float(np.linalg.norm(with_ones, 2) ** 2 / (2 * len(X)) + self.l2)


class MLP(_Classifier):
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
        Of the parameters, and so of all that is computed with data of the same dtype.

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
        self.n_features, self.n_classes = sizes[0], sizes[-1]
        self.l2 = as_number("l2", l2, least=0)
        shapes = list(itertools.pairwise(sizes))
        size = sum(fan_in * out + out for fan_in, out in shapes)
        self.params = np.zeros(size, as_float_dtype("dtype", dtype))
        self.grad = np.zeros_like(self.params)
        self.weights, self.biases = self._views(self.params, shapes)
        self._dweights, self._dbiases = self._views(self.grad, shapes)
        for w in self.weights:
            w[...] = rng.normal(scale=np.sqrt(2 / len(w)), size=w.shape)

    @staticmethod
    def _views(flat: np.ndarray, shapes: list[tuple[int, int]]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        weights, biases, at = [], [], 0
        for fan_in, out in shapes:
            weights.append(flat[at : at + fan_in * out].reshape(fan_in, out))
            at += fan_in * out
            biases.append(flat[at : at + out])
            at += out
        return weights, biases

    def scores(self, X: np.ndarray) -> np.ndarray:
        """Return the scores, (m, k), of (m, n) examples."""
        return self._forward(X)[-1]

    def penalty(self) -> float:
        """Return the penalty that the loss includes."""
        return self.l2 / 2 * sum(float(np.sum(w**2)) for w in self.weights)

    def loss_and_gradient(self, X: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss on a batch and the gradient as one flat vector (which is `grad`, and reused)."""
        *activations, z = self._forward(X)
        rows = np.arange(len(X))
        log_p = log_softmax(z)
        loss = -log_p[rows, y].mean() + self.penalty()
        delta = np.exp(log_p)
        delta[rows, y] -= 1
        delta /= len(X)
        for layer in reversed(range(len(self.weights))):
            a, w = activations[layer], self.weights[layer]
            self._dweights[layer][...] = a.T @ delta + self.l2 * w
            self._dbiases[layer][...] = delta.sum(axis=0)
            if layer:
                delta = (delta @ w.T) * (a > 0)
        return float(loss), self.grad

    def _forward(self, X: np.ndarray) -> list[np.ndarray]:
        """Return the inputs of every layer, and the scores."""
        values = [X]
        for layer, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = values[-1] @ w + b
            values.append(z if layer == len(self.weights) - 1 else np.maximum(z, 0))
        return values
