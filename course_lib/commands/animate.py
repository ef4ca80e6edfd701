"""Draw the README's animation: four optimizers on a ravine and on a saddle, each at its own best learning rate."""

from course_lib.commands.environment import ROOT

TARGET = ROOT / ".readme" / "optimizers.gif"
STEPS = 60


def add_arguments(parser):
    """Add the command's arguments to its argparse parser (there are none)."""


def best_path(landscape, window, method):
    """Return an optimizer's path at the rate that reaches the minimum soonest without leaving the window."""
    import numpy as np

    from course_lib.landscapes import descend

    def steps_to_minimum(path):
        inside = (path >= window[::2]) & (path <= window[1::2])
        distance = np.linalg.norm(np.abs(path) - np.abs(landscape.minimum), axis=1)  # the saddle has two minima
        stays = np.logical_and.accumulate(distance[::-1] < 0.05)[::-1]  # from here on to the end
        return np.argmax(stays) if inside.all() and stays.any() else np.inf

    rates = np.geomspace(1e-3, 3, 60)
    paths = [descend(landscape, lambda w, lr=lr: method(w, lr=lr), steps=4 * STEPS) for lr in rates]
    paths = [path for path in paths if np.isfinite(path).all() and np.abs(path).max() < 1e3]
    return min(paths, key=steps_to_minimum)


def run(args):
    """Write the animation and return the exit code."""
    import matplotlib.pyplot as plt
    from matplotlib.animation import FuncAnimation, PillowWriter

    from course_lib import landscapes, optimizers, plotting

    plotting.use_style()
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.5))
    scenes = [(landscapes.ravine(), (-2.3, 0.7, -1.15, 1.15)), (landscapes.saddle(), (-1.7, 0.7, -0.5, 1.5))]
    methods = {
        "SGD": optimizers.SGD,
        "Momentum": optimizers.Momentum,
        "RMSprop": optimizers.RMSprop,
        "Adam": optimizers.Adam,
    }
    moving = []
    for ax, (landscape, window) in zip(axes, scenes, strict=True):
        plotting.contours(ax, landscape.value, window)
        ax.set(title=landscape.name, xticks=[], yticks=[])
        ax.plot(*landscape.minimum, "k*", markersize=10, zorder=1)
        for index, (name, method) in enumerate(methods.items()):
            colour, marker = plotting.COLOURS[index], plotting.MARKERS[index]
            (trail,) = ax.plot([], [], "-", color=colour, linewidth=1.4, label=name)
            (head,) = ax.plot([], [], marker, color=colour, markersize=7, markeredgecolor="white")
            moving.append((best_path(landscape, window, method), trail, head))
    axes[0].legend(loc="lower left", ncols=2, fontsize=9)

    def draw(step):
        for path, trail, head in moving:
            trail.set_data(*path[: step + 1].T)
            head.set_data(*path[step : step + 1].T)

    frames = [*range(STEPS + 1), *[STEPS] * 12]  # a rest at the end
    TARGET.parent.mkdir(exist_ok=True)
    FuncAnimation(figure, draw, frames=frames).save(TARGET, writer=PillowWriter(fps=12), dpi=90)
    plt.close(figure)
    print(f"{TARGET.relative_to(ROOT)}: {TARGET.stat().st_size / 1e6:.2f} MB")
    return 0
