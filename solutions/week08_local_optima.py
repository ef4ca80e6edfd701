# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: Local optima, saddle points, plateaus
#     minutes: 115
#     builds_on: [week00_networks, week06_adam]
# ---

# %% [markdown]
# # Week 08 · Local optima, saddle points, plateaus
#
# For seven weeks you have made optimizers faster on their way down. The way was mostly one valley. This week you
# look at the whole landscape: what it has besides valleys, which of it holds an optimizer up, and for how long.
#
# By the end you can
#
# - measure the curvature of any function from its gradient alone, even with thousands of parameters;
# - tell a valley from a hill from a pass, and say when second derivatives cannot tell;
# - show why a level place in many dimensions is hardly ever a valley;
# - compute how long gradient descent takes to leave a saddle, and what noise does about it;
# - say from measurements on a real network where training loses its time, and where it does not.
#
# You need: gradient descent, the four optimizers of weeks 04 to 06, and eigenvalues of symmetric matrices.
# Time: about 115 minutes. Points: 31, and 4 more for a written answer.

# %%
import math
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment

from course_lib import curvature, datasets, landscapes, networks, optimizers, plotting, training
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()
digits = datasets.digits()
X, y = digits.X_train[:400], digits.y_train[:400]
print(f"{len(X)} images: enough to see a loss surface, few enough to measure it many times")

# %% [markdown]
# ## 1 · The question
#
# > **This week's question.** All of this assumed one valley. A network with thousands of parameters has hills,
# > passes and plains. Where do optimizers really get stuck?
#
# Here is the answer that people gave for decades. A surface with two valleys, the left one deeper; gradient
# descent from eight starts:

# %%
wells = landscapes.double_well()
starts = [(-1.8, 1.2), (-0.5, -1.3), (0.05, 1.4), (0.15, -1.2)]
starts += [(0.35, 1.2), (0.6, -1.4), (1.2, 1.3), (1.8, -1.0)]
figure, ax = plt.subplots(figsize=(6.4, 3.8))
plotting.contours(ax, wells.value, (-2.1, 2.1, -1.6, 1.6))
ends = []
for start in starts:
    walk = landscapes.descend(
        wells, lambda w: optimizers.SGD(w, lr=0.1), steps=200, start=np.array(start)
    )
    ends.append(wells.value(walk[-1]))
    left = bool(walk[-1, 0] < 0)
    name = ["ends in the shallow valley", "ends in the deep valley"][left]
    plotting.path(ax, walk, label=name, index=0 if left else 1, every=5)
handles = dict(zip(*ax.get_legend_handles_labels()[::-1]))
ax.legend(handles.values(), handles.keys(), loc="lower center", ncols=2, bbox_to_anchor=(0.5, 1.0))
plotting.show(
    figure,
    "Contours of a surface with two valleys and eight paths of gradient descent. The starts on "
    "the left run into the deep valley, those on the right into the shallow one.",
)
print("heights reached:", *(f"{end:.2f}" for end in ends))

# %% [markdown]
# Which valley you get is decided by where you start. Once in the shallow valley, gradient descent has no reason
# to leave: the gradient is 0. That is a **local minimum** which is not the **global** one.
#
# Now multiply: if two parameters give two valleys, how many will a network with thousands have? And what are the
# odds of ending in the best? Do not reason. Try it.

# %% [markdown]
# ## 2 · Predict, then run
#
# A network with one hidden layer, 64 → 16 → 10, which has 1,210 parameters, learns the 400 images. It does so
# ten times, each time from another random start. (The cells below also train other widths and a deeper network, and
# draw all starts.) What do the ten final training losses look like?
#
# - `"a"`: spread widely; a few starts are lucky, the others end in poor valleys
# - `"b"`: two groups, as on the surface above
# - `"c"`: nearly the same, all close to 0

# %% nbgrader={"grade": false, "grade_id": "prediction_starts", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_starts = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_starts = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_starts", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_starts=prediction_starts)

# %%
def train_network(*hidden, seed, epochs=60):
    """Train a fresh network on the images; return it with its parameters at the start."""
    network = networks.MLP((64, *hidden, 10), rng=np.random.default_rng(seed))
    start = network.params.copy()
    adam = optimizers.Adam(network.params, lr=0.01)
    rng = np.random.default_rng(100 + seed)
    training.train(network, adam, X, y, batch_size=50, epochs=epochs, rng=rng, evaluate_every=10_000)
    return network, start


widths = [2, 3, 4, 6, 8, 16, 32]
final = np.array([[train_network(h, seed=seed)[0].loss(X, y) for seed in range(10)] for h in widths])
for hidden in (2, 16, 32):
    good = np.sum(final[widths.index(hidden)] < 0.05)
    print(f"{hidden:2} hidden units: {good:2} of 10 starts end below a loss of 0.05")
deep = [train_network(16, 16, 16, seed=seed)[0].loss(X, y) for seed in range(10)]
print(f"three hidden layers of 16 units: ten losses from {min(deep):.4f} to {max(deep):.4f}")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
for column, losses in enumerate(final):
    spread = np.linspace(-0.2, 0.2, 10)
    ax.plot(column + spread, np.sort(losses), "o", color=plotting.COLOURS[0], markersize=4.5)
ax.axhline(np.log(10), color="#999999", linewidth=1)
ax.text(len(widths) - 0.6, np.log(10) * 0.93, "guessing", ha="right", va="top", color="#555555")
ax.set(yscale="log", xticks=range(len(widths)), xticklabels=widths)
ax.set(xlabel="hidden units (ten starts each)", ylabel="training loss after 60 epochs")
plotting.show(
    figure,
    "Final training losses of ten starts for seven widths of the hidden layer, on a logarithmic "
    "axis. With 2 or 3 units they lie between 0.3 and 2.3. With 16 and 32 units all ten lie close "
    "together, at about 0.008 and 0.004.",
)

# %%
settle(prediction_starts=prediction_starts)

# %% [markdown]
# The old worry is not made up: with two or three hidden units the result is a lottery. But what is it that is
# drawn? Count the units that are alive, that is, react to at least one image. And train ten times as long as well,
# so that nobody takes slow for stuck:

# %%
def alive(network):
    """Return how many hidden units react to at least one image."""
    return int(np.any(X @ network.weights[0] + network.biases[0] > 0, axis=0).sum())


for epochs in (60, 600):
    trained = [train_network(2, seed=seed, epochs=epochs)[0] for seed in range(10)]
    for count in (2, 1, 0):
        losses = [network.loss(X, y) for network in trained if alive(network) == count]
        print(f"{epochs:3} epochs, {count} of 2 units alive: {len(losses)} of 10 starts, "
              f"losses {min(losses):.1f} to {max(losses):.1f}")

# %% [markdown]
# The prize is the number of units that stay alive. A network with fewer is a smaller network, and ends higher.
# Where one unit lives, training is slow, not stuck. Where none does, the network guesses, and sits on a perfect
# plain: the gradient of all weights is exactly 0.
#
# And the worry goes away as the network grows, *faster* than you would think. With 16 or 32 units some die as well,
# but enough are left: every start is a winner, and so it is in the deeper network.
#
# So the picture of section 1 misleads. Two dimensions are not a small version of a thousand. To see why, we need
# to say what a level place looks like.

# %% [markdown]
# ## 3 · Curvature
#
# Let $f(w)$ be the loss, $w$ of shape $(n,)$. Its gradient $g(w)$, shape $(n,)$, holds the slopes. Its
# **Hessian** $H(w)$, shape $(n, n)$, holds the slopes of the slopes:
#
# $$H_{ij} = \frac{\partial^2 f}{\partial w_i\,\partial w_j} = \frac{\partial g_i}{\partial w_j},
# \qquad H_{ij} = H_{ji}.$$
#
# A point where $g = 0$ is **critical**: level ground. Walk from there a distance $s$ in a direction $v$ of
# length 1:
#
# $$f(w + s\,v) = f(w) + s\,\underbrace{g\cdot v}_{0} + \tfrac12 s^2\; v^\top H v + O(s^3).$$
#
# So the number $v^\top H v$, the **curvature along $v$**, decides: positive, and the ground rises; negative, and
# there is a way down. There are infinitely many directions. But a symmetric matrix has $n$ perpendicular
# eigenvectors $q_i$ with $H q_i = \lambda_i q_i$; and with $v = \sum_i c_i q_i$
#
# $$v^\top H v = \sum_i \lambda_i c_i^2, \qquad \sum_i c_i^2 = 1.$$
#
# It is an average of the eigenvalues. Hence every curvature lies between the lowest and the largest eigenvalue,
# and $n$ numbers say all there is to say:
#
# | eigenvalues | the point is a | |
# |:--|:--|:--|
# | all positive | **minimum** | up on all sides |
# | all negative | **maximum** | down on all sides |
# | some of each sign | **saddle** | a pass: up along one line, down along another |
# | none negative (or none positive), but some are 0 | **undecided** | see section 4 |
#
# (Papers write $\theta$ for $w$ and call the number of negative eigenvalues the *index*. In PyTorch:
# `torch.autograd.functional.hessian` and `hvp`.) The next cell draws the first three.

# %% jupyter={"source_hidden": true}
shapes = [("valley", [1, 2]), ("hill", [-1, -2]), ("pass", [1, -2])]
figure, axes = plt.subplots(1, 3, figsize=(9, 3.1), subplot_kw={"projection": "3d"})
grid = np.linspace(-1, 1, 25)
a, b = np.meshgrid(grid, grid)
for ax, (name, (first, second)) in zip(axes, shapes):
    z = 0.5 * (first * a**2 + second * b**2)
    ax.plot_surface(a, b, z, cmap="Blues_r", linewidth=0, alpha=0.8)
    for x_, y_, curve in [(grid, 0 * grid, first), (0 * grid, grid, second)]:
        style = {"color": plotting.COLOURS[1 if curve < 0 else 2], "linewidth": 3, "zorder": 10}
        ax.plot(x_, y_, 0.5 * curve * grid**2, **style)
    ax.set_title(f"{name}: {first:+}, {second:+}".replace("-", "−"), loc="center")
    ax.set(xticks=[], yticks=[], zticks=[], box_aspect=(1, 1, 0.6))
plotting.show(
    figure,
    "Three surfaces: a valley with curvatures plus 1 and plus 2, a hill with minus 1 and "
    "minus 2, and a pass with plus 1 and minus 2. Lines along the two eigenvectors bend up or "
    "down accordingly.",
)

# %% [markdown]
# ### From a gradient to a Hessian
#
# Nobody likes to derive second derivatives by hand. But column $j$ of $H$ is how the whole gradient changes when
# only $w_j$ moves, and *that* can be measured. With $e_j$ the $j$-th unit vector, Taylor's formula gives
#
# $$g(w \pm h e_j) = g \pm h\,\frac{\partial g}{\partial w_j}
# + \frac{h^2}{2}\frac{\partial^2 g}{\partial w_j^2} \pm O(h^3).$$
#
# Subtract the two: $g$ and the $h^2$ terms cancel. What remains is
#
# $$\frac{g(w + h e_j) - g(w - h e_j)}{2h} = \frac{\partial g}{\partial w_j} + O(h^2),$$
#
# the **central difference**. (The forward difference $\frac1h[g(w + h e_j) - g(w)]$ keeps an error of order
# $h$.) The columns are
# measured one by one, each with its own small error. So the matrix comes out not quite symmetric, and a
# Hessian must be; the average of the matrix and its transpose is the nearest symmetric one.

# %% [markdown]
# ### Exercise 1 · `hessian` (4 points)

# %% nbgrader={"grade": false, "grade_id": "hessian", "locked": false, "schema_version": 3, "solution": true, "task": false}
def hessian(gradient, w, *, h):
    """Hessian by central differences of the gradient, made symmetric.

    Parameters
    ----------
    gradient : function
        gradient(w) takes an array of shape (n,) and returns a new one of shape (n,).
    w : ndarray of shape (n,)
        Where; it may hold whole numbers. Not changed.
    h : float
        How far each coordinate is moved, to either side; positive.

    Returns
    -------
    ndarray of shape (n, n)
        The average of the matrix of central differences and its transpose.

    Examples
    --------
    >>> gradient = lambda w: np.array([2 * w[0], w[1] ** 3])
    >>> hessian(gradient, np.array([5.0, 1.0]), h=0.1).round(2).tolist()
    [[2.0, 0.0], [0.0, 3.01]]
    """
    ### BEGIN SOLUTION
    n = len(w)
    H = np.zeros((n, n))
    for j in range(n):
        nudge = np.zeros(n)
        nudge[j] = h
        H[:, j] = (gradient(w + nudge) - gradient(w - nudge)) / (2 * h)
    return (H + H.T) / 2
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_hessian", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(hessian)
### BEGIN HIDDEN TESTS
check(hessian, seed=1871)
### END HIDDEN TESTS

# %% [markdown]
# How small should $h$ be? Rosenbrock's curved valley has a Hessian that can be written down, so yours can be
# judged:

# %%
measure_hessian = plug_in(hessian)
valley = landscapes.rosenbrock()
at = np.array([-1.2, 1.0])
steps = 10.0 ** np.arange(-12, 0.5, 0.25)
exact = valley.hessian(at)
central = [np.abs(measure_hessian(valley.gradient, at, h=h) - exact).max() for h in steps]
here = valley.gradient(at)
forward = [
    max(np.abs((valley.gradient(at + h * e) - here) / h - exact @ e).max() for e in np.eye(2))
    for h in steps
]
figure, ax = plt.subplots()
plotting.lines(ax, {"central, yours": (steps, central), "forward": (steps, forward)})
ax.axvline(np.finfo(float).eps ** (1 / 3), color="#999999", linewidth=1)
ax.set(xscale="log", yscale="log", xlabel="h (grey: cube root of the machine's precision)")
ax.set(ylabel="largest error in H")
ax.legend()
plotting.show(
    figure,
    "Largest error of the Hessian against the step h on logarithmic axes: two V shapes. The "
    "central difference is best near 6e-6, where its error is far below that of the forward "
    "difference, whose best step is near 1e-8.",
)

# %% [markdown]
# A V: with large $h$ the formula is wrong (slope 2 for the central difference: the $h^2$ at work), with tiny $h$
# you subtract two nearly equal numbers, and what is left is rounding. The sum of both errors, $c_1 h^2 + c_2\,
# \varepsilon/h$ with the machine's precision $\varepsilon = 2.2\cdot10^{-16}$, is smallest at an $h$ of the
# order $\varepsilon^{1/3} \approx 6\cdot10^{-6}$.

# %% [markdown]
# ## 4 · Telling critical points apart
#
# In two dimensions many people know a rule with the determinant. The determinant is the *product* of the
# eigenvalues and the trace is their *sum*, and with more than two numbers neither knows the signs: both
# $5 + 4 - 0.1$ and $(-1)\cdot(-2)\cdot3\cdot4$ are positive. Look at the eigenvalues themselves.
#
# And what if one of them is 0? Then the second derivative is silent in that direction, and anything may happen.
# Three curves:

# %% jupyter={"source_hidden": true}
s = np.linspace(-1, 1, 101)
figure, axes = plt.subplots(1, 3, figsize=(9, 2.4), sharey=True)
cases = [("w⁴: a minimum", s**4), ("−w⁴: a maximum", -(s**4)), ("w³: neither", s**3)]
for index, (ax, (name, height)) in enumerate(zip(axes, cases)):
    plotting.lines(ax, {name: (s, height)}, first=index)
    ax.plot(0, 0, "ko", markersize=5)
    ax.set(title=name, xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="w")
plotting.show(
    figure,
    "The curves of w to the fourth, minus w to the fourth, and w cubed. All three are level "
    "at 0 and have second derivative 0 there; the first has a minimum, the second a maximum, "
    "the third neither.",
)

# %% [markdown]
# At 0 all three have slope 0 and curvature 0. So: **undecided** is an honest answer, and the only right one.
#
# But mind the order of the questions. If one direction goes clearly up and another clearly down, the point is a
# saddle, whatever a third, flat direction does. And measured numbers are never exactly 0, so every question
# needs a tolerance: a length or an eigenvalue no larger in size than `tol` counts as 0.

# %% [markdown]
# ### Exercise 2 · `classify_critical_point` (4 points)

# %% nbgrader={"grade": false, "grade_id": "classify_critical_point", "locked": false, "schema_version": 3, "solution": true, "task": false}
def classify_critical_point(gradient, hessian, *, tol):
    """Say what kind of point it is.

    Parameters
    ----------
    gradient : ndarray of shape (n,)
        Gradient at the point. Not changed.
    hessian : ndarray of shape (n, n)
        Hessian at the point, symmetric. Not changed.
    tol : float
        Positive. What counts as 0: a gradient whose (Euclidean) length is at most tol, and an
        eigenvalue whose size is at most tol (-tol and tol themselves count as 0).

    Returns
    -------
    str
        One of these five. "not critical" where the gradient is not 0. Otherwise "minimum",
        "maximum", "saddle", or "undecided" where the second derivatives prove none of these.

    Examples
    --------
    >>> level = np.zeros(2)
    >>> classify_critical_point(level, np.array([[2.0, 1.0], [1.0, 2.0]]), tol=1e-6)
    'minimum'
    >>> classify_critical_point(level, np.array([[2.0, 0.0], [0.0, 1e-9]]), tol=1e-6)
    'undecided'
    """
    ### BEGIN SOLUTION
    if np.linalg.norm(gradient) > tol:
        return "not critical"
    eigenvalues = np.linalg.eigvalsh(hessian)
    if np.all(eigenvalues > tol):
        return "minimum"
    if np.all(eigenvalues < -tol):
        return "maximum"
    if np.any(eigenvalues > tol) and np.any(eigenvalues < -tol):
        return "saddle"
    return "undecided"
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_classify_critical_point", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(classify_critical_point)
### BEGIN HIDDEN TESTS
check(classify_critical_point, seed=1851)
### END HIDDEN TESTS

# %% [markdown]
# The two valleys of section 1 have a third critical point between them. With your two functions, what are the
# three?

# %%
classify = plug_in(classify_critical_point)
level_at = np.sort(np.roots([1.0, 0.0, -1.0, 0.2]).real)  # where the slope x³ − x + 0.2 is 0
for x_ in level_at:
    place = np.array([x_, 0.0])
    H = measure_hessian(wells.gradient, place, h=1e-5)
    kind = classify(wells.gradient(place), H, tol=1e-6)
    print(f"x = {x_:+.2f}, height {wells.value(place):+.2f}: {kind}")

# %% [markdown]
# Between two valleys there is a pass. This is no accident, and it is our first hint that in a rugged landscape
# the valleys are not alone.

# %% [markdown]
# ## 5 · Why two dimensions mislead
#
# A critical point is a minimum if *all* $n$ curvatures are positive. The argument that you find in lecture notes
# goes: suppose each curvature is positive or negative with probability ½, independently. Then the probability of
# a minimum is $2^{-n}$: a quarter in the plane, one in a million for 20 parameters, and for 20,000 parameters
# $10^{-6021}$. Nearly every level place has a way down; it is a saddle.
#
# A good argument, with one weak word: *independently*. Let us take it seriously and ask what a Hessian "without
# any preference" looks like. Draw a matrix $G$ with independent standard normal entries and make it symmetric:
#
# $$H = \frac{G + G^\top}{\sqrt2}.$$
#
# Off the diagonal the variance is $(1+1)/2 = 1$, on it $(2)^2/2 = 2$. With just these variances no direction is
# preferred: rotate the axes, and the distribution stays as it is. (It is called the Gaussian orthogonal
# ensemble.)
#
# **At most $2^{-n}$.** If $H$ curves up in all directions, it does so along the axes: $e_i^\top H e_i = H_{ii} >
# 0$. The diagonal entries *are* independent, so they are all positive with probability $2^{-n}$. But all the
# directions between the axes must curve up as well. The lecture notes' number is therefore not the answer, but a
# ceiling.
#
# **Two dimensions, exactly.** Write
#
# $$H = \begin{pmatrix} u + d & b\\ b & u - d\end{pmatrix},\qquad
# u = \frac{H_{11} + H_{22}}2,\quad d = \frac{H_{11} - H_{22}}2,\quad b = H_{12}.$$
#
# Both $u$ and $d$ have variance $(2 + 2)/4 = 1$, and so has $b$; they are uncorrelated and normal, so
# independent. The eigenvalues are $u \pm\sqrt{d^2 + b^2}$. A minimum means
#
# $$u > \sqrt{d^2 + b^2}.$$
#
# In the space of $(d, b, u)$ this is a *cone* about the $u$ axis, with an opening angle of 45° to all sides. A
# cloud of three independent standard normals has no preferred direction, so the probability is the cone's share
# of a sphere. A cap with half-angle $\varphi$ covers $(1 - \cos\varphi)/2$ of a sphere, and for 45°
#
# $$P_2 = \frac{1 - \cos 45°}{2} = \frac{2 - \sqrt2}{4} = 0.1464.$$
#
# Not a quarter. The same geometry in more dimensions is hard; for $n = 3$ the result is
# $P_3 = \frac{\pi - 2\sqrt2}{4\pi} = 0.0249$ (against $\frac18$), and for large $n$ Dean and Majumdar (2006)
# found that it falls like $e^{-\frac{\ln 3}{4} n^2}$: with the *square* of $n$ in the exponent. To
# leading order that means: the quotient $P_{n+1}/P_n$ is no constant ½, but shrinks from each dimension to the
# next by $e^{-2\frac{\ln3}4} = 1/\sqrt3$.
#
# The next cell draws the two-dimensional case: 1,500 random matrices as points, $u$ against the distance from the
# axis $\sqrt{d^2+b^2}$, with the cone of the minima and that of the maxima shaded.

# %% jupyter={"source_hidden": true}
rng = np.random.default_rng(1)
cloud = curvature.random_symmetric_matrices(1500, 2, rng=rng)
u = (cloud[:, 0, 0] + cloud[:, 1, 1]) / 2
r = np.hypot((cloud[:, 0, 0] - cloud[:, 1, 1]) / 2, cloud[:, 0, 1])
kinds = [("minimum", u > r, "o"), ("saddle", np.abs(u) <= r, "x"), ("maximum", u < -r, "^")]
figure, ax = plt.subplots(figsize=(5.6, 4.2))
for index, (name, mask, marker) in enumerate(kinds):
    style = {"color": plotting.COLOURS[index], "marker": marker, "linestyle": "", "markersize": 4}
    ax.plot(r[mask], u[mask], label=f"{name}: {mask.mean():.0%}", alpha=0.7, **style)
edge = np.array([0, 4])
ax.fill_between(edge, edge, 4.2, color=plotting.COLOURS[0], alpha=0.1, linewidth=0)
ax.fill_between(edge, -edge, -4.2, color=plotting.COLOURS[2], alpha=0.1, linewidth=0)
ax.set(xlim=(0, 4), ylim=(-4.2, 4.2), ylabel="u, the mean curvature")
ax.set_xlabel("distance from the axis, √(d² + b²)")
ax.legend(loc="upper right", frameon=True)
plotting.show(
    figure,
    "1,500 random symmetric 2 by 2 matrices as points: the mean of the two eigenvalues "
    "against half their distance. The minima fill a cone at the top, the maxima one at "
    "the bottom, about 15 percent each; all the rest are saddles.",
)

# %% [markdown]
# ### Exercise 3 · `probability_of_minimum` (3 points)
#
# Count it. Your function gets a stack of Hessians and says what fraction of them are minima. A simulated
# probability without an error bar is worth little, so it returns the standard error, too. Each matrix is a hit
# (1) or a miss (0), with variance $p(1-p)$; the mean of $N$ independent ones has variance $p(1-p)/N$; the
# standard error is the root of that.

# %% nbgrader={"grade": false, "grade_id": "probability_of_minimum", "locked": false, "schema_version": 3, "solution": true, "task": false}
def probability_of_minimum(hessians):
    """Fraction of Hessians that belong to a minimum, with its standard error.

    Parameters
    ----------
    hessians : ndarray of shape (N, n, n)
        N >= 1 symmetric matrices, n >= 1. Not changed.

    Returns
    -------
    p : float
        Fraction of the matrices all of whose eigenvalues are greater than 0 (0 itself is not).
    error : float
        Standard error of p, the root of p (1 - p) / N. It is 0 where p is 0 or 1.

    Examples
    --------
    >>> stack = np.array([[[2.0, 1.0], [1.0, 2.0]], [[1.0, 2.0], [2.0, 1.0]]])
    >>> p, error = probability_of_minimum(stack)
    >>> float(p), round(float(error), 4)
    (0.5, 0.3536)
    """
    ### BEGIN SOLUTION
    eigenvalues = np.linalg.eigvalsh(hessians)
    p = np.mean(np.all(eigenvalues > 0, axis=1))
    return p, np.sqrt(p * (1 - p) / len(hessians))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_probability_of_minimum", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(probability_of_minimum)
### BEGIN HIDDEN TESTS
check(probability_of_minimum, seed=2006)
### END HIDDEN TESTS

# %% [markdown]
# Your function counts 200,000 random matrices for each dimension up to 5, and beside them matrices with independent
# curvatures. The second cell draws what it found, with error bars of two standard errors.

# %%
count_minima = plug_in(probability_of_minimum)
rng = np.random.default_rng(2)
sizes, draws = np.arange(1, 6), 200_000
dependent, independent = [], []
for n in sizes:
    dependent.append(count_minima(curvature.random_symmetric_matrices(draws, n, rng=rng)))
    diagonal = rng.normal(size=(20_000, n))[:, :, None] * np.eye(n)  # independent curvatures
    independent.append(count_minima(diagonal))
for n, (p, error) in zip(sizes, dependent):
    print(f"n = {n}: {p:.5f} ± {error:.5f}   if independent: {0.5**n:.5f}")
exact = {1: 0.5, 2: (2 - math.sqrt(2)) / 4, 3: (math.pi - 2 * math.sqrt(2)) / (4 * math.pi)}
print("exact:", ", ".join(f"n = {n}: {p:.5f}" for n, p in exact.items()))

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
both = {"independent curvatures": independent, "random symmetric": dependent}
for index, (name, found) in enumerate(both.items()):
    p, error = np.array(found).T
    style = {"color": plotting.COLOURS[index], "linestyle": "", "marker": "os"[index], "capsize": 4}
    ax.errorbar(sizes, p, yerr=2 * error, label=name, **style)
plotting.lines(ax, {"2⁻ⁿ": (sizes, 0.5**sizes)}, linewidth=1)
ax.plot(list(exact), list(exact.values()), "k+", markersize=13, label="exact")
law = [exact[2], exact[3]]
for _ in range(2):
    law.append(law[-1] * (law[-1] / law[-2]) / math.sqrt(3))
plotting.lines(ax, {"the law, from n = 2 and 3 on": (sizes[1:], law)}, first=1, linewidth=1)
ax.set(yscale="log", xticks=sizes, xlabel="dimension n", ylabel="probability of a minimum")
ax.legend(fontsize=9.5)
plotting.show(
    figure,
    "Probability of a minimum against the dimension, on a logarithmic axis, with error bars. "
    "Independent curvatures follow 2 to the minus n, a straight line. Random symmetric "
    "matrices bend away below it: one in 40 for n = 3 and about one in 7,000 for n = 5.",
)

# %% [markdown]
# The measured points bend down, away from the straight line, and they follow the law. In five
# dimensions one level place in 7,000 is a minimum, not one in 32. Why so much rarer? The eigenvalues of a
# symmetric matrix *repel* each other: they like to be spread out, and to put all of them on one side of 0 is to
# squeeze them.
#
# What does it say about networks? With caution: a network's Hessian is not a random matrix without preference.
# Its loss cannot fall below 0, so at a *low* loss there is little down left, and most curvatures are positive.
# (That is what Dauphin et al. (2014) found in real networks: the higher a critical point, the more negative
# curvatures.) But the moral holds: **a high place where all directions go up is a coincidence of thousands.**
# Where the loss is high and the ground is level, expect a pass.

# %% [markdown]
# ## 6 · How long does a saddle hold you?
#
# A pass has a way down. But at its top the gradient is 0, and gradient descent goes only where the gradient
# sends it. The simplest saddle of the course is $f(x, y) = \frac12x^2 - \frac12y^2 + \frac14y^4$: up along $x$,
# down along $y$ to two
# minima at $y = \pm1$.

# %%
pass_ = landscapes.saddle()
offsets = [0.0, 1e-9, 1e-3]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
plotting.contours(left, pass_.value, (-1.7, 0.5, -0.4, 1.4))
for index, offset in enumerate(offsets):
    start = np.array([-1.5, offset])
    walk = landscapes.descend(pass_, lambda w: optimizers.SGD(w, lr=0.1), steps=350, start=start)
    name = {0: "on the line", 1e-9: "10⁻⁹ beside it", 1e-3: "10⁻³ beside it"}[offset]
    plotting.path(left, walk, label=name, index=index, every=8)
    plotting.lines(right, {name: (range(351), pass_.value(walk))}, first=index)
left.set(xlabel="x", ylabel="y")
left.legend(loc="upper left", fontsize=9.5)
right.set(xlabel="steps", ylabel="loss")
plotting.show(
    figure,
    "Left: three paths run along the line y = 0 to the saddle at the origin. The one that "
    "starts exactly on the line ends there; the others turn and run up the y axis to the "
    "minimum. Right: their losses. All three rest at the height of the saddle; one leaves it "
    "after about 50 steps, one after about 200, one never.",
)

# %% [markdown]
# All three paths first slide *towards* the saddle, along the line $y = 0$. The one that starts exactly on this
# line ends on the saddle and stays. It looks converged: gradient 0, loss constant. The others leave, sooner or
# later.
#
# Now the loss curve on the right. A long flat stretch, then a sudden fall. You cannot see from it whether
# training is done or merely on a pass.
#
# **Predict.** A start at $10^{-3}$ beside the line needs 49 steps until it is 0.1 away from it. How much longer
# does a start at $10^{-9}$ take, a million times closer?
#
# - `"a"`: about a million times as long
# - `"b"`: about a thousand times as long
# - `"c"`: about four times as long
# - `"d"`: just as long

# %% nbgrader={"grade": false, "grade_id": "prediction_closer", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_closer = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
prediction_closer = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_closer", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_closer=prediction_closer)

# %% [markdown]
# **The formula.** Near a saddle, $g \approx H\,(w - w_\text{saddle})$. Measure the position in the eigenvectors
# of $H$: let $y_t$ be the coordinate along the one with the negative curvature $\lambda$. Gradient descent with
# rate $\alpha$ does
#
# $$y_{t+1} = y_t - \alpha\lambda\, y_t = (1 + \alpha\lvert\lambda\rvert)\; y_t.$$
#
# (Along a positive curvature $\lambda_+$ it is multiplied by $1 - \alpha\lambda_+$ per step: that is the slide
# towards the saddle, as long as $\alpha\lambda_+ < 2$.) So the distance from the stable line is *multiplied* at
# each step. It starts as $\delta$, and we call it escaped when it has reached a radius $R$, beyond which the
# quadratic picture no longer holds. After $t$ steps it is $\delta\,(1 + \alpha\lvert\lambda\rvert)^t$. Set that
# to $R$, take logarithms, and solve for $t$; steps are whole, so the next whole number counts.

# %% [markdown]
# ### Exercise 4 · `escape_steps` (4 points)

# %% nbgrader={"grade": false, "grade_id": "escape_steps", "locked": false, "schema_version": 3, "solution": true, "task": false}
def escape_steps(curvature, offset, *, lr, radius):
    """Steps that gradient descent needs to leave a saddle.

    Parameters
    ----------
    curvature : float
        Curvature of the direction in question, with its sign: negative is a way down.
    offset : float
        Distance from the stable line at the start, along that direction; 0 or positive.
    lr : float
        Learning rate, positive; lr * curvature is at most 2, so that no valley throws it out.
    radius : float
        Distance at which it has escaped, positive.

    Returns
    -------
    int, or math.inf
        The smallest number of steps after which the distance is at least `radius`: 0 where it is
        so at the start, whatever the curvature. math.inf where it never will be.

    Examples
    --------
    >>> escape_steps(-1.0, 0.001, lr=0.1, radius=0.1)
    49
    >>> escape_steps(-1.0, 1.0, lr=1.0, radius=8.0)  # 1, 2, 4, 8
    3
    """
    ### BEGIN SOLUTION
    if offset >= radius:
        return 0
    if offset == 0 or curvature >= 0:
        return math.inf
    steps = math.log(radius / offset) / math.log(1 + lr * abs(curvature))
    return math.ceil(round(steps, 9))  # what should be 3 may come out as 3.0000000000000004
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_escape_steps", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(escape_steps)
### BEGIN HIDDEN TESTS
check(escape_steps, seed=1991)
### END HIDDEN TESTS

# %% [markdown]
# Theory against measurement, on the surface above ($\lambda = -1$, and not exactly quadratic), from 0.03 down to
# $3\cdot10^{-12}$ beside the line:

# %%
steps_to_leave = plug_in(escape_steps)


def measured_escape(offset, *, noise=0.0, seed=0, lr=0.1, radius=0.1):
    """Count the steps until |y| reaches the radius."""
    make, rng = lambda w: optimizers.SGD(w, lr=lr), np.random.default_rng(seed)
    start = np.array([-1.5, offset])
    walk = landscapes.descend(pass_, make, steps=300, start=start, noise=noise, rng=rng)
    return int(np.argmax(np.abs(walk[:, 1]) >= radius))


offsets = 10.0 ** -np.arange(1.5, 12.5)
theory = [steps_to_leave(-1.0, offset, lr=0.1, radius=0.1) for offset in offsets]
measured = [measured_escape(offset) for offset in offsets]
worst = np.abs(np.subtract(theory, measured)).max()
print(f"largest difference between theory and measurement: {worst} steps")
for offset in (1e-3, 1e-9, 1e-12):
    print(f"from {offset:.0e}: {measured_escape(offset)} steps")

# %%
settle(prediction_closer=prediction_closer)

# %% [markdown]
# A logarithm is a merciful function. Even from a *millionth of a millionth* beside the line it takes only
# 266 steps to escape.
#
# And gradients of mini-batches are never exact (week 01). Suppose each gradient carries noise of standard
# deviation $\sigma$ in every component, and start *exactly* on the line. With $a = \alpha\lvert\lambda\rvert$
# and independent normal $\xi_i$ of variance $\sigma^2$,
#
# $$y_t = \alpha\sum_{i=1}^{t} (1+a)^{t-i}\,\xi_i = (1 + a)^t\;\alpha\sum_{i=1}^{t} (1 + a)^{-i}\,\xi_i .$$
#
# The sum settles quickly, since later kicks count less and less. It has the variance
# $\sigma^2\sum_i (1+a)^{-2i} \to \sigma^2 / ((1+a)^2 - 1)$. So noise acts like a start beside the line at a
# distance of
#
# $$\delta_\text{noise} \approx \frac{\alpha\,\sigma}{\sqrt{(1+a)^2 - 1}},$$
#
# times the size of a standard normal number, whose median is 0.67. Is that so?

# %%
sigmas = np.array([1e-4, 1e-3, 1e-2, 1e-1])
runs = np.array([
    [measured_escape(0.0, noise=s, seed=40 * i + run) for i, s in enumerate(sigmas)] for run in range(40)
])
equivalent = 0.6745 * 0.1 * sigmas / math.sqrt(1.1**2 - 1)
predicted = [steps_to_leave(-1.0, offset, lr=0.1, radius=0.1) for offset in equivalent]
for s, steps_, found in zip(sigmas, predicted, runs.T):
    print(f"noise {s:g}: theory {steps_:3} steps, 40 runs: median {np.median(found):g}, longest {found.max()}")

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
plotting.lines(left, {"theory": (offsets, theory)})
left.plot(offsets, measured, "o", color=plotting.COLOURS[1], markersize=5, label="measured")
left.set(xscale="log", xlabel="offset δ at the start", ylabel="steps to escape", title="without noise")
left.legend()
plotting.band(right, sigmas, runs, label="40 runs: median, range", index=1, marker="o")
plotting.lines(right, {"theory": (sigmas, predicted)})
right.set(xscale="log", xlabel="gradient noise σ", title="on the line, with noise")
right.legend()
plotting.show(
    figure,
    "Left: steps to escape against the offset at the start on a logarithmic axis: a straight "
    "line, theory and measurement coincide. Right: from exactly on the stable line, with "
    "gradient noise: the medians fall from about 90 steps for the weakest noise to about 20 for "
    "the strongest and lie within 2 steps of the theory's line; the slowest runs take 25 to 85 more.",
)

# %% [markdown]
# It is: medians of 40 runs scatter by about 2 steps themselves. Noise of a ten-thousandth already ends the
# standstill within 125 steps. Week 01 sold you noise as the price for cheap steps; here it is a service.
#
# What makes a saddle expensive is not the offset but $\lvert\lambda\rvert$: for small
# $\alpha\lvert\lambda\rvert$ the time is about $\ln(R/\delta)/(\alpha\lvert\lambda\rvert)$. A way down that is a
# hundred times less steep takes a hundred times as long. A saddle whose negative curvature is nearly 0 is, for
# all practical purposes, a plain.

# %% [markdown]
# ## 7 · The plateau race
#
# A **plateau** is a region where the gradient is close to 0 for a long way. Our model is a hole in a plain:
# $f = 1 - e^{-\frac12(x^2+y^2)}$. At a distance of 4 from the hole, the slope is 0.0013; at 4.5, 0.0002.
#
# Four optimizers, 20 starts all around, at distances from 3.5 to 4.5. Each optimizer gets its own best learning
# rate out of 17, the one whose *slowest* start arrives first. Arrived means: below a height of 0.05, and staying
# there. The second cell draws the paths from one start, and how many starts have arrived when.

# %%
plain = landscapes.plateau()
rng = np.random.default_rng(3)
distance, angle = np.linspace(3.5, 4.5, 20), rng.uniform(0, 2 * np.pi, 20)
starts = distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
racers = {
    "gradient descent": optimizers.SGD,
    "Momentum": optimizers.Momentum,
    "RMSprop": optimizers.RMSprop,
    "Adam": optimizers.Adam,
}


def race(kind, lr, steps=1000):
    """Run all starts at once, as one long vector; return the paths, (steps + 1, 20, 2)."""
    w = starts.ravel().copy()
    optimizer, paths = kind(w, lr=lr), [starts]
    for _ in range(steps):
        optimizer.step(plain.gradient(w.reshape(starts.shape)).ravel())
        paths.append(w.reshape(starts.shape).copy())
    return np.array(paths)


def arrivals(paths):
    """Return for each start the step from which on it stays below 0.05, or infinity."""
    above = plain.value(paths) > 0.05
    return np.where(above[-1], np.inf, len(above) - np.argmax(above[::-1], axis=0))


rates = [round(float(lr), 3) for lr in 10.0 ** np.arange(-2, 2.1, 0.25)]
results = {}
for name, kind in racers.items():
    lr = min(rates, key=lambda lr: arrivals(race(kind, lr)).max())
    results[name] = race(kind, lr)
    time = arrivals(results[name])
    print(f"{name:17} lr {lr:6.3f}: median {np.median(time):3.0f} steps, slowest {time.max():3.0f}")

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(9.4, 4))
levels = [0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999, 0.9999]
plotting.contours(left, plain.value, (-4.2, 1.4, -2.8, 1.2), levels=levels)
runner = int(np.argmin(np.abs(distance - 4.2) + 9 * np.any(starts > 0, axis=1)))
for index, (name, paths) in reversed(list(enumerate(results.items()))):
    plotting.path(left, paths[:41, runner], label=name, index=index)
for index, (name, paths) in enumerate(results.items()):
    time = np.sort(arrivals(paths))
    share = np.arange(1, 21) / 20
    plotting.lines(right, {name: (time, share)}, first=index, drawstyle="steps-post")
left.set_title("one start, the first 40 steps")
right.set(xscale="log", xlabel="steps", ylabel="share of starts that arrived", title="the race")
right.legend(loc="lower right", fontsize=9.5)
plotting.show(
    figure,
    "Left: paths over a plain towards a hole. In 40 steps gradient descent has hardly moved, "
    "Momentum a little more, RMSprop and Adam have reached the hole; Adam swings through it first. "
    "Right: share of the 20 starts that have arrived, against steps on a logarithmic axis. RMSprop "
    "has all in after 18 steps, Adam after 26, Momentum after 144, gradient descent after 788.",
)

# %% [markdown]
# Why does gradient descent not simply take a rate of 1,000? Because the same rate has to serve in the hole.
# There the curvature is 1, and from $\alpha = 2/\lambda = 2$ on it is thrown out again (week 01's bound). Its
# best rate is the largest that survives the valley, and on the plain that is next to nothing.
#
# - **Momentum** collects the small pushes, and its stability limit is higher: $2(1+\beta)/(1-\beta) = 38$ with
#   $\beta = 0.9$ (week 04). That is why its rate can be ten times as large.
# - **RMSprop** and **Adam** divide by the size of the gradient itself. A slope of 0.0002 or 0.2, the step is
#   about `lr` long (week 05). To them, a plateau is not flat. (Adam is at the hole first, but its first moment
#   keeps pushing: it swings through, and needs a few more steps to come to rest.)
#
# One honest limit: where the gradient on the plain is smaller than its *noise*, dividing by its size makes large
# steps in random directions. No optimizer can follow a slope that it cannot see.

# %% [markdown]
# ## 8 · A real network
#
# Enough of surfaces that fit on a page. What is the curvature of the network from section 2, with its 1,210
# parameters? Its Hessian has 1.5 million entries. For a network with a hundred million parameters it would
# have $10^{16}$, which is 80,000 terabytes.
#
# But you rarely want the matrix. You want what it does to a vector: $Hv$, shape $(n,)$. And that is how fast the
# gradient changes along $v$:
#
# $$Hv = \lim_{s\to0}\frac{g(w + s\,v) - g(w - s\,v)}{2s}.$$
#
# Two gradients, and the derivation of section 3 holds as it stands, with $v$ in place of $e_j$. There is one
# trap. How far you move is $s\lVert v\rVert$, and it should be $h$ whether $v$ is long or short. So choose
# $s = h/\lVert v\rVert$.

# %% [markdown]
# ### Exercise 5 · `hessian_vector_product` (4 points)

# %% nbgrader={"grade": false, "grade_id": "hessian_vector_product", "locked": false, "schema_version": 3, "solution": true, "task": false}
def hessian_vector_product(gradient, w, v, *, h):
    """Product of the Hessian with a vector, from two gradients.

    Parameters
    ----------
    gradient : function
        gradient(w) takes an array of shape (n,) and returns a new one of shape (n,).
    w : ndarray of shape (n,)
        Where; it may hold whole numbers, like v. Not changed.
    v : ndarray of shape (n,)
        The vector, of any length, 0 included. Not changed.
    h : float
        Distance from w to each of the two points at which the gradient is taken, whatever the
        length of v; positive.

    Returns
    -------
    ndarray of shape (n,)
        H v, by a central difference; zeros where v is 0.

    Examples
    --------
    >>> gradient, v = lambda w: np.array([2 * w[0], w[1] ** 3]), np.array([0.0, 3.0])
    >>> hessian_vector_product(gradient, np.ones(2), v, h=0.1).round(2).tolist()
    [0.0, 9.03]
    """
    ### BEGIN SOLUTION
    length = np.linalg.norm(v)
    if length == 0:
        return np.zeros_like(v)
    nudge = h / length * v
    return (gradient(w + nudge) - gradient(w - nudge)) / (2 * h) * length
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_hessian_vector_product", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(hessian_vector_product)
### BEGIN HIDDEN TESTS
check(hessian_vector_product, seed=1994)
### END HIDDEN TESTS

# %% [markdown]
# Your product on the real network, against the whole Hessian. `curvature.network_gradient` turns a network into
# a function of its parameters, and hands out a new array each time. (The network itself reuses one array for all
# its gradients. Subtract two of *those*, and you get exactly 0: a classic.)
#
# The step is smaller here, $h = 10^{-9}$. A ReLU has a kink, where the gradient jumps, and a difference across a
# kink measures the jump instead of the curvature. The closer the two points, the rarer that is; and six digits
# are left.

# %%
multiply = plug_in(hessian_vector_product)
network = networks.MLP((64, 16, 10), rng=np.random.default_rng(1))
gradient = curvature.network_gradient(network, X, y)
full = curvature.hessian(gradient, network.params, h=1e-9)
v = np.random.default_rng(4).normal(size=len(network.params))
difference = multiply(gradient, network.params, v, h=1e-9) - full @ v
error = np.linalg.norm(difference) / np.linalg.norm(full @ v)
print("H v with and without H differ by less than 0.01 %:", bool(error < 1e-4))
eigenvalues = np.linalg.eigvalsh(full)
print(f"at the start: lowest curvature {eigenvalues[0]:.2f}, largest {eigenvalues[-1]:.2f}; "
      f"about {np.mean(eigenvalues < -1e-3):.0%} of all are below -0.001")

# %% tags=["nbval-ignore-output"]
def milliseconds(run, repeats):
    """Return the median time of a call."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return np.median(times) * 1e3


w = network.params
yours = milliseconds(lambda: multiply(gradient, w, v, h=1e-9), 50)
library = milliseconds(lambda: curvature.hessian_vector_product(gradient, w, v, h=1e-9), 50)
whole = milliseconds(lambda: curvature.hessian(gradient, w, h=1e-9), 1)
print(f"H v: yours {yours:.2f} ms, the library's {library:.2f} ms; "
      f"the whole Hessian {whole:,.0f} ms")

# %% [markdown]
# ### The lowest curvature, without the Hessian
#
# Multiply a random vector by $H$ again and again, and it turns towards the eigenvector with the largest
# $\lvert\lambda\rvert$: **power iteration**. For a network that finds the *largest* curvature; we want the most
# negative. The **Lanczos method** makes better use of the same products: it looks for the lowest (and the largest)
# value of $v^\top Hv$ among *all* combinations of $v, Hv, H^2v, \dots$. It finds an end of the spectrum after some
# dozens of products, or a few hundred where the eigenvalues crowd there. SciPy has it
# (`scipy.sparse.linalg.eigsh`), and `curvature.extreme_curvature` feeds it with such products.
#
# Three networks, each measured at eight moments during training: loss, length of the gradient, lowest and largest
# curvature, and how many products $Hv$ the lowest took. The second cell draws them, and beside them the whole
# spectrum of one network, at the start and at the end.

# %%
def counted(gradient):
    """Return the gradient function with its number of calls as the attribute `calls`."""
    def counting(w):
        counting.calls += 1
        return gradient(w)

    counting.calls = 0
    return counting


moments = [0, 1, 2, 4, 8, 16, 32, 64]
history = {name: [] for name in ("loss", "slope", "lowest", "products", "largest")}
for seed in (1, 2, 3):
    network = networks.MLP((64, 16, 10), rng=np.random.default_rng(seed))
    gradient = counted(curvature.network_gradient(network, X, y))
    adam, rng = optimizers.Adam(network.params, lr=0.01), np.random.default_rng(seed)
    rows, done = [], 0
    for moment in moments:
        if moment > done:
            options = {"batch_size": 50, "epochs": moment - done, "evaluate_every": 10_000}
            training.train(network, adam, X, y, rng=rng, **options)
            done = moment
        options = {"rng": np.random.default_rng(0), "h": 1e-9, "tol": 1e-4}
        gradient.calls = 0
        low, _ = curvature.extreme_curvature(gradient, network.params, which="lowest", **options)
        products = gradient.calls / 2
        high, _ = curvature.extreme_curvature(gradient, network.params, which="largest", **options)
        slope = np.linalg.norm(gradient(network.params))
        rows.append([network.loss(X, y), slope, low, products, high])
    for name, column in zip(history, np.array(rows).T):
        history[name].append(column)
loss, slopes, lowest, products, largest = (np.array(history[name]) for name in history)
for name, found in [("lowest curvature", lowest), ("length of the gradient", slopes),
                    ("products for the lowest", products)]:
    first, last = (float(f"{np.median(found[:, moment]):.0e}") for moment in (0, -1))  # one digit
    print(f"{name}, median of three: about {first:g} at the start, {last:g} at the end")
print("lowest curvature negative at every moment, in every network:", bool((lowest < 0).all()))

trained, _ = train_network(16, seed=1)
last = curvature.hessian(curvature.network_gradient(trained, X, y), trained.params, h=1e-9)

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
plotting.band(left, moments, loss, label="loss", index=6)
plotting.band(left, moments, largest, label="largest curvature", index=0, marker="o")
plotting.band(left, moments, -lowest, label="size of the most negative", index=1, marker="^")
left.set(title="during training", xscale="symlog", yscale="log", xlabel="epochs")
left.set(xticks=moments, xticklabels=moments)
left.minorticks_off()
left.legend(fontsize=9.5, loc="lower left")
for index, (matrix, name) in enumerate([(full, "start"), (last, "end")]):
    rank = np.arange(1, len(matrix) + 1)
    plotting.lines(right, {name: (rank, np.linalg.eigvalsh(matrix))}, first=index)
right.set(xlabel="eigenvalue number", ylabel="eigenvalue", title="all 1,210 curvatures")
right.set_yscale("symlog", linthresh=1e-2)
right.legend()
plotting.show(
    figure,
    "Left: loss, largest curvature and the size of the most negative curvature during "
    "training, on logarithmic axes. The most negative curvature shrinks from 0.6 to about "
    "0.002 as the loss falls; the largest stays between 1.6 and 5 for 16 epochs, then falls too. Right: all "
    "eigenvalues at start and end. At the start some are clearly negative; at the end none "
    "are, most are near 0 and a few positive.",
)

# %% [markdown]
# Read this figure slowly; it is the answer to the week's question, from a real network.
#
# - At no moment is the network in a bowl: **some direction curves down**, in all three networks, at all eight
#   moments. Nor is it on level ground at any of them: its way down is the gradient.
# - Both get weaker together with the loss. At the end the most negative curvature is about 0.002, hundreds of times
#   smaller than the largest. If the ground were level there, this direction would be a way out, but a slow one: by
#   the formula of section 6, at a rate of 0.2, it would take 2,500 steps for each factor of $e$.
# - Most eigenvalues are near 0. The floor is not a bowl, and not a pass; it is a *plain* with a few steep walls.
#
# ### Walking through the landscape
#
# A loss surface in 1,210 dimensions cannot be drawn, but cuts through it can. The simplest is a straight line:
# from the start of training to its end, $w(s) = w_\text{start} + s\,(w_\text{end} - w_\text{start})$. Training
# does not walk there; it winds. And between two trained networks?
#
# **Predict.** On the straight line from start to end, how does the loss go?
#
# - `"a"`: it falls all the way
# - `"b"`: over at least one hill
# - `"c"`: flat for most of the way, and down at the very end

# %% nbgrader={"grade": false, "grade_id": "prediction_line", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_line = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_line = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_line", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_line=prediction_line)

# %%
pairs = [train_network(16, seed=seed) for seed in range(1, 6)]
s = np.linspace(0, 1, 41)
home = np.array([curvature.line_losses(net, X, y, start, net.params, s) for net, start in pairs])
solutions = [net.params for net, _ in pairs]
net = pairs[0][0]
between = [curvature.line_losses(net, X, y, solutions[i], solutions[i - 1], s) for i in range(5)]
half_way = np.array(between)[:, 20]
rises = np.diff(home, axis=1).max()
print("from start to end, the loss rises somewhere:", bool(rises > 1e-3))
print(f"half-way between two solutions: loss {half_way.min():.1f} to {half_way.max():.1f}")

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
plotting.band(axes[0], s, home, label="five networks: median, range")
plotting.band(axes[1], s, between, label="five pairs: median, range", index=1)
axes[0].set(title="from start to end", xlabel="s: 0 start, 1 end", ylabel="loss", ylim=(0, None))
axes[1].set(title="from one solution to another", xlabel="s: 0 one, 1 the other")
axes[0].legend(loc="upper right", fontsize=9.5)
axes[1].legend(loc="upper right", fontsize=9.5)
plotting.show(
    figure,
    "Left: the loss on the straight line from the start to the end of training falls smoothly "
    "from about 2.5 to 0, for all five networks. Right: between two trained networks it rises "
    "from 0 to a hill of 0.7 to 1.6 half-way.",
)

# %%
settle(prediction_line=prediction_line)

# %% [markdown]
# From start to end: downhill all the way, no hill, no pass in between (Goodfellow, Vinyals and Saxe, 2015, found
# the same in far larger networks). From one solution to another: a hill. Two valleys, then?
#
# Not so fast. Hidden units have no order. Number them differently, and the network computes the same, at another
# place: one solution is found at $16! = 2\cdot10^{13}$ places. So look half-way between a network and *itself*,
# renumbered at random. And then between two solutions again, after giving the same number to the units whose weights
# are most alike:

# %%
def renumbered(network, order):
    """Return the parameters of the same network with its hidden units in another order."""
    twin = networks.MLP((64, 16, 10), rng=np.random.default_rng(0))
    twin.weights[0][...], twin.biases[0][...] = network.weights[0][:, order], network.biases[0][order]
    twin.weights[1][...], twin.biases[1][...] = network.weights[1][order], network.biases[1]
    return twin.params


def alike(network, other):
    """Return the parameters of `other`, its units renumbered to match those of `network`."""
    units = [np.vstack([n.weights[0], n.biases[0], n.weights[1].T]) for n in (network, other)]
    _, order = linear_sum_assignment(units[0].T @ units[1], maximize=True)
    return renumbered(other, order)


nets = [net for net, _ in pairs]
twins = [renumbered(n, np.random.default_rng(seed).permutation(16)) for seed, n in enumerate(nets)]
matched = [alike(nets[i], nets[i - 1]) for i in range(5)]
for name, others in [("its renumbered twin", twins), ("another solution, numbered alike", matched)]:
    middle = [curvature.line_losses(net, X, y, solutions[i], others[i], s)[20] for i in range(5)]
    print(f"half-way between a solution and {name}: loss {min(middle):.1f} to {max(middle):.1f}")

# %% [markdown]
# Between a network and itself the hill is nearly as high. So most of it is a matter of bookkeeping: half-way one
# averages units that have nothing to do with each other. Numbered alike, two solutions are separated by little
# (Ainsworth, Hayase and Srinivasa, 2023, match large networks like that). And even this is the hill of one straight
# line: around it there are winding paths of low loss (Draxler et al., 2018; Garipov et al., 2018), so that many
# solutions may lie in one connected valley. In any case they are all about equally good, and every start has one of
# them at its feet.
#
# ### A plane through the end, and how to choose it
#
# Two directions span a plane, and a plane can be drawn. But random directions can lie. Multiply the first layer
# by 10 and divide the second by 10: a ReLU network computes exactly the same. Yet a step of length 1 is now small
# for the first layer and enormous for the second, so the same valley looks much narrower. Li et al. (2018) take a
# random direction and scale it unit by unit: the part that belongs to a unit's incoming weights (a "filter") gets
# the length of those weights. Then a step means the same *percentage* everywhere. (The second cell draws the cuts
# along both kinds of direction, and a plane.)

# %%
first, second = networks.MLP((64, 16, 10), rng=rng), networks.MLP((64, 16, 10), rng=rng)
for net, factor in ((first, 1), (second, 10)):
    net.params[:] = trained.params
    net.weights[0][...] *= factor
    net.biases[0][...] *= factor
    net.weights[1][...] /= factor
print(f"the two networks agree: losses {first.loss(X, y):.4f} and {second.loss(X, y):.4f}")

steps = np.linspace(-1, 1, 41)
cuts = {"random direction": {}, "filter-normalised": {}}
for net, name in ((first, "as trained"), (second, "layers × 10 and / 10")):
    raw = np.random.default_rng(5).normal(size=len(net.params)) / 4
    scaled = curvature.filter_normalised_direction(net, rng=np.random.default_rng(5))
    for kind, direction in zip(cuts, (raw, scaled)):
        ends = net.params - direction, net.params + direction
        cuts[kind][name] = (steps, curvature.line_losses(net, X, y, *ends, (steps + 1) / 2))
rng = np.random.default_rng(6)
directions = [curvature.filter_normalised_direction(trained, rng=rng) for _ in range(2)]
grid = np.linspace(-1, 1, 31)
heights = curvature.plane_losses(trained, X, y, trained.params, directions, grid)

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 3, figsize=(10.4, 3.5))
for ax, (kind, series) in zip(axes, cuts.items()):
    plotting.lines(ax, series)
    ax.set(title=kind, xlabel="step", ylim=(0, 12))
axes[0].set_ylabel("loss")
axes[1].legend(fontsize=9, loc="upper center")
levels = [0.05, 0.2, 0.5, 1, 2, 3, 4, 6, 8, 10, 12]
lines = axes[2].contour(grid, grid, heights, levels=levels, cmap="viridis_r")
axes[2].clabel(lines, levels=[0.5, 2, 4, 8], fontsize=9)
axes[2].plot(0, 0, "s", color=plotting.COLOURS[1])
axes[2].set(title="filter-normalised plane", aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
axes[2].grid(False)
plotting.show(
    figure,
    "Left: the loss along a random direction for a trained network and for the same network "
    "with rescaled layers: the second valley looks far narrower, although both compute the "
    "same. Middle: along a filter-normalised direction the two curves coincide. Right: "
    "contours of the loss on a filter-normalised plane, one smooth bowl round the trained "
    "network.",
)

# %% [markdown]
# One smooth basin, no second valley in sight. Believe such pictures with care: a plane shows 2 of 1,210
# directions, and you have just seen that a bowl on a plane can have negative curvature in directions that were
# not drawn.

# %% [markdown]
# ## 9 · Claims to test
#
# You have run all the experiments. Decide: `"true"` (it holds), `"false"` (it does not), or `"depends"` (it
# holds under a condition that you can name).

# %% [markdown]
# **Claim 1.** *"Bad local optima are the main trouble of deep networks."* (Sections 2 and 8.)

# %% nbgrader={"grade": false, "grade_id": "claim_local_optima", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_local_optima = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_local_optima = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_local_optima", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_local_optima=claim_local_optima)

# %% [markdown]
# **Claim 2.** *"At a critical point in n dimensions, the probability of a minimum is* $2^{-n}$*."* (Section 5.)

# %% nbgrader={"grade": false, "grade_id": "claim_two_to_minus_n", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_two_to_minus_n = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_two_to_minus_n = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_two_to_minus_n", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_two_to_minus_n=claim_two_to_minus_n)

# %% [markdown]
# **Claim 3.** *"Gradient descent that runs into a saddle is trapped there for ever."* (Section 6.)

# %% nbgrader={"grade": false, "grade_id": "claim_saddle_traps", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_saddle_traps = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_saddle_traps = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_saddle_traps", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_saddle_traps=claim_saddle_traps)

# %% [markdown]
# **Claim 4.** *"Only Adam can cross a plateau."* (Section 7.)

# %% nbgrader={"grade": false, "grade_id": "claim_only_adam_plateau", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_only_adam_plateau = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_only_adam_plateau = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_only_adam_plateau", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_only_adam_plateau=claim_only_adam_plateau)

# %% [markdown]
# ## 10 · Quiz
#
# **1.** At a critical point the Hessian has the eigenvalues 5, 0.2 and −0.01, measured with errors below
# $10^{-6}$.
#
# - `"a"` A minimum: their sum is positive
# - `"b"` Undecided: −0.01 is as good as 0
# - `"c"` A saddle
# - `"d"` A maximum

# %% nbgrader={"grade": false, "grade_id": "quiz_eigenvalues_signs", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_eigenvalues_signs = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_eigenvalues_signs = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_eigenvalues_signs", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_eigenvalues_signs=quiz_eigenvalues_signs)

# %% [markdown]
# **2.** Gradient 0, eigenvalues 3, 1 and exactly 0. The point is
#
# - `"a"` a minimum
# - `"b"` a saddle
# - `"c"` a maximum
# - `"d"` none of these for certain: the second derivatives cannot tell

# %% nbgrader={"grade": false, "grade_id": "quiz_flat_direction", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_flat_direction = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_flat_direction = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_flat_direction", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_flat_direction=quiz_flat_direction)

# %% [markdown]
# **3.** A saddle has the negative curvature −0.5, the learning rate is 0.2. You start 100 times closer to the
# stable line than before. What does that cost?
#
# - `"a"` 100 times as many steps
# - `"b"` about 48 steps more
# - `"c"` about 5 steps more
# - `"d"` nothing

# %% nbgrader={"grade": false, "grade_id": "quiz_escape_rate", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_escape_rate = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_escape_rate = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_escape_rate", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_escape_rate=quiz_escape_rate)

# %% [markdown]
# **4.** Why can plain gradient descent not cross a plateau with one huge, constant learning rate?
#
# - `"a"` In the valley behind the plateau that rate would overshoot
# - `"b"` The gradient is exactly 0 there
# - `"c"` Steps at a huge rate take longer to compute
# - `"d"` It may only go downhill

# %% nbgrader={"grade": false, "grade_id": "quiz_plateau_rate", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_plateau_rate = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_plateau_rate = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_plateau_rate", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_plateau_rate=quiz_plateau_rate)

# %% [markdown]
# **5.** A network has 1,210 parameters. By central differences, how many gradients does its whole Hessian cost,
# and how many does one product $Hv$?
#
# - `"a"` 2 and 2
# - `"b"` 2,420 and 2
# - `"c"` 1,464,100 and 1,210
# - `"d"` 1,210 and 1

# %% nbgrader={"grade": false, "grade_id": "quiz_hessian_cost", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_hessian_cost = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_hessian_cost = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_hessian_cost", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_hessian_cost=quiz_hessian_cost)

# %% [markdown]
# ## 11 · In your own words (4 points)
#
# A colleague's training loss has been flat at 1.8 for 500 steps. *"It is stuck in a local minimum,"* she says.
# *"I will start again from other random weights."*
#
# Answer in five to eight sentences. One point for each of these:
#
# 1. why a local minimum at such a high loss is an unlikely explanation, with a number from this week;
# 2. two other explanations (a saddle, a plateau), and how each would look from inside: gradient, curvatures;
# 3. what you would measure to tell them apart, at a price that a large network can pay;
# 4. what you would change in the training in each case, and why that helps.
#
# If you learn on your own: write it, sleep on it, then give yourself the points.

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection_week08", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A model answer.* A minimum needs all curvatures to be positive at once. For random symmetric matrices that
# happens once in 40 times in three dimensions and once in about 7,000 in five, and your network has thousands;
# with 16 hidden units all ten of my starts came down to nearly the same loss, so a high dead end is not where I
# would look first. It may be a saddle: the gradient is small because it points along directions that go up, while
# some curvature is clearly negative, and the path leaves at a rate of $1+\alpha\lvert\lambda\rvert$ per step. Or
# a plateau: gradient and all curvatures are small, or the units have died and the gradient is exactly 0. I would
# look at the length of the gradient and at the lowest curvature by the Lanczos method, which costs some dozens to
# a few hundred Hessian-vector products of two gradients each, and not at the Hessian. At a saddle some noise
# (smaller batches) or a larger learning rate helps, because the escape time is
# $\ln(R/\delta)/\ln(1+\alpha\lvert\lambda\rvert)$. On a plateau I would divide by the gradient's size (RMSprop or
# Adam) or use momentum: in the race gradient descent took up to 788 steps where RMSprop took at most 18. A new
# start is the remedy for dead units.

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | Curvature along $v$ | $v^\top Hv = \sum_i\lambda_ic_i^2$, between the lowest and the largest eigenvalue |
# | Critical points | all $\lambda>0$ minimum; all $<0$ maximum; both signs saddle; else undecided |
# | Hessian | $\big[g(w+he_j)-g(w-he_j)\big]/2h$, then $(H+H^\top)/2$; $h\approx\varepsilon^{1/3}$ |
# | Product | $Hv \approx \lVert v\rVert\,\big[g(w+hv/\lVert v\rVert)-g(w-hv/\lVert v\rVert)\big]/2h$ |
# | Random minimum | at most $2^{-n}$; $0.1464$, $0.0249$ for $n=2,3$; then like $e^{-n^2\ln(3)/4}$ |
# | Saddle | $\ln(R/\delta)\,/\ln(1+\alpha\lvert\lambda\rvert)$ steps; noise $\sigma$ acts like $\delta\approx\sigma\sqrt{\alpha/(2\lvert\lambda\rvert)}$ |
# | Plateau | divide by the gradient's size (RMSprop, Adam), or collect (Momentum) |
#
# **Pitfalls.** Zero gradient taken for a minimum · the sign of the determinant, or the trace, in $n$ dimensions
# · an eigenvalue of 0 called a minimum · a flat loss curve called converged · $h$ too small · $v$ not normalised
# · a network's gradient array used twice · power iteration when the lowest eigenvalue is wanted · pictures along
# directions that are not normalised · learning rates not tuned one by one in a race.
#
# **Sources.** Pearlmutter (1994), *Fast exact multiplication by the Hessian* · Dean and Majumdar (2006), *Large
# deviations of extreme eigenvalues of random matrices* · Dauphin et al. (2014), *Identifying and attacking the
# saddle point problem in high-dimensional non-convex optimization* · Goodfellow, Vinyals and Saxe (2015),
# *Qualitatively characterizing neural network optimization problems* · Lee et al. (2016), *Gradient descent only
# converges to minimizers* · Jin et al. (2017), *How to escape saddle points efficiently* · Li et al. (2018),
# *Visualizing the loss landscape of neural nets* · Draxler et al. (2018), *Essentially no barriers in neural
# network energy landscape* · Garipov et al. (2018), *Loss surfaces, mode connectivity, and fast ensembling of
# DNNs* · Ainsworth, Hayase and Srinivasa (2023), *Git Re-Basin: merging models modulo permutation symmetries*.
#
# **Next week's question.** You know nine optimizers and a dozen settings. How do you find good ones without
# trying them all?
#
# Go on with [Week 09 · Hyperparameter search](../week09_hyperparameter_search/week09_hyperparameter_search.ipynb).
