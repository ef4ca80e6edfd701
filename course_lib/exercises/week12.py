"""Week 12, the digits showdown: the exercises with their cases, misconceptions and hints."""

import math

import numpy as np

from course_lib import networks, optimizers
from course_lib.exercises import Allows, Exercise, Prediction, Quiz, Seed, case
from course_lib.minibatch import iterate_minibatches as course_minibatches

# ---------------------------------------------------------------------------------------------------------
# training_loop


def training_loop(name, settings, X, y, X_dev, y_dev, *, sizes, batch_size, epochs, rng):
    network = networks.MLP(sizes, rng=rng)
    optimizer = getattr(optimizers, name)(network.params, **settings)
    batch_loss, dev_loss = [], [network.loss(X_dev, y_dev)]
    for _ in range(epochs):
        for X_batch, y_batch in course_minibatches(X, y, batch_size=batch_size, rng=rng):
            loss, dw = network.loss_and_gradient(X_batch, y_batch)
            optimizer.step(dw)
            batch_loss.append(loss)
        dev_loss.append(network.loss(X_dev, y_dev))
    return network.params, batch_loss, dev_loss


def training_cases(rng):
    beta1, decay = float(rng.uniform(0.6, 0.8)), float(rng.uniform(0.1, 0.4))
    runs = [
        ("one epoch", "SGD", {"lr": 0.3}, 12, 4, 1),
        ("one epoch", "Momentum", {"lr": 0.5, "beta": 0.8}, 12, 4, 1),
        ("epochs and settings", "Adam", {"lr": 0.05, "beta1": beta1, "eps": 1e-3}, 12, 4, 3),
        ("epochs and settings", "HeavyBall", {"lr": 0.2, "beta": beta1}, 15, 5, 4),
        ("epochs and settings", "AdamW", {"lr": 0.05, "weight_decay": decay, "beta2": 0.9}, 9, 9, 4),
        ("epochs and settings", "RMSprop", {"lr": 2.0, "beta": 0.7}, 16, 4, 3),  # far too large: the loss rises
        ("a short last batch", "SGD", {"lr": 0.5}, 13, 5, 2),
        ("a short last batch", "AdaGrad", {"lr": 0.1, "eps": 1e-2}, 10, 4, 3),
        ("a short last batch", "Nesterov", {"lr": 0.4, "beta": beta1}, 7, 20, 3),
    ]
    for part, name, settings, m, batch_size, epochs in runs:
        n, k = int(rng.integers(2, 5)), int(rng.integers(2, 4))
        X, y = rng.normal(size=(m + 8, n)), rng.integers(0, k, m + 8)
        data = X[:m], y[:m], X[m:], y[m:]
        seed = Seed(int(rng.integers(1, 1000)))
        options = {"sizes": (n, 4, k), "batch_size": batch_size, "epochs": epochs, "rng": seed}
        yield case(part, name, settings, *data, **options)


loop = Exercise(
    training_loop,
    parts={"one epoch": 2, "epochs and settings": 2, "a short last batch": 1},
    cases=training_cases,
    allows=Allows(ends={"batch_size": (1,), "settings": ({},)}, start="epochs and settings"),
    equivalent={
        "lines swapped: optimizer = getattr(optimizers, name)(network.params, **settings) → batch_loss, dev_loss = ([], [network.loss(X_dev, y_dev)])": "either may come first",
        "range: range(epochs) → range(1, epochs + 1)": "as many turns",
        "range: range(epochs) → range(-1, epochs - 1)": "as many turns",
        "name: network → optimizer": "both hold the same parameters",
    },
    returns=("params", "batch_loss", "dev_loss"),
    hints=(
        "What happens once per run, what once per epoch, and what once per mini-batch? Sort the lines first.",
        "Once: network, optimizer, the loss before training. Per mini-batch: gradient, step, one entry of "
        "batch_loss. Per epoch: a fresh set of mini-batches, one entry of dev_loss.",
        "`network = networks.MLP(sizes, rng=rng)`, then `getattr(optimizers, name)(network.params, **settings)`; "
        "in the inner loop `loss, dw = network.loss_and_gradient(X_batch, y_batch)` and `optimizer.step(dw)`.",
    ),
    explain="which of your lines would break the optimizer's memory if it stood one loop further in?",
)


def train_with(name, settings, data, options, /, **changes):
    """Train with one or several pieces replaced."""
    train, dev = data[:2], data[2:]
    batch_size, epochs, rng = options["batch_size"], options["epochs"], options["rng"]
    batch_rng = changes.get("batch_rng", rng)
    network = networks.MLP(options["sizes"], rng=changes.get("network_rng", rng))
    make = getattr(optimizers, name)
    settings = changes.get("settings", settings)
    optimizer = make(network.params, **settings)
    first_batches = None
    total = np.zeros_like(network.params)
    best, lowest = network.params.copy(), network.loss(*dev)
    batch_loss, dev_loss = [], [network.loss(*dev)]
    for _ in range(epochs):
        if changes.get("new") == "network each epoch":
            network = networks.MLP(options["sizes"], rng=rng)
        if changes.get("new") in ("optimizer each epoch", "network each epoch"):
            optimizer = make(network.params, **settings)
        batches = list(course_minibatches(*train, batch_size=batch_size, rng=batch_rng))
        if changes.get("same_batches"):
            batches = first_batches = first_batches or batches
        if changes.get("unshuffled"):
            cuts = range(0, len(train[0]), batch_size)
            batches = [(train[0][i : i + batch_size], train[1][i : i + batch_size]) for i in cuts]
        losses = []
        gradient_at_start = [network.loss_and_gradient(*batch)[1].copy() for batch in batches]
        for i, batch in enumerate(batches):
            loss, dw = network.loss_and_gradient(*batch)
            dw = dw.copy()
            if changes.get("stale"):
                dw = gradient_at_start[i]
            if changes.get("all_data"):
                dw = network.loss_and_gradient(*train)[1].copy()
            if changes.get("accumulate"):
                total += dw
                dw = total
            if changes.get("new") == "optimizer each batch":
                optimizer = make(network.params, **settings)
            if not changes.get("only_last") or i == len(batches) - 1:
                optimizer.step(changes.get("sign", 1) * dw)
            losses.append(network.loss(*batch) if changes.get("loss_after") else loss)
        batch_loss += [float(np.mean(losses))] if changes.get("mean_loss") else losses
        dev_loss.append(network.loss(*dev))
        if dev_loss[-1] < lowest:
            best, lowest = network.params.copy(), dev_loss[-1]
    if changes.get("no_start"):
        dev_loss = dev_loss[1:]
    if changes.get("before_epoch"):
        dev_loss = dev_loss[:-1]
    return best if changes.get("best") else network.params, batch_loss, dev_loss


@loop.misconception(
    "The gradients add up from batch to batch: each step uses the sum of all gradients so far. Every step wants "
    "the gradient of its own batch only. (In PyTorch this is the bug of a forgotten `zero_grad()`.)"
)
def gradients_accumulate(name, settings, *data, **options):
    return train_with(name, settings, data, options, accumulate=True)


@loop.misconception(
    "A new optimizer is made in every epoch, so velocity, mean squares and step counter start from nothing again. "
    "Make it once, before the loops."
)
def new_optimizer_each_epoch(name, settings, *data, **options):
    return train_with(name, settings, data, options, new="optimizer each epoch")


@loop.misconception(
    "A new optimizer is made for every batch, so it never remembers anything: momentum without momentum. Make it "
    "once, before the loops."
)
def new_optimizer_each_batch(name, settings, *data, **options):
    return train_with(name, settings, data, options, new="optimizer each batch")


@loop.misconception(
    "Every epoch begins with a new network, so what the epoch before had learnt is thrown away. Make the network "
    "once, before the loops."
)
def new_network_each_epoch(name, settings, *data, **options):
    return train_with(name, settings, data, options, new="network each epoch")


@loop.misconception(
    "Every epoch uses the same batches in the same order. Call `course_minibatches` anew in each epoch; it "
    "shuffles."
)
def same_batches_each_epoch(name, settings, *data, **options):
    return train_with(name, settings, data, options, same_batches=True)


@loop.misconception(
    "The batches are cut in the order of the data. Take them from `course_minibatches`, which shuffles with rng."
)
def batches_unshuffled(name, settings, *data, **options):
    return train_with(name, settings, data, options, unshuffled=True)


@loop.misconception(
    "There is one step per epoch: `optimizer.step` stands outside the loop over the mini-batches. One iteration "
    "is one gradient and one step."
)
def one_step_per_epoch(name, settings, *data, **options):
    return train_with(name, settings, data, options, only_last=True)


@loop.misconception(
    "All gradients of an epoch are computed at its start. Each must be taken at the parameters that the step "
    "before has left."
)
def stale_gradients(name, settings, *data, **options):
    return train_with(name, settings, data, options, stale=True)


@loop.misconception(
    "Every gradient is that of all training examples; the mini-batch gives its loss only. The gradient of the batch "
    "comes with that loss, and is the point of mini-batches: it costs a fraction (week 01)."
)
def gradient_of_all_data(name, settings, *data, **options):
    return train_with(name, settings, data, options, all_data=True)


@loop.misconception("You step *along* the gradient, uphill. The optimizer does the minus itself: give it `dw`.")
def uphill(name, settings, *data, **options):
    return train_with(name, settings, data, options, sign=-1)


@loop.misconception(
    "`batch_loss` holds the losses after the steps. Asked is each batch's loss just before its update, which "
    "comes free with the gradient."
)
def loss_after_the_step(name, settings, *data, **options):
    return train_with(name, settings, data, options, loss_after=True)


@loop.misconception("`batch_loss` has one mean per epoch. Asked is one entry per iteration.")
def one_loss_per_epoch(name, settings, *data, **options):
    return train_with(name, settings, data, options, mean_loss=True)


@loop.misconception(
    "`dev_loss` lacks the loss before training. Its first entry is measured on the fresh network, so it has "
    "`epochs + 1` entries."
)
def start_not_measured(name, settings, *data, **options):
    return train_with(name, settings, data, options, no_start=True)


@loop.misconception(
    "`dev_loss` is measured at the beginning of each epoch, so the end of training is missing. Measure once "
    "before the loops and once after every epoch: `epochs + 1` entries."
)
def end_not_measured(name, settings, *data, **options):
    return train_with(name, settings, data, options, before_epoch=True)


@loop.misconception(
    "Only the learning rate reaches the optimizer. All of `settings` belong to it: `**settings` hands them over."
)
def only_the_rate(name, settings, *data, **options):
    return train_with(name, settings, data, options, settings={"lr": settings["lr"]})


@loop.misconception(
    "You return the parameters of the lowest dev loss. That is early stopping (week 10); asked are the parameters "
    "after the last update."
)
def parameters_of_the_best(name, settings, *data, **options):
    return train_with(name, settings, data, options, best=True)


@loop.misconception(
    "The network draws its weights from a generator of your own, so every seed gets the same start. Give it "
    "`rng=rng`."
)
def own_start(name, settings, *data, **options):
    return train_with(name, settings, data, options, network_rng=np.random.default_rng(0))


@loop.misconception(
    "The batches are drawn from a generator of your own, so every seed gets the same order. Give `rng=rng`."
)
def own_order(name, settings, *data, **options):
    return train_with(name, settings, data, options, batch_rng=np.random.default_rng(0))


@loop.alternative
def counting_updates(name, settings, X, y, X_dev, y_dev, *, sizes, batch_size, epochs, rng):
    network = networks.MLP(sizes, rng=rng)
    optimizer = vars(optimizers)[name](network.params, **settings)
    losses, dev_losses, epoch = [], [], 0
    dev_losses.append(network.loss(X_dev, y_dev))
    while epoch < epochs:
        for batch in list(course_minibatches(X, y, batch_size=batch_size, rng=rng)):
            losses.append(network.loss(*batch))
            optimizer.step(network.loss_and_gradient(*batch)[1])
        dev_losses.append(network.loss(X_dev, y_dev))
        epoch += 1
    return network.params.copy(), losses, dev_losses


@loop.alternative
def without_the_librarys_batches(name, settings, X, y, X_dev, y_dev, *, sizes, batch_size, epochs, rng):
    network = networks.MLP(sizes, rng=rng)
    optimizer = {kind.__name__: kind for kind in vars(optimizers).values() if isinstance(kind, type)}[name](
        network.params, **settings
    )
    batch_loss, dev_loss = [], [network.loss(X_dev, y_dev)]
    for _epoch in range(epochs):
        order = rng.permutation(len(X))
        for start in range(0, len(X), batch_size):
            rows = order[start : start + batch_size]
            total = np.zeros_like(network.params)
            loss, dw = network.loss_and_gradient(X[rows], y[rows])
            total += dw
            optimizer.step(total)
            batch_loss.append(loss)
        dev_loss.append(network.loss(X_dev, y_dev))
    return optimizer.params, batch_loss, dev_loss


# ---------------------------------------------------------------------------------------------------------
# read_log


def read_log(examples, *, m):
    return int(np.max(examples)), len(examples), int(np.sum(examples) // m)


def log_of(m, batch_size, updates):
    """Return the sizes of the first `updates` batches of a run."""
    epoch = [min(batch_size, m - start) for start in range(0, m, batch_size)]
    return np.array((epoch * (updates // len(epoch) + 1))[:updates])


def log_cases(rng):
    for _ in range(3):
        batch_size, per_epoch, epochs = (int(rng.integers(3, 9)) for _ in range(3))
        m = batch_size * per_epoch
        yield case("whole batches", log_of(m, batch_size, per_epoch * epochs), m=m)
        for stopped in (per_epoch * epochs - 1, per_epoch * epochs + 1):  # almost complete, and just begun
            yield case("whole batches", log_of(m, batch_size, stopped), m=m)
    yield case("whole batches", log_of(6, 6, 4), m=6)
    yield case("whole batches", log_of(40, 5, 3), m=40)  # not one epoch
    for _ in range(3):
        batch_size, per_epoch, epochs = (int(rng.integers(3, 9)) for _ in range(3))
        rest = int(rng.integers(1, batch_size))
        m = batch_size * per_epoch + rest
        yield case("short batches", log_of(m, batch_size, (per_epoch + 1) * epochs), m=m)
        yield case("short batches", log_of(m, batch_size, (per_epoch + 1) * epochs + per_epoch), m=m)
    for b in (5, 8):
        epochs = int(rng.integers(3, 6))
        yield case("short batches", log_of(3 * b - 1, b, 3 * epochs), m=3 * b - 1)
    yield case("short batches", log_of(1437, 64, 230), m=1437)


log = Exercise(
    read_log,
    parts={"whole batches": 1, "short batches": 1},
    cases=log_cases,
    equivalent={
        "function dropped: int(np.max(examples)) → np.max(examples)": "NumPy's whole numbers are whole numbers",
        "function dropped: int(np.sum(examples) // m) → np.sum(examples) // m": "NumPy's whole numbers are whole numbers",
        "size: len(examples) → examples.shape[-1]": "examples has one axis",
        "size: len(examples) → examples.size": "examples has one axis",
        "order of operations: int(np.sum(examples) // m) → int(np.sum(examples)) // m": "whole numbers all the way",
        "other operator: np.sum(examples) // m → np.sum(examples) / m": "`int` rounds down as well",
    },
    returns=("batch_size", "iterations", "epochs"),
    hints=(
        "What does one entry of the log stand for, and what is the sum of all entries?",
        "One entry is one iteration. The sum counts examples; an epoch is complete when m more have been seen.",
        "The epochs are the sum, divided by `m` and rounded down with `//`, as an `int`.",
    ),
    explain="why do you not need to know where in the log an epoch ends?",
)


@log.misconception(
    "You count every iteration as an epoch. An iteration is one update; an epoch is over when all m examples have "
    "been used."
)
def iteration_is_epoch(examples, *, m):
    return int(max(examples)), len(examples), len(examples)


@log.misconception(
    "The examples seen are not counted right: a short batch is taken for a full one. Sum the entries themselves."
)
def short_batches_taken_for_full(examples, *, m):
    return int(max(examples)), len(examples), int(len(examples) * max(examples) // m)


@log.misconception(
    "You divide the iterations by m // B, which forgets the short batch of each epoch. Count examples instead: "
    "their sum against m."
)
def per_epoch_rounded_down(examples, *, m):
    B = int(max(examples))
    return B, len(examples), len(examples) // (m // B)


@log.misconception(
    "An epoch that was only begun is counted, too. Asked are complete passes: round down, also just before the "
    "end."
)
def begun_epochs_counted(examples, *, m):
    return int(max(examples)), len(examples), math.ceil(int(sum(examples)) / m)


@log.misconception(
    "You round to the nearest whole number, so an epoch counts from its middle on. It counts when it is complete: "
    "round down."
)
def epochs_rounded(examples, *, m):
    return int(max(examples)), len(examples), round(int(sum(examples)) / m)


@log.misconception(
    "You find the epochs by their short batches. When B divides m there are none: count examples instead."
)
def counts_short_batches(examples, *, m):
    return int(max(examples)), len(examples), int(np.sum(examples < max(examples)))


@log.misconception(
    "The last entry may be a short batch. The batch size that was set is the largest entry of the log."
)
def last_is_batch_size(examples, *, m):
    return int(examples[-1]), len(examples), int(sum(examples)) // m


@log.misconception(
    "The mean is pulled down by the short batches. The batch size that was set is the largest entry of the log."
)
def mean_is_batch_size(examples, *, m):
    return int(np.mean(examples)), len(examples), int(sum(examples)) // m


@log.misconception(
    "For the iterations you give those of one epoch. Asked are all updates of the run: the entries of the log."
)
def iterations_of_one_epoch(examples, *, m):
    return int(max(examples)), math.ceil(m / max(examples)), int(sum(examples)) // m


@log.alternative
def first_and_shape(examples, *, m):
    return examples[0], examples.size, examples.sum() // m


@log.alternative
def by_walking(examples, *, m):
    seen = epochs = 0
    for count in examples:
        seen += int(count)
        if seen >= m:
            seen, epochs = seen - m, epochs + 1
    return sorted(examples)[-1], len(list(examples)), epochs


# ---------------------------------------------------------------------------------------------------------
# leaderboard


def leaderboard(losses):
    n = losses.shape[1]
    means = losses.mean(axis=1)
    errors = losses.std(axis=1, ddof=1) / np.sqrt(n)
    differences = losses[:, None, :] - losses[None, :, :]
    behind = differences.mean(axis=2)
    error_of_difference = differences.std(axis=2, ddof=1) / np.sqrt(n)
    ranks = 1 + np.sum(behind > 2 * error_of_difference, axis=1)
    return means, errors, ranks


def board_cases(rng):
    # Separations near two standard errors of the paired difference, so that every other rule ranks differently.
    for k, n in [(4, 6), (5, 8), (6, 5), (5, 5)]:
        runs = rng.normal(size=(k, n))
        luck = 3 * rng.normal(size=n)  # of a seed, shared by all
        yield case("mean and standard error", 0.1 * (runs + luck) + 0.05 * np.arange(k)[:, None] + 0.5)
    for k, n in [(7, 6), (9, 10), (6, 5), (8, 12)]:
        runs = rng.normal(size=(k, n))
        luck = 2 * rng.normal(size=n)
        gap = rng.uniform(0, 5, k) / np.sqrt(n)
        table = 1.0 + 0.05 * (runs + luck + gap[:, None])
        table[0, 0] += 0.5  # one outlier: mean and median differ
        yield case("ranks with ties", rng.permutation(table))
    yield case("ranks with ties", rng.uniform(0.1, 0.2, size=(1, 4)))
    # Exact in binary: behind by the same everywhere, so that the error is 0; and by exactly two errors.
    exact = rng.integers(1, 20, 4) / 16
    yield case("ranks with ties", exact + np.array([[0.5] * 4, [0.0] * 4, [0.625, 0.125, 0.125, 0.125]]))
    twice = rng.normal(size=(2, 5))
    yield case("ranks with ties", twice[[0, 0, 1, 1]] + np.array([[0.0], [0.0], [9.0], [9.0]]))


board = Exercise(
    leaderboard,
    parts={"mean and standard error": 2, "ranks with ties": 3},
    cases=board_cases,
    allows=Allows(real=("losses",)),
    equivalent={
        "index dropped: losses[None, :, :] → losses": "broadcasting puts the same axis in front",
    },
    returns=("means", "errors", "ranks"),
    hints=(
        "Rows are optimizers, columns are seeds. For the rank, take two rows and subtract them seed by seed "
        "first.",
        "For each pair, the n differences have a mean and a standard error of their own, with ddof=1. The row is "
        "clearly behind when that mean exceeds two of those errors; count the rows that it is clearly behind.",
        "`differences = losses[:, None, :] - losses[None, :, :]` has all pairs at once, seeds on the last axis; "
        "or write two loops over the rows. The rank is 1 + the count.",
    ),
    explain="why can the difference of two rows scatter much less than either row?",
)


def board_with(losses, *, ddof=1, root=True, mean=np.mean, ranks=None):
    """Compute the right answer with one piece replaced."""
    n = losses.shape[1]
    means = mean(losses, axis=1)
    errors = losses.std(axis=1, ddof=ddof) / (np.sqrt(n) if root else 1)
    return means, errors, ranks_by(losses) if ranks is None else ranks


def ranks_by(losses, *, ddof=1, root=True):
    differences = losses[:, None, :] - losses[None, :, :]
    error = differences.std(axis=2, ddof=ddof) / (np.sqrt(losses.shape[1]) if root else 1)
    return 1 + np.sum(differences.mean(axis=2) > 2 * error, axis=1)


@board.misconception(
    "For the errors you return the standard deviation. It says how far one run scatters; the standard error says "
    "how far the *mean* does: divide by √n."
)
def deviation_for_error(losses):
    return board_with(losses, root=False)


@board.misconception(
    "NumPy's `std` divides by n. Both the errors and the differences want `ddof=1`, because the mean comes from "
    "the same few runs."
)
def ddof_zero_everywhere(losses):
    return board_with(losses, ddof=0, ranks=ranks_by(losses, ddof=0))


@board.misconception(
    "You average over the optimizers, not over the seeds: the rows are optimizers, so mean and standard deviation "
    "go along axis 1."
)
def over_the_optimizers(losses):
    k = len(losses)
    with np.errstate(all="ignore"):
        return losses.mean(axis=0), losses.std(axis=0, ddof=1) / np.sqrt(k), ranks_by(losses)


@board.misconception(
    "You report each optimizer's best seed. The best of n runs is mostly luck, and more so the more it scatters "
    "(week 09). Report the mean."
)
def best_seed(losses):
    return board_with(losses, mean=np.min)


@board.misconception(
    "The ranks follow the means alone, so every gap counts, however small. An optimizer is behind another only "
    "where the mean difference exceeds two standard errors; otherwise they tie."
)
def no_ties(losses):
    means = losses.mean(axis=1)
    return board_with(losses, ranks=1 + np.sum(means[:, None] > means[None, :], axis=1))


@board.misconception(
    "`np.argsort` gives the order, which row comes first, second and so on. A rank is asked per row: 1 + the "
    "number of rows that it is clearly behind."
)
def argsort_as_rank(losses):
    return board_with(losses, ranks=np.argsort(losses.mean(axis=1)) + 1)


@board.misconception(
    "The ranks are the places in the order of the means, so every gap counts, however small. An optimizer is "
    "behind another only where the mean difference exceeds two standard errors; otherwise they tie."
)
def places(losses):
    return board_with(losses, ranks=losses.mean(axis=1).argsort().argsort() + 1)


@board.misconception(
    "You compare with the leader only, so nobody has a rank above 2. Compare every pair: the rank is 1 + the number "
    "of rows that it is clearly behind."
)
def leader_or_not(losses):
    differences = losses - losses[np.argmin(losses.mean(axis=1))]
    error = differences.std(axis=1, ddof=1) / np.sqrt(losses.shape[1])
    return board_with(losses, ranks=1 + (differences.mean(axis=1) > 2 * error))


@board.misconception(
    "You leave out pairs whose differences do not scatter at all. Behind by the same for every seed is the clearest "
    "gap there is: the standard error is 0, and the mean difference exceeds it. Compare without dividing."
)
def constant_gap_left_out(losses):
    differences = losses[:, None, :] - losses[None, :, :]
    error = differences.std(axis=2, ddof=1) / np.sqrt(losses.shape[1])
    return board_with(losses, ranks=1 + np.sum((differences.mean(axis=2) > 2 * error) & (error > 0), axis=1))


@board.misconception(
    "You compare with the errors of the two means, √(a² + b²). But all optimizers ran with the same seeds: "
    "subtract seed by seed, and take the standard error of those differences. It leaves out the luck that they "
    "share."
)
def unpaired(losses):
    means, errors, _ = leaderboard(losses)
    both = np.sqrt(errors[:, None] ** 2 + errors[None, :] ** 2)
    return means, errors, 1 + np.sum(means[:, None] - means[None, :] > 2 * both, axis=1)


@board.misconception(
    "You compare each gap with two errors of the row's own mean. The gap's own error counts: that of the n "
    "differences, seed by seed."
)
def own_error(losses):
    means, errors, _ = leaderboard(losses)
    return means, errors, 1 + np.sum(means[:, None] - means[None, :] > 2 * errors[:, None], axis=1)


@board.misconception(
    "The gaps are compared with two standard *deviations* of the differences. The question is whether the mean "
    "difference is real: use its standard error, the deviation over √n."
)
def two_deviations(losses):
    return board_with(losses, ranks=ranks_by(losses, root=False))


@board.misconception(
    "You count every clear difference, ahead or behind. Only those that are better push a row down."
)
def both_directions(losses):
    differences = losses[:, None, :] - losses[None, :, :]
    error = differences.std(axis=2, ddof=1) / np.sqrt(losses.shape[1])
    return board_with(losses, ranks=1 + np.sum(np.abs(differences.mean(axis=2)) > 2 * error, axis=1))


@board.misconception(
    "You compare with the leader only: who ties with it shares place 1, and the others keep the place of their "
    "mean. Compare every pair: the rank is 1 + the number of rows that it is clearly behind."
)
def only_the_leader(losses):
    means = losses.mean(axis=1)
    place = 1 + np.sum(means[:, None] > means[None, :], axis=1)
    differences = losses - losses[np.argmin(means)]
    error = differences.std(axis=1, ddof=1) / np.sqrt(losses.shape[1])
    return board_with(losses, ranks=np.where(differences.mean(axis=1) > 2 * error, place, 1))


@board.misconception(
    "You number the groups of equal ranks 1, 2, 3 without gaps. A rank here is 1 + the *number* of rows that are "
    "clearly better, so after four on place 1 the next may be 5."
)
def without_gaps(losses):
    return board_with(losses, ranks=np.unique(ranks_by(losses), return_inverse=True)[1] + 1)


@board.alternative
def two_loops(losses):
    k, n = losses.shape
    ranks = np.ones(k, dtype=int)
    for a in range(k):
        for b in range(k):
            d = losses[a] - losses[b]
            if np.mean(d) > 2 * np.std(d, ddof=1) / math.sqrt(n):
                ranks[a] += 1
    means = np.array([np.mean(row) for row in losses])
    return means, np.array([np.std(row, ddof=1) for row in losses]) / n**0.5, ranks


@board.alternative
def by_sums(losses):
    n = losses.shape[1]
    means = losses.sum(axis=1) / n
    errors = np.sqrt(((losses - means[:, None]) ** 2).sum(axis=1) / (n - 1) / n)
    ranks = []
    for row in losses:
        d = row - losses
        ranks.append(1 + sum(x.mean() > 2 * np.sqrt(x.var(ddof=1) / n) for x in d))
    return means, errors, np.array(ranks)


# ---------------------------------------------------------------------------------------------------------
# time_to_target


def time_to_target(updates, losses, *, target, stay):
    for i in range(len(losses) - stay + 1):
        if all(loss <= target for loss in losses[i : i + stay]):
            return float(updates[i])
    return math.inf


def target_cases(rng):
    def updates(count):
        return [0, *np.cumsum(rng.integers(4, 12, count - 1)).tolist()]  # not evenly spaced

    def log(part, losses, stay, target=0.5):
        return case(part, updates(len(losses)), losses, target=target, stay=stay)

    for _ in range(2):
        start, middle, end = (rng.uniform(low, high, 3) for low, high in [(0.8, 2), (0.55, 0.8), (0.1, 0.45)])
        smooth = [*np.sort(start)[::-1], *np.sort(middle)[::-1], *np.sort(end)[::-1]]
        yield log("reached for good", list(map(float, smooth)), 1)
        yield log("reached for good", list(map(float, smooth)), 3)
        yield log("reached for good", [*map(float, smooth), 0.09, 0.08], 2)
    u = rng.uniform(0.05, 0.15, 20).round(3)
    low, high = 0.5 - u, 0.5 + u  # just below and just above the target
    touched = [2.0, 1.0, low[0], high[0], high[1], low[1], low[2], high[2], low[3], low[4], low[5], low[6]]
    yield log("touched and lost", list(map(float, touched)), 2)
    yield log("touched and lost", list(map(float, touched)), 3)
    relapse = [1.5, high[3], low[7], low[8], low[9], high[4], low[10], low[11], low[12], low[13], low[14]]
    yield log("touched and lost", list(map(float, relapse)), 3)
    yield log("touched and lost", list(map(float, relapse)), 2)  # stays for longer than asked, not for ever
    yield log(
        "touched and lost", [float(x) for x in [1.2, low[15], low[16], high[5], high[6], high[7], high[8]]], 2
    )
    alternating = [1.0, low[0], high[0], low[1], high[1], low[2], high[2], low[3], low[4], low[5]]
    yield log("touched and lost", list(map(float, alternating)), 3)
    yield log("edges", [2.0, 0.9, 0.5, 0.5, 0.4], 3)  # exactly on target counts
    yield log("edges", list(map(float, [2.0, high[9], low[6], high[10], low[7]])), 2)  # the log ends too early
    yield log("edges", list(map(float, [2.0, high[11], high[12], low[8]])), 2)  # at its very last evaluation
    yield log("edges", list(map(float, [1.0, low[9], high[13], high[14]])), 2)
    yield log("edges", list(map(float, high[:6])), 2)
    yield log("edges", [0.3, 0.2, 0.6, 0.2], 2)
    yield log("edges", [1.0, math.nan, 0.4, math.nan, math.nan, 0.4, 0.3], 2)


target = Exercise(
    time_to_target,
    parts={"reached for good": 1, "touched and lost": 1, "edges": 1},
    cases=target_cases,
    allows=Allows(ends={"stay": (1, 50), "target": (-1.0, 10.0)}, start="touched and lost"),
    equivalent={
        "function dropped: float(updates[i]) → updates[i]": "numbers count, not their dtype",
        "name: losses → updates": "as long as losses",
    },
    hints=(
        "Go through the evaluations from the first. What must hold at evaluation i, and at which others?",
        "A window of `stay` evaluations slides along the log. The first window that lies wholly at or below the "
        "target decides, and its *first* evaluation is the answer.",
        "`for i in range(len(losses) - stay + 1):` look at `losses[i : i + stay]` with `all(...)`; after the loop "
        "`return math.inf`.",
    ),
    explain="why would counting single touches favour the optimizer with the noisier curve?",
)


def run_of(hits, stay):
    """Return the first index of `stay` hits in a row, or None."""
    return next((i for i in range(len(hits) - stay + 1) if all(hits[i : i + stay])), None)


def at(updates, index):
    return math.inf if index is None else float(updates[index])


def below(losses, target):
    return [loss <= target for loss in losses]


@target.misconception(
    "You take the first touch. A noisy curve may dip below the target by luck and leave again: the next `stay` − "
    "1 evaluations must be at or below it, too."
)
def first_touch(updates, losses, *, target, stay):
    return at(updates, run_of(below(losses, target), 1))


@target.misconception(
    "You ask that the loss stay at or below the target to the end of the log. Asked are `stay` evaluations in a "
    "row; what comes later does not matter."
)
def for_ever(updates, losses, *, target, stay):
    hits = below(losses, target)
    return at(updates, next((i for i in range(len(hits) - stay + 1) if all(hits[i:])), None))


@target.misconception(
    "You return the last evaluation of the `stay` in a row, when it is confirmed. The target was reached at the "
    "first of them."
)
def when_confirmed(updates, losses, *, target, stay):
    i = run_of(below(losses, target), stay)
    return at(updates, None if i is None else i + stay - 1)


@target.misconception(
    "You look at the lowest loss so far, which never rises: with it a single dip counts for ever. Look at the "
    "losses themselves."
)
def best_so_far(updates, losses, *, target, stay):
    return at(updates, run_of(below(np.fmin.accumulate(losses).tolist(), target), stay))


@target.misconception(
    "You count evaluations at or below the target, whether or not others lie between them. The count must start "
    "again when the loss rises above it."
)
def not_in_a_row(updates, losses, *, target, stay):
    hits = [i for i, hit in enumerate(below(losses, target)) if hit]
    return at(updates, hits[0] if len(hits) >= stay else None)


@target.misconception(
    "At the end of the log your window gets shorter, so fewer than `stay` evaluations are enough there. A run "
    "whose log ends too early has not shown that it stays."
)
def short_window_at_the_end(updates, losses, *, target, stay):
    hits = below(losses, target)
    return at(updates, next((i for i in range(len(hits)) if all(hits[i : i + stay])), None))


@target.misconception(
    "A run that never gets there is given its last update, as if it had just made it. It has not: return "
    "`math.inf`."
)
def never_is_the_end(updates, losses, *, target, stay):
    i = run_of(below(losses, target), stay)
    return float(updates[-1] if i is None else updates[i])


@target.misconception(
    "A run that never gets there gets 0 updates, so it would win. (`np.argmax` of nothing but False is 0.) Return "
    "`math.inf`."
)
def never_is_zero(updates, losses, *, target, stay):
    i = run_of(below(losses, target), stay)
    return 0.0 if i is None else float(updates[i])


@target.misconception(
    "You compare the mean of `stay` evaluations with the target. One low loss may hide a high one; each of them "
    "must be at or below."
)
def mean_of_window(updates, losses, *, target, stay):
    means = [np.mean(losses[i : i + stay]) <= target for i in range(len(losses) - stay + 1)]
    return at(updates, run_of(means, 1))


@target.misconception(
    "A loss of NaN counts as reached in your version: nothing is above the target, but nothing is below it "
    "either. Ask for `loss <= target`, not for `not loss > target`."
)
def nan_counts(updates, losses, *, target, stay):
    return at(updates, run_of([not loss > target for loss in losses], stay))


@target.alternative
def by_a_counter(updates, losses, *, target, stay):
    row = 0
    for i, loss in enumerate(losses):
        row = row + 1 if loss <= target else 0
        if row == stay:
            return updates[i - stay + 1]
    return float("inf")


@target.alternative
def by_convolution(updates, losses, *, target, stay):
    hits = np.asarray(losses) <= target
    if len(hits) < stay:
        return np.inf
    full = np.convolve(hits, np.ones(stay), mode="valid") > stay - 0.5
    return np.float64(updates[int(np.argmax(full))]) if full.any() else np.inf


# ---------------------------------------------------------------------------------------------------------
# confusion_matrix


def confusion_matrix(scores, y):
    k = scores.shape[1]
    counts = np.zeros((k, k), dtype=int)
    np.add.at(counts, (y, np.argmax(scores, axis=1)), 1)
    return counts


def confusion_cases(rng):
    def scored(part, m, k, right, labels=None):
        y = rng.integers(0, k if labels is None else labels, m)
        scores = rng.normal(size=(m, k)) - 1.0
        scores[np.arange(m), y] += np.where(rng.random(m) < right, 4.0, 0.0)
        return case(part, scores, y)

    for m, k, right in [(40, 4, 0.6), (25, 3, 0.3), (90, 10, 0.5)]:
        yield scored("counts", m, k, right)
    for k in (4, 6):
        yield scored("edges", k, k, 0.3)  # as many examples as classes: a wrong axis gives no error
    yield scored("edges", 12, 6, 0.7, labels=3)  # the last classes never occur
    yield case("edges", rng.normal(size=(1, 5)), np.array([int(rng.integers(5))]))
    yield case("edges", rng.normal(size=(30, 3)) - 800.0, rng.integers(0, 3, 30))


confusion = Exercise(
    confusion_matrix,
    parts={"counts": 2, "edges": 1},
    cases=confusion_cases,
    allows=Allows(single=("scores",), long=("scores", "y"), length=3000),
    equivalent={
        "keyword dropped: np.zeros((k, k), dtype=int) → np.zeros((k, k))": "numbers count, not their dtype",
    },
    hints=(
        "First from scores to predictions: one class per row. Then one mark per example in a table of k by k.",
        "The predicted class is the place of the row's largest score. Start with zeros, and add 1 at [true, "
        "predicted] for every example, also where two examples meet in one cell.",
        "`np.argmax(scores, axis=1)`; then a loop with `counts[t, p] += 1`, or `np.add.at(counts, (y, predicted), "
        "1)`.",
    ),
    explain="why does `counts[y, predicted] += 1` lose examples?",
)


def confusion_with(scores, y, *, predicted=None):
    k = scores.shape[1]
    predicted = np.argmax(scores, axis=1) if predicted is None else predicted
    counts = np.zeros((k, k), dtype=int)
    np.add.at(counts, (y, predicted), 1)
    return counts


@confusion.misconception(
    "Rows and columns are swapped: the row is the true class, the column the predicted one. (Both conventions are "
    "in use; this one is scikit-learn's.)"
)
def transposed(scores, y):
    return confusion_with(scores, y).T


@confusion.misconception(
    "`argmax` runs along the wrong axis, and pairing its k results with the labels hides it. A row is an example: "
    "axis 1 gives one class for each."
)
def wrong_axis_in_a_loop(scores, y):
    k = scores.shape[1]
    counts = np.zeros((k, k), dtype=int)
    for true, predicted in zip(y, np.argmax(scores, axis=0), strict=False):
        if predicted < k:
            counts[true, predicted] += 1
    return counts


@confusion.misconception(
    "`argmax` without an axis looks at all scores of all examples at once. One class per row: axis 1."
)
def no_axis(scores, y):
    return confusion_with(scores, y, predicted=np.full(len(y), np.argmax(scores) % scores.shape[1]))


@confusion.misconception(
    "`counts[y, predicted] += 1` adds only once where a pair occurs several times. Use a loop, or `np.add.at`."
)
def buffered(scores, y):
    k = scores.shape[1]
    counts = np.zeros((k, k), dtype=int)
    counts[y, np.argmax(scores, axis=1)] += 1
    return counts


@confusion.misconception(
    "The table is as large as the largest label that occurs. A class may be missing in a small set and still be "
    "predicted: the number of classes is the number of columns of `scores`."
)
def size_from_labels(scores, y):
    k = int(max(y)) + 1
    counts = np.zeros((k, k), dtype=int)
    for true, predicted in zip(y, np.argmax(scores, axis=1), strict=True):
        if predicted < k:
            counts[true, predicted] += 1
    return counts


@confusion.misconception(
    "You return shares of each row. Asked are counts; shares hide how few examples a class may have."
)
def shares(scores, y):
    counts = confusion_with(scores, y)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


@confusion.misconception(
    "Every class with a positive score is counted. An example has one prediction: the class with the largest "
    "score, whatever its sign."
)
def all_positive_scores(scores, y):
    k = scores.shape[1]
    counts = np.zeros((k, k), dtype=int)
    for true, row in zip(y, scores, strict=True):
        counts[true] += row > 0
    return counts


@confusion.alternative
def in_a_loop(scores, y):
    k = scores.shape[1]
    counts = np.zeros((k, k), dtype=np.int64)
    for row, true in zip(scores, y, strict=True):
        counts[true, row.argmax()] += 1
    return counts


@confusion.alternative
def by_bincount(scores, y):
    k = scores.shape[1]
    return np.bincount(y * k + scores.argmax(axis=1), minlength=k * k).reshape(k, k)


@confusion.alternative
def one_hot_product(scores, y):
    one_hot = np.eye(scores.shape[1], dtype=int)
    return one_hot[y].T @ one_hot[scores.argmax(axis=1)]


# ---------------------------------------------------------------------------------------------------------
# Predictions, claims and quiz

prediction_fair_gap = Prediction(
    "prediction_fair_gap",
    answer="2a8e6dc3cb55a5fa",
    wrong={
        "a": "Such gaps come from unequal tuning: that was section 1.",
        "c": "The optimizers do differ, and ten seeds show it; only not by much.",
    },
    right=(
        "The best and the worst mean are about two standard deviations of a single run apart. With one run each, "
        "chance would have had a large say in the order."
    ),
)

prediction_twins = Prediction(
    "prediction_twins",
    answer="b18d0b8fe006ca3f",
    wrong={
        "a": "One algorithm, true, but two searches, and they ended at different settings.",
        "b": "Nothing keeps them together: each has the settings that its own search happened to find.",
    },
    right=(
        "They stand places apart, because two searches found two settings. A board compares tuned settings; the "
        "algorithm is only a part of them."
    ),
)

prediction_other_images = Prediction(
    "prediction_other_images",
    answer="ff21cc4789d3a6dc",
    wrong={
        "a": (
            "The lead was clear on one set of 300 images. How much other images move it, ten seeds could not know."
        ),
        "c": "It did not turn: Adam still has the lowest mean. It is only not proven any more.",
    },
    right=(
        "On other images the order is another one, and with errors that allow for the overlap of the cuts all "
        "nine share place 1."
    ),
)

claim_adam_always_wins = Quiz(
    "claim_adam_always_wins",
    answer="648d27b326d05c6c",
    wrong={
        "true": "Who shared place 1 with Adam on the boards, and who was first at the target?",
        "depends": (
            "It would be a fair answer to “Adam wins”. But “always” leaves no room for conditions: one fair race "
            "without a win is enough."
        ),
    },
    right=(
        "Tuned equally, Adam shared place 1 with three others on the first board and with all on the second; "
        "HeavyBall was earlier at the target; on the test set hardly anything was left between the nine. A good "
        "first choice, yes; a law, no."
    ),
)

claim_clear_gap = Quiz(
    "claim_clear_gap",
    answer="54122e802dacc781",
    wrong={
        "true": "Momentum and HeavyBall had such a gap. What do you know about these two?",
    },
    also={
        "depends": (
            "Yes, if you named the condition: that everything was varied which the claim is about, the search "
            "included, that the draws were independent, and that the pair was named beforehand. What speaks for "
            "“false”: on this board none of that held, and two names of one algorithm had a clear gap."
        ),
    },
    right=(
        "It shows that one *setting* is better than another, as far as was varied. HeavyBall was clearly ahead "
        "of Momentum on the first board, and they are the same algorithm: what differed was the luck of their "
        "searches. (“depends” is right, too, if everything that the claim is about was varied.)"
    ),
)

claim_published_settings = Quiz(
    "claim_published_settings",
    answer="2f4d13fb477d3751",
    wrong={
        "true": "Look at the 15 epochs: the published rate ends several times higher.",
    },
    also={
        "false": (
            "In 15 epochs they did need it, badly, and one ordinary budget is enough to refuse a promise. What "
            "speaks for “depends”: in 200 epochs the published rate ended lower than the one that was tuned for "
            "15."
        ),
    },
    right=(
        "It depends on the budget. In 15 epochs the published rate does not get far; in 200 it ends lower than "
        "the settings that were tuned for 15. Settings are good *for a budget*."
    ),
)

claim_fast_but_rough = Quiz(
    "claim_fast_but_rough",
    answer="2ec5c4eb335b2d03",
    wrong={
        "true": "Then the dots would fall from upper left to lower right. Do they?",
        "depends": (
            "With tuned rates there is no such trade in the figure at all. Roughness goes with the rate, whoever "
            "uses it (week 07)."
        ),
    },
    right=(
        "The fastest end no higher than the slowest. What makes an end rough is a learning rate that stays "
        "large, for SGD as for Adam; the cure is a schedule, not another optimizer."
    ),
)

quiz_log_line = Quiz(
    "quiz_log_line",
    answer="d831d6b60be18284",
    wrong={
        "a": "Those are the updates of the third epoch only; two epochs came before.",
        "c": "The third epoch is not complete: only two whole epochs of 469 count.",
        "d": "That is the number of examples, 128 for each update.",
    },
    right="Two complete epochs of 469 iterations, and 100 of the third: 938 + 100 = 1,038 updates.",
)

quiz_zero_grad = Quiz(
    "quiz_zero_grad",
    answer="782257a4a9d71e11",
    wrong={
        "b": "`backward()` adds to `.grad`, it does not overwrite it. That is why there is a line that clears it.",
        "c": "Nobody divides: the gradients are added up, and their sum grows.",
        "d": "No error and no warning. That is what makes this bug expensive.",
    },
    right=(
        "`backward()` adds, so `.grad` holds the sum of all gradients so far. Training overshoots more and more, "
        "without a word."
    ),
)

quiz_more_seeds = Quiz(
    "quiz_more_seeds",
    answer="6eeea79527bf7135",
    wrong={
        "a": "You divided 0.020 by 0.003. The error falls like 1/√n: that ratio must be squared.",
        "b": "Twice the seeds bring the error from 0.0063 to 0.0045 only: it falls like 1/√n.",
        "d": "The standard deviation stays, but the standard error of the mean is s/√n.",
    },
    right="s/√n = 0.003 needs n = (0.020/0.003)² ≈ 44. Half the error costs four times the seeds.",
)

quiz_paired = Quiz(
    "quiz_paired",
    answer="b4a9be22a973a50a",
    wrong={
        "a": "Those errors are mostly the sets' difficulty, which both share. Subtract set by set first.",
        "c": "Lower is better, and A is lower on each of the five sets.",
        "d": "The other way round: shared sets make the comparison sharper, because their difficulty cancels.",
    },
    right=(
        "The differences are 0.01, 0.02, 0.01, 0.02, 0.01: mean 0.014, standard error 0.002. What the sets do to "
        "both has cancelled."
    ),
)

quiz_axis_zero = Quiz(
    "quiz_axis_zero",
    answer="4212b06678fde969",
    wrong={
        "a": "Those would be `axis=1`, one per row: 360 numbers. Axis 0 gives 10.",
        "c": "That is `np.max`. `argmax` gives the place of the maximum, not its value.",
        "d": "No error: it gives ten perfectly good row numbers. Only the comparison with `y` may fail, or not.",
    },
    right=(
        "Axis 0 runs down the rows: ten numbers of images, the most convincing 0, the most convincing 1 and so "
        "on. Predictions are `axis=1`."
    ),
)
