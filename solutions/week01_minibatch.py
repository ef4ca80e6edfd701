# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: Mini-batch gradient descent
#     minutes: 110
#     builds_on: [week00_foundations]
# ---

# %% [markdown]
# # Week 01 · Mini-batch gradient descent
#
# You know gradient descent: compute the gradient of the loss over all your data, step against it, repeat. This week
# you will find out why almost nobody trains like that, and what they do instead.
#
# By the end you can
#
# - say exactly what an example, a mini-batch, an iteration and an epoch are, and count them;
# - write the five functions that training by mini-batches consists of, and train on real handwritten digits with them;
# - prove that the gradient of a mini-batch is right on average, and say how wrong it is on one occasion;
# - choose a batch size from a measurement instead of a rumour.
#
# You need: NumPy, and the loss and gradient of a linear classifier (week 00 has both).
# Time: about 110 minutes. Points: 30, and 4 more for a written answer.
#
# As in week 00: write where it says `YOUR CODE HERE`, run `check(...)`, and ask `hint(...)` when you are stuck.

# %%
import math
from time import perf_counter

import numpy as np
import matplotlib.pyplot as plt

from course_lib import datasets, minibatch, networks, optimizers, plotting, training
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()
digits = datasets.digits()
X, y = digits.X_train, digits.y_train
m = len(X)
print(f"X {X.shape}, y {y.shape}: {m:,} training images of 8 x 8 pixels, "
      f"and {len(digits.y_test)} for testing")

# %%
rows = np.concatenate([np.flatnonzero(y == digit)[:2] for digit in range(10)])
figure = plotting.image_grid(X[rows], [str(label) for label in y[rows]], digits.shape)
plotting.show(
    figure,
    "Twenty handwritten digits, two of each class from 0 to 9, as coarse images of 8 by 8 "
    "grey pixels.",
)

# %% [markdown]
# ## 1 · The question
#
# Here is a classifier with 10 outputs (softmax regression, 650 parameters), trained by gradient descent. Every step
# looks at all 1,437 images and follows the exact gradient, at the best learning rate of the eight that section 3 tries.
# This is how far it is after ten steps, when it has looked at 14,370 images:

# %%
patient = networks.SoftmaxRegression(64, 10)
descent = optimizers.SGD(patient.params, lr=2.0)
for _ in range(10):
    loss, gradient = patient.loss_and_gradient(X, y)
    descent.step(gradient)
print(f"loss {patient.loss(X, y):.2f}, from {np.log(10):.2f} at the start; "
      f"test accuracy {patient.accuracy(digits.X_test, digits.y_test):.0%}")

# %% [markdown]
# On the way, but far from done: the loss is the mean of $-\log p$, so at 0.73 the geometric mean of the right digits'
# probabilities is $e^{-0.73} = 48\,\%$. Well, ten steps are not many. But think of what *one* costs when the data set
# is large. Suppose there were $m = 5{,}000{,}000$ images, in the resolution of the classic MNIST set (784 pixels). The
# next cell times one gradient on a few thousand such images and scales it up.

# %% tags=["nbval-ignore-output"]
many = np.random.default_rng(0).random((4000, 784))
labels = np.arange(4000) % 10
large = networks.SoftmaxRegression(784, 10)
times = []
for _ in range(5):
    start = perf_counter()
    large.loss_and_gradient(many, labels)
    times.append(perf_counter() - start)
per_image = np.median(times) / 4000
print(f"one step on 5,000,000 images: about {per_image * 5e6:.0f} seconds on this computer, "
      f"and {5e6 * 784 * 8 / 1e9:.0f} GB of memory for X")

# %% [markdown]
# And that is one step of a *linear* model; a large deep network would need hours. All that work is spent at one point:
# however carefully you measure the slope there, you then take a single step.
#
# > **This week's question.** Do you have to look at all the examples before you may move?

# %% [markdown]
# ## 2 · The words
#
# Cut the data into **mini-batches** of $B$ examples, and make one step for each:
#
# $$X = \big[\,X^{\{1\}};\ X^{\{2\}};\ \dots;\ X^{\{T\}}\,\big],\qquad
# y = \big[\,y^{\{1\}};\ y^{\{2\}};\ \dots;\ y^{\{T\}}\,\big].$$
#
# $X$ has shape $(m, n)$: examples are rows. (The lectures that made this notation popular put examples in columns.)
# $X^{\{t\}}$ has shape $(B, n)$ and $y^{\{t\}}$ has shape $(B,)$. The braces keep mini-batch $t$ apart from example
# $i$.
#
# | word | what it counts | with m = 5,000,000 and B = 1,000 |
# |:--|:--|:--|
# | **batch size** $B$ | examples in one mini-batch | 1,000 |
# | **iteration**, or **update** | one gradient, one step | one per mini-batch |
# | **epoch** | one pass over all the data | 5,000 iterations |
#
# Three names for one algorithm:
#
# - $B = m$: **batch** gradient descent (also *full-batch*), one step per epoch;
# - $B = 1$: **stochastic** gradient descent in the narrow sense, $m$ steps per epoch;
# - in between: **mini-batch** gradient descent. In papers and in PyTorch "SGD" means any of the three.
#
# When $B$ does not divide $m$, the last mini-batch of an epoch is simply shorter. Here it is not thrown away.

# %% [markdown]
# ### Exercise 1 · `steps_per_epoch` (2 points)

# %% nbgrader={"grade": false, "grade_id": "steps_per_epoch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def steps_per_epoch(m, batch_size):
    """Count the updates in one epoch.

    Parameters
    ----------
    m : int
        Number of examples, at least 1.
    batch_size : int
        Examples per mini-batch, at least 1; may be larger than m.

    Returns
    -------
    int
        Number of mini-batches, a shorter last one included. An `int`, no float: `range` will want it.

    Examples
    --------
    >>> steps_per_epoch(5_000_000, 1000)
    5000
    >>> steps_per_epoch(10, 4)
    3
    """
    ### BEGIN SOLUTION
    return math.ceil(m / batch_size)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_steps_per_epoch", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check(steps_per_epoch)
### BEGIN HIDDEN TESTS
check(steps_per_epoch, seed=4711)
### END HIDDEN TESTS

# %% [markdown]
# ## 3 · Predict, then run
#
# We train the same classifier twice, from the same start. Both runs look at the same number of images: ten passes over
# the data. One run uses the full batch: 10 steps. The other uses mini-batches of 64: 23 steps a pass, 230 in all, each
# along a gradient that at most 64 images voted on. Each gets, out of a list, the learning rate at which its loss is
# lowest on average along the way.
#
# After those ten passes, whose loss on all the training data is lower?
#
# - `"a"`: the full batch's, because its gradients are exact
# - `"b"`: the mini-batches'
# - `"c"`: about the same, because both have seen the same images equally often

# %% nbgrader={"grade": false, "grade_id": "prediction_race", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_race = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_race = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_race", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_race=prediction_race)

# %%
rates = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]


def train_once(batch_size, lr, epochs, seed, **options):
    """Train a fresh classifier on the digits; return its history."""
    network = networks.SoftmaxRegression(64, 10)
    descent = optimizers.SGD(network.params, lr=lr)
    rng = np.random.default_rng(seed)
    return training.train(network, descent, X, y, batch_size=batch_size, epochs=epochs, rng=rng, **options)


def best_rate(batch_size, epochs):
    """Return the rate with the lowest loss on average along the way, in the worst of three seeds."""
    scores = [
        max(np.mean(train_once(batch_size, lr, epochs, seed, evaluate_every=1).loss) for seed in range(3))
        for lr in rates
    ]
    return rates[int(np.argmin(scores))]


race = {}
for B in (m, 64):
    lr = best_rate(B, epochs=10)
    race[B] = [train_once(B, lr, 10, seed, evaluate_every=1) for seed in range(5)]
    final = [run.loss[-1] for run in race[B]]
    print(f"B = {B:5,}: lr {lr:g}, {race[B][0].updates[-1]:3} updates, "
          f"final loss {min(final):.2f} to {max(final):.2f}")

# %% [markdown]
# The same runs drawn twice, against the passes over the data and against the updates (line: median of five seeds,
# shaded: their range):

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.5), sharey=True)
for index, (B, name) in enumerate([(m, "full batch"), (64, "mini-batches of 64")]):
    loss = np.array([run.loss for run in race[B]])
    dots = {"label": name, "index": index, "marker": "o" if B == m else ""}
    plotting.band(left, np.array(race[B][0].examples) / m, loss, **dots)
    plotting.band(right, race[B][0].updates, loss, **dots)
left.set(xlabel="passes over the data", ylabel="loss on all training data", ylim=(0, 3))
left.set_title("per example seen")
right.set(xlabel="updates", title="per update", xlim=(0, 40))
left.legend()
plotting.show(
    figure,
    "Two panels of training loss. Against examples seen, mini-batches of 64 fall far "
    "below the full batch within the first pass. Against updates, the full batch is a few "
    "steps ahead and perfectly smooth, where mini-batches jump about.",
)

# %%
settle(prediction_race=prediction_race)

# %% [markdown]
# On the right, step for step, the exact gradient does better, as it should: its curve is lower, and perfectly smooth.
# But it is no more than a few steps ahead. On the left, per image looked at, there is no contest: one of its steps
# costs a whole pass, in which they make 23.
#
# That is the answer to the week's question. You may move long before you have seen everything. The rest of the week
# makes it precise: how to cut the data, what the gradient of a mini-batch is, how noisy it is, and how large $B$
# should be.

# %% [markdown]
# ## 4 · Cutting the data
#
# Why shuffle? Because real files are often sorted, and a sorted file makes one-sided batches. Let us see. The same
# digits, the same 23 updates an epoch, but one run takes them in the order of their labels: first only zeros, then
# only ones, and so on. The other shuffles them anew for each epoch.

# %%
def train_in_order(orders):
    """Train on batches of 64, one epoch in each order; return the loss on all data after each update."""
    network = networks.SoftmaxRegression(64, 10)
    descent = optimizers.SGD(network.params, lr=0.5)
    losses = [network.loss(X, y)]
    for order in orders:
        for start in range(0, m, 64):
            rows = order[start : start + 64]
            descent.step(network.loss_and_gradient(X[rows], y[rows])[1])
            losses.append(network.loss(X, y))
    return losses


rng = np.random.default_rng(0)
by_label = train_in_order([np.argsort(y, kind="stable")] * 3)
shuffled = train_in_order([rng.permutation(m) for _ in range(3)])

figure, ax = plt.subplots()
updates = range(len(by_label))
plotting.lines(ax, {"sorted by label": (updates, by_label), "shuffled": (updates, shuffled)})
for end_of_epoch in (23, 46):
    ax.axvline(end_of_epoch, color="#999999", linewidth=1)
ax.set(xlabel="updates (grey lines: a new epoch)", ylabel="loss on all training data", ylim=(0, 6))
ax.legend(loc="upper right")
plotting.show(
    figure,
    "Loss against updates over three epochs. With shuffled data it falls smoothly from 2.3 "
    "to about 0.5. With data sorted by label it jumps up and down, stays above its start "
    "throughout the first epoch, up to 5.5, and is still near 2 after the third.",
)

# %% [markdown]
# A sorted batch holds one digit, or two. It teaches one thing only: "the answer is always 3". A few updates later it is
# "always 4". The network swings from one to the other. So: shuffle, and shuffle anew each epoch, so that no batch comes
# back as it was.
#
# Shuffle *row numbers*, not the data. One list of row numbers serves `X` and `y` alike, so every image keeps its
# label, and the caller's arrays stay as they were.

# %% [markdown]
# ### Exercise 2 · `iterate_minibatches` (4 points)
#
# Write a generator: a function that hands out batches with `yield`, one at a time. Randomness comes only from the
# generator object `rng` that is passed in (its methods `permutation`, `shuffle`, … are the ones you know from
# `np.random`). That way a run can be repeated exactly.

# %% nbgrader={"grade": false, "grade_id": "iterate_minibatches", "locked": false, "schema_version": 3, "solution": true, "task": false}
def iterate_minibatches(X, y, *, batch_size, rng):
    """Yield the mini-batches of one epoch, every example once, in random order.

    Parameters
    ----------
    X : ndarray of shape (m, n)
        Examples, one per row, m >= 1. Must not be changed.
    y : ndarray of int, shape (m,)
        Their labels. Must not be changed.
    batch_size : int
        Examples per batch, at least 1; may be larger than m. Every batch but the last has as many. The last is
        shorter where batch_size does not divide m, and never empty.
    rng : numpy.random.Generator
        The only source of the order. Equal generators give the same order; a second call with the same rng, which
        has moved on, gives another.

    Yields
    ------
    X_batch : ndarray of shape (B, n)
        Rows of X as they are.
    y_batch : ndarray of int, shape (B,)
        Their labels. They go on to index, so they stay `int`.

    Examples
    --------
    >>> X, y = np.arange(10).reshape(5, 2), np.arange(5)
    >>> batches = iterate_minibatches(X, y, batch_size=2, rng=np.random.default_rng(0))
    >>> [len(y_batch) for X_batch, y_batch in batches]
    [2, 2, 1]
    """
    ### BEGIN SOLUTION
    order = rng.permutation(len(X))
    for start in range(0, len(X), batch_size):
        batch = order[start : start + batch_size]
        yield X[batch], y[batch]
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_iterate_minibatches", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(iterate_minibatches)
### BEGIN HIDDEN TESTS
check(iterate_minibatches, seed=90210)
### END HIDDEN TESTS

# %% [markdown]
# Put it to work: the labels of the first mini-batches, cut from the digits. Every batch should look like the whole, in
# small. (`plug_in` returns your function if its check is right, and otherwise the course's, so that the page goes on.)

# %%
batches = plug_in(iterate_minibatches)
first_epoch = list(batches(X, y, batch_size=64, rng=np.random.default_rng(1)))
counts = np.array([np.bincount(y_batch, minlength=10) for _, y_batch in first_epoch])
print(f"{len(first_epoch)} batches, sizes {len(first_epoch[0][0])} … {len(first_epoch[-1][0])}")
print("in all batches together, images per digit:", *counts.sum(axis=0))
print("in the data:                              ", *np.bincount(y))

# %% [markdown]
# ## 5 · The loss of a mini-batch
#
# For one image $x$ (a row of $n$ pixels) the classifier computes $k$ scores and their softmax,
#
# $$z = xW + b,\qquad p_j = \frac{e^{z_j}}{\sum_{l} e^{z_l}},\qquad \ell = -\log p_{y},$$
#
# with weights $W$ of shape $(n, k)$ and biases $b$ of shape $(k,)$. The cost of a mini-batch is the **mean** over its
# $B$ examples, plus the L2 penalty on the weights:
#
# $$J^{\{t\}} = \frac1B \sum_{i=1}^{B} \ell_i + \frac{\lambda}{2}\,\lVert W\rVert_F^2,
# \qquad \lVert W\rVert_F^2 = \sum_{a,c} W_{ac}^2 .$$
#
# Two things to notice. It is a mean over $B$, not over $m$: a mini-batch only knows its own examples. And the bias is
# not penalised: it shifts the scores of all images alike, so there is little in it that could over-fit.
#
# *A convention.* The lectures write the penalty as $\frac{\lambda}{2B}\lVert W\rVert_F^2$. Then the same $\lambda$
# means less and less as batches grow. We keep $\frac{\lambda}{2}$ (in code `l2 / 2`), as PyTorch's `weight_decay`
# does, so that changing the batch size changes nothing else.
#
# **The gradient.** Week 00 derived, for one image, "the probability given, minus the probability that would have been
# right", and the chain rule from there to $W$ and $b$. Three things are new here: the mean runs over the batch, the
# penalty has a gradient of its own, and the loss is wanted along with the gradient. (Scores may be large:
# `networks.log_softmax` is the stable logarithm of the softmax that you wrote in week 00.)

# %% [markdown]
# ### Exercise 3 · `minibatch_loss_and_gradient` (4 points)

# %% nbgrader={"grade": false, "grade_id": "minibatch_loss_and_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
from course_lib.networks import log_softmax


def minibatch_loss_and_gradient(w, b, X, y, *, l2):
    """Loss of softmax regression on one mini-batch, and its gradient.

    Parameters
    ----------
    w : ndarray of shape (n, k)
        Weights.
    b : ndarray of shape (k,)
        Biases.
    X : ndarray of shape (B, n)
        The batch's examples, B >= 1.
    y : ndarray of int, shape (B,)
        Their classes, 0 to k - 1.
    l2 : float
        Strength of the penalty l2 / 2 * (sum of all w squared); may be 0.

    Returns
    -------
    loss : float
        Mean cross-entropy over the batch, plus the penalty.
    dw : ndarray of shape (n, k)
        Gradient of this loss with respect to w.
    db : ndarray of shape (k,)
        Gradient with respect to b, which has no penalty.

    Notes
    -----
    Scores in the hundreds are allowed: loss and gradient stay finite and exact. No argument is changed.

    Examples
    --------
    >>> w, b = np.zeros((2, 2)), np.zeros(2)
    >>> loss, dw, db = minibatch_loss_and_gradient(w, b, np.array([[1.0, 3.0]]), np.array([0]), l2=0.1)
    >>> round(float(loss), 4), dw.tolist(), db.tolist()
    (0.6931, [[-0.5, 0.5], [-1.5, 1.5]], [-0.5, 0.5])
    """
    ### BEGIN SOLUTION
    rows = np.arange(len(X))
    log_p = log_softmax(X @ w + b)
    loss = -log_p[rows, y].mean() + l2 / 2 * np.sum(w**2)
    dz = np.exp(log_p)
    dz[rows, y] -= 1
    dz /= len(X)
    return loss, X.T @ dz + l2 * w, dz.sum(axis=0)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_minibatch_loss_and_gradient", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(minibatch_loss_and_gradient)
### BEGIN HIDDEN TESTS
check(minibatch_loss_and_gradient, seed=1729)
### END HIDDEN TESTS

# %% [markdown]
# A gradient can be checked without knowing the formula: nudge one parameter by $\pm h$ and see how much the loss
# changes. Five parameters, on five real digits:

# %%
loss_and_gradient = plug_in(minibatch_loss_and_gradient)
rng = np.random.default_rng(2)
w, b = 0.1 * rng.normal(size=(64, 10)), np.zeros(10)
_, dw, _ = loss_and_gradient(w, b, X[:5], y[:5], l2=0.01)
h = 1e-5
for a, c in [(20, 0), (28, 3), (36, 9), (43, 5), (60, 1)]:
    nudge = np.zeros_like(w)
    nudge[a, c] = h
    up, down = (loss_and_gradient(w + sign * nudge, b, X[:5], y[:5], l2=0.01)[0] for sign in (1, -1))
    print(f"dw[{a}, {c}]: formula {dw[a, c]:+.6f}, measured {(up - down) / (2 * h):+.6f}")

# %% [markdown]
# ## 6 · One epoch
#
# The algorithm, in words:
#
# > **for** each mini-batch $X^{\{t\}}, y^{\{t\}}$ of a fresh shuffle:
# > compute the loss and its gradient **at the current parameters**;
# > move the parameters against the gradient by the learning rate $\alpha$ (`lr`).
#
# And while we are there: the losses computed on the way are free. Their mean over the epoch's $m$ examples is what
# training logs usually show as "train loss". Mind the short last batch: the loss of 29 images must not count as
# much as the loss of 64.

# %% [markdown]
# ### Exercise 4 · `train_epoch` (4 points)
#
# Take the batches from `course_minibatches` and the gradients from `softmax_regression_loss_and_gradient`, imported
# below. They are the course's versions of exercises 2 and 3, so a slip there cannot cost you here.

# %% nbgrader={"grade": false, "grade_id": "train_epoch", "locked": false, "schema_version": 3, "solution": true, "task": false}
from course_lib.minibatch import iterate_minibatches as course_minibatches
from course_lib.networks import softmax_regression_loss_and_gradient


def train_epoch(w, b, X, y, *, batch_size, lr, l2, rng):
    """Train softmax regression for one epoch of mini-batches.

    Parameters
    ----------
    w : ndarray of shape (n, k)
        Weights at the start.
    b : ndarray of shape (k,)
        Biases at the start.
    X : ndarray of shape (m, n)
        Training examples, m >= 1.
    y : ndarray of int, shape (m,)
        Their classes, 0 to k - 1.
    batch_size : int
        Examples per batch, at least 1; may be larger than m. A short last batch makes a step like the others.
    lr : float
        Learning rate.
    l2 : float
        Strength of the penalty, as in exercise 3.
    rng : numpy.random.Generator
        Pass it on, once, to course_minibatches(X, y, batch_size=batch_size, rng=rng).

    Returns
    -------
    w : ndarray of shape (n, k)
        Weights after the epoch.
    b : ndarray of shape (k,)
        Biases after the epoch.
    mean_loss : float
        Mean over the m examples of the loss (with its penalty) that each one's batch had just before its update.

    Notes
    -----
    w, b, X and y are not changed.

    Examples
    --------
    >>> X, y = np.array([[1.0], [-1.0], [2.0]]), np.array([0, 1, 0])
    >>> w, b, mean_loss = train_epoch(np.zeros((1, 2)), np.zeros(2), X, y,
    ...                               batch_size=3, lr=1.0, l2=0.0, rng=np.random.default_rng(0))
    >>> w.round(3).tolist(), round(mean_loss, 4)
    ([[0.667, -0.667]], 0.6931)
    """
    ### BEGIN SOLUTION
    total = 0.0
    for X_batch, y_batch in course_minibatches(X, y, batch_size=batch_size, rng=rng):
        loss, dw, db = softmax_regression_loss_and_gradient(w, b, X_batch, y_batch, l2=l2)
        w = w - lr * dw
        b = b - lr * db
        total += loss * len(X_batch)
    return w, b, total / len(X)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_train_epoch", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(train_epoch)
### BEGIN HIDDEN TESTS
check(train_epoch, seed=31337)
### END HIDDEN TESTS

# %% [markdown]
# Now train on the real thing, with your own epoch:

# %%
one_epoch = plug_in(train_epoch)
rng = np.random.default_rng(3)
w, b = np.zeros((64, 10)), np.zeros(10)
for epoch in range(1, 11):
    w, b, mean_loss = one_epoch(w, b, X, y, batch_size=64, lr=0.5, l2=1e-4, rng=rng)
    if epoch in (1, 2, 5, 10):
        guesses = np.argmax(digits.X_test @ w + b, axis=1)
        accuracy = np.mean(guesses == digits.y_test)
        print(f"epoch {epoch:2}: mean loss {mean_loss:.2f}, test accuracy {accuracy:.0%}")

# %%
wrong = np.flatnonzero(guesses != digits.y_test)[:10]
titles = [f"{digits.y_test[i]}, not {guesses[i]}" for i in wrong]
figure = plotting.image_grid(digits.X_test[wrong], titles, digits.shape)
plotting.show(
    figure,
    f"{len(wrong)} test digits that the trained classifier gets wrong, each titled with "
    "its label and the guess. Some are hard to read for people as well, others are clear.",
)

# %% [markdown]
# Ten epochs of your few lines: nineteen out of twenty digits that it has never seen. Look at the ones that it gets
# wrong: some are a hard call for you as well.
#
# How fast is it? Your epoch beside the course's training loop, which keeps all parameters in one array and updates
# it in place (its updates alone: the loop measures the loss as well, and does not count that):

# %% tags=["nbval-ignore-output"]
def seconds_here():
    """Time one epoch of your function."""
    w, b, rng = np.zeros((64, 10)), np.zeros(10), np.random.default_rng(0)
    start = perf_counter()
    one_epoch(w, b, X, y, batch_size=64, lr=0.5, l2=1e-4, rng=rng)
    return perf_counter() - start


def seconds_course():
    """Time the updates of one epoch of the course's loop."""
    network = networks.SoftmaxRegression(64, 10, l2=1e-4)
    descent, rng = optimizers.SGD(network.params, lr=0.5), np.random.default_rng(0)
    return training.train(network, descent, X, y, batch_size=64, epochs=1, rng=rng).seconds[-1]


here, course = (np.median([measure() for _ in range(20)]) for measure in (seconds_here, seconds_course))
print(f"one epoch of 23 updates: {here * 1e3:.1f} ms here, {course * 1e3:.1f} ms in the course's loop")

# %% [markdown]
# ## 7 · How wrong is the gradient of a mini-batch?
#
# Fix the parameters. Let $g_i$ be the gradient of example $i$'s loss, $g = \frac1m\sum_i g_i$ the full gradient,
# and $g_S = \frac1B\sum_{i\in S} g_i$ the gradient of a mini-batch $S$ of $B$ examples drawn without replacement.
# (The penalty adds the same to every gradient, so it can be left out here.)
#
# **It is right on average.** Every example is in the batch with the same probability $B/m$. So
#
# $$\mathbb E[g_S] = \frac1B\sum_{i=1}^m \frac{B}{m}\, g_i = g .$$
#
# The gradient of a mini-batch is an **unbiased** estimate of the full gradient: wrong on each occasion, but its errors
# cancel on average.
#
# **How far off is it?** Write $d_i = g_i - g$, and $\sigma^2 = \frac1m\sum_i\lVert d_i\rVert^2$ for the spread of
# single examples. Let $m \ge 2$. A pair $i \ne j$ is in the batch with probability $\frac{B(B-1)}{m(m-1)}$. So
#
# $$\mathbb E\,\lVert g_S - g\rVert^2
# = \frac1{B^2}\Big[\frac Bm\sum_i \lVert d_i\rVert^2 + \frac{B(B-1)}{m(m-1)}\sum_{i\neq j} d_i\cdot d_j\Big].$$
#
# The $d_i$ sum to zero, hence
# $0 = \lVert\sum_i d_i\rVert^2 = \sum_i\lVert d_i\rVert^2 + \sum_{i\ne j} d_i\cdot d_j$. The second sum is
# therefore $-m\sigma^2$, and
#
# $$\boxed{\ \mathbb E\,\lVert g_S - g\rVert^2 = \frac{\sigma^2}{B}\cdot\frac{m-B}{m-1}\ }$$
#
# For $B \ll m$ the second factor is nearly 1. For $B = m$ it is 0: the full batch leaves nothing to chance.

# %% [markdown]
# **Predict.** You go from mini-batches of 16 to mini-batches of 64. What happens to the *squared* distance between the
# mini-batch's gradient and the full one, on average?
#
# - `"a"`: it stays as it was, because the gradient is unbiased for every batch size
# - `"b"`: it halves
# - `"c"`: it falls to a quarter
# - `"d"`: it falls to a sixteenth

# %% nbgrader={"grade": false, "grade_id": "prediction_noise", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_noise = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
prediction_noise = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_noise", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_noise=prediction_noise)

# %% [markdown]
# To measure it, take all mini-batches of an epoch *at fixed parameters*: $T$ gradients with $p$ entries each, from
# batches of $B_1, \dots, B_T$ examples. As always, the last batch may be short, so a batch counts by the examples
# that it speaks for. Weighted like that, the mean over the epoch is exactly the full gradient $g$. (Can you see why?)
#
# And the short batch is noisier than the others, so the whole epoch lies a little above the formula for $B$. Weighted
# by $B_t/m$, the formula gives
#
# $$\sum_{t=1}^{T} \frac{B_t}{m}\cdot\frac{\sigma^2}{B_t}\cdot\frac{m-B_t}{m-1}
# = \frac{\sigma^2}{m\,(m-1)}\,(Tm - m) = \sigma^2\,\frac{T-1}{m-1}.$$
#
# That is the same number where $B$ divides $m$, and slightly more where it does not.

# %% [markdown]
# ### Exercise 5 · `gradient_noise` (3 points)

# %% nbgrader={"grade": false, "grade_id": "gradient_noise", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gradient_noise(gradients, batch_sizes):
    """Mean of an epoch's mini-batch gradients, and how far they scatter around it.

    Parameters
    ----------
    gradients : ndarray of shape (T, p)
        One mini-batch's gradient per row, all at the same parameters; T >= 1.
    batch_sizes : ndarray of int, shape (T,)
        Number of examples in each batch, at least 1. The sizes may all differ. A batch counts in proportion to its
        size, in both results.

    Returns
    -------
    mean : ndarray of shape (p,)
        Mean gradient.
    variance : float
        Mean squared (Euclidean) distance of the batches' gradients from `mean`; 0 for a single batch.
        It keeps its digits where the gradients are large beside their scatter.

    Notes
    -----
    No argument is changed.

    Examples
    --------
    >>> mean, variance = gradient_noise(np.array([[0.0, 1.0], [4.0, 1.0]]), np.array([3, 1]))
    >>> mean.tolist(), float(variance)
    ([1.0, 1.0], 3.0)
    """
    ### BEGIN SOLUTION
    weights = batch_sizes / np.sum(batch_sizes)
    mean = weights @ gradients
    variance = weights @ np.sum((gradients - mean) ** 2, axis=1)
    return mean, variance
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_gradient_noise", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(gradient_noise)
### BEGIN HIDDEN TESTS
check(gradient_noise, seed=65537)
### END HIDDEN TESTS

# %%
measure_noise = plug_in(gradient_noise)

network = networks.SoftmaxRegression(64, 10)  # half-way: trained for one epoch, then held fixed
descent = optimizers.SGD(network.params, lr=0.5)
training.train(network, descent, X, y, batch_size=64, epochs=1, rng=np.random.default_rng(4))


def noise_at(batch_size, rng):
    """Measure the gradient noise of one epoch's batches at the network's parameters."""
    gradients, sizes = [], []
    for X_batch, y_batch in minibatch.iterate_minibatches(X, y, batch_size=batch_size, rng=rng):
        gradients.append(network.loss_and_gradient(X_batch, y_batch)[1].copy())
        sizes.append(len(X_batch))
    return measure_noise(np.array(gradients), np.array(sizes))[1]


rng = np.random.default_rng(5)
sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 479, 719]  # the last two: a third and a half of the data
measured = np.array([[noise_at(B, rng) for B in sizes] for _ in range(20)])
theory = [minibatch.expected_gradient_noise(measured[0, 0], m, B) for B in sizes]
for column in (4, 6, 8):
    B, spread = sizes[column], measured[:, column].mean()
    T = minibatch.steps_per_epoch(m, B)
    print(f"B = {B:3}: measured {spread:.4f}, theory {theory[column]:.4f}, "
          f"with the short last batch {measured[0, 0] * (T - 1) / (m - 1):.4f}")
full_gradient = network.loss_and_gradient(X, y)[1]
print(f"the full gradient's own squared length: {np.sum(full_gradient**2):.4f}")

# %% [markdown]
# All batch sizes, with theory (the boxed formula) and with its first factor alone:

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
plotting.band(ax, sizes, measured, label="measured (20 epochs: median, range)", marker="o")
plotting.lines(ax, {"theory": (sizes, theory)}, first=1)
plotting.lines(ax, {"σ²/B alone": (sizes, measured[0, 0] / np.array(sizes))}, first=2)
ax.set(xscale="log", yscale="log", xlabel="batch size B", ylabel="mean squared distance\nfrom the full gradient")
ax.legend()
plotting.show(
    figure,
    "Mean squared distance against batch size on logarithmic axes: a straight line of slope "
    "minus one from 1 to about 100 examples, on which measurement and theory lie. Beyond, "
    "both bend below the line sigma squared over B, to half of it at half the data. There "
    "the measurements scatter widely and their median is a little below theory.",
)

# %%
settle(prediction_noise=prediction_noise)

# %% [markdown]
# Measurement and theory agree within the measurement's scatter, once the short last batch is counted.
#
# Averaging $B$ examples divides the *squared* distance by $B$, and the distance falls only like $1/\sqrt B$. Here is
# the bargain: a batch of 64 instead of 16 costs four times the work and brings the distance down to half. The first
# few examples are worth a lot, the thousandth next to nothing.
#
# And look at the last line printed. At $B = 64$ a gradient is typically wrong by more than the whole length of the full
# one, and section 3 trained with such gradients. The errors of many steps cancel in part; the direction that they share
# adds up.

# %% [markdown]
# ## 8 · Choosing the batch size
#
# A small batch gives many cheap, noisy steps; a large one few dear, clean ones. Which gets you there first?
# Measure. The target: a training loss of 0.15, about where section 3's mini-batches ended. For seven batch sizes from 1
# to $m$ we look for each one's best learning rate (by the passes that it needs, with a seed of its own), then run it
# with five more seeds and count passes, updates and milliseconds.
#
# **Predict.** Which batch size reaches the target in the least *time* on your computer?
#
# - `"a"`: 1, because it makes the most steps per pass
# - `"b"`: something in between
# - `"c"`: all 1,437, because large matrix products use the processor best

# %% nbgrader={"grade": false, "grade_id": "prediction_time", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_time = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_time = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_time", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_time=prediction_time)

# %%
def to_target(batch_size, lr, seed):
    """Train until the loss is 0.15, for 60 passes or 6,000 updates at most."""
    epochs = min(60, 6000 * batch_size // m + 1)
    look = max(1, m // batch_size // 10)
    return train_once(batch_size, lr, epochs, seed, evaluate_every=look, target_loss=0.15)


def passes(run):
    """Return how many passes over the data a run took to the target."""
    return run.examples[-1] / m if run.reached else np.inf


batch_sizes = [1, 4, 16, 64, 256, 719, m]  # 719, not 718: why? (see below)
tuned = {}
for B in batch_sizes:
    tries = [passes(to_target(B, lr, seed=0)) for lr in rates]
    tuned[B] = rates[int(np.argmin(tries))]
runs = {B: [to_target(B, tuned[B], seed) for seed in range(1, 6)] for B in batch_sizes}
for B in batch_sizes:
    print(f"B = {B:5,}: lr {tuned[B]:4g}, passes {np.median([passes(run) for run in runs[B]]):5.1f}")

# %% tags=["nbval-ignore-output"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.3))
panels = [
    ("passes over the data", lambda run: run.examples[-1] / m),
    ("updates", lambda run: run.updates[-1]),
    ("milliseconds", lambda run: run.seconds[-1] * 1e3),
]
for index, (ax, (name, value)) in enumerate(zip(axes, panels)):
    values = np.array([[value(run) for run in runs[B]] for B in batch_sizes]).T
    plotting.band(ax, batch_sizes, values, label=name, index=index, marker="o")
    ax.set(xscale="log", yscale="log", xlabel="batch size B", title=f"{name} to the target")
plotting.show(
    figure,
    "Three panels against batch size on logarithmic axes. Passes to the target are few up "
    "to about 16 and rise steeply above. Updates fall up to about 256 and then level off. "
    "Time is U-shaped: dear at both ends, cheapest in between.",
)

# %%
settle(prediction_time=prediction_time)

# %% [markdown]
# - **Passes**: up to about 16 examples, halving the batch saves nothing any more; beyond, larger batches cost passes.
# - **Updates**: beyond about 256, cleaner gradients save no more steps. You pay for precision that you cannot use.
# - **Time** combines them with the cost of one update, which is nearly flat for small batches (NumPy's overhead) and
#   proportional to $B$ for large ones. Hence the U.
#
# And why 719? Because $1437 = 2\cdot718 + 1$. In batches of 718, a third batch would hold *one* image, and step along
# the noisiest gradient there is, at the rate that suits the other two. (Try it: change 719 to 718, and the table says
# `inf`, for most runs do not get there in 60 passes.) That is why some people drop the last batch; a size that leaves no
# tiny remainder is the gentler cure.
#
# Where the bottom of the U lies depends on data, model and machine. What people use in practice:
#
# | | |
# |:--|:--|
# | very small data sets (the lectures say $m \le 2{,}000$) | the full batch is quick enough not to care |
# | otherwise | 64, 128, 256, 512 are common; start there and measure |
# | upper limit | the batch, and all that is computed from it, must fit in CPU or GPU memory |
# | when $B$ changes | find the learning rate again: small batches need smaller rates (see the table above) |

# %% [markdown]
# ## 9 · Claims to test
#
# The following sentences circulate in lecture notes. As in week 00: run the experiments, then decide `"true"`,
# `"false"` or `"depends"`.

# %% [markdown]
# **Claim 1.** *"With 5,000,000 examples in mini-batches of 1,000, one pass over the data is 5,000 epochs."*

# %% nbgrader={"grade": false, "grade_id": "claim_epochs", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_epochs = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_epochs = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_epochs", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_epochs=claim_epochs)

# %% [markdown]
# **Claim 2.** *"A batch size that is a power of two runs faster."* The time of one update, around 64 and around 256:

# %% tags=["nbval-ignore-output"]
candidates = [*range(56, 73), *range(248, 265)]
network = networks.SoftmaxRegression(64, 10)
times = np.full((40, len(candidates)), np.nan)
for repeat in range(len(times)):
    for column in np.random.default_rng(repeat).permutation(len(candidates)):
        X_batch, y_batch = X[: candidates[column]], y[: candidates[column]]
        start = perf_counter()
        for _ in range(10):
            network.loss_and_gradient(X_batch, y_batch)
        times[repeat, column] = perf_counter() - start
per_example = np.median(times, axis=0) / 10 / np.array(candidates) * 1e6

figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.2))
for ax, middle in zip(axes, (64, 256)):
    near = np.abs(np.array(candidates) - middle) <= 8
    ax.plot(np.array(candidates)[near], per_example[near], "o-")
    ax.axvline(middle, color="#999999", linewidth=1)
    ax.set(xlabel=f"batch size (grey: {middle})", ylabel="microseconds per example", ylim=(0, None))
plotting.show(
    figure,
    "Time per example for batch sizes around 64 and around 256. Judge for yourself "
    "whether the powers of two, marked by grey lines, stand out from their neighbours.",
)

# %% nbgrader={"grade": false, "grade_id": "claim_powers_of_two", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_powers_of_two = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_powers_of_two = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_powers_of_two", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_powers_of_two=claim_powers_of_two)

# %% [markdown]
# **Claim 3.** *"With the full batch, the loss falls at every step."*
#
# A bound from calculus: if the loss bends upwards by at most $L$ in every direction, then a step of rate $\alpha$
# against the gradient $g$ gives
#
# $$J(w - \alpha g) \le J(w) - \alpha\Big(1 - \frac{\alpha L}{2}\Big)\lVert g\rVert^2 .$$
#
# The bracket is positive exactly when $\alpha < 2/L$; then each step lowers the loss, until $g = 0$. For our
# classifier, $L$ has a bound that can be computed. Below, one run under $2/L$ and one well above:

# %%
L = networks.SoftmaxRegression(64, 10).largest_curvature(X)
print(f"L is at most {L:.2f}, so 2/L is at least {2 / L:.2f}")
careful, bold = (train_once(m, lr, epochs=60, seed=0) for lr in (0.3, 6.0))
for name, run in [("lr 0.3", careful), ("lr 6.0", bold)]:
    rose = np.sum(np.diff(run.loss) > 0)
    print(f"{name}: the loss rose in {rose} of 60 steps, final loss {run.loss[-1]:.2f}")

figure, ax = plt.subplots()
plotting.lines(ax, {"lr 0.3, below 2/L": (careful.updates, careful.loss)})
plotting.lines(ax, {"lr 6.0": (bold.updates, bold.loss)}, first=1)
ax.set(xlabel="full-batch updates", ylabel="loss", ylim=(0, 4))
ax.legend()
plotting.show(
    figure,
    "Loss of full-batch gradient descent over 60 steps. At rate 0.3 it falls at each step, "
    "slowly, to 0.8. At rate 6 it leaps up, out of the frame, and down, is at 0.2 after 18, "
    "wobbles once more around step 35 and ends far lower, near 0.1.",
)

# %% [markdown]
# (Look at where the two end up. The bound $2/L$ is about the worst place and the worst direction; it is safe, not
# fast.)

# %% nbgrader={"grade": false, "grade_id": "claim_every_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_every_step = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_every_step = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_every_step", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_every_step=claim_every_step)

# %% [markdown]
# **Claim 4.** *"Mini-batch gradient descent never converges: it wanders about the minimum for ever."*
#
# With an L2 penalty the loss has one lowest value $J^*$ and no other valley. We find it to many digits with L-BFGS, a
# method for exact gradients that learns the curvature on the way. Then we watch how far above it mini-batches of 16
# stay, at two constant learning rates and at one that falls ($t$ counts updates):

# %%
from scipy.optimize import minimize

penalised = networks.SoftmaxRegression(64, 10, l2=1e-2)


def loss_at(params):
    penalised.params[:] = params
    loss, gradient = penalised.loss_and_gradient(X, y)
    return loss, gradient.copy()


found = minimize(loss_at, np.zeros(650), jac=True, method="L-BFGS-B",
                 options={"maxiter": 2000, "ftol": 1e-15})
lowest = found.fun
print(f"lowest possible loss, with the penalty: {lowest:.4f}")

# %%
above = {}
candidates = {
    "constant, 0.5": 0.5,
    "constant, 0.1": 0.1,
    "falling, 0.5 / (1 + t/500)": lambda t: 0.5 / (1 + t / 500),
}
for name, lr in candidates.items():
    network = networks.SoftmaxRegression(64, 10, l2=1e-2)
    descent = optimizers.SGD(network.params, lr=lr)
    run = training.train(network, descent, X, y, batch_size=16, epochs=120, rng=np.random.default_rng(6))
    height = np.array(run.loss[1:]) - lowest
    above[name] = (np.array(run.examples[1:]) / m, height)
    print(f"{name:27} mean height in the last 20 epochs: {height[-20:].mean():.0e}")

figure, ax = plt.subplots()
plotting.lines(ax, above)
ax.set(xlabel="epochs", ylabel="loss minus its minimum", yscale="log")
ax.legend()
plotting.show(
    figure,
    "Height above the minimum on a logarithmic axis, over 120 epochs. At the constant rate "
    "0.5 the curve soon hovers around 0.02; at 0.1 it falls more slowly and hovers around "
    "0.002; with a falling rate it goes on falling, to 0.0004.",
)

# %% nbgrader={"grade": false, "grade_id": "claim_never_converges", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_never_converges = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_never_converges = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_never_converges", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_never_converges=claim_never_converges)

# %% [markdown]
# **Claim 5.** *"On a training set of 2,000 examples or fewer, mini-batches bring nothing."* You have the measurement
# already: section 8.

# %% nbgrader={"grade": false, "grade_id": "claim_small_sets", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_small_sets = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_small_sets = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_small_sets", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_small_sets=claim_small_sets)

# %% [markdown]
# ## 10 · Quiz
#
# **1.** Our $m = 1{,}437$ images, mini-batches of 64, ten epochs, the short last batch kept. How many updates?
#
# - `"a"` 220
# - `"b"` 225
# - `"c"` 230
# - `"d"` 14,370

# %% nbgrader={"grade": false, "grade_id": "quiz_updates", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_updates = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_updates = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_updates", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_updates=quiz_updates)

# %% [markdown]
# **2.** You want the typical *distance* between the mini-batch's gradient and the full gradient to be half of what
# it is. The batch, small beside $m$, must become larger by a factor of
#
# - `"a"` 2
# - `"b"` 4
# - `"c"` $\sqrt2$
# - `"d"` 16

# %% nbgrader={"grade": false, "grade_id": "quiz_noise", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_noise = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_noise = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_noise", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_noise=quiz_noise)

# %% [markdown]
# **3.** A data set is stored class by class. Somebody trains with mini-batches of 64 and forgets to shuffle.
#
# - `"a"` No harm: each example is still used once per epoch
# - `"b"` No harm: the steps of one epoch average out to the full gradient
# - `"c"` The batches become smaller
# - `"d"` Most steps pull towards a single class, and the loss on all data swings

# %% nbgrader={"grade": false, "grade_id": "quiz_sorted", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_sorted = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_sorted = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_sorted", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_sorted=quiz_sorted)

# %% [markdown]
# **4.** Five million images of 784 pixels, stored as float32 (4 bytes a number). How much memory does one mini-batch
# $X^{\{t\}}$ of 1,000 images take?
#
# - `"a"` 4 kB
# - `"b"` 0.8 MB
# - `"c"` 3.1 MB
# - `"d"` 15.7 GB

# %% nbgrader={"grade": false, "grade_id": "quiz_memory", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_memory = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_memory = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_memory", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_memory=quiz_memory)

# %% [markdown]
# **5.** During training, the loss of mini-batch 118 is higher than that of mini-batch 117. What does this single
# observation tell you?
#
# - `"a"` Nothing much
# - `"b"` The learning rate is too large
# - `"c"` The gradient has a bug
# - `"d"` The network over-fits

# %% nbgrader={"grade": false, "grade_id": "quiz_rise", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_rise = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_rise = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_rise", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_rise=quiz_rise)

# %% [markdown]
# ## 11 · In your own words (4 points)
#
# A colleague trains on 40 million examples and says: *"I always use the full batch. Its gradient is exact, so
# every step goes in the right direction."*
#
# Answer in five to eight sentences. One point for each of these:
#
# 1. what an exact gradient costs and what it buys, with a number from this week;
# 2. why a mini-batch's gradient may be trusted although it is wrong on every single occasion;
# 3. what keeps you from making the batch as small as possible, and how you would choose its size;
# 4. one situation in which the colleague is right.
#
# If you learn on your own: write it, sleep on it, then give yourself the points.

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection_week01", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A model answer.* Each of your steps looks at 40 million examples, and then moves once. On the digits, ten
# full-batch steps brought the loss from 2.30 to 0.73, while 230 steps on mini-batches of 64 brought it to 0.14
# with the same number of examples looked at. The gradient of a random mini-batch equals yours on average, because
# every example is equally likely to be in it. Its squared error falls like 1/B. At 64 it was still larger than the
# squared length of your gradient, 0.11 against 0.09, but over many steps such errors cancel in part. Going from 64 to 40
# million buys precision that a single step cannot use. I would not go
# down to B = 1 either: every update has a fixed cost, and small products use the processor badly. I would start at
# 64 to 512, find the learning rate for each candidate, and compare the time to a fixed loss. You are right where
# the data are few and a precise minimum is wanted, for instance with a second-order method, or at the very end of
# training, when the noise keeps a constant rate hovering.

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | Update | $w \leftarrow w - \alpha\, g_S$, with $g_S = \frac1B\sum_{i\in S}\nabla \ell_i + \lambda w$ |
# | Words | epoch = pass over the data; iteration = update; $\lceil m/B\rceil$ iterations per epoch |
# | Noise | $\mathbb E[g_S] = g$, $\ \mathbb E\lVert g_S - g\rVert^2 = \frac{\sigma^2}{B}\cdot\frac{m-B}{m-1}$ |
# | Defaults | $B$ = 64 … 512; shuffle every epoch; keep the short last batch |
# | Safe rate | full batch: each step lowers the loss while $\alpha < 2/L$ |
#
# **Pitfalls.** X and y shuffled apart · the same order every epoch · dividing by $m$ (or by 64) instead of by the
# batch's own size · averaging batches of unequal size as if they were equal · judging by one batch's loss ·
# comparing batch sizes at one and the same learning rate.
#
# **Sources.** Robbins and Monro (1951), *A stochastic approximation method* · Bottou, Curtis and Nocedal (2018),
# *Optimization methods for large-scale machine learning* · Masters and Luschi (2018), *Revisiting small batch
# training for deep neural networks* · Shallue et al. (2019), *Measuring the effects of data parallelism on neural
# network training*: section 8's experiment on a grand scale · data: Alpaydin and Kaynak (1998), *Optical
# recognition of handwritten digits*, UCI.
#
# **Next week's question.** The loss of a mini-batch jumps about, and so does its gradient. From a jumping series, how
# do you get the trend, with one number of memory?
# [Week 02 · Exponentially weighted averages](../week02_averages/week02_averages.ipynb)
