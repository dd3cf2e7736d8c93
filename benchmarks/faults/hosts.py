"""Hosts: one of two processes of a training dies at a chosen moment, the other must say so and end, and
the same command for both ends as if nothing had died.

Every recipe of `configs/` is a game. The moments are those of `kills`: a change of a file, of those that
the process announced in an unbroken run, or a time.
"""

import random
import shutil
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.faults import outcome, process
from benchmarks.faults.case import Bench, Verdict, chosen
from benchmarks.faults.process import Ended
from genlab.errors import EXIT_LOST

NAME = "hosts"
PROMISE = "the other process ended in a minute; bit-identical afterwards"
COUNT = 2
ATTEMPTS = 8  # draws of a moment until one falls before the command's end
PATIENCE = 60.0  # seconds within which the one that is left must end
JOIN_WITHIN = 50  # seconds that a process waits for one that has died before it came


def cases(bench: Bench, count: int) -> list[str]:
    """`hosts/GAME/COUNT` for each recipe that is dealt some."""
    names = chosen(games(), count, bench.generator(NAME))
    return [f"{NAME}/{name}/{names.count(name)}" for name in sorted(set(names))]


def games() -> list[str]:
    """Every recipe."""
    from genlab.config import files

    return [path.stem for path in files.recipes()]


def judge(bench: Bench, names: list[str]) -> Iterator[Verdict]:
    """Tries the cases one after the other: each is two processes already."""
    for name in names:
        yield _judged(bench, name)


def _judged(bench: Bench, case: str) -> Verdict:
    _, game, count = case.split("/")
    place, generator = bench.place(case), bench.generator(case)
    whole, cut = place / "whole" / "run", place / "cut" / "run"
    for folder in (whole, cut):
        folder.parent.mkdir()
    unbroken = _run(game, whole)
    if failed := _failed("unbroken", unbroken):
        return Verdict(case, failed, int(count))
    problems, moments = [], []
    for _ in range(int(count)):
        for _ in range(ATTEMPTS):
            victim = generator.randrange(COUNT)
            moment = _moment(unbroken[victim], generator)
            ended = _run(game, cut, victim, **moment)
            if any(one.code for one in ended):
                break
            shutil.rmtree(cut)  # it was faster; from the start again
        else:
            raise RuntimeError(f"{case}: no moment of {ATTEMPTS} fell before the end")
        ((kind, when),) = moment.items()
        moments.append(f"process {victim}, {kind} {when:.4g}")
        problems += _wrong(moments[-1], ended, victim)
    ended = _run(game, cut)
    problems += _failed(f"after {'; '.join(moments)}", ended)
    if not problems:
        problems = outcome.differences(outcome.of(whole), outcome.of(cut))
    if not problems:
        shutil.rmtree(place)
    return Verdict(case, tuple(problems), int(count), "; ".join(moments))


def _moment(unbroken: Ended, generator: random.Random) -> dict[str, float]:
    """When a process is to die: before a change of a file that it makes, or at a time."""
    if unbroken.changes and generator.random() < 0.5:
        return {"change": generator.randint(1, unbroken.changes)}
    return {"seconds": generator.uniform(0.02, 0.95) * unbroken.seconds}


def _run(game: str, folder: Path, victim: int | None = None, **moment) -> list[Ended]:
    """Trains a recipe in two processes, one of which dies at a moment; how each ended."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]

    def one(index: int) -> Ended:
        arguments = [
            *(f"--config=configs/{game}.py:tiny", f"--workdir={folder}"),
            *(f"--coordinator-address=localhost:{port}", f"--num-processes={COUNT}"),
            f"--process-id={index}",
        ]
        own = moment if index == victim else {}
        log = folder.parent / f"log-{index}"
        return process.call(launch, (arguments, process.ROOT), log, **own)

    with ThreadPoolExecutor(COUNT) as threads:
        return list(threads.map(one, range(COUNT)))


def launch(arguments: list[str], cwd: Path) -> None:
    """In a copy: runs a command that waits `JOIN_WITHIN` for the others to come, and not the five minutes
    that machines get to start one after the other."""
    from genlab.process import cluster

    cluster.JOIN_WITHIN = JOIN_WITHIN
    process.launch(arguments, cwd)


def _wrong(moment: str, ended: list[Ended], victim: int) -> list[str]:
    """What is wrong with how the process that was left ended, and with whether the other was killed."""
    killed, left = ended[victim], ended[1 - victim]
    if killed.code != -signal.SIGKILL:
        return [f"{moment}: it ended itself with {killed.code}, {killed.last}"]
    problems = []
    if left.code not in (EXIT_LOST, 0):  # all of its work may have been done
        problems.append(f"{moment}: the other ended with {left.code}, {left.last}")
    if "Traceback" in left.output:
        problems.append(f"{moment}: the other showed a traceback")
    if left.seconds - killed.seconds > PATIENCE:
        late = left.seconds - killed.seconds
        problems.append(f"{moment}: the other went on for {late:.0f} s")
    return problems


def _failed(when: str, ended: list[Ended]) -> tuple[str, ...]:
    """A line for every process that did not end well."""
    return tuple(
        f"{when}: process {index} ended with {one.code}, {one.last}"
        for index, one in enumerate(ended)
        if one.code
    )
