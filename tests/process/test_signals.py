"""Signals, pipes and terminals that go away: what a process of its own does about them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import recipes

from genlab.process.signals import stop_requested
from genlab.storage.checkpoint import Checkpoints

ROOT = Path(__file__).parents[2]
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


@pytest.mark.full
def test_reader_that_goes_away_and_a_signal_cost_no_round(tmp_path):
    """Ctrl-C under `2>&1 | tee log`: tee dies first. Then a terminal that is closed."""
    command = [*LAUNCH, RING, *QUIET, LONG, f"--workdir={tmp_path}"]
    before = 0
    for number in (signal.SIGINT, signal.SIGHUP):
        pipe = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        process = subprocess.Popen(command, **pipe)
        process.stdout.read(1)
        process.stdout.close()
        _wait_until(lambda: _steps(tmp_path) and _steps(tmp_path)[-1] > before)  # noqa: B023
        process.send_signal(number)
        assert process.wait(60) == 75
        assert _steps(tmp_path)[-1] > before
        (tmp_path / "report.html").unlink()  # it says how far the run came
        before = _steps(tmp_path)[-1]


@pytest.mark.full
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


def test_second_signal_is_obeyed_where_somebody_is_impatient():
    this = os.getpid()
    with stop_requested() as stop:
        for number in (signal.SIGHUP, signal.SIGUSR1):
            os.kill(this, number)
            os.kill(this, number)
            assert stop.signal == number.name
    with pytest.raises(KeyboardInterrupt), stop_requested() as stop:
        os.kill(this, signal.SIGINT)
        assert stop.signal == "SIGINT"
        os.kill(this, signal.SIGINT)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


INTERRUPT = """
import importlib.abc, os, signal, sys

class Interrupt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except BaseException:  # as some modules do
                pass

sys.meta_path.insert(0, Interrupt())
"""


@pytest.mark.parametrize("module", ["absl.flags", "jax"])
def test_interrupt_that_an_import_swallows_is_obeyed(module, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(INTERRUPT)
    done = subprocess.run(
        [*LAUNCH, "list", "metrics"],
        env={**os.environ, "INTERRUPT_AT": module, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.returncode, done.stdout, done.stderr
    assert said == (130, "", "genlab: error: interrupted\n")
