"""Pictures as files: pixels that are kept, and vectors where a picture is a drawing."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from genlab.errors import InputError
from genlab.plots import figure
from genlab.plots.picture import Picture


@pytest.fixture(scope="module")
def drawing():
    axes = figure.new_axes(size=2.0)
    axes.plot([0, 1], [0, 1])
    axes.set_xlabel("rounds")
    return figure.render(axes.figure)


def test_a_drawing_is_saved_as_lines_and_letters(drawing, tmp_path):
    assert drawing.shape == (200, 200, 3) and drawing.dtype == np.uint8
    files = {}
    for kind in ("svg", "pdf", "svg", "pdf"):
        drawing.save(tmp_path / f"drawing.{kind}")
        file = (tmp_path / f"drawing.{kind}").read_bytes()
        assert files.setdefault(kind, file) == file  # the same bytes again
    assert b"<image" not in files["svg"] and b"<path" in files["svg"]
    assert files["pdf"].startswith(b"%PDF") and b"/Subtype /Image" not in files["pdf"]
    assert b"/CIDFontType2" in files["pdf"] and b"/Type3" not in files["pdf"]


def test_a_picture_of_pixels_keeps_them_in_any_format(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (320, 240, 3)).astype(np.uint8)
    picture = Picture.of(pixels)
    for kind in ("png", "svg", "pdf"):
        picture.save(tmp_path / f"new/picture.{kind}")
    found = re.search(
        r'base64,([^"]+)"', (tmp_path / "new/picture.svg").read_text(), re.DOTALL
    )
    inside = Image.open(io.BytesIO(base64.b64decode(found[1])))
    np.testing.assert_array_equal(np.asarray(inside.convert("RGB")), pixels)
    assert b"/Subtype /Image" in (tmp_path / "new/picture.pdf").read_bytes()


def test_what_is_computed_from_a_drawing_is_no_drawing(drawing):
    assert Picture.of(drawing) is drawing and drawing.figure is not None
    assert drawing[:100].figure is None and (255 - drawing).figure is None


def test_an_unknown_format_is_refused(drawing, tmp_path):
    with pytest.raises(InputError, match=r"picture\.tiff.* \.png, \.pdf, \.svg"):
        drawing.save(tmp_path / "picture.tiff")
