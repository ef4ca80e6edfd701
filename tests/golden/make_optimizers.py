"""Make optimizers.npz: 50 steps of PyTorch's optimizers in float64, to compare ours with.

PyTorch is too heavy to ask of learners, so its results are committed. To make them anew, in an environment with
PyTorch: ``python tests/golden/make_optimizers.py``.
"""

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("optimizers.npz")
STEPS = 50
KEPT = [1, 2, 3, 5, 10, 20, 30, 40, 50]  # steps whose parameters are stored
SHAPES = [(3, 4), (4,), (2,)]  # PyTorch gets three parameters, ours one flat vector
STATES = {"momentum_buffer": "v", "exp_avg": "v", "exp_avg_sq": "s", "square_avg": "s", "sum": "s"}
STATES |= {"max_exp_avg_sq": "s_max"}

rng = np.random.default_rng(42)
START = rng.normal(size=18)
TARGET = rng.normal(size=18)
CURVATURE = 10.0 ** np.linspace(-2, 1, 18)
NOISE = rng.normal(size=(STEPS, 18)) * 10.0 ** rng.uniform(-3, 0, 18)
CURVATURE[5], NOISE[:, 5] = 0, 0  # a parameter that never has a gradient
CURVATURE[6], NOISE[:, 6] = 0, 1e-8 * rng.normal(size=STEPS)  # and one whose gradient is as small as eps


def gradient(w, t):
    """Return the gradient of step t at w: a quadratic's, with noise."""
    return CURVATURE * (w - TARGET) + NOISE[t - 1]


def falling(t):
    """Return the factor of the learning rate at step t of a warm-up and a decay."""
    return min(t / 5, 1.0) / (1 + 0.1 * t)


def _runs():
    """Return, by name, the class and the options in PyTorch, and whether its rate follows `falling`."""
    runs = {"sgd": ("SGD", {"lr": 0.05})}
    for beta in (0.5, 0.9):
        # Momentum with the factor 1 − beta is PyTorch's at lr · (1 − beta); the heavy ball is PyTorch's as it is.
        runs[f"momentum, beta {beta}"] = ("SGD", {"lr": 0.05 * (1 - beta), "momentum": beta})
        runs[f"heavy ball, beta {beta}"] = ("SGD", {"lr": 0.02, "momentum": beta})
        runs[f"nesterov, beta {beta}"] = ("SGD", {"lr": 0.05 * (1 - beta), "momentum": beta, "nesterov": True})
    adam = {"lr": 0.03, "betas": (0.8, 0.95)}
    for eps in (1e-8, 1e-2):
        runs[f"adagrad, eps {eps:g}"] = ("Adagrad", {"lr": 0.1, "eps": eps})
        runs[f"rmsprop, eps {eps:g}"] = ("RMSprop", {"lr": 0.03, "alpha": 0.8, "eps": eps})
        runs[f"adam, eps {eps:g}"] = ("Adam", adam | {"eps": eps})
        runs[f"adam, defaults, eps {eps:g}"] = ("Adam", {"eps": eps})
        runs[f"adamw, eps {eps:g}"] = ("AdamW", adam | {"eps": eps, "weight_decay": 0.3})
        runs[f"amsgrad, eps {eps:g}"] = ("Adam", adam | {"eps": eps, "amsgrad": True})
    constant = {name: (*run, False) for name, run in runs.items()}
    changing = {f"{name}, schedule": (*run, True) for name, run in runs.items() if "1e-08" not in name}
    return constant | changing


RUNS = _runs()


def run_pytorch(name):
    """Return the parameters after each step, (50, 18), and the state at the end, of the run called `name`."""
    import torch

    kind, options, scheduled = RUNS[name]
    ends = np.cumsum([np.prod(shape) for shape in SHAPES])[:-1]
    params = [
        torch.nn.Parameter(torch.tensor(piece.reshape(shape), dtype=torch.float64))
        for piece, shape in zip(np.split(START, ends), SHAPES, strict=True)
    ]

    def flat(tensors):
        return np.concatenate([tensor.detach().numpy().ravel() for tensor in tensors])

    optimizer = getattr(torch.optim, kind)(params, **options)
    factor = (lambda k: falling(k + 1)) if scheduled else (lambda k: 1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    path = []
    for t in range(1, STEPS + 1):
        pieces = np.split(gradient(flat(params), t), ends)
        for param, piece in zip(params, pieces, strict=True):
            param.grad = torch.tensor(piece.reshape(param.shape))
        optimizer.step()
        schedule.step()
        path.append(flat(params))
    keys = [key for key in optimizer.state[params[0]] if key in STATES] if optimizer.state else []
    state = {STATES[key]: flat([optimizer.state[param][key] for param in params]) for key in keys}
    return np.array(path), {key: value for key, value in state.items() if value.any()}


def main():
    """Write the file."""
    stored = {}
    for name in RUNS:
        path, state = run_pytorch(name)
        stored[f"{name}/path"] = path[np.array(KEPT) - 1]
        stored |= {f"{name}/{key}": value for key, value in state.items()}
    np.savez_compressed(FILE, **stored)
    print(f"{FILE.name}: {len(RUNS)} runs, {FILE.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
