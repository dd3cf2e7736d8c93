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
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size, size), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)  # bound here: pyplot would choose a canvas by the display
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def render(figure: "Figure") -> Picture:
    """The figure's pixels: [H, W, 3] uint8, with the figure itself for a file of vectors."""
    figure.canvas.draw()
    figure.set_layout_engine(
        "none"
    )  # files of vectors have everything where it is here
    return Picture.of(np.array(figure.canvas.buffer_rgba())[..., :3], figure)
