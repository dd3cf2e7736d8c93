"""What a model draws, and what it makes of the examples it is shown."""

from typing import TYPE_CHECKING

import numpy as np

from genlab.numbers import Count, Whole
from genlab.plots import figure
from genlab.plots.grid import image_grid
from genlab.plots.melodies import rolls_of_samples
from genlab.registry import plots
from genlab.trained.needs import has_fact, needs
from genlab.trained.trained import Trained

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@plots.register
@needs("images or points or melodies", "sample")
def samples(
    trained: Trained,
    *,
    num: Count = 64,
    columns: Count | None = None,
    num_points: Count = 2000,
    label: str | None = None,
    seed: Whole = 0,
) -> np.ndarray:
    """Samples from fixed latents: a grid of images, piano rolls, or points over the data's points.

    Points come with the centres of the data's modes and circles of three standard deviations. The
    axes follow the data alone, so that pictures of one run are comparable; the legend counts the
    samples that fall outside.

    Args:
      trained: the model.
      num: images or melodies drawn.
      columns: images or melodies in a row; without it images are as square as possible.
      num_points: points drawn, of data and of samples, where examples are [2].
      label: the class, by name or index, of a model that draws one; None for any.
      seed: another one draws others.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no `sample`, or examples are no images, points or melodies.
    """
    if has_fact(trained.data, "melodies"):
        return rolls_of_samples(trained.data, trained.sample(num, label, seed), columns)
    if not trained.data.is_image:
        return _sampled_points(trained, trained.sample(num_points, label, seed))
    return image_grid(
        trained.sample(num, label, seed),
        columns=columns,
        value_range=trained.value_range,
    )


@plots.register
@needs("images or points", "reconstruct", with_label=True)
def reconstructions(
    trained: Trained,
    *,
    num: Count = 32,
    columns: Count = 8,
    num_points: Count = 500,
    split: str | None = None,
) -> np.ndarray:
    """Examples above their reconstructions; for points, a line from each to its reconstruction.

    Args:
      trained: the model.
      num: images shown.
      columns: images in a row; every row of examples has its reconstructions beneath it.
      num_points: points shown where examples are [2].
      split: where the examples come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no `reconstruct`, or examples are neither images nor points.
    """
    split = split or trained.data.held_out()[0]
    if not trained.data.is_image:
        return _reconstructed_points(trained, num_points, split)
    seen = trained.seen_by("reconstruct", trained.examples(split, num))
    originals, copies = seen[0], trained.call("reconstruct", *seen)
    columns = min(columns, len(originals))
    rows = []
    for start in range(0, len(originals), columns):
        for images in (originals, copies):
            row = images[start : start + columns]
            blank = np.full_like(row[:1], trained.value_range[0])
            rows += [row, *[blank] * (columns - len(row))]
    return image_grid(
        np.concatenate(rows), columns=columns, value_range=trained.value_range
    )


def _sampled_points(trained: Trained, drawn: np.ndarray) -> np.ndarray:
    data = trained.examples("train", len(drawn))["x"]
    axes = _plane(trained, data)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    outside = np.count_nonzero(
        ~((drawn >= (left, bottom)) & (drawn <= (right, top))).all(axis=1)
    )
    label = f"samples ({outside} outside)" if outside else "samples"
    axes.plot(*data.T, ".", ms=3, color=figure.MUTED, label="data")
    axes.plot(*drawn.T, ".", ms=3, color=figure.ACCENT, alpha=0.7, label=label)
    _modes(axes, trained)
    return _with_legend(axes)


def _reconstructed_points(trained: Trained, num: int, split: str) -> np.ndarray:
    seen = trained.seen_by("reconstruct", trained.examples(split, num))
    data, copies = seen[0], trained.call("reconstruct", *seen)
    axes = _plane(trained, data)
    segments = np.stack([data, copies], axis=1)
    axes.plot(*segments.transpose(2, 1, 0), color=figure.MUTED, lw=0.7)
    axes.plot(*data.T, ".", ms=4, color=figure.INK, label="data")
    axes.plot(*copies.T, ".", ms=4, color=figure.ACCENT, label="reconstructions")
    return _with_legend(axes)


def _plane(trained: Trained, data: np.ndarray) -> "Axes":
    """Axes with one scale for both directions, wide enough for the data and its modes."""
    axes = figure.new_axes()
    modes = trained.data.modes
    seen = data if modes is None else np.concatenate([data, modes])
    low, high = seen.min(axis=0), seen.max(axis=0)
    centre, half = (low + high) / 2, 0.6 * max(*(high - low), 1e-3)
    axes.set(
        xlim=(centre[0] - half, centre[0] + half),
        ylim=(centre[1] - half, centre[1] + half),
        aspect="equal",
    )
    return axes


def _modes(axes: "Axes", trained: Trained) -> None:
    modes = trained.data.modes
    if modes is None:
        return
    axes.plot(*np.transpose(modes), "+", ms=8, color=figure.MARK, label="modes")
    if not trained.data.mode_std:
        return
    from matplotlib.patches import Circle

    for centre in modes:
        axes.add_patch(
            Circle(
                centre, 3 * trained.data.mode_std, fill=False, ec=figure.MARK, lw=0.8
            )
        )


def _with_legend(axes: "Axes") -> np.ndarray:
    axes.figure.legend(
        loc="outside upper center",
        ncols=3,
        frameon=False,
        markerscale=2,
        labelcolor=figure.INK,
    )
    return figure.render(axes.figure)
