"""Optimizers: how a gradient becomes a step.

The mathematics is a function, ``adam_step(w, dw, v, s, t, *, lr, …)``: pure, element by element, the text of the
formula. A class holds the state and applies the same text, fused to one kernel (`course_lib.engine`), in place to
one flat vector of parameters.

Names: ``v`` is the first moment (velocity), ``s`` the second moment, ``t`` counts steps from 1. Papers write m and
v for them, PyTorch ``exp_avg`` and ``exp_avg_sq``.
"""

from collections.abc import Callable

import numpy as np

from course_lib.engine import fuse
from course_lib.validation import as_number

__all__ = [
    "SGD",
    "AMSGrad",
    "AdaGrad",
    "Adam",
    "AdamW",
    "HeavyBall",
    "Momentum",
    "Nesterov",
    "RMSprop",
    "adagrad_step",
    "adam_step",
    "adamw_step",
    "amsgrad_step",
    "heavy_ball_step",
    "momentum_step",
    "nesterov_step",
    "rmsprop_step",
    "sgd_step",
]

Schedule = Callable[[int], float]


# ---------------------------------------------------------------------------------------------------------
# The formulas


def sgd_step(w, dw, *, lr):
    """Return the parameters after a step of gradient descent (Cauchy, 1847; Robbins and Monro, 1951)."""
    return w - lr * dw


def momentum_step(w, dw, v, *, lr, beta=0.9):
    """Return parameters and velocity after a step along the exponentially weighted average of the gradients.

    The lectures' form, with the factor 1 − beta; `heavy_ball_step` is the form without it.
    """
    v = beta * v + (1 - beta) * dw
    return w - lr * v, v


def heavy_ball_step(w, dw, v, *, lr, beta=0.9):
    """Return parameters and velocity after a step of the heavy ball (Polyak, 1964), PyTorch's form."""
    v = beta * v + dw
    return w - lr * v, v


def nesterov_step(w, dw, v, *, lr, beta=0.9):
    """Return parameters and velocity after a step with Nesterov's look-ahead (1983).

    In PyTorch's form, after Sutskever et al. (2013): the gradient is taken at the current parameters and the
    look-ahead is done by applying the momentum once more. With the factor 1 − beta, as in `momentum_step`.
    """
    v = beta * v + (1 - beta) * dw
    return w - lr * (beta * v + (1 - beta) * dw), v


def adagrad_step(w, dw, s, *, lr=1e-2, eps=1e-10):
    """Return parameters and summed squares after a step of AdaGrad (Duchi, Hazan and Singer, 2011)."""
    s = s + dw**2
    return w - lr * dw / (np.sqrt(s) + eps), s


def rmsprop_step(w, dw, s, *, lr=1e-3, beta=0.9, eps=1e-8):
    """Return parameters and mean square after a step of RMSprop (Hinton, 2012, lecture 6e of his course)."""
    s = beta * s + (1 - beta) * dw**2
    return w - lr * dw / (np.sqrt(s) + eps), s


def adam_step(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """Return parameters and both moments after step `t` of Adam (Kingma and Ba, 2015, algorithm 1)."""
    v = beta1 * v + (1 - beta1) * dw
    s = beta2 * s + (1 - beta2) * dw**2
    v_hat = v / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    return w - lr * v_hat / (np.sqrt(s_hat) + eps), v, s


def adamw_step(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    """Return parameters and both moments after step `t` of AdamW (Loshchilov and Hutter, 2019).

    The decay is ``lr * weight_decay * w``, as in PyTorch; it never enters the moments.
    """
    v = beta1 * v + (1 - beta1) * dw
    s = beta2 * s + (1 - beta2) * dw**2
    v_hat = v / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    return w - lr * (v_hat / (np.sqrt(s_hat) + eps) + weight_decay * w), v, s


def amsgrad_step(w, dw, v, s, s_max, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """Return parameters, moments and the largest second moment after step `t` of AMSGrad (Reddi et al., 2018).

    With Adam's bias corrections, the maximum taken before them, as in PyTorch; the paper has no corrections.
    """
    v = beta1 * v + (1 - beta1) * dw
    s = beta2 * s + (1 - beta2) * dw**2
    s_max = np.maximum(s_max, s)
    v_hat = v / (1 - beta1**t)
    s_hat = s_max / (1 - beta2**t)
    return w - lr * v_hat / (np.sqrt(s_hat) + eps), v, s, s_max


# ---------------------------------------------------------------------------------------------------------
# The optimizers


class _Optimizer:
    """Parameters, learning rate and step counter; a subclass adds its state and `_update`."""

    def __init__(self, params: np.ndarray, lr: float | Schedule):
        if not isinstance(params, np.ndarray) or params.dtype not in (np.float32, np.float64) or params.ndim != 1:
            shape, dtype = np.shape(params), getattr(params, "dtype", type(params).__name__)
            raise TypeError(f"params must be a flat float32 or float64 array, got shape {shape}, {dtype}")
        if not params.flags.writeable:
            raise ValueError("params must be an array to write to, as each step changes it; this one is read-only")
        self.params = params
        self.lr = lr if callable(lr) else as_number("lr", lr, above=0)
        self.t = 0

    def step(self, grad: np.ndarray) -> None:
        """Make one step with `grad`, an array of the parameters' shape and dtype, in place.

        Raises
        ------
        TypeError, ValueError
            If `grad` is no array or its shape or dtype differs, or a schedule returns a learning rate that is
            negative or not finite.
        """
        if not isinstance(grad, np.ndarray):
            raise TypeError(f"grad must be an array, got {type(grad).__name__}")
        params, lr = self.params, self.lr
        if grad.shape != params.shape or grad.dtype != params.dtype:
            raise ValueError(
                f"grad must have shape {params.shape} and dtype {params.dtype}, got {grad.shape} and {grad.dtype}"
            )
        if callable(lr):
            lr = as_number("lr", lr(self.t + 1), least=0)
        self.t += 1
        self._update(grad, lr)

    def _update(self, grad: np.ndarray, lr: float) -> None:
        raise NotImplementedError


class SGD(_Optimizer):
    """Gradient descent: w ← w − lr · dw.

    Parameters
    ----------
    params : ndarray of shape (p,), float32 or float64
        The parameters; `step` changes them in place.
    lr : float or callable
        Learning rate, or a schedule ``t -> lr`` of the step t = 1, 2, …

    Attributes
    ----------
    t : int
        Steps made.

    Raises
    ------
    TypeError, ValueError
        If `params` is no flat float array, or `lr` is not positive and finite.

    Notes
    -----
    The update of ``torch.optim.SGD`` and ``keras.optimizers.SGD`` without momentum.
    """

    _kernel = fuse(sgd_step)

    def __init__(self, params: np.ndarray, *, lr: float | Schedule):
        super().__init__(params, lr)

    def _update(self, grad, lr):
        self._kernel.apply(self.params, grad, lr=lr)


class Momentum(_Optimizer):
    """Gradient descent along the exponentially weighted average of the gradients.

    Parameters
    ----------
    params : ndarray of shape (p,), float32 or float64
        The parameters; `step` changes them in place.
    lr : float or callable
        Learning rate, or a schedule ``t -> lr``.
    beta : float, default 0.9
        Weight of the past, 0 <= beta < 1.

    Attributes
    ----------
    v : ndarray of shape (p,)
        Velocity, 0 at first.
    t : int
        Steps made.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.

    Notes
    -----
    With the factor 1 − beta. ``torch.optim.SGD(lr=a, momentum=beta)`` has none and makes the same steps when
    ``a = lr * (1 - beta)``; `HeavyBall` is that form.
    """

    _kernel = fuse(momentum_step)

    def __init__(self, params: np.ndarray, *, lr: float | Schedule, beta: float = 0.9):
        super().__init__(params, lr)
        self.beta = as_number("beta", beta, least=0, below=1)
        self.v = np.zeros_like(params)

    def _update(self, grad, lr):
        self._kernel.apply(self.params, grad, self.v, lr=lr, beta=self.beta)


class HeavyBall(Momentum):
    """Momentum without the factor 1 − beta (Polyak, 1964).

    Parameters, attributes and errors as in `Momentum`. The update of ``torch.optim.SGD(lr=lr, momentum=beta)``.
    """

    _kernel = fuse(heavy_ball_step)


class Nesterov(Momentum):
    """Momentum with Nesterov's look-ahead (1983), with the factor 1 − beta.

    Parameters, attributes and errors as in `Momentum`. ``torch.optim.SGD(nesterov=True)`` makes the same steps at
    ``lr * (1 - beta)``.
    """

    _kernel = fuse(nesterov_step)


class AdaGrad(_Optimizer):
    """AdaGrad (Duchi, Hazan and Singer, 2011): each coordinate's rate falls with its summed squared gradients.

    Parameters
    ----------
    params : ndarray of shape (p,), float32 or float64
        The parameters; `step` changes them in place.
    lr : float or callable, default 0.01 (PyTorch's)
        Learning rate, or a schedule ``t -> lr``.
    eps : float, default 1e-10 (PyTorch's)
        Added to the root.

    Attributes
    ----------
    s : ndarray of shape (p,)
        Sum of squared gradients, 0 at first (Keras starts at 0.1).
    t : int
        Steps made.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.
    """

    _kernel = fuse(adagrad_step)

    def __init__(self, params: np.ndarray, *, lr: float | Schedule = 1e-2, eps: float = 1e-10):
        super().__init__(params, lr)
        self.eps = as_number("eps", eps, above=0)
        self.s = np.zeros_like(params)

    def _update(self, grad, lr):
        self._kernel.apply(self.params, grad, self.s, lr=lr, eps=self.eps)


class RMSprop(_Optimizer):
    """RMSprop (Hinton, 2012): each coordinate is divided by the root of its mean squared gradient.

    Parameters
    ----------
    params : ndarray of shape (p,), float32 or float64
        The parameters; `step` changes them in place.
    lr : float or callable, default 0.001 (Keras's; PyTorch's is 0.01)
        Learning rate, or a schedule ``t -> lr``.
    beta : float, default 0.9 (Hinton's; PyTorch's ``alpha`` is 0.99)
        Weight of the past in the mean square, 0 <= beta < 1.
    eps : float, default 1e-8 (PyTorch's)
        Added to the root. Keras adds its 1e-7 to the square instead.

    Attributes
    ----------
    s : ndarray of shape (p,)
        Mean squared gradient, 0 at first and not corrected.
    t : int
        Steps made.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.
    """

    _kernel = fuse(rmsprop_step)

    def __init__(self, params: np.ndarray, *, lr: float | Schedule = 1e-3, beta: float = 0.9, eps: float = 1e-8):
        super().__init__(params, lr)
        self.beta = as_number("beta", beta, least=0, below=1)
        self.eps = as_number("eps", eps, above=0)
        self.s = np.zeros_like(params)

    def _update(self, grad, lr):
        self._kernel.apply(self.params, grad, self.s, lr=lr, beta=self.beta, eps=self.eps)


class Adam(_Optimizer):
    """Adam (Kingma and Ba, 2015): both moments, both corrected.

    Parameters
    ----------
    params : ndarray of shape (p,), float32 or float64
        The parameters; `step` changes them in place.
    lr : float or callable, default 0.001 (the paper's)
        Learning rate, or a schedule ``t -> lr``.
    beta1, beta2 : float, default 0.9 and 0.999 (the paper's)
        Weights of the past in the first and second moment, 0 <= beta < 1.
    eps : float, default 1e-8 (the paper's and PyTorch's)
        Added to the root of the corrected second moment. Keras's 1e-7 is the paper's ε̂, added before correcting.

    Attributes
    ----------
    v, s : ndarray of shape (p,)
        First and second moment, uncorrected.
    t : int
        Steps made.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.
    """

    _kernel = fuse(adam_step)

    def __init__(
        self,
        params: np.ndarray,
        *,
        lr: float | Schedule = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ):
        super().__init__(params, lr)
        self.beta1 = as_number("beta1", beta1, least=0, below=1)
        self.beta2 = as_number("beta2", beta2, least=0, below=1)
        self.eps = as_number("eps", eps, above=0)
        self.v, self.s = np.zeros_like(params), np.zeros_like(params)

    def _update(self, grad, lr):
        self._kernel.apply(
            self.params, grad, self.v, self.s, self.t, lr=lr, beta1=self.beta1, beta2=self.beta2, eps=self.eps
        )


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    Parameters, attributes and errors as in `Adam`, and

    Parameters
    ----------
    weight_decay : float, default 0.01 (PyTorch's)
        Every step also shrinks the parameters by ``lr * weight_decay`` of themselves.
    """

    _kernel = fuse(adamw_step)

    def __init__(self, params: np.ndarray, *, weight_decay: float = 1e-2, **adam):
        super().__init__(params, **adam)
        self.weight_decay = as_number("weight_decay", weight_decay, least=0)

    def _update(self, grad, lr):
        self._kernel.apply(
            self.params,
            grad,
            self.v,
            self.s,
            self.t,
            lr=lr,
            beta1=self.beta1,
            beta2=self.beta2,
            eps=self.eps,
            weight_decay=self.weight_decay,
        )


class AMSGrad(Adam):
    """AMSGrad (Reddi, Kale and Kumar, 2018): Adam whose second moment never falls.

    Parameters, attributes and errors as in `Adam`, and ``s_max``, the largest second moment so far.
    """

    _kernel = fuse(amsgrad_step)

    def __init__(self, params: np.ndarray, **adam):
        super().__init__(params, **adam)
        self.s_max = np.zeros_like(params)

    def _update(self, grad, lr):
        self._kernel.apply(
            self.params,
            grad,
            self.v,
            self.s,
            self.s_max,
            self.t,
            lr=lr,
            beta1=self.beta1,
            beta2=self.beta2,
            eps=self.eps,
        )
