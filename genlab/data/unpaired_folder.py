"""Two folders of images that nobody has paired."""

import pathlib

from genlab.data import images
from genlab.data.alignment import align
from genlab.data.dataset import SPLITS, Dataset
from genlab.data.files import find_place
from genlab.data.image_files import Picture, divide, left_out, list_images
from genlab.data.image_pairs import check_folder, dataset_of, files_of
from genlab.errors import InputError
from genlab.numbers import Share
from genlab.registry import datasets


@datasets.register
def unpaired_folder(
    path: str = "",
    *,
    image_size: images.Size | None = None,
    channels: int | None = None,
    direction: str = "a_to_b",
    skip_unreadable: bool = False,
    validation_fraction: Share = 1 / 12,
    test_fraction: Share = 1 / 12,
) -> Dataset:
    """Two domains of images, `unpaired_folder:PATH`, as CycleGAN users keep them.

    Folders `trainA` and `trainB` (and `valA`, `valB`, `testA`, `testB`); the numbers of images may
    differ, and an epoch sees every image of the larger domain once. In training, images of one name
    do not meet where there is a way around it; which two meet stays the same in every epoch (a loss
    that is a sum over x and one over y cannot tell). Held-out splits whose two folders have the same
    names keep their partners, so that a translation can be compared with the truth where there is
    one. Names of folders may be in any case, and files lie deeper. Of a split that is not there each
    training image is held out, or not, by its own name, the same in both domains, so that a new file
    moves no other. Transparency lies on white.

    Args:
      path: the folder.
      image_size: side in pixels (centre square, bicubic), or (height, width); None keeps the size.
      channels: 1, 3, or None for those of the first image of each domain.
      direction: `a_to_b` makes A the domain of x and B of y; `b_to_a` the other way round.
      skip_unreadable: leaves out images that cannot be read, after reading every file once, and
        counts them; False refuses the first, by its header before training or else when it is met.
      validation_fraction: share of train held out where there is no validation split.
      test_fraction: the same for test.

    Raises:
      InputError: no such folder or direction, a domain without images, a damaged image, sizes that
        differ.

    Paper: Zhu et al. 2017, arXiv:1703.10593
    """
    images.check_options(image_size, channels)
    root = check_folder(path, direction, "unpaired_folder")
    sides = "AB" if direction == "a_to_b" else "BA"
    listed = [_list_domain(root, side) for side in sides]
    divided = [
        divide(
            f"domain {side} of {root}",
            found,
            lambda picture: (picture.file,),
            skip_unreadable=skip_unreadable,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
        )
        for side, found in zip(sides, listed, strict=True)
    ]
    pairs, same_names = {}, {}
    for split in SPLITS:
        xs, ys = (domain.splits[split] for domain in divided)
        names = [[picture.file.stem for picture in side] for side in (xs, ys)]
        rows = align(*names, apart=split == "train")
        pairs[split] = [(xs[row], ys[column]) for row, column in rows]
        same_names[split] = names[0] == names[1]
    held = [split for split in ("validation", "test") if pairs[split]]
    found = files_of(
        root, [part.values() for domain in listed for part in domain.values()]
    )
    return dataset_of(
        f"unpaired_folder:{root.name}",
        pairs,
        image_size=image_size,
        channels=channels,
        paired=bool(held) and all(same_names[split] for split in held),
        files=files_of(root, [part for d in divided for part in d.splits.values()]),
        left_out=left_out(root, found.paths, sum(d.unreadable for d in divided)),
    )


def _list_domain(root: pathlib.Path, side: str) -> dict[str, dict[str, Picture]]:
    """The pictures of one domain's splits that have a folder."""
    places = {split: find_place(root, split, side) for split in SPLITS}
    if not places["train"]:
        raise InputError(
            f"{root} has no folder train{side}; two domains are trainA and trainB"
        )
    return {
        split: {
            file.relative_to(place).as_posix(): Picture(file)
            for file in list_images(place)
        }
        for split, place in places.items()
        if place
    }
