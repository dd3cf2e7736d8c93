"""Paths: a run folder may be called anything; every command works in it, with the same numbers."""

import os
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.faults import outcome, process
from benchmarks.faults.case import Bench, Verdict, chosen

NAME, PROMISE = "paths", "trained, resumed, evaluated, sampled and reported alike"

_CONFIG = "--config=configs/gan_ring.py:tiny"
_PLAIN = "plain"

ODD = {
    "space": " a run ",
    "brackets": "run[1]",
    "class of letters": "[a-z]*",
    "star and question mark": "*run?",
    "braces": "{run,}",
    "single quote": "it's",
    "double quotes": 'a "run"',
    "percent": "100%",
    "formats": "%s %d {0} %(name)s",
    "composed": unicodedata.normalize("NFC", "naïve é"),
    "decomposed": unicodedata.normalize("NFD", "naïve é"),
    "other scripts": "模型-модель-🎲",
    "leading tilde": "~run",
    "home": "~/runs/first",
    "colon": "vae:tiny",
    "newline": "two\nlines",
    "tab and escape": "a\tb\x1b[31m",
    "backslash": "back\\slash\\n",
    "not utf-8": os.fsdecode(b"\xff\xfe run \xe9"),
    "leading dash": "-run",
    "long": "x" * 200,
    "shell": "$HOME;`run`&|<>#!",
    "digits": "00000004",
    "names of its own": "checkpoints/best",
}


def cases(bench: Bench, count: int) -> list[str]:
    """`paths/KIND` for so many of the odd names."""
    names = chosen(ODD, min(count, len(ODD)), bench.generator(NAME))
    return [f"{NAME}/{name}" for name in names]


def judge(bench: Bench, names: list[str]) -> Iterator[Verdict]:
    """Tries a plain name first, which the others must equal."""
    plain = bench.place(f"{NAME}/{_PLAIN}")
    problems, expected = _try(plain, _PLAIN)
    if problems:
        yield Verdict(names[0], tuple(problems), len(names))
        return

    def one(case: str) -> Verdict:
        problems, found = _try(bench.place(case), ODD[case.split("/")[1]])
        return Verdict(case, tuple(problems or outcome.differences(expected, found)))

    with ThreadPoolExecutor(bench.workers) as threads:
        yield from threads.map(one, names)


def _try(place: Path, name: str) -> tuple[list[str], dict]:
    """What fails in a folder of that name, and what it ends in."""
    home = place / "home"
    home.mkdir()
    ended = process.call(_all_commands, (place, name), place / "log")
    if ended.code:
        return [f"exit code {ended.code}, {ended.last}"], {}
    run = home / name[2:] if name.startswith("~/") else place / name
    if not run.is_dir():
        there = sorted(path.name for path in place.iterdir())
        return [f"no folder {str(run)!r} came of it, but {there}"], {}
    found = outcome.of(run)
    found["samples"] = outcome.fingerprint(_samples(place))
    return [], found


def _samples(place: Path):
    import numpy as np

    return np.load(place / "samples.npz")["samples"]


def _all_commands(place: Path, name: str) -> None:
    """In the child: half a run, the other half, and what looks at it."""
    os.environ["HOME"] = str(place / "home")
    os.symlink(process.ROOT / "configs", place / "configs")
    workdir = f"--workdir={name}"
    for arguments in (
        [_CONFIG, workdir, "--config.train.steps=4"],
        [_CONFIG, workdir],
        ["eval", workdir],
        ["sample", workdir, "--num=8", "--out=samples.npz"],
        ["report", workdir],
    ):
        process.launch(arguments, place)
