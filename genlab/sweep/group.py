"""Which trials one program can train: the same but for floats and seeds, and not too many."""

import itertools
import json
import math
import os
from dataclasses import dataclass
from typing import Any, Self

import jax
import numpy as np

from genlab.config.load import RUN
from genlab.config.stage import stages_of
from genlab.run.build import SECTIONS
from genlab.run.course import Course
from genlab.training.tracing import KnobPath, floats_of, replaced
from genlab.trials.trial import Trial


@dataclass(frozen=True)
class Knobs:
    """The floats in which the members of a population differ.

    Attributes:
      paths: where each lies in the spec.
      values: [members] float32 for each path.
    """

    paths: tuple[KnobPath, ...]
    values: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, configs: list[dict[str, Any]]) -> Self:
        """The floats of the configs' specs that are not the same in all of them."""
        columns: dict[KnobPath, list[float]] = {}
        for config in configs:
            for path, value in floats_of({name: config[name] for name in SECTIONS}):
                columns.setdefault(path, []).append(value)
        differing = {p: values for p, values in columns.items() if len(set(values)) > 1}
        return cls(
            tuple(differing),
            tuple(np.array(values, np.float32) for values in differing.values()),
        )

    def put(self, spec: dict[str, Any], values: tuple[Any, ...]) -> dict[str, Any]:
        """The spec with `values`, traced or not, in the places of these knobs."""
        for path, value in zip(self.paths, values, strict=True):
            spec = replaced(spec, path, value)
        return spec


def group(trials: list[Trial]) -> list[list[Trial]]:
    """Trials that one program can train: alike in all but the seed and floats of the spec.

    Members share their examples; so trials whose seed chooses these are grouped by seed.
    """
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        shape = [_shape_of(stage.config) for stage in stages_of(trial.config)]
        groups.setdefault(json.dumps(shape, sort_keys=True), []).append(trial)
    return list(groups.values())


def _shape_of(config: dict[str, Any]) -> dict[str, Any]:
    """What a stage's config says besides the seed and the floats of its spec."""
    same = (
        ("stages",) if config["data"].get("subset_seed") == RUN else ("seed", "stages")
    )
    shape = {key: v for key, v in config.items() if key not in same}
    for path, _ in floats_of({name: config[name] for name in SECTIONS}):
        shape = replaced(shape, path, "a float")
    return shape


def pack(trials: list[Trial], memory: int | None = None) -> list[list[Trial]]:
    """A group cut into parts that fit the memory, as even as they go.

    Args:
      trials: one group.
      memory: bytes; None asks the device, and half the machine's memory on a CPU.
    """
    recipes = Course.build(trials[0].config).recipes
    state = max(
        sum(
            leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(recipe.shapes())
        )
        for recipe in recipes
    )
    fitting = max(
        1, (memory or _memory()) // (4 * state)
    )  # state, gradients, activations
    parts = math.ceil(len(trials) / fitting)
    bounds = np.linspace(0, len(trials), parts + 1).round().astype(int)
    return [trials[low:high] for low, high in itertools.pairwise(bounds)]


def _memory() -> int:
    statistics = jax.devices()[0].memory_stats() or {}
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return int(statistics.get("bytes_limit", machine))
