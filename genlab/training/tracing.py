"""Whether every float of a recipe may be a traced array, as the members of a population have them."""

from collections.abc import Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from genlab.data.feed import Feed
from genlab.run.build import SECTIONS, build_experiment
from genlab.run.recipe import Recipe
from genlab.training.rounds import rounds_of

KnobPath = tuple[str, ...]

_UNTRACEABLE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


def floats_of(tree: Any, path: KnobPath = ()) -> Iterator[tuple[KnobPath, float]]:
    """The floats of a nested dict, each with where it lies."""
    if isinstance(tree, float):
        yield path, tree
    elif isinstance(tree, dict):
        for key in sorted(tree):
            yield from floats_of(tree[key], (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from floats_of(value, (*path, str(index)))


def replaced(tree: Any, path: KnobPath, value: Any) -> Any:
    """A nested dict with another value at `path`."""
    if not path:
        return value
    key = int(path[0]) if isinstance(tree, list) else path[0]
    new = replaced(tree[key], path[1:], value)
    if isinstance(tree, list):
        return [*tree[:key], new, *tree[key + 1 :]]
    return {**tree, key: new}


def untraceable(
    recipe: Recipe, feed: Feed, paths: Iterable[KnobPath] | None = None
) -> str:
    """The first float knob that a part branches on in Python, with the part; empty for none.

    Args:
      recipe: built and traced with traced arrays in the places of its floats.
      feed: of the recipe.
      paths: the floats that are to be traced; None for all.
    """
    spec = {section: recipe.config[section] for section in SECTIONS}
    values = dict(floats_of(spec))
    paths = tuple(values) if paths is None else tuple(paths)
    if _traces(recipe, feed, spec, values, paths):
        return ""
    guilty = (path for path in paths if not _traces(recipe, feed, spec, values, [path]))
    # Together alone they may fail where each passes; then nobody can be named.
    path = next(guilty, None)
    if path is None:
        return "the parts branch in Python on float knobs"
    part = spec
    for key in path[:-1]:
        part = part[int(key) if isinstance(part, list) else key]
    name = part.get("name", "") if isinstance(part, dict) else ""
    return f"{name!r} branches in Python on its knob {'.'.join(path)}"


def _traces(recipe: Recipe, feed: Feed, spec, values, paths) -> bool:
    def rounds(knobs, inputs):
        traced = spec
        for path, knob in zip(paths, knobs, strict=True):
            traced = replaced(traced, path, knob)
        experiment = build_experiment(traced, recipe.data, recipe.config["dtype"])
        return rounds_of(experiment, feed)(*inputs)

    inputs = (recipe.shapes(), feed.resident, feed.chunk(0, 1), jnp.uint32(0))
    shapes = jax.eval_shape(lambda *leaves: leaves, *inputs)
    try:
        jax.eval_shape(rounds, [jnp.float32(values[path]) for path in paths], shapes)
    except _UNTRACEABLE:
        return False
    return True
