"""Melodies of folk songs, some bars each, from the corpus that music21 carries."""

import hashlib
import importlib.metadata
import importlib.util
import pathlib
from collections.abc import Sequence
from typing import Annotated

import numpy as np

from genlab import shipped
from genlab.data import melody
from genlab.data.dataset import Dataset, carve, carve_missing
from genlab.data.limits import max_bytes
from genlab.data.split import ArraySplit
from genlab.errors import InputError, suggest
from genlab.numbers import Count, Range, Share, Whole
from genlab.registry import datasets
from genlab.storage import cache

Pitch = Annotated[int, Range(0, 127)]  # a MIDI number

COLLECTIONS = (
    "airdsAirs",
    "essenFolksong",
    "miscFolk",
    "oneills1850",
    "ryansMammoth",
)


@datasets.register
def folksongs(
    *,
    collections: Sequence[str] = ("essenFolksong",),
    max_songs: Whole = 0,
    bars: Count = 2,
    low: Pitch = 55,
    high: Pitch = 84,
    validation_fraction: Share = 1 / 12,
    test_fraction: Share = 1 / 12,
    cache_dir: str | None = None,
) -> Dataset:
    """Bars of 4/4 of folk melodies as 16 one-hot tokens each: rest, hold, and a range of pitches.

    Of every song in 4/4 or 2/2 all windows of `bars` whole bars that follow each other, one bar apart,
    quantised to sixteenths, in the key without sharps and flats, moved by octaves to a mean pitch
    near 70. Token 0 begins a rest, 1 holds what sounds, 2 + k begins pitch low + k (MIDI); the first
    token of a window is never a hold. Windows beyond the range, or with nothing but rests, are left
    out. Splits are by song: no song has windows in two of them.

    Songs are parsed once, some ten a second, and kept in a cache under a checksum of the files and
    the parser's version.

    Args:
      collections: of music21's corpus: airdsAirs, essenFolksong, miscFolk, oneills1850,
        ryansMammoth.
      max_songs: songs parsed at most, an even spread over all; 0 takes all.
      bars: in an example.
      low: lowest pitch, MIDI number.
      high: highest pitch, MIDI number.
      validation_fraction: share of the songs held out after test's.
      test_fraction: share of the songs held out.
      cache_dir: folder of the cache; None takes the user's cache folder.

    Returns:
      Examples [16 bars, V] with V = 2 + high - low + 1, stored as bytes 0 and 255, which the usual
      preparation makes one-hot floats.

    Raises:
      InputError: music21 is not installed, an unknown collection, a range or count that leaves
        nothing.

    Papers: Cuthbert & Ariza 2010, ISMIR; Schaffrath 1995, The Essen Folksong Collection; windows
      and tokens: Roberts et al. 2018, arXiv:1803.05428
    """
    _check(collections, low, high)
    parsed = _bars(tuple(collections), max_songs, cache_dir)
    tokens, song = melody.windows(parsed, low=low, high=high, count=bars)
    if not len(tokens):
        raise InputError(
            f"none of these songs has {bars} bars in a row within low={low} and high={high}; 55 and 84"
            " hold most pitches, and few songs have more than 16 bars"
        )
    vocabulary = melody.PITCH + high - low + 1
    x = melody.one_hot(tokens, vocabulary)
    rows = carve_missing(
        {"train": np.unique(song)},
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
    )
    splits = {
        split: ArraySplit({"x": x[np.isin(song, songs)]})
        for split, songs in rows.items()
    }
    return Dataset("folksongs", splits, example_shape=x.shape[1:], lowest_pitch=low)


def _check(collections: Sequence[str], low: int, high: int) -> None:
    if isinstance(collections, str) or not collections:
        raise InputError(
            f"collections={collections!r} needs one name or more, as in ('essenFolksong',)"
        )
    for name in collections:
        if name not in COLLECTIONS:
            raise InputError(f"unknown collection {name!r}{suggest(name, COLLECTIONS)}")
    if not low < high:
        raise InputError(
            f"low={low} and high={high}: the lowest pitch is below the highest"
        )


def _bars(
    collections: tuple[str, ...], max_songs: int, cache_dir: str | None
) -> melody.Bars:
    """The bars of the songs, from the cache, or parsed and put there."""
    corpus = _corpus()
    files = sorted(
        path for name in collections for path in (corpus / name).glob("*.abc")
    )
    made_from = _checksum(files, f"{melody.VERSION} {max_songs}")
    kept = f"folksongs-{made_from}.npz"
    checked = {"is_whole": _are_bars, "most": max_bytes()}
    if found := cache.read(kept, melody.Bars._fields, cache_dir, **checked):
        return melody.Bars(**found)
    songs = [song for path in files for song in melody.split_songs(path)]
    if 0 < max_songs < len(songs):
        _, rows = carve(len(songs), max_songs / len(songs))
        songs = [songs[row] for row in rows]
    bars = melody.parse(songs)
    cache.write(kept, bars._asdict(), cache_dir)
    return bars


def _are_bars(arrays: dict[str, np.ndarray]) -> bool:
    """Whether arrays are what `melody.parse` makes: as many of each, and pitches of MIDI."""
    bars = melody.Bars(**arrays)
    count = len(bars.run)
    shapes = [(count, melody.STEPS), *3 * [(count,)]]
    kinds = [np.int16, np.int16, np.int32, np.int32]
    known = all(
        array.shape == shape and array.dtype == kind
        for array, shape, kind in zip(bars, shapes, kinds, strict=True)
    )
    low, high = melody.SUSTAIN, 127 + 24  # moved by octaves
    return known and all(
        low <= part.min(initial=0) and part.max(initial=0) <= high for part in bars[:2]
    )


def _corpus() -> pathlib.Path:
    spec = importlib.util.find_spec("music21")
    if spec is None or spec.origin is None:
        raise InputError(
            "data set 'folksongs' reads the corpus of music21, which is not installed;"
            f" {shipped.install('music')}"
        )
    return pathlib.Path(spec.origin).parent / "corpus"


def _checksum(files: Sequence[pathlib.Path], settings: str) -> str:
    """Of all that the parsed songs depend on."""
    digest = hashlib.sha256(settings.encode())
    digest.update(importlib.metadata.version("music21").encode())
    for path in files:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
