"""Arrays in one .npz file."""

import pathlib
import zipfile
import zlib

import numpy as np

from genlab.data import images
from genlab.data.dataset import Dataset, array_splits, count_classes
from genlab.errors import InputError
from genlab.registry import datasets

# What a file may call an array; the names of Keras's mnist.npz and of dSprites among them.
_NAMES = {
    "train": {
        "x": ("x", "images", "x_train", "train_images", "imgs"),
        "label": ("label", "labels", "y", "y_train", "train_labels"),
        "factors": ("factors", "latents_classes"),
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


@datasets.register
def npz(
    path: str = "",
    *,
    image_size: images.Size | None = None,
    channels: int | None = None,
    white: int = 255,
    validation_fraction: float = 1 / 12,
    test_fraction: float = 1 / 12,
) -> Dataset:
    """Arrays of images or points in a .npz file, `npz:PATH`, with labels or factors if it has any.

    Keys: `x` (or `images`, `x_train`, `imgs`), `label` (`labels`, `y`, `y_train`), `factors`
    (`latents_classes`), and the same for `x_validation` and `x_test`. Images are
    `[N, H, W]` or `[N, H, W, C]` of bytes, booleans, or floats in [0, 1]; points `[N, D]` of floats.
    Splits that the file lacks are an even spread of train.

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
        or labels that do not match.
    """
    images.check_options(image_size, channels)
    file = pathlib.Path(path).expanduser()
    if not path or not file.is_file():
        raise InputError(f"no file {path!r}; name one, as in npz:data/faces.npz")
    if not 1 <= white <= 255:
        raise InputError(f"white {white} must be a byte between 1 and 255")
    parts = _read(file)
    for part in parts.values():
        part["x"] = _examples(file, part["x"], white, image_size, channels)
    shape = parts["train"]["x"].shape[1:]
    for part in parts.values():
        if part["x"].shape[1:] != shape or set(part) != set(parts["train"]):
            raise InputError(
                f"{file}: the splits differ in shape or arrays; each needs {shape} and"
                f" {', '.join(sorted(parts['train']))}"
            )
    labels = [part["label"] for part in parts.values() if "label" in part]
    factors = [part["factors"] for part in parts.values() if "factors" in part]
    return Dataset(
        name=f"npz:{file.name}",
        splits=array_splits(
            parts,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
        ),
        example_shape=shape,
        num_classes=count_classes(labels),
        factors={
            f"factor_{i}": count_classes(array[:, i] for array in factors)
            for i in range(factors[0].shape[1] if factors else 0)
        },
    )


def _read(file: pathlib.Path) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of the splits that the file has, by what they are."""
    keys = _keys(file)
    parts = {split: _read_split(file, keys, names) for split, names in _NAMES.items()}
    if parts["train"] is None:
        raise InputError(
            f"{file} holds {', '.join(keys) or 'no arrays'}; one array must be called"
            f" {' or '.join(_NAMES['train']['x'])}"
        )
    return {split: part for split, part in parts.items() if part is not None}


def _keys(file: pathlib.Path) -> list[str]:
    if not zipfile.is_zipfile(file):
        raise InputError(
            f"{file} is not a whole .npz archive, as numpy.savez writes it"
        )
    with np.load(file, allow_pickle=False) as archive:
        return list(archive.files)


def _read_split(
    file: pathlib.Path, keys: list[str], names: dict[str, tuple[str, ...]]
) -> dict[str, np.ndarray] | None:
    """The arrays of one split by what they are; None where the file has no such split."""
    found = {
        what: next((name for name in accepted if name in keys), None)
        for what, accepted in names.items()
    }
    if found["x"] is None:
        return None
    arrays = {what: _load(file, name) for what, name in found.items() if name}
    for what, rank in (("label", 1), ("factors", 2)):
        if what in arrays:
            arrays[what] = _integers(file, found[what], arrays[what], rank)
            if len(arrays[what]) != len(arrays["x"]):
                raise InputError(
                    f"{file}: {len(arrays['x'])} examples in {found['x']!r} but"
                    f" {len(arrays[what])} in {found[what]!r}; each example needs one"
                )
    return arrays


def _integers(
    file: pathlib.Path, name: str, array: np.ndarray, rank: int
) -> np.ndarray:
    """Labels `[N]` or factors `[N, F]` as int32."""
    if rank == 1 and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != rank or array.dtype.kind not in "iu":
        raise InputError(
            f"{file}: {name!r} has shape {array.shape} and type {array.dtype}; integers"
            f" with {rank} axes are needed"
        )
    if array.size and array.min() < 0:
        raise InputError(
            f"{file}: {name!r} has the value {array.min()}; 0 is the least"
        )
    return array.astype(np.int32)


def _load(file: pathlib.Path, name: str) -> np.ndarray:
    try:
        with np.load(file, allow_pickle=False) as archive:
            return archive[name]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{file}: array {name!r} cannot be read ({reason}); it needs to be a whole"
            " array of numbers, without pickled objects"
        ) from None


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
