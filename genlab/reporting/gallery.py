"""The newest pictures of a sweep's trials, side by side: small, and bounded in their bytes."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from genlab.reporting.run import thin
from genlab.reporting.sweep import Sweep
from genlab.storage import sidefile

MAX_THUMBNAILS = 24  # of one plot
MAX_PLOTS = 3
MAX_SIDE = 256  # pixels
MAX_BYTES = 3_000_000  # of one plot, before base64


def plot_names(sweep: Sweep) -> list[str]:
    """The plots that trials have pictures of, `samples` first, at most MAX_PLOTS."""
    names = sorted({plot for trial in sweep.trials for plot in trial.pictures})
    return sorted(names, key=lambda name: name != "samples")[:MAX_PLOTS]


def thumbnails(
    sweep: Sweep, plot: str, order: Sequence[int]
) -> dict[int, tuple[str, int, int]]:
    """Pictures of one plot, evenly chosen along an order, the first and the last among them.

    Args:
      sweep: whose trials they are.
      plot: its name.
      order: indices of the trials.

    Returns:
      index of the trial -> base64 of a PNG, width, height. Pictures that cannot be read are left
      out; where MAX_BYTES is not enough, half as many are taken.
    """
    having = [i for i in order if plot in sweep.trials[i].pictures]
    most = MAX_THUMBNAILS
    while True:
        chosen = thin(having, most=most) if most > 1 else having[:1]
        made = {i: _thumbnail(sweep.trials[i].pictures[plot]) for i in chosen}
        files = {index: file for index, file in made.items() if file}
        if most == 1 or sum(len(file) for file, _, _ in files.values()) <= MAX_BYTES:
            break
        most //= 2
    return {
        index: (base64.b64encode(file).decode("ascii"), width, height)
        for index, (file, width, height) in files.items()
    }


def _thumbnail(path: Path) -> tuple[bytes, int, int] | None:
    if (found := sidefile.read_picture(path)) is None:
        return None
    small = found[1].convert("RGB")
    small.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "png", optimize=True)
    return file.getvalue(), *small.size
