"""What a network of features sees in samples and in real images, made once for all metrics that ask.

Images come in chunks and never lie in memory together; their features do. Those of real images that
took long are kept in the user's cache folder, under a checksum of the pixels and of the program.
"""

import functools
import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.dataset import Dataset
from genlab.data.limits import max_bytes
from genlab.errors import InputError, suggest
from genlab.features.features import Features, Outputs, choose
from genlab.game.experiment import Experiment
from genlab.game.parallel import OverExamples
from genlab.process import display, memory
from genlab.process.duration import told
from genlab.process.xla import jaxlib_version
from genlab.storage import cache
from genlab.trained.draws import SAMPLE_CHUNK
from genlab.trained.trained import Trained

Choice = str | Mapping[str, Any]  # features by name, or dict(name=..., knob=...)

NUM = 10_000  # samples and reference images where a config does not say
CHUNK = SAMPLE_CHUNK  # images that a network sees at a time, always as many
WORTH = 5.0  # seconds of work, from which features of real images are kept in the cache


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network of features sees in images.

    Attributes:
      features: [N, F] float32.
      logits: [N, classes] float32; None where the network has no classes.
    """

    features: np.ndarray
    logits: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.features)

    def first(self, num: int) -> Self:
        """Of the first `num` images alone."""
        logits = None if self.logits is None else self.logits[:num]
        return type(self)(self.features[:num], logits)


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


def of_samples(
    trained: Trained,
    network: Features,
    num: int,
    *,
    seed: int = 0,
    label: Any = None,
    sampler: str = "sample",
) -> Seen:
    """What the network sees in `num` samples, of a class or by a method; kept as long as the state."""

    def enough(kept: Seen | None) -> Seen:
        if kept is not None and len(kept) >= num:
            return kept
        chunks = trained.samples_in_chunks(num, label, seed, sampler)
        return _look(trained, network, chunks, num, "samples")

    key = ("seen", identity(network), seed, label, sampler)
    return trained.of_state(key, enough).first(num)


def of_examples(trained: Trained, network: Features, split: str, num: int) -> Seen:
    """What the network sees in `num` images of a split, an even spread, as the data set has them."""
    count = min(num, trained.data.splits[split].size)
    read = functools.partial(trained.examples_in_chunks, split, count, CHUNK)
    images = lambda: (raw["x"] for raw in read(as_stored=True))

    def made() -> Seen:
        name = f"features/{network.name}-{_checksum(trained, network, images())}.npz"
        fields = ("features", "logits") if network.classes else ("features",)
        whole = functools.partial(cache.are_rows, count=count)
        if found := cache.read(name, fields, is_whole=whole, most=max_bytes()):
            return Seen(**found)
        begun = time.monotonic()
        seen = _look(trained, network, images(), count, "real images")
        if time.monotonic() - begun > WORTH:
            cache.write(name, {field: getattr(seen, field) for field in fields})
        return seen

    return trained.once(("seen", identity(network), split, count), made)


def _checksum(trained: Trained, network: Features, chunks: Iterable[Any]) -> str:
    """Of all that features of images depend on: pixels, variables, the program and what compiles it."""
    digest = hashlib.sha256(f"{identity(network)} {jaxlib_version()}".encode())
    for images in chunks:
        digest.update(f"{images.dtype} {images.shape}".encode())
        digest.update(np.ascontiguousarray(images))
    shape = jax.ShapeDtypeStruct((CHUNK, *images.shape[1:]), images.dtype)
    lowered = _program(trained, network, CHUNK).program.lower(network, shape)
    digest.update(lowered.as_text().encode())
    return digest.hexdigest()[:16]


def _program(trained: Trained, network: Features, num: int) -> OverExamples:
    """What runs the network on CHUNK images a device, as they are stored or as a model draws them; on
    no more devices than `num` images need."""
    low, high = trained.value_range
    devices = trained.devices[: -(-num // CHUNK)]

    # The network is an argument: constants of 100 MB make a program that compiles slowly.
    def look(network: Features, images: jax.Array) -> Outputs:
        stored = images.dtype == jnp.uint8
        unit = images / 255 if stored else (images - low) / (high - low)
        return network(jnp.clip(unit.astype(jnp.float32), 0, 1))

    key = ("look", identity(network), len(devices))
    return trained.once(key, lambda: OverExamples(look, devices))


def _whole(chunks: Iterable[Any], size: int) -> Iterator[Any]:
    """The images of chunks that divide `size`, so many at a time; the very last one fills the rest."""
    held: list[Any] = []
    for images in chunks:
        held.append(images)
        if sum(map(len, held)) == size:
            yield images if len(held) == 1 else np.concatenate(held)
            held.clear()
    if held:
        images = np.concatenate(held)
        yield np.pad(images, [(0, size - len(images)), *[(0, 0)] * 3], mode="edge")


def _look(
    trained: Trained, network: Features, chunks: Iterable[Any], num: int, what: str
) -> Seen:
    """What the network sees in the first `num` images of chunks of at most CHUNK."""
    program = _program(trained, network, num)
    found, placed, size = [], program.place(network), CHUNK * len(program.devices)
    doing, begun = f"{network.name} of {what}", time.monotonic()
    with display.doing(doing) as retell:
        for images in _whole(chunks, size):
            found.append(jax.device_get(program(placed, images)))
            done = min(num, size * len(found))
            left = (time.monotonic() - begun) / done * (num - done)
            retell(f"{doing}, {done:,} of {num:,}, {told(left)} left")
    features, logits = zip(*found, strict=True)
    seen = np.concatenate(features)[:num]
    if broken := np.count_nonzero(~np.isfinite(seen).all(1)):
        raise InputError(
            f"{broken} of {num} {what} have features that are not finite, and no distance"
        )
    return Seen(seen, None if logits[0] is None else np.concatenate(logits)[:num])


def identity(network: Features) -> str:
    """All that its values depend on, as one text."""
    return json.dumps(network.protocol, sort_keys=True)


def _source(data: Dataset) -> str:
    """What the images were read from: formats of files, or arrays."""
    if data.files is None:
        return "arrays"
    return ", ".join(sorted({path.suffix.lower() for path in data.files.paths}))
