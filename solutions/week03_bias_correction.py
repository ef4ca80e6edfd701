# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: Bias correction
#     minutes: 80
#     builds_on: [week02_averages]
# ---

# %% [markdown]
# # Week 03 · Bias correction
#
# A short week about a short time: the beginning. An average that starts at 0 is wrong there, and a division repairs it.
# It is a line of Adam that is easily forgotten, and the beginning can last longer than your whole training run.
#
# By the end you can
#
# - say why an exponentially weighted average starts too low, by how much, and for how long;
# - prove that dividing by $1-\beta^t$ repairs it, and see the repaired average as a weighted mean;
# - compare it with the other cures: starting at the first value, warming $\beta$ up;
# - write a streaming average with state, one that survives missing days.
#
# You need: week 02. Time: about 80 minutes. Points: 28, and 4 more for a written answer.

# %%
import math
from time import perf_counter

import numpy as np
import matplotlib.pyplot as plt

from course_lib import averages, datasets, networks, optimizers, plotting
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()
dates, temperatures = datasets.seattle_temperatures()

# %% [markdown]
# ## 1 · The question
#
# Week 02 looked away from the first days. Here they are, with its average for two values of $\beta$:

# %% jupyter={"source_hidden": true}
first = 150
figure, ax = plt.subplots(figsize=(7.4, 3.6))
dots = {"color": "#999999", "markersize": 5, "label": "each day"}
ax.plot(range(1, first + 1), temperatures[:first], ".", **dots)
for index, beta in enumerate((0.9, 0.98)):
    v = averages.ema(temperatures, beta=beta)
    plotting.lines(ax, {f"beta = {beta}": (range(1, first + 1), v[:first])}, first=index)
    print(f"beta = {beta:4}: v is {v[0]:.1f} °C on day 1, {v[9]:.1f} on day 10, "
          f"{v[49]:.1f} on day 50")
ax.set(xlabel="day (1 is 1 January 2012)", ylabel="°C")
ax.legend(loc="upper left")
plotting.show(
    figure,
    "The first 150 days of temperatures, around 8 degrees at first and 18 at the end. The "
    "average for beta 0.9 starts at 1 degree, meets the dots on the cold days around day 15 and "
    "runs through them from day 40 on. The average for beta 0.98 starts at 0 and is still below "
    "nearly all dots after 100 days.",
)
print(f"the days themselves: mean {temperatures[:10].mean():.1f} °C over days 1 to 10 "
      f"(the coldest {temperatures[:10].min():.1f}), {temperatures[:50].mean():.1f} over days 1 to 50")

# %% [markdown]
# So cold it was not. The average began with $v_0 = 0$, which nobody had measured, and with $\beta = 0.98$ it keeps
# 98 % of that invention on the first day. In this course the series will be gradients, and $\beta$ may be 0.999. An
# optimizer that believes for thousands of steps that gradients are tiny will take steps of the wrong length.
#
# > **This week's question.** Can you repair the first days, and still remember next to nothing?

# %% [markdown]
# **Predict.** Take a series that is always 10, and $\beta = 0.98$. After how many steps is $v_t$ at 9, that is 90 % of
# the truth?
#
# - `"a"`: 10
# - `"b"`: 50
# - `"c"`: more than 100

# %% nbgrader={"grade": false, "grade_id": "prediction_ninety", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_ninety = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_ninety = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_ninety", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_ninety=prediction_ninety)

# %%
always_ten = averages.ema(np.full(200, 10.0), beta=0.98)
for t in (1, 10, 50, 100, 114, 200):
    print(f"t = {t:3}: v = {always_ten[t - 1]:5.2f}")

# %%
settle(prediction_ninety=prediction_ninety)

# %% [markdown]
# ## 2 · The cure
#
# Let all values have the same expectation, $\mathbb E[\theta_i] = \mu$. Week 02 unrolled the average and added up its
# weights; with $v_0 = 0$,
#
# $$\mathbb E[v_t] = \sum_{k=0}^{t-1}(1-\beta)\,\beta^k\;\mathbb E[\theta_{t-k}]
# = \mu\,(1-\beta)\sum_{k=0}^{t-1}\beta^k = (1-\beta^t)\,\mu .$$
#
# (Expectations may be taken term by term; the values need not be independent.) So $v_t$ is too small by the factor
# $1-\beta^t$, and this factor is *known*: no data enter it. Divide by it:
#
# $$\boxed{\ \hat v_t = \frac{v_t}{1-\beta^t},\qquad t = 1, 2, \dots\ }\qquad\qquad
# \mathbb E[\hat v_t] = \mu \ \text{ for every } t\ge 1.$$
#
# This is **bias correction**; the hat marks the corrected value. Three things to notice:
#
# - $t$ counts from 1. At $t = 0$ there is nothing to correct, and $1-\beta^0 = 0$ to divide by.
# - On the first day $\hat v_1 = (1-\beta)\,\theta_1/(1-\beta) = \theta_1$: the best guess is what you saw.
# - The hat is for *reading* only. The recursion goes on with $v_t$; if you put $\hat v_t$ back in, tomorrow's $v$ no
#   longer has the weights that the proof is about.
#
# *Other names.* In papers and in PyTorch's Adam, $1-\beta^t$ is `bias_correction1` or `2`; in pandas it is
# `ewm(adjust=True)`, the default.

# %% [markdown]
# ### Exercise 1 · `ema_bias_corrected` (4 points)

# %% nbgrader={"grade": false, "grade_id": "ema_bias_corrected", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ema_bias_corrected(theta, *, beta):
    """Bias-corrected exponentially weighted average of a series.

    Parameters
    ----------
    theta : ndarray of shape (T,), T from 1 to many thousands
        The values theta_1 … theta_T; may be whole numbers. Must not be changed.
    beta : float, 0 <= beta < 1
        Share of the old average that is kept; v_0 = 0.

    Returns
    -------
    ndarray of shape (T,)
        The corrected averages of days 1 … T, not cut to whole numbers.

    Examples
    --------
    >>> ema_bias_corrected(np.array([8.0, 8.0, 1.0]), beta=0.5).tolist()
    [8.0, 8.0, 4.0]
    """
    ### BEGIN SOLUTION
    corrected = np.zeros(len(theta))
    v = 0.0
    for t, value in enumerate(theta, start=1):
        v = beta * v + (1 - beta) * value
        corrected[t - 1] = v / (1 - beta**t)
    return corrected
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_ema_bias_corrected", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(ema_bias_corrected)
### BEGIN HIDDEN TESTS
check(ema_bias_corrected, seed=20130)
### END HIDDEN TESTS

# %%
corrected = plug_in(ema_bias_corrected)
raw_curve = averages.ema(temperatures, beta=0.98)
cured_curve = corrected(temperatures, beta=0.98)
for t in (1, 10, 50, 150, 300):
    print(f"day {t:3}: uncorrected {raw_curve[t - 1]:4.1f}, corrected {cured_curve[t - 1]:4.1f} °C")

# %% [markdown]
# The first 150 days again, with both averages:

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots(figsize=(7.4, 3.6))
dots = {"color": "#999999", "markersize": 5, "label": "each day"}
ax.plot(range(1, first + 1), temperatures[:first], ".", **dots)
plotting.lines(ax, {"uncorrected": (range(1, first + 1), raw_curve[:first])}, first=1)
cured = {"corrected": (range(1, first + 1), cured_curve[:first])}
plotting.lines(ax, cured, first=2, linewidth=2.6)
ax.set(xlabel="day", ylabel="°C", title="beta = 0.98")
ax.legend(loc="upper left")
plotting.show(
    figure,
    "The first 150 days, beta 0.98. The corrected average starts on the first dot, comes "
    "down with the cold days, runs calmly among the dots from day 40 to 80, and then lies below "
    "most of them as they rise. The uncorrected one starts at 0 and comes ever closer to it "
    "from below; on day 150 a small gap is left.",
)

# %% [markdown]
# The two draw together: 3.1 °C apart on day 50, 0.7 on day 150, and the same number on day 300. From some day on
# the correction changes nothing that you could see, and you may leave it in: it costs one division. (From day 90
# on, both lie below most dots. That is the lag of week 02, in spring; the correction does not touch it.)
#
# ## 3 · What the corrected average is
#
# Divide the weights of week 02 by their sum, and you see it from another side. $\hat v_t$ is a **weighted mean**: its
# weights add up to 1, for every $t$.

# %% [markdown]
# ### Exercise 2 · `debiased_weights` (4 points)

# %% nbgrader={"grade": false, "grade_id": "debiased_weights", "locked": false, "schema_version": 3, "solution": true, "task": false}
def debiased_weights(t, *, beta):
    """Weights that the values theta_1 … theta_t have in the corrected average of day t.

    Parameters
    ----------
    t : int
        Number of values, at least 1.
    beta : float, 0 <= beta < 1
        Share of the old average that is kept; with 0, only the newest value counts.

    Returns
    -------
    ndarray of shape (t,)
        One weight per value, the oldest first. They add up to 1.

    Examples
    --------
    >>> debiased_weights(2, beta=0.25).tolist()
    [0.2, 0.8]
    """
    ### BEGIN SOLUTION
    age = np.arange(t - 1, -1, -1)
    return (1 - beta) * beta**age / (1 - beta**t)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_debiased_weights", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(debiased_weights)
### BEGIN HIDDEN TESTS
check(debiased_weights, seed=20131)
### END HIDDEN TESTS

# %%
weights_of = plug_in(debiased_weights)
print("t = 3, beta = 0.9:", weights_of(3, beta=0.9).round(3))

# %% [markdown]
# The weights for four values of $t$, corrected (wide bars) and raw (narrow bars):

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 4, figsize=(8.8, 2.9), width_ratios=[1, 3, 8, 24])
for ax, t in zip(axes, (1, 3, 10, 40)):
    days = range(1, t + 1)
    ax.bar(days, weights_of(t, beta=0.9), color=plotting.COLOURS[2], label="corrected")
    ax.bar(days, averages.ema_weights(t, beta=0.9), 0.45, color=plotting.COLOURS[1], label="raw")
    ax.set(title=f"t = {t}", xlabel="day" if t > 1 else "", xticks=sorted({1, t}))
    ax.grid(axis="x", visible=False)
axes[0].set_ylabel("weight, beta = 0.9")
axes[-1].legend(loc="upper left")
plotting.show(
    figure,
    "Weights for t = 1, 3, 10 and 40 at beta 0.9; corrected as wide bars, raw as narrow "
    "ones. At t = 1 the corrected weight is 1 and the raw one 0.1. At t = 3 the corrected "
    "ones are nearly equal thirds. At t = 40 the two can hardly be told apart.",
)

# %% [markdown]
# Look at $t=3$: three weights of nearly a third. While $t$ is small against $1/(1-\beta)$, the corrected average is
# almost the plain mean of all values so far. Later it becomes week 02's average. It even has a recursion of its own.
# Put $v_{t-1} = (1-\beta^{t-1})\,\hat v_{t-1}$ into the update:
#
# $$\hat v_t = \frac{\beta\,(1-\beta^{t-1})\,\hat v_{t-1} + (1-\beta)\,\theta_t}{1-\beta^t}
# = \hat v_{t-1} + \frac{1-\beta}{1-\beta^t}\,\big(\theta_t - \hat v_{t-1}\big),$$
#
# because $\beta - \beta^t = (1-\beta^t) - (1-\beta)$. The share of the new value is $\frac{1-\beta}{1-\beta^t}$
# instead of $1-\beta$: it is 1 on the first day, close to $1/t$ for a while (the share that makes a plain mean), and
# $1-\beta$ in the end. So correcting is the same as starting with a small $\beta$ and letting it grow:

# %%
steps = (1, 2, 5, 10, 30, 100)
print("share of the new value at t =" + "".join(f"{t:7}" for t in steps))
for beta in (0.9, 0.999):
    print(f"{f'beta = {beta}':29}" + "".join(f"{(1 - beta) / (1 - beta**t):7.3f}" for t in steps))
print(f"{'plain mean, 1/t':29}" + "".join(f"{1 / t:7.3f}" for t in steps))

# %% [markdown]
# ## 4 · How long is the beginning?
#
# As a fraction of the truth, $v_t$ is low by $\beta^t$. How many steps until that is below a tolerance of your choice?
#
# **Predict.** Adam (week 06) averages squared gradients with $\beta = 0.999$. After 100 steps, which part of the
# truth is *missing* from the uncorrected average?
#
# - `"a"`: about 10 %
# - `"b"`: about 50 %
# - `"c"`: about 90 %

# %% nbgrader={"grade": false, "grade_id": "prediction_squares", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_squares = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_squares = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_squares", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_squares=prediction_squares)

# %% [markdown]
# ### Exercise 3 · `correction_steps` (4 points)

# %% nbgrader={"grade": false, "grade_id": "correction_steps", "locked": false, "schema_version": 3, "solution": true, "task": false}
def correction_steps(beta, *, tolerance):
    """First step at which an uncorrected average is low by at most the tolerance.

    Parameters
    ----------
    beta : float, 0 < beta < 1
    tolerance : float, 0 < tolerance < 1
        Largest missing part that you accept, as a fraction of the true mean: 0.01 is one per cent.

    Returns
    -------
    int
        The smallest t >= 1 at which no more than that is missing. Exactly the tolerance is good
        enough: beta = 0.5 reaches 0.25 in 2 steps. (Where only rounding decides, as for 0.9 and
        0.729, either neighbour will do.) An int, since you go on to make a series of that length.

    Examples
    --------
    >>> correction_steps(0.5, tolerance=0.1)
    4
    """
    ### BEGIN SOLUTION
    return math.ceil(math.log(tolerance) / math.log(beta))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_correction_steps", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(correction_steps)
### BEGIN HIDDEN TESTS
check(correction_steps, seed=20132)
### END HIDDEN TESTS

# %%
steps_until = plug_in(correction_steps)
print("beta     10 % low   1 % low   low after 10 steps   after 100   after 1,000")
for beta in (0.5, 0.9, 0.98, 0.99, 0.999):
    ten, one = (steps_until(beta, tolerance=tolerance) for tolerance in (0.1, 0.01))
    low = [beta**10, beta**100, beta**1000]
    print(f"{beta:<7}{ten:8,}{one:11,}{low[0]:17.1%}{low[1]:14.1%}{low[2]:13.1%}")
ones = np.ones(steps_until(0.9, tolerance=0.1))
print(f"check: the average of {len(ones)} ones, beta 0.9, is {averages.ema(ones, beta=0.9)[-1]:.3f}")

# %% [markdown]
# Now on the real thing. We train week 01's classifier for 100 updates, more than four epochs, and average the *squares*
# of its mini-batch gradients, entry by entry, as RMSprop and Adam will do in weeks 05 and 06. (At a small learning
# rate, so that the gradients keep their size.) To have one number to look at, we print the sum over the 650 entries,
# beside the plain mean of all squares so far.

# %%
digits = datasets.digits()
network = networks.SoftmaxRegression(64, 10)
descent = optimizers.SGD(network.params, lr=0.01)
rng = np.random.default_rng(0)
squares = []
for step in range(100):
    rows = rng.choice(len(digits.X_train), 64, replace=False)
    gradient = network.loss_and_gradient(digits.X_train[rows], digits.y_train[rows])[1]
    squares.append(gradient**2)
    descent.step(gradient)
squares = np.array(squares)
raw = averages.ema(squares, beta=0.999).sum(axis=1)
cured = averages.ema(squares, beta=0.999, bias_correction=True).sum(axis=1)
plain = (np.cumsum(squares, axis=0) / np.arange(1, 101)[:, None]).sum(axis=1)
for t in (1, 10, 100):
    print(f"step {t:3}: uncorrected {raw[t - 1]:.4f}, corrected {cured[t - 1]:.3f}, "
          f"mean so far {plain[t - 1]:.3f}")

# %%
settle(prediction_squares=prediction_squares)

# %% [markdown]
# Four epochs of training, and the uncorrected average shows less than a tenth of the truth. With $\beta = 0.999$ "the first
# few steps" are 2,302 if 10 % may be missing, and 4,603 if 1 %.

# %% [markdown]
# ## 5 · Other cures
#
# Dividing is not the only idea. Four averages of the same values, all with $\beta = 0.98$:
#
# - **none**: start at 0 and do nothing;
# - **corrected**: start at 0 and divide by $1-\beta^t$;
# - **start at the first value**: $v_0 = \theta_1$, so the weights add up to 1 from the start;
# - **warm-up**: start at 0 and let $\beta$ grow, $\beta = \min\big(0.98,\ \tfrac{1+n}{10+n}\big)$ where $n = 0, 1,
#   \dots$ counts the values before this one, a schedule of TensorFlow's `ExponentialMovingAverage`.
#
# The test: values of mean 10 that scatter with standard deviation 3. We average 4,000 such series, and look at the
# typical distance of each average from 10 (the root of the mean square).
#
# **Predict.** Which is closer to 10 at $t = 10$?
#
# - `"a"`: the one that starts at the first value
# - `"b"`: the corrected one
# - `"c"`: both are equally close, since both are right on average

# %% nbgrader={"grade": false, "grade_id": "prediction_cures", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_cures = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_cures = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_cures", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_cures=prediction_cures)

# %%
beta, T = 0.98, 150
values = 10 + 3 * np.random.default_rng(1).normal(size=(T, 4000))
cures = {
    "none": averages.ema(values, beta=beta),
    "corrected": averages.ema(values, beta=beta, bias_correction=True),
    # v_0 = theta_1: average the differences from the first value, then add it again
    "start at the first value": values[0] + averages.ema(values - values[0], beta=beta),
}
v, warm = np.zeros(4000), []
for t in range(T):
    growing = min(beta, (1 + t) / (10 + t))
    v = growing * v + (1 - growing) * values[t]
    warm.append(v)
cures["warm-up"] = np.array(warm)

print("typical distance from 10:  " + "".join(f"  t = {t:3}" for t in (1, 10, 30, 100)))
distance = {name: np.sqrt(np.mean((curve - 10) ** 2, axis=1)) for name, curve in cures.items()}
for name, curve in distance.items():
    print(f"{name:27}" + "".join(f"{curve[t - 1]:9.1f}" for t in (1, 10, 30, 100)))
crossing = np.argmax(distance["warm-up"] > distance["start at the first value"]) + 1
print(f"the warm-up is behind the start at the first value from t = {crossing} on; "
      f"its beta at t = 100 is {min(beta, (1 + 99) / (10 + 99)):.2f}")

# %% [markdown]
# The same distances as curves:

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots(figsize=(7, 3.6))
for index, (name, curve) in enumerate(distance.items()):
    plotting.lines(ax, {name: (range(1, T + 1), curve)}, first=index)
ax.set(xlabel="t", ylabel="typical distance from 10", ylim=(0, 6))
ax.legend()
plotting.show(
    figure,
    "Typical distance from the true mean against t for four averages. Uncorrected it begins "
    "at 10 and comes down slowly. Started at the first value it begins at 3 and falls slowly. "
    "The warm-up falls faster at first and slower later; from about 77 steps on it is the "
    "higher of the two. The corrected one falls fastest and is lowest from the second step on.",
)

# %%
settle(prediction_cures=prediction_cures)

# %% [markdown]
# All three cures remove the cold start, or nearly so. They differ in how well they *use* the first values. Starting at
# $\theta_1$ gives that one value the weight $\beta^{t-1}$: 83 % on day 10. If it happened to be an outlier, the average
# will carry it along for months. The warm-up forgets too fast: at $t = 100$ its $\beta$ is still 0.92, a memory of a
# dozen values. Once $\theta_1$ has faded, at $t = 77$, even the start at the first value is calmer. The corrected
# average shares the weight nearly equally at first, and of all weights that add up to 1, equal ones are the
# quietest (for independent values of equal scatter).

# %% [markdown]
# ## 6 · Missing days
#
# A sensor fails now and then. On a missing day nothing comes in, but time passes: what you know becomes one day older.
# So every weight shrinks by $\beta$, and no new one is added. Write $o_t = 1$ if day $t$ was observed and $0$ if not:
#
# $$v_t = \beta\,v_{t-1} + (1-\beta)\,o_t\,\theta_t,\qquad
# W_t = \beta\,W_{t-1} + (1-\beta)\,o_t,\qquad \hat v_t = \frac{v_t}{W_t},\qquad v_0 = W_0 = 0.$$
#
# $W_t$ is the **sum of the weights**. By the same induction as in week 02, $W_t = \sum_k (1-\beta)\beta^k o_{t-k}$, and
# with all days observed this is $1-\beta^t$. So nothing new has been added: this is what bias correction always was,
# dividing by the sum of the weights. Only that now the sum must be remembered. Two numbers instead of one.
#
# A consequence that one might not expect: during a gap $\hat v$ stays exactly where it is, since $v$ and $W$ shrink
# alike. But the next reading counts for more, because the old ones have lost weight against it.

# %% [markdown]
# ### Exercise 4 · `StreamingEMA` (4 points)
#
# Values come one at a time, so this time you write a class: an object that keeps its state between calls. (In the
# messages of the check, `updates=[...]` lists what is passed to `update`, one after another. Where there is also
# `other=[...]`, two objects are used in turns, the second with half the beta.)

# %% nbgrader={"grade": false, "grade_id": "StreamingEMA", "locked": false, "schema_version": 3, "solution": true, "task": false}
class StreamingEMA:
    """Bias-corrected average of values that come one at a time, some of them missing.

    Parameters
    ----------
    beta : float, 0 < beta < 1
        Share of the old that is kept from one day to the next, observed or not.

    Methods
    -------
    update(theta)
        Take in one day: theta is a finite float (0.0 is a reading), or None if the day is missing.
        Return the corrected average of all readings so far, a float, on a missing day too; NaN
        (math.nan) as long as there was none. Each object has a memory of its own.

    Examples
    --------
    >>> stream = StreamingEMA(beta=0.5)
    >>> [round(stream.update(theta), 6) for theta in (8.0, None, 2.0)]
    [8.0, 8.0, 3.2]
    """

    def __init__(self, *, beta):
        ### BEGIN SOLUTION
        self.beta = beta
        self.v = 0.0
        self.weight = 0.0
        ### END SOLUTION

    def update(self, theta):
        """Take in one day's value, None if it is missing; return the average so far."""
        ### BEGIN SOLUTION
        self.v = self.beta * self.v
        self.weight = self.beta * self.weight
        if theta is not None:
            self.v += (1 - self.beta) * theta
            self.weight += 1 - self.beta
        return self.v / self.weight if self.weight > 0 else math.nan
        ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_StreamingEMA", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(StreamingEMA)
### BEGIN HIDDEN TESTS
check(StreamingEMA, seed=20133)
### END HIDDEN TESTS

# %% [markdown]
# A hard test for it: half of the days in 2012 are lost at random, and all of April and May on top. Beside it, what
# happens when the gaps are ignored and $1-\beta^t$ is used, as if every missing day had been observed at 0 °C.

# %%
Stream = plug_in(StreamingEMA)
year = temperatures[:366]
lost = np.random.default_rng(2).random(366) < 0.5
lost[91:152] = True  # 1 April to 31 May
stream, v = Stream(beta=0.9), 0.0
with_gaps, as_zero = [], []
for t, (value, missing) in enumerate(zip(year, lost), start=1):
    with_gaps.append(stream.update(None if missing else float(value)))
    v = 0.9 * v + (0.0 if missing else 0.1 * value)
    as_zero.append(v / (1 - 0.9**t))

complete = averages.ema(year, beta=0.9, bias_correction=True)
measured = np.r_[20:91, 183:366]  # from day 21 on, without the long gap and the 31 days after it
for name, curve in {"with gaps": with_gaps, "gaps taken for 0 °C": as_zero}.items():
    apart = np.abs(np.array(curve) - complete)[measured].mean()
    print(f"{name:19}: {apart:.1f} °C from the average without gaps, in the mean "
          "over days 21 to 91 and 184 to 366")

# %% [markdown]
# The whole year, with the average of all days beside the two:

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots(figsize=(8, 3.8))
ax.axvspan(92, 152, color="#eeeeee")
observed = np.flatnonzero(~lost)
ax.plot(observed + 1, year[observed], ".", color="#999999", markersize=4, label="days observed")
curves = {"no day missing": complete, "with gaps": with_gaps, "gaps taken for 0 °C": as_zero}
for index, (name, curve) in enumerate(curves.items()):
    plotting.lines(ax, {name: (range(1, 367), curve)}, first=index)
ax.set(xlabel="day of 2012 (grey: all days lost)", ylabel="°C", ylim=(-1, 42))
ax.legend(loc="upper left", ncols=2)
plotting.show(
    figure,
    "The year 2012 with half the days lost and a gap of two months. The average with gaps "
    "stays close to the one without, except in the long gap, where it is flat while the other "
    "rises from 10 to 18; it recovers with the first readings after it. Taking missing days for "
    "zero gives about half the temperature, and nothing at all at the end of the gap.",
)

# %% [markdown]
# The course's own `averages.StreamingEMA` does the same, in a form that also survives gaps in which $v$ and $W$ both
# vanish in floating point: it moves $\hat v$ itself, by the share $(1-\beta)/W_t$ (section 3). And where no day is
# missing, `averages.ema` does the whole series in one compiled loop. Yours take it value by value, and from an array
# that costs even more than from a list. The best of three runs each:

# %% tags=["nbval-ignore-output"]
long_series = np.random.default_rng(3).normal(size=200_000)


def stream_all():
    stream = Stream(beta=0.9)
    return [stream.update(value) for value in long_series.tolist()]


for name, run in [
    ("your stream, value by value", stream_all),
    ("your series function", lambda: corrected(long_series, beta=0.9)),
    ("course_lib", lambda: averages.ema(long_series, beta=0.9, bias_correction=True)),
]:
    times = []
    for _ in range(3):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    print(f"{name:28}: {1e3 * min(times):6.1f} ms for 200,000 values")

# %% [markdown]
# ## 7 · Claims to test
#
# **Claim 1.** *"Bias correction only concerns the initial phase, so in practice nobody needs it."* The part that is
# missing at the *end* of three runs. (230 updates were ten epochs in week 01.)

# %%
print("beta      230 updates   1,000 updates   10,000 updates")
for beta in (0.9, 0.99, 0.999):
    print(f"{beta:<8}" + "".join(f"{beta**t:13.1%}  " for t in (230, 1000, 10_000)))

# %% nbgrader={"grade": false, "grade_id": "claim_nobody_needs", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_nobody_needs = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_nobody_needs = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_nobody_needs", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_nobody_needs=claim_nobody_needs)

# %% [markdown]
# **Claim 2.** *"With $\beta = 0.9$ the average has warmed up after ten steps; from then on the correction hardly
# matters."* You have the measurement: section 4's table.

# %% nbgrader={"grade": false, "grade_id": "claim_ten_steps", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_ten_steps = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_ten_steps = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_ten_steps", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_ten_steps=claim_ten_steps)

# %% [markdown]
# **Claim 3.** *"The corrected average is unbiased: on average it equals the truth of the day."* Two truths: one that
# stays at 10, and one that rises by 0.5 a day. The mean error over 4,000 noisy series:

# %%
rng = np.random.default_rng(4)
print("mean error of the corrected average, beta = 0.9")
for name, truth in [("constant", np.full(60, 10.0)), ("rising", 10 + 0.5 * np.arange(60))]:
    series = truth[:, None] + rng.normal(size=(60, 4000))
    average = averages.ema(series, beta=0.9, bias_correction=True)
    error = np.round((average - truth[:, None]).mean(axis=1), 1) + 0.0  # no "-0.0"
    print(f"{name:9}" + ", ".join(f"day {t}: {error[t - 1]:4.1f}" for t in (1, 5, 20, 60)))

# %% nbgrader={"grade": false, "grade_id": "claim_unbiased", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_unbiased = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_unbiased = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_unbiased", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_unbiased=claim_unbiased)

# %% [markdown]
# **Claim 4.** *"As $\beta$ approaches 1, the corrected average approaches the plain mean of all values so far."*

# %%
plain_mean = np.cumsum(temperatures) / np.arange(1, len(temperatures) + 1)
for beta in (0.999, 0.9999, 0.99999, 0.999999):
    gap = np.abs(averages.ema(temperatures, beta=beta, bias_correction=True) - plain_mean).max()
    print(f"beta = {beta:<8}: largest difference on any day {gap:.4f} °C")

# %% nbgrader={"grade": false, "grade_id": "claim_plain_mean_limit", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_plain_mean_limit = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_plain_mean_limit = "true"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_plain_mean_limit", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_plain_mean_limit=claim_plain_mean_limit)

# %% [markdown]
# ## 8 · Quiz
#
# **1.** $\beta = 0.9$ and $\theta_1 = 10$. What are $v_1$ and $\hat v_1$?
#
# - `"a"` 1 and 1
# - `"b"` 1 and 10
# - `"c"` 9 and 10
# - `"d"` 10 and 10

# %% nbgrader={"grade": false, "grade_id": "quiz_first_value", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_first_value = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_first_value = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_first_value", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_first_value=quiz_first_value)

# %% [markdown]
# **2.** $\beta = 0.5$. Which weights do $\theta_1$ and $\theta_2$ have in $\hat v_2$?
#
# - `"a"` 1/4 and 1/2
# - `"b"` 1/3 and 2/3
# - `"c"` 1/2 and 1/2
# - `"d"` 2/3 and 1/3

# %% nbgrader={"grade": false, "grade_id": "quiz_second_weights", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_second_weights = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_second_weights = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_second_weights", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_second_weights=quiz_second_weights)

# %% [markdown]
# **3.** What is wrong here? The loop runs with `t` = 1, 2, 3, …
#
# ```python
# v = beta * v + (1 - beta) * theta
# v = v / (1 - beta**t)
# ```
#
# - `"a"` The second line should not write to `v`
# - `"b"` The power should be `t - 1`
# - `"c"` `beta` and `1 - beta` are swapped
# - `"d"` It should multiply instead of dividing

# %% nbgrader={"grade": false, "grade_id": "quiz_feedback_bug", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_feedback_bug = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_feedback_bug = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_feedback_bug", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_feedback_bug=quiz_feedback_bug)

# %% [markdown]
# **4.** A training run is interrupted after 5,000 steps and resumed from a file. The file holds $v$ ($\beta = 0.9$),
# but not $t$, which starts at 1 again. On the first step after that, the corrected average is
#
# - `"a"` right, because $v$ was saved
# - `"b"` too small, as at every start
# - `"c"` right, but only for small learning rates
# - `"d"` about ten times too large

# %% nbgrader={"grade": false, "grade_id": "quiz_checkpoint", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_checkpoint = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_checkpoint = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_checkpoint", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_checkpoint=quiz_checkpoint)

# %% [markdown]
# **5.** A sensor has reported for a month and is then silent for ten days. You average as in section 6, with
# $\beta = 0.9$. During the silence, the average
#
# - `"a"` falls to $0.9^{10} = 35\,\%$
# - `"b"` stays where it was
# - `"c"` becomes NaN
# - `"d"` moves towards the last reading

# %% nbgrader={"grade": false, "grade_id": "quiz_gap", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_gap = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_gap = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_gap", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_gap=quiz_gap)

# %% [markdown]
# ## 9 · In your own words (4 points)
#
# A colleague has written an optimizer that averages squared gradients with $\beta = 0.999$. *"I took the bias
# correction out"*, he says. *"It only matters for the first few steps, and my runs have 500."*
#
# Answer in five to eight sentences. One point for each of these:
#
# 1. why the average is too low, in words and with the formula for by how much;
# 2. numbers for his case: how low at the end of his run, and how long "the first few steps" last;
# 3. why starting at the first squared gradient instead is a poorer cure;
# 4. a situation in which he could leave the correction out.
#
# If you learn on your own: write it, sleep on it, then give yourself the points.

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection_week03", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A model answer.* Your average starts at 0, a value that no gradient ever had, and after $t$ steps this invention still
# has the weight $0.999^t$. So the average shows only the fraction $1 - 0.999^t$ of the true mean. After your 500 steps
# that is 39 %: it is still 61 % too low when the run ends, and during the first hundred steps it never gets above 10 %.
# To be within 10 % you would need 2,302 steps, within 1 % 4,603; in your runs the "first few steps" are all there are.
# You could start at the first squared gradient instead, and the weights would add up to 1. But that one random
# mini-batch would still have a weight of 61 % at the end, while the correction spreads the weight over all 500: the
# oldest counts 61 % of the newest. With $\beta = 0.9$, or in runs of many thousands of steps whose beginning you do not care about, you may leave it
# out. But it is one division, so why would you?

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | Bias | $\mathbb E[v_t] = (1-\beta^t)\,\mu$, when $v_0 = 0$ and the mean $\mu$ is constant |
# | Correction | $\hat v_t = v_t/(1-\beta^t)$, $t$ from 1; $v_t$ goes on uncorrected |
# | As a weighted mean | weights $\frac{1-\beta}{1-\beta^t}\,\beta^k$, together 1: first the plain mean, in the end the EMA |
# | Lasts | $\lceil \ln(\text{tol})/\ln\beta\rceil$ steps: 22 and 44 (0.9), 2,302 and 4,603 (0.999) for 10 % and 1 % |
# | Missing days | divide by the sum of the weights: $W_t = \beta W_{t-1} + (1-\beta)\,o_t$ |
# | State to save | $v$ and $t$ (or $v$ and $W$) |
#
# **Pitfalls.** $t$ from 0 · $\hat v$ put back into the recursion · $1-\beta$ for $1-\beta^t$ · a correction on top of a
# start at $\theta_1$ · $t$ reset at each epoch or after a restart · a missing value taken for 0 · expecting the
# correction to cure the lag.
#
# **Sources.** Kingma and Ba (2015), *Adam: a method for stochastic optimization*, section 3, where the correction got
# its name · Brown (1963), *Smoothing, forecasting and prediction of discrete time series*, on how to start an average ·
# Wright (1986), *Forecasting data published at irregular time intervals using an extension of Holt's method*, for
# missing days · data as in week 02.
#
# **Next week's question.** A ravine: gradient descent swings across it and crawls along it. Gradients are a jumping
# series too. What happens if you follow their average instead?
#
# Go on with [Week 04 · Momentum](../week04_momentum/week04_momentum.ipynb).
