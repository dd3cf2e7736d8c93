"""How far translations are from the truth in the eyes of a trained network."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError
from genlab.features.classifier import load_feature_network
from genlab.game.experiment import Experiment
from genlab.game.precision import exact_products
from genlab.metrics.measurement import Measurement, means_of
from genlab.metrics.translations import in_chunks, translate_split
from genlab.numbers import Count
from genlab.registry import metrics
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

Array = jax.Array


@metrics.register
@needs("translate")
def perceptual_distance(
    trained: Trained, split: str, *, run: str, num: Count = 1000
) -> Measurement:
    """Distance of translations from the true partners in the maps of a classifier's run, as LPIPS is.

    sum_l mean_hw sum_c (u_l(o) - u_l(t))^2, u_l the map that convolution l makes, its channels at each
    place divided by their length: each convolution has a part between 0 and 4. No weights of channels are
    learned from people's judgements, as the paper learns them; its comparison without them is this.

    Args:
      trained: the model.
      split: of true pairs.
      run: folder of a finished run of 'classifier'; the value is named after its data and network.
      num: examples, an even spread over the split.

    Returns:
      `distance_NAME`, 0 or more, a mean over images, without a unit; the same with `_input`, or
      `_nearest` and `_bicubic` where the input is smaller.

    Raises:
      InputError: the experiment does not translate, held-out examples have no true partner, no such run, or
        one whose classifier has no convolution.

    Paper: Zhang et al. 2018, arXiv:1801.03924
    """
    _check(trained.experiment, trained.data, run=run)
    network = load_feature_network(run)
    found = translate_split(trained, split, num=num)
    far = jax.jit(
        exact_products(lambda o, t: distance(network.maps(o), network.maps(t)))
    )
    scores = {
        f"distance_{network.name}{suffix}": np.concatenate(
            [
                np.asarray(far(*both))
                for both in zip(in_chunks(images), in_chunks(found.y), strict=True)
            ]
        )
        for suffix, images in found.guesses().items()
    }
    values, intervals = means_of(scores)
    protocol = {
        **found.protocol,
        "features": f"{network.name}, {network.step} rounds, all convolutions",
        "classifier": f"run {network.run}, weights {network.checksum}",
    }
    return Measurement(values, protocol, intervals)


def distance(ours: list[Array], theirs: list[Array]) -> Array:
    """[B], the sum over maps `[B, h, w, c]` of the mean over places of the squared distance of their channels'
    directions."""
    gaps = [
        jnp.mean(jnp.sum(jnp.square(_direction(a) - _direction(b)), -1), (1, 2))
        for a, b in zip(ours, theirs, strict=True)
    ]
    return sum(gaps)


def _direction(channels: Array) -> Array:
    return channels / (jnp.linalg.norm(channels, axis=-1, keepdims=True) + 1e-10)


def _check(experiment: Experiment, data: Dataset, *, run: str, **knobs: Any) -> None:
    del experiment, knobs
    if not data.paired:
        raise InputError(
            f"metric 'perceptual_distance' needs true pairs, which {data.name!r} does not have;"
            " 'frechet_translation' needs none"
        )
    network = load_feature_network(run)
    images = jax.ShapeDtypeStruct((1, *data.target_shape), np.float32)
    jax.eval_shape(network.maps, images)


perceptual_distance.check = _check
