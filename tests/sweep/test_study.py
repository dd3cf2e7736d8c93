"""Trials as processes: each ended once, whoever was killed, stopped or pruned in between."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import recipes

from genlab.commands.cli import main
from genlab.errors import EXIT_STOPPED, InputError
from genlab.process.signals import Stop
from genlab.reporting.sweep import read_sweep
from genlab.run.folder import locked
from genlab.sweep import devices, pool, population, process
from genlab.sweep.pool import Pool
from genlab.sweep.search import Search, distributions, make_sampler
from genlab.trials import space
from genlab.trials.space import Choice, Integers, Uniform
from genlab.trials.tail import Tail
from genlab.trials.trial import Trial, named_sweep, resolve

optuna = pytest.importorskip("optuna", reason="studies need the extra `sweep`")
ROOT = Path(__file__).parents[2]
RING = str(recipes.CONFIGS / "gan_ring.py:tiny")
TARGET = "-mode_coverage/high_quality_share"
QUICK = ("--config.devices=1", "--config.sample.plots=()")


def _search(workdir, trials):
    return [
        *("sweep", f"--config={RING}", "--sweep=space", "--engine=local"),
        *(f"--target={TARGET}", f"--trials={trials}", "--sampler=random"),
        *(f"--workdir={workdir}", *QUICK),
    ]


def _start(arguments, **options):
    program = (
        "import sys; from genlab.commands.cli import main; sys.exit(main(sys.argv))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def _wait_for(condition, seconds=400):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(0.02)


def _rows(workdir):
    with (workdir / "results.csv").open() as file:
        return list(csv.DictReader(file))


def _last_share(folder):
    lines = Tail(folder / "metrics.jsonl").lines()
    found = [line["values"] for line in lines if line["split"] == "validation"]
    return found[-1][TARGET.removeprefix("-")]


def _trials(workdir):
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(workdir / "study.journal"))
    )
    return optuna.load_study(study_name=workdir.name, storage=storage).trials


class Script(Trial):
    """A trial whose process runs a line of Python in its folder."""

    def command(self, path, common, sweep):
        return [sys.executable, "-c", path]


def _script(sweep, seed=0):
    (trial,) = resolve(RING, {}, [{"seed": seed}])
    return Script(trial.overrides, trial.config)


def _run(code, sweep, watch=lambda: False):
    return process.run(_script(sweep), code, {}, sweep, watch=watch)


def test_random_draws_stay_in_the_space_and_begin_alike():
    there = {
        "a": Uniform(1e-4, 1e-2, log=True),
        "b": Integers(2, 4),
        "c": Choice(("x", "y")),
    }
    drawn = space.draw(there, 300)
    assert space.draw(there, 10) == drawn[:10]
    logs = np.log10([point["a"] for point in drawn])
    assert -4 <= logs.min() < -3.9
    assert -2.1 < logs.max() <= -2
    assert abs(np.median(logs) + 3) < 0.2
    assert {point["b"] for point in drawn} == {2, 3, 4}
    assert {point["c"] for point in drawn} == {"x", "y"}
    with pytest.raises(InputError, match="0 trials are no sweep"):
        space.draw(there, 0)


def test_a_population_draws_from_a_space(tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(population, "train", lambda trials, *_: trained.extend(trials))
    command = ["launch.py", "sweep", f"--config={RING}", "--sweep=space", "--trials=3"]
    assert main([*command, f"--workdir={tmp_path}"]) == 0
    drawn = space.draw(named_sweep(RING, "space"), 3)
    assert [trial.overrides for trial in trained] == drawn
    assert [row["state"] for row in _rows(tmp_path)] == ["unfinished"] * 3
    assert json.loads((tmp_path / "sweep.json").read_text())["engine"] == "population"
    assert (tmp_path / "report.html").exists()


@pytest.mark.full  # of a search in one process, `test_search` shows the same
def test_killed_search_goes_on_and_is_the_one_it_would_have_been(tmp_path, capsys):
    workdir = tmp_path / "study"
    victim = _start(_search(workdir, 3))
    _wait_for(
        lambda: (
            victim.poll() is not None or len(list(workdir.glob("*/config.json"))) == 2
        )
    )
    assert victim.poll() is None, "it ended before it was killed"
    (first,) = workdir.glob("*/results.json")
    before = first.stat().st_mtime_ns
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    states = [trial.state.name for trial in _trials(workdir)]
    assert states == ["COMPLETE", "RUNNING"]
    assert main(["launch.py", *_search(workdir, 3)]) == 0
    trials = _trials(workdir)
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 3
    assert first.stat().st_mtime_ns == before, "a finished trial ran again"
    there = named_sweep(RING, "space")
    search = Search(space=there, target=TARGET, trials=3, sampler="random")
    unbroken = optuna.create_study(sampler=make_sampler(search))
    drawn = [unbroken.ask(distributions(there)).params for _ in range(3)]
    assert [trial.params for trial in trials] == drawn
    rows = {row["trial"]: row for row in _rows(workdir)}
    listed = json.loads((workdir / "sweep.json").read_text())["trials"]
    assert [entry["name"] for entry in listed] == list(rows)
    assert [entry["overrides"] for entry in listed] == drawn
    shares = [_last_share(workdir / name) for name in rows]
    assert [trial.value for trial in trials] == [-share for share in shares]
    best = drawn[int(np.argmax(shares))]
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last.startswith("best: genlab --config")
    assert all(f"--config.{key}={value}" in last for key, value in best.items())


@pytest.mark.parametrize(
    ("file", "send"),
    [
        pytest.param(
            "metrics.jsonl", lambda one: one.terminate(), marks=pytest.mark.full
        ),
        # As a terminal's Ctrl-C: to the whole group, before a trial has begun to listen.
        ("process.json", lambda one: os.killpg(one.pid, signal.SIGINT)),
    ],
)
def test_stopped_search_exits_75_and_leaves_its_trial_to_the_next(file, send, tmp_path):
    workdir = tmp_path / "study"
    steps = ["--config.train.steps=100000", "--config.eval.every=50000"]
    steps += ["--config.checkpoint.every=50000", "--config.sample.every=0"]
    stopped = _start([*_search(workdir, 1), *steps], start_new_session=True)
    _wait_for(lambda: list(workdir.glob(f"*/{file}")))
    send(stopped)
    _, err = stopped.communicate(timeout=60)
    assert stopped.returncode == EXIT_STOPPED, err
    (trial,) = _trials(workdir)
    assert trial.state.name == "RUNNING"
    assert trial.user_attrs["owner"] == ""
    began = file == "metrics.jsonl"
    assert bool(list(workdir.glob("*/checkpoints/*"))) == began
    assert not list(workdir.glob("*/failed.txt"))
    counts = read_sweep(workdir).counts
    assert counts == ({"stopped": 1} if began else {"waiting": 1})
    page = (workdir / "report.html").read_text()
    assert "1 trial: 1 stopped" in page or not began


@pytest.mark.full  # runs alone show the same, and the next test who is asked
def test_trial_that_is_asked_to_stop_has_saved_and_goes_on(tmp_path):
    common = {"devices": "1", "sample.plots": "()", "train.steps": "2000"}
    common |= {"eval.every": "0", "sample.every": "0", "log.every": "20"}
    common |= {"checkpoint.every": "1000", "train.steps_per_call": "20"}
    (trial,) = resolve(RING, common, [{"seed": 1}])
    metrics = trial.folder(tmp_path) / "metrics.jsonl"
    one = Pool(RING, common, tmp_path, [{}])
    assert one.run(trial, metrics.exists) == EXIT_STOPPED
    assert trial.results(tmp_path) is None
    assert one.run(trial) == 0
    assert trial.results(tmp_path)["step"] == 2000
    assert "resumed from step" in (metrics.parent / "log.txt").read_text()
    assert not (metrics.parent / "process.json").exists()


def test_exit_codes_and_what_is_kept_of_them(tmp_path):
    folder = _script(tmp_path).folder(tmp_path)
    failed = folder / "failed.txt"
    assert _run("print('why'); raise SystemExit(3)", tmp_path) == 3
    assert failed.read_text() == "why\n"
    assert _run("import os; os.kill(os.getpid(), 9)", tmp_path) == -signal.SIGKILL
    assert failed.read_text() == "killed by SIGKILL\n"
    sleep = "import time; time.sleep(60)"
    assert _run(sleep, tmp_path, (folder / "process.json").exists) == EXIT_STOPPED
    assert _run("raise SystemExit(75)", tmp_path) == EXIT_STOPPED
    assert not failed.exists()
    (folder / "pruned.json").write_text("{}")
    assert _run("raise SystemExit(3)", tmp_path) == EXIT_STOPPED
    assert not failed.exists()


@pytest.mark.parametrize(
    "code",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "import os, signal; os.kill(os.getpid(), signal.SIGINT)",
        "raise SystemExit(130)",
    ],
)
def test_signal_that_reached_the_trial_first_is_a_stop_and_no_failure(code, tmp_path):
    folder = _script(tmp_path).folder(tmp_path)
    began, known = folder / "log.txt", folder / "process.json"
    learns_late = lambda: began.exists() and not known.exists()
    assert _run(code, tmp_path, learns_late) == EXIT_STOPPED
    assert not (folder / "failed.txt").exists()
    assert _run(code, tmp_path) not in (0, EXIT_STOPPED)
    assert (folder / "failed.txt").exists()


def test_second_signal_leaves_no_process(tmp_path, monkeypatch):
    def again(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(pool.time, "sleep", again)
    one = Pool("import time; time.sleep(60)", {}, tmp_path, [{}])
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        one.train([_script(tmp_path)], Stop())
    assert time.monotonic() - began < 30
    assert not list(tmp_path.glob("*/process.json"))


def test_watch_that_raises_leaves_no_process(tmp_path):
    def watch():
        if (tmp_path / "began").exists():
            raise InputError("no such target")
        return False

    code = f"open({str(tmp_path / 'began')!r}, 'w'); import time; time.sleep(60)"
    began = time.monotonic()
    with pytest.raises(InputError, match="no such target"):
        _run(code, tmp_path, watch)
    assert time.monotonic() - began < 30
    assert not list(tmp_path.glob("*/process.json"))


def test_trial_that_another_process_trains_is_waited_for(tmp_path):
    trial = _script(tmp_path)
    folder = trial.folder(tmp_path)
    program = (
        "from pathlib import Path; from genlab.run.folder import locked; import sys, time\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, cwd=ROOT
    )
    other.stdout.readline()
    (folder / "process.json").write_text(
        json.dumps({"host": process.socket.gethostname(), "process": other.pid})
    )
    asked = iter([False, False, True])
    assert _run("raise SystemExit(3)", tmp_path, lambda: next(asked)) == EXIT_STOPPED
    assert other.wait(10) == -signal.SIGTERM, "it is asked in its parent's place"
    assert _run("raise SystemExit(3)", tmp_path) == 3
    other.stdout.close()


def test_process_that_holds_no_folder_gets_no_signal(tmp_path, monkeypatch):
    sent = []
    monkeypatch.setattr(process.os, "kill", lambda *signal: sent.append(signal))
    folder = _script(tmp_path).folder(tmp_path)
    with locked(folder):
        for named in (-1, 0, 1, os.getppid(), 2**31 - 1):
            record = {"host": process.socket.gethostname(), "process": named}
            (folder / "process.json").write_text(json.dumps(record))
            assert _run("raise SystemExit(3)", tmp_path, lambda: True) == EXIT_STOPPED
    assert [what for what in sent if what[1]] == []


def test_folder_that_another_took_first_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "in_use", lambda folder: False)
    mark = tmp_path / "mark"
    code = (
        f"import pathlib; mark = pathlib.Path({str(mark)!r}); late = mark.exists();"
        "mark.touch(); print('run folder is in use by another process');"
        "raise SystemExit(0 if late else 2)"
    )
    assert _run(code, tmp_path) == 0
    assert not list(tmp_path.glob("*/failed.txt"))


def test_each_process_sees_its_own_gpu(tmp_path, monkeypatch):
    monkeypatch.delenv("XLA_PYTHON_CLIENT_MEM_FRACTION", raising=False)
    seen = tmp_path / "seen"
    seen.mkdir()
    code = (
        "import os, pathlib, time; gpu = os.environ['CUDA_VISIBLE_DEVICES'];"
        f"mine = pathlib.Path({str(seen)!r}) / gpu; mine.touch(exist_ok=False);"
        f"[time.sleep(0.01) for _ in range(3000) if len(os.listdir({str(seen)!r})) < 2]"
    )
    both = Pool(code, {}, tmp_path / "s", devices.environments(None, 2))
    assert both.workers == 2
    both.train([_script(tmp_path, seed) for seed in (0, 1)], Stop())
    assert sorted(path.name for path in seen.iterdir()) == ["0", "1"]
    assert not list((tmp_path / "s").glob("*/failed.txt"))


def test_workers_and_gpus(monkeypatch):
    monkeypatch.delenv("XLA_PYTHON_CLIENT_MEM_FRACTION", raising=False)
    assert devices.environments(None, 0) == [{}]
    assert devices.environments(3, 0) == [{}] * 3
    assert devices.environments(1, 4) == [{"CUDA_VISIBLE_DEVICES": "0"}]
    shared = devices.environments(3, 2)
    assert [one["CUDA_VISIBLE_DEVICES"] for one in shared] == ["0", "1", "0"]
    assert {one["XLA_PYTHON_CLIENT_MEM_FRACTION"] for one in shared} == {"0.450"}


def test_gpus_are_counted_by_a_child_unless_the_user_chose(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(devices, "_LOOK", "print(4)")
    monkeypatch.setattr(devices.shutil, "which", lambda name: None)
    assert devices.count_gpus() == 0
    monkeypatch.setattr(devices.shutil, "which", lambda name: name)
    assert devices.count_gpus() == 4
    monkeypatch.setattr(devices, "_LOOK", "raise SystemExit('no CUDA')")
    assert devices.count_gpus() == 0
    monkeypatch.setattr(devices, "_LOOK", "print(4)")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    assert devices.count_gpus() == 0


SPACE = ("--sweep=space", f"--target={TARGET}")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([*SPACE, "--engine=study"], "engine 'study' is unknown"),
        ([*SPACE, "--engine=local"], "0 trials are no search"),
        ([*SPACE, "--engine=local", "--trials=0"], "--trials"),
        ([*SPACE, "--engine=local", "--trials=2", "--sampler=gpp"], "'gp'"),
        ([*SPACE, "--engine=local", "--trials=2", "--pruner=halve"], "'halving'"),
        ([*SPACE, "--engine=local", "--trials=2", "--seeds=2"], "--seeds multiplies"),
        (["--sweep=space", "--engine=local"], "0 trials are no sweep"),
        (["--seeds=2", "--engine=local", "--trials=2"], "--trials=2 is for --sweep"),
        (["--seeds=2", "--engine=local", "--sampler=tpe"], "--sampler is for a search"),
        (["--seeds=2", "--workers=2"], "population has no --workers; local has"),
        (["--seeds=2", "--pruner=hyperband"], "take --pruner=halving"),
        (["--seeds=2", "--pruner=halving"], "--pruner needs --target"),
        (["--seeds=2", "--evolve=10"], "--evolve needs --target"),
    ],
)
def test_mistake_is_answered_in_one_line(arguments, expected, capsys, tmp_path):
    command = ["launch.py", "sweep", f"--config={RING}", f"--workdir={tmp_path}/s"]
    assert main([*command, *arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert expected in line
    assert not (tmp_path / "s").exists()
