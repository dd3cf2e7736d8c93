"""Where an autoencoder would move each point of the plane."""

import numpy as np

from genlab.numbers import Count
from genlab.plots import figure
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

MARGIN = 0.15  # of the data's larger side, left around them


@plots.register
@needs("points", "reconstruct")
def vector_field(
    trained: Trained, *, size: Count = 25, num_points: Count = 1000
) -> np.ndarray:
    """Arrows along g(f(x)) - x on a grid of the plane, over the data.

    A denoising autoencoder's arrows point to the data's manifold and vanish on it. Colour is the
    length l of the step; the arrow is drawn in proportion to l / (l + the median of l), so that
    the short steps near the data show beside those far away.

    Args:
      trained: the model.
      size: arrows on a side.
      num_points: points of the train split drawn.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no `reconstruct`, or examples are not [2].

    Paper: Alain & Bengio 2014, arXiv:1211.4246
    """
    data = trained.examples("train", num_points)["x"]
    low, high = data.min(axis=0), data.max(axis=0)
    half = (0.5 + MARGIN) * max(*(high - low), 1e-3)
    centre = (low + high) / 2
    ticks = np.linspace(-half, half, size, dtype=data.dtype)
    grid = centre + np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    arrows = trained.call("reconstruct", grid) - grid
    lengths = np.linalg.norm(arrows, axis=1)
    cell = 2 * half / max(size - 1, 1)
    shown = arrows * (cell / np.maximum(lengths + np.median(lengths), 1e-12))[:, None]
    axes = figure.new_axes()
    axes.set(aspect="equal")
    axes.plot(*data.T, ".", ms=3, color=figure.MUTED)
    drawn = axes.quiver(
        *grid.T,
        *shown.T,
        lengths,
        cmap="viridis",
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.003,
    )
    bar = axes.figure.colorbar(drawn, shrink=0.8)
    bar.set_label("|g(f(x)) - x|", color=figure.INK)
    return figure.render(axes.figure)
