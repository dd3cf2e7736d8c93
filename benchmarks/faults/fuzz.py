"""Fuzzing: input that nobody would write is used or refused in one line, soon and in little memory.

A surface is a place where genlab reads what others wrote. Its cases are split over children that read
one input after another; any exception but an `InputError` is a failure, and
so is a traceback that is only printed, a case of seconds, and one that asks for a gigabyte.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.faults import batch, mutation, process
from benchmarks.faults.case import Bench, Reader, Verdict

NAME, PROMISE = "fuzz", "used, or refused in one line"
VALID = 3  # valid inputs of a surface that must be used


def surfaces() -> dict:
    """Every surface by its name: `(share, begin)`, the share of all inputs being relative.

    `begin(bench, folder)` returns what reads one input: generator -> None.
    """
    from benchmarks.faults import (
        bombs,
        data_inputs,
        folder_inputs,
        kept_inputs,
        text_inputs,
        weight_inputs,
    )

    rooms = text_inputs, folder_inputs, data_inputs, weight_inputs, kept_inputs, bombs
    return {name: row for room in rooms for name, row in room.SURFACES.items()}


def cases(bench: Bench, count: int) -> list[str]:
    """`fuzz/SURFACE/NUMBER`; surfaces that read fast have more of them."""
    names = sorted(surfaces())
    sums = list(itertools.accumulate(surfaces()[name][0] for name in names))
    ends = [round(count * part / sums[-1]) for part in sums]
    return [
        f"{NAME}/{name}/{number}"
        for name, begin, end in zip(names, [0, *ends], ends, strict=False)
        for number in range(end - begin)
    ]


def judge(bench: Bench, names: list[str]) -> Iterator[Verdict]:
    """Makes the folders that inputs are mutated from, then reads every input in children."""
    from benchmarks.faults import folder_inputs

    if failed := process.made(bench.folder, folder_inputs.MADE_BY, bench.workers):
        yield Verdict(names[0], (failed,), len(names))
        return
    yield from batch.judged(bench, __name__, names)


def prepare(bench: Bench, folder: Path, names: list[str]) -> batch.Judge:
    """In the child: what judges a case."""
    from genlab.errors import InputError

    os.chdir(folder)  # whatever a path says, it is said from here
    readers, broken = {}, {}
    for surface in sorted({name.split("/")[1] for name in names}):
        place = folder / surface.replace(" ", "-")
        place.mkdir()
        readers[surface] = surfaces()[surface][1](bench, place)
        broken[surface] = refusal(readers[surface])

    def one(case: str) -> list[str]:
        surface = case.split("/")[1]
        try:
            readers[surface](bench.generator(case))
        except InputError:
            pass
        return broken[surface]

    return one


def refusal(reader: Reader) -> list[str]:
    """Why what is valid is not used, of a surface whose refusals then say nothing."""
    try:
        for seed in range(VALID):
            reader(mutation.Faithful(seed))
    except Exception as error:  # noqa: BLE001 whatever it is, it has no place there
        return [f"valid input fails, {batch.place_of(error)}"]
    return []
