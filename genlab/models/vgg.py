"""The convolutions of VGG-19 with weights from a file."""

import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from genlab.data.limits import check_size, open_data
from genlab.errors import InputError
from genlab.nn import lowering
from genlab.nn.products import Geometry
from genlab.storage.tensors import tensors_in

Array = jax.Array

# Position of each convolution in torchvision's `features`; -1 is a 2x2 maximum.
_PLAN = (0, 2, -1, 5, 7, -1, 10, 12, 14, 16, -1, 19, 21, 23, 25, -1, 28)
_WIDTHS = (64, 64, 128, 128, *(256,) * 4, *(512,) * 5)  # of each convolution
_SEEN = (0, 5, 10, 19, 28)  # relu1_1, 2_1, 3_1, 4_1, 5_1
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
_LEAST = 16  # pixels that four halvings leave one of


def load_vgg19(path: str, sha256: str) -> Callable[[Array], list[Array]]:
    """The maps relu1_1 to relu5_1 of `images: [B, H, W, C] in [0, 1]`, C 1 or 3, as a function.

    Args:
      path: safetensors file with torchvision's names, `features.N.weight` and `features.N.bias`.
      sha256: of the file, in hexadecimal.

    Raises:
      InputError: no such file, another checksum, a file that cannot be read, a weight that is
        missing or has another shape; from the function, images below 16 pixels.

    Paper: Simonyan & Zisserman 2015, arXiv:1409.1556
    """
    return functools.partial(_maps, _read(path, sha256.lower()))


def _maps(weights: dict[str, np.ndarray], images: Array) -> list[Array]:
    if min(images.shape[1:3]) < _LEAST:
        raise InputError(
            f"images of {images.shape[1]} x {images.shape[2]} pixels are too small for VGG-19,"
            f" which halves them four times; take {_LEAST} pixels or more"
        )
    if images.shape[-1] == 1:
        images = jnp.repeat(images, 3, axis=-1)
    shift, scale = (jnp.array(v)[None, None, None] for v in (_MEAN, _STD))
    y, seen = (images - shift) / scale, []
    for position in _PLAN:
        if position < 0:
            y = lax.reduce_window(
                y, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"
            )
            continue
        kernel = weights[f"features.{position}.weight"].transpose(2, 3, 1, 0)
        bias = jnp.asarray(weights[f"features.{position}.bias"])
        geometry = Geometry(y.shape[1:3], (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1))
        y = lowering.convolve(y, jnp.asarray(kernel), geometry=geometry)
        y = jax.nn.relu(y + bias[None, None, None])
        if position in _SEEN:
            seen.append(y)
    return seen


@functools.lru_cache(maxsize=1)
def _read(path: str, sha256: str) -> dict[str, np.ndarray]:
    file = Path(os.path.expanduser(path))
    if not file.exists():
        raise InputError(
            f"no file {path!r} with the weights of VGG-19; give a safetensors file, nothing is"
            " downloaded"
        )
    with open_data(file) as stream:
        check_size(path, os.fstat(stream.fileno()).st_size)
        content = stream.read()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise InputError(
            f"{path} has the checksum {found}, not sha256={sha256!r}; it is another file"
        )
    try:
        weights = tensors_in(content)
    except ValueError as error:
        raise InputError(f"{path} is no safetensors file ({error})") from None
    needed = _shapes()
    for name, shape in needed.items():
        if name not in weights:
            raise InputError(f"{path} lacks {name!r} of VGG-19's weights")
        if weights[name].shape != shape:
            raise InputError(
                f"{name!r} of {path} has shape {weights[name].shape}, and {shape} in VGG-19"
            )
    return {name: weights[name].astype(np.float32) for name in needed}


def _shapes() -> dict[str, tuple[int, ...]]:
    """Shape of every weight that is read, by its name."""
    positions = [position for position in _PLAN if position >= 0]
    found, depth = {}, 3
    for position, width in zip(positions, _WIDTHS, strict=True):
        found[f"features.{position}.weight"] = (width, depth, 3, 3)
        found[f"features.{position}.bias"] = (width,)
        depth = width
    return found
