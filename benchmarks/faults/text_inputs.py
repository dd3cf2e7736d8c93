"""What is written on a command line or in a config file: overrides, grids, flags, spaces."""

import random
from pathlib import Path
from typing import Any

from benchmarks.faults import mutation
from benchmarks.faults.case import Bench, Reader

_GRIDS = (
    "seed=0,1,2",
    "optimizer.generator.learning_rate=1e-4,1e-3;seed=0,1",
    "model.generator.hidden=(8,),(16,16);objective=minimax,non_saturating",
    "objective.real_label=0.9,1.0",
)
_COMMANDS = (
    ("list", "objectives", "--json"),
    ("eval", "--workdir=nowhere", "--metrics=class_coverage"),
    ("sample", "--workdir=nowhere", "--num=64", "--out=grid.png"),
    ("translate", "--workdir=nowhere", "--input=in", "--out=out", "--back"),
    ("report", "--workdir=nowhere"),
    ("export", "--workdir=nowhere", "--out=params.safetensors", "--best"),
    (
        "sweep",
        "--config=nowhere.py",
        "--grid=seed=0,1",
        "--engine=local",
        "--workers=2",
    ),
    ("--config=nowhere.py", "--workdir=nowhere", "--config.train.steps=4"),
)


def overrides(bench: Bench, folder: Path) -> Reader:
    """A key, mostly one that there is, and a text; then the config is checked as before training."""
    from ml_collections import ConfigDict

    from genlab.config import files, override
    from genlab.config import load as configs

    known = {path: configs.load(f"{path}:tiny") for path in map(str, files.recipes())}
    keys = {path: list(_keys(config.to_dict(), "")) for path, config in known.items()}

    def read(generator: random.Random) -> None:
        path = generator.choice(sorted(known))
        config = ConfigDict(known[path].to_dict()).lock()
        for _ in range(generator.choice((1, 1, 2))):
            key, old = generator.choice(keys[path])
            key = mutation.text(generator, key) if generator.random() < 0.2 else key
            override.override(config, key, mutation.text(generator, str(old)))
        configs.check_parts(configs.plain(config))

    return read


def _keys(tree: dict, path: str):
    for key, value in tree.items():
        yield f"{path}{key}", value
        if isinstance(value, dict):
            yield from _keys(value, f"{path}{key}.")


def grids(bench: Bench, folder: Path) -> Reader:
    """The text of --grid, and the trials that come of it."""
    from genlab.config.files import CONFIGS
    from genlab.trials import space
    from genlab.trials.trial import resolve

    def read(generator: random.Random) -> None:
        found = space.parse_grid(mutation.text(generator, generator.choice(_GRIDS)))
        if len(found) < 50 and generator.random() < 0.3:
            resolve(f"{CONFIGS}/dcgan.py:tiny", {}, found)

    return read


def commands(bench: Bench, folder: Path) -> Reader:
    """Command lines that find no run and no config."""
    from genlab.commands.cli import main

    def read(generator: random.Random) -> None:
        words = list(generator.choice(_COMMANDS))
        for _ in range(generator.randint(1, 2)):
            place = generator.randrange(len(words))
            words[place] = mutation.text(generator, words[place])
        if main(["launch.py", *words]) not in (0, 2):
            raise RuntimeError(f"another exit code of {words}")

    return read


def metric_choices(bench: Bench, folder: Path) -> Reader:
    """The text of --metrics."""
    from genlab.config.override import parts_of
    from genlab.registry import metrics

    valid = "('cycle', {'name': 'translation', 'num': 100})", "class_coverage,held_out"
    return lambda generator: parts_of(
        metrics, mutation.text(generator, generator.choice(valid)), "--metrics"
    )


def spaces(bench: Bench, folder: Path) -> Reader:
    """A config file's sweep with odd distributions, read and drawn from."""
    from genlab.sweep.search import Search, distributions
    from genlab.trials import space
    from genlab.trials.trial import named_sweep

    file = folder / "recipe.py"

    def read(generator: random.Random) -> None:
        parts = ", ".join(
            f"{_key(generator)!r}: {_distribution(generator)}"
            for _ in range(mutation.instead(generator, 2, 0.5, (0, 1, 3)))
        )
        file.write_text(_RECIPE + f"    return {{{parts}}}\n", errors="replace")
        found = named_sweep(str(file), "space")
        if isinstance(found, dict):
            space.draw(found, 2)
            distributions(Search(space=found, target="x", trials=2).space)

    return read


_RECIPE = """\
from math import inf, nan
from genlab.shipped.configs.vae import get_config
from genlab.trials.space import Choice, Integers, Uniform
def sweep_space():
"""


def _key(generator: random.Random) -> Any:
    return mutation.instead(generator, generator.choice(("seed", "train.steps")), 0.3)


def _distribution(generator: random.Random) -> str:
    odd = (*mutation.ODD, 0, 2.0, 1e-3)
    low, high = (mutation.instead(generator, value, 0.6, odd) for value in (1, 2))
    match generator.randrange(5):
        case 0:
            return f"Choice({mutation.instead(generator, (1, 2), 0.8, odd)!r})"
        case 1:
            return f"Choice(({low!r}, {high!r}))"
        case 2:
            return f"Integers({low!r}, {high!r})"
        case 3:
            return f"Uniform({low!r}, {high!r})"
    return f"Uniform({low!r}, {high!r}, log=True)"


def recipes(bench: Bench, folder: Path) -> Reader:
    """A number of a recipe made absurd, and all that is built of it before training."""
    from genlab.commands.cli import main
    from genlab.config import files
    from genlab.config import load as configs
    from genlab.errors import EXIT_INPUT, EXIT_MEMORY, InputError

    known = {
        path: [
            key
            for key, old in _keys(configs.load(f"{path}:tiny").to_dict(), "")
            if _is_number(old)
        ]
        for path in map(str, files.recipes())
    }

    def read(generator: random.Random) -> None:
        path = generator.choice(sorted(known))
        key = generator.choice(known[path])
        value = mutation.instead(generator, None, 1.0, _ABSURD)
        flags = [] if value is None else [f"--config.{key}={value}"]
        code = main(["launch.py", "check", f"--config={path}:tiny", *flags])
        if code in (EXIT_INPUT, EXIT_MEMORY):
            raise InputError(f"{flags} are refused")
        if code:
            raise RuntimeError(f"exit code {code} of {path} with {flags}")

    return read


_ABSURD = (
    *(0, -1, 1, 3, 255, 10**5, 10**9, 10**12, 2**31, 2**63, -(2**63), 10**30, 10**400),
    *(0.5, -0.0, 1.5, 1e-400, 1e308, "nan", "inf", "-inf", True),
    *("()", "(0,)", "(-1,)", f"({10**12},)", "(0, 255)", "(255, 0)", "(1, 1, 1, 1, 1)"),
)


def _is_number(value: Any) -> bool:
    each = value if isinstance(value, tuple | list) and value else (value,)
    return all(isinstance(x, int | float) for x in each)


SURFACES = {
    "override": (2.0, overrides),
    "grid": (3.0, grids),
    "command line": (1.0, commands),
    "metrics": (2.0, metric_choices),
    "space": (1.0, spaces),
    "recipe": (0.03, recipes),
}
