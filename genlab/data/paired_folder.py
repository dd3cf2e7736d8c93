"""Pairs of images in a folder: two folders with the same names, or two images side by side."""

import pathlib

from genlab.data import images
from genlab.data.dataset import Dataset
from genlab.data.files import SPLIT_NAMES, find_place
from genlab.data.image_files import Picture, divide, left_out, list_images
from genlab.data.image_pairs import Pair, check_folder, dataset_of, files_of
from genlab.errors import InputError
from genlab.numbers import Share
from genlab.registry import datasets


@datasets.register
def paired_folder(
    path: str = "",
    *,
    image_size: images.Size | None = None,
    channels: int | None = None,
    direction: str = "a_to_b",
    skip_unreadable: bool = False,
    validation_fraction: Share = 1 / 12,
    test_fraction: Share = 1 / 12,
) -> Dataset:
    """Pairs of images, `paired_folder:PATH`, as pix2pix users keep them.

    Two layouts are known. Folders `trainA` and `trainB` (and `valA`, `valB`, `testA`, `testB`): a
    pair shares its file name up to the ending. Or one image file for each pair, A on the left and B
    on the right, in `train` (and `val`, `test`) or in the folder itself. Names of folders may be in
    any case, and files lie deeper. Of a split that is not there each training pair is held out, or
    not, by its own name, so that a new one moves no other. Transparency lies on white.

    Args:
      path: the folder.
      image_size: side in pixels of each image of a pair (centre square, bicubic), or (height,
        width); None keeps the size.
      channels: 1, 3, or None for those of the first pair.
      direction: `a_to_b` makes A the input x and B the target y; `b_to_a` the other way round.
      skip_unreadable: leaves out pairs with an image that cannot be read, after reading every file
        once, and counts them; False refuses the first, by its header before training or else when
        it is met.
      validation_fraction: share of train held out where there is no validation split.
      test_fraction: the same for test.

    Raises:
      InputError: no such folder or direction, no images, A and B of unequal names (the first is
        named), an odd width of images side by side, a damaged image, sizes that differ.

    Paper: Isola et al. 2017, arXiv:1611.07004
    """
    images.check_options(image_size, channels)
    root = check_folder(path, direction, "paired_folder")
    found = _two_folders(root) or _side_by_side(root)
    divided = divide(
        str(root),
        found,
        lambda pair: {picture.file for picture in pair},
        skip_unreadable=skip_unreadable,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
    )
    order = slice(None) if direction == "a_to_b" else slice(None, None, -1)
    listed = files_of(root, [p for part in found.values() for p in part.values()])
    return dataset_of(
        f"paired_folder:{root.name}",
        {
            split: [pair[order] for pair in part]
            for split, part in divided.splits.items()
        },
        image_size=image_size,
        channels=channels,
        paired=True,
        files=files_of(root, [p for part in divided.splits.values() for p in part]),
        left_out=left_out(root, listed.paths, divided.unreadable),
    )


def _two_folders(root: pathlib.Path) -> dict[str, dict[str, Pair]]:
    """Pairs of the splits that have folders A and B; empty where train has not."""
    if not (find_place(root, "train", "A") or find_place(root, "train", "B")):
        return {}
    found = {}
    for split in SPLIT_NAMES:
        places = [find_place(root, split, suffix) for suffix in "AB"]
        if not any(places):
            continue
        if None in places:
            here = next(place for place in places if place)
            raise InputError(
                f"{root} has {here.name} and no partner of it; a split needs both A and B"
            )
        found[split] = _matched(*places)
    return found


def _matched(place_a: pathlib.Path, place_b: pathlib.Path) -> dict[str, Pair]:
    """The files of two folders by their common names."""
    named = [_by_stem(place) for place in (place_a, place_b)]
    for ours, theirs, place, other in (
        (*named, place_a, place_b),
        (*reversed(named), place_b, place_a),
    ):
        if alone := sorted(ours.keys() - theirs.keys()):
            raise InputError(
                f"{place_a} holds {len(named[0])} images and {place_b} {len(named[1])};"
                f" {ours[alone[0]].name} of {place.name} has no partner in {other.name}, and"
                " a pair shares its name"
            )
    return {
        file.relative_to(place_a).as_posix(): (Picture(file), Picture(named[1][stem]))
        for stem, file in named[0].items()
    }


def _by_stem(place: pathlib.Path) -> dict[str, pathlib.Path]:
    found: dict[str, pathlib.Path] = {}
    for file in list_images(place):
        stem = file.relative_to(place).with_suffix("").as_posix()
        if twin := found.get(stem):
            raise InputError(
                f"{place} holds {twin.name} and {file.name}; one name is one pair"
            )
        found[stem] = file
    return found


def _side_by_side(root: pathlib.Path) -> dict[str, dict[str, Pair]]:
    places = {split: find_place(root, split) for split in SPLIT_NAMES}
    if not places["train"]:
        if any(places.values()):
            raise InputError(f"{root} has folders for splits and none called train")
        places = {"train": root}
    return {
        split: {
            file.relative_to(place).as_posix(): (
                Picture(file, "left"),
                Picture(file, "right"),
            )
            for file in list_images(place)
        }
        for split, place in places.items()
        if place
    }
