# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: Generalisation
#     minutes: 115
#     builds_on: [week00_networks, week01_minibatch]
# ---

# %% [markdown]
# # Week 10 · Generalisation
#
# For nine weeks a lower loss was a better loss. But nobody trains a network to get the training images right:
# their labels are known. It is meant for images that it has never seen. This week is about the difference.
#
# By the end you can
#
# - say why the best fit always looks better than it is, and by how much, with a proof;
# - split data into three sets, and name what each of them may be used for;
# - stop training at the right moment and keep the right parameters;
# - write weight decay and dropout, forward and backward, and say what they do to a network;
# - choose among six remedies for over-fitting by measurement.
#
# You need: the network and the mini-batches of the weeks before, expectation and variance, a matrix's trace, and for
# section 7 its eigenvalues. The proofs are short, and what follows needs only what they prove.
# Time: about 115 minutes. Points: 30, and 4 more for a written answer.

# %%
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np

from course_lib import datasets, networks, optimizers, plotting, training
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()
digits = datasets.digits()
X_test, y_test = digits.X_test, digits.y_test
order = np.random.default_rng(0).permutation(len(digits.y_train))
dev_rows, pool = order[:300], order[300:]
X_dev, y_dev = digits.X_train[dev_rows], digits.y_train[dev_rows]
print(f"{len(pool):,} images to train on, {len(y_dev)} to choose by, {len(y_test)} to test on")

# %% [markdown]
# ## 1 · The question
#
# > **This week's question.** You searched for good settings and judged each trial on the dev set. Can you trust
# > the best score?
#
# Let us do it once more. To make it a realistic case, take few images, and take them from somebody in a hurry:
# 200 training images, and about one label in five is wrong. (Real labels are not all right either, though better than
# ours: Northcutt et al., 2021, estimate that at least 3.3 % are wrong on average in the test sets of ten well-known
# collections.) The labels of the dev and test images are as published.

# %%
def training_set(seed, size=200, wrong=0.2):
    """Draw training images; each label is replaced by another digit with probability `wrong`."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(pool)[:size]
    labels = digits.y_train[rows].copy()
    slips = np.flatnonzero(rng.random(size) < wrong)
    labels[slips] = (labels[slips] + rng.integers(1, 10, len(slips))) % 10
    return digits.X_train[rows], labels


def fit(X, y, seed, *, hidden=128, epochs=40, lr=0.01, **options):
    """Train a network with one hidden layer by Adam; return it."""
    rng = np.random.default_rng(seed)
    network = networks.MLP((X.shape[1], hidden, 10), rng=rng, **options)
    adam = optimizers.Adam(network.params, lr=lr)
    training.train(network, adam, X, y, batch_size=32, epochs=epochs, rng=rng, evaluate_every=10**6)
    return network


X, y = training_set(seed=0)
true_labels = training_set(seed=0, wrong=0)[1]
is_wrong = y[:20] != true_labels[:20]
titles = [f"{label} ?" if slip else f"{label}" for label, slip in zip(y, is_wrong)]
figure = plotting.image_grid(X[:20], titles, digits.shape)
plotting.show(
    figure,
    f"Twenty training digits with their labels; {is_wrong.sum()} of the labels, marked by a "
    "question mark, are not what the image shows.",
)

# %% [markdown]
# Forty trials, each with a random learning rate, width, weight decay and length of training. As many people
# would, we judge them on a small dev set: 50 images. Another 1,187 images stay in the drawer.

# %%
rng = np.random.default_rng(5)
used = np.random.default_rng(0).permutation(pool)[:200]
others = np.concatenate([dev_rows, np.setdiff1d(pool, used)])  # 1,237 images, not trained on
correct = []  # for each trial: which of the others it gets right
for trial in range(40):
    config = {"lr": 10 ** rng.uniform(-3, -1.5), "l2": 10 ** rng.uniform(-4, -1.7)}
    config |= {"hidden": int(rng.integers(32, 129)), "epochs": int(rng.integers(5, 41))}
    network = fit(X, y, trial, **config)
    correct.append(network.predict(digits.X_train[others]) == digits.y_train[others])
correct = np.array(correct)
dev_score, drawer_score = correct[:, :50].mean(axis=1), correct[:, 50:].mean(axis=1)
winner = int(np.argmax(dev_score))
print(f"the best of 40 trials gets {dev_score[winner]:.0%} of the 50 dev images right")

# %% [markdown]
# **Predict.** Now open the drawer. Its images come from the same source as the dev images. One comparison could
# be luck, so we repeat it 400 times: take 50 other images for the dev set, find the winner on them, open the
# drawer. Compared with its dev score, the winner's score in the drawer is
#
# - `"a"`: higher as often as lower, since both are random samples of the same digits
# - `"b"`: lower, most of the time
# - `"c"`: higher, most of the time, since the winner really is the best

# %% nbgrader={"grade": false, "grade_id": "prediction_best_score", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_best_score = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_best_score = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_best_score", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_best_score=prediction_best_score)

# %%
def luck_of_the_winner(trials, n_dev, rng):
    """Deal out a dev set and choose the best of some trials; return dev minus drawer score."""
    chosen = rng.permutation(len(correct))[:trials]
    deal = rng.permutation(correct.shape[1])
    on_dev = correct[:, deal[:n_dev]].mean(axis=1)[chosen]
    best = int(np.argmax(on_dev))
    return on_dev[best] - correct[chosen[best], deal[n_dev:]].mean()


luck = np.array([luck_of_the_winner(40, 50, np.random.default_rng(i)) for i in range(400)])
print(f"this once: {dev_score[winner]:.0%} (dev), {drawer_score[winner]:.0%} (drawer)")
print(f"400 times: too good in {np.mean(luck > 0):.0%} of them, by {luck.mean():.0%} on average")

# %% [markdown]
# Left, the forty trials as they came out this once; right, the winner's luck in all 400 repetitions:

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.7))
left.plot([0.4, 1], [0.4, 1], color="#999999", linewidth=1)
style = {"linestyle": "", "markersize": 5, "alpha": 0.8}
left.plot(dev_score, drawer_score, "o", color=plotting.COLOURS[0], **style)
left.plot(dev_score[winner], drawer_score[winner], "s", color=plotting.COLOURS[1], markersize=9)
left.set(xlim=(0.5, 1), ylim=(0.5, 1), title="this once (square: the winner)")
left.set(xlabel="accuracy on 50 dev images", ylabel="accuracy in the drawer")
right.hist(100 * luck, bins=np.arange(-7, 20, 2), color=plotting.COLOURS[1], edgecolor="white")
right.axvline(0, color="black", linewidth=1)
right.grid(False)
right.set(title="400 times", xlabel="the winner's dev score minus\nits drawer score (points)")
plotting.show(
    figure,
    "Left: accuracy in the drawer against accuracy on 50 dev images for 40 trials, round the "
    "diagonal; the winner is the point furthest to the right. Right: how much the winner's "
    "dev score exceeds its score in the drawer, over 400 repetitions: more than nine in ten are "
    "above 0, typically by 3 to 8 points.",
)

# %%
settle(prediction_best_score=prediction_best_score)

# %% [markdown]
# The points on the left scatter round the grey diagonal, but you do not pick just any point. You pick the one
# furthest to the right. Some trials are there because they are good, some because these 50 images happened to
# suit them, and the winner has usually a bit of both. **A score that was used to choose is too good.**
#
# Training itself does the same thing on a larger scale: out of all possible parameters it picks those that suit
# the training images best. So we start there.

# %% [markdown]
# ## 2 · Why the best fit looks better than it is
#
# A coin shows heads with an unknown probability $\theta$. You throw it three times: heads, heads, heads. Maximum
# likelihood (week 00) chooses the $\theta$ under which that was most probable: $\theta^3$ is largest at
# $\theta = 1$. The loss on the three throws, $-\frac13\log\theta^3$, is 0: perfect. And on the first tails that
# comes along, $-\log(1 - \theta)$ is infinite.
#
# No accident and no bug. The best fit is at least as good on the training data *as the truth itself*, provided that
# the truth was among the candidates. It has fitted what is lasting in the data, and it has fitted their accidents.
# That is **over-fitting**.
#
# ### How much? A case that can be computed
#
# Let $m$ measurements be $y = \mu + e$: $\mu$ of shape $(m,)$ is what is lasting, $e$ is noise, independent with
# mean 0 and variance $\sigma^2$. A linear method turns them into a fit $\hat y = S y$ with some matrix $S$ of
# shape $(m, m)$. Measure again at the same places, with fresh noise: $y' = \mu + e'$. What is the error on the
# new data, compared with the error on the data that were fitted? Multiply out both squares:
#
# $$\lVert y' - \hat y\rVert^2 - \lVert y - \hat y\rVert^2
# = \lVert y'\rVert^2 - \lVert y\rVert^2 + 2\,(y - y')\cdot\hat y .$$
#
# On average $\lVert y'\rVert^2$ and $\lVert y\rVert^2$ are equal. And $y - y' = e - e'$, so
#
# $$\mathbb E\big[(e - e')\cdot S(\mu + e)\big] = \mathbb E[\,e\cdot S e\,]
# = \sum_{i,j} S_{ij}\,\mathbb E[e_i e_j] = \sigma^2 \sum_i S_{ii},$$
#
# because everything with $e'$ or with a single $e$ has mean 0, and $\mathbb E[e_ie_j] = \sigma^2$ only where
# $i = j$. Divide by $m$:
#
# $$\boxed{\ \mathbb E[\text{error on new data}] - \mathbb E[\text{training error}] = \frac{2\sigma^2}{m}\operatorname{tr} S\ }$$
#
# For least squares with $p$ features (maximum likelihood under normal noise), $S = X(X^\top X)^{-1}X^\top$ with
# $X$ of shape $(m, p)$, and $\operatorname{tr} S = \operatorname{tr}\big[(X^\top X)^{-1}X^\top X\big] = p$. The
# gap is $2\sigma^2 p/m$. **On average a least-squares fit looks better than it is. How much depends on the data per
# parameter**: with one measurement for each feature by $2\sigma^2$, with a thousand by $0.002\,\sigma^2$, which nobody
# notices. (Other fits by maximum likelihood need not follow this formula.) It already names the cures: more data
# ($m$), fewer features ($p$), less noise ($\sigma^2$), or another $S$ with a smaller trace.
#
# Forty measurements; six features matter, those after them are there but mean nothing. Dots are measured, lines are
# theory:

# %%
rng = np.random.default_rng(1)
count, sigma = 40, 1.0
features = rng.normal(size=(count, count))
mu = features[:, :6] @ np.array([1.0, -0.8, 0.7, 0.6, -0.5, 0.4])
y_old, y_new = (mu[:, None] + sigma * rng.normal(size=(count, 2000)) for _ in range(2))
sizes = np.arange(1, count + 1)
train_error, new_error, missed = [], [], []
for p in sizes:
    basis = np.linalg.qr(features[:, :p])[0]  # S = basis @ basis.T
    fitted = basis @ (basis.T @ y_old)
    train_error.append(np.mean((y_old - fitted) ** 2))
    new_error.append(np.mean((y_new - fitted) ** 2))
    missed.append(np.mean((mu - basis @ (basis.T @ mu)) ** 2))
missed = np.array(missed)
for p in (6, 20, 40):
    gap = new_error[p - 1] - train_error[p - 1]
    print(f"p = {p:2}: gap measured {gap:.2f}, theory {2 * sigma**2 * p / count:.2f}")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
errors = {"on new data": (sizes, new_error), "on the data fitted": (sizes, train_error)}
plotting.lines(ax, errors, linestyle="", marker=".")
for index, sign in enumerate((1, -1)):
    theory = missed + sigma**2 * (1 + sign * sizes / count)
    plotting.lines(ax, {"theory (lines)" if index else "": (sizes, theory)}, first=index, linewidth=1)
ax.set(xlabel="features used, p", ylabel="mean squared error", ylim=(0, 3.2))
ax.legend()
plotting.show(
    figure,
    "Squared error against the number of features. The training error falls all the way to 0 "
    "at 40 features. The error on new data falls until 6 features, then rises along a "
    "straight line to 2. Points lie on the theory's lines.",
)

# %% [markdown]
# Up to six features, both errors fall: there is something to learn. After that the training error goes on falling
# and the error on new data rises, on average by exactly as much. With 40 features for 40 measurements the fit is
# perfect and the prediction is *twice* as bad as that of somebody who knows the truth $\mu$.
#
# Everything of this week is in that picture. The training error falls all the way; it does not tell where to stop. (In
# this case the formula would, if you know $\sigma^2$: training error plus $2\sigma^2p/m$ is Mallows' $C_p$, up to a
# factor and a constant. For a network nobody knows the trace.)

# %% [markdown]
# ## 3 · Three sets
#
# So put data aside before you start:
#
# | set | also called | used to | looked at |
# |:--|:--|:--|:--|
# | **training set** | | fit parameters: every gradient | at every step |
# | **dev set** (development) | validation set | choose: settings, width, when to stop | at every trial |
# | **test set** | held-out set | say how good the final choice is | once |
#
# Why three? A dev score has not been trained on. But you have chosen by it, and section 1 showed what that does. How
# much does it do? With a true accuracy $q$ and $n$ dev images, a dev score scatters with variance
# $\sigma^2 = \frac{q(1-q)}{n}$. The winner of $k$ trials is lucky, but not without limit. On average its dev score
# exceeds its true score by
#
# $$\mathbb E[\text{the winner's luck}] \le \sigma\sqrt{2\ln k} = \sqrt{\frac{2\,q(1-q)\ln k}{n}}$$
#
# at most, if no $q$ is below $\frac12$ and none has a larger $\sigma$. You do not need the proof here; it is in
# [week 09, section 9](../week09_hyperparameter_search/week09_hyperparameter_search.ipynb).
#
# More dev images help like $1/\sqrt n$; more trials hurt, but only like $\sqrt{\ln k}$. The forty trials have
# been judged on 1,237 other images, so we can deal out dev sets again and again and measure the winner's luck:

# %%
deals = range(1000)  # the same dev images for every number of trials
numbers = [1, 2, 5, 10, 20, 40]
means = {}
for n_dev in (50, 200, 800):
    luck = [[luck_of_the_winner(k, n_dev, np.random.default_rng(i)) for i in deals] for k in numbers]
    means[n_dev] = 100 * np.mean(luck, axis=1)
    print(f"{n_dev:3} dev images: the best of 40 is {means[n_dev][-1]:.1f} points too good on average")
true_scores = correct.mean(axis=1)
apart = np.random.default_rng(6).binomial(50, true_scores, size=(4000, 40)) / 50  # each has images of its own
excess = apart.max(axis=1) - true_scores[apart.argmax(axis=1)]
print(f"50 dev images, other ones for each trial: {100 * excess.mean():.1f} points too good")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
for index, n_dev in enumerate(means):
    series = {f"{n_dev} dev images": (numbers, means[n_dev])}
    plotting.lines(ax, series, first=index, marker=plotting.MARKERS[index])
bound = 100 * np.sqrt(2 * 0.85 * 0.15 * np.log(numbers) / 50)
plotting.lines(ax, {"bound for 50, q = 0.85": (numbers, bound)}, first=6, linewidth=1)
ax.set(xscale="log", xticks=numbers, xticklabels=numbers, ylim=(-1, 15))
ax.set(xlabel="trials among which the best is chosen")
ax.set(ylabel="dev score minus true score\n(percentage points)")
ax.minorticks_off()
ax.legend()
plotting.show(
    figure,
    "How much the best dev score exceeds the true score, against the number of trials. With "
    "one trial it is about 0. With 40 trials it is between 5 and 6 points for 50 dev images, "
    "between 2 and 3 for 200, about 1 for 800. The bound for 50 lies far above.",
)

# %% [markdown]
# With one trial the dev score is honest. With 40 trials and 50 images it is several points too good; with 800
# images, about one. (The bound is far above for two reasons. It is no more than a bound. And the trials are similar:
# they are lucky on the same images. If each were judged on images of its own, the last line says, the winner would
# have more luck.) So:
#
# - The winner is still a good choice. Only its *score* is not to be believed.
# - Report the score on a set that took no part in any choice. Then do not choose any more.
# - A test set that was looked at twenty times has become a dev set.
#
# ### Cutting the data
#
# Each set should look like the whole. With few examples of a class, chance alone can leave a small set without
# any. The cure is to cut class by class, each in the same proportion: a **stratified** split. As in week 01,
# shuffle row numbers, draw from `rng` only, and cut.

# %% [markdown]
# ### Exercise 1 · `split` (4 points)

# %% nbgrader={"grade": false, "grade_id": "split", "locked": false, "schema_version": 3, "solution": true, "task": false}
def split(y, *, dev, test, rng):
    """Split rows into training, dev and test set, every class in proportion.

    Parameters
    ----------
    y : ndarray of int, shape (m,)
        Classes of the examples, in any order: any whole numbers, not necessarily 0, 1, 2, … Is not
        changed.
    dev, test : float
        Shares of the dev and of the test set, each above 0, together below 1. Of a class with c
        examples, the dev set gets round(dev * c) and the test set round(test * c), for a rare class
        perhaps none. (Halves do not occur.)
    rng : numpy.random.Generator
        The only source of the choice, for dev and for test. A second call with the same rng gives
        another split; an equal rng gives an equal one.

    Returns
    -------
    train_rows, dev_rows, test_rows : ndarray of int, one-dimensional
        Row numbers (whole numbers, since they will index), in any order. Every row from 0 to m - 1
        is in exactly one of the three.

    Examples
    --------
    >>> y = np.array([7, 7, 7, 7, 7, 3, 3, 3, 3, 3])
    >>> train_rows, dev_rows, test_rows = split(y, dev=0.2, test=0.4, rng=np.random.default_rng(0))
    >>> sorted(y[dev_rows].tolist()), sorted(y[test_rows].tolist())
    ([3, 7], [3, 3, 7, 7])
    """
    ### BEGIN SOLUTION
    train_rows, dev_rows, test_rows = [], [], []
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        n_dev, n_test = round(dev * len(rows)), round(test * len(rows))
        dev_rows.append(rows[:n_dev])
        test_rows.append(rows[n_dev : n_dev + n_test])
        train_rows.append(rows[n_dev + n_test :])
    return np.concatenate(train_rows), np.concatenate(dev_rows), np.concatenate(test_rows)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_split", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(split)
### BEGIN HIDDEN TESTS
check(split, seed=1974)
### END HIDDEN TESTS

# %% [markdown]
# Is it worth the trouble? Small dev sets of 40 digits, by plain chance and by your split: how many of each digit
# are in them?

# %%
cut = plug_in(split)
labels, rng = digits.y_train, np.random.default_rng(3)
share = 40 / len(labels)
chance = np.bincount(labels[rng.permutation(len(labels))[:40]], minlength=10)
stratified = np.bincount(labels[cut(labels, dev=share, test=0.2, rng=rng)[1]], minlength=10)
print("digit:          ", *range(10))
print("left to chance: ", *chance)
print("stratified:     ", *stratified)

# %% [markdown]
# ## 4 · The curve that turns
#
# Now watch a network over-fit. The 200 hurriedly labelled images, 128 hidden units, 80 epochs. The training loss
# falls and falls, nearly to 0: in the end the network gets all 200 labels "right", the wrong ones included.
#
# **Predict.** What does the loss on the dev images do meanwhile?
#
# - `"a"`: it falls with the training loss, only more slowly
# - `"b"`: it falls, then stays level
# - `"c"`: it falls, then rises

# %% nbgrader={"grade": false, "grade_id": "prediction_dev_curve", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_dev_curve = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_dev_curve = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_dev_curve", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_dev_curve=prediction_dev_curve)

# %% [markdown]
# Five runs, and five more with right labels. The figure shows both losses for each kind, and at the right the dev
# accuracy of both:

# %%
def follow(X, y, seed, epochs=80):
    """Train as `fit` does; return losses, accuracies and parameters after each epoch."""
    rng = np.random.default_rng(seed)
    network = networks.MLP((64, 128, 10), rng=rng)
    adam = optimizers.Adam(network.params, lr=0.01)
    history, snapshots = [], []
    for epoch in range(epochs + 1):
        if epoch:
            training.train(network, adam, X, y, batch_size=32, epochs=1, rng=rng)
        losses = network.loss(X, y), network.loss(X_dev, y_dev)
        history.append((*losses, network.accuracy(X_dev, y_dev), network.accuracy(X, y)))
        snapshots.append(network.params.copy())
    return np.array(history), np.array(snapshots)


wrong_runs = [follow(*training_set(seed), seed) for seed in range(5)]
right_runs = [follow(*training_set(seed, wrong=0), seed)[0] for seed in range(5)]
followed = {"a fifth wrong": [history for history, _ in wrong_runs], "all right": right_runs}
for name, runs in followed.items():
    mean = np.mean(runs, axis=0)
    print(
        f"labels {name:13}: lowest dev loss {mean[:, 1].min():.2f}, at the end {mean[-1, 1]:.2f}; "
        f"best dev accuracy {mean[:, 2].max():.0%}, at the end {mean[-1, 2]:.0%}; "
        f"training accuracy {mean[-1, 3]:.0%}"
    )

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 3, figsize=(10, 3.4))
epochs = np.arange(81)
for ax, (name, runs) in zip(axes, followed.items()):
    plotting.band(ax, epochs, np.array(runs)[:, :, 0], label="training", index=0)
    plotting.band(ax, epochs, np.array(runs)[:, :, 1], label="dev", index=1)
    ax.set(title=f"loss, labels {name}", xlabel="epochs", ylim=(0, 2.4))
for index, (name, runs) in enumerate(followed.items(), start=2):
    plotting.band(axes[2], epochs, np.array(runs)[:, :, 2], label=name, index=index)
axes[2].set(title="dev accuracy", xlabel="epochs", ylim=(0.6, 1))
axes[0].legend()
axes[2].legend(loc="lower right")
plotting.show(
    figure,
    "Three panels over 80 epochs, medians and ranges of five runs. With a fifth of the labels "
    "wrong the training loss falls nearly to 0, while the dev loss turns at about 10 epochs and rises "
    "by half. With right labels it rises only a little. Dev accuracy falls by 7 points after its "
    "peak with wrong labels and stays level with right ones.",
)

# %%
settle(prediction_dev_curve=prediction_dev_curve)

# %% [markdown]
# Look at the three panels one by one.
#
# - **Left.** For a few epochs both losses fall: the network learns what digits look like. Then it has nothing
#   left to learn but the wrong labels, one by one, and each of them spoils some answers nearby. The dev loss
#   **turns**.
# - **Middle.** With right labels the dev loss turns, too, but gently.
# - **Right.** With wrong labels the accuracy loses seven points after its peak. With right labels it loses
#   nothing, although the loss rises! The network merely becomes too sure of itself: the few images that it gets
#   wrong, it gets wrong with more and more conviction, and the logarithm punishes conviction. Which of the two
#   curves matters depends on what you will use the network for.
#
# The parameters at the turn were there, in passing. One could simply have kept them.

# %% [markdown]
# ## 5 · Early stopping
#
# Evaluate the dev loss regularly. When it has not reached a new lowest value for a while, stop, and go back to
# the parameters of the lowest. "For a while" is the **patience**: dev losses jump about, and a single rise means
# little.
#
# > **for** each evaluation $e = 0, 1, 2, \dots$: **if** the dev loss is lower than every one before, remember $e$
# > and the parameters; **if** `patience` evaluations have passed since the remembered one, stop.
#
# With patience 1, the first evaluation that brings no new lowest ends the training; a tie is not a new lowest.

# %% [markdown]
# ### Exercise 2 · `early_stopping` (4 points)
#
# A complete record is given, as if training had gone on to the end. Say what early stopping would have done.

# %% nbgrader={"grade": false, "grade_id": "early_stopping", "locked": false, "schema_version": 3, "solution": true, "task": false}
def early_stopping(dev_losses, snapshots, *, patience):
    """Replay early stopping on a recorded training.

    Parameters
    ----------
    dev_losses : list of float, length T, at least 1
        Dev loss at each evaluation. The first is finite; a later NaN is an evaluation like the
        others that brings no new lowest.
    snapshots : ndarray of shape (T, p)
        Row e holds the parameters that gave dev_losses[e].
    patience : int
        Stop as soon as this many evaluations in a row have brought no new lowest loss; at least 1.

    Returns
    -------
    stop : int
        Index of the last evaluation that is made: the end of the list, if patience never ran out.
    best : int
        Index of the lowest loss up to there, the first of them in case of a tie.
    best_params : ndarray of shape (p,)
        The parameters to keep, those of evaluation `best`. No argument is changed.

    Examples
    --------
    >>> snapshots = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]])
    >>> early_stopping([0.9, 0.6, 0.7, 0.5, 0.8, 0.7], snapshots, patience=2)
    (5, 3, array([3.]))
    >>> early_stopping([0.9, 0.6, 0.7, 0.5, 0.8, 0.7], snapshots, patience=1)
    (2, 1, array([1.]))
    """
    ### BEGIN SOLUTION
    best = 0
    for stop in range(len(dev_losses)):
        if dev_losses[stop] < dev_losses[best]:
            best = stop
        if stop - best >= patience:
            break
    return stop, best, snapshots[best]
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_early_stopping", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(early_stopping)
### BEGIN HIDDEN TESTS
check(early_stopping, seed=1990)
### END HIDDEN TESTS

# %% [markdown]
# Put it to work on the five recorded runs with wrong labels. On the left of each pair the parameters that you
# keep, on the right those after 80 epochs:

# %%
stop_early = plug_in(early_stopping)
judge = networks.MLP((64, 128, 10), rng=np.random.default_rng(0))
print("epochs until the stop; test accuracy kept | after 80 epochs")
for history, snapshots in wrong_runs:
    stop, best, best_params = stop_early(history[:, 1].tolist(), snapshots, patience=8)
    judge.params[:] = best_params
    kept = judge.accuracy(X_test, y_test)
    judge.params[:] = snapshots[-1]
    print(f"{stop:3}; {kept:.0%} | {judge.accuracy(X_test, y_test):.0%}")

# %% [markdown]
# Better networks for a fraction of the work: a remedy that makes training *cheaper*. Two things that go wrong in
# practice:
#
# - **The test set as a stopwatch.** Whoever stops where the *test* accuracy is highest has chosen by the test
#   set.
# - **A name is not a copy.** `best = network.params` keeps no parameters at all. It is another name for the array
#   that the optimizer goes on changing:

# %%
params = np.array([1.0, 2.0])
same_array, copy = params, params.copy()
params -= 0.5  # training goes on, in place
print("kept by name:", same_array, " kept by copy:", copy)

# %% [markdown]
# (In Keras this is `EarlyStopping(patience=8, restore_best_weights=True)`. Mind the second argument: its default
# is `False`, the last weights.)
#
# The course's training loop does all of it: `training.train(..., dev=(X_dev, y_dev), patience=8)` stops, puts the
# best parameters back into the network, and says in `history.best` which evaluation they are from.

# %%
X, y = training_set(seed=0)
rng = np.random.default_rng(0)
network = networks.MLP((64, 128, 10), rng=rng)
adam = optimizers.Adam(network.params, lr=0.01)
history = training.train(
    network, adam, X, y, batch_size=32, epochs=80, rng=rng, dev=(X_dev, y_dev), patience=8
)
stop, best, _ = stop_early(wrong_runs[0][0][:, 1].tolist(), wrong_runs[0][1], patience=8)
print("the same stop:", len(history.dev_loss) - 1 == stop, " the same best:", history.best == best)

# %% [markdown]
# ## 6 · Less room to over-fit
#
# The gap was $2\sigma^2p/m$ in the linear case. Does a network follow? We turn three knobs, one at a time, and
# leave all else as it is: 200 images, a fifth of the labels wrong, 64 pixels, 128 hidden units, about 280
# updates. Five runs for each value, each with its own training images.
#
# - **More data**: 50 to 800 images, at nearly the same number of updates (250 to 320).
# - **Fewer features**: instead of all pixels, the $k$ directions in which the training images vary most (their
#   principal components).
# - **A smaller network**: 2 to 256 hidden units.
#
# **Predict.** Eight hidden units instead of 128: 610 parameters instead of 9,610. On the dev images the
# small network will be
#
# - `"a"`: better, because it has no room for the wrong labels
# - `"b"`: about as good
# - `"c"`: worse

# %% nbgrader={"grade": false, "grade_id": "prediction_eight_units", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_eight_units = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_eight_units = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_eight_units", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_eight_units=prediction_eight_units)

# %%
found = {}  # by remedy: values tried; accuracies, shape (values, seeds, 2): dev and test


def turn(name, values, run):
    """Measure dev and test accuracy for five seeds at each value of a knob."""
    scores = [[run(value, seed) for seed in range(5)] for value in values]
    found[name] = values, np.array(scores)


def judged(network, see=lambda X: X):
    """Return dev and test accuracy of a network that looks at images through `see`."""
    return network.accuracy(see(X_dev), y_dev), network.accuracy(see(X_test), y_test)


def with_components(k, seed):
    X, y = training_set(seed)
    centre = X.mean(axis=0)
    directions = np.linalg.svd(X - centre, full_matrices=False)[2][:k].T
    return judged(fit((X - centre) @ directions, y, seed), lambda X: (X - centre) @ directions)


def with_images(size, seed):
    return judged(fit(*training_set(seed, size), seed, epochs=40 * 200 // size))


def with_hidden(hidden, seed):
    return judged(fit(*training_set(seed), seed, hidden=hidden))


turn("training images", [50, 100, 200, 400, 800], with_images)
turn("features", [2, 4, 8, 16, 32, 64], with_components)
turn("hidden units", [2, 8, 16, 32, 128, 256], with_hidden)
for name, (values, scores) in found.items():
    means = scores[:, :, 0].mean(axis=1)
    print(f"{name:16}" + ", ".join(f"{value}: {mean:.0%}" for value, mean in zip(values, means)))

# %% [markdown]
# Mean dev accuracies are printed; the figure has the medians, and the ranges of the five runs:

# %% jupyter={"source_hidden": true}
def draw_knob(ax, name, index):
    """Draw dev accuracy against the values of a knob."""
    values, scores = found[name]
    style = {"label": "median, range", "index": index, "marker": plotting.MARKERS[index]}
    plotting.band(ax, range(len(values)), scores[:, :, 0].T, **style)
    ax.set(xticks=range(len(values)), xticklabels=values, xlabel=name, ylim=(0, 1))


figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True)
for index, (ax, name) in enumerate(zip(axes, found)):
    draw_knob(ax, name, index)
axes[0].set_ylabel("dev accuracy at the end")
axes[0].legend(loc="lower right")
plotting.show(
    figure,
    "Dev accuracy against three knobs. It rises steadily from 65 to over 90 percent with the "
    "number of training images. Against the number of features it rises, is flat from 8 on "
    "and slightly highest near 16. Against hidden units it rises steeply to 16 and is flat "
    "from there to 256.",
)

# %%
settle(prediction_eight_units=prediction_eight_units)

# %% [markdown]
# - **More data** is the king of remedies here: from 200 images to 800 the accuracy rises by more than ten points,
#   with the same share of wrong labels and no more work. It is also the dearest.
# - **Fewer features** help a little: 16 directions do at least as well as 64 pixels. Too few, and the images can
#   no longer be told apart.
# - **A smaller network** is a disappointment. Below 16 units it does not learn the digits either: that is
#   **under-fitting**. Above, it makes hardly any difference, up to 256 units! Counting parameters is a poor guide
#   for networks: which of the many possible fits training finds matters more than how many there are.
#
# So rather than to take parameters away, it pays to restrain them.

# %% [markdown]
# ## 7 · Weight decay
#
# Add a price for large weights to the loss (you have met it in week 01):
#
# $$J_\lambda = J + \frac\lambda2\sum_{\ell}\lVert W_\ell\rVert_F^2 .$$
#
# The sum runs over the weight matrices $W_\ell$ of all layers. The biases $b_\ell$ are free: a bias says where a
# unit switches, not how steeply it reacts; there is one for hundreds of weights, and a bias near 0 is no simpler
# than another. A step of gradient descent becomes
#
# $$W \leftarrow W - \alpha\Big(\frac{\partial J}{\partial W} + \lambda W\Big)
# = (1 - \alpha\lambda)\,W - \alpha\frac{\partial J}{\partial W}:$$
#
# every step first shrinks the weights a little. Hence the name **weight decay**. (With Adam, shrinking and the
# penalty's gradient are two different things: week 06, AdamW.)
#
# **What it does.** Near the minimum $w^\star$ of $J$, look along one eigenvector of the Hessian, with curvature
# $h$ (week 08). There $J_\lambda = \frac h2(w - w^\star)^2 + \frac\lambda2w^2 + \text{const}$, which is lowest
# where $h(w - w^\star) + \lambda w = 0$:
#
# $$w = \frac{h}{h + \lambda}\,w^\star .$$
#
# Directions that the data care about ($h \gg\lambda$) stay as they are. Directions about which the data say next
# to nothing ($h\ll\lambda$) are pulled to 0. In the linear case of section 2, with
# $J = \frac1{2m}\lVert y - Xw\rVert^2$, the Hessian is $\frac1mX^\top X$, and each direction's fit is multiplied
# by that same factor. So
#
# $$\operatorname{tr} S = \sum_i \frac{h_i}{h_i + \lambda} \le p,$$
#
# and the gap of section 2 shrinks with it. One may read it as the number of parameters that are left: nobody
# removed any, but most are on a short lead.

# %% [markdown]
# The 40 useless and useful features of section 2 once more. This time all of them stay, but decay restrains them:

# %%
gram = features.T @ features / count
curvatures = np.linalg.eigvalsh(gram)
for l2 in (0.0, 0.1, 0.3, 1.0, 10.0):
    S = features @ np.linalg.solve(gram + l2 * np.eye(count), features.T) / count
    fitted = S @ y_old
    new, old = np.mean((y_new - fitted) ** 2), np.mean((y_old - fitted) ** 2)
    trace = np.sum(curvatures / (curvatures + l2))
    print(f"l2 {l2:4}: parameters left {trace:4.1f}, gap measured {new - old:.1f}, theory "
          f"{2 * sigma**2 * trace / count:.1f}, error on new data {new:.1f}")

# %% [markdown]
# The trace predicts the gap, and in between, where the fit has lost little and the gap much, the error on new
# data is lowest.

# %% [markdown]
# ### Exercise 3 · `l2_penalty_and_gradient` (3 points)
#
# The parameters come as a dict, as in many courses: `"W1"`, `"b1"`, `"W2"`, `"b2"`, …

# %% nbgrader={"grade": false, "grade_id": "l2_penalty_and_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
def l2_penalty_and_gradient(params, *, l2):
    """The L2 penalty of a network, and its gradient.

    Parameters
    ----------
    params : dict of str to ndarray
        Weight matrices "W1", "W2", … and bias vectors "b1", "b2", …, of floats, for any number of
        layers and in any order. Is not changed.
    l2 : float
        Strength of the penalty l2 / 2 * (sum of all squared weights), at least 0. Biases are not
        penalised.

    Returns
    -------
    penalty : float
    gradient : dict of str to ndarray
        The penalty's gradient for every parameter, the biases too: the same keys and shapes as
        params.

    Examples
    --------
    >>> params = {"W1": np.array([[1.0, -2.0]]), "b1": np.array([5.0, 5.0])}
    >>> penalty, gradient = l2_penalty_and_gradient(params, l2=0.5)
    >>> float(penalty), gradient["W1"].tolist(), gradient["b1"].tolist()
    (1.25, [[0.5, -1.0]], [0.0, 0.0])
    """
    ### BEGIN SOLUTION
    penalty = l2 / 2 * sum(np.sum(p**2) for name, p in params.items() if name.startswith("W"))
    gradient = {name: l2 * p if name.startswith("W") else np.zeros_like(p) for name, p in params.items()}
    return penalty, gradient
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_l2_penalty_and_gradient", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(l2_penalty_and_gradient)
### BEGIN HIDDEN TESTS
check(l2_penalty_and_gradient, seed=1943)
### END HIDDEN TESTS

# %%
price = plug_in(l2_penalty_and_gradient)
X, y = training_set(seed=0)
print("   l2   sum of squared weights   training loss   dev accuracy")
for l2 in (0.0, 0.001, 0.01, 0.1):
    network = fit(X, y, 0, l2=l2)
    params = {f"W{i}": w for i, w in enumerate(network.weights, start=1)}
    params |= {f"b{i}": b for i, b in enumerate(network.biases, start=1)}
    squares, _ = price(params, l2=2.0)
    plain = network.loss(X, y) - network.penalty()
    print(f"{l2:5g}   {squares:22.0f}   {plain:13.1f}   {network.accuracy(X_dev, y_dev):12.0%}")

# %% [markdown]
# The stronger the penalty, the smaller the weights and the worse the fit of the training data: that is the price.
# Up to a point the dev accuracy gains by it. Which strength is best? Turn the knob, together with the next one;
# so first to that.

# %% [markdown]
# ## 8 · Dropout
#
# The boldest of the remedies (Hinton et al., 2012): in every step of training, switch off a random half of the
# hidden units.
#
# Why should that help? In an ordinary network a unit can rely on particular others: one makes a mistake on
# certain images, another is there to repair it. Such conspiracies, **co-adaptations**, are a way to store odd single
# examples. If any partner may be missing in the next step, a unit had better be useful on its own.
#
# **In formulas.** Let $a$ of shape $(B, n)$ be a layer's activations for a batch, $r$ the **rate**, the
# probability to be dropped. Draw a mask $M$ of the same shape, every entry on its own,
#
# $$M_{ij} = \begin{cases}0 & \text{with probability } r\\ \dfrac1{1-r} & \text{with probability } 1 - r\end{cases}
# \qquad\text{and pass on } M\odot a .$$
#
# Why the $\frac{1}{1-r}$? Because then $\mathbb E[M_{ij}] = 1$: what the next layer receives is right on average,
# and at test time, when nothing is dropped, it finds the same scale. This form is called **inverted** dropout. (The
# first papers did not scale in training and multiplied by $1 - r$ at test time; the $p$ of Srivastava et al. is the
# probability to be *kept*. PyTorch's `nn.Dropout(p)` drops with probability $p$, our $r$, and is inverted as here.)
# The spread that it adds is
#
# $$\operatorname{Var}[M_{ij}a_{ij}] = a_{ij}^2\Big[(1-r)\frac1{(1-r)^2} - 1\Big] = a_{ij}^2\,\frac{r}{1-r}.$$
#
# **At test time** nothing is dropped. An answer that depends on a coin is no answer.

# %% [markdown]
# ### Exercise 4 · `dropout_forward` (4 points)

# %% nbgrader={"grade": false, "grade_id": "dropout_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dropout_forward(a, *, rate, training, rng):
    """Inverted dropout.

    Parameters
    ----------
    a : ndarray of shape (B, n), float32 or float64
        Activations, one row per example; B may be 1. Is not changed.
    rate : float
        Probability of each entry to be dropped, independently of all others, 0 <= rate < 1.
    training : bool
        Whether the network is being trained. At test time (False) nothing is dropped.
    rng : numpy.random.Generator
        The only source of the mask. A second call with the same rng gives another mask; an equal
        rng gives an equal one.

    Returns
    -------
    out : ndarray of shape (B, n), dtype of a
        What the next layer gets: a times the mask, at test time a (itself or a copy).
    mask : ndarray of shape (B, n), dtype of a
        The factors, for the backward pass: 0 or 1 / (1 - rate) in training, all 1 at test time.

    Examples
    --------
    >>> a = np.ones((200, 50))
    >>> out, mask = dropout_forward(a, rate=0.2, training=True, rng=np.random.default_rng(0))
    >>> np.unique(out).tolist(), round(float(out.mean()), 1)
    ([0.0, 1.25], 1.0)
    """
    ### BEGIN SOLUTION
    if not training:
        return a, np.ones_like(a)
    mask = ((rng.random(a.shape) >= rate) / (1 - rate)).astype(a.dtype)
    return a * mask, mask
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_dropout_forward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(dropout_forward)
### BEGIN HIDDEN TESTS
check(dropout_forward, seed=2012)
### END HIDDEN TESTS

# %% [markdown]
# **Backward.** `out` is `a` times a mask that does not depend on `a`. How does the loss change with `a`, if you
# know how it changes with `out`?

# %% [markdown]
# ### Exercise 5 · `dropout_backward` (2 points)

# %% nbgrader={"grade": false, "grade_id": "dropout_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dropout_backward(dout, mask):
    """Backward pass of dropout.

    Parameters
    ----------
    dout : ndarray of shape (B, n)
        Gradient of the loss with respect to the output of dropout_forward.
    mask : ndarray of shape (B, n)
        The mask that dropout_forward returned.

    Returns
    -------
    ndarray of shape (B, n)
        Gradient of the loss with respect to a. No argument is changed.

    Examples
    --------
    >>> dropout_backward(np.array([[3.0, -1.0]]), np.array([[2.0, 0.0]])).round(1).tolist()
    [[6.0, -0.0]]
    """
    ### BEGIN SOLUTION
    return dout * mask
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_dropout_backward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check(dropout_backward)
### BEGIN HIDDEN TESTS
check(dropout_backward, seed=2014)
### END HIDDEN TESTS

# %% [markdown]
# A check by central differences, as in week 01. Mind the seed: both evaluations of the loss must use *the same*
# mask, or you measure the coin and not the slope.

# %%
drop, back = plug_in(dropout_forward), plug_in(dropout_backward)
rng = np.random.default_rng(4)
a, target = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))


def squared_loss(a):
    out, mask = drop(a, rate=0.4, training=True, rng=np.random.default_rng(9))
    return 0.5 * np.sum((out - target) ** 2), out, mask


_, out, mask = squared_loss(a)
da, h = back(out - target, mask), 1e-6
measured = np.zeros_like(a)
for i in np.ndindex(a.shape):
    nudge = np.zeros_like(a)
    nudge[i] = h
    measured[i] = (squared_loss(a + nudge)[0] - squared_loss(a - nudge)[0]) / (2 * h)
print("formula and measurement agree to 6 digits:", bool(np.abs(da - measured).max() < 1e-6))

# %% [markdown]
# ### Turning both knobs
#
# Weight decay and dropout on the 200 images with wrong labels, measured and drawn as in section 6:

# %%
def with_decay(l2, seed):
    return judged(fit(*training_set(seed), seed, l2=l2))


def with_dropout(rate, seed):
    return judged(fit(*training_set(seed), seed, dropout=rate))


turn("weight decay", [0, 0.001, 0.003, 0.01, 0.03, 0.1], with_decay)
turn("dropout rate", [0, 0.2, 0.4, 0.6, 0.8, 0.9], with_dropout)
for name in ("weight decay", "dropout rate"):
    values, scores = found[name]
    means = scores[:, :, 0].mean(axis=1)
    print(f"{name}: best at {values[means.argmax()]}, by {100 * (means.max() - means[0]):.0f} points")

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True)
for index, (ax, name) in enumerate(zip(axes, ["weight decay", "dropout rate"]), start=3):
    draw_knob(ax, name, index)
    ax.set(ylim=(0.3, 1))
    ax.legend(loc="lower left")
axes[0].set_ylabel("dev accuracy at the end")
plotting.show(
    figure,
    "Dev accuracy against the strength of weight decay and against the dropout rate. Both "
    "curves rise to a hump, at 0.01 and at 0.6, six to eight points above the left end, and fall "
    "steeply at the right end.",
)

# %% [markdown]
# Two humps: too little restraint on the left, too much on the right, and the best in between gains about five points
# in the mean of the five runs (the figure has the medians). Both are settings to be searched for (week 09), on the
# dev set.

# %% [markdown]
# ### What dropout is, I: a weight decay that knows the data
#
# Take one linear unit with squared error, $\frac12(y - \sum_j M_j x_j w_j)^2$, and average over the masks. The
# mean of the prediction is $\sum_j x_jw_j$, its variance is $\sum_j x_j^2w_j^2\,\frac{r}{1-r}$ (independent
# entries; see above). And the mean of a square is the square of the mean plus the variance:
#
# $$\mathbb E\Big[\tfrac12\big(y - \textstyle\sum_j M_jx_jw_j\big)^2\Big]
# = \tfrac12\big(y - \textstyle\sum_j x_jw_j\big)^2 + \tfrac12\,\frac{r}{1-r}\sum_j x_j^2\,w_j^2 .$$
#
# The loss without dropout, plus an L2 penalty in which each weight is weighed by its input's size. So dropout
# does restrain weights; and rate and strength go together: $\frac r{1-r}$ is 1 at $r = \frac12$ and 9 at
# $r = 0.9$.

# %% [markdown]
# ### What dropout is, II: a vote of many networks
#
# Every mask makes a thinned network. With $n = 128$ hidden units there are $2^{128}$ of them, about
# $3\cdot10^{38}$, all sharing their weights. Training with dropout picks a random one for every example of every
# step, and trains it. And averaging the answers of many networks is an old trick against over-fitting: their
# accidents differ and partly cancel, what is lasting they have in common.
#
# At test time one could let many thinned networks vote. Instead one runs the full network *once*.
#
# **Predict.** A network trained with rate 0.5. Let 200 of its thinned networks vote on each dev image: average their
# *log-probabilities*, and normalise, so that the vote is a probability again. Compared with one single pass of the
# full network, the vote's dev loss is
#
# - `"a"`: clearly lower: 200 opinions are better than one
# - `"b"`: about the same
# - `"c"`: clearly higher: every voter lacks half of its units

# %% nbgrader={"grade": false, "grade_id": "prediction_vote", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_vote = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_vote = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_vote", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_vote=prediction_vote)

# %%
def loss_of(log_p):
    """Return the mean cross-entropy of predicted log-probabilities on the dev images."""
    return -log_p[np.arange(len(y_dev)), y_dev].mean()


voters, votes = [1, 2, 5, 10, 20, 50, 100, 200], {"mean of log p, normalised": [], "mean of p": []}
full_loss = []
for seed in range(5):
    network = fit(*training_set(seed), seed, dropout=0.5)
    hidden = np.maximum(X_dev @ network.weights[0] + network.biases[0], 0)
    rng, thinned = np.random.default_rng(seed), []
    for _ in range(voters[-1]):
        out, _ = drop(hidden, rate=0.5, training=True, rng=rng)
        thinned.append(networks.log_softmax(out @ network.weights[1] + network.biases[1]))
    thinned = np.array(thinned)
    geometric = [loss_of(networks.log_softmax(thinned[:k].mean(axis=0))) for k in voters]
    arithmetic = [loss_of(np.log(np.exp(thinned[:k]).mean(axis=0))) for k in voters]
    for series, losses in zip(votes.values(), (geometric, arithmetic)):
        series.append(losses)
    full_loss.append(network.loss(X_dev, y_dev))
gap = np.abs(np.array(votes["mean of log p, normalised"])[:, -1] - full_loss).max()
print(f"200 voters by log p against the full network: losses differ by {gap:.2f} at most")
by_p = np.median(np.array(votes["mean of p"])[:, -1])
print(f"median dev loss: full network {np.median(full_loss):.2f}, 200 voters by the mean of p {by_p:.2f}")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
for index, (name, losses) in enumerate(votes.items()):
    plotting.band(ax, voters, losses, label=name, index=index, marker=plotting.MARKERS[index])
ax.axhline(np.median(full_loss), color="black", linewidth=1)
ax.text(1, np.median(full_loss) - 0.012, "the full network, once", va="top", fontsize=10)
ax.set(xscale="log", xticks=voters, xticklabels=voters, ylim=(0.4, None))
ax.set(xlabel="thinned networks that vote", ylabel="dev loss")
ax.minorticks_off()
ax.legend()
plotting.show(
    figure,
    "Dev loss against the number of thinned networks that vote. One alone is far worse than "
    "the full network. With more voters both ways of averaging fall; the median by the mean of log p "
    "comes down onto the full network's line, that by the mean of p stays above it.",
)

# %%
settle(prediction_vote=prediction_vote)

# %% [markdown]
# A single thinned network is much worse. But the more of them vote, the nearer the vote comes to the full network, and
# the vote of all of them *is* the full network. That is no coincidence, it is a short proof. (It depends on the way of
# voting. The plain mean of the probabilities, the other curve, ends higher: 0.63 against 0.55 in the median.)
#
# Let the votes be averaged as log-probabilities, then normalised (a geometric mean). A thinned network's scores
# are $z_M = (M\odot a)W + b$, and $\log p_M = z_M - c_M$ with one number $c_M$ per image, the logarithm of the
# softmax's denominator. So
#
# $$\mathbb E_M[\log p_M] = \mathbb E_M[(M\odot a)W + b] - \mathbb E_M[c_M] = aW + b - \text{const},$$
#
# because $\mathbb E[M] = 1$ and the last layer is linear. Normalising removes the constant, and what is left is
# $\operatorname{softmax}(aW + b)$: the full network. **One pass without dropout is the vote of all $2^{128}$
# thinned networks**, each counted as often as its mask is drawn. (Exact with one hidden layer, where the mask meets a
# linear layer only. With more, an approximation.)

# %% [markdown]
# ### What dropout is, III: fewer conspiracies
#
# *(You may skip this; nothing later needs it.)* Are the units really less dependent on each other? Take trained
# networks, remove a random part of the hidden units, scale up the rest, and see what is left. (All labels right, so
# that both kinds start high.)

# %%
removed = [0, 0.1, 0.25, 0.5, 0.75, 0.9]
survival = {"trained without dropout": [], "trained with dropout 0.5": []}
for seed in range(5):
    for name, rate in zip(survival, (0.0, 0.5)):
        network = fit(*training_set(seed, wrong=0), seed, dropout=rate)
        hidden = np.maximum(X_dev @ network.weights[0] + network.biases[0], 0)
        rng, left = np.random.default_rng(seed), []
        for share in removed:
            right = []
            for _ in range(20):
                out, _ = drop(hidden, rate=share, training=True, rng=rng)
                scores = out @ network.weights[1] + network.biases[1]
                right.append(np.argmax(scores, axis=1) == y_dev)
            left.append(np.mean(right))
        survival[name].append(left)
for name, accuracies in survival.items():
    print(f"{name:24}: {np.median(accuracies, axis=0)[4]:.0%} with three quarters removed")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
for index, (name, accuracies) in enumerate(survival.items()):
    plotting.band(ax, removed, accuracies, label=name, index=index, marker=plotting.MARKERS[index])
ax.set(xlabel="share of the hidden units removed", ylabel="dev accuracy", ylim=(0, 1))
ax.legend(loc="lower left")
plotting.show(
    figure,
    "Dev accuracy against the share of hidden units that is removed after training. With half "
    "of the units and fewer left, the network trained with dropout keeps clearly more of its "
    "accuracy than the other one.",
)

# %% [markdown]
# With three quarters of its units gone, the network trained with dropout still gets three images in four right; the
# other one has lost far more. Its units need each other more. (No wonder: only the first was trained for this.)

# %% [markdown]
# ## 9 · All remedies side by side
#
# Most remedies had one knob and five or six values. Take for each the value with the best *dev* accuracy (the mean of
# the five runs), and look at the test set: once. Early stopping gets a patience of 8 and up to 40 epochs.

# %%
def with_stopping(rate, seed):
    rng = np.random.default_rng(seed)
    network = networks.MLP((64, 128, 10), rng=rng, dropout=rate)
    adam = optimizers.Adam(network.params, lr=0.01)
    X, y = training_set(seed)
    dev = X_dev, y_dev
    training.train(network, adam, X, y, batch_size=32, epochs=40, rng=rng, dev=dev, patience=8)
    return judged(network)


turn("early stopping", [0.0], with_stopping)
turn("dropout and early stopping", [0.6], with_stopping)

final = {"no remedy": found["dropout rate"][1][0, :, 1]}
for name in ["hidden units", "features", "early stopping", "weight decay", "dropout rate"]:
    values, scores = found[name]
    pick = int(np.argmax(scores[:, :, 0].mean(axis=1)))
    setting = "" if name == "early stopping" else f": {values[pick]}"
    final[name + setting] = scores[pick, :, 1]
final["dropout and early stopping"] = found["dropout and early stopping"][1][0, :, 1]
final["four times the data"] = found["training images"][1][-1, :, 1]
for name, scores in final.items():
    print(f"{name:28} {scores.mean():.0%}")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots(figsize=(7.2, 3.8))
for row, (name, scores) in enumerate(final.items()):
    colour = plotting.COLOURS[0]
    ax.plot(scores, np.full(5, row), "o", color=colour, alpha=0.5, markersize=5)
    ax.plot(scores.mean(), row, "|", color=colour, markersize=18, markeredgewidth=2.5)
ax.axvline(final["no remedy"].mean(), color="#999999", linewidth=1)
ax.set(yticks=range(len(final)), yticklabels=list(final))
ax.set(xlabel="test accuracy (five runs, bar: mean)")
ax.invert_yaxis()
plotting.show(
    figure,
    "Test accuracy of five runs for each remedy. Without a remedy about 81 percent; another "
    "width and fewer features change little; early stopping, weight decay and dropout gain "
    "five to seven points; four times the data gains eleven.",
)

# %% [markdown]
# Another width and fewer features hardly help; early stopping, weight decay and dropout are worth five to seven
# points, and more data beats them all. On another problem the order may be another: these are measurements, not
# laws. But the way of comparing them holds everywhere: one knob each, chosen on the dev set, several seeds, and
# the test set at the very end.
#
# *(An honest footnote. These 360 images were looked at before: in section 5, in week 01, and by the authors of
# this course. The knobs above were chosen on the dev set. But how many labels are wrong, and how long we train, was
# settled by people who had seen such numbers. Every look is a temptation, and strictly these images are on their way
# to becoming a dev set.)*
#
# How fast is your dropout? Beside the course's, for a batch of 256 and 1,024 units:

# %% tags=["nbval-ignore-output"]
def milliseconds(run, repeats=15):
    """Return the median time of a call."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return 1e3 * np.median(times)


big = np.random.default_rng(0).normal(size=(256, 1024))
rng = np.random.default_rng(0)
yours = milliseconds(lambda: drop(big, rate=0.5, training=True, rng=rng))
theirs = milliseconds(lambda: networks.dropout_forward(big, rate=0.5, rng=rng))
product = np.random.default_rng(0).normal(size=(1024, 1024))
print(f"dropout here {yours:.1f} ms, the course's {theirs:.1f} ms; "
      f"one 1,024 x 1,024 layer {milliseconds(lambda: big @ product):.1f} ms")

# %% [markdown]
# ## 10 · Claims to test
#
# Decide: `"true"` (it holds), `"false"` (it does not), or `"depends"` (it holds under a condition that you can
# name).

# %% [markdown]
# **Claim 1.** *"A low training loss means a good model."* The same network on the same images. Once the labels
# are right; once they are drawn by lot, so that there is nothing to be learned (an experiment of Zhang et al.,
# 2017):

# %%
for name, wrong in [("right labels", 0.0), ("labels by lot", 1.0)]:
    rows = []
    for seed in range(3):
        X, y = training_set(seed, wrong=0)
        if wrong:
            y = np.random.default_rng(seed).integers(0, 10, len(y))
        network = fit(X, y, seed, epochs=90)
        rows.append((network.loss(X, y), network.accuracy(X, y), network.accuracy(X_dev, y_dev)))
    loss, right, dev = np.mean(rows, axis=0)
    print(f"{name:13}: training loss {loss:.1f}, accuracy {right:.0%}; dev accuracy {dev:.0%}")

# %% nbgrader={"grade": false, "grade_id": "claim_low_training_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_low_training_loss = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_low_training_loss = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_low_training_loss", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_low_training_loss=claim_low_training_loss)

# %% [markdown]
# **Claim 2.** *"Dropout makes a network better on new data."* You have seen it do so. Two more networks, trained
# on right labels this time:

# %%
for hidden in (128, 8):
    for rate in (0.0, 0.5):
        scores = []
        for seed in range(5):
            network = fit(*training_set(seed, wrong=0), seed, hidden=hidden, dropout=rate)
            scores.append(network.accuracy(X_dev, y_dev))
        print(f"{hidden:3} hidden units, dropout {rate}: dev accuracy {np.mean(scores):.0%}")

# %% nbgrader={"grade": false, "grade_id": "claim_dropout_helps", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_dropout_helps = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_dropout_helps = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_dropout_helps", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_dropout_helps=claim_dropout_helps)

# %% [markdown]
# **Claim 3.** *"Dev set and test set can be the same data: neither was trained on."* (Sections 1 and 3.)

# %% nbgrader={"grade": false, "grade_id": "claim_dev_is_test", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_dev_is_test = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_dev_is_test = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_dev_is_test", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_dev_is_test=claim_dev_is_test)

# %% [markdown]
# **Claim 4.** *"From the moment at which the dev loss rises, the network gets worse."* (Section 4, all three
# panels.)

# %% nbgrader={"grade": false, "grade_id": "claim_rising_dev_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_rising_dev_loss = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_rising_dev_loss = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_rising_dev_loss", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_rising_dev_loss=claim_rising_dev_loss)

# %% [markdown]
# ## 11 · Quiz
#
# **1.** Least squares with 20 features on 100 noisy measurements ($\sigma^2 = 1$). You get 400 measurements
# instead. The expected gap between the errors on new and on training data
#
# - `"a"` falls from 0.4 to 0.1
# - `"b"` falls from 0.4 to 0.2
# - `"c"` falls from 0.2 to 0.05
# - `"d"` stays, because the number of features stays

# %% nbgrader={"grade": false, "grade_id": "quiz_generalisation_gap", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_generalisation_gap = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_generalisation_gap = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_generalisation_gap", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_generalisation_gap=quiz_generalisation_gap)

# %% [markdown]
# **2.** Dev losses 0.8, 0.6, 0.7, 0.5, 0.6, 0.55, 0.52, 0.4 at evaluations 0 to 7. Patience 3. Which parameters
# are kept?
#
# - `"a"` Those of evaluation 1
# - `"b"` Those of evaluation 3
# - `"c"` Those of evaluation 6
# - `"d"` Those of evaluation 7

# %% nbgrader={"grade": false, "grade_id": "quiz_patience", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_patience = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_patience = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_patience", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_patience=quiz_patience)

# %% [markdown]
# **3.** In the directions of curvature $h = 10$, $0.1$ and $0.001$, what does weight decay with $\lambda = 0.1$
# leave of the unpenalised solution?
#
# - `"a"` 90 % in each
# - `"b"` 1 %, 50 % and 99 %
# - `"c"` 99 %, 50 % and 1 %
# - `"d"` nothing in the last, everything in the others

# %% nbgrader={"grade": false, "grade_id": "quiz_shrinking", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_shrinking = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_shrinking = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_shrinking", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_shrinking=quiz_shrinking)

# %% [markdown]
# **4.** A colleague's dropout keeps units with probability 0.8 and does not scale. At test time he runs the full
# network. The inputs of the next layer are then, compared with training, on average
#
# - `"a"` the same
# - `"b"` 1.25 times as large
# - `"c"` 0.8 times as large
# - `"d"` 5 times as large

# %% nbgrader={"grade": false, "grade_id": "quiz_unscaled", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_unscaled = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_unscaled = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_unscaled", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_unscaled=quiz_unscaled)

# %% [markdown]
# **5.** Training accuracy 71 %, dev accuracy 70 %, and people get 98 %. What do you try first?
#
# - `"a"` Dropout
# - `"b"` More training images
# - `"c"` Early stopping
# - `"d"` A larger network, or longer training

# %% nbgrader={"grade": false, "grade_id": "quiz_underfitting", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_underfitting = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_underfitting = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_underfitting", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_underfitting=quiz_underfitting)

# %% [markdown]
# ## 12 · In your own words (4 points)
#
# A colleague reports: *"I tried 300 settings. After every epoch I looked at the test accuracy and kept the best
# moment. The best of all: 97.3 % on 150 test images. My training loss is 0.0001, so there is no over-fitting."*
#
# Answer in five to eight sentences. One point for each of these:
#
# 1. why 97.3 % is too good, with the two choices that were made on the test set, and a number or formula from
#    this week;
# 2. what a training loss of 0.0001 says about over-fitting, and what it does not;
# 3. how to split the data and repeat the search, so that the final number can be believed;
# 4. one remedy to try for this network, how to set its knob, and a case in which it would do harm.
#
# If you learn on your own: write it, sleep on it, then give yourself the points.

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection_week10", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A model answer.* The test set was used to choose twice: among 300 settings, and among all epochs of each, so
# the winner is partly lucky. With 150 images a score of 97 % has a standard deviation of
# $\sqrt{0.97\cdot0.03/150} = 1.4$ points, and the best of 300 may be up to $\sqrt{2\ln300} = 3.4$ of those too
# good; in our search the best of 40 on 50 images was several points too good. A training loss of 0.0001 only says
# that the network can reproduce its training labels; ours also did that with labels drawn by lot, at a dev
# accuracy of about 10 %. Over-fitting shows in the gap to data that were not trained on. I would split once,
# class by class, into training, dev and test, choose setting and epoch on the dev set with early stopping, and
# look at the test set a single time at the end; if there are few data, I would make the dev set as large as I can
# afford. As a remedy I would try dropout, with the rate searched between 0 and 0.8 on the dev set. In a network
# that is too small, or that already under-fits, it does harm: with 8 hidden units it cost many points.

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | The gap | new error − training error $= \frac{2\sigma^2}m\operatorname{tr}S$; least squares: $2\sigma^2p/m$ |
# | Three sets | train: gradients · dev: choices · test: once |
# | Best of $k$ on $n$ dev images | too good by at most $\sqrt{2q(1-q)\ln k/n}$ |
# | Early stopping | stop `patience` evaluations after the lowest dev loss; keep a *copy* of its parameters |
# | Weight decay | $\frac\lambda2\sum\lVert W_\ell\rVert^2$, gradient $\lambda W_\ell$, biases 0; shrinks by $\frac h{h+\lambda}$ |
# | Dropout | mask 0 or $\frac1{1-r}$, a new one per step and example; the same mask in backward; nothing at test time |
# | Defaults | dropout 0.2 to 0.5 in wide layers; weight decay $10^{-4}$ to $10^{-2}$; patience 5 to 20; search for all three |
#
# **Pitfalls.** The test set used to stop or to choose · a test set that has been looked at twenty times · last
# instead of best weights · best weights kept by name, not by copy · patience counted from the wrong end · dev
# images in the training set · a mask without its scale · dropout left on at test time · a new mask in backward ·
# biases penalised · penalty included when dev losses are compared · a remedy for over-fitting given to a network
# that under-fits.
#
# **Sources.** Akaike (1974), *A new look at the statistical model identification* · Mallows (1973), *Some
# comments on Cp* (the gap) · Stone (1974), *Cross-validatory choice and assessment of statistical predictions* ·
# Krogh and Hertz (1992), *A simple weight decay can improve generalization* · Prechelt (1998), *Early stopping,
# but when?* · Hinton et al. (2012), *Improving neural networks by preventing co-adaptation of feature detectors*
# · Srivastava et al. (2014), *Dropout* · Wager, Wang and Liang (2013), *Dropout training as adaptive
# regularization* · Zhang et al. (2017), *Understanding deep learning requires rethinking generalization* ·
# Northcutt, Athalye and Mueller (2021), *Pervasive label errors in test sets*.
#
# **Next week's question.** Week 00 standardised the inputs, and training became easier. But the second layer's
# inputs are the first layer's outputs, and nobody standardises those. Why not standardise every layer?
# [Week 11 · Batch normalisation](../week11_batch_normalisation/week11_batch_normalisation.ipynb)
