"""Where a run is told: every writer by one contract, and what happens where one fails."""

import importlib.util
import json
import os
import sqlite3
import struct

import numpy as np
import pytest
from PIL import Image
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

from genlab.errors import InputError
from genlab.registry import writers
from genlab.writers.log import Log, Subject, check

TRACKERS = [name for name in writers if name != "tensorboard"]


def subject(folder, *chosen, step=0):
    config = {"writers": list(chosen), "train": {"steps": 8}}
    return Subject(folder, "5eed" * 8, config, step)


def events(folder):
    """Those of all files, by tensorboardX's own checksum; the frame is TFRecord's."""
    found = []
    for file in sorted((folder / "tensorboard").iterdir(), key=os.path.getmtime):
        content = file.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            record, content = content[: 16 + length], content[16 + length :]
            data = record[12:-4]
            assert struct.unpack("<I", record[8:12]) == (masked_crc32c(record[:8]),)
            assert struct.unpack("<I", record[-4:]) == (masked_crc32c(data),)
            found.append(Event.FromString(data))
    return found


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "samples-00000008.png"
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(path)
    return path


def told(folder, name, picture):
    """A run that is cut after step 4 and goes on."""
    for begin in (0, 4):
        log = Log(subject(folder, name, step=begin))
        log.write(begin + 2, "train", {"vae/loss": 0.5 + begin})
        log.write(begin + 4, "validation", {"my_parts:kl/kl": 1.5, "odd": float("nan")})
        log.picture(begin + 4, "samples", picture)
        log.close()


def tensorboard(folder):
    found = events(folder)
    values = [(e.step, value) for e in found for value in e.summary.value]
    assert [e.session_log.status for e in found if e.HasField("session_log")] == [1, 1]
    scalars = [(s, v.simple_value) for s, v in values if v.tag == "train/vae/loss"]
    assert scalars == [(2, 0.5), (6, 4.5)]
    (first, _) = [v.image for _, v in values if v.tag == "samples/samples"]
    assert (first.height, first.width) == (4, 6)
    assert first.encoded_image_string.startswith(b"\x89PNG")
    texts = [v.tensor.string_val[0] for _, v in values if v.HasField("tensor")]
    assert b'"steps": 8' in texts[0]


def wandb(folder):
    runs = sorted((folder / "wandb").glob("offline-run-*"))
    assert runs
    assert {run.name.rpartition("-")[2] for run in runs} == {"5eed" * 8}


def mlflow(folder):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/mlflow/mlflow.db")
    group = client.get_experiment_by_name("genlab")
    (run,) = client.search_runs([group.experiment_id])
    history = client.get_metric_history(run.info.run_id, "train/vae/loss")
    assert [(point.step, point.value) for point in history] == [(2, 0.5), (6, 4.5)]
    assert run.data.params["train.steps"] == "8"
    assert run.info.status == "FINISHED"


def trackio(folder):
    (file,) = (folder / "trackio").glob("genlab.db")
    with sqlite3.connect(file) as connection:
        rows = connection.execute("SELECT run_name, step, metrics FROM metrics")
        found = [(name, step, json.loads(text)) for name, step, text in rows]
    assert len({name for name, *_ in found}) == 1
    losses = {
        step: m["train/vae/loss"] for _, step, m in found if "train/vae/loss" in m
    }
    assert losses == {2: 0.5, 6: 4.5}


READ = {f.__name__: f for f in (tensorboard, wandb, mlflow, trackio)}


@pytest.mark.parametrize(
    "name",
    ["tensorboard", *(pytest.param(n, marks=pytest.mark.full) for n in TRACKERS)],
)
@pytest.mark.filterwarnings("default")  # of the trackers' own
def test_writer_is_told_all_offline_and_goes_on(
    name, tmp_path, picture, monkeypatch, caplog, capfd
):
    try:
        check([name])
    except InputError as error:
        pytest.skip(str(error))
    for variable in ("WANDB_MODE", "WANDB_API_KEY", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    told(tmp_path, name, picture)
    assert not [r for r in caplog.records if r.name == "genlab"], caplog.text
    assert capfd.readouterr().out == "", "standard output is for results"
    READ[name](tmp_path)


def test_every_writer_is_read_back_by_this_file():
    assert READ.keys() == {*writers}


class broken:
    """Fails from its second line on."""

    def __init__(self, run):
        self.left = 1

    def write(self, step, split, values):
        self.left -= 1
        if self.left < 0:
            raise ConnectionError("nobody\nlistens")

    def close(self):
        raise AssertionError("it is left out")


def test_writer_that_fails_costs_one_warning_and_no_line(
    tmp_path, caplog, registries, monkeypatch, picture
):
    writers.register(broken)
    log = Log(subject(tmp_path, "broken", "tensorboard"))
    for step in (1, 2, 3):
        log.write(step, "train", {"loss": 1.0})
    log.picture(3, "samples", picture)  # broken takes none
    log.close()
    (record,) = caplog.records
    assert record.getMessage() == (
        "writer 'broken' fails and is left out from here on: ConnectionError: nobody"
    )
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 3
    assert sum(len(e.summary.value) for e in events(tmp_path)) == 5


def test_what_cannot_write_is_refused_in_one_line(registries, monkeypatch):
    find_spec = importlib.util.find_spec
    without = lambda name: None if name == "wandb" else find_spec(name)
    monkeypatch.setattr(importlib.util, "find_spec", without)
    line = r"writer 'wandb' needs wandb, .* not installed; pip install -e '.\[wandb\]'"
    with pytest.raises(InputError, match=line):
        check([{"name": "wandb", "project": "mine"}])
    # A folder that a tracker left where Python looks for packages.
    monkeypatch.setattr(broken, "PACKAGES", ("tests",), raising=False)
    writers.register(broken)
    spec = importlib.machinery.ModuleSpec("tests", None, is_package=True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(InputError, match="needs tests, which is not installed"):
        check(["broken"])
    writers.register(lambda run: None, name="nothing")
    with pytest.raises(InputError, match="'nothing' is no class with write"):
        check(["nothing"])
