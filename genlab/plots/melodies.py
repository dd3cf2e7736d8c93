"""Melodies as piano rolls, time to the right and pitch upwards, which can be heard as well."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from genlab.data.dataset import Dataset
from genlab.data.melody import PITCH, REST, STEPS, Tune, notes_of
from genlab.errors import InputError, suggest
from genlab.game.experiment import Experiment
from genlab.metrics.melody_attributes import ATTRIBUTES, attribute_vectors
from genlab.metrics.representation import in_chunks
from genlab.numbers import Count
from genlab.plots.grid import image_grid
from genlab.plots.latent import slerp
from genlab.plots.picture import Picture
from genlab.registry import plots
from genlab.trained.needs import needs
from genlab.trained.trained import Trained

PAPER, BAR, SOUND, ONSET = (
    (255, 255, 255),
    (229, 231, 235),
    (147, 197, 253),
    (29, 78, 216),
)
WIDTH = 128  # steps of the melodies that stand side by side, where nobody says how many
PATH = 320  # the same of melodies along a path, which has more
MIDDLE_C = 60  # the first pitch of melodies that do not say theirs


@plots.register
@needs("melodies", "reconstruct")
def melodies(
    trained: Trained,
    *,
    num: Count = 12,
    columns: Count | None = None,
    split: str | None = None,
) -> np.ndarray:
    """Melodies as piano rolls, each above its reconstruction.

    A note is dark where it begins and light while it is held; bars have a grey line. Of every step
    of a reconstruction the likeliest token is drawn. Like those of all plots of melodies, the picture
    can be saved as a MIDI file, and is played by the report.

    Args:
      trained: the model.
      num: melodies shown.
      columns: melodies in a row; 128 steps without.
      split: where they come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: the experiment has no `reconstruct`, or examples are not one-hot tokens, [T, V].
    """
    x = trained.examples(split or trained.data.held_out()[0], num)["x"]
    copies = trained.call("reconstruct", x)
    columns = min(columns or _columns(x.shape[1]), len(x))
    rows, names = [], []
    for start in range(0, len(x), columns):
        for part, what in ((x, "original"), (copies, "reconstruction")):
            rows.append(part[start : start + columns].argmax(-1))
            names.append([f"{start + i + 1}, {what}" for i in range(len(rows[-1]))])
    return rolls_and_tunes(trained.data, rows, names)


@plots.register
@needs("melodies", "encode", "decode")
def melody_interpolations(
    trained: Trained, *, pairs: Count = 4, points: Count = 7, split: str | None = None
) -> np.ndarray:
    """Pairs of melodies, and between them what the decoder makes of the arc from code to code.

    Each pair is read from left to right, in several rows where melodies are long: the first melody, the
    decoded points, whose ends are the two reconstructions, the second.

    Args:
      trained: the model.
      pairs: of melodies.
      points: codes decoded along each arc, ends included; 2 or more.
      split: where the melodies come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: no `encode` or `decode`, examples that are no melodies, fewer than two of them, or
        fewer than two points.

    Papers: Roberts et al. 2018, arXiv:1803.05428, section 5.3; arcs: White 2016, arXiv:1609.04468
    """
    _check_points(trained.experiment, trained.data, points=points)
    x = trained.examples(split or trained.data.held_out()[0], 2 * pairs)["x"]
    pairs = len(x) // 2
    if pairs < 1:
        raise InputError(f"{len(x)} melodies have no path; it needs two")
    starts, ends = x[0 : 2 * pairs : 2], x[1 : 2 * pairs : 2]
    codes = trained.call("encode", np.concatenate([starts, ends]))
    shares = np.linspace(0, 1, points, dtype=codes.dtype)
    walked = slerp(codes[:pairs], codes[pairs:], shares)
    made = in_chunks(trained, "decode", walked.reshape(-1, codes.shape[1]))
    made = made.reshape(pairs, points, *x.shape[1:])
    told = ["first", *(f"{share:.0%} of the way" for share in shares), "second"]
    rows, names = [], []
    for index in range(pairs):
        line = np.concatenate([starts[index, None], made[index], ends[index, None]])
        rows.append(line.argmax(-1))
        names.append([f"pair {index + 1}, {share}" for share in told])
    return rolls_and_tunes(trained.data, *_wrapped(rows, names))


@plots.register
@needs("melodies", "encode", "decode")
def melody_attributes(
    trained: Trained,
    *,
    attribute: str = "note_density",
    num: Count = 4,
    points: Count = 5,
    num_train: Count = 4000,
    split: str | None = None,
) -> np.ndarray:
    """Melodies decoded with the vector of an attribute taken away, and more and more of it added.

    The vector is that of the metric of the same name. Points are from -1 to 1 times the vector.

    Args:
      trained: the model.
      attribute: `note_density`, `mean_pitch`, `average_interval`, `syncopation_8th` or
        `syncopation_16th`.
      num: melodies, one after another.
      points: multiples of the vector; 2 or more.
      num_train: training melodies that the vector is of.
      split: where the melodies come from; the held-out one by default.

    Returns:
      [H, W, 3] uint8.

    Raises:
      InputError: no such attribute, no `encode` or `decode`, examples that are no melodies, or fewer
        than two points.

    Paper: Roberts et al. 2018, arXiv:1803.05428, section 5.4
    """
    _check_points(trained.experiment, trained.data, points=points, attribute=attribute)
    vector = attribute_vectors(trained, num_train)[attribute]
    x = trained.examples(split or trained.data.held_out()[0], num)["x"]
    codes = trained.call("encode", x)
    shares = np.linspace(-1, 1, points, dtype=codes.dtype)
    moved = codes[:, None] + shares[:, None] * vector
    made = in_chunks(trained, "decode", moved.reshape(-1, codes.shape[1])).argmax(-1)
    rows = list(made.reshape(len(x), points, -1))
    names = [
        [f"{i + 1}, {attribute.replace('_', ' ')} {share:+.1f}" for share in shares]
        for i in range(len(x))
    ]
    return rolls_and_tunes(trained.data, *_wrapped(rows, names))


def rolls_and_tunes(
    data: Dataset, rows: Sequence[np.ndarray], names: Sequence[Sequence[str]]
) -> Picture:
    """The picture of melodies in rows, and the melodies themselves.

    Args:
      data: that they are like.
      rows: tokens, [N, T] each; a row with fewer than the longest ends in white.
      names: of the melodies, for who hears them.
    """
    vocabulary, columns = data.example_shape[1], max(map(len, rows))
    drawn = []
    for row in rows:
        found = piano_rolls(row, vocabulary)
        blank = np.full_like(found[:1], 255)
        drawn += [found, *[blank] * (columns - len(row))]
    pixels = image_grid(np.concatenate(drawn), columns=columns, padding=4)
    lowest = data.lowest_pitch or MIDDLE_C
    tunes = tuple(
        Tune(name, len(tokens), notes_of(tokens, lowest))
        for row, told in zip(rows, names, strict=True)
        for tokens, name in zip(row, told, strict=True)
    )
    return Picture.of(pixels, tunes=tunes)


def rolls_of_samples(
    data: Dataset, x: np.ndarray, columns: int | None = None
) -> Picture:
    """Sampled melodies `x: [N, T, V]`, `columns` of them in a row."""
    tokens = x.argmax(-1)
    columns = columns or _columns(tokens.shape[1])
    names = [[f"sample {i + 1}" for i in range(len(tokens))]]
    return rolls_and_tunes(data, *_wrapped([tokens], names, columns))


def _wrapped(
    rows: Sequence[np.ndarray], names: Sequence[list[str]], columns: int | None = None
) -> tuple[list[np.ndarray], list[list[str]]]:
    """Rows, and the names in them, cut where they are longer than `columns` melodies."""
    columns = columns or max(1, PATH // rows[0].shape[1])
    cuts = lambda row: range(0, len(row), columns)
    return (
        [row[first : first + columns] for row in rows for first in cuts(row)],
        [row[first : first + columns] for row in names for first in cuts(row)],
    )


def _columns(length: int) -> int:
    return max(1, WIDTH // length)


def _check_points(
    experiment: Experiment,
    data: Dataset,
    *,
    points: int,
    attribute: str = "note_density",
    **knobs: Any,
) -> None:
    del experiment, data, knobs
    if points < 2:
        raise InputError(f"points={points} codes are no path; take 2 or more")
    if attribute not in ATTRIBUTES:
        raise InputError(
            f"unknown attribute {attribute!r}{suggest(attribute, ATTRIBUTES)}"
        )


for _plot in (melody_interpolations, melody_attributes):
    _plot.check = _check_points


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
