"""Samples in chunks of one size, each from a key of its own, so that a sample does not depend on how many
others there are, nor on the devices that share them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from genlab.game import rng
from genlab.game.experiment import Experiment
from genlab.trained.helpers import Pieces, View

Array = jax.Array

SAMPLE_CHUNK = 128  # examples drawn at a time; part of what makes a sample reproducible


def chunks(
    key: Array,
    num: int,
    labels: np.ndarray | None,
    abreast: int,
    only: Iterable[int] | None = None,
) -> Iterator[dict[str, Array]]:
    """What `num` samples are drawn from, `abreast` chunks at a time, the last of them whole as well; or `only`
    those with these indices.

    Args:
      key: the keys of all chunks are folded from it.
      num: samples.
      labels: [num], where they are asked for.
      abreast: chunks that are drawn at once, one on each device.
    """
    size = abreast * SAMPLE_CHUNK
    chosen = range(-(-num // size)) if only is None else only
    for first in (index * size for index in chosen):
        indices = first // SAMPLE_CHUNK + np.arange(abreast)
        keys = jnp.stack([rng.fold(key, index) for index in indices])
        if labels is None:
            yield {"key": keys}
            continue
        part = labels[first : first + size]
        yield {"key": keys, "label": np.pad(part, (0, size - len(part)), mode="edge")}


def one_chunk(
    experiment: Experiment,
    model: tuple[Any, Any],
    examples: Mapping[str, Array],
    *,
    sampler: str = "sample",
) -> Array:
    """The chunk of one device, of the only key that it is given, and of its labels, by a method of the
    family that samples."""
    (key,) = examples["key"]
    if "label" in examples:
        return experiment.sample_classes(*model, examples["label"], key)
    return getattr(experiment, sampler)(*model, key, SAMPLE_CHUNK)


def samples(trained: View, *, num: int, label: Any, seed: int) -> Pieces:
    """`num` samples in pieces, a chunk for each device in each."""

    def make(only: Iterable[int]) -> Iterator[Array]:
        return trained.samples_in_chunks(num, label, seed, only=only)

    return Pieces(-(-num // (SAMPLE_CHUNK * trained.abreast(num))), make)
