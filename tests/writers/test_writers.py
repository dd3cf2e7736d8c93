"""Where a run is told: every writer by one contract, and what happens where one fails."""

import contextlib
import errno
import importlib.util
import io
import json
import math
import os
import re
import sqlite3
import struct
import textwrap
import time

import numpy as np
import pytest
from PIL import Image
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

from genlab import shipped
from genlab.errors import InputError
from genlab.registry import writers
from genlab.storage import files
from genlab.writers.log import Log, Subject, check

TRACKERS = [name for name in writers if name != "tensorboard"]


def subject(folder, *chosen, step=0, run="5eed" * 8):
    config = {"writers": list(chosen), "train": {"steps": 8}}
    return Subject(folder, run, config, step)


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


NUMBERS = [
    *(("train/vae/loss", 2, 0.5), ("train/vae/loss", 6, 4.5)),
    *(("validation/my_parts:kl/kl", 4, 1.5), ("validation/my_parts:kl/kl", 8, 1.5)),
    *(("validation/odd", 4, math.nan), ("validation/odd", 8, math.nan)),
]


def told(folder, name, picture):
    """A run that is cut after step 4 and goes on, and beside it another of the same process."""
    beside = folder / "beside"
    beside.mkdir()
    for begin in (0, 4):
        log = Log(subject(folder, name, step=begin))
        other = Log(subject(beside, name, step=begin, run="0dd" * 10))
        log.write(begin + 2, "train", {"vae/loss": 0.5 + begin})
        other.write(begin + 2, "train", {"vae/loss": -1.0})
        log.write(begin + 4, "validation", {"my_parts:kl/kl": 1.5, "odd": math.nan})
        log.picture(begin + 4, "samples", picture)
        other.close()
        log.close()
        if name == "wandb":
            time.sleep(1 - time.time() % 1)  # its folders are called by the second


# Each gives the numbers that were kept of a run, its pictures and its config.


def tensorboard(folder):
    found = events(folder)
    values = [(e.step, value) for e in found for value in e.summary.value]
    assert [e.session_log.status for e in found if e.HasField("session_log")] == [1, 1]
    numbers = [
        (v.tag, step, v.simple_value)
        for step, v in values
        if v.HasField("simple_value")
    ]
    images = [v.image for _, v in values if v.HasField("image")]
    assert {(image.height, image.width) for image in images} == {(4, 6)}
    texts = [v.tensor.string_val[0].decode() for _, v in values if v.HasField("tensor")]
    config = json.loads(textwrap.dedent(texts[0]))
    return numbers, [image.encoded_image_string for image in images], config


def wandb(folder):
    """Framed as a log of LevelDB, whose first block these are shorter than."""
    from wandb.proto.wandb_internal_pb2 import Record

    numbers, pictures, config = [], [], {}
    for run in sorted((folder / "wandb").glob("offline-run-*")):
        content = (run / f"run-{'5eed' * 8}.wandb").read_bytes()[7:]
        while content:
            (length,) = struct.unpack("<4xHx", content[:7])
            record, content = (
                Record.FromString(content[7:][:length]),
                content[7 + length :],
            )
            items = {"/".join(i.nested_key): i for i in record.history.item}
            items = {name: json.loads(item.value_json) for name, item in items.items()}
            numbers += [
                (name, record.history.step.num, value)
                for name, value in items.items()
                if name.startswith(("train/", "validation/"))
            ]
            if path := items.get("samples/samples/path"):
                pictures.append((run / "files" / path).read_bytes())
            config |= {
                u.key: json.loads(u.value_json) for u in record.run.config.update
            }
    return numbers, pictures, config


def mlflow(folder):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/mlflow/mlflow.db")
    group = client.get_experiment_by_name("genlab")
    (run,) = client.search_runs([group.experiment_id])
    assert run.data.params["train.steps"] == "8"
    assert run.info.status == "FINISHED"
    histories = [
        client.get_metric_history(run.info.run_id, name) for name in run.data.metrics
    ]
    numbers = [(p.key, p.step, p.value) for history in histories for p in history]
    kept = folder / "mlflow" / "artifacts" / run.info.run_id / "artifacts"
    (picture,) = (kept / "samples").iterdir()  # called by their steps in a run
    config = json.loads((kept / "config.json").read_text())
    return numbers, [picture.read_bytes()] * 2, config


def trackio(folder):
    mine = f"{folder.name}-5eed5eed"
    with contextlib.closing(sqlite3.connect(folder / "trackio/genlab.db")) as database:
        ask = lambda what: database.execute(f"{what} WHERE run_name = ?", (mine,))
        logged = [
            (n, json.loads(m)) for n, m in ask("SELECT step, metrics FROM metrics")
        ]
        ((config,),) = ask("SELECT config FROM configs")
    values = [(name, step, v) for step, row in logged for name, v in row.items()]
    images = [value for *_, value in values if isinstance(value, dict)]
    media = folder / "trackio" / "media"
    pictures = [(media / image["file_path"]).read_bytes() for image in images]
    numbers = [(*at, float(v)) for *at, v in values if not isinstance(v, dict)]
    return numbers, pictures, json.loads(config)


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
    numbers, pictures, config = READ[name](tmp_path)
    np.testing.assert_equal(sorted(numbers), NUMBERS)
    sizes = [Image.open(io.BytesIO(content)).size for content in pictures]
    assert sizes == [(6, 4)] * 2
    assert config["train"] == {"steps": 8} and config["writers"] == [name]


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


def open_files():
    return len(os.listdir("/proc/self/fd"))


def test_writer_that_refuses_leaves_no_file_of_the_others_open(tmp_path, registries):
    class Refusing:
        def __init__(self, run):
            raise InputError("no space")

    writers.register(Refusing, name="refusing")
    before = open_files()
    with pytest.raises(InputError, match="no space") as refusal:
        Log(subject(tmp_path, "tensorboard", "refusing"))
    assert refusal and open_files() == before


def test_full_disk_ends_no_training_for_a_tracker(tmp_path, caplog, monkeypatch):
    """And is told before it begins."""
    write, room = files.write_whole, iter([])  # for events

    def write_whole(file, content):
        if "tfevents" in str(file.name) and next(room, None) is None:
            raise OSError(errno.ENOSPC, "full")
        write(file, content)

    monkeypatch.setattr(files, "write_whole", write_whole)
    before = open_files()
    with pytest.raises(InputError, match="no space left .*tfevents") as refusal:
        Log(subject(tmp_path, "tensorboard"))
    assert refusal and open_files() == before
    room = iter(range(4))
    log = Log(subject(tmp_path, "tensorboard"))
    for step in (1, 2, 3):
        log.write(step, "train", {"loss": 1.0})
    assert open_files() == before + 1, "what is left out is closed"
    log.close()
    (line,) = caplog.messages
    assert line.startswith("writer 'tensorboard' fails and is left out from here on: ")
    assert "no space left on the disk" in line
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 3


def test_what_cannot_write_is_refused_in_one_line(registries, monkeypatch):
    find_spec = importlib.util.find_spec
    without = lambda name: None if name == "wandb" else find_spec(name)
    monkeypatch.setattr(importlib.util, "find_spec", without)
    line = f"'wandb' needs wandb, which is not installed: {shipped.install('wandb')}"
    with pytest.raises(InputError, match=re.escape(line)):
        check([{"name": "wandb", "project": "mine"}])
    # A folder that a tracker left where Python looks for packages.
    monkeypatch.setattr(broken, "PACKAGES", ("tests",), raising=False)
    writers.register(broken)
    spec = importlib.machinery.ModuleSpec("tests", None, is_package=True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(InputError, match="needs tests, which is not installed$"):
        check(["broken"])
    writers.register(lambda run: None, name="nothing")
    with pytest.raises(InputError, match="'nothing' is no class with write"):
        check(["nothing"])
