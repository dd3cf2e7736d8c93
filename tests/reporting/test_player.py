"""Melodies of a run on its page: heard by the keyboard too, and nothing but melodies."""

import json

import numpy as np
import pytest
from pages import (
    HOSTILE,
    WIDTHS,
    Elements,
    needs_axe,
    needs_browser,
    told_by,
    violations,
)
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from genlab.data.melody import TUNES, Note, Tune
from genlab.plots.picture import Picture
from genlab.reporting.pictures import shot
from genlab.reporting.report import write_report

PIXELS = np.zeros((8, 8, 3), np.uint8)
TUNE = Tune("first", 32, [Note(0, 4, 69), Note(8, 2, 81)])
OTHER = Tune(HOSTILE, 16, [Note(0, 16, 60)])


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Of a run with two rounds of melodies, and another plot that has none."""
    folder = tmp_path_factory.mktemp("melodies")
    (folder / "config.json").write_text(json.dumps({"config": {"seed": 1}}))
    name = "samples/samples-{:08d}.png".format
    Picture.of(PIXELS, tunes=(TUNE,)).save(folder / name(1))
    Picture.of(PIXELS, tunes=(TUNE, OTHER)).save(folder / name(2))
    Picture.of(PIXELS).save(folder / "samples/other-00000002.png")
    return write_report(folder).read_text(encoding="utf-8")


def test_a_page_holds_the_notes_of_its_pictures(page):
    frames = [item for item in Elements(page).all("li") if "data-step" in item]
    held = [json.loads(item.get("data-tunes", "[]")) for item in frames]
    one = ["first", 32, [[0, 4, 69], [8, 2, 81]]]
    assert held == [[one, [HOSTILE, 16, [[0, 16, 60]]]], [one], []]


@pytest.mark.parametrize(
    "text",
    [
        *("", "[", "{}", "5", "[[1,2,[]]]", '[["a",0,[]]]', '[["a",16,[[0,4]]]]'),
        *(
            '[["a",16,[[14,4,60]]]]',
            '[["a",16,[[0,4,200]]]]',
            '[["a",16,[[0,1.5,60]]]]',
        ),
        json.dumps([["a" * 201, 16, []]]),
    ],
)
def test_what_is_no_melody_is_not_played(text, tmp_path):
    held = PngInfo()
    held.add_text(TUNES, text)
    Image.fromarray(PIXELS).save(tmp_path / "a.png", pnginfo=held)
    assert shot(1, tmp_path / "a.png").tunes == ""


# Listens by clicks, which is what Enter and Space on a button are, to a recorder of tones.
PROBE = """
<script>
const told = { errors: window.failures, ready: document.documentElement.dataset.ready };
const tones = [];
let closed = 0;
window.AudioContext = class {
  currentTime = 2;
  destination = {};
  close() { closed += 1; }
  createGain() {
    const nothing = () => {};
    return { gain: { setValueAtTime: nothing, linearRampToValueAtTime: nothing }, connect: (to) => to };
  }
  createOscillator() {
    const tone = { frequency: {}, connect: (to) => to };
    tone.start = (begin) => tones.push([tone.frequency.value, begin - 2.05]);
    tone.stop = (end) => tones.at(-1).push(end - 2.05);
    return tone;
  }
};
const [card, other] = document.querySelectorAll(".film");
const [choice, button] = card.querySelector(".tune").children;
told.none = other.querySelector(".tune") === null;
told.names = [...choice.options].map((option) => option.textContent);
button.click();
told.playing = [button.textContent, button.ariaPressed];
button.click();
told.stopped = [button.textContent, button.ariaPressed, closed];
told.tones = tones.splice(0);
choice.selectedIndex = 1;
button.click();
told.second = tones.splice(0);
card.querySelector(".strip button").click();
told.earlier = [choice.options.length, button.textContent, closed];
told.focus = [choice, button].map((control) => control.tabIndex);
told.width = innerWidth;
told.overflow = document.documentElement.scrollWidth - innerWidth;
parent.postMessage(told, "*");
</script>
"""


@needs_browser
def test_melodies_are_heard_at_any_width(page, tmp_path):
    for note in told_by(page, PROBE, tmp_path):
        assert note["none"] and note["names"] == ["first", HOSTILE]
        assert note["playing"] == ["Stop", "true"]
        assert note["stopped"] == ["Listen", "false", 1]
        # A at 440 Hz for a quarter at once, and an octave higher for an eighth after two quarters.
        np.testing.assert_allclose(note["tones"], [[440, 0, 0.5], [880, 1, 1.25]])
        ((frequency, *times),) = note["second"]
        assert abs(frequency - 261.63) < 0.01
        np.testing.assert_allclose(times, [0, 2], atol=1e-9)
        assert note["earlier"] == [1, "Listen", 2]
        assert note["focus"] == [0, 0]


@pytest.mark.full
@needs_axe
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_wrong(page, tmp_path, dark):
    assert violations(page, tmp_path, dark=dark) == [[]] * len(WIDTHS)
