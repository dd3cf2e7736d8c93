"""Pictures of run folders as small as a page needs them, and no more of them than it has room for."""

import base64
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from genlab.data.melody import TUNES
from genlab.reporting.run import thin
from genlab.storage.sidefile import parsed, read_picture

MAX_BYTES = (
    1_000_000  # of all pictures of a page, before base64 makes them a third larger
)
LONGEST_NAME, LONGEST_TUNE = 200, 2**16  # letters, sixteenths
COARSE = 300  # pixels of the longer side, below which each is shown as a square


T = TypeVar("T")


@dataclass(frozen=True)
class Shot:
    """One picture as a page holds it.

    Attributes:
      step: the round that it was drawn after.
      file: base64 of a PNG.
      width, height: its pixels.
      tunes: JSON of the melodies in it, as `genlab.data.melody.told` writes it; empty without.
    """

    step: int
    file: str
    width: int
    height: int
    tunes: str = ""

    @property
    def size(self) -> int:
        """Bytes of the file, and of its melodies."""
        return len(self.file) * 3 // 4 + len(self.tunes)

    @property
    def coarse(self) -> bool:
        """Whether its pixels are shown as squares rather than blurred."""
        return max(self.width, self.height) < COARSE


def shot(step: int, path: Path, *, most: int | None = None) -> Shot | None:
    """A picture of a run folder.

    Enlarged pixels become one each again, which the page enlarges anew.

    Args:
      step: the round that it was drawn after.
      path: of the file.
      most: pixels of the longer side, to which larger ones are reduced.

    Returns:
      None for a file that cannot be read.
    """
    if (found := read_picture(path)) is None:
        return None
    content, picture = found
    picture = _squares(picture.convert("RGB"))
    if most and max(picture.size) > most:
        picture.thumbnail((most, most), Image.Resampling.LANCZOS)
    red, green, blue = (np.asarray(channel) for channel in picture.split())
    if np.array_equal(red, green) and np.array_equal(red, blue):
        picture = picture.convert("L")
    file = io.BytesIO()
    picture.save(file, "png")
    if picture.size == found[1].size and len(content) <= file.tell():
        file = io.BytesIO(content)
    encoded = base64.b64encode(file.getvalue()).decode("ascii")
    return Shot(step, encoded, *picture.size, _tunes(found[1]))


def within(items: list[T], most: int, size: Callable[[T], int]) -> list[T]:
    """As many of the items, evenly spread with both ends, as have room in `most` bytes; the last one
    in any case."""
    kept = items
    while len(kept) > 1 and sum(map(size, kept)) > most:
        kept = thin(items, most=len(kept) // 2) if len(kept) > 3 else kept[-1:]
    return kept


def _tunes(picture: Image.Image) -> str:
    """The melodies that a file says it shows, if they are some."""
    tunes = parsed(getattr(picture, "text", {}).get(TUNES, ""), _are_tunes)
    return json.dumps(tunes, separators=(",", ":")) if tunes else ""


def _are_tunes(content: Any) -> bool:
    return all(
        isinstance(name, str)
        and len(name) <= LONGEST_NAME
        and type(length) is int
        and 0 < length <= LONGEST_TUNE
        and all(_is_note(note, length) for note in notes)
        for name, length, notes in content
    )


def _is_note(note: Any, end: int) -> bool:
    onset, length, pitch = note
    whole = all(type(value) is int for value in (onset, length, pitch))
    return whole and 0 <= onset < onset + length <= end and 0 <= pitch <= 127


def _squares(picture: Image.Image) -> Image.Image:
    """The picture before each of its pixels was repeated along both sides, if they were."""
    pixels = np.asarray(picture)
    height, width, _ = pixels.shape
    changes = np.gcd(height, width)
    for axis in (0, 1):
        edges = np.flatnonzero(
            np.diff(pixels.astype(np.int16), axis=axis).any(
                axis=tuple(i for i in range(3) if i != axis)
            )
        )
        changes = np.gcd(changes, np.gcd.reduce(edges + 1)) if edges.size else changes
    factor = int(changes)
    return picture if factor < 2 else Image.fromarray(pixels[::factor, ::factor])
