"""Images from strangers: a list of formats, and nothing opened that is no file."""

import io
import os
import socket
import threading

import numpy as np
import pytest
from data_cases import build

from genlab.errors import InputError

Image = pytest.importorskip("PIL.Image")


def saved(kind):
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), 90, np.uint8)).save(file, kind)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.png").write_bytes(saved("png"))
    return tmp_path


def test_formats_are_a_list(folder):
    for kind in ("png", "jpeg", "webp", "bmp", "gif", "tiff", "ppm"):
        (folder / "b.png").write_bytes(saved(kind))
        build(f"folder:{folder}", channels=3, validation_fraction=0, test_fraction=0)
    for kind in ("eps", "pcx", "tga", "sgi", "ico"):
        (folder / "b.png").write_bytes(saved(kind))
        with pytest.raises(InputError, match=r"b.png cannot be read.*one of PNG, JPEG"):
            build(f"folder:{folder}", channels=3)


def test_an_eps_file_starts_no_program(folder, monkeypatch):
    """Pillow hands EPS to Ghostscript, `gs` on the path."""
    started = folder / "started"
    (folder / "gs").write_text(f"#!/bin/sh\ntouch '{started}'\n")
    (folder / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    (folder / "b.png").write_bytes(saved("eps"))
    with pytest.raises(InputError, match=r"b.png cannot be read"):
        build(f"folder:{folder}")
    assert not started.exists()


@pytest.mark.parametrize("kind", ["a pipe", "a socket", "a device", "a folder"])
def test_what_is_no_file_is_not_opened(kind, folder, monkeypatch):
    place = folder / "b.png"
    if kind == "a pipe":
        os.mkfifo(place)
    elif kind == "a device":
        place.symlink_to("/dev/zero")
    elif kind == "a folder":
        place.mkdir()
    else:
        monkeypatch.chdir(folder)
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("b.png")
    refusals = []

    def read():
        for name in (f"folder:{folder}", f"npz:{place}"):
            with pytest.raises(InputError, match=f"b.png is {kind}") as caught:
                build(name)
            refusals.append(str(caught.value))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(20)  # a pipe without a writer would be waited for without end
    assert len(refusals) == 2
    skipped = build(f"folder:{folder}", skip_unreadable=True)
    assert skipped.left_out == {"unreadable": 1} and skipped.splits["train"].size == 1
