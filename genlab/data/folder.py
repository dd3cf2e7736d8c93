"""Images in a folder, decoded when asked for."""

import math
import os
import pathlib

import numpy as np

from genlab.data import images
from genlab.data.dataset import Dataset
from genlab.data.files import SPLIT_NAMES, Files, files_below, find_place, folders_in
from genlab.data.image_files import (
    Picture,
    PictureReader,
    divide,
    left_out,
    list_images,
)
from genlab.data.split import Records, RecordSplit
from genlab.errors import InputError
from genlab.numbers import Share
from genlab.registry import datasets

Entry = tuple[pathlib.Path, str]  # a file, and the name of its class or ""


@datasets.register
def folder(
    path: str = "",
    *,
    image_size: images.Size | None = None,
    channels: int | None = None,
    skip_unreadable: bool = False,
    validation_fraction: Share = 1 / 12,
    test_fraction: Share = 1 / 12,
) -> Dataset:
    """A folder of images, `folder:PATH`: flat, or one sub-folder for each class.

    Sub-folders called train, validation (or valid, val) and test, in any case, are the splits, each
    flat or with classes. Of a split that is not there each training image is held out, or not, by
    its own name, so that a new file moves no other; a class of few images may have none held out.
    Images may lie deeper below their class. Files and classes are sorted by name; files that are no
    images by their ending are counted and left out, hidden ones passed over. The first training
    image sets the size and the channels that None keeps.

    Args:
      path: the folder.
      image_size: side in pixels (centre square, bicubic), or (height, width); None keeps the size,
        which must then be the same for every image.
      channels: 1, 3, or None for those of the first image.
      skip_unreadable: leaves out images that cannot be read, after reading every file once, and
        counts them; False refuses the first, by its header before training or else when it is met.
      validation_fraction: share of train held out where there is no validation folder.
      test_fraction: the same for test.

    Raises:
      InputError: no such folder, no images, a class without any, images beside class folders,
        classes that train does not have, an image that by its header is damaged, too large, or unlike the first. Reading
        raises it for one whose pixels are damaged.
    """
    images.check_options(image_size, channels)
    root = pathlib.Path(path).expanduser()
    if root.suffix == ".npz" and os.path.isfile(root):
        raise InputError(f"{path} is a file; it is read by data.name=npz:{path}")
    if not path or not root.is_dir():
        raise InputError(f"no folder {path!r}; name one, as in folder:data/flowers")
    listed = _list_splits(root)
    names = sorted({name for _, name in listed["train"].values() if name})
    divided = divide(
        str(root),
        listed,
        lambda entry: entry[:1],
        skip_unreadable=skip_unreadable,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
    )
    kept = [file for part in divided.splits.values() for file, _ in part]
    reader = PictureReader([Picture(file) for file in kept], image_size, channels)
    paths = [file for part in listed.values() for file, _ in part.values()]
    return Dataset(
        name=f"folder:{root.name}",
        splits={
            split: RecordSplit(
                _FolderRecords(part, names, reader),
                np.arange(len(part)),
                example_bytes=math.prod(reader.shape),
            )
            for split, part in divided.splits.items()
        },
        example_shape=reader.shape,
        num_classes=len(names),
        class_names=tuple(names),
        left_out=left_out(root, paths, divided.unreadable),
        files=Files(root, tuple(kept)),
    )


class _FolderRecords(Records):
    """Image files, with the place of their class among `names` where there are classes."""

    def __init__(self, entries: list[Entry], names: list[str], reader: PictureReader):
        self._pictures = [Picture(file) for file, _ in entries]
        labels = [_class_index(*entry, names) for entry in entries]
        self._labels = np.array(labels, np.int32) if names else None
        self._reader = reader

    def read(self, indices: list[int]) -> list[dict]:
        return [self._read(index) for index in indices]

    def _read(self, index: int) -> dict:
        example = {"x": self._reader(self._pictures[index])}
        if self._labels is not None:
            example["label"] = self._labels[index]
        return example


def _list_splits(root: pathlib.Path) -> dict[str, dict[str, Entry]]:
    """The listing of every split that has a folder; of the root as train where none has."""
    places = {split: find_place(root, split) for split in SPLIT_NAMES}
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


def _list(place: pathlib.Path) -> dict[str, Entry]:
    """Image files below a split's folder with their class names; '' where it is flat.

    They go by their names relative to the folder.
    """
    folders = [
        entry
        for entry in folders_in(place)
        if entry.suffix.lower() not in images.SUFFIXES
    ]
    flat, _ = files_below(place, images.SUFFIXES, deep=False)
    if not flat and folders:
        return {
            file.relative_to(place).as_posix(): (file, folder.name)
            for folder in folders
            for file in list_images(folder)
        }
    if nested := sorted(set(list_images(place)) - set(flat)):
        folder = nested[0].relative_to(place).parts[0]
        raise InputError(
            f"{place} holds images beside class folders, {flat[0].name} and {folder}; keep one"
            " of the two"
        )
    return {file.name: (file, "") for file in flat}
