"""Melodies as tokens: notes to sixteenths, sixteenths to bars, bars to windows, and back to notes."""

import itertools
import json
import pathlib
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from genlab.process import display

VERSION = 1  # of what `parse` makes of a song; a cache of another one is not read
STEPS = 16  # sixteenths in a bar
REST, HOLD, PITCH = 0, 1, 2  # tokens; PITCH is that of the lowest pitch
CENTRE = 70  # MIDI pitch that the mean of a song is brought near to, by octaves

# In the steps of a bar; a pitch is its MIDI number.
SILENCE, SUSTAIN = 0, -1

TUNES = (
    "genlab tunes"  # the text of a PNG file that holds the melodies in it, as `told`
)

METERS = ("4/4", "2/2", "C", "C|")


class Bars(NamedTuple):
    """Whole bars of songs, in order.

    Attributes:
      steps: [N, 16] int16, the pitch that begins at a sixteenth, SILENCE or SUSTAIN.
      sounding: [N] int16, the pitch that sounds as the bar begins; SILENCE for none.
      song: [N] int32, which song the bar is of.
      run: [N] int32, the same for bars that follow each other without a gap.
    """

    steps: np.ndarray
    sounding: np.ndarray
    song: np.ndarray
    run: np.ndarray


class Note(NamedTuple):
    """A pitch, or SILENCE, from `onset` for `length`, in sixteenths."""

    onset: float
    length: float
    pitch: int
    tied: bool = False  # goes on from the note before


class Tune(NamedTuple):
    """A melody to be heard.

    Attributes:
      name: what it is.
      length: sixteenths.
      notes: in order; rests are where there are none.
    """

    name: str
    length: int
    notes: list[Note]


def split_songs(path: pathlib.Path) -> list[str]:
    """The songs of an ABC file that are in bars of four quarters throughout."""
    text = path.read_text(encoding="utf-8", errors="replace")
    songs = re.split(r"(?m)^(?=X:)", text)
    return [song for song in songs if _is_in_four(song)]


def _is_in_four(song: str) -> bool:
    meters = re.findall(r"(?m)(?:^|\[)M:\s*([^\s\]%]+)", song)
    return bool(meters) and all(meter in METERS for meter in meters)


def parse(songs: Sequence[str]) -> Bars:
    """The whole bars of songs in ABC notation; a song that music21 cannot read has none."""
    parts = []
    run = 0
    with display.doing("reading melodies") as retell:
        for index, text in enumerate(songs):
            retell(f"reading melodies, {index:,} of {len(songs):,} songs")
            notes, starts = read_abc(text)
            found = to_bars(notes, starts)
            for steps, sounding, follows in found:
                run += not follows
                parts.append((steps, sounding, index, run))
    if not parts:
        empty = np.zeros(0, np.int32)
        return Bars(
            np.zeros((0, STEPS), np.int16), empty.astype(np.int16), empty, empty
        )
    steps, sounding, song, runs = zip(*parts)
    return Bars(
        np.stack(steps).astype(np.int16),
        np.array(sounding, np.int16),
        np.array(song, np.int32),
        np.array(runs, np.int32),
    )


def read_abc(text: str) -> tuple[list[Note], list[float]]:
    """Notes of a song in the key without sharps and flats, and where its bars start, in sixteenths.

    Grace notes are left out. A song with chords, in several parts or keys, or that cannot be read
    has no notes.
    """
    from music21 import converter, exceptions21, stream

    try:
        score = converter.parse(text, format="abc")
        parts = list(score.parts)
        keys = {
            key.sharps for key in score.recurse().getElementsByClass("KeySignature")
        }
        if len(parts) != 1 or len(keys) > 1:
            return [], []
        bars = [
            4 * float(bar.offset) for bar in parts[0].getElementsByClass(stream.Measure)
        ]
        elements = list(parts[0].flatten().notesAndRests)
    except (exceptions21.Music21Exception, ValueError, IndexError, KeyError):
        return [], []
    notes = [_note(element) for element in elements if element.quarterLength > 0]
    if None in notes:
        return [], []
    return _transposed(notes, keys.pop() if keys else 0), bars


def _note(element: Any) -> Note | None:
    """A note or rest of music21; None for a chord."""
    onset, length = 4 * float(element.offset), 4 * float(element.quarterLength)
    if element.isRest:
        return Note(onset, length, SILENCE)
    if not element.isNote:
        return None
    tied = element.tie is not None and element.tie.type in ("stop", "continue")
    return Note(onset, length, element.pitch.midi, tied)


def _transposed(notes: list[Note], sharps: int) -> list[Note]:
    """From a key of so many sharps (flats below 0) to none, with a mean pitch near CENTRE."""
    pitches = [note.pitch for note in notes if note.pitch != SILENCE]
    if not pitches:
        return []
    shift = -7 * sharps  # a sharp more is a fifth up
    octaves = round((CENTRE - shift - np.mean(pitches)) / 12)
    move = shift + 12 * octaves
    return [
        note if note.pitch == SILENCE else note._replace(pitch=note.pitch + move)
        for note in notes
    ]


def to_bars(
    notes: Iterable[Note], starts: Sequence[float]
) -> list[tuple[np.ndarray, int, bool]]:
    """Bars of exactly sixteen sixteenths: steps [16], what sounds before them, whether they follow.

    Onsets go to the nearest sixteenth; of two on the same one the later counts. A bar follows when
    the one before it is whole too.

    Args:
      notes: in order of their onsets.
      starts: where bars begin, in sixteenths; the last bar ends with the last note.
    """
    notes = list(notes)
    if not notes:
        return []
    end = max(round(note.onset + note.length) for note in notes)
    line = np.full(end + 1, SUSTAIN, np.int16)
    sounding = np.full(end + 1, SILENCE, np.int16)
    for note in notes:
        onset, stop = round(note.onset), round(note.onset + note.length)
        goes_on = note.tied and onset > 0 and sounding[onset - 1] == note.pitch
        line[onset] = SUSTAIN if goes_on else note.pitch
        line[onset + 1 : stop] = SUSTAIN
        sounding[onset:stop] = note.pitch
        line[stop] = SILENCE  # until the next note takes the place
    edges = [*starts, end]
    found, last = [], None
    for start, stop in itertools.pairwise(edges):
        whole = start == round(start) and stop - start == STEPS
        if whole:
            start = int(start)
            before = int(sounding[start]) if line[start] == SUSTAIN else SILENCE
            found.append((line[start : start + STEPS], before, last == start))
            last = start + STEPS
    return found


def windows(
    bars: Bars, *, low: int, high: int, count: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """`count` bars after each other as tokens, one bar apart.

    Args:
      bars: of songs.
      low: lowest pitch, MIDI number.
      high: highest pitch; windows beyond are left out, and those of rests alone.
      count: bars in a window.

    Returns:
      tokens [M, 16 count] int32 in [0, PITCH + high - low + 1), and the song of each, [M] int32.
    """
    first = np.arange(len(bars.run) - count + 1)
    first = first[bars.run[first] == bars.run[first + count - 1]]
    steps = np.concatenate([bars.steps[first + i] for i in range(count)], axis=1)
    steps = steps.astype(np.int32)
    # What a window does not see begin begins with it.
    steps[:, 0] = np.where(steps[:, 0] == SUSTAIN, bars.sounding[first], steps[:, 0])
    pitched = steps > 0
    inside = ~pitched | ((steps >= low) & (steps <= high))
    kept = inside.all(axis=1) & pitched.any(axis=1)
    tokens = np.where(
        pitched, steps - low + PITCH, np.where(steps == SUSTAIN, HOLD, REST)
    )
    return tokens[kept], bars.song[first[kept]]


def notes_of(tokens: Iterable[int], lowest: int) -> list[Note]:
    """What sounds, rests left out, of `tokens: [T]`; a hold of nothing is a rest.

    Args:
      tokens: of one melody.
      lowest: MIDI number of the pitch of token PITCH.
    """
    notes: list[Note] = []
    sounds = False
    for step, token in enumerate(map(int, tokens)):
        if token >= PITCH:
            notes.append(Note(step, 1, lowest + token - PITCH))
        elif token == HOLD and sounds:
            notes[-1] = notes[-1]._replace(length=notes[-1].length + 1)
        sounds = token >= PITCH or (token == HOLD and sounds)
    return notes


def told(tunes: Sequence[Tune]) -> str:
    """Melodies as JSON: of each its name, its sixteenths, and [onset, length, pitch] of its notes."""
    plain = [
        [tune.name, tune.length, [[*map(int, note[:3])] for note in tune.notes]]
        for tune in tunes
    ]
    return json.dumps(plain, separators=(",", ":"))


def one_hot(tokens: np.ndarray, vocabulary: int) -> np.ndarray:
    """Tokens `[M, T]` as bytes `[M, T, vocabulary]` uint8, 255 at the token and 0 elsewhere."""
    x = np.zeros((*tokens.shape, vocabulary), np.uint8)
    np.put_along_axis(x, tokens[..., None], 255, axis=-1)
    return x
