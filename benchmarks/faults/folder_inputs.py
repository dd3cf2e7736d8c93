"""What lies in the folder of a run or a sweep, as another program, a crash or a stranger left it."""

import functools
import hashlib
import json
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from benchmarks.faults import mutation
from benchmarks.faults.case import Bench, Reader

_SWEEP = ["sweep", "--config=configs/vae.py:tiny", "--seeds=4"]
_BEST = "-mode_coverage/modes_covered"
_TARGET = "--target=negative_elbo"
MADE_BY = {
    "plain run": ["--config=configs/gan_ring.py:tiny", f"--config.eval.best={_BEST}"],
    "evolved sweep": [*_SWEEP, "--evolve=4", _TARGET],
    "halved sweep": [*_SWEEP, "--pruner=halving", _TARGET],
}


def configs(bench: Bench, folder: Path) -> Reader:
    """config.json, as `eval`, `sample` and `export` begin with it."""
    from genlab.run.folder import load_config

    return _mutated(bench, folder, "plain run", ["config.json"], load_config)


def models(bench: Bench, folder: Path) -> Reader:
    """config.json, up to the model that is built of it."""
    from genlab.run.course import load_run

    load_run(bench.folder / "plain run")  # starts the threads that a first call starts
    return _mutated(bench, folder, "plain run", ["config.json"], load_run)


def manifests(bench: Bench, folder: Path) -> Reader:
    """The manifests of checkpoints, of the best one too, half of them with a checksum that is right."""
    from genlab.storage.checkpoint import Checkpoints

    def read(run: Path) -> None:
        checkpoints = Checkpoints(run / "checkpoints")
        checkpoints.newest()
        checkpoints.newest(best=True)
        checkpoints.best_score(_BEST)

    files = ["checkpoints/*/manifest.json", "checkpoints/best/*/manifest.json"]
    return _mutated(bench, folder, "plain run", files, read, _sealed)


def _sealed(generator: random.Random, file: Path) -> bytes:
    changed = mutation.tree(generator, json.loads(file.read_text()))
    if generator.random() < 0.5 or not isinstance(changed, dict):
        return _content(generator, file)
    changed.pop("checksum", None)
    text = json.dumps(changed, sort_keys=True)
    changed["checksum"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(changed).encode()


def logs(bench: Bench, folder: Path) -> Reader:
    """metrics.jsonl and results.json, as a resumed run, a watched sweep and a report read them."""
    from genlab.reporting.report import write_report
    from genlab.run.folder import read_results
    from genlab.storage.writer import Writer
    from genlab.trials.tail import Evaluations, Tail

    config = {"stages": [], "train": {"steps": 8}, "eval": {"split": "validation"}}

    def read(run: Path) -> None:
        Tail(run / "metrics.jsonl").lines()
        trial = SimpleNamespace(config=config, folder=lambda sweep: run)
        list(Evaluations(trial, folder, "mode_coverage/modes_covered").new())
        read_results(run, 8)
        write_report(run)
        Writer(run, 4).close()

    return _mutated(bench, folder, "plain run", ["metrics.jsonl", "results.json"], read)


def run_reports(bench: Bench, folder: Path) -> Reader:
    """Everything that the page of a run shows."""
    from genlab.reporting.report import write_report

    files = ["config.json", "metrics.jsonl", "results.json", "samples/*.png"]
    return _mutated(bench, folder, "plain run", files, write_report)


def sweep_reports(bench: Bench, folder: Path) -> Reader:
    """Everything that the page and the progress of a sweep show."""
    from genlab.reporting.report import write_sweep_report
    from genlab.sweep import mode
    from genlab.sweep.progress import Overview
    from genlab.trials import manifest

    def read(sweep: Path, **trained) -> None:
        manifest.read(sweep)
        write_sweep_report(sweep)
        overview = Overview(sweep).look()
        overview.summary()
        overview.render()
        mode.check(sweep, target="negative_elbo", **trained)

    files = ["*.json", "*/*.json", "*/metrics.jsonl", "*/samples/*.png"]
    made = [
        _mutated(bench, folder / name, name, files, functools.partial(read, **trained))
        for name, trained in {
            "evolved sweep": {"evolve": 4},
            "halved sweep": {"pruner": "halving"},
        }.items()
    ]
    return lambda generator: generator.choice(made)(generator)


def status(bench: Bench, folder: Path) -> Reader:
    """The small files by which processes of a sweep know each other."""
    from genlab.sweep.process import is_running
    from genlab.trials.table import state_in

    valid = {"host": socket.gethostname(), "process": 2**22}

    def read(generator: random.Random) -> None:
        (folder / "process.json").write_bytes(mutation.document(generator, valid))
        is_running(folder)
        state_in(folder, False)

    return read


def journals(bench: Bench, folder: Path) -> Reader:
    """The journal of a study."""
    from genlab.config.files import CONFIGS
    from genlab.sweep.search import Search
    from genlab.sweep.storage import open_study
    from genlab.trials.space import Integers, Uniform

    space = {"seed": Integers(0, 9), "objective.beta": Uniform(0.5, 2.0)}
    search = Search(space=space, target="negative_elbo", trials=3, sampler="random")
    known: list[bytes] = []

    def study(sweep: Path):
        path = f"{CONFIGS}/vae.py:tiny"
        return open_study(path, sweep, search, {}, every=4, steps=8)

    def read(generator: random.Random) -> None:
        journal = folder / "sweep" / "study.journal"
        if not known:
            made = study(folder / "sweep")
            for value in (0.5, 0.25):
                made.tell(made.ask(), value)
            known.append(journal.read_bytes())
        if generator.random() < 0.5:
            journal.write_bytes(mutation.data(generator, known[0]))
        else:
            rows = [json.loads(line) for line in known[0].splitlines()]
            journal.write_bytes(mutation.lines(generator, rows))
        study(folder / "sweep").get_trials()

    return read


def _mutated(
    bench: Bench,
    folder: Path,
    made: str,
    patterns: list[str],
    read: Callable,
    content: Callable[[random.Random, Path], bytes] | None = None,
) -> Reader:
    """Mutates one file of a copy of a folder, reads the folder and puts the file back."""
    source, copy = bench.folder / made, folder / "copy"
    shutil.copytree(source, copy)
    groups = [sorted(source.glob(pattern)) for pattern in patterns]
    groups = [group for group in groups if group]

    def once(generator: random.Random) -> None:
        original = generator.choice(generator.choice(groups))
        file = copy / original.relative_to(source)
        file.write_bytes((content or _content)(generator, original))
        try:
            read(copy)
        finally:
            shutil.copy(original, file)

    return once


def _content(generator: random.Random, file: Path) -> bytes:
    if file.suffix == ".json":
        return mutation.document(generator, json.loads(file.read_text()))
    if file.suffix == ".jsonl":
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        return mutation.lines(generator, rows)
    return mutation.data(generator, file.read_bytes())


SURFACES = {
    "config.json": (2.5, configs),
    "model of config.json": (0.03, models),
    "checkpoint manifest": (1.0, manifests),
    "metrics and results": (0.3, logs),
    "report": (0.2, run_reports),
    "sweep report": (0.1, sweep_reports),
    "process.json": (1.0, status),
    "journal": (0.5, journals),
}
