"""`launch.py sweep`: from flags to trials, an engine, and what came out."""

import json
import logging
import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genlab.errors import InputError, suggest
from genlab.process.signals import Stop, stop_requested
from genlab.process.streams import deliver
from genlab.run.folder import locked
from genlab.sweep import mode, progress, slurm
from genlab.sweep.devices import count_gpus, environments
from genlab.sweep.local import Pool
from genlab.sweep.search import Search
from genlab.trials import manifest, seeds, space, table
from genlab.trials.trial import Trial, named_sweep, resolve

ENGINES = ("population", "local", "ray", "slurm")

_log = logging.getLogger("genlab")

# Flags that only some engines read; by the others they are refused, not dropped.
READ_BY = {
    "workers": ("local",),
    "address": ("ray",),
    "evolve": ("population",),
    "pruner": ("population", "local", "ray"),
    "sampler": ("local", "ray"),
    "storage": ("local", "ray"),
}


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
    _check_flags(values)
    command = _Command(path, common, workdir, values)
    command.check_mode()
    named = named_sweep(path, values.sweep) if values.sweep else None
    if _is_search(named, values):
        trials = command.search(named)
    else:
        trials = resolve(path, common, _chosen(named, values))
        _check_target(trials, values.target)
        _check_folders(trials, workdir)
        if values.engine == "slurm":
            about = {"name": values.sweep or "", "target": values.target}
            script = slurm.script(path, common, trials, workdir, **about)
            deliver(script.removesuffix("\n"))
            return
        command.train(trials)
    # First, since nobody may be there to read what is printed.
    written = table.write_csv(trials, workdir)
    print(table.render(trials, workdir))
    if summary := seeds.over_seeds(trials, workdir, values.target or ""):
        print(f"\n{summary}\n")
    print(written)
    print(workdir / "report.html")
    if values.target:
        command.tell_best(trials)
    table.tell_failures(trials, workdir)


def _check_target(trials: list[Trial], target: str) -> None:
    if target:
        from genlab.sweep.judge import check_measured

        first_of = {}  # alike in data and evaluation, checked once
        for trial in trials:
            key = json.dumps([trial.config[name] for name in ("data", "eval", "train")])
            first_of.setdefault(key, trial)
        for trial in first_of.values():
            check_measured(trial.config, target)


def _check_folders(trials: list[Trial], workdir: Path) -> None:
    """Refuses, before anything is trained, whatever lies where a trial's folder is to be."""
    for trial in trials:
        folder = trial.folder(workdir)
        if os.path.lexists(folder) and not folder.is_dir():
            raise InputError(
                f"{str(folder)!r} is no folder, and a trial would train in one there; move it away"
                " or name another with --workdir=DIR"
            )


def _check_flags(values: Any) -> None:
    if values.engine not in ENGINES:
        hint = suggest(values.engine, ENGINES)
        raise InputError(f"engine {values.engine!r} is unknown{hint}")
    for flag, engines in READ_BY.items():
        if getattr(values, flag) is not None and values.engine not in engines:
            raise InputError(
                f"--engine={values.engine} has no --{flag}; {' and '.join(engines)} have"
            )
    if values.engine == "population":
        _check_population_flags(values)


def _check_population_flags(values: Any) -> None:
    if values.pruner not in (None, "none", "halving"):
        raise InputError(f"populations take --pruner=halving, not {values.pruner!r}")
    for flag in ("pruner", "evolve"):
        if getattr(values, flag) not in (None, "none") and not values.target:
            raise InputError(f"--{flag} needs --target=[-]VALUE to tell losers by")
    if values.pruner == "halving" and values.evolve:
        raise InputError("--pruner=halving and --evolve both end losers; take one")


def _is_search(named: Any, values: Any) -> bool:
    """Whether the trials are chosen one after another, by what the ones before reached."""
    if values.engine not in ("local", "ray"):
        return False
    if isinstance(named, dict) and values.target:
        for flag in ("grid", "seeds"):
            if getattr(values, flag) is not None:
                raise InputError(
                    f"--{flag} multiplies trials that are known; a search of a space chooses all"
                )
        return True
    for flag in ("sampler", "pruner", "storage"):
        if getattr(values, flag) is not None:
            raise InputError(
                f"--{flag} is for a search: --sweep=NAME of a space and --target=[-]VALUE"
            )
    return False


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


@dataclass(frozen=True)
class _Command:
    """The config, the overrides of every trial, the folder and the flags of one command."""

    path: str
    common: dict[str, str]
    workdir: Path
    values: Any

    def check_mode(self) -> None:
        """Refuses a folder whose members were trained in a way that this command does not ask for."""
        target = self.values.target
        if self.values.engine != "population":
            mode.refuse_evolved(self.workdir)
        elif self.values.pruner == "halving":
            mode.check(self.workdir, pruner="halving", target=target)
        elif self.values.evolve:
            mode.check(self.workdir, evolve=self.values.evolve, target=target)
        else:
            mode.check(self.workdir)

    def train(self, trials: list[Trial]) -> None:
        """Trains trials that are known beforehand."""
        pruner = self.values.pruner or ""
        with locked(self.workdir), self._under_way(trials, pruner=pruner) as stop:
            if self.values.engine == "population":
                self._population(trials, stop)
                return
            with progress.shown(self.workdir):
                if self.values.engine == "local":
                    self._pool().train(trials, stop)
                else:
                    from genlab.sweep import ray_tune

                    address = self.values.address or ""
                    where = (self.path, self.common, self.workdir)
                    ray_tune.train(*where, trials, stop, address=address)

    def search(self, named: space.Space) -> list[Trial]:
        """Trains trials that are chosen by what the ones before reached."""
        search = Search(
            space=named,
            target=self.values.target,
            trials=self.values.trials or 0,
            sampler=self.values.sampler or "tpe",
            pruner=self.values.pruner or "none",
            storage=self.values.storage or "",
        )
        if search.count < search.trials:
            _log.warning("the space has %d points, each a trial", search.count)
        where = (self.path, self.common, self.workdir)
        described = {"sampler": search.sampler, "pruner": search.pruner}
        if self.values.engine == "ray":
            from genlab.sweep import ray_tune

            address = self.values.address or ""
            with (
                locked(self.workdir),
                self._under_way((), **described) as stop,
                progress.shown(self.workdir, search.count),
            ):
                return ray_tune.search(*where, search, stop, address=address)
        from genlab.sweep.study import Study

        study = Study(*where, search)
        # No lock on the folder: several processes may work on one study.
        with (
            self._under_way((), **described) as stop,
            progress.shown(self.workdir, search.count),
        ):
            return study.train(self._pool(), stop)

    def tell_best(self, trials: list[Trial]) -> None:
        """Prints which finished trial is the best by the target, and the command that trains it."""
        target = self.values.target
        if (found := table.best_of(trials, self.workdir, target)) is None:
            return
        best, value = found
        name, split = target.removeprefix("-"), best.config["eval"]["split"]
        print(f"{name} on {split}: {value:.6g}, of {best.name}")
        if (best.folder(self.workdir) / "evolution.json").exists():
            print(
                f"best: {best.folder(self.workdir)}, which no command trains alone: it copied"
                " others and went on with other knobs, see its evolution.json; eval and sample"
                " build it with those that it began with"
            )
            return
        flags = {**self.common, **best.overrides}.items()
        chosen = [f"--config.{key}={value}" for key, value in flags]
        command = ["python", "launch.py", f"--config={self.path}", *chosen]
        print(f"best: {shlex.join(command)}")

    def _population(self, trials: list[Trial], stop: Stop) -> None:
        from genlab.sweep import halving, population
        from genlab.sweep.evolution import Evolution

        target, every = self.values.target or "", self.values.evolve
        if self.values.pruner == "halving":
            halving.engine(trials, self.workdir, stop, target)
            return
        evolution = Evolution(target, every) if every else None
        if evolution is not None:
            evolution.check(trials)
        population.engine(trials, self.workdir, stop, evolution)

    def _pool(self) -> Pool:
        slots = environments(self.values.workers, count_gpus())
        return Pool(self.path, self.common, self.workdir, slots)

    @contextmanager
    def _under_way(
        self, trials: Iterable[Trial], *, sampler: str = "", pruner: str = ""
    ) -> Iterator[Stop]:
        """Writes the manifest before and the report after, also of a sweep that is stopped."""
        from genlab.reporting.report import write_sweep_report

        described = manifest.Manifest(
            command=manifest.command_line(),
            config=self.path,
            common=self.common,
            recipe=manifest.recipe_of(self.path),
            engine=self.values.engine,
            sweep=self.values.sweep or "",
            target=self.values.target or "",
            sampler=sampler,
            pruner=pruner,
            trials=manifest.entries(trials),
        )
        manifest.write(self.workdir, described)
        try:
            with stop_requested() as stop:
                yield stop
        finally:
            # Whoever holds the folder now is this process, which is at its end.
            write_sweep_report(self.workdir, locked=False)
