"""Signals and pipes: nothing from outside loses rounds, and exit code 0 is for what is finished.

Each case gives a command of a shell to a session of its own, sends it a signal at a moment that the seed
chooses, and then gives the plain command until it ends as the unbroken run did.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults import outcome, process
from benchmarks.faults.case import Bench, Verdict, chosen

NAME, PROMISE = "signals", "saved or finished, and said so"

FINISHED, SAVED, INTERRUPTED = 0, 75, 130
_CONFIG = [
    *("--config=configs/gan_ring.py:tiny", "--config.train.steps=3000"),
    *("--config.train.steps_per_call=5", "--config.log.every=50"),
    *("--config.eval.every=0", "--config.sample.every=0"),
    "--config.checkpoint.every=1000",
]
_FIRST = 'exit "${PIPESTATUS[0]}"'


@dataclass(frozen=True)
class Scene:
    """What happens to a command.

    Attributes:
      shell: what bash runs; `@` is the command.
      signals: sent one after another; none for what only writes.
      codes: exit codes that tell the truth.
      group: whether the whole session gets the signals, as a terminal's Ctrl-C does.
      early: whether they come while Python still imports.
    """

    shell: str
    signals: tuple[int, ...] = ()
    codes: tuple[int, ...] = (SAVED,)
    group: bool = False
    early: bool = False


SCENES = {
    "terminate": Scene("exec @", (signal.SIGTERM,)),
    "interrupt": Scene("exec @", (signal.SIGINT,)),
    "hang up": Scene("exec @", (signal.SIGHUP,)),
    "user signal": Scene("exec @", (signal.SIGUSR1,)),
    "ignored interrupt": Scene(
        "trap '' INT; exec @", (signal.SIGINT,), (FINISHED,), group=True
    ),
    "ignored hang-up": Scene("trap '' HUP; exec @", (signal.SIGHUP,), (FINISHED,)),
    "reader leaves": Scene(f"@ | head -c 1; {_FIRST}", codes=(FINISHED,)),
    "reader of both leaves": Scene(f"@ 2>&1 | head -c 1; {_FIRST}", codes=(FINISHED,)),
    "interrupt before tee": Scene(
        f"trap : INT; @ 2>&1 | tee log; {_FIRST}", (signal.SIGINT,), group=True
    ),
    "output closed": Scene("exec @ >&-", codes=(FINISHED,)),
    "error closed": Scene("exec @ 2>&-", codes=(FINISHED,)),
    "all closed": Scene("exec @ <&- >&- 2>&-", codes=(FINISHED,)),
    "output full": Scene("exec @ >/dev/full 2>&1", codes=(FINISHED,)),
    "closed and terminated": Scene("exec @ >&- 2>&-", (signal.SIGTERM,)),
    "interrupt of imports": Scene(
        "exec @", (signal.SIGINT,), (SAVED, INTERRUPTED), early=True
    ),
    "terminate twice": Scene(
        "exec @",
        (signal.SIGTERM, signal.SIGTERM),
        (SAVED, -signal.SIGTERM, 128 + signal.SIGTERM),
    ),
}


def cases(bench: Bench, count: int) -> list[str]:
    """`signals/SCENE/NUMBER`, every scene before one comes again."""
    names = chosen(SCENES, count, bench.generator(NAME))
    return [f"{NAME}/{name}/{names[:i].count(name)}" for i, name in enumerate(names)]


def judge(bench: Bench, names: list[str]) -> Iterator[Verdict]:
    """Runs unbroken once, then every scene."""
    whole = bench.place(f"{NAME}/whole") / "run"
    ended = process.command([*_CONFIG, f"--workdir={whole}"], whole.parent / "log.txt")
    if ended.code:
        yield Verdict(names[0], (ended.last,), len(names))
        return
    expected = _lasting(whole)
    with ThreadPoolExecutor(bench.workers) as threads:
        yield from threads.map(lambda case: _play(bench, case, expected), names)


def _play(bench: Bench, case: str, expected: dict) -> Verdict:
    place, scene = bench.place(case), SCENES[case.split("/")[1]]
    run = place / "run"
    arguments = [*_CONFIG, f"--workdir={run}"]
    code, note = _perform(scene, arguments, place, bench.generator(case))
    problems = []
    if code not in scene.codes:
        problems.append(f"exit code {code}, not {' or '.join(map(str, scene.codes))}")
    said = "".join(p.read_text(errors="replace") for p in place.glob("*.txt"))
    if "Traceback" in said:
        problems.append(f"prints a traceback: {said.strip()[-200:]!r}")
    finished = (run / "results.json").exists()
    if (code == FINISHED) != finished:
        problems.append(
            f"exit code {code} of a run that {'is' if finished else 'is not'} finished"
        )
    if code == SAVED and not any(run.glob("checkpoints/*/manifest.json")):
        problems.append("exit code 75, and no checkpoint")
    ended = process.command(arguments, place / "log.txt")
    if ended.code:
        problems.append(f"again: exit code {ended.code}, {ended.last}")
    else:
        problems += outcome.differences(expected, _lasting(run))
    return Verdict(case, tuple(problems), note=note)


def _lasting(run: Path) -> dict:
    """The outcome without the lines of training, which a stop cuts into shorter averages."""
    found = outcome.of(run)
    found["metrics.jsonl"] = [x for x in found["metrics.jsonl"] if '"train"' not in x]
    return found


def _perform(
    scene: Scene, arguments: list[str], place: Path, generator: random.Random
) -> tuple[int, str]:
    """Exit code of the shell, and when the signal came."""
    words = [sys.executable, "launch.py", *arguments]
    quoted = " ".join(f"'{word}'" for word in words)
    shell = scene.shell.replace("@", quoted).replace("tee log", f"tee '{place}/log'")
    with (place / "out.txt").open("w") as out, (place / "err.txt").open("w") as err:
        session = subprocess.Popen(
            ["bash", "-c", shell],
            cwd=process.ROOT,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    note = ""
    if scene.early:
        time.sleep(seconds := generator.uniform(0.1, 2.5))
        note = f"after {seconds:.2f} s"
    elif scene.signals:
        note = _wait_for_rounds(place / "run", session, generator)
    for number in scene.signals:
        if session.poll() is None:
            (os.killpg if scene.group else os.kill)(session.pid, number)
            time.sleep(generator.uniform(0.0, 0.05))
    try:
        return session.wait(process.LIMIT), note
    except subprocess.TimeoutExpired:
        os.killpg(session.pid, signal.SIGKILL)
        return session.wait(), f"{note}; hung"


def _wait_for_rounds(
    run: Path, session: subprocess.Popen, generator: random.Random
) -> str:
    """Until the log has a number of lines that the generator draws."""
    lines, log = generator.randint(1, 20), run / "metrics.jsonl"
    while session.poll() is None:
        if log.exists() and log.read_bytes().count(b"\n") >= lines:
            return f"after {lines} lines of metrics"
        time.sleep(0.01)
    return "too late"
