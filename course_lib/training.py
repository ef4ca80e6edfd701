"""The training loop, and the history that it writes."""

from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from course_lib.minibatch import iterate_minibatches
from course_lib.validation import as_float_array, as_labels, as_number, as_positive_int

__all__ = ["History", "train"]


@dataclass
class History:
    """What happened during training.

    Attributes
    ----------
    batch_loss : list of float
        Each mini-batch's loss before its update, one per update.
    updates, examples : list of int
        Updates made and examples seen at each evaluation, the start (0) included.
    loss : list of float
        Loss on all training data at each evaluation, the penalty included.
    seconds : list of float
        Time spent in updates (evaluations left out) until each evaluation.
    reached : bool
        Whether `target_loss` was reached.
    dev_loss : list of float
        With `dev`, the loss on the dev set at each evaluation, the penalty included.
    best : int or None
        With `dev`, the index of the evaluation with the lowest dev loss (the first of equals).
    """

    batch_loss: list[float] = field(default_factory=list)
    updates: list[int] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    reached: bool = False
    dev_loss: list[float] = field(default_factory=list)
    best: int | None = None


def train(
    network,
    optimizer,
    X: np.ndarray,
    y: np.ndarray,
    *,
    batch_size: int,
    epochs: int,
    rng: np.random.Generator,
    evaluate_every: int | None = None,
    target_loss: float | None = None,
    dev: tuple[np.ndarray, np.ndarray] | None = None,
    patience: int | None = None,
) -> History:
    """Train `network` by mini-batches, in place.

    Parameters
    ----------
    network
        With ``loss_and_gradient(X, y)``, ``loss(X, y)``, flat ``params`` and ``n_classes``, as in
        `course_lib.networks`.
    optimizer
        With ``step(grad)``, made on ``network.params``, as in `course_lib.optimizers`.
    X : ndarray of shape (m, n)
        Training examples.
    y : ndarray of int, shape (m,)
        Their classes.
    batch_size : int
        Examples per update; ``len(X)`` is full-batch gradient descent.
    epochs : int
        Passes over the data (at most, with `target_loss` or `patience`).
    rng : numpy.random.Generator
        Draws the order of the examples, anew each epoch.
    evaluate_every : int, optional
        Updates between two evaluations of the loss on all of X. Default: once per epoch.
    target_loss : float, optional
        Stop at the first evaluation whose training loss is at most this.
    dev : tuple (X_dev, y_dev), optional
        A dev set: examples that are not trained on, whose loss is evaluated, too.
    patience : int, optional
        Stop after this many evaluations without a new lowest dev loss ("early stopping"). However training ends,
        the network then has the parameters of the best evaluation, and the running averages of its batch
        normalisation. The optimizer stays where it is.

    Returns
    -------
    History

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or range. A loss that overflows is recorded, not raised:
        divergence is something to look at.

    Notes
    -----
    Prechelt (1998), *Early stopping, but when?* Keras's ``EarlyStopping(patience=…, restore_best_weights=True)``;
    PyTorch leaves it to its users.
    """
    batch_size = as_positive_int("batch_size", batch_size)
    epochs = as_positive_int("epochs", epochs)
    X = as_float_array("X", X, ndim=2)
    if len(X) == 0:
        raise ValueError(f"X must have at least one row, got shape {X.shape}")
    y = as_labels("y", y, length=len(X), n_classes=network.n_classes)
    per_epoch = -(-len(X) // batch_size)
    every = per_epoch if evaluate_every is None else as_positive_int("evaluate_every", evaluate_every)
    target = -np.inf if target_loss is None else as_number("target_loss", target_loss)
    if dev is not None:
        dev = _checked_dev(dev, X.shape[1], network.n_classes)
    if patience is not None:
        patience = as_positive_int("patience", patience)
        if dev is None:
            raise ValueError(f"patience={patience} needs dev=(X_dev, y_dev), the data whose loss decides")
    X = X.astype(network.params.dtype, copy=False)

    history = History()
    updates = examples = 0
    seconds = 0.0
    lowest, best_state = np.inf, []

    def evaluate() -> bool:
        """Record where training stands, and return whether to stop."""
        nonlocal lowest, best_state
        history.updates.append(updates)
        history.examples.append(examples)
        history.seconds.append(seconds)
        history.loss.append(network.loss(X, y))
        history.reached = history.loss[-1] <= target
        if dev is None:
            return history.reached
        dev_loss, index = network.loss(*dev), len(history.dev_loss)
        history.dev_loss.append(dev_loss)
        if index == 0 or dev_loss < lowest:
            history.best, lowest = index, min(lowest, dev_loss)  # a NaN is no lowest loss
            if patience is not None:
                best_state = [array.copy() for array in _state(network)]
        return history.reached or (patience is not None and index - history.best >= patience)

    stop = evaluate()
    for _ in range(epochs):
        if stop:
            break
        start = perf_counter()
        for X_batch, y_batch in iterate_minibatches(X, y, batch_size=batch_size, rng=rng):
            loss, grad = network.loss_and_gradient(X_batch, y_batch)
            optimizer.step(grad)
            history.batch_loss.append(loss)
            updates += 1
            examples += len(X_batch)
            if updates % every == 0:
                seconds += perf_counter() - start
                stop = evaluate()
                start = perf_counter()
                if stop:
                    break
        seconds += perf_counter() - start
    if history.updates[-1] != updates:
        evaluate()
    if patience is not None:
        for array, best in zip(_state(network), best_state, strict=True):
            array[...] = best
    return history


def _checked_dev(dev, n_features: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(dev, tuple | list) or len(dev) != 2:
        raise TypeError(f"dev must be a pair (X_dev, y_dev), got {type(dev).__name__}")
    X_dev = as_float_array("X_dev", dev[0], ndim=2)
    if len(X_dev) == 0 or X_dev.shape[1] != n_features:
        raise ValueError(f"X_dev must have {n_features} columns, as X, and at least one row, got {X_dev.shape}")
    return X_dev, as_labels("y_dev", dev[1], length=len(X_dev), n_classes=n_classes)


def _state(network) -> list[np.ndarray]:
    """Return all arrays of a network that training changes."""
    return [network.params, *getattr(network, "running_means", ()), *getattr(network, "running_vars", ())]
