# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: RMSprop
#     minutes: 110
#     builds_on: [week04_momentum]
# ---

# %% [markdown]
# # Week 05 · RMSprop
#
# Momentum changes the *direction* of a step: it smooths what the gradients have in common and cancels what they
# do not. But each coordinate of that step still gets the same learning rate. This week every coordinate gets its
# own.
#
# By the end you can
#
# - write RMSprop and AdaGrad, and say what each of them remembers;
# - predict how long their steps are: the first, the hundredth, and after the loss was multiplied by 1,000;
# - say when eps matters, and what its place (inside or outside the root) changes;
# - show a ravine in which RMSprop is a wonder, turn it by 45 degrees, and prove that the wonder is gone.
#
# You need: weeks 02 (running averages), 03 (what starting at 0 does) and 04 (the ravine, momentum).
# Time: about 110 minutes. Points: 30, and 4 more for a written answer.

# %%
from functools import partial
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np

from course_lib import datasets, landscapes, minibatch, networks, optimizers, plotting, training
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()
digits = datasets.digits()
X, y = digits.X_train, digits.y_train
m = len(X)

# %% [markdown]
# ## 1 · The question
#
# > Momentum treats all coordinates alike. Some have gradients a thousand times as large as others. Why should they
# > share one learning rate?
#
# Data from real life have units. One column is in kilometres, the next in millimetres. Let us do that to the
# digits: multiply each of the 64 columns by a factor of its own, between 0.01 and 100. No information is lost.
# The gradient of a weight is a mean of (input × error), so it is multiplied by its column's factor too:

# %%
factors = np.random.default_rng(0).permutation(np.geomspace(0.01, 100, 64))
X_units = X * factors

network = networks.SoftmaxRegression(64, 10)
network.loss_and_gradient(X_units, y)
per_column = np.sqrt(np.mean(network.dw**2, axis=1))
low, high = np.quantile(per_column[per_column > 0], [0.1, 0.9])
print(f"a tenth of the columns have gradients below {low:.0e}, a tenth above {high:.0e}")

# %% [markdown]
# Now train softmax regression for ten epochs, before and after. Each method gets the best out of twelve learning
# rates, found with two seeds and then used with five others. The number shown is the mean loss after the last
# three epochs: the median of the five seeds, and their range.

# %%
rates = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0]


def softmax_regression(seed):
    """Return a fresh linear classifier (it starts at 0, whatever the seed)."""
    return networks.SoftmaxRegression(64, 10)


def train_once(make_network, make_optimizer, data, lr, seed):
    """Train for 10 epochs of mini-batches; return the loss after each epoch."""
    network = make_network(seed)
    optimizer = make_optimizer(network.params, lr=lr)
    with np.errstate(all="ignore"):  # far too large a rate may overflow: it will not be chosen
        history = training.train(
            network, optimizer, data, y, batch_size=64, epochs=10, rng=np.random.default_rng(seed)
        )
    return np.array(history.loss)


def tune_and_train(make_network, make_optimizer, data):
    """Return the best rate (in the worse of two seeds) and the curves of five other seeds."""
    run = partial(train_once, make_network, make_optimizer, data)
    worst = [max(np.mean(run(lr, seed)[-3:]) for seed in (0, 1)) for lr in rates]
    lr = rates[int(np.nanargmin(worst))]
    return lr, np.array([run(lr, seed) for seed in range(2, 7)])


def report(name, lr, curves):
    """Print the final loss: the median of the seeds, and their range."""
    final = curves[:, -3:].mean(axis=1)
    print(f"{name:35} lr {lr:5g}: {np.median(final):.2f} ({final.min():.2f} to {final.max():.2f})")


units_race = {}
report("gradient descent, as they are", *tune_and_train(softmax_regression, optimizers.SGD, X))
for name, method in [("gradient descent", optimizers.SGD), ("momentum", optimizers.Momentum)]:
    units_race[name] = tune_and_train(softmax_regression, method, X_units)
    report(f"{name}, 64 units", *units_race[name])

# %% [markdown]
# The same pixels, the same model, and training crawls. The largest column sets the limit: the rate must be so
# small that *its* weights do not blow up. For all the others it is then far too small. Momentum eases that, and
# no more: its average is as large for a loud coordinate, and as small for a quiet one, as the gradients were.
#
# You could rescale the columns, of course, and you should: that was standardising, in week 00. But inside a deep
# network the "columns" are the outputs of layers, whose scales nobody hands you, and they change during
# training.
#
# > **This week's question.** Can the optimizer find out by itself how large "large" is, for each coordinate?

# %% [markdown]
# ## 2 · A step of its own
#
# **First idea: throw the size away.** Use the sign of each gradient only, so that every coordinate moves by lr,
# up or down. This is an old method (Rprop builds on it, Riedmiller and Braun, 1993), and on the full batch it
# works well. With mini-batches it fails, and Geoffrey Hinton's example shows why. Suppose that a weight gets the
# gradient $+0.1$ on nine mini-batches and $-0.9$ on the tenth. On average that is 0, so the weight should stay
# where it is. But nine signs say "down" and one says "up": in ten steps the weight moves down by eight rates.
#
# **Second idea: divide by the usual size.** What goes wrong is that each mini-batch is divided by *its own*
# size. Divide neighbouring mini-batches by nearly the same number instead: by the size that the gradients of
# this coordinate have had lately. A size is never negative and must not cancel, so average the *squares* and
# take the root: the root of the mean square, RMS, which gives the method its name. And you know since week 02
# how to keep an average with one number of memory.
#
# | symbol | what it is | shape |
# |:--|:--|:--|
# | $w$ | parameters | any, say $(n,)$ |
# | $dw$ | this step's gradient | as $w$ |
# | $s$ | running average of the squared gradients, one for each coordinate, 0 at first | as $w$ |
# | $\beta$ (`beta`) | weight of the past, typically 0.9 or 0.99 | number |
# | $\alpha$ (`lr`) | learning rate | number |
# | $\varepsilon$ (`eps`) | a small number that keeps the divisor away from 0 | number |

# %% [markdown]
# **The formula.** In step $t$, with $s_0 = 0$:
#
# $$s_t = \beta\, s_{t-1} + (1-\beta)\, dw_t \odot dw_t,\qquad
# w_t = w_{t-1} - \alpha\, \frac{dw_t}{\sqrt{s_t} + \varepsilon}.$$
#
# Square ($\odot$ is the product element by element), root and division act on each coordinate by itself. No
# coordinate knows of any other. Note the order: $s$ first, so that it holds this step's gradient already. Note
# what is above the line: the gradient as it is, not an average. And note where $\varepsilon$ stands: added to
# the *root*.
#
# In words:
#
# > **each step**: compute the gradient at the current parameters;
# > let $s$ move towards its square, by the share $1-\beta$;
# > divide the gradient by the root of $s$, and move against that by $\alpha$.
#
# *Other names.* Hinton's slides call $s$ MeanSquare; in PyTorch $s$ is `square_avg` and $\beta$ is `alpha`, 0.99
# unless you say otherwise. In Keras $\beta$ is `rho`.

# %% [markdown]
# ### Exercise 1 · `rmsprop_step` (4 points)

# %% nbgrader={"grade": false, "grade_id": "rmsprop_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rmsprop_step(w, dw, s, *, lr, beta, eps):
    """One step of RMSprop.

    Parameters
    ----------
    w : ndarray
        Parameters, of any shape, () included. Perhaps whole numbers (dtype int), like dw and s.
    dw : ndarray
        This step's gradient, same shape.
    s : ndarray
        Running average of the squared gradients before this step, same shape, never negative; 0
        before the first.
    lr, beta, eps : float
        Learning rate, weight of the past (0 <= beta < 1), and the positive number that is added
        to the root (outside of it).

    Returns
    -------
    w : ndarray
        Parameters after the step, not cut to whole numbers. No argument is changed.
    s : ndarray
        Running average after the step, not bias-corrected, not cut to whole numbers.

    Examples
    --------
    >>> w, s = rmsprop_step(np.array([1.0, 1.0]), np.array([3.0, -30.0]), np.zeros(2),
    ...                     lr=0.1, beta=0.75, eps=1e-8)
    >>> w.round(6).tolist(), s.tolist()
    ([0.8, 1.2], [2.25, 225.0])
    """
    ### BEGIN SOLUTION
    s = beta * s + (1 - beta) * dw**2
    return w - lr * dw / (np.sqrt(s) + eps), s
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_rmsprop_step", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(rmsprop_step)
### BEGIN HIDDEN TESTS
check(rmsprop_step, seed=20125)
### END HIDDEN TESTS

# %% [markdown]
# Look at the docstring's example: gradients of 3 and 30, and both coordinates move by 0.2. Now Hinton's weight,
# with nine gradients of 0.1 and one of −0.9, over and over. How far does it drift in ten steps, in units of lr?

# %%
my_step = plug_in(rmsprop_step)
for beta in (0.5, 0.9, 0.99, 0.999):
    w, s = np.zeros(1), np.zeros(1)
    for t in range(20_000):
        if t == 10_000:
            halfway = w
        w, s = my_step(w, np.array([-0.9 if t % 10 == 9 else 0.1]), s, lr=1.0, beta=beta, eps=1e-8)
    print(f"beta = {beta:5}: {(w - halfway)[0] / 1000:+.2f} in ten steps   (sign alone: -8)")

# %% [markdown]
# The longer the memory, the more equal the divisors of neighbouring steps, and the smaller the drift.
#
# And the ravine of week 04? Curvature 1 along the first axis, 100 along the second. Each method has its own
# rate, the best from a fine list (how, section 7 will show).

# %%
ravine = landscapes.ravine(flat=1.0, steep=100.0)


def walk(landscape, step, steps):
    """Return the path of `step(w, dw, s)`, which returns the new w and s."""
    w, s = landscape.start, np.zeros(2)
    path = [w]
    for _ in range(steps):
        w, s = step(w, landscape.gradient(w), s)
        path.append(w)
    return np.array(path)


paths = {
    "gradient descent, lr 0.018": walk(ravine, lambda w, dw, s: (w - 0.018 * dw, s), 30),
    "RMSprop, lr 0.15": walk(
        ravine, lambda w, dw, s: my_step(w, dw, s, lr=0.15, beta=0.99, eps=1e-8), 30
    ),
}
figure, ax = plt.subplots(figsize=(7.5, 3.6))
plotting.contours(ax, ravine.value, (-2.4, 0.7, -1.1, 1.4))
for index, (name, path) in enumerate(paths.items()):
    plotting.path(ax, path, label=f"{name}: loss {ravine.value(path[-1]):.0e}", index=index)
ax.set(xlabel="w₁ (curvature 1)", ylabel="w₂ (curvature 100)", title="30 steps from the same start")
ax.legend(loc="upper right")
plotting.show(
    figure,
    "Contour lines of a long ravine along the first axis. Gradient descent jumps from wall to "
    "wall and is less than half-way along after 30 steps. RMSprop goes diagonally to the "
    "middle in a few steps and stays there.",
)

# %% [markdown]
# Gradient descent jumps from wall to wall and crawls along. RMSprop does not notice that it is in a ravine: both
# coordinates start with the same stride, although one gradient is fifty times the other.

# %% [markdown]
# ## 3 · Whose units?
#
# **Predict.** Somebody multiplies the loss by 1,000 (a sum over examples where you had a mean, say) and changes
# nothing else, not even lr. What happens to RMSprop's steps?
#
# - `"a"`: they become 1,000 times as long
# - `"b"`: they become about 32 ($\sqrt{1000}$) times as long
# - `"c"`: next to nothing
# - `"d"`: they become 1,000 times as short

# %% nbgrader={"grade": false, "grade_id": "prediction_loss_scale", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_loss_scale = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
prediction_loss_scale = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_loss_scale", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_loss_scale=prediction_loss_scale)

# %%
def train_with_factor(factor, step, start):
    """Train softmax regression for 5 epochs on factor × loss; return the plain loss at the end."""
    network, s = networks.SoftmaxRegression(64, 10), np.zeros(650)
    rng = np.random.default_rng(start)
    with np.errstate(all="ignore"):
        for _ in range(5):
            for X_batch, y_batch in minibatch.iterate_minibatches(X, y, batch_size=64, rng=rng):
                gradient = factor * network.loss_and_gradient(X_batch, y_batch)[1]
                network.params[:], s = step(network.params, gradient, s)
        return network.loss(X, y)


methods = {
    "gradient descent, lr 1": lambda w, dw, s: (w - dw, s),
    "RMSprop, lr 0.03": lambda w, dw, s: my_step(w, dw, s, lr=0.03, beta=0.9, eps=1e-8),
}
for name, step in methods.items():
    losses = [train_with_factor(factor, step, start=0) for factor in (0.001, 1, 1000)]
    shown = [f"{loss:.2f}" if loss < 5 else "over 5" for loss in losses]
    print(f"{name:22}  loss x 0.001: {shown[0]},  x 1: {shown[1]},  x 1000: {shown[2]}")

# %%
settle(prediction_loss_scale=prediction_loss_scale)

# %% [markdown]
# **Why.** Multiply the loss by $c > 0$. Every gradient becomes $c\,dw_t$, every square $c^2 dw_t^2$. As $s_0 =
# 0$ and $s_t$ is a weighted sum of squares, it becomes $c^2 s_t$, and (leaving out $\varepsilon$)
#
# $$\frac{c\,dw_t}{\sqrt{c^2 s_t}} = \frac{dw_t}{\sqrt{s_t}}.$$
#
# The same holds with a factor $c_j$ of its own *for each coordinate's gradient*, because no coordinate knows of
# another. So $\alpha$ has changed its meaning. In gradient descent it is what turns a gradient into a step. In
# RMSprop it *is* the length of a step: once $s$ has settled, a coordinate whose gradient keeps its sign and size
# moves by $\alpha$ per step.
#
# **And under noise?** If a coordinate's gradients have mean $\mu$ and variance $\sigma^2$, then $s$ settles
# around their mean square, $\mu^2 + \sigma^2$. (It is *not* the variance: the mean is not subtracted.) For
# $\beta$ near 1 the average step is about
#
# $$\alpha\,\frac{\mu}{\sqrt{\mu^2+\sigma^2}},$$
#
# near $\alpha$ where the sign is certain, and small where $\sigma$ drowns $\mu$. A noisy coordinate hurries
# less.

# %% [markdown]
# ## 4 · The first steps
#
# $s$ starts at 0. Week 03 taught you to be suspicious.
#
# **Predict.** With $\beta = 0.999$, how long is RMSprop's very first step, for a gradient far above $\varepsilon$?
#
# - `"a"`: lr
# - `"b"`: a thousandth of lr, because $s$ is a thousand times too small
# - `"c"`: it depends on the size of the gradient
# - `"d"`: about 32 times lr

# %% nbgrader={"grade": false, "grade_id": "prediction_first_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_first_step = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
prediction_first_step = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_first_step", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_first_step=prediction_first_step)

# %% [markdown]
# **Derivation.** Let the first $t$ gradients of a coordinate all be $g$. Unrolled as in week 02, from $s_0 = 0$,
#
# $$s_t = (1-\beta)\sum_{k=0}^{t-1}\beta^k\, g^2 = (1-\beta^t)\,g^2,$$
#
# by the geometric sum. Put that into the step, and take $\varepsilon$ as negligible:
#
# $$|w_t - w_{t-1}| = \alpha\,\frac{|g|}{\sqrt{1-\beta^t}\;|g|} = \frac{\alpha}{\sqrt{1-\beta^t}}.$$
#
# For $t = 1$ that is $\alpha/\sqrt{1-\beta}$, and it falls to $\alpha$ as $\beta^t$ dies away. In week 03 a
# start at 0 made an average too *small*; here the average stands below the line, and the steps become too
# *large*.
#
# **No step is ever longer than that.** Whatever came before, $s_t \ge (1-\beta)\,dw_t^2$, because the rest
# of $s_t$ is not negative. So for all gradients, constant or not,
#
# $$|w_t - w_{t-1}| \le \frac{\alpha}{\sqrt{1-\beta}} .$$
#
# The first gradient of a coordinate that is not 0 makes this longest step, whether it comes at $t = 1$ or, for a pixel
# that was white so far, at $t = 500$.

# %% [markdown]
# ### Exercise 2 · `first_step_size` (4 points)
#
# The derivation left $\varepsilon$ out. You keep it.

# %% nbgrader={"grade": false, "grade_id": "first_step_size", "locked": false, "schema_version": 3, "solution": true, "task": false}
def first_step_size(g, t, *, lr, beta, eps):
    """Size of step number t of RMSprop, if s starts at 0 and all gradients so far are the same.

    Parameters
    ----------
    g : ndarray of shape (n,)
        The gradient, the same in steps 1, 2, ..., t: one entry for each coordinate, of either sign
        or 0. Perhaps whole numbers (dtype int). Must not be changed.
    t : int
        Number of the step, from 1 to a few thousand.
    lr, beta, eps : float
        As in rmsprop_step: the divisor is the root of s, plus eps. Here 0 < beta < 1.

    Returns
    -------
    ndarray of shape (n,)
        How far each coordinate moves in step t (in that step alone), never negative, not cut to
        whole numbers.

    Examples
    --------
    >>> first_step_size(np.array([-7.0, 0.0]), 1, lr=0.1, beta=0.75, eps=1e-8).round(6).tolist()
    [0.2, 0.0]
    >>> first_step_size(np.array([1e-8]), 1, lr=0.1, beta=0.75, eps=1e-8).round(6).tolist()
    [0.066667]
    """
    ### BEGIN SOLUTION
    rms = np.sqrt(1 - beta**t) * np.abs(g)
    return lr * np.abs(g) / (rms + eps)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_first_step_size", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(first_step_size)
### BEGIN HIDDEN TESTS
check(first_step_size, seed=610)
### END HIDDEN TESTS

# %% [markdown]
# Theory against a real network: a small MLP on all the digits, with a rate so small that its gradient hardly
# changes in 60 steps. The bands show the middle 80 % of its parameters' steps (of those whose gradient is above
# 1e-5, which is four in five of 2,410).

# %%
step_size = plug_in(first_step_size)
lr, steps = 1e-5, np.arange(1, 61)
figure, ax = plt.subplots()
for index, beta in enumerate((0.999, 0.99, 0.9)):
    network = networks.MLP((64, 32, 10), rng=np.random.default_rng(0))
    optimizer = optimizers.RMSprop(network.params, lr=lr, beta=beta)
    sizes = []
    for _ in steps:
        before = network.params.copy()
        gradient = network.loss_and_gradient(X, y)[1]
        optimizer.step(gradient)
        moved = np.abs(network.params - before)[np.abs(gradient) > 1e-5] / lr
        sizes.append(np.quantile(moved, [0.1, 0.5, 0.9]))
    theory = [step_size(np.ones(1), t, lr=1.0, beta=beta, eps=1e-8)[0] for t in steps.tolist()]
    print(f"beta = {beta:5}: first step {sizes[0][1]:5.1f} lr (theory {theory[0]:5.1f}), "
          f"tenth {sizes[9][1]:4.1f} lr ({theory[9]:4.1f})")
    plotting.band(ax, steps, np.array(sizes).T, label=f"measured, beta = {beta}", index=index)
    label = "theory" if index == 2 else None
    ax.plot(steps[::5], theory[::5], "k.", markersize=5, label=label, zorder=3)
ax.set(yscale="log", xlabel="step t", ylabel="size of the step, in units of lr")
ax.set_yticks([1, 3, 10, 30], labels=["1", "3", "10", "30"])
ax.legend(ncols=2)
plotting.show(
    figure,
    "Size of RMSprop's steps in units of lr against the step number, for beta 0.9, 0.99 and "
    "0.999. They start at 3.2, 10 and 32 and fall towards 1; the measured medians lie on the "
    "theory's dots.",
)

# %%
settle(prediction_first_step=prediction_first_step)

# %% [markdown]
# Thirty times too long, at the moment when the parameters are random and the gradients least to be trusted. What
# could be done about it, you know from week 03; who does it, you will see in week 06. With $\beta = 0.9$ it is a
# factor of 3 for a few steps, and people live with it.

# %% [markdown]
# ## 5 · The one who never forgets
#
# A year before RMSprop there was **AdaGrad** (Duchi, Hazan and Singer, 2011). It divides by the root of the
# *sum* of all squared gradients so far, from the first step to this one:
#
# $$s_t = \sum_{k=1}^{t} dw_k \odot dw_k,\qquad w_t = w_{t-1} - \alpha\,\frac{dw_t}{\sqrt{s_t}+\varepsilon}.$$
#
# A constant gradient $g$ gives $s_t = t\,g^2$: step $t$ has the length $\alpha/\sqrt t$. The rate falls by
# itself, for each coordinate at its own pace: one that has seen few gradients (a rare word, a pixel at the edge)
# keeps its long steps. For convex problems this is provably good: where constant rates hover, as you saw in week
# 01, AdaGrad closes in.

# %% [markdown]
# ### Exercise 3 · `adagrad_step` (4 points)
#
# Never hold all the gradients: $s$ of the last step is all that you need.

# %% nbgrader={"grade": false, "grade_id": "adagrad_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def adagrad_step(w, dw, s, *, lr, eps):
    """One step of AdaGrad.

    Parameters
    ----------
    w : ndarray
        Parameters, of any shape, () included. Perhaps whole numbers (dtype int), like dw and s.
    dw : ndarray
        This step's gradient, same shape.
    s : ndarray
        Sum of the squared gradients of all earlier steps, same shape; 0 before the first step.
    lr, eps : float
        Learning rate, and the positive number that is added to the root (outside of it).

    Returns
    -------
    w : ndarray
        Parameters after the step, not cut to whole numbers. No argument is changed.
    s : ndarray
        Sum of the squared gradients, this step's included.

    Examples
    --------
    >>> w, s = adagrad_step(np.array([1.0, 1.0]), np.array([3.0, -30.0]), np.array([16.0, 0.0]),
    ...                     lr=0.1, eps=1e-8)
    >>> w.round(6).tolist(), s.tolist()
    ([0.94, 1.1], [25.0, 900.0])
    """
    ### BEGIN SOLUTION
    s = s + dw**2
    return w - lr * dw / (np.sqrt(s) + eps), s
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_adagrad_step", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(adagrad_step)
### BEGIN HIDDEN TESTS
check(adagrad_step, seed=2011)
### END HIDDEN TESTS

# %% [markdown]
# So why did the running mean replace the sum? Give both a target that moves. The loss is $\frac12(w - c)^2$,
# each gradient carries noise of standard deviation 1, and every 1,500 steps the minimum $c$ jumps from 2
# to zero or back. (In a deep network, every layer is such a target for the others.) Each method has the rate
# that is best during the first 1,500 steps.
#
# **Predict.** After the jump at step 4,500, who is back at the minimum first?
#
# - `"a"`: RMSprop
# - `"b"`: AdaGrad, whose tuned rate is four times as large
# - `"c"`: both about equally soon

# %% nbgrader={"grade": false, "grade_id": "prediction_moving_minimum", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_moving_minimum = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_moving_minimum = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_moving_minimum", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_moving_minimum=prediction_moving_minimum)

# %%
my_adagrad = plug_in(adagrad_step)
candidates = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0])
minimum = np.where(np.arange(6000) // 1500 % 2 == 0, 2.0, 0.0)


def follow(step):
    """Follow the moving minimum with all candidate rates, 20 seeds each: (6000, rates, seeds)."""
    noise = np.random.default_rng(0).normal(size=(6000, 20))
    path = np.empty((6000, len(candidates), 20))
    for j, lr in enumerate(candidates):
        w = s = np.zeros(20)
        for t in range(6000):
            w, s = step(w, (w - minimum[t]) + noise[t], s, lr=lr, eps=1e-8)
            path[t, j] = w
    return path


followers = {"RMSprop": partial(my_step, beta=0.9), "AdaGrad": my_adagrad}
figure, ax = plt.subplots(figsize=(7.5, 3.6))
ax.step(range(6000), minimum, color="#999999", linewidth=1, label="the minimum")
for index, (name, step) in enumerate(followers.items()):
    paths = follow(step)
    off = np.abs(paths - minimum[:, None, None])
    best = int(np.argmin(off[:1500].mean(axis=(0, 2))))
    off = off[:, best]
    near = off < 0.5
    back = [int(np.median(np.argmax(near[j : j + 1500], axis=0))) for j in (1500, 3000, 4500)]
    print(f"{name}, lr {candidates[best]:4}: distance before the first jump "
          f"{off[1200:1500].mean():.2f}, steps to come within 0.5 after the jumps {back}")
    every_tenth = paths[::10, best].T
    plotting.band(ax, range(0, 6000, 10), every_tenth, label=f"{name} (20 seeds)", index=index)
ax.set(xlabel="step", ylabel="w", ylim=(-0.8, 3.6))
ax.legend(loc="upper right", ncols=3)
plotting.show(
    figure,
    "A minimum that jumps between 2 and 0 every 1,500 steps, and two followers. RMSprop is "
    "back within some dozens of steps each time, and wobbles. AdaGrad is calm, but takes "
    "hundreds of steps, and after each jump more than after the one before.",
)

# %%
settle(prediction_moving_minimum=prediction_moving_minimum)

# %% [markdown]
# Both are right, for different worlds. Before the first jump AdaGrad is three times as close, because its steps
# die out and the noise with them. After each jump it takes longer, about in proportion to $\sqrt t$: 308, 437 and 540
# steps are nearly as $1 : \sqrt2 : \sqrt3$. RMSprop takes about 40 every time, and wobbles for ever (week 07 will let
# its rate fall). Training a deep network is long and its landscape changes as you go. That is why the running mean
# replaced the sum.

# %% [markdown]
# ## 6 · Small print: eps
#
# "Some tiny number against division by zero." Is it needed at all? Some pixels of the digits are white in all
# training images. Their weights never get a gradient:

# %%
network = networks.SoftmaxRegression(64, 10)
gradient = network.loss_and_gradient(X, y)[1]
with np.errstate(all="ignore"):
    w, s = my_step(network.params, gradient, np.zeros(650), lr=0.01, beta=0.9, eps=0.0)
print(f"without eps, after one step: {np.isnan(w).sum()} of {w.size} parameters are nan, "
      "and so is every score")

# %% [markdown]
# Needed, then: $0/0$. But its value decides more than that. Once a coordinate's gradient is steadily $g$, the
# step is
#
# $$\alpha\,\frac{|g|}{|g|+\varepsilon}\quad\text{(outside the root)},\qquad
# \alpha\,\frac{|g|}{\sqrt{g^2+\varepsilon}}\quad\text{(inside the root)}.$$
#
# Where $|g|\gg\varepsilon$ the first is $\alpha$. Where $|g|\ll\varepsilon$ it is
# $\frac{\alpha}{\varepsilon}|g|$: *gradient descent*, with rate $\alpha/\varepsilon$. So eps is the size below
# which gradients no longer count as signals. Inside the root, that size is not $\varepsilon$ but
# $\sqrt\varepsilon$: 1e-8 in there is 1e-4 out here. PyTorch adds its 1e-8 outside; Keras adds its 1e-7 inside,
# TensorFlow's old optimizer its 1e-10. Code that is carried from one to the other with "the same eps" is not the
# same.

# %% jupyter={"source_hidden": true}
g = np.geomspace(1e-12, 1, 200)
figure, ax = plt.subplots()
plotting.lines(
    ax,
    {
        "eps = 1e-8 outside the root": (g, g / (g + 1e-8)),
        "eps = 1e-8 inside the root": (g, g / np.sqrt(g**2 + 1e-8)),
        "eps = 0.01 outside": (g, g / (g + 0.01)),
    },
)
ax.set(xscale="log", xlabel="size of the gradient")
ax.set(yscale="log", ylabel="size of the step / lr", ylim=(1e-6, 5))
ax.legend(loc="lower right")
plotting.show(
    figure,
    "Step size over lr against the size of the gradient, both logarithmic. Each curve rises "
    "in proportion to the gradient and then stays at 1. The bend is at 1e-8 for eps outside "
    "the root, at 1e-4 for the same eps inside, and at 0.01 for eps 0.01.",
)

# %% [markdown]
# Does it happen in practice? Train the MLP with the loss multiplied by small factors, as a mean over very many
# terms does, or a tiny weight on one of several losses. RMSprop should not care. The same lr of 0.01 everywhere,
# ten epochs, the median of three seeds:

# %%
def train_mlp(factor, divisor, seed, lr=0.01):
    """Train an MLP on factor × loss with dw / divisor(s); return the plain loss after 10 epochs."""
    network = networks.MLP((64, 32, 10), rng=np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    s = np.zeros_like(network.params)
    for _ in range(10):
        for X_batch, y_batch in minibatch.iterate_minibatches(X, y, batch_size=64, rng=rng):
            gradient = factor * network.loss_and_gradient(X_batch, y_batch)[1]
            s = 0.9 * s + 0.1 * gradient**2
            network.params[:] -= lr * gradient / divisor(s)
    return network.loss(X, y)


print("loss multiplied by    eps = 1e-8 outside    inside the root")
for factor in (1000, 1, 1e-2, 1e-4, 1e-6):
    outside, inside = (
        np.median([train_mlp(factor, divisor, seed) for seed in range(3)])
        for divisor in (lambda s: np.sqrt(s) + 1e-8, lambda s: np.sqrt(s + 1e-8))
    )
    print(f"{factor:18g}    {outside:18.2f}    {inside:15.2f}")

# %% [markdown]
# (A loss of 2.3 is guessing.) With eps outside, RMSprop keeps its promise over many powers of ten; only in the
# last row have its gradients sunk so low that 1e-8 begins to count. Inside the root the trouble begins
# $\sqrt\varepsilon/\varepsilon$, ten thousand, times earlier: 0.09 at a factor of 0.01, as 0.11 outside at a factor of
# 0.000001. In the last row the network has learned nothing. Nothing warns you.
#
# A large eps is not always a mistake. It is a choice between RMSprop and gradient descent. With the rate tuned
# for each, and gradient descent itself in the last line:

# %%
def best_of_many(divisor):
    """Return the best of eleven rates, and its loss (the median of two seeds)."""
    losses = {
        lr: np.median([train_mlp(1, divisor, seed, lr) for seed in range(2)])
        for lr in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
    }
    best = min(losses, key=losses.get)
    return best, losses[best]


for eps in (1e-8, 1e-3, 0.1, 1.0, 10.0):
    best, loss = best_of_many(lambda s: np.sqrt(s) + eps)
    print(f"eps = {eps:5g}: best lr {best:5g}, lr/eps {best / eps:7.3g}, loss {loss:.2f}")
best, loss = best_of_many(lambda s: 1.0)
print(f"gradient descent: lr {best:g}, loss {loss:.2f}")

# %% [markdown]
# From eps = 0.1 on, the best lr grows with eps: lr/eps is 1, 0.5 and 0.5, and the best rate of gradient descent on this
# network is 1, their neighbour on our list. Gradient descent is what RMSprop has become.

# %% [markdown]
# ## 7 · The ravine, straight and turned
#
# Time to look at what RMSprop does with geometry. Hold $s$ fixed for a moment and write
# $D = \operatorname{diag}(\sqrt{s}+\varepsilon)$, an $(n, n)$ matrix with nothing off its diagonal. The step is
#
# $$w \leftarrow w - \alpha\, D^{-1} dw .$$
#
# $D$ is called a **preconditioner**. To see what it does, stretch the axes: $u = D^{1/2} w$. By the chain rule
# the gradient with respect to $u$ is $du = D^{-1/2}dw$, and one step of plain gradient descent on $u$ is
#
# $$u - \alpha\, du = D^{1/2}w - \alpha D^{-1/2}dw = D^{1/2}\big(w - \alpha D^{-1}dw\big).$$
#
# That is RMSprop's step, seen in $u$. So RMSprop *is* gradient descent, on a landscape whose axes are stretched
# or squeezed. If the Hessian was $A$, with condition number $\kappa$ (week 04: the steepest curvature over the
# flattest), the new one is $D^{-1/2} A D^{-1/2}$. For a ravine along the axes, $A = \operatorname{diag}(1,
# 100)$, the choice $D = A$ turns it into a round bowl: $\kappa = 1$.
#
# The catch is in the word *axes*. Turn the ravine.

# %% [markdown]
# **Turning a quadratic.** Let $J(w) = \frac12 w^\top A w$, with $A$ of shape $(2,2)$ and symmetric. The rotation
# by the angle $\varphi$, counter-clockwise, is
#
# $$R = \begin{pmatrix}\cos\varphi & -\sin\varphi\\ \sin\varphi & \cos\varphi\end{pmatrix},\qquad
# R^{-1} = R^\top .$$
#
# Turn the whole surface by $\varphi$. The height that is now at $w$ was at $R^{-1}w = R^\top w$ before. So the
# turned surface is $J_\varphi(w) = J(R^\top w)$. Write that out, and read off its Hessian.

# %% [markdown]
# ### Exercise 4 · `rotate_quadratic` (4 points)

# %% nbgrader={"grade": false, "grade_id": "rotate_quadratic", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rotate_quadratic(A, angle):
    """Hessian of the quadratic surface 1/2 w·Aw after the surface was turned.

    Parameters
    ----------
    A : ndarray of shape (2, 2)
        Hessian before: symmetric, not always diagonal, not always positive definite. Perhaps whole
        numbers (dtype int). Must not be changed.
    angle : float
        How far the surface is turned, counter-clockwise, in radians: any number, also negative.

    Returns
    -------
    ndarray of shape (2, 2)
        Hessian of the turned surface, not cut to whole numbers.

    Examples
    --------
    >>> rotate_quadratic(np.diag([1.0, 3.0]), np.pi / 4).round(6).tolist()
    [[2.0, -1.0], [-1.0, 2.0]]
    """
    ### BEGIN SOLUTION
    c, s = np.cos(angle), np.sin(angle)
    R = np.array([[c, -s], [s, c]])
    return R @ A @ R.T
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_rotate_quadratic", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(rotate_quadratic)
### BEGIN HIDDEN TESTS
check(rotate_quadratic, seed=1545)
### END HIDDEN TESTS

# %%
turn = plug_in(rotate_quadratic)
for degrees in (0, 10, 45):
    A = turn(np.diag([1.0, 100.0]), np.radians(degrees))
    print(f"{degrees:2}°: Hessian [{A[0, 0]:5.1f} {A[0, 1]:6.1f} | {A[1, 0]:6.1f} {A[1, 1]:5.1f}], "
          f"eigenvalues {np.round(np.linalg.eigvalsh(A), 6) + 0.0}")

# %% [markdown]
# The eigenvalues do not change: it is the same ravine. But look at the diagonal. At 45° its two entries are
# equal. The difference between "along" and "across" has moved into the entries off the diagonal, and there
# RMSprop has nothing.
#
# **Predict.** The ravine of section 2 (curvatures 1 and 100), turned by 45°. Every method gets its best rate for
# that angle. Straight, RMSprop needed a handful of steps and gradient descent over a hundred. Turned, RMSprop
# needs
#
# - `"a"`: as few as before: a surface does not care how it is turned
# - `"b"`: about twice as many as before
# - `"c"`: about as many as gradient descent

# %% nbgrader={"grade": false, "grade_id": "prediction_turned_ravine", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_turned_ravine = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_turned_ravine = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_turned_ravine", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_turned_ravine=prediction_turned_ravine)

# %% [markdown]
# Count steps until the loss is at most 0.01 and stays there for ten steps in a row (so that nobody wins by
# shooting through the minimum). Twelve starts, all round the ravine and turned with it; 61 rates for each method
# and each angle, of which the one with the fewest steps on average counts. In NumPy all starts and rates go at
# once.

# %%
many_rates = np.geomspace(0.005, 5, 61)[:, None, None]
around = np.radians(np.arange(15, 375, 30))
starts = 2 * np.stack([np.cos(around), np.sin(around)], axis=1)


def steps_needed(step, degrees, limit=400):
    """Return the steps to the target from each start, at the best rate for this angle."""
    A = turn(np.diag([1.0, 100.0]), np.radians(degrees))
    w = np.tile(starts @ landscapes.rotation(np.radians(degrees)).T, (len(many_rates), 1, 1))
    s = np.zeros_like(w)
    needed = np.full(w.shape[:2], limit)
    in_a_row = np.zeros(w.shape[:2], dtype=int)
    with np.errstate(all="ignore"):
        for t in range(limit):
            dw = w @ A
            in_a_row = np.where(0.5 * np.sum(w * dw, axis=-1) <= 0.01, in_a_row + 1, 0)
            needed = np.where((in_a_row == 10) & (needed == limit), t - 9, needed)
            w, s = step(w, dw, s, lr=many_rates)
    return needed[np.argmin(needed.mean(axis=1))]


racers = {
    "gradient descent": lambda w, dw, s, lr: (w - lr * dw, s),
    "momentum, beta 0.9": optimizers.momentum_step,
    "RMSprop, beta 0.99": lambda w, dw, s, lr: optimizers.rmsprop_step(w, dw, s, lr=lr, beta=0.99),
    "AdaGrad": optimizers.adagrad_step,
}
angles = [0, 2, 5, 10, 20, 30, 45, 60, 70, 80, 85, 88, 90]
needed = {name: np.array([steps_needed(step, a) for a in angles]) for name, step in racers.items()}
for name, steps in needed.items():
    medians = [np.median(steps[angles.index(a)]) for a in (0, 10, 20, 45)]
    print(f"{name:19} {medians[0]:4.0f} at 0°, {medians[1]:3.0f} at 10°, {medians[2]:3.0f} at 20°, "
          f"{medians[3]:3.0f} at 45°")

# %% jupyter={"source_hidden": true}
def best_condition_number(degrees):
    """Return the least condition number that any diagonal preconditioner leaves (proved below)."""
    A = turn(np.diag([1.0, 100.0]), np.radians(degrees))
    correlation = abs(A[0, 1]) / np.sqrt(A[0, 0] * A[1, 1])
    return (1 + correlation) / (1 - correlation)


figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.8), width_ratios=[1.5, 1])
for index, (name, steps) in enumerate(needed.items()):
    middle = np.quantile(steps, [0.25, 0.5, 0.75], axis=1)
    plotting.band(left, angles, middle, label=name, index=index, marker="o")
left.set(xlabel="ravine turned by (degrees)", xticks=range(0, 91, 15))
left.set(ylabel="steps (median, middle half)", ylim=(0, 275), title="steps to the target")
left.legend(ncols=2, loc="upper center")
fine = np.linspace(0, 90, 181)
right.plot(fine, [best_condition_number(a) for a in fine], "k-")
right.set(xlabel="ravine turned by (degrees)", xticks=range(0, 91, 15))
right.set(ylabel="condition number", ylim=(0, 105), title="best κ, any diagonal D")
plotting.show(
    figure,
    "Left: steps to the target against the angle of the ravine. Gradient descent and momentum "
    "draw flat lines, momentum the lower one. RMSprop and AdaGrad need 4 steps at 0 and 90 "
    "degrees, but rise steeply: at 45 RMSprop reaches gradient descent, and AdaGrad lies above. Right: the "
    "best condition number that a diagonal preconditioner can reach, 1 at 0 degrees and 100 "
    "at 45.",
)

# %%
settle(prediction_turned_ravine=prediction_turned_ravine)

# %% [markdown]
# Remember this picture. Gradient descent and momentum draw flat lines: they do not know where the axes are.
# RMSprop and AdaGrad live by the axes. Along an axis the ravine is gone in about four steps. At 10° they need
# about ten times as many, at 20° about as many as momentum, and at 45° RMSprop is as slow as gradient
# descent: 124 steps against 129. (With beta = 0.9 it is slower there than gradient descent. Try it.)
#
# **Proof that no diagonal can help at 45°.** Let $A$ be a symmetric positive definite $(2,2)$ matrix with entries
# $a$, $b$ on the diagonal and $d$ off it, and let $D^{-1/2} = \operatorname{diag}(p, q)$ with any positive $p$ and
# $q$. Then
#
# $$D^{-1/2}AD^{-1/2} = \begin{pmatrix} p^2a & pqd\\ pqd & q^2 b\end{pmatrix},\qquad
# \frac{(\text{trace})^2}{\det} = \frac{(p^2a+q^2b)^2}{p^2q^2\,(ab-d^2)} \ \ge\ \frac{4ab}{ab-d^2},$$
#
# because $p^2a + q^2b \ge 2pq\sqrt{ab}$ (the arithmetic mean is at least the geometric), with equality for $p^2a
# = q^2b$. With eigenvalues $\lambda_1 = \kappa\lambda_2$ the left side is $(\kappa+1)^2/\kappa$, which grows
# with $\kappa \ge 1$. So the best diagonal makes both diagonal entries equal, say 1, and leaves
#
# $$\begin{pmatrix} 1 & \rho\\ \rho & 1\end{pmatrix}\ \text{with}\ \rho = \frac{d}{\sqrt{ab}},\qquad
# \text{eigenvalues } 1\pm\rho,\qquad \boxed{\ \kappa_{\text{best}} = \frac{1+|\rho|}{1-|\rho|}\ }$$
#
# For a ravine with curvatures 1 and $\kappa$ at 45°, $a = b = \frac{1+\kappa}2$ and $|d| = \frac{\kappa-1}2$.
# Then $|\rho| = \frac{\kappa-1}{\kappa+1}$ and $\kappa_{\text{best}} = \kappa$. Nothing is gained, whatever $D$
# is. $\square$ (The proof holds $D$ fixed. RMSprop's changes from step to step; what that is worth, the figure shows.)

# %% jupyter={"source_hidden": true}
turned = landscapes.ravine(flat=1.0, steep=100.0, angle=np.radians(45))
figure, ax = plt.subplots(figsize=(7.5, 4.8))
plotting.contours(ax, turned.value, (-3.6, 1.8, -3.0, 0.8))
for index, (name, method, options) in enumerate([
    ("gradient descent", optimizers.SGD, {"lr": 0.018}),
    ("RMSprop", optimizers.RMSprop, {"lr": 0.2, "beta": 0.99}),
]):
    path = landscapes.descend(turned, lambda w: method(w, **options), steps=30)
    label = f"{name}, lr {options['lr']}: loss {turned.value(path[-1]):.1f}"
    plotting.path(ax, path, label=label, index=index)
ax.plot(0, 0, "k*", markersize=11)
ax.set(title="turned by 45°: 30 steps, the same start", xlabel="w₁", ylabel="w₂", aspect="equal")
ax.legend(loc="upper left", frameon=True, framealpha=0.95, edgecolor="none")
plotting.show(
    figure,
    "The ravine turned by 45 degrees. Gradient descent jumps from wall to wall. RMSprop "
    "crosses a few times with long steps and then creeps along the floor. After 30 steps gradient "
    "descent has come two fifths of the way to the minimum, marked by a star, and RMSprop one third.",
)

# %% [markdown]
# Look at RMSprop here. It crosses the ravine a few times with large gradients, and as the ravine is turned, they
# fill *both* entries of $s$. From then on both coordinates have short steps, along the floor as well as across.
# To be bold along and careful across, it would have to know these directions; it only knows $w_1$ and $w_2$.

# %% [markdown]
# ## 8 · At scale
#
# Back to the digits, with the course's optimizers. Two problems: on the left a small MLP on the digits as they
# are; on the right the softmax regression of section 1, with its 64 units of measurement. Each method with its
# own best rate (from the same twelve, with two seeds), then five other seeds.

# %%
def mlp(seed):
    """Return a fresh MLP."""
    return networks.MLP((64, 32, 10), rng=np.random.default_rng(100 + seed))


contestants = {
    "gradient descent": optimizers.SGD,
    "momentum": optimizers.Momentum,
    "RMSprop": optimizers.RMSprop,
    "AdaGrad": optimizers.AdaGrad,
}
plain_race = {name: tune_and_train(mlp, method, X) for name, method in contestants.items()}
for name in ("RMSprop", "AdaGrad"):
    units_race[name] = tune_and_train(softmax_regression, contestants[name], X_units)
for title, race in [("MLP", plain_race), ("softmax, 64 units", units_race)]:
    for name, (lr, curves) in race.items():
        report(f"{title}: {name}", lr, curves)

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.8))
for ax, race in zip(axes, (plain_race, units_race)):
    for index, (name, (lr, curves)) in enumerate(race.items()):
        plotting.band(ax, range(11), curves, label=f"{name}, lr {lr:g}", index=index)
    ax.set(xlabel="epochs", yscale="log")
    ax.legend()
axes[0].set(title="MLP, digits as they are", ylabel="loss on all training data", ylim=(0.01, 4))
axes[1].set(title="softmax regression, 64 units", ylim=(0.15, 4))
axes[1].set_yticks([0.2, 0.5, 1, 2], labels=["0.2", "0.5", "1", "2"])
axes[1].yaxis.set_minor_formatter("")
plotting.show(
    figure,
    "Two panels of loss against epochs for four methods. On the digits as they are momentum "
    "ends lowest, RMSprop and gradient descent next, close together. With 64 units of measurement AdaGrad and RMSprop end far "
    "below momentum and gradient descent.",
)

# %% [markdown]
# Two worlds again. Where the coordinates are alike (someone has scaled the pixels for you) their own rates bring
# little, and momentum wins. Where they are not, RMSprop and AdaGrad are far ahead.
#
# But they do not repair *everything*: 0.3 or 0.4 is still far from the 0.14 that even gradient descent reached
# on the digits as they are, in section 1. Why? Multiply a column by $c$. Its weight's gradient is multiplied by
# $c$, and its curvature by $c^2$ (two derivatives, each brings a factor). The weight that it needs is *divided*
# by $c$: a column in millimetres needs a thousandth of the weight that one in metres does. So:
#
# | | step of that weight | compared with what it needs, $1/c$ |
# |:--|:--|:--|
# | gradient descent | $\propto c$ | off by $c^2$ |
# | RMSprop, AdaGrad | $\propto 1$ | off by $c$ |
# | divide by the curvature (Newton) | $\propto c/c^2 = 1/c$ | right |
#
# RMSprop undoes half of the damage, counted in powers of ten. It does not make standardised inputs superfluous.
#
# How fast is it? Your function beside the course's, which keeps its state in place, on a million parameters:

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
rng = np.random.default_rng(0)
w, dw = rng.normal(size=(2, 1_000_000))
s = np.ones_like(w)
course_rmsprop = optimizers.RMSprop(w.copy(), lr=1e-3)


def milliseconds(run, repeats=15):
    """Return the median time of a call."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return np.median(times) * 1e3


here = milliseconds(lambda: my_step(w, dw, s, lr=1e-3, beta=0.9, eps=1e-8))
there = milliseconds(lambda: course_rmsprop.step(dw))
print(f"one step on a million parameters: {here:.1f} ms here, {there:.1f} ms in the library")

# %% [markdown]
# ## 9 · Claims to test
#
# Sentences from lecture notes and forums. `"true"`, `"false"`, or `"depends"` (it holds under a condition that
# you can name).

# %% [markdown]
# **Claim 1.** *"In a ravine, RMSprop removes the oscillation, so it gets along with far fewer steps."* You have
# the picture: section 7.

# %% nbgrader={"grade": false, "grade_id": "claim_rmsprop_ravine", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_rmsprop_ravine = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_rmsprop_ravine = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_rmsprop_ravine", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_rmsprop_ravine=claim_rmsprop_ravine)

# %% [markdown]
# **Claim 2.** *"eps only prevents a division by zero. Its value and its place do not matter."* Section 6 has the
# numbers.

# %% nbgrader={"grade": false, "grade_id": "claim_rmsprop_eps", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_rmsprop_eps = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_rmsprop_eps = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_rmsprop_eps", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_rmsprop_eps=claim_rmsprop_eps)

# %% [markdown]
# **Claim 3.** *"RMSprop steps along a running average of the gradients."* Test it: let the gradient be +1 for 50
# steps, then −1. A running average with $\beta = 0.9$ needs several steps to change its sign. When does `w` turn
# round?

# %%
w = s = v = np.zeros(1)
positions, averages = [0.0], []
for t in range(60):
    dw = np.array([1.0 if t < 50 else -1.0])
    w, s = my_step(w, dw, s, lr=0.1, beta=0.9, eps=1e-8)
    v = 0.9 * v + 0.1 * dw
    positions.append(float(w[0]))
    averages.append(float(v[0]))
turned = int(np.argmax(np.diff(positions) > 0))
crossed = int(np.argmax(np.array(averages) < 0))
print(f"the gradient changes its sign in step 51; w turns round in step {turned + 1}; "
      f"the average gradient changes its sign in step {crossed + 1}")

# %% nbgrader={"grade": false, "grade_id": "claim_rmsprop_numerator", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_rmsprop_numerator = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_rmsprop_numerator = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_rmsprop_numerator", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_rmsprop_numerator=claim_rmsprop_numerator)

# %% [markdown]
# **Claim 4.** *"RMSprop trains faster than momentum."* The two panels of section 8.

# %% nbgrader={"grade": false, "grade_id": "claim_rmsprop_beats_momentum", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_rmsprop_beats_momentum = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_rmsprop_beats_momentum = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_rmsprop_beats_momentum", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_rmsprop_beats_momentum=claim_rmsprop_beats_momentum)

# %% [markdown]
# **Claim 5.** *"RMSprop adapts the learning rates, so lr need not be tuned any more."* The MLP again, with
# RMSprop, over all twelve rates:

# %%
run = partial(train_once, mlp, optimizers.RMSprop, X)
final = np.array([[np.mean(run(lr, seed)[-3:]) for lr in rates] for seed in range(3)])
figure, ax = plt.subplots()
plotting.band(ax, rates, final, label="RMSprop, 3 seeds", marker="o")
ax.set(xscale="log", yscale="log", xlabel="lr", ylabel="loss after 10 epochs")
plotting.show(
    figure,
    "Final loss of an MLP trained by RMSprop against the learning rate, both logarithmic: a "
    "valley with its bottom at 0.01 to 0.02. At a tenth and at ten times that rate the loss is "
    "many times as high.",
)

# %% nbgrader={"grade": false, "grade_id": "claim_rmsprop_tuning", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_rmsprop_tuning = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_rmsprop_tuning = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_rmsprop_tuning", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_rmsprop_tuning=claim_rmsprop_tuning)

# %% [markdown]
# ## 10 · Quiz
#
# **1.** $s = 0$, lr = 0.02, beta = 0.96, eps negligible. The first gradient is 50. How far does the weight move?
#
# - `"a"` 0.02
# - `"b"` 0.1
# - `"c"` 1.0
# - `"d"` 0.5

# %% nbgrader={"grade": false, "grade_id": "quiz_rmsprop_first_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_rmsprop_first_step = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_rmsprop_first_step = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_rmsprop_first_step", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_rmsprop_first_step=quiz_rmsprop_first_step)

# %% [markdown]
# **2.** One weight always has the gradient 1,000, another always 1. After many steps of RMSprop, the first
# weight's steps are
#
# - `"a"` as long as the second's
# - `"b"` 1,000 times as long
# - `"c"` about 32 times as long
# - `"d"` 1,000 times as short

# %% nbgrader={"grade": false, "grade_id": "quiz_two_coordinates", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_two_coordinates = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_two_coordinates = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_two_coordinates", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_two_coordinates=quiz_two_coordinates)

# %% [markdown]
# **3.** AdaGrad, constant gradient. Step number 10,000 has the length
#
# - `"a"` lr
# - `"b"` lr / 10,000
# - `"c"` lr / 100
# - `"d"` 0: its learning rate has run out

# %% nbgrader={"grade": false, "grade_id": "quiz_adagrad_steps", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_adagrad_steps = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_adagrad_steps = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_adagrad_steps", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_adagrad_steps=quiz_adagrad_steps)

# %% [markdown]
# **4.** A weight's gradient has been 1e-6 for a long time, and an eps of 1e-8 is added *inside* the root. Its
# steps are
#
# - `"a"` lr: eps is too small to matter
# - `"b"` 0.99 lr
# - `"c"` 100 lr
# - `"d"` about 0.01 lr

# %% nbgrader={"grade": false, "grade_id": "quiz_eps_inside", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_eps_inside = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_eps_inside = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_eps_inside", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_eps_inside=quiz_eps_inside)

# %% [markdown]
# **5.** A weight's gradients have size 1. Then one broken mini-batch brings a single gradient of 10,000. With
# beta = 0.9, what does RMSprop do afterwards?
#
# - `"a"` it goes on as before from the next step
# - `"b"` its steps are too short for some 150 steps
# - `"c"` its steps are too short for ever
# - `"d"` its steps are too long for some 150 steps

# %% nbgrader={"grade": false, "grade_id": "quiz_spike", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_spike = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_spike = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_spike", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_spike=quiz_spike)

# %% [markdown]
# ## 11 · In your own words (4 points)
#
# A colleague says: *"I use RMSprop for everything. It gives each parameter its own learning rate, so I need not
# think about scales or ravines any more."*
#
# Answer in five to eight sentences. One point for each of these:
#
# 1. what RMSprop divides by, and which scales that does take care of (with a number from this week);
# 2. a scale that it does not, or only half, take care of;
# 3. why turning the ravine matters to it, and not to momentum;
# 4. one more thing that the colleague should still think about (the rate, eps, the first steps), and why.
#
# If you learn on your own: write it, sleep on it, then give yourself the points.

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection_week05", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A model answer.* RMSprop divides each gradient by the root of the running mean of its squares, coordinate by
# coordinate. So a factor in front of the loss, or of one coordinate's gradient, cancels: with the loss
# multiplied by 1,000 it trained to the same loss of 0.15, where gradient descent was lost. But a column of inputs
# measured in other units also moves the weight that it needs, so the steps are still off by that factor: with 64
# units, RMSprop's loss stayed near 0.4, far better than gradient descent's 0.8, but far from the 0.14 on the
# digits as they were. Its rates belong to the coordinates, so it can only stretch the landscape along the axes.
# A ravine along an axis is gone in a few steps; turned by 45° no diagonal matrix improves its condition number
# at all, and RMSprop needed about as many steps as gradient descent. Momentum has one rate for all coordinates and
# averages whole gradients, so it does not notice the turn. You should also still tune lr, which is now the
# length of a step: ten times too large or too small cost us several times the loss. And the first step is
# $1/\sqrt{1-\beta}$ times too long, 32 times for beta = 0.999.

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | RMSprop | $s \leftarrow \beta s + (1-\beta)dw^2$, $\ w \leftarrow w - \alpha\,dw/(\sqrt s + \varepsilon)$ |
# | AdaGrad | $s \leftarrow s + dw^2$, the same step; its length falls like $\alpha/\sqrt t$ |
# | Step $t$, constant gradient | $\alpha/\sqrt{1-\beta^t}$; never longer than $\alpha/\sqrt{1-\beta}$ |
# | Blind to | a factor of the loss, or of a coordinate's gradient (while $\lvert g\rvert \gg \varepsilon$) |
# | Best diagonal | $\kappa = (1+\lvert\rho\rvert)/(1-\lvert\rho\rvert)$, $\rho = A_{12}/\sqrt{A_{11}A_{22}}$ |
# | Defaults | lr 0.001 (Keras), 0.01 (PyTorch): tune it; $\beta$ 0.9 or 0.99; $\varepsilon$ 1e-8, outside |
#
# **Pitfalls.** Dividing by the old $s$ · averaging $dw$ instead of $dw^2$ · the norm of the whole gradient
# instead of squares element by element · "the same eps" inside and outside the root · missing brackets round
# $\sqrt s+\varepsilon$ · one lr for all methods in a comparison · expecting help in a turned ravine.
#
# **Sources.** RMSprop has no paper: Tieleman and Hinton (2012), *Lecture 6e* of the course *Neural networks for
# machine learning*, Coursera, where the nine-and-one example comes from · Duchi, Hazan and Singer (2011),
# *Adaptive subgradient methods for online learning and stochastic optimization* (AdaGrad) · Riedmiller and Braun
# (1993), *A direct adaptive method for faster backpropagation learning: the RPROP algorithm* · van der Sluis
# (1969), *Condition numbers and equilibration of matrices*: diagonal scaling in any dimension.
#
# **Next week's question.** Momentum smooths the direction, RMSprop scales the coordinates. Why not both, and
# what goes wrong in the first steps?
#
# Go on with [Week 06 · Adam](../week06_adam/week06_adam.ipynb).
