"""Folk melodies: notes to tokens by hand, the corpus by a song read by eye, the cache, the picture."""

import importlib.util

import jax
import numpy as np
import pytest

from genlab.data import folksongs, melody
from genlab.data.augment import augmentations
from genlab.data.facts import facts_of, without_examples
from genlab.data.melody import HOLD, PITCH, REST, SILENCE, SUSTAIN, Bars, Note
from genlab.errors import InputError
from genlab.plots.melodies import BAR, ONSET, PAPER, SOUND, piano_rolls
from genlab.registry import datasets

SONG = """X:1
T:By hand
M:4/4
L:1/4
K:D
A | "D"d2 e f | z a2 {b}a- | a4 |]
"""


def test_bars_by_hand():
    bars = melody.to_bars(
        [Note(0, 4, 62), Note(4, 8, 64), Note(12, 10, 65), Note(22, 14, SILENCE)],
        [0, 4, 20],
    )
    (first, before, follows), (second, sounding, next_follows) = bars
    assert not follows and next_follows
    expected = np.full(16, SUSTAIN)
    expected[[0, 8]] = 64, 65
    np.testing.assert_array_equal(first, expected)
    assert before == SILENCE
    # 65 is held into the bar for two sixteenths, then a rest begins.
    expected = np.full(16, SUSTAIN)
    expected[2] = SILENCE
    np.testing.assert_array_equal(second, expected)
    assert sounding == 65


def test_a_bar_that_is_not_whole_ends_a_run():
    notes = [Note(4 * i, 4, 60 + i) for i in range(10)]
    bars = melody.to_bars(notes, [0, 16, 24])
    assert [(steps[0], follows) for steps, _, follows in bars] == [
        (60, False),
        (66, False),
    ]


def test_a_tied_note_does_not_begin_again():
    tied = [Note(0, 16, 60), Note(16, 4, 60, tied=True), Note(20, 12, 62)]
    _, (steps, sounding, _) = melody.to_bars(tied, [0, 16])
    assert steps[0] == SUSTAIN and sounding == 60 and steps[4] == 62


def test_triplets_go_to_the_nearest_sixteenth():
    third = 4 / 3
    notes = [Note(0, third, 60), Note(third, third, 62), Note(2 * third, third, 64)]
    ((steps, _, _),) = melody.to_bars([*notes, Note(4, 12, 65)], [0])
    assert [int(pitch) for pitch in steps[:5]] == [60, 62, SUSTAIN, 64, 65]


def test_a_note_that_rounds_past_the_next_one_does_not_silence_it():
    # 2.5 goes to 2, the even one, and a hair more to 3.
    ((steps, _, _),) = melody.to_bars(
        [Note(0, 2.5 + 1e-9, 60), Note(2.5, 13.5, 62)], [0]
    )
    assert [int(pitch) for pitch in steps[:4]] == [60, SUSTAIN, 62, SUSTAIN]


def made_bars():
    """Four bars of one song in two runs, and a lone bar of another."""
    steps = np.full((5, 16), SUSTAIN, np.int16)
    steps[0, 0], steps[1, 4], steps[2, 0], steps[3, 0], steps[4, 0] = 60, 0, 62, 80, 64
    return Bars(
        steps,
        np.array([0, 60, 0, 0, 0], np.int16),
        np.array([0, 0, 0, 0, 1], np.int32),
        np.array([1, 1, 1, 2, 3], np.int32),
    )


def test_windows_by_hand():
    tokens, song = melody.windows(made_bars(), low=55, high=84)
    # Bars 0-1 and 1-2; 2-3 is over a gap, and the last two are of two songs.
    assert tokens.shape == (2, 32) and list(song) == [0, 0]
    first = np.full(32, HOLD)
    first[0], first[20] = PITCH + 5, REST
    np.testing.assert_array_equal(tokens[0], first)
    # The second window does not see 60 begin, so it begins there.
    second = np.full(32, HOLD)
    second[0], second[4], second[16] = PITCH + 5, REST, PITCH + 7
    np.testing.assert_array_equal(tokens[1], second)
    assert len(melody.windows(made_bars(), low=61, high=84)[0]) == 0
    assert len(melody.windows(made_bars(), low=55, high=61)[0]) == 1


def test_windows_of_three_bars_are_whole_and_follow_each_other():
    tokens, song = melody.windows(made_bars(), low=55, high=84, count=3)
    assert tokens.shape == (1, 48) and list(song) == [0]
    expected = np.full(48, HOLD)
    expected[[0, 20, 32]] = PITCH + 5, REST, PITCH + 7
    np.testing.assert_array_equal(tokens[0], expected)
    for count in (4, 5, 6, 900):
        assert len(melody.windows(made_bars(), low=55, high=84, count=count)[0]) == 0


def test_notes_of_tokens_by_hand():
    tokens = [HOLD, PITCH, HOLD, PITCH, REST, HOLD, PITCH + 2, HOLD, HOLD]
    assert melody.notes_of(tokens, 60) == [
        Note(1, 2, 60),
        Note(3, 1, 60),
        Note(6, 3, 62),
    ]


def test_transposition_moves_all_notes_alike_and_none_out_of_range():
    """Pitches 1 and 3 of six may move by -1, 0, 1 or 2; rests and holds stay."""
    move = augmentations.build("transposition", semitones=5)
    tokens = np.array([PITCH + 1, HOLD, REST, PITCH + 3])
    x = np.eye(PITCH + 6, dtype=np.float32)[tokens]
    keys = jax.random.split(jax.random.key(0), 400)
    moved = np.asarray(jax.vmap(move, (None, 0))(x, keys))
    assert set(np.unique(moved)) == {0, 1} and (moved.sum(-1) == 1).all()
    moved = moved.argmax(-1)
    np.testing.assert_array_equal(moved[:, 1:3], [[HOLD, REST]] * 400)
    by, counts = np.unique(moved[:, 0] - tokens[0], return_counts=True)
    np.testing.assert_array_equal(moved[:, 3] - moved[:, 0], 2)
    assert list(by) == [-1, 0, 1, 2] and counts.min() > 60
    near = augmentations.build("transposition", semitones=1)
    found = np.asarray(jax.vmap(near, (None, 0))(x, keys)).argmax(-1)[:, 0]
    assert set(found - tokens[0]) == {-1, 0, 1}
    silent = np.eye(PITCH + 6, dtype=np.float32)[[REST, HOLD]]
    np.testing.assert_array_equal(move(silent, keys[0]), silent)
    with pytest.raises(InputError, match=r"melodies \[T, V\]"):
        move(np.zeros((4, 4, 1), np.float32), keys[0])


def test_scales_step_by_a_semitone_and_turn_at_the_ends():
    data = datasets.build("scales", size=400, bars=2, low=60, high=64)()
    assert data.example_shape == (32, PITCH + 5) and data.lowest_pitch == 60
    assert [data.splits[split].size for split in data.splits] == [320, 40, 40]
    tokens = data.splits["train"].arrays["x"].argmax(-1)
    assert (tokens[:, 0] >= PITCH).all() and not (tokens == REST).any()
    for row in tokens[:50]:
        notes = melody.notes_of(row, 60)
        pitches = [note.pitch for note in notes]
        assert np.abs(np.diff(pitches)).max() <= 1
        assert {note.length for note in notes} <= {2, 4, 8}
    assert {int(t) for t in np.unique(tokens)} == {HOLD, *range(PITCH, PITCH + 5)}
    with pytest.raises(InputError, match="low=70 and high=60"):
        datasets.build("scales", low=70, high=60)()


def test_a_run_opened_without_its_data_knows_its_lowest_pitch():
    data = datasets.build("scales", size=40, low=48, high=60)()
    facts = facts_of(data, None, None)
    assert without_examples(facts).lowest_pitch == 48
    del facts["lowest_pitch"]  # what earlier versions wrote
    assert without_examples(facts).lowest_pitch == 0


def test_one_hot_bytes():
    x = melody.one_hot(np.array([[2, 0]]), 3)
    np.testing.assert_array_equal(x, [[[0, 0, 255], [255, 0, 0]]])
    assert x.dtype == np.uint8


def test_songs_in_other_meters_are_left_out(tmp_path):
    file = tmp_path / "songs.abc"
    other = SONG.replace("4/4", "3/4")
    changing = SONG.replace("| z", "| [M:3/4] z")
    file.write_text("a heading\n" + SONG + other + changing + SONG.replace("4/4", "C|"))
    assert [song[:3] for song in melody.split_songs(file)] == ["X:1", "X:1"]


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A package called music21 with a corpus of its own, and songs that parse to known bars."""
    package = tmp_path / "music21"
    for name in ("essenFolksong", "miscFolk"):
        (package / "corpus" / name).mkdir(parents=True)
    text = "".join(SONG.replace("X:1", f"X:{i}") for i in range(24))
    (package / "corpus" / "essenFolksong" / "songs.abc").write_text(text)
    (package / "corpus" / "miscFolk" / "songs.abc").write_text(SONG)
    (package / "__init__.py").touch()
    monkeypatch.setattr(folksongs, "_corpus", lambda: package / "corpus")
    monkeypatch.setattr(folksongs.importlib.metadata, "version", lambda name: "0")
    parsed = []

    def parse(songs):
        parsed.append(songs)
        pitch = np.repeat(60 + np.arange(len(songs)), 3).astype(np.int16)
        steps = np.full((len(pitch), 16), SUSTAIN, np.int16)
        steps[:, 0] = pitch
        song = np.repeat(np.arange(len(songs)), 3).astype(np.int32)
        return Bars(steps, pitch, song, song)

    monkeypatch.setattr(melody, "parse", parse)
    return parsed, package / "corpus" / "essenFolksong" / "songs.abc"


def choose(tmp_path, **knobs):
    return datasets.build("folksongs", cache_dir=str(tmp_path / "cache"), **knobs)()


def test_splits_are_by_song(corpus, tmp_path):
    data = choose(tmp_path)
    assert data.example_shape == (32, 32)
    seen = {
        name: set(split.arrays["x"][:, 0].argmax(-1))
        for name, split in data.splits.items()
    }
    assert {name: len(songs) for name, songs in seen.items()} == {
        "train": 20,
        "validation": 2,
        "test": 2,
    }
    assert len(set.union(*seen.values())) == 24
    assert data.lowest_pitch == 55
    assert [split.size for split in data.splits.values()] == [
        2 * len(seen[name]) for name in data.splits
    ]


def test_parsed_once_and_again_when_what_it_was_made_from_differs(corpus, tmp_path):
    first, again = choose(tmp_path), choose(tmp_path, low=54)
    parsed, file = corpus
    assert len(parsed) == 1 and again.example_shape == (32, 33)
    np.testing.assert_array_equal(
        first.splits["test"].arrays["x"][..., 2:],
        again.splits["test"].arrays["x"][..., 3:],
    )
    choose(tmp_path, max_songs=8)
    assert [len(songs) for songs in parsed] == [24, 8]
    choose(tmp_path, collections=("essenFolksong", "miscFolk"))
    assert len(parsed) == 3
    file.write_text(file.read_text().replace("K:D", "K:G"))
    choose(tmp_path)
    assert len(parsed) == 4


def test_a_damaged_cache_is_made_again(corpus, tmp_path):
    choose(tmp_path)
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(file.read_bytes()[:-50])
    choose(tmp_path)
    choose(tmp_path)
    assert len(corpus[0]) == 2


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        (dict(collections=("essen",)), "unknown collection 'essen'"),
        (dict(collections=()), "needs one name or more"),
        (dict(max_songs=-1), "max_songs=-1"),
        (dict(low=90, high=84), "low=90 and high=84"),
        (dict(low=100, high=127), "none of these songs has 2 bars in a row within"),
        (dict(bars=4), "none of these songs has 4 bars in a row"),
        (dict(bars=0), "bars=0"),
    ],
)
def test_mistakes_are_refused(corpus, tmp_path, knobs, message):
    with pytest.raises(InputError, match=message):
        choose(tmp_path, **knobs)


def test_without_music21_the_command_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install -e '.+\[music\]'"):
        choose(tmp_path)


@pytest.mark.filterwarnings("ignore")  # music21's own
def test_a_song_by_hand():
    pytest.importorskip("music21")
    bars = melody.parse([SONG])
    # D major to C: a whole tone down. Bars: d2 e f, then z a2 a (the grace note left out), tied on.
    assert len(bars.steps) == 3 and list(bars.run) == [1, 1, 1]
    held = [int(pitch) for pitch in bars.steps.ravel()]
    begins = {i: pitch for i, pitch in enumerate(held) if pitch != SUSTAIN}
    c, d, e, g = 72, 74, 76, 79
    assert begins == {0: c, 8: d, 12: e, 16: SILENCE, 20: g, 28: g}
    assert list(bars.sounding[1:]) == [SILENCE, g]


def test_piano_roll_by_hand():
    # Pitches 0 and 2 of three: begun, held, begun, silent.
    picture = piano_rolls(np.array([[PITCH, HOLD, PITCH + 2, REST]]), PITCH + 3, side=1)
    assert picture.shape == (1, 3, 4, 3)
    expected = np.array(
        [
            [BAR, PAPER, ONSET, PAPER],
            [BAR, PAPER, PAPER, PAPER],
            [ONSET, SOUND, PAPER, PAPER],
        ]
    )
    np.testing.assert_array_equal(picture[0], expected)
