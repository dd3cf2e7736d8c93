"""Melodies as a MIDI file, by music21."""

import importlib.util
import warnings
from collections.abc import Sequence

from genlab import shipped
from genlab.data.melody import STEPS, Tune
from genlab.errors import InputError

TEMPO = 120  # quarters a minute


def need_music21(what: str) -> None:
    """Raises InputError, with the command that installs it, unless music21 is there; `what` asks."""
    if importlib.util.find_spec("music21") is None:
        raise InputError(
            f"{what} needs music21, which is not installed; {shipped.install('music')}"
        )


def midi_of(tunes: Sequence[Tune]) -> bytes:
    """A MIDI file of one track with the tunes after each other, a bar of rest at least between two.

    A tune begins with a bar.

    Raises:
      InputError: music21 is not installed.
    """
    need_music21("a MIDI file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what music21 says of itself as it is imported
        from music21 import midi, note, stream, tempo

        part = stream.Part()
        part.insert(0, tempo.MetronomeMark(number=TEMPO))
        begin = 0
        for tune in tunes:
            for onset, length, pitch, _ in tune.notes:
                sound = note.Note(pitch, quarterLength=length / 4)
                part.insert((begin + onset) / 4, sound)
            begin += (-(-tune.length // STEPS) + 1) * STEPS
        return midi.translate.streamToMidiFile(part).writestr()
