"""What a network of features sees in images: in samples of a model, and in examples as they are stored.

Images come in chunks and never lie in memory together; their features do. Those of real images that
took long are kept in the user's cache folder, under a checksum of the pixels and of the program. Of
several processes each looks at its share of the images.
"""

import functools
import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.limits import max_bytes
from genlab.errors import InputError
from genlab.features.features import Features, Outputs, choose
from genlab.game.parallel import OverExamples
from genlab.process import display
from genlab.process.duration import told
from genlab.process.xla import jaxlib_version
from genlab.storage import cache
from genlab.trained.draws import SAMPLE_CHUNK
from genlab.trained.helpers import Pieces, made
from genlab.trained.trained import Trained

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
        given = None if label is None else np.asarray(label).tolist()
        drawn = {"label": given, "seed": seed, "sampler": sampler}
        return _look(trained, network, num, "samples", **drawn)

    key = ("seen", identity(network), seed, label, sampler)
    return trained.of_state(key, enough).first(num)


def of_examples(trained: Trained, network: Features, split: str, num: int) -> Seen:
    """What the network sees in `num` images of a split, an even spread, as the data set has them."""
    count = min(num, trained.data.splits[split].size)
    read = functools.partial(trained.examples_in_chunks, split, count, CHUNK)

    def looked() -> Seen:
        images = (raw["x"] for raw in read(as_stored=True))
        name = f"features/{network.name}-{_checksum(trained, network, images)}.npz"
        fields = ("features", "logits") if network.classes else ("features",)
        whole = functools.partial(cache.are_rows, count=count)
        if found := cache.read(name, fields, is_whole=whole, most=max_bytes()):
            return Seen(**found)
        begun = time.monotonic()
        seen = _look(trained, network, count, "real images", split=split)
        if time.monotonic() - begun > WORTH:
            cache.write(name, {field: getattr(seen, field) for field in fields})
        return seen

    return trained.once(("seen", identity(network), split, count), looked)


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


def _look(
    trained: Trained, network: Features, num: int, what: str, **images: Any
) -> Seen:
    """What the network sees in `num` images, called `what`, of which `chunks_of` knows more."""
    trained.once(_kept(identity(network)), lambda: network)
    asked = {"network": identity(network), "choice": network.choice, "num": num}
    chunks = made(trained, chunks_of, **asked, what=what, **images)
    features, logits = zip(*chunks, strict=True)
    seen = np.concatenate(features)[:num]
    if broken := np.count_nonzero(~np.isfinite(seen).all(1)):
        raise InputError(
            f"{broken} of {num} {what} have features that are not finite, and no distance"
        )
    return Seen(seen, None if logits[0] is None else np.concatenate(logits)[:num])


def chunks_of(
    trained: Trained,
    *,
    network: str,
    choice: str,
    num: int,
    what: str,
    split: str = "",
    label: Any = None,
    seed: int = 0,
    sampler: str = "sample",
) -> Pieces:
    """Features and logits of a chunk of images for each device.

    Args:
      trained: the model.
      network: the features by their identity.
      choice: the same as a config chose them.
      num: images.
      what: they are called.
      split: of the examples; empty for samples.
      label: of the samples, as `Trained.classes` takes it.
      seed: of the samples.
      sampler: that draws them.

    Raises:
      InputError: the features are not there, or are others here.
    """
    found = trained.once(_kept(network), lambda: choose(json.loads(choice)))
    if identity(found) != network:
        raise InputError(f"features {found.name!r} have other weights here")
    program = _program(trained, found, num)
    placed, size = program.place(found), CHUNK * len(program.devices)

    def images(only: Sequence[int]) -> Iterator[Any]:
        if not split:
            return trained.samples_in_chunks(num, label, seed, sampler, only)
        stored = {"as_stored": True, "only": only}
        return (
            raw["x"] for raw in trained.examples_in_chunks(split, num, size, **stored)
        )

    def looked(only: Sequence[int]) -> Iterator[Outputs]:
        doing, begun = f"{found.name} of {what}", time.monotonic()
        with display.doing(doing) as retell:
            for done, chunk in enumerate(images(only), 1):
                yield jax.device_get(program(placed, _padded(chunk, size)))
                left = (time.monotonic() - begun) / done * (len(only) - done)
                share = f"{min(num, size * done):,} of {min(num, size * len(only)):,}"
                retell(f"{doing}, {share}, {told(left)} left")

    return Pieces(-(-num // size), looked)


def _kept(network: str) -> tuple[str, str]:
    return "features", network


def _padded(images: Any, size: int) -> Any:
    """So many images; the last one fills the rest."""
    if len(images) == size:
        return images
    return np.pad(images, [(0, size - len(images)), *[(0, 0)] * 3], mode="edge")


def identity(network: Features) -> str:
    """All that its values depend on, as one text."""
    return json.dumps(network.protocol, sort_keys=True)
