"""Many small cases one after another in one child, whose memory and patience have limits.

A case that kills the child, or hangs in it, is a failure of that case; another child goes on behind it.
"""

import faulthandler
import importlib
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.faults import process
from benchmarks.faults.case import Bench, Verdict

SLOW = 5.0  # seconds of a processor that a case may take
HANGING = 120.0  # seconds after which the child is given up
MEMORY = 2**30  # bytes that a case may ask for beyond those of the child
DAYS = 10**6

Judge = Callable[[str], list[str]]


def judged(bench: Bench, module: str, names: list[str]) -> Iterator[Verdict]:
    """Verdicts on cases.

    Args:
      bench: of the cases.
      module: has `prepare(bench, folder, names)`, which returns what judges one: its name -> its
        problems.
      names: of the cases.
    """
    shares = [names[i :: bench.workers] for i in range(bench.workers)]
    jobs = [(bench, module, share, f"{module} {i}") for i, share in enumerate(shares)]
    with ThreadPoolExecutor(bench.workers) as threads:
        for verdicts in threads.map(lambda job: list(_share(*job)), jobs):
            yield from verdicts


def _share(
    bench: Bench, module: str, names: list[str], place: str
) -> Iterator[Verdict]:
    number = 0
    while names:
        number += 1
        folder = bench.place(f"{place} {number}")
        arguments = (bench, module, names, folder)
        ended = process.call(_work, arguments, folder / "log", seconds=DAYS)
        file = folder / "verdicts.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        yield from (
            Verdict(case, tuple(found)) for case, found in map(json.loads, lines)
        )
        if ended.code == 0:
            return
        if not (folder / "prepared").exists():
            yield Verdict(
                names[0], (f"cannot begin: {ended.output[-400:]}",), len(names)
            )
            return
        lost, names = names[len(lines)], names[len(lines) + 1 :]
        last = ended.output.strip()[-1500:]
        hung = "hangs" if "Timeout" in last else f"exit code {ended.code}"
        yield Verdict(lost, (f"the process ended ({hung}): {last}",))


def _work(bench: Bench, module: str, names: list[str], folder: Path) -> None:
    """In the child: every case, its verdict written before the next begins."""
    from genlab.commands.cli import main

    main(["launch.py", "help"])  # sets up the log, as every command does
    judge = importlib.import_module(module).prepare(bench, folder, names)
    (folder / "prepared").touch()
    _limit_memory()
    with (folder / "verdicts.jsonl").open("a", buffering=1) as file:
        for name in names:
            faulthandler.dump_traceback_later(HANGING, exit=True)
            file.write(json.dumps([name, _problems(judge, name)]) + "\n")
    faulthandler.cancel_dump_traceback_later()


def _problems(judge: Judge, name: str) -> list[str]:
    begin, written = time.process_time(), os.fstat(2).st_size
    try:
        problems = judge(name)
    except Exception as error:  # noqa: BLE001 that there is none is what is tried
        problems = [place_of(error)]
    if (spent := time.process_time() - begin) > SLOW:
        problems.append(f"took {spent:.1f} s")
    sys.stderr.flush()
    log = Path("/proc/self/fd/2").read_bytes()[written:]
    if b"Traceback (most recent call last)" in log:
        problems.append(f"prints a traceback: {log.decode(errors='replace')[-300:]}")
    return problems


def place_of(error: BaseException) -> str:
    """An exception in one line, with the line of genlab that it passed last."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/genlab/" in frame.filename] or frames
    where = f"{'/'.join(Path(own[-1].filename).parts[-2:])}:{own[-1].lineno}"
    return f"{type(error).__name__} at {where}: {' '.join(str(error).split())[:200]}"


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
