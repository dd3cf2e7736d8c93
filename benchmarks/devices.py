"""The same training on other numbers of devices and processes: how far it strays, and what that costs.

  python -m benchmarks devices [CONFIG ...] [--rounds=20] [--out=DIR] [--config.KEY=VALUE ...]

`vae`, `dcgan` and `rbm` by default. Each config trains its first rounds on one device, on 2, 4 and 8 virtual ones of
the CPU by `jit`, `pmap` and `fsdp`, in two processes of 1, 2 and 4 each, and once more on four devices, where it is
killed after its first checkpoint and goes on with two. The table has the largest difference of a number in the
final checkpoint from that of one device, absolute of small numbers and relative of large, the same of
what was measured on the test split, and seconds a round, compiled, with their ratio to those of one
device. Virtual devices share the cores of the machine: the ratio is what dividing costs, and no gain can be seen.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CONFIGS = ("vae", "dcgan", "rbm")
PATIENCE = 900  # seconds for a training
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Layout:
    """Where a training runs.

    Attributes:
      processes: how many.
      devices: of each process.
      parallel: `jit`, `pmap` or `fsdp`.
      then: devices with which it goes on after it was killed; 0 where it is not.
    """

    processes: int
    devices: int
    parallel: str
    then: int = 0

    def __str__(self) -> str:
        told = f"{self.processes} x {self.devices}, {self.parallel}"
        return f"{told}, killed, then 1 x {self.then}" if self.then else told


ONE = Layout(1, 1, "jit")
LAYOUTS = (
    *(Layout(1, n, way) for n in (2, 4, 8) for way in ("jit", "pmap", "fsdp")),
    *(Layout(2, n, way) for n in (1, 2, 4) for way in ("jit", "pmap")),
    Layout(1, 4, "jit", then=2),
)


def main(argv: list[str]) -> None:
    """Prints a line for each layout as soon as it has run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks devices")
    parser.add_argument("configs", nargs="*", default=list(CONFIGS), metavar="CONFIG")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--out", type=Path)
    flags = [word for word in argv if word.startswith("--config.")]
    asked = parser.parse_args([word for word in argv if word not in flags])
    if asked.rounds < 4 or asked.rounds % 2:
        parser.error(f"--rounds={asked.rounds} is no even number of 4 or more")
    out = asked.out or Path(tempfile.mkdtemp(prefix="devices-"))
    print(f"{os.cpu_count()} cores, {asked.rounds} rounds\n")
    head = (
        "| config | processes x devices | state | measured | seconds a round | ratio |"
    )
    print(f"{head}\n|---|---|---|---|---|---|")
    for config in asked.configs:
        place = out / config.replace(":", "_")
        for line in lines(config, asked.rounds, place, flags=flags):
            print(line, flush=True)


def lines(
    config: str,
    rounds: int,
    out: Path,
    layouts: Sequence[Layout] = LAYOUTS,
    flags: Sequence[str] = (),
) -> Iterator[str]:
    """The table's lines of a config, that of one device first.

    Args:
      config: by its name.
      rounds: that are trained, even.
      out: where the runs go, a folder each.
      layouts: those after the first.
      flags: further ones of the command.
    """
    words = [f"--config={config}", *flags]
    try:
        _trained(ONE, words, rounds, out / "one")
    except RuntimeError as error:
        yield f"| {config} | {ONE} | {error} | | | |"
        return
    base = _seconds(out / "one")
    yield f"| {config} | {ONE} | | | {base:.4f} | 1 |"
    for index, layout in enumerate(layouts):
        run = out / str(index)
        try:
            _trained(layout, words, rounds, run)
        except RuntimeError as error:
            yield f"| {config} | {layout} | {error} | | | |"
            continue
        state = gap(_state(out / "one"), _state(run))
        measured = gap(_measured(out / "one"), _measured(run))
        took = "" if layout.then else f"{_seconds(run):.4f}"
        ratio = "" if layout.then else f"{_seconds(run) / base:.2f}"
        yield f"| {config} | {layout} | {state:.1e} | {measured:.1e} | {took} | {ratio} |"


def gap(one: dict, other: dict) -> float:
    """The largest difference between arrays of the same names, absolute of small numbers and relative of large."""
    if one.keys() != other.keys():
        return float("inf")
    return max(
        float(np.max(np.abs(np.subtract(one[name], other[name], dtype=np.float64))))
        / (1 + float(np.max(np.abs(one[name]))))
        for name in one
    )


def _trained(layout: Layout, words: list[str], rounds: int, run: Path) -> None:
    """Trains to the end, if need be in two parts.

    Raises:
      RuntimeError: what the first process that failed said last.
    """
    run.parent.mkdir(parents=True, exist_ok=True)
    if not layout.then:
        _launch(layout, words, rounds, run)
        return
    half = run / "checkpoints" / f"{rounds // 2:08d}"
    _launch(layout, words, rounds, run, until=half.exists)
    if (run / "checkpoints" / f"{rounds:08d}").exists():
        raise RuntimeError(
            "it was done before it was killed; more --rounds take longer"
        )
    _launch(Layout(1, layout.then, layout.parallel), words, rounds, run)


def _launch(
    layout: Layout,
    words: list[str],
    rounds: int,
    run: Path,
    until: Callable[[], bool] | None = None,
) -> None:
    """Runs the command in all processes to their end, or until something holds, when all are killed."""
    half = rounds // 2
    knobs = {
        "train.steps": rounds,
        "parallel": layout.parallel,
        **{f"{name}.every": half for name in ("checkpoint", "log")},
        "train.steps_per_call": half,
        "eval.every": 0,
        "eval.best": "",
        "eval.metrics": (),
        "eval.final_metrics": (),
        "sample.every": 0,
        "sample.plots": (),
    }
    command = [sys.executable, str(ROOT / "launch.py"), f"--workdir={run}", *words]
    command += [f"--config.{key}={value}" for key, value in knobs.items()]
    flags = f"--xla_force_host_platform_device_count={layout.devices}"
    flags = f"{os.environ.get('XLA_FLAGS', '')} {flags}"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    logs, processes = [], []
    for index, place in enumerate(_places(layout.processes)):
        logs.append(run.with_name(f"{run.name}-{index}.txt"))
        with logs[-1].open("w") as file:
            options = dict(stdout=file, stderr=file, env=environment)
            processes.append(subprocess.Popen([*command, *place], **options))
    deadline = time.monotonic() + PATIENCE
    try:
        for process, log in zip(processes, logs, strict=True):
            while process.poll() is None and time.monotonic() < deadline:
                if until is not None and until():
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    return
                time.sleep(0.01)
            if process.returncode:
                raise RuntimeError(_last(log, process.returncode))
    finally:
        for process in processes:
            process.kill()


def _places(count: int) -> list[list[str]]:
    """The flags of each process that say which of several it is."""
    if count == 1:
        return [[]]
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"--coordinator-address=localhost:{free.getsockname()[1]}"
    number = f"--num-processes={count}"
    return [[address, number, f"--process-id={index}"] for index in range(count)]


def _last(log: Path, code: int) -> str:
    said = [line for line in log.read_text().splitlines() if line.strip()]
    return f"exit code {code}: {' '.join(said[-1:])}"


def _state(run: Path) -> dict[str, np.ndarray]:
    from genlab.storage import arrays
    from genlab.storage.checkpoint import Checkpoints

    newest = Checkpoints(run / "checkpoints").steps()[-1]
    return arrays.read(run / "checkpoints" / f"{newest:08d}")


def _measured(run: Path) -> dict[str, float]:
    record = json.loads((run / "results.json").read_text())
    return {
        f"{metric}/{name}": value
        for metric, found in record["metrics"].items()
        for name, value in found["values"].items()
    }


def _seconds(run: Path) -> float:
    """Of a round of the last half, when all was compiled."""
    parsed = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    rates = [
        one["values"]["rounds_per_second"] for one in parsed if "time" in one["split"]
    ]
    return 1 / rates[-1]
