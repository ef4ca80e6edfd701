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
        Loss on all training data at each evaluation.
    seconds : list of float
        Time spent in updates (evaluations left out) until each evaluation.
    reached : bool
        Whether `target_loss` was reached.
    """

    batch_loss: list[float] = field(default_factory=list)
    updates: list[int] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    reached: bool = False


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
        Passes over the data (at most, with `target_loss`).
    rng : numpy.random.Generator
        Draws the order of the examples, anew each epoch.
    evaluate_every : int, optional
        Updates between two evaluations of the loss on all of X. Default: once per epoch.
    target_loss : float, optional
        Stop at the first evaluation that is at most this.

    Returns
    -------
    History

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape or range. A loss that overflows is recorded, not raised:
        divergence is something to look at.
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

    history = History()
    updates = examples = 0
    seconds = 0.0

    def evaluate():
        history.updates.append(updates)
        history.examples.append(examples)
        history.seconds.append(seconds)
        history.loss.append(network.loss(X, y))
        history.reached = history.loss[-1] <= target
        return history.reached

    if evaluate():
        return history
    for _ in range(epochs):
        start = perf_counter()
        for X_batch, y_batch in iterate_minibatches(X, y, batch_size=batch_size, rng=rng):
            loss, grad = network.loss_and_gradient(X_batch, y_batch)
            optimizer.step(grad)
            history.batch_loss.append(loss)
            updates += 1
            examples += len(X_batch)
            if updates % every == 0:
                seconds += perf_counter() - start
                if evaluate():
                    return history
                start = perf_counter()
        seconds += perf_counter() - start
    if history.updates[-1] != updates:
        evaluate()
    return history
