"""Fuzzing: input that nobody would write is used or refused in one line, soon and in little memory.

A surface is a place where genlab reads what others wrote. Its cases are split over children that read
one input after another; any exception but an `InputError` (or absl's error of a flag) is a failure, and
so is a traceback that is only printed, a case of seconds, and one that asks for a gigabyte.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.faults import batch, process
from benchmarks.faults.case import Bench, Verdict

NAME, PROMISE = "fuzz", "used, or refused in one line"


def surfaces() -> dict:
    """Every surface by its name: `(share, begin)`.

    `begin(bench, folder)` returns what reads one input: generator -> None.
    """
    from benchmarks.faults import data_inputs, folder_inputs, text_inputs

    return {**text_inputs.SURFACES, **folder_inputs.SURFACES, **data_inputs.SURFACES}


def cases(bench: Bench, count: int) -> list[str]:
    """`fuzz/SURFACE/NUMBER`; surfaces that read fast have more of them."""
    shares = {name: share for name, (share, _) in surfaces().items()}
    whole = sum(shares.values())
    return [
        f"{NAME}/{name}/{number}"
        for name, share in sorted(shares.items())
        for number in range(round(count * share / whole))
    ]


def judge(bench: Bench, names: list[str]) -> Iterator[Verdict]:
    """Makes the folders that inputs are mutated from, then reads every input in children."""
    from benchmarks.faults import folder_inputs

    for name, arguments in folder_inputs.MADE_BY.items():
        folder = bench.folder / name
        ended = process.command(
            [*arguments, f"--workdir={folder}"], bench.folder / f"{name}.log"
        )
        if ended.code:
            yield Verdict(names[0], (f"{name}: {ended.last}",), len(names))
            return
    yield from batch.judged(bench, __name__, names)


def prepare(bench: Bench, folder: Path, names: list[str]) -> batch.Judge:
    """In the child: what judges a case."""
    from absl.flags import Error as FlagError

    from genlab.errors import InputError

    os.chdir(folder)  # whatever a path says, it is said from here
    readers = {}
    for surface in sorted({name.split("/")[1] for name in names}):
        place = folder / surface.replace(" ", "-")
        place.mkdir()
        readers[surface] = surfaces()[surface][1](bench, place)

    def one(case: str) -> list[str]:
        try:
            readers[case.split("/")[1]](bench.generator(case))
        except (InputError, FlagError):
            pass
        return []

    return one
