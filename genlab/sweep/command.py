"""`genlab sweep`: from flags to trials, an engine, and what came out."""

import json
import logging
import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from genlab.errors import InputError
from genlab.process import command, display
from genlab.process.duration import told
from genlab.process.signals import Stop, stop_requested
from genlab.run.folder import locked
from genlab.sweep import engines
from genlab.sweep.engine import SEARCH, Engine, SearchEngine
from genlab.sweep.judge import check_measured
from genlab.sweep.search import Search
from genlab.sweep.share import Share, alone
from genlab.sweep.study import Study
from genlab.trials import manifest, seeds, space, table
from genlab.trials.trial import Trial, named_sweep, resolve
from genlab.writers import log as writers

_log = logging.getLogger("genlab")


def run(path: str, common: dict[str, str], workdir: Path, values: Any) -> None:
    """Trains what the flags describe, writes the table and the report and prints the table.

    Args:
      path: the config, FILE[:variant].
      common: overrides of every trial, as text.
      workdir: the folder of the sweep.
      values: the flags of the command.

    Raises:
      NoneFinished: some trials failed, and no other has results.
      InputError: flags that describe no sweep, or one that the engine cannot train.
      Stopped: a signal asked to stop; the running trials are saved.
    """
    engine = engines.choose(values)(path, common, workdir, values)
    named = named_sweep(path, values.sweep) if values.sweep else None
    search = _search_of(named, engine)
    if search is None:
        trials = _train(engine, _chosen(named, values))
    else:
        trials = _search(engine, search)
    if engine.trains:
        _tell(engine, trials)


def _search_of(named: Any, engine: Engine) -> Search | None:
    """How the trials are chosen one after another; None for trials that are known beforehand."""
    values = engine.values
    if not isinstance(engine, SearchEngine):
        return None
    if not isinstance(named, dict) or not values.target:
        for flag in SEARCH:
            if getattr(values, flag.name) is not None:
                raise InputError(
                    f"--{flag.name} is for a search: --sweep=NAME of a space and"
                    " --target=[-]VALUE"
                )
        return None
    if values.share is not None:
        raise InputError(
            "--share divides trials that are known; a search is shared by the same command on each"
            " machine"
        )
    for flag in ("grid", "seeds"):
        if getattr(values, flag) is not None:
            raise InputError(
                f"--{flag} multiplies trials that are known; a search of a space chooses all"
            )
    return Search(
        space=named,
        target=values.target,
        trials=values.trials or 0,
        sampler=values.sampler or "tpe",
        pruner=values.pruner or "none",
        storage=values.storage or "",
    )


def _chosen(named: Any, values: Any) -> list[space.Overrides]:
    """The trials that --sweep, --grid and --seeds name together."""
    if isinstance(named, dict):
        named = space.draw(named, values.trials or 0)
    elif values.trials is not None:
        raise InputError(f"--trials={values.trials} is for --sweep=NAME of a space")
    parts = [] if named is None else [named]
    parts += [space.parse_grid(values.grid)] if values.grid else []
    parts += [space.seeds(values.seeds)] if values.seeds else []
    if not parts:
        raise InputError("a sweep needs --sweep=NAME, --grid or --seeds")
    return space.product(*parts)


def _train(engine: Engine, chosen: list[space.Overrides]) -> list[Trial]:
    """Trains trials that are known beforehand."""
    share = Share.read(engine.values.share)
    trials = resolve(engine.path, engine.common, chosen)
    _check_target(trials, engine.values.target)
    _check_folders(trials, engine.sweep)
    for names in {json.dumps(trial.config["writers"]) for trial in trials}:
        writers.check(json.loads(names))
    with display.doing("checking the trials"):
        engine.check(trials)
    # An engine without pruners has refused the flag.
    pruner = engine.values.pruner or ""
    held = share.held(engine.sweep, trials)
    with _under_way(engine, held, trials, pruner=pruner) as stop:
        engine.train(share.trials(trials), stop)
    return trials


def _search(engine: SearchEngine, search: Search) -> list[Trial]:
    """Trains trials that are chosen by what the ones before reached."""
    if search.count < search.trials:
        _log.warning("the space has %d points, each a trial", search.count)
    engine.check([])
    study = Study(engine.path, engine.common, engine.sweep, search)
    described = {"sampler": search.sampler, "pruner": search.pruner}
    held = nullcontext() if engine.shares else locked(engine.sweep)
    with _under_way(engine, held, (), **described) as stop:
        return engine.search(study, stop)


def _check_target(trials: list[Trial], target: str) -> None:
    first_of = {}  # alike in data and evaluation, checked once
    for trial in trials if target else ():
        key = json.dumps([trial.config[name] for name in ("data", "eval", "train")])
        first_of.setdefault(key, trial)
    for trial in first_of.values():
        check_measured(trial.config, target)


def _check_folders(trials: list[Trial], sweep: Path) -> None:
    """Refuses, before anything is trained, whatever lies where a trial's folder is to be."""
    for trial in trials:
        folder = trial.folder(sweep)
        if os.path.lexists(folder) and not folder.is_dir():
            raise InputError(
                f"{str(folder)!r} is no folder, and a trial would train in one there; move it away"
                " or name another with --workdir=DIR"
            )


@contextmanager
def _under_way(
    engine: Engine,
    held: AbstractContextManager,
    trials: Iterable[Trial],
    *,
    sampler: str = "",
    pruner: str = "",
) -> Iterator[Stop]:
    """Writes the manifest first and, once the folder is no longer held, the report, also of a sweep that is
    stopped."""
    from genlab.reporting.report import write_sweep_report

    described = manifest.Manifest(
        command=command.line(without="share"),
        config=engine.path,
        common=engine.common,
        recipe=manifest.recipe_of(engine.path),
        engine=engine.name,
        sweep=engine.values.sweep or "",
        target=engine.values.target or "",
        sampler=sampler,
        pruner=pruner,
        trials=manifest.entries(trials),
    )
    begun = False
    try:
        with held:
            manifest.write(engine.sweep, described)
            begun = True
            with stop_requested() as stop:
                yield stop
    finally:
        if begun and engine.trains:
            with alone(engine.sweep), display.doing("writing the report of the sweep"):
                write_sweep_report(engine.sweep)


def _tell(engine: Engine, trials: list[Trial]) -> None:
    """Writes the table and prints it, with what the seeds and the target say of the trials."""
    sweep, target = engine.sweep, engine.values.target or ""
    # First, since nobody may be there to read what is printed.
    with alone(sweep):
        written = table.write_csv(trials, sweep)
    print(table.render(trials, sweep))
    if summary := seeds.over_seeds(trials, sweep, target):
        print(f"\n{summary}\n")
    print(written)
    print(f"done in {told(display.lasted())}: {sweep / 'report.html'}")
    if target:
        _tell_best(engine, trials)
    table.tell_failures(trials, sweep)


def _tell_best(engine: Engine, trials: list[Trial]) -> None:
    """Prints which finished trial is the best by the target, and the command that trains it."""
    target = engine.values.target
    if (found := table.best_of(trials, engine.sweep, target)) is None:
        return
    best, value = found
    folder, split = best.folder(engine.sweep), best.config["eval"]["split"]
    print(f"{target.removeprefix('-')} on {split}: {value:.6g}, of {best.name}")
    if (folder / "evolution.json").exists():
        print(
            f"best: {folder}, which no command trains alone: it copied others and went on with"
            " other knobs, see its evolution.json; eval and sample build it with those that it"
            " began with"
        )
        return
    flags = {**engine.common, **best.overrides}.items()
    chosen = [f"--config.{key}={value}" for key, value in flags]
    told = shlex.join([f"--config={engine.path}", *chosen])
    print(f"best: {command.program()} {told}")
