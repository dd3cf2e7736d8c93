"""How well a model fills in what is hidden of an example."""

import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError, suggest
from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.metrics.measurement import Measurement, means_of
from genlab.numbers import Count
from genlab.part import name_of
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

HALVES = ("top", "bottom", "left", "right")


@metrics.register
@needs("images", "complete")
def completion(
    trained: Trained,
    split: str,
    *,
    num: Count = 500,
    hidden: str = "bottom",
    draws: Count = 1,
) -> Measurement:
    """Squared error of the unknown half of images, completed from the known half by the model.

    Boltzmann machines complete by the mean of the unknown half, autoregressive models by one draw of it, which
    errs twice as much; the mean of several is nearer to theirs. An autoregressive model is told what comes
    before in its order alone, by rows from the top.

    Beside it the error of the mean of the train split, which a model that ignores the known half
    can reach.

    Args:
      trained: the model.
      split: of the images.
      num: images, an even spread over the split; the mean is of as many of the train split.
      hidden: the half that is completed: `top`, `bottom`, `left` or `right`.
      draws: completions of each image, of which the mean is taken.

    Returns:
      Means per unknown pixel, in the square of the unit of the images: `squared_error`,
      `mean_image_error` and how much the first is below the second, `gain_over_mean_image`.

    Raises:
      InputError: no `complete`, no images, or an unknown half.
    """
    x = trained.examples(split, num)["x"]
    completed, known = completed_half(trained, x, hidden=hidden, draws=draws)
    mean = trained.examples("train", num)["x"].mean(axis=0, keepdims=True)
    unknown = np.broadcast_to(~known, x.shape)
    errors = [
        np.mean(np.square(guess - x)[unknown].reshape(len(x), -1), axis=1)
        for guess in (completed, mean)
    ]
    values, intervals = means_of(
        {
            "squared_error": errors[0],
            "mean_image_error": errors[1],
            "gain_over_mean_image": errors[1] - errors[0],
        }
    )
    protocol = {"split": split, "examples": len(x), "hidden": hidden}
    protocol |= {"draws": draws, "binarized": trained.preparation.binarize}
    return Measurement(values, protocol, intervals)


def check_half(hidden: str) -> None:
    """Raises InputError for what is no half of an image."""
    if hidden not in HALVES:
        raise InputError(
            f"completion: hidden={hidden!r} is no half{suggest(hidden, HALVES)}"
        )


def _check(experiment: Experiment, data: Dataset, *, hidden: str, **knobs: int) -> None:
    """Raises InputError for what is no half."""
    del experiment, data, knobs
    check_half(hidden)


completion.check = _check


def completed_half(
    trained: Trained, x: np.ndarray, *, hidden: str, draws: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Images `x: [N, H, W, C]` with one half completed, the mean of some draws, and which pixels were known: [H, W, C].

    Raises:
      InputError: no `complete`, no images, or an unknown half.
    """
    if not trained.has("complete"):
        family = name_of(trained.experiment)
        raise InputError(
            f"completion needs a model that can complete examples, such as 'rbm', 'dbm' or 'density', not"
            f" {family!r}"
        )
    if x.ndim != 4:
        raise InputError(
            f"completion hides half an image; examples of {trained.data.name!r} have shape"
            f" {x.shape[1:]}"
        )
    check_half(hidden)
    known = np.ones(x.shape[1:], bool)
    axis = 0 if hidden in ("top", "bottom") else 1
    half = known.shape[axis] // 2
    part = slice(None, half) if hidden in ("top", "left") else slice(half, None)
    known[(slice(None),) * axis + (part,)] = False
    keys = (rng.stream(trained.seed, "completion", step) for step in range(draws))
    completed = [trained.call("complete", x, known, key) for key in keys]
    return np.mean(completed, axis=0), known
