"""Corruptions: a damaged checkpoint is named, and an intact one serves in its place.

A finished run has two checkpoints and a best one; each case damages a copy of it and loads it as
`eval` and `sample` do. It must name what is damaged and give the arrays of an intact checkpoint bit for
bit, or refuse with one line.
"""

import logging
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.faults import batch, outcome, process
from benchmarks.faults.case import Bench, Verdict

NAME, PROMISE = "corruptions", "named, with an intact checkpoint or one line"

_CONFIG = [
    "--config=configs/gan_ring.py:tiny",
    "--config.eval.best=-mode_coverage/modes_covered",
]


def cases(bench: Bench, count: int) -> list[str]:
    """`corruptions/DAMAGE/NUMBER`, each kind of damage as often as the others."""
    kinds = sorted(DAMAGES)
    return [f"{NAME}/{kinds[i % len(kinds)]}/{i // len(kinds)}" for i in range(count)]


def judge(bench: Bench, names: list[str]) -> Iterator[Verdict]:
    """Trains the runs, then tries every damage in children."""
    runs = {
        name: [*_CONFIG, f"--config.seed={seed}"]
        for seed, name in enumerate(("run", "foreign"))
    }
    if failed := process.made(bench.folder, runs, bench.workers):
        yield Verdict(names[0], (failed,), len(names))
        return
    yield from batch.judged(bench, __name__, names)


def prepare(bench: Bench, folder: Path, names: list[str]) -> batch.Judge:
    """In the child: what judges a case."""
    run = bench.folder / "run" / "checkpoints"
    known = {
        path.parent: outcome.arrays(path.parent) for path in run.rglob("manifest.json")
    }

    def one(case: str) -> list[str]:
        copy = folder / "run"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(bench.folder / "run", copy, symlinks=True)
        return _judge(
            case, bench, copy, {p.relative_to(run): a for p, a in known.items()}
        )

    return one


def _judge(case: str, bench: Bench, run: Path, known: dict[Path, dict]) -> list[str]:
    generator = bench.generator(case)
    best = generator.random() < 0.2
    steps = sorted(path for path in known if (path.parts[0] == "best") == best)
    damaged = steps if generator.random() < 0.2 else steps[-1:]
    damage = DAMAGES[case.split("/")[1]]
    for step in damaged:
        path = run / "checkpoints" / step
        damage(path, bench.folder / "foreign" / "checkpoints" / step, generator)
    said, arrays, step = _load(run, best)
    problems = []
    if not any(str(run / "checkpoints" / path) in said for path in damaged):
        problems.append(f"{damaged[-1]} is not named: {said or 'nothing is said'}")
    if arrays is not None:
        intact = [known[path] for path in steps if int(path.name) == step]
        if not intact or intact[0] != arrays:
            problems.append(
                f"the arrays of step {step} are none of an intact checkpoint"
            )
        elif damaged == steps and not _harmless(run, steps, known):
            problems.append(f"step {step} is served though all were damaged")
    return problems


def _harmless(run: Path, steps: list[Path], known: dict[Path, dict]) -> bool:
    """Whether a damage left the arrays what they were."""
    try:
        return any(
            outcome.arrays(run / "checkpoints" / step) == known[step] for step in steps
        )
    except Exception:  # noqa: BLE001 unreadable, so that it did not
        return False


def _load(run: Path, best: bool) -> tuple[str, dict | None, int]:
    """What is said, the arrays where any are given, and of which step they are."""
    from genlab.errors import InputError
    from genlab.run.course import load_run
    from genlab.storage.tree import flatten

    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger("genlab").addHandler(handler)
    try:
        _, state = load_run(run, best)
    except InputError as error:
        return "\n".join([*said, str(error)]), None, 0
    finally:
        logging.getLogger("genlab").removeHandler(handler)
    found = {name: outcome.fingerprint(leaf) for name, leaf in flatten(state).items()}
    return "\n".join(said), dict(sorted(found.items())), int(state.step)


def _file(step: Path, generator: random.Random) -> Path:
    """A file of a checkpoint, never empty, the manifest among them."""
    files = (path for path in step.rglob("*") if path.is_file() and path.stat().st_size)
    return generator.choice(sorted(files))


def _flip(step: Path, foreign: Path, generator: random.Random) -> None:
    file = _file(step, generator)
    data = bytearray(file.read_bytes())
    data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    file.write_bytes(data)


def _truncate(step: Path, foreign: Path, generator: random.Random) -> None:
    file = _file(step, generator)
    os.truncate(file, generator.randrange(file.stat().st_size))


def _append(step: Path, foreign: Path, generator: random.Random) -> None:
    with _file(step, generator).open("ab") as file:
        file.write(generator.randbytes(generator.randint(1, 64)))


def _empty(step: Path, foreign: Path, generator: random.Random) -> None:
    os.truncate(_file(step, generator), 0)


def _delete(step: Path, foreign: Path, generator: random.Random) -> None:
    _file(step, generator).unlink()


def _replace(step: Path, foreign: Path, generator: random.Random) -> None:
    file = _file(step, generator)
    file.write_bytes(generator.randbytes(file.stat().st_size))


def _swap(step: Path, foreign: Path, generator: random.Random) -> None:
    files = sorted(path for path in step.rglob("*") if path.is_file())
    one = _file(step, generator)
    other = generator.choice(
        [file for file in files if file.read_bytes() != one.read_bytes()]
    )
    one_bytes, other_bytes = one.read_bytes(), other.read_bytes()
    one.write_bytes(other_bytes)
    other.write_bytes(one_bytes)


def _into_folder(step: Path, foreign: Path, generator: random.Random) -> None:
    file = _file(step, generator)
    file.unlink()
    file.mkdir()


def _dangle(step: Path, foreign: Path, generator: random.Random) -> None:
    file = _file(step, generator)
    file.unlink()
    file.symlink_to(generator.choice(["nowhere", file.name]))  # nothing, or itself


def _input_output_error(step: Path, foreign: Path, generator: random.Random) -> None:
    file = _file(step, generator)
    file.unlink()
    file.symlink_to("/proc/self/mem")  # a file whose first byte gives EIO to everybody


def _pipe(step: Path, foreign: Path, generator: random.Random) -> None:
    file = _file(step, generator)
    file.unlink()
    os.mkfifo(file)


def _clear(step: Path, foreign: Path, generator: random.Random) -> None:
    shutil.rmtree(step)
    step.mkdir()


def _take_foreign(step: Path, foreign: Path, generator: random.Random) -> None:
    shutil.rmtree(step)
    shutil.copytree(foreign, step)


def _take_other_step(step: Path, foreign: Path, generator: random.Random) -> None:
    """Another step of the same run under this one's name."""
    own = (step / "manifest.json").read_bytes()
    others = [*step.parent.glob("0*/manifest.json"), *step.parents[1].glob("0*/*.json")]
    # Where all are damaged, another may be this one already.
    others = sorted(path.parent for path in others if path.read_bytes() != own)
    others = [path for path in others if path.name != step.name]
    if not others:
        return _clear(step, foreign, generator)
    other = generator.choice(others)
    shutil.rmtree(step)
    shutil.copytree(other, step)


def _break_manifest(step: Path, foreign: Path, generator: random.Random) -> None:
    odd = ["", "{}", "[]", "null", '{"files": {}}', '{"files": null, "step": 4}', "\0"]
    (step / "manifest.json").write_text(generator.choice(odd))


DAMAGES: dict[str, Callable[[Path, Path, random.Random], None]] = {
    "flipped bit": _flip,
    "truncated": _truncate,
    "appended": _append,
    "empty": _empty,
    "deleted": _delete,
    "replaced": _replace,
    "swapped files": _swap,
    "folder for a file": _into_folder,
    "dangling link": _dangle,
    "input output error": _input_output_error,
    "pipe": _pipe,
    "empty folder": _clear,
    "foreign run": _take_foreign,
    "other step": _take_other_step,
    "manifest": _break_manifest,
}
