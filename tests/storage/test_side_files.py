"""Damaged files beside the checkpoints: a report, a run's end and an eval pass over them."""

import json
import logging
import os
import struct
import zlib

import numpy as np
import pytest
import recipes
from pages import Elements

from genlab.commands.cli import main
from genlab.errors import InputError
from genlab.plots.grid import save_png
from genlab.reporting.report import write_report
from genlab.run.folder import read_results

CONFIG = {"config": {"train": {"steps": 8}, "experiment": {"name": "vae"}}}
DEEP = "[" * 100_000
NOT_RESULTS = (
    *("", "{", "null", "[1]", '"text"', "NaN", DEEP, "\x00", "{}", '{"step": 8}'),
    *('{"step": [8], "metrics": {}}', '{"step": 8, "metrics": [1]}'),
    '{"step": "\x1b[31m", "metrics": {"a": 1, "b": {"values": 3, "protocol": "x"}}}',
    '{"step": 8, "metrics": {"a": {"values": {"x": [1e400, "\\ud800"]}}}}',
)
NOT_LINES = (
    *("", "{", "[]", "3", DEEP, '{"step": NaN, "split": "train", "values": {}}'),
    '{"step": Infinity, "split": "train", "values": {"loss": 1}}',
    '{"step": 1, "split": ["train"], "values": {"loss": 1}}',
    '{"step": 1, "split": {}, "values": {"loss": 1}}',
    '{"step": 1, "split": "train", "values": [1]}',
    '{"step": 1, "split": "train", "values": {"loss": "low"}}',
    '{"step": 1, "split": "train", "values": {"loss": {}}}',
    '{"step": 1, "split": "train", "values": {"loss": 1' + 400 * "0" + "}}",
)
ODD_LINES = (
    '{"step": 2, "split": "train", "values": {"loss": NaN, "kl": -1e308}}',
    '{"step": 3, "split": "\\ud800\\u001b[2J", "values": {"\\u0000": 1e308}}',
    '{"step": 4, "split": "train", "values": {"loss": null, "": true}}',
    '{"step": -5, "split": "train", "values": {"loss": 0.5}}',
)
NOT_RECORDS = (
    {"overrides": [1], "versions": 3, "devices": {"a": 1}, "parameters": [2]},
    {"parameters": {"a": 3, "b": {}, "c": {"count": "1", "shape": [], "dtype": ""}}},
    {"parameters": {"a": {"count": 1, "shape": 3, "dtype": None}}, "devices": [[1]]},
    {"config": {"stages": [1], "experiment": 3, "data": [], "train": "x"}},
    {"config": {"stages": {"a": 1}, "train": {"steps": None}, "seed": {}}},
    {"config": {"stages": [{"name": "a", "train": 3}], "train": {"steps": 1.5}}},
    {"config": {}, "command": {"a": 1}, "git": ["\ud800"]},
    {"config": {"train": {"steps": 10**400}}},
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "samples").mkdir()
    return tmp_path


def chunk(kind, data):
    return (
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
    )


def warned(caplog, name):
    """Whether one warning names the file."""
    return [
        r
        for r in caplog.records
        if r.levelno == logging.WARNING and name in r.msg % r.args
    ]


def test_damaged_pictures_are_left_out_of_the_page(folder, caplog):
    samples = folder / "samples"
    save_png(samples / "samples-00000008.png", np.zeros((8, 8, 3), np.uint8))
    whole = (samples / "samples-00000008.png").read_bytes()
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")
    damaged = {
        "cut": whole[: len(whole) // 2],
        "empty": b"",
        "text": b"no picture",
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "bomb": bomb,
    }
    for name, content in damaged.items():
        (samples / f"{name}-00000008.png").write_bytes(content)
    (samples / "folder-00000008.png").mkdir()
    os.mkfifo(samples / "pipe-00000008.png")
    (samples / "gone-00000008.png").symlink_to(folder / "nowhere")
    odd = os.fsencode(samples) + b"/odd\x1b[31m\xff<b>-00000007.png"
    with open(odd, "wb") as file:
        file.write(whole)
    page = write_report(folder).read_text(encoding="utf-8")
    pictures = Elements(page).all("img")
    assert len(pictures) == 2
    assert not any(ord(sign) < 32 and sign != "\n" for sign in page)
    for name in (*damaged, "folder", "pipe"):
        assert len(warned(caplog, f"{name}-00000008.png")) == 1, name


def test_no_results_and_no_line_ends_a_report(folder, caplog):
    for text in NOT_RESULTS:
        (folder / "results.json").write_text(text, encoding="utf-8")
        write_report(folder)
        assert read_results(folder, 8) is None or '"values"' in text
    (folder / "results.json").unlink()
    (folder / "results.json").mkdir()
    lines = "\n".join((*NOT_LINES, *ODD_LINES)).encode() + b"\n\xff\xfe\n"
    (folder / "metrics.jsonl").write_bytes(lines)
    page = write_report(folder).read_text(encoding="utf-8")
    assert "left out because they are not whole" in page
    assert warned(caplog, "results.json") and warned(caplog, "metrics.jsonl")
    (folder / "metrics.jsonl").unlink()
    os.mkfifo(folder / "metrics.jsonl")
    write_report(folder)


def test_no_value_of_a_config_ends_a_report(folder):
    for record in NOT_RECORDS:
        (folder / "config.json").write_text(json.dumps({**CONFIG, **record}))
        write_report(folder)
    for text in ("", "{", "[]", "{}", '{"config": 3}', DEEP):
        (folder / "config.json").write_text(text)
        with pytest.raises(InputError, match="config.json"):
            write_report(folder)
    for depth in (500, 900, 950, 980):
        deep = '{"config": ' + depth * '{"a": ' + "1" + depth * "}" + "}"
        (folder / "config.json").write_text(deep)
        try:
            write_report(folder)
        except InputError as error:
            assert "config.json" in str(error)


@pytest.mark.full
def test_damaged_results_are_measured_again(tmp_path, capsys, caplog):
    workdir = tmp_path / "run"
    vae = f"--config={recipes.CONFIGS}/vae.py:tiny"
    train = ["launch.py", vae, f"--workdir={workdir}", "--config.devices=1"]
    assert main(train) == 0
    path = workdir / "results.json"
    undated = lambda: {**json.loads(path.read_text()), "measured": ""}
    whole = undated()
    for text in ("{", '{"step": 8, "metrics": []}'):
        for command in (train, ["launch.py", "eval", f"--workdir={workdir}"]):
            path.write_text(text)
            assert main(command) == 0
            assert undated() == whole
    path.write_text('{"step"')
    chosen = [f"--workdir={workdir}", "--metrics=held_out"]
    assert main(["launch.py", "eval", *chosen]) == 0
    assert undated() == whole
    assert warned(caplog, "results.json")
