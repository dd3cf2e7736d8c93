"""Where the encoder puts the examples."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError, suggest
from genlab.game.experiment import Experiment
from genlab.numbers import Count, Positive
from genlab.plots import figure
from genlab.registry import plots
from genlab.trained.needs import needs, shapes_of
from genlab.trained.trained import Trained

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METHODS = ("pca", "tsne")
NAMED_CLASSES = 20  # as many as have a colour and a line in the legend of their own


@plots.register
@needs("encode")
def latent_embedding(
    trained: Trained,
    *,
    num: Count = 2000,
    method: str = "pca",
    perplexity: Positive = 30.0,
    split: str | None = None,
) -> np.ndarray:
    """Codes of examples in the plane, coloured by label, by principal components or t-SNE.

    Codes of two numbers are drawn as they are unless `method` is `tsne`.

    Args:
      trained: the model.
      num: examples encoded.
      method: `pca`, or `tsne` (scikit-learn's, started from the principal components), which shows
        who is near whom and neither distances nor densities.
      perplexity: of t-SNE, about the number of neighbours that count; below the number of examples.
      split: where the examples come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no `encode`, an example's code is a single number, another
        method, or a perplexity out of range.

    Paper: van der Maaten & Hinton 2008, Visualizing Data using t-SNE, JMLR 9
    """
    _check_method(method)
    batch = trained.examples(split or trained.data.held_out()[0], num)
    codes = trained.call("encode", batch["x"])
    codes = codes.reshape(len(codes), -1)
    _check_size(codes.shape[1])
    axes = figure.new_axes()
    if method == "tsne":
        codes = neighbour_plane(codes, perplexity=perplexity, seed=trained.seed)
        names = ["t-SNE 1", "t-SNE 2"]
    elif codes.shape[1] > 2:
        codes, shares = principal_plane(codes)
        names = [
            f"component {i + 1} ({share:.0%} of the variance)"
            for i, share in enumerate(shares)
        ]
    else:
        names = ["code 1", "code 2"]
    axes.set_xlabel(names[0], color=figure.INK)
    axes.set_ylabel(names[1], color=figure.INK)
    axes.set_aspect("equal", adjustable="datalim")
    scatter(axes, codes, batch.get("label"), trained.data.class_names)
    return figure.render(axes.figure)


def principal_plane(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of codes along their two directions of largest variance.

    A direction's sign is free; here its largest entry is positive, so that pictures agree between
    machines.

    Args:
      codes: [N, Z], Z at least 2.

    Returns:
      [N, 2] coordinates about the mean, and [2] shares of the variance.
    """
    centred = codes.astype(np.float64) - codes.mean(axis=0, dtype=np.float64)
    variances, directions = np.linalg.eigh(centred.T @ centred)
    directions = directions[:, ::-1][:, :2]
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.sign(directions[largest, [0, 1]])
    total = max(variances.sum(), np.finfo(np.float64).tiny)
    return centred @ directions, variances[::-1][:2] / total


def neighbour_plane(codes: np.ndarray, *, perplexity: float, seed: int) -> np.ndarray:
    """t-SNE of `codes: [N, Z]`: [N, 2], where those near each other stay so.

    Raises:
      InputError: a perplexity that is not in (0, N).

    Paper: van der Maaten & Hinton 2008, Visualizing Data using t-SNE, JMLR 9
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    _check_perplexity(perplexity, len(codes))
    if not np.ptp(codes, axis=0).any():  # all in one place, where they stay
        return np.zeros((len(codes), 2), np.float32)
    model = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    # Its threads wait by spinning: on cores that are busy it would take forty times as long.
    with threadpool_limits(limits=1, user_api="openmp"):
        return model.fit_transform(codes.astype(np.float32))


def _check(
    experiment: Experiment,
    data: Dataset,
    *,
    num: int,
    method: str,
    perplexity: float,
    split: str | None,
) -> None:
    _check_method(method)
    _check_size(math.prod(shapes_of(experiment, data, "encode").shape[1:]))
    if method == "tsne":
        size = data.splits[split or data.held_out()[0]].size
        _check_perplexity(perplexity, min(num, size))


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise InputError(f"unknown method {method!r}{suggest(method, METHODS)}")


def _check_size(size: int) -> None:
    if size < 2:
        raise InputError(
            "plot 'latent_embedding' needs codes of two numbers or more; this model's have"
            f" {size}"
        )


def _check_perplexity(perplexity: float, examples: int) -> None:
    if not 0 < perplexity < examples:
        raise InputError(
            f"perplexity={perplexity} is not above 0 and below the {examples} examples"
        )


latent_embedding.check = _check


def scatter(
    axes: "Axes",
    codes: np.ndarray,
    labels: np.ndarray | None,
    names: Sequence[str],
    *,
    legend: bool = True,
) -> None:
    """Points `codes: [N, 2]` on axes, coloured by `labels: [N]`, with a legend of their `names`."""
    if labels is None:
        axes.plot(*codes.T, ".", ms=4, color=figure.ACCENT)
        return
    classes = np.unique(labels)
    if len(classes) > NAMED_CLASSES:
        drawn = axes.scatter(*codes.T, c=labels, s=6, cmap="turbo", linewidths=0)
        if legend:
            axes.figure.colorbar(drawn, label="label", shrink=0.8)
        return
    import matplotlib

    colors = matplotlib.colormaps["tab10" if len(classes) <= 10 else "tab20"].colors
    for color, label in zip(colors, classes, strict=False):
        name = names[label] if len(names) > label else str(label)
        axes.plot(*codes[labels == label].T, ".", ms=4, color=color, label=name)
    if legend:
        handles, texts = axes.get_legend_handles_labels()
        where = dict(loc="outside right upper", frameon=False, markerscale=2.5)
        axes.figure.legend(handles, texts, labelcolor=figure.INK, **where)
