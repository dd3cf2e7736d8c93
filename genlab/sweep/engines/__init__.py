"""The engines, a file each, by name."""

from typing import Any

from genlab.errors import InputError, suggest
from genlab.sweep.engine import Engine
from genlab.sweep.engines.local import Local
from genlab.sweep.engines.population import Population
from genlab.sweep.engines.ray import Ray
from genlab.sweep.engines.slurm import Slurm

# The first is the default.
ENGINES: dict[str, type[Engine]] = {
    engine.name: engine for engine in (Population, Local, Ray, Slurm)
}
FLAGS = tuple(
    dict.fromkeys(flag for engine in ENGINES.values() for flag in engine.flags)
)


def choose(values: Any) -> type[Engine]:
    """The engine that `--engine` names.

    Args:
      values: the flags of the command.

    Raises:
      InputError: no such engine, or a flag that others alone read.
    """
    if (chosen := ENGINES.get(values.engine)) is None:
        hint = suggest(values.engine, ENGINES)
        raise InputError(f"engine {values.engine!r} is unknown{hint}")
    for flag in FLAGS:
        if flag not in chosen.flags and getattr(values, flag.name) is not None:
            readers = [name for name, it in ENGINES.items() if flag in it.flags]
            have = "have" if len(readers) > 1 else "has"
            raise InputError(
                f"--engine={chosen.name} has no --{flag.name}; {' and '.join(readers)} {have}"
            )
    return chosen
