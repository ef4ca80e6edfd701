# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: Adam
#     minutes: 120
#     builds_on: [week05_rmsprop]
# ---

# %% [markdown]
# # Week 06 · Adam
#
# Adam is the optimizer that most networks are trained with today. You know all of its parts: an average of
# gradients, an average of their squares, and the correction of both. This week you put them together, find out
# which of the details matter, and test what people say about it.
#
# By the end you can
#
# - write Adam, AdamW and AMSGrad, and say what each line protects against;
# - prove how far one step can go, and find an error in a famous paper on the way;
# - say where $\varepsilon$ belongs and when it matters;
# - compare Adam with SGD fairly, and hand over from one to the other.
#
# You need: weeks 02 to 05 (averages, bias correction, momentum, RMSprop).
# Time: about 120 minutes. Points: 29, and 4 more for a written answer.

# %%
from time import perf_counter

import numpy as np
import matplotlib.pyplot as plt

from course_lib import averages, datasets, landscapes, minibatch, networks, optimizers
from course_lib import plotting, training
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()
digits = datasets.digits()
X, y = digits.X_train, digits.y_train

# %% [markdown]
# ## 1 · The question
#
# Weeks 04 and 05 left you with two cures for two troubles. Here is a place that has both: a ravine 50 times as
# steep across as along, whose gradient is also noisy. Momentum and RMSprop, from the same start, with the same
# noise:

# %% jupyter={"source_hidden": true}
ravine = landscapes.ravine(flat=1.0, steep=50.0)
runs = {
    "momentum": lambda w: optimizers.Momentum(w, lr=0.06),
    "RMSprop": lambda w: optimizers.RMSprop(w, lr=0.1),
}
figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.2), sharey=True)
for index, (ax, (name, make)) in enumerate(zip(axes, runs.items())):
    rng = np.random.default_rng(1)
    steps = landscapes.descend(ravine, make, steps=60, noise=2.0, rng=rng)
    plotting.contours(ax, ravine.value, (-2.3, 0.9, -1.3, 1.3))
    plotting.path(ax, steps, label=name, index=index)
    ax.set(xlabel="$w_1$", title=name)
axes[0].set_ylabel("$w_2$")
plotting.show(
    figure,
    "Two paths down the same noisy ravine, 60 steps each. Momentum draws a smooth curve that swings "
    "across the ravine again and again. RMSprop heads for the floor at once and then trembles its way "
    "along it.",
)

# %% [markdown]
# Momentum **smooths the direction**: hardly a trace of the noise, but the steep side throws it across again and
# again. RMSprop **scales the coordinates**: it is on the floor after ten steps, but follows every twitch of the
# noise.
#
# > **This week's question.** Why not both? And what goes wrong in the first steps?

# %% [markdown]
# ## 2 · Both moments
#
# For every parameter, keep two averages of its gradient $dw$: of the gradient itself, as momentum does, and of
# its square, as RMSprop does. All operations are element by element; $v$ and $s$ have the shape of $w$ and start
# at 0.
#
# $$v_t = \beta_1 v_{t-1} + (1-\beta_1)\, dw_t, \qquad s_t = \beta_2 s_{t-1} + (1-\beta_2)\, dw_t^2 .$$
#
# $v$ is the **first moment** (the mean), $s$ the **second moment** (the mean square). That is where the name comes
# from: *adaptive moment estimation*. Then move along the mean, measured in units of the typical size:
# $-\alpha\, v_t/\sqrt{s_t}$. With $\beta_1 = 0.9$ and $\beta_2 = 0.999$, the mean looks back about 10 steps, the mean
# square about 1,000.
#
# Both averages start at 0, so both are too small at first. You know that from week 03, where the cure was
# optional. Lecture notes give the low start of both averages as the reason for a correction. So what does the
# *step* do without it?
#
# **Predict.** Every gradient is 1, step after step. Without any correction, the first steps of
# $\alpha\, v_t/\sqrt{s_t}$ are
#
# - `"a"`: too small
# - `"b"`: about right, because the two errors cancel in the quotient
# - `"c"`: too large

# %% nbgrader={"grade": false, "grade_id": "prediction_uncorrected", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_uncorrected = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_uncorrected = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_uncorrected", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_uncorrected=prediction_uncorrected)

# %%
t = np.arange(1, 5001)
ones = np.ones(len(t))
v = averages.ema(ones, beta=0.9)
s = averages.ema(ones**2, beta=0.999)
ratio = v / np.sqrt(s)
for step in (1, 12, 100, 1000, 5000):
    print(f"step {step:5,}: {ratio[step - 1]:.2f} times the learning rate")

figure, ax = plt.subplots()
plotting.lines(ax, {"without corrections": (t, ratio), "as it should be": (t, ones)})
ax.set(xlabel="step t", ylabel="step / learning rate", xscale="log", ylim=(0, 7.5))
ax.legend()
plotting.show(
    figure,
    "Size of an uncorrected step in units of the learning rate, against the step number on a "
    "logarithmic axis. It starts at 3.16, peaks at 6.6 near step 12 and needs thousands of steps to "
    "come down to 1.",
)

# %%
settle(prediction_uncorrected=prediction_uncorrected)

# %% [markdown]
# Too *large*, and for a long time. With a constant gradient $g$, week 03's sum of weights gives
# $v_t = (1-\beta_1^t)\,g$ and $s_t = (1-\beta_2^t)\,g^2$, so the uncorrected step is
#
# $$\alpha\,\frac{v_t}{\sqrt{s_t}} = \alpha\,\frac{1-\beta_1^t}{\sqrt{1-\beta_2^t}}\ \mathrm{sign}(g),
# \qquad\text{at } t=1:\quad \frac{1-\beta_1}{\sqrt{1-\beta_2}} = \frac{0.1}{0.0316} = 3.16 .$$
#
# The average with the longer memory is further from full, and it stands in the denominator. So here the
# correction is not optional. **Adam** (Kingma and Ba, 2015) makes it a part of the algorithm:
#
# > **At step** $t = 1, 2, 3, \dots$ **with gradient** $dw_t$:
# > 1. update $v_t$ and $s_t$ as above;
# > 2. $\hat v_t = \dfrac{v_t}{1-\beta_1^t}$ and $\hat s_t = \dfrac{s_t}{1-\beta_2^t}$;
# > 3. $w_t = w_{t-1} - \alpha\,\dfrac{\hat v_t}{\sqrt{\hat s_t} + \varepsilon}$.
#
# $\varepsilon = 10^{-8}$ keeps the quotient from being $0/0$. $t$ is the number of the *step*: not of the epoch, and
# one for all parameters.
#
# *Names.* The paper writes $m, v$ for our $v, s$; PyTorch calls them `exp_avg` and `exp_avg_sq`, and the step
# counter `step`.

# %% [markdown]
# ### Exercise 1 · `adam_step` (4 points)

# %% nbgrader={"grade": false, "grade_id": "adam_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def adam_step(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """One step of Adam.

    Parameters
    ----------
    w, dw : ndarray
        Parameters and their gradient: floats, of the same shape, () included.
    v, s : ndarray
        First and second moment after the step before, uncorrected, same shape; zeros before the
        first step.
    t : int
        Number of this step: 1 at the first, perhaps tens of thousands later.
    lr, beta1, beta2, eps : float
        Learning rate, weight of the past in v and in s (from 0, below 1), and what is added to the
        root of the corrected second moment. A call may leave them out: then the values above count.

    Returns
    -------
    w, v, s : ndarray
        New parameters, and what the next call will be given as v and s. No argument is changed.

    Examples
    --------
    >>> w, v, s = adam_step(np.array([1.0]), np.array([4.0]), np.zeros(1), np.zeros(1), 1, lr=0.5)
    >>> w.round(6).tolist(), v.round(6).tolist(), s.round(6).tolist()
    ([0.5], [0.4], [0.016])
    """
    ### BEGIN SOLUTION
    v = beta1 * v + (1 - beta1) * dw
    s = beta2 * s + (1 - beta2) * dw**2
    v_hat = v / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    return w - lr * v_hat / (np.sqrt(s_hat) + eps), v, s
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_adam_step", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(adam_step)
### BEGIN HIDDEN TESTS
check(adam_step, seed=6021)
### END HIDDEN TESTS

# %% [markdown]
# Your Adam on the first 60 updates of a real network (one hidden layer of 32, digits, five seeds), beside the
# same thing without corrections. The learning rate, 0.03, is a good one for Adam here (section 7 will look for
# the best):

# %%
adam = plug_in(adam_step)


def first_updates(corrected, seed, updates=60):
    """Train a fresh network; return the loss on all data after each update."""
    network = networks.MLP((64, 32, 10), rng=np.random.default_rng(seed))
    rng = np.random.default_rng(100 + seed)
    v, s = np.zeros_like(network.params), np.zeros_like(network.params)
    losses = [network.loss(X, y)]
    while True:
        for X_batch, y_batch in minibatch.iterate_minibatches(X, y, batch_size=64, rng=rng):
            _, dw = network.loss_and_gradient(X_batch, y_batch)
            # at a very late step both corrections are 1: the same as having none
            number = len(losses) if corrected else 1_000_000
            network.params[:], v, s = adam(network.params, dw, v, s, number, lr=0.03)
            losses.append(network.loss(X, y))
            if len(losses) > updates:
                return losses


both = {name: [first_updates(yes, seed) for seed in range(5)]
        for name, yes in [("with both corrections", True), ("without", False)]}
for name, losses in both.items():
    print(f"{name:21}: median loss {np.median(losses, axis=0)[1]:.1f} after 1 update, "
          f"{np.median(losses, axis=0)[20]:.1f} after 20")

figure, ax = plt.subplots()
for index, (name, losses) in enumerate(both.items()):
    plotting.band(ax, range(61), losses, label=name, index=index)
ax.set(xlabel="updates", ylabel="loss on all training data", ylim=(0, 4))
ax.legend()
plotting.show(
    figure,
    "Training loss over the first 60 updates, median and range of five seeds. With the corrections "
    "the loss falls at once. Without, it first jumps up on most seeds, and its median stays above "
    "at all updates but the fifth.",
)

# %% [markdown]
# The network survives, but the first steps are thrown away. (At a ten times smaller rate, 0.003, the uncorrected one
# even *leads* at all 60 updates; try it. Its steps are several times as long as they say. The corrections do not make Adam fast. They
# make `lr` mean what it says, from the first step on.)

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
rng = np.random.default_rng(0)
w, dw = rng.normal(size=(2, 100_000)).astype(np.float32)
v, s = np.zeros_like(w), np.zeros_like(w)
course_adam = optimizers.Adam(w.copy())


def microseconds(run, repeats=30):
    """Return the median time of a call."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return np.median(times) * 1e6


print(f"100,000 parameters, one step: {microseconds(lambda: adam(w, dw, v, s, 3)):.0f} µs here, "
      f"{microseconds(lambda: course_adam.step(dw)):.0f} µs with the course's optimizers.Adam")

# %% [markdown]
# ## 3 · How far does one step go?
#
# At $t = 1$ the corrected moments are $\hat v_1 = dw_1$ and $\hat s_1 = dw_1^2$. So the first step is
#
# $$-\alpha\,\frac{dw_1}{|dw_1| + \varepsilon} \approx -\alpha\ \mathrm{sign}(dw_1).$$
#
# Every parameter that has a gradient moves by $\alpha$, however steep or flat its direction. Multiply the loss by 1,000
# and next to nothing changes. See for yourself, with one parameter for each size of gradient:

# %%
sizes = np.array([1e-6, 1e-3, 1.0, 1e3, 1e6])
zero = np.zeros(5)
moved, _, _ = adam(zero, sizes, zero, zero, 1, lr=0.001)
for size, step in zip(sizes, moved):
    print(f"gradient {size:9g}: first step of Adam {step:+.5f}, of gradient descent {-0.001 * size:+g}")

# %% [markdown]
# (The last digit of the first line is $\varepsilon$ at work: section 4.)
#
# That is the paper's promise: $\alpha$ is roughly the length of a step, in the units of the parameter, so you
# can often guess it. But is it a *limit*? A steady gradient moves $w$ by $\alpha$, too. What about unsteady
# ones?
#
# **Predict.** $\beta_1 = 0.9$, $\beta_2 = 0.999$, $\varepsilon$ negligible. You may choose all the gradients so
# far, as cleverly as you like. How far can a single Adam step go?
#
# - `"a"`: never further than $\alpha$
# - `"b"`: never further than 3.16 $\alpha$
# - `"c"`: never further than about 7.3 $\alpha$
# - `"d"`: as far as you like

# %% nbgrader={"grade": false, "grade_id": "prediction_largest_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_largest_step = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
prediction_largest_step = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_largest_step", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_largest_step=prediction_largest_step)

# %% [markdown]
# **The bound.** Look at one parameter. Let $g_k$ be its gradient $k$ steps ago ($g_0$ is this step's, $g_{t-1}$
# the first). Both corrected moments are weighted means with weights that sum to 1:
#
# $$\hat v_t = \sum_{k=0}^{t-1} p_k\, g_k, \qquad \hat s_t = \sum_{k=0}^{t-1} q_k\, g_k^2,
# \qquad \sum_k p_k = \sum_k q_k = 1 .$$
#
# (Which weights? That is week 03's `debiased_weights`; $p$ comes from $\beta_1$, $q$ from $\beta_2$.) Now write
# each term as a product and use the Cauchy–Schwarz inequality,
# $\big(\sum_k a_k b_k\big)^2 \le \sum_k a_k^2\,\sum_k b_k^2$:
#
# $$\hat v_t^2 = \Big(\sum_k \frac{p_k}{\sqrt{q_k}}\cdot\sqrt{q_k}\,g_k\Big)^2
# \le \Big(\sum_k \frac{p_k^2}{q_k}\Big)\Big(\sum_k q_k\, g_k^2\Big)
# = \Big(\sum_k \frac{p_k^2}{q_k}\Big)\ \hat s_t .$$
#
# Divide by $\hat s_t$ (if it is 0, all gradients were 0, and so is the step), take the root, multiply by $\alpha$:
#
# $$\boxed{\ |\Delta w_t| \;\le\; \alpha\,\sqrt{\sum_{k=0}^{t-1}\frac{p_k^2}{q_k}}\ }$$
#
# There is equality when $\sqrt{q_k}\,g_k$ is proportional to $p_k/\sqrt{q_k}$, that is $g_k \propto p_k/q_k$. So
# the bound is not only true but *reached*: nobody can give a smaller one.

# %% [markdown]
# ### Exercise 2 · `step_bound` (3 points)

# %% nbgrader={"grade": false, "grade_id": "step_bound", "locked": false, "schema_version": 3, "solution": true, "task": false}
def step_bound(t, *, lr, beta1, beta2):
    """Largest |change of w| that Adam can make at step t, whatever the gradients (eps = 0).

    Parameters
    ----------
    t : int
        Number of the step, from 1 to 2,000.
    lr : float
        Learning rate.
    beta1 : float
        0 <= beta1 < 1.
    beta2 : float
        0.75 <= beta2 < 1. Not necessarily larger than beta1.

    Returns
    -------
    float
        The bound in the box.

    Examples
    --------
    >>> float(step_bound(1, lr=0.5, beta1=0.9, beta2=0.999))
    0.5
    >>> round(float(step_bound(3, lr=1.0, beta1=0.5, beta2=0.9)), 4)
    1.095
    """
    ### BEGIN SOLUTION
    k = np.arange(t)
    p = (1 - beta1) * beta1**k / (1 - beta1**t)
    q = (1 - beta2) * beta2**k / (1 - beta2**t)
    return lr * np.sqrt(np.sum(p**2 / q))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_step_bound", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(step_bound)
### BEGIN HIDDEN TESTS
check(step_bound, seed=2718)
### END HIDDEN TESTS

# %% [markdown]
# A bound deserves an attack. Since $p_k/q_k \propto (\beta_1/\beta_2)^k$, the worst gradients *grow* by the
# factor
# $\beta_2/\beta_1$ from step to step: with the defaults, by 11 %. We feed exactly those to the course's Adam:

# %%
largest = plug_in(step_bound)


def attacked(t, beta1, beta2):
    """Return the last of t steps, in units of lr, on the worst gradients."""
    w = np.zeros(1)
    adam = optimizers.Adam(w, lr=1.0, beta1=beta1, beta2=beta2)
    for k in reversed(range(t)):
        before = w[0]
        adam.step(np.array([1e6 * (beta1 / beta2) ** k]))
    return abs(w[0] - before)


times = [1, 3, 10, 30, 100, 300, 1000, 2000]
figure, ax = plt.subplots()
pairs = [(0.9, 0.999), (0.9, 0.99), (0.9, 0.9)]
for index, (beta1, beta2) in enumerate(pairs):
    bounds = [largest(t, lr=1.0, beta1=beta1, beta2=beta2) for t in times]
    reached = [attacked(t, beta1, beta2) for t in times]
    plotting.lines(ax, {f"bound, {beta1} and {beta2}": (times, bounds)}, first=index)
    ax.plot(times, reached, "o", color=plotting.COLOURS[index], fillstyle="none", markersize=8)
    print(f"betas {beta1} and {beta2}: after 2,000 steps the bound is {bounds[-1]:.2f}, "
          f"reached {reached[-1]:.2f}")
ax.plot([], [], "o", color="black", fillstyle="none", label="reached by the worst gradients")
ax.axhline(0.1 / 0.001**0.5, color="#999999", linewidth=1)
ax.text(1, 3.3, "the paper's bound for the defaults, 3.16", color="#555555")
ax.set(xlabel="step t", ylabel="largest step / learning rate", xscale="log", ylim=(0, 8))
ax.legend(loc="upper left")
plotting.show(
    figure,
    "The bound on a step in units of the learning rate, against the step number. For betas 0.9 and "
    "0.999 it climbs from 1 to about 6.8 at 2,000 steps, far above the paper's 3.16; for 0.9 and "
    "0.99 it ends at 2.35; for equal betas it stays at 1. Circles on the curves: steps that were reached.",
)

# %%
settle(prediction_largest_step=prediction_largest_step)

# %% [markdown]
# The circles lie on the curves: the bound is right. It has three consequences.
#
# - **The limit.** The terms form a geometric series with the quotient $\rho = \beta_1^2/\beta_2$. For $\rho < 1$
#   and $t\to\infty$ the bound tends to $\alpha\,\dfrac{1-\beta_1}{\sqrt{(1-\beta_2)(1-\rho)}}$, with the defaults
#   $7.27\,\alpha$. For $\rho \ge 1$ it grows for ever: $\beta_1 < \sqrt{\beta_2}$ is what keeps Adam's steps bounded.
# - **The exception.** It equals $\alpha$ at all times only if $p = q$, that is $\beta_1 = \beta_2$.
# - **The paper.** Its section 2.1 gives $\alpha\,(1-\beta_1)/\sqrt{1-\beta_2} = 3.16\,\alpha$ as an upper bound where
#   that is more than $\alpha$, and $\alpha$ otherwise. Both are exceeded: 6.76 and 2.35 in the cell above. Its worst
#   case, a single gradient after a long silence, is severe; gradients that *set in and grow* are worse. A great paper,
#   and still: test.
#
# And in real life? The steps of all 2,410 parameters over 20 epochs of digits:

# %%
network = networks.MLP((64, 32, 10), rng=np.random.default_rng(0))
optimizer = optimizers.Adam(network.params, lr=0.01)
rng = np.random.default_rng(1)
moves, gradients = [], []
for _ in range(20):
    for X_batch, y_batch in minibatch.iterate_minibatches(X, y, batch_size=64, rng=rng):
        before = network.params.copy()
        gradients.append(network.loss_and_gradient(X_batch, y_batch)[1].copy())
        optimizer.step(gradients[-1])
        moves.append(np.abs(network.params - before) / 0.01)
moves, squares = np.array(moves), np.array(gradients) ** 2
for name, some in [("all", moves), ("first epoch", moves[:23]), ("last epoch", moves[-23:])]:
    print(f"{name:11}: largest step {some.max():.1f} lr, median {np.median(some[some > 0]):.2f} lr")
s_hat = averages.ema(squares, beta=0.999, bias_correction=True)[-1]
recent = squares[-23:].mean(axis=0)
ratio = np.sqrt(recent[recent > 0] / s_hat[recent > 0])
print(f"root mean square gradient of the last epoch: {np.median(ratio):.2f} times the root of s_hat (median)")

# %% [markdown]
# So "about $\alpha$ at most" is a fair rule of thumb for real gradients, and most steps are far smaller. Why
# smaller? For two reasons.
#
# - *Noise.* For pure noise of variance $\sigma^2$, $\hat s \approx \sigma^2$, while the average $v$ has only the variance
#   $\frac{1-\beta_1}{1+\beta_1}\sigma^2$ (week 02). So the root mean square of the steps is
#   $\sqrt{0.1/1.9}\,\alpha = 0.23\,\alpha$, in a random direction; for normal noise half of them are below
#   $0.67\cdot 0.23\,\alpha = 0.15\,\alpha$. Adam slows down where the gradient is more noise than signal.
# - *Memory.* $\hat s$ remembers some 1,000 steps, here the whole run, and its gradients were larger at the beginning. In
#   the last epoch they have 0.63 of the size that Adam divides by.
#
# Together that is $0.63\cdot 0.15\,\alpha = 0.10\,\alpha$, near the 0.08 of the last epoch.

# %% [markdown]
# ## 4 · Where $\varepsilon$ belongs
#
# $\varepsilon$ looks like a detail. Where it is put decides what it is compared with. One step at $t = 1$ for gradients of
# all sizes, each a parameter of its own:

# %% jupyter={"source_hidden": true}
g = np.logspace(-12, 2, 200)
zero = np.zeros_like(g)


def first_step(eps):
    """Return Adam's first step in units of lr."""
    return -optimizers.adam_step(zero, g, zero, zero, 1, lr=1.0, eps=eps)[0]


curves = {
    "after the root, 1e-8": (g, first_step(1e-8)),
    "after the root, 1e-2": (g, first_step(1e-2)),
    "inside the root, 1e-8": (g, g / np.sqrt(g**2 + 1e-8)),
    "before correcting (ε-hat), 1e-8": (g, first_step(1e-8 / np.sqrt(0.001))),
}
figure, ax = plt.subplots()
plotting.lines(ax, curves)
ax.set(xlabel="size of the gradient", ylabel="first step / learning rate", xscale="log", yscale="log")
ax.set(ylim=(1e-6, 4))
ax.legend(loc="lower right", fontsize=9)
plotting.show(
    figure,
    "Adam's first step against the size of the gradient, both logarithmic. Each curve is flat at 1 "
    "for large gradients and falls in proportion for small ones. The bend is at 1e-8 for eps after "
    "the root, at 3e-7 for the eps-hat form, at 1e-4 for eps inside the root, at 1e-2 for eps = 0.01.",
)

# %% [markdown]
# Left of its bend each curve is a straight line: the step is proportional to the gradient, as in momentum. Right
# of it the step is $\alpha$. So $\varepsilon$ is a **threshold**: gradients far below it count as small, all
# others are treated alike. It matters where $\sqrt{\hat s}$ is not far above $\varepsilon$.
#
# - *After the root of the corrected moment*: the paper's algorithm 1, PyTorch, this course.
# - *$\hat\varepsilon$, after the root of the uncorrected one*: the paper's shortcut, Keras and TensorFlow. At $t=1$ it
#   weighs $1/\sqrt{1-\beta_2} = 31.6$ times as much; later the two agree.
# - *Inside the root*: another unit. $10^{-8}$ inside is $10^{-4}$ outside.
#
# **A slip of the pen.** One of the lecture notes that this course started from explains, correctly, that
# $\varepsilon$ is added to the denominator, and then writes the update on one line of pseudo-code. In our names:
#
# > `w = w - lr * v_hat / sqrt(s_hat) + eps`
#
# The intention is right; the line, read as a program, says something else, because division comes before
# addition. It happens to all of us. What does it do? The very first update of our network:

# %%
network = networks.MLP((64, 32, 10), rng=np.random.default_rng(0))
_, dw = network.loss_and_gradient(X[:64], y[:64])
v_corrected, s_corrected = dw, dw**2  # at t = 1
with np.errstate(invalid="ignore"):  # NumPy would warn
    network.params[:] = network.params - 0.001 * v_corrected / np.sqrt(s_corrected) + 1e-8
print(f"{np.isnan(network.params).sum():,} of {len(dw):,} parameters are NaN after one step")
print("loss:", network.loss(X, y))
never = np.sum(X.max(axis=0) == 0)
print(f"{never} pixels are white in all training images: their gradient is 0 at every step")

# %% [markdown]
# A pixel that is white in the whole batch gives its weights the gradient 0, hence $0/0$: not a number, and one
# is enough to ruin the loss. In the denominator, $\varepsilon$ makes that $0/\varepsilon = 0$. A single pair of
# brackets.

# %% [markdown]
# ## 5 · Weight decay: AdamW
#
# Week 01 put a penalty $\frac\lambda2\lVert w\rVert^2$ into the loss. Its gradient $\lambda w$ joins $dw$, and
# plain gradient descent turns it into a shrinking by the same share at each step:
# $w - \alpha(dw + \lambda w) = (1-\alpha\lambda)\,w - \alpha\, dw$. There, "L2 penalty" and "weight decay" are one thing.
#
# In Adam they are not. If $\lambda w$ joins $dw$, it is averaged with it and then divided by $\sqrt{\hat s}$: a
# weight with large gradients hardly decays. Loshchilov and Hutter (2019) therefore take the decay out of the
# gradient: the moments see $dw$ alone, and each step *also* subtracts $\alpha\lambda\, w_{t-1}$, undivided. That
# is **AdamW**. ($\lambda$ is `weight_decay`. PyTorch has the factor $\alpha$; the paper writes a factor of the
# schedule in its place.)

# %% [markdown]
# ### Exercise 3 · `adamw_step` (3 points)

# %% nbgrader={"grade": false, "grade_id": "adamw_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def adamw_step(w, dw, v, s, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    """One step of AdamW: Adam's step, and beside it a decay by lr * weight_decay of w.

    Parameters
    ----------
    w, dw, v, s, t, lr, beta1, beta2, eps
        As in adam_step.
    weight_decay : float
        At least 0, and 0.01 if a call leaves it out. The share that is subtracted is one of w as it
        came in.

    Returns
    -------
    w, v, s : ndarray
        As in adam_step. No argument is changed.

    Examples
    --------
    >>> zero = np.zeros(2)
    >>> w, v, s = adamw_step(np.array([4.0, -2.0]), zero, zero, zero, 1, lr=0.5, weight_decay=0.1)
    >>> w.round(6).tolist()
    [3.8, -1.9]
    """
    ### BEGIN SOLUTION
    v = beta1 * v + (1 - beta1) * dw
    s = beta2 * s + (1 - beta2) * dw**2
    v_hat = v / (1 - beta1**t)
    s_hat = s / (1 - beta2**t)
    return w - lr * (v_hat / (np.sqrt(s_hat) + eps) + weight_decay * w), v, s
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_adamw_step", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(adamw_step)
### BEGIN HIDDEN TESTS
check(adamw_step, seed=5077)
### END HIDDEN TESTS

# %% [markdown]
# Two weights start at 1. Their gradients alternate in sign, so nothing but the decay has a lasting effect: those
# of the first are $\pm 10$, those of the second $\pm 0.1$. Same $\lambda = 0.1$, same $\alpha = 0.01$:

# %%
adamw = plug_in(adamw_step)
steps = 1000
inside, decoupled = np.ones((2, steps + 1, 2))
v1, s1, v2, s2 = np.zeros((4, 2))
for t in range(1, steps + 1):
    dw = np.array([10.0, 0.1]) * (-1) ** t
    w = inside[t - 1]
    inside[t], v1, s1 = optimizers.adam_step(w, dw + 0.1 * w, v1, s1, t, lr=0.01)
    w = decoupled[t - 1]
    decoupled[t], v2, s2 = adamw(w, dw, v2, s2, t, lr=0.01, weight_decay=0.1)

print(f"L2 in the gradient: {inside[-1, 0]:.2f} and {abs(inside[-1, 1]):.2f} left after {steps:,} steps")
print(f"AdamW:              {decoupled[-1, 0]:.2f} and {decoupled[-1, 1]:.2f}")
print(f"(1 - lr * weight_decay) ** {steps} = {0.999**steps:.2f}")

figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.2), sharey=True)
for ax, w, title in [(axes[0], inside, "L2 in the gradient"), (axes[1], decoupled, "AdamW")]:
    names = ["gradients of ±10", "gradients of ±0.1"]
    plotting.lines(ax, {name: (range(steps + 1), w[:, i]) for i, name in enumerate(names)})
    ax.set(xlabel="step", title=title, ylim=(0, 1.05))
axes[0].set_ylabel("weight")
axes[0].legend(loc="center right")
plotting.show(
    figure,
    "Two weights that only decay. With the penalty in Adam's gradient, the one with large gradients "
    "keeps nine tenths of its size while the other has lost nearly all of it after 400 steps. With AdamW "
    "both follow the same curve down to 0.37, one on top of the other.",
)

# %% [markdown]
# ## 6 · Where Adam goes to the wrong end
#
# Dividing by a *moving* average has a price. Reddi, Kale and Kumar (2018) found a problem so simple that you can
# do it by hand. One parameter $w$ between $-1$ and $1$. Every loss is a straight line: the first of every three
# has slope
# $+3$, the other two have slope $-1$. Over three steps the slopes sum to $+1$, so the best place is $w = -1$.
#
# Take $\beta_1 = 0$ and $\beta_2 = 0.1$, a short memory. Once it has settled, $s$ takes three values in turn:
#
# | gradient | $s$ | Adam's step $-dw/\sqrt s$, in units of $\alpha$ |
# |:--|:--|:--|
# | $+3$ | $0.1\cdot 1.07 + 0.9\cdot 9 = 8.2$ | $-1.05$ |
# | $-1$ | $0.1\cdot 8.2 + 0.9\cdot 1 = 1.7$ | $+0.76$ |
# | $-1$ | $0.1\cdot 1.7 + 0.9\cdot 1 = 1.07$ | $+0.97$ |
#
# Together $+0.68$: away from the minimum. The large gradient is the one that matters, and it is divided by the
# large root that it has itself produced. When the small ones come, it is already forgotten.
#
# **AMSGrad** is their repair. Keep, for every parameter, the largest $s$ so far, and divide by the root of that. $s$
# itself goes on as before, but what a large gradient has done to the maximum is not forgotten. In the paper, which has
# no corrections, the rate $\alpha/\sqrt{s_{\max}}$ therefore never grows again. Here, as in PyTorch, the maximum is
# taken of the *uncorrected* $s$, and both $v$ and that maximum are corrected like Adam's moments. The divisor $1 -
# \beta_2^t$ still rises towards 1, and the rate with its root: after one large gradient at $t = 1$ by up to
# $1/\sqrt{1-\beta_2}$, with the default 31.6 times. Late in a run the two are the same.

# %% [markdown]
# ### Exercise 4 · `amsgrad_step` (3 points)

# %% nbgrader={"grade": false, "grade_id": "amsgrad_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def amsgrad_step(w, dw, v, s, s_max, t, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """One step of AMSGrad.

    Parameters
    ----------
    w, dw, v, s, t, lr, beta1, beta2, eps
        As in adam_step.
    s_max : ndarray
        Largest value of each entry of s so far (uncorrected); zeros before the first step.

    Returns
    -------
    w, v, s, s_max : ndarray
        New parameters, and what the next call will be given. No argument is changed.

    Examples
    --------
    >>> zero, two = np.zeros(2), np.array([2.0, 2.0])
    >>> w, v, s, s_max = amsgrad_step(zero, two, zero, zero, np.array([1.0, 3.0]), 1,
    ...                               lr=0.5, beta1=0.5, beta2=0.5)
    >>> s.tolist(), s_max.tolist(), w.round(4).tolist()
    ([2.0, 2.0], [2.0, 3.0], [-0.5, -0.4082])
    """
    ### BEGIN SOLUTION
    v = beta1 * v + (1 - beta1) * dw
    s = beta2 * s + (1 - beta2) * dw**2
    s_max = np.maximum(s_max, s)
    v_hat = v / (1 - beta1**t)
    s_hat = s_max / (1 - beta2**t)
    return w - lr * v_hat / (np.sqrt(s_hat) + eps), v, s, s_max
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_amsgrad_step", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(amsgrad_step)
### BEGIN HIDDEN TESTS
check(amsgrad_step, seed=8128)
### END HIDDEN TESTS

# %%
amsgrad = plug_in(amsgrad_step)


def slope(t, rare=3, large=3.0, small=-1.0):
    """Return the slope of the loss at step t."""
    return large if t % rare == 1 else small


paths = {"Adam": [0.0], "AMSGrad": [0.0], "gradient descent": [0.0]}
v1, s1, v2, s2, s_max = np.zeros((5, 1))
short = {"lr": 0.01, "beta1": 0.0, "beta2": 0.1}
for t in range(1, 1501):
    dw = np.array([slope(t)])
    w1, v1, s1 = optimizers.adam_step(np.array(paths["Adam"][-1:]), dw, v1, s1, t, **short)
    w2, v2, s2, s_max = amsgrad(np.array(paths["AMSGrad"][-1:]), dw, v2, s2, s_max, t, **short)
    w3 = paths["gradient descent"][-1] - 0.01 * dw
    for name, w in zip(paths, (w1, w2, w3)):
        paths[name].append(float(np.clip(w[0], -1, 1)))
for name, path in paths.items():
    print(f"{name:16}: w = {path[-1]:+.1f}")

figure, ax = plt.subplots()
plotting.lines(ax, {name: (range(1501), path) for name, path in paths.items()})
ax.axhline(-1, color="#999999", linewidth=1)
ax.set(xlabel="step (grey: the best w)", ylabel="w", ylim=(-1.15, 1.15))
ax.legend(loc="center right")
plotting.show(
    figure,
    "Three optimizers on the problem of Reddi et al. Gradient descent and AMSGrad go down to w = -1, "
    "the best point. Adam climbs steadily to w = +1, the worst.",
)

# %% [markdown]
# All losses convex, no noise, and Adam walks to the worst point there is. Does a longer memory save it? The same
# problem, and a harder one in which the large gradient comes once in 101 steps (slope $+1010$, otherwise $-10$;
# the best place is still $-1$):

# %%
def where_to(beta1, beta2, **problem):
    """Return the end that Adam has come nearer to, from w = 0, after 300 large gradients."""
    w = np.zeros(1)
    adam = optimizers.Adam(w, lr=0.01, beta1=beta1, beta2=beta2)
    for t in range(1, 300 * problem["rare"] + 1):
        adam.step(np.array([slope(t, **problem)]))
        np.clip(w, -1, 1, out=w)
    return "right end" if w[0] < 0 else "WRONG end"


often = {"rare": 3, "large": 3.0, "small": -1.0}
seldom = {"rare": 101, "large": 1010.0, "small": -10.0}
for beta1, beta2 in [(0.0, 0.1), (0.9, 0.99), (0.9, 0.999), (0.9, 0.9999)]:
    print(f"betas {beta1}, {beta2:6}: once in 3: {where_to(beta1, beta2, **often)}; "
          f"once in 101: {where_to(beta1, beta2, **seldom)}")

# %% [markdown]
# The memory of $s$ must be long compared with the time between the gradients that matter, and even the default
# is not safe when those are rare enough. Does it happen to networks? With well-shuffled data the gradients that matter
# seldom come so rarely. AMSGrad is an insurance, and `amsgrad` is off by default in PyTorch.

# %% [markdown]
# ## 7 · Adam against SGD, each at its best
#
# Now the comparison that everybody makes and few make fairly. The same network, ten epochs. Both get the same
# budget: nine learning rates, three seeds each; the rate with the best worst-of-three final loss wins. Then five
# *fresh* seeds.
#
# **Predict.** On the test set, after ten epochs, over the five fresh seeds:
#
# - `"a"`: Adam is clearly better, on every seed
# - `"b"`: SGD with momentum is clearly better, on every seed
# - `"c"`: their ranges overlap

# %% nbgrader={"grade": false, "grade_id": "prediction_adam_race", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_adam_race = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_adam_race = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_adam_race", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_adam_race=prediction_adam_race)

# %%
grids = {
    "Adam": (optimizers.Adam, [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]),
    "momentum": (optimizers.Momentum, [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]),
}


def ten_epochs(make, lr, seed, units=1.0):
    """Train for ten epochs; return the final training loss and the test accuracy."""
    network = networks.MLP((64, 32, 10), rng=np.random.default_rng(seed))
    rng = np.random.default_rng(100 + seed)
    with np.errstate(all="ignore"):  # a rate that is far too large may overflow
        run = training.train(network, make(network.params, lr=lr), X * units, y,
                             batch_size=64, epochs=10, rng=rng)
        accuracy = network.accuracy(digits.X_test * units, digits.y_test)
    return np.nan_to_num(run.loss[-1], nan=np.inf), accuracy


def tune_and_race(units=1.0):
    """Tune both on seeds 0 to 2, then race them on seeds 10 to 14."""
    tried, raced = {}, {}
    for name, (make, rates) in grids.items():
        tried[name] = np.array([[ten_epochs(make, lr, seed, units)[0] for seed in range(3)]
                                for lr in rates])
        best = rates[int(np.argmin(tried[name].max(axis=1)))]
        raced[name] = np.array([ten_epochs(make, best, seed, units) for seed in range(10, 15)])
        loss, accuracy = raced[name].T
        print(f"{name:8} lr {best:5g}: loss {loss.min():.2f} to {loss.max():.2f}, "
              f"test accuracy {accuracy.min():.0%} to {accuracy.max():.0%}")
    return tried, raced


tried, raced = tune_and_race()

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
for index, (name, marker) in enumerate([("Adam", "o"), ("momentum", "^")]):
    losses = np.clip(tried[name], None, 10).T
    plotting.band(ax, grids[name][1], losses, label=name, index=index, marker=marker)
ax.axvline(0.001, color="#999999", linewidth=1)
ax.set(xlabel="learning rate (grey: Adam's default)", ylabel="loss after ten epochs")
ax.set(xscale="log", yscale="log")
ax.legend(loc="lower left")
plotting.show(
    figure,
    "Final loss against the learning rate for Adam and for momentum, both axes logarithmic: two "
    "valleys of similar depth, Adam's somewhat wider, momentum's further to the right. At Adam's default rate of "
    "0.001 the loss is more than ten times that at the bottom of its valley.",
)

# %%
settle(prediction_adam_race=prediction_adam_race)

# %% [markdown]
# Two valleys of about the same depth; Adam's is somewhat wider. Their horizontal distance means nothing: the two
# learning rates have different units (Adam's is a distance, momentum's multiplies a gradient). A comparison "at
# the same learning rate" would have crowned whichever you like.
#
# So what is Adam good for? Give every pixel a unit of its own: multiply each of the 64 columns by a random
# factor between $10^{-1.5}$ and $10^{1.5}$, as if one were in metres and the next in millimetres. Tuned again,
# with the same budget:

# %%
units = 10.0 ** np.random.default_rng(0).uniform(-1.5, 1.5, size=64)
tried_units, raced_units = tune_and_race(units)
wins = np.sum(raced_units["Adam"][:, 0] < raced_units["momentum"][:, 0])
print(f"Adam has the lower loss on {wins} of 5 seeds")

# %% [markdown]
# Here Adam is far ahead. One learning rate cannot suit columns of such different sizes, but Adam gives every
# weight its own. Standardising the inputs (week 00) would have cured this simple case by itself. Inside a deep
# network, with an embedding here and a normalisation there, you cannot standardise everything; that is where
# Adam earns its keep.

# %% [markdown]
# ## 8 · Adam first, SGD later
#
# One of the lecture notes recommends Adam for the first ten epochs, because it is quick but rough, and SGD from
# then on, because it is slow but exact. The idea is sound: hurry when far away, take care when near. Let us
# build it, then ask whether it works.

# %% [markdown]
# ### Exercise 5 · `train_with_switch` (4 points)
#
# Use the course's optimizers: `Adam(w, lr=...)` and `SGD(w, lr=...)` work **in place** on the flat array that
# they are made with, and `.step(dw)` makes one update.

# %% nbgrader={"grade": false, "grade_id": "train_with_switch", "locked": false, "schema_version": 3, "solution": true, "task": false}
from course_lib.optimizers import SGD, Adam


def train_with_switch(gradient, w, *, epochs, steps_per_epoch, switch_after, lr_adam, lr_sgd):
    """Train with Adam for the first epochs and with plain SGD for the rest.

    Parameters
    ----------
    gradient : callable
        gradient(w, t) is the gradient of update t at w, an array of shape (p,). t = 1, 2, 3, ...
        numbers the updates of the whole run, from epoch to epoch, from Adam to SGD.
    w : ndarray of shape (p,)
        Parameters at the start, floats. Must not be changed.
    epochs, steps_per_epoch : int
        At least 1.
    switch_after : int
        Epochs that belong to Adam: 0 means SGD from the start, `epochs` or more means Adam to
        the end. Adam's moments live through all of its epochs.
    lr_adam, lr_sgd : float
        Learning rates; everything else at the optimizers' defaults.

    Returns
    -------
    ndarray of shape (epochs, p)
        Parameters at the end of each epoch, one row per epoch, in an array of its own.

    Examples
    --------
    >>> ends = train_with_switch(lambda w, t: w, np.array([1.0]), epochs=3, steps_per_epoch=2,
    ...                          switch_after=1, lr_adam=0.1, lr_sgd=0.5)
    >>> ends.round(3).tolist()
    [[0.8], [0.2], [0.05]]
    """
    ### BEGIN SOLUTION
    w = w.copy()
    optimizer = Adam(w, lr=lr_adam)
    ends = []
    for epoch in range(epochs):
        if epoch == switch_after:
            optimizer = SGD(w, lr=lr_sgd)
        for t in range(epoch * steps_per_epoch + 1, (epoch + 1) * steps_per_epoch + 1):
            optimizer.step(gradient(w, t))
        ends.append(w.copy())
    return np.array(ends)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_train_with_switch", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(train_with_switch)
### BEGIN HIDDEN TESTS
check(train_with_switch, seed=1123)
### END HIDDEN TESTS

# %% [markdown]
# Thirty epochs on the digits, with a penalty so that the loss has a floor to land on. Four plans: SGD alone,
# Adam alone, a switch after 10 epochs and one after 20. And a fifth as a control: Adam up to epoch 20, then
# *Adam again*, with a smaller rate. First the runs themselves:

# %%
train = plug_in(train_with_switch)
EPOCHS, PER_EPOCH = 30, 23


def problem(seed):
    """Return a network and the gradient function of its run: which batch comes when is fixed."""
    network = networks.MLP((64, 32, 10), rng=np.random.default_rng(seed), l2=1e-3)
    rng = np.random.default_rng(100 + seed)
    order = np.concatenate([rng.permutation(len(X)) for _ in range(EPOCHS)])
    cuts = np.array([e * len(X) + np.arange(0, len(X), 64) for e in range(EPOCHS)]).ravel()
    batches = np.split(order, cuts[1:])

    def gradient(w, t):
        network.params[:] = w
        rows = batches[t - 1]
        return network.loss_and_gradient(X[rows], y[rows])[1]

    return network, gradient


def losses_of(network, ends):
    """Return the loss on all training data at the end of each epoch, and the last test accuracy."""
    losses = []
    for w in ends:
        network.params[:] = w
        losses.append(network.loss(X, y))
    return np.array(losses), network.accuracy(digits.X_test, digits.y_test)


def switched(seed, after, lr_adam, lr_sgd):
    """Run a plan that ends with SGD."""
    network, gradient = problem(seed)
    ends = train(gradient, network.params.copy(), epochs=EPOCHS, steps_per_epoch=PER_EPOCH,
                 switch_after=after, lr_adam=lr_adam, lr_sgd=lr_sgd)
    return losses_of(network, ends)


def adam_twice(seed, after, lr, smaller):
    """Run the control: Adam with a smaller rate after some epochs."""
    network, gradient = problem(seed)
    w, ends = network.params.copy(), []
    adam = optimizers.Adam(w, lr=lambda t: lr if t <= after * PER_EPOCH else smaller)
    for t in range(1, EPOCHS * PER_EPOCH + 1):
        adam.step(gradient(w, t))
        if t % PER_EPOCH == 0:
            ends.append(w.copy())
    return losses_of(network, ends)


# %% [markdown]
# Now the tuning: every plan may try four settings on three seeds (the best worst-of-three wins), and then runs
# on five fresh seeds.

# %%
both_rates = [(0.01, 0.1), (0.01, 0.3), (0.03, 0.1), (0.03, 0.3)]
plans = {
    "SGD alone": (switched, 0, [(0.01, lr) for lr in (0.2, 0.4, 0.6, 0.8)]),
    "Adam alone": (switched, EPOCHS, [(lr, 0.1) for lr in (0.005, 0.01, 0.02, 0.04)]),
    "Adam 10, SGD": (switched, 10, both_rates),
    "Adam 20, SGD": (switched, 20, both_rates),
    "Adam 20, Adam": (adam_twice, 20, [(0.01, 0.001), (0.01, 0.003), (0.03, 0.001), (0.03, 0.003)]),
}
curves = {}
for name, (run, after, settings) in plans.items():
    scores = [max(run(seed, after, *rates)[0][-1] for seed in range(3)) for rates in settings]
    best = settings[int(np.argmin(scores))]
    found = [run(seed, after, *best) for seed in range(10, 15)]
    curves[name] = np.array([losses for losses, _ in found])
    last, accuracy = curves[name][:, -1], [a for _, a in found]
    print(f"{name:13}: loss {last.min():.3f} to {last.max():.3f}, median {np.median(last):.3f}; "
          f"test accuracy {min(accuracy):.0%} to {max(accuracy):.0%}")

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.6), sharey=True)
panels = [["SGD alone", "Adam alone", "Adam 10, SGD"], ["Adam 20, SGD", "Adam 20, Adam"]]
index = 0
for ax, names in zip(axes, panels):
    for name in names:
        plotting.band(ax, np.arange(1, EPOCHS + 1), curves[name], label=name, index=index)
        index += 1
    ax.set(xlabel="epoch", ylim=(0.11, 0.3))
    ax.legend()
axes[0].set_ylabel("loss on all training data")
plotting.show(
    figure,
    "Training loss over 30 epochs, median and range of five seeds. Adam alone falls fast and then "
    "hovers; SGD alone is slower and much noisier. After the switch at epoch 10 the curve is smoother, and "
    "ends about where Adam does. On the right, two plans that change at epoch 20, to SGD and to a "
    "smaller Adam: both drop at once and calm down, and end close together.",
)

# %% [markdown]
# Look at epoch 20 in the right panel: the loss drops, and the trembling ends. That is real. But look at the control as
# well: Adam with a smaller rate does the same, and ends about as low or a little lower. Keep both in mind for the last
# claim. (How close plans rank hangs on the list of rates and on the seeds; with another list we saw another order. What
# stayed was that changing at epoch 20 beat changing at epoch 10.)

# %% [markdown]
# ## 9 · Claims to test
#
# Answer `"true"`, `"false"` or `"depends"`.
#
# **Claim 1.** *"Adam needs no tuning."* You have the measurement: section 7, the figure with two valleys. In
# numbers:

# %%
rates = grids["Adam"][1]
worst = tried["Adam"].max(axis=1)
print(f"Adam at 0.001: loss {worst[0]:.2f}; at its best rate: {worst.min():.2f}")
for name, (_, candidates) in grids.items():
    good = np.sum(tried[name].max(axis=1) < 0.1)
    print(f"{name}: {good} of {len(candidates)} rates end below a loss of 0.1")

# %% nbgrader={"grade": false, "grade_id": "claim_adam_no_tuning", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_adam_no_tuning = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_adam_no_tuning = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_adam_no_tuning", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_adam_no_tuning=claim_adam_no_tuning)

# %% [markdown]
# **Claim 2.** *"Adam beats SGD."* You have three measurements: the digits as they are, the digits in other
# units, and the problem of section 6.

# %% nbgrader={"grade": false, "grade_id": "claim_adam_beats_sgd", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_adam_beats_sgd = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_adam_beats_sgd = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_adam_beats_sgd", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_adam_beats_sgd=claim_adam_beats_sgd)

# %% [markdown]
# **Claim 3.** *"Adam is momentum followed by RMSprop."* Taken at its word: average the gradients, then hand that
# average to RMSprop as if it were the gradient, both corrected. Beside it Adam. Gradients that are nothing but
# noise, and gradients with more and more signal in them:

# %%
noise = np.random.default_rng(3).normal(size=(6000, 300))
signals = [0.0, 0.1, 0.3, 1.0, 3.0]
chain_steps, adam_steps = [], []
for signal in signals:
    g = signal + noise
    v_hat = averages.ema(g, beta=0.9, bias_correction=True)
    raw = averages.ema(g**2, beta=0.999, bias_correction=True)
    of_v = averages.ema(v_hat**2, beta=0.999, bias_correction=True)
    adam_steps.append(np.sqrt(np.mean((v_hat / np.sqrt(raw))[1000:] ** 2)))
    chain_steps.append(np.sqrt(np.mean((v_hat / np.sqrt(of_v))[1000:] ** 2)))
    print(f"signal / noise {signal:3.1f}: root mean square step of Adam {adam_steps[-1]:.2f} lr, "
          f"of the chain {chain_steps[-1]:.2f} lr")

# %% nbgrader={"grade": false, "grade_id": "claim_momentum_then_rmsprop", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_momentum_then_rmsprop = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_momentum_then_rmsprop = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_momentum_then_rmsprop", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_momentum_then_rmsprop=claim_momentum_then_rmsprop)

# %% [markdown]
# **Claim 4.** *"Switch from Adam to SGD at epoch 10."* Section 8 has the measurement. Seed by seed, who ended
# lower?

# %%
pairs = [("Adam 10, SGD", "Adam alone"), ("Adam 20, SGD", "Adam alone"),
         ("Adam 20, SGD", "Adam 10, SGD"), ("Adam 20, SGD", "Adam 20, Adam")]
for one, other in pairs:
    wins = np.sum(curves[one][:, -1] < curves[other][:, -1])
    print(f"{one} ends below {other} on {wins} of 5 seeds")

# %% nbgrader={"grade": false, "grade_id": "claim_switch_at_ten", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_switch_at_ten = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_switch_at_ten = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_switch_at_ten", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_switch_at_ten=claim_switch_at_ten)

# %% [markdown]
# ## 10 · Quiz
#
# **1.** The first gradient of a weight is 250. Adam with all its defaults, $\alpha = 0.001$. How far does the
# weight move?
#
# - `"a"` 0.25
# - `"b"` 0.001
# - `"c"` 0.00316
# - `"d"` hardly at all, because of $\varepsilon$

# %% nbgrader={"grade": false, "grade_id": "quiz_first_adam_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_first_adam_step = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_first_adam_step = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_first_adam_step", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_first_adam_step=quiz_first_adam_step)

# %% [markdown]
# **2.** A run is resumed after 100,000 steps. The file holds $w$, $v$ and $s$, but $t$ starts again at 1. With
# the default betas, the first step after the pause is
#
# - `"a"` as it should be
# - `"b"` 10 times too large
# - `"c"` 1,000 times too small
# - `"d"` about 3.16 times too small

# %% nbgrader={"grade": false, "grade_id": "quiz_adam_checkpoint", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_adam_checkpoint = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_adam_checkpoint = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_adam_checkpoint", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_adam_checkpoint=quiz_adam_checkpoint)

# %% [markdown]
# **3.** Somebody sets $\varepsilon = 1$ in a network whose gradients are all around $10^{-3}$. Adam now behaves
# like
#
# - `"a"` momentum
# - `"b"` RMSprop
# - `"c"` a step by the sign of $\hat v$
# - `"d"` nothing: it stands still, whatever $\alpha$

# %% nbgrader={"grade": false, "grade_id": "quiz_large_eps", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_large_eps = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_large_eps = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_large_eps", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_large_eps=quiz_large_eps)

# %% [markdown]
# **4.** A network has 10 million parameters in float32 (4 bytes each). How much memory does Adam's state need
# *besides* the parameters and the gradient?
#
# - `"a"` none
# - `"b"` 40 MB
# - `"c"` 80 MB
# - `"d"` 120 MB

# %% nbgrader={"grade": false, "grade_id": "quiz_adam_memory", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_adam_memory = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_adam_memory = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_adam_memory", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_adam_memory=quiz_adam_memory)

# %% [markdown]
# **5.** An L2 penalty is in the loss, and Adam trains. Which weights shrink *less* than you would expect?
#
# - `"a"` None: a penalty and a decay are the same thing
# - `"b"` Those with large gradients
# - `"c"` Those with small gradients
# - `"d"` Those of layers with many parameters

# %% nbgrader={"grade": false, "grade_id": "quiz_decoupled", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_decoupled = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_decoupled = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_decoupled", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_decoupled=quiz_decoupled)

# %% [markdown]
# ## 11 · In your own words (4 points)
#
# A colleague says: *"I use Adam with its defaults for everything. It adapts its learning rates, so there is
# nothing to tune, and it beats SGD anyway. The bias corrections I leave out: after a few steps they make no
# difference."*
#
# Answer in five to eight sentences. One point for each of these:
#
# 1. what Adam does adapt and what it does not, with a number from this week;
# 2. what leaving out the corrections does to the first steps, in which direction and for how long;
# 3. what a fair comparison of Adam and SGD needs, and what yours showed;
# 4. one situation in which Adam is a good choice, and one in which it can go wrong.
#
# If you learn on your own: write it, sleep on it, then give yourself the points.

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection_week06", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A model answer.* Adam adapts the scale of each weight's step to the size of its gradients, so multiplying the
# loss by 1,000 changes next to nothing. The overall size of the steps is still $\alpha$, and that has to be found: on
# the digits ten epochs ended at a loss of about 0.7 at the default 0.001 and below 0.05 at the best rate.
# Without the corrections the first step is 3.16 times too large and the twelfth 6.6 times, because $s$, with its
# longer memory, is further from full than $v$ and stands in the denominator; after 1,000 steps it is still a
# quarter too large, so "a few steps" it is not. To compare with SGD I would give both the same number of
# learning rates to try, each its own grid, and then fresh seeds; done like that, the two could not be told apart
# on the digits. With every pixel in a unit of its own Adam won on all seeds, which is the situation it is made
# for: coordinates of very different scale. It can go wrong where rare large gradients carry the information and
# are forgotten before the next one comes, as in the example of Reddi et al.

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | Moments | $v \leftarrow \beta_1 v + (1-\beta_1)\,dw$, $\ s \leftarrow \beta_2 s + (1-\beta_2)\,dw^2$, both from 0 |
# | Adam | $w \leftarrow w - \alpha\,\hat v/(\sqrt{\hat s}+\varepsilon)$, $\ \hat v = v/(1-\beta_1^t)$, $\ \hat s = s/(1-\beta_2^t)$ |
# | AdamW | … and $-\,\alpha\lambda w$, outside the quotient |
# | AMSGrad | $s_{\max}\leftarrow\max(s_{\max}, s)$ under the root |
# | One step | first: $\alpha\,\mathrm{sign}$; worst: $\alpha\sqrt{\sum p_k^2/q_k} \to 7.27\,\alpha$; pure noise: $0.23\,\alpha$ (root mean square) |
# | Defaults | $\beta_1 = 0.9$, $\beta_2 = 0.999$, $\varepsilon = 10^{-8}$; $\alpha$ is tuned, 0.001 is where one starts |
#
# **Pitfalls.** no corrections, or only one · $t$ from 0, per epoch, or lost in a checkpoint · corrected moments
# stored back ·
# $\varepsilon$ outside the denominator or inside the root · a penalty in the loss where AdamW is meant · comparing
# optimizers at one learning rate.
#
# **Sources.** Kingma and Ba (2015), *Adam: a method for stochastic optimization* · Reddi, Kale and Kumar (2018),
# *On the convergence of Adam and beyond* · Loshchilov and Hutter (2019), *Decoupled weight decay regularization*
# · Wilson et al. (2017), *The marginal value of adaptive gradient methods in machine learning* · Keskar and
# Socher (2017), *Improving generalization performance by switching from Adam to SGD* · Choi et al. (2019), *On
# empirical comparisons of optimizers for deep learning*.
#
# **Next week's question.** Adam gets close quickly. Then, at a constant rate, it hovers. How do you make it
# land?
#
# Go on with [Week 07 · Learning-rate decay](../week07_learning_rate_decay/week07_learning_rate_decay.ipynb).
