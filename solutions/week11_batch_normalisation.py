# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     title: Batch normalisation
#     minutes: 115
#     builds_on: [week00_networks, week03_bias_correction]
# ---

# %% [markdown]
# # Week 11 · Batch normalisation
#
# Few ideas have changed the training of deep networks as much as this one, and few have been explained so badly.
# It takes three lines to write, has a gradient that is easily got wrong, behaves differently in training and in use,
# and its inventors' reason why it works did not survive the experiment. You will do all of that yourself.
#
# By the end you can
#
# - write batch normalisation forwards and backwards, and derive its gradient without a gap;
# - say what happens to a single image at inference, and keep the running statistics that it needs;
# - make the normalisation vanish into the layer before it;
# - say, with numbers, when it helps, when it does not, and what it is *not*.
#
# You need: standardised inputs and backpropagation (week 00), averages and their bias (weeks 02 and 03).
# Time: about 115 minutes. Points: 30, and 4 more for a written answer.

# %%
from time import perf_counter

import numpy as np
import matplotlib.pyplot as plt

from course_lib import datasets, minibatch, networks, optimizers, plotting, training
from course_lib.checking import check, hint, plug_in, settle, solution

plotting.use_style()
digits = datasets.digits()
mean, spread = digits.X_train.mean(axis=0), digits.X_train.std(axis=0)
spread[spread == 0] = 1  # pixels that are white in all images
X, y = ((digits.X_train - mean) / spread)[:1408], digits.y_train[:1408]
X_test, y_test = (digits.X_test - mean) / spread, digits.y_test
print(f"X {X.shape}: 22 batches of 64, every pixel standardised")

# %% [markdown]
# (Why 1,408 images and not all 1,437? So that no short batch is left over. This week a batch of one would be a
# special case, and you will see why.)
#
# ## 1 · The question
#
# Week 10 ended with it. Since week 00 you standardise the inputs: every pixel gets mean 0 and variance 1, and
# gradient descent is grateful. But only the first layer ever sees those inputs. The second sees what the first
# makes of them. How long does the good order last?
#
# Here is a network with eight hidden layers of 32 units, before any training. Its weights are drawn with the
# variance 2/fan-in, which He et al. (2015) chose so that the signal survives the ReLUs. And the same weights, all
# halved, and all doubled. How far do the units' values before the ReLU spread, layer by layer?

# %%
def new_network(seed, *, hidden=8, batch_norm=False, scale=1.0):
    """Return a network with hidden layers of 32 units, their weights multiplied by scale."""
    sizes = (64, *[32] * hidden, 10)
    network = networks.MLP(sizes, rng=np.random.default_rng(seed), batch_norm=batch_norm)
    for w in network.weights[:-1]:
        w *= scale
    return network


spreads = {}
for name, scale in [("He's weights", 1.0), ("halved", 0.5), ("doubled", 2.0)]:
    network, a, spreads[name] = new_network(0, scale=scale), X, []
    for w in network.weights[:-1]:
        z = a @ w
        spreads[name].append(z.std(axis=0).mean())
        a = np.maximum(z, 0)
    print(f"{name:12}: spread {spreads[name][0]:.2g} in layer 1, {spreads[name][-1]:.2g} in layer 8")

figure, ax = plt.subplots()
plotting.lines(ax, {name: (range(1, 9), values) for name, values in spreads.items()}, marker="o")
ax.set(xlabel="hidden layer", ylabel="spread of a unit (mean std)", yscale="log")
ax.legend()
plotting.show(
    figure,
    "Spread of the units' values in layers 1 to 8, on a logarithmic axis. With He's weights it stays "
    "near 1. With halved weights it falls to about half per layer, to 0.004; with doubled weights it grows "
    "to about 240.",
)

# %% [markdown]
# A factor of two per layer is a factor of 256 over eight layers. And no initialisation can promise more than the
# first step: after that the weights move as the gradient wants. What does training make of it? Five epochs of
# plain SGD, each start with the best of four learning rates:

# %%
def train_net(seed, lr, *, epochs=5, batch_size=64, **network):
    """Train a fresh network by SGD; return it with its final training loss (inf where it diverged)."""
    trained = new_network(seed, **network)
    with np.errstate(all="ignore"):  # rates that are far too large overflow
        run = training.train(trained, optimizers.SGD(trained.params, lr=lr), X, y,
                             batch_size=batch_size, epochs=epochs, rng=np.random.default_rng(100 + seed))
    return trained, np.nan_to_num(run.loss[-1], nan=np.inf)


for name, scale in [("He's weights", 1.0), ("halved", 0.5), ("doubled", 2.0)]:
    losses = [np.median([train_net(seed, lr, scale=scale)[1] for seed in range(3)])
              for lr in (0.01, 0.03, 0.1, 0.3)]
    print(f"{name:12}: best median loss of three seeds {min(losses):.1f}   (guessing: {np.log(10):.1f})")

# %% [markdown]
# Off by a factor of two, and in five epochs the network learns little, at any of these rates.
#
# > **This week's question.** If standardised inputs are good for the first layer, why not standardise the inputs
# > of *every* layer, at every step?

# %% [markdown]
# ## 2 · Standardise every layer
#
# Ioffe and Szegedy (2015) did. Take one hidden layer and a mini-batch of $B$ examples. Let $z$ of shape $(B, n)$
# hold what the linear layer gives for its $n$ units. For each unit $j$, over the batch:
#
# $$\mu_j = \frac1B\sum_{i=1}^B z_{ij}, \qquad
# \sigma_j^2 = \frac1B\sum_{i=1}^B (z_{ij}-\mu_j)^2, \qquad
# \hat z_{ij} = \frac{z_{ij}-\mu_j}{\sqrt{\sigma_j^2+\varepsilon}} .$$
#
# Now the unit has mean 0 and variance 1 in this batch, whatever the layers below are doing.
# $\varepsilon = 10^{-5}$ keeps a unit that is constant from being divided by zero. Mind where it stands: *inside*
# the root. (Adam has its own $\varepsilon$ outside. Both are conventions, and they are different numbers.)
#
# But who says that mean 0 and variance 1 are what the next layer wants? So every unit gets two parameters of its
# own, a scale $\gamma_j$ and a shift $\beta_j$, learned by gradient descent like all others:
#
# $$\mathrm{out}_{ij} = \gamma_j\,\hat z_{ij} + \beta_j, \qquad \text{then } a = \max(0, \mathrm{out}).$$
#
# They start at $\gamma = 1$, $\beta = 0$. When the network is in use, $\mu_j$ and $\sigma_j$ will be fixed numbers
# (section 4). Then $\gamma_j = \sqrt{\sigma_j^2+\varepsilon}$ and $\beta_j = \mu_j$ would undo the normalisation, so
# nothing that the finished network could express is lost. (In training they belong to the batch and change with it;
# two fixed numbers cannot undo that.) What changes is the *path*: before, the spread of a unit in layer 8 was a
# product of all the weights below; now it is one number, $\gamma_j$.
#
# In the code `x` is the layer's input ($z$ above), `x_hat` is $\hat z$.
#
# *Names.* The lectures write $z_{\mathrm{norm}}$ and $\tilde z$ for $\hat z$ and out. In PyTorch it is
# `nn.BatchNorm1d`, with $\gamma$ and $\beta$ called `weight` and `bias`. This $\beta$ has nothing to do with the
# $\beta$ of week 02.

# %% [markdown]
# ### Exercise 1 · `batchnorm_forward` (3 points)

# %% nbgrader={"grade": false, "grade_id": "batchnorm_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batchnorm_forward(x, gamma, beta, *, eps=1e-5):
    """Batch normalisation in training: each unit standardised over the batch, then scaled and shifted.

    Parameters
    ----------
    x : ndarray of shape (B, n), float32 or float64 (all arguments alike)
        One row per example, one column per unit, which may lie far from 0. B may be 1. No argument is
        changed.
    gamma, beta : ndarray of shape (n,)
        Scale and shift of each unit.
    eps : float
        At least 0. Added to the variance, inside the root. Keeps a unit that is constant at x_hat = 0.

    Returns
    -------
    mean, var : ndarray of shape (n,)
        Of each unit over the batch; the variance divided by B, without eps.
    x_hat : ndarray of shape (B, n)
        The standardised values.
    out : ndarray of shape (B, n)

    Examples
    --------
    >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
    >>> mean, var, x_hat, out = batchnorm_forward(x, np.array([1.0, 2.0]), np.array([0.0, 5.0]), eps=0.0)
    >>> mean.tolist(), var.tolist(), x_hat.tolist(), out.tolist()
    ([2.0, 20.0], [1.0, 100.0], [[-1.0, -1.0], [1.0, 1.0]], [[-1.0, 3.0], [1.0, 7.0]])
    """
    ### BEGIN SOLUTION
    mean = x.mean(axis=0)
    var = x.var(axis=0)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return mean, var, x_hat, gamma * x_hat + beta
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_batchnorm_forward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(batchnorm_forward)
### BEGIN HIDDEN TESTS
check(batchnorm_forward, seed=1101)
### END HIDDEN TESTS

# %% [markdown]
# Your function inside the three networks of section 1, between every linear layer and its ReLU. (Where a
# normalisation follows, the course's networks have no bias: section 3 will tell why.)

# %%
forward = plug_in(batchnorm_forward)


def layer_by_layer(network, rows):
    """Run rows through a network with batch statistics; return every layer's z, and the scores."""
    a, found = rows, []
    for w, gamma, beta in zip(network.weights, network.gammas, network.betas):
        found.append(a @ w)
        a = np.maximum(forward(found[-1], gamma, beta)[3], 0)
    return found, a @ network.weights[-1] + network.biases[-1]


for name, scale in [("He's weights", 1.0), ("halved", 0.5), ("doubled", 2.0)]:
    network = new_network(0, batch_norm=True, scale=scale)
    zs, _ = layer_by_layer(network, X)
    print(f"{name:12}: spread of z {zs[0].std(axis=0).mean():.2f} in layer 1, "
          f"{zs[-1].std(axis=0).mean():.2f} in layer 8")

# %% [markdown]
# The scale of the weights no longer piles up: layer 8 is as well off as layer 1. Now think that through.
#
# **Predict.** All weights $W$ of one layer, and its biases, are multiplied by 10; $\varepsilon$ is negligible.
# What happens to the output of the batch normalisation behind it, and to the gradient of the loss with respect to
# $W$?
#
# - `"a"`: output 10 times as large, gradient unchanged
# - `"b"`: output unchanged, gradient unchanged
# - `"c"`: output unchanged, gradient a tenth
# - `"d"`: output unchanged, gradient 10 times as large

# %% nbgrader={"grade": false, "grade_id": "prediction_scaled_weights", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_scaled_weights = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
prediction_scaled_weights = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_scaled_weights", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_scaled_weights=prediction_scaled_weights)

# %%
def slope_along(network, layer, direction, h=1e-4):
    """Return the slope of the training loss when one layer's weights move along direction."""
    w, losses = network.weights[layer], []
    for sign in (1, -1):
        w += sign * h * direction
        losses.append(network.loss_and_gradient(X[:64], y[:64])[0])
        w -= sign * h * direction
    return (losses[0] - losses[1]) / (2 * h)


direction = np.random.default_rng(1).normal(size=(32, 32))
for factor in (1, 10):
    network = new_network(0, batch_norm=True)
    network.weights[3][...] *= factor
    zs, scores = layer_by_layer(network, X[:64])
    out = forward(zs[3], network.gammas[3], network.betas[3])[3]
    print(f"weights of layer 4 times {factor:2}: spread of z {zs[3].std():5.2f}, of the output "
          f"{out.std():.2f}, slope of the loss {slope_along(network, 3, direction):+.4f}")

# %%
settle(prediction_scaled_weights=prediction_scaled_weights)

# %% [markdown]
# The output is unchanged, because mean and deviation grow by the same factor and cancel. So the loss is a function
# $J(W)$ with $J(cW) = J(W)$ for every $c > 0$. Differentiate both sides with respect to $W$:
# $c\,\nabla J(cW) = \nabla J(W)$, hence
#
# $$\nabla J(cW) = \tfrac1c\,\nabla J(W) .$$
#
# Differentiate with respect to $c$ instead, at $c = 1$: $\sum_{ab} W_{ab}\,\nabla J(W)_{ab} = 0$. The gradient is
# **perpendicular to the weights**. By Pythagoras, every step of gradient descent makes them *longer*:
#
# $$\lVert W - \alpha\nabla J\rVert^2 = \lVert W\rVert^2 + \alpha^2\lVert\nabla J\rVert^2 .$$
#
# Put the two together. Suppose that the learning rate is far too large. The first step is wild, and the weights
# become long. Long weights have a small gradient, and turn slowly. The next step is tamer. The layer brakes
# itself. Keep this in mind for section 6.

# %% [markdown]
# ## 3 · The way back
#
# To train, we need the gradient. It is the most instructive part, because every output depends on *every* input of
# the batch: nudge one $x_i$, and the mean and the variance move, and with them all examples.
#
# Look at one unit (the units do not mix). It has inputs $x_1,\dots,x_B$, and
#
# $$\mu = \frac1B\sum_i x_i,\quad \sigma^2 = \frac1B\sum_i (x_i-\mu)^2,\quad r = \sqrt{\sigma^2+\varepsilon},\quad
# \hat x_i = \frac{x_i-\mu}{r},\quad y_i = \gamma\hat x_i + \beta .$$
#
# Given is $\delta_i = \partial J/\partial y_i$ (`dout`). Wanted: $\partial J/\partial\gamma$,
# $\partial J/\partial\beta$ and all $\partial J/\partial x_i$.
#
# **Scale and shift.** One $\gamma$ and one $\beta$ serve all $B$ examples, so the contributions add up:
#
# $$\frac{\partial J}{\partial\gamma} = \sum_i \delta_i\,\hat x_i,\qquad
# \frac{\partial J}{\partial\beta} = \sum_i \delta_i,\qquad
# h_i := \frac{\partial J}{\partial \hat x_i} = \gamma\,\delta_i .$$
#
# **Three paths.** $x_i$ reaches the loss through its own numerator, through $\mu$, and through $\sigma^2$:
#
# $$\frac{\partial J}{\partial x_i} =
# \underbrace{h_i\,\frac{\partial\hat x_i}{\partial x_i}\Big|_{\mu,\sigma^2}}_{\text{itself}}
# + \underbrace{\frac{\partial J}{\partial\mu}\,\frac{\partial\mu}{\partial x_i}}_{\text{the mean}}
# + \underbrace{\frac{\partial J}{\partial\sigma^2}\,\frac{\partial\sigma^2}{\partial x_i}\Big|_{\mu}}_{\text{the variance}} .$$
#
# *Itself.* With $\mu$ and $\sigma^2$ held fixed, $\hat x_i = (x_i-\mu)/r$ has the slope $1/r$. This path gives
# $h_i/r$.
#
# *The variance.* $\hat x_k = (x_k-\mu)(\sigma^2+\varepsilon)^{-1/2}$, so
# $\partial\hat x_k/\partial\sigma^2 = -\frac12(x_k-\mu)(\sigma^2+\varepsilon)^{-3/2} = -\hat x_k/(2r^2)$. All $B$
# examples contribute:
#
# $$\frac{\partial J}{\partial\sigma^2} = -\frac{1}{2r^2}\sum_k h_k\hat x_k,\qquad
# \frac{\partial\sigma^2}{\partial x_i}\Big|_\mu = \frac2B (x_i-\mu) = \frac{2r}{B}\,\hat x_i .$$
#
# The product of the two is $-\frac1r\,\hat x_i\,\frac1B\sum_k h_k\hat x_k$. The 2 of the square and the ½ of the
# root have cancelled.
#
# *The mean.* $\mu$ acts on the $\hat x_k$ directly, with slope $-1/r$ each; and it stands in $\sigma^2$ as well.
# But there
#
# $$\frac{\partial\sigma^2}{\partial\mu} = -\frac2B\sum_i (x_i-\mu) = 0,$$
#
# because deviations from the mean sum to zero. So $\partial J/\partial\mu = -\frac1r\sum_k h_k$, and with
# $\partial\mu/\partial x_i = 1/B$ this path gives $-\frac1r\,\frac1B\sum_k h_k$.
#
# **Together**, writing a bar for the mean over the batch:
#
# $$\boxed{\ \frac{\partial J}{\partial x_i} = \frac1r\Big(h_i - \overline{h} - \hat x_i\,\overline{h\hat x}\Big)\ }
# \qquad \overline{h} = \frac1B\sum_k h_k,\quad \overline{h\hat x} = \frac1B\sum_k h_k\hat x_k .$$
#
# No approximation has been made. And it can be read: from the gradient $h$, take away its mean, and take away the
# part that points along $\hat x$. Of course: shifting all $x_i$ together changes nothing, and stretching them
# changes nothing either (with a negligible $\varepsilon$). A gradient along those two directions would be a waste.

# %% [markdown]
# ### Exercise 2 · `batchnorm_backward` (4 points)

# %% nbgrader={"grade": false, "grade_id": "batchnorm_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batchnorm_backward(dout, x_hat, gamma, var, *, eps=1e-5):
    """Gradient of the loss through batch normalisation.

    Parameters
    ----------
    dout : ndarray of shape (B, n), float32 or float64 (all arguments alike)
        Gradient of the loss with respect to the output. No argument is changed.
    x_hat : ndarray of shape (B, n)
        Standardised values, from the forward pass.
    gamma : ndarray of shape (n,)
        Scale of each unit.
    var : ndarray of shape (n,)
        Variance of each unit, from the forward pass (without eps).
    eps : float
        The eps of the forward pass.

    Returns
    -------
    dx : ndarray of shape (B, n)
        Gradient with respect to x, through mean and variance as well.
    dgamma, dbeta : ndarray of shape (n,)
        Gradients with respect to scale and shift.

    Examples
    --------
    A unit with the values -1, -1, 1, 1 has var 1; with eps = 3 the root is 2.

    >>> dout, x_hat = np.array([[8.0], [0.0], [0.0], [0.0]]), np.array([[-0.5], [-0.5], [0.5], [0.5]])
    >>> dx, dgamma, dbeta = batchnorm_backward(dout, x_hat, np.array([3.0]), np.array([1.0]), eps=3.0)
    >>> dx.tolist(), dgamma.tolist(), dbeta.tolist()
    ([[8.25], [-3.75], [-2.25], [-2.25]], [-4.0], [8.0])
    """
    ### BEGIN SOLUTION
    dbeta = dout.sum(axis=0)
    dgamma = (dout * x_hat).sum(axis=0)
    dx = gamma / np.sqrt(var + eps) * (dout - dbeta / len(dout) - x_hat * dgamma / len(dout))
    return dx, dgamma, dbeta
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_batchnorm_backward", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check(batchnorm_backward)
### BEGIN HIDDEN TESTS
check(batchnorm_backward, seed=1102)
### END HIDDEN TESTS

# %% [markdown]
# As always, a gradient is checked by nudging. A batch of 6 with 3 units, and a loss that is any function of the
# output; beside the full gradient the popular short cut that takes $\mu$ and $\sigma^2$ for constants:

# %%
backward = plug_in(batchnorm_backward)
rng = np.random.default_rng(3)
x, target = rng.normal(size=(2, 6, 3))
gamma, beta = np.array([0.5, 1.0, 2.0]), np.array([0.1, 0.0, -0.3])


def loss_of(x, gamma, beta):
    return 0.5 * np.sum((forward(x, gamma, beta)[3] - target) ** 2)


def nudged(arguments, which, h=1e-5):
    """Return the gradient with respect to one of the arguments, by central differences."""
    found = np.empty_like(arguments[which])
    for i in np.ndindex(found.shape):
        up, down = [[a.copy() for a in arguments] for _ in range(2)]
        up[which][i] += h
        down[which][i] -= h
        found[i] = (loss_of(*up) - loss_of(*down)) / (2 * h)
    return found


_, var, x_hat, out = forward(x, gamma, beta)
formula = backward(out - target, x_hat, gamma, var)
for which, name in enumerate(["dx", "dgamma", "dbeta"]):
    difference = np.abs(formula[which] - nudged((x, gamma, beta), which)).max()
    print(f"{name:6}: formula and nudging agree within 1e-8: {bool(difference < 1e-8)}")
short_cut = gamma * (out - target) / np.sqrt(var + 1e-5)
error = np.linalg.norm(short_cut - formula[0]) / np.linalg.norm(formula[0])
print(f"with mean and variance as constants, the error of dx is {error:.1f} times as long as dx itself")
print("sums of dx over the batch are zero:", bool(np.all(np.abs(formula[0].sum(axis=0)) < 1e-12)))

# %% [markdown]
# The last line has a consequence. A bias $b_j$ in front of a batch normalisation is added to all $x_{ij}$ alike,
# so its gradient is that sum: exactly zero, for ever. The normalisation subtracts it again, and $\beta_j$ does its
# job. Such biases are left out, in the course's networks and in PyTorch (`nn.Linear(..., bias=False)`).
#
# **What the short cut does to training** is worse than a wrong angle. Take one unit, $x_i = w u_i + b$, whose
# output $\hat x_i$ (here only centred, not scaled) should reach the targets $u_i + 2$. Centred values have the
# mean 0, so the loss can never fall below 2² = 4, and $b$ cannot help at all. Gradient descent with the right
# gradient, and with the one that takes the mean for a constant:

# %%
u = np.random.default_rng(4).normal(size=64)
u -= u.mean()
for name, aware in [("right gradient", True), ("mean as a constant", False)]:
    w, b = 0.0, 0.0
    for step in range(1, 1001):
        x = w * u + b
        dout = 2 * (x - x.mean() - (u + 2)) / 64
        dx = dout - dout.mean() if aware else dout
        w, b = w - 0.1 * np.sum(dx * u), b - 0.1 * np.sum(dx)
        if step in (100, 1000):
            x = w * u + b
            loss = np.mean((x - x.mean() - (u + 2)) ** 2)
            print(f"{name:18}, step {step:5,}: loss {loss:.2f}, b = {b + 0.0:.0f}")

# %% [markdown]
# The bias marches off to infinity while the loss does not move: the gradient keeps promising a gain that the
# normalisation takes back. Ioffe and Szegedy saw just this in early attempts, and it is why they differentiate
# *through* the statistics.

# %% [markdown]
# ## 4 · One image at a time
#
# The course's `networks.MLP(..., batch_norm=True)` does all of the above. Eight hidden layers, five epochs:

# %%
trained, loss = train_net(0, 0.3, batch_norm=True)
print(f"training loss {loss:.2f}, test accuracy {trained.accuracy(X_test, y_test):.0%}")

# %% [markdown]
# Now put it to use. Somebody sends one image. The formulas want the mean and the variance of the batch.
#
# **Predict.** We classify the 360 test images one by one, each as a batch of its own, normalised with its own
# batch statistics. The accuracy is
#
# - `"a"`: the same
# - `"b"`: a few points lower
# - `"c"`: about that of guessing, 10 %

# %% nbgrader={"grade": false, "grade_id": "prediction_one_by_one", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_one_by_one = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_one_by_one = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_one_by_one", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_one_by_one=prediction_one_by_one)

# %%
def accuracy_in_groups(order, size):
    """Classify the test images in groups, each normalised with its own statistics."""
    right = 0
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        right += np.sum(layer_by_layer(trained, X_test[rows])[1].argmax(axis=1) == y_test[rows])
    return right / len(order)


mixed = np.random.default_rng(5).permutation(360)
for size in (1, 2, 4, 8, 36, 360):
    print(f"in groups of {size:3}: accuracy {accuracy_in_groups(mixed, size):.0%}")
by_class = np.argsort(y_test, kind="stable")
print(f"in groups of  36, sorted by class: {accuracy_in_groups(by_class, 36):.0%}")

# %%
settle(prediction_one_by_one=prediction_one_by_one)

# %% [markdown]
# With one image, $x - \mu = 0$ in every unit: the network sees *nothing*, and gives the same answer to all images.
# With more images it depends on which others come along: sorted by class, the same network on the same images
# fails. An answer must not depend on the company.
#
# The cure: while training, keep a record of what $\mu$ and $\sigma^2$ usually are, and use that record at
# inference. A record of a jumping series, with one number of memory: that is week 02's average.
#
# $$\mu^{\mathrm{run}} \leftarrow d\,\mu^{\mathrm{run}} + (1-d)\,\mu, \qquad
# \sigma^{2\,\mathrm{run}} \leftarrow d\,\sigma^{2\,\mathrm{run}} + (1-d)\,\frac{B}{B-1}\,\sigma^2,$$
#
# starting at 0 and 1, one update per mini-batch. We call week 02's $\beta$ the `decay` $d$, because $\beta$ is
# taken. Three conventions to keep apart:
#
# - **Which weight is which.** PyTorch's `momentum=0.1` is the weight of the *new* batch: $d = 0.9$. Keras's
#   `momentum=0.99` is $d$ itself. The same word, opposite meanings.
# - **Biased or unbiased.** The batch is normalised with $\sigma^2$, divided by $B$. But as an estimate of the
#   *data's* variance that is too small by the factor $(B-1)/B$ on average, as the mean has been fitted to the same
#   batch. So the record takes in $\frac{B}{B-1}\sigma^2$ (as in the paper and in PyTorch; Keras leaves the factor
#   out). At $B = 64$ that is 1.6 %, at $B = 2$ a factor of 2, and at $B = 1$ it does not exist: PyTorch and the
#   course's networks refuse such a batch in training.
# - **The start.** Both averages begin at their start, 0 and 1, and come away from it slowly: week 03. It is not
#   corrected here, and neither is it in Keras or by PyTorch's default.

# %% [markdown]
# ### Exercise 3 · `update_running_stats` (3 points)

# %% nbgrader={"grade": false, "grade_id": "update_running_stats", "locked": false, "schema_version": 3, "solution": true, "task": false}
def update_running_stats(running_mean, running_var, mean, var, *, batch_size, decay=0.9):
    """Take the statistics of one more mini-batch into the running averages.

    Parameters
    ----------
    running_mean, running_var : ndarray of shape (n,), float32 or float64 (all arguments alike)
        Averages so far. No argument is changed.
    mean, var : ndarray of shape (n,)
        Of this mini-batch, as batchnorm_forward returns them: var was divided by B.
    batch_size : int
        The B of this mini-batch, at least 2; it may differ from call to call.
    decay : float
        Weight of the past, from 0 to 1.

    Returns
    -------
    running_mean, running_var : ndarray of shape (n,)
        The averages with this mini-batch, as new arrays.

    Examples
    --------
    >>> mean, var = update_running_stats(np.array([1.0]), np.array([1.0]), np.array([2.0]), np.array([3.0]),
    ...                                  batch_size=4, decay=0.5)
    >>> mean.tolist(), var.tolist()
    ([1.5], [2.5])
    """
    ### BEGIN SOLUTION
    unbiased = var * batch_size / (batch_size - 1)
    running_mean = decay * running_mean + (1 - decay) * mean
    running_var = decay * running_var + (1 - decay) * unbiased
    return running_mean, running_var
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_update_running_stats", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(update_running_stats)
### BEGIN HIDDEN TESTS
check(update_running_stats, seed=1103)
### END HIDDEN TESTS

# %% [markdown]
# Your record at work: a fresh network in training, and one unit of its fourth layer. The dots are the means of the
# mini-batches; the lines are running means with three decays.

# %%
update = plug_in(update_running_stats)
DECAYS = (0.9, 0.99, 0.999)
network, rng = new_network(0, batch_norm=True), np.random.default_rng(100)
descent = optimizers.SGD(network.params, lr=0.3)
records = {d: [(np.zeros(32), np.ones(32)) for _ in range(8)] for d in DECAYS}
batch_means, lines = [], {d: [] for d in DECAYS}
for _ in range(5):
    for X_batch, y_batch in minibatch.iterate_minibatches(X, y, batch_size=64, rng=rng):
        zs, _ = layer_by_layer(network, X_batch)
        batch_means.append(zs[3][:, 0].mean())
        for d in DECAYS:
            records[d] = [update(*old, z.mean(axis=0), z.var(axis=0), batch_size=64, decay=d)
                          for old, z in zip(records[d], zs)]
            lines[d].append(records[d][3][0][0])
        descent.step(network.loss_and_gradient(X_batch, y_batch)[1])

figure, ax = plt.subplots()
steps = np.arange(1, len(batch_means) + 1)
ax.plot(steps, batch_means, ".", color="#999999", label="mean in the mini-batch")
plotting.lines(ax, {f"running mean, decay {d}": (steps, line) for d, line in lines.items()})
ax.set(xlabel="update", ylabel="mean of one unit", ylim=(-0.05, 1.1))
ax.legend(loc="upper left", ncols=2)
plotting.show(
    figure,
    "Means of one unit over 110 updates: the mini-batches' means as scattered dots, and three running "
    "means. The one with decay 0.9 reaches the dots within some thirty updates and follows them; that "
    "with 0.99 is still on its way from 0; that with 0.999 has hardly left 0.",
)

# %% [markdown]
# ### Exercise 4 · `batchnorm_inference` (2 points)
#
# Now the other half: normalise with the record, without looking at the company.

# %% nbgrader={"grade": false, "grade_id": "batchnorm_inference", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batchnorm_inference(x, gamma, beta, running_mean, running_var, *, eps=1e-5):
    """Batch normalisation in use: with the running statistics.

    Parameters
    ----------
    x : ndarray of shape (B, n), float32 or float64 (all arguments alike)
        Any number of rows, one is enough. No argument is changed.
    gamma, beta : ndarray of shape (n,)
        Scale and shift of each unit.
    running_mean, running_var : ndarray of shape (n,)
        As training left them.
    eps : float
        The eps of training, at least 0.

    Returns
    -------
    ndarray of shape (B, n)
        Each row depends on itself alone.

    Examples
    --------
    >>> batchnorm_inference(np.array([[5.0, 1.0]]), np.array([2.0, 3.0]), np.array([0.0, 1.0]),
    ...                     np.array([1.0, 1.0]), np.array([3.0, 3.0]), eps=1.0).tolist()
    [[4.0, 1.0]]
    """
    ### BEGIN SOLUTION
    return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_batchnorm_inference", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check(batchnorm_inference)
### BEGIN HIDDEN TESTS
check(batchnorm_inference, seed=1104)
### END HIDDEN TESTS

# %% [markdown]
# The network that we just trained, on the test images, with the three records. The start's share in an average
# after 110 updates is $d^{110}$. In the last column it is taken out, as in week 03: subtract $d^{110}$ times the
# start (0 for the mean, 1 for the variance), divide by $1 - d^{110}$.

# %%
inference = plug_in(batchnorm_inference)


def accuracy_with(record):
    """Return the test accuracy with the given running means and variances, layer by layer."""
    a = X_test
    parameters = zip(network.weights, network.gammas, network.betas, record)
    for w, gamma, beta, (running_mean, running_var) in parameters:
        a = np.maximum(inference(a @ w, gamma, beta, running_mean, running_var), 0)
    return np.mean((a @ network.weights[-1] + network.biases[-1]).argmax(axis=1) == y_test)


print("decay   share of the start   accuracy   without the start's share")
for d in DECAYS:
    left = d ** len(steps)
    without = [(m / (1 - left), (v - left) / (1 - left)) for m, v in records[d]]
    print(f"{d:5}   {left:18.0%}   {accuracy_with(records[d]):8.0%}   {accuracy_with(without):25.0%}")
exact = [(z.mean(axis=0), z.var(axis=0)) for z in layer_by_layer(network, X)[0]]
print(f"statistics of all training images, one extra pass: {accuracy_with(exact):.0%}")

# %% [markdown]
# Three things that you know already, in new clothes.
#
# - A long memory is **biased** for long (week 03): with $d = 0.999$ the record is mostly the start, and the
#   network gets more than half of the images wrong, although its weights are good. Short trainings with a long
#   memory are a classic trap.
# - A long memory also **lags** (week 02): by $d/(1-d)$ updates in the long run, 99 at $d = 0.99$. The weights have
#   moved on since.
# - A short memory is **noisy**. One extra pass over the data after training, with the weights at rest, has none
#   of the three troubles (Wu and Johnson, 2021, call it *precise* batch normalisation).

# %% [markdown]
# ## 5 · Folding it away
#
# At inference the statistics are constants. So linear layer and normalisation are one linear map after the other,
# and that is again a linear map. Find its weights and its bias, and the normalisation costs nothing at all when
# the network is in use. Write $s_j = \gamma_j/\sqrt{\sigma_j^{2\,\mathrm{run}}+\varepsilon}$ and multiply out
#
# $$s_j\Big(\sum_k a_k W_{kj} + b_j - \mu^{\mathrm{run}}_j\Big) + \beta_j .$$

# %% [markdown]
# ### Exercise 5 · `fold_batchnorm` (3 points)

# %% nbgrader={"grade": false, "grade_id": "fold_batchnorm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fold_batchnorm(w, b, gamma, beta, running_mean, running_var, *, eps=1e-5):
    """One linear layer that does what a linear layer and the batch normalisation behind it do at inference.

    Parameters
    ----------
    w : ndarray of shape (k, n), float32 or float64 (all arguments alike)
        Weights, one column per unit. No argument is changed.
    b : ndarray of shape (n,)
        Biases, not necessarily zero.
    gamma, beta, running_mean, running_var : ndarray of shape (n,)
        The normalisation's, as in batchnorm_inference.
    eps : float
        The eps of training, at least 0.

    Returns
    -------
    w : ndarray of shape (k, n)
    b : ndarray of shape (n,)
        Of the one layer: a @ w + b is what the two layers gave for a.

    Examples
    --------
    >>> w, b = fold_batchnorm(np.array([[1.0, 2.0]]), np.array([3.0, 0.0]), np.array([2.0, 4.0]),
    ...                       np.array([1.0, 0.0]), np.array([1.0, 1.0]), np.array([0.0, 3.0]), eps=1.0)
    >>> w.tolist(), b.tolist()
    ([[2.0, 4.0]], [5.0, -2.0])
    """
    ### BEGIN SOLUTION
    scale = gamma / np.sqrt(running_var + eps)
    return w * scale, (b - running_mean) * scale + beta
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_fold_batchnorm", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check(fold_batchnorm)
### BEGIN HIDDEN TESTS
check(fold_batchnorm, seed=1105)
### END HIDDEN TESTS

# %% [markdown]
# The trained network with its eight normalisations becomes a plain one without any. The cell after that measures
# times: of a normalisation, of a network in use, and of one update in training.

# %%
fold = plug_in(fold_batchnorm)
plain = new_network(0)
no_bias = np.zeros(32)
layers = zip(trained.weights, trained.gammas, trained.betas, trained.running_means, trained.running_vars)
for layer, (w, *parts) in enumerate(layers):
    plain.weights[layer][...], plain.biases[layer][...] = fold(w, no_bias, *parts)
plain.weights[-1][...], plain.biases[-1][...] = trained.weights[-1], trained.biases[-1]
difference = np.abs(plain.scores(X_test) - trained.scores(X_test)).max()
print("same scores within 1e-9:", bool(difference < 1e-9))
print(f"{len(trained.params):,} parameters and {2 * 8 * 32} running numbers; folded: {len(plain.params):,}")

# %% jupyter={"source_hidden": true} tags=["nbval-ignore-output"]
def microseconds(run, repeats=100):
    """Return the median time of a call."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return np.median(times) * 1e6


z, one = np.random.default_rng(0).normal(size=(64, 32)), np.ones(32)


def yours():
    _, var, x_hat, out = forward(z, one, one)
    backward(out, x_hat, one, var)


def the_courses():
    out, cache = networks.batchnorm_forward(z, one, one)
    networks.batchnorm_backward(out, cache)


print(f"forward and backward, 64 examples, 32 units: {microseconds(yours):.0f} µs with your functions, "
      f"{microseconds(the_courses):.0f} µs with the course's")
print(f"64 images at inference: {microseconds(lambda: trained.scores(X[:64])):.0f} µs with batch "
      f"normalisation, {microseconds(lambda: plain.scores(X[:64])):.0f} µs folded")
bare = new_network(0)
with_bn, without = (microseconds(lambda: net.loss_and_gradient(X[:64], y[:64])) for net in (trained, bare))
print(f"one training update: {with_bn:.0f} µs with batch normalisation, {without:.0f} µs without")

# %% [markdown]
# Free at inference, but not in training: there an update costs about three times as much here. (In networks with
# larger matrices or convolutions the share is smaller.) What does the money buy?

# %% [markdown]
# ## 6 · What it buys: larger rates, and deep networks
#
# The comparison, fairly: the same start, seven learning rates, three seeds each; then the best rate of each (by the
# median of its three seeds), on five fresh seeds. Once with eight hidden layers, once with one, for five epochs.
# But five epochs are not the same *time* for both. So with eight layers the plain network runs once more, for 15
# epochs: about as long as five epochs with batch normalisation.
#
# **Predict.** For *one* hidden layer and five epochs, at the best rate of each, the final training loss is
#
# - `"a"`: clearly lower with batch normalisation, on every seed
# - `"b"`: not lower with batch normalisation: about the same, or higher
# - `"c"`: infinite without batch normalisation

# %% nbgrader={"grade": false, "grade_id": "prediction_shallow", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_shallow = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_shallow = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_shallow", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_shallow=prediction_shallow)

# %%
RATES = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]
tried, tuned = {}, {}
for hidden, batch_norm, epochs in [(8, False, 5), (8, True, 5), (8, False, 15), (1, False, 5), (1, True, 5)]:
    setting = {"hidden": hidden, "batch_norm": batch_norm, "epochs": epochs}
    losses = np.array([[train_net(seed, lr, **setting)[1] for lr in RATES] for seed in range(3)])
    best = RATES[int(np.argmin(np.median(losses, axis=0)))]
    fresh = [train_net(seed, best, **setting) for seed in range(10, 15)]
    final = [loss for _, loss in fresh]
    accuracy = [network.accuracy(X_test, y_test) for network, _ in fresh]
    tried[hidden, batch_norm, epochs], tuned[hidden, batch_norm, epochs] = losses, best
    print(f"{hidden} hidden, {'with' if batch_norm else 'without':7} batch norm, {epochs:2} epochs: lr {best:3g}, "
          f"loss below 0.2 on {sum(loss < 0.2 for loss in final)} of 5 seeds\n"
          f"    loss {min(final):.1g} to {max(final):.1g}, "
          f"test accuracy {min(accuracy):.0%} to {max(accuracy):.0%}")

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.5), sharey=True)
for ax, hidden in zip(axes, (8, 1)):
    for index, (batch_norm, epochs, name) in enumerate([
        (False, 5, "without"), (True, 5, "with batch norm"), (False, 15, "without, 15 epochs")
    ]):
        if (hidden, batch_norm, epochs) in tried:
            losses = np.clip(tried[hidden, batch_norm, epochs], None, 10)
            plotting.band(ax, RATES, losses, label=name, index=index, marker="o^s"[index])
    ax.axhline(np.log(10), color="#999999", linewidth=1)
    ax.set(xlabel="learning rate (grey: guessing)", xscale="log", yscale="log")
    ax.set_title(f"{hidden} hidden layer{'s' * (hidden > 1)}")
axes[0].set_ylabel("loss at the end")
axes[1].legend(*axes[0].get_legend_handles_labels(), loc="lower left", fontsize=9.5)
plotting.show(
    figure,
    "Final training loss against the learning rate, median and range of three seeds. With eight hidden layers "
    "and five epochs batch norm is lower from rate 0.1 upwards, and still trains at rates of 1 and 3, where the "
    "plain network fails. The plain network's curve for 15 epochs lies below both up to 0.3, and fails from 1 on. "
    "With one hidden layer both have valleys of similar depth; that of batch norm reaches further right.",
)

# %%
settle(prediction_shallow=prediction_shallow)

# %% [markdown]
# Read both panels.
#
# - **Deep, the same number of updates:** a clear gain. With batch normalisation the loss comes below 0.2 on all five
#   fresh seeds, without it on none. Everything from 0.1 to 1 works; the plain network has a narrower band, and at its
#   best rate one of the three seeds learns nothing at all.
# - **Deep, the same time:** the lead is gone. In 15 epochs the plain network's loss is lower, at about the same test
#   accuracy. (Where the normalisation is a smaller share of the work than here, the bill is another one.) What
#   remains is the wider valley: you need not hit the rate so well.
# - **Shallow:** nothing to gain. One hidden layer, standardised inputs and He's weights *are* the good order that
#   batch normalisation would bring.
# - **Both:** the valley reaches further to the right. Larger rates survive, as section 2 foretold: wild steps
#   lengthen the weights, and long weights turn slowly. There is an end to it, 10 is too much for all; the last
#   layer, for one, has no normalisation behind it.

# %% [markdown]
# ## 7 · Small batches suffer
#
# The statistics of a batch of $B$ are estimates. The mean of a unit has the standard error $\sigma/\sqrt B$; at
# $B = 4$ that is half the spread of the unit itself. So every example is shaken by its company. See one image, in
# one unit of the trained network's first layer, in 300 random batches of each size:

# %%
z = X @ trained.weights[0]
unit, image, rng = 3, 7, np.random.default_rng(6)
ones, zeros = np.ones(32), np.zeros(32)
others = np.delete(np.arange(len(X)), image)
seen = {}
for B in (2, 4, 16, 64):
    groups = (np.append(image, rng.choice(others, B - 1, replace=False)) for _ in range(300))
    seen[B] = np.array([forward(z[rows], ones, zeros)[2][0, unit] for rows in groups])
    print(f"B = {B:2}: x_hat of this image from {seen[B].min():+.1f} to {seen[B].max():+.1f}, "
          f"spread {seen[B].std():.2f}")
exactly = (z[image, unit] - z[:, unit].mean()) / z[:, unit].std()

figure, ax = plt.subplots()
for place, (B, values) in enumerate(seen.items()):
    ax.plot(place + rng.uniform(-0.25, 0.25, 300), values, ".", markersize=4, alpha=0.6,
            color=plotting.COLOURS[place])
ax.axhline(exactly, color="black", linewidth=1)
ax.set(xticks=range(4), xticklabels=[f"B = {B}" for B in seen], ylabel="x_hat of one image in one unit")
plotting.show(
    figure,
    "Dots: the standardised value of one and the same image in 300 random batches. In batches of two it "
    "lies close to -1 or +1, but for a few that come nearer to 0. In batches of 4 it scatters widely, in batches of 64 closely about the value "
    "that all data give, marked by a black line.",
)

# %% [markdown]
# In a batch of two, $\hat x$ is $-1$ or $+1$ (unless the two are so close that $\varepsilon$ has a say): all that
# is left of a value is whether it is larger than the other one. Now train. Two hidden layers, 150 updates at every
# batch size; four learning rates around what suits the size, three seeds, the best rate by the median, as before:

# %%
def after_updates(batch_norm, batch_size, lr, seed, updates=150):
    """Return the training loss after a number of updates."""
    network = new_network(seed, hidden=2, batch_norm=batch_norm)
    descent, rng, done = optimizers.SGD(network.params, lr=lr), np.random.default_rng(100 + seed), 0
    with np.errstate(all="ignore"):
        while done < updates:
            for X_batch, y_batch in minibatch.iterate_minibatches(X, y, batch_size=batch_size, rng=rng):
                descent.step(network.loss_and_gradient(X_batch, y_batch)[1])
                done += 1
                if done == updates:
                    break
        return np.nan_to_num(network.loss(X, y), nan=np.inf)


grids = {2: [0.01, 0.03, 0.1, 0.3], 4: [0.01, 0.03, 0.1, 0.3],
         16: [0.03, 0.1, 0.3, 1.0], 64: [0.1, 0.3, 1.0, 3.0]}
small = {}
for B, rates in grids.items():
    for batch_norm in (False, True):
        losses = np.array([[after_updates(batch_norm, B, lr, seed) for seed in range(3)] for lr in rates])
        small[B, batch_norm] = losses[np.argmin(np.median(losses, axis=1))]
    higher = np.sum(small[B, True] > small[B, False])
    print(f"B = {B:2}: the loss is higher with batch norm on {higher} of 3 seeds")

figure, ax = plt.subplots()
for index, (batch_norm, name) in enumerate([(False, "without"), (True, "with batch norm")]):
    runs = np.array([small[B, batch_norm] for B in grids]).T
    plotting.band(ax, list(grids), runs, label=name, index=index, marker="o^"[index])
ax.set(xlabel="batch size B", ylabel="loss after 150 updates", xscale="log", ylim=(0, None))
ax.set(xticks=list(grids), xticklabels=list(grids))
ax.minorticks_off()
ax.legend()
plotting.show(
    figure,
    "Training loss after 150 updates against the batch size, median and range of three seeds, each at its "
    "best rate. At batches of 64 the two nearly agree. At batches of 2 the loss with batch norm is "
    "three times that without.",
)

# %% [markdown]
# With batches of 64 and 16 the two end close together, the plain network mostly a little ahead: two layers had little
# to gain. With 4 the loss with batch normalisation is nearly twice, with 2 about three times that without it, and
# hardly below guessing.
#
# Where memory allows only tiny batches, other normalisations are used, which take their statistics over the units
# of *one* example: **layer normalisation** (Ba, Kiros and Hinton, 2016; the transformers' choice) and **group
# normalisation** (Wu and He, 2018). They need no record and no two modes, either.

# %% [markdown]
# ## 8 · What it is not
#
# Why does it work? The inventors' answer gave the paper its title: *reducing internal covariate shift*. The inputs
# of a layer change their distribution all the time, because the layers below are learning, too; each layer chases
# a moving target; batch normalisation holds the target still. It is a good story, and many lecture notes tell it.
#
# Santurkar, Tsipras, Ilyas and Mądry (2018) put it to a test. **If the story is right, then moving the target by
# force must hurt.** They added noise *behind* every batch normalisation, different at every step: each unit
# stretched and shifted at random. We do the same: every unit by a factor between $e^{-0.3}$ and $e^{0.3}$, and by
# up to ±0.3, drawn anew at each update. (At the learning rate that was tuned without the noise: no favours.) And
# we measure the shift: how far the mean of a unit moves from one update to the next, on the same 256 images, in
# units of its spread.
#
# **Predict.** Eight layers. The shaken network will have *more* shift per update than the plain network without
# any normalisation. Its loss after five epochs will be
#
# - `"a"`: higher than the plain network's, because its layers chase a faster target
# - `"b"`: lower than the plain network's, about that of undisturbed batch normalisation
# - `"c"`: that of guessing: it cannot train at all

# %% nbgrader={"grade": false, "grade_id": "prediction_shaken", "locked": false, "schema_version": 3, "solution": true, "task": false}
prediction_shaken = None  # "a", "b" or "c"
### BEGIN SOLUTION
prediction_shaken = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_prediction_shaken", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(prediction_shaken=prediction_shaken)

# %%
def places(network, views):
    """Return a mask of the entries of params that belong to the given views."""
    kept = network.params.copy()
    network.params[:] = 0
    for view in views:
        view[:] = 1
    mask = network.params == 1
    network.params[:] = kept
    return mask


def means_and_spreads(network, batch_norm):
    """Return mean and spread of every hidden unit (behind the normalisation, if any) on 256 images."""
    a, found = X[:256], []
    for layer in range(8):
        out = a @ network.weights[layer]
        if batch_norm:
            out = forward(out, network.gammas[layer], network.betas[layer])[3]
        else:
            out = out + network.biases[layer]
        found.append((out.mean(axis=0), out.std(axis=0) + 1e-9))
        a = np.maximum(out, 0)
    return np.array(found).transpose(1, 0, 2)


def train_shaken(seed, lr, *, batch_norm, shake=0.0):
    """Train five epochs, shaking the normalisations' outputs; return final loss and mean shift."""
    network, rng = new_network(seed, batch_norm=batch_norm), np.random.default_rng(100 + seed)
    noise, before, shifts = np.random.default_rng(200 + seed), None, []
    descent = optimizers.SGD(network.params, lr=lr)
    if batch_norm:
        scales, shifted = places(network, network.gammas), places(network, network.betas)
    for _ in range(5):
        for X_batch, y_batch in minibatch.iterate_minibatches(X, y, batch_size=64, rng=rng):
            kept = network.params.copy()
            if shake:  # f * (gamma * x_hat + beta) + m is a normalisation with f * gamma and f * beta + m
                f, m = np.exp(noise.uniform(-shake, shake, 256)), noise.uniform(-shake, shake, 256)
                network.params[scales] *= f
                network.params[shifted] = f * network.params[shifted] + m
            now = means_and_spreads(network, batch_norm)
            if before is not None:
                shifts.append(np.median(np.abs(now[0] - before[0]) / now[1]))
            before = now
            gradient = network.loss_and_gradient(X_batch, y_batch)[1]
            if shake:
                gradient[scales] *= f
                gradient[shifted] *= f
            network.params[:] = kept
            descent.step(gradient)
    return network.loss(X, y), np.mean(shifts)


plans = {
    "plain": {"lr": tuned[8, False, 5], "batch_norm": False},
    "batch norm": {"lr": tuned[8, True, 5], "batch_norm": True},
    "batch norm, shaken": {"lr": tuned[8, True, 5], "batch_norm": True, "shake": 0.3},
    "shaken hard": {"lr": tuned[8, True, 5], "batch_norm": True, "shake": 0.6},
}
shaken = {}
for name, plan in plans.items():
    shaken[name] = loss, shift = np.array([train_shaken(seed, **plan) for seed in range(20, 28)]).T
    print(f"{name:18}: shift per update {np.median(shift):.3f} of the spread")
for name, other in [("batch norm", "plain"), ("batch norm, shaken", "plain"), ("batch norm", "shaken hard")]:
    lower = np.sum(shaken[name][0] < shaken[other][0])
    print(f"{name}: lower loss than {other} on {lower} of 8 seeds")

# %%
settle(prediction_shaken=prediction_shaken)

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
for index, (name, (loss, shift)) in enumerate(shaken.items()):
    ax.plot(shift, loss, plotting.MARKERS[index], color=plotting.COLOURS[index], label=name, markersize=7)
ax.set(xlabel="shift of a unit's mean per update, in units of its spread", ylabel="loss after five epochs")
ax.set(xscale="log", yscale="log")
ax.legend()
plotting.show(
    figure,
    "Final loss against the shift per update, one mark per seed. If shift were the trouble, the marks "
    "would rise to the right. The shaken batch norm has more shift than the plain network and a lower loss, "
    "about that of the undisturbed one. Shaken twice as hard, its loss is higher than the plain network's.",
)

# %% [markdown]
# Batch normalisation does reduce the shift: behind it a unit's mean is $\beta$, and only that moves. But put the
# shift back, more of it than the plain network has, and training is nearly as good. So a shift of that size cannot
# be what held the plain network back. (A shake twice as hard, five times the plain network's shift, does bring the
# loss above where the plain one ends. Noise is noise.)
#
# **Then what is it?** Santurkar et al. looked at the loss itself, along the step. Week 01 had the bound: a step
# $-\alpha g$ promises the decrease $\alpha\lVert g\rVert^2$, and delivers at least the share $1 - \alpha L/2$ of
# it, where $L$ bounds the curvature. So measure the **delivered share** on one mini-batch:
#
# $$\frac{J(w) - J(w-\alpha g)}{\alpha\,\lVert g\rVert^2} .$$
#
# 1 means that the gradient told the truth all the way; below 0, the loss went up. Along the way of both networks'
# training (both at rate 0.1, the plain network's best), for steps of four lengths:

# %%
lengths = (0.03, 0.1, 0.3, 1.0)
share = {}
for batch_norm in (False, True):
    shares = []
    for seed in range(5):
        network, rng, t = new_network(seed, batch_norm=batch_norm), np.random.default_rng(100 + seed), 0
        for _ in range(5):
            for X_batch, y_batch in minibatch.iterate_minibatches(X, y, batch_size=64, rng=rng):
                loss, gradient = network.loss_and_gradient(X_batch, y_batch)
                gradient, w = gradient.copy(), network.params.copy()
                if t % 10 == 0:
                    row = []
                    for length in lengths:
                        network.params[:] = w - length * gradient
                        after = network.loss_and_gradient(X_batch, y_batch)[0]
                        row.append((loss - after) / (length * gradient @ gradient))
                    shares.append(row)
                network.params[:] = w - 0.1 * gradient
                t += 1
    share[batch_norm] = np.array(shares)

print("             delivered share        loss rose in")
print("step length  plain  batch norm      plain  batch norm")
for i, length in enumerate(lengths):
    middle = [np.median(share[batch_norm][:, i]) for batch_norm in (False, True)]
    rose = [np.mean(share[batch_norm][:, i] < 0) for batch_norm in (False, True)]
    print(f"{length:11}  {middle[0]:+5.1f}  {middle[1]:+10.1f}      {rose[0]:5.0%}  {rose[1]:10.0%}")

# %% jupyter={"source_hidden": true}
figure, ax = plt.subplots()
for index, (batch_norm, name) in enumerate([(False, "plain"), (True, "with batch norm")]):
    low, middle, high = np.quantile(share[batch_norm], [0.25, 0.5, 0.75], axis=0)
    ax.fill_between(lengths, low, high, color=plotting.COLOURS[index], alpha=0.2, linewidth=0)
    plotting.lines(ax, {name: (lengths, middle)}, first=index, marker="o^"[index])
ax.axhline(0, color="#999999", linewidth=1)
ax.set(xlabel="length of the step (learning rate)", ylabel="delivered share", xscale="log", ylim=(-3, 1.1))
ax.legend(loc="lower left")
plotting.show(
    figure,
    "Share of the promised decrease that a step delivers, against its length: medians with the middle "
    "half of the measurements. For steps of 0.03 both networks deliver most of it. At 0.3 and 1 the "
    "plain network's median is below zero, far below at 1; that of batch norm is clearly above zero at 0.3, "
    "and about zero at 1.",
)

# %% [markdown]
# For the shortest steps the two differ little. What batch normalisation changes is how *far* the gradient can be
# believed: at a length of 0.3, where the plain network's loss mostly jumps up, this one's still falls. The loss is
# **smoother along the step**. That is the explanation of Santurkar et al. as far as we can test it here, and it agrees with section 2:
# a normalised layer cannot overshoot by much, because only the direction of its weights counts.
#
# Is that the last word? No. It is what one experiment on one network supports. The story of the shift is what it
# does not.

# %% [markdown]
# ## 9 · Claims to test
#
# `"true"`, `"false"` or `"depends"`? The first three are drawn from a set of notes that this course started from.
# Its title promises "batch normalisation for speed", and then it mentions it only in passing.
#
# **Claim 1.** *"Batch normalisation makes training fast."* You have section 6 (both panels) and the times in
# section 5.

# %% nbgrader={"grade": false, "grade_id": "claim_bn_speed", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_bn_speed = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_bn_speed = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_bn_speed", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_bn_speed=claim_bn_speed)

# %% [markdown]
# **Claim 2.** *"For every mini-batch, mean and variance are obtained as exponentially weighted averages, and with
# those the batch is normalised in training."* The training loss of a network in the middle of training, on one
# mini-batch; and what we get when we compute it in either way:

# %%
network, _ = train_net(1, 0.3, batch_norm=True, epochs=2)
averaged = network.loss(X[:64], y[:64])  # this one uses the running averages
own = -networks.log_softmax(layer_by_layer(network, X[:64])[1])[np.arange(64), y[:64]].mean()
in_training, _ = network.loss_and_gradient(X[:64], y[:64])
print(f"in training {in_training:.4f}; with the batch's own statistics {own:.4f}; "
      f"with the running averages {averaged:.4f}")

# %% nbgrader={"grade": false, "grade_id": "claim_bn_averages_in_training", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_bn_averages_in_training = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_bn_averages_in_training = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_bn_averages_in_training", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_bn_averages_in_training=claim_bn_averages_in_training)

# %% [markdown]
# **Claim 3.** *"Narrowing the range of a hyperparameter from coarse to fine is what batch normalisation extends."*
# What does batch normalisation do to the range of good learning rates? From section 6, the rates at which the median
# of the three seeds came below half the loss of guessing:

# %%
for hidden in (8, 1):
    for batch_norm in (False, True):
        medians = np.median(tried[hidden, batch_norm, 5], axis=0)
        good = [lr for lr, loss in zip(RATES, medians) if loss < np.log(10) / 2]
        print(f"{hidden} hidden, {'with' if batch_norm else 'without':7} batch norm: "
              f"{good[0]:g} to {good[-1]:g}")

# %% nbgrader={"grade": false, "grade_id": "claim_bn_coarse_to_fine", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_bn_coarse_to_fine = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_bn_coarse_to_fine = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_bn_coarse_to_fine", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_bn_coarse_to_fine=claim_bn_coarse_to_fine)

# %% [markdown]
# **Claim 4.** *"Batch normalisation trains deep networks better because the inputs of their layers shift less from
# update to update."* Section 8.

# %% nbgrader={"grade": false, "grade_id": "claim_bn_covariate_shift", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_bn_covariate_shift = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_bn_covariate_shift = "false"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_bn_covariate_shift", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_bn_covariate_shift=claim_bn_covariate_shift)

# %% [markdown]
# **Claim 5.** *"With batch normalisation, the scale of the initial weights does not matter."* Three hidden layers,
# five epochs, the hidden weights drawn as usual and multiplied by a factor:

# %%
print("median loss of three seeds after five epochs")
for factor in (0.1, 1.0, 10.0, 100.0):
    losses = {lr: [train_net(seed, lr, hidden=3, batch_norm=True, scale=factor)[1] for seed in range(3)]
              for lr in (0.1, 0.3, 1.0)}
    print(f"weights times {factor:5g}:", "; ".join(f"lr {lr}: {np.median(losses[lr]):.2f}" for lr in losses))

# %% nbgrader={"grade": false, "grade_id": "claim_bn_initial_scale", "locked": false, "schema_version": 3, "solution": true, "task": false}
claim_bn_initial_scale = None  # "true", "false" or "depends"
### BEGIN SOLUTION
claim_bn_initial_scale = "depends"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_claim_bn_initial_scale", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(claim_bn_initial_scale=claim_bn_initial_scale)

# %% [markdown]
# ## 10 · Quiz
#
# **1.** A hidden layer has 32 units. How many numbers does its batch normalisation keep?
#
# - `"a"` 2 learned ones, for the whole layer
# - `"b"` 64 learned ones, and nothing else
# - `"c"` 64 learned ones and 64 running ones
# - `"d"` 32 learned ones and 32 running ones

# %% nbgrader={"grade": false, "grade_id": "quiz_bn_numbers", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_bn_numbers = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_bn_numbers = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_bn_numbers", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_bn_numbers=quiz_bn_numbers)

# %% [markdown]
# **2.** A PyTorch layer `BatchNorm1d(32, momentum=0.01)` has been trained for 100 updates. What is the share of
# its start, 0, in the running mean?
#
# - `"a"` about 37 %
# - `"b"` practically none
# - `"c"` 1 %
# - `"d"` 99 %

# %% nbgrader={"grade": false, "grade_id": "quiz_pytorch_momentum", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_pytorch_momentum = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_pytorch_momentum = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_pytorch_momentum", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_pytorch_momentum=quiz_pytorch_momentum)

# %% [markdown]
# **3.** A batch of two; a unit has the values 3.0 and 3.1; $\gamma = 1$, $\beta = 0$, $\varepsilon$ negligible. In
# training the layer gives
#
# - `"a"` 3.0 and 3.1
# - `"b"` −0.05 and 0.05
# - `"c"` −0.71 and 0.71
# - `"d"` −1 and 1

# %% nbgrader={"grade": false, "grade_id": "quiz_batch_of_two", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_batch_of_two = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_batch_of_two = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_batch_of_two", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_batch_of_two=quiz_batch_of_two)

# %% [markdown]
# **4.** A linear layer with a bias stands directly in front of a batch normalisation. In training, the gradient of
# that bias is
#
# - `"a"` equal to that of $\beta$
# - `"b"` zero at every step
# - `"c"` zero only when the loss is at its minimum
# - `"d"` $\gamma$ times that of $\beta$

# %% nbgrader={"grade": false, "grade_id": "quiz_bias_before_bn", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_bias_before_bn = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_bias_before_bn = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_bias_before_bn", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_bias_before_bn=quiz_bias_before_bn)

# %% [markdown]
# **5.** A service classifies images in groups. An image gets one answer in the morning and another in the evening,
# from the same network. The first thing to look at:
#
# - `"a"` whether the running averages have reached their values
# - `"b"` whether the images were shuffled
# - `"c"` whether the network was put into inference mode
# - `"d"` whether $\gamma$ has become negative

# %% nbgrader={"grade": false, "grade_id": "quiz_company", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_company = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_company = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_company", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_company=quiz_company)

# %% [markdown]
# **6.** In use, $\gamma = \sqrt{\sigma^2+\varepsilon}$ and $\beta = \mu$ would undo the normalisation. Is it
# therefore pointless?
#
# - `"a"` No: it can express the same, but a unit's scale is now one parameter of its own, and no product of all
#   below
# - `"b"` No: gradient descent never lets $\gamma$ exceed 1
# - `"c"` Yes: after enough training it has no effect
# - `"d"` Yes: $\gamma$ and $\beta$ cancel it at the first update

# %% nbgrader={"grade": false, "grade_id": "quiz_bn_undone", "locked": false, "schema_version": 3, "solution": true, "task": false}
quiz_bn_undone = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
quiz_bn_undone = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_quiz_bn_undone", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check(quiz_bn_undone=quiz_bn_undone)

# %% [markdown]
# ## 11 · In your own words (4 points)
#
# A colleague writes: *"In training our digits network reached 97 %. In production, where images come one by one,
# it gives the same answer to every image. So batch normalisation is broken, and we take it out of all our
# networks. We only had it because it removes internal covariate shift."*
#
# Answer in six to nine sentences. One point for each of these:
#
# 1. what happens to a single image, with the formula, and what the cure is;
# 2. what the running statistics are, and one way in which they can be wrong although they are used;
# 3. what they would lose by taking it out, and where they would lose nothing, each with a number from this week;
# 4. what the experiment says about the internal covariate shift.

# %% [markdown] nbgrader={"grade": true, "grade_id": "reflection_week11", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# *A model answer.* Your network still normalises with the statistics of its batch. For a single image the mean is
# the image itself, so $x - \mu = 0$ in every unit, and all that is left is $\beta$: the same for all images.
# Switch it to inference mode, where the running mean and variance stand in for the batch's. They are exponentially
# weighted averages of what the mini-batches had in training. Check that they have left their start: after 110
# updates with a decay of 0.999, 90 % of them is still the 0 and the 1 they began with, and the accuracy is ruined
# although the weights are good. In deep networks you would lose something: with eight hidden layers and five epochs,
# ours reached a loss of 0.06 to 0.1 with it, and 0.2 to 0.6 without, at a narrower choice of rates; in the same time,
# though, the plain network caught up. With one hidden layer, standardised inputs and good initial weights you would
# lose nothing: both came to a few hundredths. As for the covariate shift: when we shook the normalised units at
# random, they shifted more per update than those of the plain network, and trained nearly as well as before. So less
# shift is not the reason. What we did measure is that the gradient can be believed further: a step of length 0.3 still
# lowered the loss where the plain network's mostly jumped up.

# %% [markdown]
# ## Recap
#
# | | |
# |:--|:--|
# | Training | $\hat x = (x-\mu)/\sqrt{\sigma^2+\varepsilon}$ over the batch, $\ \mathrm{out} = \gamma\hat x+\beta$ |
# | Backward | $dx = \frac1r\big(h - \overline h - \hat x\,\overline{h\hat x}\big)$, $h = \gamma\,\delta$; $d\gamma = \sum\delta\hat x$, $d\beta = \sum\delta$ |
# | Record | $\mu^{\mathrm{run}} \leftarrow d\,\mu^{\mathrm{run}} + (1-d)\,\mu$; the variance with $\frac{B}{B-1}\sigma^2$ |
# | Inference | the record in place of the batch; folded: $W s$, $(b-\mu^{\mathrm{run}})s+\beta$, $s = \gamma/\sqrt{\sigma^{2\,\mathrm{run}}+\varepsilon}$ |
# | Weights before it | $J(cW) = J(W)$, $\nabla J(cW) = \nabla J(W)/c$, $\nabla J \perp W$ |
# | Defaults | $\varepsilon = 10^{-5}$, $d = 0.9$ (PyTorch: `momentum=0.1`), $\gamma = 1$, $\beta = 0$, no bias before it |
#
# **Pitfalls.** Inference with batch statistics · the wrong axis · $\varepsilon$ outside the root · statistics
# taken for constants in the gradient · PyTorch's momentum and Keras's mixed up · long memory, short training ·
# batches of one or two · the bias forgotten when folding · expecting a gain where there was no trouble.
#
# **Sources.** Ioffe and Szegedy (2015), *Batch normalization: accelerating deep network training by reducing
# internal covariate shift* · He et al. (2015), *Delving deep into rectifiers* · Ba, Kiros and Hinton (2016),
# *Layer normalization* · Santurkar, Tsipras, Ilyas and Mądry (2018), *How does batch normalization help
# optimization?* · Wu and He (2018), *Group normalization* · Bjorck et al. (2018), *Understanding batch
# normalization* · van Laarhoven (2017), *L2 regularization versus batch and weight normalization* · Wu and Johnson
# (2021), *Rethinking "batch" in BatchNorm*.
#
# **Next week's question.** You know the optimizers, the schedules, the search, and now the normalisation. But how do
# you find out, fairly, which of two is better? Nine optimizers on one network with one budget, and then a race of your
# own: [Week 12 · Capstone: the digits showdown](../week12_capstone/week12_capstone.ipynb).
