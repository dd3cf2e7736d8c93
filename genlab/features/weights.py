"""Weights that others have published: from a file whose checksum is known, into variables."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jax
import numpy as np

from genlab.config.files import expanded
from genlab.data.limits import check_size, open_data
from genlab.errors import InputError
from genlab.features.graph_file import GRAPH, read_constants
from genlab.features.torch_file import LEGACY, ZIP, read_tensors
from genlab.storage.tensors import tensors_in

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Tensors:
    """Tensors by the names that their publisher gave them; whatever is taken is checked.

    Attributes:
      path: the file, for messages.
      sha256: of the file as it was published.
      arrays: by name.
      taken: names that were asked for.
    """

    path: str
    sha256: str
    arrays: Mapping[str, np.ndarray]
    taken: set[str] = field(default_factory=set)

    def take(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """The tensor `name`, float32.

        Raises:
          InputError: there is none, or it has another shape.
        """
        if name not in self.arrays:
            raise InputError(f"{self.path} lacks {name!r}; it is of another network")
        array = self.arrays[name]
        if array.shape != tuple(shape):
            raise InputError(
                f"{name!r} of {self.path} has the shape {array.shape}, not {tuple(shape)}; it is of"
                " another network"
            )
        self.taken.add(name)
        return np.ascontiguousarray(array, np.float32)

    def kernel(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """The weight of a convolution or dense layer as flax has it, inputs before outputs: `shape`.

        Raises:
          InputError: there is none, or it has another shape.
        """
        height_width, (inputs, outputs) = shape[:-2], shape[-2:]
        array = self.take(f"{name}.weight", (outputs, inputs, *height_width))
        return np.ascontiguousarray(np.moveaxis(array, (0, 1), (-1, -2)))

    def layer(self, name: str, leaves: Mapping[str, jax.ShapeDtypeStruct]) -> Arrays:
        """The variables of a dense layer, a convolution or a layer norm, of the shapes of `leaves`.

        Raises:
          InputError: one is missing or has another shape.
        """
        take = {
            "kernel": lambda shape: self.kernel(name, shape),
            "scale": lambda shape: self.take(f"{name}.weight", shape),
            "bias": lambda shape: self.take(f"{name}.bias", shape),
        }
        return {leaf: take[leaf](value.shape) for leaf, value in leaves.items()}

    def normed(
        self, layer: str, norm: str, shape: tuple[int, ...], epsilon: float
    ) -> Arrays:
        """A convolution without bias and the batch norm after it, trained, as one with a bias.

        Args:
          layer: name of the convolution.
          norm: name of the batch norm.
          shape: of the kernel, [h, w, C, F].
          epsilon: of the batch norm.

        Raises:
          InputError: one of their tensors is missing or has another shape.
        """
        parts = (
            self.take(f"{norm}.{part}", shape[-1:])
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        self.taken.add(f"{norm}.num_batches_tracked")
        return folded(self.kernel(layer, shape), *parts, epsilon)

    def finish(self) -> None:
        """Raises InputError if there are tensors that nobody asked for."""
        if left := sorted(set(self.arrays) - self.taken):
            raise InputError(
                f"{self.path} holds {left[0]!r}, which the network does not have; it is of another"
            )


def folded(
    kernel: np.ndarray,
    scale: np.ndarray,
    shift: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    epsilon: float,
) -> Arrays:
    """A convolution `kernel: [h, w, C, F]` and the trained batch norm after it, of parts `[F]`, as a
    convolution with a bias."""
    scale, shift, mean, variance = (
        part.astype(np.float64) for part in (scale, shift, mean, variance)
    )
    factor = scale / np.sqrt(variance + epsilon)
    return {
        "kernel": (kernel * factor).astype(np.float32),
        "bias": (shift - mean * factor).astype(np.float32),
    }


@dataclass(frozen=True)
class Release:
    """A file of weights as it was published.

    Attributes:
      title: what the weights are of.
      url: where the file is.
      sha256: of the file, 64 hexadecimal digits.
      instead: what to use without it.
    """

    title: str
    url: str
    sha256: str
    instead: str

    def read(self, path: str, sha256: str | None = None) -> Tensors:
        """The tensors of the published file, or of another that is named by its checksum; no byte of a
        file is interpreted before that is compared.

        Args:
          path: the file, of `torch.save`, safetensors, or a frozen graph of TensorFlow.
          sha256: of the other file; "" is the published one's, None where others are not taken.

        Raises:
          InputError: no file, another checksum, or one that holds more than tensors.
        """
        if not path:
            raise InputError(
                f"the weights of {self.title} are not part of genlab, and nothing is downloaded: get"
                f" {self.url} and name it, weights=PATH; or take {self.instead}"
            )
        wanted = (sha256 or self.sha256).lower()
        content = _content(path)
        found = hashlib.sha256(content).hexdigest()
        if found != wanted:
            hint = (
                f"take {self.url}"
                if sha256 is None
                else f"features with sha256={found!r} take it, under a name of its own"
            )
            raise InputError(
                f"{path} has the checksum {found}, not {wanted} of {self.title}; {hint}"
            )
        return Tensors(path, found, _arrays(content, path))


def sha256_of(path: str) -> str:
    """Checksum of a file, 64 hexadecimal digits.

    Raises:
      InputError: no such file.
    """
    return hashlib.sha256(_content(path)).hexdigest()


def _content(path: str) -> bytes:
    with open_data(Path(expanded(path))) as stream:
        check_size(path, os.fstat(stream.fileno()).st_size)
        return stream.read()


def _arrays(content: bytes, path: str) -> Mapping[str, np.ndarray]:
    if content.startswith((ZIP, LEGACY)):
        return read_tensors(content, path)
    # Safetensors begin with a length, which may look like it, but then with a brace.
    if content.startswith(GRAPH) and content[8:9] != b"{":
        return read_constants(content, path)
    try:
        return tensors_in(content)
    except ValueError as error:
        raise InputError(
            f"{path} is a file neither of torch.save nor of safetensors, and no frozen graph of"
            f" TensorFlow ({error})"
        ) from None
