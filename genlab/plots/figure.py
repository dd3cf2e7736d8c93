"""Drawings with axes, rendered to pixels without a window or any global state."""

from typing import TYPE_CHECKING

import numpy as np

from genlab.plots.picture import DPI, Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1f2937"
MUTED = "#9ca3af"
ACCENT = "#2563eb"
MARK = "#dc2626"


def new_axes(*, size: float = 6.4) -> "Axes":
    """Axes of a new square figure, `size` inches (DPI pixels each) on a side."""
    (axes,) = new_row(1, size=size)
    return axes


def new_row(count: int, *, size: float = 6.4) -> list["Axes"]:
    """As many axes side by side, on one scale, in squares of `size` inches."""
    return _new(1, count, size, shared=True)


def new_grid(rows: int, columns: int, *, size: float = 4.8) -> list["Axes"]:
    """Axes in rows and columns, each on its own scale, in squares of `size` inches."""
    return _new(rows, columns, size, shared=False)


def _new(rows: int, columns: int, size: float, *, shared: bool) -> list["Axes"]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sides = columns * size, rows * size
    figure = Figure(figsize=sides, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)  # bound here: pyplot would choose a canvas by the display
    options = dict(sharex=shared, sharey=shared, squeeze=False)
    every = list(figure.subplots(rows, columns, **options).flat)
    for axes in every:
        _style(axes)
    return every


def _style(axes: "Axes") -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)


def render(figure: "Figure") -> Picture:
    """The figure's pixels: [H, W, 3] uint8, with the figure itself for a file of vectors."""
    figure.canvas.draw()
    figure.set_layout_engine(
        "none"
    )  # files of vectors have everything where it is here
    return Picture.of(np.array(figure.canvas.buffer_rgba())[..., :3], figure)
