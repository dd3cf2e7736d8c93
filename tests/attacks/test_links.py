"""Claim: in a run folder from a stranger nothing is written through a link, and no pipe is waited for."""

import json
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import recipes

from genlab.commands.cli import main
from genlab.errors import InputError
from genlab.plots.grid import save_png
from genlab.run.folder import load_config, locked
from genlab.storage.checkpoint import Checkpoints
from genlab.storage.files import write_atomic
from genlab.storage.lock import held
from genlab.storage.writer import Writer
from genlab.sweep import process, storage

RUN = f"--config={recipes.CONFIGS}/vae.py:tiny"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("stranger") / "vae"
    assert main(["launch.py", RUN, f"--workdir={workdir}", "--config.devices=1"]) == 0
    return workdir


@pytest.fixture
def run(finished, tmp_path):
    """A copy to plant links in, and what they lead to."""
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("precious")
    return tmp_path / "run"


def untouched(run) -> None:
    mine = run.parent / "mine"
    assert os.listdir(mine) == ["precious"]
    assert (mine / "precious").read_text() == "precious"


def plant(path, target) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def test_name_of_a_draft_is_known_to_nobody(tmp_path):
    target = tmp_path / "mine"
    for name in (".report.html.unfinished", "report.html.tmp", ".report.html"):
        (tmp_path / name).symlink_to(target)
    names = set()
    for _ in range(2):
        seen = _names_while_writing(tmp_path)
        assert not seen & names
        names |= seen
    assert not target.exists()


def _names_while_writing(folder) -> set[str]:
    before, seen = set(os.listdir(folder)), set()

    fsync, os.fsync = os.fsync, lambda _: seen.update(os.listdir(folder))
    try:
        write_atomic(folder / "report.html", b"page")
    finally:
        os.fsync = fsync
    return seen - before


def test_results_and_report_replace_links(run, capsys):
    for name in ("report.html", "results.json", ".report.html.unfinished"):
        plant(run / name, run.parent / "mine" / "new")
    same = ["launch.py", RUN, f"--workdir={run}", "--config.devices=1"]
    assert main(same) == 0
    assert (run / "report.html").is_file()
    untouched(run)


def test_outputs_replace_links(run, capsys):
    precious = run.parent / "mine" / "precious"
    for name in ("out.png", "out.npz", "out.safetensors"):
        plant(run / name, precious)
        command = "export" if name.endswith("safetensors") else "sample"
        assert (
            main(["launch.py", command, f"--workdir={run}", f"--out={run / name}"]) == 0
        )
        assert not (run / name).is_symlink()
    untouched(run)


def test_command_that_writes_refuses_a_planted_folder(run, capsys):
    plant(run / "samples", run.parent / "mine")
    assert main(["launch.py", "eval", f"--workdir={run}"]) == 2
    assert "samples' is a link" in capsys.readouterr().err.splitlines()[-1]
    untouched(run)


@pytest.mark.parametrize(
    "name", ["checkpoints", "samples", "tensorboard", "checkpoints/best", ".lock"]
)
def test_place_of_a_run_is_no_link(run, name):
    for target in (run.parent / "mine", run.parent / "mine" / "precious", run / "gone"):
        plant(run / name, target)
        with pytest.raises(InputError, match="is a link"), locked(run):
            Checkpoints(run / "checkpoints").clean()
    untouched(run)


@pytest.mark.parametrize("kind", ["link", "dangling", "pipe", "folder"])
def test_log_that_is_none_is_refused_and_not_waited_for(run, kind):
    path, mine = run / "metrics.jsonl", run.parent / "mine"
    path.unlink()
    match kind:
        case "link":
            path.symlink_to(mine / "precious")
        case "dangling":
            path.symlink_to(mine / "new")
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
    with pytest.raises(
        InputError, match=r"metrics\.jsonl' is (a link|no regular file)"
    ):
        Writer(run, step=4)
    untouched(run)


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_lock_that_is_none_is_refused_and_not_waited_for(run, kind):
    lock = run / ".lock"
    lock.unlink()
    match kind:
        case "link":
            lock.symlink_to(run.parent / "mine" / "new")
        case "pipe":
            os.mkfifo(lock)
        case "folder":
            lock.mkdir()
    with pytest.raises(InputError), locked(run):
        pass
    with pytest.raises(InputError), held(lock):
        pass
    untouched(run)


@pytest.mark.parametrize("kind", ["pipe", "folder", "list", "number"])
def test_config_that_is_none_is_one_line(run, kind, capsys):
    path = run / "config.json"
    path.unlink()
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "list":
            path.write_text(json.dumps([1]))
        case "number":
            path.write_text("1")
    with pytest.raises(InputError, match=r"config\.json"):
        load_config(run)


def test_links_among_checkpoints_are_neither_followed_nor_cleared(run):
    folder, mine = run / "checkpoints", run.parent / "mine"
    (mine / "unfinished-00000001").mkdir()
    (folder / "unfinished-00000099").symlink_to(mine)
    (folder / "00000099").symlink_to(mine)
    checkpoints = Checkpoints(folder, keep=1)
    checkpoints.clean()
    assert not (folder / "unfinished-00000099").is_symlink()
    checkpoints.save({"step": np.int32(99)}, 99)
    assert not (folder / "00000099").is_symlink()
    plant(folder / "best", mine)
    for write in (
        checkpoints.clean,
        lambda: checkpoints.save_best({"step": np.int32(1)}, 1, "loss", 1.0),
    ):
        with pytest.raises(InputError, match="is a link"):
            write()
    assert sorted(os.listdir(mine)) == ["precious", "unfinished-00000001"]


def test_pictures_replace_links(run):
    picture = np.zeros((2, 2, 3), np.uint8)
    plant(run / "samples" / "grid.png", run.parent / "mine" / "precious")
    save_png(run / "samples" / "grid.png", picture)
    untouched(run)


def test_trial_of_a_sweep_is_no_link(run):
    mine = run.parent / "mine"
    plant(run / "trial", mine)
    trial = SimpleNamespace(folder=lambda sweep: sweep / "trial")
    with pytest.raises(InputError, match="trial' is a link"):
        process.run(trial, "", {}, run, watch=lambda: True)
    plant(run / "study.journal", mine / "new")
    with pytest.raises(InputError, match="journal' is a link"):
        storage._journal(run)
    untouched(run)
