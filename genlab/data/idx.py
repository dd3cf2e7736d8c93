"""IDX files, the layout in which MNIST and Fashion-MNIST are handed out."""

import gzip
import math
import pathlib
import zlib

import numpy as np

from genlab.data import images
from genlab.data.dataset import Dataset, array_splits, count_classes
from genlab.errors import InputError
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
    validation_fraction: float = 1 / 12,
) -> Dataset:
    """A folder of IDX files, `idx:PATH`: train-images-idx3-ubyte(.gz) and so on, as of MNIST.

    Train and test come from the files; of 60,000 training images an even spread of 5,000 is the
    validation split.

    Args:
      path: the folder.
      image_size: side in pixels (centre square, bicubic), or (height, width); None keeps the size.
      channels: 1, or 3 to repeat the gray channel; None keeps 1.
      validation_fraction: share of the training images held out; 0 leaves validation empty.

    Raises:
      InputError: no such folder or file, a damaged file, images and labels that do not match.

    Paper: LeCun et al. 1998, Gradient-based learning applied to document recognition
    """
    images.check_options(image_size, channels)
    folder = pathlib.Path(path).expanduser()
    if not path or not folder.is_dir():
        raise InputError(
            f"no folder {path!r}; name the one with the IDX files, as in idx:data/mnist"
        )
    parts, classes = {}, 0
    for split, (image_name, label_name) in _FILES.items():
        pixels = read_idx(_file(folder, image_name), rank=3)
        labels = read_idx(_file(folder, label_name), rank=1)
        if len(pixels) != len(labels):
            raise InputError(
                f"{folder}: {len(pixels)} {split} images but {len(labels)} labels; the"
                " files need to come from one data set"
            )
        x = images.convert(pixels[..., None], image_size=image_size, channels=channels)
        parts[split] = {"x": x, "label": labels.astype(np.int32)}
        classes = max(classes, count_classes([labels]))
    return Dataset(
        name=f"idx:{folder.name}",
        splits=array_splits(parts, validation_fraction=validation_fraction),
        example_shape=parts["train"]["x"].shape[1:],
        num_classes=classes,
    )


def read_idx(path: pathlib.Path, *, rank: int) -> np.ndarray:
    """The array of bytes in an IDX file, plain or gzip, with `rank` axes.

    Raises:
      InputError: not IDX, not bytes, another rank, or a size that the header does not announce.
    """
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}); fetch it again") from None
    magic = bytes((0, 0, _UNSIGNED_BYTE, rank))
    header = 4 + 4 * rank
    if data[:4] != magic or len(data) < header:
        raise InputError(
            f"{path} starts with {data[:4].hex() or 'nothing'}; an IDX file of bytes with"
            f" {rank} axes starts with {magic.hex()}"
        )
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", rank, offset=4))
    if len(data) - header != math.prod(shape):
        raise InputError(
            f"{path} holds {len(data) - header} bytes but announces {shape}, which takes"
            f" {math.prod(shape)}; the file is damaged, fetch it again"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _file(folder: pathlib.Path, name: str) -> pathlib.Path:
    """The file of that name, plain or .gz, also with the dot that some copies have."""
    dotted = name.replace("-idx", ".idx")
    for candidate in (name, name + ".gz", dotted, dotted + ".gz"):
        if (folder / candidate).is_file():
            return folder / candidate
    raise InputError(f"{folder} holds no {name} or {name}.gz; idx needs all four files")
