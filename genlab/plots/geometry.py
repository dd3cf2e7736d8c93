"""How an encoder bends the space around examples, as curves."""

from typing import TYPE_CHECKING

import numpy as np

from genlab.errors import InputError
from genlab.game import rng
from genlab.geometry.contraction import contraction, random_directions
from genlab.geometry.jacobian import effective_dimension
from genlab.geometry.model import singular_values_of
from genlab.numbers import Count, Positive
from genlab.plots import figure
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@plots.register
@needs("encode")
def contraction_curve(
    trained: Trained,
    *,
    num: Count = 500,
    points: Count = 20,
    radius: Positive | None = None,
    split: str | None = None,
) -> np.ndarray:
    """Distance of the codes per distance of the inputs, over the distance from an example.

    Once in random directions and once towards another example; the lines are means over the
    examples and the bands hold the middle half of them. An encoder that has learned the data's
    manifold contracts random directions more than those towards other data.

    Args:
      trained: the model.
      num: examples, each with one direction of either kind.
      points: distances, evenly from `radius` / `points` to `radius`.
      radius: the greatest distance; None takes the median distance between two examples.
      split: where the examples come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no `encode`, a radius that is not above 0, or no two examples
        that differ.

    Paper: Rifai et al. 2011, Contractive Auto-Encoders, ICML
    """
    x = trained.examples(split or trained.data.held_out()[0], num)["x"]
    others = np.roll(x, 1, axis=0) - x
    apart = np.linalg.norm(others.reshape(len(x), -1), axis=1)
    x, others, apart = x[apart > 0], others[apart > 0], apart[apart > 0]
    if not len(x):
        raise InputError(
            "plot 'contraction_curve' needs two examples that differ; take more of them"
        )
    if radius is not None and radius <= 0:
        raise InputError(f"radius={radius} is not a distance; take one above 0")
    radius = np.median(apart) if radius is None else radius
    radii = radius * np.arange(1, points + 1, dtype=x.dtype) / points
    key = rng.stream(trained.seed, "contraction")
    towards = others / apart.reshape(-1, *[1] * (x.ndim - 1))
    ratios = {
        "random direction": random_directions(key, x.shape),
        "towards another example": towards,
    }
    axes = figure.new_axes()
    for color, (name, directions) in zip(
        (figure.ACCENT, figure.MARK), ratios.items(), strict=True
    ):
        curve = contraction(lambda x: trained.call("encode", x), x, directions, radii)
        _band(axes, radii, np.asarray(curve), color, name)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("distance of the inputs", color=figure.INK)
    axes.set_ylabel("distance of the codes / of the inputs", color=figure.INK)
    axes.legend(frameon=False, labelcolor=figure.INK)
    return figure.render(axes.figure)


@plots.register
@needs("encode")
def jacobian_spectrum(
    trained: Trained, *, num: Count = 100, split: str | None = None
) -> np.ndarray:
    """Singular values of the encoder's Jacobian, averaged over examples.

    The band holds the middle half of the examples; the dashed line is the mean effective dimension
    (participation ratio of the squared values). A spectrum that falls fast tells of few directions
    that the code answers to.

    Args:
      trained: the model.
      num: examples.
      split: where the examples come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no `encode`.

    Paper: Rifai et al. 2011, Contractive Auto-Encoders, ICML
    """
    x = trained.examples(split or trained.data.held_out()[0], num)["x"]
    values = singular_values_of(trained, "encode", x)
    dimension = float(np.mean(effective_dimension(values)))
    axes = figure.new_axes()
    _band(axes, np.arange(1, values.shape[1] + 1), values, figure.ACCENT, "mean")
    axes.axvline(
        dimension,
        color=figure.MARK,
        linestyle="--",
        label=f"effective dimension {dimension:.1f}",
    )
    axes.set_ylim(bottom=0)
    axes.set_xlabel("singular value, the largest first", color=figure.INK)
    axes.set_ylabel("size", color=figure.INK)
    axes.legend(frameon=False, labelcolor=figure.INK)
    return figure.render(axes.figure)


def _band(
    axes: "Axes", at: np.ndarray, values: np.ndarray, color: str, name: str
) -> None:
    """The mean of `values: [B, R]` over B at `at: [R]`, and its quartiles as a band."""
    low, high = np.quantile(values, (0.25, 0.75), axis=0)
    axes.fill_between(at, low, high, color=color, alpha=0.15, linewidth=0)
    axes.plot(at, values.mean(axis=0), ".-", color=color, ms=5, label=name)
