"""Samples of a model beside real images in the features of a network, made once for all metrics that ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from genlab.data.dataset import Dataset
from genlab.errors import InputError, suggest
from genlab.features.features import Features, choose
from genlab.game.experiment import Experiment
from genlab.metrics.seen import Seen, of_examples, of_samples
from genlab.process import memory
from genlab.trained.trained import Trained

Choice = str | Mapping[str, Any]  # features by name, or dict(name=..., knob=...)

NUM = 10_000  # samples and reference images where a config does not say


@dataclass(frozen=True, eq=False)
class Comparison:
    """Samples of a model, the real images that they are held against, and other real ones.

    Attributes:
      network: the features.
      samples: of the model.
      reference: real images of the reference split.
      floor: real images of the split that is measured on, at most as many as there are samples; None
        where that split is the reference.
      protocol: what all of them depend on.
    """

    network: Features
    samples: Seen
    reference: Seen
    floor: Seen | None
    protocol: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.network.name

    def sets(self) -> dict[str, Seen]:
        """What is held against the reference, by the suffix of its values: "" the samples, `_floor`
        the real images, and where those are fewer, `_at_floor` as many of the samples."""
        found = {"": self.samples}
        if self.floor is not None:
            found["_floor"] = self.floor
            if len(self.floor) < len(self.samples):
                found["_at_floor"] = self.samples.first(len(self.floor))
        return found


def compare(
    trained: Trained,
    split: str,
    features: Choice,
    num: int,
    num_reference: int,
    reference: str,
    seed: int,
) -> Comparison:
    """Samples, reference and floor of a model in chosen features.

    Args:
      trained: the model.
      split: where the real images of the floor come from.
      features: by name, or a part.
      num: samples.
      num_reference: real images of the reference split, at most; an even spread over it.
      reference: split.
      seed: of the samples, beside that of the run.

    Raises:
      InputError: as `check`; samples that are not finite.
    """
    knobs = dict(features=features, num=num, num_reference=num_reference)
    network = check(trained.experiment, trained.data, reference=reference, **knobs)
    real = of_examples(trained, network, reference, num_reference)
    samples = of_samples(trained, network, num, seed=seed)
    floor = None if split == reference else of_examples(trained, network, split, num)
    none = "none, since the split is the reference"
    protocol = {
        **protocol_of(trained, network, num, seed),
        "reference": f"{len(real)} of {reference}, as stored",
        "floor": none if floor is None else f"{len(floor)} real images of {split}",
    }
    return Comparison(network, samples, real, floor, protocol)


def protocol_of(
    trained: Trained, network: Features, num: int, seed: int
) -> dict[str, Any]:
    """What numbers of samples in features depend on, whatever they are held against."""
    return {
        **network.protocol,
        "samples": num,
        "source": _source(trained.data),
        "seed": f"{trained.seed}, samples {seed}",
    }


def check(
    experiment: Experiment,
    data: Dataset,
    *,
    features: Choice,
    num: int = 2,
    num_reference: int = 2,
    reference: str = "train",
    classes: bool = False,
    **knobs: Any,
) -> Features:
    """The features, if they serve the data and the counts are enough; before anything is drawn.

    `classes` asks for features that have logits; other knobs of a metric are passed over.

    Raises:
      InputError: unknown or unfit features, too few images, no such split, or more than memory holds.
    """
    del experiment, knobs
    network = choose(features)
    image = jax.ShapeDtypeStruct((2, *data.example_shape), np.float32)
    jax.eval_shape(network, image)
    if classes and not network.classes:
        raise InputError(
            f"features {network.name!r} have no classes; take those of a classifier,"
            " dict(name='run', run=DIR)"
        )
    if reference not in data.splits or not data.splits[reference].size:
        filled = [name for name, part in data.splits.items() if part.size]
        raise InputError(
            f"reference={reference!r} is no split with examples{suggest(reference, filled)}"
        )
    there = min(num_reference, data.splits[reference].size)
    if min(num, there) < 2:
        raise InputError(
            f"{num} samples against {there} real images; a distance needs 2 or more of both"
        )
    size = 4 * (network.width + network.classes)
    needed = {"features of samples": num * size, "features of images": there * size}
    memory.refuse_more_than(memory.host(), needed)
    return network


def _source(data: Dataset) -> str:
    """What the images were read from: formats of files, or arrays."""
    if data.files is None:
        return "arrays"
    return ", ".join(sorted({path.suffix.lower() for path in data.files.paths}))
