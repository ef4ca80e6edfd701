"""Networks on one flat vector of parameters: softmax regression and the multi-layer perceptron.

Examples are rows: ``X`` is (m, n). (The lectures put examples in columns; their ``W`` is our ``w.T``.)
"""

import itertools
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from course_lib.engine import compiled
from course_lib.validation import (
    as_float_array,
    as_float_dtype,
    as_generator,
    as_labels,
    as_number,
    as_positive_int,
)

__all__ = [
    "MLP",
    "BatchNormCache",
    "SoftmaxRegression",
    "batchnorm_backward",
    "batchnorm_forward",
    "dropout_backward",
    "dropout_forward",
    "log_softmax",
    "softmax_regression_loss_and_gradient",
]

EPS = 1e-5  # added to the variance in batch normalisation: PyTorch's default


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


# ---------------------------------------------------------------------------------------------------------
# Dropout and batch normalisation


def dropout_forward(a: np.ndarray, *, rate: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Set each number to 0 with probability `rate`, and scale up the others so that the expectation stays.

    Parameters
    ----------
    a : ndarray, float32 or float64
        Outputs of a layer, of any shape.
    rate : float
        Probability to drop a number, 0 <= rate < 1.
    rng : numpy.random.Generator
        Draws one number for each of `a`.

    Returns
    -------
    out : ndarray
        ``a * mask``, of the shape and dtype of `a`.
    mask : ndarray
        0 where dropped, ``1 / (1 - rate)`` elsewhere, of the shape and dtype of `a`.

    Raises
    ------
    TypeError, ValueError
        If `a` is no array of floats, `rate` is out of range or `rng` is no generator.

    Notes
    -----
    For training only; at inference dropout does nothing. Srivastava et al. (2014), *Dropout: a simple way to
    prevent neural networks from overfitting*, whose p is the probability to *keep* a unit, and who shrink the
    weights at inference instead. This is the "inverted" form of PyTorch (``p``) and Keras (``rate``), for both
    of which the number is the probability to drop, too.
    """
    a = _as_floats("a", a)
    rate = as_number("rate", rate, least=0, below=1)
    kept = as_generator("rng", rng).random(a.shape) >= rate
    mask = kept * a.dtype.type(1 / (1 - rate))
    return a * mask, mask


def dropout_backward(dout: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the derivative by the input of `dropout_forward`, from that by its output and its mask.

    Raises
    ------
    ValueError
        If the two differ in shape.
    """
    dout, mask = _as_floats("dout", dout), _as_floats("mask", mask)
    if dout.shape != mask.shape:
        raise ValueError(f"dout must have the shape of mask, {mask.shape}, got {dout.shape}")
    return dout * mask


class BatchNormCache(NamedTuple):
    """What `batchnorm_backward` needs from `batchnorm_forward`, and the statistics of the batch."""

    x_hat: np.ndarray
    gamma: np.ndarray
    inverse_std: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


def batchnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, *, eps: float = EPS
) -> tuple[np.ndarray, BatchNormCache]:
    """Normalise each column by its mean and variance over the batch, then scale and shift it.

    Parameters
    ----------
    x : ndarray of shape (B, n), float32 or float64
        A batch of at least 2 examples, one per row.
    gamma, beta : ndarray of shape (n,)
        Scale and shift of each column, which are learnt.
    eps : float, default 1e-5
        Added to the variance.

    Returns
    -------
    out : ndarray of shape (B, n)
        ``gamma * x_hat + beta`` with ``x_hat = (x - mean) / sqrt(variance + eps)``. The variance is the mean
        squared deviation (divided by B, not by B − 1).
    cache : BatchNormCache
        ``x_hat``, ``gamma``, ``inverse_std``, ``mean`` and ``variance``.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape, `eps` is not positive, or the batch is a single example, whose
        variance says nothing (PyTorch refuses it, too).

    Notes
    -----
    For training: at inference running averages take the place of the batch's statistics, see `MLP`. Ioffe and
    Szegedy (2015), *Batch normalization: accelerating deep network training by reducing internal covariate
    shift*. ``torch.nn.BatchNorm1d`` calls gamma ``weight`` and beta ``bias``; Keras's default ``epsilon`` is 1e-3.
    """
    x, gamma, beta = _as_floats("x", x), _as_floats("gamma", gamma), _as_floats("beta", beta)
    eps = as_number("eps", eps, above=0)
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"x must have shape (B, n) with at least 2 rows to take the variance of, got {x.shape}")
    for name, value in {"gamma": gamma, "beta": beta}.items():
        if value.shape != x.shape[1:]:
            raise ValueError(
                f"{name} must have shape {x.shape[1:]}, one number per column of x, got {value.shape}"
            )
    mean = x.mean(axis=0)
    deviation = x - mean
    variance = (deviation**2).mean(axis=0)
    inverse_std = 1 / np.sqrt(variance + eps)
    x_hat = deviation * inverse_std
    return gamma * x_hat + beta, BatchNormCache(x_hat, gamma, inverse_std, mean, variance)


def batchnorm_backward(dout: np.ndarray, cache: BatchNormCache) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the derivatives by the three arguments of `batchnorm_forward`, from that by its output.

    Mean and variance depend on every example of the batch, so each example's derivative has a part of all.

    Parameters
    ----------
    dout : ndarray of shape (B, n)
        Derivative of the loss by the output.
    cache : BatchNormCache
        The second result of `batchnorm_forward`.

    Returns
    -------
    dx : ndarray of shape (B, n)
    dgamma, dbeta : ndarray of shape (n,)

    Raises
    ------
    ValueError
        If `dout` has another shape than the output.
    """
    dout = _as_floats("dout", dout)
    x_hat, gamma, inverse_std, _, _ = cache
    if dout.shape != x_hat.shape:
        raise ValueError(f"dout must have the shape of the output, {x_hat.shape}, got {dout.shape}")
    dgamma = (dout * x_hat).sum(axis=0)
    dbeta = dout.sum(axis=0)
    # What is left of dout when its mean and its part along x_hat are taken away.
    dx = gamma * inverse_std * (dout - (dbeta + x_hat * dgamma) / len(dout))
    return dx, dgamma, dbeta


def _as_floats(name: str, value: np.ndarray) -> np.ndarray:
    """Return `value` if it is a float32 or float64 array. Infinity and NaN pass: training may diverge."""
    if not isinstance(value, np.ndarray) or value.dtype not in (np.float32, np.float64):
        got = getattr(value, "dtype", type(value).__name__)
        raise TypeError(f"{name} must be an array of float32 or float64, got {got}")
    return value


# ---------------------------------------------------------------------------------------------------------
# Networks


def _cross_entropy_and_slope(z: np.ndarray, y: np.ndarray, dz: np.ndarray) -> float:
    """Return the mean cross-entropy of the softmax of scores; fill `dz` with its derivative by them."""
    loop = _compiled_loop()
    if loop:
        return loop(z, y, dz)
    m, one_hot = len(z), np.eye(z.shape[1], dtype=z.dtype).take(y, axis=0)
    _subtract_row_maxima(z)
    np.exp(z, out=dz)
    total = dz.sum(axis=1, keepdims=True)
    dz /= total  # now it is the softmax
    dz -= one_hot
    dz /= m
    return float((np.log(total).sum() - np.vdot(one_hot, z)) / m)


@cache
def _compiled_loop() -> Callable | None:
    return compiled(_row_by_row)


def _row_by_row(z, y, dz):
    (m, k), loss = z.shape, 0.0
    for i in range(m):
        if not 0 <= y[i] < k:
            raise IndexError("y holds a class that is out of bounds")
        top, total = z[i].max(), z.dtype.type(0)
        for j in range(k):
            dz[i, j] = np.exp(z[i, j] - top)
            total += dz[i, j]
        loss += np.log(total) + top - z[i, y[i]]
        for j in range(k):
            dz[i, j] = (dz[i, j] / total - (j == y[i])) / z.dtype.type(m)
    return loss / m


class _Workspace(NamedTuple):
    """The arrays that a batch of m examples is computed in: made for the first batch of its size, then reused."""

    ones: np.ndarray  # (m,)
    outputs: list[np.ndarray]  # of every layer, (m, units)
    active: list[np.ndarray]  # which outputs are above 0, (m, units)
    delta: np.ndarray  # the loss's derivative by the scores, (m, k)
    masks: list[np.ndarray | None]  # dropout's, of every hidden layer
    caches: list[BatchNormCache | None]  # of every hidden layer


class _Network:
    """What all networks share: layers on one flat vector of parameters, forward and backward.

    `loss_and_gradient` computes in arrays that are kept (``out=`` and ``+=``): at 64 × 64, making new ones and
    passing over them once more takes as long as the arithmetic.
    """

    dropout = 0.0
    batch_norm = False

    def __init__(self, sizes: list[int], *, l2: float, dtype):
        self.n_features, self.n_classes = sizes[0], sizes[-1]
        self.l2 = as_number("l2", l2, least=0)
        self._shapes = list(itertools.pairwise(sizes))
        size = sum(fan_in * out + out for fan_in, out in self._shapes)
        if self.batch_norm:
            size += sum(sizes[1:-1])
        self.params = np.zeros(size, as_float_dtype("dtype", dtype))
        self.grad = np.zeros_like(self.params)
        self._make_views()

    def _make_views(self) -> None:
        self.weights, self.biases, self.gammas = self._views(self.params)
        self._dweights, self._dbiases, self._dgammas = self._views(self.grad)
        self.betas = self.biases[:-1] if self.batch_norm else []
        self._workspaces: dict[int, _Workspace] = {}

    def _views(self, flat: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
        """Return the weight matrices, biases and gammas that lie layer by layer in a flat vector."""
        weights, biases, gammas = [], [], []
        for layer, (fan_in, out) in enumerate(self._shapes):
            w, b, flat = np.split(flat, [fan_in * out, fan_in * out + out])
            weights.append(w.reshape(fan_in, out))
            biases.append(b)
            if self.batch_norm and layer < len(self._shapes) - 1:
                gamma, flat = np.split(flat, [out])
                gammas.append(gamma)
        return weights, biases, gammas

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
        work = self._workspace(len(X))
        z = self._forward(X, work.outputs, work)
        loss = _cross_entropy_and_slope(z, np.asarray(y), work.delta)
        self._backward(X, work.delta, work)
        return loss + self.penalty(), self.grad

    def scores(self, X: np.ndarray) -> np.ndarray:
        """Return the scores, (m, k), of (m, n) examples."""
        return self._forward(np.asarray(X, self.params.dtype), [None] * len(self.weights))

    def penalty(self) -> float:
        """Return the penalty that the loss includes."""
        return self.l2 / 2 * sum(float(np.vdot(w, w)) for w in self.weights) if self.l2 else 0.0

    def loss(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return the loss, penalty included, on (m, n) examples."""
        X = self._checked(X)
        y = as_labels("y", y, length=len(X), n_classes=self.n_classes)
        z = self.scores(X)
        _subtract_row_maxima(z)
        right = z[np.arange(len(X)), y]
        total = np.exp(z, out=z).sum(axis=1)
        return float((np.log(total) - right).mean() + self.penalty())

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable class of each row."""
        return np.argmax(self.scores(self._checked(X)), axis=1)

    def accuracy(self, X: np.ndarray, y: np.ndarray) -> float:
        """Return the fraction of rows whose most probable class is the right one."""
        y = as_labels("y", y, length=len(X), n_classes=self.n_classes)
        return float(np.mean(self.predict(X) == y))

    def _forward(self, X: np.ndarray, outputs: list, training: _Workspace | None = None) -> np.ndarray:
        """Return the scores, computing each layer in its array of `outputs` (None: in a new one).

        In training mode, masks and caches go into the workspace `training`; without it, it is inference.
        """
        a, last = X, len(self.weights) - 1
        for layer, (w, b, out) in enumerate(zip(self.weights, self.biases, outputs, strict=True)):
            a = a.dot(w, out=out)
            if self.batch_norm and layer < last:
                self._normalise(layer, a, training)
            else:
                a += b
            if layer < last:
                np.maximum(a, 0, out=a)
                if self.dropout and training:
                    a[:], training.masks[layer] = dropout_forward(a, rate=self.dropout, rng=self._mask_rng)
        return a

    def _normalise(self, layer: int, a: np.ndarray, training: _Workspace | None) -> None:
        gamma, beta = self.gammas[layer], self.betas[layer]
        mean, variance = self.running_means[layer], self.running_vars[layer]
        if training:
            if len(a) < 2:  # perhaps the last batch of an epoch
                raise ValueError(f"X must have at least 2 rows to normalise over the batch, got {len(a)}")
            a[:], cache = batchnorm_forward(a, gamma, beta)
            training.caches[layer] = cache
            mean[:] = 0.9 * mean + 0.1 * cache.mean
            variance[:] = 0.9 * variance + 0.1 * cache.variance * (len(a) / (len(a) - 1))
        else:
            a -= mean
            a *= gamma / np.sqrt(variance + EPS)
            a += beta

    def _backward(self, X: np.ndarray, delta: np.ndarray, work: _Workspace) -> None:
        """Fill `grad`, given the derivative by the scores."""
        inputs, last = [X, *work.outputs], len(self.weights) - 1
        for layer in range(last, -1, -1):
            a, w, dw, db = inputs[layer], self.weights[layer], self._dweights[layer], self._dbiases[layer]
            if self.batch_norm and layer < last:
                delta, self._dgammas[layer][:], db[:] = batchnorm_backward(delta, work.caches[layer])
            else:
                work.ones.dot(delta, out=db)  # the sum over the batch
            a.T.dot(delta, out=dw)
            if self.l2:
                dw += self.l2 * w
            if layer:
                # Of `a` only the signs are still needed, so its array takes the derivative by it.
                active = np.greater(a, 0, out=work.active[layer - 1])
                delta = delta.dot(w.T, out=a)
                delta *= active
                if self.dropout:
                    delta *= work.masks[layer - 1]

    def _workspace(self, m: int) -> _Workspace:
        if m not in self._workspaces:
            if len(self._workspaces) == 4:  # an epoch needs two: its batches and the short last one
                self._workspaces.clear()
            dtype, units = self.params.dtype, [out for _, out in self._shapes]
            # Zeros, not what was in memory: BLAS may touch it, and warn of a NaN that it then overwrites.
            self._workspaces[m] = _Workspace(
                ones=np.ones(m, dtype),
                outputs=[np.zeros((m, n), dtype) for n in units],
                active=[np.empty((m, n), bool) for n in units[:-1]],
                delta=np.zeros((m, self.n_classes), dtype),
                masks=[None] * len(units[:-1]),
                caches=[None] * len(units[:-1]),
            )
        return self._workspaces[m]

    def _checked(self, X: np.ndarray) -> np.ndarray:
        X = as_float_array("X", X, ndim=2)
        if X.shape[1] != self.n_features:
            raise ValueError(f"X must have {self.n_features} columns, got shape {X.shape}")
        return X


def _subtract_row_maxima(z: np.ndarray) -> None:
    """Subtract each row's maximum, in place. NumPy's ``max`` is slow along short rows; ``argmax`` is not."""
    z -= z[np.arange(len(z)), z.argmax(axis=1)][:, None]


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
        Strength of the penalty ``l2 / 2 * sum(w**2)`` over all weight matrices; biases, gammas and betas are not
        penalised.
    dropout : float, default 0.0
        Probability to drop each output of the hidden layers, 0 <= dropout < 1: see `dropout_forward`.
    batch_norm : bool, default False
        Whether hidden layers normalise over the batch, between their linear part and ReLU: see
        `batchnorm_forward`. Its shift beta is then the layer's bias; another one before it would be subtracted
        again with the mean.
    dtype : {float32, float64}, default float64
        Of the parameters and of all computation; data of another dtype are converted.

    Attributes
    ----------
    params, grad : ndarray of shape (p,)
        All parameters and, after `loss_and_gradient`, their gradient: first all of layer 1, then of layer 2, …
    weights, biases : list of ndarray
        Views of `params`, shapes (fan-in, fan-out) and (fan-out,), one per layer.
    gammas, betas : list of ndarray
        With `batch_norm` views of `params`, one of shape (units,) per hidden layer, at first 1 and 0; else empty.
        ``betas[i]`` is ``biases[i]``.
    running_means, running_vars : list of ndarray
        With `batch_norm` the averages that inference uses in place of a batch's statistics, at first 0 and 1;
        else empty. Not parameters: no gradient changes them.

    Raises
    ------
    TypeError, ValueError
        If a size is no whole number of at least 1, there are fewer than two, or another argument has the wrong
        type or is out of range.

    Notes
    -----
    `loss_and_gradient` is training mode. It draws new dropout masks, from a generator of the network's own that
    is spawned from `rng`, normalises by the batch (of at least 2 examples), and moves the running averages on:
    ``running = 0.9 * running + 0.1 * batch``, the variance with the factor B / (B − 1). So two calls differ. All
    other methods are inference mode, which changes nothing. In PyTorch ``model.train()`` and ``model.eval()``
    switch between the two, and 0.1, the weight of the new batch, is called ``momentum``; in Keras ``momentum`` is
    the weight of the past, 0.99.

    In PyTorch a hidden layer with both is ``Linear(bias=False)``, ``BatchNorm1d``, ``ReLU``, ``Dropout``.
    """

    def __init__(
        self,
        sizes,
        *,
        rng: np.random.Generator,
        l2: float = 0.0,
        dropout: float = 0.0,
        batch_norm: bool = False,
        dtype=np.float64,
    ):
        sizes = [as_positive_int("sizes", size) for size in sizes]
        if len(sizes) < 2:
            raise ValueError(f"sizes must name at least inputs and classes, got {sizes}")
        as_generator("rng", rng)
        self.dropout = as_number("dropout", dropout, least=0, below=1)
        if not isinstance(batch_norm, bool):
            raise TypeError(f"batch_norm must be True or False, got {batch_norm!r}")
        self.batch_norm = batch_norm
        super().__init__(sizes, l2=l2, dtype=dtype)
        for w in self.weights:
            w[...] = rng.normal(scale=np.sqrt(2 / len(w)), size=w.shape)
        for gamma in self.gammas:
            gamma[:] = 1
        self.running_means = [np.zeros_like(gamma) for gamma in self.gammas]
        self.running_vars = [np.ones_like(gamma) for gamma in self.gammas]
        if self.dropout:
            (self._mask_rng,) = rng.spawn(1)  # takes nothing from the numbers that rng will draw
