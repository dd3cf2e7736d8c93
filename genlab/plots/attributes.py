"""Arithmetic on latents: what a labelled attribute is worth as a direction."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.data.selection import class_index
from genlab.errors import InputError
from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.game.prior import check_prior
from genlab.numbers import Count
from genlab.plots.grid import image_grid
from genlab.plots.neighbours import nearest
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

DRAWS = 256  # decoded at a time


@plots.register
@needs("images", "classes", "decode")
def latent_arithmetic(
    trained: Trained,
    *,
    start: str | None = None,
    minus: str | None = None,
    plus: str | None = None,
    num: Count = 6,
    points: Count = 8,
    num_latents: Count = 2048,
    num_train: Count = 2000,
) -> np.ndarray:
    """Latents of one class moved by the difference of the means of two others, start - minus + plus.

    The first row begins at the mean of the class, as in the paper; the others at single latents of
    it. Latents of a class are the codes of its training examples, where the family encodes, and
    otherwise draws of the prior whose image is, by its pixels, nearest to a training image of it; where
    no draw's is, the `num` draws that are nearest to the mean of these.

    Args:
      trained: a model that decodes latents, without the class beside them.
      start: class that is moved, by name or index; `minus` without.
      minus: class whose mean is taken away; the first of the training examples without.
      plus: class whose mean is added; the second without.
      num: rows of single latents.
      points: images in a row, the last of which have the whole difference.
      num_latents: draws of the prior, or training examples, that the classes are taken from.
      num_train: training images that draws are compared with.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: no such class, one that no latent is of, or a generator that takes the class itself.

    Paper: Radford et al. 2016, arXiv:1511.06434, section 6.3.2
    """
    seen = np.unique(trained.examples("train", num_latents)["label"]).tolist()
    chosen = _chosen(trained.data, start, minus, plus, seen)
    if trained.has("encode"):
        z, label = _codes(trained, num_latents)
        of_class = {name: z[label == index] for name, index in chosen.items()}
    else:
        z, of_class = _draws(trained, chosen, num, num_latents, num_train)
    for name, found in of_class.items():
        if not len(found):
            raise InputError(
                f"none of {len(z)} training examples is of the class {name}={chosen[name]}; take"
                " another, or more num_latents"
            )
    means = {name: found.mean(axis=0) for name, found in of_class.items()}
    begin = np.concatenate([means["start"][None], of_class["start"][:num]])
    share = np.linspace(0, 1, points, dtype=z.dtype).reshape(1, -1, *[1] * (z.ndim - 1))
    moved = begin[:, None] + share * (means["plus"] - means["minus"])[None, None]
    images = trained.call("decode", moved.reshape(-1, *z.shape[1:]))
    return image_grid(images, columns=points, value_range=trained.value_range)


def _codes(trained: Trained, num: int) -> tuple[np.ndarray, np.ndarray]:
    batch = trained.examples("train", num)
    return np.asarray(trained.call("encode", batch["x"])), batch["label"]


def _draws(
    trained: Trained, chosen: dict[str, int], least: int, num: int, num_train: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Draws of the prior, and those of each chosen class: whose images are nearest to a training image of
    it, or where there are none, the `least` that are nearest to its mean image."""
    key = rng.stream(trained.seed, "latent_arithmetic")
    z = np.asarray(trained.experiment.latents(key, num))
    train = trained.examples("train", num_train)
    parts = [z[first : first + DRAWS] for first in range(0, num, DRAWS)]
    images = np.concatenate(
        [np.asarray(trained.call("decode", part)) for part in parts]
    )
    label = train["label"][nearest(images, train["x"], count=1)[:, 0]]
    found = {}
    for name, index in chosen.items():
        found[name] = z[label == index]
        if not len(found[name]) and np.any(of := train["label"] == index):
            gap = images - train["x"][of].mean(axis=0)
            order = np.argsort(np.square(gap).reshape(len(z), -1).sum(axis=1))
            found[name] = z[order[:least]]
    return z, found


def _chosen(
    data: Dataset,
    start: str | None,
    minus: str | None,
    plus: str | None,
    seen: Sequence[int] = (0, 1),
) -> dict[str, int]:
    """The classes by what they are for; those without a name are the first of those that were seen."""
    minus = seen[0] if minus is None else class_index(data, minus, "minus")
    plus = (
        seen[-1 if len(seen) < 2 else 1]
        if plus is None
        else class_index(data, plus, "plus")
    )
    start = minus if start is None else class_index(data, start, "start")
    return {"start": start, "minus": minus, "plus": plus}


def _check(
    experiment: Experiment,
    data: Dataset,
    *,
    start: str | None = None,
    minus: str | None = None,
    plus: str | None = None,
    **knobs: Any,
) -> None:
    del knobs
    _chosen(data, start, minus, plus)
    if not callable(getattr(experiment, "encode", None)):
        check_prior(experiment, "arithmetic on draws of the prior")
        if experiment.networks[experiment.DECODER].takes_label:
            raise InputError(
                f"model.{experiment.DECODER} takes the class itself, so that latents have none to"
                " add or take away; 'class_samples' shows it"
            )


latent_arithmetic.check = _check
