"""Signals, pipes and terminals that go away: what a process of its own does about them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import recipes

from genlab.checkpoint import Checkpoints

ROOT = Path(__file__).parent.parent
LAUNCH = [sys.executable, str(ROOT / "launch.py")]
RING = f"--config={recipes.CONFIGS}/gan_ring.py:tiny"
QUIET = [
    *("--config.devices=1", "--config.eval.every=0", "--config.sample.every=0"),
    *("--config.sample.plots=()", "--config.train.steps_per_call=20"),
    *("--config.log.every=20", "--config.checkpoint.every=100"),
]
LONG = "--config.train.steps=100000"


def _steps(workdir) -> list[int]:
    return Checkpoints(workdir / "checkpoints").steps()


def _wait_until(condition) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_reader_that_goes_away_and_a_signal_cost_no_round(tmp_path):
    """Ctrl-C under `2>&1 | tee log`: tee dies first. Then a terminal that is closed."""
    command = [*LAUNCH, RING, *QUIET, LONG, f"--workdir={tmp_path}"]
    before = 0
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        pipe = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        process = subprocess.Popen(command, **pipe)
        process.stdout.read(1)
        process.stdout.close()
        _wait_until(lambda: _steps(tmp_path) and _steps(tmp_path)[-1] > before)  # noqa: B023
        process.send_signal(number)
        assert process.wait(60) == 75
        assert _steps(tmp_path)[-1] > before
        before = _steps(tmp_path)[-1]


def test_streams_that_are_closed_or_full_and_ignored_signals_train_to_the_end(tmp_path):
    script = "trap '' INT HUP; exec \"$@\" >/dev/full 2>&-"
    command = ["sh", "-c", script, "sh", *LAUNCH, RING, *QUIET]
    command += ["--config.train.steps=2000", f"--workdir={tmp_path}"]
    process = subprocess.Popen(command)
    _wait_until(lambda: _steps(tmp_path))
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGHUP)
    assert process.wait(120) == 0
    assert _steps(tmp_path)[-1] == 2000
    assert (tmp_path / "report.html").exists()


def test_interrupt_during_imports_is_one_line():
    for delay in (0.3, 1.0):
        process = subprocess.Popen(
            [*LAUNCH, "list"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        _wait_until(lambda: _catches_interrupts(process.pid))  # noqa: B023
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        if process.returncode == 0:
            assert delay == 1.0 and out
        else:
            assert (process.returncode, err) == (130, "genlab: error: interrupted\n")


def _catches_interrupts(process: int) -> bool:
    status = Path(f"/proc/{process}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught & 1 << (signal.SIGINT - 1))


def test_what_is_asked_for_must_arrive_and_foreign_names_are_shown(tmp_path):
    run = dict(capture_output=True, check=False, cwd=tmp_path)
    full = subprocess.run(
        ["sh", "-c", '"$@" > /dev/full', "sh", *LAUNCH, "help"], **run
    )
    assert full.returncode == 2
    assert full.stderr.decode() == (
        "genlab: error: standard output: No space left on device\n"
    )
    head = subprocess.run(
        ["bash", "-c", '"$@" | true; exit ${PIPESTATUS[0]}', "sh", *LAUNCH, "help"],
        **run,
    )
    assert (head.returncode, head.stderr) == (0, b"")
    name = "a\x1b[31m\x9b\u202eé\udcff.py"
    gone = tmp_path / "gone"
    gone.mkdir()
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    environment = {k: v for k, v in environment.items() if k != "HOME"}
    shown = subprocess.run(
        [
            "sh",
            "-c",
            'cd gone; rmdir ../gone; exec "$@"',
            "sh",
            *LAUNCH,
            f"--config={name}",
        ],
        env=environment,
        **run,
    )
    assert shown.returncode == 2
    (line,) = shown.stderr.decode("ascii").splitlines()
    assert r"a\x1b[31m\x9b\u202e\xe9\udcff.py" in line.replace("\\\\", "\\")
