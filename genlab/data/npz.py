"""Arrays in one .npz file."""

import contextlib
import lzma
import math
import pathlib
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from typing import Annotated

import numpy as np

from genlab.data import images
from genlab.data.dataset import Dataset, array_splits
from genlab.data.files import Files
from genlab.data.labels import number_factors, number_labels
from genlab.data.limits import check_size, open_data
from genlab.errors import InputError
from genlab.numbers import Range, Share
from genlab.registry import datasets

# What a file may call an array; the names of Keras's mnist.npz, of dSprites, of `genlab sample` and of
# arrays that `numpy.savez` was given without a name among them.
_NAMES = {
    "train": {
        "x": ("x", "images", "x_train", "train_images", "imgs", "samples", "arr_0"),
        "label": ("label", "labels", "y", "y_train", "train_labels"),
        "factors": ("factors", "latents_classes"),
        "range": ("value_range",),
    },
    "validation": {
        "x": ("x_validation", "x_val", "val_images"),
        "label": ("label_validation", "y_validation", "y_val", "val_labels"),
        "factors": ("factors_validation",),
    },
    "test": {
        "x": ("x_test", "test_images"),
        "label": ("label_test", "labels_test", "y_test", "test_labels"),
        "factors": ("factors_test",),
    },
}

_DAMAGED = (
    *(OSError, ValueError, EOFError, MemoryError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError),
)


@datasets.register
def npz(
    path: str = "",
    *,
    image_size: images.Size | None = None,
    channels: int | None = None,
    white: Annotated[int, Range(1, 255)] = 255,
    validation_fraction: Share = 1 / 12,
    test_fraction: Share = 1 / 12,
) -> Dataset:
    """Arrays of images or points in a .npz file, `npz:PATH`, with labels or factors if it has any.

    Keys: `x` (or `images`, `x_train`, `imgs`, `samples`, `arr_0`), `label` (`labels`, `y`, `y_train`), `factors`
    (`latents_classes`), and the same for `x_validation` and `x_test`. Images are
    `[N, H, W]` or `[N, H, W, C]` of bytes, booleans, or floats in [0, 1], or from black to white as `value_range`,
    [2], has them, what lies beyond being as black or white; points `[N, D]` of floats.
    Labels are whole numbers from anywhere, booleans or strings: each value is a class, which keeps
    it as its name where the values are not 0 to K - 1. Splits that the file lacks are an even
    spread of train. How large the arrays may be, `GENLAB_MAX_BYTES` says.

    Args:
      path: the file.
      image_size: side in pixels of images (centre square, bicubic), or (height, width); None keeps
        the size.
      channels: of images: 1, 3, or None for those of the file.
      white: byte that stands for white; 1 for a file of zeros and ones.
      validation_fraction: share of train held out where the file has no validation arrays.
      test_fraction: the same for test.

    Raises:
      InputError: no such file, a damaged one, pickled objects, a missing key, a wrong rank or type,
        labels that do not match or are no classes, or arrays above the limit.
    """
    images.check_options(image_size, channels)
    file = pathlib.Path(path).expanduser()
    if not path or not file.exists():
        raise InputError(f"no file {path!r}; name one, as in npz:data/faces.npz")
    parts = _read(file)
    span = parts["train"].pop("range", None)
    for part in parts.values():
        x = part["x"] if span is None else _shares(file, part["x"], span)
        part["x"] = _examples(file, x, white, image_size, channels)
    shape = parts["train"]["x"].shape[1:]
    for part in parts.values():
        if part["x"].shape[1:] != shape or set(part) != set(parts["train"]):
            raise InputError(
                f"{file}: the splits differ in shape or arrays; each needs {shape} and"
                f" {', '.join(sorted(parts['train']))}"
            )
    classes = number_labels(parts, where=str(file))
    factors = number_factors(parts, where=str(file))
    return Dataset(
        name=f"npz:{file.name}",
        splits=array_splits(
            parts,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
        ),
        example_shape=shape,
        num_classes=len(classes.values) if classes else 0,
        class_names=classes.names if classes else (),
        factors=factors,
        files=Files(file, (file,)),
    )


def _read(file: pathlib.Path) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of the splits that the file has, by what they are."""
    with open_data(file) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                return _read_splits(file, archive)
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError):
            raise InputError(
                f"{file} is not a whole .npz archive, as numpy.savez writes it"
            ) from None


def _read_splits(
    file: pathlib.Path, archive: zipfile.ZipFile
) -> dict[str, dict[str, np.ndarray]]:
    keys = [name.removesuffix(".npy") for name in archive.namelist()]
    found = {
        split: {
            what: next((name for name in accepted if name in keys), "")
            for what, accepted in names.items()
        }
        for split, names in _NAMES.items()
    }
    if not found["train"]["x"]:
        raise InputError(
            f"{file} holds {', '.join(keys) or 'no arrays'}; one array must be called"
            f" {' or '.join(_NAMES['train']['x'])}"
        )
    wanted = {split: names for split, names in found.items() if names["x"]}
    listed = [name for names in wanted.values() for name in names.values() if name]
    announced = sum(_announced(file, archive, name) for name in listed)
    check_size(f"{file}: {', '.join(listed)}", announced)
    parts = {}
    for split, names in wanted.items():
        parts[split] = {
            what: _load(file, archive, name) for what, name in names.items() if name
        }
        for what in ("label", "factors"):
            _check_length(file, names, parts[split], what)
    return parts


def _check_length(
    file: pathlib.Path, names: dict[str, str], part: dict[str, np.ndarray], what: str
) -> None:
    if what in part and part[what].shape[:1] != part["x"].shape[:1]:
        raise InputError(
            f"{file}: {len(part['x'])} examples in {names['x']!r} but"
            f" {part[what].size and len(part[what])} in {names[what]!r}; each example needs one"
        )


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    names = archive.namelist()
    return archive.getinfo(name if name in names else f"{name}.npy")


def _announced(file: pathlib.Path, archive: zipfile.ZipFile, name: str) -> int:
    """Bytes that an array takes, the more of what its header and the archive's directory say."""
    member = _member(archive, name)
    with _damage_named(file, name), archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise ValueError(f"version {version} of .npy")
        shape, _, dtype = read(stream)
    return max(member.file_size, math.prod(shape) * dtype.itemsize)


def _load(file: pathlib.Path, archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with _damage_named(file, name), archive.open(_member(archive, name)) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


@contextlib.contextmanager
def _damage_named(file: pathlib.Path, name: str) -> Iterator[None]:
    """Inside, whatever NumPy and zipfile find wrong is said of the array."""
    try:
        yield
    except _DAMAGED as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{file}: array {name!r} cannot be read ({reason}); it needs to be a whole"
            " array of numbers, without pickled objects"
        ) from None


def _shares(file: pathlib.Path, x: np.ndarray, span: np.ndarray) -> np.ndarray:
    """Floats between two ends as shares of [0, 1]; points as they are."""
    if x.ndim == 2 or x.dtype.kind != "f":
        return x
    is_span = span.shape == (2,) and span.dtype.kind == "f" and np.isfinite(span).all()
    if not (is_span and span[0] < span[1] and np.isfinite(x).all()):
        raise InputError(
            f"{file}: 'value_range' is no range of finite images; two floats are needed, black and white"
        )
    low, high = map(float, span)
    return np.clip((x - low) / (high - low), 0, 1)


def _examples(
    file: pathlib.Path,
    x: np.ndarray,
    white: int,
    image_size: images.Size | None,
    channels: int | None,
) -> np.ndarray:
    """Points `[N, D]` float32 or images `[N, H, W, C]` uint8 from what the file holds."""
    if x.ndim == 2 and x.dtype.kind == "f":
        if image_size or channels or white != 255:
            raise InputError(
                f"{file} holds points of shape {x.shape[1:]}; image_size, channels and"
                " white are for images"
            )
        if not np.isfinite(x).all():
            raise InputError(f"{file} holds points that are not finite")
        return x.astype(np.float32)
    if x.ndim not in (3, 4) or x.dtype.kind not in "bf" and x.dtype != np.uint8:
        raise InputError(
            f"{file}: examples of shape {x.shape} and type {x.dtype}; images are"
            " [N, H, W] or [N, H, W, C] of uint8, bool or floats in [0, 1], points [N, D]"
            " of floats"
        )
    limit = 1 if x.dtype.kind in "bf" else white
    if x.size and not (x.min() >= 0 and x.max() <= limit):
        raise InputError(
            f"{file}: pixels from {x.min()} to {x.max()} of type {x.dtype}; 0 to {limit}"
            " is needed"
        )
    if limit != 255:
        x = np.round(x.astype(np.float32) * (255 / limit)).astype(np.uint8)
    x = x[..., None] if x.ndim == 3 else x
    return images.convert(x, image_size=image_size, channels=channels)
