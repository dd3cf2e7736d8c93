"""The density of a model of points in the plane, beside the one that the points come from."""

from typing import TYPE_CHECKING

import jax
import numpy as np

from genlab.data.dataset import Dataset
from genlab.game import rng
from genlab.metrics.log_density import densities, log_density
from genlab.numbers import Count
from genlab.plots import figure
from genlab.plots.plane import plane_of
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEPTH = 12.0  # nats below the largest that are still told from nothing


@plots.register
@needs("points", "log_density")
def density(
    trained: Trained, *, size: Count = 128, steps: Count = 50, num_points: Count = 1000
) -> np.ndarray:
    """ln p(x) of the model on a grid of the plane, right of the data's own where it is known, else of the data.

    Both are on one scale, the DEPTH nats below the largest value of the known density, or of the model's own.

    Args:
      trained: the model.
      size: cells on a side.
      steps: Runge-Kutta steps of a probability flow.
      num_points: points of the train split that tell where the plane is, drawn where the density is not
        known.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no density of examples, or they are not [2].
    """
    points = trained.examples("train", num_points)["x"]
    extent, grid = plane_of(points, size)
    found = on_plane(trained, grid, steps)
    known = truth_on_plane(trained.data, grid)
    axes = figure.new_row(2)
    ceiling = float((found if known is None else known).max())
    if known is None:
        axes[0].plot(*points.T, ".", ms=3)
        axes[0].set(aspect="equal", title="data")
    else:
        draw(axes[0], known, extent, ceiling, "truth")
    draw(axes[1], found, extent, ceiling, "model")
    return figure.render(axes[0].figure)


def on_plane(trained: Trained, grid: np.ndarray, steps: int) -> np.ndarray:
    """ln p of the model at `grid: [size^2, 2]`, [size, size], rows from below."""
    key = rng.fold(jax.random.key(trained.seed), "density")
    return _square(densities(trained, grid, key, steps, exact=True))


def truth_on_plane(data: Dataset, grid: np.ndarray) -> np.ndarray | None:
    """ln p of what the data are drawn from, [size, size]; None where it is not known."""
    return None if data.log_density is None else _square(data.log_density(grid))


def draw(
    axes: "Axes",
    values: np.ndarray,
    extent: tuple[float, ...],
    ceiling: float,
    title: str,
) -> None:
    """A density of [size, size] as shades of the DEPTH nats below `ceiling`."""
    axes.imshow(
        values,
        origin="lower",
        extent=extent,
        vmin=ceiling - DEPTH,
        vmax=ceiling,
        aspect="auto",
    )
    axes.set(title=title)
    axes.grid(visible=False)


def _square(values: np.ndarray) -> np.ndarray:
    side = round(len(values) ** 0.5)
    return values.reshape(side, side)


density.check = lambda experiment, data, **_: log_density.check(
    experiment, data, num=1, steps=1, levels=2
)
