"""Images in a folder, decoded when asked for."""

import pathlib

import numpy as np

from genlab.data import images
from genlab.data.dataset import Dataset, carve_missing
from genlab.data.split import Records, RecordSplit
from genlab.errors import InputError
from genlab.registry import datasets

_SPLIT_FOLDERS = {
    "train": ("train",),
    "validation": ("validation", "valid", "val"),
    "test": ("test",),
}


@datasets.register
def folder(
    path: str = "",
    *,
    image_size: int | None = None,
    channels: int | None = None,
    validation_fraction: float = 1 / 12,
    test_fraction: float = 1 / 12,
) -> Dataset:
    """A folder of images, `folder:PATH`: flat, or one sub-folder for each class.

    Sub-folders called train, validation (or valid, val) and test are the splits, each flat or with
    classes; a split that is not there is an even spread of train. Files and classes are sorted by
    name; files that are no images by their ending, and hidden ones, are passed over. The first
    image sets the size and the channels that None keeps.

    Args:
      path: the folder.
      image_size: side in pixels (centre square, bicubic); None keeps the size, which must then be
        the same for every image.
      channels: 1, 3, or None for those of the first image.
      validation_fraction: share of train held out where there is no validation folder.
      test_fraction: the same for test.

    Raises:
      InputError: no such folder, no images, images beside class folders, classes that train does
        not have. Reading raises it for an image that is damaged, too large, or unlike the first.
    """
    images.check_options(image_size, channels)
    root = pathlib.Path(path).expanduser()
    if not path or not root.is_dir():
        raise InputError(f"no folder {path!r}; name one, as in folder:data/flowers")
    listed = _list_splits(root)
    names = sorted({name for _, name in listed["train"] if name})
    entries = [entry for part in listed.values() for entry in part]
    files = [file for file, _ in entries]
    labels = np.array([_class_index(*entry, names) for entry in entries], np.int32)
    ends = np.cumsum([len(part) for part in listed.values()])
    ranges = dict(zip(listed, np.split(np.arange(len(files)), ends[:-1]), strict=True))
    indices = carve_missing(
        ranges, validation_fraction=validation_fraction, test_fraction=test_fraction
    )
    first = images.decode(
        files[0], image_size=image_size, channels=channels, name=str(files[0])
    )
    records = _FolderRecords(
        files, labels if names else None, first.shape, image_size, channels
    )
    return Dataset(
        name=f"folder:{root.name}",
        splits={
            split: RecordSplit(records, rows, example_bytes=first.nbytes)
            for split, rows in indices.items()
        },
        example_shape=first.shape,
        num_classes=len(names),
        class_names=tuple(names),
    )


class _FolderRecords(Records):
    """Image files that are brought to the shape of the first."""

    def __init__(
        self,
        files: list[pathlib.Path],
        labels: np.ndarray | None,
        shape: tuple[int, int, int],
        image_size: int | None,
        channels: int | None,
    ):
        self._files = files
        self._labels = labels
        self._shape = shape
        self._options = {"image_size": image_size, "channels": channels}

    def read(self, indices: list[int]) -> list[dict]:
        return [self._read(index) for index in indices]

    def _read(self, index: int) -> dict:
        file = self._files[index]
        x = images.decode(file, name=str(file), **self._options)
        if x.shape[2] < self._shape[2]:
            x = np.repeat(x, self._shape[2], axis=2)
        if x.shape != self._shape:
            raise InputError(
                f"image {file} has shape {x.shape} and the first one {self._shape}; set"
                " image_size and channels to bring all to one shape"
            )
        return (
            {"x": x} if self._labels is None else {"x": x, "label": self._labels[index]}
        )


def _list_splits(root: pathlib.Path) -> dict[str, list[tuple[pathlib.Path, str]]]:
    """The listing of every split that has a folder; of the root as train where none has."""
    places = {
        split: next((root / name for name in names if (root / name).is_dir()), None)
        for split, names in _SPLIT_FOLDERS.items()
    }
    listed = {split: _list(place) for split, place in places.items() if place}
    if listed and "train" not in listed:
        raise InputError(
            f"{root} has a folder for {next(iter(listed))} and none called train"
        )
    return listed or {"train": _list(root)}


def _class_index(file: pathlib.Path, name: str, names: list[str]) -> int:
    """Position of a file's class among the train split's; 0 where train has none."""
    if bool(name) != bool(names) or (name and name not in names):
        raise InputError(
            f"{file} is of class {name or 'none'}; train has"
            f" {', '.join(names) or 'no class folders'}"
        )
    return names.index(name) if name else 0


def _list(place: pathlib.Path) -> list[tuple[pathlib.Path, str]]:
    """Image files below a split's folder with their class names, sorted; '' where it is flat."""
    flat = _files(place)
    classes = sorted(
        entry
        for entry in place.iterdir()
        if entry.is_dir() and not entry.name.startswith(".")
    )
    nested = [(file, entry.name) for entry in classes for file in _files(entry)]
    if flat and nested:
        raise InputError(
            f"{place} holds images beside class folders, {flat[0].name} and"
            f" {nested[0][1]}; keep one of the two"
        )
    if not flat and not nested:
        raise InputError(
            f"{place} holds no images, nor do its sub-folders; endings read are"
            f" {', '.join(sorted(images.SUFFIXES))}"
        )
    return nested or [(file, "") for file in flat]


def _files(place: pathlib.Path) -> list[pathlib.Path]:
    return sorted(
        entry
        for entry in place.iterdir()
        if entry.suffix.lower() in images.SUFFIXES and not entry.name.startswith(".")
    )
