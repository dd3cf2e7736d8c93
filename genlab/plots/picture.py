"""A picture as an array that a notebook shows, and that is saved as pixels or as vectors; one of
melodies can be heard."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image

from genlab.data.melody import TUNES, Tune, told
from genlab.data.midi import midi_of
from genlab.errors import InputError
from genlab.plots.grid import enlarge, save_png
from genlab.storage.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".pdf", ".svg", ".mid")
DPI = 100  # pixels of a figure to the inch


class Picture(np.ndarray):
    """A picture `[H, W, 3]` uint8: any NumPy array, shown where a notebook shows what a cell ends in.

    Attributes:
      figure: the drawing whose pixels these are; None for one that is made of pixels, and for
        whatever is computed from a picture.
      tunes: the melodies that it shows, in the order in which they are read.
    """

    figure: "Figure | None"
    tunes: tuple[Tune, ...]

    def __array_finalize__(self, source: Any) -> None:
        self.figure, self.tunes = None, ()

    @classmethod
    def of(
        cls,
        pixels: np.ndarray,
        figure: "Figure | None" = None,
        tunes: Sequence[Tune] = (),
    ) -> Self:
        """The pixels `[H, W, 3]` uint8 as a picture; of one that is a picture, the same."""
        if isinstance(pixels, cls):
            return pixels
        picture = np.asarray(pixels).view(cls)
        picture.figure, picture.tunes = figure, tuple(tunes)
        return picture

    def save(self, path: str | os.PathLike) -> None:
        """Writes a PNG, PDF or SVG file, as the end of its name says; small pictures are enlarged.

        PDF and SVG hold lines and letters where the picture is a drawing with axes, and otherwise
        its pixels. The same picture gives the same bytes. A PNG of melodies holds their notes as
        well, and a MIDI file, `.mid`, has them after each other.

        Raises:
          InputError: the name ends otherwise, or a MIDI file of what is no melody, or without music21.
        """
        path = Path(path)
        if path.suffix not in FORMATS:
            raise InputError(
                f"{str(path)!r} is no name of a picture: end it in {', '.join(FORMATS)}"
            )
        if path.suffix == ".png":
            texts = {TUNES: told(self.tunes)} if self.tunes else {}
            return save_png(path, enlarge(np.asarray(self)), texts)
        if path.suffix == ".mid" and not self.tunes:
            raise InputError(
                f"{str(path)!r} would be a MIDI file, and this is a picture of no melodies; end it in"
                f" {', '.join(FORMATS[:-1])}"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".mid":
            return write_atomic(path, midi_of(self.tunes))
        write_atomic(path, self._vectors(path.suffix.removeprefix(".")))

    def _vectors(self, kind: str) -> bytes:
        import matplotlib

        dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
        # Publishers take no fonts of Type 3, matplotlib's own choice.
        style = {"pdf.fonttype": 42, "svg.hashsalt": "genlab"}
        file = io.BytesIO()
        with matplotlib.rc_context(style):
            drawing = self.figure or _framed(enlarge(np.asarray(self)))
            drawing.savefig(file, format=kind, metadata=dates[kind])
        return file.getvalue()

    def _repr_png_(self) -> bytes | None:
        """What a notebook asks for; None for what is no picture, such as a row of one."""
        if self.dtype != np.uint8 or self.ndim != 3 or self.shape[2] != 3:
            return None
        file = io.BytesIO()
        Image.fromarray(enlarge(np.asarray(self))).save(file, format="png")
        return file.getvalue()


def _framed(pixels: np.ndarray) -> "Figure":
    """A figure of nothing but `pixels: [H, W, 3]`, each kept as it is."""
    from matplotlib.figure import Figure

    height, width, _ = pixels.shape
    figure = Figure(figsize=(width / DPI, height / DPI))
    axes = figure.add_axes((0, 0, 1, 1), frameon=False)
    axes.set_axis_off()
    axes.imshow(pixels, interpolation="none", aspect="auto")
    return figure
