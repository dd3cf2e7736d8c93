"""Melodies as piano rolls: time to the right, pitch upwards."""

import numpy as np

from genlab.data.melody import PITCH, REST, STEPS
from genlab.numbers import Count
from genlab.plots.grid import image_grid
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

PAPER, BAR, SOUND, ONSET = (
    (255, 255, 255),
    (229, 231, 235),
    (147, 197, 253),
    (29, 78, 216),
)


@plots.register
@needs("melodies", "reconstruct")
def melodies(
    trained: Trained, *, num: Count = 12, columns: Count = 4, split: str | None = None
) -> np.ndarray:
    """Melodies as piano rolls, each above its reconstruction.

    A note is dark where it begins and light while it is held; bars have a grey line. Of every step
    of a reconstruction the likeliest token is drawn.

    Args:
      trained: the model.
      num: melodies shown.
      columns: melodies in a row.
      split: where they come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no `reconstruct`, or examples are not one-hot tokens, [T, V].
    """
    x = trained.examples(split or trained.data.held_out()[0], num)["x"]
    copies = trained.call("reconstruct", x)
    rolls = [piano_rolls(part.argmax(-1), x.shape[2]) for part in (x, copies)]
    columns = min(columns, len(x))
    rows = []
    for start in range(0, len(x), columns):
        for part in rolls:
            row = part[start : start + columns]
            blank = np.full_like(part[:1], 255)
            rows += [row, *[blank] * (columns - len(row))]
    return image_grid(np.concatenate(rows), columns=columns, padding=4)


def piano_rolls(tokens: np.ndarray, vocabulary: int, *, side: int = 4) -> np.ndarray:
    """Tokens as pictures.

    Args:
      tokens: [N, T] int in [0, vocabulary), as of `genlab.data.melody`.
      vocabulary: V, of which V - 2 are pitches.
      side: pixels of a step and of a semitone.

    Returns:
      [N, (V - 2) * side, T * side, 3] uint8.
    """
    count, length = tokens.shape
    picture = np.empty((count, vocabulary - PITCH, length, 3), np.uint8)
    picture[:] = PAPER
    picture[:, :, ::STEPS] = BAR
    rows = np.arange(count)
    pitch = np.full(count, -1)  # what sounds; -1 for nothing
    for step in range(length):
        token = tokens[:, step]
        begins = token >= PITCH
        pitch = np.where(begins, token - PITCH, np.where(token == REST, -1, pitch))
        heard = pitch >= 0
        colours = np.where(begins[:, None], ONSET, SOUND)
        picture[rows[heard], -1 - pitch[heard], step] = colours[heard]
    return picture.repeat(side, axis=1).repeat(side, axis=2)
