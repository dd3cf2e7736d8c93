"""`launch.py sweep`: from flags to trials, an engine, and the table of what came out."""

import logging
from pathlib import Path
from typing import Any

from genlab.errors import InputError, suggest
from genlab.run import locked
from genlab.signals import stop_requested
from genlab.sweep import local, population, slurm, space, table
from genlab.sweep.trial import Trial, named_sweep, resolve

ENGINES = ("population", "local", "study", "slurm")

_log = logging.getLogger("genlab")


def run(path: str, common: dict[str, str], workdir: Path, values: Any) -> None:
    """Trains what the flags describe and prints the table.

    Args:
      path: the config, FILE[:variant].
      common: overrides of every trial, as text.
      workdir: the folder of the sweep.
      values: the flags of the command.

    Raises:
      InputError: flags that describe no sweep, or one that the engine cannot train.
    """
    if values.engine not in ENGINES:
        hint = suggest(values.engine, ENGINES)
        raise InputError(f"engine {values.engine!r} is unknown{hint}")
    if values.engine == "study":
        trials = _study(path, common, workdir, values)
    else:
        trials = resolve(path, common, _chosen(path, values))
        if values.engine == "slurm":
            print(slurm.script(path, common, trials, workdir), end="")
            return
        with locked(workdir), stop_requested() as stop:
            if values.engine == "population":
                population.engine(trials, workdir, stop)
            else:
                local.Pool(path, common, workdir, values.workers).train(trials, stop)
    print(table.render(trials, workdir))
    print(table.write_csv(trials, workdir))


def _chosen(path: str, values: Any) -> list[space.Overrides]:
    """The trials that --sweep, --grid and --seeds name together."""
    parts = []
    if values.sweep:
        named = named_sweep(path, values.sweep)
        if isinstance(named, dict):
            named = space.draw(named, values.trials or 0)
        parts.append(named)
    parts += [space.parse_grid(values.grid)] if values.grid else []
    parts += [space.seeds(values.seeds)] if values.seeds else []
    if not parts:
        raise InputError("a sweep needs --sweep=NAME, --grid or --seeds")
    return space.product(*parts)


def _study(
    path: str, common: dict[str, str], workdir: Path, values: Any
) -> list[Trial]:
    from genlab.sweep.study import Study

    named = named_sweep(path, values.sweep) if values.sweep else None
    if not isinstance(named, dict):
        raise InputError(
            "a study needs --sweep=NAME of a space, a dict of distributions"
        )
    if not values.target or not values.trials:
        raise InputError("a study needs --target=[-]VALUE and --trials=N")
    study = Study(
        path,
        common,
        workdir,
        named,
        target=values.target,
        sampler=values.sampler,
        storage=values.storage,
    )
    with stop_requested() as stop:
        trials = study.train(values.trials, values.workers, stop)
    best = " ".join(f"--config.{key}={value}" for key, value in study.best().items())
    _log.info("best: python launch.py --config=%s %s", path, best)
    return trials
