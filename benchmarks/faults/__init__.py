"""Faults on purpose: kills, numbers that are none, damaged files, odd paths, signals, and input that nobody would write.

  python -m benchmarks faults [--seed=0] [--only=CASE] [--part=K/N]
    [--kills=N] [--hosts=N] [--numbers=N] [--corruptions=N] [--accidents=N] [--paths=N] [--signals=N]
    [--fuzz=N]

Every case has random numbers of its own, made from the seed and its name, so that a failure is
repeated by the command that is printed with it. A kind without cases is left out. `--part=2/5` tries
the second fifth of them all: five commands try what one does without it.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.faults import process
from benchmarks.faults.case import Bench
from benchmarks.faults.totals import Totals

SHORT = {
    "kills": 4,
    "hosts": 2,
    "numbers": 4,
    "corruptions": 40,
    "accidents": 3,
    "paths": 3,
    "signals": 3,
    "fuzz": 1500,
}


def main(arguments: list[str]) -> int:
    """Tries what the arguments ask for; returns 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks faults")
    for kind, count in SHORT.items():
        parser.add_argument(f"--{kind}", type=int, default=count)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="one case, as a failure names it")
    parser.add_argument("--part", type=_part, default=(1, 1), help="K/N of the cases")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args(arguments)
    process.prepare()
    sys.stdout.reconfigure(errors="backslashreplace")  # names of files that are no text
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        bench = Bench(given.seed, Path(folder), given.workers)
        totals = Totals(bench)
        for kind in _kinds():
            cases = cases_of(kind, bench, given)
            if cases:
                totals.take(kind.NAME, kind.PROMISE, kind.judge(bench, cases))
        totals.show()
        return int(totals.failed)


def _kinds() -> list:
    from benchmarks.faults import (
        accidents,
        corruptions,
        fuzz,
        hosts,
        kills,
        numbers,
        paths,
        signals,
    )

    return [kills, hosts, numbers, corruptions, accidents, paths, signals, fuzz]


def cases_of(kind, bench: Bench, given: argparse.Namespace) -> list[str]:
    """The cases of a kind that the arguments ask for."""
    if given.only:
        return [given.only] if given.only.startswith(f"{kind.NAME}/") else []
    part, parts = given.part
    return kind.cases(bench, getattr(given, kind.NAME))[part - 1 :: parts]


def _part(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not 1 <= int(part) <= int(parts):
        raise ValueError(text)
    return int(part), int(parts)
