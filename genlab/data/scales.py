"""Melodies made by rule: scales up and down, for whom no corpus is installed."""

from typing import Annotated

import numpy as np

from genlab.data import melody
from genlab.data.dataset import Dataset, array_splits
from genlab.errors import InputError
from genlab.numbers import Count, Range
from genlab.registry import datasets

Pitch = Annotated[int, Range(0, 127)]  # a MIDI number
LENGTHS = (2, 4, 8)  # of the notes of a bar, in sixteenths


@datasets.register
def scales(
    *, size: Count = 4000, bars: Count = 2, low: Pitch = 60, high: Pitch = 83
) -> Dataset:
    """Bars of 4/4 in the tokens of `folksongs`: in each the notes are equally long, up, down or on a pitch.

    The length, an eighth, a quarter or a half, and the direction are drawn for each bar; the first pitch
    is drawn, every further note is a step of a semitone from the one before, and turns at the ends.

    Args:
      size: examples in all; a tenth of them is for validation, and another for testing.
      bars: in an example.
      low: lowest pitch, MIDI number.
      high: highest pitch.

    Returns:
      Examples [16 bars, V] with V = 2 + high - low + 1, bytes as those of `folksongs`.

    Raises:
      InputError: the lowest pitch is not below the highest.
    """
    if not low < high:
        raise InputError(
            f"low={low} and high={high}: the lowest pitch is below the highest"
        )
    generator = np.random.default_rng(0)
    length = generator.choice(LENGTHS, (size, bars)).repeat(melody.STEPS, axis=1)
    way = generator.integers(-1, 2, (size, bars)).repeat(melody.STEPS, axis=1)
    begins = np.arange(length.shape[1]) % length == 0
    walked = np.cumsum(way * begins, axis=1) - way[:, :1]
    reach = high - low
    place = (generator.integers(0, reach + 1, (size, 1)) + walked) % (2 * reach)
    pitch = reach - np.abs(reach - place)  # turned back at both ends
    tokens = np.where(begins, melody.PITCH + pitch, melody.HOLD)
    x = melody.one_hot(tokens, melody.PITCH + reach + 1)
    splits = array_splits(
        {"train": {"x": x}}, validation_fraction=1 / 9, test_fraction=0.1
    )
    return Dataset("scales", splits, example_shape=x.shape[1:], lowest_pitch=low)
