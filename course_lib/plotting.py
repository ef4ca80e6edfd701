"""Every figure of the course: one style, colour-blind-safe, with a text for those who cannot see it.

A drawing function takes data and ``ax`` and returns ``ax``. Lines differ in colour *and* in dash or marker.
"""

import io
import sys
from collections.abc import Callable, Mapping, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

__all__ = ["COLOURS", "MARKERS", "band", "contours", "image_grid", "lines", "path", "show", "use_style"]

# Okabe and Ito (2008), "Color Universal Design", without yellow (too pale on white), black last.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
_DASHES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 2)), (0, (8, 3))]
MARKERS = ["o", "^", "D", "v", "P", "X", "<"]
_DPI = 144


def use_style() -> None:
    """Set the course's matplotlib style for this session."""
    plt.rcdefaults()
    mpl.rcParams.update(
        {
            "figure.figsize": (6.4, 3.6),
            "figure.constrained_layout.use": True,
            "figure.dpi": 72,
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.prop_cycle": mpl.cycler(color=COLOURS, linestyle=_DASHES),
            "grid.color": "#dddddd",
            "grid.linewidth": 0.7,
            "lines.linewidth": 1.8,
            "legend.frameon": False,
            "image.cmap": "gray_r",
            "svg.hashsalt": "course",
        }
    )


def show(figure: mpl.figure.Figure, alt: str) -> None:
    """Show a figure, with `alt` as its text for screen readers, and close it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Drawn and finished.
    alt : str
        What the figure shows and what follows from it, in a sentence or two.

    Raises
    ------
    ValueError
        If `alt` is empty.
    """
    if not alt.strip():
        raise ValueError("alt must say what the figure shows, got an empty text")
    if "ipykernel" not in sys.modules:
        plt.show()
        return
    from IPython.display import Image, display

    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=_DPI, facecolor="white", metadata={"Software": None})
    width = round(figure.get_figwidth() * 96)
    plt.close(figure)
    display(Image(png.getvalue(), format="png", width=width, alt=alt))


def lines(
    ax: mpl.axes.Axes, series: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, first: int = 0, **line
) -> mpl.axes.Axes:
    """Draw named curves: ``series`` maps a label to ``(x, y)``.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        To draw on.
    series : mapping of str to pair of sequences
        Curves by label, drawn in this order.
    first : int, default 0
        Index of the first colour and dash, to go on where another call ended.
    **line
        Passed to ``ax.plot``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    for i, (label, (x, y)) in enumerate(series.items(), start=first):
        style = {"color": COLOURS[i % len(COLOURS)], "linestyle": _DASHES[i % len(_DASHES)]}
        ax.plot(x, y, label=label, **(style | line))
    return ax


def band(
    ax: mpl.axes.Axes, x: Sequence[float], runs: np.ndarray, *, label: str, index: int = 0, marker: str = ""
) -> mpl.axes.Axes:
    """Draw the median of several runs, with the range from the lowest to the highest behind it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        To draw on.
    x : sequence of length n
        Common abscissa.
    runs : ndarray of shape (r, n)
        One run (seed) per row.
    label : str
        For the legend.
    index : int, default 0
        Which colour and dash.
    marker : str, default ""
        Marker of the median.

    Returns
    -------
    matplotlib.axes.Axes
    """
    runs = np.asarray(runs)
    ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=COLOURS[index], alpha=0.2, linewidth=0)
    style = {"color": COLOURS[index], "linestyle": _DASHES[index], "marker": marker}
    ax.plot(x, np.median(runs, axis=0), label=label, **style)
    return ax


def contours(
    ax: mpl.axes.Axes,
    value: Callable[[np.ndarray], np.ndarray],
    window: tuple[float, float, float, float],
    *,
    levels: int | Sequence[float] = 14,
) -> mpl.axes.Axes:
    """Draw the contour lines of a surface over the plane, in grey, as a ground for paths.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        To draw on.
    value : callable
        ``value(points)``: (..., 2) → (...), as `course_lib.landscapes` has it.
    window : tuple of float
        ``(x_min, x_max, y_min, y_max)``.
    levels : int or sequence of float, default 14
        How many lines, at quantiles of the surface (so that a ravine's floor gets its share), or which values.

    Returns
    -------
    matplotlib.axes.Axes
    """
    x, y = np.linspace(*window[:2], 241), np.linspace(*window[2:], 241)
    z = value(np.stack(np.meshgrid(x, y), axis=-1))
    if isinstance(levels, int):
        levels = np.unique(np.quantile(z, (np.arange(levels) + 0.5) / levels))
    ax.contour(x, y, z, levels=levels, colors="#999999", linewidths=0.7, linestyles="solid")
    ax.set(xlim=window[:2], ylim=window[2:])
    ax.grid(False)
    return ax


def path(ax: mpl.axes.Axes, points: np.ndarray, *, label: str, index: int = 0, every: int = 1) -> mpl.axes.Axes:
    """Draw the path of an optimizer through the plane, with a marker at its steps and a square at its end.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        To draw on.
    points : ndarray of shape (steps + 1, 2)
        The positions, start first.
    label : str
        For the legend.
    index : int, default 0
        Which colour and marker.
    every : int, default 1
        Steps between markers.

    Returns
    -------
    matplotlib.axes.Axes
    """
    colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
    style = {"color": colour, "linewidth": 1.3, "markersize": 3.5, "markevery": every}
    ax.plot(points[:, 0], points[:, 1], linestyle="-", marker=marker, label=label, **style)
    ax.plot(*points[-1], marker="s", markersize=7, color=colour, markeredgecolor="white")
    return ax


def image_grid(images: np.ndarray, titles: Sequence[str], shape: tuple[int, int]) -> mpl.figure.Figure:
    """Draw rows of pixels as images, ten to a line, each under its title.

    Parameters
    ----------
    images : ndarray of shape (count, height * width)
        One image per row, 0 white to 1 black.
    titles : sequence of str, length count
        One per image.
    shape : tuple of int
        Height and width.

    Returns
    -------
    matplotlib.figure.Figure
    """
    columns = 10
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(6.6, 0.85 * rows + 0.15), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, title in zip(axes.flat, images, titles, strict=False):
        ax.imshow(image.reshape(shape), vmin=0, vmax=1)
        ax.set_title(title, fontsize=9, loc="center")
    return figure
