"""The course of a run: its stages as recipes, and what each takes over from those before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import jax
import numpy as np

from genlab.config.load import check_parts
from genlab.config.stage import INIT, MAIN, Stage, stages_of
from genlab.data.dataset import Dataset
from genlab.data.facts import without_examples
from genlab.data.fingerprint import check_older, check_same
from genlab.errors import InputError
from genlab.game.turn import State
from genlab.run import record
from genlab.run.defaults import defaults_of, settled
from genlab.run.folder import identity, load_config
from genlab.run.recipe import Recipe, chosen_data
from genlab.run.sources import sources_of, tell_changes
from genlab.run.start import Sources, tell_anew
from genlab.storage.checkpoint import Checkpoints


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

        Stages that choose the same data set share it.

        Raises:
          InputError: a stage that cannot be built, a start that finds no parameters to take, or an
          `init_from` that no start uses.
        """
        tell_anew()
        recipes: list[Recipe] = []
        for stage in stages_of(config):
            same = recipes and chosen_data(recipes[-1].config) == chosen_data(
                stage.config
            )
            source = recipes[-1].source if same else None
            recipes.append(Recipe.build(stage.config, stage.name, stage.begin, source))
        sources = {}
        if config["init_from"]:
            _check_used(config["init_from"], recipes)
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


def _check_used(init_from: str, recipes: list[Recipe]) -> None:
    """Refuses `init_from` where no start takes anything from it; of a start of the user's own nobody
    knows."""
    for start in (recipe.config["start"] for recipe in recipes):
        parts = start.get("parts") or {"": f"{INIT}/"}
        if start["name"] != "fresh" and any(
            path.split("/")[0] == INIT for path in parts.values()
        ):
            return
    whole = {name: f"{INIT}/{name}" for name in recipes[-1].experiment.PLAYERS}
    raise InputError(
        f"init_from={init_from!r} is used by no start; say what is taken over, all weights by"
        f' "--config.start={dict(name="copy", parts=whole)}"'
    )


def load_run(
    workdir: Path, best: bool = False, place: Mapping[str, Any] | None = None
) -> tuple[Recipe, State]:
    """The parts and the newest (or best) intact state of a finished or cut run.

    Args:
      workdir: the run folder.
      best: the best checkpoint in the place of the newest.
      place: what differs in config.data where the examples are wanted, empty or the `name` or
        `data_dir` that says where they now lie; they are compared with those of the run. None for
        a run whose examples nobody asks for: it is opened without them.

    Raises:
      InputError: no run folder, no checkpoint in it, or data that are not those of the run.
    """
    config = load_config(workdir)
    # What the run once took its parameters from is not needed to look at them.
    fresh = {"start": {"name": "fresh"}}
    parts = [{**stage, **fresh} for stage in config["stages"]]
    config = {**config, **fresh, "init_from": "", "stages": parts}
    config = _as_trained(config, workdir, place)
    stages, recipes = stages_of(config), {}

    def at(step: int) -> Recipe:
        stage = next(s for s in stages if step <= s.end or s.name == MAIN)
        if stage.name not in recipes:
            # What the folder keeps is of the last stage's data.
            shared = chosen_data(stage.config) == chosen_data(config)
            known, wanted = record.data(workdir), place is not None
            recipe = _opened(stage, known if shared else None, wanted, workdir)
            if known is None and wanted:
                check_older(recipe.source, run=str(workdir))
            recipes[stage.name] = recipe
        return recipes[stage.name]

    at(stages[-1].end)  # what the config has wrong is said before checkpoints are
    checkpoints = Checkpoints(workdir / "checkpoints", run=identity(workdir))
    state = checkpoints.restore(lambda step: at(step).shapes(), best)
    tell_changes(record.sources(workdir), sources_of(config, None))
    if state is None:
        kind = "best checkpoint" if best else "checkpoint"
        raise InputError(f"run folder {str(workdir)!r} has no {kind} yet")
    return at(int(state.step)), jax.device_put(state)


def before_next_round(workdir: Path, place: Mapping[str, Any]) -> tuple[Recipe, State]:
    """The stage of the round after the newest intact state of a run, and the state before that round.

    Args:
      workdir: the run folder.
      place: as of `load_run`; the examples are read.

    Raises:
      InputError: as `load_run`, or a run without any rounds left.
    """
    recipe, state = load_run(workdir, place=place)
    if int(state.step) < recipe.end:
        return recipe, state
    course = Course.build(_as_trained(load_config(workdir), workdir, place))
    after = [recipe for recipe in course.recipes if recipe.begin == int(state.step)]
    if not after:
        raise InputError(f"run folder {str(workdir)!r} is trained to its end")
    # The first of a later stage, which takes over from those before it.
    checkpoints = Checkpoints(workdir / "checkpoints", run=identity(workdir))
    sources = dict(course.sources)
    for before in course.recipes[: course.recipes.index(after[0])]:
        ended = checkpoints.read(before.end, before.shapes())
        sources[before.stage] = before.experiment.view(ended)
    return after[0], after[0].init_state(sources)


def examples_of(recipe: Recipe, workdir: Path, place: Mapping[str, Any]) -> Dataset:
    """The data of a run, as its recipe takes them, that `load_run` opened without its examples.

    Args:
      recipe: as it was opened.
      workdir: the run folder.
      place: as of `load_run`.

    Raises:
      InputError: data that are not those of the run.
    """
    config = {**recipe.config, "data": {**recipe.config["data"], **place}}
    stage = Stage(recipe.stage, config, recipe.begin)
    return _opened(stage, record.data(workdir), True, workdir).data


def _as_trained(
    config: dict[str, Any], workdir: Path, place: Mapping[str, Any] | None
) -> dict[str, Any]:
    """A run's config with the defaults that it was made with, and with the place of its data."""
    config = {**config, "data": {**config["data"], **(place or {})}}
    if was := record.defaults(workdir):
        check_parts(config)
        config = settled(config, was, defaults_of(config))
    return config


def _opened(
    stage: Stage, known: dict[str, Any] | None, with_data: bool, workdir: Path
) -> Recipe:
    """The recipe of a stage, with its data compared with what is known of them, or without data."""
    source = without_examples(known["facts"]) if known and not with_data else None
    recipe = Recipe.build(stage.config, stage.name, stage.begin, source)
    if known and with_data:
        check_same(known["fingerprint"], recipe.source, run=str(workdir))
    return recipe


def _view(recipe: Recipe, state: State):
    return recipe.experiment.view(state)
