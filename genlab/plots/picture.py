"""A picture as an array that a notebook shows, and that is saved as pixels or as vectors."""

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image

from genlab.errors import InputError
from genlab.plots.grid import enlarge, save_png
from genlab.storage.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".pdf", ".svg")
DPI = 100  # pixels of a figure to the inch


class Picture(np.ndarray):
    """A picture `[H, W, 3]` uint8: any NumPy array, shown where a notebook shows what a cell ends in.

    Attributes:
      figure: the drawing whose pixels these are; None for one that is made of pixels, and for
        whatever is computed from a picture.
    """

    figure: "Figure | None"

    def __array_finalize__(self, source: Any) -> None:
        self.figure = None

    @classmethod
    def of(cls, pixels: np.ndarray, figure: "Figure | None" = None) -> Self:
        """The pixels `[H, W, 3]` uint8 as a picture; of one that is a picture, the same."""
        if isinstance(pixels, cls):
            return pixels
        picture = np.asarray(pixels).view(cls)
        picture.figure = figure
        return picture

    def save(self, path: str | os.PathLike) -> None:
        """Writes a PNG, PDF or SVG file, as the end of its name says; small pictures are enlarged.

        PDF and SVG hold lines and letters where the picture is a drawing with axes, and otherwise
        its pixels. The same picture gives the same bytes.

        Raises:
          InputError: the name ends otherwise.
        """
        path = Path(path)
        if path.suffix == ".png":
            return save_png(path, enlarge(np.asarray(self)))
        if path.suffix not in FORMATS:
            raise InputError(
                f"{str(path)!r} is no name of a picture: end it in {', '.join(FORMATS)}"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
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
