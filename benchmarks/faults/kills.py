"""Kills: a command that dies at chosen moments and is given again ends as if it had never died.

Every recipe of `configs/` and every engine is a game; kills are dealt among them. Half of the
moments are a change of a file, of those that the command announced when nothing killed it; the others
a time, in one of five with the start of a new interpreter in it.
"""

import json
import os
import random
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults import outcome, process
from benchmarks.faults.case import Bench, Verdict, chosen
from benchmarks.faults.process import Ended

NAME, PROMISE = "kills", "bit-identical with the unbroken run"
ATTEMPTS = 8  # draws of a moment until one falls before the command's end

_TARGET = "--target=negative_elbo"
ENGINES = {
    "population of stages": ("stacked_autoencoder", "--seeds=2"),
    "population halved": ("vae", "--seeds=4", "--pruner=halving", _TARGET),
    "population evolved": ("vae", "--seeds=4", "--evolve=4", _TARGET),
    "local": ("gan_ring", "--seeds=2", "--engine=local", "--workers=2"),
    "search": (
        *("gan_ring", "--sweep=space", "--engine=local", "--workers=1", "--trials=2"),
        *("--sampler=random", "--target=mode_coverage/modes_covered"),
    ),
}


def cases(bench: Bench, count: int) -> list[str]:
    """`kills/GAME/COUNT` for each game that is dealt some."""
    names = chosen(games(), count, bench.generator(NAME))
    return [f"{NAME}/{name}/{names.count(name)}" for name in sorted(set(names))]


def games() -> dict[str, list[str]]:
    """The arguments of every game, by name: all recipes alone, and sweeps in every engine."""
    from genlab.config import files

    recipes = [path.stem for path in files.recipes()]
    alone = {name: [f"--config=configs/{name}.py:tiny"] for name in recipes}
    swept = {
        name: ["sweep", f"--config=configs/{config}.py:tiny", *flags]
        for name, (config, *flags) in ENGINES.items()
    }
    return {**alone, **swept}


def judge(bench: Bench, names: list[str]) -> Iterator[Verdict]:
    """Tries the cases, several at a time."""
    with ThreadPoolExecutor(bench.workers) as threads:
        yield from threads.map(lambda name: _Sequence(bench, name).judge(), names)


@dataclass
class _Sequence:
    """One game: the unbroken run, and the same with kills."""

    bench: Bench
    case: str

    def judge(self) -> Verdict:
        _, game, count = self.case.split("/")
        self.place = self.bench.place(self.case)
        self.arguments = games()[game]
        self.generator = self.bench.generator(self.case)
        whole, cut = self.place / "whole" / "run", self.place / "cut" / "run"
        whole.parent.mkdir()
        cut.parent.mkdir()
        self.unbroken = self._run(whole)
        if self.unbroken.code:
            return Verdict(self.case, (_said("unbroken", self.unbroken),), int(count))
        moments = [self._kill(cut) for _ in range(int(count))]
        ended = self._run(cut)
        if ended.code:
            problems = [_said(f"after kills {', '.join(moments)}", ended)]
        else:
            problems = outcome.differences(outcome.of(whole), outcome.of(cut))
        if not problems:
            shutil.rmtree(self.place)
        return Verdict(self.case, tuple(problems), int(count), ", ".join(moments))

    def _run(self, folder: Path, **moment) -> Ended:
        return process.command(
            [*self.arguments, f"--workdir={folder}"], folder.parent / "log", **moment
        )

    def _kill(self, folder: Path) -> str:
        """Starts the command and kills it; says when."""
        for _ in range(ATTEMPTS):
            moment, ended = self._die(folder)
            if ended.code == -signal.SIGKILL:
                if self.generator.random() < 0.5:
                    _kill_trials(folder, self.generator)
                return moment
            if ended.code:
                return f"{moment} failed: {ended.last}"
            shutil.rmtree(folder)  # it was faster; from the start again
        raise RuntimeError(f"{self.case}: no moment of {ATTEMPTS} fell before the end")

    def _die(self, folder: Path) -> tuple[str, Ended]:
        draw = self.generator.random()
        if draw < 0.5:
            change = self.generator.randint(1, max(1, self.unbroken.changes))
            return f"before change {change}", self._run(folder, change=change)
        seconds = self.generator.uniform(0.02, 0.95) * self.unbroken.seconds
        if draw < 0.9:
            return f"at {seconds:.2f} s", self._run(folder, seconds=seconds)
        seconds += self.generator.uniform(0.0, 3.0)  # of imports
        return f"at {seconds:.2f} s from a fresh start", process.fresh(
            [*self.arguments, f"--workdir={folder}"],
            folder.parent / "log",
            seconds=seconds,
        )


def _kill_trials(folder: Path, generator: random.Random) -> None:
    """Kills the trials that a killed sweep left behind, each or not."""
    for file in sorted(folder.glob("*/process.json")):
        try:
            trial = json.loads(file.read_text())["process"]
            if generator.random() < 0.7:
                os.kill(trial, signal.SIGKILL)
        except (OSError, ValueError, KeyError):
            pass  # it has ended, or the kill came while the file was written


def _said(when: str, ended: Ended) -> str:
    return f"{when}: exit code {ended.code}, {ended.last}"
