# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: "Foundations, part 1: from a first loss to gradient descent"
#     minutes: 110
# ---

# %% [markdown]
# # Week 00 · Foundations, part 1: from a first loss to gradient descent
#
# Welcome! This is the first page of the course, and it starts from nothing: a machine that guesses, a number that
# says how badly it guesses, and a way to make that number smaller. Everything later in the course, up to Adam and
# beyond, improves on this one idea.
#
# By the end you can
#
# - turn the scores of a classifier into probabilities and into a loss, without overflow;
# - derive the gradient of that loss on paper, write it in two lines, and check it without trusting yourself;
# - say what gradient descent has over trying at random, and when it has nothing over it;
# - recognise a learning rate that is too small or too large, and columns whose units ruin any learning rate.
#
# You need: Python, some NumPy (arrays, `@` for matrix products, sums along an axis), and what a derivative is.
# Time: about 110 minutes if both are familiar. If they are new to you, plan two sittings, sections 1 to 5 and 6 to
# 11: your work is saved. Points: 30, and 4 more for a written answer.

# %% [markdown]
# ## How this works
#
# - **Predict.** Before an experiment you say what you expect. Any guess earns the point; being surprised is the
#   use of it.
# - **Write.** Where it says `YOUR CODE HERE` you write a function of a few lines. The text above it gives the
#   idea and the formula; its docstring says exactly what goes in and what comes out.
# - **Check.** Run the `check(...)` cell below your function. It says what is right, or which mistake it is.
#   Check as often as you like, nobody counts.
# - **Stuck?** `hint(softmax)` gives a hint for the function `softmax`, a second call a stronger one, a third
#   nearly the line. An open exercise never stops the rest of the page.
# - **Claims.** At the end you judge sentences from real lecture notes by experiments. Some of them are wrong.
# - **Folded cells** only draw, or keep the books. Run them; you need not read them.
#
# Run the cells in order, with Shift+Enter. Begin with this one:

# %%
from time import perf_counter

import numpy as np
import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer

from course_lib import datasets, landscapes, networks, plotting
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()
digits = datasets.digits()
X, y = digits.X_train, digits.y_train
m = len(X)
print(f"X has shape {X.shape}: {m:,} images, one per row, each of 8 x 8 = 64 pixels")
print(f"y has shape {y.shape}: the digit that each image shows, {y.min()} to {y.max()}")

# %% [markdown]
# ## 1 · The question
#
# The images are handwritten digits. Here is a machine that reads them. It has 650 dials, which we call its
# **parameters**, and right now each of them stands at a random value.

# %%
def guess(w, b, images):
    """Return the machine's guess for every image; w and b are its dials."""
    return np.argmax(images @ w + b, axis=1)


rng = np.random.default_rng(28)
w, b = rng.normal(size=(64, 10)), rng.normal(size=10)
rows = np.concatenate([np.flatnonzero(y == digit)[:2] for digit in range(10)])
titles = [f"says {said}" for said in guess(w, b, X[rows])]
figure = plotting.image_grid(X[rows], titles, digits.shape)
plotting.show(
    figure,
    "Twenty handwritten digits, two of each class from 0 to 9, each titled with the guess of the "
    "machine with random dials. Hardly any guess is right.",
)
print(f"right on {np.mean(guess(w, b, X) == y):.0%} of all {m:,} images")

# %% [markdown]
# As good as rolling a ten-sided die. Somewhere among all settings of the dials there are some that read nineteen
# digits out of twenty correctly. Nobody can tell you which: no human being knows what the dial of pixel 37 for the
# digit 5 should say.
#
# > **This week's question.** A machine with 650 dials gets nine digits out of ten wrong. Which way do you turn
# > each dial, and how far?

# %% [markdown]
# ## 2 · Scores, and probabilities
#
# First, what the dials do. For an image $x$ (a row of $n = 64$ pixels) the machine computes one **score** for
# each of the $k = 10$ digits:
#
# $$z = x\,W + b, \qquad\text{that is}\qquad z_j = \sum_{a=1}^{n} x_a W_{aj} + b_j .$$
#
# | symbol | shape | what it is |
# |:--|:--|:--|
# | $X$ | $(m, n)$ | all images, one per row |
# | $W$ | $(n, k)$ | **weights**: how much pixel $a$ speaks for digit $j$ |
# | $b$ | $(k,)$ | **biases**: a head start for each digit |
# | $Z = XW + b$ | $(m, k)$ | scores, one row per image |
# | $y$ | $(m,)$ | **labels**: the right digits |
#
# $64\cdot 10 + 10 = 650$ dials. The machine guesses the digit with the highest score. (Many lectures put examples
# in columns and write $W^\top x$. It is the same.)
#
# So turn a dial a little and see whether the machine gets better! Let us try that with all 640 weights:

# %%
before = np.mean(guess(w, b, X) == y)
changed = 0
for a in range(64):
    for j in range(10):
        turned = w.copy()
        turned[a, j] += 0.001
        changed += np.mean(guess(turned, b, X) == y) != before
print(f"turned by 0.001, {changed} of 640 dials change the number of right guesses")

# %% [markdown]
# Not one: the number of right guesses is a staircase, and nearly everywhere you stand on a flat step. It
# tells you *that* the machine is bad, not which way is better. We need something that answers to every small
# turn.
#
# **Idea.** Let the machine say how sure it is. Turn its $k$ scores into $k$ probabilities: positive, with sum 1,
# higher where the score is higher. The exponential function makes anything positive; dividing by the sum does the
# rest. This is the **softmax**:
#
# $$p_j = \frac{e^{z_j}}{e^{z_1} + e^{z_2} + \dots + e^{z_k}} .$$
#
# **Only differences count.** Subtract the same number $c$ from all scores of an image, and
#
# $$\frac{e^{z_j - c}}{\sum_l e^{z_l - c}} = \frac{e^{-c}\,e^{z_j}}{e^{-c}\sum_l e^{z_l}} = p_j .$$
#
# Nothing changes. That is more than a curiosity, because a computer's numbers end near $10^{308}$:

# %%
with np.errstate(over="ignore", invalid="ignore"):
    scores = np.array([1000.0, 1001.0, 999.0])
    print("e to the scores:", np.exp(scores))
    print("their shares:   ", np.exp(scores) / np.exp(scores).sum())

# %% [markdown]
# `inf`, infinity, and infinity divided by infinity is `nan`, "not a number". Yet the right answer is harmless:
# it is the softmax of $(0, 1, -1)$. You may choose $c$, and a different one for each image. Choose it well.

# %% [markdown]
# **What counts in an answer,** here and in all weeks. Numbers count, not their dtype. If the numbers are right,
# float32 or float64, or a float where an array of whole numbers was expected, costs nothing. Two things do: a result
# that is cut to whole numbers, and a size or a count that must be an `int` because it goes on to index or to repeat
# something; the docstring says where.
#
# ### Exercise 1 · `softmax` (3 points)

# %% nbgrader={"grade": false, "grade_id": "softmax", "locked": false, "schema_version": 3, "solution": true, "task": false}
def softmax(z):
    """Turn scores into probabilities, row by row.

    Parameters
    ----------
    z : ndarray of float, shape (m, k)
        Finite scores, one row per example, with m and k at least 1. They may be in the thousands, above 0 or
        below, and differ that much within a row and between rows. Not changed.

    Returns
    -------
    ndarray of shape (m, k)
        Probabilities: finite, and every row sums to 1.

    Examples
    --------
    >>> softmax(np.array([[0.0, 0.0], [1000.0, 1001.0]])).round(3).tolist()
    [[0.5, 0.5], [0.269, 0.731]]
    """
    ### BEGIN SOLUTION
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_softmax", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(softmax)
### BEGIN HIDDEN TESTS
check(softmax, seed=1812)
### END HIDDEN TESTS

# %% [markdown]
# Put it to work. (`plug_in` gives you back your own function if its check is right, and otherwise the course's, so
# that the page goes on in any case.)

# %%
probabilities = plug_in(softmax)
p = probabilities(X @ w + b)
for i in rows[[0, 2, 6]]:
    best = np.argmax(p[i])
    print(f"a {y[i]}: the machine gives {p[i, best]:.2f} to the {best}, "
          f"and {p[i, y[i]]:.4f} to the right digit")

# %% [markdown]
# ## 3 · The loss
#
# Now we can say how bad a guess is: by the probability that went to the *right* digit, $p_y$. A good measure of
# badness is
#
# $$\ell = -\log p_y .$$
#
# (`log` is always the natural logarithm, `np.log`.)

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots(figsize=(5.6, 3.0))
chance = np.linspace(0.004, 1, 400)
plotting.lines(ax, {"−log p": (chance, -np.log(chance))})
for p_y in (1, 0.5, 0.1, 0.01):
    ax.plot(p_y, -np.log(p_y), "o", color=plotting.COLOURS[1])
    offset = (8, 4) if p_y < 1 else (-34, 8)
    ax.annotate(f"{-np.log(p_y) + 0:.2f}", (p_y, -np.log(p_y)), xytext=offset, textcoords="offset points")
ax.set(xlabel="probability given to the right digit", ylabel="loss", ylim=(-0.3, 5.8))
plotting.show(
    figure,
    "The curve of minus log p. It is 0 at probability 1, 0.69 at one half, 2.30 at one tenth, "
    "4.61 at one hundredth, and rises without bound towards probability 0.",
)

# %% [markdown]
# Certain and right costs nothing. One in ten costs 2.30. Certain and *wrong* costs without limit, which is what
# you want of a weather forecaster, too. And why the logarithm? Probabilities of independent events multiply: the
# machine's probability for getting all $m$ labels right is $p_{y_1}\cdot p_{y_2}\cdots p_{y_m}$. The logarithm
# turns this product into a sum, one term per image. Divided by $m$ it is the **loss** of the machine on the
# data:
#
# $$J = \frac1m\sum_{i=1}^{m} -\log p_{i, y_i} .$$
#
# It is called **cross-entropy**. In general, the cross-entropy of wanted probabilities $q$ and given ones $p$ is
# $-\sum_j q_j\log p_j$. With one right answer, $q_y = 1$ and the rest 0, a single term is left: $-\log p_y$.
#
# **Take the log on paper.** A probability of $e^{-1000}$ is rounded to 0, and $\log 0$ is $-\infty$. But
#
# $$-\log p_y = -\log\frac{e^{z_y}}{\sum_l e^{z_l}} = \log\Big(\sum_l e^{z_l}\Big) - z_y ,$$
#
# and here no probability needs to be rounded. (Large scores must not overflow in the sum, of course; you know the
# cure.) This is why PyTorch's `CrossEntropyLoss` takes scores, which it calls *logits*, and not probabilities.

# %% [markdown]
# ### Exercise 2 · `cross_entropy` (3 points)
#
# NumPy can pick one entry from each row: `table[np.arange(m), y]` is `table[0, y[0]]`, `table[1, y[1]]`, and so
# on.

# %% nbgrader={"grade": false, "grade_id": "cross_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cross_entropy(z, y):
    """Mean cross-entropy of the softmax of scores.

    Parameters
    ----------
    z : ndarray of float, shape (m, k)
        Finite scores, one row per example, with m and k at least 1. They may be in the thousands, above 0 or
        below. Not changed.
    y : ndarray of int, shape (m,)
        The right classes, 0 to k - 1; not every class need occur. Not changed.

    Returns
    -------
    float
        Mean over the examples of -log(probability of the right class). Finite even where that probability
        is too small for a floating-point number, and with no ceiling.

    Examples
    --------
    >>> z = np.array([[0.0, 0.0], [1000.0, 0.0]])
    >>> round(float(cross_entropy(z, np.array([0, 0]))), 4)
    0.3466
    >>> float(cross_entropy(z[1:], np.array([1])))
    1000.0
    """
    ### BEGIN SOLUTION
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(z)), y].mean()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_cross_entropy", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(cross_entropy)
### BEGIN HIDDEN TESTS
check(cross_entropy, seed=1905)
### END HIDDEN TESTS

# %%
loss_of_scores = plug_in(cross_entropy)
print(f"random dials:  loss {loss_of_scores(X @ w + b, y):.2f}")
print(f"all dials 0:   loss {loss_of_scores(X @ (0 * w) + 0 * b, y):.2f}   (log 10 = {np.log(10):.2f})")
changed = 0
for a in range(64):
    for j in range(10):
        turned = w.copy()
        turned[a, j] += 0.001
        changed += loss_of_scores(X @ turned + b, y) != loss_of_scores(X @ w + b, y)
print(f"turned by 0.001, {changed} of 640 dials change the loss")

# %% [markdown]
# All dials at 0 means: all digits equally likely, loss $\log 10 = 2.30$. Random dials are worse than that: they
# are often sure, and wrong.
#
# And now nearly every dial makes itself felt. (The other 30 belong to three pixels that are white in every image.)
# From a staircase we have come to a slope.

# %% [markdown]
# ## 4 · Altitude
#
# Think of the dials as a *place* and of the loss as its *altitude*. Every setting of the dials is a point in a
# landscape, good settings lie low, and training means: **go down**. You are in thick fog. You cannot see the
# valley; all you have is an altimeter, and each look at it costs a computation over all the images.
#
# A landscape of 650 dimensions cannot be drawn. So here is a machine with only two dials. It tells fives from
# threes by the ink in the left half and in the right half of the image (more ink than average counts as
# positive).

# %%
chosen = np.isin(y, (3, 5))
images, is_five = X[chosen].reshape(-1, 8, 8), y[chosen] == 5
ink = np.stack([images[:, :, :4].sum(axis=(1, 2)), images[:, :, 4:].sum(axis=(1, 2))], axis=1)
ink = ink - ink.mean(axis=0)


def altitude(w):
    """Loss of the two-dial machine: the five's score is ink @ w, the three's is 0."""
    z = ink @ w
    return np.mean(np.logaddexp(0, np.where(is_five, -z, z)))  # logaddexp(0, s) is log(1 + e^s)

# %% [markdown]
# And this is its landscape, drawn like a hiking map: each line joins places of equal altitude.

# %% jupyter={"source_hidden": true}
def draw_map(ax, window=(-2.4, 3.2, -3.2, 2.0)):
    """Draw the landscape as a hiking map: lines of equal altitude, with their heights."""
    left, right, bottom, top = window
    first, second = np.linspace(left, right, 57), np.linspace(bottom, top, 53)
    heights = np.array([[altitude(np.array([u, v])) for u in first] for v in second])
    levels = [0.18, 0.25, 0.4, 0.7, 1, 1.5, 2, 3]
    lines = ax.contour(first, second, heights, levels, colors="#999999", linewidths=0.8, linestyles="solid")
    ax.clabel(lines, fontsize=8)
    ax.set(xlabel="dial 1: ink on the left")
    ax.grid(False)


low = np.array([1.62, -1.39])
figure, ax = plt.subplots(figsize=(5.6, 4.4))
draw_map(ax)
ax.plot(-1, -1, "o", color=plotting.COLOURS[1], label=f"start, altitude {altitude(-np.ones(2)):.2f}")
ax.plot(*low, "k*", markersize=11, label=f"lowest point, {altitude(low):.2f}")
ax.set(ylabel="dial 2: ink on the right")
ax.legend(loc="upper right", frameon=True, framealpha=1, edgecolor="white")
plotting.show(
    figure,
    "Map of the loss over two dials with lines of equal altitude. A long bowl, steeper from corner to "
    "corner than along it. The start at (-1, -1) lies at 1.05; the lowest point near (1.6, -1.4) at 0.17.",
)

# %% [markdown]
# The lowest point makes sense: ink on the left speaks for a five, ink on the right for a three. But without the
# map?
#
# **Way 1: random search.** Try places at random. Keep the best.
#
# **Way 2: random local search.** Take one step in a random direction. If the altimeter shows less, stay; if not,
# step back. Repeat.
#
# In NumPy, for any number of dials:

# %%
def search_anywhere(loss, start, size, *, looks, rng):
    """Try places at random; return the best place so far after each look, and its altitude."""
    places, heights = [start], [loss(start)]
    for _ in range(looks):
        place = size * rng.normal(size=len(start))
        height = loss(place)
        better = height < heights[-1]
        places.append(place if better else places[-1])
        heights.append(height if better else heights[-1])
    return np.array(places), np.array(heights)


def search_nearby(loss, start, stride, *, looks, rng):
    """Step in random directions, but only downhill; return the places and their altitudes."""
    places, heights = [start], [loss(start)]
    for _ in range(looks):
        place = places[-1] + stride * rng.normal(size=len(start))
        height = loss(place)
        better = height < heights[-1]
        places.append(place if better else places[-1])
        heights.append(height if better else heights[-1])
    return np.array(places), np.array(heights)

# %% [markdown]
# **Way 3: feel the slope.** Even in fog you can tell with your feet which way the ground falls. Turn one dial a
# little up, look at the altimeter, turn it a little down, look again. The difference, divided by the distance,
# is the slope along this dial, the **partial derivative**:
#
# $$\frac{\partial J}{\partial w_a} \approx \frac{J(w + h\,e_a) - J(w - h\,e_a)}{2h} ,$$
#
# where $e_a$ is 1 at dial $a$ and 0 at all others. All slopes together form the **gradient** $g = \nabla J(w)$,
# which has the shape of $w$.
#
# *Why both sides?* Taylor's formula along one dial, with the derivatives of $J$ at $w$:
#
# $$J(w \pm h) = J \pm h J' + \tfrac{h^2}{2}J'' \pm \tfrac{h^3}{6}J''' + \dots$$
#
# The one-sided difference $\big(J(w+h) - J\big)/h = J' + \frac h2 J'' + \dots$ is wrong by something like $h$.
# In the two-sided one, $J''$ cancels: $\big(J(w+h) - J(w-h)\big)/2h = J' + \frac{h^2}{6}J''' + \dots$ is wrong
# by something like $h^2$. For $h = 10^{-4}$ that is the difference between four digits and eight. (Much smaller
# still, and rounding spoils it: you would subtract two numbers that agree in nearly all their digits.)

# %% [markdown]
# ### Exercise 3 · `numerical_gradient` (3 points)
#
# Write it for parameters of any shape, so that it serves for the matrix $W$, too. `np.ndindex(w.shape)` runs
# through all places of an array: `(0,)`, `(1,)`, … for a vector, `(0, 0)`, `(0, 1)`, … for a matrix; each can be
# used as an index.

# %% nbgrader={"grade": false, "grade_id": "numerical_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
def numerical_gradient(f, w, *, h):
    """Gradient by central differences, one entry at a time.

    Parameters
    ----------
    f : callable
        f(w) takes an array of the shape of w and returns a number.
    w : ndarray of float, of any shape with at least one axis and one entry
        Where the gradient is wanted. Not changed, not even for a while.
    h : float
        How far each entry is moved, up and down, the same for all; h > 0.

    Returns
    -------
    ndarray of the shape of w
        For each entry: f with that entry h higher, minus f with it h lower, over the distance.

    Examples
    --------
    >>> numerical_gradient(lambda w: w[0] ** 2 + 5 * w[1], np.array([3.0, 1.0]), h=0.01).round(6).tolist()
    [6.0, 5.0]
    """
    ### BEGIN SOLUTION
    gradient = np.zeros_like(w)
    for index in np.ndindex(w.shape):
        nudge = np.zeros_like(w)
        nudge[index] = h
        gradient[index] = (f(w + nudge) - f(w - nudge)) / (2 * h)
    return gradient
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_numerical_gradient", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(numerical_gradient)
### BEGIN HIDDEN TESTS
check(numerical_gradient, seed=1671)
### END HIDDEN TESTS

# %% [markdown]
# **Which way is down?** For a small step $\delta$ the loss changes by
#
# $$J(w + \delta) - J(w) \approx \sum_a g_a\,\delta_a = g\cdot\delta = \lVert g\rVert\,\lVert\delta\rVert\cos\varphi ,$$
#
# with $\varphi$ the angle between step and gradient. Among all steps of one length this is lowest for
# $\cos\varphi = -1$: straight against the gradient. So the gradient points uphill in the steepest direction, and
# **gradient descent** goes the other way:
#
# $$\boxed{\ w \leftarrow w - \alpha\, g\ }$$
#
# $\alpha$ is the **learning rate** (`lr`; many papers write $\eta$). The step has the length $\alpha\lVert
# g\rVert$: long where it is steep, short where it is nearly flat, so it shortens by itself on the way to the
# bottom.

# %%
def gradient_descent(loss, gradient, start, lr, *, steps):
    """Step against the gradient; return the places and their altitudes (which are only for the record)."""
    w = start
    places, heights = [w], [loss(w)]
    for _ in range(steps):
        w = w - lr * gradient(w)
        places.append(w)
        heights.append(loss(w))
    return np.array(places), np.array(heights)

# %% [markdown]
# A fair race: every way gets **60 looks** at the altimeter. A slope by nudges takes four looks (two dials, up
# and down), so gradient descent makes only 15 steps. Each way uses the best out of five settings. The random
# ones run twenty times, and the median counts; their settings are found on other random numbers than those of
# the race. Two helpers keep the books: `repeat` runs a random way once per seed, `best_setting` picks from a list the
# setting whose median is the lowest.

# %% jupyter={"source_hidden": true}
def repeat(search, loss, start, setting, *, looks, seeds):
    """Run a random way down once per seed; return the altitudes, one row per run."""
    runs = (search(loss, start, setting, looks=looks, rng=np.random.default_rng(seed)) for seed in seeds)
    return np.array([heights for _, heights in runs])


def best_setting(search, loss, start, settings, *, looks, seeds):
    """Return the setting whose median altitude at the end is the lowest."""
    ends = [repeat(search, loss, start, s, looks=looks, seeds=seeds)[:, -1] for s in settings]
    return settings[int(np.argmin(np.median(ends, axis=1)))]

# %%
measure_slope = plug_in(numerical_gradient)


def slope(w):
    """Return the gradient of the two-dial machine."""
    return measure_slope(altitude, w, h=1e-4)


start = np.array([-1.0, -1.0])
bottom = gradient_descent(altitude, slope, start, 2.0, steps=300)[1][-1]
size = best_setting(search_anywhere, altitude, start, [0.5, 1, 2, 3, 5], looks=60, seeds=range(100, 120))
stride = best_setting(search_nearby, altitude, start, [0.1, 0.2, 0.3, 0.5, 1], looks=60, seeds=range(100, 120))
rates = [0.3, 0.6, 1, 2, 3]
lr = rates[int(np.argmin([gradient_descent(altitude, slope, start, r, steps=15)[1][-1] for r in rates]))]

plain = repeat(search_anywhere, altitude, start, size, looks=60, seeds=range(20))
local = repeat(search_nearby, altitude, start, stride, looks=60, seeds=range(20))
walk, heights = gradient_descent(altitude, slope, start, lr, steps=15)
print(f"the lowest point lies at {bottom:.3f}; above it end")
for name, runs in [("random search", plain), ("random local search", local)]:
    lower, median, upper = np.percentile(runs[:, -1] - bottom, [25, 50, 75])
    print(f"{name:19} {median:.1e}, the middle half of its runs {lower:.1e} to {upper:.1e}")
for r, end in [(lr, heights[-1]), (1.8, gradient_descent(altitude, slope, start, 1.8, steps=15)[1][-1])]:
    print(f"gradient descent    {end - bottom:.1e} at lr {r:g}")

# %% [markdown]
# The paths, with one run of each random way:

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 3, figsize=(10.2, 3.7), sharey=True)
tried = size * np.random.default_rng(0).normal(size=(60, 2))
wander = search_nearby(altitude, start, stride, looks=60, rng=np.random.default_rng(0))[0]
for ax, title in zip(axes, ("random search", "random local search", "gradient descent")):
    draw_map(ax)
    ax.set_title(title)
axes[0].plot(*tried.T, "o", color=plotting.COLOURS[0], markersize=3.5)
axes[0].set(xlim=(-2.4, 3.2), ylim=(-3.2, 2.0), ylabel="dial 2: ink on the right")
plotting.path(axes[1], wander, label="local", index=1)
plotting.path(axes[2], walk, label="descent", index=2)
for ax in axes:
    ax.plot(*low, "k*", markersize=9)
plotting.show(
    figure,
    "Three maps with 60 looks each. Random search has sprinkled points all over, a few near the lowest "
    "point. Random local search has zigzagged to the lowest point. Gradient descent makes one long step "
    "at right angles to the lines of equal altitude, and then ever shorter ones to the end.",
)

# %% [markdown]
# All three arrive. Between random local search and gradient descent it is a *tie*: gradient descent's end lies
# within the middle half of the random runs, and a rate that happens not to be on its list, 1.8, would bring it
# nearly as low as their median. With two dials, trying at random is not bad at all. Keep that in mind, and turn to the machine
# with 650.

# %% [markdown]
# ## 5 · The gradient for the price of three looks
#
# By nudges, one gradient of 650 dials takes 1,300 looks. That is far too dear. But the altitude is not an unknown
# mountain: we have a *formula* for it, and a formula can be differentiated.
#
# **One image.** Its loss is $\ell = -z_y + \log\sum_l e^{z_l}$. How does it change with the score $z_j$? The
# first term contributes $-1$ if $j$ is the right digit and 0 otherwise, for which we write $-[\,j = y\,]$. The
# second, by the chain rule, contributes
#
# $$\frac{\partial}{\partial z_j}\log\sum_l e^{z_l} = \frac{1}{\sum_l e^{z_l}}\cdot e^{z_j} = p_j ,
# \qquad\text{so}\qquad \boxed{\ \frac{\partial\ell}{\partial z_j} = p_j - [\,j = y\,]\ }$$
#
# In words: *the probability given, minus the probability that would have been right*. A wrong digit that got 0.3
# is pushed down with force 0.3. The right digit, if it got only 0.1, is pulled up with force 0.9. A machine that
# is certain and right is left in peace.
#
# **From scores to dials.** $z_j = \sum_a x_a W_{aj} + b_j$. The dial $W_{aj}$ acts on the score $z_j$ only, with
# the factor $x_a$; the dial $b_j$ with the factor 1. The chain rule once more:
#
# $$\frac{\partial\ell}{\partial W_{aj}} = x_a\,\big(p_j - [\,j = y\,]\big), \qquad
# \frac{\partial\ell}{\partial b_j} = p_j - [\,j = y\,] .$$
#
# **All images.** $J$ is the mean of the losses, so its gradient is the mean of the gradients. With image $i$ in
# row $i$,
#
# $$\frac{\partial J}{\partial W_{aj}} = \frac1m\sum_{i=1}^m x_{ia}\,\big(p_{ij} - [\,j = y_i\,]\big), \qquad
# \frac{\partial J}{\partial b_j} = \frac1m\sum_{i=1}^m \big(p_{ij} - [\,j = y_i\,]\big) .$$
#
# The first is a table of shape $(n, k)$ like $W$, the second has shape $(k,)$ like $b$. A sum over $i$ of
# something with index $ia$ times something with index $ij$ is a matrix product. Which one? That is your
# exercise. This machine, linear scores with softmax and cross-entropy, is called **softmax regression**.

# %% [markdown]
# ### Exercise 4 · `softmax_regression_gradient` (4 points)
#
# The probabilities are `np.exp(log_softmax(z))`, with the course's `log_softmax`, so a slip in exercise 1 cannot
# cost you here.

# %% nbgrader={"grade": false, "grade_id": "softmax_regression_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
from course_lib.networks import log_softmax


def softmax_regression_gradient(w, b, X, y):
    """Gradient of the mean cross-entropy of softmax regression. No argument is changed.

    Parameters
    ----------
    w : ndarray of float, shape (n, k)
        Weights.
    b : ndarray of float, shape (k,)
        Biases.
    X : ndarray of float, shape (m, n)
        Examples, one per row, with m at least 1. The scores X @ w + b are finite, but may be in the thousands.
    y : ndarray of int, shape (m,)
        Their classes, 0 to k - 1; not every class need occur.

    Returns
    -------
    dw : ndarray of shape (n, k)
        Derivatives with respect to w, all finite.
    db : ndarray of shape (k,)
        Derivatives with respect to b, all finite.

    Examples
    --------
    >>> X, y = np.array([[1.0, 3.0], [0.0, 2.0]]), np.array([0, 0])
    >>> dw, db = softmax_regression_gradient(np.zeros((2, 2)), np.zeros(2), X, y)
    >>> dw.tolist(), db.tolist()
    ([[-0.25, 0.25], [-1.25, 1.25]], [-0.5, 0.5])
    """
    ### BEGIN SOLUTION
    dz = np.exp(log_softmax(X @ w + b))
    dz[np.arange(len(X)), y] -= 1
    dz /= len(X)
    return X.T @ dz, dz.sum(axis=0)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_softmax_regression_gradient", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(softmax_regression_gradient)
### BEGIN HIDDEN TESTS
check(softmax_regression_gradient, seed=1847)
### END HIDDEN TESTS

# %% [markdown]
# **Never trust a gradient that you have not checked.** A wrong one often still goes downhill, only badly, and
# nobody notices. You have the means: compute it by the formula and by nudges, and compare. This **gradient
# check** is slow, so do it once, on a few examples, and then train with the formula.

# %%
formula = plug_in(softmax_regression_gradient)
few, labels = X[:20], y[:20]
dw, db = formula(w, b, few, labels)
nudged_dw = measure_slope(lambda w: loss_of_scores(few @ w + b, labels), w, h=1e-4)
nudged_db = measure_slope(lambda b: loss_of_scores(few @ w + b, labels), b, h=1e-4)
for name, exact, nudged in [("dw", dw, nudged_dw), ("db", db, nudged_db)]:
    gap = np.linalg.norm(exact - nudged) / (np.linalg.norm(exact) + np.linalg.norm(nudged))
    print(f"{name}, shape {exact.shape}: relative difference below 1e-6? {gap < 1e-6}")

# %% [markdown]
# What does it cost? Here is one look at the altimeter, beside one gradient by your formula, by the course's
# (which gives the loss along with it), and by nudges:

# %% tags=["nbval-ignore-output"]
def milliseconds(run, repeats=30):
    """Return the median time of a call."""
    times = []
    for _ in range(repeats):
        began = perf_counter()
        run()
        times.append(perf_counter() - began)
    return np.median(times) * 1e3


look = milliseconds(lambda: loss_of_scores(X @ w + b, y))
yours = milliseconds(lambda: formula(w, b, X, y))
course = milliseconds(lambda: networks.softmax_regression_loss_and_gradient(w, b, X, y))
print(f"one look {look:.2f} ms; gradient: by the formula {yours:.2f} ms, by the course's {course:.2f} ms, "
      f"by nudges {1300 * look:.0f} ms")

# %% [markdown]
# This is the bargain on which deep learning is built. All 650 slopes for little more than the price of one look,
# and it stays so for a million dials: the gradient of a network costs about two or three times its loss. (Part 2
# shows how to get it for several layers; the recipe is called backpropagation.)

# %% [markdown]
# ## 6 · The race with 650 dials
#
# The same three ways down on the same kind of landscape, from all dials at 0. Each gets **1,500 looks**. A
# gradient by the formula is charged as *three* looks, which is more than it costs. So gradient descent makes 500
# steps.
#
# **Predict.** With two dials, random local search was level with gradient descent. Where will it be with 650, after
# 1,500 looks? It starts at 2.30.
#
# - `"a"`: about level with gradient descent, as before
# - `"b"`: well below its start, but at several times the loss of gradient descent
# - `"c"`: hardly below its start: in 650 dimensions nobody finds the way down by chance

# %% nbgrader={"grade": false, "grade_id": "prediction_way_down", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_way_down = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_way_down = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_way_down", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_way_down=prediction_way_down)

# %% [markdown]
# The course's softmax regression keeps its 650 dials in one vector. So the two functions below take such a vector,
# and the ways down of section 4 work on it unchanged: again each gets the best setting of a short list, and then
# runs.

# %%
network = networks.SoftmaxRegression(64, 10)  # keeps all 650 dials in one vector, network.params


def loss_650(dials):
    """Return the loss on all training images."""
    network.params[:] = dials
    return network.loss(X, y)


def gradient_650(dials):
    """Return its gradient, by the formula."""
    network.params[:] = dials
    return network.loss_and_gradient(X, y)[1].copy()


start, looks = np.zeros(650), 1500
size = best_setting(search_anywhere, loss_650, start, [0.03, 0.1, 0.2], looks=500, seeds=[100])
stride = best_setting(search_nearby, loss_650, start, [0.02, 0.05, 0.1], looks=looks, seeds=[100])
rates = [0.3, 1, 2]
ends = [gradient_descent(loss_650, gradient_650, start, r, steps=500)[1][-1] for r in rates]
lr = rates[int(np.argmin(ends))]

plain = repeat(search_anywhere, loss_650, start, size, looks=looks, seeds=range(3))
local = repeat(search_nearby, loss_650, start, stride, looks=looks, seeds=range(3))
dials, descent = gradient_descent(loss_650, gradient_650, start, lr, steps=500)
print(f"random search:       {np.median(plain[:, -1]):.2f}")
print(f"random local search: {np.median(local[:, -1]):.2f}")
print(f"gradient descent:    {descent[-1]:.2f}, at lr {lr:g}")
there = 3 * int(np.argmax(descent <= np.median(local[:, -1])))
print(f"gradient descent is as low as random local search's end after {there} looks")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
plotting.band(ax, range(looks + 1), plain, label="random search (3 runs)", index=0)
plotting.band(ax, range(looks + 1), local, label="random local search (3 runs)", index=1)
plotting.lines(ax, {"gradient descent": (3 * np.arange(501), descent)}, first=2)
ax.set(xlabel="looks at the altimeter (a gradient counts as three)", ylabel="loss", ylim=(0, 2.5))
ax.legend(loc="center right", bbox_to_anchor=(1, 0.6))
plotting.show(
    figure,
    "Loss against looks, 0 to 1,500. Random search hardly leaves its 2.3. Random local search falls steadily "
    "to about 0.35. Gradient descent is there within a hundred looks and ends at about 0.1.",
)

# %%
settle(prediction_way_down=prediction_way_down)

# %% [markdown]
# Gradient descent was where random local search *ended* after about a fifteenth of the looks. (And 2 is the largest
# rate on its list: a larger one would widen the gap.) But notice that local search is not beaten altogether. In all
# three runs it creeps down, without knowing any formula at all.
#
# And the machine? Let it read the 360 digits that were kept apart for **testing**, which it has never seen:

# %%
network.params[:] = dials[-1]
tested = network.accuracy(digits.X_test, digits.y_test)
print(f"after gradient descent: {tested:.0%} of the test digits right; "
      f"with random dials: {np.mean(guess(w, b, digits.X_test) == digits.y_test):.0%}")

# %% [markdown]
# That is the answer to this week's question: turn every dial against its slope, in proportion to the slope, all at
# once, and do it again.
#
# But why does local search creep? Because of what a random direction is worth. What counts is the cosine of its
# angle with the downhill direction: 1 goes straight down, 0 neither up nor down, −1 up. Here are the cosines of
# many random directions:

# %%
rng = np.random.default_rng(1)
figure, axes = plt.subplots(1, 2, figsize=(8.4, 2.9))
for index, (ax, n) in enumerate(zip(axes, (2, 650))):
    directions = rng.normal(size=(20_000, n))
    cosines = directions[:, 0] / np.linalg.norm(directions, axis=1)  # downhill: along the first axis
    ax.hist(cosines, bins=np.linspace(-1, 1, 61), color=plotting.COLOURS[index])
    ax.set(title=f"{n} dials", xlabel="cosine with the downhill direction", yticks=[])
    print(f"{n:3} dials: typical size of the cosine (root mean square) {np.sqrt(np.mean(cosines**2)):.2f}")
plotting.show(
    figure,
    "Two histograms of the cosine between random directions and the downhill direction. With 2 dials it "
    "takes all values from -1 to 1, most often near the ends. With 650 dials all are crowded around 0.",
)

# %% [markdown]
# With two dials, a random direction is downhill half the time, and often steeply. With 650, nearly every
# direction is nearly *level*. The proof takes one line: for a random direction $u$ of length 1, the squares of
# its $n$ components sum to 1 and are all alike on average, so each is $1/n$ on average, and the typical cosine
# is $1/\sqrt n$. For $n = 650$ that is 0.04. The gradient has cosine 1 at once.

# %% [markdown]
# ## 7 · The learning rate
#
# The direction is settled. How far should a step go? Take the simplest valley, a bowl with one dial and
# **curvature** $L$: $J(w) = \frac L2 w^2$. Its slope is $L w$, so a step of gradient descent is
#
# $$w \leftarrow w - \alpha L w = (1 - \alpha L)\,w .$$
#
# Every step multiplies the distance from the bottom by the same factor. After $t$ steps it is $(1-\alpha L)^t\,
# w_0$.
#
# **Predict.** A bowl with curvature $L = 10$, a start at $w_0 = 1$, a learning rate of $\alpha = 0.21$. What
# happens?
#
# - `"a"`: it goes to the bottom, jumping from side to side on the way
# - `"b"`: it jumps from side to side for ever, at the same height
# - `"c"`: it jumps from side to side, higher at each step

# %% nbgrader={"grade": false, "grade_id": "prediction_bowl", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_bowl = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_bowl = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_bowl", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_bowl=prediction_bowl)

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.4))
across = np.linspace(-2.6, 2.6, 200)
right.plot(across, 5 * across**2, color="#999999", linestyle="-", linewidth=1)
for index, lr in enumerate((0.005, 0.1, 0.19, 0.2, 0.21)):
    w_t = (1 - 10 * lr) ** np.arange(11.0)
    print(f"lr {lr:5}: factor {1 - 10 * lr:+.2f} per step, after 10 steps w = {w_t[-1]:+.2f}")
    plotting.lines(left, {f"lr {lr}": (range(11), w_t)}, first=index, marker=plotting.MARKERS[index])
    if lr in (0.005, 0.21):
        style = {"color": plotting.COLOURS[index], "marker": plotting.MARKERS[index], "markersize": 4}
        right.plot(w_t, 5 * w_t**2, linewidth=1, linestyle="-", **style)
left.set(xlabel="step", ylabel="w")
left.legend(fontsize=9, ncols=2, loc="upper left")
left.set_ylim(-2.6, 4.6)
right.set(xlabel="w", ylabel="loss", title="lr 0.005 and lr 0.21 in the bowl")
plotting.show(
    figure,
    "Left: w against steps for five learning rates in a bowl of curvature 10. At 0.005 it hardly falls, "
    "at 0.1 it is at 0 after one step, at 0.19 it swings in, at 0.2 it swings for ever, at 0.21 it swings "
    "out. Right: in the bowl, the run at 0.005 stays near its start, the run at 0.21 climbs the walls.",
)

# %%
settle(prediction_bowl=prediction_bowl)

# %% [markdown]
# | learning rate | factor $1-\alpha L$ | what you see |
# |:--|:--|:--|
# | far below $1/L$ | just under 1 | it **stalls**: right direction, tiny steps |
# | $1/L$ | 0 | at the bottom in one step |
# | between $1/L$ and $2/L$ | between 0 and −1 | it swings, and comes in |
# | $2/L$ | −1 | it swings for ever |
# | above $2/L$ | below −1 | it **diverges**: every step is worse than the one before |
#
# The border is $\alpha = 2/L$. The sharper the bend, the shorter the
# steps must be. A real loss bends differently in every direction and at every place, and the *sharpest* bend
# sets the border. On the digits it looks like this:

# %%
def train(network, X, y, *, lr, steps):
    """Train by gradient descent, from all dials at 0; return the loss before every step and at the end."""
    network.params[:] = 0
    record = []
    for _ in range(steps):
        loss, gradient = network.loss_and_gradient(X, y)
        record.append(loss)
        network.params -= lr * gradient
    return np.array([*record, network.loss(X, y)])


figure, ax = plt.subplots()
for index, lr in enumerate((0.003, 2, 100)):
    record = train(network, X, y, lr=lr, steps=40)
    plotting.lines(ax, {f"lr {lr}": (range(41), record)}, first=index)
    print(f"lr {lr:5}: loss {record[0]:.2f} at the start, {record[1]:.2f} after 1 step, "
          f"{record[2]:.2f} after 2")
ax.set(yscale="log", xlabel="step", ylabel="loss (logarithmic)")
ax.legend(loc="upper right")
plotting.show(
    figure,
    "Loss on the digits over 40 steps, logarithmic. At rate 0.003 a nearly horizontal line at 2.3. At "
    "rate 2 a smooth fall to 0.3. At rate 100 the loss falls in the first step, then shoots up to about two "
    "hundred within five, and comes down again to 0.8.",
)

# %% [markdown]
# **How to recognise both.**
#
# | the record of the loss | the learning rate is | do |
# |:--|:--|:--|
# | a nearly straight, gently falling line | too small | multiply it by 3 or 10 |
# | falls fast, then levels off | about right | try its neighbours |
# | jumps up and down, or is soon far *above* its start, or `nan` | too large | divide it by 3 or 10 |
#
# (At rate 100 the first step even helps: one good step proves nothing. That this run comes down again later is a
# kindness of this particular loss, which far out rises only in straight lines. Do not count on it.) And where do you begin? That depends, as we are about to see, on something
# that has nothing to do with learning.

# %% [markdown]
# ## 8 · Units
#
# Another machine, another task: 569 tumours, each described by measurements of its cells under the microscope.
# Is it malignant (0) or benign (1)? We take two columns only: the area of the largest cell nuclei, and how
# uneven their outline is ("smoothness"). 400 patients are for training, 169 for testing.

# %%
data = load_breast_cancer()
columns = [list(data.feature_names).index(name) for name in ("worst area", "worst smoothness")]
order = np.random.default_rng(0).permutation(len(data.target))
cells, tumour = data.data[order][:, columns], data.target[order]
C_train, t_train, C_test, t_test = cells[:400], tumour[:400], cells[400:], tumour[400:]
for name, column in zip(("area", "smoothness"), C_train.T):
    print(f"{name:10} from {column.min():8.3f} to {column.max():8.3f}, "
          f"standard deviation {column.std():.2g}")

# %% [markdown]
# One column in the thousands, one in the hundredths. That is not a property of tumours, only of the units that
# somebody chose.
#
# **Predict.** You train on these columns as they are, at the best of five learning rates, from tenths of a millionth
# to ten-thousandths, and then on the same columns brought to the same size, at a good rate for those. The second needs 3 steps to a loss of
# 0.2. How many does the first need?
#
# - `"a"`: about as many, since its learning rate is tuned for it
# - `"b"`: some thousands
# - `"c"`: more than 10,000

# %% nbgrader={"grade": false, "grade_id": "prediction_units", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_units = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_units = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_units", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_units=prediction_units)

# %% [markdown]
# **Why units matter.** Think of a bowl with two dials, $J = \frac12(\lambda_1 w_1^2 + \lambda_2 w_2^2)$.
# Gradient descent multiplies $w_1$ by $1 - \alpha\lambda_1$ and $w_2$ by $1-\alpha\lambda_2$, with one and the
# same $\alpha$. If $\lambda_1$ is the larger one, $\alpha$ must stay below $2/\lambda_1$. Then $w_2$ shrinks, at
# best, by a factor
#
# $$1 - \frac{2}{\lambda_1}\lambda_2 = 1 - \frac{2}{\kappa}, \qquad \kappa = \frac{\lambda_1}{\lambda_2} ,$$
#
# per step. $\kappa$, the largest curvature over the smallest, is the **condition number**. Since
# $(1 - 2/\kappa)^{\kappa/2} \approx 1/e$ for large $\kappa$, the slow dial needs about $\kappa/2$ steps to come closer by a factor of
# $e$.
#
# **The curvatures of our loss.** The slope of the loss along the dials $W_{aj}$ is the mean of $x_a(p_j -
# [\,j=y\,])$. Differentiate once more. With $\partial p_j/\partial z_l = p_j([\,j = l\,] - p_l)$ (try it: the
# quotient rule), the second derivative along $W_{aj}$ and $W_{cl}$ is the mean over the images of
#
# $$x_a\, x_c\; p_j\big([\,j = l\,] - p_l\big) .$$
#
# At the start all $p_j$ are $1/k$, so the images enter only through the table of the means of $x_a x_c$, that is
# $M = \frac1m X^\top X$, with a column of ones added to $X$ for the bias. The curvatures of the loss are those
# of $M$, times $1/k$. (And zeros: to add the same to all classes changes nothing.) The number $M_{aa}$ is the
# mean square of column $a$: a million for the area, two hundredths for the smoothness. So $\kappa$ is known before
# any training:

# %%
def condition_number(X):
    """Return the largest over the smallest curvature of softmax regression at the start."""
    X1 = np.hstack([X, np.ones((len(X), 1))])
    return np.linalg.cond(X1.T @ X1 / len(X))


print(f"columns as they are: condition number {condition_number(C_train):.0e}")

# %% [markdown]
# Two *billion*: for a factor of $e$ in the slowest direction, gradient descent needs a billion steps.
#
# The cure is to choose better units. Subtract from each column its mean, then divide by its standard deviation.
# Every column then has mean 0 and standard deviation 1. This is called **standardising**:
#
# $$\tilde x_a = \frac{x_a - \mu_a}{\sigma_a}, \qquad \mu_a = \frac1m\sum_i x_{ia}, \qquad
# \sigma_a^2 = \frac1m\sum_i (x_{ia} - \mu_a)^2 .$$
#
# **And the test set?** $\mu$ and $\sigma$ are part of the machine, as much as its dials. They are measured on
# the training data, and then used for whatever comes: 169 patients at once, or a single one. In a column that is the
# same in all training rows (a pixel that is always white) there is nothing to scale: subtract the mean, divide by 1.
# Ask the *entries* whether it is one. Rounding may leave its deviation a little above 0, and what is divided by that
# explodes: `np.std([0.1, 0.1, 0.1])` is 1.4e-17.

# %% [markdown]
# ### Exercise 5 · `standardize` (4 points)

# %% nbgrader={"grade": false, "grade_id": "standardize", "locked": false, "schema_version": 3, "solution": true, "task": false}
def standardize(X_train, X_test):
    """Bring every column to mean 0 and standard deviation 1, as measured on the training set.

    Parameters
    ----------
    X_train : ndarray of float, shape (m, n)
        Training examples, one per row, with m at least 1. All entries are finite. Not changed.
    X_test : ndarray of float, shape (k, n)
        Test examples, perhaps only one. All entries are finite. Not changed.

    Returns
    -------
    Z_train : ndarray of shape (m, n)
    Z_test : ndarray of shape (k, n)
        Both shifted and scaled by mean and standard deviation (as `np.std` has it) of the columns of X_train.
        A column whose entries in X_train are all equal has its mean subtracted and is divided by 1, even where
        rounding leaves its computed deviation above 0. However small the deviation of another column is, it is
        divided by it.

    Examples
    --------
    >>> Z_train, Z_test = standardize(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[6.0, 7.0]]))
    >>> Z_train.tolist(), Z_test.tolist()
    ([[-1.0, 0.0], [1.0, 0.0]], [[4.0, 2.0]])
    """
    ### BEGIN SOLUTION
    mean = X_train.mean(axis=0)
    std = X_train.std(axis=0)
    constant = X_train.max(axis=0) == X_train.min(axis=0)
    std = np.where(constant, 1.0, std)
    return (X_train - mean) / std, (X_test - mean) / std
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_standardize", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(standardize)
### BEGIN HIDDEN TESTS
check(standardize, seed=1783)
### END HIDDEN TESTS

# %%
Z_train, Z_test = plug_in(standardize)(C_train, C_test)
for name, table in [("columns as they are", C_train), ("divided, not centred", C_train / C_train.std(axis=0)),
                    ("standardised", Z_train)]:
    print(f"{name:21} condition number {condition_number(table):.2g}")

# %%
reader = networks.SoftmaxRegression(2, 2)
raw_rates = [3e-7, 1e-6, 3e-6, 1e-5, 1e-4]
raw_lr = min(raw_rates, key=lambda lr: train(reader, C_train, t_train, lr=lr, steps=1000)[-10:].max())
raw = train(reader, C_train, t_train, lr=raw_lr, steps=10_000)
print(f"as they are,  lr {raw_lr:g}: loss {raw[-1]:.2f} after 10,000 steps, "
      f"{reader.accuracy(C_test, t_test):.0%} of the test patients right; "
      f"it calls {np.mean(reader.predict(C_test) == 0):.0%} of them malignant")
units = train(reader, Z_train, t_train, lr=3.0, steps=1000)
print(f"standardised, lr 3: loss {units[-1]:.2f} after 1,000 steps, "
      f"{reader.accuracy(Z_test, t_test):.0%} of the test patients right")
print(f"standardised, a loss of 0.2 after {np.argmax(units < 0.2)} steps")

# %% [markdown]
# Both records of the loss, and the standardised patients with the line on which both classes get the same score:

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.6))
curves = {"columns as they are": raw, "standardised": units}
plotting.lines(left, {name: (np.arange(len(record)) + 1, record) for name, record in curves.items()})
left.set(xscale="log", xlabel="steps + 1", ylabel="loss", ylim=(0, 0.75))
left.legend(loc="center right")
for kind, marker, name in [(0, "^", "malignant"), (1, "o", "benign")]:
    colour = plotting.COLOURS[1 - kind]
    right.plot(*Z_train[t_train == kind].T, marker, color=colour, markersize=4, alpha=0.6, label=name)
(u, v), c = reader.w[:, 1] - reader.w[:, 0], reader.b[1] - reader.b[0]
across = np.array([-3, 6])
right.plot(across, -(u * across + c) / v, "k-")
right.set(xlim=(-1.8, 5), ylim=(-3, 4.5), xlabel="area (standardised)", ylabel="smoothness (standardised)")
right.legend(loc="upper right")
plotting.show(
    figure,
    "Left: loss against steps, on a logarithmic axis. On the columns as they are it stays just below "
    "0.69 for 10,000 steps; standardised it falls to 0.12 within a hundred. Right: the training patients "
    "in standardised area and smoothness, malignant and benign, separated by a straight line with few "
    "mistakes.",
)

# %%
settle(prediction_units=prediction_units)

# %% [markdown]
# 10,000 steps on the raw columns, and the machine still calls everybody malignant. With standardised columns a
# hundred steps do. The data, the machine and the algorithm are the same; only the units have changed.
#
# On the digits all pixels have the same unit. With measured data, make standardising a habit; it costs a few lines. (It
# does not cure *everything*: columns that say nearly the same as each other, like radius, perimeter and area,
# keep $\kappa$ large. Momentum, in week 04, copes better with that.)

# %% [markdown]
# ## 9 · Claims to test
#
# The following sentences stand in lecture notes, or nearly so. Run the experiments, then decide: `"true"` (it
# holds), `"false"` (it does not), or `"depends"` (it holds under a condition that you can name). One rule for all
# claims of the course:
#
# - A sentence with *always, never, nobody, every, the best* is `"false"` as soon as one ordinary counter-example is
#   measured.
# - A sentence without such a word is `"true"` or `"false"` if the effect goes the same way in all ordinary settings.
#   It `"depends"` if it turns round between them; then say to yourself what it depends on.
# - Where two answers can be defended, both earn the point, and you read what is to be said for each.
#
# **Claim 1.** *"Gradient descent always reaches the global minimum, the lowest point of all."*
#
# First our digits. With a small penalty on large weights ($0.005\,\lVert W\rVert^2$, so that there is a lowest
# point at all), from three far-apart random starts. Then a landscape with two valleys, from 1,000 random starts:

# %%
penalised = networks.SoftmaxRegression(64, 10, l2=0.01)
for seed in range(3):
    penalised.params[:] = np.random.default_rng(seed).normal(size=650)
    first = penalised.loss(X, y)
    for _ in range(1000):
        penalised.params -= 1.0 * penalised.loss_and_gradient(X, y)[1]
    print(f"digits: from altitude {first:5.1f} to {penalised.loss(X, y):.2f}")

valleys = landscapes.double_well()
starts = np.random.default_rng(0).uniform(-2, 2, size=(1000, 2))
ends = starts.copy()
for _ in range(400):
    ends -= 0.1 * valleys.gradient(ends)
deeper = ends[:, 0] < 0
print(f"two valleys: {deeper.mean():.0%} of the starts end in the deeper one")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots(figsize=(5.6, 3.8))
plotting.contours(ax, valleys.value, (-2, 2, -2, 2))
for chosen, marker, name in [(deeper, "o", "ends in the deeper valley"), (~deeper, "^", "ends in the other")]:
    ax.plot(*starts[chosen][:150].T, marker, markersize=3.5, alpha=0.7, label=name)
ax.plot(*ends[deeper][0], "k*", *ends[~deeper][0], "k*", markersize=11)
ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=2, fontsize=9)
plotting.show(
    figure,
    "Map with two valleys, left and right. Starts on the left side of the ridge end in the left, deeper "
    "valley; starts on the right side in the right one.",
)

# %% nbgrader={"grade": false, "grade_id": "claim_global_minimum", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_global_minimum = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_global_minimum = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_global_minimum", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_global_minimum=claim_global_minimum)

# %% [markdown]
# **Claim 2.** *"The global minimum is the point where the loss becomes 0."* Go on training on the tumours, and
# look at what is left of the slope:

# %%
for steps in (100, 300, 1000, 3000):
    record = train(reader, Z_train, t_train, lr=3.0, steps=steps)
    length = np.linalg.norm(reader.loss_and_gradient(Z_train, t_train)[1])
    print(f"{steps:5,} steps: loss {record[-1]:.5f}, gradient shorter than 1e-6: {length < 1e-6}")

# %% nbgrader={"grade": false, "grade_id": "claim_zero_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_zero_loss = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_zero_loss = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_zero_loss", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_zero_loss=claim_zero_loss)

# %% [markdown]
# **Claim 3.** *"0.1 is a good learning rate to use by default."* A hundred steps at each of many rates, on four
# tables: the digits with pixels from 0 to 1, the very same digits with pixels from 0 to 255 as cameras deliver
# them, and the tumours before and after standardising.

# %%
tables = {
    "digits, pixels 0 to 1": (X, y),
    "digits, pixels 0 to 255": (255 * X, y),
    "tumours, as they are": (C_train, t_train),
    "tumours, standardised": (Z_train, t_train),
}
many_rates = 10.0 ** np.arange(-7, 3.5, 0.5)
figure, ax = plt.subplots(figsize=(7.2, 3.8))
for index, (name, (table, labels)) in enumerate(tables.items()):
    trainee = networks.SoftmaxRegression(table.shape[1], labels.max() + 1)
    ends = [train(trainee, table, labels, lr=lr, steps=100)[-10:].max() for lr in many_rates]
    style = {"marker": plotting.MARKERS[index], "markersize": 4}
    plotting.lines(ax, {name: (many_rates, ends)}, first=index, **style)
    print(f"{name:24} best rate about {many_rates[int(np.argmin(ends))]:.0e}")
ax.axvline(0.1, color="#999999", linewidth=1)
ax.set(xscale="log", yscale="log", ylim=(0.05, 30), xlabel="learning rate (grey: 0.1)",
       ylabel="highest loss in\nsteps 91 to 100")
figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=9)
plotting.show(
    figure,
    "Loss after a hundred steps against the learning rate, both logarithmic, for four tables. The "
    "lowest points lie at very different rates: some millionths, some ten-thousandths, about ten, about "
    "thirty. At 0.1, marked grey, the two with small inputs are far from done, and the two with large "
    "inputs are far above their start, one of them off the picture.",
)

# %% nbgrader={"grade": false, "grade_id": "claim_rate_tenth", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_rate_tenth = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_rate_tenth = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_rate_tenth", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_rate_tenth=claim_rate_tenth)

# %% [markdown]
# **Claim 4.** *"Random local search is hopelessly inefficient compared with gradient descent."* You have two
# races. Here is a third, in round bowls of 1 to 650 dimensions: how many looks until a tenth of the altitude is
# left? The stride is tuned anew for each dimension. Gradient descent, at half of the best rate, needs two steps,
# whatever the dimension; six looks.

# %%
def looks_to_a_tenth(n, stride, rng):
    """Count the looks that random local search needs from altitude 0.5 to 0.05 in a round bowl."""
    w, height, looks = np.full(n, n**-0.5), 0.5, 0
    while height > 0.05:
        place = w + stride * rng.normal(size=n)
        looks += 1
        if (below := 0.5 * place @ place) < height:
            w, height = place, below
    return looks


dimensions, needed = [1, 2, 5, 20, 65, 200, 650], []
for n in dimensions:
    tries = [np.median([looks_to_a_tenth(n, c / n, np.random.default_rng(s)) for s in range(5)])
             for c in (0.3, 0.6, 1.0)]
    needed.append(min(tries))
    print(f"{n:3} dials: {needed[-1]:5,.0f} looks")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
plotting.lines(ax, {"random local search": (dimensions, needed)}, marker="o")
plotting.lines(ax, {"gradient descent": (dimensions, [6] * 7)}, first=1, marker="^")
ax.set(xscale="log", yscale="log", xlabel="number of dials", ylabel="looks to a tenth")
ax.legend()
plotting.show(
    figure,
    "Looks needed against the number of dials, both logarithmic. For random local search they rise in "
    "proportion to the number of dials, from 4 to about 4,000; for gradient descent they stay at 6.",
)

# %% nbgrader={"grade": false, "grade_id": "claim_local_search", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_local_search = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_local_search = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_local_search", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_local_search=claim_local_search)

# %% [markdown]
# **Claim 5.** *"Standardising does not make softmax regression any more able. Whatever a machine can say about
# standardised columns, another setting of the dials can say about the raw ones."* Put $\tilde x_a = (x_a -
# \mu_a)/\sigma_a$ into the scores:
#
# $$\tilde z_j = \sum_a \frac{x_a - \mu_a}{\sigma_a}\,W_{aj} + b_j
# = \sum_a x_a\,\frac{W_{aj}}{\sigma_a} + \Big(b_j - \sum_a \frac{\mu_a}{\sigma_a} W_{aj}\Big) .$$

# %%
train(reader, Z_train, t_train, lr=3.0, steps=1000)
mean, std = C_train.mean(axis=0), C_train.std(axis=0)
translated = networks.SoftmaxRegression(2, 2)
translated.w[:] = reader.w / std[:, None]
translated.b[:] = reader.b - (mean / std) @ reader.w
gap = np.abs(translated.scores(C_test) - reader.scores(Z_test)).max()
print(f"largest difference of any score on the test patients below 1e-9? {gap < 1e-9}")
print(f"the dials for raw columns: area {translated.w[0, 1]:+.4f}, smoothness {translated.w[1, 1]:+.1f}")

# %% nbgrader={"grade": false, "grade_id": "claim_same_ability", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_same_ability = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_same_ability = "true"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_same_ability", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_same_ability=claim_same_ability)

# %% [markdown]
# ## 10 · Quiz
#
# **1.** A classifier for 100 kinds of flowers is brand new: it gives every kind the same probability. Its loss is
#
# - `"a"` 0.01
# - `"b"` 1
# - `"c"` 4.6
# - `"d"` 100

# %% nbgrader={"grade": false, "grade_id": "quiz_start_foundations", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_start_foundations = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_start_foundations = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_start_foundations", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_start_foundations=quiz_start_foundations)

# %% [markdown]
# **2.** You add 7 to all ten scores of an image. Its ten probabilities
#
# - `"a"` do not change
# - `"b"` all grow by the factor $e^7$
# - `"c"` become more alike
# - `"d"` become less alike

# %% nbgrader={"grade": false, "grade_id": "quiz_shift_foundations", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_shift_foundations = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_shift_foundations = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_shift_foundations", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_shift_foundations=quiz_shift_foundations)

# %% [markdown]
# **3.** A gradient check on 20 examples: every entry of your formula is exactly 20 times the entry by nudges.
# What is the likely reason?
#
# - `"a"` $h$ is too large
# - `"b"` the mean over the examples was forgotten in the formula
# - `"c"` the learning rate is 20 times too large
# - `"d"` nothing is wrong: nudges are only approximate

# %% nbgrader={"grade": false, "grade_id": "quiz_check_foundations", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_check_foundations = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_check_foundations = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_check_foundations", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_check_foundations=quiz_check_foundations)

# %% [markdown]
# **4.** The loss after each step of gradient descent: 2.30, 3.1, 9.8, 41, 160. What do you do?
#
# - `"a"` wait: it may come down
# - `"b"` multiply the learning rate by 3
# - `"c"` divide the learning rate by 3 or 10 and start again
# - `"d"` start from other dials, at the same learning rate

# %% nbgrader={"grade": false, "grade_id": "quiz_record_foundations", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_record_foundations = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_record_foundations = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_record_foundations", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_record_foundations=quiz_record_foundations)

# %% [markdown]
# **5.** The clinic uses your trained machine on one new patient. Somebody standardises this single row by its
# own mean and standard deviation, column by column. What does the machine get to see?
#
# - `"a"` the same numbers as with the training set's mean and deviation
# - `"b"` numbers a little too large
# - `"c"` zeros (or `nan`), whoever the patient is
# - `"d"` the raw measurements

# %% nbgrader={"grade": false, "grade_id": "quiz_patient_foundations", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_patient_foundations = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_patient_foundations = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_patient_foundations", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_patient_foundations=quiz_patient_foundations)

# %% [markdown]
# ## 11 · In your own words (4 points)
#
# A friend has built a softmax regression on a table of patients: age in years, income in euros, a blood value of
# about 0.02. The loss stands at 0.69 and does not move. With ten times the learning rate it jumps to 4,000. The
# friend says: *"Gradient descent does not work. I'll try settings at random instead."*
#
# Answer in five to eight sentences. One point for each of these:
#
# 1. what the two observations say about the learning rate, and which column it is that sets its limit;
# 2. what to do about it, including what happens to the test patients;
# 3. why trying at random is no way out when there are many dials, with a number from this page;
# 4. how you would make sure that the gradient itself is right.
#
# If you learn on your own: write it, sleep on it, then give yourself the points.

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection_foundations", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A model answer.* The rate is too small and too large at once: the loss does not move because most dials crawl,
# and ten times more lies beyond $2/L$ and diverges. The limit comes from the sharpest curvature, and that
# belongs to the income, whose numbers are by far the largest; for the blood value the same rate is far too
# small. On this page two such columns made a condition number of two billion, and 10,000 steps at the best of five
# rates brought the loss from 0.69 to 0.68. Standardise: subtract each column's mean and divide by its standard deviation, both measured
# on the training patients, and apply the same two numbers to the test patients. Then rates around 1 work. Random
# settings are no way out: with 650 dials a random direction has a cosine of about 0.04 with the downhill one,
# and random local search needed about fifteen times as many looks as gradient descent; plain random search got
# nowhere. Before training I would compare the formula's gradient with central differences on a few examples: the
# relative difference should be below one millionth.

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | Scores | $Z = XW + b$, shapes $(m,n)(n,k)+(k,)$ |
# | Softmax | $p_j = e^{z_j}/\sum_l e^{z_l}$; subtract the row's maximum first |
# | Loss | $J = \frac1m\sum_i\big(\log\sum_l e^{z_{il}} - z_{i,y_i}\big)$; all alike: $\log k$ |
# | Gradient | $\partial\ell/\partial z_j = p_j - [\,j=y\,]$; check it by $\frac{J(w+h)-J(w-h)}{2h}$, $h\approx10^{-4}$ |
# | Gradient descent | $w \leftarrow w - \alpha\,g$; on a bowl it stalls for $\alpha\ll 1/L$, diverges for $\alpha>2/L$ |
# | Units | standardise by the training set's mean and deviation; about $\kappa/2$ steps per factor $e$ |
# | Names | $w, dw, \alpha$: in papers $\theta, \nabla, \eta$; in PyTorch `p`, `p.grad`, `lr` of `torch.optim.SGD` |
#
# **Pitfalls.** softmax over the wrong axis · exponentials that overflow · the log of a rounded 0, or a ceiling
# put on it · the gradient not divided by $m$ · one-sided differences · a gradient never checked · the test set
# standardised by itself · one learning rate for all tables.
#
# **Sources.** Cauchy (1847), *Méthode générale pour la résolution des systèmes d'équations simultanées*:
# gradient descent, in three pages · Cox (1958), *The regression analysis of binary sequences* · Bridle (1990),
# *Probabilistic interpretation of feedforward classification network outputs*: the name softmax · LeCun, Bottou,
# Orr and Müller (1998), *Efficient BackProp*: why inputs are standardised · data: Alpaydin and Kaynak (1998),
# *Optical recognition of handwritten digits*; Wolberg, Street and Mangasarian (1995), *Breast cancer Wisconsin
# (diagnostic)*, both UCI.
#
# **The next question.** Look at section 8's right-hand picture once more. Two classes are equally likely where
# their scores are equal, $x\cdot(W_1 - W_0) + b_1 - b_0 = 0$ with $W_j$ for column $j$ of $W$, and that is
# always a *straight* line, however long you train. Four points can be laid out so that no straight line
# separates them. What has to be added to the machine? Go on with
# [Week 00.2 · Foundations, part 2](../week00_networks/week00_networks.ipynb), which starts with these four points.
