"""Numbers: where the steps of a player are so long that something is not finite, round and player are named, and the
round is played again. Who is named may be another player, whose loss came of it.

Every player of every recipe of `configs/` is a case, by its rate of 1e30.
"""

import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.faults import process
from benchmarks.faults.case import Bench, Verdict, chosen

NAME, PROMISE = "numbers", "named by round and a player, and replayed"

STOPPED = 1  # exit code of a run that met what is no number
RATE = "1e30"


def cases(bench: Bench, count: int) -> list[str]:
    """`numbers/RECIPE/PLAYER` for so many of them."""
    names = players()
    names = chosen(names, min(count, len(names)), bench.generator(NAME))
    return [f"{NAME}/{name}" for name in sorted(names)]


def players() -> list[str]:
    """`RECIPE/PLAYER` of every optimizer of every recipe."""
    from genlab.config import files, load

    return [
        f"{path.stem}/{player}"
        for path in files.recipes()
        for player in load.plain(load.load(f"{path}:tiny"))["optimizer"]
    ]


def judge(bench: Bench, names: list[str]) -> Iterator[Verdict]:
    """Tries the cases, several at a time."""
    with ThreadPoolExecutor(bench.workers) as threads:
        yield from threads.map(lambda name: _judged(bench, name), names)


def _judged(bench: Bench, case: str) -> Verdict:
    _, recipe, player = case.split("/")
    place = bench.place(case)
    where = f"--workdir={place / 'run'}"
    wild = f"--config.optimizer.{player}.learning_rate={RATE}"
    arguments = [f"--config=configs/{recipe}.py:tiny", wild, where]
    ended = process.command(arguments, place / "log")
    if not ended.code:
        shutil.rmtree(place)
        return Verdict(case, count=0, note="stays finite")
    if ended.code != STOPPED or "Traceback" in ended.output:
        return Verdict(case, (f"exit code {ended.code}, {ended.last}",))
    named = re.search(r"step \d+ of player '(\w+)'|player '(\w+)'", ended.output)
    problems = [] if named else [f"no player is named: {ended.last}"]
    again = process.command(["replay", where], place / "log")
    if again.code or "first not finite" not in again.output:
        problems.append(f"replayed: exit code {again.code}, {again.last}")
    if not problems:
        shutil.rmtree(place)
    return Verdict(case, tuple(problems))
