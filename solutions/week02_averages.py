# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: Exponentially weighted averages
#     minutes: 100
#     builds_on: [week01_minibatch]
# ---

# %% [markdown]
# # Week 02 · Exponentially weighted averages
#
# One line of code is at work inside nearly every optimizer of this course: inside momentum (week 04), RMSprop (week
# 05), Adam (week 06) and batch normalisation (week 11). This week is about that line alone, so that later you will
# recognise it anywhere and know what its one number does.
#
# By the end you can
#
# - write the average from memory, for one series or for thousands at once;
# - draw the weights that it gives to the past, and prove what they add up to;
# - say what "an average over $1/(1-\beta)$ days" means, in four precise senses;
# - choose $\beta$ by measuring, and say what you pay for a smooth curve.
#
# You need: NumPy and geometric series. Time: about 100 minutes. Points: 30, and 4 more for a written answer.

# %%
import io
from importlib.util import find_spec
from time import perf_counter

import numpy as np
import matplotlib.pyplot as plt

from course_lib import averages, datasets, minibatch, networks, optimizers, plotting
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()
dates, temperatures = datasets.seattle_temperatures()
print(f"{len(dates):,} days in Seattle, {dates[0]} to {dates[-1]}: "
      f"the day's highest temperature, {temperatures.min():.1f} to {temperatures.max():.1f} °C")

# %% [markdown]
# ## 1 · The question
#
# Week 01 ended with a question. The loss of a mini-batch jumps about, and so does its gradient. From a jumping series,
# how do you get the trend, with one number of memory?
#
# Here is such a loss: week 01's classifier, twenty epochs, one dot for each mini-batch. Beside it is another series
# that jumps, and one that everybody has a feeling for: the weather.

# %%
digits = datasets.digits()
X, y = digits.X_train, digits.y_train
network = networks.SoftmaxRegression(64, 10)
descent = optimizers.SGD(network.params, lr=0.5)
rng = np.random.default_rng(0)
batch_losses = []
for epoch in range(20):
    for X_batch, y_batch in minibatch.iterate_minibatches(X, y, batch_size=64, rng=rng):
        loss, gradient = network.loss_and_gradient(X_batch, y_batch)
        batch_losses.append(loss)
        descent.step(gradient)
batch_losses = np.array(batch_losses)

figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.3))
left.plot(batch_losses, ".", color="#888888", markersize=4)
left.set(xlabel="updates", ylabel="loss of the mini-batch", ylim=(0, 0.8), title="a training run")
right.plot(dates, temperatures, ".", color="#888888", markersize=3)
right.set(ylabel="°C", title="Seattle")
right.set_xticks(np.arange("2012", "2017", dtype="datetime64[Y]"), range(2012, 2017))
plotting.show(
    figure,
    "Two jumping series. Left, the losses of 460 mini-batches: a cloud of dots that starts "
    "above the frame, is down to 0.8 after 35 updates, and at the end scatters between 0.1 "
    "and 0.35. Right, four years of daily temperatures: four "
    "waves between 5 and 30 degrees with a scatter of several degrees.",
)

# %% [markdown]
# You see a trend in both, without effort. How would a program?
#
# The obvious way is the mean of the last ten values, say. But then it must *keep* the last ten values, because
# tomorrow the oldest of them has to leave. For temperatures, who cares. For the gradient of a network with 10 million
# parameters (40 MB in float32), ten of them take 400 MB, and a hundred take 4 GB.
#
# > **This week's question.** How do you follow a trend when you may remember *one* number, and no history?

# %% [markdown]
# ## 2 · The idea
#
# Remember only the average so far, $v$. When a new value $\theta_t$ comes in, move $v$ a fraction of the way towards
# it:
#
# $$v_t = v_{t-1} + (1-\beta)\,(\theta_t - v_{t-1}).$$
#
# Multiply out, and you have the form in which it is usually written:
#
# $$\boxed{\ v_t = \beta\, v_{t-1} + (1-\beta)\,\theta_t,\qquad v_0 = 0\ }$$
#
# - $\theta_t$ is the value of step $t = 1, 2, \dots$: a number, or an array, of which every entry is averaged by
#   itself;
# - $v_t$ has the same shape and is the **exponentially weighted average** (EMA; the M is for *moving*);
# - $\beta$, a number in $[0, 1)$, is the share of the old average that is kept. With $\beta = 0$ nothing is kept and
#   $v_t = \theta_t$.
#
# That is all. One number is remembered, one line is computed.
#
# *Other names.* Papers write $m$ or $v$ for the average of gradients, PyTorch's optimizers call it `exp_avg`. Some
# libraries name the other share: `alpha` in pandas and `momentum` in PyTorch's batch normalisation are $1-\beta$.

# %% [markdown]
# ### Exercise 1 · `ema` (4 points)

# %% nbgrader={"grade": false, "grade_id": "ema", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ema(theta, *, beta):
    """Exponentially weighted average of a series, started at v_0 = 0.

    Parameters
    ----------
    theta : ndarray of shape (T,)
        The values theta_1 … theta_T, T >= 1; whole numbers or decimals. Must not be changed.
    beta : float, 0 <= beta < 1
        Share of the old average that is kept.

    Returns
    -------
    ndarray of shape (T,)
        v_1 … v_T; for whole numbers, too, averages with their decimals.

    Examples
    --------
    >>> ema(np.array([8.0, 0.0, 16.0]), beta=0.75).tolist()
    [2.0, 1.5, 5.125]
    """
    ### BEGIN SOLUTION
    averages = np.zeros(len(theta))
    v = 0.0
    for t, value in enumerate(theta):
        v = beta * v + (1 - beta) * value
        averages[t] = v
    return averages
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_ema", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(ema)
### BEGIN HIDDEN TESTS
check(ema, seed=20120)
### END HIDDEN TESTS

# %% [markdown]
# ## 3 · Predict, then run
#
# Three values of $\beta$ on the same temperatures: 0.5, 0.9 and 0.98. What happens when you go from 0.9 to 0.98?
#
# - `"a"`: the curve becomes smoother, and is otherwise where it was
# - `"b"`: the curve becomes smoother, and it comes late: it turns weeks after the weather does
# - `"c"`: the curve becomes rougher, because every jump stays in it for longer

# %% nbgrader={"grade": false, "grade_id": "prediction_larger_beta", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_larger_beta = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_larger_beta = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_larger_beta", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_larger_beta=prediction_larger_beta)

# %%
average = plug_in(ema)
curves = {beta: average(temperatures, beta=beta) for beta in (0.5, 0.9, 0.98)}

# %% [markdown]
# Drawn over the days of 17 months:

# %% jupyter={"source_hidden": true}
shown = (dates >= np.datetime64("2014-07-01")) & (dates < np.datetime64("2015-12-01"))
figure, ax = plt.subplots(figsize=(8.4, 4))
ax.plot(dates[shown], temperatures[shown], ".", color="#999999", markersize=4, label="each day")
widths = {0.5: 1.0, 0.9: 2.2, 0.98: 2.8}
for index, (beta, v) in enumerate(curves.items()):
    name = f"beta = {beta}"
    line = {"linewidth": widths[beta]}
    plotting.lines(ax, {name: (dates[shown], v[shown])}, first=index, **line)
months = np.arange("2014-07", "2016-01", 3, dtype="datetime64[M]")
ax.set_xticks(months, [str(month) for month in months])
ax.set(ylabel="°C", ylim=(0, 37))
ax.legend(loc="upper center", ncols=4, columnspacing=1.2)
plotting.show(
    figure,
    "Daily temperatures from July 2014 to November 2015 with three averages. Beta 0.5 "
    "follows nearly every jump. Beta 0.9 is a smooth line through the dots, a little late. "
    "Beta 0.98 is very smooth, and reaches its low and its high weeks later, and less far.",
)

# %%
settle(prediction_larger_beta=prediction_larger_beta)

# %% [markdown]
# This figure is the first thing to remember from this week. What is gained and what is lost can be put into numbers,
# on the last three years:
#
# - **noise**: by how many degrees does the curve change from one day to the next (root of the mean square)?
# - **lag**: by how many days does its yearly wave come late? We fit a wave of period 365.25 days to the curve and to
#   the temperatures, and compare their phases. The ratio of their heights says how much of the summer is left.

# %%
def yearly_wave(curve):
    """Return the complex amplitude of the wave of one year's period in the last three years."""
    last = curve[-3 * 365 :]
    return np.mean((last - last.mean()) * np.exp(-2j * np.pi * np.arange(len(last)) / 365.25))


def noise_and_lag(curve):
    """Return the typical daily change, the lag in days and the height of the yearly wave."""
    ratio = yearly_wave(curve) / yearly_wave(temperatures)
    noise = np.sqrt(np.mean(np.diff(curve[-3 * 365 :]) ** 2))
    return noise, -np.angle(ratio) / (2 * np.pi) * 365.25, abs(ratio)


for beta in (0.5, 0.9, 0.98):
    noise, lag, height = noise_and_lag(averages.ema(temperatures, beta=beta))
    print(f"beta = {beta:4}: changes by {noise:.2f} °C a day, {lag:4.1f} days late, "
          f"{height:4.0%} of the wave left")
bare = noise_and_lag(temperatures)[0]
print(f"the temperatures themselves change by {bare:.2f} °C a day")

# %% [markdown]
# Now for eleven $\beta$. Every dot is one of them:

# %% jupyter={"source_hidden": true}
some_betas = [0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97]
points = np.array([noise_and_lag(averages.ema(temperatures, beta=b))[:2] for b in some_betas])

figure, ax = plt.subplots(figsize=(6.4, 3.6))
ax.plot(points[:, 1], points[:, 0], "o-", color=plotting.COLOURS[0])
for beta, (noise, lag) in zip(some_betas, points):
    ax.annotate(f"{beta:g}", (lag, noise), xytext=(5, 4), textcoords="offset points", fontsize=10)
ax.fill_between([0, 5], 0, 0.6, color=plotting.COLOURS[2], alpha=0.25)
ax.text(0.2, 0.2, "the goal", color="#00664a")
ax.set(xlabel="lag, in days", ylabel="change from day to day, in °C", ylim=(0, 3.2))
plotting.show(
    figure,
    "Noise against lag, one dot for each beta from 0 to 0.97. The dots lie on one falling "
    "curve: less noise costs more lag. The goal, under 0.6 degrees at under 5 days, is a "
    "corner that the curve just crosses between beta 0.8 and 0.85.",
)

# %% [markdown]
# Along the whole curve, less noise costs more lag. There is no free lunch on it, only a place that you choose.
#
# **Choose one.** A gardener wants a curve that changes by less than 0.6 °C from day to day and is less than 5 days
# late. Which $\beta$ can do it? (Move the slider, if your notebook shows one. The figure above gives the answer, too.)

# %% tags=["nbval-ignore-output"] jupyter={"source_hidden": true}
def look(beta):
    """Draw the year 2015 with one average; return the figure as PNG, and what the gardener says."""
    v = averages.ema(temperatures, beta=beta)
    noise, lag, _ = noise_and_lag(v)
    figure, ax = plt.subplots(figsize=(6.4, 2.4))
    ax.plot(dates[-365:], temperatures[-365:], ".", color="#999999", markersize=3)
    ax.plot(dates[-365:], v[-365:], "-", color=plotting.COLOURS[0])
    ax.set(xticks=[], ylabel="°C in 2015")
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=100)
    plt.close(figure)
    content = "content!" if noise < 0.6 and lag < 5 else "not yet"
    return png.getvalue(), f"{noise:.2f} °C a day, {lag:.1f} days late: {content}"


if find_spec("ipywidgets"):
    from IPython.display import display
    from ipywidgets import FloatSlider, Image, Label, VBox

    slider = FloatSlider(0.5, min=0, max=0.98, step=0.01, description="beta", continuous_update=False)
    picture, says = Image(), Label()

    def move(change):
        picture.value, says.value = look(slider.value)

    slider.observe(move, "value")
    move(None)
    display(VBox([slider, says, picture]))
else:
    print(look(0.5)[1])

# %% [markdown]
# ## 4 · What the average is made of
#
# Which days does $v_t$ hold, and how much of each? Put the formula into itself:
#
# $$\begin{aligned}
# v_t &= (1-\beta)\,\theta_t + \beta\, v_{t-1}\\
#     &= (1-\beta)\,\theta_t + \beta\big[(1-\beta)\,\theta_{t-1} + \beta\, v_{t-2}\big]\\
#     &= (1-\beta)\,\theta_t + (1-\beta)\,\beta\,\theta_{t-1} + \beta^2 v_{t-2} = \dots
# \end{aligned}$$
#
# A value enters with weight $1-\beta$. Each day that passes multiplies its weight by $\beta$. After $t$ steps the
# start $v_0$ is left with $\beta^t$, and
#
# $$v_t = \beta^t v_0 + \sum_{k=0}^{t-1} (1-\beta)\,\beta^k\;\theta_{t-k} .$$
#
# *Proof by induction.* For $t=1$ this is the definition. If it holds for $t-1$, multiply by $\beta$: each exponent
# grows by one, and the sum becomes $\sum_{k=1}^{t-1}(1-\beta)\beta^k\theta_{t-k}$. Adding $(1-\beta)\theta_t$, the
# term with $k=0$, gives the formula for $t$. ∎
#
# The number $k$ is the **age** of a value, in days. **What do the weights add up to?** It is a geometric series:
#
# $$(1-\beta)\sum_{k=0}^{t-1}\beta^k = (1-\beta)\cdot\frac{1-\beta^t}{1-\beta} = 1-\beta^t .$$
#
# Not to 1! For large $t$ the rest $\beta^t$ is next to nothing. At the beginning, with a $\beta$ near 1, it is nearly
# everything: keep that in mind for week 03.

# %% [markdown]
# ### Exercise 2 · `ema_weights` (3 points)

# %% nbgrader={"grade": false, "grade_id": "ema_weights", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ema_weights(t, *, beta):
    """Weights that the values theta_1 … theta_t have in the average v_t.

    Parameters
    ----------
    t : int
        Number of values, at least 1.
    beta : float, 0 <= beta < 1
        Share of the old average that is kept. With 0, the newest value has all the weight.

    Returns
    -------
    ndarray of shape (t,)
        One weight per value, in the order of the values: the oldest first. So v_t is
        np.sum(ema_weights(t, beta=beta) * theta[:t]).

    Examples
    --------
    >>> ema_weights(3, beta=0.5).tolist()
    [0.125, 0.25, 0.5]
    """
    ### BEGIN SOLUTION
    age = np.arange(t - 1, -1, -1)
    return (1 - beta) * beta**age
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_ema_weights", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(ema_weights)
### BEGIN HIDDEN TESTS
check(ema_weights, seed=20121)
### END HIDDEN TESTS

# %% [markdown]
# The second picture to remember: the series above, the weights of one day's average below. Multiply each value by the
# weight under it, add up, and you have that day's $v_t$.

# %%
weights_of = plug_in(ema_weights)
today = int(np.flatnonzero(dates == np.datetime64("2015-06-30"))[0])
by_hand = np.sum(weights_of(today + 1, beta=0.9) * temperatures[: today + 1])
step_by_step = averages.ema(temperatures, beta=0.9)[today]
print(f"weights times values: {by_hand:.6f}, step by step: {step_by_step:.6f}")

# %% jupyter={"source_hidden": true}
days = slice(today - 59, today + 1)

figure, (top, middle, bottom) = plt.subplots(
    3, 1, figsize=(7.6, 5), sharex=True, height_ratios=[2, 1, 1]
)
top.plot(range(-59, 1), temperatures[days], "o-", color="#999999", markersize=4, linewidth=0.8)
for index, (beta, ax) in enumerate([(0.9, middle), (0.98, bottom)]):
    weights = weights_of(today + 1, beta=beta)
    v = np.sum(weights * temperatures[: today + 1])
    colour = plotting.COLOURS[index]
    plotting.lines(top, {f"v for beta = {beta}: {v:.1f} °C": ([-60, 1], [v, v])}, first=index)
    ax.bar(range(-59, 1), weights[-60:], color=colour, width=0.8)
    inside = weights[-60:].sum()
    ax.text(-59, 0.6 * weights.max(), f"beta = {beta}: these 60 weights\nadd up to {inside:.3f}")
    ax.set(ylabel="weight")
top.set(ylabel="°C", title="the 60 days up to 30 June 2015")
top.legend(loc="upper left")
bottom.set(xlabel="days before (0 is today)")
plotting.show(
    figure,
    "Three panels over the same 60 days. Top: temperatures that rise, up and down, from about 18 "
    "to about 30 degrees, with the two averages of the last day as lines: 27.5 degrees for beta 0.9, "
    "21.4 for 0.98. Below, the weights: for 0.9 they start at 0.1 today and are nearly nothing "
    "after 40 days; for 0.98 they start at 0.02 and are still at 0.006 after 59 days.",
)

# %% [markdown]
# ## 5 · How many days is that?
#
# "$\beta = 0.9$ averages over ten days." You will read this everywhere, with the rule $1/(1-\beta)$. But every past
# day is in the average, so what can the sentence mean? Four things, and they are four different numbers.
#
# **1. The rule of thumb, $1/(1-\beta)$.** How much of the weight lies on the last $N$ days? All but $\beta^N$, as you
# have just seen. With $\varepsilon = 1-\beta$ and $N = 1/\varepsilon$ the rest is $(1-\varepsilon)^{1/\varepsilon}$,
# and
#
# $$\ln\,(1-\varepsilon)^{1/\varepsilon} = \frac{\ln(1-\varepsilon)}{\varepsilon}
# = -1 - \frac{\varepsilon}{2} - \frac{\varepsilon^2}{3} - \dots \;\longrightarrow\; -1
# \qquad(\varepsilon\to 0).$$
#
# So for $\beta$ near 1 the rest is close to $1/e = 0.368$: the last $1/(1-\beta)$ days carry about 63 % of the weight.
# After that many days a single weight, too, has fallen to about $1/e$ of what it was.
#
# **2. The mean age.** How old is the average's content, on average? Weigh each age $k$ (for long series):
#
# $$\bar k = \sum_{k=0}^\infty (1-\beta)\,\beta^k\cdot k,\qquad\text{and}\qquad
# \sum_{k=0}^\infty k\,\beta^k = \beta\,\frac{d}{d\beta}\sum_{k=0}^\infty\beta^k
# = \beta\,\frac{d}{d\beta}\,\frac1{1-\beta} = \frac{\beta}{(1-\beta)^2}.$$
#
# The mean age is the **lag**. On a straight slope $\theta_t = a + ct$ the average is
# $\sum_k (1-\beta)\beta^k\,(a + c\,(t-k)) = a + c\,(t-\bar k)$: exactly the value of $\bar k$ days ago.
#
# **3. Equal noise.** Let the values be independent, each with variance $\sigma^2$. Variances of independent terms add
# up, with their weights squared:
#
# $$\operatorname{Var}(v) = \sigma^2\sum_{k=0}^\infty (1-\beta)^2\,\beta^{2k}
# = \sigma^2\,\frac{(1-\beta)^2}{1-\beta^2} = \sigma^2\,\frac{1-\beta}{1+\beta} .$$
#
# The plain mean of $N$ such values has variance $\sigma^2/N$. For one $N$ the two are equal.
#
# **4. The half-life**: the age $h$ at which a weight has halved, $\beta^h = \tfrac12$.

# %% [markdown]
# **Predict.** With $\beta = 0.9$ and independent values, the average is as noisy as the plain mean of how many values?
#
# - `"a"`: 5
# - `"b"`: 10
# - `"c"`: 19
# - `"d"`: 100

# %% nbgrader={"grade": false, "grade_id": "prediction_equal_noise", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_equal_noise = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
prediction_equal_noise = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_equal_noise", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_equal_noise=prediction_equal_noise)

# %% [markdown]
# ### Exercise 3 · `effective_window` (4 points)
#
# Finish the four calculations.

# %% nbgrader={"grade": false, "grade_id": "effective_window", "locked": false, "schema_version": 3, "solution": true, "task": false}
def effective_window(beta, kind):
    """Over how many values an average with beta "goes", in one of four senses.

    Parameters
    ----------
    beta : float or ndarray of any shape, 0 < beta < 1
        Must not be changed.
    kind : str
        One of four.
        "rule": the rule of thumb.
        "mean age": the weighted mean of the ages; the newest value has age 0.
        "equal noise": so many independent values have a plain mean as noisy as this average.
        "half-life": the age at which a weight has halved; not rounded.

    Returns
    -------
    float, or ndarray of the shape of beta

    Examples
    --------
    >>> float(effective_window(0.75, "rule"))
    4.0
    >>> effective_window(np.array([0.5, 0.25]), "half-life").tolist()
    [1.0, 0.5]
    """
    ### BEGIN SOLUTION
    if kind == "rule":
        return 1 / (1 - beta)
    if kind == "mean age":
        return beta / (1 - beta)
    if kind == "equal noise":
        return (1 + beta) / (1 - beta)
    return np.log(0.5) / np.log(beta)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_effective_window", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(effective_window)
### BEGIN HIDDEN TESTS
check(effective_window, seed=20122)
### END HIDDEN TESTS

# %%
window = plug_in(effective_window)
kinds = ["rule", "mean age", "equal noise", "half-life"]
print("beta   " + "".join(f"{kind:>13}" for kind in kinds) + "   weight of the last 1/(1-beta)")
for beta in (0.5, 0.8, 0.9, 0.98, 0.999):
    numbers = "".join(f"{window(beta, kind):13.1f}" for kind in kinds)
    print(f"{beta:<7}{numbers}{1 - beta ** (1 / (1 - beta)):14.1%}")

# %% [markdown]
# And does the noise really behave like that? We average 100,000 independent random numbers, once with $\beta = 0.9$
# and then with plain windows of several lengths, and compare the variances of the results:

# %%
random_values = np.random.default_rng(1).normal(size=100_000)
variance = np.var(averages.ema(random_values, beta=0.9)[200:])
print(f"EMA with beta = 0.9: variance {variance:.3f}")
for N in (5, 10, 19, 100):
    means = np.convolve(random_values, np.full(N, 1 / N), mode="valid")
    print(f"mean of the last {N:3}: variance {np.var(means):.3f}")

# %%
settle(prediction_equal_noise=prediction_equal_noise)

# %% [markdown]
# So which number is right? Ask what you want to know. *How late* is the curve: the mean age, 9 days for $\beta = 0.9$.
# *How smooth* is it: as smooth as a mean of 19 values. *How long* does an outlier haunt it: count half-lives, 6.6 days
# each. "About ten days" is exact for the rule of thumb alone; the other three lie between 6.6 and 19.
#
# Look back at section 3: the measured lags, 1.0 and 8.9 days, are close to the mean ages 1 and 9. For $\beta = 0.98$ it
# was 40.5 days, less than 49, because a year is no straight slope for an average that reaches back over a season. There
# the wave also lost a quarter of its height.

# %% [markdown]
# ## 6 · Many series at once
#
# An optimizer averages every entry of a gradient, millions of series side by side. The line of code stays the same:
# $v$ and $\theta_t$ become arrays. In this exercise you also try several $\beta$ at once.

# %% [markdown]
# ### Exercise 4 · `ema_many` (4 points)
#
# One loop over the days is enough. Let broadcasting do the rest.

# %% nbgrader={"grade": false, "grade_id": "ema_many", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ema_many(theta, *, betas):
    """Exponentially weighted averages of n series for k values of beta, all started at 0.

    Parameters
    ----------
    theta : ndarray of float, shape (T, n)
        One series per column, one day per row. Must not be changed.
    betas : ndarray of float, shape (k,)
        Each 0 <= beta < 1, in any order. Every beta is used for every series. Must not be changed.

    Returns
    -------
    ndarray of shape (k, T, n)
        For each beta, in the order of betas, the table of averages, of the shape of theta. T, n and k may be 1, T in
        the hundreds, too.

    Examples
    --------
    >>> theta = np.array([[8.0, 4.0], [0.0, 4.0]])
    >>> ema_many(theta, betas=np.array([0.5, 0.75])).tolist()
    [[[4.0, 2.0], [2.0, 3.0]], [[2.0, 1.0], [1.5, 1.75]]]
    """
    ### BEGIN SOLUTION
    T, n = theta.shape
    averages = np.zeros((len(betas), T, n))
    v = np.zeros((len(betas), n))
    beta = betas[:, None]
    for t in range(T):
        v = beta * v + (1 - beta) * theta[t]
        averages[:, t] = v
    return averages
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_ema_many", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(ema_many)
### BEGIN HIDDEN TESTS
check(ema_many, seed=20123)
### END HIDDEN TESTS

# %% [markdown]
# Now the series that this course is about. Take week 01's classifier after training, hold its parameters fixed, and
# draw the gradient of one random mini-batch of 64 after another: 650 jumping series. Week 01 measured how far such a
# gradient lies from the full one. How far does the *average* of the gradients lie from it?

# %%
average_many = plug_in(ema_many)
full_gradient = network.loss_and_gradient(X, y)[1].copy()
rng = np.random.default_rng(2)


def random_gradient():
    rows = rng.choice(len(X), 64, replace=False)
    return network.loss_and_gradient(X[rows], y[rows])[1].copy()


gradients = np.array([random_gradient() for _ in range(2000)])
some = np.array([0.5, 0.8, 0.9, 0.95, 0.98])
averaged = average_many(gradients, betas=some)[:, 500:]
single = np.mean(np.sum((gradients - full_gradient) ** 2, axis=1))
noise = np.mean(np.sum((averaged - full_gradient) ** 2, axis=2), axis=1)
for beta, ratio in zip(some, noise / single):
    theory = (1 - beta) / (1 + beta)
    print(f"beta = {beta:4}: mean squared distance {ratio:.2f} of a single gradient's, "
          f"theory {theory:.2f}; like a batch of {64 / theory:5,.0f}")

# %% [markdown]
# With $\beta = 0.9$, the average of the gradients of 64 images each is as good as the gradient of a batch 19 times as
# large (drawn from a collection much larger than ours), at the price of 64. That looks like a gift, and here it is one,
# because the parameters were held fixed. During training they move, and then the average is late. What that does to a
# descent is the subject of week 04.

# %% [markdown]
# **A trap.** Could we do without the loop? Unrolled, the sum is
# $v_t = (1-\beta)\,\beta^t\sum_{i\le t}\beta^{-i}\,\theta_i$, and NumPy has `cumsum` for the running sum. On paper
# this is the same number. Run it:

# %%
t = np.arange(1, len(temperatures) + 1)
with np.errstate(over="ignore", invalid="ignore"):
    closed = (1 - 0.5) * 0.5**t * np.cumsum(temperatures * 0.5**-t)
loop = averages.ema(temperatures, beta=0.5)
print("day 1,000: closed form", closed[999].round(4), " recurrence", loop[999].round(4))
print("day 1,030: closed form", closed[1029], "    recurrence", loop[1029].round(4))
broken = int(np.flatnonzero(~np.isfinite(closed))[0]) + 1
print(f"not finite from day {broken:,} on: the sum has passed the largest float64, "
      f"{np.finfo(float).max:.1e}")

# %% [markdown]
# Large times tiny is exact on paper and overflows in floating point. The recurrence never sees a number larger than
# its data. That is a reason of its own to write it as one. The course's `averages.ema` runs the same recurrence in
# compiled code (Numba's, or else `scipy.signal.lfilter`), over one or many series and one or many $\beta$. The two,
# side by side:

# %% tags=["nbval-ignore-output"]
long_series = np.random.default_rng(3).normal(size=200_000)
for name, function in [("the loop in Python", average), ("course_lib", averages.ema)]:
    start = perf_counter()
    function(long_series, beta=0.9)
    print(f"{name:18}: {1e3 * (perf_counter() - start):7.1f} ms for 200,000 values")

# %% [markdown]
# ## 7 · Choosing beta
#
# Noise or lag: what is the right compromise? Let the data decide. An average that follows the trend well should be
# good at *forecasting*. So use $v_t$, all that is known on day $t$, as the forecast for $\theta_{t+1}$, and choose the
# $\beta$ whose forecasts miss by the smallest mean square.
#
# Note the index. $v_t$ must not be compared with $\theta_t$, which it already contains.
#
# **Predict.** Which $\beta$ forecasts tomorrow's temperature best?
#
# - `"a"`: about 0.98, because it removes the most noise
# - `"b"`: about 0.9, the usual compromise
# - `"c"`: below 0.3, hardly any averaging at all

# %% nbgrader={"grade": false, "grade_id": "prediction_forecast", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_forecast = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_forecast = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_forecast", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_forecast=prediction_forecast)

# %% [markdown]
# ### Exercise 5 · `best_beta` (4 points)
#
# Take the averages from the course: `course_ema(theta, beta=beta)` is exercise 1 for a float series. There are
# $T-1$ forecasts, $v_1$ for $\theta_2$ up to $v_{T-1}$ for $\theta_T$. The first few suffer from the start at 0, so the
# first `skip` of them are left out.

# %% nbgrader={"grade": false, "grade_id": "best_beta", "locked": false, "schema_version": 3, "solution": true, "task": false}
from course_lib.averages import ema as course_ema


def best_beta(theta, *, betas, skip):
    """Choose the beta whose average forecasts the next value best.

    Parameters
    ----------
    theta : ndarray of float, shape (T,)
        The whole series is averaged, from its first value on; T >= 2. Must not be changed.
    betas : ndarray of float, shape (k,)
        Candidates, 0 <= beta < 1, in any order; one may come twice. Must not be changed.
    skip : int, 0 <= skip <= T - 2
        How many of the T - 1 forecasts are left out, at the beginning.

    Returns
    -------
    beta : float
        The candidate with the smallest error; on a tie, any that has it.
    errors : ndarray of shape (k,)
        Mean squared error of each candidate's forecasts, in the order of betas.

    Examples
    --------
    >>> beta, errors = best_beta(np.array([4.0, 4.0, 4.0]), betas=np.array([0.0, 0.5]), skip=0)
    >>> float(beta), errors.tolist()
    (0.0, [0.0, 2.5])
    """
    ### BEGIN SOLUTION
    errors = np.zeros(len(betas))
    for i, beta in enumerate(betas):
        forecasts = course_ema(theta, beta=beta)[:-1]
        misses = theta[1:] - forecasts
        errors[i] = np.mean(misses[skip:] ** 2)
    return betas[np.argmin(errors)], errors
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_best_beta", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(best_beta)
### BEGIN HIDDEN TESTS
check(best_beta, seed=20124)
### END HIDDEN TESTS

# %% [markdown]
# For the temperatures and for the mini-batches' losses of section 1 (a typical miss is the root of the mean square):

# %%
choose = plug_in(best_beta)
candidates = np.arange(0, 1, 0.01)
panels = [
    ("tomorrow's temperature", temperatures, "in °C"),
    ("the next mini-batch's loss", batch_losses, ""),
]
chosen = [choose(values, betas=candidates, skip=100) for name, values, unit in panels]
for (name, values, unit), (beta, errors) in zip(panels, chosen):
    marks = (0.0, 0.5, 0.9, 0.98)
    misses = ", ".join(f"{np.sqrt(errors[round(100 * b)]):.2g} at {b}" for b in marks)
    print(f"{name}: best beta {beta:.1f}\n    typical miss {misses}")

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.3))
for ax, (name, values, unit), (beta, errors) in zip(axes, panels, chosen):
    plotting.lines(ax, {"": (candidates, np.sqrt(errors))})
    ax.plot(beta, np.sqrt(errors.min()), "o", color=plotting.COLOURS[1], markersize=8)
    top = 2 * np.sqrt(errors[0])
    ax.set(title=name, xlabel="beta", ylabel=f"typical miss {unit}", ylim=(0, top))
plotting.show(
    figure,
    "The typical forecast error against beta, two panels. For temperatures it is flat and "
    "lowest near beta 0.1, and rises steeply from 0.9 on. For the mini-batch loss it falls "
    "up to beta 0.9 and then rises.",
)

# %%
settle(prediction_forecast=prediction_forecast)

# %% [markdown]
# Two series, two answers, and both make sense.
#
# - What looks like noise in a **temperature** mostly lasts: when today is five degrees above the season, tomorrow will
#   most likely be above it, too. Forgetting that in order to be smooth throws knowledge away. The best $\beta$ is about
#   0.1, and even the bare value of today is nearly as good.
# - The **loss of a mini-batch** is a slow trend plus a draw of 64 images that says nothing about the next draw. There
#   averaging pays, and the best $\beta$ is about 0.9.
#
# That is the rule behind all choices of $\beta$: much noise and a slow trend ask for a large one, little noise and a
# fast trend for a small one. (For a random walk seen through noise, the best $\beta$ depends on the ratio of the two
# variances alone: Muth, 1960.) And mind the question that you ask. The best curve for *forecasting tomorrow* need not be
# the best curve for *seeing the season*.

# %% [markdown]
# ## 8 · Claims to test
#
# As in week 01: run the experiment, then decide `"true"`, `"false"` or `"depends"`.
#
# **Claim 1.** *"$(1-\varepsilon)^{1/\varepsilon} = 1/e$; for instance $0.9^{10} = 1/e$."*

# %%
for epsilon in (0.5, 0.1, 0.02, 0.001):
    rest = (1 - epsilon) ** (1 / epsilon)
    off = rest / np.exp(-1) - 1
    print(f"epsilon {epsilon:5}: {rest:.4f}, which is {off:+.1%} off 1/e = {np.exp(-1):.4f}")

# %% nbgrader={"grade": false, "grade_id": "claim_one_over_e", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_one_over_e = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_one_over_e = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_one_over_e", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_one_over_e=claim_one_over_e)

# %% [markdown]
# **Claim 2.** *"$\beta = 0.98$ gives a better average than 0.9, because it uses more days."* To judge, one must know
# the truth. So here are made-up temperatures: a known yearly wave plus random noise, and how far the two averages lie
# from the wave (root of the mean square):

# %%
rng = np.random.default_rng(4)
day = np.arange(3650)
print("wave, noise (°C)   beta = 0.9   beta = 0.98   (typical distance from the truth)")
for wave_height, noise_size in [(9, 3), (9, 30), (0, 3)]:
    truth = 16 + wave_height * np.cos(2 * np.pi * day / 365.25)
    seen = truth + noise_size * rng.normal(size=len(day))
    for_both = [averages.ema(seen, beta=beta) for beta in (0.9, 0.98)]
    small, large = (np.sqrt(np.mean((v - truth)[500:] ** 2)) for v in for_both)
    print(f"{wave_height:4}, {noise_size:4} {small:16.1f} {large:13.1f}")

# %% nbgrader={"grade": false, "grade_id": "claim_more_days", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_more_days = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_more_days = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_more_days", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_more_days=claim_more_days)

# %% [markdown]
# **Claim 3.** *"With $\beta = 0.9$, $v_t$ is the mean of the last ten values."* Compare the two: on one hot day in a
# row of days at 0 °C, and on all the temperatures.

# %%
hot_day = np.zeros(60)
hot_day[10] = 10.0
ten_days = np.full(10, 0.1)
window_mean = np.convolve(hot_day, ten_days)[:60]
v = averages.ema(hot_day, beta=0.9)
figure, ax = plt.subplots(figsize=(6.4, 3))
plotting.lines(ax, {"mean of the last ten": (range(60), window_mean)}, marker=".", linewidth=1)
plotting.lines(ax, {"EMA, beta = 0.9": (range(60), v)}, first=1, marker="x", markersize=4)
ax.set(xlabel="day (one day at 10 °C: day 10)", ylabel="°C")
ax.legend()
plotting.show(
    figure,
    "The answer of two averages to a single hot day. The mean of ten jumps to 1 degree, "
    "stays there for ten days and drops to 0. The exponentially weighted average jumps to 1 "
    "degree and fades away, with a third left after ten days and a tenth after twenty-two.",
)
gap = averages.ema(temperatures, beta=0.9)[100:] - np.convolve(temperatures, ten_days)[100:1461]
print(f"on the temperatures they differ by up to {np.abs(gap).max():.1f} °C")

# %% nbgrader={"grade": false, "grade_id": "claim_plain_mean", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_plain_mean = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_plain_mean = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_plain_mean", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_plain_mean=claim_plain_mean)

# %% [markdown]
# **Claim 4.** *"However far back an EMA reaches, it needs one number of memory per series."* Below, the average is
# saved in the middle of the series, everything else is thrown away, and it goes on from the saved number:

# %%
for beta in (0.5, 0.98, 0.999):
    saved = averages.ema(temperatures[:700], beta=beta)[-1]
    resumed = averages.ema(temperatures[700:], beta=beta, initial=saved)
    whole = averages.ema(temperatures, beta=beta)[700:]
    print(f"beta = {beta:5}: largest difference {np.abs(resumed - whole).max():.6f} °C")

# %% nbgrader={"grade": false, "grade_id": "claim_one_number", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_one_number = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_one_number = "true"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_one_number", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_one_number=claim_one_number)

# %% [markdown]
# ## 9 · Quiz
#
# **1.** With $\beta = 0.8$, which weight does the value of two days ago have in today's average?
#
# - `"a"` 0.64
# - `"b"` 0.16
# - `"c"` 0.128
# - `"d"` 0.032

# %% nbgrader={"grade": false, "grade_id": "quiz_weight_by_age", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_weight_by_age = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_weight_by_age = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_weight_by_age", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_weight_by_age=quiz_weight_by_age)

# %% [markdown]
# **2.** A series was 0 for a long time; from day 1 on it is 10. With $\beta = 0.9$, on which day does the average first
# exceed 5?
#
# - `"a"` day 1
# - `"b"` day 5
# - `"c"` day 7
# - `"d"` day 10

# %% nbgrader={"grade": false, "grade_id": "quiz_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_step = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_step = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_step", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_step=quiz_step)

# %% [markdown]
# **3.** The values are independent and their mean does not change. You want *half the variance* that $\beta = 0.9$
# leaves. Take $\beta$ about
#
# - `"a"` 0.45
# - `"b"` 0.81
# - `"c"` 0.93
# - `"d"` 0.95

# %% nbgrader={"grade": false, "grade_id": "quiz_half_variance", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_half_variance = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_half_variance = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_half_variance", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_half_variance=quiz_half_variance)

# %% [markdown]
# **4.** In PyTorch, `BatchNorm1d(momentum=0.1)` keeps a running mean by
# `running = (1 - momentum) * running + momentum * new`. Which $\beta$ is that?
#
# - `"a"` 0.1
# - `"b"` 0.9
# - `"c"` 10
# - `"d"` None: it is no exponentially weighted average

# %% nbgrader={"grade": false, "grade_id": "quiz_other_name", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_other_name = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_other_name = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_other_name", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_other_name=quiz_other_name)

# %% [markdown]
# ## 10 · In your own words (4 points)
#
# A colleague watches a training run through an EMA of the mini-batch loss, with $\beta = 0.999$. *"I lowered the
# learning rate 200 updates ago"*, she says, *"and the curve has hardly moved. So it made no difference."*
#
# Answer in five to eight sentences. One point for each of these:
#
# 1. what her curve is made of, with a number for its lag or for the weight of the last 200 updates;
# 2. why she chose such a $\beta$, that is, what it does to the noise, with a number;
# 3. a better $\beta$ for her question, or a way to find one;
# 4. what she could plot so that readers see both the trend and what was smoothed away.
#
# If you learn on your own: write it, sleep on it, then give yourself the points.

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection_week02", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A model answer.* Your curve mixes each new loss in with a weight of 0.001, so it is about 1,000 updates late: the mean
# age of what it shows is 999 updates. The last 200 updates together have a weight of only $1 - 0.999^{200} = 18\,\%$;
# 82 % of the curve is still the time before your change. Had the loss dropped to half at once, the curve would have
# gone down by a mere 9 %. I see why you like it: it is as smooth as a plain mean of 1,999 losses, so the noise of single
# mini-batches is smaller by a factor of about 45. But your question is about the last 200 updates, so the memory must be
# shorter than that. I would take $\beta = 0.95$ to 0.98 (19 to 49 updates late), or choose the $\beta$ that
# best forecasts the next mini-batch's loss. Then plot the raw losses as faint dots behind the curve, and say which
# $\beta$ it has; or simply compare the plain means of the 200 losses before and the 200 after the change.

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | Update | $v_t = \beta v_{t-1} + (1-\beta)\,\theta_t$, from $v_0 = 0$ |
# | Weights | age $k$ has $(1-\beta)\beta^k$; together $1-\beta^t$ |
# | Rule of thumb | $1/(1-\beta)$ values carry 63 to 65 % of the weight ($\beta \ge 0.9$) |
# | Lag | $\beta/(1-\beta)$, the mean age |
# | Noise | variance times $(1-\beta)/(1+\beta)$; as a mean of $(1+\beta)/(1-\beta)$ values |
# | Half-life | $\ln\frac12/\ln\beta$ |
# | Usual values | 0.9 for gradients, 0.999 for their squares, 0.9 to 0.99 for a loss curve |
#
# **Pitfalls.** $\beta$ and $1-\beta$ swapped, also between libraries · $(1-\beta)$ forgotten · a smooth curve taken for
# a recent one · $v_t$ judged against $\theta_t$, which it contains · powers $\beta^{-t}$ in a closed form · an array of
# integers for the result.
#
# **Sources.** Roberts (1959), *Control chart tests based on geometric moving averages* · Brown (1959), *Statistical
# forecasting for inventory control* · Muth (1960), *Optimal properties of exponentially weighted forecasts* · data:
# US National Oceanic and Atmospheric Administration, Seattle 2012 to 2015, from the package vega_datasets.
#
# **Next week's question.** An average that starts at 0 believes for weeks that Seattle is freezing. In this week we
# looked away, with `skip`. Can you repair the first days, and still remember next to nothing?
# [Week 03 · Bias correction](../week03_bias_correction/week03_bias_correction.ipynb)
