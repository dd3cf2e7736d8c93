"""What is written on a command line or in a config file: overrides, grids, flags, spaces."""

import random
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults import mutation
from benchmarks.faults.case import Bench

Reader = Callable[[random.Random], None]

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

    from genlab import config as configs
    from genlab import override

    known = {path: configs.load(f"{path}:tiny") for path in map(str, configs.recipes())}
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
    from genlab.config import CONFIGS
    from genlab.sweep import space
    from genlab.sweep.trial import resolve

    def read(generator: random.Random) -> None:
        found = space.parse_grid(mutation.text(generator, generator.choice(_GRIDS)))
        if len(found) < 50 and generator.random() < 0.3:
            resolve(f"{CONFIGS}/dcgan.py:tiny", {}, found)

    return read


def commands(bench: Bench, folder: Path) -> Reader:
    """Command lines that find no run and no config."""
    from genlab.cli import main

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
    from genlab.override import metrics_of

    valid = "('cycle', {'name': 'translation', 'num': 100})", "class_coverage,held_out"
    return lambda generator: metrics_of(
        mutation.text(generator, generator.choice(valid))
    )


def spaces(bench: Bench, folder: Path) -> Reader:
    """A config file's sweep with odd distributions, read and drawn from."""
    from genlab.sweep import space
    from genlab.sweep.search import Search, distributions
    from genlab.sweep.trial import named_sweep

    file = folder / "recipe.py"

    def read(generator: random.Random) -> None:
        parts = ", ".join(
            f"{generator.choice(('seed', 'train.steps', mutation.odd(generator)))!r}:"
            f" {_distribution(generator)}"
            for _ in range(generator.randint(0, 3))
        )
        file.write_text(_RECIPE + f"    return {{{parts}}}\n", errors="replace")
        found = named_sweep(str(file), "space")
        if isinstance(found, dict):
            space.draw(found, 5)
            distributions(Search(space=found, target="x", trials=3).space)

    return read


_RECIPE = """\
from math import inf, nan
from configs.vae import get_config
from genlab.sweep.space import Choice, Integers, Uniform
def sweep_space():
"""


def _distribution(generator: random.Random) -> str:
    one, other = (
        generator.choice((mutation.odd(generator), 0, 1, 2.0, 1e-3)) for _ in range(2)
    )
    match generator.randrange(5):
        case 0:
            return f"Choice({one!r})"
        case 1:
            return f"Choice(({one!r}, {other!r}))"
        case 2:
            return f"Integers({one!r}, {other!r})"
        case 3:
            return f"Uniform({one!r}, {other!r})"
    return f"Uniform({one!r}, {other!r}, log=True)"


SURFACES = {
    "override": (4.0, overrides),
    "grid": (2.0, grids),
    "command line": (1.0, commands),
    "metrics": (1.0, metric_choices),
    "space": (1.0, spaces),
}
