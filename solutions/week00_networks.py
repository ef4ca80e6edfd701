# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: "Foundations, part 2: from a perceptron to a network"
#     minutes: 110
#     builds_on: [week00_foundations]
# ---

# %% [markdown]
# # Week 00, part 2 · Foundations: from a perceptron to a network
#
# In part 1 a linear classifier learnt to read digits: scores, softmax, cross-entropy, a gradient, a step downhill.
# Each of its scores is a straight-line affair. Part 2 is about what a straight line cannot do, and about the
# smallest change that gets past it. It begins with the four points that part 1 announced.
#
# By the end you can
#
# - say why cross-entropy is the right loss: it is maximum likelihood with the sign turned round;
# - write the perceptron, prove that it stops where a line exists, and prove that for XOR none does;
# - build a network that solves XOR with your own hands, without any training;
# - derive backprop through a hidden layer, write it, and prove to yourself by measurement that it is right;
# - judge claims about deeper networks from sixty starts instead of one.
#
# You need: part 1 (stable softmax, cross-entropy, gradient descent, central differences) and NumPy.
# Time: about 110 minutes, more if derivatives of several variables are new to you. Points: 30, and 4 more for a
# written answer.

# %%
from itertools import pairwise
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np

from course_lib import datasets, networks, optimizers, plotting, training
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()

# %% [markdown]
# ## 1 · The question
#
# A staircase has a lamp and two switches, one at each end. With both switches down the lamp is off. Flip either
# one and it goes on. Flip the other as well and it goes off again. Every electrician can wire that.
#
# Now let a classifier learn it. There are only four examples: two inputs, 0 or 1, and the class says whether the
# lamp is on. The rule is called **exclusive or**, XOR. Beside it are two rules that look just as simple. (Folded
# cells, like the next but one, only draw.)

# %%
X, y_xor = datasets.xor()
gates = {
    "AND": (X.sum(axis=1) == 2).astype(int),
    "OR": (X.sum(axis=1) >= 1).astype(int),
    "XOR": y_xor,
}

# %% jupyter={"source_hidden": true}
window = (-0.4, 1.4)


def draw_gate(ax, y, score=None):
    """Draw the corners by class; where there is a score, shade the side where it is positive."""
    if score is not None:
        grid = np.linspace(*window, 241)
        points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
        inside = (score(points) > 0).reshape(len(grid), len(grid))
        ax.contourf(grid, grid, inside, levels=[0.5, 1.5], colors=["#cfe3f1"])
    for label, marker, colour in [(0, "o", "white"), (1, "s", plotting.COLOURS[1])]:
        style = {"markersize": 11, "markerfacecolor": colour, "markeredgecolor": "black"}
        ax.plot(*X[y == label].T, marker, label=f"class {label}", **style)
    ax.set(xlim=window, ylim=window, xticks=[0, 1], yticks=[0, 1], aspect="equal")


figure, axes = plt.subplots(1, 3, figsize=(9, 3.2))
tries = [((1, 1), -1.5), ((1, 1), -0.5), ((1, 1), -0.5)]
for ax, (name, y), (w, b) in zip(axes, gates.items(), tries):
    draw_gate(ax, y, lambda points: points @ np.array(w) + b)
    ax.set(title=name, xlabel="first input")
axes[0].set_ylabel("second input")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
plotting.show(
    figure,
    "Three squares with four corners each. For AND and for OR a shaded half-plane holds exactly "
    "the corners of class 1. For XOR the two corners of class 1 lie diagonally, and the shaded "
    "half-plane that holds both of them also holds a corner of class 0.",
)

# %% [markdown]
# The shaded side is where a linear score $z = x_1 w_1 + x_2 w_2 + b$ is positive. For AND and OR a line does it.
# For XOR, move the line as you like: at least one corner ends up on the wrong side. (Section 5 proves it.)
#
# > **The question of part 2.** What can be separated by no straight line: how can it be learnt at all?
#
# First, we make sure that it is not the *loss* that fails. Then, that it is not the *training*. What then remains
# is the shape of the model.

# %% [markdown]
# ## 2 · What does fitting mean? Maximum likelihood
#
# Throw a drawing pin ten times. It lands point up ($y = 1$) seven times. With which probability $\theta$ does it
# land point up? If it is $\theta$, the tosses that you saw had the probability
#
# $$L(\theta) = \prod_{i=1}^{m} \theta^{y_i} (1-\theta)^{1-y_i} = \theta^{7}(1-\theta)^{3}.$$
#
# (Each factor is $\theta$ if $y_i = 1$, and $1-\theta$ if $y_i = 0$: a **Bernoulli** distribution.) Read as a
# function of $\theta$, with the data fixed, it is the **likelihood**. Choose the $\theta$ that makes what happened
# most probable: **maximum likelihood**.
#
# A product of many probabilities soon rounds to 0, and sums are easier to differentiate. So one climbs the
# logarithm, divided by $m$, the **mean log-likelihood**. The logarithm rises steadily, so the top stays where it
# is:
#
# $$\ell(\theta) = \frac1m\log L(\theta) = \frac1m\sum_{i=1}^m \big[\,y_i\log\theta +
# (1-y_i)\log(1-\theta)\,\big].$$
#
# You know this sum. Put a minus in front of it and it is part 1's **cross-entropy**, for two classes with the
# probabilities $\theta$ and $1-\theta$. *To minimise the cross-entropy is to maximise the likelihood.* Walking up
# the one by its gradient (gradient **ascent**, with a plus) is walking down the other (descent, with a minus): the
# same steps, the same numbers. With $k$ classes it is the same: the likelihood is the product of the $p_{i,y_i}$.

# %%
tosses = np.array([1, 1, 0, 1, 1, 1, 0, 1, 0, 1])
print(f"0.7 ** 7 * 0.3 ** 3 = {0.7**7 * 0.3**3:.4f}, but 0.5 ** 2000 = {0.5**2000}")

# %% [markdown]
# The likelihood of these tosses against $\theta$, and the mean log-likelihood:

# %% jupyter={"source_hidden": true}
theta = np.linspace(0.001, 0.999, 999)
mean_log = np.mean(tosses) * np.log(theta) + np.mean(1 - tosses) * np.log(1 - theta)
figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.2))
axes[0].plot(theta, 1000 * np.exp(10 * mean_log))
axes[0].set(title="likelihood", xlabel="θ", ylabel="L(θ), in thousandths")
axes[1].plot(theta, mean_log)
axes[1].set(title="mean log-likelihood", xlabel="θ", ylabel="ℓ(θ)", ylim=(-3, 0))
for ax in axes:
    ax.axvline(0.7, color="#999999", linewidth=1)
plotting.show(
    figure,
    "Left: the likelihood of theta for seven ones in ten tosses, a hump with its top at 0.7. "
    "Right: the mean log-likelihood, an arch with its top at the same place.",
)

# %% [markdown]
# The slope, with $\bar y = \frac1m\sum_i y_i$ the fraction of ones:
#
# $$\frac{d\ell}{d\theta} = \frac{\bar y}{\theta} - \frac{1-\bar y}{1-\theta}
# = \frac{\bar y(1-\theta) - (1-\bar y)\theta}{\theta(1-\theta)} = \frac{\bar y - \theta}{\theta(1-\theta)} .$$
#
# It is positive below $\bar y$, negative above: the top is at $\theta = \bar y$, here 0.7. Fine; for a coin nobody
# needs an algorithm. But soon $\theta$ will come out of a model with many parameters, so let us climb.
#
# In $\theta$ itself that is dangerous. Start at $\theta = 0.02$: the slope is $0.68/(0.02\cdot0.98) = 35$, and
# with $\alpha = 0.1$ the next $\theta$ is 3.5. That is no probability. The cure is to climb in a number that may
# be anything, the **score** $z$, and to let the **sigmoid** make a probability of it:
#
# $$\theta = \sigma(z) = \frac{1}{1+e^{-z}},\qquad
# \frac{d\theta}{dz} = \frac{e^{-z}}{(1+e^{-z})^2} = \sigma(z)\,\big(1-\sigma(z)\big).$$
#
# (The last step: $1 - \sigma(z) = e^{-z}/(1+e^{-z})$.) Now the chain rule, $\frac{d\ell}{dz} =
# \frac{d\ell}{d\theta}\cdot\frac{d\theta}{dz}$. Do it on paper. The result is worth a smile.

# %% [markdown]
# ### Exercise 1 · `bernoulli_gradient_ascent` (4 points)

# %% nbgrader={"grade": false, "grade_id": "bernoulli_gradient_ascent", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bernoulli_gradient_ascent(y, *, z, lr, steps):
    """Climb the mean log-likelihood of a Bernoulli distribution by gradient ascent in the score z.

    Parameters
    ----------
    y : ndarray of int, shape (m,)
        What was seen, zeros and ones, at least one toss; perhaps all alike. Not changed.
    z : float
        Score at the start. May be far out: 2000 or -2000.
    lr : float
        Learning rate of the steps in z; lr > 0.
    steps : int
        Number of steps, 0 or more.

    Returns
    -------
    ndarray of shape (steps + 1,)
        The probabilities sigma(z) along the path: at the start, and after each step. All are finite; far out they
        may round to 0 or 1, and a warning of an overflow costs nothing.

    Examples
    --------
    >>> bernoulli_gradient_ascent(np.array([1, 1, 0, 1]), z=0.0, lr=2.0, steps=2).round(3).tolist()
    [0.5, 0.622, 0.68]
    """
    ### BEGIN SOLUTION
    path = []
    for _ in range(steps):
        theta = 1 / (1 + np.exp(-z))
        path.append(theta)
        z = z + lr * (np.mean(y) - theta)
    path.append(1 / (1 + np.exp(-z)))
    return np.array(path)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_bernoulli_gradient_ascent", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(bernoulli_gradient_ascent)
### BEGIN HIDDEN TESTS
check(bernoulli_gradient_ascent, seed=1713)
### END HIDDEN TESTS

# %% [markdown]
# Let it climb, from both sides, on the ten tosses:

# %%
climb = plug_in(bernoulli_gradient_ascent)
figure, ax = plt.subplots()
for index, z in enumerate((-4.0, 0.0, 3.0)):
    path = climb(tosses, z=z, lr=1.0, steps=40)
    plotting.lines(ax, {f"from z = {z:+.0f}": (range(41), path)}, first=index)
    print(f"from z = {z:+.0f}: θ {path[0]:.3f}, after 10 steps {path[10]:.3f}, "
          f"after 40 {path[-1]:.3f}")
ax.axhline(0.7, color="#999999", linewidth=1)
ax.set(xlabel="step", ylabel="θ = σ(z)", ylim=(0, 1))
ax.legend()
plotting.show(
    figure,
    "Three paths of theta over 40 steps of gradient ascent, from 0.02, 0.5 and 0.95. All three "
    "approach 0.7, the fraction of ones, and none leaves the interval from 0 to 1.",
)

# %% [markdown]
# ## 3 · Logistic regression: a coin for every example
#
# Let the score depend on the input: $z_i = x_i\cdot w + b$, with $x_i$ and $w$ of shape $(n,)$. Then
# $p_i = \sigma(z_i)$ is the model's probability of class 1 for example $i$, and maximum likelihood is **logistic
# regression**. Your result of exercise 1, example by example, gives the gradient of the loss $J = -\ell$:
#
# $$J = -\frac1m\sum_i\big[y_i\log p_i + (1-y_i)\log(1-p_i)\big],\qquad
# \frac{\partial J}{\partial w} = \frac1m\sum_i (p_i - y_i)\,x_i,\qquad
# \frac{\partial J}{\partial b} = \frac1m\sum_i (p_i - y_i) .$$
#
# It is part 1's softmax regression with two classes, in other clothes: $\sigma(z) = e^{z}/(e^0 + e^z)$ is the
# softmax of the scores $(0, z)$. The model says class 1 where $p > \frac12$, that is where $z > 0$: on one side of
# a straight line.

# %% [markdown]
# **Predict.** Gradient descent, ten thousand steps, on the four examples of XOR. What do the four probabilities
# $p_i$ look like in the end?
#
# - `"a"`: three are close to right; the fourth example is sacrificed
# - `"b"`: all four are about one half
# - `"c"`: they swing for ever, because no line is right

# %% nbgrader={"grade": false, "grade_id": "prediction_logistic_xor", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_logistic_xor = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_logistic_xor = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_logistic_xor", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_logistic_xor=prediction_logistic_xor)

# %%
with_ones = np.column_stack([X, np.ones(4)])  # the bias as the weight of a constant input


def logistic_regression(y, *, steps, seed, lr=1.0):
    """Train from a random start; return the four probabilities."""
    w = np.random.default_rng(seed).normal(size=3)
    for _ in range(steps):
        p = 1 / (1 + np.exp(-with_ones @ w))
        w = w - lr * with_ones.T @ (p - y) / 4
    return 1 / (1 + np.exp(-with_ones @ w))


for name, y in gates.items():
    p = logistic_regression(y, steps=10_000, seed=0)
    loss = -np.mean(np.log(np.where(y == 1, p, 1 - p)))
    print(f"{name:3} classes {y}, probabilities {p.round(2)}, loss {loss:.3f}")

# %%
settle(prediction_logistic_xor=prediction_logistic_xor)

# %% [markdown]
# AND and OR: done. XOR: "I do not know", four times, and a loss of $\log 2 = 0.693$. That is no accident of the
# start. At $w = 0, b = 0$ all $p_i = \frac12$, and the gradient of $b$ and $w$ is
#
# $$\tfrac14\sum_i(\tfrac12 - y_i)\,(x_i, 1) = \tfrac18\big[(0,0,1) - (0,1,1) - (1,0,1) + (1,1,1)\big] = (0,0,0).$$
#
# And from there the loss rises on all sides. With $\tilde x_i = (x_i, 1)$, its second derivative in a direction
# $v$ of shape $(3,)$ is $\frac14\sum_i p_i(1-p_i)\,(\tilde x_i\cdot v)^2$ (since $dp/dz = p(1-p)$, exercise 1's
# factor). That is positive everywhere: a $v \ne 0$ cannot be perpendicular to all four $\tilde x_i$. A slope that
# is 0 at one place and grows along every line through it is 0 nowhere else: the loss is **convex**, and this is
# *the* minimum. So gradient descent did its work perfectly. The best that this model can say about XOR is nothing.
#
# Lecture notes report that the accuracy then "sticks at 0.5". Let us look closely, from eight starts. Class 1 is
# said where $p > 0.5$:

# %%
print("steps    accuracy from eight starts                   largest |p − 0.5|")
for steps in (0, 100, 300, 10_000):
    p = np.array([logistic_regression(y_xor, steps=steps, seed=seed) for seed in range(8)])
    accuracy = np.mean((p > 0.5) == y_xor, axis=1)
    print(f"{steps:6,}   {'  '.join(f'{a:.2f}' for a in accuracy)}   {np.abs(p - 0.5).max():.0e}")

# %% [markdown]
# After 300 steps nobody has 0.5! The model is right on one corner or on three: all probabilities are within a few
# millionths of one half, and the last trace of the start decides on which side. After 10,000 steps even that has
# been rounded away, $p$ is exactly $0.5$, `p > 0.5` is false four times, and "0.50" comes out because two of the
# four classes are 0. So that 0.5 is a *tie*, not a measurement. When an accuracy looks odd, print the
# probabilities.

# %% [markdown]
# ## 4 · The perceptron
#
# Perhaps likelihood is too timid. In 1958 Frank Rosenblatt built a machine that did not care for probabilities.
# Its unit, the **perceptron**, was modelled on a nerve cell: inputs arrive, each is weighted, and if the sum
# exceeds a threshold the cell fires.
#
# $$\text{output} = \begin{cases} +1 & \text{if } x\cdot w + b > 0\\ -1 & \text{otherwise}\end{cases}$$
#
# $w$ of shape $(n,)$ are the weights, $b$ is the bias (minus the threshold), the step from $-1$ to $+1$ is the
# **activation function**. For what follows let the labels be $y_i = \pm1$. Then $y_i\,(x_i\cdot w + b)$ is
# positive exactly where the perceptron is right. It learns from its **mistakes only**:
#
# > Go through the examples, one after the other. If $y_i\,(x_i\cdot w + b) \le 0$, add $y_i x_i$ to $w$ and
# > $y_i$ to $b$. If it is positive, change nothing.
#
# No learning rate, no loss, no derivative: the step function has slope 0 wherever it has one.

# %% [markdown]
# **Predict.** AND, OR and XOR, always pass after pass from $w = 0$, $b = 0$, until a whole pass goes by without a
# mistake. What happens with XOR?
#
# - `"a"`: it stops with three of the four right
# - `"b"`: its weights shrink to 0, like those of logistic regression
# - `"c"`: it never stops, and its weights grow without limit
# - `"d"`: it never stops, and its weights come back to where they were

# %% nbgrader={"grade": false, "grade_id": "prediction_perceptron_xor", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_perceptron_xor = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
prediction_perceptron_xor = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_perceptron_xor", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_perceptron_xor=prediction_perceptron_xor)

# %% [markdown]
# ### Exercise 2 · `perceptron_epoch` (4 points)

# %% nbgrader={"grade": false, "grade_id": "perceptron_epoch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def perceptron_epoch(w, b, X, y):
    """Make one pass of the perceptron over the examples, in the order of the rows. No argument is changed.

    Parameters
    ----------
    w : ndarray of float, shape (n,)
        Weights at the start of the pass.
    b : float
        Bias at the start of the pass.
    X : ndarray of float, shape (m, n)
        Examples, one per row, with m at least 1.
    y : ndarray of int, shape (m,)
        Labels, -1 or +1.

    Returns
    -------
    w : ndarray of shape (n,)
        Weights after the pass.
    b : float
        Bias after the pass.
    mistakes : int
        Number of updates made. An example whose score is exactly 0 is a mistake, too.

    Examples
    --------
    >>> X, y = np.array([[1.0, 2.0], [3.0, 0.0], [2.0, 2.0]]), np.array([1, -1, 1])
    >>> w, b, mistakes = perceptron_epoch(np.zeros(2), 0.0, X, y)
    >>> w.tolist(), float(b), mistakes
    ([0.0, 4.0], 1.0, 3)
    """
    ### BEGIN SOLUTION
    mistakes = 0
    for x_i, y_i in zip(X, y):
        if y_i * (x_i @ w + b) <= 0:
            w = w + y_i * x_i
            b = b + y_i
            mistakes += 1
    return w, b, mistakes
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_perceptron_epoch", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(perceptron_epoch)
### BEGIN HIDDEN TESTS
check(perceptron_epoch, seed=1958)
### END HIDDEN TESTS

# %%
one_pass = plug_in(perceptron_epoch)
lines = {}
for name, y in gates.items():
    w, b, log = np.zeros(2), 0.0, []
    for _ in range(10):
        w, b, mistakes = one_pass(w, b, X, 2 * y - 1)
        log.append(mistakes)
    lines[name] = w, b
    print(f"{name:3} mistakes in ten passes: {log}, then w = {w}, b = {b:g}")

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 3, figsize=(9, 3))
for ax, (name, y) in zip(axes, gates.items()):
    w, b = lines[name]
    draw_gate(ax, y, lambda points: points @ w + b)
    ax.set(title=f"{name}: w = ({w[0]:g}, {w[1]:g}), b = {b:g}", xlabel="first input")
plotting.show(
    figure,
    "The perceptron after ten passes. For AND and for OR its line separates the two classes. "
    "For XOR nothing is shaded: weights and bias are all 0.",
)

# %%
settle(prediction_perceptron_xor=prediction_perceptron_xor)

# %% [markdown]
# ### Why it stops, where a line exists
#
# Write the bias as a weight of a constant input 1: $\tilde x_i = (x_i, 1)$ and $\tilde w = (w, b)$, both of shape
# $(n+1,)$. Suppose that *some* line separates the examples with room to spare: there is a $u$ of shape $(n+1,)$
# and length 1 with $y_i\,(u\cdot\tilde x_i) \ge \gamma > 0$ for all $i$. Let $R$ be the longest
# $\lVert\tilde x_i\rVert$. Start from $\tilde w_0 = 0$, and let $\tilde w_k$ be the weights after the $k$-th
# mistake, which happened at example $i$: $\tilde w_k = \tilde w_{k-1} + y_i\tilde x_i$.
#
# **Each mistake brings it closer to $u$'s direction:**
#
# $$u\cdot\tilde w_k = u\cdot\tilde w_{k-1} + y_i\,(u\cdot\tilde x_i) \ge u\cdot\tilde w_{k-1} + \gamma
# \quad\Longrightarrow\quad u\cdot\tilde w_k \ge k\gamma .$$
#
# **And makes it only a little longer**, because at a mistake $y_i\,(\tilde w_{k-1}\cdot\tilde x_i) \le 0$:
#
# $$\lVert\tilde w_k\rVert^2 = \lVert\tilde w_{k-1}\rVert^2
# + \underbrace{2\,y_i\,(\tilde w_{k-1}\cdot\tilde x_i)}_{\le\,0} + \lVert\tilde x_i\rVert^2
# \le \lVert\tilde w_{k-1}\rVert^2 + R^2
# \quad\Longrightarrow\quad \lVert\tilde w_k\rVert^2 \le kR^2 .$$
#
# A projection is never longer than the vector itself, so $k\gamma \le u\cdot\tilde w_k \le \lVert\tilde w_k\rVert
# \le \sqrt k\,R$, and therefore
#
# $$\boxed{\ k \le \Big(\frac R\gamma\Big)^2\ }$$
#
# The number of mistakes is *finite*, however many passes are made and in whatever order: after the last one, every
# pass is without a mistake. (Novikoff, 1962.) Notice where the proof uses that only mistakes are learnt from: the
# brace says $\le 0$. Update on correct examples as well, and every pass adds the same $\sum_i y_i\tilde x_i$: unless
# that is 0, $\tilde w$ grows for ever, in a direction that need not separate anything.
#
# How sharp is the bound? Sixty random problems, 40 points each, every one separable by construction:

# %%
rng = np.random.default_rng(11)
bounds, counted = [], []
for room in np.geomspace(0.03, 0.8, 60):
    u = rng.normal(size=3)
    u /= np.linalg.norm(u)
    points = rng.normal(size=(4000, 2))
    heights = np.column_stack([points, np.ones(4000)]) @ u
    keep = np.flatnonzero(np.abs(heights) >= room)[:40]
    points, labels = points[keep], np.sign(heights[keep]).astype(int)
    longest = np.sqrt(np.max(np.sum(points**2, axis=1) + 1))
    w, b, total, mistakes = np.zeros(2), 0.0, 0, 1
    while mistakes:
        w, b, mistakes = one_pass(w, b, points, labels)
        total += mistakes
    bounds.append((longest / np.abs(heights[keep]).min()) ** 2)
    counted.append(total)
room = np.array(bounds) / counted
print(f"mistakes in all: {min(counted)} to {max(counted)}; "
      f"the bound held in {np.sum(np.array(counted) <= bounds)} of 60 problems")
print(f"it is {room.min():.0f} to {room.max():.0f} times as large as the mistakes, in the median {np.median(room):.0f} times")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
ax.plot(bounds, counted, "o", color=plotting.COLOURS[0], label="one problem")
plotting.lines(ax, {"the bound": ([3, 2e4], [3, 2e4])}, first=1)
ax.set(xscale="log", yscale="log", xlabel="(R/γ)²", ylabel="mistakes until a perfect pass")
ax.legend()
plotting.show(
    figure,
    "Mistakes of the perceptron against the bound R over gamma squared, for 60 problems, on "
    "logarithmic axes. All points lie below the diagonal, most of them by a factor of ten to "
    "several hundred.",
)

# %% [markdown]
# It holds, with room. (The $u$ that made the labels is not the best one, so the true bound is lower still.) The
# theorem says *when* it stops. It does not say which of the many separating lines you get, and if there is none,
# it says nothing: then each pass has a mistake, and the perceptron goes round for ever, as you have seen.

# %% [markdown]
# ## 5 · No line, and a way out
#
# **Nobody's fault.** Suppose that a line did solve XOR. Its score would have to be
#
# $$\underbrace{b \le 0}_{(0,0)\text{ is class }0},\qquad \underbrace{w_2 + b > 0}_{(0,1)\text{ is class }1},\qquad
# \underbrace{w_1 + b > 0}_{(1,0)\text{ is class }1},\qquad \underbrace{w_1 + w_2 + b \le 0}_{(1,1)\text{ is class
# }0}.$$
#
# Add the two in the middle: $w_1 + w_2 + 2b > 0$. Add the outer two: $w_1 + w_2 + 2b \le 0$. Both cannot be. So no
# weights exist, whatever the loss and whoever the trainer. (Any *three* corners can be had right, though: OR's
# line errs at $(1,1)$ only.)
#
# Minsky and Papert's book *Perceptrons* (1969) proved much more of this kind, and money and interest went
# elsewhere for years. Not because nobody knew the way out: two layers do it. What was missing was a way to *train*
# them that many people knew.
#
# **The way out is a bend.** Give the line new inputs to look at. A **hidden unit** computes
# $a = \max(0, x\cdot w + b)$: a linear score, cut off at 0. The cut is called **ReLU**. Two hidden units, and then
# one linear score over *their* outputs:
#
# $$a_1 = \max(0,\ x\cdot w^{(1)}_{:,1} + b^{(1)}_1),\qquad a_2 = \max(0,\ x\cdot w^{(1)}_{:,2} + b^{(1)}_2),\qquad
# \text{score} = a_1 w^{(2)}_1 + a_2 w^{(2)}_2 + b^{(2)} .$$
#
# Can you choose the nine numbers so that the lamp of section 1 works? No training: think. Real switches do not
# send 0 and 1 but two voltages, so let that be `low` and `high`.

# %% [markdown]
# ### Exercise 3 · `xor_by_hand` (3 points)

# %% nbgrader={"grade": false, "grade_id": "xor_by_hand", "locked": false, "schema_version": 3, "solution": true, "task": false}
def xor_by_hand(low, high):
    """Weights of a network with two hidden ReLU units that computes XOR of two switches.

    The network's score for the inputs x, an array of shape (2,), is
    ``np.maximum(x @ w1 + b1, 0) @ w2 + b2``. It must be clearly positive (lamp on) where one switch
    is high and the other low, and clearly negative (lamp off) where both are high or both are low.
    Clearly means: by more than rounding.

    Parameters
    ----------
    low, high : float
        What a switch sends in its two positions, low < high. Both may be negative, or far from 0 and close together.

    Returns
    -------
    w1 : ndarray of shape (2, 2)
        Finite numbers, float or int, as in all four. Column j belongs to hidden unit j.
    b1 : ndarray of shape (2,)
    w2 : ndarray of shape (2,)
    b2 : float or int

    Examples
    --------
    >>> w1, b1, w2, b2 = xor_by_hand(0.0, 1.0)
    >>> corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> (np.maximum(corners @ w1 + b1, 0) @ w2 + b2 > 0).tolist()
    [False, True, True, False]
    """
    ### BEGIN SOLUTION
    w1 = np.array([[1.0, -1.0], [-1.0, 1.0]])
    b1 = np.zeros(2)
    w2 = np.array([1.0, 1.0])
    b2 = -(high - low) / 2
    return w1, b1, w2, b2
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_xor_by_hand", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(xor_by_hand)
### BEGIN HIDDEN TESTS
check(xor_by_hand, seed=1969)
### END HIDDEN TESTS

# %% [markdown]
# Many answers are right. This is what yours does to the plane, and where its hidden units put the four corners:

# %% jupyter={"source_hidden": true}
w1, b1, w2, b2 = plug_in(xor_by_hand)(0.0, 1.0)


def hidden(points):
    """Return what the two hidden units make of the points."""
    return np.maximum(points @ w1 + b1, 0)


figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.6))
draw_gate(left, y_xor, lambda points: hidden(points) @ w2 + b2)
left.set(title="what you see", xlabel="first input", ylabel="second input")
places = hidden(X)
reach = np.array([places.min() - 0.4, places.max() + 0.4])
grid = np.stack(np.meshgrid(np.linspace(*reach, 241), np.linspace(*reach, 241)), axis=-1)
right.contourf(*np.moveaxis(grid, -1, 0), grid @ w2 + b2 > 0, levels=[0.5, 1.5], colors=["#cfe3f1"])
for label, marker, colour in [(0, "o", "white"), (1, "s", plotting.COLOURS[1])]:
    style = {"markersize": 11, "markerfacecolor": colour, "markeredgecolor": "black"}
    right.plot(*places[y_xor == label].T, marker, **style)
for place in np.unique(places.round(6), axis=0):
    who = [f"({a:.0f}, {b:.0f})" for a, b in X[np.all(np.isclose(places, place), axis=1)]]
    right.annotate(" and ".join(who), place, xytext=(9, 9), textcoords="offset points", fontsize=9)
right.set(title="what the output unit sees", xlabel="first hidden unit", ylabel="second hidden unit")
right.set(xlim=reach, ylim=reach, aspect="equal")
plotting.show(
    figure,
    "Left: the plane of the inputs, where the shaded region of class 1 is no half-plane any more "
    "and holds exactly the two corners of class 1. Right: the plane of the two hidden units, where "
    "a straight line separates the classes.",
)

# %% [markdown]
# On the right a straight line is enough. The hidden layer has *moved* the corners, and because each unit bends at
# its zero, it could bring together what no straight score can. That is what hidden layers are for: they make new
# inputs, on which the last layer's straight line works.

# %% [markdown]
# ## 6 · The words, and the forward pass
#
# Stack such units and you have a **neural network**. A **layer** computes $a = g(xW + b)$ with an activation
# function $g$; layers between input and output are **hidden**. If every unit of a layer is wired to every unit of
# the layer before, so that no edge is missing, the network is **fully connected** (also: dense, multi-layer
# perceptron, MLP). Its weights from $n$ to $h$ units form a full matrix of shape $(n, h)$. Drawn with two inputs, four
# hidden units and three outputs:

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots(figsize=(6.8, 2.9))
columns = [(0, 2, "input", "X (m, n)"), (1, 4, "hidden", "a1 (m, h)"), (2, 3, "output", "p (m, k)")]
spots = {x: [(x, (count - 1) / 2 - i) for i in range(count)] for x, count, _, _ in columns}
for x in (0, 1):
    for start in spots[x]:
        for end in spots[x + 1]:
            ax.plot(*zip(start, end), color="#bbbbbb", linewidth=0.9, linestyle="-", zorder=1)
for x, _, name, shape in columns:
    style = {"markersize": 17, "markerfacecolor": "white", "markeredgecolor": "black", "zorder": 2}
    ax.plot(*zip(*spots[x]), "o", **style)
    ax.text(x, -2.25, f"{name}\n{shape}", ha="center", va="top", fontsize=10)
ax.text(0.5, 2.0, "w1 (n, h), b1 (h,)\nthen ReLU", ha="center", fontsize=10)
ax.text(1.5, 2.0, "w2 (h, k), b2 (k,)\nthen softmax", ha="center", fontsize=10)
ax.set(xlim=(-0.4, 2.4), ylim=(-3.4, 3.0))
ax.axis("off")
plotting.show(
    figure,
    "A fully connected network: two inputs, four hidden units, three outputs. Each input is wired "
    "to each hidden unit and each hidden unit to each output.",
)

# %% [markdown]
# Softmax regression, part 1's classifier, is such a network without a hidden layer. Beyond that, four names:
#
# | | |
# |:--|:--|
# | **ANN**, artificial neural network | the name for all of them. Some lecture notes keep it for networks with *one* hidden layer, but papers do not. |
# | **DNN**, deep neural network | two or more hidden layers, one on top of the other. "Deep" counts layers, not units. |
# | **CNN**, convolutional neural network | for images: a unit looks at a small patch only, and all patches share the same few weights, so that an edge is found wherever it is. Fully connected layers follow at the end. |
# | **RNN**, recurrent neural network | for sequences: one layer is used again at every time step, and its output is one of its inputs at the next. |
#
# What you learn about training in this course (gradients, mini-batches, optimizers) is the same for all four.
#
# We use the smallest: one hidden layer of $h$ ReLU units, $k$ classes, softmax. For a batch of $m$ examples, $X$
# of shape $(m, n)$, the **forward pass** goes from left to right through the drawing:
#
# $$Z_1 = XW_1 + b_1,\quad A_1 = \max(0, Z_1),\quad Z_2 = A_1W_2 + b_2,\quad P = \mathrm{softmax}(Z_2)
# \text{ row by row.}$$
#
# $Z_1, A_1$ have shape $(m, h)$ and $Z_2, P$ have shape $(m, k)$. The biases are added to every row. (The lectures
# put examples in columns and write $Z = WX + b$.) The last layer has no ReLU.

# %% [markdown]
# ### Exercise 4 · `mlp_forward` (3 points)
#
# Keep what you compute on the way: the backward pass will want $Z_1$ and $A_1$.

# %% nbgrader={"grade": false, "grade_id": "mlp_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mlp_forward(X, w1, b1, w2, b2):
    """Compute the probabilities of a network with one hidden layer of ReLU units. No argument is changed.

    Parameters
    ----------
    X : ndarray of float, shape (m, n)
        Examples, one per row. All sizes are at least 1, and all numbers are finite.
    w1 : ndarray of float, shape (n, h)
    b1 : ndarray of float, shape (h,)
    w2 : ndarray of float, shape (h, k)
    b2 : ndarray of float, shape (k,)

    Returns
    -------
    z1 : ndarray of shape (m, h)
        Scores of the hidden units, before the ReLU, negative ones included.
    a1 : ndarray of shape (m, h)
        After it.
    p : ndarray of shape (m, k)
        Probabilities of the classes; every row sums to 1. Finite and right for scores in the thousands, too,
        above 0 or below, and where one row's lie far above another's.

    Examples
    --------
    >>> X, w1, b1 = np.array([[1.0, 2.0]]), np.array([[1.0, -1.0], [1.0, 0.0]]), np.zeros(2)
    >>> z1, a1, p = mlp_forward(X, w1, b1, np.array([[1.0, 0.0], [5.0, 0.0]]), np.zeros(2))
    >>> z1.tolist(), a1.tolist(), p.round(3).tolist()
    ([[3.0, -1.0]], [[3.0, 0.0]], [[0.953, 0.047]])
    """
    ### BEGIN SOLUTION
    z1 = X @ w1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ w2 + b2
    e = np.exp(z2 - z2.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return z1, a1, p
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_mlp_forward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(mlp_forward)
### BEGIN HIDDEN TESTS
check(mlp_forward, seed=1943)
### END HIDDEN TESTS

# %% [markdown]
# ## 7 · Backprop, by hand
#
# To train it we need the derivative of the loss with respect to every one of the weights. Nobody writes that as
# one formula. Go backwards through the forward pass instead, one array at a time, and at each array ask only: *if
# this entry changes a little, what does the loss do?* The chain rule says: add up, over everything that the entry
# feeds into, (how the loss reacts to that) times (how that reacts to the entry).
#
# The loss is the mean cross-entropy, $J = -\frac1m\sum_i \log P_{i,y_i}$. Write $dA$ for the array of derivatives
# $\partial J/\partial A$. It has the shape of $A$, always.
#
# **1. The scores $Z_2$, $(m, k)$.** Part 1: since $-\log P_{i,y_i} = -Z_{2,i y_i} + \log\sum_c e^{Z_{2,ic}}$,
#
# $$(dZ_2)_{ic} = \frac1m\big(P_{ic} - [\,c = y_i\,]\big).$$
#
# **2. The second layer, $W_2$ $(h, k)$ and $b_2$ $(k,)$.** The weight from unit $a$ to class $c$ feeds into the
# scores $Z_{2,ic} = \sum_{a'} A_{1,ia'} W_{2,a'c} + b_{2,c}$ of *all* examples $i$, with factor $A_{1,ia}$; the
# bias likewise, with factor 1:
#
# $$(dW_2)_{ac} = \sum_{i=1}^m A_{1,ia}\,(dZ_2)_{ic},\qquad (db_2)_c = \sum_{i=1}^m (dZ_2)_{ic}.$$
#
# **3. The hidden values $A_1$, $(m, h)$.** The entry $A_{1,ia}$ feeds into the $k$ scores of its own example, with
# factors $W_{2,ac}$:
#
# $$(dA_1)_{ia} = \sum_{c=1}^k (dZ_2)_{ic}\,W_{2,ac}.$$
#
# **4. Through the ReLU, $Z_1$ $(m, h)$.** $A_{1,ia} = \max(0, Z_{1,ia})$ has slope 1 where $Z_{1,ia} > 0$ and
# slope 0 where $Z_{1,ia} < 0$. (At 0 exactly there is a kink; by convention 0.) So
#
# $$(dZ_1)_{ia} = (dA_1)_{ia}\cdot[\,Z_{1,ia} > 0\,].$$
#
# Units that were off in the forward pass did not matter, and get no share. What decides is the sign of $Z_1$, not
# the sign of the gradient.
#
# **5. The first layer, $W_1$ $(n, h)$ and $b_1$ $(h,)$.** As in step 2, with $X$ in the place of $A_1$:
#
# $$(dW_1)_{ja} = \sum_{i=1}^m X_{ij}\,(dZ_1)_{ia},\qquad (db_1)_a = \sum_{i=1}^m (dZ_1)_{ia}.$$
#
# That is all. A deeper network repeats steps 2 to 4, layer by layer. Notes often put it as "a weight that has
# contributed more to the error is corrected more". You can now say precisely in which sense: the correction of
# $W_{2,ac}$ is what the unit *sent*, times what the class got *wrong*, summed over the examples.
#
# Each sum over $i$ or $c$ is a matrix product in disguise. Find it by the shapes: there is usually only one way in
# which they fit.

# %% [markdown]
# ### Exercise 5 · `mlp_backward` (4 points)

# %% nbgrader={"grade": false, "grade_id": "mlp_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mlp_backward(X, y, z1, a1, p, w2):
    """Gradient of the mean cross-entropy of a network with one hidden layer of ReLU units. No argument is changed.

    Parameters
    ----------
    X : ndarray of float, shape (m, n)
        Examples. All sizes are at least 1; none of them is squeezed away where it is 1.
    y : ndarray of int, shape (m,)
        Their classes, 0 to k - 1; not every class need occur.
    z1, a1 : ndarray of float, shape (m, h)
        Scores and values of the hidden units, from the forward pass. Where z1 is exactly 0, the unit is off.
    p : ndarray of float, shape (m, k)
        Probabilities, from the forward pass.
    w2 : ndarray of float, shape (h, k)
        Weights of the second layer, as they were in the forward pass.

    Returns
    -------
    dw1 : ndarray of shape (n, h)
    db1 : ndarray of shape (h,)
    dw2 : ndarray of shape (h, k)
    db2 : ndarray of shape (k,)

    Examples
    --------
    >>> X, y = np.array([[2.0]]), np.array([0])
    >>> z1, a1 = np.array([[3.0, -1.0]]), np.array([[3.0, 0.0]])
    >>> w2 = np.array([[1.0, 0.0], [0.0, 5.0]])
    >>> dw1, db1, dw2, db2 = mlp_backward(X, y, z1, a1, np.array([[0.75, 0.25]]), w2)
    >>> dw1.tolist(), db1.tolist(), dw2.tolist(), db2.tolist()
    ([[-0.5, 0.0]], [-0.25, 0.0], [[-0.75, 0.75], [0.0, 0.0]], [-0.25, 0.25])
    """
    ### BEGIN SOLUTION
    dz2 = p.copy()
    dz2[np.arange(len(y)), y] -= 1
    dz2 /= len(y)
    dw2 = a1.T @ dz2
    db2 = dz2.sum(axis=0)
    dz1 = (dz2 @ w2.T) * (z1 > 0)
    dw1 = X.T @ dz1
    db1 = dz1.sum(axis=0)
    return dw1, db1, dw2, db2
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_mlp_backward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(mlp_backward)
### BEGIN HIDDEN TESTS
check(mlp_backward, seed=1986)
### END HIDDEN TESTS

# %% [markdown]
# Never trust a gradient that has not been measured. Central differences, as in part 1: nudge *every* parameter of
# a network for the digits by $\pm h$, see what the loss does, and compare. And compare with the course's network,
# which has its own backprop for any number of layers.

# %%
digits = datasets.digits()
batch, labels = digits.X_train[:20], digits.y_train[:20]
forward, backward = plug_in(mlp_forward), plug_in(mlp_backward)
network = networks.MLP((64, 8, 10), rng=np.random.default_rng(1))


def loss_here():
    """Return the loss by the forward pass, at the network's present parameters."""
    (w1, w2), (b1, b2) = network.weights, network.biases
    p = forward(batch, w1, b1, w2, b2)[2]
    return -np.mean(np.log(p[np.arange(20), labels]))


(w1, w2), (b1, b2) = network.weights, network.biases  # views of network.params
z1, a1, p = forward(batch, w1, b1, w2, b2)
by_hand = np.concatenate([part.ravel() for part in backward(batch, labels, z1, a1, p, w2)])

measured = np.empty(len(network.params))
for i in range(len(measured)):
    here, values = network.params[i], []
    for nudge in (1e-5, -1e-5):
        network.params[i] = here + nudge
        values.append(loss_here())
    network.params[i] = here
    measured[i] = (values[0] - values[1]) / 2e-5
in_library = network.loss_and_gradient(batch, labels)[1]

print(f"{len(measured)} parameters, largest derivative {np.abs(measured).max():.2f}")
print("agrees with central differences to 8 decimals:", np.abs(by_hand - measured).max() < 1e-8)
print("agrees with the library to 14 decimals:", np.abs(by_hand - in_library).max() < 1e-14)

# %% [markdown]
# So why not simply measure, always? Count. Central differences need two forward passes *per parameter*. Backprop
# needs one forward pass, and one backward pass with at most twice its multiplications (each layer has two products
# where the forward pass has one; the first layer needs only one of them), for all parameters together:

# %% tags=["nbval-ignore-output"]
def seconds(run, repeats):
    """Return the median time of a call."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return np.median(times)


def forward_and_backward():
    z1, a1, p = forward(batch, w1, b1, w2, b2)
    backward(batch, labels, z1, a1, p, w2)


once, both = seconds(loss_here, 200), seconds(forward_and_backward, 200)
library = seconds(lambda: network.loss_and_gradient(batch, labels), 200)
print(f"forward {once * 1e6:.0f} µs, forward and backward {both * 1e6:.0f} µs "
      f"(the library: {library * 1e6:.0f} µs),")
print(f"central differences {2 * len(measured) * once * 1e3:.0f} ms: "
      f"{2 * len(measured) * once / both:.0f} times as long, with only {len(measured)} parameters")

# %% [markdown]
# The gap grows in proportion to the number of parameters: with a million of them it is hundreds of thousands.
# Backprop is what made networks with more than one layer trainable. It was found several times (Linnainmaa 1970,
# Werbos 1974) and became known through Rumelhart, Hinton and Williams (1986), 17 years after *Perceptrons*.

# %% [markdown]
# ## 8 · XOR, learnt
#
# The loop of all training, in five steps: **take** a batch; run it **forward**; compute the **loss**; run
# **backward**; make a **step**. (In PyTorch the last two are `loss.backward()` and `optimizer.step()`, after an
# `optimizer.zero_grad()`; `nn.Linear(n, h)` keeps the transpose of our $W$, and `nn.CrossEntropyLoss` contains the
# softmax.) Here with your two functions, ten hidden units, and the four examples as the batch:

# %%
rng = np.random.default_rng(5)
w1, b1 = rng.normal(size=(2, 10)), np.zeros(10)  # variance 2 / fan-in, and the fan-in is 2
w2, b2 = rng.normal(scale=np.sqrt(2 / 10), size=(10, 2)), np.zeros(2)
losses = []
for step in range(401):
    z1, a1, p = forward(X, w1, b1, w2, b2)
    losses.append(-np.mean(np.log(p[np.arange(4), y_xor])))
    dw1, db1, dw2, db2 = backward(X, y_xor, z1, a1, p, w2)
    w1, b1, w2, b2 = w1 - 0.5 * dw1, b1 - 0.5 * db1, w2 - 0.5 * dw2, b2 - 0.5 * db2
    if step in (0, 20, 50, 400):
        print(f"step {step:3}: loss {losses[-1]:.2f}, probability of class 1 {p[:, 1].round(2)}")

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.4))
plotting.lines(left, {"two layers": (range(401), losses)})
left.axhline(np.log(2), color="#999999", linewidth=1)
left.text(400, np.log(2) + 0.02, "the best straight line", ha="right", color="#555555")
left.set(xlabel="step", ylabel="loss", ylim=(0, None))
draw_gate(right, y_xor, lambda points: forward(points, w1, b1, w2, b2)[2][:, 1] - 0.5)
right.set(xlabel="first input", ylabel="second input")
plotting.show(
    figure,
    "Left: the loss falls from 0.8 to nearly 0 within 100 steps, far below log 2, the best "
    "that a straight line can do. Right: the shaded region of class 1 is bent and holds exactly "
    "the two corners of class 1.",
)

# %% [markdown]
# Solved, from random numbers, by gradient descent. The notes report the same, and one thing more: with *four*
# layers "the loss fell faster". One run each. You know better than to believe one run.
#
# **Predict.** The classic demonstration has sigmoid units. Take 10 of them per hidden layer. Sixty starts with two
# layers (one hidden), sixty with four (three hidden), each depth at the best learning rate out of a list, and at most
# 3,000 steps. How many steps does a typical four-layer network need until its loss is below 0.1, compared with two layers?
#
# - `"a"`: fewer
# - `"b"`: about as many
# - `"c"`: many times more

# %% nbgrader={"grade": false, "grade_id": "prediction_depth", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_depth = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_depth = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_depth", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_depth=prediction_depth)

# %% [markdown]
# The next function trains sixty networks at once. It holds nothing new, and you may take it on trust. It stacks the
# sixty matrices of a layer to an array of shape $(60, n, h)$; `@` multiplies such stacks matrix by matrix, and
# `swapaxes(-1, -2)` transposes each. The lists `w` and `b` hold the layers. Then come your two passes, with a loop over
# the layers in place of the numbers 1 and 2.

# %%
def train_many(sizes, *, activation, lr, steps, count=60, variance=None):
    """Train `count` networks on XOR; return the step at which the loss of each fell below 0.1."""
    rng, relu = np.random.default_rng(0), activation == "ReLU"
    w, b = [], []
    for n, h in pairwise(sizes):
        if variance:  # over the fan-in; 2 is that of He et al. (2015), as in networks.MLP
            w.append(rng.normal(scale=np.sqrt(variance / n), size=(count, n, h)))
            b.append(np.zeros((count, 1, h)))
        else:  # PyTorch's default
            w.append(rng.uniform(-1, 1, size=(count, n, h)) / np.sqrt(n))
            b.append(rng.uniform(-1, 1, size=(count, 1, h)) / np.sqrt(n))
    reached = np.full(count, np.inf)
    for t in range(steps + 1):
        a = [X]
        for w_l, b_l in zip(w[:-1], b[:-1]):
            z = a[-1] @ w_l + b_l
            a.append(np.maximum(z, 0) if relu else 1 / (1 + np.exp(-z)))
        z = a[-1] @ w[-1] + b[-1]
        log_p = z - np.logaddexp(z[..., :1], z[..., 1:])
        loss = -log_p[:, np.arange(4), y_xor].mean(axis=1)
        reached[(loss < 0.1) & np.isinf(reached)] = t
        if np.isfinite(reached).all():
            break
        dz = (np.exp(log_p) - np.eye(2)[y_xor]) / 4
        for layer in reversed(range(len(w))):
            dw, db = a[layer].swapaxes(-1, -2) @ dz, dz.sum(axis=1, keepdims=True)
            if layer:  # with the weights of the forward pass, so before they change
                slope = a[layer] > 0 if relu else a[layer] * (1 - a[layer])
                dz = dz @ w[layer].swapaxes(-1, -2) * slope
            w[layer] = w[layer] - lr * dw
            b[layer] = b[layer] - lr * db
    return reached

# %% [markdown]
# Three shapes, each with both kinds of units and at the best rate of a list:

# %%
def middle(run):
    """Say what the median network needed, to two digits."""
    median = np.median(run)
    return f"{float(f'{median:.2g}'):,.0f}" if np.isfinite(median) else "not solved"


def best_run(sizes, rates, *, steps, **settings):
    """Train at each rate; return the best one and its run: the fewest steps on average, a failure counting as all."""
    tries = {lr: train_many(sizes, lr=lr, steps=steps, **settings) for lr in rates}
    return min(tries.items(), key=lambda pair: np.minimum(pair[1], steps).mean())


contests = {"ReLU": ((0.1, 0.2, 0.5, 1, 2), 400, 2), "sigmoid": ((1, 2, 5, 10), 3000, None)}
shapes = {"1 × 2": (2, 2, 2), "1 × 10": (2, 10, 2), "3 × 10": (2, 10, 10, 10, 2)}
reached = {}
print("units     hidden layers   best lr   solved     median steps")
for activation, (rates, steps, variance) in contests.items():
    for shape, sizes in shapes.items():
        lr, run = best_run(sizes, rates, steps=steps, activation=activation, variance=variance)
        reached[activation, shape] = run
        solved = np.isfinite(run).sum()
        print(f"{activation:9} {shape:>8}   {lr:10g}   {solved:2} of 60   {middle(run):>10}")

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
for ax, (activation, (_, steps, _)) in zip(axes, contests.items()):
    for index, shape in enumerate(shapes):
        order = np.sort(reached[activation, shape])
        solved = np.arange(1, 61)[np.isfinite(order)] / 60
        x = np.concatenate([[1], order[np.isfinite(order)], [steps]])
        y = np.concatenate([[0], solved, solved[-1:]])
        plotting.lines(ax, {shape: (x, y)}, first=index, drawstyle="steps-post")
    ax.set(title=f"{activation} units", xlabel="steps", xscale="log", xlim=(5, steps), ylim=(0, 1.05))
axes[0].set_ylabel("fraction of networks\nthat have solved XOR")
axes[1].legend(title="hidden layers")
plotting.show(
    figure,
    "Fraction of networks that have solved XOR against steps, for three shapes. With ReLU units "
    "one and three hidden layers of ten rise together at about 20 steps, and one layer of two "
    "units does not get beyond 0.2. With sigmoid units one layer of ten rises at about 130 steps, "
    "most of three layers only beyond 2,000, and a third of them not within the 3,000 steps.",
)

# %%
settle(prediction_depth=prediction_depth)

# %% [markdown]
# Read the table row by row.
#
# - **Sigmoid units**: four layers need some twenty times as many steps as two, and a third of them have not got there
#   after 3,000. Each layer that the gradient passes backwards multiplies it by the weights and by the slope of the
#   units (steps 3 and 4 of section 7). The slope of a sigmoid, $\sigma(1-\sigma)$, is at most $\frac14$. With weights
#   below 1, as at this start, little of the gradient reaches the first layer. This is the **vanishing gradient**. It
#   delays; it does not forbid. And larger weights at the start make it milder, as the next cell shows.
# - **ReLU units** have slope 1 where they are on, and the gap is gone: at their own best rates, both need about 20
#   steps, and in both 3 of 60 are not done after 400.
# - **Width** matters most: two hidden units are enough to *hold* the solution (you wrote one down), yet 48 of 60
#   starts with two ReLUs do not *find* it. If a unit happens to be off for all four inputs, its gradient is 0 and
#   stays 0. It is **dead**.

# %%
run = train_many(shapes["3 × 10"], activation="sigmoid", lr=2, steps=12_000)
print(f"sigmoid, 3 × 10, lr 2: solved by 3,000 steps {np.sum(run <= 3000)}, "
      f"by 6,000 {np.sum(run <= 6000)}, by 12,000 {np.sum(run <= 12_000)} of 60")
run = train_many(shapes["1 × 2"], activation="ReLU", lr=0.5, steps=4000, variance=2)
print(f"ReLU, 1 × 2, lr 0.5: solved by 400 steps {np.sum(run <= 400)}, by 4,000 {np.sum(run <= 4000)} of 60")
for shape in ("1 × 10", "3 × 10"):  # at the start, weights of variance 4 / fan-in
    lr, run = best_run(shapes[shape], (1, 2, 5), steps=3000, activation="sigmoid", variance=4)
    print(f"sigmoid, {shape}, larger weights at the start, lr {lr:g}: median {middle(run)} steps")

# %% [markdown]
# A limit of steps is part of what one measures: the sigmoid networks were slow, not lost, while of the two ReLUs no
# further start gets there in ten times the time.
#
# And there is a trap in how one compares. At one *common* learning rate, say 0.2:

# %%
for shape in ("1 × 10", "3 × 10"):
    run = train_many(shapes[shape], activation="ReLU", lr=0.2, steps=400, variance=2)
    print(f"ReLU, {shape}, lr 0.2: median {middle(run)} steps")

# %% [markdown]
# Nearly three times as fast! But what you see is that 0.2 was a good rate for the deep network and a timid one for
# the other. A fair comparison gives each candidate its own best rate, and several starts.

# %% [markdown]
# ## 9 · At scale: does the bend help with digits?
#
# The course's network does the same for any number of layers. Beside it softmax regression, which has no hidden
# layer; 30 passes over the digits, each at its best of six rates, five starts:

# %%
kinds = {
    "no hidden layer": lambda rng: networks.SoftmaxRegression(64, 10),
    "32 hidden units": lambda rng: networks.MLP((64, 32, 10), rng=rng),
}


def train_on_digits(make, lr, seed):
    """Train a fresh network for 30 epochs of mini-batches; return it and its history."""
    network = make(np.random.default_rng(seed))
    descent = optimizers.SGD(network.params, lr=lr)
    rng = np.random.default_rng(100 + seed)
    X, y = digits.X_train, digits.y_train
    return network, training.train(network, descent, X, y, batch_size=64, epochs=30, rng=rng)


trained, curves = {}, {}
for name, make in kinds.items():
    rates = (0.5, 1, 2, 4, 8, 16)
    trials = {lr: [train_on_digits(make, lr, seed) for seed in range(5)] for lr in rates}
    lr = min(rates, key=lambda lr: max(history.loss[-1] for _, history in trials[lr]))  # worst start
    trained[name] = [network for network, _ in trials[lr]]
    curves[name] = np.array([history.loss for _, history in trials[lr]])
    right = [network.accuracy(digits.X_test, digits.y_test) for network in trained[name]]
    size = len(trained[name][0].params)
    print(f"{name}: {size:,} parameters, lr {lr:g}, training loss {curves[name][:, -1].mean():.2f}, "
          f"test accuracy {np.mean(right):.0%}")

for lr in rates:  # of the network, which came last; dead: off for all training images
    dead = [int(np.sum(np.all(digits.X_train @ network.weights[0] + network.biases[0] <= 0, axis=0)))
            for network, _ in trials[lr]]
    print(f"32 hidden units, lr {lr:3g}: dead at the five starts {dead}")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
for index, (name, losses) in enumerate(curves.items()):
    plotting.band(ax, range(31), losses, label=name, index=index)
ax.set(xlabel="passes over the data", ylabel="training loss", yscale="log")
ax.legend()
plotting.show(
    figure,
    "Training loss on digits over 30 passes, on a logarithmic axis. With 32 hidden units it ends at "
    "about 0.01, without a hidden layer at about 0.03.",
)

# %% [markdown]
# On the images that it has seen, the network gets down to about a third of the loss. On new ones the gain is
# small, about one digit in a hundred. Digits of 8 × 8 pixels are *nearly* separable by straight lines, and fitting
# the training data ever more closely is not the goal (week 10). Harder data need the bends much more. Notice also
# how different the best rates are: from 2 on all 32 hidden units of the network die, at each of the five starts.
#
# One weakness of both is worth a look. The next cell moves every test image to the right, by one pixel and by two.
# You would hardly take most of them for another digit:

# %%
def moved(images, pixels):
    """Move images to the right by whole pixels; white comes in from the left."""
    pictures = images.reshape(-1, 8, 8)
    return np.pad(pictures, ((0, 0), (0, 0), (pixels, 0)))[:, :, :8].reshape(-1, 64)


sample = digits.X_test[:10]
rows = np.vstack([moved(sample, pixels) for pixels in range(3)])
guesses = trained["32 hidden units"][0].predict(rows)
titles = [f"read as {guess}" for guess in guesses]
plotting.show(
    plotting.image_grid(rows, titles, digits.shape),
    "Ten test digits as they are, moved right by one pixel, and by two, each titled with what the "
    "network reads. The first row is read well, in the other two many are misread.",
)
for name, group in trained.items():
    accuracy = [
        np.mean([network.accuracy(moved(digits.X_test, pixels), digits.y_test) for network in group])
        for pixels in range(3)
    ]
    print(f"{name}: as they are {accuracy[0]:.0%}, moved by 1 pixel {accuracy[1]:.0%}, "
          f"by 2 pixels {accuracy[2]:.0%}")

# %% [markdown]
# ## 10 · Claims to test
#
# From lecture notes. Run the experiments, then decide, by the rule of part 1: `"true"`, `"false"`, or `"depends"` (it
# holds under a condition that you can name).

# %% [markdown]
# **Claim 1.** *"Maximum likelihood always over-fits."* An estimate **over-fits** when it does well on the data that it
# was made from and clearly worse than need be on *new* data. Let "clearly" be: on average, by more than 0.01 in the
# loss. A drawing pin with the true $\theta = 0.6$ is tossed $m$ times, and this is repeated 20,000 times. The estimate
# $\hat\theta$ is the fraction of ones. How much worse is its cross-entropy on new tosses than that of the true
# $\theta$?

# %%
true = 0.6
print("      m   infinitely worse   otherwise worse by (mean)   1 / (2 m)")
for m in (3, 10, 100, 3000):
    estimate = np.random.default_rng(0).binomial(m, true, size=20_000) / m
    certain = (estimate == 0) | (estimate == 1)
    guess = estimate[~certain]
    extra = true * np.log(true / guess) + (1 - true) * np.log((1 - true) / (1 - guess))
    print(f"{m:7,}   {certain.mean():16.0%}   {np.mean(extra):25.4f}   {1 / (2 * m):9.4f}")

# %% [markdown]
# (Three ones in three tosses give $\hat\theta = 1$. Then a single 0 has the probability 0, and the loss is
# infinite. Where $m$ is large, the mean extra loss is $\frac{1}{2m}$ for each parameter.)

# %% nbgrader={"grade": false, "grade_id": "claim_mle_overfits", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_mle_overfits = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_mle_overfits = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_mle_overfits", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_mle_overfits=claim_mle_overfits)

# %% [markdown]
# **Claim 2.** *"On XOR a single straight line gets at most half of the examples right."* Try 100,000 random lines:

# %%
rng = np.random.default_rng(4)
right = ((rng.normal(size=(100_000, 3)) @ with_ones.T > 0) == y_xor).sum(axis=1)
for corners in range(5):
    print(f"{corners} of 4 right: {np.mean(right == corners):4.0%} of the lines")

# %% nbgrader={"grade": false, "grade_id": "claim_xor_half", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_xor_half = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_xor_half = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_xor_half", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_xor_half=claim_xor_half)

# %% [markdown]
# **Claim 3.** *"The larger the loss of an example, the more the weights are changed."* One example of class 1,
# probability $p = \sigma(z)$. With the cross-entropy $-\log p$ the derivative with respect to $z$ is $p - 1$. With
# the squared error $\frac12(1-p)^2$ the sigmoid's slope stays in: $-(1-p)\,p\,(1-p)$. Both losses and the sizes of
# their derivatives, against $z$:

# %% jupyter={"source_hidden": true}
z = np.linspace(-8, 4, 241)
p = 1 / (1 + np.exp(-z))
figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.2), sharex=True)
plotting.lines(axes[0], {"cross-entropy": (z, -np.log(p)), "squared error": (z, (1 - p) ** 2 / 2)})
plotting.lines(axes[1], {"cross-entropy": (z, 1 - p), "squared error": (z, (1 - p) ** 2 * p)})
axes[0].set(title="loss", xlabel="score z of the right class")
axes[1].set(title="size of the gradient", xlabel="score z of the right class")
axes[0].legend()
plotting.show(
    figure,
    "Loss and size of the gradient against the score of the right class. Both losses fall as the "
    "score grows. The gradient of the cross-entropy is largest, 1, where the loss is largest. That "
    "of the squared error is largest near minus 0.7 and goes to 0 where the loss is largest.",
)

# %% nbgrader={"grade": false, "grade_id": "claim_larger_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_larger_loss = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_larger_loss = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_larger_loss", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_larger_loss=claim_larger_loss)

# %% [markdown]
# **Claim 4.** *"With more layers, XOR is learnt in fewer steps."* You have the measurement: section 8.

# %% nbgrader={"grade": false, "grade_id": "claim_deeper_faster", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_deeper_faster = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_deeper_faster = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_deeper_faster", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_deeper_faster=claim_deeper_faster)

# %% [markdown]
# **Claim 5.** *"A fully connected network that has learnt a digit recognises it wherever it is in the image."* You
# have the measurement: section 9.

# %% nbgrader={"grade": false, "grade_id": "claim_anywhere", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_anywhere = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_anywhere = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_anywhere", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_anywhere=claim_anywhere)

# %% [markdown]
# ## 11 · Quiz
#
# **1.** Somebody forgets the ReLU: $Z_2 = (XW_1 + b_1)W_2 + b_2$ with a hundred hidden units. What can this
# network do on XOR?
#
# - `"a"` No more than a single straight line
# - `"b"` The same as with ReLU: the hidden layer is what counts
# - `"c"` Solve it, but more slowly
# - `"d"` Nothing at all: its gradient is 0

# %% nbgrader={"grade": false, "grade_id": "quiz_no_relu_networks", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_no_relu_networks = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_no_relu_networks = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_no_relu_networks", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_no_relu_networks=quiz_no_relu_networks)

# %% [markdown]
# **2.** One example, two hidden units: $Z_1 = (-1, 2)$, and from above comes $dA_1 = (0.5, -0.3)$. What is $dZ_1$?
#
# - `"a"` $(0.5, 0)$
# - `"b"` $(0, 0)$
# - `"c"` $(-0.5, -0.6)$
# - `"d"` $(0, -0.3)$

# %% nbgrader={"grade": false, "grade_id": "quiz_mask_networks", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_mask_networks = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_mask_networks = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_mask_networks", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_mask_networks=quiz_mask_networks)

# %% [markdown]
# **3.** All weights and biases of your two-layer network start at 0, and it is trained on XOR by gradient descent.
#
# - `"a"` It learns as from any other start: the loss is what counts
# - `"b"` It learns, but all hidden units become copies of one another
# - `"c"` Nothing ever changes: all gradients are 0 and stay 0
# - `"d"` The weights of the first layer learn, those of the second do not

# %% nbgrader={"grade": false, "grade_id": "quiz_zero_start_networks", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_zero_start_networks = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_zero_start_networks = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_zero_start_networks", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_zero_start_networks=quiz_zero_start_networks)

# %% [markdown]
# **4.** How many parameters does a fully connected network 784 → 100 → 10 have?
#
# - `"a"` 79,400
# - `"b"` 79,510
# - `"c"` 80,194
# - `"d"` 784,000

# %% nbgrader={"grade": false, "grade_id": "quiz_parameters_networks", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_parameters_networks = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_parameters_networks = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_parameters_networks", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_parameters_networks=quiz_parameters_networks)

# %% [markdown]
# ## 12 · In your own words (4 points)
#
# A friend says: *"A perceptron cannot learn XOR, so I trained it longer and with a better optimizer. It got stuck
# at 50 %. Then I took four layers instead, and it worked at once. Deeper is simply better."*
#
# Answer in five to eight sentences. One point for each of these:
#
# 1. why no training, however long, can help a single straight line, with the argument;
# 2. what the 50 % of that run may have been, and how to find out;
# 3. what a hidden layer with ReLU changes, and what it would be without the ReLU;
# 4. how to find out whether it was the depth that helped, with something that you measured here.
#
# If you learn on your own: write it, sleep on it, then give yourself the points.

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection_week00_networks", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A model answer.* The four conditions that XOR puts on a line contradict each other: the two corners of class 1
# together demand $w_1 + w_2 + 2b > 0$, the two of class 0 demand $\le 0$. So there is nothing for an optimizer to
# find, and logistic regression rightly ends at probability ½ for every corner. An accuracy of 50 % is then a tie
# that the comparison `p > 0.5` has decided; I would print the probabilities. Three of four is possible, as OR's
# line shows. A hidden layer moves the corners to new places where a straight line separates them; without the ReLU
# two linear layers multiply out to one, and nothing is gained. But that needs one hidden layer, not three: with
# ten sigmoid units per layer, four layers took some twenty times as many steps as two, and a third of them more than
# 3,000; with ReLU both took about twenty steps. I would train both depths from many starts, with the same width, each at its
# own best learning rate, before I said anything about depth.

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | Maximum likelihood | $\ell = \frac1m\sum_i \log p_{i,y_i}$; cross-entropy is $-\ell$; ascent on one is descent on the other |
# | Bernoulli, logistic regression | $\frac{d\ell}{dz} = \bar y - \sigma(z)$; $\quad\frac{\partial J}{\partial w} = \frac1m\sum_i (p_i - y_i)\,x_i$ |
# | Perceptron | if $y_i(x_i\cdot w + b)\le0$: $w \leftarrow w + y_i x_i$, $b\leftarrow b + y_i$; at most $(R/\gamma)^2$ mistakes |
# | Forward | $Z_1 = XW_1 + b_1$, $A_1 = \max(0, Z_1)$, $Z_2 = A_1W_2 + b_2$, $P = \mathrm{softmax}(Z_2)$ |
# | Backward | $dZ_2 = (P - Y)/m$, $dW_2 = A_1^\top dZ_2$, $dZ_1 = dZ_2W_2^\top \odot [Z_1>0]$, $dW_1 = X^\top dZ_1$; biases: column sums |
# | Defaults | ReLU in hidden layers, weights of variance 2/fan-in, biases 0, softmax and cross-entropy at the end |
#
# ($Y$ is one-hot, $\odot$ is entry by entry.)
#
# **Pitfalls.** The perceptron updated on correct examples · a 0.5 that is a tie · the ReLU mask taken from the
# gradient instead of $Z_1$ · $1/m$ forgotten, or in twice · an already updated $W_2$ used in the backward pass · a
# plus where descent needs a minus · all weights 0 at the start · depths compared at one learning rate, or from one
# start.
#
# **Sources.** McCulloch and Pitts (1943), *A logical calculus of the ideas immanent in nervous activity* ·
# Rosenblatt (1958), *The perceptron* · Novikoff (1962), *On convergence proofs on perceptrons* · Minsky and Papert
# (1969), *Perceptrons* · Rumelhart, Hinton and Williams (1986), *Learning representations by back-propagating
# errors* · Glorot and Bengio (2010), *Understanding the difficulty of training deep feedforward neural networks* ·
# He et al. (2015), *Delving deep into rectifiers*: the variance 2/fan-in · data: Alpaydin and Kaynak (1998), UCI.
#
# **The next question.** Now you have a loss, a gradient and a network worth training. Every full gradient looks
# at all $m$ examples before a single step is made. What does that step cost when $m = 5{,}000{,}000$, and do you
# have to look at all of them before you may move? Go on with
# [Week 01 · Mini-batch gradient descent](../week01_minibatch/week01_minibatch.ipynb).
