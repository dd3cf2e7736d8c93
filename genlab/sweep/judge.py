"""Whether a trial of a search is worth going on with, by what it reached so far."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genlab.config.stage import stages_of
from genlab.errors import InputError
from genlab.evaluation.evaluate import check_choice
from genlab.registry import experiments, metrics
from genlab.run.recipe import load_data
from genlab.storage.files import write_atomic
from genlab.storage.writer import finite_or_none
from genlab.sweep.search import Search
from genlab.trials.tail import Evaluations, loss_of
from genlab.trials.trial import Trial

if TYPE_CHECKING:
    import optuna


class Judge:
    """Reports a trial's evaluations to Optuna while it trains, and gives up a loser.

    What it decides depends on the evaluations and the trials before alone, not on how often it is
    asked; a trial that was judged before goes on where the judge was.

    Args:
      claimed: the trial as Optuna knows it.
      trial: the same as a run.
      sweep: the folder of the sweep.
      target: `NAME`, or `-NAME` for one that is maximised.

    Attributes:
      gave_up: whether the trial is a loser.
    """

    def __init__(self, claimed: "optuna.Trial", trial: Trial, sweep: Path, target: str):
        folder, split = trial.folder(sweep), trial.config["eval"]["split"]
        self._claimed, self._target, self._folder = claimed, target, folder
        last = stages_of(trial.config)[-1]
        self._begin, self._end = last.begin, last.end
        self._evaluations = Evaluations(folder, target, split, last.begin)
        known = claimed.study.get_trials(deepcopy=False)[claimed.number]
        self._reported = set(known.intermediate_values)
        self._last: tuple[int, float] = (0, 0.0)
        self.gave_up = False

    def gives_up(self) -> bool:
        """Judges by the evaluations that are new; once it gave up it does not change its mind.

        Raises:
          InputError: the target is not among what the trial measures.
        """
        for step, value in () if self.gave_up else self._evaluations.new():
            if step >= self._end:
                break  # it has run its course
            rounds = step - self._begin
            if rounds not in self._reported:
                self._claimed.report(loss_of(value, self._target), rounds)
            self._last = (step, value)
            if self._claimed.should_prune():
                self.gave_up = True
                break
        return self.gave_up

    def record(self) -> None:
        """Writes `pruned.json`: the step, the target and its value when the judge gave up."""
        step, value = self._last
        record = {"step": step, "target": self._target}
        record |= finite_or_none({"value": value})
        write_atomic(self._folder / "pruned.json", json.dumps(record))


def check_target(config: dict[str, Any], search: Search) -> None:
    """Refuses, before anything is trained, a search whose target nobody will measure in time.

    Raises:
      InputError: as `check_measured`, or a pruner without evaluations before the last round.
    """
    check_measured(config, search.target)
    every, steps = config["eval"]["every"], config["train"]["steps"]
    if search.pruner != "none" and every >= steps:
        raise InputError(
            f"--pruner={search.pruner} needs evaluations during training, and"
            f" eval.every={every} gives none; take 1 to {steps - 1}, rounds"
        )


def check_measured(config: dict[str, Any], target: str) -> None:
    """Refuses a target that trials of a plain config do not measure on `eval.split`.

    Values that a family measures by itself have no metric in their name; they are known when a
    trial has evaluated for the first time.

    Raises:
      InputError: `eval.every` is 0, the target's metric is not in `eval.metrics`, nor its family one
        that measures by itself, or the split that trials are compared on is empty or that of the
        results.
    """
    section = config["eval"]
    if not section["every"]:
        raise InputError(
            f"--target={target} compares trials by their last evaluation on"
            f" eval.split={section['split']!r}, and eval.every=0 gives none; set"
            f" --config.eval.every, 1 to {config['train']['steps']} rounds"
        )
    name = target.removeprefix("-")
    metric = name.partition("/")[0]
    chosen = [
        part if isinstance(part, str) else part["name"] for part in section["metrics"]
    ]
    family = experiments.find(config["experiment"]["name"])
    has_own = not isinstance(family, type) or hasattr(family, "measure")
    is_own = metric == name and metric not in metrics and has_own
    if metric not in chosen and not is_own:
        raise InputError(
            f"--target={target} is not measured: config.eval.metrics has"
            f" {', '.join(chosen) or 'nothing'}"
        )
    check_choice(load_data(config), section, f"--target={target}")
