"""One trial of a population: its run folder, its log, its failure."""

import logging
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from genlab import evaluate
from genlab.build import SECTIONS, build_experiment
from genlab.checkpoint import Checkpoints
from genlab.errors import NonFiniteLoss
from genlab.experiment import State
from genlab.meter import average, refuse_non_finite
from genlab.plan import Plan
from genlab.recipe import Recipe
from genlab.run import claim, locked
from genlab.sweep.trial import Trial
from genlab.train import write_results
from genlab.writer import Writer

_log = logging.getLogger("genlab")


class Member:
    """Keeps a member's log while its population trains, and ends it as a run of its own.

    Args:
      trial: what the member is.
      shared: a recipe of the population; its data serve the member too.
      sweep: the folder of the sweep.
      step: rounds done at the start.
    """

    def __init__(self, trial: Trial, shared: Recipe, sweep: Path, step: int):
        self.trial, self._shared, self._sweep = trial, shared, sweep
        self.workdir = trial.folder(sweep)
        self.failure = ""
        self._plan = Plan.of(trial.config)
        self._rows: list[dict[str, np.ndarray]] = []
        with locked(self.workdir):
            claim(self.workdir, self._recipe(), trial.overrides)
        self.writer = Writer(self.workdir, step)

    def _recipe(self) -> Recipe:
        """The trial's own parts, on the data that the population shares."""
        recipe, config = self._shared, self.trial.config
        spec = {section: config[section] for section in SECTIONS}
        experiment = build_experiment(spec, recipe.data, config["dtype"])
        return replace(recipe, config=config, experiment=experiment)

    def log(self, step: int, rows: dict[str, np.ndarray]) -> None:
        """Takes the metrics of a call, `[rounds]` each; a loss that is not finite is recorded."""
        if self.failure:
            return
        try:
            refuse_non_finite(rows, step - len(next(iter(rows.values()))))
        except NonFiniteLoss as error:
            self.failure = str(error).partition(";")[0]
            _log.warning(
                "trial %s %s: %s", self.trial.name, self.trial.overrides, error
            )
            return
        self._rows.append(rows)
        if "log" in self._plan.due(step):
            self.writer.write(step, "train", average(self._rows))
            self._rows = []

    def finish(self, state: State) -> None:
        """Saves the member as a run of its own, with results, pictures and report."""
        self.writer.close()
        failed = self.workdir / "failed.txt"
        if self.failure or not _all_finite(state):
            failed.write_text((self.failure or "the state is not finite") + "\n")
            return
        failed.unlink(missing_ok=True)
        if self.trial.results(self._sweep) is not None:
            return
        keep = self.trial.config["checkpoint"]["keep"]
        with locked(self.workdir):
            checkpoints = Checkpoints(self.workdir / "checkpoints", keep)
            checkpoints.save(state, int(state.step))
            trained = self._recipe().trained(jax.device_put(jax.device_get(state)))
            chosen = self.trial.config["sample"]["plots"]
            evaluate.save_pictures(trained, chosen, self.workdir / "samples")
            write_results(self.workdir, trained, self.trial.config)


def _all_finite(state: State) -> bool:
    leaves = jax.tree.leaves(state.params)
    return all(bool(jnp.isfinite(leaf).all()) for leaf in leaves)
