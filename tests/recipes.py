"""What the contract tests loop over: every config's tiny recipe, and how to run some rounds."""

import functools
import json
from typing import Any

import jax
import numpy as np

from genlab import config as configs
from genlab import override, parallel
from genlab.data.feed import Feed
from genlab.recipe import Recipe
from genlab.rounds import rounds_of

CONFIGS = configs.CONFIGS


def all_configs() -> list[str]:
    """Every recipe in `configs/`, by name."""
    return [path.stem for path in configs.recipes()]


def one_config_per_experiment() -> list[str]:
    """A recipe for each kind of game: experiment, and kinds of extra state that it carries."""
    chosen: dict[Any, str] = {}
    for name in all_configs():
        built = recipe(name)
        kinds = tuple(sorted(built.shapes().extra))
        chosen.setdefault((built.config["experiment"]["name"], kinds), name)
    return sorted(chosen.values())


def plain(name: str, variant: str = "tiny", **overrides: str) -> dict[str, Any]:
    """The plain config of a recipe, with overrides by dotted key, `__` for a dot."""
    config = configs.load(
        str(CONFIGS / f"{name}.py") + (f":{variant}" if variant else "")
    )
    for key, text in overrides.items():
        override.override(config, key.replace("__", "."), text)
    return configs.plain(config)


@functools.cache
def recipe(name: str) -> Recipe:
    """The tiny recipe of a config, built."""
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
    program = parallel.Program(
        rounds_of(built.experiment, feed), jax.devices()[:devices], how, feed.batch_size
    )
    resident = program.place(feed.resident)
    state, seed = program.place(built.init_state()), np.uint32(built.config["seed"])
    metrics = []
    for step in range(0, rounds, per_call):
        state, row = program(state, resident, feed.chunk(step, per_call), seed)
        metrics.append(jax.device_get(row))
    joined = {
        name: np.concatenate([row[name] for row in metrics]) for name in metrics[0]
    }
    return jax.device_get(state), joined


def differences(one: Any, other: Any) -> dict[str, float]:
    """Largest absolute difference of each leaf, by name."""
    from genlab.checkpoint import flatten

    one, other = flatten(one), flatten(other)
    assert one.keys() == other.keys()
    return {
        name: float(np.max(np.abs(np.asarray(one[name], np.float64) - other[name])))
        for name in one
    }


def assert_close(one: Any, other: Any, tolerance: float) -> None:
    """Every leaf within `tolerance`, absolute for small numbers and relative for large."""
    from genlab.checkpoint import flatten

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
