"""Runs of several processes on this machine, each with two virtual devices."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from genlab.storage import arrays
from genlab.storage.checkpoint import Checkpoints

LAUNCH = [sys.executable, str(Path(__file__).parents[1] / "launch.py")]
PATIENCE = 180  # seconds, on a machine that has much else to do


class Processes:
    """The processes of one training.

    Args:
      folder: where what each of them says is written; `tmp_path` of a test.
      words: of the command in all of them.
      own: further words by process.
      count: how many there are.
      devices: of each.
    """

    def __init__(self, folder, words, own=None, count=2, devices=2):
        flags = os.environ["XLA_FLAGS"].split()
        kept = [flag for flag in flags if "device_count" not in flag]
        kept.append(f"--xla_force_host_platform_device_count={devices}")
        environment = {**os.environ, "XLA_FLAGS": " ".join(kept)}
        address = f"--coordinator-address=localhost:{_free_port()}"
        self.files = [folder / f"process-{index}.txt" for index in range(count)]
        self.all = []
        for index, path in enumerate(self.files):
            command = [*LAUNCH, *words, *(own or {}).get(index, ()), address]
            command += [f"--num-processes={count}", f"--process-id={index}"]
            with path.open("w") as file:
                both = dict(stdout=file, stderr=subprocess.STDOUT)
                process = subprocess.Popen(command, env=environment, **both)
            self.all.append(process)

    def codes(self, patience=PATIENCE):
        """The exit code of each, when all have ended."""
        deadline = time.monotonic() + patience
        try:
            return [one.wait(max(0, deadline - time.monotonic())) for one in self.all]
        finally:
            for one in self.all:
                one.kill()

    def errors(self):
        """The lines of each that speak of an error, or of a stop."""
        return [
            [line for line in file.read_text().splitlines() if _ends(line)]
            for file in self.files
        ]


def trained(folder, words, **options):
    """Trains in several processes to the end; what each said, where one did not come there."""
    processes = Processes(folder, words, **options)
    codes = processes.codes()
    assert not any(codes), (codes, [file.read_text() for file in processes.files])


def wait_until(condition):
    """Until it holds, which is looked at often."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def steps(workdir):
    """Of the checkpoints in a run folder."""
    return Checkpoints(workdir / "checkpoints").steps()


def state(workdir, step=None):
    """The arrays of a checkpoint, the newest without a step."""
    step = steps(workdir)[-1] if step is None else step
    return arrays.read(workdir / "checkpoints" / f"{step:08d}")


def _ends(line):
    return "error" in line.lower() or "stopped by" in line or "Traceback" in line


def _free_port():
    with socket.socket() as free:
        free.bind(("", 0))
        return free.getsockname()[1]
