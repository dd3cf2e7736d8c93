"""What a Boltzmann machine dreams of, and how it completes what it sees half of."""

import numpy as np

from genlab.game import rng
from genlab.metrics.completion import completed_half, completion
from genlab.numbers import Count
from genlab.plots.grid import image_grid
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@plots.register
@needs("images", "fantasies")
def fantasies(
    trained: Trained, *, num: Count = 64, columns: Count | None = None
) -> np.ndarray:
    """Fantasy particles: means of the pixels given the hidden units of the persistent chains.

    Args:
      trained: the model.
      num: chains shown, the first ones.
      columns: images in a row; as square as possible without it.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: no persistent chains, or examples that are not images.
    """
    images = trained.call("fantasies")[:num]
    return image_grid(images, columns=columns, value_range=trained.value_range)


@plots.register
@needs("images", "complete")
def completions(
    trained: Trained, *, num: Count = 16, hidden: str = "bottom"
) -> np.ndarray:
    """Images with one half completed by the model: known half, completion, truth, row by row.

    Args:
      trained: the model.
      num: images, an even spread over the held-out split.
      hidden: the half that is completed: `top`, `bottom`, `left` or `right`.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: no `complete`, or examples that are not images.
    """
    x = trained.examples(trained.data.held_out()[0], num)["x"]
    completed, known = completed_half(trained, x, hidden=hidden)
    grey = np.float32(np.mean(trained.value_range))
    seen = np.where(known, x, grey)
    rows = np.concatenate([seen, completed, x])
    return image_grid(rows, columns=len(x), value_range=trained.value_range)


completions.check = completion.check


@plots.register
@needs("images", "labels", "sample_classes")
def class_samples(trained: Trained, *, num: Count = 8) -> np.ndarray:
    """Samples given the class, a row for each class.

    Args:
      trained: the model.
      num: samples of each class.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no labels to clamp, or examples are not images.
    """
    label = np.repeat(np.arange(trained.data.num_classes, dtype=np.int32), num)
    images = trained.call(
        "sample_classes", label, rng.stream(trained.seed, "class_samples")
    )
    return image_grid(images, columns=num, value_range=trained.value_range)
