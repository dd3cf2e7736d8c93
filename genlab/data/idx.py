"""IDX files, the layout in which MNIST and Fashion-MNIST are handed out."""

import gzip
import math
import pathlib
import zlib
from collections.abc import Mapping

import numpy as np

from genlab.data import images
from genlab.data.dataset import Dataset, array_splits
from genlab.data.files import Files
from genlab.data.labels import ClassLabels
from genlab.data.limits import check_size, open_data
from genlab.errors import InputError
from genlab.numbers import Share
from genlab.registry import datasets

_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_UNSIGNED_BYTE = 0x08


@datasets.register
def idx(
    path: str = "",
    *,
    image_size: images.Size | None = None,
    channels: int | None = None,
    validation_fraction: Share = 1 / 12,
) -> Dataset:
    """A folder of IDX files, `idx:PATH`: train-images-idx3-ubyte(.gz) and so on, as of MNIST.

    Train and test come from the files; of 60,000 training images an even spread of 5,000 is the
    validation split. Labels that are not 0 to K - 1, as EMNIST's letters from 1, keep their number
    as the name of their class.

    Args:
      path: the folder.
      image_size: side in pixels (centre square, bicubic), or (height, width); None keeps the size.
      channels: 1, or 3 to repeat the gray channel; None keeps 1.
      validation_fraction: share of the training images held out; 0 leaves validation empty.

    Raises:
      InputError: no such folder or file, a damaged file, images and labels that do not match, test
        images of another size, or more bytes than `GENLAB_MAX_BYTES` allows.

    Paper: LeCun et al. 1998, Gradient-based learning applied to document recognition
    """
    images.check_options(image_size, channels)
    folder = pathlib.Path(path).expanduser()
    if not path or not folder.is_dir():
        raise InputError(
            f"no folder {path!r}; name the one with the IDX files, as in idx:data/mnist"
        )
    files = {
        split: [_file(folder, name) for name in names]
        for split, names in _FILES.items()
    }
    pixels = {split: read_idx(paths[0], rank=3) for split, paths in files.items()}
    labels = {split: read_idx(paths[1], rank=1) for split, paths in files.items()}
    _check(folder, pixels, labels)
    classes = ClassLabels.of(labels.values(), where=f"{folder}: a label")
    parts = {
        split: {
            "x": images.convert(
                pixels[split][..., None], image_size=image_size, channels=channels
            ),
            "label": classes.index(labels[split], where=f"{folder}: a label"),
        }
        for split in _FILES
    }
    return Dataset(
        name=f"idx:{folder.name}",
        splits=array_splits(parts, validation_fraction=validation_fraction),
        example_shape=parts["train"]["x"].shape[1:],
        num_classes=len(classes.values),
        class_names=classes.names,
        files=Files(folder, tuple(path for paths in files.values() for path in paths)),
    )


def _check(
    folder: pathlib.Path,
    pixels: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
) -> None:
    for split in _FILES:
        if len(pixels[split]) != len(labels[split]):
            raise InputError(
                f"{folder}: {len(pixels[split])} {split} images but {len(labels[split])} labels;"
                " the files need to come from one data set"
            )
    train, test = (pixels[split].shape[1:] for split in ("train", "test"))
    if train != test:
        raise InputError(
            f"{folder}: train images are {train[0]} x {train[1]} and test images {test[0]} x"
            f" {test[1]} pixels; the files need to come from one data set"
        )


def read_idx(path: pathlib.Path, *, rank: int) -> np.ndarray:
    """The array of bytes in an IDX file, plain or gzip, with `rank` axes.

    What the header announces is compared with the limit before it is read, and no more is.

    Raises:
      InputError: not IDX, not bytes, another rank, a size that the header does not announce, or one
        above `GENLAB_MAX_BYTES`.
    """
    header = 4 + 4 * rank
    magic = bytes((0, 0, _UNSIGNED_BYTE, rank))
    with open_data(path) as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            stream = gzip.GzipFile(fileobj=file) if packed else file
            start = stream.read(header)
            if start[:4] != magic or len(start) < header:
                raise InputError(
                    f"{path} starts with {start[:4].hex() or 'nothing'}; an IDX file of bytes with"
                    f" {rank} axes starts with {magic.hex()}"
                )
            shape = tuple(int(n) for n in np.frombuffer(start, ">u4", rank, offset=4))
            check_size(f"{path}, which announces {shape},", math.prod(shape))
            data = stream.read(math.prod(shape) + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"{path} cannot be read ({error}); fetch it again"
            ) from None
    if len(data) != math.prod(shape):
        held = "more" if len(data) > math.prod(shape) else f"{len(data)} bytes"
        raise InputError(
            f"{path} holds {held} but announces {shape}, which takes {math.prod(shape)}; the file"
            " is damaged, fetch it again"
        )
    return np.frombuffer(data, np.uint8).reshape(shape)


def _file(folder: pathlib.Path, name: str) -> pathlib.Path:
    """The file of that name, plain or .gz, also with the dot that some copies have."""
    dotted = name.replace("-idx", ".idx")
    for candidate in (name, name + ".gz", dotted, dotted + ".gz"):
        if (folder / candidate).exists():
            return folder / candidate
    raise InputError(f"{folder} holds no {name} or {name}.gz; idx needs all four files")
