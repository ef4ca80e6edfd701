# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: Momentum
#     minutes: 120
#     builds_on: [week03_bias_correction]
# ---

# %% [markdown]
# # Week 04 · Momentum
#
# Weeks 02 and 03 made you a tool: a running average that keeps the trend of a jumping series, with one number of
# memory. This week you point it at gradients.
#
# By the end you can
#
# - write momentum for a whole network, and say what its two lines do in a ravine;
# - convert a learning rate between the two forms that papers and libraries use, without guessing;
# - predict from the curvature alone whether a descent crawls, swings or explodes, and how fast it converges;
# - say when momentum helps a great deal, when it does nothing, and when it harms.
#
# You need: the exponentially weighted average (week 02) and its bias (week 03); eigenvalues of a $2\times2$
# matrix. Time: about 120 minutes. Points: 30, and 4 more for a written answer.

# %%
import io
from importlib.util import find_spec
from time import perf_counter

import numpy as np
import matplotlib.pyplot as plt

from course_lib import datasets, landscapes, networks, optimizers, plotting, training
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()

# %% [markdown]
# ## 1 · The question
#
# Here is a loss with two parameters: a long, narrow valley. Along it the curvature is 1, across it 100. Gradient
# descent starts on the slope and should go to the dot. Two learning rates, 60 steps each:

# %%
valley = landscapes.ravine(flat=1, steep=100)
window = (-2.3, 0.5, -1.2, 1.2)


def distance(path):
    """Return the distance from the minimum after each step."""
    return np.hypot(path[:, 0], path[:, 1])


figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.4), sharey=True)
for index, (ax, lr) in enumerate(zip(axes, (0.019, 0.005))):
    walk = landscapes.descend(valley, lambda w: optimizers.SGD(w, lr=lr), steps=60)
    plotting.contours(ax, valley.value, window)
    plotting.path(ax, walk, label=f"lr {lr}", index=index)
    ax.plot(0, 0, "ko")
    ax.set(title=f"lr {lr}", xlabel="along the valley")
    print(f"lr {lr}: after 60 steps {abs(walk[-1, 0]):.2f} to go along the valley, "
          f"{abs(walk[-1, 1]):.3f} across it")
axes[0].set_ylabel("across")
plotting.show(
    figure,
    "Contour lines of a narrow valley with two paths of gradient descent. At rate 0.019 the "
    "path jumps from one wall to the other at each step and advances slowly. At rate 0.005 it "
    "goes straight down to the floor of the valley and then hardly moves.",
)

# %% [markdown]
# Across the valley, a step multiplies the coordinate by $1 - 100\alpha$. To keep that between $-1$ and $1$, the
# learning rate must stay below $0.02$. Along the valley, the same step multiplies by $1 - \alpha$: at least
# $0.98$. The wall dictates the rate, and the floor has to live with it.
#
# > **This week's question.** A ravine: gradient descent swings across it and crawls along it. Gradients are a
# > jumping series too. What happens if you follow their average instead?

# %% [markdown]
# ## 2 · Follow the average
#
# Look at the gradients of the left path as two series, one per coordinate, and run the average of week 02 over
# each. The figure shows both series (dots) with their averages (lines).

# %%
walk = landscapes.descend(valley, lambda w: optimizers.SGD(w, lr=0.019), steps=40)
gradients = valley.gradient(walk)
averages = [np.zeros(2)]
for gradient in gradients:
    averages.append(0.9 * averages[-1] + 0.1 * gradient)
averages = np.array(averages[1:])

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.2))
for ax, column, name in zip(axes, (1, 0), ("across the valley", "along the valley")):
    ax.plot(gradients[:, column], "o", color="#999999", markersize=4, label="gradient")
    ax.plot(averages[:, column], color=plotting.COLOURS[1], label="its average, β = 0.9")
    ax.set(title=name, xlabel="step")
axes[1].set_ylim(-2.2, 0.2)
axes[1].legend()
plotting.show(
    figure,
    "Gradients of the swinging path as two series. Across the valley they alternate between "
    "plus and minus up to 100, and their average stays close to zero. Along the valley all are "
    "between minus 2 and minus 0.9, and their average, from 0, meets them after 20 steps.",
)

# %% [markdown]
# Across the valley, plus and minus cancel: hardly anything is left of swings of $\pm100$. Along the valley all
# gradients agree, and after twenty steps the average is as large as they are. The average has found the direction
# of the valley, and nobody told it where that is.
#
# So follow it. **Gradient descent with momentum**: from $v_0 = 0$, for $t = 1, 2, \dots$
#
# $$\boxed{\ v_t = \beta\, v_{t-1} + (1-\beta)\, dw_t ,\qquad w_t = w_{t-1} - \alpha\, v_t\ }$$
#
# - $dw_t$ is the gradient at $w_{t-1}$, of the loss on the mini-batch of step $t$;
# - $v_t$ is the **velocity**. It has the shape of $w$, entry by entry its own average; $v$ costs as much memory
#   as the parameters;
# - $\alpha$ (`lr`) is the learning rate, $0 \le \beta < 1$ the weight of the past. $\beta = 0$ is gradient
#   descent.
#
# In papers $v$ is often called $m$; in PyTorch it is the `momentum_buffer`.

# %% [markdown]
# ### Exercise 1 · `momentum_step` (4 points)
#
# A network has many parameters of different shapes: matrices, biases, scales. Keep them by name in a dictionary,
# their gradients and velocities likewise. Your function makes one step for all of them.

# %% nbgrader={"grade": false, "grade_id": "momentum_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def momentum_step(params, grads, v, *, lr, beta):
    """Make one step of gradient descent with momentum, for all parameters of a network.

    No argument is changed: neither the three dictionaries nor the arrays in them.

    Parameters
    ----------
    params : dict of str to ndarray
        Parameters by name: floats, of any shapes, () too.
    grads : dict of str to ndarray
        Their gradients: the same names, in any order, and the same shapes.
    v : dict of str to ndarray
        Their velocities before the step (0 before the first), named and shaped alike.
    lr : float
        Learning rate.
    beta : float
        Weight of the past, 0 <= beta < 1. The new gradient has the weight 1 - beta.

    Returns
    -------
    params : dict of str to ndarray
        Parameters after the step.
    v : dict of str to ndarray
        Velocities after the step.

    Examples
    --------
    >>> params, v = {"w": np.array([1.0, 2.0])}, {"w": np.array([4.0, 0.0])}
    >>> grads = {"w": np.array([2.0, 8.0])}
    >>> params, v = momentum_step(params, grads, v, lr=0.1, beta=0.5)
    >>> v["w"].tolist(), params["w"].round(2).tolist()
    ([3.0, 4.0], [0.7, 1.6])
    """
    ### BEGIN SOLUTION
    new_params, new_v = {}, {}
    for name in params:
        new_v[name] = beta * v[name] + (1 - beta) * grads[name]
        new_params[name] = params[name] - lr * new_v[name]
    return new_params, new_v
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_momentum_step", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(momentum_step)
### BEGIN HIDDEN TESTS
check(momentum_step, seed=8086)
### END HIDDEN TESTS

# %% [markdown]
# ### Predict
#
# The best learning rate of plain gradient descent for this valley is $\alpha = 2/101$ (section 6 proves it).
# With it, the distance to the minimum falls below $0.001$ after 386 steps. Now keep this learning rate and
# switch on momentum with $\beta = 0.7$. How many steps?
#
# - `"a"`: about a tenth as many
# - `"b"`: about as many
# - `"c"`: about three times as many, because an average comes late

# %% nbgrader={"grade": false, "grade_id": "prediction_same_lr", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_same_lr = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_same_lr = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_same_lr", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_same_lr=prediction_same_lr)

# %%
one_step = plug_in(momentum_step)


def ride(surface, *, lr, beta, steps):
    """Run `one_step` from the surface's start; return the path."""
    params, v = {"w": surface.start}, {"w": np.zeros_like(surface.start)}
    path = [params["w"]]
    for _ in range(steps):
        params, v = one_step(params, {"w": surface.gradient(params["w"])}, v, lr=lr, beta=beta)
        path.append(params["w"])
    return np.array(path)


def steps_until(path, below):
    """Return after how many steps the distance stays below a bound, or infinity."""
    outside = np.flatnonzero(~(distance(path) < below))
    return np.inf if outside[-1] == len(path) - 1 else outside[-1] + 1


def told(steps):
    """Write a number of steps."""
    return "never" if np.isinf(steps) else f"{steps:,}"


for beta in (0, 0.7):
    walk = ride(valley, lr=2 / 101, beta=beta, steps=999)
    print(f"lr 2/101, beta {beta:3}: {told(steps_until(walk, 1e-3))} steps")

# %%
settle(prediction_same_lr=prediction_same_lr)

# %% [markdown]
# A disappointment? The average of gradients is no longer than the gradients. Along the valley, where they all
# agree, momentum at the same $\alpha$ goes at nearly the same speed. What it has gained is *calm*: across the valley
# the swings cancel. And calm can be spent. Raise the learning rate, to where gradient descent explodes:

# %%
print("steps until the distance stays below 0.001\n    lr   beta 0   beta 0.7   beta 0.9")
for lr in (2 / 101, 0.05, 0.1, 0.2):
    with np.errstate(over="ignore", invalid="ignore"):
        walks = [ride(valley, lr=lr, beta=beta, steps=999) for beta in (0, 0.7, 0.9)]
    print(f"{lr:6.3f}" + "".join(f"{told(steps_until(walk, 1e-3)):>10}" for walk in walks))

# %% [markdown]
# The first 44 steps of gradient descent at its best rate, and of momentum at a rate five times as large:

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.4), sharey=True)
for index, (ax, lr, beta) in enumerate(zip(axes, (2 / 101, 0.1), (0, 0.7))):
    walk = ride(valley, lr=lr, beta=beta, steps=44)
    plotting.contours(ax, valley.value, (-2.3, 0.5, -4, 4))
    plotting.path(ax, walk, label=f"beta {beta}", index=index)
    ax.plot(0, 0, "ko")
    name = f"momentum, beta {beta}" if beta else "gradient descent"
    ax.set(title=f"{name}, lr {lr:.2g}", xlabel="along the valley")
axes[0].set_ylabel("across")
plotting.show(
    figure,
    "The same valley, 44 steps each. Gradient descent at its best rate swings from wall to "
    "wall and is little more than half-way. Momentum at five times that rate first swings "
    "much wider, but its swings die out and it ends on the minimum.",
)

# %% [markdown]
# 44 steps instead of 386, although its first swings are wider. That is what momentum is for: **it lets you use
# a learning rate that would blow up gradient descent.** Three things need an explanation now. Why is it the
# same speed at the same rate (section 3)? How far may the rate be raised, and which $\beta$ goes with it
# (sections 5 and 6)? And why is the usual $\beta = 0.9$ *worse* than 0.7 here, at best 146 steps in the table
# against 44 (section 5's picture will show it at a glance)?

# %% [markdown]
# ## 3 · A ball with friction
#
# Write $\Delta_t = w_t - w_{t-1} = -\alpha v_t$ for the step. Put the first line of momentum into it:
#
# $$\Delta_t = \beta\,\Delta_{t-1} - \alpha(1-\beta)\, dw_t
# \quad\Longleftrightarrow\quad
# \underbrace{\Delta_t - \Delta_{t-1}}_{\text{acceleration}} =
# -\underbrace{(1-\beta)\,\Delta_{t-1}}_{\text{friction}}\; -\;
# \underbrace{\alpha(1-\beta)\,dw_t}_{\text{the slope's pull}} .$$
#
# That is Newton's law for a ball that rolls on the loss through honey. The gradient does not say where the ball
# goes; it pulls. $1-\beta$ is the friction: with the same pull and no friction, a ball in a bowl would swing for
# ever. (To see that, $\alpha$ has to grow as $\beta$ does. At $\beta = 1$ itself this form has no pull either.)
#
# **On a constant slope** $g$ the ball does not speed up for ever either. Friction and pull balance when
# $\Delta = -\alpha g$: exactly the step of gradient descent. From rest, $v_t = (1-\beta^t)\,g$ (week 03), so
#
# $$w_t = w_0 - \alpha g \sum_{k=1}^{t} (1 - \beta^k)
# = w_0 - \alpha g\,\Big(t - \beta\,\frac{1-\beta^t}{1-\beta}\Big).$$
#
# The ball ends up at the speed of gradient descent, $\beta/(1-\beta)$ steps behind it: the lag of week 02. This
# is why next to nothing was won at the same learning rate. **In a bowl**, the ball may roll past the bottom. Here are
# four balls on both, at learning rate 0.5:

# %%
def follow(curvature, *, lr, beta, steps, slope=0.0):
    """Return w after each step of momentum from w = 1 on the loss curvature/2 w^2 + slope w."""
    w, v, positions = 1.0, 0.0, [1.0]
    for _ in range(steps):
        w, v = optimizers.momentum_step(w, curvature * w + slope, v, lr=lr, beta=beta)
        positions.append(w)
    return np.array(positions)

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.4))
for ax, curvature, steps in zip(axes, (0.0, 1.0), (40, 80)):
    for index, beta in enumerate((0, 0.5, 0.9, 0.98)):
        ball = follow(curvature, lr=0.5, beta=beta, steps=steps, slope=1 - curvature)
        plotting.lines(ax, {f"beta {beta}": (range(steps + 1), ball)}, first=index)
    ax.set(xlabel="step", ylabel="w")
axes[0].set_title("constant slope")
axes[1].set_title("bowl of curvature 1")
axes[1].legend(ncols=2, loc="upper right")
axes[1].set_ylim(-1, 1.7)
plotting.show(
    figure,
    "Positions of four balls, beta 0, 0.5, 0.9 and 0.98, at learning rate 0.5. On a constant "
    "slope they start late, the later the larger beta is, and all approach the same speed. In a bowl "
    "beta 0 goes straight to the bottom, 0.5 overshoots once a little, 0.9 swings several "
    "times, and 0.98 still swings half as wide as at first after 60 steps.",
)

# %% [markdown]
# ## 4 · With the factor 1 − β, and without it
#
# The lectures keep the factor $1-\beta$: $v$ is an average of gradients. Most papers and PyTorch leave it out:
#
# | form | velocity | step | where |
# |:--|:--|:--|:--|
# | **average** | $v \leftarrow \beta v + (1-\beta)\,dw$ | $w \leftarrow w - \alpha v$ | lectures, this course |
# | **heavy ball** | $v \leftarrow \beta v + dw$ | $w \leftarrow w - \alpha v$ | PyTorch's `SGD(momentum=β)` |
# | **rate inside** | $v \leftarrow \beta v - \alpha\,dw$ | $w \leftarrow w + v$ | Keras; Rumelhart et al. (1986) |
#
# **Predict.** Somebody trains with the average, $\alpha = 0.1$ and $\beta = 0.9$, then deletes the factor
# $1-\beta$ and leaves $\alpha$ and $\beta$ as they are. On a constant slope, once the ball is up to speed, a
# step is
#
# - `"a"`: as long as before
# - `"b"`: ten times as long
# - `"c"`: a tenth as long

# %% nbgrader={"grade": false, "grade_id": "prediction_dropped_factor", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_dropped_factor = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_dropped_factor = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_dropped_factor", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_dropped_factor=prediction_dropped_factor)

# %% [markdown]
# Can the two forms be made to agree in *every* step, on every loss? Suppose that the heavy ball's velocity is
# $c$ times the average's before a step. After the step it is $\beta c\,v + dw = c\,\big(\beta v + \tfrac1c\,
# dw\big)$. So it is $c$ times the other's again, for every gradient, exactly if $\tfrac1c = 1 - \beta$. And at
# the start both are 0. The rest is yours.

# %% [markdown]
# ### Exercise 2 · `convert_learning_rate` (2 points)

# %% nbgrader={"grade": false, "grade_id": "convert_learning_rate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def convert_learning_rate(lr, *, beta, to):
    """Convert momentum's learning rate between its two forms, so that every step stays the same.

    Parameters
    ----------
    lr : float
        Learning rate in the other form; may be a whole number.
    beta : float
        Weight of the past, 0 <= beta < 1, the same in both forms.
    to : str
        The form of the result: "heavy ball" (v = beta * v + dw), and lr is the rate of the average;
        or "average" (v = beta * v + (1 - beta) * dw), and lr is the rate of the heavy ball. It is
        one of these two.

    Returns
    -------
    float
        Learning rate in the form `to`.

    Examples
    --------
    >>> convert_learning_rate(0.8, beta=0.5, to="heavy ball")
    0.4
    """
    ### BEGIN SOLUTION
    if to == "heavy ball":
        return lr * (1 - beta)
    return lr / (1 - beta)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_convert_learning_rate", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check(convert_learning_rate)
### BEGIN HIDDEN TESTS
check(convert_learning_rate, seed=6502)
### END HIDDEN TESTS

# %%
to_form = plug_in(convert_learning_rate)
matched = to_form(0.1, beta=0.7, to="heavy ball")
averaging = landscapes.descend(valley, lambda w: optimizers.Momentum(w, lr=0.1, beta=0.7), steps=60)
heavy = landscapes.descend(valley, lambda w: optimizers.HeavyBall(w, lr=matched, beta=0.7), steps=60)
careless = landscapes.descend(valley, lambda w: optimizers.HeavyBall(w, lr=0.1, beta=0.7), steps=60)
print(f"average at lr 0.1 and heavy ball at lr {matched:.2g}: "
      f"paths agree to 12 digits: {np.allclose(averaging, heavy, rtol=0, atol=1e-12)}")
print(f"average at lr 0.1 and heavy ball at lr 0.1: "
      f"distance after 60 steps {distance(averaging)[-1]:.0e} and {distance(careless)[-1]:.0e}")

# %%
settle(prediction_dropped_factor=prediction_dropped_factor)

# %% [markdown]
# Two optimizers with the same name, the same `lr` and the same `beta`: one arrives, the other is beyond the
# galaxy. When you copy a learning rate from a paper, find out which form it used.
#
# Two details for the day on which you need them. If $\beta$ changes during training, the average's velocity
# keeps its size and the heavy ball's does not. If $\alpha$ changes, the first two forms stay equal, while with
# the rate inside the old steps go on at their old rate. (PyTorch's `dampening=β` makes its form the average,
# except that it starts with $v_1 = dw_1$.)

# %% [markdown]
# ## 5 · The exact law of motion
#
# Near a minimum a smooth loss is, but for terms of third order, $J(w) = \tfrac12\, w^\top\! A\, w$ with $A$ the
# symmetric $(n, n)$ matrix of second derivatives (place the minimum at 0): a bowl, if no curvature is 0. For a bowl
# we can solve momentum completely.
#
# **One direction at a time.** Let $A = Q\Lambda Q^\top$, the columns of $Q$ being orthonormal eigenvectors and
# $\Lambda$ the diagonal matrix of curvatures. In the coordinates $\tilde w = Q^\top w$, $\tilde v = Q^\top v$,
# multiply both lines of momentum by $Q^\top$. Since $Q^\top A\,w = \Lambda \tilde w$,
#
# $$\tilde v_t = \beta\tilde v_{t-1} + (1-\beta)\Lambda\tilde w_{t-1},\qquad
# \tilde w_t = \tilde w_{t-1} - \alpha \tilde v_t .$$
#
# $\Lambda$ is diagonal: every coordinate moves as if it were alone. It is enough to understand one, with
# curvature $\lambda$. (Momentum does not care which way the valley points: it never looks at single
# coordinates.)
#
# **A matrix.** Put the first line into the second:
#
# $$\begin{pmatrix} w_t\\ v_t\end{pmatrix} = M \begin{pmatrix} w_{t-1}\\ v_{t-1}\end{pmatrix},\qquad
# M = \begin{pmatrix} 1 - \alpha(1-\beta)\lambda & -\alpha\beta\\ (1-\beta)\lambda & \beta\end{pmatrix}.$$
#
# After $t$ steps the state is $M^t$ times the start. Its size goes, in the long run, like $\rho^t$ (like $t\rho^t$
# where the eigenvalues coincide), where $\rho$ is the **spectral radius**: the larger modulus of the two eigenvalues. Trace and determinant of $M$ are
#
# $$\operatorname{tr} M = 1 + \beta - a\quad\text{with } a = \alpha(1-\beta)\lambda,\qquad
# \det M = \beta - a\beta + a\beta = \beta ,$$
#
# so the eigenvalues are the solutions of $\;z^2 - (1+\beta-a)\,z + \beta = 0\,.$

# %% [markdown]
# **Four kinds of motion.** The product of the two solutions is $\beta$; their sum is $1+\beta-a$. Let $0 < \beta <
# 1$. (For $\beta = 0$ they are 0 and $1-a$, gradient descent's factor: nothing oscillates, and the rest holds.)
#
# 1. *Oscillating.* They are complex if $(1+\beta-a)^2 < 4\beta$. Take the root on both sides, $|1+\beta-a| <
#    2\sqrt\beta$, and use $1 + \beta \mp 2\sqrt\beta = (1\mp\sqrt\beta)^2$: this is $(1-\sqrt\beta)^2 < a <
#    (1+\sqrt\beta)^2$. Then they are conjugate, their moduli are equal, and since the product is $\beta$, each
#    is $\sqrt\beta$. The ball swings, and each step shrinks the swing by $\sqrt\beta$, *whatever the learning
#    rate or the curvature*.
# 2. *Damped*, for $0 < a < (1-\sqrt\beta)^2$: two positive real solutions with product $\beta$, so one is above
#    $\sqrt\beta$. No overshoot, but slower: the ball crawls. On the edge between the two, the motion is
#    *critically damped*.
# 3. *Flipping*, for $(1+\sqrt\beta)^2 < a < 2(1+\beta)$: two negative real solutions. The ball changes sides at
#    every step, as gradient descent does when its rate is large.
# 4. *Unstable*, for $a > 2(1+\beta)$. Let $f(z) = z^2-(1+\beta-a)z+\beta$. Then $f(-1) = 2(1+\beta) - a$. Where
#    this is negative, $f$ has a solution below $-1$. Where it is positive, and $a > 0$, also $f(1) = a > 0$; so
#    of two real solutions either both lie between $-1$ and $1$ or both on the same side outside, and outside is
#    impossible, as their product is $\beta < 1$.
#
# Divide by $1-\beta$ to have it in terms of $\alpha\lambda$, and use $1 - \beta = (1-\sqrt\beta)(1+\sqrt\beta)$:
#
# $$\text{oscillating:}\quad \frac{1-\sqrt\beta}{1+\sqrt\beta} < \alpha\lambda < \frac{1+\sqrt\beta}{1-\sqrt\beta},
# \qquad\text{stable:}\quad 0 < \alpha\lambda < \frac{2(1+\beta)}{1-\beta}.$$
#
# For $\beta = 0$ the limit is 2, as you know. For $\beta = 0.9$ it is 38: nineteen times the learning rate. (In
# the heavy ball's own rate the limit is $2(1+\beta)$, hence 3.8. So who switches momentum on in PyTorch and
# leaves the rate alone gets steps up to ten times as long, and a bowl that was stable stays stable.)

# %% [markdown]
# ### Exercise 3 · `momentum_spectral_radius` (4 points)
#
# Turn the quadratic equation into a number. Then into many numbers at once: the function should take arrays.

# %% nbgrader={"grade": false, "grade_id": "momentum_spectral_radius", "locked": false, "schema_version": 3, "solution": true, "task": false}
def momentum_spectral_radius(curvature, *, lr, beta):
    """Factor by which momentum shrinks the distance per step, in the long run, along one curvature.

    Parameters
    ----------
    curvature : float or ndarray
        Curvature of the bowl. May be 0 or negative.
    lr : float or ndarray
        Learning rate of the form with the factor 1 - beta, above 0.
    beta : float or ndarray
        Weight of the past, 0 <= beta < 1. The three arguments broadcast against each other, and none
        is changed.

    Returns
    -------
    float or ndarray
        The larger modulus of the two eigenvalues, one for each entry of the broadcast arguments; it
        is above 1 where the bowl throws the ball out. A number if all three are numbers.

    Examples
    --------
    >>> float(momentum_spectral_radius(2.0, lr=0.5, beta=0.64).round(3))
    0.8
    >>> momentum_spectral_radius(np.array([1.0, 3.0]), lr=1.0, beta=0.0).tolist()
    [0.0, 2.0]
    """
    ### BEGIN SOLUTION
    trace = 1 + beta - lr * (1 - beta) * curvature
    root = np.sqrt(trace**2 - 4 * beta + 0j)
    return np.maximum(np.abs(trace + root), np.abs(trace - root)) / 2
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_momentum_spectral_radius", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(momentum_spectral_radius)
### BEGIN HIDDEN TESTS
check(momentum_spectral_radius, seed=2718)
### END HIDDEN TESTS

# %% [markdown]
# With it you can draw the map of momentum: on the horizontal axis learning rate times curvature, on the
# vertical one $\beta$, and in colour the factor by which the distance shrinks in each step. Dark is fast. Beside it,
# a ball in each of the four regions.

# %%
rate_of = plug_in(momentum_spectral_radius)
x, betas = np.geomspace(1e-3, 1e3, 601), np.linspace(0, 0.995, 400)
rates = rate_of(x, lr=1.0, beta=betas[:, None])

# %% jupyter={"source_hidden": true}
def draw_map(ax):
    """Draw the rates over (lr * curvature, beta), with the edges of the four regions."""
    levels = [0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1]
    shades = ax.contourf(x, betas, np.minimum(rates, 1), levels=levels, cmap="cividis")
    r, limit = np.sqrt(betas), 2 * (1 + betas) / (1 - betas)
    ax.fill_betweenx(betas, limit, 1e3, color="white")
    ax.plot((1 - r) / (1 + r), betas, color="white")
    ax.plot((1 + r) / (1 - r), betas, color="white")
    ax.plot(limit, betas, color="black", linewidth=1)
    ax.set(xscale="log", xlim=(1e-3, 1e3), ylim=(0, 1))
    ax.set(xlabel="learning rate · curvature", ylabel="beta")
    ax.grid(False)
    return shades


examples = {
    "A: damped": (0.03, 0.3, 30),
    "B: oscillating": (1.0, 0.8, 30),
    "C: flipping": (2.3, 0.1, 30),
    "D: unstable": (14.0, 0.6, 8),
}
mosaic = [["map", name] for name in examples]
figure, axes = plt.subplot_mosaic(mosaic, figsize=(9.4, 5.4), width_ratios=[2.6, 1])
map_ax, orange = axes["map"], plotting.COLOURS[1]
shades = draw_map(map_ax)
figure.colorbar(shades, ax=map_ax, location="top", label="each step shrinks the distance to this part")
box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2}
map_ax.text(0.0016, 0.62, "damped:\ncrawls", bbox=box)
map_ax.text(1, 0.93, "oscillating: √beta", ha="center", bbox=box)
map_ax.text(40, 0.25, "unstable:\nexplodes")
map_ax.plot([0.1, 10], [0.7, 0.7], "|-", color=orange, markersize=12, linewidth=2.5)
map_ax.text(1, 0.64, "our valley at lr 0.1", ha="center", fontsize=9, color="white")
for name, (lr, beta, steps) in examples.items():
    map_ax.plot(lr, beta, "o", color=orange, markersize=8, markeredgecolor="white")
    place = {"xytext": (9, -4), "textcoords": "offset points", "fontweight": "bold"}
    map_ax.annotate(name[0], (lr, beta), color="black" if name[0] in "CD" else "white", **place)
    axes[name].plot(follow(1.0, lr=lr, beta=beta, steps=steps), ".-", markersize=4, linewidth=1)
    axes[name].set_title(name, fontsize=10)
    axes[name].set(xticks=[0, steps], yticks=[0])
plotting.show(
    figure,
    "Map of momentum over learning rate times curvature, logarithmic, and beta. The oscillating "
    "region is a funnel, symmetric about 1: narrow at small beta, ever wider towards beta 1; "
    "inside it the rate is the root of beta. To its left lies the damped region, slow far "
    "out; to its right a thin seam where the motion flips sides, then the unstable region. "
    "A bar from 0.1 to 10 at beta 0.7, our valley, just fits into the funnel. Four small "
    "panels show w against steps at one point in each region.",
)

# %% [markdown]
# Stay with this picture for a minute; most of this week is in it.
#
# - A loss with several curvatures is a **horizontal bar** on this map, like the one drawn: from $\alpha\mu$
#   (its flattest direction, $\mu$) to $\alpha L$ (its steepest, $L$). Changing $\alpha$ slides the bar,
#   changing $\beta$ lifts it. Its length never changes: on a logarithmic axis it is $\log\kappa$, with the
#   **condition number** $\kappa = L/\mu$.
# - The whole loss converges as slowly as the worst point of its bar.
# - The funnel is symmetric about 1, because its edges are reciprocal. The higher up, the wider it is. A wide
#   funnel holds a long bar, but the price of height is the rate: $\sqrt\beta$.
# - For $\beta = 0.9$ the funnel is wide enough for $\kappa = 1{,}442$. Our valley has $\kappa = 100$. That is why
#   $\beta = 0.9$ was slower than $0.7$: it pays for a width that it does not use.
#
# Here is another ravine, a steeper one: curvatures 4 and 400. And two sliders, which move its bar on the map and show
# the distance over 200 steps, with a goal: **find $\alpha$ and $\beta$ that bring the distance below $10^{-6}$ within
# 100 steps.** Think of the bar first.

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
gorge = landscapes.ravine(flat=4, steep=400)


def look(lr, beta):
    """Draw the bar of the gorge on the map, and the distance over 200 steps; return a PNG."""
    with np.errstate(over="ignore", invalid="ignore"):
        walk = ride(gorge, lr=lr, beta=beta, steps=200)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.2))
    draw_map(left)
    left.plot([4 * lr, 400 * lr], [beta, beta], "|-", color=orange, markersize=14, linewidth=3)
    right.semilogy(np.minimum(distance(walk), 1e6))
    right.axhline(1e-6, color="#999999", linewidth=1)
    right.set(xlabel="step", ylabel="distance", ylim=(1e-12, 1e4))
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=100)
    plt.close(figure)
    return png.getvalue(), f"below 1e-6: {told(steps_until(walk, 1e-6))}"


if find_spec("ipywidgets"):
    from IPython.display import display
    from ipywidgets import FloatLogSlider, FloatSlider, Image, Label, VBox

    lr_slider = FloatLogSlider(0.002, min=-3.5, max=0, step=0.05, description="lr", continuous_update=False)
    beta_slider = FloatSlider(0.3, min=0, max=0.98, step=0.01, description="beta", continuous_update=False)
    picture, says = Image(), Label()

    def move(change):
        picture.value, says.value = look(lr_slider.value, beta_slider.value)

    lr_slider.observe(move, "value")
    beta_slider.observe(move, "value")
    move(None)
    display(VBox([lr_slider, beta_slider, says, picture]))
else:
    print(look(0.002, 0.3)[1])

# %% [markdown]
# Without moving a slider, all pairs at once. Each point of the next picture is a descent of 300 steps into the
# gorge; in colour the steps that it needed.

# %%
lr_grid, beta_grid = np.geomspace(0.001, 0.3, 90)[:, None], np.linspace(0, 0.98, 80)[:, None, None]


def steps_everywhere(step):
    """Return the steps to 1e-6 in the gorge for all pairs, shape (betas, rates); 301 if more than 300."""
    w, v = np.broadcast_to(gorge.start, (80, 90, 2)), np.zeros((80, 90, 2))
    count = np.zeros((80, 90))
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(1, 301):
            w, v = step(w, gorge.gradient(w), v, lr=lr_grid, beta=beta_grid)
            count[~(np.hypot(w[..., 0], w[..., 1]) < 1e-6)] = t + 1  # not there yet after t steps
    return count


def fewest(count):
    """Say where the fewest steps were needed."""
    row, column = np.unravel_index(np.argmin(count), count.shape)
    lr, beta = lr_grid[column, 0], beta_grid[row, 0, 0]
    return f"{count.min():.0f} steps, at lr {lr:.3f} and beta {beta:.2f}"


count = steps_everywhere(optimizers.momentum_step)
print("fewest on this grid:", fewest(count))

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots(figsize=(6.6, 3.8))
axis = lr_grid[:, 0], beta_grid[:, 0, 0]
levels = [80, 100, 150, 200, 250, 300]
shades = ax.contourf(*axis, np.ma.masked_greater(count, 300), levels=levels, cmap="cividis")
ax.contour(*axis, count, levels=[100], colors="white", linewidths=2, linestyles="-")
figure.colorbar(shades, label="steps to a distance of 1e-6")
ax.set(xscale="log", xlabel="learning rate", ylabel="beta", ylim=(0, 1))
limit = 2 * (1 + axis[1]) / (1 - axis[1]) / 400
ax.plot(limit, axis[1], color="black", linestyle="-", linewidth=1)
ax.set_xlim(0.001, 0.3)
ax.annotate("within 100 steps", (0.022, 0.71), (0.0012, 0.45), arrowprops={"arrowstyle": "->"})
ax.text(0.06, 0.2, "explodes")
ax.text(0.0012, 0.2, "takes longer")
ax.grid(False)
plotting.show(
    figure,
    "Steps to a distance of one millionth over learning rate and beta, for the ravine with "
    "curvatures 4 and 400. A small island around learning rate 0.025 and beta 0.7 needs at most "
    "100 steps. Right of the black line the descent explodes; left and above it takes longer.",
)

# %% [markdown]
# ## 6 · The best learning rate and the best β
#
# **Gradient descent first.** Its factor is $|1-\alpha\lambda|$, a V-shaped function of $\lambda$. On the bar
# from $\mu$ to $L$ the worst is at an end. Increase $\alpha$, and the flat end gets better while the steep end
# gets worse; best is where they are equal, $1 - \alpha\mu = \alpha L - 1$. Hence $\alpha = 2/(\mu+L)$, and with
# it the rate
#
# $$\rho_{\mathrm{GD}} = 1 - \frac{2\mu}{\mu+L} = \frac{\kappa-1}{\kappa+1}.$$
#
# For large $\kappa$ that is about $1 - 2/\kappa$: the number of steps grows like $\kappa$.
#
# **Predict.** A valley is 100 times as narrow: $\kappa$ goes from 100 to 10,000. Gradient descent needs about
# 100 times as many steps. Momentum, with the best $\alpha$ and $\beta$ for each, needs about
#
# - `"a"`: 100 times as many
# - `"b"`: 10 times as many
# - `"c"`: as many as before: it does not care for $\kappa$

# %% nbgrader={"grade": false, "grade_id": "prediction_narrow", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_narrow = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_narrow = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_narrow", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_narrow=prediction_narrow)

# %% [markdown]
# **Now momentum.** Read it off the map. At height $\beta$ no point is better than $\sqrt\beta$, since the
# product of the eigenvalues is $\beta$; and all points in the funnel are exactly that good. So put the bar as
# low as it fits into the funnel, and slide it so that it fits: one end on the left edge, the other on the right
# edge.

# %% [markdown]
# ### Exercise 4 · `optimal_momentum` (4 points)
#
# Two equations for $\alpha$ and $\beta$, from the two edges in section 5. Solve them with pencil and paper,
# then write three lines. (The result for $\alpha$ is simpler than you might fear.)

# %% nbgrader={"grade": false, "grade_id": "optimal_momentum", "locked": false, "schema_version": 3, "solution": true, "task": false}
def optimal_momentum(smallest, largest):
    """Learning rate and beta with which momentum converges fastest in a bowl, and its rate.

    Parameters
    ----------
    smallest, largest : float
        The extreme curvatures, 0 < smallest <= largest. If they are equal, beta and rate are 0.

    Returns
    -------
    lr : float
        Best learning rate, for the form with the factor 1 - beta.
    beta : float
        Best weight of the past.
    rate : float
        Factor by which the distance shrinks per step, in the long run.

    Examples
    --------
    >>> lr, beta, rate = optimal_momentum(1.0, 9.0)
    >>> round(float(lr), 4), round(float(beta), 4), round(float(rate), 4)
    (0.3333, 0.25, 0.5)
    """
    ### BEGIN SOLUTION
    root = np.sqrt(largest / smallest)
    rate = (root - 1) / (root + 1)
    return 1 / np.sqrt(smallest * largest), rate**2, rate
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_optimal_momentum", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(optimal_momentum)
### BEGIN HIDDEN TESTS
check(optimal_momentum, seed=1123)
### END HIDDEN TESTS

# %% [markdown]
# **Is there really nothing better?** The picture says that the bar fits best there; might a bar that sticks out
# of a lower funnel do better still? No. Suppose all curvatures of the bar have spectral radius at most $\rho <
# 1$. If $\rho = 0$, both solutions are 0 everywhere, so $a = 1$ everywhere: a round bowl, $\kappa = 1$, and your rate
# is 0 as well. Now let $0 < \rho < 1$. Then $\beta \le \rho^2$ (the product again), and $f(z) = z^2 - (1+\beta-a)z+\beta$ is not negative at $z =
# \pm\rho$, because both solutions lie between, or are complex. Solve $f(\rho)\ge0$ and $f(-\rho)\ge0$ for $a$:
#
# $$(1-\rho)\Big(1-\frac\beta\rho\Big)\;\le\; a\;\le\;(1+\rho)\Big(1+\frac\beta\rho\Big).$$
#
# This holds at both ends of the bar, and their quotient is $\kappa$. The left side is positive, since $\beta \le
# \rho^2 < \rho$. So $\kappa$ is at most the right side divided by the left. That quotient grows with $\beta$, so it is largest for $\beta = \rho^2$, and
#
# $$\kappa \le \Big(\frac{1+\rho}{1-\rho}\Big)^2 .$$
#
# Solved for $\rho$, this says that $\rho$ is at least the rate that you have found, and equal to it only for
# your $\beta$. ∎

# %%
best = plug_in(optimal_momentum)
figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.5))

lr, beta, rate = best(1.0, 100.0)
print(f"kappa 100: lr {lr:.3f}, beta {beta:.3f}, rate {rate:.3f}; gradient descent {99 / 101:.3f}")
steps = np.arange(151)
settings = {"gradient descent": (2 / 101, 0, 99 / 101), "momentum": (lr, beta, rate)}
for (name, (lr, beta, rate)), colour in zip(settings.items(), plotting.COLOURS):
    walk = ride(valley, lr=lr, beta=beta, steps=150)
    left.semilogy(steps, distance(walk), color=colour, linestyle="-", label=name)
    left.semilogy(steps, 2 * rate**steps, color=colour, linestyle=":", label="theory")
left.set(xlabel="step", ylabel="distance", title="κ = 100", ylim=(1e-11, 10))
left.legend(fontsize=9)

kappas = np.array([10, 30, 100, 300, 1000])
needed = {"gradient descent": [], "momentum": []}
for kappa in kappas:
    surface, (lr, beta, rate) = landscapes.ravine(flat=1, steep=kappa), best(1.0, float(kappa))
    for name, pair in zip(needed, [{"lr": 2 / (1 + kappa), "beta": 0}, {"lr": lr, "beta": beta}]):
        needed[name].append(steps_until(ride(surface, **pair, steps=9 * kappa), 1e-6))
plotting.lines(right, {name: (kappas, counts) for name, counts in needed.items()}, marker="o")
right.set(xscale="log", yscale="log", xlabel="condition number κ")
right.set_title("steps to a distance of 1e-6")
for name, counts in needed.items():
    print(f"{name:16}: steps for kappa 10, 100, 1000:", *(f"{counts[i]:,}" for i in (0, 2, 4)))
plotting.show(
    figure,
    "Left: distance against steps for condition number 100, logarithmic. Gradient descent "
    "follows its dotted line. Momentum's curve falls about ten times as steeply; it lies above its "
    "dotted line, and moves slowly away from it. Right: steps against condition number: "
    "gradient descent's rise with slope 1, momentum's with slope about one half.",
)

# %%
settle(prediction_narrow=prediction_narrow)

# %% [markdown]
# The root of $\kappa$ in place of $\kappa$: at $\kappa = 1{,}000$ that is 321 steps instead of 7,311. (Left panel:
# momentum's curve lies above its dotted line. With both ends of the bar on an edge of the funnel, where the two eigenvalues coincide, the distance goes like $t\rho^t$ rather than
# $\rho^t$. A slightly larger $\beta$ avoids that, which is why the best point of the island lies a little above
# 0.67.)

# %% [markdown]
# ## 7 · Look before you roll: Nesterov
#
# The ball has a flaw: it notices a rising slope only when it is on it. Yet before each step you know where the
# old velocity is about to carry you: even with no new gradient at all, the step would be $-\alpha\beta
# v_{t-1}$. Yurii Nesterov's idea (1983; in this form Sutskever et al., 2013): take the gradient *there*, at the
# point ahead, and let it correct the velocity before the step, not after.

# %% [markdown]
# ### Exercise 5 · `nesterov_step` (3 points)

# %% nbgrader={"grade": false, "grade_id": "nesterov_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def nesterov_step(w, v, gradient, *, lr, beta):
    """Make one step of momentum with the gradient taken at the point ahead.

    The point ahead is where a step with a zero gradient would lead from w. The velocity is the average of
    the gradients taken there (with the factor 1 - beta); the step goes from w along the refreshed velocity.

    Parameters
    ----------
    w : ndarray of shape (n,)
        Parameters, floats. Must not be changed.
    v : ndarray of shape (n,)
        Velocity before the step, floats. Must not be changed.
    gradient : callable
        gradient(point) is the gradient of the loss at any point of shape (n,).
    lr : float
        Learning rate.
    beta : float
        Weight of the past, 0 <= beta < 1.

    Returns
    -------
    w : ndarray of shape (n,)
        Parameters after the step.
    v : ndarray of shape (n,)
        Velocity after the step.

    Examples
    --------
    >>> w, v = np.array([2.0]), np.array([4.0])
    >>> w, v = nesterov_step(w, v, lambda point: 3 * point, lr=0.5, beta=0.5)
    >>> w.tolist(), v.tolist()
    ([0.25], [3.5])
    """
    ### BEGIN SOLUTION
    ahead = w - lr * beta * v
    v = beta * v + (1 - beta) * gradient(ahead)
    return w - lr * v, v
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_nesterov_step", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(nesterov_step)
### BEGIN HIDDEN TESTS
check(nesterov_step, seed=1983)
### END HIDDEN TESTS

# %% [markdown]
# **How PyTorch does it.** In a training loop the gradient arrives ready-made, taken at the parameters that are
# stored. So libraries store the points *ahead*: $u_t = w_t - \alpha\beta v_t$. Then $dw_t$ is the gradient at
# $u_{t-1}$, and
#
# $$u_t = w_{t-1} - \alpha v_t - \alpha\beta v_t
# = u_{t-1} + \alpha\beta v_{t-1} - \alpha v_t - \alpha\beta v_t
# = u_{t-1} - \alpha\big[\beta v_t + (1-\beta)\,dw_t\big],$$
#
# the last step because $v_t - \beta v_{t-1} = (1-\beta)\,dw_t$. No look-ahead is left to see: momentum is
# applied once more instead. This is the form of the course's `optimizers.Nesterov` and, up to the factor
# $1-\beta$, of PyTorch's `nesterov=True`. The same method? Test it:

# %%
look_ahead = plug_in(nesterov_step)
w, v = valley.start, np.zeros(2)
nesterov_path, points_ahead = [w], [w]
for _ in range(60):
    w, v = look_ahead(w, v, valley.gradient, lr=0.04, beta=0.82)
    nesterov_path.append(w)
    points_ahead.append(w - 0.04 * 0.82 * v)
library = landscapes.descend(valley, lambda w: optimizers.Nesterov(w, lr=0.04, beta=0.82), steps=60)
print("points ahead = the library's parameters, to 12 digits:",
      np.allclose(points_ahead, library, rtol=0, atol=1e-12))

# %% [markdown]
# And compared with momentum, at the same rate and the same $\beta$:

# %% jupyter={"source_hidden": true}
plain = landscapes.descend(valley, lambda w: optimizers.Momentum(w, lr=0.04, beta=0.82), steps=60)
figure, axes = plt.subplots(1, 2, figsize=(8.8, 3.3), sharex=True)
for ax, column, name in zip(axes, (0, 1), ("along the valley", "across the valley")):
    pair = {
        "momentum": (range(61), plain[:, column]),
        "Nesterov": (range(61), np.array(nesterov_path)[:, column]),
    }
    plotting.lines(ax, pair)
    ax.set(title=name, xlabel="step")
axes[1].legend()
plotting.show(
    figure,
    "Coordinates against steps for momentum and Nesterov at the same learning rate 0.04 and "
    "beta 0.82. Along the valley the two are much alike. Across the valley momentum swings for "
    "dozens of steps, while Nesterov's swings die out within a few.",
)

# %% [markdown]
# The look-ahead brakes the swings across the valley, because on a steep slope the
# gradient changes a lot from here to the point ahead. Is it the better method, then? Both tuned, for the gorge
# of section 5:

# %%
print("momentum:", fewest(count))
print("Nesterov:", fewest(steps_everywhere(optimizers.nesterov_step)))
lr, beta, _ = best(4.0, 400.0)
swerving = landscapes.descend(gorge, lambda w: optimizers.Nesterov(w, lr=lr, beta=beta), steps=60)
print(f"Nesterov at momentum's best lr and beta: distance {distance(swerving)[-1]:.0e} after 60 steps")

# %% [markdown]
# In an exact bowl, no. The brake has a price: the stable range of $\alpha$ is smaller. At momentum's best choice,
# Nesterov explodes.
#
# Why then does anybody want Nesterov's? Because of a guarantee. For *every* convex loss with curvatures between
# $\mu > 0$ and $L$, not only for bowls, it converges with a rate like $1 - 1/\sqrt\kappa$, with $\alpha$ and $\beta$
# chosen from $\mu$ and $L$. The heavy ball, at the settings that are best for bowls, has no such guarantee: the claims
# below contain a convex loss on which it runs in a circle.

# %% [markdown]
# ## 8 · The noisy valley
#
# So far every gradient was exact. Mini-batch gradients are not (week 01), and an average cuts noise: at $\beta
# = 0.9$ the variance of $v$ is $\frac{1-\beta}{1+\beta} = \frac1{19}$ of the gradient's (week 02). So momentum
# should hover much closer to the minimum. Should it?
#
# **Predict.** A bowl of curvature 1. Each gradient has independent noise added. Gradient descent and momentum
# ($\beta = 0.9$) run at the same small learning rate, $\alpha = 0.05$, until they only hover. Compared with
# gradient descent's, the mean squared distance of momentum from the minimum is
#
# - `"a"`: about a nineteenth
# - `"b"`: about a quarter
# - `"c"`: about the same

# %% nbgrader={"grade": false, "grade_id": "prediction_hover", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_hover = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_hover = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_hover", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_hover=prediction_hover)

# %% [markdown]
# **The theory.** The gradient is $\lambda w + \xi$, with independent noise $\xi$ of mean 0 and variance
# $\sigma^2$. By section 3, with $a = \alpha(1-\beta)\lambda$ and $b = 1 + \beta - a$,
#
# $$w_{t+1} = b\,w_t - \beta\, w_{t-1} - \alpha(1-\beta)\,\xi_{t+1}.$$
#
# When it only hovers, $V = \mathbb E[w_t^2]$ and $C = \mathbb E[w_t w_{t-1}]$ no longer change with $t$.
# Multiply the equation by $w_t$ and take the mean (the new noise is independent of $w_t$): $C = bV - \beta C$,
# so $C = \frac{b}{1+\beta}V$. Square it and take the mean: $V = b^2V + \beta^2V - 2b\beta C +
# \alpha^2(1-\beta)^2\sigma^2$. Put $C$ in:
#
# $$V\Big[1 - \beta^2 - b^2\,\frac{1-\beta}{1+\beta}\Big] = \alpha^2(1-\beta)^2\sigma^2
# \;\Longrightarrow\;
# V\,\frac{(1+\beta)^2 - b^2}{1+\beta} = \alpha^2(1-\beta)\,\sigma^2 .$$
#
# With $(1+\beta)^2 - b^2 = (1+\beta-b)(1+\beta+b) = a\,(2(1+\beta) - a)$ this becomes
#
# $$\boxed{\ V = \frac{\alpha\,\sigma^2}{\lambda\,\Big(2 - \alpha\lambda\,\frac{1-\beta}{1+\beta}\Big)}\ }$$
#
# For $\beta = 0$ it is gradient descent's $\frac{\alpha\sigma^2}{\lambda(2-\alpha\lambda)}$. For small
# $\alpha\lambda$ both are $\frac{\alpha\sigma^2}{2\lambda}$. Measure:

# %%
noisy_rates = np.array([0.02, 0.05, 0.1, 0.2, 0.5, 1.0])


def hovering(beta, seeds=20, chains=100):
    """Return the mean squared distance while hovering, (seeds, rates); curvature and noise are 1."""
    rng = np.random.default_rng(int(100 * beta))
    w, v = np.zeros((2, seeds, chains, len(noisy_rates)))
    total = np.zeros((seeds, len(noisy_rates)))
    for t in range(600):
        noise = rng.normal(size=w.shape)
        w, v = optimizers.momentum_step(w, w + noise, v, lr=noisy_rates, beta=beta)
        total += (w**2).mean(axis=1) * (t >= 300)
    return total / 300


figure, ax = plt.subplots()
for index, (beta, marker) in enumerate([(0, "o"), (0.9, "^")]):
    measured = hovering(beta)
    name = f"momentum, beta {beta}" if beta else "gradient descent"
    plotting.band(ax, noisy_rates, measured, label=name, index=index, marker=marker)
    theory = noisy_rates / (2 - noisy_rates * (1 - beta) / (1 + beta))
    ax.plot(noisy_rates, theory, "k:", linewidth=1, label="theory" if beta else None)
    print(f"{name:18}: lr 0.05: measured {measured[:, 1].mean():.3f}, theory {theory[1]:.3f}; "
          f"lr 1: {measured[:, -1].mean():.2f}, {theory[-1]:.2f}")
ax.set(xscale="log", yscale="log", xlabel="learning rate")
ax.set_ylabel("mean squared distance\nwhile hovering")
ax.legend()
plotting.show(
    figure,
    "Mean squared distance while hovering against the learning rate, on logarithmic axes, with "
    "the range over 20 seeds. Gradient descent and momentum lie on the same line for small rates. "
    "At rate 0.5 gradient descent is a little higher, at rate 1 by a factor of two.",
)

# %%
settle(prediction_hover=prediction_hover)

# %% [markdown]
# Where has the averaging gone? A gradient enters $v$ with weight $1-\beta$, then stays with $(1-\beta)\beta$,
# $(1-\beta)\beta^2$, … It is not used once and left: it is **paid out in instalments**, and the instalments add
# up to 1. Noise in instalments is still all the noise. The single step is calmer, but consecutive steps tend to err
# in the same direction, and their errors add up instead of cancelling.
#
# So what momentum buys is a larger stable learning rate. It pays where stability is what keeps the rate down. If
# noise keeps it down, there is little to buy. Let us see where one turns into the other: the valley
# again, 100 steps, noise of growing size on the gradient. Each method at its own best learning rate (and
# momentum at its best $\beta$), found on 100 runs and judged on others.

# %%
curvatures = np.array([1.0, 100.0])


def mean_loss(lr, beta, noise, *, runs, seed):
    """Return the mean loss after 100 steps in the noisy valley, one for each rate in lr."""
    rng = np.random.default_rng(seed)
    lr = np.asarray(lr)[:, None, None]
    w, v = np.broadcast_to(valley.start, (len(lr), runs, 2)), np.zeros((len(lr), runs, 2))
    for _ in range(100):
        dw = curvatures * w + noise * rng.normal(size=(runs, 2))
        w, v = optimizers.momentum_step(w, dw, v, lr=lr, beta=beta)
    return valley.value(w).mean(axis=1)


noises = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]
methods = {"gradient descent": [0.0], "momentum": [0.5, 0.6, 0.7, 0.8, 0.9]}
outcome = {name: [] for name in methods}
for noise in noises:
    for name, betas_tried in methods.items():
        tries = []
        for beta in betas_tried:
            limit = 2 * (1 + beta) / (1 - beta) / 100  # the map: beyond it everything explodes
            lr = np.geomspace(0.002, 0.99 * limit, 40)
            loss = mean_loss(lr, beta, noise, runs=100, seed=0)
            tries.append((loss.min(), lr[np.argmin(loss)], beta))
        _, lr, beta = min(tries)
        judged = [mean_loss([lr], beta, noise, runs=100, seed=seed)[0] for seed in range(1, 9)]
        outcome[name].append(judged)

figure, ax = plt.subplots()
for index, (name, marker) in enumerate([("gradient descent", "o"), ("momentum", "^")]):
    losses = np.array(outcome[name]).T
    plotting.band(ax, range(len(noises)), losses, label=name, index=index, marker=marker)
ax.set(yscale="log", xlabel="standard deviation of the gradient's noise")
ax.set_ylabel("loss after 100 steps")
ax.set_xticks(range(len(noises)), [f"{noise:g}" for noise in noises])
ax.legend()
for noise, gd, mom in zip(noises, outcome["gradient descent"], outcome["momentum"]):
    if noise in (0.03, 0.1, 1, 10, 30):
        times = np.median(gd) / np.median(mom)
        print(f"noise {noise:4g}: gradient descent's loss is {times:5.1f} times momentum's")
plotting.show(
    figure,
    "Loss after 100 steps against the noise of the gradient, each method tuned, with the range "
    "over eight seeds. With little noise momentum is better by a factor of over a thousand. "
    "The gap closes as the noise grows, and at a standard deviation of 30 the two are the same.",
)

# %% [markdown]
# With little noise, momentum is better by orders of magnitude; where the noise is largest, tuning cannot tell the
# two apart.

# %% [markdown]
# ## 9 · Digits
#
# A network with one hidden layer (64 → 32 → 10, ReLU) on the digits of week 01. Three batch sizes, and for each
# the same number of updates with gradient descent and with momentum, each at its own tuned learning rate, then
# five fresh seeds.

# %%
digits = datasets.digits()
X, y = digits.X_train, digits.y_train
rates_tried = [0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0]


def train_once(beta, lr, batch_size, epochs, seed):
    """Train a fresh network; return its history."""
    network = networks.MLP((64, 32, 10), rng=np.random.default_rng(seed))
    descent = optimizers.Momentum(network.params, lr=lr, beta=beta)  # beta 0 is gradient descent
    rng = np.random.default_rng(100 + seed)
    every = epochs * -(-len(X) // batch_size) // 20
    options = {"batch_size": batch_size, "epochs": epochs, "evaluate_every": every}
    return training.train(network, descent, X, y, rng=rng, **options)


def best_rate(beta, batch_size, epochs):
    """Return the rate with the lowest loss on average along the way, over three seeds."""
    scores = []
    for lr in rates_tried:
        runs = [train_once(beta, lr, batch_size, epochs, seed) for seed in range(3)]
        scores.append(np.mean([run.loss for run in runs]))
    return rates_tried[int(np.argmin(scores))]


figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.3), sharey=True)
for ax, (batch_size, epochs) in zip(axes, [(1437, 40), (64, 2), (4, 1)]):
    along_the_way = []
    for index, (beta, name) in enumerate([(0.0, "gradient descent"), (0.9, "momentum, β = 0.9")]):
        lr = best_rate(beta, batch_size, epochs)
        histories = [train_once(beta, lr, batch_size, epochs, seed) for seed in range(3, 8)]
        losses = np.array([history.loss for history in histories])
        along_the_way.append(losses.mean())
        plotting.band(ax, histories[0].updates, losses, label=f"{name}, lr {lr:g}", index=index)
    title = "full batch" if batch_size == len(X) else f"batches of {batch_size}"
    ax.set(title=title, xlabel="updates", ylim=(0, 2.6))
    ax.legend(fontsize=8)
    gain = along_the_way[0] / along_the_way[1]
    print(f"{title:13}: gradient descent's loss along the way is {gain:.1f} times momentum's")
axes[0].set_ylabel("loss on all training data")
plotting.show(
    figure,
    "Three panels of training loss against updates, median and range of five seeds. With the "
    "full batch momentum is far below gradient descent; with batches of 64 it is clearly below; "
    "with batches of 4 the two bands overlap.",
)

# %% [markdown]
# The noisy valley, on real data. With the full batch, gradients are exact and the curvature limits the rate:
# momentum wins clearly. With batches of 4, noise limits it, and momentum makes hardly a difference.
#
# And the speed of one step? Yours goes through four arrays by name; the course's optimizer works in place on one
# flat vector:

# %% tags=["nbval-ignore-output"]
network = networks.MLP((64, 32, 10), rng=np.random.default_rng(0))
_, grad = network.loss_and_gradient(X[:64], y[:64])
shapes = {"W1": (64, 32), "b1": (32,), "W2": (32, 10), "b2": (10,)}
ends = np.cumsum([np.prod(shape) for shape in shapes.values()])[:-1]


def by_name(flat):
    """Cut a flat vector into the network's arrays."""
    parts = np.split(flat, ends)
    return {name: part.reshape(shapes[name]) for name, part in zip(shapes, parts)}


params, grads, v = by_name(network.params), by_name(grad), by_name(np.zeros_like(grad))
descent = optimizers.Momentum(network.params.copy(), lr=0.1)


def microseconds(step, repeats=300):
    """Return the median time of a call."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        step()
        times.append(perf_counter() - start)
    return np.median(times) * 1e6


print(f"one step on {len(grad):,} parameters: "
      f"{microseconds(lambda: one_step(params, grads, v, lr=0.1, beta=0.9)):.1f} µs here, "
      f"{microseconds(lambda: descent.step(grad)):.1f} µs in the course's optimizer; "
      f"the gradient: {microseconds(lambda: network.loss_and_gradient(X[:64], y[:64])):.0f} µs")

# %% [markdown]
# ## 10 · Claims to test
#
# **Claim 1.** *"Momentum is always faster than gradient descent."* You have the noisy valley. Two more
# witnesses. First a round bowl, with the best settings for each (section 6). Then a convex loss in one
# dimension, whose curvature is 25 except between 1 and 2, where it is 1 (Lessard, Recht and Packard, 2016).
# Momentum gets the best settings for $\kappa = 25$:

# %%
lr, beta, rate = landscapes.optimal_momentum(3.0, 3.0)
print(f"round bowl: the best momentum has beta {beta:.0f}; "
      f"gradient descent at lr 1/3 is at {abs(1 - 3 / 3):.0f} after one step")


def kinked(w):
    """Return a gradient that rises by 25 per unit, but by 1 per unit between w = 1 and w = 2."""
    return np.where(w < 1, 25 * w, np.where(w < 2, w + 24, 25 * w - 24))


lr, beta, rate = landscapes.optimal_momentum(1.0, 25.0)
w, v, plain = 3.3, 0.0, 3.3
circle, straight = [w], [plain]
for _ in range(60):
    w, v = optimizers.momentum_step(w, kinked(w), v, lr=lr, beta=beta)
    plain = optimizers.sgd_step(plain, kinked(plain), lr=2 / 26)
    circle.append(w)
    straight.append(plain)
print("kinked loss, momentum, last steps:        ", *(f"{w:+.2f}" for w in circle[-6:]))
print("kinked loss, gradient descent, last steps:", *(f"{w:+.2f}" for w in straight[-6:]))

# %% [markdown]
# The positions on the kinked loss, step by step:

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
paths = {"gradient descent": (range(61), straight), "momentum": (range(61), circle)}
plotting.lines(ax, paths, marker=".")
ax.set(xlabel="step", ylabel="w")
ax.legend()
plotting.show(
    figure,
    "Positions on the kinked convex loss. Gradient descent swings into the minimum at 0 within "
    "about 40 steps. Momentum, with the settings that are best for bowls of these curvatures, "
    "repeats a cycle of three points for ever.",
)

# %% nbgrader={"grade": false, "grade_id": "claim_always_faster", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_always_faster = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_always_faster = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_always_faster", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_always_faster=claim_always_faster)

# %% [markdown]
# **Claim 2.** *"If the factor 1 − β is left out, v is scaled by 1/(1−β), so α must become 1/(1−β)."* Start from
# the average at $\alpha = 0.1$, $\beta = 0.7$, and follow three recipes for the heavy ball's learning rate:

# %%
recipes = {"1 / (1 - beta)": 1 / 0.3, "lr / (1 - beta)": 0.1 / 0.3, "lr * (1 - beta)": 0.1 * 0.3}
for recipe, lr in recipes.items():
    with np.errstate(over="ignore", invalid="ignore"):
        other = landscapes.descend(valley, lambda w: optimizers.HeavyBall(w, lr=lr, beta=0.7), steps=60)
    same = np.allclose(other, averaging, rtol=0, atol=1e-9)
    print(f"{recipe:16} = {lr:.3f}: same path as the average: {same}")

# %% nbgrader={"grade": false, "grade_id": "claim_reciprocal_rate", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_reciprocal_rate = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_reciprocal_rate = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_reciprocal_rate", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_reciprocal_rate=claim_reciprocal_rate)

# %% [markdown]
# **Claim 3.** *"Bias correction is useless in momentum: after ten steps nobody notices."* Two experiments. In a
# bowl of curvature 1: a budget of 100 steps, $\alpha = 0.02$, two values of $\beta$. In the valley: momentum at
# its best $\alpha$ and $\beta$. Each with $v_t$ and with $v_t / (1-\beta^t)$.

# %%
def run(curvature, *, lr, beta, steps, corrected):
    """Return the distance from the minimum after each step, from all ones."""
    w, v, path = np.ones_like(curvature), np.zeros_like(curvature), []
    for t in range(1, steps + 1):
        v = beta * v + (1 - beta) * curvature * w
        w = w - lr * (v / (1 - beta**t) if corrected else v)
        path.append(np.linalg.norm(w))
    return np.array(path)


for beta in (0.9, 0.99):
    options = {"lr": 0.02, "beta": beta, "steps": 100}
    plain, corrected = (run(np.ones(1), **options, corrected=c) for c in (False, True))
    print(f"bowl, beta {beta}: distance after 100 steps "
          f"{plain[-1]:.2f} without correction, {corrected[-1]:.2f} with it")
lr, beta, _ = landscapes.optimal_momentum(1.0, 100.0)
options = {"lr": lr, "beta": beta, "steps": 60}
plain, corrected = (run(curvatures, **options, corrected=c) for c in (False, True))
print(f"valley: largest distance {plain.max():.1f} without, {corrected.max():,.0f} with correction; "
      f"after 60 steps {plain[-1]:.4f} and {corrected[-1]:.1f}")

# %% [markdown]
# (The start at 0 makes the first steps short. If the rate is five times what gradient descent could bear, that
# is a blessing: the velocity grows while the first swings already cancel. A corrected first step is a full
# $\alpha\,dw$.)

# %% nbgrader={"grade": false, "grade_id": "claim_correction_useless", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_correction_useless = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_correction_useless = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_correction_useless", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_correction_useless=claim_correction_useless)

# %% [markdown]
# **Claim 4.** *"The larger β is, the sooner the swinging across the valley dies out."* The steep direction at
# $\alpha L = 1.9$, where gradient descent swings badly. Steps until the swing stays below one per cent:

# %%
for beta in (0, 0.2, 0.5, 0.7, 0.9, 0.99):
    swing = np.abs(follow(1.0, lr=1.9, beta=beta, steps=2000))
    print(f"beta {beta:4}: {np.flatnonzero(swing >= 0.01)[-1] + 1:4} steps, "
          f"rate on the map {landscapes.momentum_spectral_radius(1.0, lr=1.9, beta=beta):.2f}")

# %% nbgrader={"grade": false, "grade_id": "claim_larger_beta_calmer", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_larger_beta_calmer = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_larger_beta_calmer = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_larger_beta_calmer", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_larger_beta_calmer=claim_larger_beta_calmer)

# %% [markdown]
# ## 11 · Quiz
#
# **1.** A paper used `torch.optim.SGD(lr=0.05, momentum=0.9)`. Which learning rate makes the same steps in the
# form with the factor $1-\beta$?
#
# - `"a"` 0.005
# - `"b"` 0.045
# - `"c"` 0.5
# - `"d"` 10

# %% nbgrader={"grade": false, "grade_id": "quiz_torch_rate", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_torch_rate = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_torch_rate = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_torch_rate", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_torch_rate=quiz_torch_rate)

# %% [markdown]
# **2.** The gradient is the same $g$ at every step. In the form with $1-\beta$, how long is a step of momentum
# after many steps?
#
# - `"a"` $\alpha g$
# - `"b"` $\alpha g/(1-\beta)$
# - `"c"` $(1-\beta)\,\alpha g$
# - `"d"` it grows without limit

# %% nbgrader={"grade": false, "grade_id": "quiz_terminal_speed", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_terminal_speed = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_terminal_speed = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_terminal_speed", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_terminal_speed=quiz_terminal_speed)

# %% [markdown]
# **3.** All curvatures of a loss lie well inside the funnel. You double $\alpha$, and they still do. The rate
# of convergence
#
# - `"a"` doubles
# - `"b"` grows by a factor $\sqrt2$
# - `"c"` becomes worse, because the swings get larger
# - `"d"` stays $\sqrt\beta$

# %% nbgrader={"grade": false, "grade_id": "quiz_inside_funnel", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_inside_funnel = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_inside_funnel = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_inside_funnel", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_inside_funnel=quiz_inside_funnel)

# %% [markdown]
# **4.** A network has 2,410 parameters, in four arrays. How many numbers does momentum keep between two steps,
# besides the parameters?
#
# - `"a"` 1
# - `"b"` 4
# - `"c"` 2,410
# - `"d"` 24,100, because $\beta = 0.9$ remembers ten gradients

# %% nbgrader={"grade": false, "grade_id": "quiz_velocity_memory", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_velocity_memory = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_velocity_memory = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_velocity_memory", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_velocity_memory=quiz_velocity_memory)

# %% [markdown]
# **5.** Somebody trains with tiny batches. The best learning rate turns out to be a tenth of the one at which
# training diverges. What can momentum be expected to bring?
#
# - `"a"` Ten times fewer steps, since $\beta = 0.9$
# - `"b"` Little: it is noise that keeps the rate down, not stability
# - `"c"` Less hovering at the end, since it averages ten gradients
# - `"d"` A better minimum

# %% nbgrader={"grade": false, "grade_id": "quiz_tiny_batches", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_tiny_batches = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_tiny_batches = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_tiny_batches", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_tiny_batches=quiz_tiny_batches)

# %% [markdown]
# ## 12 · In your own words (4 points)
#
# A colleague has trained with the lectures' momentum ($\beta = 0.9$, learning rate well tuned). She moves to
# PyTorch, sets `SGD(momentum=0.9)` with the same learning rate, and training explodes. She concludes:
# *"Momentum is unstable. I go back to gradient descent. At the same learning rate the two are equally fast
# anyway."*
#
# Answer in five to eight sentences. One point for each of these:
#
# 1. what happened to her steps, with the number for $\beta = 0.9$, and which learning rate would have been right;
# 2. in what sense "equally fast at the same learning rate" is true, and why it misses the point;
# 3. what decides how much faster momentum can be ($\kappa$ against $\sqrt\kappa$), and how you would choose
#    $\alpha$ and $\beta$;
# 4. one situation in which she loses nothing by going back.
#
# If you learn on your own: write it, sleep on it, then give yourself the points.

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection_week04", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A model answer.* PyTorch leaves out the factor 1 − β, so its velocity is a sum of gradients and not their
# average: every step became 1/(1 − 0.9) = 10 times as long. With a tenth of your learning rate, PyTorch would
# have made exactly the steps that you had before. It is true that on a steady slope an average of gradients is
# as long as a gradient, so at the same rate (in the form with 1 − β) both go at the same speed. But across a
# narrow valley the gradients alternate and cancel in the average, so momentum bears a larger rate: the limit
# rises from 2/L to 38/L for β = 0.9, and your well tuned rate may be one at which gradient descent would
# explode. How much that buys depends on the condition number: gradient descent needs steps in proportion to κ,
# tuned momentum in proportion to its root. I would start with β = 0.9 and a tenth of the old rate, tune the
# rate in factors of two or three, then try β = 0.8 and 0.95. You lose nothing by going back where noise and not
# stability keeps the rate down, for instance with very small batches: the noise of each gradient is paid out in
# instalments, but all of it.

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | Momentum | $v \leftarrow \beta v + (1-\beta)\,dw,\quad w \leftarrow w - \alpha v$ |
# | Heavy ball, PyTorch | $v \leftarrow \beta v + dw$: the same steps at $\alpha$ times $1-\beta$ |
# | Nesterov | the gradient is taken at $w - \alpha\beta v$ |
# | In a bowl | $z^2 - (1+\beta-a)z + \beta = 0$, $a = \alpha(1-\beta)\lambda$; oscillating: $\sqrt\beta$ |
# | Stable | $0 < \alpha\lambda < 2(1+\beta)/(1-\beta)$ |
# | Best rate | $(\sqrt\kappa-1)/(\sqrt\kappa+1)$; gradient descent $(\kappa-1)/(\kappa+1)$ |
# | Hovering | $\approx \alpha\sigma^2/(2\lambda)$ at small $\alpha\lambda$: as without momentum |
# | Defaults | $\beta = 0.9$; $v_0 = 0$, no correction; $\alpha$ is tuned |
#
# **Pitfalls.** A learning rate copied from the other form · judging momentum at gradient descent's learning
# rate · one velocity for several parameters · a velocity that is reset at each step or epoch · moving before
# refreshing $v$ · expecting less noise from it.
#
# **Sources.** Polyak (1964), *Some methods of speeding up the convergence of iteration methods* · Nesterov
# (1983), *A method for solving the convex programming problem with convergence rate O(1/k²)* · Rumelhart,
# Hinton and Williams (1986), *Learning representations by back-propagating errors* · Sutskever, Martens, Dahl
# and Hinton (2013), *On the importance of initialization and momentum in deep learning* · Lessard, Recht and
# Packard (2016), *Analysis and design of optimization algorithms via integral quadratic constraints* · Goh
# (2017), *Why momentum really works*, Distill · Shallue et al. (2019), *Measuring the effects of data
# parallelism on neural network training* · Wang et al. (2024), *The marginal value of momentum for small
# learning rate SGD*.
#
# **Next week's question.** Momentum treats all coordinates alike. Some have gradients a thousand times as large
# as others. Why should they share one learning rate?
#
# Go on with [Week 05 · RMSprop](../week05_rmsprop/week05_rmsprop.ipynb).
