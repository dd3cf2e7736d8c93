"""The course of a run: its stages as recipes, and what each takes over from those before it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import jax
import numpy as np

from genlab.checkpoint import Checkpoints
from genlab.errors import InputError
from genlab.experiment import State
from genlab.recipe import Recipe
from genlab.run import identity, load_config
from genlab.stage import INIT, stages_of
from genlab.start import Sources


@dataclass(frozen=True)
class Course:
    """The recipes of a run's stages, in order; most runs have one.

    Attributes:
      recipes: the last is what the config itself trains.
      sources: the run of `init_from` as `init`, where the config names one.
    """

    recipes: list[Recipe]
    sources: Sources

    @classmethod
    def build(cls, config: dict[str, Any]) -> Self:
        """Builds every stage and checks that its start fits the stages before it.

        Raises:
          InputError: a stage that cannot be built, or a start that finds no parameters to take.
        """
        recipes: list[Recipe] = []
        for stage in stages_of(config):
            known = recipes[-1] if recipes else None
            recipes.append(Recipe.build(stage.config, stage.name, stage.begin, known))
        sources = {}
        if config["init_from"]:
            sources[INIT] = _view(*load_run(Path(config["init_from"])))
        course = cls(recipes, sources)
        seed, shapes = np.uint32(config["seed"]), course.sources
        for recipe in recipes:
            state = jax.eval_shape(recipe.first_state, seed, shapes)
            view = jax.eval_shape(recipe.experiment.view, state)
            shapes = {**shapes, recipe.stage: view}
        return course

    @property
    def last(self) -> Recipe:
        """What the config itself trains."""
        return self.recipes[-1]

    @property
    def ends(self) -> list[int]:
        """Rounds of the run after each stage."""
        return [recipe.end for recipe in self.recipes]

    def at(self, step: int) -> Recipe:
        """The stage that the state after `step` rounds belongs to."""
        return next((r for r in self.recipes if step <= r.end), self.last)

    def restore(self, checkpoints: Checkpoints, best: bool = False) -> State | None:
        """The newest intact state (or the best), as NumPy arrays; None where there is none."""
        return checkpoints.restore(lambda step: self.at(step).shapes(), best)


def load_run(workdir: Path, best: bool = False) -> tuple[Recipe, State]:
    """The parts and the newest (or best) intact state of a finished or cut run.

    Raises:
      InputError: no run folder, or no checkpoint in it.
    """
    config = load_config(workdir)
    # What the run once took its parameters from is not needed to look at them.
    fresh = {"start": {"name": "fresh"}}
    stages = [{**stage, **fresh} for stage in config["stages"]]
    course = Course.build({**config, **fresh, "init_from": "", "stages": stages})
    checkpoints = Checkpoints(workdir / "checkpoints", run=identity(workdir))
    state = course.restore(checkpoints, best)
    if state is None:
        kind = "best checkpoint" if best else "checkpoint"
        raise InputError(f"run folder {str(workdir)!r} has no {kind} yet")
    return course.at(int(state.step)), jax.device_put(state)


def _view(recipe: Recipe, state: State):
    return recipe.experiment.view(state)
