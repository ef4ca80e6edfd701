# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: Learning-rate decay
#     minutes: 110
#     builds_on: [week06_adam]
# ---

# %% [markdown]
# # Week 07 · Learning-rate decay
#
# All optimizers so far had one number in common that never moved: the learning rate. This week it moves.
#
# By the end you can
#
# - say how far from the minimum a constant rate hovers, derive it, and confirm it on real digits;
# - write five schedules, and tell which of them land, which never do, and which stop short;
# - count iterations and epochs without slipping by one;
# - decide from a measurement when decay, a warm-up or a smaller rate is worth it.
#
# You need: mini-batches and their noise (week 01), Adam (week 06). Time: about 110 minutes. Points: 30, and 4
# more for a written answer.

# %%
from time import perf_counter

import numpy as np
import matplotlib.pyplot as plt
from scipy.optimize import minimize

from course_lib import datasets, minibatch, networks, optimizers, plotting, schedules, training
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()
digits = datasets.digits()
X, y = digits.X_train, digits.y_train
m = len(X)

# %% [markdown]
# ## 1 · The question
#
# Week 06 ended with a doubt. *Adam gets close quickly. Then, at a constant rate, it hovers. How do you make it
# land?*
#
# To see hovering you must know where the ground is. So we take the classifier from week 01: softmax regression
# with an L2 penalty. Its loss is convex: one valley, with no other beside it. A second-order method finds the
# height $J^*$ of its floor to many digits. Then Adam trains on mini-batches of 16, at three constant rates, and
# we plot how far above $J^*$ it is.

# %%
batch_size = 16
per_epoch = minibatch.steps_per_epoch(m, batch_size)


def classifier():
    """Return a fresh classifier whose loss is one valley."""
    return networks.SoftmaxRegression(64, 10, l2=1e-2)


def find_minimum():
    """Return the lowest loss and the parameters that reach it."""
    network = classifier()

    def loss_at(params):
        network.params[:] = params
        loss, gradient = network.loss_and_gradient(X, y)
        return loss, gradient.copy()

    options = {"maxiter": 3000, "ftol": 1e-16, "gtol": 1e-10}
    found = minimize(loss_at, np.zeros(650), jac=True, method="L-BFGS-B", options=options)
    return found.fun, found.x


def heights(lr, *, seed, epochs=10, optimizer=optimizers.SGD, every=None):
    """Train a fresh classifier; return its heights above the minimum (by default after each epoch)."""
    network = classifier()
    rng = np.random.default_rng(seed)
    run = training.train(network, optimizer(network.params, lr=lr), X, y, batch_size=batch_size,
                         epochs=epochs, rng=rng, evaluate_every=every)
    return np.array(run.loss) - lowest


lowest, w_star = find_minimum()
print(f"lowest loss {lowest:.4f}; {per_epoch} updates per epoch")

# %%
figure, ax = plt.subplots()
hovering = {}
for lr in (0.03, 0.01, 0.003):
    hovering[lr] = heights(lr, seed=1, epochs=30, optimizer=optimizers.Adam)
    print(f"Adam at {lr:5}: after one epoch {hovering[lr][1]:.2f} above the minimum, "
          f"in the last ten epochs {hovering[lr][-10:].mean():.3f} on average")
plotting.lines(ax, {f"Adam, lr {lr}": (range(31), hovering[lr]) for lr in hovering})
ax.set(xlabel="epochs", ylabel="height above the minimum", yscale="log")
ax.legend()
plotting.show(
    figure,
    "Height above the minimum on a logarithmic axis, for Adam at three constant rates. Each "
    "curve falls, then hovers, up and down around a height of its own. On average the largest rate, "
    "which falls first, hovers highest, and the smallest, which falls last, lowest.",
)

# %% [markdown]
# A large rate arrives first and stays highest; a small one comes closest and is late. None of the three is good
# at both.
#
# > **This week's question.** Can you have the speed of the large rate and the landing of the small one?

# %% [markdown]
# ## 2 · The words
#
# A **schedule** is a function of time: it takes the step $t = 1, 2, \dots$ and returns the learning rate
# $\alpha_t$ of that step. When it falls, one speaks of learning-rate **decay** (or *annealing*).
#
# | word | meaning |
# |:--|:--|
# | **hovering** | what a constant rate ends in: no progress on average, no rest either |
# | $\alpha_0$, in code `lr0` | the rate at the start |
# | decay **per iteration** | the formula contains $t$: every update has its own rate |
# | decay **per epoch** | the formula contains the epoch: the rate stays as it is for a whole pass |
# | **warm-up** | a short rise at the beginning |
#
# In our library a schedule is a plain function. It has no state, so you may plot it, call it for an array of
# steps, or hand it to any optimizer as its `lr`:

# %%
lr = schedules.inverse_time(0.5, decay_rate=1.0, steps_per_epoch=3)
print("steps 1 to 8:", lr(np.arange(1, 9)).round(3))
print("step 7 alone:", round(lr(7), 3))

# %% [markdown]
# Elsewhere: papers often write $\eta$ for $\alpha$. In PyTorch a schedule is an object beside the optimizer,
# advanced by
# `scheduler.step()`, and a decay factor is called `gamma`.

# %% [markdown]
# ## 3 · Predict, then run
#
# Take the simplest valley there is, $J(w) = \frac12\lambda w^2$, with one parameter and the curvature $\lambda$.
# Its gradient is $\lambda w$, but we only see it with noise: $\lambda w + \sigma\xi$, where $\xi$ is drawn
# afresh at each step with mean 0 and variance 1. That is a mini-batch's gradient in miniature.
#
# Many walkers go down this valley by gradient descent, long enough to hover. Then the learning rate is
# **halved**. What happens to their typical (root-mean-square) distance from the minimum, once they have settled
# again?
#
# - `"a"`: nothing, since the noise is still the same
# - `"b"`: it halves
# - `"c"`: it shrinks to about 71 %, by a factor of $\sqrt2$
# - `"d"`: it shrinks to a quarter

# %% nbgrader={"grade": false, "grade_id": "prediction_hovering", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_hovering = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
prediction_hovering = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_hovering", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_hovering=prediction_hovering)

# %%
def walk(rates, *, walkers, start, curvature=1.0, noise=1.0, seed=0):
    """Let walkers descend the noisy valley, one rate per step; return all positions."""
    rng = np.random.default_rng(seed)
    w = np.full(walkers, float(start))
    path = [w]
    for lr in rates:
        w = w - lr * (curvature * w + noise * rng.normal(size=walkers))
        path.append(w)
    return np.array(path)


halved = walk([0.2] * 150 + [0.1] * 150, walkers=4000, start=8)
distance = np.sqrt(np.mean(halved**2, axis=1))
before, after = distance[50:150].mean(), distance[200:].mean()
print(f"typical distance {before:.2f} at rate 0.2, {after:.2f} at rate 0.1: {after / before:.0%}")

figure, ax = plt.subplots()
ax.plot(halved[:, :25], color="#bbbbbb", linewidth=0.6, linestyle="-")
plotting.lines(ax, {"typical distance of 4,000": (range(301), distance)})
ax.axvline(150, color="#999999", linewidth=1)
ax.set(xlabel="steps (grey line: the rate is halved)", ylabel="position w", ylim=(-1.5, 3))
ax.legend(loc="upper right")
plotting.show(
    figure,
    "Twenty-five grey walks fall from the start to zero and then swarm around it. The typical "
    "distance settles at 0.33, and after the rate is halved at 0.23.",
)

# %%
settle(prediction_hovering=prediction_hovering)

# %% [markdown]
# ## 4 · How far it hovers
#
# One update of gradient descent, with $\alpha$ constant, is
#
# $$w_{t+1} = w_t - \alpha(\lambda w_t + \sigma\xi_t) = (1-\alpha\lambda)\,w_t - \alpha\sigma\,\xi_t .$$
#
# Everything here is a single number. Follow the mean first. The noise has mean 0, so
#
# $$\mathbb E[w_{t+1}] = (1-\alpha\lambda)\,\mathbb E[w_t],\qquad\text{hence}\qquad
# \mathbb E[w_t] = (1-\alpha\lambda)^t\, w_0 .$$
#
# The start is forgotten if $|1-\alpha\lambda| < 1$, that is for $0 < \alpha\lambda < 2$, and the faster the
# larger $\alpha$ is (up to $\alpha\lambda = 1$). That is the case *for* a large rate.
#
# Now the variance $V_t$ of $w_t$. The noise $\xi_t$ is independent of all that came before, so the variances of
# the two terms add up, each with its factor squared:
#
# $$V_{t+1} = (1-\alpha\lambda)^2\,V_t + \alpha^2\sigma^2 .$$
#
# Every update does two things. It shrinks the scatter that is there, and it lets new noise in. While $V$ is
# small the new noise wins, while $V$ is large the shrinking wins. In between lies a value at which they balance:
# that is hovering.

# %% [markdown]
# ### Exercise 1 · `sgd_steady_state_variance` (3 points)
#
# Find the balance with pencil and paper: the variance that an update leaves as it was. Then write it as a
# function. And think about rates for which there is no balance.

# %% nbgrader={"grade": false, "grade_id": "sgd_steady_state_variance", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sgd_steady_state_variance(lr, *, curvature, noise_variance):
    """Variance of w at which gradient descent with a constant rate hovers in a noisy valley.

    Parameters
    ----------
    lr : float or ndarray
        Learning rate alpha, positive.
    curvature : float or ndarray
        lambda, positive.
    noise_variance : float or ndarray
        sigma squared, positive. Arrays may hold whole numbers; they combine entry by entry, as NumPy
        broadcasts them, and none is changed.

    Returns
    -------
    float or ndarray
        The variance V that one more update leaves unchanged; infinite where lr * curvature >= 2.
        A number for numbers, otherwise an array.

    Examples
    --------
    >>> round(float(sgd_steady_state_variance(0.5, curvature=2.0, noise_variance=3.0)), 6)
    0.75
    >>> float(sgd_steady_state_variance(1.5, curvature=2.0, noise_variance=3.0))
    inf
    """
    ### BEGIN SOLUTION
    margin = np.maximum(2 - lr * curvature, 0)
    with np.errstate(divide="ignore"):
        return lr * noise_variance / (curvature * margin)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_sgd_steady_state_variance", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(sgd_steady_state_variance)
### BEGIN HIDDEN TESTS
check(sgd_steady_state_variance, seed=6174)
### END HIDDEN TESTS

# %% [markdown]
# Theory against measurement: five seeds of 400 walkers each, for rates from tiny to nearly too large, in a
# valley of curvature 2.

# %%
hovering_variance = plug_in(sgd_steady_state_variance)
rates = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 0.9])
measured = np.array([
    [
        np.mean(walk([lr] * 400, walkers=400, start=0, curvature=2.0, seed=seed)[200:] ** 2)
        for lr in rates
    ]
    for seed in range(5)
])
theory = hovering_variance(rates, curvature=2.0, noise_variance=1.0)
for lr, runs, value in zip(rates, measured.T, theory):
    print(f"lr {lr:4}: theory {value:.3f}, measured {runs.mean():.3f}")

figure, ax = plt.subplots()
fine = np.geomspace(0.015, 0.98, 200)
ax.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="variance of w")
plotting.band(ax, rates, measured, label="measured (5 seeds: median, range)", marker="o")
plotting.lines(ax, {"theory": (fine, hovering_variance(fine, curvature=2.0, noise_variance=1.0))},
               first=1)
plotting.lines(ax, {"proportional to the rate": (fine, fine / 4)}, first=2)
ax.axvline(1, color="#999999", linewidth=1)
ax.legend(loc="upper left")
plotting.show(
    figure,
    "Variance of the walkers against the learning rate, on logarithmic axes. Measured points lie "
    "on the curve of the theory. It is a straight line for small rates and shoots up towards "
    "rate 1, where rate times curvature is 2.",
)

# %% [markdown]
# So this is what you found, for $\alpha\lambda < 2$:
#
# $$\boxed{\ V = \frac{\alpha\,\sigma^2}{\lambda\,(2-\alpha\lambda)}\ }\qquad\text{since}\qquad
# V\big[1-(1-\alpha\lambda)^2\big] = V\,\alpha\lambda\,(2-\alpha\lambda) = \alpha^2\sigma^2 .$$
#
# For small rates the bracket is nearly 2. Then $V \approx \alpha\sigma^2/(2\lambda)$: the squared distance is
# proportional to the rate. And the loss hovers by
#
# $$\mathbb E[J] - J^* = \tfrac12\lambda V \approx \frac{\alpha\,\sigma^2}{4},$$
#
# in which the curvature has cancelled. Flat valleys are left far away from the minimum, steep ones near, both at
# the same height.

# %% [markdown]
# **In many dimensions** the same happens along every axis of the valley. Let the loss be a quadratic with
# Hessian $H$ of shape $(p, p)$, let the gradient's noise have the covariance matrix $\Sigma$ of shape $(p, p)$,
# and turn the coordinates to the eigenvectors of $H$. Then coordinate $i$ is a valley of its own, with the
# curvature $\lambda_i$ and the noise variance $\Sigma_{ii}$, and the heights add up:
#
# $$\mathbb E[J]-J^* = \sum_{i=1}^p \frac{\lambda_i}{2}\cdot\frac{\alpha\,\Sigma_{ii}}{\lambda_i(2-\alpha\lambda_i)}
# \approx \frac\alpha4\sum_{i=1}^p\Sigma_{ii} = \frac{\alpha}{4}\operatorname{tr}\Sigma .$$
#
# The trace of $\Sigma$ is a thing that you have measured in week 01: the mean squared distance of a mini-batch's
# gradient from the full one, $\sigma_1^2/B$ when its $B$ examples are drawn independently, with $\sigma_1^2$
# that of single examples. So there is a prediction for the real classifier, without a free number:
# $\alpha\,\sigma_1^2/(4B)$.
#
# Test it. Start at the minimum $w^*$ (so that there is nothing to travel), let SGD hover at three rates, and
# draw the batches in two ways: every example independently, as in the formula, or by a fresh shuffle each epoch,
# as one trains. The first cell measures, the second draws both beside the theory.

# %%
network = classifier()
network.params[:] = w_star
gradients = np.array([network.loss_and_gradient(X[[i]], y[[i]])[1].copy() for i in range(m)])
_, example_variance = minibatch.gradient_noise(gradients, np.ones(m, dtype=int))


def hover(lr, *, shuffled, seed, epochs=24):
    """Return the mean height above the minimum in the last 16 epochs."""
    network, rng, seen = classifier(), np.random.default_rng(seed), []
    network.params[:] = w_star
    descent = optimizers.SGD(network.params, lr=lr)
    for _ in range(epochs):
        rows = rng.permutation(m) if shuffled else rng.integers(0, m, m)
        for start in range(0, m, batch_size):
            batch = rows[start : start + batch_size]
            descent.step(network.loss_and_gradient(X[batch], y[batch])[1])
        seen.append(network.loss(X, y) - lowest)
    return np.mean(seen[-16:])


rates = [0.03, 0.1, 0.3]
hovers = {
    name: np.array([[hover(lr, shuffled=shuffled, seed=seed) for lr in rates] for seed in range(3)])
    for name, shuffled in [("drawn independently", False), ("shuffled each epoch", True)]
}
print("heights times 1,000")
for i, lr in enumerate(rates):
    print(f"lr {lr:4}: theory {1e3 * lr * example_variance / 4 / batch_size:4.1f}",
          *(f"{name} {1e3 * found[:, i].mean():4.1f}" for name, found in hovers.items()), sep=", ")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
for index, (name, found) in enumerate(hovers.items()):
    plotting.band(ax, rates, found, label=f"{name} (3 seeds)", index=index, marker="o^"[index])
ax.plot(rates, np.array(rates) * example_variance / 4 / batch_size, color="black", linestyle=":",
        label="theory, ασ₁²/(4B)")
ax.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="height above the minimum")
ax.set_xticks(rates, [f"{lr:g}" for lr in rates])
ax.minorticks_off()
ax.legend()
plotting.show(
    figure,
    "Height above the minimum against the learning rate on logarithmic axes. With independent "
    "draws it follows the theory's straight line. With a shuffle each epoch it falls below, and "
    "the more so the smaller the rate.",
)

# %% [markdown]
# A formula for a parabola, one number measured at the minimum, and it foretells how far a classifier with 650
# parameters hovers. (At 0.3 it hovers higher. There the bracket $2-\alpha\lambda_i$ is no longer 2 for the steepest
# axes, and the loss no longer a parabola on the scale of the steps.)
#
# The second curve is a present. A shuffled epoch uses every example exactly once. So its batches' errors, each
# counted with the batch's size, add up to zero; with equal counts they nearly do, as only the last batch is
# smaller (13 images for 16). As long as $w$ hardly moves within an epoch, they cancel. That is one more reason to
# shuffle instead of drawing at random, and it does not end the hovering, it lowers it.

# %% [markdown]
# ## 5 · Making it land
#
# The two halves of section 4 pull in opposite directions:
#
# | | wants | because |
# |:--|:--|:--|
# | the way there | a large $\alpha$ | the start is forgotten like $(1-\alpha\lambda)^t$ |
# | the landing | a small $\alpha$ | hovering is proportional to $\alpha$ |
#
# But they matter at different *times*. First one travels, then one lands. So: begin large, end small.
#
# How fast may the rate fall? Without noise, and with $\alpha_t$ at step $t$, what is left of the way is
#
# $$\frac{w_t}{w_0} = \prod_{k=1}^{t}(1-\alpha_k\lambda) \approx \exp\Big(-\lambda\sum_{k=1}^{t}\alpha_k\Big)
# \qquad\text{for small }\alpha_k\lambda,$$
#
# since $\ln(1-x)\approx -x$. The *sum* of the rates is how far you can go.
#
# **Predict.** No noise at all, $\lambda = 1$, a start at $w_0 = 10$, and a rate that loses 10 % at each step:
# $\alpha_t = 0.3\cdot 0.9^{\,t-1}$. Where is $w$ after a million steps?
#
# - `"a"`: at 0, to as many digits as you like, because the rate never becomes 0
# - `"b"`: stuck on the way, at a place that you could see with the naked eye
# - `"c"`: hovering around 0

# %% nbgrader={"grade": false, "grade_id": "prediction_total_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_total_step = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_total_step = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_total_step", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_total_step=prediction_total_step)

# %%
t = np.arange(1, 1_000_001)
w = 10 * np.cumprod(1 - 0.3 * 0.9 ** (t - 1.0))
for steps in (1, 10, 100, 1_000_000):
    print(f"after {steps:9,} steps: w = {w[steps - 1]:.4f}")
settle(prediction_total_step=prediction_total_step)

# %% [markdown]
# Now with noise. As long as no step is so large that it drives old errors up, that is while
# $\lvert1-\alpha_t\lambda\rvert\le1$, what all steps together let in is at most $\sigma^2\sum_t\alpha_t^2$. This
# gives the two famous conditions of Robbins and Monro (1951), under which gradient descent on a noisy (convex)
# valley is sure to arrive:
#
# $$\sum_{t=1}^\infty\alpha_t = \infty,\qquad\qquad \sum_{t=1}^\infty\alpha_t^2 < \infty .$$
#
# In words: **far enough** to reach any place, however far; and **quiet enough** that the noise of all steps
# together is finite.
#
# | schedule | far enough | quiet enough | so it |
# |:--|:--:|:--:|:--|
# | constant | yes | no | hovers |
# | $k/t$, and $\alpha_0/(1+d\,(t-1))$ | yes | yes | lands, if $k\lambda$ is large enough to get anywhere in your time |
# | $k/\sqrt t$ | yes | just not | lands as well, only slowly: here $\alpha_t\to0$ is enough |
# | $\alpha_0\,c^{\,t-1}$ with $c < 1$ | no | yes | may stop short |
#
# The conditions speak about infinitely many steps. You have a few thousand. So they are a warning sign, not a
# recipe: a schedule that is "not far enough" for eternity may be the best for ten epochs, if it does not fall
# too early.

# %%
steps = np.arange(1, 3001)
contestants = {
    "constant, 0.5": schedules.constant(0.5),
    "0.5 / √t": schedules.inverse_sqrt(0.5),
    "0.3 / (1 + 0.1 (t − 1))": schedules.inverse_time(0.3, decay_rate=0.1),
    "0.3 · 0.9ᵗ⁻¹": schedules.exponential(0.3, factor=0.9),
}
figure, ax = plt.subplots()
squares = {}
for name, schedule in contestants.items():
    path = walk(schedule(steps), walkers=500, start=10)
    squares[name] = (steps, np.mean(path[1:] ** 2, axis=1))
    print(f"{name:23} mean squared distance after 3,000 steps: {squares[name][1][-1]:.0e}")
plotting.lines(ax, squares)
ax.set(xscale="log", yscale="log", xlabel="steps", ylabel="mean squared distance")
ax.legend()
plotting.show(
    figure,
    "Mean squared distance of 500 walkers against steps, both axes logarithmic. The constant rate "
    "levels off at 0.3. One over root t and one over t fall along straight lines in the end, the "
    "latter steeper. The fast exponential decay is flat from about step 50 on, at 0.2.",
)

# %% [markdown]
# Look at the two flat curves. One hovers, the other is frozen. *From the level alone you cannot tell which.* To
# find out, change the rate: a hovering run falls when the rate is lowered, a frozen one when it is raised.

# %% [markdown]
# ## 6 · The shapes
#
# Before any formula, agree on the counters, for that is where most schedules go wrong.
#
# - Steps count from 1: $t = 1$ is the first update.
# - Epochs count from 0 when they stand for *epochs finished*: during the first pass none is. With 10 steps per
#   epoch, steps 1 … 10 belong to epoch 0, steps 11 … 20 to epoch 1.
# - A formula starts from $\alpha_0$ every time. It never decays the rate that is already decayed.
#
# The classic of the lectures decays per epoch:
#
# $$\alpha = \frac{\alpha_0}{1 + \text{decay\_rate}\cdot\text{epoch}} .$$
#
# With $\alpha_0 = 0.2$ and a decay rate of 1 the rates are 0.2, 0.1, 0.067, 0.05, …

# %% [markdown]
# ### Exercise 2 · `inverse_time_decay` (3 points)
#
# An optimizer knows only the step $t$. Write the schedule as a function of it.

# %% nbgrader={"grade": false, "grade_id": "inverse_time_decay", "locked": false, "schema_version": 3, "solution": true, "task": false}
def inverse_time_decay(t, *, lr0, decay_rate, steps_per_epoch):
    """Learning rate of step t under decay per epoch, lr0 / (1 + decay_rate * epoch).

    Parameters
    ----------
    t : int or ndarray of int, of any shape
        Step, counted from 1. Not changed.
    lr0 : float
        Rate of all steps of the first epoch, which is number 0.
    decay_rate : float
        0 or positive.
    steps_per_epoch : int
        At least 1. The rate is the same for all steps of an epoch.

    Returns
    -------
    float or ndarray
        A number for a number; for an array the rates of all its steps, in its shape.

    Examples
    --------
    >>> rates = inverse_time_decay(np.array([1, 10, 11]), lr0=0.2, decay_rate=1.0, steps_per_epoch=10)
    >>> rates.tolist()
    [0.2, 0.2, 0.1]
    """
    ### BEGIN SOLUTION
    epoch = (t - 1) // steps_per_epoch
    return lr0 / (1 + decay_rate * epoch)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_inverse_time_decay", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(inverse_time_decay)
### BEGIN HIDDEN TESTS
check(inverse_time_decay, seed=1618)
### END HIDDEN TESTS

# %% [markdown]
# Put it to work on the digits. And beside it the most common slip in this formula: the iteration in the place of
# the epoch, so that the rate falls 90 times too fast. It raises no error.

# %%
decay = plug_in(inverse_time_decay)
versions = {
    "constant, 0.8": 0.8,
    "decay per epoch": lambda t: decay(t, lr0=0.8, decay_rate=1.0, steps_per_epoch=per_epoch),
    "slip: iteration for epoch": lambda t: 0.8 / (1 + 1.0 * (t - 1)),
}
curves = {}
for name, lr in versions.items():
    curves[name] = (range(21), heights(lr, seed=2, epochs=20))
    print(f"{name:25} height after 20 epochs {curves[name][1][-1]:.0e}")

figure, ax = plt.subplots()
plotting.lines(ax, curves)
ax.set(xlabel="epochs", ylabel="height above the minimum", yscale="log", ylim=(1e-3, 40),
       xticks=range(0, 21, 5))
ax.legend(loc="upper right")
plotting.show(
    figure,
    "Height above the minimum on a logarithmic axis. The constant rate falls at once and hovers. "
    "Decay per epoch falls as fast and goes on falling, with small ups. With the iteration in the "
    "place of the epoch the curve is smooth and nearly flat, far above both.",
)

# %% [markdown]
# The slip has the smoothest curve of the three, and the worst. Smooth is not the same as good.

# %% [markdown]
# ### Exercise 3 · `exponential_decay` (2 points)
#
# The lectures' second formula is $\alpha = 0.95^{\,\text{epoch}}\cdot\alpha_0$: 5 % less with each epoch. Here
# you write its smooth version. The rate falls a little at every step, such that after one whole epoch it has
# lost exactly what the formula says.

# %% nbgrader={"grade": false, "grade_id": "exponential_decay", "locked": false, "schema_version": 3, "solution": true, "task": false}
def exponential_decay(t, *, lr0, factor, steps_per_epoch):
    """Learning rate of step t under smooth exponential decay.

    Parameters
    ----------
    t : int or ndarray of int, of any shape
        Step, counted from 1. Not changed.
    lr0 : float
        Rate of step 1.
    factor : float
        What one epoch leaves of the rate, between 0 and 1: step t + steps_per_epoch has factor times the
        rate of step t, for every t. From each step to the next the rate falls by the same ratio.
    steps_per_epoch : int
        At least 1.

    Returns
    -------
    float or ndarray
        A number for a number; for an array the rates of all its steps, in its shape.

    Examples
    --------
    >>> rates = exponential_decay(np.array([1, 3, 5]), lr0=0.4, factor=0.25, steps_per_epoch=4)
    >>> rates.tolist()
    [0.4, 0.2, 0.1]
    """
    ### BEGIN SOLUTION
    return lr0 * factor ** ((t - 1) / steps_per_epoch)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_exponential_decay", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check(exponential_decay)
### BEGIN HIDDEN TESTS
check(exponential_decay, seed=2718)
### END HIDDEN TESTS

# %% [markdown]
# How much is 5 % an epoch? It depends on how many epochs there are. Your function, over 100 epochs of 90 steps:

# %%
decay = plug_in(exponential_decay)
for factor in (0.95, 0.63, 0.5):
    left = decay(np.array([1, 5, 10, 100]) * per_epoch + 1, lr0=1.0, factor=factor,
                 steps_per_epoch=per_epoch)
    print(f"factor {factor}: left after 1, 5, 10 and 100 epochs:", *(f"{value:.2g}" for value in left))

# %% [markdown]
# 0.95 fits runs of about a hundred epochs. Ten epochs of it leave 60 % of the rate; there, a factor of 0.63
# brings it down to a hundredth. A good habit is to choose where the rate should *end*, and compute the factor
# from it.

# %% [markdown]
# ### Exercise 4 · `sqrt_decay` (3 points)
#
# The third formula of the lectures, $\alpha = k/\sqrt{\text{epoch}}$ or, per iteration, $k/\sqrt t$ (they write
# $k\,\alpha_0$ on top; that is one constant). Mind the first epoch.

# %% nbgrader={"grade": false, "grade_id": "sqrt_decay", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sqrt_decay(t, *, k, steps_per_epoch):
    """Learning rate of step t, k / sqrt(epoch), with epochs counted from 1.

    Parameters
    ----------
    t : int or ndarray of int, of any shape
        Step, counted from 1. Not changed.
    k : float
        Rate of all steps of the first epoch, which is number 1 here.
    steps_per_epoch : int
        At least 1. The rate is the same for all steps of an epoch. With 1 it is k / sqrt(t).

    Returns
    -------
    float or ndarray
        A number for a number; for an array the rates of all its steps, in its shape.

    Examples
    --------
    >>> rates = sqrt_decay(np.array([1, 10, 11, 31]), k=0.6, steps_per_epoch=10)
    >>> rates.round(4).tolist()
    [0.6, 0.6, 0.4243, 0.3]
    """
    ### BEGIN SOLUTION
    epoch = (t - 1) // steps_per_epoch + 1
    return k / np.sqrt(epoch)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_sqrt_decay", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(sqrt_decay)
### BEGIN HIDDEN TESTS
check(sqrt_decay, seed=1414)
### END HIDDEN TESTS

# %% [markdown]
# Far enough, just not quiet enough. How slowly do the two sums grow? Your function, up to a million steps:

# %%
decay = plug_in(sqrt_decay)
t = np.arange(1, 1_000_001)
rates = decay(t, k=0.1, steps_per_epoch=1)
for steps in (1000, 1_000_000):
    print(f"{steps:9,} steps: sum of rates {rates[:steps].sum():6.1f}, "
          f"sum of squares {np.square(rates[:steps]).sum():.3f}")

# %% [markdown]
# The sum of squares does grow without limit, but like $\ln t$: a thousand times the steps, and it has not even
# doubled. The line between "quiet enough" and "not" is a fine one.

# %% [markdown]
# ### Exercise 5 · `staircase_decay` (3 points)
#
# Decay in steps: hold the rate, then cut it at certain epochs, the **milestones**. Many people do that *by
# hand*: watch the curve, and lower the rate when it hovers. Written down afterwards, their runs are staircases
# too.

# %% nbgrader={"grade": false, "grade_id": "staircase_decay", "locked": false, "schema_version": 3, "solution": true, "task": false}
def staircase_decay(epoch, *, lr0, factor, milestones):
    """Learning rate of an epoch when the rate is multiplied by a factor at each milestone.

    Parameters
    ----------
    epoch : int or ndarray of int, of any shape
        Epochs, counted from 0. Not changed.
    lr0 : float
        Rate before the first milestone.
    factor : float
        What a milestone leaves of the rate, between 0 and 1.
    milestones : list of int
        All different, in ascending order, possibly empty; not changed. A milestone is the first epoch with
        the lower rate.

    Returns
    -------
    float or ndarray
        A number for a number; for an array the rates of all its epochs, in its shape.

    Examples
    --------
    >>> rates = staircase_decay(np.array([0, 29, 30, 60, 99]), lr0=0.8, factor=0.5, milestones=[30, 60])
    >>> rates.tolist()
    [0.8, 0.8, 0.4, 0.2, 0.2]
    """
    ### BEGIN SOLUTION
    reached = np.searchsorted(milestones, epoch, side="right")
    return lr0 * factor**reached
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_staircase_decay", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(staircase_decay)
### BEGIN HIDDEN TESTS
check(staircase_decay, seed=1732)
### END HIDDEN TESTS

# %% [markdown]
# A staircase shows section 4 at a glance: at each milestone the curve drops to the height at which the new rate
# hovers. (The rate falls to a fifth, the height to a tenth. At the first milestone that is because 0.8 hovers
# higher than in proportion, as 0.3 did above. At the second it is the fresh shuffles, which help more the smaller
# the rate.)

# %%
decay = plug_in(staircase_decay)


def stairs(t):
    """Return the rate of step t: 0.8, then a fifth of it from epoch 10 and again from epoch 20."""
    return decay((t - 1) // per_epoch, lr0=0.8, factor=0.2, milestones=[10, 20])


runs = np.array([heights(stairs, seed=seed, epochs=30) for seed in range(5)])
plateaus = [runs[:, epochs].mean() for epochs in (slice(5, 11), slice(15, 21), slice(25, 31))]
print("mean height at the end of each stair:", *(f"{height:.0e}" for height in plateaus))

figure, ax = plt.subplots()
plotting.band(ax, range(31), runs, label="5 seeds: median, range")
for milestone in (10, 20):
    ax.axvline(milestone, color="#999999", linewidth=1)
ax.set(xlabel="epochs (grey lines: milestones)", ylabel="height above the minimum", yscale="log")
ax.legend()
plotting.show(
    figure,
    "Height above the minimum on a logarithmic axis, for five seeds under staircase decay. It "
    "falls and hovers, and at each of the two milestones drops at once to a lower height and "
    "hovers there.",
)

# %% [markdown]
# ### Exercise 6 · `cosine_with_warmup` (4 points)
#
# The shape that many large networks are trained with today. It begins with a **warm-up**: the rate climbs in a
# straight line through `warmup` steps. Then it falls along half a cosine, gently at first, steeply in the
# middle, and gently again at the end. Unlike the others it must know in advance how long the run will be.
#
# As for all schedules, the corners deserve a thought: the first step, the top, the last step, what comes after
# it, and no warm-up at all.

# %% nbgrader={"grade": false, "grade_id": "cosine_with_warmup", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cosine_with_warmup(t, *, lr_max, lr_min, warmup, steps):
    """Learning rate of step t: a linear warm-up, then half a cosine.

    Parameters
    ----------
    t : int or ndarray of int, of any shape
        Step, counted from 1; it may lie beyond the last. Not changed.
    lr_max : float
        Rate at the top, which step t = warmup has.
    lr_min : float
        Rate of the last step, t = steps, and of all steps that may follow.
    warmup : int
        Number of steps of the warm-up, 0 <= warmup < steps. Until t = warmup the rate is proportional to t,
        so that step 1 already trains. With 0 the cosine begins at t = 0, one step before the first.
    steps : int
        Length of the run. From t = warmup to t = steps the rate follows half a period of a cosine.

    Returns
    -------
    float or ndarray
        A number for a number; for an array the rates of all its steps, in its shape.

    Examples
    --------
    >>> rates = cosine_with_warmup(np.arange(1, 8), lr_max=1.0, lr_min=0.2, warmup=2, steps=6)
    >>> rates.round(4).tolist()
    [0.5, 1.0, 0.8828, 0.6, 0.3172, 0.2, 0.2]
    """
    ### BEGIN SOLUTION
    progress = np.clip((t - warmup) / (steps - warmup), 0, 1)
    falling = lr_min + (lr_max - lr_min) * (1 + np.cos(np.pi * progress)) / 2
    return np.minimum(t / max(warmup, 1), 1) * falling
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_cosine_with_warmup", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(cosine_with_warmup)
### BEGIN HIDDEN TESTS
check(cosine_with_warmup, seed=3141)
### END HIDDEN TESTS

# %% [markdown]
# All shapes side by side, over ten epochs, the cosine being yours. (The next cell draws them, on a linear and on a
# logarithmic axis.)

# %%
cosine = plug_in(cosine_with_warmup)
epochs = 10
total = epochs * per_epoch
t = np.arange(1, total + 1)
shapes = {
    "0.8 / √epoch": schedules.inverse_sqrt(0.8, steps_per_epoch=per_epoch),
    "0.8 / (1 + epoch)": schedules.inverse_time(0.8, decay_rate=1.0, steps_per_epoch=per_epoch),
    "0.8 · 0.63^epoch, smooth": schedules.exponential(0.8, factor=0.63, steps_per_epoch=per_epoch,
                                                      smooth=True),
    "staircase": schedules.staircase(0.8, factor=0.2, milestones=[5, 8], steps_per_epoch=per_epoch),
    "warm-up, cosine": lambda t: cosine(t, lr_max=0.8, lr_min=0.0, warmup=90, steps=total),
}

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(9.2, 3.9), sharex=True)
for ax in axes:
    plotting.lines(ax, {name: (t / per_epoch, lr(t)) for name, lr in shapes.items()})
    ax.set(xlabel="epochs")
axes[0].set(ylabel="learning rate", title="linear axis")
axes[1].set(yscale="log", ylim=(4e-3, 1), title="logarithmic axis")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plotting.show(
    figure,
    "Five schedules over ten epochs, on a linear and on a logarithmic axis. The root falls least. "
    "Inverse time falls early and then slowly. Exponential decay is a straight line on the "
    "logarithmic axis. The staircase has two cliffs. The cosine rises for one epoch, stays high "
    "for long and goes to zero at the end.",
)

# %% [markdown]
# Your function beside the library's, on one step and on all 900 at once. (The optimizer asks once per step, so
# even the slower call is lost in the cost of a gradient.)

# %% tags=["nbval-ignore-output"]
library = schedules.cosine(0.8, steps=total, warmup=90)


def microseconds(call, repeats=200):
    """Return the median time of a call."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return np.median(times) * 1e6


for name, schedule in [("yours", shapes["warm-up, cosine"]), ("library", library)]:
    print(f"{name:8} one step {microseconds(lambda: schedule(300)):5.1f} µs, "
          f"900 steps {microseconds(lambda: schedule(t)):5.1f} µs")

# %% [markdown]
# ## 7 · Which shape?
#
# A fair race on the digits: ten epochs of SGD. Each shape gets the same tuning budget, eight settings on two
# seeds; then its best setting runs on five fresh seeds. What counts is the height above the minimum at the end. The
# cell after the race draws the medians on the way, and where each seed ended.

# %%
wide = [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0]  # for shapes with one number to tune
few = [0.3, 0.8, 2.0, 5.0]  # for shapes with two
n = per_epoch
settings = {
    "constant": {f"{r}": schedules.constant(r) for r in wide},
    "k / √t": {f"k = {r}": schedules.inverse_sqrt(r) for r in wide},
    "inverse time": {f"{r}, decay rate {d}": schedules.inverse_time(r, decay_rate=d, steps_per_epoch=n)
                     for r in few for d in (1, 3)},
    "staircase": {f"{r}, factor {f}": schedules.staircase(r, factor=f, milestones=[5, 8], steps_per_epoch=n)
                  for r in few for f in (0.3, 0.1)},
    "exponential": {f"{r}, factor {f}": schedules.exponential(r, factor=f, steps_per_epoch=n)
                    for r in few for f in (0.75, 0.6)},
    "cosine": {f"{r}": schedules.cosine(r, steps=total) for r in wide},
}


def tune(candidates, **options):
    """Return the mean final height of each candidate on two seeds, by name."""
    return {
        name: np.mean([heights(lr, seed=seed, every=total, **options)[-1] for seed in (0, 1)])
        for name, lr in candidates.items()
    }


scores, race = {}, {}
for name, candidates in settings.items():
    scores[name] = tune(candidates)
    best = min(scores[name], key=scores[name].get)
    race[name] = np.array([heights(candidates[best], seed=seed) for seed in range(10, 15)])
    final = np.sort(race[name][:, -1]) * 1e3
    print(f"{name:13} best: {best:17} height times 1,000: "
          f"{final[0]:.1f} to {final[-1]:.1f}, median {final[2]:.1f}")

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.8), width_ratios=[3, 2])
plotting.lines(left, {name: (range(11), np.median(runs, axis=0)) for name, runs in race.items()})
left.set(xlabel="epochs", ylabel="height above the minimum", yscale="log", title="median of 5 seeds")
left.legend(fontsize=9)
for row, runs in enumerate(race.values()):
    right.plot(runs[:, -1], np.full(5, row), "o", color=plotting.COLOURS[row], alpha=0.7)
right.set(xscale="log", xlabel="height after 10 epochs", yticks=range(6), yticklabels=list(race))
right.set_title("each seed")
right.invert_yaxis()
plotting.show(
    figure,
    "Left: median height against epochs for six tuned schedules; the constant rate levels off; "
    "the cosine is highest from epoch 2 to 7 and lowest at the end, beside the exponential. Right: final "
    "heights of five seeds each; all decaying shapes but the root end well below the constant rate, "
    "cosine and exponential lowest.",
)

# %% [markdown]
# What to take home:
#
# - **Decay pays.** The best constant rate is a compromise, and four of the five falling shapes end well below
#   it. Only $k/\sqrt t$, which falls least from the second epoch on, gains little.
# - **The best begin high and end low.** Exponential decay and cosine were tuned to start at 2.0, a rate that
#   would be hopeless if it stayed (section 11 shows it). The one ends at $0.6^9$, a hundredth of it, the other
#   at 0.
# - **Half-way standings mean little.** From epoch 2 to 7 the cosine is behind all others. Whoever compares
#   schedules in the middle of a run, or stops a cosine early, gets the wrong answer.
# - Between cosine and exponential decay the seeds overlap: no clear winner. (The second numbers that won, 3, 0.1
#   and 0.6, are the last of their lists. We looked beyond: further out is worse. But an exponential that starts
#   between 2.0 and 5.0 can come out ahead of the cosine: a grid decides such close races.)

# %% [markdown]
# ## 8 · Decay with Adam
#
# Now the question of the week. Adam, tuned at a constant rate, and Adam, tuned with a cosine: six rates each,
# five fresh seeds.

# %%
adam_settings = {
    "constant": {lr: schedules.constant(lr) for lr in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)},
    "cosine": {lr: schedules.cosine(lr, steps=total) for lr in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)},
}
landing = {}
for name, candidates in adam_settings.items():
    tuned = tune(candidates, optimizer=optimizers.Adam)
    best = min(tuned, key=tuned.get)
    landing[f"Adam, {name} {best}"] = np.array([
        heights(candidates[best], seed=seed, optimizer=optimizers.Adam) for seed in range(10, 15)
    ])
for name, runs in landing.items():
    final = np.sort(runs[:, -1]) * 1e3
    print(f"{name:20} height times 1,000: {final[0]:4.1f} to {final[-1]:4.1f}, median {final[2]:4.1f}")

# %% [markdown]
# It lands. Is it of any use beyond the third digit of a training loss? Take a network with a hidden layer, train
# it for ten epochs and look at the test set. (The rates 0.005 and 0.02 had the lowest training loss in a search
# like the one above, on other seeds.) The second cell draws both: the landing, and the test errors.

# %%
def test_errors(lr, seed):
    """Train a small network by Adam; return its percentage of errors on the test set."""
    network = networks.MLP((64, 32, 10), rng=np.random.default_rng(100 + seed), l2=1e-3)
    descent = optimizers.Adam(network.params, lr=lr)
    rng = np.random.default_rng(seed)
    training.train(network, descent, X, y, batch_size=batch_size, epochs=10, rng=rng,
                   evaluate_every=total)
    return 100 * (1 - network.accuracy(digits.X_test, digits.y_test))


errors = {
    "constant 0.005": [test_errors(0.005, seed) for seed in range(10, 16)],
    "cosine 0.02": [test_errors(schedules.cosine(0.02, steps=total), seed) for seed in range(10, 16)],
}
for name, values in errors.items():
    print(f"{name:14} test errors {min(values):.1f} to {max(values):.1f} %, mean {np.mean(values):.1f} %")

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.5), width_ratios=[3, 2])
for index, (name, runs) in enumerate(landing.items()):
    plotting.band(left, range(11), runs, label=name, index=index)
left.set(xlabel="epochs", ylabel="height above the minimum", yscale="log",
         title="softmax regression, 5 seeds")
left.legend()
for index, values in enumerate(errors.values()):
    shift = np.linspace(-0.15, 0.15, len(values))  # so that equal values stay visible
    right.plot(values, index + shift, "o^"[index], color=plotting.COLOURS[index])
right.set(xlabel="test errors in %", xlim=(0, 4), ylim=(1.5, -0.5), yticks=[0, 1],
          yticklabels=list(errors), title="MLP, 6 seeds")
plotting.show(
    figure,
    "Left: height above the minimum for Adam on softmax regression; at a constant rate the band of "
    "five seeds levels off, with a cosine it ends several times lower. Right: test errors of a "
    "small network on six seeds; with the cosine they are lower on the whole, and less scattered.",
)

# %% [markdown]
# On test digits the difference is smaller, 2.1 against 2.6 % of errors on average, and the seeds overlap. So it
# should be: the last bit of training loss is not what generalisation depends on. But a run that ends in the
# middle of its hovering is a lottery, and a landed one is less so.

# %% [markdown]
# ## 9 · Warm-up
#
# Why would one *begin* small? The first gradients are the largest and the least typical. The network's weights
# are random, and Adam's second moment is an average over very few steps, so its first updates are nearly
# $\alpha$ in every coordinate, whatever the gradient (week 06). A few careful steps cost little. Do they pay?
#
# **Predict.** The small network under Adam, ten epochs of mini-batches of 64 (230 steps), a cosine with and
# without a warm-up of 12 steps (5 % of the run), at four rates from 0.02 to 0.2. Where does the warm-up clearly
# lower the final loss?
#
# - `"a"`: at all rates, by about the same factor
# - `"b"`: only at the largest rates
# - `"c"`: only at the smallest rates

# %% nbgrader={"grade": false, "grade_id": "prediction_warmup", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_warmup = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_warmup = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_warmup", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_warmup=prediction_warmup)

# %%
def small_network(lr, seed):
    """Train the small network for ten epochs of batches of 64; return the history."""
    network = networks.MLP((64, 32, 10), rng=np.random.default_rng(100 + seed), l2=1e-3)
    descent = optimizers.Adam(network.params, lr=lr)
    rng = np.random.default_rng(seed)
    return training.train(network, descent, X, y, batch_size=64, epochs=10, rng=rng,
                          evaluate_every=230)


rates = [0.02, 0.05, 0.1, 0.2]
figure, ax = plt.subplots()
for index, (warmup, name) in enumerate([(0, "no warm-up"), (12, "12 steps of warm-up")]):
    final = [
        [small_network(schedules.cosine(lr, steps=230, warmup=warmup), seed).loss[-1] for lr in rates]
        for seed in range(4)
    ]
    print(f"{name:19} median loss",
          ", ".join(f"{loss:.3f} at {lr}" for lr, loss in zip(rates, np.median(final, axis=0))))
    plotting.band(ax, rates, final, label=f"{name} (4 seeds: median, range)", index=index,
                  marker="o^"[index])
ax.set(xscale="log", yscale="log", xlabel="highest learning rate", ylabel="final training loss")
ax.set_xticks(rates, [f"{lr:g}" for lr in rates])
ax.set_yticks([0.15, 0.2, 0.3, 0.5, 1.0], ["0.15", "0.2", "0.3", "0.5", "1.0"])
ax.minorticks_off()
ax.legend()
plotting.show(
    figure,
    "Final training loss against the highest learning rate, with and without warm-up. Up to 0.05 "
    "the curves nearly coincide. At 0.1 the loss without warm-up is a little higher on every seed, at "
    "0.2 far higher.",
)

# %%
settle(prediction_warmup=prediction_warmup)

# %% [markdown]
# ## 10 · Finding the rate to start from
#
# Every schedule has a largest rate, and it must be found. A **range test** (Smith, 2017) finds its order of
# magnitude in a single short run: let the rate *rise* by a constant factor per step, from far too small to far
# too large, and plot each mini-batch's loss against the rate of its step. Below, five seeds, smoothed over 9
# steps.

# %%
rising = schedules.range_test(1e-4, 1.0, steps=230)
tests = np.array([small_network(rising, seed).batch_loss for seed in range(5)])
smooth = np.array([np.convolve(losses, np.ones(9) / 9, mode="valid") for losses in tests])

figure, ax = plt.subplots()
plotting.band(ax, rising(np.arange(5, 227)), smooth, label="5 seeds: median, range")
ax.axvspan(0.02, 0.05, color=plotting.COLOURS[2], alpha=0.2, label="best rates of section 9", linewidth=0)
ax.set(xscale="log", xlabel="learning rate, rising", ylabel="loss of the mini-batch", ylim=(0, 4))
ax.legend(loc="upper left")
plotting.show(
    figure,
    "Loss against a learning rate that rises from 0.0001 to 1. Flat at first, it falls from about "
    "0.001 on, is lowest from 0.02 to 0.1, turns up and explodes beyond 0.2. The best rates of "
    "section 9, 0.02 to 0.05, lie in the lowest part, a few times below the turn.",
)

# %% [markdown]
# Read it like this. Where the curve begins to fall, training begins to work. Where it turns up, the rate is too
# large. A good start for a decaying schedule lies a few times below that turn. It is a rough tool: one run, on a
# network that changes while the rate does. But it costs one short run instead of many, and it saves you from
# searching in the wrong decade.

# %% [markdown]
# ## 11 · Claims to test
#
# Decide as before: `"true"`, `"false"`, or `"depends"` (it holds under a condition that you can name).

# %% [markdown]
# **Claim 1.** *"Learning-rate decay makes training faster."*
#
# Faster to where, and than what? Count the updates until the loss is within a given height of its minimum, for five
# heights, by the median of three seeds. Compare a constant rate with inverse-time decay from the same first rate,
# a small one and a large one; then each at its own best rate out of four *for each target*.

# %%
targets = [0.1, 0.03, 0.01, 0.005, 0.003]
rates = [0.2, 0.5, 1.0, 2.0]


def updates_to_targets(lr, seed):
    """Return the updates that SGD takes to each target, infinity where ten epochs are not enough."""
    network, rng = classifier(), np.random.default_rng(seed)
    run = training.train(network, optimizers.SGD(network.params, lr=lr), X, y, batch_size=batch_size,
                         epochs=10, rng=rng, evaluate_every=10)
    height, updates = np.array(run.loss) - lowest, np.array(run.updates)
    return [updates[np.argmax(height <= target)] if height.min() <= target else np.inf
            for target in targets]


def medians(make_schedule):
    """Return the median number of updates for each rate (rows) and target."""
    counts = [[updates_to_targets(make_schedule(lr), seed) for seed in range(3)] for lr in rates]
    return np.median(counts, axis=1)


without = medians(schedules.constant)
decaying = medians(lambda lr: schedules.inverse_time(lr, decay_rate=1.0, steps_per_epoch=per_epoch))
print("height above the minimum:", *(f"{target:7}" for target in targets))
for title, pick in [("both from 0.2", lambda table: table[0]), ("both from 1.0", lambda table: table[2]),
                    ("each from its best of four", lambda table: table.min(axis=0))]:
    print(title)
    for name, table in [("constant", without), ("decay", decaying)]:
        print(f"updates, {name:16}",
              *(f"{count:7.0f}" if np.isfinite(count) else "  never" for count in pick(table)))

# %% nbgrader={"grade": false, "grade_id": "claim_decay_faster", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_decay_faster = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_decay_faster = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_decay_faster", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_decay_faster=claim_decay_faster)

# %% [markdown]
# **Claim 2.** *"Adam adapts its step sizes by itself. That makes decay unnecessary."* Section 8 has the
# measurement. In numbers, seed by seed, how many times lower decay ended:

# %%
constant_adam, cosine_adam = landing.values()
ratio = constant_adam[:, -1] / cosine_adam[:, -1]
print("lower by a factor of", ", ".join(f"{value:.0f}" for value in ratio))

# %% nbgrader={"grade": false, "grade_id": "claim_adam_no_decay", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_adam_no_decay = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_adam_no_decay = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_adam_no_decay", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_adam_no_decay=claim_adam_no_decay)

# %% [markdown]
# **Claim 3.** *"A smaller learning rate is always the safer choice."* The tuning of section 7 tried eight
# constant rates. Here is what each had to show after ten epochs, with three more at the small end:

# %%
smaller = tune({lr: lr for lr in (0.005, 0.01, 0.02)})
final = smaller | {float(name): height for name, height in scores["constant"].items()}
for lr in (0.005, 0.05, 0.2, 1.0, 2.0):
    print(f"constant rate {lr:5}: {final[lr]:.2f} above the minimum after ten epochs")

figure, ax = plt.subplots()
ax.plot(list(final), list(final.values()), "o-")
ax.set(xscale="log", yscale="log", xlabel="constant learning rate", ylabel="height after 10 epochs")
plotting.show(
    figure,
    "Final height against the constant learning rate, on logarithmic axes: a V with its lowest "
    "point at 0.2. The smallest rate, 0.005, ends higher than the rate 2, ten times too large.",
)

# %% nbgrader={"grade": false, "grade_id": "claim_smaller_safer", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_smaller_safer = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_smaller_safer = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_smaller_safer", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_smaller_safer=claim_smaller_safer)

# %% [markdown]
# **Claim 4.** *"Another schedule is $\alpha = \frac{k}{\text{epoch}}\,\alpha_0$."* So it stands in one set of
# lecture notes, two lines below $\alpha_0/(1+\text{decay\_rate}\cdot\text{epoch})$, and with the same epoch
# number. Does it give a usable rate in every epoch?

# %%
for first in (0, 1):
    epoch = np.arange(first, first + 4)
    with np.errstate(divide="ignore"):
        print(f"k α₀ = 0.2, epochs from {first}:", (0.2 / epoch).round(3))
try:
    optimizers.SGD(np.zeros(1), lr=lambda t: np.float64(np.inf)).step(np.ones(1))
except ValueError as error:
    print("what an optimizer says to the first of them:", error)

# %% nbgrader={"grade": false, "grade_id": "claim_k_over_epoch", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_k_over_epoch = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_k_over_epoch = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_k_over_epoch", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_k_over_epoch=claim_k_over_epoch)

# %% [markdown]
# ## 12 · Quiz
#
# **1.** $m = 1{,}437$, mini-batches of 64: 23 steps per epoch. $\alpha_0 = 0.2$, a decay rate of 1, decay per
# epoch, epochs counted from 0. Which rate does step $t = 46$ have?
#
# - `"a"` 0.0043
# - `"b"` 0.067
# - `"c"` 0.1
# - `"d"` 0.2

# %% nbgrader={"grade": false, "grade_id": "quiz_decay_count", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_decay_count = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_decay_count = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_decay_count", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_decay_count=quiz_decay_count)

# %% [markdown]
# **2.** SGD hovers at a small constant rate, its examples drawn independently. You make the batch four times as
# large and leave the rate alone. The height at which the *loss* hovers above its minimum
#
# - `"a"` stays as it is
# - `"b"` falls to a quarter
# - `"c"` halves
# - `"d"` falls to a sixteenth

# %% nbgrader={"grade": false, "grade_id": "quiz_decay_batch", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_decay_batch = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_decay_batch = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_decay_batch", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_decay_batch=quiz_decay_batch)

# %% [markdown]
# **3.** Which schedule meets both conditions of Robbins and Monro?
#
# - `"a"` $0.1$
# - `"b"` $0.1\cdot0.95^{\,t-1}$
# - `"c"` $0.1/\sqrt t$
# - `"d"` $0.1/t$

# %% nbgrader={"grade": false, "grade_id": "quiz_decay_conditions", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_decay_conditions = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_decay_conditions = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_decay_conditions", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_decay_conditions=quiz_decay_conditions)

# %% [markdown]
# **4.** Somebody halves the rate after every epoch. After 12 epochs the training loss is as flat as a table.
# What follows?
#
# - `"a"` Nothing yet: the run may be frozen
# - `"b"` It has arrived at the minimum
# - `"c"` It is stuck in a local optimum
# - `"d"` It hovers; the rate should fall faster

# %% nbgrader={"grade": false, "grade_id": "quiz_decay_flat", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_decay_flat = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_decay_flat = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_decay_flat", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_decay_flat=quiz_decay_flat)

# %% [markdown]
# **5.** In PyTorch: `scheduler = ExponentialLR(optimizer, gamma=0.95)`. An epoch has 500 mini-batches, and
# `scheduler.step()` stands inside the loop over mini-batches. After one epoch the rate is
#
# - `"a"` $0.95\,\alpha_0$
# - `"b"` less than $10^{-11}\,\alpha_0$
# - `"c"` still $\alpha_0$
# - `"d"` $\alpha_0/500$

# %% nbgrader={"grade": false, "grade_id": "quiz_decay_scheduler", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_decay_scheduler = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_decay_scheduler = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_decay_scheduler", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_decay_scheduler=quiz_decay_scheduler)

# %% [markdown]
# ## 13 · In your own words (4 points)
#
# A colleague trains with Adam at a constant rate of 0.01 and says: *"My training loss has not moved for twenty
# epochs. So it has converged, and I can stop."*
#
# Answer in five to eight sentences. One point for each of these:
#
# 1. why a flat curve need not be at the minimum, with the formula for the hovering height or a number from this
#    week;
# 2. what you would do to land, and how you would choose its settings;
# 3. what can go wrong when the rate falls too early, and how to tell frozen from landed;
# 4. one situation in which the colleague may stop all the same.
#
# If you learn on your own: write it, sleep on it, then give yourself the points.

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection_week07", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A model answer.* Flat only means that on average nothing is gained: at a constant rate the noise of the
# mini-batches keeps the parameters hovering, at a height of about α tr(Σ)/4 for SGD, and something similar for
# Adam. On the digits Adam at 0.01 hovered 0.01 above the minimum, and a cosine, tuned as carefully, ended six to
# seven times lower than the best constant rate. So I would let the rate fall towards 0 over the epochs that are
# left, by a cosine or an exponential, with a largest rate from a range test and a small search around it. If it
# falls too early, all remaining steps together cannot cover the way that is left, and the curve looks just as
# flat. To tell the two apart I would raise the rate for a moment: a frozen run starts falling again, a landed
# one only gets noisier. You may stop if the loss on data held out does not improve either, so that a lower
# training loss would buy nothing, or if the target is already reached.

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | Hovering | $V = \frac{\alpha\sigma^2}{\lambda(2-\alpha\lambda)}$, loss $\approx J^* + \frac\alpha4\operatorname{tr}\Sigma$, with $\operatorname{tr}\Sigma = \sigma_1^2/B$ |
# | Landing | $\sum\alpha_t = \infty$ (far enough), $\sum\alpha_t^2 < \infty$ (quiet enough) |
# | Counters | step $t$ from 1; finished epochs $\lfloor (t-1)/\text{steps per epoch}\rfloor$ from 0 |
# | Shapes | $\frac{\alpha_0}{1+d\cdot\text{epoch}}$, $\ \alpha_0 c^{\,\text{epoch}}$, $\ \frac{k}{\sqrt{\text{epoch}}}$ or $\frac{k}{\sqrt t}$, staircase, by hand, cosine |
# | Defaults | cosine to 0 over the whole run; largest rate a few times below where a range test turns up; warm-up of a few per cent of the run where large rates fail |
#
# **Pitfalls.** Decaying the decayed rate · the iteration in a formula made for epochs · dividing by $\sqrt0$ ·
# the last step of an epoch counted to the next · a warm-up whose first step is 0 · a cosine that never reaches
# its minimum · a smooth curve taken for a good one · comparing a tuned schedule with an untuned constant rate.
#
# **Sources.** Robbins and Monro (1951), *A stochastic approximation method* · Smith (2017), *Cyclical learning
# rates for training neural networks* (the range test) · Loshchilov and Hutter (2017), *SGDR: stochastic gradient
# descent with warm restarts* (the cosine) · Goyal et al. (2017), *Accurate, large minibatch SGD* (warm-up) ·
# Mandt, Hoffman and Blei (2017), *Stochastic gradient descent as approximate Bayesian inference* (hovering) ·
# Smith et al. (2018), *Don't decay the learning rate, increase the batch size* · Bottou, Curtis and Nocedal
# (2018), *Optimization methods for large-scale machine learning*.
#
# **Next week's question.** All of this assumed one valley. A network with thousands of parameters has hills,
# passes and plains. Where do optimizers really get stuck?
#
# Go on with [Week 08 · Local optima, saddle points, plateaus](../week08_local_optima/week08_local_optima.ipynb).
