"""Knobs of data sets, augmentations and preparation out of their range: one line, nothing read."""

import pytest
from data_cases import refused

from genlab.data.augment import augmentations
from genlab.errors import InputError
from genlab.numbers import range_of
from genlab.registry import datasets

OUT_OF_RANGE = [
    *[("digits", {knob: value}) for knob in ("validation_fraction", "test_fraction")
      for value in (-0.1, 1, 1.0, float("nan"), "half", None, True)],
    ("digits", {"image_size": 0}), ("digits", {"image_size": 1.5}),
    ("digits", {"image_size": 10**6}), ("digits", {"channels": 2}),
    *[("toy2d", {"radius": value}) for value in (-1, float("inf"), "wide")],
    *[("toy2d", {"std": value}) for value in (-0.1, float("nan"))],
    *[("toy2d", {"size": value}) for value in (4, -5, 5.5)],
    ("toy2d", {"seed": -1}),
    ("shapes", {"colors": 0}), ("shapes", {"colors": 257}), ("shapes", {"places": 1}),
    ("shapes", {"places": 10**6}), ("shapes", {"image_size": 0}),
    ("shape_pairs", {"image_size": -4}),
    ("npz:absent.npz", {"white": 0}), ("npz:absent.npz", {"white": 256}),
    *[(f"{kind}:absent", {"validation_fraction": 2})
      for kind in ("folder", "paired_folder", "unpaired_folder", "idx", "tfds")],
    ("folksongs", {"max_songs": -1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "knobs"), OUT_OF_RANGE)
def test_data_sets(name, knobs):
    refused(next(iter(knobs)), name, **knobs)


@pytest.mark.parametrize(
    ("name", "knobs"),
    [
        ("horizontal_flip", {"probability": 1.1}),
        ("random_grayscale", {"probability": -0.1}),
        ("random_crop", {"padding": -1}),
        ("random_jitter", {"enlarge": -1}),
        ("random_resized_crop", {"min_area": 0}),
        ("random_resized_crop", {"min_area": 1.5}),
        ("color_jitter", {"brightness": -1}),
    ],
)
def test_augmentations(name, knobs):
    with pytest.raises(InputError, match=next(iter(knobs))):
        augmentations.build(name, **knobs)


def test_every_number_among_the_knobs_of_a_data_set_says_its_range():
    """None is left to whoever writes the next data set to remember."""
    for registry in (datasets, augmentations):
        for name in registry:
            annotations = registry.annotations(name)
            for knob, default in registry.knobs(name).items():
                if type(default) in (int, float):
                    assert range_of(annotations[knob]), (name, knob)
