"""Pictures of melodies: which melodies they show, in the order they are read, and as files."""

import json

import numpy as np
import pytest
from PIL import Image

from genlab.data.melody import HOLD, PITCH, REST, TUNES, Note, Tune, one_hot
from genlab.errors import InputError
from genlab.plots import melodies
from genlab.plots.picture import Picture

TOKENS = np.array([[PITCH, HOLD, REST, PITCH + 2], [HOLD, REST, PITCH + 1, HOLD]])
TUNES_OF_TOKENS = [
    Tune("a", 4, [Note(0, 2, 60), Note(3, 1, 62)]),
    Tune("b", 4, [Note(2, 2, 61)]),
]


class Given:
    """A model whose codes are the tokens of a melody, and which decodes them, rounded."""

    class data:
        example_shape, lowest_pitch = (4, PITCH + 3), 60

        @staticmethod
        def held_out():
            return "validation", None

    experiment = None

    def has(self, method):
        return True

    def examples(self, split, num):
        assert split in ("train", "validation")
        return {"x": one_hot(TOKENS[:num], PITCH + 3) / 255.0}

    def call(self, method, x):
        if method == "encode":
            return x.argmax(-1).astype(np.float32)
        tokens = x.argmax(-1) if method == "reconstruct" else np.rint(x).astype(int)
        return one_hot(np.clip(tokens, 0, PITCH + 2), PITCH + 3) / 255.0


def test_a_picture_of_melodies_has_their_notes_in_reading_order():
    picture = melodies.rolls_and_tunes(Given.data, [TOKENS], [["a", "b"]])
    assert list(picture.tunes) == TUNES_OF_TOKENS
    shown = melodies.melodies(Given(), num=2, columns=1)
    assert [tune.name for tune in shown.tunes] == [
        *("1, original", "1, reconstruction", "2, original", "2, reconstruction")
    ]
    assert picture[:1].tunes == () and Picture.of(picture).tunes == picture.tunes


def test_a_path_ends_in_the_reconstructions(monkeypatch):
    monkeypatch.setattr(melodies, "PATH", 12)  # three melodies in a row
    picture = melodies.melody_interpolations(Given(), pairs=3, points=3)
    notes = [tune.notes for tune in picture.tunes]
    assert len(notes) == 5  # of two melodies there is one pair
    assert notes[0] == notes[1] == TUNES_OF_TOKENS[0].notes
    assert notes[3] == notes[4] == TUNES_OF_TOKENS[1].notes
    assert picture.tunes[2].name == "pair 1, 50% of the way"
    side, padding = 4, 4
    assert picture.shape == (2 * (3 * side + padding) + padding, 3 * 20 + padding, 3)


def test_an_attribute_is_taken_away_and_added():
    picture = melodies.melody_attributes(Given(), points=3, num=1)
    assert [tune.name for tune in picture.tunes] == [
        f"1, note density {share}" for share in ("-1.0", "+0.0", "+1.0")
    ]
    assert picture.tunes[1].notes == TUNES_OF_TOKENS[0].notes
    with pytest.raises(InputError, match="did you mean 'note_density'"):
        melodies.melody_attributes(Given(), attribute="note_densty")
    with pytest.raises(InputError, match="points=1 codes are no path"):
        melodies.melody_interpolations(Given(), points=1)


def test_a_png_holds_the_notes_and_other_files_do_not(tmp_path):
    picture = Picture.of(np.zeros((4, 4, 3), np.uint8), tunes=TUNES_OF_TOKENS)
    picture.save(tmp_path / "a.png")
    held = json.loads(Image.open(tmp_path / "a.png").text[TUNES])
    assert held == [["a", 4, [[0, 2, 60], [3, 1, 62]]], ["b", 4, [[2, 2, 61]]]]
    Picture.of(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "b.png")
    assert Image.open(tmp_path / "b.png").text == {}
    with pytest.raises(
        InputError, match="picture of no melodies; end it in .png, .pdf"
    ):
        Picture.of(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "b.mid")


@pytest.mark.filterwarnings("ignore")  # music21's own
def test_a_midi_file_has_the_melodies_after_each_other(tmp_path):
    music21 = pytest.importorskip("music21")
    picture = Picture.of(np.zeros((4, 4, 3), np.uint8), tunes=TUNES_OF_TOKENS)
    picture.save(tmp_path / "a.mid")
    content = (tmp_path / "a.mid").read_bytes()
    assert content.startswith(b"MThd")
    score = music21.converter.parseData(content, format="midi")
    notes = score.flatten().notes
    found = [(4 * n.offset, 4 * n.quarterLength, n.pitch.midi) for n in notes]
    # The second begins after the first one's bar and a bar of rest.
    assert found == [(0, 2, 60), (3, 1, 62), (32 + 2, 2, 61)]
    picture.save(tmp_path / "b.mid")
    assert (tmp_path / "b.mid").read_bytes() == content


def test_without_music21_the_command_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    picture = Picture.of(np.zeros((4, 4, 3), np.uint8), tunes=TUNES_OF_TOKENS)
    with pytest.raises(InputError, match=r"MIDI file needs music21.*\[music\]"):
        picture.save(tmp_path / "a.mid")
    assert not (tmp_path / "a.mid").exists()
