"""What a translation model makes of images, beside what they should become."""

from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError, suggest
from genlab.game.experiment import Experiment
from genlab.metrics.translations import (
    as_picture,
    call_in_batches,
    to_unit,
)
from genlab.numbers import Count
from genlab.plots.grid import image_grid
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@plots.register
@needs("translate")
def translations(
    trained: Trained, *, num: Count = 12, draws: Count = 1, split: str | None = None
) -> np.ndarray:
    """A column for each example: input, outputs, the true target, and the way back.

    Smaller inputs are enlarged pixel by pixel. The target is there where the data set has pairs, the
    way back where the model knows it.

    Args:
      trained: the model.
      num: examples, an even spread over the split.
      draws: outputs with other noise.
      split: where the examples come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment does not translate, or an unknown split.
    """
    _check(trained.experiment, trained.data, split=split)
    split = split or trained.data.held_out()[0]
    examples = trained.examples(split, num)
    outputs = [
        call_in_batches(trained, "translate", examples["x"], draw)
        for draw in range(draws)
    ]
    rows = [examples["x"], *outputs]
    if trained.data.paired:
        rows.append(examples["y"])
    if trained.has("translate_back"):
        rows.append(call_in_batches(trained, "translate_back", outputs[0]))
    shape = trained.data.target_shape
    cells = [_fitted(to_unit(trained, row), shape) for row in rows]
    return image_grid(np.concatenate(cells), columns=len(rows[0]), value_range=(0, 1))


def _fitted(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Images with the channels of `shape`, each pixel repeated up to its size where that fits."""
    images = as_picture(images, shape[-1])
    rows, columns = shape[0] // images.shape[1], shape[1] // images.shape[2]
    return images.repeat(rows, axis=1).repeat(columns, axis=2)


def _check(
    experiment: Experiment, data: Dataset, *, split: str | None, **knobs: Any
) -> None:
    del experiment, knobs
    if split and split not in data.splits:
        raise InputError(f"split={split!r} is no split{suggest(split, data.splits)}")


translations.check = _check
