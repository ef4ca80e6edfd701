"""Measure the course's kernels beside their peers: PyTorch, Optax and JAX, SciPy, pandas and scikit-learn.

Peers that are not installed are left out; tests/benchmarks/requirements.txt names them.
"""

import os
import platform
import statistics
from time import perf_counter

from course_lib.commands.environment import ROOT

CORES = 2
ROUNDS = 15  # of each contestant, taking turns; the median counts
ROUND_SECONDS = 0.02
SIZES = [10**power for power in range(2, 8)]
README, BEGIN, END = ROOT / "README.md", "<!-- bench: begin -->", "<!-- bench: end -->"
FIGURE, REPORT = ROOT / ".readme" / "benchmark.png", ROOT / "tests" / "benchmarks" / "results.md"


def add_arguments(parser):
    """Add the command's arguments to its argparse parser."""
    parser.add_argument("--quick", action="store_true", help="two rounds and small sizes: does everything run?")
    parser.add_argument(
        "--save", action="store_true", help=f"write {FIGURE.name}, {REPORT.name} and the README's table"
    )


def run(args):
    """Run all benchmarks, print the table and return the exit code."""
    _use_cores()
    rounds, sizes = (2, SIZES[:3]) if args.quick else (ROUNDS, SIZES)
    limit = streaming_limit(sizes[-1], rounds)
    print(about(limit), flush=True)
    results = []
    for title, contest in contests(sizes):
        contestants = {name: make for name, make in contest.items() if make is not None}
        seconds = race({name: make() for name, make in contestants.items()}, rounds)
        results.append((title, seconds))
        print(row(title, seconds), flush=True)
    text = "\n".join([about(limit), "", *table(results), "", *bandwidths(results, limit)])
    print("", *bandwidths(results, limit), sep="\n")
    if args.save:
        REPORT.write_text(text + "\n", encoding="utf-8")
        draw(results, limit)
        readme = README.read_text(encoding="utf-8")
        start, end = readme.index(BEGIN) + len(BEGIN), readme.index(END)
        summary = "\n".join([about(limit), "", *ratios(results, sizes)])
        README.write_text(f"{readme[:start]}\n{summary}\n{readme[end:]}", encoding="utf-8")
        print(f"written: {REPORT.relative_to(ROOT)}, {FIGURE.relative_to(ROOT)}, README.md")
    return 0


def _use_cores():
    """Let every library use the same few cores, which must be said before it is imported."""
    for name in ("OMP", "NUMBA", "OPENBLAS", "MKL"):
        os.environ[f"{name}_NUM_THREADS"] = str(CORES)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def available(name):
    """Return a module, or None where it is not installed."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        return None


# ---------------------------------------------------------------------------------------------------------
# Measuring


def race(contestants, rounds):
    """Return each contestant's median seconds a call; they take turns, so that a slow moment hits all alike."""
    calls = {}
    for name, work in contestants.items():
        work()  # the first call compiles
        start, n = perf_counter(), 0
        while perf_counter() - start < ROUND_SECONDS or n < 2:
            work()
            n += 1
        calls[name] = n
    times = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, work in contestants.items():
            work()  # meanwhile the threads of the one before fall asleep, and the caches fill
            start = perf_counter()
            for _ in range(calls[name]):
                work()
            times[name].append((perf_counter() - start) / calls[name])
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def streaming_limit(size, rounds):
    """Return the bytes a second that plain loops move through arrays of float32: the best of two mixes."""
    import numpy as np

    numba = available("numba")
    arrays = [np.ones(size, np.float32) for _ in range(4)]
    if numba is None:
        copy = race({"copy": lambda: np.copyto(arrays[0], arrays[1])}, rounds)["copy"]
        return 3 * 4 * size / copy  # a copy also reads the lines that it overwrites

    @numba.njit(parallel=True)
    def two_in_one_out(a, b):
        for i in numba.prange(a.size):
            a[i] += b[i]

    @numba.njit(parallel=True)
    def four_in_three_out(a, b, c, d):
        for i in numba.prange(a.size):
            a[i] += d[i]
            b[i] += d[i]
            c[i] += d[i]

    loops = {"3": lambda: two_in_one_out(*arrays[:2]), "7": lambda: four_in_three_out(*arrays)}
    return max(int(moved) * 4 * size / seconds for moved, seconds in race(loops, rounds).items())


# ---------------------------------------------------------------------------------------------------------
# What is measured: for each contest, who takes part and how to set them up


def contests(sizes):
    """Yield each contest: a title, and for each contestant a function that sets it up (None: not installed)."""
    for method in ("SGD", "Momentum", "RMSprop", "Adam"):
        for size in sizes:
            yield f"{method} step, {size:,}", optimizer_contest(method, size)
    for size in sizes[1:]:
        yield f"EMA, {size:,}", average_contest((size,), corrected=False)
    yield "EMA corrected, 100,000", average_contest((100_000,), corrected=True)
    yield "EMA, 10,000 × 1,000 series", average_contest((10_000, 1000), corrected=False)
    yield "digits, one epoch", epoch_contest()
    yield "batches, 1,437 × 64", batches_contest(1437, 64)
    yield "batches, 60,000 × 784", batches_contest(60_000, 784)


def optimizer_contest(method, size):
    """Make one step on `size` float32 parameters."""
    import numpy as np

    from course_lib import optimizers

    start, gradient = np.linspace(-1, 1, size, dtype=np.float32), np.full(size, 0.1, np.float32)

    def ours():
        optimizer = getattr(optimizers, method)(start.copy(), lr=1e-3)
        return lambda: optimizer.step(gradient)

    def pytorch(**options):
        import torch

        kinds = {"SGD": "SGD", "Momentum": "SGD", "RMSprop": "RMSprop", "Adam": "Adam"}
        options |= {"momentum": 0.9} if method == "Momentum" else {}
        torch.set_num_threads(CORES)
        w = torch.nn.Parameter(torch.from_numpy(start.copy()))
        w.grad = torch.from_numpy(gradient)
        return getattr(torch.optim, kinds[method])([w], lr=1e-3, **options).step

    def optax_jitted():
        from functools import partial

        import jax
        import optax

        rule = {
            "SGD": lambda: optax.sgd(1e-3),
            "Momentum": lambda: optax.sgd(1e-3, momentum=0.9),
            "RMSprop": lambda: optax.rmsprop(1e-3),
            "Adam": lambda: optax.adam(1e-3),
        }[method]()
        w, dw = jax.numpy.asarray(start), jax.numpy.asarray(gradient)
        now = [w, rule.init(w)]

        @partial(jax.jit, donate_argnums=(0, 1))
        def update(w, state, dw):
            change, state = rule.update(dw, state, w)
            return optax.apply_updates(w, change), state

        def step():
            now[:] = update(*now, dw)
            now[0].block_until_ready()

        return step

    has_torch, has_optax = available("torch"), available("optax")
    return {
        "course": ours,
        "PyTorch foreach": (lambda: pytorch(foreach=True)) if has_torch else None,
        "PyTorch fused": (lambda: pytorch(fused=True)) if has_torch and method != "RMSprop" else None,
        "Optax jit": optax_jitted if has_optax else None,
    }


def average_contest(shape, *, corrected):
    """Average one float64 series, or many side by side."""
    import numpy as np
    import pandas as pd
    from scipy.signal import lfilter

    from course_lib.averages import ema

    theta = np.random.default_rng(0).normal(size=shape)
    b, a = np.array([0.1]), np.array([1, -0.9])

    def pandas():
        table = pd.DataFrame(theta) if theta.ndim == 2 else pd.Series(theta)
        return lambda: table.ewm(alpha=0.1, adjust=corrected).mean()

    return {
        "course": lambda: lambda: ema(theta, beta=0.9, bias_correction=corrected),
        "SciPy lfilter": None if corrected else lambda: lambda: lfilter(b, a, theta, axis=0),
        "pandas ewm": pandas,
    }


def epoch_contest():
    """Train an epoch of digits: 64–64–10, batches of 64, Adam, float32."""
    import numpy as np

    from course_lib.datasets import digits
    from course_lib.minibatch import iterate_minibatches
    from course_lib.networks import MLP
    from course_lib.optimizers import Adam

    data = digits()
    X, y = data.X_train.astype(np.float32), data.y_train
    shuffles = np.random.default_rng(1)

    def ours():
        network = MLP((64, 64, 10), rng=np.random.default_rng(0), dtype=np.float32)
        optimizer = Adam(network.params)

        def epoch():
            for X_batch, y_batch in iterate_minibatches(X, y, batch_size=64, rng=shuffles):
                _, gradient = network.loss_and_gradient(X_batch, y_batch)
                optimizer.step(gradient)

        return epoch

    def pytorch(**options):
        import torch

        torch.set_num_threads(CORES)
        layers = torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)
        network, cost = torch.nn.Sequential(*layers), torch.nn.CrossEntropyLoss()
        optimizer = torch.optim.Adam(network.parameters(), **options)
        X_all, y_all = torch.from_numpy(X), torch.from_numpy(y)

        def epoch():
            for rows in torch.randperm(len(X_all)).split(64):
                optimizer.zero_grad()
                cost(network(X_all[rows]), y_all[rows]).backward()
                optimizer.step()

        return epoch

    def scikit_learn():
        from sklearn.neural_network import MLPClassifier

        network = MLPClassifier((64,), batch_size=64, random_state=0, alpha=0)
        classes = np.unique(y)
        return lambda: network.partial_fit(X, y, classes=classes)

    def jax_jitted():
        from functools import partial

        import jax
        import optax

        keys = jax.random.split(jax.random.key(0))
        w = [
            jax.random.normal(key, shape) * (2 / 64) ** 0.5
            for key, shape in zip(keys, [(64, 64), (64, 10)], strict=True)
        ]
        parameters = [(w[0], jax.numpy.zeros(64)), (w[1], jax.numpy.zeros(10))]
        rule = optax.adam(1e-3)
        now = [parameters, rule.init(parameters)]

        def cost(parameters, X, y):
            (w1, b1), (w2, b2) = parameters
            scores = jax.nn.relu(X @ w1 + b1) @ w2 + b2
            return optax.softmax_cross_entropy_with_integer_labels(scores, y).mean()

        @partial(jax.jit, donate_argnums=(0, 1))
        def update(parameters, state, X, y):
            loss, gradient = jax.value_and_grad(cost)(parameters, X, y)
            change, state = rule.update(gradient, state)
            return optax.apply_updates(parameters, change), state, loss

        def epoch():
            for X_batch, y_batch in iterate_minibatches(X, y, batch_size=64, rng=shuffles):
                now[0], now[1], _ = update(*now, X_batch, y_batch)  # as ours does, every step gives its loss
            jax.block_until_ready(now)

        return epoch

    has_torch, has_optax = available("torch"), available("optax")
    return {
        "course": ours,
        "PyTorch eager": pytorch if has_torch else None,
        "PyTorch eager, fused Adam": (lambda: pytorch(fused=True)) if has_torch else None,
        "scikit-learn": scikit_learn,
        "JAX jitted step": jax_jitted if has_optax else None,
    }


def batches_contest(m, n):
    """Pass once over shuffled mini-batches of 64 rows."""
    import numpy as np

    from course_lib.minibatch import iterate_minibatches

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(m, n)).astype(np.float32), rng.integers(0, 10, m)

    def ours():
        for _ in iterate_minibatches(X, y, batch_size=64, rng=rng):
            pass

    def scikit_learn():
        from sklearn.utils import gen_batches

        def one_pass():
            order = rng.permutation(m)
            for rows in gen_batches(m, 64):
                X[order[rows]], y[order[rows]]

        return one_pass

    def pytorch():
        from torch import from_numpy
        from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

        data = TensorDataset(from_numpy(X), from_numpy(y))
        # The fast way: whole batches are indexed, instead of rows collected one by one.
        loader = DataLoader(data, sampler=BatchSampler(RandomSampler(data), 64, drop_last=False), batch_size=None)

        def one_pass():
            for _ in loader:
                pass

        return one_pass

    return {
        "course": lambda: ours,
        "scikit-learn gen_batches": scikit_learn,
        "PyTorch DataLoader": pytorch if available("torch") else None,
    }


# ---------------------------------------------------------------------------------------------------------
# Reporting


def about(limit):
    """Say where and with what this was measured."""
    from importlib.metadata import PackageNotFoundError, version

    from course_lib.engine import engine_name

    versions = []
    for name in ("numpy", "numba", "scipy", "pandas", "scikit-learn", "torch", "jax", "optax"):
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            versions.append(f"{name} is not installed and left out")
    return (
        f"Engine: {engine_name()}. {CORES} cores ({platform.machine()}), Python {platform.python_version()}. "
        f"{', '.join(versions)}. Streaming limit measured: {limit / 1e9:.1f} GB/s."
    )


def row(title, seconds):
    """Return a line of the table; the ratio is the fastest peer's time over ours."""
    ratio = best_ratio(seconds)
    peers = sorted((time, name) for name, time in seconds.items() if name != "course")
    others = ", ".join(f"{name} {_microseconds(time)}" for time, name in peers)
    return f"| {f'{ratio:.2f}' if ratio else '–'} | {title} | {_microseconds(seconds['course'])} | {others} |"


def _microseconds(seconds):
    digits = max(0, 2 - len(str(int(seconds * 1e6))))
    return f"{seconds * 1e6:,.{digits}f}"


def table(results):
    """Return the lines of the whole table."""
    head = ["| Ratio | | Course, µs | Peers, µs |", "|---:|---|---:|---|"]
    return head + [row(title, seconds) for title, seconds in results]


def best_ratio(seconds):
    """Return the fastest peer's time over ours, or None without a peer."""
    peers = [time for name, time in seconds.items() if name != "course"]
    return min(peers) / seconds["course"] if peers else None


def ratios(results, sizes):
    """Return the README's table: a line for each kernel, a column for each size."""
    found = {title: best_ratio(seconds) for title, seconds in results}
    lines = ["| | " + " | ".join(f"{size:,}" for size in sizes) + " |", "|---|" + "---:|" * len(sizes)]
    for kind in ("SGD step", "Momentum step", "RMSprop step", "Adam step", "EMA"):
        cells = [found.get(f"{kind}, {size:,}") for size in sizes]
        lines.append(f"| {kind} | " + " | ".join(f"{cell:.1f}" if cell else "" for cell in cells) + " |")
    others = [f"{title}: {ratio:.1f}" for title, ratio in found.items() if ratio and not _in_columns(title, sizes)]
    return [*lines, "", "; ".join(others) + "."]


def _in_columns(title, sizes):
    return any(title.endswith(f", {size:,}") for size in sizes) and "corrected" not in title


MOVED = {"SGD": 3, "Momentum": 5, "RMSprop": 5, "Adam": 7}  # numbers read and written for each parameter


def bandwidths(results, limit):
    """Return a table of the bytes that the largest steps move, against the streaming limit."""
    lines = ["| Step, largest size | GB/s | Limit's time over ours |", "|---|---:|---:|"]
    for method, moved in MOVED.items():
        title, seconds = [result for result in results if result[0].startswith(f"{method} step")][-1]
        rate = moved * 4 * int(title.split(", ")[1].replace(",", "")) / seconds["course"]
        lines.append(f"| {title} | {rate / 1e9:.1f} | {rate / limit:.2f} |")
    return lines


def draw(results, limit):
    """Draw time against size for the four optimizers."""
    import matplotlib.pyplot as plt
    import numpy as np

    from course_lib import plotting

    plotting.use_style()
    figure, axes = plt.subplots(1, 4, figsize=(11, 3.6), sharey=True, sharex=True)
    for ax, (method, moved) in zip(axes, MOVED.items(), strict=True):
        rows = [(t, seconds) for t, seconds in results if t.startswith(f"{method} step")]
        sizes = np.array([int(title.split(", ")[1].replace(",", "")) for title, _ in rows])
        names = ["course", "PyTorch fused", "PyTorch foreach", "Optax jit"]
        for index, name in enumerate(names):
            if name in rows[0][1]:
                times = [1e6 * seconds[name] for _, seconds in rows]
                style = {"color": plotting.COLOURS[index], "marker": plotting.MARKERS[index], "markersize": 4}
                ax.loglog(sizes, times, label=name, **style)
        large = sizes[sizes >= 1e5]
        ax.loglog(large, 1e6 * moved * 4 * large / limit, "k:", label="streaming limit")
        ax.set(title=method, xlabel="float32 parameters")
    axes[0].set(ylabel="one step, µs")
    figure.legend(*axes[-1].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=110)
    plt.close(figure)
