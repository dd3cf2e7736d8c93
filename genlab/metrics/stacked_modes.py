"""How many of a thousand modes the samples of stacked digits reach, by a classifier of digits."""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.dataset import Dataset
from genlab.distances.modes import kl_to_even
from genlab.errors import InputError
from genlab.features.features import Features
from genlab.metrics import sample_features
from genlab.metrics.measurement import Measurement, beside, finite
from genlab.metrics.sample_features import Choice
from genlab.metrics.seen import CHUNK
from genlab.numbers import Count, Seed
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained


@metrics.register
@needs("images", "sample")
def stacked_modes(
    trained: Trained,
    split: str,
    *,
    classifier: Choice = "digits_classifier",
    num: Count = 26_000,
    seed: Seed = 0,
) -> Measurement:
    """Modes that samples of three digits reach, and their reverse KL, by the class of each channel.

    With 26,000 samples nearly all of 1,000 even modes are reached by chance alone, and the KL of even
    samples is about (1,000 - 1) / 52,000 = .019; the floor has what the classifier adds.

    Args:
      trained: a model of images of three channels.
      split: where the real images of the floor come from.
      classifier: features with classes, of single digits: a name, or dict(name="run", run=DIR).
      num: samples, and real images at most.
      seed: of the samples, beside that of the run.

    Returns:
      `modes` and `kl`, in nats, of the samples' modes to even ones, and the same with `_floor`, of
      real images, and where those are fewer `_at_floor`, of as many samples; `classifier_accuracy`, the share of these whose three digits are all found, where
      examples have labels.

    Raises:
      InputError: images of other channels, features without classes, or more samples than memory holds.

    Papers: Metz et al. 2017, arXiv:1611.02163; Lin et al. 2018, arXiv:1712.04086
    """
    network = _check(trained.experiment, trained.data, classifier=classifier)
    classify = _classifier(trained, network)
    samples = trained.samples_in_chunks(num, seed=seed)
    labels = []

    def real() -> Iterable[np.ndarray]:
        for batch in trained.examples_in_chunks(split, num, CHUNK):
            labels.append(batch.get("label", np.zeros(0, np.int32)))
            yield batch["x"]

    made = np.concatenate([classify(finite(images)) for images in samples])[:num]
    found = np.concatenate([classify(images) for images in real()])
    values = {}
    for suffix, modes in beside(made, found).items():
        values |= _counted(modes, network, suffix)
    truth = np.concatenate(labels)
    if len(truth):
        values["classifier_accuracy"] = float(np.mean(truth == found))
    protocol = {
        **sample_features.protocol_of(trained, network, num, seed),
        "modes": network.classes ** trained.data.example_shape[2],
        "floor": f"{len(found)} real images of {split}",
    }
    return Measurement(values, protocol)


def _classifier(trained: Trained, network: Features) -> Any:
    """Images in the model's range to the number of their mode, [B]."""
    (low, high), placed = trained.value_range, jax.device_put(network)

    @jax.jit
    def modes(network: Features, images: jax.Array) -> jax.Array:
        count, *sides, channels = images.shape
        unit = jnp.clip((images - low) / (high - low), 0, 1)
        single = jnp.moveaxis(unit, -1, 1).reshape(count * channels, *sides, 1)
        digits = jnp.argmax(network(single)[1], axis=1).reshape(count, channels)
        worth = network.classes ** np.arange(channels)[::-1]
        return jnp.sum(digits * worth[None], axis=1)

    return lambda images: jax.device_get(modes(placed, images))


def _counted(
    modes: np.ndarray, network: Features, suffix: str = ""
) -> dict[str, float]:
    counts = np.bincount(modes, minlength=network.classes**3)
    return {
        f"modes{suffix}": float(np.count_nonzero(counts)),
        f"kl{suffix}": kl_to_even(counts),
    }


def _check(
    experiment: Any, data: Dataset, *, classifier: Choice, **knobs: Any
) -> Features:
    if data.example_shape[-1] != 3:
        raise InputError(
            f"'stacked_modes' counts digits in three channels; {data.name!r} has examples"
            f" {tuple(data.example_shape)}; take 'stacked_digits'"
        )
    return sample_features.check(experiment, data, features=classifier, classes=True)


stacked_modes.check = _check
