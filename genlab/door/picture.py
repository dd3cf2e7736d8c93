"""A picture as an array that a notebook shows."""

import io
import os
from typing import Self

import numpy as np
from PIL import Image

from genlab.plots.grid import enlarge, save_png


class Picture(np.ndarray):
    """A picture `[H, W, 3]` uint8: any NumPy array, shown where a notebook shows what a cell ends in."""

    @classmethod
    def of(cls, pixels: np.ndarray) -> Self:
        """The pixels `[H, W, 3]` uint8 as a picture."""
        return np.asarray(pixels).view(cls)

    def save(self, path: str | os.PathLike) -> None:
        """Writes a PNG file, small pictures enlarged as those of a run folder."""
        save_png(path, enlarge(np.asarray(self)))

    def _repr_png_(self) -> bytes | None:
        """What a notebook asks for; None for what is no picture, such as a row of one."""
        if self.dtype != np.uint8 or self.ndim != 3 or self.shape[2] != 3:
            return None
        file = io.BytesIO()
        Image.fromarray(enlarge(np.asarray(self))).save(file, format="png")
        return file.getvalue()
