"""Images that are there already, measured as if a model had just drawn them."""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from genlab.data.dataset import Dataset, golden_order
from genlab.data.fingerprint import fingerprint
from genlab.data.images import SUFFIXES
from genlab.data.prepare import Preparation
from genlab.errors import InputError
from genlab.evaluation import evaluate
from genlab.evaluation.results import as_record
from genlab.game.parallel import all_devices
from genlab.game.turn import State
from genlab.part import says
from genlab.process.duration import now
from genlab.registry import datasets, metrics
from genlab.trained.draws import SAMPLE_CHUNK
from genlab.trained.trained import Trained

COUNTS = ("num", "num_samples")  # knobs that say how many samples a metric takes

_log = logging.getLogger("genlab")


class ImageSet(Trained):
    """A set of images in the place of a model's samples, and the data that it is held against.

    Attributes:
      images: the images, all of them in its train split.
    """

    def __init__(self, images: Dataset, reference: Dataset):
        self.images = images
        nothing = State(jnp.zeros((), jnp.int32), {}, {}, {})
        drawn = _Drawn(images.example_shape)
        preparation, devices = Preparation(), all_devices()
        super().__init__(drawn, nothing, reference, preparation, 0, devices=devices)

    @property
    def size(self) -> int:
        """How many images there are."""
        return self.images.splits["train"].size

    def sample(self, num: int, label: Any = None, seed: int = 0) -> np.ndarray:
        """`num` of the images, `[num, H, W, C]` float32 in [0, 1], an even spread.

        Raises:
          InputError: fewer images, a label, or images of another shape than the reference's.
        """
        shape, other = self.images.example_shape, self.data.example_shape
        if tuple(shape) != tuple(other):
            raise InputError(
                f"{self.images.name!r} has images of shape {tuple(shape)} and {self.data.name!r} of"
                f" {tuple(other)}; only metrics in features of a network compare unlike shapes, a"
                " reference takes image_size= and channels="
            )
        chunks = list(self.samples_in_chunks(num, label, seed))
        return np.concatenate(chunks).astype(np.float32) / 255

    def samples_in_chunks(
        self,
        num: int,
        label: Any = None,
        seed: int = 0,
        sampler: str = "sample",
        only: Iterable[int] | None = None,
    ) -> Iterator[np.ndarray]:
        """The same images as they are stored, `[N, H, W, C]` uint8, SAMPLE_CHUNK for each device at a time."""
        if label is not None or sampler != "sample":
            raise InputError("images are not asked for by class, nor by a sampler")
        if not 1 <= num <= self.size:
            raise InputError(
                f"{num:,} images cannot be taken from the {self.size:,} of {self.images.name!r}"
            )
        rows = golden_order(self.size)[:num].astype(np.int32)
        size = SAMPLE_CHUNK * self.abreast(num)
        for index in range(-(-num // size)) if only is None else only:
            part = rows[index * size : (index + 1) * size]
            yield self.images.splits["train"].gather(part)["x"]

    def measured(
        self, chosen: Iterable[Any], split: str = "test", batch_size: int = 256
    ) -> dict[str, Any]:
        """What the images are, when they were measured, and what each chosen metric found.

        Args:
          chosen: names of metrics, or parts; each takes no more images than there are.
          split: of the reference data, where the real images beside them come from.
          batch_size: images taken together.

        Raises:
          InputError: a metric that images cannot serve, or that asks for more of them.
        """
        chosen = [self._counted(choice) for choice in chosen]
        evaluate.check(self.experiment, self.data, metrics, chosen)
        results = evaluate.measure(self, split, chosen, batch_size)
        record = {"images": self._about(), "reference": self.data.name}
        return record | {"measured": now(), "metrics": as_record(results)}

    def _about(self) -> dict[str, Any]:
        content = json.dumps(fingerprint(self.images), sort_keys=True)
        return {
            "name": self.images.name,
            "count": self.size,
            "shape": list(self.images.example_shape),
            "checksum": hashlib.sha256(content.encode()).hexdigest()[:12],
        }

    def _counted(self, choice: Any) -> dict[str, Any]:
        part = {"name": choice} if isinstance(choice, str) else dict(choice)
        name, accepted = part["name"], metrics.knobs(part["name"])
        each = says(metrics.find(name), "images_each", 1)
        for knob in filter(accepted.__contains__, COUNTS):
            most = self.size // each
            if part.get(knob, 0) > most:
                raise InputError(
                    f"{name!r}: {knob}={part[knob]:,}, of {each * part[knob]:,} images, and {self.images.name!r} has"
                    f" {self.size:,}"
                )
            part.setdefault(knob, min(accepted[knob], most))
            if part[knob] < most:
                told = "%s takes %s of %s images; %s=%d takes all"
                counts = f"{each * part[knob]:,}", f"{self.size:,}", knob, most
                _log.info(told, name, *counts)
        return part


class _Drawn:
    """What is asked of an experiment before a metric is: that it samples, and in which shape."""

    def __init__(self, shape: tuple[int, ...]):
        self._shape = shape

    def view(self, state: State) -> tuple[dict, dict]:
        return state.params, state.extra

    def init(self, key: jax.Array, batch: dict[str, jax.Array]) -> tuple[dict, dict]:
        return {}, {}

    def sample(self, params: dict, extra: dict, key: jax.Array, num: int) -> jax.Array:
        return jnp.zeros((num, *self._shape))


def read_images(path: Path) -> Dataset:
    """A folder of image files, or the array of images in a .npz file; no example is held out.

    Raises:
      InputError: neither of both, files that cannot be read or are unlike in shape, several splits, or
        what are no images.
    """
    if path.is_dir():
        name = "folder"
    elif path.suffix.lower() == ".npz":
        name = "npz"
    else:
        raise InputError(
            f"--images={path} is no folder of images ({', '.join(sorted(SUFFIXES))}) and no .npz file"
        )
    whole = {"validation_fraction": 0.0, "test_fraction": 0.0}
    images = datasets.choose({"name": f"{name}:{path}", **whole})()
    filled = [split for split, part in images.splits.items() if part.size]
    if filled != ["train"]:
        raise InputError(
            f"--images={path} has the splits {', '.join(filled)}; name one, a folder or a file of its"
            " own"
        )
    if not images.is_image or images.example_shape[2] not in (1, 3):
        raise InputError(
            f"--images={path} holds examples of shape {images.example_shape}; images are [H, W, 1]"
            " or [H, W, 3]"
        )
    return images
