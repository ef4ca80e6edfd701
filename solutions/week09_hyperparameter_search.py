# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: Hyperparameter search
#     minutes: 110
#     builds_on: [week06_adam]
# ---

# %% [markdown]
# # Week 09 · Hyperparameter search
#
# A network learns its weights. It does not learn the learning rate, the batch size or its own number of units: you
# set them, before training starts. They are called **hyperparameters**, *settings* for short. This week you make
# a search of them that is fast, fair and honest.
#
# By the end you can
#
# - say which settings deserve your time, and show it on a real network;
# - explain why random settings beat a grid, and when they do not;
# - draw each setting on the scale on which it works;
# - search on all cores of your machine, in two rounds from coarse to fine, and stop hopeless trials early;
# - report a result that will still be there when somebody trains again.
#
# You need: mini-batches (week 01), memory $1/(1-\beta)$ (week 02), Adam (week 06).
# Time: about 110 minutes. Points: 31, and 4 more for a written answer.

# %%
import math
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np

from course_lib import datasets, minibatch, networks, optimizers, plotting, search, training
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()
digits = datasets.digits()
order = np.random.default_rng(9).permutation(len(digits.X_train))
dev, train = order[:300], order[300:]
X, y = digits.X_train[train], digits.y_train[train]
X_dev, y_dev = digits.X_train[dev], digits.y_train[dev]
print(f"{len(X):,} images to train on, {len(X_dev)} to compare settings on, "
      f"{len(digits.X_test)} for the very end")

# %% [markdown]
# Three sets of images, not two. Weights are chosen on the **training set**. Settings are chosen on the **dev set**
# (short for development; also called validation set), which the weights have never seen. The **test set** chooses
# nothing. Section 9 shows what happens to those who forget that.

# %% [markdown]
# ## 1 · The question
#
# > **This week's question.** You know nine optimizers and a dozen settings. How do you find good ones without
# > trying them all?
#
# Do they matter that much? Here is one network, Adam, one data set, 15 epochs. What changes from dot to dot are
# the settings, each drawn somewhere in its usual range. (`log_uniform` and its relatives say on which scale to
# draw. Sections 4 and 5 explain them.)

# %%
published = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8,
             "batch_size": 64, "units": 32, "layers": 1}


def fit(config, rng, epochs=15):
    """Train a network with these settings; what is not in `config` is as published."""
    c = published | config
    network = networks.MLP((64, *[c["units"]] * c["layers"], 10), rng=rng)
    adam = optimizers.Adam(
        network.params, lr=c["lr"], beta1=c["beta1"], beta2=c["beta2"], eps=c["eps"]
    )
    training.train(network, adam, X, y, batch_size=c["batch_size"], epochs=epochs, rng=rng,
                   evaluate_every=10_000)
    return network


def dev_loss(config, rng):
    """The objective: lower is better."""
    return fit(config, rng).loss(X_dev, y_dev)


usual = {
    "lr": search.log_uniform(1e-4, 1),
    "beta1": search.one_minus_log_uniform(0.5, 0.99),
    "batch_size": search.choice([16, 32, 64, 128, 256]),
    "units": search.integers(8, 64),
    "layers": search.integers(1, 3),
}
blind = search.random_search(dev_loss, usual, trials=40, rng=np.random.default_rng(0), progress=False)

figure, ax = plt.subplots(figsize=(6.4, 2.2))
height = np.random.default_rng(1).uniform(-1, 1, len(blind.trials))
ax.plot(blind.values, height, "o", color=plotting.COLOURS[0], alpha=0.7)
ax.axvline(np.log(10), color="#999999", linewidth=1)
ax.text(np.log(10) * 1.06, 1.25, "guessing", color="#555555", ha="left")
ax.set(xscale="log", ylim=(-1.5, 1.6), yticks=[], xlabel="dev loss (40 settings; height means nothing)")
plotting.show(
    figure,
    "Dev losses of 40 networks on a logarithmic axis, spread from 0.03 to 2.7. A third of them lie "
    "above 1, and some at 2.3 or above, where guessing would be as good.",
)
stuck = np.mean(blind.values > 1)
print(f"best {blind.values.min():.2f}; share of trials with a loss above 1: {stuck:.1f}")

# %% [markdown]
# From excellent to worse than guessing, with one and the same optimizer.
#
# And trying them all? Five values for each of seven settings are $5^7 = 78{,}125$ trainings. At an hour each, as
# for a modest real network, that is nine years.

# %% [markdown]
# ## 2 · What to tune first
#
# Do not begin with a search at all. Begin with what is **published**. A paper on a problem like yours says which
# network, optimizer and settings its authors ended with, and often the trained weights can be downloaded, too.
# (What it rarely says is what they tried in vain.) Adam's published settings, $\alpha = 0.001$, $\beta_1 = 0.9$,
# $\beta_2 = 0.999$, $\varepsilon = 10^{-8}$, are in the cell above. Get them to run; then change what matters.
#
# **Predict.** We start from these settings, with one change: $\alpha = 0.01$, since 15 epochs are few. From there we
# move seven settings one by one through their usual ranges and leave the others alone: learning rate $\alpha$
# (`lr`), batch size, hidden units, layers, $\beta_1$, $\beta_2$, $\varepsilon$ (`eps`). How many of the seven can
# change the dev loss by more than a factor of two?
#
# - `"a"`: one
# - `"b"`: three
# - `"c"`: six or seven

# %% nbgrader={"grade": false, "grade_id": "prediction_settings_matter", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_settings_matter = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_settings_matter = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_settings_matter", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_settings_matter=prediction_settings_matter)

# %%
ranges = {
    "lr": [1e-4, 1e-3, 1e-2, 1e-1, 1],
    "units": [8, 16, 32, 64, 128],
    "batch_size": [16, 32, 64, 128, 256],
    "layers": [1, 2, 3, 4],
    "beta1": [0.0, 0.5, 0.9, 0.95, 0.99],
    "beta2": [0.9, 0.99, 0.999, 0.9999],
    "eps": [1e-10, 1e-8, 1e-6, 1e-4],
}


def scan(name, lr):
    """Return the dev loss (a mean of twelve seeds) at each value of one setting, from a base rate."""
    moved = search.grid_search(
        lambda config, rng: dev_loss({"lr": lr} | config, np.random.default_rng(config["seed"])),
        {name: ranges[name], "seed": list(range(12))}, rng=np.random.default_rng(0), progress=False,
    )
    return moved.values.reshape(-1, 12).mean(axis=1)


losses = {base: {name: scan(name, base) for name in ranges} for base in (0.01, 0.001, 0.07)}
for base, found in losses.items():
    passed = [name for name, loss in found.items() if loss.max() > 2 * loss.min()]
    print(f"from a rate of {base}: {', '.join(passed)}")

# %% [markdown]
# The first panel is your prediction. In the other two, the same scan starts from other learning rates.

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True)
for ax, (base, found) in zip(axes, losses.items()):
    for row, (name, loss) in enumerate(found.items()):
        ax.plot([loss.min(), loss.max()], [row, row], "-", color=plotting.COLOURS[0], linewidth=5, alpha=0.3)
        ax.plot(loss, [row] * len(loss), "o", color=plotting.COLOURS[0], markersize=4.5)
        ax.text(6, row, f"× {loss.max() / loss.min():.1f}", va="center")
    ax.set(xscale="log", xlim=(0.03, 5), yticks=range(7), yticklabels=list(found), ylim=(6.6, -0.6))
    ax.set(title=f"from a rate of {base}", xlabel="dev loss; right: worst / best")
plotting.show(
    figure,
    "For each of seven settings the dev losses that its values lead to, from three base rates. The "
    "learning rate's span a factor of more than 20, the hidden units' at least 5. From 0.01 only the "
    "batch size's pass a factor of two as well; from 0.001 the layers' too; from 0.07 the layers' and "
    "beta1's. Those of beta2 and eps stay below it.",
)

# %%
settle(prediction_settings_matter=prediction_settings_matter)

# %% [markdown]
# From 0.01, one setting rules, two more count, and the others do not pass the mark. **The list depends on where you
# stand.** From 0.001 the steps are too small for 15 epochs: whatever helps a network along counts, small batches
# (more steps) and more layers. From 0.07 training is close to breaking, and the layers and $\beta_1$ decide whether
# it breaks. Learning rate, units and batch size pass the mark all three times, $\beta_2$ and $\varepsilon$ not once.
# That is much like the order that practitioners report for many networks:
#
# | | tune | |
# |:--|:--|:--|
# | 1 | the learning rate $\alpha$ | always, and again after every other change |
# | 2 | momentum's $\beta$, batch size, hidden units | next |
# | 3 | layers, learning-rate decay | then |
# | 4 | Adam's $\beta_1$, $\beta_2$, $\varepsilon$ | hardly ever |
#
# It is not a law. On *your* network the third row may be the second (here momentum's $\beta$ is Adam's $\beta_1$,
# and did little until the rate was large), and one-at-a-time scans miss settings that only matter together: the
# best $\alpha$ moves with the batch size, you met that in week 01. But mostly you will have **few settings that matter
# among many that might**. Keep that in mind for a moment.

# %% [markdown]
# ## 3 · Random, not grid
#
# Two settings, 25 trials. The tidy way is a **grid**: five values of one times five of the other. The untidy way
# is to throw 25 darts.
#
# **Predict.** Suppose that only one of the two matters, and that you do not know which. How many *different*
# values of the one that matters has each of the two methods tried?
#
# - `"a"`: both 25
# - `"b"`: the grid 5, the darts 25
# - `"c"`: the grid 25, the darts about 5

# %% nbgrader={"grade": false, "grade_id": "prediction_grid_axis", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_grid_axis = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_grid_axis = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_grid_axis", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_grid_axis=prediction_grid_axis)

# %% [markdown]
# To see it on a real network, we measure its dev loss at 97 learning rates, closely enough to draw the curve. The
# second setting shall be $\varepsilon$, which did next to nothing in section 2. Above: that curve, and where it is
# looked at. Below: the 25 trials.

# %%
rates = np.geomspace(1e-5, 1, 97)
curve = search.grid_search(
    dev_loss, {"lr": rates.tolist()}, rng=np.random.default_rng(1), progress=False
).values
position = np.linspace(0, 1, 97)  # on the logarithmic axis: 0 is 1e-5, 1 is 1


def loss_at(u):
    """Dev loss at a place between 0 and 1 on the logarithmic axis, between measurements by a line."""
    return np.interp(u, position, curve)


rng = np.random.default_rng(3)
ticks = np.linspace(0, 1, 5)
layouts = {
    "grid": np.array([(a, b) for a in ticks for b in ticks]),
    "random": rng.random((25, 2)),
}

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(2, 2, figsize=(8.4, 4.6), sharex=True, sharey="row")
for column, (name, points) in enumerate(layouts.items()):
    above, below = axes[:, column]
    above.plot(rates, curve, color="#999999")
    tried = np.unique(points[:, 0])
    lr = 10 ** (-5 + 5 * tried)
    above.plot(lr, loss_at(tried), plotting.MARKERS[column], color=plotting.COLOURS[column])
    above.axhline(loss_at(tried).min(), color=plotting.COLOURS[column], linewidth=1)
    above.set(title=f"{name}: {len(tried)} learning rates, best {loss_at(tried).min():.2f}")
    below.plot(10 ** (-5 + 5 * points[:, 0]), 10 ** (-10 + 6 * points[:, 1]),
               plotting.MARKERS[column], color=plotting.COLOURS[column])
    below.set(xscale="log", yscale="log", xlabel="learning rate")
axes[0, 0].set(ylabel="dev loss", yscale="log")
axes[1, 0].set_ylabel("eps")
plotting.show(
    figure,
    "Above: dev loss against the learning rate, a valley between 0.01 and 0.05. Below: 25 trials "
    "in the plane of learning rate and eps. On the grid they stand in five columns, so the curve "
    "above is looked at in five places. At random it is looked at in 25 places, several of them "
    "in the valley.",
)

# %%
settle(prediction_grid_axis=prediction_grid_axis)

# %% [markdown]
# (The jags of the curve are the luck of single trainings. Section 9 is about them.) One grid may be lucky, too. So
# here are 4,000 grids, moved sideways at random, and 4,000 throws of darts:

# %%
grids = (np.arange(5) + rng.random((4000, 1))) / 5
throws = rng.random((4000, 25))
for name, places in [("grid", grids), ("random", throws)]:
    found = loss_at(places).min(axis=1)
    print(f"{name:7} of 25 trials: nine times in ten a dev loss below {np.quantile(found, 0.9):.2f}")

# %% [markdown]
# In general, $n$ trials on a grid over $d$ settings try $n^{1/d}$ values of each. The other trials repeat those
# values, with a change somewhere that does not matter. Random trials try $n$ values of *every* setting.
#
# | $n = 64$ trials over | 1 setting | 2 | 3 | 6 |
# |:--|:--|:--|:--|:--|
# | values of each, grid: $64^{1/d}$ | 64 | 8 | 4 | 2 |
# | values of each, random | 64 | 64 | 64 | 64 |
#
# ### How many random trials are enough?
#
# Let a fraction $q$ of the space you draw from be good. One draw misses it with probability $1 - q$, and $n$
# independent draws all miss it with probability $(1-q)^n$. So
#
# $$P(\text{at least one good}) = 1 - (1-q)^n .$$
#
# The number of settings, $d$, does not occur. To have one of the best 5 % with 95 % certainty you need
# $n \ge \ln 0.05/\ln 0.95 = 58.4$: about **60 trials**, for any $d$. Remember what it says and what it does not:
# the best 5 % *of what you draw*. If you draw from a poor space, they are poor.
#
# ### And when all settings matter?
#
# Be fair to the grid. Suppose that the good region is a box, a fraction $w$ of *each* of $d$ axes, so $q = w^d$.
# A grid of $k = n^{1/d}$ values an axis, with a spacing larger than the box and placed without knowledge, has a
# value in it with probability $kw$ on each axis, so it hits with probability $(kw)^d = n\,w^d = nq$. Random draws
# hit with $1-(1-q)^n$, which is *less* (two darts may land close together; two grid points cannot). But if only
# one axis matters, $q = w$: the grid's chance is $kw = n^{1/d}w$, and the darts' chance is still $1-(1-w)^n$.

# %%
w, repeats = 0.2, 4000
rng = np.random.default_rng(4)
print("chance of hitting a box that takes 20 % of each axis that matters; 16 trials, 2 settings")
for matter in (1, 2):
    grid_hits = np.zeros(repeats, dtype=bool)
    random_hits = np.zeros(repeats, dtype=bool)
    for repeat in range(repeats):
        box = rng.uniform(0, 1 - w, matter)
        axis = (np.arange(4) + rng.random((2, 1))) / 4  # four values an axis, placed blindly
        points = np.stack(np.meshgrid(*axis), axis=-1).reshape(16, 2)
        for hits, tried in ((grid_hits, points), (random_hits, rng.random((16, 2)))):
            inside = (tried[:, :matter] > box) & (tried[:, :matter] < box + w)
            hits[repeat] = inside.all(axis=1).any()
    print(f"  {matter} of 2 matter: grid {grid_hits.mean():.2f}, random {random_hits.mean():.2f}")

# %% [markdown]
# Formula: $4\cdot0.2 = 0.80$ against $1 - 0.8^{16} = 0.97$ when one matters; $16\cdot 0.04 = 0.64$ against
# $1 - 0.96^{16} = 0.48$ when both do. Both numbers of the grid agree with it, and so do the darts'.
#
# So the grid is no superstition. With one setting, or with two that both matter, it is a good plan. What breaks
# it is the usual case: several settings, of which few matter, and nobody knows which. Each axis more takes a root
# of the number of values; on six axes 64 trials are two values each. (There are point sets that are spread as
# evenly as a grid *and* have $n$ values an axis: Sobol' sequences, `scipy.stats.qmc`.)

# %% [markdown]
# ## 4 · The right scale
#
# Random, then. But drawn *how*? Say the learning rate may lie between 0.0001 and 1. The obvious draw,
# `rng.uniform(0.0001, 1)`, puts
#
# $$\frac{0.1 - 0.0001}{1 - 0.0001} = \frac{0.0999}{0.9999} = 9.99\,\%$$
#
# of its draws below 0.1, and 90 % above, where this network mostly trains badly or not at all. Of 25 trials, three
# or so would be of any use. Three of the four powers of ten between 0.0001 and 1 share a tenth of the draws.
#
# A learning rate works by *factors*. From 0.001 to 0.002 is a change as big as from 0.1 to 0.2. So each factor of
# ten should get the same share of the draws: the **logarithm** should be uniform,
#
# $$r \sim U(\log_{10} a,\ \log_{10} b), \qquad \alpha = 10^{\,r}.$$
#
# Mind that $r$ runs between the *exponents*, here −4 and 0, not between $a$ and $b$. What distribution does
# $\alpha$ get? For any $x$ between $a$ and $b$,
#
# $$P(\alpha \le x) = P(r \le \log_{10} x) = \frac{\log_{10} x - \log_{10} a}{\log_{10} b - \log_{10} a}
# = \frac{\ln(x/a)}{\ln(b/a)},$$
#
# the same for every base of the logarithm, because the base cancels. With $a = 10^{-4}$, $b = 1$, $x = 0.1$ this
# is $3/4$: **75 %** of the draws instead of 9.99 %. The derivative with respect to $x$ is the density,
# $\frac{1}{x\,\ln(b/a)}$: ten times smaller $x$, ten times denser draws.

# %% [markdown]
# ### Exercise 1 · `sample_log_uniform` (4 points)
#
# For any bounds, not only for powers of ten.

# %% nbgrader={"grade": false, "grade_id": "sample_log_uniform", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sample_log_uniform(low, high, *, size, rng):
    """Draw numbers whose logarithm is uniform.

    Parameters
    ----------
    low, high : float
        Bounds of the draws, 0 < low < high.
    size : int
        How many, at least 1.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    ndarray of shape (size,)
        Independent draws, in no order, between low and high (rounding may carry one just outside).
        Of any two intervals [x, c x] between the bounds, with the same factor c, each gets the
        same share of them. A second call with the same rng gives other draws; an equal rng gives
        equal ones.

    Examples
    --------
    >>> draws = sample_log_uniform(0.0001, 1, size=100_000, rng=np.random.default_rng(0))
    >>> float(np.mean(draws < 0.1).round(2))
    0.75
    """
    ### BEGIN SOLUTION
    r = rng.uniform(np.log10(low), np.log10(high), size=size)
    return 10**r
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_sample_log_uniform", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(sample_log_uniform)
### BEGIN HIDDEN TESTS
check(sample_log_uniform, seed=909)
### END HIDDEN TESTS

# %%
draw = plug_in(sample_log_uniform)
rng = np.random.default_rng(5)
draws = {"uniform": rng.uniform(1e-4, 1, 20_000), "log-uniform": draw(1e-4, 1, size=20_000, rng=rng)}
figure, ax = plt.subplots()
edges = np.geomspace(1e-4, 1, 33)
for index, (name, values) in enumerate(draws.items()):
    share = np.histogram(values, edges)[0] / len(values)
    ax.stairs(share, edges, label=name, color=plotting.COLOURS[index], linewidth=2,
              linestyle=["-", "--"][index])
ax.set(xscale="log", xlabel="learning rate", ylabel="share of the draws", ylim=(0, 0.3))
loss_axis = ax.twinx()
loss_axis.plot(rates, curve, color="#777777", linewidth=1.2)
loss_axis.set(xlim=(1e-4, 1), ylim=(0, 3), ylabel="dev loss (thin grey)")
loss_axis.grid(False)
ax.legend(loc="upper left")
plotting.show(
    figure,
    "Shares of uniform and log-uniform draws on a logarithmic axis of learning rates, with the dev "
    "loss behind. Uniform draws pile up between 0.1 and 1, where the loss is mostly high. Log-uniform "
    "draws are spread evenly, and many lie in the valley.",
)
for name, values in draws.items():
    good = np.mean(np.interp(np.log(values), np.log(rates), curve) < 0.2)
    print(f"{name:12} below 0.1: {np.mean(values < 0.1):4.0%}, with a dev loss below 0.2: {good:4.0%}")

# %% [markdown]
# ## 5 · Beta, units, layers
#
# **Beta.** Momentum's $\beta$ lies, say, between 0.9 and 0.999. On which scale does it work? Week 02 gave the
# answer: what $\beta$ sets is the memory, about $1/(1-\beta)$ steps.
#
# | from | to | memory |
# |:--|:--|:--|
# | 0.9000 | 0.9005 | 10 to 10.05 steps: nothing has changed |
# | 0.9985 | 0.9990 | 667 to 1,000 steps: half as long again |
#
# The same step on $\beta$, and very different effects. Neither $\beta$ nor $\log\beta$ is the right axis
# ($\log\beta \approx -(1-\beta)$ is nearly straight there). What works by factors is the **distance from 1**. So
# draw *that* on a logarithmic scale, then turn it back into $\beta$. While $\beta$ runs from 0.9 to 0.999,
# between which two numbers does $1-\beta$ run, and which of them is the smaller?

# %% [markdown]
# ### Exercise 2 · `sample_beta` (3 points)

# %% nbgrader={"grade": false, "grade_id": "sample_beta", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sample_beta(low, high, *, size, rng):
    """Draw values of beta whose distance from 1 is log-uniform.

    Parameters
    ----------
    low, high : float
        Bounds of beta, 0 <= low < high < 1.
    size : int
        How many, at least 1.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    ndarray of shape (size,)
        Independent draws, in no order, between low and high (rounding may carry one just outside).
        A second call with the same rng gives other draws; an equal rng gives equal ones.

    Examples
    --------
    >>> draws = sample_beta(0.9, 0.999, size=100_000, rng=np.random.default_rng(0))
    >>> float(np.mean(draws < 0.99).round(2))
    0.5
    """
    ### BEGIN SOLUTION
    r = rng.uniform(np.log10(1 - high), np.log10(1 - low), size=size)
    return 1 - 10**r
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_sample_beta", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(sample_beta)
### BEGIN HIDDEN TESTS
check(sample_beta, seed=999)
### END HIDDEN TESTS

# %%
draw = plug_in(sample_beta)
rng = np.random.default_rng(6)
draws = {"uniform": rng.uniform(0.9, 0.999, 10_000), "yours": draw(0.9, 0.999, size=10_000, rng=rng)}
for name, beta in draws.items():
    memory = 1 / (1 - beta)
    share = [np.mean((memory >= a) & (memory < b)) for a, b in [(10, 32), (32, 100), (100, 1001)]]
    print(f"{name:8} memory 10 to 32 steps: {share[0]:4.0%}, 32 to 100: {share[1]:4.0%}, "
          f"100 to 1,000: {share[2]:4.0%}")

# %% [markdown]
# **Units.** Between 50 and 100 units in a layer, a uniform draw of a whole number is fine: the range is a factor of
# two, and on so short a stretch a logarithm is nearly straight. From 8 to 1,024 it is not; go
# by factors there.
#
# **Layers, batch sizes, names.** With two to four layers there are three options; list them and pick one. Batch
# sizes: a list of factors of two. An optimizer's name: a list.
#
# **Whole numbers have a trap at the top.** Cutting off decimals never reaches the upper bound, and rounding gives
# the two ends half a share each:

# %%
rng = np.random.default_rng(7)
u = rng.uniform(2, 4, 30_000)
ways = {
    "int(rng.uniform(2, 4))": u.astype(int),
    "round(rng.uniform(2, 4))": np.round(u).astype(int),
    "rng.integers(2, 4)": rng.integers(2, 4, 30_000),
    "rng.integers(2, 4, endpoint=True)": rng.integers(2, 4, 30_000, endpoint=True),
}
print(f"{'share of':34} 2 layers  3 layers  4 layers")
for name, layers in ways.items():
    print(f"{name:34}" + "".join(f"{np.mean(layers == k):9.0%} " for k in (2, 3, 4)))

# %% [markdown]
# ## 6 · Random search
#
# Now put it together. A search needs two things from you: an **objective**, which takes the settings as a dict
# and returns a number, lower being better; and a **space**, which says for each setting on what scale and between
# which bounds to draw.
#
#     repeat n times:
#         draw every setting, each on its own scale
#         train with them, measure the dev loss
#     the best are the settings with the lowest loss
#
# Three details decide whether it works. Every setting gets a draw of its *own*: one random number for all of them
# would search along a line. Every trial gets a dict of its own: if one dict is filled again and again, the
# record's entries all change with it. And a trial may diverge and return NaN, which is neither smaller nor larger
# than anything: `nan < 0.3` and `nan > 0.3` are both `False`. A NaN must not win.

# %% [markdown]
# ### Exercise 3 · `random_search` (5 points)

# %% nbgrader={"grade": false, "grade_id": "random_search", "locked": false, "schema_version": 3, "solution": true, "task": false}
def random_search(objective, space, *, trials, rng):
    """Try random settings.

    Parameters
    ----------
    objective : function
        objective(config) takes a dict, setting by name, and returns a float, lower is better.
        It may return NaN or infinity, but at least one value is finite. Call it once per trial.
    space : dict
        For each name a tuple (scale, low, high). The scale is "linear" (a float, uniform), "log"
        (a float, log-uniform) or "integer" (an int, as it will count something; uniform, low and
        high both included). Every setting of every trial is drawn independently of all others.
    trials : int
        How many settings to try, at least 1.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    best : tuple
        (config, value) of the trial with the lowest value, any of them in case of a tie.
    history : list of tuples
        (config, value) of all trials, in the order in which they were tried: a dict of its own for
        each, and the value as the objective returned it. A second call with the same rng tries
        other settings; an equal rng tries the same.

    Examples
    --------
    >>> space = {"lr": ("log", 0.001, 1.0), "units": ("integer", 2, 4)}
    >>> rng = np.random.default_rng(0)
    >>> best, history = random_search(lambda c: c["units"] + c["lr"], space, trials=50, rng=rng)
    >>> best[0]["units"], len(history)
    (2, 50)
    """
    ### BEGIN SOLUTION
    history = []
    for _ in range(trials):
        config = {}
        for name, (scale, low, high) in space.items():
            if scale == "log":
                config[name] = float(10 ** rng.uniform(np.log10(low), np.log10(high)))
            elif scale == "integer":
                config[name] = int(rng.integers(low, high, endpoint=True))
            else:
                config[name] = float(rng.uniform(low, high))
        history.append((config, objective(config)))
    best = min(history, key=lambda trial: np.inf if np.isnan(trial[1]) else trial[1])
    return best, history
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_random_search", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check(random_search)
### BEGIN HIDDEN TESTS
check(random_search, seed=60)
### END HIDDEN TESTS

# %%
try_settings = plug_in(random_search)
space = {"lr": ("log", 1e-4, 1.0), "batch_size": ("integer", 16, 128), "units": ("integer", 8, 64)}
own = iter(np.random.default_rng(8).spawn(20))  # a generator of its own for each training
(config, value), history = try_settings(
    lambda c: dev_loss(c, next(own)), space, trials=20, rng=np.random.default_rng(9)
)
anew = [
    np.mean([dev_loss(c, np.random.default_rng(100 + seed)) for seed in range(5)]) for c in ({}, config)
]
print(f"trained five times anew: as published {anew[0]:.1f}, best of {len(history)} {anew[1]:.1f}, "
      f"at a learning rate of {config['lr']:.2f}")

# %% [markdown]
# Twenty trainings, and the loss is a fifth of what the published settings gave, or less. (They are made for long
# trainings; this one has 15 epochs, so it wants larger steps.) Two things make the comparison honest. Each trial had
# a generator of its own: with one seed for all, they would share the luck of one start. And the winner was trained
# *again* before it was compared, as often as its rival: the lowest of twenty values is partly luck (section 9).
#
# ### On all cores
#
# The trials do not need each other. So they can run at the same time: `course_lib.search.random_search` does what
# yours does, in as many processes as your machine has cores. With longer trainings (60 epochs, more units):

# %% tags=["nbval-ignore-output"]
def long_loss(config, rng):
    """The objective, four times as long."""
    return fit(config, rng, epochs=60).loss(X_dev, y_dev)


wide = {
    "lr": search.log_uniform(1e-4, 1),
    "batch_size": search.choice([32, 64, 128, 256]),
    "units": search.integers(16, 128),
}
seconds = {}
for workers in (1, None):
    start = perf_counter()
    found = search.random_search(
        long_loss, wide, trials=16, rng=np.random.default_rng(10), workers=workers,
        progress=workers is None,
    )
    seconds[workers] = perf_counter() - start
print(f"one worker {seconds[1]:.1f} s, all cores {seconds[None]:.1f} s")
print(found)

# %% [markdown]
# Both find the same, to the last digit. On a machine with two idle cores expect the second to take little more than
# half as long; where other programs keep the cores busy, there is nothing to gain.
#
# Five things make such a search dependable, and you should ask for them wherever you use one:
#
# - **Reproducible.** Each trial has a generator of its own, a child of the one you pass in (`rng.spawn`). Who
#   finishes first changes nothing; two workers and one find the same numbers. If all trials shared one generator,
#   it would be a lottery; if all had the same seed, they would share the luck of one start.
# - **One thread per trial.** Linear algebra likes to take all cores for itself. Two trials that both do so are
#   slower than one after the other. The workers are told to use one thread each.
# - **Nothing is lost.** Stop it (the square button, or Ctrl-C), and you have what was found so far, with
#   `search.stopped` set. A trial that raises an error is kept with its error, and the others go on.
# - **Honest with NaN.** Neither NaN nor infinity wins.
# - **The same call on a cluster.** Give it any executor of Python's `concurrent.futures`: a thread pool, a process
#   pool, or Dask's `executor=client.get_executor()`, and the trials run on its machines.

# %%
def fragile(config, rng):
    """An objective with a bug for deep networks."""
    if config["layers"] == 3:
        raise MemoryError("too deep for this machine")
    return dev_loss(config, rng)


found = search.random_search(
    fragile, {"layers": search.integers(1, 3)}, trials=9, rng=np.random.default_rng(2), progress=False
)
failed = [trial.number for trial in found.trials if trial.error]
print(f"{len(found.trials)} trials kept, failed: {failed}, best value {found.best.value:.1f}")
print("the error:", found.trials[failed[0]].error.splitlines()[-1])

# %% [markdown]
# ### One careful model, or many at once
#
# A panda has one cub and watches over it day and night. A fish lays a million eggs and lets them be. Both
# strategies exist for networks. If one training takes three weeks of all the computers you have, you bring up
# **one model**: look at its loss every day, lower the learning rate a little when the curve gets bumpy, go back a
# day when it breaks. If you can afford twenty trainings, run **twenty at once** and keep the best. The second is
# better science, since nobody can repeat your interventions. It needs machines: this is what the cost of a GPU
# server buys.

# %% [markdown]
# ## 7 · Coarse to fine
#
# A first round of random trials tells more than its best trial. It tells *where* good trials lie. So spend half
# of the budget on a wide range (coarse), look at the best few, and draw the other half from the smaller range in
# which they lie (fine).
#
# Two rules make the zoom safe. Go by the best *few*, not by the one best, whose place is partly luck. And leave a
# **margin** around them, a factor to both sides for settings that work by factors. The margin may reach *beyond*
# the old range: if the best trials lie at its edge, the good region probably goes on outside, and the search must
# be able to follow. An optimum at the border is a finding, not a nuisance.

# %% [markdown]
# ### Exercise 4 · `coarse_to_fine` (4 points)

# %% nbgrader={"grade": false, "grade_id": "coarse_to_fine", "locked": false, "schema_version": 3, "solution": true, "task": false}
def coarse_to_fine(settings, values, *, keep, margin):
    """Find the ranges for a second, finer round.

    Parameters
    ----------
    settings : ndarray of shape (trials, d)
        The settings tried, one trial per row, all positive and all on a logarithmic scale; floats,
        or whole numbers such as units (the new bounds need not be whole).
    values : ndarray of shape (trials,)
        What the objective returned, lower is better. May hold NaN or infinity for trials that
        diverged, but at least `keep` are finite, and of these no two are equal.
    keep : int
        How many of the best trials to go by, from 1 to the number of trials.
    margin : float
        Factor above 1 by which each range is made longer at both ends.

    Returns
    -------
    low, high : ndarray of shape (d,)
        For each setting the smallest value among the best trials divided by the margin, and the
        largest times the margin, even beyond all settings tried. No argument is changed.

    Examples
    --------
    >>> settings = np.array([[0.01, 32.0], [0.1, 64.0], [1.0, 16.0]])
    >>> values = np.array([0.3, 0.2, 2.3])
    >>> low, high = coarse_to_fine(settings, values, keep=2, margin=2.0)
    >>> low.tolist(), high.tolist()
    ([0.005, 16.0], [0.2, 128.0])
    """
    ### BEGIN SOLUTION
    best = settings[np.argsort(values)[:keep]]
    return best.min(axis=0) / margin, best.max(axis=0) * margin
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_coarse_to_fine", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(coarse_to_fine)
### BEGIN HIDDEN TESTS
check(coarse_to_fine, seed=41)
### END HIDDEN TESTS

# %% [markdown]
# Two rounds for learning rate and hidden units, 24 trials each. In the picture a larger mark is a lower loss, and the
# box is what your function returned:

# %%
zoom = plug_in(coarse_to_fine)
names = ["lr", "units"]
ranges_now = {"lr": search.log_uniform(1e-5, 10), "units": search.log_uniform(4, 128)}


def rounded_loss(config, rng):
    """The objective, with a whole number of units."""
    return dev_loss(config | {"units": round(config["units"])}, rng)


coarse = search.random_search(
    rounded_loss, ranges_now, trials=24, rng=np.random.default_rng(11), progress=False
)
points = np.array([[trial.config[name] for name in names] for trial in coarse.trials])
low, high = zoom(points, coarse.values, keep=4, margin=1.5)
ranges_fine = {name: search.log_uniform(a, b) for name, a, b in zip(names, low.tolist(), high.tolist())}
fine = search.random_search(
    rounded_loss, ranges_fine, trials=24, rng=np.random.default_rng(12), progress=False
)
points_fine = np.array([[trial.config[name] for name in names] for trial in fine.trials])

print(f"median dev loss: coarse {np.median(coarse.values):.1f}, fine {np.median(fine.values):.1f}")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots(figsize=(6.8, 3.8))
ax.fill_between([low[0], high[0]], low[1], high[1], color="#dddddd", zorder=0)
for index, (name, where, values) in enumerate(
    [("coarse", points, coarse.values), ("fine", points_fine, fine.values)]
):
    size = np.clip(140 * 0.05 / values, 5, 180)
    ax.scatter(*where.T, s=size, color=plotting.COLOURS[index], marker=plotting.MARKERS[index],
               alpha=0.75, label=name)
units = [4, 8, 16, 32, 64, 128]
ax.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="hidden units")
ax.set(yticks=units, yticklabels=units)
ax.legend(title="the larger the better", loc="lower right")
plotting.show(
    figure,
    "Trials in the plane of learning rate and hidden units, larger marks for lower losses. The "
    "coarse ones are scattered over six powers of ten of learning rates, most of them small marks. "
    "A grey box round the best four holds the fine ones, nearly all large.",
)

# %% [markdown]
# The box reaches above the 128 units that the coarse search could draw: one of its best trials lay near that border.
# And the typical fine trial is many times better than the typical coarse one. But what counts is the *best*, and a
# fair comparison gives both sides the same number of trials. On the measured curve of section 3 that is cheap, so
# we do it 4,000 times: 20 trials at once, against 10 coarse and 10 fine ones around the best three.

# %%
rng = np.random.default_rng(13)
at_once = loss_at(rng.random((4000, 20))).min(axis=1)
two_rounds = []
for _ in range(4000):
    u = rng.random(10)
    lr = 10.0 ** (-5 + 5 * u)
    low, high = zoom(lr[:, None], loss_at(u), keep=3, margin=1.5)
    a, b = (np.log10([low[0], high[0]]) + 5) / 5
    fine_u = np.clip(rng.uniform(a, b, 10), 0, 1)
    two_rounds.append(min(loss_at(u).min(), loss_at(fine_u).min()))
for name, best in [("20 at once", at_once), ("10 + 10", np.array(two_rounds))]:
    print(f"{name:12} best loss: median {np.median(best):.3f}, "
          f"one time in ten worse than {np.quantile(best, 0.9):.3f}")

# %% [markdown]
# A gain, and a modest one. Does it grow with the number of settings? Take the simplest of losses, the squared distance
# from a best place somewhere in the ranges (five powers of ten along each axis), and again 20 trials in all:

# %%
rng = np.random.default_rng(13)
for d in (1, 2, 3, 6):
    best, width = [], []
    for _ in range(2000):
        place, u, all_at_once = rng.random(d), rng.random((10, d)), rng.random((20, d))
        low, high = zoom(10 ** (5 * u), np.sum((u - place) ** 2, axis=1), keep=3, margin=1.5)
        a, b = np.log10(low) / 5, np.log10(high) / 5
        two = np.vstack([u, rng.uniform(a, b, (10, d))])
        best.append([np.sum((tried - place) ** 2, axis=1).min() for tried in (all_at_once, two)])
        width.append(np.mean(b - a))
    once, twice = np.median(best, axis=0)
    print(f"{d} setting(s): 20 at once {once:.4f}, 10 + 10 {twice:.4f}, ratio {once / twice:.1f}; "
          f"the box takes {np.mean(width):.0%} of each range")

# %% [markdown]
# It helps with any of these numbers, but by a *smaller* factor the more settings there are. The best three of ten
# lie further apart along each axis then, so the box shrinks each range less. (The notes add that this narrowing
# comes back in batch normalisation as a moving average of means and variances. It does not; the two have nothing to
# do with each other. Week 11 will show.)

# %% [markdown]
# ## 8 · Successive halving
#
# Most trials are hopeless, and you could have said so after one epoch. So do not train them to the end. Train all
# of them **briefly**; keep the best third; train those three times as long; keep the best third of them; and so on
# until one is left. That is *successive halving* (the name is from the version that keeps a half).
#
# Here are 81 settings with their dev loss after each of 27 epochs:

# %%
rng = np.random.default_rng(14)
tried = {
    "lr": search.log_uniform(1e-4, 0.1),
    "beta1": search.one_minus_log_uniform(0.5, 0.99),
    "batch_size": search.choice([32, 64, 128, 256]),
    "units": search.integers(8, 64),
}


def learning_curve(rng):
    """Train with random settings for 27 epochs; return the dev loss after each epoch."""
    c = {name: sampler.sample(rng) for name, sampler in tried.items()}
    network = networks.MLP((64, c["units"], 10), rng=rng)
    adam = optimizers.Adam(network.params, lr=c["lr"], beta1=c["beta1"])
    losses = []
    for _ in range(27):
        for batch in minibatch.iterate_minibatches(X, y, batch_size=c["batch_size"], rng=rng):
            adam.step(network.loss_and_gradient(*batch)[1])
        losses.append(network.loss(X_dev, y_dev))
    return losses


curves = np.array([learning_curve(child) for child in rng.spawn(81)])
for epochs in (1, 3, 9):
    places = [curves[:, e - 1].argsort().argsort() for e in (epochs, 27)]
    print(f"rank correlation with the end, after {epochs} epoch(s): {np.corrcoef(*places)[0, 1]:.1f}")

# %% [markdown]
# 1 would be the same order, 0 no relation. The order after one epoch is already much like the order at the end.
# That is what successive halving lives on.
#
# What does it cost? With $n = 81$ settings and a factor of 3: 81 are trained for 1 epoch; 27 go on to epoch 3,
# two more for each; 9 go on to epoch 9; 3 to epoch 27. Together $81 + 27\cdot2 + 9\cdot6 + 3\cdot18 = 243$
# epochs, where training all of them to the end takes $81\cdot27 = 2{,}187$. Every round after the first costs the
# same, because the number of settings shrinks as fast as their training grows: two thirds of the first round, since
# the first third of each training is there already. With $k$ rounds after the first that makes $1 + \frac23k$ times
# the first round, here $1 + \frac23\cdot3 = 3$ times 81 epochs; and $k$ is at most about $\log_3 n$.

# %% [markdown]
# ### Exercise 5 · `successive_halving` (4 points)
#
# You get the table of all learning curves, but your function must only look where training would have come. The
# rounds: train all for `least` epochs. Then, while more than one is left: keep the best 1/`factor` of those that
# are left (rounded down, but at least one), and train the kept ones on, to `factor` times as many epochs as
# before, but to no more than the table has.

# %% nbgrader={"grade": false, "grade_id": "successive_halving", "locked": false, "schema_version": 3, "solution": true, "task": false}
def successive_halving(curves, *, least, factor):
    """Find a good setting without training all of them to the end.

    Parameters
    ----------
    curves : ndarray of shape (n, T)
        Column 0 holds the losses of all n settings after 1 epoch, column 1 after 2 epochs, and so
        on; n and T are at least 1. NaN, for a training that diverged, counts as worse than any
        number; there are always enough numbers to keep. No two numbers of a column are equal.
    least : int
        Epochs in the first round, from 1 to T.
    factor : int
        At least 2.

    Returns
    -------
    winner : int
        The row of the setting that is left.
    spent : int
        Epochs trained, in all rounds and for all settings together, the round for which a single
        one is left included. Those that are kept are trained on, not anew. (If n is 1, there is
        only the first round.) No argument is changed.

    Examples
    --------
    >>> curves = np.array([[5., 4., 3.], [4., 2., 1.], [6., 5., 0.], [9., 8., 7.]])
    >>> successive_halving(curves, least=1, factor=2)
    (1, 7)
    """
    ### BEGIN SOLUTION
    n, most = curves.shape
    alive = np.arange(n)
    epochs = least
    spent = n * least
    while len(alive) > 1:
        order = np.argsort(curves[alive, epochs - 1])
        alive = alive[order[: max(1, len(alive) // factor)]]
        longer = min(epochs * factor, most)
        spent += len(alive) * (longer - epochs)
        epochs = longer
    return int(alive[0]), spent
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_successive_halving", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(successive_halving)
### BEGIN HIDDEN TESTS
check(successive_halving, seed=27)
### END HIDDEN TESTS

# %% [markdown]
# Your function on the 81 curves. The picture shows how far each training went:

# %%
halve = plug_in(successive_halving)
winner, spent = halve(curves, least=1, factor=3)
place = np.sum(curves[:, -1] < curves[winner, -1]) + 1
print(f"{spent} epochs instead of {curves.size:,}; among the best ten at the end: {bool(place <= 10)}")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots(figsize=(6.8, 3.6))
alive, epochs = np.arange(81), 1
for index, until in enumerate((1, 3, 9, 27)):
    for row in alive:
        ax.plot(range(max(1, epochs), until + 1), curves[row, max(1, epochs) - 1 : until],
                color=plotting.COLOURS[index], linestyle="-", linewidth=1, marker="." if until == 1 else "")
    ax.text(until, 14, f"{len(alive)} left", ha="center", color=plotting.COLOURS[index])
    alive, epochs = alive[np.argsort(curves[alive, until - 1])[: len(alive) // 3]], until
ax.plot(range(1, 28), curves[winner], color="black", linestyle="--", linewidth=2, label="the winner")
ax.set(xscale="log", yscale="log", xlabel="epoch", ylabel="dev loss", xticks=[1, 3, 9, 27],
       xticklabels=[1, 3, 9, 27], ylim=(None, 25))
ax.legend(loc="lower left")
plotting.show(
    figure,
    "Dev loss against epochs. All 81 settings have a dot at epoch 1; 27 curves go on to epoch 3, 9 "
    "to epoch 9, 3 to the end. The winner's curve is the lowest at epoch 1 and at the end; in between "
    "it jumps, and near epoch 14 it is the highest of the last three.",
)

# %% [markdown]
# One table proves little. So draw 27 of the 81 settings at random, again and again. Successive halving on them
# costs 81 epochs, as much as three full trainings:

# %%
rng = np.random.default_rng(15)
ends = []
for _ in range(2000):
    some = curves[rng.permutation(81)[:27]]
    left, _ = halve(some, least=1, factor=3)
    ends.append((some[:3, -1].min(), some[left, -1], some[:, -1].min()))
three, halved, all_of_them = np.array(ends).T
print(f"halving beats three full trainings {10 * np.mean(halved < three):.0f} times in ten")
print("median of the final loss: " + ", ".join(
    f"{name} {np.median(loss):.2f}" for name, loss in
    [("three full trainings", three), ("halving", halved), ("all 27 in full", all_of_them)]
))

# %% [markdown]
# Halving ends at less than half of the loss that three full trainings reach at the same price, and at 0.03 it is not
# far from the 0.02 of the full search at nine times the price. What may go wrong? A setting that starts slowly and
# ends well is thrown out. Small learning rates are like that, and so are schedules with a long warm-up (week 07).
# And the last one left trains on without a rival: if its loss jumps in the end, nobody is there to take over. A
# larger `least` or a smaller `factor` is safer and dearer. In the library it is `search.successive_halving`, with
# real trainings in parallel, each round begun anew; Hyperband (Li et al., 2018) runs several of them with different
# `least`.

# %% [markdown]
# ## 9 · What the best trial is worth
#
# You have sixty trials, and one of them won. How good is it really? A thought experiment that you can run: sixty
# networks, *all equally good*. Each is right on 95 % of all images in the world. You measure each on 300 images.
#
# **Predict.** What accuracy does the best of the sixty show, typically?
#
# - `"a"`: 95 %
# - `"b"`: about 97.7 %
# - `"c"`: about 99.5 %

# %% nbgrader={"grade": false, "grade_id": "prediction_best_of_sixty", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_best_of_sixty = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_best_of_sixty = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_best_of_sixty", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_best_of_sixty=prediction_best_of_sixty)

# %%
rng = np.random.default_rng(16)
shown = rng.binomial(300, 0.95, size=(20_000, 60)) / 300
print(f"one network: {shown.mean():.1%}, give or take {shown[:, 0].std():.1%}")
print(f"the best of 60: {shown.max(axis=1).mean():.1%}")

# %%
settle(prediction_best_of_sixty=prediction_best_of_sixty)

# %% [markdown]
# Nearly three points from nothing: all sixty are the same. The winner is the *luckiest*, and its score includes
# the luck. Two formulas say how much.
#
# *The luck of one.* Accuracy on $n$ images is a mean of $n$ zeros and ones with probability $p$, so its standard
# deviation is
#
# $$\sigma = \sqrt{\frac{p(1-p)}{n}}; \qquad p = 0.95,\ n = 300:\quad \sigma = 1.26\,\%.$$
#
# *The luck of the best.* Let $Z_1 \dots Z_k$ be normal with mean 0 and standard deviation $\sigma$. For any
# $s > 0$ the exponential of the largest is at most the sum of all exponentials, and
# $\mathbb E\,e^{sZ} = e^{s^2\sigma^2/2}$:
#
# $$e^{\,s\,\mathbb E[\max Z_i]} \le \mathbb E\,e^{\,s \max Z_i} \le \sum_{i=1}^k \mathbb E\,e^{\,sZ_i}
# = k\,e^{s^2\sigma^2/2}$$
#
# (the first step is Jensen's inequality). Take logarithms and divide by $s$:
# $\mathbb E[\max Z_i] \le \frac{\ln k}{s} + \frac{s\sigma^2}{2}$, which is smallest at
# $s = \sqrt{2\ln k}/\sigma$:
#
# $$\mathbb E[\max Z_i] \le \sigma\sqrt{2\ln k}.$$
#
# For $k = 60$: at most $2.86\,\sigma = 3.6$ points; measured 2.7. It grows with every trial that you add, if
# slowly. (Accuracies are shares of right answers and only roughly normal. But for $p \ge \frac12$ the inequality
# $\mathbb E\,e^{sZ} \le e^{s^2\sigma^2/2}$ holds for them, too: it can only be a smaller number, because such a share
# has its longer tail below. So the bound stands.)
#
# This is why the **test set** must not choose. Choose on it, and its score becomes a winner's score, too high by
# luck; then no set is left that could tell you. Use it once, when all is decided.
#
# ### The cure: other seeds
#
# Now a real search of 60 trials, and then the five best settings once more, each with eight new seeds.

# %%
good_range = {
    "lr": search.log_uniform(1e-3, 1e-1),
    "beta1": search.one_minus_log_uniform(0.5, 0.99),
    "batch_size": search.choice([16, 32, 64, 128]),
    "units": search.integers(16, 64),
}
sixty = search.random_search(
    dev_loss, good_range, trials=60, rng=np.random.default_rng(17), progress=False
)
top = sorted(sixty.trials, key=lambda trial: trial.value)[:5]
again = search.grid_search(
    lambda job, rng: dev_loss(top[job["place"]].config, np.random.default_rng(1000 + job["seed"])),
    {"place": list(range(5)), "seed": list(range(8))}, rng=np.random.default_rng(0), progress=False,
).values.reshape(5, 8)

lucky = sum(trial.value < values.mean() for trial, values in zip(top, again))
print(f"looked better in the search than on average afterwards: {lucky} of 5")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots(figsize=(6.8, 3.2))
for place, trial in enumerate(top):
    spread = np.linspace(-0.18, 0.18, 8)
    ax.plot(place + spread, again[place], "o", color=plotting.COLOURS[0], alpha=0.6,
            label="eight new seeds" if place == 0 else None)
    error = again[place].std(ddof=1) / np.sqrt(8)
    ax.errorbar(place + 0.3, again[place].mean(), error, fmt="s", color="black", capsize=4,
                label="their mean ± standard error" if place == 0 else None)
    ax.plot(place - 0.3, trial.value, "^", color=plotting.COLOURS[1], markersize=9,
            label="in the search" if place == 0 else None)
ax.set(xticks=range(5), xticklabels=[f"no. {place + 1}" for place in range(5)], ylim=(0, None))
ax.set(xlabel="place in the search", ylabel="dev loss")
ax.legend(fontsize=9.5, loc="lower right")
plotting.show(
    figure,
    "For the five best of sixty settings, the dev loss in the search and with eight new seeds. "
    "In the search all five look better than the mean of their new runs, and the order of the "
    "five changes.",
)

# %% [markdown]
# That is how a search ends: the best few of it once more, with new seeds, and then the best *mean* wins, if it is
# ahead of the next by more than luck allows for. The measure of that is the **standard error** (the standard
# deviation over $\sqrt{\text{number of seeds}}$); for the difference of two means it is
# $\sqrt{\text{error}_1^2 + \text{error}_2^2}$. Where two are not told apart, say by twice that, take the cheaper
# network.
#
# And then, once, the test set, with the networks of the setting that we have decided for:

# %%
means, error = again.mean(axis=1), again.std(axis=1, ddof=1) / np.sqrt(8)
first, second = means.argsort()[:2]
clear = means[second] - means[first] > 2 * np.hypot(error[first], error[second])
print(f"lowest mean: no. {first + 1} of the search; ahead by more than two standard errors: {clear}")
chosen = top[first].config
accuracy = [
    fit(chosen, np.random.default_rng(2000 + seed)).accuracy(digits.X_test, digits.y_test)
    for seed in range(8)
]
print(f"test accuracy, eight seeds: {np.mean(accuracy):.0%}")

# %% [markdown]
# **Comparing two methods**, say two optimizers, is a search for each. It is fair if both get the same number of
# trials, equally wide ranges around what is usual for each, the same seeds, and equal effort of any other kind.
# "Our method, tuned, against theirs, as published" is a comparison of tuning.

# %% [markdown]
# ## 10 · Claims to test
#
# Decide: `"true"` (it holds), `"false"` (it does not), or `"depends"` (it holds under a condition that you can
# name).

# %% [markdown]
# **Claim 1.** *"A grid is more thorough than random trials."* (Section 3.)

# %% nbgrader={"grade": false, "grade_id": "claim_grid_thorough", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_grid_thorough = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_grid_thorough = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_grid_thorough", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_grid_thorough=claim_grid_thorough)

# %% [markdown]
# **Claim 2.** *"Of uniform draws between 0.0001 and 1, 9.8 % lie below 0.1."* A million draws, and how far chance
# may take the share:

# %%
draws = np.random.default_rng(18).uniform(1e-4, 1, 1_000_000)
share = np.mean(draws < 0.1)
print(f"share {share:.2%}, standard error {np.sqrt(share * (1 - share) / len(draws)):.2%}")

# %% nbgrader={"grade": false, "grade_id": "claim_nine_point_eight", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_nine_point_eight = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_nine_point_eight = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_nine_point_eight", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_nine_point_eight=claim_nine_point_eight)

# %% [markdown]
# **Claim 3.** *"Doubling the batch size, from 256 to 512 say, is worth a point of accuracy."* Five batch sizes,
# each at six learning rates, 30 epochs, four seeds. Left: what they reach. Right: what each doubling gains.

# %%
batch_sizes, lrs = [32, 64, 128, 256, 512], [0.001, 0.003, 0.01, 0.02, 0.05, 0.1]


def errors(config, rng):
    """Share of the dev set that is wrong, in points."""
    rng = np.random.default_rng(config["seed"])
    return 100 - 100 * fit(config, rng, epochs=30).accuracy(X_dev, y_dev)


table = search.grid_search(
    errors, {"batch_size": batch_sizes, "lr": lrs, "seed": list(range(4))},
    rng=np.random.default_rng(0), progress=False,
)
points = 100 - table.values.reshape(5, 6, 4)
gain = np.diff(points.mean(axis=2), axis=0)
own = np.diff(points.mean(axis=2).max(axis=1))

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
for index, (size, runs) in enumerate(zip(batch_sizes, points)):
    plotting.lines(left, {f"batch {size}": (lrs, runs.mean(axis=1))}, first=index,
                   marker=plotting.MARKERS[index], markersize=4)
left.set(xscale="log", xlabel="learning rate", ylabel="dev accuracy, points", ylim=(80, 100))
left.legend(fontsize=9, loc="lower center")
for index, lr in [(0, 0.001), (5, 0.1)]:
    right.plot(range(4), gain[:, index], plotting.MARKERS[index], label=f"both at {lr:g}",
               color=plotting.COLOURS[index])
right.plot(range(4), own, "s", color="black", markersize=8, label="each at its best rate")
right.axhline(0, color="#999999", linewidth=1)
right.set(xticks=range(4), xticklabels=["32→64", "64→128", "128→256", "256→512"])
right.set(ylabel="gain by doubling, points")
right.legend(fontsize=9)
plotting.show(
    figure,
    "Left: dev accuracy against the learning rate for five batch sizes; all reach about the same "
    "height, larger batches at larger rates. Right: what doubling the batch gains. At a rate of "
    "0.1 it gains points, except from 256 to 512; at 0.001 it loses points; with each batch at its "
    "own best rate the gain is close to 0.",
)

# %% nbgrader={"grade": false, "grade_id": "claim_doubling_batch", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_doubling_batch = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_doubling_batch = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_doubling_batch", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_doubling_batch=claim_doubling_batch)

# %% [markdown]
# ## 11 · Quiz
#
# **1.** A learning rate is drawn log-uniformly between $10^{-5}$ and 1. What share of the draws lies between 0.001
# and 0.01?
#
# - `"a"` 0.9 %
# - `"b"` 10 %
# - `"c"` 20 %
# - `"d"` 25 %

# %% nbgrader={"grade": false, "grade_id": "quiz_log_share", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_log_share = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_log_share = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_log_share", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_log_share=quiz_log_share)

# %% [markdown]
# **2.** Which line draws $\beta$ between 0.9 and 0.9999 as it should be drawn?
#
# - `"a"` `1 - 10 ** rng.uniform(-4, -1)`
# - `"b"` `10 ** rng.uniform(np.log10(0.9), np.log10(0.9999))`
# - `"c"` `1 - rng.uniform(0.0001, 0.1)`
# - `"d"` `1 - 10 ** rng.uniform(0.9, 0.9999)`

# %% nbgrader={"grade": false, "grade_id": "quiz_beta_line", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_beta_line = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_beta_line = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_beta_line", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_beta_line=quiz_beta_line)

# %% [markdown]
# **3.** A coarse search draws $\alpha$ between 0.0001 and 0.01. The best three trials have 0.0071, 0.0088 and
# 0.0097.
#
# - `"a"` Zoom in: the optimum is near 0.0085
# - `"b"` Done: take 0.0097
# - `"c"` Try more settings in the same range
# - `"d"` Search again in a range that goes on above 0.01

# %% nbgrader={"grade": false, "grade_id": "quiz_at_the_border", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_at_the_border = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_at_the_border = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_at_the_border", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_at_the_border=quiz_at_the_border)

# %% [markdown]
# **4.** Somebody trains 60 settings and reports the test accuracy of the one that does best on the test set.
#
# - `"a"` Fine: no network was trained on the test set
# - `"b"` The number is too high: it was chosen for its luck on that very set
# - `"c"` The number is too low: the test set is harder
# - `"d"` Fine, if there are at least 60 settings

# %% nbgrader={"grade": false, "grade_id": "quiz_best_on_test", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_best_on_test = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_best_on_test = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_best_on_test", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_best_on_test=quiz_best_on_test)

# %% [markdown]
# **5.** Setting A reaches 95.3 % of 300 dev images, setting B 95.0 %, one run each. What follows?
#
# - `"a"` A is better
# - `"b"` A is better, if both runs had the same seed
# - `"c"` Nothing: the difference is one image
# - `"d"` B is better, because it over-fits less

# %% nbgrader={"grade": false, "grade_id": "quiz_one_image", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_one_image = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_one_image = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_one_image", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_one_image=quiz_one_image)

# %% [markdown]
# ## 12 · In your own words (4 points)
#
# A colleague writes: *"I tuned the learning rate (0.1, 0.2, 0.3, 0.4), momentum (0.90, 0.93, 0.96, 0.99) and the
# number of layers (2, 3, 4) on a grid, 48 trainings, and took the one that was best on the test set. It beats the
# published optimizer by 0.4 points."*
#
# Answer in five to eight sentences. One point for each of these:
#
# 1. what is wrong with the scales, and better draws for learning rate and momentum;
# 2. what 48 random trials would have tried that the grid did not, with numbers;
# 3. why the reported accuracy is too high, and what to do instead;
# 4. what is missing for the comparison to be fair.
#
# If you learn on your own: write it, sleep on it, then give yourself the points.

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection_week09", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A model answer.* Learning rates work by factors: your four values lie within one factor of four, and everything
# below 0.1 was never tried; I would draw 10 to the power of a uniform number between −4 and 0. Momentum's effect
# goes with 1/(1 − β), which jumps from 25 to 100 steps between your last two values; I would draw 1 − β
# log-uniformly between 0.001 and 0.1. Your 48 trainings have tried four learning rates, twelve times each; 48
# random trials would have tried 48, and if only the learning rate matters, as in my scan where it moved the loss
# by a factor of 20, that is what counts. The best of 48 on the test set was chosen for its luck on that set: with
# 300 images and 95 % accuracy one score already scatters by 1.3 points, and the best of sixty equal networks
# shows 2.7 points too much. Choose on a dev set, train the best few again with new seeds, and look at the test
# set once. For a fair comparison the published optimizer must get a search of 48 trials, too, on ranges that suit
# it, with the same seeds, and both numbers need a mean and a standard error: 0.4 points may well be nothing.

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | First | published settings; then $\alpha$; then $\beta$, batch size, units; then layers, decay |
# | Random | $n$ values of every setting, a grid has $n^{1/d}$; 60 trials: a top-5 % setting with 95 % certainty |
# | Rates | $\alpha = 10^r$, $r \sim U(\log_{10} a, \log_{10} b)$ |
# | Beta | $\beta = 1 - 10^r$, $r \sim U(\log_{10}(1-\text{high}), \log_{10}(1-\text{low}))$ |
# | Counts | whole numbers with both ends; lists for layers, batch sizes, names |
# | Coarse to fine | range of the best few, with a margin, over the border if need be |
# | Halving | keep the best 1/3, train 3 times as long; $k$ such rounds: $1 + \frac23k$ times the first |
# | Luck | $\sigma = \sqrt{p(1-p)/n}$ for one score, up to $\sigma\sqrt{2\ln k}$ more for the best of $k$ |
#
# **Pitfalls.** `10 ** uniform(a, b)` with the bounds themselves as exponents · natural logarithm with base 10 ·
# $\beta$ drawn uniformly · whole numbers that never reach the top · one dict for all trials · NaN that wins · the
# same seed, or one shared generator, in all trials · an optimum at the border not noticed · the test set used to
# choose · a difference of one image taken for progress · ours tuned, theirs not.
#
# **Names.** PyTorch and Keras call $\beta_1, \beta_2$ `betas` or `beta_1`, `beta_2`, and $\alpha$ `lr` or
# `learning_rate`; SciPy's `loguniform`, scikit-learn's `RandomizedSearchCV` and `HalvingRandomSearchCV`, Optuna's
# `suggest_float(..., log=True)` are this week's functions.
#
# **Sources.** Bergstra and Bengio (2012), *Random search for hyper-parameter optimization* · Bengio (2012),
# *Practical recommendations for gradient-based training of deep architectures* · Kingma and Ba (2015), *Adam: a
# method for stochastic optimization* · Jamieson and Talwalkar (2016), *Non-stochastic best arm identification and
# hyperparameter optimization* · Li et al. (2018), *Hyperband* · Cawley and Talbot (2010), *On over-fitting in
# model selection* · Bouthillier et al. (2021), *Accounting for variance in machine learning benchmarks*.
#
# **Next week's question.** Your best network has learned the training images almost perfectly, and still misses
# some of the dev set. Where does that gap come from, and what closes it?
# [Week 10 · Generalisation](../week10_generalisation/week10_generalisation.ipynb)
