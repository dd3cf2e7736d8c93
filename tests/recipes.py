"""What the contract tests loop over: every config's tiny recipe, and how to run some rounds."""

import functools
import json
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from genlab.config import files, override
from genlab.config import load as configs
from genlab.config.stage import stages_of
from genlab.data.feed import Feed
from genlab.game.program import Program
from genlab.run.recipe import Recipe
from genlab.training.rounds import rounds_of

CONFIGS = files.CONFIGS


def all_configs() -> list[str]:
    """Every recipe in `configs/`, by name."""
    return [path.stem for path in files.recipes()]


def all_games() -> list[str]:
    """Every recipe, and `NAME@STAGE` for each stage before what its config itself trains."""
    configs = all_configs()
    stages = [
        f"{name}@{stage['name']}" for name in configs for stage in plain(name)["stages"]
    ]
    return configs + stages


@functools.cache
def representatives() -> tuple[str, ...]:
    """Games that show every experiment, kind of extra state, and frozen layers; the small rather."""
    experiment = lambda name: {
        f"experiment {recipe(name).config['experiment']['name']}"
    }
    return _fewest({name: experiment(name) | _kinds(name) for name in all_games()})


@functools.cache
def of_each_kind_of_state() -> tuple[str, ...]:
    """Games that show every kind of extra state, and frozen layers; the small rather."""
    return _fewest({name: _kinds(name) for name in all_games()})


def _kinds(name: str) -> set[str]:
    shapes = recipe(name).shapes()
    remembered = shapes.extra.get("memory", {}).values()
    parts = {f"memory of {part}" for slot in remembered for part in slot}
    return {*shapes.extra} | parts | {"frozen"} & {*shapes.params}


def _fewest(shows: dict[str, set[str]]) -> tuple[str, ...]:
    """Names without which something that one shows would be shown by none, the large given up first."""
    leaves = {
        name: len(jax.tree.leaves(recipe(name).shapes().params)) for name in shows
    }
    for name in sorted(shows, key=lambda game: (-leaves[game], game)):
        others = set().union(*(shows[game] for game in shows if game != name))
        if shows[name] <= others:
            shows = {game: kinds for game, kinds in shows.items() if game != name}
    return tuple(sorted(shows))


def plain(name: str, variant: str = "tiny", **overrides: str) -> dict[str, Any]:
    """The plain config of a game, with overrides by dotted key, `__` for a dot.

    That of a stage is a run of its own, with fresh parameters below it.
    """
    name, _, stage = name.partition("@")
    config = configs.load(
        str(CONFIGS / f"{name}.py") + (f":{variant}" if variant else "")
    )
    if stage:
        (found,) = (
            part for part in stages_of(configs.plain(config)) if part.name == stage
        )
        config = ConfigDict({**found.config, "start": {"name": "fresh"}})
    for key, text in overrides.items():
        override.override(config, key.replace("__", "."), text)
    return configs.plain(config)


@functools.cache
def recipe(name: str) -> Recipe:
    """The tiny recipe of a game, built."""
    return Recipe.build(plain(name))


def feed_of(built: Recipe) -> Feed:
    """Eight examples a draw, so that four devices can share them."""
    return Feed(
        built.data,
        built.preparation,
        seed=built.config["seed"],
        batch_size=8,
        draws=built.experiment.draws(),
        backend=built.config["data"]["backend"],
    )


def run_rounds(
    built: Recipe, rounds: int, per_call: int, devices: int = 1, how: str = "jit"
):
    """State and metrics after some rounds, as NumPy arrays."""
    feed = feed_of(built)
    program = Program(
        rounds_of(built.experiment, feed), jax.devices()[:devices], how, feed.batch_size
    )
    resident = program.place(feed.resident)
    state = program.place_state(built.shapes(), built.init_state)
    seed = np.uint32(built.config["seed"])
    metrics = []
    for step in range(0, rounds, per_call):
        state, row = program(state, resident, feed.chunk(step, per_call), seed)
        metrics.append(jax.device_get(row))
    joined = {
        name: np.concatenate([row[name] for row in metrics]) for name in metrics[0]
    }
    return jax.device_get(state), joined


def as_one_call(metrics: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Metrics of calls of a round each as one call has them: it tells the last update's norm in all of its rows."""
    return {
        name: np.full_like(rows, rows[-1]) if name.endswith("/update_norm") else rows
        for name, rows in metrics.items()
    }


def differences(one: Any, other: Any) -> dict[str, float]:
    """Largest absolute difference of each leaf, by name."""
    from genlab.storage.tree import flatten

    one, other = flatten(one), flatten(other)
    assert one.keys() == other.keys()
    return {
        name: float(np.max(np.abs(np.asarray(one[name], np.float64) - other[name])))
        for name in one
    }


def assert_close(one: Any, other: Any, tolerance: float) -> None:
    """Every leaf within `tolerance`, absolute for small numbers and relative for large."""
    from genlab.storage.tree import flatten

    scale = {name: 1 + np.max(np.abs(leaf)) for name, leaf in flatten(one).items()}
    far = {
        name: gap
        for name, gap in differences(one, other).items()
        if not gap <= tolerance * scale[name]
    }
    assert not far, json.dumps(far, indent=1)


def assert_identical(one: Any, other: Any) -> None:
    """Every leaf bit for bit."""
    assert_close(one, other, 0.0)
