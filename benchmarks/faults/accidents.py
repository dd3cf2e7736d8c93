"""Accidents: what befalls folders and disks between two commands; nothing is lost, and all is said.

Each case has a copy of a finished run or sweep, damages it, and gives commands that must mend it, pass
over it or refuse in one line.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.faults import outcome, process
from benchmarks.faults.case import Bench, Verdict, chosen
from benchmarks.faults.process import Ended

NAME, PROMISE = "accidents", "mended, passed over, or refused in one line"

REFUSED = 2
_RECIPE = "gan_ring.py"
MADE_BY = {
    "run": [f"--config=configs/{_RECIPE}:tiny"],
    "sweep": ["sweep", f"--config=configs/{_RECIPE}:tiny", "--seeds=2"],
}
_SMALL = "size=1m"  # of a disk, too small for the model below
_WIDE = "--config.model.generator.hidden=(600,600)"


class Unable(Exception):
    """This machine does not let the accident happen."""


def cases(bench: Bench, count: int) -> list[str]:
    """`accidents/WHAT` for so many of them."""
    names = chosen(ACCIDENTS, min(count, len(ACCIDENTS)), bench.generator(NAME))
    return [f"{NAME}/{name}" for name in names]


def judge(bench: Bench, names: list[str]) -> Iterator[Verdict]:
    """Makes a run and a sweep, then tries every accident on copies of them."""
    whole = bench.place(f"{NAME}/whole")
    if failed := process.made(whole, MADE_BY, bench.workers):
        yield Verdict(names[0], (failed,), len(names))
        return

    def one(case: str) -> Verdict:
        place = bench.place(case)
        shutil.copytree(whole, place, dirs_exist_ok=True)
        try:
            found = ACCIDENTS[case.split("/")[1]](place, bench.generator(case))
        except Unable as error:
            return Verdict(case, count=0, note=f"skipped: {error}")
        return Verdict(case, tuple(found))

    with ThreadPoolExecutor(bench.workers) as threads:
        yield from threads.map(one, names)


def _command(arguments: list[str], place: Path) -> Ended:
    return process.command(arguments, place / "log")


def _checkpoints_gone(place: Path, generator: random.Random) -> list[str]:
    """The history is there, what it led to is not: nothing starts over."""
    run = place / "run"
    shutil.rmtree(run / "checkpoints")
    before = outcome.of(run)
    again = _command([*MADE_BY["run"], f"--workdir={run}"], place)
    return _refusal(again, "checkpoints") + outcome.differences(before, outcome.of(run))


def _config_in(folder: str) -> Callable[[Path, random.Random], list[str]]:
    def tried(place: Path, generator: random.Random) -> list[str]:
        (place / folder).mkdir()
        config = shutil.copy(process.ROOT / "configs" / _RECIPE, place / folder)
        trained = _command([f"--config={config}:tiny", f"--workdir={place}/odd"], place)
        if trained.code:
            return [_said(trained)]
        expected, found = outcome.of(place / "run"), outcome.of(place / "odd")
        return outcome.differences(expected, found)

    return tried


def _report_of(
    pattern: str, *, named: bool = True
) -> Callable[[Path, random.Random], list[str]]:
    """A page is made without what is damaged, which is named unless it may be whole."""

    def tried(place: Path, generator: random.Random) -> list[str]:
        file = generator.choice(sorted(place.glob(pattern)))
        top = place / file.relative_to(place).parts[0]
        file.write_bytes(_damage(generator, file.read_bytes()))
        (top / "report.html").unlink()
        made = _command(["report", f"--workdir={top}"], place)
        if made.code or "Traceback" in made.output:
            return [_said(made)]
        problems = [] if (top / "report.html").exists() else ["there is no page"]
        if named and file.name not in made.output:
            problems.append(f"{file.name} is not named: {made.last}")
        return problems

    return tried


def _manifest_of_a_page(place: Path, generator: random.Random) -> list[str]:
    """Without it nothing says what the trials are."""
    file = place / "sweep" / "sweep.json"
    file.write_bytes(_damage(generator, file.read_bytes()))
    return _refusal(_command(["report", f"--workdir={place}/sweep"], place), file.name)


def _resumed_with(pattern: str) -> Callable[[Path, random.Random], list[str]]:
    """The command that made the folder ends where it ended, whatever a side file has become."""

    def tried(place: Path, generator: random.Random) -> list[str]:
        file = generator.choice(sorted(place.glob(pattern)))
        name = file.relative_to(place).parts[0]
        expected = outcome.of(place / name)
        file.write_bytes(_damage(generator, file.read_bytes()))
        again = _command([*MADE_BY[name], f"--workdir={place / name}"], place)
        if again.code or "Traceback" in again.output:
            return [_said(again)]
        return outcome.differences(expected, outcome.of(place / name))

    return tried


def _damage(generator: random.Random, content: bytes) -> bytes:
    """What no reader takes for whole: nothing, a part, or noise of the same size."""
    cut = generator.randrange(1, max(2, len(content) // 2))
    return generator.choice((b"", content[:cut], generator.randbytes(len(content))))


def _full_disk(place: Path, generator: random.Random) -> list[str]:
    """A disk that is full while a checkpoint is written, and later has room."""
    small = place / "small"
    small.mkdir()
    arguments = [*MADE_BY["run"], _WIDE]
    if _mount("-t", "tmpfs", "-o", _SMALL, "tmpfs", str(small)):
        raise Unable("mounting a small disk needs root")
    try:
        stopped = _command([*arguments, f"--workdir={small}/run"], place)
        problems = _refusal(stopped, "no space left")
        _mount("-o", "remount,size=100m", str(small))
        again = _command([*arguments, f"--workdir={small}/run"], place)
        whole = _command([*arguments, f"--workdir={place}/large"], place)
        if again.code or whole.code:
            return [*problems, f"with room: {_said(again)}; {_said(whole)}"]
        expected, found = outcome.of(place / "large"), outcome.of(small / "run")
        return problems + outcome.differences(expected, found)
    finally:
        subprocess.run(["umount", str(small)], check=False)


def _mount(*arguments: str) -> int:
    """The exit code of mounting a file system."""
    if os.geteuid():
        return 1
    done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    return done.returncode


def _refusal(ended: Ended, named: str) -> list[str]:
    """What is wrong with a refusal."""
    if ended.code != REFUSED or "Traceback" in ended.output:
        return [_said(ended)]
    return [] if named in ended.output else [f"{named!r} is not named: {ended.last}"]


def _said(ended: Ended) -> str:
    return f"exit code {ended.code}, {ended.last}"


ACCIDENTS: dict[str, Callable[[Path, random.Random], list[str]]] = {
    "checkpoints gone": _checkpoints_gone,
    "full disk": _full_disk,
    "config behind a colon": _config_in("vae:tiny"),
    "config in brackets": _config_in("[a-z]*"),
    "config in quotes": _config_in('it\'s "one"\n'),
    "config in bytes": _config_in(os.fsdecode(b"\xff\xe9")),
    "log of a report": _report_of("run/metrics.jsonl", named=False),
    "results of a report": _report_of("run/results.json"),
    "picture of a report": _report_of("run/samples/*.png"),
    "config of a sweep's page": _report_of("sweep/*/config.json"),
    "results of a sweep's page": _report_of("sweep/*/results.json"),
    "log of a sweep's page": _report_of("sweep/*/metrics.jsonl", named=False),
    "manifest of a sweep's page": _manifest_of_a_page,
    "results of a run": _resumed_with("run/results.json"),
    "manifest of a sweep": _resumed_with("sweep/sweep.json"),
    "results of a sweep": _resumed_with("sweep/*/results.json"),
    "mode of a sweep": _resumed_with("sweep/population.json"),
}
