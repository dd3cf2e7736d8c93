"""Two folders of images that nobody has paired."""

import pathlib

import numpy as np

from genlab.data import images
from genlab.data.dataset import SPLITS, Dataset, carve
from genlab.data.image_pairs import (
    Pair,
    Picture,
    check_folder,
    dataset_of,
    find_place,
    list_pictures,
    without_unreadable,
)
from genlab.errors import InputError
from genlab.registry import datasets


@datasets.register
def unpaired_folder(
    path: str = "",
    *,
    image_size: images.Size | None = None,
    channels: int | None = None,
    direction: str = "a_to_b",
    skip_unreadable: bool = False,
    validation_fraction: float = 1 / 12,
    test_fraction: float = 1 / 12,
) -> Dataset:
    """Two domains of images, `unpaired_folder:PATH`, as CycleGAN users keep them.

    Folders `trainA` and `trainB` (and `valA`, `valB`, `testA`, `testB`); the numbers of images may
    differ, and an epoch sees every image of the larger domain once. In training x and y are never
    the files of one name. Held-out splits whose two folders have the same names keep their partners,
    so that a translation can be compared with the truth where there is one. A split that is not
    there is an even spread of train's. Transparency lies on white.

    Args:
      path: the folder.
      image_size: side in pixels (centre square, bicubic), or (height, width); None keeps the size.
      channels: 1, 3, or None for those of the first image of each domain.
      direction: `a_to_b` makes A the domain of x and B of y; `b_to_a` the other way round.
      skip_unreadable: leaves out images that cannot be read and logs how many, after reading every
        file once; False refuses the first when it is met.
      validation_fraction: share of train held out where there is no validation split.
      test_fraction: the same for test.

    Raises:
      InputError: no such folder or direction, a domain without images, a damaged image, sizes that
        differ.

    Paper: Zhu et al. 2017, arXiv:1703.10593
    """
    images.check_options(image_size, channels)
    root = check_folder(path, direction, "unpaired_folder")
    fractions = {"test": test_fraction, "validation": validation_fraction}
    sides = "AB" if direction == "a_to_b" else "BA"
    domains = [_domain(root, side, fractions, skip_unreadable) for side in sides]
    held = [split for split in ("validation", "test") if domains[0][split]]
    paired = bool(held) and all(
        _names(domains[0][split]) == _names(domains[1][split]) for split in held
    )
    pairs = {
        split: align(*(domain[split] for domain in domains), apart=split == "train")
        for split in SPLITS
    }
    return dataset_of(
        f"unpaired_folder:{root.name}",
        pairs,
        image_size=image_size,
        channels=channels,
        paired=paired,
    )


def align(xs: list[Picture], ys: list[Picture], *, apart: bool) -> list[Pair]:
    """Every picture of the longer list with one of the other; `apart`, half a list away."""
    count = max(len(xs), len(ys)) if xs and ys else 0
    shift = count // 2 if apart else 0
    return [(xs[i % len(xs)], ys[(i + shift) % len(ys)]) for i in range(count)]


def _domain(
    root: pathlib.Path, side: str, fractions: dict[str, float], skip_unreadable: bool
) -> dict[str, list[Picture]]:
    """The pictures of one domain's splits."""
    places = {split: find_place(root, split, side) for split in SPLITS}
    if not places["train"]:
        raise InputError(
            f"{root} has no folder train{side}; two domains are trainA and trainB"
        )
    found = {}
    for split, place in places.items():
        if place:
            pictures = [Picture(file) for file in list_pictures(place)]
            if skip_unreadable:
                kept = without_unreadable([(picture,) for picture in pictures])
                pictures = [picture for (picture,) in kept]
            if not pictures:
                raise InputError(f"{place} has no image that can be read")
            found[split] = pictures
    for split, fraction in fractions.items():
        if split not in found:
            train = np.array(found["train"], dtype=object)
            kept, out = carve(len(train), fraction)
            found["train"], found[split] = train[kept].tolist(), train[out].tolist()
    return found


def _names(pictures: list[Picture]) -> list[str]:
    return [picture.file.stem for picture in pictures]
