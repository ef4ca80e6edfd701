# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: "Capstone: the digits showdown"
#     minutes: 120
#     builds_on: [week07_learning_rate_decay, week08_local_optima, week09_hyperparameter_search, week10_generalisation, week11_batch_normalisation]
# ---

# %% [markdown]
# # Week 12 · Capstone: the digits showdown
#
# Nine optimizers, one network, one question that everybody asks: *which one is best?* The answer takes less new
# theory than you might think, and more care. This week you organise the race, and then you hold one of your own.
#
# By the end you can
#
# - write the whole training loop yourself, and read its twin in PyTorch line by line;
# - compare methods fairly: equal budgets, several seeds, means with their errors, places with ties;
# - say what a standard error covers, and what it is silent about;
# - report an experiment so that somebody else may believe it.
#
# You need: all of it a little, week 09 (search) most.
# Time: about 120 minutes, half of them for your report. Points: 30, and 12 more for the report.

# %%
import math
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np

from course_lib import datasets, minibatch, networks, optimizers
from course_lib import plotting, schedules, search, training
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()
digits = datasets.digits()
NAMES = ["SGD", "Momentum", "HeavyBall", "Nesterov", "AdaGrad", "RMSprop",
         "Adam", "AdamW", "AMSGrad"]


def cut(number):
    """Cut the training images into 1,137 to train on and 300 for the dev set; each number anew."""
    order = np.random.default_rng([12, number]).permutation(len(digits.X_train))
    dev, rest = order[:300], order[300:]
    return digits.X_train[rest], digits.y_train[rest], digits.X_train[dev], digits.y_train[dev]


def fit(name, settings, seed, data, *, sizes=(64, 32, 10), batch_size=64, epochs=15,
        every=1_000_000, dtype=float):
    """Train a network with the optimizer of that name; return it and its history."""
    X, y, X_dev, y_dev = data
    rng = np.random.default_rng(seed)
    network = networks.MLP(sizes, rng=rng, dtype=dtype)
    optimizer = getattr(optimizers, name)(network.params, **settings)
    history = training.train(network, optimizer, X, y, batch_size=batch_size, epochs=epochs,
                             rng=rng, evaluate_every=every, dev=(X_dev, y_dev))
    return network, history


first_cut = cut(0)
X, y, X_dev, y_dev = first_cut
print(f"{len(X):,} images to train on, {len(X_dev)} to compare on, "
      f"{len(digits.X_test)} for the very end")

# %% [markdown]
# ## 1 · The question
#
# Here are two leaderboards. Same network, same images, same 15 epochs, three seeds each. The left one was made at a
# learning rate of 0.01 for everybody, the right one at 0.5 for everybody. "Everybody gets the same" sounds fair.

# %%
figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.2), sharey=True)
same_rate = {}
for ax, lr in zip(axes, (0.01, 0.5)):
    runs = np.array([
        [fit(name, {"lr": lr}, seed, first_cut)[1].dev_loss[-1] for seed in range(3)]
        for name in NAMES
    ])
    same_rate[lr] = dict(zip(NAMES, runs.mean(axis=1)))
    ax.plot(runs, range(9), "o", color=plotting.COLOURS[0], alpha=0.6)
    ax.axvline(np.log(10), color="#999999", linewidth=1)
    ax.set(xscale="log", xlim=(0.05, 4), xlabel="dev loss (grey line: guessing)")
    ax.set_title(f"everybody at {lr:g}")
axes[0].set(yticks=range(9), yticklabels=NAMES, ylim=(8.5, -0.5))
plotting.show(
    figure,
    "Dev losses of nine optimizers. With a learning rate of 0.01 for all, RMSprop and the Adam "
    "family are near 0.1 and SGD, Momentum and Nesterov near 1.8. With 0.5 for all it is the "
    "other way round: SGD near 0.1, RMSprop and the Adam family at 2 or above, no better than "
    "guessing.",
)
for lr, board in same_rate.items():
    print(f"at {lr:4}: the lower loss has", min(["SGD", "Adam"], key=board.get))

# %% [markdown]
# Left, the Adam family wins by far and SGD is hopeless. Right, SGD wins by far and the Adam family is hopeless. You
# have seen why: a rate means a different thing to each of them (weeks 04 to 06). Whoever chooses the rate chooses the
# winner, and both of these figures could be in somebody's slides.
#
# > **This week's question.** Which optimizer wins, if the race is fair?
#
# Before there can be a race there must be a track: one training loop that all nine share.

# %% [markdown]
# ## 2 · One loop for all
#
# You have written pieces of it since week 01. Here is the whole, in words.
#
#     make the network, and the optimizer on its parameters
#     measure the dev loss
#     for each epoch:
#         for each mini-batch of a fresh shuffle:
#             loss and gradient of this batch at the current parameters
#             one step of the optimizer; write the batch's loss down
#         measure the dev loss
#
# What makes it a loop *for all* is what it leaves out: nothing in it depends on which optimizer it is. The optimizer
# keeps its own velocity, mean squares and step counter. It can do so only as long as it is the same object from the
# first update to the last.

# %% [markdown]
# ### Exercise 1 · `training_loop` (5 points)
#
# From the library: `networks.MLP(sizes, rng=rng)` with `.params`, `.loss(X, y)` and
# `.loss_and_gradient(X_batch, y_batch)`, which gives loss and gradient; the optimizers' classes, such as
# `optimizers.Adam(params, lr=0.01)` with `.step(dw)`; and week 01's mini-batches. `getattr(optimizers, "Adam")` is
# the class `optimizers.Adam`.

# %% nbgrader={"grade": false, "grade_id": "training_loop", "locked": false, "schema_version": 3, "solution": true, "task": false}
from course_lib.minibatch import iterate_minibatches as course_minibatches


def training_loop(name, settings, X, y, X_dev, y_dev, *, sizes, batch_size, epochs, rng):
    """Train a network by mini-batches with any optimizer of the course.

    Parameters
    ----------
    name : str
        The optimizer's class in course_lib.optimizers: "SGD", "Adam", ...
    settings : dict
        Its settings, {"lr": 0.1, "beta": 0.8} say. Those that are missing have their defaults.
    X, y : ndarray of shape (m, n) and (m,)
        Training examples with their classes. No argument is changed (but rng goes on).
    X_dev, y_dev : ndarray of shape (m_dev, n) and (m_dev,)
        The dev set, to be looked at only.
    sizes : tuple of int
        The network's layers, (n, hidden, ..., classes).
    batch_size, epochs : int
        batch_size need not divide m, and may be larger.
    rng : numpy.random.Generator
        Draws first the network's weights, then each epoch's mini-batches by
        course_minibatches(X, y, batch_size=batch_size, rng=rng).

    Returns
    -------
    params : ndarray
        The network's parameters, flat as in network.params, after the last update.
    batch_loss : list of float
        For every iteration of the run, the loss of its mini-batch just before the update.
    dev_loss : list of float, length epochs + 1
        The dev loss before training and after every epoch.

    Examples
    --------
    >>> X, y = np.array([[1.0], [-1.0], [2.0]]), np.array([0, 1, 0])
    >>> params, batch_loss, dev_loss = training_loop(
    ...     "SGD", {"lr": 0.1}, X, y, X, y, sizes=(1, 4, 2), batch_size=2, epochs=5,
    ...     rng=np.random.default_rng(0))
    >>> params.shape, len(batch_loss), len(dev_loss)
    ((18,), 10, 6)
    """
    ### BEGIN SOLUTION
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
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_training_loop", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check(training_loop)
### BEGIN HIDDEN TESTS
check(training_loop, seed=1212)
### END HIDDEN TESTS

# %%
my_loop = plug_in(training_loop)
figure, ax = plt.subplots()
for index, (name, settings) in enumerate({
    "SGD": {"lr": 0.5}, "HeavyBall": {"lr": 0.1, "beta": 0.9}, "Adam": {"lr": 0.01}
}.items()):
    _, _, dev_loss = my_loop(name, settings, *first_cut, sizes=(64, 32, 10), batch_size=64,
                             epochs=15, rng=np.random.default_rng(1))
    plotting.lines(ax, {name: (range(16), dev_loss)}, first=index)
ax.set(xlabel="epochs", ylabel="dev loss", yscale="log")
ax.legend()
plotting.show(
    figure,
    "Dev loss of three optimizers over 15 epochs from the same start, all falling from 2.7 to "
    "about 0.1. HeavyBall is the first below 0.2; SGD is the roughest.",
)

# %% [markdown]
# ### The same loop in PyTorch
#
# Who trains networks for a living writes this loop, mostly in PyTorch. You can read it now:
#
# | PyTorch | does | with us |
# |:--|:--|:--|
# | `model = Sequential(Linear(64, 32), ReLU(), Linear(32, 10))` | layers with their parameters | `networks.MLP((64, 32, 10), rng=rng)` |
# | `criterion = CrossEntropyLoss()` | softmax and $-\log p$, mean over the batch | part of `loss_and_gradient` |
# | `optimizer = Adam(model.parameters(), lr=0.01)` | the optimizer, made once | `optimizers.Adam(network.params, lr=0.01)` |
# | `optimizer.zero_grad()` | clears the gradients | not needed: ours are computed afresh |
# | `outputs = model(inputs)` | forward | ⎫ |
# | `loss = criterion(outputs, targets)` | the loss | ⎬ `loss, dw = network.loss_and_gradient(X_batch, y_batch)` |
# | `loss.backward()` | backward: *adds* the gradient to `.grad` | ⎭ |
# | `optimizer.step()` | the update, from `.grad` | `optimizer.step(dw)` |
# | `current_loss += loss.item()` | the log | `batch_loss.append(loss)` |
#
# One line has no counterpart with us. `backward()` *adds* to what is in `.grad`, because a parameter may be used
# several times. So it must be cleared before every backward pass. Forget `zero_grad()`, and every step uses the
# sum of all gradients since the beginning: a momentum with $\beta = 1$ that never forgets. Nothing complains.
#
# Is it really the same? If PyTorch is installed here (it is not needed for the course: `pip install torch`), the next
# cell trains both from the same start on the same batches, and compares all parameters after every step.

# %% tags=["nbval-ignore-output"]
try:
    import torch
except ImportError:
    torch = None


def largest_difference(epochs=3):
    """Train both, step by step; return the largest difference of any parameter after any step."""
    network = networks.MLP((64, 32, 10), rng=np.random.default_rng(2))
    ours = optimizers.Adam(network.params, lr=0.01)
    model = torch.nn.Sequential(
        torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
    ).double()
    layers = [model[0], model[2]]
    with torch.no_grad():
        for layer, w, b in zip(layers, network.weights, network.biases):
            layer.weight.copy_(torch.tensor(w.T))  # PyTorch keeps weights as (outputs, inputs)
            layer.bias.copy_(torch.tensor(b))
    criterion = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    largest, rng = 0.0, np.random.default_rng(3)
    for _ in range(epochs):
        for X_batch, y_batch in minibatch.iterate_minibatches(X, y, batch_size=64, rng=rng):
            inputs, targets = torch.tensor(X_batch), torch.tensor(y_batch)
            optimizer.zero_grad()
            outputs = model(inputs)
            loss = criterion(outputs, targets)
            loss.backward()
            optimizer.step()

            ours.step(network.loss_and_gradient(X_batch, y_batch)[1])
            for layer, w, b in zip(layers, network.weights, network.biases):
                for theirs, mine in ((layer.weight.T, w), (layer.bias, b)):
                    largest = max(largest, np.abs(theirs.detach().numpy() - mine).max())
    return largest


if torch is None:
    print("PyTorch is not installed here: nothing to compare with. Read the cell all the same.")
else:
    print(f"after each of 54 updates the parameters agree to {largest_difference():.0e}")

# %% [markdown]
# Where it runs, the two agree to about $10^{-15}$, the rounding of the last digit. (One of the course's tests does
# the same with all nine optimizers.) What you have written in this course is what is used outside.

# %% [markdown]
# ## 3 · Three words on a real log
#
# Logs count in three units, and mixing them up is an easy way to misread one. Once more, and this time from the
# log itself:
#
# - **batch size**: examples in one mini-batch, a setting that *you* choose;
# - **iteration**: one mini-batch, one gradient, one update, one line of the log;
# - **epoch**: one pass over all $m$ examples, however many iterations that takes.
#
# Larger batches make fewer iterations of the same epoch.

# %% [markdown]
# ### Exercise 2 · `read_log` (2 points)
#
# A log says how many examples each update used, and nothing else. The run may have been stopped in the middle of an
# epoch.

# %% nbgrader={"grade": false, "grade_id": "read_log", "locked": false, "schema_version": 3, "solution": true, "task": false}
def read_log(examples, *, m):
    """Read the three words off a training log.

    Parameters
    ----------
    examples : ndarray of int
        The number of examples in each update's mini-batch, in order, from the start of the run.
        The last batch of an epoch is shorter where the batch size does not divide m. Is not
        changed.
    m : int
        Number of training examples.

    Returns
    -------
    batch_size : int
        The largest batch of the log: what batch_size was set to.
    iterations : int
        Updates made in the whole run.
    epochs : int
        Complete passes over the data; one that was only begun does not count.

    Examples
    --------
    >>> read_log(np.array([4, 4, 2, 4, 4, 2, 4]), m=10)
    (4, 7, 2)
    """
    ### BEGIN SOLUTION
    return int(np.max(examples)), len(examples), int(np.sum(examples) // m)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_read_log", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check(read_log)
### BEGIN HIDDEN TESTS
check(read_log, seed=64)
### END HIDDEN TESTS

# %%
read = plug_in(read_log)
for batch_size, stop in [(1137, 5), (256, 25), (64, 90), (64, 100), (1, 2500)]:
    log, rng = [], np.random.default_rng(0)
    while len(log) < stop:
        batches = minibatch.iterate_minibatches(X, y, batch_size=batch_size, rng=rng)
        log += [len(y_batch) for _, y_batch in batches]
    B, iterations, epochs = read(np.array(log[:stop]), m=len(X))
    print(f"batch size {B:5,}, {iterations:5,} iterations, {epochs} complete epochs")

# %% [markdown]
# Five iterations are five epochs for one run and a two-hundredth of an epoch for another. A claim like "ours needs
# only 90 iterations" says nothing without the batch size. Everybody in our race gets the same 15 epochs of 18
# iterations.

# %% [markdown]
# ## 4 · The rules
#
# A race is fair when whatever is *not* the optimizer is the same for all, or chosen for each in the same way:
#
# | | the same for all nine |
# |:--|:--|
# | the track | network 64–32–10, 1,137 images, batches of 64, 15 epochs, a constant learning rate |
# | the start | with a given seed, all start from the same weights and see the same batches in the same order |
# | the tuning | 24 random settings on log scales, the best three once more with three seeds, the best mean is taken |
# | the ranges | three powers of ten around what is usual for each; $\beta$ between 0.5 and 0.99, through $1-\beta$ |
# | the measure | dev loss after the last update, decided *before* the race |
# | the test set | looked at once, when all is decided |
#
# Two of these lines cost people their results. *The measure decided before*: with enough measures everybody wins
# something. *Equal tuning*: Adam with 24 trials against SGD as it came out of the box compares 24 trials with one.
#
# Nothing is perfectly fair. SGD has one setting and AdamW three, so 24 trials search SGD's space more densely: being
# easy to tune is a virtue that this budget rewards. And another budget may have another winner. So the budget belongs
# to the result.

# %%
beta = search.one_minus_log_uniform(0.5, 0.99)
large, medium, small = (search.log_uniform(low, 1000 * low) for low in (1e-2, 1e-3, 1e-4))
spaces = {
    "SGD": {"lr": large},
    "Momentum": {"lr": large, "beta": beta},
    "HeavyBall": {"lr": medium, "beta": beta},
    "Nesterov": {"lr": large, "beta": beta},
    "AdaGrad": {"lr": medium},
    "RMSprop": {"lr": search.log_uniform(3e-5, 3e-2), "beta": beta},  # its first steps are larger
    "Adam": {"lr": small, "beta1": beta},
    "AdamW": {"lr": small, "beta1": beta, "weight_decay": medium},
    "AMSGrad": {"lr": small, "beta1": beta},
}


def tune(name, data, seed, *, trials=24, workers=None, **options):
    """Search, try the best three with three seeds; return the best settings and the search."""
    def dev_loss(config, rng):
        return fit(name, config, rng, data, **options)[1].dev_loss[-1]

    found = search.random_search(dev_loss, spaces[name], trials=trials, workers=workers,
                                 rng=np.random.default_rng(seed), progress=False)
    top = sorted(found.trials, key=lambda trial: np.nan_to_num(trial.value, nan=np.inf))[:3]
    again = [np.mean([dev_loss(trial.config, 50 + seed) for seed in range(3)]) for trial in top]
    return top[int(np.argmin(again))].config, found


tuned, searches = {}, {}
for name in NAMES:
    tuned[name], searches[name] = tune(name, first_cut, seed=0)
for name, settings in tuned.items():
    print(f"{name:9}", ", ".join(f"{key} {value:.2g}" for key, value in settings.items()))

# %% [markdown]
# What the searches saw, a dot for each trial and a line at the rate that was chosen:

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(3, 3, figsize=(8.6, 6.2), sharex=True, sharey=True)
for ax, name in zip(axes.flat, NAMES):
    trials = searches[name].trials
    ax.plot([t.config["lr"] for t in trials], [t.value for t in trials], "o", markersize=4,
            color=plotting.COLOURS[0], alpha=0.7)
    ax.axvline(tuned[name]["lr"], color=plotting.COLOURS[1], linewidth=1.2)
    ax.set(xscale="log", yscale="log", ylim=(0.05, 5))
    ax.set_title(name, fontsize=11)
for ax in axes[-1]:
    ax.set(xlabel="learning rate")
for ax in axes[:, 0]:
    ax.set(ylabel="dev loss")
plotting.show(
    figure,
    "For each of nine optimizers the dev losses of 24 trials against the learning rate. Every "
    "panel has its valley, at its own place: near 1 for SGD, Momentum and Nesterov, near 0.1 to "
    "0.3 for HeavyBall and AdaGrad, near 0.01 to 0.03 for RMSprop and the Adam family. The "
    "lowest dots lie between 0.07 and 0.12.",
)

# %% [markdown]
# Everybody has a valley, each at its own place, and their floors lie close together: the lowest dots between 0.07 and
# 0.12, each of them a single run. The two boards of section 1 were two vertical cuts through this figure.

# %% [markdown]
# ## 5 · The board
#
# Now the race: the tuned settings, ten new seeds each. Commit yourself first, twice.
#
# **Predict.** Take the optimizer with the best mean and the one with the worst. How far apart are they, compared with
# how much single runs of *one* optimizer scatter (their standard deviation from seed to seed)?
#
# - `"a"`: at least ten times as far
# - `"b"`: about one to three times as far
# - `"c"`: not even a tenth as far

# %% nbgrader={"grade": false, "grade_id": "prediction_fair_gap", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_fair_gap = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_fair_gap = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_fair_gap", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_fair_gap=prediction_fair_gap)

# %% [markdown]
# **Predict.** Momentum and HeavyBall are *the same algorithm*: at $\alpha_{\text{ball}} = (1-\beta)\,\alpha$ they
# make the same steps (week 04). Each was tuned by a search of its own, of equal size. On the board they will be
#
# - `"a"`: on the same place
# - `"b"`: neighbours, in any case
# - `"c"`: several places apart, possibly

# %% nbgrader={"grade": false, "grade_id": "prediction_twins", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_twins = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_twins = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_twins", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_twins=prediction_twins)

# %% [markdown]
# ### Means, errors, places
#
# Let $x_{1}, \dots, x_{n}$ be one optimizer's dev losses with $n$ seeds, independent draws with mean $\mu$ and
# variance $\sigma^2$. The mean $\bar x = \frac1n\sum_i x_i$ has
#
# $$\operatorname{Var}(\bar x) = \frac1{n^2}\sum_i \operatorname{Var}(x_i) = \frac{\sigma^2}{n}.$$
#
# $\sigma$ is unknown and is estimated by $s$, with $s^2 = \frac{1}{n-1}\sum_i (x_i-\bar x)^2$. Why $n-1$? The
# deviations are taken from $\bar x$, which lies closer to these very $x_i$ than $\mu$ does: $\sum_i (x_i-\bar x)^2
# = \sum_i (x_i-\mu)^2 - n(\bar x-\mu)^2$, with expectation $n\sigma^2 - n\frac{\sigma^2}{n} = (n-1)\,\sigma^2$. So
# there are two numbers to report, for two different questions:
#
# | | | how far … scatters | with more seeds |
# |:--|:--|:--|:--|
# | standard deviation | $s$ | one run | stays |
# | standard error | $s/\sqrt n$ | the mean of $n$ runs | shrinks |
#
# **Two optimizers.** Seeds differ in luck: some starts are good, some orders unlucky, and that luck is *shared*,
# since with seed $i$ all optimizers start from the same weights and see the same batches. So subtract first, seed
# by seed: $d_i = a_i - b_i$. What is shared cancels, because
#
# $$\operatorname{Var}(d) = \sigma_a^2 + \sigma_b^2 - 2\operatorname{Cov}(a, b),$$
#
# and the covariance is what they share. The gap $\bar d$ has the standard error $s_d/\sqrt n$, with the standard
# deviation $s_d$ of the $n$ differences. We call $a$ **clearly behind** $b$ when $\bar d > 2\, s_d/\sqrt n$. With
# no real difference and ten seeds, chance does that about once in 26 comparisons.
#
# **Places.** An optimizer's rank is 1 + the number of optimizers that it is clearly behind. Whoever is clearly behind
# nobody has rank 1, and there may be many.

# %% [markdown]
# ### Exercise 3 · `leaderboard` (5 points)

# %% nbgrader={"grade": false, "grade_id": "leaderboard", "locked": false, "schema_version": 3, "solution": true, "task": false}
def leaderboard(losses):
    """Make a leaderboard with ties.

    Parameters
    ----------
    losses : ndarray of shape (k, n)
        The loss of optimizer i with seed j, lower is better. All optimizers ran with the same
        n >= 2 seeds, in the same order. k may be 1. Is not changed.

    Returns
    -------
    means : ndarray of shape (k,)
        Mean loss of each optimizer.
    errors : ndarray of shape (k,)
        Standard error of each mean (with n - 1).
    ranks : ndarray of shape (k,)
        Whole numbers, in the order of the rows: 1 + the number of optimizers that this one is
        clearly behind, by more than twice (exactly twice is not enough) the standard error
        (with n - 1) of the differences, taken seed by seed. If that error is 0, any gap exceeds it.

    Examples
    --------
    >>> losses = np.array([[3.0, 5.0, 4.0], [2.0, 4.0, 3.5], [1.0, 9.0, 2.0]])
    >>> means, errors, ranks = leaderboard(losses)
    >>> means.round(2).tolist(), errors.round(2).tolist(), ranks.tolist()
    ([4.0, 3.17, 4.0], [0.58, 0.6, 2.52], [2, 1, 1])
    """
    ### BEGIN SOLUTION
    n = losses.shape[1]
    means = losses.mean(axis=1)
    errors = losses.std(axis=1, ddof=1) / np.sqrt(n)
    differences = losses[:, None, :] - losses[None, :, :]
    behind = differences.mean(axis=2)
    error_of_difference = differences.std(axis=2, ddof=1) / np.sqrt(n)
    ranks = 1 + np.sum(behind > 2 * error_of_difference, axis=1)
    return means, errors, ranks
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_leaderboard", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check(leaderboard)
### BEGIN HIDDEN TESTS
check(leaderboard, seed=36)
### END HIDDEN TESTS

# %% [markdown]
# In the example the first and the third row have the same mean, 4.0, but different places. Can you see why?
#
# Once in 26 comparisons sounds safe. But a board of nine makes 72 of them, each with each and both ways. So let your
# function judge a thousand boards of nine optimizers that do not differ at all, with ten seeds each:

# %%
make_board = plug_in(leaderboard)
rng = np.random.default_rng(0)
by_chance = np.array([np.sum(make_board(rng.normal(size=(9, 10)))[2] - 1) for _ in range(1000)])
print(f"clear by chance: {by_chance.mean():.1f} of 72 comparisons on average, at least one on "
      f"{np.mean(by_chance > 0):.0%} of the boards, 8 or more on {np.mean(by_chance >= 8):.0%}")

# %% [markdown]
# A single clear gap on a board proves nothing; many of them do. The race:

# %%

def race(seeds, data_of):
    """Run every optimizer with every seed; return the runs, each a pair of network and history."""
    return {
        name: [fit(name, tuned[name], 100 + seed, data_of(seed), every=9) for seed in range(seeds)]
        for name in NAMES
    }


def final_losses(runs):
    """Return the dev losses at the end, of shape (optimizers, seeds)."""
    return np.array([[history.dev_loss[-1] for _, history in runs[name]] for name in runs])


def print_board(losses, names=NAMES):
    means, errors, ranks = make_board(losses)
    for i in sorted(range(len(names)), key=lambda i: (ranks[i], means[i])):
        print(f"place {ranks[i]}   {names[i]:9} {means[i]:.3f} ± {errors[i]:.3f}")
    print(f"clear: {np.sum(ranks - 1)} of {len(names) * (len(names) - 1)} comparisons")


def print_gap(losses, a, b, names=NAMES):
    d = losses[names.index(a)] - losses[names.index(b)]
    print(f"{a} − {b}: {d.mean():.3f} ± {d.std(ddof=1) / np.sqrt(len(d)):.3f}")


def draw_board(ax, losses, board):
    means, errors, ranks = board
    for i in range(9):
        colour = plotting.COLOURS[2] if ranks[i] == 1 else "#777777"
        ax.plot(losses[i], np.full(losses.shape[1], i), "o", color=colour, alpha=0.35, ms=4)
        ax.errorbar(means[i], i, xerr=errors[i], fmt="D" if ranks[i] == 1 else "s", color=colour,
                    capsize=4, markersize=6)
        ax.annotate(f"{ranks[i]}", (0.97, i), xycoords=("axes fraction", "data"), va="center")
    ax.set(yticks=range(9), yticklabels=NAMES, ylim=(8.5, -0.5), xlabel="dev loss")


first_race = race(10, lambda seed: first_cut)
print_board(final_losses(first_race))
print_gap(final_losses(first_race), "Momentum", "HeavyBall")

# %%
figure, ax = plt.subplots(figsize=(7, 3.5))
draw_board(ax, final_losses(first_race), make_board(final_losses(first_race)))
ax.set(xlim=(0.03, 0.185))
plotting.show(
    figure,
    "Dev losses of ten runs of each optimizer with mean and standard error; the place at the "
    "right. RMSprop, Adam, AdamW and AMSGrad, as green diamonds, share place 1 with means near "
    "0.09. SGD, HeavyBall, Nesterov and AdaGrad are on place 5, Momentum on place 7, at 0.12.",
)
spread = final_losses(first_race).std(axis=1, ddof=1)
gap = np.ptp(final_losses(first_race).mean(axis=1))
print(f"best and worst mean are {gap:.2f} apart; "
      f"single runs scatter by {np.median(spread):.2f} (median)")

# %%
settle(prediction_fair_gap=prediction_fair_gap)

# %%
settle(prediction_twins=prediction_twins)

# %% [markdown]
# The worlds between the optimizers are gone. What was a factor of twenty in section 1 is now about two standard
# deviations of a single run: with one seed each, the order would have been another one.
#
# With ten seeds there *is* an order: the four that divide by a running root mean square share place 1, the other five
# stand clearly behind. 22 comparisons are clear, and chance gives about 3. Look closer, though.
#
# - Among the four, nothing is decided, and the order in which they are printed means nothing. **A shared place is not
#   a ranking.**
# - Momentum and HeavyBall are **one algorithm**, and yet HeavyBall is clearly ahead, by three standard errors. So a
#   clear gap cannot mean "the better algorithm". What it does mean: these *settings* beat those settings, on these
#   images. HeavyBall's search happened to find better ones.
#
# Would you print this board?

# %% [markdown]
# ## 6 · What the standard error does not know
#
# Ten seeds changed the weights at the start and the order of the batches. One thing has *not* changed: the 300 dev
# images. All settings were chosen on them, and all runs are compared on them.
#
# So once more, with the *same settings*, now with 16 seeds, and seed $i$ brings its own cut of the 1,437 images into
# training and dev set. (Still the same for all optimizers, so that they can be compared seed by seed.)
#
# **Predict.** What happens to the lead of the four?
#
# - `"a"`: it stays: they are clearly ahead of the other five
# - `"b"`: it dissolves: they are no longer clearly ahead of the other five, or not of all
# - `"c"`: it turns round: the four are now clearly behind all others

# %% nbgrader={"grade": false, "grade_id": "prediction_other_images", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_other_images = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_other_images = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_other_images", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_other_images=prediction_other_images)

# %%
second_race = race(16, lambda seed: cut(1 + seed))
print_board(final_losses(second_race))

# %% [markdown]
# That looks like an order of a new kind. But are these 16 numbers *independent draws*, as section 5 assumed? They are
# all cut from the same 1,437 images. Any two cuts share most of their training images and about a fifth of their dev
# images, so their losses err together. Say that any two of the $n$ losses have the correlation $\rho$. Then
#
# $$\operatorname{Var}(\bar x) = \frac{\sigma^2}{n}\,\big(1 + (n-1)\,\rho\big), \qquad
# \operatorname{E}(s^2) = (1-\rho)\,\sigma^2, \qquad\text{so}\qquad
# \operatorname{Var}(\bar x) = \operatorname{E}(s^2)\,\Big(\frac1n + \frac{\rho}{1-\rho}\Big).$$
#
# The scatter $s$ cannot show what all have in common, so $\rho$ cannot be read from the losses. Nadeau and Bengio (2003)
# propose the dev set's share of the images as a rule of thumb: $\rho/(1-\rho) = 300/1137$. With $n = 16$ that makes all
# errors $\sqrt{1 + 16\cdot 300/1137} = 2.3$ times as large, those of differences as well. And however many cuts you make,
# the second term stays: there are only so many images.

# %%
def widened(losses, dev=300, train=1137):
    """Return losses with the same means and larger deviations: what overlapping cuts are worth."""
    means = losses.mean(axis=1, keepdims=True)
    return means + np.sqrt(1 + losses.shape[1] * dev / train) * (losses - means)


losses = final_losses(second_race)
print_board(widened(losses))
for a, b in [("SGD", "Adam"), ("Momentum", "Adam"), ("Momentum", "HeavyBall")]:
    print_gap(widened(losses), a, b)

# %%
figure, ax = plt.subplots(figsize=(7, 3.5))
draw_board(ax, losses, make_board(widened(losses)))
ax.set(xlim=(0.03, 0.3))
plotting.show(
    figure,
    "Dev losses of 16 runs of each optimizer on 16 other cuts of the data, with means and the errors that allow "
    "for the cuts' overlap. All rows overlap widely, and all nine are on place 1.",
)

# %%
settle(prediction_other_images=prediction_other_images)

# %% [markdown]
# The lead has dissolved: all nine share place 1. (Momentum by a hair: it is behind Adam by 2.00 of its errors.) Is
# this a proof that they are equal? No. Adam's mean *is* the lowest, a seventh below SGD's, and that may be real; these
# images cannot tell. **A shared place is not praise.** It only says that nobody was shown to be better.
#
# The losses are higher, too, by a fifth to a half. The obvious suspicion: the settings had been chosen *for those 300
# images*, so part of what looked like skill was fitted luck (week 09's "luck of the best"). A suspicion can be tested.
# Search once more for all nine, here and on another cut, and run the same two races with what is found. Settings from
# the other cut never saw the 300 as their dev set:

# %%
def mean_loss(name, settings, seeds, data_of):
    return np.mean([fit(name, settings, 100 + i, data_of(i))[1].dev_loss[-1] for i in range(seeds)])


rises = final_losses(second_race).mean(axis=1) / final_losses(first_race).mean(axis=1) - 1
print(f"from the first cut to the 16 others the dev loss rises by {rises.mean():.0%}, mean of the nine;")
for label, data in [("another search on the first cut", first_cut), ("a search on another cut", cut(50))]:
    found = {name: tune(name, data, seed=1)[0] for name in NAMES}
    rises = [mean_loss(name, found[name], 16, lambda i: cut(1 + i))
             / mean_loss(name, found[name], 10, lambda i: first_cut) - 1 for name in NAMES]
    print(f"    with settings of {label} by {np.mean(rises):.0%}")

# %% [markdown]
# About a third, wherever the settings come from. Of fitted luck there is no trace: the first 300 images are simply an
# easy lot.
#
# What is pairing worth here? It depends on how much two rows share. Momentum − HeavyBall has less than half the error
# that it would have unpaired; with SGD − Adam little is gained:

# %%
for a, b in [("Momentum", "HeavyBall"), ("SGD", "Adam")]:
    one, other = losses[NAMES.index(a)], losses[NAMES.index(b)]
    paired = (one - other).std(ddof=1) / 4
    strangers = np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 16)
    print(f"{a} − {b}: ± {paired:.3f} paired, ± {strangers:.3f} as strangers (before widening)")

# %% [markdown]
# > **A standard error covers exactly what was varied, as far as it was varied.** Vary the seed, and you know how results
# > move with the seed. Cut the same images anew, and you know a part of how they move with the images. We have *not*
# > varied the search: each optimizer was tuned once, and the twins of section 5 show what that is worth.
#
# How would you find out whether one *algorithm* is ahead? Repeat everything, the search included, several times.
# That has not been done here yet. It would make a good report.

# %% [markdown]
# ## 7 · The time to get there
#
# Perhaps the end is the wrong moment to look. Speed is what optimizers are bought for. So take a target, a dev
# loss of 0.25, and count the updates until it is reached. But *when* is a target reached? Mini-batch curves are
# rough; one may dip below the line by luck and leave again. Counting single touches would reward the noisier
# curve. So we ask that it *stays* for a few evaluations.

# %% [markdown]
# ### Exercise 4 · `time_to_target` (3 points)

# %% nbgrader={"grade": false, "grade_id": "time_to_target", "locked": false, "schema_version": 3, "solution": true, "task": false}
def time_to_target(updates, losses, *, target, stay):
    """Count the updates until a target is reached and kept for a while.

    Parameters
    ----------
    updates : list of int
        Updates made at each evaluation, rising, not always evenly. No argument is changed.
    losses : list of float
        The loss at each evaluation, as many; may hold NaN, which is not at or below anything.
    target : float
    stay : int
        At least 1. The target counts as reached at an evaluation if this one and the stay - 1
        evaluations after it are in the log and all at or below the target. What comes later does
        not matter.

    Returns
    -------
    float
        The updates at the first evaluation at which it counts as reached; math.inf if none.

    Examples
    --------
    >>> time_to_target([0, 9, 18, 27, 36, 45], [2.0, 0.2, 0.4, 0.3, 0.1, 0.5], target=0.3, stay=2)
    27.0
    """
    ### BEGIN SOLUTION
    for i in range(len(losses) - stay + 1):
        if all(loss <= target for loss in losses[i : i + stay]):
            return float(updates[i])
    return math.inf
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_time_to_target", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(time_to_target)
### BEGIN HIDDEN TESTS
check(time_to_target, seed=25)
### END HIDDEN TESTS

# %%
count_updates = plug_in(time_to_target)
times = {
    name: [count_updates(h.updates, h.dev_loss, target=0.25, stay=3) for _, h in second_race[name]]
    for name in NAMES
}
figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.8))
for index, name in enumerate(["SGD", "Momentum", "HeavyBall", "AdaGrad", "Adam"]):
    curve = np.median([history.dev_loss for _, history in second_race[name]], axis=0)
    plotting.lines(left, {name: (second_race[name][0][1].updates, curve)}, first=index)
left.axhline(0.25, color="#999999", linewidth=1)
left.set(xlabel="updates", ylabel="dev loss (median of 16 cuts)", yscale="log", xlim=(0, 272))
left.legend(fontsize=9.5)
for row, name in enumerate(NAMES):
    right.plot(times[name], np.full(16, row), "o", color=plotting.COLOURS[0], alpha=0.35)
    right.plot(np.median(times[name]), row, "s", color="black", markersize=6)
right.set(yticks=range(9), yticklabels=NAMES, ylim=(8.5, -0.5))
right.set_xlabel("updates until the dev loss stays at 0.25 or below\n(square: median)")
plotting.show(
    figure,
    "Left: dev loss against updates for five optimizers; HeavyBall and Adam fall fastest, all "
    "are close together at the end. Right: updates to the target for the 16 cuts of each optimizer: medians of "
    "about 50 for HeavyBall, 63 for the Adam family, and 104 for SGD and Momentum.",
)
for name in ("SGD", "Momentum", "HeavyBall", "Adam"):
    reached = np.isfinite(times[name]).sum()
    print(f"{name:9} median {np.median(times[name]):3.0f} updates, reached by {reached} of 16")

# %% [markdown]
# In speed there are differences that you can see. With these settings HeavyBall needs half of SGD's updates, the Adam
# family less than two thirds. (With these *settings*: Momentum, HeavyBall's twin, needs as many as SGD. All were tuned
# for the loss at the end; tuned for speed, they may be faster, in another order. The measure is part of the race.)
# Updates are not seconds, however: an update of Adam does more arithmetic than one of SGD.

# %% tags=["nbval-ignore-output"]
print("              µs per update   ms to the target")
for name in NAMES:
    per_update = np.median([h.seconds[-1] / h.updates[-1] for _, h in second_race[name]])
    print(f"{name:9} {per_update * 1e6:14.0f} {per_update * np.median(times[name]) * 1e3:16.1f}")

# %% [markdown]
# On a network as small as this, everything is over in milliseconds, and forward and backward pass take most of
# them, so seconds go much as updates do. Always report both: updates can be repeated on any machine, seconds are
# what is paid.

# %% [markdown]
# ## 8 · The test set, once
#
# Everything is decided: which settings, which board. The lowest mean of section 6 is Adam's, so that is the network
# we would hand over. Now, and only now, the 360 test images. One set of numbers, no way back.

# %%
accuracy = {
    name: [network.accuracy(digits.X_test, digits.y_test) for network, _ in second_race[name]]
    for name in NAMES
}
right = {name: np.mean([network.predict(digits.X_test) == digits.y_test
                        for network, _ in second_race[name]], axis=0) for name in NAMES}
best, worst = (choose(NAMES, key=lambda name: right[name].mean()) for choose in (max, min))
d = right[best] - right[worst]  # image by image
print(f"Adam: {np.mean(accuracy['Adam']):.0%}, give or take {100 * np.sqrt(0.97 * 0.03 / 360):.1f} points "
      f"for having these 360 images")
print(f"best minus worst of the nine: {d.sum():.1f} images, ± {d.std(ddof=1) * np.sqrt(360):.1f} image by image")
equals = np.ptp(np.random.default_rng(0).normal(size=(10_000, 9)), axis=1) / np.sqrt(2)
print(f"the largest gap among nine equals: {equals.mean():.1f} of its standard errors on average")

# %% [markdown]
# Nine optimizers, and what lies between the best and the worst of them is two images. All nine see the same 360, so the
# gap is judged image by image: 2.4 of its standard errors. That would be clear for two optimizers named beforehand.
# But these are the best and the worst of nine, picked after looking, and among nine equals the largest gap is 2.1 errors
# on average. No number of seeds can cure that: the images are the same for every seed. A board by test accuracy would
# mostly be a board of noise.
#
# What *is* worth looking at is which digits go wrong.

# %% [markdown]
# ### Exercise 5 · `confusion_matrix` (3 points)

# %% nbgrader={"grade": false, "grade_id": "confusion_matrix", "locked": false, "schema_version": 3, "solution": true, "task": false}
def confusion_matrix(scores, y):
    """Count who was taken for whom.

    Parameters
    ----------
    scores : ndarray of shape (m, k)
        A network's scores, one example per row. The class with the largest score is predicted.
        No argument is changed.
    y : ndarray of int, shape (m,)
        The true classes, 0 to k - 1. Some may not occur.

    Returns
    -------
    ndarray of shape (k, k)
        Entry [a, b]: how many examples of the true class a were predicted as b.

    Examples
    --------
    >>> scores = np.array([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]])
    >>> confusion_matrix(scores, np.array([0, 1, 1])).tolist()
    [[1, 0], [1, 1]]
    """
    ### BEGIN SOLUTION
    k = scores.shape[1]
    counts = np.zeros((k, k), dtype=int)
    np.add.at(counts, (y, np.argmax(scores, axis=1)), 1)
    return counts
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_confusion_matrix", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(confusion_matrix)
### BEGIN HIDDEN TESTS
check(confusion_matrix, seed=360)
### END HIDDEN TESTS

# %%
confusions = plug_in(confusion_matrix)
chosen = [network for network, _ in second_race["Adam"]]
counts = sum(confusions(network.scores(digits.X_test), digits.y_test) for network in chosen)
mistakes = counts - np.diag(np.diag(counts))
figure, ax = plt.subplots(figsize=(4.6, 4))
ax.imshow(mistakes)
for a in range(10):
    for b in range(10):
        if mistakes[a, b]:
            dark = mistakes[a, b] > mistakes.max() / 2
            ax.text(b, a, mistakes[a, b], ha="center", va="center", fontsize=9,
                    color="white" if dark else "black")
ax.set(xticks=range(10), yticks=range(10), xlabel="predicted", ylabel="true")
ax.grid(False)
plotting.show(
    figure,
    "Mistakes of 16 networks on the test digits as a ten by ten table, true digit by row and "
    "predicted digit by column. Most cells are empty; a few pairs, such as 6 taken for 0, make up "
    "much of the whole.",
)
a, b = np.unravel_index(mistakes.argmax(), mistakes.shape)
print(f"the commonest mistake: a {a} that is taken for a {b}")

# %%
wrong = np.mean([network.predict(digits.X_test) != digits.y_test for network in chosen], axis=0)
hardest = np.argsort(-wrong, kind="stable")[:10]
titles = []
for i in hardest:
    image = digits.X_test[[i]]
    guesses = np.bincount([network.predict(image)[0] for network in chosen], minlength=10)
    guesses[digits.y_test[i]] = 0
    titles.append(f"{digits.y_test[i]}, not {guesses.argmax()}")
figure = plotting.image_grid(digits.X_test[hardest], titles, digits.shape)
plotting.show(
    figure,
    "The ten test digits that most of the 16 networks get wrong, each titled with its label and "
    "the usual wrong guess. Several are hard to read for people, too.",
)

# %% [markdown]
# The 16 networks, trained on different cuts from different starts, stumble over the same few digits. And the other
# eight optimizers?

# %%
for name in NAMES:
    mistakes_of = 1 - right[name]
    print(f"{name:9} {mistakes_of[hardest].mean():.0%} wrong on these ten, "
          f"which are {mistakes_of[hardest].sum() / mistakes_of.sum():.0%} of its mistakes")

# %% [markdown]
# They stumble over the same ten. Those mistakes do not belong to an optimizer. They belong to images of 8 × 8 pixels, to
# a small network, or to the person with the pen. If you wanted fewer of them, another optimizer is the last thing to
# try.

# %% [markdown]
# ## 9 · Claims to test
#
# Decide: `"true"` (it holds), `"false"` (it does not), or `"depends"` (it holds under a condition that you can name).

# %% [markdown]
# **Claim 1.** *"Adam always wins."* (Sections 5 to 8.)

# %% nbgrader={"grade": false, "grade_id": "claim_adam_always_wins", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_adam_always_wins = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_adam_always_wins = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_adam_always_wins", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_adam_always_wins=claim_adam_always_wins)

# %% [markdown]
# **Claim 2.** *"The board's order is real: a gap of more than two standard errors shows that one optimizer is
# better than the other."* (Sections 5 and 6.)

# %% nbgrader={"grade": false, "grade_id": "claim_clear_gap", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_clear_gap = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_clear_gap = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_clear_gap", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_clear_gap=claim_clear_gap)

# %% [markdown]
# **Claim 3.** *"Adam's published settings need no tuning."* Adam with the published rate of 0.001 beside our tuned
# one, for 15 epochs and for 200:

# %%
for epochs in (15, 200):
    ends = {}
    for label, settings in [("published", {"lr": 0.001}), ("tuned for 15 epochs", tuned["Adam"])]:
        runs = [fit("Adam", settings, 100 + i, cut(1 + i), epochs=epochs) for i in range(3)]
        ends[label] = np.mean([history.dev_loss[-1] for _, history in runs])
    print(f"{epochs:3} epochs:", ", ".join(f"{label} {loss:.2f}" for label, loss in ends.items()))

# %% nbgrader={"grade": false, "grade_id": "claim_published_settings", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_published_settings = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_published_settings = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_published_settings", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_published_settings=claim_published_settings)

# %% [markdown]
# **Claim 4.** *"Adam is fast but rough, SGD slow but exact"*: who is early at the target ends with the higher
# loss. One dot per optimizer, from the 16 cuts:

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots(figsize=(6.4, 3.6))
means, errors, _ = make_board(widened(final_losses(second_race)))
for i, name in enumerate(NAMES):
    index = min(i, 6)
    ax.errorbar(np.median(times[name]), means[i], errors[i], fmt=plotting.MARKERS[index],
                color=plotting.COLOURS[index], capsize=3, label=name if i < 6 else None)
ax.plot([], [], plotting.MARKERS[6], color=plotting.COLOURS[6], label="Adam, AdamW, AMSGrad")
ax.set(xlabel="updates to the target (median)", xlim=(40, 114))
ax.set(ylabel="dev loss at the end", ylim=(0.09, 0.24))
ax.legend(fontsize=9, ncols=2, loc="upper center")
plotting.show(
    figure,
    "Dev loss at the end against the updates to the target, for nine optimizers. The fastest, "
    "HeavyBall and the Adam family, end no higher than the slowest, SGD and Momentum, though all "
    "errors overlap: no trade of speed for accuracy.",
)

# %% nbgrader={"grade": false, "grade_id": "claim_fast_but_rough", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_fast_but_rough = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_fast_but_rough = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_fast_but_rough", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_fast_but_rough=claim_fast_but_rough)

# %% [markdown]
# ## 10 · Quiz
#
# **1.** MNIST has 60,000 training images; the batch size is 128. The log reads `epoch 3, iteration 100/469`. How many
# updates have been made since the start? (Epochs are counted from 1.)
#
# - `"a"` 100
# - `"b"` 1,038
# - `"c"` 1,507
# - `"d"` 132,864

# %% nbgrader={"grade": false, "grade_id": "quiz_log_line", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_log_line = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_log_line = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_log_line", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_log_line=quiz_log_line)

# %% [markdown]
# **2.** In PyTorch, `optimizer.zero_grad()` was forgotten. With plain SGD, what is step $t$ made with?
#
# - `"a"` the sum of the gradients of steps 1 to $t$
# - `"b"` the gradient of step $t$: `backward()` overwrites the old one
# - `"c"` the mean of the gradients of steps 1 to $t$
# - `"d"` nothing: PyTorch raises an error

# %% nbgrader={"grade": false, "grade_id": "quiz_zero_grad", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_zero_grad = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_zero_grad = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_zero_grad", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_zero_grad=quiz_zero_grad)

# %% [markdown]
# **3.** Ten seeds, mean 0.114, standard deviation 0.020. You want the mean's standard error to be 0.003. How many
# seeds?
#
# - `"a"` about 7
# - `"b"` about 20
# - `"c"` about 44
# - `"d"` seeds do not change it

# %% nbgrader={"grade": false, "grade_id": "quiz_more_seeds", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_more_seeds = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_more_seeds = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_more_seeds", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_more_seeds=quiz_more_seeds)

# %% [markdown]
# **4.** On five data sets that share nothing, A has the losses 0.10, 0.20, 0.15, 0.30, 0.25, and B, on the same five,
# 0.11, 0.22, 0.16, 0.32, 0.26. Each mean has a standard error of about 0.035.
#
# - `"a"` The means are 0.2 and 0.214, far less than an error apart: nothing can be said
# - `"b"` A is clearly ahead: it is better on each set, by 0.014 ± 0.002
# - `"c"` B is ahead: it scatters less
# - `"d"` Only with different sets for A and B could they be compared

# %% nbgrader={"grade": false, "grade_id": "quiz_paired", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_paired = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_paired = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_paired", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_paired=quiz_paired)

# %% [markdown]
# **5.** `scores` has shape (360, 10), one test image per row. What is `np.argmax(scores, axis=0)`?
#
# - `"a"` the predicted digits of the 360 images
# - `"b"` for each digit, the number of the image with the highest score for it
# - `"c"` for each digit, its highest score
# - `"d"` an error

# %% nbgrader={"grade": false, "grade_id": "quiz_axis_zero", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_axis_zero = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_axis_zero = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_axis_zero", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_axis_zero=quiz_axis_zero)

# %% [markdown]
# ## 11 · If you like: all of MNIST
#
# The digits of this course are 8 × 8 pixels. The classic set has 60,000 training images of 28 × 28. The steps are
# the same as ever: read the data, train a softmax classifier or a network, test, look at the mistakes. The next
# cell holds the whole race on it, smaller (6 trials, 3 seeds, 2 epochs). It is off, because it needs a download of
# 15 MB once and then some minutes. Set `FULL_MNIST = True` to run it.

# %% tags=["nbval-ignore-output"]
FULL_MNIST = False


def mnist_race(trials=6, epochs=2, seeds=3):
    """Tune all nine on MNIST, race them, print the board, and show mistakes of the first place."""
    mnist = datasets.mnist()
    X_all, y_all, dev = mnist.X_train.astype(np.float32), mnist.y_train, len(mnist.X_train) // 10
    data = X_all[dev:], y_all[dev:], X_all[:dev], y_all[:dev]
    options = {"sizes": (784, 64, 10), "batch_size": 128, "epochs": epochs, "dtype": np.float32}
    runs = {}
    for name in NAMES:
        start = perf_counter()
        settings, _ = tune(name, data, 0, trials=trials, workers=1, **options)
        runs[name] = [fit(name, settings, 100 + seed, data, **options) for seed in range(seeds)]
        print(f"{name}: {perf_counter() - start:.0f} s")
    print_board(final_losses(runs))
    best = NAMES[int(final_losses(runs).mean(axis=1).argmin())]
    guesses = runs[best][0][0].predict(mnist.X_test)
    print(f"test accuracy of {best}: {np.mean(guesses == mnist.y_test):.1%}")
    wrong = np.flatnonzero(guesses != mnist.y_test)[:20]
    titles = [f"{mnist.y_test[i]}, not {guesses[i]}" for i in wrong]
    figure = plotting.image_grid(mnist.X_test[wrong], titles, mnist.shape)
    plotting.show(figure, "Test images of MNIST that go wrong, with label and guess.")


if FULL_MNIST:
    try:
        mnist_race()
    except ConnectionError as error:
        print(error)
else:
    print("Skipped. Set FULL_MNIST = True to run it.")

# %% [markdown]
# ## 12 · Your report (12 points)
#
# Now it is your race. Choose **one question**, answer it with a fair experiment, and report it so that a sceptical
# colleague believes you. `fit`, `tune`, `cut`, `print_board`, `print_gap`, `widened` and your own functions are there to use. Some questions,
# if you want one:
#
# - Is Adam ahead of SGD when *everything* is repeated, the search included? (Section 6 left that open.)
# - Does a cosine schedule (week 07) help SGD more than Adam? `settings["lr"]` may be a schedule.
# - How do the boards for 5, 15 and 60 epochs differ, each tuned for its own budget?
# - Who suffers least from a search of 4 trials instead of 24?
# - Does the order depend on the batch size, the number of hidden units, or the amount of training data?
#
# **How to go about it.** Write question, measure, budget and rule of decision down *before* you run anything.
# Change one thing. Give each side the same search. Run a small version first (two seeds), then the real one, once.
# Do not look at the test set unless the question is about it, and then once.
#
# **What goes into the report** (300 to 500 words): the question · what was equal and what was varied, with numbers
# · the result as means with standard errors, from how many seeds, cuts and searches · what follows, and what does
# not · what surprised you, also if it "did not work". An honest "no difference found" is a result, and can get all
# the points.
#
# | points | a fair experiment | evidence | conclusions |
# |:--|:--|:--|:--|
# | **4** | one clear question; measure, budget and rule fixed beforehand; equal search for each side; what is varied and what is fixed is said | means with standard errors, paired where runs share seeds or cuts; number of seeds, cuts, searches; a figure or table that answers the question; the code runs | exactly what the evidence carries; says what the errors do not cover, and under which conditions it holds; names a doubt and how to settle it |
# | **3** | as above, with one small gap | as above, with one gap, such as unpaired errors | right, limits named in general terms only |
# | **2** | fair in the main, but the budget is unequal or the question vague | several seeds and means, but no errors, or no word on what they stand for | partly beyond the evidence |
# | **1** | a comparison, but tuned for one side only | one seed, or best seeds | a winner is declared without regard to spread |
# | **0** | no comparison | no numbers | none |
#
# Each of the three columns gives up to 4 points. If you learn on your own: write it, leave it for a day, then
# grade it with the table, as if somebody else had written it.
#
# Your experiment goes into the next cell (add more if you need them), the report into the one after it.

# %% nbgrader={"grade": false, "grade_id": "report_experiment", "locked": false, "schema_version": 3, "solution": true, "task": false}
my_result = None  # your experiment's numbers, for instance an array of losses, one row per side
### BEGIN SOLUTION
SIDES = ["SGD", "Momentum", "HeavyBall", "Adam"]


def one_replication(job, rng):
    """Everything anew: a cut of the data, a search of 12 trials, two final runs."""
    number = job["replication"]
    data = cut(1000 + number)
    settings, _ = tune(job["name"], data, 2000 + number, trials=12, workers=1)
    runs = [fit(job["name"], settings, 3000 + 10 * number + i, data) for i in range(2)]
    return float(np.mean([history.dev_loss[-1] for _, history in runs]))


my_result = search.grid_search(
    one_replication, {"name": SIDES, "replication": list(range(6))},
    rng=np.random.default_rng(0), progress=False,
).values.reshape(4, 6)
print_board(widened(my_result), SIDES)
for a, b in [("SGD", "Adam"), ("Momentum", "HeavyBall")]:
    print_gap(widened(my_result), a, b, SIDES)
### END SOLUTION

# %% [markdown] nbgrader={"grade": true, "grade_id": "report_capstone", "locked": false, "points": 12, "schema_version": 3, "solution": true, "task": false}
# *A model report.* **Question.** Sections 5 and 6 compared settings, not algorithms, because every optimizer had been
# tuned only once; the twins Momentum and HeavyBall had a clear gap on the first board. If the whole procedure is repeated,
# search included, is Adam ahead of SGD on this task, and do the twins tie, as they must?
#
# **Experiment.** Fixed beforehand: the network 64–32–10, batches of 64, 15 epochs at a constant rate, dev loss
# after the last update as the measure, "clearly behind" as in section 5 as the rule. Four sides: SGD, Momentum,
# HeavyBall, Adam. Six replications. Each has its own cut of the 1,437 images, its own search of 12 random settings
# per side on the ranges of section 4 (best three again with three seeds), and two final runs with new seeds, whose
# mean is the replication's value. Within a replication all four share cut and seeds, so differences are taken
# replication by replication. The twins are the control: whatever gap they show is not a difference of algorithms.
# The test set was not used.
#
# **Result.** Mean ± standard error over six replications, widened by 1.6 because the cuts overlap (section 6): Adam
# 0.140 ± 0.023, SGD 0.158 ± 0.020, Momentum 0.172 ± 0.028, HeavyBall 0.178 ± 0.051. None of the 12 comparisons is clear.
# SGD is behind Adam by 0.019 ± 0.011, which is 1.7 of its errors. The twins differ by 0.006 ± 0.038: no difference, as
# it must be. HeavyBall's error is large because one of its six searches ended badly.
#
# **What follows.** With a budget of 12 trials and 15 epochs on this task I have found no difference between the four
# that goes beyond chance. Adam's mean is the lowest, and a lead of the size that I see may be real; with these images I
# cannot tell. Had I taken the six cuts for independent, I should have called SGD and Momentum clearly behind Adam. The
# clear gap of the twins in section 5 was luck of one search.
#
# **Limits.** The errors cover seeds, cuts and searches; they do not cover other networks, other data, other
# budgets or other ranges. The factor 1.6 is a rule of thumb. Six is few: at n = 6 the rule "two standard errors" lets
# chance through about once in ten, counting both sides. SGD has one setting, the others two, so 12 trials search theirs
# more thinly. The dev images also chose the settings, so all losses are too low, for all sides in the same way. I
# expected Adam's lead to vanish, and it did not quite; more cuts of the same images would not settle it, so I would next
# repeat it on MNIST, whose 60,000 images can be cut into sets that share nothing.

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | Fair | same track, same seeds, same number of trials on ranges that suit each; measure and budget fixed beforehand |
# | Mean | $\bar x \pm s/\sqrt n$, $s$ with $n-1$; say which of the two, $s$ or $s/\sqrt n$, stands behind the ± |
# | Pairs | $d_i = a_i - b_i$ on shared seeds and cuts; clear when $\bar d > 2 s_d/\sqrt n$ |
# | Places | 1 + the number of those clearly ahead; place 1 may be shared, and is not praise |
# | Covered | a standard error covers what was varied: seeds, images, searches; nothing else |
# | Overlap | $n$ cuts of the same images: all errors times $\sqrt{1 + n\,n_{\text{dev}}/n_{\text{train}}}$, as a rule of thumb |
# | Chance | nine equals, ten seeds: about 3 of 72 comparisons are clear |
# | Target | reached when it stays; in updates *and* seconds; `inf` where it never is |
# | PyTorch | `zero_grad` · forward · criterion · `backward` · `step` |
# | Words | batch size: examples per update · iteration: one update · epoch: one pass |
#
# **Pitfalls.** One rate for all · ours tuned, theirs not · tuned on the test set · best seed for mean · deviation
# for error · `ddof=0` · strangers where there are pairs · overlapping cuts taken for independent · one clear gap
# among many comparisons · a tie called a win · one search for all seeds · touched for reached · `argmax` along the
# wrong axis · a forgotten `zero_grad()` · a new optimizer in every epoch.
#
# **Sources.** Wilson et al. (2017), *The marginal value of adaptive gradient methods in machine learning* · Choi
# et al. (2019), *On empirical comparisons of optimizers for deep learning* · Dodge et al. (2019), *Show your work:
# improved reporting of experimental results* · Nadeau and Bengio (2003), *Inference for the generalization error* · Sivaprasad et al. (2020), *Optimizer benchmarking needs to account
# for hyperparameter tuning* · Schmidt, Schneider and Hennig (2021), *Descending through a crowded valley* ·
# Bouthillier et al. (2021), *Accounting for variance in machine learning benchmarks* · Dahl et al. (2023),
# *Benchmarking neural network training algorithms* · LeCun et al. (1998), *Gradient-based learning applied to
# document recognition* (MNIST) · Paszke et al. (2019), *PyTorch: an imperative style, high-performance deep
# learning library*.
#
# ## What you can do now
#
# Twelve weeks ago a training loss was a curve that went down, or did not. Now you can
#
# - derive the gradient of a network by hand, write it, and check it (week 00);
# - cut data into batches and say what their noise costs (01), average a noisy series and know what the average leaves
#   out (02, 03);
# - write momentum, RMSprop, Adam and their relatives from memory, and say for each which trouble it cures and
#   which it does not (04 to 06);
# - let a learning rate fall on purpose (07), and know what lies at a point of zero gradient (08);
# - search settings on the right scales (09), tell learning from memorising (10), and keep a deep network's signals in
#   order (11);
# - compare all of that fairly, and doubt a board (12).
#
# And there is a habit behind it, which will outlive the formulas: when somebody tells you that something always
# works, you know how to find out.
#
# **To read next.** Goodfellow, Bengio and Courville, *Deep Learning* (2016), chapter 8, which you can now read for
# pleasure · Bottou, Curtis and Nocedal (2018), *Optimization methods for large-scale machine learning*, for the
# theory · Prince, *Understanding Deep Learning* (2023), for convolutions, transformers and all that runs on these
# optimizers · Godbole et al. (2023), *Deep learning tuning playbook*, for practice · and the papers behind the
# optimizers (RMSprop, you remember, has none). They are shorter than their fame.
#
# **To do next.** Take the loop of section 2, in PyTorch if you like, to data that *you* care about. A good first
# project is one step from here: who wrote this digit? Collect a few hundred from friends, and see whether a
# network can tell hands apart.
#
# All formulas, the glossary and the errors of the notes are in the [reference](../reference.ipynb), for later.
#
# Thank you for the work that you have put in. May your losses fall, and may you always know why.
