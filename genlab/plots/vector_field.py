"""Where models would move each point of the plane: autoencoders, and the scores of energies."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genlab.errors import InputError
from genlab.game.slots import parts_in
from genlab.numbers import Count
from genlab.part import bound_knobs, settled
from genlab.plots import figure
from genlab.plots.beside import opened
from genlab.plots.plane import plane_of
from genlab.registry import corruptions, plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    _, grid = plane_of(data, size)
    arrows = trained.call("reconstruct", grid) - grid
    axes = figure.new_axes()
    _draw(axes, data, grid, arrows, "|g(f(x)) - x|")
    return figure.render(axes.figure)


@plots.register
@needs("points", "score")
def score_field(
    trained: Trained,
    *,
    beside: Sequence[str] = (),
    size: Count = 25,
    num_points: Count = 1000,
) -> np.ndarray:
    """Arrows along the score of the model, the gradient of log p(x), and of other runs beside it.

    A denoising autoencoder in their place has (g(f(x)) - x) / s^2, s the standard deviation of its noise: with
    squared error its best reconstruction of x is x + s^2 times the score of the data smoothed by the noise, so
    that both pictures are of one field. Arrows and colours as of `vector_field`.

    Args:
      trained: the model.
      beside: run folders of others, with a score of their own or denoising autoencoders.
      size: arrows on a side.
      num_points: points of the train split drawn.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no `score`, examples are not [2], or a run beside has neither a score nor
        Gaussian noise that it takes off.

    Papers: Vincent 2011, Neural Comput. 23:1661-1674; Alain & Bengio 2014, arXiv:1211.4246
    """
    data = trained.examples("train", num_points)["x"]
    _, grid = plane_of(data, size)
    models = {"this run" if beside else "": trained}
    models |= {Path(folder).name: opened(folder) for folder in beside}
    row = figure.new_row(len(models), size=5.6)
    for axes, (name, model) in zip(row, models.items(), strict=True):
        arrows, label = _score(model, grid, name)
        _draw(axes, data, grid, arrows, label)
        axes.set_title(name, color=figure.INK)
    return figure.render(row[0].figure)


def _score(model: Trained, grid: np.ndarray, name: str) -> tuple[np.ndarray, str]:
    """The score of a model on a grid, [N, 2], and what its length is called."""
    if model.has("score"):
        return model.call("score", grid), "|gradient of log p(x)|"
    corruption = (
        parts_in(model.experiment, "corruption") if model.has("reconstruct") else {}
    )
    if "gaussian_noise" not in corruption:
        raise InputError(
            f"score_field: {name!r} has no score; take a run of 'energy_based', or an autoencoder with"
            " experiment.corruption='gaussian_noise'"
        )
    noise = settled(corruption["gaussian_noise"], model.step)
    std = {**corruptions.knobs("gaussian_noise"), **bound_knobs(noise)}["std"]
    return (model.call("reconstruct", grid) - grid) / std**2, "|g(f(x)) - x| / s^2"


def _draw(
    axes: "Axes", data: np.ndarray, grid: np.ndarray, arrows: np.ndarray, label: str
) -> None:
    """The data, and over them an arrow at each point of the grid."""
    lengths = np.linalg.norm(arrows, axis=1)
    cell = np.ptp(grid[:, 0]) / max(np.sqrt(len(grid)) - 1, 1)
    shown = arrows * (cell / np.maximum(lengths + np.median(lengths), 1e-12))[:, None]
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
    bar.set_label(label, color=figure.INK)
